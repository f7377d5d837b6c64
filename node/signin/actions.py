"""Changing one's own password."""

from __future__ import annotations

from shared import auth
from sync.writer import Writer


def change_password(w: Writer, account: int, password: str) -> None:
    """Keep the hash of a new password; the duty to change it is done."""
    w.update("account", account, password=auth.hash_new(password), must_change=0)
