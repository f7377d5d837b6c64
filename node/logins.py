"""Logins: made of the name, which is easy to remember and to type, as long as a consent lets the name show.

With the name's erasure the login is erased, too, wherever it stands. An account without one is signed in to by its own
number, which nobody needs to write: so machines that erase apart come out alike. No law obliges to keep a login; it
goes when the consent to the core record is withdrawn, also where the name itself is kept for the books.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database

from node.naming import number_of
from shared.auth import normal_login
from shared.latin import latin
from shared.schema import BY_NAME
from sync.erasure import erase_cells
from sync.log import NodeLog
from sync.undo import note_act
from sync.writer import Writer

_TABLE = BY_NAME["account"]
_LOGIN = _TABLE.by_name["login"]


def login_of(account: int, stored: str | None) -> str:
    """With what an account is signed in to."""
    return stored or str(number_of(account))


def of_account(db: Database, account: int) -> str:
    """The same, looked up: for its owner, and for a slip, whatever it tells."""
    row = db.execute("SELECT login FROM account WHERE id = ?", (account,)).fetchone()
    return login_of(account, row[0] if row else None)


def tells_name(login: str) -> bool:
    """May a login be made of a name? One without a letter is not."""
    return any(one.isalpha() for one in login)


def shown(account: int, stored: str | None, name: str) -> str:
    """A login as others than its owner read it: empty where it may tell the name of who may not be named."""
    login = login_of(account, stored)
    return "" if not name and tells_name(login) else login


def taken(db: Database) -> set[str]:
    """Every login in use, as they are compared; also of disabled accounts."""
    rows = db.execute("SELECT id, login FROM account WHERE retired_at IS NULL").fetchall()
    return {normal_login(login_of(account, login)) for account, login in rows}


def of_name(surname: str, given: str, used: Iterable[str]) -> str:
    """`surname.given` in Latin letters, with a number when others are called so too."""
    plain = ".".join(part for part in (latin(surname.split(" ")[0]), latin(given)) if part)[:50] or "user"
    login, number, others = plain, 1, set(used)
    while login in others:
        number += 1
        login = f"{plain}{number}"
    return login


def held(db: Database, person: int) -> list[int]:
    """The accounts of a person of which the school still keeps a login that may tell the name, shown or not."""
    log = NodeLog(db)
    rows = db.execute("SELECT id FROM account WHERE person = ? ORDER BY id", (person,)).fetchall()
    return [
        account
        for (account,) in rows
        if any(
            isinstance(login := entry.values.get(_LOGIN.number), str) and tells_name(login)
            for entry in log.history(_TABLE, (account,))
        )
    ]


def erase(w: Writer, person: int, today: int) -> int:
    """Erase the logins of a person, for good; returns of how many accounts. What opens them now is to be handed out."""
    accounts = held(w.db, person)
    if accounts:
        note_act(w, "erasure", "login", len(accounts))
        erase_cells(w, [(_TABLE, account, (account,), [_LOGIN]) for account in accounts])
        for account in accounts:
            w.update("account", account, renamed_on=today)
    return len(accounts)


def drop(w: Writer, account: int) -> None:
    """Let the number open an account from now on, as for whoever may not be named at present."""
    w.update("account", account, login=None)
