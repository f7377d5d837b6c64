"""Two real schools' registers, imported at the schools and synced: every figure at the hub is the files' own."""

from __future__ import annotations

import csv
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from demo.figures import rows_of
from hub.statistics.queries import cells
from node.importing.actions import run_import
from shared.indicators import INDICATORS, evaluate, tabulate
from shared.report import number_of
from sync.writer import writing
from tests.world import a_hub, a_school

DATA = Path(__file__).parents[2] / "demo" / "data" / "uci-student-performance"
TERMS = {"1": "G1", "2": "G2", "year": "G3"}
README = {
    ("mat", "GP"): (349, 183, "10.9398", "10.7822", "10.4900", 2082),
    ("mat", "MS"): (46, 25, "10.6739", "10.1957", "9.8478", 173),
    ("por", "GP"): (423, 237, "11.9858", "12.1442", "12.5768", 1783),
    ("por", "MS"): (226, 146, "10.3009", "10.4956", "10.6504", 592),
}
"""Entries, girls, means of G1, G2, G3, absences by file and school, as the data's README prints them."""


@pytest.fixture(scope="module", params=["sqlcipher", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hub(tmp_path_factory, request):
    """One for all tests here: two whole registers are imported into its schools."""
    database = None
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute("CREATE DATABASE real_figures")
        database = cluster.url("real_figures")
    hub = a_hub(tmp_path_factory.mktemp("district") / "hub", database)
    yield hub
    hub.close()
    if database:
        cluster.execute("DROP DATABASE real_figures WITH (FORCE)")


@pytest.fixture(scope="module")
def schools(tmp_path_factory, hub):
    found = {}
    for name in ("GP", "MS"):
        school = a_school(tmp_path_factory.mktemp(name) / "node", hub, name)
        with closing(school.node.connect()) as db:
            for subject in ("mat", "por"):
                mapping = DATA / f"{name.lower()}-{subject}.toml"
                run_import(db, DATA / f"student-{subject}.csv", mapping, school.actor)
        assert school.sync().outcome == "done"
        found[name] = school
    return found


def lines(subject, school, sex=None):
    with (DATA / f"student-{subject}.csv").open(encoding="ascii", newline="") as file:
        for line in csv.DictReader(file, delimiter=";"):
            if line["school"] == school and sex in (None, line["sex"].lower()):
                yield line


def band(value):
    return 2 if value < 10 else 3 if value < 14 else 4 if value < 18 else 5


def test_every_cross_table_of_the_hub_is_the_files(hub, schools):
    rows = {(r["school"], r["subject"], r["term"], r["sex"]): r for r in rows_of(hub, ("GP", "MS"))}
    assert len(rows) == 2 * 2 * 3 * 2
    for (school, subject, term, sex), row in rows.items():
        entries = list(lines(subject, school, sex))
        values = [int(e[TERMS[term]]) for e in entries]
        bands = [band(v) for v in values]
        assert row["assessed"] == len(values)
        assert row["average"] == float(Fraction(sum(values), len(values)))
        assert row["average_mark"] == float(Fraction(sum(bands), len(bands)))
        assert row["success"] == float(Fraction(100 * sum(b >= 3 for b in bands), len(bands)))
        assert row["quality"] == float(Fraction(100 * sum(b >= 4 for b in bands), len(bands)))
        assert row["missed"] == (sum(int(e["absences"]) for e in entries) if term == "year" else None)


def test_the_readmes_figures_stand_in_the_hubs_report(hub, schools):
    found = cells(hub, "results")
    names = ("assessed", "mean_value", "missed")
    for (subject, school), (entries, girls, *means, absences) in README.items():
        where = {"school": schools[school].id, "subject": subject}
        for term, mean in zip(("period-1", "period-2", "year"), means, strict=True):
            report = tabulate(found, names, ["sex"], [], {**where, "term": term})
            total = [number_of(c) for c in report.rows[-1].cells[1:]]
            assert total[0] == entries
            assert f"{float(total[1]):.4f}" == mean
            by_sex = {row.cells[0]: number_of(row.cells[1]) for row in report.rows[:-1]}
            assert girls in by_sex.values() and sum(by_sex.values()) == entries
        assert number_of(report.rows[-1].cells[3]) == absences


def test_node_and_hub_count_the_same_cells(hub, schools):
    for school in schools.values():
        with closing(school.node.connect()) as db:
            for cube in {i.cube for i in INDICATORS.values()}:
                there = evaluate(lambda sql, p: db.execute(sql, p).fetchall(), cube, school.id)
                here = cells(hub, cube, only={school.id})
                strip = [
                    {k: v for k, v in c.dims.items() if k not in ("school", "district", "province")}
                    for c in here
                ]
                key = lambda pair: str(sorted(pair[0].items(), key=str))  # noqa: E731
                assert sorted(zip(strip, [c.measures for c in here], strict=True), key=key) == sorted(
                    [(dict(c.dims), c.measures) for c in there], key=key
                )


def test_summaries_are_kept_until_the_school_sends_more(hub, schools):
    before = cells(hub, "results")
    assert cells(hub, "results") == before
    gp = schools["GP"]
    with closing(gp.node.connect()) as db:
        row = next(db.query("SELECT * FROM term_result WHERE status = 'assessed' LIMIT 1"))
        was = {name: row[name] for name in ("subject_group", "pupil", "term", "status", "value", "band")}
        with writing(db, gp.actor) as w:
            w.put("term_result", **{**was, "status": "exempt", "value": None, "band": None})
        gp.sync()
        after = cells(hub, "results")
        assert sum(c.measures["exempt"] for c in after) == 1 + sum(c.measures["exempt"] for c in before)
        with writing(db, gp.actor) as w:
            w.put("term_result", **was)
        gp.sync()
    counted = lambda found: sorted(str((sorted(c.dims.items(), key=str), c.measures)) for c in found)  # noqa: E731
    assert counted(cells(hub, "results")) == counted(before)
