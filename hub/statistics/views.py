"""Ready-made tables and the explorer; every table is an address that can be passed on, and a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.request import hub
from hub.statistics import coverage
from hub.statistics import selection as selections
from hub.statistics.queries import cells
from hub.statistics.ready import shelf
from hub.statistics.selection import ALL, Selection, indicators_of
from hub.statistics.tables import Table, said, table_of
from shared import report as reports
from shared.access import allow
from shared.i18n import current_language
from shared.indicators import CUBES, DIMENSIONS, INDICATORS, Key, pick, value_label
from shared.report import Row

area = Blueprint("statistics", __name__, template_folder="templates")
FIRST = ("year", "term", "province", "district", "school", "grade", "class")
"""The filters most asked for, in this order; the others stand behind a click."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@area.get("/figures/")
@allow.signed_in
def index() -> ResponseReturnValue:
    """Ready-made tables of a school year, each with its main figure."""
    found = shelf(hub(), current_language(), request.args.get("year", ""))
    years = [(year, url_for("statistics.index", year=year), year == found.year) for year in found.years]
    start = _start(selections.DEFAULT_CUBE)
    of_year = start.with_filter("year", found.year)
    return render_template(
        "statistics/index.html",
        tables=found.tables,
        years=years,
        start=start,
        notes=coverage.notes(hub(), cells(hub(), of_year.cube), of_year, current_language()),
    )


@area.get("/figures/table")
@allow.signed_in
def explore() -> ResponseReturnValue:
    """The explorer: the table of the address, and a form to change it."""
    table = _table()
    return render_template(
        "statistics/explore.html",
        table=table,
        selection=table.selection,
        cube=pick(CUBES[table.selection.cube].labels, _language()),
        figures=sum(column.numeric for column in table.report.columns),
        filled=bool(selections.kept(table.selection, table.cells)),
        html=reports.to_html(table.report, lambda row, place: _link(table.selection, row, place)),
        cubes=[
            (pick(cube.labels, _language()), address(_start(name)), name == table.selection.cube)
            for name, cube in CUBES.items()
        ],
        indicators=[
            (name, pick(INDICATORS[name].labels, _language())) for name in indicators_of(table.selection.cube)
        ],
        dimensions=[(name, _dimension(name)) for name in table.selection.dimensions if _varies(table, name)],
        first_filters=[one for one in _filters(table) if one.name in FIRST],
        more_filters=[one for one in _filters(table) if one.name not in FIRST],
        chosen=_chosen(table),
        merged_classes=_merges_classes(table.selection),
        files=[(name.upper(), address(table.selection, f"statistics.{name}")) for name in ("csv", "xlsx")],
    )


@area.get("/figures/table.csv")
@allow.signed_in
def csv() -> ResponseReturnValue:
    """The table of the address as comma-separated values, its title above and what it rests on below."""
    table = _table()
    data = reports.to_csv(table.report, notes=True)
    return _file(data, "text/csv; charset=utf-8", table.selection, "csv")


@area.get("/figures/table.xlsx")
@allow.signed_in
def xlsx() -> ResponseReturnValue:
    """The table of the address as a workbook."""
    table = _table()
    return _file(reports.to_xlsx(table.report), XLSX, table.selection, "xlsx")


def _table() -> Table:
    table = table_of(hub(), selections.read(request.args.to_dict(flat=False)), _language())
    told = coverage.notes(hub(), table.cells, table.selection, _language())
    return replace(table, report=replace(table.report, notes=(*table.report.notes, *told)))


def _language() -> str:
    return current_language()


def address(selection: Selection, endpoint: str = "statistics.explore") -> str:
    """The address of a selection."""
    return url_for(endpoint, **selection.query())  # type: ignore[arg-type]


def _start(cube: str) -> Selection:
    """Where one begins with a cube."""
    return Selection(cube, tuple(indicators_of(cube)[:1]), ("school",))


def _link(selection: Selection, row: Row, place: int) -> str:
    key = row.keys[place]
    deeper = selection.into(place, key if key is None or isinstance(key, int) else str(key))
    return address(deeper) if deeper is not None else ""


def _dimension(name: str) -> str:
    return pick(DIMENSIONS[name].labels, _language())


def _varies(table: Table, name: str) -> bool:
    """Does anything differ along a dimension? One that is in use stays."""
    used = {*table.selection.rows, *table.selection.columns, *table.selection.where}
    return name in used or len(selections.values_of(table.cells, name)) > 1


@dataclass(frozen=True)
class Filter:
    """A filter of the form: its options as (value, label) pairs, and the one chosen."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


def _filters(table: Table) -> list[Filter]:
    """The filters that could leave something out."""
    found = []
    for name in sorted(
        table.selection.dimensions, key=lambda n: FIRST.index(n) if n in FIRST else len(FIRST)
    ):
        values = selections.values_of(table.cells, name)
        options = [(selections.text_of(value), _value(table, name, value)) for value in values]
        chosen = table.selection.where.get(name, ALL)
        if len(options) > 1 or chosen != ALL:
            found.append(Filter(name, _dimension(name), options, chosen))
    return found


def _value(table: Table, name: str, value: Key) -> str:
    return value_label(name, value, _language(), table.naming)


def _chosen(table: Table) -> list[tuple[str, str]]:
    """What the table is narrowed to, each with the address without it."""
    found = []
    for name, text in selections.filters(table.selection).items():
        label = said(name, selections.key_of(table.cells, name, text), _language(), table.naming)
        found.append((label, address(table.selection.with_filter(name, ALL))))
    return found


def _merges_classes(selection: Selection) -> bool:
    """Are classes of one name but of several schools counted together?"""
    by_class = "class" in (*selection.rows, *selection.columns)
    one_school = selections.filters(selection).get("school") or "school" in (
        *selection.rows,
        *selection.columns,
    )
    return by_class and not one_school


def _file(data: bytes, kind: str, selection: Selection, ending: str) -> Response:
    words = [selection.cube, *(v for n, v in selections.filters(selection).items() if n in ("year", "term"))]
    name = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(words)).strip("-")
    headers = {"Content-Disposition": f'attachment; filename="mektep-{name}.{ending}"'}
    return Response(data, content_type=kind, headers=headers)
