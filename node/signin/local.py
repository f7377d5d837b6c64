"""What the door keeps on this machine alone, never synced: PINs of shared computers, second steps, used codes.

A PIN belongs to one account on one computer, known by a random cookie of which only the digest is kept. It opens for
PIN_DAYS after the last sign-in by password there, and dies with every sign-out everywhere. After PIN_TRIES wrong tries
it opens no more until a sign-in by password there, so that whoever spends them does not take it from its owner. Who
fails with a PIN here is not kept from signing in by password, nor from any other computer.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

from sqlite_utils import Database

from node import leaving
from node.naming import called
from node.people.queries import NAME_COLUMNS, NAMED, full_name
from node.storage import Node
from shared import auth, crypto
from shared.dates import DAY_MS
from shared.problems import SignInFailed
from sync.clock import now_ms

PIN_TRIES = 5
PIN_DAYS = 30
PIN_COST = crypto.Cost(2**14)
SHORTEST_PIN, LONGEST_PIN = 4, 8
STEP_TRIES = 5
STEP_MS = 300_000
TICKET_BYTES = 24

_TABLES = (
    """CREATE TABLE IF NOT EXISTS device_pin (device BLOB NOT NULL, account INTEGER NOT NULL, pin TEXT NOT NULL,
       tries INTEGER NOT NULL, full_at INTEGER NOT NULL, PRIMARY KEY (device, account)) STRICT""",
    """CREATE TABLE IF NOT EXISTS second_step (ticket BLOB PRIMARY KEY, account INTEGER NOT NULL,
       started INTEGER NOT NULL, tries INTEGER NOT NULL) STRICT""",
    "CREATE TABLE IF NOT EXISTS used_code (account INTEGER PRIMARY KEY, step INTEGER NOT NULL) STRICT",
)
_ALIVE = """a.retired_at IS NULL AND a.disabled = 0 AND a.totp IS NULL AND d.full_at >= ifnull(a.signed_out_at, 0)
  AND d.full_at >= :since AND d.tries < :most"""


@dataclass(frozen=True)
class Keeper:
    """Someone who keeps a PIN on this computer."""

    account: int
    name: str


def prepare(node: Node) -> None:
    """Make the tables if they are not there yet."""
    with closing(node.connect()) as db:
        for table in _TABLES:
            db.conn.execute(table)


def device_of(cookie: bytes) -> bytes:
    """What is kept of a computer's cookie."""
    return crypto.digest(b"mektep device", cookie)


# ---- PINs


def acceptable_pin(pin: str) -> bool:
    """Digits only, enough of them, and neither all the same nor counted up or down."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    return steps not in ({0}, {1}, {-1})


def set_pin(db: Database, device: bytes, account: int, pin: str) -> None:
    """Keep a PIN for an account on a computer; the one from before is forgotten."""
    db.conn.execute(
        "INSERT INTO device_pin VALUES (?, ?, ?, 0, ?) ON CONFLICT (device, account) DO UPDATE SET "
        "pin = excluded.pin, tries = 0, full_at = excluded.full_at",
        (device, account, crypto.hash_password(pin, PIN_COST), now_ms()),
    )


def drop_pin(db: Database, device: bytes, account: int) -> None:
    """Forget a PIN."""
    db.conn.execute("DELETE FROM device_pin WHERE device = ? AND account = ?", (device, account))


def has_pin(db: Database, device: bytes, account: int) -> bool:
    """Does the account keep a PIN on the computer, dead or alive?"""
    sql = "SELECT 1 FROM device_pin WHERE device = ? AND account = ?"
    return db.conn.execute(sql, (device, account)).fetchone() is not None


def is_shared(db: Database, device: bytes | None) -> bool:
    """Does anyone keep a PIN on the computer?"""
    sql = "SELECT 1 FROM device_pin WHERE device = ? LIMIT 1"
    return device is not None and db.conn.execute(sql, (device,)).fetchone() is not None


def signed_in_fully(db: Database, device: bytes, account: int) -> None:
    """After a sign-in by password the PIN is good again, whoever spent its tries."""
    db.conn.execute(
        "UPDATE device_pin SET full_at = ?, tries = 0 WHERE device = ? AND account = ?",
        (now_ms(), device, account),
    )


def keepers(db: Database, device: bytes | None, today: int) -> list[Keeper]:
    """Who may sign in by PIN on the computer now."""
    if device is None:
        return []
    sql = f"""WITH {NAMED} SELECT d.account, a.person, {NAME_COLUMNS}, {leaving.HERE} AS here
              FROM device_pin d JOIN account a ON a.id = d.account LEFT JOIN named n ON n.id = a.person
              WHERE d.device = :device AND {_ALIVE} ORDER BY n.surname, n.given_name, d.account"""
    rows = db.query(sql, {"device": device, "today": today} | _limits())
    return [
        Keeper(row["account"], called(full_name(row), row["person"], row["account"]))
        for row in rows
        if row["here"] or leaving.lets_in(db, row["person"], today)
    ]


def enter_by_pin(db: Database, device: bytes | None, account: int, pin: str) -> None:
    """SignInFailed unless the PIN is right; a try counts before it is judged, and after the last wrong one the
    password is needed.
    """
    rows = db.conn.execute(
        f"""UPDATE device_pin AS d SET tries = tries + 1 FROM account a WHERE a.id = d.account
            AND d.device = :device AND d.account = :account AND {_ALIVE} RETURNING pin""",
        {"device": device, "account": account} | _limits(),
    ).fetchall()
    if not rows or not auth.check(pin, rows[0][0]):
        raise SignInFailed()
    db.conn.execute("UPDATE device_pin SET tries = 0 WHERE device = ? AND account = ?", (device, account))


def tries_left(db: Database, device: bytes | None, account: int) -> int:
    """How often a PIN may still be tried on the computer before the password is needed."""
    row = db.conn.execute(
        "SELECT tries FROM device_pin WHERE device = ? AND account = ?", (device, account)
    ).fetchone()
    return max(0, PIN_TRIES - row[0]) if row else 0


def _limits() -> dict[str, int]:
    return {"since": now_ms() - PIN_DAYS * DAY_MS, "most": PIN_TRIES}


# ---- the second step


def begin_second_step(db: Database, account: int) -> str:
    """The password was right; the ticket opens the page that asks for the code, for five minutes."""
    ticket = crypto.random_bytes(TICKET_BYTES).hex()
    now = now_ms()
    db.conn.execute("DELETE FROM second_step WHERE started < ?", (now - STEP_MS,))
    db.conn.execute("INSERT INTO second_step VALUES (?, ?, ?, 0)", (_ticket(ticket), account, now))
    return ticket


def try_second_step(db: Database, ticket: str) -> int:
    """The account whose code is to be tried; SignInFailed for an old ticket or one tried too often."""
    rows = db.conn.execute(
        "UPDATE second_step SET tries = tries + 1 WHERE ticket = ? AND started >= ? AND tries < ? RETURNING account",
        (_ticket(ticket), now_ms() - STEP_MS, STEP_TRIES),
    ).fetchall()
    if not rows:
        raise SignInFailed()
    return int(rows[0][0])


def end_second_step(db: Database, ticket: str) -> None:
    """The code was right; the ticket is spent."""
    db.conn.execute("DELETE FROM second_step WHERE ticket = ?", (_ticket(ticket),))


def use_code(db: Database, account: int, key: str, code: str) -> bool:
    """Is this a one-time code of now that was not used before? It is used then."""
    used = db.conn.execute("SELECT step FROM used_code WHERE account = ?", (account,)).fetchone()
    step = crypto.code_step(key, code.replace(" ", ""), now_ms() / 1000, used[0] if used else 0)
    if step is None:
        return False
    done = db.conn.execute(
        "INSERT INTO used_code VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET step = excluded.step "
        "WHERE step < excluded.step",
        (account, step),
    )
    return bool(done.rowcount == 1)


def _ticket(ticket: str) -> bytes:
    return crypto.digest(b"mektep second step", ticket.encode("utf-8", "surrogatepass"))
