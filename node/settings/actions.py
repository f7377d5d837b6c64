"""Changing a setting."""

from __future__ import annotations

from collections.abc import Mapping, Set

from node.letters import LETTERS, same_letter
from node.settings.queries import row, value, values
from node.settings.registry import BY_NAME
from shared.i18n import translate
from shared.problems import InvalidValue, NotAllowed, SameLetter
from sync.writer import Writer


def change_all(w: Writer, given: Mapping[str, str], duties: Set[str]) -> int:
    """Give settings new values, all or none; returns how many are others than before.

    ``duties`` are those of the one who changes them. InvalidValue, NotAllowed; SameLetter names the ``setting`` too.
    """
    wanted = {name: _parsed(name, text, duties) for name, text in given.items()}
    _check_letters(w, wanted)
    return sum(_change(w, name, now) for name, now in wanted.items())


def change(w: Writer, name: str, text: str, duties: Set[str]) -> bool:
    """Give one setting a new value; returns whether it is another than before."""
    return bool(change_all(w, {name: text}, duties))


def _parsed(name: str, text: str, duties: Set[str]) -> int | str:
    setting = BY_NAME.get(name)
    if setting is None:
        raise InvalidValue(table="setting", column="name", value=name)
    if duties.isdisjoint(setting.editors):
        raise NotAllowed()
    try:
        return setting.parse(text)
    except ValueError as error:
        raise InvalidValue(table="setting", column=name, value=text) from error


def _check_letters(w: Writer, wanted: dict[str, int | str]) -> None:
    """No letter of the journal says two things, whoever reads it. SameLetter."""
    names = {f"letter_{meaning}": meaning for meaning in LETTERS["ky"]}
    if not names.keys() & wanted.keys():
        return
    held = values(w.db) | wanted
    twins = same_letter({meaning: str(held[name]) for name, meaning in names.items()})
    if twins:
        changed, other = sorted((f"letter_{one}" for one in twins), key=lambda name: name not in wanted)
        letter = str(held[changed] or held[other])
        raise SameLetter(letter=letter, other=translate(BY_NAME[other].label), setting=changed)


def _change(w: Writer, name: str, wanted: int | str) -> bool:
    if wanted == value(w.db, name):
        return False
    found = row(w.db, name)
    if found is None:
        w.insert("setting", name=name, value=str(wanted))
        return True
    return w.update("setting", found, value=str(wanted))
