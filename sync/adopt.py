"""After an upgrade: what newer releases had sent before this one knew it was kept in the log; here it is shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Protocol

from sqlite_utils import Database

from shared.db import transaction
from shared.schema import TABLES, VERSION, Table
from sync import digest, gate
from sync.apply import Key, RowWrite, Store
from sync.log import NodeLog, shipped
from sync.merge import Lineage, Shown, resolve
from sync.state import State


class Adopter(Store, Protocol):
    """A store that finds rows by what its log says of them."""

    def take_up(self, table: Table) -> Collection[Key]:
        """The keys of the rows of a table that was unknown so far; from here on they are kept as all others are."""

    def naming(self, table: Table, columns: Collection[int]) -> Collection[Key]:
        """The keys of the rows of which a change names one of these columns."""


def adopt(store: Adopter, since: int, lineage: Lineage) -> None:
    """Write what the log holds of tables and columns newer than a schema version, inside the caller's transaction."""
    sums: digest.Sums = {}
    for table in TABLES:
        rows = list(_rows(store, table, since, lineage))
        for row in rows:
            before = None if row.before is None else row.before.values
            digest.move(sums, table, row.key, before, row.after.values)
        store.write(table, rows)
    store.add_to_digest(sums)


def _rows(store: Adopter, table: Table, since: int, lineage: Lineage) -> Iterator[RowWrite]:
    older = _as_of(table, since)
    if older is None:
        keys = store.take_up(table)
    elif older is not table:
        keys = store.naming(table, {c.number for c in table.columns} - {c.number for c in older.columns})
    else:
        keys = ()
    for key, entries in store.histories(table.number, keys).items():
        before = None if older is None else resolve(older, entries, lineage)
        yield RowWrite(key, before, _storable(table, resolve(table, entries, lineage)))
    yield from _shipped_rows(store, table, lineage, {*keys})


def _as_of(table: Table, version: int) -> Table | None:
    """The table as a release of this schema version knew it; None: not at all."""
    if table.since > version:
        return None
    known = tuple(c for c in table.all_columns if c.since <= version)
    return table if len(known) == len(table.all_columns) else replace(table, all_columns=known)


def _storable(table: Table, shown: Shown) -> Shown:
    """Nobody checked the types of values while their column was unknown; what does not fit is left at its default."""
    fitting = {n: v for n, v in shown.values.items() if table.value_by_number[n].has_type_of(v)}
    return Shown(fitting, shown.conflicts)


def _shipped_rows(store: Adopter, table: Table, lineage: Lineage, done: set[Key]) -> Iterator[RowWrite]:
    """Rows that ship with this release and that the hub had corrected before they were here."""
    keys = [key for number, key in shipped() if number == table.number and key not in done]
    for key, entries in store.histories(table.number, keys).items():
        if any(e.origin or e.number for e in entries):
            yield RowWrite(key, Shown({}), resolve(table, entries, lineage))


def adopt_in_node(db: Database) -> None:
    """Bring a node's rows to this release; a no-op when they are."""
    if int(State(db).shows) >= VERSION:
        return
    with transaction(db):
        state, log = State(db), NodeLog(db)
        log.apply_mode()
        adopt(log, int(state.shows), log.lineage())
        if gate.is_new_since(int(state.shows)):
            gate.hold_all(log)
        log.capture_mode()
        # What is counted from rows that only show now, or only now at all, is counted anew.
        state.derived_to = 0
        state.shows = VERSION
