"""Names in free text: what others read may not keep the name of someone without a consent unnoticed.

No machine can tell a name in a sentence for certain. What it can: compare the words with the surnames that the school
has known of people who may not be named today, because their consent lapsed or was withdrawn. Of whom no name was ever
recorded, nothing is known to compare with. Whom an order concerns is kept by reference instead, and shows by name only
while a consent holds (`order_person`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlite_utils import Database

from shared.i18n import folded
from shared.problems import NameWithoutConsent
from shared.schema import BY_NAME
from sync.capture import decode_values
from sync.log import NodeLog
from sync.writer import Writer, writing

TEXTS = {
    "order_book": ("title", "basis", "text"),
    "task": ("title", "text", "answer", "remark"),
    "sign_off": ("note",),
    "movement": ("place", "document", "note"),
    "event": ("title", "place"),
    "substitution": ("reason",),
    "own_term": ("reason",),
    "own_day": ("reason",),
    "plan": ("title", "remark"),
    "plan_item": ("note",),
    "mark": ("comment",),
    "term_result": ("reason",),
    "term_lock": ("reason",),
    "mark_correction": ("reason",),
}
"""Table -> the free texts that others read. Not among them: topics and homework, which are full of the names of writers
and scholars; who signed a consent and on what ground; labels and settings of the school.
"""
LEAST = 4
"""Letters that the stem of a surname needs; shorter ones are in too many words."""
_PERSON = BY_NAME["person"]
_SURNAME = _PERSON.by_name["surname"].number
_COLUMNS = {
    BY_NAME[table].number: {BY_NAME[table].by_name[name].number for name in names}
    for table, names in TEXTS.items()
}
_WORD = re.compile(r"\w+")


@contextlib.contextmanager
def heeding(db: Database, actor: int, today: int, names_checked: bool = False) -> Iterator[Writer]:
    """One write transaction, `sync.writer.writing`, kept only if no text in it names someone who may not be named.

    A word names someone if it is a surname, whatever its ending.

    ``names_checked``: the writer looked at the names in it. NameWithoutConsent.
    """
    with writing(db, actor) as w:
        before = db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0]
        yield w
        if not names_checked:
            words = [one for text in _written(db, before) for one in _WORD.findall(text) if len(one) >= LEAST]
            stems = _known_stems(db, today, before) if words else frozenset()
            for word in words:
                if folded(word).startswith(tuple(stems)):
                    raise NameWithoutConsent(word=word)


def _written(db: Database, before: int) -> list[str]:
    """The texts that the log gained since a change."""
    numbers = ", ".join(map(str, _COLUMNS))
    # Asked for the tables by index SQLite would walk through the whole log.
    rows = db.execute(f"SELECT tbl, vals FROM change WHERE n > ? AND +tbl IN ({numbers})", (before,))
    return [
        value
        for table, values in rows.fetchall()
        for number, value in decode_values(values).items()
        if number in _COLUMNS[table] and isinstance(value, str)
    ]


@dataclass(frozen=True)
class _Known:
    """The stems as they were on a day up to a change of the log."""

    today: int
    until: int
    stems: Set[str]


_KNOWN: WeakKeyDictionary[Database, _Known] = WeakKeyDictionary()
"""By connection, for to read all people takes longer than to save a mark with its reason."""


def _known_stems(db: Database, today: int, before: int) -> Set[str]:
    """`_stems`, read anew when people or consents have changed; ``before``: the last change that is certain to stay."""
    known = _KNOWN.get(db)
    fresh = known is None or known.today != today or _people_changed(db, known.until)
    stems = _stems(db, today) if known is None or fresh else known.stems
    if not _people_changed(db, before):
        _KNOWN[db] = _Known(today, before, stems)
    return stems


def _people_changed(db: Database, since: int) -> bool:
    sql = "SELECT 1 FROM change WHERE n > ? AND +tbl IN (?, ?) LIMIT 1"
    return db.execute(sql, (since, _PERSON.number, BY_NAME["consent"].number)).fetchone() is not None


def _stems(db: Database, today: int) -> set[str]:
    # People stand on this module.
    from node.people.queries import NAMED

    sql = f"""WITH {NAMED} SELECT p.id, p.surname FROM person p WHERE p.retired_at IS NULL
      AND p.id NOT IN (SELECT id FROM named)"""
    rows = db.execute(sql, {"today": today}).fetchall()
    names = {surname for _, surname in rows if surname}
    hidden = [(person,) for person, surname in rows if not surname]
    for entries in NodeLog(db).histories(_PERSON.number, hidden).values():
        names |= {name for e in entries if isinstance(name := e.values.get(_SURNAME), str) and name}
    stems = {folded(name).split()[0].rstrip("аяйы") for name in names if name.strip()}
    return {stem for stem in stems if len(stem) >= LEAST}
