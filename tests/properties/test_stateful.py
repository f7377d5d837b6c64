"""Hypothesis chooses what happens between the nodes of schools and a hub, and shortens what fails."""

from __future__ import annotations

import os
from contextlib import ExitStack
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.properties import acts
from tests.properties.histories import FOUNDED, SKEWS, Machine, School, a_world
from tests.properties.machines import determined
from tests.properties.wire import FAULTS

FULL = os.environ.get("MEKTEP_FAULTS") == "full"
MOST_MACHINES = 6
WHICH = st.integers(0, MOST_MACHINES - 1)


class Histories(RuleBasedStateMachine):
    """Schools and a hub; after every history all must become quiet, and what `judge` asks must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()

    @initialize(nodes=st.sampled_from(sorted(set(FOUNDED))), seed=st.integers(0, 2**16))
    def found(self, nodes: tuple[int, ...], seed: int) -> None:
        time = self.stack.enter_context(determined(seed))
        self.world = a_world(time, Random(seed), nodes)

    def _machine(self, which: int) -> tuple[School, Machine]:
        every = [(school, machine) for school in self.world.schools for machine in school.machines]
        return every[which % len(every)]

    @rule(which=WHICH, act=st.sampled_from(acts.ACTS))
    def write(self, which: int, act: acts.Act) -> None:
        acts.act(self.world, *self._machine(which), act)

    @rule(
        which=WHICH,
        faults=st.lists(st.sampled_from(("", *FAULTS)), max_size=4),
        budget=st.sampled_from((1, 1_000, 32_768)),
    )
    def sync(self, which: int, faults: list[str], budget: int) -> None:
        """The first exchanges suffer these faults, the others none."""
        left = iter(faults)
        self.world.sync(*self._machine(which), lambda: next(left, ""), budget)

    @rule(which=WHICH, skew=st.sampled_from(sorted(set(SKEWS))))
    def set_clock(self, which: int, skew: int) -> None:
        self._machine(which)[1].skew = skew

    @rule(which=WHICH)
    def export_to_stick(self, which: int) -> None:
        self.world.export(*self._machine(which))

    @rule(which=WHICH, whose=WHICH)
    def carry_stick(self, which: int, whose: int) -> None:
        """To the hub, or back from there to a machine with the keys that its answer is sealed to."""
        school, _ = self._machine(whose)
        if not school.sticks:
            return
        stick = school.sticks[which % len(school.sticks)]
        if stick.answer is None:
            self.world.carry(school, stick)
        else:
            at = [m for m in school.machines if m.node.key == stick.key]
            self.world.import_(school, at[which % len(at)], stick)

    def _room(self) -> bool:
        return sum(len(school.machines) for school in self.world.schools) < MOST_MACHINES

    @precondition(_room)
    @rule(which=WHICH)
    def clone(self, which: int) -> None:
        self.world.clone(*self._machine(which))

    @precondition(_room)
    @rule(which=WHICH)
    def join(self, which: int) -> None:
        """A further node is let in by the recovery kit."""
        self.world.join(self._machine(which)[0])

    @rule(which=WHICH)
    def back_up(self, which: int) -> None:
        self.world.back_up(self._machine(which)[1])

    @rule(which=WHICH, way=st.sampled_from(("raw", "side", "command")))
    def restore(self, which: int, way: str) -> None:
        school, machine = self._machine(which)
        if machine.backup is not None:
            self.world.restore(school, machine, way)

    @rule(which=WHICH)
    def revoke(self, which: int) -> None:
        """Not the last one: then the school would have to join anew."""
        school, machine = self._machine(which)
        if machine in school.live and {m.node.key for m in school.live} - {machine.node.key}:
            self.world.revoke(school, machine)

    @rule()
    def back_up_hub(self) -> None:
        self.world.back_up_hub()

    @rule()
    def restore_hub(self) -> None:
        """The hub is lost; what it has forgotten since its backup comes back with its schools."""
        self.world.restore_hub()

    def teardown(self) -> None:
        with self.stack:
            if hasattr(self, "world"):
                self.world.settle()
                self.world.judge()


Histories.TestCase.settings = settings(
    max_examples=2_000 if FULL else 50,
    stateful_step_count=50 if FULL else 25,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=list(HealthCheck),
)
test_histories_that_hypothesis_makes = Histories.TestCase
