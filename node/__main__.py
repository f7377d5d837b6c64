"""``mektep-node``: the school's node from the command line."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from node import storage
from node.background import INTERVAL_SECONDS, Agent
from node.exchange import actions as exchange
from node.exchange.queries import status
from node.exporting import export_tables
from node.importing.actions import run_import
from shared import cli
from shared.db import check_integrity
from shared.i18n import gettext_in
from shared.keys import RecoveryKit, write_private
from shared.problems import Flawed, InvalidValue
from sync.checks import verify_chain
from sync.delivery import Progress
from sync.log import dump
from sync.state import State

Result = Mapping[str, Any] | None


def main(arguments: list[str] | None = None) -> int:
    top, commands = cli.parser("mektep-node", "The node of a school: its books, its sync, its copies.")
    init = cli.add(commands, "init", _init, "make a new school on this machine")
    init.add_argument("--school", required=True, help="the school's name")
    init.add_argument("--login", default="admin", help="the administrator's login")
    init.add_argument("--language", default="ky", choices=("ky", "ru", "en"))
    init.add_argument("--kit", type=Path, help="where to write the recovery kit (HTML, to print)")
    init.add_argument("--no-machine-slot", action="store_true", help="ask for the passphrase at every start")
    serve = cli.add(commands, "serve", _serve, "serve the school's pages and sync in the background")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8080)
    serve.add_argument("--threads", type=int, default=4)
    serve.add_argument("--interval", type=float, default=INTERVAL_SECONDS, help="seconds between syncs")
    register = cli.add(commands, "register", _register, "register at the district's hub")
    register.add_argument("hub", help="address of the hub, or the folder of a stick")
    register.add_argument("code", help="the registration code from the district")
    sync = cli.add(commands, "sync", _sync, "sync now")
    sync.add_argument("--url", help="another address of the same hub")
    cli.add(commands, "status", _status, "where the node stands")
    importing = cli.add(commands, "import", _import, "import CSV or XLSX files with a mapping")
    importing.add_argument("files", nargs="+", type=Path)
    importing.add_argument("--mapping", required=True, help="mapping file, or the name of a shipped one")
    importing.add_argument("--dry-run", action="store_true")
    export = cli.add(
        commands, "export", _export, "write every table as CSV (logged as an export of personal data)"
    )
    export.add_argument("folder", type=Path)
    dumping = cli.add(commands, "dump", _dump, "print every synced row as canonical JSON lines")
    dumping.add_argument("--scope", choices=("all", "district"), default="all")
    bundle = cli.add(commands, "bundle", _bundle, "sync by stick")
    bundle.add_argument("way", choices=("export", "import"))
    bundle.add_argument("folder", type=Path)
    cli.add(commands, "backup", _backup, "write an encrypted copy").add_argument("file", type=Path)
    restore = cli.add(commands, "restore", _restore, "make this home from a backup")
    restore.add_argument("file", type=Path)
    restore.add_argument("--kit", help="the words of the recovery kit, instead of the passphrase")
    cli.add(commands, "verify", _verify, "check file, signatures, chain, receipts, digest")
    cli.add(commands, "passphrase", _passphrase, "change the passphrase; the database is not re-encrypted")
    return cli.run(top, arguments)


def _open(chosen: argparse.Namespace) -> storage.Node:
    return storage.open_node(chosen.home, cli.given_passphrase())


def _init(chosen: argparse.Namespace) -> Result:
    kit_path = chosen.kit or chosen.home / "recovery-kit.html"

    def hand_over(kit: RecoveryKit) -> None:
        write_private(kit_path, kit.html(gettext_in(chosen.language), chosen.language).encode())

    node, _ = storage.create_node(
        chosen.home,
        school_name=chosen.school,
        login=chosen.login,
        password=cli.password(confirm=True),
        passphrase=cli.passphrase(confirm=True),
        machine_slot=not chosen.no_machine_slot,
        language=chosen.language,
        hand_over=hand_over,
    )
    if not chosen.no_machine_slot:
        cli.note(
            "This machine opens the school by itself after a power cut; so does whoever steals the machine."
        )
    cli.note("Print the recovery kit, keep it apart from the machine, then delete the file.")
    return {"home": node.home, "origin": node.origin, "kit": kit_path}


def _serve(chosen: argparse.Namespace) -> Result:
    from waitress import create_server

    from node import create_app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    node = _open(chosen)
    agent = Agent(node, chosen.interval)
    server = create_server(
        create_app(node, agent), host=chosen.host, port=chosen.port, threads=chosen.threads
    )
    cli.note(f"http://{chosen.host}:{server.effective_port}/")
    agent.start()
    try:
        server.run()
    finally:
        agent.stop()
    return None


def _register(chosen: argparse.Namespace) -> Result:
    if not exchange.register(_open(chosen), chosen.hub, chosen.code):
        cli.note("Carry the stick to the hub and back, then run: bundle import")
        return {"registered": False}
    return {"registered": True}


def _sync(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    started = time.monotonic()
    transport = None
    if chosen.url:
        with closing(node.connect()) as db:
            transport = exchange.transport_to(db, chosen.url)

    def report(progress: Progress) -> None:
        if sys.stderr.isatty():
            cli.note(
                f"{progress.changes_sent} sent, {progress.changes_received} received, "
                f"{progress.changes_waiting} waiting, {progress.sent + progress.received} bytes"
            )

    progress = exchange.run_sync(node, "hand", transport, report)
    return {
        "outcome": progress.outcome,
        "changes_sent": progress.changes_sent,
        "changes_received": progress.changes_received,
        "bytes_sent": progress.sent,
        "bytes_received": progress.received,
        "rounds": progress.rounds,
        "seconds": round(time.monotonic() - started, 2),
    }


def _status(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        found = dict(vars(status(db)))
    if found["last_run"]:
        found["last_run"] = dict(found["last_run"])
    return found


def _import(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    done = []
    with closing(node.connect()) as db:
        actor = int(State(db).administrator)
        for path in chosen.files:
            result = run_import(db, path, chosen.mapping, actor, chosen.dry_run)
            done.append({"file": path.name, **vars(result)})
    return {"dry_run": chosen.dry_run, "files": done}


def _export(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        return {"rows": export_tables(db, chosen.folder, int(State(db).administrator))}


def _dump(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        for line in dump(db, chosen.scope == "district"):
            sys.stdout.write(line + "\n")
    return None


def _bundle(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    if not chosen.folder.is_dir():
        raise InvalidValue(table="bundle", column="folder", value=chosen.folder)
    if chosen.way == "export":
        return {"file": exchange.export_bundle(node, chosen.folder)}
    taken = exchange.import_bundles(node, chosen.folder)
    with closing(node.connect()) as db:
        return {"taken": taken, "waiting": status(db).waiting, "last_done": status(db).last_done}


def _backup(chosen: argparse.Namespace) -> Result:
    storage.backup(_open(chosen), chosen.file)
    return {"file": chosen.file, "bytes": chosen.file.stat().st_size}


def _restore(chosen: argparse.Namespace) -> Result:
    given = None if chosen.kit else cli.passphrase()
    node = storage.restore(chosen.home, chosen.file, passphrase=given, kit=chosen.kit)
    return {"home": node.home, "origin": node.origin}


def _verify(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        flaws = [*check_integrity(db), *verify_chain(db)]
    if flaws:
        raise Flawed(count=len(flaws), first=flaws[0])
    return {"verified": True}


def _passphrase(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    storage.change_passphrase(node, cli.new_passphrase())
    return {"changed": True}


if __name__ == "__main__":
    sys.exit(main())
