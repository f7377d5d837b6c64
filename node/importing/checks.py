"""What is against a row of a list, by the rules of its area, and what is written beside it: marks as in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node import access
from node.journal import queries as journal
from node.journal.desk import Change, Desk, new_lesson, open_lesson
from node.journal.queries import Place
from node.plans import queries as plans
from shared.access import Visitor
from shared.problems import InvalidValue, LineError, NotAllowed, PlanHandedIn, ReasonNeeded, TopicGiven
from shared.schema import BY_NAME, Table, Value
from sync.writer import Writer

Row = Mapping[str, Value]
Beside = tuple[str, Row]
"""Table and values of a row that comes with another one."""
LESSON, MARK = BY_NAME["lesson"], BY_NAME["mark"]
REASON_LENGTH = BY_NAME["mark_correction"].by_name["reason"].max_length or 0


@dataclass(frozen=True)
class LateLine(LineError):
    """The line changes what may be changed with a reason only, and none was given."""


class Rules:
    """What the rows of one import are held to, before each is written, and what is written beside it.

    These ask nothing, as for whoever imports in a terminal; a mark brings its lesson into the journal all the same.
    """

    def __init__(self) -> None:
        self._begun: set[Place] = set()

    def check(self, w: Writer, table: Table, row: Row) -> None:
        """Raises a problem of input or access where something is against a row."""

    def beside(self, w: Writer, table: Table, row: Row) -> Iterator[Beside]:
        """What is to be written after a row that became different."""
        place = place_of(row) if table is MARK else None
        if place is None or place in self._begun:
            return
        self._begun.add(place)
        w.foresee(LESSON, tuple(place.key.values()))
        lesson = journal.lesson(w.db, place)
        if lesson is None or not lesson["held"]:
            group = journal.group(w.db, place.group)
            teacher = lesson["teacher"] if lesson else group["teacher"] if group else None
            yield "lesson", new_lesson(place, teacher)


def keep(w: Writer, beside: Beside) -> tuple[str, tuple[int, ...]]:
    """Write a row that comes with another one; its table and key."""
    name, values = beside
    if BY_NAME[name].key == ("id",):
        return name, (w.insert(name, **values),)
    w.put(name, **values)
    return name, tuple(int(str(values[column])) for column in BY_NAME[name].key)


def place_of(row: Row) -> Place:
    """The lesson of a mark."""
    return Place(*(int(str(row[name])) for name in LESSON.key))


class MarkRules(Rules):
    """Marks are entered as in the journal: by who teaches the lesson, for those who belong to it, within its scale.

    A period that is locked stays as it is. After the days for a change one needs a ``reason``, given once for all of
    the list, and what stood before stays to be read beside it, also where nothing stood.
    """

    def __init__(self, who: Visitor, today: int, reason: str = "") -> None:
        super().__init__()
        self._who, self._today, self.reason = who, today, reason.strip()
        self._desks: dict[Place, Desk] = {}
        self._struck: set[tuple[Place, int, int]] = set()

    def _desk(self, w: Writer, place: Place) -> Desk:
        """NoLesson, NotAllowed."""
        if place not in self._desks:
            w.foresee(LESSON, tuple(place.key.values()))
            self._desks[place] = open_lesson(w.db, place, self._who.person, self._today)
        return self._desks[place]

    def check(self, w: Writer, table: Table, row: Row) -> None:
        """NoLesson, NotAllowed, TermLocked, NotInGroup, OutsideScale, WithoutMarks, InvalidValue; ReasonNeeded."""
        desk = self._desk(w, place_of(row))
        changes = [change for change in _changes(row) if desk.differs(change)]
        for change in changes:
            desk.require_open()
            desk.check(change)
        if any(map(desk.is_struck, changes)):
            if not self.reason:
                raise ReasonNeeded()
            if len(self.reason) > REASON_LENGTH:
                raise InvalidValue(table="mark_correction", column="reason", value=self.reason)

    def beside(self, w: Writer, table: Table, row: Row) -> Iterator[Beside]:
        """The lesson, where the journal does not know it, and what a late change leaves to be read."""
        place = place_of(row)
        desk = self._desk(w, place)
        if place not in self._begun and not desk.lesson["held"]:
            yield "lesson", new_lesson(place, desk.person)
        self._begun.add(place)
        for change in _changes(row):
            at = (place, change.pupil, change.slot)
            if desk.differs(change) and desk.is_struck(change) and at not in self._struck:
                self._struck.add(at)
                yield "mark_correction", desk.correction(change, self.reason)


def _changes(row: Row) -> list[Change]:
    """What a row of `mark` says of a cell."""
    pupil, slot, kind, comment = (row.get(name) for name in ("pupil", "slot", "kind", "comment"))
    assert isinstance(pupil, int) and isinstance(slot, int) and not isinstance(row["value"], bytes)
    mark = Change("mark", row["value"], None, pupil, slot, kind if isinstance(kind, int) else None)
    return [mark, *([Change("comment", str(comment), None, pupil)] if comment and not slot else [])]


class PlanRules(Rules):
    """A plan is written by the teacher of its group. What was handed in, and a topic that a lesson gave, stay."""

    def __init__(self, db: Database, who: Visitor) -> None:
        super().__init__()
        self._taught = access.taught_groups(db, who)
        self._settled: dict[object, bool] = {}
        self._before: dict[object, dict[object, Row]] = {}
        self._given: set[object] = {
            item
            for (item,) in db.execute(
                "SELECT DISTINCT plan_item FROM lesson WHERE retired_at IS NULL"
            ).fetchall()
        }

    def check(self, w: Writer, table: Table, row: Row) -> None:
        """NotAllowed, PlanHandedIn, TopicGiven."""
        if table.name == "plan":
            if row["subject_group"] not in self._taught:
                raise NotAllowed()
            return
        plan = row["plan"]
        if plan not in self._before:
            self._before[plan] = {one["id"]: one for one in plans.items(w.db, int(str(plan)))}
            state = plans.plan(w.db, int(str(plan)))
            self._settled[plan] = state is not None and bool(state["approved_at"] or state["submitted_at"])
        there = self._before[plan].get(row.get("id"))
        changes = there is None or any(row.get(name) != there[name] for name in ("position", *plans.FIELDS))
        if changes and self._settled[plan]:
            raise PlanHandedIn()
        if there is not None and there["id"] in self._given and row["topic"] != there["topic"]:
            raise TopicGiven()


Ruling = Callable[[Database, Visitor, int, str], Rules]
"""Makes the rules of one import: who gives the list, on which day, with which reason for what is late."""


def mark_rules(db: Database, who: Visitor, today: int, reason: str) -> Rules:
    """The rules of the journal."""
    return MarkRules(who, today, reason)


def plan_rules(db: Database, who: Visitor, today: int, reason: str) -> Rules:
    """The rules of the plans; no reason is asked there."""
    return PlanRules(db, who)
