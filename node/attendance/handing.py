"""Routes of the family's notes of absence: handed in by a parent, or by a pupil of age, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import reaches_pupil, right
from node.attendance import actions, forms, queries
from node.attendance.blueprint import area
from node.fields import iso
from node.journal import queries as journal_queries
from node.people.queries import number_of
from node.reading.noting import noted
from node.request import acting, database
from shared.i18n import gettext
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.web import today, visitor

SHOWN_DAYS = 365
"""Days back in which a note was handed in that is still shown."""


@area.get("/notes")
@right("absence_notes", "E")
def own_notes() -> ResponseReturnValue:
    """The form of a note, and what was handed in."""
    return _page({})


@area.post("/notes")
@right("absence_notes", "E")
def hand_in() -> ResponseReturnValue:
    """A note for a child, or for oneself at 18."""
    form = request.form
    pupil = forms.whole(form.get("pupil"))
    if pupil is None or not form.get("reason"):
        return _page(form, gettext("Choose the child and the reason.")), 422
    if not reaches_pupil(database(), visitor(), "absence_notes", "E", pupil):
        raise NotAllowed()
    try:
        with acting() as w:
            start, end = forms.span(form)
            actions.hand_in(w, pupil, _me(), today(), start, end, form["reason"])
    except InputProblem as problem:
        return _page(form, problem.sentence(gettext)), problem.status
    return redirect(url_for("attendance.own_notes", child=pupil, saved=1))


@area.post("/notes/take-back")
@right("absence_notes", "E")
def take_back() -> ResponseReturnValue:
    """Take back a note that waits."""
    try:
        with acting() as w:
            actions.take_back(w, _me(), forms.needed(request.form.get("note")))
    except InputProblem as problem:
        return _page({}, problem.sentence(gettext)), problem.status
    return redirect(url_for("attendance.own_notes", taken_back=1))


def _me() -> int:
    """The visitor's person. NotFound: an account of nobody."""
    person = visitor().person
    if person is None:
        raise NotFound()
    return person


def _page(values: Mapping[str, str], problem: str = "") -> str:
    db, who, day, me = database(), visitor(), today(), _me()
    family = access.own_children(db, who) | ({me} if who.has("pupil") else set())
    found = queries.handed_in(db, me, family, day - SHOWN_DAYS)
    for pupil in sorted({one["pupil"] for one in found}):
        noted("read", "attendance", pupil)
    named = journal_queries.named(db, family, day)
    asked = forms.whole(values.get("pupil")) or request.args.get("child", type=int)
    return render_template(
        "attendance/notes.html",
        pupils=[one for one in named if queries.hands_in(db, me, one[0], day)],
        names=dict(named),
        asked=asked,
        values=values,
        day=iso(day),
        first=iso(day - actions.DAYS_BACK),
        last=iso(day + actions.DAYS_AHEAD),
        reasons=actions.HANDED_IN,
        notes=found,
        guardian=who.has("guardian"),
        number_of=number_of,
        problem=problem,
        saved="saved" in request.args and not problem,
        taken_back="taken_back" in request.args and not problem,
    )
