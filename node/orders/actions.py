"""Writing, signing and making known of orders; duties given and ended by them."""

from __future__ import annotations

from collections.abc import Iterable

from node import keyholders
from node.orders import queries
from node.orders.drafts import order_of, require_staff
from shared.problems import DutyHeld, InvalidValue, NotFound, OrderSigned, OrderUnsigned
from sync.writer import Writer


def sign(w: Writer, order_id: int, person: int | None, today: int) -> None:
    """The head signs; from then on the order stands as it is. OrderSigned, NotFound."""
    if order_of(w, order_id).signed:
        raise OrderSigned()
    w.update("order_book", order_id, signatory=person, signed_on=today)


def make_known(w: Writer, order_id: int, people: Iterable[int]) -> None:
    """Let these members of staff be acquainted with an order; of others, those who read it stay. NotFound."""
    order_of(w, order_id)
    wanted = set(people)
    known = {
        person: read_at
        for person, read_at in w.db.execute(
            'SELECT person, read_at FROM order_reader WHERE "order" = ? AND retired_at IS NULL', (order_id,)
        ).fetchall()
    }
    for person in sorted(wanted - set(known)):
        require_staff(w, person)
        w.put("order_reader", order=order_id, person=person)
    for person, read_at in known.items():
        if person not in wanted and read_at is None:
            w.retire("order_reader", order_id, person)


def acquaint(w: Writer, order_id: int, person: int) -> None:
    """The person says to have read the order; the first time counts. NotFound: nobody asked for it."""
    found = w.db.execute(
        'SELECT read_at FROM order_reader WHERE "order" = ? AND person = ? AND retired_at IS NULL',
        (order_id, person),
    ).fetchone()
    if found is None or not order_of(w, order_id).signed:
        raise NotFound()
    if found[0] is None:
        w.put("order_reader", order=order_id, person=person, read_at=w.now)


# ---- duties


def give_duty(w: Writer, order_id: int, person: int, duty: str, start: int) -> int:
    """Give a duty from a day on, by a signed order. OrderUnsigned, DutyHeld, InvalidValue, NotFound."""
    if not order_of(w, order_id).signed:
        raise OrderUnsigned()
    require_staff(w, person)
    if not duty:
        raise InvalidValue(table="appointment", column="duty", value=duty)
    if queries.holds(w.db, person, duty, start):
        raise DutyHeld()
    return w.insert("appointment", person=person, duty=duty, start=start, order=order_id)


def end_duty(w: Writer, order_id: int, appointment: int, end: int) -> None:
    """End a duty, ``end`` being the first day without it, by a signed order.

    OrderUnsigned, InvalidValue, LastAdministrator, LastHead, NotFound.
    """
    if not order_of(w, order_id).signed:
        raise OrderUnsigned()
    found = queries.duty(w.db, appointment, end)
    if found is None:
        raise NotFound()
    if end < found.start or found.end is not None:
        raise InvalidValue(table="appointment", column="end", value=end)
    with keyholders.kept(w):
        w.update("appointment", appointment, end=end, end_order=order_id)
