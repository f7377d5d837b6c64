"""Cyrillic and Latin letters, one for the other: in logins, in a search by Latin letters, in lists that mix them."""

from __future__ import annotations

import re
import unicodedata

_LATIN = dict(
    zip(
        "абвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя",
        "a b v g d e e j z i y k l m n n o o p r s t u u f h ts ch sh sh - y - e yu ya".replace(
            "-", ""
        ).split(" "),
        strict=True,
    )
)


LOOKALIKES = str.maketrans("ABCEHKMOPTXYaceopxy", "АВСЕНКМОРТХУасеорху")
"""Latin letters as the Cyrillic ones that look the same."""


def latin(text: str) -> str:
    """Cyrillic text in small Latin letters, as in a login."""
    return "".join(
        _LATIN.get(letter, letter if letter.isascii() and letter.isalnum() else "") for letter in text.lower()
    )


_SOUNDS = (
    ("shch", "sh"), ("dzh", "j"), ("zh", "j"), ("dj", "j"), ("kh", "h"), ("x", "ks"), ("q", "k"), ("w", "v"),
    ("ng", "n"), ("y", "i"),
)  # fmt: skip
_DOUBLED = re.compile(r"([a-z])\1+")


def sounding(text: str) -> str:
    """A form to search by in Latin letters, the usual spellings of one sound made one: Jumabaev, Zhumabayev.

    Both the names and what was typed are put into it; case, accents and doubled letters do not matter.
    """
    return " ".join(map(_sound, text.lower().split()))


def _sound(word: str) -> str:
    plain = latin("".join(one if one in _LATIN else unicodedata.normalize("NFKD", one)[0] for one in word))
    for spelling, sound in _SOUNDS:
        plain = plain.replace(spelling, sound)
    return _DOUBLED.sub(r"\1", plain).replace("ie", "e").replace("io", "e")
