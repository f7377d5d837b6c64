"""What the node knows of its exchange with the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from node.exchange.outcomes import INTERRUPTED, Outcome, outcome_of
from shared.dates import DAY_MS
from shared.problems import N_, HubUnreachable
from shared.schema import BY_NUMBER
from shared.ui import Tone
from sync import clock
from sync.cbor import unpack
from sync.lock import sync_locked
from sync.session import free_space
from sync.state import State, identity

CLOCK_TOLERANCE_MS = 600_000
"""A machine whose clock differs more than this from the hub's is warned of."""
LOW_SPACE = 500 * 1024 * 1024
"""Free bytes below which the page warns of a full disk."""
BACKUP_DAYS = 7
"""A backup older than this is warned of."""
SILENT_DAYS = 7
"""A machine of the school that the hub has not heard for so long is asked after."""
_SHOWN = 16
"""Signs of its key by which the district calls a machine."""
_MOST_SECONDS_LEFT = 86_400
_ENOUGH = 20
"""The pace is known once one part in so many is sent; the first exchange is a small one."""


@dataclass(frozen=True)
class Status:
    """Where the node stands; instants in milliseconds since 1970, 0 for never.

    ``sent``: packets that this school's machines made and that are here, ``receipts``: how many of them the hub has
    signed for. ``space``: free bytes on the disk, 0 if unknown. ``completing``: the hub was put back from a copy and
    is being told again. ``stranded``: packets of the school that the hub holds alone, and cannot read.
    ``kit_opens``: does the recovery kit open this machine's backups? Not where it was let in by six words alone.
    """

    school_name: str
    school: int
    origin: int
    registered: bool
    hub_url: str
    waiting: int
    position: int
    last_done: int
    last_checked: int
    last_backup: int
    hub_clock_ahead: int
    conflicts: int
    quarantined: int
    last_run: Mapping[str, Any] | None
    sent: int
    receipts: int
    space: int
    completing: bool
    stranded: int
    kit_opens: bool


@dataclass(frozen=True)
class Run:
    """One sync, under way or over. Instants in milliseconds since 1970, sizes in bytes; ``seconds`` it took so far."""

    id: int
    started: int
    ended: int | None
    way: str
    outcome: str
    running: bool
    sent: int
    received: int
    changes_sent: int
    changes_received: int
    changes_waiting: int
    rounds: int
    seconds: float

    @property
    def told(self) -> Outcome:
        """How it ended, in plain words."""
        return outcome_of(self.outcome)

    @property
    def rate(self) -> int:
        """Bytes a second, both ways together."""
        return round((self.sent + self.received) / max(self.seconds, 0.001))

    @property
    def changes(self) -> int:
        """How many changes this run has to send in all, as far as it is known."""
        return self.changes_sent + self.changes_waiting

    @property
    def seconds_left(self) -> int | None:
        """Estimated from the pace so far for the changes that wait; None while there is nothing to estimate from."""
        if not self.running or not self.changes_waiting or self.changes_sent * _ENOUGH < self.changes:
            return None
        left = self.seconds * self.changes_waiting / self.changes_sent
        return min(round(left), _MOST_SECONDS_LEFT)


@dataclass(frozen=True)
class Standing:
    """The answer to "Is my school's data safe?": templates with ``{waiting}`` and ``{when}``, for translation."""

    tone: Tone
    sentence: str
    advice: str


_TRIED = N_("Mektep tries again by itself, every few minutes.")
_NOW_RUNNING = Standing(
    "waiting",
    N_("The exchange with the district is under way."),
    N_("You may go on working or close this page."),
)
_ALONE = Standing(
    "waiting",
    N_("The school's data is safe on this machine, and only here."),
    N_("Register at the district with its code. Until then make a backup every week and keep it elsewhere."),
)
_SAFE = Standing(
    "good", N_("Everything of this school is at the district since {when}."), N_("Nothing to do.")
)
_BELOW = N_("What is left to do stands below.")
_SAFE_OFFLINE = Standing(
    "good",
    N_("Everything of this school is at the district since {when}."),
    N_("Just now the hub cannot be reached; new changes will be kept here and sent later."),
)
_NOTHING_SENT = Standing(
    "waiting", N_("Changes waiting: {waiting}. None has reached the district yet."), _TRIED
)
_BY_STICK = N_("This school syncs by stick; where there is internet, give the address of the hub.")
_WAITING = Standing("waiting", N_("Changes waiting: {waiting}. Last complete sync: {when}."), _TRIED)


def status(db: Database) -> Status:
    state = State(db)
    return Status(
        school_name=str(state.school_name),
        school=int(state.school),
        origin=int(state.origin),
        registered=bool(state.registered),
        hub_url=str(state.hub_url),
        waiting=waiting(db),
        position=int(state.position),
        last_done=int(state.last_done),
        last_checked=int(state.last_checked),
        last_backup=int(state.last_backup),
        hub_clock_ahead=int(state.hub_clock_ahead),
        conflicts=_count(db, "conflict"),
        quarantined=_count(db, "quarantine"),
        last_run=last_run(db),
        sent=_count(db, "changeset WHERE school > 0"),
        receipts=_count(db, "changeset WHERE school > 0 AND position IS NOT NULL"),
        space=free_space(db),
        completing=int(state.completing) >= 0,
        stranded=int(state.stranded),
        kit_opens=not state.join_secret,
    )


def standing(found: Status, run: Run | None, is_more_below: bool = False) -> Standing:
    """Whether the school's data is safe, from where the node stands and its newest run.

    ``is_more_below``: the page asks for something else beside it, so that "Nothing to do" would be wrong.
    """
    if run is not None and run.running:
        return _NOW_RUNNING
    if not found.registered:
        return _ALONE
    outcome = outcome_of(run.outcome) if run is not None else None
    if outcome is not None and outcome.tone == "bad":
        return Standing("bad", outcome.sentence, outcome.advice)
    if not found.last_done:
        base = _NOTHING_SENT
    elif found.waiting:
        base = _WAITING
    else:
        out_of_reach = run is not None and run.outcome == HubUnreachable.code
        if out_of_reach:
            return _SAFE_OFFLINE
        return replace(_SAFE, advice=_BELOW) if is_more_below else _SAFE
    if not found.hub_url:
        return Standing("waiting", base.sentence, _BY_STICK)
    if outcome is None or outcome.tone == "good":
        return base
    return Standing("waiting", base.sentence, outcome.advice)


def clock_off(found: Status) -> bool:
    """Does this machine's clock differ so much from the hub's that someone should set it?"""
    return abs(found.hub_clock_ahead) > CLOCK_TOLERANCE_MS


def disk_nearly_full(found: Status) -> bool:
    """Is so little room left that someone should clear up before nothing can be saved?"""
    return 0 < found.space < LOW_SPACE


def silent(db: Database, found: Status) -> list[Machine]:
    """The school's other machines that the hub has not heard for a week."""
    now = hubs_now(found)
    return [machine for machine in machines(db) if machine.is_silent(now)]


def asks_for_something(found: Status, now: int) -> bool:
    """Does something beside the exchange itself want doing: clock, disk, backup, packets set aside or held alone?"""
    return (
        clock_off(found)
        or disk_nearly_full(found)
        or backup_due(found, now)
        or found.quarantined > 0
        or found.stranded > 0
    )


def backup_due(found: Status, now: int) -> bool:
    """Was no backup made for a week?"""
    return now - found.last_backup > BACKUP_DAYS * DAY_MS


def hub_known(db: Database) -> bool:
    """Has this node seen the keys of the hub that its registration code names?"""
    return bool(State(db).hub_signing)


@dataclass(frozen=True)
class Machine:
    """A node of the school as the hub last spoke of it: ``key`` is what the district calls it by.

    ``revoked_at``, ``heard_at``: milliseconds since 1970, 0 for not and for unknown; ``waiting``: changes that were
    only there when it was heard.
    """

    key: str
    is_own: bool
    revoked_at: int
    heard_at: int
    waiting: int

    def is_silent(self, now: int) -> bool:
        """Was another machine, that may still sync, not heard for a week?"""
        others = not self.is_own and not self.revoked_at and self.heard_at > 0
        return others and now - self.heard_at > SILENT_DAYS * DAY_MS


def machines(db: Database) -> list[Machine]:
    """The nodes of the school, this one first, then the latest heard, those that were revoked last."""
    state, own = State(db), identity(db).signer.public
    found = [
        Machine(_short(signing), signing == own, revoked_at, heard_at, waiting)
        for signing, revoked_at, heard_at, waiting in (
            unpack(state.machines, "the list") if state.machines else []
        )
    ]
    return sorted(found, key=lambda m: (not m.is_own, m.revoked_at > 0, -m.heard_at, m.key))


def _short(key: bytes) -> str:
    shown = key.hex()[:_SHOWN]
    return " ".join(shown[at : at + 4] for at in range(0, _SHOWN, 4))


def hubs_now(found: Status) -> int:
    """This instant by the hub's clock, as far as it is known; what the hub tells is in its time."""
    return clock.now_ms() + found.hub_clock_ahead


def asking(db: Database) -> int:
    """How many machines ask to be let in, as far as the hub has told."""
    joining = State(db).joining
    return len(unpack(joining, "the list")) if joining else 0


def last_run(db: Database) -> Mapping[str, Any] | None:
    """The newest run, running (``ended`` is None) or over."""
    return next(iter(db.query("SELECT * FROM sync_run ORDER BY id DESC LIMIT 1")), None)


def runs(db: Database, home: Path, limit: int = 20) -> list[Run]:
    """Runs, newest first. One that never ended is under way if the sync lock is held, and was cut off if it is not."""
    rows = _newest_runs(db, limit)
    under_way = bool(rows) and rows[0]["ended"] is None
    if under_way and not sync_locked(home):
        # A run writes down its end before it lets the lock go: it may have done both since the rows were read.
        rows, under_way = _newest_runs(db, limit), False
    return [_run(row, under_way and place == 0) for place, row in enumerate(rows)]


def _newest_runs(db: Database, limit: int) -> list[dict[str, Any]]:
    return list(db.query("SELECT * FROM sync_run ORDER BY id DESC LIMIT ?", [limit]))


def newest(db: Database, home: Path) -> Run | None:
    """The newest run."""
    return next(iter(runs(db, home, 1)), None)


def _run(row: Mapping[str, Any], running: bool) -> Run:
    ended = row["ended"]
    until = clock.now_ms() if running else ended or row["started"]
    outcome = "" if running else row["outcome"] or INTERRUPTED
    seconds = max(0, until - row["started"]) / 1000
    return Run(**{**row, "outcome": outcome, "running": running, "seconds": seconds})


def waiting(db: Database) -> int:
    """How many of the school's own changes have no receipt yet: those not cut, and those cut and not accepted."""
    row = db.execute(
        """SELECT (SELECT ifnull(max(n), 0) FROM change) - ifnull(max(local_last), 0)
             + ifnull(sum(CASE WHEN position IS NULL THEN local_last - local_first + 1 END), 0) FROM changeset"""
    ).fetchone()
    return int(row[0])


def waiting_by_area(db: Database) -> dict[str, int]:
    """How many of the school's own changes wait for the hub, by area of school life (`shared.schema.Table.group`)."""
    rows = db.execute(
        """WITH span (first, last) AS (
             SELECT ifnull(max(local_last), 0) + 1, (SELECT max(n) FROM change) FROM changeset
             UNION ALL SELECT local_first, local_last FROM changeset WHERE position IS NULL)
           SELECT c.tbl, count(*) FROM span CROSS JOIN change c ON c.n BETWEEN span.first AND span.last
           GROUP BY c.tbl"""
    ).fetchall()
    found: dict[str, int] = {}
    for number, count in rows:
        group = BY_NUMBER[number].group if number in BY_NUMBER else ""
        found[group] = found.get(group, 0) + count
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _count(db: Database, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
