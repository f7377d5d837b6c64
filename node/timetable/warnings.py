"""What is wrong with a timetable, found and in words: clashes, lessons without a bell, hours that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from node.calendar import queries as calendar
from node.people.queries import class_name
from node.timetable import queries
from node.timetable.clashes import Clash, Entry, clashes
from node.timetable.desk import group_name
from shared.dates import MONDAY, weekday
from shared.i18n import day_of_week, gettext

SHOWN = 3
"""Lessons named in a warning that holds for many."""


def members_by_group(db: Database, day: int) -> dict[int, frozenset[int]]:
    """The pupils of the groups that have a list of their own, as it holds on a day or later."""
    found: dict[int, set[int]] = {}
    for group, pupil in db.execute(
        """SELECT subject_group, pupil FROM subject_group_pupil WHERE retired_at IS NULL
           AND ("end" IS NULL OR "end" > ?)""",
        (day,),
    ).fetchall():
        found.setdefault(group, set()).add(pupil)
    return {group: frozenset(pupils) for group, pupils in found.items()}


def entry_maker(db: Database, day: int) -> Callable[[Mapping[str, Any]], Entry]:
    """What makes slots ready to be compared."""
    lists = members_by_group(db, day)
    bells = calendar.bells(db)

    def entry(row: Mapping[str, Any]) -> Entry:
        rung = bells.get((row["shift"] or 0, None), {}) | bells.get((row["shift"] or 0, row["grade"]), {})
        bell = rung.get(row["period"])
        timed = bell is not None and bell["start"] is not None and bell["end"] is not None
        return Entry(
            slot=row["id"],
            group=row["group"],
            class_group=row["class_group"],
            weekday=row["weekday"],
            period=row["period"],
            shift=row["shift"],
            minutes=(bell["start"], bell["end"]) if bell is not None and timed else None,
            teacher=row["teacher"],
            room=row["room"],
            pupils=lists.get(row["group"]),
            first=row["first"],
            last=row["last"],
            together=row["together"],
        )

    return entry


def entries(db: Database, year: int, day: int) -> list[Entry]:
    """The slots of a year's classes as they hold on a day, ready to be compared."""
    make = entry_maker(db, day)
    return [make(row) for row in queries.slots(db, year, day)]


@dataclass(frozen=True)
class Warnings:
    """What is wrong with a timetable. ``hours`` are (group, placed, wanted a week)."""

    clashes: list[Clash]
    without_bell: list[Entry]
    hours: list[tuple[int, int, int]]
    seventh_day: list[Entry]

    @property
    def count(self) -> int:
        return len(self.clashes) + len(self.without_bell) + len(self.hours) + len(self.seventh_day)


def warnings_of(db: Database, year: int, day: int) -> Warnings:
    """Clashes of teachers, rooms and pupils, lessons without a bell or on a free weekday, and hours that differ."""
    found = entries(db, year, day)
    placed: dict[int, int] = {}
    for entry in found:
        placed[entry.group] = placed.get(entry.group, 0) + 1
    wanted = {one["id"]: one["hours_week"] for one in queries.groups(db, year)}
    weeks = {one["id"]: one["week_days"] for one in calendar.classes(db, year)}
    return Warnings(
        clashes=clashes(found),
        without_bell=[entry for entry in found if entry.minutes is None],
        hours=[
            (group, placed.get(group, 0), hours)
            for group, hours in wanted.items()
            if hours is not None and placed.get(group, 0) != hours
        ],
        seventh_day=[entry for entry in found if entry.weekday > weeks.get(entry.class_group or 0, 7)],
    )


@dataclass(frozen=True)
class Line:
    """One warning as it is read: what is wrong, where, and the class in which to mend it."""

    kind: str
    text: str
    where: str
    class_id: int | None


def day_lines(db: Database, lessons: Iterable[queries.Lesson], today: int) -> list[Line]:
    """Clashes among the lessons of one day as they are held, substitutes and lessons of that day alone included."""
    held = [one for one in lessons if not one.dropped]
    make = entry_maker(db, held[0].day) if held else None
    entries = [
        replace(make(one.slot), teacher=one.teacher, weekday=weekday(one.day))
        for one in held
        if make is not None
    ]
    return warning_lines(db, Warnings(clashes(entries), [], [], []), today)


def warning_lines(db: Database, found: Warnings, today: int, only: set[int] | None = None) -> list[Line]:
    """Warnings in words; of some groups alone when they are named."""
    rows = {
        row["id"]: row
        for row in db.query(
            """SELECT sg.id, sg.name AS part, sg.teacher, sg.class_group, cg.grade, cg.letter, s.code, s.name_ky,
                 s.name_ru, s.name_en FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group
               LEFT JOIN subject s ON s.id = sg.subject"""
        )
    }
    people = queries.names(db, {row["teacher"] for row in rows.values()}, today)
    places = {room["id"]: room["name"] for room in queries.rooms(db)}

    def told(group: int) -> str:
        row = rows[group]
        return f"{class_name(row['grade'], row['letter'])} {group_name(row)}"

    def at(entry: Entry) -> str:
        return gettext(
            "%(day)s, lesson %(period)s", day=day_of_week(MONDAY + entry.weekday - 1), period=entry.period
        )

    lines = []
    for clash in found.clashes:
        one, other = clash.one, clash.other
        if only is not None and not {one.group, other.group} & only:
            continue
        who = {
            "teacher": people.get(one.teacher or 0, "") or gettext("Teacher"),
            "room": gettext("room %(room)s", room=places.get(one.room or 0, "")),
            "class": gettext("The same pupils"),
        }[clash.reason]
        lines.append(
            Line(clash.reason, f"{who}: {told(one.group)} — {told(other.group)}", at(one), one.class_group)
        )
    # A shift without bells lacks all of them: one line for a class.
    unrung: dict[int | None, list[Entry]] = {}
    for entry in found.without_bell:
        if only is None or entry.group in only:
            unrung.setdefault(entry.class_group, []).append(entry)
    for class_group, entries in unrung.items():
        row = rows[entries[0].group]
        where = ", ".join(dict.fromkeys(map(at, entries[:SHOWN]))) + (" …" if len(entries) > SHOWN else "")
        lines.append(Line("bell", class_name(row["grade"], row["letter"]), where, class_group))
    for entry in found.seventh_day:
        if only is None or entry.group in only:
            lines.append(Line("day", told(entry.group), at(entry), entry.class_group))
    for group, placed, wanted in found.hours:
        if group in rows and (only is None or group in only):
            text = gettext(
                "%(group)s: %(placed)s of %(wanted)s hours a week",
                group=told(group),
                placed=placed,
                wanted=wanted,
            )
            lines.append(Line("hours", text, "", rows[group]["class_group"]))
    return lines
