"""The named cast of the tests: schools with nodes, a hub, and a way between them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlite_utils import Database

from hub import ingest, schools
from hub.storage import Hub, create_hub
from node.storage import Node, create_node
from shared import crypto
from sync.delivery import Progress
from sync.session import Derive, register, sync
from sync.state import State
from sync.transport.memory import Fault, MemoryTransport
from sync.writer import writing

CHEAP = crypto.Cost(2**4)
"""scrypt that a test can wait for."""


def no_derived_rows(db: Database) -> bool:
    return False


def a_hub(home: Path, database: str | None = None) -> Hub:
    hub, _ = create_hub(
        home, login="district", password="secret", passphrase="open", cost=CHEAP, database=database
    )
    return hub


def a_node(home: Path, name: str = "School") -> Node:
    node, _ = create_node(
        home, school_name=name, login="admin", password="secret", passphrase="open", cost=CHEAP
    )
    return node


@dataclass
class School:
    """A school with one node, registered at a hub reached in memory."""

    node: Node
    hub: Hub
    id: int
    transport: MemoryTransport
    derive: Derive = no_derived_rows

    @cached_property
    def actor(self) -> int:
        with closing(self.node.connect()) as db:
            return int(State(db).administrator)

    def sync(self) -> Progress:
        with closing(self.node.connect()) as db:
            return sync(db, self.transport, self.derive)

    def write(self, name: str, **values: object) -> int:
        with closing(self.node.connect()) as db, writing(db, self.actor) as w:
            return w.insert(name, **values)  # type: ignore[arg-type]


def transport_to(hub: Hub, fault: Fault | None = None) -> MemoryTransport:
    receive: Callable[[bytes], bytes] = lambda message: ingest.receive(hub, message)  # noqa: E731
    return MemoryTransport(lambda: ingest.describe(hub), receive, fault or (lambda: ""))


def a_school(home: Path, hub: Hub, name: str = "School 8", fault: Fault | None = None) -> School:
    node = a_node(home, name)
    school = schools.add_school(hub, name)
    transport = transport_to(hub, fault)
    with closing(node.connect()) as db:
        register(db, transport, schools.registration_code(hub, school).text)
    return School(node, hub, school, transport)
