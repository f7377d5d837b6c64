"""Two releases in one process: the schema as it was, and as it may become."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import sqlalchemy as sa

from shared import schema
from shared.schema import Column, Table

NEXT = schema.VERSION + 1


def column(number: int, name: str, type_: str, scope: schema.Scope, **more: object) -> Column:
    return Column(name, number, type_, scope, (name, name, name), since=NEXT, **more)  # type: ignore[arg-type]


CLUB = Table(
    "club",
    900,
    "organisation",
    ("club", "club", "club"),
    ("id",),
    (
        column(0, "id", "ref", "district"),
        column(1, "retired_at", "instant", "district"),
        column(2, "kind", "code", "district", default="sport"),
        column(3, "name", "text", "school"),
        column(4, "room", "ref", "school", references="room"),
    ),
    since=NEXT,
    indexes=(("kind",),),
)
CLUB_PUPIL = Table(
    "club_pupil",
    901,
    "organisation",
    ("club pupil", "club pupil", "club pupil"),
    ("club", "pupil"),
    (
        column(1, "retired_at", "instant", "district"),
        column(2, "club", "ref", "district", references="club"),
        column(3, "pupil", "ref", "district", references="pupil"),
        column(4, "captain", "bool", "district", default=0),
    ),
    since=NEXT,
)
NEW_COLUMNS = {
    "pupil": (
        column(90, "transport", "code", "district", default="foot"),
        column(91, "hobby", "text", "school"),
    ),
    "mark": (column(92, "tenths", "int", "school", default=0, unit="mark"),),
    "class_group": (column(93, "club", "ref", "district", references="club"),),
}
NEW_INDEXES = {"pupil": (("transport",),), "room": (("name",),)}


def next_tables() -> tuple[Table, ...]:
    """The present tables with columns and indexes added to some, and two tables more."""
    grown = (
        replace(
            table,
            all_columns=(*table.all_columns, *NEW_COLUMNS.get(table.name, ())),
            indexes=(*table.indexes, *NEW_INDEXES.get(table.name, ())),
        )
        for table in schema.TABLES
    )
    return (*grown, CLUB, CLUB_PUPIL)


def tables_at(version: int) -> tuple[Table, ...]:
    """The tables and columns that a release of this schema version knew."""
    return tuple(
        replace(
            table,
            all_columns=tuple(c for c in table.all_columns if c.since <= version),
            indexes=tuple(i for i in table.indexes if all(table.by_name[c].since <= version for c in i)),
        )
        for table in next_tables()
        if table.since <= version
    )


@contextlib.contextmanager
def release(version: int) -> Iterator[None]:
    """Inside, every package knows the schema of this version and no other; contexts nest."""
    before = schema.VERSION, schema.TABLES
    _become(version, tables_at(version) if version != NEXT else next_tables())
    try:
        yield
    finally:
        _become(*before)


def _become(version: int, tables: tuple[Table, ...]) -> None:
    names = {
        "VERSION": version,
        "TABLES": tables,
        "HUB_TABLES": tuple(t for t in tables if t.on_hub),
    }
    old = {name: getattr(schema, name) for name in names}
    for module in [m for n, m in sys.modules.items() if n.split(".")[0] in ("shared", "sync", "node", "hub")]:
        for name, value in names.items():
            if name in vars(module) and vars(module)[name] == old[name]:
                setattr(module, name, value)
    if "hub.tables" in sys.modules:
        _become_hub(sys.modules["hub.tables"], tables)
    for index, key in ((schema.BY_NAME, "name"), (schema.BY_NUMBER, "number")):
        index.clear()
        index.update({getattr(t, key): t for t in tables})  # type: ignore[arg-type]


def _become_hub(hub_tables: ModuleType, tables: tuple[Table, ...]) -> None:
    """The hub's tables were made from the schema when their module was read."""
    metadata = sa.MetaData()
    for table in hub_tables.metadata.sorted_tables:
        if table.name not in hub_tables.VIEWS:
            table.to_metadata(metadata)
    hub_tables.metadata = metadata
    views = {t.name: hub_tables._view(t) for t in tables if t.on_hub or t.is_reference}
    hub_tables.VIEWS.clear()
    hub_tables.VIEWS.update(views)
