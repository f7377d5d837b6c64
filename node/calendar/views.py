"""Routes of the calendar: the year at a glance, moving terms and days, the bells."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database

from node import access
from node.calendar import actions, forms, queries
from node.calendar.queries import Calendar, Whom
from node.classes import queries as class_queries
from node.fields import iso
from node.people.queries import class_name
from node.request import acting, database
from shared.access import allow
from shared.dates import MONDAY, date_of, day_number, parse_day, school_year_name
from shared.i18n import current_language, gettext
from shared.indicators import value_label
from shared.problems import InputProblem, LessonsOutside, NotFound
from shared.schema import DAY_KINDS
from shared.web import today, visitor

area = Blueprint("calendar", __name__, url_prefix="/calendar", template_folder="templates")

READ = tuple(sorted(access.ROLES - {"administrator"}))
EDIT = access.ALL_RESULTS
WEEK = 7
KINDS_OF_TERM = ("quarter", "half", "period", "year", "exam", "final")


@area.get("/")
@allow(*READ)
def index() -> ResponseReturnValue:
    """A school year: its terms, every month day by day, what the school moved."""
    return _page()


def _page(problem: str = "", typed: Mapping[str, str] | None = None, asks: bool = False) -> str:
    """``asks``: what was sent may be sent again, to be done all the same."""
    db = database()
    years = queries.years(db)
    year = _chosen_year(years)
    classes = queries.classes(db, year["id"]) if year else []
    view = request.args.get("for", "all")
    whom = _whom(year, classes, view)
    terms = _terms(db, year["id"], whom.grade) if year else []
    along = set(request.args.getlist("along", type=int))
    return render_template(
        "calendar/index.html",
        years=[(one["id"], school_year_name(one["start"])) for one in _offered(years, year)],
        year=year,
        name=school_year_name(year["start"]) if year else "",
        terms=terms,
        label=term_label,
        months=list(_months(db, year, whom)) if year else [],
        own=queries.own_days(db, year["id"]) if year else [],
        classes=classes,
        grades=sorted({one["grade"] for one in classes}),
        shifts=sorted({one["shift"] for one in classes if one["shift"]}),
        view=view,
        kinds=DAY_KINDS,
        edits=visitor().has(*EDIT),
        class_name=class_name,
        iso=iso,
        now=today(),
        problem=problem,
        asks=asks,
        along=[term_label(one) for one in terms if one["id"] in along],
        typed=typed or {},
        monday=MONDAY,
        saved="saved" in request.args and not problem,
        outside=queries.held_outside(db, year["id"])
        if year and visitor().has(*EDIT) and queries.own_terms(db)
        else 0,
    )


def _terms(db: Database, year: int, grade: int | None) -> list[dict[str, Any]]:
    """The terms of a year by kind, then number."""
    found = queries.terms(db, year, grade, KINDS_OF_TERM)
    return sorted(found, key=lambda term: (KINDS_OF_TERM.index(term["kind"]), term["number"] or 0))


def term_label(term: Mapping[str, Any]) -> str:
    """The name of a term: 1-чейрек."""
    kind, number = term["kind"], term["number"]
    return value_label("term", f"{kind}-{number}" if number else kind, current_language())


def _chosen_year(years: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The year asked for, else that of today, else the newest."""
    chosen = request.values.get("year", type=int) or queries.year_of_day(database(), today())
    return next((one for one in years if one["id"] == chosen), next(iter(years), None))


def _offered(years: list[Mapping[str, Any]], chosen: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Years to choose from: those in which the school had classes, and none of the past in which it had none."""
    held = {one.id for one in class_queries.years(database())}
    return [one for one in years if one["id"] in held or one["end"] >= today() or one is chosen]


def _whom(year: Mapping[str, Any] | None, classes: list[Mapping[str, Any]], view: str) -> Whom:
    if year is None:
        return Whom()
    whom = Whom(year=year["id"])
    for part in forms.parts([view]):
        if part.class_group is not None:
            return queries.whom(database(), part.class_group)
        weeks = [
            one["week_days"]
            for one in classes
            if part.grade in (None, one["grade"]) and part.shift in (None, one["shift"])
        ]
        whom = Whom(None, year["id"], part.grade, part.shift, max(weeks, default=5))
    return whom


@dataclass(frozen=True)
class Day:
    """A day of the page: its kind, whether the school said so, the weekday taught where it is another one."""

    day: int
    number: int
    kind: str
    own: bool
    taught_as: int | None


@dataclass(frozen=True)
class Month:
    """A month of the page: weeks of seven days, None before the first and after the last."""

    first: int
    weeks: list[list[Day | None]]
    lessons: int


def _months(db: Database, year: Mapping[str, Any], whom: Whom) -> Iterator[Month]:
    bounds = queries.bounds(db, year["id"]) or (year["start"], year["start"])
    first, last = date_of(bounds[0]).replace(day=1), date_of(bounds[1])
    days = queries.calendar(db, day_number(first), day_number(last) + 31)
    while first <= last:
        following = (first + datetime.timedelta(days=32)).replace(day=1)
        yield _month(days, whom, day_number(first), day_number(following))
        first = following


def _month(days: Calendar, whom: Whom, first: int, following: int) -> Month:
    shown = [_day(days, whom, day) for day in range(first, following)]
    cells: list[Day | None] = [None] * (date_of(first).isoweekday() - 1) + [*shown]
    cells += [None] * (-len(cells) % WEEK)
    weeks = [cells[at : at + WEEK] for at in range(0, len(cells), WEEK)]
    return Month(first, weeks, sum(days.is_school_day(one.day, whom) for one in shown))


def _day(days: Calendar, whom: Whom, day: int) -> Day:
    own = days.said(day, whom)
    return Day(day, date_of(day).day, days.kind(day, whom), own is not None, own.taught_as if own else None)


# ---- changes


@area.post("/days")
@allow(*EDIT)
def keep_days() -> ResponseReturnValue:
    """Say of what kind some days are."""
    try:
        first, last = forms.span(request.form)
        year = forms.needed(request.form.get("year"))
        with acting() as w:
            actions.set_days(
                w,
                year,
                first,
                last,
                forms.kind(request.form),
                forms.parts(request.form.getlist("for")),
                forms.whole(request.form.get("taught_as")),
                request.form.get("reason", ""),
            )
    except InputProblem as problem:
        return _page(problem.sentence(gettext), request.form), problem.status
    return _back(year)


@area.post("/days/back")
@allow(*EDIT)
def take_back() -> ResponseReturnValue:
    """Let days be again what the country's calendar says."""
    year = forms.needed(request.form.get("year"))
    with acting() as w:
        actions.take_back(w, [forms.needed(row) for row in request.form.getlist("row")])
    return _back(year)


@area.post("/term")
@allow(*EDIT)
def keep_term() -> ResponseReturnValue:
    """Move a term."""
    try:
        year = forms.needed(request.form.get("year"))
        start, end = (parse_day(request.form.get(name, "")) for name in ("start", "end"))
        term = forms.needed(request.form.get("term"))
        with acting() as w:
            moved = actions.move_term(
                w,
                term,
                forms.whole(request.form.get("grade")),
                start,
                end,
                request.form.get("reason", ""),
                sure="sure" in request.form,
            )
    except InputProblem as problem:
        asks = isinstance(problem, LessonsOutside)
        return _page(problem.sentence(gettext), request.form, asks=asks), problem.status
    return _back(year, [one for one in moved if one != term])


@area.post("/year")
@allow(*EDIT)
def add_year() -> ResponseReturnValue:
    """Add the school year after the last known one."""
    with acting() as w:
        year = actions.add_year(w)
    return _back(year)


def _back(year: int, along: Sequence[int] = ()) -> ResponseReturnValue:
    """The page again; ``along`` are the terms that moved with another."""
    there = url_for("calendar.index", year=year, saved=1, along=along)
    return cast(ResponseReturnValue, redirect(there))


# ---- bells


@area.get("/bells")
@allow(*READ)
def bells() -> ResponseReturnValue:
    """The bells of every shift, and of the grades that have their own."""
    return _bells_page()


def _bells_page(problem: str = "") -> str:
    db = database()
    found = queries.bells(db)
    return render_template(
        "calendar/bells.html",
        bells=found,
        edits=visitor().has(*EDIT),
        problem=problem,
        saved="saved" in request.args and not problem,
        shifts=range(1, 6),
        grades=range(0, 13),
    )


@area.get("/bells/<int:shift>")
@allow(*EDIT)
def edit_bells(shift: int) -> ResponseReturnValue:
    """The form with the bells of a shift, or of one grade in it; `first` and the rest lay them out anew."""
    return _edit_page(shift)


def _edit_page(shift: int, problem: str = "") -> str:
    if not 1 <= shift <= 5:
        raise NotFound()
    grade = forms.whole(request.values.get("grade"))
    known = queries.bells(database()).get((shift, grade), {})
    times = {period: (row["start"], row["end"]) for period, row in known.items()}
    asked = request.args
    if "first" in asked:
        try:
            times = {bell.period: (bell.start, bell.end) for bell in _laid_out()}
        except InputProblem as error:
            problem = error.sentence(gettext)
    typed = {name: request.form[name] for name in request.form} if request.method == "POST" else {}
    return render_template(
        "calendar/edit_bells.html",
        shift=shift,
        grade=grade,
        times=times,
        typed=typed,
        periods=range(0 if 0 in times else 1, max([8, *times]) + 2),
        asked=asked,
        length=35 if grade == 1 else 45,
        problem=problem,
    )


def _laid_out() -> list[actions.Bell]:
    asked = request.args
    first = forms.clock(asked.get("first", ""))
    numbers = [forms.whole(asked.get(name)) or 0 for name in ("lessons", "length", "pause", "after", "long")]
    lessons, length, pause, after, long = numbers
    return actions.laid_out(8 * 60 if first is None else first, lessons, length, pause, after, long)


@area.post("/bells/<int:shift>")
@allow(*EDIT)
def keep_bells(shift: int) -> ResponseReturnValue:
    """Keep the bells of a shift, or of one grade in it."""
    try:
        grade = forms.whole(request.form.get("grade"))
        with acting() as w:
            actions.set_bells(w, shift, grade, forms.bells(request.form))
    except InputProblem as problem:
        return _edit_page(shift, problem.sentence(gettext)), problem.status
    return cast(ResponseReturnValue, redirect(url_for("calendar.bells", saved=1)))
