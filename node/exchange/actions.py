"""Runs a sync and writes down how it went, so that any page and any process can show it."""

from __future__ import annotations

import logging
import queue
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from node.derived import derive
from node.exchange.outcomes import INTERRUPTED
from node.storage import Node
from shared.db import transaction
from shared.problems import (
    FlawedAddress,
    FlawedBundle,
    HubAnswer,
    HubUnreachable,
    ImpostorHub,
    NotRegistered,
    Problem,
)
from sync import clock, delivery, session
from sync.delivery import Progress
from sync.lock import sync_lock
from sync.log import NodeLog
from sync.state import State, identity
from sync.transport import Transport
from sync.transport.folder import ANSWER, HUB_FILE, FolderTransport, bundles, read_bundle
from sync.transport.http import HttpTransport

KEPT_RUNS = 200
Report = Callable[[Progress], None]
_START_SECONDS = 10.0
_log = logging.getLogger("mektep.exchange")


def transport_to(db: Database, address: str) -> Transport:
    """The way to an address: ``http://..`` or ``https://..`` by wire, a folder by stick. FlawedAddress: neither."""
    if address.startswith(("http://", "https://")):
        return HttpTransport(address)
    if Path(address).is_dir():
        return FolderTransport(Path(address), _name(db))
    raise FlawedAddress()


def register(node: Node, address: str, code: str) -> bool:
    """Register at the hub; returns False when a stick must be carried to the hub and back first."""
    with closing(node.connect()) as db, sync_lock(node.home):
        transport = transport_to(db, address)
        try:
            session.register(db, transport, code)
        except HubUnreachable:
            if isinstance(transport, FolderTransport):
                return False
            raise
        if isinstance(transport, HttpTransport):
            with transaction(db):
                State(db).hub_url = address
    return True


def run_sync(
    node: Node,
    way: str,
    transport: Transport | None = None,
    report: Report = lambda p: None,
    begun: Callable[[], None] = lambda: None,
    progress: Progress | None = None,
) -> Progress:
    """Sync once, by hand or by the agent (``way``); the run and its outcome are kept.

    ``begun`` is called once the run can be seen; ``progress`` goes on from what came before it. Raises what
    `session.sync` does.
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
        progress = progress or Progress()
        progress.changes_waiting = NodeLog(db).waiting()
        _note(db, run, progress, None)
        begun()

        def note(now: Progress) -> None:
            _note(db, run, now, None)
            report(now)

        try:
            progress = session.sync(db, transport, derive, note, progress)
        except Problem as problem:
            _note(db, run, progress, problem.code)
            raise
        except Exception:
            _note(db, run, progress, Problem.code)
            raise
        except BaseException:
            _note(db, run, progress, INTERRUPTED)
            raise
        _note(db, run, progress, progress.outcome)
        _note_administrator(db)
        return progress


def start_sync(node: Node) -> threading.Thread:
    """Start a sync by hand in a thread of its own; returns it once the run can be seen, or is over already.

    SyncRunning, NotRegistered, HubUnreachable (no address is known): it could not even begin.
    """
    word: queue.SimpleQueue[Problem | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            run_sync(node, "hand", begun=lambda: word.put(None))
        except Problem as problem:
            word.put(problem)
        except Exception as error:
            _log.error("sync failed unexpectedly: %s", type(error).__name__)
            word.put(Problem())

    thread = threading.Thread(target=work, name="mektep-sync", daemon=True)
    thread.start()
    try:
        problem = word.get(timeout=_START_SECONDS)
    except queue.Empty:
        return thread
    if problem is not None:
        raise problem
    return thread


def export_bundle(node: Node, folder: Path) -> Path:
    """Leave everything that waits on a stick; returns the file. NotRegistered without a known hub."""
    with sync_lock(node.home), closing(node.connect()) as db:
        if not State(db).hub_signing:
            raise NotRegistered()
        derive(db)
        message, _ = session.make_request(db, Progress(), everything=True)
        return FolderTransport(folder, _name(db)).post(message)


def import_bundles(node: Node, folder: Path) -> int:
    """Take the answers that a stick brings for this node; returns how many.

    A problem of one is raised once the others are taken. FlawedBundle, ImpostorHub, HubAnswer leave its file where it
    is; a refusal by the hub has been heard, and its file goes too.
    """
    taken = 0
    heard: list[Path] = []
    problems: list[Problem] = []
    with sync_lock(node.home), closing(node.connect()) as db:
        for path in bundles(folder, ANSWER):
            if not path.name.startswith(_name(db) + "-"):
                continue
            try:
                answer = session.open_carried(db, read_bundle(path))
                delivery.take_answer(db, answer, Progress())
                taken += 1
            except (FlawedBundle, ImpostorHub, HubAnswer) as problem:
                problems.append(problem)
                continue
            except Problem as problem:
                problems.append(problem)
            heard.append(path)
        try:
            if taken:
                derive(db)
                delivery.note_if_done(db)
        finally:
            # Not before: whoever was killed on the way takes the same again, which changes nothing, and notes it.
            for path in heard:
                path.unlink()
    if problems:
        raise problems[0]
    return taken


def register_by_stick(node: Node, hub_file: bytes, code: str) -> tuple[str, bytes]:
    """The request to carry to the hub whose ``hub.mektep`` this is: name and content. WrongCode, ImpostorHub, ..

    `take_answer_file` takes what comes back.
    """
    with tempfile.TemporaryDirectory() as stick:
        (Path(stick) / HUB_FILE).write_bytes(hub_file)
        register(node, stick, code)
        return _only_file(Path(stick))


def request_file(node: Node) -> tuple[str, bytes]:
    """Everything that waits, as one file to carry to the hub: name and content. NotRegistered without a known hub."""
    with tempfile.TemporaryDirectory() as stick:
        export_bundle(node, Path(stick))
        return _only_file(Path(stick))


def take_answer_file(node: Node, answer: bytes) -> None:
    """Take an answer that was carried here. FlawedBundle, ImpostorHub, HubAnswer (it is meant for another)."""
    with tempfile.TemporaryDirectory() as stick:
        with closing(node.connect()) as db:
            name = _name(db)
        (Path(stick) / f"{name}-{ANSWER}").write_bytes(answer)
        import_bundles(node, Path(stick))


def _only_file(stick: Path) -> tuple[str, bytes]:
    request = next(p for p in stick.iterdir() if p.name != HUB_FILE)
    return request.name, request.read_bytes()


def change_address(node: Node, address: str) -> None:
    """From now on reach the hub at another address; whether it is the same hub, its signature tells. FlawedAddress."""
    with closing(node.connect()) as db, transaction(db):
        if not isinstance(transport_to(db, address), HttpTransport):
            raise FlawedAddress()
        State(db).hub_url = address


def _name(db: Database) -> str:
    return identity(db).signer.public[:8].hex()


def _note_administrator(db: Database) -> None:
    """The command line of a node that joined writes under the school's first administrator."""
    if State(db).administrator:
        return
    row = db.conn.execute(
        "SELECT min(a.id) FROM account a JOIN appointment p ON p.person = a.person "
        "WHERE p.duty = 'administrator' AND p.retired_at IS NULL AND p.end IS NULL AND a.retired_at IS NULL"
    ).fetchone()
    with transaction(db):
        State(db).administrator = row[0] or 0


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
