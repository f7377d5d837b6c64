"""Lists and people without a name: whom a number means, and which of them a new person of a list may be.

Who never signed, or withdrew, is known here by number, sex and year of birth alone. A list that brings the name could
make a second person of each, so it says whom it means, or that it means others.
"""

from __future__ import annotations

from sqlite_utils import Database

from node.importing.finding import Row
from shared.problems import N_, LineError

NOBODY = N_("Nobody here has this number.")
MAYBE = N_(
    "Someone without a name here may be meant: {people}. If so, write that number into the column “{column}”; if not, "
    "say that the people of the list are others."
)
_ALIKE = """p.surname IS NULL AND p.retired_at IS NULL AND p.id <> :id
  AND (p.sex IS NULL OR :sex IS NULL OR p.sex = :sex)
  AND (p.birth_year IS NULL OR :birth_year IS NULL OR p.birth_year = :birth_year)"""
_STAFF = f"""SELECT p.id FROM staff s JOIN person p ON p.id = s.person
  WHERE s.retired_at IS NULL AND ifnull(s."end", :day + 1) > :day AND {_ALIKE} ORDER BY p.id"""
_PUPILS = f"""SELECT DISTINCT p.id FROM enrolment e JOIN person p ON p.id = e.pupil JOIN pupil u ON u.person = e.pupil
  WHERE e.class_group = :class_group AND e.retired_at IS NULL AND ifnull(e."end", :day + 1) > :day
    AND (u.personal_file IS NULL OR :personal_file IS NULL) AND {_ALIKE} ORDER BY p.id"""
_GUARDIANS = """SELECT g.person FROM guardian g JOIN person p ON p.id = g.person
  WHERE g.pupil = :pupil AND g.retired_at IS NULL AND p.surname IS NULL AND p.retired_at IS NULL AND p.id <> :id
    AND (g.relation = :relation OR (ifnull(g.relation, 'other') = 'other' AND :relation NOT IN ('mother', 'father')))
  ORDER BY g.person"""


class MayBeSomeone(LineError):
    """The line adds a person who may be one without a name here, and nobody said that it is another."""


def numbered(db: Database, number: int) -> list[int]:
    """The people whom a number means; two machines may have given the same."""
    sql = "SELECT id FROM person WHERE id & 4294967295 = ? AND retired_at IS NULL ORDER BY id"
    return [person for (person,) in db.execute(sql, (number,)).fetchall()]


def candidates(db: Database, table: str, person: Row, row: Row, file: str | None, today: int) -> list[int]:
    """Who without a name a new person may be, by a row of ``table`` that the same line brought.

    Staff and pupils by sex and year of birth, among those who work here, or are in the class and have no personal file
    (``file``: the number on the line); guardians by the child and the relation.
    """
    sql = {"staff": _STAFF, "enrolment": _PUPILS, "guardian": _GUARDIANS}.get(table, "")
    told = {name: person.get(name) for name in ("id", "sex", "birth_year")}
    asked = {**told, **row, "id": person["id"], "personal_file": file, "day": today}
    return [one for (one,) in db.execute(sql, asked).fetchall()] if sql else []
