"""A school whose machines and hub are of different releases: the schema of version 1, of today, and one to come.

Every machine knows the schema of its release alone, from its first row on. A machine of version 1 keeps the engine's
own tables of today, for the engine is today's; at its upgrade all it holds goes into a file of the layout that version
1 left behind (`tests.prior`), and that file is upgraded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlite_utils import Database

from hub import checks as hub_checks
from hub import ingest, schools
from hub.log import HubLog
from hub.storage import Hub, open_hub
from shared.db import memory_database, transaction
from shared.migrations import ENGINE_SQL, _seed, migrate
from shared.problems import HubUnreachable
from shared.schema import VERSION
from shared.tables import quoted
from sync import capture, delivery, session
from sync.adopt import adopt_in_node
from sync.checks import verify_chain
from sync.delivery import Progress
from sync.log import dump
from sync.state import State
from sync.transport.memory import MemoryTransport
from sync.writer import Writer, writing
from tests import prior
from tests.properties.machines import KIT, copy_of, first_school_key, make_keys
from tests.versions import release, tables_at
from tests.world import no_derived_rows

ROUNDS = 6


class Peer:
    """A machine of the school, or a copy of one; ``version``: of the schema it knows."""

    def __init__(self, version: int, db: Database | None = None) -> None:
        self.version = version
        if db is not None:
            self.db = db
            return
        with release(version):
            self.db = _file_of(version)
            with transaction(self.db):
                make_keys(self.db)

    @contextlib.contextmanager
    def here(self) -> Iterator[Database]:
        """Inside, all is of this machine's release."""
        with release(self.version):
            yield self.db

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        with release(self.version), writing(self.db, 0) as w:
            yield w

    def dump(self, district: bool = False) -> list[str]:
        with self.here():
            return list(dump(self.db, district))

    def upgrade(self, version: int) -> None:
        """What opening the file under a newer release does."""
        if self.version == 1 < version:
            self.db = _as_version_1_left_it(self.db)
        self.version = version
        with self.here():
            _bring_up(self.db)

    def copy(self) -> Peer:
        return Peer(self.version, copy_of(self.db))

    def flaws(self) -> list[str]:
        with self.here():
            found = [str(row) for row in self.db.execute("PRAGMA foreign_key_check")]
            return [*found, *verify_chain(self.db)]


def _bring_up(db: Database) -> None:
    migrate(db)
    capture.install(db)
    adopt_in_node(db)


def _file_of(version: int) -> Database:
    """A new file whose rows are of this version, with the engine's tables of today."""
    db = memory_database()
    if version >= VERSION:
        _bring_up(db)
        return db
    statements, _ = prior.read(version)
    with transaction(db):
        for sql in sorted(statements, key=lambda s: not s.startswith("CREATE TABLE")):
            if "sqlite_sequence" not in sql:
                db.execute(sql)
        db.execute("INSERT INTO writing VALUES (1, NULL, 0, 0, 0)")
        for later in range(version + 1, VERSION + 1):
            for sql in ENGINE_SQL.get(later, ()):
                db.execute(sql)
        _seed(db)
        State(db).shows = version
    capture.install(db)
    return db


def _as_version_1_left_it(db: Database) -> Database:
    """All that the file holds, in the layout of version 1."""
    old = memory_database()
    statements, _ = prior.read(1)
    with transaction(old):
        for sql in sorted(statements, key=lambda s: not s.startswith("CREATE TABLE")):
            if "sqlite_sequence" not in sql:
                old.execute(sql)
        names = [name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        old.execute("PRAGMA defer_foreign_keys = ON")
        for name in names:
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({quoted(name)})")]
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone():
                continue
            rows = db.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(name)}").fetchall()
            marks = ", ".join("?" * len(columns))
            old.conn.executemany(
                f"INSERT INTO {quoted(name)} ({', '.join(map(quoted, columns))}) VALUES ({marks})", rows
            )
        old.execute("DELETE FROM _sqlite_migrations")
        old.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('mektep', '1', '')"
        )
        old.execute("PRAGMA user_version = 1")
    return old


class Skewed:
    """A school and its hub; ``hub_version``: of the schema that the hub knows now."""

    def __init__(self, home: Path, make: Callable[[Path], Hub], hub_version: int) -> None:
        self.home, self.hub_version = home, hub_version
        with release(hub_version):
            self.hub = make(home)
            self.school = schools.add_school(self.hub, "A school")
        self.before_answer: Callable[[], None] = lambda: None
        self.after_answer: Callable[[], None] = lambda: None
        self.kit = KIT

    def transport(self) -> MemoryTransport:
        def receive(message: bytes) -> bytes:
            self.before_answer()
            with release(self.hub_version):
                answer = ingest.receive(self.hub, message)
            self.after_answer()
            return answer

        return MemoryTransport(lambda: ingest.describe(self.hub), receive, lambda: "")

    def founded(self, version: int) -> Peer:
        """The school's first machine."""
        peer = Peer(version)
        with peer.here() as db:
            with transaction(db):
                first_school_key(db)
            with release(self.hub_version):
                code = schools.registration_code(self.hub, self.school).text
            session.register(db, self.transport(), code)
        self.exchange(peer)
        return peer

    def joined(self, version: int) -> Peer:
        peer = Peer(version)
        with peer.here() as db:
            session.join_by_kit(db, self.transport(), self.kit)
        self.exchange(peer)
        return peer

    def exchange(self, *peers: Peer) -> None:
        """Each in turn syncs until all is done."""
        for peer in peers:
            with peer.here() as db:
                assert session.sync(db, self.transport(), no_derived_rows).outcome == "done"

    def by_stick(self, *peers: Peer) -> None:
        """Each in turn carries a stick to the hub and back, as often as it takes."""
        for peer in peers:
            for _ in range(ROUNDS):
                if self.take(peer, self.answer(self.request(peer))):
                    break
            else:
                raise AssertionError("a stick carried again and again does not do")

    def request(self, peer: Peer) -> bytes:
        with peer.here() as db:
            return session.make_request(db, Progress(), everything=True)[0]

    def answer(self, message: bytes) -> bytes:
        with release(self.hub_version):
            return ingest.receive(self.hub, message, carried=True)

    def take(self, peer: Peer, answer: bytes) -> bool:
        """Take the answer from the stick; returns whether both sides hold the same then."""
        with peer.here() as db:
            delivery.take_answer(db, session.open_carried(db, answer), Progress())
            return delivery.note_if_done(db)

    def upgrade_hub(self, version: int) -> None:
        self.hub.close()
        self.hub_version = version
        with release(version):
            self.hub = open_hub(self.home)

    def dump(self) -> list[str]:
        """What the hub shows of the school."""
        with release(self.hub_version), self.hub.read() as connection:
            return list(HubLog(connection, self.school, self.hub.signer).dump())

    def flaws(self) -> list[str]:
        with release(self.hub_version):
            return hub_checks.verify(self.hub, self.school)

    def cut_off(self) -> None:
        """The next answer does not arrive."""

        def lose() -> None:
            self.after_answer = lambda: None
            raise HubUnreachable()

        self.after_answer = lose


def known_lines(lines: list[str], version: int) -> list[str]:
    """The lines of a dump that are of tables this version knows."""
    names = {table.name for table in tables_at(version)}
    return [line for line in lines if line.split('"')[1] in names]
