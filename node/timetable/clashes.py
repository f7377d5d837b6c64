"""Which two lessons of a timetable cannot both be: pure, to be asked of any timetable, real or wished for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.dates import FOREVER

Reason = Literal["teacher", "room", "class"]


@dataclass(frozen=True)
class Entry:
    """A weekly lesson. ``minutes`` are begin and end by the bells, None where no bell rings.

    ``first`` and ``last`` are the days from and to which it holds (last not included). ``pupils`` are those on the
    group's list; None when the group is the whole class. ``together`` names the set of classes that are taught as one
    (a combined class of a small school).
    """

    slot: int
    group: int
    class_group: int | None
    weekday: int
    period: int
    shift: int | None = None
    minutes: tuple[int, int] | None = None
    teacher: int | None = None
    room: int | None = None
    pupils: frozenset[int] | None = None
    first: int = 0
    last: int = FOREVER
    together: int | None = None


@dataclass(frozen=True)
class Clash:
    """Two lessons at the same time with the same teacher, in the same room, or for the same pupils."""

    reason: Reason
    one: Entry
    other: Entry


def meet(one: Entry, other: Entry) -> bool:
    """Are the two held at the same time on some day? By the bells if both have one, else by shift and period."""
    if one.weekday != other.weekday or one.first >= other.last or other.first >= one.last:
        return False
    if one.minutes and other.minutes:
        return one.minutes[0] < other.minutes[1] and other.minutes[0] < one.minutes[1]
    return one.shift == other.shift and one.period == other.period


def are_one(one: Entry, other: Entry) -> bool:
    """Is it one lesson of a combined class: one teacher before both parts of it in one room?

    The subjects may differ: one part reads while the other counts.
    """
    return (
        one.together is not None
        and one.together == other.together
        and one.class_group != other.class_group
        and (one.teacher, one.period) == (other.teacher, other.period)
        and (one.room is None or other.room is None or one.room == other.room)
    )


def share_pupils(one: Entry, other: Entry) -> bool:
    """Has some pupil both lessons?"""
    if one.class_group is None or one.class_group != other.class_group:
        return bool(one.pupils and other.pupils and one.pupils & other.pupils)
    return one.pupils is None or other.pupils is None or bool(one.pupils & other.pupils)


def reasons(one: Entry, other: Entry) -> list[Reason]:
    """Why the two cannot both be; nothing when they can. Whoever is asked first does not matter."""
    if one.slot == other.slot or not meet(one, other) or are_one(one, other):
        return []
    found: list[Reason] = []
    if one.teacher is not None and one.teacher == other.teacher:
        found.append("teacher")
    if one.room is not None and one.room == other.room:
        found.append("room")
    if share_pupils(one, other):
        found.append("class")
    return found


def clashes(entries: Collection[Entry]) -> list[Clash]:
    """Every clash of a timetable, each pair once for each reason."""
    keys: Sequence[Callable[[Entry], Hashable | None]] = (
        lambda entry: entry.teacher,
        lambda entry: entry.room,
        lambda entry: entry.class_group,
    )
    pairs: dict[tuple[int, int], tuple[Entry, Entry]] = {}
    for key in keys:
        for together in _by(entries, key):
            for at, one in enumerate(together):
                for other in together[at + 1 :]:
                    if meet(one, other):
                        low, high = sorted((one, other), key=lambda entry: entry.slot)
                        pairs[low.slot, high.slot] = low, high
    return [Clash(why, one, other) for one, other in pairs.values() for why in reasons(one, other)]


def _by(entries: Iterable[Entry], key: Callable[[Entry], Hashable | None]) -> Iterable[list[Entry]]:
    """Entries of one weekday that have the key in common; those without one are left out."""
    found: dict[tuple[Hashable, int], list[Entry]] = {}
    for entry in entries:
        if key(entry) is not None:
            found.setdefault((key(entry), entry.weekday), []).append(entry)
    return found.values()
