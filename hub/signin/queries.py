"""Accounts as the door knows them."""

from __future__ import annotations

import sqlalchemy as sa

from hub import tables
from hub.storage import Hub
from shared.auth import Account, normal_login


def accounts(hub: Hub, login: str) -> list[Account]:
    """The open accounts with this (normal) login."""
    a = tables.hub_account.c
    with hub.read() as connection:
        rows = connection.execute(sa.select(a.id, a.login, a.password).where(a.disabled == 0)).all()
    return [Account(row.id, row.password) for row in rows if normal_login(row.login) == login]


def password_of(hub: Hub, account: int) -> tuple[str, str]:
    """Login and stored password of an account."""
    a = tables.hub_account.c
    with hub.read() as connection:
        row = connection.execute(sa.select(a.login, a.password).where(a.id == account)).one()
    return row.login, row.password
