"""Reasons of absences, and notes that give one to every absence of some days, past and to come.

Status and reason are apart: the lesson's teacher says who was not there, the class teacher later says why. What was
given by hand stays known under a note and stands again without it. Nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.attendance import queries
from node.attendance.queries import Absence, Reason
from node.journal import queries as journal
from shared.problems import InvalidValue, NotFound, NotInGroup, TermLocked, TooManyDays, WrongOrder
from shared.schema import ABSENCE_REASONS
from sync.writer import Writer

MOST_DAYS = 120
"""A note may cover so many days."""


def give_reasons(
    w: Writer,
    class_group: int,
    day: int,
    given: Mapping[int, str],
    by_lesson: Mapping[tuple[int, int, int], str] | None = None,
) -> int:
    """Give the absences of pupils on a day their reasons by hand, all or none; returns how many lessons changed.

    ``given``: pupil -> the reason of the whole day; ``by_lesson``: (pupil, period, subject group) -> that of one
    lesson, which goes before. InvalidValue; NotInGroup: a pupil was not in the class that day; TermLocked.
    """
    by_lesson = by_lesson or {}
    members = queries.enrolled(w.db, class_group, day, day)
    for pupil, reason in (*given.items(), *((pupil, reason) for (pupil, *_), reason in by_lesson.items())):
        if reason not in ABSENCE_REASONS:
            raise InvalidValue(table="attendance", column="reason", value=reason)
        if pupil not in members:
            raise NotInGroup()
    changed = 0
    for pupil in sorted({*given, *(pupil for pupil, *_ in by_lesson)}):
        missed = queries.absences(w.db, pupil, day, day)
        why = {one: by_lesson.get((pupil, one.period, one.group)) or given.get(pupil) for one in missed}
        changed += _write(w, class_group, pupil, [(one, Reason(by)) for one, by in why.items() if by])
    return changed


def _write(w: Writer, class_group: int, pupil: int, wanted: Iterable[tuple[Absence, Reason]]) -> int:
    """Write the reasons of a pupil's absences that differ; returns how many did.

    TermLocked: one of a locked period would read differently; where it would not, it is left as it is.
    """
    changes = [(one, why) for one, why in wanted if one.why.told != why.told]
    classes = {one.class_group or class_group for one, _ in changes}
    locked = {one: journal.locked_spans(w.db, one) for one in classes}
    written = 0
    for one, why in changes:
        if any(start <= one.day <= end for start, end in locked[one.class_group or class_group]):
            if one.why.told[0] != why.told[0]:
                raise TermLocked()
            continue
        key = {"subject_group": one.group, "day": one.day, "period": one.period, "pupil": pupil}
        written += w.put("attendance", **key, **why.columns)
    return written


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
    wanted = [
        (one, Reason(reason, note, one.why.by_hand)) for one in queries.absences(w.db, pupil, start, end)
    ]
    _write(w, class_group, pupil, wanted)
    return note


def withdraw_note(w: Writer, class_group: int, note: int) -> int:
    """Take a note back: of its absences that reason stands again which another note gives, or was given by hand.

    What was given by hand over the note stays. Returns how many lessons changed. NotFound, TermLocked.
    """
    row = queries.note(w.db, note)
    if row is None or row["pupil"] not in queries.enrolled(w.db, class_group, row["start"], row["end"]):
        raise NotFound()
    pupil, start, end = row["pupil"], row["start"], row["end"]
    w.retire("absence_note", note)
    left = queries.notes(w.db, [pupil], start, end)
    wanted = [
        (one, one.why.under(other for other in left if other["start"] <= one.day <= other["end"]))
        for one in queries.absences(w.db, pupil, start, end)
        if one.why.note == note
    ]
    return _write(w, class_group, pupil, wanted)
