"""Is a day a school day for a class, and which terms are there with which dates.

The one place that answers it, for the journal, attendance, plans, derived rows and the first page. The country's
calendar stands in reference rows that a node only reads. What the school moves stands in rows of its own over them:
`own_term` for the dates of a term, `own_day` for the kind of a day. Of several own rows the one for the fewest
(class, grade, shift, all) counts, and among equals the one entered last (the greatest id), so that every node shows
the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from shared.dates import NO_LESSONS, weekday

MARKING = ("quarter", "half", "period")
"""Kinds of term in which lessons are held and marks are given."""
RESULT_KINDS = (*MARKING, "year", "exam", "final")
"""Kinds of period that have a result."""


def _of_year(column: str) -> str:
    return f"""coalesce((SELECT o.{column} FROM own_term o JOIN term t ON t.id = o.term WHERE t.year = a.id
      AND t.kind = 'year' AND o.grade IS NULL AND o.retired_at IS NULL ORDER BY o.id DESC LIMIT 1), a.{column})"""


YEARS = f"""(SELECT a.id, a.reference_date, {_of_year("start")} AS start, {_of_year('"end"')} AS "end"
  FROM academic_year a WHERE a.retired_at IS NULL)"""
"""SQL, to select from: the school years with the dates that hold here. What moves a year is its term of kind `year`."""


@dataclass(frozen=True)
class Whom:
    """A class as the calendar sees it; None for a part that is not known or does not matter."""

    class_group: int | None = None
    year: int | None = None
    grade: int | None = None
    shift: int | None = None
    week_days: int = 5


@dataclass(frozen=True)
class OwnDay:
    """What the school says of a day: for all, or for a grade, a shift or a class alone.

    ``taught_as``: the weekday (1 Monday to 7 Sunday) whose timetable holds, where a day was moved by order.
    """

    id: int
    day: int
    kind: str
    grade: int | None
    shift: int | None
    class_group: int | None
    taught_as: int | None

    def concerns(self, whom: Whom) -> bool:
        """Is this said of the class?"""
        pairs = (
            (self.grade, whom.grade),
            (self.shift, whom.shift),
            (self.class_group, whom.class_group),
        )
        return all(mine is None or mine == theirs for mine, theirs in pairs)

    @property
    def weight(self) -> tuple[bool, bool, bool, int]:
        """What counts more stands higher."""
        return (self.class_group is not None, self.grade is not None, self.shift is not None, self.id)


class Calendar:
    """The days of a span; made by `calendar`, asked as often as one likes."""

    def __init__(
        self,
        days: Mapping[int | None, Mapping[int, str]],
        own: Mapping[int, Mapping[int, list[OwnDay]]],
        spans: Mapping[tuple[int | None, int | None], list[tuple[int, int]]],
    ) -> None:
        self._days = days
        self._own = own
        self._spans = spans
        self._told_apart = {
            one.class_group for of_year in own.values() for said in of_year.values() for one in said
        }
        self._taught: dict[tuple[int, int, Whom], dict[int, list[int]]] = {}

    def said(self, day: int, whom: Whom) -> OwnDay | None:
        """The school's own word about a day, if it has one for the class."""
        said = self._own.get(whom.year or 0, {}).get(day)
        if said is None:
            return None
        found = [one for one in said if one.concerns(whom)]
        return max(found, key=lambda one: one.weight, default=None)

    def named(self, day: int, whom: Whom) -> str | None:
        """The kind that the school's or the country's calendar gives the day; None when it is an ordinary one."""
        own = self.said(day, whom)
        return own.kind if own else self._days.get(whom.year, {}).get(day)

    def kind(self, day: int, whom: Whom) -> str:
        """The kind of a day: what the calendar names, else `holiday` outside every term, else by the week's length."""
        return self._kind(day, whom, self.said(day, whom))

    def _kind(self, day: int, whom: Whom, own: OwnDay | None) -> str:
        named = own.kind if own else self._days.get(whom.year, {}).get(day)
        if named is not None:
            return named
        spans = self._spans.get((whom.year, whom.grade)) or self._spans.get((whom.year, None), [])
        if spans and not any([start <= day <= end for start, end in spans]):
            return "holiday"
        return "school" if weekday(day) <= whom.week_days else "off"

    def is_school_day(self, day: int, whom: Whom) -> bool:
        """Are lessons held? Distance and exam days are school days."""
        return self.kind(day, whom) not in NO_LESSONS

    def is_closed(self, day: int, whom: Whom) -> bool:
        """Does the calendar say in words that no lesson is held? Attendance of such a day counts for nothing."""
        return self.named(day, whom) in NO_LESSONS

    def free_for_some(self) -> set[int]:
        """The days that the calendar in words calls free for some class or other."""
        whole = {
            day for of_year in self._days.values() for day, kind in of_year.items() if kind in NO_LESSONS
        }
        return whole | {
            day
            for of_year in self._own.values()
            for day, said in of_year.items()
            if any(one.kind in NO_LESSONS for one in said)
        }

    def taught_as(self, day: int, whom: Whom) -> int:
        """The weekday whose timetable holds, 0 for none."""
        own = self.said(day, whom)
        if self._kind(day, whom, own) in NO_LESSONS:
            return 0
        return own.taught_as if own and own.taught_as else weekday(day)

    def taught_days(self, first: int, last: int, whom: Whom) -> Mapping[int, list[int]]:
        """Weekday -> the days from first to last on which its timetable holds; made once for classes alike."""
        like = whom if whom.class_group in self._told_apart else replace(whom, class_group=None)
        found = self._taught.get((first, last, like))
        if found is None:
            found = self._taught[first, last, like] = {}
            for day in range(first, last + 1):
                found.setdefault(self.taught_as(day, like), []).append(day)
        return found

    def school_days(self, first: int, last: int, whom: Whom) -> Iterator[int]:
        """The school days from first to last, both included."""
        return (day for day in range(first, last + 1) if self.is_school_day(day, whom))


def calendar(db: Database, first: int, last: int) -> Calendar:
    """What the calendar says of the days from first to last, both included."""
    days: dict[int | None, dict[int, str]] = {}
    for year, day, kind in db.execute(
        "SELECT year, day, kind FROM calendar_day WHERE day BETWEEN ? AND ? AND kind IS NOT NULL "
        "AND retired_at IS NULL",
        (first, last),
    ).fetchall():
        days.setdefault(year, {})[day] = kind
    own: dict[int, dict[int, list[OwnDay]]] = {}
    for year, *row in db.execute(
        "SELECT year, id, day, kind, grade, shift, class_group, taught_as FROM own_day "
        "WHERE day BETWEEN ? AND ? AND kind IS NOT NULL AND retired_at IS NULL",
        (first, last),
    ).fetchall():
        one = OwnDay(*row)
        own.setdefault(year, {}).setdefault(one.day, []).append(one)
    return Calendar(days, own, _spans(db))


def _spans(db: Database) -> dict[tuple[int | None, int | None], list[tuple[int, int]]]:
    """(year, grade) -> the spans in which lessons are held: its quarters; its half-years where it has no quarters."""
    moved = own_terms(db)
    grades = {None, *(grade for one in moved.values() for grade in one)}
    rows = _term_rows(db, None, MARKING)
    quartered = {term["year"] for term in rows if term["kind"] != "half"}
    found: dict[tuple[int | None, int | None], list[tuple[int, int]]] = {}
    for term in rows:
        if term["kind"] != "half" or term["year"] not in quartered:
            for grade in grades:
                found.setdefault((term["year"], grade), []).append(
                    _span(term, moved.get(term["id"], {}), grade)
                )
    return found


# ---- terms


def _term_rows(db: Database, year: int | None, kinds: Iterable[str]) -> list[dict[str, Any]]:
    sql = """SELECT id, year, kind, number, start, "end" FROM term WHERE retired_at IS NULL AND start IS NOT NULL
      AND "end" IS NOT NULL AND (?1 IS NULL OR year = ?1) AND kind IN (SELECT value FROM json_each(?2))
      ORDER BY kind = 'half', start, id"""
    return list(db.query(sql, (year, json.dumps(list(kinds)))))


def own_terms(db: Database) -> dict[int, dict[int | None, tuple[int, int]]]:
    """The school's own dates: term -> grade (None for all) -> first and last day."""
    found: dict[int, dict[int | None, tuple[int, int]]] = {}
    for term, grade, start, end in db.execute(
        'SELECT term, grade, start, "end" FROM own_term WHERE retired_at IS NULL AND start IS NOT NULL '
        'AND "end" IS NOT NULL ORDER BY id'
    ).fetchall():
        found.setdefault(term, {})[grade] = (start, end)
    return found


def _span(
    term: Mapping[str, Any], moved: Mapping[int | None, tuple[int, int]], grade: int | None
) -> tuple[int, int]:
    return moved.get(grade) or moved.get(None) or (term["start"], term["end"])


TERM_END = """coalesce((SELECT o."end" FROM own_term o WHERE o.term = t.id AND o.retired_at IS NULL
  AND (o.grade IS NULL OR o.grade = cg.grade) ORDER BY o.grade IS NULL, o.id DESC LIMIT 1), t."end")"""
"""The last day of the term `t` as it holds for the class `cg`, for a query over many classes."""


def bounds(db: Database, year: int) -> tuple[int, int] | None:
    """First and last day on which some class may have lessons in a school year, wherever its terms were moved."""
    row = db.execute(f'SELECT start, "end" FROM {YEARS} WHERE id = ?', (year,)).fetchone()
    if row is None or row[0] is None:
        return None
    spans = [span for (of, _), found in _spans(db).items() if of == year for span in found]
    last = max([end for _, end in spans] + ([row[1]] if row[1] is not None else []), default=row[0] + 300)
    return min([row[0], *(start for start, _ in spans)]), last


def held_outside(db: Database, year: int) -> int:
    """Lessons of a year on days of no term, as after a term was moved: their marks count in none."""
    spans = {grade: found for (of, grade), found in _spans(db).items() if of == year}
    held = db.execute(
        """SELECT cg.grade, l.day, count(*) FROM class_group cg JOIN subject_group sg ON sg.class_group = cg.id
           JOIN lesson l ON l.subject_group = sg.id
           WHERE cg.year = ? AND cg.retired_at IS NULL AND l.retired_at IS NULL GROUP BY cg.grade, l.day""",
        (year,),
    ).fetchall()
    return sum(
        count
        for grade, day, count in held
        if spans and not any(start <= day <= end for start, end in spans.get(grade, spans[None]))
    )


def terms(
    db: Database, year: int | None = None, grade: int | None = None, kinds: Iterable[str] = MARKING
) -> list[dict[str, Any]]:
    """The terms of a year (or of all) with the dates that hold for a grade, quarters before halves.

    ``given`` is what the country's calendar says where the school's dates differ, else None.
    """
    moved, found = own_terms(db), _term_rows(db, year, kinds)
    for term in found:
        given = (term["start"], term["end"])
        span = _span(term, moved.get(term["id"], {}), grade)
        term["start"], term["end"] = span
        term["given"] = given if given != span else None
    return found


def locked_terms(db: Database, class_group: int) -> frozenset[int]:
    """The periods of a class that the deputy has locked."""
    rows = db.execute(
        "SELECT term FROM term_lock WHERE class_group = ? AND locked = 1 AND retired_at IS NULL",
        (class_group,),
    )
    return frozenset(row[0] for row in rows.fetchall())


# ---- classes as the calendar sees them


def whom(db: Database, class_group: int | None) -> Whom:
    """A class as the calendar sees it."""
    row = db.execute(
        "SELECT id, year, grade, shift, ifnull(week_days, 5) FROM class_group WHERE id = ?", (class_group,)
    ).fetchone()
    return Whom(*row) if row else Whom()


def everyone(db: Database, day: int) -> list[Whom]:
    """The classes of the school year in which a day lies."""
    return [
        Whom(*row)
        for row in db.execute(
            """SELECT cg.id, cg.year, cg.grade, cg.shift, ifnull(cg.week_days, 5) FROM class_group cg
               WHERE cg.retired_at IS NULL AND (cg.year IS NULL OR cg.year = ?)
                 AND (cg.closed_on IS NULL OR cg.closed_on > ?)""",
            (year_of_day(db, day), day),
        ).fetchall()
    ]


def year_of_day(db: Database, day: int) -> int | None:
    """The school year of a day: the latest that has begun, so that a summer belongs to the year before."""
    row = db.execute(
        f"SELECT id FROM {YEARS} WHERE start <= ? ORDER BY start DESC LIMIT 1",
        (day,),
    ).fetchone()
    return row[0] if row else None


def day_kind(db: Database, day: int, class_group: int | None = None) -> str:
    """The kind of a day for a class, or for a school of five-day weeks as a whole."""
    one = Whom(year=year_of_day(db, day)) if class_group is None else whom(db, class_group)
    return calendar(db, day, day).kind(day, one)


def taught(db: Database, day: int) -> dict[int, int]:
    """The classes that have lessons on a day, each with the weekday whose timetable holds."""
    days = calendar(db, day, day)
    found = {one.class_group: days.taught_as(day, one) for one in everyone(db, day)}
    return {class_group: on for class_group, on in found.items() if on and class_group is not None}
