"""Append-only steps that bring a node's database to the present schema; a fresh file takes the same steps.

Step N adds the tables and columns that the schema marks ``since`` N and what ``ENGINE_SQL`` says of the engine's own
tables. Steps never change synced values. Reference rows that are new in this release are added at the end.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from shared import reference
from shared.db import errors, transaction
from shared.schema import BY_NAME, VERSION
from shared.tables import quoted, step_sql

ENGINE_SQL: dict[int, tuple[str, ...]] = {}
"""Schema version -> what its step does to the engine's own tables."""

ENGINE_SQL[1] = (
    # Who writes, when and in which mode: 0 capture (write the log), 1 apply (the log is written by hand).
    """CREATE TABLE writing (id INTEGER PRIMARY KEY CHECK (id = 1), actor INTEGER, clock INTEGER NOT NULL,
       mode INTEGER NOT NULL, origin INTEGER NOT NULL) STRICT""",
    "INSERT INTO writing VALUES (1, NULL, 0, 0, 0)",
    # n counts everything this file has logged; a changeset covers a range of it, what follows the last range is uncut.
    """CREATE TABLE change (n INTEGER PRIMARY KEY, clock INTEGER NOT NULL, actor INTEGER NOT NULL, tbl INTEGER NOT NULL,
       key INTEGER NOT NULL, vals TEXT NOT NULL) STRICT""",
    "CREATE INDEX change_by_key ON change (key, tbl)",
    """CREATE TABLE changeset (school INTEGER NOT NULL, origin INTEGER NOT NULL, first INTEGER NOT NULL,
       last INTEGER NOT NULL, position INTEGER, hash BLOB NOT NULL, seen INTEGER NOT NULL, local_first INTEGER NOT NULL,
       local_last INTEGER NOT NULL, envelope BLOB NOT NULL, receipt BLOB, PRIMARY KEY (origin, first)) STRICT""",
    "CREATE UNIQUE INDEX changeset_by_position ON changeset (school, position) WHERE position IS NOT NULL",
    "CREATE INDEX changeset_by_local ON changeset (local_first)",
    # Rows of tables that this release does not know: their keys have no row to point to.
    """CREATE TABLE unknown_key (rid INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, key TEXT NOT NULL,
       UNIQUE (tbl, key)) STRICT""",
    "CREATE TABLE digest (tbl INTEGER, col INTEGER, sum BLOB NOT NULL, PRIMARY KEY (tbl, col)) STRICT",
    """CREATE TABLE conflict (tbl INTEGER, key INTEGER, unit TEXT, found_at INTEGER NOT NULL,
       PRIMARY KEY (tbl, key, unit)) STRICT""",
    """CREATE TABLE quarantine (hash BLOB PRIMARY KEY, at INTEGER NOT NULL, reason TEXT NOT NULL,
       envelope BLOB NOT NULL) STRICT""",
    """CREATE TABLE origin (origin INTEGER PRIMARY KEY, school INTEGER NOT NULL, low INTEGER NOT NULL,
       high INTEGER NOT NULL, node BLOB NOT NULL, parent INTEGER, continues INTEGER) STRICT""",
    "CREATE TABLE epoch (number INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT",
    "CREATE TABLE state (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT",
    """CREATE TABLE sync_run (id INTEGER PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER, way TEXT NOT NULL,
       outcome TEXT, sent INTEGER NOT NULL DEFAULT 0, received INTEGER NOT NULL DEFAULT 0,
       changes_sent INTEGER NOT NULL DEFAULT 0, changes_received INTEGER NOT NULL DEFAULT 0,
       changes_waiting INTEGER NOT NULL DEFAULT 0, rounds INTEGER NOT NULL DEFAULT 0) STRICT""",
)

ENGINE_SQL[2] = (
    # The hub's word for every node of the school: what a hub put back from a backup has forgotten it can be told again.
    """CREATE TABLE certificate (signing BLOB PRIMARY KEY, opening BLOB NOT NULL, revoked_at INTEGER NOT NULL,
       certificate BLOB NOT NULL) STRICT""",
    "ALTER TABLE quarantine ADD COLUMN position INTEGER",
    "ALTER TABLE quarantine ADD COLUMN receipt BLOB",
    # Rows of which something was erased; how far a kept changeset is rid of it (sync.scrub).
    "CREATE TABLE erased (tbl INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (tbl, key)) STRICT, WITHOUT ROWID",
    "ALTER TABLE changeset ADD COLUMN amend INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX changeset_by_amend ON changeset (amend) WHERE amend <> 0",
    # Backups that this node wrote and did not remove yet.
    "CREATE TABLE backup_made (path TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT",
    # When this node came to know that the school's stream is with the hub as far as a position.
    "CREATE TABLE reached (position INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
)


def migrate(db: Database) -> None:
    """Bring the file to this release's schema, whole or not at all; what is there already is left as it is."""
    with errors(db):
        if _version(db) == VERSION:
            return
        with transaction(db):
            # Another process may have been quicker.
            if _version(db) < VERSION:
                _steps().apply(db)
                _seed(db)
                db.execute(f"PRAGMA user_version = {VERSION}")


def _version(db: Database) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _steps() -> Migrations:
    steps = Migrations("mektep")
    for version in range(1, VERSION + 1):
        _add_step(steps, version)
    return steps


def _add_step(steps: Migrations, version: int) -> None:
    @steps(name=str(version))
    def step(db: Database) -> None:
        for statement in (*ENGINE_SQL.get(version, ()), *step_sql(version)):
            db.execute(statement)


def _seed(db: Database) -> None:
    """Insert the reference rows shipped with the product that are not there; rows of origin 0 stand in no log."""
    db.execute("UPDATE writing SET mode = 1")
    for name, rows in reference.ROWS.items():
        table = BY_NAME[name]
        for row in rows:
            columns = ", ".join(map(quoted, row))
            marks = ", ".join(f":{c}" for c in row)
            db.execute(
                f"INSERT INTO {quoted(name)} ({columns}) VALUES ({marks}) "
                f"ON CONFLICT ({', '.join(map(quoted, table.key))}) DO NOTHING",
                row,
            )
    db.execute("UPDATE writing SET mode = 0")
