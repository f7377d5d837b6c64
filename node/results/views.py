"""Routes of the results area: a year by class, a class by subject or by period, a pupil."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database

from node import access
from node.classes import queries as class_queries
from node.classes.queries import Year
from node.journal import queries as journal
from node.people import queries as people_queries
from node.people.queries import class_name, number_of
from node.reading.noting import noted, noted_list
from node.request import database
from node.results import queries
from node.results.queries import Heading, Result
from shared.access import Visitor, allow
from shared.i18n import alphabetical, current_language, in_order, row_name
from shared.indicators import pick, value_label
from shared.problems import NotAllowed, NotFound
from shared.web import may_open, today, visitor

area = Blueprint("results", __name__, url_prefix="/results", template_folder="templates")

LOCKERS = access.roles("term_marks", "A")
"""Lock and reopen periods; they see what was reopened, and why."""


@dataclass(frozen=True)
class Line:
    """A line of a grid: a pupil or a subject, and a cell of results for each column."""

    label: str
    number: int
    pupil: int
    cells: list[list[Result]]


@area.get("/")
@allow(*access.RESULTS, *access.OWN)
def index() -> ResponseReturnValue:
    """A year's classes with their figures in one period; for pupils and guardians, whose results they read."""
    db, day = database(), today()
    if not visitor().has(*access.RESULTS):
        own = _own()
        if len(own) == 1:
            return redirect(url_for("results.pupil", person_id=own[0][0]))
        return render_template("results/own.html", own=own)
    years = class_queries.years(db)
    chosen = request.args.get("year", type=int)
    year = next((y for y in years if y.id == chosen), None) or class_queries.present_year(years, day)
    terms = queries.terms_of_year(db, year.id) if year else []
    term = _chosen(terms, "term") or queries.present_term(terms, day)
    return render_template(
        "results/index.html",
        years=years,
        year=year,
        terms=terms,
        term=term,
        term_name=term_name,
        lines=_class_lines(year, term),
        reopened=queries.reopenings(db, year.id) if year and visitor().has(*LOCKERS) else [],
        class_name=class_name,
        indicators=[(i, pick(i.labels, current_language())) for i in queries.SUMMARY],
    )


def _own() -> list[tuple[int, str]]:
    who, db = visitor(), database()
    own = access.own_children(db, who) | (
        {who.person} if who.has("pupil") and who.person is not None else set()
    )
    names = queries.names(db, own, today())
    return in_order([(person, names.get(person, "")) for person in own], lambda one: one[1])


def _class_lines(year: Year | None, term: Heading | None) -> list[dict[str, Any]]:
    if year is None or term is None:
        return []
    db = database()
    classes = class_queries.classes(db, year, today())
    by_class = queries.of_year(db, year.id, term.id)
    lines = []
    for one in sorted(classes, key=lambda c: (c["grade"] or 0, alphabetical(c["letter"] or ""))):
        readable, groups = _readable(one["id"])
        results = [
            alike
            for group, found in by_class.get(one["id"], {}).items()
            for alike in found
            if groups is None or group in groups
        ]
        counted = queries.measures(results)
        if readable:
            lines.append(
                {
                    "id": one["id"],
                    "grade": one["grade"] or 0,
                    "name": class_name(one["grade"], one["letter"]),
                    "results": sum(count for _, _, count in results),
                    "na": counted["na"],
                    "figures": queries.summary(counted),
                }
            )
    return lines


def _readable(class_id: int) -> tuple[bool, frozenset[int] | None]:
    """May the visitor read results of the class, and of which subject groups (None for all)?"""
    db, who = database(), visitor()
    if who.has(*access.ALL_RESULTS) or class_id in access.led_classes(db, who):
        return True, None
    return class_id in access.taught_classes(db, who), access.taught_groups(db, who)


@area.get("/<int:class_id>")
@allow(*access.RESULTS)
def show(class_id: int) -> ResponseReturnValue:
    """A class: pupils by subjects in one period, or by periods in one subject."""
    db, day = database(), today()
    found = class_queries.class_group(db, class_id, day)
    if found is None:
        raise NotFound()
    readable, groups = _readable(class_id)
    if not readable:
        raise NotAllowed()
    if groups is None and class_id not in access.led_classes(db, visitor()):
        noted_list("results", class_name(found["grade"], found["letter"]), class_id)
    results = queries.of_class(db, class_id, groups)
    subjects = queries.subjects(db, {r.subject for r in results})
    terms = queries.terms(db, {r.term for r in results})
    subject = _chosen(subjects, "subject")
    if subject is None and len(subjects) == 1 and "term" not in request.args:
        subject = subjects[0]
    term = None if subject else _chosen(terms, "term") or queries.present_term(terms, day)
    shown = [r for r in results if (r.subject == subject.id if subject else term and r.term == term.id)]
    whence = queries.seen_from([class_id])
    across = terms if subject else [s for s in subjects if any(r.subject == s.id for r in shown)]
    return render_template(
        "results/show.html",
        group=found,
        name=class_name(found["grade"], found["letter"]),
        year=class_queries.year_of(found),
        subjects=subjects,
        terms=terms,
        subject=subject,
        term=term,
        columns=[term_name(h) if subject else row_name(h.row) for h in across],
        whence=whence,
        **queries.signs(shown, whence),
        lines=_lines_of_pupils(class_id, shown, [h.id for h in across], _column(bool(subject))),
        summary=_summary(shown, [h.id for h in across], _column(bool(subject))),
        term_name=term_name,
        number_of=number_of,
    )


def _column(by_term: bool) -> Callable[[Result], int]:
    return (lambda r: r.term) if by_term else (lambda r: r.subject)


def _lines_of_pupils(
    class_id: int, results: Sequence[Result], columns: Sequence[int], column: Callable[[Result], int]
) -> list[Line]:
    """A line for every pupil with a result, and for those on the roll without any."""
    db = database()
    year = class_queries.year_of(class_queries.class_group(db, class_id, today()) or {})
    roll = {p["id"] for p in class_queries.roll(db, class_id, year.roll_day(today()), today())}
    pupils = roll | {r.pupil for r in results}
    names = queries.names(db, pupils, today())
    cells: dict[tuple[int, int], list[Result]] = {}
    for result in results:
        cells.setdefault((result.pupil, column(result)), []).append(result)
    ordered = in_order(sorted(pupils), lambda pupil: names.get(pupil, ""))
    return [
        Line(names.get(pupil, ""), number_of(pupil), pupil, [cells.get((pupil, c), []) for c in columns])
        for pupil in ordered
    ]


def _summary(
    results: Iterable[Result], columns: Sequence[int], column: Callable[[Result], int]
) -> list[tuple[str, int, list[object]]]:
    """Average, success and quality of every column: label, decimals, values."""
    by_column: dict[int, list[Result]] = {c: [] for c in columns}
    for result in results:
        by_column[column(result)].append(result)
    figures = [queries.summary(queries.measures(r.measured for r in by_column[c])) for c in columns]
    return [
        (pick(indicator.labels, current_language()), indicator.places, [f[i][1] for f in figures])
        for i, indicator in enumerate(queries.SUMMARY)
    ]


@area.get("/pupil/<int:person_id>")
@allow(*access.RESULTS, *access.OWN)
def pupil(person_id: int) -> ResponseReturnValue:
    """One pupil: subjects by periods."""
    db, who = database(), visitor()
    groups = readable_of_pupil(db, who, person_id)
    if people_queries.pupil(db, person_id) is None:
        raise NotFound()
    noted("read", "results", person_id)
    results = queries.of_pupil(db, person_id, groups)
    terms = queries.terms(db, {r.term for r in results})
    cells: dict[tuple[int, int], list[Result]] = {}
    for result in results:
        cells.setdefault((result.subject, result.term), []).append(result)
    places = people_queries.enrolments(db, person_id)
    whence = queries.seen_from(_last_classes(places))
    return render_template(
        "results/pupil.html",
        whence=whence,
        **queries.signs(results, whence),
        person_id=person_id,
        name=queries.names(db, [person_id], today()).get(person_id, ""),
        number=number_of(person_id),
        terms=terms,
        term_name=term_name,
        lines=[
            Line(row_name(s.row), s.id, person_id, [cells.get((s.id, t.id), []) for t in terms])
            for s in queries.subjects(db, {r.subject for r in results})
        ],
        enrolments=places,
        class_name=class_name,
        own=who.person == person_id,
        opens_card=_among(person_id, access.readable_names(db, who)),
        before=_class_of_newcomer(db, places, person_id),
        opens_report=may_open("results.card") and reads_report(db, who, person_id),
    )


def _last_classes(places: Iterable[Mapping[str, Any]]) -> frozenset[int]:
    """Of each year the class in which a pupil was last; enrolments stand latest first."""
    last: dict[object, int] = {}
    for one in places:
        last.setdefault(one["year"], one["class_group"])
    return frozenset(last.values())


def _class_of_newcomer(db: Database, places: Iterable[Mapping[str, Any]], pupil: int) -> int | None:
    """The class of a pupil who came to the school after a period of its year, where the visitor may open that page."""
    now = next((one["class_group"] for one in places if one["end"] is None or one["end"] > today()), None)
    who = visitor()
    reads = who.has(*access.ALL_RESULTS) or now in access.led_classes(db, who) | access.taught_classes(
        db, who
    )
    return now if now and reads and journal.periods_before(db, now, pupil, today()) else None


def _among(person: int, people: frozenset[int] | None) -> bool:
    return people is None or person in people


def reads_report(db: Database, who: Visitor, pupil: int) -> bool:
    """Does the visitor read the pupil's whole report card: of all, of the own class today, of oneself, of a child?"""
    own = access.own_children(db, who) | ({who.person} if who.has("pupil") else set())
    return who.has(*access.ALL_RESULTS) or pupil in own | access.pupils_today(db, access.led_classes(db, who))


def readable_of_pupil(db: Database, who: Visitor, person_id: int) -> frozenset[int] | None:
    """The subject groups whose results of a pupil the visitor reads; None for all. NotAllowed."""
    own = access.own_children(db, who) | ({who.person} if who.has("pupil") else set())
    led = access.led_classes(db, who)
    if who.has(*access.ALL_RESULTS) or person_id in own | access.pupils_today(db, led):
        return None
    # Of who has left the class or is no longer taught, what was given in it and by oneself: the own books.
    if person_id in access.pupils_of(db, led | access.taught_classes(db, who)):
        return access.groups_in(db, led) | access.taught_groups(db, who)
    raise NotAllowed()


def term_name(term: Heading) -> str:
    """`1-чейрек`, `2 четверть`, `Quarter 3`."""
    number = term.row["number"]
    return value_label(
        "term", f"{term.row['kind']}-{number}" if number else term.row["kind"], current_language()
    )


def _chosen(headings: Iterable[Heading], argument: str) -> Heading | None:
    chosen = request.args.get(argument, type=int)
    return next((heading for heading in headings if heading.id == chosen), None)
