"""Erasure is a change: what a withdrawn consent was for is blanked for good, in rows, log and kept changesets.

`erase` writes erasing changes in the caller's transaction, takes the old values out of the log, and seals the kept
changesets that have their place anew without them, each with an amendment signed by this node. With the next sync the
hub swaps the sealed part and keeps the signed header; the school's other nodes get the amended part and drop the old
one. What others wrote in the meantime without knowing of it is blanked on arrival and amended by whoever holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlite_utils import Database

from shared import crypto
from shared.db import errors, transaction
from shared.problems import FlawedChangeset, Problem
from shared.schema import Column, Table
from shared.tables import quoted
from sync import amendment, clock
from sync.amendment import Amendment
from sync.capture import decode_values
from sync.codec import Envelope, all_changes, open_envelope, open_sealed, seal_again
from sync.gate import GATED, subject
from sync.log import NodeLog
from sync.scrub import AMENDED, HOLDS, SEALED_ANEW, Blanks, note_erasing, scrub
from sync.state import Identity, State, epoch_keys, identity
from sync.undo import note_act
from sync.writer import Writer

AMENDING_SINCE = 2
"""The schema version of the first releases that know amendments."""
_MOST = 1_024
_HIGHEST_COUNT = 2**31
"""Beyond what counting reaches: whoever signs such a count means to have the last word."""
_MARKED = "amend <> 0 AND amend"
"""SQL: so said, the index of marked changesets serves; the mark stands behind the envelope, and all would be read."""
Item = tuple[bytes, bytes, bytes]
"""As amendments travel: hash of the changeset, its new school part, the record."""


Cells = tuple[Table, int, tuple[int, ...], Sequence[Column]]
"""Of a row by its local key and its key, the columns to erase: whole merge units."""


@dataclass(frozen=True)
class Erased:
    """What an erasure did: its mark among the acts (0: there was nothing), values blanked in rows, changes scrubbed."""

    mark: int
    values: int
    changes: int


def erase(w: Writer, person: int, purposes: Collection[str]) -> Erased:
    """Erase all that the school keeps of a person under these consent purposes, inside a write transaction.

    What shows, what is hidden by the gate, and every earlier value. It cannot be undone. InvalidValue: not the
    school's own person.
    """
    log = NodeLog(w.db)
    cells: list[Cells] = []
    for table in GATED:
        wanted = [c for c in table.consented if c.consent in purposes]
        sql = f"SELECT {quoted(table.row_id)} FROM {quoted(table.name)} WHERE {quoted(subject(table))} = ?"
        rids = {rid for (rid,) in w.db.conn.execute(sql, (person,))} if wanted else set()
        for rid, key in log.keys_of(table.number, rids).items():
            entries = log.history(table, key)
            held = [c for c in wanted if any(e.values.get(c.number) is not None for e in entries)]
            if held:
                cells.append((table, rid, key, held))
    if not cells:
        return Erased(0, 0, 0)
    values = sum(len(held) for *_, held in cells)
    mark = note_act(w, "erasure", ", ".join(sorted(purposes)), values)
    return Erased(mark, values, erase_cells(w, cells))


def erase_cells(w: Writer, cells: Sequence[Cells]) -> int:
    """Erase columns of rows in rows, log and kept changesets; returns how many changes held values of them."""
    if State(w.db).registered and identity(w.db).epoch:
        # What is cut says what was written, whatever the log says from here on: twins cut the same.
        NodeLog(w.db).cut(identity(w.db))
    rows: dict[int, set[int]] = {}
    for table, rid, key, columns in cells:
        w.blank(table, rid, key, columns)
        rows.setdefault(table.number, set()).add(rid)
    note_erasing(w.db, rows)
    count = scrub(NodeLog(w.db), rows)
    amend_what_holds(w.db)
    State(w.db).untidy = 1
    return count


def tidy(db: Database) -> bool:
    """After an erasure: leave no old page behind in the file and its write-ahead log; returns whether it was due.

    Outside of any transaction. DatabaseBusy, DiskFull (it needs room for a copy of the file).
    """
    if not State(db).untidy:
        return False
    with errors(db):
        db.conn.execute("VACUUM")
        with transaction(db):
            State(db).untidy = 0
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return True


# -- sealing anew --------------------------------------------------------------------------------------------------


def amend_what_holds(db: Database) -> int:
    """Seal every kept changeset anew that holds erased values, inside the caller's transaction; returns how many.

    One without a place stays as it was cut until it has one: should its line have to be written anew, its twins write
    the same (`sync.fork`).
    """
    rows = db.conn.execute(
        f"SELECT hash, envelope, local_first FROM changeset WHERE {_MARKED} = ? AND +school = ? AND +position > 0",
        (HOLDS, int(State(db).school)),
    ).fetchall()
    if not rows:
        return 0
    keys, epochs = identity(db), epoch_keys(db)
    done = 0
    for hashed, data, first in rows:
        envelope = open_envelope(data)
        if envelope.epoch not in epochs or not keys.epoch:
            continue
        blanks = _held(db, envelope, epochs[envelope.epoch], first)
        if blanks:
            after = _drop_refused(db, envelope.hash)
            envelope = amend(envelope, epochs[envelope.epoch], blanks, _clock(db), keys, after)
            done += 1
        _keep(db, hashed, envelope, SEALED_ANEW if blanks else AMENDED)
    return done


def amend(
    envelope: Envelope, old_key: bytes, blanks: Blanks, stamp: int, keys: Identity, after: int = 0
) -> Envelope:
    """Seal a school part anew without some values, under the newest key; nothing else of a change goes.

    ``after``: the count of an amendment that the hub has and that was not taken here.
    """
    part, changes = open_sealed(envelope, old_key)
    for change in changes:
        change.values |= dict.fromkeys(set(blanks.get(change.number, ())) & change.values.keys())
    salt = crypto.random_bytes(crypto.SALT_BYTES)
    school = seal_again(envelope.header, part, changes, keys.school_key, salt)
    record = Amendment(
        changeset=envelope.hash,
        count=max(envelope.amendment.count if envelope.amendment else 0, after) + 1,
        old=envelope.part,
        new=crypto.sha256(school),
        epoch=keys.epoch,
        salt=salt,
        clock=stamp,
        node=keys.signer.public,
        reason=amendment.ERASURE,
    )
    return envelope.amended(school, replace(record, data=amendment.sign(record, keys.signer)))


def _held(db: Database, envelope: Envelope, key: bytes, local_first: int) -> dict[int, set[int]]:
    """The values that a changeset still holds and the log does not."""
    first, last = envelope.header.first, envelope.header.last
    logged = _logged(db, local_first, last - first + 1)
    _, changes = open_sealed(envelope, key)
    found: dict[int, set[int]] = {}
    for change in changes:
        values = logged[change.number - first]
        for number, value in change.values.items():
            if value is not None and values.get(number, value) is None:
                found.setdefault(change.number, set()).add(number)
    return found


def _logged(db: Database, local_first: int, count: int) -> list[dict[int, int | str | bytes | None]]:
    rows = db.conn.execute(
        "SELECT vals FROM change WHERE n >= ? AND n < ? ORDER BY n", (local_first, local_first + count)
    )
    return [decode_values(vals) for (vals,) in rows]


def _keep(db: Database, hashed: bytes, envelope: Envelope, mark: int) -> None:
    db.conn.execute(
        "UPDATE changeset SET envelope = ?, amend = ? WHERE hash = ?", (envelope.data, mark, hashed)
    )


def _clock(db: Database) -> int:
    return int(db.conn.execute("SELECT clock FROM writing").fetchone()[0])


# -- exchanging ----------------------------------------------------------------------------------------------------


def waiting(db: Database) -> int:
    """How many kept changesets are yet to be amended, here or at the hub."""
    sql = f"SELECT count(*) FROM changeset WHERE {_MARKED} IN (?, ?)"
    return int(db.conn.execute(sql, (HOLDS, SEALED_ANEW)).fetchone()[0])


def settled(db: Database) -> bool:
    """Is every amendment known on both sides? Yes, too, as far as an older hub can know any."""
    state = State(db)
    return not state.hub_amends or (not waiting(db) and int(state.amended) >= int(state.amended_head))


def prepare(db: Database) -> None:
    """Before a request: amend what others' erasures ask for, once what they amended themselves is here."""
    state = State(db)
    if int(state.amended) >= int(state.amended_head):
        amend_what_holds(db)


def to_send(db: Database, budget: int) -> list[Item]:
    """Amendments that the hub does not know yet, at least one if any, once their erasures have a place."""
    unplaced = db.conn.execute("SELECT min(local_first) FROM changeset WHERE position IS NULL").fetchone()[0]
    erasing = "SELECT 1 FROM change WHERE n >= ? AND instr(vals, '\"erase\":1') LIMIT 1"
    if db.conn.execute(erasing, (unplaced or NodeLog(db).last_cut() + 1,)).fetchone():
        return []
    found: list[Item] = []
    for (data,) in db.conn.execute(
        f"SELECT envelope FROM changeset WHERE {_MARKED} = ? ORDER BY local_first LIMIT ?",
        (SEALED_ANEW, _MOST),
    ):
        envelope = open_envelope(data)
        assert envelope.amendment
        budget -= len(envelope.school) + len(envelope.amendment.data)
        if budget < 0 and found:
            break
        found.append((envelope.hash, envelope.school, envelope.amendment.data))
    return found


def note_answer(db: Database, accepted: Collection[bytes], last: int, hub_version: int) -> None:
    """The hub has these amendments, named by the hash of their record, and so many of the school in all.

    One that has fewer than it told of before was put back from an old copy.
    """
    state = State(db)
    if last < int(state.amended) and hub_version >= AMENDING_SINCE:
        begin_again(db)
    state.amended_head, state.hub_amends = last, int(hub_version >= AMENDING_SINCE)
    for hashed, data in db.conn.execute(
        f"SELECT hash, envelope FROM changeset WHERE {_MARKED} = ?", (SEALED_ANEW,)
    ).fetchall():
        envelope = open_envelope(data)
        if envelope.amendment and crypto.sha256(envelope.amendment.data) in accepted:
            _keep(db, hashed, envelope, AMENDED)


def begin_again(db: Database) -> None:
    """The hub was put back: tell it of all amendments, and hear of all, whose places may be other ones now."""
    db.conn.execute(f"UPDATE changeset SET amend = ? WHERE {_MARKED} = ?", (SEALED_ANEW, AMENDED))
    State(db).amended = 0


def take(db: Database, items: Iterable[tuple[int, bytes, bytes, bytes]], nodes: Collection[bytes]) -> None:
    """Take amended parts that the hub passes on, in order, as far as the changesets they are of are here."""
    state, epochs = State(db), epoch_keys(db)
    for place, hashed, part, data in items:
        if place <= int(state.amended):
            continue
        row = db.conn.execute(
            "SELECT envelope, local_first FROM changeset WHERE hash = ?", (hashed,)
        ).fetchone()
        try:
            if row is None:
                if not _take_into_quarantine(db, hashed, part, data, nodes):
                    return
            elif not _take_one(db, open_envelope(row[0]), row[1], part, data, nodes, epochs):
                return
        except Problem as problem:
            db.conn.execute(
                "INSERT INTO quarantine (hash, at, reason, envelope) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (crypto.sha256(data), clock.now_ms(), problem.sentence(), data),
            )
        state.amended = place


def _take_one(
    db: Database,
    envelope: Envelope,
    local_first: int,
    part: bytes,
    data: bytes,
    nodes: Collection[bytes],
    epochs: dict[int, bytes],
) -> bool:
    """Put an amended part in place of the one kept; False: its key is not here yet."""
    record, own = amendment.read(data), envelope.amendment
    if record.new == envelope.part or (own and record.count < own.count):
        return True
    made = _amended(envelope, part, data, nodes)
    if made.epoch not in epochs:
        return False
    _require_only_blanks(db, envelope, made, local_first, epochs)
    held = _held(db, made, epochs[made.epoch], local_first)
    _keep(db, envelope.hash, made, HOLDS if held else AMENDED)
    _drop_refused(db, envelope.hash)
    state = State(db)
    state.untidy = 1
    return True


def _drop_refused(db: Database, hashed: bytes) -> int:
    """Take out of what was set aside the amendments of a changeset; returns the highest count of one, 0 without any.

    From a node whose line completes a hub that was put back an amendment may come before the erasure that it is for,
    and is refused. Once the erasure is here, this node's own must count as the newer one, or the hub passes it over.
    """
    highest = 0
    for key, data in db.conn.execute(
        "SELECT hash, envelope FROM quarantine WHERE position IS NULL"
    ).fetchall():
        try:
            record = amendment.read(data)
        except FlawedChangeset:
            continue
        if record.changeset == hashed and record.count < _HIGHEST_COUNT:
            highest = max(highest, record.count)
            db.conn.execute("DELETE FROM quarantine WHERE hash = ?", (key,))
    return highest


def _amended(envelope: Envelope, part: bytes, data: bytes, nodes: Collection[bytes]) -> Envelope:
    made = open_envelope(envelope.amended(part, amendment.read(data)).data)
    made.verify_amendment(nodes)
    return made


def _take_into_quarantine(
    db: Database, hashed: bytes, part: bytes, data: bytes, nodes: Collection[bytes]
) -> bool:
    """A changeset that was set aside is amended all the same; False: it is not here at all."""
    row = db.conn.execute("SELECT envelope FROM quarantine WHERE hash = ?", (hashed,)).fetchone()
    if row is None:
        return False
    made = _amended(open_envelope(row[0]), part, data, nodes)
    db.conn.execute("UPDATE quarantine SET envelope = ? WHERE hash = ?", (made.data, hashed))
    return True


def _require_only_blanks(
    db: Database, envelope: Envelope, made: Envelope, local_first: int, epochs: dict[int, bytes]
) -> None:
    """Raise FlawedChangeset unless an amendment only makes null what an erasure in the log made null here."""
    if envelope.epoch not in epochs:
        raise FlawedChangeset("its key is not known")
    logged = _logged(db, local_first, made.header.last - made.header.first + 1)
    ours = all_changes(envelope, epochs[envelope.epoch])
    theirs = all_changes(made, epochs[made.epoch])
    for mine, other, values in zip(ours, theirs, logged, strict=True):
        if replace(mine, values={}) != replace(other, values={}) or mine.values.keys() != other.values.keys():
            raise FlawedChangeset("its amendment changes more than erased values")
        for number, value in other.values.items():
            before = mine.values[number]
            if value is not None and before is not None and value != before:
                raise FlawedChangeset("its amendment changes more than erased values")
            if value is None and before is not None and values.get(number) is not None:
                raise FlawedChangeset("its amendment erases what nobody erased")


def amending_nodes(db: Database) -> set[bytes]:
    """Signing keys that may stand under an amendment: of every node the school ever had, as far as known here."""
    state = State(db)
    known = {bytes(node) for (node,) in db.conn.execute("SELECT node FROM origin")}
    listed = bytes(state.nodes)
    return known | {listed[at : at + 32] for at in range(0, len(listed), 32)} | {identity(db).signer.public}
