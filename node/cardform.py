"""From what a browser sends to values of a card, with a sentence at every field that is wrong.

The card's editing and an admission read the same fields here; `people/fields.html` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from sqlite_utils import Database
from werkzeug.datastructures import MultiDict

from node import numbers
from node.access import reaches_person
from shared.access import Visitor
from shared.dates import date_of, parse_day
from shared.i18n import gettext, plain
from shared.problems import BadRequest, InvalidValue, NumberHeld
from shared.schema import BY_NAME, Column, Value

AGREED = "number_agreed"
"""The name of the tick that says: this number is right, though someone else has it."""
HELD = "held-"
"""Before the name of a field: what is asked about its number, which others have."""
NEEDED = {("person", "sex"), ("staff", "position")}
"""(table, column) that may not be left empty."""


def shown(table: str, row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """What the fields of a card hold at first."""
    return {name: _text(BY_NAME[table].by_name[name], row[name]) for name in names}


def _text(column: Column, value: Value) -> str:
    if value is None:
        return ""
    if column.type == "date" and isinstance(value, int):
        return date_of(value).isoformat()
    if column.name == "load" and isinstance(value, int):
        return plain(Fraction(value, 100)).replace(",", ".")
    return str(value)


def read(
    table: str, form: Mapping[str, str], names: Iterable[str]
) -> tuple[dict[str, Value], dict[str, str]]:
    """The values, and a sentence for each wrong field. BadRequest for a code that no form of ours offers."""
    values: dict[str, Value] = {}
    errors: dict[str, str] = {}
    for name in names:
        column = BY_NAME[table].by_name[name]
        text = form.get(name, "").strip()
        if column.choices and text and text not in column.choices:
            raise BadRequest()
        try:
            values[name] = _value(column, text)
            column.check(values[name], table)
        except (InvalidValue, ValueError, ZeroDivisionError):
            errors[name] = _sentence(column)
        if not text and (table, name) in NEEDED:
            errors[name] = gettext("Fill this in.")
    return values, errors


def _value(column: Column, text: str) -> Value:
    if column.type == "bool":
        return int(bool(text))
    if not text:
        return None
    if column.type == "date":
        return parse_day(text)
    if column.name == "load":
        hours = Fraction(text.replace(",", ".")) * 100
        if hours.denominator != 1:
            raise ValueError(text)
        return int(hours)
    return int(text) if column.is_integer else text


def _sentence(column: Column) -> str:
    if column.type == "date":
        return gettext("Write a date.")
    if column.name == "personal_number":
        return gettext("A personal number has 14 digits.")
    return gettext("Write a number within bounds.") if column.is_integer else gettext("This is too long.")


def agreed(form: MultiDict[str, str]) -> frozenset[str]:
    """The numbers of which it was ticked that they are right though others have them."""
    return frozenset(form.getlist(AGREED))


def questions(db: Database, who: Visitor, today: int, problem: NumberHeld) -> dict[str, str]:
    """What is asked about each number, as errors at its field (`HELD`): who has it, where the visitor may read it."""
    found: dict[str, str] = {}
    for name, held in numbers.asked(problem).items():
        seen = [one for one in held.others if reaches_person(db, who, "card", "V", one)]
        sentence = gettext(numbers.SENTENCE).format(people=numbers.called(db, seen, today))
        found[HELD + name] = sentence if seen else problem.sentence(gettext)
    return found
