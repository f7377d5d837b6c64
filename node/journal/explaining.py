"""The route that tells how an average and a proposed result came about."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from node.fields import iso
from node.journal import pages, proposals, queries
from node.journal.blueprint import area
from node.journal.reckoning import reckoning
from node.request import database
from shared.access import allow
from shared.i18n import row_name
from shared.problems import NotFound


@area.get("/explained/<int:group_id>")
@allow(*pages.READ)
def explained(group_id: int) -> ResponseReturnValue:
    """The marks of a pupil's term with kinds of work, dates and weights, the formula, and what is left out."""
    db, group, pupil_id = database(), pages.group_of(group_id), request.args.get("pupil", type=int)
    term = pages.chosen_term(queries.result_terms(db, group["year"], group["grade"]))
    if term is None or pupil_id is None or proposals.is_free(term):
        raise NotFound()
    how = reckoning(db, group, term, pupil_id)
    return render_template(
        "journal/explained.html",
        **pages.about_pupil(group, term, pupil_id),
        iso=iso,
        how=how,
        came={one: pages.other_group(group, one) for one in {line.group for line in how.lines} - {group_id}},
        whence=lambda one: queries.whence(one, (group["class_group"],), group_id),
        given=queries.results(db, group_id, term["id"]).get(pupil_id),
        scale=queries.scale_of(db, group_id),
        kinds={kind["id"]: row_name(kind) for kind in queries.work_kinds(db)},
    )
