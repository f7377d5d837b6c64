"""Routes of the classes area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.classes import actions, forms, queries
from node.fields import iso
from node.people.queries import class_name, full_name, number_of
from node.reading import noting
from node.request import acting, database
from node.settings.queries import number as setting
from shared.access import allow
from shared.i18n import alphabetical, gettext, in_order, row_name
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.schema import LANGUAGES
from shared.web import may_open, today, visitor

KEEP = access.CLASS_KEEPERS
area = Blueprint("classes", __name__, url_prefix="/classes", template_folder="templates")


@area.get("/")
@allow(*access.STAFF)
def index() -> ResponseReturnValue:
    """The classes of a school year by grade; only those open whose lists the visitor may read."""
    db, day = database(), today()
    years = queries.years(db)
    chosen = request.args.get("year", type=int)
    year = next((y for y in years if y.id == chosen), None) or queries.present_year(years, day)
    classes = queries.classes(db, year, day) if year else []
    norm = setting(db, "class_norm")
    return render_template(
        "classes/index.html",
        years=years,
        year=year,
        grades=_by_grade(classes),
        several=len(classes) > len({c["grade"] for c in classes}),
        pupils=sum(c["pupils"] for c in classes),
        girls=sum(c["girls"] for c in classes),
        classes=len(classes),
        own=access.led_classes(db, visitor()),
        may_list={c["id"] for c in classes if access.may_list(db, visitor(), c["id"])},
        norm=norm,
        class_name=class_name,
        full_name=full_name,
    )


def _by_grade(classes: Iterable[Mapping[str, Any]]) -> list[tuple[int, list[Mapping[str, Any]]]]:
    ordered = sorted(classes, key=lambda c: (c["grade"] or 0, alphabetical(c["letter"] or "")))
    return [(grade, list(those)) for grade, those in groupby(ordered, key=lambda c: c["grade"] or 0)]


@area.get("/<int:class_id>")
@allow(*access.LISTS)
def show(class_id: int) -> ResponseReturnValue:
    """One class: its roll, what is taught in it, who has left."""
    db, day = database(), today()
    found = queries.class_group(db, class_id, day)
    if found is None:
        raise NotFound()
    if not access.may_list(db, visitor(), class_id):
        raise NotAllowed()
    _note_list(found)
    roll_day = queries.year_of(found).roll_day(day)
    roll = in_order(queries.roll(db, class_id, roll_day, day), full_name)
    return render_template(
        "classes/show.html",
        group=found,
        name=class_name(found["grade"], found["letter"]),
        year=queries.year_of(found),
        roll=roll,
        roll_day=roll_day,
        girls=sum(p["sex"] == "f" for p in roll),
        ages=any(p["age"] is not None for p in roll),
        left=queries.left(db, class_id, roll_day, day),
        groups=queries.subject_groups(db, class_id, roll_day, day),
        split_from=setting(db, "split_from"),
        norm=setting(db, "class_norm"),
        without_duty=found["teacher"] is not None and not queries.leads_by_order(db, found["teacher"], day),
        others=_others(found) if visitor().has(*KEEP) else [],
        iso=iso,
        cards=access.readable_names(db, visitor()),
        report_cards=may_open("results.cards")
        and (visitor().has(*access.ALL_RESULTS) or class_id in access.led_classes(db, visitor())),
        full_name=full_name,
        number_of=number_of,
        class_name=class_name,
    )


def _others(found: Mapping[str, Any]) -> list[tuple[int, str]]:
    """The other classes of the year from which subjects can be taken over, those of the same grade first."""
    year = queries.year_of(found)
    rows = [c for c in queries.classes(database(), year, today()) if c["id"] != found["id"]]
    rows.sort(key=lambda c: (c["grade"] != found["grade"], c["grade"] or 0, alphabetical(c["letter"] or "")))
    return [(c["id"], class_name(c["grade"], c["letter"])) for c in rows]


def _to_class(class_id: int) -> ResponseReturnValue:
    return redirect(url_for("classes.show", class_id=class_id))


# ---- making and changing a class


@area.get("/new")
@allow(*KEEP)
def new() -> ResponseReturnValue:
    """The form of a new class."""
    return _class_page(None, request.args)


@area.post("/new")
@allow(*KEEP)
def create() -> ResponseReturnValue:
    """Make a class; the form again, with what was typed, when something is in the way."""
    try:
        with acting() as w:
            made = actions.create_class(
                w, forms.whole(request.form.get("year")) or 0, forms.class_draft(request.form)
            )
    except InputProblem as problem:
        return _class_page(None, request.form, problem.sentence(gettext)), problem.status
    return _to_class(made)


@area.get("/<int:class_id>/edit")
@allow(*KEEP)
def edit(class_id: int) -> ResponseReturnValue:
    """The form of a class."""
    return _class_page(_found(class_id), None)


@area.post("/<int:class_id>/edit")
@allow(*KEEP)
def change(class_id: int) -> ResponseReturnValue:
    """Keep a changed class."""
    found = _found(class_id)
    try:
        with acting() as w:
            actions.change_class(w, class_id, forms.class_draft(request.form))
    except InputProblem as problem:
        return _class_page(found, request.form, problem.sentence(gettext)), problem.status
    return _to_class(class_id)


@area.post("/<int:class_id>/close")
@allow(*KEEP)
def close(class_id: int) -> ResponseReturnValue:
    """Close a class from a day on, or open it again."""
    found = _found(class_id)
    try:
        with acting() as w:
            if "reopen" in request.form:
                actions.reopen_class(w, class_id)
            else:
                actions.close_class(w, class_id, forms.day(request.form))
    except InputProblem as problem:
        return _class_page(found, None, problem.sentence(gettext)), problem.status
    return _to_class(class_id)


@area.post("/<int:class_id>/remove")
@allow(*KEEP)
def remove(class_id: int) -> ResponseReturnValue:
    """Take back a class made by mistake; the form again, with why, when something is written of it."""
    found = _found(class_id)
    try:
        with acting() as w:
            actions.remove_class(w, class_id)
    except InputProblem as problem:
        return _class_page(found, None, problem.sentence(gettext)), problem.status
    return redirect(url_for("classes.index", year=found["year"]))


def _found(class_id: int) -> Mapping[str, Any]:
    found = queries.class_group(database(), class_id, today())
    if found is None:
        raise NotFound()
    return found


YEARS_AHEAD = 2
"""A class is made for the present year or the next, not for one long past."""


def _class_page(found: Mapping[str, Any] | None, typed: Mapping[str, str] | None, problem: str = "") -> str:
    db, day = database(), today()
    known = queries.all_years(db)
    coming = queries.coming_year(known, day)
    years = [one for one in known if one.end >= day][-YEARS_AHEAD:] or known[:1]
    values: Mapping[str, Any] = typed if typed is not None else found or {}
    year = found["year"] if found else forms.whole(values.get("year")) or (coming.id if coming else 0)
    return render_template(
        "classes/edit.html",
        group=found,
        name=class_name(found["grade"], found["letter"]) if found else "",
        values=values,
        year=year,
        years=years,
        teachers=_staff(),
        rooms=queries.rooms(db),
        partners=[
            (one["id"], class_name(one["grade"], one["letter"]))
            for one in queries.partners(db, year, found["id"] if found else 0)
        ],
        languages=LANGUAGES,
        kept=queries.holds_class(db, found["id"]) if found else None,
        problem=problem,
        iso=iso,
    )


def _staff() -> list[tuple[int, str]]:
    """Who can be given a class or lessons; a number for those who may not be named."""
    found = queries.teachers(database(), today())
    return [(person, name or _nameless(person)) for person, name in found]


def _nameless(person: int) -> str:
    return gettext("No. %(number)s, no name recorded", number=number_of(person))


# ---- what is taught in a class


@area.get("/<int:class_id>/subject")
@allow(*KEEP)
def new_subject(class_id: int) -> ResponseReturnValue:
    """The form of one more subject of a class, on the first scale: most subjects are marked."""
    usual = next((scale["id"] for scale in queries.scales(database())), "")
    return _subject_page(_found(class_id), None, {"scale": usual})


@area.post("/<int:class_id>/subject")
@allow(*KEEP)
def add_subject(class_id: int) -> ResponseReturnValue:
    """Teach a class one more subject."""
    found = _found(class_id)
    try:
        with acting() as w:
            actions.add_group(w, class_id, forms.group_draft(request.form))
    except InputProblem as problem:
        return _subject_page(found, None, request.form, problem.sentence(gettext)), problem.status
    return _to_class(class_id)


@area.post("/<int:class_id>/subjects")
@allow(*KEEP)
def copy_subjects(class_id: int) -> ResponseReturnValue:
    """Take over the subjects of another class."""
    _found(class_id)
    with acting() as w:
        actions.copy_groups(w, class_id, forms.whole(request.form.get("source")) or 0)
    return _to_class(class_id)


def _note_list(group: Mapping[str, Any]) -> None:
    """Note that the visitor reads who is in a class, or in its parts, and neither leads nor teaches there."""
    db, who = database(), visitor()
    if group["id"] not in access.led_classes(db, who) | access.taught_classes(db, who):
        noting.noted_list("class list", class_name(group["grade"], group["letter"]), group["id"])


@area.get("/subject/<int:group_id>")
@allow(*KEEP)
def subject(group_id: int) -> ResponseReturnValue:
    """The form of a subject group, and who belongs to which part of the class."""
    group = _group(group_id)
    return _subject_page(_found(group["class_group"]), group, group)


@area.post("/subject/<int:group_id>")
@allow(*KEEP)
def change_subject(group_id: int) -> ResponseReturnValue:
    """Change a subject group, remove it, split it, or move pupils among its parts: the button says which."""
    group = _group(group_id)
    there = url_for("classes.subject", group_id=group_id, saved=1)
    try:
        with acting() as w:
            if "remove" in request.form:
                actions.remove_group(w, group_id)
                there = url_for("classes.show", class_id=group["class_group"])
            elif "split" in request.form:
                names = (request.form.get("first", "").strip(), request.form.get("second", "").strip())
                teacher = forms.whole(request.form.get("teacher"))
                actions.split(w, group_id, forms.day(request.form), teacher, names)
            elif "place" in request.form:
                actions.place_pupils(w, group_id, forms.day(request.form), forms.places(request.form))
                there = url_for("classes.subject", group_id=group_id, day=request.form.get("day"), saved=1)
            else:
                actions.change_group(w, group_id, forms.group_draft(request.form))
    except InputProblem as problem:
        page = _subject_page(_found(group["class_group"]), group, group, problem.sentence(gettext))
        return page, problem.status
    return redirect(there)


def _group(group_id: int) -> Mapping[str, Any]:
    found = queries.subject_group(database(), group_id)
    if found is None:
        raise NotFound()
    return found


def _subject_page(
    found: Mapping[str, Any], group: Mapping[str, Any] | None, values: Mapping[str, Any], problem: str = ""
) -> str:
    db, now = database(), today()
    year = queries.year_of(found)
    day = year.roll_day(forms.day(request.args) if request.args.get("day") else now)
    parts = queries.divided(db, found["id"], group["subject"], day, now) if group else []
    if parts:
        _note_list(found)
    return render_template(
        "classes/subject.html",
        group=group,
        in_class=found,
        name=class_name(found["grade"], found["letter"]),
        subject=row_name(group) if group else "",
        values=values,
        subjects=[(one["id"], row_name(one)) for one in queries.subjects(db)],
        scales=[(one["id"], row_name(one)) for one in queries.scales(db)],
        teachers=_staff(),
        parts=parts,
        stays=in_order(queries.stays(db, found["id"], group["subject"], now), full_name)
        if group and len(parts) > 1
        else [],
        where={pupil: part["id"] for part in parts for pupil in part["pupils"]},
        roll=in_order(queries.roll(db, found["id"], day, now), full_name) if group else [],
        day=day,
        iso=iso,
        split_from=setting(db, "split_from"),
        problem=problem,
        saved="saved" in request.args and not problem,
        full_name=full_name,
        number_of=number_of,
    )
