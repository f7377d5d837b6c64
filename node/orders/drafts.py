"""Drafts of orders: what one says and whom it concerns, until the head signs it."""

from __future__ import annotations

from dataclasses import dataclass

from node.orders import queries
from shared.problems import InvalidValue, NotFound, NumberTaken, OrderSigned
from sync.writer import Writer


@dataclass(frozen=True)
class Draft:
    """What is written of an order before it is signed; ``date`` is a day number."""

    series: str
    number: str
    date: int
    title: str
    basis: str = ""
    text: str = ""
    executor: int | None = None
    regulation: bool = False


def write(w: Writer, draft: Draft, order_id: int | None = None) -> int:
    """Write a new order, or change one that is not signed yet; returns its row id.

    InvalidValue, NumberTaken, OrderSigned, NotFound.
    """
    for name in ("series", "number", "title"):
        if not getattr(draft, name).strip():
            raise InvalidValue(table="order_book", column=name, value="")
    if draft.executor is not None:
        require_staff(w, draft.executor)
    if queries.is_taken(w.db, draft.series, draft.number, draft.date, order_id):
        raise NumberTaken()
    values = vars(draft) | {"regulation": int(draft.regulation)}
    if order_id is None:
        return w.insert("order_book", **values)
    if order_of(w, order_id).signed:
        raise OrderSigned()
    w.update("order_book", order_id, **values)
    return order_id


def drop(w: Writer, order_id: int) -> None:
    """Take back a draft. OrderSigned, NotFound."""
    if order_of(w, order_id).signed:
        raise OrderSigned()
    w.retire("order_book", order_id)


def name_person(w: Writer, order_id: int, person: int) -> None:
    """The draft concerns someone, who shows in it by name while a consent holds. OrderSigned, NotFound."""
    _require_draft(w, order_id)
    sql = "SELECT 1 FROM person WHERE id = ? AND retired_at IS NULL"
    if w.db.execute(sql, (person,)).fetchone() is None:
        raise NotFound()
    w.put("order_person", order=order_id, person=person)


def leave_out(w: Writer, order_id: int, person: int) -> None:
    """The draft does not concern the person any more. OrderSigned, NotFound."""
    _require_draft(w, order_id)
    if person not in queries.people_of(w.db, order_id):
        raise NotFound()
    w.retire("order_person", order_id, person)


def _require_draft(w: Writer, order_id: int) -> None:
    if order_of(w, order_id).signed:
        raise OrderSigned()


def order_of(w: Writer, order_id: int) -> queries.Order:
    found = queries.order(w.db, order_id)
    if found is None:
        raise NotFound()
    return found


def require_staff(w: Writer, person: int) -> None:
    sql = "SELECT 1 FROM staff WHERE person = ? AND retired_at IS NULL"
    if w.db.execute(sql, (person,)).fetchone() is None:
        raise InvalidValue(table="appointment", column="person", value=person)
