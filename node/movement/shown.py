"""What the pages of pupil movement share: the year asked for, names, days and orders as they are shown."""

from __future__ import annotations

from flask import request

from node.classes import queries as class_queries
from node.classes.queries import Year
from node.movement import queries
from node.people import queries as people
from node.people.queries import number_of
from node.request import database
from shared.i18n import current_language, gettext
from shared.indicators import value_label
from shared.web import today

ORDERS_SINCE = 400
"""Days back from which an act's order is offered."""


def year_asked() -> tuple[Year | None, list[Year]]:
    """The year asked for, else the present one; and all there are."""
    years = class_queries.years(database())
    chosen = request.args.get("year", type=int)
    year = next((y for y in years if y.id == chosen), None) or class_queries.present_year(years, today())
    return year, years


def name_of(pupil: int, now: int) -> str:
    person = people.person(database(), pupil, now)
    name = people.full_name(person) if person else ""
    return name or gettext("No. %(number)s, no name recorded", number=number_of(pupil))


def on_paper(day: int) -> str:
    """A day as the books have it: 01.09.2025."""
    return value_label("day", day, current_language())


def present_in(year: Year | None) -> int:
    """Today, or the nearest day of the year and its summer."""
    return max(year.start, min(today(), queries.last_day(database(), year))) if year else today()


def offered_orders(also: int | None = None) -> list[tuple[int, str]]:
    """The orders about pupils of the last year, as a choice shows them, and the one that is named already."""
    rows = queries.orders(database(), today() - ORDERS_SINCE, also)
    shown = ((row["id"], row["number"] or "", on_paper(row["date"]), row["title"] or "") for row in rows)
    return [(row, f"№ {number} · {date} · {title}"[:90]) for row, number, date, title in shown]
