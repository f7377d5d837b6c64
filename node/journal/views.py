"""Routes of the journal: my day, a lesson, one cell of it, a term's grid, its results, the history of a cell."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from node import access
from node.attendance import queries as attendance
from node.calendar import queries as calendar_queries
from node.classes import queries as class_queries
from node.journal import actions, forms, history, proposals, queries
from node.journal.actions import Change
from node.journal.queries import Cell, Place
from node.people.queries import class_name, number_of
from node.request import acting, database
from shared.access import allow
from shared.dates import NO_LESSONS, date_of, parse_day
from shared.i18n import current_language, exact, gettext, row_name
from shared.indicators import value_label
from shared.problems import ChangedMeanwhile, InputProblem, InvalidValue, NotAllowed, NotFound
from shared.web import today, visitor

area = Blueprint("journal", __name__, url_prefix="/journal", template_folder="templates")

READ = access.RESULTS
WRITE = access.TEACHING
CHASED_DAYS = 7
LOWEST_KEY = 2
"""On a scale up to five the mark 1 is rare: it can be typed and is kept, and has no button."""
MOST_KEYS = 6


# ---- my day


@area.get("/")
@allow(*READ)
def index() -> ResponseReturnValue:
    """The visitor's lessons of a day, and the lessons whose attendance nobody has taken."""
    db, who, day = database(), visitor(), _chosen_day()
    teaches = who.has(*access.TEACHING) and who.person is not None
    kind = calendar_queries.day_kind(db, day)
    mine = queries.lessons(db, day, teacher=who.person) if teaches else []
    return render_template(
        "journal/index.html",
        day=day,
        iso=iso,
        free=kind in NO_LESSONS,
        kind=kind,
        teaches=teaches,
        lessons=mine,
        untaken=_untaken,
        chase=_chase(day),
        overlooked=_overlooked(day) if teaches else [],
        groups=_own_groups(),
        teacher_name=lambda person: queries.person_name(db, person, today()),
        class_name=class_name,
    )


def iso(day: int) -> str:
    """A day as addresses hold it: 2025-09-01."""
    return date_of(day).isoformat()


def _chosen_day() -> int:
    text = request.args.get("day", "")
    try:
        return parse_day(text) if text else today()
    except InvalidValue as error:
        raise NotFound() from error


def _untaken(lesson: Mapping[str, Any]) -> bool:
    """Has the lesson begun, and has nobody said that attendance was taken?"""
    now = datetime.datetime.now()
    begun = lesson["day"] < today() or (
        lesson["day"] == today() and (lesson["start"] or 0) <= now.hour * 60 + now.minute
    )
    return begun and not lesson["taken"]


def _chase(day: int) -> list[Mapping[str, Any]]:
    """Lessons of others without attendance: of the whole school, or of the classes one leads."""
    db, who = database(), visitor()
    classes = None if who.has(*access.ALL_RESULTS) else access.led_classes(db, who)
    if classes is not None and not classes:
        return []
    found = queries.lessons(db, day, classes=classes)
    return [one for one in found if _untaken(one) and one["teacher"] != who.person]


def _overlooked(day: int) -> list[Mapping[str, Any]]:
    """The visitor's own lessons of the days before whose attendance is not taken, the latest first."""
    db, person = database(), visitor().person
    found: list[Mapping[str, Any]] = []
    for earlier in range(day - 1, day - 1 - CHASED_DAYS, -1):
        found += [one for one in queries.lessons(db, earlier, teacher=person) if _untaken(one)]
    return found


def _own_groups() -> list[Mapping[str, Any]]:
    """The subject groups of this year whose journal the visitor reads: own ones, and of the classes one leads."""
    db, who = database(), visitor()
    year = class_queries.present_year(class_queries.years(db), today())
    led = access.led_classes(db, who)
    own = who.person if who.has(*access.TEACHING) else None
    all_ = who.has(*access.ALL_RESULTS)
    found = queries.groups(db, year.id) if year else []
    return [g for g in found if all_ or g["class_group"] in led or (own is not None and g["teacher"] == own)]


# ---- a lesson


@area.get("/lesson/<int:group_id>/<day>/<int:period>")
@allow(*READ)
def lesson(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """One lesson: topic, homework, a row for every pupil."""
    return _lesson_page(_place(group_id, day, period))


@area.post("/lesson/<int:group_id>/<day>/<int:period>")
@allow(*WRITE)
def keep_lesson(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """Save the whole form of a lesson at once; shows it again, with what was typed, when something is in the way."""
    place = _place(group_id, day, period)
    pupils = queries.members(database(), group_id, place.day, place.day)
    changes = forms.lesson_changes(request.form, pupils)
    try:
        with acting() as w:
            actions.save(w, place, visitor().person, today(), changes, request.form.get("reason", ""))
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


def _place(group_id: int, day: str, period: int) -> Place:
    try:
        return Place(group_id, parse_day(day), period)
    except InvalidValue as error:
        raise NotFound() from error


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
    _require_readable(found["group"], found["class_group"], found)
    locked = queries.is_locked(db, found["class_group"], place.day, place.day)
    teaches = who.has(*WRITE) and actions.teaches(found, who.person)
    writes = teaches and place.day <= today() and not locked
    scale = queries.scale_of(db, place.group)
    planned = queries.planned_topic(db, place)
    members = queries.members(db, place.group, place.day, place.day)
    letters = attendance.letters(db)
    return render_template(
        "journal/lesson.html",
        lesson=found,
        place=place,
        iso=iso(place.day),
        name=class_name(found["grade"], found["letter"]),
        writes=writes,
        locked=locked,
        late=today() - place.day > queries.edit_days(db),
        days=queries.edit_days(db),
        scale=scale,
        keys=_keys(scale),
        kinds=queries.work_kinds(db),
        planned=planned,
        pupils=queries.named(db, members, today()),
        away={} if found["taken"] else attendance.noted_away(db, members, place.day),
        cells=queries.lesson_cells(db, place),
        nobody=Cell(),
        typed={(c.field, c.pupil, c.slot): c.value for c in changes},
        seen_values={(c.field, c.pupil, c.slot): c.seen for c in changes}
        | {(c.field, c.pupil, c.slot): now for c, now in clashes},
        clashes={(c.field, c.pupil, c.slot): now for c, now in clashes},
        problem=problem,
        saved="saved" in request.args and not problem,
        kind=forms.whole(request.form.get("kind")),
        reason=request.form.get("reason", ""),
        letters=(letters["absent"], letters["late"]),
        drawing=_drawing(queries.cells(db, place.group, place.day, place.day), letters),
        shown=forms.shown,
        number_of=number_of,
        texts=texts(),
        now_taken=_untaken(found),
    )


def _keys(scale: queries.Scale | None) -> list[int]:
    """The marks that have a button each; none when the scale has too many for that."""
    if scale is None:
        return []
    keys = list(range(max(scale.low, LOWEST_KEY), scale.high + 1))
    return keys if len(keys) <= MOST_KEYS else []


def _require_readable(group_id: int, class_id: int, lesson: Mapping[str, Any] | None = None) -> None:
    """NotAllowed unless the visitor reads the whole school, leads the class, or teaches the group (or this lesson)."""
    db, who = database(), visitor()
    if who.has(*access.ALL_RESULTS) or class_id in access.led_classes(db, who):
        return
    if group_id in access.taught_groups(db, who):
        return
    if lesson is None or not actions.teaches(lesson, who.person):
        raise NotAllowed()


@area.post("/cell/<int:group_id>/<day>/<int:period>")
@allow(*WRITE)
def keep_cell(group_id: int, day: str, period: int) -> ResponseReturnValue:
    """Save one value of a lesson; answers with what the pupil's term comes to now, or with the value that stands."""
    place, change = _place(group_id, day, period), forms.one_change(request.form)
    try:
        with acting() as w:
            actions.save(w, place, visitor().person, today(), [change], request.form.get("reason", ""))
    except ChangedMeanwhile as problem:
        current = forms.shown(cast("tuple[Change, int | str | None]", problem.clashes[0])[1])
        told = {"error": problem.code, "sentence": problem.sentence(gettext), "current": current}
        return jsonify(
            told | {"author": history.last_author(database(), place, change, today())}
        ), problem.status
    return jsonify({"saved": True} | (_term_so_far(place, change.pupil) if change.field == "mark" else {}))


def _term_so_far(place: Place, pupil: int) -> dict[str, str]:
    db = database()
    term = queries.term_of(db, place.group, place.day)
    if term is None:
        return {}
    found = queries.cells(db, place.group, term["start"], term["end"])
    marks = [mark for (_, _, who), cell in found.items() if who == pupil for mark in cell.marks.values()]
    now = queries.standing(marks, queries.rule(db))
    return {"average": exact(now.average, 2), "proposed": forms.shown(now.proposed) or gettext("n/a")}


def texts() -> dict[str, str]:
    """What the script says, in the reader's language."""
    return {
        "saved": gettext("Saved"),
        "waiting": gettext("Waiting"),
        "refused": gettext("Not saved"),
        "offline": gettext("No connection: what you enter is kept in this browser and sent later."),
        "sign_in": gettext("Sign in again and open this page anew; what waits is sent then."),
        "clash": gettext("Someone wrote meanwhile:"),
        "theirs": gettext("Keep what stands there"),
        "mine": gettext("Write mine"),
        "nothing": gettext("(empty)"),
        "na": gettext("n/a"),
        "paste": gettext("Paste into the journal"),
        "paste_write": gettext("Write"),
        "paste_cancel": gettext("Cancel"),
        "paste_same": gettext("stays as it is"),
        "paste_scale": gettext("not on the scale"),
        "paste_word": gettext("not understood"),
        "paste_outside": gettext("no such cell"),
        "paste_late": gettext("needs a reason for the late change"),
    }


# ---- the grid of a term


@area.get("/group/<int:group_id>")
@allow(*READ)
def grid(group_id: int) -> ResponseReturnValue:
    """A term of a group: pupils down, lessons across, average and proposed mark at the end."""
    db, who = database(), visitor()
    group = _group(group_id)
    terms = queries.terms(db, group["year"], group["grade"])
    term = _chosen_term(terms)
    first, last = (term["start"], min(term["end"], today())) if term else (0, -1)
    cells = queries.cells(db, group_id, first, last)
    members = queries.members(db, group_id, first, last) if term and first <= last else frozenset()
    by = queries.rule(db)
    standings = queries.standings(cells, by)
    columns = queries.columns(db, group_id, first, last)
    letters = attendance.letters(db)
    locked = term is not None and queries.is_locked(db, group["class_group"], term["start"], term["end"])
    return render_template(
        "journal/grid.html",
        group=group,
        name=class_name(group["grade"], group["letter"]),
        terms=terms,
        term=term,
        label=_label,
        columns=columns,
        pupils=queries.named(db, members, today()),
        row=_row_maker(columns, cells, queries.membership(db, group_id), _drawing(cells, letters, by)),
        others=_other_results(group, term),
        decimal=exact(Fraction(1, 2), 1)[1],
        by=by,
        nothing=queries.Standing(None, None),
        standings=standings,
        writes=who.has(*WRITE) and group["teacher"] == who.person and not locked,
        locked=locked,
        scale=queries.scale_of(db, group_id),
        kinds=queries.work_kinds(db),
        given=queries.results(db, group_id, term["id"]) if term else {},
        shown=forms.shown,
        letters=(letters["absent"], letters["late"]),
        number_of=number_of,
        iso=iso,
        date_of=date_of,
        now=today(),
        texts=texts(),
        edit_from=today() - queries.edit_days(db),
        days=queries.edit_days(db),
    )


def _drawing(
    cells: Mapping[tuple[int, int, int], Cell], letters: Mapping[str, str], by: queries.Rule | None = None
) -> forms.Drawing:
    db = database()
    authors = {one.author for cell in cells.values() for one in cell.corrections if one.author}
    names = dict(queries.named(db, authors, today())) if authors else {}
    return forms.Drawing(letters, by.weights if by else {}, names)


def _other_results(
    group: Mapping[str, Any], term: Mapping[str, Any] | None
) -> list[tuple[str, Mapping[int, Mapping[str, Any]]]]:
    """The results of the year's other periods that have any, as the last columns: their names, and by pupil."""
    given = queries.all_results(database(), group["id"])
    given.pop(term["id"] if term else 0, None)
    if not given:
        return []
    terms = queries.result_terms(database(), group["year"], group["grade"])
    return [(_label(one), given[one["id"]]) for one in terms if one["id"] in given]


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


def _group(group_id: int) -> Mapping[str, Any]:
    found = queries.group(database(), group_id)
    if found is None:
        raise NotFound()
    _require_readable(group_id, found["class_group"])
    return found


def _chosen_term(terms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The term asked for, else that of today, else the last that has begun, else the first."""
    chosen = request.args.get("term", type=int)
    quarters = [t for t in terms if t["kind"] in ("quarter", "period")]
    begun = [t for t in quarters if t["start"] <= today()]
    fallback = begun[-1] if begun else next(iter(terms), None)
    return next((t for t in terms if t["id"] == chosen), fallback)


def _label(term: Mapping[str, Any]) -> str:
    kind, number = term["kind"], term["number"]
    return value_label("term", f"{kind}-{number}" if number else kind, current_language())


# ---- results of a term


@area.get("/results/<int:group_id>")
@allow(*READ)
def results(group_id: int) -> ResponseReturnValue:
    """The proposed marks of a term beside what the teacher gives."""
    return _results_page(group_id)


@area.post("/results/<int:group_id>")
@allow(*WRITE)
def give(group_id: int) -> ResponseReturnValue:
    """Confirm the results of a term."""
    group = _group(group_id)
    term = _chosen_term(queries.result_terms(database(), group["year"], group["grade"]))
    if term is None:
        raise NotFound()
    pupils = queries.members(database(), group_id, term["start"], term["end"])
    given = forms.results(request.form, pupils)
    try:
        with acting() as w:
            actions.give_results(w, group_id, term["id"], visitor().person, today(), given)
    except InputProblem as problem:
        at = {problem.details.get("pupil")}
        if isinstance(problem, ChangedMeanwhile):
            at |= {one.pupil for one, _ in cast("Sequence[tuple[actions.Result, object]]", problem.clashes)}
        page = _results_page(group_id, given, problem.sentence(gettext), at)
        return page, problem.status
    there = url_for("journal.results", group_id=group_id, term=term["id"], saved=1)
    return cast(ResponseReturnValue, redirect(there))


def _results_page(
    group_id: int,
    given: Sequence[actions.Result] = (),
    problem: str = "",
    at: set[object] | frozenset[object] = frozenset(),
) -> str:
    db, who = database(), visitor()
    group = _group(group_id)
    terms = queries.result_terms(db, group["year"], group["grade"])
    term = _chosen_term(terms)
    first, last = (term["start"], term["end"]) if term else (0, -1)
    locked = term is not None and term["id"] in queries.locked_terms(db, group["class_group"])
    scale = queries.scale_of(db, group_id)
    return render_template(
        "journal/results.html",
        group=group,
        name=class_name(group["grade"], group["letter"]),
        terms=terms,
        term=term,
        label=_label,
        pupils=queries.named(db, queries.members(db, group_id, first, last) if term else (), today()),
        standings=proposals.of_term(db, group, term) if term else {},
        nothing=proposals.NOTHING,
        free=term is not None and proposals.is_free(term),
        locked=locked,
        standing=queries.results(db, group_id, term["id"]) if term else {},
        typed={one.pupil: one for one in given},
        problem=problem,
        at=at,
        saved="saved" in request.args and not problem,
        writes=who.has(*WRITE) and group["teacher"] == who.person and bool(term) and not locked,
        begun=bool(term) and first <= today(),
        scale=scale,
        values=_values(scale),
        number_of=number_of,
        subject=row_name(group),
    )


def _values(scale: queries.Scale | None) -> list[int]:
    return list(range(scale.high, scale.low - 1, -1)) if scale else []


# ---- history of a cell


@area.post("/history/<int:group_id>/<day>/<int:period>/<int:pupil_id>")
@allow(*WRITE)
def keep_comment(group_id: int, day: str, period: int, pupil_id: int) -> ResponseReturnValue:
    """Write the comment of a cell."""
    change = Change(
        "comment", request.form.get("comment", "").strip(), request.form.get("seen", ""), pupil_id
    )
    try:
        with acting() as w:
            actions.save(w, _place(group_id, day, period), visitor().person, today(), [change])
    except InputProblem as problem:
        return _history_page(group_id, day, period, pupil_id, problem.sentence(gettext)), problem.status
    there = url_for("journal.cell_history", group_id=group_id, day=day, period=period, pupil_id=pupil_id)
    return cast(ResponseReturnValue, redirect(there))


@area.get("/history/<int:group_id>/<day>/<int:period>/<int:pupil_id>")
@allow(*READ)
def cell_history(group_id: int, day: str, period: int, pupil_id: int) -> ResponseReturnValue:
    """Who wrote what into a cell, and when, from the change log; its comment."""
    return _history_page(group_id, day, period, pupil_id)


def _history_page(group_id: int, day: str, period: int, pupil_id: int, problem: str = "") -> str:
    db, place = database(), _place(group_id, day, period)
    found = queries.lesson(db, place)
    if found is None or pupil_id not in queries.members(db, group_id, place.day, place.day):
        raise NotFound()
    _require_readable(group_id, found["class_group"], found)
    return render_template(
        "journal/history.html",
        lesson=found,
        place=place,
        iso=iso(place.day),
        name=class_name(found["grade"], found["letter"]),
        pupil=queries.person_name(db, pupil_id, today()),
        number=number_of(pupil_id),
        pupil_id=pupil_id,
        problem=problem,
        cell=queries.lesson_cells(db, place).get(pupil_id, Cell()),
        drawing=_drawing(queries.cells(db, group_id, place.day, place.day), attendance.letters(db)),
        writes=visitor().has(*WRITE)
        and actions.teaches(found, visitor().person)
        and not queries.is_locked(db, found["class_group"], place.day, place.day),
        steps=history.of_cell(db, place, pupil_id, today()),
    )
