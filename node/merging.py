"""Merging two rows of one person: everything follows to the row that is kept, the other is retired.

For people entered twice, and for the account with which a school was set up when it is told whose it is. One act,
marked, so that it can be found and undone as a whole (`sync.undo`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import frozen
from node.people.queries import number_of
from shared.problems import InvalidValue, NotFound
from shared.schema import BY_NAME, TABLES, Column, Table, Value
from shared.tables import quoted
from sync.undo import Act, Undone, marked_act, note_act, plan_undo, undo
from sync.writer import Writer

OPENING = ("appointment", "account")
"""Tables whose rows open the school's books to a person."""
PERSONS = ("person", "pupil", "staff")
"""Tables whose row is a person's: a reference to one of them is one to the person."""
_FIRST = ("consent", "pupil", "staff", "guardian")
"""Consents come first, for names follow them; then the rows to which others refer."""


def merge(w: Writer, kept: int, other: int) -> int:
    """Merge another row of a person into the kept one; returns the mark of the act.

    What the kept row says stands; its gaps are filled from the other. NotFound, InvalidValue: the same row twice.
    """
    if kept == other:
        raise InvalidValue(table="person", column="id", value=other)
    rows = [_row(w.db, BY_NAME["person"], (person,)) for person in (kept, other)]
    if None in rows or any(row["retired_at"] is not None for row in rows if row):
        raise NotFound()
    mark = note_act(w, "merge", f"№ {number_of(kept)} ← № {number_of(other)}")
    filled = _gaps(BY_NAME["person"], rows[0] or {}, rows[1] or {})
    _drop_double_rolls(w, kept, other)
    for table in sorted(TABLES, key=lambda t: _FIRST.index(t.name) if t.name in _FIRST else len(_FIRST)):
        for column in () if table.derived else table.all_columns:
            if column.references in PERSONS:
                _follow(w, table, column, kept, other)
    w.retire("person", other)
    _fill(w, BY_NAME["person"], (kept,), filled)
    frozen.follow(w, None)
    return mark


def take_back(w: Writer, mark: int) -> Undone:
    """Undo a merge; what someone wrote since is left alone and told. NotFound."""
    act = _merge_of(w.db, mark)
    done = undo(w, act)
    frozen.follow(w, None)
    return done


@dataclass(frozen=True)
class Parting:
    """Whose records undoing a merge would part, and whether a duty or an account would pass from one to the other."""

    people: frozenset[int]
    hands_over: bool


def parting(db: Database, mark: int) -> Parting:
    """What undoing a merge would do to whom. NotFound."""
    act = _merge_of(db, mark)
    plan = plan_undo(db, act)
    touched: set[int] = set()
    for name, key, unit in (*plan.restore, *((name, key, "retired_at") for name, key in plan.retire)):
        table = BY_NAME[name]
        columns = [c.name for c in (*table.key_columns, *table.units[unit]) if c.references in PERSONS]
        for values in (_row(db, table, key) or {}, plan.restore.get((name, key, unit), {})):
            touched |= {value for value in map(values.get, columns) if isinstance(value, int)}
        touched |= {key[0]} if name == "person" else set()
    # Its label names the two; what followed one to the other names others, too: children, parents.
    numbers = {int(number) for number in re.findall(r"\d+", act.label)}
    people = frozenset(person for person in touched if number_of(person) in numbers)
    return Parting(people, any(name in OPENING for name, _, _ in plan.restore))


def hands_over(db: Database, other: int, today: int) -> bool:
    """Would merging a row into another give that one a duty of today or later, or an account that opens?"""
    sql = """SELECT 1 FROM appointment WHERE person = :p AND retired_at IS NULL AND ("end" IS NULL OR "end" > :today)
             UNION SELECT 1 FROM account WHERE person = :p AND retired_at IS NULL AND disabled = 0"""
    return db.execute(sql, {"p": other, "today": today}).fetchone() is not None


def _merge_of(db: Database, mark: int) -> Act:
    try:
        act = marked_act(db, mark)
    except InvalidValue as error:
        raise NotFound() from error
    if act.kind != "merge" or act.undone:
        raise NotFound()
    return act


def _drop_double_rolls(w: Writer, kept: int, other: int) -> None:
    """Who stands on a roll twice stands there once: the other row's enrolment goes, and its arrival with it."""
    sql = """SELECT o.id, o.start, o.class_group FROM enrolment o WHERE o.pupil = :other AND o.retired_at IS NULL
      AND EXISTS (SELECT 1 FROM enrolment k WHERE k.pupil = :kept AND k.retired_at IS NULL
        AND k.start < ifnull(o."end", k.start + 1) AND o.start < ifnull(k."end", o.start + 1))"""
    for enrolment, start, class_group in w.db.execute(sql, {"kept": kept, "other": other}).fetchall():
        w.retire("enrolment", enrolment)
        lines = w.db.execute(
            """SELECT id FROM movement WHERE pupil = ? AND kind = 'arrived' AND date = ? AND to_class = ?
               AND retired_at IS NULL""",
            (other, start, class_group),
        ).fetchall()
        for (line,) in lines:
            w.retire("movement", line)


def _follow(w: Writer, table: Table, column: Column, kept: int, other: int) -> None:
    """Let the living rows of a table that refer to the other person refer to the kept one."""
    keys = ", ".join(map(quoted, table.key))
    sql = f"SELECT {keys} FROM {quoted(table.name)} WHERE {quoted(column.name)} = ? AND retired_at IS NULL"
    for key in w.db.execute(sql, (other,)).fetchall():
        if column.name not in table.key:
            w.change(table, key, {column.name: kept})
            continue
        moved = tuple(
            kept if name == column.name else value for name, value in zip(table.key, key, strict=True)
        )
        row, there = _row(w.db, table, key), _row(w.db, table, moved)
        assert row is not None
        if table.name == "guardian" and len(set(moved)) < len(moved):
            w.retire(table.name, *key)
            continue
        w.retire(table.name, *key)
        if there is None or there["retired_at"] is not None:
            values = {c.name: row[c.name] for c in table.columns if c.name != "retired_at"}
            _put(w, table, moved, values)
        else:
            _fill(w, table, moved, _gaps(table, there, row))


def _put(w: Writer, table: Table, key: tuple[int, ...], values: Mapping[str, Value]) -> None:
    given = {name: value for name, value in values.items() if value is not None}
    w.put(table.name, **dict(zip(table.key, key, strict=True)), **given)


def _fill(w: Writer, table: Table, key: tuple[int, ...], values: Mapping[str, Value]) -> None:
    if values:
        w.change(table, key, values)


def _gaps(table: Table, there: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Value]:
    """What one row says where the other says nothing."""
    return {
        c.name: row[c.name]
        for c in table.columns
        if c.name != "retired_at" and there[c.name] in (None, "") and row[c.name] not in (None, "")
    }


def _row(db: Database, table: Table, key: tuple[int, ...]) -> Mapping[str, Any] | None:
    where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
    rows = db.query(f"SELECT * FROM {quoted(table.name)} WHERE {where}", key)
    return next(iter(rows), None)
