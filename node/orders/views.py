"""Routes of the orders book."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import may, may_all, right
from node.orders import actions, drafts, forms, queries
from node.orders.queries import PAGE, SERIES, Order
from node.papers import letterhead
from node.people import queries as people
from node.reading.noting import noted_list, noted_people
from node.request import acting, database
from shared.access import Visitor
from shared.dates import date_of
from shared.i18n import gettext, in_list
from shared.problems import (
    InputProblem,
    NotAllowed,
    NotFound,
    NumberTaken,
    OrderSigned,
)
from shared.schema import DUTIES
from shared.web import today, visitor

FOLDED = 12
"""A longer page of the book is folded by month; what was searched for is not."""

area = Blueprint("orders", __name__, url_prefix="/orders", template_folder="templates")


@area.get("/")
@right("orders", "V")
def index() -> ResponseReturnValue:
    """The book, newest first; those who do not keep it find the orders that concern them."""
    db, who = database(), visitor()
    series = request.args.get("series", "")
    text = request.args.get("q", "")[:80].strip()
    year = request.args.get("year", 0, type=int)
    found = queries.orders(db, series if series in SERIES else "", text, year if 1900 < year < 2200 else 0)
    if not may_all(who, "orders", "V"):
        mine = queries.concerned(db, who.person or 0)
        found = [order for order in found if order.id in mine]
    last_page = max(1, -(-len(found) // PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), last_page)
    shown = found[(page - 1) * PAGE : page * PAGE]
    return render_template(
        "orders/index.html",
        orders=shown,
        months=[(month, list(some)) for month, some in groupby(shown, lambda one: _month(one.date))],
        folds=len(shown) > FOLDED and not text,
        all=len(found),
        first=(page - 1) * PAGE + 1,
        page=page,
        last_page=last_page,
        series=series,
        all_series=SERIES,
        text=text,
        year=year,
        years=queries.years(db),
        keeps=may(who, "orders", "E"),
        whole=may_all(who, "orders", "V"),
        address=lambda **more: url_for(
            "orders.index",
            **{"series": series or None, "q": text or None, "year": year or None} | more,
        ),
    )


def _month(day: int) -> int:
    """The first day of the month of a day."""
    return day - date_of(day).day + 1


@area.get("/new")
@right("orders", "E")
def new() -> ResponseReturnValue:
    """An empty form with the next number of its series."""
    series = request.args.get("series", "main")
    series = series if series in SERIES else "main"
    number = queries.next_number(database(), series, today())
    values = {"series": series, "number": number, "date": date_of(today()).isoformat()}
    return _form(values, {}, None)


@area.post("/new")
@right("orders", "E")
def add() -> ResponseReturnValue:
    return _keep(None)


@area.get("/<int:order_id>")
@right("orders", "V")
def show(order_id: int) -> ResponseReturnValue:
    """One order as it is printed, and beside it what can be done."""
    return _page(_readable(order_id))


@area.get("/<int:order_id>/edit")
@right("orders", "E")
def edit(order_id: int) -> ResponseReturnValue:
    return _form(forms.shown(_readable(order_id)), {}, order_id)


@area.post("/<int:order_id>/edit")
@right("orders", "E")
def keep(order_id: int) -> ResponseReturnValue:
    return _keep(order_id)


def _keep(order_id: int | None) -> ResponseReturnValue:
    draft, errors = forms.read(request.form)
    if draft is None:
        return _form(request.form.to_dict(), errors, order_id), 422
    try:
        with acting() as w:
            order_id = drafts.write(w, draft, order_id)
    except (NumberTaken, OrderSigned) as problem:
        return _form(request.form.to_dict(), {"number": problem.sentence(gettext)}, order_id), 422
    return redirect(url_for("orders.show", order_id=order_id))


def _form(values: dict[str, str], errors: dict[str, str], order_id: int | None) -> str:
    return render_template(
        "orders/form.html",
        values=values,
        errors=errors,
        order_id=order_id,
        series=[(code, in_list(code, "order_series")) for code in SERIES],
        staff=queries.staff(database(), today()),
    )


@area.post("/<int:order_id>/sign")
@right("orders", "A")
def sign(order_id: int) -> ResponseReturnValue:
    with acting() as w:
        actions.sign(w, order_id, visitor().person, today())
    return redirect(url_for("orders.show", order_id=order_id))


@area.post("/<int:order_id>/drop")
@right("orders", "E")
def drop(order_id: int) -> ResponseReturnValue:
    with acting() as w:
        drafts.drop(w, order_id)
    return redirect(url_for("orders.index"))


@area.post("/<int:order_id>/people")
@right("orders", "E")
def name_person(order_id: int) -> ResponseReturnValue:
    """The draft concerns someone, or not any more."""
    person = forms.whole(request.form.get("person")) or 0
    with acting() as w:
        if "remove" in request.form:
            drafts.leave_out(w, order_id, person)
        else:
            drafts.name_person(w, order_id, person)
    return redirect(url_for("orders.show", order_id=order_id))


@area.post("/<int:order_id>/readers")
@right("orders", "E")
def make_known(order_id: int) -> ResponseReturnValue:
    """Who is to be acquainted with the order."""
    wanted = [forms.whole(text) or 0 for text in request.form.getlist("person")]
    with acting() as w:
        actions.make_known(w, order_id, wanted)
    return redirect(url_for("orders.show", order_id=order_id))


@area.post("/<int:order_id>/read")
@right("orders", "V")
def acquaint(order_id: int) -> ResponseReturnValue:
    """The visitor has read the order."""
    _readable(order_id)
    with acting() as w:
        actions.acquaint(w, order_id, visitor().person or 0)
    return redirect(url_for("orders.show", order_id=order_id))


@area.post("/<int:order_id>/give")
@right("orders", "A")
def give_duty(order_id: int) -> ResponseReturnValue:
    start = forms.day_of(request.form.get("start", ""))
    people = {forms.needed(text) for text in request.form.getlist("person")}
    duty = request.form.get("duty", "")
    if start is None or not people or duty not in DUTIES:
        return _page(_readable(order_id), gettext("Choose a person, a duty and a day.")), 422
    try:
        with acting() as w:
            for person in sorted(people):
                actions.give_duty(w, order_id, person, duty, start)
    except InputProblem as problem:
        return _page(_readable(order_id), problem.sentence(gettext)), problem.status
    return redirect(url_for("orders.show", order_id=order_id))


@area.post("/<int:order_id>/end")
@right("orders", "A")
def end_duty(order_id: int) -> ResponseReturnValue:
    end = forms.day_of(request.form.get("end", ""))
    appointment = forms.whole(request.form.get("appointment"))
    if end is None or appointment is None:
        return _page(_readable(order_id), gettext("Choose a duty and the first day without it.")), 422
    try:
        with acting() as w:
            actions.end_duty(w, order_id, appointment, end)
    except InputProblem as problem:
        return _page(_readable(order_id), problem.sentence(gettext)), problem.status
    return redirect(url_for("orders.show", order_id=order_id))


@area.get("/duties")
@right("duties", "V")
def duties() -> ResponseReturnValue:
    """Who holds which duty today, by which order (clause 5.1)."""
    found, opens = queries.duties_today(database(), today()), _opens(visitor())
    return render_template("orders/duties.html", duties=found, opens=opens)


def _opens(who: Visitor) -> frozenset[int] | None:
    """The orders that open to the visitor; None for all."""
    if not may(who, "orders", "V"):
        return frozenset()
    return None if may_all(who, "orders", "V") else queries.concerned(database(), who.person or 0)


def _readable(order_id: int) -> Order:
    """The order; NotFound, or NotAllowed for one that does not concern the visitor."""
    opens = _opens(visitor())
    if opens is not None and order_id not in opens:
        raise NotAllowed()
    found = queries.order(database(), order_id)
    if found is None:
        raise NotFound()
    return found


def _page(order: Order, problem: str = "") -> str:
    db, day, who = database(), today(), visitor()
    readers = queries.readers(db, order.id, day)
    signs = may(who, "orders", "A")
    # Whoever writes orders reads every name (the table of rights).
    text = request.args.get("q", "")[:80].strip() if may(who, "orders", "E") else ""
    found = people.found([*people.pupils(db, day, None), *people.staff(db, day)], text)[:20] if text else []
    for kind, code in (("pupil", "pupils"), ("staff", "staff")):
        if any(one.kind == kind and one.name for one in found):
            noted_list(code)
    concerns = queries.concerns(db, order.id, day)
    noted_people("read", "order", (one.id for one in concerns if one.name))
    return render_template(
        "orders/show.html",
        head=letterhead(db),
        order=order,
        problem=problem,
        signatory=queries.named(db, order.signatory, day),
        executor=queries.named(db, order.executor, day),
        readers=readers,
        concerns=concerns,
        named=queries.people_of(db, order.id),
        searched=text,
        found=found,
        asked={person.id for person, _ in readers},
        mine=next((at or 0 for person, at in readers if person.id == who.person), None),
        duties=queries.duties_of_order(db, order.id, day),
        held=[one for one in queries.duties_today(db, day) if one.end is None] if signs else [],
        staff=queries.staff(db, day) if may(who, "orders", "E") else [],
        all_duties=[(code, in_list(code, "duty")) for code in DUTIES],
        iso=date_of(day).isoformat(),
        from_day=date_of(order.date).isoformat(),
        keeps=may(who, "orders", "E"),
        signs=signs,
    )
