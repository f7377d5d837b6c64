"""Turns the text of a cell into the value a column wants, without a database; a refusal is an Unreadable."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.problems import N_
from shared.schema import Column, Value

DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y")
EPOCH = datetime.date(1970, 1, 1)
_YES = {"1", "yes", "true", "да", "ооба", "+"}
_NO = {"0", "no", "false", "нет", "жок", "-"}


class Unreadable(Exception):
    """A cell that cannot become a value: a sentence's template and what it names."""

    def __init__(self, template: str, **details: object) -> None:
        super().__init__(template)
        self.template = template
        self.details = details


def transformed(text: str | int | None, transforms: Mapping[str, Any]) -> Value:
    """Apply the transforms of an expression in their fixed order; None is an empty cell."""
    value: str | int | None = text if text != "" else None
    if value is not None and "match" in transforms:
        value = _matched(str(value), transforms["match"])
    if value is not None and "map" in transforms:
        value = _mapped(str(value), transforms["map"])
    if value is not None and "date" in transforms:
        value = days(str(value), transforms["date"])
    if value is not None and _ARITHMETIC & transforms.keys():
        value = _computed(value, transforms)
    if value is None:
        value = transforms.get("if_empty")
    if value is None and transforms.get("required"):
        raise Unreadable(N_("This must not be empty."))
    return value


def fit(value: Value, column: Column) -> Value:
    """Text as the integer a column holds (number, date, time, yes or no); other columns take the text."""
    if value is None or not isinstance(value, str):
        return value if column.is_integer or value is None else str(value)
    if column.type == "date":
        return days(value)
    if column.type == "time":
        return minutes(value)
    if column.type == "bool":
        return yes_or_no(value)
    if column.is_integer:
        return whole(number(value))
    return value.encode() if column.type == "bytes" else value


def number(text: str) -> Decimal:
    """Read a number written with a point or a comma."""
    try:
        found = Decimal(text.replace(",", ".").replace("\u00a0", "").replace(" ", ""))
    except InvalidOperation:
        raise Unreadable(N_("“{text}” is not a number."), text=text) from None
    if not found.is_finite() or abs(found) > 10**18:
        raise Unreadable(N_("“{text}” is not a number."), text=text)
    return found


def whole(value: Decimal) -> int:
    if value != value.to_integral_value():
        raise Unreadable(N_("“{text}” is not a whole number."), text=value)
    return int(value)


def days(text: str, formats: Sequence[str] = ()) -> int:
    """Read a date as days since 1970-01-01."""
    for form in (*formats, *DATE_FORMATS):
        try:
            return (datetime.datetime.strptime(text, form).date() - EPOCH).days
        except ValueError:
            continue
    raise Unreadable(N_("“{text}” is not a date."), text=text)


def minutes(text: str) -> int:
    """Read a time of the day as minutes since midnight."""
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})", text)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise Unreadable(N_("“{text}” is not a time of the day."), text=text)
    return int(found[1]) * 60 + int(found[2])


def yes_or_no(text: str) -> int:
    if text.casefold() in _YES:
        return 1
    if text.casefold() in _NO:
        return 0
    raise Unreadable(N_("“{text}” is neither yes nor no."), text=text)


def _matched(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return (found[1] if found.re.groups else found[0]) if found else None


def _mapped(text: str, known: Mapping[str, Any]) -> str | int:
    if text.casefold() not in known:
        allowed = ", ".join(known)
        raise Unreadable(N_("“{text}” is none of: {allowed}."), text=text, allowed=allowed)
    value: str | int = known[text.casefold()]
    return value


_ARITHMETIC = {"times", "add", "subtract", "subtract_from"}


def _computed(value: str | int, transforms: Mapping[str, Any]) -> int:
    result = number(str(value))
    result *= number(str(transforms.get("times", 1)))
    result += number(str(transforms.get("add", 0)))
    result -= number(str(transforms.get("subtract", 0)))
    if "subtract_from" in transforms:
        result = number(str(transforms["subtract_from"])) - result
    return whole(result)
