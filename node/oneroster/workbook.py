"""The lines of a roster with errors as a workbook: a sheet for each file, the reasons in a column at the end."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
from openpyxl.styles import Font

from node.oneroster.package import Line, Package
from shared.problems import LineError
from shared.report import safe_text

_WIDEST = 31
"""Characters that the name of a sheet may have."""


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
        known = {line.number: line for line in package.lines.get(file, ())}
        sheet.append([*header, reason])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for number, sentences in sorted(lines.items()):
            cells = _cells(known.get(number), header)
            sheet.append([*cells, safe_text("; ".join(sentences))])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cells(line: Line | None, header: Sequence[str]) -> list[str]:
    return ["" if line is None else safe_text(line[name]) for name in header]
