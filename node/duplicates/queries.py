"""Finding people who are probably one. Only those who may be named are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, full_name, number_of
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
    personal_number: str
    what: str


@dataclass(frozen=True)
class Pair:
    """Two people who may be one. ``why``: number, name (and date of birth), or near (alike, born the same day)."""

    one: Candidate
    other: Candidate
    why: str


_PEOPLE = f"""WITH {NAMED}
  SELECT p.id, {NAME_COLUMNS}, p.birth_date, p.personal_number,
    CASE WHEN EXISTS (SELECT 1 FROM pupil u WHERE u.person = p.id AND u.retired_at IS NULL) THEN 'pupil'
         WHEN EXISTS (SELECT 1 FROM staff s WHERE s.person = p.id AND s.retired_at IS NULL) THEN 'staff'
         WHEN EXISTS (SELECT 1 FROM guardian g WHERE g.person = p.id AND g.retired_at IS NULL) THEN 'guardian'
         ELSE '' END AS what
  FROM named n JOIN person p ON p.id = n.id ORDER BY p.id"""


def candidates(db: Database, today: int) -> list[Candidate]:
    """Everyone who may be named, the oldest row first."""
    return [
        Candidate(
            row["id"], full_name(row), number_of(row["id"]), row["birth_date"], row["personal_number"] or "",
            row["what"],
        )
        for row in db.query(_PEOPLE, {"today": today})
    ]  # fmt: skip


def pairs(db: Database, today: int) -> list[Pair]:
    """Pairs that may be one person, the surest first."""
    people = candidates(db, today)
    found: dict[tuple[int, int], Pair] = {}
    for why, groups in (
        ("number", _grouped(people, lambda c: c.personal_number)),
        ("name", _grouped(people, lambda c: folded(c.name))),
        ("near", _grouped(people, lambda c: c.birth_date)),
    ):
        for group in groups:
            for one, other in combinations(group, 2):
                if (one.id, other.id) not in found and _alike(one, other, why):
                    found[one.id, other.id] = Pair(one, other, why)
    return list(found.values())


def _grouped(people: list[Candidate], key: Callable[[Candidate], object]) -> list[list[Candidate]]:
    groups: dict[object, list[Candidate]] = {}
    for one in people:
        value = key(one)
        if value not in (None, ""):
            groups.setdefault(value, []).append(one)
    return [group for group in groups.values() if len(group) > 1]


def _alike(one: Candidate, other: Candidate, why: str) -> bool:
    if why == "number":
        return True
    if why == "name":
        return one.birth_date == other.birth_date or None in (one.birth_date, other.birth_date)
    first, second = folded(one.name), folded(other.name)
    return abs(len(first) - len(second)) <= EDITS and near(first, second, EDITS)
