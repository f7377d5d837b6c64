"""Routes of the movement book with its totals, and of the books as they stand on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import right
from node.classes import queries as class_queries
from node.classes.queries import Year
from node.movement import actions, balance, queries
from node.movement.blueprint import area
from node.movement.queries import Period
from node.movement.shown import name_of, on_paper, year_asked
from node.people.queries import class_name, full_name, number_of
from node.reading.noting import noted, noted_list
from node.request import acting, database
from shared.access import allow
from shared.i18n import current_language, gettext
from shared.indicators import value_label
from shared.web import may_open, today, visitor

BOOK = tuple(duty for duty in access.roles("movement", "V") if duty in access.STAFF)
"""Read the movement book: the whole of it, or of the class they lead."""
SUMMER = "summer"
"""The days between a year's last lessons and the next year, as the balance and its lines show them."""
ALL = "all"
"""Stands for every page of the alphabetic book."""


@area.get("/")
@right("movement", "V")
def index() -> ResponseReturnValue:
    """The lines of a period with the balance of the classes one reads."""
    db, now = database(), today()
    year, years = year_asked()
    classes = _classes()
    period = _period(year)
    flows = queries.balance(db, period.after, period.until) if period else {}
    shown = [c for c in _ordered(year) if classes is None or c["id"] in classes]
    lines = _lines(period)
    _note_lines("movement", lines)
    return render_template(
        "movement/index.html",
        years=years,
        year=year,
        periods=[(period_name(one), one.key) for one in _periods(year)] if year else [],
        period=period,
        period_name=period_name,
        rows=[(c, flows.get(c["id"], queries.Flow())) for c in shown],
        total=balance.summed(flows.get(c["id"], queries.Flow()) for c in shown),
        arrived=balance.arrived,
        departed=balance.departed,
        lines=lines,
        flaws=queries.discrepancies(db, period.after, period.until) if period and classes is None else [],
        apart=_apart(now) if may_open("movement.mend") else [],
        own_only=not visitor().has(*access.STAFF),
        name_of=lambda pupil: name_of(pupil, now),
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


def _classes() -> frozenset[int] | None:
    """The classes whose movement the visitor reads; None for all."""
    db, who = database(), visitor()
    return None if access.may_all(who, "movement", "V") else access.present(db, access.led_classes(db, who))


def _ordered(year: Year | None) -> list[Mapping[str, Any]]:
    return class_queries.classes(database(), year, today()) if year else []


def _period(year: Year | None) -> Period | None:
    if year is None:
        return None
    found = _periods(year)
    chosen = next((one for one in found if one.key == request.args.get("period")), None)
    return chosen or queries.period_on(found, today())


def _periods(year: Year) -> list[Period]:
    """The quarters, the summer after them, and the year."""
    *quarters, whole = queries.periods(database(), year)
    last = queries.last_day(database(), year)
    return [*quarters, *([Period(SUMMER, whole.until, last)] if last > whole.until else []), whole]


def period_name(period: Period) -> str:
    """`1-чейрек`, `2 четверть`, `Quarter 3`; the year's own name."""
    if period.key == SUMMER:
        return gettext("Summer")
    return value_label("term", period.key, current_language())


def _lines(period: Period | None) -> list[Mapping[str, Any]]:
    """The lines of the period that the visitor reads: all, of the own class, of oneself and one's children.

    The first period of a year shows those of its first day too, though its balance begins with that day's roll.
    """
    if period is None:
        return []
    db, who = database(), visitor()
    kinds = ("arrived", "departed", "transfer", "graduated")
    year, _ = year_asked()
    first = period.after + (year is None or period.after != year.start)
    span = (first, period.until, today(), kinds)
    if access.may_all(who, "movement", "V"):
        return queries.lines(db, *span)
    led = access.present(db, access.led_classes(db, who))
    own = access.own_children(db, who)
    found = queries.lines(db, *span, classes=led) if led else []
    found += queries.lines(db, *span, pupils=own) if own else []
    return sorted({row["id"]: row for row in found}.values(), key=lambda row: (row["date"], row["id"]))


def _note_lines(what: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """Note that the visitor reads who came and left: of the whole school, or of each of the own children."""
    db, who = database(), visitor()
    if access.may_all(who, "movement", "V"):
        noted_list(what)
    for child in sorted({line["pupil"] for line in lines} & access.own_children(db, who)):
        noted("read", "movement book", child)


# ---- the books as on paper


@area.get("/book")
@allow(*BOOK)
def book() -> ResponseReturnValue:
    """The movement book of a year, with the columns of the paper one; who changed class in a section of its own."""
    year, _ = year_asked()
    period = Period("year", year.start - 1, queries.last_day(database(), year)) if year else None
    lines = _lines(period)
    _note_lines("movement book", lines)
    return render_template(
        "movement/book.html",
        year=year,
        lines=[row for row in lines if row["kind"] in ("arrived", "departed", "graduated")],
        transfers=[row for row in lines if row["kind"] == "transfer"],
        on=on_paper,
        class_name=class_name,
        full_name=full_name,
        number_of=number_of,
    )


@area.get("/alphabet")
@allow(*access.everywhere("movement", "V"))
def alphabet() -> ResponseReturnValue:
    """The alphabetic book, a page for every letter."""
    db, now = database(), today()
    pages = queries.alphabetic_book(db, now)
    noted_list("alphabetic book")
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
