"""From what a browser sends to reasons and notes."""

from __future__ import annotations

from collections.abc import Mapping

from node.fields import needed as needed
from node.fields import of_rows
from node.fields import whole as whole
from shared.dates import parse_day
from shared.problems import BadRequest


def reasons(form: Mapping[str, str]) -> dict[int, str]:
    """The reasons of pupils whose reason differs from the one that every lesson had when shown. BadRequest."""
    return {
        pupil: reason
        for pupil, reason in of_rows(form, "reason-")
        if reason and reason != form.get(f"seen-reason-{pupil}")
    }


def lesson_reasons(form: Mapping[str, str]) -> dict[tuple[int, int, int], str]:
    """(pupil, period, subject group) -> the reason of that lesson, where it differs from the one shown. BadRequest."""
    prefix, found = "lesson-reason-", dict[tuple[int, int, int], str]()
    for name, reason in form.items():
        if name.startswith(prefix) and reason and reason != form.get(f"seen-{name}"):
            at = [needed(part) for part in name.removeprefix(prefix).split("-")]
            if len(at) != len(("pupil", "period", "group")):
                raise BadRequest()
            found[at[0], at[1], at[2]] = reason
    return found


def span(form: Mapping[str, str]) -> tuple[int, int]:
    """First and last day of a note; without a last day it is for one day. InvalidValue."""
    start = parse_day(form.get("start", ""))
    end = form.get("end", "").strip()
    return start, parse_day(end) if end else start
