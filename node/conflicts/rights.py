"""Who decides about a conflict: whoever may enter or approve the very row it is in."""

from __future__ import annotations

from sqlite_utils import Database

from node import access
from shared.access import Visitor
from shared.schema import BY_NUMBER, Table
from shared.tables import quoted

_AREAS = {
    "person": "card",
    "pupil": "card",
    "guardian": "card",
    "consent": "consent",
    "consent_offer": "consent",
    "order_person": "orders",
    "staff": "staff_file",
    "order_book": "orders",
    "order_reader": "orders",
    "appointment": "orders",
    "task": "tasks",
    "sign_off": "sign_off",
    "enrolment": "movement",
    "movement": "movement",
    "leaving_certificate": "movement",
    "year_decision": "movement",
    "class_group": "timetable",
    "subject_group": "timetable",
    "subject_group_pupil": "timetable",
    "subject_group_gap": "timetable",
    "timetable_slot": "timetable",
    "substitution": "timetable",
    "event": "timetable",
    "bell": "timetable",
    "room": "timetable",
    "plan": "plans",
    "plan_item": "plans",
    "lesson": "lesson_marks",
    "mark": "lesson_marks",
    "attendance": "attendance",
    "absence_note": "attendance",
    "term_result": "term_marks",
    "account": "accounts",
    "report_snapshot": "reports",
}
"""Table -> area of the table of rights; all others belong to the settings."""
_WRITING = {"appointment": ("A",)}
"""Table -> the verbs that write it, where entering and approving do not both: duties are the head's to give."""


def may_decide(db: Database, visitor: Visitor, tbl: int, key: int) -> bool:
    """May the visitor write the row with this local key? False for a table that this release does not know."""
    table = BY_NUMBER.get(tbl)
    if table is None:
        return False
    area = _AREAS.get(table.name, "settings")
    verbs = [verb for verb in _WRITING.get(table.name, ("E", "A")) if access.may(visitor, area, verb)]
    if any(access.may_all(visitor, area, verb) for verb in verbs):
        return True
    return any(_reaches(db, visitor, area, verb, table, key) for verb in verbs)


def _reaches(db: Database, visitor: Visitor, area: str, verb: str, table: Table, key: int) -> bool:
    row = _row(db, table, key)
    group, class_group = row.get("subject_group"), row.get("class_group")
    if group is not None:
        return access.reaches_group(db, visitor, area, verb, group)
    if table.name in ("class_group", "subject_group"):
        class_group = key if table.name == "class_group" else class_group
    if class_group is not None:
        return access.reaches_class(db, visitor, area, verb, class_group)
    pupil = row.get("pupil", row.get("person") if table.name in ("pupil", "consent") else None)
    pupil = key if table.name == "person" else pupil
    return pupil is not None and access.reaches_pupil(db, visitor, area, verb, pupil)


def _row(db: Database, table: Table, key: int) -> dict[str, int | None]:
    """The columns of a row that say whose it is."""
    names = [
        c.name for c in table.all_columns if c.name in ("subject_group", "class_group", "pupil", "person")
    ]
    if not names:
        return {}
    found = db.execute(
        f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)} WHERE {quoted(table.row_id)} = ?",
        (key,),
    ).fetchone()
    return dict(zip(names, found, strict=True)) if found else {}
