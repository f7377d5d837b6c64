"""The consent gate: a personal column of a row shows only while a consent of the person for its purpose is on record.

A photo asks for one to the core record, too (`RESTS_ON`).

On record means: written down, not withdrawn, not retired, whatever its dates. That is a function of the merged rows
alone, so every node of a school shows the same whatever the order of arrival and whatever its clock says. Dates govern
use: pages and new writes ask `has_consent` for a day (`sync.writer`). What the gate hides stays in the log, sealed in
its changeset, and shows as soon as a consent arrives; only an erasure takes it out (`sync.erasure`).

Called wherever rows come to show something else: at the end of a write, of an apply, of taking changes out, of an
upgrade. It writes no log: what a row shows follows from what the log holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Protocol

from sqlite_utils import Database

from shared.schema import BY_NAME, BY_NUMBER, TABLES, Table, Value
from shared.tables import quoted
from sync import clock
from sync.apply import Key
from sync.merge import Entry, Lineage, Shown, resolve

CONSENT = BY_NAME["consent"]
_PERSON = CONSENT.by_name["person"].number
GATED = tuple(t for t in TABLES if t.consented)
"""Tables with columns that ask for a consent."""
ON_RECORD = "retired_at IS NULL AND withdrawn_on IS NULL"
"""SQL: does a row of ``consent`` stand, whatever its dates?"""
_COMING_OF_AGE = "strftime('%s', p.birth_date * 86400, 'unixepoch', '+18 years') / 86400"
_THIS_YEAR = "strftime('%Y', :today * 86400, 'unixepoch')"
OWN = "(c.signer IS p.id OR (c.signer IS NULL AND ifnull(c.ground, '') = ''))"
"""SQL: did the person ``p`` sign the consent ``c``? A signer who is not on record stands by a ground of one's own, so a
row with neither is the person's."""
VALID = (
    "c.retired_at IS NULL AND c.withdrawn_on IS NULL AND ifnull(c.valid_from, :today) <= :today "
    "AND ifnull(c.valid_to, :today + 1) > :today AND CASE WHEN p.birth_date IS NOT NULL THEN "
    f"p.birth_date > :today - 6574 OR {_COMING_OF_AGE} > :today OR ({OWN} "
    f"AND ifnull(c.valid_from, :today) >= {_COMING_OF_AGE}) "
    "ELSE p.birth_year IS NULL OR p.birth_year > :today / 365 + 1951 "
    f"OR p.birth_year + 18 >= {_THIS_YEAR} + 0 OR ({OWN} "
    "AND strftime('%Y', ifnull(c.valid_from, :today) * 86400, 'unixepoch') + 0 >= p.birth_year + 18) END"
)
"""SQL: is a consent ``c`` of a person ``p`` good for use on the day ``:today``?

From the 18th birthday on (6574 days are the fewest in 18 years) only what the person signed then or later is. Of whom
the year of birth alone is known, from the year after the 18th birthday on only what the person signed in the year of it
or later (:today / 365 + 1970 is never less than the year).
"""
RESTS_ON = {"photo": ("core",)}
"""Purpose -> others without which it has no force: a face tells who someone is, as a name does."""
_SINCE = 2
"""The schema version with which the gate came; before, what arrived was written as it was."""
_CHUNK = 400
Rows = Mapping[int, Collection[int]]
"""Table number -> local keys."""


class Log(Protocol):
    """What the gate needs of a node's log."""

    db: Database

    def histories(self, table: int, keys: Collection[Key]) -> dict[Key, list[Entry]]: ...

    def keys_of(self, number: int, rids: set[int]) -> dict[int, Key]: ...

    def lineage(self) -> Lineage: ...


def needed(purpose: str) -> tuple[str, ...]:
    """A purpose and those on which it rests: to all of them the person must have consented."""
    return (purpose, *RESTS_ON.get(purpose, ()))


def subject(table: Table) -> str:
    """The column that names the person whose consent a row of a gated table needs."""
    return "id" if table.name == "person" else "person"


def on_record(db: Database, people: Collection[int]) -> dict[int, set[str]]:
    """Person -> purposes for which a consent stands."""
    found: dict[int, set[str]] = {}
    for some in _chunks(sorted(people)):
        sql = f"SELECT person, purpose FROM consent WHERE person IN ({_marks(some)}) AND {ON_RECORD}"
        for person, purpose in db.conn.execute(sql, some):
            found.setdefault(person, set()).add(purpose)
    return found


def people_of(entries: Iterable[Sequence[Entry]]) -> set[int]:
    """The people that a consent's changes ever named: each may have gained or lost by it."""
    named = (e.values.get(_PERSON) for row in entries for e in row)
    return {person for person in named if isinstance(person, int)}


def hold(log: Log, touched: Rows, people: Collection[int] = ()) -> None:
    """Bring gated columns to what may show, after these rows were written; inside the caller's transaction.

    The log must be out of capture mode. ``people``: further ones of whom a consent came or went.
    """
    rows = {t.number: set(touched.get(t.number, ())) for t in GATED}
    keys = log.keys_of(CONSENT.number, set(touched.get(CONSENT.number, ())))
    concerned = {*people, *people_of(log.histories(CONSENT.number, keys.values()).values())}
    for table in GATED:
        for some in _chunks(sorted(concerned)):
            sql = (
                f"SELECT {quoted(table.row_id)} FROM {quoted(table.name)} "
                f"WHERE {quoted(subject(table))} IN ({_marks(some)})"
            )
            rows[table.number].update(rid for (rid,) in log.db.conn.execute(sql, some))
    for number, rids in rows.items():
        if rids:
            _hold_rows(log, BY_NUMBER[number], rids)


def is_new_since(version: int) -> bool:
    """Did releases of this schema version know no gate, or not all the columns that it holds now?"""
    return version < _SINCE or any(c.since > version for t in GATED for c in t.consented)


def hold_all(log: Log) -> None:
    """Bring every gated column to what may show."""
    for table in GATED:
        rids = {r for (r,) in log.db.conn.execute(f"SELECT {quoted(table.row_id)} FROM {quoted(table.name)}")}
        _hold_rows(log, table, rids)


def _hold_rows(log: Log, table: Table, rids: set[int]) -> None:
    gated = _gated_part(table)
    lineage = log.lineage()
    stored = dict(_stored(log.db, table, rids))
    may = on_record(log.db, {person for person, _ in stored.values() if person is not None})
    keys = {rid: key for rid, key in log.keys_of(table.number, rids).items() if rid in stored}
    histories = log.histories(table.number, keys.values())
    for rid, key in keys.items():
        person, values = stored[rid]
        shown = _may_show(gated, resolve(gated, histories.get(key, []), lineage), may.get(person or 0, set()))
        wanted = [_storable(table, shown, c.number) for c in table.consented]
        if wanted != values:
            sets = ", ".join(f"{quoted(c.name)} = ?" for c in table.consented)
            log.db.conn.execute(
                f"UPDATE {quoted(table.name)} SET {sets} WHERE {quoted(table.row_id)} = ?", (*wanted, rid)
            )
        _hold_conflicts(log.db, gated, rid, shown)


_PARTS: dict[str, Table] = {}


def _gated_part(table: Table) -> Table:
    """The table with its key and its gated columns alone."""
    if table.name not in _PARTS:
        _PARTS[table.name] = replace(table, all_columns=(*table.key_columns, *table.consented))
    return _PARTS[table.name]


def _stored(
    db: Database, table: Table, rids: Collection[int]
) -> Iterator[tuple[int, tuple[int | None, list[Value]]]]:
    names = ", ".join(map(quoted, (table.row_id, subject(table), *(c.name for c in table.consented))))
    for some in _chunks(sorted(rids)):
        sql = f"SELECT {names} FROM {quoted(table.name)} WHERE {quoted(table.row_id)} IN ({_marks(some)})"
        for rid, person, *values in db.conn.execute(sql, some):
            yield rid, (person, values)


def _may_show(gated: Table, shown: Shown, purposes: Set[str]) -> Shown:
    hidden = {c for c in gated.columns if not purposes >= {*needed(c.consent or "")}}
    numbers, units = {c.number for c in hidden}, {c.merge_unit for c in hidden}
    return Shown({n: v for n, v in shown.values.items() if n not in numbers}, shown.conflicts - units)


def _storable(table: Table, shown: Shown, number: int) -> Value:
    column = table.value_by_number[number]
    value = shown.values.get(number, column.default)
    return value if column.has_type_of(value) else column.default


def _hold_conflicts(db: Database, gated: Table, rid: int, shown: Shown) -> None:
    """A choice between values of which none may show is nobody's; it comes back with the consent."""
    where = (gated.number, rid)
    listed = {u for (u,) in db.conn.execute("SELECT unit FROM conflict WHERE tbl = ? AND key = ?", where)}
    for unit in listed & gated.units.keys() - shown.conflicts:
        db.conn.execute("DELETE FROM conflict WHERE tbl = ? AND key = ? AND unit = ?", (*where, unit))
    for unit in sorted(shown.conflicts - listed):
        db.conn.execute("INSERT INTO conflict VALUES (?, ?, ?, ?)", (*where, unit, clock.now_ms()))


def _marks(items: Sequence[int]) -> str:
    return ",".join("?" * len(items))


def _chunks(items: Sequence[int]) -> Iterator[Sequence[int]]:
    return (items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK))
