"""What the lessons of a term lack: a topic, attendance, marks; hours given against those of timetable and plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.calendar import queries as calendar
from node.journal import queries as journal
from node.plans import queries as plans
from node.timetable import queries as timetable

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
    enough = _enough(db, first, min(last, today), journal.rule(db).minimum)
    members = _members(db, today)
    planned, of_year = _planned(db), _of_year(db, today)
    nothing: dict[Place, tuple[bool, bool]] = {}
    found = []
    for group in groups:
        start, end = spans[group["grade"]]
        whole = [place for place in asked.get(group["id"], ()) if start <= place[0] <= end]
        known = {p: one for p, one in written.get(group["id"], nothing).items() if start <= p[0] <= end}
        due = [place for place in whole if place[0] <= today]
        missing = sum(place not in known for place in due)
        pupils = members(group["class_group"], group["id"]) if start <= today else frozenset()
        found.append(
            Line(
                group=group,
                due=len(due),
                whole=len(whole),
                held=len(known),
                no_topic=missing + sum(not topic for topic, _ in known.values()),
                not_taken=missing + sum(not taken for _, taken in known.values()),
                short=len(pupils - enough.get(group["id"], frozenset()))
                if group["scale"] is not None
                else None,
                planned=planned.get(group["id"]),
                of_year=of_year.get(group["id"], 0),
            )
        )
    return found


def _asked(db: Database, first: int, last: int) -> dict[int, set[Place]]:
    """The lessons of the timetable on school days, by group; dropped ones left out."""
    days, classes = calendar.calendar(db, first, last), dict[int, calendar.Whom]()
    found: dict[int, set[Place]] = {}
    for class_group, group, weekday, period, start, end in db.execute(
        """SELECT sg.class_group, sg.id, t.weekday, t.period, ifnull(t.start, 0), ifnull(t."end", 99999)
           FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group
           WHERE t.retired_at IS NULL AND sg.retired_at IS NULL AND sg.class_group IS NOT NULL"""
    ).fetchall():
        if class_group not in classes:
            classes[class_group] = calendar.whom(db, class_group)
        on = days.taught_days(first, last, classes[class_group]).get(weekday, ())
        found.setdefault(group, set()).update([(day, period) for day in on if start <= day < end])
    for group, day, period in timetable.dropped(db, first, last):
        found.get(group, set()).discard((day, period))
    return found


def _written(db: Database, first: int, last: int) -> dict[int, dict[Place, tuple[bool, bool]]]:
    """The lessons of the journal by group: has it a topic, was attendance taken?"""
    found: dict[int, dict[Place, tuple[bool, bool]]] = {}
    # +day: a term is a third of the table, which is quicker read in its own order than by the days.
    for group, day, period, topic, taken in db.execute(
        """SELECT subject_group, day, period, ifnull(topic, '') <> '', ifnull(attendance_taken, 0) FROM lesson
           WHERE +day BETWEEN ? AND ? AND retired_at IS NULL""",
        (first, last),
    ).fetchall():
        found.setdefault(group, {})[day, period] = (topic, taken)
    return found


def _enough(db: Database, first: int, last: int, minimum: int) -> dict[int, frozenset[int]]:
    """Group -> the pupils who have as many marks as a term mark needs."""
    # Counted group by group, along the index of the key: the table is the largest there is.
    rows = db.execute(
        """SELECT sg.id, (SELECT json_group_array(pupil) FROM (
             SELECT m.pupil FROM mark m WHERE m.subject_group = sg.id AND m.day BETWEEN ? AND ?
               AND m.value IS NOT NULL AND m.retired_at IS NULL GROUP BY +m.pupil HAVING count(*) >= ?))
           FROM subject_group sg WHERE sg.retired_at IS NULL AND sg.scale IS NOT NULL""",
        (first, last, minimum),
    )
    return {group: frozenset(json.loads(pupils)) for group, pupils in rows.fetchall()}


def _members(db: Database, day: int) -> Callable[[int, int], frozenset[int]]:
    """The pupils of a class's subject group on a day; the rule of the journal's `members`, for many groups at once."""
    rolls: dict[int, set[int]] = {}
    for class_group, pupil in db.execute(
        """SELECT class_group, pupil FROM enrolment WHERE retired_at IS NULL AND start <= ?1
           AND ("end" IS NULL OR "end" > ?1)""",
        (day,),
    ).fetchall():
        rolls.setdefault(class_group, set()).add(pupil)
    lists: dict[int, set[int]] = {}
    for group, pupil, now in db.execute(
        """SELECT subject_group, pupil, ifnull(start, ?1) <= ?1 AND ("end" IS NULL OR "end" > ?1)
           FROM subject_group_pupil WHERE retired_at IS NULL""",
        (day,),
    ).fetchall():
        listed = lists.setdefault(group, set())
        if now:
            listed.add(pupil)

    def members(class_group: int, group: int) -> frozenset[int]:
        roll = rolls.get(class_group, set())
        return frozenset(roll & lists[group] if group in lists else roll)

    return members


def _planned(db: Database) -> dict[int, int]:
    """Group -> hours of its plan."""
    rows = db.execute(
        f"""SELECT p.subject_group, sum(ifnull(i.hours, 1)) FROM plan p JOIN plan_item i ON i.plan = p.id
           WHERE i.retired_at IS NULL AND {plans.HOLDS} GROUP BY p.subject_group"""
    )
    return dict(rows.fetchall())


def _of_year(db: Database, today: int) -> dict[int, int]:
    """Group -> lessons held since its year began."""
    rows = db.execute(
        """SELECT subject_group, count(*) FROM lesson WHERE +day <= ? AND retired_at IS NULL
           GROUP BY subject_group""",
        (today,),
    )
    return dict(rows.fetchall())
