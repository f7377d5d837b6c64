"""A report, how it is shown (page, SVG chart, CSV, XLSX), and the hiding of small numbers of people.

Values stay exact until a renderer shows them, rounded half up to the places of their column. "—" stands for
a value that does not exist (nothing to divide by, nothing recorded), "*" for one that is hidden.
"""

from __future__ import annotations

import csv
import hashlib
import heapq
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from markupsafe import Markup
from openpyxl import Workbook
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Font

from shared.grading import half_up

EMPTY = "—"
HIDDEN = "*"
HIDDEN_NOTES = {
    "ky": "* — жашырылды: {below} кишиден аз, же ошондой санды эсептеп чыгарууга болот.",
    "ru": "* — скрыто: меньше {below} человек, или такое число можно было бы вычислить.",
    "en": "* hidden: fewer than {below} people, or such a number could be worked out from it.",
}
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class Figure:
    """A value with the counts of people behind it (in the order of its column's `basis`)."""

    value: Fraction | None
    people: tuple[int, ...] = ()
    hidden: bool = False


Content = str | int | Fraction | Figure | None


@dataclass(frozen=True)
class Column:
    """`group` is a heading over neighbouring columns; `block` numbers the keys across a cross-table.

    `basis` names the counts of people that a figure of this column gives away.
    """

    label: str
    numeric: bool = False
    places: int = 0
    group: str = ""
    block: int = -1
    total: bool = False
    basis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """`keys` are the values that the row's headings name, as they are stored; none in a total."""

    cells: tuple[Content, ...]
    total: bool = False
    keys: tuple[object, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A bar for every row that is no total: the figure of one column. The table holds the values.

    `full` is the value of a bar over the whole width, such as 100 for percentages; 0: the largest that occurs.
    """

    title: str
    column: int
    full: int = 0


@dataclass(frozen=True)
class Report:
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())
    chart: Chart | None = None
    language: str = "ky"


def decimal(value: Fraction | int, places: int, point: str = ".") -> str:
    """A number rounded half up, with exactly `places` decimals."""
    exact = value if isinstance(value, Fraction) else Fraction(value)
    units = half_up(abs(exact.numerator), exact.denominator, places)
    whole, rest = divmod(units, 10**places)
    sign = "-" if exact.numerator < 0 and units else ""
    return f"{sign}{whole}" + (f"{point}{rest:0{places}d}" if places else "")


def number_of(content: Content) -> Fraction | int | None:
    """The exact number of a cell; None for text, for an empty and for a hidden one."""
    if isinstance(content, Figure):
        return None if content.hidden else content.value
    return None if isinstance(content, str) else content


def shown(content: Content, column: Column, point: str = ".") -> str:
    """The text of a cell."""
    if isinstance(content, str):
        return content
    if isinstance(content, Figure) and content.hidden:
        return HIDDEN
    number = number_of(content)
    return EMPTY if number is None else decimal(number, column.places, point)


def decimal_point(language: str) -> str:
    """The decimal sign of a language: a comma in Kyrgyz and Russian."""
    return "." if language == "en" else ","


# ---- page


Link = Callable[[Row, int], str]
"""The address that a row's heading leads to, by row and place of the column; empty: none."""


def no_link(row: Row, place: int) -> str:
    """Headings that lead nowhere."""
    return ""


def to_html(report: Report, link: Link = no_link) -> Markup:
    """The report as an HTML fragment: table with caption, notes; any chart stands above its table."""
    chart = Markup("")
    if report.chart:
        chart = Markup("<figure><figcaption>{}</figcaption>{}</figure>").format(
            report.chart.title, to_svg(report)
        )
    body = Markup("").join(_html_row(report, row, link) for row in report.rows if not row.total)
    foot = Markup("").join(_html_row(report, row, no_link) for row in report.rows if row.total)
    return Markup(
        '{}<div class="scroll"><table class="report"><caption>{}</caption><thead>{}</thead>'
        "<tbody>{}</tbody><tfoot>{}</tfoot></table></div>{}"
    ).format(chart, report.title, _html_head(report), body, foot, _html_notes(report))


def _html_head(report: Report) -> Markup:
    groups = [(key, len(list(run))) for key, run in itertools.groupby(c.group for c in report.columns)]
    if _title_says_it(report):
        return _html_labels([(column, column.group or column.label) for column in report.columns])
    labels = _html_labels([(column, column.label) for column in report.columns])
    if not any(group for group, _ in groups):
        return labels
    spans = Markup("").join(
        Markup('<th scope="colgroup" colspan="{}">{}</th>').format(width, group) if group
        else Markup('<td colspan="{}"></td>').format(width)
        for group, width in groups
    )  # fmt: skip
    return Markup("<tr>{}</tr>{}").format(spans, labels)


def _title_says_it(report: Report) -> bool:
    """Is the same one thing told under every group, and does the title name it?"""
    labels = {column.label for column in report.columns if column.group}
    return len(labels) == 1 and labels.pop() in report.title


def _html_labels(texts: Sequence[tuple[Column, str]]) -> Markup:
    cells = (Markup('<th scope="col"{}>{}</th>').format(_class(_marks(c)), text) for c, text in texts)
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def _html_row(report: Report, row: Row, link: Link) -> Markup:
    cells = [
        _html_figure(content, column, decimal_point(report.language))
        if column.numeric
        else _html_heading(str(content), column, link(row, place))
        for place, (column, content) in enumerate(zip(report.columns, row.cells, strict=True))
    ]
    return Markup("<tr{}>{}</tr>").format(_class(["total"] if row.total else []), Markup("").join(cells))


def _html_heading(text: str, column: Column, address: str) -> Markup:
    shown_text = Markup('<a href="{}">{}</a>').format(address, text) if address else text
    return Markup('<th scope="row"{}>{}</th>').format(_class(_marks(column)), shown_text)


def _html_figure(content: Content, column: Column, point: str) -> Markup:
    hidden = isinstance(content, Figure) and content.hidden
    marks = _marks(column) + ["hidden-figure"] * hidden
    return Markup("<td{}>{}</td>").format(_class(marks), shown(content, column, point))


def _marks(column: Column) -> list[str]:
    return ["num"] * column.numeric + ["total"] * column.total


def _class(marks: Sequence[str]) -> Markup:
    return Markup(' class="{}"').format(" ".join(marks)) if marks else Markup("")


def _html_notes(report: Report) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(note) for note in report.notes)
    return Markup('<ul class="notes">{}</ul>').format(items) if report.notes else Markup("")


# ---- chart

_LINE, _BAR, _STEP = 14, 10, 40
"""Pixels: from a bar's top to the baseline of its texts, its height, from one to the next."""


def to_svg(report: Report) -> Markup:
    """The chart as inline SVG with a title and a description; empty markup when the report has none.

    Every bar carries its name and value as text above it. It is as wide as its place, the text as large as always:
    widths are percentages. Colours come from the page (`currentColor`).
    """
    chart = report.chart
    if chart is None:
        return Markup("")
    rows = [row for row in report.rows if not row.total]
    column, point = report.columns[chart.column], decimal_point(report.language)
    bars = [(row_label(report, row), row.cells[chart.column]) for row in rows]
    longest = max(chart.full, *(number_of(content) or 0 for _, content in bars), 0) or 1
    drawn = [_bar(i, label, content, column, longest, point) for i, (label, content) in enumerate(bars)]
    told = "; ".join(f"{label}: {shown(content, column, point)}" for label, content in bars)
    name = "chart-" + hashlib.sha256(f"{chart.title} {told}".encode()).hexdigest()[:8]
    return Markup(
        '<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" width="100%" height="{}" '
        'aria-labelledby="{}-title {}-desc"><title id="{}-title">{}</title><desc id="{}-desc">{}</desc>'
        "{}</svg>"
    ).format(
        max(1, len(bars)) * _STEP, name, name, name, chart.title, name, told, Markup("").join(drawn),
    )  # fmt: skip


def row_label(report: Report, row: Row) -> str:
    """The text columns of a row as one label."""
    pairs = zip(report.columns, row.cells, strict=True)
    return ", ".join(str(content) for column, content in pairs if not column.numeric)


def _bar(i: int, label: str, content: Content, column: Column, longest: Fraction | int, point: str) -> Markup:
    width = decimal(max(Fraction(0), Fraction(number_of(content) or 0)) / longest * 100, 2)
    top = i * _STEP
    short = label if len(label) <= 30 else label[:29] + "…"
    return Markup(
        '<text class="chart-label" x="0" y="{}">{}</text>'
        '<text class="chart-value" x="100%" y="{}" text-anchor="end">{}</text>'
        '<rect class="chart-ground" x="0" y="{}" width="100%" height="{}" rx="3" fill="currentColor" opacity=".1"/>'
        '<rect class="chart-bar" x="0" y="{}" width="{}%" height="{}" rx="3" fill="currentColor"/>'
    ).format(
        top + _LINE, short,
        top + _LINE, shown(content, column, point),
        top + _LINE + 6, _BAR,
        top + _LINE + 6, width, _BAR,
    )  # fmt: skip


# ---- files


def headings(report: Report) -> list[str]:
    """One heading a column; a group's name stands before its columns' labels."""
    return [": ".join(part for part in (c.group, c.label) if part) for c in report.columns]


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before the signs that begin one."""
    return "'" + text if _FORMULA.match(text) else text


def to_csv(
    report: Report, *, bom: bool = True, delimiter: str = ",", point: str = ".", notes: bool = False
) -> bytes:
    """Comma-separated values, UTF-8, CRLF; with `notes` the title comes first and the notes last."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows(_lines(report, point, notes))
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def _lines(report: Report, point: str, notes: bool) -> Iterator[list[str]]:
    if notes:
        yield [safe_text(report.title)]
    yield [safe_text(heading) for heading in headings(report)]
    for row in report.rows:
        yield [
            safe_text(content) if isinstance(content, str) else shown(content, column, point)
            for column, content in zip(report.columns, row.cells, strict=True)
        ]
    if notes:
        yield from ([safe_text(note)] for note in report.notes)


def to_xlsx(report: Report) -> bytes:
    """An Excel workbook of one sheet: title, headings, rows, notes. Text is never a formula."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = _sheet_title(report.title)
    bold = Font(bold=True)
    _write(sheet.cell(1, 1), report.title, 0, bold)
    for x, heading in enumerate(headings(report), 1):
        _write(sheet.cell(3, x), heading, 0, bold).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[sheet.cell(3, x).column_letter].width = max(10, min(40, len(heading) + 2))
    sheet.freeze_panes = "A4"
    for y, row in enumerate(report.rows, 4):
        for x, (column, content) in enumerate(zip(report.columns, row.cells, strict=True), 1):
            number = number_of(content)
            value = shown(content, column) if number is None else number
            _write(sheet.cell(y, x), value, column.places, bold if row.total else None)
    for y, note in enumerate(report.notes, len(report.rows) + 5):
        _write(sheet.cell(y, 1), note, 0, None)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_title(title: str) -> str:
    """A name Excel accepts: at most 31 characters, no brackets or slashes, no apostrophe at either end."""
    return re.sub(r"[\[\]:*?/\\]", " ", _CONTROL.sub("", title)).strip("' ")[:31].strip("' ") or "Mektep"


def _write(cell: SheetCell, value: str | int | Fraction, places: int, font: Font | None) -> SheetCell:
    if isinstance(value, str):
        cell.value = _CONTROL.sub("", value)
        cell.data_type = "s"
    else:
        cell.value = int(value) if places == 0 and value == int(value) else float(value)
        cell.number_format = "0." + "0" * places if places else "0"
    if font:
        cell.font = font
    return cell


# ---- small numbers

_Place = tuple[int, int]
_Node = tuple[str, int]


def hide_small(report: Report, below: int = 5) -> Report:
    """Hide every figure behind which stand 1 to `below` - 1 people, and what would give such a figure away.

    Other figures of the same row or column are hidden with it (the smallest that serve) until no hidden one
    follows from totals: neither exactly, nor because too little is left to share out. Only what this one
    table gives away is considered; tables over differing selections can be subtracted from one another.
    """
    patterns: dict[tuple[str, ...], set[_Place]] = {}
    for basis in sorted({c.basis for c in report.columns if c.basis}, key=lambda b: (len(b), b)):
        table = _Counts(report, basis, below)
        table.hidden |= {p for other, found in patterns.items() if set(other) <= set(basis) for p in found}
        patterns[basis] = table.complete()
    if not any(patterns.values()):
        return report
    rows = tuple(_hide_in(report, y, row, patterns) for y, row in enumerate(report.rows))
    return replace(
        report, rows=rows, notes=(*report.notes, HIDDEN_NOTES[report.language].format(below=below))
    )


def _hide_in(report: Report, y: int, row: Row, patterns: dict[tuple[str, ...], set[_Place]]) -> Row:
    return replace(row, cells=tuple(
        Figure(None, (), True) if column.basis and (y, column.block) in patterns[column.basis] else content
        for column, content in zip(report.columns, row.cells, strict=True)
    ))  # fmt: skip


class _Counts:
    """The counts of people of one basis as a table with totals, and which of its cells are hidden.

    Each row and each column that has a total is a sum that is known. Seen as a graph (a node for every such
    sum, an edge for every hidden cell), a hidden cell can be worked out exactly when its edge is a bridge.
    """

    def __init__(self, report: Report, basis: tuple[str, ...], below: int) -> None:
        self.below = below
        self.people: dict[_Place, tuple[int, ...]] = {}
        for y, row in enumerate(report.rows):
            for column, content in zip(report.columns, row.cells, strict=True):
                if column.basis == basis and isinstance(content, Figure):
                    self.people.setdefault((y, column.block), content.people)
        self.total_rows = {y for y, row in enumerate(report.rows) if row.total}
        self.total_blocks = {c.block for c in report.columns if c.total}
        self.hidden = {p for p, counts in self.people.items() if any(0 < n < below for n in counts)}
        self.near: dict[_Node, list[tuple[_Node, _Place]]] = {}
        for place in self.people:
            one, other = self.ends(place)
            self.near.setdefault(one, []).append((other, place))
            self.near.setdefault(other, []).append((one, place))

    def ends(self, place: _Place) -> tuple[_Node, _Node]:
        """The two sums of a cell; the ground stands for all rows or columns that have no total."""
        y, block = place
        ground = ("ground", 0)
        row, column = ("row", y), ("block", block)
        return (row if self.total_blocks else ground, column if self.total_rows else ground)

    def complete(self) -> set[_Place]:
        """Hide more until nothing hidden can be worked out; at the worst everything is hidden."""
        before = -1
        while len(self.hidden) != before:
            before = len(self.hidden)
            for place in sorted(self.hidden):
                self.hidden |= self._second_way(place)
            for total, parts in self._sums():
                self._share_out(total, parts)
        return self.hidden

    def cost(self, place: _Place) -> int:
        """What hiding a cell loses; an empty cell protects badly and is the last choice."""
        counts = self.people[place]
        return 1 + max(counts) if any(counts) else 1_000_000_000

    def _second_way(self, of: _Place) -> set[_Place]:
        """The cheapest cells to hide so that a hidden cell lies on a cycle: a bridge no more."""
        start, goal = self.ends(of)
        queue: list[tuple[int, _Node, tuple[_Place, ...]]] = [(0, start, ())]
        seen: set[_Node] = set()
        while queue:
            cost, node, path = heapq.heappop(queue)
            if node == goal:
                return set(path)
            if node in seen:
                continue
            seen.add(node)
            for other, place in self.near[node]:
                if place == of or other in seen:
                    continue
                if place in self.hidden:
                    heapq.heappush(queue, (cost, other, path))
                else:
                    heapq.heappush(queue, (cost + self.cost(place), other, (*path, place)))
        return set()

    def _share_out(self, total: _Place, parts: Sequence[_Place]) -> None:
        """Hide more cells of a known sum until what its hidden cells hold can be shared out in many ways."""
        while total not in self.hidden:
            hidden = [p for p in parts if p in self.hidden]
            spare = sum(max(self.people[p], default=0) for p in hidden) - len(hidden)
            if not hidden or spare >= self.below - 1:
                return
            others = [p for p in (*parts, total) if p not in self.hidden]
            self.hidden.add(min(others, key=lambda p: (self.cost(p), p)))

    def _sums(self) -> Iterator[tuple[_Place, list[_Place]]]:
        """Every known sum: its total and the cells it adds up."""
        for axis, totals in ((0, self.total_blocks), (1, self.total_rows)):
            lines: dict[int, list[_Place]] = {}
            for place in self.people:
                lines.setdefault(place[axis], []).append(place)
            for line, places in sorted(lines.items()):
                for total in totals:
                    parts = [p for p in places if p[1 - axis] not in totals]
                    yield (line, total) if axis == 0 else (total, line), parts


def plain(report: Report) -> list[list[str]]:
    """Headings and cells as text, for the command line."""
    rows: Iterable[Row] = report.rows
    texts = [[shown(c, column) for column, c in zip(report.columns, row.cells, strict=True)] for row in rows]
    return [headings(report), *texts]
