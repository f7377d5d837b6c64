"""Routes of the OneRoster export: a page that says what is in it, and the file."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from node.classes import queries as classes
from node.classes.queries import Year
from node.oneroster import actions
from node.reading.noting import noted
from node.request import database
from shared.access import allow
from shared.problems import NotFound
from shared.web import today

area = Blueprint("oneroster", __name__, url_prefix="/oneroster", template_folder="templates")


def _year() -> Year | None:
    return classes.present_year(classes.years(database()), today())


@area.get("/")
@allow("head", "deputy")
def index() -> ResponseReturnValue:
    """What the file holds, and the button that makes it."""
    return render_template("oneroster/index.html", year=_year())


@area.post("/file")
@allow("head", "deputy")
def file() -> ResponseReturnValue:
    """The present school year as a ZIP; the export is noted first. NotFound: no year has classes yet."""
    year = _year()
    if year is None:
        raise NotFound()
    noted("export", "oneroster")
    content = actions.archive(database(), year, today())
    name = f"oneroster-{year.name.replace('/', '-')}.zip"
    return Response(
        content,
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
