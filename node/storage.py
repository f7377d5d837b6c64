"""A node's home directory: made, opened, backed up, restored. What lies in it:

node.db, node.db-wal   the encrypted database
keys.json              the data key, wrapped for passphrase, recovery kit and (if wanted) this machine
machine.key            opens the machine slot, so that the node comes back by itself after a power cut
sync.lock              held while a sync runs
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlite_utils import Database

from shared import archive, crypto, db
from shared.dates import day_at
from shared.keys import RECOVERY_BYTES, RecoveryKit, recovery_keypair, recovery_signer
from shared.keyslots import Keyslots, sync_directory
from shared.migrations import migrate
from shared.problems import (
    AlreadyInitialised,
    DamagedFile,
    MissingFile,
    NewerFile,
    NotInitialised,
    WrongKey,
)
from sync import capture, clock, fork, registration
from sync.adopt import adopt_in_node
from sync.state import State
from sync.writer import writing

DATABASE, KEYS, MACHINE = "node.db", "keys.json", "machine.key"
_UNFINISHED = DATABASE + ".new"


@dataclass(frozen=True)
class Node:
    """An unlocked node; its database key stays in memory."""

    home: Path
    key: bytes

    def connect(self) -> Database:
        """Open a connection of one's own: one for each request or thread. Close it with ``.close()``.

        DamagedFile, also when the key does not open it: that the key is the right one was known before.
        """
        try:
            return db.open_database(self.home / DATABASE, self.key)
        except WrongKey as error:
            raise DamagedFile(file=DATABASE) from error

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
    cost: crypto.Cost | None = None,
    hand_over: Callable[[RecoveryKit], None] = lambda kit: None,
) -> tuple[Node, RecoveryKit]:
    """Make a new school: keys, empty encrypted database, first account (an administrator).

    AlreadyInitialised when there is one. The kit is not kept anywhere: print it. ``hand_over`` receives it before the
    school exists, so that no power cut leaves a school without its kit. ``cost`` is for tests.
    """
    kit = RecoveryKit.create(school_name, date.today())

    def fill(connection: Database) -> None:
        _found(connection, kit, school_name, login, password, language)

    return _make_home(home, kit.secret, passphrase, machine_slot, cost, fill, lambda: hand_over(kit)), kit


def _make_home(
    home: Path,
    recovery_secret: bytes,
    passphrase: str,
    machine_slot: bool,
    cost: crypto.Cost | None,
    fill: Callable[[Database], None],
    before_ready: Callable[[], None] = lambda: None,
) -> Node:
    """Make database and key file; cut off anywhere, it can be begun again. AlreadyInitialised."""
    unfinished = home / _UNFINISHED
    if (home / DATABASE).exists() or ((home / KEYS).exists() and not _is_interrupted(home)):
        raise AlreadyInitialised(home=home)
    home.mkdir(parents=True, exist_ok=True)
    os.chmod(home, 0o700)
    # What an interrupted init left: never used keys, then the database they were for.
    (home / KEYS).unlink(missing_ok=True)
    shutil.rmtree(home / archive.SET_ASIDE, ignore_errors=True)
    for left in home.glob(DATABASE + "*"):
        left.unlink()
    data_key = crypto.random_bytes(crypto.KEY_BYTES)
    with closing(db.open_database(unfinished, data_key, create=True)) as connection:
        _upgrade(connection)
        fill(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # The key file first: a database without keys would be lost, keys without a database are made anew.
    Keyslots.create(home / KEYS, data_key, passphrase, recovery_secret, machine_slot, cost)
    before_ready()
    unfinished.rename(home / DATABASE)
    sync_directory(home)
    return Node(home, data_key)


def join_node(
    home: Path,
    *,
    passphrase: str,
    kit: str | None = None,
    machine_slot: bool = True,
    cost: crypto.Cost | None = None,
) -> Node:
    """Make an empty home for a further node of a school, to be introduced with `node.exchange.actions.join`.

    ``kit``: the words or QR text of the school's recovery kit; None: the node will be let in by another one's word, and
    its own home opens with the passphrase alone. A home made so before into which not all has come yet is opened again.
    """
    if (home / DATABASE).exists():
        node = open_node(home, passphrase)
        with closing(node.connect()) as connection:
            if State(connection).administrator:
                raise AlreadyInitialised(home=home)
        return node
    secret = RecoveryKit.secret_from(kit) if kit is not None else crypto.random_bytes(RECOVERY_BYTES)

    def fill(connection: Database) -> None:
        with db.transaction(connection):
            _make_keys(connection, secret if kit is not None else None)

    return _make_home(home, secret, passphrase, machine_slot, cost, fill)


def _make_keys(connection: Database, kit_secret: bytes | None) -> None:
    state = State(connection)
    signer = crypto.SigningKey.generate()
    state.signing_key = signer.to_bytes()
    state.opening_key = crypto.OpeningKey.generate().to_bytes()
    if kit_secret is not None:
        state.recovery_public = recovery_keypair(kit_secret).public
        state.recovery_signing = recovery_signer(kit_secret).public
    fork.begin_incarnation(connection, signer.public, continues=None)


def _found(
    connection: Database, kit: RecoveryKit, school_name: str, login: str, password: str, language: str
) -> None:
    state = State(connection)
    with db.transaction(connection):
        _make_keys(connection, kit.secret)
        state.school_name = school_name
        first_key = crypto.random_bytes(crypto.KEY_BYTES)
        connection.execute("INSERT INTO epoch VALUES (1, ?)", (first_key,))
        state.first_tag = registration.first_tag(kit.secret, first_key)
    account = (int(state.origin) << 32) + 1
    with writing(connection, actor=account) as w:
        person = w.insert("person")
        made = w.insert(
            "account", person=person, login=login, password=crypto.hash_password(password), language=language
        )
        assert made == account
        w.insert("appointment", person=person, duty="administrator", start=day_at(clock.now_ms()))
        state.administrator = account


def open_node(home: Path, passphrase: str | None = None) -> Node:
    """Unlock the node of a home directory, by this machine's slot when no passphrase is given; upgrades its database.

    NotInitialised, MissingFile, WrongPassphrase, NoSuchSlot, DamagedFile, NewerFile.
    """
    _require_home(home)
    keyslots = Keyslots(home / KEYS)
    key = keyslots.open_with_machine() if passphrase is None else keyslots.open_with_passphrase(passphrase)
    node = Node(home, key)
    db.refuse_newer(home / DATABASE, key)
    with closing(node.connect()) as connection:
        _upgrade(connection)
        fork.go_on_if_old(connection)
    return node


def _require_home(home: Path) -> None:
    """Raise NotInitialised where nothing was finished, MissingFile for half a home."""
    keys, database = (home / KEYS).exists(), (home / DATABASE).exists()
    if not database and (not keys or _is_interrupted(home)):
        raise NotInitialised(home=home)
    if not (keys and database):
        raise MissingFile(file=DATABASE if keys else KEYS)


def _is_interrupted(home: Path) -> bool:
    """Did a power cut end an init or a restore before it was done?"""
    return (home / _UNFINISHED).exists() or (home / archive.SET_ASIDE).exists()


def _upgrade(connection: Database) -> None:
    migrate(connection)
    capture.install(connection)
    adopt_in_node(connection)


def backup(node: Node, target: Path) -> None:
    """Write an encrypted copy of the running node into one file; keys inside stay wrapped, the machine's stays home.

    DiskFull, DamagedFile. An older file of that name stays until the new one is whole.
    """

    def copy(file: Path) -> None:
        with closing(node.connect()) as connection:
            db.backup(connection, file, node.key)

    archive.write(target, DATABASE, node.home / KEYS, copy)
    # One that a browser saves lies elsewhere by the time anyone asks.
    is_passing = target.absolute().is_relative_to(node.home.absolute())
    with closing(node.connect()) as connection, db.transaction(connection):
        now = State(connection).last_backup = clock.now_ms()
        place = f"saved {now}" if is_passing else str(target.absolute())
        connection.execute(
            "INSERT INTO backup_made VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET at = excluded.at",
            (place, now),
        )


def restore(
    home: Path,
    source: Path,
    *,
    passphrase: str | None = None,
    kit: str | None = None,
    machine_slot: bool = False,
) -> Node:
    """Make a home from a backup, opened with the passphrase of its time or the recovery kit's words.

    The restored node writes on under a new incarnation: what the lost machine wrote after the backup, and may have
    sent, stays distinct from what is written now. ``machine_slot``: this machine shall open it by itself from now on,
    whatever the lost one did.
    AlreadyInitialised, DamagedFile, NewerFile, WrongPassphrase, WrongRecoveryKey; then nothing is left behind.
    """
    if (home / DATABASE).exists():
        raise AlreadyInitialised(home=home)
    with archive.set_aside(home) as waiting:
        archive.unpack(source, waiting, DATABASE, KEYS)
        data_key = archive.unlock(Keyslots(waiting / KEYS), source, passphrase, kit, machine_slot)
        _revive(waiting / DATABASE, data_key, source)
        _move_in(waiting, home)
    return Node(home, data_key)


def _revive(database: Path, data_key: bytes, source: Path) -> None:
    """Check the copy, bring it up to this release, and let it write on under a new name."""
    try:
        with closing(db.open_database(database, data_key)) as connection:
            if db.check_integrity(connection):
                raise DamagedFile(file=source.name)
            _upgrade(connection)
            with db.transaction(connection):
                fork.new_incarnation(connection)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (WrongKey, DamagedFile) as error:
        raise DamagedFile(file=source.name) from error
    except NewerFile as error:
        raise NewerFile(file=source.name) from error


def _move_in(waiting: Path, home: Path) -> None:
    # The write-ahead log of a lost database would be taken for the restored one's.
    for left in home.glob(DATABASE + "*"):
        left.unlink()
    if not (waiting / MACHINE).exists():
        (home / MACHINE).unlink(missing_ok=True)
    # The database last: while it is not there, the home can be restored again.
    for name in (MACHINE, KEYS, DATABASE):
        if (waiting / name).exists():
            (waiting / name).replace(home / name)
    sync_directory(home)


def change_passphrase(node: Node, new: str) -> None:
    """Wrap the data key anew; the database is not written."""
    Keyslots(node.home / KEYS).change_passphrase(node.key, new)
