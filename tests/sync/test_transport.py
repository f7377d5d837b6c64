"""One contract for every way between node and hub: wire, stick, memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from hub import create_app, ingest, schools, sticks
from hub.log import HubLog
from hub.storage import Hub
from node.storage import Node
from shared.problems import FlawedBundle, HubAnswer, HubUnreachable
from sync.log import NodeLog, dump
from sync.messages import read_hub
from sync.session import register, sync
from sync.state import State
from sync.transport import Transport
from sync.transport.folder import HUB_FILE, FolderTransport, read_bundle, write_bundle
from sync.transport.http import HttpTransport
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests.world import a_node, no_derived_rows

WAIT = 30.0
"""Seconds the folder's transport waits for its courier; reached only when the test fails."""


@dataclass
class Way:
    """A transport, and a switch for what is at its other end."""

    transport: Transport
    cut: Callable[[], None]
    mend: Callable[[], None]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return a_node(tmp_path / "node")


@contextmanager
def by_wire(hub: Hub, folder: Path) -> Iterator[Way]:
    """The hub's own app behind a server on loopback."""
    with ExitStack() as running:
        port = 0

        def start() -> None:
            nonlocal port
            server = make_server("127.0.0.1", port, create_app(hub), threaded=True)
            port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            running.callback(thread.join)
            running.callback(server.server_close)
            running.callback(server.shutdown)

        start()
        yield Way(HttpTransport(f"http://127.0.0.1:{port}/", silence=WAIT), running.close, start)


@contextmanager
def by_stick(hub: Hub, folder: Path) -> Iterator[Way]:
    """A folder with a courier who carries it to the hub and back without rest."""
    resting, gone = threading.Event(), threading.Event()

    def carry() -> None:
        while not gone.is_set():
            if not resting.is_set():
                sticks.import_bundles(hub, folder)
            gone.wait(0.01)

    def cut() -> None:
        resting.set()
        transport.wait = 0.0

    def mend() -> None:
        for left in folder.glob("*.request"):
            left.unlink()
        transport.wait = WAIT
        resting.clear()

    write_bundle(folder / HUB_FILE, ingest.describe(hub))
    transport = FolderTransport(folder, "node", wait=WAIT)
    courier = threading.Thread(target=carry)
    courier.start()
    yield Way(transport, cut, mend)
    gone.set()
    courier.join()


@contextmanager
def in_memory(hub: Hub, folder: Path) -> Iterator[Way]:
    down = threading.Event()
    transport = MemoryTransport(
        lambda: ingest.describe(hub),
        lambda message: ingest.receive(hub, message),
        lambda: "lose request" if down.is_set() else "",
    )
    yield Way(transport, down.set, down.clear)


WAYS = {"http": by_wire, "folder": by_stick, "memory": in_memory}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, hub: Hub, tmp_path: Path) -> Iterator[Way]:
    (tmp_path / "stick").mkdir()
    with WAYS[request.param](hub, tmp_path / "stick") as way:
        yield way


def write_pupils(node: Node, count: int) -> None:
    with closing(node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        for year in range(count):
            person = w.insert("person", sex="m", birth_year=2000 + year % 20)
            w.put("pupil", person=person, language="ky")


def registered(node: Node, hub: Hub, way: Way) -> int:
    school = schools.add_school(hub, "School 8")
    with closing(node.connect()) as db:
        register(db, way.transport, schools.registration_code(hub, school).text)
    return school


def assert_equal(node: Node, hub: Hub, school: int) -> None:
    with closing(node.connect()) as db, hub.read() as connection:
        theirs = list(HubLog(connection, school, hub.signer).dump())
        assert theirs == list(dump(db, district_only=True))
        assert theirs


def test_a_hub_shows_its_keys(hub: Hub, way: Way) -> None:
    shown = read_hub(way.transport.describe())
    assert (shown.signing, shown.opening) == (hub.signer.public, hub.opener.public)


def test_every_message_gets_its_own_answer_byte_for_byte(hub: Hub, way: Way) -> None:
    # What cannot be opened is refused; the refusal of the same bytes by the same hub is the same.
    for message in (b"", b"\x01", bytes(range(256)) * 4_000):
        assert way.transport.exchange(message) == ingest.receive(hub, message)


def test_a_school_registers_and_syncs(node: Node, hub: Hub, way: Way) -> None:
    school = registered(node, hub, way)
    for _ in range(2):
        write_pupils(node, 400)
        with closing(node.connect()) as db:
            assert sync(db, way.transport, no_derived_rows).outcome == "done"
        assert_equal(node, hub, school)


def test_a_hub_out_of_reach_is_said_and_the_next_sync_completes(node: Node, hub: Hub, way: Way) -> None:
    school = registered(node, hub, way)
    write_pupils(node, 5)
    way.cut()
    with closing(node.connect()) as db:
        with pytest.raises(HubUnreachable):
            sync(db, way.transport, no_derived_rows)
        assert NodeLog(db).waiting() > 0
        assert not State(db).last_done
    way.mend()
    with closing(node.connect()) as db:
        assert sync(db, way.transport, no_derived_rows).outcome == "done"
    assert_equal(node, hub, school)


def test_a_hub_never_met_is_out_of_reach(tmp_path: Path) -> None:
    for transport in (HttpTransport("http://127.0.0.1:1"), FolderTransport(tmp_path, "node")):
        with pytest.raises(HubUnreachable):
            transport.describe()


@pytest.mark.parametrize(
    "url", ["http://", "http://127.0.0.1:99999", "http://[", "http://a b", "http://.../"]
)
def test_an_address_that_is_none_is_out_of_reach(url: str) -> None:
    with pytest.raises((HubUnreachable, HubAnswer)):
        HttpTransport(url).describe()


# -- bundles -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "a.request", b"what is carried, sealed already")
    return tmp_path / "a.request"


def test_a_bundle_returns_whole(bundle: Path) -> None:
    assert read_bundle(bundle) == b"what is carried, sealed already"
    assert [path.name for path in bundle.parent.iterdir()] == ["a.request"]


def test_a_bundle_cut_short_anywhere_is_refused(bundle: Path) -> None:
    data = bundle.read_bytes()
    for length in range(len(data)):
        bundle.write_bytes(data[:length])
        with pytest.raises(FlawedBundle):
            read_bundle(bundle)


def test_a_bundle_with_one_byte_changed_is_refused(bundle: Path) -> None:
    data = bundle.read_bytes()
    for at in range(len(data)):
        for bit in (0, 7):
            bundle.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            with pytest.raises(FlawedBundle):
                read_bundle(bundle)


def test_a_bundle_with_a_byte_too_many_is_refused(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes() + b"\0")
    with pytest.raises(FlawedBundle):
        read_bundle(bundle)


def test_a_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.request", tmp_path):
        with pytest.raises(FlawedBundle):
            read_bundle(path)
