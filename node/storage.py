"""A node's home directory: made, opened, backed up, restored. What lies in it:

node.db, node.db-wal   the encrypted database
keys.json              the data key, wrapped for passphrase, recovery kit and (if wanted) this machine
machine.key            opens the machine slot, so that the node comes back by itself after a power cut
sync.lock              held while a sync runs
"""

from __future__ import annotations

import os
import tarfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlite_utils import Database

from shared import crypto, db
from shared.keys import RecoveryKit, recovery_keypair
from shared.keyslots import Keyslots, write_private
from shared.migrations import migrate
from shared.problems import AlreadyInitialised, DamagedFile, NotInitialised, WrongPassphrase
from sync import capture, clock, fork
from sync.state import State
from sync.writer import writing

DATABASE, KEYS = "node.db", "keys.json"
_BACKUP_DB, _BACKUP_KEYS = "node.db", "keys.json"
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Node:
    """An unlocked node; its database key stays in memory."""

    home: Path
    key: bytes

    def connect(self) -> Database:
        """Open a connection of one's own: one for each request or thread. Close it with ``.close()``."""
        return db.open_database(self.home / DATABASE, self.key)

    @property
    def school(self) -> int:
        """Row id of this school at its hub; 0 before registration."""
        with closing(self.connect()) as connection:
            return int(State(connection).school)

    @property
    def origin(self) -> int:
        with closing(self.connect()) as connection:
            return int(State(connection).origin)


def create_node(
    home: Path,
    *,
    school_name: str,
    login: str,
    password: str,
    passphrase: str,
    machine_slot: bool = True,
    language: str = "ky",
    cost: crypto.Cost = crypto.PASSPHRASE_COST,
) -> tuple[Node, RecoveryKit]:
    """Make a new school: keys, empty encrypted database, first account (an administrator).

    AlreadyInitialised when there is one. The kit is not kept anywhere: print it. ``cost`` is for tests.
    """
    if (home / DATABASE).exists() or (home / KEYS).exists():
        raise AlreadyInitialised(home=home)
    home.mkdir(parents=True, exist_ok=True)
    os.chmod(home, 0o700)
    data_key = crypto.random_bytes(crypto.KEY_BYTES)
    kit = RecoveryKit.create(school_name, date.today())
    unfinished = home / (DATABASE + ".new")
    unfinished.unlink(missing_ok=True)
    with closing(db.open_database(unfinished, data_key, create=True)) as connection:
        migrate(connection)
        capture.install(connection)
        _found(connection, kit, school_name, login, password, language)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # The key file first: a database without keys would be lost, keys without a database are made anew.
    Keyslots.create(home / KEYS, data_key, passphrase, kit.secret, machine_slot, cost)
    unfinished.rename(home / DATABASE)
    return Node(home, data_key), kit


def _found(
    connection: Database, kit: RecoveryKit, school_name: str, login: str, password: str, language: str
) -> None:
    state = State(connection)
    signer = crypto.SigningKey.generate()
    with db.transaction(connection):
        state.signing_key = signer.to_bytes()
        state.opening_key = crypto.OpeningKey.generate().to_bytes()
        state.recovery_public = recovery_keypair(kit.secret).public
        state.school_name = school_name
        connection.execute("INSERT INTO epoch VALUES (1, ?)", (crypto.random_bytes(crypto.KEY_BYTES),))
        fork.begin_incarnation(connection, signer.public, continues=None)
    account = (int(state.origin) << 32) + 1
    with writing(connection, actor=account) as w:
        person = w.insert("person")
        made = w.insert(
            "account", person=person, login=login, password=crypto.hash_password(password), language=language
        )
        assert made == account
        w.insert("appointment", person=person, duty="administrator", start=clock.now_ms() // _DAY_MS)
        state.administrator = account


def open_node(home: Path, passphrase: str | None = None) -> Node:
    """Unlock the node of a home directory, by this machine's slot when no passphrase is given; upgrades its database.

    NotInitialised, WrongPassphrase, NoSuchSlot, WrongKey, DamagedFile, NewerFile.
    """
    if not (home / KEYS).exists() or not (home / DATABASE).exists():
        raise NotInitialised(home=home)
    keyslots = Keyslots(home / KEYS)
    key = keyslots.open_with_machine() if passphrase is None else keyslots.open_with_passphrase(passphrase)
    node = Node(home, key)
    with closing(node.connect()) as connection:
        migrate(connection)
        capture.install(connection)
    return node


def backup(node: Node, target: Path) -> None:
    """Write an encrypted copy of the running node into one file; keys inside stay wrapped, the machine's stays home."""
    copy = target.with_name(target.name + ".database")
    unfinished = target.with_name(target.name + ".new")
    copy.unlink(missing_ok=True)
    try:
        with closing(node.connect()) as connection:
            db.backup(connection, copy, node.key)
        with tarfile.open(unfinished, "w") as archive:
            archive.add(copy, _BACKUP_DB)
            archive.add(node.home / KEYS, _BACKUP_KEYS)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(target)
    finally:
        copy.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)
    with closing(node.connect()) as connection, db.transaction(connection):
        State(connection).last_backup = clock.now_ms()


def restore(home: Path, source: Path, *, passphrase: str | None = None, kit: str | None = None) -> Node:
    """Make a home from a backup, opened with the passphrase of its time or the recovery kit's words.

    The restored node writes on under a new incarnation: what the lost machine wrote after the backup, and may
    have sent,
    stays distinct from what is written now. AlreadyInitialised, DamagedFile, NewerFile, WrongPassphrase,
    WrongRecoveryKey.
    """
    if (home / DATABASE).exists():
        raise AlreadyInitialised(home=home)
    database, keys = _read_backup(source)
    home.mkdir(parents=True, exist_ok=True)
    os.chmod(home, 0o700)
    waiting = home / "restored"
    waiting.mkdir(exist_ok=True)
    try:
        write_private(waiting / KEYS, keys)
        write_private(waiting / DATABASE, database)
        keyslots = Keyslots(waiting / KEYS)
        if kit is not None:
            data_key = keyslots.open_with_recovery(RecoveryKit.secret_from(kit))
        elif passphrase is not None:
            data_key = keyslots.open_with_passphrase(passphrase)
        else:
            raise WrongPassphrase()
        with closing(db.open_database(waiting / DATABASE, data_key)) as connection:
            if db.check_integrity(connection):
                raise DamagedFile(file=source.name)
            migrate(connection)
            capture.install(connection)
            with db.transaction(connection):
                fork.new_incarnation(connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (waiting / KEYS).replace(home / KEYS)
        (waiting / DATABASE).replace(home / DATABASE)
    finally:
        for left in waiting.iterdir():
            left.unlink()
        waiting.rmdir()
    Keyslots(home / KEYS).set_machine(data_key, True)
    return Node(home, data_key)


def _read_backup(source: Path) -> tuple[bytes, bytes]:
    try:
        with tarfile.open(source, "r:") as archive:
            members = [archive.extractfile(name) for name in (_BACKUP_DB, _BACKUP_KEYS)]
            database, keys = (m.read() if m else b"" for m in members)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise DamagedFile(file=source.name) from error
    if not database or not keys:
        raise DamagedFile(file=source.name)
    return database, keys


def change_passphrase(node: Node, new: str) -> None:
    """Wrap the data key anew; the database is not written."""
    Keyslots(node.home / KEYS).change_passphrase(node.key, new)
