"""Applies changesets to a store, the same way on a node and on the hub.

Resolve the rows they touch, write differences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.problems import ForeignRow
from shared.schema import BY_NUMBER, Table, Value
from sync import digest
from sync.change import Change
from sync.codec import Envelope
from sync.merge import Entry, Lineage, Shown, resolve

Key = tuple[int, ...]


@dataclass(frozen=True)
class Delivered:
    """A verified changeset with its changes and its place in its stream.

    The receipt is the hub's word for the place. ``seen``: how far its author had seen the stream, where that is less
    than its header says; None: as that says.
    """

    envelope: Envelope
    position: int
    changes: Sequence[Change]
    receipt: bytes = b""
    seen: int | None = None


@dataclass(slots=True)
class RowWrite:
    """A row to write: what it shows, and what it showed before (None: it is new)."""

    key: Key
    before: Shown | None
    after: Shown


class Store(Protocol):
    """What applying needs of a node's or the hub's database."""

    def histories(self, table: int, keys: Collection[Key]) -> dict[Key, list[Entry]]:
        """The entries known of these rows; rows without any are left out."""

    def write(self, table: Table, rows: Sequence[RowWrite]) -> None:
        """Write what changed of these rows, and note their conflicts."""

    def append(self, delivered: Sequence[Delivered]) -> None:
        """Add the changes to the log."""

    def add_to_digest(self, sums: digest.Sums) -> None:
        """Add to the stored digest sums."""


def apply(store: Store, delivered: Sequence[Delivered], lineage: Lineage) -> int:
    """Apply changesets in stream order inside the caller's transaction; returns the number of changes."""
    touched: dict[int, dict[Key, list[Entry]]] = {}
    for changeset in delivered:
        for change in changeset.changes:
            touched.setdefault(change.table, {}).setdefault(change.key, []).append(entry(changeset, change))
    sums: digest.Sums = {}
    for number in sorted(touched):
        table = BY_NUMBER.get(number)
        if table is not None:
            _apply_rows(store, table, touched[number], lineage, sums)
    store.append(delivered)
    store.add_to_digest(sums)
    return sum(len(changeset.changes) for changeset in delivered)


def _apply_rows(
    store: Store, table: Table, news: dict[Key, list[Entry]], lineage: Lineage, sums: digest.Sums
) -> None:
    known = store.histories(table.number, news.keys())
    rows = []
    for key, entries in news.items():
        old = known.get(key)
        before = resolve(table, old, lineage) if old else None
        after = resolve(table, [*old, *entries] if old else entries, lineage)
        if before is None or before.values != after.values or before.conflicts != after.conflicts:
            rows.append(RowWrite(key, before, after))
            digest.move(sums, table, key, None if before is None else before.values, after.values)
    store.write(table, rows)


def entry(changeset: Delivered, change: Change) -> Entry:
    """A delivered change as an entry of its row."""
    return Entry(
        change.clock,
        changeset.envelope.header.origin,
        change.number,
        changeset.position,
        changeset.envelope.header.seen if changeset.seen is None else changeset.seen,
        change.values,
        change.erase,
        change.actor,
    )


def require_own_rows(changes: Iterable[Change], school_origins: Collection[int]) -> None:
    """Raise ForeignRow unless every row is the school's own and every reference leads to its own or a reference row."""
    readable = {0, *school_origins}
    for change in changes:
        table = BY_NUMBER.get(change.table)
        if table is None:
            continue
        if change.key[0] >> 32 not in school_origins:
            raise ForeignRow()
        for column, part in zip(table.key_columns[1:], change.key[1:], strict=True):
            _require_reference(column.references, column.soft, part, readable)
        for number, value in change.values.items():
            known = table.value_by_number.get(number)
            if known is not None:
                _require_reference(known.references, known.soft, value, readable)


def _require_reference(references: str | None, soft: bool, value: Value, readable: Collection[int]) -> None:
    if references and not soft and isinstance(value, int) and value >> 32 not in readable:
        raise ForeignRow()
