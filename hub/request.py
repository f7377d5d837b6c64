"""What a request of the hub's app stands on."""

from __future__ import annotations

from typing import cast

from flask import current_app

from hub.storage import Hub


def hub() -> Hub:
    """The hub whose pages these are."""
    return cast(Hub, current_app.extensions["mektep-hub"])
