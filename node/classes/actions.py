"""Making, changing and closing classes, and what is taught in them. Nothing here knows of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from node import roster
from node.classes import queries
from node.schooldays import YEARS
from shared.problems import (
    ClassExists,
    ClassNotEmpty,
    GroupInUse,
    InvalidValue,
    NotFound,
    OutsideYear,
    SubjectTaught,
)
from shared.schema import LANGUAGES
from sync.writer import Writer

PARTS = 2
"""Subgroups that a class is split into at once; more are added one by one."""


@dataclass(frozen=True)
class ClassDraft:
    """A class as a form describes it; ``combined`` is the class whose lessons it shares (класс-комплект)."""

    grade: int
    letter: str
    language: str
    shift: int
    week_days: int
    teacher: int | None = None
    room: int | None = None
    combined: int | None = None


@dataclass(frozen=True)
class GroupDraft:
    """What is taught to a class or to a part of it; without a scale nobody is marked."""

    subject: int
    teacher: int | None
    hours_week: int | None
    scale: int | None
    name: str = ""


# ---- classes


def create_class(w: Writer, year: int, draft: ClassDraft) -> int:
    """A new class of a school year; returns its row. InvalidValue, ClassExists."""
    if not any(one.id == year for one in queries.all_years(w.db)):
        raise InvalidValue(table="class_group", column="year", value=year)
    _check_class(w.db, year, draft)
    return w.insert("class_group", year=year, **_columns(draft))


def change_class(w: Writer, class_id: int, draft: ClassDraft) -> bool:
    """Change a class; returns whether anything changed. NotFound, InvalidValue, ClassExists."""
    year = _class(w.db, class_id)[0]
    _check_class(w.db, year, draft, class_id)
    return w.update("class_group", class_id, **_columns(draft))


def close_class(w: Writer, class_id: int, day: int) -> None:
    """No pupil is enrolled in the class from a day on, and none can be. NotFound, OutsideYear, ClassNotEmpty."""
    _, first = _class(w.db, class_id)
    if first is not None and day < first:
        raise OutsideYear()
    still = w.db.execute(
        """SELECT count(DISTINCT pupil) FROM enrolment WHERE class_group = ? AND retired_at IS NULL
           AND ("end" IS NULL OR "end" > ?)""",
        (class_id, day),
    ).fetchone()[0]
    if still:
        raise ClassNotEmpty(count=still)
    w.update("class_group", class_id, closed_on=day)


def reopen_class(w: Writer, class_id: int) -> None:
    """Take back the closing of a class. NotFound, ClassExists."""
    year, _ = _class(w.db, class_id)
    grade, letter = w.db.execute("SELECT grade, letter FROM class_group WHERE id = ?", (class_id,)).fetchone()
    _check_name(w.db, year, grade, letter, class_id)
    w.update("class_group", class_id, closed_on=None)


def remove_class(w: Writer, class_id: int) -> None:
    """Take back a class made by mistake, with its subjects; only while nobody was on its roll and nothing of it is
    written. NotFound, ClassHadPupils, ClassInUse.
    """
    _class(w.db, class_id)
    if (problem := queries.holds_class(w.db, class_id)) is not None:
        raise problem
    groups = "SELECT id FROM subject_group WHERE class_group = ? AND retired_at IS NULL"
    for (group,) in w.db.execute(groups, (class_id,)).fetchall():
        remove_group(w, group)
    partners = "SELECT id FROM class_group WHERE combined = ? AND retired_at IS NULL"
    for (partner,) in w.db.execute(partners, (class_id,)).fetchall():
        w.update("class_group", partner, combined=None)
    w.retire("class_group", class_id)


def _class(db: Database, class_id: int) -> tuple[int, int | None]:
    """School year and first day of a class. NotFound."""
    row = db.execute(
        f"""SELECT cg.year, y.start FROM class_group cg LEFT JOIN {YEARS} y ON y.id = cg.year
           WHERE cg.id = ? AND cg.retired_at IS NULL""",
        (class_id,),
    ).fetchone()
    if row is None:
        raise NotFound()
    return row[0], row[1]


def _columns(draft: ClassDraft) -> dict[str, int | str | None]:
    return {
        "grade": draft.grade,
        "letter": draft.letter,
        "language": draft.language,
        "shift": draft.shift,
        "week_days": draft.week_days,
        "teacher": draft.teacher,
        "room": draft.room,
        "combined": draft.combined,
    }


def _check_class(db: Database, year: int, draft: ClassDraft, class_id: int = 0) -> None:
    if not 1 <= draft.grade <= 12:
        raise InvalidValue(table="class_group", column="grade", value=draft.grade)
    if not draft.letter:
        raise InvalidValue(table="class_group", column="letter", value=draft.letter)
    if draft.language not in LANGUAGES:
        raise InvalidValue(table="class_group", column="language", value=draft.language)
    _check_name(db, year, draft.grade, draft.letter, class_id)
    _check_reference(db, "class_group", "teacher", "staff", "person", draft.teacher)
    _check_reference(db, "class_group", "room", "room", "id", draft.room)
    if draft.combined is not None and draft.combined not in {
        one["id"] for one in queries.partners(db, year, class_id)
    }:
        raise InvalidValue(table="class_group", column="combined", value=draft.combined)


def _check_name(db: Database, year: int, grade: int, letter: str, class_id: int) -> None:
    sql = """SELECT 1 FROM class_group WHERE year = ? AND grade = ? AND letter = ? AND id <> ?
             AND retired_at IS NULL AND closed_on IS NULL"""
    if db.execute(sql, (year, grade, letter, class_id)).fetchone() is not None:
        raise ClassExists()


def _check_reference(db: Database, table: str, column: str, target: str, key: str, row: int | None) -> None:
    sql = f"SELECT 1 FROM {target} WHERE {key} = ? AND retired_at IS NULL"
    if row is not None and db.execute(sql, (row,)).fetchone() is None:
        raise InvalidValue(table=table, column=column, value=row)


# ---- what is taught


def add_group(w: Writer, class_id: int, draft: GroupDraft) -> int:
    """Teach a class a subject; returns the subject group. NotFound, InvalidValue, SubjectTaught."""
    _class(w.db, class_id)
    _check_group(w.db, draft)
    if draft.subject in roster.parts(w.db, class_id):
        raise SubjectTaught()
    return w.insert("subject_group", class_group=class_id, subject=draft.subject, **_taught(draft))


def change_group(w: Writer, group: int, draft: GroupDraft) -> bool:
    """Change teacher, hours, scale or name of a subject group; its subject stays. NotFound, InvalidValue."""
    row = _group(w.db, group)
    if row["subject"] != draft.subject:
        raise InvalidValue(table="subject_group", column="subject", value=draft.subject)
    _check_group(w.db, draft)
    return w.update("subject_group", group, **_taught(draft))


def remove_group(w: Writer, group: int) -> None:
    """Teach the subject no more; only while nothing was written for the group. NotFound, GroupInUse."""
    _group(w.db, group)
    for table in ("lesson", "mark", "attendance", "term_result", "timetable_slot", "plan"):
        sql = f"SELECT 1 FROM {table} WHERE subject_group = ? AND retired_at IS NULL LIMIT 1"
        if w.db.execute(sql, (group,)).fetchone() is not None:
            raise GroupInUse()
    for (pupil,) in w.db.execute(
        "SELECT pupil FROM subject_group_pupil WHERE subject_group = ? AND retired_at IS NULL", (group,)
    ).fetchall():
        w.retire("subject_group_pupil", group, pupil)
    for _, pupil in (spans := roster.gaps(w.db, group=group)):
        for start, _ in spans[group, pupil]:
            w.retire("subject_group_gap", group, pupil, start)
    w.retire("subject_group", group)


def split(w: Writer, group: int, day: int, teacher: int | None, names: tuple[str, str]) -> int:
    """Teach a subject in one more subgroup from a day on; returns the new group. NotFound, InvalidValue.

    The first group keeps its journal. Of a class that was not split before, every second pupil (in alphabetical order)
    goes to the new group; who belongs where can be changed afterwards. A class split already gets an empty subgroup.
    """
    row = _group(w.db, group)
    class_id, subject = row["class_group"], row["subject"]
    _check_reference(w.db, "subject_group", "teacher", "staff", "person", teacher)
    if not all(names):
        raise InvalidValue(table="subject_group", column="name", value="")
    first_split = len(roster.parts(w.db, class_id).get(subject, [])) == 1
    new = w.insert(
        "subject_group",
        class_group=class_id,
        subject=subject,
        teacher=teacher,
        scale=row["scale"],
        hours_week=row["hours_week"],
        name=names[1],
    )
    roster.write_list(w, group)
    if first_split:
        w.update("subject_group", group, name=names[0])
        pupils = queries.in_alphabetical_order(w.db, class_id, day)
        roster.place(w, class_id, subject, day, dict.fromkeys(pupils[1::PARTS], new))
    if not roster.has_list(w.db, new):
        _empty_list(w, new, class_id, day)
    return new


def _empty_list(w: Writer, group: int, class_id: int, day: int) -> None:
    """A list on which nobody stands any more, so that the group is not taken for the whole class."""
    pupil = w.db.execute(
        "SELECT pupil FROM enrolment WHERE class_group = ? AND retired_at IS NULL LIMIT 1", (class_id,)
    ).fetchone()
    if pupil is not None:
        w.put("subject_group_pupil", subject_group=group, pupil=pupil[0], start=day, end=day)


def place_pupils(w: Writer, group: int, day: int, where: Mapping[int, int | None]) -> int:
    """Move pupils among the subgroups of the group's subject from a day on; returns how many moved.

    NotFound; OutsideYear for a day before the class began; InvalidValue for a group of another subject or class.
    """
    row = _group(w.db, group)
    _, first = _class(w.db, row["class_group"])
    if first is not None and day < first:
        raise OutsideYear()
    groups = roster.parts(w.db, row["class_group"])[row["subject"]]
    strange = next((one for one in where.values() if one is not None and one not in groups), None)
    if strange is not None:
        raise InvalidValue(table="subject_group_pupil", column="subject_group", value=strange)
    on_roll = {one["id"] for one in queries.roll(w.db, row["class_group"], day, day)}
    here = {pupil: wanted for pupil, wanted in where.items() if pupil in on_roll}
    for one in groups:
        roster.write_list(w, one)
    return roster.place(w, row["class_group"], row["subject"], day, here)


def copy_groups(w: Writer, class_id: int, source: int) -> int:
    """Teach a class what another one is taught and it is not; returns how many subjects came.

    Subject, hours and scale are taken over. The teacher too, unless it is the class teacher of the other class, as in
    the first grades: then this class's own. NotFound.
    """
    _class(w.db, class_id)
    _class(w.db, source)
    return roster.copy_groups(w, class_id, source)


def _group(db: Database, group: int) -> Mapping[str, int]:
    sql = "SELECT * FROM subject_group WHERE id = ? AND retired_at IS NULL AND class_group IS NOT NULL"
    row = next(iter(db.query(sql, (group,))), None)
    if row is None:
        raise NotFound()
    return row


def _taught(draft: GroupDraft) -> dict[str, int | str | None]:
    return {
        "teacher": draft.teacher,
        "hours_week": draft.hours_week,
        "scale": draft.scale,
        "name": draft.name or None,
    }


def _check_group(db: Database, draft: GroupDraft) -> None:
    _check_reference(db, "subject_group", "subject", "subject", "id", draft.subject)
    _check_reference(db, "subject_group", "teacher", "staff", "person", draft.teacher)
    _check_reference(db, "subject_group", "scale", "grading_scale", "id", draft.scale)
