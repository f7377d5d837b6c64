"""One import under way: the lines of a sheet in order, what became of every row, every error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from node.importing.checks import Rules
from node.importing.finding import Finder, Key, Row, called, namesakes
from node.importing.headings import title
from node.importing.line import LineWork, Refused, Skipped
from node.importing.mapping import Expression, Filter, cells
from node.importing.placing import Placed, told
from node.importing.queries import as_of
from node.importing.readings import Readings
from node.importing.sheets import Line
from node.numbers import Holders
from node.unnamed import Names
from shared.grading import Band, band_of, bands_of
from shared.i18n import current_language
from shared.problems import N_, LineError
from shared.schema import Table, Value
from sync.writer import Writer

Text = Callable[[str], str]
Mode = Literal["both", "insert", "update"]
Progress = Callable[[int, int], None]


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
    placed: tuple[Placed, ...] = field(default=(), compare=False)
    """Who joined which subgroup of a class that is split (`node.roster.join_groups`)."""
    questions: tuple[LineError, ...] = field(default=(), compare=False)
    """What a person should look at before the import: nothing is wrong, and something may be."""
    skipped: int = 0
    """Lines left out: what they name is there already and only new rows were wanted, or the caller left them out."""

    @property
    def changes_nothing(self) -> bool:
        return not self.inserted and not self.changed


@dataclass(frozen=True)
class Wish:
    """How to take a file: ``mode`` says whether to add rows, to change those that are there, or both, judged by the
    mapping's first row; ``leave_out`` names lines to pass over. ``rules`` see each row before it is written and may
    raise a problem of input or access, which becomes an error of its line; they serve one import. ``names_checked``:
    someone looked at the names in the texts of the file (`node.unnamed`). ``new_classes``: the names of classes that
    may be made where the school has them not (`Step.asked`); None for all. ``others_checked``: someone looked, and new
    people of the list are none of those without a name (`node.importing.nameless`).
    """

    mode: Mode = "both"
    leave_out: frozenset[int] = frozenset()
    names_checked: bool = False
    new_classes: frozenset[str] | None = frozenset()
    others_checked: bool = False
    rules: Rules | None = None


EVERY_LINE = Wish()


class Run:
    """One import under way."""

    def __init__(
        self,
        writer: Writer,
        file: str,
        readings: Readings,
        text: Text,
        wish: Wish,
        names: Names,
        today: int,
        received_by: int | None = None,
    ) -> None:
        self.today = today
        self.received_by = received_by
        """Who takes the signed consents that the list tells of."""
        self.writer = writer
        self.names = names
        self.readings = readings
        self.wish = wish
        self.rules = wish.rules or Rules()
        self.skipped = 0
        self.file = file
        self.mapping = readings.mapping
        self.sheet = readings.sheet
        self.text = text
        self.errors: list[LineError] = []
        self.questions: list[LineError] = []
        self.joined: list[tuple[int, int, int]] = []
        """Line, pupil and group of each who joined a subgroup."""
        self.named = namesakes(writer.db)
        self.holders = Holders(writer.db)
        self.outcomes: dict[tuple[str, Key], str] = {}
        self.finder = Finder(writer)
        self.places = self._places()
        self.lookups: dict[object, Value] = {}
        self.given: dict[tuple[str, Key, str], tuple[int, Value]] = {}
        self.bands: dict[int, tuple[Band, ...]] = {}
        self._called: dict[tuple[int, int], dict[str, set[int]]] = {}

    def _places(self) -> dict[str, int | None]:
        """Where each column that the mapping reads stands in the file."""
        places: dict[str, int | None] = {}
        keys = self.mapping.key_columns(lambda column: bool(self.readings.places.get(column)))
        changes = self.wish.mode == "update"
        for column, needed in self.mapping.file_columns().items():
            name = title(self.mapping.headings[column], current_language())
            found = self.readings.places[column]
            places[column] = found[0] if found else None
            if not found and (column in keys if changes else needed):
                self.error(self.sheet.header_line, name, N_("The file has no such column."))
            if len(found) > 1:
                self.error(self.sheet.header_line, name, N_("The file has this column more than once."))
        return places

    def lacks(self, expression: Expression) -> bool:
        """Is it of columns that the file has not, where only what is there is changed? Then it says nothing."""
        if self.wish.mode != "update":
            return False
        named = list(cells(expression))
        return bool(named) and all(self.places.get(column) is None for column in named)

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
            placed=told(self.writer.db, self.joined, self.today),
            questions=tuple(self.questions),
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
        if not self.accepts(self.mapping.only_if, line) or self.is_idle(line):
            return False
        work = LineWork(self, line)
        try:
            for step in self.mapping.steps:
                if self.accepts(step.only_if, line):
                    work.write(step)
        except Skipped:
            self.skipped += 1
            return False
        except Refused:
            return True
        work.finish()
        return True

    def is_idle(self, line: Line) -> bool:
        """Does it fill no more than columns that say nothing by themselves?"""
        idle = self.mapping.idle
        return bool(idle) and not any(self.cell(column, line) for column in self.places if column not in idle)

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
        column = next(cells(expression), None)
        place = self.places.get(column) if column else None
        return name if place is None else self.sheet.header[place]

    def error(self, line: int, name: str, template: str, **details: object) -> None:
        self.errors.append(LineError(line, name, self.text(template).format(**details)))

    def ask(self, line: int, template: str, name: str = "", **details: object) -> None:
        self.questions.append(LineError(line, name, self.text(template).format(**details)))

    def heed(self, table: Table, values: Row) -> None:
        """No text may name someone without a consent, unless someone looked at it. NameWithoutConsent."""
        if not self.wish.names_checked:
            self.names.check(table.name, values)

    @cached_property
    def school_day(self) -> int:
        """Today, or the last day of the latest school year that has classes."""
        return as_of(self.writer.db, self.today)

    def called(self, class_group: int, day: int) -> dict[str, set[int]]:
        """Names -> the pupils of a class on a day."""
        if (class_group, day) not in self._called:
            self._called[class_group, day] = called(self.writer.db, class_group, day, self.today)
        return self._called[class_group, day]

    def band(self, value: int, scale: int) -> int | None:
        """The band of the scale that holds the value."""
        if scale not in self.bands:
            rows = self.writer.db.query("SELECT scale, band, low, high, retired_at FROM grading_band")
            self.bands[scale] = bands_of(rows, scale)
        return band_of(value, self.bands[scale])
