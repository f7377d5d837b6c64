"""Secrets planted in a school: twice a text in every column that must stay sealed, and numbers where any fits."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlite_utils import Database

from node.generator.markers import holds_marker, plant_markers, planted_value
from shared.schema import TABLES, Column, Table, Value
from shared.tables import quoted
from sync.writer import Writer, writing

_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"


def _token(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@dataclass
class Planted:
    """What may not be found, by place; ``open_code`` must be found at the hub, or the search finds nothing at all.

    Texts begin with Cyrillic letters, which JSON escapes, and go on with Latin ones, which survive most encodings.
    """

    first: str = field(default_factory=lambda: f"Өң{_token(9)}")
    open_code: str = field(default_factory=lambda: f"od{_token(10)}")
    values: dict[str, str | int] = field(default_factory=dict)

    def all(self) -> dict[str, str | int]:
        return {"the first value of every column": self.first, **self.values}


def plant(db: Database, actor: int, planted: Planted) -> None:
    """The first value everywhere; a subject of the school's own whose code is for the district to read."""
    plant_markers(db, actor, planted.first)
    with writing(db, actor) as w:
        w.insert("subject", code=planted.open_code, name_ky=planted.first)


def replant(db: Database, actor: int, planted: Planted) -> None:
    """A value of its own instead, in every column: what was replaced must not be found either."""
    with writing(db, actor) as w:
        for table in TABLES:
            columns = [c for c in table.columns if holds_marker(c)]
            numbers = [c for c in table.columns if _takes_any_number(c)]
            if columns:
                _replant_row(w, table, columns, numbers, planted)


def _replant_row(
    w: Writer, table: Table, columns: list[Column], numbers: list[Column], planted: Planted
) -> None:
    old = planted_value(columns[0], planted.first)
    keys = ", ".join(map(quoted, table.key))
    key = w.db.execute(
        f"SELECT {keys} FROM {quoted(table.name)} WHERE {quoted(columns[0].name)} = ? ORDER BY 1 LIMIT 1",
        (old,),
    ).fetchone()
    new: dict[str, Value] = {c.name: planted_value(c, f"Ңү{_token(9)}") for c in columns}
    new |= {c.name: 10**16 + secrets.randbelow(8 * 10**17) for c in numbers}
    w.put(table.name, **dict(zip(table.key, key, strict=True)), **new)
    for name, value in new.items():
        planted.values[f"{table.name}.{name}"] = value.decode() if isinstance(value, bytes) else str(value)


def _takes_any_number(column: Column) -> bool:
    return column.scope == "school" and column.type in ("int", "instant") and column.maximum is None


def sealed_columns() -> Iterator[str]:
    """Every ``table.column`` in which a text can stand that must not leave the school."""
    for table in TABLES:
        if not table.derived:
            yield from (f"{table.name}.{c.name}" for c in table.columns if holds_marker(c))
