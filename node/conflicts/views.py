"""Routes of the conflicts area: the list, and taking one of the values."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import STAFF, may_all, right
from node.conflicts import actions, queries
from node.conflicts.queries import Place
from node.conflicts.rights import may_decide
from node.people.queries import class_name, number_of
from node.request import acting, database
from shared.access import allow
from shared.i18n import coded, day, gettext, instant, row_name
from shared.problems import BadRequest
from shared.schema import Column, Table, Value
from shared.web import may_open, today, visitor

area = Blueprint("conflicts", __name__, url_prefix="/conflicts", template_folder="templates")


@area.get("/")
@allow(*STAFF)
def index() -> ResponseReturnValue:
    """Everything that waits for a decision of the visitor's; and what was entered twice, for who may mend that."""
    db = database()
    decides = lambda tbl, key: may_decide(db, visitor(), tbl, key)  # noqa: E731
    merges = may_open("duplicates.merge")
    accounts = may_all(visitor(), "accounts", "E")
    return render_template(
        "conflicts/index.html",
        conflicts=queries.conflicts(db, today(), decides),
        others=queries.others(db, decides),
        people=queries.same_number(db, today()) if merges else [],
        logins=queries.same_login(db, today()) if accounts else [],
        proposed=lambda twin: queries.proposed_login(db, twin.row, today()),
        readable=readable,
        where=where,
        number_of=number_of,
    )


@area.post("/login")
@right("accounts", "E")
def give_login() -> ResponseReturnValue:
    """Give an account whose login another one has too a login of its own, chosen or proposed."""
    try:
        account = int(request.form["account"])
    except (KeyError, ValueError) as error:
        raise BadRequest() from error
    with acting() as w:
        actions.give_login(w, account, today(), request.form.get("login", ""))
    return cast(ResponseReturnValue, redirect(url_for("conflicts.index")))


@area.post("/take")
@allow(*STAFF)
def take() -> ResponseReturnValue:
    """Let one of the values stand."""
    try:
        tbl, key, n = (int(request.form[name]) for name in ("tbl", "key", "n"))
        unit = request.form["unit"]
    except (KeyError, ValueError) as error:
        raise BadRequest() from error
    with acting() as w:
        if not may_decide(w.db, visitor(), tbl, key):
            abort(403)
        actions.take(w, tbl, key, unit, n)
    return cast(ResponseReturnValue, redirect(url_for("conflicts.index")))


def where(place: Place) -> str:
    """Of which class and subject, of which day and lesson a row is."""
    parts: list[str] = []
    if place.group is not None:
        group = place.group
        subject = " ".join(filter(None, (row_name(group), group["part"])))
        parts += [class_name(group["grade"], group["letter"]), subject]
    if place.day is not None:
        parts.append(day(place.day))
    if place.period is not None:
        parts.append(gettext("lesson %(number)s", number=place.period))
    return " · ".join(parts)


def readable(table: Table, column: Column, value: Value) -> str:
    """A value as a person reads it."""
    if column.name == "retired_at":
        return gettext("not removed") if value is None else gettext("removed")
    if value is None or value == "":
        return gettext("(empty)")
    if column.choices or column.type == "bool":
        return coded(value if not isinstance(value, bytes) else None, table.name, column.name)
    if isinstance(value, int) and column.type == "date":
        return day(value)
    if isinstance(value, int) and column.type == "instant":
        return instant(value)
    if isinstance(value, int) and column.type == "ref":
        return f"№ {number_of(value)}"
    return "…" if isinstance(value, bytes) else str(value)
