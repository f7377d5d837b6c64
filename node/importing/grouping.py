"""Errors as they are shown: once each, with all the lines that have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.problems import LineError

FIRST_LINES = 8


@dataclass(frozen=True)
class Group:
    """The lines of a file that have the same error in the same field."""

    file: str
    field: str
    message: str
    lines: tuple[int, ...]

    @property
    def told(self) -> str:
        """The numbers of the lines: all, or the first ones and how many there are."""
        first = ", ".join(map(str, self.lines[:FIRST_LINES]))
        return first if len(self.lines) <= FIRST_LINES else f"{first} … ({len(self.lines)})"


def grouped(errors: Iterable[LineError]) -> list[Group]:
    """Groups in the order of their first lines."""
    found: dict[tuple[str, str, str], dict[int, None]] = {}
    for error in errors:
        found.setdefault((error.file, error.field, error.message), {})[error.line] = None
    return [Group(*what, tuple(lines)) for what, lines in found.items()]
