"""The node's side of a sync: one resumable exchange after another until both sides hold the same.

Everything an answer changes is one transaction. A sync that was interrupted anywhere resumes by asking again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlite_utils import Database

from shared import crypto
from shared.db import DRIVER, reading, transaction
from shared.keys import RegistrationCode
from shared.problems import (
    DigestsDiffer,
    FlawedChangeset,
    ForeignRow,
    Forked,
    HubAnswer,
    HubUnreachable,
    ImpostorHub,
    MissingPart,
    NotRegistered,
    Problem,
    Replay,
    WrongSigner,
)
from shared.schema import HUB_TABLES, VERSION
from shared.tables import quoted
from sync import clock, digest, fork
from sync.apply import Delivered, apply, require_own_rows
from sync.cbor import pack, unpack
from sync.change import NO_HASH, Header
from sync.codec import Envelope, all_changes, open_envelope
from sync.log import NodeLog
from sync.messages import (
    Answer,
    HubInfo,
    Request,
    StreamEntry,
    check_receipt,
    next_head,
    open_answer,
    read_hub,
    seal_request,
)
from sync.state import State, epoch_keys, identity
from sync.transport import Transport

FIRST_BUDGET = 32_768
SMALLEST_BUDGET = 4_096
LARGEST_BUDGET = 2 * 1024 * 1024
_TRIES = 4
_MAX_IDLE_ROUNDS = 3


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


class Derive(Protocol):
    """Recomputes a node's derived rows, writing only what differs; returns whether anything was written."""

    def __call__(self, db: Database) -> bool: ...


def register(db: Database, transport: Transport, code_text: str) -> Answer:
    """Make this node known to its hub with a registration code.

    WrongCode, ImpostorHub (the hub's key is not the one in the code), HubUnreachable, TooManyTries.
    """
    code = RegistrationCode.parse(code_text)
    hub = read_hub(transport.describe())
    if not code.names(hub.signing):
        raise ImpostorHub()
    remember_hub(db, hub)
    message, hashed = make_request(db, Progress(), registration=code)
    answer = _open(db, transport.exchange(message), hashed)
    take_answer(db, answer, Progress())
    return answer


def remember_hub(db: Database, hub: HubInfo) -> None:
    """Trust this hub from now on, before the registration is answered."""
    with transaction(db):
        state = State(db)
        if state.registered and state.hub_signing != hub.signing:
            raise ImpostorHub()
        state.hub_signing, state.hub_opening = hub.signing, hub.opening


def sync(
    db: Database,
    transport: Transport,
    derive: Derive,
    report: Callable[[Progress], None] = lambda progress: None,
    progress: Progress | None = None,
) -> Progress:
    """Exchange until both sides hold the same; returns how it went, ``outcome`` being ``done``.

    Any problem is raised: NotRegistered, HubUnreachable, DigestsDiffer, .. What was exchanged until then stays.
    """
    progress = progress or Progress()
    if not State(db).registered:
        raise NotRegistered()
    derive(db)
    idle = 0
    while True:
        before = _place(db)
        answer = _round(db, transport, progress)
        derive(db)
        report(progress)
        if note_if_done(db):
            progress.outcome = "done"
            return progress
        idle = idle + 1 if _place(db) == before and not answer.accepted else 0
        if idle >= _MAX_IDLE_ROUNDS:
            raise HubAnswer()


def _round(db: Database, transport: Transport, progress: Progress) -> Answer:
    for left in reversed(range(_TRIES)):
        message, hashed = make_request(db, progress)
        try:
            data = transport.exchange(message)
            answer = _open(db, data, hashed)
        except (HubUnreachable, Replay) as problem:
            _after_failure(db, problem)
            if not left:
                raise
            continue
        progress.sent += len(message)
        progress.received += len(data)
        progress.rounds += 1
        take_answer(db, answer, progress)
        with transaction(db):
            state = State(db)
            state.budget = min(LARGEST_BUDGET, int(state.budget) * 2)
        return answer
    raise AssertionError("the last try raises")


def _after_failure(db: Database, problem: Problem) -> None:
    with transaction(db):
        state = State(db)
        if isinstance(problem, Replay):
            counter = problem.details.get("counter")
            state.counter = max(int(state.counter), counter if isinstance(counter, int) else 0)
        else:
            state.budget = max(SMALLEST_BUDGET, int(state.budget) // 2)


def _place(db: Database) -> tuple[int, int, int, int]:
    state = State(db)
    return int(state.position), int(state.reference_position), int(state.own_last), NodeLog(db).waiting()


# -- asking ------------------------------------------------------------------------------------------------------


def make_request(
    db: Database, progress: Progress, registration: RegistrationCode | None = None, everything: bool = False
) -> tuple[bytes, bytes]:
    """Cut what is new and make the next request; returns message and hash. ``everything``: for a stick, no budget."""
    state, log = State(db), NodeLog(db)
    with transaction(db):
        keys = identity(db)
        if state.registered:
            log.cut(keys)
        state.counter = int(state.counter) + 1
    with reading(db):
        some, changes = _next_changesets(
            log, progress, LARGEST_BUDGET * 4 if everything else int(state.budget)
        )
        waiting = log.waiting()
        progress.changes_waiting = waiting
        request = Request(
            node=keys.signer.public,
            counter=int(state.counter),
            time=clock.now_ms(),
            position=int(state.position),
            reference_position=int(state.reference_position),
            head=(int(state.origin), int(state.own_last)),
            changesets=some,
            budget=LARGEST_BUDGET * 4 if everything else int(state.budget),
            version=VERSION,
            waiting=max(0, waiting - changes),
            registration=_registration(db, registration) if registration else None,
            backup_at=int(state.last_backup),
            conflicts=int(db.conn.execute("SELECT count(*) FROM conflict").fetchone()[0]),
        )
    return seal_request(request, keys.signer, HubInfo(state.hub_signing, state.hub_opening))


def _next_changesets(log: NodeLog, progress: Progress, budget: int) -> tuple[list[bytes], int]:
    some: list[bytes] = []
    size = changes = 0
    for envelope in log.unreceipted():
        if envelope.hash in progress.accepted:
            continue
        if some and size + len(envelope.data) > budget:
            break
        some.append(envelope.data)
        size += len(envelope.data)
        changes += envelope.header.last - envelope.header.first + 1
    return some, changes


def _registration(db: Database, code: RegistrationCode) -> dict[int, object]:
    state = State(db)
    keys = identity(db)
    sealed = [
        [number, crypto.seal_to(state.recovery_public, key, b"mektep epoch v1", number.to_bytes(4, "big"))]
        for number, key in sorted(epoch_keys(db).items())
    ]
    return {
        1: code.secret,
        2: keys.opener.public,
        3: int(state.origin),
        4: state.incarnation,
        5: state.recovery_public,
        6: sealed,
    }


# -- taking the answer -------------------------------------------------------------------------------------------


def _open(db: Database, data: bytes, hashed: bytes | None) -> Answer:
    state, keys = State(db), identity(db)
    return open_answer(data, keys.opener, state.hub_signing, keys.signer.public, hashed)


def open_carried(db: Database, data: bytes) -> Answer:
    """Read an answer that a stick brought."""
    return _open(db, data, None)


def take_answer(db: Database, answer: Answer, progress: Progress) -> None:
    """Make everything an answer says so, in one transaction; a refusal in it is raised once the rest is kept.

    HubAnswer: it does not fit what this node holds. FlawedChangeset: a row of it does not. Nothing of it was used then.
    """
    try:
        with transaction(db):
            _take(db, answer, progress)
    except DRIVER.IntegrityError as error:
        raise FlawedChangeset("its rows do not fit those that are here") from error
    progress.changes_sent += _count_accepted(db, answer, progress)
    progress.accepted |= set(answer.accepted)
    progress.changes_waiting = NodeLog(db).waiting()
    for _, code, reason in answer.refused:
        raise _refusal(code, reason)


def _take(db: Database, answer: Answer, progress: Progress) -> None:
    state, log = State(db), NodeLog(db)
    state.hub_clock_ahead = answer.time - clock.now_ms()
    if not state.registered:
        _take_registration(db, answer)
    elif answer.school != state.school:
        raise HubAnswer()
    if answer.known[1] and int(answer.known[0]) > int(state.own_last):
        fork.new_incarnation(db)
    if answer.entries or answer.reference_entries:
        log.cut(identity(db))
    nodes = {signing for signing, _, _ in answer.nodes}
    log.apply_mode()
    _take_reference(db, log, answer.reference_entries)
    progress.changes_received += _take_stream(db, log, answer.entries, nodes)
    log.capture_mode()
    state.hub_said = pack([answer.head, answer.reference_head, answer.digest, answer.version])


def _refusal(code: str, reason: str) -> Problem:
    for kind in (Forked, MissingPart, WrongSigner, ForeignRow):
        if code == kind.code:
            return kind()
    return FlawedChangeset(reason or code)


def _count_accepted(db: Database, answer: Answer, progress: Progress) -> int:
    count = 0
    for hashed in set(answer.accepted) - progress.accepted:
        row = db.conn.execute("SELECT last - first + 1 FROM changeset WHERE hash = ?", (hashed,)).fetchone()
        count += row[0] if row else 0
    return count


def _take_registration(db: Database, answer: Answer) -> None:
    state = State(db)
    if not answer.school:
        raise NotRegistered()
    state.school, state.registered = answer.school, 1
    db.conn.execute("UPDATE origin SET school = ? WHERE school = 0", (answer.school,))


def _take_reference(db: Database, log: NodeLog, entries: list[StreamEntry]) -> None:
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
    apply(log, delivered, {})
    state.reference_position, state.reference_hash = position, head


def _take_stream(db: Database, log: NodeLog, entries: list[StreamEntry], nodes: set[bytes]) -> int:
    state = State(db)
    keys = epoch_keys(db)
    position, head = int(state.position), bytes(state.stream_hash)
    delivered: list[Delivered] = []
    for entry in entries:
        if entry.position <= position:
            continue
        if entry.position != position + 1:
            raise HubAnswer()
        head = next_head(head, entry.hash)
        check_receipt(state.hub_signing, state.school, entry.position, entry.hash, head, entry.receipt)
        if _place_own(db, entry):
            position = entry.position
            continue
        envelope = _fitting(entry, position)
        if envelope.header.epoch not in keys:
            break
        position = entry.position
        try:
            delivered.append(_checked(db, envelope, entry, nodes, keys, delivered))
        except Problem as problem:
            _quarantine(db, envelope, problem)
    count = apply(log, delivered, log.lineage())
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
    changes = all_changes(envelope, keys[header.epoch])
    require_own_rows(changes, origins)
    if header.first == 1:
        fork.add_origin(db, header.origin, header.school, origins[header.origin], header.continues)
    return Delivered(envelope, entry.position, changes, entry.receipt)


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


def _quarantine(db: Database, envelope: Envelope, problem: Problem) -> None:
    db.conn.execute(
        "INSERT INTO quarantine VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (envelope.hash, clock.now_ms(), problem.sentence(), envelope.data),
    )


def note_if_done(db: Database) -> bool:
    """Compare with what the hub last said of itself, and note it when both hold the same. DigestsDiffer."""
    state, log = State(db), NodeLog(db)
    if not state.hub_said:
        return False
    with reading(db):
        head, reference_head, said, version = unpack(state.hub_said, "the hub's word")
        if log.waiting() or (state.position, state.reference_position) != (head, reference_head):
            return False
        equal = crypto.same(said, digest.total(log.sums(), min(VERSION, version)))
    with transaction(db):
        state.last_checked = clock.now_ms()
        if equal:
            state.last_done = clock.now_ms()
    if not equal:
        raise DigestsDiffer()
    return True


def verify_chain(db: Database) -> Iterator[str]:
    """Check every stored changeset again: signature, chain, receipts, log, digest. Yields what is wrong."""
    state, log = State(db), NodeLog(db)
    heads: dict[int, tuple[int, bytes]] = {}
    streams: dict[int, bytes] = {}
    keys = epoch_keys(db)
    rows = db.conn.execute(
        "SELECT c.school, c.position, c.hash, c.envelope, c.receipt, o.node, c.local_first, c.local_last "
        "FROM changeset c "
        "LEFT JOIN origin o ON o.origin = c.origin ORDER BY c.school, c.position IS NULL, c.position, c.local_first"
    ).fetchall()
    for school, position, hashed, data, receipt, node, first, last in rows:
        try:
            envelope = open_envelope(data)
            header = envelope.header
            envelope.verify(node if school else state.hub_signing)
            if envelope.hash != hashed or (header.first - 1, header.previous) != heads.get(
                header.origin, (0, NO_HASH)
            ):
                yield f"changeset {header.origin}/{header.first} does not follow the one before it"
            heads[header.origin] = (header.last, envelope.hash)
            changes = all_changes(envelope, keys.get(header.epoch) if school else None)
            if len(changes) != last - first + 1:
                yield f"the log of changeset {header.origin}/{header.first} is not complete"
            if position is not None:
                streams[school] = next_head(streams.get(school, NO_HASH), hashed)
                check_receipt(state.hub_signing, school, position, hashed, streams[school], receipt)
        except Problem as problem:
            yield f"changeset at {position}: {problem.sentence()}"
    yield from digest_flaws(db, log)


def digest_flaws(db: Database, log: NodeLog) -> Iterator[str]:
    """Compare the stored digest with one computed anew from the rows; uncut changes must be none."""
    if log.uncut():
        return
    if {p: s for p, s in digest_of_rows(db).items() if s} != {p: s for p, s in log.sums().items() if s}:
        yield "the digest does not belong to the rows"


def digest_of_rows(db: Database) -> digest.Sums:
    """The digest sums computed from the rows themselves."""
    sums: digest.Sums = {}
    for table in HUB_TABLES:
        names = [*table.key, *(c.name for c in table.open_columns)]
        for row in db.conn.execute(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)}"):
            key = tuple(row[: len(table.key)])
            shown = {
                c.number: v
                for c, v in zip(table.open_columns, row[len(table.key) :], strict=True)
                if v != c.default
            }
            digest.move(sums, table, key, None, shown)
    return sums
