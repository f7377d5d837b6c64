"""Writing the reading log; any area's page may. What a visitor reads of the own data is not noted.

The same reading is noted once a day, so that a page opened again costs a look-up and no write. A list of many is a
reading, too, unless it is of one's own class or lessons: that is a teacher's daily work.
"""

from __future__ import annotations

from flask import current_app

from node.reading import queries
from node.request import acting, database
from shared.dates import first_instant
from shared.web import today, visitor
from sync.writer import Writer


def note(w: Writer, account: int, act: str, what: str, person: int | None = None) -> None:
    """A line in the reading log. ``act`` is read, export or print; ``what`` a code of `WHAT` or a few words.

    ``account`` is 0 where a command line speaks for nobody, as on a machine that joined a school.
    """
    w.insert("reading_log", at=w.now, account=account or None, person=person, act=act, what=what[:200])


def noted(act: str, what: str, person: int | None = None) -> None:
    """Note what the visitor of this request reads, exports or prints about a person, or about many (None)."""
    who = visitor()
    if person is not None and person == who.person:
        return
    since = first_instant(today())
    if act == "read" and queries.is_noted(database(), who.account, act, what, person, since):
        return
    with acting() as w:
        note(w, who.account, act, what, person)


def noted_list(what: str, of: str = "") -> None:
    """Note that the visitor reads a list of people that is not of the own class or lessons; of which class, say.

    Not inside `node.request.one_reading`. The log is asked once a day: no index leads to lines about many.
    """
    who, day = visitor(), today()
    done: set[tuple[int, int, str]] = current_app.extensions.setdefault("mektep_lists_noted", set())
    line = f"{what}{queries.OF}{of}" if of else what
    if (day, who.account, line) in done:
        return
    noted("read", line)
    done.difference_update([one for one in tuple(done) if one[0] != day])
    done.add((day, who.account, line))
