"""The page of the design system."""

from __future__ import annotations

import re
from functools import cache

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from shared.access import allow
from shared.ui import STATIC_FOLDER

area = Blueprint("design", __name__, url_prefix="/design", template_folder="templates")

_TOKEN = re.compile(r"^\s*--([a-z-]+):\s*([^;]+);", re.M)


@cache
def tokens() -> tuple[tuple[str, str], ...]:
    """Name and value of every token, as the stylesheet's first block has them."""
    text = (STATIC_FOLDER / "mektep.css").read_text(encoding="utf-8")
    block = text[text.index(":root {") : text.index("}", text.index(":root {"))]
    return tuple(_TOKEN.findall(block))


@area.get("/")
@allow.signed_in
def index() -> ResponseReturnValue:
    """Every token and every component, with the macro that makes it."""
    return render_template("design/index.html", tokens=tokens())
