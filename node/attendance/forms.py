"""From what a browser sends to reasons and notes."""

from __future__ import annotations

from collections.abc import Mapping

from node.fields import needed as needed
from node.fields import of_rows
from shared.dates import parse_day


def reasons(form: Mapping[str, str]) -> dict[int, str]:
    """The reasons of pupils whose reason differs from the one that every lesson had when shown. BadRequest."""
    return {
        pupil: reason
        for pupil, reason in of_rows(form, "reason-")
        if reason and reason != form.get(f"seen-reason-{pupil}")
    }


def span(form: Mapping[str, str]) -> tuple[int, int]:
    """First and last day of a note; without a last day it is for one day. InvalidValue."""
    start = parse_day(form.get("start", ""))
    end = form.get("end", "").strip()
    return start, parse_day(end) if end else start
