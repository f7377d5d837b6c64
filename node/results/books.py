"""Routes of the books of results: the summary mark sheet with its locks, conduct, report cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.attendance.queries import Total
from node.classes import queries as class_queries
from node.journal import queries as journal_queries
from node.orders import queries as order_queries
from node.people import queries as people_queries
from node.people.queries import class_name, full_name, number_of
from node.reading.noting import noted, noted_list
from node.request import acting, database
from node.results import actions, forms, queries
from node.results.queries import Result
from node.results.views import LOCKERS, area, reads_report, term_name
from shared.access import allow
from shared.i18n import gettext, in_order, row_name
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.web import today, visitor

CARDS = (*access.ALL_RESULTS, "class_teacher")
"""Print the sheet and the cards of a whole class."""
NO_TOTAL = Total({}, {}, 0)


def _class(class_id: int) -> Mapping[str, Any]:
    """A class whose results the visitor reads whole. NotFound, NotAllowed."""
    db, who = database(), visitor()
    found = class_queries.class_group(db, class_id, today())
    if found is None:
        raise NotFound()
    if not who.has(*access.ALL_RESULTS) and class_id not in access.led_classes(db, who):
        raise NotAllowed()
    return found


def label_of(term: Mapping[str, Any]) -> str:
    """`1-чейрек`, `Жылдык баа`."""
    return term_name(queries.Heading(term["id"], term))


# ---- the summary mark sheet


@area.get("/<int:class_id>/sheet")
@allow(*CARDS)
def sheet(class_id: int) -> ResponseReturnValue:
    """Subject by pupil by period of a class, and which periods are locked."""
    return _sheet(class_id)


def _sheet(class_id: int, problem: str = "") -> str:
    db, found = database(), _class(class_id)
    results = queries.of_class(db, class_id, None)
    terms = queries.printed_terms(queries.terms_of_class(db, class_id), results)
    subjects = queries.subjects(db, {r.subject for r in results})
    year = class_queries.year_of(found)
    pupils = {r.pupil for r in results} | queries.pupils_of(db, class_id, year.start, year.end)
    cells: dict[tuple[int, int, int], list[Result]] = {}
    for result in results:
        cells.setdefault((result.pupil, result.subject, result.term), []).append(result)
    whence = queries.seen_from([class_id])
    used = {(r.subject, r.term) for r in results}
    _note_list(found)
    return render_template(
        "results/sheet.html",
        group=found,
        name=class_name(found["grade"], found["letter"]),
        year=year,
        terms=terms,
        parts=_parts([(s, [t for t in terms if (s.id, t["id"]) in used]) for s in subjects]),
        pupils=journal_queries.named(db, pupils, today()),
        cells=cells,
        whence=whence,
        **queries.signs(results, whence),
        locked=journal_queries.locked_terms(db, class_id),
        locks=visitor().has(*LOCKERS),
        label=label_of,
        row_name=row_name,
        number_of=number_of,
        problem=problem,
        reopened=[one for one in queries.reopenings(db, year.id) if one.class_group == class_id],
        author=_author,
    )


Column = tuple[queries.Heading, list[dict[str, Any]]]
"""A subject, and the periods in which it has results."""
MOST_ACROSS = 25
"""Columns of marks beside the names that a sheet of A4 has room for."""


def _parts(columns: Iterable[Column]) -> list[list[Column]]:
    """Subjects and their periods in parts that each fit the width of a sheet; a subject stays whole."""
    found: list[list[Column]] = []
    across = MOST_ACROSS
    for subject, terms in columns:
        across += len(terms)
        if across > MOST_ACROSS:
            found.append([])
            across = len(terms)
        found[-1].append((subject, terms))
    return found


def _note_list(group: Mapping[str, Any]) -> None:
    """Note that the visitor reads results of a class that another leads."""
    if group["id"] not in access.led_classes(database(), visitor()):
        noted_list("results", class_name(group["grade"], group["letter"]), group["id"])


def _author(account: int) -> str:
    """The name behind an account."""
    row = database().execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone()
    return journal_queries.person_name(database(), row[0], today()) if row else ""


@area.post("/<int:class_id>/lock")
@allow(*LOCKERS)
def lock(class_id: int) -> ResponseReturnValue:
    """Lock a period, or open it again with a reason."""
    term = request.form.get("term", type=int) or 0
    try:
        with acting() as w:
            if request.form.get("act") == "reopen":
                actions.reopen(w, class_id, term, request.form.get("reason", ""))
            else:
                actions.lock(w, class_id, term)
    except InputProblem as problem:
        return _sheet(class_id, problem.sentence(gettext)), problem.status
    return cast(ResponseReturnValue, redirect(url_for("results.sheet", class_id=class_id)))


# ---- conduct


@area.get("/<int:class_id>/conduct")
@allow(*CARDS)
def conduct(class_id: int) -> ResponseReturnValue:
    """The conduct of a class in a period."""
    return _conduct_page(class_id)


@area.post("/<int:class_id>/conduct")
@allow("class_teacher")
def give_conduct(class_id: int) -> ResponseReturnValue:
    """Write the conduct of the pupils of the own class."""
    db = database()
    if class_id not in access.led_classes(db, visitor()):
        raise NotAllowed()
    term = _conduct_term(class_id)
    try:
        with acting() as w:
            pupils = queries.pupils_of(db, class_id, term["start"], term["end"])
            actions.give_conduct(w, class_id, term["id"], forms.conduct(request.form, pupils))
    except InputProblem as problem:
        return _conduct_page(class_id, problem.sentence(gettext)), problem.status
    there = url_for("results.conduct", class_id=class_id, term=term["id"], saved=1)
    return cast(ResponseReturnValue, redirect(there))


def _conduct_terms(class_id: int) -> list[dict[str, Any]]:
    found = queries.terms_of_class(database(), class_id)
    return [term for term in found if term["kind"] in ("quarter", "period", "year")]


def _conduct_term(class_id: int) -> dict[str, Any]:
    """The period asked for, else the last that has begun. NotFound."""
    found, chosen = _conduct_terms(class_id), request.args.get("term", type=int)
    begun = [term for term in found if term["kind"] != "year" and term["start"] <= today()]
    asked = [term for term in found if term["id"] == chosen]
    if not found:
        raise NotFound()
    return (asked or begun or found)[-1]


def _conduct_page(class_id: int, problem: str = "") -> str:
    db, found, term = database(), _class(class_id), _conduct_term(class_id)
    _note_list(found)
    pupils = queries.pupils_of(db, class_id, term["start"], term["end"])
    return render_template(
        "results/conduct.html",
        group=found,
        name=class_name(found["grade"], found["letter"]),
        terms=_conduct_terms(class_id),
        term=term,
        label=label_of,
        pupils=journal_queries.named(db, pupils, today()),
        given={pupil: code for (pupil, _), code in queries.conduct(db, pupils, [term["id"]]).items()},
        choices=queries.CONDUCT,
        writes=class_id in access.led_classes(db, visitor()),
        number_of=number_of,
        problem=problem,
        saved="saved" in request.args and not problem,
    )


# ---- report cards


@dataclass(frozen=True)
class Card:
    """A pupil's report card: the subjects, (subject, term) -> what was given; missed lessons and days, and conduct, by
    term. ``brought``, ``former``: are there results from another class, from a former school?
    """

    pupil: int
    name: str
    subjects: list[queries.Heading]
    given: Mapping[tuple[int, int], str]
    brought: bool
    former: bool
    missed: Mapping[int, Total]
    conduct: Mapping[int, str]


@area.get("/<int:class_id>/cards")
@allow(*CARDS)
def cards(class_id: int) -> ResponseReturnValue:
    """The report cards of a whole class, a page each when printed."""
    db, found = database(), _class(class_id)
    pupils = queries.pupils_of(db, class_id, today(), today())
    _note_list(found)
    return _cards_page(found, sorted(pupils), queries.of_class(db, class_id, None))


@area.get("/pupil/<int:person_id>/card")
@allow(*access.ALL_RESULTS, "class_teacher", *access.OWN)
def card(person_id: int) -> ResponseReturnValue:
    """One pupil's report card; for guardians and pupils their own."""
    db, who = database(), visitor()
    if people_queries.pupil(db, person_id) is None:
        raise NotFound()
    if not reads_report(db, who, person_id):
        raise NotAllowed()
    noted("read", "results", person_id)
    chosen = request.args.get("class", type=int)
    places = people_queries.enrolments(db, person_id)
    place = next((one["class_group"] for one in places if chosen in (None, one["class_group"])), None)
    found = class_queries.class_group(db, place, today()) if place else None
    if found is None:
        raise NotFound()
    return _cards_page(found, [person_id], _of_year(queries.of_pupil(db, person_id, None), found), person_id)


def _of_year(results: Sequence[Result], group: Mapping[str, Any]) -> list[Result]:
    """The results of the class's year, those from a class the pupil was in before included."""
    terms = {term["id"] for term in queries.terms_of_class(database(), group["id"])}
    return [result for result in results if result.term in terms]


def _given(
    results: Iterable[Result], whence: Callable[[Result], str]
) -> dict[int, dict[tuple[int, int], str]]:
    """Pupil -> (subject, term) -> the mark, not assessed, exempt; of several groups one after another.

    In brackets the class from which it was brought along, with a star what is from a former school.
    """
    words = {"na": gettext("n/a"), "exempt": gettext("ex.")}
    found: dict[int, dict[tuple[int, int], str]] = {}
    for one in results:
        own, at = found.setdefault(one.pupil, {}), (one.subject, one.term)
        assessed = one.status == "assessed" and one.value is not None
        text = str(one.value) if assessed else words.get(one.status, "")
        came = whence(one)
        text += "*" * one.former + (f" ({came})" if came else "")
        own[at] = f"{own[at]} / {text}" if at in own else text
    return found


def _cards_page(
    group: Mapping[str, Any], pupils: Sequence[int], results: Sequence[Result], person: int | None = None
) -> str:
    db = database()
    terms = queries.printed_terms(queries.terms_of_class(db, group["id"]), results)
    names = dict(journal_queries.named(db, pupils, today()))
    missed = queries.missed(db, pupils, terms)
    conduct = queries.conduct(db, pupils, [term["id"] for term in terms])
    subjects = queries.subjects(db, {result.subject for result in results})
    whence = queries.seen_from([group["id"]])
    given = _given(results, whence)
    brought = {one.pupil for one in results if whence(one)}
    former = {one.pupil for one in results if one.former}
    found = []
    for pupil in in_order(list(pupils), lambda one: names.get(one, "")):
        own = given.get(pupil, {})
        had = {subject for subject, _ in own}
        found.append(
            Card(
                pupil,
                names.get(pupil, ""),
                [subject for subject in subjects if subject.id in had],
                own,
                pupil in brought,
                pupil in former,
                {term["id"]: missed.get((pupil, term["id"]), NO_TOTAL) for term in terms},
                {term["id"]: conduct.get((pupil, term["id"]), "") for term in terms},
            )
        )
    return render_template(
        "results/cards.html",
        group=group,
        name=class_name(group["grade"], group["letter"]),
        teacher=full_name(group),
        head=journal_queries.person_name(db, order_queries.head(db, today()), today()),
        year=class_queries.year_of(group),
        cards=found,
        terms=terms,
        now=today(),
        label=label_of,
        subject_names={subject.id: row_name(subject.row) for subject in subjects},
        number_of=number_of,
        conduct_names=queries.CONDUCT,
        person=person,
    )
