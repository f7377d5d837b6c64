"""A hub lost and put back from an old backup is completed again by its schools, and nothing is doubled or hidden."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from itertools import chain, repeat

import pytest

from hub import backups, checks, completing, ingest, schools, sticks, tables
from hub.storage import create_hub, open_hub
from node.conflicts import queries as conflicts
from node.derived import derive
from node.exchange import actions, queries
from node.exchange import stranded as telling
from shared import crypto
from shared.db import transaction
from shared.keys import RecoveryKit
from shared.problems import (
    AlreadyInitialised,
    HubAnswer,
    HubForgot,
    HubUnreachable,
    Revoked,
    WrongPassphrase,
    WrongRecoveryKey,
)
from sync import clock, fork, session
from sync.codec import all_changes, open_envelope
from sync.delivery import Progress
from sync.erasure import erase
from sync.messages import open_answer
from sync.state import State, epoch_keys
from sync.stranded import write as write_stranded
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests.sync.test_nodes import Cast
from tests.world import CHEAP, a_hub

TODAY = 20_000


class District:
    """A hub that can be lost, and a school with several nodes."""

    def __init__(self, tmp_path, request, database):
        self.path, self.request, self.database = tmp_path, request, database
        self.hub = a_hub(tmp_path / "hub", database)
        self.cast = self.a_cast("school")

    def a_cast(self, name):
        (self.path / name).mkdir()
        cast = Cast(self.path / name, self.hub)
        cast.transport = MemoryTransport(
            lambda: ingest.describe(self.hub), lambda message: ingest.receive(self.hub, message)
        )
        return cast

    def back_up(self):
        backups.backup(self.hub, self.path / "hub.backup")

    def lose(self, *casts):
        """The hub's machine is gone; another one is made from the backup."""
        self.hub.close()
        if self.database is not None:
            self.database = self.request.getfixturevalue("second_postgres_url")
        self.hub = backups.restore(
            self.path / "again", self.path / "hub.backup", passphrase="open", database=self.database
        )
        for cast in (self.cast, *casts):
            cast.hub = self.hub

    def stream(self, school=None):
        school = self.cast.id if school is None else school
        with self.hub.read() as connection:
            s = tables.stream.c
            return [
                (row.position, bytes(row.hash), bytes(row.receipt))
                for row in connection.execute(
                    tables.stream.select().where(s.school == school).order_by(s.position)
                )
            ]

    def check(self, *casts):
        for cast in (self.cast, *casts):
            cast.settle()
            cast.check()
            assert checks.verify(self.hub, cast.id) == []
        assert checks.verify(self.hub, 0) == []


@pytest.fixture
def second_postgres_url(postgres_cluster):
    postgres_cluster.execute("CREATE DATABASE test_again")
    yield postgres_cluster.url("test_again")
    postgres_cluster.execute("DROP DATABASE test_again WITH (FORCE)")


@pytest.fixture(params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def district(tmp_path, request):
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    district = District(tmp_path, request, database)
    yield district
    district.hub.close()


def rooms(node):
    with closing(node.connect()) as db:
        return sorted(name for (name,) in db.execute("SELECT name FROM room WHERE name IS NOT NULL"))


def found_conflicts(node):
    with closing(node.connect()) as db:
        return conflicts.conflicts(db, TODAY)


def test_what_the_hub_lacks_comes_back_in_order_with_the_same_receipts(district):
    cast, first = district.cast, district.cast.nodes[0]
    cast.write(first, "room", name="1")
    cast.sync(first)
    district.back_up()
    for name in "234":
        cast.write(first, "room", name=name)
        cast.sync(first)
    before = district.stream(), district.stream(0)
    cast.write(first, "room", name="5")
    district.lose()
    assert district.stream() == before[0][:-3]
    assert cast.sync(first) == "done"
    assert (district.stream()[:-1], district.stream(0)) == before
    assert rooms(first) == list("12345")
    district.check()


def test_what_a_node_holds_of_the_others_it_brings_too(district):
    cast, first = district.cast, district.cast.nodes[0]
    district.back_up()
    second = cast.join()
    cast.write(second, "room", name="2")
    cast.sync(second)
    cast.sync(first)
    before = district.stream()
    district.lose()
    assert cast.sync(first) == "done", "the second one, unknown to the backup, never came"
    assert district.stream() == before
    cast.write(second, "room", name="3")
    assert cast.sync(second) == "done"
    assert [*district.stream()][: len(before)] == before
    district.check()


def test_a_node_that_the_hub_forgot_is_known_again(district):
    cast, first = district.cast, district.cast.nodes[0]
    district.back_up()
    second = cast.join()
    cast.write(second, "room", name="2")
    cast.sync(second)
    district.lose()
    cast.write(second, "room", name="3")
    assert cast.sync(second) == "done"
    cast.settle()
    assert rooms(first) == ["2", "3"]
    district.check()


def test_a_school_that_the_hub_forgot_altogether_is_known_again(district):
    district.back_up()
    other = district.a_cast("other")
    other.write(other.nodes[0], "room", name="1")
    other.sync(other.nodes[0])
    before = district.stream(other.id)
    district.lose(other)
    assert other.sync(other.nodes[0]) == "done"
    assert district.stream(other.id) == before
    third = other.join()
    assert rooms(third) == ["1"], "its kit and its keys are there again"
    district.check(other)


def test_a_new_school_after_the_restore_takes_no_forgotten_number(district):
    district.back_up()
    other = district.a_cast("other")
    other.sync(other.nodes[0])
    district.cast.sync(district.cast.nodes[0])
    district.lose(other)
    newcomer = district.a_cast("newcomer")
    assert newcomer.id != other.id
    newcomer.sync(newcomer.nodes[0])
    assert other.sync(other.nodes[0]) == "done"
    with closing(newcomer.nodes[0].connect()) as db:
        assert newcomer.sync(newcomer.nodes[0]) == "done"
        known = {row[0] for row in db.execute("SELECT id FROM school WHERE id >= 2147483648")}
    assert {other.id, newcomer.id, district.cast.id} <= known
    district.check(other, newcomer)


@pytest.mark.parametrize("later", [1, 2, 5])
def test_what_another_node_pushed_since_goes_behind_as_not_having_seen(district, later):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    room = cast.write(first, "room", name="7", seats=20)
    cast.settle()
    district.back_up()
    cast.update(first, "room", room, seats=21)
    cast.sync(first)
    cast.write(first, "room", name="8")
    cast.sync(first)
    older = district.stream()
    district.lose()
    for at in range(later):
        cast.update(second, "room", room, seats=30 + at)
        cast.write(second, "room", name=f"9{at}")
        assert cast.sync(second) == "done"
    younger = {hashed for _, hashed, _ in district.stream()} - {hashed for _, hashed, _ in older}
    cast.write(first, "room", name="after")
    assert cast.sync(first) == "done"
    assert district.stream()[: len(older)] == older, "which history was first its receipts say"
    assert younger <= {hashed for _, hashed, _ in district.stream()}
    cast.settle()
    assert len(district.stream()) == len({hashed for _, hashed, _ in district.stream()})
    for node in cast.nodes:
        [conflict] = found_conflicts(node)
        assert {choice.values[0][1] for choice in conflict.choices} == {21, 30 + later - 1}
        assert rooms(node) == sorted(["7", "8", "after", *(f"9{at}" for at in range(later))])
    district.check()


def test_what_waits_uncut_when_the_order_changes_has_not_seen_either(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    room = cast.write(first, "room", name="7", seats=20)
    cast.settle()
    district.back_up()
    cast.update(first, "room", room, seats=21)
    cast.sync(first)
    district.lose()
    cast.write(second, "room", name="9")
    assert cast.sync(second) == "done"
    assert cast.sync(first) == "done"
    cast.update(second, "room", room, seats=22)  # before the second one hears of 21
    cast.settle()
    assert all(len(found_conflicts(node)) == 1 for node in cast.nodes)
    district.check()


def test_both_ways_of_three_nodes_meet(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    third = cast.join()
    cast.settle()
    district.back_up()
    for node, name in ((first, "a"), (second, "b"), (first, "c")):
        cast.write(node, "room", name=name)
        cast.sync(node)
    district.lose()
    for node, name in ((third, "x"), (second, "y"), (third, "z"), (first, "w")):
        cast.write(node, "room", name=name)
        cast.sync(node)
    cast.settle()
    for node in cast.nodes:
        assert rooms(node) == sorted("abcxyzw")
    district.check()


def test_the_same_backup_put_back_twice(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    cast.settle()
    district.back_up()
    cast.write(first, "room", name="a")
    cast.sync(first)
    district.lose()
    cast.write(second, "room", name="b")
    cast.sync(second)
    (district.path / "again").rename(district.path / "lost")
    district.hub.close()
    if district.database is not None:
        with district.hub.write() as connection:
            tables.metadata.drop_all(connection)
    district.hub = backups.restore(
        district.path / "again", district.path / "hub.backup", passphrase="open", database=district.database
    )
    cast.hub = district.hub
    cast.write(first, "room", name="c")
    cast.sync(second)
    cast.sync(first)
    cast.settle()
    assert all(rooms(node) == ["a", "b", "c"] for node in cast.nodes)
    district.check()


def test_a_stolen_node_is_revoked_again_by_the_word_of_the_others(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    cast.settle()
    district.back_up()
    with closing(second.connect()) as db:
        stolen = bytes(session.identity(db).signer.public)
    schools.revoke(district.hub, stolen)
    cast.sync(first)
    cast.sync(first)
    with closing(first.connect()) as db:
        assert max(epoch_keys(db)) == 2
    district.lose()
    assert cast.sync(first) == "done"
    with pytest.raises(Revoked):
        cast.sync(second)
    cast.nodes.remove(second)
    third = cast.join()
    with closing(third.connect()) as db, closing(first.connect()) as own:
        assert epoch_keys(db) == epoch_keys(own) and max(epoch_keys(db)) == 2
    district.check()


def test_a_new_key_is_offered_to_a_hub_that_forgot_the_one_before_it(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    third = cast.join()
    cast.settle()
    district.back_up()
    for node, known in ((second, 2), (third, 3)):
        cast.nodes.remove(node)
        with closing(node.connect()) as db:
            schools.revoke(district.hub, bytes(session.identity(db).signer.public))
        cast.sync(first)
        if known == 2:
            cast.sync(first)
        with closing(first.connect()) as db:
            assert max(epoch_keys(db)) == 2, "of the third key the hub has not heard"
    district.lose()
    with district.hub.write() as connection:  # as if a disk image had been put back without `restore`
        connection.execute(tables.state.delete().where(tables.state.c.name == "restored_at"))
    assert cast.sync(first) == "done"
    cast.settle()
    with closing(first.connect()) as db:
        assert max(epoch_keys(db)) == 3
    district.check()


def test_twins_make_the_key_that_the_hub_forgot_alike(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    cast.settle()
    district.back_up()
    twin = cast.clone(first)
    with closing(second.connect()) as db:
        stolen = bytes(session.identity(db).signer.public)
    cast.nodes.remove(second)
    schools.revoke(district.hub, stolen)
    cast.sync(first)
    cast.write(first, "room", name="sealed with the second key")
    cast.sync(first)
    district.lose()
    schools.revoke(district.hub, stolen)
    cast.sync(twin)
    cast.write(twin, "room", name="so is this")
    cast.sync(twin)
    keys = []
    for node in (first, twin):
        with closing(node.connect()) as db:
            keys.append(epoch_keys(db))
    assert sorted(keys[0]) == [1, 2] and keys[0] == keys[1], "the hub cannot tell them apart and asked both"
    cast.settle()
    assert rooms(first) == rooms(twin) == ["sealed with the second key", "so is this"]
    district.check()


@pytest.mark.parametrize("written", ["before the backup", "after it"])
def test_what_was_erased_since_the_backup_stays_erased(district, written):
    cast, first = district.cast, district.cast.nodes[0]
    secret = "Жаркынайым"

    def name():
        with closing(first.connect()) as db, writing(db, 0) as w:
            person = w.insert("person", sex="f")
            consent = w.insert("consent", person=person, purpose="core")
            w.update("person", person, surname=secret)
        cast.sync(first)
        return person, consent

    if written == "before the backup":
        person, consent = name()
        district.back_up()
    else:
        district.back_up()
        person, consent = name()
    with closing(first.connect()) as db, writing(db, 0) as w:
        w.update("consent", consent, withdrawn_on=20_000)
        erase(w, person, ("core", "photo"))
    cast.settle()
    district.lose()
    cast.settle()
    second = cast.join()
    cast.settle()
    require_gone(district, second, secret)
    district.check()


class ANameInTwoPlaces:
    """A school of three: in the hub's second life a person's name has another place than in the line of the third."""

    secret = "Жаркынайым"

    def __init__(self, district):
        cast, self.first, second = district.cast, district.cast.nodes[0], district.cast.join()
        self.third = cast.join()
        with closing(self.first.connect()) as db, writing(db, 0) as w:
            self.person = w.insert("person", sex="f")
            self.consent = w.insert("consent", person=self.person, purpose="core")
        cast.settle()
        district.back_up()
        cast.write(second, "room", name="before it")
        cast.sync(second)
        with closing(self.first.connect()) as db:
            with writing(db, 0) as w:
                w.update("person", self.person, surname=self.secret)
            message, _ = session.make_request(db, Progress())
            ingest.receive(district.hub, message)  # the answer is lost
        cast.sync(self.third)
        district.lose()
        assert cast.sync(self.first) == "done"

    def erase(self, node):
        with closing(node.connect()) as db, writing(db, 0) as w:
            w.update("consent", self.consent, withdrawn_on=20_000)
            erase(w, self.person, ("core",))


def test_what_was_erased_comes_back_with_no_older_line(district):
    """A line that puts a changeset at another place shows it as it was before it was amended."""
    cast, named = district.cast, ANameInTwoPlaces(district)
    named.erase(named.first)
    assert cast.sync(named.first) == "done"
    before = len(district.stream())

    def receive(message):
        answer = ingest.receive(district.hub, message)
        require_gone(district, named.first, named.secret)
        return answer

    with closing(named.third.connect()) as db:
        session.sync(db, MemoryTransport(lambda: ingest.describe(district.hub), receive), derive)
    assert len(district.stream()) == before + 1, "the line brought what the hub lacked"
    cast.settle()
    district.check()


def test_an_amendment_that_comes_with_a_line_before_its_erasure(district):
    cast, named = district.cast, ANameInTwoPlaces(district)
    named.erase(named.third)
    faults = chain([""], repeat("lose answer"))
    transport = MemoryTransport(
        lambda: ingest.describe(district.hub),
        lambda message: ingest.receive(district.hub, message),
        lambda: next(faults),
    )
    with closing(named.third.connect()) as db, pytest.raises(HubUnreachable):
        session.sync(db, transport, derive)
    cast.sync(named.first)
    with closing(named.first.connect()) as db:
        assert db.execute("SELECT count(*) FROM quarantine").fetchone()[0] == 1, "nobody erased it yet"
    assert cast.value(named.first, "person", "surname", named.person) == named.secret
    cast.settle()
    for node in cast.nodes:
        assert cast.value(node, "person", "surname", named.person) is None
        with closing(node.connect()) as db:
            assert db.execute("SELECT count(*) FROM quarantine").fetchone()[0] == 0
    require_gone(district, named.first, named.secret)
    district.check()


def test_an_amendment_is_told_again_though_the_hub_counts_as_many_as_before(district):
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    people = {}
    for secret in ("Жаркынайым", "Айсулуу"):
        with closing(first.connect()) as db, writing(db, 0) as w:
            person = w.insert("person", sex="f")
            people[secret] = person, w.insert("consent", person=person, purpose="core")
            w.update("person", person, surname=secret)
        cast.sync(first)
    cast.settle()
    district.back_up()

    def erased(node, secret):
        person, consent = people[secret]
        with closing(node.connect()) as db, writing(db, 0) as w:
            w.update("consent", consent, withdrawn_on=20_000)
            erase(w, person, ("core",))
        cast.sync(node)

    erased(first, "Жаркынайым")
    district.lose()
    erased(second, "Айсулуу")
    cast.settle()
    for secret in people:
        require_gone(district, first, secret)
    district.check()


def require_gone(district, node, secret):
    """It is in nothing that the hub keeps of the school. AssertionError."""
    with closing(node.connect()) as db, district.hub.read() as connection:
        keys = epoch_keys(db)
        for (data,) in connection.execute(
            tables.stream.select()
            .with_only_columns(tables.stream.c.envelope)
            .where(tables.stream.c.school == district.cast.id)
        ):
            envelope = open_envelope(bytes(data))
            assert secret not in repr(all_changes(envelope, keys[envelope.epoch]))


def test_by_stick_too(district, tmp_path):
    cast, first = district.cast, district.cast.nodes[0]
    district.back_up()
    second = cast.join()
    cast.write(second, "room", name="2")
    cast.sync(second)
    before = district.stream()
    district.lose()
    stick = tmp_path / "stick"
    stick.mkdir()
    cast.write(second, "room", name="3")
    actions.export_bundle(second, stick)
    sticks.import_bundles(district.hub, stick)
    with pytest.raises(HubForgot):
        actions.import_bundles(second, stick)
    for _ in range(3):
        actions.export_bundle(second, stick)
        assert sticks.import_bundles(district.hub, stick) == (1, [])
        assert actions.import_bundles(second, stick) == 1
    with closing(second.connect()) as db:
        assert session.note_if_done(db) and int(State(db).completing) == -1
    assert district.stream()[: len(before)] == before
    cast.settle()
    assert rooms(first) == ["2", "3"]
    district.check()


def test_a_hub_that_knows_more_nodes_than_this_one_lacks_nothing(district, tmp_path):
    """A backup is put back between a request and its answer, which brings no word for what the request knew."""
    cast, first = district.cast, district.cast.nodes[0]
    cast.join()
    cast.settle()
    stick = tmp_path / "stick"
    stick.mkdir()
    actions.export_bundle(first, stick)
    sticks.import_bundles(district.hub, stick)
    with closing(first.connect()) as db, transaction(db):
        assert (
            db.conn.execute(
                "DELETE FROM certificate WHERE signing <> ?", (session.identity(db).signer.public,)
            ).rowcount
            == 1
        )
    assert actions.import_bundles(first, stick) == 1
    with closing(first.connect()) as db:
        assert int(State(db).completing) == -1
    cast.sync(first)
    with closing(first.connect()) as db:
        assert db.execute("SELECT count(*) FROM certificate").fetchone()[0] == 2


def test_a_line_that_the_hub_never_placed_is_refused(district):
    cast, first = district.cast, district.cast.nodes[0]
    cast.write(first, "room", name="1")
    cast.sync(first)
    district.back_up()
    cast.write(first, "room", name="2")
    cast.sync(first)
    district.lose()
    before = district.stream()
    with closing(first.connect()) as db:
        db.execute(
            "UPDATE changeset SET receipt = zeroblob(64) WHERE position = (SELECT max(position) FROM changeset)"
        )
        db.conn.commit()
    with pytest.raises(HubAnswer):
        cast.sync(first)
    assert district.stream() == before


def test_the_backup_opens_with_the_kit_or_the_passphrase_alone(tmp_path):
    hub, kit = create_hub(tmp_path / "hub", login="d", password="s", passphrase="open", cost=CHEAP)
    schools.registration_code(hub, schools.add_school(hub, "№ 8"))
    backups.backup(hub, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    for wrong, problem in (
        ({"passphrase": "no"}, WrongPassphrase),
        ({}, WrongPassphrase),
        ({"kit": RecoveryKit.create("9", date(2026, 1, 1)).words}, WrongRecoveryKey),
    ):
        with pytest.raises(problem):
            backups.restore(tmp_path / "again", tmp_path / "copy", **wrong)
        assert not (tmp_path / "again").exists()
    again = backups.restore(tmp_path / "again", tmp_path / "copy", kit=kit.words)
    assert again.signer.public == hub.signer.public
    with again.read() as connection:
        assert connection.execute(tables.registration.select()).all() == [], (
            "an old code may have served since"
        )
    with pytest.raises(AlreadyInitialised):
        backups.restore(tmp_path / "again", tmp_path / "copy", kit=kit.words)
    assert open_hub(tmp_path / "again", "open").signer.public == hub.signer.public
    assert kit.words.split()[0] in kit.html(str, "en") and "district" in kit.html(str, "en")


def a_name_used_twice(district):
    """The hub forgets what a node sent; a copy of its disk sends other things under the same name, which others see.

    Returns the node, its copy, a third node, and the rooms that node and copy have made.
    """
    cast, first, third = district.cast, district.cast.nodes[0], district.cast.join()
    cast.settle()
    copy = cast.clone(first)
    district.back_up()
    ours = cast.write(first, "room", name="of the original", seats=1)
    cast.sync(first)
    district.lose()
    theirs = cast.write(copy, "room", name="of the copy", seats=2)
    assert ours == theirs, "two rows bear one id"
    assert cast.sync(copy) == "done"
    assert cast.sync(third) == "done"
    return first, copy, third, ours


def seats(node):
    with closing(node.connect()) as db:
        return dict(db.execute("SELECT name, seats FROM room").fetchall())


def test_a_name_used_twice_in_two_lives_of_the_hub(district):
    cast = district.cast
    first, _, third, room = a_name_used_twice(district)
    cast.update(third, "room", room, seats=3)
    cast.sync(third)
    cast.write(third, "room", name="of the third", seats=4)
    before = district.stream()
    assert cast.sync(first) == "done"
    assert len(district.stream()) < len(before), "what the copy sent, and who saw it, lost their places"
    for _ in range(2):
        cast.settle()
        for node in cast.nodes:
            assert seats(node) == {"of the original": 1, "of the copy": 3, "of the third": 4}
            assert cast.value(node, "room", "name", room) == "of the original"
    district.check()


def test_what_lost_its_place_is_written_anew_by_whoever_holds_it(district):
    cast = district.cast
    first, copy, _, _ = a_name_used_twice(district)
    cast.nodes.remove(copy)  # its disk died
    assert cast.sync(first) == "done"
    cast.settle()
    for node in cast.nodes:
        assert seats(node) == {"of the original": 1, "of the copy": 2}
    district.check()
    cast.nodes.append(copy)  # it was found again
    cast.settle()
    for node in cast.nodes:
        assert seats(node) == {"of the original": 1, "of the copy": 2}
        assert found_conflicts(node) == []
    district.check()
    require_told_once(district)


def require_told_once(district):
    """The hub keeps of what lost its place the names alone, and no longer tells a machine that knows them."""
    with district.hub.read() as connection:
        reasons = {
            (row.reason, bytes(row.envelope)) for row in connection.execute(tables.quarantine.select())
        }
        assert reasons == {("written anew", b"")} and completing.lost(connection) == {}
        assert completing.aside(connection, district.cast.id)

    def receive(message):
        answer = ingest.receive(district.hub, message)
        opener = crypto.OpeningKey.from_bytes(State(db).opening_key)
        read = open_answer(
            answer, opener, district.hub.signer.public, session.identity(db).signer.public, None
        )
        assert (read.aside, read.stranded) == ([], 0)
        return answer

    for node in district.cast.nodes:
        with closing(node.connect()) as db:
            session.sync(db, MemoryTransport(lambda: ingest.describe(district.hub), receive), derive)


def test_what_the_hub_holds_alone_is_told_and_can_be_read(district, monkeypatch):
    """Two disasters: the hub is put back, and the machine that wrote on since is put back too."""
    cast, first = district.cast, district.cast.nodes[0]
    third = cast.join()
    cast.settle()
    copy = cast.clone(first)
    district.back_up()
    cast.write(first, "room", name="of the original", seats=1)
    cast.sync(first)
    district.lose()
    cast.write(copy, "room", name="of the copy", seats=2)
    assert cast.sync(copy) == "done"
    cast.nodes.remove(copy)  # and nobody else had seen it
    assert cast.sync(first) == "done"
    cast.settle()

    def stranded():
        with district.hub.read() as connection:
            return completing.lost(connection), completing.stranded(connection)

    assert stranded() == ({cast.id: 1}, {}), "for a day it may be that a machine holds it"
    now = clock.now_ms() + 2 * 86_400_000
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    cast.settle()
    cast.settle()
    assert stranded() == ({cast.id: 1}, {cast.id: 1})
    folder = district.path / "carried"
    folder.mkdir()
    with district.hub.read() as connection:
        assert write_stranded(folder, cast.id, completing.lost_packets(connection, cast.id)) == 1
    with closing(third.connect()) as db:
        assert queries.status(db).stranded == 1
        found = telling.read(db, folder, 0)
        [line] = telling.lines(db, found, TODAY, "en")
        assert "Room" in line and "of the copy" in line and "2" in line
        assert db.execute("SELECT what FROM reading_log").fetchall() == [("packets of the hub",)]
    cast.settle()
    assert stranded() == ({cast.id: 1}, {cast.id: 1}), "nobody has written it again"
    cast.write(third, "room", name="of the copy", seats=2)
    with closing(third.connect()) as db:
        telling.settle(db, found)
    cast.settle()
    assert stranded() == ({}, {})
    require_told_once(district)
    with closing(third.connect()) as db:
        assert queries.status(db).stranded == 0
    district.check()


def test_what_waits_on_a_node_that_saw_a_name_used_twice_is_not_taken_before_it_knows(district):
    cast = district.cast
    first, _, third, room = a_name_used_twice(district)
    cast.update(third, "room", room, seats=3)
    assert cast.sync(first) == "done"
    assert cast.sync(third) == "done"
    assert cast.sync(first) == "done"
    assert seats(first) == {"of the original": 1, "of the copy": 3}
    cast.settle()
    district.check()


def test_rows_of_a_name_that_nobody_else_ever_hears_of(district):
    """The copy had gone on under a new name, which lost its place from its first changeset on."""
    cast = district.cast
    first, copy, third, _ = a_name_used_twice(district)
    with closing(copy.connect()) as db, transaction(db):
        fork.new_incarnation(db)
    cast.write(copy, "room", name="of the new name", seats=5)
    cast.sync(copy)
    cast.sync(third)
    cast.sync(first)
    cast.settle()
    fourth = cast.join()
    for node in (*cast.nodes, fourth):
        assert seats(node) == {"of the original": 1, "of the copy": 2, "of the new name": 5}
        with closing(node.connect()) as db:
            assert db.execute("SELECT count(*) FROM quarantine").fetchone()[0] == 0
    district.check()


@pytest.mark.parametrize("is_cut", [True, False])
def test_what_was_written_anew_and_comes_back_by_its_receipt_stands_once(district, is_cut):
    """A copy's changes are refused, for the hub has forgotten their place; the original shows its receipt later."""
    cast, first, second = district.cast, district.cast.nodes[0], district.cast.join()
    cast.settle()
    usurper = cast.clone(first)
    district.back_up()
    cast.write(first, "room", name="once", seats=1)
    group = cast.write(first, "class_group", letter="А")
    cast.write(first, "movement", to_class=group, date=TODAY)
    if is_cut:
        with closing(first.connect()) as db:
            session.make_request(db, Progress())
    copy = cast.clone(first)
    cast.sync(first)
    district.lose()
    cast.write(usurper, "room", name="of another copy", seats=2)
    cast.sync(usurper)
    assert cast.sync(copy) == "done"
    with closing(copy.connect()) as db:
        [anew] = db.execute("SELECT id FROM room WHERE name = 'once'").fetchone()
    cast.update(copy, "room", anew, seats=3)
    cast.write(copy, "room", name="after it", seats=4)
    cast.sync(copy)
    cast.sync(second)
    cast.write(second, "room", name="of the second", seats=5)
    cast.update(second, "room", anew, seats=6)
    cast.sync(second)
    assert cast.sync(first) == "done"
    cast.settle()
    for node in cast.nodes:
        assert seats(node) == {"once": 6, "of another copy": 2, "after it": 4, "of the second": 5}
        with closing(node.connect()) as db:
            assert [*db.execute("SELECT count(*), count(DISTINCT to_class) FROM movement")] == [(1, 1)]
            assert [*db.execute("SELECT count(*) FROM class_group WHERE letter = 'А'")] == [(1,)]
            assert [*db.execute("SELECT count(*), count(DISTINCT name) FROM room WHERE name <> ''")] == [
                (4, 4)
            ]
        [conflict] = found_conflicts(node)
        assert {1, 3, 6} >= {choice.values[0][1] for choice in conflict.choices} >= {3, 6}, (
            "nothing is hidden"
        )
    district.check()
