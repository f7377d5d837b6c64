"""The letters of absence: what stands for what, in each language, and which cannot stand together."""

from __future__ import annotations

from collections.abc import Mapping

LETTERS = {
    "ky": {"absent": "ж", "late": "к", "ill": "о", "excused": "с", "unexcused": "сз"},
    "ru": {"absent": "н", "late": "о", "ill": "б", "excused": "у", "unexcused": "нп"},
    "en": {"absent": "a", "late": "l", "ill": "i", "excused": "e", "unexcused": "u"},
}
"""What stands for an absence, a late arrival and the reasons where the school has not chosen its own letters."""


_ON_A_LATIN_KEYBOARD = {"absent": ["n"]}


def usual_letters() -> dict[str, list[str]]:
    """Meaning -> the letters that stand for it in some language, and for nothing else in another."""
    found: dict[str, set[str]] = {}
    for usual in LETTERS.values():
        for meaning, letter in usual.items():
            found.setdefault(letter, set()).add(meaning)
    return {
        meaning: [usual[meaning] for usual in LETTERS.values() if len(found[usual[meaning]]) == 1]
        + _ON_A_LATIN_KEYBOARD.get(meaning, [])
        for meaning in LETTERS["ky"]
    }


def same_letter(chosen: Mapping[str, str]) -> tuple[str, str] | None:
    """Two meanings that would have one letter for readers of some language, the first a chosen one; None: none have.

    ``chosen``: meaning -> the school's letter, empty where it has chosen none.
    """
    for usual in LETTERS.values():
        found = {meaning: (chosen.get(meaning) or letter).lower() for meaning, letter in usual.items()}
        for meaning, letter in found.items():
            twin = next((one for one in found if one != meaning and found[one] == letter), None)
            if twin and chosen.get(meaning):
                return meaning, twin
    return None
