"""From what a browser sends to reasons and notes."""

from __future__ import annotations

from collections.abc import Mapping

from shared.dates import parse_day
from shared.problems import BadRequest


def reasons(form: Mapping[str, str]) -> dict[int, str]:
    """The reasons of pupils whose reason differs from the one that was shown. BadRequest."""
    found = {}
    for name, reason in form.items():
        if name.startswith("reason-") and reason != form.get(f"seen-{name}"):
            found[whole(name.removeprefix("reason-"))] = reason
    return found


def span(form: Mapping[str, str]) -> tuple[int, int]:
    """First and last day of a note; without a last day it is for one day. InvalidValue."""
    start = parse_day(form.get("start", ""))
    end = form.get("end", "").strip()
    return start, parse_day(end) if end else start


def whole(text: str | None) -> int:
    """A number as a browser sends it. BadRequest."""
    try:
        return int(text or "")
    except ValueError as error:
        raise BadRequest() from error
