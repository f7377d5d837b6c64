"""Routes of substitutions: a day's lessons of an absent teacher, who is free, who holds them instead."""

from __future__ import annotations

from typing import cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import right
from node.calendar import queries as calendar
from node.fields import iso
from node.people.queries import class_name
from node.request import acting, database
from node.timetable import actions, forms, queries
from node.timetable.blueprint import area
from node.timetable.desk import group_name
from node.timetable.warnings import day_lines
from shared.dates import parse_day
from shared.i18n import gettext, in_order
from shared.problems import InputProblem, InvalidValue, NotFound
from shared.web import today

MOST_PROPOSED = 40
INSTEAD = "instead-"
"""Before the group whose lesson is held in the place of another."""


@area.get("/substitutions")
@right("timetable", "E")
def substitutions() -> ResponseReturnValue:
    """The substitutions of a day; for a chosen teacher the lessons, each with those who are free."""
    return _page()


def _page(problem: str = "") -> str:
    db = database()
    text = request.values.get("day", "")
    try:
        day = parse_day(text) if text else today()
    except InvalidValue as error:
        raise NotFound() from error
    teacher = forms.whole(request.values.get("teacher"))
    year = queries.school_year(db, day)
    of_day = queries.agenda_of_day(db, year[0], day, dropped=True) if year else []
    lessons = [one for one in of_day if teacher is not None and one.slot["teacher"] == teacher]
    proposals = {
        one.slot["id"]: queries.free_teachers(db, year[0], one)[:MOST_PROPOSED] for one in lessons if year
    }
    groups = queries.groups(db, year[0]) if year else []
    people = {one.slot["teacher"] for one in of_day} | {one.substitute for one in of_day}
    people |= {p.person for found in proposals.values() for p in found}
    people |= {one["teacher"] for one in groups}
    names = queries.names(db, people, today())
    teachers = {one.slot["teacher"] for one in of_day if one.slot["teacher"] is not None}
    extra = forms.whole(request.values.get("class"))
    return render_template(
        "timetable/substitutions.html",
        day=day,
        iso=iso,
        teacher=teacher,
        teachers=in_order([(t, names.get(t, "")) for t in sorted(teachers)], lambda one: one[1]),
        lessons=lessons,
        proposals=proposals,
        given=[one for one in of_day if one.substitute is not None or one.dropped or one.is_once],
        clashes=day_lines(db, of_day, today()),
        classes=calendar.classes(db, year[0]) if year else [],
        groups_of=lambda class_group: [one for one in groups if one["class_group"] == class_group],
        group_name=group_name,
        extra=extra,
        periods=range(queries.LAST_PERIOD + 1),
        names=names,
        class_name=class_name,
        problem=problem,
    )


@area.post("/substitutions")
@right("timetable", "E")
def keep_substitutions() -> ResponseReturnValue:
    """Let others hold a teacher's lessons of a day, hold other subjects instead, or drop them: a choice for each
    lesson, empty for none.
    """
    form = request.form
    try:
        day = parse_day(form.get("day", ""))
        with acting() as w:
            for name, text in form.items():
                if name.startswith("lesson-"):
                    group, period = (forms.needed(part) for part in name.split("-")[1:3])
                    if text == "dropped":
                        actions.drop(w, group, day, period, form.get("reason", ""))
                        continue
                    if text.startswith(INSTEAD):
                        other = forms.needed(text.removeprefix(INSTEAD))
                        actions.hold_instead(w, group, day, period, other, form.get("reason", ""))
                        continue
                    chosen = forms.whole(text)
                    if chosen is not None:
                        actions.substitute(w, group, day, period, chosen, form.get("reason", ""))
    except InputProblem as problem:
        return _page(problem.sentence(gettext)), problem.status
    return cast(ResponseReturnValue, redirect(url_for("timetable.substitutions", day=iso(day))))


@area.post("/substitutions/extra")
@right("timetable", "E")
def hold_once() -> ResponseReturnValue:
    """A lesson of a class on one day, outside its weekly timetable."""
    form = request.form
    try:
        day = parse_day(form.get("day", ""))
        with acting() as w:
            actions.hold_once(w, forms.needed(form.get("group")), day, forms.needed(form.get("period")))
    except InputProblem as problem:
        return _page(problem.sentence(gettext)), problem.status
    return cast(ResponseReturnValue, redirect(url_for("timetable.substitutions", day=iso(day))))


@area.post("/substitutions/back")
@right("timetable", "E")
def take_back_substitution() -> ResponseReturnValue:
    """The group's own teacher holds the lesson after all, or a lesson of that day alone is called off."""
    form = request.form
    try:
        day = parse_day(form.get("day", ""))
        place = forms.needed(form.get("group")), day, forms.needed(form.get("period"))
        with acting() as w:
            actions.take_back_substitution(w, *place)
            actions.call_off(w, *place)
    except InputProblem as problem:
        return _page(problem.sentence(gettext)), problem.status
    return cast(ResponseReturnValue, redirect(url_for("timetable.substitutions", day=iso(day))))
