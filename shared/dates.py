"""Days, school years and periods.

A day is stored as the number of days since 1970-01-01. Periods include both ends; enrolments and appointments
exclude their end (the roll rule: on the roll on day d when start <= d < end).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from shared.problems import InvalidValue

EPOCH = datetime.date(1970, 1, 1).toordinal()
DAY_MS = 86_400_000
AHEAD_MS = 6 * 3_600_000
"""By how much schools' clocks are ahead of UTC, all the year: a day begins so long before it does in Greenwich."""
MONDAY = 4
"""Some Monday, for the names of the weekdays: 5 January 1970."""
FOREVER = 99_999
"""A day after all others, in the year 2243: where something has no end."""
NO_LESSONS = frozenset({"holiday", "public", "off"})
"""Kinds of calendar day on which no lesson is held; distance and exam days are school days."""


DATE_SPAN = 60
"""Days around a school year into which the school may still move its dates."""


def day_at(instant: int) -> int:
    """The day that schools' clocks show at an instant (milliseconds since 1970)."""
    return (instant + AHEAD_MS) // DAY_MS


def first_instant(day: int) -> int:
    """When a day begins by schools' clocks, in milliseconds since 1970."""
    return day * DAY_MS - AHEAD_MS


class Span(Protocol):
    """Anything with a first and a last day, such as a school year or a period."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


S = TypeVar("S", bound=Span)


def day_number(date: datetime.date) -> int:
    """Days since 1970-01-01."""
    return date.toordinal() - EPOCH


def date_of(day: int) -> datetime.date:
    """The date of a day number."""
    return datetime.date.fromordinal(day + EPOCH)


def parse_day(text: str) -> int:
    """The day number of `2025-09-01` or `01.09.2025`; InvalidValue when it is no date."""
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return day_number(datetime.datetime.strptime(text.strip(), form).date())
        except ValueError:
            continue
    raise InvalidValue(table="calendar_day", column="day", value=text)


def month_of(day: int) -> str:
    """The month of a day as `2025-09`."""
    return date_of(day).isoformat()[:7]


def school_year_name(start: int) -> str:
    """The usual name of the school year that starts on a day: `2025/26`."""
    first = date_of(start).year
    return f"{first}/{(first + 1) % 100:02d}"


def weekday(day: int) -> int:
    """1 for Monday to 7 for Sunday; 1970-01-01 was a Thursday."""
    return (day + 3) % 7 + 1


def age_on(birth: int, day: int) -> int:
    """Full years on a day; a child of 29 February grows older on 1 March in common years."""
    born, on = date_of(birth), date_of(day)
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def on_roll(start: int | None, end: int | None, day: int) -> bool:
    """The roll rule: start inclusive, end exclusive, no end means still there, no start means never there."""
    return start is not None and start <= day and (end is None or day < end)


def year_on(years: Sequence[S], day: int) -> S | None:
    """The school year of a day: the latest that has started, so that a summer belongs to the year before."""
    started = [year for year in years if year.start <= day]
    return max(started, key=lambda year: year.start, default=None)


def is_school_day(day: int, calendar: Mapping[int, str], week_days: int = 5) -> bool:
    """Are lessons held? The calendar's kind of the day decides (`calendar_day`), else the length of the week.

    A Saturday or Sunday that the calendar calls `school` is one: days moved by order are entered that way.
    """
    kind = calendar.get(day)
    if kind is not None:
        return kind not in NO_LESSONS
    return weekday(day) <= week_days


def school_days(start: int, end: int, calendar: Mapping[int, str], week_days: int = 5) -> Iterator[int]:
    """The school days from start to end, both included."""
    return (day for day in range(start, end + 1) if is_school_day(day, calendar, week_days))
