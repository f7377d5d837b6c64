"""A new key of the school on its way to nodes that were not there, or not yet members, when it was made."""

from __future__ import annotations

from unittest import mock

import pytest
from sqlite_utils import Database

from hub import schools
from node.derived import derive
from shared.db import transaction
from shared.problems import ImpostorHub, KeyAwaited
from sync import registration, session
from sync.checks import verify_chain
from sync.log import dump
from sync.state import epoch_keys, identity
from sync.writer import writing
from tests.few import Few
from tests.few import hub as hub
from tests.few import world as world
from tests.properties.machines import KIT, empty_database, make_keys


def introduced(world: Few) -> Database:
    """A node that was let in by the kit and has not shown yet that it holds a key: others do not take it for one."""
    db = empty_database()
    with transaction(db):
        make_keys(db)
    session.join_by_kit(db, world.transport(), KIT)
    return db


def revoke(world: Few, db: Database) -> None:
    assert schools.revoke(world.hub, identity(db).signer.public)


def write(db: Database, name: str) -> None:
    with writing(db, 0) as w:
        w.insert("room", name=name)


def judge(world: Few, *nodes: Database) -> None:
    dumps = [list(dump(db, False)) for db in nodes]
    assert all(d == dumps[0] for d in dumps)
    assert not [flaw for db in nodes for flaw in verify_chain(db)]


def test_a_key_comes_with_those_before_it(world: Few) -> None:
    first, second, third = world.first, world.joined(), world.joined()
    late = introduced(world)
    revoke(world, second)
    world.exchange(first, first, late)
    assert sorted(epoch_keys(first)) == [1, 2] and sorted(epoch_keys(late)) == [1]
    revoke(world, third)
    world.exchange(first, first)
    write(first, "sealed with the third key")
    world.exchange(first, late)
    assert sorted(epoch_keys(late)) == [1, 2, 3]
    judge(world, first, late)


def test_a_key_whose_predecessor_is_not_here_yet_is_no_lie_of_the_hub(world: Few) -> None:
    first, second, third = world.first, world.joined(), world.joined()
    late = introduced(world)
    revoke(world, second)
    world.exchange(first, first, late)
    revoke(world, third)
    with mock.patch("sync.registration._lacking", return_value=[]):  # as a release before this one does
        world.exchange(first, first)
    write(first, "sealed with the third key")
    world.exchange(first)
    write(late, "written meanwhile")
    with pytest.raises(KeyAwaited):
        session.sync(late, world.transport(), derive)
    assert sorted(epoch_keys(late)) == [1]
    world.exchange(first, first, late, first)
    assert sorted(epoch_keys(late)) == [1, 2, 3]
    judge(world, first, late)


def test_a_key_that_no_node_has_any_more_comes_with_the_kit(world: Few) -> None:
    first, second = world.first, world.joined()
    late = introduced(world)
    revoke(world, second)
    world.exchange(first, first)
    write(first, "sealed with the second key")
    world.exchange(first)
    revoke(world, first)
    with pytest.raises(KeyAwaited):
        session.sync(late, world.transport(), derive)
    another = world.joined()
    world.exchange(another, late, another)
    assert 2 in epoch_keys(late)
    judge(world, another, late, world.joined())
    assert late.execute("SELECT name FROM room").fetchall() == [("sealed with the second key",)]


def test_a_key_of_the_hubs_own_is_refused_with_its_predecessor_here(world: Few) -> None:
    """What is left for its predecessor is judged once that has come: it is never used unproved."""
    first = world.first
    keys = epoch_keys(first)
    registration._keep_epoch(first, 2, b"k" * 32 + registration._tag(keys[1], 2, b"k" * 32), keys, None)
    assert sorted(keys) == [1, 2]
    with pytest.raises(ImpostorHub):
        registration._keep_epoch(first, 3, bytes(64), keys, None)
