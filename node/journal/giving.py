"""Routes of the results of a term: proposed by the rule, given by the teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.journal import actions, former, forms, history, pages, proposals, queries
from node.journal.blueprint import area
from node.journal.sheet import Result, is_late
from node.people.queries import class_name, number_of
from node.request import acting, database
from shared.access import allow
from shared.dates import first_instant
from shared.i18n import gettext, row_name
from shared.problems import ChangedMeanwhile, InputProblem, NotFound, ReasonNeeded, TermRunning
from shared.schema import Value
from shared.web import visitor


@area.get("/results/<int:group_id>")
@allow(*pages.READ)
def results(group_id: int) -> ResponseReturnValue:
    """The proposed marks of a term beside what the teacher gives."""
    return _results_page(group_id)


@area.post("/results/<int:group_id>")
@allow(*pages.WRITE)
def give(group_id: int) -> ResponseReturnValue:
    """Confirm the results of a term."""
    group = pages.group_of(group_id)
    term = pages.chosen_term(queries.result_terms(database(), group["year"], group["grade"]))
    if term is None:
        raise NotFound()
    pupils = proposals.on_roll(database(), group, term, pages.today())
    given = forms.results(request.form, pupils)
    try:
        with acting() as w:
            early = "early" in request.form
            changed = actions.give_results(
                w, group_id, term["id"], visitor().person, pages.today(), given, early=early
            )
            act = actions.act_of(w).clock if changed else None
    except InputProblem as problem:
        lacks = isinstance(problem, ReasonNeeded)
        at = set(
            cast("Sequence[object]", problem.details["pupils"] if lacks else [problem.details.get("pupil")])
        )
        if isinstance(problem, ChangedMeanwhile):
            at |= {one.pupil for one, _ in cast("Sequence[tuple[Result, object]]", problem.clashes)}
        running = isinstance(problem, TermRunning)
        sentence = (
            gettext("Some results need a reason: it is asked for beside each of them.") if lacks else ""
        )
        page = _results_page(group_id, given, sentence or problem.sentence(gettext), at, running, lacks)
        return page, problem.status
    there = url_for("journal.results", group_id=group_id, term=term["id"], saved=1, act=act)
    return cast(ResponseReturnValue, redirect(there))


@area.post("/results/<int:group_id>/take-back")
@allow(*pages.WRITE)
def take_back(group_id: int) -> ResponseReturnValue:
    """Undo the results that were just confirmed."""
    group = pages.group_of(group_id)
    term = pages.chosen_term(queries.result_terms(database(), group["year"], group["grade"]))
    if term is None:
        raise NotFound()
    with acting() as w:
        clock = forms.whole(request.form.get("act")) or 0
        actions.take_back_results(w, group_id, term["id"], visitor().person, clock)
    there = url_for("journal.results", group_id=group_id, term=term["id"], taken_back=1)
    return cast(ResponseReturnValue, redirect(there))


def _results_page(
    group_id: int,
    given: Sequence[Result] = (),
    problem: str = "",
    at: set[object] | frozenset[object] = frozenset(),
    running: bool = False,
    lacks: bool = False,
) -> str:
    db, who = database(), visitor()
    group = pages.group_of(group_id)
    pages.note_reading(group)
    terms = queries.result_terms(db, group["year"], group["grade"])
    term = pages.chosen_term(terms)
    first, last = (term["start"], term["end"]) if term else (0, -1)
    locked = term is not None and term["id"] in queries.locked_terms(db, group["class_group"])
    late = term is not None and is_late(term, pages.today(), queries.edit_days(db))
    scale = queries.scale_of(db, group_id)
    standing = queries.results(db, group_id, term["id"]) if term else {}
    staying = proposals.on_roll(db, group, term, pages.today()) if term else frozenset()
    gone = queries.members(db, group_id, first, last) & standing.keys() - staying
    brought = {
        pupil: one
        for pupil, one in (queries.all_results(db, group_id).get(term["id"], {}) if term else {}).items()
        if one.former or one.group != group_id
    }
    new = former.newcomers(db, group, term, pages.today()) if term else frozenset()
    return render_template(
        "journal/results.html",
        group=group,
        name=class_name(group["grade"], group["letter"]),
        terms=terms,
        term=term,
        label=pages.label,
        pupils=queries.named(db, staying | gone | brought.keys() | new, pages.today()),
        gone=gone - brought.keys(),
        staying=staying,
        brought=brought,
        new=new,
        whence=lambda one: queries.whence(one, (group["class_group"],), group_id),
        minimum=queries.rule(db).minimum,
        standings=proposals.of_term(db, group, term) if term else {},
        nothing=proposals.NOTHING,
        free=term is not None and proposals.is_free(term),
        locked=locked,
        standing=standing,
        late=late,
        struck=_struck(group_id, term, standing) if term and late else {},
        typed={one.pupil: one for one in given},
        problem=problem,
        at=at,
        lacks=lacks,
        saved="saved" in request.args and not problem,
        act=request.args.get("act", type=int),
        taken_back="taken_back" in request.args and not problem,
        running=running,
        writes=who.has(*pages.WRITE) and group["teacher"] == who.person and bool(term) and not locked,
        begun=bool(term) and first <= pages.today(),
        scale=scale,
        values=pages.values(scale),
        number_of=number_of,
        subject=row_name(group),
    )


def _struck(
    group_id: int, term: Mapping[str, Any], standing: Mapping[int, Mapping[str, Any]]
) -> dict[int, list[tuple[Value, Value]]]:
    db = database()
    since = first_instant(term["end"] + queries.edit_days(db) + 1)
    return history.struck_results(db, group_id, term["id"], standing, since)


@area.get("/results/<int:group_id>/<int:pupil_id>")
@allow(*pages.READ)
def result_history(group_id: int, pupil_id: int) -> ResponseReturnValue:
    """Who gave a pupil which result of a period, and when, from the change log."""
    db, group = database(), pages.group_of(group_id)
    term = pages.chosen_term(queries.result_terms(db, group["year"], group["grade"]))
    if term is None:
        raise NotFound()
    return render_template(
        "journal/result_history.html",
        **pages.about_pupil(group, term, pupil_id),
        steps=history.of_result(db, group_id, pupil_id, term["id"], pages.today()),
    )
