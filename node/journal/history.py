"""The past of a cell, read from the change log: who wrote what, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from node.journal.desk import Change
from node.journal.queries import SLOTS, Place
from node.people.queries import author
from shared.i18n import coded, column_label, gettext, row_name
from shared.report import EMPTY
from shared.schema import BY_NAME, Value
from sync.clock import ms_of
from sync.log import NodeLog

_UNTOLD = ("retired_at", "scale", "plan_item", "teacher", "band", "missed", "note", "earlier", "former")
"""Columns that follow from others, or say nothing to who reads."""


@dataclass(frozen=True)
class Step:
    """One change: ``at`` in milliseconds since 1970 by its author's clock; each line names a column and its value."""

    at: int
    author: str
    lines: tuple[tuple[str, str], ...]


def of_cell(db: Database, place: Place, pupil: int, today: int) -> list[Step]:
    """Every change of a pupil's marks and absence in a lesson, the newest first."""
    key = (place.group, place.day, place.period, pupil)
    return _steps(db, [("attendance", key), *(("mark", (*key, slot)) for slot in SLOTS)], today)


def of_lesson(db: Database, place: Place, today: int) -> list[Step]:
    """Every change of a lesson's topic, homework and attendance taken, the newest first."""
    return _steps(db, [("lesson", (place.group, place.day, place.period))], today)


def of_result(db: Database, group: int, pupil: int, term: int, today: int) -> list[Step]:
    """Every change of a pupil's result of a period, the newest first."""
    return _steps(db, [("term_result", (group, pupil, term))], today)


def struck_results(
    db: Database, group: int, term: int, pupils: Iterable[int], since: int
) -> dict[int, list[tuple[Value, Value]]]:
    """Value and status of the results that were changed after a moment (milliseconds since 1970), by pupil, in order.

    As on paper, where a corrected mark stays to be read.
    """
    table, log, found = BY_NAME["term_result"], NodeLog(db), dict[int, list[tuple[Value, Value]]]()
    value, status = (table.by_name[name].number for name in ("value", "status"))
    for pupil in pupils:
        stood: tuple[Value, Value] | None = None
        for entry in log.history(table, (group, pupil, term)):
            before = stood or (None, None)
            now = (entry.values.get(value, before[0]), entry.values.get(status, before[1]))
            if stood is not None and now != stood and ms_of(entry.clock) >= since:
                found.setdefault(pupil, []).append(stood)
            stood = now
    return found


def _steps(db: Database, rows: Sequence[tuple[str, tuple[int, ...]]], today: int) -> list[Step]:
    log, kinds = NodeLog(db), _kinds(db)
    steps: list[tuple[int, Step]] = []
    for table, at in rows:
        # One act may write a row several times, and what it wrote last stands.
        acts: dict[tuple[int, int], dict[int, Value]] = {}
        for entry in log.history(BY_NAME[table], at):
            acts.setdefault((entry.clock, entry.actor or 0), {}).update(entry.values)
        for (clock, actor), values in acts.items():
            lines = tuple(_lines(table, values, kinds, second=table == "mark" and at[-1] == SLOTS[1]))
            steps.append((clock, Step(ms_of(clock), author(db, actor, today), lines)))
    # By the whole clock: two changes may share a millisecond.
    return [step for _, step in sorted(steps, key=lambda one: one[0], reverse=True) if step.lines]


def last_author(db: Database, place: Place, change: Change, today: int) -> tuple[int, str]:
    """The account that wrote last in the row that a change was meant for (0: none), and the name of its person."""
    key: tuple[int, ...] = (place.group, place.day, place.period)
    table = {"mark": "mark", "comment": "mark", "status": "attendance"}.get(change.field, "lesson")
    key += (change.pupil,) * (table != "lesson") + (change.slot,) * (table == "mark")
    entries = NodeLog(db).history(BY_NAME[table], key)
    actor = (entries[-1].actor or 0) if entries else 0
    return actor, author(db, actor, today) if actor else ""


def _kinds(db: Database) -> dict[int, str]:
    return {row["id"]: row_name(row) for row in db.query("SELECT * FROM work_kind")}


def _lines(
    table: str, values: Mapping[int, Value], kinds: Mapping[int, str], second: bool = False
) -> list[tuple[str, str]]:
    """What values say, each with its column's name; the mark of a cell's ``second`` place with that of its own."""
    lines = []
    for number, value in sorted(values.items()):
        column = BY_NAME[table].value_by_number.get(number)
        if column is None or column.name in _UNTOLD:
            continue
        if column.name == "kind":
            text = kinds.get(int(str(value)), EMPTY) if value is not None else ""
        elif column.name == "attendance_taken":
            text = "✓" if value else EMPTY
        elif column.choices:
            text = coded(str(value), table, column.name) if value else ""
        else:
            text = EMPTY if value is None or value == "" else str(value)
        if text:
            own = second and column.name == "value"
            lines.append((gettext("Second mark") if own else column_label(table, column.name), text))
    return lines
