"""Names in free text: what others read may not keep the name of someone without a consent unnoticed.

No machine can tell a name in a sentence for certain. What it can: compare the words with the surnames that the school
has known of people who may not be named today, because their consent lapsed or was withdrawn. Of whom no name was ever
recorded, nothing is known to compare with. Whom an order concerns is kept by reference instead, and shows by name only
while a consent holds (`order_person`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from sqlite_utils import Database

from shared.i18n import folded
from shared.problems import NameWithoutConsent
from shared.schema import BY_NAME, Value
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
    "plan_item": ("section", "topic", "homework", "objective", "resources", "assessment", "note"),
    "lesson": ("topic", "homework"),
    "mark": ("comment",),
    "term_result": ("reason",),
    "term_lock": ("reason",),
    "mark_correction": ("reason",),
    "absence_note": ("remark",),
}
"""Table -> the free texts that others read. Not among them: who signed a consent and on what ground; labels and
settings of the school; what a late change replaced, which was looked at when it was written.
"""
LEAST = 4
"""Letters that the stem of a surname needs; shorter ones are in too many words."""
_PERSON = BY_NAME["person"]
_SURNAME = _PERSON.by_name["surname"].number
_COLUMNS = {
    BY_NAME[table].number: (table, {BY_NAME[table].by_name[name].number: name for name in names})
    for table, names in TEXTS.items()
}
"""Number of a table -> its name, and number of each text's column -> name."""
_WORD = re.compile(r"\w+")


class Names:
    """The names that may not stand in a text on a day, as they are when the first text is looked at.

    ``before``: the last change of the log that is certain to stay.
    """

    def __init__(self, db: Database, today: int, before: int) -> None:
        self._db, self._today, self._before = db, today, before

    @cached_property
    def _known(self) -> tuple[str, ...]:
        return tuple(_known_stems(self._db, self._today, self._before))

    def word_in(self, text: str) -> str:
        """The first word that names someone, whatever its ending; empty when none does."""
        words = [one for one in _WORD.findall(text) if len(one) >= LEAST]
        return next((one for one in words if folded(one).startswith(self._known)), "")

    def check(self, table: str, values: Mapping[str, object]) -> None:
        """Look at what is to be written into a row of a table. NameWithoutConsent: with the word and its column."""
        for name in TEXTS.get(table, ()):
            text = values.get(name)
            word = self.word_in(text) if isinstance(text, str) else ""
            if word and not self._is_planned(table, text):
                raise NameWithoutConsent(word=word, column=name)

    def _is_planned(self, table: str, text: object) -> bool:
        """Is it a lesson's text that a plan has word for word? Whoever wrote the plan was asked there."""
        sql = "SELECT 1 FROM plan_item WHERE ? IN (topic, homework) AND retired_at IS NULL LIMIT 1"
        return table == "lesson" and self._db.execute(sql, (text,)).fetchone() is not None


def last_change(db: Database) -> int:
    """The number of the log's last change."""
    return int(db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])


@contextlib.contextmanager
def heeding(db: Database, actor: int, today: int, names_checked: bool = False) -> Iterator[Writer]:
    """One write transaction, `sync.writer.writing`, kept only if no text in it names someone who may not be named.

    ``names_checked``: the writer looked at the names in it. NameWithoutConsent.
    """
    with writing(db, actor) as w:
        before = last_change(db)
        yield w
        if not names_checked:
            names = Names(db, today, before)
            for table, values in _written(db, before):
                names.check(table, values)


def _written(db: Database, before: int) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """Table and texts of what the log gained since a change."""
    numbers = ", ".join(map(str, _COLUMNS))
    # Asked for the tables by index SQLite would walk through the whole log.
    rows = db.execute(f"SELECT tbl, vals FROM change WHERE n > ? AND +tbl IN ({numbers})", (before,))
    for number, stored in rows.fetchall():
        table, columns = _COLUMNS[number]
        yield table, {columns[at]: value for at, value in decode_values(stored).items() if at in columns}


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
