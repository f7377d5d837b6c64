"""Districts and schools as they stand in the books."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hub import tables
from hub.statistics.queries import naming
from shared.i18n import alphabetical

NAMES = ("name_ky", "name_ru", "name_en")


def school(connection: sa.Connection, row_id: int) -> dict[str, Any] | None:
    """A school with the district it is filed under; None when there is no such school."""
    view, unit = tables.VIEWS["school"], tables.VIEWS["org_unit"]
    row = connection.execute(
        sa.select(view, unit.c.parent)
        .select_from(view.outerjoin(unit, unit.c.id == view.c.id))
        .where(view.c.id == row_id, view.c.retired_at.is_(None))
    ).first()
    return None if row is None else dict(row._mapping)


def district(connection: sa.Connection, row_id: int) -> dict[str, Any] | None:
    """A district; None when there is no such district."""
    unit = tables.VIEWS["org_unit"]
    row = connection.execute(
        sa.select(unit).where(unit.c.id == row_id, unit.c.kind == "district", unit.c.retired_at.is_(None))
    ).first()
    return None if row is None else dict(row._mapping)


def districts(connection: sa.Connection, language: str) -> list[tuple[int, str]]:
    """Every district with its name, in order of names."""
    unit, name = tables.VIEWS["org_unit"], naming(connection, language)
    query = sa.select(unit.c.id).where(unit.c.kind == "district", unit.c.retired_at.is_(None))
    found = [(int(row_id), name("district", row_id) or "") for row_id in connection.execute(query).scalars()]
    return sorted(found, key=lambda district: alphabetical(district[1]))


def node_school(connection: sa.Connection, key: bytes) -> tuple[int, int] | None:
    """The school of a node and when it was revoked (0: it was not); None for a key nobody knows."""
    n = tables.node.c
    row = connection.execute(sa.select(n.school, n.revoked_at).where(n.signing == key)).first()
    return None if row is None else (row.school, row.revoked_at)
