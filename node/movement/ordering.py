"""The order behind acts of the movement book, as a form tells it: chosen, typed, or drafted together with the act."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flask import request

from node.movement import forms, queries
from node.movement.actions import Order, Paper
from node.orders import drafts
from node.orders.queries import next_number
from shared.web import today
from sync.writer import Writer

NEW = "new"
"""Instead of a row of the orders book: the order is drafted together with the act."""


def is_new() -> bool:
    """Is the order to be drafted? A number that is typed counts instead."""
    return request.form.get("order") == NEW and not forms.text(request.form, "order_number")


def paper(w: Writer, title: str) -> Paper:
    """The paper of a new act; the order that is asked for is drafted in the same transaction. OrderMissing."""
    form = request.form
    if not is_new():
        return forms.act_paper({**form, "order": ""} if form.get("order") == NEW else form)
    number = next_number(w.db, "pupils", today())
    row = drafts.write(w, drafts.Draft("pupils", number, today(), title))
    return replace(forms.paper({**form, "order": ""}), order=Order(row))


def concerns(w: Writer, lines: Iterable[int]) -> None:
    """An order that was drafted for acts concerns their pupils."""
    if is_new():
        for line in lines:
            row = queries.line(w.db, line, today())
            assert row is not None
            drafts.name_person(w, row["order"], row["pupil"])
