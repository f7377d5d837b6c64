"""Routes of attendance: the school today, a class by day, week and month, one pupil."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import right
from node.attendance import actions, forms, queries
from node.attendance.blueprint import area
from node.attendance.queries import Alert, Day, Total
from node.classes import queries as class_queries
from node.fields import iso
from node.journal import queries as journal_queries
from node.people import queries as people_queries
from node.people.queries import class_name, number_of
from node.reading.noting import noted, noted_list
from node.request import acting, database
from shared.access import allow
from shared.dates import date_of, parse_day
from shared.i18n import gettext
from shared.problems import InputProblem, InvalidValue, NotAllowed, NotFound
from shared.schema import NOTE_REFUSALS
from shared.web import minute_of_day, today, visitor

ALL = access.everywhere("attendance", "V")
READ = (*ALL, "class_teacher")
"""Read a whole class: every one, or the one they lead. A subject teacher sees attendance lesson by lesson."""
GIVE = ("class_teacher",)
CHASED_DAYS = 7
VIEWS = ("day", "week", "month")


# ---- the school


@area.get("/")
@right("attendance", "V")
def index() -> ResponseReturnValue:
    """Alerts, lessons nobody has taken, the classes one reads; for pupils and guardians, whose days they read."""
    db, who, now = database(), visitor(), today()
    if not who.has(*access.STAFF):
        own = access.own_children(db, who) | ({who.person} if who.has("pupil") and who.person else set())
        if len(own) == 1:
            return redirect(url_for("attendance.pupil", person_id=next(iter(own))))
        return render_template("attendance/own.html", own=journal_queries.named(db, own, now))
    year = class_queries.present_year(class_queries.years(db), now)
    classes = class_queries.classes(db, year, now) if year else []
    led = access.led_classes(db, who)
    everything = who.has(*ALL)
    readable = [one for one in classes if everything or one["id"] in led]
    ids = {one["id"] for one in readable}
    found = queries.not_taken(db, now - CHASED_DAYS, now, None if everything else ids) if ids else []
    chase = [one for one in found if queries.is_over(one, now, minute_of_day())]
    names = dict(journal_queries.named(db, {one["teacher"] for one in chase if one["teacher"]}, now))
    alerts = alerts_for_visitor()
    if everything and (alerts or chase):
        noted_list("attendance")
    taught = frozenset[int]() if everything else access.taught_classes(db, who) - led
    return render_template(
        "attendance/index.html",
        classes=readable,
        leads=not everything,
        reasons=[
            (class_name(one["grade"], one["letter"]), people_queries.full_name(one) if one["teacher"] else "")
            for one in classes
            if one["id"] in taught
        ],
        class_name=class_name,
        alerts=alerts,
        chase=sorted(chase, key=lambda one: (names.get(one["teacher"], ""), one["day"], one["period"])),
        names=names,
        iso=iso,
        number_of=number_of,
    )


def alerts_for_visitor() -> list[tuple[Alert, str]]:
    """The alerts that the visitor is told of, with the pupil's name: of the school, or of the own class."""
    db, who, now = database(), visitor(), today()
    year = class_queries.present_year(class_queries.years(db), now)
    classes = None if who.has(*ALL) else access.led_classes(db, who)
    if year is None or (classes is not None and not classes):
        return []
    found = queries.alerts(db, year.start, min(now, year.end), classes)
    names = dict(journal_queries.named(db, {one.pupil for one in found}, now))
    return [(one, names.get(one.pupil, "")) for one in found]


# ---- a class


@dataclass(frozen=True)
class Span:
    """What a page shows: the days, and the addresses of the pages before and after."""

    kind: str
    day: int
    first: int
    last: int
    before: int
    after: int


def _span() -> Span:
    kind = request.args.get("view", "day")
    if kind not in VIEWS:
        raise NotFound()
    text = request.args.get("day", "")
    try:
        day = parse_day(text) if text else today()
    except InvalidValue as error:
        raise NotFound() from error
    if kind == "day":
        return Span(kind, day, day, day, day - 1, day + 1)
    if kind == "week":
        first = day - date_of(day).weekday()
        return Span(kind, day, first, first + 6, first - 7, first + 7)
    first = day - date_of(day).day + 1
    following = date_of(first + 31).replace(day=1)
    after = first + (following - date_of(first)).days
    return Span(kind, day, first, after - 1, first - 1, after)


@area.get("/class/<int:class_id>")
@allow(*READ)
def show(class_id: int) -> ResponseReturnValue:
    """A class by day (lesson by lesson, with reasons), week or month."""
    found, span = _class(class_id), _span()
    if class_id not in access.led_classes(database(), visitor()):
        noted_list("attendance", class_name(found["grade"], found["letter"]), class_id)
    return _page(class_id, span)


def _class(class_id: int) -> Mapping[str, Any]:
    found = class_queries.class_group(database(), class_id, today())
    if found is None:
        raise NotFound()
    if not visitor().has(*ALL) and class_id not in access.led_classes(database(), visitor()):
        raise NotAllowed()
    return found


def _page(class_id: int, span: Span, problem: str = "", typed: Mapping[str, str] | None = None) -> str:
    db = database()
    found = _class(class_id)
    pupils = queries.enrolled(db, class_id, span.first, span.last)
    days = queries.days(db, pupils, span.first, span.last)
    of_pupil: dict[int, list[Day]] = {}
    for (pupil, _), one in days.items():
        of_pupil.setdefault(pupil, []).append(one)
    lessons = queries.lessons(db, class_id, span.first, min(span.last, today()))
    named = journal_queries.named(db, pupils, today())
    shown = sorted({day for day, _, _ in lessons} | {day for _, day in days})
    waiting = queries.waiting(db, [class_id])
    return render_template(
        "attendance/show.html",
        group=found,
        name=class_name(found["grade"], found["letter"]),
        span=span,
        views=VIEWS,
        iso=iso,
        pupils=named,
        absent=[one for one in named if (one[0], span.day) in days and days[one[0], span.day].absent],
        days=days,
        totals={pupil: queries.total(some) for pupil, some in of_pupil.items()},
        nothing=Total({}, {}, 0),
        columns=shown,
        open_lessons={
            day: sum(not taken for (on, *_), taken in lessons.items() if on == day) for day in shown
        },
        held={day: sum(on == day for on, *_ in lessons) for day in shown},
        sheet=queries.sheet(db, class_id, span.day) if span.kind == "day" else None,
        notes=queries.notes(db, pupils, span.first, max(span.last, today() + actions.DAYS_AHEAD)),
        waiting=[(one, _there(one)) for one in waiting],
        from_parents=dict(journal_queries.named(db, {one["pupil"] for one in waiting}, today())),
        refusals=NOTE_REFUSALS,
        answers=access.reaches_class(db, visitor(), "absence_notes", "A", class_id),
        reasons=queries.REASONS,
        letters=queries.letters(db),
        gives=class_id in access.led_classes(db, visitor()),
        number_of=number_of,
        date_of=date_of,
        problem=problem,
        typed=typed or {},
        saved="saved" in request.args and not problem,
        **_noted(pupils),
    )


def _noted(pupils: Collection[int]) -> dict[str, Any]:
    """The note that was just written, and the days of it on which its pupil was at lessons all the same."""
    number = request.args.get("noted", 0, type=int)
    note = queries.note(database(), number) if request.method == "GET" and number else None
    if note is None or note["state"] != "accepted" or note["pupil"] not in pupils:
        return {"noted": None, "present": []}
    return {"noted": note, "present": _there(note)}


def _there(note: Mapping[str, Any]) -> list[int]:
    """The days of a note on which its pupil was at lessons."""
    spell = queries.days(database(), [note["pupil"]], note["start"], note["end"])
    return sorted(one.day for one in spell.values() if one.absent < one.expected)


@area.post("/class/<int:class_id>/reasons")
@allow(*GIVE)
def give_reasons(class_id: int) -> ResponseReturnValue:
    """Give the absences of a day their reasons, of the whole day or of one lesson."""
    _require_led(class_id)
    span = _span()
    try:
        with acting() as w:
            by_lesson = forms.lesson_reasons(request.form)
            actions.give_reasons(w, class_id, span.day, forms.reasons(request.form), by_lesson)
    except InputProblem as problem:
        return _page(class_id, span, problem.sentence(gettext)), problem.status
    return _back(class_id, span)


@area.post("/class/<int:class_id>/note")
@allow(*GIVE)
def add_note(class_id: int) -> ResponseReturnValue:
    """Close a span of days with a note."""
    _require_led(class_id)
    span = _span()
    if not request.form.get("pupil") or not request.form.get("reason"):
        return _page(class_id, span, gettext("Choose the pupil and the reason."), request.form), 422
    try:
        with acting() as w:
            start, end = forms.span(request.form)
            pupil = forms.needed(request.form.get("pupil"))
            note = actions.add_note(w, class_id, pupil, start, end, request.form.get("reason", ""))
    except InputProblem as problem:
        return _page(class_id, span, problem.sentence(gettext), request.form), problem.status
    return _back(class_id, span, note)


@area.post("/class/<int:class_id>/note/withdraw")
@allow(*GIVE)
def withdraw_note(class_id: int) -> ResponseReturnValue:
    """Take a note back."""
    _require_led(class_id)
    try:
        with acting() as w:
            actions.withdraw_note(w, class_id, forms.needed(request.form.get("note")))
    except InputProblem as problem:
        return _page(class_id, _span(), problem.sentence(gettext)), problem.status
    return _back(class_id, _span())


@area.post("/class/<int:class_id>/note/accept")
@right("absence_notes", "A")
def accept_note(class_id: int) -> ResponseReturnValue:
    """Accept a note that a parent handed in: it is one like any other from here on."""
    _require_answers(class_id)
    span, note = _span(), forms.needed(request.form.get("note"))
    try:
        with acting() as w:
            actions.accept(w, class_id, note, visitor().account, today())
    except InputProblem as problem:
        return _page(class_id, span, problem.sentence(gettext)), problem.status
    return _back(class_id, span, note)


@area.post("/class/<int:class_id>/note/decline")
@right("absence_notes", "A")
def decline_note(class_id: int) -> ResponseReturnValue:
    """Decline a note that a parent handed in, for a reason that the family reads."""
    _require_answers(class_id)
    span, form = _span(), request.form
    note, refusal, remark = forms.needed(form.get("note")), form.get("refusal", ""), form.get("remark", "")
    if not refusal and not remark.strip():
        problem = gettext("Say why: choose a reason, or write a sentence. The family reads it.")
        return _page(class_id, span, problem), 422
    try:
        with acting() as w:
            actions.decline(w, class_id, note, visitor().account, today(), refusal, remark)
    except InputProblem as refused:
        return _page(class_id, span, refused.sentence(gettext)), refused.status
    return _back(class_id, span)


def _require_answers(class_id: int) -> None:
    if not access.reaches_class(database(), visitor(), "absence_notes", "A", class_id):
        raise NotAllowed()


def _require_led(class_id: int) -> None:
    if class_id not in access.led_classes(database(), visitor()):
        raise NotAllowed()


def _back(class_id: int, span: Span, note: int | None = None) -> ResponseReturnValue:
    there = url_for(
        "attendance.show", class_id=class_id, view=span.kind, day=iso(span.day), saved=1, noted=note
    )
    return cast(ResponseReturnValue, redirect(there))


# ---- a pupil


@area.get("/pupil/<int:person_id>")
@right("attendance", "V")
def pupil(person_id: int) -> ResponseReturnValue:
    """One pupil's missed days and lessons of the year."""
    db, who, now = database(), visitor(), today()
    if not access.reaches_pupil(db, who, "attendance", "V", person_id):
        raise NotAllowed()
    if people_queries.pupil(db, person_id) is None:
        raise NotFound()
    noted("read", "attendance", person_id)
    year = class_queries.present_year(class_queries.years(db), now)
    found = queries.days(db, [person_id], year.start, min(now, year.end)) if year else {}
    days = sorted(found.values(), key=lambda one: -one.day)
    return render_template(
        "attendance/pupil.html",
        name=journal_queries.person_name(db, person_id, now),
        person=person_id,
        number=number_of(person_id),
        year=year,
        days=[one for one in days if one.absent or one.late],
        known=len(days),
        total=queries.total(days),
        hands_in=queries.hands_in(db, who.person, person_id, now),
        notes=queries.notes(db, [person_id], year.start, year.end) if year else [],
        reasons=queries.REASONS,
    )
