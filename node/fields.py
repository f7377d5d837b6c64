"""Numbers as forms send them, for every area's forms."""

from __future__ import annotations

from shared.problems import BadRequest


def whole(text: str | None) -> int | None:
    """A number as a browser sends it; None for an empty field. BadRequest."""
    if text is None or not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest() from error


def needed(text: str | None) -> int:
    """A number that must be there. BadRequest."""
    found = whole(text)
    if found is None:
        raise BadRequest()
    return found
