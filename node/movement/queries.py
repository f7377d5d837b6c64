"""Reading the movement book, the alphabetic book and the balance of classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.calendar.queries import terms
from node.classes import queries as class_queries
from node.classes.queries import Year
from node.movement.balance import Discrepancy, Flow, Unwritten, discrepancies, of_span, unwritten
from node.movement.contradictions import apart
from node.numbers import letter_of, place_of
from node.people.queries import NAME_COLUMNS, NAMED, full_name
from shared.i18n import folded, in_order

__all__ = ["Discrepancy", "Flow", "Period", "Unwritten", "apart", "balance", "discrepancies", "unwritten"]

MOST_FOUND = 20
balance = of_span
_LINES = f"""WITH {NAMED}
  SELECT m.*, p.sex, CASE WHEN n.id IS NOT NULL THEN p.birth_date END AS birth_date, p.birth_year, {NAME_COLUMNS},
    f.grade AS from_grade, f.letter AS from_letter, t.grade AS to_grade, t.letter AS to_letter, pu.personal_file
  FROM movement m JOIN person p ON p.id = m.pupil JOIN pupil pu ON pu.person = m.pupil LEFT JOIN named n ON n.id = p.id
  LEFT JOIN class_group f ON f.id = m.from_class LEFT JOIN class_group t ON t.id = m.to_class
  WHERE m.retired_at IS NULL AND p.retired_at IS NULL AND pu.retired_at IS NULL"""


TO_SCHOOLS = ("district", "country", "abroad", "college")
"""Reasons of a departure after which another school has the pupil."""


@dataclass(frozen=True)
class Period:
    """A span whose balance is drawn: the roll of the day `after`, what happened later up to `until`."""

    key: str
    after: int
    until: int
    term: Mapping[str, Any] | None = None


def periods(db: Database, year: Year) -> list[Period]:
    """The quarters of a year (or its other periods) and the whole year.

    A quarter begins with the roll of the day on which the one before ended, the first with that of the first day of
    the year: admissions and moves of the summer are in it.
    """
    found, after = [], year.start
    for row in terms(db, year.id, kinds=("quarter", "period")):
        found.append(Period(f"{row['kind']}-{row['number']}", after, row["end"], row))
        after = row["end"]
    return [*found, Period("year", year.start, max(year.end, after))]


def period_on(found: Collection[Period], day: int) -> Period | None:
    """The period of a day: the first that has not ended; the year when all have."""
    return next((one for one in found if day <= one.until), None) or next(reversed(list(found)), None)


def last_day(db: Database, year: Year) -> int:
    """The day before the next school year: the book of a year holds its summer."""
    following = class_queries.following(db, year)
    return following.start - 1 if following else year.start + 364


def without_line(db: Database, today: int) -> int:
    """How many changes of the present year's rolls have no line in the book."""
    year = class_queries.present_year(class_queries.years(db), today)
    return len(unwritten(db, year.start, last_day(db, year))) if year else 0


# ---- the movement book


def lines(
    db: Database,
    first: int,
    last: int,
    today: int,
    kinds: Collection[str] = ("arrived", "departed", "transfer", "graduated"),
    classes: Collection[int] | None = None,
    pupils: Collection[int] | None = None,
) -> list[Mapping[str, Any]]:
    """The lines of some days in their order; of some classes or pupils alone, if any are named."""
    rows = db.query(
        f"{_LINES} AND m.date BETWEEN :first AND :last ORDER BY m.date, m.id",
        {"today": today, "first": first, "last": last},
    )
    return [
        row
        for row in rows
        if row["kind"] in kinds
        and (classes is None or {row["from_class"], row["to_class"]} & set(classes))
        and (pupils is None or row["pupil"] in pupils)
    ]


def line(db: Database, line_id: int, today: int) -> Mapping[str, Any] | None:
    """One line of the book."""
    return next(iter(db.query(f"{_LINES} AND m.id = :id", {"today": today, "id": line_id})), None)


def of_pupil(db: Database, pupil: int, today: int) -> list[Mapping[str, Any]]:
    """The lines about a pupil, the latest first."""
    sql = f"{_LINES} AND m.pupil = :pupil ORDER BY m.date DESC, m.id DESC"
    return list(db.query(sql, {"today": today, "pupil": pupil}))


def unconfirmed(db: Database, first: int, last: int, today: int) -> list[Mapping[str, Any]]:
    """Departures of some days to another school that none has confirmed, of pupils who are on no roll; latest first."""
    return [
        row
        for row in reversed(lines(db, first, last, today, ("departed",)))
        if not row["confirmed"]
        and row["reason"] in TO_SCHOOLS
        and enrolled_in(db, row["pupil"], today) is None
    ]


def enrolled_in(db: Database, pupil: int, day: int) -> Mapping[str, Any] | None:
    """The class on whose roll a pupil stands on a day or later, the latest."""
    sql = """SELECT cg.id, cg.grade, cg.letter, cg.year, cg.language, e.start FROM enrolment e
      JOIN class_group cg ON cg.id = e.class_group WHERE e.pupil = ? AND e.retired_at IS NULL
      AND (e."end" IS NULL OR e."end" > ?) ORDER BY e.start DESC LIMIT 1"""
    return next(iter(db.query(sql, (pupil, day))), None)


def open_classes(db: Database, year: int, day: int) -> list[Mapping[str, Any]]:
    """The classes of a year that take pupils on a day."""
    sql = """SELECT id, grade, letter, language FROM class_group WHERE year = ? AND retired_at IS NULL
      AND (closed_on IS NULL OR closed_on > ?) ORDER BY grade, letter, id"""
    return list(db.query(sql, (year, day)))


def split_subjects(db: Database, class_id: int) -> list[tuple[Mapping[str, Any], list[tuple[int, str]]]]:
    """The subjects that a class is taught in subgroups, each with them."""
    rows = db.query(
        """SELECT sg.id, sg.name AS part, sg.subject, s.code, s.name_ky, s.name_ru, s.name_en FROM subject_group sg
           JOIN subject s ON s.id = sg.subject WHERE sg.class_group = ? AND sg.retired_at IS NULL
           ORDER BY s.sort, s.id, ifnull(sg.name, ''), sg.id""",
        (class_id,),
    )
    found: dict[int, tuple[Mapping[str, Any], list[tuple[int, str]]]] = {}
    for row in rows:
        parts = found.setdefault(row["subject"], (row, []))[1]
        parts.append((row["id"], row["part"] or str(len(parts) + 1)))
    return [(row, parts) for row, parts in found.values() if len(parts) > 1]


def orders(db: Database, first: int, also: int | None = None) -> list[Mapping[str, Any]]:
    """Orders about pupils since a day, the latest first; ``also`` one of any day and series."""
    sql = """SELECT id, number, date, title FROM order_book WHERE retired_at IS NULL
      AND (id = :also OR (series = 'pupils' AND date >= :first))
      ORDER BY id = :also DESC, date DESC, id DESC LIMIT 100"""
    return list(db.query(sql, {"first": first, "also": also or 0}))


def former_pupils(db: Database, text: str, day: int, today: int) -> list[Mapping[str, Any]]:
    """Pupils who are on no roll on a day or later and whose name (or number) holds every word."""
    sql = f"""WITH {NAMED} SELECT p.id, p.birth_year, {NAME_COLUMNS} FROM pupil pu JOIN person p ON p.id = pu.person
      LEFT JOIN named n ON n.id = p.id WHERE pu.retired_at IS NULL AND p.retired_at IS NULL AND NOT EXISTS
      (SELECT 1 FROM enrolment e WHERE e.pupil = p.id AND e.retired_at IS NULL
       AND (e."end" IS NULL OR e."end" > :day))"""
    words = folded(text.replace("№", " ")).split()
    rows: list[Mapping[str, Any]] = [
        row
        for row in db.query(sql, {"day": day, "today": today})
        if words
        and all(word in folded(full_name(row)) or word == str(row["id"] & 0xFFFFFFFF) for word in words)
    ]
    return in_order(rows, full_name)[:MOST_FOUND]


# ---- the alphabetic book


@dataclass(frozen=True)
class Entry:
    """A pupil in the alphabetic book, with the act by which the pupil came and the one by which the pupil left."""

    letter: str
    number: int
    row: Mapping[str, Any]
    came: Mapping[str, Any] | None
    left: Mapping[str, Any] | None


def alphabetic_book(db: Database, today: int) -> dict[str, list[Entry]]:
    """Letter -> the pupils of its page by their number, in the order of the alphabet; the nameless stand under "–".

    The letter is that of the personal file; where there is no number yet, that of the surname.
    """
    came, left = _first_and_last(db, today)
    pages: dict[str, list[Entry]] = {}
    for row in db.query(
        f"""WITH {NAMED} SELECT p.id, p.sex, p.birth_year, pu.language, pu.personal_file, pu.alphabet_book,
              CASE WHEN n.id IS NOT NULL THEN p.birth_date END AS birth_date,
              CASE WHEN n.id IS NOT NULL THEN p.address END AS address, {NAME_COLUMNS},
              (SELECT min(e.start) FROM enrolment e WHERE e.pupil = p.id AND e.retired_at IS NULL) AS first_day
            FROM pupil pu JOIN person p ON p.id = pu.person LEFT JOIN named n ON n.id = p.id
            WHERE pu.retired_at IS NULL AND p.retired_at IS NULL""",
        {"today": today},
    ):
        letter, number = place_of(row["personal_file"])
        letter = letter or letter_of(row["surname"]) or "–"
        pages.setdefault(letter, []).append(
            Entry(letter, number, row, came.get(row["id"]), left.get(row["id"]))
        )
    return {
        letter: sorted(
            in_order(pages[letter], lambda one: full_name(one.row)),
            key=lambda one: (not one.number, one.number),
        )
        for letter in in_order([*pages], lambda letter: letter if letter != "–" else "")
    }


def _first_and_last(
    db: Database, today: int
) -> tuple[dict[int, Mapping[str, Any]], dict[int, Mapping[str, Any]]]:
    """Pupil -> the class first entered; pupil -> the line by which the pupil left, if nothing came after it."""
    came: dict[int, Mapping[str, Any]] = {}
    for row in db.query(
        """SELECT e.pupil, e.start, cg.grade, cg.letter FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
           WHERE e.retired_at IS NULL ORDER BY e.start, e.id"""
    ):
        came.setdefault(row["pupil"], row)
    last: dict[int, Mapping[str, Any]] = {}
    for row in db.query(f"{_LINES} ORDER BY m.date, m.id", {"today": today}):
        last[row["pupil"]] = row
    return came, {pupil: row for pupil, row in last.items() if row["kind"] in ("departed", "graduated")}


def without_number(db: Database, today: int) -> int:
    """Pupils who may be named and have no personal file number."""
    sql = f"""WITH {NAMED} SELECT count(*) FROM pupil pu JOIN named n ON n.id = pu.person
      WHERE pu.retired_at IS NULL AND ifnull(pu.personal_file, '') = '' AND n.surname IS NOT NULL"""
    return int(db.execute(sql, {"today": today}).fetchone()[0])
