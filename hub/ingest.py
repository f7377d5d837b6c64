"""What the hub does with a request: verify, apply, give a place, sign a receipt, answer; one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from hub import amendments, completing, registration, tables
from hub.log import HubLog
from hub.storage import Hub, upsert
from shared import crypto
from shared.problems import (
    ApprovalPending,
    CannotOpen,
    FlawedChangeset,
    Forked,
    MissingPart,
    NotRegistered,
    Problem,
    Replay,
    Revoked,
    WrongSigner,
)
from shared.schema import VERSION
from sync import clock, digest
from sync.apply import Delivered, apply, require_own_rows
from sync.cbor import pack
from sync.change import Header
from sync.codec import Envelope, district_changes, open_envelope
from sync.merge import Lineage
from sync.messages import (
    MAX_MESSAGE,
    Answer,
    Request,
    StreamEntry,
    describe_hub,
    fingerprint_of,
    open_request,
    refusal,
    seal_answer,
)

_MAX_ENTRIES = 65_536
_MAX_BUDGET = MAX_MESSAGE
_MAX_CHANGES = 262_144
"""Changes taken from one request, give or take a changeset; what is left is sent again."""
_AT_ONCE = 20_000
"""Changes applied at once, give or take a changeset, to hold few in memory."""


def describe(hub: Hub) -> bytes:
    """What the hub shows to everyone."""
    return describe_hub(hub.signer, hub.opener)


def receive(hub: Hub, message: bytes, carried: bool = False) -> bytes:
    """Answer a node's request. What cannot be accepted is answered with a signed refusal; nothing of it is kept.

    ``carried``: a stick brought it. One that was answered before is answered again, for that answer may never have been
    written; taking again what is signed and chained changes nothing.
    """
    hashed = b""
    try:
        request, hashed = open_request(message, hub.opener)
        with hub.write() as connection:
            if request.again is not None:
                completing.readmit(hub, connection, request)
            known = request.registration is None or registration.register(hub, connection, request)
            if known:
                answer = _answer(hub, connection, request, hashed, carried)
                opening = bytes(_node(connection, request.node).opening)
        if not known:
            raise ApprovalPending()
        return seal_answer(answer, hub.signer, opening)
    except Replay as problem:
        return refusal(problem, hashed, hub.signer, {"counter": int(str(problem.details["counter"]))})
    except (CannotOpen, Problem) as problem:
        return refusal(problem, hashed, hub.signer)


def _answer(hub: Hub, connection: sa.Connection, request: Request, hashed: bytes, carried: bool) -> Answer:
    node = _node(connection, request.node)
    if node.revoked_at:
        raise Revoked()
    is_new = request.counter > node.counter
    if not (is_new or carried):
        raise Replay(counter=node.counter)
    log = HubLog(connection, node.school, hub.signer)
    registration.approve(connection, node.school, request.approvals)
    registration.add_epochs(
        connection, node.school, _following(connection, node.school, request), request.epoch
    )
    own = HubLog(connection, 0, hub.signer)
    answer = Answer(hashed, request.node, clock.now_ms(), node.school)
    answer.held = _take_lines(log, own, request)
    school_head, reference_head = request.streams or (None, None)
    is_ours = completing.shares(log, request.position, school_head)
    if is_ours:
        answer.accepted, answer.refused = _take(connection, log, request)
        if not answer.refused:
            answer.accepted += amendments.take(connection, log, request, answer.refused)
    if is_new:
        _note_heard(connection, request)
    answer.head, answer.reference_head = log.head()[0], own.head()[0]
    budget = min(request.budget, _MAX_BUDGET)
    if completing.shares(own, request.reference_position, reference_head):
        answer.reference_entries = entries(own, request.reference_position, budget)
    else:
        answer.reference_heads = completing.heads(own)
    left = budget - sum(len(e.envelope or b"") for e in answer.reference_entries)
    answer.amended = amendments.last(connection, node.school)
    if is_ours:
        answer.entries = entries(log, request.position, left, {*answer.accepted, *request.own})
        left -= sum(len(e.envelope or b"") for e in answer.entries)
        if request.position + len(answer.entries) >= answer.head:
            # With the stream comes what was amended of it; only of what the node had before it has to be told.
            known = set(answer.accepted)
            answer.amendments = amendments.after(connection, node.school, request.amended, left, known)
    else:
        answer.heads = completing.heads(log)
    if len(answer.accepted) >= len(request.changesets) and not (answer.refused or request.waiting):
        # What it wrote anew has come with this request, or before.
        completing.note_anew(connection, node.school, request.anew)
        answer.accepted += request.anew
    aside = completing.aside(connection, node.school)
    # A stick's answer may meet a copy of the node, and a node whose stream is another one may come to hold some.
    told = is_ours and not carried and fingerprint_of(aside) == request.aside
    answer.aside = [] if told else aside
    answer.origin = request.head[0] if carried else 0
    answer.stranded = completing.stranded(connection).get(node.school, 0)
    answer.certificates = completing.certificates(hub, connection, node.school, request.known)
    # Not what the hub knows alone: the node may know more by the time a stick brings it this.
    answer.version = min(VERSION, request.version)
    answer.digest = digest.total(log.sums(), answer.version)
    answer.known = log.head_of(request.head[0])
    nodes = connection.execute(sa.select(tables.node).where(tables.node.c.school == node.school)).all()
    answer.nodes = [node_entry(n) for n in nodes]
    answer.heard = heard(nodes)
    recipients = [bytes(node.opening)]
    if request.registration is not None:
        recipients.append(registration.recovery_opening(connection, node.school))
    answer.epochs = registration.epochs_for(connection, node.school, recipients, request.epoch)
    answer.epoch_at = registration.epoch_begun_at(connection, node.school)
    answer.epoch = registration.newest_epoch(connection, node.school)
    if completing.is_awaiting(connection, node.school):
        answer.epoch_at = max(answer.epoch_at, clock.now_ms())
    asking = registration.joining(connection, node.school)
    answer.joining = [(signing, opening) for signing, opening, _ in asking]
    answer.commitments = [(signing, bound) for signing, _, bound in asking]
    answer.school_name = schools_name(connection, node.school)
    return answer


def _following(connection: sa.Connection, school: int, request: Request) -> list[tuple[int, bytes, bytes]]:
    """The offered keys that can be taken now: one that does not follow on what a hub put back remembers comes again.

    The node hears first what the hub lacks. And while one that the hub has forgotten may come back from elsewhere, a
    new one might have its number.
    """
    numbers = {number for number, _, _ in request.epochs}
    last = registration.newest_epoch(connection, school)
    while last + 1 in numbers:
        last += 1
    if completing.is_awaiting(connection, school):
        last = min(last, request.epoch)
    return [key for key in request.epochs if key[0] <= last]


def _take_lines(log: HubLog, own: HubLog, request: Request) -> tuple[int, int]:
    again = request.again or {}
    reference = completing.take_line(own, request.node, again.get(6), again.get(9))
    return completing.take_line(log, request.node, again.get(5), again.get(7)), reference


def node_entry(row: sa.Row[Any]) -> tuple[bytes, bytes, int, bytes, int]:
    """A node as the other nodes of its school are told of it."""
    return bytes(row.signing), bytes(row.opening), row.revoked_at, bytes(row.proof or b""), row.epoch


def heard(nodes: Sequence[sa.Row[Any]]) -> list[tuple[int, int]]:
    """When each of a school's nodes was last heard and what waited there; said only while it has several."""
    several = sum(not node.revoked_at for node in nodes) > 1
    return [(node.heard_at, node.waiting) for node in nodes] if several else []


def schools_name(connection: sa.Connection, school: int) -> str:
    """The school's name in the hub's books."""
    view = tables.VIEWS["school"]
    return str(connection.execute(sa.select(view.c.name_ky).where(view.c.id == school)).scalar() or "")


def _node(connection: sa.Connection, signing: bytes) -> sa.Row[tuple[object, ...]]:
    row = connection.execute(sa.select(tables.node).where(tables.node.c.signing == signing)).first()
    if row is None:
        raise NotRegistered()
    return row


def _note_heard(connection: sa.Connection, request: Request) -> None:
    now = clock.now_ms()
    connection.execute(
        tables.node.update()
        .where(tables.node.c.signing == request.node)
        .values(
            counter=request.counter,
            heard_at=now,
            clock_ahead=request.time - now,
            waiting=request.waiting,
            position=request.position,
            reference_position=request.reference_position,
            version=request.version,
            backup_at=request.backup_at,
            conflicts=request.conflicts,
            proof=request.proof,
            epoch=request.epoch,
            space=request.space,
        )
    )


# -- changesets --------------------------------------------------------------------------------------------------


def _take(
    connection: sa.Connection, log: HubLog, request: Request
) -> tuple[list[bytes], list[tuple[bytes, str, str]]]:
    """Accept what can be accepted, each changeset whole or not at all; nothing is accepted after a refusal."""
    accepted: list[bytes] = []
    refused: list[tuple[bytes, str, str]] = []
    delivered: list[Delivered] = []
    capped, aside = dict(request.seen), set(completing.aside(connection, log.school))
    position, taken, applied = log.head()[0], 0, 0
    for data in request.changesets:
        if taken - applied >= _AT_ONCE:
            apply(log, delivered, log.lineage())
            delivered, applied = [], taken
        try:
            envelope = open_envelope(data)
            if _is_known(connection, log, envelope):
                amendments.take_known(connection, log, envelope)
            elif envelope.hash in aside:
                raise Forked()
            else:
                position += 1
                seen = capped.get(envelope.hash)
                delivered.append(_checked(connection, log, envelope, request.node, delivered, position, seen))
                taken += len(delivered[-1].changes)
                amendments.note_new(connection, log, envelope)
            accepted.append(envelope.hash)
        except Problem as problem:
            hashed = crypto.sha256(data)
            if isinstance(problem, FlawedChangeset):
                _quarantine(connection, log.school, request.node, hashed, data, problem)
            refused.append((hashed, problem.code, str(problem.details.get("reason", ""))))
            break
        if taken >= _MAX_CHANGES:
            break
    apply(log, delivered, log.lineage())
    return accepted, refused


def _is_known(connection: sa.Connection, log: HubLog, envelope: Envelope) -> bool:
    s, header = tables.stream.c, envelope.header
    row = connection.execute(
        sa.select(s.hash).where(s.school == log.school, s.origin == header.origin, s.first == header.first)
    ).first()
    return row is not None and bytes(row[0]) == envelope.hash


def _checked(
    connection: sa.Connection,
    log: HubLog,
    envelope: Envelope,
    node: bytes,
    before: list[Delivered],
    position: int,
    seen: int | None,
) -> Delivered:
    header = envelope.header
    seen = seen if seen is not None and seen < header.seen else None
    envelope.verify(node)
    envelope.verify_amendment(amendments.nodes(connection, log.school))
    if header.school != log.school or not header.origin:
        raise WrongSigner()
    origins = log.origins()
    if header.first == 1:
        _require_beginning(header, node, origins, log.lineage())
        origins.setdefault(header.origin, node)
    if origins.get(header.origin) != node:
        raise WrongSigner()
    if (header.seen if seen is None else seen) >= position:
        raise FlawedChangeset("it claims to have seen what is not there")
    last, hashed = _head_of(log, header.origin, before)
    if header.first > last + 1:
        raise MissingPart()
    if header.first <= last or header.previous != hashed:
        raise Forked()
    changes = district_changes(envelope)
    require_own_rows(changes, origins)
    if header.first == 1:
        registration.claim_origin(connection, header.origin, log.school, node, header.continues)
    return Delivered(envelope, position, changes, seen=seen)


def _require_beginning(header: Header, node: bytes, origins: dict[int, bytes], lineage: Lineage) -> None:
    """The first changeset of an origin proves whose it is, and continues what was there before it, once for all."""
    if header.node != node or header.incarnation is None:
        raise FlawedChangeset("its node is not named")
    if crypto.origin_name(node, header.incarnation) != header.origin:
        raise FlawedChangeset("its origin is not its node's")
    if header.origin in origins:
        if lineage.get(header.origin) != header.continues:
            raise FlawedChangeset("it continues another line than was said before")
    elif header.continues is not None and header.continues[0] not in origins:
        raise FlawedChangeset("it continues an origin that is not the school's")


def _head_of(log: HubLog, origin: int, before: list[Delivered]) -> tuple[int, bytes]:
    for delivered in reversed(before):
        if delivered.envelope.header.origin == origin:
            return delivered.envelope.header.last, delivered.envelope.hash
    return log.head_of(origin)


def _quarantine(
    connection: sa.Connection, school: int, node: bytes, hashed: bytes, data: bytes, problem: Problem
) -> None:
    """Set aside what was refused, without its open part: in a flawed changeset that may show what must stay sealed."""
    upsert(
        connection,
        tables.quarantine,
        [
            {
                "hash": hashed,
                "school": school,
                "node": node,
                "at": clock.now_ms(),
                "reason": str(problem.details.get("reason", problem.code)),
                "envelope": _without_open_part(data),
            }
        ],
    )


def _without_open_part(data: bytes) -> bytes:
    try:
        envelope = open_envelope(data)
    except FlawedChangeset:
        return b""
    record = [envelope.amendment.data] if envelope.amendment else []
    return pack([envelope.header_bytes, envelope.signature, b"", envelope.school, *record])


def entries(log: HubLog, after: int, budget: int, own: Collection[bytes] = ()) -> list[StreamEntry]:
    """The stream after a position within a budget of bytes, at least one; those named ``own`` by hash without bytes."""
    s = tables.stream.c
    query = (
        sa.select(s.position, s.hash, s.receipt, sa.func.length(s.envelope), s.capped, s.seen)
        .where(s.school == log.school, s.position > after)
        .order_by(s.position)
        .limit(_MAX_ENTRIES)
    )
    chosen: list[tuple[int, bytes, bytes, bool, int | None]] = []
    for position, hashed, receipt, size, capped, seen in log.connection.execute(query):
        known = bytes(hashed) in own
        budget -= 0 if known else size
        if budget < 0 and chosen:
            break
        chosen.append((position, bytes(hashed), bytes(receipt), known, seen if capped else None))
    wanted = [position for position, _, _, known, _ in chosen if not known]
    bodies = {
        position: bytes(envelope)
        for position, envelope in log.connection.execute(
            sa.select(s.position, s.envelope).where(s.school == log.school, s.position.in_(wanted))
        )
    }
    return [
        StreamEntry(position, hashed, receipt, bodies.get(position), seen)
        for position, hashed, receipt, _, seen in chosen
    ]
