"""Routes of lesson control."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from node import access
from node.classes import queries as class_queries
from node.control import queries
from node.journal import queries as journal_queries
from node.people.queries import class_name
from node.request import database
from shared.access import allow
from shared.i18n import current_language
from shared.indicators import value_label
from shared.web import minute_of_day, today

area = Blueprint("control", __name__, url_prefix="/control", template_folder="templates")

CONTROL = access.everywhere("lesson_marks", "V")


@area.get("/")
@allow(*CONTROL)
def index() -> ResponseReturnValue:
    """Lessons of a term without topic, without attendance, marks that are missing, hours given against plan."""
    db, now = database(), today()
    year = class_queries.present_year(class_queries.years(db), now)
    terms = [t for t in journal_queries.terms(db, year.id) if t["kind"] != "half"] if year else []
    term = _chosen(terms)
    found = queries.lines(db, year.id, term["id"], now, minute_of_day()) if year and term else []
    classes = {line.group["class_group"]: line.group for line in found}
    chosen = request.args.get("class", type=int)
    everything = "all" in request.args
    teacher = request.args.get("teacher", type=int)
    shown = [
        line
        for line in found
        if chosen in (None, line.group["class_group"])
        and teacher in (None, line.group["teacher"] or 0)
        and (everything or line.lacks)
    ]
    teachers = {line.group["teacher"] for line in shown if line.group["teacher"]}
    summed = chosen is None and teacher is None and not everything
    return render_template(
        "control/index.html",
        year=year,
        terms=terms,
        term=term,
        label=_label,
        lines=shown,
        sums=queries.by_teacher(shown) if summed else [],
        teacher=teacher,
        any=bool(found),
        classes=list(classes.values()),
        chosen=chosen,
        everything=everything,
        names=dict(journal_queries.named(db, teachers, now)),
        class_name=class_name,
        total={
            name: sum(getattr(line, name) or 0 for line in shown)
            for name in ("no_topic", "not_taken", "behind", "short", "outside")
        },
    )


def _chosen(terms: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The term asked for, else the last that has begun, else the first."""
    asked = [term for term in terms if term["id"] == request.args.get("term", type=int)]
    begun = [term for term in terms if term["start"] <= today()]
    return next(iter(asked or begun[-1:] or terms), None)


def _label(term: dict[str, Any]) -> str:
    return value_label("term", f"{term['kind']}-{term['number']}", current_language())
