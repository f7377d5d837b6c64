"""Plants a recognisable text in every column that must not leave the school in the open, to prove that none does.


Generic: it reads the schema, so a column added tomorrow is covered tomorrow.
"""

from __future__ import annotations

import hashlib
import re

from sqlite_utils import Database

from shared.dates import day_at
from shared.schema import BY_NAME, TABLES, Column, Table, Value
from sync.writer import Writer, writing


def plant_markers(db: Database, actor: int, marker: str) -> dict[str, str | bytes]:
    """Write one row into every table, the marker in each text and bytes column of scope `school`, as `actor`.

    The names of reference rows are among them, for a school's own are sealed too. A column too short for the marker
    holds its beginning, one that takes only digits a number made from it; columns of codes and derived tables hold
    none. Returns what was planted, by ``table.column``.
    """
    with writing(db, actor) as w:
        planter = _Planter(w, marker)
        for table in TABLES:
            if not table.derived:
                planter.row(table)
        planter.name_people()
    return planter.planted


def holds_marker(column: Column) -> bool:
    """Must this column be sealed, and can a text stand in it?"""
    return column.scope in ("school", "reference") and column.type in ("text", "bytes") and not column.choices


def planted_value(column: Column, marker: str) -> str | bytes:
    """What stands for the marker in a column."""
    if column.type == "bytes":
        return marker.encode()
    if column.pattern and not re.fullmatch(column.pattern, marker):
        return f"{int.from_bytes(hashlib.sha256(marker.encode()).digest()) % 10**14:014d}"
    return marker[: column.max_length]


class _Planter:
    def __init__(self, writer: Writer, marker: str) -> None:
        self.writer = writer
        self.marker = marker
        self.planted: dict[str, str | bytes] = {}
        self.rows: dict[str, int] = {}
        self.later: list[tuple[Table, int, dict[str, Value]]] = []

    def row(self, table: Table) -> int:
        """The id (or first key column) of the one row planted in a table."""
        if table.name in self.rows:
            return self.rows[table.name]
        values = {
            c.name: self.value(table, c) for c in table.all_columns if c.name not in ("id", "retired_at")
        }
        now = {name: v for name, v in values.items() if v is not None and table.by_name[name].consent is None}
        if table.key == ("id",):
            found = self.writer.insert(table.name, **now)
        else:
            self.writer.put(table.name, **now)
            found = int(str(now[table.key[0]]))
        self.rows[table.name] = found
        later: dict[str, Value] = {name: v for name, v in values.items() if v is not None and name not in now}
        if later:
            self.later.append((table, found, later))
        return found

    def value(self, table: Table, column: Column) -> Value:
        if holds_marker(column):
            planted = self.planted[f"{table.name}.{column.name}"] = planted_value(column, self.marker)
            return planted
        if column.name in table.key:
            return self.key_value(table, column)
        if column.references and not column.soft and column.references in self.rows:
            return self.rows[column.references]
        return None

    def key_value(self, table: Table, column: Column) -> Value:
        if column.references:
            return self.row(BY_NAME[column.references])
        return column.minimum if column.minimum and column.minimum > 0 else 1

    def name_people(self) -> None:
        """Give the person planted every consent, then what stands under one."""
        person = self.rows["person"]
        day = day_at(self.writer.now)
        for purpose in sorted({c.consent for t in TABLES for c in t.columns if c.consent}):
            self.writer.insert("consent", person=person, purpose=purpose, valid_from=day)
        for table, row_id, values in self.later:
            self.writer.update(table.name, row_id, **values)
