"""Days, school years, school days."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import pytest

from shared import dates
from shared.dates import parse_day
from shared.problems import InvalidValue


@dataclass(frozen=True)
class Span:
    start: int
    end: int


def test_days_count_from_1970() -> None:
    assert dates.day_number(datetime.date(1970, 1, 1)) == 0
    assert dates.day_number(datetime.date(1969, 12, 31)) == -1
    assert dates.date_of(20332) == datetime.date(2025, 9, 1)
    assert parse_day("2025-09-01") == parse_day(" 01.09.2025 ") == 20332


def test_a_day_begins_by_schools_clocks() -> None:
    midnight = dates.first_instant(20_000)
    assert midnight == 20_000 * dates.DAY_MS - 6 * 3_600_000
    assert (dates.day_at(midnight - 1), dates.day_at(midnight)) == (19_999, 20_000)


@pytest.mark.parametrize("text", ["", "31.02.2025", "2025-13-01", "yesterday"])
def test_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_day(text)


def test_names_of_months_and_years() -> None:
    assert dates.month_of(parse_day("2026-02-28")) == "2026-02"
    assert dates.school_year_name(parse_day("2025-09-01")) == "2025/26"
    assert dates.school_year_name(parse_day("1999-09-01")) == "1999/00"


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [("2010-09-05", "2025-09-05", 15), ("2010-09-06", "2025-09-05", 14), ("2012-02-29", "2025-02-28", 12),
     ("2012-02-29", "2025-03-01", 13)],
)  # fmt: skip
def test_age_in_full_years(birth: str, day: str, age: int) -> None:
    assert dates.age_on(parse_day(birth), parse_day(day)) == age


@pytest.mark.parametrize(
    ("start", "end", "day", "there"),
    [(10, 20, 10, True), (10, 20, 19, True), (10, 20, 20, False), (10, 20, 9, False), (10, None, 999, True),
     (None, None, 5, False), (10, 10, 10, False)],
)  # fmt: skip
def test_roll_rule(start: int | None, end: int | None, day: int, there: bool) -> None:
    assert dates.on_roll(start, end, day) is there


def test_summer_belongs_to_the_year_before() -> None:
    years = [Span(100, 370), Span(465, 730)]
    assert dates.year_on(years, 99) is None
    assert dates.year_on(years, 400) == years[0]
    assert dates.year_on(years, 465) == years[1]


def test_school_days_follow_calendar_then_week() -> None:
    monday = parse_day("2025-09-01")
    calendar = {monday: "public", monday + 1: "distance", monday + 5: "school", monday + 2: "exam"}
    five = list(dates.school_days(monday, monday + 6, calendar))
    assert five == [monday + 1, monday + 2, monday + 3, monday + 4, monday + 5]
    assert list(dates.school_days(monday, monday + 6, {}, week_days=6)) == [monday + i for i in range(6)]
