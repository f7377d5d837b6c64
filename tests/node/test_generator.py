"""The generated school is believable, whole, the same for the same seed, and written as people write."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from sqlite_utils import Database

from node.generator import GeneratedSchool, generate, plant_markers
from node.generator.curriculum import subjects_of
from node.generator.names import Family, child, father, mother, patronymic, surname_for
from shared.dates import date_of, parse_day
from shared.grading import annual, propose
from shared.latin import latin
from shared.problems import InvalidValue
from shared.schema import TABLES
from tests.stores import a_begun_store

ADMINISTRATOR = 1
AUTUMN = parse_day("2025-11-14")
BASE_CURRICULUM = (20, 22, 24, 25, 29, 30, 30, 30, 30, 29, 30)


def generated(seed: int, pupils: int, until: int | None = None) -> tuple[Database, GeneratedSchool]:
    db = a_begun_store(b"g")
    return db, generate(db, ADMINISTRATOR, seed=seed, pupils=pupils, password_hash="hash", until=until)


@pytest.fixture(scope="module")
def year() -> tuple[Database, GeneratedSchool]:
    return generated(seed=8, pupils=350)


@pytest.fixture(scope="module")
def db(year: tuple[Database, GeneratedSchool]) -> Database:
    return year[0]


def contents(db: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows, with row ids freed of the origin, which is another one in every database."""

    def plain(value: object) -> object:
        return value & 0xFFFFFFFF if isinstance(value, int) and value >= 1 << 32 else value

    return {
        table.name: [tuple(map(plain, row)) for row in db.execute(f'SELECT * FROM "{table.name}"').fetchall()]
        for table in TABLES
    }


def count(db: Database, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0] or 0)


# ---- names


@pytest.mark.parametrize(
    ("given", "son", "daughter"),
    [
        ("Асан", "Асанович", "Асановна"),
        ("Сергей", "Сергеевич", "Сергеевна"),
        ("Дмитрий", "Дмитрьевич", "Дмитрьевна"),
        ("Абдулла", "Абдуллаевич", "Абдуллаевна"),
        ("Павел", "Павлович", "Павловна"),
    ],
)
def test_patronymics(given: str, son: str, daughter: str) -> None:
    assert (patronymic(given, "m"), patronymic(given, "f")) == (son, daughter)


@pytest.mark.parametrize(
    ("male", "female"),
    [
        ("Асанов", "Асанова"),
        ("Сагынбаев", "Сагынбаева"),
        ("Никитин", "Никитина"),
        ("Романовский", "Романовская"),
        ("Шевченко", "Шевченко"),
    ],
)
def test_surnames(male: str, female: str) -> None:
    assert (surname_for(male, "m"), surname_for(male, "f")) == (male, female)


def test_the_older_form_names_the_father() -> None:
    family = Family("kyrgyz", "Асанов", "Бакыт", older_form=True, patronymics=True)
    assert child(Random(1), family, "f").surname == "Бакыт кызы"
    assert child(Random(1), family, "m").surname == "Бакыт уулу"
    assert child(Random(1), family, "m").patronymic is None
    assert father(Random(1), family).given == "Бакыт"
    assert mother(Random(1), family).surname.endswith(("ва", "на"))


def test_logins_are_latin() -> None:
    assert latin("Дүйшөнова Чыңгыз") == "duyshonovachyngyz"


# ---- the school as a whole


def test_the_same_seed_gives_the_same_school() -> None:
    first, second, other = (generated(seed, 40, AUTUMN)[0] for seed in (3, 3, 4))
    assert contents(first) == contents(second)
    assert contents(first)["person"] != contents(other)["person"]


@pytest.mark.parametrize("pupils", [22, 60, 400])
def test_any_size(pupils: int) -> None:
    db, school = generated(seed=1, pupils=pupils, until=parse_day("2025-09-12"))
    start = parse_day("2025-09-01")
    assert count(db, f"SELECT count(*) FROM enrolment WHERE start = {start}") == pupils
    assert school.classes == count(db, "SELECT count(*) FROM class_group") >= 11
    assert {grade for (grade,) in db.execute("SELECT DISTINCT grade FROM class_group")} == set(range(1, 12))
    assert {shift for (shift,) in db.execute("SELECT DISTINCT shift FROM class_group")} == {1, 2}
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_cannot_be_told_is_refused() -> None:
    db = a_begun_store(b"g")
    for pupils, year in ((21, 2025), (60, 1999)):
        with pytest.raises(InvalidValue):
            generate(db, ADMINISTRATOR, seed=1, pupils=pupils, password_hash="hash", year=year)
    assert count(db, "SELECT count(*) FROM change") == 0


def test_the_summary_tells_what_was_written(year: tuple[Database, GeneratedSchool]) -> None:
    db, school = year
    assert school.pupils == count(db, "SELECT count(*) FROM pupil")
    assert school.staff == count(db, "SELECT count(*) FROM staff")
    assert school.lessons == count(db, "SELECT count(*) FROM lesson")
    assert school.marks == count(db, "SELECT count(*) FROM mark")
    assert school.changes == count(db, "SELECT count(*) FROM change")
    for duty, login in school.logins.items():
        found = db.execute(
            "SELECT a.password FROM account AS a JOIN appointment AS p ON p.person = a.person "
            "WHERE a.login = ? AND p.duty = ?",
            [login, duty],
        ).fetchall()
        assert found[:1] == [("hash",)]
    assert {"head", "deputy", "teacher", "class_teacher", "secretary"} <= school.logins.keys()


def test_progress_comes_to_its_end() -> None:
    told: dict[str, list[tuple[int, int]]] = {}
    generate(
        a_begun_store(b"g"),
        ADMINISTRATOR,
        seed=1,
        pupils=22,
        password_hash="hash",
        until=AUTUMN,
        progress=lambda what, done, of: told.setdefault(what, []).append((done, of)),
    )
    assert {"plans", "pupils", "days", "results"} == told.keys()
    for what in ("plans", "pupils", "days"):
        assert told[what][-1][0] == told[what][-1][1]


# ---- people


def test_names_stand_only_under_consent(db: Database) -> None:
    named = "surname IS NOT NULL OR given_name IS NOT NULL OR birth_date IS NOT NULL OR personal_number IS NOT NULL"
    without = "NOT EXISTS (SELECT 1 FROM consent AS c WHERE c.person = person.id AND c.purpose = 'core')"
    assert count(db, f"SELECT count(*) FROM person WHERE ({named}) AND {without}") == 0
    assert count(db, f"SELECT count(*) FROM person WHERE NOT ({named}) AND NOT {without}") == 0
    nameless = count(db, "SELECT count(*) FROM pupil JOIN person ON id = person WHERE surname IS NULL")
    assert 0 < nameless < 0.1 * count(db, "SELECT count(*) FROM pupil")
    assert count(db, "SELECT count(*) FROM staff JOIN person ON id = person WHERE surname IS NULL") == 0


def test_every_pupil_has_a_guardian_who_signed(db: Database) -> None:
    assert count(db, "SELECT count(*) FROM pupil WHERE person NOT IN (SELECT pupil FROM guardian)") == 0
    assert (
        count(db, "SELECT count(*) FROM pupil AS u JOIN consent AS c USING (person) WHERE c.signer IS NULL")
        == 0
    )
    stranger = (
        "SELECT count(*) FROM pupil AS u JOIN consent AS c USING (person) "
        "WHERE c.signer NOT IN (SELECT g.person FROM guardian AS g WHERE g.pupil = u.person) "
        "AND c.signer <> u.person"
    )
    assert count(db, stranger) == 0


def test_pupils_are_of_the_age_of_their_grade(db: Database) -> None:
    ages = db.execute(
        "SELECT DISTINCT e.age - c.grade FROM enrolment AS e JOIN class_group AS c ON c.id = e.class_group"
    )
    assert {difference for (difference,) in ages} <= {5, 6, 7}


def test_the_load_of_staff_is_what_they_teach(db: Database) -> None:
    sql = """
    SELECT s.load, ifnull((SELECT 100 * sum(hours_week) FROM subject_group WHERE teacher = s.person), 0) FROM staff AS s
    """
    loads = db.execute(sql).fetchall()
    assert all(load == taught for load, taught in loads)
    assert max(load for load, _ in loads) <= 3_000


# ---- teaching


@pytest.mark.parametrize("language", ["ky", "ru"])
def test_hours_add_up_to_the_base_curriculum(language: str) -> None:
    hours = tuple(sum(taught.hours for taught in subjects_of(grade, language)) for grade in range(1, 12))
    assert hours == BASE_CURRICULUM


@pytest.mark.parametrize(("seed", "pupils"), [(7, 130), (2, 1_200)])
def test_nobody_is_in_two_places_at_once(seed: int, pupils: int) -> None:
    db, _ = generated(seed, pupils, until=parse_day("2025-09-01"))
    slots = db.execute(
        "SELECT g.class_group, g.subject, g.teacher, c.shift, t.weekday, t.period, g.hours_week "
        "FROM timetable_slot AS t JOIN subject_group AS g ON g.id = t.subject_group "
        "JOIN class_group AS c ON c.id = g.class_group"
    ).fetchall()
    teachers = Counter((teacher, shift, day, period) for _, _, teacher, shift, day, period, _ in slots)
    assert max(teachers.values()) == 1
    lessons = {(one, day, period, subject) for one, subject, _, _, day, period, _ in slots}
    assert len({(one, day, period) for one, day, period, _ in lessons}) == len(lessons)
    days = Counter((one, day) for one, day, _, _ in lessons)
    assert all(period <= days[one, day] for one, day, period, _ in lessons)


def test_lessons_are_held_on_school_days_only(db: Database) -> None:
    days = [date_of(day) for (day,) in db.execute("SELECT DISTINCT day FROM lesson")]
    assert {day.isoweekday() for day in days} == {1, 2, 3, 4, 5}
    free = "SELECT count(*) FROM lesson WHERE day IN (SELECT day FROM calendar_day WHERE kind IN ('holiday', 'public'))"
    assert count(db, free) == 0
    assert (
        count(db, "SELECT count(*) FROM lesson WHERE topic IS NULL OR homework IS NULL OR plan_item IS NULL")
        == 0
    )


@pytest.mark.parametrize("table", ["mark", "attendance"])
def test_marks_and_absences_belong_to_lessons_and_pupils_on_roll(db: Database, table: str) -> None:
    lessons = "SELECT 1 FROM lesson AS l WHERE (l.subject_group, l.day, l.period) = (m.subject_group, m.day, m.period)"
    without_lesson = f"SELECT count(*) FROM {table} AS m WHERE NOT EXISTS ({lessons})"
    assert count(db, without_lesson) == 0
    not_on_roll = f"""
    SELECT count(*) FROM {table} AS m JOIN subject_group AS g ON g.id = m.subject_group
    WHERE NOT EXISTS (
        SELECT 1 FROM enrolment AS e WHERE e.pupil = m.pupil AND e.class_group = g.class_group AND e.start <= m.day
        AND (e."end" IS NULL OR m.day < e."end")
    )
    """
    assert count(db, not_on_roll) == 0


def test_the_absent_get_no_marks(db: Database) -> None:
    both = """
    SELECT count(*) FROM mark JOIN attendance AS a USING (subject_group, day, period, pupil) WHERE a.status = 'absent'
    """
    assert count(db, both) == 0
    assert {status for (status,) in db.execute("SELECT DISTINCT status FROM attendance")} == {
        "absent",
        "late",
    }
    assert count(db, "SELECT count(*) FROM attendance WHERE (status = 'absent') <> (reason IS NOT NULL)") == 0


def test_results_follow_from_marks_and_absences(db: Database) -> None:
    weights = dict(db.execute("SELECT id, weight FROM work_kind").fetchall())
    quarters = db.execute(
        "SELECT id, start, \"end\" FROM term WHERE year = 3 AND kind = 'quarter'"
    ).fetchall()
    marks: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    missed: Counter[tuple[int, int, int]] = Counter()
    for group, pupil, day, value, kind in db.execute(
        "SELECT subject_group, pupil, day, value, kind FROM mark"
    ):
        term = next(term for term, start, end in quarters if start <= day <= end)
        marks.setdefault((group, pupil, term), []).append((value, weights[kind]))
    for group, pupil, day in db.execute(
        "SELECT subject_group, pupil, day FROM attendance WHERE status = 'absent'"
    ):
        missed[group, pupil, next(term for term, start, end in quarters if start <= day <= end)] += 1
    checked = Counter[str]()
    for row in db.query(
        "SELECT r.* FROM term_result AS r JOIN term AS t ON t.id = r.term WHERE t.kind = 'quarter'"
    ):
        key = (row["subject_group"], row["pupil"], row["term"])
        assert row["missed"] == missed[key]
        assert row["band"] == row["value"]
        checked[row["status"]] += 1
        if row["reason"] is None:
            assert row["value"] == propose(marks.get(key, ()))
        else:
            assert row["value"] != propose(marks.get(key, ()))
    assert checked["assessed"] > 20 * checked["na"] > 0
    assert checked["unmarked"] > 0


def test_the_year_is_the_mean_of_its_quarters(db: Database) -> None:
    rows = db.execute(
        "SELECT r.subject_group, r.pupil, t.kind, r.value, r.missed "
        "FROM term_result AS r JOIN term AS t ON t.id = r.term ORDER BY t.start, t.kind"
    ).fetchall()
    quarters: dict[tuple[int, int], list[tuple[int | None, int]]] = {}
    for group, pupil, kind, value, missed in rows:
        if kind == "quarter":
            quarters.setdefault((group, pupil), []).append((value, missed))
    years = [
        (quarters[group, pupil], value, missed)
        for group, pupil, kind, value, missed in rows
        if kind == "year"
    ]
    assert len(years) > 1_000
    for of_quarters, value, missed in years:
        assert value == annual([mark for mark, _ in of_quarters])
        assert missed == sum(absences for _, absences in of_quarters)


def test_grade_one_has_no_marks(db: Database) -> None:
    classes = "SELECT id FROM class_group WHERE grade = 1"
    first = f"subject_group IN (SELECT id FROM subject_group WHERE class_group IN ({classes}))"
    assert count(db, f"SELECT count(*) FROM mark WHERE {first}") == 0
    assert db.execute(f"SELECT DISTINCT status, value FROM term_result WHERE {first}").fetchall() == [
        ("unmarked", None)
    ]


def test_the_story_ends_on_the_day_asked_for() -> None:
    db, _ = generated(seed=2, pupils=60, until=AUTUMN)
    assert count(db, "SELECT max(day) FROM lesson") == AUTUMN
    assert count(db, "SELECT max(date) FROM movement") <= AUTUMN
    terms = db.execute(
        "SELECT DISTINCT t.kind, t.number FROM term_result AS r JOIN term AS t ON t.id = r.term"
    ).fetchall()
    assert terms == [("quarter", 1)]


# ---- movement


def test_movement_explains_every_enrolment(db: Database) -> None:
    start = parse_day("2025-09-01")
    kinds = Counter(kind for (kind,) in db.execute("SELECT kind FROM movement WHERE reason IS NOT 'start'"))
    assert min(kinds["arrived"], kinds["departed"], kinds["transfer"]) > 0
    later = count(db, f"SELECT count(*) FROM enrolment WHERE start > {start}")
    ended = count(db, 'SELECT count(*) FROM enrolment WHERE "end" IS NOT NULL')
    assert later == kinds["arrived"] + kinds["transfer"]
    assert ended == kinds["departed"] + kinds["transfer"]
    end = count(db, 'SELECT count(*) FROM enrolment WHERE "end" IS NULL')
    assert end == 350 + kinds["arrived"] - kinds["departed"]
    orders = "SELECT number FROM order_book WHERE series = 'pupils'"
    assert count(db, f"SELECT count(*) FROM movement WHERE order_number NOT IN ({orders})") == 0


# ---- who wrote it


def test_everything_has_an_author_with_an_account(db: Database) -> None:
    actors = {actor for (actor,) in db.execute("SELECT DISTINCT actor FROM change")}
    accounts = {account for (account,) in db.execute("SELECT id FROM account")}
    assert actors - accounts == {ADMINISTRATOR}
    assert len(actors) > 15


def test_teachers_write_their_own_lessons(db: Database) -> None:
    number = next(table.number for table in TABLES if table.name == "lesson")
    strangers = f"""
    SELECT count(*) FROM change AS c JOIN lesson AS l ON l.rid = c.key JOIN account AS a ON a.id = c.actor
    WHERE c.tbl = {number} AND a.person <> l.teacher
    """
    assert count(db, strangers) == 0


# ---- markers


def test_markers_stand_in_every_column_that_is_sealed() -> None:
    db = a_begun_store(b"g")
    planted = plant_markers(db, ADMINISTRATOR, "MARKER-7f3a")
    sealed = {
        f"{table.name}.{column.name}"
        for table in TABLES
        for column in table.columns
        if column.scope in ("school", "reference") and column.type in ("text", "bytes")
    }
    assert planted.keys() == sealed
    assert len(sealed) > 50
    for place, value in planted.items():
        table, column = place.split(".")
        assert (value,) in db.execute(f'SELECT "{column}" FROM "{table}"').fetchall()
    assert planted["person.surname"] == "MARKER-7f3a"
    assert planted["person.photo"] == b"MARKER-7f3a"


def test_every_table_that_people_fill_gets_a_row() -> None:
    db = a_begun_store(b"g")
    before = {table.name: count(db, f'SELECT count(*) FROM "{table.name}"') for table in TABLES}
    plant_markers(db, ADMINISTRATOR, "MARKER-7f3a")
    for table in TABLES:
        grown = count(db, f'SELECT count(*) FROM "{table.name}"') - before[table.name]
        assert (grown > 0) != table.derived
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
