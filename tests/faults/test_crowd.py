"""A hundred nodes push at once; the hub has one writer and refuses nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from hub import schools
from hub.log import HubLog
from hub.storage import Hub
from shared.db import transaction
from sync import session
from sync.log import dump
from sync.writer import writing
from tests.properties.histories import empty_database, first_school_key, make_keys
from tests.world import a_hub, no_derived_rows, transport_to

NODES = 100
pytestmark = pytest.mark.faults


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path: Path, request: pytest.FixtureRequest):
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    hub = a_hub(tmp_path / "hub", database)
    yield hub
    hub.close()


def a_registered_node(hub: Hub, number: int) -> tuple[Database, int]:
    db = empty_database()
    with transaction(db):
        make_keys(db)
        first_school_key(db)
    school = schools.add_school(hub, f"School {number}")
    session.register(db, transport_to(hub), schools.registration_code(hub, school).text)
    with writing(db, 0) as w:
        for year in range(40):
            w.insert("person", sex="f", birth_year=1990 + (year + number) % 30)
    return db, school


def test_a_hundred_nodes_at_once_are_all_accepted_at_the_first_try(hub: Hub) -> None:
    nodes = [a_registered_node(hub, number) for number in range(NODES)]
    transports = [transport_to(hub) for _ in nodes]

    def push(at: int) -> str:
        return session.sync(nodes[at][0], transports[at], no_derived_rows).outcome

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(push, range(NODES))) == ["done"] * NODES
    assert all(len(transport.sent) <= 2 for transport in transports)
    with hub.read() as connection:
        for db, school in nodes[::10]:
            with closing(db.conn):
                assert list(HubLog(connection, school, hub.signer).dump()) == list(dump(db, True))
