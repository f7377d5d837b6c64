"""Routes of the results that a newcomer brings along from the report card of a former school."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.classes import queries as class_queries
from node.journal import former, forms, pages, queries
from node.journal.blueprint import area
from node.people.queries import class_name, number_of
from node.reading.noting import noted
from node.request import acting, database
from shared.access import allow
from shared.i18n import gettext
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.web import visitor


@area.get("/former/<int:class_id>/<int:pupil_id>")
@allow(*pages.READ)
def former_school(class_id: int, pupil_id: int) -> ResponseReturnValue:
    """The results of the periods before a pupil came, by subject."""
    return _page(class_id, pupil_id)


@area.post("/former/<int:class_id>/<int:pupil_id>")
@allow(*pages.WRITE)
def keep_former(class_id: int, pupil_id: int) -> ResponseReturnValue:
    """Write results of the report card that the pupil brought along."""
    _class(class_id)
    try:
        with acting() as w:
            marks = forms.former(request.form)
            former.give(w, class_id, pupil_id, visitor().person, pages.today(), marks)
    except InputProblem as problem:
        page = _page(class_id, pupil_id, problem.sentence(gettext), request.form)
        return page, problem.status
    there = url_for("journal.former_school", class_id=class_id, pupil_id=pupil_id, saved=1)
    return cast(ResponseReturnValue, redirect(there))


def _class(class_id: int) -> Mapping[str, Any]:
    """A class that the visitor reads, leads or teaches in. NotFound, NotAllowed."""
    db, who = database(), visitor()
    found = class_queries.class_group(db, class_id, pages.today())
    if found is None:
        raise NotFound()
    if who.has(*access.ALL_RESULTS) or class_id in access.led_classes(db, who) | access.taught_classes(
        db, who
    ):
        return found
    raise NotAllowed()


def _shown(found: former.Card, class_id: int) -> Sequence[Mapping[str, Any]]:
    """The groups whose results the visitor reads: of a subject teacher the own ones."""
    db, who = database(), visitor()
    if who.has(*access.ALL_RESULTS) or class_id in access.led_classes(db, who):
        return found.groups
    own = access.taught_groups(db, who)
    return [one for one in found.groups if one["id"] in own]


def _page(class_id: int, pupil_id: int, problem: str = "", typed: Mapping[str, str] | None = None) -> str:
    db, who, found = database(), visitor(), _class(class_id)
    card = former.card(db, class_id, pupil_id, pages.today())
    groups = _shown(card, class_id)
    noted("read", "results", pupil_id)
    writes = (
        {one["id"] for one in groups if who.has(*pages.WRITE) and card.writes(one, who.person)}
        if card.terms
        else set()
    )
    scales = {one["id"]: queries.scale_of(db, one["id"]) for one in groups}
    return render_template(
        "journal/former.html",
        class_id=class_id,
        name=class_name(found["grade"], found["letter"]),
        pupil=queries.person_name(db, pupil_id, pages.today()),
        pupil_id=pupil_id,
        number=number_of(pupil_id),
        groups=groups,
        terms=card.terms,
        label=pages.label,
        given={
            at: str(value) if status == "assessed" else status for at, (value, status) in card.given.items()
        },
        writes=writes,
        values={group: pages.values(scale) for group, scale in scales.items()},
        locked=card.locked,
        typed=typed or {},
        problem=problem,
        saved="saved" in request.args and not problem,
    )
