"""A node's database without a node around it: tables, triggers and a name to write under."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from shared.db import memory_database, open_database, transaction
from shared.migrations import migrate
from sync import capture
from sync.fork import add_origin

KEY = bytes(range(32))
ORIGIN = 7
ACTOR = (ORIGIN << 32) + 1


def a_store(path: Path | None = None, origin: int = ORIGIN) -> Database:
    """A new database, in a file or in memory, of a school that writes as `origin`."""
    db = memory_database() if path is None else open_database(path, KEY, create=True)
    migrate(db)
    capture.install(db)
    with transaction(db):
        add_origin(db, origin, 0, bytes(32), None)
        db.conn.execute("UPDATE writing SET origin = ?", (origin,))
        db.conn.execute("INSERT INTO state VALUES ('origin', ?)", (origin,))
    return db


def a_copy(db: Database) -> Database:
    """The same in memory."""
    copy = memory_database()
    db.conn.backup(copy.conn)
    return copy


def logged(db: Database, since: int = 0) -> list[tuple[int, int, str]]:
    """Table, key and values of the changes after a number, in order."""
    return list(db.execute("SELECT tbl, key, vals FROM change WHERE n > ? ORDER BY n", (since,)))


def last_change(db: Database) -> int:
    return int(db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])
