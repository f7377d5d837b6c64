"""The area itself, to which the modules with its routes add them."""

from __future__ import annotations

from flask import Blueprint

area = Blueprint("movement", __name__, url_prefix="/movement", template_folder="templates")
