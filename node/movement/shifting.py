"""An act of the book is moved to another day; rolls and lists follow, and whatever came before or after it stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from node import roster
from node.movement import checks, moving_on
from node.movement.contradictions import KINDS
from shared.problems import ActBetween, InvalidValue, OutsideYear
from sync.writer import Writer


def shift(w: Writer, act: Mapping[str, Any], day: int) -> None:
    """Let what an act did to the rolls be done on another day; the line itself is the caller's to change.

    InvalidValue: a line of a closing, or a class that is closed then; OutsideYear; ActBetween.
    """
    if act["kind"] not in KINDS:
        raise InvalidValue(table="movement", column="date", value=day)
    pupil, was, old, new = act["pupil"], act["date"], act["from_class"], act["to_class"]
    low, high = sorted((was, day))
    time = moving_on.time_to_place(w.db, act)
    if time is not None:
        if not time[0] <= day <= time[1]:
            raise OutsideYear()
        _require_nothing(w.db, _LINES, act, low, high)
        return
    _require_nothing(w.db, f"{_LINES} UNION {_ROLLS}", act, low, high)
    if new is not None:
        checks.require_open(w.db, new, day)
    elif old is not None:
        checks.require_within(w.db, old, day)
    if old is not None:
        roster.end_on(w, pupil, old, was, day)
    if new is not None:
        roster.begin_on(w, pupil, new, was, day)
    elif old is not None:
        moving_on.keep_line(w, pupil, old, day)


_LINES = """SELECT date FROM movement WHERE pupil = :pupil AND id <> :id AND retired_at IS NULL
  AND kind IN ('arrived', 'departed', 'transfer', 'graduated')"""
_ROLLS = " UNION ".join(
    f"SELECT {end} FROM {table} WHERE pupil = :pupil AND retired_at IS NULL"
    for table in ("enrolment", "subject_group_pupil", "subject_group_gap")
    for end in ("start", '"end"')
)


def _require_nothing(db: Database, sql: str, act: Mapping[str, Any], low: int, high: int) -> None:
    """ActBetween: on a day from low to high the pupil comes, goes or changes class or subgroup by something else."""
    for (day,) in db.execute(sql, {"pupil": act["pupil"], "id": act["id"]}).fetchall():
        if day is not None and low <= day <= high and day != act["date"]:
            raise ActBetween()
