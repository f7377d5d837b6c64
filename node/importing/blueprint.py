"""The blueprint of the import, and what its modules of routes share."""

from __future__ import annotations

from flask import Blueprint

from node.importing.kinds import KINDS
from node.importing.limits import take_files

area = Blueprint("importing", __name__, url_prefix="/import", template_folder="templates")
take_files(area, "importing.upload")

WHO = tuple(dict.fromkeys(role for kind in KINDS.values() for role in kind.who))
"""The duties that import something."""
REASON = "reason"
"""The field with the reason for all that is changed late."""
