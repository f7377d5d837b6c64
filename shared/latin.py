"""Cyrillic in Latin letters, for logins."""

from __future__ import annotations

_LATIN = dict(
    zip(
        "абвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя",
        "a b v g d e e j z i y k l m n n o o p r s t u u f h ts ch sh sh - y - e yu ya".replace(
            "-", ""
        ).split(" "),
        strict=True,
    )
)


def latin(text: str) -> str:
    """Cyrillic text in small Latin letters, as in a login."""
    return "".join(
        _LATIN.get(letter, letter if letter.isascii() and letter.isalnum() else "") for letter in text.lower()
    )
