"""Routes of the journal's first page: the visitor's lessons of a day, and what nobody has taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from node import access
from node.calendar import queries as calendar_queries
from node.classes import queries as class_queries
from node.fields import iso
from node.journal import pages, queries
from node.journal.blueprint import area
from node.people.queries import class_name, number_of
from node.request import database
from shared.access import allow
from shared.dates import NO_LESSONS, parse_day
from shared.problems import InvalidValue, NotFound
from shared.web import visitor

CHASED_DAYS = 7


@area.get("/")
@allow(*pages.READ)
def index() -> ResponseReturnValue:
    """The visitor's lessons of a day, and the lessons whose attendance nobody has taken."""
    db, who, day = database(), visitor(), _chosen_day()
    groups = _own_groups(day)
    strays = _strays(groups, day)
    teaches = who.has(*access.TEACHING) and who.person is not None
    kind = calendar_queries.day_kind(db, day)
    mine = queries.lessons(db, day, teacher=who.person) if teaches else []
    return render_template(
        "journal/index.html",
        day=day,
        iso=iso,
        free=kind in NO_LESSONS,
        kind=kind,
        teaches=teaches,
        lessons=mine,
        untaken=pages.untaken,
        chase=_chase(day),
        overlooked=_overlooked(day) if teaches else [],
        groups=groups,
        strays=strays,
        names=dict(queries.named(db, {one.pupil for one in strays}, pages.today())) if strays else {},
        group_of={one["id"]: one for one in groups},
        number_of=number_of,
        years=class_queries.years(db),
        year=class_queries.present_year(class_queries.years(db), day),
        teacher_name=lambda person: queries.person_name(db, person, pages.today()),
        class_name=class_name,
    )


def _chosen_day() -> int:
    text = request.args.get("day", "")
    try:
        return parse_day(text) if text else pages.today()
    except InvalidValue as error:
        raise NotFound() from error


def _chase(day: int) -> list[Mapping[str, Any]]:
    """Lessons of others without attendance: of the whole school, or of the classes one leads."""
    db, who = database(), visitor()
    classes = None if who.has(*access.ALL_RESULTS) else access.led_classes(db, who)
    if classes is not None and not classes:
        return []
    found = queries.lessons(db, day, classes=classes)
    return [one for one in found if pages.untaken(one) and one["teacher"] != who.person]


def _overlooked(day: int) -> list[Mapping[str, Any]]:
    """The visitor's own lessons of the days before whose attendance is not taken, the latest first."""
    db, person = database(), visitor().person
    found: list[Mapping[str, Any]] = []
    for earlier in range(day - 1, day - 1 - CHASED_DAYS, -1):
        found += [one for one in queries.lessons(db, earlier, teacher=person) if pages.untaken(one)]
    return found


def _strays(groups: Sequence[Mapping[str, Any]], day: int) -> list[queries.Stray]:
    """Marks of the visitor's own groups that are not on their scale; a sync brought them, the teacher mends them."""
    who, db = visitor(), database()
    own = [one["id"] for one in groups if one["teacher"] == who.person and who.has(*access.TEACHING)]
    year = class_queries.present_year(class_queries.years(db), day)
    return queries.strays(db, own, year.start, year.end) if own and year else []


def _own_groups(day: int) -> list[Mapping[str, Any]]:
    """The subject groups of a day's year whose journal the visitor reads: own ones, and of the classes one leads."""
    db, who = database(), visitor()
    year = class_queries.present_year(class_queries.years(db), day)
    led = access.led_classes(db, who)
    own = who.person if who.has(*access.TEACHING) else None
    all_ = who.has(*access.ALL_RESULTS)
    found = queries.groups(db, year.id) if year else []
    return [g for g in found if all_ or g["class_group"] in led or (own is not None and g["teacher"] == own)]
