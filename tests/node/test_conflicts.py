"""Values written apart at two nodes are shown to whom it concerns, and settled with one click."""

from __future__ import annotations

from contextlib import closing

import pytest

from hub.storage import Hub
from node.conflicts import actions, queries
from node.conflicts.views import readable
from shared.problems import InvalidValue
from shared.schema import BY_NAME
from sync.writer import writing
from tests.sync.test_nodes import Cast
from tests.world import a_hub

TODAY = 20_000


@pytest.fixture
def cast(tmp_path):
    hub: Hub = a_hub(tmp_path / "hub")
    yield Cast(tmp_path, hub)
    hub.close()


@pytest.fixture
def room(cast):
    """A room whose seats two nodes wrote apart; returns its row id."""
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7", seats=20)
    cast.settle()
    cast.update(first, "room", room, seats=21)
    cast.update(second, "room", room, seats=22)
    cast.settle()
    return room


def listed(node):
    with closing(node.connect()) as db:
        return queries.conflicts(db, TODAY)


def take(node, conflict, choice):
    with closing(node.connect()) as db, writing(db, 0) as w:
        actions.take(w, conflict.table.number, conflict.key, conflict.unit, choice.n)


@pytest.mark.parametrize("which", [0, 1])
def test_both_values_are_listed_everywhere_and_either_can_be_taken(cast, room, which):
    first, second = cast.nodes
    found = [listed(node) for node in (first, second)]
    assert [[[v for _, v in c.values] for c in one[0].choices] for one in found] == [
        [[v for _, v in c.values] for c in found[0][0].choices]
    ] * 2
    assert {c.values[0][1] for c in found[0][0].choices} == {21, 22}
    wanted = found[1][0].choices[which].values[0][1]
    take(second, found[1][0], found[1][0].choices[which])
    assert listed(second) == []
    cast.settle()
    assert listed(first) == []
    assert cast.value(first, "room", "seats", room) == wanted
    cast.check()


def test_a_value_that_is_gone_is_refused(cast, room):
    first = cast.nodes[0]
    conflict = listed(first)[0]
    take(first, conflict, conflict.choices[1])
    with pytest.raises(InvalidValue):
        take(first, conflict, conflict.choices[0])


@pytest.mark.parametrize("which", [0, 1])
def test_a_removal_against_an_edit_is_decided_too(cast, which):
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7")
    cast.settle()
    with closing(first.connect()) as db, writing(db, 0) as w:
        w.retire("room", room)
    cast.update(second, "room", room, seats=30)
    cast.settle()
    conflict = listed(first)[0]
    assert conflict.unit == "retired_at" and len(conflict.choices) == 2
    take(first, conflict, conflict.choices[which])
    cast.settle()
    assert listed(first) == listed(second) == []
    removed = cast.value(second, "room", "retired_at", room) is not None
    assert removed == (conflict.choices[which].values[0][1] is not None)
    cast.check()


def test_values_read_as_people_write_them():
    mark = BY_NAME["mark"]
    assert readable(mark, mark.by_name["value"], 5) == "5"
    assert readable(mark, mark.by_name["kind"], 7 << 32 | 3) == "№ 3"
