"""What a request of the node's app stands on: its connection, and writing under the visitor's account."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

from flask import current_app, g
from sqlite_utils import Database

from node.background import Agent
from node.storage import Node
from shared.web import visitor
from sync.writer import Writer, writing


def node() -> Node:
    """The node whose pages these are."""
    return cast(Node, current_app.extensions["mektep_node"])


def agent() -> Agent | None:
    """The background agent of the server, if one runs."""
    return cast("Agent | None", current_app.extensions["mektep_agent"])


def database() -> Database:
    """The request's own connection; opened when first asked for, closed with the request."""
    if "database" not in g:
        g.database = node().connect()
    return cast(Database, g.database)


def close(error: BaseException | None = None) -> None:
    """Close the request's connection, if it has one."""
    opened = g.pop("database", None)
    if opened is not None:
        opened.close()


@contextlib.contextmanager
def acting() -> Iterator[Writer]:
    """One write transaction under the account of the visitor; see `sync.writer.writing`."""
    with writing(database(), visitor().account) as writer:
        yield writer
