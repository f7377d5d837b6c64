"""What of a person's rows went to the district, row by row: open or sealed, when first and when last.

The hub's receipts bear no time. What is known is when this node learned that the school's stream had arrived as far as
a position (table ``reached``); a row was sent by then, from whichever machine of the school.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.owndata.queries import subjects
from shared.dates import date_of
from shared.schema import TABLES, Column, Table, Value
from shared.tables import quoted

DAY_NOT_KNOWN = 0
"""Sent, by an exchange of which this node kept no time."""


@dataclass(frozen=True)
class Sent:
    """A row about the person: what of it the hub reads, and which columns it holds sealed.

    ``first``, ``last``: the instants by which it was sent for the first and the last time; None while it was not.
    ``waits``: a change of it was not sent yet.
    """

    open: dict[str, Value]
    sealed: tuple[str, ...]
    retired: bool
    first: int | None
    last: int | None
    waits: bool


@dataclass(frozen=True)
class Passed:
    """The rows of one table, with the columns of which the hub reads anything."""

    table: Table
    columns: tuple[Column, ...]
    rows: tuple[Sent, ...]

    @property
    def waiting(self) -> int:
        return sum(row.waits for row in self.rows)

    @property
    def first(self) -> int | None:
        return min((row.first for row in self.rows if row.first), default=None)

    @property
    def last(self) -> int | None:
        return max((row.last for row in self.rows if row.last), default=None)


def passed_on(db: Database, person: int) -> list[Passed]:
    """What of a person leaves the school, table by table, rows that were taken back included."""
    found = []
    for table in TABLES:
        if table.derived or not (names := subjects(table)):
            continue
        columns = tuple(c for c in table.open_columns if table.on_hub and c.name not in ("id", "retired_at"))
        sealed = tuple(c for c in table.all_columns if c.scope == "school")
        # Of what is large only whether it is there.
        listed = [
            *(quoted(c.name) for c in columns),
            *(f"ifnull({quoted(c.name)}, '') <> ''" for c in sealed),
        ]
        where = " OR ".join(f"{quoted(name)} = :person" for name in names)
        wanted = ", ".join([quoted(table.row_id), "retired_at", *listed])
        sql = f"SELECT {wanted} FROM {quoted(table.name)} WHERE {where}"
        rows = db.execute(sql, {"person": person}).fetchall()
        times = _times(db, table, {row[0] for row in rows})
        told = tuple(
            Sent(
                dict(zip((c.name for c in columns), values, strict=False)),
                tuple(c.name for c, there in zip(sealed, values[len(columns) :], strict=True) if there),
                retired is not None,
                *times.get(rid, (None, None, False)),
            )
            for rid, retired, *values in rows
        )
        if told:
            found.append(Passed(table, columns, told))
    return found


def _times(db: Database, table: Table, rids: set[int]) -> dict[int, tuple[int | None, int | None, bool]]:
    """Row -> when first and last sent, and does a change of it wait?"""
    marks = ", ".join(map(str, rids))
    sql = f"SELECT n, key FROM change WHERE key IN ({marks}) AND tbl = {table.number} ORDER BY n"
    sent: dict[int, list[int]] = {}
    waits: set[int] = set()
    last, at = 0, None
    for n, rid in db.execute(sql).fetchall():
        if n > last:
            last, at = _span(db, n)
        if at is None:
            waits.add(rid)
        else:
            sent.setdefault(rid, []).append(at)
    return {
        rid: (min(sent[rid]), max(sent[rid]), rid in waits) if rid in sent else (None, None, rid in waits)
        for rid in rids
    }


def _span(db: Database, n: int) -> tuple[int, int | None]:
    """The last change of the changeset that a change is in, and by when it had been sent; None while it was not."""
    found = db.execute(
        """SELECT local_last, position FROM changeset
           WHERE local_first = (SELECT max(local_first) FROM changeset WHERE local_first <= ?)""",
        (n,),
    ).fetchone()
    if found is None or found[0] < n:
        return n, None
    if found[1] is None:
        return found[0], None
    row = db.execute(
        "SELECT at FROM reached WHERE position >= ? ORDER BY position LIMIT 1", (found[1],)
    ).fetchone()
    return found[0], row[0] if row else DAY_NOT_KNOWN


def as_data(found: Iterable[Passed]) -> dict[str, list[dict[str, Any]]]:
    """The same for a machine: days as dates, instants in milliseconds since 1970, 0 for one that was not kept."""
    return {
        one.table.name: [
            vars(row) | {"open": {c.name: _plain(c, row.open[c.name]) for c in one.columns}}
            for row in one.rows
        ]
        for one in found
    }


def _plain(column: Column, value: Value) -> Value:
    return date_of(value).isoformat() if column.type == "date" and isinstance(value, int) else value
