"""From what a browser sends to decisions at the end of a year."""

from __future__ import annotations

from collections.abc import Mapping

from node.fields import day, of_rows, whole
from node.fields import needed as needed
from node.yearend.actions import Choice


def choices(form: Mapping[str, str]) -> dict[int, Choice]:
    """Pupil -> outcome and class, from fields `pupil-ID` with values like `promoted:CLASS`. BadRequest."""
    found: dict[int, Choice] = {}
    for pupil, value in of_rows(form, "pupil-"):
        outcome, _, to_class = value.partition(":")
        found[pupil] = (outcome, whole(to_class))
    return found


def order_date(form: Mapping[str, str]) -> int | None:
    """The date of the order behind the closing, if it is given. InvalidValue."""
    return day(form.get("order_date"))
