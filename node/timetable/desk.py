"""What the pages of the editor share: the day from which changes hold, the way back, names of what is taught."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from node.calendar import queries as calendar
from node.fields import iso
from node.request import database
from node.timetable import queries
from shared.dates import parse_day
from shared.i18n import row_name
from shared.problems import InvalidValue, NotFound
from shared.web import today

FEWEST_PERIODS = 7


@dataclass(frozen=True)
class Desk:
    """What an editor's page stands on: the school year and the day from which its changes hold."""

    year: int
    first: int
    last: int
    day: int


def desk_of() -> Desk:
    """Year and day that an editor's page is asked for. NotFound without a school year."""
    text = request.values.get("from", "")
    try:
        wanted = parse_day(text) if text else queries.present_day(database(), today())
    except InvalidValue as error:
        raise NotFound() from error
    found = queries.school_year(database(), wanted)
    if found is None:
        raise NotFound()
    year, first, last = found
    return Desk(year, first, last, max(first, min(wanted, last)))


@dataclass(frozen=True)
class Row:
    """A line of an editor's week: what stands before it, the minute at which its lesson begins if there is a bell.

    ``number`` stands in the names of its fields; it is the period, unless two shifts have the same one.
    """

    number: int
    period: int
    label: str
    start: int | None


def longest_week(year: int, slots: Iterable[Mapping[str, Any]]) -> int:
    """The last weekday on which a class of the year has lessons, by its week or by the timetable."""
    classes = calendar.classes(database(), year)
    return max([5, *(one["week_days"] for one in classes), *(one["weekday"] for one in slots)])


def saved(page: str, desk: Desk, **place: int) -> ResponseReturnValue:
    """Back to the page after a change."""
    values: dict[str, Any] = {"from": iso(desk.day), "saved": 1} | place
    return cast(ResponseReturnValue, redirect(url_for(f"timetable.{page}", **values)))


def group_name(row: Mapping[str, Any]) -> str:
    """The subject and the part of the class."""
    return " ".join(part for part in (row_name(row), row["part"] or "") if part)
