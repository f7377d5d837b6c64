"""A lesson of the journal open to be written: what may be entered by whom, what is late, what is written beside it.

Whoever brings a mark, a page of the journal, a list or another program's file, is held to this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from node.journal import queries
from node.journal.cells import SLOTS, Cell, Place, Scale
from shared.problems import (
    InvalidValue,
    NoLesson,
    NotAllowed,
    NotInGroup,
    OutsideScale,
    TermLocked,
    WithoutMarks,
)
from shared.schema import ABSENCE_REASONS, ATTENDANCE_STATUSES, Value

NEW_LESSON: Mapping[str, Value] = {"topic": "", "homework": "", "plan_item": None, "attendance_taken": 0}
"""What a lesson begins with, also one that had been taken out of the journal."""

Field = Literal["mark", "status", "comment", "topic", "homework", "taken"]
COMMENT_LENGTH = 300
CELL = ("mark", "status")
"""What a late change needs a reason for, even where nothing stood."""
TEXTS = ("topic", "homework")
"""What a late change needs a reason for where something stood: an empty line may be filled at any time."""


@dataclass(frozen=True)
class Change:
    """One value of a lesson as someone wants it, and as they saw it.

    Marks have a slot and a kind of work: ``kind`` is one chosen by hand; without it a mark keeps the kind it stands
    with, and one that is new gets the ``usual``. ``why`` is the reason that comes with an absence. ``own`` are values
    the same author sent before without learning whether they arrived.
    """

    field: Field
    value: int | str | None
    seen: int | str | None
    pupil: int = 0
    slot: int = 0
    kind: int | None = None
    usual: int | None = None
    own: tuple[int | str | None, ...] = ()
    why: str = ""

    @property
    def explains(self) -> bool:
        """Does it say why someone is absent?"""
        return self.field == "status" and self.value == "absent" and bool(self.why)


@dataclass(frozen=True)
class Desk:
    """An open lesson: everything that decides whether a change of it is allowed."""

    place: Place
    person: int | None
    today: int
    scale: Scale | None
    members: frozenset[int]
    late: bool
    locked: bool
    lesson: Mapping[str, object]
    cells: Mapping[int, Cell]
    kinds: frozenset[int]

    def row_of(self, change: Change) -> dict[str, int]:
        """The key of the row of attendance that a change is about."""
        return {**self.place.key, "pupil": change.pupil}

    def stands(self, change: Change) -> int | str | None:
        """The value that stands where a change would go."""
        if change.field == "mark":
            return self.cells.get(change.pupil, Cell()).value(change.slot)
        if change.field == "status":
            return self.cells.get(change.pupil, Cell()).status
        if change.field == "comment":
            standing = self.cells.get(change.pupil, Cell()).marks.get(0)
            return standing.comment if standing else ""
        if change.field == "taken":
            return int(bool(self.lesson["taken"]))
        return str(self.lesson[change.field] or "")

    def kept_kind(self, change: Change) -> int | None:
        """The kind of work of the mark that stands where a change would go."""
        standing = self.cells.get(change.pupil, Cell()).marks.get(change.slot)
        return standing.kind if standing and standing.value is not None else None

    def kind_of(self, change: Change) -> int | None:
        """The kind of work that a mark will be of."""
        return change.kind or self.kept_kind(change) or change.usual

    def is_struck(self, change: Change) -> bool:
        """Does this change come after the edit window, so that it needs a reason and what stood stays to be read?"""
        texts = change.field in TEXTS and bool(self.stands(change))
        return self.late and (change.field in CELL or texts)

    def differs(self, change: Change) -> bool:
        """Would anything become different? A mark of the same value may be of another kind of work."""
        if self.stands(change) != change.value:
            return True
        marked = change.field == "mark" and change.value is not None
        return marked and change.kind not in (None, self.kept_kind(change))

    def require_open(self) -> None:
        """TermLocked."""
        if self.locked:
            raise TermLocked()

    def check(self, change: Change) -> None:
        """NotInGroup, WithoutMarks, OutsideScale, InvalidValue."""
        if change.field in (*CELL, "comment") and change.pupil not in self.members:
            raise NotInGroup()
        if change.field == "comment" and len(str(change.value)) > COMMENT_LENGTH:
            raise InvalidValue(table="mark", column="comment", value=change.value)
        if change.field == "mark":
            self._check_mark(change)
        elif change.field == "status" and change.value not in ATTENDANCE_STATUSES:
            raise InvalidValue(table="attendance", column="status", value=change.value)
        elif change.explains and change.why not in ABSENCE_REASONS:
            raise InvalidValue(table="attendance", column="reason", value=change.why)
        elif change.field == "taken" and change.value not in (0, 1):
            raise InvalidValue(table="lesson", column="attendance_taken", value=change.value)

    def _check_mark(self, change: Change) -> None:
        if change.slot not in SLOTS:
            raise InvalidValue(table="mark", column="slot", value=change.slot)
        if change.value is None:
            return
        if self.scale is None:
            raise WithoutMarks()
        if not isinstance(change.value, int) or not self.scale.low <= change.value <= self.scale.high:
            raise OutsideScale(low=self.scale.low, high=self.scale.high)
        kind = self.kind_of(change)
        if kind is None or kind not in self.kinds | {self.kept_kind(change)}:
            raise InvalidValue(table="mark", column="kind", value=kind)

    def correction(self, change: Change, reason: str) -> dict[str, Value]:
        """What keeps what stood before a late change, with reason, author and date: a row of `mark_correction`.

        A lesson's own lines have no pupil.
        """
        old = self.stands(change)
        return {
            **self.place.key,
            "pupil": change.pupil or None,
            "field": change.field,
            "old": "" if old is None else str(old),
            "reason": reason,
            "made_on": self.today,
            "author": self.person,
        }


def teaches(lesson: Mapping[str, object], person: int | None) -> bool:
    """Does the person write in this lesson: as the group's teacher, or as the substitute of that day?"""
    return person is not None and person in (lesson["own_teacher"], lesson["substitute"])


def open_lesson(db: Database, place: Place, person: int | None, today: int) -> Desk:
    """A lesson ready to be written by a person who teaches it. NoLesson, NotAllowed."""
    desk = look_at(db, place, person, today)
    if not teaches(desk.lesson, person):
        raise NotAllowed()
    return desk


def look_at(db: Database, place: Place, person: int | None, today: int) -> Desk:
    """A lesson as it lies before a person, whoever teaches it. NoLesson."""
    lesson = queries.lesson(db, place)
    if lesson is None or place.day > today:
        raise NoLesson()
    return Desk(
        place=place,
        person=person,
        today=today,
        scale=queries.scale_of(db, place.group),
        members=queries.members(db, place.group, place.day, place.day),
        late=today - place.day > queries.edit_days(db),
        locked=queries.is_locked(db, lesson["class_group"], place.day, place.day),
        lesson=lesson,
        cells=queries.lesson_cells(db, place),
        kinds=frozenset(kind["id"] for kind in queries.work_kinds(db)),
    )


def new_lesson(place: Place, teacher: int | None) -> dict[str, Value]:
    """The row with which a lesson comes into the journal."""
    return {**place.key, "teacher": teacher, **NEW_LESSON}
