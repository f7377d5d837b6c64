"""Routes of the exchange with the district: how it stands, sync now, registration, the stick, a backup."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta  # type: ignore[import-untyped]
from werkzeug.datastructures import FileStorage

from node import backups, storage
from node.dictionary.queries import GROUPS
from node.exchange import actions, joining, queries
from node.exchange.queries import Run, Status
from node.reading.noting import noted
from node.request import agent, database, node
from shared.access import allow
from shared.i18n import gettext, instant, number, translate
from shared.problems import N_, FlawedAddress, NotFound, Problem
from shared.web import visitor
from sync import clock
from sync.messages import MAX_MESSAGE

area = Blueprint("exchange", __name__, url_prefix="/sync", template_folder="templates")

ADMINISTRATOR = "administrator"
READERS = (ADMINISTRATOR, "head")
WAYS = {"hand": N_("by hand"), "agent": N_("by itself"), "join": N_("when this machine joined")}
HISTORY = 20
_UPLOADS = {"exchange.take_answer", "exchange.register_by_stick"}
_STALE_SECONDS = 86_400


@area.url_value_preprocessor
def _allow_bundles(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A file from a stick may be larger than a form; this runs before the form is read."""
    if endpoint in _UPLOADS:
        request.max_content_length = 2 * MAX_MESSAGE


@area.get("/")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """Is my school's data safe? And everything about the exchange below it."""
    return _page()


@area.get("/lost")
@allow(*READERS)
def lost() -> str:
    """What to have ready today, and what to do when this machine is broken, lost or stolen: to read and to print."""
    found = queries.status(database())
    return render_template(
        "exchange/lost.html",
        status=found,
        when=when,
        backup_due=queries.backup_due(found, clock.now_ms()),
        home=_home(),
    )


@area.get("/machines")
@allow(*READERS)
def machines() -> ResponseReturnValue:
    """The machines that keep this school's books, and letting another one in."""
    return _machines()


@area.post("/let-in")
@allow(ADMINISTRATOR)
def let_in() -> ResponseReturnValue:
    """Let in the machine whose six words were typed; the hub is asked before, and told after."""
    try:
        problem = joining.let_in(node(), request.form.get("words", ""))
    except Problem as refused:
        return _machines(refused)
    return redirect(url_for("exchange.machines", let_in="later" if problem else "now"))


def _machines(problem: Problem | None = None) -> tuple[str, int]:
    found = queries.status(database())
    now = queries.hubs_now(found)
    page = render_template(
        "exchange/machines.html",
        status=found,
        machines=[(machine, machine.is_silent(now)) for machine in queries.machines(database())],
        asking=queries.asking(database()),
        problem=problem.sentence(gettext) if problem else "",
        let_in=request.args.get("let_in", ""),
        may_act=visitor().has(ADMINISTRATOR),
        when=when,
    )
    return page, problem.status if problem else 200


@area.get("/state")
@allow(*READERS)
def state() -> ResponseReturnValue:
    """What changes while a sync runs, asked for every second; once it is over, the whole page, in place."""
    runs = queries.runs(database(), node().home, 1)
    if _running(runs):
        return render_template("exchange/state.html", **_state(queries.status(database()), runs))
    page, _ = _page(over=True)
    return page, {"HX-Retarget": "#exchange", "HX-Reselect": "#exchange", "HX-Reswap": "outerHTML"}


@area.post("/run")
@allow(ADMINISTRATOR)
def run() -> ResponseReturnValue:
    """Sync now, in the background; a sync that runs already is shown."""
    try:
        actions.start_sync(node())
    except Problem as problem:
        if not _running(queries.runs(database(), node().home, 1)):
            return _page(problem)
    return redirect(url_for("exchange.index"))


@area.post("/register")
@allow(ADMINISTRATOR)
def register() -> ResponseReturnValue:
    """Register at the district's hub by wire; the first sync starts at once."""
    address = request.form.get("address", "").strip()
    try:
        _require_web(address)
        actions.register(node(), address, request.form.get("code", ""))
    except Problem as problem:
        return _page(problem, opened="wire")
    waiting_agent = agent()
    if waiting_agent is not None:
        waiting_agent.wake()
    return run()


@area.post("/register-by-stick")
@allow(ADMINISTRATOR)
def register_by_stick() -> ResponseReturnValue:
    """Make the request to carry to the hub whose file was given."""
    try:
        name, content = actions.register_by_stick(node(), _uploaded("hub_file"), request.form.get("code", ""))
    except Problem as problem:
        return _page(problem, opened="stick")
    return _download(name, content)


@area.post("/request-file")
@allow(ADMINISTRATOR)
def request_file() -> ResponseReturnValue:
    """Everything that waits, as one sealed file to carry to the hub."""
    try:
        name, content = actions.request_file(node())
    except Problem as problem:
        return _page(problem, opened="stick")
    return _download(name, content)


@area.post("/answer-file")
@allow(ADMINISTRATOR)
def take_answer() -> ResponseReturnValue:
    """Take the answer that a stick brought."""
    try:
        actions.take_answer_file(node(), _uploaded("answer_file"))
    except Problem as problem:
        return _page(problem, opened="stick")
    return redirect(url_for("exchange.index", taken=1))


@area.post("/address")
@allow(ADMINISTRATOR)
def change_address() -> ResponseReturnValue:
    """The same hub at another address."""
    try:
        actions.change_address(node(), request.form.get("address", "").strip())
    except Problem as problem:
        return _page(problem, opened="address")
    return redirect(url_for("exchange.index"))


@area.post("/backup/destroyed")
@allow(ADMINISTRATOR)
def backup_destroyed() -> ResponseReturnValue:
    """Someone destroyed a copy that was saved through a browser. NotFound."""
    if not backups.forget(database(), request.form.get("at", 0, type=int)):
        raise NotFound()
    return redirect(url_for("exchange.index") + "#backups")


@area.post("/backup")
@allow(ADMINISTRATOR)
def backup() -> ResponseReturnValue:
    """An encrypted copy of everything, as a file to keep elsewhere."""
    noted("export", "backup")
    home = node().home
    for left in home.glob("download-*"):
        if time.time() - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="download-", dir=home))
    try:
        storage.backup(node(), folder / "backup")
        file = (folder / "backup").open("rb")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    name = f"mektep-{time.strftime('%Y-%m-%d')}.backup"
    answer = send_file(file, mimetype="application/octet-stream", as_attachment=True, download_name=name)

    def clean_up() -> None:
        file.close()
        shutil.rmtree(folder, ignore_errors=True)

    answer.direct_passthrough = False  # or the clean-up would never be called
    answer.call_on_close(clean_up)
    return answer


# ---- the page


def _page(problem: Problem | None = None, opened: str = "", over: bool = False) -> tuple[str, int]:
    # Whether one runs is asked first: what a run that is over brought about then shows in the status.
    runs = queries.runs(database(), node().home, HISTORY)
    found = queries.status(database())
    page = render_template(
        "exchange/index.html",
        over=over,
        problem=problem.sentence(gettext) if problem else "",
        opened=opened,
        taken="taken" in request.args,
        runs=runs,
        ways=WAYS,
        # Of a school without a district all that was ever written waits, and no area more than another.
        areas=[
            (translate(GROUPS[group]) if group in GROUPS else gettext("Other"), count)
            for group, count in queries.waiting_by_area(database()).items()
        ]
        if found.registered
        else [],
        hub_known=queries.hub_known(database()),
        clock_off=queries.clock_off(found),
        clock_off_by=format_timedelta(timedelta(milliseconds=abs(found.hub_clock_ahead))),
        now=instant(clock.now_ms()),
        hubs_now=instant(queries.hubs_now(found)),
        home=_home(),
        backup_due=queries.backup_due(found, clock.now_ms()),
        holding=backups.still_holding(database()),
        erased=backups.last_erasure(database()),
        silent=queries.silent(database(), found),
        asking=queries.asking(database()),
        disk_nearly_full=queries.disk_nearly_full(found),
        when=when,
        when_parts=when_parts,
        **_state(found, runs),
    )
    return page, problem.status if problem else 200


def _state(found: Status, runs: list[Run]) -> dict[str, object]:
    run = runs[0] if runs else None
    asks = queries.silent(database(), found) or queries.asks_for_something(found, clock.now_ms())
    standing = queries.standing(found, run, bool(asks))
    places = {"waiting": number(found.waiting), "when": when(found.last_done)}
    return {
        "status": found,
        "run": run,
        "running": _running(runs),
        "tone": standing.tone,
        "sentence": translate(standing.sentence).format(**places),
        "advice": translate(standing.advice).format(**places),
        "may_act": visitor().has(ADMINISTRATOR),
        "duration": duration,
    }


def _running(runs: list[Run]) -> bool:
    return bool(runs) and runs[0].running


def _home() -> str:
    """The home of this node as one types it."""
    return shlex.quote(str(node().home.absolute()))


def _require_web(address: str) -> None:
    if not address.startswith(("http://", "https://")):
        raise FlawedAddress()


def _uploaded(field: str) -> bytes:
    file = request.files.get(field)
    return file.read() if isinstance(file, FileStorage) else b""


def _download(name: str, content: bytes) -> ResponseReturnValue:
    return send_file(
        BytesIO(content), mimetype="application/octet-stream", as_attachment=True, download_name=name
    )


def when(value: int) -> str:
    """An instant, today's by its time alone."""
    return " ".join(filter(None, when_parts(value)))


def when_parts(value: int) -> tuple[str, str]:
    """Day and time of an instant; the day is empty if it is today."""
    day, _, time_ = instant(value).rpartition(" ")
    return ("" if day == instant(clock.now_ms()).rpartition(" ")[0] else day), time_


def duration(seconds: float) -> str:
    """A number of seconds as people say it."""
    whole = round(seconds)
    if whole < 60:
        return gettext("%(seconds)s s", seconds=whole)
    if whole < 3600:
        return gettext("%(minutes)s min %(seconds)s s", minutes=whole // 60, seconds=whole % 60)
    return gettext("%(hours)s h %(minutes)s min", hours=whole // 3600, minutes=whole % 3600 // 60)
