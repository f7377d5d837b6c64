"""Taking an import back, and bringing it back again, by the rules of the areas whose rows it wrote.

What the journal, the results or the rolls would not let anybody change stays as it is and is told; the rest goes.
Nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlite_utils import Database

from node import access, roster
from node.importing.checks import REASON_LENGTH
from node.journal import queries as journal
from node.journal.desk import Change, Desk, look_at, teaches
from node.journal.queries import Place
from node.journal.sheet import Result, Sheet, is_late, open_results
from node.plans import approval
from shared.access import Visitor
from shared.dates import DAY_MS
from shared.problems import (
    BroughtSince,
    InputProblem,
    InvalidValue,
    NoLesson,
    NotAllowed,
    NotFound,
    NothingToUndo,
    OnRoll,
    ReasonNeeded,
)
from shared.schema import BY_NAME, Value
from shared.tables import quoted
from sync import undo
from sync.clock import now_ms
from sync.undo import Act, LeftAlone, Row, Undone
from sync.writer import Writer

NEEDS: Mapping[str, str] = {"pupil": "card", "guardian": "card", "enrolment": "card", "staff": "staff_file"}
"""Table -> the area of the table of rights that it takes to write such rows for the whole school."""
MADE_ANEW = ("person", "class_group", "plan", "plan_item")
"""Tables of whose rows a second import makes others where the first one's are taken out."""
USED, LATE_RESULT, HISTORY = "used", "late_result", "history"
"""Why a row stays, beside the codes of problems: others built on it; its days are over; what was struck stays to be
read."""
_SETTLED = ("approved_at", "submitted_at")
_SILENT = frozenset({"act", "lesson", "mark_correction"})
"""Rows that come with others: nobody is told of them."""

Key = tuple[int, ...]
Values = Mapping[str, Any]
Judge = Callable[[Key, Values, Values], str]
"""Key of a row, its values now and as they would be -> why it has to stay; empty where it may change."""


@dataclass
class Review:
    """What an undo would do and what it leaves, by the rules of today.

    ``late``: marks that go with a reason only. ``plans``: those that change; ``settled``: how many of them are handed
    in or approved, or would be so again.
    """

    plan: undo.Plan
    late: int
    plans: frozenset[int]
    settled: int
    corrections: list[dict[str, Value]] = field(default_factory=list)

    @property
    def does_nothing(self) -> bool:
        """Is there nothing that may go or come back?"""
        return not any(self.going()) and not any(self.coming()) and not self.restored

    def going(self) -> Iterator[Row]:
        """The rows that go, of which people are told."""
        return (row for row in self.plan.retire if row[0] not in _SILENT)

    def coming(self) -> Iterator[Row]:
        """The rows that come back."""
        return (
            (name, key)
            for (name, key, _), values in self.plan.restore.items()
            if name not in _SILENT and values.get("retired_at", 0) is None
        )

    @property
    def restored(self) -> int:
        """Values of other rows that are as they were before."""
        there = set(self.coming())
        return sum(one[0] not in _SILENT and one[:2] not in there for one in self.plan.restore)


def told(left_alone: Iterable[LeftAlone]) -> list[LeftAlone]:
    """What stays and people are told of."""
    return [one for one in left_alone if one.place[0] not in _SILENT]


def review(db: Database, act: Act, who: Visitor, today: int, reason: str = "") -> Review:
    """What taking an act back would do. NotAllowed, BroughtSince; InvalidValue, WrittenByNewer."""
    plan = undo.plan_undo(db, act)
    _require_right(who, plan)
    if act.kind == "undo":
        _require_news(db, act, plan)
    rules = _Rules(db, act, who, today, reason.strip(), plan)
    held = rules.held()
    if held:
        plan = undo.plan_undo(db, act, held=held)
    plans = _plans_of(db, plan)
    again = {
        key[0]
        for (name, key, unit), values in plan.restore.items()
        if unit in _SETTLED and any(values.values())
    }
    settled = sum(approval.is_settled(db, one) or one in again for one in plans)
    return Review(plan, rules.late, plans, settled, rules.corrections)


def take_back(w: Writer, act: Act, who: Visitor, today: int, reason: str = "") -> Undone:
    """Undo an import, or the undo of one, as far as the rules allow; what is late goes with a reason, and is struck.

    What `review` raises; NothingToUndo: nothing of it may go.
    """
    found = review(w.db, act, who, today, reason)
    if found.does_nothing:
        raise NothingToUndo()
    undone = undo.undo(w, act, plan=found.plan)
    for one in found.corrections:
        w.insert("mark_correction", **one)
    for plan in found.plans:
        approval.take_back(w, plan)
    return undone


def _require_right(who: Visitor, plan: undo.Plan) -> None:
    """Who took people or classes in may still enter them; the head undoes any import. NotAllowed."""
    tables = {name for name, *_ in (*plan.restore, *plan.retire, *(one.place for one in plan.left_alone))}
    if who.has("head"):
        return
    areas = {area for table, area in NEEDS.items() if table in tables}
    if areas:
        allowed = all(access.may_all(who, area, "E") for area in areas)
    elif tables & {"person", "consent"}:
        allowed = any(access.may_all(who, area, "E") for area in NEEDS.values())
    else:
        allowed = "class_group" not in tables or access.may_all(who, "timetable", "E")
    if not allowed:
        raise NotAllowed()


def _require_news(db: Database, act: Act, plan: undo.Plan) -> None:
    """Nothing like what comes back was imported since it went, or it would stand twice. BroughtSince."""
    back = {
        BY_NAME[name].number
        for (name, _, _), values in plan.restore.items()
        if name in MADE_ANEW and "retired_at" in values
    }
    numbers = ", ".join(map(str, sorted(back)))
    for one in undo.marked_acts(db, "import", limit=-1) if back else ():
        if one.undone or one.clock < act.clock:
            continue
        sql = f"SELECT 1 FROM change WHERE clock = ? AND actor = ? AND tbl IN ({numbers}) LIMIT 1"
        if db.execute(sql, (one.clock, one.actor)).fetchone():
            raise BroughtSince(label=one.label)


class _Rules:
    """Why rows that an undo would change have to stay."""

    def __init__(
        self, db: Database, act: Act, who: Visitor, today: int, reason: str, plan: undo.Plan
    ) -> None:
        if len(reason) > REASON_LENGTH:
            raise InvalidValue(table="mark_correction", column="reason", value=reason)
        self.db, self.act, self.who, self.today, self.reason = db, act, who, today, reason
        self.plan, self.head = plan, who.has("head")
        self.late = 0
        self.corrections: list[dict[str, Value]] = []
        self._then: dict[Row, dict[str, Value]] = {}
        for (name, key, _), values in plan.restore.items():
            self._then.setdefault((name, key), {}).update(values)
        for row in plan.retire:
            self._then.setdefault(row, {})["retired_at"] = today
        self._desks: dict[Place, Desk | None] = {}
        self._sheets: dict[tuple[int, int], tuple[Sheet, int | None] | None] = {}
        self._plans: dict[int, str] = {}
        self._held: dict[Row, str] = {}

    def held(self) -> dict[Row, str]:
        """Every row that has to stay, and why."""
        judges: tuple[tuple[str, Judge], ...] = (
            ("mark", self._mark),
            ("mark_correction", self._history),
            ("lesson", self._lesson),
            ("term_result", self._result),
            ("enrolment", self._enrolment),
            ("subject_group_pupil", self._member),
            ("subject_group_gap", self._member),
            ("plan", self._plan),
            ("plan_item", self._plan_item),
        )
        for table, judge in judges:
            for row in [one for one in self._then if one[0] == table]:
                now = self._row(row)
                if why := judge(row[1], now, now | self._then[row]):
                    self._held[row] = why
        return self._held

    def _row(self, row: Row) -> dict[str, Any]:
        where = " AND ".join(f"{quoted(k)} = ?" for k in BY_NAME[row[0]].key)
        return dict(next(iter(self.db.query(f"SELECT * FROM {quoted(row[0])} WHERE {where}", row[1]))))

    # ---- the journal

    def _desk(self, place: Place) -> Desk | None:
        if place not in self._desks:
            try:
                self._desks[place] = look_at(self.db, place, self.who.person, self.today)
            except NoLesson:
                self._desks[place] = None
        return self._desks[place]

    def _mark(self, key: Key, now: Values, then: Values) -> str:
        """As if it were typed into the journal, but for pupils who have left: their marks may go."""
        pupil, slot = key[3:]
        value, comment = (then["value"], then["comment"] or "") if then["retired_at"] is None else (None, "")
        desk = self._desk(Place(*key[:3]))
        if desk is None:
            return NoLesson.code if value is not None else ""
        wanted = [Change("mark", value, None, pupil, slot, then["kind"])]
        wanted += [Change("comment", comment, None, pupil)] if not slot else []
        wanted = [change for change in wanted if desk.differs(change)]
        if wanted and not self.head and not teaches(desk.lesson, self.who.person):
            return NotAllowed.code
        try:
            for change in wanted:
                desk.require_open()
                if change.value not in (None, ""):
                    desk.check(change)
        except InputProblem as problem:
            return problem.code
        struck = [change for change in wanted if desk.is_struck(change)]
        if struck:
            self.late += 1
            if not self.reason:
                return ReasonNeeded.code
            self.corrections += [desk.correction(change, self.reason) for change in struck]
        return ""

    def _history(self, key: Key, now: Values, then: Values) -> str:
        """What was struck stays to be read."""
        return HISTORY

    def _lesson(self, key: Key, now: Values, then: Values) -> str:
        """It goes unless something of it stays, and comes back with a mark."""
        if then["retired_at"] is None:
            own = [row for row in self._then if row[0] == "mark" and row[1][:3] == key]
            return "" if now["retired_at"] is None or any(map(self._comes, own)) else USED
        where = "subject_group = ? AND day = ? AND period = ? AND retired_at IS NULL"
        marks = self.db.execute(
            f"SELECT pupil, slot FROM mark WHERE {where} AND (value IS NOT NULL OR comment <> '')", key
        ).fetchall()
        others = self.db.execute(
            f"""SELECT 1 FROM attendance WHERE {where} AND status <> 'present'
                UNION ALL SELECT 1 FROM mark_correction WHERE {where}""",
            (*key, *key),
        ).fetchone()
        struck = any(tuple(one[name] for name in BY_NAME["lesson"].key) == key for one in self.corrections)
        stays = any(not self._goes(("mark", (*key, *at))) for at in marks)
        return USED if others or struck or stays else ""

    def _goes(self, row: Row) -> bool:
        """Is a row taken out, or its mark?"""
        then = self._then.get(row, {})
        gone = then.get("retired_at") is not None or then.get("value", 0) is None
        return gone and row not in self._held

    def _comes(self, row: Row) -> bool:
        """Does a row come back?"""
        return self._then[row].get("retired_at", 0) is None and row not in self._held

    def _result(self, key: Key, now: Values, then: Values) -> str:
        """As its teacher gives it; after the days for a change within a day of the act alone, as on the page."""
        group, pupil, term = key
        if (group, term) not in self._sheets:
            row = journal.group(self.db, group)
            teacher = row["teacher"] if row else None
            try:
                self._sheets[group, term] = open_results(self.db, group, term, teacher, self.today), teacher
            except (NotFound, NotAllowed):
                self._sheets[group, term] = None
        found = self._sheets[group, term]
        if found is None:
            return NotFound.code
        sheet, teacher = found
        if not self.head and teacher != self.who.person:
            return NotAllowed.code
        try:
            sheet.require_open()
            if then["retired_at"] is None:
                sheet.fits(Result(pupil, then["value"], then["status"], "", None))
        except InputProblem as problem:
            return problem.code
        late = is_late(sheet.span, self.today, sheet.window) and now_ms() - self.act.at > DAY_MS
        return LATE_RESULT if late else ""

    # ---- rolls

    def _enrolment(self, key: Key, now: Values, then: Values) -> str:
        """Nobody is in two classes on one day; a roll on which the journal or the movement book relies stays."""
        pupil, class_group, start = (then[name] for name in ("pupil", "class_group", "start"))
        if then["retired_at"] is None:
            others = roster.spells(self.db, pupil, start, then["end"])
            return OnRoll.code if any(one["id"] != key[0] for one in others) else ""
        return USED if self._relied_on(pupil, class_group, start) else ""

    def _relied_on(self, pupil: int, class_group: int, start: int) -> bool:
        """Was anything written about a pupil of the class since a day, but for what goes with the import?"""
        moved = self.db.execute(
            "SELECT 1 FROM movement WHERE pupil = ? AND date >= ? AND retired_at IS NULL", (pupil, start)
        ).fetchone()
        return moved is not None or any(
            not self._goes((table, key))
            for table, said in _SAID_OF.items()
            for key in self.db.execute(
                f"""SELECT {", ".join(f"x.{name}" for name in BY_NAME[table].key)} FROM {table} x
                    JOIN subject_group sg ON sg.id = x.subject_group
                    WHERE x.pupil = ? AND sg.class_group = ? AND x.retired_at IS NULL AND {said}""",
                (pupil, class_group, start),
            ).fetchall()
        )

    def _member(self, key: Key, now: Values, then: Values) -> str:
        """Who stays on the roll of a class stays on the lists of its groups; who does not come back joins none."""
        row = self.db.execute("SELECT class_group FROM subject_group WHERE id = ?", (key[0],)).fetchone()
        return self._staying.get((key[1], row[0] if row else None), "")

    @cached_property
    def _staying(self) -> dict[tuple[int, int | None], str]:
        """Pupil and class of each enrolment that is left as it is -> why."""
        held = {row: why for row, why in self._held.items() if row[0] == "enrolment"}
        left = {one.place[:2]: one.why for one in self.plan.left_alone if one.place[0] == "enrolment"}
        rows = {row: self._row(row) for row in (left | held)}
        return {(now["pupil"], now["class_group"]): (left | held)[row] for row, now in rows.items()}

    # ---- plans

    def _plan(self, key: Key, now: Values, then: Values) -> str:
        """Its teacher of today changes it."""
        row = journal.group(self.db, then["subject_group"])
        mine = row is not None and row["teacher"] == self.who.person
        return "" if self.head or mine else NotAllowed.code

    def _plan_item(self, key: Key, now: Values, then: Values) -> str:
        plan = then["plan"]
        if plan not in self._plans:
            row = self._row(("plan", (plan,)))
            self._plans[plan] = self._plan((plan,), row, row)
        return self._plans[plan]


_SAID_OF = {
    "mark": "x.day >= ? AND x.value IS NOT NULL",
    "attendance": "x.day >= ? AND x.status <> 'present'",
    "term_result": "? IS NOT NULL",
}
"""Tables of what is written about a pupil in a subject group -> which rows say something, from a day on."""


def _plans_of(db: Database, plan: undo.Plan) -> frozenset[int]:
    """The plans of which topics, or whose own row, would be others."""
    rows = {(name, key) for name, key, _ in plan.restore} | set(plan.retire)
    items = [key[0] for name, key in rows if name == "plan_item"]
    marks = ", ".join(map(str, items))
    found = {one for (one,) in db.execute(f"SELECT plan FROM plan_item WHERE id IN ({marks})").fetchall()}
    return frozenset(found | {key[0] for name, key in rows if name == "plan"})
