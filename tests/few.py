"""A school of a few nodes in memory and its hub, for tests that look closely at what each of them holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count

import pytest
from sqlite_utils import Database

from hub import ingest, schools
from hub.storage import Hub
from node.derived import derive
from shared.db import transaction
from sync import session
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests.properties.machines import (
    KIT,
    copy_of,
    empty_database,
    empty_hub,
    first_school_key,
    hub_connection,
    make_keys,
    put_back,
)
from tests.world import a_hub

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One hub for a module that imports this; its tests have schools of their own."""
    hub = a_hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.close()


@pytest.fixture
def world(hub: Hub) -> Few:
    """A school of a test's own at that hub."""
    return a_few(hub)


@dataclass
class Few:
    """``first``: the node that registered; it has two pupils, a class and a subject group."""

    hub: Hub
    school: int
    first: Database

    def transport(self, fault: Callable[[], str] = lambda: "") -> MemoryTransport:
        return MemoryTransport(
            lambda: ingest.describe(self.hub), lambda message: ingest.receive(self.hub, message), fault
        )

    def exchange(self, *nodes: Database) -> None:
        """Each node in turn syncs until all is done."""
        for db in nodes:
            assert session.sync(db, self.transport(), derive).outcome == "done"

    def joined(self) -> Database:
        """Another node of the school, let in by the kit, that has everything."""
        db = empty_database()
        with transaction(db):
            make_keys(db)
        session.join_by_kit(db, self.transport(), KIT)
        self.exchange(db)
        return db


def a_few(hub: Hub) -> Few:
    """A new school at a hub, with one node."""
    school = schools.add_school(hub, f"A school, № {next(_NUMBERS)}")
    db = empty_database()
    with transaction(db):
        make_keys(db)
        first_school_key(db)
    few = Few(hub, school, db)
    session.register(db, few.transport(), schools.registration_code(hub, school).text)
    with writing(db, 0) as w:
        group = w.insert("class_group", letter="0")
        subject = w.insert("subject_group", class_group=group)
        for _ in range(2):
            person = w.insert("person", sex="f")
            w.put("pupil", person=person)
            w.put("subject_group_pupil", subject_group=subject, pupil=person)
    few.exchange(db)
    return few


def two_again() -> tuple[Few, Database]:
    """A school of two nodes as it was when the second had joined, and that one: made once, put back for every example.

    Its hub is the one in memory: whoever had it before has it no more.
    """
    made, second, at_hub = _two()
    put_back(made.hub, at_hub)
    return Few(made.hub, made.school, copy_of(made.first)), copy_of(second)


@cache
def _two() -> tuple[Few, Database, Database]:
    few = a_few(empty_hub())
    second = few.joined()
    return few, second, copy_of(hub_connection(few.hub))
