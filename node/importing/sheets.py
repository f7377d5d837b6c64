"""Reads a table out of a CSV or XLSX file as lines of text, whatever the program that wrote it.

CSV: any delimiter, UTF-8 with or without a byte order mark, UTF-16 with one, or else Windows-1251 (what
Excel writes on a Russian Windows). XLSX: values, not formulas; dates come as ``2025-09-01``, whole numbers
without a decimal point.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

import openpyxl
from openpyxl.utils import column_index_from_string

from node.importing.headings import forms
from shared.latin import LOOKALIKES
from shared.problems import DamagedFile, EmptyFile, LostLetters, OtherFormat, TooLarge
from shared.report import safe_text

DELIMITERS = ";,\t|"
MAX_FILE = 64 * 1024 * 1024
MAX_UNPACKED = 128 * 1024 * 1024
"""A workbook that would unpack to more bytes than this is refused before it is opened."""
HEADER_WITHIN = 20
"""Lines among which the header is looked for."""
MOST_SHEETS = 10
MAX_TEXTS = 12 * 1024 * 1024
"""Bytes of a workbook's texts and styles, which are kept while its sheets are read a row at a time."""
MAX_LINE = 100_000
"""Characters of a line of text."""
MAX_ROWS = 100_000
MAX_CELLS = 3_000_000
"""Cells that all sheets of a file may hold together, unless the caller wants fewer."""
STRETCH = 2_000
"""Empty rows after which a sheet is over."""
MOST_MERGED = 20_000
"""Merged cells beyond which none are looked at."""
Merged = tuple[tuple[int, int, int], ...]
"""Column (from 0), first and last row of cells merged with those below."""
_BLOCK, _REFERENCE = 1 << 20, 200
"""Bytes of a sheet looked at a time, and what a mention of merged cells may take."""
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^<>]*?\bref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')
_LOST = re.compile(r"(?<![\w?])\?(?=[а-яё])|[а-яё]\?[а-яё]", re.IGNORECASE)
"""Where a letter was that the encoding has not."""
_START = 1 << 16
"""Characters of a text in which its delimiter is looked for."""
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_MIXED = re.compile(
    r"\b(?=\w*[а-яёА-ЯЁңөүҢӨҮ])(?=\w*[ABCEHKMOPTXYaceopxy])[а-яёА-ЯЁңөүҢӨҮABCEHKMOPTXYaceopxy]+\b"
)
_SPACES = re.compile("[ \u00a0\u2007\u202f]+")


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


def read_sheet(
    path: Path,
    *,
    delimiter: str | None = None,
    sheet: str | None = None,
    headings: frozenset[str] = frozenset(),
) -> Sheet:
    """Read a file. The header is the line that holds most of the ``headings`` (`plain`), else the first not empty.

    OtherFormat: neither a workbook nor text. DamagedFile: there is no such file, or it is no table. EmptyFile;
    LostLetters: a “?” stands in place of Kyrgyz letters. TooLarge: more than 64 MiB, or a workbook that unpacks to more
    than 128 MiB or has a sheet of more than 100,000 rows.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_FILE else None
    except OSError as error:
        raise DamagedFile(file=path.name) from error
    if content is None:
        raise TooLarge(file=path.name)
    return table_in(content, path, delimiter=delimiter, sheet=sheet, headings=headings)


def table_in(
    content: bytes,
    path: Path,
    *,
    delimiter: str | None = None,
    sheet: str | None = None,
    headings: frozenset[str] = frozenset(),
    most: int = MAX_CELLS,
) -> Sheet:
    """The same from a file's bytes; ``path`` names it in errors. OtherFormat, DamagedFile, EmptyFile, LostLetters;
    TooLarge, also where it holds more than ``most`` cells.

    Of a workbook's sheets it is the first, or the one that holds most of the headings.
    """
    if _is_other(content):
        raise OtherFormat(file=path.name)
    is_workbook = content.startswith(b"PK\x03\x04")
    merged: list[Merged] = []
    rows = _workbook(content, path, sheet, merged) if is_workbook else _csv_rows(content, path, delimiter)
    tables: list[list[Line]] = [[]]
    of: list[Merged] = [()]
    for number, cells in rows:
        if number == 1:
            if tables[-1]:
                tables.append([])
                of.append(())
            of[-1] = merged[-1] if merged else ()
        most -= len(cells)
        if most < 0:
            raise TooLarge(file=path.name)
        if any(cells):
            tables[-1].append(Line(number, cells))
    at = max(range(len(tables)), key=lambda one: _most(tables[one], headings)[0]) if headings else 0
    lines = tables[at]
    if not lines:
        raise EmptyFile(file=path.name)
    width = max(len(line.cells) for line in lines) if is_workbook else 0
    lines = [Line(line.number, _padded(line.cells, width)) for line in lines]
    _, place = _most(lines, headings)
    header, under = _header(lines, place, headings)
    return Sheet(_trimmed(header), lines[place].number, tuple(_filled(lines[under:], of[at])))


def _is_other(content: bytes) -> bool:
    """An old or locked workbook, a PDF, a page of the web or an OpenDocument table, whatever its name says?"""
    start = content[:400].lstrip().lower()
    return start.startswith((b"\xd0\xcf\x11\xe0", b"%pdf", b"<")) or (
        start.startswith(b"pk") and b"mimetypeapplication/vnd.oasis" in start
    )


def _known(cells: Sequence[str], headings: frozenset[str]) -> int:
    return sum(not headings.isdisjoint(forms(cell)) for cell in cells if cell)


def _most(lines: Sequence[Line], headings: frozenset[str]) -> tuple[int, int]:
    """How many headings the line holds that holds most of them, and its place; titles may stand above it."""
    found = [(_known(line.cells, headings), -place) for place, line in enumerate(lines[:HEADER_WITHIN])]
    most, place = max(found, default=(0, 0))
    return most, -place


def _header(lines: Sequence[Line], place: int, headings: frozenset[str]) -> tuple[tuple[str, ...], int]:
    """The header, and the place of the first line below it.

    Where cells are merged a heading may stand in the line above or below; a line that numbers the columns is no line.
    """
    header, under = lines[place].cells, place + 1
    if headings and place and lines[place - 1].number == lines[place].number - 1:
        above = lines[place - 1].cells
        header = tuple(
            over if not cell and not headings.isdisjoint(forms(over)) else cell
            for cell, over in zip_longest(header, above[: len(header)], fillvalue="")
        )
    if headings and under < len(lines):
        below = [cell for cell in lines[under].cells if cell]
        if below and _known(below, headings) == len(below):
            header = tuple(
                lower or cell for cell, lower in zip_longest(header, lines[under].cells, fillvalue="")
            )
            under += 1
    if headings and under < len(lines):
        numbers = [cell for cell in lines[under].cells if cell]
        if len(numbers) > 2 and numbers == [str(n) for n in range(1, len(numbers) + 1)]:
            under += 1
    return header, under


def _filled(lines: Sequence[Line], merged: Merged) -> Iterator[Line]:
    """Lines with what stands in cells that are merged with those below: it is said of each of them."""
    below: dict[int, list[tuple[int, int]]] = {}
    for column, first, last in merged:
        for number in range(first + 1, last + 1):
            below.setdefault(number, []).append((column, first))
    told: dict[tuple[int, int], str] = {}
    tops = {(first, column) for column, first, _ in merged}
    for line in lines:
        cells = list(line.cells)
        for column, first in below.get(line.number, ()):
            if column < len(cells) and not cells[column]:
                cells[column] = told.get((first, column), "")
        told |= {(line.number, at): cell for at, cell in enumerate(cells) if (line.number, at) in tops}
        yield Line(line.number, tuple(cells))


def _padded(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return cells + ("",) * (width - len(cells))


def _trimmed(cells: tuple[str, ...]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def encoding_of(content: bytes) -> str:
    """In what bytes are written: UTF-8, UTF-16 with its mark, else Windows-1251."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1251"
    return "utf-8-sig"


def find_delimiter(text: str) -> str:
    """The delimiter most frequent outside quotes in the first line that is not empty; on a tie the first."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    unquoted = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def _csv_rows(content: bytes, path: Path, delimiter: str | None) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        encoding = encoding_of(content)
        if encoding != "utf-16" and b"\0" in content:
            raise DamagedFile(file=path.name)
        chosen = delimiter or find_delimiter(_text(content, encoding).read(_START))
        lines = _lines(_text(content, encoding))
        for number, row in enumerate(csv.reader(lines, delimiter=chosen, strict=True), 1):
            cells = tuple(sys.intern(_clean(cell)) for cell in row)
            if encoding == "cp1251" and any(map(_LOST.search, cells)):
                raise LostLetters(file=path.name)
            yield number, cells
    except (UnicodeDecodeError, csv.Error) as error:
        raise DamagedFile(file=path.name) from error


def _text(content: bytes, encoding: str) -> TextIO:
    """Bytes as text, a piece of it in memory at a time."""
    return io.TextIOWrapper(io.BytesIO(content), encoding, newline="")


def _lines(text: TextIO) -> Iterator[str]:
    """The lines of a text. csv.Error: one is longer than any table's."""
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise csv.Error
        yield line


def _workbook(
    content: bytes, path: Path, sheet: str | None, merged: list[Merged]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The rows of the named sheet, or of each of the first ones, each counted from 1; to ``merged`` come its cells that
    are merged with those below.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
        texts = [size for name, size in sizes.items() if name.endswith(".xml") and "worksheets/" not in name]
        if sum(sizes.values()) > MAX_UNPACKED or sum(texts) > MAX_TEXTS:
            raise TooLarge(file=path.name)
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            chosen = [workbook[sheet]] if sheet else workbook.worksheets[:MOST_SHEETS]
            for one in chosen:
                one.reset_dimensions()
                merged.append(_merged(content, one._worksheet_path))
                yield from enumerate(_texts(one.iter_rows(values_only=True)), 1)
        finally:
            workbook.close()
    except (
        zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, SyntaxError, IndexError, EOFError
    ) as error:  # fmt: skip
        raise DamagedFile(file=path.name) from error


def _merged(content: bytes, member: str) -> Merged:
    """The cells of a sheet that are merged with those below. Read a row at a time, openpyxl does not tell them."""
    found: set[tuple[int, int, int]] = set()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(member) as file:
        piece = b""
        while block := file.read(_BLOCK):
            piece = piece[-_REFERENCE:] + block
            for left, top, right, bottom in _MERGED.findall(piece):
                if left == right and int(top) < int(bottom) <= MAX_ROWS:
                    found.add((column_index_from_string(left.decode()) - 1, int(top), int(bottom)))
            if len(found) > MOST_MERGED:
                return ()
    return tuple(sorted(found))


def _texts(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[str, ...]]:
    """The cells of rows as text, up to a long stretch of nothing: formats may reach down to the last row there is."""
    nothing = 0
    for number, row in enumerate(rows, 1):
        cells = _trimmed(tuple(sys.intern(cell_text(cell)) for cell in row))
        nothing = 0 if any(cells) else nothing + 1
        if nothing > STRETCH:
            return
        if number > MAX_ROWS:
            raise TooLarge()
        yield cells


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
    return _clean(str(cell))


def _clean(text: str) -> str:
    """Text without what nobody sees: spaces around it, doubled or hard ones, marks of no width, Latin letters in a
    Cyrillic word that look as its own.

    Nor with the apostrophe by which our own files keep a spreadsheet from taking it for a formula.
    """
    text = _MIXED.sub(lambda found: found[0].translate(LOOKALIKES), text)
    text = _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()
    bare = text[1:]
    return bare if text.startswith("'") and safe_text(bare) == text else text
