"""Several nodes of one school: joining, merging, conflicts, forks, restored copies."""

from __future__ import annotations

import itertools
import shutil
from contextlib import closing

import pytest

from hub import registration as hub_registration
from hub import schools, tables
from hub.log import HubLog
from hub.storage import upsert
from node.derived import derive
from node.storage import Node, backup, join_node, restore
from shared import crypto
from shared.keys import RecoveryKit, recovery_keypair
from shared.problems import (
    AlreadyRegistered,
    ApprovalPending,
    ImpostorHub,
    Revoked,
    WrongRecoveryKey,
    WrongSixWords,
)
from sync import registration, session
from sync.checks import verify_chain
from sync.log import NodeLog, dump
from sync.state import State, epoch_keys
from sync.writer import writing
from tests.world import CHEAP, a_hub, a_node, transport_to


@pytest.fixture
def hub(tmp_path):
    hub = a_hub(tmp_path / "hub")
    yield hub
    hub.close()


class Cast:
    """A school whose nodes are called by number; the first one registered, the others joined with the kit."""

    def __init__(self, tmp_path, hub):
        from node.storage import create_node

        self.path, self.hub, self.numbers = tmp_path, hub, itertools.count(2)
        node, self.kit = create_node(
            tmp_path / "n1", school_name="№ 8", login="admin", password="x", passphrase="p", cost=CHEAP
        )
        self.id = schools.add_school(hub, f"№ 8, {tmp_path.name}")
        self.transport = transport_to(hub)
        with closing(node.connect()) as db:
            session.register(db, self.transport, schools.registration_code(hub, self.id).text)
        self.nodes = [node]

    def join(self):
        node = join_node(self.path / f"n{next(self.numbers)}", passphrase="p", kit=self.kit.words, cost=CHEAP)
        with closing(node.connect()) as db:
            session.join_by_kit(db, self.transport, self.kit.secret)
        self.nodes.append(node)
        self.sync(node)
        return node

    def sync(self, node):
        with closing(node.connect()) as db:
            return session.sync(db, self.transport, derive).outcome

    def write(self, node, table, **values):
        with closing(node.connect()) as db, writing(db, 0) as w:
            return w.insert(table, **values)

    def update(self, node, table, row_id, **values):
        with closing(node.connect()) as db, writing(db, 0) as w:
            return w.update(table, row_id, **values)

    def settle(self):
        for _ in range(4):
            for node in self.nodes:
                assert self.sync(node) == "done"

    def check(self):
        dumps = [self.dump(node) for node in self.nodes]
        assert all(d == dumps[0] for d in dumps)
        with self.hub.read() as connection:
            there = list(HubLog(connection, self.id, self.hub.signer).dump())
        with closing(self.nodes[0].connect()) as db:
            assert there == list(dump(db, True))
        for node in self.nodes:
            with closing(node.connect()) as db:
                assert list(verify_chain(db)) == []

    def dump(self, node):
        with closing(node.connect()) as db:
            return list(dump(db, False))

    def value(self, node, table, column, row_id):
        with closing(node.connect()) as db:
            return db.execute(f"SELECT {column} FROM {table} WHERE id = ?", (row_id,)).fetchone()[0]

    def clone(self, node):
        home = self.path / f"n{next(self.numbers)}"
        shutil.copytree(node.home, home)
        copy = Node(home, node.key)
        self.nodes.append(copy)
        return copy


@pytest.fixture
def cast(tmp_path, hub):
    return Cast(tmp_path, hub)


def test_a_joining_node_receives_everything(cast):
    first = cast.nodes[0]
    person = cast.write(first, "person", sex="f", birth_year=2012)
    with closing(first.connect()) as db, writing(db, 0) as w:
        w.insert("consent", person=person, purpose="core", valid_from=0)
        w.update("person", person, surname="Асанова")
    cast.sync(first)
    second = cast.join()
    assert cast.value(second, "person", "surname", person) == "Асанова"
    cast.settle()
    cast.check()


def test_restoring_a_dead_school_is_joining(cast):
    first = cast.nodes[0]
    for year in range(50):
        cast.write(first, "person", sex="m", birth_year=1990 + year)
    cast.sync(first)
    before = cast.dump(first)
    shutil.rmtree(first.home)
    cast.nodes.clear()
    cast.path = cast.path / "new"
    assert cast.dump(cast.join()) == before


def test_a_wrong_kit_is_refused(cast, tmp_path):
    other = RecoveryKit.create("x", __import__("datetime").date.today())
    node = join_node(tmp_path / "thief", passphrase="p", kit=other.words, cost=CHEAP)
    with closing(node.connect()) as db, pytest.raises(WrongRecoveryKey):
        session.join_by_kit(db, cast.transport, other.secret)


def test_a_second_node_must_join_not_register(cast, tmp_path):
    node = a_node(tmp_path / "second")
    code = schools.registration_code(cast.hub, cast.id).text
    with closing(node.connect()) as db, pytest.raises(AlreadyRegistered):
        session.register(db, cast.transport, code)


def test_joining_by_approval_asks_for_six_words(cast, tmp_path):
    first = cast.nodes[0]
    cast.write(first, "person", sex="f")
    cast.sync(first)
    node = join_node(tmp_path / "n2", passphrase="p", cost=CHEAP)
    with closing(node.connect()) as db:
        with pytest.raises(ApprovalPending):
            session.join_by_approval(db, cast.transport, cast.id)
        words = registration.own_words(db)
    cast.sync(first)
    with closing(first.connect()) as db:
        with pytest.raises(WrongSixWords):
            registration.approve(db, "lusab babad gutih tugad tufip lusab")
        registration.approve(db, words)
    cast.sync(first)
    with closing(node.connect()) as db:
        session.join_by_approval(db, cast.transport, cast.id)
    cast.nodes.append(node)
    cast.settle()
    cast.check()
    with closing(node.connect()) as db, closing(first.connect()) as own:
        for name in ("recovery_public", "recovery_signing", "first_tag"):
            assert getattr(State(db), name) == getattr(State(own), name) != b""


def test_a_node_let_in_by_approval_makes_the_next_key_for_the_kit_too(cast, tmp_path):
    first, second = cast.nodes[0], let_in(cast, tmp_path)
    with closing(first.connect()) as db:
        schools.revoke(cast.hub, session.identity(db).signer.public)
    cast.nodes.remove(first)
    for _ in range(2):
        cast.sync(second)
    third = cast.join()
    with closing(second.connect()) as db, closing(third.connect()) as joined:
        assert max(epoch_keys(db)) == 2 and epoch_keys(db) == epoch_keys(joined)


def test_the_hub_cannot_hand_its_own_key_to_a_node_that_is_let_in(cast, tmp_path):
    node = join_node(tmp_path / "n2", passphrase="p", cost=CHEAP)
    with closing(node.connect()) as db, pytest.raises(ApprovalPending):
        session.join_by_approval(db, cast.transport, cast.id)
    with closing(node.connect()) as db:
        keys = session.identity(db)
    # A hub that lies lets the node in by itself, with a school key of its own making.
    with cast.hub.write() as connection:
        hub_registration.approve(connection, cast.id, [keys.signer.public])
        forged = crypto.seal_to(keys.opener.public, bytes(64), b"mektep epoch v1", (1).to_bytes(4, "big"))
        hub_registration.add_epochs(connection, cast.id, [(1, keys.opener.public, forged)], held=1)
    with closing(node.connect()) as db:
        with pytest.raises(ImpostorHub):
            session.join_by_approval(db, cast.transport, cast.id)
        assert epoch_keys(db) == {}


def test_keys_changed_on_the_way_do_not_fit_the_words(cast, tmp_path):
    first = cast.nodes[0]
    node = join_node(tmp_path / "n2", passphrase="p", cost=CHEAP)
    with closing(node.connect()) as db:
        with pytest.raises(ApprovalPending):
            session.join_by_approval(db, cast.transport, cast.id)
        words = registration.own_words(db)
    with cast.hub.write() as connection:
        mine = crypto.OpeningKey.generate().public
        connection.execute(tables.joining.update().values(opening=mine))
    cast.sync(first)
    with closing(first.connect()) as db, pytest.raises(WrongSixWords):
        registration.approve(db, words)


def let_in(cast, tmp_path):
    """A second node of the school, by the word of the first."""
    node = join_node(tmp_path / "let in", passphrase="p", cost=CHEAP)
    with closing(node.connect()) as db:
        with pytest.raises(ApprovalPending):
            session.join_by_approval(db, cast.transport, cast.id)
        words = registration.own_words(db)
    cast.sync(cast.nodes[0])
    with closing(cast.nodes[0].connect()) as db:
        registration.approve(db, words)
    cast.sync(cast.nodes[0])
    with closing(node.connect()) as db:
        session.join_by_approval(db, cast.transport, cast.id)
    cast.nodes.append(node)
    cast.sync(node)
    return node


def test_a_seen_value_is_replaced_whatever_the_clocks_say(cast, monkeypatch):
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7", seats=20)
    cast.settle()
    monkeypatch.setattr("sync.clock.now_ms", lambda: 1_000_000_000_000)
    cast.update(second, "room", room, seats=25)
    monkeypatch.undo()
    cast.settle()
    assert cast.value(first, "room", "seats", room) == 25
    with closing(first.connect()) as db:
        assert db.execute("SELECT count(*) FROM conflict").fetchone()[0] == 0
    cast.check()


def test_values_written_apart_are_a_conflict_on_both_sides(cast):
    first, second = cast.nodes[0], cast.join()
    room = cast.write(first, "room", name="7", seats=20)
    cast.settle()
    cast.update(first, "room", room, seats=21)
    cast.update(second, "room", room, seats=22)
    cast.update(second, "room", room, name="7a")
    cast.settle()
    cast.check()
    for node in cast.nodes:
        with closing(node.connect()) as db:
            assert db.execute("SELECT tbl, unit FROM conflict").fetchall() == [(51, "seats")]
        assert cast.value(node, "room", "name", room) == "7a"
    shown = cast.value(first, "room", "seats", room)
    other = {21: 22, 22: 21}[shown]
    cast.update(first, "room", room, seats=other)
    cast.settle()
    cast.check()
    for node in cast.nodes:
        assert cast.value(node, "room", "seats", room) == other
        with closing(node.connect()) as db:
            assert db.execute("SELECT count(*) FROM conflict").fetchone()[0] == 0


def test_the_same_fact_entered_twice_is_one_row(cast):
    first, second = cast.nodes[0], cast.join()
    group = cast.write(first, "subject_group")
    person = cast.write(first, "person", sex="f")
    with closing(first.connect()) as db, writing(db, 0) as w:
        w.put("pupil", person=person)
    cast.settle()
    for node in cast.nodes:
        with closing(node.connect()) as db, writing(db, 0) as w:
            w.put("mark", subject_group=group, day=20000, period=1, pupil=person, slot=0, value=5)
    cast.settle()
    cast.check()
    with closing(second.connect()) as db:
        assert db.execute("SELECT value FROM mark").fetchall() == [(5,)]
        assert db.execute("SELECT count(*) FROM conflict").fetchone()[0] == 0


@pytest.mark.parametrize("quiet_first", [True, False])
def test_a_cloned_disk_beside_its_original(cast, quiet_first):
    first = cast.nodes[0]
    room = cast.write(first, "room", name="1")
    if quiet_first:
        cast.sync(first)
    copy = cast.clone(first)
    ours = cast.write(first, "room", name="of the original")
    theirs = cast.write(copy, "room", name="of the copy")
    cast.update(first, "room", room, seats=10)
    cast.update(copy, "room", room, seats=11)
    assert ours == theirs
    cast.settle()
    cast.check()
    with closing(copy.connect()) as db:
        names = {n for (n,) in db.execute("SELECT name FROM room")}
        assert names == {"1", "of the original", "of the copy"}
        assert db.execute("SELECT count(*) FROM room").fetchone()[0] == 3


def test_references_follow_rows_minted_anew(cast):
    first = cast.nodes[0]
    cast.sync(first)
    copy = cast.clone(first)
    for node, letter in ((first, "А"), (copy, "Б")):
        with closing(node.connect()) as db, writing(db, 0) as w:
            class_group = w.insert("class_group", grade=1, letter=letter)
            person = w.insert("person", sex="f", birth_year=2015 if letter == "А" else 2016)
            w.put("pupil", person=person, language="ky" if letter == "А" else "ru")
            w.insert("enrolment", pupil=person, class_group=class_group, start=20000)
    cast.settle()
    cast.check()
    with closing(first.connect()) as db:
        rows = db.execute(
            "SELECT g.letter, p.language, q.birth_year FROM enrolment e JOIN class_group g ON g.id = e.class_group "
            "JOIN pupil p ON p.person = e.pupil JOIN person q ON q.id = p.person ORDER BY 1"
        ).fetchall()
    assert rows == [("А", "ky", 2015), ("Б", "ru", 2016)]


def test_twins_with_the_same_unsent_changes_do_not_double_them(cast):
    first = cast.nodes[0]
    cast.sync(first)
    cast.write(first, "room", name="unsent")
    copy = cast.clone(first)
    other = cast.clone(first)
    cast.write(copy, "room", name="copy")
    cast.write(other, "room", name="other")
    cast.settle()
    cast.check()
    with closing(first.connect()) as db:
        assert sorted(n for (n,) in db.execute("SELECT name FROM room")) == ["copy", "other", "unsent"]


def test_a_backup_put_back_and_used_on(cast, tmp_path):
    first = cast.nodes[0]
    cast.write(first, "room", name="before")
    cast.sync(first)
    backup(first, tmp_path / "copy.mektep")
    cast.write(first, "room", name="sent after the backup")
    cast.sync(first)
    shutil.rmtree(first.home)
    node = restore(first.home, tmp_path / "copy.mektep", passphrase="p")
    cast.nodes[0] = node
    cast.write(node, "room", name="after the restore")
    cast.settle()
    cast.check()
    with closing(node.connect()) as db:
        names = sorted(n for (n,) in db.execute("SELECT name FROM room"))
    assert names == ["after the restore", "before", "sent after the backup"]


def test_an_old_copy_of_the_files_put_back_is_noticed(cast, tmp_path):
    from node.storage import open_node

    first = cast.nodes[0]
    cast.write(first, "room", name="before")
    cast.sync(first)
    for name in ("node.db",):
        shutil.copy(first.home / name, tmp_path / name)
    cast.write(first, "room", name="sent later")
    cast.sync(first)
    for left in first.home.glob("node.db*"):
        if not left.name.endswith(".last"):
            left.unlink()
    shutil.copy(tmp_path / "node.db", first.home / "node.db")
    origin = first.origin
    node = open_node(first.home, "p")
    assert node.origin != origin
    cast.write(node, "room", name="now")
    cast.settle()
    cast.check()
    with closing(node.connect()) as db:
        assert sorted(n for (n,) in db.execute("SELECT name FROM room")) == ["before", "now", "sent later"]


def test_a_raw_old_image_of_the_whole_home_used_on_loses_and_doubles_nothing(cast, tmp_path):
    first, second = cast.nodes[0], cast.join()
    cast.settle()
    shutil.copytree(first.home, tmp_path / "image")
    sent = cast.write(first, "room", name="sent after the image")
    cast.update(first, "room", sent, seats=10)
    cast.settle()
    # Nothing beside the database tells that it is old, for that is of the same day.
    shutil.rmtree(first.home)
    shutil.copytree(tmp_path / "image", first.home)
    assert cast.write(first, "room", name="of the reused numbers") == sent
    cast.update(first, "room", sent, seats=20)
    cast.settle()
    cast.check()
    with closing(second.connect()) as db:
        rooms = db.execute("SELECT name, seats FROM room ORDER BY seats").fetchall()
        assert rooms == [("sent after the image", 10), ("of the reused numbers", 20)]
        assert db.execute("SELECT count(*) FROM conflict").fetchone() == (0,)


def test_a_revoked_node_gets_nothing_more_and_a_new_key_comes(cast):
    first, second = cast.nodes[0], cast.join()
    cast.settle()
    with closing(second.connect()) as db:
        public = session.identity(db).signer.public
    assert schools.revoke(cast.hub, public)
    cast.nodes.remove(second)
    cast.settle()
    cast.write(first, "room", name="secret")
    cast.settle()
    with closing(first.connect()) as db:
        assert sorted(epoch_keys(db)) == [1, 2]
        assert NodeLog(db).waiting() == 0
    with pytest.raises(Revoked):
        cast.sync(second)
    with closing(second.connect()) as db:
        assert sorted(epoch_keys(db)) == [1]
    third = cast.join()
    cast.settle()
    cast.check()
    with closing(third.connect()) as db:
        assert sorted(epoch_keys(db)) == [1, 2]
        assert db.execute("SELECT count(*) FROM room").fetchone()[0] == 1


def forged_epoch(cast, number, recipient, key, tag=bytes(32)):
    """A row a lying hub could make: a key of its own, sealed to a node."""
    from shared import crypto

    sealed = crypto.seal_to(recipient, key + tag, b"mektep epoch v1", number.to_bytes(4, "big"))
    with cast.hub.write() as connection:
        upsert(
            connection,
            tables.epoch,
            [
                {
                    "school": cast.id,
                    "number": number,
                    "recipient": recipient,
                    "sealed": sealed,
                    "received_at": 1,
                }
            ],
        )


def test_a_lying_hub_cannot_hand_out_a_key_of_its_own(cast):
    first = cast.nodes[0]
    cast.sync(first)
    with closing(first.connect()) as db:
        opening = session.identity(db).opener.public
    forged_epoch(cast, 2, opening, bytes(range(32)))
    with pytest.raises(ImpostorHub):
        cast.sync(first)
    with closing(first.connect()) as db:
        assert sorted(epoch_keys(db)) == [1]


def test_a_joining_node_believes_the_kit_not_the_hub(cast, tmp_path):
    cast.sync(cast.nodes[0])
    with cast.hub.write() as connection:
        connection.execute(tables.epoch.delete())
    forged_epoch(cast, 1, recovery_keypair(cast.kit.secret).public, bytes(range(32)))
    node = join_node(tmp_path / "n9", passphrase="p", kit=cast.kit.words, cost=CHEAP)
    with closing(node.connect()) as db:
        with pytest.raises(ImpostorHub):
            session.join_by_kit(db, cast.transport, cast.kit.secret)
        assert epoch_keys(db) == {} and not State(db).registered


def test_a_node_the_hub_made_up_gets_no_key(cast):
    from shared import crypto

    first, second = cast.nodes[0], cast.join()
    cast.settle()
    spy = crypto.OpeningKey.generate()
    with closing(second.connect()) as db:
        public = session.identity(db).signer.public
    with cast.hub.write() as connection:
        connection.execute(
            tables.node.insert().values(
                signing=bytes(31) + b"s", opening=spy.public, school=cast.id, registered_at=1, proof=bytes(32)
            )
        )
    schools.revoke(cast.hub, public)
    cast.nodes.remove(second)
    cast.settle()
    with closing(first.connect()) as db:
        assert sorted(epoch_keys(db)) == [1, 2]
    with cast.hub.read() as connection:
        recipients = {
            bytes(r)
            for (r,) in connection.execute(tables.epoch.select().with_only_columns(tables.epoch.c.recipient))
        }
    assert spy.public not in recipients


def test_a_node_that_was_away_receives_the_new_key_later(cast):
    first, second, third = cast.nodes[0], cast.join(), cast.join()
    cast.settle()
    with closing(third.connect()) as db:
        public = session.identity(db).signer.public
    schools.revoke(cast.hub, public)
    cast.nodes.remove(third)
    cast.sync(first)
    cast.sync(first)
    cast.write(first, "room", name="new key")
    cast.sync(first)
    cast.settle()
    cast.check()
    with closing(second.connect()) as db:
        assert sorted(epoch_keys(db)) == [1, 2]
