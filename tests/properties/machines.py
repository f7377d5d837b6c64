"""Cheap machines for histories: databases in memory, copied from templates; time, keys, chance follow from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random

import sqlalchemy as sa
from sqlite_utils import Database

from hub import tables
from hub.completing import FIRST_FREE, IDS_PER_RESTORE, RESTORED_AT
from hub.schools import next_id
from hub.storage import Hub, _seed, set_state
from shared import crypto
from shared.db import DRIVER, memory_database
from shared.keys import recovery_keypair, recovery_signer
from shared.migrations import migrate
from shared.schema import VERSION
from sync import capture, clock, fork, registration
from sync.adopt import adopt_in_node
from sync.state import State

KIT = bytes(range(16))
NOON = 1_790_000_000_000
"""When every history begins: milliseconds since 1970."""


# -- databases ---------------------------------------------------------------------------------------------------


def copy_of(db: Database) -> Database:
    copy = memory_database()
    db.conn.backup(copy.conn)
    return copy


def empty_database() -> Database:
    """A node's tables and triggers, nothing in them."""
    return copy_of(_empty_node())


@cache
def _empty_node() -> Database:
    db = memory_database()
    migrate(db)
    capture.install(db)
    adopt_in_node(db)
    return db


def empty_hub() -> Hub:
    """A hub without schools. It is one for the whole process, emptied: whoever had it before has it no more."""
    hub, template = _only_hub()
    put_back(hub, template)
    return hub


def hub_connection(hub: Hub) -> Database:
    """The database under a hub in memory."""
    with hub.engine.connect() as connection:
        return Database(connection.connection.driver_connection)


def put_back(hub: Hub, copy: Database) -> None:
    """Let a hub in memory hold what a copy of it held."""
    copy.conn.backup(hub_connection(hub).conn)


def mark_restored(hub: Hub) -> None:
    """As `hub.backups.restore` marks a copy that it puts back."""
    first_free = max(next_id(hub, "school"), next_id(hub, "org_unit")) + IDS_PER_RESTORE
    with hub.write() as connection:
        set_state(connection, RESTORED_AT, str(clock.now_ms()).encode())
        set_state(connection, FIRST_FREE, str(first_free).encode())


@cache
def _only_hub() -> tuple[Hub, Database]:
    # One engine, for it keeps the statements that it has compiled.
    engine = sa.create_engine(
        "sqlite://", module=DRIVER, creator=lambda: memory_database().conn, poolclass=sa.StaticPool
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    signer = crypto.SigningKey.from_bytes(bytes([1]) * 32)
    opener = crypto.OpeningKey.from_bytes(bytes([2]) * 32)
    hub = Hub(Path("in memory"), engine, signer, opener, bytes(32))
    with hub.write() as connection:
        tables.metadata.create_all(connection)
        set_state(connection, "version", str(VERSION).encode())
        _seed(connection)
    return hub, copy_of(hub_connection(hub))


# -- keys --------------------------------------------------------------------------------------------------------


def make_keys(db: Database, kit: bytes = KIT) -> None:
    state = State(db)
    signer = crypto.SigningKey.from_bytes(crypto.random_bytes(32))
    state.signing_key = signer.to_bytes()
    state.opening_key = crypto.OpeningKey.from_bytes(crypto.random_bytes(32)).to_bytes()
    state.recovery_public = recovery_keypair(kit).public
    state.recovery_signing = recovery_signer(kit).public
    fork.begin_incarnation(db, signer.public, continues=None)


def first_school_key(db: Database, kit: bytes = KIT) -> None:
    """What founding a school makes."""
    key = crypto.random_bytes(crypto.KEY_BYTES)
    db.execute("INSERT INTO epoch VALUES (1, ?)", (key,))
    State(db).first_tag = registration.first_tag(kit, key)


# -- time and chance ---------------------------------------------------------------------------------------------


class Time:
    """What every clock shows: the same for all, but for how wrong it is."""

    def __init__(self) -> None:
        self.ms = NOON
        self.skew = 0

    def now(self) -> int:
        return max(0, self.ms + self.skew)

    @contextmanager
    def of(self, skew: int) -> Iterator[None]:
        """Within, time is what a machine with this skew believes."""
        before, self.skew = self.skew, skew
        try:
            yield
        finally:
            self.skew = before


@contextmanager
def determined(seed: int) -> Iterator[Time]:
    """Within, clocks show a made-up time and random bytes follow from the seed, so that a history can be repeated."""
    time, random = Time(), Random(seed)
    real = clock.now_ms, crypto.random_bytes
    clock.now_ms, crypto.random_bytes = time.now, random.randbytes
    try:
        yield time
    finally:
        clock.now_ms, crypto.random_bytes = real
