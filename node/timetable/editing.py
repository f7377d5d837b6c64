"""Routes of the timetable's editor: a grid for a class or a teacher, one cell with its rooms, the warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.access import right
from node.calendar import queries as calendar
from node.fields import iso
from node.people.queries import class_name
from node.request import acting, database
from node.timetable import actions, copying, forms, queries
from node.timetable.blueprint import area
from node.timetable.clashes import Entry, meet, reasons
from node.timetable.desk import FEWEST_PERIODS, Desk, Row, desk_of, group_name, longest_week, saved
from node.timetable.warnings import entries, entry_maker, warning_lines, warnings_of
from shared.dates import MONDAY
from shared.i18n import gettext, row_name
from shared.problems import InputProblem, NotFound
from shared.web import today

# ---- the grid


@area.get("/edit/class/<int:class_id>")
@right("timetable", "E")
def edit_class(class_id: int) -> ResponseReturnValue:
    """The week of a class as a grid of choices."""
    return _class_page(class_id)


@area.post("/edit/class/<int:class_id>")
@right("timetable", "E")
def keep_class(class_id: int) -> ResponseReturnValue:
    """Keep what changed in the grid of a class."""
    desk = desk_of()
    try:
        with acting() as w:
            for (weekday, period), chosen in forms.cells(request.form).items():
                wanted = {group: actions.usual_room(w.db, group) for group in chosen}
                actions.set_cell(w, class_id, weekday, period, wanted, desk.day)
    except InputProblem as problem:
        return _class_page(class_id, problem.sentence(gettext)), problem.status
    return saved("edit_class", desk, class_id=class_id)


@area.get("/edit/teacher/<int:person_id>")
@right("timetable", "E")
def edit_teacher(person_id: int) -> ResponseReturnValue:
    """The week of a teacher as a grid of choices."""
    return _teacher_page(person_id)


@area.post("/edit/teacher/<int:person_id>")
@right("timetable", "E")
def keep_teacher(person_id: int) -> ResponseReturnValue:
    """Keep what changed in the grid of a teacher."""
    desk = desk_of()
    try:
        with acting() as w:
            for (weekday, period), chosen in forms.cells(request.form).items():
                wanted = {group: actions.usual_room(w.db, group) for group in chosen}
                actions.set_teachers_cell(w, person_id, weekday, period, wanted, desk.day)
    except InputProblem as problem:
        return _teacher_page(person_id, problem.sentence(gettext)), problem.status
    return saved("edit_teacher", desk, person_id=person_id)


def _class_page(class_id: int, problem: str = "") -> str:
    db, desk = database(), desk_of()
    one = next((c for c in calendar.classes(db, desk.year) if c["id"] == class_id), None)
    if one is None:
        raise NotFound()
    return _grid_page(
        desk,
        [g for g in queries.groups(db, desk.year) if g["class_group"] == class_id],
        [s for s in queries.slots(db, desk.year, desk.day) if s["class_group"] == class_id],
        name=class_name(one["grade"], one["letter"]),
        weekdays=one["week_days"],
        rings=calendar.rings(db, one["shift"], one["grade"]),
        label=group_name,
        class_id=class_id,
        problem=problem,
    )


def _teacher_page(person_id: int, problem: str = "") -> str:
    db, desk = database(), desk_of()
    groups = [g for g in queries.groups(db, desk.year) if g["teacher"] == person_id]
    if not groups:
        raise NotFound()
    slots = queries.slots(db, desk.year, desk.day)
    return _grid_page(
        desk,
        groups,
        [s for s in slots if s["teacher"] == person_id],
        name=queries.names(db, [person_id], today()).get(person_id, "") or gettext("Teacher"),
        weekdays=longest_week(desk.year, slots),
        rings={},
        label=lambda row: f"{class_name(row['grade'], row['letter'])} {group_name(row)}",
        person_id=person_id,
        problem=problem,
    )


def _grid_page(
    desk: Desk, groups: list[Mapping[str, Any]], slots: list[Mapping[str, Any]], **more: Any
) -> str:
    label = more.pop("label")
    chosen: dict[forms.Cell, set[int]] = {}
    placed: dict[int, int] = {}
    for slot in slots:
        chosen.setdefault((slot["weekday"], slot["period"]), set()).add(slot["group"])
        placed[slot["group"]] = placed.get(slot["group"], 0) + 1
    rings = more["rings"]
    last = max([FEWEST_PERIODS, *rings, *(slot["period"] for slot in slots)])
    first = min([1, *rings, *(slot["period"] for slot in slots)])
    names = {one["id"]: label(one) for one in groups}
    found = warnings_of(database(), desk.year, desk.day)
    ids = set(names)
    return render_template(
        "timetable/edit.html",
        desk=desk,
        iso=iso,
        rows=[
            Row(period, period, str(period), rings.get(period, (None,))[0])
            for period in range(first, min(last, queries.LAST_PERIOD) + 1)
        ],
        cells={cell: forms.choice(frozenset(ids)) for cell, ids in chosen.items()},
        options=_options(groups, chosen.values(), names),
        hours=[(names[one["id"]], placed.get(one["id"], 0), one["hours_week"]) for one in groups],
        lines=warning_lines(database(), found, today(), ids),
        monday=MONDAY,
        saved="saved" in request.args,
        offers=copying.offers(database(), desk.year),
        **more,
    )


def _options(groups: list[Mapping[str, Any]], chosen: Any, names: Mapping[int, str]) -> list[tuple[str, str]]:
    """What a cell may hold: each group, all parts of a split subject together, and what cells hold now."""
    found = {forms.choice(frozenset({one["id"]})): names[one["id"]] for one in groups}
    parts: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for one in groups:
        parts.setdefault((one["class_group"], one["subject"]), []).append(one)
    for together in parts.values():
        if len(together) > 1:
            key = forms.choice(frozenset(one["id"] for one in together))
            whole = gettext("%(subject)s: all parts", subject=row_name(together[0]))
            found[key] = whole
    for ids in chosen:
        key = forms.choice(frozenset(ids))
        found.setdefault(key, " + ".join(names.get(group, "—") for group in sorted(ids)))
    return list(found.items())


# ---- one cell


@area.get("/cell/<int:class_id>/<int:weekday>/<int:period>")
@right("timetable", "E")
def cell(class_id: int, weekday: int, period: int) -> ResponseReturnValue:
    """One cell of a class: any of its groups, each with its room, and who is busy then."""
    return _cell_page(class_id, weekday, period)


@area.post("/cell/<int:class_id>/<int:weekday>/<int:period>")
@right("timetable", "E")
def keep_cell(class_id: int, weekday: int, period: int) -> ResponseReturnValue:
    """Keep a cell."""
    desk = desk_of()
    try:
        with acting() as w:
            actions.set_cell(w, class_id, weekday, period, forms.cell(request.form), desk.day)
    except InputProblem as problem:
        return _cell_page(class_id, weekday, period, problem.sentence(gettext)), problem.status
    return saved("edit_class", desk, class_id=class_id)


def _cell_page(class_id: int, weekday: int, period: int, problem: str = "") -> str:
    db, desk = database(), desk_of()
    one = next((c for c in calendar.classes(db, desk.year) if c["id"] == class_id), None)
    if one is None or not 1 <= weekday <= queries.WEEKDAYS or period > queries.LAST_PERIOD:
        raise NotFound()
    groups = [g for g in queries.groups(db, desk.year) if g["class_group"] == class_id]
    here = {
        slot["group"]: slot["room"]
        for slot in queries.slots(db, desk.year, desk.day)
        if (slot["class_group"], slot["weekday"], slot["period"]) == (class_id, weekday, period)
    }
    make, all_entries = entry_maker(db, desk.day), entries(db, desk.year, desk.day)
    busy, taken = {}, set[int]()
    for group in groups:
        wish = make(
            dict(group)
            | {"id": 0, "group": group["id"], "weekday": weekday, "period": period, "room": None}
            | {"first": desk.day, "last": desk.last}
        )
        others = [
            entry for entry in all_entries if "teacher" in reasons(wish, entry) and entry.group not in here
        ]
        busy[group["id"]] = _place(others)
        taken |= {
            entry.room
            for entry in all_entries
            if meet(wish, entry) and entry.room and entry.class_group != class_id
        }
    return render_template(
        "timetable/cell.html",
        desk=desk,
        iso=iso,
        class_id=class_id,
        weekday=weekday,
        period=period,
        name=class_name(one["grade"], one["letter"]),
        groups=groups,
        group_name=group_name,
        placed=here,
        usual={group["id"]: actions.usual_room(db, group["id"]) for group in groups},
        rooms=queries.rooms(db),
        busy=busy,
        taken=taken,
        names=queries.names(db, {group["teacher"] for group in groups}, today()),
        monday=MONDAY,
        problem=problem,
    )


def _place(entries: list[Entry]) -> str:
    """Where a teacher is then, as the names of classes."""
    db = database()
    found = []
    for entry in entries:
        row = db.execute(
            "SELECT grade, letter FROM class_group WHERE id = ?", (entry.class_group,)
        ).fetchone()
        found.append(class_name(*row))
    return ", ".join(found)


# ---- last year's


@area.post("/copy")
@right("timetable", "E")
def copy_last_year() -> ResponseReturnValue:
    """Take last year's timetable over for every class that has none."""
    desk = desk_of()
    with acting() as w:
        done = copying.copy_last_year(w, desk.year, desk.day)
    values: dict[str, Any] = {"from": iso(desk.day), "copied": done.slots, "left": done.left}
    there = url_for("timetable.warnings", **values)
    return cast(ResponseReturnValue, redirect(there))


# ---- warnings


@area.get("/warnings")
@right("timetable", "E")
def warnings() -> ResponseReturnValue:
    """All that is wrong with the timetable as it holds on a day."""
    desk = desk_of()
    found = warnings_of(database(), desk.year, desk.day)
    return render_template(
        "timetable/warnings.html",
        desk=desk,
        iso=iso,
        lines=warning_lines(database(), found, today()),
        count=found.count,
        copied=request.args.get("copied", type=int),
        left=request.args.get("left", 0, type=int),
        offers=copying.offers(database(), desk.year),
    )
