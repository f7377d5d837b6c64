"""Acts of the movement book: a pupil arrives, departs, changes class; an act is mended or withdrawn.

One act keeps everything in step in one transaction: enrolment, lists of the subject groups and the line in the book.
The day of an act is the first on which it holds: who departs on the 5th was on the roll until the 4th. Acts about a
pupil are written in the order of their days. An act in the past that changes a frozen report writes its numbered
correction. Nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from sqlite_utils import Database

from node import consenting, frozen, numbers, roster
from node.consenting import Newcomer as Adult
from node.consenting import Signed
from node.movement import checks, files, moving_on, shifting
from node.movement.balance import unwritten
from node.ofage import Born
from shared.dates import date_of
from shared.problems import InvalidValue, NotFound
from shared.schema import SEX, Value
from sync.writer import Writer

ARRIVAL_REASONS = ("district", "country", "abroad", "other", "start")
DEPARTURE_REASONS = ("district", "country", "abroad", "college", "illness", "death", "other")
TRANSFER_REASONS = ("illness", "other")
"""Of the country's list those that may move a pupil within the school; the note says more."""
REASONS = {"arrived": ARRIVAL_REASONS, "departed": DEPARTURE_REASONS, "transfer": TRANSFER_REASONS}
"""Kind of act -> the reasons it may have."""
WITHDRAWN_KINDS = tuple(REASONS)
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
    checks.check_reason(reason, ARRIVAL_REASONS)
    checks.require_open(w.db, class_group, day)
    language = w.db.execute("SELECT language FROM class_group WHERE id = ?", (class_group,)).fetchone()[0]
    if isinstance(who, Newcomer):
        pupil = _admit(w, who, language, received_by)
    else:
        pupil = checks.known(w.db, who)
        checks.require_off_roll(w.db, pupil, day)
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

    Who leaves up to the first day of a year never enters the class into which a closing moved the pupil. NotFound,
    InvalidValue, NotOnRoll, ArrivedThatDay, LaterActs.
    """
    checks.check_reason(reason, DEPARTURE_REASONS)
    step = moving_on.ahead(w.db, checks.known(w.db, pupil), day)
    left = checks.require_on_roll(w.db, pupil, day, step)
    if step is not None:
        roster.leave(w, pupil, step.new, step.day)
    for class_group in left:
        roster.leave(w, pupil, class_group, day)
    moving_on.keep_line(w, pupil, left[-1], day)
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

    Once a closing has moved the pupil on, a class of the coming year is the one in which the pupil begins it, and to
    change class in the ending year changes where the step leads (`node.movement.moving_on`). NotFound, InvalidValue,
    OutsideYear, NotMovedOn, NotOnRoll, ArrivedThatDay, LaterActs.
    """
    if reason:
        checks.check_reason(reason, TRANSFER_REASONS)
    step = moving_on.ahead(w.db, checks.known(w.db, pupil), day)
    written: dict[str, Value] = {"reason": reason or None, "to_class": to_class}
    if step is not None and checks.year_of(w.db, to_class) == step.year:
        checks.require_place(w.db, pupil, step, to_class, day)
        line = _insert(w, pupil, "transfer", day, paper, from_class=step.new, **written)
        moving_on.move_on(w, pupil, step.old, chosen)
        frozen.follow(w, line)
        return line
    left = checks.require_on_roll(w.db, pupil, day, step)
    checks.require_open(w.db, to_class, day)
    if to_class in left:
        raise InvalidValue(table="movement", column="to_class", value=to_class)
    checks.require_same_year(w.db, left[-1], to_class)
    repeating = checks.repeats(w.db, pupil, left[-1])
    for class_group in left:
        roster.leave(w, pupil, class_group, day)
    roster.enrol(w, pupil, to_class, day, repeating, chosen)
    if step is not None:
        moving_on.step_from(w, step, to_class)
        moving_on.move_on(w, pupil, to_class)
    return _write(w, pupil, "transfer", day, paper, from_class=left[-1], **written)


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
    checks.check_reason(reason, ARRIVAL_REASONS if kind == "arrived" else DEPARTURE_REASONS)
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
    w: Writer,
    line: int,
    paper: Paper,
    confirmed: bool | None = None,
    file_issued: int | None = None,
    reason: str | None = None,
    day: int | None = None,
) -> bool:
    """Change what a line says; returns whether anything changed. ``reason``, ``day``: None leaves them as they are.

    An act may be moved as far as the day before or after which something else happened to the pupil; roll and lists
    follow. NotFound, InvalidValue, OutsideYear, ActBetween.
    """
    row = checks.line_of(w.db, line)
    values: dict[str, Value] = _paper(w.db, paper)
    if paper.order.row is None and all(values[name] == row[name] for name in ("order_number", "order_date")):
        values["order"] = row["order"]
    if row["kind"] == "departed":
        values |= {"file_issued": file_issued}
        values |= {} if confirmed is None else {"confirmed": int(confirmed)}
    if reason is not None and reason != (row["reason"] or ""):
        if reason or row["kind"] != "transfer":
            checks.check_reason(reason, REASONS.get(row["kind"], ()))
        values["reason"] = reason or None
    if day is not None and day != row["date"]:
        shifting.shift(w, row, day)
        values["date"] = day
    changed = w.update("movement", line, **values)
    if {"reason", "date"} & values.keys():
        frozen.follow(w, line)
    return changed


def withdraw(w: Writer, line: int) -> None:
    """Take an act back as if it had never been: rolls and lists are as before it. NotFound, LaterActs.

    Marks that were given meanwhile stay in the journal's history. An arrival that is taken back leaves the child's
    record without a class.
    """
    row = checks.line_of(w.db, line)
    if row["kind"] not in WITHDRAWN_KINDS:
        raise NotFound()
    pupil, day, old = row["pupil"], row["date"], row["from_class"]
    step = moving_on.ahead(w.db, pupil, day) if row["kind"] == "transfer" else None
    checks.require_latest(w.db, pupil, day, line, step)
    w.retire("movement", line)
    if step is not None and moving_on.time_to_place(w.db, row) is not None:
        old = step.old
    else:
        if row["to_class"] is not None:
            roster.leave(w, pupil, row["to_class"], day)
        if old is not None:
            roster.return_to(w, pupil, old, day)
        if step is not None:
            moving_on.step_back(w, pupil, old, row["to_class"])
    if old is not None:
        if row["kind"] == "departed":
            moving_on.keep_line(w, pupil, old, None)
        moving_on.move_on(w, pupil, old)
    frozen.follow(w, line)


def give_missing_numbers(w: Writer) -> int:
    """Give every named pupil without a personal file number the next of the letter; returns how many got one."""
    return files.give_missing(w)


# ---- what is written


def _surname(db: Database, pupil: int) -> str | None:
    found: str | None = db.execute("SELECT surname FROM person WHERE id = ?", (pupil,)).fetchone()[0]
    return found


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
        birth = Born(who.birth_date, year)
        consenting.record(w, person, replace(who.consent, signer=signer), received_by, birth)
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
    line = _insert(w, pupil, kind, day, paper, **values)
    frozen.follow(w, line)
    return line


def _insert(w: Writer, pupil: int, kind: str, day: int, paper: Paper, **values: Value) -> int:
    return w.insert("movement", pupil=pupil, kind=kind, date=day, **values, **_paper(w.db, paper))


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
