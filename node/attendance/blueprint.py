"""The area itself, to which the modules with its routes add them."""

from __future__ import annotations

from flask import Blueprint

area = Blueprint("attendance", __name__, url_prefix="/attendance", template_folder="templates")
