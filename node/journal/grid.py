"""Routes of the journal's grid: a term of a subject group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from node import yearbook
from node.attendance import queries as attendance
from node.journal import pages, queries, rows
from node.journal.blueprint import area
from node.journal.queries import Place
from node.people.queries import class_name
from node.request import database, one_reading
from shared.access import allow
from shared.i18n import exact
from shared.web import visitor


@area.get("/group/<int:group_id>")
@allow(*pages.READ)
def grid(group_id: int) -> ResponseReturnValue:
    """A term of a group: pupils down, lessons across, average and proposed mark at the end."""
    with one_reading():
        group = pages.group_of(group_id)
        page = _page(group)
    pages.note_reading(group)
    return page


def _page(group: Mapping[str, Any]) -> str:
    db, who, group_id = database(), visitor(), group["id"]
    periods = queries.result_terms(db, group["year"], group["grade"])
    terms = [one for one in periods if one["kind"] in queries.MARKING]
    term = pages.chosen_term(terms)
    first, last = (term["start"], min(term["end"], pages.today())) if term else (0, -1)
    cells = queries.cells(db, group_id, first, last)
    came = yearbook.origins(db, [group_id])
    brought: dict[tuple[int, int, int], queries.Cell] = {}
    for some in queries.brought(db, group_id, first, last, came).values():
        brought |= some
    members = queries.members(db, group_id, first, last) if term and first <= last else frozenset()
    by, scale = queries.rule(db), queries.scale_of(db, group_id)
    columns = queries.columns(db, group_id, first, last, cells)
    given, others = _results(group, term, periods, came)
    letters = attendance.letters(db)
    locks = queries.locked_spans(db, group["class_group"])
    locked = term is not None and any(start <= term["start"] and term["end"] <= end for start, end in locks)
    writes = who.has(*pages.WRITE) and group["teacher"] == who.person and not locked
    kinds = _usual_kinds(cells) if writes and scale else {}
    whole = rows.Term(
        group,
        columns,
        cells,
        queries.membership(db, group_id, sorted({one.place.day for one in columns})),
        queries.standings(brought | cells, by),
        given,
        [results for _, results in others],
        url_for("journal.explained", group_id=group_id, term=term["id"] if term else None, pupil=""),
        kinds,
        queries.weighed(brought, by),
    )
    shut = {c.place.day for c in columns if any(start <= c.place.day <= end for start, end in locks)}
    edit_days = queries.edit_days(db)
    struck = queries.struck_lines(db, group_id, first, last)
    drawing = pages.drawing_of(cells, letters, by, chain.from_iterable(struck.values()))
    drawn = rows.Columns(
        columns,
        f"{url_for('journal.index')}lesson/{group_id}/",
        rows.Days(pages.today(), pages.today() - edit_days, shut),
        _noted_away(columns, members) if writes else {},
        kinds,
        struck,
        drawing,
    )
    planned = _planned(group_id, [c for c in columns if c.place.day not in shut]) if writes else {}
    return render_template(
        "journal/grid.html",
        group=group,
        name=class_name(group["grade"], group["letter"]),
        terms=terms,
        term=term,
        label=pages.label,
        columns=columns,
        heads=drawn.heads(),
        lines=drawn.lines(planned),
        rows=rows.body(queries.named(db, members, pages.today()), whole, drawing),
        others=[label for label, _ in others],
        decimal=exact(Fraction(1, 2), 1)[1],
        by=by,
        writes=writes,
        locked=locked,
        shut=shut,
        scale=scale,
        keys=rows.marks_with_keys(scale),
        outside=any(cell.outside for cell in cells.values()),
        kinds=queries.work_kinds(db, by),
        letters=list(letters.values()),
        gives=pages.gives_reasons(group["class_group"]),
    )


def _planned(group_id: int, columns: Sequence[queries.Column]) -> dict[Place, Mapping[str, Any]]:
    """The plan's item whose turn it is, by lesson without a topic."""
    found = queries.planned_topics(database(), group_id, columns)
    return {place: item for place, item in found.items() if item["topic"]}


def _usual_kinds(cells: Mapping[tuple[int, int, int], queries.Cell]) -> dict[tuple[int, int], int | None]:
    """The kind of work of most marks of a lesson, by its day and period."""
    lessons: dict[tuple[int, int], list[queries.Cell]] = {}
    for (day, period, _), cell in cells.items():
        lessons.setdefault((day, period), []).append(cell)
    return {
        at: queries.usual_kind(found) or queries.usual_kind(found, slot=1) for at, found in lessons.items()
    }


def _noted_away(columns: Sequence[queries.Column], members: frozenset[int]) -> dict[Place, list[int]]:
    """The pupils whom a note expects to be away, answered or not, by lesson whose attendance is not taken yet."""
    days = {column.place.day for column in columns if not column.taken}
    notes = attendance.notes(database(), members, min(days), max(days), attendance.EXPECT) if days else []
    found: dict[Place, list[int]] = {}
    for column in columns:
        covering = [one for one in notes if one["start"] <= column.place.day <= one["end"]]
        if covering and not column.taken:
            found[column.place] = sorted({one["pupil"] for one in covering})
    return found


def _results(
    group: Mapping[str, Any],
    term: Mapping[str, Any] | None,
    periods: Iterable[Mapping[str, Any]],
    came: yearbook.Came,
) -> tuple[rows.Given, list[tuple[str, rows.Given]]]:
    """The results of a term, and those of the year's other periods that have any: their names, and by pupil."""
    given = queries.all_results(database(), group["id"], came)
    own = given.pop(term["id"] if term else 0, {})
    return own, [(pages.label(one), given[one["id"]]) for one in periods if one["id"] in given]
