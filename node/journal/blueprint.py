"""The area itself, to which the modules with its routes add them."""

from __future__ import annotations

from flask import Blueprint

area = Blueprint("journal", __name__, url_prefix="/journal", template_folder="templates")
