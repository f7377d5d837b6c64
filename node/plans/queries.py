"""Reading plans: items, their planned and actual dates, hours given against plan, whose turn it is.

Nothing of this is stored. Planned dates follow from the timetable and the calendar as they are now, so a holiday that
moves, or a lesson that does, moves the plan with it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.calendar import queries as calendar
from node.plans.laying import following, lay_out
from node.timetable import queries as timetable
from shared.i18n import folded
from shared.schema import BY_NAME
from sync.undo import Act, marked_acts

FIELDS = ("section", "topic", "hours", "homework", "objective", "resources", "assessment", "note")
"""What an item holds, in the order of the paper plan."""
At = tuple[int, int]
"""Day and period of a lesson."""


HOLDS = """p.retired_at IS NULL AND NOT EXISTS (SELECT 1 FROM plan q WHERE q.subject_group = p.subject_group
  AND q.id > p.id AND q.retired_at IS NULL)"""
"""SQL: does the plan `p` hold for its group? Of several, made apart on two machines, the one entered last does."""


def plan_of(db: Database, group: int) -> Mapping[str, Any] | None:
    """The plan that holds for a subject group."""
    sql = f"SELECT p.* FROM plan p WHERE p.subject_group = ? AND {HOLDS}"
    return next(iter(db.query(sql, (group,))), None)


def plan(db: Database, plan_id: int) -> Mapping[str, Any] | None:
    """One plan."""
    return next(iter(db.query("SELECT * FROM plan WHERE id = ? AND retired_at IS NULL", (plan_id,))), None)


def items(db: Database, plan_id: int) -> list[Mapping[str, Any]]:
    """The items of a plan in their order; hours that nobody wrote are one."""
    sql = """SELECT id, plan, position, section, topic, ifnull(hours, 1) AS hours, homework, objective, resources,
        assessment, note FROM plan_item WHERE plan = ? AND retired_at IS NULL ORDER BY position, id"""
    return list(db.query(sql, (plan_id,)))


def group(db: Database, group_id: int) -> Mapping[str, Any] | None:
    """A subject group with its class, its subject, and the first and last day on which it may have lessons."""
    sql = """SELECT sg.id, sg.class_group, sg.teacher, sg.subject, sg.hours_week, sg.name AS part, cg.grade, cg.letter,
        cg.language, cg.year, s.code, s.name_ky, s.name_ru, s.name_en
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group
      LEFT JOIN subject s ON s.id = sg.subject
      WHERE sg.id = ? AND cg.year IS NOT NULL AND sg.retired_at IS NULL AND cg.retired_at IS NULL"""
    row = next(iter(db.query(sql, (group_id,))), None)
    found = calendar.bounds(db, row["year"]) if row else None
    return dict(row) | {"first": found[0], "last": found[1]} if row and found else None


@dataclass(frozen=True)
class Going:
    """What a plan loses when it becomes other lines: topics, and hours of theirs that lessons have given."""

    topics: list[str]
    given: int


def going(db: Database, plan_id: int, lines: Sequence[Mapping[str, Any]]) -> Going:
    """What would go if the plan consisted of these lines; a topic that reads the same stays."""
    there = Counter(folded(str(line["topic"])) for line in lines)
    gone = []
    for one in items(db, plan_id):
        topic = folded(one["topic"] or "")
        there[topic] -= 1
        if there[topic] < 0:
            gone.append(one)
    given = db.execute(
        """SELECT count(*) FROM lesson WHERE retired_at IS NULL
           AND plan_item IN (SELECT value FROM json_each(?))""",
        (json.dumps([one["id"] for one in gone]),),
    ).fetchone()[0]
    return Going([one["topic"] or "" for one in gone], given)


def last_import(db: Database, plan_id: int, account: int) -> Act | None:
    """The account's latest import that wrote items of the plan and is not undone."""
    sql = """SELECT 1 FROM change WHERE clock = ? AND actor = ? AND tbl = ?
             AND key IN (SELECT id FROM plan_item WHERE plan = ?) LIMIT 1"""
    number = BY_NAME["plan_item"].number
    own = (act for act in marked_acts(db, "import") if act.actor == account and not act.undone)
    return next((a for a in own if db.execute(sql, (a.clock, a.actor, number, plan_id)).fetchone()), None)


# ---- plan and fact


@dataclass(frozen=True)
class Held:
    """A lesson of the journal: when, which item of the plan it gave, whether a topic was written."""

    at: At
    item: int | None
    topic: str


def held(db: Database, group_id: int) -> list[Held]:
    """The lessons that were held of a group, in order."""
    rows = db.execute(
        "SELECT day, period, plan_item, ifnull(topic, '') FROM lesson WHERE subject_group = ? "
        "AND retired_at IS NULL ORDER BY day, period",
        (group_id,),
    ).fetchall()
    return [Held((day, period), item, topic) for day, period, item, topic in rows]


@dataclass(frozen=True)
class Row:
    """An item with its dates. ``expected`` is when it will come as things stand, for what is not given yet."""

    item: Mapping[str, Any]
    planned: tuple[At, ...]
    actual: tuple[At, ...]
    expected: tuple[At, ...]
    late: bool

    @property
    def given(self) -> int:
        return len(self.actual)


ALIKE_FROM = 5
"""Letters that a topic must have in common with the plan's to be taken for it."""


@dataclass(frozen=True)
class Laid:
    """A whole plan against fact, on a day. Hours: of the plan, due by that day, given of the plan, lessons held.

    ``dates`` is how many lessons the timetable holds in the year; ``off`` counts lessons with a topic of their own.
    """

    rows: list[Row]
    hours: int
    due: int
    given: int
    lessons: int
    off: int
    dates: int

    @property
    def behind(self) -> int:
        """Hours that are due and not given; negative when the class is ahead."""
        return self.due - self.given

    @property
    def late(self) -> int:
        return sum(row.late for row in self.rows)

    @property
    def next(self) -> Row | None:
        """The row whose topic the next lesson gives: after the one given last, else the first with hours left."""
        given = [place for place, row in enumerate(self.rows) if row.actual]
        hours, done = [row.item["hours"] for row in self.rows], [len(row.actual) for row in self.rows]
        place = following(hours, done, given[-1] if given else None)
        return None if place is None else self.rows[place]


def laid(
    found: Sequence[Mapping[str, Any]], dates: Sequence[At], lessons: Sequence[Held], today: int
) -> Laid:
    """Lay items onto the dates of the year, and what is left of them onto the dates from today on."""
    hours = [item["hours"] for item in found]
    actual: dict[int, list[At]] = {item["id"]: [] for item in found}
    for one in lessons:
        if one.item in actual:
            actual[one.item].append(one.at)
    known = {one.at for one in lessons}
    coming = [at for at in dates if at[0] >= today and at not in known]
    left = [max(0, item["hours"] - len(actual[item["id"]])) for item in found]
    rows = []
    planned_dates, coming_dates = lay_out(hours, dates), lay_out(left, coming)
    for item, planned, expected in zip(found, planned_dates, coming_dates, strict=True):
        given = tuple(actual[item["id"]])
        late = bool(planned) and planned[-1][0] < today and len(given) < item["hours"]
        rows.append(Row(item, planned, given, expected, late))
    total = sum(hours)
    return Laid(
        rows=rows,
        hours=total,
        due=min(total, sum(at[0] < today for at in dates)),
        given=sum(min(row.given, row.item["hours"]) for row in rows),
        lessons=len(lessons),
        off=sum(one.item not in actual and bool(one.topic) for one in lessons),
        dates=len(dates),
    )


def laid_plan(db: Database, row: Mapping[str, Any], plan_id: int, today: int) -> Laid:
    """The plan of a subject group (as `group` gives it) against fact."""
    dates = timetable.dates(db, row["id"], row["first"], row["last"])
    return laid(items(db, plan_id), dates, held(db, row["id"]), today)


def due_item(db: Database, group_id: int, day: int, period: int) -> Mapping[str, Any] | None:
    """The item whose turn it is in a lesson, by what was given before it; None without a plan, or when all is given.

    Lessons whose topic nobody has written yet are taken to have given what came next; lessons with a topic of their
    own (a substitute's, say) give nothing of the plan.
    """
    return due_items(db, group_id, [(day, period)]).get((day, period))


def due_items(db: Database, group_id: int, places: Collection[At]) -> dict[At, Mapping[str, Any]]:
    """What `due_item` says of several lessons; those for which no item is left are not among them."""
    row = plan_of(db, group_id) if places else None
    if row is None:
        return {}
    found, lessons = items(db, row["id"]), held(db, group_id)
    hours, at = [item["hours"] for item in found], {item["id"]: place for place, item in enumerate(found)}
    due = {}
    for lesson in places:
        given, last, ahead = [0] * len(found), None, 0
        for one in lessons:
            if one.at >= lesson:
                break
            if one.item in at:
                last = at[one.item]
                given[last] += 1
            elif not one.topic:
                ahead += 1
        place = following(hours, given, last, ahead)
        if place is not None:
            due[lesson] = found[place]
    return due


def item_of_topic(db: Database, group_id: int, day: int, period: int, topic: str) -> Mapping[str, Any] | None:
    """The item that a topic written in a lesson gives: the one due if it reads so, else the first that does, else the
    one due if the topic goes on from its words or stops short in them."""
    due = due_item(db, group_id, day, period)
    if due is not None and due["topic"] == topic:
        return due
    row = plan_of(db, group_id)
    found = items(db, row["id"]) if row is not None and topic.strip() else []
    same = next((item for item in found if folded(item["topic"] or "") == folded(topic)), None)
    return same or (due if due is not None and _alike(folded(due["topic"] or ""), folded(topic)) else None)


def _alike(one: str, two: str) -> bool:
    """Does the longer of two folded texts begin with the shorter?"""
    short, long = sorted((one.strip(), two.strip()), key=len)
    return len(short) >= ALIKE_FROM and long.startswith(short)


# ---- many plans


@dataclass(frozen=True)
class Standing:
    """The plan of a group in a list: its row, None where there is none, and plan against fact."""

    group: Mapping[str, Any]
    plan: Mapping[str, Any] | None
    laid: Laid | None

    @property
    def state(self) -> str:
        """`none`, `draft`, `back` (sent back with a remark), `handed_in` or `approved`."""
        if self.plan is None:
            return "none"
        if self.plan["approved_at"]:
            return "approved"
        if self.plan["submitted_at"]:
            return "handed_in"
        return "back" if self.plan["remark"] else "draft"


def standings(
    db: Database,
    year: tuple[int, int, int],
    today: int,
    *,
    teacher: int | None = None,
    class_group: int | None = None,
) -> list[Standing]:
    """The plans of a teacher's or a class's subject groups (year: row, first and last day) against fact."""
    groups = [
        one
        for one in timetable.groups(db, year[0])
        if (teacher is None or one["teacher"] == teacher) and class_group in (None, one["class_group"])
    ]
    ids = [one["id"] for one in groups]
    dates: dict[int, list[At]] = {}
    for lesson in timetable.agenda(db, year[1], year[2], groups=ids):
        dates.setdefault(lesson.group, []).append((lesson.day, lesson.period))
    found = []
    for one in groups:
        row = plan_of(db, one["id"])
        against = (
            laid(items(db, row["id"]), dates.get(one["id"], []), held(db, one["id"]), today) if row else None
        )
        found.append(Standing(one, row, against))
    return found


def to_approve(db: Database) -> list[int]:
    """The subject groups whose plans wait for approval, the longest waiting first."""
    sql = f"""SELECT p.subject_group FROM plan p WHERE {HOLDS} AND p.submitted_at IS NOT NULL AND p.approved_at IS NULL
      ORDER BY p.submitted_at"""
    return [row[0] for row in db.execute(sql).fetchall()]


def to_copy(db: Database, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Plans of the same subject in the same grade, of colleagues and of other years, the newest first."""
    sql = f"""SELECT p.id, p.title, cg.grade, cg.letter, cg.language, sg.teacher, sg.name AS part,
        y.start AS year_start, count(i.id) AS topics, sum(ifnull(i.hours, 1)) AS hours
      FROM plan p JOIN subject_group sg ON sg.id = p.subject_group JOIN class_group cg ON cg.id = sg.class_group
      LEFT JOIN academic_year y ON y.id = cg.year
      JOIN plan_item i ON i.plan = p.id AND i.retired_at IS NULL
      WHERE {HOLDS} AND sg.subject = ? AND cg.grade = ? AND p.subject_group <> ?
      GROUP BY p.id ORDER BY cg.language = ? DESC, y.start DESC, p.id DESC LIMIT 60"""
    return list(db.query(sql, (row["subject"], row["grade"], row["id"], row["language"])))
