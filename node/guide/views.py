"""Routes of the guides."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from node.guide.content import EVERYONE, GUIDES
from shared.access import allow
from shared.web import visitor

area = Blueprint("guide", __name__, url_prefix="/guide", template_folder="templates")


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    """The guide of one of the visitor's duties; the first of them unless another is asked for."""
    duties = [duty for duty in GUIDES if visitor().has(duty)]
    asked = request.args.get("duty", "")
    duty = asked if asked in duties else next(iter(duties), "")
    return render_template(
        "guide/index.html",
        duties=duties,
        duty=duty,
        steps=(*EVERYONE, *GUIDES.get(duty, ())),
    )
