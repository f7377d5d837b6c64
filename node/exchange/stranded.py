"""What the hub alone holds of this school, told in words for people who write it again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, author, full_name
from node.reading.noting import note
from shared.dates import date_of
from shared.db import transaction
from shared.report import EMPTY
from shared.schema import BY_NUMBER, Column, Value, label
from sync import restored, stranded
from sync.change import Change
from sync.clock import ms_of
from sync.stranded import Stranded
from sync.writer import writing

_PEOPLE = ("person", "pupil", "staff")


def read(db: Database, folder: Path, account: int) -> list[Stranded]:
    """Read the files of the hub, and note it in the reading log; problems as `sync.stranded.read` says.

    Of packets in which nothing is missing here the hub is told with the next sync.
    """
    found = stranded.read(db, folder)
    with writing(db, account) as w:
        note(w, account, "export", "packets of the hub")
    settle(db, [one for one in found if not one.missing])
    return found


def settle(db: Database, packets: Sequence[Stranded]) -> None:
    """What was in them is written again: have the hub told, which then keeps their names alone."""
    with transaction(db):
        restored.report(db, [one.hash for one in packets])


def told(db: Database, change: Change, today: int, language: str) -> str:
    """One line for a change: when and by whom, of what row, and its values; those that need a consent are not shown."""
    table = BY_NUMBER.get(change.table)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(ms_of(change.clock) / 1000))
    if table is None:
        return f"{when}  {change.table} {change.key}"
    parts = [when, author(db, change.actor or 0, today) or EMPTY, label(table, language)]
    columns = {c.number: c for c in table.columns}
    values: list[tuple[Column, Value]] = [*zip(table.key_columns, change.key, strict=True)]
    values += [(columns[n], value) for n, value in sorted(change.values.items()) if n in columns]
    shown = (f"{label(column, language)}: {_shown(db, column, value, today)}" for column, value in values)
    return "  ".join([*parts, *shown])


def lines(db: Database, packets: Sequence[Stranded], today: int, language: str) -> Iterator[str]:
    """All that is missing here, in the order it was written."""
    return (told(db, change, today, language) for one in packets for change in one.missing)


def _shown(db: Database, column: Column, value: Value, today: int) -> str:
    if value is None or column.consent:
        return EMPTY
    if column.references in _PEOPLE and isinstance(value, int):
        return _name(db, value, today) or str(value)
    if column.type == "date" and isinstance(value, int):
        return date_of(value).isoformat()
    return str(value)


def _name(db: Database, person: int, today: int) -> str:
    sql = f"WITH {NAMED} SELECT {NAME_COLUMNS} FROM named n WHERE n.id = :person"
    row = next(iter(db.query(sql, {"today": today, "person": person})), None)
    return full_name(row) if row else ""
