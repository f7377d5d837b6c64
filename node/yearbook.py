"""A pupil's year in a subject, through all the groups of the school in which it was spent: the one place that reads it.

Who changes the class or the subgroup brings along what the old one gave: results of periods, marks, missed lessons. A
result stays in the row of the group that gave it and is counted there, where the pupil was on the roll when the period
ended; here it is found again for the group into which the pupil came. A pupil came from one group into another of the
subject and the year if the time in it ended earlier. Results from a former school's report card are rows of the group
that the pupil has joined, marked as such, and count for the pupil alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from node import schooldays
from node.roster import KNOWN, MEMBER, cut, gaps
from node.roster import Span as Span
from shared.dates import FOREVER
from shared.indicators import COUNTED, LAST_DAYS
from sync.state import State


@dataclass(frozen=True)
class Result:
    """A pupil's result in a subject and a period. ``band`` is the mark on the five-point scale.

    ``class_group``, ``grade``, ``letter`` and ``part`` tell which group gave it; ``former``: it is from the report card
    of a former school; ``counted``: this group's figures count it, for the pupil was on its roll at the period's end.
    ``missed``: lessons of the subject missed in the period, wherever; None of a former school.
    """

    pupil: int
    subject: int
    term: int
    value: int | None
    band: int | None
    status: str
    missed: int | None
    group: int
    class_group: int | None
    grade: int | None
    letter: str | None
    part: str | None
    former: bool
    counted: bool

    @property
    def mark(self) -> int | None:
        """The mark, None for who was not assessed, exempt or is not marked."""
        return self.value if self.status == "assessed" else None

    @property
    def measured(self) -> Measured:
        """The result as figures count it."""
        return self.status, self.band, int(self.counted)


Measured = tuple[str, int | None, int]
"""Results alike: status, band, how many."""
Came = dict[tuple[int, int], dict[int, list[Span]]]
"""(group, pupil) -> the groups from which the pupil came into it -> the days spent there."""


def of_groups(
    db: Database,
    groups: Collection[int],
    pupils: Collection[int] | None = None,
    *,
    counting: bool = True,
    came: Came | None = None,
) -> list[Result]:
    """The results that stand in subject groups: those given there, and those brought along from other groups.

    Of several of one pupil, subject and period the one of the group in which the pupil was last. Without ``counting``
    none tells whether figures count it, which takes most of the time; ``came`` are the `origins`, if they are known.
    """
    own = _rows(
        db,
        "tr.subject_group IN (SELECT value FROM json_each(:groups))",
        groups=groups,
        pupils=pupils,
        counting=counting,
    )
    came = origins(db, groups, pupils) if came is None else came
    brought = _brought(db, came)
    return _standing(db, {_key(one): one for one in (*brought, *own)}.values())


def all_of(db: Database, pupils: Collection[int]) -> list[Result]:
    """The rows of pupils' results as they were given, whether they stand or not."""
    return _rows(db, "1", pupils=pupils)


def of_pupils(db: Database, pupils: Collection[int]) -> list[Result]:
    """Every result that stands for pupils, of all years; of several of one period the one of the last group."""
    return _standing(db, all_of(db, pupils))


def of_year(db: Database, year: int, kinds: Iterable[str]) -> list[Result]:
    """The results that stand for pupils in periods of some kinds of a year, in all classes."""
    where = "t.year = :year AND t.kind IN (SELECT value FROM json_each(:kinds))"
    return _standing(db, _rows(db, where, year=year, kinds=list(kinds)))


def counts(db: Database, year: int, term: int) -> list[tuple[int, int, str, int | None, int]]:
    """How many results of a period the classes of a year count: class, group, status, band, how many."""
    sql = f"""WITH {LAST_DAYS}, r AS (SELECT {_COLUMNS}, {COUNTED} AS counted {_FROM}
        WHERE tr.term = :term AND tr.retired_at IS NULL AND sg.retired_at IS NULL AND cg.year = :year)
      SELECT class_group, "group", status, band, sum(counted) FROM r GROUP BY class_group, "group", status, band"""
    return list(db.execute(sql, {"school": _school(db), "year": year, "term": term}).fetchall())


_SUBJECT = "coalesce(sg.subject, -sg.id)"
"""SQL: a group without a subject is one of its own."""
# In the order of a Result.
_COLUMNS = f"""tr.pupil, {_SUBJECT} AS subject, tr.term, tr.value,
    coalesce(tr.band, (SELECT max(b.band) FROM grading_band b
      WHERE b.scale = sg.scale AND b.retired_at IS NULL AND tr.value BETWEEN b.low AND b.high)) AS band,
    coalesce(tr.status, 'assessed') AS status, tr.missed, sg.id AS "group", sg.class_group, cg.grade, cg.letter,
    sg.name AS part, coalesce(tr.former, 0) AS former"""
_GIVEN = """FROM term_result tr CROSS JOIN subject_group sg ON sg.id = tr.subject_group
    LEFT JOIN class_group cg ON cg.id = sg.class_group"""
_FROM = f"""{_GIVEN} LEFT JOIN term t ON t.id = tr.term
    LEFT JOIN last_day l ON l.term = tr.term AND l.grade = coalesce(cg.grade, -1)"""


def _rows(
    db: Database,
    where: str,
    pupils: Collection[int] | None = None,
    counting: bool = True,
    **values: Any,
) -> list[Result]:
    if pupils is not None:
        where += " AND tr.pupil IN (SELECT value FROM json_each(:pupils))"
    chosen = f"WITH {LAST_DAYS} SELECT {_COLUMNS}, {COUNTED} AS counted {_FROM}"
    if not counting:
        chosen = f"SELECT {_COLUMNS}, 0 AS counted {_GIVEN}"
    sql = f"{chosen} WHERE tr.retired_at IS NULL AND sg.retired_at IS NULL AND {where}"
    listed = {
        name: value if isinstance(value, int) else json.dumps(sorted(value))
        for name, value in (values | ({} if pupils is None else {"pupils": pupils})).items()
    }
    found = db.execute(sql, {"school": _school(db), **listed}).fetchall()
    return [Result(*row[:-2], *map(bool, row[-2:])) for row in found]


def _school(db: Database) -> int:
    return int(State(db).school)


def _key(one: Result) -> tuple[int, int, int]:
    return one.group, one.pupil, one.term


def _brought(db: Database, came: Came) -> list[Result]:
    """The results of the groups from which pupils came."""
    left = {(pupil, group) for (_, pupil), found in came.items() for group in found}
    if not left:
        return []
    found = _rows(
        db,
        "tr.subject_group IN (SELECT value FROM json_each(:groups))",
        groups={group for _, group in left},
        pupils={pupil for pupil, _ in left},
        counting=False,
    )
    return [one for one in found if (one.pupil, one.group) in left]


def _standing(db: Database, found: Iterable[Result]) -> list[Result]:
    """Of several results of one pupil, subject and period those of the group in which the pupil was last."""
    by_place: dict[tuple[int, int, int], list[Result]] = {}
    for one in found:
        by_place.setdefault((one.pupil, one.subject, one.term), []).append(one)
    several = [some for some in by_place.values() if len(some) > 1]
    if several:
        spans = belonging(db, {(one.group, one.pupil) for some in several for one in some})
        last_day = _term_ends(db)
        for some in several:
            last = [_last(one, spans[one.group, one.pupil], last_day(one)) for one in some]
            by_place[some[0].pupil, some[0].subject, some[0].term] = [
                one for one, day in zip(some, last, strict=True) if day == max(last)
            ]
    return [one for some in by_place.values() for one in some]


def _last(one: Result, spans: Iterable[Span], end: int) -> int:
    """The last day of a period on which the pupil was in the group; -1 for none, or of a former school."""
    days = [min(last - 1, end) for first, last in spans if first <= end]
    return -1 if one.former else max(days, default=-1)


def _term_ends(db: Database) -> Callable[[Result], int]:
    """The last day of a result's period, as it holds for the grade of its class."""
    found: dict[int | None, dict[int, int]] = {}

    def of(one: Result) -> int:
        if one.grade not in found:
            known = schooldays.terms(db, None, one.grade, schooldays.RESULT_KINDS)
            found[one.grade] = {term["id"]: term["end"] for term in known}
        return found[one.grade].get(one.term, FOREVER)

    return of


# ---- the way from group to group


def origins(db: Database, groups: Collection[int], pupils: Collection[int] | None = None) -> Came:
    """From which groups of its subject and year pupils came into each of some groups; of a few pupils, or all."""
    sql = f"""SELECT DISTINCT g.id, e.pupil, o.id FROM json_each(:groups) w JOIN subject_group g ON g.id = w.value
      JOIN class_group cg ON cg.id = g.class_group JOIN enrolment e ON e.class_group = g.class_group
      JOIN enrolment f ON f.pupil = e.pupil JOIN class_group oc ON oc.id = f.class_group AND oc.year = cg.year
      CROSS JOIN subject_group o ON o.class_group = oc.id AND o.subject = g.subject AND o.id <> g.id
      WHERE e.retired_at IS NULL AND f.retired_at IS NULL AND o.retired_at IS NULL
        AND (:pupils IS NULL OR e.pupil IN (SELECT value FROM json_each(:pupils)))
        AND (f.class_group <> e.class_group OR {_LISTED.format("o.id")})
        AND ({_LISTED.format("g.id")} OR NOT EXISTS (SELECT 1 FROM subject_group_pupil m
          WHERE m.subject_group = g.id AND m.retired_at IS NULL))"""
    asked = {
        "groups": json.dumps(sorted(groups)),
        "pupils": None if pupils is None else json.dumps(sorted(pupils)),
    }
    pairs = db.execute(sql, asked).fetchall()
    if not pairs:
        return {}
    spans = belonging(db, {(one, pupil) for group, pupil, origin in pairs for one in (group, origin)})
    found: Came = {}
    for group, pupil, origin in pairs:
        there, here = spans[origin, pupil], spans[group, pupil]
        if there and here and there[-1][1] < here[-1][1]:
            found.setdefault((group, pupil), {})[origin] = there
    return found


_LISTED = """EXISTS (SELECT 1 FROM subject_group_pupil m WHERE m.subject_group = {} AND m.pupil = e.pupil
  AND m.retired_at IS NULL)"""


def movers(db: Database, year: int) -> frozenset[int]:
    """The pupils who were in several classes of a year, or in several groups that have lists of one subject."""
    rows = db.execute(
        """SELECT e.pupil FROM enrolment e JOIN class_group cg ON cg.id = e.class_group AND cg.year = ?1
             WHERE e.retired_at IS NULL GROUP BY e.pupil HAVING count(DISTINCT e.class_group) > 1
           UNION SELECT g.pupil FROM class_group cg JOIN subject_group sg ON sg.class_group = cg.id
             JOIN subject_group_pupil g ON g.subject_group = sg.id
             WHERE cg.year = ?1 AND sg.retired_at IS NULL AND g.retired_at IS NULL
             GROUP BY g.pupil, sg.class_group, sg.subject HAVING count(*) > 1""",
        (year,),
    )
    return frozenset(row[0] for row in rows.fetchall())


def belonging(db: Database, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], list[Span]]:
    """(group, pupil) -> the spans in which the pupil belonged to the group, in order; of the places asked for."""
    groups = json.dumps(sorted({group for group, _ in places}))
    pupils = json.dumps(sorted({pupil for _, pupil in places}))
    rolls: dict[tuple[int, int], list[Span]] = {}
    for group, pupil, start, end in db.execute(
        f"""SELECT sg.id, e.pupil, e.start, ifnull(e."end", {FOREVER}) FROM json_each(:pupils) w
           JOIN enrolment e ON e.pupil = w.value JOIN subject_group sg ON sg.class_group = e.class_group
           WHERE e.retired_at IS NULL AND e.start IS NOT NULL AND sg.id IN (SELECT value FROM json_each(:groups))
           ORDER BY e.start""",
        {"groups": groups, "pupils": pupils},
    ).fetchall():
        rolls.setdefault((group, pupil), []).append((start, end))
    lists: dict[tuple[int, int], Span] = {}
    has_list: set[int] = set()
    for group, pupil, start, end in db.execute(
        f"""SELECT subject_group, pupil, ifnull(start, -{FOREVER}), ifnull("end", {FOREVER})
           FROM subject_group_pupil WHERE retired_at IS NULL AND subject_group IN (SELECT value FROM json_each(?))""",
        (groups,),
    ).fetchall():
        lists[group, pupil] = (start, end)
        has_list.add(group)
    out = gaps(db)
    found = {}
    for place in places:
        on_list = [(-FOREVER, FOREVER)] if place[0] not in has_list else []
        if place in lists:
            on_list = cut(lists[place], out.get(place, ()))
        found[place] = [
            (max(first, start), min(last, end))
            for first, last in rolls.get(place, ())
            for start, end in on_list
            if max(first, start) < min(last, end)
        ]
    return found


# ---- missed lessons

Missed = dict[tuple[int, int, int | None], list[int]]
"""(pupil, subject, year) -> the days of the lessons missed, a day for each."""


_MISSED = f"""SELECT DISTINCT a.pupil, {_SUBJECT}, cg.year, a.day, a.period, sg.class_group, sg.id FROM {{asked}}
  CROSS JOIN lesson l ON l.subject_group = a.subject_group AND l.day = a.day AND l.period = a.period
  CROSS JOIN subject_group sg ON sg.id = a.subject_group CROSS JOIN class_group cg ON cg.id = sg.class_group
  CROSS JOIN enrolment e ON e.pupil = a.pupil AND +e.class_group = sg.class_group AND e.retired_at IS NULL
  WHERE {KNOWN} AND {MEMBER}"""
_ABSENT = "a.status = 'absent' AND a.retired_at IS NULL"
_OF_PUPILS = _MISSED.format(
    asked=f"json_each(?) w CROSS JOIN attendance a ON a.pupil = w.value AND {_ABSENT}"
)
_OF_GROUP = _MISSED.format(
    asked=f"""(SELECT * FROM attendance a WHERE a.subject_group = ? AND a.day BETWEEN ? AND ? AND {_ABSENT}) a"""
)


def missed(db: Database, pupils: Collection[int]) -> Missed:
    """The lessons that pupils missed, by the rule of attendance: lessons whose attendance was taken, on days on which
    the pupil belonged to the group, and which the calendar does not call free.
    """
    found: Missed = {}
    for pupil, subject, year, day, *_ in _held(db, _OF_PUPILS, json.dumps(sorted(pupils))):
        found.setdefault((pupil, subject, year), []).append(day)
    return found


def missed_of(db: Database, group: int, first: int, last: int) -> int:
    """How many lessons the pupils of a group missed in a span, by the same rule."""
    return len(_held(db, _OF_GROUP, group, first, last))


def _held(db: Database, sql: str, *values: object) -> list[tuple[int, ...]]:
    """The missed lessons on days that the calendar does not call free."""
    rows = db.execute(sql, values).fetchall()
    if not rows:
        return []
    calendar = schooldays.calendar(db, min(row[3] for row in rows), max(row[3] for row in rows))
    whom = {class_group: schooldays.whom(db, class_group) for class_group in {row[5] for row in rows}}
    return [row for row in rows if not calendar.is_closed(row[3], whom[row[5]])]


def with_missed(db: Database, results: Collection[Result]) -> list[Result]:
    """Results with the lessons missed in their period, counted now.

    Where no attendance was taken in the period, as in books kept on paper, what was written with the result stands.
    """
    days = missed(db, {one.pupil for one in results})
    taken = _taken(db, {one.group for one in results})
    terms: dict[int | None, Mapping[int, Mapping[str, Any]]] = {}
    found = []
    for one in results:
        if one.grade not in terms:
            known = schooldays.terms(db, None, one.grade, schooldays.RESULT_KINDS)
            terms[one.grade] = {term["id"]: term for term in known}
        term = terms[one.grade].get(one.term)
        if term is not None and not one.former and _overlaps(taken.get(one.group), term):
            one = replace(one, missed=missed_in(days, one.pupil, one.subject, term))
        found.append(one)
    return found


def _taken(db: Database, groups: Collection[int]) -> dict[int, Span]:
    """Group -> the first and the last day of which attendance of a lesson was taken."""
    rows = db.execute(
        """SELECT l.subject_group, min(l.day), max(l.day) FROM json_each(?) w CROSS JOIN lesson l
           ON l.subject_group = w.value WHERE l.attendance_taken = 1 AND l.retired_at IS NULL
           GROUP BY l.subject_group""",
        (json.dumps(sorted(groups)),),
    )
    return {group: (first, last) for group, first, last in rows.fetchall()}


def _overlaps(days: Span | None, term: Mapping[str, Any]) -> bool:
    return days is not None and bool(days[0] <= term["end"] and term["start"] <= days[1])


def missed_in(days: Missed, pupil: int, subject: int, term: Mapping[str, Any]) -> int:
    """How many lessons of a subject a pupil missed in a period."""
    own = days.get((pupil, subject, term["year"]), ())
    return sum(term["start"] <= day <= term["end"] for day in own)
