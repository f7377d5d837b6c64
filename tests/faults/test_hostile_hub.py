"""Whatever answers in the hub's place, the node says what is wrong in one sentence and uses nothing of it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from hub import ingest, schools, sticks
from hub.log import HubLog
from hub.storage import Hub
from node.exchange.actions import export_bundle, import_bundles
from node.storage import Node
from shared import crypto
from shared.problems import (
    CannotOpen,
    DigestsDiffer,
    FlawedBundle,
    FlawedChangeset,
    ForeignRow,
    HubAnswer,
    HubUnreachable,
    ImpostorHub,
    Problem,
    TooLarge,
    WrongSigner,
)
from shared.schema import BY_NAME
from sync.cbor import pack, unpack
from sync.columns import pack_integers
from sync.log import dump
from sync.messages import (
    MAX_MESSAGE,
    Answer,
    StreamEntry,
    describe_hub,
    next_head,
    seal_answer,
    sign_receipt,
)
from sync.session import register, sync
from sync.state import State, identity
from sync.transport.http import MEDIA_TYPE, HttpTransport
from sync.writer import writing
from tests.forging import Forged, group, header
from tests.world import a_hub, a_node, no_derived_rows

SILENCE, PATIENCE = 0.2, 60.0
"""Seconds after which a node takes a hub for lost that will never answer, and one that will."""


class Request(BaseHTTPRequestHandler):
    """One request to the stand-in."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.behave(self, b"")

    def do_POST(self) -> None:
        self.server.behave(self, self.rfile.read(int(self.headers["Content-Length"])))

    def reply(self, body: bytes, status: int = 200, kind: str = MEDIA_TYPE, **more: str) -> None:
        headers = {"Content-Type": kind, "Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in (headers | {n.replace("_", "-"): v for n, v in more.items()}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True


Behaviour = Callable[[Request, bytes], None]


class StandIn(ThreadingHTTPServer):
    """A small server that behaves as told where the hub should be."""

    daemon_threads = True
    behave: Behaviour

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.gone = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A node that hangs up on a hostile hub is no failure of the test."""


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.gone.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = a_hub(tmp_path_factory.mktemp("hub"))
    yield hub
    hub.close()


def answering(hub: Hub) -> Behaviour:
    """A stand-in that behaves as this hub does."""

    def behave(request: Request, body: bytes) -> None:
        request.reply(ingest.describe(hub) if request.command == "GET" else ingest.receive(hub, body))

    return behave


@dataclass
class World:
    """A school that is registered over HTTP and in sync, with changes that wait."""

    hub: Hub
    node: Node
    school: int
    stand_in: StandIn
    db: Database

    @property
    def opening(self) -> bytes:
        return identity(self.db).opener.public

    def transport(self) -> HttpTransport:
        silence = SILENCE if self.stand_in.behave in (silent, stalls) else PATIENCE
        return HttpTransport(f"http://127.0.0.1:{self.stand_in.server_port}", silence=silence)

    def sync(self) -> str:
        return sync(self.db, self.transport(), no_derived_rows).outcome

    def write_pupils(self, count: int) -> None:
        with writing(self.db, int(State(self.db).administrator)) as w:
            for year in range(count):
                person = w.insert("person", sex="m", birth_year=2000 + year % 20)
                w.put("pupil", person=person, language="ky")

    def everything(self) -> dict[str, object]:
        """All that a refused answer must leave as it was; cutting waiting changes is no effect of it."""
        state = State(self.db)
        found: dict[str, object] = {
            "dump": list(dump(self.db, district_only=False)),
            "placed": self.db.execute(
                "SELECT origin, first, position, hash FROM changeset WHERE position IS NOT NULL"
            ).fetchall(),
            "state": (state.position, state.stream_hash, state.reference_position, state.reference_hash),
            "trust": (state.hub_signing, state.hub_opening, state.registered, state.school),
            "done": (state.last_done, state.last_checked, state.hub_said),
        }
        for book in ("change", "origin", "epoch", "conflict", "quarantine"):
            found[book] = self.db.execute(f"SELECT * FROM {book}").fetchall()
        return found

    def hub_dump(self) -> list[str]:
        with self.hub.read() as connection:
            return list(HubLog(connection, self.school, self.hub.signer).dump())


@pytest.fixture(scope="module")
def school(hub: Hub, stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    node = a_node(tmp_path_factory.mktemp("home") / "node")
    stand_in.behave = answering(hub)
    with closing(node.connect()) as db:
        world = World(hub, node, schools.add_school(hub, "School 1"), stand_in, db)
        register(db, world.transport(), schools.registration_code(hub, world.school).text)
        world.write_pupils(3)
        world.sync()
        yield world


@pytest.fixture
def world(school: World) -> Iterator[World]:
    """Afterwards the node must be as it was, and an honest sync must bring what waits."""
    school.write_pupils(1)
    before, theirs = school.everything(), school.hub_dump()
    yield school
    assert school.everything() == before
    assert school.hub_dump() == theirs
    school.stand_in.behave = answering(school.hub)
    assert school.sync() == "done"
    assert school.hub_dump() == list(dump(school.db, district_only=True))


def refused(problem: Problem) -> None:
    assert problem.sentence().endswith(".")
    assert "\n" not in problem.sentence()


# -- the wire ----------------------------------------------------------------------------------------------------


def silent(request: Request, body: bytes) -> None:
    request.server.gone.wait(PATIENCE)


def hangs_up(request: Request, body: bytes) -> None:
    request.close_connection = True


def stalls(request: Request, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Type", MEDIA_TYPE)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(bytes(500))
    request.wfile.flush()
    request.server.gone.wait(PATIENCE)


def endless(request: Request, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Type", MEDIA_TYPE)
    request.send_header("Connection", "close")
    request.end_headers()
    for _ in range(2 * MAX_MESSAGE // 1_000_000 + 2):
        request.wfile.write(bytes(1_000_000))
    request.close_connection = True


def no_http(request: Request, body: bytes) -> None:
    request.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    request.close_connection = True


BOMB = gzip.compress(bytes(3 * MAX_MESSAGE), 1)


def packed(request: Request, body: bytes) -> None:
    request.reply(BOMB, Content_Encoding="gzip")


def with_body(body: bytes, status: int = 200, kind: str = MEDIA_TYPE, **more: str) -> Behaviour:
    return lambda request, _: request.reply(body, status, kind, **more)


WIRE: dict[str, tuple[type[Problem], Behaviour]] = {
    "an error": (HubUnreachable, with_body(b"Internal Server Error", 500, "text/html")),
    "an error in our media type": (HubUnreachable, with_body(b"\x01" * 80, 503)),
    "silence": (HubUnreachable, silent),
    "nothing": (HubUnreachable, hangs_up),
    "a stall half way": (HubUnreachable, stalls),
    "less than announced": (
        HubUnreachable,
        lambda r, _: (r.reply(bytes(90), Content_Length="100"), hangs_up(r, b""))[1],
    ),
    "no HTTP": (HubUnreachable, no_http),
    "a page of a hotel": (HubAnswer, with_body(b"<html>Sign in</html>", kind="text/html")),
    "a page in our media type": (HubAnswer, with_body(b"<html>Sign in</html>")),
    "no such page": (HubAnswer, with_body(b"Not Found", 404, "text/plain")),
    "elsewhere": (HubAnswer, with_body(b"", 302, "text/html", Location="http://127.0.0.1:1/sync")),
    "too large, it says": (TooLarge, with_body(b"", 413, "text/plain")),
    "an empty answer": (HubAnswer, with_body(b"")),
    "zeros": (HubAnswer, with_body(bytes(5_000))),
    "sealed noise": (HubAnswer, with_body(b"\x01" + bytes(range(256)) * 9)),
    "deep CBOR": (HubAnswer, with_body(b"\x81" * 100_000 + b"\0")),
    "CBOR of something else": (HubAnswer, with_body(pack([pack({1: 2}), 5]))),
    "an answer without end": (HubAnswer, endless),
    "a bomb": (HubAnswer, packed),
}


@pytest.mark.parametrize("name", WIRE)
def test_whatever_the_wire_brings_is_one_problem(world: World, name: str) -> None:
    kind, world.stand_in.behave = WIRE[name]
    with pytest.raises(kind) as caught:
        world.sync()
    assert type(caught.value) is kind
    refused(caught.value)


@pytest.mark.parametrize("name", WIRE)
def test_what_the_wire_brings_instead_of_a_hubs_keys_is_one_problem(
    world: World, tmp_path: Path, name: str
) -> None:
    kind, world.stand_in.behave = WIRE[name]
    code = schools.registration_code(world.hub, world.school).text
    node = a_node(tmp_path / "node")
    with closing(node.connect()) as db:
        with pytest.raises(kind) as caught:
            register(db, world.transport(), code)
        assert not State(db).registered and not State(db).hub_signing
    refused(caught.value)


def changed(world: World, change: Callable[[bytes], bytes]) -> Behaviour:
    """The true hub's answer, changed on its way back; the hub takes no effect, for it is asked about nothing."""
    answer = honest_answer(world)

    def behave(request: Request, body: bytes) -> None:
        request.reply(change(sealed(world, answer, body)))

    return behave


def honest_answer(world: World, **other: object) -> Answer:
    """What the hub would say to a node that lacks nothing and sends nothing."""
    with world.hub.read() as connection:
        log, own = (HubLog(connection, n, world.hub.signer) for n in (world.school, 0))
        answer = Answer(b"", identity(world.db).signer.public, 0, world.school)
        answer.head, answer.reference_head = log.head()[0], own.head()[0]
        answer.nodes = [(identity(world.db).signer.public, identity(world.db).opener.public, 0, b"", 1)]
    for name, value in other.items():
        setattr(answer, name, value)
    return answer


def sealed(world: World, answer: Answer, request: bytes, signer: crypto.SigningKey | None = None) -> bytes:
    """The answer to this very request, bound, signed and sealed."""
    plain = world.hub.opener.open(request, b"mektep request v1")
    answer.request = answer.request or crypto.sha256(unpack(plain, "request")[0])
    message = seal_answer(answer, signer or world.hub.signer, identity(world.db).opener.public)
    answer.request = b""
    return message


def test_the_honest_answer_of_these_tests_is_taken(school: World) -> None:
    school.stand_in.behave = changed(school, lambda message: message)
    school.write_pupils(1)
    with pytest.raises(HubAnswer):  # it accepts nothing, so nothing moves: the node gives up, politely
        school.sync()
    assert State(school.db).hub_said
    school.stand_in.behave = answering(school.hub)
    assert school.sync() == "done"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_an_answer_cut_short_is_not_used(world: World, share: float) -> None:
    world.stand_in.behave = changed(world, lambda message: message[: int((len(message) - 1) * share)])
    with pytest.raises(HubAnswer) as caught:
        world.sync()
    refused(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 1.0])
def test_an_answer_with_a_byte_changed_is_not_used(world: World, share: float) -> None:
    def flip(message: bytes) -> bytes:
        at = int((len(message) - 1) * share)
        return message[:at] + bytes([message[at] ^ 4]) + message[at + 1 :]

    world.stand_in.behave = changed(world, flip)
    with pytest.raises(HubAnswer) as caught:
        world.sync()
    refused(caught.value)


# -- an impostor -------------------------------------------------------------------------------------------------


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Hub]:
    hub = a_hub(tmp_path / "impostor")
    yield hub
    hub.close()


def test_an_impostor_cannot_register_a_school(world: World, impostor: Hub, tmp_path: Path) -> None:
    code = schools.registration_code(world.hub, world.school).text
    world.stand_in.behave = answering(impostor)
    with closing(a_node(tmp_path / "node").connect()) as db:
        with pytest.raises(ImpostorHub) as caught:
            register(db, world.transport(), code)
        assert not State(db).registered and not State(db).hub_signing
    refused(caught.value)


def test_an_impostor_that_shows_the_hubs_keys_learns_and_says_nothing(
    world: World, impostor: Hub, tmp_path: Path
) -> None:
    code = schools.registration_code(world.hub, world.school).text
    asked: list[bytes] = []

    def behave(request: Request, body: bytes) -> None:
        if request.command == "GET":
            request.reply(ingest.describe(world.hub))
        else:
            asked.append(body)
            request.reply(ingest.receive(impostor, body))

    world.stand_in.behave = behave
    with closing(a_node(tmp_path / "node").connect()) as db:
        with pytest.raises(ImpostorHub):
            register(db, world.transport(), code)
        assert not State(db).registered
    assert len(asked) == 1
    with pytest.raises(CannotOpen):
        impostor.opener.open(asked[0], b"mektep request v1")


def test_an_opening_key_the_hub_did_not_sign_is_refused(world: World, tmp_path: Path) -> None:
    """An impostor that shows the hub's signing key with an opening key of its own would read every request."""
    own = crypto.OpeningKey.generate()
    forged = describe_hub(crypto.SigningKey.generate(), own)
    _, opening, signature = unpack(forged, "keys")
    world.stand_in.behave = with_body(pack([world.hub.signer.public, opening, signature]))
    with closing(a_node(tmp_path / "node").connect()) as db:
        with pytest.raises(HubAnswer):
            register(db, world.transport(), schools.registration_code(world.hub, world.school).text)
        assert not State(db).hub_signing


def test_an_impostor_in_the_hubs_place_is_known_later(world: World, impostor: Hub) -> None:
    world.stand_in.behave = answering(impostor)
    with pytest.raises(ImpostorHub) as caught:
        world.sync()
    refused(caught.value)


def test_an_answer_signed_by_another_is_an_impostors(world: World, impostor: Hub) -> None:
    answer = honest_answer(world)
    world.stand_in.behave = lambda r, body: r.reply(sealed(world, answer, body, impostor.signer))
    with pytest.raises(ImpostorHub):
        world.sync()


# -- a hub gone wrong: all is signed with its own key ---------------------------------------------------------------


def lying(world: World, **other: object) -> Behaviour:
    answer = honest_answer(world, **other)
    return lambda request, body: request.reply(sealed(world, answer, body))


def reference(world: World, *groups: dict[int, object], **more: Any) -> StreamEntry:
    """A changeset of the hub's own, with its true place and receipt; ``signer`` and header fields ``hN`` as told."""
    with world.hub.read() as connection:
        log = HubLog(connection, 0, world.hub.signer)
        position, head = log.head()
        last, previous = log.head_of(0)
    fields = header(0, 0, last + 1, last + 1, bytes(32), previous=previous, seen=position, epoch=0)
    signer = more.pop("signer", world.hub.signer)
    made = Forged(signer, fields, None, [{**some, 2: pack_integers([last + 1])} for some in groups]).but(
        **more
    )
    head = next_head(head, made.hash)
    receipt = sign_receipt(world.hub.signer, 0, position + 1, made.hash, head)
    return StreamEntry(position + 1, made.hash, receipt, made.data)


SUBJECT = BY_NAME["subject"].number
PERSON = BY_NAME["person"].number
TERM = BY_NAME["term"].number


def a_subject(key: int = 2**31 + 500, **values: object) -> dict[int, object]:
    named = {int(name[1:]): value for name, value in values.items()} or {2: ["bio"]}
    return group(SUBJECT, [1], [[key]], named)


def other_receipt(entry: StreamEntry) -> StreamEntry:
    return StreamEntry(entry.position, entry.hash, bytes(64), entry.envelope)


def moved(entry: StreamEntry, by: int) -> StreamEntry:
    return StreamEntry(entry.position + by, entry.hash, entry.receipt, entry.envelope)


Lie = Callable[[World], Behaviour]
LIES: dict[str, tuple[type[Problem], Lie]] = {
    "an answer to another request": (HubAnswer, lambda w: lying(w, request=bytes(32))),
    "an answer to another node": (HubAnswer, lambda w: lying(w, node=bytes(32))),
    "another school": (HubAnswer, lambda w: lying(w, school=w.school + 1)),
    "a head that never comes": (HubAnswer, lambda w: lying(w, head=10**6)),
    "time of a wrong type": (HubAnswer, lambda w: lying(w, time="now")),
    "a head below zero": (HubAnswer, lambda w: lying(w, head=-1)),
    "hashes of a wrong type": (HubAnswer, lambda w: lying(w, accepted=[5])),
    "a refusal of a wrong form": (HubAnswer, lambda w: lying(w, refused=[[bytes(32)]])),
    "a node of a wrong form": (HubAnswer, lambda w: lying(w, nodes=[[2**40, 5, 6]])),
    "a key of a wrong form": (HubAnswer, lambda w: lying(w, epochs=[[1, 2**40]])),
    "an epoch below zero": (HubAnswer, lambda w: lying(w, epochs=[[-1, w.opening, bytes(81)]])),
    "an epoch too large": (HubAnswer, lambda w: lying(w, epochs=[[2**40, w.opening, bytes(81)]])),
    "a key that does not open": (HubAnswer, lambda w: lying(w, epochs=[[9, w.opening, bytes(81)]])),
    "a known head of a wrong form": (HubAnswer, lambda w: lying(w, known=[5])),
    "entries that are none": (HubAnswer, lambda w: lying(w, entries=[Whole(1, 2, 3, 4)])),
    "a changeset refused": (
        FlawedChangeset,
        lambda w: lying(w, refused=[(bytes(32), "flawed_changeset", "the header counts wrongly")]),
    ),
    "a forged receipt": (
        HubAnswer,
        lambda w: lying(w, reference_entries=[other_receipt(reference(w, a_subject()))]),
    ),
    "a place left out": (
        HubAnswer,
        lambda w: lying(w, reference_entries=[moved(reference(w, a_subject()), 1)]),
    ),
    "a changeset left out": (
        HubAnswer,
        lambda w: lying(
            w, reference_entries=[StreamEntry(*[*list(vars(reference(w, a_subject())).values())[:3], None])]
        ),
    ),
    "a place in the school's stream for what is not there": (
        HubAnswer,
        lambda w: lying(w, entries=[StreamEntry(int(State(w.db).position) + 1, bytes(32), bytes(64), None)]),
    ),
    "a reference changeset of another": (
        WrongSigner,
        lambda w: lying(
            w, reference_entries=[reference(w, a_subject(), signer=crypto.SigningKey.generate())]
        ),
    ),
    "a school's rows among the hub's": (
        ForeignRow,
        lambda w: lying(
            w,
            reference_entries=[
                reference(w, group(PERSON, [1], [[int(State(w.db).origin) << 32 | 2]], {2: ["f"]}))
            ],
        ),
    ),
    "a school's changeset among the hub's": (
        HubAnswer,
        lambda w: lying(w, reference_entries=[reference(w, a_subject(), h2=w.school)]),
    ),
    "a reference that leads nowhere": (
        FlawedChangeset,
        lambda w: lying(
            w,
            reference_entries=[
                reference(w, group(TERM, [1], [[2**31 + 9]], {2: pack_integers([2**31 + 77])}))
            ],
        ),
    ),
    "a value of a wrong type": (
        FlawedChangeset,
        lambda w: lying(w, reference_entries=[reference(w, a_subject(c4=["first"]))]),
    ),
}


HEARD = {"a head that never comes", "a changeset refused"}
"""Answers in their one form: what they say of the hub itself is noted, though nothing comes of it."""


@dataclass
class Whole:
    """Stands where a StreamEntry should."""

    a: int
    b: int
    c: int
    d: int

    def fields(self) -> list[int]:
        """As it travels."""
        return [self.a, self.b, self.c, self.d]


@pytest.mark.parametrize("name", LIES)
def test_a_hub_gone_wrong_is_one_problem(world: World, name: str) -> None:
    kind, make = LIES[name]
    said = State(world.db).hub_said
    world.stand_in.behave = make(world)
    with pytest.raises(kind) as caught:
        world.sync()
    refused(caught.value)
    if name in HEARD:
        State(world.db).hub_said = said


def test_another_digest_is_never_called_done(school: World) -> None:
    school.sync()
    done = State(school.db).last_done
    school.stand_in.behave = lying(school, digest=bytes(32))
    with pytest.raises(DigestsDiffer):
        school.sync()
    assert State(school.db).last_done == done
    school.stand_in.behave = answering(school.hub)
    assert school.sync() == "done"


def test_an_old_answer_is_not_taken_for_a_new_one(world: World) -> None:
    kept: list[bytes] = []

    def behave(request: Request, body: bytes) -> None:
        kept.append(kept[0] if kept else sealed(world, honest_answer(world), body))
        request.reply(kept[0])

    world.stand_in.behave = behave
    said = State(world.db).hub_said
    with pytest.raises(HubAnswer):
        world.sync()
    assert len(kept) > 1
    State(world.db).hub_said = said


# -- sticks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def damaged(data: bytes, how: str, share: float) -> bytes:
    at = int((len(data) - 1) * share)
    return data[:at] if how == "cut" else data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_damaged_request_on_a_stick_is_named_and_left(
    world: World, stick: Path, how: str, share: float
) -> None:
    path = export_bundle(world.node, stick)
    path.write_bytes(damaged(path.read_bytes(), how, share))
    assert sticks.import_bundles(world.hub, stick) == (0, [path.name])
    assert path.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_damaged_answer_on_a_stick_is_refused(school: World, stick: Path, how: str, share: float) -> None:
    school.stand_in.behave = answering(school.hub)
    school.sync()
    export_bundle(school.node, stick)
    sticks.import_bundles(school.hub, stick)
    (path,) = stick.glob("*.answer")
    whole, before = path.read_bytes(), school.everything()
    path.write_bytes(damaged(whole, how, share))
    with pytest.raises(FlawedBundle) as caught:
        import_bundles(school.node, stick)
    refused(caught.value)
    assert school.everything() == before
    path.write_bytes(whole)
    assert import_bundles(school.node, stick) == 1
