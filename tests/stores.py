"""A node's database without a node around it: tables, triggers and a name to write under."""

from __future__ import annotations

from pathlib import Path
from random import Random

from sqlite_utils import Database

from shared.db import open_database, transaction
from shared.migrations import migrate
from shared.schema import Column, Table, Value
from shared.tables import quoted
from sync import capture
from sync.adopt import adopt_in_node
from sync.fork import add_origin, begin_incarnation
from tests.properties.machines import empty_database

KEY = bytes(range(32))
ORIGIN = 7
ACTOR = (ORIGIN << 32) + 1


def a_store(path: Path | None = None, origin: int = ORIGIN) -> Database:
    """A new database, in a file or in memory, of a school that writes as `origin`."""
    if path is None:
        db = empty_database()
    else:
        db = open_database(path, KEY, create=True)
        migrate(db)
        capture.install(db)
        adopt_in_node(db)
    with transaction(db):
        add_origin(db, origin, 0, bytes(32), None)
        db.conn.execute("UPDATE writing SET origin = ?", (origin,))
        db.conn.execute("INSERT INTO state VALUES ('origin', ?)", (origin,))
    return db


def a_begun_store(letter: bytes) -> Database:
    """A new database in memory that writes under the first incarnation of a node, whose key is made of one letter."""
    db = empty_database()
    with transaction(db):
        begin_incarnation(db, letter * 32, continues=None)
    return db


def logged(db: Database, since: int = 0) -> list[tuple[int, int, str]]:
    """Table, key and values of the changes after a number, in order."""
    return list(db.execute("SELECT tbl, key, vals FROM change WHERE n > ? ORDER BY n", (since,)))


def last_change(db: Database) -> int:
    return int(db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])


def acting(db: Database) -> None:
    """From here the account acts and references are not looked at: these tests are of single tables."""
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("UPDATE writing SET actor = ?, clock = 5", (ACTOR,))


# -- rows of any table -------------------------------------------------------------------------------------------

TEXTS = ("", "Өсөр", "{}", '"', "\\", "null", "\n\t\x01\x7f", "\u2028", "😀", "'", '{"b":"00"}', '"erase":1')


def a_value(random: Random, column: Column) -> Value:
    """Any value that the column stores, whatever it may mean, none and the default among them."""
    integers = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63) + 1)
    some = (
        random.choice(integers)
        if column.is_integer
        else random.choice((b"", b"\0", b"\xff" * 30))
        if column.sql_type == "BLOB"
        else random.choice(TEXTS)
    )
    return random.choice((None, column.default, some, some))


def a_row(random: Random, table: Table) -> dict[str, Value]:
    return {column.name: a_value(random, column) for column in table.columns}


def insert(db: Database, table: Table, row: dict[str, Value]) -> None:
    db.conn.execute(
        f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, row))}) VALUES ({', '.join('?' * len(row))})",
        [*row.values()],
    )
