"""What must hold at the end of a history, and whenever a sync says that it is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from hub import checks as hub_checks
from hub.storage import Hub
from shared.schema import BY_NAME, BY_NUMBER, TABLES, Table
from sync.capture import decode_values
from sync.checks import verify_chain
from sync.log import NodeLog
from tests.properties import model
from tests.properties.acts import CELLS
from tests.properties.machines import hub_connection
from tests.properties.rules import Entry, Key, Row, View

if TYPE_CHECKING:
    from tests.properties.histories import School

Rows = list[tuple[str, tuple[Any, ...]]]


# -- dumps, by SQL of their own ----------------------------------------------------------------------------------


@cache
def _selects(where: str, district: bool) -> tuple[tuple[str, str], ...]:
    found = []
    for table in TABLES:
        if table.on_hub or not district:
            columns = table.open_columns if district else table.columns
            key = [f't."{k}"' for k in table.key]
            names = ", ".join([*key, *(f't."{c.name}"' for c in columns)])
            found.append(
                (
                    table.name,
                    f'SELECT {names} FROM "{table.name}" t {where.format(key[0])} ORDER BY {", ".join(key)}',
                )
            )
    return tuple(found)


def everything(db: Database) -> Rows:
    """All rows of a machine."""
    return [(name, row) for name, sql in _selects("", False) for row in db.conn.execute(sql)]


def district(db: Database, tables: Collection[str] = BY_NAME) -> Rows:
    """The rows of a machine, of these tables, as the district may see them."""
    selects = _selects("WHERE {} >> 32 <> 0", True)
    return [(name, row) for name, sql in selects if name in tables for row in db.conn.execute(sql)]


def district_of_hub(hub: Hub, school: int, tables: Collection[str] = BY_NAME) -> Rows:
    """The same rows as the hub shows them."""
    selects = _selects("JOIN origin o ON {} BETWEEN o.low AND o.high WHERE o.school = ?", True)
    conn = hub_connection(hub).conn
    return [(n, row) for n, sql in selects if n in tables for row in conn.execute(sql, (school,))]


# -- the engine beside the model ---------------------------------------------------------------------------------


def require_same(db: Database, view: View) -> None:
    """Does the machine show what the model says: every row, every value, every conflict?"""
    shown: dict[Key, Row] = {}
    for number in sorted({number for number, _ in view.rows}):
        table = BY_NUMBER[number]
        width = len(table.key)
        for row in db.conn.execute(_shown_sql(table)):
            values = {c.number: v for c, v in zip(table.columns, row[width:], strict=True) if v != c.default}
            shown[number, row[:width]] = values
    assert shown == view.rows, f"rows differ from the model's: {_difference(shown, view.rows)}"
    log = NodeLog(db)
    conflicts = {
        ((number, log.key_of(BY_NUMBER[number], rid)), unit)
        for number, rid, unit in db.conn.execute("SELECT tbl, key, unit FROM conflict")
    }
    assert conflicts == view.conflicts, "other conflicts than the model's"


@cache
def _shown_sql(table: Table) -> str:
    names = ", ".join(f'"{n}"' for n in (*table.key, *(c.name for c in table.columns)))
    return f'SELECT {names} FROM "{table.name}" WHERE "{table.key[0]}" >> 32 <> 0'


def _difference(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> list[Any]:
    return [(k, a.get(k), b.get(k)) for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k)][:3]


# -- the end -----------------------------------------------------------------------------------------------------


def judge(hub: Hub, school: School, known: Mapping[int, frozenset[int]]) -> None:
    """AssertionError unless all nodes are equal, the hub agrees, all is whole, and nothing is lost or hidden."""
    live = school.live
    dumps = [everything(m.db) for m in live]
    assert all(d == dumps[0] for d in dumps), "nodes of one school differ"
    assert district(live[0].db) == district_of_hub(hub, school.id), "node and hub differ"
    flaws = [*hub_checks.verify(hub, school.id), *(f for m in live for f in verify_chain(m.db))]
    assert not flaws, flaws
    for machine in live:
        assert machine.db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert machine.db.execute("SELECT count(*) FROM quarantine").fetchone()[0] == 0, (
            "a changeset is set aside"
        )
        require_same(machine.db, school.link.school.view())
    # Once a hub was put back, what was written in between counts as less than its author knew: nothing is hidden by
    # it, though more may be in conflict.
    _require_causality(school.link.school, known, exact=not school.is_put_back)
    _require_values(school, live[0].db)


def _require_causality(hub: model.Hub, known: Mapping[int, frozenset[int]], exact: bool) -> None:
    """Against what each author really had: exactly what nobody replaced remains, shown or in conflict."""
    named: dict[tuple[Key, str], list[Entry]] = {}
    for entry in hub.entries():
        table = BY_NUMBER[entry.change.row[0]]
        for unit, columns in table.units.items():
            if any(c.number in entry.change.values for c in columns):
                named.setdefault((entry.change.row, unit), []).append(entry)
    heads = hub.view().heads
    for place, entries in named.items():
        table = BY_NUMBER[place[0][0]]
        counted = table.is_derived(c.number for c in table.units[place[1]])
        if any(e.change.erase for e in entries) or counted:
            continue
        present = {e.change.uid for e in entries}
        expected = {u for u in present if not any(u in known[v] for v in present if v != u)}
        agree = heads[place] == expected if exact else heads[place] >= expected
        assert agree, f"causality of {place}"


def _require_values(school: School, db: Database) -> None:
    """Every token stands in the log, in one row; none that its successor's author had seen is shown."""
    places: dict[Any, set[tuple[str, int]]] = {}
    for name, column in CELLS:
        table = BY_NAME[name]
        number = table.by_name[column].number
        for rid, shown in db.execute(f'SELECT {table.row_id}, "{column}" FROM {name}').fetchall():
            written = set(_values(db, table, rid, number))
            for token in written & school.truth.keys():
                places.setdefault(token, set()).add((name, rid))
            hiding = {t for t in written if shown in school.truth and shown in school.truth.get(t, ())}
            fine = not hiding or shown in school.decided or school.is_put_back
            assert fine, f"{shown} hides {hiding} of {name}.{column}"
    assert all(len(rows) == 1 for rows in places.values()), "a value stands in two rows"
    lost = school.truth.keys() - places.keys() - school.doomed - _erased(school.link.school)
    assert not lost, f"lost: {sorted(map(str, lost))[:5]}"


def _erased(hub: model.Hub) -> set[Any]:
    """Values of columns of which something was erased: they may be gone from every log."""
    entries = list(hub.entries())
    columns = {(e.change.row, n) for e in entries if e.change.erase for n in e.change.values}
    return {v for e in entries for n, v in e.change.values.items() if (e.change.row, n) in columns}


def _values(db: Database, table: Table, rid: int, number: int) -> Iterator[Any]:
    for (vals,) in db.conn.execute("SELECT vals FROM change WHERE tbl = ? AND key = ?", (table.number, rid)):
        values = decode_values(vals)
        if number in values:
            yield values[number]
