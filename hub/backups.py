"""Copies of the hub: one encrypted file, whatever database it runs on, and a hub made from it again.

The file holds the hub's tables as a SQLCipher database under the hub's own data key, and ``keys.json`` with that key
wrapped. It opens with the passphrase of its day or with the hub's recovery kit. A hub on PostgreSQL may be restored
into a file, and the other way round.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from hub import storage, tables
from hub.completing import FIRST_FREE, IDS_PER_RESTORE, RESTORED_AT
from hub.schools import next_id
from hub.storage import CONFIG, DATABASE, KEYS, Hub
from shared import archive, db
from shared.keyslots import Keyslots, sync_directory, write_private
from shared.problems import AlreadyInitialised, DamagedFile, WrongKey
from sync import clock

_CHUNK = 500
_PERISHABLE = (tables.session, tables.registration, tables.joining, tables.summary)
"""What a restored hub begins without: sessions, codes that may have served since, requests to join, counted cells."""


def backup(hub: Hub, target: Path) -> None:
    """Write an encrypted copy of the running hub into one file; an older one of that name stays until it is whole.

    DiskFull, DamagedFile.
    """

    def copy(file: Path) -> None:
        if hub.engine.dialect.name == "sqlite":
            with closing(db.open_database(hub.home / DATABASE, hub.key)) as connection:
                db.backup(connection, file, hub.key)
            return
        engine = storage.file_engine(file, hub.key, create=True)
        try:
            with hub.read() as source:
                _copy(source, engine)
        finally:
            engine.dispose()

    archive.write(target, DATABASE, hub.home / KEYS, copy)


def restore(
    home: Path,
    source: Path,
    *,
    passphrase: str | None = None,
    kit: str | None = None,
    machine_slot: bool = False,
    database: str | None = None,
) -> Hub:
    """Make a hub from a backup, in a home without one; ``database``: an SQLAlchemy URL of an empty PostgreSQL database.

    What schools sent after the backup comes back with their next syncs; until each is heard, no new school keys are
    asked for. AlreadyInitialised, DamagedFile, NewerFile, WrongPassphrase, WrongRecoveryKey: nothing is left behind.
    """
    if (home / KEYS).exists() or (home / DATABASE).exists():
        raise AlreadyInitialised(home=home)
    with archive.set_aside(home) as waiting:
        archive.unpack(source, waiting, DATABASE, KEYS)
        key = archive.unlock(Keyslots(waiting / KEYS), source, passphrase, kit, machine_slot)
        write_private(waiting / CONFIG, json.dumps({"database": None}).encode())
        _mark(waiting, key, source)
        if database is not None:
            _move_to_server(waiting, key, database)
        for name in ("machine.key", DATABASE, CONFIG, KEYS):
            if (waiting / name).exists():
                (waiting / name).replace(home / name)
        sync_directory(home)
    return storage.open_with(home, key)


def _mark(waiting: Path, key: bytes, source: Path) -> None:
    """Check the copy, bring it up to this release, and note that it is one."""
    try:
        with closing(db.open_database(waiting / DATABASE, key)) as connection:
            if db.check_integrity(connection):
                raise DamagedFile(file=source.name)
        hub = storage.open_with(waiting, key)
    except (WrongKey, DamagedFile) as error:
        raise DamagedFile(file=source.name) from error
    first_free = max(next_id(hub, "school"), next_id(hub, "org_unit")) + IDS_PER_RESTORE
    with hub.write() as connection:
        for table in _PERISHABLE:
            connection.execute(table.delete())
        storage.set_state(connection, RESTORED_AT, str(clock.now_ms()).encode())
        storage.set_state(connection, FIRST_FREE, str(first_free).encode())
    hub.close()


def _move_to_server(waiting: Path, key: bytes, database: str) -> None:
    """Copy the tables into PostgreSQL; the file then holds nothing that is needed."""
    hub = storage.open_with(waiting, key)
    engine = sa.create_engine(database)
    try:
        if sa.inspect(engine).has_table(tables.state.name):
            raise AlreadyInitialised(home=waiting.parent)
        with hub.read() as source:
            _copy(source, engine)
    finally:
        engine.dispose()
        hub.close()
    write_private(waiting / CONFIG, json.dumps({"database": database}).encode())
    for left in waiting.glob(DATABASE + "*"):
        left.unlink()


def _copy(source: sa.Connection, engine: sa.Engine, told: Callable[[str], None] = lambda table: None) -> None:
    """Copy every table of the hub, of one moment, into an empty database, in one transaction."""
    with engine.connect() as target:
        target = target.execution_options(mektep_write=True)
        with target.begin():
            tables.metadata.create_all(target)
            for table in tables.metadata.sorted_tables:
                told(table.name)
                rows = source.execute(sa.select(table))
                while some := rows.mappings().fetchmany(_CHUNK):
                    target.execute(table.insert(), [dict(row) for row in some])
            if target.dialect.name == "postgresql":
                name = tables.hub_account.name
                target.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )
