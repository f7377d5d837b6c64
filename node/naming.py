"""How the holder of an account is called: by name where a consent lets it show, else by a number.

Never by the login: it is made of the name, and would tell it of who may not be named.
"""

from __future__ import annotations

_LOW_BITS = 0xFFFFFFFF


def number_of(row: int) -> int:
    """The number by which a person without a name, or any row, is told apart."""
    return row & _LOW_BITS


def called(name: str, person: int | None, account: int) -> str:
    """The name, or `№ 17` with the number of the person; of an account that is nobody's, its own number."""
    return name or f"№ {number_of(person or account)}"
