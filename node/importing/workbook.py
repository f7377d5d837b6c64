"""Workbooks of an import: a template with what is there and a sheet of allowed codes; faulty lines."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterable, Iterator, Sequence

import openpyxl
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from sqlite_utils import Database

from node.importing.headings import title
from node.importing.kinds import Kind
from node.importing.mapping import Expression, Mapping, day_columns
from node.importing.sheets import Sheet
from node.importing.words import Words
from shared.dates import date_of
from shared.i18n import row_name
from shared.problems import LineError
from shared.report import safe_text
from shared.schema import Table

_PHONE = re.compile(r"\+[\d ()-]+")
"""A text that a workbook keeps as it is, though it begins with a sign of formulas."""
_CODED_TABLES = frozenset({"subject", "work_kind"})


def template(db: Database, kind: Kind, language: str, titles: tuple[str, str], **bound: object) -> bytes:
    """An XLSX file to fill in or change: the rows that are there, and on a second sheet what a coded column allows.

    ``titles`` are the names of the two sheets; ``bound`` the values that the kind's lines ask for.
    """
    mapping = kind.mapping()
    columns = kind.columns()
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = titles[0]
    _heads(sheet, [title(mapping.headers[name], language) for name in columns])
    words, days = _words(mapping, language), day_columns(mapping)
    for row in kind.lines(db, **bound):
        sheet.append([_shown(row.get(name), words.get(name, {}), name in days) for name in columns])
    _codes(book.create_sheet(titles[1]), db, mapping, columns, language)
    return _bytes(book)


def faults(sheet: Sheet, errors: Sequence[LineError], reason: str) -> bytes:
    """The lines with errors as an XLSX file, the reasons in a column of their own at the end."""
    book = openpyxl.Workbook()
    page = book.active
    _heads(page, [*sheet.header, reason])
    told: dict[int, list[str]] = {}
    for error in errors:
        told.setdefault(error.line, []).append(
            f"{error.field}: {error.message}" if error.field else error.message
        )
    for line in sheet.lines:
        if line.number in told:
            cells = [_safe(cell) for cell in line.cells[: len(sheet.header)]]
            page.append([*cells, safe_text("; ".join(told[line.number]))])
    return _bytes(book)


def _heads(sheet: Worksheet, names: Iterable[str]) -> None:
    sheet.append(list(names))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = max(14, len(str(cell.value)) + 2)
    sheet.freeze_panes = "A2"


def _shown(value: object, words: dict[object, str], is_day: bool) -> str | int | float | datetime.date | None:
    if is_day and isinstance(value, int):
        return date_of(value)
    if value in words:
        return words[value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _safe(value) if isinstance(value, str) else value  # type: ignore[return-value]


def _safe(text: str) -> str:
    return text if _PHONE.fullmatch(text) else safe_text(text)


def _words(mapping: Mapping, language: str) -> dict[str, dict[object, str]]:
    """For each coded column of the file: what is stored -> the word that stands for it in a language."""
    return {
        column: {code: words.word(code, language) for code in words.by_code}
        for column, words in _coded(mapping)
    }


def _coded(mapping: Mapping) -> Iterator[tuple[str, Words]]:
    for step in mapping.steps:
        for expression in step.columns.values():
            for one in (expression, *expression.parts.values()):
                if one.source == "column" and "map" in one.transforms:
                    yield one.of, one.transforms["map"]


def _allowed(words: Words, language: str) -> list[str]:
    """A line for each code: its word in the language and, where there are, the others that mean the same."""
    lines = ((words.word(code, language), ", ".join(words.others(code, language))) for code in words.by_code)
    return [f"{word} — {others}" if others else word for word, others in lines]


def _codes(sheet: Worksheet, db: Database, mapping: Mapping, columns: list[str], language: str) -> None:
    """A column of this sheet for each coded column of the file."""
    lists: dict[str, list[str]] = {}
    for column, words in _coded(mapping):
        lists.setdefault(column, _allowed(words, language))
    for step in mapping.steps:
        for expression in step.columns.values():
            for table, column in _looked_up(expression):
                rows = db.query(f"SELECT * FROM {table.name} WHERE retired_at IS NULL ORDER BY code")
                lists[column] = [f"{row['code']} — {row_name(row)}" for row in rows]
    named = [name for name in columns if name in lists]
    _heads(sheet, [title(mapping.headers[name], language) for name in named])
    for at in range(max((len(lists[name]) for name in named), default=0)):
        sheet.append([lists[name][at] if at < len(lists[name]) else None for name in named])


def _looked_up(expression: Expression) -> Iterator[tuple[Table, str]]:
    """Tables of codes that an expression looks into, each with the column of the file that holds the code."""
    if expression.source == "lookup" and expression.of.name in _CODED_TABLES and "code" in expression.parts:
        yield expression.of, expression.parts["code"].of
    for part in expression.parts.values():
        yield from _looked_up(part)


def _bytes(book: openpyxl.Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
