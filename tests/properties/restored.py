"""Histories in which the hub is lost and put back from an old backup, once or more, and completed by its schools.

In one kind engine and model go side by side (`beside_model`). In the other the engine is alone, and what is judged
needs no model of the completion: what every machine shows follows by the rules from the places that its log has; all
end alike; no value is lost, none that nobody had replaced is out of sight, and none that was erased is left anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from sqlite_utils import Database

from hub import checks as hub_checks
from hub import completing, ingest, schools
from hub.storage import Hub
from node.derived import derive
from shared.db import transaction
from shared.problems import Problem
from shared.schema import BY_NAME, BY_NUMBER
from sync import delivery, fork, session
from sync import restored as completed
from sync.capture import decode_values, is_erasure
from sync.checks import verify_chain
from sync.codec import open_envelope, open_sealed
from sync.delivery import Progress
from sync.log import NodeLog
from sync.merge import NOWHERE
from sync.messages import fingerprint_of
from sync.state import State, epoch_keys
from sync.transport.memory import MemoryTransport
from sync.writer import writing
from tests.properties import acts, histories, judge
from tests.properties.histories import FOUNDED, SKEWS, Machine, School, a_world
from tests.properties.machines import copy_of, determined, hub_connection, mark_restored, put_back
from tests.properties.rules import RULES, Change, Entry, View, saw, view
from tests.properties.wire import Fault

LINK = ("lose request", "lose answer", "repeat", "garbage", "damage answer")
Stick = tuple[bytes, bytes, bool]
"""The node's key, the message, and whether it is an answer already."""


class Alone:
    """A world without its model; its hub may be put back. AssertionError when it does not hold."""

    def __init__(self, seed: int, random: Random, time: Any) -> None:
        self.world = a_world(time, random, random.choice(FOUNDED))
        self.time, self.random, self.hub = time, random, self.world.hub
        self.tokens, self.schools = self.world.tokens, self.world.schools
        self.hub_copy = copy_of(hub_connection(self.hub))
        self.sticks: dict[int, list[Stick]] = {school.id: [] for school in self.schools}

    # -- what people do

    def write(self, school: School, machine: Machine, what: acts.Act) -> None:
        before = tokens_of(school, machine.db) if what is acts.erase else set()
        with self.world.at(machine), writing(machine.db, 0) as w:
            what(acts.Acting(self.world, school, machine, w))
        if before:
            # Though the erasure itself be lost with the machine.
            school.doomed |= before - tokens_of(school, machine.db)

    def clone(self, school: School, machine: Machine) -> None:
        school.machines.append(Machine(copy_of(machine.db), machine.node, machine.skew))

    def back_up(self, machine: Machine) -> None:
        machine.backup = copy_of(machine.db), machine.node

    def restore(self, school: School, machine: Machine, with_command: bool) -> None:
        assert machine.backup is not None
        school.doomed |= self._only_here(school, machine)
        machine.db = copy_of(machine.backup[0])
        if with_command:
            with self.world.at(machine), transaction(machine.db):
                fork.new_incarnation(machine.db)

    def revoke(self, school: School, machine: Machine) -> None:
        school.revoked.add(machine.node.key)
        with self.time.of(0):
            self.time.ms += 1
            schools.revoke(self.hub, machine.node.key)

    def _only_here(self, school: School, machine: Machine) -> set[Any]:
        """Tokens in the log of a machine, and of those with its key, that no other live one has."""
        others = [m for m in school.live if m is not machine and m.node.key != machine.node.key]
        elsewhere = {token for other in others for token in tokens_of(school, other.db)}
        same = [m for m in school.machines if m.node.key == machine.node.key]
        return {token for one in same for token in tokens_of(school, one.db)} - elsewhere

    # -- the hub's misfortune

    def back_up_hub(self) -> None:
        self.hub_copy = copy_of(hub_connection(self.hub))

    def restore_hub(self) -> None:
        """As `hub.backups.restore` leaves it; what was revoked since is revoked again, as the hub's clerk is told."""
        put_back(self.hub, self.hub_copy)
        with self.time.of(0):
            self.time.ms += 1
            mark_restored(self.hub)
            for key in sorted(key for school in self.schools for key in school.revoked):
                schools.revoke(self.hub, key)

    # -- syncing

    def _receive(self, message: bytes, carried: bool = False) -> bytes:
        with self.time.of(0):
            return ingest.receive(self.hub, message, carried)

    def sync(self, school: School, machine: Machine, fault: Fault, budget: int = 32_768) -> str:
        transport = MemoryTransport(lambda: ingest.describe(self.hub), self._receive, fault)
        with self.world.at(machine):
            with transaction(machine.db):
                State(machine.db).budget = budget
            try:
                outcome = session.sync(machine.db, transport, derive).outcome
            except Problem as problem:
                return problem.code
        if outcome == "done":
            there = judge.district_of_hub(self.hub, school.id)
            assert there == judge.district(machine.db), "done was said while the states differ"
        return outcome

    def export(self, school: School, machine: Machine) -> None:
        with self.world.at(machine):
            derive(machine.db)
            message, _ = session.make_request(machine.db, Progress(), everything=True)
        self.sticks[school.id].append((machine.node.key, message, False))

    def carry(self, school: School, stick: Stick) -> None:
        """To the hub, or back to a machine with the key that the answer is for."""
        key, message, answered = stick
        self.sticks[school.id].remove(stick)
        if not answered:
            self.sticks[school.id].append((key, self._receive(message, carried=True), True))
            return
        machine = self.random.choice([m for m in school.machines if m.node.key == key])
        with self.world.at(machine):
            try:
                delivery.take_answer(machine.db, session.open_carried(machine.db, message), Progress())
            except Problem:
                return
            derive(machine.db)
            delivery.note_if_done(machine.db)

    # -- the end

    def settle(self) -> None:
        for school in self.schools:
            for machine in school.machines:
                if machine not in school.live:
                    school.doomed |= self._only_here(school, machine)
            for stick in [*self.sticks[school.id]]:
                self.carry(school, stick)
            for _ in range(40):
                before = [_place(m.db) for m in school.live]
                outcomes = {self.sync(school, m, lambda: "") for m in school.live}
                after = [_place(m.db) for m in school.live]
                if outcomes == {"done"} and before == after and len({head for head, *_ in after}) == 1:
                    break
            else:
                raise AssertionError(f"it never becomes quiet: {outcomes}")

    def judge(self) -> None:
        """AssertionError unless all is as it must be."""
        for school in self.schools:
            live = school.live
            dumps = [judge.everything(m.db) for m in live]
            assert all(d == dumps[0] for d in dumps), "nodes of one school differ"
            assert judge.district(live[0].db) == judge.district_of_hub(self.hub, school.id), (
                "node and hub differ"
            )
            flaws = [*hub_checks.verify(self.hub, school.id), *(f for m in live for f in verify_chain(m.db))]
            assert not flaws, flaws
            for machine in live:
                assert machine.db.execute("PRAGMA foreign_key_check").fetchall() == []
                judge.require_same(machine.db, view_of(machine.db))
                require_erased(machine.db)
            require_erased_at_hub(self.hub, school.id, live[0].db)
            require_known_aside(self.hub, school.id, [m.db for m in live])
            _require_values(school, live[0].db)


def _require_values(school: School, db: Database) -> None:
    """Nothing is lost, and of every cell what nobody had replaced is shown or listed as in conflict."""
    shown = view_of(db)
    values = {e.change.uid: e.change.values for e in entries_of(db)}
    found: dict[Any, set[Any]] = {}
    for name, column in acts.CELLS:
        number = BY_NAME[name].by_name[column].number
        written: dict[Any, set[Any]] = {}
        erased = set()
        for entry in entries_of(db):
            change = entry.change
            if change.row[0] == BY_NAME[name].number and number in change.values:
                written.setdefault(change.row, set()).add(change.values[number])
                erased |= {change.row} if change.erase else set()
        for row, some in written.items():
            tokens = some & school.truth.keys()
            for token in tokens:
                found.setdefault(token, set()).add(row)
            heads = {
                values[uid].get(number) for uid in shown.heads[row, BY_NAME[name].by_name[column].merge_unit]
            }
            last = {t for t in tokens if not any(t in school.truth[w] for w in tokens)}
            if row not in erased:
                assert last <= heads | school.decided, f"out of sight: {last - heads}"
    assert all(len(rows) == 1 for rows in found.values()), "a value stands in two rows"
    lost = school.truth.keys() - found.keys() - school.doomed - _blanked(school, db)
    assert not lost, f"lost: {sorted(map(str, lost))[:5]}"


def _blanked(school: School, db: Database) -> set[Any]:
    """Values of cells that somebody erased; of a row that bears another id now, of that column."""
    entries = [e.change for e in entries_of(db)]
    rows = {change.row for change in entries}
    erased = {(change.row, n) for change in entries if change.erase for n in change.values}
    columns = {(row[0], n) for row, n in erased}
    return {
        token
        for token, (row, n) in school.cells.items()
        if (row, n) in erased or (row not in rows and (row[0], n) in columns)
    }


def require_known_aside(hub: Hub, school: int, nodes: list[Database]) -> None:
    """No machine holds what lost its place, and all have said that they know of it. AssertionError."""
    with hub.read() as connection:
        aside = completing.aside(connection, school)
    for db in nodes:
        assert not completed.held(db, aside), "what lost its place is not written anew"
        assert not aside or bytes(State(db).aside) == fingerprint_of(aside), "the hub would tell it for ever"


def require_erased(db: Database) -> None:
    """What an erasure blanked is in no row, log or kept changeset of a machine. AssertionError."""
    lineage = NodeLog(db).lineage()
    for entry in (entries := list(entries_of(db))):
        table = BY_NUMBER[entry.change.row[0]]
        for columns in table.units.values():
            sealed = {c.number for c in columns if c.scope != "district"}
            erasing = [
                e
                for e in entries
                if e.change.erase and e.change.row == entry.change.row and sealed & e.change.values.keys()
            ]
            held = {n for n in sealed if entry.change.values.get(n) is not None}
            if erasing and held and not entry.change.erase:
                assert all(saw(entry, e, lineage, RULES) for e in erasing), "an erased value is in the log"
    keys = epoch_keys(db)
    for data, first in db.execute("SELECT envelope, local_first FROM changeset WHERE school <> 0").fetchall():
        _require_as_logged(db, data, first, keys, "a kept changeset")


def require_erased_at_hub(hub: Hub, school: int, db: Database) -> None:
    """Nor in what the hub keeps, by the log and with the keys of a machine. AssertionError."""
    keys = epoch_keys(db)
    sql = "SELECT envelope, hash FROM stream WHERE school = ?"
    for data, hashed in hub_connection(hub).execute(sql, (school,)).fetchall():
        first = db.execute("SELECT local_first FROM changeset WHERE hash = ?", (hashed,)).fetchone()[0]
        _require_as_logged(db, data, first, keys, "the hub's changeset")


def _require_as_logged(db: Database, data: bytes, first: int, keys: dict[int, bytes], what: str) -> None:
    envelope = open_envelope(data)
    for change in open_sealed(envelope, keys[envelope.epoch])[1]:
        n = first + change.number - envelope.header.first
        logged = decode_values(db.execute("SELECT vals FROM change WHERE n = ?", (n,)).fetchone()[0])
        for number, value in change.values.items():
            assert value is None or logged[number] is not None, f"an erased value is in {what}"


def entries_of(db: Database) -> Iterator[Entry]:
    """The log of a machine as the model reads it."""
    log = NodeLog(db)
    rows = db.conn.execute(
        "SELECT c.n, c.clock, c.actor, c.tbl, c.key, c.vals, s.origin, s.first + c.n - s.local_first, s.position, "
        "s.seen FROM change c JOIN changeset s ON c.n BETWEEN s.local_first AND s.local_last WHERE s.school <> 0"
    ).fetchall()
    for n, stamp, actor, number, rid, vals, origin, at, position, seen in rows:
        place = (number, log.key_of(BY_NUMBER[number], rid))
        change = Change(at, stamp, actor, place, decode_values(vals), is_erasure(vals), n)
        yield Entry(change, origin, NOWHERE if position is None else position, seen)


def view_of(db: Database) -> View:
    """What the model says that a machine shows."""
    return view(entries_of(db), NodeLog(db).lineage(), RULES)


def tokens_of(school: School, db: Database) -> set[Any]:
    rows = db.conn.execute("SELECT vals FROM change")
    return {value for (vals,) in rows for value in decode_values(vals).values()} & school.truth.keys()


def _place(db: Database) -> tuple[bytes, int, int]:
    state = State(db)
    return bytes(state.stream_hash), int(state.own_last), NodeLog(db).waiting()


def history(seed: int) -> None:
    """The history of this seed, in which the hub is put back once or twice."""
    random = Random(seed)
    with determined(seed) as time:
        alone = Alone(seed, random, time)
        steps = random.randint(15, 45)
        losses = {random.randrange(5, steps) for _ in range(random.choice((1, 1, 2)))}
        for at in range(steps):
            if at in losses:
                alone.restore_hub()
            step(alone, random.choice(alone.schools), forks=seed % 3 == 0)
        alone.settle()
        alone.judge()


def beside_model(seed: int) -> None:
    """As `histories.history`, with a hub that is put back once or twice."""
    random = Random(seed)
    with determined(seed) as time:
        world = a_world(time, random, random.choice(FOUNDED))
        world.back_up_hub()
        steps = random.randint(10, 45)
        losses = {random.randrange(3, steps) for _ in range(random.choice((1, 1, 2)))}
        for at in range(steps):
            if at in losses:
                world.restore_hub()
            if random.random() < 0.04:
                world.back_up_hub()
            histories.step(world, random.choice(world.schools), forks=seed % 3 == 0)
        world.settle()
        world.judge()


def step(alone: Alone, school: School, forks: bool) -> None:
    """One random thing that happens to a school, or to the hub."""
    random = alone.random
    machine = random.choice(school.machines)
    if random.random() < 0.05:
        machine.skew = random.choice(SKEWS)
    chance = random.random()
    if chance < 0.55:
        alone.write(school, machine, random.choices(acts.ACTS, acts.WEIGHTS)[0])
    elif chance < 0.58:
        alone.export(school, machine)
    elif chance < 0.63 and alone.sticks[school.id]:
        alone.carry(school, random.choice(alone.sticks[school.id]))
    elif chance < 0.66:
        alone.back_up_hub()
    elif chance < 0.68 and forks and len(school.machines) < 6:
        alone.clone(school, machine)
    elif chance < 0.70 and forks:
        alone.back_up(machine)
    elif chance < 0.72 and forks and machine.backup is not None:
        alone.restore(school, machine, random.random() < 0.5)
    elif chance < 0.725 and machine in school.live and len({m.node.key for m in school.live}) > 1:
        alone.revoke(school, machine)
    else:
        faults = random.choice(((), LINK, LINK))
        fault = lambda: random.choice(("", "", "", *faults))  # noqa: E731
        alone.sync(school, machine, fault, random.choice((1, 1_000, 32_768)))
