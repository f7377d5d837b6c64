"""Reading the orders book and who holds which duty."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, full_name, number_of
from node.settings.queries import value
from shared.dates import date_of, day_number
from shared.i18n import folded, in_order
from shared.schema import BY_NAME

SERIES = BY_NAME["order_book"].by_name["series"].choices
PAGE = 50
_SCHOOL_YEAR_MONTH = 8


@dataclass(frozen=True)
class Named:
    """A person as shown; without a consent the number alone."""

    id: int
    name: str

    @property
    def number(self) -> int:
        return number_of(self.id)


@dataclass(frozen=True)
class Order:
    """One order; ``signed_on`` is None for a draft."""

    id: int
    series: str
    number: str
    date: int
    title: str
    basis: str
    text: str
    signatory: int | None
    executor: int | None
    signed_on: int | None
    regulation: bool

    @property
    def signed(self) -> bool:
        return self.signed_on is not None


@dataclass(frozen=True)
class Duty:
    """A duty of a person from ``start`` up to, not including, ``end``, with the orders that gave and ended it."""

    id: int
    person: Named
    duty: str
    start: int
    end: int | None
    order: int | None
    order_number: str
    end_order: int | None


_COLUMNS = "id, series, number, date, title, basis, text, signatory, executor, signed_on, regulation"


def _order(row: Mapping[str, Any]) -> Order:
    texts = {name: row[name] or "" for name in ("series", "number", "title", "basis", "text")}
    return Order(
        id=row["id"],
        date=row["date"] or 0,
        signatory=row["signatory"],
        executor=row["executor"],
        signed_on=row["signed_on"],
        regulation=bool(row["regulation"]),
        **texts,
    )


def order(db: Database, order_id: int) -> Order | None:
    """One order; None when there is none."""
    sql = f"SELECT {_COLUMNS} FROM order_book WHERE id = ? AND retired_at IS NULL"
    return next((_order(row) for row in db.query(sql, (order_id,))), None)


def orders(db: Database, series: str = "", text: str = "", year: int = 0) -> list[Order]:
    """The orders of a series ("" for all) and a calendar year (0 for all) that hold every word, newest first."""
    sql = f"""SELECT {_COLUMNS} FROM order_book WHERE retired_at IS NULL AND (:series = '' OR series = :series)
              AND date >= :first AND date < :last ORDER BY date DESC, id DESC"""
    first = day_number(datetime.date(year, 1, 1)) if year else -(10**6)
    last = day_number(datetime.date(year + 1, 1, 1)) if year else 10**6
    rows = map(_order, db.query(sql, {"series": series, "first": first, "last": last}))
    words = folded(text.replace("№", " ")).split()
    return [one for one in rows if all(w in folded(f"{one.number} {one.title} {one.text}") for w in words)]


def years(db: Database) -> list[int]:
    """The calendar years that have orders, the newest first."""
    rows = db.execute("SELECT DISTINCT date FROM order_book WHERE retired_at IS NULL AND date IS NOT NULL")
    return sorted({date_of(row[0]).year for row in rows.fetchall()}, reverse=True)


def behind_regulation(db: Database) -> list[Order]:
    """The orders on which the use of the system rests, the oldest first."""
    sql = f"""SELECT {_COLUMNS} FROM order_book WHERE retired_at IS NULL AND regulation = 1
              AND signed_on IS NOT NULL ORDER BY date, id"""
    return [_order(row) for row in db.query(sql)]


def period_of_number(db: Database, day: int) -> tuple[int, int]:
    """First day and day after the last of the year in which orders are counted: calendar or school year."""
    date = date_of(day)
    month = _SCHOOL_YEAR_MONTH if value(db, "orders_year") == "school" else 1
    first = date.year if date.month >= month else date.year - 1
    start, end = (datetime.date(year, month, 1) for year in (first, first + 1))
    return day_number(start), day_number(end)


def next_number(db: Database, series: str, day: int) -> str:
    """The number after the highest of the series in the year of the day, with what follows it: 12-к after 11-к.

    Orders of the education office, which nobody here signed, have numbers of its own. A number that the movement book
    names is in use, though its order is not in the orders book yet; it is passed over, and none is continued from it.
    """
    own = (re.match(r"(\d+)(.*)", number) for number in _numbers(db, series, day, own=True))
    last, behind = max(((int(found[1]), found[2]) for found in own if found), default=(0, ""))
    used = {folded(one).strip() for one in _numbers(db, series, day)}
    used |= {folded(one).strip() for one in (_in_movement(db, day) if series == "pupils" else [])}
    return next(text for text in (f"{last + n}{behind}" for n in count(1)) if folded(text) not in used)


def is_taken(db: Database, series: str, number: str, day: int, but: int | None) -> bool:
    """Has another order of the series and year this number?"""
    own = folded(number).strip()
    return any(folded(one).strip() == own for one in _numbers(db, series, day, but))


def _numbers(db: Database, series: str, day: int, but: int | None = None, own: bool = False) -> list[str]:
    """The numbers of a series in the year of the day; ``own``: of orders that are the school's."""
    start, end = period_of_number(db, day)
    rows = db.execute(
        """SELECT number FROM order_book WHERE series = ? AND date >= ? AND date < ? AND retired_at IS NULL
           AND number IS NOT NULL AND id IS NOT ?
           AND (NOT ? OR signed_on IS NULL OR signatory IS NOT NULL)""",
        (series, start, end, but, own),
    )
    return [row[0] for row in rows.fetchall()]


def _in_movement(db: Database, day: int) -> list[str]:
    rows = db.execute(
        """SELECT DISTINCT order_number FROM movement WHERE order_date >= ? AND order_date < ?
           AND retired_at IS NULL AND order_number IS NOT NULL""",
        period_of_number(db, day),
    )
    return [row[0] for row in rows.fetchall()]


def concerned(db: Database, person: int) -> frozenset[int]:
    """The signed orders that concern a person: to be acquainted with, to carry out, or giving or ending a duty."""
    rows = db.execute(
        """SELECT "order" FROM order_reader WHERE person = :p AND retired_at IS NULL
           UNION SELECT id FROM order_book WHERE executor = :p OR signatory = :p
           UNION SELECT "order" FROM appointment WHERE person = :p AND retired_at IS NULL
           UNION SELECT end_order FROM appointment WHERE person = :p AND retired_at IS NULL
           UNION SELECT "order" FROM order_person WHERE person = :p AND retired_at IS NULL""",
        {"p": person},
    )
    found = {row[0] for row in rows.fetchall() if row[0] is not None}
    signed = db.execute("SELECT id FROM order_book WHERE signed_on IS NOT NULL AND retired_at IS NULL")
    return frozenset(found & {row[0] for row in signed.fetchall()})


# ---- people of an order


def named(db: Database, person: int | None, today: int) -> Named | None:
    """A person by name."""
    sql = f"""WITH {NAMED} SELECT p.id, {NAME_COLUMNS} FROM person p LEFT JOIN named n ON n.id = p.id
              WHERE p.id = :person"""
    rows = db.query(sql, {"person": person, "today": today})
    return next((Named(row["id"], full_name(row)) for row in rows), None)


def people_of(db: Database, order_id: int) -> frozenset[int]:
    """Whom an order names by reference."""
    sql = 'SELECT person FROM order_person WHERE "order" = ? AND retired_at IS NULL'
    return frozenset(person for (person,) in db.execute(sql, (order_id,)).fetchall())


def concerns(db: Database, order_id: int, today: int) -> list[Named]:
    """Whom an order names by reference, and the pupils of the acts in the movement book that rest on it."""
    sql = f"""WITH {NAMED} SELECT DISTINCT p.id, {NAME_COLUMNS} FROM person p LEFT JOIN named n ON n.id = p.id
      WHERE p.retired_at IS NULL AND p.id IN (
        SELECT person FROM order_person WHERE "order" = :order AND retired_at IS NULL
        UNION SELECT pupil FROM movement WHERE "order" = :order AND retired_at IS NULL)"""
    rows = db.query(sql, {"order": order_id, "today": today})
    return in_order([Named(row["id"], full_name(row)) for row in rows], lambda one: one.name)


def staff(db: Database, today: int) -> list[Named]:
    """Everyone who works here today, in alphabetical order."""
    sql = f"""WITH {NAMED} SELECT s.person AS id, {NAME_COLUMNS} FROM staff s LEFT JOIN named n ON n.id = s.person
              WHERE s.retired_at IS NULL AND (s."end" IS NULL OR s."end" > :today)"""
    people = [Named(row["id"], full_name(row)) for row in db.query(sql, {"today": today})]
    return in_order(people, lambda one: one.name)


def readers(db: Database, order_id: int, today: int) -> list[tuple[Named, int | None]]:
    """Who is to be acquainted with an order, and when they were (milliseconds since 1970)."""
    sql = f"""WITH {NAMED} SELECT r.person AS id, r.read_at, {NAME_COLUMNS}
              FROM order_reader r LEFT JOIN named n ON n.id = r.person
              WHERE r."order" = :order AND r.retired_at IS NULL"""
    rows = db.query(sql, {"order": order_id, "today": today})
    found = [(Named(row["id"], full_name(row)), row["read_at"]) for row in rows]
    return in_order(found, lambda one: one[0].name)


def unread(db: Database, person: int) -> int:
    """How many signed orders wait for a person to be acquainted with."""
    sql = """SELECT count(*) FROM order_reader r JOIN order_book o ON o.id = r."order"
             WHERE r.person = ? AND r.read_at IS NULL AND r.retired_at IS NULL AND o.signed_on IS NOT NULL"""
    return int(db.execute(sql, (person,)).fetchone()[0])


def drafts(db: Database) -> int:
    """How many orders wait for the head's signature."""
    sql = "SELECT count(*) FROM order_book WHERE signed_on IS NULL AND retired_at IS NULL"
    return int(db.execute(sql).fetchone()[0])


# ---- duties

_DUTIES = f"""WITH {NAMED}
  SELECT a.id, a.person, a.duty, a.start, a."end", a."order", a.end_order, o.number, {NAME_COLUMNS}
  FROM appointment a LEFT JOIN named n ON n.id = a.person LEFT JOIN order_book o ON o.id = a."order"
  WHERE a.retired_at IS NULL"""


def _duty(row: Mapping[str, Any]) -> Duty:
    person = Named(row["person"], full_name(row))
    number = row["number"] or ""
    return Duty(
        row["id"], person, row["duty"], row["start"], row["end"], row["order"], number, row["end_order"]
    )


def duties_today(db: Database, today: int) -> list[Duty]:
    """Every duty held today or given for later, in the order of the table of rights, then by name."""
    sql = f"""{_DUTIES} AND (a."end" IS NULL OR a."end" > :today)"""
    found = in_order([_duty(row) for row in db.query(sql, {"today": today})], lambda one: one.person.name)
    places = BY_NAME["appointment"].by_name["duty"].choices
    return sorted(found, key=lambda one: places.index(one.duty))


def duties_of_order(db: Database, order_id: int, today: int) -> list[Duty]:
    """The duties that an order gave or ended."""
    sql = f"""{_DUTIES} AND :order IN (a."order", a.end_order) ORDER BY a.start, a.id"""
    return [_duty(row) for row in db.query(sql, {"order": order_id, "today": today})]


def duty(db: Database, appointment: int, today: int) -> Duty | None:
    """One duty of one person."""
    rows = db.query(f"{_DUTIES} AND a.id = :id", {"id": appointment, "today": today})
    return next(map(_duty, rows), None)


def holds(db: Database, person: int, duty: str, start: int) -> bool:
    """Does the person hold the duty on a day, or is it given for later?"""
    sql = """SELECT 1 FROM appointment WHERE person = ? AND duty = ? AND retired_at IS NULL
             AND ("end" IS NULL OR "end" > ?) LIMIT 1"""
    return db.execute(sql, (person, duty, start)).fetchone() is not None


def head(db: Database, today: int) -> int | None:
    """Who holds the duty of head today; of several the one appointed last."""
    sql = """SELECT person FROM appointment WHERE duty = 'head' AND retired_at IS NULL AND start <= ?1
             AND ("end" IS NULL OR "end" > ?1) ORDER BY start DESC, id DESC LIMIT 1"""
    row = db.execute(sql, (today,)).fetchone()
    return row[0] if row else None


def has_head(db: Database, today: int) -> bool:
    """Does anyone hold the duty of head today, or from a later day?"""
    sql = """SELECT 1 FROM appointment WHERE duty = 'head' AND retired_at IS NULL
             AND ("end" IS NULL OR "end" > ?) LIMIT 1"""
    return db.execute(sql, (today,)).fetchone() is not None
