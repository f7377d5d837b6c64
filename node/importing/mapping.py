"""A mapping file says how the lines of a sheet become rows; written in TOML.

    only_if = {school = "GP"}       # lines to take; the others are passed over

    idle = ["class", "child"]       # optional: a line in which only these columns are filled is passed over

    [file]                          # optional: delimiter = ";", sheet = "Pupils"

    [columns]                       # optional: names of our own for the file's columns,
    surname = ["Фамилия", "Surname"]        # each with the headers that are accepted

    [values]                        # named values, for {value = "school"}; a mapping that
    school = "GP"                   # `extends` this one may give them other values

    [[rows]]                        # for every line, in this order
    name = "pupil"                  # how later rows refer to it; the table's name unless given
    table = "pupil"
    find = ["source"]               # columns by which the row is known when the file comes again;
                                    # not needed where the table's key is made of facts
    latest = true                   # optional: of several such rows the one entered last is meant, not the first
    number = {column = "number", required = false}  # optional, of people: a cell with the number that Mektep shows in
                                    # place of a name; where it is filled it alone tells who is meant. A line that
                                    # would add someone who may be one of those without a name is asked about
    only_if = {class = true}        # optional: write this row for such lines alone
    asked = true                    # optional: a row that is not there is made only if someone said so
    [rows.columns]                  # column of the table = where its value comes from
    source = {line_key = true}

    [keys.pin.pupil]                # another way to know a row: parts of the entry so named,
    find = {personal_number = {column = "pin"}}     # which replace its own when `pin` is chosen;
    sole = true                     # optional: where several rows fit, none is meant

A row that another points to is found with ``through = {table = "pupil", column = "person", where = {..}}``.
A filter names columns of the file with the text they must hold, one of several, ``true`` (not empty), or
``{value = ".."}``.

Where a value comes from: a plain text or number stands for itself; or one of

    {column = "age"}                a cell
    {value = "school"}              a named value
    {line_key = true}               file and line, ``pupils.csv:2``
    {row = "pupil", take = "sex"}   the row written before: its row id, unless ``take`` names a column
    {lookup = "subject", by = {code = "mat"}, take = "id"}      a row that is there already
    {lookup = "academic_year", on = "2005-10-01"}               the row whose start and end hold the day
    {band_of = {column = "G1"}, scale = {row = "group", take = "scale"}}    1 to 5, by the scale's bands
    {signed_by = {column = "signer", map = "signer"}, of = {row = "person"}}    the guardian of that relation to a pupil
    {called = {column = "name"}, class = {row = "class"}, on = {column = "day"}}   the pupil of that name in a class
    {today = true}                  the day of the import; between two years the last day of the one before

and, in this order: ``match`` (a regular expression: its first group, or nothing), ``letter`` (true: the letter of a
class, a capital and Cyrillic), ``map`` (words to codes, or the name of a list in `words`, which tells how a cell is
compared), ``date`` (formats of strptime beside the usual ones), ``times``, ``add``,
``subtract``, ``subtract_from`` (arithmetic), ``if_empty`` (a value), ``required`` (true: the cell must not be empty,
unless the column is empty in a row that is here already; false: the file need not have the column), ``only_if``. Text
becomes what the column's type wants. An empty cell says nothing: it neither fills a column nor empties one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.importing.headings import SYNONYMS
from node.importing.words import WORDS, Words
from shared.problems import FlawedMapping
from shared.schema import BY_NAME, Column, Table

SHIPPED = Path(__file__).parent / "mappings"
"""Where the mappings of Mektep lie, whose columns may be headed by `SYNONYMS` too."""
NO_SYNONYMS: Dict[str, tuple[str, ...]] = {}

_SOURCES = ("column", "value", "line_key", "row", "lookup", "band_of", "called", "today", "signed_by")
_COMPANIONS: dict[str, set[str]] = {
    "row": {"take"}, "lookup": {"by", "on", "take"}, "band_of": {"scale"}, "called": {"class", "on"},
    "signed_by": {"of"},
}  # fmt: skip
_TRANSFORMS = {
    "match", "letter", "map", "date", "times", "add", "subtract", "subtract_from", "if_empty", "required", "only_if",
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """Which lines: column of the file -> accepted texts; None accepts whatever is not empty."""

    accepted: Dict[str, frozenset[str] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Expression:
    """Where one value comes from; ``source`` is ``constant`` or one of the module's words."""

    source: str
    of: Any
    parts: Dict[str, Expression] = field(default_factory=dict)
    take: str | None = None
    on: Expression | None = None
    transforms: Dict[str, Any] = field(default_factory=dict)
    only_if: Filter = Filter()


@dataclass(frozen=True)
class Through:
    """The row that ``column`` of a row of ``table`` points to, that row having the values ``where``."""

    table: Table
    column: str
    where: Dict[str, Expression]


@dataclass(frozen=True)
class Step:
    """One row to write for a line; ``find`` maps the columns it is known by to their expressions."""

    name: str
    table: Table
    columns: Dict[str, Expression]
    find: Dict[str, Expression]
    through: Through | None
    only_if: Filter
    number: Expression | None = None
    latest: bool = False
    sole: bool = False
    asked: bool = False

    @property
    def known_by(self) -> Dict[str, Expression]:
        """The expressions by which its row is found."""
        if self.through:
            return self.through.where
        return self.find or {name: self.columns[name] for name in self.table.key}


@dataclass(frozen=True)
class Mapping:
    """A mapping file, read and checked against the schema."""

    name: str
    delimiter: str | None
    sheet: str | None
    headers: Dict[str, tuple[str, ...]]
    only_if: Filter
    steps: tuple[Step, ...]
    idle: frozenset[str] = frozenset()

    @property
    def headings(self) -> dict[str, tuple[str, ...]]:
        """Every column of the file, with the headings that are accepted."""
        return {**{column: (column,) for column in self.file_columns()}, **self.headers}

    def file_columns(self) -> dict[str, bool]:
        """The columns of the file that it reads; true where the file must have one."""
        wanted: dict[str, bool] = {}
        for step in self.steps:
            where = step.through.where if step.through else {}
            told = (step.number,) if step.number else ()
            for expression in (*step.columns.values(), *step.find.values(), *where.values(), *told):
                _collect(expression, wanted)
            wanted |= dict.fromkeys(step.only_if.accepted, True)
        return wanted | dict.fromkeys(self.only_if.accepted, True)

    def key_columns(self, there: Callable[[str], bool]) -> set[str]:
        """The columns without which a file cannot change what is there: those by which a line's first row is known, and
        those on which depends whether other columns that are ``there`` say anything.
        """
        wanted: dict[str, bool] = {}
        for expression in self.steps[0].known_by.values():
            _collect(expression, wanted)
        keys = {column for column, needed in wanted.items() if needed}
        found = keys | set(self.only_if.accepted)
        for step in self.steps:
            for expression in step.columns.values():
                if expression.source == "column" and expression.of not in keys and there(expression.of):
                    found |= set(expression.only_if.accepted)
        return found


def cells(expression: Expression) -> Iterator[str]:
    """The columns of the file that an expression reads."""
    if expression.source == "column":
        yield expression.of
    for part in (*expression.parts.values(), *((expression.on,) if expression.on else ())):
        yield from cells(part)


def day_columns(mapping: Mapping) -> frozenset[str]:
    """The columns of the file that hold a day."""
    found: set[str] = set()
    for step in mapping.steps:
        for name, expression in step.columns.items():
            found |= set(_days_in(expression, step.table.by_name[name].type == "date"))
    return frozenset(found)


def _days_in(expression: Expression, is_day: bool) -> Iterator[str]:
    if expression.on is not None:
        yield from _days_in(expression.on, True)
    if expression.source == "column" and is_day and "date" not in expression.transforms:
        yield expression.of
    if expression.source == "lookup":
        for name, part in expression.parts.items():
            yield from _days_in(part, expression.of.by_name[name].type == "date")


def _collect(expression: Expression, wanted: dict[str, bool]) -> None:
    if expression.source == "column":
        optional = "if_empty" in expression.transforms or expression.transforms.get("required") is False
        wanted[expression.of] = wanted.get(expression.of, False) or not optional
    for part in (*expression.parts.values(), *((expression.on,) if expression.on else ())):
        _collect(part, wanted)
    wanted |= dict.fromkeys(expression.only_if.accepted, True)


def load_mapping(source: Path | str, key: str = "") -> Mapping:
    """Read a mapping file, or one that ships with Mektep by its bare name; ``key`` chooses one of its other ways to
    know rows. FlawedMapping: it is unusable.
    """
    path = source if isinstance(source, Path) else _path_of(source)
    document = _read(path)
    try:
        synonyms = SYNONYMS if path.parent == SHIPPED else NO_SYNONYMS
        return _Reader(path.name, _by_key(path.name, document, key), synonyms).mapping()
    except (TypeError, AttributeError, ValueError) as error:
        raise FlawedMapping(path.name, f"a value is of the wrong kind ({error})") from error


def _by_key(file: str, document: dict[str, Any], key: str) -> dict[str, Any]:
    """The document with its rows known by a key. FlawedMapping: it has no such key, or that names no row of it."""
    keys = document.pop("keys", {})
    if not key:
        return document
    if key not in keys:
        raise FlawedMapping(file, f"it has no key “{key}”")
    rows = [dict(entry) for entry in document.get("rows", ())]
    named = {entry.get("name", entry.get("table")): entry for entry in rows}
    for name, change in keys[key].items():
        if name not in named:
            raise FlawedMapping(file, f"the key “{key}” names no row of it")
        entry = named[name]
        if {"find", "through"} & change.keys():
            entry.pop("find", None)
            entry.pop("through", None)
        columns = {**entry.get("columns", {}), **change.get("columns", {})}
        entry |= {**change, "columns": columns}
    return {**document, "rows": rows}


def _path_of(name: str) -> Path:
    shipped = SHIPPED / f"{name}.toml"
    return shipped if "/" not in name and shipped.exists() else Path(name)


def _read(path: Path, depth: int = 0) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FlawedMapping(path.name, "there is no such file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlawedMapping(path.name, str(error)) from error
    base_name = document.pop("extends", None)
    if base_name is None:
        return document
    if depth > 4 or not isinstance(base_name, str):
        raise FlawedMapping(path.name, "what it extends cannot be used")
    base = _read(path.parent / base_name, depth + 1)
    values = {**base.get("values", {}), **document.pop("values", {})}
    return {**base, **document, "values": values}


class _Reader:
    """Turns one document into a Mapping; ``problem`` raises with the place named."""

    def __init__(
        self, file: str, document: dict[str, Any], synonyms: Dict[str, tuple[str, ...]] = NO_SYNONYMS
    ) -> None:
        self.file = file
        self.synonyms = synonyms
        self.document = document
        self.values: dict[str, Any] = document.get("values", {})
        self.tables: dict[str, Table] = {}

    def problem(self, reason: str) -> FlawedMapping:
        return FlawedMapping(self.file, reason)

    def mapping(self) -> Mapping:
        self.only_known(
            self.document, {"title", "only_if", "idle", "file", "columns", "values", "rows"}, "the mapping"
        )
        options = self.document.get("file", {})
        self.only_known(options, {"delimiter", "sheet"}, "[file]")
        steps = tuple(self.step(entry) for entry in self.document.get("rows", ()))
        if not steps:
            raise self.problem("it has no [[rows]]")
        only_if = self.filter(self.document.get("only_if", {}))
        headers = {
            name: (*((names,) if isinstance(names, str) else map(str, names)), *self.synonyms.get(name, ()))
            for name, names in self.document.get("columns", {}).items()
        }
        idle = frozenset(self.document.get("idle", ()))
        return Mapping(
            self.file, options.get("delimiter"), options.get("sheet"), headers, only_if, steps, idle
        )

    def only_known(self, found: dict[str, Any], known: set[str], place: str) -> None:
        for word in found:
            if word not in known:
                raise self.problem(f"“{word}” means nothing in {place}")

    def step(self, entry: dict[str, Any]) -> Step:
        self.only_known(
            entry,
            {"name", "table", "find", "through", "number", "latest", "sole", "asked", "only_if", "columns"},
            "[[rows]]",
        )
        table = self.table(entry.get("table"))
        if table.derived:
            raise self.problem(f"{table.name} is derived from other rows and cannot be imported")
        name = entry.get("name", table.name)
        if name in self.tables:
            raise self.problem(f"two rows are named “{name}”")
        columns = {c: self.cell(table, c, value) for c, value in entry.get("columns", {}).items()}
        find = self.find(table, entry.get("find", ()), columns)
        through = self.through(entry["through"]) if "through" in entry else None
        self.check_key(table, columns, find, through)
        self.tables[name] = table
        only_if = self.filter(entry.get("only_if", {}))
        number = self.expression(entry["number"]) if "number" in entry else None
        if number is not None and table.name != "person":
            raise self.problem("number tells people alone")
        if number is not None and number.source != "column":
            raise self.problem("number needs a column")
        said = (bool(entry.get(word, False)) for word in ("latest", "sole", "asked"))
        return Step(name, table, columns, find, through, only_if, number, *said)

    def table(self, name: object) -> Table:
        if not isinstance(name, str) or name not in BY_NAME:
            raise self.problem(f"there is no table “{name}”")
        return BY_NAME[name]

    def column(self, table: Table, name: str) -> Column:
        if name not in table.by_name or name == "retired_at":
            raise self.problem(f"{table.name} has no column “{name}” to fill")
        return table.by_name[name]

    def cell(self, table: Table, name: str, value: object) -> Expression:
        column = self.column(table, name)
        expression = self.expression(value)
        if column.type == "ref" and expression.source not in ("row", "lookup", "called", "signed_by"):
            raise self.problem(f"{table.name}.{name} needs a row or a lookup")
        return expression

    def find(self, table: Table, wanted: object, columns: dict[str, Expression]) -> dict[str, Expression]:
        if isinstance(wanted, dict):
            return {name: self.cell(table, name, value) for name, value in wanted.items()}
        if not isinstance(wanted, (list, tuple)):
            raise self.problem("find is a list of columns")
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise self.problem(f"{table.name} is found by “{missing[0]}”, which is not among its columns")
        return {name: columns[name] for name in wanted}

    def through(self, entry: dict[str, Any]) -> Through:
        self.only_known(entry, {"table", "column", "where"}, "through")
        table = self.table(entry.get("table"))
        column = self.column(table, entry.get("column", ""))
        where = {name: self.cell(table, name, value) for name, value in entry.get("where", {}).items()}
        if column.type != "ref" or not where:
            raise self.problem("through needs a column that refers to rows, and where")
        return Through(table, column.name, where)

    def check_key(
        self,
        table: Table,
        columns: dict[str, Expression],
        find: dict[str, Expression],
        through: Through | None,
    ) -> None:
        if table.key == ("id",):
            if "id" in columns:
                raise self.problem(f"the row ids of {table.name} are Mektep's own")
            if not find and through is None:
                raise self.problem(f"{table.name} needs find or through, or its rows would double")
        elif any(k not in columns for k in table.key):
            raise self.problem(f"{table.name} needs its key: {', '.join(table.key)}")

    def expression(self, value: object) -> Expression:
        if not isinstance(value, dict):
            return self.constant(value)
        sources = [word for word in _SOURCES if word in value]
        if len(sources) != 1:
            raise self.problem(f"a value comes from one of {', '.join(_SOURCES)}, not from {value}")
        source = sources[0]
        known = {source} | _COMPANIONS.get(source, set()) | _TRANSFORMS
        self.only_known(value, known, f"a value from {source}")
        parts = {c: self.expression(v) for c, v in value.get("by", {}).items()}
        if source == "band_of":
            parts = {"value": self.expression(value["band_of"]), "scale": self.expression(value.get("scale"))}
        if source == "signed_by":
            parts = {"word": self.expression(value["signed_by"]), "of": self.expression(value.get("of"))}
        if source == "called":
            parts = {"name": self.expression(value["called"]), "class": self.expression(value.get("class"))}
            if "on" not in value:
                raise self.problem("called needs the day on which the pupil was in the class")
        return Expression(
            source=source,
            of=self.subject(source, value),
            parts=parts,
            take=value.get("take"),
            on=self.expression(value["on"]) if "on" in value else None,
            transforms=self.transforms(value),
            only_if=self.filter(value.get("only_if", {})),
        )

    def constant(self, value: object) -> Expression:
        if isinstance(value, bool):
            value = int(value)
        if hasattr(value, "isoformat"):
            value = value.isoformat()
        if not isinstance(value, (int, str)):
            raise self.problem(f"“{value}” is neither a text, a whole number nor a date")
        return Expression("constant", value)

    def subject(self, source: str, value: dict[str, Any]) -> Any:
        of = value[source]
        if source == "value":
            return self.named_value(of)
        if source == "row":
            return self.row(of, value.get("take"))
        if source == "lookup":
            return self.lookup(value)
        return of

    def named_value(self, name: str) -> Any:
        if name not in self.values:
            raise self.problem(f"[values] has no “{name}”")
        return self.constant(self.values[name]).of

    def row(self, name: str, take: str | None) -> str:
        if name not in self.tables:
            raise self.problem(f"no row named “{name}” comes before")
        if take is not None:
            self.column(self.tables[name], take)
        return name

    def lookup(self, value: dict[str, Any]) -> Table:
        table = self.table(value["lookup"])
        for name in (*value.get("by", {}), *((value["take"],) if "take" in value else ())):
            self.column(table, name)
        if "on" in value and not {"start", "end"} <= table.by_name.keys():
            raise self.problem(f"{table.name} has no start and end to hold a day")
        if not value.get("by") and "on" not in value:
            raise self.problem("a lookup needs by or on")
        return table

    def transforms(self, value: dict[str, Any]) -> dict[str, Any]:
        found = {word: value[word] for word in value if word in _TRANSFORMS and word != "only_if"}
        if "map" in found:
            found["map"] = self.words(found["map"])
        if "if_empty" in found:
            found["if_empty"] = self.constant(found["if_empty"]).of
        if "date" in found:
            found["date"] = [found["date"]] if isinstance(found["date"], str) else list(found["date"])
        return found

    def words(self, told: object) -> Words:
        if isinstance(told, dict):
            return Words.of({str(word): self.constant(code).of for word, code in told.items()})
        if told not in WORDS:
            raise self.problem(f"there is no list of words “{told}”")
        return WORDS[str(told)]

    def filter(self, wanted: dict[str, Any]) -> Filter:
        return Filter({column: self.accepted(value) for column, value in wanted.items()})

    def accepted(self, value: object) -> frozenset[str] | None:
        if value is True:
            return None
        if isinstance(value, dict):
            value = self.expression(value).of
        return frozenset(str(v) for v in (value if isinstance(value, list) else [value]))
