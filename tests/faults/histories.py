"""A seeded history of a school and its hub: writes, syncs by wire and by stick, a SIGKILL at any moment."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hub import schools
from hub.storage import Hub, open_hub
from node.derived import derive
from node.storage import create_node, join_node, open_node
from sync import session
from sync.state import State
from sync.transport.folder import ANSWER, REQUEST, bundles
from sync.writer import writing
from tests.faults import judge, workers
from tests.faults.processes import Worker, start
from tests.world import CHEAP, a_hub, transport_to

MOST_TRIES = 40


@dataclass
class History:
    """One school of one or two nodes with its hub, in real processes; ``run`` raises AssertionError at a flaw."""

    home: Path
    seed: int
    database: str | None = None
    school: int = 0
    nodes: list[Path] = field(default_factory=list)
    sides: dict[Path, list[Path]] = field(default_factory=dict)
    running: dict[str, Worker] = field(default_factory=dict)
    kills: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.count = itertools.count(1)
        self.hub_home = self.home / "hub"
        self.address = self.home / "address"
        self.subjects = self.home / "subjects"

    # -- beginning

    def found(self) -> None:
        """A registered school with one node or two; what all its teachers share is known to both."""
        hub = a_hub(self.hub_home, self.database)
        first, kit = create_node(
            self.home / "node1",
            school_name="School 8",
            login="admin",
            password="secret",
            passphrase="open",
            cost=CHEAP,
        )
        self.school = schools.add_school(hub, "School 8")
        transport = transport_to(hub)
        with closing(first.connect()) as db:
            session.register(db, transport, schools.registration_code(hub, self.school).text)
            with writing(db, int(State(db).administrator)) as w:
                workers.found_class(w)
            session.sync(db, transport, derive)
        self.nodes = [first.home]
        if self.chance.random() < 0.5:
            second = join_node(self.home / "node2", passphrase="open", kit=kit.words, cost=CHEAP)
            with closing(second.connect()) as db:
                session.join_by_kit(db, transport, kit.secret)
                session.sync(db, transport, derive)
            self.nodes.append(second.home)
        hub.close()
        self.sides = {home: [] for home in self.nodes}

    # -- processes

    def start(
        self, name: str, target: Callable[..., None], *arguments: object, die_at: int | None = None
    ) -> Worker:
        self.running[name] = start(
            target, *arguments, log=self.home / f"{name}.log", die_at=die_at, watched=self.home
        )
        return self.running[name]

    def start_hub(self, die_at: int | None = None) -> None:
        self.address.unlink(missing_ok=True)
        self.start("hub", workers.serve_hub, self.hub_home, self.address, die_at=die_at)

    def start_clerk(self) -> None:
        self.start("clerk", workers.write_reference_rows, self.hub_home, self.subjects, self.chance.random())

    def start_writer(self, home: Path, number: int, count: int | None = None) -> Worker:
        seed = self.chance.randrange(2**31)
        return self.start(
            f"writer {home.name} {number}", workers.write_rows, home, self._side(home), seed, count
        )

    def start_sync(self, home: Path, until_done: bool, die_at: int | None = None) -> Worker:
        return self.start(
            f"sync {home.name}",
            workers.sync_by_wire,
            home,
            self.address,
            self._side(home),
            until_done,
            die_at=die_at,
        )

    def _side(self, home: Path) -> Path:
        path = self.home / f"side-{home.name}-{next(self.count)}"
        self.sides[home].append(path)
        return path

    def kill(self, *names: str) -> None:
        for name in names:
            self.running.pop(name).kill()
            self.kills += 1

    def kill_all(self) -> None:
        self.kill(*self.running)

    def pause(self) -> None:
        """Until the next kill: mostly milliseconds, now and then longer."""
        time.sleep(min(0.4, self.chance.expovariate(9)))

    def step(self) -> int | None:
        """A step to die at; None: only when someone kills it."""
        return int(10 ** self.chance.uniform(1.5, 3.7)) if self.chance.random() < 0.5 else None

    # -- rounds

    def run(self) -> None:
        """Some rounds of kills, a check after each, a truthful end."""
        try:
            self.found()
            for _ in range(self.chance.randint(2, 4)):
                self.chance.choice([self.storm, self.storm, self.under_fire, self.by_stick])()
                self.check()
            self.finish()
        finally:
            for worker in self.running.values():
                worker.process.kill()

    def storm(self) -> None:
        """Teachers write, nodes sync, the clerk writes; at random moments some of them are killed, at last all."""
        self.start_hub(self.step())
        if self.chance.random() < 0.5:
            self.start_clerk()
        for home in self.nodes:
            for number in range(self.chance.randint(1, 2)):
                self.start_writer(home, number)
            self.start_sync(home, until_done=False, die_at=self.step())
        for _ in range(self.chance.randint(1, 4)):
            self.pause()
            syncs = [f"sync {home.name}" for home in self.nodes]
            writers = [name for name in self.running if name.startswith("writer")]
            victims = self.chance.choice(
                [["hub"], [self.chance.choice(syncs)], ["hub", *syncs], writers[:1], [*syncs, *writers]]
            )
            self.kill(*victims)
            if "hub" in victims:
                self.start_hub(self.step())
            for home in self.nodes:
                if f"sync {home.name}" in victims:
                    self.start_sync(home, until_done=False, die_at=self.step())
        self.pause()
        self.kill_all()

    def under_fire(self) -> None:
        """Nobody writes; hub and sync are killed again and again until a sync says 'done', which must then be so."""
        for home in self.nodes:
            self.start_writer(home, 0, self.chance.choice([5, 50, 300])).wait()
        home = self.chance.choice(self.nodes)
        self.start_hub(self.step())
        sync = self.start_sync(home, until_done=True, die_at=self.step())
        for tries in range(MOST_TRIES):
            self.pause()
            if sync.process.exitcode == 0:
                break
            mercy = 0.85**tries
            if not sync.alive or self.chance.random() < 0.5 * mercy:
                self.kill(f"sync {home.name}")
                sync = self.start_sync(home, until_done=True, die_at=self.step() if tries < 10 else None)
            if not self.running["hub"].alive or self.chance.random() < 0.4 * mercy:
                self.kill("hub")
                self.start_hub(self.step() if tries < 10 else None)
        self.end_sync(home)
        self.kill_all()

    def by_stick(self) -> None:
        """The same on a stick: every program that touches it is killed, then run again."""
        for home in self.nodes:
            self.start_writer(home, 0, self.chance.choice([5, 50, 300])).wait()
        stick = self.home / "stick"
        stick.mkdir(exist_ok=True)
        for home in self.nodes:
            self.carry(home, stick)

    def carry(self, home: Path, stick: Path) -> None:
        """There and back until everything is taken; then both sides hold the same."""
        for _ in range(3):
            self._insist("export", workers.export_stick, home, stick)
            self._insist("answer", workers.answer_stick, self.hub_home, stick)
            side = self._side(home)
            self._insist("take", workers.take_stick, home, stick, side)
            assert not list(bundles(stick, REQUEST)) and not list(bundles(stick, ANSWER))
            if any("done" in line for line in judge.lines(side)):
                return self.compare(home)
        raise AssertionError("three times carried and still not done")

    def _insist(self, name: str, target: Callable[..., None], *arguments: object) -> None:
        """Run a program that is killed up to twice, then let it end."""
        for _ in range(self.chance.randint(0, 2)):
            worker = self.start(name, target, *arguments, die_at=int(10 ** self.chance.uniform(0, 3)))
            worker.wait()
            self.kills += worker.was_killed
        assert not self.start(name, target, *arguments).wait().was_killed
        del self.running[name]

    # -- checks

    def end_sync(self, home: Path) -> None:
        """Let the sync end without further kills: it must be done, and so."""
        sync = self.running[f"sync {home.name}"]
        if sync.process.exitcode != 0:
            self.kill(f"sync {home.name}", "hub")
            self.start_hub()
            sync = self.start_sync(home, until_done=True).wait()
        assert sync.process.exitcode == 0
        self.compare(home)

    def compare(self, home: Path) -> None:
        """This node has just been told 'done' and nobody writes: both dumps are equal."""
        with self.hub() as hub:
            assert list(judge.difference(open_node(home), hub, self.school)) == []

    def check(self) -> None:
        """After the kills: both are whole, what was acknowledged is there, no sync had lied."""
        with self.hub() as hub:
            assert list(judge.hub_flaws(hub, self.school)) == []
            for home, sides in self.sides.items():
                node = open_node(home)
                assert list(judge.node_flaws(node)) == []
                assert list(judge.lost_writes(node, sides)) == []
                assert list(judge.false_successes(hub, self.school, sides)) == []

    def finish(self) -> None:
        """Without kills syncs complete, and in the end all hold the same, acknowledged rows of the hub included."""
        self.start_hub()
        for _ in range(6):
            for home in self.nodes:
                assert self.start_sync(home, until_done=True).wait().process.exitcode == 0
                self.compare(home)
            if len({judge.position(open_node(home)) for home in self.nodes}) == 1:
                break
        else:
            raise AssertionError("the nodes of the school never come to rest")
        self.kill("hub")
        self.check()
        for home in self.nodes:
            assert list(judge.lost_subjects(open_node(home), self.subjects)) == []
            for every in self.sides.values():
                assert list(judge.lost_writes(open_node(home), every)) == []

    @contextmanager
    def hub(self) -> Iterator[Hub]:
        hub = open_hub(self.hub_home)
        try:
            yield hub
        finally:
            hub.close()
