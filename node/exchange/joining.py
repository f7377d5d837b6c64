"""A further node of a school, or the school's restored one: introduced to the hub, and filled from it."""

from __future__ import annotations

import time
from contextlib import closing

from node.exchange.actions import Report, run_sync, transport_to
from node.storage import Node
from shared.db import transaction
from shared.keys import RecoveryKit
from shared.problems import Problem, SyncRunning, WrongSixWords
from sync import registration, session
from sync.delivery import Progress
from sync.lock import sync_lock, sync_locked
from sync.state import State
from sync.transport.http import HttpTransport

_PATIENCE_SECONDS = 30.0
"""How long another sync under way is waited for; it may bring what is asked for itself."""
_LOOK_SECONDS = 0.2


def join(
    node: Node,
    address: str,
    kit: str | None = None,
    school: int | None = None,
    report: Report = lambda progress: None,
) -> Progress:
    """Make a new node one of a school, by the recovery kit or by another one's word, and fetch all that the school has.

    One that was cut off before all had come goes on. ApprovalPending: `own_words` must be typed on another node first;
    then call again. WrongRecoveryKey, ImpostorHub.
    """
    progress = Progress()
    with closing(node.connect()) as db:
        transport = transport_to(db, address)
        with sync_lock(node.home):
            if isinstance(transport, HttpTransport):
                with transaction(db):
                    State(db).hub_url = address
            if not State(db).registered and kit is not None:
                session.join_by_kit(db, transport, RecoveryKit.secret_from(kit), progress)
            elif not State(db).registered:
                session.join_by_approval(db, transport, school or 0, progress)
    return run_sync(node, "join", transport, report, progress=progress)


def own_words(node: Node) -> str:
    """The six words by which another node's administrator knows this one."""
    with closing(node.connect()) as db:
        return registration.own_words(db)


def let_in(node: Node, words: str) -> Problem | None:
    """Let in the node that shows these six words, and tell the hub; returns what kept it from being told, if anything.

    It is told with the next sync then. WrongSixWords: no node asks with these; another problem: none that was known
    asks with them, and the hub could not be asked.
    """
    try:
        _approve(node, words)
    except WrongSixWords:
        registration.read_six_words(words)
        problem = _synced(node)
        try:
            _approve(node, words)
        except WrongSixWords:
            # Who could not ask cannot say that nobody asks.
            raise (problem or WrongSixWords()) from None
    return _synced(node)


def _approve(node: Node, words: str) -> None:
    with closing(node.connect()) as db:
        registration.approve(db, words)


def _synced(node: Node) -> Problem | None:
    """Sync once, after another one that is under way; what went wrong is returned."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            run_sync(node, "hand")
        except SyncRunning as problem:
            if time.monotonic() > until:
                return problem
            while sync_locked(node.home) and time.monotonic() < until:
                time.sleep(_LOOK_SECONDS)
        except Problem as problem:
            return problem
        else:
            return None
