"""Acts of the movement book: a pupil arrives, departs, changes class; an act is mended or withdrawn.

One act keeps everything in step in one transaction: enrolment, lists of the subject groups and the line in the book.
The day of an act is the first on which it holds: who departs on the 5th was on the roll until the 4th. Acts about a
pupil are written in the order of their days. An act in the past that changes a frozen report writes its numbered
correction. Nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from node import consenting, frozen, numbers, roster, schooldays
from node.consenting import Newcomer as Adult
from node.consenting import Signed
from node.movement import files
from node.movement.balance import unwritten
from shared.dates import date_of
from shared.problems import ArrivedThatDay, InvalidValue, LaterActs, NotFound, NotOnRoll, OnRoll, OutsideYear
from shared.schema import SEX, Value
from sync.writer import Writer

ARRIVAL_REASONS = ("district", "country", "abroad", "other", "start")
DEPARTURE_REASONS = ("district", "country", "abroad", "college", "illness", "death", "other")
TRANSFER_REASONS = ("illness", "other")
"""Of the country's list those that may move a pupil within the school; the note says more."""
WITHDRAWN_KINDS = ("arrived", "departed", "transfer")
OWN = "own"
"""Instead of a relation: the pupil, of age, signs for oneself."""
ROW = 1 << 32
"""Row ids begin here: an origin stands before the number."""


@dataclass(frozen=True)
class Order:
    """The order behind an act: a row of the orders book, or number and date as they stand on paper."""

    row: int | None = None
    number: str = ""
    date: int | None = None


@dataclass(frozen=True)
class Paper:
    """What the book says beside the act itself; `place` is where from or where to."""

    order: Order = field(default_factory=Order)
    place: str = ""
    document: str = ""
    note: str = ""


@dataclass(frozen=True)
class Newcomer:
    """A child who was never a pupil here. Names come with a written consent alone; else they stay empty.

    ``consent``: what the parent or legal representative signed, who is entered with ``relation`` as ``guardian``; a
    pupil who may be of age signs without one. ``moved_from`` is the child's row in the system of another school, from
    its certificate of departure. ``more``: what else stands about the person and needs the consent too, as the address.
    ``personal_file``: the number on the folder the child brought; without one the next of the letter is given.
    ``agreed``: numbers that are right though others have them.
    """

    sex: str
    birth_year: int | None = None
    birth_date: int | None = None
    residence: str | None = None
    moved_from: int | None = None
    consent: Signed | None = None
    guardian: Adult | None = None
    relation: str = ""
    surname: str = ""
    given_name: str = ""
    patronymic: str = ""
    more: Mapping[str, Value] = field(default_factory=dict)
    personal_file: str | None = None
    agreed: Collection[str] = ()


def arrive(
    w: Writer,
    who: int | Newcomer,
    class_group: int,
    day: int,
    reason: str,
    paper: Paper,
    chosen: Mapping[int, int] | None = None,
    received_by: int | None = None,
) -> int:
    """Admit a newcomer, or a pupil who comes back; returns the line in the book. `chosen`: subject -> subgroup.

    ``received_by``: the person who took the signed consent. InvalidValue, NotFound, OutsideYear, OnRoll, LaterActs,
    ConsentMissing, NumberHeld.
    """
    _check_reason(reason, ARRIVAL_REASONS)
    _require_open(w.db, class_group, day)
    language = w.db.execute("SELECT language FROM class_group WHERE id = ?", (class_group,)).fetchone()[0]
    if isinstance(who, Newcomer):
        pupil = _admit(w, who, language, received_by)
    else:
        pupil = _known(w.db, who)
        _require_off_roll(w.db, pupil, day)
    roster.enrol(w, pupil, class_group, day, chosen=chosen)
    files.give_number(w, pupil, _surname(w.db, pupil))
    return _write(w, pupil, "arrived", day, paper, reason=reason, to_class=class_group)


def depart(
    w: Writer,
    pupil: int,
    day: int,
    reason: str,
    paper: Paper,
    confirmed: bool = False,
    file_issued: int | None = None,
) -> int:
    """End a pupil's time in the school; returns the line in the book.

    NotFound, InvalidValue, NotOnRoll, ArrivedThatDay, LaterActs.
    """
    _check_reason(reason, DEPARTURE_REASONS)
    _do_not_move_on(w, _known(w.db, pupil), day)
    left = _require_on_roll(w.db, pupil, day)
    for class_group in left:
        roster.leave(w, pupil, class_group, day)
    return _write(
        w, pupil, "departed", day, paper, reason=reason, from_class=left[-1], confirmed=int(confirmed),
        file_issued=file_issued,
    )  # fmt: skip


def transfer(
    w: Writer,
    pupil: int,
    to_class: int,
    day: int,
    paper: Paper,
    chosen: Mapping[int, int] | None = None,
    reason: str = "",
) -> int:
    """Move a pupil to another class of the same year; returns the line in the book. ``reason``: empty when not told.

    NotFound, InvalidValue, OutsideYear, NotOnRoll, ArrivedThatDay, LaterActs.
    """
    if reason:
        _check_reason(reason, TRANSFER_REASONS)
    left = _require_on_roll(w.db, _known(w.db, pupil), day)
    _require_open(w.db, to_class, day)
    if to_class in left:
        raise InvalidValue(table="movement", column="to_class", value=to_class)
    repeating = _repeats(w.db, pupil, left[-1])
    for class_group in left:
        roster.leave(w, pupil, class_group, day)
    roster.enrol(w, pupil, to_class, day, repeating, chosen)
    return _write(
        w, pupil, "transfer", day, paper, reason=reason or None, from_class=left[-1], to_class=to_class
    )


def write_afterwards(
    w: Writer,
    changes: Collection[tuple[int, int]],
    kind: str,
    reason: str,
    paper: Paper,
    after: int,
    until: int,
) -> list[int]:
    """Write the lines of rolls that changed without one, as a list may bring them; returns the lines.

    ``changes``: pupil and day of each, all of one ``kind`` (arrived, departed), reason and paper, of days later than
    ``after`` up to ``until``. InvalidValue; NotFound: nothing is chosen, or a line stands there meanwhile.
    """
    _check_reason(reason, ARRIVAL_REASONS if kind == "arrived" else DEPARTURE_REASONS)
    found = {(one.pupil, one.day): one for one in unwritten(w.db, after, until) if one.kind == kind}
    if not changes or not set(changes) <= found.keys():
        raise NotFound()
    side, said = "to_class" if kind == "arrived" else "from_class", _paper(w.db, paper)
    lines = []
    for one in (found[change] for change in sorted(set(changes), key=lambda change: (change[1], change[0]))):
        lines.append(
            w.insert(
                "movement",
                pupil=one.pupil,
                kind=kind,
                date=one.day,
                reason=reason,
                **{side: one.class_group},
                **said,
            )
        )
        if kind == "arrived":
            files.give_number(w, one.pupil, _surname(w.db, one.pupil))
    frozen.follow(w, lines[0] if len(lines) == 1 else None)
    return lines


def amend(
    w: Writer, line: int, paper: Paper, confirmed: bool | None = None, file_issued: int | None = None
) -> bool:
    """Change what a line says beside its act; returns whether anything changed. NotFound, InvalidValue."""
    row = _line(w.db, line)
    values: dict[str, Value] = _paper(w.db, paper)
    if row["kind"] == "departed":
        values |= {"file_issued": file_issued}
        values |= {} if confirmed is None else {"confirmed": int(confirmed)}
    return w.update("movement", line, **values)


def withdraw(w: Writer, line: int) -> None:
    """Take an act back as if it had never been: rolls and lists are as before it. NotFound, LaterActs.

    Marks that were given meanwhile stay in the journal's history. An arrival that is taken back leaves the child's
    record without a class.
    """
    row = _line(w.db, line)
    if row["kind"] not in WITHDRAWN_KINDS:
        raise NotFound()
    pupil, day = row["pupil"], row["date"]
    _require_latest(w.db, pupil, day, line)
    if row["to_class"] is not None:
        roster.leave(w, pupil, row["to_class"], day)
    if row["from_class"] is not None:
        roster.return_to(w, pupil, row["from_class"], day)
    w.retire("movement", line)
    frozen.follow(w, line)


def give_missing_numbers(w: Writer) -> int:
    """Give every named pupil without a personal file number the next of the letter; returns how many got one."""
    return files.give_missing(w)


# ---- what is checked


def _check_reason(reason: str, allowed: tuple[str, ...]) -> None:
    if reason not in allowed:
        raise InvalidValue(table="movement", column="reason", value=reason)


def _surname(db: Database, pupil: int) -> str | None:
    found: str | None = db.execute("SELECT surname FROM person WHERE id = ?", (pupil,)).fetchone()[0]
    return found


def _known(db: Database, pupil: int) -> int:
    sql = "SELECT 1 FROM pupil WHERE person = ? AND retired_at IS NULL"
    if db.execute(sql, (pupil,)).fetchone() is None:
        raise NotFound()
    return pupil


def _require_open(db: Database, class_group: int, day: int) -> None:
    """The class takes pupils on that day: it is of the year that holds the day (its summer too), and not closed.

    Where the school moved its first term before the year's own start, the year begins with it.
    """
    if not class_group:
        raise InvalidValue(table="movement", column="to_class", value=None)
    row = db.execute(
        f"""SELECT y.id, cg.closed_on, (SELECT min(z.start) FROM {schooldays.YEARS} z WHERE z.start > y.start)
           FROM class_group cg LEFT JOIN {schooldays.YEARS} y ON y.id = cg.year
           WHERE cg.id = ? AND cg.retired_at IS NULL""",
        (class_group,),
    ).fetchone()
    if row is None:
        raise NotFound()
    year, closed, following = row
    start = (schooldays.bounds(db, year) or (None,))[0] if year is not None else None
    if start is not None and (day < start or (following is not None and day >= following)):
        raise OutsideYear()
    if closed is not None and day >= closed:
        raise InvalidValue(table="movement", column="to_class", value=class_group)


def _require_off_roll(db: Database, pupil: int, day: int) -> None:
    """OnRoll when the pupil is enrolled on that day; LaterActs when an enrolment begins after it, or ends on it."""
    for start, end in _enrolments(db, pupil):
        if end is None or end >= day:
            raise OnRoll() if start <= day and end != day else LaterActs()
    _require_latest(db, pupil, day)


def _require_on_roll(db: Database, pupil: int, day: int) -> list[int]:
    """The classes whose roll the pupil leaves. NotOnRoll; ArrivedThatDay; LaterActs when something happens later."""
    for start, end in _enrolments(db, pupil):
        if start == day and end is None:
            raise ArrivedThatDay()
        if start >= day or (end is not None and end > day):
            raise LaterActs()
    _require_latest(db, pupil, day)
    rows = db.execute(
        """SELECT class_group FROM enrolment WHERE pupil = ? AND retired_at IS NULL AND start < ?
           AND "end" IS NULL AND class_group IS NOT NULL ORDER BY start, id""",
        (pupil, day),
    ).fetchall()
    if not rows:
        raise NotOnRoll()
    return [row[0] for row in rows]


def _require_latest(db: Database, pupil: int, day: int, but: int = 0) -> None:
    sql = """SELECT 1 FROM movement WHERE pupil = ? AND date > ? AND id <> ? AND retired_at IS NULL
             AND kind IN ('arrived', 'departed', 'transfer', 'graduated')"""
    if db.execute(sql, (pupil, day, but)).fetchone() is not None:
        raise LaterActs()
    sql = """SELECT 1 FROM enrolment WHERE pupil = ? AND start > ? AND retired_at IS NULL"""
    if db.execute(sql, (pupil, day)).fetchone() is not None:
        raise LaterActs()


def _enrolments(db: Database, pupil: int) -> list[tuple[int, int | None]]:
    rows: list[tuple[int, int | None]] = db.execute(
        'SELECT start, "end" FROM enrolment WHERE pupil = ? AND retired_at IS NULL AND start IS NOT NULL',
        (pupil,),
    ).fetchall()
    return rows


def _repeats(db: Database, pupil: int, class_group: int) -> bool:
    row = db.execute(
        """SELECT repeating FROM enrolment WHERE pupil = ? AND class_group = ? AND retired_at IS NULL
           ORDER BY start DESC LIMIT 1""",
        (pupil, class_group),
    ).fetchone()
    return bool(row and row[0])


def _line(db: Database, line: int) -> Mapping[str, Any]:
    row = next(iter(db.query("SELECT * FROM movement WHERE id = ? AND retired_at IS NULL", (line,))), None)
    if row is None:
        raise NotFound()
    return row


# ---- what is written


def _do_not_move_on(w: Writer, pupil: int, day: int) -> None:
    """Who leaves in the summer after the year was closed never enters the class of the next year."""
    for class_group, start in w.db.execute(
        f"""SELECT e.class_group, e.start FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           JOIN {schooldays.YEARS} y ON y.id = cg.year WHERE e.pupil = ? AND e.retired_at IS NULL
             AND e.start > ? AND e.start <= y.start AND e."end" IS NULL""",
        (pupil, day),
    ).fetchall():
        moved = w.db.execute(
            """SELECT from_class FROM movement WHERE pupil = ? AND to_class = ? AND retired_at IS NULL
               AND kind IN ('promoted', 'repeating')""",
            (pupil, class_group),
        ).fetchone()
        if moved is not None:
            roster.leave(w, pupil, class_group, start)
            roster.return_to(w, pupil, moved[0], start)


def _admit(w: Writer, who: Newcomer, language: str | None, received_by: int | None) -> int:
    """A new person, pupil and guardian; names only under the consent that is written with them."""
    if who.sex not in SEX:
        raise InvalidValue(table="person", column="sex", value=who.sex)
    if who.moved_from is not None and who.moved_from < ROW:
        raise InvalidValue(table="pupil", column="moved_from", value=who.moved_from)
    year = date_of(who.birth_date).year if who.birth_date is not None else who.birth_year
    if year is None:
        raise InvalidValue(table="person", column="birth_year", value=None)
    person = w.insert("person", sex=who.sex, birth_year=year)
    file: dict[str, Value] = {"personal_file": who.personal_file, "alphabet_book": who.personal_file}
    numbers.ask(w.db, person, {**file, **who.more}, who.agreed, who.surname)
    w.put(
        "pupil",
        person=person,
        language=language,
        residence=who.residence or None,
        moved_from=who.moved_from,
        **file,
    )
    guardian = None
    if who.guardian is not None:
        guardian = consenting.add_person(w, who.guardian, received_by)
        consenting.add_guardian(w, person, guardian, who.relation, True)
    if who.consent is not None:
        signer = person if who.relation == OWN else guardian
        consenting.record(w, person, replace(who.consent, signer=signer), received_by)
    named: dict[str, Value] = {
        "surname": who.surname or None,
        "given_name": who.given_name or None,
        "patronymic": who.patronymic or None,
        "birth_date": who.birth_date if who.consent is not None or who.surname else None,
        **who.more,
    }
    w.update("person", person, **{name: value for name, value in named.items() if value is not None})
    return person


def _write(w: Writer, pupil: int, kind: str, day: int, paper: Paper, **values: Value) -> int:
    line = w.insert("movement", pupil=pupil, kind=kind, date=day, **values, **_paper(w.db, paper))
    frozen.follow(w, line)
    return line


def _paper(db: Database, paper: Paper) -> dict[str, Value]:
    row, number, date = _order(db, paper.order)
    return {
        "order": row,
        "order_number": number or None,
        "order_date": date,
        "place": paper.place or None,
        "document": paper.document or None,
        "note": paper.note or None,
    }


def _order(db: Database, order: Order) -> tuple[int | None, str, int | None]:
    """The order's row, number and date: those of the row that is named, or of the row with that number and date."""
    if order.row is not None:
        found = db.execute(
            "SELECT number, date FROM order_book WHERE id = ? AND retired_at IS NULL", (order.row,)
        ).fetchone()
        if found is None:
            raise InvalidValue(table="movement", column="order", value=order.row)
        return order.row, found[0] or "", found[1]
    found = db.execute(
        """SELECT id FROM order_book WHERE series = 'pupils' AND number = ? AND date = ? AND retired_at IS NULL
           ORDER BY id LIMIT 1""",
        (order.number, order.date),
    ).fetchone()
    return (found[0] if found and order.number else None), order.number, order.date
