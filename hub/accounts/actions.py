"""Opening and shutting accounts. A password given out by an administrator must be changed at the first sign-in."""

from __future__ import annotations

import sqlalchemy as sa

from hub import tables
from hub.access import ADMINISTRATOR
from hub.storage import Hub
from shared import auth, crypto

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letters that look alike on paper."""
_GROUPS, _GROUP = 3, 4


def new_password() -> str:
    """A password to give out: twelve letters and digits in groups, some 59 bits."""
    picks = "".join(_LETTERS[_below(len(_LETTERS))] for _ in range(_GROUPS * _GROUP))
    return "-".join(picks[at : at + _GROUP] for at in range(0, len(picks), _GROUP))


def _below(bound: int) -> int:
    """An even random number; bytes that would make some likelier are thrown away."""
    while True:
        drawn = crypto.random_bytes(1)[0]
        if drawn < 256 - 256 % bound:
            return drawn % bound


def add(hub: Hub, login: str, name: str, duty: str, language: str) -> tuple[int, str]:
    """Open an account; returns its id and the password to give out."""
    password = new_password()
    values = {"login": login, "name": name, "duty": duty, "language": language, "must_change": 1}
    stored = auth.hash_new(password)
    with hub.write() as connection:
        insert = tables.hub_account.insert().values(password=stored, **values)
        return int(connection.execute(insert.returning(tables.hub_account.c.id)).scalar_one()), password


def reset(hub: Hub, account: int) -> str:
    """Give an account a new password and end its sessions; returns the password to give out."""
    password = new_password()
    stored = auth.hash_new(password)
    with hub.write() as connection:
        _change(connection, account, password=stored, must_change=1)
        _end_sessions(connection, account)
    return password


def shut(hub: Hub, account: int) -> bool:
    """Let nobody in with an account any more; False, and nothing done, for the last open administrator."""
    a = tables.hub_account.c
    with hub.write() as connection:
        others = sa.select(sa.func.count()).where(a.duty == ADMINISTRATOR, a.disabled == 0, a.id != account)
        if not connection.execute(others).scalar():
            return False
        _change(connection, account, disabled=1)
        _end_sessions(connection, account)
    return True


def reopen(hub: Hub, account: int) -> None:
    """Let an account in again."""
    with hub.write() as connection:
        _change(connection, account, disabled=0)


def _change(connection: sa.Connection, account: int, **values: object) -> None:
    a = tables.hub_account
    connection.execute(a.update().where(a.c.id == account).values(**values))


def _end_sessions(connection: sa.Connection, account: int) -> None:
    connection.execute(tables.session.delete().where(tables.session.c.account == account))
