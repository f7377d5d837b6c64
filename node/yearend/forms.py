"""From what a browser sends to decisions at the end of a year."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from node.fields import day, of_rows, whole
from node.fields import needed as needed
from node.yearend.actions import Choice
from node.yearend.queries import Step


def choices(form: Mapping[str, str], undecided: Collection[int] = ()) -> dict[int, Choice]:
    """Pupil -> outcome and class, from fields `pupil-ID` with values like `promoted:CLASS`. BadRequest.

    What the field `rest` says holds for the undecided of whom nothing was chosen.
    """
    found: dict[int, Choice] = {}
    for pupil, value in of_rows(form, "pupil-"):
        outcome, _, to_class = (value or (form.get("rest", "") if pupil in undecided else "")).partition(":")
        found[pupil] = (outcome, whole(to_class))
    return found


def steps(form: Mapping[str, str]) -> dict[int, Step | None]:
    """Grade -> where it goes, from fields `grade-N` with the next grade, `graduates` or nothing. BadRequest."""
    found: dict[int, Step | None] = {}
    for grade, value in of_rows(form, "grade-"):
        graduates = value == "graduates"
        to_grade = None if graduates else whole(value)
        found[grade] = Step(to_grade, graduates) if graduates or to_grade is not None else None
    return found


def order_date(form: Mapping[str, str]) -> int | None:
    """The date of the order behind the closing, if it is given. InvalidValue."""
    return day(form.get("order_date"))
