"""What the lessons of a term lack: a topic, attendance, marks; hours given against those of timetable and plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.calendar import queries as calendar
from node.journal import queries as journal

Place = tuple[int, int]
"""A lesson of a group: day and period."""


@dataclass(frozen=True)
class Line:
    """A subject group in a term up to today. Hours are lessons.

    ``due``: asked for by the timetable until today; ``whole``: until the term's end; ``planned``: the hours of the
    plan of the year, None without a plan; ``of_year``: lessons held since the year began. ``short``: pupils with fewer
    marks than a term mark needs, None where nobody is marked.
    """

    group: Mapping[str, Any]
    due: int
    whole: int
    held: int
    no_topic: int
    not_taken: int
    short: int | None
    planned: int | None
    of_year: int

    @property
    def behind(self) -> int:
        """Lessons that the timetable asked for and the journal does not know."""
        return max(0, self.due - self.held)

    @property
    def lacks(self) -> bool:
        """Is anything missing?"""
        return bool(self.no_topic or self.not_taken or self.behind or self.short)


def lines(db: Database, year: int, term: int, today: int) -> list[Line]:
    """Every subject group of a year, by class and subject."""
    groups = journal.groups(db, year)
    spans = {
        grade: next(
            ((t["start"], t["end"]) for t in journal.terms(db, year, grade) if t["id"] == term), (0, -1)
        )
        for grade in {one["grade"] for one in groups}
    }
    first = min((start for start, _ in spans.values()), default=0)
    last = max((end for _, end in spans.values()), default=-1)
    asked, written = _asked(db, first, last), _written(db, first, min(last, today))
    marks, minimum = _marks(db, first, min(last, today)), journal.rule(db).minimum
    planned, of_year = _planned(db), _of_year(db, year, today)
    found = []
    for group in groups:
        start, end = spans[group["grade"]]
        whole = {place for place in asked.get(group["id"], ()) if start <= place[0] <= end}
        known = {p: one for p, one in written.get(group["id"], {}).items() if start <= p[0] <= end}
        due = {place for place in whole if place[0] <= today}
        pupils = journal.members(db, group["id"], today, today) if start <= today else frozenset()
        given = marks.get(group["id"], {})
        marked = group["scale"] is not None
        found.append(
            Line(
                group=group,
                due=len(due),
                whole=len(whole),
                held=len(known),
                no_topic=sum(not known.get(place, (False, False))[0] for place in due | known.keys()),
                not_taken=sum(not known.get(place, (False, False))[1] for place in due | known.keys()),
                short=sum(given.get(pupil, 0) < minimum for pupil in pupils) if marked else None,
                planned=planned.get(group["id"]),
                of_year=of_year.get(group["id"], 0),
            )
        )
    return found


def _asked(db: Database, first: int, last: int) -> dict[int, set[Place]]:
    """The lessons of the timetable on school days, by group."""
    days, taught = calendar.calendar(db, first, last), dict[int, dict[int, list[int]]]()
    found: dict[int, set[Place]] = {}
    for class_group, group, weekday, period, start, end in db.execute(
        """SELECT sg.class_group, sg.id, t.weekday, t.period, ifnull(t.start, 0), ifnull(t."end", 99999)
           FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group
           WHERE t.retired_at IS NULL AND sg.retired_at IS NULL AND sg.class_group IS NOT NULL"""
    ).fetchall():
        if class_group not in taught:
            whom, by_weekday = calendar.whom(db, class_group), dict[int, list[int]]()
            for day in range(first, last + 1):
                by_weekday.setdefault(days.taught_as(day, whom), []).append(day)
            taught[class_group] = by_weekday
        on = taught[class_group].get(weekday, ())
        found.setdefault(group, set()).update((day, period) for day in on if start <= day < end)
    return found


def _written(db: Database, first: int, last: int) -> dict[int, dict[Place, tuple[bool, bool]]]:
    """The lessons of the journal by group: has it a topic, was attendance taken?"""
    found: dict[int, dict[Place, tuple[bool, bool]]] = {}
    for group, day, period, topic, taken in db.execute(
        """SELECT subject_group, day, period, ifnull(topic, '') <> '', ifnull(attendance_taken, 0) FROM lesson
           WHERE day BETWEEN ? AND ? AND retired_at IS NULL""",
        (first, last),
    ).fetchall():
        found.setdefault(group, {})[day, period] = (bool(topic), bool(taken))
    return found


def _marks(db: Database, first: int, last: int) -> dict[int, dict[int, int]]:
    """Group -> pupil -> marks given."""
    found: dict[int, dict[int, int]] = {}
    for group, pupil, count in db.execute(
        """SELECT subject_group, pupil, count(value) FROM mark WHERE day BETWEEN ? AND ? AND retired_at IS NULL
           GROUP BY subject_group, pupil""",
        (first, last),
    ).fetchall():
        found.setdefault(group, {})[pupil] = count
    return found


def _planned(db: Database) -> dict[int, int]:
    """Group -> hours of its plan, the latest one."""
    rows = db.execute(
        """SELECT p.subject_group, sum(ifnull(i.hours, 1)) FROM plan p JOIN plan_item i ON i.plan = p.id
           WHERE i.retired_at IS NULL AND p.id IN
             (SELECT max(id) FROM plan WHERE retired_at IS NULL GROUP BY subject_group)
           GROUP BY p.subject_group"""
    )
    return dict(rows.fetchall())


def _of_year(db: Database, year: int, today: int) -> dict[int, int]:
    """Group -> lessons held since the year began."""
    rows = db.execute(
        """SELECT l.subject_group, count(*) FROM lesson l JOIN subject_group sg ON sg.id = l.subject_group
           JOIN class_group cg ON cg.id = sg.class_group
           WHERE cg.year = ? AND l.day <= ? AND l.retired_at IS NULL GROUP BY l.subject_group""",
        (year, today),
    )
    return dict(rows.fetchall())
