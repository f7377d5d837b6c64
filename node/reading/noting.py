"""Writing the reading log; any area's page may. What a visitor reads of the own data is not noted.

The same reading is noted once a day, so that a page opened again costs a look-up and no write. A list of many is a
reading, too, unless it is of one's own class or lessons: that is a teacher's daily work.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app

from node.reading import queries
from node.request import acting, database
from shared.dates import first_instant
from shared.web import today, visitor
from sync.writer import Writer


def note(
    w: Writer, account: int, act: str, what: str, person: int | None = None, class_group: int | None = None
) -> None:
    """A line in the reading log. ``act`` is read, export or print; ``what`` a code of `WHAT` or a few words.

    ``person``: about whom; None for a list, which is of a class or, without one, of all. ``account`` is 0 where a
    command line speaks for nobody, as on a machine that joined a school.
    """
    w.insert(
        "reading_log",
        at=w.now,
        account=account or None,
        person=person,
        act=act,
        what=what[:200],
        class_group=class_group,
    )


def noted(act: str, what: str, person: int | None = None, class_group: int | None = None) -> None:
    """Note what the visitor of this request reads, exports or prints about a person, or about many (None)."""
    who = visitor()
    if (person is not None and person == who.person) or (
        act == "read" and _is_noted(what, person, class_group)
    ):
        return
    with acting() as w:
        note(w, who.account, act, what, person, class_group)


def noted_people(act: str, what: str, people: Iterable[int]) -> None:
    """The same about some people, one by one; all lines in one write."""
    who = visitor()
    fresh = [
        one
        for one in dict.fromkeys(people)
        if one != who.person and not (act == "read" and _is_noted(what, one, None))
    ]
    if fresh:
        with acting() as w:
            for one in fresh:
                note(w, who.account, act, what, one)


def _is_noted(what: str, person: int | None, class_group: int | None) -> bool:
    """Was the same read today already?"""
    since = first_instant(today())
    return queries.is_noted(database(), visitor().account, "read", what, person, class_group, since)


def noted_list(what: str, of: str = "", class_group: int | None = None) -> None:
    """Note that the visitor reads a list of people that is not of the own class or lessons.

    ``class_group``: of which class, or its group, which ``of`` says in words; without it the list is of all. Not
    inside `node.request.one_reading`. The log is asked once a day: no index leads to lines about many.
    """
    who, day = visitor(), today()
    done: set[tuple[int, int, str, int | None]] = current_app.extensions.setdefault(
        "mektep_lists_noted", set()
    )
    line = f"{what}{queries.OF}{of}" if of else what
    if (day, who.account, line, class_group) in done:
        return
    noted("read", line, class_group=class_group)
    done.difference_update([one for one in tuple(done) if one[0] != day])
    done.add((day, who.account, line, class_group))
