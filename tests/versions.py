"""Two releases in one process: the schema as it was, and as it may become."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType

import sqlalchemy as sa

from shared import reference, schema
from shared.schema import Column, Table
from sync import erasure, gate, undo
from sync.log import shipped

TODAY, TABLES_TODAY = schema.VERSION, schema.TABLES
NEXT = TODAY + 1


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
CLUB_CARD = Table(
    "club_card",
    902,
    "organisation",
    ("club card", "club card", "club card"),
    ("id",),
    (
        column(0, "id", "ref", "school"),
        column(1, "retired_at", "instant", "school"),
        column(2, "person", "ref", "school", references="person"),
        column(3, "health_note", "text", "school", consent="health"),
        column(4, "colour", "text", "school"),
    ),
    since=NEXT,
)
NEW_COLUMNS = {
    "person": (column(94, "nickname", "text", "school", consent="core"),),
    "pupil": (
        column(90, "transport", "code", "district", default="foot"),
        column(91, "hobby", "text", "school"),
    ),
    "mark": (column(92, "tenths", "int", "school", default=0, unit="mark"),),
    "class_group": (column(93, "club", "ref", "district", references="club"),),
}
NEW_INDEXES = {"pupil": (("transport",),), "room": (("name",),)}


_SHIPPED_TODAY = dict(reference.ROWS)


@cache
def next_tables() -> tuple[Table, ...]:
    """The present tables with columns and indexes added to some, and two tables more."""
    grown = (
        replace(
            table,
            all_columns=(*table.all_columns, *NEW_COLUMNS.get(table.name, ())),
            indexes=(*table.indexes, *NEW_INDEXES.get(table.name, ())),
        )
        for table in TABLES_TODAY
    )
    return (*grown, CLUB, CLUB_PUPIL, CLUB_CARD)


@cache
def tables_at(version: int) -> tuple[Table, ...]:
    """The tables and columns that a release of this schema version knew."""
    if version == TODAY:
        return TABLES_TODAY
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
    if version == before[0]:
        yield
        return
    rows = dict(reference.ROWS)
    _become(version, tables_at(version) if version != NEXT else next_tables())
    _ship(rows if before[0] >= TODAY else _SHIPPED_TODAY)
    try:
        yield
    finally:
        _become(*before)
        reference.ROWS.clear()
        reference.ROWS.update(rows)


def _ship(every: Mapping[str, list[dict[str, schema.Value]]]) -> None:
    """Reference rows of the tables and columns that the release knows; what a release shipped stays in its log."""
    shipped()
    known = {t.name: {c.name for c in t.all_columns} for t in schema.TABLES}
    rows = {name: some for name, some in every.items() if name in known}
    reference.ROWS.clear()
    for name, some in rows.items():
        reference.ROWS[name] = [{c: v for c, v in row.items() if c in known[name]} for row in some]


def _become(version: int, tables: tuple[Table, ...]) -> None:
    before = schema.VERSION
    names = {
        "VERSION": version,
        "TABLES": tables,
        "HUB_TABLES": tuple(t for t in tables if t.on_hub),
    }
    old = {name: getattr(schema, name) for name in names}
    for module in [m for n, m in sys.modules.items() if n.split(".")[0] in ("shared", "sync", "node", "hub")]:
        for name, value in names.items():
            if name in vars(module) and _is_same(vars(module)[name], old[name]):
                setattr(module, name, value)
    _become_gated(tables)
    if "hub.tables" in sys.modules:
        _become_hub(sys.modules["hub.tables"], before, version, tables)
    for index, key in ((schema.BY_NAME, "name"), (schema.BY_NUMBER, "number")):
        index.clear()
        index.update({getattr(t, key): t for t in tables})  # type: ignore[arg-type]


def _become_gated(tables: tuple[Table, ...]) -> None:
    """Which columns ask for a consent was gathered when these modules were read."""
    gated = tuple(t for t in tables if t.consented)
    gate.GATED, erasure.GATED = gated, gated
    gate._PARTS.clear()
    undo._NO_USE = frozenset({"act", "reading_log"}) | {t.name for t in tables if t.derived}


def _become_hub(hub_tables: ModuleType, before: int, version: int, tables: tuple[Table, ...]) -> None:
    """The hub's tables were made from the schema when their module was read; those of a version are made once."""
    _HUBS.setdefault(before, (hub_tables.metadata, dict(hub_tables.VIEWS)))
    if version not in _HUBS:
        metadata = sa.MetaData()
        for table in hub_tables.metadata.sorted_tables:
            if table.name not in hub_tables.VIEWS:
                table.to_metadata(metadata)
        hub_tables.metadata = metadata
        _HUBS[version] = metadata, {t.name: hub_tables._view(t) for t in tables if t.on_hub or t.is_reference}
    hub_tables.metadata, views = _HUBS[version]
    hub_tables.VIEWS.clear()
    hub_tables.VIEWS.update(views)


_HUBS: dict[int, tuple[sa.MetaData, dict[str, sa.Table]]] = {}


def _is_same(value: object, old: object) -> bool:
    return value == old if isinstance(old, int) else value is old
