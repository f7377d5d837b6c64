"""A further node of a school, or the school's restored one: introduced to the hub, and filled from it."""

from __future__ import annotations

from contextlib import closing

from sqlite_utils import Database

from node.exchange.actions import Report, run_sync, transport_to
from node.storage import Node
from shared.db import transaction
from shared.keys import RecoveryKit
from sync import registration, session
from sync.delivery import Progress
from sync.lock import sync_lock
from sync.state import State
from sync.transport.http import HttpTransport


def join(
    node: Node,
    address: str,
    kit: str | None = None,
    school: int | None = None,
    report: Report = lambda progress: None,
) -> Progress:
    """Make a new node one of a school, by the recovery kit or by another one's word, and fetch all that the school has.

    ApprovalPending: `own_words` must be typed on another node first; then call again. WrongRecoveryKey, ImpostorHub.
    """
    with closing(node.connect()) as db:
        transport = transport_to(db, address)
        with sync_lock(node.home):
            if isinstance(transport, HttpTransport):
                with transaction(db):
                    State(db).hub_url = address
            if not State(db).registered and kit is not None:
                session.join_by_kit(db, transport, RecoveryKit.secret_from(kit))
            elif not State(db).registered:
                session.join_by_approval(db, transport, school or 0)
        progress = run_sync(node, "join", transport, report)
        _note_administrator(db)
        return progress


def own_words(node: Node) -> str:
    """The six words by which another node's administrator knows this one."""
    with closing(node.connect()) as db:
        return registration.own_words(db)


def approve(node: Node, words: str) -> None:
    """Let in the node that shows these six words; it is told at this node's next sync. MistypedWords."""
    with closing(node.connect()) as db:
        registration.approve(db, words)


def _note_administrator(db: Database) -> None:
    """The command line of a joined node writes under the school's first administrator."""
    row = db.conn.execute(
        "SELECT min(a.id) FROM account a JOIN appointment p ON p.person = a.person "
        "WHERE p.duty = 'administrator' AND p.retired_at IS NULL AND p.end IS NULL AND a.retired_at IS NULL"
    ).fetchone()
    with transaction(db):
        State(db).administrator = row[0] or 0
