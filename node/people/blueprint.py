"""The people area's blueprint, shared by its modules of routes."""

from flask import Blueprint

area = Blueprint("people", __name__, url_prefix="/people", template_folder="templates")
