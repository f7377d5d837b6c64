"""Reads a table out of a CSV or XLSX file as lines of text, whatever the program that wrote it.

CSV: any delimiter, UTF-8 with or without a byte order mark, UTF-16 with one, or else Windows-1251 (what
Excel writes on a Russian Windows). XLSX: values, not formulas; dates come as ``2025-09-01``, whole numbers
without a decimal point.
"""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl

from shared.problems import DamagedFile, TooLarge

DELIMITERS = ";,\t|"
MAX_FILE = 64 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024
"""A workbook that would unpack to more bytes than this is refused before it is opened."""


@dataclass(frozen=True)
class Line:
    """One line of a sheet: ``number`` counts from 1 as a spreadsheet does, ``cells`` are stripped text."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """The header and the lines below it that are not empty."""

    header: tuple[str, ...]
    header_line: int
    lines: tuple[Line, ...]


def read_sheet(path: Path, *, delimiter: str | None = None, sheet: str | None = None) -> Sheet:
    """Read a file; the first line that is not empty is the header.

    DamagedFile: there is no such file, or it is no table. TooLarge: more than 64 MiB, or a workbook that
    unpacks to more than 512 MiB.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_FILE else None
    except OSError as error:
        raise DamagedFile(file=path.name) from error
    if content is None:
        raise TooLarge(file=path.name)
    return table_in(content, path, delimiter=delimiter, sheet=sheet)


def table_in(content: bytes, path: Path, *, delimiter: str | None = None, sheet: str | None = None) -> Sheet:
    """The same from a file's bytes; ``path`` names it in errors. DamagedFile, TooLarge."""
    is_workbook = content.startswith(b"PK\x03\x04")
    rows = _workbook_rows(content, path, sheet) if is_workbook else _csv_rows(content, path, delimiter)
    lines = [Line(n, cells) for n, cells in enumerate(rows, 1) if any(cells)]
    if not lines:
        raise DamagedFile(file=path.name)
    width = max(len(line.cells) for line in lines) if is_workbook else 0
    head, *body = (Line(line.number, _padded(line.cells, width)) for line in lines)
    return Sheet(_trimmed(head.cells), head.number, tuple(body))


def _padded(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return cells + ("",) * (width - len(cells))


def _trimmed(cells: tuple[str, ...]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def decode(content: bytes) -> str:
    """Bytes as text: UTF-8, UTF-16 with its mark, else Windows-1251. UnicodeDecodeError: none of them."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1251")


def find_delimiter(text: str) -> str:
    """The delimiter most frequent outside quotes in the first line that is not empty; on a tie the first."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    unquoted = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def _csv_rows(content: bytes, path: Path, delimiter: str | None) -> Iterator[tuple[str, ...]]:
    try:
        text = decode(content)
        if "\0" in text:
            raise DamagedFile(file=path.name)
        chosen = delimiter or find_delimiter(text)
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True):
            yield tuple(cell.strip() for cell in row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedFile(file=path.name) from error


def _workbook_rows(content: bytes, path: Path, sheet: str | None) -> Iterator[tuple[str, ...]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise TooLarge(file=path.name)
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            chosen = workbook[sheet] if sheet else workbook.worksheets[0]
            chosen.reset_dimensions()
            yield from _texts(chosen.iter_rows(values_only=True))
        finally:
            workbook.close()
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError, IndexError, EOFError) as error:
        raise DamagedFile(file=path.name) from error


def _texts(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield tuple(cell_text(cell) for cell in row)


def cell_text(cell: object) -> str:
    """The text of a workbook's cell."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, datetime.time):
        return cell.isoformat("minutes")
    return str(cell).strip()
