"""The registers of two real schools, imported, give the figures that the files give."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from node.importing.actions import run_import
from tests.stores import a_begun_store

DATA = Path(__file__).parents[2] / "demo" / "data" / "uci-student-performance"
SUBJECTS = ("mat", "por")
SCHOOLS = ("GP", "MS")
TERMS = {"1": "G1", "2": "G2", "year": "G3"}
BANDS = {2: range(0, 10), 3: range(10, 14), 4: range(14, 18), 5: range(18, 21)}

README = {
    ("mat", "GP"): (349, 183, "10.9398", "10.7822", "10.4900", 2082),
    ("mat", "MS"): (46, 25, "10.6739", "10.1957", "9.8478", 173),
    ("por", "GP"): (423, 237, "11.9858", "12.1442", "12.5768", 1783),
    ("por", "MS"): (226, 146, "10.3009", "10.4956", "10.6504", 592),
}
"""Register entries, girls among them, means of G1, G2, G3, absences: the table of the data's README."""


@pytest.fixture(scope="module")
def schools() -> dict[str, Database]:
    nodes = {school: a_begun_store(school[:1].encode()) for school in SCHOOLS}
    for school, db in nodes.items():
        for subject in SUBJECTS:
            mapping = DATA / f"{school.lower()}-{subject}.toml"
            run_import(db, DATA / f"student-{subject}.csv", mapping, actor=1)
    return nodes


def entries(subject: str, school: str) -> Iterator[dict[str, str]]:
    with (DATA / f"student-{subject}.csv").open(encoding="ascii", newline="") as file:
        yield from (line for line in csv.DictReader(file, delimiter=";") if line["school"] == school)


RESULTS = """
SELECT s.code AS subject, CASE t.kind WHEN 'year' THEN 'year' ELSE CAST(t.number AS TEXT) END AS term,
       p.sex, r.value, r.band, r.status, r.missed
FROM term_result AS r
JOIN subject_group AS g ON g.id = r.subject_group
JOIN subject AS s ON s.id = g.subject
JOIN term AS t ON t.id = r.term
JOIN pupil AS u ON u.person = r.pupil
JOIN person AS p ON p.id = u.person
WHERE r.retired_at IS NULL
"""


def summed(rows: list[tuple[int, int, int | None]]) -> dict[str, Any]:
    """What a table of results tells of (value, band, missed), exactly."""
    missed = [m for _, _, m in rows if m is not None]
    return {
        "assessed": len(rows),
        "average": Fraction(sum(v for v, _, _ in rows), len(rows)),
        "average_band": Fraction(sum(b for _, b, _ in rows), len(rows)),
        "success": Fraction(100 * sum(b >= 3 for _, b, _ in rows), len(rows)),
        "quality": Fraction(100 * sum(b >= 4 for _, b, _ in rows), len(rows)),
        "missed": sum(missed) if missed else None,
    }


def band_of(value: int) -> int:
    return next(band for band, values in BANDS.items() if value in values)


def table_of_files(school: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    cells: dict[tuple[str, str, str], list[tuple[int, int, int | None]]] = {}
    for subject in SUBJECTS:
        for line in entries(subject, school):
            for term, column in TERMS.items():
                value = int(line[column])
                row = (value, band_of(value), int(line["absences"]) if term == "year" else None)
                cells.setdefault((subject, term, line["sex"].lower()), []).append(row)
    return {cell: summed(rows) for cell, rows in cells.items()}


def table_of_node(db: Database) -> dict[tuple[str, str, str], dict[str, Any]]:
    cells: dict[tuple[str, str, str], list[tuple[int, int, int | None]]] = {}
    for row in db.query(RESULTS):
        assert row["status"] == "assessed"
        cell = (row["subject"], row["term"], row["sex"])
        cells.setdefault(cell, []).append((row["value"], row["band"], row["missed"]))
    return {cell: summed(rows) for cell, rows in cells.items()}


@pytest.mark.parametrize(("subject", "school"), README)
def test_every_figure_of_the_readme(schools: dict[str, Database], subject: str, school: str) -> None:
    db = schools[school]
    group = next(iter(db.query("SELECT g.id FROM subject_group AS g JOIN subject AS s ON s.id = g.subject "
                               "WHERE s.code = ?", [subject])))["id"]  # fmt: skip
    count, girls = db.execute(
        "SELECT count(*), sum(p.sex = 'f') FROM subject_group_pupil AS m JOIN person AS p ON p.id = m.pupil "
        "WHERE m.subject_group = ?",
        [group],
    ).fetchone()
    results: dict[tuple[str, int], list[int]] = {}
    absences = 0
    for kind, number, value, missed in db.execute(
        "SELECT t.kind, t.number, r.value, r.missed FROM term_result AS r JOIN term AS t ON t.id = r.term "
        "WHERE r.subject_group = ?",
        [group],
    ):
        results.setdefault((kind, number), []).append(value)
        absences += missed or 0
    means = [
        f"{sum(values) / len(values):.4f}"
        for values in (results["period", 1], results["period", 2], results["year", 0])
    ]
    assert (count, girls, *means, absences) == README[subject, school]


@pytest.mark.parametrize("school", SCHOOLS)
def test_all_tables_by_subject_term_and_sex(schools: dict[str, Database], school: str) -> None:
    of_files = table_of_files(school)
    assert len(of_files) == 12
    assert table_of_node(schools[school]) == of_files


@pytest.mark.parametrize("school", SCHOOLS)
def test_every_entry_is_there_with_what_the_file_says(schools: dict[str, Database], school: str) -> None:
    sql = """
    SELECT u.source, p.sex, p.birth_year, u.residence, gu.relation, gp.sex AS guardian_sex, e.age, c.grade,
           c.letter
    FROM pupil AS u JOIN person AS p ON p.id = u.person
    JOIN guardian AS gu ON gu.pupil = u.person JOIN person AS gp ON gp.id = gu.person
    JOIN enrolment AS e ON e.pupil = u.person JOIN class_group AS c ON c.id = e.class_group
    """
    found = {row.pop("source"): tuple(row.values()) for row in schools[school].query(sql)}
    wanted = {}
    for subject in SUBJECTS:
        with (DATA / f"student-{subject}.csv").open(encoding="ascii", newline="") as file:
            for number, line in enumerate(csv.DictReader(file, delimiter=";"), 2):
                age = int(line["age"])
                residence = {"U": "urban", "R": "rural"}[line["address"]]
                if line["school"] == school:
                    wanted[f"student-{subject}.csv:{number}"] = (
                        line["sex"].lower(), 2005 - age, residence, line["guardian"], None, age, 0, subject,
                    )  # fmt: skip
    assert found == wanted


def test_zero_is_a_mark(schools: dict[str, Database]) -> None:
    for school, db in schools.items():
        zeros = sum(
            line[column] == "0"
            for subject in SUBJECTS
            for line in entries(subject, school)
            for column in TERMS.values()
        )
        found = db.execute(
            "SELECT count(*), min(band), max(band) FROM term_result WHERE value = 0 AND status = 'assessed'"
        ).fetchone()
        assert zeros > 0
        assert found == (zeros, 2, 2)


def test_missed_lessons_stand_with_the_year_alone(schools: dict[str, Database]) -> None:
    sql = (
        "SELECT t.kind, sum(r.missed IS NULL), count(*) FROM term_result AS r "
        "JOIN term AS t ON t.id = r.term GROUP BY 1"
    )
    for db in schools.values():
        found = {kind: (empty, count) for kind, empty, count in db.execute(sql)}
        assert found["period"][0] == found["period"][1]
        assert found["year"][0] == 0


def test_nobody_has_a_name(schools: dict[str, Database]) -> None:
    for db in schools.values():
        assert db.execute("SELECT count(*) FROM person WHERE surname || given_name <> ''").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM consent").fetchone() == (0,)


def test_a_repeated_import_leaves_no_trace(schools: dict[str, Database]) -> None:
    db = schools["MS"]
    log = db.execute("SELECT count(*), max(n) FROM change").fetchone()
    for subject in SUBJECTS:
        result = run_import(db, DATA / f"student-{subject}.csv", DATA / f"ms-{subject}.toml", actor=1)
        assert result.changes_nothing
        assert result.unchanged["pupil"] == README[subject, "MS"][0]
    assert db.execute("SELECT count(*), max(n) FROM change").fetchone() == log
