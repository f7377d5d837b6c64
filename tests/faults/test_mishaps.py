"""What happens in a school year: clocks that jump, copies of machines, names that meet, full disks, links that drop."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import socket
import threading
import time
from contextlib import closing

import pytest
import sqlalchemy as sa

from hub import create_app, ingest, schools, sticks, tables
from node.derived import derive
from node.exchange import actions as exchange
from node.storage import backup, restore
from shared import db as files
from shared.problems import DatabaseBusy, DiskFull, Problem
from sync import clock, session
from sync.log import NodeLog, dump
from sync.state import State, identity
from sync.transport.http import HttpTransport
from sync.writer import writing
from tests.serving import serving
from tests.sync.test_nodes import Cast
from tests.world import a_hub, a_node, transport_to

HOUR, DAY, YEAR = 3_600_000, 86_400_000, 365 * 86_400_000


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path, request):
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    hub = a_hub(tmp_path / "hub", database)
    yield hub
    hub.close()


@pytest.fixture
def cast(tmp_path, hub):
    return Cast(tmp_path, hub)


def rooms(node):
    with closing(node.connect()) as db:
        return sorted(name for (name,) in db.execute("SELECT name FROM room WHERE name IS NOT NULL"))


def conflicts(node):
    with closing(node.connect()) as db:
        return db.execute("SELECT count(*) FROM conflict").fetchone()[0]


# ---- clocks


@pytest.mark.parametrize("jumps", [(9 * YEAR, -9 * YEAR), (-9 * YEAR, 9 * YEAR), (DAY, -2 * DAY, HOUR)])
def test_a_clock_that_jumps_during_a_day_changes_no_order(cast, monkeypatch, jumps):
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7", seats=0)
    cast.settle()
    real, off = time.time_ns, 0
    monkeypatch.setattr(clock, "now_ms", lambda: real() // 1_000_000 + off)
    for seats, jump in enumerate((0, *jumps, 0), 1):
        off += jump
        writer, reader = (first, second) if seats % 2 else (second, first)
        cast.update(writer, "room", room, seats=seats)
        assert cast.sync(writer) == cast.sync(reader) == "done"
        assert cast.value(reader, "room", "seats", room) == seats, (
            "a later value is never hidden by an earlier one"
        )
    cast.settle()
    assert conflicts(first) == conflicts(second) == 0
    cast.check()


# ---- copies of a machine, carried by stick


def carry(node, hub, stick):
    """To the hub and home again."""
    exchange.export_bundle(node, stick)
    sticks.import_bundles(hub, stick)
    with contextlib.suppress(Problem):
        exchange.import_bundles(node, stick)
    for left in stick.glob("*.answer"):
        left.unlink()


@pytest.mark.parametrize("ways", list(itertools.product(("wire", "stick"), repeat=2)))
def test_a_cloned_disk_beside_its_original_by_wire_and_by_stick(cast, hub, tmp_path, ways):
    first, stick = cast.nodes[0], tmp_path / "stick"
    stick.mkdir()
    room = cast.write(first, "room", name="1")
    cast.sync(first)
    copy = cast.clone(first)
    for node, name, seats in ((first, "of the original", 10), (copy, "of the copy", 11)):
        cast.write(node, "room", name=name)
        cast.update(node, "room", room, seats=seats)
    for _ in range(4):
        for node, way in zip((first, copy), ways, strict=True):
            if way == "stick":
                carry(node, hub, stick)
            else:
                with contextlib.suppress(Problem):
                    cast.sync(node)
    cast.settle()
    assert rooms(first) == rooms(copy) == ["1", "of the copy", "of the original"]
    assert conflicts(first) == conflicts(copy) == 1
    cast.check()


@pytest.mark.parametrize("kind", ["a backup", "a raw image of the disk"])
def test_a_copy_put_back_and_used_on_by_stick(cast, hub, tmp_path, kind):
    first, stick = cast.nodes[0], tmp_path / "stick"
    stick.mkdir()
    cast.write(first, "room", name="before")
    carry(first, hub, stick)
    if kind == "a backup":
        backup(first, tmp_path / "copy")
    else:
        shutil.copytree(first.home, tmp_path / "copy")
    cast.write(first, "room", name="carried after the copy")
    carry(first, hub, stick)
    shutil.rmtree(first.home)
    if kind == "a backup":
        cast.nodes[0] = node = restore(first.home, tmp_path / "copy", passphrase="p")
    else:
        # Nothing beside the database tells that it is old, for that is of the same day: numbers are used again.
        shutil.copytree(tmp_path / "copy", first.home)
        node = first
    cast.write(node, "room", name="after the restore")
    for _ in range(3):
        carry(node, hub, stick)
    with closing(node.connect()) as db:
        assert NodeLog(db).waiting() == 0 and session.note_if_done(db)
    assert rooms(node) == ["after the restore", "before", "carried after the copy"]
    cast.check()


# ---- one name for two nodes


def test_a_name_that_another_node_has_is_given_up_at_registration(tmp_path, hub):
    node = a_node(tmp_path / "node")
    with closing(node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        group = w.insert("class_group", grade=7, letter="А")
        person = w.insert("person", sex="f", birth_year=2012)
        w.put("pupil", person=person)
        w.insert("enrolment", pupil=person, class_group=group, start=19_000)
    school, other = schools.add_school(hub, "№ 8"), schools.add_school(hub, "№ 9")
    name = node.origin
    with hub.write() as connection:
        connection.execute(
            tables.origin.insert().values(
                origin=name, school=other, low=name << 32, high=name << 32 | 0xFFFFFFFF, node=bytes(32)
            )
        )
    transport = transport_to(hub)
    with closing(node.connect()) as db:
        session.register(db, transport, schools.registration_code(hub, school).text)
        assert int(State(db).origin) != name
        assert session.sync(db, transport, derive).outcome == "done"
        administrator = int(State(db).administrator)
        assert administrator >> 32 == int(State(db).origin)
        assert db.execute("SELECT id FROM account").fetchall() == [(administrator,)]
        found = db.execute(
            "SELECT g.letter, p.birth_year FROM enrolment e JOIN class_group g ON g.id = e.class_group "
            "JOIN person p ON p.id = e.pupil"
        ).fetchall()
        assert found == [("А", 2012)]
        assert not any(
            str(name << 32)[:6] in line and f'"id":{(name << 32) + 1}' in line for line in dump(db, False)
        )
        assert db.execute("SELECT count(*) FROM changeset WHERE origin = ?", (name,)).fetchone() == (0,)


def test_a_joining_node_whose_name_is_taken_joins_under_another(cast, hub, tmp_path):
    from node.storage import join_node
    from tests.world import CHEAP

    node = join_node(tmp_path / "late", passphrase="p", kit=cast.kit.words, cost=CHEAP)
    name = node.origin
    with hub.write() as connection:
        connection.execute(
            tables.origin.insert().values(
                origin=name, school=1, low=name << 32, high=name << 32 | 0xFFFFFFFF, node=bytes(32)
            )
        )
    with closing(node.connect()) as db:
        session.join_by_kit(db, cast.transport, cast.kit.secret)
        assert int(State(db).origin) != name
    cast.nodes.append(node)
    cast.write(node, "room", name="1")
    cast.settle()
    cast.check()


# ---- full disks and locked databases


def test_a_disk_that_fills_while_an_answer_is_applied(cast):
    first, second = cast.nodes[0], cast.join()
    with closing(first.connect()) as db, writing(db, 0) as w:
        for number in range(400):
            w.insert("room", name=f"room {number} " + "x" * 30)
    cast.sync(first)
    before = cast.dump(second)
    with closing(second.connect()) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 4}").fetchone()
        with pytest.raises(DiskFull):
            session.sync(db, cast.transport, derive)
    assert cast.dump(second) == before, "nothing half-applied"
    assert cast.sync(second) == "done"
    assert len(rooms(second)) == 400
    cast.check()


def test_a_disk_of_the_hub_that_fills_while_it_takes_changes(tmp_path):
    hub = a_hub(tmp_path / "hub")
    cast = Cast(tmp_path, hub)
    first = cast.nodes[0]
    cast.sync(first)
    with closing(first.connect()) as db, writing(db, 0) as w:
        for _ in range(4_000):
            w.insert("person", sex="f", birth_year=2012)
    limit = {"pages": 0}

    @sa.event.listens_for(hub.engine, "begin")
    def shrink(connection):
        if limit["pages"]:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {limit['pages']}").fetchone()

    with hub.read() as connection:
        limit["pages"] = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 2
    with pytest.raises(DiskFull):
        cast.sync(first)
    with closing(first.connect()) as db:
        assert NodeLog(db).waiting() > 0
    limit["pages"] = 1_000_000
    assert cast.sync(first) == "done"
    cast.check()
    hub.close()


def test_a_database_locked_by_another_program(cast, monkeypatch):
    first = cast.nodes[0]
    cast.write(first, "room", name="1")
    monkeypatch.setattr(files, "BUSY_SECONDS", 0)
    with closing(first.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy):
            cast.sync(first)
        assert DatabaseBusy.retry
        other.execute("ROLLBACK")
    assert cast.sync(first) == "done"
    assert rooms(first) == ["1"]
    cast.check()


# ---- links


class Link:
    """A line between a node and a hub that misbehaves: what it does with a connection, ``how`` says anew each time."""

    def __init__(self, address, how):
        host, port = address.removeprefix("http://").split(":")
        self.hub, self.how = (host, int(port)), how
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.door.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                node = self.door.accept()[0]
                threading.Thread(target=self._connect, args=(node,), daemon=True).start()

    def _connect(self, node):
        how = self.how()
        with contextlib.suppress(OSError), node, socket.create_connection(self.hub) as hub:
            if how == "refuse":
                return
            sent = threading.Thread(target=self._pass, args=(node, hub, how), daemon=True)
            sent.start()
            self._pass(hub, node, how if how != "cut request" else "")

    def _pass(self, source, target, how):
        left = random.Random(how).randrange(200, 1500) if how in ("cut request", "cut answer") else 1 << 30
        with contextlib.suppress(OSError):
            while data := source.recv(512 if how == "trickle" else 65_536):
                target.sendall(data[:left])
                if how == "twice":
                    self._again(data)
                left -= len(data)
                if left <= 0:
                    source.close()
                    target.close()
                    return
                if how == "trickle":
                    time.sleep(0.002)
            target.shutdown(socket.SHUT_WR)

    def _again(self, data):
        """The same bytes once more on a connection of their own, as a proxy that retries sends them."""
        if data.startswith(b"POST"):
            with contextlib.suppress(OSError), socket.create_connection(self.hub, timeout=2) as copy:
                copy.settimeout(2)
                copy.sendall(data)
                copy.recv(1)


@pytest.mark.parametrize(
    "ways",
    [
        ["cut request", "cut answer", "refuse", ""],
        ["cut answer", "cut answer", "cut request", ""],
        ["twice"],
        ["trickle"],
        ["trickle", "cut answer", "twice", "refuse", "cut request", ""],
    ],
    ids=["drops", "answers lost", "repeats", "trickles", "everything"],
)
def test_a_line_that_drops_repeats_and_trickles(tmp_path, ways):
    hub = a_hub(tmp_path / "hub")
    cast = Cast(tmp_path, hub)
    first, second = cast.nodes[0], cast.join()
    turns = itertools.cycle(ways)
    with serving(create_app(hub)) as address:
        link = Link(address, lambda: next(turns))
        for number in range(4):
            for node in cast.nodes:
                with closing(node.connect()) as db, writing(db, 0) as w:
                    for at in range(60):
                        w.insert("room", name=f"{number} {at} {identity(db).signer.public.hex()[:8]}")
                for _ in range(20):
                    with closing(node.connect()) as db, contextlib.suppress(Problem):
                        if session.sync(db, HttpTransport(link.address, silence=5), derive).outcome == "done":
                            break
                else:
                    pytest.fail("never done")
        link.close()
    cast.settle()
    assert rooms(first) == rooms(second) and len(rooms(first)) == 480
    cast.check()
    hub.close()


def test_requests_that_arrive_in_another_order_change_nothing(cast, hub):
    first, second = cast.nodes[0], cast.join()
    cast.settle()
    messages = []
    for number in range(4):
        cast.write(first, "room", name=str(number))
        with closing(first.connect()) as db:
            messages.append(session.make_request(db, session.Progress())[0])
    for message in reversed(messages):
        ingest.receive(hub, message)
        ingest.receive(hub, message, carried=True)
    cast.settle()
    assert rooms(first) == rooms(second) == list("0123")
    cast.check()
