"""Routes of the book of certificates of education, and of the certificate of study."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import right
from node.certificates import actions, queries, study
from node.certificates.actions import Issued
from node.classes import queries as class_queries
from node.fields import day as day_of
from node.fields import of_rows
from node.orders import queries as order_queries
from node.papers import language_asked, letterhead, sheet
from node.people import queries as people
from node.people.queries import class_name
from node.reading import noting
from node.request import acting, database
from shared.access import allow
from shared.dates import date_of
from shared.i18n import gettext
from shared.problems import InputProblem, NotFound
from shared.web import today, visitor

area = Blueprint("certificates", __name__, url_prefix="/certificates", template_folder="templates")
CERTIFIERS = (*access.roles("movement", "E"), *access.roles("movement", "A"))
"""Make out the certificate of study: the office that keeps the roll, and the head who signs."""


@area.get("/")
@right("movement", "V")
def index() -> ResponseReturnValue:
    """Who ends a stage in a year, and the certificates given out: of all, of the own class, of one's children."""
    db, day, who = database(), today(), visitor()
    years = class_queries.years(db)
    chosen = request.args.get("year", type=int)
    year = next((one for one in years if one.id == chosen), None) or class_queries.present_year(years, day)
    of_all = access.may_all(who, "movement", "V")
    mine = {} if of_all else {"classes": access.led_classes(db, who), "pupils": access.own_children(db, who)}
    lines = queries.lines(db, year.id, day, **mine) if year else []
    if of_all and lines:
        noting.noted_list("certificates")
    elif lines:
        children = access.own_children(db, who)
        noting.noted_people("read", "certificates", (one.pupil for one in lines if one.pupil in children))
    return render_template(
        "certificates/index.html",
        years=years,
        year=year,
        lines=lines,
        enters=access.may_all(who, "movement", "E"),
        class_name=class_name,
    )


@area.get("/<int:class_id>")
@right("movement", "E")
def of_class(class_id: int) -> ResponseReturnValue:
    """A form with the numbers of a class's certificates."""
    return _form(class_id, {})


@area.post("/<int:class_id>")
@right("movement", "E")
def issue(class_id: int) -> ResponseReturnValue:
    """Write down what was given out."""
    form = request.form
    try:
        given = {
            pupil: Issued(text.strip(), day_of(form.get(f"day-{pupil}")))
            for pupil, text in of_rows(form, "blank-")
        }
        with acting() as w:
            actions.issue(w, class_id, given, today())
    except InputProblem as problem:
        return _form(class_id, form, problem.sentence(gettext)), problem.status
    return redirect(url_for("certificates.index", year=_year_of(class_id)))


def _year_of(class_id: int) -> int:
    """NotFound."""
    row = (
        database()
        .execute("SELECT year FROM class_group WHERE id = ? AND retired_at IS NULL", (class_id,))
        .fetchone()
    )
    if row is None or row[0] is None:
        raise NotFound()
    return int(row[0])


def _form(class_id: int, values: Mapping[str, str], problem: str = "") -> str:
    db, day = database(), today()
    lines = queries.lines(db, _year_of(class_id), day, classes={class_id})
    if lines:
        noting.noted_list("certificates", class_name(lines[0].grade, lines[0].letter), class_id)
    held = {f"blank-{one.pupil}": one.blank for one in lines}
    held |= {f"day-{one.pupil}": date_of(one.issued_on or day).isoformat() for one in lines}
    return render_template(
        "certificates/form.html",
        lines=lines,
        class_id=class_id,
        name=class_name(lines[0].grade, lines[0].letter) if lines else "",
        year=_year_of(class_id),
        values=held | dict(values),
        problem=problem,
    )


# ---- that a pupil studies here


@area.get("/study/<int:person_id>")
@allow(*CERTIFIERS)
def study_paper(person_id: int) -> ResponseReturnValue:
    """The certificate of study, ready to print; each one made is noted as an export of the pupil's data."""
    db, day = database(), today()
    found = study.of(db, person_id, day)
    signatory = order_queries.head(db, day)
    signs = people.person(db, signatory, day) if signatory is not None else None
    noting.noted("export", "certificate of study", person_id)
    language = language_asked()
    paper = sheet(
        "certificates/study_sheet.html",
        language,
        study=found,
        head=letterhead(db),
        signatory=people.full_name(signs) if signs else "",
        day=day,
        class_name=class_name,
    )
    return render_template(
        "certificates/study.html", pupil=person_id, name=found.name, language=language, sheet=paper
    )
