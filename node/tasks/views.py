"""Routes of the tasks."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import may, right
from node.orders import queries as orders
from node.request import acting, database
from node.tasks import actions, queries
from shared.dates import date_of, parse_day
from shared.i18n import gettext
from shared.problems import InputProblem, InvalidValue
from shared.web import today, visitor

area = Blueprint("tasks", __name__, url_prefix="/tasks", template_folder="templates")
WEEK = 7


@area.get("/")
@right("tasks", "V")
def index() -> ResponseReturnValue:
    """One's own tasks; for those who give them also everyone's."""
    return _index({}, {})


def _index(values: dict[str, str], errors: dict[str, str]) -> str:
    db, day, who = database(), today(), visitor()
    gives = may(who, "tasks", "A")
    everyone = gives and request.args.get("of") != "me"
    return render_template(
        "tasks/index.html",
        tasks=queries.tasks(db, day, None if everyone else who.person or 0),
        gives=gives,
        everyone=everyone,
        staff=[one for one in orders.staff(db, day) if one.id != who.person] if gives else [],
        chosen=set(request.form.getlist("person")),
        values={"due": date_of(day + WEEK).isoformat()} | values,
        errors=errors,
        day=day,
        me=who.person,
        is_head=_is_head(),
    )


def _is_head() -> bool:
    return visitor().has("head")


@area.post("/")
@right("tasks", "A")
def give() -> ResponseReturnValue:
    """Give one task to everyone chosen."""
    values = {name: request.form.get(name, "").strip() for name in ("title", "text", "due")}
    people = [int(text) for text in request.form.getlist("person") if text.isascii() and text.isdigit()]
    errors: dict[str, str] = {}
    if not values["title"]:
        errors["title"] = gettext("Fill this in.")
    if not people:
        errors["person"] = gettext("Choose who is to do it.")
    try:
        due = parse_day(values["due"])
    except InvalidValue:
        errors["due"], due = gettext("Write a date."), 0
    if errors:
        return _index(values, errors), 422
    try:
        with acting() as w:
            actions.give(
                w,
                visitor().person,
                people,
                values["title"],
                values["text"],
                due,
            )
    except InputProblem as problem:
        return _index(values, {"title": problem.sentence(gettext)}), problem.status
    return redirect(url_for("tasks.index"))


@area.post("/<int:task_id>/done")
@right("tasks", "E")
def done(task_id: int) -> ResponseReturnValue:
    with acting() as w:
        actions.done(w, task_id, visitor().person, request.form.get("answer", "").strip())
    return redirect(url_for("tasks.index", of=request.form.get("of") or None))


@area.post("/<int:task_id>/accept")
@right("tasks", "A")
def accept(task_id: int) -> ResponseReturnValue:
    with acting() as w:
        actions.accept(w, task_id, visitor().person, _is_head())
    return redirect(url_for("tasks.index"))


@area.post("/<int:task_id>/back")
@right("tasks", "A")
def give_back(task_id: int) -> ResponseReturnValue:
    with acting() as w:
        remark = request.form.get("remark", "").strip()
        actions.give_back(w, task_id, visitor().person, _is_head(), remark)
    return redirect(url_for("tasks.index"))


@area.post("/<int:task_id>/drop")
@right("tasks", "A")
def take_back(task_id: int) -> ResponseReturnValue:
    with acting() as w:
        actions.take_back(w, task_id, visitor().person, _is_head())
    return redirect(url_for("tasks.index"))
