"""The hub's home directory and database: a SQLCipher file by default, PostgreSQL for a province or a country.

hub.db         the encrypted database (when none is named elsewhere)
hub.json       where the database is, and the hub's address
keys.json      the data key, wrapped; it opens the file and the hub's own private keys in either database
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hub import tables
from shared import crypto, db, reference
from shared.indicators import CUBES
from shared.keys import RecoveryKit
from shared.keyslots import Keyslots, write_private
from shared.problems import (
    AlreadyInitialised,
    DamagedFile,
    DiskFull,
    MissingFile,
    NewerFile,
    NotInitialised,
    WrongKey,
)
from shared.schema import BY_NAME, VERSION, Table
from sync.adopt import adopt

CONFIG, KEYS, DATABASE = "hub.json", "keys.json", "hub.db"
_COUNTED = "counted"
"""Name of the state that says by which release's definitions the kept cells were counted."""
_ADVISORY_LOCK = 0x4D454B54
_FULL = ("53100",)
"""What PostgreSQL calls a full disk."""
_UNFINISHED = "unfinished"
"""Name of a state that stands until the keys to the database are kept."""


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn what the database says, in SQLAlchemy's wrapping too, into problems."""
    with db.errors(DATABASE):
        try:
            yield
        except sa.exc.DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state in _FULL:
                raise DiskFull() from error
            if not isinstance(error.orig, db.DriverError):
                raise
            with contextlib.suppress(db.DriverError), db.errors(DATABASE):
                raise error.orig from error
            raise


@dataclass(frozen=True)
class Hub:
    """An unlocked hub: its engine, its keys, one writer at a time."""

    home: Path
    engine: sa.Engine
    signer: crypto.SigningKey
    opener: crypto.OpeningKey
    key: bytes = field(repr=False)
    _writing: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One write transaction; others wait in line, in this process and elsewhere."""
        with self._writing, _errors(), self.engine.connect() as connection:
            connection = connection.execution_options(mektep_write=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One read transaction: everything read inside is of one moment."""
        with _errors(), self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()


def create_hub(
    home: Path,
    *,
    login: str,
    password: str,
    passphrase: str,
    machine_slot: bool = True,
    database: str | None = None,
    language: str = "ky",
    cost: crypto.Cost | None = None,
    hand_over: Callable[[RecoveryKit], None] = lambda kit: None,
) -> tuple[Hub, RecoveryKit]:
    """Make a hub and its first account; returns it and its recovery kit, which is not kept anywhere: print it.

    ``hand_over`` receives the kit before the hub can be opened, so that no power cut leaves a hub without one.
    ``database``: an SQLAlchemy URL of an empty PostgreSQL database; None for an encrypted file. AlreadyInitialised.
    """
    if (home / KEYS).exists():
        raise AlreadyInitialised(home=home)
    home.mkdir(parents=True, exist_ok=True)
    os.chmod(home, 0o700)
    data_key = crypto.random_bytes(crypto.KEY_BYTES)
    kit = RecoveryKit.create("", datetime.date.today(), of_hub=True)
    for left in home.glob(DATABASE + "*"):
        left.unlink()
    engine = _engine(home, data_key, database, create=True)
    signer, opener = crypto.SigningKey.generate(), crypto.OpeningKey.generate()
    hub = Hub(home, engine, signer, opener, data_key)
    with hub.write() as connection:
        _clear_unfinished(connection, home)
        tables.metadata.create_all(connection)
        set_state(connection, _UNFINISHED, b"1")
        set_state(connection, "signing_key", crypto.wrap(data_key, signer.to_bytes(), b"hub signing key"))
        set_state(connection, "opening_key", crypto.wrap(data_key, opener.to_bytes(), b"hub opening key"))
        set_state(connection, "version", str(VERSION).encode())
        _seed(connection)
        connection.execute(
            tables.hub_account.insert().values(
                login=login,
                name=login,
                password=crypto.hash_password(password),
                duty="administrator",
                language=language,
            )
        )
    write_private(home / CONFIG, json.dumps({"database": database}).encode())
    hand_over(kit)
    Keyslots.create(home / KEYS, data_key, passphrase, kit.secret, machine_slot, cost)
    _finish(hub)
    return hub, kit


def _clear_unfinished(connection: sa.Connection, home: Path) -> None:
    """Take away what an interrupted init left in the database; AlreadyInitialised when a hub lives there."""
    if sa.inspect(connection).has_table(tables.state.name):
        if not get_state(connection, _UNFINISHED):
            raise AlreadyInitialised(home=home)
        tables.metadata.drop_all(connection)


def _finish(hub: Hub) -> None:
    """There are keys to the database now: no init may clear it any more."""
    with hub.write() as connection:
        connection.execute(tables.state.delete().where(tables.state.c.name == _UNFINISHED))


def open_hub(home: Path, passphrase: str | None = None) -> Hub:
    """Unlock a hub, by this machine's slot when no passphrase is given, and bring its database up to this release.

    NotInitialised, MissingFile, WrongPassphrase, NoSuchSlot, DamagedFile, NewerFile.
    """
    if not (home / KEYS).exists():
        raise NotInitialised(home=home)
    _read_config(home)
    keyslots = Keyslots(home / KEYS)
    key = keyslots.open_with_machine() if passphrase is None else keyslots.open_with_passphrase(passphrase)
    return open_with(home, key)


def open_with(home: Path, key: bytes) -> Hub:
    """Open a hub whose data key is known. MissingFile, DamagedFile, NewerFile."""
    engine = _engine(home, key, _read_config(home))
    with db.errors(DATABASE):
        _migrate(engine)
        _forget_counts(engine)
        with engine.connect() as connection:
            signing = crypto.unwrap(key, get_state(connection, "signing_key"), b"hub signing key")
            opening = crypto.unwrap(key, get_state(connection, "opening_key"), b"hub opening key")
            unfinished = get_state(connection, _UNFINISHED)
    hub = Hub(home, engine, crypto.SigningKey.from_bytes(signing), crypto.OpeningKey.from_bytes(opening), key)
    if unfinished:
        _finish(hub)
    return hub


def _read_config(home: Path) -> str | None:
    """Where the database is: its URL, or None for the file, which must be there."""
    try:
        database = json.loads((home / CONFIG).read_bytes())["database"]
    except FileNotFoundError as error:
        raise MissingFile(file=CONFIG) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFile(file=CONFIG) from error
    if database is None and not (home / DATABASE).exists():
        raise MissingFile(file=DATABASE)
    return str(database) if database is not None else None


def _connect(file: Path, key: bytes, create: bool) -> Any:
    try:
        return db.open_database(file, key, create).conn
    except WrongKey as error:
        # The key file says that the key is the right one.
        raise DamagedFile(file=DATABASE) from error


def _engine(home: Path, key: bytes, database: str | None, create: bool = False) -> sa.Engine:
    if database is not None:
        return sa.create_engine(database, pool_pre_ping=True)
    return file_engine(home / DATABASE, key, create)


def file_engine(file: Path, key: bytes, create: bool = False) -> sa.Engine:
    """An encrypted file as a database."""
    engine = sa.create_engine(
        "sqlite://",
        module=db.DRIVER,
        creator=lambda: _connect(file, key, create),
        poolclass=sa.QueuePool,
        pool_size=4,
        max_overflow=8,
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("mektep_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _migrate(engine: sa.Engine) -> None:
    """Add the tables, columns, indexes and rows that are new, and show what schools had sent of them before."""
    with engine.connect() as connection:
        if _version(connection) == VERSION:
            return
    with engine.connect() as connection:
        connection = connection.execution_options(mektep_write=True)
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            version = _version(connection)
            if version < VERSION:
                tables.metadata.create_all(connection)
                for name, view in tables.VIEWS.items():
                    _add_columns(connection, BY_NAME[name], view, version)
                _add_to_books(connection)
                _seed(connection)
                _adopt(connection, version)
                set_state(connection, "version", str(VERSION).encode())


def _forget_counts(engine: sa.Engine) -> None:
    """Counted cells are kept until a school's stream moves on; another release may count otherwise, or more rows."""
    cubes = repr(sorted((name, astuple(cube)) for name, cube in CUBES.items()))
    counted = crypto.sha256(f"{VERSION} {cubes}".encode())
    with engine.connect() as connection:
        if get_state(connection, _COUNTED) == counted:
            return
    with engine.connect() as connection:
        connection = connection.execution_options(mektep_write=True)
        with connection.begin():
            connection.execute(tables.summary.delete())
            set_state(connection, _COUNTED, counted)


def _version(connection: sa.Connection) -> int:
    version = int(get_state(connection, "version"))
    if version > VERSION:
        raise NewerFile(file=DATABASE)
    return version


def _add_columns(connection: sa.Connection, table: Table, view: sa.Table, since: int) -> None:
    for column in table.columns:
        if column.name in view.columns and table.since <= since < column.since:
            definition = sa.schema.CreateColumn(view.columns[column.name]).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {definition}')
    for index in view.indexes:
        index.create(connection, checkfirst=True)


def _add_to_books(connection: sa.Connection) -> None:
    """Add the columns of the hub's own books that are new."""
    inspector = sa.inspect(connection)
    for name, table in tables.metadata.tables.items():
        if name in tables.VIEWS:
            continue
        known = {column["name"] for column in inspector.get_columns(name)}
        for column in table.columns:
            if column.name not in known:
                definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{name}" ADD COLUMN {definition}')


def _adopt(connection: sa.Connection, since: int) -> None:
    # The log stands on this module.
    from hub.log import HubLog

    signer = crypto.SigningKey.generate()  # signs nothing: no receipt is made here
    for school in connection.execute(sa.select(tables.stream.c.school).distinct()).scalars().all():
        log = HubLog(connection, school, signer)
        adopt(log, since, log.lineage())


def _seed(connection: sa.Connection) -> None:
    """Insert the reference rows shipped with the product that are not there."""
    for name, rows in reference.ROWS.items():
        view = tables.VIEWS[name]
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row in rows:
            known = {k: v for k, v in row.items() if k in view.columns}
            alike.setdefault(tuple(known), []).append(known)
        for some in alike.values():
            connection.execute(_dialect(connection).insert(view).on_conflict_do_nothing(), some)
    assert set(reference.ROWS) <= set(BY_NAME)


def get_state(connection: sa.Connection, name: str) -> bytes:
    """A stored value; empty when there is none."""
    value = connection.execute(sa.select(tables.state.c.value).where(tables.state.c.name == name)).scalar()
    return b"" if value is None else bytes(value)


def set_state(connection: sa.Connection, name: str, value: bytes) -> None:
    upsert(connection, tables.state, [{"name": name, "value": value}])


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows or update those whose primary key is there; all rows name the same columns."""
    if not rows:
        return
    statement = _dialect(connection).insert(table)
    keys = [c.name for c in table.primary_key.columns]
    changed = {n: statement.excluded[n] for n in rows[0] if n not in keys}
    if changed:
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=keys), list(rows))


def _dialect(connection: sa.Connection) -> Any:
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def run_sql(connection: sa.Connection, sql: str, parameters: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    """Run SQL shared with the node, as `shared.indicators` wants it."""
    return [tuple(row) for row in connection.execute(sa.text(sql), dict(parameters))]
