"""What the hub knows of each school's nodes and stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub import tables
from hub.statistics.queries import naming, places


@dataclass(frozen=True)
class SchoolStatus:
    """A school as the district sees it; instants in milliseconds since 1970, 0 for never.

    ``chain``: ``verified`` up to the present position, ``older`` (the stream has moved on), ``flawed``, ``unchecked``.
    ``clock_ahead``: milliseconds by which the node's clock was ahead when last heard.
    """

    school: int
    name: str
    district: str
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
        connection.execute(sa.select(q.school, sa.func.count()).group_by(q.school)).all()
    )
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
            )
        )
    return sorted(found, key=lambda row: (row.district, row.name))


def _chain(check: sa.Row[Any] | None, position: int) -> str:
    if check is None:
        return "unchecked"
    if json.loads(str(check.flaws)):
        return "flawed"
    return "verified" if check.position == position else "older"
