"""What the lessons of a term lack: a topic, attendance, marks; hours given against those of timetable and plan."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from node import yearbook
from node.calendar import queries as calendar
from node.journal import queries as journal
from node.plans import queries as plans
from node.roster import AWAY
from node.settings.queries import number
from node.timetable import queries as timetable
from shared.dates import FOREVER

_PERIODS = 64
"""A lesson of a group is one number here, ``day * 64 + period``: of a year there are tens of thousands."""


@dataclass(frozen=True)
class Line:
    """A subject group in a term up to today. Hours are lessons.

    ``due``: asked for by the timetable and over by now; ``whole``: until the term's end; ``planned``: the hours of the
    plan of the year, None without a plan; ``of_year``: lessons held since the year began. ``short``: pupils without a
    result who have fewer marks than a term mark needs, None where nobody is marked or the term's end is far (a
    setting); ``outside``: marks that are not on their scale.
    """

    group: Mapping[str, Any]
    due: int
    whole: int
    held: int
    no_topic: int
    not_taken: int
    short: int | None
    outside: int
    planned: int | None
    of_year: int

    @property
    def behind(self) -> int:
        """Lessons that the timetable asked for and the journal does not know."""
        return max(0, self.due - self.held)

    @property
    def lacks(self) -> bool:
        """Is anything missing?"""
        return bool(self.no_topic or self.not_taken or self.behind or self.short or self.outside)


@dataclass(frozen=True)
class Sum:
    """What all groups of a teacher lack; None for groups without a teacher."""

    teacher: int | None
    groups: int
    behind: int
    no_topic: int
    not_taken: int
    short: int
    outside: int


def by_teacher(found: Iterable[Line]) -> list[Sum]:
    """The lines that lack something, summed by teacher: who lacks most first."""
    of: dict[int | None, list[Line]] = {}
    for line in found:
        if line.lacks:
            of.setdefault(line.group["teacher"], []).append(line)
    sums = [
        Sum(
            teacher,
            len(lines),
            sum(line.behind for line in lines),
            sum(line.no_topic for line in lines),
            sum(line.not_taken for line in lines),
            sum(line.short or 0 for line in lines),
            sum(line.outside for line in lines),
        )
        for teacher, lines in of.items()
    ]
    return sorted(
        sums, key=lambda one: (-one.no_topic - one.not_taken - one.outside, -one.short, one.teacher or 0)
    )


def lines(db: Database, year: int, term: int, today: int, minute: int = 24 * 60) -> list[Line]:
    """Every subject group of a year, by class and subject; a lesson of today is due when its end has rung.

    ``minute``: of today, since midnight.
    """
    groups = journal.groups(db, year)
    spans = {
        grade: next(
            ((t["start"], t["end"]) for t in journal.terms(db, year, grade) if t["id"] == term), (0, -1)
        )
        for grade in {one["grade"] for one in groups}
    }
    first = min((start for start, _ in spans.values()), default=0)
    last = max((end for _, end in spans.values()), default=-1)
    asked, written = _asked(db, first, last), _written(db, first, last, today)
    by = journal.rule(db)
    weightless = frozenset(kind for kind, weight in by.weights.items() if not weight)
    marked, given = _marked(db, first, min(last, today), weightless), _given(db, term)
    members, moved = _members(db), _moved(db, year, first, min(last, today), weightless)
    planned, nothing = _planned(db), _Written()
    running = _running(db, year, minute)
    asked_from = number(db, "marks_asked_days")
    found = []
    for group in groups:
        start, end = spans[group["grade"]]
        from_, to = start * _PERIODS, (end + 1) * _PERIODS
        due_to = min(to, (today + 1) * _PERIODS)
        asks, has = asked.get(group["id"], ()), written.get(group["id"], nothing)
        whole = [place for place in asks if from_ <= place < to]
        held = {place for place in has.places if from_ <= place < due_to}
        still = {today * _PERIODS + period for period in running.get(group["class_group"], ())}
        due = [place for place in whole if place < due_to and (place not in still or place in held)]
        missing = len(due) - len(held.intersection(due))
        day = min(end, today)
        pupils = members(group["class_group"], group["id"], day) if start <= today else frozenset()
        marks = marked.get(group["id"], _Marked()) if group["scale"] is not None else None
        found.append(
            Line(
                group=group,
                due=len(due),
                whole=len(whole),
                held=len(held),
                no_topic=missing + len(held.intersection(has.no_topic)),
                not_taken=missing + len(held.intersection(has.not_taken)),
                short=None
                if marks is None or today <= end - asked_from
                else sum(
                    marks.counts.get(one, 0) + moved[group["id"], one] < by.minimum
                    for one in pupils - given.get(group["id"], frozenset())
                ),
                outside=0 if marks is None else marks.outside,
                planned=planned.get(group["id"]),
                of_year=has.of_year,
            )
        )
    return found


def _running(db: Database, year: int, minute: int) -> dict[int, set[int]]:
    """Class -> the periods that have not ended at that minute of a day."""
    rows = db.execute(
        "SELECT id, shift, grade FROM class_group WHERE year = ? AND retired_at IS NULL", (year,)
    )
    rings = {}
    found = {}
    for class_group, shift, grade in rows.fetchall():
        if (shift, grade) not in rings:
            rings[shift, grade] = {
                period
                for period, (start, end) in calendar.rings(db, shift, grade).items()
                if (end or start or 0) > minute
            }
        found[class_group] = rings[shift, grade]
    return found


def _asked(db: Database, first: int, last: int) -> dict[int, set[int]]:
    """The lessons of the timetable on school days, by group; dropped ones left out."""
    days, classes = calendar.calendar(db, first, last), dict[int, Mapping[int, Sequence[int]]]()
    found: dict[int, set[int]] = {}
    for class_group, group, weekday, period, start, end in db.execute(
        f"""SELECT sg.class_group, sg.id, t.weekday, t.period, ifnull(t.start, 0), ifnull(t."end", {FOREVER})
           FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group
           WHERE t.retired_at IS NULL AND sg.retired_at IS NULL AND sg.class_group IS NOT NULL"""
    ).fetchall():
        if class_group not in classes:
            classes[class_group] = days.taught_days(first, last, calendar.whom(db, class_group))
        on = classes[class_group].get(weekday, ())
        found.setdefault(group, set()).update([day * _PERIODS + period for day in on if start <= day < end])
    for group, day, period in timetable.dropped(db, first, last):
        found.get(group, set()).discard(day * _PERIODS + period)
    return found


@dataclass
class _Written:
    """The lessons that the journal knows of a group: how many of the year; of a term all, those without a topic, those
    without attendance.
    """

    of_year: int = 0
    places: set[int] = field(default_factory=set)
    no_topic: set[int] = field(default_factory=set)
    not_taken: set[int] = field(default_factory=set)


def _written(db: Database, first: int, last: int, today: int) -> dict[int, _Written]:
    """The lessons of the journal by group."""
    # Counted along the index of the key, which holds all that most lessons are asked; then those that lack something,
    # or are no longer there, from the table, which is quicker read in its own order (+day) than by the days.
    found = {
        group: _Written(count, set(json.loads(places)))
        for group, count, places in db.execute(
            f"""SELECT subject_group, count(*),
                 json_group_array(day * {_PERIODS} + period) FILTER (WHERE day BETWEEN ? AND ?)
               FROM lesson WHERE day <= ? GROUP BY subject_group""",
            (first, min(last, today), today),
        ).fetchall()
    }
    for group, place, bare, taken, gone in db.execute(
        f"""SELECT subject_group, day * {_PERIODS} + period, ifnull(topic, '') = '', ifnull(attendance_taken, 0),
             retired_at IS NOT NULL
           FROM lesson WHERE +day <= ? AND (retired_at IS NOT NULL
             OR +day >= ? AND (ifnull(topic, '') = '' OR NOT ifnull(attendance_taken, 0)))""",
        (today, first),
    ).fetchall():
        one = found[group]
        if gone:
            one.of_year -= 1
            one.places.discard(place)
            continue
        if bare:
            one.no_topic.add(place)
        if not taken:
            one.not_taken.add(place)
    return found


@dataclass
class _Marked:
    """Of a group in a term: how many marks each pupil has, and how many marks are outside their scale."""

    counts: Counter[str] = field(default_factory=Counter)
    outside: int = 0


def _given(db: Database, term: int) -> dict[int, frozenset[str]]:
    """Group -> the pupils who have a result of the term."""
    return _sets(
        db.execute(
            """SELECT subject_group, group_concat(pupil) FROM term_result WHERE term = ? AND retired_at IS NULL
               AND (value IS NOT NULL OR ifnull(status, 'assessed') <> 'assessed') GROUP BY subject_group""",
            (term,),
        )
    )


def _marked(db: Database, first: int, last: int, weightless: Collection[int]) -> dict[int, _Marked]:
    """What the marks of a term come to, by group that is marked; kinds of work without weight do not count."""
    # Joined group by group, along the index of the key, and counted here: the table is the largest there is, and every
    # page of it that is read has to be deciphered. Pupils stay the texts that they are joined as.
    found, suspects = {}, []
    low, high = journal.common_bounds(db)
    for group, pupils, least, most in db.execute(
        """WITH weightless AS (SELECT value FROM json_each(?))
           SELECT g.id, group_concat(CASE WHEN ifnull(m.kind, 0) NOT IN weightless THEN m.pupil END),
             min(m.value), max(m.value) FROM subject_group g
           CROSS JOIN mark m ON m.subject_group = g.id AND m.day BETWEEN ? AND ?
             AND m.value IS NOT NULL AND m.retired_at IS NULL
           WHERE g.scale IS NOT NULL AND g.retired_at IS NULL GROUP BY g.id""",
        (json.dumps(sorted(weightless)), first, last),
    ).fetchall():
        found[group] = _Marked(Counter(pupils.split(",") if pupils else ()))
        if not low <= least <= most <= high:
            suspects.append(group)
    for stray in journal.strays(db, suspects, first, last):
        found[stray.place.group].outside += 1
        found[stray.place.group].counts[str(stray.pupil)] -= stray.kind not in weightless
    return found


def _moved(
    db: Database, year: int, first: int, last: int, weightless: Collection[int]
) -> Counter[tuple[int, str]]:
    """(group, pupil) -> how many marks the pupil brought along from other groups of the subject."""
    pupils = yearbook.movers(db, year)
    if not pupils:
        return Counter()
    marks: dict[tuple[int, int], list[int]] = {}
    for group, pupil, day, kind in db.execute(
        """SELECT m.subject_group, m.pupil, m.day, ifnull(m.kind, 0) FROM json_each(?) w
           CROSS JOIN mark m ON m.pupil = w.value CROSS JOIN subject_group sg ON sg.id = m.subject_group
           JOIN grading_scale s ON s.id = ifnull(m.scale, sg.scale)
           WHERE m.day BETWEEN ? AND ? AND m.retired_at IS NULL AND m.value BETWEEN s.minimum AND s.maximum""",
        (json.dumps(sorted(pupils)), first, last),
    ).fetchall():
        if kind not in weightless:
            marks.setdefault((group, pupil), []).append(day)
    groups = [one["id"] for one in journal.groups(db, year)]
    return Counter(
        {
            (group, str(pupil)): sum(
                any(start <= day < end for start, end in spans)
                for origin, spans in left.items()
                for day in marks.get((origin, pupil), ())
            )
            for (group, pupil), left in yearbook.origins(db, groups, pupils).items()
        }
    )


def _members(db: Database) -> Callable[[int, int, int], frozenset[str]]:
    """The pupils of a class's subject group on a day; the rule of the journal's `members`, for many groups at once."""
    by_day: dict[int, tuple[dict[int, frozenset[str]], dict[int, frozenset[str]]]] = {}

    def members(class_group: int, group: int, day: int) -> frozenset[str]:
        if day not in by_day:
            by_day[day] = _rolls(db, day), _lists(db, day)
        rolls, lists = by_day[day]
        roll = rolls.get(class_group, frozenset())
        return roll & lists[group] if group in lists else roll

    return members


def _rolls(db: Database, day: int) -> dict[int, frozenset[str]]:
    """Class -> the pupils on its roll on a day."""
    return _sets(
        db.execute(
            """SELECT class_group, group_concat(pupil) FROM enrolment WHERE retired_at IS NULL AND start <= ?1
               AND ("end" IS NULL OR "end" > ?1) GROUP BY class_group""",
            (day,),
        )
    )


def _lists(db: Database, day: int) -> dict[int, frozenset[str]]:
    """Group that has a list -> the pupils on it on a day."""
    return _sets(
        db.execute(
            f"""SELECT subject_group, group_concat(pupil) FILTER (WHERE ifnull(start, ?1) <= ?1
                 AND ("end" IS NULL OR "end" > ?1) AND NOT {AWAY.format(first="?1", last="?1")})
               FROM subject_group_pupil g WHERE retired_at IS NULL GROUP BY subject_group""",
            (day,),
        )
    )


def _sets(rows: Iterable[tuple[int, str | None]]) -> dict[int, frozenset[str]]:
    return {key: frozenset(values.split(",")) if values else frozenset() for key, values in rows}


def _planned(db: Database) -> dict[int, int]:
    """Group -> hours of its plan."""
    rows = db.execute(
        f"""WITH held AS MATERIALIZED (SELECT p.id, p.subject_group FROM plan p WHERE {plans.HOLDS})
            SELECT h.subject_group, sum(ifnull(i.hours, 1)) FROM held h CROSS JOIN plan_item i ON i.plan = h.id
            WHERE i.retired_at IS NULL GROUP BY h.subject_group"""
    )
    return dict(rows.fetchall())
