"""Random histories of several nodes of one school and a hub, with all that goes wrong, judged when all is quiet.

What is judged follows the executable model of the sync rules: all nodes and the hub hold the same; nothing is lost,
doubled or fused; 'done' is never said while states differ; and, against the truth of what each author had really seen,
exactly the causally latest values remain, those written apart as conflicts.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from hub import checks as hub_checks
from hub import ingest, schools
from hub.log import HubLog
from hub.storage import Hub
from node.derived import derive
from shared import crypto
from shared.db import memory_database, transaction
from shared.keys import recovery_keypair, recovery_signer
from shared.migrations import migrate
from shared.problems import Problem
from shared.schema import BY_NAME
from sync import capture, clock, fork, registration, session
from sync.checks import verify_chain
from sync.log import NodeLog, dump
from sync.merge import heads_of
from sync.state import State
from sync.transport.memory import MemoryTransport
from sync.writer import writing

KIT = bytes(range(16))
YEARS_9 = 9 * 365 * 86_400_000
UNITS = (("movement", "date"), ("movement", "note"), ("term_result", "result"), ("class_group", "letter"))


@dataclass
class Machine:
    """One node of the school: its database, and how wrong its clock is (milliseconds)."""

    db: Database
    skew: int = 0


@dataclass
class World:
    """A school in a history; ``truth``: token of a write -> tokens of the same unit its author had seen."""

    hub: Hub
    school: int
    random: random.Random
    machines: list[Machine]
    transport: Callable[[Callable[[], str]], MemoryTransport]
    forks: bool = True
    truth: dict[Any, frozenset[Any]] = field(default_factory=dict)
    written: set[Any] = field(default_factory=set)
    minted: set[str] = field(default_factory=set)
    tokens: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    backups: list[tuple[int, Database]] = field(default_factory=list)
    lost_possible: bool = False


def empty_database() -> Database:
    db = memory_database()
    migrate(db)
    capture.install(db)
    return db


def copy_of(db: Database) -> Database:
    copy = memory_database()
    db.conn.backup(copy.conn)
    return copy


def new_world(hub: Hub, seed: int, forks: bool) -> World:
    """A registered first node with a class, a pupil and a subject group, and one or two joined nodes that have them."""
    rnd = random.Random(seed)
    school = schools.add_school(hub, f"School {seed}")

    def transport(fault: Callable[[], str]) -> MemoryTransport:
        return MemoryTransport(
            lambda: ingest.describe(hub), lambda message: ingest.receive(hub, message), fault
        )

    world = World(hub, school, rnd, [], transport, forks)
    db = empty_database()
    with transaction(db):
        make_keys(db)
        first_school_key(db)
    session.register(db, transport(lambda: ""), schools.registration_code(hub, school).text)
    with writing(db, 0) as w:
        group = w.insert("class_group", letter="0")
        subject = w.insert("subject_group", class_group=group)
        for _ in range(2):
            person = w.insert("person", sex="f")
            w.put("pupil", person=person)
            w.put("subject_group_pupil", subject_group=subject, pupil=person)
    world.machines.append(Machine(db))
    _sync(world, world.machines[0], lambda: "")
    for _ in range(rnd.randint(0, 2)):
        joined = empty_database()
        with transaction(joined):
            make_keys(joined)
        session.join_by_kit(joined, transport(lambda: ""), KIT)
        world.machines.append(Machine(joined))
        _sync(world, world.machines[-1], lambda: "")
    return world


def make_keys(db: Database) -> None:
    state = State(db)
    signer = crypto.SigningKey.generate()
    state.signing_key = signer.to_bytes()
    state.opening_key = crypto.OpeningKey.generate().to_bytes()
    state.recovery_public = recovery_keypair(KIT).public
    state.recovery_signing = recovery_signer(KIT).public
    fork.begin_incarnation(db, signer.public, continues=None)


def first_school_key(db: Database) -> None:
    """What founding a school makes."""
    key = crypto.random_bytes(crypto.KEY_BYTES)
    db.execute("INSERT INTO epoch VALUES (1, ?)", (key,))
    State(db).first_tag = registration.first_tag(KIT, key)


def play(world: World, steps: int) -> None:
    """Do random things; raises AssertionError when a sync says 'done' while the states differ."""
    rnd = world.random
    for _ in range(steps):
        machine = rnd.choice(world.machines)
        if rnd.random() < 0.05:
            machine.skew = rnd.choice([0, -YEARS_9, YEARS_9, -3_600_000, 3_600_000])
        chance = rnd.random()
        with clock_of(machine):
            if chance < 0.6:
                _write(world, machine)
            elif chance < 0.64 and world.forks and len(world.machines) < 6:
                world.machines.append(Machine(copy_of(machine.db), machine.skew))
            elif chance < 0.67 and world.forks:
                world.backups.append((world.machines.index(machine), copy_of(machine.db)))
            elif chance < 0.70 and world.forks and world.backups:
                at, db = rnd.choice(world.backups)
                world.machines[at] = Machine(copy_of(db))
                world.lost_possible = True
                if rnd.random() < 0.5:
                    with transaction(world.machines[at].db):
                        fork.new_incarnation(world.machines[at].db)
            else:
                _sync_badly(world, machine)


def settle(world: World) -> None:
    """Everyone syncs without faults until nothing moves."""
    for _ in range(30):
        before = [_place(m.db) for m in world.machines]
        for machine in world.machines:
            with clock_of(machine):
                _sync(world, machine, lambda: "")
        if before == [_place(m.db) for m in world.machines]:
            return
    raise AssertionError("it never becomes quiet")


def judge(world: World) -> None:
    """Raise AssertionError unless everything is as it must be."""
    dumps = [list(dump(m.db, False)) for m in world.machines]
    assert all(d == dumps[0] for d in dumps), "nodes differ"
    with world.hub.read() as connection:
        there = list(HubLog(connection, world.school, world.hub.signer).dump())
    assert there == list(dump(world.machines[0].db, True)), "node and hub differ"
    assert hub_checks.verify(world.hub, world.school) == []
    for machine in world.machines:
        assert list(verify_chain(machine.db)) == []
        assert machine.db.execute("PRAGMA foreign_key_check").fetchall() == []
    _judge_values(world, world.machines[0].db)


def _judge_values(world: World, db: Database) -> None:
    log = NodeLog(db)
    lineage = log.lineage()
    seen_tokens: list[Any] = []
    letters = [x for (x,) in db.execute("SELECT letter FROM class_group")]
    for name, unit in UNITS:
        table = BY_NAME[name]
        number = table.units[unit][0].number
        names = ", ".join(table.key)
        for key in db.execute(f"SELECT {names} FROM {name}").fetchall():
            entries = [e for e in log.history(table, tuple(key)) if number in e.values]
            tokens = [e.values[number] for e in entries if e.values[number] in world.truth]
            if not tokens:
                continue
            seen_tokens += sorted(set(tokens), key=str)
            present = set(tokens)
            expected = {u for u in present if not any(u in world.truth[v] for v in present if v != u)}
            heads = heads_of(table, unit, entries, lineage)
            assert {h.values[number] for h in heads} == expected, f"causality of {name} {key} {unit}"
            shown = db.execute(
                f"SELECT {table.value_by_number[number].name} FROM {name} WHERE "
                + " AND ".join(f"{k} = ?" for k in table.key),
                key,
            ).fetchone()[0]
            assert shown in expected, "a causally earlier value hides a later one"
            numbered = (
                table.number,
                db.execute(
                    f"SELECT {table.row_id} FROM {name} WHERE " + " AND ".join(f"{k} = ?" for k in table.key),
                    key,
                ).fetchone()[0],
            )
            listed = db.execute(
                "SELECT count(*) FROM conflict WHERE tbl = ? AND key = ? AND unit = ?", (*numbered, unit)
            ).fetchone()[0]
            assert bool(listed) == (len(expected) > 1), "conflicts are listed exactly where there are some"
    assert len(seen_tokens) == len(set(seen_tokens)), "a value stands in two rows"
    born = [x for x in world.minted if x in {e for e in letters} or x in seen_tokens]
    if not world.lost_possible:
        assert world.written <= set(seen_tokens), "a written value is lost"
        assert len(born) == len(world.minted), "a row is lost"


def _write(world: World, machine: Machine) -> None:
    rnd, db = world.random, machine.db
    kind = rnd.randrange(6)
    token: Any = next(world.tokens)
    with writing(db, 0) as w:
        if kind == 0:
            letter = _letters(token)
            row = w.insert("class_group", letter=letter)
            world.minted.add(letter)
            _note(world, db, "class_group", (row,), "letter", letter)
        elif kind == 1:
            groups = [g for (g,) in db.execute("SELECT id FROM class_group")]
            row = w.insert("movement", date=token, from_class=rnd.choice(groups))
            _note(world, db, "movement", (row,), "date", token)
        elif kind in (2, 3):
            rows = [r for (r,) in db.execute("SELECT id FROM movement")]
            if rows:
                row = rnd.choice(rows)
                unit, value = ("date", token) if kind == 2 else ("note", f"note {token}")
                _note(world, db, "movement", (row,), unit, value)
                w.update("movement", row, **{unit: value})
        elif kind == 4:
            group, pupil = rnd.choice(
                db.execute("SELECT subject_group, pupil FROM subject_group_pupil").fetchall()
            )
            key = (group, pupil, rnd.randint(4, 6))
            _note(world, db, "term_result", key, "result", token)
            w.put("term_result", subject_group=key[0], pupil=key[1], term=key[2], value=token, band=4)
        else:
            rows = [r for (r,) in db.execute("SELECT id FROM movement")]
            if rows:
                w.retire("movement", rnd.choice(rows))


def _letters(token: int) -> str:
    return "".join("абвгдежзик"[int(digit)] for digit in str(token))[:4]


def _note(world: World, db: Database, name: str, key: tuple[int, ...], unit: str, token: Any) -> None:
    """Note what the author of a write has in its log of the same unit at this moment."""
    table = BY_NAME[name]
    number = table.units[unit][0].number
    entries = NodeLog(db).history(table, key)
    seen = frozenset(e.values[number] for e in entries if number in e.values and e.values[number] != token)
    world.truth[token] = seen
    world.written.add(token)


def _sync_badly(world: World, machine: Machine) -> None:
    rnd = world.random

    def fault() -> str:
        return rnd.choice(["", "", "", "lose request", "lose answer", "repeat", "garbage", "damage answer"])

    with transaction(machine.db):
        State(machine.db).budget = rnd.choice([200, 1_000, 32_768])
    try:
        _sync(world, machine, fault)
    except Problem as problem:
        assert problem.retry or problem.code in ("impostor_hub", "missing_part"), problem


def _sync(world: World, machine: Machine, fault: Callable[[], str]) -> None:
    progress = session.sync(machine.db, world.transport(fault), derive)
    assert progress.outcome == "done"
    with world.hub.read() as connection:
        there = list(HubLog(connection, world.school, world.hub.signer).dump())
    assert there == list(dump(machine.db, True)), "done was said while the states differ"


def _place(db: Database) -> tuple[int, int]:
    return int(State(db).position), NodeLog(db).waiting()


@contextmanager
def clock_of(machine: Machine):  # type: ignore[no-untyped-def]
    """Within, time is what this machine believes."""
    real = clock.now_ms
    clock.now_ms = lambda: max(0, real() + machine.skew)
    try:
        yield
    finally:
        clock.now_ms = real
