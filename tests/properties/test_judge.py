"""The judge of histories can convict: what it is there to find, planted, is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from shared.db import transaction
from tests.properties import acts
from tests.properties.histories import World, a_world
from tests.properties.machines import determined, hub_connection


@pytest.fixture
def world() -> Iterator[World]:
    """Two nodes that have written apart and agreed."""
    with determined(5) as time:
        world = a_world(time, Random(5), (2,))
        (school,) = world.schools
        for machine in school.machines:
            for what in (
                acts.add_class,
                acts.add_movement,
                acts.give_result,
                acts.give_result,
                acts.give_mark,
            ):
                acts.act(world, school, machine, what)
        world.settle()
        yield world


def test_a_history_in_which_nothing_is_wrong_passes(world: World) -> None:
    world.judge()


def change_a_row(world: World) -> None:
    db = world.schools[0].machines[1].db
    with transaction(db):
        db.execute("UPDATE writing SET mode = 1")
        db.execute("UPDATE movement SET note = 'other'")
        db.execute("UPDATE writing SET mode = 0")


def change_the_hub(world: World) -> None:
    hub_connection(world.hub).execute("UPDATE movement SET date = 7")


def forge_a_receipt(world: World) -> None:
    hub_connection(world.hub).execute("UPDATE stream SET receipt = zeroblob(64) WHERE position = 2")


def lose_a_change(world: World) -> None:
    db = world.schools[0].machines[0].db
    with transaction(db):
        db.execute("DELETE FROM change WHERE n = (SELECT max(n) FROM change)")


def lose_a_value(world: World) -> None:
    world.schools[0].truth["never logged"] = frozenset()


def hide_a_value(world: World) -> None:
    """The value that is shown had been seen by the author of the one that is not."""
    school = world.schools[0]
    db = school.machines[0].db
    shown = [v for (v,) in db.execute("SELECT value FROM term_result")]
    hidden = next(t for t in school.truth if isinstance(t, int) and t not in shown)
    for token in (hidden, *school.truth):
        school.truth[token] |= {*shown} - {token}


def forget_who_knew_what(world: World) -> None:
    for uid in world.known:
        world.known[uid] = frozenset()


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (change_a_row, "nodes of one school differ"),
        (change_the_hub, "node and hub differ"),
        (forge_a_receipt, "position 2"),
        (lose_a_change, "is not complete"),
        (lose_a_value, "lost"),
        (hide_a_value, "hides"),
        (forget_who_knew_what, "causality"),
    ],
)
def test_a_planted_flaw_is_found(world: World, plant: Callable[[World], None], sentence: str) -> None:
    plant(world)
    with pytest.raises(AssertionError, match=sentence):
        world.judge()
