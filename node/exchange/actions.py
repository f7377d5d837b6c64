"""Runs a sync and writes down how it went, so that any page and any process can show it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from node.derived import derive
from node.storage import Node
from shared.db import transaction
from shared.problems import HubUnreachable, InvalidValue, NotRegistered, Problem
from sync import clock, delivery, session
from sync.lock import sync_lock
from sync.messages import read_hub
from sync.delivery import Progress
from sync.state import State, identity
from sync.transport import Transport
from sync.transport.folder import ANSWER, FolderTransport, bundles, read_bundle
from sync.transport.http import HttpTransport

KEPT_RUNS = 200
Report = Callable[[Progress], None]


def transport_to(db: Database, address: str) -> Transport:
    """The way to an address: ``http://..`` or ``https://..`` by wire, a folder by stick. InvalidValue: neither."""
    if address.startswith(("http://", "https://")):
        return HttpTransport(address)
    if Path(address).is_dir():
        return FolderTransport(Path(address), _name(db))
    raise InvalidValue(table="hub", column="address", value=address)


def register(node: Node, address: str, code: str) -> bool:
    """Register at the hub; returns False when a stick must be carried to the hub and back first."""
    with closing(node.connect()) as db, sync_lock(node.home):
        transport = transport_to(db, address)
        if isinstance(transport, HttpTransport):
            with transaction(db):
                State(db).hub_url = address
        try:
            session.register(db, transport, code)
        except HubUnreachable:
            if isinstance(transport, FolderTransport):
                return False
            raise
    return True


def run_sync(
    node: Node, way: str, transport: Transport | None = None, report: Report = lambda p: None
) -> Progress:
    """Sync once, by hand or by the agent (``way``); the run and its outcome are kept.

    Raises what `session.sync` does.
    """
    with sync_lock(node.home), closing(node.connect()) as db:
        state = State(db)
        if not state.registered:
            raise NotRegistered()
        if transport is None:
            if not state.hub_url:
                raise HubUnreachable()
            transport = HttpTransport(str(state.hub_url))
        run = _begin(db, way)
        progress = Progress()

        def note(now: Progress) -> None:
            _note(db, run, now, None)
            report(now)

        try:
            progress = session.sync(db, transport, derive, note, progress)
        except Problem as problem:
            _note(db, run, progress, problem.code)
            raise
        except BaseException:
            _note(db, run, progress, "interrupted")
            raise
        _note(db, run, progress, "done")
        return progress


def export_bundle(node: Node, folder: Path) -> Path:
    """Leave everything that waits on a stick; returns the file. NotRegistered without a known hub."""
    with sync_lock(node.home), closing(node.connect()) as db:
        if not State(db).hub_signing:
            raise NotRegistered()
        derive(db)
        message, _ = session.make_request(db, Progress(), everything=True)
        return FolderTransport(folder, _name(db)).post(message)


def import_bundles(node: Node, folder: Path) -> int:
    """Take the answers that a stick brings for this node; returns how many. FlawedBundle, ImpostorHub, HubAnswer."""
    taken = 0
    with sync_lock(node.home), closing(node.connect()) as db:
        for path in bundles(folder, ANSWER):
            if not path.name.startswith(_name(db) + "-"):
                continue
            answer = session.open_carried(db, read_bundle(path))
            delivery.take_answer(db, answer, Progress())
            path.unlink()
            taken += 1
        derive(db)
        delivery.note_if_done(db)
    return taken


def trust_hub_file(node: Node, path: Path) -> None:
    """Trust the hub whose keys a file shows; the registration code must name it too."""
    with closing(node.connect()) as db:
        session.remember_hub(db, read_hub(read_bundle(path)))


def _name(db: Database) -> str:
    return identity(db).signer.public[:8].hex()


def _begin(db: Database, way: str) -> int:
    with transaction(db):
        db.conn.execute(
            "UPDATE sync_run SET ended = ?, outcome = 'interrupted' WHERE ended IS NULL", (clock.now_ms(),)
        )
        db.conn.execute(
            "DELETE FROM sync_run WHERE id <= (SELECT ifnull(max(id), 0) - ? FROM sync_run)", (KEPT_RUNS,)
        )
        return int(
            db.conn.execute(
                "INSERT INTO sync_run (started, way) VALUES (?, ?)", (clock.now_ms(), way)
            ).lastrowid
            or 0
        )


def _note(db: Database, run: int, progress: Progress, outcome: str | None) -> None:
    with transaction(db):
        db.conn.execute(
            "UPDATE sync_run SET sent = ?, received = ?, changes_sent = ?, changes_received = ?, changes_waiting = ?, "
            "rounds = ?, outcome = ?, ended = ? WHERE id = ?",
            (
                progress.sent,
                progress.received,
                progress.changes_sent,
                progress.changes_received,
                progress.changes_waiting,
                progress.rounds,
                outcome,
                clock.now_ms() if outcome else None,
                run,
            ),
        )
