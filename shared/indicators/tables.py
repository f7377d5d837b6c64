"""Cross-tables of indicators: rows, columns, totals, and how many people are behind each figure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.indicators.cubes import CUBES, Cell, Cube, Key, Names
from shared.indicators.dimensions import DIMENSIONS, Naming, pick, place_of, value_label
from shared.indicators.formulas import INDICATORS, PERCENT, RULES, Indicator, Linear, total
from shared.problems import InvalidValue
from shared.report import Chart, Column, Figure, Report, Row

PLACES = ("province", "district", "school")
"""Dimensions a district adds to the cells of its schools."""
MIXED_TERMS: Names = (
    "Ар түрдүү мезгилдердин жыйынтыктары бирге эсептелди.",
    "Результаты разных периодов сложены вместе.",
    "Results of several kinds of period are added together.",
)
LATEST_YEAR: Names = (
    "Акыркы окуу жылы боюнча.",
    "По последнему учебному году.",
    "For the latest school year.",
)
TOTAL: Names = ("Бардыгы", "Итого", "Total")

_Keys = tuple[Key, ...]
Where = Mapping[str, Key | Collection[Key]]


class _Group:
    """The cells behind one figure: their summed measures and the people behind them.

    `apart` names a dimension over which nothing may be added up.
    """

    def __init__(self, cube: Cube, apart: str = "") -> None:
        self.cube = cube
        self.apart = apart
        self.totals: Counter[str] = Counter()
        self.slices: defaultdict[_Keys, Counter[str]] = defaultdict(Counter)
        self.kinds: defaultdict[str, set[Key]] = defaultdict(set)

    def add(self, cell: Cell) -> None:
        self.totals.update(cell.measures)
        key = tuple(cell.dims.get(name) for name in self.cube.repeats)
        self.slices[key].update(cell.measures)
        for name in ("scale", "term_kind", "year"):
            if name in cell.dims and (name != "scale" or cell.measures["valued"]):
                self.kinds[name].add(cell.dims[name])

    def people(self, expression: Linear) -> int:
        """The most people that one subject and period (say) counts: never more than there are."""
        return max((total(expression, measures) for measures in self.slices.values()), default=0)

    def figure(self, indicator: Indicator) -> Figure:
        mixed = any(len(self.kinds[name]) > 1 for name in (indicator.within, self.apart) if name)
        value = None if mixed else indicator.value(self.totals)
        return Figure(value, tuple(self.people(expression) for expression in indicator.people))


def tabulate(
    cells: Iterable[Cell],
    indicators: Sequence[str | Indicator],
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    where: Where | None = None,
    *,
    title: str = "",
    language: str = "ky",
    naming: Naming | None = None,
    chart: bool = False,
) -> Report:
    """A cross-table of indicators of one cube with totals; InvalidValue for an unknown name.

    `where` maps a dimension to a value or to several. Stock figures (pupils, staff) are never added up over
    years: unless the year is a row, a column or chosen, each school's latest year is taken and a note says
    so; where it is, totals over several years are left empty.
    """
    chosen = [_indicator(name) for name in indicators]
    cube = _one_cube(chosen)
    where = where or {}
    _check_dimensions(cube, (*rows, *columns, *where))
    kept = [cell for cell in cells if all(_matches(cell.dims.get(d), wanted) for d, wanted in where.items())]
    stock = cube.stock and "year" not in {*rows, *columns, *where}
    apart = "year" if cube.stock and not stock else ""
    groups = _grouped(_latest_year(kept) if stock else kept, lambda: _Group(cube, apart), rows, columns)
    table = _Table(_Group(cube), chosen, tuple(rows), tuple(columns), groups, language, naming)
    name = title or ", ".join(pick(indicator.labels, language) for indicator in chosen)
    full = int(chosen[0].factor) if chosen[0].denominator and chosen[0].factor == PERCENT else 0
    graph = Chart(pick(chosen[0].labels, language), table.chart_column(), full) if chart and rows else None
    notes = tuple(pick(note, language) for note in _notes(chosen, groups.values(), stock and bool(kept)))
    return Report(name, table.columns(), table.rows(), notes, graph, language)


def _notes(indicators: Sequence[Indicator], groups: Iterable[_Group], latest_year: bool) -> Iterator[Names]:
    """The rules that were used, each once."""
    yield from (RULES[rule] for rule in dict.fromkeys(i.rule for i in indicators) if rule)
    if latest_year:
        yield LATEST_YEAR
    if any(len(group.kinds["term_kind"]) > 1 for group in groups):
        yield MIXED_TERMS


def _indicator(name: str | Indicator) -> Indicator:
    if isinstance(name, Indicator):
        return name
    if name not in INDICATORS:
        raise InvalidValue(table="report", column="indicator", value=name)
    return INDICATORS[name]


def _one_cube(indicators: Sequence[Indicator]) -> Cube:
    cubes = {indicator.cube for indicator in indicators}
    if len(cubes) != 1:
        raise InvalidValue(table="report", column="indicator", value=", ".join(sorted(cubes)))
    return CUBES[cubes.pop()]


def _check_dimensions(cube: Cube, names: Sequence[str]) -> None:
    for name in names:
        if name not in cube.dimensions and name not in PLACES:
            raise InvalidValue(table="report", column="dimension", value=name)


def _matches(value: Key, wanted: Key | Collection[Key]) -> bool:
    return value == wanted if wanted is None or isinstance(wanted, (str, int)) else value in wanted


def _latest_year(cells: Sequence[Cell]) -> list[Cell]:
    """The cells of each school's latest school year."""
    latest: dict[Key, str] = {}
    for cell in cells:
        school = cell.dims.get("school")
        latest[school] = max(latest.get(school, ""), str(cell.dims["year"] or ""))
    return [cell for cell in cells if str(cell.dims["year"] or "") == latest[cell.dims.get("school")]]


def _grouped(
    cells: Iterable[Cell], group: Callable[[], _Group], rows: Sequence[str], columns: Sequence[str]
) -> dict[tuple[_Keys | None, _Keys | None], _Group]:
    """(row key, column key) -> its cells; None instead of a key: the total."""
    groups: defaultdict[tuple[_Keys | None, _Keys | None], _Group] = defaultdict(group)
    for cell in cells:
        row = tuple(cell.dims.get(name) for name in rows) or None
        column = tuple(cell.dims.get(name) for name in columns) or None
        for key in {(row, column), (row, None), (None, column), (None, None)}:
            groups[key].add(cell)
    return dict(groups)


@dataclass(frozen=True)
class _Table:
    """The rows and columns of a cross-table."""

    empty: _Group
    indicators: Sequence[Indicator]
    row_dimensions: tuple[str, ...]
    column_dimensions: tuple[str, ...]
    groups: Mapping[tuple[_Keys | None, _Keys | None], _Group]
    language: str
    naming: Naming | None

    def _sorted(self, dimensions: tuple[str, ...], side: int) -> list[_Keys | None]:
        """The keys of one side in order, the total last; only the total where nothing divides that side."""
        keys = {key for pair in self.groups if (key := pair[side]) is not None}
        places = {key: [place_of(*pair) for pair in zip(dimensions, key, strict=True)] for key in keys}
        return [*sorted(keys, key=places.__getitem__), None]

    def _name(self, dimension: str, value: Key) -> str:
        return value_label(dimension, value, self.language, self.naming)

    @cached_property
    def across(self) -> list[_Keys | None]:
        return self._sorted(self.column_dimensions, 1)

    def columns(self) -> tuple[Column, ...]:
        heads = [Column(pick(DIMENSIONS[name].labels, self.language)) for name in self.row_dimensions]
        return (*heads, *(self._column(i, b) for b in range(len(self.across)) for i in self.indicators))

    def _column(self, indicator: Indicator, block: int) -> Column:
        key = self.across[block]
        group = "" if not self.column_dimensions else pick(TOTAL, self.language)
        if key is not None:
            group = ", ".join(self._name(*pair) for pair in zip(self.column_dimensions, key, strict=True))
        basis = tuple(" ".join(f"{n}*{m}" for n, m in expression) for expression in indicator.people)
        is_total = key is None and bool(self.column_dimensions)
        label = pick(indicator.labels, self.language)
        return Column(label, True, indicator.places, group, block, is_total, basis)

    def rows(self) -> tuple[Row, ...]:
        return tuple(self._row(key) for key in self._sorted(self.row_dimensions, 0))

    def _row(self, key: _Keys | None) -> Row:
        names = [pick(TOTAL, self.language), *[""] * len(self.row_dimensions)][: len(self.row_dimensions)]
        if key is not None:
            names = [self._name(*pair) for pair in zip(self.row_dimensions, key, strict=True)]
        groups = (self.groups.get((key, column), self.empty) for column in self.across)
        figures = (group.figure(indicator) for group in groups for indicator in self.indicators)
        return Row((*names, *figures), key is None and bool(self.row_dimensions), key or ())

    def chart_column(self) -> int:
        """The first indicator over all columns."""
        return len(self.row_dimensions) + (len(self.across) - 1) * len(self.indicators)
