"""What the hub knows of each school's nodes and stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub import completing, tables
from hub.completing import LOST
from hub.statistics.queries import naming, places
from shared.i18n import alphabetical
from shared.indicators import place_of


@dataclass(frozen=True)
class SchoolStatus:
    """A school as the district sees it; instants in milliseconds since 1970, 0 for never.

    ``chain``: ``verified`` up to the present position, ``older`` (the stream has moved on), ``flawed``, ``unchecked``.
    ``clock_ahead``: milliseconds by which the node's clock was ahead when last heard. ``space``: free bytes of the
    fullest disk, 0 if unknown.
    ``lost``: changesets that lost their place when the hub was put back and are not yet written anew; ``stranded``: how
    many of them the hub seems to hold alone.
    ``longest_silent``: when the live node was heard that was not heard for longest.
    """

    school: int
    name: str
    district: str
    district_id: int | None
    nodes: int
    revoked: int
    heard_at: int
    waiting: int
    clock_ahead: int
    backup_at: int
    conflicts: int
    version: int
    position: int
    received_at: int
    chain: str
    checked_at: int
    quarantined: int
    space: int = 0
    longest_silent: int = 0
    lost: int = 0
    stranded: int = 0


def schools(connection: sa.Connection, language: str) -> list[SchoolStatus]:
    """Every school, in order of district and name."""
    name = naming(connection, language)
    n, s, q = tables.node.c, tables.stream.c, tables.quarantine.c
    nodes: dict[int, list[sa.Row[Any]]] = {}
    for row in connection.execute(sa.select(tables.node).order_by(n.heard_at)):
        nodes.setdefault(row.school, []).append(row)
    heads = {
        school: (position, at)
        for school, position, at in connection.execute(
            sa.select(s.school, sa.func.max(s.position), sa.func.max(s.received_at)).group_by(s.school)
        )
    }
    checks = {row.school: row for row in connection.execute(sa.select(tables.verification))}
    flawed: dict[int, int] = dict(
        connection.execute(
            sa.select(q.school, sa.func.count()).where(q.reason.not_in(LOST)).group_by(q.school)
        ).all()
    )
    lost, stranded = completing.lost(connection), completing.stranded(connection)
    found = []
    for place in places(connection):
        live = [row for row in nodes.get(place.school, []) if not row.revoked_at]
        position, at = heads.get(place.school, (0, 0))
        check = checks.get(place.school)
        found.append(
            SchoolStatus(
                school=place.school,
                name=name("school", place.school) or str(place.school),
                district=name("district", place.district) or "",
                district_id=place.district,
                nodes=len(live),
                revoked=len(nodes.get(place.school, [])) - len(live),
                heard_at=max((row.heard_at for row in live), default=0),
                waiting=sum(row.waiting for row in live),
                clock_ahead=max((row.clock_ahead for row in live), key=abs, default=0),
                backup_at=max((row.backup_at for row in live), default=0),
                conflicts=max((row.conflicts for row in live), default=0),
                version=min((row.version for row in live), default=0),
                position=position,
                received_at=at,
                chain=_chain(check, position),
                checked_at=check.at if check is not None else 0,
                quarantined=flawed.get(place.school, 0),
                space=min((row.space for row in live if row.space), default=0),
                longest_silent=min((row.heard_at for row in live if row.heard_at), default=0),
                lost=lost.get(place.school, 0),
                stranded=stranded.get(place.school, 0),
            )
        )
    return sorted(found, key=lambda row: (alphabetical(row.district), place_of("school", row.name)))


def school(connection: sa.Connection, row_id: int, language: str) -> SchoolStatus | None:
    """One school; None when there is no such school."""
    return next((row for row in schools(connection, language) if row.school == row_id), None)


@dataclass(frozen=True)
class NodeStatus:
    """One registered computer of a school; instants in milliseconds since 1970, 0 for never."""

    key: str
    registered_at: int
    revoked_at: int
    heard_at: int
    waiting: int
    version: int

    @property
    def short(self) -> str:
        """The beginning of the key, in groups a person can compare."""
        return " ".join(self.key[at : at + 4] for at in range(0, 16, 4))


def nodes(connection: sa.Connection, school: int) -> list[NodeStatus]:
    """The nodes of a school, the live ones first, then the latest heard."""
    n = tables.node.c
    rows = connection.execute(sa.select(tables.node).where(n.school == school))
    found = [
        NodeStatus(bytes(r.signing).hex(), r.registered_at, r.revoked_at, r.heard_at, r.waiting, r.version)
        for r in rows
    ]
    return sorted(found, key=lambda node: (node.revoked_at > 0, -node.heard_at))


def flaws(connection: sa.Connection, school: int) -> list[str]:
    """What the last check found, in English."""
    v = tables.verification.c
    text = connection.execute(sa.select(v.flaws).where(v.school == school)).scalar()
    return [str(flaw) for flaw in json.loads(text)] if text else []


def set_aside(connection: sa.Connection, school: int) -> list[tuple[int, str]]:
    """When and why changesets of a school were set aside, the latest first; reasons in English."""
    q = tables.quarantine.c
    query = (
        sa.select(q.at, q.reason)
        .where(q.school == school, q.reason.not_in(LOST))
        .order_by(q.at.desc())
        .limit(50)
    )
    return [(int(at), str(reason)) for at, reason in connection.execute(query)]


def open_codes(connection: sa.Connection, school: int, now: int) -> list[int]:
    """Until when the registration codes are good that a school has not used yet."""
    r = tables.registration.c
    query = sa.select(r.expires_at).where(r.school == school, r.used_by.is_(None), r.expires_at > now)
    return [int(at) for at in connection.execute(query.order_by(r.expires_at)).scalars()]


def _chain(check: sa.Row[Any] | None, position: int) -> str:
    if check is None:
        return "unchecked"
    if json.loads(str(check.flaws)):
        return "flawed"
    return "verified" if check.position == position else "older"
