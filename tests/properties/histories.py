"""Random histories of several schools and a hub, with all that goes wrong, played on engine and model at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

from sqlite_utils import Database

from hub import schools
from hub.storage import Hub
from node.derived import derive
from shared import crypto
from shared.db import transaction
from shared.problems import HubAnswer, Problem
from shared.schema import BY_NAME, BY_NUMBER
from sync import clock, delivery, erasure, fork, session
from sync.capture import decode_values, is_erasure
from sync.delivery import Progress
from sync.log import NodeLog
from sync.state import State
from sync.writer import Writer, writing
from tests.properties import acts, judge, model
from tests.properties.machines import (
    Time,
    copy_of,
    determined,
    empty_database,
    empty_hub,
    first_school_key,
    hub_connection,
    make_keys,
    mark_restored,
    put_back,
)
from tests.properties.rules import RULES, Change, Key
from tests.properties.wire import FAULTS, Fault, Link, Wire, take

YEARS_9 = 9 * 365 * 86_400_000
SKEWS = (0, 0, -YEARS_9, YEARS_9, -3_600_000, 3_600_000, 300_000)
NO_FAULT: Fault = lambda: ""  # noqa: E731


@dataclass
class Machine:
    """One node of a school and what the model makes of it. ``side``: the file beside the database."""

    db: Database
    node: model.Node
    skew: int = 0
    logged: int = 0
    side: tuple[int, int] = (0, 0)
    backup: tuple[Database, model.Node] | None = None


@dataclass
class Carried:
    """A message on a stick, on its way to the hub or back."""

    key: bytes
    message: bytes
    request: model.Request
    answer: model.Answer | None = None


@dataclass
class School:
    """A school of a history. ``truth``: token of a write -> tokens of the same cell that its author had in its log.

    ``cells``: row and column of it. ``is_put_back``: its hub was, from an old backup.
    """

    id: int
    link: Link
    kit: bytes
    machines: list[Machine] = field(default_factory=list)
    sticks: list[Carried] = field(default_factory=list)
    revoked: set[bytes] = field(default_factory=set)
    truth: dict[Any, frozenset[Any]] = field(default_factory=dict)
    decided: set[Any] = field(default_factory=set)
    doomed: set[Any] = field(default_factory=set)
    cells: dict[Any, tuple[Key, int]] = field(default_factory=dict)
    is_put_back: bool = False

    @property
    def live(self) -> list[Machine]:
        return [m for m in self.machines if m.node.key not in self.revoked]


class World:
    """Schools and a hub; every act is done by the engine and by the model. AssertionError when they part."""

    def __init__(self, time: Time, random: Random) -> None:
        self.time, self.random = time, random
        self.hub: Hub = empty_hub()
        self.schools: list[School] = []
        self.tokens = itertools.count(1_000)
        self.uids: dict[object, int] = {}
        self.known: dict[int, frozenset[int]] = {}
        self.hub_copy: tuple[Database, list[model.Hub]] | None = None

    # -- beginning

    def found(self, *nodes: int) -> None:
        """Schools with so many nodes each; the first has written a class and pupils, the others have joined it."""
        ids = [schools.add_school(self.hub, f"School {n}") for n, _ in enumerate(nodes, 1)]
        for school_id, count in zip(ids, nodes, strict=True):
            school = School(school_id, Link(self.hub, model.Hub(), self.time), crypto.random_bytes(16))
            self.schools.append(school)
            self._register(school)
            for _ in range(count - 1):
                self.sync(school, self.join(school))

    def _register(self, school: School) -> None:
        machine = self._machine(school, {1: 0})
        with transaction(machine.db):
            first_school_key(machine.db, school.kit)
        school.link.school.epochs, school.link.school.epoch_at = {1: {b"kit": 0}}, {1: self.time.ms}
        code = schools.registration_code(self.hub, school.id).text
        wire = self._wire(school, machine, NO_FAULT)
        session.register(machine.db, wire, code)
        wire.catch_up()
        self.write(school, machine, self._first_rows)
        self.sync(school, machine)

    def join(self, school: School) -> Machine:
        """A further node is let in by the recovery kit; it has not synced yet."""
        machine = self._machine(school, {})
        wire = self._wire(school, machine, NO_FAULT)
        session.join_by_kit(machine.db, wire, school.kit)
        wire.catch_up()
        return machine

    def _machine(self, school: School, epochs: dict[int, int]) -> Machine:
        db = empty_database()
        with transaction(db):
            make_keys(db, school.kit)
        key = crypto.SigningKey.from_bytes(State(db).signing_key).public
        opening = State(db).opening_key
        machine = Machine(db, model.Node(key, opening, State(db).origin, epochs=epochs))
        school.machines.append(machine)
        return machine

    @staticmethod
    def _first_rows(w: Writer) -> None:
        group = w.insert("class_group", letter="0")
        for subject in [w.insert("subject_group", class_group=group) for _ in range(2)]:
            person = w.insert("person", sex="f")
            w.put("pupil", person=person)
            w.put("subject_group_pupil", subject_group=subject, pupil=person)

    # -- writing

    def write(self, school: School, machine: Machine, act: Callable[[Writer], None]) -> None:
        """Do something in one transaction; the model is told what the triggers logged."""
        with self.at(machine):
            with writing(machine.db, 0) as w:
                act(w)
            self.observe(machine)

    def observe(self, machine: Machine) -> None:
        """Tell the model of the changes that this machine has logged of its own."""
        log = NodeLog(machine.db)
        after = max(machine.logged, log.last_cut())
        rows = machine.db.conn.execute(
            "SELECT n, clock, actor, tbl, key, vals FROM change WHERE n > ? ORDER BY n", (after,)
        ).fetchall()
        stamp = machine.db.conn.execute("SELECT clock FROM writing").fetchone()[0]
        stamps = {stamp, *(row[1] for row in rows)}
        assert stamps <= {machine.node.tick(clock.now_ms())} or stamps == {machine.node.clock}, (
            "another stamp"
        )
        machine.node.log([self._change(machine, log, row) for row in rows])
        machine.node.clock = stamp
        machine.logged = max([after, *(row[0] for row in rows)])

    def _change(self, machine: Machine, log: NodeLog, row: tuple[int, int, int, int, int, str]) -> Change:
        n, stamp, actor, number, rid, vals = row
        place = (number, log.key_of(BY_NUMBER[number], rid))
        values, erase = decode_values(vals), is_erasure(vals)
        fact = (machine.node.origin, machine.node.last + n - log.last_cut(), stamp, place, vals)
        uid = self.uids.setdefault(fact, len(self.uids))
        self.known[uid] = frozenset(e.change.uid for e in machine.node.entries() if e.change.row == place)
        return Change(0, stamp, actor, place, values, erase, uid)

    def note(
        self, school: School, db: Database, name: str, key: tuple[int, ...], column: str, token: Any
    ) -> None:
        """Note what a machine has in its log of this cell before it writes a token there."""
        table = BY_NAME[name]
        number = table.by_name[column].number
        entries = NodeLog(db).history(table, key)
        school.truth[token] = frozenset(e.values[number] for e in entries if number in e.values) - {token}
        school.cells[token] = (table.number, key), number

    # -- machines and their misfortunes

    def at(self, machine: Machine) -> Any:
        self.time.ms += 1 + self.random.randrange(60_000)
        return self.time.of(machine.skew)

    def clone(self, school: School, machine: Machine) -> None:
        """The disk is copied, and both run on."""
        school.machines.append(
            Machine(copy_of(machine.db), machine.node.copy(), machine.skew, machine.logged, machine.side)
        )

    def back_up(self, machine: Machine) -> None:
        machine.backup = copy_of(machine.db), machine.node.copy()

    def restore(self, school: School, machine: Machine, way: str) -> None:
        """The disk as it was is put back: ``raw``, with the file beside it still there (``side``), by ``command``."""
        assert machine.backup is not None
        school.doomed |= self._unplaced(school, machine)
        db, node = machine.backup
        machine.db, machine.node = copy_of(db), node.copy()
        machine.logged = NodeLog(machine.db).db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
        known_better = machine.side[0] == machine.node.origin and machine.side[1] > machine.node.last
        if way == "command" or (way == "side" and known_better):
            with self.at(machine), transaction(machine.db):
                fork.new_incarnation(machine.db)
            machine.node.new_incarnation(int(State(machine.db).origin))
        if way != "side":
            machine.side = (0, 0)

    def revoke(self, school: School, machine: Machine) -> None:
        """The machine was stolen; so is every clone of it."""
        with self.time.of(0):
            self.time.ms += 1
            if schools.revoke(self.hub, machine.node.key):
                school.link.school.members[machine.node.key].revoked_at = self.time.ms
            else:
                assert school.is_put_back, "the hub does not know the node"
        school.revoked.add(machine.node.key)

    def back_up_hub(self) -> None:
        self.hub_copy = copy_of(hub_connection(self.hub)), [deepcopy(s.link.school) for s in self.schools]

    def restore_hub(self) -> None:
        """As `hub.backups.restore` leaves it; what was revoked since is revoked again, as the hub's clerk is told."""
        if self.hub_copy is None:
            return
        db, streams = self.hub_copy
        put_back(self.hub, db)
        with self.time.of(0):
            self.time.ms += 1
            mark_restored(self.hub)
            for school, stream in zip(self.schools, streams, strict=True):
                school.link.school = deepcopy(stream)
                school.link.school.restored_at = self.time.ms
                school.is_put_back = True
                for key in sorted(school.revoked):
                    schools.revoke(self.hub, key)
                    member = school.link.school.members.get(key)
                    if member is not None and not member.revoked_at:
                        member.revoked_at = self.time.ms

    def _unplaced(self, school: School, machine: Machine) -> set[Any]:
        """Tokens of a machine that stand nowhere else for sure; a hub that is put back is not sure."""
        others = [m.node for m in school.live if m.node.key != machine.node.key]
        streams = [node.stream for node in others] if school.is_put_back else [school.link.school.stream]
        placed = {
            v for stream in streams for c in stream for change in c.changes for v in change.values.values()
        }
        own = {v for e in machine.node.entries() for v in e.change.values.values()}
        return (own - placed) & school.truth.keys()

    # -- syncing

    def _wire(self, school: School, machine: Machine, fault: Fault) -> Wire:
        return Wire(school.link, machine.db, machine.node, fault, clock.now_ms)

    def sync(self, school: School, machine: Machine, fault: Fault = NO_FAULT, budget: int = 32_768) -> str:
        """One sync; returns ``done`` or the code of the problem that ended it."""
        wire = self._wire(school, machine, fault)

        def derived(db: Database) -> bool:
            wire.catch_up()
            wrote = derive(db)
            self.observe(machine)
            return wrote

        with self.at(machine):
            with transaction(machine.db):
                State(machine.db).budget = budget
            try:
                outcome = session.sync(machine.db, wire, derived).outcome
            except Problem as problem:
                wire.catch_up()
                outcome = problem.code
                known = problem.retry or outcome in (
                    "impostor_hub",
                    "hub_answer",
                    "cannot_open",
                    "key_awaited",
                    "revoked",
                    wire.refused,
                )
                assert known, f"a sync ends with {outcome}"
        machine.side = (int(State(machine.db).origin), int(State(machine.db).own_last))
        if outcome == "done":
            assert machine.node.is_done(), "done is said though it is not so"
            self.compare(school, machine)
        return outcome

    def compare(self, school: School, machine: Machine) -> None:
        """A sync is done: machine, model and hub must hold the same."""
        view = machine.node.view()
        judge.require_same(machine.db, view)
        tables = {BY_NUMBER[number].name for number, _ in view.rows}
        there = judge.district_of_hub(self.hub, school.id, tables)
        assert there == judge.district(machine.db, tables), "done was said while the states differ"

    # -- sticks

    def export(self, school: School, machine: Machine) -> None:
        """Leave everything that waits on a stick."""
        with self.at(machine):
            derive(machine.db)
            self.observe(machine)
            message, _ = session.make_request(machine.db, Progress(), everything=True)
            request = school.link.read_request(machine.node, message, {})
        machine.side = (int(State(machine.db).origin), int(State(machine.db).own_last))
        school.sticks.append(Carried(machine.node.key, message, request))

    def carry(self, school: School, stick: Carried) -> None:
        """To the hub, which answers every stick."""
        self.time.ms += 1
        stick.message, said = school.link.receive(stick.message, stick.request, carried=True)
        if isinstance(said, model.Answer):
            stick.answer = said
        else:
            school.sticks.remove(stick)

    def import_(self, school: School, machine: Machine, stick: Carried) -> None:
        """And back, whenever that may be."""
        assert stick.answer is not None
        node = machine.node
        with self.at(machine):
            try:
                answer = session.open_carried(machine.db, stick.message)
                delivery.take_answer(machine.db, answer, Progress())
            except HubAnswer:
                assert not node.fits(stick.answer), "an answer that follows is not taken"
                return
            except Problem as problem:
                assert take(machine.db, node, stick.answer, clock.now_ms()) == problem.code
                return
            assert node.fits(stick.answer) or not stick.answer.entries
            assert take(machine.db, node, stick.answer, clock.now_ms()) == ""
            derive(machine.db)
            self.observe(machine)
            done = delivery.note_if_done(machine.db)
        assert done == (node.is_done() and erasure.settled(machine.db))

    # -- the end

    def settle(self) -> None:
        """Late sticks arrive; everyone syncs without faults until nothing moves."""
        for school in self.schools:
            for machine in school.machines:
                if machine.node.key in school.revoked:
                    school.doomed |= self._unplaced(school, machine)
            for stick in [*school.sticks]:
                if stick.answer is None:
                    self.carry(school, stick)
            self._until_quiet(school)
            for stick in school.sticks:
                for machine in school.live:
                    if machine.node.key == stick.key:
                        self.import_(school, machine, stick)
            self._until_quiet(school)

    def _until_quiet(self, school: School) -> None:
        for _ in range(30):
            stream = [c.hash for c in school.link.school.stream]
            restless = [
                m for m in school.live if not m.node.is_done() or stream != [c.hash for c in m.node.stream]
            ]
            if not restless:
                return
            outcomes = {self.sync(school, machine) for machine in restless}
            assert outcomes <= {"done", "key_awaited"}, outcomes
            if "key_awaited" in outcomes:
                # A node that lacks a key gets no further until another has handed it on.
                newest = max(school.link.school.epochs)
                if not any(newest in machine.node.epochs for machine in school.live):
                    # All who had it were revoked: it is sealed to them and to the kit, so the kit alone can open it.
                    self.join(school)
                for machine in school.live:
                    self.sync(school, machine)
        raise AssertionError("it never becomes quiet")

    def judge(self) -> None:
        """AssertionError unless everything is as it must be."""
        for school in self.schools:
            judge.judge(self.hub, school, self.known)


# -- whole histories ---------------------------------------------------------------------------------------------

FOUNDED = ((2,), (2,), (3,), (3,), (4,), (5,), (1, 2), (2, 2), (2, 3))
"""How many nodes the schools of a history have."""


@cache
def _founded(nodes: tuple[int, ...], seed: int) -> tuple[World, Database]:
    with determined(seed) as time:
        world = World(time, Random(seed))
        world.found(*nodes)
    return world, copy_of(hub_connection(world.hub))


def a_world(time: Time, random: Random, nodes: tuple[int, ...], rules: frozenset[str] = RULES) -> World:
    """A world whose schools are founded and have synced; made once, then copied."""
    template, hub = _founded(nodes, random.randrange(3))
    world = World(time, random)
    put_back(world.hub, hub)
    world.uids, world.known = {**template.uids}, {**template.known}
    time.ms = template.time.ms
    for school in template.schools:
        stream = deepcopy(school.link.school)
        stream.rules = rules
        copy = School(school.id, Link(world.hub, stream, time), school.kit)
        for machine in school.machines:
            node = replace(machine.node.copy(), rules=rules)
            copy.machines.append(replace(machine, db=copy_of(machine.db), node=node))
        world.schools.append(copy)
    return world


def history(seed: int, rules: frozenset[str] = RULES) -> None:
    """The history of this seed from its founding to the judgement; AssertionError, Impossible: it does not hold."""
    random = Random(seed)
    with determined(seed) as time:
        world = a_world(time, random, random.choice(FOUNDED), rules)
        for _ in range(random.randint(10, 45)):
            step(world, random.choice(world.schools), forks=seed % 3 != 0)
        world.settle()
        world.judge()


def step(world: World, school: School, forks: bool) -> None:
    """One random thing that happens to a school."""
    random = world.random
    machine = random.choice(school.machines)
    if random.random() < 0.05:
        machine.skew = random.choice(SKEWS)
    chance = random.random()
    if chance < 0.57:
        acts.act(world, school, machine, random.choices(acts.ACTS, acts.WEIGHTS)[0])
    elif chance < 0.61:
        world.export(school, machine)
    elif chance < 0.68 and school.sticks:
        stick = random.choice(school.sticks)
        if stick.answer is None:
            world.carry(school, stick)
        else:
            at = [m for m in school.machines if m.node.key == stick.key]
            world.import_(school, random.choice(at), stick)
    elif chance < 0.71 and forks and len(school.machines) < 6:
        world.clone(school, machine)
    elif chance < 0.715 and len(school.machines) < 5:
        with world.at(machine):
            world.join(school)
    elif chance < 0.74 and forks:
        world.back_up(machine)
    elif chance < 0.77 and forks and machine.backup is not None:
        world.restore(school, machine, random.choice(("raw", "side", "command")))
    elif chance < 0.775 and len({m.node.key for m in school.live} - {machine.node.key}) > 0:
        if machine.node.key not in school.revoked:
            world.revoke(school, machine)
    else:
        faults = random.choice(((), FAULTS, FAULTS))
        fault = lambda: random.choice(("", "", "", *faults))  # noqa: E731
        world.sync(school, machine, fault, random.choice((1, 1_000, 32_768)))
