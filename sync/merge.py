"""Merge: a pure function from the entries of a row to what it shows (DESIGN §5, rules proved by the model of the sync).

Per merge unit. A value whose author had seen another replaces it, whatever the clocks say; among values written apart
the one with the greatest (clock, origin, number) shows and the others are a conflict. So is a retirement apart from any
edit of its row. The order of entries does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.schema import RETIRED, Column, Table, Value

NOWHERE = 2**62
"""Position of what has not yet been given a place in the school's stream."""


@dataclass(slots=True)
class Entry:
    """One change of a row, with its place.

    ``position`` in the stream and how far its author had ``seen`` the stream.
    """

    clock: int
    origin: int
    number: int
    position: int
    seen: int
    values: Mapping[int, Value]
    erase: bool = False
    actor: int | None = None
    n: int = 0

    def names(self, columns: tuple[Column, ...]) -> bool:
        """Does it name one of these columns?"""
        return any(c.number in self.values for c in columns)


@dataclass(slots=True)
class Shown:
    """What a row shows: values that are not at their default by column number, and the merge units in conflict."""

    values: dict[int, Value]
    conflicts: set[str] = field(default_factory=set)


Lineage = Mapping[int, tuple[int, int]]
"""Origin -> the origin and number that it continues."""


def saw(x: Entry, h: Entry, lineage: Lineage) -> bool:
    """Had the author of x seen h, an earlier change of its own line or one delivered to it?"""
    return h.position <= x.seen or _own_line(x, h, lineage)


def _own_line(x: Entry, h: Entry, lineage: Lineage) -> bool:
    origin, number = x.origin, x.number
    while origin != h.origin:
        if origin not in lineage:
            return False
        origin, continued = lineage[origin]
        number = continued + 1
    return h.number < number


def resolve(table: Table, entries: Sequence[Entry], lineage: Lineage) -> Shown:
    """What the row shows after these entries; columns this release does not know are left out."""
    shown = Shown({})
    if len({e.origin for e in entries}) <= 1:
        return _resolve_line(table, entries)
    for unit, columns in table.units.items():
        named = [e for e in entries if e.names(columns)]
        if not named:
            continue
        heads = _heads(named, lineage)
        winner = max(heads, key=lambda h: (h.clock, h.origin, h.number))
        _show(shown.values, columns, winner)
        if len(heads) > 1 and len({tuple(_unit_values(columns, h)) for h in heads}) > 1:
            shown.conflicts.add(unit)
    if shown.values.get(RETIRED) is not None and _edited_apart(table, entries, lineage):
        shown.conflicts.add("retired_at")
    return shown


def _resolve_line(table: Table, entries: Sequence[Entry]) -> Shown:
    """What one line of entries shows: of each unit its last word, for which few of a long history must be read."""
    shown = Shown({})
    latest = sorted(entries, key=lambda e: e.number, reverse=True)
    for columns in table.units.values():
        last = next((e for e in latest if e.names(columns)), None)
        if last is not None:
            _show(shown.values, columns, last)
    return shown


def heads_of(table: Table, unit: str, entries: Sequence[Entry], lineage: Lineage) -> list[Entry]:
    """The values of a unit that no other has replaced, the shown one first."""
    columns = table.units[unit]
    heads = _heads([e for e in entries if e.names(columns)], lineage)
    return sorted(heads, key=lambda h: (h.clock, h.origin, h.number), reverse=True)


def _heads(named: Sequence[Entry], lineage: Lineage) -> list[Entry]:
    # The latest have mostly seen the rest: asked first, they spare asking all.
    latest = sorted(named, key=lambda e: e.position, reverse=True)
    heads = [h for h in named if not any(x is not h and saw(x, h, lineage) for x in latest)]
    erasures = [e for e in named if e.erase]
    if erasures:
        # What was written without knowledge of an erasure is blanked on arrival.
        heads = [h for h in heads if h.erase or all(saw(h, e, lineage) for e in erasures)]
        return heads or [max(erasures, key=lambda e: (e.clock, e.origin, e.number))]
    return heads


def _unit_values(columns: tuple[Column, ...], entry: Entry) -> list[Value]:
    """A change that names one column of a unit sets all of it; those unnamed are at their default."""
    return [entry.values.get(c.number, c.default) for c in columns]


def _show(values: dict[int, Value], columns: tuple[Column, ...], winner: Entry) -> None:
    for column, value in zip(columns, _unit_values(columns, winner), strict=True):
        if value != column.default:
            values[column.number] = value


def _edited_apart(table: Table, entries: Sequence[Entry], lineage: Lineage) -> bool:
    """Was the row edited by someone who knew nothing of its retirement, unknown to who retired it last?"""
    retirements = heads_of(table, "retired_at", entries, lineage)
    return any(
        not saw(x, r, lineage) and not saw(r, x, lineage)
        for r in retirements
        for x in entries
        if r.values.get(RETIRED) is not None and x is not r and x.values.get(RETIRED) is None
    )
