"""Changes that are written anew: their rows bear new ids, and some stand in the stream already under another name.

A hub that was put back may accept another branch of a line than the one it had before. A copy that holds the one before
writes it anew; then a node shows its receipts, and it has its places again. The hub sets aside what might stand there
twice (`hub.completing`), and whoever holds that recognises it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.schema import BY_NAME, BY_NUMBER, Column, Table, Value
from sync.change import Change

Place = tuple[int, int]
"""An origin and a number in it."""
Row = tuple[str, int]
"""Table and id."""


@dataclass
class Recognised:
    """Of changes without a place: where they stand in the stream; of rows minted in them: the ids they have there."""

    places: dict[Place, Place] = field(default_factory=dict)
    ids: dict[Row, int] = field(default_factory=dict)

    def compare(
        self,
        origin: int,
        ours: Sequence[Change],
        other: int,
        theirs: Sequence[Change],
        stands: Callable[[str, int], bool],
    ) -> None:
        """Note how far two branches that leave one point are one: but for minted ids and values that were erased.

        ``stands``: does a row stand without what is written anew?
        """
        for a, b in zip(ours, theirs, strict=False):
            ids = self.ids | _minted_twice(a, b, self.ids, stands)
            if not _is_one(renamed(a, ids), b):
                return
            self.ids = ids
            self.places[origin, a.number] = other, b.number


def _minted_twice(
    a: Change, b: Change, ids: Mapping[Row, int], stands: Callable[[str, int], bool]
) -> dict[Row, int]:
    table = BY_NUMBER.get(a.table)
    if table is None or table.key != ("id",) or a.table != b.table or a.key == b.key:
        return {}
    row = table.name, a.key[0]
    return {} if row in ids or stands(*row) else {row: b.key[0]}


def _is_one(ours: Change, theirs: Change) -> bool:
    return (
        replace(ours, number=0, values={}) == replace(theirs, number=0, values={})
        and ours.values.keys() == theirs.values.keys()
        and all(
            v == theirs.values[n] or v is None or theirs.values[n] is None for n, v in ours.values.items()
        )
    )


def renamed(change: Change, minted: Mapping[Row, int]) -> Change:
    """With the new ids of rows in its key and in what it refers to."""
    table = BY_NUMBER.get(change.table)
    if table is None or not minted:
        return change

    def of(column: Column, value: Value) -> Value:
        if column.soft or not isinstance(value, int):
            return value
        target = _minting_table(column, table)
        return minted.get((target, value), value) if target else value

    key = tuple(int(str(of(c, part))) for c, part in zip(table.key_columns, change.key, strict=True))
    values = {
        n: of(table.value_by_number[n], v) if n in table.value_by_number else v
        for n, v in change.values.items()
    }
    actor = minted.get(("account", change.actor or 0), change.actor)
    return replace(change, key=key, values=values, actor=actor)


def _minting_table(column: Column, table: Table) -> str | None:
    """The table whose ids a column holds: its own for an ``id``; a pupil or a staff member has the id of the person."""
    if column.name == "id" and table.key == ("id",):
        return table.name
    name = column.references
    while name is not None and BY_NAME[name].key != ("id",):
        key = BY_NAME[name].key_columns
        name = key[0].references if len(key) == 1 else None
    return name
