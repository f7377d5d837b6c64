"""Finding what is here already of what a roster names."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from node.importing.values import class_letter
from node.schooldays import YEARS
from shared.i18n import folded
from shared.schema import BY_NAME, MAX_INTEGER
from shared.tables import quoted

_OWN = {"class": "class_group", "group": "subject_group", "subject": "subject"}
_TABLE_OF = {"person": "person", "class_group": "class_group", "subject_group": "subject_group", "subject": "subject",
             "enrolment": "enrolment"}  # fmt: skip


def one(db: Database, sql: str, *values: object) -> int | None:
    """The number in the first row of an answer."""
    row = db.execute(sql, values).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def own_row(file: str, source_id: str) -> tuple[str, int] | None:
    """What a key made by this school's own export stands for."""
    word, _, rest = source_id.partition("-")
    if file == "users":
        return ("person", int(source_id)) if _is_id(source_id) else None
    if file == "enrollments":
        parts = rest.split("-")
        return (
            ("enrolment", int(parts[1])) if word == "class" and len(parts) > 2 and _is_id(parts[1]) else None
        )
    return (_OWN[word], int(rest)) if word in _OWN and _is_id(rest) else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_INTEGER


def is_alive(db: Database, column: str, row: int) -> bool:
    """Is the row that a column of `external_key` names there, and not retired?"""
    table = BY_NAME[_TABLE_OF[column]]
    sql = f"SELECT 1 FROM {quoted(table.name)} WHERE id = ? AND retired_at IS NULL"
    return db.execute(sql, (row,)).fetchone() is not None


# ---- years, subjects, classes


def year_on(db: Database, day: int) -> int | None:
    """The school year in which a day lies, or whose summer it is."""
    sql = f"""SELECT id FROM {YEARS} WHERE start <= ?1 AND "end" >= ?1
             ORDER BY start DESC LIMIT 1"""
    return one(db, sql, day)


def year_of(db: Database, column: str, row: int) -> int | None:
    """The school year of a class or of a subject group's class."""
    if column == "class_group":
        return one(db, "SELECT year FROM class_group WHERE id = ?", row)
    sql = "SELECT cg.year FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group WHERE sg.id = ?"
    return one(db, sql, row)


def class_named(db: Database, year: int, grade: int, letter: str) -> int | None:
    """The class of a year with that grade and letter, however it is typed; an open one before a closed one."""
    for row, text in db.execute(
        """SELECT id, ifnull(letter, '') FROM class_group WHERE year = ? AND grade = ? AND retired_at IS NULL
           ORDER BY closed_on IS NOT NULL, id""",
        (year, grade),
    ).fetchall():
        if class_letter(text) == class_letter(letter):
            return int(row)
    return None


def room_named(db: Database, name: str) -> int | None:
    return one(db, "SELECT id FROM room WHERE name = ? AND retired_at IS NULL ORDER BY id LIMIT 1", name)


def scale_named(db: Database, code: str) -> int | None:
    sql = "SELECT id FROM grading_scale WHERE code = ? AND retired_at IS NULL ORDER BY id DESC LIMIT 1"
    return one(db, sql, code)


def subject_known(db: Database, codes: Sequence[str], names: Sequence[str]) -> int | None:
    """The subject with one of these codes, else with one of these names (folded) in any language."""
    rows = db.execute(
        "SELECT id, code, name_ky, name_ru, name_en FROM subject WHERE retired_at IS NULL ORDER BY id"
    ).fetchall()
    by_code = {row[1]: int(row[0]) for row in rows if row[1]}
    by_name = {folded(name): int(row[0]) for row in reversed(rows) for name in row[2:] if name}
    found = (by_code.get(code) for code in codes)
    return next((row for row in found if row), None) or next(
        (by_name[name] for name in names if name in by_name), None
    )


def group_named(db: Database, class_group: int, subject: int, part: str, twins: bool) -> int | None:
    """The group of a class and subject with that name; the only one there is, unless the roster has several."""
    rows = db.execute(
        """SELECT id, ifnull(name, '') FROM subject_group WHERE class_group = ? AND subject = ?
           AND retired_at IS NULL ORDER BY id""",
        (class_group, subject),
    ).fetchall()
    named = [int(row) for row, name in rows if name == part]
    return named[0] if named else int(rows[0][0]) if len(rows) == 1 and not twins else None


def was_taught(db: Database, group: int) -> bool:
    """Has the group a lesson, a mark or a result?"""
    return any(
        db.execute(
            f"SELECT 1 FROM {table} WHERE subject_group = ? AND retired_at IS NULL LIMIT 1", (group,)
        ).fetchone()
        for table in ("lesson", "mark", "term_result")
    )


# ---- people


def person_numbered(db: Database, number: str) -> int | None:
    """The pupil with that personal file, or whoever has that personal number."""
    pupil = "SELECT person FROM pupil WHERE personal_file = ? AND retired_at IS NULL ORDER BY person LIMIT 1"
    person = "SELECT id FROM person WHERE personal_number = ? AND retired_at IS NULL ORDER BY id LIMIT 1"
    return one(db, pupil, number) or one(db, person, number)


def named(db: Database) -> dict[tuple[object, ...], int]:
    """Surname, given name and date of birth -> the person who was entered first with them."""
    sql = """SELECT surname, given_name, birth_date, id FROM person WHERE surname IS NOT NULL
      AND given_name IS NOT NULL AND birth_date IS NOT NULL AND retired_at IS NULL ORDER BY id DESC"""
    return {(surname, given, born): int(row) for surname, given, born, row in db.execute(sql).fetchall()}


def is_pupil(db: Database, person: int) -> bool:
    return one(db, "SELECT 1 FROM pupil WHERE person = ? AND retired_at IS NULL", person) is not None


def works_here(db: Database, person: int) -> bool:
    return one(db, "SELECT 1 FROM staff WHERE person = ? AND retired_at IS NULL", person) is not None


def present(db: Database, day: int) -> list[int]:
    """The pupils on a roll and the staff of a day."""
    sql = """SELECT e.pupil FROM enrolment e JOIN class_group cg ON cg.id = e.class_group AND cg.retired_at IS NULL
        WHERE e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)
      UNION SELECT person FROM staff WHERE retired_at IS NULL AND (start IS NULL OR start <= :day)
        AND ("end" IS NULL OR "end" > :day) ORDER BY 1"""
    return [person for (person,) in db.execute(sql, {"day": day}).fetchall()]


def children(db: Database, person: int) -> list[int]:
    """The pupils whose guardian someone is."""
    sql = "SELECT pupil FROM guardian WHERE person = ? AND retired_at IS NULL"
    return [pupil for (pupil,) in db.execute(sql, (person,)).fetchall()]


# ---- rolls


def has_pupils(db: Database, class_group: int, day: int) -> bool:
    sql = """SELECT 1 FROM enrolment WHERE class_group = ? AND retired_at IS NULL AND ("end" IS NULL OR "end" > ?)"""
    return db.execute(sql, (class_group, day)).fetchone() is not None


def spell(db: Database, pupil: int, class_group: int, start: int, end: int | None) -> int | None:
    """A pupil's enrolment in a class that began that day, else one that shares a day with the span."""
    sql = """SELECT id FROM enrolment WHERE pupil = ?1 AND class_group = ?2 AND retired_at IS NULL
      AND (start = ?3 OR ((?4 IS NULL OR ifnull(start, 0) < ?4) AND ("end" IS NULL OR "end" > ?3)))
      ORDER BY start <> ?3, id LIMIT 1"""
    return one(db, sql, pupil, class_group, start, end)


def open_spells(db: Database, pupil: int, class_group: int) -> list[int]:
    """A pupil's enrolments in a class that have no end."""
    sql = 'SELECT id FROM enrolment WHERE pupil = ? AND class_group = ? AND retired_at IS NULL AND "end" IS NULL'
    return [row for (row,) in db.execute(sql, (pupil, class_group)).fetchall()]


def roll(db: Database, group: int) -> dict[int, list[tuple[int, int | None]]]:
    """The pupils of a group's class, each with the spans in which they were on its roll."""
    sql = """SELECT e.pupil, e.start, e."end" FROM enrolment e JOIN subject_group sg ON sg.class_group = e.class_group
      WHERE sg.id = ? AND e.retired_at IS NULL AND e.start IS NOT NULL"""
    found: dict[int, list[tuple[int, int | None]]] = {}
    for pupil, start, end in db.execute(sql, (group,)).fetchall():
        found.setdefault(pupil, []).append((start, end))
    return found
