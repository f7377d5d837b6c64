"""Undo from the log: an act is taken back by new logged changes, under the account that takes it back.

An act is what one account did in one transaction: all changes with its clock stamp and its actor. It is the same act on
every node of the school, however it got there. What stood before is what the log shows without the act and without
whatever was written in knowledge of it. Nothing that anyone wrote since is overwritten unseen: it is left alone and
reported, and the caller may choose it in a second call.

Acts that a person may want to find again (an import, a merge of two persons) are marked by a row of the table ``act``,
written inside the act itself. So its place in the log is the act's, it travels and is written anew with it, undoing
the act retires it, and undoing that brings it back. An undo marks itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlite_utils import Database

from shared.problems import ConsentMissing, InvalidValue, WrittenByNewer
from shared.schema import BY_NAME, BY_NUMBER, TABLES, Column, Table, Value
from shared.tables import quoted
from sync.apply import Key
from sync.clock import ms_of, stamp_of
from sync.log import NodeLog
from sync.merge import Entry, Lineage, heads_of, resolve, saw
from sync.writer import Writer

ACT = BY_NAME["act"]
_REPORTED = "report_snapshot"
"""What was reported stays reported: no undo takes a correction back, it brings one of its own."""
_NO_USE = frozenset({"act", "reading_log", _REPORTED}) | {t.name for t in TABLES if t.derived}
"""Rows of these tables refer to others without making use of them."""
_CHUNK = 400
_FIRST_STAMPS = """SELECT a.id, a.kind, a.label, a.lines, a.retired_at, c.clock, c.actor FROM act a JOIN change c
    ON c.n = (SELECT min(n) FROM change WHERE key = a.id AND tbl = {table})"""

Row = tuple[str, Key]
"""Table and key."""
Place = tuple[str, Key, str]
"""Table, key and merge unit."""


NOTHING_HELD: Mapping[Row, str] = MappingProxyType({})


@dataclass(frozen=True)
class Act:
    """One transaction of one account; ``at`` in milliseconds by its author's clock. ``mark``: its row of ``act``, or 0.

    ``lines``: what its author said it took in, for an import the lines of the file.
    """

    clock: int
    actor: int
    kind: str = ""
    label: str = ""
    lines: int = 0
    mark: int = 0
    undone: bool = False

    @property
    def at(self) -> int:
        return ms_of(self.clock)


@dataclass(frozen=True)
class LeftAlone:
    """What an undo did not touch, who wrote there since, and when (milliseconds).

    ``why``: ``changed`` (someone wrote another value), ``used`` (someone built on the row), ``consent`` (the value may
    not be kept any more), or what the caller said of a row that it holds; then nobody and no time is named.
    """

    place: Place
    why: str
    actor: int
    at: int


@dataclass(frozen=True)
class Undone:
    """What an undo did: the act it was itself, merge units given their former value, rows taken out."""

    mark: int
    restored: int
    retired: int
    left_alone: tuple[LeftAlone, ...]


@dataclass
class Plan:
    """What an undo would do. ``left_alone`` can be chosen by its places."""

    restore: dict[Place, dict[str, Value]] = field(default_factory=dict)
    retire: list[Row] = field(default_factory=list)
    left_alone: list[LeftAlone] = field(default_factory=list)


# -- finding acts --------------------------------------------------------------------------------------------------


def note_act(w: Writer, kind: str, label: str, lines: int = 0) -> int:
    """Mark the running transaction as an act that can be found by its label; returns the row id of the mark."""
    return w.insert("act", kind=kind, label=label[:300], lines=lines)


def marked_acts(db: Database, kind: str | None = None, limit: int = 100) -> list[Act]:
    """Marked acts, the latest first."""
    sql = (
        _FIRST_STAMPS.format(table=ACT.number)
        + " WHERE ? IS NULL OR a.kind = ? ORDER BY c.clock DESC LIMIT ?"
    )
    return [_act(*row) for row in db.execute(sql, (kind, kind, limit))]


def touched_by_undos(db: Database) -> frozenset[tuple[int, int]]:
    """Table number and local key of every row that an undo ever wrote: a retired one of them is as if never made."""
    if db.execute("SELECT 1 FROM act WHERE kind = 'undo' LIMIT 1").fetchone() is None:
        return frozenset()  # without looking through the log
    sql = (
        "WITH stamps AS ("
        + _FIRST_STAMPS.format(table=ACT.number)
        + " WHERE a.kind = 'undo') SELECT DISTINCT c.tbl, c.key FROM stamps s "
        "JOIN change c ON c.clock = s.clock AND c.actor = s.actor"
    )
    return frozenset((tbl, key) for tbl, key in db.execute(sql).fetchall())


def undoing_of(db: Database, act: Act) -> Act | None:
    """The act that undid another one and still holds, the latest of several; None where none does."""
    found = [one for row in _undoers(db, act.clock, act.actor) if not (one := _act(*row)).undone]
    return max(found, key=lambda one: one.clock, default=None)


def marked_act(db: Database, mark: int) -> Act:
    """The act of a mark. InvalidValue: there is none."""
    row = db.execute(_FIRST_STAMPS.format(table=ACT.number) + " WHERE a.id = ?", (mark,)).fetchone()
    if row is None:
        raise InvalidValue(table="act", column="id", value=mark)
    return _act(*row)


def acts(db: Database, account: int, since: int, until: int, limit: int = 100) -> list[Act]:
    """What an account did between two instants (milliseconds, the last not included), marked or not, latest first."""
    marks = {(a.clock, a.actor): a for a in marked_acts(db, limit=-1)}
    rows = db.execute(
        "SELECT DISTINCT clock FROM change WHERE actor = ? AND clock >= ? AND clock < ? ORDER BY clock DESC LIMIT ?",
        (account, stamp_of(since), stamp_of(until), limit),
    )
    return [marks.get((clock, account), Act(clock, account)) for (clock,) in rows]


def _act(mark: int, kind: str, label: str, lines: int, retired_at: int | None, clock: int, actor: int) -> Act:
    return Act(clock, actor, kind or "", label or "", lines or 0, mark, retired_at is not None)


# -- undoing -------------------------------------------------------------------------------------------------------


def undo(w: Writer, act: Act, also: Collection[Place] = (), plan: Plan | None = None) -> Undone:
    """Take an act back inside a write transaction. ``also``: places an earlier call left alone and that may go;
    ``plan``: what `plan_undo` said in this transaction, where it was asked already.

    InvalidValue: the act wrote rows that are not the school's own, or there is no such act. WrittenByNewer: it wrote
    tables or columns that this release does not know.
    """
    plan = plan or plan_undo(w.db, act, also)
    mark = w.insert(
        "act",
        kind="undo",
        label=act.label,
        lines=act.lines,
        undoes_clock=act.clock,
        undoes_account=act.actor or None,
    )
    restored, refused = 0, []
    # A consent that comes back opens the way for the names it is for.
    for place, values in sorted(plan.restore.items(), key=lambda item: item[0][0] != "consent"):
        try:
            restored += w.change(BY_NAME[place[0]], place[1], values)
        except ConsentMissing:
            refused.append(LeftAlone(place, "consent", 0, 0))
    retired = sum(w.retire(name, *key) for name, key in plan.retire)
    return Undone(mark, restored, retired, (*plan.left_alone, *refused))


def plan_undo(
    db: Database, act: Act, also: Collection[Place] = (), held: Mapping[Row, str] = NOTHING_HELD
) -> Plan:
    """What undoing an act would do now. ``held``: rows that are to stay whatever the log says, and why.

    InvalidValue: there is no such act. WrittenByNewer: half of it would stay, unseen here.
    """
    log = NodeLog(db)
    own, undone = _numbers(db, act)
    if not own:
        raise InvalidValue(table="change", column="clock", value=act.clock)
    plan, created = Plan(), dict[Row, LeftAlone | None]()
    known = own | undone
    lineage = log.lineage()
    for number, rids in _rows(db, own).items():
        table = BY_NUMBER.get(number)
        if table is None:
            raise WrittenByNewer()
        if table.derived or table.name == _REPORTED:
            continue
        for key, entries in log.histories(number, log.keys_of(number, rids).values()).items():
            ours = [e for e in entries if e.n in own]
            if any(e.values.keys() - table.value_by_number.keys() for e in ours):
                raise WrittenByNewer()
            rest = [e for e in entries if e.n not in own and not any(saw(e, o, lineage) for o in ours)]
            if rest:
                _plan_row(
                    plan, table, key, entries, ours, rest, lineage, also, held.get((table.name, key), "")
                )
            else:
                created[table.name, key] = _later(table, key, entries, known)
    _plan_created(db, plan, created, also, held)
    return plan


def _numbers(db: Database, act: Act) -> tuple[set[int], set[int]]:
    """Local numbers of the act's changes, and of those of the acts that undid it and were undone in turn.

    Undoing the undo of an act is doing it again, so that belongs to the act.
    """
    own = _changes(db, act.clock, act.actor)
    undone: set[int] = set()
    for *_, clock, actor in _undoers(db, act.clock, act.actor):
        for *_, again, by in _undoers(db, clock, actor):
            undone |= _changes(db, clock, actor)
            more, less = _numbers(db, Act(again, by))
            own |= more
            undone |= less
    return own, undone


def _changes(db: Database, clock: int, actor: int) -> set[int]:
    return {n for (n,) in db.execute("SELECT n FROM change WHERE clock = ? AND actor = ?", (clock, actor))}


def _undoers(db: Database, clock: int, actor: int) -> list[tuple[Any, ...]]:
    """The acts that undid an act, as `_act` takes them."""
    sql = (
        _FIRST_STAMPS.format(table=ACT.number)
        + " WHERE a.undoes_clock = ? AND ifnull(a.undoes_account, 0) = ?"
    )
    return db.execute(sql, (clock, actor)).fetchall()


def _rows(db: Database, numbers: Collection[int]) -> dict[int, set[int]]:
    """Table number -> local keys of the rows that these changes wrote."""
    found: dict[int, set[int]] = {}
    for some in _chunks(sorted(numbers)):
        marks = ",".join("?" * len(some))
        for tbl, key in db.execute(f"SELECT DISTINCT tbl, key FROM change WHERE n IN ({marks})", some):
            found.setdefault(tbl, set()).add(key)
    return found


def _plan_row(
    plan: Plan,
    table: Table,
    key: Key,
    entries: Sequence[Entry],
    ours: Sequence[Entry],
    rest: Sequence[Entry],
    lineage: Lineage,
    also: Collection[Place],
    held: str,
) -> None:
    """A row that was there without the act: each unit that the act wrote gets its former value."""
    before, now = resolve(table, rest, lineage).values, resolve(table, entries, lineage).values
    for unit, columns in table.units.items():
        if all(c.derived for c in columns) or not any(c.number in e.values for e in ours for c in columns):
            continue
        former = {c.name: before.get(c.number, c.default) for c in columns}
        if former == {c.name: now.get(c.number, c.default) for c in columns}:
            continue
        place = (table.name, key, unit)
        if held:
            plan.left_alone.append(LeftAlone(place, held, 0, 0))
            continue
        others = [h for h in heads_of(table, unit, entries, lineage) if not any(h is o for o in ours)]
        if others and place not in also:
            plan.left_alone.append(LeftAlone(place, "changed", others[0].actor or 0, ms_of(others[0].clock)))
        else:
            plan.restore[place] = former


# -- rows that the act made ------------------------------------------------------------------------------------------


def _later(table: Table, key: Key, entries: Sequence[Entry], known: Collection[int]) -> LeftAlone | None:
    """Who wrote in a row that the act made, beside the act."""
    others = [e for e in entries if e.n not in known and not table.is_derived(e.values)]
    if not others:
        return None
    last = max(others, key=lambda e: (e.clock, e.origin, e.number))
    return LeftAlone((table.name, key, "retired_at"), "changed", last.actor or 0, ms_of(last.clock))


def _plan_created(
    db: Database,
    plan: Plan,
    created: dict[Row, LeftAlone | None],
    also: Collection[Place],
    held: Mapping[Row, str],
) -> None:
    """Rows that would not be there without the act are retired, unless someone has built on them."""
    alive = {row: why for row, why in created.items() if _value(db, row, "retired_at") is None}
    kept = {row: why for row, why in alive.items() if why and why.place not in also}
    kept |= {row: LeftAlone((*row, "retired_at"), held[row], 0, 0) for row in alive if row in held}
    users = _users(db, alive, plan.restore)
    refers: dict[Row, list[Row]] = {}
    for row, found in users.items():
        for user in found:
            refers.setdefault(user, []).append(row)
        outside = next((user for user in found if user not in alive), None)
        if outside and row not in kept and (*row, "retired_at") not in also:
            kept[row] = _last_write(db, row, outside)
    waiting = [*kept]
    while waiting:
        row = waiting.pop()
        # What a row that stays refers to stays too, and with a person what is the person's.
        theirs = [user for user in users.get(row, ()) if user in alive and _belongs(db, user, row)]
        for other in (*refers.get(row, ()), *theirs):
            if other not in kept and (*other, "retired_at") not in also:
                kept[other] = LeftAlone((*other, "retired_at"), "used", kept[row].actor, kept[row].at)
                waiting.append(other)
    plan.left_alone += kept.values()
    plan.retire += [row for row in alive if row not in kept]


def _value(db: Database, row: Row, column: str) -> Value:
    table = BY_NAME[row[0]]
    where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
    sql = f"SELECT {quoted(column)} FROM {quoted(table.name)} WHERE {where}"
    found: Value = db.execute(sql, row[1]).fetchone()[0]
    return found


def _users(db: Database, rows: Collection[Row], restored: Collection[Place]) -> dict[Row, list[Row]]:
    """The living rows that refer to each row and make use of it, but for references that the undo itself takes back."""
    found: dict[Row, list[Row]] = {}
    ids: dict[str, list[int]] = {}
    for name, key in rows:
        if len(key) == 1:
            ids.setdefault(name, []).append(key[0])
    for table in TABLES:
        for column in () if table.name in _NO_USE else table.all_columns:
            if column.references and not column.soft:
                for some in _chunks(ids.get(column.references, ())):
                    for target, key in _referring(db, table, column, some):
                        if (table.name, key, column.merge_unit) in restored:
                            continue
                        found.setdefault((column.references, (target,)), []).append((table.name, key))
    return found


def _referring(db: Database, table: Table, column: Column, ids: Sequence[int]) -> Iterator[tuple[int, Key]]:
    names = ", ".join(map(quoted, (column.name, *table.key)))
    marks = ",".join("?" * len(ids))
    sql = f"SELECT {names} FROM {quoted(table.name)} WHERE {quoted(column.name)} IN ({marks}) AND retired_at IS NULL"
    for target, *key in db.execute(sql, ids):
        yield target, tuple(key)


def _belongs(db: Database, row: Row, owner: Row) -> bool:
    """Is the row about the pupil or person that the other one is?"""
    columns = BY_NAME[row[0]].by_name
    return any(
        name in columns and columns[name].references == owner[0] and _value(db, row, name) == owner[1][0]
        for name in ("pupil", "person")
    )


def _last_write(db: Database, row: Row, user: Row) -> LeftAlone:
    last = max(NodeLog(db).history(BY_NAME[user[0]], user[1]), key=lambda e: (e.clock, e.origin, e.number))
    return LeftAlone((*row, "retired_at"), "used", last.actor or 0, ms_of(last.clock))


def _chunks(items: Sequence[int]) -> Iterator[Sequence[int]]:
    return (items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK))
