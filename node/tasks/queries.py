"""Reading tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.orders.queries import Named
from node.people.queries import NAME_COLUMNS, NAMED, full_name


@dataclass(frozen=True)
class Task:
    """One task; ``done_at`` and ``accepted_at`` are milliseconds since 1970, ``due`` a day."""

    id: int
    assignee: Named
    author: int | None
    title: str
    text: str
    due: int
    done_at: int | None
    answer: str
    accepted_at: int | None
    remark: str

    def state(self, today: int) -> str:
        """accepted, done (waits to be accepted), late, open."""
        if self.accepted_at is not None:
            return "accepted"
        if self.done_at is not None:
            return "done"
        return "late" if self.due < today else "open"

    def judged_by(self, person: int | None, is_head: bool) -> bool:
        """Does the person decide whether it was done: who gave it, or the head, and never who is to do it?"""
        return self.assignee.id != person and (is_head or (person is not None and self.author == person))

    def taken_back_by(self, person: int | None, is_head: bool) -> bool:
        """Does the person decide that it is not needed: who judges it, or who gave it to oneself?"""
        own = person is not None and self.assignee.id == self.author == person
        return own or self.judged_by(person, is_head)


_TASKS = f"""WITH {NAMED} SELECT t.*, {NAME_COLUMNS} FROM task t LEFT JOIN named n ON n.id = t.assignee
  WHERE t.retired_at IS NULL"""
_ORDER = "ORDER BY t.accepted_at IS NOT NULL, t.due, t.id"


def _task(row: Mapping[str, Any]) -> Task:
    texts = {name: row[name] or "" for name in ("title", "text", "answer", "remark")}
    person = Named(row["assignee"] or 0, full_name(row))
    return Task(
        row["id"], person, row["author"], texts["title"], texts["text"], row["due"] or 0, row["done_at"],
        texts["answer"], row["accepted_at"], texts["remark"],
    )  # fmt: skip


def task(db: Database, task_id: int, today: int) -> Task | None:
    """One task; None when there is none."""
    return next(map(_task, db.query(f"{_TASKS} AND t.id = :id", {"id": task_id, "today": today})), None)


def tasks(db: Database, today: int, assignee: int | None = None) -> list[Task]:
    """The tasks of a person, or of all; what is open first, by deadline."""
    rows = db.query(
        f"{_TASKS} AND (:who IS NULL OR t.assignee = :who) {_ORDER}", {"who": assignee, "today": today}
    )
    return [_task(row) for row in rows]


def waiting(db: Database, person: int) -> int:
    """How many tasks wait for a person to be done."""
    sql = "SELECT count(*) FROM task WHERE assignee = ? AND done_at IS NULL AND retired_at IS NULL"
    return int(db.execute(sql, (person,)).fetchone()[0])
