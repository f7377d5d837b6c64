"""Days as spreadsheets count them: a date that lost its format is a number."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from node.importing.mapping import Mapping, day_columns
from node.importing.sheets import Line, Sheet

ORIGIN = datetime.date(1899, 12, 30)
"""The day 0 of spreadsheets; from 1 March 1900 on they agree with the calendar."""
FIRST, LAST = 10_000, 73_050
"""18 May 1927 and 31 December 2099: no other number that a list has for a day looks so."""
_NUMBER = re.compile(r"(\d{5})(?:[.,]\d+)?")


def dated(sheet: Sheet, fields: Sequence[str | None], mapping: Mapping) -> Sheet:
    """The sheet with dates in place of such numbers, in the columns that hold a day."""
    wanted = day_columns(mapping)
    places = [at for at, field in enumerate(fields) if field in wanted]
    lines = tuple(_dated(line, places) for line in sheet.lines)
    return Sheet(sheet.header, sheet.header_line, lines)


def _dated(line: Line, places: Sequence[int]) -> Line:
    found = {at: _day(line.cells[at]) for at in places if at < len(line.cells)}
    if not any(found.values()):
        return line
    return Line(line.number, tuple(found.get(at) or cell for at, cell in enumerate(line.cells)))


def _day(text: str) -> str:
    """The date that a number is; empty where it is none."""
    found = _NUMBER.fullmatch(text)
    if found is None or not FIRST <= int(found[1]) <= LAST:
        return ""
    return (ORIGIN + datetime.timedelta(days=int(found[1]))).isoformat()
