"""Routes of the duplicate finder."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.duplicates import actions, queries
from node.reading.noting import noted_people
from node.request import acting, database
from shared.access import allow
from shared.i18n import gettext
from shared.problems import BadRequest, InputProblem
from shared.web import today, visitor
from sync.undo import marked_acts

area = Blueprint("duplicates", __name__, url_prefix="/duplicates", template_folder="templates")
KEEPERS = (*access.everywhere("card", "E"), *access.everywhere("card", "A"))
"""Keep every card, or approve what is done with them: what a merge passes on, the head decides."""


@area.get("/")
@allow(*KEEPERS)
def index() -> ResponseReturnValue:
    """Pairs that may be one person, and the merges done so far."""
    return _index()


def _index(problem: str = "") -> str:
    one, other = (request.args.get(name, type=int) for name in ("one", "other"))
    asked = queries.asked(database(), one or 0, other or 0, today())
    found = [*asked, *queries.pairs(database(), today())]
    people = {person.id for pair in found for person in (pair.one, pair.other)}
    noted_people("read", "duplicate", sorted(people))
    return render_template(
        "duplicates/index.html",
        pairs=found,
        known={person: queries.known(database(), person, today()) for person in people},
        numbers=(one, other),
        nobody=one is not None and not asked,
        merges=marked_acts(database(), "merge", 20),
        problem=problem,
    )


@area.post("/merge")
@allow(*KEEPERS)
def merge() -> ResponseReturnValue:
    """Keep one row of a pair and let everything follow to it."""
    kept, other = (request.form.get(name, type=int) for name in ("kept", "other"))
    if kept is None or other is None:
        raise BadRequest()
    try:
        with acting() as w:
            actions.merge(w, visitor(), kept, other, today())
    except InputProblem as refused:
        return _index(refused.sentence(gettext)), refused.status
    return redirect(url_for("people.card", person_id=kept))


@area.post("/undo")
@allow(*KEEPERS)
def undo() -> ResponseReturnValue:
    """Undo a merge."""
    try:
        with acting() as w:
            done = actions.take_back(w, visitor(), request.form.get("mark", 0, type=int))
    except InputProblem as refused:
        return _index(refused.sentence(gettext)), refused.status
    return render_template("duplicates/undone.html", done=done)
