"""Routes of the data dictionary."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from node.dictionary import queries
from node.dictionary.queries import GROUPS
from shared.access import allow
from shared.i18n import N_
from shared.problems import NotFound
from shared.schema import BY_NAME

area = Blueprint("dictionary", __name__, url_prefix="/dictionary", template_folder="templates")

SCOPES = {
    "district": N_("School and district"),
    "reference": N_("Open in the district's own rows"),
    "school": N_("This school only"),
}
TYPES = {
    "int": N_("whole number"),
    "bool": N_("yes or no"),
    "ref": N_("reference"),
    "date": N_("date"),
    "instant": N_("date and time"),
    "time": N_("time of day"),
    "code": N_("code"),
    "text": N_("text"),
    "bytes": N_("file"),
}


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    """All tables by area of school life; with a search, the columns that were found."""
    text = request.args.get("q", "")[:80].strip()
    entries = queries.entries(text)
    return render_template(
        "dictionary/index.html",
        text=text,
        entries=entries,
        groups={name: [e for e in entries if e.table.group == name] for name in GROUPS},
        group_labels=GROUPS,
        scopes=SCOPES,
        types=TYPES,
    )


@area.get("/<name>")
@allow.signed_in
def table(name: str) -> ResponseReturnValue:
    """One table with all its columns."""
    if name not in BY_NAME:
        raise NotFound()
    found = BY_NAME[name]
    return render_template(
        "dictionary/table.html",
        table=found,
        allowed={c.name: queries.allowed(found, c) for c in found.all_columns},
        group=GROUPS[found.group],
        scopes=SCOPES,
        types=TYPES,
    )
