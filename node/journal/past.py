"""Routes of the past of a cell, of its comment, and of what kinds of work its marks are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.attendance import queries as attendance
from node.fields import iso
from node.journal import actions, forms, history, pages, queries
from node.journal.blueprint import area
from node.journal.desk import teaches
from node.journal.queries import Cell
from node.people.queries import class_name, number_of
from node.request import acting, database
from shared.access import allow
from shared.i18n import gettext
from shared.problems import InputProblem, NotFound
from shared.web import visitor


@area.post("/history/<int:group_id>/<day>/<int:period>/<int:pupil_id>")
@allow(*pages.WRITE)
def keep_comment(group_id: int, day: str, period: int, pupil_id: int) -> ResponseReturnValue:
    """Write the comment of a cell, and of which kinds of work its marks are."""
    changes, reason = forms.cell_changes(request.form, pupil_id), request.form.get("reason", "")
    place = pages.place_of(group_id, day, period)
    try:
        with acting() as w:
            actions.save(w, place, visitor().person, pages.today(), changes, reason)
    except InputProblem as problem:
        return _history_page(group_id, day, period, pupil_id, problem.sentence(gettext)), problem.status
    there = url_for("journal.cell_history", group_id=group_id, day=day, period=period, pupil_id=pupil_id)
    return cast(ResponseReturnValue, redirect(there))


@area.get("/history/<int:group_id>/<day>/<int:period>/<int:pupil_id>")
@allow(*pages.READ)
def cell_history(group_id: int, day: str, period: int, pupil_id: int) -> ResponseReturnValue:
    """Who wrote what into a cell, and when, from the change log; its comment."""
    return _history_page(group_id, day, period, pupil_id)


@area.get("/history/<int:group_id>/<day>/<int:period>")
@allow(*pages.READ)
def lesson_history(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """Who wrote topic and homework of a lesson, and when, from the change log."""
    db, place = database(), pages.place_of(group_id, day, period)
    found = queries.lesson(db, place)
    if found is None:
        raise NotFound()
    pages.require_readable(group_id, found["class_group"], found)
    struck = queries.struck_lines(db, group_id, place.day, place.day).get((place.day, place.period), [])
    return render_template(
        "journal/lesson_history.html",
        **_of_lesson(place, found),
        struck=struck,
        drawing=pages.drawing_of({}, {}, struck=struck),
        steps=history.of_lesson(db, place, pages.today()),
    )


def _of_lesson(place: queries.Place, found: Mapping[str, Any]) -> dict[str, Any]:
    """What both pages say of the lesson."""
    name = class_name(found["grade"], found["letter"])
    return {"lesson": found, "place": place, "iso": iso(place.day), "name": name}


def _history_page(group_id: int, day: str, period: int, pupil_id: int, problem: str = "") -> str:
    db, place = database(), pages.place_of(group_id, day, period)
    found = queries.lesson(db, place)
    if found is None or pupil_id not in queries.members(db, group_id, place.day, place.day):
        raise NotFound()
    pages.require_readable(group_id, found["class_group"], found)
    pages.note_reading(found, pupil_id)
    return render_template(
        "journal/history.html",
        **_of_lesson(place, found),
        pupil=queries.person_name(db, pupil_id, pages.today()),
        number=number_of(pupil_id),
        pupil_id=pupil_id,
        problem=problem,
        kinds=queries.work_kinds(db),
        typed=request.form,
        late=pages.today() - place.day > queries.edit_days(db),
        cell=queries.lesson_cells(db, place).get(pupil_id, Cell()),
        drawing=pages.drawing_of(queries.cells(db, group_id, place.day, place.day), attendance.letters(db)),
        writes=visitor().has(*pages.WRITE)
        and teaches(found, visitor().person)
        and not queries.is_locked(db, found["class_group"], place.day, place.day),
        steps=history.of_cell(db, place, pupil_id, pages.today()),
    )
