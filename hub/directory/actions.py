"""Writing the books: every change becomes part of the hub's own stream and reaches the schools with their next sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub import schools
from hub.storage import Hub
from shared.schema import Value


@dataclass(frozen=True)
class District:
    """What the books say of a district; names by column."""

    names: Mapping[str, str]
    code: str


@dataclass(frozen=True)
class School:
    """What the books say of a school; names by column, the district by row id."""

    names: Mapping[str, str]
    number: int | None
    kind: str | None
    district: int | None


def save_district(hub: Hub, entry: District, unit: int | None) -> int:
    """Add a district, or correct one; returns its row id."""
    row_id = schools.add_district(hub, entry.names["name_ky"], entry.code) if unit is None else unit
    values: dict[str, Value] = {"id": row_id, "code": entry.code, **entry.names}
    schools.write_reference(hub, [("org_unit", values)])
    return row_id


def save_school(hub: Hub, entry: School, school: int | None) -> int:
    """Add a school, or correct one; returns its row id. SchoolExists."""
    schools.refuse_double(hub, entry.names.values(), entry.number, entry.district, school)
    row_id = school or schools.add_school(hub, entry.names["name_ky"], entry.number, entry.district)
    own: dict[str, Value] = {"id": row_id, "number": entry.number, "kind": entry.kind, **entry.names}
    code = "" if entry.number is None else str(entry.number)
    unit: dict[str, Value] = {"id": row_id, "code": code, "parent": entry.district, **entry.names}
    schools.write_reference(hub, [("school", own), ("org_unit", unit)])
    return row_id
