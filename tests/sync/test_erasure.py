"""Erasure on the real engine: what was erased is in no row, log or kept changeset of any node, nor at the hub."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from hub import checks as hub_checks
from hub import ingest, schools, tables
from hub.storage import Hub
from node import logins
from node.derived import derive
from shared import crypto
from shared.db import transaction
from shared.problems import KeyAwaited, Problem
from shared.schema import BY_NAME
from sync import amendment, erasure, session
from sync.capture import decode_values
from sync.checks import verify_chain
from sync.codec import all_changes, open_envelope, seal_again
from sync.erasure import erase, tidy
from sync.log import NodeLog, dump
from sync.merge import resolve
from sync.state import State, epoch_keys, identity
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests.few import Few, two_again
from tests.few import hub as hub
from tests.few import world as world
from tests.properties.machines import KIT, copy_of, empty_database, make_keys
from tests.stores import ACTOR, a_store

NAME, LATER, APART = "Жаркынайым", "Сыймыкбекова", "Токтосуновна"
LOGIN, LOGIN_APART = "jarkynayym.aypery", "symykbekova.aypery"
SECRETS = (NAME, LATER, APART, LOGIN, LOGIN_APART)


def a_named_person(db: Database, surname: str = NAME) -> int:
    with writing(db, 0) as w:
        person = w.insert("person", sex="f")
        w.insert("consent", person=person, purpose="core")
        w.put("pupil", person=person)
        w.update("person", person, surname=surname, given_name="Айпери")
        w.insert("account", person=person, login=LOGIN, password="x")
    return person


def account_of(db: Database, person: int) -> int:
    found: int = db.execute("SELECT id FROM account WHERE person = ?", (person,)).fetchone()[0]
    return found


def withdraw(db: Database, person: int) -> None:
    with writing(db, 0) as w:
        for (consent,) in db.execute("SELECT id FROM consent WHERE person = ?", (person,)).fetchall():
            w.update("consent", consent, withdrawn_on=20_000)
        erase(w, person, ("core", "photo"))
        logins.erase(w, person, 20_000)


def held(db: Database, secret: str) -> list[str]:
    """Every place of a node that holds a text: rows, log, and kept changesets once they are opened."""
    found = [f"row: {line}" for line in dump(db, False) if secret in line]
    found += [f"log: {vals}" for (vals,) in db.execute("SELECT vals FROM change") if secret in vals]
    keys = epoch_keys(db)
    for (data,) in db.execute("SELECT envelope FROM changeset WHERE school <> 0"):
        envelope = open_envelope(data)
        if secret in repr(all_changes(envelope, keys[envelope.epoch])):
            found.append(f"changeset {envelope.header.origin}/{envelope.header.first}")
    return found


def held_at_hub(world: Few, keys: dict[int, bytes], secret: str) -> list[int]:
    """Positions whose sealed part, opened with the school's keys, holds a text."""
    s = tables.stream.c
    found = []
    with world.hub.read() as connection:
        rows = connection.execute(s.position.table.select().where(s.school == world.school)).all()
        for row in rows:
            envelope = open_envelope(bytes(row.envelope))
            if secret in repr(all_changes(envelope, keys[envelope.epoch])):
                found.append(row.position)
    return found


def judge(world: Few, *nodes: Database) -> None:
    dumps = [list(dump(node, False)) for node in nodes]
    assert all(d == dumps[0] for d in dumps)
    for node in nodes:
        assert list(verify_chain(node)) == []
        assert erasure.waiting(node) == 0
        for secret in SECRETS:
            assert held(node, secret) == []
            assert held_at_hub(world, epoch_keys(node), secret) == []
    assert hub_checks.verify(world.hub, world.school) == []


# -- at one node -------------------------------------------------------------------------------------------------


def test_before_any_sync_rows_and_log_are_rid_of_it() -> None:
    with closing(a_store()) as db:
        with writing(db, ACTOR) as w:
            w.insert("account", login="one")
            person = w.insert("person", sex="f")
            w.insert("consent", person=person, purpose="core")
            w.insert("consent", person=person, purpose="photo")
            w.update("person", person, surname=NAME, photo=b"a face")
        with writing(db, ACTOR) as w:
            w.update("person", person, surname=LATER)
        before = [c[:4] for c in db.execute("SELECT n, clock, actor, tbl FROM change")]
        with mock.patch("sync.erasure.amend_what_holds"), writing(db, ACTOR) as w:
            done = erase(w, person, ["core"])
        assert (done.values, done.changes) == (1, 2)
        assert held(db, NAME) == held(db, LATER) == []
        row = db.execute("SELECT surname, photo, sex FROM person WHERE id = ?", (person,)).fetchone()
        assert row == (None, b"a face", "f")
        assert [c[:4] for c in db.execute("SELECT n, clock, actor, tbl FROM change")][: len(before)] == before
        log = NodeLog(db)
        entries = log.history(BY_NAME["person"], (person,))
        assert [set(e.values) for e in entries if 4 in e.values] == [{4, 12}, {4}, {4}]
        assert resolve(BY_NAME["person"], entries, log.lineage()).values == {2: "f", 12: b"a face"}
        with writing(db, ACTOR) as w:
            assert erase(w, person, ["core"]).values == 0, "there is nothing left"


def test_what_is_written_after_an_erasure_shows_and_can_be_erased_again(world: Few) -> None:
    first, second = world.first, world.joined()
    person = a_named_person(first)
    world.exchange(first, second)
    withdraw(first, person)
    with writing(first, 0) as w:
        w.insert("consent", person=person, purpose="core")
        w.update("person", person, surname="Асанова")
    world.exchange(first, second)
    assert second.execute("SELECT surname FROM person WHERE id = ?", (person,)).fetchone() == ("Асанова",)
    judge(world, first, second)
    withdraw(second, person)
    world.exchange(second, first, second)
    judge(world, first, second)
    assert held(first, "Асанова") == held(second, "Асанова") == []


# -- between nodes -------------------------------------------------------------------------------------------------


def test_it_vanishes_from_every_node_and_from_the_hub(world: Few) -> None:
    first, second = world.first, world.joined()
    person = a_named_person(first)
    world.exchange(first, second)
    with writing(second, 0) as w:
        w.update("person", person, surname=LATER)
    world.exchange(second, first)
    assert held(first, NAME) and held(second, LATER) and held_at_hub(world, epoch_keys(first), NAME)
    hashes = first.execute("SELECT position, hash, receipt FROM changeset ORDER BY 1").fetchall()
    withdraw(first, person)
    assert held(first, NAME) == held(first, LATER) == []
    world.exchange(first, second)
    judge(world, first, second)
    assert (
        first.execute("SELECT position, hash, receipt FROM changeset ORDER BY 1").fetchall()[: len(hashes)]
        == hashes
    )
    third = world.joined()
    judge(world, first, second, third)


def test_the_chain_shows_who_amended_what_and_when(world: Few) -> None:
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    with writing(first, 0) as w:
        erase(w, person, ["core"])
    world.exchange(first)
    a = tables.amendment.c
    with world.hub.read() as connection:
        rows = connection.execute(tables.amendment.select().where(a.school == world.school)).all()
    assert [row.place for row in rows] == [1]
    (data,) = first.execute(
        "SELECT envelope FROM changeset WHERE origin = ? AND first = ?", (rows[0].origin, rows[0].first)
    ).fetchone()
    record = open_envelope(data).amendment
    assert record and record.data == bytes(rows[0].record)
    assert (record.node, record.reason, record.count) == (identity(first).signer.public, "erasure", 1)
    assert record.old == open_envelope(data).header.parts[1] != record.new
    assert record.clock == first.execute("SELECT max(clock) FROM change WHERE tbl = 20").fetchone()[0]


def test_what_was_written_apart_is_blanked_on_arrival_and_amended(world: Few) -> None:
    first, second = world.first, world.joined()
    person = a_named_person(first)
    world.exchange(first, second)
    with writing(second, 0) as w:
        w.update("person", person, patronymic=APART, surname=APART)
        w.update("account", account_of(second, person), login=LOGIN_APART)
    withdraw(first, person)
    world.exchange(first)
    world.exchange(second, first, second)
    number = str(account_of(first, person) & 0xFFFFFFFF)
    assert [logins.of_account(db, account_of(db, person)) for db in (first, second)] == [number, number]
    # The patronymic was empty when the school erased what it held, and so was not erased.
    with writing(first, 0) as w:
        erase(w, person, ["core"])
    world.exchange(first, second)
    judge(world, first, second)


def test_a_changeset_that_was_not_sent_yet_is_amended_as_soon_as_it_has_a_place(world: Few) -> None:
    first = world.first
    person = a_named_person(first)
    with transaction(first):
        NodeLog(first).cut(identity(first))
    withdraw(first, person)
    assert [place.split(" ")[0] for place in held(first, NAME)] == ["changeset"]
    world.exchange(first)
    judge(world, first, world.joined())


def test_two_nodes_that_erase_at_once_agree(world: Few) -> None:
    first, second = world.first, world.joined()
    person = a_named_person(first)
    world.exchange(first, second)
    withdraw(first, person)
    withdraw(second, person)
    world.exchange(first, second, first, second)
    judge(world, first, second)
    parts = [
        db.execute("SELECT envelope FROM changeset ORDER BY position").fetchall() for db in (first, second)
    ]
    assert parts[0] == parts[1]


def test_an_old_copy_put_back_takes_the_erasure_like_everyone(world: Few) -> None:
    first, second = world.first, world.joined()
    person = a_named_person(second)
    world.exchange(second, first)
    old = copy_of(second)
    withdraw(first, person)
    world.exchange(first)
    with writing(second, 0) as w:
        w.insert("room", name="9")
    world.exchange(second)
    with writing(old, 0) as w:
        w.insert("room", name="10")
    world.exchange(old, first, second, old)
    judge(world, first, second, old)


def test_a_hub_put_back_from_an_old_copy_is_told_again(world: Few) -> None:
    first, second = world.first, world.joined()
    person = a_named_person(first)
    world.exchange(first, second)
    s, a = tables.stream.c, tables.amendment.c
    with world.hub.read() as connection:
        before = connection.execute(tables.stream.select().where(s.school == world.school)).all()
    withdraw(first, person)
    world.exchange(first, second)
    withdraw(second, a_named_person(second))
    world.exchange(second)
    with world.hub.write() as connection:
        connection.execute(tables.amendment.delete().where(a.school == world.school))
        for row in before:
            where = (s.school == world.school) & (s.position == row.position)
            connection.execute(tables.stream.update().where(where).values(envelope=row.envelope))
    assert held_at_hub(world, epoch_keys(first), NAME)
    # A node that amended nothing of it tells the hub all the same.
    world.exchange(second, first)
    judge(world, first, second, world.joined())


def test_after_a_new_epoch_the_part_is_sealed_with_the_new_key(world: Few) -> None:
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    second = world.joined()
    schools.revoke(world.hub, identity(second).signer.public)
    world.exchange(first, first)
    assert sorted(epoch_keys(first)) == [1, 2]
    withdraw(first, person)
    world.exchange(first)
    judge(world, first, world.joined())
    envelopes = [
        open_envelope(data) for (data,) in first.execute("SELECT envelope FROM changeset WHERE school <> 0")
    ]
    assert {e.epoch for e in envelopes if e.amendment} == {2}


def test_who_lacks_the_key_of_an_erasure_takes_its_amendments_later(world: Few) -> None:
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    second, late = world.joined(), empty_database()
    with transaction(late):
        make_keys(late)
    session.join_by_kit(late, world.transport(), KIT)
    schools.revoke(world.hub, identity(second).signer.public)
    world.exchange(first, first)
    withdraw(first, person)
    world.exchange(first)
    with pytest.raises(KeyAwaited):
        session.sync(late, world.transport(), derive)
    world.exchange(first, first, late, first)
    judge(world, first, late)
    assert not late.execute("SELECT reason FROM quarantine").fetchall()


FAULTS = st.lists(st.sampled_from(["", "", "lose request", "lose answer", "repeat", "garbage"]), max_size=12)


@settings(max_examples=25, deadline=None)
@example(faults=[], steps=[4, 2, 3, 1])
@given(faults=FAULTS, steps=st.lists(st.integers(0, 5), max_size=6))
def test_whatever_is_cut_it_is_gone_in_the_end(faults: list[str], steps: list[int]) -> None:
    world, second = two_again()
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    left = iter(faults)
    for step in steps:
        db = (first, second)[step % 2]
        if step < 2:
            with mock.patch("sync.writer.missing_consent", lambda *_: ""), writing(db, 0) as w:
                if db.execute("SELECT 1 FROM person WHERE id = ?", (person,)).fetchone():
                    w.update("person", person, surname=(LATER, APART)[step])
                    w.update("account", account_of(db, person), login=(LOGIN, LOGIN_APART)[step])
        elif step < 4:
            with transaction(db):
                State(db).budget = 500
            badly(world, db, lambda: next(left, ""))
        elif db.execute("SELECT 1 FROM person WHERE id = ?", (person,)).fetchone():
            withdraw(db, person)
    withdraw(first, person)
    badly(world, first, lambda: next(left, ""))
    badly(world, second, lambda: next(left, ""))
    world.exchange(first, second, first, second)
    # What was written in sight of one erasure, and had not come when the last one was made, is for another.
    withdraw(first, person)
    world.exchange(first, second, first, second)
    judge(world, first, second, world.joined())


def badly(world: Few, db: Database, fault: Any) -> None:
    try:
        session.sync(db, world.transport(fault), derive)
    except Problem as problem:
        assert problem.retry, problem


# -- what is refused -----------------------------------------------------------------------------------------------


def test_an_amendment_that_changes_more_than_erased_values_is_set_aside(world: Few) -> None:
    """A node of the school that was taken over signs one that changes a room nobody erased."""
    first, second = world.first, world.joined()
    with writing(first, 0) as w:
        room = w.insert("room", name="7", seats=20)
    world.exchange(first, second)
    (hashed, data) = first.execute(
        "SELECT hash, envelope FROM changeset WHERE school <> 0 ORDER BY position DESC"
    ).fetchone()
    with transaction(first):
        envelope, keys = open_envelope(data), identity(first)

        def changed(header: Any, part: Any, changes: Any, key: bytes, salt: bytes) -> bytes:
            changes = [c for c in changes if c.values]
            changes[0].values = {n: "8" if v == "7" else v for n, v in changes[0].values.items()}
            return seal_again(header, part, changes, key, salt)

        with mock.patch("sync.erasure.seal_again", changed):
            made = erasure.amend(envelope, epoch_keys(first)[1], {}, 1, keys)
        first.execute("UPDATE changeset SET envelope = ?, amend = 2 WHERE hash = ?", (made.data, hashed))
    world.exchange(first)
    world.exchange(second)
    assert second.execute("SELECT name FROM room WHERE id = ?", (room,)).fetchone() == ("7",)
    assert second.execute("SELECT envelope FROM changeset WHERE hash = ?", (hashed,)).fetchone()[0] == data
    (reason,) = second.execute("SELECT reason FROM quarantine").fetchone()
    assert "changes more than erased values" in reason


def test_the_hub_takes_no_amendment_of_a_stranger_or_of_what_is_not_there(world: Few, hub: Hub) -> None:
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    before = stored(world)
    withdraw(first, person)
    (data,) = first.execute("SELECT envelope FROM changeset WHERE amend = 2").fetchone()
    envelope = open_envelope(data)
    assert envelope.amendment
    stranger = crypto.SigningKey.generate()
    record = amendment.read(amendment.sign(envelope.amendment, stranger))
    with first.conn:
        first.execute(
            "UPDATE changeset SET envelope = ? WHERE amend = 2",
            (envelope.amended(envelope.school, record).data,),
        )
    with pytest.raises(Exception, match="key"):
        world.exchange(first)
    assert stored(world)[: len(before)] == before


def stored(world: Few) -> list[bytes]:
    s = tables.stream.c
    with world.hub.read() as connection:
        rows = connection.execute(
            tables.stream.select().where(s.school == world.school).order_by(s.position)
        ).all()
    return [bytes(row.envelope) for row in rows]


# -- on disk -------------------------------------------------------------------------------------------------------


def test_tidying_leaves_no_old_page_behind(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    with closing(a_store(path)) as db:
        with writing(db, ACTOR) as w:
            w.insert("account", login="one")
            person = w.insert("person")
            w.insert("consent", person=person, purpose="core")
            w.update("person", person, surname=NAME)
        with writing(db, ACTOR) as w:
            w.update("person", person, surname=LATER)
        with mock.patch("sync.erasure.amend_what_holds"), writing(db, ACTOR) as w:
            erase(w, person, ["core"])
        assert tidy(db) is True
        assert tidy(db) is False
        assert path.with_name("node.db-wal").stat().st_size == 0
        # Every page of the file in the clear, free ones and all.
        db.execute("ATTACH DATABASE ? AS plain KEY ''", (str(tmp_path / "plain.db"),))
        db.execute("SELECT sqlcipher_export('plain')").fetchall()
        db.execute("DETACH DATABASE plain")
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
    content = (tmp_path / "plain.db").read_bytes()
    assert b"one" in content
    assert not any(secret.encode() in content for secret in SECRETS)


def test_looking_for_what_is_to_be_amended_reads_no_changeset(world: Few) -> None:
    """A sync of a quiet day must not become slower with every day before it."""
    said: list[str] = []
    world.first.conn.set_trace_callback(said.append)
    with transaction(world.first):
        erasure.prepare(world.first)
        erasure.note_answer(world.first, [], 0, 2)
        erasure.to_send(world.first, 1_000)
        erasure.waiting(world.first)
    world.first.conn.set_trace_callback(None)
    asked = [sql for sql in said if "amend <> 0" in sql]
    assert len(asked) == 4
    for sql in asked:
        plan = [row[3] for row in world.first.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert "changeset_by_amend" in plan[0], plan


def test_values_of_the_log_are_blank_and_named(world: Few) -> None:
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    before = first.execute("SELECT n, vals FROM change WHERE key = ? AND tbl = 20", (person,)).fetchall()
    withdraw(first, person)
    after = dict(first.execute("SELECT n, vals FROM change WHERE key = ? AND tbl = 20", (person,)).fetchall())
    for n, vals in before:
        assert decode_values(vals).keys() == decode_values(after[n]).keys()
        assert json.loads(after[n]).get("4") is None


def test_a_hub_that_knows_no_amendments_does_not_keep_a_sync_from_being_done(world: Few) -> None:
    first = world.first
    person = a_named_person(first)
    world.exchange(first)
    withdraw(first, person)

    def older(message: bytes) -> bytes:
        with mock.patch("hub.ingest.VERSION", 1), mock.patch("hub.amendments.take", lambda *_: []):
            return ingest.receive(world.hub, message)

    with mock.patch("hub.amendments.last", lambda *_: 0):
        transport = MemoryTransport(lambda: b"", older, lambda: "")
        assert session.sync(first, transport, derive).outcome == "done"
    assert erasure.waiting(first) > 0
    world.exchange(first)
    judge(world, first)
