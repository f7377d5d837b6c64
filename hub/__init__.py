"""The district's app: registration of nodes, ingest, statistics, report builder, relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from hub.storage import Hub


def create_app(hub: Hub) -> Flask:
    """The district's pages, and the endpoint that schools sync with, over an open hub."""
    from hub import app  # not before: the command line has no need of pages

    return app.create(hub)
