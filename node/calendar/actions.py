"""Moving the calendar: dates of terms, kinds of days, a new school year, the bells.

Nothing here knows of HTTP. The country's rows stay as they are; what the school decides stands in its own beside them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from sqlite_utils import Database

from node.calendar import queries
from node.people.queries import class_name
from shared.dates import DATE_SPAN, NO_LESSONS, date_of, day_number, weekday
from shared.problems import (
    BellsOverlap,
    BeyondYear,
    HeldOutside,
    InvalidValue,
    LessonsOutside,
    LockedTermMoves,
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


Dates = Mapping[int, tuple[int, int]]
"""Term -> first and last day."""


def move_term(
    w: Writer, term: int, grade: int | None, start: int, end: int, reason: str = "", *, sure: bool = False
) -> list[int]:
    """Let a term begin and end on other days, for all or for one grade; returns the terms whose dates became others.

    What begins or ends with it goes along: the half-year and the year with their quarters, and the other way round. A
    grade with dates of its own keeps them, and what shares their edges there. Dates equal to those that hold without
    the school's own row take that row back. NotFound; WrongOrder: a term would end before it begins; TermsOverlap: with
    another of its kind; BeyondYear: more than 60 days beyond the year; LockedTermMoves: it is locked for a class whose
    dates change; LessonsOutside: held lessons would lie in no term, unless ``sure`` says that this is known;
    HeldOutside, RollsBegin: see `_check_year`.
    """
    row = next((t for t in queries.terms(w.db, None, grade, queries.RESULT_KINDS) if t["id"] == term), None)
    if row is None:
        raise NotFound()
    year = row["year"]
    _within(w.db, year, (start, end))
    move = _Move(w.db, year, term, grade, (start, end))
    move.check()
    if not sure:
        move.require_lessons_within()
    for scope, wanted in move.after.items():
        now = _dates(w.db, year, scope)
        for one in wanted:
            if now[one] != wanted[one]:
                _set_dates(w, one, scope, wanted[one], reason)
    return sorted(
        move.changed(grade), key=lambda one: (one != term, queries.RESULT_KINDS.index(move.kinds[one]), one)
    )


class _Move:
    """A term of a year that moves: the dates of all of its terms before and after, by grade (None: for all others)."""

    def __init__(self, db: Database, year: int, term: int, grade: int | None, dates: tuple[int, int]) -> None:
        self.db, self.year = db, year
        rows = queries.terms(db, year, None, queries.RESULT_KINDS)
        self.kinds = {one["id"]: one["kind"] for one in rows}
        quarters = [one for one, kind in self.kinds.items() if kind in ("quarter", "period")]
        self.of_lessons = quarters or [one for one, kind in self.kinds.items() if kind == "half"]
        own = queries.own_terms(db)
        apart = {one for known in self.kinds for one in own.get(known, {}) if one is not None}
        scopes = [grade] if grade is not None else [None, *sorted(apart)]
        self.before: dict[int | None, Dates] = {scope: _dates(db, year, scope) for scope in scopes}
        self.after = {
            scope: _moved(found, term, dates) if scope == grade or scope not in own.get(term, {}) else found
            for scope, found in self.before.items()
        }
        self.classes = [one for one in queries.classes(db, year) if grade in (None, one["grade"])]

    def changed(self, grade: int | None) -> list[int]:
        """The terms whose dates change for a grade."""
        before, after = self._of(self.before, grade), self._of(self.after, grade)
        return [one for one in after if before[one] != after[one]]

    def check(self) -> None:
        """WrongOrder, TermsOverlap, LockedTermMoves; HeldOutside, RollsBegin: see `_check_year`."""
        for scope, dates in self.after.items():
            for one in self.changed(scope):
                start, end = dates[one]
                if end < start:
                    raise WrongOrder()
                alike = [other for other in dates if other != one and self.kinds[other] == self.kinds[one]]
                if any(start <= dates[other][1] and dates[other][0] <= end for other in alike):
                    raise TermsOverlap()
        locked = [
            class_name(one["grade"], one["letter"])
            for one in self.classes
            if not queries.locked_terms(self.db, one["id"]).isdisjoint(self.changed(one["grade"]))
        ]
        if locked:
            raise LockedTermMoves(classes=", ".join(locked))
        for scope in self.after:
            for one in self.changed(scope):
                if self.kinds[one] == "year":
                    self._check_year(scope, one)

    def _check_year(self, scope: int | None, term: int) -> None:
        """TermsOverlap: with the year before or after; HeldOutside: lessons, marks or attendance of its classes would
        lie before or after it; RollsBegin: pupils on its rolls from its first day on would miss the days before.
        """
        start, end = self.after[scope][term]
        for other in queries.years(self.db):
            last = other["end"] or other["start"]
            if other["id"] != self.year and start <= last and other["start"] <= end:
                raise TermsOverlap()
        for grade in {one["grade"] for one in self.classes}:
            if self._of(self.after, grade) is self.after[scope]:
                if _holds_outside(self.db, self.year, grade, start, end):
                    raise HeldOutside()
                began = self.before[scope][term][0]
                if start < began and _on_rolls(self.db, self.year, grade, began):
                    raise RollsBegin()

    def require_lessons_within(self) -> None:
        """LessonsOutside: lessons of the journal that lie in a term would lie in none."""
        held = self.db.execute(
            """SELECT cg.grade, l.day, count(*) FROM class_group cg
               JOIN subject_group sg ON sg.class_group = cg.id JOIN lesson l ON l.subject_group = sg.id
               WHERE cg.id IN (SELECT value FROM json_each(?)) AND l.retired_at IS NULL GROUP BY cg.grade, l.day""",
            (json.dumps([one["id"] for one in self.classes]),),
        ).fetchall()
        lost = sum(
            count
            for grade, day, count in held
            if self._taught(self.before, grade, day) and not self._taught(self.after, grade, day)
        )
        if lost:
            raise LessonsOutside(lessons=lost)

    def _taught(self, by_grade: Mapping[int | None, Dates], grade: int | None, day: int) -> bool:
        """Does the day lie in a quarter, or in a half-year where there are no quarters?"""
        dates = self._of(by_grade, grade)
        return any(dates[one][0] <= day <= dates[one][1] for one in self.of_lessons)

    @staticmethod
    def _of(by_grade: Mapping[int | None, Dates], grade: int | None) -> Dates:
        return by_grade[grade] if grade in by_grade else by_grade[None]


def _dates(db: Database, year: int, grade: int | None) -> Dates:
    found = queries.terms(db, year, grade, queries.RESULT_KINDS)
    return {one["id"]: (one["start"], one["end"]) for one in found}


def _moved(dates: Dates, term: int, to: tuple[int, int]) -> Dates:
    """The dates of a year's terms once one has moved: an edge that another shares with it goes along."""
    first, last = dates[term]
    return {
        one: (to[0] if start == first else start, to[1] if end == last else end)
        for one, (start, end) in dates.items()
    }


def _set_dates(w: Writer, term: int, grade: int | None, dates: tuple[int, int], reason: str) -> None:
    own = [
        row
        for (row,) in w.db.execute(
            "SELECT id FROM own_term WHERE term = ? AND grade IS ? AND retired_at IS NULL ORDER BY id",
            (term, grade),
        ).fetchall()
    ]
    given = w.db.execute('SELECT start, "end" FROM term WHERE id = ?', (term,)).fetchone()
    without = queries.own_terms(w.db).get(term, {}).get(None) if grade is not None else None
    if dates == (without or given):
        for row in own:
            w.retire("own_term", row)
        return
    values = {"start": dates[0], "end": dates[1], "reason": reason.strip() or None}
    if own:
        w.update("own_term", own[-1], **values)
    else:
        w.insert("own_term", term=term, grade=grade, **values)


def _holds_outside(db: Database, year: int, grade: int | None, start: int, end: int) -> bool:
    """Does the journal of a grade's classes of a year hold anything before or after these days?"""
    return any(
        db.execute(
            f"""SELECT 1 FROM {table} j JOIN subject_group sg ON sg.id = j.subject_group
                JOIN class_group cg ON cg.id = sg.class_group WHERE cg.year = ? AND cg.grade IS ?
                  AND j.retired_at IS NULL AND (j.day < ? OR j.day > ?) LIMIT 1""",
            (year, grade, start, end),
        ).fetchone()
        for table in ("lesson", "mark", "attendance")
    )


def _on_rolls(db: Database, year: int, grade: int | None, day: int) -> bool:
    """Do pupils of a grade's classes of a year stand on its rolls from that day on?"""
    sql = """SELECT 1 FROM enrolment e JOIN class_group cg ON cg.id = e.class_group WHERE cg.year = ?
      AND cg.grade IS ? AND e.retired_at IS NULL AND e.start = ? LIMIT 1"""
    return db.execute(sql, (year, grade, day)).fetchone() is not None


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
    for term in queries.terms(w.db, last["id"], None, queries.RESULT_KINDS):
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
