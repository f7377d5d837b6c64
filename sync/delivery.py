"""What a node does with the hub's answer: keys, forks, the two streams; all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from shared import crypto
from shared.db import DRIVER, reading, transaction
from shared.problems import (
    DigestsDiffer,
    FlawedChangeset,
    ForeignRow,
    Forked,
    HubAnswer,
    MissingPart,
    Problem,
    WrongSigner,
)
from shared.schema import VERSION
from sync import clock, digest, erasure, fork, registration, restored
from sync.apply import Delivered, apply, require_own_rows
from sync.cbor import pack, unpack
from sync.change import NO_HASH, Header
from sync.codec import Envelope, all_changes, open_envelope
from sync.log import NodeLog
from sync.messages import Answer, StreamEntry, check_receipt, next_head
from sync.state import State, epoch_keys, identity

_MOST_LINES = 64
_AT_ONCE = 20_000
"""Changes applied at once, give or take a changeset; an answer may hold more than a small machine's memory does."""


@dataclass
class Progress:
    """How far a sync is. ``outcome`` is empty while it runs, then ``done`` or the code of the problem that ended it."""

    sent: int = 0
    received: int = 0
    changes_sent: int = 0
    changes_received: int = 0
    changes_waiting: int = 0
    rounds: int = 0
    outcome: str = ""
    accepted: set[bytes] = field(default_factory=set)


def take_answer(db: Database, answer: Answer, progress: Progress, kit: bytes | None = None) -> None:
    """Make everything an answer says so, in one transaction; a refusal in it is raised once the rest is kept.

    ``kit``: the recovery kit's secret, with which a joining node opens the school's keys. HubAnswer: the answer
    does not fit what this node holds. FlawedChangeset: a row of it does not. Nothing of it was used then.
    """
    try:
        with transaction(db):
            _take(db, answer, progress, kit)
    except DRIVER.IntegrityError as error:
        raise FlawedChangeset("its rows do not fit those that are here") from error
    progress.changes_sent += _count_accepted(db, answer, progress)
    progress.accepted |= set(answer.accepted)
    progress.changes_waiting = NodeLog(db).waiting()
    for _, code, reason in answer.refused:
        if code != Forked.code:
            raise _refusal(code, reason)


def _take(db: Database, answer: Answer, progress: Progress, kit: bytes | None) -> None:
    state, log = State(db), NodeLog(db)
    state.hub_clock_ahead = answer.time - clock.now_ms()
    if not state.registered:
        registration.take_registration(db, answer)
    elif answer.school != state.school:
        raise HubAnswer()
    registration.take_epochs(db, answer, kit)
    restored.keep_certificates(db, answer)
    registration.note_nodes(db, answer)
    erasure.note_answer(db, answer.accepted, answer.amended, answer.version)
    fresh = [e for e in answer.entries if e.position > state.position]
    if identity(db).epoch:
        log.cut(identity(db))
        restored.compare(db, log, answer)
        if answer.heads and restored.held(db, answer.aside):
            state.forked = 1
        if not answer.heads and not _settle_fork(db, answer, fresh):
            return
        restored.note_aside(db, answer)
    log.apply_mode()
    progress.changes_received += _take_reference(db, log, answer.reference_entries)
    progress.changes_received += _take_stream(db, log, fresh, {signing for signing, *_ in answer.nodes})
    if int(state.position) >= answer.head:
        # What was erased stands in the stream before whatever was amended for it; if that stops short (a key is not
        # here yet), they come again.
        erasure.take(db, answer.amendments, erasure.amending_nodes(db))
    log.capture_mode()
    # The version is the one the hub reckoned with, which an upgrade in between does not change.
    reckoned = min(VERSION, answer.version)
    state.hub_said = pack([answer.head, answer.reference_head, answer.digest, reckoned])


def _settle_fork(db: Database, answer: Answer, fresh: list[StreamEntry]) -> bool:
    """Has this node written on from a state that others had gone on from too? Then its line goes on under a new name.

    False: the accepted branch is not all here yet; nothing is applied until it is.
    """
    state, log = State(db), NodeLog(db)
    # A stick may bring the answer to another copy of this node, whose refused changesets are not here.
    refused = {hashed for hashed, code, _ in answer.refused if code == Forked.code}
    forked = bool(state.forked) or any(crypto.sha256(e.data) in refused for e in log.unreceipted() if refused)
    aside = restored.held(db, answer.aside)
    if not (forked or aside or fork.is_overtaken(db, fresh)):
        # A stick may tell of the name that a copy of this node has taken since.
        is_ours = answer.origin in (0, state.origin)
        if is_ours and answer.known[1] and int(answer.known[0]) > int(state.own_last):
            fork.new_incarnation(db)
        return True
    state.forked = 1
    if (fresh and fresh[-1].position < answer.head) or (not fresh and state.position < answer.head):
        return False
    log.rebuild_mode()
    accepted = [open_envelope(e.envelope) for e in fresh if e.envelope is not None]
    # More than once when twins have written the same line anew before, and gone on.
    for _ in range(_MOST_LINES):
        fork.reauthor(db, accepted, {e.hash for e in fresh}, aside)
        if not fork.is_overtaken(db, fresh):
            break
    else:
        raise Forked()
    log.capture_mode()
    restored.report(db, aside)
    state.forked = 0
    return True


def _refusal(code: str, reason: str) -> Problem:
    for kind in (MissingPart, WrongSigner, ForeignRow):
        if code == kind.code:
            return kind()
    return FlawedChangeset(reason or code)


def _count_accepted(db: Database, answer: Answer, progress: Progress) -> int:
    count = 0
    for hashed in set(answer.accepted) - progress.accepted:
        row = db.conn.execute("SELECT last - first + 1 FROM changeset WHERE hash = ?", (hashed,)).fetchone()
        count += row[0] if row else 0
    return count


def _take_reference(db: Database, log: NodeLog, entries: list[StreamEntry]) -> int:
    state = State(db)
    delivered = []
    position, head = int(state.reference_position), bytes(state.reference_hash)
    for entry in entries:
        if entry.position <= position:
            continue
        envelope = _fitting(entry, position)
        head = next_head(head, entry.hash)
        check_receipt(state.hub_signing, 0, entry.position, entry.hash, head, entry.receipt)
        envelope.verify(state.hub_signing)
        if envelope.header.school or envelope.header.origin:
            raise HubAnswer()
        position = entry.position
        changes = all_changes(envelope, None)
        require_own_rows(changes, {0})
        delivered.append(Delivered(envelope, position, changes, entry.receipt))
    count = apply(log, delivered, {})
    state.reference_position, state.reference_hash = position, head
    return count


def _take_stream(db: Database, log: NodeLog, entries: list[StreamEntry], nodes: set[bytes]) -> int:
    state = State(db)
    keys = epoch_keys(db)
    position, head = int(state.position), bytes(state.stream_hash)
    delivered: list[Delivered] = []
    count = 0
    for entry in entries:
        if entry.position <= position:
            continue
        if entry.position != position + 1:
            raise HubAnswer()
        if sum(len(one.changes) for one in delivered) >= _AT_ONCE:
            count += apply(log, delivered, log.lineage())
            delivered = []
        next_ = next_head(head, entry.hash)
        check_receipt(
            state.hub_signing, state.school, entry.position, entry.hash, next_, entry.receipt, entry.seen
        )
        if _is_displaced(db, entry):
            # The rows must show all that is placed before it.
            count += apply(log, delivered, log.lineage())
            delivered = []
            restored.place_again(db, log, entry)
            log.apply_mode()
            position, head = entry.position, next_
            continue
        if _place_own(db, entry):
            position, head = entry.position, next_
            continue
        envelope = _fitting(entry, position)
        if envelope.epoch not in keys:
            break
        position, head = entry.position, next_
        try:
            delivered.append(_checked(db, envelope, entry, nodes, keys, delivered))
        except Problem as problem:
            _quarantine(db, envelope, problem, entry)
    count += apply(log, delivered, log.lineage())
    if position > int(state.position):
        db.conn.execute(
            "INSERT INTO reached (position, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (position, clock.now_ms()),
        )
    state.position, state.stream_hash = position, head
    return count


def _fitting(entry: StreamEntry, position: int) -> Envelope:
    if entry.position != position + 1 or entry.envelope is None:
        raise HubAnswer()
    try:
        envelope = open_envelope(entry.envelope)
    except FlawedChangeset as error:
        raise HubAnswer() from error
    if not crypto.same(envelope.hash, entry.hash):
        raise HubAnswer()
    return envelope


def _is_displaced(db: Database, entry: StreamEntry) -> bool:
    """Is it here, under a place that the hub has taken back?"""
    row = db.conn.execute("SELECT position FROM changeset WHERE hash = ?", (entry.hash,)).fetchone()
    return row is not None and (row[0] is not None or entry.seen is not None)


def _place_own(db: Database, entry: StreamEntry) -> bool:
    """Our own changeset has its place now; no need to apply what is here already."""
    done = db.conn.execute(
        "UPDATE changeset SET position = ?, receipt = ? WHERE hash = ?",
        (entry.position, entry.receipt, entry.hash),
    )
    return int(done.rowcount) > 0


def _checked(
    db: Database,
    envelope: Envelope,
    entry: StreamEntry,
    nodes: set[bytes],
    keys: dict[int, bytes],
    before: list[Delivered],
) -> Delivered:
    """Verify another node's changeset and open it."""
    header = envelope.header
    if header.school != State(db).school:
        raise FlawedChangeset("it belongs to another school")
    origins = _school_origins(db, header.school)
    if header.first == 1:
        _require_beginning(header, nodes, origins)
        origins.setdefault(header.origin, bytes(header.node or b""))
    if header.origin not in origins:
        raise FlawedChangeset("its origin is not known")
    envelope.verify(origins[header.origin])
    if (header.first - 1, header.previous) != _head_of(db, header.origin, before):
        raise FlawedChangeset("it does not follow the one before it")
    envelope.verify_amendment({*nodes, *origins.values()})
    changes = all_changes(envelope, keys[envelope.epoch])
    require_own_rows(changes, origins)
    if header.first == 1:
        fork.add_origin(db, header.origin, header.school, origins[header.origin], header.continues)
    return Delivered(envelope, entry.position, changes, entry.receipt, entry.seen)


def _require_beginning(header: Header, nodes: set[bytes], origins: Mapping[int, bytes]) -> None:
    """The first changeset of an origin proves whose it is; what it continues was there before it."""
    if header.node not in nodes or header.incarnation is None or header.node is None:
        raise FlawedChangeset("its node is not known")
    if crypto.origin_name(header.node, header.incarnation) != header.origin:
        raise FlawedChangeset("its origin is not its node's")
    if header.continues is not None and header.continues[0] not in origins.keys() - {header.origin}:
        raise FlawedChangeset("it continues an origin that is not the school's")


def _head_of(db: Database, origin: int, before: list[Delivered]) -> tuple[int, bytes]:
    for delivered in reversed(before):
        if delivered.envelope.header.origin == origin:
            return delivered.envelope.header.last, delivered.envelope.hash
    row = db.conn.execute(
        "SELECT last, hash FROM changeset WHERE origin = ? ORDER BY first DESC LIMIT 1", (origin,)
    ).fetchone()
    return (row[0], row[1]) if row else (0, NO_HASH)


def _school_origins(db: Database, school: int) -> dict[int, bytes]:
    rows = db.conn.execute("SELECT origin, node FROM origin WHERE school = ?", (school,))
    return {origin: bytes(node) for origin, node in rows}


def _quarantine(db: Database, envelope: Envelope, problem: Problem, entry: StreamEntry) -> None:
    db.conn.execute(
        "INSERT INTO quarantine (hash, at, reason, envelope, position, receipt) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        (
            envelope.hash,
            clock.now_ms(),
            problem.sentence(),
            envelope.data,
            entry.position,
            entry.receipt,
        ),
    )


def note_if_done(db: Database) -> bool:
    """Compare with what the hub last said of itself, and note it when both hold the same. DigestsDiffer."""
    state, log = State(db), NodeLog(db)
    if not state.hub_said or int(state.completing) >= 0:
        return False
    with reading(db):
        head, reference_head, said, version = unpack(state.hub_said, "the hub's word")
        if log.waiting() or (state.position, state.reference_position) != (head, reference_head):
            return False
        if not erasure.settled(db):
            return False
        equal = crypto.same(said, digest.total(log.sums(), version))
    with transaction(db):
        state.last_checked = clock.now_ms()
        if equal:
            state.last_done = clock.now_ms()
    if not equal:
        raise DigestsDiffer()
    return True
