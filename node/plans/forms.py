"""From what the plans' pages send to items and files."""

from __future__ import annotations

from collections.abc import Mapping

from node.fields import needed as needed
from node.fields import whole as whole
from node.plans.queries import FIELDS
from shared.problems import InvalidValue
from shared.schema import Value


def line(form: Mapping[str, str]) -> dict[str, Value]:
    """An item as a form holds it. InvalidValue: hours that are no number."""
    found: dict[str, Value] = {name: form.get(name, "").strip() or None for name in FIELDS}
    hours = form.get("hours", "").strip() or "1"
    if not (hours.isascii() and hours.isdigit()):
        raise InvalidValue(table="plan_item", column="hours", value=hours)
    return found | {"hours": int(hours)}
