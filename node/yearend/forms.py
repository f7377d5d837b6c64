"""From what a browser sends to decisions at the end of a year."""

from __future__ import annotations

from collections.abc import Mapping

from node.yearend.actions import Choice
from shared.dates import parse_day
from shared.problems import BadRequest


def choices(form: Mapping[str, str]) -> dict[int, Choice]:
    """Pupil -> outcome and class, from fields `pupil-ID` with values like `promoted:CLASS`. BadRequest."""
    found: dict[int, Choice] = {}
    for name, value in form.items():
        pupil = name.removeprefix("pupil-")
        if pupil != name:
            outcome, _, to_class = value.partition(":")
            if not pupil.isdigit() or (to_class and not to_class.isdigit()):
                raise BadRequest()
            found[int(pupil)] = (outcome, int(to_class) if to_class else None)
    return found


def order_date(form: Mapping[str, str]) -> int | None:
    """The date of the order behind the closing, if it is given. InvalidValue."""
    text = form.get("order_date", "").strip()
    return parse_day(text) if text else None
