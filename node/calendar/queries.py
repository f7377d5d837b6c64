"""Reading the calendar: its rules stand in `node.schooldays`, here is also what its own pages show, and the bells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from node.schooldays import (
    MARKING,
    RESULT_KINDS,
    TERM_END,
    YEARS,
    Calendar,
    OwnDay,
    Whom,
    bounds,
    calendar,
    day_kind,
    everyone,
    held_outside,
    locked_terms,
    own_terms,
    taught,
    terms,
    whom,
    year_of_day,
)

__all__ = [
    "MARKING",
    "RESULT_KINDS",
    "TERM_END",
    "YEARS",
    "Calendar",
    "OwnDay",
    "Whom",
    "bounds",
    "calendar",
    "day_kind",
    "everyone",
    "held_outside",
    "locked_terms",
    "own_terms",
    "taught",
    "terms",
    "whom",
    "year_of_day",
]


def years(db: Database) -> list[Mapping[str, Any]]:
    """Every school year that is known, the newest first."""
    return list(
        db.query(f"""SELECT id, start, "end" FROM {YEARS} WHERE start IS NOT NULL ORDER BY start DESC""")
    )


def own_days(db: Database, year: int) -> list[Mapping[str, Any]]:
    """What the school entered of its days, in their order, each with the class it is for, if one."""
    return list(
        db.query(
            """SELECT o.*, cg.grade AS class_grade, cg.letter FROM own_day o
               LEFT JOIN class_group cg ON cg.id = o.class_group
               WHERE o.year = ? AND o.retired_at IS NULL ORDER BY o.day, o.grade, o.shift, o.class_group""",
            (year,),
        )
    )


def classes(db: Database, year: int) -> list[Mapping[str, Any]]:
    """The classes of a year by grade and letter."""
    return list(
        db.query(
            """SELECT id, grade, letter, shift, ifnull(week_days, 5) AS week_days FROM class_group
               WHERE year = ? AND retired_at IS NULL ORDER BY grade, letter, id""",
            (year,),
        )
    )


# ---- bells


BELL_OF_CLASS = """(SELECT x.id FROM bell x WHERE x.shift = cg.shift AND x.period = {period} AND x.retired_at IS NULL
  AND (x.grade IS NULL OR x.grade = cg.grade) ORDER BY x.grade IS NULL, x.id DESC LIMIT 1)"""
"""The bell of a period for the class `cg`: its grade's own (35 minutes in grade 1), else its shift's."""


def bells(db: Database) -> dict[tuple[int, int | None], dict[int, Mapping[str, Any]]]:
    """(shift, grade or None for all) -> period -> the row of its bell."""
    found: dict[tuple[int, int | None], dict[int, Mapping[str, Any]]] = {}
    rows = db.query(
        "SELECT * FROM bell WHERE retired_at IS NULL AND shift IS NOT NULL AND period IS NOT NULL ORDER BY id"
    )
    for row in rows:
        found.setdefault((row["shift"], row["grade"]), {})[row["period"]] = row
    return {key: dict(sorted(one.items())) for key, one in sorted(found.items(), key=_bell_order)}


def _bell_order(item: tuple[tuple[int, int | None], object]) -> tuple[int, int]:
    (shift, grade), _ = item
    return shift, -1 if grade is None else grade


def rings(db: Database, shift: int | None, grade: int | None) -> dict[int, tuple[int | None, int | None]]:
    """Period -> minutes since midnight at which it begins and ends, for a class of this shift and grade."""
    found = bells(db)
    rows = found.get((shift or 0, None), {}) | found.get((shift or 0, grade), {})
    return {period: (row["start"], row["end"]) for period, row in sorted(rows.items())}
