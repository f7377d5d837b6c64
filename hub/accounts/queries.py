"""The hub's accounts."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hub import tables
from shared.auth import normal_login


@dataclass(frozen=True)
class AccountRow:
    """An account as administrators see it; `seen` is the last use of a session, 0 for none at present."""

    id: int
    login: str
    name: str
    duty: str
    disabled: bool
    must_change: bool
    seen: int


def accounts(connection: sa.Connection) -> list[AccountRow]:
    """Every account, the open ones first, in order of names."""
    a, s = tables.hub_account.c, tables.session.c
    seen = dict(connection.execute(sa.select(s.account, sa.func.max(s.used)).group_by(s.account)).all())
    rows = connection.execute(sa.select(a.id, a.login, a.name, a.duty, a.disabled, a.must_change))
    found = [
        AccountRow(r.id, r.login, r.name, r.duty, bool(r.disabled), bool(r.must_change), seen.get(r.id, 0))
        for r in rows
    ]
    return sorted(found, key=lambda row: (row.disabled, row.name.casefold()))


def account(connection: sa.Connection, row_id: int) -> AccountRow | None:
    """One account; None when there is no such account."""
    return next((row for row in accounts(connection) if row.id == row_id), None)


def is_taken(connection: sa.Connection, login: str) -> bool:
    """Does an account bear this login, however it is written?"""
    logins = connection.execute(sa.select(tables.hub_account.c.login)).scalars()
    return normal_login(login) in {normal_login(text) for text in logins}
