"""Accounts as the door knows them."""

from __future__ import annotations

from sqlite_utils import Database

from node.logins import login_of
from shared.auth import Account, normal_login


def accounts(db: Database, login: str) -> list[Account]:
    """The living accounts with this (normal) login: one, or after a merge more."""
    rows = db.execute(
        "SELECT id, password, login FROM account WHERE retired_at IS NULL AND disabled = 0 AND password IS NOT NULL"
    ).fetchall()
    return [Account(row[0], row[1]) for row in rows if normal_login(login_of(row[0], row[2])) == login]


def password_of(db: Database, account: int) -> tuple[str, str]:
    """Login and stored password of an account."""
    row = db.execute("SELECT login, password FROM account WHERE id = ?", (account,)).fetchone()
    return login_of(account, row[0]), row[1] or ""


def is_renamed(db: Database, account: int) -> bool:
    """Was the login replaced, and has its owner not used the new one yet, nor been handed it?"""
    row = db.execute("SELECT renamed_on FROM account WHERE id = ?", (account,)).fetchone()
    return row is not None and row[0] is not None


def code_key(db: Database, account: int) -> str:
    """The key of the account's one-time codes; empty when none are asked for."""
    row = db.execute("SELECT totp FROM account WHERE id = ?", (account,)).fetchone()
    return str(row[0] or "") if row else ""


def recovery_of(db: Database, account: int) -> list[str]:
    """What is kept of the recovery codes that are left."""
    row = db.execute("SELECT recovery FROM account WHERE id = ?", (account,)).fetchone()
    return [one for one in str(row[0] or "").split(",") if one] if row else []
