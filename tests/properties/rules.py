"""The rules of merging as an executable model (docs/protocol.md, section 14), written apart from `sync.merge`.

Each rule of the model can be left out, which must be noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.schema import BY_NUMBER, RETIRED

RULES = frozenset(
    {
        "seen",  # what an author had seen is replaced, whatever the clocks say
        "lineage",  # a line that goes on under a new name has seen what it wrote before
        "units",  # columns of a merge unit are replaced together
        "retirement",  # a retirement apart from an edit is a conflict
        "erasure",  # what was written without knowledge of an erasure stays blank
        "cut before apply",  # uncut changes have seen nothing of what arrives
        "compare changes",  # of a refused line, what the accepted one holds too is dropped
        "derived names",  # twins write their lines anew under the same names
        "refuse forks",  # one line under one name
        "new incarnation",  # an old copy goes on under a new name
        "not far ahead",  # a stamp far ahead is not followed
        "revocation",  # a revoked node gives nothing and gets nothing
        "new epoch",  # what is written after a revocation is sealed with a new key
    }
)

Key = tuple[int, tuple[int, ...]]
"""A row: number of its table, parts of its key."""
Row = dict[int, Any]
Line = tuple[int, int]
"""An origin and a number in it."""


@dataclass(frozen=True)
class Change:
    """One change of a row; ``uid`` stays the same when it is written anew under another name."""

    number: int
    clock: int
    actor: int
    row: Key
    values: Mapping[int, Any]
    erase: bool
    uid: int = field(compare=False)

    def fact(self, origin: int) -> tuple[int, dict[str, Any]]:
        values = [list(v) for v in sorted(self.values.items())]
        named = {"number": self.number, "clock": self.clock, "actor": self.actor, "table": self.row[0]}
        return origin, named | {"key": list(self.row[1]), "values": values, "erase": self.erase}


@dataclass(frozen=True)
class Changeset:
    """Changes of one origin; what is cut twice is never the same (``hash``), what is written anew twice is.

    ``node``: the key of who wrote it.
    """

    origin: int
    previous: object
    seen: int
    epoch: int
    school_key: int
    continues: Line | None
    changes: tuple[Change, ...]
    hash: object
    node: bytes = b""

    first = property(lambda self: self.changes[0].number)
    last = property(lambda self: self.changes[-1].number)


@dataclass(frozen=True)
class Entry:
    """A change with its place: position in the stream, and how far its author had seen."""

    change: Change
    origin: int
    position: int
    seen: int


# -- what a row shows --------------------------------------------------------------------------------------------


@dataclass
class View:
    """What all rows show: values that are not at their default, and the merge units in conflict."""

    rows: dict[Key, Row] = field(default_factory=dict)
    conflicts: set[tuple[Key, str]] = field(default_factory=set)
    heads: dict[tuple[Key, str], frozenset[int]] = field(default_factory=dict)


def saw(x: Entry, h: Entry, lineage: Mapping[int, Line], rules: frozenset[str]) -> bool:
    """Had the author of x seen h?"""
    if "seen" in rules and h.position <= x.seen:
        return True
    origin, number = x.origin, x.change.number
    while origin != h.origin:
        if origin not in lineage or "lineage" not in rules:
            return False
        origin, number = lineage[origin][0], lineage[origin][1] + 1
    return h.change.number < number


def view(entries: Iterator[Entry], lineage: Mapping[int, Line], rules: frozenset[str]) -> View:
    """What these entries show together."""
    by_row: dict[Key, list[Entry]] = {}
    for entry in entries:
        by_row.setdefault(entry.change.row, []).append(entry)
    shown = View()
    for row, some in by_row.items():
        shown.rows[row] = {}
        table = BY_NUMBER[row[0]]
        for unit, columns in table.units.items():
            wholes = [columns] if "units" in rules else [(c,) for c in columns]
            for whole in wholes:
                _show_unit(shown, row, unit, {c.number: c.default for c in whole}, some, lineage, rules)
    return shown


def _show_unit(
    shown: View,
    row: Key,
    unit: str,
    defaults: Row,
    entries: Sequence[Entry],
    lineage: Mapping[int, Line],
    rules: frozenset[str],
) -> None:
    named = [e for e in entries if not defaults.keys().isdisjoint(e.change.values)]
    if not named:
        return
    last: Callable[[Entry], Any] = lambda e: (e.change.clock, e.origin, e.change.number)  # noqa: E731
    sees: Callable[[Entry, Entry], bool] = lambda x, h: saw(x, h, lineage, rules)  # noqa: E731
    heads = [h for h in named if not any(sees(x, h) for x in named if x is not h)]
    erasing = [e for e in named if e.change.erase]
    if erasing and "erasure" in rules:
        heads = [h for h in heads if h.change.erase or all(sees(h, e) for e in erasing)]
        heads = heads or [max(erasing, key=last)]
    halves = {tuple(h.change.values.get(n, d) for n, d in defaults.items()) for h in heads}
    winner = max(heads, key=last)
    for number, default in defaults.items():
        value = winner.change.values.get(number, default)
        if value != default:
            shown.rows[row][number] = value
    shown.heads[row, unit] = frozenset(h.change.uid for h in heads)
    conflict = len(halves) > 1
    if RETIRED in defaults and shown.rows[row].get(RETIRED) is not None and "retirement" in rules:
        edits = [x for x in entries if x.change.values.get(RETIRED) is None]
        retirements = [h for h in heads if h.change.values.get(RETIRED) is not None]
        conflict |= any(not sees(x, r) and not sees(r, x) for r in retirements for x in edits)
    if conflict:
        shown.conflicts.add((row, unit))
