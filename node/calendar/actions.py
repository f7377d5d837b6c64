"""Moving the calendar: dates of terms, kinds of days, a new school year, the bells.

Nothing here knows of HTTP. The country's rows stay as they are; what the school decides stands in its own beside them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from sqlite_utils import Database

from node.calendar import queries
from shared.dates import DATE_SPAN, NO_LESSONS, date_of, day_number, weekday
from shared.problems import (
    BellsOverlap,
    BeyondYear,
    HeldOutside,
    InvalidValue,
    NotFound,
    RollsBegin,
    TermsOverlap,
    WrongOrder,
)
from sync.writer import Writer

SUNDAY = 7
MOST_DAYS = 120
"""A change of days may span so many."""
MOST_PERIODS = 15


@dataclass(frozen=True)
class Part:
    """The part of the school a change is for; all None for the whole of it."""

    grade: int | None = None
    shift: int | None = None
    class_group: int | None = None


WHOLE_SCHOOL = Part()


def move_term(w: Writer, term: int, grade: int | None, start: int, end: int, reason: str = "") -> bool:
    """Let a term begin and end on other days, for all or for one grade; returns whether anything changed.

    Dates equal to those that hold without the school's own row take that row back. The year is a term, too: the terms
    that begin and end with it move with it. NotFound; WrongOrder: it would end before it begins; TermsOverlap: with
    another term of its kind; BeyondYear: more than 60 days beyond the year; HeldOutside, RollsBegin: see `_move_year`.
    """
    row = next((t for t in queries.terms(w.db, None, grade, _EVERY_KIND) if t["id"] == term), None)
    if row is None:
        raise NotFound()
    if end < start:
        raise WrongOrder()
    _within(w.db, row["year"], (start, end))
    for other in queries.terms(w.db, row["year"], grade, (row["kind"],)):
        if other["id"] != term and start <= other["end"] and other["start"] <= end:
            raise TermsOverlap()
    if row["kind"] == "year":
        _move_year(w, row, grade, start, end, reason)
    own = _own_term_rows(w.db, term, grade)
    without = queries.own_terms(w.db).get(term, {}).get(None) if grade is not None else None
    given = row["given"] or (row["start"], row["end"])
    if (start, end) == (without or given):
        return any([w.retire("own_term", one) for one in own])
    values = {"start": start, "end": end, "reason": reason.strip() or None}
    if own:
        return w.update("own_term", own[-1], **values)
    w.insert("own_term", term=term, grade=grade, **values)
    return True


def _move_year(
    w: Writer, year: Mapping[str, Any], grade: int | None, start: int, end: int, reason: str
) -> None:
    """What moves with a year: the terms that begin and end with it.

    HeldOutside: lessons, marks or attendance of its classes would lie before or after it; RollsBegin: pupils who are on
    its rolls from its first day on would miss the days before; TermsOverlap: with the year before or after.
    """
    for other in queries.years(w.db):
        if (
            other["id"] != year["year"]
            and start <= (other["end"] or other["start"])
            and other["start"] <= end
        ):
            raise TermsOverlap()
    if _holds_outside(w.db, year["year"], grade, start, end):
        raise HeldOutside()
    if start < year["start"] and _on_rolls(w.db, year["year"], grade, year["start"]):
        raise RollsBegin()
    for term in queries.terms(w.db, year["year"], grade):
        first, last = term["start"] == year["start"], term["end"] == year["end"]
        if first or last:
            move_term(
                w, term["id"], grade, start if first else term["start"], end if last else term["end"], reason
            )


def _holds_outside(db: Database, year: int, grade: int | None, start: int, end: int) -> bool:
    """Does the journal of a year's classes hold anything before or after these days?"""
    return any(
        db.execute(
            f"""SELECT 1 FROM {table} j JOIN subject_group sg ON sg.id = j.subject_group
                JOIN class_group cg ON cg.id = sg.class_group WHERE cg.year = ?1 AND (?2 IS NULL OR cg.grade = ?2)
                  AND j.retired_at IS NULL AND (j.day < ?3 OR j.day > ?4) LIMIT 1""",
            (year, grade, start, end),
        ).fetchone()
        for table in ("lesson", "mark", "attendance")
    )


def _on_rolls(db: Database, year: int, grade: int | None, day: int) -> bool:
    """Do pupils of a year's classes stand on its rolls from that day on?"""
    sql = """SELECT 1 FROM enrolment e JOIN class_group cg ON cg.id = e.class_group WHERE cg.year = ?1
      AND (?2 IS NULL OR cg.grade = ?2) AND e.retired_at IS NULL AND e.start = ?3 LIMIT 1"""
    return db.execute(sql, (year, grade, day)).fetchone() is not None


_EVERY_KIND = ("quarter", "half", "period", "year", "exam", "final")


def _own_term_rows(db: Database, term: int, grade: int | None) -> list[int]:
    found = db.execute(
        "SELECT id FROM own_term WHERE term = ? AND grade IS ? AND retired_at IS NULL ORDER BY id",
        (term, grade),
    )
    return [row[0] for row in found.fetchall()]


def _within(db: Database, year: int, days: Iterable[int]) -> None:
    """BeyondYear unless the days lie in the school year, or in the weeks around it."""
    row = db.execute(f'SELECT start, "end" FROM {queries.YEARS} WHERE id = ?', (year,)).fetchone()
    if row is None:
        raise NotFound()
    if any(not row[0] - DATE_SPAN <= day <= (row[1] or row[0] + 366) + DATE_SPAN for day in days):
        raise BeyondYear()


def set_days(
    w: Writer,
    year: int,
    first: int,
    last: int,
    kind: str,
    parts: Collection[Part] = (WHOLE_SCHOOL,),
    taught_as: int | None = None,
    reason: str = "",
) -> int:
    """Say of what kind the days from first to last are, for parts of the school; returns how many rows changed.

    Of a span only the days without Sundays become days of lessons; a Sunday alone may. WrongOrder, BeyondYear,
    NotFound (of the year or of a class in it); InvalidValue: the kind, or a span of more than 120 days.
    """
    if last < first:
        raise WrongOrder()
    if last - first >= MOST_DAYS:
        raise InvalidValue(table="own_day", column="day", value=last - first + 1)
    _within(w.db, year, (first, last))
    known = {one["id"] for one in queries.classes(w.db, year)}
    if any(part.class_group is not None and part.class_group not in known for part in parts):
        raise NotFound()
    lessons = kind not in NO_LESSONS
    days = [day for day in range(first, last + 1) if not lessons or first == last or weekday(day) != SUNDAY]
    changed = 0
    for day in days:
        for part in parts:
            changed += _set_day(w, year, day, kind, part, taught_as if lessons else None, reason)
    return changed


def _set_day(
    w: Writer, year: int, day: int, kind: str, part: Part, taught_as: int | None, reason: str
) -> bool:
    values = {"kind": kind, "taught_as": taught_as, "reason": reason.strip() or None}
    found = w.db.execute(
        "SELECT id FROM own_day WHERE year = ? AND day = ? AND grade IS ? AND shift IS ? AND class_group IS ? "
        "AND retired_at IS NULL ORDER BY id DESC LIMIT 1",
        (year, day, part.grade, part.shift, part.class_group),
    ).fetchone()
    if found:
        return w.update("own_day", found[0], **values)
    whose = {"grade": part.grade, "shift": part.shift, "class_group": part.class_group}
    w.insert("own_day", year=year, day=day, **whose, **values)
    return True


def take_back(w: Writer, rows: Iterable[int]) -> int:
    """Let days be again what the country's calendar says; returns how many rows went. InvalidValue."""
    return sum(w.retire("own_day", row) for row in rows)


def add_year(w: Writer) -> int:
    """Add the school year after the last known one; returns its row. NotFound.

    Its terms begin and end on the same weekdays, its promotion map is that of the last, and so are the public holidays
    that fall on the same date every year.
    """
    known = queries.years(w.db)
    if not known:
        raise NotFound()
    last = known[0]
    shift = 364
    reference = w.db.execute(
        "SELECT reference_date FROM academic_year WHERE id = ?", (last["id"],)
    ).fetchone()[0]
    year = w.insert(
        "academic_year",
        start=last["start"] + shift,
        end=None if last["end"] is None else last["end"] + shift,
        reference_date=None if reference is None else reference + shift,
    )
    for term in queries.terms(w.db, last["id"], None, _EVERY_KIND):
        w.insert(
            "term",
            year=year,
            kind=term["kind"],
            number=term["number"],
            start=term["start"] + shift,
            end=term["end"] + shift,
        )
    for day in _yearly_holidays(w.db, last["id"]):
        w.put("calendar_day", year=year, day=day, kind="public")
    _take_over_map(w, year, last["id"])
    return year


def _take_over_map(w: Writer, year: int, source: int) -> None:
    """Let pupils go on after a year as the promotion map of another year says."""
    for grade, to_grade, graduates in w.db.execute(
        "SELECT grade, to_grade, graduates FROM promotion_map WHERE year = ? AND retired_at IS NULL",
        (source,),
    ).fetchall():
        w.put("promotion_map", year=year, grade=grade, to_grade=to_grade, graduates=graduates)


def _yearly_holidays(db: Database, year: int) -> list[int]:
    """The public holidays of a year that have the same date in another, a year later. The two Aits move."""
    public: dict[int, set[date]] = {}
    for of, day in db.execute(
        "SELECT year, day FROM calendar_day WHERE kind = 'public' AND retired_at IS NULL"
    ).fetchall():
        public.setdefault(of, set()).add(date_of(day))
    before = {(one.month, one.day) for of, days in public.items() if of != year for one in days}
    fixed = {one for one in public.get(year, ()) if (one.month, one.day) in before}
    return sorted(day_number(one.replace(year=one.year + 1)) for one in fixed)


# ---- bells


@dataclass(frozen=True)
class Bell:
    """One lesson of the day: minutes since midnight."""

    period: int
    start: int
    end: int


def laid_out(
    first: int,
    lessons: int,
    length: int,
    pause: int,
    long_after: int = 0,
    long_pause: int = 0,
    number: int = 1,
) -> list[Bell]:
    """So many lessons of one length (minutes) from `first` on, with a longer break after one of them; InvalidValue."""
    if not 1 <= lessons <= MOST_PERIODS or length < 10 or min(pause, long_pause) < 0:
        raise InvalidValue(table="bell", column="period", value=lessons)
    found, start = [], first
    for place in range(lessons):
        found.append(Bell(number + place, start, start + length))
        start += length + (long_pause if place + 1 == long_after and long_pause else pause)
    return found


def set_bells(w: Writer, shift: int, grade: int | None, wanted: Sequence[Bell]) -> int:
    """Let a shift, or one grade of it, have exactly these bells; returns how many rows became different.

    WrongOrder: one ends before it begins; BellsOverlap: one begins before the one before it has ended.
    """
    in_order = sorted(wanted, key=lambda bell: bell.period)
    if any(bell.end <= bell.start for bell in in_order):
        raise WrongOrder()
    if any(later.start < earlier.end for earlier, later in pairwise(in_order)):
        raise BellsOverlap()
    known = queries.bells(w.db).get((shift, grade), {})
    changed = sum(
        w.retire("bell", row["id"])
        for period, row in known.items()
        if period not in {b.period for b in wanted}
    )
    for bell in in_order:
        if bell.period in known:
            changed += w.update("bell", known[bell.period]["id"], start=bell.start, end=bell.end)
        else:
            w.insert("bell", shift=shift, period=bell.period, start=bell.start, end=bell.end, grade=grade)
            changed += 1
    return changed
