"""From what the plans' pages send to items and files."""

from __future__ import annotations

from collections.abc import Mapping

from node.plans.queries import FIELDS
from shared.problems import BadRequest, InvalidValue
from shared.schema import Value


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


def line(form: Mapping[str, str]) -> dict[str, Value]:
    """An item as a form holds it. InvalidValue: hours that are no number."""
    found: dict[str, Value] = {name: form.get(name, "").strip() or None for name in FIELDS}
    hours = form.get("hours", "").strip() or "1"
    if not (hours.isascii() and hours.isdigit()):
        raise InvalidValue(table="plan_item", column="hours", value=hours)
    return found | {"hours": int(hours)}
