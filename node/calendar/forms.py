"""From what the calendar's pages send to dates, parts of the school and bells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from werkzeug.datastructures import MultiDict

from node.calendar.actions import MOST_PERIODS, WHOLE_SCHOOL, Bell, Part
from node.fields import needed as needed
from node.fields import whole as whole
from shared.dates import parse_day
from shared.problems import BadRequest, InvalidValue
from shared.schema import DAY_KINDS

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")


def span(form: Mapping[str, str]) -> tuple[int, int]:
    """First and last day; an empty last day means one day. InvalidValue."""
    first = parse_day(form.get("first", ""))
    last = form.get("last", "").strip()
    return first, parse_day(last) if last else first


def kind(form: Mapping[str, str]) -> str:
    """The kind of day. BadRequest."""
    found = form.get("kind", "")
    if found not in DAY_KINDS:
        raise BadRequest()
    return found


def parts(chosen: Iterable[str]) -> list[Part]:
    """For whom a change is: `all`, `grade-1`, `shift-2`, `class-…`; nothing chosen means all. BadRequest."""
    found = []
    for text in chosen:
        name, _, number = text.partition("-")
        if name == "grade":
            found.append(Part(grade=needed(number)))
        elif name == "shift":
            found.append(Part(shift=needed(number)))
        elif name == "class":
            found.append(Part(class_group=needed(number)))
        elif name != "all":
            raise BadRequest()
    return found or [WHOLE_SCHOOL]


def clock(text: str) -> int | None:
    """Minutes since midnight of `8:05`; None for an empty field. InvalidValue."""
    if not text.strip():
        return None
    found = _CLOCK.fullmatch(text.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise InvalidValue(table="bell", column="start", value=text)
    return int(found[1]) * 60 + int(found[2])


def bells(form: MultiDict[str, str]) -> list[Bell]:
    """The bells of a form: a line with both times is a lesson. InvalidValue: only one of them, or no time."""
    found = []
    for period in range(MOST_PERIODS + 1):
        start, end = (clock(form.get(f"{name}-{period}", "")) for name in ("start", "end"))
        if start is None and end is None:
            continue
        if start is None or end is None:
            raise InvalidValue(table="bell", column="end" if end is None else "start", value="")
        found.append(Bell(period, start, end))
    return found
