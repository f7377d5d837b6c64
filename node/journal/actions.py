"""Writing the journal: who may, what is allowed in a cell, what a late change asks for, results of a term.

Nothing here knows of HTTP. A change names the value its author saw; a cell that holds another one by now is not
overwritten. Asking twice for the same change is asking once, so what is sent again doubles nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlite_utils import Database

from node.attendance import queries as attendance
from node.journal import queries
from node.journal.desk import Change, Desk, new_lesson, open_lesson
from node.journal.queries import Place
from node.journal.sheet import Result, open_results, term_of
from shared.dates import DAY_MS
from shared.problems import (
    ChangedMeanwhile,
    InvalidValue,
    NotFound,
    ReasonNeeded,
    TermLocked,
)
from shared.schema import Value
from sync.undo import Act, Undone, plan_undo, undo
from sync.writer import Writer


def save(
    w: Writer,
    place: Place,
    person: int | None,
    today: int,
    changes: Sequence[Change],
    reason: str = "",
    *,
    gives_reasons: bool = False,
) -> int:
    """Write changes of one lesson, all or none; returns how many values became different.

    ``reason`` is that of late changes. ``gives_reasons``: the person says why someone is absent, as who leads the class
    does; of others a change says that alone. NoLesson, NotAllowed, TermLocked, NotInGroup, OutsideScale, WithoutMarks,
    InvalidValue, ReasonNeeded; ChangedMeanwhile with every clash.
    """
    desk = open_lesson(w.db, place, person, today)
    if not gives_reasons:
        changes = [replace(change, why="") for change in changes]
    wanted = [change for change in changes if desk.differs(change)]
    explained = [c for c in changes if c.explains and c not in wanted and _is_news(w.db, desk, c)]
    for change in (*wanted, *explained):
        desk.require_open()
        desk.check(change)
    clashes = [(c, desk.stands(c)) for c in wanted if desk.stands(c) not in (c.seen, *c.own)]
    if clashes:
        raise ChangedMeanwhile(clashes)
    if not reason.strip() and any(map(desk.is_struck, wanted)):
        raise ReasonNeeded()
    if wanted and not desk.lesson["held"]:
        w.put("lesson", **new_lesson(place, desk.person))
    for change in wanted:
        _write(w, desk, change, reason.strip())
    for change in explained:
        w.put("attendance", **desk.row_of(change), **attendance.Reason(change.why).columns)
    return len(wanted) + len(explained)


def _is_news(db: Database, desk: Desk, change: Change) -> bool:
    """Is a reason for an absence that stands another than the one it has?"""
    return attendance.reason_of(db, desk.row_of(change)).told != attendance.Reason(change.why).told


def _write(w: Writer, desk: Desk, change: Change, reason: str) -> None:
    key = desk.place.key
    if desk.is_struck(change):
        w.insert("mark_correction", **desk.correction(change, reason))
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
        row, given = desk.row_of(change), attendance.Reason(change.why)
        why = given if change.explains else attendance.reason_with(w.db, row, str(change.value))
        w.put("attendance", **row, status=change.value, **why.columns)
    elif change.field == "comment":
        w.put("mark", **key, pupil=change.pupil, slot=0, comment=str(change.value))
    elif change.field == "taken":
        w.put("lesson", **key, attendance_taken=change.value)
    else:
        w.put("lesson", **key, **{change.field: change.value}, **_planned(w.db, desk, change))


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
