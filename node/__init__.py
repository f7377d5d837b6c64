"""The school's app: its database, its areas of school life, its command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from node.background import Agent
    from node.storage import Node


def create_app(node: Node, agent: Agent | None = None) -> Flask:
    """The school's pages over an open node; with ``agent``, pages may ask the background agent to sync at once."""
    from node import app  # not before: the command line has no need of pages

    return app.create(node, agent)
