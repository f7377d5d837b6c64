"""From what the timetable's pages send to cells, days, times and people."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from node.fields import needed as needed
from node.fields import whole as whole
from shared.dates import parse_day
from shared.i18n import CLOCK
from shared.problems import InvalidValue

Cell = tuple[int, int]
"""Weekday and period."""


def groups(text: str) -> frozenset[int]:
    """The subject groups of a choice: `17`, `17+18` where a class is split, empty for none. BadRequest."""
    return frozenset(needed(part) for part in text.split("+")) if text.strip() else frozenset()


def choice(chosen: frozenset[int]) -> str:
    """Subject groups as a choice holds them."""
    return "+".join(str(group) for group in sorted(chosen))


def cells(form: Mapping[str, str]) -> dict[Cell, frozenset[int]]:
    """The cells of a grid that differ from what the page showed. BadRequest."""
    found = {}
    for name, text in form.items():
        if name.startswith("cell-"):
            _, weekday, period = (*name.split("-"), "", "")[:3]
            if groups(text) != groups(form.get(f"seen-{weekday}-{period}", "")):
                found[needed(weekday), needed(period)] = groups(text)
    return found


def cell(form: MultiDict[str, str]) -> dict[int, int | None]:
    """The groups of one cell, each with its room. BadRequest."""
    return {needed(group): whole(form.get(f"room-{group}")) for group in form.getlist("group")}


def moment(day: str, time: str) -> int:
    """An instant from a day and a time of the school's clock; midnight where no time is given. InvalidValue."""
    try:
        at = datetime.time.fromisoformat(time.strip()) if time.strip() else datetime.time()
    except ValueError as error:
        raise InvalidValue(table="event", column="start", value=time) from error
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=parse_day(day))
    return int(datetime.datetime.combine(date, at, CLOCK).timestamp() * 1000)


def event_span(form: Mapping[str, str]) -> tuple[int, int | None]:
    """Begin and end of an event as instants; no end where no time of it is given. InvalidValue."""
    first = form.get("day", "")
    last, until = form.get("last", "").strip(), form.get("until", "").strip()
    start = moment(first, form.get("from", ""))
    return start, moment(last or first, until) if last or until else None


def typed_event(event: Mapping[str, object]) -> dict[str, str]:
    """An event that is there, as the form would have been filled for it."""
    found = {
        "event": str(event["id"]),
        "title": str(event["title"] or ""),
        "place": str(event["place"] or ""),
    }
    for day, time, value in (("day", "from", event["start"]), ("last", "until", event["end"])):
        if isinstance(value, int):
            at = datetime.datetime.fromtimestamp(value / 1000, CLOCK)
            found |= {day: at.date().isoformat(), time: at.strftime("%H:%M")}
    return found
