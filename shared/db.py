"""Opens encrypted databases and turns the driver's errors into problems; the only module that knows the driver."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as driver
from sqlite_utils import Database
from sqlite_utils.utils import dedupe_keys

from shared.problems import (
    DamagedFile,
    DatabaseBusy,
    DiskFull,
    NewerFile,
    NoActingAccount,
    NotInitialised,
    Problem,
    WrongKey,
)
from shared.schema import VERSION

DRIVER = driver
"""The DB-API module, for an SQLAlchemy engine over an encrypted file."""
DriverError = driver.Error

NO_ACTOR = "no acting account"
"""What the triggers of the change log say when nobody acts."""

BUSY_SECONDS = 20.0
"""How long a writer waits for another before DatabaseBusy."""

_SMALLEST = 4096
"""Bytes of one page; SQLite would take an empty file for a new database and write into it."""

_ROWS = 100
"""Rows written by one statement of `write_rows`."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA trusted_schema = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
)
"""WAL alone promises only that the file is whole after a power cut; FULL that what was acknowledged is in it."""


class _Database(Database):
    """A database that reads without ceremony."""

    def query(
        self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None
    ) -> Generator[dict[str, Any], None, None]:
        """The rows of a reading statement as dictionaries, all read at once.

        sqlite-utils guards against statements that write with a savepoint: three statements for each.
        """
        cursor = self.conn.execute(sql, params or ())
        names = dedupe_keys(column[0] for column in cursor.description)
        return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def open_database(path: Path, key: bytes, create: bool = False) -> Database:
    """Open an encrypted database file with its 32-byte key; statements outside a transaction commit at once.

    NotInitialised: there is no such file. WrongKey: the key does not open it. DamagedFile, NewerFile: as they say.
    """
    if not create and not path.exists():
        raise NotInitialised(home=path.parent)
    if path.exists() and path.stat().st_size < _SMALLEST and not (create and not path.stat().st_size):
        raise DamagedFile(file=path.name)
    connection = driver.connect(
        str(path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, key, path)
    except BaseException:
        connection.close()
        raise
    return _Database(connection)


def refuse_newer(path: Path, key: bytes) -> None:
    """Raise NewerFile for a file that was not closed in order, without touching it.

    The last connection to close moves the write-ahead log into the file, unless it may only read. Files without such a
    log, and those that cannot be read at all, are left to `open_database`.
    """
    log = path.with_name(path.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        return
    with contextlib.closing(driver.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        _give_key(connection, key)
        with contextlib.suppress(driver.Error):
            if connection.execute("PRAGMA user_version").fetchone()[0] > VERSION:
                raise NewerFile(file=path.name)


def memory_database() -> Database:
    """Return an empty database in memory with the settings of a real one, for tests."""
    connection = driver.connect(":memory:", isolation_level=None, check_same_thread=False)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return _Database(connection)


def _give_key(connection: Any, key: bytes) -> None:
    # SQLCipher reports on standard error by itself; a person gets one sentence, from the problem.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")


def _prepare(connection: Any, key: bytes, path: Path) -> None:
    _give_key(connection, key)
    with errors(path.name):
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except driver.DatabaseError as error:
            if "not a database" in str(error):
                raise WrongKey() from error
            raise
        if version > VERSION:
            raise NewerFile(file=path.name)
        connection.execute("PRAGMA journal_mode = WAL")
        for pragma in _PRAGMAS:
            connection.execute(pragma)


@contextlib.contextmanager
def errors(file: str | Database = "database") -> Iterator[None]:
    """Turn the driver's errors inside into problems; `file` is what to name in them."""
    try:
        yield
    except driver.Error as error:
        problem = _problem(error, file if isinstance(file, str) else _name(file))
        if problem is None:
            raise
        raise problem from error


def _name(db: Database) -> str:
    return Path(db.conn.execute("PRAGMA database_list").fetchone()[2]).name


def _problem(error: Exception, file: str) -> Problem | None:
    text = str(error)
    if "locked" in text or "busy" in text:
        return DatabaseBusy()
    if "disk is full" in text or "disk I/O" in text:
        return DiskFull()
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return DamagedFile(file=file)
    if NO_ACTOR in text:
        return NoActingAccount()
    return None


@contextlib.contextmanager
def transaction(db: Database) -> Iterator[None]:
    """One write transaction, begun IMMEDIATE (a deferred one fails at once when another writes).

    Rolled back on any error.
    """
    with errors(db):
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.conn.execute("COMMIT")
        except BaseException:
            if db.conn.in_transaction:
                db.conn.execute("ROLLBACK")
            raise


def write_rows(db: Database, into: str, rows: Sequence[Sequence[Any]], more: str = "") -> None:
    """``INSERT INTO into VALUES .. more`` for rows of one width, many of them in a statement.

    Of every page that a statement changes the engine keeps a copy where a trigger may refuse it: for many rows once.
    """
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        one = f"({', '.join('?' * len(some[0]))})"
        sql = f"INSERT INTO {into} VALUES {', '.join([one] * len(some))} {more}"
        db.conn.execute(sql, [value for row in some for value in row])


@contextlib.contextmanager
def reading(db: Database) -> Iterator[None]:
    """One read transaction: everything read inside is of one moment."""
    with errors(db):
        db.conn.execute("BEGIN")
        try:
            db.conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            yield
        finally:
            if db.conn.in_transaction:
                db.conn.execute("ROLLBACK")


def check_integrity(db: Database) -> list[str]:
    """What is wrong with the file, as the engine's own sentences; empty when it is whole."""
    with errors(db):
        found = [str(row[0]) for row in db.execute("PRAGMA cipher_integrity_check").fetchall()]
        if found:
            return found
        found = [str(row[0]) for row in db.execute("PRAGMA integrity_check").fetchall() if row[0] != "ok"]
        return found + [
            f"row {row[1]} of {row[0]} refers to no {row[2]}"
            for row in db.execute("PRAGMA foreign_key_check")
        ]


def backup(db: Database, target: Path, key: bytes) -> None:
    """Copy a database that may be in use into a new encrypted file, whole as of one moment."""
    with errors(target.name):
        copy = driver.connect(str(target), isolation_level=None)
        try:
            _give_key(copy, key)
            db.conn.backup(copy)
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
