"""Reference rows: valid by the schema, complete, and with row ids that never change."""

from __future__ import annotations

from itertools import pairwise

import pytest

from shared import reference
from shared.dates import NO_LESSONS, parse_day
from shared.schema import BY_NAME, TABLES, check_row

ALL = [(table, row) for table, rows in reference.ROWS.items() for row in rows]


@pytest.mark.parametrize("table", reference.ROWS)
def test_rows_name_every_column_and_pass_the_schema(table: str) -> None:
    columns = {c.name for c in BY_NAME[table].all_columns} - {"retired_at"}
    for row in reference.ROWS[table]:
        assert set(row) == columns
        check_row(BY_NAME[table], row)


@pytest.mark.parametrize("table", reference.ROWS)
def test_keys_are_small_and_used_once(table: str) -> None:
    keys = [tuple(row[k] for k in BY_NAME[table].key) for row in reference.ROWS[table]]
    assert len(set(keys)) == len(keys)
    assert all(isinstance(part, int) and 0 < part < 2**31 for key in keys for part in key)


def test_references_point_to_earlier_rows() -> None:
    seen: set[tuple[str, object]] = set()
    for table, row in ALL:
        for column in BY_NAME[table].all_columns:
            if column.references and row[column.name] is not None:
                assert (column.references, row[column.name]) in seen, (table, row)
        seen.add((table, row.get("id")))


def test_only_reference_tables_are_shipped() -> None:
    assert all(BY_NAME[table].is_reference for table in reference.ROWS)


def test_every_code_of_the_schema_has_a_name_in_three_languages() -> None:
    coded = [(t, c) for t in TABLES for c in t.all_columns if c.choices]
    assert coded
    for table, column in coded:
        names = reference.CODE_LISTS[reference.LIST_OF_COLUMN[table.name, column.name]][1]
        assert set(column.choices) <= {code for code, *_ in names}, (table.name, column.name)
    for _, codes in reference.CODE_LISTS.values():
        assert all(all(names) for _, *names in codes)


@pytest.mark.parametrize(
    ("table", "id_", "identity"),
    [
        ("subject", 1, {"code": "kyr"}),
        ("subject", 14, {"code": "mat"}),
        ("subject", 39, {"code": "por"}),
        ("code", 101, {"list": "sex", "code": "f"}),
        ("code", 608, {"list": "position", "code": "other"}),
        ("code", 609, {"list": "position", "code": "secretary"}),
        ("code", 1904, {"list": "relation", "code": "other"}),
        ("code", 1905, {"list": "relation", "code": "grandmother"}),
        ("code", 508, {"list": "movement_reason", "code": "start"}),
        ("code", 2302, {"list": "yes_no", "code": "0"}),
        ("grading_scale", 1, {"code": "five"}),
        ("grading_scale", 2, {"code": "twenty"}),
        ("grading_scale", 3, {"code": "percent"}),
        ("work_kind", 4, {"code": "control"}),
        ("work_kind", 12, {"code": "summative"}),
        ("academic_year", 1, {"start": parse_day("2005-09-01")}),
        ("academic_year", 3, {"start": parse_day("2025-09-01")}),
        ("academic_year", 4, {"start": parse_day("2026-09-01")}),
        ("term", 1, {"year": 1, "kind": "period", "number": 1}),
        ("term", 3, {"year": 1, "kind": "year", "number": 0}),
        ("term", 7, {"year": 3, "kind": "quarter", "number": 4}),
        ("term", 21, {"year": 4, "kind": "final", "number": 0}),
        ("org_unit", 1, {"code": "KG", "kind": "country"}),
    ],
)
def test_row_ids_stay_what_they_were(table: str, id_: int, identity: dict[str, object]) -> None:
    row = next(row for row in reference.ROWS[table] if row["id"] == id_)
    assert {name: row[name] for name in identity} == identity


@pytest.mark.parametrize(("scale", "low", "high"), [(1, 1, 5), (2, 0, 20), (3, 0, 100)])
def test_bands_cover_their_scale_without_gap_or_overlap(scale: int, low: int, high: int) -> None:
    bands = [row for row in reference.ROWS["grading_band"] if row["scale"] == scale]
    values = [v for b in bands for v in range(int(str(b["low"])), int(str(b["high"])) + 1)]
    assert values == list(range(low, high + 1))


@pytest.mark.parametrize("year", [3, 4])
def test_quarters_are_apart_and_make_up_the_year(year: int) -> None:
    year_row = next(row for row in reference.ROWS["academic_year"] if row["id"] == year)
    quarters = [t for t in reference.ROWS["term"] if t["year"] == year and t["kind"] == "quarter"]
    assert [q["number"] for q in quarters] == [1, 2, 3, 4]
    ends = [(q["start"], q["end"]) for q in quarters]
    flat = [int(str(day)) for pair in ends for day in pair]
    assert flat == sorted(flat)
    assert (flat[0], flat[-1]) == (year_row["start"], year_row["end"])
    kinds = {t["kind"] for t in reference.ROWS["term"] if t["year"] == year}
    assert kinds == {"quarter", "half", "year", "exam", "final"}


@pytest.mark.parametrize("year", [3, 4])
def test_every_day_between_quarters_is_in_the_calendar(year: int) -> None:
    days = {row["day"]: row["kind"] for row in reference.ROWS["calendar_day"] if row["year"] == year}
    quarters = [t for t in reference.ROWS["term"] if t["year"] == year and t["kind"] == "quarter"]
    for before, after in pairwise(quarters):
        gap = range(int(str(before["end"])) + 1, int(str(after["start"])))
        assert all(days.get(day) in NO_LESSONS for day in gap)


def test_after_2024_25_grades_three_and_six_skipped_one() -> None:
    step = {row["grade"]: row["to_grade"] for row in reference.ROWS["promotion_map"] if row["year"] == 2}
    assert (step[3], step[6], step[7], step[11]) == (5, 8, 8, None)


def test_names() -> None:
    assert reference.code_name("movement_reason", "abroad", "ru") == "За границей"
    assert reference.code_name("movement_reason", "moon", "ru") == "moon"
    assert reference.code_name("movement_kind", "departed", "ru", "f") == "Выбыла"
    assert reference.code_name("movement_kind", "departed", "ru", "m") == "Выбыл"
    assert reference.code_name("movement_kind", "departed", "ky", "f") == "Кеткен"
    assert reference.code_name("movement_reason", "abroad", "ru", "f") == "За границей"
    assert reference.subject_name("mat", "en") == "Mathematics"
    assert reference.scale_name("twenty", "ky") == "20 баллдык"
    assert [reference.code_place("sex", code) for code in ("f", "m", "x")] == [0, 1, 2]
