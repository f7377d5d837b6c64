"""Programs killed before each of their steps: whatever the step, doing it again brings what it should have brought."""

import contextlib
import itertools
import os
import random
import shutil
import time
from contextlib import closing

import pytest

from hub import ingest, schools, sticks
from hub.storage import open_hub
from node import storage
from node.exchange import actions as exchange
from node.storage import open_node
from shared.db import check_integrity
from shared.keys import Keyslots, RecoveryKit
from shared.problems import AlreadyInitialised, HubUnreachable, NotInitialised, Replay
from sync.checks import verify_chain
from sync.log import dump
from sync.state import State
from sync.transport.folder import read_bundle, write_bundle
from sync.transport.http import HttpTransport
from sync.writer import writing
from tests.faults import judge, workers
from tests.faults.processes import start
from tests.world import a_hub, a_node, a_school, transport_to

FULL = os.environ.get("MEKTEP_FAULTS") == "full"
SQL_STEPS = 60 if FULL else 6
"""How many of the steps within a database are tried, at most; those between files always are."""

pytestmark = pytest.mark.faults


def steps_of(tmp_path, target, *arguments, every=1):
    """The steps to die at, after one run to the end that shows what there are; but in a full run one of ``every``."""
    written = tmp_path / "steps"
    start(target, *arguments, log=tmp_path / "log", watched=tmp_path, steps=written).wait()
    kinds = written.read_text().split()
    files = [n for n, kind in enumerate(kinds, 1) if kind == "file"]
    others = [n for n, kind in enumerate(kinds, 1) if kind == "sql"]
    assert kinds
    chosen = random.Random(7).sample(others, min(SQL_STEPS, len(others)))
    return sorted({*files, *chosen, *others[-1:]})[:: 1 if FULL else every]


def killed_at(step, tmp_path, target, *arguments):
    """Run until the step; returns whether it came to that."""
    return start(target, *arguments, log=tmp_path / "log", watched=tmp_path, die_at=step).wait().was_killed


def whole(node):
    with closing(node.connect()) as db:
        return [*check_integrity(db), *verify_chain(db)] == []


def full_dump(node):
    with closing(node.connect()) as db:
        return list(dump(db, district_only=False))


def names(school, *some):
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        for name in some:
            person = w.insert("person", sex="f", birth_year=2010)
            w.insert("consent", person=person, purpose="core", valid_from=0)
            w.update("person", person, surname=name)
            w.put("pupil", person=person, language="ky")


def same(school):
    return list(judge.difference(school.node, school.hub, school.id)) == []


# -- beginning ---------------------------------------------------------------------------------------------------


def test_a_node_is_made_whole_or_can_be_made_again(tmp_path):
    for step in steps_of(tmp_path, workers.make_node, tmp_path / "whole"):
        home = tmp_path / f"node{step}"
        assert killed_at(step, tmp_path, workers.make_node, home)
        try:
            node = open_node(home)
        except NotInitialised:
            workers.make_node(home)
            node = open_node(home)
        assert whole(node) and node.origin, step
        words = workers.kit_words(home).read_text()
        assert Keyslots(home / "keys.json").open_with_recovery(RecoveryKit.secret_from(words)) == node.key


@pytest.mark.parametrize("where", ["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_hub_is_made_whole_or_can_be_made_again(tmp_path, where, request):
    def database(name):
        if where == "sqlcipher":
            return None
        cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute(f"CREATE DATABASE {name}")
        request.addfinalizer(lambda: cluster.execute(f"DROP DATABASE {name} WITH (FORCE)"))
        return cluster.url(name)

    every = 2 if where == "sqlcipher" else 4
    for step in steps_of(tmp_path, workers.make_hub, tmp_path / "whole", database("whole"), every=every):
        home, url = tmp_path / f"hub{step}", database(f"killed_{step}")
        assert killed_at(step, tmp_path, workers.make_hub, home, url)
        try:
            hub = open_hub(home)
        except NotInitialised:
            workers.make_hub(home, url)
            hub = open_hub(home)
        school = schools.add_school(hub, "School 8")
        assert list(judge.hub_flaws(hub, school)) == [], step
        hub.close()


@pytest.mark.postgres
def test_a_database_of_another_hub_is_left_alone(tmp_path, postgres_url):
    hub = a_hub(tmp_path / "first", postgres_url)
    school = schools.add_school(hub, "School 8")
    with pytest.raises(AlreadyInitialised):
        a_hub(tmp_path / "second", postgres_url)
    assert list(judge.hub_flaws(hub, school)) == []
    hub.close()
    assert schools.find_school(open_hub(tmp_path / "first"), "School 8") == school


def test_registering_can_be_repeated_with_the_same_code(tmp_path):
    hub = a_hub(tmp_path / "hub")
    codes = [schools.registration_code(hub, schools.add_school(hub, f"School {n}")).text for n in range(200)]
    hub.close()
    server, url = served(tmp_path)
    a_node(tmp_path / "whole")
    for step in steps_of(tmp_path, workers.register, tmp_path / "whole", url, codes.pop()):
        node, code = a_node(tmp_path / f"node{step}"), codes.pop()
        assert killed_at(step, tmp_path, workers.register, node.home, url, code)
        assert exchange.register(node, url, code)
        assert exchange.run_sync(node, "hand", HttpTransport(url)).outcome == "done", step
    server.kill()


# -- syncing -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def school(tmp_path, request):
    """A school registered at a hub that is also to be served."""
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    school = a_school(tmp_path / "node", a_hub(tmp_path / "hub", database))
    yield school
    school.hub.close()


def served(tmp_path, **options):
    """The hub in a process of its own, and its address."""
    address = tmp_path / "address"
    address.unlink(missing_ok=True)
    server = start(workers.serve_hub, tmp_path / "hub", address, log=tmp_path / "hub.log", **options)
    while not address.exists():
        assert server.alive
        time.sleep(0.01)
    return server, address.read_text()


_NEW_SCHOOLS = itertools.count(9)


def something_new(school):
    """Something for both ends to apply."""
    names(school, "Осмонова", "Асанова")
    schools.add_school(school.hub, f"School {next(_NEW_SCHOOLS)}")


def test_a_sync_completes_whatever_step_the_node_died_at(tmp_path, school):
    server, url = served(tmp_path)
    something_new(school)
    died, steps = 0, steps_of(tmp_path, workers.sync_once, school.node.home, url)
    for step in steps:
        something_new(school)
        died += killed_at(step, tmp_path, workers.sync_once, school.node.home, url)
        assert exchange.run_sync(school.node, "hand", HttpTransport(url)).outcome == "done", step
        assert same(school), step
    assert whole(school.node) and list(judge.hub_flaws(school.hub, school.id)) == []
    assert died >= len(steps) // 2
    server.kill()


def test_a_sync_completes_whatever_step_the_hub_died_at(tmp_path, school):
    written = tmp_path / "steps"
    server, url = served(tmp_path, steps=written)
    before = len(written.read_text().split())
    something_new(school)
    exchange.run_sync(school.node, "hand", HttpTransport(url))
    server.kill()
    after = len(written.read_text().split())
    assert after > before + 10
    died, tries = 0, min(SQL_STEPS, after - before)
    for step in random.Random(7).sample(range(before + 1, after + 1), tries):
        server, url = served(tmp_path, die_at=step)
        something_new(school)
        with contextlib.suppress(HubUnreachable):
            exchange.run_sync(school.node, "hand", HttpTransport(url))
        died += not server.alive
        server.kill()
        assert list(judge.hub_flaws(school.hub, school.id)) == [], step
        server, url = served(tmp_path)
        assert exchange.run_sync(school.node, "hand", HttpTransport(url)).outcome == "done", step
        server.kill()
        assert same(school), step
    assert whole(school.node) and died >= tries // 2


# -- copies ------------------------------------------------------------------------------------------------------


def test_a_backup_is_whole_or_not_there(tmp_path):
    node = a_node(tmp_path / "node")
    expected = full_dump(node)
    for step in steps_of(tmp_path, workers.back_up, node.home, tmp_path / "whole.backup"):
        target = tmp_path / f"{step}.backup"
        assert killed_at(step, tmp_path, workers.back_up, node.home, target)
        if not target.exists():
            storage.backup(open_node(node.home), target)
        restored = storage.restore(tmp_path / f"restored{step}", target, passphrase="open")
        assert whole(node) and full_dump(restored) == expected, step


def test_a_home_is_restored_whole_or_can_be_restored_again_from_any_backup(tmp_path):
    hub = a_hub(tmp_path / "hub")
    school = a_school(tmp_path / "node", hub)
    names(school, "Осмонова")
    school.sync()
    older, newer = tmp_path / "older", tmp_path / "newer"
    storage.backup(school.node, older)
    names(school, *(f"Бермет {n}" for n in range(40)))
    school.sync()
    storage.backup(school.node, newer)
    expected = {older: 1, newer: 41}
    for at, step in enumerate(steps_of(tmp_path, workers.restore, tmp_path / "whole", older)):
        home = tmp_path / f"restored{step}"
        first, second = (older, newer) if at % 2 else (newer, older)
        assert killed_at(step, tmp_path, workers.restore, home, first)
        try:
            node, source = open_node(home), first
        except NotInitialised:
            workers.restore(home, second)
            node, source = open_node(home), second
        assert whole(node), step
        assert sum(line.startswith('["pupil"') for line in full_dump(node)) == expected[source], step
        with closing(node.connect()) as db:
            assert int(State(db).origin) != school.node.origin
        hub.close()


def test_what_a_lost_home_left_behind_does_not_reach_the_restored_one(tmp_path):
    node = a_node(tmp_path / "node")
    storage.backup(node, tmp_path / "backup")
    expected = full_dump(node)
    with closing(node.connect()) as db:
        with writing(db, int(State(db).administrator)) as w:
            w.insert("room", name="12")
        for left in ("node.db-wal", "node.db-shm"):
            shutil.copy(node.home / left, tmp_path / left)
    home = tmp_path / "lost"
    home.mkdir()
    shutil.copy(tmp_path / "node.db-wal", home)
    shutil.copy(tmp_path / "node.db-shm", home)
    restored = storage.restore(home, tmp_path / "backup", passphrase="open")
    assert whole(restored) and full_dump(restored) == expected


# -- sticks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def carried(tmp_path):
    """A school whose request waits on a stick, with something for it at the hub; copied for every step."""
    hub = a_hub(tmp_path / "begun" / "hub")
    school = a_school(tmp_path / "begun" / "node", hub)
    names(school, "Осмонова", "Асанова")
    schools.add_school(hub, "School 9")
    stick = tmp_path / "begun" / "stick"
    stick.mkdir()
    exchange.export_bundle(school.node, stick)
    hub.close()
    return school


def taken_out(tmp_path, school, name):
    """A copy of it all: the hub, the school's node, the stick."""
    place = tmp_path / name
    shutil.copytree(tmp_path / "begun", place)
    school.hub, school.node = open_hub(place / "hub"), open_node(place / "node")
    school.transport = transport_to(school.hub)
    return place


def test_a_stick_is_answered_however_often_the_hub_is_killed(tmp_path, carried):
    place = taken_out(tmp_path, carried, "whole")
    for step in steps_of(tmp_path, workers.answer_stick, place / "hub", place / "stick"):
        place = taken_out(tmp_path, carried, f"killed{step}")
        assert killed_at(step, tmp_path, workers.answer_stick, place / "hub", place / "stick")
        assert sticks.import_bundles(carried.hub, place / "stick")[1] == [], step
        exchange.import_bundles(carried.node, place / "stick")
        with closing(carried.node.connect()) as db:
            assert State(db).last_done, step
        assert same(carried) and list(judge.hub_flaws(carried.hub, carried.id)) == [], step
        assert list((place / "stick").glob("*.request")) == list((place / "stick").glob("*.answer")) == []
        carried.hub.close()


def test_a_stick_is_taken_however_often_the_node_is_killed(tmp_path, carried):
    place = taken_out(tmp_path, carried, "answered")
    sticks.import_bundles(carried.hub, place / "stick")
    carried.hub.close()
    shutil.rmtree(tmp_path / "begun")
    place.rename(tmp_path / "begun")
    place = taken_out(tmp_path, carried, "whole")
    side = tmp_path / "side"
    for step in steps_of(tmp_path, workers.take_stick, place / "node", place / "stick", side):
        place = taken_out(tmp_path, carried, f"killed{step}")
        assert killed_at(step, tmp_path, workers.take_stick, place / "node", place / "stick", side)
        exchange.import_bundles(carried.node, place / "stick")
        with closing(carried.node.connect()) as db:
            assert State(db).last_done, step
        assert same(carried) and whole(carried.node), step
        assert carried.sync().outcome == "done"
        carried.hub.close()


def test_a_refusal_on_a_stick_does_not_stand_in_the_way(tmp_path, carried):
    place = taken_out(tmp_path, carried, "refused")
    (request,) = (place / "stick").glob("*.request")
    message = read_bundle(request)
    write_bundle(request.with_suffix(".answer"), ingest.receive(carried.hub, message))
    write_bundle(request.with_name(request.stem + "-0.answer"), ingest.receive(carried.hub, message))
    with pytest.raises(Replay):
        exchange.import_bundles(carried.node, place / "stick")
    assert list((place / "stick").glob("*.answer")) == []
    with closing(carried.node.connect()) as db:
        assert State(db).last_done
    assert same(carried)
    carried.hub.close()
