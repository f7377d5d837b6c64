"""Workbooks of an import: the lines with errors, a sheet for each file, reasons at the end; whom a file lacks."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import openpyxl
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from node.oneroster.package import RESULTS, Line, Package
from node.people.queries import class_name, number_of
from shared.i18n import coded
from shared.problems import LineError
from shared.report import safe_text

_WIDEST = 31
"""Characters that the name of a sheet may have."""


def people(rows: Sequence[Mapping[str, Any]], heads: Sequence[str]) -> bytes:
    """People as an XLSX file under the heads given: number, name, class and personal file, or the position."""
    book = openpyxl.Workbook()
    _head(book.active, heads)
    for one in rows:
        name = " ".join(one[part] for part in ("surname", "given_name", "patronymic") if one[part])
        told = [name, "", "", ""]
        if one["grade"] is not None:
            told[1:3] = class_name(one["grade"], one["letter"]), one["personal_file"] or ""
        if one["position"]:
            told[3] = coded(one["position"], "staff", "position")
        book.active.append([number_of(one["id"]), *map(safe_text, told)])
    return _bytes(book)


def faults(package: Package, errors: Sequence[LineError], reason: str) -> bytes:
    """The XLSX file. An error of a whole file or of the manifest is a row of its own."""
    told: dict[str, dict[int, list[str]]] = {}
    for error in errors:
        sentence = f"{error.field}: {error.message}" if error.field else error.message
        told.setdefault(error.file.removesuffix(".csv"), {}).setdefault(error.line, []).append(sentence)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for file, lines in told.items():
        sheet = book.create_sheet(file[:_WIDEST])
        header = package.headers.get(file, ())
        known = {line.number: line for line in _lines(package, file) if line.number in lines}
        _head(sheet, [*header, reason])
        for number, sentences in sorted(lines.items()):
            cells = _cells(known.get(number), header)
            sheet.append([*cells, safe_text("; ".join(sentences))])
    return _bytes(book)


def _lines(package: Package, file: str) -> Iterator[Line]:
    if file == RESULTS:
        yield from (line for line, _ in package.walk_results())
    else:
        yield from package.lines.get(file, ())


def _head(sheet: Worksheet, names: Sequence[str]) -> None:
    sheet.append(list(names))
    for cell in sheet[1]:
        cell.font = Font(bold=True)


def _bytes(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cells(line: Line | None, header: Sequence[str]) -> list[str]:
    return ["" if line is None else safe_text(line[name]) for name in header]
