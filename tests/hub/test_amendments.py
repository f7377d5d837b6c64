"""Erasure at the hub, on SQLCipher and on PostgreSQL: planted names are searched for in everything that is kept.

Programs are killed in the midst of it and go on afterwards.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlite_utils import Database

from hub import checks, ingest, tables
from hub.amendments import _take_one
from hub.log import HubLog
from hub.storage import Hub, open_hub
from node.storage import open_node
from shared.problems import FlawedChangeset
from sync import erasure, session
from sync.amendment import sign
from sync.checks import verify_chain
from sync.codec import Envelope, all_changes, open_envelope
from sync.state import State, epoch_keys, identity
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests.faults.processes import start
from tests.faults.searching import Search
from tests.world import School, a_school, no_derived_rows

PLANTED = {"a surname": "Жаркынайым", "an address": "Ала-Тоо көчөсү, 17", "a number": "20905199900123"}
POINTS = (
    "sync.erasure.scrub",
    "sync.erasure.amend_what_holds",
    "sync.erasure._keep",
    "hub.amendments._note",
    "hub.ingest.seal_answer",
    "sync.session.take_answer",
    "sync.erasure.note_answer",
    "sync.session.note_if_done",
)
"""Where a program dies: while it erases, while the hub swaps, before and after the answer."""


def die_at(home: Path, point: str, person: int) -> None:
    """A program that is killed where it comes to this point."""
    module, _, name = point.rpartition(".")
    setattr(import_module(module), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    erase_and_sync(home, person)


@pytest.fixture
def school(tmp_path: Path, hub: Hub) -> School:
    school = a_school(tmp_path / "node", hub)
    school.sync()
    return school


def planted(school: School) -> int:
    """A person with everything in place, and as much again overwritten; all of it synced."""
    with closing(school.node.connect()) as db:
        with writing(db, school.actor) as w:
            person = w.insert("person", sex="f", birth_year=2012)
            w.insert("consent", person=person, purpose="core")
            w.update("person", person, surname=PLANTED["a surname"], personal_number=PLANTED["a number"])
        with writing(db, school.actor) as w:
            w.update("person", person, address=PLANTED["an address"], surname="Асанова")
    school.sync()
    return person


def erase_and_sync(home: Path, person: int) -> None:
    """What the programs do; may be done again and again."""
    hub, node = open_hub(home / "hub", "open"), open_node(home / "node", "open")
    with closing(node.connect()) as db:
        with writing(db, int(State(db).administrator)) as w:
            erasure.erase(w, person, ["core"])
        transport = MemoryTransport(
            lambda: ingest.describe(hub), lambda message: ingest.receive(hub, message), lambda: ""
        )
        assert session.sync(db, transport, no_derived_rows).outcome == "done"
        erasure.tidy(db)
    hub.close()


def cells_of_node(db: Database) -> Iterator[tuple[str, object]]:
    """Every value of every table of a node, and what its kept changesets hold once they are opened."""
    names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        for row in db.execute(f'SELECT * FROM "{name}"'):
            yield from ((name, value) for value in row)
    yield from opened(
        db, [data for (data,) in db.execute("SELECT envelope FROM changeset WHERE school <> 0")]
    )


def cells_of_hub(hub: Hub, db: Database) -> Iterator[tuple[str, object]]:
    """Every value of every table of the hub, and what its changesets hold for those who have the school's keys."""
    with hub.read() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                yield from ((table.name, value) for value in row)
        stream = tables.stream.c
        kept = connection.execute(sa.select(stream.envelope).where(stream.school != 0)).scalars().all()
    yield from opened(db, map(bytes, kept))


def opened(db: Database, envelopes: Iterable[bytes]) -> Iterator[tuple[str, object]]:
    keys = epoch_keys(db)
    for data in envelopes:
        envelope = open_envelope(data)
        for change in all_changes(envelope, keys[envelope.epoch]):
            yield from (("a changeset, opened", value) for value in change.values.values())


def found(school: School) -> set[str]:
    """Which of the planted values stand anywhere."""
    search = Search(PLANTED)
    with closing(school.node.connect()) as db:
        findings = [*search.among(cells_of_node(db)), *search.among(cells_of_hub(school.hub, db))]
    return {finding.partition(" as ")[0] for finding in findings}


def whole(school: School) -> list[str]:
    with closing(school.node.connect()) as db:
        return [*verify_chain(db), *checks.verify(school.hub, school.id)]


def test_nothing_of_what_was_erased_is_left(school: School) -> None:
    person = planted(school)
    assert found(school) == set(PLANTED), "the search can find"
    heads = kept(school.hub, school.id)
    with closing(school.node.connect()) as db:
        with writing(db, school.actor) as w:
            assert erasure.erase(w, person, ["core"]).values == 3
        school.sync()
    assert found(school) == set()
    assert whole(school) == []
    assert kept(school.hub, school.id)[: len(heads)] == heads, "hashes, heads and receipts stay"


def kept(hub: Hub, school: int) -> list[tuple[int, bytes, bytes, bytes]]:
    s = tables.stream.c
    with hub.read() as connection:
        rows = connection.execute(
            sa.select(s.position, s.hash, s.head, s.receipt).where(s.school == school).order_by(s.position)
        )
        return [(row[0], bytes(row[1]), bytes(row[2]), bytes(row[3])) for row in rows]


def envelopes(hub: Hub, school: int) -> list[Envelope]:
    s = tables.stream.c
    with hub.read() as connection:
        rows = connection.execute(sa.select(s.envelope).where(s.school == school).order_by(s.position))
        return [open_envelope(bytes(data)) for (data,) in rows]


def test_what_was_amended_is_not_put_back(school: School, tmp_path: Path, hub: Hub) -> None:
    """Not even by a record that a node signs: the part of the beginning stays gone."""
    person = planted(school)
    before = {e.hash: e for e in envelopes(hub, school.id)}
    with closing(school.node.connect()) as db:
        with writing(db, school.actor) as w:
            erasure.erase(w, person, ["core"])
        school.sync()
        signer = identity(db).signer
    amended = next(e for e in envelopes(hub, school.id) if e.amendment)
    assert amended.amendment
    old = before[amended.hash]
    record = replace(
        amended.amendment,
        count=amended.amendment.count + 1,
        old=amended.part,
        new=old.part,
        node=signer.public,
    )
    with hub.write() as connection:
        log = HubLog(connection, school.id, hub.signer)
        with pytest.raises(FlawedChangeset):
            _take_one(connection, log, amended.hash, old.school, sign(record, signer))
    assert next(e for e in envelopes(hub, school.id) if e.hash == amended.hash).data == amended.data


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_midst_it_goes_on(school: School, tmp_path: Path, point: str) -> None:
    person = planted(school)
    assert start(die_at, tmp_path, point, person, log=tmp_path / "log").wait().was_killed
    assert whole(school) == []
    erase_and_sync(tmp_path, person)
    assert found(school) == set()
    assert whole(school) == []
