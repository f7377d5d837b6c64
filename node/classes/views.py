"""Routes of the classes area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from node import access
from node.classes import queries
from node.people.queries import class_name, full_name, number_of
from node.request import database
from shared.access import allow
from shared.i18n import alphabetical, in_order
from shared.problems import NotAllowed, NotFound
from shared.web import today, visitor

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
        groups=queries.subject_groups(db, class_id, day),
        cards=access.readable_cards(db, visitor()),
        full_name=full_name,
        number_of=number_of,
    )
