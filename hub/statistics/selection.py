"""What an address of the explorer asks for: indicators of one cube, rows, columns, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.indicators import CUBES, INDICATORS, PLACES, Cell, Cube, Key, place_of
from shared.problems import InvalidValue

ALL, UNKNOWN = "all", "-"
"""In an address: every value of a dimension, where one is chosen by itself otherwise; the unknown value."""
ROW_IDS = frozenset({"class_group", "teacher", "term_kind", "term_number"})
"""Dimensions that the hub has no names for, or that another dimension says better."""
FINER = {
    "province": ("district",),
    "district": ("school",),
    "school": ("class", "position", "grade"),
    "grade": ("class",),
    "class": ("subject", "sex"),
}
"""What the rows become when one follows the heading of a row: the first that the cube has."""
PARAMETERS = ("cube", "show", "rows", "columns")
DEFAULT_CUBE = "pupils"


@dataclass(frozen=True)
class Selection:
    """`where` holds filters as they stand in the address, one value of a dimension each."""

    cube: str = DEFAULT_CUBE
    show: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What can be rows, columns and filters."""
        return dimensions_of(CUBES[self.cube])

    def query(self) -> dict[str, list[str]]:
        """The address of this selection, as names and values."""
        several = {name: list(getattr(self, name)) for name in PARAMETERS[1:]}
        where = {name: [self.where[name]] for name in self.dimensions if name in self.where}
        return {"cube": [self.cube], **several, **where}

    def with_filter(self, dimension: str, value: str) -> Selection:
        """The same with one more filter."""
        return replace(self, where={**self.where, dimension: value})

    def into(self, place: int, value: Key) -> Selection | None:
        """What stands behind the heading of a row: the filter, and finer rows; None where it ends."""
        dimension = self.rows[place]
        finer = self._finer(dimension)
        if finer is None:
            return None
        rows = dict.fromkeys(finer if name == dimension else name for name in self.rows)
        columns = tuple(name for name in self.columns if name not in (dimension, finer))
        return replace(self, rows=tuple(rows), columns=columns).with_filter(dimension, text_of(value))

    def _finer(self, dimension: str) -> str | None:
        if dimension in ("grade", "class") and "school" not in self.where:
            return "school" if "school" not in self.rows else None
        return next((name for name in FINER.get(dimension, ()) if name in self.dimensions), None)


def dimensions_of(cube: Cube) -> tuple[str, ...]:
    """The dimensions people can choose of a cube."""
    return (*PLACES, *(name for name in cube.dimensions if name not in ROW_IDS))


def indicators_of(cube: str) -> list[str]:
    """The names of a cube's indicators."""
    return [indicator.name for indicator in INDICATORS.values() if indicator.cube == cube]


def read(values: Mapping[str, Sequence[str]]) -> Selection:
    """The selection of an address; InvalidValue for a name that is not of its cube."""
    cube = _one(values, "cube") or DEFAULT_CUBE
    if cube not in CUBES:
        raise InvalidValue(table="report", column="cube", value=cube)
    offered = dimensions_of(CUBES[cube])
    show = _several(values, "show", indicators_of(cube)) or (indicators_of(cube)[0],)
    rows = _several(values, "rows", offered)
    columns = tuple(name for name in _several(values, "columns", offered) if name not in rows)
    where = {name: text for name in offered if (text := _one(values, name))}
    return Selection(cube, show, rows, columns, where)


def _one(values: Mapping[str, Sequence[str]], name: str) -> str:
    given = [text for text in values.get(name, ()) if text]
    return given[-1] if given else ""


def _several(values: Mapping[str, Sequence[str]], name: str, allowed: Sequence[str]) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(text for text in values.get(name, ()) if text))
    for text in given:
        if text not in allowed:
            raise InvalidValue(table="report", column=name, value=text)
    return given


def text_of(value: Key) -> str:
    """A value as it stands in an address."""
    return UNKNOWN if value is None else str(value)


def key_of(cells: Sequence[Cell], dimension: str, text: str) -> Key:
    """The value that a text of an address stands for."""
    return next((key for key in values_of(cells, dimension) if text_of(key) == text), text)


def values_of(cells: Sequence[Cell], dimension: str) -> list[Key]:
    """The values of a dimension that occur, in order."""
    return sorted({cell.dims.get(dimension) for cell in cells}, key=lambda value: place_of(dimension, value))


def completed(selection: Selection, cells: Sequence[Cell]) -> Selection:
    """The selection with the latest year and one period, unless it names them or shows them side by side.

    So no table adds up several years or the marks of several periods unless someone asked for it.
    """
    return _chosen(_chosen(selection, cells, "year"), cells, "term")


def _chosen(selection: Selection, cells: Sequence[Cell], dimension: str) -> Selection:
    taken = {*selection.rows, *selection.columns, *selection.where}
    if dimension not in selection.dimensions or dimension in taken:
        return selection
    known = [value for value in values_of(kept(selection, cells), dimension) if value is not None]
    if not known:
        return selection
    value = "year" if dimension == "term" and "year" in known else known[-1]
    return selection.with_filter(dimension, text_of(value))


def kept(selection: Selection, cells: Sequence[Cell]) -> list[Cell]:
    """The cells that pass the filters."""
    wanted = [(name, key_of(cells, name, text)) for name, text in filters(selection).items()]
    return [cell for cell in cells if all(cell.dims.get(name) == key for name, key in wanted)]


def filters(selection: Selection) -> dict[str, str]:
    """The filters that leave something out."""
    return {name: value for name, value in selection.where.items() if value != ALL}
