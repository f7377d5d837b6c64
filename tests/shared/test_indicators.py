"""Cubes on SQLite and PostgreSQL, the worked case, totals, labels."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import indicators, reference
from shared.dates import parse_day
from shared.indicators import CUBES, DIMENSIONS, INDICATORS, Cell, evaluate, tabulate, value_label
from shared.problems import InvalidValue
from shared.report import Figure, Report, plain
from shared.schema import BY_NAME, HUB_TABLES, Value

SCHOOL, OTHER = 501, 502
LOW, FAR = 7 << 32, 9 << 32
MEASURES = CUBES["results"].measures
WORKED = {"n5": 5, "n4": 8, "n3": 10, "n2": 1, "n1": 0, "na": 1}
RESULT_NAMES = ("success", "quality", "average", "sou", "assessed", "not_assessed")


def cell(dims: dict[str, indicators.Key] | None = None, /, **measures: int) -> Cell:
    return Cell(dict(dims or {}), dict.fromkeys(MEASURES, 0) | measures)


def values(report: Report, row: int = -1) -> list[Fraction | None]:
    return [content.value for content in report.rows[row].cells if isinstance(content, Figure)]


# ---- formulas


def test_the_worked_case() -> None:
    table = tabulate([cell({}, **WORKED)], RESULT_NAMES, language="en")
    assert values(table) == [92, 52, Fraction(89, 24), Fraction(1395, 25), 24, 1]
    assert plain(table)[1] == ["92.0", "52.0", "3.71", "55.8", "24", "1"]
    assert table.notes == (
        "Not assessed included in the denominator.",
        "СОУ: 5 counts 100, 4 64, 3 36, 2 16, 1 4, not assessed 7 and included in the denominator.",
    )


def test_the_worked_case_of_assessed_only() -> None:
    names = ("success_assessed", "quality_assessed", "sou_assessed")
    table = tabulate([cell({}, **WORKED)], names, language="ru")
    assert values(table) == [Fraction(2300, 24), Fraction(1300, 24), Fraction(1388, 24)]
    assert table.notes == ("Учтены только аттестованные.",)


def test_a_one_counts_four_in_the_degree_of_learning() -> None:
    assert values(tabulate([cell(n1=1)], ["sou", "average", "success"])) == [4, 1, 0]


def test_an_empty_denominator_is_a_dash() -> None:
    table = tabulate([cell(exempt=3, unmarked=2)], [*RESULT_NAMES, "exempt", "unmarked"])
    assert plain(table)[1] == ["—", "—", "—", "—", "0", "0", "3", "2"]
    assert plain(tabulate([], ["success", "assessed"]))[1] == ["—", "0"]


def test_missed_is_null_where_nothing_is_known_and_zero_where_it_is() -> None:
    assert values(tabulate([cell(n5=3)], ["missed"])) == [None]
    assert values(tabulate([cell(n5=3, missed_known=3)], ["missed", "missed_per_pupil"])) == [0, 0]


def test_no_mean_over_values_of_different_scales() -> None:
    five, twenty = (
        cell({"scale": "five"}, value_sum=9, valued=2),
        cell({"scale": "twenty"}, value_sum=30, valued=2),
    )
    unvalued = cell({"scale": "percent"}, na=1)
    table = tabulate([five, twenty, unvalued], ["mean_value"], rows=["scale"], language="en")
    assert plain(table)[1:] == [
        ["Five-point", "4.50"],
        ["Percent", "—"],
        ["Twenty-point", "15.00"],
        ["Total", "—"],
    ]
    assert values(tabulate([five, unvalued], ["mean_value"])) == [Fraction(9, 2)]


COUNTS = st.fixed_dictionaries({name: st.integers(0, 30) for name in WORKED})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("fm"), COUNTS), max_size=12))
def test_totals_are_sums_over_sums(parts: list[tuple[str, str, dict[str, int]]]) -> None:
    cells = [cell({"subject": subject, "sex": sex}, **counts) for subject, sex, counts in parts]
    table = tabulate(cells, ["success", "average"], rows=["subject"], columns=["sex"])
    whole = {name: sum(counts[name] for _, _, counts in parts) for name in WORKED}
    below = sum(whole.values())
    good = whole["n5"] + whole["n4"] + whole["n3"]
    assert values(table)[-2] == (Fraction(100 * good, below) if below else None)
    for row in table.rows[:-1]:
        own = [c for c in cells if reference.subject_name(str(c.dims["subject"]), "ky") == row.cells[0]]
        assert [f for f in row.cells if isinstance(f, Figure)][-2:] == values_of(own)


def values_of(cells: list[Cell]) -> list[Figure]:
    return [c for c in tabulate(cells, ["success", "average"]).rows[0].cells if isinstance(c, Figure)]


def test_a_total_is_not_the_mean_of_percentages() -> None:
    cells = [cell({"sex": "f"}, n5=1), cell({"sex": "m"}, n2=3)]
    assert values(tabulate(cells, ["success"], rows=["sex"])) == [25]


# ---- tables


def test_rows_columns_where_and_order() -> None:
    cells = [
        cell({"grade": grade, "sex": sex, "term": term, "term_kind": term.split("-")[0]}, n5=n)
        for grade, sex, term, n in [
            (10, "m", "quarter-1", 1), (2, "f", "quarter-1", 2), (0, None, "quarter-1", 4),
            (2, "m", "quarter-2", 8), (2, "m", "year", 16),
        ]
    ]  # fmt: skip
    table = tabulate(
        cells, ["assessed"], rows=["grade"], columns=["sex"], where={"term": {"quarter-1", "quarter-2"}},
        language="en",
    )  # fmt: skip
    assert plain(table) == [
        ["Grade", "Female: Assessed", "Male: Assessed", "Unknown: Assessed", "Total: Assessed"],
        ["Grade 2", "2", "8", "0", "10"],
        ["Grade 10", "0", "1", "0", "1"],
        ["Unknown", "0", "0", "4", "4"],
        ["Total", "2", "9", "4", "15"],
    ]
    by_term = tabulate(cells, ["assessed"], rows=["term"], where={"sex": "m"}, language="ky", chart=True)
    assert [row.cells[0] for row in by_term.rows] == ["1-чейрек", "2-чейрек", "Жыл", "Бардыгы"]
    assert by_term.notes == ("Ар түрдүү мезгилдердин жыйынтыктары бирге эсептелди.",)
    assert by_term.chart is not None and by_term.chart.column == 1


def test_rows_keep_the_keys_that_their_headings_name() -> None:
    cells = [cell({"grade": 7, "sex": "f"}, n5=1), cell({"grade": 8, "sex": "m"}, n5=1)]
    table = tabulate(cells, ["assessed"], ["grade", "sex"], language="en")
    assert [row.keys for row in table.rows] == [(7, "f"), (8, "m"), ()]


def test_unknown_names_are_refused() -> None:
    for names, rows in ((["charm"], []), (["pupils", "success"], []), (["success"], ["age"]), ([], [])):
        with pytest.raises(InvalidValue):
            tabulate([], names, rows=rows)
    with pytest.raises(InvalidValue):
        tabulate([], ["success"], where={"password": "x"})


def test_a_district_adds_its_own_dimensions_and_names() -> None:
    cells = [cell(n5=2).within(school=1, district=4), cell(n2=2).within(school=2, district=4)]
    names = {("school", 1): "№ 1", ("school", 2): "№ 2"}
    table = tabulate(cells, ["success"], rows=["school"], naming=lambda *key: names.get(key), language="en")
    assert [row.cells[0] for row in table.rows] == ["№ 1", "№ 2", "Total"]
    assert [values(table, i) for i in range(3)] == [[100], [0], [50]]


def test_numbers_of_pupils_are_not_added_up_over_years() -> None:
    def pupils(year: str, n: int, school: int) -> Cell:
        return Cell(
            {"year": year, "school": school}, dict.fromkeys(CUBES["pupils"].measures, 0) | {"pupils": n}
        )

    cells = [pupils("2005/06", 7, 1), pupils("2025/26", 30, 2), pupils("2026/27", 40, 2)]
    table = tabulate(cells, ["pupils"], rows=["school"], language="en")
    assert [values(table, i) for i in range(3)] == [[7], [40], [47]]
    assert table.notes == ("For the latest school year.",)
    by_year = tabulate(cells, ["pupils"], rows=["year"], language="en")
    assert [values(by_year, i) for i in range(4)] == [[7], [30], [40], [None]]
    assert values(tabulate(cells, ["pupils"], where={"year": "2025/26"})) == [30]


# ---- definitions


def test_every_indicator_uses_measures_of_its_cube() -> None:
    for indicator in INDICATORS.values():
        used = {name for _, name in (*indicator.numerator, *indicator.denominator, *indicator.needs)}
        used |= {name for expression in indicator.people for _, name in expression}
        assert used <= set(CUBES[indicator.cube].measures), indicator.name
        assert all(indicator.labels) and (not indicator.rule or indicator.rule in indicators.RULES)


def test_every_dimension_has_labels_and_lists_that_exist() -> None:
    for cube in CUBES.values():
        assert set(cube.dimensions) <= set(DIMENSIONS), cube.name
        assert set(cube.repeats) <= set(cube.dimensions)
    assert all(not d.codes or d.codes in reference.CODE_LISTS for d in DIMENSIONS.values())


@pytest.mark.parametrize(
    ("dimension", "value", "names"),
    [
        ("grade", 7, ("7-класс", "7 класс", "Grade 7")),
        ("grade", 0, ("Белгисиз", "Неизвестно", "Unknown")),
        ("sex", "f", ("Кыз", "Женский", "Female")),
        ("sex", None, ("Белгисиз", "Неизвестно", "Unknown")),
        ("repeating", 0, ("Жок", "Нет", "No")),
        ("subject", "mat", ("Математика", "Математика", "Mathematics")),
        ("subject", "own", ("own", "own", "own")),
        ("term", "quarter-3", ("3-чейрек", "3 четверть", "Quarter 3")),
        ("term", "year", ("Жыл", "Год", "Year")),
        ("scale", "twenty", ("20 баллдык", "20-балльная", "Twenty-point")),
        ("day", 20332, ("01.09.2025", "01.09.2025", "2025-09-01")),
        ("class", "7-А", ("7-А",) * 3),
    ],
)
def test_labels_of_values(dimension: str, value: indicators.Key, names: tuple[str, ...]) -> None:
    assert tuple(value_label(dimension, value, language) for language in ("ky", "ru", "en")) == names


# ---- cubes over a small made-up school, on both databases


class World:
    """Rows by table; ids count up within one school's range."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Value]]] = {t.name: [] for t in HUB_TABLES}
        for name, rows in reference.ROWS.items():
            self.rows[name] += rows
        self.next = 0

    def add(self, table: str, low: int = LOW, /, **columns: Value) -> int:
        row: dict[str, Value] = dict(columns)
        if BY_NAME[table].key == ("id",):
            self.next += 1
            row = {"id": low + self.next, **row}
        self.rows[table].append(row)
        return int(str(row.get("id", 0)))

    def pupil(self, sex: str | None, class_group: int, low: int = LOW, **enrolment: Value) -> int:
        person = self.add("person", low, sex=sex, birth_year=2012)
        retired = enrolment.pop("pupil_retired", None)
        self.add("pupil", low, person=person, language="ru", residence="rural", retired_at=retired)
        start = {"start": parse_day("2025-09-01"), "age": 13, "repeating": 0}
        self.add("enrolment", low, pupil=person, class_group=class_group, **{**start, **enrolment})
        return person


Q1, Q2, YEAR = 4, 5, 10
TWENTY, PERCENT = 2, 3


def made_up_school() -> World:
    """A class 7-А, a class without grade, a neighbouring school, and what must not count."""
    w = World()
    a = w.add("class_group", year=3, grade=7, letter="А", language="ky", shift=2)
    unknown = w.add("class_group", year=3, grade=0, letter="", language=None, shift=1)
    gone = w.add("class_group", year=3, grade=9, letter="Б", language="ky", shift=1, retired_at=1)
    aigul, bermet = w.pupil("f", a), w.pupil("f", a, end=parse_day("2025-10-01"))
    chyngyz = w.pupil("m", a, start=parse_day("2025-09-05"), repeating=1)
    w.pupil("m", a, start=parse_day("2025-09-06"))
    w.pupil("m", a, end=parse_day("2025-09-05"))
    w.pupil("f", a, retired_at=5)
    w.pupil("f", a, pupil_retired=5)
    w.pupil("f", gone)
    nameless = w.pupil(None, unknown, age=None)
    own = w.add("subject", code="our-maths", standard=14)
    kyr = w.add("subject_group", class_group=a, subject=1, scale=TWENTY)
    mat = w.add("subject_group", class_group=a, subject=own, scale=PERCENT)
    por = w.add("subject_group", class_group=unknown, subject=39, scale=TWENTY)
    retired = w.add("subject_group", class_group=a, subject=2, scale=TWENTY, retired_at=1)

    def result(group: int, pupil: int, term: int, **columns: Value) -> None:
        w.add("term_result", subject_group=group, pupil=pupil, term=term, **{"status": "assessed", **columns})

    result(kyr, aigul, Q1, value=0, band=None, missed=3)
    result(kyr, bermet, Q1, value=18, band=5)
    result(kyr, chyngyz, Q1, value=13, band=4, missed=0)
    result(kyr, aigul, Q2, value=14, retired_at=9)
    result(kyr, aigul, YEAR, status="na", missed=12)
    result(kyr, bermet, YEAR, status="exempt", value=5, band=5, missed=99)
    result(kyr, chyngyz, YEAR, status="unmarked")
    result(mat, aigul, Q1, value=90)
    result(mat, bermet, Q1, missed=4)
    result(mat, chyngyz, Q1, value=200)
    result(por, nameless, Q1, value=9)
    result(por, nameless, YEAR, status="exempt", value=5, band=5, missed=99)
    result(kyr, chyngyz, Q2, value=20, band=5, former=1)
    result(retired, aigul, Q1, value=20)
    day = parse_day("2025-09-08")
    w.add("movement", pupil=aigul, kind="arrived", date=day, reason="abroad", to_class=a)
    departed: dict[str, Value] = {"kind": "departed", "reason": "country", "from_class": a}
    w.add("movement", pupil=bermet, date=day + 30, **departed)
    w.add("movement", pupil=bermet, date=day + 31, retired_at=1, **departed)
    nobody = dict.fromkeys(("missed", "ill", "excused", "unexcused", "late"), 0)
    some = {"missed": 3, "ill": 1, "excused": 1, "unexcused": 0, "late": 2}
    w.add("attendance_day", class_group=a, day=day, enrolled=4, **some)
    w.add("attendance_day", class_group=a, day=day + 30, enrolled=3, **nobody)
    w.add("class_category_count", class_group=a, term=Q1, excellent=1, good=2, satisfactory=3, failing=1,
          not_assessed=1, one_four=1, one_three=2)  # fmt: skip
    w.add("lesson_summary", subject_group=kyr, term=Q1, lessons=20, marks=31, missed=3)

    def staff(sex: str, **columns: Value) -> None:
        person = w.add("person", sex=sex)
        w.add("staff", person=person, **{"start": parse_day("2020-09-01"), "outside": 0, **columns})

    staff("f", position="head", education="higher_ped", category="highest", experience_since=1999, load=900)
    staff("f", position="teacher", education="higher_ped", category="first", experience_since=2018, load=1850)
    staff("m", position="primary", education="vocational", category="none", experience_since=2023, start=None)
    staff("m", position="teacher", education="higher", outside=1, load=400)
    staff("m", position="teacher", end=parse_day("2025-09-05"))
    staff("m", position="teacher", retired_at=4)
    for position in ("secretary", "lab", "other", "of_a_later_release", ""):
        staff("f", position=position, start=parse_day("2025-09-06"), experience_since=2010)
    other = w.add("class_group", FAR, year=3, grade=1, letter="А")
    w.pupil("f", other, FAR)
    return w


INDEXED = {table.name for table in HUB_TABLES}
RANGES = [(7, SCHOOL, LOW, LOW + 2**32 - 1), (9, OTHER, FAR, FAR + 2**32 - 1)]


def statements(world: World) -> Iterable[tuple[str, list[tuple[Value, ...]]]]:
    """DDL and rows in the SQL both databases take, but for the marks of parameters (?)."""
    yield "CREATE TABLE origin (origin BIGINT, school BIGINT, low BIGINT, high BIGINT)", []
    yield "INSERT INTO origin VALUES (?, ?, ?, ?)", list(RANGES)
    for table in HUB_TABLES:
        columns = [*table.key_columns, *table.open_columns]
        shapes = ", ".join(f'"{c.name}" {"BIGINT" if c.is_integer else "TEXT"}' for c in columns)
        yield f'CREATE TABLE "{table.name}" ({shapes})', []
        marks = ", ".join("?" for _ in columns)
        rows = [tuple(row.get(c.name) for c in columns) for row in world.rows[table.name]]
        yield f'INSERT INTO "{table.name}" VALUES ({marks})', rows


def on_sqlite(world: World) -> indicators.Run:
    db = sqlite3.connect(":memory:")
    for sql, rows in statements(world):
        db.executemany(sql, rows) if sql.startswith("INSERT") else db.execute(sql)
    return db.execute


RUN = on_sqlite(made_up_school())


def table_of(names: Sequence[str], rows: Sequence[str], **more: object) -> list[list[str]]:
    day = more.pop("day", None)
    assert day is None or isinstance(day, int)
    cells = evaluate(RUN, INDICATORS[names[0]].cube, SCHOOL, day)
    return plain(tabulate(cells, names, rows, language="en", **more))[1:]  # type: ignore[arg-type]


def test_pupils_follow_the_roll_rule() -> None:
    names = ["pupils", "girls", "repeaters", "later_shifts_share"]
    assert table_of(names, ["grade"]) == [
        ["Grade 7", "3", "2", "1", "100.0"],
        ["Unknown", "1", "0", "0", "0.0"],
        ["Total", "4", "2", "1", "75.0"],
    ]
    assert table_of(["pupils"], ["class"], day=parse_day("2025-09-04"))[-1] == ["Total", "4"]
    assert table_of(["pupils"], ["class"], day=parse_day("2025-09-06"))[-1] == ["Total", "5"]
    assert table_of(["pupils"], ["class"], day=parse_day("2025-10-01"))[-1] == ["Total", "4"]
    assert table_of(["pupils"], ["class"], day=parse_day("2025-08-31")) == [["Total", "0"]]


def test_dimensions_of_pupils() -> None:
    assert table_of(["pupils"], ["language"])[:-1] == [["Kyrgyz", "3"], ["Russian", "1"]]
    assert table_of(["pupils"], ["age"])[:-1] == [["13", "3"], ["Unknown", "1"]]
    assert table_of(["pupils"], ["sex", "class"])[:-1] == [
        ["Female", "7-А", "2"], ["Male", "7-А", "1"], ["Unknown", "Unknown", "1"]
    ]  # fmt: skip


def test_results_by_subject_and_term() -> None:
    """Those of who was on the roll at the period's end: Bermet left before it."""
    names = ["n5", "n4", "n3", "n2", "not_assessed", "exempt", "unmarked", "mean_value", "missed"]
    assert table_of(names, ["subject", "term"])[:-1] == [
        ["Kyrgyz language", "Quarter 1", "0", "1", "0", "1", "0", "0", "0", "6.50", "3"],
        ["Kyrgyz language", "Year", "0", "0", "0", "0", "1", "0", "1", "—", "12"],
        ["Mathematics", "Quarter 1", "1", "0", "0", "0", "0", "0", "0", "145.00", "—"],
        ["Portuguese language", "Quarter 1", "0", "0", "0", "1", "0", "0", "0", "9.00", "—"],
        ["Portuguese language", "Year", "0", "0", "0", "0", "0", "1", "0", "—", "—"],
    ]


def test_zero_is_a_value() -> None:
    where = {"subject": "kyr", "sex": "f", "term": "quarter-1"}
    rows = table_of(["assessed", "average", "mean_value"], [], where=where)
    assert rows == [["1", "2.00", "0.00"]]


def test_movement() -> None:
    assert table_of(["arrived", "departed", "moves"], ["month", "reason", "grade", "year"]) == [
        ["2025-09", "Abroad", "Grade 7", "2025/26", "1", "0", "1"],
        ["2025-10", "Elsewhere in the country", "Grade 7", "2025/26", "0", "1", "1"],
        ["Total", "", "", "", "1", "1", "2"],
    ]


def test_absences_by_month() -> None:
    names = ["missed_days", "missed_ill", "missed_excused", "missed_unexcused", "missed_unknown", "late"]
    assert table_of([*names, "attendance_rate"], ["month"]) == [
        ["2025-09", "3", "1", "1", "0", "1", "2", "25.0"],
        ["2025-10", "0", "0", "0", "0", "0", "0", "100.0"],
        ["Total", "3", "1", "1", "0", "1", "2", "57.1"],
    ]


def test_staff() -> None:
    names = ["staff", "women", "outside_staff", "teachers", "qualified_share", "mean_load"]
    assert table_of(names, ["experience"]) == [
        ["Under 3 years", "1", "0", "0", "1", "0.0", "—"],
        ["3-7 years", "1", "1", "0", "1", "100.0", "18.50"],
        ["20 years and more", "1", "1", "0", "0", "—", "9.00"],
        ["Unknown", "0", "0", "1", "0", "—", "4.00"],
        ["Total", "3", "2", "1", "2", "50.0", "10.50"],
    ]
    before = table_of(["staff", "teachers"], [], day=parse_day("2025-09-04"))
    assert before == [["4", "3"]]


def test_positions_are_the_rows_of_the_yearly_return() -> None:
    """Who has a position without a row of its own there, or one of a later release, is one of the others."""
    assert table_of(["staff"], ["position"], day=parse_day("2025-09-06")) == [
        ["School head", "1"],
        ["Primary teacher", "1"],
        ["Subject teacher", "1"],
        ["Other", "4"],
        ["Unknown", "1"],
        ["Total", "8"],
    ]


def test_categories_and_lessons() -> None:
    names = ["excellent", "good", "satisfactory", "failing", "category_not_assessed", "one_four", "one_three"]
    assert table_of([*names, "class_success", "class_quality"], ["class"])[0] == [
        "7-А", "1", "2", "3", "1", "1", "1", "2", "75.0", "37.5"
    ]  # fmt: skip
    assert table_of(["lessons", "marks", "lessons_missed"], ["subject"])[0] == [
        "Kyrgyz language",
        "20",
        "31",
        "3",
    ]


def test_another_school_is_another_school() -> None:
    assert [c.dims["class"] for c in evaluate(RUN, "pupils", OTHER)] == ["1-А"]
    assert evaluate(RUN, "results", OTHER) == []
    assert evaluate(RUN, "pupils", 999) == []


def test_cubes_read_columns_the_hub_has() -> None:
    """Tables without any school column answer every cube: nothing sealed is needed."""
    assert {name: bool(evaluate(RUN, name, SCHOOL)) for name in CUBES} == dict.fromkeys(CUBES, True)


@pytest.mark.parametrize("name", CUBES)
def test_a_school_is_found_by_its_range_without_reading_the_others(name: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE origin (origin INTEGER PRIMARY KEY, school, low, high)")
    for table in HUB_TABLES:
        columns = ", ".join(f'"{c.name}"' for c in (*table.key_columns, *table.open_columns))
        key = ", ".join(f'"{k}"' for k in table.key)
        db.execute(f'CREATE TABLE "{table.name}" ({columns}, PRIMARY KEY ({key}))')
    plan = [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + CUBES[name].sql, {"school": 1, "day": None})]
    counted = {"pupils": "e", "staff": "s", "movement": "m", "results": "tr", "absences": "a", "lessons": "l"}
    assert any(step.startswith(f"SEARCH {counted.get(name, 'c')} USING INDEX") for step in plan), plan
    assert "SCAN cg" not in plan


@pytest.mark.postgres
def test_postgresql_gives_the_same_cells(postgres_url: str, tmp_path: Path) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as db:
        for sql, rows in statements(made_up_school()):
            if sql.startswith("CREATE"):
                db.execute(sqlalchemy.text(sql))
            for row in rows:
                db.exec_driver_sql(sql.replace("?", "%s"), row)

    def run(sql: str, parameters: dict[str, int | None]) -> Iterable[Sequence[object]]:
        return [tuple(row) for row in db.execute(sqlalchemy.text(sql), parameters)]

    def ordered(cells: list[Cell]) -> list[Cell]:
        return sorted(cells, key=lambda c: str(sorted(c.dims.items())))

    with engine.connect() as db:
        for name in CUBES:
            for school in (SCHOOL, OTHER):
                for day in (None, parse_day("2025-09-06")):
                    ours = ordered(evaluate(RUN, name, school, day))
                    assert ordered(evaluate(run, name, school, day)) == ours, name
    engine.dispose()
