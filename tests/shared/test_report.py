"""Renderers, and small numbers that cannot be worked out."""

from __future__ import annotations

import csv
import io
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from shared import report
from shared.indicators import CUBES, Cell, tabulate
from shared.report import Chart, Column, Figure, Report, Row, hide_small

EVIL = '=HYPERLINK("x")<b>&'
SAMPLE = Report(
    "Success <2025/26>",
    (Column("Class"), Column("Pupils", True), Column("Success, %", True, 1), Column("Average", True, 2)),
    (
        Row((EVIL, 20, Figure(Fraction(1841, 20)), Figure(Fraction(89, 24)))),
        Row(("7-Б", 0, Figure(None), Figure(None, (3,), True))),
        Row(("Total", 20, Figure(Fraction(1841, 20)), Figure(Fraction(89, 24))), True),
    ),
    ("Rule & reason",),
    Chart("Success", 2),
    "ru",
)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(1841, 20), 1, "92.1"),
        (Fraction(9204, 100), 1, "92.0"),
        (Fraction(89, 24), 2, "3.71"),
        (Fraction(5, 1000), 2, "0.01"),
        (Fraction(-5, 1000), 2, "-0.01"),
        (Fraction(-4, 1000), 2, "0.00"),
        (0, 1, "0.0"),
        (12, 0, "12"),
        (Fraction(23, 2), 0, "12"),
    ],
)
def test_numbers_are_rounded_half_up_when_shown(value: Fraction | int, places: int, text: str) -> None:
    assert report.decimal(value, places) == text


def test_html_is_escaped_and_says_what_is_a_heading() -> None:
    html = str(report.to_html(SAMPLE))
    assert "<b>" not in html and "&lt;b&gt;&amp;" in html
    tree = ET.fromstring(f"<div>{html}</div>")
    table = next(tree.iter("table"))
    assert [e.text for e in table.iter("caption")] == ["Success <2025/26>"]
    assert [e.get("scope") for e in table.find("thead") or []] == [None]
    assert [th.get("scope") for th in table.iter("th")] == ["col"] * 4 + ["row"] * 3
    assert [[td.text for td in tr.iter("td")] for tr in table.iter("tr")][1:] == [
        ["20", "92,1", "3,71"], ["0", "—", "*"], ["20", "92,1", "3,71"]
    ]  # fmt: skip
    foot = table.find("tfoot")
    assert foot is not None and [tr.get("class") for tr in foot] == ["total"]
    assert [li.text for li in tree.iter("li")] == ["Rule & reason"]


def test_html_groups_columns() -> None:
    columns = (
        Column("A"),
        Column("x", True, group="f"),
        Column("y", True, group="f"),
        Column("x", True, group="m"),
    )
    html = str(report.to_html(Report("T", columns, (Row(("a", 1, 2, 3)),))))
    assert (
        '<td colspan="1"></td><th scope="colgroup" colspan="2">f</th><th scope="colgroup" colspan="1">m</th>'
        in html
    )


def test_what_the_title_names_is_not_repeated_under_every_group() -> None:
    columns = (Column("A"), Column("Pupils", True, group="f"), Column("Pupils", True, group="m"))
    rows = (Row(("a", 1, 2)),)
    tree = ET.fromstring(str(report.to_html(Report("Pupils · 2025/26", columns, rows))))
    assert [[e.text for e in line] for line in tree.iter("tr")] == [["A", "f", "m"], ["a", "1", "2"]]
    assert str(report.to_html(Report("Table", columns, rows))).count("<th ") == 6


def test_headings_lead_on_and_totals_do_not() -> None:
    rows = tuple(
        Row(row.cells, row.total, () if row.total else (f"key {y}",)) for y, row in enumerate(SAMPLE.rows)
    )
    html = str(report.to_html(Report("", SAMPLE.columns, rows), lambda row, place: f"/?{row.keys[place]}&x"))
    links = list(ET.fromstring(f"<div>{html}</div>").iter("a"))
    assert [(e.get("href"), e.text) for e in links] == [("/?key 0&x", EVIL), ("/?key 1&x", "7-Б")]


def test_the_chart_has_title_description_and_values() -> None:
    svg = ET.fromstring(str(report.to_svg(SAMPLE)))
    name = "{http://www.w3.org/2000/svg}"
    ids = (svg.get("aria-labelledby") or "").split()
    title, desc = svg.find(f"{name}title"), svg.find(f"{name}desc")
    assert title is not None and desc is not None
    assert [title.get("id"), desc.get("id")] == ids
    assert (title.text, desc.text) == ("Success", f"{EVIL}: 92,1; 7-Б: —")
    bars = [rect for rect in svg.iter(f"{name}rect") if rect.get("class") == "chart-bar"]
    assert [bar.get("width") for bar in bars] == ["100.00%", "0.00%"]
    assert [t.text for t in svg.iter(f"{name}text") if t.get("class") == "chart-value"] == ["92,1", "—"]


def test_a_percentage_is_drawn_out_of_a_hundred() -> None:
    svg = ET.fromstring(str(report.to_svg(replace(SAMPLE, chart=Chart("Success", 2, 100)))))
    assert [e.get("width") for e in svg.iter() if e.get("class") == "chart-bar"] == ["92.05%", "0.00%"]
    marks = dict.fromkeys(CUBES["results"].measures, 0) | {"n5": 4, "n2": 1}
    cells = [Cell({"sex": sex}, marks) for sex in "fm"]
    names = ("success", "assessed")
    drawn = [tabulate(cells, [name], ["sex"], chart=True).chart for name in names]
    assert [chart and chart.full for chart in drawn] == [100, 0]


def test_no_chart_no_markup() -> None:
    plain = Report("T", SAMPLE.columns, ())
    assert report.to_svg(plain) == ""
    assert "<figure>" not in report.to_html(plain)


def test_csv_holds_text_that_is_no_formula() -> None:
    data = report.to_csv(SAMPLE)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows == [
        ["Class", "Pupils", "Success, %", "Average"],
        ["'" + EVIL, "20", "92.1", "3.71"],
        ["7-Б", "0", "—", "*"],
        ["Total", "20", "92.1", "3.71"],
    ]
    assert not report.to_csv(SAMPLE, bom=False).startswith(b"\xef")
    whole = report.to_csv(SAMPLE, bom=False, delimiter=";", point=",", notes=True).decode()
    full = list(csv.reader(io.StringIO(whole), delimiter=";"))
    assert (full[0], full[2][2], full[-1]) == (["Success <2025/26>"], "92,1", ["Rule & reason"])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_signs_that_begin_a_formula(start: str) -> None:
    assert report.safe_text(start + "1") == "'" + start + "1"
    assert report.safe_text("1" + start) == "1" + start


def test_xlsx_keeps_numbers_exact_and_text_text() -> None:
    book = load_workbook(io.BytesIO(report.to_xlsx(SAMPLE)))
    sheet = book.active
    assert sheet is not None
    assert sheet["A1"].value == "Success <2025/26>"
    assert [c.value for c in sheet[3]] == ["Class", "Pupils", "Success, %", "Average"]
    assert [c.value for c in sheet[4]] == [EVIL, 20, 92.05, pytest.approx(89 / 24, rel=1e-15)]
    assert [c.data_type for c in sheet[4]] == ["s", "n", "n", "n"]
    assert [c.number_format for c in sheet[4]][1:] == ["0", "0.0", "0.00"]
    assert [c.value for c in sheet[5]] == ["7-Б", 0, "—", "*"]
    assert sheet["A8"].value == "Rule & reason"


def test_xlsx_survives_any_title() -> None:
    book = load_workbook(io.BytesIO(report.to_xlsx(Report("[a]:*?/\\\x01" + "я" * 50, SAMPLE.columns, ()))))
    assert book.sheetnames == ["a      " + "я" * 24]


# ---- small numbers


def cross(counts: Sequence[Sequence[int]]) -> Report:
    """Pupils by class and language with totals."""
    measures = dict.fromkeys(CUBES["pupils"].measures, 0)
    cells = [
        Cell({"class": f"{y}", "language": f"l{x}", "year": "2025/26"}, measures | {"pupils": n})
        for y, line in enumerate(counts)
        for x, n in enumerate(line)
    ]
    return tabulate(cells, ["pupils"], rows=["class"], columns=["language"], language="en")


def grid(table: Report) -> list[list[int | None]]:
    """The shown numbers; None for a hidden one."""
    figures = [[c for c in row.cells if isinstance(c, Figure)] for row in table.rows]
    return [[None if f.hidden else int(f.value or 0) for f in line] for line in figures]


def determined(hidden: list[list[int | None]]) -> list[tuple[int, int]]:
    """Hidden cells that follow from what is shown, by solving the equations of all row and column totals."""
    height, width = len(hidden), len(hidden[0])
    unknown = [(y, x) for y in range(height) for x in range(width) if hidden[y][x] is None]
    rows = [[(y, x) for x in range(width)] for y in range(height)]
    equations = rows + [list(line) for line in zip(*rows, strict=True)]
    matrix = [[Fraction((u in line) * (-1 if u == line[-1] else 1)) for u in unknown] for line in equations]
    reduced = _reduced(matrix)
    alone = [[i for i, factor in enumerate(line) if factor] for line in reduced]
    return [unknown[places[0]] for places in alone if len(places) == 1]


def _reduced(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    done: list[list[Fraction]] = []
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((line for line in matrix if line[column] and line not in done), None)
        if pivot is None:
            continue
        scaled = [f / pivot[column] for f in pivot]
        rest = [line for line in matrix if line is not pivot]
        matrix = [[a - line[column] * b for a, b in zip(line, scaled, strict=True)] for line in rest]
        done = [[a - line[column] * b for a, b in zip(line, scaled, strict=True)] for line in done]
        done.append(scaled)
    return done


def tables(width: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(0, 12), min_size=width, max_size=width), min_size=1, max_size=5)


TABLES = st.integers(1, 4).flatmap(tables)


def test_the_solver_finds_what_follows() -> None:
    assert determined([[None, 20, 25], [7, 8, 15], [12, 28, 40]]) == [(0, 0)]
    assert determined([[None, None, 25], [7, 8, 15], [12, 28, 40]]) == [(0, 0), (0, 1)]
    assert determined([[None, None, 25], [None, None, 15], [12, 28, 40]]) == []


@settings(max_examples=300, deadline=None)
@given(TABLES)
def test_no_hidden_number_follows_from_what_is_shown(counts: list[list[int]]) -> None:
    before, after = grid(cross(counts)), grid(hide_small(cross(counts)))
    places = list(itertools.product(range(len(after)), range(len(after[0]))))
    assert all(after[y][x] in (None, before[y][x]) for y, x in places)
    assert all(after[y][x] is None for y, x in places if 0 < (before[y][x] or 0) < 5)
    assert determined(after) == []


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_what_is_hidden_in_a_line_leaves_room_to_guess(counts: list[list[int]]) -> None:
    before, after = grid(cross(counts)), grid(hide_small(cross(counts)))
    lines = [list(zip(a, b, strict=True)) for a, b in zip(after, before, strict=True)]
    for line in [*lines, *map(list, zip(*lines, strict=True))]:
        hidden = [true or 0 for shown, true in line[:-1] if shown is None]
        assert not hidden or line[-1][0] is None or sum(hidden) - len(hidden) >= 4


def test_nothing_small_nothing_hidden() -> None:
    table = cross([[5, 9], [0, 30]])
    assert hide_small(table) is table


def test_the_smallest_that_serve_are_hidden() -> None:
    assert grid(hide_small(cross([[3, 20, 30], [20, 40, 50], [9, 10, 60]]))) == [
        [None, None, 30, 53], [20, 40, 50, 110], [None, None, 60, 79], [32, 70, 140, 242]
    ]  # fmt: skip


def test_a_bridge_between_two_cycles_is_hidden_too() -> None:
    """Every line has two hidden cells, and yet the one that joins two blocks could be worked out."""
    b = 90
    counts = [[3, 4, b, b], [4, 3, 4, b], [b, b, 3, 4], [b, b, 4, 3]]
    naive = [[None if n is not None and n < 5 else n for n in line] for line in grid(cross(counts))]
    assert determined(naive) == [(1, 2)]
    assert determined(grid(hide_small(cross(counts)))) == []


def test_a_single_line_and_a_single_cell() -> None:
    one = tabulate(
        [Cell({"class": "a", "year": None}, dict.fromkeys(CUBES["pupils"].measures, 0) | {"pupils": 3})],
        ["pupils"],
    )
    assert grid(hide_small(one)) == [[None]]
    assert grid(hide_small(cross([[3], [50]]))) == [[None, None], [None, None], [53, 53]]


def test_all_indicators_of_a_small_cell_are_hidden_and_said_so() -> None:
    measures = dict.fromkeys(CUBES["results"].measures, 0)
    cells = [
        Cell({"class": name, "subject": s, "year": "y", "term": "t"}, measures | {"n5": five, "n3": three})
        for name, five, three in (("a", 2, 1), ("b", 20, 3), ("c", 30, 9))
        for s in ("mat", "kyr", "eng")
    ]
    table = hide_small(tabulate(cells, ["assessed", "success", "average"], rows=["class"], language="en"))
    assert report.plain(table)[1:] == [
        ["a", "*", "*", "*"],
        ["b", "*", "*", "*"],
        ["c", "117", "100.0", "4.54"],
        ["Total", "195", "100.0", "4.60"],
    ]
    assert table.notes[-1] == "* hidden: fewer than 5 people, or such a number could be worked out from it."
    assert str(report.to_csv(table).decode("utf-8-sig")).count("*") == 6


def test_a_few_boys_among_many_girls_are_hidden_with_them() -> None:
    measures = dict.fromkeys(CUBES["pupils"].measures, 0)
    cells = [
        Cell({"class": c, "year": "y"}, measures | {"pupils": g + b, "girls": g, "boys": b})
        for c, g, b in (("a", 20, 2), ("b", 15, 15), ("c", 14, 14))
    ]
    table = hide_small(tabulate(cells, ["pupils", "girls", "girls_share"], rows=["class"]))
    assert grid(table)[:3] == [[22, None, None], [30, 15, 50], [28, None, None]]
    assert grid(table)[3][:2] == [80, 49]


def test_a_hidden_value_is_gone_not_masked() -> None:
    table = hide_small(cross([[3, 44], [50, 60]]))
    gone = [c for row in table.rows for c in row.cells if isinstance(c, Figure) and c.hidden]
    assert gone and all((c.value, c.people) == (None, ()) for c in gone)
