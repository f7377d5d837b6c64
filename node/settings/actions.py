"""Changing a setting."""

from __future__ import annotations

from collections.abc import Set

from node.settings.queries import row, value
from node.settings.registry import BY_NAME
from shared.problems import InvalidValue, NotAllowed
from sync.writer import Writer


def change(w: Writer, name: str, text: str, duties: Set[str]) -> bool:
    """Give a setting a new value; returns whether it is another than before. InvalidValue, NotAllowed.

    ``duties`` are those of the one who changes it.
    """
    setting = BY_NAME.get(name)
    if setting is None:
        raise InvalidValue(table="setting", column="name", value=name)
    if duties.isdisjoint(setting.editors):
        raise NotAllowed()
    try:
        wanted = setting.parse(text)
    except ValueError as error:
        raise InvalidValue(table="setting", column=name, value=text) from error
    if wanted == value(w.db, name):
        return False
    found = row(w.db, name)
    if found is None:
        w.insert("setting", name=name, value=str(wanted))
        return True
    return w.update("setting", found, value=str(wanted))
