"""``mektep-hub``: the district's hub from the command line."""

from __future__ import annotations

import argparse
import csv
import datetime
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import backups, checks, completing, ingest, schools, sticks, storage, tables
from hub.access import OFFICER, ROLES
from hub.accounts import actions as opening
from hub.accounts import queries as accounts
from hub.log import HubLog
from hub.overview import queries as overview
from hub.statistics import queries as statistics
from shared import cli
from shared.auth import normal_login
from shared.cli import gettext as _
from shared.i18n import DEFAULT, LANGUAGES, gettext_in
from shared.indicators import CUBES, INDICATORS, tabulate
from shared.keys import RecoveryKit, write_private
from shared.problems import Flawed, InvalidValue
from shared.report import EMPTY, plain, safe_text
from sync.messages import MAX_MESSAGE
from sync.stranded import write as write_stranded
from sync.transport.folder import HUB_FILE, write_bundle

Result = Mapping[str, Any] | None


def main(arguments: list[str] | None = None) -> int:
    top, commands = cli.parser(
        "mektep-hub", _("The hub of a district: keeps, relays and counts what schools send.")
    )
    init = cli.add(commands, "init", _init, _("make a new hub"))
    init.add_argument("--login", default="district", help=_("the first account's login"))
    init.add_argument(
        "--database", help=_("SQLAlchemy URL of an empty PostgreSQL database; default: an encrypted file")
    )
    init.add_argument(
        "--no-machine-slot", action="store_true", help=_("ask for the passphrase at every start")
    )
    init.add_argument("--language", default=DEFAULT, choices=list(LANGUAGES))
    init.add_argument("--kit", type=Path, help=_("where to write the recovery kit (HTML, to print)"))
    serve = cli.add(commands, "serve", _serve, _("serve nodes and the district's pages"))
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8443)
    serve.add_argument("--threads", type=int, default=8)
    cli.add(commands, "backup", _backup, _("write an encrypted copy")).add_argument("file", type=Path)
    restore = cli.add(commands, "restore", _restore, _("make this hub from a backup"))
    restore.add_argument("file", type=Path)
    restore.add_argument("--kit", nargs="?", const="", metavar="FILE", help=cli.kit_help())
    restore.add_argument("--machine-slot", action=argparse.BooleanOptionalAction, help=cli.slot_help())
    restore.add_argument(
        "--database", help=_("SQLAlchemy URL of an empty PostgreSQL database; default: an encrypted file")
    )
    school = cli.add(commands, "school", _school, _("the schools of the district"))
    school.add_argument("way", choices=("add",))
    school.add_argument("name")
    school.add_argument("--number", type=int)
    school.add_argument("--district", help=_("name of its district; made when there is none"))
    account = cli.add(commands, "account", _account, _("who may sign in; prints the first password"))
    account.add_argument("way", choices=("add", "reset"))
    account.add_argument("login")
    account.add_argument("--name", help=_("the person's name; default: the login"))
    account.add_argument("--duty", default=OFFICER, choices=sorted(ROLES))
    code = cli.add(commands, "registration-code", _code, _("a code for one node of a school"))
    code.add_argument("school", help=_("number, name or row id"))
    code.add_argument(
        "--stick", type=Path, help=_("folder in which to leave the hub's keys, for a school without a link")
    )
    revoke = cli.add(commands, "revoke", _revoke, _("accept nothing more from a node"))
    revoke.add_argument("node", help=_("the node's public key, or its beginning, in hex"))
    cli.add(commands, "status", _status, _("schools, when heard, what waits"))
    stranded = cli.add(
        commands,
        "stranded",
        _stranded,
        _("write into a folder what this hub holds alone of a school, to carry there"),
    )
    stranded.add_argument("school", help=_("number, name or row id"))
    stranded.add_argument("folder", type=Path)
    _add_reading(commands)
    bundle = cli.add(commands, "bundle", _bundle, _("sync by stick"))
    bundle.add_argument("way", choices=("export", "import"))
    bundle.add_argument("folder", type=Path)
    bundle.add_argument("--school", help=_("for export: whose nodes"))
    verify = cli.add(commands, "verify", _verify, _("check signatures, chains, receipts, digests"))
    verify.add_argument("--school", help=_("number, name or row id"))
    return cli.run(top, arguments)


def _add_reading(commands: Any) -> None:
    stats = cli.add(commands, "stats", _stats, _("a cross-table of a cube"))
    stats.add_argument("cube", choices=sorted(CUBES))
    stats.add_argument("--by", nargs="+", default=["school"])
    stats.add_argument("--columns", nargs="*", default=[])
    stats.add_argument("--where", nargs="*", default=[], metavar="DIMENSION=VALUE")
    stats.add_argument("--indicators", nargs="+")
    stats.add_argument("--language", default="en", choices=list(LANGUAGES))
    export = cli.add(commands, "export", _export, _("write the district's tables as CSV"))
    export.add_argument("folder", type=Path)
    dump = cli.add(commands, "dump", _dump, _("print a school's district view as canonical JSON lines"))
    dump.add_argument("--school", required=True, help=_("number, name or row id"))


def _open(chosen: argparse.Namespace) -> storage.Hub:
    return storage.open_hub(chosen.home, cli.given_passphrase())


def _init(chosen: argparse.Namespace) -> Result:
    kit_path = chosen.kit or chosen.home / "recovery-kit.html"

    def hand_over(kit: RecoveryKit) -> None:
        write_private(kit_path, kit.html(gettext_in(chosen.language), chosen.language).encode())

    hub = storage.create_hub(
        chosen.home,
        login=chosen.login,
        password=cli.password(confirm=True, login=chosen.login),
        passphrase=cli.passphrase(confirm=True),
        machine_slot=not chosen.no_machine_slot,
        database=chosen.database,
        language=chosen.language,
        hand_over=hand_over,
    )[0]
    cli.note(_("Print the recovery kit, keep it apart from the machine, then delete the file."))
    return {"home": hub.home, "database": hub.engine.dialect.name, "kit": kit_path}


def _backup(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    cli.note(_("Copying the database; the hub may go on working."))
    backups.backup(hub, chosen.file)
    return {"file": chosen.file, "bytes": chosen.file.stat().st_size}


def _restore(chosen: argparse.Namespace) -> Result:
    kit = None if chosen.kit is None else cli.kit(chosen.kit)
    given = cli.passphrase() if kit is None else None
    slot = chosen.machine_slot if chosen.machine_slot is not None else cli.asks_for_slot()
    cli.note(_("Restoring and checking the copy."))
    hub = backups.restore(
        chosen.home, chosen.file, passphrase=given, kit=kit, machine_slot=slot, database=chosen.database
    )
    with hub.read() as connection:
        nodes = len(completing.waiting_for(connection))
    cli.note(
        _(
            "Revoke again at once whatever was revoked since the backup. What schools sent since comes back with their "
            "next syncs."
        )
    )
    return {"home": hub.home, "database": hub.engine.dialect.name, "to_be_heard": nodes}


def _serve(chosen: argparse.Namespace) -> Result:
    from waitress import create_server

    from hub import create_app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    app = create_app(_open(chosen))
    server = create_server(
        app,
        host=chosen.host,
        port=chosen.port,
        threads=chosen.threads,
        channel_timeout=120,
        max_request_body_size=MAX_MESSAGE,
    )
    app.extensions["mektep-checker"].watch()
    cli.note(f"http://{chosen.host}:{server.effective_port}/")
    server.run()
    return None


def _school(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    district = schools.find_or_add_district(hub, chosen.district) if chosen.district else None
    school = schools.add_school(hub, chosen.name, chosen.number, district)
    return {"school": school, "name": chosen.name}


def _account(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    login = normal_login(chosen.login)
    with hub.read() as connection:
        known = next((row for row in accounts.accounts(connection) if normal_login(row.login) == login), None)
    if not login or (known is None) is (chosen.way == "reset"):
        raise InvalidValue(table="hub_account", column="login", value=chosen.login)
    if known is not None:
        return {"login": known.login, "password": opening.reset(hub, known.id)}
    name, language = chosen.name or chosen.login, cli.language()
    return {"login": login, "password": opening.add(hub, login, name, chosen.duty, language)[1]}


def _code(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    school = schools.find_school(hub, chosen.school)
    if chosen.stick:
        write_bundle(chosen.stick / HUB_FILE, ingest.describe(hub))
    return {"school": school, "code": schools.registration_code(hub, school).text}


def _revoke(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    with hub.read() as connection:
        keys = [bytes(k) for k in connection.execute(sa.select(tables.node.c.signing)).scalars()]
    found = [k for k in keys if k.hex().startswith(chosen.node.lower())]
    if len(found) != 1 or not schools.revoke(hub, found[0]):
        raise InvalidValue(table="node", column="signing", value=chosen.node)
    return {"revoked": found[0].hex()}


def _status(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    with hub.read() as connection:
        rows = [vars(row) for row in overview.schools(connection, cli.language())]
        awaited = len(completing.waiting_for(connection))
    if not chosen.json:
        rows = [{name: row[name] for name in ("name", "nodes", "waiting", "chain", "quarantined")} | {
            "heard": _when(row["heard_at"])} for row in rows]  # fmt: skip
    return {"schools": rows, "to_be_heard": awaited}


def _when(at: int) -> str:
    """An instant in this machine's time, for people."""
    return datetime.datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d %H:%M") if at else EMPTY


def _stats(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    names = chosen.indicators or [i.name for i in INDICATORS.values() if i.cube == chosen.cube]
    if strange := [n for n in names if n not in INDICATORS or INDICATORS[n].cube != chosen.cube]:
        raise InvalidValue(table="report", column="indicator", value=strange[0])
    where = dict(part.split("=", 1) for part in chosen.where if "=" in part)
    found = statistics.cells(hub, chosen.cube)
    with hub.read() as connection:
        naming = statistics.naming(connection, chosen.language)
    report = tabulate(
        found,
        names,
        chosen.by,
        chosen.columns,
        {name: statistics.typed(found, name, value) for name, value in where.items()},
        language=chosen.language,
        naming=naming,
    )
    if chosen.json:
        return {"title": report.title, "rows": plain(report), "notes": list(report.notes)}
    csv.writer(sys.stdout).writerows(plain(report))
    return None


def _export(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with hub.read() as connection, cli.Ticker() as ticker:
        for name, view in tables.VIEWS.items():
            ticker.tell(name)
            rows = connection.execute(sa.select(view).order_by(*view.primary_key.columns)).all()
            with (chosen.folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(view.columns.keys())
                writer.writerows([safe_text(v) if isinstance(v, str) else v for v in row] for row in rows)
            counts[name] = len(rows)
    return {"rows": counts}


def _dump(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    school = schools.find_school(hub, chosen.school)
    with hub.read() as connection:
        for line in HubLog(connection, school, hub.signer).dump():
            sys.stdout.write(line + "\n")
    return None


def _bundle(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    if not chosen.folder.is_dir():
        raise InvalidValue(table="bundle", column="folder", value=chosen.folder)
    if chosen.way == "import":
        done, flawed = sticks.import_bundles(hub, chosen.folder)
        return {"answered": done, "flawed": flawed}
    if not chosen.school:
        raise InvalidValue(table="bundle", column="school", value=None)
    return {"nodes": sticks.export_bundles(hub, schools.find_school(hub, chosen.school), chosen.folder)}


def _stranded(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    school = schools.find_school(hub, chosen.school)
    with hub.read() as connection:
        packets = completing.lost_packets(connection, school)
    files = write_stranded(chosen.folder, school, packets)
    if files:
        cli.note(_("Carry the folder to the school; there: mektep-node stranded FOLDER"))
    return {"packets": len(packets), "files": files}


def _verify(chosen: argparse.Namespace) -> Result:
    hub = _open(chosen)
    with hub.read() as connection:
        every = [0, *(p.school for p in statistics.places(connection))]
    some = [schools.find_school(hub, chosen.school)] if chosen.school else every
    flaws = []
    with cli.Ticker() as ticker:
        for done, school in enumerate(some):
            ticker.tell(_("Schools checked: {done} of {all}", done=done, all=len(some)))
            flaws += [f"{school}: {flaw}" for flaw in checks.verify(hub, school)]
    if flaws:
        raise Flawed(count=len(flaws), first=flaws[0])
    return {"verified": len(some)}


if __name__ == "__main__":
    sys.exit(main())
