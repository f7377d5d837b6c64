"""Turns the text of a cell into the value a column wants, without a database; a refusal is an Unreadable."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from node.importing.words import WORDS, Words
from shared.i18n import current_language
from shared.latin import LOOKALIKES
from shared.problems import N_, InvalidValue
from shared.schema import BY_NAME, Column, Value

NOT_ALLOWED = N_("This value is not allowed.")
PERSONAL_NUMBER = BY_NAME["person"].by_name["personal_number"].pattern
EPOCH = datetime.date(1970, 1, 1)
_YEAR_FIRST = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})")
_NAMED = re.compile(r"(\d{1,2})[-\s]*([а-я]+)[-\s,]*(\d{4})")
_NAMED_LAST = re.compile(r"(\d{4})\s*-?\s*(?:ж\w*)?\.?\s*,?\s*(\d{1,2})[-\s]*([а-я]+)")
_MONTHS = ("янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
"""How months begin in Kyrgyz and Russian; `мая` is the only one whose ending matters."""
_AFTER_DATE = re.compile(r"[t\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$|\s*-?(?:г|ж|год|года|жыл|жылы)\.?$")
FORMULA_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#Н/Д", "#ССЫЛКА!",
                            "#ЗНАЧ!", "#ДЕЛ/0!", "#ИМЯ?", "#ЧИСЛО!", "#ПУСТО!"})  # fmt: skip


class Unreadable(Exception):
    """A cell that cannot become a value: a sentence's template and what it names."""

    def __init__(self, template: str, **details: object) -> None:
        super().__init__(template)
        self.template = template
        self.details = details


class Missing(Unreadable):
    """An empty cell that must not be."""

    def __init__(self) -> None:
        super().__init__(N_("This must not be empty."))


def refusal(problem: InvalidValue) -> tuple[str, dict[str, object]]:
    """Why a value may not be kept: a sentence's template and what it names."""
    column = BY_NAME[str(problem.details["table"])].by_name.get(str(problem.details["column"]))
    text = str(problem.details["value"])
    if column is None or column.type in ("date", "ref", "bool"):
        return NOT_ALLOWED, {}
    if column.is_integer and column.minimum is not None and column.maximum is not None:
        return N_("A number from {low} to {high} is meant."), {"low": column.minimum, "high": column.maximum}
    if column.pattern == PERSONAL_NUMBER:
        return N_("A personal number has 14 digits."), {}
    if column.max_length is not None and (len(text) > column.max_length or text.endswith("…")):
        return N_("The text is too long: at most {most} characters."), {"most": column.max_length}
    return NOT_ALLOWED, {}


def meant(text: str) -> str:
    """The text of a cell, unless a formula failed in it. Unreadable."""
    if text in FORMULA_ERRORS:
        raise Unreadable(N_("“{text}” is an error of a formula, not a value."), text=text)
    return text


def transformed(text: str | int | None, transforms: Mapping[str, Any]) -> Value:
    """Apply the transforms of an expression in their fixed order; None is an empty cell."""
    value: str | int | None = text if text != "" else None
    if value is not None and "match" in transforms:
        value = _matched(str(value), transforms["match"])
    if value is not None and transforms.get("letter"):
        value = class_letter(str(value))
    if value is not None and "map" in transforms:
        value = _mapped(str(value), transforms["map"])
    if value is not None and "date" in transforms:
        value = days(str(value), transforms["date"])
    if value is not None and _ARITHMETIC & transforms.keys():
        value = _computed(value, transforms)
    if value is None:
        value = transforms.get("if_empty")
    if value is None and transforms.get("required"):
        raise Missing
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
    """Read a date as days since 1970-01-01: the year first or last, the month as a number or a word.

    A year has four digits; a time of the day or a word for "year" behind the date is passed over.
    """
    for form in formats:
        with contextlib.suppress(ValueError):
            return (datetime.datetime.strptime(text, form).date() - EPOCH).days
    with contextlib.suppress(ValueError):
        return (datetime.date(*_written(_AFTER_DATE.sub("", text.strip().lower()))) - EPOCH).days
    raise Unreadable(N_("“{text}” is not a date."), text=text)


def _written(text: str) -> tuple[int, int, int]:
    """Year, month and day of a date as people write it. ValueError."""
    if found := _YEAR_FIRST.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _DAY_FIRST.fullmatch(text):
        return int(found[3]), int(found[2]), int(found[1])
    if found := _NAMED.fullmatch(text):
        return int(found[3]), _month(found[2]), int(found[1])
    if found := _NAMED_LAST.fullmatch(text):
        return int(found[1]), _month(found[3]), int(found[2])
    raise ValueError(text)


def _month(word: str) -> int:
    return _MONTHS.index("май" if word == "мая" else word[:3]) + 1


def class_letter(text: str) -> str:
    """The letter of a class as it is kept: a capital, and Cyrillic where a Latin one looks the same."""
    return text.upper().translate(LOOKALIKES)


def minutes(text: str) -> int:
    """Read a time of the day as minutes since midnight."""
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})", text)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise Unreadable(N_("“{text}” is not a time of the day."), text=text)
    return int(found[1]) * 60 + int(found[2])


def yes_or_no(text: str) -> int:
    found = WORDS["yes or no"].code(text)
    if found is None:
        raise Unreadable(N_("“{text}” is neither yes nor no."), text=text)
    return int(found)


def _matched(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return (found[1] if found.re.groups else found[0]) if found else None


def _mapped(text: str, words: Words) -> str | int:
    found = words.code(text)
    if found is None:
        allowed = ", ".join(words.word(code, current_language()) for code in words.by_code)
        raise Unreadable(N_("“{text}” is none of: {allowed}."), text=text, allowed=allowed)
    return found


_ARITHMETIC = {"times", "add", "subtract", "subtract_from"}


def _computed(value: str | int, transforms: Mapping[str, Any]) -> int:
    result = number(str(value))
    result *= number(str(transforms.get("times", 1)))
    result += number(str(transforms.get("add", 0)))
    result -= number(str(transforms.get("subtract", 0)))
    if "subtract_from" in transforms:
        result = number(str(transforms["subtract_from"])) - result
    return whole(result)
