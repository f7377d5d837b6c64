"""Routes of the timetable's editor by room: which of the lessons that are held at a time are in the room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from node.access import right
from node.calendar import queries as calendar
from node.fields import iso
from node.people.queries import class_name
from node.request import acting, database
from node.timetable import actions, forms, queries
from node.timetable.blueprint import area
from node.timetable.desk import Row, desk_of, group_name, longest_week, saved
from node.timetable.warnings import warning_lines, warnings_of
from shared.dates import MONDAY
from shared.i18n import gettext
from shared.problems import InputProblem, NotFound
from shared.web import today

Time = tuple[int, int, int]
"""Weekday, shift and period: in a school of two shifts the same period comes twice a day."""
_SHIFT = 100
"""A cell's name holds shift and period as one number, ``shift * 100 + period``."""


@area.get("/edit/room/<int:room_id>")
@right("timetable", "E")
def edit_room(room_id: int) -> ResponseReturnValue:
    """The week of a room as a grid of choices."""
    return _page(room_id)


@area.post("/edit/room/<int:room_id>")
@right("timetable", "E")
def keep_room_week(room_id: int) -> ResponseReturnValue:
    """Keep what changed in the grid of a room."""
    desk = desk_of()
    try:
        with acting() as w:
            for (weekday, row), chosen in forms.cells(request.form).items():
                at = (weekday, *divmod(row, _SHIFT))
                actions.set_rooms_cell(w, room_id, desk.year, at, chosen, desk.day)
    except InputProblem as problem:
        return _page(room_id, problem.sentence(gettext)), problem.status
    return saved("edit_room", desk, room_id=room_id)


def _page(room_id: int, problem: str = "") -> str:
    db, desk = database(), desk_of()
    room = next((one for one in queries.rooms(db) if one["id"] == room_id), None)
    if room is None:
        raise NotFound()
    lessons: dict[Time, list[Mapping[str, Any]]] = {}
    slots = queries.slots(db, desk.year, desk.day)
    for slot in slots:
        lessons.setdefault((slot["weekday"], slot["shift"] or 1, slot["period"]), []).append(slot)
    here = {at: [one for one in found if one["room"] == room_id] for at, found in lessons.items()}
    groups = {one["group"] for found in here.values() for one in found}
    return render_template(
        "timetable/room.html",
        desk=desk,
        iso=iso,
        room=room,
        rows=_rows(lessons),
        weekdays=longest_week(desk.year, slots),
        cells={
            _cell(at): forms.choice(frozenset(one["group"] for one in found)) for at, found in here.items()
        },
        options={_cell(at): _options(found, here[at], room_id) for at, found in lessons.items()},
        classes={
            _cell(at): [(one["class_group"], _class(one)) for one in found] for at, found in here.items()
        },
        lines=warning_lines(db, warnings_of(db, desk.year, desk.day), today(), groups),
        monday=MONDAY,
        saved="saved" in request.args,
        problem=problem,
    )


def _cell(at: Time) -> forms.Cell:
    """A time as the name of its field holds it."""
    weekday, shift, period = at
    return weekday, shift * _SHIFT + period


def _rows(lessons: Iterable[Time]) -> list[Row]:
    """A line for each period in which any lesson is held; those of two shifts say of which they are."""
    found = sorted({at[1:] for at in lessons})
    shifts = {shift for shift, _ in found}
    rings = {shift: calendar.rings(database(), shift, None) for shift in shifts}
    return [
        Row(
            shift * _SHIFT + period,
            period,
            f"{gettext('Shift %(shift)s', shift=shift)}, {period}" if len(shifts) > 1 else str(period),
            rings[shift].get(period, (None,))[0],
        )
        for shift, period in found
    ]


def _options(
    lessons: list[Mapping[str, Any]], here: list[Mapping[str, Any]], room: int
) -> list[tuple[str, str]]:
    """What the room may hold then: a lesson, with the room it has now; one of a combined class with all its parts."""
    together: dict[object, list[Mapping[str, Any]]] = {}
    for one in lessons:
        together.setdefault((one["together"], one["teacher"], one["subject"]), []).append(one)
    sets = [[one] for one in lessons] + [found for found in together.values() if len(found) > 1]
    if here not in sets:
        sets.append(here)
    return [
        (forms.choice(frozenset(one["group"] for one in found)), _told(found, room))
        for found in sets
        if found
    ]


def _told(lessons: list[Mapping[str, Any]], room: int) -> str:
    names = " + ".join(f"{_class(one)} {group_name(one)}" for one in lessons)
    elsewhere = {one["room_name"] for one in lessons if one["room"] not in (None, room)}
    rooms = [gettext("room %(room)s", room=name) for name in sorted(elsewhere)]
    return ", ".join([names, *rooms])


def _class(row: Mapping[str, Any]) -> str:
    return class_name(row["grade"], row["letter"])
