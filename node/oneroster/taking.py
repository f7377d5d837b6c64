"""One roster on its way into the school's books: which lines are taken, what keys stand for here, what is wrong."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from node.importing.values import NOT_ALLOWED
from node.oneroster import finding
from node.oneroster.books import TARGETS, Books, Mode
from node.oneroster.package import WORD, Flaw, Line, Package
from shared.dates import parse_day
from shared.problems import N_, ConsentMissing, InvalidValue
from shared.schema import BY_NAME

KEYS = ("", "number", "name")
"""How someone is known whose key is new here: not at all, by a number of ours, by name and date of birth."""
UNKNOWN = N_("Nothing is known as “{text}” here.")
NOT_TAKEN = N_("Line {other} of {file} is not taken in.")
NO_DATE = N_("“{text}” is not a date.")
OF_ANOTHER = N_("Lines of other schools, passed over")
OWN_SYSTEM = "mektep"
MOST_ERRORS = 5_000
"""Errors after which no more results are looked at: nothing is written anyway."""


@dataclass(frozen=True)
class Choice:
    """How to take a roster in. ``leave_out``: file and number of lines to pass over; ``reason``: why marks are changed
    after the edit window.
    """

    mode: Mode = "both"
    key: str = ""
    leave_out: frozenset[tuple[str, int]] = frozenset()
    reason: str = ""


@dataclass
class Taking:
    """What is known while a roster is taken in."""

    books: Books
    package: Package
    choice: Choice
    today: int
    ground: str = ""
    """What is written as the ground of a consent that the roster tells of."""
    received_by: int | None = None
    errors: list[Flaw] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    joined: list[tuple[int, int, int]] = field(default_factory=list)
    """Line, pupil and group of each who joined a subgroup that the roster does not list."""
    passed: int = 0
    """Results that were passed over."""

    def __post_init__(self) -> None:
        self.db = self.books.db
        self.bad: dict[tuple[str, str], int] = {}
        self.dropped: set[tuple[str, str]] = set()
        self.foreign: set[str] = set()
        self.targets: dict[tuple[str, str], tuple[str, int]] = {}
        self.own = False
        self._wrong = {(one.file, one.line) for one in self.package.flaws}

    def lines(self, file: str) -> Iterator[Line]:
        """The lines of a file that are to be taken."""
        for line in self.package.lines.get(file, ()):
            place = (file, line.number)
            if place in self._wrong or place in self.choice.leave_out:
                self.bad[file, line.id] = line.number
                continue
            at_school = [
                line[column] for column in ("schoolSourcedId", "orgSourcedId", "primaryOrgSourcedId")
            ]
            if any(org in self.foreign for org in at_school):
                self.dropped.add((file, line.id))
                self.notices[OF_ANOTHER] += 1
                continue
            self.taken += 1
            yield line

    def results(self, wanted: Callable[[Line], bool]) -> Iterator[Line]:
        """The results that are wanted and are to be taken; their flaws of form are errors."""
        for line, flaw in self.package.walk_results(wanted):
            if (line.file, line.number) in self.choice.leave_out:
                continue
            if flaw:
                self.errors.append(flaw)
            else:
                self.taken += 1
                yield line
            if len(self.errors) > MOST_ERRORS:
                return

    def index(self, file: str) -> dict[str, Line]:
        """The lines of a file by their key."""
        return {line.id: line for line in self.lines(file)}

    # ---- what is wrong

    def flaw(self, line: Line, column: str, sentence: str, **places: object) -> None:
        flaw = Flaw(line.file, line.number, column, sentence, places)
        if flaw not in self.errors[-9:]:
            self.errors.append(flaw)
        self.bad.setdefault((line.file, line.id), line.number)

    @contextlib.contextmanager
    def listing(self, line: Line) -> Iterator[None]:
        """A value that is refused inside becomes an error of the line."""
        try:
            yield
        except (InvalidValue, ConsentMissing) as problem:
            self.flaw(line, str(problem.details.get("column", "")), NOT_ALLOWED)

    def date(self, line: Line, column: str) -> int | None:
        """The day in a cell; an error where it is none."""
        if not line[column]:
            return None
        day = _day(line[column][:10])
        if day is None:
            self.flaw(line, column, NO_DATE, text=line[column])
        return day

    def word(self, line: Line, column: str, allowed: tuple[str, ...]) -> str:
        """The word in a cell, if it is one of these; an error and nothing where it is not."""
        if line[column] in allowed:
            return line[column]
        self.flaw(line, column, WORD, text=line[column], allowed=", ".join(allowed))
        return ""

    # ---- what keys stand for

    def stands_for(self, file: str, source_id: str) -> tuple[str, int] | None:
        """Column of `external_key` and row that a key stands for: by this roster, an earlier one, or as our own id."""
        if (file, source_id) in self.targets:
            return self.targets[file, source_id]
        found = self.books.known(file, source_id)
        if found is None and self.own:
            found = finding.own_row(file, source_id)
        if found is None or not finding.is_alive(self.db, *found):
            return None
        self.targets[file, source_id] = found
        return found

    def row(self, file: str, source_id: str, column: str = "") -> int | None:
        """The row that a key stands for, of the only or the named kind."""
        found = self.stands_for(file, source_id)
        wanted = column or TARGETS[file][0]
        return found[1] if found and found[0] == wanted else None

    def remember(self, line: Line, column: str, row: int) -> None:
        self.targets[line.file, line.id] = (column, row)
        if not (self.own and finding.own_row(line.file, line.id) == (column, row)):
            self.books.remember(line.file, line.id, column, row)

    def missing(self, line: Line, column: str, file: str) -> None:
        """Say that what a cell refers to is not here, or why; nothing where it was passed over."""
        source_id = line[column]
        if (file, source_id) in self.dropped:
            self.dropped.add((line.file, line.id))
        elif (file, source_id) in self.bad:
            self.flaw(line, column, NOT_TAKEN, other=self.bad[file, source_id], file=f"{file}.csv")
        else:
            self.flaw(line, column, UNKNOWN, text=source_id)


@lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    """A date that the books can hold; None for anything else."""
    try:
        day = parse_day(text)
        BY_NAME["enrolment"].by_name["start"].check(day, "enrolment")
    except InvalidValue:
        return None
    return day
