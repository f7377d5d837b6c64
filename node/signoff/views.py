"""Routes of the sign-off: all classes at a glance, and the check list of one."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import led_classes, may, may_all, reaches_class, right
from node.classes import queries as classes
from node.people.queries import class_name
from node.request import acting, database
from node.signoff import actions, queries
from shared.i18n import gettext
from shared.problems import InputProblem, InvalidValue, NotAllowed, NotFound
from shared.web import minute_of_day, today, visitor

area = Blueprint("signoff", __name__, url_prefix="/sign-off", template_folder="templates")


@area.get("/")
@right("sign_off", "V")
def index() -> ResponseReturnValue:
    """Every class by area: the day of the last confirmation, or what waits for one."""
    db, day, who = database(), today(), visitor()
    year = classes.present_year(classes.years(db), day)
    found = classes.classes(db, year, day) if year else []
    if not may_all(who, "sign_off", "V"):
        own = led_classes(db, who)
        found = [one for one in found if one["id"] in own]
    marks = queries.marks(db, day)
    return render_template(
        "signoff/index.html",
        areas=queries.AREAS,
        rows=[
            (
                one["id"],
                class_name(one["grade"], one["letter"]),
                [
                    queries.Line(
                        name,
                        0,
                        marks.get((one["id"], name, "checked")),
                        marks.get((one["id"], name, "confirmed")),
                    )
                    for name in queries.AREAS
                ],
            )
            for one in found
        ],
    )


@area.get("/<int:class_id>")
@right("sign_off", "V")
def show(class_id: int) -> ResponseReturnValue:
    """The check list of a class: what is missing, who checked, who confirmed."""
    return _show(class_id)


def _show(class_id: int, problem: str = "") -> str:
    db, day, who = database(), today(), visitor()
    if not reaches_class(db, who, "sign_off", "V", class_id):
        raise NotAllowed()
    found = classes.class_group(db, class_id, day)
    if found is None:
        raise NotFound()
    return render_template(
        "signoff/show.html",
        class_id=class_id,
        name=class_name(found["grade"], found["letter"]),
        lines=queries.check_list(db, class_id, classes.year_of(found).roll_day(day), day, minute_of_day()),
        areas=queries.AREAS,
        checks=reaches_class(db, who, "sign_off", "E", class_id),
        confirms=may(who, "sign_off", "A"),
        me=who.person,
        others=bool(queries.confirmers(db, day) - {who.person}),
        problem=problem,
    )


@area.post("/<int:class_id>/check")
@right("sign_off", "E")
def check(class_id: int) -> ResponseReturnValue:
    if not reaches_class(database(), visitor(), "sign_off", "E", class_id):
        raise NotAllowed()
    return _sign(class_id, actions.check)


@area.post("/<int:class_id>/confirm")
@right("sign_off", "A")
def confirm(class_id: int) -> ResponseReturnValue:
    return _sign(class_id, actions.confirm)


def _sign(class_id: int, act: Callable[..., None]) -> ResponseReturnValue:
    if classes.class_group(database(), class_id, today()) is None:
        raise NotFound()
    note = request.form.get("note", "").strip()[:500]
    try:
        with acting() as w:
            act(w, class_id, request.form.getlist("area"), visitor().person, today(), note)
    except InvalidValue:
        return _show(class_id, gettext("Choose what was checked.")), 422
    except InputProblem as problem:
        return _show(class_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("signoff.show", class_id=class_id))
