"""The node's side of a sync: one resumable exchange after another until both sides hold the same.

Everything an answer changes is one transaction. A sync that was interrupted anywhere resumes by asking again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from shared.db import reading, transaction
from shared.keys import RegistrationCode
from shared.problems import (
    ApprovalPending,
    Forked,
    HubAnswer,
    HubForgot,
    HubUnreachable,
    ImpostorHub,
    KeyAwaited,
    NotRegistered,
    Problem,
    Replay,
)
from shared.schema import VERSION
from sync import clock, erasure, fork, registration, restored
from sync.cbor import unpack
from sync.codec import open_envelope
from sync.delivery import Progress, note_if_done, take_answer
from sync.log import NodeLog
from sync.messages import (
    MAX_ITEMS,
    MAX_MESSAGE,
    Answer,
    HubInfo,
    Request,
    open_answer,
    read_hub,
    seal_request,
)
from sync.state import State, identity
from sync.transport import Transport

SMALLEST_BUDGET = 4_096
LARGEST_BUDGET = 2 * 1024 * 1024
_TRIES = 4
_MAX_IDLE_ROUNDS = 3
_MAX_ROUNDS_AFTER = 8
"""Round trips spent on what is written while a sync runs, once all that was there when it began has arrived."""
_MOST_HASHES = 512
NEWER_WAIT = "newer_wait"


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
    return _introduce(db, transport, lambda: registration.by_code(db, code))


def join_by_kit(
    db: Database, transport: Transport, secret: bytes, progress: Progress | None = None
) -> Answer:
    """Make this node one of the school whose recovery kit this is, and receive the school's keys.

    ``progress`` is told what comes with the answer. WrongRecoveryKey: the hub knows no such school. ImpostorHub: what
    it hands out as keys the kit does not open.
    """
    remember_hub(db, read_hub(transport.describe()))
    return _introduce(db, transport, lambda: registration.by_kit(db, secret), secret, progress)


def join_by_approval(
    db: Database, transport: Transport, school: int, progress: Progress | None = None
) -> Answer:
    """Make this node one of a school by the word of a node it has; ApprovalPending until its words are typed there."""
    if not State(db).hub_signing:
        remember_hub(db, read_hub(transport.describe()))
    answer = _introduce(db, transport, lambda: registration.by_approval(db, school), progress=progress)
    if not identity(db).epoch:
        raise ApprovalPending()
    return answer


def _introduce(
    db: Database,
    transport: Transport,
    name: Callable[[], dict[int, object]],
    kit: bytes | None = None,
    progress: Progress | None = None,
) -> Answer:
    progress = progress or Progress()
    for left in reversed(range(_TRIES)):
        message, hashed = make_request(db, progress, introduction=name())
        try:
            data = transport.exchange(message)
            answer = _open(db, data, hashed)
        except Forked:
            # Another node has this name already; `_open` took another one.
            if not left:
                raise
            continue
        progress.sent += len(message)
        progress.received += len(data)
        progress.rounds += 1
        take_answer(db, answer, progress, kit)
        return answer
    raise AssertionError("the last try raises")


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

    While someone writes at every round trip that moment never comes. Then a sync ends, some round trips after all that
    was there when it began has arrived on either side, with ``newer_wait``: the rest goes with the next one.

    Any problem is raised: NotRegistered, HubUnreachable, DigestsDiffer, .. What was exchanged until then stays.
    """
    progress = progress or Progress()
    if not State(db).registered:
        raise NotRegistered()
    derive(db)
    idle = after = 0
    goal = _last_change(db), -1, -1
    while True:
        before = _place(db)
        answer = _round(db, transport, progress)
        if goal[1] < 0:
            goal = goal[0], answer.head, answer.reference_head
        derive(db)
        report(progress)
        if note_if_done(db):
            progress.outcome = "done"
            return progress
        after = after + 1 if _has_arrived(db, *goal) else 0
        if after > _MAX_ROUNDS_AFTER:
            progress.outcome, progress.changes_waiting = NEWER_WAIT, NodeLog(db).waiting()
            return progress
        idle = idle + 1 if _place(db) == before and not answer.accepted else 0
        if idle >= _MAX_IDLE_ROUNDS:
            raise KeyAwaited() if answer.epoch > identity(db).epoch else HubAnswer()


def _last_change(db: Database) -> int:
    return int(db.conn.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])


def _has_arrived(db: Database, last: int, head: int, reference_head: int) -> bool:
    """Are the changes up to a local number at the hub, and its two streams up to these positions here?"""
    state = State(db)
    first = db.conn.execute("SELECT min(local_first) FROM changeset WHERE position IS NULL").fetchone()[0]
    uncut_from = NodeLog(db).last_cut() + 1
    return (
        min(first or uncut_from, uncut_from) > last
        and state.position >= head
        and state.reference_position >= reference_head
    )


def _round(db: Database, transport: Transport, progress: Progress) -> Answer:
    for left in reversed(range(_TRIES)):
        message, hashed = make_request(db, progress)
        try:
            data = transport.exchange(message)
            answer = _open(db, data, hashed)
        except (HubUnreachable, Replay, HubForgot) as problem:
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
        elif isinstance(problem, HubUnreachable):
            state.budget = max(SMALLEST_BUDGET, int(state.budget) // 2)


def _place(db: Database) -> tuple[int, ...]:
    state = State(db)
    return (
        int(state.position),
        int(state.reference_position),
        int(state.own_last),
        NodeLog(db).waiting(),
        int(state.completing),
        int(state.reference_completing),
        int(state.amended),
        erasure.waiting(db),
    )


# -- asking ------------------------------------------------------------------------------------------------------


def make_request(
    db: Database,
    progress: Progress,
    introduction: dict[int, object] | None = None,
    everything: bool = False,
) -> tuple[bytes, bytes]:
    """Cut what is new and make the next request; returns message and hash. ``everything``: for a stick, no budget."""
    state, log = State(db), NodeLog(db)
    with transaction(db):
        keys = identity(db)
        if state.registered and keys.epoch:
            log.cut(keys)
            erasure.prepare(db)
        state.counter = int(state.counter) + 1
    fork.note_last(db)
    with reading(db):
        budget = MAX_MESSAGE if everything or state.forked else int(state.budget)
        # While a fork is not settled nothing of this line can be accepted.
        again = restored.again(db) if introduction is None else None
        # Nor while the hub lacks what they follow.
        held_back = bool(state.forked) or bool(again and (again[5] or again[6]))
        some, changes = ([], 0) if held_back else _next_changesets(log, progress, budget)
        hashes = {open_envelope(data).hash for data in some} if int(state.lowered) else set()
        waiting = log.waiting()
        progress.changes_waiting = waiting
        approved = unpack(state.approved, "the list") if state.approved else []
        request = Request(
            node=keys.signer.public,
            counter=int(state.counter),
            time=clock.now_ms(),
            position=int(state.position),
            reference_position=int(state.reference_position),
            head=(int(state.origin), int(state.own_last)),
            changesets=some,
            budget=budget,
            version=VERSION,
            waiting=max(0, waiting - changes),
            registration=introduction,
            backup_at=int(state.last_backup),
            conflicts=int(db.conn.execute("SELECT count(*) FROM conflict").fetchone()[0]),
            own=sorted(progress.accepted)[:_MOST_HASHES],
            epoch=keys.epoch,
            epochs=[*_epochs(state, approved), *(restored.all_epochs(db) if again is not None else ())],
            approvals=[signing for signing, _ in approved],
            proof=registration.own_proof(db),
            streams=restored.beginnings(db),
            seen=restored.lowered(db, hashes),
            known=restored.known(db),
            again=again,
            amendments=[] if state.forked else erasure.to_send(db, budget),
            amended=int(state.amended),
            space=free_space(db),
            aside=bytes(state.aside),
            anew=[] if held_back or waiting > changes else restored.to_report(db)[:MAX_ITEMS],
        )
    return seal_request(request, keys.signer, HubInfo(state.hub_signing, state.hub_opening))


def free_space(db: Database) -> int:
    """Free bytes where the database lies; 0 if that cannot be told."""
    file = db.conn.execute("PRAGMA database_list").fetchone()[2]
    try:
        return shutil.disk_usage(Path(file).parent).free if file else 0
    except OSError:
        return 0


def _epochs(state: State, approved: list[tuple[bytes, list[list[object]]]]) -> list[tuple[int, bytes, bytes]]:
    offered = unpack(state.offered_epochs, "the list") if state.offered_epochs else []
    return [(n, r, k) for n, r, k in (*offered, *(key for _, keys in approved for key in keys))]


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


# -- reading answers ------------------------------------------------------------------------------------------


def _open(db: Database, data: bytes, hashed: bytes | None) -> Answer:
    state, keys = State(db), identity(db)
    try:
        return open_answer(data, keys.opener, state.hub_signing, keys.signer.public, hashed)
    except NotRegistered:
        with transaction(db):
            if not restored.note_unknown(db):
                raise
        raise HubForgot() from None
    except Forked:
        if not state.registered:
            fork.take_another_name(db)
        raise


def open_carried(db: Database, data: bytes) -> Answer:
    """Read an answer that a stick brought."""
    return _open(db, data, None)
