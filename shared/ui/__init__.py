"""The face of both apps: one base template, one stylesheet, a few macros; htmx beside them, with its licence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from flask import Blueprint, Response, current_app, request, send_from_directory
from markupsafe import Markup

from shared.access import allow
from shared.i18n import DEFAULT, LANGUAGES, in_language

FOLDER = Path(__file__).parent
STATIC_FOLDER = FOLDER / "static"
STATIC = "ui.static"
BUNDLES = {
    "with-lesson.js": ("mektep.js", "outbox.js", "lesson.js"),
    "with-book.js": ("mektep.js", "facing.js"),
    "with-grid.js": ("mektep.js", "outbox.js", "facing.js", "topics.js", "paste.js", "grid.js"),
}
"""Files sent as one, for every request costs a phone a journey: name -> what it is made of."""

blueprint = Blueprint("ui", __name__, template_folder="templates")


@dataclass(frozen=True)
class NavItem:
    """A line of the navigation: endpoint and a label marked with `N_`; shown to whom the endpoint admits.

    ``area`` is the blueprint whose pages all make this line the current one; lines of one ``group`` (marked with `N_`
    too) stand together under its name.
    """

    endpoint: str
    label: str
    group: str = ""

    @property
    def area(self) -> str:
        return self.endpoint.partition(".")[0]


Tone = Literal["calm", "good", "waiting", "bad"]


@dataclass(frozen=True)
class Chip:
    """The short truth about the connection at the top of a page; it leads to ``endpoint`` if there is one.

    ``short`` is what a phone shows of it, where there is no room for the sentence.
    """

    text: str
    tone: Tone = "calm"
    endpoint: str = ""
    short: str = ""


def content(filename: str) -> bytes:
    """What a file of the face holds."""
    return b"\n".join((STATIC_FOLDER / part).read_bytes() for part in BUNDLES.get(filename, (filename,)))


def spoken(filename: str, language: str) -> bytes:
    """A bundle with what the app's scripts say in a language, as `WORDS`: no page need bring it along each time."""
    with in_language(language):
        words = json.dumps(dict(current_app.extensions["mektep"].words()), ensure_ascii=False)
    return f'"use strict";\nconst WORDS = {words};\n'.encode() + content(filename)


@cache
def mark() -> Markup:
    """The mark as an address that holds the picture: a page that shows it asks for nothing more."""
    return Markup("data:image/svg+xml," + quote(content("mark.svg").decode().replace("\n", ""), safe="/:=,"))


@blueprint.get("/static/<path:filename>")
@allow.public
def static(filename: str) -> Response:
    """A file of the face; its address carries its version, so that browsers may keep it."""
    if filename in BUNDLES:
        asked = request.args.get("in", "")
        language = asked if asked in LANGUAGES else DEFAULT
        return Response(spoken(filename, language), mimetype="text/javascript")
    return send_from_directory(STATIC_FOLDER, filename)
