"""The data dictionary: the schema, searched in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.i18n import N_, coded, folded, schema_label
from shared.reference import LIST_OF_COLUMN
from shared.schema import TABLES, Column, Table

GROUPS = {
    "reference": N_("Reference"),
    "people": N_("People"),
    "organisation": N_("Organisation"),
    "movement": N_("Movement"),
    "time": N_("Timetable"),
    "teaching": N_("Teaching"),
    "access": N_("Access"),
}
"""Group of tables -> what it is called."""


@dataclass(frozen=True)
class Entry:
    """A table with those of its columns that a search found."""

    table: Table
    columns: tuple[Column, ...]


def entries(text: str) -> list[Entry]:
    """Tables whose name or label holds every word, whole; else those with columns that do."""
    words = folded(text).split()
    return [entry for table in TABLES for entry in _entry(table, words)]


def _entry(table: Table, words: list[str]) -> Iterator[Entry]:
    if _holds(f"{table.name} {schema_label(table)}", words):
        yield Entry(table, table.all_columns)
        return
    columns = tuple(c for c in table.all_columns if _holds(f"{c.name} {schema_label(c)}", words))
    if columns:
        yield Entry(table, columns)


def _holds(text: str, words: list[str]) -> bool:
    return all(word in folded(text) for word in words)


def allowed(table: Table, column: Column) -> str:
    """What values a column takes, in words: its codes by name, its bounds, its length."""
    if column.choices:
        named = (table.name, column.name) in LIST_OF_COLUMN
        return ", ".join(coded(c, table.name, column.name) if named else c for c in column.choices)
    if column.type == "int" and (column.minimum is not None or column.maximum is not None):
        low, high = ("" if bound is None else str(bound) for bound in (column.minimum, column.maximum))
        return f"{low}…{high}"
    return f"≤ {column.max_length}" if column.max_length else ""
