"""Cross-tables of what the schools sent, small numbers hidden: the same for page and file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.statistics import selection as selections
from hub.statistics.queries import cells, naming
from hub.statistics.selection import Selection
from hub.storage import Hub
from shared.indicators import CUBES, DIMENSIONS, INDICATORS, Cell, Key, Naming, pick, tabulate, value_label
from shared.report import Report, decimal_point, hide_small, shown

CHART_ROWS = 40
"""A chart of more bars tells nothing; nor does one of a single bar."""


@dataclass(frozen=True)
class Table:
    """A selection as it was completed, the cells of its cube, and the report made of them."""

    selection: Selection
    cells: Sequence[Cell]
    report: Report
    naming: Naming


def table_of(hub: Hub, asked: Selection, language: str) -> Table:
    """The table of a selection; figures of fewer than five people are hidden, with what would betray them."""
    found = cells(hub, asked.cube)
    with hub.read() as connection:
        names = naming(connection, language)
    return table_over(found, asked, language, names)


def table_over(found: Sequence[Cell], asked: Selection, language: str, names: Naming) -> Table:
    """The table of a selection over cells at hand."""
    selection = selections.completed(asked, found)
    where = {
        name: selections.key_of(found, name, text) for name, text in selections.filters(selection).items()
    }
    report = tabulate(
        found,
        selection.show,
        selection.rows,
        selection.columns,
        where,
        title=title_of(selection, found, language, names),
        language=language,
        naming=names,
        chart=True,
    )
    if not 2 < len(report.rows) <= CHART_ROWS:
        report = replace(report, chart=None)
    return Table(selection, found, hide_small(report), names)


def title_of(selection: Selection, found: Sequence[Cell], language: str, names: Naming) -> str:
    """What is counted and what it was narrowed to: "Results · School 8 · 2025/26 · Year"."""
    one = INDICATORS[selection.show[0]] if len(selection.show) == 1 else CUBES[selection.cube]
    parts = [pick(one.labels, language)]
    for name, text in selections.filters(selection).items():
        parts.append(said(name, selections.key_of(found, name, text), language, names))
    return " · ".join(parts)


def said(dimension: str, value: Key, language: str, names: Naming) -> str:
    """A value that makes sense without its dimension's name beside it."""
    label = value_label(dimension, value, language, names)
    plain = dimension in SPEAKING and value is not None
    return label if plain else f"{pick(DIMENSIONS[dimension].labels, language)}: {label}"


SPEAKING = frozenset({"province", "district", "school", "year", "term", "subject", "month", "grade"})
"""Dimensions whose values say what they are."""


@dataclass(frozen=True)
class Headline:
    """A figure of a table's total, with its label."""

    label: str
    text: str


def headlines(report: Report, *names: str) -> list[Headline]:
    """The totals of a report: of all its indicators, or of those named."""
    point = decimal_point(report.language)
    wanted = {pick(INDICATORS[name].labels, report.language) for name in names}
    columns = zip(report.columns, report.rows[-1].cells, strict=True)
    return [
        Headline(column.label, shown(content, column, point))
        for column, content in columns
        if column.numeric and (not names or column.label in wanted)
    ]
