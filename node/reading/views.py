"""Routes of the reading log."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from node.access import may_all, may_list, reaches_pupil, right
from node.classes import queries as classes
from node.people.queries import class_name
from node.reading import noting, queries
from node.request import database
from shared.access import allow
from shared.dates import date_of, parse_day
from shared.i18n import coded
from shared.problems import BadRequest, InvalidValue, NotAllowed
from shared.web import today, visitor

area = Blueprint("reading", __name__, url_prefix="/reading", template_folder="templates")
DAYS = 30


@area.get("/")
@right("audit", "V")
def index() -> ResponseReturnValue:
    """Who read what in the last days. The deputy looks up pupils' data; the administrator sees no person read about."""
    wanted = queries.Filter(
        start=_day("from", today() - DAYS),
        end=_day("to", today()),
        act=request.args.get("act", "") if request.args.get("act") in queries.ACTS else "",
        text=request.args.get("q", "")[:80].strip(),
        person=request.args.get("person", type=int),
        pupils_only=not visitor().has("head", "administrator"),
        persons=visitor().has("head", "deputy"),
    )
    found = queries.lines(database(), wanted, today())
    return render_template(
        "reading/index.html",
        lines=found,
        wanted=wanted,
        start=date_of(wanted.start).isoformat(),
        end=date_of(wanted.end).isoformat(),
        act_names=[(act, coded(act, "reading_log", "act")) for act in queries.ACTS],
        told=queries.told,
        most=queries.MOST,
    )


def _day(name: str, default: int) -> int:
    text = request.args.get(name, "")
    try:
        return parse_day(text) if text else default
    except (ValueError, InvalidValue) as error:
        raise BadRequest() from error


@area.post("/printed")
@allow.signed_in
def printed() -> ResponseReturnValue:
    """The browser tells that a page about a person, or a list of people, goes to the printer."""
    person, class_id = request.form.get("person", type=int), request.form.get("class", type=int)
    if person is not None and not _may_read(person):
        raise NotAllowed()
    what = request.form.get("what", "page")[:60]
    if class_id is not None:
        what += f"{queries.OF}{_class_name(class_id)}"
    noting.noted("print", what, person, class_id)
    return "", 204


def _class_name(class_id: int) -> str:
    """NotAllowed: not a class whose names the visitor reads."""
    found = classes.class_group(database(), class_id, today())
    if found is None or not may_list(database(), visitor(), class_id):
        raise NotAllowed()
    return class_name(found["grade"], found["letter"])


def _may_read(person: int) -> bool:
    who = visitor()
    return (
        person == who.person
        or may_all(who, "card", "V")
        or reaches_pupil(database(), who, "card", "N", person)
        or reaches_pupil(database(), who, "term_marks", "V", person)
    )
