"""``mektep-node``: the school's node from the command line."""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from node import backups, lan, storage
from node.accounts import actions as accounts
from node.background import INTERVAL_SECONDS, Agent
from node.exchange import actions as exchange
from node.exchange import queries, stranded
from node.exchange.joining import join, let_in, own_words
from node.exchange.outcomes import outcome_of
from node.exporting import export_tables
from node.importing.actions import ImportResult, Wish, run_import
from node.reading.noting import note
from node.signin import queries as signin
from shared import cli
from shared.auth import normal_login
from shared.cli import gettext as _
from shared.db import check_integrity
from shared.i18n import DEFAULT, LANGUAGES, gettext_in
from shared.keys import RecoveryKit, write_private
from shared.problems import ApprovalPending, Flawed, HubUnreachable, NoSuchSlot, NotFound
from shared.report import EMPTY
from shared.web import today
from sync import clock
from sync.checks import verify_chain
from sync.delivery import Progress
from sync.log import dump
from sync.state import State
from sync.transport.folder import HUB_FILE
from sync.writer import writing

Result = Mapping[str, Any] | None


def main(arguments: list[str] | None = None) -> int:
    top, commands = cli.parser("mektep-node", _("The node of a school: its books, its sync, its copies."))
    init = cli.add(commands, "init", _init, _("make a new school on this machine, or a further node of one"))
    what = init.add_mutually_exclusive_group(required=True)
    what.add_argument("--school", help=_("the school's name"))
    what.add_argument(
        "--join", metavar="HUB", help=_("address of the hub that has the school; asks for the kit")
    )
    init.add_argument(
        "--approval", type=int, metavar="SCHOOL", help=_("join by another node's word: the school's row id")
    )
    init.add_argument(
        "--no-wait", action="store_true", help=_("with --approval: do not wait until this machine is let in")
    )
    init.add_argument("--login", default="admin", help=_("the administrator's login"))
    init.add_argument("--language", default=DEFAULT, choices=tuple(LANGUAGES))
    init.add_argument("--kit", type=Path, help=_("where to write the recovery kit (HTML, to print)"))
    init.add_argument(
        "--no-machine-slot", action="store_true", help=_("ask for the passphrase at every start")
    )
    approve = cli.add(commands, "approve", _approve, _("let in the node that shows these six words"))
    approve.add_argument("words", nargs="*", help=_("asked for if not given"))
    serve = cli.add(commands, "serve", _serve, _("serve the school's pages and sync in the background"))
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8080)
    serve.add_argument("--threads", type=int, default=4)
    serve.add_argument("--interval", type=float, default=INTERVAL_SECONDS, help=_("seconds between syncs"))
    register = cli.add(commands, "register", _register, _("register at the district's hub"))
    register.add_argument("hub", help=_("address of the hub, or the folder of a stick"))
    register.add_argument("code", help=_("the registration code from the district"))
    sync = cli.add(commands, "sync", _sync, _("sync now"))
    sync.add_argument("--url", help=_("another address of the same hub"))
    cli.add(commands, "status", _status, _("where the node stands"))
    importing = cli.add(commands, "import", _import, _("import CSV or XLSX files with a mapping"))
    importing.add_argument("files", nargs="+", type=Path)
    importing.add_argument("--mapping", required=True, help=_("mapping file, or the name of a shipped one"))
    importing.add_argument("--dry-run", action="store_true", help=_("only say what would be written"))
    importing.add_argument(
        "--names-checked",
        action="store_true",
        help=_("the names in the texts are those of others, who may be named"),
    )
    importing.add_argument(
        "--others-checked",
        action="store_true",
        help=_("new people of the list are others than those without a name here"),
    )
    importing.add_argument(
        "--new-classes", action="store_true", help=_("make the classes that the school does not have")
    )
    export = cli.add(
        commands, "export", _export, _("write every table as CSV (logged as an export of personal data)")
    )
    export.add_argument("folder", type=Path)
    dumping = cli.add(commands, "dump", _dump, _("print every synced row as canonical JSON lines"))
    dumping.add_argument("--scope", choices=("all", "district"), default="all")
    bundle = cli.add(commands, "bundle", _bundle, _("sync by stick"))
    bundle.add_argument("way", choices=("export", "import"))
    bundle.add_argument("folder", type=Path)
    cli.add(commands, "backup", _backup, _("write an encrypted copy")).add_argument("file", type=Path)
    restore = cli.add(commands, "restore", _restore, _("make this home from a backup"))
    restore.add_argument("file", type=Path)
    restore.add_argument("--kit", nargs="?", const="", metavar="FILE", help=cli.kit_help())
    restore.add_argument("--machine-slot", action=argparse.BooleanOptionalAction, help=cli.slot_help())
    stranded = cli.add(
        commands,
        "stranded",
        _stranded,
        _("tell what the hub holds alone of this school, from the folder it wrote"),
    )
    stranded.add_argument("folder", type=Path)
    stranded.add_argument(
        "--settled", action="store_true", help=_("what is missing here was written again; the hub is told")
    )
    cli.add(commands, "verify", _verify, _("check file, signatures, chain, receipts, digest"))
    forgotten = cli.add(
        commands, "password", _password, _("give an account a new first password, as for a lost one")
    )
    forgotten.add_argument("login")
    cli.add(commands, "passphrase", _passphrase, _("change the passphrase; the database is not re-encrypted"))
    return cli.run(top, arguments)


def _open(chosen: argparse.Namespace) -> storage.Node:
    """The node of the home; asks for the passphrase where this machine has no slot of its own."""
    given = cli.given_passphrase()
    try:
        return storage.open_node(chosen.home, given)
    except NoSuchSlot:
        if given is not None:
            raise
        return storage.open_node(chosen.home, cli.passphrase())


def _init(chosen: argparse.Namespace) -> Result:
    return _join(chosen) if chosen.join else _found(chosen)


def _join(chosen: argparse.Namespace) -> Result:
    kit = None if chosen.approval else cli.kit()
    node = storage.join_node(
        chosen.home, passphrase=_new_passphrase(), kit=kit, machine_slot=not chosen.no_machine_slot
    )
    try:
        progress = _joined(node, chosen, kit)
    except ApprovalPending:
        _show_words(node, not chosen.no_wait)
        if chosen.no_wait:
            raise
        progress = _let_in_by_another(node, chosen)
    with closing(node.connect()) as db:
        name = str(State(db).school_name)
    return {
        "home": node.home,
        "school": node.school if chosen.json else name,
        "changes_received": progress.changes_received,
    }


def _joined(node: storage.Node, chosen: argparse.Namespace, kit: str | None) -> Progress:
    with cli.Ticker() as ticker:
        return join(node, chosen.join, kit, chosen.approval, _teller(ticker))


def _show_words(node: storage.Node, waits: bool) -> None:
    """The six words, and what to do with them on the other machine: typed there as it stands here."""
    words = own_words(node)
    command = ["mektep-node", "--home", str(node.home.absolute()), "approve", *words.split()]
    cli.note(_("The six words of this machine: {words}", words=words))
    cli.note(_("On a machine that the school has already, type this, with that machine's own --home:"))
    cli.note(f"  {shlex.join(command)}")
    cli.note(_("Or give the words there in a browser: Is my school's data safe?, Machines of the school."))
    if waits:
        cli.note(
            _("This machine waits, then goes on by itself. Ctrl+C stops; the same command goes on later.")
        )


def _let_in_by_another(node: storage.Node, chosen: argparse.Namespace) -> Progress:
    """Ask again and again until the six words were given; a hub out of reach is asked again too."""
    while True:
        time.sleep(ASK_SECONDS)
        try:
            return _joined(node, chosen, None)
        except (ApprovalPending, HubUnreachable):
            continue


def _approve(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    words = " ".join(chosen.words) or cli.asked(_("The six words on the new machine's screen:"))
    cli.note(_("Asking the hub who wants to join."))
    problem = let_in(node, words)
    if problem is not None:
        cli.note(problem.sentence(_))
        cli.note(_("The hub is told with the next sync."))
    return {"approved": True, "told": problem is None}


def _found(chosen: argparse.Namespace) -> Result:
    kit_path = chosen.kit or chosen.home / "recovery-kit.html"

    def hand_over(kit: RecoveryKit) -> None:
        write_private(kit_path, kit.html(gettext_in(chosen.language), chosen.language).encode())

    node = storage.create_node(
        chosen.home,
        school_name=chosen.school,
        login=chosen.login,
        password=_new_password(chosen.login),
        passphrase=_new_passphrase(),
        machine_slot=not chosen.no_machine_slot,
        language=chosen.language,
        hand_over=hand_over,
    )[0]
    if not chosen.no_machine_slot:
        cli.note(
            _(
                "This machine opens the school by itself after a power cut; so does whoever steals the machine."
            )
        )
    cli.note(_("Print the recovery kit, keep it apart from the machine, then delete the file."))
    return {"home": node.home, "origin": node.origin, "kit": kit_path}


def _new_password(login: str) -> str:
    purpose = _("The password is yours: with it you sign in on the pages as {login}.", login=login)
    return cli.password(confirm=True, purpose=purpose, login=login)


def _new_passphrase() -> str:
    purpose = _("The passphrase opens the school's database and restores its backups. Several words.")
    return cli.passphrase(confirm=True, purpose=purpose)


ASK_SECONDS = 3.0
"""Pause between two questions whether this machine was let in."""
GARBAGE_EVERY = 10_000
"""New objects after which the collector looks at the youngest."""
CONNECTIONS = 2_000
"""Open connections of browsers at once."""


def _serve(chosen: argparse.Namespace) -> Result:
    from waitress import create_server

    from node import create_app
    from node.usage import counting
    from shared.turns import Turns

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    node = _open(chosen)
    agent = Agent(node, chosen.interval)
    app = create_app(node, agent)
    server = create_server(
        Turns(app),
        host=chosen.host,
        port=chosen.port,
        threads=chosen.threads,
        # Browsers keep their connections: by default the 101st of them would wait for another to be dropped.
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
    )
    here = f"http://{chosen.host}:{server.effective_port}/"
    others = lan.reachable(here, chosen.host)
    cli.note(others or here)
    if others is None:
        cli.note(_("Only this machine reaches it; with --host 0.0.0.0 others of the network do."))
    # What is loaded by now stays, and a page makes thousands of things and no cycle: looking for garbage less often,
    # and not among what stays, is a tenth of a page's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY)
    agent.start()
    try:
        server.run()
    finally:
        agent.stop()
        counting.write_down(app, node)
    return None


def _register(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    if exchange.register(node, chosen.hub, chosen.code):
        return {"registered": True}
    if (Path(chosen.hub) / HUB_FILE).exists():
        cli.note(_("The request is on the stick. Carry it to the hub and back, then run: bundle import"))
    else:
        cli.note(
            _(
                "The stick does not know the hub yet: have the district put hub.mektep on it, then run this again."
            )
        )
    return {"registered": False}


def _teller(ticker: cli.Ticker) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        ticker.tell(
            _(
                "Changes sent: {sent}, received: {received}, waiting: {waiting}; bytes: {bytes}",
                sent=progress.changes_sent,
                received=progress.changes_received,
                waiting=progress.changes_waiting,
                bytes=progress.sent + progress.received,
            )
        )

    return report


def _sync(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    started = time.monotonic()
    transport = None
    if chosen.url:
        with closing(node.connect()) as db:
            transport = exchange.transport_to(db, chosen.url)
    with cli.Ticker() as ticker:
        progress = exchange.run_sync(node, "hand", transport, _teller(ticker))
    return {
        "outcome": progress.outcome if chosen.json else _(outcome_of(progress.outcome).sentence),
        "changes_sent": progress.changes_sent,
        "changes_received": progress.changes_received,
        "bytes_sent": progress.sent,
        "bytes_received": progress.received,
        "rounds": progress.rounds,
        "seconds": round(time.monotonic() - started, 2),
    }


def _status(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    with closing(node.connect()) as db:
        run, found = queries.newest(db, node.home), queries.status(db)
        areas = queries.waiting_by_area(db)
        silent = queries.silent(db, found)
    now = clock.now_ms()
    told = queries.standing(found, run, bool(silent) or queries.asks_for_something(found, now))
    places = {"waiting": found.waiting, "when": _when(found.last_done)}
    sentence, advice = (_(text).format(**places) for text in (told.sentence, told.advice))
    if not chosen.json:
        return {
            "school": found.school_name,
            "data": f"{sentence} {advice}",
            "waiting": found.waiting,
            "hub": found.hub_url or EMPTY,
            "last_done": _when(found.last_done),
            "last_run": _(run.told.sentence) if run and not run.running else EMPTY,
            "last_backup": _overdue(_when(found.last_backup), queries.backup_due(found, now)),
            "receipts": f"{found.receipts} / {found.sent}",
            "clock": _clock(found),
            "space": _overdue(_size(found.space), queries.disk_nearly_full(found)),
            "conflicts": found.conflicts,
            "quarantined": found.quarantined,
            "stranded": found.stranded,
            "silent": ", ".join(machine.key for machine in silent) or 0,
        }
    last_run = {**(found.last_run or {}), "outcome": run.outcome, "running": run.running} if run else None
    return {
        **vars(found),
        "school": str(found.school),
        "last_run": last_run,
        "waiting_by_area": areas,
        "tone": told.tone,
        "sentence": sentence,
        "advice": advice,
    }


def _overdue(text: str, is_due: bool) -> str:
    """A fact, marked if someone has to do something about it."""
    return f"{text} (!)" if is_due else text


def _size(space: int) -> str:
    return f"{space / 1024**3:.1f} {_('GB')}" if space else EMPTY


def _clock(found: queries.Status) -> str:
    if not found.last_checked and not found.hub_clock_ahead:
        return EMPTY
    if not queries.clock_off(found):
        return _("right")
    minutes = abs(found.hub_clock_ahead) // 60_000
    return _overdue(_("wrong by {minutes} min", minutes=minutes), True)


def _when(value: int) -> str:
    """An instant in the clock of this machine."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(value / 1000)) if value else EMPTY


def _import(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    done: list[Any] = []
    with closing(node.connect()) as db, cli.Ticker() as ticker:
        actor = int(State(db).administrator)
        for path in chosen.files:

            def report(lines: int, all_lines: int, name: str = path.name) -> None:
                ticker.tell(_("{file}: line {line} of {lines}", file=name, line=lines, lines=all_lines))

            result = run_import(
                db, path, chosen.mapping, actor, chosen.dry_run, text=cli.gettext, progress=report,
                wish=Wish(names_checked=chosen.names_checked, others_checked=chosen.others_checked,
                          new_classes=None if chosen.new_classes else frozenset()),
            )  # fmt: skip
            facts = {"file": path.name, **vars(result), "act": str(result.act)}
            done.append(facts if chosen.json else _told(path.name, result))
            cli.note_lines(result.questions)
    if chosen.dry_run:
        cli.note(_("A dry run: nothing was written."))
    return {"dry_run": chosen.dry_run, "files": done}


def _told(name: str, result: ImportResult) -> str:
    """One line for what an import did."""
    return _(
        "{file}: lines {lines}, passed over {passed_over}; rows new {new}, changed {changed}, as they were {unchanged}",
        file=name,
        lines=result.lines,
        passed_over=result.passed_over,
        new=sum(result.inserted.values()),
        changed=sum(result.changed.values()),
        unchanged=sum(result.unchanged.values()),
    )


def _export(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db, cli.Ticker() as ticker:

        def report(table: str, rows: int) -> None:
            ticker.tell(_("{table}: rows {rows}", table=table, rows=rows))

        return {"rows": export_tables(db, chosen.folder, int(State(db).administrator), report)}


def _dump(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        try:
            for line in dump(db, chosen.scope == "district"):
                sys.stdout.write(line + "\n")
        finally:
            # Afterwards, or two machines that hold the same would print this line apart.
            if chosen.scope == "all":
                account = int(State(db).administrator)
                with writing(db, account) as w:
                    note(w, account, "export", "all tables")
    return None


def _bundle(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    if not chosen.folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "", chosen.folder)
    if chosen.way == "export":
        file = exchange.export_bundle(node, chosen.folder)
        cli.note(_("Carry the stick to the hub and back, then run: bundle import"))
        return {"file": file, "bytes": file.stat().st_size}
    taken = exchange.import_bundles(node, chosen.folder)
    if not taken:
        cli.note(_("There is no answer for this school on the stick."))
    with closing(node.connect()) as db:
        found = queries.status(db)
    last_done = found.last_done if chosen.json else _when(found.last_done)
    return {"taken": taken, "waiting": found.waiting, "last_done": last_done}


def _backup(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    cli.note(_("Copying the database; the school may go on working."))
    storage.backup(node, chosen.file)
    removed = backups.age_out(node)
    return {"file": chosen.file, "bytes": chosen.file.stat().st_size, "removed": removed}


def _restore(chosen: argparse.Namespace) -> Result:
    kit = None if chosen.kit is None else cli.kit(chosen.kit)
    given = cli.passphrase() if kit is None else None
    slot = chosen.machine_slot if chosen.machine_slot is not None else cli.asks_for_slot()
    cli.note(_("Restoring and checking the copy."))
    node = storage.restore(chosen.home, chosen.file, passphrase=given, kit=kit, machine_slot=slot)
    return {"home": node.home, "origin": node.origin, "machine_slot": slot}


def _stranded(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        found = stranded.read(db, chosen.folder, int(State(db).administrator))
        if chosen.settled:
            stranded.settle(db, found)
        told = list(stranded.lines(db, found, today(), cli.language()))
    return {"packets": len(found), "missing": told}


def _verify(chosen: argparse.Namespace) -> Result:
    with closing(_open(chosen).connect()) as db:
        cli.note(_("Checking the file."))
        flaws = list(check_integrity(db))
        cli.note(_("Checking signatures, chain, receipts and digest."))
        flaws += verify_chain(db)
    if flaws:
        raise Flawed(count=len(flaws), first=flaws[0])
    return {"verified": True}


def _password(chosen: argparse.Namespace) -> Result:
    """Whoever opens the database may: the way back in when the only administrator has forgotten the password."""
    password, stored = accounts.passwords(1)[0]
    with closing(_open(chosen).connect()) as db:
        found = signin.accounts(db, normal_login(chosen.login))
        if not found:
            raise NotFound()
        with writing(db, int(State(db).administrator)) as w:
            login = accounts.reset(w, found[0].id, stored, today())
            accounts.forget_codes(w, found[0].id)
    return {"login": login, "password": password}


def _passphrase(chosen: argparse.Namespace) -> Result:
    node = _open(chosen)
    storage.change_passphrase(node, cli.new_passphrase())
    return {"changed": True}


if __name__ == "__main__":
    sys.exit(main())
