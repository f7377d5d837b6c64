"""Routes of a lesson: its page with a row for every pupil, and one value of it saved in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node.attendance import queries as attendance
from node.fields import iso
from node.journal import actions, forms, history, pages, queries, rows
from node.journal.blueprint import area
from node.journal.desk import Change, teaches
from node.journal.queries import Cell, Place
from node.people.queries import class_name, number_of
from node.request import acting, database
from shared.access import allow
from shared.i18n import exact, gettext, row_name
from shared.problems import ChangedMeanwhile, InputProblem, NotFound
from shared.web import visitor


@area.get("/lesson/<int:group_id>/<day>/<int:period>")
@allow(*pages.READ)
def lesson(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """One lesson: topic, homework, a row for every pupil."""
    return _lesson_page(pages.place_of(group_id, day, period))


@area.post("/lesson/<int:group_id>/<day>/<int:period>")
@allow(*pages.WRITE)
def keep_lesson(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """Save the whole form of a lesson at once; shows it again, with what was typed, when something is in the way."""
    place = pages.place_of(group_id, day, period)
    pupils = queries.members(database(), group_id, place.day, place.day)
    changes = forms.lesson_changes(request.form, pupils)
    try:
        with acting() as w:
            actions.save(w, place, visitor().person, pages.today(), changes, request.form.get("reason", ""))
    except InputProblem as problem:
        clashes = problem.clashes if isinstance(problem, ChangedMeanwhile) else ()
        page = _lesson_page(
            place, changes, cast(Sequence[tuple[Change, object]], clashes), problem.sentence(gettext)
        )
        return page, problem.status
    return cast(
        ResponseReturnValue,
        redirect(url_for("journal.lesson", group_id=group_id, day=day, period=period, saved=1)),
    )


def _lesson_page(
    place: Place,
    changes: Sequence[Change] = (),
    clashes: Sequence[tuple[Change, object]] = (),
    problem: str = "",
) -> str:
    db, who = database(), visitor()
    found = queries.lesson(db, place)
    if found is None:
        raise NotFound()
    pages.require_readable(found["group"], found["class_group"], found)
    pages.note_reading(found)
    locked = queries.is_locked(db, found["class_group"], place.day, place.day)
    own = who.has(*pages.WRITE) and teaches(found, who.person)
    writes = own and place.day <= pages.today() and not locked
    scale = queries.scale_of(db, place.group)
    planned = queries.planned_topic(db, place)
    members = queries.members(db, place.group, place.day, place.day)
    away = {} if found["taken"] else attendance.noted_away(db, members, place.day)
    announced = frozenset() if found["taken"] else attendance.announced(db, members - away.keys(), place.day)
    letters, kinds = attendance.letters(db), queries.work_kinds(db)
    signs = list(letters.values())
    cells = queries.lesson_cells(db, place)
    struck = queries.struck_lines(db, place.group, place.day, place.day).get((place.day, place.period), [])
    usual, second = (queries.usual_kind(cells.values(), slot) for slot in queries.SLOTS)
    usual = usual or (kinds[0]["id"] if kinds else None)
    seen_kinds = (usual, second if second != usual else None)
    return render_template(
        "journal/lesson.html",
        lesson=found,
        place=place,
        iso=iso(place.day),
        name=class_name(found["grade"], found["letter"]),
        writes=writes,
        locked=locked,
        late=pages.today() - place.day > queries.edit_days(db),
        days=queries.edit_days(db),
        scale=scale,
        keys=rows.marks_with_keys(scale),
        status_choice=rows.choice(rows.status_keys(signs)),
        mark_choice=rows.choice(rows.mark_keys(rows.marks_with_keys(scale))),
        kinds=kinds,
        planned=planned,
        off_plan=bool(planned and found["topic"])
        and queries.item_of_topic(db, place, found["topic"]) is None,
        pupils=queries.named(db, members, pages.today()),
        away=away,
        announced=announced,
        cells=cells,
        nobody=Cell(),
        typed={(c.field, c.pupil, c.slot): c.value for c in changes},
        seen_values={(c.field, c.pupil, c.slot): c.seen for c in changes}
        | {(c.field, c.pupil, c.slot): now for c, now in clashes},
        clashes={(c.field, c.pupil, c.slot): now for c, now in clashes},
        problem=problem,
        saved="saved" in request.args and not problem,
        usual=usual,
        chosen_kinds=_of_form("kind", seen_kinds),
        seen_kinds=_of_form("seen-kind", seen_kinds),
        name_of_kind={kind["id"]: row_name(kind) for kind in kinds},
        reason=request.form.get("reason", ""),
        letters=signs,
        gives=pages.gives_reasons(found["class_group"]),
        drawing=pages.drawing_of(
            queries.cells(db, place.group, place.day, place.day), letters, struck=struck
        ),
        struck=struck,
        shown=forms.shown,
        number_of=number_of,
        now_taken=pages.untaken(found),
    )


def _of_form(name: str, otherwise: Sequence[int | None]) -> list[int | None]:
    """The kinds of work of the first and the second mark as they were sent, or others where nothing was."""
    sent = request.form
    return [
        forms.whole(sent[field]) if field in sent else one
        for field, one in zip((name, f"{name}-1"), otherwise, strict=True)
    ]


@area.post("/cell/<int:group_id>/<day>/<int:period>")
@allow(*pages.WRITE)
def keep_cell(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """Save one value of a lesson; answers with what the pupil's term comes to now, or with the value that stands."""
    place, change = pages.place_of(group_id, day, period), forms.one_change(request.form)
    reason, gives = request.form.get("reason", ""), change.explains and _leads(group_id)
    try:
        with acting() as w:
            actions.save(w, place, visitor().person, pages.today(), [change], reason, gives_reasons=gives)
    except ChangedMeanwhile as problem:
        current = forms.shown(cast("tuple[Change, int | str | None]", problem.clashes[0])[1])
        told = {"error": problem.code, "sentence": problem.sentence(gettext), "current": current}
        told |= _kind_now(place, change)
        account, author = history.last_author(database(), place, change, pages.today())
        whose = {"author": author, "own": account == visitor().account}
        return jsonify(told | whose), problem.status
    now = _term_so_far(place, change.pupil) | _kind_now(place, change) if change.field == "mark" else {}
    return jsonify({"saved": True} | now)


def _leads(group_id: int) -> bool:
    group = queries.group(database(), group_id)
    return group is not None and pages.gives_reasons(group["class_group"])


def _kind_now(place: Place, change: Change) -> dict[str, str]:
    """The kind of work of the mark that stands in a cell, for the script."""
    if change.field != "mark":
        return {}
    cell = queries.lesson_cells(database(), place).get(change.pupil, Cell())
    mark = cell.marks.get(change.slot)
    return {"kind": forms.shown(mark.kind if mark and mark.value is not None else None)}


def _term_so_far(place: Place, pupil: int) -> dict[str, str]:
    db = database()
    term = queries.term_of(db, place.group, place.day)
    if term is None:
        return {}
    found = queries.reckoned(db, place.group, term["start"], term["end"])
    marks = [mark for (_, _, who), cell in found.items() if who == pupil for mark in cell.marks.values()]
    now = queries.standing(marks, queries.rule(db))
    return {"average": exact(now.average, 2), "proposed": forms.shown(now.proposed) or gettext("n/a")}
