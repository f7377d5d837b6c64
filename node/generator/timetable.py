"""A weekly timetable: no class and no teacher in two places at once, no gaps in a class's day where it can be had.

Each class is matched with its slots by augmenting paths (Kuhn's algorithm for bipartite matching), classes in random
order, several times over; the attempt that leaves the fewest lessons over is kept, and those go to later periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

WEEK = 5
LONGEST_DAY = 9
ATTEMPTS = 12

Slot = tuple[int, int]
"""Weekday from 1 (Monday) and period from 1."""


@dataclass(frozen=True)
class Block:
    """Weekly lessons of a class in one subject; its subgroups, if any, meet at the same time."""

    groups: tuple[int, ...]
    teachers: tuple[int, ...]
    hours: int


@dataclass(frozen=True)
class ClassLoad:
    shift: int
    blocks: tuple[Block, ...]

    @property
    def hours(self) -> int:
        return sum(block.hours for block in self.blocks)


@dataclass(frozen=True)
class Bell:
    shift: int
    period: int
    start: int
    end: int


SHORT = 35
"""Minutes of a lesson in grade 1, which begins with the others' and rests longer."""


def bells(lessons: int = 6, shifts: int = 2, length: int = 45) -> list[Bell]:
    """The day in minutes since midnight: lessons of 45, breaks of 5 and, after the third, of 15.

    A later shift begins when the one before it has ended. Lessons of another length begin with the ones of 45.
    """
    found = []
    start = 8 * 60
    for shift in range(1, shifts + 1):
        for period in range(1, lessons + 1):
            found.append(Bell(shift, period, start, start + length))
            start += 45 + (15 if period == 3 else 5)
        start = max(13 * 60 + 30, (start + 9) // 10 * 10)
    return found


def build(rng: Random, classes: list[ClassLoad]) -> dict[int, list[Slot]]:
    """The weekly slots of every group, in the order of the week."""
    best: list[dict[Slot, Block]] = []
    fewest = -1
    order = list(range(len(classes)))
    for _ in range(ATTEMPTS):
        rng.shuffle(order)
        plans, late = _attempt(rng, classes, order)
        if fewest < 0 or late < fewest:
            best, fewest = plans, late
        if not fewest:
            break
    _spread(rng, classes, best)
    slots: dict[int, list[Slot]] = {}
    for plan in best:
        for slot, block in sorted(plan.items(), key=lambda item: item[0]):
            for group in block.groups:
                slots.setdefault(group, []).append(slot)
    return slots


def _attempt(rng: Random, classes: list[ClassLoad], order: list[int]) -> tuple[list[dict[Slot, Block]], int]:
    busy: set[tuple[int, int, Slot]] = set()
    plans: list[dict[Slot, Block]] = [{} for _ in classes]
    late = 0
    for index in order:
        load = classes[index]
        plan, left = _match(rng, load, busy)
        late += len(left)
        for block in left:
            plan[_later(load, block, plan, busy)] = block
        plans[index] = plan
        busy |= {(teacher, load.shift, slot) for slot, block in plan.items() for teacher in block.teachers}
    return plans, late


def _day_slots(hours: int) -> list[Slot]:
    """Slots of a week of so many lessons without gaps, the longer days first."""
    return [
        (day, period) for day in range(1, WEEK + 1) for period in range(1, (hours + WEEK - day) // WEEK + 1)
    ]


def _match(
    rng: Random, load: ClassLoad, busy: set[tuple[int, int, Slot]]
) -> tuple[dict[Slot, Block], list[Block]]:
    units = [block for block in load.blocks for _ in range(block.hours)]
    slots = _day_slots(load.hours)
    rng.shuffle(units)
    rng.shuffle(slots)
    free = {
        id(block): [s for s in slots if not any((t, load.shift, s) in busy for t in block.teachers)]
        for block in load.blocks
    }
    taken: dict[Slot, int] = {}

    def place(unit: int, seen: set[Slot]) -> bool:
        for slot in free[id(units[unit])]:
            if slot not in seen:
                seen.add(slot)
                if slot not in taken or place(taken[slot], seen):
                    taken[slot] = unit
                    return True
        return False

    left = [units[unit] for unit in range(len(units)) if not place(unit, set())]
    return {slot: units[unit] for slot, unit in taken.items()}, left


def _later(load: ClassLoad, block: Block, plan: dict[Slot, Block], busy: set[tuple[int, int, Slot]]) -> Slot:
    """The earliest period in which class and teachers are all free."""
    candidates = [(day, period) for period in range(1, LONGEST_DAY + 1) for day in range(1, WEEK + 1)]
    return next(
        slot
        for slot in candidates
        if slot not in plan and not any((t, load.shift, slot) in busy for t in block.teachers)
    )


def _spread(rng: Random, classes: list[ClassLoad], plans: list[dict[Slot, Block]]) -> None:
    """Swap lessons inside a class so that a subject does not come twice a day where it need not."""
    busy = {
        (teacher, load.shift, slot)
        for load, plan in zip(classes, plans, strict=True)
        for slot, block in plan.items()
        for teacher in block.teachers
    }
    for load, plan in zip(classes, plans, strict=True):
        slots = sorted(plan)
        for _ in range(8 * len(slots)):
            first, second = rng.choice(slots), rng.choice(slots)
            if first[0] != second[0] and _better(plan, first, second):
                _swap(load, plan, busy, first, second)


def _better(plan: dict[Slot, Block], first: Slot, second: Slot) -> bool:
    def clashes(block: Block, day: int, without: Slot) -> int:
        return sum(b is block for s, b in plan.items() if s[0] == day and s != without)

    one, two = plan[first], plan[second]
    now = clashes(one, first[0], first) + clashes(two, second[0], second)
    return clashes(one, second[0], second) + clashes(two, first[0], first) < now


def _swap(
    load: ClassLoad, plan: dict[Slot, Block], busy: set[tuple[int, int, Slot]], first: Slot, second: Slot
) -> None:
    one, two = plan[first], plan[second]
    mine = {(t, load.shift, first) for t in one.teachers} | {(t, load.shift, second) for t in two.teachers}
    wanted = {(t, load.shift, second) for t in one.teachers} | {(t, load.shift, first) for t in two.teachers}
    if not (wanted - mine) & busy:
        busy -= mine
        busy |= wanted
        plan[first], plan[second] = two, one
