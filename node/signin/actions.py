"""Changing one's own password, and asking for one-time codes or no more."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from node.signin import queries
from shared import auth, crypto
from sync.writer import Writer

RECOVERY_CODES = 8
_RECOVERY_BYTES = 6


def change_password(w: Writer, account: int, password: str) -> None:
    """Keep the hash of a new password; the duty to change it is done, and everywhere the account is signed out."""
    w.update("account", account, password=auth.hash_new(password), must_change=0, signed_out_at=w.now)


def knows_login(w: Writer, account: int) -> None:
    """The owner signed in with the login that replaced another one: nobody need tell it any more."""
    w.update("account", account, renamed_on=None)


def sign_out_everywhere(w: Writer, account: int) -> None:
    """End every session and PIN of the account, here now and on other nodes when they hear of it."""
    w.update("account", account, signed_out_at=w.now)


def recovery_codes() -> list[str]:
    """New recovery codes, of 48 bits each, for when the phone is lost."""
    return [
        crypto.proquints(crypto.random_bytes(_RECOVERY_BYTES)).replace(" ", "-")
        for _ in range(RECOVERY_CODES)
    ]


def ask_for_codes(w: Writer, account: int, key: str, recovery: Sequence[str]) -> None:
    """From now on a sign-in asks for a one-time code of this key, or for one of the recovery codes."""
    w.update("account", account, totp=key, recovery=",".join(recovery_hash(account, one) for one in recovery))


def ask_for_no_codes(w: Writer, account: int) -> None:
    """From now on the password alone opens."""
    w.update("account", account, totp=None, recovery=None)


def use_recovery_code(w: Writer, account: int, code: str) -> bool:
    """Is this one of the account's recovery codes? It is struck out then."""
    kept = queries.recovery_of(w.db, account)
    given = recovery_hash(account, code)
    if given not in kept:
        return False
    w.update("account", account, recovery=",".join(one for one in kept if one != given))
    return True


def recovery_hash(account: int, code: str) -> str:
    """What is kept of a recovery code, whatever its case, spaces or hyphens."""
    letters = "".join(letter for letter in code.lower() if letter.isalnum())
    found = crypto.digest(
        b"mektep recovery code", str(account).encode(), letters.encode("utf-8", "surrogatepass")
    )
    return base64.urlsafe_b64encode(found[:18]).decode()
