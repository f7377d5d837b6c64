"""Taking last year's timetable over: which slots a new class may have, from the class of the same grade and letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.calendar import queries as calendar
from node.timetable import queries
from sync.writer import Writer

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Copied:
    """What came of it: classes with a timetable now, slots made, lessons to which no subject of the class answers."""

    classes: int
    slots: int
    left: int


def year_before(db: Database, year: int) -> tuple[int, int] | None:
    """Row and last day of the school year before a year, if it had lessons."""
    row = db.execute(
        """SELECT b.id FROM academic_year a JOIN academic_year b ON b.start < a.start
           WHERE a.id = ? AND b.retired_at IS NULL ORDER BY b.start DESC LIMIT 1""",
        (year,),
    ).fetchone()
    days = calendar.bounds(db, row[0]) if row else None
    return (row[0], days[1]) if row and days else None


def without_timetable(db: Database, year: int) -> list[Row]:
    """The classes of a year that have no slot at all, now or later."""
    busy = {
        row[0]
        for row in db.execute(
            """SELECT DISTINCT sg.class_group FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group
               WHERE t.retired_at IS NULL"""
        ).fetchall()
    }
    return [one for one in calendar.classes(db, year) if one["id"] not in busy]


def offers(db: Database, year: int) -> int:
    """Classes without a timetable to which one of last year answers."""
    before = year_before(db, year)
    bare = without_timetable(db, year) if before else []
    if not bare or before is None:
        return 0
    had = {(slot["grade"], slot["letter"]) for slot in _at_the_end(db, before)}
    return sum((one["grade"], one["letter"]) in had for one in bare)


def _at_the_end(db: Database, before: tuple[int, int]) -> list[Row]:
    rows = queries.slots(db, *before)
    letters = {one["id"]: one["letter"] for one in calendar.classes(db, before[0])}
    return [dict(row) | {"letter": letters.get(row["class_group"])} for row in rows]


def copy_last_year(w: Writer, year: int, day: int) -> Copied:
    """Give the classes of a year that have no timetable the one their namesakes had at the end of the year before.

    It holds from a day on. A lesson goes to the group of the same subject and part, or to the only group of the
    subject; teachers are those of the new groups, rooms stay unless they were closed. Weekday and period are
    kept, clashes are shown by the timetable's warnings.
    """
    before = year_before(w.db, year)
    bare = {(one["grade"], one["letter"]): one["id"] for one in without_timetable(w.db, year)}
    if before is None or not bare:
        return Copied(0, 0, 0)
    groups: dict[int, list[Row]] = {}
    for group in queries.groups(w.db, year):
        groups.setdefault(group["class_group"], []).append(group)
    rooms = {room["id"] for room in queries.rooms(w.db)}
    done, made, left = set[int](), 0, 0
    for slot in _at_the_end(w.db, before):
        class_group = bare.get((slot["grade"], slot["letter"]))
        if class_group is None:
            continue
        answer = _answering(slot, groups.get(class_group, []))
        if answer is None:
            left += 1
            continue
        room = slot["room"] if slot["room"] in rooms else None
        w.insert(
            "timetable_slot",
            subject_group=answer,
            weekday=slot["weekday"],
            period=slot["period"],
            room=room,
            start=day,
        )
        done.add(class_group)
        made += 1
    return Copied(len(done), made, left)


def _answering(slot: Row, groups: list[Row]) -> int | None:
    """The group of a class to which a slot of last year's class goes."""
    same = [one for one in groups if one["subject"] == slot["subject"]]
    exact = [one for one in same if (one["part"] or "") == (slot["part"] or "")]
    chosen = exact if len(exact) == 1 else same if len(same) == 1 else []
    return int(chosen[0]["id"]) if chosen else None
