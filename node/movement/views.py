"""Routes of pupil movement: the book with its totals, acts about a pupil, the books as they stand on paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import right
from node.classes import queries as class_queries
from node.classes.queries import Year
from node.consenting import LARGEST_SCAN
from node.movement import actions, balance, forms, queries, settling
from node.movement.queries import Period
from node.orders.queries import next_number
from node.people import queries as people
from node.people.queries import class_name, full_name, number_of
from node.request import acting, database
from shared.access import allow
from shared.dates import date_of
from shared.i18n import LANGUAGES, current_language, gettext
from shared.indicators import value_label
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.schema import CONSENT_PURPOSES
from shared.web import may_open, today, visitor

area = Blueprint("movement", __name__, url_prefix="/movement", template_folder="templates")
BOOK = tuple(duty for duty in access.roles("movement", "V") if duty in access.STAFF)
"""Read the movement book: the whole of it, or of the class they lead."""
ALL = "all"
"""Stands for every page of the alphabetic book."""
REPEATED = ("class", "day", "reason", "order", "order_number", "order_date", "residence")
"""What one child of an admission shares with the next."""
ORDERS_SINCE = 400
"""Days back from which an act's order is offered."""


@area.get("/")
@right("movement", "V")
def index() -> ResponseReturnValue:
    """The lines of a period with the balance of the classes one reads."""
    db, now = database(), today()
    year, years = _year()
    classes = _classes()
    period = _period(year)
    flows = queries.balance(db, period.after, period.until) if period else {}
    shown = [c for c in _ordered(year) if classes is None or c["id"] in classes]
    return render_template(
        "movement/index.html",
        years=years,
        year=year,
        periods=[(period_name(one), one.key) for one in queries.periods(db, year)] if year else [],
        period=period,
        period_name=period_name,
        rows=[(c, flows.get(c["id"], queries.Flow())) for c in shown],
        total=balance.summed(flows.get(c["id"], queries.Flow()) for c in shown),
        arrived=balance.arrived,
        departed=balance.departed,
        lines=_lines(period),
        flaws=queries.discrepancies(db, period.after, period.until) if period and classes is None else [],
        apart=_apart(now) if may_open("movement.mend") else [],
        own_only=not visitor().has(*access.STAFF),
        name_of=lambda pupil: _name_of(pupil, now),
        on=on_paper,
        class_name=class_name,
        full_name=full_name,
        number_of=number_of,
    )


def _apart(now: int) -> list[tuple[int, list[Mapping[str, Any]]]]:
    """Pupils about whom two machines wrote acts apart, each with the lines of which one is to stand."""
    db = database()
    found = [
        (pupil, [queries.line(db, one, now) for one in lines]) for pupil, lines in queries.apart(db).items()
    ]
    return [(pupil, [row for row in rows if row is not None]) for pupil, rows in found]


def _year() -> tuple[Year | None, list[Year]]:
    """The year asked for, else the present one; and all there are."""
    years = class_queries.years(database())
    chosen = request.args.get("year", type=int)
    year = next((y for y in years if y.id == chosen), None) or class_queries.present_year(years, today())
    return year, years


def _classes() -> frozenset[int] | None:
    """The classes whose movement the visitor reads; None for all."""
    db, who = database(), visitor()
    return None if access.may_all(who, "movement", "V") else access.led_classes(db, who)


def _ordered(year: Year | None) -> list[Mapping[str, Any]]:
    return class_queries.classes(database(), year, today()) if year else []


def _period(year: Year | None) -> Period | None:
    if year is None:
        return None
    found = queries.periods(database(), year)
    chosen = next((one for one in found if one.key == request.args.get("period")), None)
    return chosen or queries.period_on(found, today())


def period_name(period: Period) -> str:
    """`1-чейрек`, `2 четверть`, `Quarter 3`; the year's own name."""
    return value_label("term", period.key, current_language())


def _lines(period: Period | None) -> list[Mapping[str, Any]]:
    """The lines of the period that the visitor reads: all, of the own class, of oneself and one's children.

    The first period of a year shows those of its first day too, though its balance begins with that day's roll.
    """
    if period is None:
        return []
    db, who = database(), visitor()
    kinds = ("arrived", "departed", "transfer", "graduated")
    year, _ = _year()
    first = period.after + (year is None or period.after != year.start)
    span = (first, period.until, today(), kinds)
    if access.may_all(who, "movement", "V"):
        return queries.lines(db, *span)
    led = access.led_classes(db, who)
    own = access.own_children(db, who)
    found = queries.lines(db, *span, classes=led) if led else []
    found += queries.lines(db, *span, pupils=own) if own else []
    return sorted({row["id"]: row for row in found}.values(), key=lambda row: (row["date"], row["id"]))


def _name_of(pupil: int, now: int) -> str:
    person = people.person(database(), pupil, now)
    name = people.full_name(person) if person else ""
    return name or gettext("No. %(number)s, no name recorded", number=number_of(pupil))


def on_paper(day: int) -> str:
    """A day as the books have it: 01.09.2025."""
    return value_label("day", day, current_language())


def iso(day: int | None) -> str:
    """A day as a form holds it: 2025-09-01."""
    return "" if day is None else date_of(day).isoformat()


# ---- acts


@area.get("/arrival")
@right("movement", "E")
def arrival() -> ResponseReturnValue:
    """The form of an admission; `?pupil=` for one who comes back, `?class=` to begin with a class."""
    return _arrival_page(request.args)


@area.post("/arrival")
@right("movement", "E")
def admit() -> ResponseReturnValue:
    """Admit a pupil; the form again, with what was typed, when something is in the way."""
    form = request.form
    try:
        who: int | actions.Newcomer | None = forms.whole(form, "pupil")
        if who is None:
            who, errors = forms.newcomer(form, request.files, today())
            if errors:
                return _arrival_page(form, "", errors), 422
        with acting() as w:
            line = actions.arrive(
                w,
                who,
                forms.whole(form, "class") or 0,
                forms.required_day(form),
                form.get("reason", ""),
                forms.act_paper(form),
                forms.chosen(form),
                visitor().person,
            )
    except InputProblem as problem:
        return _arrival_page(form, problem.sentence(gettext)), problem.status
    return _to_another(line) if "next" in form else _to_pupil(line)


def _to_another(line_id: int) -> ResponseReturnValue:
    """The form again for another child of the same class, day and order; nothing of the one before stands in it."""
    form, row = request.form, queries.line(database(), line_id, today())
    assert row is not None
    kept: dict[str, Any] = {name: form[name] for name in REPEATED if form.get(name)}
    return redirect(url_for("movement.arrival", admitted=row["pupil"], year=request.args.get("year"), **kept))


def _arrival_page(
    values: Mapping[str, str], problem: str = "", errors: Mapping[str, str] | None = None
) -> str:
    db, now = database(), today()
    year, years = _year()
    if "year" not in request.args:
        year = class_queries.coming_year(years, now)
    pupil = forms.whole(values, "pupil")
    day = forms.day(values, "day") if not (problem or errors) and values.get("day") else None
    classes = queries.open_classes(db, year.id, now) if year else []
    class_id = forms.whole(values, "class") or 0
    found = values.get("q", "").strip()
    admitted = forms.whole(request.args, "admitted")
    return render_template(
        "movement/arrival.html",
        values=values,
        year=year,
        years=years,
        classes=[(c["id"], class_name(c["grade"], c["letter"])) for c in classes],
        class_id=class_id,
        day=values.get("day") or iso(day if day is not None else _now_in(year)),
        pupil=pupil,
        pupil_name=_name_of(pupil, now) if pupil else "",
        admitted=admitted,
        admitted_name=_name_of(admitted, now) if admitted else "",
        found=queries.former_pupils(db, found, now, now) if found else [],
        searched=found,
        parts=queries.split_subjects(db, class_id) if class_id else [],
        reasons=actions.ARRIVAL_REASONS,
        orders=_orders(),
        next_order=next_number(database(), "pupils", today()),
        problem=problem,
        errors=errors or {},
        relations=people.column("guardian", "relation").choices,
        own=actions.OWN,
        purposes=CONSENT_PURPOSES,
        agreed=request.form.getlist("consent_purpose") or ["core"],
        largest=LARGEST_SCAN,
        languages=LANGUAGES,
        full_name=full_name,
        number_of=number_of,
    )


def _now_in(year: Year | None) -> int:
    """Today, or the nearest day of the year."""
    return year.roll_day(today()) if year else today()


def _orders() -> list[tuple[int, str]]:
    """The orders about pupils of the last year, as a choice shows them."""
    rows = queries.orders(database(), today() - ORDERS_SINCE)
    shown = ((row["id"], row["number"] or "", iso(row["date"]), row["title"] or "") for row in rows)
    return [(row, f"№ {number} · {date} · {title}"[:90]) for row, number, date, title in shown]


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
    try:
        with acting() as w:
            if "transfer" in form:
                line = actions.transfer(
                    w,
                    person_id,
                    forms.whole(form, "class") or 0,
                    forms.required_day(form),
                    forms.act_paper(form),
                    forms.chosen(form),
                )
            else:
                line = actions.depart(
                    w,
                    person_id,
                    forms.required_day(form),
                    form.get("reason", ""),
                    forms.act_paper(form),
                    "confirmed" in form,
                    forms.day(form, "file_issued"),
                )
    except InputProblem as problem:
        return _pupil_page(person_id, form, problem.sentence(gettext)), problem.status
    return _to_pupil(line)


def _pupil_page(person_id: int, values: Mapping[str, str], problem: str = "") -> str:
    db, now = database(), today()
    row = people.pupil(db, person_id)
    if row is None:
        raise NotFound()
    here = queries.enrolled_in(db, person_id, now)
    year, _ = _year()
    others = [
        (c["id"], class_name(c["grade"], c["letter"]))
        for c in (queries.open_classes(db, here["year"], now) if here else [])
        if here and c["id"] != here["id"]
    ]
    to_class = forms.whole(values, "class") or forms.whole(request.args, "class") or 0
    return render_template(
        "movement/pupil.html",
        person_id=person_id,
        name=_name_of(person_id, now),
        pupil=row,
        enrolled=here,
        lines=queries.of_pupil(db, person_id, now),
        on=on_paper,
        values=values,
        others=others,
        to_class=to_class,
        parts=queries.split_subjects(db, to_class) if to_class else [],
        day=values.get("day") or iso(_now_in(year)),
        reasons=actions.DEPARTURE_REASONS,
        orders=_orders(),
        next_order=next_number(database(), "pupils", today()),
        writes=access.may(visitor(), "movement", "E"),
        opens="transfer" if "transfer" in values or to_class else "departure" if values else "",
        problem=problem,
        saved="saved" in request.args and not problem,
        class_name=class_name,
        iso=iso,
    )


@area.get("/line/<int:line_id>")
@right("movement", "E")
def line(line_id: int) -> ResponseReturnValue:
    """One line, to mend what it says or to take the act back."""
    return _line_page(line_id)


@area.post("/line/<int:line_id>")
@right("movement", "E")
def mend(line_id: int) -> ResponseReturnValue:
    """Mend a line, withdraw its act, or let it stand against what another machine wrote; the button says which."""
    form, row = request.form, _line(line_id)
    try:
        with acting() as w:
            if "withdraw" in form:
                actions.withdraw(w, line_id)
            elif "stands" in form:
                settling.let_stand(w, line_id)
            else:
                issued = forms.day(form, "file_issued")
                actions.amend(w, line_id, forms.paper(form), "confirmed" in form, issued)
    except InputProblem as problem:
        return _line_page(line_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("movement.pupil", person_id=row["pupil"], saved=1))


@area.get("/certificate/<int:line_id>")
@right("movement", "E")
def certificate(line_id: int) -> ResponseReturnValue:
    """The certificate of departure that a pupil takes to the next school."""
    row = _line(line_id)
    if row["kind"] not in ("departed", "graduated"):
        raise NotFound()
    return render_template(
        "movement/certificate.html",
        line=row,
        name=_name_of(row["pupil"], today()),
        on=on_paper,
        class_name=class_name,
    )


def _line(line_id: int) -> Mapping[str, Any]:
    row = queries.line(database(), line_id, today())
    if row is None:
        raise NotFound()
    return row


def _line_page(line_id: int, problem: str = "") -> str:
    row = _line(line_id)
    return render_template(
        "movement/line.html",
        line=row,
        name=_name_of(row["pupil"], today()),
        orders=_orders(),
        next_order=next_number(database(), "pupils", today()),
        withdrawable=row["kind"] in actions.WITHDRAWN_KINDS,
        problem=problem,
        class_name=class_name,
        iso=iso,
    )


# ---- the books as on paper


@area.get("/book")
@allow(*BOOK)
def book() -> ResponseReturnValue:
    """The movement book of a year, with the columns of the paper one."""
    year, _ = _year()
    last = _last_day(year)
    period = Period("year", year.start - 1, last) if year else None
    lines = [row for row in _lines(period) if row["kind"] in ("arrived", "departed", "graduated")]
    return render_template(
        "movement/book.html",
        year=year,
        lines=lines,
        on=on_paper,
        class_name=class_name,
        full_name=full_name,
        number_of=number_of,
    )


def _last_day(year: Year | None) -> int:
    """The day before the next school year: the book of a year holds its summer."""
    following = class_queries.following(database(), year) if year else None
    return following.start - 1 if following else (year.start + 364 if year else 0)


@area.get("/alphabet")
@allow(*access.everywhere("movement", "V"))
def alphabet() -> ResponseReturnValue:
    """The alphabetic book, a page for every letter."""
    db, now = database(), today()
    pages = queries.alphabetic_book(db, now)
    letter = request.args.get("letter", "")
    return render_template(
        "movement/alphabet.html",
        pages=pages,
        letter=letter if letter in pages or letter == ALL else next(iter(pages), ""),
        all=ALL,
        missing=queries.without_number(db, now),
        on=on_paper,
        class_name=class_name,
        full_name=full_name,
        number_of=number_of,
    )


@area.post("/alphabet")
@right("movement", "E")
def number() -> ResponseReturnValue:
    """Give every named pupil without a personal file number one."""
    with acting() as w:
        actions.give_missing_numbers(w)
    return redirect(url_for("movement.alphabet"))
