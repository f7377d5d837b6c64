"""Whatever a node sends, the hub refuses it with one typed error and keeps nothing; the next honest sync completes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import ingest, registration, schools, tables
from hub.log import HubLog
from hub.storage import Hub
from shared import crypto, problems
from shared.schema import BY_NAME
from sync import clock
from sync.cbor import pack, unpack
from sync.columns import pack_integers
from sync.log import NodeLog, dump
from sync.messages import MAX_MESSAGE, HubInfo, Request, open_answer, seal_request
from sync.state import State, identity
from sync.writer import writing
from tests.forging import Forged, compress, group, header
from tests.postgres import Cluster
from tests.world import School, a_hub, a_school

PERSON, ENROLMENT, CLASS, PUPIL, MARK = (
    BY_NAME[name].number for name in ("person", "enrolment", "class_group", "pupil", "mark")
)
BOOKS = ("origin", "stream", "change", "digest", "epoch", "registration")


@pytest.fixture(scope="module", params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Hub]:
    database = None
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("CREATE DATABASE hostile")
        database = cluster.url("hostile")
    hub = a_hub(tmp_path_factory.mktemp("hub"), database)
    yield hub
    hub.close()


def write_pupils(school: School, count: int) -> None:
    with closing(school.node.connect()) as db, writing(db, school.actor) as w:
        klass = w.insert("class_group", grade=7, letter="А")
        for year in range(count):
            person = w.insert("person", sex="f", birth_year=2000 + year % 20)
            w.put("pupil", person=person, language="ky")
            w.insert("enrolment", pupil=person, class_group=klass, start=19_000)


@dataclass
class World:
    """Two registered schools, both in sync, the first with changes that wait; ``before``: all that must not change."""

    hub: Hub
    school: School
    other: School
    before: object = None

    def __post_init__(self) -> None:
        self.db, self.other_db = self.school.node.connect(), self.other.node.connect()
        self.keys = identity(self.db)

    def state(self, name: str) -> Any:
        return getattr(State(self.db), name)

    def row(self, n: int = 1) -> int:
        return int(State(self.db).origin) << 32 | n

    def close(self) -> None:
        self.db.close()
        self.other_db.close()


@pytest.fixture(scope="module")
def synced(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    homes = tmp_path_factory.mktemp("nodes")
    world = World(hub, a_school(homes / "a", hub, "School 1"), a_school(homes / "b", hub, "School 2"))
    for school in (world.school, world.other):
        write_pupils(school, 3)
        school.sync()
    yield world
    world.close()


@pytest.fixture
def world(synced: World) -> Iterator[World]:
    """Afterwards both sides must be as they were, and an honest sync must bring what waits."""
    write_pupils(synced.school, 1)
    synced.before = everything(synced)
    yield synced
    assert everything(synced) == synced.before
    assert synced.school.sync().outcome == "done"
    assert hub_dump(synced.school) == node_dump(synced.school)


def everything(world: World) -> dict[str, object]:
    found: dict[str, object] = {}
    with world.hub.read() as connection:
        for name in BOOKS:
            book = tables.metadata.tables[name]
            found[name] = sorted(map(repr, connection.execute(sa.select(book))))
        found["dump"] = list(HubLog(connection, world.school.id, world.hub.signer).dump())
    for side, db in (("own", world.db), ("other", world.other_db)):
        found[f"{side} dump"] = list(dump(db, district_only=False))
        for book in ("change", "origin"):
            found[f"{side} {book}"] = db.execute(f"SELECT * FROM {book}").fetchall()
        found[f"{side} places"] = db.execute(
            "SELECT origin, first, position, hash FROM changeset WHERE position IS NOT NULL"
        ).fetchall()
        state = State(db)
        found[f"{side} state"] = (state.position, state.stream_hash, state.reference_position)
    return found


def hub_dump(school: School) -> list[str]:
    with school.hub.read() as connection:
        return list(HubLog(connection, school.id, school.hub.signer).dump())


def node_dump(school: School) -> list[str]:
    with closing(school.node.connect()) as db:
        return list(dump(db, district_only=True))


# -- requests ----------------------------------------------------------------------------------------------------


def request_of(world: World, **other: Any) -> Request:
    """What the first school's node would ask next, but for what is said otherwise."""
    state, node = State(world.db), world.keys.signer.public
    with world.hub.read() as connection:
        n = tables.node.c
        counter = connection.execute(sa.select(n.counter).where(n.signing == node)).scalar_one()
    asked = Request(
        node=node,
        counter=max(int(state.counter), counter) + 1,
        time=clock.now_ms(),
        position=int(state.position),
        reference_position=int(state.reference_position),
        head=(int(state.origin), int(state.own_last)),
        budget=32_768,
    )
    for name, value in other.items():
        setattr(asked, name, value)
    return asked


def info(hub: Hub) -> HubInfo:
    return HubInfo(hub.signer.public, hub.opener.public)


def sealed(world: World, signer: crypto.SigningKey | None = None, **other: Any) -> bytes:
    return seal_request(request_of(world, **other), signer or world.keys.signer, info(world.hub))[0]


def raw(world: World, plain: bytes, purpose: bytes = b"mektep request v1") -> bytes:
    return crypto.seal_to(world.hub.opener.public, plain, purpose)


def signed_body(world: World, body: bytes) -> bytes:
    return raw(world, pack([body, world.keys.signer.sign(b"mektep request v1", body)]))


def refusal_of(world: World, message: bytes) -> str:
    """The code of the refusal with which the hub answers; it must be signed by the hub and be one sentence."""
    body, signature = unpack(ingest.receive(world.hub, message), "the refusal")
    crypto.verify(world.hub.signer.public, b"mektep answer v1", body, signature)
    code = unpack(body, "the refusal")[2]
    assert isinstance(code, str)
    assert sentence_of(code).endswith(".")
    return code


def sentence_of(code: str) -> str:
    kinds = [problems.Problem]
    for kind in kinds:
        kinds += kind.__subclasses__()
    (found,) = [kind for kind in kinds if kind.code == code]
    return found(**dict.fromkeys(found.parameters(), "x")).sentence()


def body_with(world: World, field: int, value: object) -> bytes:
    named = {n: v for n, v in enumerate(vars(request_of(world)).values(), 1) if v is not None}
    return signed_body(world, pack(named | {field: value}))


def test_an_unknown_node_is_not_registered(world: World) -> None:
    stranger = crypto.SigningKey.generate()
    assert refusal_of(world, sealed(world, stranger, node=stranger.public)) == "not_registered"


def test_a_request_in_anothers_name_is_refused(world: World) -> None:
    assert refusal_of(world, sealed(world, crypto.SigningKey.generate())) == "wrong_signer"


def test_an_old_request_is_not_taken_again(world: World) -> None:
    assert refusal_of(world, world.school.transport.sent[-1]) == "replay"
    assert refusal_of(world, world.school.transport.sent[0]) == "replay"


def test_a_request_for_another_hub_cannot_be_opened(world: World) -> None:
    stranger = crypto.OpeningKey.generate()
    message, _ = seal_request(
        request_of(world), world.keys.signer, HubInfo(world.hub.signer.public, stranger.public)
    )
    assert refusal_of(world, message) == "cannot_open"


@pytest.mark.parametrize(
    "message", [b"", b"\x01", b"\x02" + bytes(80), bytes(49), b"\x01" + bytes(5_000), b"GET /"]
)
def test_garbage_cannot_be_opened(world: World, message: bytes) -> None:
    assert refusal_of(world, message) == "cannot_open"


def test_a_request_cut_short_or_changed_cannot_be_opened(world: World) -> None:
    message = sealed(world)
    for at in (0, 1, 20, 40, len(message) // 2, len(message) - 1):
        assert refusal_of(world, message[:at]) == "cannot_open"
        assert refusal_of(world, message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]) == "cannot_open"


def test_a_message_sealed_for_another_purpose_cannot_be_opened(world: World) -> None:
    assert refusal_of(world, raw(world, b"x", b"mektep answer v1")) == "cannot_open"


def test_a_message_too_large_is_not_even_opened(world: World) -> None:
    assert refusal_of(world, bytes(MAX_MESSAGE + 1)) == "too_large"


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\x81" * 60_000 + b"\x00",
        b"\x9b" + b"\xff" * 8,
        b"\xbf\xff",
        b"\xd8\x1c\x81\xd8\x1d\x00",
        pack([]),
        pack([1, 2]),
        pack([b"", b"", b""]),
        pack({1: 2}),
        pack([b"\x81" * 60_000 + b"\x00", bytes(64)]),
        pack([pack([1]), bytes(64)]),
        pack([pack({1: bytes(32)}), bytes(64)]),
    ],
)
def test_what_is_no_request_is_refused(world: World, plain: bytes) -> None:
    assert refusal_of(world, raw(world, plain)) == "flawed_changeset"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (1, "node"),
        (1, bytes(31)),
        (2, "1"),
        (2, True),
        (2, -1),
        (2, 2**63),
        (3, None),
        (4, 2**62),
        (5, b""),
        (6, []),
        (6, [1]),
        (6, [1, 2, 3]),
        (6, "ab"),
        (6, {0: 1, 1: 2}),
        (7, 5),
        (7, [1]),
        (7, [None]),
        (7, [b""] * 5_000),
        (8, [1]),
        (9, 2**31),
        (14, [bytes(31)]),
        (14, "own"),
        (15, -1),
        (16, [[1, bytes(32)]]),
        (16, [[-(2**63), bytes(32), bytes(113)]]),
        (16, [[2**31, bytes(32), bytes(113)]]),
        (16, [[1, bytes(32), bytes(5_000)]]),
        (17, [5]),
        (17, {}),
        (11, [1]),
        (11, "code"),
    ],
)
def test_a_field_of_a_wrong_type_is_refused(world: World, field: int, value: object) -> None:
    assert refusal_of(world, body_with(world, field, value)) == "flawed_changeset"


def test_a_request_signed_in_another_context_is_refused(world: World) -> None:
    body = pack({n: v for n, v in enumerate(vars(request_of(world)).values(), 1) if v is not None})
    plain = pack([body, world.keys.signer.sign(b"mektep changeset v1", body)])
    assert refusal_of(world, raw(world, plain)) == "wrong_signer"


def test_a_revoked_node_is_refused(hub: Hub, tmp_path: Path) -> None:
    school = a_school(tmp_path / "node", hub, "School 7")
    with closing(school.node.connect()) as db:
        schools.revoke(hub, identity(db).signer.public)
    with pytest.raises(problems.Revoked):
        school.sync()


# -- changesets --------------------------------------------------------------------------------------------------


def honest(world: World, *, first: int | None = None, count: int = 1) -> Forged:
    """A changeset the hub would accept: one more person, or several."""
    keys = world.keys
    with world.hub.read() as connection:
        log = HubLog(connection, world.school.id, world.hub.signer)
        last, previous = log.head_of(world.state("origin"))
        seen = log.head()[0]
    first = last + 1 if first is None else first
    numbers = range(first, first + count)
    fields = header(
        world.school.id,
        world.state("origin"),
        first,
        first + count - 1,
        crypto.random_bytes(32),
        previous=previous,
        seen=seen,
    )
    rows = [world.row(1_000 + n) for n in numbers]
    people = group(PERSON, list(numbers), [rows], {2: ["f"] * count, 3: pack_integers([2010] * count)})
    return Forged(keys.signer, fields, keys.school_key, [people])


def own_person(world: World, forged: Forged, **values: object) -> Forged:
    """The changeset with one change of a person instead; values by ``cN``."""
    first = forged.header[4]
    assert isinstance(first, int)
    named = {int(name[1:]): value for name, value in values.items()}
    return forged.but(district=[group(PERSON, [first], [[world.row(1_000 + first)]], named)])


Case = Callable[[World, Forged], Forged]


def one(world: World, forged: Forged, table: int, key: list[int], values: dict[int, object]) -> Forged:
    first = forged.header[4]
    assert isinstance(first, int)
    return forged.but(district=[group(table, [first], [[part] for part in key], values)])


def of_other(world: World, n: int = 1) -> int:
    return int(State(world.other_db).origin) << 32 | n


def stranger_origin(world: World, forged: Forged, **more: object) -> Forged:
    """A first changeset under a fresh, rightly derived origin of this node."""
    incarnation = crypto.random_bytes(16)
    origin = crypto.origin_name(world.keys.signer.public, incarnation)
    fields: dict[str, object] = {"h3": origin, "h4": 1, "h5": 1, "h6": bytes(32)}
    fields |= {"h12": world.keys.signer.public, "h13": incarnation}
    fields |= {"district": [group(PERSON, [1], [[origin << 32 | 1]], {2: ["f"]})]}
    return forged.but(**(fields | more))


def part_with(world: World, forged: Forged, **fields: object) -> Forged:
    """The honest group with fields replaced (``gN``); None leaves one out."""
    base = dict(forged.district[0])  # type: ignore[arg-type]
    for name, value in fields.items():
        base[int(name[1:])] = value
    return forged.but(district=[{n: v for n, v in base.items() if v is not None}])


REFUSED: dict[str, tuple[str, Case]] = {
    # who may sign what
    "signed by a stranger": ("wrong_signer", lambda w, f: f.but(signer=crypto.SigningKey.generate())),
    "another school's changeset": ("wrong_signer", lambda w, f: f.but(h2=w.other.id)),
    "a school that is not there": ("wrong_signer", lambda w, f: f.but(h2=w.other.id + 100)),
    "in the hub's name": ("wrong_signer", lambda w, f: f.but(h3=0)),
    "under another school's origin": ("wrong_signer", lambda w, f: f.but(h3=of_other(w) >> 32)),
    "beginning another school's origin": (
        "flawed_changeset",
        lambda w, f: stranger_origin(w, f, h3=of_other(w) >> 32),
    ),
    "under an origin nobody began": ("wrong_signer", lambda w, f: f.but(h3=12_345)),
    "an origin that is not derived": ("flawed_changeset", lambda w, f: stranger_origin(w, f, h3=12_345)),
    "a new origin without its node": ("flawed_changeset", lambda w, f: stranger_origin(w, f, h12=None)),
    "a new origin of another node": ("flawed_changeset", lambda w, f: stranger_origin(w, f, h12=bytes(32))),
    "continuing another school": (
        "flawed_changeset",
        lambda w, f: stranger_origin(w, f, h14=[of_other(w) >> 32, 1]),
    ),
    # whose rows
    "another school's row": ("foreign_row", lambda w, f: one(w, f, PERSON, [of_other(w)], {2: ["m"]})),
    "a reference row": ("foreign_row", lambda w, f: one(w, f, PERSON, [7], {2: ["m"]})),
    "a row of nobody": ("foreign_row", lambda w, f: one(w, f, PERSON, [99 << 32 | 1], {2: ["m"]})),
    "a row below zero": ("foreign_row", lambda w, f: one(w, f, PERSON, [-5], {2: ["m"]})),
    "a reference to another school": (
        "foreign_row",
        lambda w, f: one(w, f, ENROLMENT, [w.row(900)], {2: pack_integers([of_other(w)])}),
    ),
    "a key that refers to another school": (
        "foreign_row",
        lambda w, f: one(
            w, f, BY_NAME["subject_group_pupil"].number, [w.row(900), of_other(w)], {4: pack_integers([1])}
        ),
    ),
    # place and order
    "having seen what is not there": ("flawed_changeset", lambda w, f: f.but(h7=int(str(f.header[7])) + 1)),
    "having seen everything for ever": ("flawed_changeset", lambda w, f: f.but(h7=2**62 - 1)),
    "a gap before it": ("missing_part", lambda w, f: honest(w, first=int(str(f.header[4])) + 5)),
    "numbers given already": ("forked", lambda w, f: honest(w, first=2)),
    "following something else": ("forked", lambda w, f: f.but(h6=crypto.random_bytes(32))),
    # the header
    "an unknown format": ("flawed_changeset", lambda w, f: f.but(h1=2)),
    "no format": ("flawed_changeset", lambda w, f: f.but(h1=None)),
    "a school of a wrong type": ("flawed_changeset", lambda w, f: f.but(h2="1")),
    "an origin too large": ("flawed_changeset", lambda w, f: f.but(h3=2**31)),
    "last before first": ("flawed_changeset", lambda w, f: f.but(h5=0)),
    "more changes than allowed": (
        "flawed_changeset",
        lambda w, f: f.but(h5=int(str(f.header[4])) + 65_536, actors=[0]),
    ),
    "a header too large": ("flawed_changeset", lambda w, f: f.but(h99=bytes(1_024))),
    "a salt too short": (
        "flawed_changeset",
        lambda w, f: f.but(hashes=[bytes(32)] * 2, h9=bytes(32), h6=b""),
    ),
    "a part that is not the header's": ("flawed_changeset", lambda w, f: f.but(hashes=[bytes(32)] * 2)),
    "an envelope too large": ("flawed_changeset", lambda w, f: f.but(extra=[bytes(65_536)])),
    # the part
    "a zip bomb": ("flawed_changeset", lambda w, f: f.but(district=BOMB)),
    "a window too large": ("flawed_changeset", lambda w, f: f.but(district=WIDE)),
    "a part that is no zstd": ("flawed_changeset", lambda w, f: f.but(district=b"no zstd")),
    "an empty part": ("flawed_changeset", lambda w, f: f.but(district=b"")),
    "a part with a tail": ("flawed_changeset", lambda w, f: f.but(district=f.parts[0] + b"\0")),
    "deep CBOR": ("flawed_changeset", lambda w, f: f.but(district=compress(b"\x81" * 100_000 + b"\0"))),
    "a length that is not there": (
        "flawed_changeset",
        lambda w, f: f.but(district=compress(b"\x5b" + b"\x00\x00\xff\xff\xff\xff\xff\xff")),
    ),
    "a list for a part": ("flawed_changeset", lambda w, f: f.but(district=compress(pack([1])))),
    "groups that are no list": ("flawed_changeset", lambda w, f: f.but(district=compress(pack({1: 5})))),
    "a group that is no map": ("flawed_changeset", lambda w, f: f.but(district=compress(pack({1: [5]})))),
    "a number outside": ("flawed_changeset", lambda w, f: part_with(w, f, g2=pack_integers([10**6]))),
    "a number twice": (
        "flawed_changeset",
        lambda w, f: (lambda h: h.but(district=[*h.district, *h.district]))(honest(w, count=2)),
    ),
    "a count too high": ("flawed_changeset", lambda w, f: part_with(w, f, g1=2**31)),
    "a count of none": ("flawed_changeset", lambda w, f: part_with(w, f, g1=0)),
    "no numbers": ("flawed_changeset", lambda w, f: part_with(w, f, g2=None)),
    "a null among numbers": ("flawed_changeset", lambda w, f: part_with(w, f, g2=pack_integers([None]))),
    "a clock below zero": ("flawed_changeset", lambda w, f: part_with(w, f, g3=pack_integers([-1]))),
    "no clocks": ("flawed_changeset", lambda w, f: part_with(w, f, g3=None)),
    "no key": ("flawed_changeset", lambda w, f: part_with(w, f, g4=[])),
    "a key too long": ("flawed_changeset", lambda w, f: part_with(w, f, g4=[pack_integers([1])] * 2)),
    "a table of a wrong type": ("flawed_changeset", lambda w, f: part_with(w, f, g0="person")),
    "a table too large": ("flawed_changeset", lambda w, f: part_with(w, f, g0=2**31)),
    "columns without values": ("flawed_changeset", lambda w, f: part_with(w, f, g6=[])),
    "a column twice": ("flawed_changeset", lambda w, f: part_with(w, f, g5=[2, 2])),
    "a column below zero": ("flawed_changeset", lambda w, f: part_with(w, f, g5=[2, -3])),
    "an erasure of a wrong type": ("flawed_changeset", lambda w, f: part_with(w, f, g7="yes")),
    "text for a number": ("flawed_changeset", lambda w, f: own_person(w, f, c3=["2010"])),
    "bytes for text": ("flawed_changeset", lambda w, f: own_person(w, f, c2=[b"f"])),
    "a number for text": ("flawed_changeset", lambda w, f: own_person(w, f, c2=pack_integers([1]))),
    "a list for a value": ("flawed_changeset", lambda w, f: own_person(w, f, c2=[["f"]])),
    "true for a number": ("flawed_changeset", lambda w, f: own_person(w, f, c3=[True])),
    "a number of more than 64 bits": ("flawed_changeset", lambda w, f: own_person(w, f, c3=[2**63])),
    "text with a zero": ("flawed_changeset", lambda w, f: own_person(w, f, c2=["f\0"])),
    "a column cut short": ("flawed_changeset", lambda w, f: own_person(w, f, c3=b"\x04")),
    "more values than changes": ("flawed_changeset", lambda w, f: own_person(w, f, c2=["f", "f"])),
    # what only the school reads
    "a name in the open": ("flawed_changeset", lambda w, f: own_person(w, f, c4=["Осмонова"])),
    "a mark in the open": (
        "flawed_changeset",
        lambda w, f: one(w, f, MARK, [w.row(), 1, 1, w.row(), 0], {7: pack_integers([5])}),
    ),
    "a sealed half in the open": ("flawed_changeset", lambda w, f: one(w, f, 0, [], {4: ["Осмонова"]})),
}
BOMB = compress(bytes(500_000_000))
WIDE = b"\x28\xb5\x2f\xfd\x00" + bytes([(27 - 10) << 3]) + b"\x01\x00\x00"
"""A frame of zstd that asks for a window of 128 MiB."""


def answered(world: World, changesets: list[bytes]) -> Any:
    """The hub's answer to an honest request that brings these."""
    message, hashed = seal_request(
        request_of(world, changesets=changesets), world.keys.signer, info(world.hub)
    )
    reply = ingest.receive(world.hub, message)
    keys = world.keys
    return open_answer(reply, keys.opener, world.hub.signer.public, keys.signer.public, hashed)


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_changeset_is_refused(world: World, name: str) -> None:
    code, make = REFUSED[name]
    data = make(world, honest(world)).data
    answer = answered(world, [data])
    assert answer.accepted == []
    assert [(hashed, said) for hashed, said, _ in answer.refused] == [(crypto.sha256(data), code)]
    assert sentence_of(code).endswith(".")


def test_what_is_put_together_by_hand_is_accepted_when_honest(hub: Hub, tmp_path: Path) -> None:
    """Without this the refusals would prove little."""
    school = a_school(tmp_path / "node", hub, "School 5")
    world = World(hub, school, school)
    write_pupils(school, 1)
    school.sync()
    makers: list[Callable[[], Forged]] = [
        lambda: honest(world),
        lambda: honest(world, count=3),
        lambda: stranger_origin(world, honest(world)),
    ]
    for make in makers:
        forged = make()
        answer = answered(world, [forged.data])
        assert (answer.accepted, answer.refused) == ([forged.hash], [])
    forged = honest(world)
    soft = one(world, forged, PUPIL, [world.row(900)], {5: pack_integers([1 << 32 | 9])})
    assert answered(world, [soft.data]).refused == []


def test_nothing_after_a_refusal_is_accepted(world: World) -> None:
    flawed = honest(world).but(h7=2**61)
    assert answered(world, [flawed.data, honest(world).data]).accepted == []


def test_an_answer_is_never_larger_than_a_node_reads(world: World) -> None:
    answer = ingest.receive(world.hub, sealed(world, position=0, reference_position=0, budget=2**61))
    assert len(answer) <= 2 * MAX_MESSAGE


def test_what_was_refused_is_set_aside_with_its_reason(world: World) -> None:
    data = own_person(world, honest(world), c4=["Осмонова"]).data
    answered(world, [data])
    with world.hub.read() as connection:
        q = tables.quarantine.c
        row = connection.execute(sa.select(q.reason, q.envelope).where(q.hash == crypto.sha256(data))).one()
    assert row.reason == "the district part holds a column that is not the district's"
    kept, sent = unpack(bytes(row.envelope), "it"), unpack(data, "it")
    assert kept == [sent[0], sent[1], b"", sent[3]]
    assert "Осмонова".encode() not in bytes(row.envelope)


# -- registration ------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, object]]:
    """The honest registration of a stranger, with a code that is kept out of the comparison until it is used."""
    monkeypatch.setattr(registration, "_THROTTLES", {})
    code = schools.registration_code(world.hub, world.school.id)
    world.before = everything(world)
    incarnation = crypto.random_bytes(16)
    signer = crypto.SigningKey.generate()
    yield {
        0: signer,
        1: code.secret,
        2: crypto.OpeningKey.generate().public,
        3: crypto.origin_name(signer.public, incarnation),
        4: incarnation,
        5: crypto.OpeningKey.generate().public,
        6: [[1, bytes(113)]],
        7: State(world.db).recovery_signing,
    }


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("wrong_code", {1: b"wrong"}),
        ("wrong_signer", {3: 77}),
        ("already_registered", {7: bytes(32)}),
        ("not_registered", {1: "text"}),
        ("not_registered", {1: None, 9: "school"}),
        ("not_registered", {1: None, 9: [1]}),
        ("not_registered", {1: None, 9: 2**64 - 1}),
        ("not_registered", {1: None, 9: 7}),
        ("wrong_recovery_key", {1: None, 7: bytes(32), 8: bytes(64)}),
        ("wrong_recovery_key", {1: None, 7: None, 8: bytes(64)}),
        ("wrong_recovery_key", {1: None, 8: bytes(64)}),
        ("flawed_changeset", {2: bytes(31)}),
        ("flawed_changeset", {3: 2**31}),
        ("flawed_changeset", {4: 5}),
        ("flawed_changeset", {5: None}),
        ("flawed_changeset", {6: [[1]]}),
        ("flawed_changeset", {6: [[2**40, bytes(113)]]}),
        ("flawed_changeset", {6: [[-1, bytes(113)]]}),
        ("flawed_changeset", {6: [[1, bytes(5_000)]]}),
        ("flawed_changeset", {6: [[3, bytes(113)]]}),
        ("flawed_changeset", {7: 5}),
        ("flawed_changeset", {6: [[1, bytes(113)]] * 1_001}),
        ("bad_key", {2: bytes(32)}),
    ],
)
def test_a_hostile_registration_is_refused(
    world: World, waiting: dict[int, object], code: str, other: dict[int, object]
) -> None:
    signer = waiting.pop(0)
    assert isinstance(signer, crypto.SigningKey)
    message = sealed(world, signer, node=signer.public, registration=waiting | other)
    assert refusal_of(world, message) == code


def test_guessing_codes_is_slowed(world: World, waiting: dict[int, object]) -> None:
    signer = waiting.pop(0)
    assert isinstance(signer, crypto.SigningKey)
    said = [
        refusal_of(
            world, sealed(world, signer, node=signer.public, registration=waiting | {1: bytes([n] * 5)})
        )
        for n in range(7)
    ]
    assert said == ["wrong_code"] * 5 + ["too_many_tries"] * 2


def test_a_node_cut_off_from_its_changes_loses_none(world: World) -> None:
    assert NodeLog(world.db).waiting() > 0
