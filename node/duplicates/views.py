"""Routes of the duplicate finder."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access, merging
from node.duplicates import queries
from node.request import acting, database
from shared.access import allow
from shared.problems import BadRequest
from shared.web import today
from sync.undo import marked_acts

area = Blueprint("duplicates", __name__, url_prefix="/duplicates", template_folder="templates")
KEEPERS = access.everywhere("card", "E")


@area.get("/")
@allow(*KEEPERS)
def index() -> ResponseReturnValue:
    """Pairs that may be one person, and the merges done so far."""
    one, other = (request.args.get(name, type=int) for name in ("one", "other"))
    asked = queries.asked(database(), one or 0, other or 0, today())
    found = [*asked, *queries.pairs(database(), today())]
    people = {person.id for pair in found for person in (pair.one, pair.other)}
    return render_template(
        "duplicates/index.html",
        pairs=found,
        known={person: queries.known(database(), person, today()) for person in people},
        numbers=(one, other),
        nobody=one is not None and not asked,
        merges=marked_acts(database(), "merge", 20),
    )


@area.post("/merge")
@allow(*KEEPERS)
def merge() -> ResponseReturnValue:
    """Keep one row of a pair and let everything follow to it."""
    kept, other = (request.form.get(name, type=int) for name in ("kept", "other"))
    if kept is None or other is None:
        raise BadRequest()
    with acting() as w:
        merging.merge(w, kept, other)
    return redirect(url_for("people.card", person_id=kept))


@area.post("/undo")
@allow(*KEEPERS)
def undo() -> ResponseReturnValue:
    """Undo a merge."""
    with acting() as w:
        done = merging.take_back(w, request.form.get("mark", 0, type=int))
    return render_template("duplicates/undone.html", done=done)
