"""Routes of the end of a year: the preview by class, decisions on pupils, the closing and its undoing."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.classes.queries import Year
from node.people.queries import class_name, full_name, number_of
from node.reading.noting import noted_list
from node.request import acting, database
from node.yearend import actions, forms, queries
from node.yearend.queries import ClassPlan, Plan, PupilPlan
from shared.access import allow
from shared.i18n import gettext, in_order, row_name
from shared.problems import InputProblem, NotFound
from shared.web import today, visitor

area = Blueprint("yearend", __name__, url_prefix="/year-end", template_folder="templates")
DECIDE = access.CLOSERS
OUTCOMES = ("promoted", "repeating", "graduated", "")


@area.get("/")
@allow(*DECIDE)
def index() -> ResponseReturnValue:
    """Where every class and its pupils go, and what still has to be decided."""
    return _index_page()


def _index_page(problem: str = "") -> str:
    db = database()
    years = queries.closable(db)
    year = _chosen(years)
    plan, missing = None, ""
    if year is not None:
        try:
            plan = queries.plan(db, year.id)
        except InputProblem as error:
            missing = error.sentence(gettext)
    left = sum(len(one.pupils) for one in plan.classes) if plan else 0
    return render_template(
        "yearend/index.html",
        years=years,
        year=year,
        plan=plan,
        left=left,
        missing=missing,
        outcomes=OUTCOMES,
        proposed=[one for key, one in sorted(plan.next_classes.items()) if one.id is None] if plan else [],
        over=plan is not None and today() >= plan.last_day,
        closings=actions.closings(db),
        outcome=queries.outcome(db, plan.year, plan.following) if plan else None,
        problem=problem,
        undone=request.args.get("undone", type=int),
        alone=request.args.get("alone", 0, type=int),
        class_name=class_name,
    )


def _chosen(years: list[Year]) -> Year | None:
    """The year asked for, else the earliest of the last two in which pupils wait, else the latest."""
    chosen = request.args.get("year", type=int)
    found = next((one for one in years if one.id == chosen), None)
    return found or next((one for one in years if one.start <= today()), None) or next(iter(years), None)


@area.post("/")
@allow(*DECIDE)
def close() -> ResponseReturnValue:
    """Make the next year's classes, close the year, or undo a closing: the button says which."""
    form, year = request.form, request.args.get("year", 0, type=int)
    back = {"year": year}
    try:
        with acting() as w:
            if "classes" in form:
                actions.make_classes(w, year)
            elif "undo" in form:
                done = actions.take_back(w, forms.needed(form["undo"]))
                back |= {"undone": done.retired + done.restored, "alone": len(done.left_alone)}
            else:
                actions.close(w, year, today(), form.get("order_number", "").strip(), forms.order_date(form))
    except InputProblem as problem:
        return _index_page(problem.sentence(gettext)), problem.status
    return redirect(url_for("yearend.index", **back))  # type: ignore[arg-type]


@area.get("/map")
@allow(*DECIDE)
def show_map() -> ResponseReturnValue:
    """Where the grades of a year go: the country's map to read, that of a year of the school's own to change."""
    return _map_page()


@area.post("/map")
@allow(*DECIDE)
def keep_map() -> ResponseReturnValue:
    """Keep the promotion map of a year of the school's own."""
    year = request.args.get("year", 0, type=int)
    try:
        with acting() as w:
            actions.write_map(w, year, forms.steps(request.form))
    except InputProblem as problem:
        return _map_page(problem.sentence(gettext)), problem.status
    return redirect(url_for("yearend.show_map", year=year, saved=1))


def _map_page(problem: str = "") -> str:
    db = database()
    years = queries.closable(db)
    year = _chosen(years)
    if year is None:
        raise NotFound()
    return render_template(
        "yearend/map.html",
        years=years,
        year=year,
        steps=queries.promotion_map(db, year.id),
        grades=queries.GRADES,
        own=queries.is_own(db, year.id),
        problem=problem,
        saved="saved" in request.args and not problem,
    )


@area.get("/<int:class_id>")
@allow(*DECIDE)
def of_class(class_id: int) -> ResponseReturnValue:
    """The pupils of a class: what the rule says of each, and what was decided."""
    return _class_page(class_id)


@area.post("/<int:class_id>")
@allow(*DECIDE)
def decide(class_id: int) -> ResponseReturnValue:
    """Keep the decisions on a class."""
    try:
        with acting() as w:
            year = _year_of(class_id)
            open_ = [
                one.pupil for one in queries.plan(w.db, year).of_class(class_id).pupils if not one.outcome
            ]
            actions.decide(w, year, forms.choices(request.form, open_))
    except InputProblem as problem:
        return _class_page(class_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("yearend.of_class", class_id=class_id, saved=1))


def _year_of(class_id: int) -> int:
    row = database().execute("SELECT year FROM class_group WHERE id = ?", (class_id,)).fetchone()
    if row is None or row[0] is None:
        raise NotFound()
    return int(row[0])


def _class_page(class_id: int, problem: str = "") -> str:
    db = database()
    plan = queries.plan(db, _year_of(class_id))
    one = plan.of_class(class_id)
    named = queries.names(db, (pupil.pupil for pupil in one.pupils), today())
    if class_id not in access.led_classes(db, visitor()):
        noted_list("year-end", class_name(one.grade, one.letter), class_id)
    subjects = queries.subject_names(db)

    def name(pupil: PupilPlan) -> str:
        return full_name(named[pupil.pupil]) if pupil.pupil in named else ""

    return render_template(
        "yearend/class.html",
        plan=plan,
        one=one,
        title_of=class_name(one.grade, one.letter),
        pupils=[(pupil, name(pupil)) for pupil in in_order(one.pupils, name)],
        options=_options(plan, one),
        chosen=_chosen_options(db_decisions=queries.decisions(db, plan.year.id)),
        named=lambda some: ", ".join(row_name(subjects[s]) for s in some if s in subjects),
        problem=problem,
        saved="saved" in request.args and not problem,
        class_name=class_name,
        number_of=number_of,
    )


def _chosen_options(db_decisions: dict[int, tuple[str, int | None]]) -> dict[int, str]:
    return {
        pupil: f"{outcome}:{to_class}" if to_class else outcome
        for pupil, (outcome, to_class) in db_decisions.items()
    }


def _options(plan: Plan, one: ClassPlan) -> list[tuple[str, str]]:
    """What can be decided on a pupil of the class: outcomes that the map allows, with the classes that are there."""
    found = [("", gettext("as the rule says"))]
    there = [c for c in plan.next_classes.values() if c.id is not None]
    if one.step and one.step.to_grade is not None:
        found.append(("promoted", gettext("promoted")))
        found += [
            (f"promoted:{c.id}", gettext("promoted to %(name)s", name=class_name(c.grade, c.letter)))
            for c in there
            if c.grade == one.step.to_grade
        ]
    if one.step and one.step.graduates:
        found.append(("graduated", gettext("graduates")))
    found.append(("repeating", gettext("repeats the year")))
    found += [
        (f"repeating:{c.id}", gettext("repeats the year in %(name)s", name=class_name(c.grade, c.letter)))
        for c in there
        if c.grade == one.grade
    ]
    return found
