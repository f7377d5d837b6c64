"""Names in free text: an order or a task may not keep the name of someone without a consent unnoticed.

No machine can tell a name in a sentence for certain. What it can: compare the words with the surnames that the school
has known of people who may not be named today, because their consent lapsed or was withdrawn. Of whom no name was ever
recorded, nothing is known to compare with. Whom an order concerns is kept by reference instead, and shows by name only
while a consent holds (`order_person`).
"""

from __future__ import annotations

import re

from sqlite_utils import Database

from node.people.queries import NAMED
from shared.i18n import folded
from shared.problems import NameWithoutConsent
from shared.schema import BY_NAME
from sync.log import NodeLog

LEAST = 4
"""Letters that the stem of a surname needs; shorter ones are in too many words."""
_PERSON = BY_NAME["person"]
_SURNAME = _PERSON.by_name["surname"].number
_WORD = re.compile(r"\w+")


def require_none(db: Database, today: int, *texts: str) -> None:
    """NameWithoutConsent for the first word that is the surname of someone who may not be named, ending aside."""
    words = [(word, folded(word)) for text in texts for word in _WORD.findall(text) if len(word) >= LEAST]
    stems = _stems(db, today) if words else set()
    for word, plain in words:
        if any(plain.startswith(stem) for stem in stems):
            raise NameWithoutConsent(word=word)


def _stems(db: Database, today: int) -> set[str]:
    sql = f"""WITH {NAMED} SELECT p.id, p.surname FROM person p WHERE p.retired_at IS NULL
      AND p.id NOT IN (SELECT id FROM named)"""
    rows = db.execute(sql, {"today": today}).fetchall()
    names = {surname for _, surname in rows if surname}
    hidden = [(person,) for person, surname in rows if not surname]
    for entries in NodeLog(db).histories(_PERSON.number, hidden).values():
        names |= {name for e in entries if isinstance(name := e.values.get(_SURNAME), str) and name}
    stems = {folded(name).split()[0].rstrip("аяйы") for name in names if name.strip()}
    return {stem for stem in stems if len(stem) >= LEAST}
