"""Reading the journal: the lessons of a day, who belongs to a group, marks and absences, the plan's next topic."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlite_utils import Database

from node import roster, yearbook
from node.calendar import queries as calendar
from node.calendar.queries import locked_terms as locked_terms
from node.journal.cells import SLOTS as SLOTS
from node.journal.cells import Cell as Cell
from node.journal.cells import Correction as Correction
from node.journal.cells import Mark as Mark
from node.journal.cells import Place as Place
from node.journal.cells import Rule as Rule
from node.journal.cells import Scale as Scale
from node.journal.cells import Standing as Standing
from node.journal.cells import Stray as Stray
from node.journal.cells import brought as brought
from node.journal.cells import cells as cells
from node.journal.cells import common_bounds as common_bounds
from node.journal.cells import lesson_cells as lesson_cells
from node.journal.cells import reckoned as reckoned
from node.journal.cells import rule as rule
from node.journal.cells import scale_of as scale_of
from node.journal.cells import standing as standing
from node.journal.cells import standings as standings
from node.journal.cells import strays as strays
from node.journal.cells import struck_lines as struck_lines
from node.journal.cells import usual_kind as usual_kind
from node.journal.cells import weighed as weighed
from node.journal.cells import work_kinds as work_kinds
from node.people.queries import NAME_COLUMNS, NAMED, class_name, full_name
from node.plans import queries as plans
from node.settings import queries as settings
from node.timetable import queries as timetable
from node.yearbook import Result as Result
from shared.dates import FOREVER, date_of
from shared.i18n import in_order

_LESSONS = f"""
  WITH taught (class_group, weekday) AS (SELECT CAST(key AS INTEGER), value FROM json_each(:taught)), planned AS (
    SELECT t.subject_group, t.period, t.room FROM taught JOIN subject_group g ON g.class_group = taught.class_group
    JOIN timetable_slot t ON t.subject_group = g.id AND t.weekday = taught.weekday
    WHERE t.retired_at IS NULL AND ifnull(t.start, :day) <= :day AND (t."end" IS NULL OR t."end" > :day)
      AND NOT EXISTS (SELECT 1 FROM substitution d WHERE d.subject_group = t.subject_group AND d.day = :day
        AND d.period = t.period AND d.dropped = 1 AND d.retired_at IS NULL)
    UNION ALL SELECT subject_group, period, NULL FROM lesson WHERE day = :day AND retired_at IS NULL{{also}})
  SELECT p.subject_group AS "group", p.period, :day AS day, max(r.name) AS room, cg.id AS class_group, cg.grade,
    cg.letter, sg.name AS part, s.code, s.name_ky, s.name_ru, s.name_en, b.start, b."end",
    sg.scale, sg.teacher AS own_teacher, x.teacher AS substitute, coalesce(x.teacher, sg.teacher) AS teacher,
    l.rid IS NOT NULL AS held, l.topic, l.homework, ifnull(l.attendance_taken, 0) AS taken
  FROM planned p JOIN subject_group sg ON sg.id = p.subject_group JOIN class_group cg ON cg.id = sg.class_group
  LEFT JOIN subject s ON s.id = sg.subject LEFT JOIN room r ON r.id = p.room
  LEFT JOIN bell b ON b.id = {calendar.BELL_OF_CLASS.format(period="p.period")}
  LEFT JOIN substitution x ON x.subject_group = p.subject_group AND x.day = :day AND x.period = p.period
    AND x.retired_at IS NULL
  LEFT JOIN lesson l ON l.subject_group = p.subject_group AND l.day = :day AND l.period = p.period
    AND l.retired_at IS NULL
  WHERE sg.retired_at IS NULL AND cg.retired_at IS NULL AND {{where}}
  GROUP BY p.subject_group, p.period ORDER BY b.start, p.period, cg.grade, cg.letter"""


def lessons(
    db: Database, day: int, *, teacher: int | None = None, classes: Collection[int] | None = None
) -> list[Mapping[str, Any]]:
    """The lessons of a day by timetable, substitutions and journal, in the order of the bells.

    Those that a person teaches that day, or of some classes, or all of the school.
    """
    where = """(:teacher IS NULL OR coalesce(x.teacher, sg.teacher) = :teacher)
      AND (:classes IS NULL OR cg.id IN (SELECT value FROM json_each(:classes)))"""
    chosen = {"teacher": teacher, "classes": None if classes is None else json.dumps(sorted(classes))}
    return list(db.query(_LESSONS.format(where=where, also=""), _on(day, calendar.taught(db, day)) | chosen))


def lesson(db: Database, place: Place) -> Mapping[str, Any] | None:
    """One lesson; None when neither timetable nor journal knows it, and no mark or absence of it stands."""
    where = "p.subject_group = :group AND p.period = :period"
    class_group = _class_of(db, place.group)
    on = calendar.calendar(db, place.day, place.day).taught_as(place.day, calendar.whom(db, class_group))
    values = _on(place.day, {class_group: on}) | {"group": place.group, "period": place.period}
    found = next(iter(db.query(_LESSONS.format(where=where, also=""), values)), None)
    if found is None and not all(cell.is_blank for cell in lesson_cells(db, place).values()):
        also = " UNION ALL SELECT :group, :period, NULL"
        found = next(iter(db.query(_LESSONS.format(where=where, also=also), values)), None)
    return found


def _on(day: int, taught: Mapping[int, int]) -> dict[str, int | str | None]:
    return {"day": day, "taught": json.dumps(taught)}


def _class_of(db: Database, group: int) -> int:
    row = db.execute("SELECT ifnull(class_group, 0) FROM subject_group WHERE id = ?", (group,)).fetchone()
    return int(row[0]) if row else 0


_MEMBERS = f"""SELECT DISTINCT e.pupil FROM enrolment e JOIN subject_group sg ON sg.class_group = e.class_group
  WHERE sg.id = :group AND e.retired_at IS NULL AND e.start <= :last AND (e."end" IS NULL OR e."end" > :first)
    AND (NOT EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = :group AND g.retired_at IS NULL)
      OR EXISTS (SELECT 1 FROM subject_group_pupil g WHERE g.subject_group = :group AND g.pupil = e.pupil
        AND g.retired_at IS NULL AND ifnull(g.start, :last) <= :last AND (g."end" IS NULL OR g."end" > :first)
        AND NOT {roster.AWAY.format(first=":first", last=":last")}))"""


def members(db: Database, group: int, first: int, last: int) -> frozenset[int]:
    """The pupils of a subject group on some day of a span; a group without a list of its own is the whole class."""
    found = db.execute(_MEMBERS, {"group": group, "first": first, "last": last})
    return frozenset(row[0] for row in found.fetchall())


def membership(db: Database, group_id: int, days: Sequence[int]) -> Callable[[int], frozenset[int]]:
    """The days, of some in order, on which a pupil belongs to the group; the rule of `members`, for a whole term."""
    whole = frozenset(days)
    enrolled = db.execute(
        f"""SELECT e.pupil, e.start, ifnull(e."end", {FOREVER}) FROM enrolment e JOIN subject_group sg
           ON sg.class_group = e.class_group WHERE sg.id = ? AND e.retired_at IS NULL AND e.start IS NOT NULL""",
        (group_id,),
    ).fetchall()
    listed = db.execute(
        f"""SELECT pupil, ifnull(start, 0), ifnull("end", {FOREVER}) FROM subject_group_pupil
           WHERE subject_group = ? AND retired_at IS NULL""",
        (group_id,),
    ).fetchall()

    gaps = roster.gaps(db, group=group_id)
    cut = [
        (pupil, first, last)
        for pupil, start, end in listed
        for first, last in roster.cut((start, end), gaps.get((group_id, pupil), ()))
    ]
    rolls, lists = _spans(enrolled), _spans(cut)

    def within(spans: Sequence[tuple[int, int]]) -> frozenset[int]:
        if days and any([start <= days[0] and days[-1] < end for start, end in spans]):
            return whole
        return frozenset(
            day for start, end in spans for day in days[bisect_left(days, start) : bisect_left(days, end)]
        )

    def there(pupil: int) -> frozenset[int]:
        on_roll = within(rolls.get(pupil, ()))
        return on_roll & within(lists.get(pupil, ())) if listed else on_roll

    return there


def _spans(rows: Iterable[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for pupil, start, end in rows:
        found.setdefault(pupil, []).append((start, end))
    return found


def named(db: Database, pupils: Collection[int], today: int) -> list[tuple[int, str]]:
    """Pupils in alphabetical order with the names that may be shown."""
    marks = ", ".join(str(int(pupil)) for pupil in pupils)
    rows = db.query(
        f"WITH {NAMED} SELECT n.id, {NAME_COLUMNS} FROM named n WHERE n.id IN ({marks})", {"today": today}
    )
    names = {row["id"]: full_name(row) for row in rows}
    return in_order([(pupil, names.get(pupil, "")) for pupil in sorted(pupils)], lambda one: one[1])


def person_name(db: Database, person: int | None, today: int) -> str:
    """The name of one person, where it may be shown."""
    return named(db, [person], today)[0][1] if person is not None else ""


def planned_topic(db: Database, place: Place) -> Mapping[str, Any] | None:
    """The plan's item whose turn it is in a lesson, by what was given before it."""
    return plans.due_item(db, place.group, place.day, place.period)


def planned_topics(db: Database, group: int, found: Iterable[Column]) -> dict[Place, Mapping[str, Any]]:
    """The plan's item whose turn it is in each lesson that has no topic yet."""
    bare = {(one.place.day, one.place.period): one.place for one in found if not one.topic}
    return {bare[at]: item for at, item in plans.due_items(db, group, bare).items()}


def item_of_topic(db: Database, place: Place, topic: str) -> Mapping[str, Any] | None:
    """The plan's item that a topic gives."""
    return plans.item_of_topic(db, place.group, place.day, place.period, topic)


# ---- a group and its terms


def group(db: Database, group_id: int) -> Mapping[str, Any] | None:
    """A subject group with its class and subject."""
    sql = """SELECT sg.id, sg.class_group, coalesce(sg.subject, -sg.id) AS subject, sg.teacher, sg.scale,
        sg.name AS part, cg.grade, cg.letter, cg.year, s.code, s.name_ky, s.name_ru, s.name_en
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group LEFT JOIN subject s ON s.id = sg.subject
      WHERE sg.id = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL"""
    return next(iter(db.query(sql, (group_id,))), None)


def groups(db: Database, year: int) -> list[Mapping[str, Any]]:
    """The subject groups of a year by class and subject."""
    sql = """SELECT sg.id, sg.class_group, sg.teacher, sg.scale, sg.name AS part, cg.grade, cg.letter,
        s.code, s.name_ky, s.name_ru, s.name_en
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group LEFT JOIN subject s ON s.id = sg.subject
      WHERE cg.year = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL
      ORDER BY cg.grade, cg.letter, s.sort, s.id, sg.name"""
    return list(db.query(sql, (year,)))


def terms(db: Database, year: int, grade: int | None = None) -> list[dict[str, Any]]:
    """The terms of a year in which marks are proposed, with the dates that hold for a grade, quarters before halves."""
    return calendar.terms(db, year, grade)


MARKING = calendar.MARKING
RESULT_KINDS = calendar.RESULT_KINDS
_ORDER = {"quarter": 0, "period": 0, "half": 1, "year": 2, "exam": 3, "final": 4}


def result_terms(db: Database, year: int, grade: int | None = None) -> list[dict[str, Any]]:
    """The periods of a year that have a result: quarters, halves, the year, exam and final mark."""
    found = calendar.terms(db, year, grade, RESULT_KINDS)
    return sorted(found, key=lambda term: (_ORDER[term["kind"]], term["start"], term["id"]))


def is_locked(db: Database, class_group: int, first: int, last: int) -> bool:
    """Does a locked term of lessons reach over the whole span?"""
    return any(start <= first and last <= end for start, end in locked_spans(db, class_group))


def on_roll(
    db: Database,
    day: int,
    *,
    year: int | None = None,
    class_group: int | None = None,
    pupil: int | None = None,
) -> frozenset[int]:
    """The pupils on the roll of a class, or of any class of a year, on a day; of all, or one if there."""
    rows = db.execute(
        """SELECT e.pupil FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           WHERE e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)
             AND (:year IS NULL OR cg.year = :year) AND (:class IS NULL OR cg.id = :class)
             AND (:pupil IS NULL OR e.pupil = :pupil)""",
        {"day": day, "year": year, "class": class_group, "pupil": pupil},
    )
    return frozenset(row[0] for row in rows.fetchall())


def periods_before(db: Database, class_group: int, pupil: int, today: int) -> list[dict[str, Any]]:
    """The quarters of a class's year, or half-years where it has none, that ended before a pupil came to the school."""
    row = db.execute("SELECT year, grade FROM class_group WHERE id = ?", (class_group,)).fetchone()
    terms = terms_of_lessons(result_terms(db, *row)) if row else []
    return [
        one
        for one in terms
        if one["end"] < today and not on_roll(db, one["end"], year=one["year"], pupil=pupil)
    ]


def terms_of_lessons(terms: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The quarters among the periods of a year; its half-years where it has none."""
    found = [one for one in terms if one["kind"] in MARKING]
    return [one for one in found if one["kind"] != "half"] or found


def locked_spans(db: Database, class_group: int) -> list[tuple[int, int]]:
    """First and last day of the terms of lessons that are locked for a class."""
    locked = locked_terms(db, class_group)
    if not locked:
        return []
    grade = db.execute("SELECT grade FROM class_group WHERE id = ?", (class_group,)).fetchone()[0]
    terms = calendar.terms(db, None, grade)
    return [(term["start"], term["end"]) for term in terms if term["id"] in locked]


@dataclass(frozen=True)
class Column:
    """A lesson of a term, as a column of the grid; ``held`` tells whether the journal knows it."""

    place: Place
    held: bool
    topic: str
    homework: str
    taken: bool

    @cached_property
    def at(self) -> str:
        """Day and period as addresses hold them: 2025-09-01/3."""
        return f"{date_of(self.place.day).isoformat()}/{self.place.period}"

    @cached_property
    def date(self) -> str:
        """Day and month as the head of a column shows them: 1.09."""
        date = date_of(self.place.day)
        return f"{date.day}.{date.month:02d}"


def columns(
    db: Database,
    group_id: int,
    first: int,
    last: int,
    found: Mapping[tuple[int, int, int], Cell] | None = None,
) -> list[Column]:
    """The lessons of a group in a span of a term: those of the journal, those of which a mark or absence stands, and
    those that the timetable asks for. ``found``: the cells of the span, where they were read already.
    """
    span = (group_id, first, last)
    sql = """SELECT day, period, topic, homework, attendance_taken FROM lesson
      WHERE subject_group = ? AND day BETWEEN ? AND ? AND retired_at IS NULL"""
    held = {(row[0], row[1]): row for row in db.execute(sql, span).fetchall()}
    known = held.keys() | _timetabled(db, group_id, first, last)
    written = cells(db, group_id, first, last) if found is None else found
    places = sorted(
        known | {at[:2] for at, cell in written.items() if at[:2] not in known and not cell.is_blank}
    )
    return [
        Column(Place(group_id, *at), at in held, *_told(held.get(at, (0, 0, "", "", 0))[2:])) for at in places
    ]


def _told(row: tuple[str | None, str | None, int | None]) -> tuple[str, str, bool]:
    topic, homework, taken = row
    return topic or "", homework or "", bool(taken)


def _timetabled(db: Database, group_id: int, first: int, last: int) -> set[tuple[int, int]]:
    """Days and periods of the timetable on school days; dropped lessons left out."""
    slots = db.execute(
        f"""SELECT weekday, period, ifnull(start, 0), ifnull("end", {FOREVER}) FROM timetable_slot
           WHERE subject_group = ? AND retired_at IS NULL""",
        (group_id,),
    ).fetchall()
    days, whom = calendar.calendar(db, first, last), calendar.whom(db, _class_of(db, group_id))
    off = timetable.dropped(db, first, last)
    taught = days.taught_days(first, last, whom)
    return {
        (day, period)
        for on, period, start, end in slots
        for day in taught.get(on, ())
        if start <= day < end and (group_id, day, period) not in off
    }


def edit_days(db: Database) -> int:
    """Days after the lesson, or after the end of a term, in which a change needs no reason."""
    return settings.number(db, "edit_days")


def term_of(db: Database, group_id: int, day: int) -> Mapping[str, Any] | None:
    """The first term of the group's year that contains a day."""
    found = group(db, group_id)
    if found is None:
        return None
    return next((t for t in terms(db, found["year"], found["grade"]) if t["start"] <= day <= t["end"]), None)


def results(db: Database, group_id: int, term: int) -> dict[int, Mapping[str, Any]]:
    """The rows of results that a group gave in a term, by pupil."""
    rows = db.query(
        "SELECT * FROM term_result WHERE subject_group = ? AND term = ? AND retired_at IS NULL",
        (group_id, term),
    )
    return {row["pupil"]: row for row in rows}


def whence(one: Result, here: Collection[int], group: int = 0) -> str:
    """From which class a result, seen from some classes, was brought along, or from which part of one, seen from a
    group; empty for one that is from there.
    """
    if one.class_group not in here:
        return class_name(one.grade, one.letter)
    return (one.part or class_name(one.grade, one.letter)) if group and one.group != group else ""


def all_results(
    db: Database, group_id: int, came: yearbook.Came | None = None
) -> dict[int, dict[int, Result]]:
    """Every result that stands in a group, those brought along from others included: period -> pupil -> result.

    ``came``: from which groups its pupils came, if that is known.
    """
    found: dict[int, dict[int, Result]] = {}
    for one in yearbook.of_groups(db, [group_id], counting=False, came=came):
        found.setdefault(one.term, {})[one.pupil] = one
    return found
