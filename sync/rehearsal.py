"""A write that only tells what it would do: it goes into copies of the tables that live as long as the rehearsal.

Nobody else's write waits meanwhile. The copies are temporary tables of this connection, in memory, and stand before
the real ones for whatever it reads; with the transaction they go, so that nothing can be written into a copy later.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from sqlite_utils import Database

from shared.db import reading
from shared.schema import BY_NAME, VERSION, Column, Table, Value
from shared.tables import create_sql, index_sql, quoted
from sync import clock
from sync.writer import Writer

IN_PIECES = frozenset({"lesson", "mark"})
"""Tables of years of rows: of these only what has the same first part of the key as a row foreseen is copied."""
LONG = 4096
"""Bytes of a value (a photograph, a scan) from which on its copy is cut short: it is compared with nothing."""


@contextlib.contextmanager
def rehearsing(db: Database) -> Iterator[Writer]:
    """A writer of whose work nothing stays and which keeps nobody waiting; it refuses what `writing` refuses."""
    with reading(db):
        (origin,) = db.conn.execute("SELECT origin FROM writing").fetchone()
        yield _Rehearsal(db, origin, clock.now_ms())


class _Rehearsal(Writer):
    def __init__(self, db: Database, origin: int, now: int) -> None:
        super().__init__(db, origin, now)
        self._copied: set[str] = set()
        self._pieces: set[tuple[str, Value]] = set()

    def foresee(self, table: Table, key: tuple[Value, ...]) -> None:
        if table.name in IN_PIECES:
            self._copy(table)
            if (table.name, key[0]) not in self._pieces:
                self._pieces.add((table.name, key[0]))
                self._fill(table, f"WHERE {quoted(table.key[0])} = ?", key[0])

    def retire(self, table_name: str, *key: int) -> bool:
        self._copy(BY_NAME[table_name])
        self.foresee(BY_NAME[table_name], key)
        return super().retire(table_name, *key)

    def _write(self, table: Table, values: dict[str, Value]) -> bool:
        self._copy(table)
        key = tuple(values[k] for k in table.key)
        self.foresee(table, key)
        before = self._row(table, key)
        super()._write(table, values)
        return before is None or before != self._row(table, key)

    def _row(self, table: Table, key: tuple[Value, ...]) -> object:
        where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
        return self.db.conn.execute(f"SELECT * FROM {quoted(table.name)} WHERE {where}", key).fetchone()

    def _copy(self, table: Table) -> None:
        """Let a copy stand before a table; references are looked at when a write is kept, and this one is not."""
        if table.name in self._copied:
            return
        self._copied.add(table.name)
        columns = tuple(replace(c, references=None, since=table.since) for c in table.all_columns)
        sql = create_sql(replace(table, all_columns=columns))
        self.db.conn.execute(sql.replace("CREATE TABLE ", "CREATE TEMP TABLE ", 1))
        if table.name in IN_PIECES:
            self._number_on(table)
        else:
            self._fill(table)
        for sql in index_sql(table, VERSION):
            self.db.conn.execute(sql.replace(" INDEX IF NOT EXISTS ", " INDEX temp.", 1))

    def _number_on(self, table: Table) -> None:
        """A row that nothing finds, so that a new one takes no number of a row that is copied later."""
        columns = ", ".join(map(quoted, (table.row_id, *table.key)))
        self.db.conn.execute(
            f"INSERT INTO temp.{quoted(table.name)} ({columns}) SELECT ifnull(max({table.row_id}), 0) + 1"
            f"{', -1' * len(table.key)} FROM main.{quoted(table.name)}"
        )

    def _fill(self, table: Table, where: str = "", *bound: Value) -> None:
        names = [table.row_id, *(c.name for c in table.all_columns if c.name != table.row_id)]
        shown = [_short(table.by_name[name]) if name in table.by_name else quoted(name) for name in names]
        self.db.conn.execute(
            f"INSERT INTO temp.{quoted(table.name)} ({', '.join(map(quoted, names))}) "
            f"SELECT {', '.join(shown)} FROM main.{quoted(table.name)} {where}",
            bound,
        )


def _short(column: Column) -> str:
    name = quoted(column.name)
    return f"iif(length({name}) > {LONG}, NULL, {name})" if column.sql_type == "BLOB" else name
