"""A hub put back from an old backup: the node shows it what it lacks, and follows it where histories had parted.

A node keeps every changeset of its school with the hub's receipt, and the hub's word for every node. When the hub's
stream ends before its own, or holds something else at one of its positions, it shows its line from the last common
position on; the hub takes it back as `hub.completing` says. If the hub holds all of the line and still has another
order (another node showed an older one first), the node goes back to the common position and takes that order: its own
changesets wait for a place again, all others keep theirs far behind until the hub tells the new one. Whatever it had
written after the common position counts as written without having seen what the hub placed there: nothing is hidden by
a value whose author did not know it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from sqlite_utils import Database

from shared.schema import BY_NUMBER
from sync import digest, erasure
from sync.apply import Key, RowWrite
from sync.cbor import pack, unpack
from sync.change import NO_HASH
from sync.codec import Envelope, all_changes, open_envelope
from sync.log import NodeLog
from sync.merge import resolve
from sync.messages import (
    Answer,
    StreamEntry,
    fingerprint,
    fingerprint_of,
    is_certified,
    next_head,
)
from sync.registration import seal_epoch
from sync.state import State, epoch_keys, identity

NODES_ALONE = 2**62
"""State ``completing``: the hub lacks no place of a stream, but nodes or keys."""
DISPLACED = 2**40
"""Added to the position of what must be told its place anew; no stream is that long."""
_MOST_BYTES = 6 * 1024 * 1024
_MOST_PLACES = 1_000
_FIELDS = "position, hash, receipt, seen, envelope"


def beginnings(db: Database) -> list[bytes]:
    """What a request says of the heads of both streams."""
    state = State(db)
    return [bytes(state.stream_hash)[:8], bytes(state.reference_hash)[:8]]


def lowered(db: Database, hashes: Collection[bytes]) -> list[tuple[bytes, int]]:
    """Which of these own changesets claim to have seen less than their header says."""
    if int(State(db).lowered) == 0:
        return []
    found = []
    for hashed, seen, data in db.conn.execute(
        "SELECT hash, seen, envelope FROM changeset WHERE position IS NULL"
    ):
        if hashed in hashes and seen < open_envelope(data).header.seen:
            found.append((bytes(hashed), int(seen)))
    return found


# -- what the hub is shown ---------------------------------------------------------------------------------------


def note_unknown(db: Database) -> bool:
    """The hub says that it does not know this node, which it had registered; returns whether it can be shown that."""
    state = State(db)
    if not state.registered or int(state.completing) >= 0 or not _certificates(db):
        return False
    state.completing = NODES_ALONE
    return True


def again(db: Database) -> dict[int, Any] | None:
    """What a request shows: certificates, the kit's public keys, both streams' lines from where they parted on."""
    state = State(db)
    if int(state.completing) < 0:
        return None
    after = int(state.completing)
    line, before = _line(db, int(state.school), after) if after < NODES_ALONE else ([], NO_HASH)
    reference_after = int(state.reference_completing)
    reference, reference_before = _line(db, 0, reference_after) if reference_after >= 0 else ([], NO_HASH)
    shown = {
        1: [list(one) for one in _certificates(db)],
        5: line,
        6: reference,
        7: before,
        8: int(state.school),
        9: reference_before,
    }
    if state.recovery_public:
        shown |= {2: bytes(state.recovery_public), 3: bytes(state.recovery_signing)}
    return shown


def all_epochs(db: Database) -> list[tuple[int, bytes, bytes]]:
    """Every key of the school, sealed to the kit and to this node."""
    kit = bytes(State(db).recovery_public)
    recipients = [*([kit] if kit else []), identity(db).opener.public]
    return [(n, r, seal_epoch(db, r, n)) for n in sorted(epoch_keys(db)) for r in recipients]


def _certificates(db: Database) -> list[tuple[bytes, bytes, int, bytes]]:
    return [
        (bytes(s), bytes(o), int(at), bytes(c))
        for s, o, at, c in db.conn.execute(
            "SELECT signing, opening, revoked_at, certificate FROM certificate"
        )
    ]


def _places(db: Database, school: int) -> Iterator[tuple[int, bytes, bytes, int, bytes]]:
    """This node's line of a stream, what was set aside included, as far as it knows it without a gap."""
    aside = (
        f"UNION ALL SELECT position, hash, receipt, -1, envelope FROM quarantine "
        f"WHERE position BETWEEN 1 AND {DISPLACED}"
    )
    rows = db.conn.execute(
        f"SELECT {_FIELDS} FROM changeset WHERE school = ? AND position BETWEEN 1 AND {DISPLACED} "
        f"{aside if school else ''} ORDER BY position",
        (school,),
    )
    for expected, (position, hashed, receipt, seen, data) in enumerate(rows, 1):
        if position != expected or receipt is None:
            return
        yield position, bytes(hashed), bytes(receipt), seen, bytes(data)


def _line(db: Database, school: int, after: int) -> tuple[list[list[Any]], bytes]:
    """Places after a position with what proves them, within a budget, and the head before the first."""
    line: list[list[Any]] = []
    head, size = NO_HASH, 0
    for position, hashed, receipt, seen, data in _places(db, school):
        if position <= after:
            head = next_head(head, hashed)
            continue
        size += len(data)
        if line and (size > _MOST_BYTES or len(line) >= _MOST_PLACES):
            break
        capped = 0 <= seen < open_envelope(data).header.seen
        line.append([position, receipt, seen if capped else None, data])
    return line, head


# -- what the hub says -------------------------------------------------------------------------------------------


def keep_certificates(db: Database, answer: Answer) -> None:
    """Keep the hub's word for the school's nodes; of two instants of a revocation the first, never none after one."""
    state = State(db)
    told = {signing: (opening, revoked_at) for signing, opening, revoked_at, _, _ in answer.nodes}
    for signing, certificate in answer.certificates:
        opening, revoked_at = told.get(signing, (b"", 0))
        if is_certified(state.hub_signing, answer.school, signing, opening, revoked_at, certificate):
            db.conn.execute(
                "INSERT INTO certificate VALUES (?, ?, ?, ?) ON CONFLICT (signing) DO UPDATE SET "
                "revoked_at = excluded.revoked_at, certificate = excluded.certificate "
                "WHERE excluded.revoked_at > 0 AND (revoked_at = 0 OR excluded.revoked_at < revoked_at)",
                (signing, opening, revoked_at, certificate),
            )


def known(db: Database) -> bytes:
    """The fingerprint of the certificates that are here."""
    return fingerprint((signing, revoked_at) for signing, _, revoked_at, _ in _certificates(db))


def compare(db: Database, log: NodeLog, answer: Answer) -> None:
    """Note what the hub lacks, or go back to where its order parted from this node's; in the transaction."""
    state = State(db)
    lacks = 0 < answer.epoch < identity(db).epoch or _lacks_nodes(db, answer)
    completing, reference = NODES_ALONE if lacks else -1, -1
    if answer.heads:
        erasure.begin_again(db)
        common = _common(db, int(state.school), answer.heads)
        held = max(common, answer.held[0])
        if held >= int(state.position):
            go_back(db, log, common)
        else:
            completing = held
    if answer.reference_heads:
        common = _common(db, 0, answer.reference_heads)
        held = max(common, answer.held[1])
        if held >= int(state.reference_position):
            _go_back_in_reference(db, log, common)
        else:
            reference = held
            completing = completing if completing >= 0 else NODES_ALONE
    state.completing, state.reference_completing = completing, reference


def _lacks_nodes(db: Database, answer: Answer) -> bool:
    """Is there a node here, or a revocation, of which the hub does not know?

    It may well know of more: the answer to a request of this machine's before a backup was put back brings no word for
    the nodes that were known then.
    """
    told = {signing: revoked_at for signing, _, revoked_at, _, _ in answer.nodes}
    return any(
        signing not in told or (revoked_at and not 0 < told[signing] <= revoked_at)
        for signing, _, revoked_at, _ in _certificates(db)
    )


def _common(db: Database, school: int, heads: list[tuple[int, bytes]]) -> int:
    """The last of these positions at which this node's stream has the same head."""
    wanted = dict(heads)
    head, common = NO_HASH, 0
    for position, hashed, *_ in _places(db, school):
        head = next_head(head, hashed)
        if wanted.get(position) == head:
            common = position
    return common


def _head_at(db: Database, school: int, at: int) -> bytes:
    head = NO_HASH
    for position, hashed, *_ in _places(db, school):
        if position > at:
            break
        head = next_head(head, hashed)
    return head


# -- another order -----------------------------------------------------------------------------------------------


def go_back(db: Database, log: NodeLog, common: int) -> None:
    """Forget the places after a position; nothing that was written is taken out."""
    state = State(db)
    head = _head_at(db, int(state.school), common)
    concerned = db.conn.execute(
        "SELECT envelope FROM changeset WHERE school = ? AND (position > ? OR (position IS NULL AND seen > ?))",
        (state.school, common, common),
    ).fetchall()
    own = "origin IN (SELECT origin FROM origin WHERE node = ?)"

    def move() -> None:
        where = "WHERE school = ? AND (position > ? OR position IS NULL)"
        db.conn.execute(f"UPDATE changeset SET seen = min(seen, ?) {where}", (common, state.school, common))
        db.conn.execute(
            f"UPDATE changeset SET position = NULL, receipt = x'' WHERE school = ? AND position > ? AND {own}",
            (state.school, common, identity(db).signer.public),
        )
        db.conn.execute(
            "UPDATE changeset SET position = position + ? WHERE school = ? AND position > ? AND position < ?",
            (DISPLACED, state.school, common, DISPLACED),
        )
        db.conn.execute("DELETE FROM quarantine WHERE position > ?", (common,))

    keys = epoch_keys(db)
    rewrite(log, [open_envelope(data) for (data,) in concerned], keys, move)
    state.position, state.stream_hash, state.lowered = common, head, 1


def held(db: Database, hashes: Collection[bytes]) -> list[bytes]:
    """Which of these are here, with a place or without?"""
    sql = "SELECT 1 FROM changeset WHERE hash = ?"
    return [hashed for hashed in hashes if db.conn.execute(sql, (hashed,)).fetchone()]


def to_report(db: Database) -> list[bytes]:
    """Which changesets that had lost their place are written anew, and the hub has not said that it knows."""
    waiting = State(db).anew
    return list(unpack(waiting, "the list")) if waiting else []


def report(db: Database, anew: Collection[bytes]) -> None:
    """Have the hub told, with the next request behind which nothing waits, that these are written anew."""
    State(db).anew = pack(sorted({*to_report(db), *anew}))


def note_aside(db: Database, answer: Answer) -> None:
    """What the hub says of changesets that lost their place; in the transaction."""
    state = State(db)
    if state.anew:
        state.anew = pack(sorted(set(to_report(db)) - set(answer.accepted)))
    if answer.aside:
        state.aside = b"" if held(db, answer.aside) else fingerprint_of(answer.aside)
    state.stranded = answer.stranded


def _go_back_in_reference(db: Database, log: NodeLog, common: int) -> None:
    """The hub says again what it had said since, under other numbers: what it said first is taken out."""
    state = State(db)
    head = _head_at(db, 0, common)
    gone = [
        open_envelope(data)
        for (data,) in db.conn.execute(
            "SELECT envelope FROM changeset WHERE school = 0 AND position > ? ORDER BY position", (common,)
        )
    ]
    log.rebuild_mode()
    log.take_out(gone, [change for envelope in gone for change in all_changes(envelope, None)])
    log.capture_mode()
    state.reference_position, state.reference_hash = common, head


def place_again(db: Database, log: NodeLog, entry: StreamEntry) -> None:
    """Give a changeset that is here the place that the hub says now, and let its rows show what follows from it."""
    row = db.conn.execute("SELECT envelope FROM changeset WHERE hash = ?", (entry.hash,)).fetchone()
    envelope = open_envelope(row[0])
    seen = envelope.header.seen if entry.seen is None else min(entry.seen, envelope.header.seen)

    def move() -> None:
        db.conn.execute(
            "UPDATE changeset SET position = ?, receipt = ?, seen = ? WHERE hash = ?",
            (entry.position, entry.receipt, seen, entry.hash),
        )

    rewrite(log, [envelope], epoch_keys(db), move)


def rewrite(
    log: NodeLog, envelopes: list[Envelope], keys: Mapping[int, bytes], act: Callable[[], None]
) -> None:
    """Let ``act`` change places in the log, then bring the rows these changesets touch to what the log says."""
    touched: dict[int, set[Key]] = {}
    for envelope in envelopes:
        for change in all_changes(envelope, keys[envelope.epoch]):
            touched.setdefault(change.table, set()).add(change.key)
    lineage = log.lineage()
    before = {number: log.histories(number, some) for number, some in touched.items()}
    act()
    sums: digest.Sums = {}
    log.apply_mode()
    for number, some in touched.items():
        table = BY_NUMBER.get(number)
        if table is None:
            continue
        after = log.histories(number, some)
        rows = []
        for key, entries in after.items():
            old = resolve(table, before[number].get(key, []), lineage)
            rows.append(RowWrite(key, old, resolve(table, entries, lineage)))
            digest.move(sums, table, key, old.values, rows[-1].after.values)
        log.write(table, rows)
    log.add_to_digest(sums)
    log.hold_rows(touched)
    log.capture_mode()
