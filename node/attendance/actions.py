"""Reasons of absences, and notes that give one to every absence of some days, past and to come.

Status and reason are apart: the lesson's teacher says who was not there, the class teacher later says why. Nothing
here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.attendance import queries
from node.journal import queries as journal
from shared.problems import InvalidValue, NotFound, NotInGroup, TermLocked, TooManyDays, WrongOrder
from shared.schema import ABSENCE_REASONS
from sync.writer import Writer

MOST_DAYS = 120
"""A note may cover so many days."""


def give_reasons(w: Writer, class_group: int, day: int, given: Mapping[int, str]) -> int:
    """Give the absences of pupils on a day their reasons, all or none; returns how many lessons changed.

    InvalidValue; NotInGroup: a pupil was not in the class that day; TermLocked.
    """
    members = queries.enrolled(w.db, class_group, day, day)
    for pupil, reason in given.items():
        if reason not in ABSENCE_REASONS:
            raise InvalidValue(table="attendance", column="reason", value=reason)
        if pupil not in members:
            raise NotInGroup()
    return sum(_give(w, class_group, pupil, day, day, reason) for pupil, reason in given.items())


def _give(w: Writer, class_group: int, pupil: int, first: int, last: int, reason: str) -> int:
    rows = w.db.execute(
        """SELECT subject_group, day, period FROM attendance WHERE pupil = ? AND day BETWEEN ? AND ?
           AND status = 'absent' AND ifnull(reason, 'unknown') <> ? AND retired_at IS NULL""",
        (pupil, first, last, reason),
    ).fetchall()
    locked = journal.locked_spans(w.db, class_group) if rows else ()
    if any(start <= day <= end for start, end in locked for _, day, _ in rows):
        raise TermLocked()
    return sum(
        w.put("attendance", subject_group=group, day=day, period=period, pupil=pupil, reason=reason)
        for group, day, period in rows
    )


def add_note(w: Writer, class_group: int, pupil: int, start: int, end: int, reason: str) -> int:
    """Close a span of days with a note; returns its row.

    Absences that are entered later take it too, and before the lesson the pupil is expected to be away. WrongOrder;
    TooManyDays; NotInGroup; InvalidValue; TermLocked: it would change absences of a locked period.
    """
    if end < start:
        raise WrongOrder()
    if end - start >= MOST_DAYS:
        raise TooManyDays(days=MOST_DAYS)
    if reason not in ABSENCE_REASONS or reason == "unknown":
        raise InvalidValue(table="absence_note", column="reason", value=reason)
    if pupil not in queries.enrolled(w.db, class_group, start, end):
        raise NotInGroup()
    note = w.insert("absence_note", pupil=pupil, start=start, end=end, reason=reason)
    _give(w, class_group, pupil, start, end, reason)
    return note


def withdraw_note(w: Writer, class_group: int, note: int) -> int:
    """Take a note back; its absences are without a reason again unless another note covers them.

    NotFound, TermLocked.
    """
    row = w.db.execute(
        'SELECT pupil, start, "end" FROM absence_note WHERE id = ? AND retired_at IS NULL', (note,)
    ).fetchone()
    if row is None or row[0] not in queries.enrolled(w.db, class_group, row[1], row[2]):
        raise NotFound()
    pupil, start, end = row
    w.retire("absence_note", note)
    changed = _give(w, class_group, pupil, start, end, "unknown")
    for other in reversed(queries.notes(w.db, [pupil], start, end)):
        changed += _give(
            w, class_group, pupil, max(start, other["start"]), min(end, other["end"]), other["reason"]
        )
    return changed
