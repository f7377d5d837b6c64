"""Changing one's own password."""

from __future__ import annotations

from hub import tables
from hub.storage import Hub
from shared import auth


def change_password(hub: Hub, account: int, password: str) -> None:
    """Keep the hash of a new password; the duty to change it is done."""
    stored = auth.hash_new(password)
    a = tables.hub_account
    with hub.write() as connection:
        connection.execute(a.update().where(a.c.id == account).values(password=stored, must_change=0))
