"""Two copies of one node that both run on, and a stick that comes to the wrong one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from hub import ingest
from hub.storage import Hub
from node.derived import derive
from shared.db import transaction
from shared.problems import HubUnreachable
from sync import fork, session
from sync.delivery import Progress, take_answer
from sync.log import dump
from sync.state import State
from sync.writer import writing
from tests.few import Few, a_few
from tests.properties.machines import copy_of
from tests.world import a_hub


@pytest.fixture
def world(tmp_path) -> Iterator[Few]:
    hub: Hub = a_hub(tmp_path / "hub")
    yield a_few(hub)
    hub.close()


def write(db: Database, name: str) -> None:
    with writing(db, 0) as w:
        w.insert("room", name=name)


def test_a_refusal_of_the_other_copys_changes_is_not_taken_for_one_of_ours(world: Few) -> None:
    ours, other = world.first, copy_of(world.first)
    write(ours, "first")
    world.exchange(ours)
    write(other, "apart")
    request, _ = session.make_request(other, Progress(), everything=True)
    answer = ingest.receive(world.hub, request, carried=True)
    write(ours, "accepted, and not known to be")
    with pytest.raises(HubUnreachable):
        session.sync(ours, world.transport(lambda: "lose answer"), derive)
    origin = State(ours).origin
    take_answer(ours, session.open_carried(ours, answer), Progress())
    assert State(ours).origin == origin
    world.exchange(ours, other, ours)
    rooms = [name for (name,) in ours.execute("SELECT name FROM room ORDER BY name")]
    assert rooms == ["accepted, and not known to be", "apart", "first"]
    assert list(dump(ours, False)) == list(dump(other, False))


def test_the_number_of_a_name_that_the_other_copy_has_taken_is_not_ours(world: Few) -> None:
    ours, other = world.first, copy_of(world.first)
    with transaction(other):
        fork.new_incarnation(other)
    for at in range(State(ours).own_last + 1):
        write(other, f"apart {at}")
    world.exchange(other)
    request, _ = session.make_request(other, Progress(), everything=True)
    answer = ingest.receive(world.hub, request, carried=True)
    origin = State(ours).origin
    take_answer(ours, session.open_carried(ours, answer), Progress())
    write(ours, "ours")
    world.exchange(ours, other, ours)
    assert State(ours).origin == origin
    assert list(dump(ours, False)) == list(dump(other, False))
