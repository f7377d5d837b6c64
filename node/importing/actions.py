"""Runs an import: one transaction, all or nothing, every error found in one pass.

A dry run does everything an import does and rolls it back, so what it announces is what would happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlite_utils import Database

from node.importing.mapping import Expression, Filter, Mapping, Step, load_mapping
from node.importing.sheets import Line, Sheet, read_sheet
from node.importing.values import Unreadable, days, fit, transformed
from shared.grading import Band, band_of, bands_of
from shared.problems import (
    N_,
    AccessProblem,
    ConsentMissing,
    ImportRefused,
    InputProblem,
    InvalidValue,
    LineError,
)
from shared.schema import Column, Table, Value
from shared.tables import quoted
from sync.undo import note_act
from sync.writer import SYSTEM, Writer, writing

Text = Callable[[str], str]
Mode = Literal["both", "insert", "update"]
Progress = Callable[[int, int], None]
Key = tuple[int, ...]
Row = dict[str, Value]


class Connects(Protocol):
    """A node, as far as an import needs one."""

    def connect(self) -> Database: ...


@dataclass(frozen=True)
class ImportResult:
    """Rows by table: written anew, changed, found as they should be; lines taken and passed over.

    ``act``: the mark by which the import can be undone as one (`sync.undo`); 0 when it changed nothing.
    """

    inserted: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    passed_over: int = 0
    act: int = field(default=0, compare=False)
    skipped: int = 0
    """Lines left out: what they name is there already and only new rows were wanted, or the caller left them out."""

    @property
    def changes_nothing(self) -> bool:
        return not self.inserted and not self.changed


@dataclass(frozen=True)
class Wish:
    """How to take a file: ``mode`` says whether to add rows, to change those that are there, or both, judged by the
    mapping's first row; ``leave_out`` names lines to pass over. ``check`` sees each row before it is written and may
    raise a problem of input or access, which becomes an error of its line.
    """

    mode: Mode = "both"
    leave_out: frozenset[int] = frozenset()
    check: Callable[[Database, Table, Row], None] = lambda db, table, row: None


def plan(
    db: Connects | Database, path: Path, mapping: Mapping | Path | str, text: Text = str
) -> ImportResult:
    """What an import would do; nothing is written. Raises what `run_import` would."""
    return run_import(db, path, mapping, SYSTEM, dry_run=True, text=text)


def run_import(
    db: Connects | Database,
    path: Path,
    mapping: Mapping | Path | str,
    actor: int,
    dry_run: bool = False,
    *,
    text: Text = str,
    progress: Progress | None = None,
    wish: Wish = Wish(),
    sheet: Sheet | None = None,
) -> ImportResult:
    """Import a file (or a ``sheet`` read from it before) as `actor`.

    `text` translates the errors, `progress` is told lines done and in all.

    ImportRefused: the errors, by line and field; nothing was written. FlawedMapping, DamagedFile, TooLarge:
    the mapping or the file cannot be used at all.
    """
    database = db if isinstance(db, Database) else db.connect()
    chosen = mapping if isinstance(mapping, Mapping) else load_mapping(mapping)
    sheet = sheet or read_sheet(path, delimiter=chosen.delimiter, sheet=chosen.sheet)
    try:
        with writing(database, actor) as w:
            run = _Run(w, path.name, chosen, sheet, text, wish)
            result = run.all_lines(progress)
            if run.errors:
                raise ImportRefused(sorted(run.errors, key=lambda e: e.line))
            if dry_run:
                raise _RolledBack(result)
            if not result.changes_nothing:
                result = replace(result, act=note_act(w, "import", path.name, result.lines))
    except _RolledBack as rolled_back:
        return rolled_back.result
    return result


class _RolledBack(Exception):
    def __init__(self, result: ImportResult) -> None:
        super().__init__()
        self.result = result


class _Skipped(Exception):
    """The line is passed over: what it names is there already."""


class _Refused(Exception):
    """Nothing more of the line is written; its error is listed already."""


class _NoRow(Exception):
    """A row of this line that another refers to could not be made; its own error is listed already."""


class _Finder:
    """Finds rows by columns other than their key; one pass over a table for each set of columns asked for."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.indexes: dict[tuple[str, tuple[str, ...]], dict[tuple[Value, ...], Key]] = {}

    def key(self, table: Table, where: Row) -> Key | None:
        """The key of the row with these values; a living one before a retired one, then the oldest."""
        columns = tuple(where)
        if (table.name, columns) not in self.indexes:
            self.indexes[table.name, columns] = self._index(table, columns)
        return self.indexes[table.name, columns].get(tuple(where.values()))

    def row(self, table: Table, key: Key) -> Row | None:
        where = " AND ".join(f"{quoted(k)} = ?" for k in table.key)
        found = self.db.query(f"SELECT * FROM {quoted(table.name)} WHERE {where}", key)
        return next(iter(found), None)

    def written(self, table: Table, row: Row) -> None:
        """Learn of a row that was just written, where the index does not know one already."""
        key = _key(table, row)
        for (name, columns), index in self.indexes.items():
            if name == table.name:
                index.setdefault(tuple(row.get(c, table.by_name[c].default) for c in columns), key)

    def _index(self, table: Table, columns: tuple[str, ...]) -> dict[tuple[Value, ...], Key]:
        names = ", ".join(quoted(c) for c in (*table.key, *columns))
        order = f"retired_at IS NULL, {quoted(table.row_id)} DESC"
        found = self.db.conn.execute(f"SELECT {names} FROM {quoted(table.name)} ORDER BY {order}")
        width = len(table.key)
        return {tuple(row[width:]): tuple(row[:width]) for row in found}


def _key(table: Table, row: Row) -> Key:
    return tuple(row[k] for k in table.key)  # type: ignore[misc]


class _Run:
    """One import under way."""

    def __init__(
        self, writer: Writer, file: str, mapping: Mapping, sheet: Sheet, text: Text, wish: Wish
    ) -> None:
        self.writer = writer
        self.wish = wish
        self.skipped = 0
        self.file = file
        self.mapping = mapping
        self.sheet = sheet
        self.text = text
        self.errors: list[LineError] = []
        self.outcomes: dict[tuple[str, Key], str] = {}
        self.finder = _Finder(writer.db)
        self.places = self._places()
        self.lookups: dict[object, Value] = {}
        self.given: dict[tuple[str, Key, str], tuple[int, Value]] = {}
        self.bands: dict[int, tuple[Band, ...]] = {}

    def _places(self) -> dict[str, int | None]:
        """Where each column that the mapping reads stands in the file."""
        header = [_plain(name) for name in self.sheet.header]
        places: dict[str, int | None] = {}
        for column, needed in self.mapping.file_columns().items():
            accepted = self.mapping.headers.get(column, (column,))
            found = [i for i, name in enumerate(header) if name in {_plain(n) for n in accepted}]
            places[column] = found[0] if found else None
            if not found and needed:
                self.error(self.sheet.header_line, accepted[0], N_("The file has no such column."))
            if len(found) > 1:
                self.error(
                    self.sheet.header_line, accepted[0], N_("The file has this column more than once.")
                )
        return places

    def all_lines(self, progress: Progress | None) -> ImportResult:
        if self.errors:
            return ImportResult()
        taken = 0
        for done, line in enumerate(self.sheet.lines, 1):
            if line.number in self.wish.leave_out:
                self.skipped += 1
                continue
            taken += self._line(line)
            if progress:
                progress(done, len(self.sheet.lines))
        counts: dict[str, dict[str, int]] = {
            outcome: Counter[str]() for outcome in ("inserted", "changed", "unchanged")
        }
        for (table, _), outcome in self.outcomes.items():
            counts[outcome][table] += 1
        return ImportResult(
            counts["inserted"],
            counts["changed"],
            counts["unchanged"],
            lines=taken,
            passed_over=len(self.sheet.lines) - taken - self.skipped,
            skipped=self.skipped,
        )

    def outcome(self, table: Table, key: Key, outcome: str) -> None:
        """Note what became of a row; a row met again keeps what it was unless it changes after all."""
        if self.outcomes.setdefault((table.name, key), outcome) == "unchanged":
            self.outcomes[table.name, key] = outcome

    def _line(self, line: Line) -> bool:
        width = len(self.sheet.header)
        if len(line.cells) < width or any(line.cells[width:]):
            template = N_("The line has {found} cells, the header {wanted}.")
            self.error(line.number, "", template, found=len(line.cells), wanted=width)
            return True
        if not self.accepts(self.mapping.only_if, line):
            return False
        work = _LineWork(self, line)
        try:
            for step in self.mapping.steps:
                if self.accepts(step.only_if, line):
                    work.write(step)
        except _Skipped:
            self.skipped += 1
            return False
        except _Refused:
            return True
        work.finish()
        return True

    def accepts(self, wanted: Filter, line: Line) -> bool:
        for column, accepted in wanted.accepted.items():
            cell = self.cell(column, line)
            if not cell or (accepted is not None and cell not in accepted):
                return False
        return True

    def cell(self, column: str, line: Line) -> str:
        place = self.places[column]
        return "" if place is None else line.cells[place]

    def field(self, expression: Expression, name: str) -> str:
        """What the file's reader calls it: the file's column, or the table's where no cell is involved."""
        column = next(_cells(expression), None)
        place = self.places.get(column) if column else None
        return name if place is None else self.sheet.header[place]

    def error(self, line: int, name: str, template: str, **details: object) -> None:
        self.errors.append(LineError(line, name, self.text(template).format(**details)))

    def band(self, value: int, scale: int) -> int | None:
        """The band of the scale that holds the value."""
        if scale not in self.bands:
            rows = self.writer.db.query("SELECT scale, band, low, high, retired_at FROM grading_band")
            self.bands[scale] = bands_of(rows, scale)
        return band_of(value, self.bands[scale])


class _LineWork:
    """The rows of one line."""

    def __init__(self, run: _Run, line: Line) -> None:
        self.run = run
        self.line = line
        self.rows: dict[str, Row] = {}
        self.keys: dict[str, str] = {}
        self.personal: list[tuple[Step, int, Row]] = []

    def write(self, step: Step) -> None:
        """Find the row of a step, or write it; errors are listed and the line goes on without the row."""
        try:
            values = self.values(step.table, step.columns)
            known = self.key(step, values)
        except _NoRow:
            return
        existing = self.run.finder.row(step.table, known) if known else None
        if step is self.run.mapping.steps[0]:
            self.heed_mode(step, existing)
        row: Row | None = existing
        self.ask(step, {**(existing or {}), **values})
        if existing is None:
            row = self.attempt(step, lambda: self.insert(step, values))
        elif existing["retired_at"] is None:
            row = self.attempt(step, lambda: self.update(step, existing, values))
        else:
            self.run.outcome(step.table, _key(step.table, existing), "unchanged")
        if row is not None:
            self.rows[step.name] = row
            self.keys[step.name] = step.table.key[0]
            self.agree(step, row, values)

    def ask(self, step: Step, row: Row) -> None:
        """Hear what the caller has against a row. _Refused."""
        try:
            self.run.wish.check(self.run.writer.db, step.table, row)
        except (InputProblem, AccessProblem) as problem:
            self.run.errors.append(LineError(self.line.number, "", problem.sentence(self.run.text)))
            raise _Refused from problem

    def heed_mode(self, step: Step, existing: Row | None) -> None:
        """Is the line wanted, by what is there of its first row? _Skipped, _Refused."""
        there = existing is not None and existing["retired_at"] is None
        if self.run.wish.mode == "insert" and there and existing is not None:
            ours = self.run.outcomes.get((step.table.name, _key(step.table, existing))) == "inserted"
            if not ours:
                raise _Skipped
        if self.run.wish.mode == "update" and not there:
            known_by = step.through.where if step.through else step.find
            names = ", ".join(self.run.field(expression, name) for name, expression in known_by.items())
            self.run.error(
                self.line.number, names, N_("Nothing is there to change; it would have to be added.")
            )
            raise _Refused

    def agree(self, step: Step, row: Row, values: Row) -> None:
        """List an error where an earlier line gave the same column of the same row another value."""
        key = _key(step.table, row)
        for name, value in values.items():
            line, given = self.run.given.setdefault((step.table.name, key, name), (self.line.number, value))
            if given != value:
                field_name = self.run.field(step.columns[name], name)
                self.run.error(self.line.number, field_name, N_("Line {other} says otherwise."), other=line)

    def finish(self) -> None:
        """Write what needs a consent, after the line's consents; not if an error may have lost one."""
        if self.run.errors and self.run.errors[-1].line == self.line.number:
            return
        for step, row_id, values in self.personal:
            self.attempt(step, lambda i=row_id, v=values, s=step: self.update_row(s.table, i, v))  # type: ignore[misc]

    def values(self, table: Table, columns: Any) -> Row:
        """Evaluate expressions for columns of a table, leaving out empty ones. _NoRow: errors were listed."""
        found: Row = {}
        failed = False
        for name, expression in columns.items():
            try:
                value = fit(self.evaluate(expression), table.by_name[name])
                table.by_name[name].check(value, table.name)
                if value is not None:
                    found[name] = value
            except Unreadable as error:
                failed = True
                self.run.error(
                    self.line.number, self.run.field(expression, name), error.template, **error.details
                )
            except InvalidValue as error:
                failed = True
                self.problem(expression, name, error)
        if failed:
            raise _NoRow
        return found

    def problem(self, expression: Expression, name: str, error: InvalidValue | ConsentMissing) -> None:
        field_name = self.run.field(expression, name)
        self.run.errors.append(LineError(self.line.number, field_name, error.sentence(self.run.text)))

    def key(self, step: Step, values: Row) -> Key | None:
        """The key of the row if it is there: through another, by what it is known by, or by its key."""
        if step.through:
            where = self.whole(step.through.table, step.through.where)
            pointing = self.run.finder.key(step.through.table, where)
            row = self.run.finder.row(step.through.table, pointing) if pointing else None
            target = row[step.through.column] if row else None
            return (target,) if isinstance(target, int) else None
        if step.find:
            return self.run.finder.key(step.table, self.whole(step.table, step.find))
        return _key(step.table, self.whole(step.table, {k: step.columns[k] for k in step.table.key}))

    def whole(self, table: Table, columns: Any) -> Row:
        """Values by which a row is known; an empty one is the column's default, but not all may be empty."""
        found = self.values(table, columns)
        for name, expression in columns.items():
            if name not in found and (name in table.key or not found):
                field_name = self.run.field(expression, name)
                self.run.error(self.line.number, field_name, N_("This must not be empty."))
                raise _NoRow
        return {name: found.get(name, table.by_name[name].default) for name in columns}

    def attempt(self, step: Step, write: Callable[[], Row]) -> Row | None:
        try:
            return write()
        except (InvalidValue, ConsentMissing) as error:
            name = str(error.details["column"])
            self.problem(step.columns.get(name, Expression("constant", "")), name, error)
            return None

    def insert(self, step: Step, values: Row) -> Row:
        table, writer = step.table, self.run.writer
        now = {name: value for name, value in values.items() if table.by_name[name].consent is None}
        if table.key == ("id",):
            now["id"] = writer.insert(table.name, **now)
        else:
            writer.put(table.name, **now)
        later = {name: value for name, value in values.items() if name not in now}
        self.postpone(step, now, later)
        row: Row = {c.name: now.get(c.name, c.default) for c in table.all_columns} | later
        self.run.finder.written(table, row)
        self.run.outcome(table, _key(table, row), "inserted")
        return row

    def update(self, step: Step, existing: Row, values: Row) -> Row:
        table = step.table
        differing = {name: value for name, value in values.items() if existing[name] != value}
        now = {name: value for name, value in differing.items() if table.by_name[name].consent is None}
        if now:
            self.update_key(table, existing, now)
        self.postpone(step, existing, {name: value for name, value in differing.items() if name not in now})
        self.run.outcome(table, _key(table, existing), "changed" if differing else "unchanged")
        row = {**existing, **differing}
        if differing:
            self.run.finder.written(table, row)
        return row

    def postpone(self, step: Step, row: Row, values: Row) -> None:
        """Keep values that need a consent for the end of the line, after its consents."""
        if values:
            (row_id,) = _key(step.table, row)
            self.personal.append((step, row_id, values))

    def update_key(self, table: Table, existing: Row, values: Row) -> None:
        if len(table.key) == 1:
            row_id = existing[table.key[0]]
            assert isinstance(row_id, int)
            self.run.writer.update(table.name, row_id, **values)
        else:
            self.run.writer.put(table.name, **{k: existing[k] for k in table.key}, **values)

    def update_row(self, table: Table, row_id: int, values: Row) -> Row:
        self.run.writer.update(table.name, row_id, **values)
        return values

    def evaluate(self, expression: Expression) -> Value:
        """The value of an expression on this line; None is empty."""
        if not self.run.accepts(expression.only_if, self.line):
            return None
        value: Value = getattr(self, f"from_{expression.source}")(expression)
        assert not isinstance(value, bytes)
        return transformed(value, expression.transforms)

    def from_constant(self, expression: Expression) -> Value:
        value: Value = expression.of
        return value

    from_value = from_constant

    def from_column(self, expression: Expression) -> Value:
        return self.run.cell(expression.of, self.line)

    def from_line_key(self, _: Expression) -> Value:
        return f"{self.run.file}:{self.line.number}"

    def from_row(self, expression: Expression) -> Value:
        if expression.of not in self.rows:
            raise _NoRow
        return self.rows[expression.of][expression.take or self.keys[expression.of]]

    def from_lookup(self, expression: Expression) -> Value:
        table: Table = expression.of
        where = self.values(table, expression.parts)
        day = self.day(expression.on)
        asked = (table.name, tuple(where.items()), day, expression.take)
        if len(where) < len(expression.parts) or (expression.on and day is None):
            return None
        if asked not in self.run.lookups:
            self.run.lookups[asked] = _look_up(self.run.writer.db, table, where, day, expression.take)
        if self.run.lookups[asked] is None:
            named = [str(value) for column, value in where.items() if table.by_name[column].type != "ref"]
            raise Unreadable(N_("Nothing is known as “{text}” here."), text=", ".join(named) or table.name)
        return self.run.lookups[asked]

    def day(self, expression: Expression | None) -> int | None:
        value = self.evaluate(expression) if expression else None
        return days(value) if isinstance(value, str) else value  # type: ignore[return-value]

    def from_band_of(self, expression: Expression) -> Value:
        value, scale = (self.evaluate(expression.parts[part]) for part in ("value", "scale"))
        if value is None or scale is None:
            return None
        number = fit(value, _INTEGER)
        assert isinstance(number, int) and isinstance(scale, int)
        band = self.run.band(number, scale)
        if band is None:
            raise Unreadable(N_("{number} is not on the grading scale."), number=number)
        return band


_INTEGER = Column("value", 2, "int", "district", ("", "", ""))


def _look_up(db: Database, table: Table, where: Row, day: int | None, take: str | None) -> Value:
    """The value of the living row that fits; the latest hub or school row wins over a shipped one."""
    conditions = [f"{quoted(c)} = :{c}" for c in where] + ["retired_at IS NULL"]
    parameters: dict[str, Any] = dict(where)
    if day is not None:
        conditions.append('start <= :day_asked AND "end" >= :day_asked')
        parameters["day_asked"] = day
    found = db.query(
        f"SELECT {quoted(take or table.row_id)} AS found FROM {quoted(table.name)} "
        f"WHERE {' AND '.join(conditions)} ORDER BY {quoted(table.row_id)} DESC LIMIT 1",
        parameters,
    )
    return next((row["found"] for row in found), None)


def _cells(expression: Expression) -> Iterator[str]:
    if expression.source == "column":
        yield expression.of
    for part in (*expression.parts.values(), *((expression.on,) if expression.on else ())):
        yield from _cells(part)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
