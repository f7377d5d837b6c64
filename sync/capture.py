"""Change capture: triggers made from the schema write one lean row to ``change`` for every insert and real update.

A change names its table by number and its row by local key, and holds as JSON ``{column number: value}``; bytes as
``{"b": hex}``. An insert logs the columns that are not at their default; an update logs every column of each merge unit
that changed. DELETE and changes of a key are refused. Whoever writes is read from the row of ``writing``; without
an acting account it is aborted, for a statement that ignores conflicts would pass over a mere NOT NULL in the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sqlite_utils import Database

from shared.db import NO_ACTOR, transaction
from shared.schema import TABLES, Column, Table, Value
from shared.tables import literal, quoted
from sync.merge import Entry

CAPTURE, APPLY, REBUILD = 0, 1, 2
"""Modes of the ``writing`` row; in the last one rows that nobody else has seen may be deleted."""


def trigger_sql(table: Table) -> Iterator[tuple[str, str]]:
    """Name and SQL of each trigger of a table."""
    yield _named(table, "insert", f"AFTER INSERT ON {quoted(table.name)}", _insert_values(table))
    yield _named(
        table,
        "update",
        f"AFTER UPDATE ON {quoted(table.name)} WHEN {_any_changed(table.columns)}",
        _update_values(table),
    )
    name = f"{table.name}_delete_refused"
    yield (
        name,
        (
            f"CREATE TRIGGER {quoted(name)} BEFORE DELETE ON {quoted(table.name)} "
            f"WHEN (SELECT mode FROM writing) <> {REBUILD} "
            "BEGIN SELECT RAISE(ABORT, 'rows are retired, never deleted'); END"
        ),
    )
    name = f"{table.name}_key_kept"
    row_id = () if table.row_id in table.key else (table.row_id,)
    changed = " OR ".join(f"OLD.{quoted(k)} IS NOT NEW.{quoted(k)}" for k in (*row_id, *table.key))
    yield (
        name,
        (
            f"CREATE TRIGGER {quoted(name)} BEFORE UPDATE ON {quoted(table.name)} WHEN {changed} "
            "BEGIN SELECT RAISE(ABORT, 'a key never changes'); END"
        ),
    )


def install(db: Database) -> bool:
    """See that every trigger is there as the schema wants it; returns whether anything had to be mended.

    Called at every open: tools that rebuild a table drop its triggers silently.
    """
    wanted = {name: sql for table in TABLES for name, sql in trigger_sql(table)}
    if _installed(db) == wanted:
        return False
    with transaction(db):
        found = _installed(db)
        for name in found.keys() - wanted.keys() | {n for n in found if wanted.get(n) != found[n]}:
            db.conn.execute(f"DROP TRIGGER {quoted(name)}")
        for name, sql in wanted.items():
            if found.get(name) != sql:
                db.conn.execute(sql)
    return True


def _installed(db: Database) -> dict[str, str]:
    return {
        str(n): str(s)
        for n, s in db.conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    }


def decode_values(vals: str) -> dict[int, Value]:
    """Read the values of a logged change."""
    return {
        int(number): bytes.fromhex(value["b"]) if isinstance(value, dict) else value
        for number, value in json.loads(vals).items()
        if number != "erase"
    }


def encode_values(values: Mapping[int, Value], erase: bool = False) -> str:
    """Write values as a trigger would; the ``erase`` mark tells that older values are to be blanked."""
    named: dict[str, object] = {
        str(n): {"b": v.hex()} if isinstance(v, bytes) else v for n, v in values.items()
    }
    if erase:
        named["erase"] = 1
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))


def is_erasure(vals: str) -> bool:
    """Does a logged change blank older values?"""
    return '"erase":1' in vals and bool(json.loads(vals).get("erase"))


class Logged(Entry):
    """An entry as a log holds it; its values are read when they are first asked for, of a long history a few alone."""

    __slots__ = ("_vals",)
    values: Mapping[int, Value]

    def __init__(
        self,
        clock: int,
        origin: int,
        number: int,
        position: int,
        seen: int,
        vals: str,
        actor: int | None = None,
        n: int = 0,
    ) -> None:
        self.clock, self.origin, self.number = clock, origin, number
        self.position, self.seen = position, seen
        self.erase = is_erasure(vals)
        self.actor, self.n = actor, n
        self._vals = vals

    def __getattr__(self, name: str) -> Mapping[int, Value]:
        if name != "values":
            raise AttributeError(name)
        self.values = decode_values(self._vals)
        return self.values

    def names(self, columns: tuple[Column, ...]) -> bool:
        return any(f'"{c.number}":' in self._vals and c.number in self.values for c in columns)


def _named(table: Table, event: str, head: str, values: str) -> tuple[str, str]:
    name = f"{table.name}_log_{event}"
    return name, (
        f"CREATE TRIGGER {quoted(name)} {head} BEGIN INSERT INTO change (clock, actor, tbl, key, vals) "
        f"SELECT clock, ifnull(actor, RAISE(ABORT, '{NO_ACTOR}')), {table.number}, "
        f"NEW.{quoted(table.row_id)}, {values} FROM writing WHERE mode = {CAPTURE}; END"
    )


def _insert_values(table: Table) -> str:
    return _object(
        f"CASE WHEN NEW.{quoted(c.name)} IS NOT {literal(c.default)} THEN {_member(c)} END"
        for c in table.columns
    )


def _update_values(table: Table) -> str:
    joint = " || ',' || "
    return _object(
        f"CASE WHEN {_any_changed(columns)} THEN {joint.join(map(_member, columns))} END"
        for columns in table.units.values()
    )


def _any_changed(columns: tuple[Column, ...]) -> str:
    return " OR ".join(f"OLD.{quoted(c.name)} IS NOT NEW.{quoted(c.name)}" for c in columns)


def _object(members: Iterator[str]) -> str:
    """The members that are not NULL as an object."""
    return f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"


def _member(column: Column) -> str:
    new = f"NEW.{quoted(column.name)}"
    if column.sql_type == "BLOB":
        value = f"CASE WHEN {new} IS NULL THEN 'null' ELSE '{{\"b\":\"' || lower(hex({new})) || '\"}}' END"
    elif column.is_integer:
        value = f"ifnull({new}, 'null')"
    else:
        value = f"json_quote({new})"
    return f"'\"{column.number}\":' || {value}"
