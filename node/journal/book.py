"""The journal of a subject group as a workbook: a sheet for each term that has begun, and one with topics and homework.

Of any year, as long as the books hold it. Names are those that may be shown today.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
from flask import Response
from flask.typing import ResponseReturnValue
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from node.attendance import queries as attendance
from node.journal import pages, queries
from node.journal.blueprint import area
from node.journal.queries import Cell
from node.people.queries import class_name, number_of
from node.reading.noting import noted
from node.reading.queries import OF
from node.request import database
from shared.access import allow
from shared.dates import date_of
from shared.i18n import column_label, gettext, row_name
from shared.report import safe_text

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NAMES, _SHEET = 32, 31
"""Width of the column of names; characters that the name of a sheet may have."""


@area.get("/group/<int:group_id>/book.xlsx")
@allow(*pages.READ)
def book(group_id: int) -> ResponseReturnValue:
    """The whole year of a group; the export is noted first."""
    group = pages.group_of(group_id)
    noted("export", f"journal{OF}{pages.title_of(group)}", class_group=group["class_group"])
    name = f"journal-{group['grade'] or 0}-{group_id & 0xFFFFFFFF}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(workbook(group), mimetype=XLSX, headers=headers)


def workbook(group: Mapping[str, Any]) -> bytes:
    """The XLSX file of a group's year."""
    target = openpyxl.Workbook()
    target.remove(target.active)
    db, today = database(), pages.today()
    begun = [one for one in queries.terms(db, group["year"], group["grade"]) if one["start"] <= today]
    # Half-years lie over the quarters; alone they are all there is.
    terms = [one for one in begun if one["kind"] != "half"] or begun
    topics: list[queries.Column] = []
    for term in terms:
        columns = queries.columns(db, group["id"], term["start"], min(term["end"], today))
        topics += [one for one in columns if one not in topics]
        _term(target.create_sheet(pages.label(term)[:_SHEET]), group, term, columns)
    _topics(target.create_sheet(column_label("lesson", "topic")[:_SHEET]), topics, _title(group))
    out = io.BytesIO()
    target.save(out)
    return out.getvalue()


def _title(group: Mapping[str, Any]) -> str:
    parts = (class_name(group["grade"], group["letter"]), row_name(group), group["part"] or "")
    return " · ".join(part for part in parts if part)


def _term(
    sheet: Worksheet, group: Mapping[str, Any], term: Mapping[str, Any], columns: Sequence[queries.Column]
) -> None:
    """Pupils down, lessons across, then the average, the proposed mark and the one that was given."""
    db, today = database(), pages.today()
    first, last = term["start"], min(term["end"], today)
    cells, letters = queries.cells(db, group["id"], first, last), attendance.letters(db)
    standings = queries.standings(queries.reckoned(db, group["id"], first, last), queries.rule(db))
    given = queries.all_results(db, group["id"]).get(term["id"], {})
    ends = [gettext("Average"), gettext("Proposed"), gettext("Result")]
    sheet.append([_title(group)])
    sheet.append(["№", gettext("Pupil"), *(one.date for one in columns), *ends])
    for place, (pupil, name) in enumerate(
        queries.named(db, queries.members(db, group["id"], first, last), today), 1
    ):
        now = standings.get(pupil, queries.Standing(None, None))
        result = given.get(pupil)
        sheet.append(
            [
                place,
                safe_text(name or gettext("No. %(number)s, no name recorded", number=number_of(pupil))),
                *(_cell(cells.get((one.place.day, one.place.period, pupil)), letters) for one in columns),
                None if now.average is None else round(float(now.average), 2),
                now.proposed,
                None if result is None else _told(result, group),
            ]
        )
    _shaped(sheet, 2 + len(columns) + len(ends))


def _told(result: queries.Result, group: Mapping[str, Any]) -> int | str | None:
    """A result as it was given: a mark, or a word; in brackets from which class it was brought along."""
    came = queries.whence(result, (group["class_group"],), group["id"])
    came = gettext("former school") if result.former else came
    shown = result.value
    if shown is not None:
        return f"{shown} ({came})" if came else shown
    return {"na": gettext("n/a"), "exempt": gettext("ex.")}.get(result.status)


def _cell(cell: Cell | None, letters: Mapping[str, str]) -> int | str | None:
    """What stands in a cell: `5`, `5/4`, a letter of absence, a letter and a mark."""
    if cell is None:
        return None
    marks = [mark.value for _, mark in sorted(cell.marks.items()) if mark.value is not None]
    if len(marks) == 1 and cell.status not in letters:
        return marks[0]
    text = " ".join(part for part in (letters.get(cell.status, ""), "/".join(map(str, marks))) if part)
    return safe_text(text) or None


def _topics(sheet: Worksheet, columns: Sequence[queries.Column], title: str) -> None:
    sheet.append([title])
    sheet.append([column_label("lesson", name) for name in ("day", "period", "topic", "homework")])
    for one in columns:
        if one.held:
            day, period = one.place.day, one.place.period
            sheet.append([date_of(day), period, safe_text(one.topic), safe_text(one.homework)])
    _shaped(sheet, 4)
    for letter, width in (("A", 12), ("C", 60), ("D", 60)):
        sheet.column_dimensions[letter].width = width


def _shaped(sheet: Worksheet, width: int) -> None:
    for row in (1, 2):
        for cell in sheet[row]:
            cell.font = Font(bold=True)
    for at in range(1, width + 1):
        sheet.column_dimensions[get_column_letter(at)].width = 7
    sheet.column_dimensions["B"].width = _NAMES
    sheet.freeze_panes = "C3"
