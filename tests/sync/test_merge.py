"""The laws of merging, over histories of machines that write apart, exchange, and are restored from old copies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.schema import BY_NAME, RETIRED, Value
from sync.merge import NOWHERE, Entry, Lineage, heads_of, resolve, saw

MARK = BY_NAME["mark"]
UNIT, COMMENT = (7, 8, 9), 10
"""The columns of the unit ``mark``; a column that is a unit of its own."""
NO_LINE: Lineage = {}


# -- a small world in which everyone's knowledge is written down ---------------------------------------------------


@dataclass
class Machine:
    """What one machine knows: places of entries in the list of all, and how far it is in the stream."""

    origin: int
    number: int = 0
    seen: int = 0
    knows: set[int] = field(default_factory=set)
    uncut: list[int] = field(default_factory=list)
    waiting: list[list[int]] = field(default_factory=list)
    backup: Machine | None = None

    def copy(self) -> Machine:
        return replace(self, knows=set(self.knows), uncut=[], waiting=[*self.waiting], backup=None)


@dataclass
class World:
    """Entries, and for each the set of those that its author knew when writing it."""

    entries: list[Entry] = field(default_factory=list)
    known: list[set[int]] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    stream: list[list[int]] = field(default_factory=list)
    lineage: dict[int, tuple[int, int]] = field(default_factory=dict)

    def write(self, machine: Machine, clock: int, values: dict[int, Value], erase: bool) -> None:
        machine.number += 1
        self.entries.append(Entry(clock, machine.origin, machine.number, NOWHERE, 0, values, erase))
        self.known.append(set(machine.knows))
        at = len(self.entries) - 1
        machine.knows.add(at)
        machine.uncut.append(at)

    def cut(self, machine: Machine) -> None:
        if machine.uncut:
            for at in machine.uncut:
                self.entries[at].seen = machine.seen
            machine.waiting.append(machine.uncut)
            machine.uncut = []

    def exchange(self, machine: Machine) -> None:
        self.cut(machine)
        for places in machine.waiting:
            if places not in self.stream:
                self.stream.append(places)
                for at in places:
                    self.entries[at].position = len(self.stream)
        machine.waiting = []
        for places in self.stream:
            machine.knows |= set(places)
        machine.seen = len(self.stream)

    def restore(self, machine: Machine) -> None:
        """The machine is lost with what it had not sent; its copy writes on under a new name."""
        assert machine.backup is not None
        old = machine.backup
        origin = 100 + len(self.lineage)
        self.lineage[origin] = (old.origin, old.number)
        self.machines[self.machines.index(machine)] = replace(old.copy(), origin=origin, number=0)

    def placed(self) -> list[int]:
        return [at for places in self.stream for at in places]


STEPS = st.tuples(
    st.integers(0, 2),
    st.sampled_from(
        ["write", "write", "write", "exchange", "exchange", "copy", "restore", "erase", "retire"]
    ),
    st.integers(0, 9),
    st.sampled_from([UNIT, (COMMENT,), (RETIRED,)]),
)


def world_of(steps: list[tuple[int, str, int, tuple[int, ...]]]) -> World:
    """Every value written is one of its own, so that a shown value tells who wrote it."""
    world = World(machines=[Machine(1), Machine(2), Machine(3)])
    for at, (who, act, clock, columns) in enumerate(steps, 1):
        machine = world.machines[who]
        if act == "exchange":
            world.exchange(machine)
        elif act == "copy":
            world.cut(machine)
            machine.backup = machine.copy()
        elif act == "restore" and machine.backup is not None:
            world.restore(machine)
        elif act == "erase":
            world.write(machine, clock, dict.fromkeys(columns), True)
        elif act == "retire":
            world.write(machine, clock, {RETIRED: at}, False)
        elif act == "write":
            world.write(machine, clock, {c: at * 100 + c for c in columns}, False)
    for machine in world.machines:
        world.exchange(machine)
    return world


WORLDS = st.lists(STEPS, max_size=18).map(world_of)


def named(world: World, columns: tuple[int, ...]) -> list[int]:
    return [at for at in world.placed() if any(c in world.entries[at].values for c in columns)]


def shown_by(world: World, columns: tuple[int, ...]) -> int | None:
    """Place of the entry whose value the row shows; None: the unit is empty."""
    shown = resolve(MARK, [world.entries[at] for at in world.placed()], world.lineage).values
    value = shown.get(columns[0])
    if value is None:
        return None
    (at,) = (a for a in named(world, columns) if world.entries[a].values[columns[0]] == value)
    return at


# -- laws --------------------------------------------------------------------------------------------------------


@given(WORLDS)
def test_positions_and_lines_tell_exactly_who_had_seen_what(world: World) -> None:
    for x in world.placed():
        for h in world.placed():
            if x != h:
                told = saw(world.entries[x], world.entries[h], world.lineage)
                assert told == (h in world.known[x]), (world.entries[x], world.entries[h])


@given(WORLDS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(world: World, random: Random) -> None:
    entries = [world.entries[at] for at in world.placed()]
    expected = resolve(MARK, entries, world.lineage)
    again = [*entries, *(replace(e) for e in entries if random.random() < 0.5)]
    random.shuffle(again)
    assert resolve(MARK, again, world.lineage) == expected


@given(WORLDS)
def test_a_later_value_is_never_hidden_by_one_its_author_had_seen(world: World) -> None:
    for columns in (UNIT, (COMMENT,), (RETIRED,)):
        at = shown_by(world, columns)
        hidden = [x for x in named(world, columns) if at is not None and at in world.known[x]]
        assert hidden == []


@given(WORLDS)
def test_among_values_written_apart_the_latest_shows_and_the_others_are_a_conflict(world: World) -> None:
    shown = resolve(MARK, [world.entries[at] for at in world.placed()], world.lineage)
    for unit, columns in (("mark", UNIT), ("comment", (COMMENT,))):
        places = named(world, columns)
        if not places or any(world.entries[at].erase for at in places):
            continue
        last = [h for h in places if not any(h in world.known[x] for x in places)]
        entries = [world.entries[at] for at in last]
        latest = max(entries, key=lambda e: (e.clock, e.origin, e.number))
        assert {c: shown.values.get(c) for c in columns} == latest.values
        assert (unit in shown.conflicts) == (len(last) > 1)
        assert heads_of(MARK, unit, [world.entries[at] for at in places], world.lineage) == sorted(
            entries, key=lambda e: (e.clock, e.origin, e.number), reverse=True
        )


@given(WORLDS)
def test_an_erasure_wins_over_everything_that_had_not_seen_it(world: World) -> None:
    for columns in (UNIT, (COMMENT,)):
        at = shown_by(world, columns)
        erasures = {x for x in named(world, columns) if world.entries[x].erase}
        if at is not None:
            assert erasures <= world.known[at]


@given(WORLDS)
def test_a_unit_never_mixes_halves(world: World) -> None:
    shown = resolve(MARK, [world.entries[at] for at in world.placed()], world.lineage).values
    halves = {c: shown.get(c) for c in UNIT}
    written = [world.entries[at].values for at in named(world, UNIT)]
    assert halves in [*written, dict.fromkeys(UNIT)]


@given(WORLDS)
def test_retiring_against_an_edit_unknown_to_it_is_a_conflict(world: World) -> None:
    entries, known = world.entries, world.known
    shown = resolve(MARK, [entries[at] for at in world.placed()], world.lineage)
    if shown.values.get(RETIRED) is None or any(entries[at].erase for at in named(world, (RETIRED,))):
        return
    places = named(world, (RETIRED,))
    last = [h for h in places if not any(h in known[x] for x in places)]
    edits = [at for at in world.placed() if entries[at].values.get(RETIRED) is None]
    apart = any(
        x not in known[r] and r not in known[x]
        for r in last
        if entries[r].values[RETIRED] is not None
        for x in edits
    )
    values = {entries[r].values[RETIRED] for r in last}
    assert ("retired_at" in shown.conflicts) == (apart or len(values) > 1)


@given(WORLDS, st.integers(0, 9))
def test_who_has_seen_everything_settles_it(world: World, clock: int) -> None:
    """Whatever that author's clock says; also when the row is to stay retired."""
    world.exchange(world.machines[0])
    for columns in (UNIT, (COMMENT,), (RETIRED,)):
        world.write(world.machines[0], clock, {c: 7_000 + c for c in columns}, False)
    world.exchange(world.machines[0])
    shown = resolve(MARK, [world.entries[at] for at in world.placed()], world.lineage)
    assert shown.values == {c: 7_000 + c for c in (*UNIT, COMMENT, RETIRED)}
    assert shown.conflicts == set()


# -- cases -------------------------------------------------------------------------------------------------------


def entry(
    origin: int,
    clock: int,
    values: dict[int, Value],
    seen: int = 0,
    position: int | None = None,
    number: int = 1,
) -> Entry:
    return Entry(clock, origin, number, origin if position is None else position, seen, values)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=5))
def test_equal_values_never_conflict(clocks: list[int]) -> None:
    entries = [entry(n, clock, {COMMENT: "жакшы"}) for n, clock in enumerate(clocks, 1)]
    shown = resolve(MARK, entries, NO_LINE)
    assert (shown.values, shown.conflicts) == ({COMMENT: "жакшы"}, set())


def test_the_same_value_in_another_form_is_equal() -> None:
    """A column left at its default and one set to it are the same half."""
    shown = resolve(MARK, [entry(1, 5, {7: 4}), entry(2, 6, {7: 4, 8: None, 9: None})], NO_LINE)
    assert (shown.values, shown.conflicts) == ({7: 4}, set())


def test_different_columns_of_one_unit_conflict_and_do_not_mix() -> None:
    shown = resolve(MARK, [entry(1, 5, {7: 4, 8: 11, 9: 12}), entry(2, 6, {7: 80, 8: 21, 9: 22})], NO_LINE)
    assert shown.values == {7: 80, 8: 21, 9: 22}
    assert shown.conflicts == {"mark"}


def test_columns_that_are_units_of_their_own_are_merged_apart() -> None:
    shown = resolve(MARK, [entry(1, 5, {7: 4}), entry(2, 6, {COMMENT: "жакшы"})], NO_LINE)
    assert (shown.values, shown.conflicts) == ({7: 4, COMMENT: "жакшы"}, set())


def test_equal_clocks_are_told_apart_by_origin() -> None:
    for first, second in ((1, 2), (2, 1)):
        shown = resolve(
            MARK, [entry(first, 5, {COMMENT: str(first)}), entry(second, 5, {COMMENT: str(second)})], NO_LINE
        )
        assert shown.values == {COMMENT: "2"}


def test_a_clock_years_ahead_does_not_outlive_being_seen() -> None:
    far = entry(1, 2**60, {COMMENT: "2095"})
    assert resolve(MARK, [far, entry(2, 5, {COMMENT: "now"}, seen=1)], NO_LINE).values == {COMMENT: "now"}


def test_a_value_may_go_back_to_its_default() -> None:
    assert (
        resolve(MARK, [entry(1, 5, {COMMENT: "x"}), entry(2, 4, {COMMENT: None}, seen=1)], NO_LINE).values
        == {}
    )


def test_columns_of_a_newer_release_are_left_out() -> None:
    shown = resolve(MARK, [entry(1, 5, {COMMENT: "x", 77: "?"}), entry(2, 6, {77: "!"})], NO_LINE)
    assert (shown.values, shown.conflicts) == ({COMMENT: "x"}, set())


def test_a_line_that_goes_on_under_a_new_name_knows_what_it_wrote_before() -> None:
    old = entry(1, 9, {COMMENT: "old"}, position=5, number=10)
    lost = entry(1, 9, {COMMENT: "lost"}, position=6, number=11)
    new = entry(2, 1, {COMMENT: "new"}, position=7)
    shown = resolve(MARK, [old, new], {2: (1, 10)})
    assert (shown.values, shown.conflicts) == ({COMMENT: "new"}, set())
    shown = resolve(MARK, [old, lost, new], {2: (1, 10)})
    assert (shown.values, shown.conflicts) == ({COMMENT: "lost"}, {"comment"})


def test_a_row_edited_and_retired_apart_is_shown_as_a_conflict_until_someone_decides() -> None:
    retired = entry(1, 9, {RETIRED: 5})
    edited = entry(2, 1, {COMMENT: "still here"})
    assert resolve(MARK, [retired, edited], NO_LINE).conflicts == {"retired_at"}
    kept = entry(3, 2, {RETIRED: 6}, seen=2)
    assert resolve(MARK, [retired, edited, kept], NO_LINE).conflicts == set()
    revived = entry(3, 2, {RETIRED: None}, seen=2)
    shown = resolve(MARK, [retired, edited, revived], NO_LINE)
    assert (shown.values, shown.conflicts) == ({COMMENT: "still here"}, set())
