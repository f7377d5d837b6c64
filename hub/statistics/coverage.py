"""What a district's table rests on: how many of the schools asked about, which have sent nothing, how fresh it is."""

from __future__ import annotations

from collections.abc import Sequence

from hub.statistics import selection as selections
from hub.statistics.queries import Place, heard, naming, places
from hub.statistics.selection import Selection
from hub.storage import Hub
from shared.i18n import alphabetical, gettext, instant, number
from shared.indicators import PLACES, Cell

NAMED = 8
"""Schools that a note names; of more it tells how many."""
WHEN = ("year", "term", "month")
"""Filters by which a school may have sent nothing yet; the others leave out what it has not got."""


def notes(hub: Hub, found: Sequence[Cell], selection: Selection, language: str) -> tuple[str, ...]:
    """Sentences for below a table of several schools, so that whoever passes its number on knows whose it is."""
    with hub.read() as connection:
        asked = {place.school for place in places(connection) if _within(place, selection)}
        when, names = heard(connection), naming(connection, language)
    wanted = selections.filters(selection)
    keys = {name: selections.key_of(found, name, wanted[name]) for name in WHEN if name in wanted}
    counted = asked & {
        int(str(cell.dims["school"]))
        for cell in found
        if all(cell.dims.get(name) == key for name, key in keys.items())
    }
    if len(asked) < 2 or not counted:
        return ()
    told = [
        gettext("Counted: %(count)s of %(all)s schools.", count=number(len(counted)), all=number(len(asked)))
    ]
    missing = sorted((str(names("school", one)) for one in asked - counted), key=alphabetical)
    if missing:
        some = ", ".join(missing) if len(missing) <= NAMED else number(len(missing))
        told.append(gettext("Schools that have sent nothing for this choice: %(names)s.", names=some))
    oldest = min(counted, key=lambda one: when.get(one, 0))
    told.append(
        gettext(
            "Longest without news: %(school)s, last heard %(when)s.",
            school=names("school", oldest),
            when=instant(when.get(oldest)),
        )
    )
    return tuple(told)


def _within(place: Place, selection: Selection) -> bool:
    """Is the school among those that the filters leave?"""
    wanted = selections.filters(selection)
    return all(selections.text_of(getattr(place, name)) == wanted[name] for name in PLACES if name in wanted)
