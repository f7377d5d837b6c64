"""What people do in a history: every value is one of its own, so that it tells who wrote it and what they had seen."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from shared.schema import BY_NAME, BY_NUMBER, Value
from sync.erasure import erase_cells
from sync.log import NodeLog
from sync.writer import Writer

if TYPE_CHECKING:
    from tests.properties.histories import Machine, School, World

CELLS = (
    ("class_group", "letter"),
    ("movement", "date"),
    ("movement", "note"),
    ("term_result", "value"),
    ("term_result", "reason"),
    ("mark", "value"),
    ("mark", "comment"),
)
"""Where tokens stand: cells of the district and sealed ones, units of one column and of several."""
RETIRABLE = ("movement", "mark", "term_result", "class_group")
Act = Callable[["Acting"], None]


class Acting:
    """One transaction of one person on one machine."""

    def __init__(self, world: World, school: School, machine: Machine, w: Writer) -> None:
        self.world, self.school, self.machine, self.db, self.w = world, school, machine, machine.db, w
        self.random: Random = world.random
        self.token = next(world.tokens)

    def rows(self, table: str) -> list[tuple[int, ...]]:
        return keys_of(self.db, table)

    def a_row(self, table: str) -> tuple[int, ...] | None:
        rows = self.rows(table)
        return self.random.choice(rows) if rows else None

    def note(self, table: str, key: tuple[int, ...], column: str, token: Any) -> Any:
        self.world.note(self.school, self.db, table, key, column, token)
        return token

    def lesson(self) -> tuple[int, int]:
        group, pupil = self.random.choice(self.rows("subject_group_pupil"))
        return group, pupil


def add_class(a: Acting) -> None:
    row = a.w.insert("class_group", letter=letters(a.token))
    a.note("class_group", (row,), "letter", letters(a.token))


def add_movement(a: Acting) -> None:
    (group,) = a.random.choice(a.rows("class_group"))
    row = a.w.insert("movement", date=a.token, from_class=group)
    a.note("movement", (row,), "date", a.token)


def add_class_with_movement(a: Acting) -> None:
    """Two rows of one transaction, one of which leads to the other."""
    group = a.w.insert("class_group", letter=letters(a.token))
    row = a.w.insert("movement", note=f"note {a.token}", to_class=group)
    a.note("class_group", (group,), "letter", letters(a.token))
    a.note("movement", (row,), "note", f"note {a.token}")


def correct_movement(a: Acting) -> None:
    if row := a.a_row("movement"):
        named: dict[str, Value] = {}
        if a.random.random() < 0.7:
            named["date"] = a.note("movement", row, "date", a.token)
        if a.random.random() < 0.5:
            named["note"] = a.note("movement", row, "note", f"note {a.token}")
        if a.random.random() < 0.3:
            named["from_class"] = a.random.choice(a.rows("class_group"))[0]
        if named:
            a.w.update("movement", row[0], **named)


def give_result(a: Acting) -> None:
    group, pupil = a.lesson()
    key = (group, pupil, a.random.randint(4, 5))
    a.note("term_result", key, "value", a.token)
    named = {"band": a.random.randint(2, 5)} if a.random.random() < 0.5 else {}
    a.w.put("term_result", subject_group=group, pupil=pupil, term=key[2], value=a.token, **named)


def explain_result(a: Acting) -> None:
    if key := a.a_row("term_result"):
        reason = a.note("term_result", key, "reason", f"reason {a.token}")
        a.w.put("term_result", subject_group=key[0], pupil=key[1], term=key[2], reason=reason)


def give_mark(a: Acting) -> None:
    group, pupil = a.lesson()
    key = (group, 20_000, 1, pupil, 0)
    a.note("mark", key, "value", a.token)
    named: dict[str, Value] = dict(zip(BY_NAME["mark"].key, key, strict=True))
    if a.random.random() < 0.5:
        named["kind"] = a.random.choice(a.rows("work_kind"))[0]
    if a.random.random() < 0.3:
        named["comment"] = a.note("mark", key, "comment", f"comment {a.token}")
    a.w.put("mark", value=a.token, **named)


def retire(a: Acting) -> None:
    table = a.random.choice(RETIRABLE)
    rows = [r for r in a.rows(table) if table != "class_group" or r[0] & 0xFFFFFFFF > 1]
    if rows:
        a.w.retire(table, *a.random.choice(rows))


def revive(a: Acting) -> None:
    table = a.random.choice(RETIRABLE)
    alive = " AND ".join(f"{k} = ?" for k in BY_NAME[table].key)
    if key := a.a_row(table):
        a.db.conn.execute(f"UPDATE {table} SET retired_at = NULL WHERE {alive}", key)


def decide(a: Acting) -> None:
    """Let a value stand that is in conflict with others."""
    found = a.db.execute("SELECT tbl, key, unit FROM conflict ORDER BY 1, 2, 3").fetchall()
    if found:
        number, rid, unit = a.random.choice(found)
        table = BY_NUMBER[number]
        column = table.units[unit][0]
        shown = a.db.execute(f'SELECT "{column.name}" FROM {table.name} WHERE {table.row_id} = ?', (rid,))
        token = shown.fetchone()[0]
        a.school.decided.add(token)
        if token in a.school.truth:
            entries = NodeLog(a.db).history(table, NodeLog(a.db).key_of(table, rid))
            a.school.truth[token] |= {
                e.values[column.number] for e in entries if column.number in e.values
            } - {token}
        a.w.assert_again(table, rid, unit)


def erase(a: Acting) -> None:
    """Blank a unit of a row for good, as the rules have it; who had not heard of it does not bring it back."""
    name, column = a.random.choice(CELLS[1:])
    if key := a.a_row(name):
        table = BY_NAME[name]
        columns = table.units[table.by_name[column].merge_unit]
        row = " AND ".join(f"{k} = ?" for k in table.key)
        rid = a.db.conn.execute(f"SELECT {table.row_id} FROM {name} WHERE {row}", key).fetchone()[0]
        if a.machine.node.epochs:
            a.machine.node.cut()
        erase_cells(a.w, [(table, rid, key, columns)])


ACTS: tuple[Act, ...] = (
    add_class,
    add_movement,
    add_class_with_movement,
    correct_movement,
    give_result,
    explain_result,
    give_mark,
    retire,
    revive,
    decide,
    erase,
)
WEIGHTS = (3, 3, 2, 8, 8, 3, 8, 4, 2, 3, 3)


def act(world: World, school: School, machine: Machine, what: Act) -> None:
    """One transaction of a person on a machine."""
    world.write(school, machine, lambda w: what(Acting(world, school, machine, w)))


def keys_of(db: Database, table: str) -> list[tuple[int, ...]]:
    names = ", ".join(BY_NAME[table].key)
    return list(db.execute(f"SELECT {names} FROM {table} ORDER BY {names}").fetchall())


def letters(token: int) -> str:
    return "".join("абвгдежзик"[int(digit)] for digit in str(token))[:4]
