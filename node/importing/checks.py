"""What is against a row of a list, by the rules of its area: marks as the journal asks, plans as theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node import access
from node.journal import queries as journal
from node.journal.queries import Cell, Place, Scale
from node.plans import queries as plans
from shared.access import Visitor
from shared.problems import (
    InvalidValue,
    NoLesson,
    NotAllowed,
    NotInGroup,
    OutsideScale,
    PlanHandedIn,
    ReasonNeeded,
    TermLocked,
    TopicGiven,
    WithoutMarks,
)
from shared.schema import Table, Value

Row = Mapping[str, Value]
Check = Callable[[Database, Table, Row], None]


@dataclass(frozen=True)
class Desk:
    """What decides whether a mark of a lesson may be entered: pupils, scale, what stands, whether it is shut."""

    members: frozenset[int]
    scale: Scale | None
    cells: Mapping[int, Cell]
    late: bool
    locked: bool


def _open(db: Database, place: Place, person: int | None, today: int) -> Desk:
    """A lesson for who teaches it, as the group's teacher or the substitute of the day. NoLesson, NotAllowed."""
    lesson = journal.lesson(db, place)
    if lesson is None or place.day > today:
        raise NoLesson()
    if person is None or person not in (lesson["own_teacher"], lesson["substitute"]):
        raise NotAllowed()
    return Desk(
        members=journal.members(db, place.group, place.day, place.day),
        scale=journal.scale_of(db, place.group),
        cells=journal.lesson_cells(db, place),
        late=today - place.day > journal.edit_days(db),
        locked=journal.is_locked(db, lesson["class_group"], place.day, place.day),
    )


def check_marks(db: Database, who: Visitor, today: int) -> Check:
    """Marks are entered as in the journal: by who teaches the lesson, for those who belong to it, within its scale.

    A period that is locked stays as it is, and so does a mark whose days for a change are over: in the journal a change
    asks for a reason then, and a list gives none. Marks that were never entered may be of any day.
    """
    desks: dict[Place, Desk] = {}

    def check(db: Database, table: Table, row: Row) -> None:
        group, day, period, pupil, slot, value = (
            row[name] for name in ("subject_group", "day", "period", "pupil", "slot", "value")
        )
        assert isinstance(group, int) and isinstance(day, int) and isinstance(period, int)
        assert isinstance(pupil, int) and isinstance(slot, int)
        place = Place(group, day, period)
        if place not in desks:
            desks[place] = _open(db, place, who.person, today)
        desk = desks[place]
        if pupil not in desk.members:
            raise NotInGroup()
        if slot not in journal.SLOTS:
            raise InvalidValue(table="mark", column="slot", value=slot)
        if desk.scale is None:
            raise WithoutMarks()
        if not isinstance(value, int) or not desk.scale.low <= value <= desk.scale.high:
            raise OutsideScale(low=desk.scale.low, high=desk.scale.high)
        cell = desk.cells.get(pupil, Cell())
        stands, beside = cell.value(slot), cell.marks.get(0)
        comment = beside.comment if beside else ""
        if desk.locked and (stands != value or row.get("comment", comment) != comment):
            raise TermLocked()
        if stands not in (None, value) and desk.late:
            raise ReasonNeeded()

    return check


def check_plans(db: Database, who: Visitor, today: int) -> Check:
    """A plan is written by the teacher of its group. What was handed in, and a topic that a lesson gave, stay."""
    taught = access.taught_groups(db, who)
    settled: dict[object, bool] = {}
    before: dict[object, dict[object, Row]] = {}
    given: set[object] = {
        item
        for (item,) in db.execute("SELECT DISTINCT plan_item FROM lesson WHERE retired_at IS NULL").fetchall()
    }

    def check(db: Database, table: Table, row: Row) -> None:
        if table.name == "plan":
            if row["subject_group"] not in taught:
                raise NotAllowed()
            return
        plan = row["plan"]
        if plan not in before:
            before[plan] = {one["id"]: one for one in plans.items(db, int(str(plan)))}
            state = plans.plan(db, int(str(plan)))
            settled[plan] = state is not None and bool(state["approved_at"] or state["submitted_at"])
        there = before[plan].get(row.get("id"))
        changes = there is None or any(row.get(name) != there[name] for name in plans.FIELDS)
        if changes and settled[plan]:
            raise PlanHandedIn()
        if there is not None and there["id"] in given and row["topic"] != there["topic"]:
            raise TopicGiven()

    return check
