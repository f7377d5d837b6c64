"""Routes of the journal's grid: a term of a subject group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from node.attendance import queries as attendance
from node.journal import forms, pages, queries, sentences
from node.journal.blueprint import area
from node.journal.queries import Cell
from node.people.queries import class_name, number_of
from node.request import database
from shared.access import allow
from shared.dates import date_of
from shared.i18n import exact
from shared.web import visitor


@area.get("/group/<int:group_id>")
@allow(*pages.READ)
def grid(group_id: int) -> ResponseReturnValue:
    """A term of a group: pupils down, lessons across, average and proposed mark at the end."""
    db, who = database(), visitor()
    group = pages.group_of(group_id)
    terms = queries.terms(db, group["year"], group["grade"])
    term = pages.chosen_term(terms)
    first, last = (term["start"], min(term["end"], pages.today())) if term else (0, -1)
    cells = queries.cells(db, group_id, first, last)
    members = queries.members(db, group_id, first, last) if term and first <= last else frozenset()
    by = queries.rule(db)
    standings = queries.standings(cells, by)
    columns = queries.columns(db, group_id, first, last)
    letters = attendance.letters(db)
    locks = queries.locked_spans(db, group["class_group"])
    locked = term is not None and any(start <= term["start"] and term["end"] <= end for start, end in locks)
    writes = who.has(*pages.WRITE) and group["teacher"] == who.person and not locked
    return render_template(
        "journal/grid.html",
        group=group,
        name=class_name(group["grade"], group["letter"]),
        terms=terms,
        term=term,
        label=pages.label,
        columns=columns,
        pupils=queries.named(db, members, pages.today()),
        row=_row_maker(
            columns, cells, queries.membership(db, group_id), pages.drawing_of(cells, letters, by)
        ),
        others=_other_results(group, term),
        decimal=exact(Fraction(1, 2), 1)[1],
        by=by,
        nothing=queries.Standing(None, None),
        standings=standings,
        writes=writes,
        planned=queries.planned_topics(db, group_id, columns) if writes else {},
        locked=locked,
        shut={c.place.day for c in columns if any(start <= c.place.day <= end for start, end in locks)},
        scale=queries.scale_of(db, group_id),
        kinds=queries.work_kinds(db),
        given=queries.results(db, group_id, term["id"]) if term else {},
        shown=forms.shown,
        letters=(letters["absent"], letters["late"]),
        number_of=number_of,
        iso=pages.iso,
        date_of=date_of,
        now=pages.today(),
        texts=sentences.texts(),
        edit_from=pages.today() - queries.edit_days(db),
        days=queries.edit_days(db),
    )


def _other_results(
    group: Mapping[str, Any], term: Mapping[str, Any] | None
) -> list[tuple[str, Mapping[int, Mapping[str, Any]]]]:
    """The results of the year's other periods that have any, as the last columns: their names, and by pupil."""
    given = queries.all_results(database(), group["id"])
    given.pop(term["id"] if term else 0, None)
    if not given:
        return []
    terms = queries.result_terms(database(), group["year"], group["grade"])
    return [(pages.label(one), given[one["id"]]) for one in terms if one["id"] in given]


def _row_maker(
    columns: Sequence[queries.Column],
    cells: Mapping[tuple[int, int, int], Cell],
    there: Callable[[int, int], bool],
    drawing: forms.Drawing,
) -> Callable[[int], Markup]:
    """What makes the cells of one pupil's row."""
    nobody, places = Cell(), [(column.place.day, column.place.period) for column in columns]

    days = sorted({day for day, _ in places})

    def row(pupil: int) -> Markup:
        on = {day for day in days if there(pupil, day)}
        found = (cells.get((*at, pupil), nobody) if at[0] in on else None for at in places)
        return forms.row_of_cells(found, drawing)

    return row
