"""A hub put back from an old backup is completed again from what its schools hold.

Every node keeps the hub's receipts, and every changeset they are for; a receipt is signed by the hub's own key and
binds all that came before. So a node that is beyond the hub shows its line, and the hub takes exactly that history
back: same changesets, same positions, same heads, same receipts. What the hub took in between at those positions came
later, for one life of the hub signs one changeset at a position: it goes behind, as not having seen what is now before
it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from hub import amendments, registration, tables
from hub.log import HubLog
from hub.storage import Hub, get_state, upsert
from shared import crypto
from shared.problems import FlawedChangeset, Forked, Problem
from shared.schema import VERSION
from sync import clock
from sync.apply import Delivered, require_own_rows
from sync.change import NO_HASH, Change, Header
from sync.codec import Envelope, all_changes, district_changes, encode, open_envelope
from sync.messages import Request, certify, check_receipt, fingerprint, is_certified, next_head

RESTORED_AT = "restored_at"
FIRST_FREE = "first_free"
"""State: the instant at which the hub was put back from a backup; the first id it may give since."""
IDS_PER_RESTORE = 100_000
"""Ids left free at a restore, for what was added after the backup and comes back with the schools."""
_ASIDE, _ANEW = "forked", "written anew"
LOST = (_ASIDE, _ANEW)
"""Reasons in the quarantine: a changeset lost its place; a machine has written it anew since."""
_DAY_MS = 86_400_000
_DENSE = 512
_MOST = 4_096


@dataclass(frozen=True)
class _Shown:
    """One place of a line that a node shows."""

    position: int
    receipt: bytes
    seen: int | None
    envelope: Envelope


def shares(log: HubLog, position: int, beginning: bytes | None) -> bool:
    """Is the node's stream, up to its position, the hub's?  ``beginning``: of its head; None: it does not say."""
    head = log.head_at(position)
    return head is not None and (beginning is None or head.startswith(beginning))


def heads(log: HubLog) -> list[tuple[int, bytes]]:
    """Some positions with their heads, by which a node finds where its line parted: the last ones, then ever fewer."""
    last = log.head()[0]
    wanted = {0, *range(max(0, last - _DENSE), last + 1)}
    step = _DENSE
    while step < last:
        wanted.add(last - step)
        step *= 2
    s = tables.stream.c
    found = log.connection.execute(
        sa.select(s.position, s.head).where(s.school == log.school, s.position.in_(wanted))
    )
    return [(0, NO_HASH), *sorted((position, bytes(head)) for position, head in found)]


# -- nodes -------------------------------------------------------------------------------------------------------


def readmit(hub: Hub, connection: sa.Connection, request: Request) -> None:
    """Know the nodes again for which the hub's own signature is shown, with their revocations, kit and keys.

    Does nothing unless the asking node shows that it is one of them. FlawedChangeset.
    """
    again = request.again or {}
    shown = _rows(again.get(1), bytes, bytes, int, bytes)
    school = again.get(8)
    if type(school) is not int or not any(signing == request.node for signing, *_ in shown):
        return
    for signing, opening, revoked_at, certificate in shown:
        if is_certified(hub.signer.public, school, signing, opening, revoked_at, certificate):
            _know(connection, school, signing, opening, revoked_at)
    known = connection.execute(
        sa.select(tables.node.c.school).where(tables.node.c.signing == request.node)
    ).scalar()
    if known != school:
        return
    kit = again.get(2), again.get(3)
    is_kit = all(isinstance(key, bytes) and len(key) == 32 for key in kit)
    if is_kit and not registration.recovery_opening(connection, school):
        upsert(connection, tables.recovery, [{"opening": kit[0], "signing": kit[1], "school": school}])


def _know(connection: sa.Connection, school: int, signing: bytes, opening: bytes, revoked_at: int) -> None:
    n = tables.node.c
    row = connection.execute(sa.select(tables.node).where(n.signing == signing)).first()
    if row is None:
        connection.execute(
            tables.node.insert().values(
                signing=signing,
                opening=opening,
                school=school,
                registered_at=clock.now_ms(),
                revoked_at=revoked_at,
            )
        )
    elif row.school == school and revoked_at and not 0 < row.revoked_at <= revoked_at:
        connection.execute(tables.node.update().where(n.signing == signing).values(revoked_at=revoked_at))


def certificates(hub: Hub, connection: sa.Connection, school: int, known: bytes) -> list[tuple[bytes, bytes]]:
    """The hub's word for each of a school's nodes, unless the asking one holds the same."""
    n = tables.node.c
    rows = connection.execute(sa.select(n.signing, n.opening, n.revoked_at).where(n.school == school)).all()
    if fingerprint((bytes(r.signing), r.revoked_at) for r in rows) == known:
        return []
    return [
        (
            bytes(r.signing),
            certify(hub.signer, school, bytes(r.signing), bytes(r.opening), r.revoked_at),
        )
        for r in rows
    ]


def is_awaiting(connection: sa.Connection, school: int) -> bool:
    """Was the hub put back, and is some node of the school not heard since?

    Until then no new key is asked for: one that the hub has forgotten may come back, and there is one of a number.
    """
    since = restored_at(connection)
    n = tables.node.c
    return bool(
        since
        and connection.execute(
            sa.select(sa.func.count())
            .select_from(tables.node)
            .where(n.school == school, n.revoked_at == 0, n.heard_at < since)
        ).scalar()
    )


# -- lines -------------------------------------------------------------------------------------------------------


def take_line(log: HubLog, node: bytes, shown: object, before: object) -> int:
    """Take back what a node shows of a stream; returns up to which position of its line all is held, 0 for none of it.

    ``before``: the head of its line before the first place shown. What cannot have the place that its receipt says,
    because the line parted from the hub's before it, goes behind. FlawedChangeset, HubAnswer: it is not what the hub
    once placed.
    """
    line = list(_verified(log, shown, before))
    if not line:
        return 0
    gone = set(aside(log.connection, log.school))
    lacking = [one for one in line if not _is_known(log, one.envelope) and one.envelope.hash not in gone]
    new = {one.envelope.hash for one in lacking}
    if lacking:
        follows = log.head_at(line[0].position - 1) == before
        if not (follows or log.school):
            return 0
        _take_back(log, node, line, new, follows, gone)
    for one in line:
        # What was sealed anew since the backup, without values that were erased, stays so.
        if _is_known(log, one.envelope):
            note = amendments.note_new if one.envelope.hash in new else amendments.take_known
            note(log.connection, log, one.envelope)
    return line[-1].position


def aside(connection: sa.Connection, school: int) -> list[bytes]:
    """Hashes of changesets that lost their place to an older line; whoever holds them writes them anew."""
    q = tables.quarantine.c
    rows = connection.execute(
        sa.select(q.hash).where(q.school == school, q.reason.in_(LOST)).order_by(q.hash)
    )
    return [bytes(hashed) for hashed in rows.scalars()]


def note_anew(connection: sa.Connection, school: int, hashes: Sequence[bytes]) -> None:
    """A machine of the school has written these anew, and what it wrote is here: only their names have to be kept."""
    q = tables.quarantine.c
    connection.execute(
        tables.quarantine.update()
        .where(q.school == school, q.reason == _ASIDE, q.hash.in_(hashes))
        .values(reason=_ANEW, envelope=b"")
    )


def lost(connection: sa.Connection) -> dict[int, int]:
    """School -> how many changesets lost their place and are not yet known to be written anew."""
    q = tables.quarantine.c
    rows = connection.execute(
        sa.select(q.school, sa.func.count()).where(q.reason == _ASIDE).group_by(q.school)
    )
    return {school: count for school, count in rows}


def lost_packets(connection: sa.Connection, school: int) -> list[bytes]:
    """Those changesets, to carry to the school (`sync.stranded`)."""
    q = tables.quarantine.c
    rows = connection.execute(
        sa.select(q.envelope).where(q.school == school, q.reason == _ASIDE).order_by(q.hash)
    )
    return [bytes(data) for data in rows.scalars()]


def stranded(connection: sa.Connection) -> dict[int, int]:
    """School -> how many changesets that lost their place nobody writes anew, it seems: they are kept here alone.

    For a day after the hub set them aside it waits for the school's live machines, of which one may hold them.
    """
    n, q = tables.node.c, tables.quarantine.c
    heard = (
        sa.select(n.school, sa.func.min(n.heard_at).label("at"))
        .where(n.revoked_at == 0)
        .group_by(n.school)
        .subquery()
    )
    rows = connection.execute(
        sa.select(q.school, sa.func.count())
        .join(heard, heard.c.school == q.school)
        .where(q.reason == _ASIDE, q.at + _DAY_MS < heard.c.at)
        .group_by(q.school)
    )
    return {school: count for school, count in rows}


def _verified(log: HubLog, shown: object, before: object) -> Iterator[_Shown]:
    """The places, each with the hub's own signature on it."""
    head = before if isinstance(before, bytes) else b""
    position: int | None = None
    for at, receipt, seen, data in _rows(shown, int, bytes, (int, type(None)), bytes):
        if position is not None and at != position + 1:
            raise FlawedChangeset("a place of the line is missing")
        envelope = open_envelope(data)
        head = next_head(head, envelope.hash)
        check_receipt(log.signer.public, log.school, at, envelope.hash, head, receipt, seen)
        position = at
        yield _Shown(at, receipt, seen, envelope)


def _is_known(log: HubLog, envelope: Envelope) -> bool:
    s = tables.stream.c
    query = sa.select(s.position).where(
        s.school == log.school, s.origin == envelope.header.origin, s.hash == envelope.hash
    )
    return log.connection.execute(query).first() is not None


def _is_at(log: HubLog, one: _Shown) -> bool:
    s = tables.stream.c
    found = log.connection.execute(
        sa.select(s.hash).where(s.school == log.school, s.position == one.position)
    ).scalar()
    return found is not None and bytes(found) == one.envelope.hash


def _take_back(
    log: HubLog, node: bytes, line: list[_Shown], new: set[bytes], follows: bool, gone: set[bytes]
) -> None:
    """Put a line where its receipts say, as far as it can stand there, and what stood there behind it."""
    parted = next((n for n, one in enumerate(line) if not (follows and _is_at(log, one))), len(line))
    common = line[parted].position - 1 if follows else 0
    exact = list(takewhile(lambda one: follows and one.envelope.hash not in gone, line[parted:]))
    if new.isdisjoint(one.envelope.hash for one in exact):
        exact = []
    behind = [one for one in line[parted + len(exact) :] if one.envelope.hash in new]
    lost = [one for one in line if one.envelope.hash in gone]
    first = common + 1 if exact else log.head()[0] + 1
    tail = _tail(log, first)
    # Of what it holds the hub puts back its own: the line may show a sealed part that was amended since.
    held = {one.envelope.hash: one.envelope for one in tail}
    exact = [replace(one, envelope=held.pop(one.envelope.hash, one.envelope)) for one in exact]
    younger = [one for one in tail if one.envelope.hash in held]

    def place() -> None:
        log.take_out_from(first)
        for position, one in enumerate(exact, first):
            changes = _checked(log, one.envelope)
            log.append([Delivered(one.envelope, position, changes, one.receipt, one.seen)])
        _Behind(log, node, common, {one.envelope.hash for one in tail}).place(younger)
        names = {one.envelope.header.origin: one.envelope.header.first for one in reversed(lost)}
        # Of a part of a line that does not begin where it parted, nobody knows what its authors had seen.
        unknown = 0 if gone and not follows else None
        kin = {one.envelope.hash for one in line}
        _Behind(log, node, common, kin, lost[0].position if lost else unknown, names).place(behind)

    log.rewrite([one.envelope for one in (*exact, *younger, *behind)], first, place)


def _tail(log: HubLog, first: int) -> list[_Shown]:
    s = tables.stream.c
    rows = log.connection.execute(
        sa.select(tables.stream).where(s.school == log.school, s.position >= first).order_by(s.position)
    )
    return [
        _Shown(row.position, b"", row.seen if row.capped else None, open_envelope(bytes(row.envelope)))
        for row in rows
    ]


@dataclass
class _Behind:
    """Gives places behind what ``common`` says. ``kin``: hashes of the line in which they had their places before;
    ``parted``: from where on those were of a line that is not the stream.

    What would bear a name that the older line has used otherwise is set aside, and so is all that its author may have
    written with that in sight: it may speak of rows that are other ones now. So is what was written anew while what it
    was before had no place, and may stand there twice now. Their nodes write it anew.
    """

    log: HubLog
    node: bytes
    common: int
    kin: Collection[bytes]
    parted: int | None = None
    names: dict[int, int] = field(default_factory=dict)
    """Origin -> number from which on its line is set aside."""

    def place(self, changesets: Sequence[_Shown]) -> None:
        for one in changesets:
            position = self.log.head()[0] + 1
            if not self.log.school:
                _sign_anew(self.log, one.envelope, position)
                continue
            try:
                if self._knew(one) or self._stands(one.envelope):
                    raise Forked()
                changes = _checked(self.log, one.envelope)
            except Problem:
                self._set_aside(one)
                continue
            seen = one.envelope.header.seen
            capped = min(self.common, seen if one.seen is None else one.seen)
            self.log.append(
                [Delivered(one.envelope, position, changes, b"", None if capped == seen else capped)]
            )

    def _knew(self, one: _Shown) -> bool:
        header = one.envelope.header
        parent, number = header.continues or (0, 0)
        if self.names.get(parent, number + 1) <= number:
            return True
        return self.parted is not None and (one.seen is not None or header.seen >= self.parted)

    def _stands(self, envelope: Envelope) -> bool:
        """Has the line brought another branch from where this one leaves, which it may be, written anew?

        Of what is sealed in the first change of both nobody here can tell.
        """
        header, s = envelope.header, tables.stream.c
        if header.first > 1:
            return False
        parent, number = header.continues or (0, 0)
        goes_on = (s.origin == parent) & (s.first <= number + 1) & (s.last > number)
        query = sa.select(s.hash, s.envelope).where(
            s.school == self.log.school, s.position > self.common, goes_on | (s.first == 1)
        )
        for hashed, data in self.log.connection.execute(query):
            other = open_envelope(bytes(data))
            at = number + 1 if other.header.origin == parent else 1
            begins = (other.header.node, other.header.continues) == (header.node, header.continues)
            is_twin = other.header.origin == parent or begins
            if is_twin and bytes(hashed) not in self.kin and _sight(other, at) == _sight(envelope, 1):
                return True
        return False

    def _set_aside(self, one: _Shown) -> None:
        header = one.envelope.header
        self.names.setdefault(header.origin, header.first)
        self.parted = one.position if self.parted is None else min(self.parted, one.position)
        amendments.forget(self.log.connection, self.log.school, one.envelope)
        row = {
            "hash": one.envelope.hash,
            "school": self.log.school,
            "node": self.node,
            "at": clock.now_ms(),
            "reason": _ASIDE,
            "envelope": one.envelope.data,
        }
        upsert(self.log.connection, tables.quarantine, [row])


def _sight(envelope: Envelope, number: int) -> tuple[int, int] | None:
    """What a change and one written anew have in common, as far as it can be read; None if it is sealed."""
    return next(((c.table, c.clock) for c in district_changes(envelope) if c.number == number), None)


def _checked(log: HubLog, envelope: Envelope) -> list[Change]:
    """As everything that comes, though the hub accepted it once: it follows the one before it, its rows are own."""
    header = envelope.header
    if header.school != log.school or (header.first - 1, header.previous) != log.head_of(header.origin):
        raise FlawedChangeset("it does not follow the one before it")
    if not log.school:
        envelope.verify(log.signer.public)
        changes = district_changes(envelope)
        require_own_rows(changes, {0})
        return changes
    origins = log.origins()
    if header.first == 1 and header.node is not None and header.incarnation is not None:
        if crypto.origin_name(header.node, header.incarnation) != header.origin:
            raise FlawedChangeset("its origin is not its node's")
        registration.claim_origin(log.connection, header.origin, log.school, header.node, header.continues)
        origins.setdefault(header.origin, header.node)
    envelope.verify(origins.get(header.origin, b""))
    envelope.verify_amendment(amendments.nodes(log.connection, log.school))
    changes = district_changes(envelope)
    require_own_rows(changes, origins)
    return changes


def _sign_anew(log: HubLog, envelope: Envelope, position: int) -> None:
    """The hub's own rows written since: the hub says them again, behind what it had said before."""
    last, head = log.head_of(0)
    changes = [
        Change(number, c.clock, None, c.table, c.key, c.values, c.erase)
        for number, c in enumerate(all_changes(envelope, None), last + 1)
    ]
    parts = (NO_HASH, NO_HASH)
    salt = crypto.random_bytes(crypto.SALT_BYTES)
    header = Header(0, 0, last + 1, last + len(changes), head, position - 1, 0, salt, parts, VERSION)
    log.append([Delivered(encode(header, changes, None, log.signer), position, changes)])


def _rows(items: object, *types: Any) -> list[Any]:
    """A list of short lists whose items are of these types; FlawedChangeset when it is anything else."""
    if items is None:
        return []
    if not isinstance(items, list) or len(items) > _MOST:
        raise FlawedChangeset("the request has a wrong form")
    for item in items:
        fits = isinstance(item, list) and len(item) == len(types)
        if not fits or not all(
            type(value) in (kind if isinstance(kind, tuple) else (kind,))
            for value, kind in zip(item, types, strict=True)
        ):
            raise FlawedChangeset("the request has a wrong form")
    return items


def restored_at(connection: sa.Connection) -> int:
    """When the hub was put back from a backup, in milliseconds since 1970; 0 for never."""
    return int(get_state(connection, RESTORED_AT) or b"0")


def waiting_for(connection: sa.Connection) -> list[bytes]:
    """The nodes that are not heard since the hub was put back from a backup."""
    since = restored_at(connection)
    n = tables.node.c
    rows = connection.execute(
        sa.select(n.signing).where(n.revoked_at == 0, n.heard_at < since).order_by(n.signing)
    ).scalars()
    return [bytes(signing) for signing in rows] if since else []
