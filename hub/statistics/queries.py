"""Cells of the shared cubes by school, from summaries that are kept until the school's stream moves on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub import tables
from hub.log import HubLog
from hub.storage import Hub, run_sql, upsert
from shared.indicators import CUBES, Cell, Key, Naming, evaluate
from shared.reference import LANGUAGES


@dataclass(frozen=True)
class Place:
    """A school with the units above it, by row id; None: not filed under one."""

    school: int
    district: int | None
    province: int | None


def places(connection: sa.Connection) -> list[Place]:
    """Every school of the hub; a school's own unit has the school's id."""
    unit, school = tables.VIEWS["org_unit"], tables.VIEWS["school"]
    units = {u.id: u for u in connection.execute(sa.select(unit.c.id, unit.c.kind, unit.c.parent))}
    found = []
    for (row_id,) in connection.execute(
        sa.select(school.c.id).where(school.c.retired_at.is_(None)).order_by(school.c.id)
    ):
        above = list(_above(units, row_id))
        district = next((u.id for u in above if u.kind == "district"), None)
        province = next((u.id for u in above if u.kind == "province"), None)
        found.append(Place(row_id, district, province))
    return found


def heard(connection: sa.Connection) -> dict[int, int]:
    """When each school was heard last, by any of its nodes; milliseconds since 1970."""
    n = tables.node.c
    rows = connection.execute(sa.select(n.school, sa.func.max(n.heard_at)).group_by(n.school))
    return {school: int(at or 0) for school, at in rows}


def _above(units: Mapping[Any, sa.Row[Any, Any, Any]], row_id: int) -> Iterator[sa.Row[Any, Any, Any]]:
    unit, steps = units.get(row_id), 0
    while unit is not None and steps < 8:
        yield unit
        unit, steps = units.get(unit.parent), steps + 1


def cells(hub: Hub, cube: str, day: int | None = None, only: set[int] | None = None) -> list[Cell]:
    """The cells of all schools (or of those in ``only``), each with its school, district and province.

    ``day``: when to count pupils and staff; by default on the reference date of every school year.
    """
    with hub.read() as connection:
        wanted = [p for p in places(connection) if only is None or p.school in only]
        known, stale = _known(connection, cube, day, wanted, hub)
    if stale:
        known |= _recompute(hub, cube, day, stale)
    return [
        cell.within(school=place.school, district=place.district, province=place.province)
        for place in wanted
        for cell in known[place.school]
    ]


def _known(
    connection: sa.Connection, cube: str, day: int | None, wanted: list[Place], hub: Hub
) -> tuple[dict[int, list[Cell]], list[int]]:
    s, m = tables.stream.c, tables.summary.c
    heads = dict(connection.execute(sa.select(s.school, sa.func.max(s.position)).group_by(s.school)).all())
    rows = {r.school: r for r in connection.execute(sa.select(tables.summary).where(m.cube == cube))}
    known, stale = {}, []
    for place in wanted:
        row = rows.get(place.school)
        marks = (heads.get(place.school, 0), heads.get(0, 0), _counted(cube, day))
        if row is not None and (row.position, row.reference_position, row.day) == marks:
            known[place.school] = _read(row.cells)
        else:
            stale.append(place.school)
    return known, stale


def _counted(cube: str, day: int | None) -> int:
    """The day a summary is kept under: 0 for reference dates and for what is not counted on a day."""
    return day or 0 if CUBES[cube].stock else 0


def _recompute(hub: Hub, cube: str, day: int | None, schools: list[int]) -> dict[int, list[Cell]]:
    found = {}
    with hub.write() as connection:
        reference = HubLog(connection, 0, hub.signer).head()[0]
        for school in schools:
            computed = evaluate(lambda sql, p: run_sql(connection, sql, p), cube, school, day)
            found[school] = computed
            row = {
                "school": school,
                "cube": cube,
                "position": HubLog(connection, school, hub.signer).head()[0],
                "reference_position": reference,
                "day": _counted(cube, day),
                "cells": json.dumps([[dict(c.dims), dict(c.measures)] for c in computed]).encode(),
            }
            upsert(connection, tables.summary, [row])
    return found


def _read(stored: bytes) -> list[Cell]:
    return [Cell(dims, measures) for dims, measures in json.loads(bytes(stored))]


def naming(connection: sa.Connection, language: str) -> Naming:
    """Names of schools, districts and of what the hub or a school added to the shipped lists."""
    at = LANGUAGES.index(language)
    column = ("name_ky", "name_ru", "name_en")[at]
    names: dict[tuple[str, Key], str] = {}
    unit = tables.VIEWS["org_unit"]
    for row in connection.execute(sa.select(unit.c.id, unit.c.kind, unit.c[column])):
        if row.kind in ("province", "district", "school"):
            names[row.kind, row.id] = row[2] or str(row.id)
    school = tables.VIEWS["school"]
    for row_id, text in connection.execute(sa.select(school.c.id, school.c[column])):
        names["school", row_id] = text or str(row_id)
    return lambda dimension, value: names.get((dimension, value))


def typed(found: list[Cell], dimension: str, text: str) -> Key:
    """A dimension's value as it stands in the cells, from how it was typed; empty text is the unknown."""
    if text == "":
        return None
    values = {cell.dims.get(dimension) for cell in found}
    return next((value for value in values if str(value) == text), text)
