"""Finding people who are probably one. Names are compared of those who may be named, numbers on paper of everyone.

Of a person without a consent nothing else is known that would tell two from one, so nobody but a person can.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlite_utils import Database

from node import numbers
from node.people.queries import (
    NAME_COLUMNS,
    NAMED,
    children_of,
    class_name,
    enrolments,
    full_name,
    guardians_of,
    number_of,
    pupil,
    staff_member,
)
from shared.i18n import folded, near

EDITS = 2
"""Letters by which names of the same date of birth may differ."""


@dataclass(frozen=True)
class Candidate:
    """One of a pair; ``birth_date`` in days since 1970, ``what``: pupil, staff or guardian, as far as known."""

    id: int
    name: str
    number: int
    birth_date: int | None
    what: str


@dataclass(frozen=True)
class Pair:
    """Two people who may be one. ``why``: the column of a number that both have (`node.numbers`), name (and date of
    birth), near (alike, born the same day), or asked (someone named the two)."""

    one: Candidate
    other: Candidate
    why: str


@dataclass(frozen=True)
class Known:
    """What the school knows of someone beside the name. ``born`` is the year, ``position`` a code, of the guardians
    (or, of a guardian, the children) those are named who may be."""

    class_name: str = ""
    file: str = ""
    born: int | None = None
    position: str = ""
    relatives: tuple[str, ...] = ()


_SELECT = f"""WITH {NAMED}
  SELECT p.id, {NAME_COLUMNS}, p.birth_date,
    CASE WHEN EXISTS (SELECT 1 FROM pupil u WHERE u.person = p.id AND u.retired_at IS NULL) THEN 'pupil'
         WHEN EXISTS (SELECT 1 FROM staff s WHERE s.person = p.id AND s.retired_at IS NULL) THEN 'staff'
         WHEN EXISTS (SELECT 1 FROM guardian g WHERE g.person = p.id AND g.retired_at IS NULL) THEN 'guardian'
         ELSE '' END AS what"""
_PEOPLE = f"{_SELECT} FROM named n JOIN person p ON p.id = n.id ORDER BY p.id"
_BY_NUMBER = f"""{_SELECT} FROM person p LEFT JOIN named n ON n.id = p.id
  WHERE p.id & 4294967295 = :number AND p.retired_at IS NULL ORDER BY p.id"""


_BY_ROW = f"""{_SELECT} FROM person p LEFT JOIN named n ON n.id = p.id
  WHERE p.id IN (SELECT value FROM json_each(:rows))"""


def candidates(db: Database, today: int) -> list[Candidate]:
    """Everyone who may be named, the oldest row first."""
    return [_candidate(row) for row in db.query(_PEOPLE, {"today": today})]


def asked(db: Database, one: int, other: int, today: int) -> list[Pair]:
    """The pairs that two numbers stand for, as cards show them; two machines may have given the same number."""
    first, second = (
        [_candidate(row) for row in db.query(_BY_NUMBER, {"today": today, "number": number})]
        for number in (one, other)
    )
    return [Pair(a, b, "asked") for a in first for b in second if a.id != b.id]


def _candidate(row: Mapping[str, Any]) -> Candidate:
    born = row["birth_date"] if full_name(row) else None
    return Candidate(row["id"], full_name(row), number_of(row["id"]), born, row["what"])


def known(db: Database, person: int, today: int) -> Known:
    """By what someone who looks at a pair may tell the two apart."""
    roll, entered, works = enrolments(db, person), pupil(db, person), staff_member(db, person)
    born = db.execute("SELECT birth_year FROM person WHERE id = ?", (person,)).fetchone()
    if entered is None:
        sql = f"WITH {NAMED} SELECT {NAME_COLUMNS} FROM named n WHERE n.id = :id"
        related: list[Mapping[str, Any]] = [
            row for child in children_of(db, person) for row in db.query(sql, {"id": child, "today": today})
        ]
    else:
        related = list(guardians_of(db, person, today))
    return Known(
        class_name(roll[0]["grade"], roll[0]["letter"]) if roll else "",
        (entered["personal_file"] or "") if entered else "",
        born[0] if born else None,
        (works["position"] or "") if works else "",
        tuple(filter(None, map(full_name, related))),
    )


def pairs(db: Database, today: int) -> list[Pair]:
    """Pairs that may be one person, the surest first."""
    people = candidates(db, today)
    found: dict[tuple[int, int], Pair] = {}
    for why, groups in (
        *_of_one_number(db, today),
        ("name", _grouped(people, lambda c: folded(c.name))),
        ("near", _grouped(people, lambda c: c.birth_date)),
    ):
        for group in groups:
            for one, other in combinations(group, 2):
                if (one.id, other.id) not in found and _alike(one, other, why):
                    found[one.id, other.id] = Pair(one, other, why)
    return list(found.values())


def _of_one_number(db: Database, today: int) -> Iterator[tuple[str, list[list[Candidate]]]]:
    """Column of a number, and all who have one number of it; the number that only one can have first."""
    doubles = list(numbers.Holders(db).doubles())
    rows = json.dumps([person for _, people in doubles for person in people])
    known = {row["id"]: _candidate(row) for row in db.query(_BY_ROW, {"today": today, "rows": rows})}
    for column in (name for names in numbers.COLUMNS.values() for name in names):
        yield column, [[known[one] for one in people] for of, people in doubles if of == column]


def _grouped(people: list[Candidate], key: Callable[[Candidate], object]) -> list[list[Candidate]]:
    groups: dict[object, list[Candidate]] = {}
    for one in people:
        value = key(one)
        if value not in (None, ""):
            groups.setdefault(value, []).append(one)
    return [group for group in groups.values() if len(group) > 1]


def _alike(one: Candidate, other: Candidate, why: str) -> bool:
    if why == "name":
        return one.birth_date == other.birth_date or None in (one.birth_date, other.birth_date)
    if why != "near":
        return True
    first, second = folded(one.name), folded(other.name)
    return abs(len(first) - len(second)) <= EDITS and near(first, second, EDITS)
