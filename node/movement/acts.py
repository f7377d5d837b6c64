"""Routes of the acts: a pupil is admitted, leaves, goes to another class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access, cardform
from node.access import right
from node.classes import queries as class_queries
from node.consenting import LARGEST_SCAN
from node.fields import iso
from node.movement import actions, forms, moving_on, ordering, queries
from node.movement.blueprint import area
from node.movement.shown import name_of, offered_orders, on_paper, present_in, year_asked
from node.orders.queries import next_number
from node.people import queries as people
from node.people.queries import class_name, full_name, number_of
from node.reading.noting import noted, noted_list
from node.request import acting, database
from shared.i18n import LANGUAGES, N_, gettext
from shared.problems import InputProblem, NotAllowed, NotFound, NumberHeld
from shared.schema import CONSENT_PURPOSES
from shared.web import today, visitor

REPEATED = ("class", "day", "reason", "order", "order_number", "order_date", "residence")
"""What one child of an admission shares with the next."""


@area.get("/arrival")
@right("movement", "E")
def arrival() -> ResponseReturnValue:
    """The form of an admission; `?pupil=` for one who comes back, `?class=` for the subgroups of a class."""
    return _arrival_page(request.args)


@area.post("/arrival")
@right("movement", "E")
def admit() -> ResponseReturnValue:
    """Admit a pupil; the form again, with what was typed, when something is in the way."""
    form = request.form
    unseen = _unseen_parts(form)
    if unseen is not None:
        return _arrival_page(form, unseen), 422 if unseen else 200
    try:
        who: int | actions.Newcomer | None = forms.whole(form.get("pupil"))
        if who is None:
            who, errors = forms.newcomer(form, request.files, today())
            if errors:
                return _arrival_page(form, "", errors), 422
        with acting() as w:
            paper = ordering.paper(w, N_("On the admission of a pupil"))
            line = actions.arrive(
                w,
                who,
                forms.whole(form.get("class")) or 0,
                forms.required_day(form),
                form.get("reason", ""),
                paper,
                forms.chosen(form),
                visitor().person,
            )
            ordering.concerns(w, [line])
    except NumberHeld as held:
        asked = cardform.questions(database(), visitor(), today(), held)
        # The number of the folder is the pupil's place in the alphabet book, too, and has one field here.
        if (
            book := asked.pop(f"{cardform.HELD}alphabet_book", "")
        ) and f"{cardform.HELD}personal_file" not in asked:
            asked[f"{cardform.HELD}personal_file"] = book
        return _arrival_page(form, "", asked), held.status
    except InputProblem as problem:
        return _arrival_page(form, problem.sentence(gettext)), problem.status
    return _to_another(line) if "next" in form else _to_pupil(line)


def _unseen_parts(form: Mapping[str, str]) -> str | None:
    """What to say before an act is written while the subgroups of its class were not on the form; None for nothing.

    Empty where they were asked for.
    """
    if "parts" in form:
        return ""
    class_id = forms.whole(form.get("class")) or 0
    if "parts_of" not in form or form["parts_of"] == str(class_id):
        return None
    if not queries.split_subjects(database(), class_id):
        return None
    return gettext("This class is taught in subgroups: look which ones the pupil joins.")


def _to_another(line_id: int) -> ResponseReturnValue:
    """The form again for another child of the same class, day and order; nothing of the one before stands in it."""
    form, row = request.form, queries.line(database(), line_id, today())
    assert row is not None
    kept: dict[str, Any] = {name: form[name] for name in REPEATED if form.get(name)}
    if ordering.is_new():
        kept["order"] = row["order"]
    return redirect(url_for("movement.arrival", admitted=row["pupil"], year=request.args.get("year"), **kept))


def _arrival_page(
    values: Mapping[str, str], problem: str = "", errors: Mapping[str, str] | None = None
) -> str:
    db, now = database(), today()
    year, years = year_asked()
    if "year" not in request.args:
        year = class_queries.coming_year(years, now)
    pupil = forms.whole(values.get("pupil"))
    day = forms.day(values.get("day")) if not (problem or errors) and values.get("day") else None
    classes = queries.open_classes(db, year.id, now) if year else []
    class_id = forms.whole(values.get("class")) or 0
    found = values.get("q", "").strip()
    former = queries.former_pupils(db, found, now, now) if found else []
    if former:
        noted_list("pupils")
    admitted = forms.whole(request.args.get("admitted"))
    return render_template(
        "movement/arrival.html",
        values=values,
        year=year,
        years=years,
        classes=[(c["id"], class_name(c["grade"], c["letter"])) for c in classes],
        class_id=class_id,
        day=values.get("day") or iso(day if day is not None else present_in(year)),
        pupil=pupil,
        pupil_name=name_of(pupil, now) if pupil else "",
        admitted=admitted,
        admitted_name=name_of(admitted, now) if admitted else "",
        found=former,
        searched=found,
        parts=queries.split_subjects(db, class_id) if class_id else [],
        reasons=actions.ARRIVAL_REASONS,
        orders=offered_orders(),
        next_order=next_number(database(), "pupils", today()),
        problem=problem,
        errors=errors or {},
        column_of=people.column,
        relations=people.column("guardian", "relation").choices,
        own=actions.OWN,
        purposes=CONSENT_PURPOSES,
        agreed=request.form.getlist("consent_purpose") or ["core"],
        largest=LARGEST_SCAN,
        languages=LANGUAGES,
        full_name=full_name,
        number_of=number_of,
    )


def _to_pupil(line: int) -> ResponseReturnValue:
    row = queries.line(database(), line, today())
    assert row is not None
    return redirect(url_for("movement.pupil", person_id=row["pupil"], saved=1))


@area.get("/pupil/<int:person_id>")
@right("movement", "V")
def pupil(person_id: int) -> ResponseReturnValue:
    """Everything the book says of a pupil, and what can be done next."""
    if not access.reaches_pupil(database(), visitor(), "movement", "V", person_id):
        raise NotAllowed()
    return _pupil_page(person_id, {})


@area.post("/pupil/<int:person_id>")
@right("movement", "E")
def act(person_id: int) -> ResponseReturnValue:
    """Write a departure or a transfer; the button says which."""
    form = request.form
    unseen = _unseen_parts(form) if "depart" not in form else None
    if unseen is not None:
        return _pupil_page(person_id, {**form.to_dict(), "transfer": "1"}, unseen), 422 if unseen else 200
    try:
        with acting() as w:
            if "transfer" in form:
                paper = ordering.paper(w, N_("On the transfer of a pupil to another class"))
                line = actions.transfer(
                    w,
                    person_id,
                    forms.whole(form.get("class")) or 0,
                    forms.required_day(form),
                    paper,
                    forms.chosen(form),
                    form.get("reason", ""),
                )
            else:
                paper = ordering.paper(w, N_("On the departure of a pupil"))
                line = actions.depart(
                    w,
                    person_id,
                    forms.required_day(form),
                    form.get("reason", ""),
                    paper,
                    "confirmed" in form,
                    forms.day(form.get("file_issued")),
                )
            ordering.concerns(w, [line])
    except InputProblem as problem:
        return _pupil_page(person_id, form, problem.sentence(gettext)), problem.status
    return _to_pupil(line)


def _pupil_page(person_id: int, values: Mapping[str, str], problem: str = "") -> str:
    db, now = database(), today()
    row = people.pupil(db, person_id)
    if row is None:
        raise NotFound()
    noted("read", "movement book", person_id)
    here = queries.enrolled_in(db, person_id, now)
    year, _ = year_asked()
    others = [
        (c["id"], class_name(c["grade"], c["letter"]))
        for c in (queries.open_classes(db, here["year"], now) if here else [])
        if here and c["id"] != here["id"]
    ]
    to_class = forms.whole(values.get("class")) or forms.whole(request.args.get("class")) or 0
    return render_template(
        "movement/pupil.html",
        person_id=person_id,
        name=name_of(person_id, now),
        pupil=row,
        enrolled=here,
        coming=here is not None and here["start"] >= now and moving_on.ahead(db, person_id, now) is not None,
        lines=queries.of_pupil(db, person_id, now),
        on=on_paper,
        values=values,
        others=others,
        to_class=to_class,
        parts=queries.split_subjects(db, to_class) if to_class else [],
        day=values.get("day") or iso(present_in(year)),
        reasons=actions.DEPARTURE_REASONS,
        transfer_reasons=actions.TRANSFER_REASONS,
        orders=offered_orders(),
        next_order=next_number(database(), "pupils", today()),
        writes=access.may(visitor(), "movement", "E"),
        opens="transfer" if "transfer" in values or to_class else "departure" if values else "",
        problem=problem,
        saved="saved" in request.args and not problem,
        class_name=class_name,
        iso=iso,
    )
