"""Writing the journal: who may, what is allowed in a cell, what a late change asks for, results of a term.

Nothing here knows of HTTP. A change names the value its author saw; a cell that holds another one by now is not
overwritten. Asking twice for the same change is asking once, so what is sent again doubles nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from node.attendance import queries as attendance
from node.journal import queries
from node.journal.queries import SLOTS, Cell, Place, Scale, edit_days
from node.journal.sheet import Result, open_results, term_of
from shared.dates import DAY_MS
from shared.problems import (
    ChangedMeanwhile,
    InvalidValue,
    NoLesson,
    NotAllowed,
    NotFound,
    NotInGroup,
    OutsideScale,
    ReasonNeeded,
    TermLocked,
    WithoutMarks,
)
from shared.schema import ATTENDANCE_STATUSES, Value
from sync.undo import Act, Undone, plan_undo, undo
from sync.writer import Writer

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
    with, and one that is new gets the ``usual``. ``own`` are values the same author sent before without learning
    whether they arrived.
    """

    field: Field
    value: int | str | None
    seen: int | str | None
    pupil: int = 0
    slot: int = 0
    kind: int | None = None
    usual: int | None = None
    own: tuple[int | str | None, ...] = ()


@dataclass(frozen=True)
class Desk:
    """An open lesson: everything that decides whether a change of it is allowed."""

    place: Place
    person: int
    today: int
    scale: Scale | None
    members: frozenset[int]
    late: bool
    locked: bool
    lesson: Mapping[str, object]
    cells: Mapping[int, Cell]
    kinds: frozenset[int]

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


def teaches(lesson: Mapping[str, object], person: int | None) -> bool:
    """Does the person write in this lesson: as the group's teacher, or as the substitute of that day?"""
    return person is not None and person in (lesson["own_teacher"], lesson["substitute"])


def open_lesson(db: Database, place: Place, person: int | None, today: int) -> Desk:
    """A lesson ready to be written by a person. NoLesson, NotAllowed."""
    lesson = queries.lesson(db, place)
    if lesson is None or place.day > today:
        raise NoLesson()
    if person is None or not teaches(lesson, person):
        raise NotAllowed()
    return Desk(
        place=place,
        person=person,
        today=today,
        scale=queries.scale_of(db, place.group),
        members=queries.members(db, place.group, place.day, place.day),
        late=today - place.day > edit_days(db),
        locked=queries.is_locked(db, lesson["class_group"], place.day, place.day),
        lesson=lesson,
        cells=queries.lesson_cells(db, place),
        kinds=frozenset(kind["id"] for kind in queries.work_kinds(db)),
    )


def save(
    w: Writer, place: Place, person: int | None, today: int, changes: Sequence[Change], reason: str = ""
) -> int:
    """Write changes of one lesson, all or none; returns how many values became different.

    NoLesson, NotAllowed, TermLocked, NotInGroup, OutsideScale, WithoutMarks, InvalidValue, ReasonNeeded;
    ChangedMeanwhile with every clash.
    """
    desk = open_lesson(w.db, place, person, today)
    wanted = [change for change in changes if desk.differs(change)]
    if wanted and desk.locked:
        raise TermLocked()
    for change in wanted:
        _check(desk, change)
    clashes = [(c, desk.stands(c)) for c in wanted if desk.stands(c) not in (c.seen, *c.own)]
    if clashes:
        raise ChangedMeanwhile(clashes)
    if not reason.strip() and any(map(desk.is_struck, wanted)):
        raise ReasonNeeded()
    if wanted and not desk.lesson["held"]:
        w.put("lesson", **place.key, teacher=desk.person, **NEW_LESSON)
    for change in wanted:
        _write(w, desk, change, reason.strip())
    return len(wanted)


def _check(desk: Desk, change: Change) -> None:
    if change.field in (*CELL, "comment") and change.pupil not in desk.members:
        raise NotInGroup()
    if change.field == "comment" and len(str(change.value)) > COMMENT_LENGTH:
        raise InvalidValue(table="mark", column="comment", value=change.value)
    if change.field == "mark":
        _check_mark(desk, change)
    elif change.field == "status" and change.value not in ATTENDANCE_STATUSES:
        raise InvalidValue(table="attendance", column="status", value=change.value)
    elif change.field == "taken" and change.value not in (0, 1):
        raise InvalidValue(table="lesson", column="attendance_taken", value=change.value)


def _check_mark(desk: Desk, change: Change) -> None:
    if change.slot not in SLOTS:
        raise InvalidValue(table="mark", column="slot", value=change.slot)
    if change.value is None:
        return
    if desk.scale is None:
        raise WithoutMarks()
    if not isinstance(change.value, int) or not desk.scale.low <= change.value <= desk.scale.high:
        raise OutsideScale(low=desk.scale.low, high=desk.scale.high)
    kind = desk.kind_of(change)
    if kind is None or kind not in desk.kinds | {desk.kept_kind(change)}:
        raise InvalidValue(table="mark", column="kind", value=kind)


def _write(w: Writer, desk: Desk, change: Change, reason: str) -> None:
    key = desk.place.key
    if desk.is_struck(change):
        _strike(w, desk, change, reason)
    if change.field == "mark":
        empty = change.value is None
        w.put(
            "mark",
            **key,
            pupil=change.pupil,
            slot=change.slot,
            value=change.value,
            kind=None if empty else desk.kind_of(change),
            scale=None if empty or desk.scale is None else desk.scale.id,
        )
    elif change.field == "status":
        row = {**key, "pupil": change.pupil}
        why = attendance.reason_with(w.db, row, str(change.value))
        w.put("attendance", **row, status=change.value, **why.columns)
    elif change.field == "comment":
        w.put("mark", **key, pupil=change.pupil, slot=0, comment=str(change.value))
    elif change.field == "taken":
        w.put("lesson", **key, attendance_taken=change.value)
    else:
        w.put("lesson", **key, **{change.field: change.value}, **_planned(w.db, desk, change))


def _strike(w: Writer, desk: Desk, change: Change, reason: str) -> None:
    """Keep what stood before a late change, with reason, author and date; a lesson's own lines have no pupil."""
    old = desk.stands(change)
    w.insert(
        "mark_correction",
        **desk.place.key,
        pupil=change.pupil or None,
        field=change.field,
        old="" if old is None else str(old),
        reason=reason,
        made_on=desk.today,
        author=desk.person,
    )


def _planned(db: Database, desk: Desk, change: Change) -> dict[str, Value]:
    """The plan's item beside a topic that is one of the plan's."""
    if change.field != "topic":
        return {}
    item = queries.item_of_topic(db, desk.place, str(change.value or ""))
    return {"plan_item": item["id"] if item else None}


# ---- results of a term


def give_results(
    w: Writer,
    group: int,
    term: int,
    person: int | None,
    today: int,
    given: Collection[Result],
    *,
    early: bool = False,
) -> int:
    """Write the confirmed results of a term, all or none; returns how many became different.

    What `open_results` and `Sheet.check` raise, ReasonNeeded of all pupils at once; TermLocked; ChangedMeanwhile with
    every clash; TermRunning while lessons are to come, unless ``early`` says that this is known.
    """
    sheet = open_results(w.db, group, term, person, today)
    sheet.require_open()
    wanted = [one for one in given if sheet.stands(one.pupil) != (one.value, one.status)]
    lack = []
    for one in wanted:
        try:
            sheet.check(one)
        except ReasonNeeded:
            lack.append(one.pupil)
    if lack:
        raise ReasonNeeded(pupils=lack)
    clashes = [(one, sheet.stands(one.pupil)) for one in wanted]
    clashes = [(one, now) for one, now in clashes if now != one.seen]
    if clashes:
        raise ChangedMeanwhile(clashes)
    if wanted and not early:
        sheet.require_ended()
    for one in wanted:
        w.put("term_result", **sheet.row(one))
    return len(wanted)


def act_of(w: Writer) -> Act:
    """The running transaction as an act, by whose stamp `take_back_results` finds it."""
    return Act(*w.db.execute("SELECT clock, actor FROM writing").fetchone())


def take_back_results(w: Writer, group: int, term: int, person: int | None, clock: int) -> Undone:
    """Undo the results of a term that were confirmed at once by this account within a day; later changes stay.

    NotFound where there is no such act, or it wrote anything else; NotAllowed, TermLocked.
    """
    row, _ = term_of(w.db, group, term, person)
    if term in queries.locked_terms(w.db, row["class_group"]):
        raise TermLocked()
    act = Act(clock, act_of(w).actor)
    if not 0 <= w.now - act.at <= DAY_MS:
        raise NotFound()
    try:
        plan = plan_undo(w.db, act)
    except InvalidValue as error:
        raise NotFound() from error
    rows = [(table, key) for table, key, _ in plan.restore] + list(plan.retire)
    if any(table != "term_result" or (key[0], key[2]) != (group, term) for table, key in rows):
        raise NotFound()
    return undo(w, act)
