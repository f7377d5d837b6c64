"""Reasons of absences, and notes that give one to every absence of some days, past and to come.

Status and reason are apart: the lesson's teacher says who was not there, the class teacher later says why. What was
given by hand stays known under a note and stands again without it. Nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from node.attendance import queries
from node.attendance.queries import Absence, Reason
from node.journal import queries as journal
from shared.problems import (
    InvalidValue,
    NotAllowed,
    NoteAnswered,
    NoteOutOfReach,
    NotInGroup,
    TermLocked,
    TooManyDays,
    WrongOrder,
)
from shared.schema import ABSENCE_REASONS, Value
from sync.writer import Writer

MOST_DAYS = 120
"""A note may cover so many days."""
DAYS_BACK = 30
DAYS_AHEAD = 60
"""A parent's note begins so many days ago at the earliest, and ends so many days ahead at the latest."""
GIVEN = ("ill", "excused", "unexcused")
"""What a note of the school may say."""
HANDED_IN = ("ill", "excused")
"""What a note of the family may say."""


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
    """Write the reasons of a pupil's absences that differ; returns how many did. TermLocked."""
    return sum(
        w.put(
            "attendance",
            subject_group=one.group,
            day=one.day,
            period=one.period,
            pupil=pupil,
            **why.columns,
        )
        for one, why in _open_changes(w.db, class_group, wanted)
    )


def _open_changes(
    db: Database, class_group: int, wanted: Iterable[tuple[Absence, Reason]]
) -> list[tuple[Absence, Reason]]:
    """The reasons that differ from what stands.

    TermLocked: one of a locked period would read differently; where it would not, it is left as it is.
    """
    changes = [(one, why) for one, why in wanted if one.why.told != why.told]
    locked = {
        class_id: journal.locked_spans(db, class_id)
        for class_id in {one.class_group or class_group for one, _ in changes}
    }
    found = []
    for one, why in changes:
        if not any(start <= one.day <= end for start, end in locked[one.class_group or class_group]):
            found.append((one, why))
        elif one.why.told[0] != why.told[0]:
            raise TermLocked()
    return found


# ---- notes


def add_note(w: Writer, class_group: int, pupil: int, start: int, end: int, reason: str) -> int:
    """Close a span of days with a note; returns its row.

    Absences that are entered later take it too, and before the lesson the pupil is expected to be away. WrongOrder;
    TooManyDays; NotInGroup; InvalidValue; TermLocked: it would change absences of a locked period.
    """
    _check(start, end, reason, GIVEN)
    if pupil not in queries.enrolled(w.db, class_group, start, end):
        raise NotInGroup()
    note = w.insert("absence_note", pupil=pupil, start=start, end=end, reason=reason)
    _write(w, class_group, pupil, _under(w.db, pupil, start, end, reason, note))
    return note


def _check(start: int, end: int, reason: str, reasons: Collection[str]) -> None:
    """WrongOrder, TooManyDays, InvalidValue."""
    if end < start:
        raise WrongOrder()
    if end - start >= MOST_DAYS:
        raise TooManyDays(days=MOST_DAYS)
    if reason not in reasons:
        raise InvalidValue(table="absence_note", column="reason", value=reason)


def _under(
    db: Database, pupil: int, start: int, end: int, reason: str, note: int
) -> list[tuple[Absence, Reason]]:
    """A pupil's absences of some days as they read under a note."""
    return [(one, Reason(reason, note, one.why.by_hand)) for one in queries.absences(db, pupil, start, end)]


def withdraw_note(w: Writer, class_group: int, note: int) -> int:
    """Take a note back: of its absences that reason stands again which another note gives, or was given by hand.

    What was given by hand over the note stays. One that a parent handed in waits again, for the parent is told what
    becomes of it. Returns how many lessons changed. NoteAnswered, TermLocked.
    """
    row = _note_of(w.db, class_group, note, "accepted")
    if row["author"] is None:
        w.retire("absence_note", note)
    else:
        _answer(w, note, "open")
    pupil, start, end = row["pupil"], row["start"], row["end"]
    left = queries.notes(w.db, [pupil], start, end)
    wanted = [
        (one, one.why.under(other for other in left if other["start"] <= one.day <= other["end"]))
        for one in queries.absences(w.db, pupil, start, end)
        if one.why.note == note
    ]
    return _write(w, class_group, pupil, wanted)


def _note_of(db: Database, class_group: int, note: int, state: str) -> Mapping[str, Any]:
    """A note of a pupil of the class. NoteAnswered: there is none, or it is in another state."""
    row = queries.note(db, note)
    if row is None or row["state"] != state:
        raise NoteAnswered()
    if row["pupil"] not in queries.enrolled(db, class_group, row["start"], row["end"]):
        raise NoteAnswered()
    return row


# ---- notes that the family hands in


def hand_in(w: Writer, pupil: int, author: int, today: int, start: int, end: int, reason: str) -> int:
    """A parent says that the child was or will be away, a pupil of age so of oneself; returns the note's row.

    It waits for the class teacher. The same asked for twice is asked once. NotAllowed: who does not sign for the
    pupil, or may not read; NoteOutOfReach; what `add_note` raises, before anybody has to decide.
    """
    if not queries.hands_in(w.db, author, pupil, today):
        raise NotAllowed()
    _check(start, end, reason, HANDED_IN)
    if start < today - DAYS_BACK or end > today + DAYS_AHEAD:
        raise NoteOutOfReach(back=DAYS_BACK, ahead=DAYS_AHEAD)
    classes = queries.classes_of(w.db, pupil, start, end)
    if not classes:
        raise NotInGroup()
    _open_changes(w.db, classes[0], _under(w.db, pupil, start, end, reason, 0))
    wanted = (start, end, reason)
    for one in queries.handed_in(w.db, author, [pupil], today - DAYS_BACK - DAYS_AHEAD):
        if one["state"] != "declined" and (one["start"], one["end"], one["reason"]) == wanted:
            return int(one["id"])
    return w.insert(
        "absence_note",
        pupil=pupil,
        start=start,
        end=end,
        reason=reason,
        author=author,
        handed_on=today,
        state="open",
    )


def take_back(w: Writer, author: int, note: int) -> None:
    """Who handed a note in takes it back while it waits. NoteAnswered."""
    row = queries.note(w.db, note)
    if row is None or row["author"] != author or row["state"] != "open":
        raise NoteAnswered()
    w.retire("absence_note", note)


def accept(w: Writer, class_group: int, note: int, account: int, today: int) -> int:
    """Take a note that waits for one like any other; returns how many lessons changed. NoteAnswered, TermLocked."""
    row = _note_of(w.db, class_group, note, "open")
    _answer(w, note, "accepted", answered_on=today, answered_by=account)
    return _write(
        w,
        class_group,
        row["pupil"],
        _under(w.db, row["pupil"], row["start"], row["end"], row["reason"], note),
    )


def decline(
    w: Writer, class_group: int, note: int, account: int, today: int, refusal: str = "", remark: str = ""
) -> None:
    """Decline a note that waits, for a reason of the list or in a sentence; the family reads both.

    NoteAnswered; InvalidValue: neither is there, or one of them is not allowed.
    """
    _note_of(w.db, class_group, note, "open")
    if not refusal and not remark.strip():
        raise InvalidValue(table="absence_note", column="refusal", value="")
    _answer(
        w,
        note,
        "declined",
        answered_on=today,
        answered_by=account,
        refusal=refusal or None,
        remark=remark.strip() or None,
    )


def _answer(w: Writer, note: int, state: str, **more: Value) -> None:
    """Write the state of a note with what belongs to it; the rest of that is empty."""
    empty: dict[str, Value] = dict.fromkeys(("answered_on", "answered_by", "refusal", "remark"))
    w.update("absence_note", note, state=state, **(empty | more))
