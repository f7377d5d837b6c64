"""Routes of the conflicts area: the list, and taking one of the values."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.conflicts import actions, queries
from node.people.queries import number_of
from node.request import acting, database
from shared.access import allow
from shared.i18n import coded, day, gettext, instant
from shared.problems import BadRequest
from shared.schema import Column, Table, Value
from shared.web import today

area = Blueprint("conflicts", __name__, url_prefix="/conflicts", template_folder="templates")
DECIDE = ("head", "deputy", "secretary")


@area.get("/")
@allow(*DECIDE)
def index() -> ResponseReturnValue:
    """Everything that waits for a decision."""
    found = queries.conflicts(database(), today())
    return render_template("conflicts/index.html", conflicts=found, readable=readable)


@area.post("/take")
@allow(*DECIDE)
def take() -> ResponseReturnValue:
    """Let one of the values stand."""
    try:
        tbl, key, n = (int(request.form[name]) for name in ("tbl", "key", "n"))
        unit = request.form["unit"]
    except (KeyError, ValueError) as error:
        raise BadRequest() from error
    with acting() as w:
        actions.take(w, tbl, key, unit, n)
    return cast(ResponseReturnValue, redirect(url_for("conflicts.index")))


def readable(table: Table, column: Column, value: Value) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return gettext("(empty)")
    if column.name == "retired_at":
        return gettext("removed")
    if column.choices or column.type == "bool":
        return coded(value if not isinstance(value, bytes) else None, table.name, column.name)
    if isinstance(value, int) and column.type == "date":
        return day(value)
    if isinstance(value, int) and column.type == "instant":
        return instant(value)
    if isinstance(value, int) and column.type == "ref":
        return f"№ {number_of(value)}"
    return "…" if isinstance(value, bytes) else str(value)
