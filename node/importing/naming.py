"""What rows are called when people are told what an undo takes out, brings back or leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, class_name, full_name, number_of
from shared.schema import BY_NAME
from shared.tables import quoted
from sync.undo import LeftAlone, Row

_OF_PERSON = ("person", "pupil")
_OWN_ROW = ("person", "pupil", "staff")
"""Tables whose key is a person's."""


@dataclass(frozen=True)
class Called:
    """Whom or what a row is about: a person (``number`` where no name may be shown), a class, a text; else nothing."""

    name: str = ""
    number: int = 0
    person: int = 0
    class_group: int = 0


@dataclass(frozen=True)
class Kept:
    """What an undo leaves of one person or thing: rows by table, why, by which account and when (milliseconds)."""

    called: Called
    tables: tuple[str, ...]
    why: str
    actor: int
    at: int


def called(db: Database, row: Row, today: int) -> Called:
    """Whom or what a row is about."""
    name, key = row
    table = BY_NAME[name]
    where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
    found: Mapping[str, Any] | None = next(
        iter(db.query(f"SELECT * FROM {quoted(name)} WHERE {where}", key)), None
    )
    if found is None:
        return Called()
    person = key[0] if name in _OWN_ROW else next((found[c] for c in _OF_PERSON if found.get(c)), 0)
    if person:
        sql = f"WITH {NAMED} SELECT {NAME_COLUMNS} FROM named n WHERE n.id = :id"
        named = next(iter(db.query(sql, {"id": person, "today": today})), None)
        return Called(full_name(named) if named else "", number_of(person), person)
    if name == "class_group":
        return Called(class_name(found["grade"], found["letter"]), class_group=key[0])
    return Called(str(found.get("topic") or found.get("title") or found.get("name") or ""))


def by_table(db: Database, rows: Iterable[Row], today: int) -> dict[str, list[Called]]:
    """Whom or what the rows are about, by table: each person once, where the row is the person's own."""
    found: dict[str, list[Called]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(called(db, row, today))
    return found


def kept(db: Database, left_alone: Iterable[LeftAlone], today: int) -> list[Kept]:
    """What is left of each person or thing, the latest reason first."""
    found: dict[tuple[Called, str], list[LeftAlone]] = {}
    for one in left_alone:
        of = called(db, one.place[:2], today)
        alone = "" if of != Called() else one.place[0]
        found.setdefault((of, alone), []).append(one)
    return [
        Kept(of, tuple(dict.fromkeys(one.place[0] for one in ones)), ones[0].why, ones[0].actor, ones[0].at)
        for (of, _), ones in found.items()
    ]
