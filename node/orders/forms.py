"""From what a browser sends to an order's draft, with a sentence at every field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from node.fields import day_for
from node.fields import needed as needed
from node.fields import whole as whole
from node.orders.drafts import Draft
from node.orders.queries import SERIES, Order
from shared.dates import date_of
from shared.i18n import gettext
from shared.problems import BadRequest, InvalidValue
from shared.schema import BY_NAME

FIELDS = ("series", "number", "date", "title", "basis", "text", "executor", "regulation")
_TABLE = BY_NAME["order_book"]


def shown(order: Order) -> dict[str, str]:
    """What the form of an order holds at first."""
    return {
        "series": order.series,
        "number": order.number,
        "date": date_of(order.date).isoformat(),
        "title": order.title,
        "basis": order.basis,
        "text": order.text,
        "executor": str(order.executor or ""),
        "regulation": "1" if order.regulation else "",
    }


def read(form: Mapping[str, str]) -> tuple[Draft | None, dict[str, str]]:
    """The draft, or None and a sentence for each wrong field. BadRequest for what no form of ours sends."""
    given = {name: form.get(name, "").strip() for name in FIELDS}
    errors: dict[str, str] = {}
    for name in ("number", "title"):
        if not given[name]:
            errors[name] = gettext("Fill this in.")
    for name in ("number", "title", "basis", "text"):
        try:
            _TABLE.by_name[name].check(given[name], _TABLE.name)
        except InvalidValue:
            errors[name] = gettext("This is too long.")
    date = day_of(given["date"])
    if date is None:
        errors["date"] = gettext("Write a date.")
    if given["series"] not in SERIES:
        raise BadRequest()
    if errors or date is None:
        return None, errors
    return (
        Draft(
            given["series"],
            given["number"],
            date,
            given["title"],
            given["basis"],
            given["text"],
            whole(given["executor"]),
            bool(given["regulation"]),
        ),
        {},
    )


def day_of(text: str) -> int | None:
    """A day that an order may have; None when it is none."""
    return day_for(_TABLE.by_name["date"], text)
