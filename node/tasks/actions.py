"""Giving a task, saying that it is done, accepting it or giving it back.

About a task decides who gave it, or the head, and never who is to do it.
"""

from __future__ import annotations

from collections.abc import Iterable

from node.tasks import queries
from shared.problems import InvalidValue, NotAllowed, NotFound
from sync.writer import Writer


def give(
    w: Writer,
    author: int | None,
    people: Iterable[int],
    title: str,
    text: str,
    due: int,
) -> list[int]:
    """Give the same task to each of these members of staff, never to oneself; returns the rows. InvalidValue."""
    if not title.strip():
        raise InvalidValue(table="task", column="title", value="")
    made = []
    for person in people:
        sql = "SELECT 1 FROM staff WHERE person = ? AND retired_at IS NULL"
        if person == author or w.db.execute(sql, (person,)).fetchone() is None:
            raise InvalidValue(table="task", column="assignee", value=person)
        made.append(w.insert("task", assignee=person, author=author, title=title, text=text, due=due))
    return made


def done(w: Writer, task_id: int, person: int | None, answer: str) -> None:
    """The assignee says it is done. NotAllowed for anyone else, and for a task that is accepted; NotFound."""
    found = _task(w, task_id)
    if found.assignee.id != person or found.accepted_at is not None:
        raise NotAllowed()
    w.update("task", task_id, done_at=w.now, answer=answer)


def accept(w: Writer, task_id: int, person: int | None, is_head: bool) -> None:
    """What was done is good. NotAllowed unless it was said to be done, and for who may not decide; NotFound."""
    if _judged(w, task_id, person, is_head).done_at is None:
        raise NotAllowed()
    w.update("task", task_id, accepted_at=w.now)


def give_back(w: Writer, task_id: int, person: int | None, is_head: bool, remark: str) -> None:
    """It is not done yet, with a remark. InvalidValue without one; NotAllowed for who may not decide; NotFound."""
    found = _judged(w, task_id, person, is_head)
    if not remark.strip():
        raise InvalidValue(table="task", column="remark", value="")
    w.update("task", found.id, done_at=None, accepted_at=None, remark=remark)


def take_back(w: Writer, task_id: int, person: int | None, is_head: bool) -> None:
    """The task is not needed any more. NotAllowed for who may not decide; NotFound."""
    found = _task(w, task_id)
    if not found.taken_back_by(person, is_head):
        raise NotAllowed()
    w.retire("task", found.id)


def _judged(w: Writer, task_id: int, person: int | None, is_head: bool) -> queries.Task:
    found = _task(w, task_id)
    if not found.judged_by(person, is_head):
        raise NotAllowed()
    return found


def _task(w: Writer, task_id: int) -> queries.Task:
    found = queries.task(w.db, task_id, 0)
    if found is None:
        raise NotFound()
    return found
