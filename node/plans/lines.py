"""Lines of a spreadsheet as items of a plan: pasted cells or a workbook, every flaw by line and field."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl

from node.importing.headings import plain
from node.importing.limits import MOST_CELLS
from node.importing.mapping import load_mapping
from node.importing.sheets import table_in
from node.plans.queries import FIELDS
from shared.i18n import N_
from shared.problems import DamagedFile
from shared.report import safe_text
from shared.schema import BY_NAME, Value

MOST_LINES = 600
HEADINGS = {
    plain(heading): field for field, headings in load_mapping("plans").headers.items() if field in FIELDS
    for heading in headings
}  # fmt: skip
"""Headings, as they are compared, by which a column is known in any of the three languages -> its field."""
_NUMBERED = re.compile(r"\s*(\d{1,3}[.)])+\s*(?=\S)")
"""A number before a topic, which the plan gives itself: taken away where every topic has one."""
_NUMBER = re.compile(r"\d{1,4}[.)]?")


@dataclass(frozen=True)
class Flaw:
    """What is wrong in a line (counted from 1): the field, and a sentence marked with `N_`."""

    line: int
    field: str
    sentence: str


@dataclass(frozen=True)
class Reading:
    """What a text comes to: items with the numbers of their lines, and flaws."""

    lines: list[dict[str, Value]]
    numbers: list[int]
    flaws: list[Flaw]


NO_TOPIC = N_("The topic is missing.")
NO_HOURS = N_("Hours are a whole number from 0 to 99.")
TOO_LONG = N_("The text is too long.")
TOO_MANY = N_("A plan has at most 600 lines.")
NO_COLUMN = N_("No column is headed as the topic.")


def read(text: str) -> Reading:
    """Read pasted cells: columns parted by tabs (as a spreadsheet copies them), else by semicolons.

    The first line may be headings; without them the columns are taken as section, topic, hours, homework (three or
    more), topic and hours (two), or topic (one). A section stands until the next one; a line with a section alone names
    it for those that follow.
    """
    rows = _cells(text)
    if not rows:
        return Reading([], [], [])
    columns = _columns(rows[0][1])
    headed = bool(columns)
    if headed and "topic" not in columns:
        return Reading([], [], [Flaw(rows[0][0], "topic", NO_COLUMN)])
    if headed:
        rows = rows[1:]
    else:
        columns = _guessed(rows)
    topics = [cells[columns["topic"]] for _, cells in rows if columns["topic"] < len(cells)]
    told = [topic for topic in topics if topic.strip()]
    numbered = len(told) > 1 and all(map(_NUMBERED.match, told))
    lines: list[dict[str, Value]] = []
    numbers: list[int] = []
    flaws: list[Flaw] = []
    section = ""
    for number, cells in rows[: MOST_LINES + 1]:
        found = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
        if numbered and "topic" in found:
            found["topic"] = _NUMBERED.sub("", found["topic"], count=1)
        section = found.get("section") or section
        if found.get("section") and not any(value for name, value in found.items() if name != "section"):
            continue
        line, wrong = _line(found | {"section": section}, number)
        flaws += wrong
        lines.append(line)
        numbers.append(number)
    if len(rows) > MOST_LINES:
        flaws.append(Flaw(rows[MOST_LINES][0], "topic", TOO_MANY))
    return Reading(lines, numbers, flaws)


def _cells(text: str) -> list[tuple[int, list[str]]]:
    """The lines that hold anything, with their numbers."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = "\t" if "\t" in text else ";" if ";" in first else "\t"
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    found = []
    try:
        for number, row in enumerate(reader, 1):
            if any(cell.strip() for cell in row):
                found.append((number, row))
    except csv.Error as error:
        raise DamagedFile(file="text") from error
    return found


def _columns(cells: Sequence[str]) -> dict[str, int]:
    """Field -> place, when the cells are headings; empty otherwise."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = HEADINGS.get(plain(cell))
        if name:
            found.setdefault(name, place)
    return found if len(found) > 1 or (found and len([c for c in cells if c.strip()]) == 1) else {}


def _guessed(rows: Iterable[tuple[int, Sequence[str]]]) -> dict[str, int]:
    listed = [cells for _, cells in rows]
    width = max(len(cells) for cells in listed)
    numbered = width > 1 and all(_NUMBER.fullmatch(cells[0].strip()) for cells in listed if cells[0].strip())
    first = int(numbered)
    names = {1: ("topic",), 2: ("topic", "hours")}.get(
        width - first, ("section", "topic", "hours", "homework")
    )
    return {name: first + place for place, name in enumerate(names)}


def _line(found: dict[str, str], number: int) -> tuple[dict[str, Value], list[Flaw]]:
    flaws = []
    line: dict[str, Value] = {name: found.get(name) or None for name in FIELDS}
    if not line["topic"]:
        flaws.append(Flaw(number, "topic", NO_TOPIC))
    hours = found.get("hours", "").removesuffix(".0")
    if hours and not (hours.isascii() and hours.isdigit() and int(hours) <= 99):
        flaws.append(Flaw(number, "hours", NO_HOURS))
        hours = ""
    line["hours"] = int(hours) if hours else 1
    for name, value in line.items():
        limit = BY_NAME["plan_item"].by_name[name].max_length
        if isinstance(value, str) and limit and len(value) > limit:
            flaws.append(Flaw(number, name, TOO_LONG))
    return line, flaws


def text_of_file(content: bytes) -> str:
    """A workbook or CSV file as the text that pasting its cells would give. DamagedFile, TooLarge."""
    sheet = table_in(content, Path("plan"), most=MOST_CELLS)
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    line = 1
    for number, cells in [
        (sheet.header_line, sheet.header),
        *((one.number, one.cells) for one in sheet.lines),
    ]:
        for _ in range(number - line):
            writer.writerow([""])
        writer.writerow(cells)
        line = number + 1
    return out.getvalue()


def faults(text: str, flaws: Sequence[Flaw], reason: str, said: Mapping[Flaw, str]) -> bytes:
    """The lines with flaws as a workbook, with their headings if they have any and the reasons in a column at the end.

    ``said``: each flaw as it is told.
    """
    rows = _cells(text)
    headed = bool(rows and _columns(rows[0][1]))
    width = max((len(cells) for _, cells in rows), default=0)
    headings = rows[0][1] if headed else []
    told: dict[int, list[str]] = {}
    for flaw in flaws:
        told.setdefault(flaw.line, []).append(said[flaw])
    found = [
        [*_wide(cells, width), "; ".join(told[number])]
        for number, cells in rows[int(headed) :]
        if number in told
    ]
    return workbook([*_wide(headings, width), reason], found)


def _wide(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def workbook(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook with one sheet; texts that a spreadsheet would take for formulas are made harmless."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(headings))
    for row in rows:
        sheet.append([safe_text(cell) if isinstance(cell, str) else cell for cell in row])
    for column, width in zip("ABCDEFGHIJK", (6, 24, 44, 8, 28, 28, 28, 20, 20, 14, 14), strict=False):
        sheet.column_dimensions[column].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
