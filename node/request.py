"""What a request of the node's app stands on: its connection, and writing under the visitor's account."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

from flask import current_app, g, request
from sqlite_utils import Database

from node.background import Agent
from node.storage import DATABASE, Node
from node.unnamed import heeding
from shared.web import today, visitor
from sync.writer import Writer

NAMES_CHECKED = "names_checked"
"""The field of a form by which its writer says that a word is not the name of someone without a consent."""


def node() -> Node:
    """The node whose pages these are."""
    return cast(Node, current_app.extensions["mektep_node"])


def agent() -> Agent | None:
    """The background agent of the server, if one runs."""
    return cast("Agent | None", current_app.extensions["mektep_agent"])


class Connections:
    """Connections that wait for the next request: opening one derives keys and reads the whole schema, and closing
    the last one moves the write-ahead log into the file.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._idle: list[tuple[Database, int]] = []

    def take(self) -> tuple[Database, int]:
        """A connection to the file that is there now, and which file that is."""
        file = self._file()
        while self._idle:
            db, of_file = self._idle.pop()
            if of_file == file:
                return db, file
            db.close()
        db = self._node.connect()
        db.execute(_CACHE)
        return db, file

    def give_back(self, db: Database, file: int) -> None:
        """Keep a connection for the next request, unless something is still under way on it."""
        if db.conn.in_transaction or len(self._idle) >= MOST_IDLE:
            db.close()
        else:
            self._idle.append((db, file))

    def close(self) -> None:
        """Close those that wait."""
        while self._idle:
            self._idle.pop()[0].close()

    def _file(self) -> int:
        try:
            return (self._node.home / DATABASE).stat().st_ino
        except OSError:
            return 0


MOST_IDLE = 8
_CACHE = "PRAGMA cache_size = -8000"
"""Every thread of the server has a connection, and each keeps so many kilobytes of deciphered pages: what a page of
the journal reads fits in.
"""


def database() -> Database:
    """The request's own connection; taken when first asked for, given back with the request."""
    if "database" not in g:
        g.database = connections().take()
    return cast(Database, g.database[0])


@contextlib.contextmanager
def one_reading() -> Iterator[None]:
    """What is read inside belongs together: one state of the file, whoever writes meanwhile. Nothing is written inside.

    Also cheaper: a statement by itself takes and gives back the lock of a reader. Decorates a view.
    """
    connection = database().conn
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def connections() -> Connections:
    """The connections of the app."""
    return cast(Connections, current_app.extensions["mektep_connections"])


def close(error: BaseException | None = None) -> None:
    """Give the request's connection back, if it has one."""
    taken = g.pop("database", None)
    if taken is not None:
        connections().give_back(*taken)


@contextlib.contextmanager
def acting() -> Iterator[Writer]:
    """One write transaction under the account of the visitor, without names that may not stand in texts.

    See `sync.writer.writing` and `node.unnamed`; the visitor may say on the form to have looked at the names.
    """
    with heeding(database(), visitor().account, today(), NAMES_CHECKED in request.form) as writer:
        yield writer
