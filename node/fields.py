"""Fields as forms and addresses send and hold them, for every area's pages: numbers, rows, days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shared.dates import date_of, parse_day
from shared.problems import BadRequest, InvalidValue
from shared.schema import Column


def whole(text: str | None) -> int | None:
    """A number or a row id as a browser sends it; None for an empty field. BadRequest."""
    if text is None or not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest() from error


def needed(text: str | None) -> int:
    """A number or a row id that must be there. BadRequest."""
    found = whole(text)
    if found is None:
        raise BadRequest()
    return found


def of_rows(form: Mapping[str, str], prefix: str) -> Iterator[tuple[int, str]]:
    """The fields that a form has once for each row, like `pupil-17`: row id and what was sent. BadRequest."""
    for name, text in form.items():
        if name.startswith(prefix):
            yield needed(name.removeprefix(prefix)), text


def day(text: str | None) -> int | None:
    """A date as a browser sends it; None for an empty field. InvalidValue."""
    return parse_day(text) if text and text.strip() else None


def day_for(column: Column, text: str) -> int | None:
    """A date that a column can hold; None when it is none."""
    try:
        found = parse_day(text)
    except InvalidValue:
        return None
    return found if (column.minimum or 0) <= found <= (column.maximum or 0) else None


def iso(day: int | None) -> str:
    """A day as a field or an address holds it: 2025-09-01; nothing where there is none."""
    return "" if day is None else date_of(day).isoformat()
