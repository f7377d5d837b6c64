"""Routes of the timetable for all: weeks of people, classes and rooms, events, the calendar file and its addresses."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, cast

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import right
from node.calendar import queries as calendar
from node.fields import iso
from node.people.queries import class_name, staff_member
from node.request import acting, database
from node.timetable import actions, forms, ical, queries
from node.timetable.blueprint import area
from node.timetable.queries import Lesson
from node.timetable.weeks import Whose, day_instants, own_children, own_weeks, week_of
from shared.access import Visitor, allow
from shared.dates import MONDAY, parse_day, school_year_name
from shared.i18n import gettext, in_order, row_name
from shared.problems import InputProblem, InvalidValue, NotAllowed, NotFound
from shared.web import today, visitor

# ---- weeks


@area.get("/")
@right("timetable", "V")
def index() -> ResponseReturnValue:
    """The week of whoever is asked for; where nobody is, the visitor's own, or the first class's."""
    db, day = database(), _chosen_day()
    year = queries.school_year(db, day)
    classes = calendar.classes(db, year[0]) if year else []
    class_items = [(one["id"], class_name(one["grade"], one["letter"])) for one in classes]
    whose = _whose(request.args, year[0] if year else 0)
    if whose is None or not whose.leads:
        whose = next((Whose(name, class_group=one) for one, name in class_items), whose)
    groups = queries.groups(db, year[0]) if year else []
    names = queries.names(db, {one["teacher"] for one in groups}, today())
    shown = week_of(db, whose.lessons, day, today()) if whose else None
    return render_template(
        "timetable/index.html",
        whose=whose,
        week=shown,
        day=day,
        iso=iso,
        year=year,
        year_name=school_year_name(year[1]) if year else "",
        classes=classes,
        teachers=in_order(names.items(), lambda one: one[1]),
        class_items=class_items,
        room_items=[(one["id"], one["name"]) for one in queries.rooms(db)],
        own=own_weeks(),
        events=queries.events(db, *day_instants(shown.first, shown.last)) if shown else [],
        class_name=class_name,
        now=today(),
        edits=access.may(visitor(), "timetable", "E"),
    )


def _chosen_day() -> int:
    text = request.args.get("day", "")
    try:
        return parse_day(text) if text else queries.present_day(database(), today())
    except InvalidValue as error:
        raise NotFound() from error


def _whose(asked: Mapping[str, str], year: int) -> Whose | None:
    """Whose week is asked for. NotFound, of who is no colleague too, so that no other name shows; NotAllowed: a pupil
    who is neither the visitor nor a child of theirs.
    """
    db = database()
    if teacher := forms.whole(asked.get("teacher")):
        if staff_member(db, teacher) is None:
            raise NotFound()
        name = queries.names(db, [teacher], today()).get(teacher, "")
        return Whose(name or gettext("Teacher"), teacher=teacher)
    if class_group := forms.whole(asked.get("class")):
        row = db.execute(
            "SELECT grade, letter FROM class_group WHERE id = ? AND retired_at IS NULL", (class_group,)
        ).fetchone()
        if row is None:
            raise NotFound()
        return Whose(class_name(*row), class_group=class_group)
    if room := forms.whole(asked.get("room")):
        found = next((one for one in queries.rooms(db) if one["id"] == room), None)
        if found is None:
            raise NotFound()
        return Whose(gettext("room %(room)s", room=found["name"]), room=room)
    if child := forms.whole(asked.get("child")):
        if child not in own_children():
            raise NotAllowed()
        return Whose(queries.names(db, [child], today()).get(child, "") or gettext("Pupil"), pupil=child)
    return next(iter(own_weeks()), None)


@area.get("/sheet")
@right("timetable", "V")
def sheet() -> ResponseReturnValue:
    """The weekly timetable of all classes of a shift, to be printed and hung up."""
    db, day = database(), _chosen_day()
    year = queries.school_year(db, day)
    classes = calendar.classes(db, year[0]) if year else []
    shifts = sorted({one["shift"] or 1 for one in classes})
    shift = forms.whole(request.args.get("shift")) or next(iter(shifts), None)
    cells: dict[tuple[int, int, int], list[Mapping[str, Any]]] = {}
    periods: dict[int, set[int]] = {}
    for slot in queries.slots(db, year[0], day) if year else []:
        if (slot["shift"] or 1) == shift:
            cells.setdefault((slot["class_group"], slot["weekday"], slot["period"]), []).append(slot)
            periods.setdefault(slot["weekday"], set()).add(slot["period"])
    names = {one: gettext("Shift %(shift)s", shift=one) for one in shifts}
    return render_template(
        "timetable/sheet.html",
        day=day,
        iso=iso,
        shift=shift,
        shifts=shifts,
        tab_items=[
            (names[one], url_for("timetable.sheet", shift=one, day=iso(day)), one == shift) for one in shifts
        ],
        classes=[one for one in classes if (one["shift"] or 1) == shift],
        cells=cells,
        days=[(weekday, sorted(found)) for weekday, found in sorted(periods.items())],
        class_name=class_name,
        monday=MONDAY,
    )


# ---- events


@area.get("/events")
@right("timetable", "V")
def events() -> ResponseReturnValue:
    """The school's events of a year."""
    return _events_page()


def _events_page(problem: str = "", typed: Mapping[str, str] | None = None) -> str:
    db = database()
    year = queries.school_year(db, _chosen_day())
    first, last = day_instants(year[1], year[2]) if year else (0, 0)
    return render_template(
        "timetable/events.html",
        events=queries.events(db, first, last),
        edits=access.may(visitor(), "timetable", "E"),
        problem=problem,
        typed=typed or _event_as_typed(),
    )


def _event_as_typed() -> Mapping[str, str]:
    """The event named by `edit` as the form holds it."""
    chosen = forms.whole(request.args.get("edit"))
    found = queries.event(database(), chosen) if chosen is not None else None
    return forms.typed_event(found) if found else {}


@area.post("/events")
@right("timetable", "E")
def keep_event() -> ResponseReturnValue:
    """Enter an event."""
    try:
        start, end = forms.event_span(request.form)
        with acting() as w:
            actions.save_event(
                w,
                forms.whole(request.form.get("event")),
                start,
                end,
                request.form.get("title", ""),
                request.form.get("place", ""),
            )
    except InputProblem as problem:
        return _events_page(problem.sentence(gettext), request.form), problem.status
    return cast(ResponseReturnValue, redirect(url_for("timetable.events")))


@area.post("/events/cancel")
@right("timetable", "E")
def cancel_event() -> ResponseReturnValue:
    """Take an event out."""
    with acting() as w:
        actions.cancel_event(w, forms.needed(request.form.get("event")))
    return cast(ResponseReturnValue, redirect(url_for("timetable.events")))


# ---- iCalendar


@area.get("/lessons.ics")
@right("timetable", "V")
def file() -> ResponseReturnValue:
    """The calendar file of whoever is asked for, of the whole school year."""
    year = queries.school_year(database(), today())
    whose = _whose(request.args, year[0] if year else 0)
    if whose is None or year is None:
        raise NotFound()
    return _calendar(whose.name, whose.lessons(year[1], year[2]), year, whose.teacher)


def _calendar(name: str, lessons: list[Lesson], year: tuple[int, int, int], teacher: int | None) -> Response:
    db = database()
    lessons = [one for one in lessons if not one.dropped]
    names = queries.names(db, {one.teacher for one in lessons}, today())

    def title(lesson: Lesson) -> str:
        place = class_name(lesson.slot["grade"], lesson.slot["letter"])
        parts = [place, row_name(lesson.slot), lesson.slot["part"] or ""]
        if teacher is None:
            parts[0] = names.get(lesson.teacher or 0, "")
            parts = [parts[1], parts[2], parts[0]]
        if lesson.substitute is not None and lesson.substitute != teacher:
            parts.append(gettext("substitution"))
        return ", ".join(part for part in parts if part)

    content = ical.calendar(
        name,
        lessons,
        queries.events(db, *day_instants(year[1], year[2])),
        now=datetime.datetime.now(datetime.UTC),
        sequence=db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0],
        title=title,
        person=teacher,
    )
    answer = Response(content, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = 'attachment; filename="mektep.ics"'
    return answer


@area.get("/addresses")
@right("timetable", "V")
def addresses() -> ResponseReturnValue:
    """The secret addresses the visitor has made, and the file to take along."""
    return _addresses_page()


def _addresses_page(fresh: str = "") -> str:
    db = database()
    own = own_weeks()
    of_person = {one.teacher or one.pupil: one.name for one in own if one.class_group is None}
    return render_template(
        "timetable/addresses.html",
        addresses=queries.addresses(db, visitor().account),
        own=own,
        of_person=of_person,
        fresh=fresh,
    )


@area.post("/addresses")
@right("timetable", "V")
def new_address() -> ResponseReturnValue:
    """Make a secret address; it is shown this once."""
    person = forms.needed(request.form.get("person"))
    if person not in {one.teacher or one.pupil for one in own_weeks()}:
        raise NotAllowed()
    with acting() as w:
        secret = actions.new_address(w, visitor().account, person)
    return _addresses_page(url_for("timetable.feed", secret=secret, _external=True))


@area.post("/addresses/end")
@right("timetable", "V")
def end_address() -> ResponseReturnValue:
    """Let an address open nothing any more."""
    with acting() as w:
        actions.end_address(w, visitor().account, forms.needed(request.form.get("address")))
    return cast(ResponseReturnValue, redirect(url_for("timetable.addresses")))


@area.get("/feed/<secret>.ics")
@allow.machine
def feed(secret: str) -> ResponseReturnValue:
    """The calendar of a secret address, for a program that asks again and again. NotFound: it opens nothing (now)."""
    db = database()
    row = queries.feed_owner(db, actions.digest_of(secret))
    owner = access.identify(db, row["account"]) if row else None
    year = queries.school_year(db, today())
    if row is None or owner is None or year is None or owner.must_change:
        raise NotFound()
    person = row["person"]
    works = owner.has(*access.STAFF) and access.may(owner, "timetable", "V") and owner.person == person
    if not works and not _still_own(owner, person):
        raise NotFound()
    kind = {"teacher": person} if works else {"pupil": person}
    lessons = queries.agenda(db, year[1], year[2], **kind)
    return _calendar(gettext("Lessons"), lessons, year, person if works else None)


def _still_own(owner: Visitor, person: int) -> bool:
    """Is the person the account's own pupil still: themselves, or a child whose data they may read?"""
    return person in access.own_children(database(), owner) or (owner.has("pupil") and owner.person == person)
