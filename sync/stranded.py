"""What lost its place when a hub was put back, and no machine has to write anew: out of the hub, onto paper if need be.

It takes two disasters at once: a hub put back from a backup, and the machine that wrote on since put back too, or gone.
Then the hub alone holds those changesets, and can read only their open half. It hands them over in files; a machine of
the school opens them and tells what stands in them and not in its own log, for people to write again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from shared.problems import FlawedBundle, FlawedChangeset, KeyAwaited, WrongSigner
from sync.capture import decode_values
from sync.cbor import pack, unpack
from sync.change import Change
from sync.codec import Envelope, all_changes, open_envelope
from sync.state import State, epoch_keys
from sync.transport.folder import bundles, read_bundle, write_bundle

STRANDED = ".stranded"
_MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Stranded:
    """A changeset with those of its changes that are not in this machine's log."""

    hash: bytes
    missing: tuple[Change, ...]


def write(folder: Path, school: int, envelopes: Sequence[bytes]) -> int:
    """Put changesets of a school into files of a folder; returns how many files."""
    some: list[bytes] = []
    files = 0
    for at, data in enumerate(envelopes, 1):
        some.append(data)
        if at == len(envelopes) or sum(map(len, some)) > _MOST_BYTES:
            files += 1
            write_bundle(folder / f"{school}-{files:04}{STRANDED}", pack([school, some]))
            some = []
    return files


def read(db: Database, folder: Path) -> list[Stranded]:
    """What the files of a folder hold of this node's school, in the order it was written.

    FlawedBundle, FlawedChangeset: a file was damaged. WrongSigner: no machine of the school wrote it. KeyAwaited: the
    key that seals it has not come to this machine.
    """
    keys = epoch_keys(db)
    opened: list[tuple[bytes, list[Change]]] = []
    for envelope in _envelopes(db, folder):
        if envelope.epoch not in keys:
            raise KeyAwaited()
        opened.append((envelope.hash, all_changes(envelope, keys[envelope.epoch])))
    opened.sort(key=lambda one: min(change.clock for change in one[1]))
    known = _logged(db, [change for _, changes in opened for change in changes])
    return [Stranded(hashed, tuple(c for c in changes if not _take(known, c))) for hashed, changes in opened]


def _envelopes(db: Database, folder: Path) -> Iterator[Envelope]:
    school = State(db).school
    signers = {bytes(key) for (key,) in db.execute("SELECT node FROM origin WHERE school = ?", (school,))}
    signers |= {bytes(key) for (key,) in db.execute("SELECT signing FROM certificate")}
    for path in bundles(folder, STRANDED):
        content = unpack(read_bundle(path), "the file")
        if not (isinstance(content, list) and len(content) == 2 and isinstance(content[1], list)):
            raise FlawedBundle()
        if content[0] != school:
            continue
        for data in content[1]:
            if not isinstance(data, bytes):
                raise FlawedBundle()
            envelope = open_envelope(data)
            if envelope.header.school != school:
                raise FlawedChangeset("it belongs to another school")
            if not any(_signed_by(envelope, key) for key in signers):
                raise WrongSigner()
            yield envelope


def _signed_by(envelope: Envelope, key: bytes) -> bool:
    try:
        envelope.verify(key)
    except WrongSigner:
        return False
    return True


def _mark(table: int, clock: int, columns: Collection[int]) -> tuple[int, int, frozenset[int]]:
    """By which a change is known again though ids were given anew and values erased."""
    return table, clock, frozenset(columns)


def _logged(db: Database, changes: Sequence[Change]) -> Counter[tuple[int, int, frozenset[int]]]:
    clocks = {change.clock for change in changes}
    if not clocks:
        return Counter()
    rows = db.execute(
        "SELECT tbl, clock, vals FROM change WHERE clock BETWEEN ? AND ?", (min(clocks), max(clocks))
    )
    return Counter(_mark(tbl, clock, decode_values(vals)) for tbl, clock, vals in rows if clock in clocks)


def _take(known: Counter[tuple[int, int, frozenset[int]]], change: Change) -> bool:
    """Is it in the log? Each entry of that answers for one change."""
    mark = _mark(change.table, change.clock, change.values)
    known[mark] -= 1
    return known[mark] >= 0
