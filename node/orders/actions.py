"""Writing, signing and making known of orders; duties given and ended by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from node.orders import queries
from shared.problems import DutyHeld, InvalidValue, NotFound, NumberTaken, OrderSigned, OrderUnsigned
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
        _require_staff(w, draft.executor)
    if queries.is_taken(w.db, draft.series, draft.number, draft.date, order_id):
        raise NumberTaken()
    values = vars(draft) | {"regulation": int(draft.regulation)}
    if order_id is None:
        return w.insert("order_book", **values)
    if _order(w, order_id).signed:
        raise OrderSigned()
    w.update("order_book", order_id, **values)
    return order_id


def sign(w: Writer, order_id: int, person: int | None, today: int) -> None:
    """The head signs; from then on the order stands as it is. OrderSigned, NotFound."""
    if _order(w, order_id).signed:
        raise OrderSigned()
    w.update("order_book", order_id, signatory=person, signed_on=today)


def drop(w: Writer, order_id: int) -> None:
    """Take back a draft. OrderSigned, NotFound."""
    if _order(w, order_id).signed:
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
    if _order(w, order_id).signed:
        raise OrderSigned()


def make_known(w: Writer, order_id: int, people: Iterable[int]) -> None:
    """Let these members of staff be acquainted with an order; of others, those who read it stay. NotFound."""
    _order(w, order_id)
    wanted = set(people)
    known = {
        person: read_at
        for person, read_at in w.db.execute(
            'SELECT person, read_at FROM order_reader WHERE "order" = ? AND retired_at IS NULL', (order_id,)
        ).fetchall()
    }
    for person in sorted(wanted - set(known)):
        _require_staff(w, person)
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
    if found is None or not _order(w, order_id).signed:
        raise NotFound()
    if found[0] is None:
        w.put("order_reader", order=order_id, person=person, read_at=w.now)


# ---- duties


def give_duty(w: Writer, order_id: int, person: int, duty: str, start: int) -> int:
    """Give a duty from a day on, by a signed order. OrderUnsigned, DutyHeld, InvalidValue, NotFound."""
    if not _order(w, order_id).signed:
        raise OrderUnsigned()
    _require_staff(w, person)
    if not duty:
        raise InvalidValue(table="appointment", column="duty", value=duty)
    if queries.holds(w.db, person, duty, start):
        raise DutyHeld()
    return w.insert("appointment", person=person, duty=duty, start=start, order=order_id)


def end_duty(w: Writer, order_id: int, appointment: int, end: int) -> None:
    """End a duty, ``end`` being the first day without it, by a signed order. OrderUnsigned, InvalidValue, NotFound."""
    if not _order(w, order_id).signed:
        raise OrderUnsigned()
    found = queries.duty(w.db, appointment, end)
    if found is None:
        raise NotFound()
    if end < found.start or found.end is not None:
        raise InvalidValue(table="appointment", column="end", value=end)
    w.update("appointment", appointment, end=end, end_order=order_id)


def _order(w: Writer, order_id: int) -> queries.Order:
    found = queries.order(w.db, order_id)
    if found is None:
        raise NotFound()
    return found


def _require_staff(w: Writer, person: int) -> None:
    sql = "SELECT 1 FROM staff WHERE person = ? AND retired_at IS NULL"
    if w.db.execute(sql, (person,)).fetchone() is None:
        raise InvalidValue(table="appointment", column="person", value=person)
