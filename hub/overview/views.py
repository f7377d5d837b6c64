"""The first page: every school, when heard, what waits, whether its chain is sound."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from hub.overview import queries
from hub.request import hub
from shared.access import allow
from shared.i18n import current_language

area = Blueprint("overview", __name__, template_folder="templates")


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    with hub().read() as connection:
        schools = queries.schools(connection, current_language())
    return render_template("overview/index.html", schools=schools)
