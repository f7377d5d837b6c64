"""Looking up the reading log. A name shows only under a consent that is valid today, as everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.families import Veil
from node.naming import called
from node.people.queries import NAME_COLUMNS, NAMED, full_name, number_of
from shared.dates import first_instant
from shared.i18n import N_, folded, gettext

ACTS = ("read", "export", "print")
WHAT = {
    "card": N_("Card"),
    "results": N_("Results"),
    "attendance": N_("Attendance"),
    "consent": N_("Consent"),
    "own data": N_("Own data"),
    "all tables": N_("Everything the school holds"),
    "packets of the hub": N_("What the district alone held"),
    "backup": N_("Backup"),
    "oneroster": N_("OneRoster"),
    "class list": N_("Class list"),
    "certificate of study": N_("Certificate of study"),
    "accounts": N_("Slips with first passwords"),
    "order": N_("Order"),
    "journal": N_("Journal"),
    "movement": N_("Pupil movement"),
    "movement book": N_("Movement book"),
    "alphabetic book": N_("Alphabetic book"),
    "social passport": N_("Social passport"),
    "page": N_("Page"),
    "import template": N_("Template of an import"),
    "failed lines of an import": N_("Refused lines of an import"),
    "people missing in an import": N_("People who are missing in an import"),
    "pupils": N_("Pupils"),
    "guardians": N_("Parents and legal representatives"),
    "consents": N_("Consents"),
}
"""Code of what was read -> its name; other words show as they are. `told` says both."""
OF = ": "
"""Between a code and of which class, or group, the list is."""
MOST = 500


def told(what: str) -> str:
    """What was read, in the reader's language: `Journal: 5-А, Algebra`."""
    code, of, which = what.partition(OF)
    return gettext(WHAT[code]) + of + which if code in WHAT else what


@dataclass(frozen=True)
class Line:
    """One line: ``who`` read, ``about`` whom (empty for many); ``at`` milliseconds since 1970."""

    at: int
    who: str
    act: str
    what: str
    about: str
    person: int | None
    number: int


@dataclass(frozen=True)
class Filter:
    """What is looked for. ``start`` and ``end`` are days, both included.

    ``text`` is of a name on either side, or of what was read. ``pupils_only`` leaves out what was read about staff
    and guardians; ``persons`` False hides about whom.
    """

    start: int
    end: int
    act: str = ""
    text: str = ""
    person: int | None = None
    pupils_only: bool = False
    persons: bool = True


_LINES = f"""WITH {NAMED}
  SELECT r.at, r.act, r.what, r.person, r.account, a.person AS reader, {NAME_COLUMNS},
    m.surname AS about_surname, m.given_name AS about_given, m.patronymic AS about_patronymic
  FROM reading_log r LEFT JOIN account a ON a.id = r.account LEFT JOIN named n ON n.id = a.person
  LEFT JOIN named m ON m.id = r.person
  WHERE r.retired_at IS NULL AND r.at >= :start AND r.at < :end AND (:act = '' OR r.act = :act)
    AND (:person IS NULL OR r.person = :person)
    AND (NOT :pupils OR r.person IS NULL OR r.person IN (SELECT person FROM pupil))
  ORDER BY r.at DESC"""


def lines(db: Database, wanted: Filter, today: int, veil: Veil | None = None) -> list[Line]:
    """The newest lines that match, at most MOST; behind a veil a guardian who read is called by the relation."""
    words = folded(wanted.text).split()
    rows = db.query(
        _LINES,
        {
            "today": today, "start": first_instant(wanted.start), "end": first_instant(wanted.end + 1),
            "act": wanted.act, "person": wanted.person, "pupils": wanted.pupils_only,
        },
    )  # fmt: skip
    found: list[Line] = []
    for row in rows:
        about = full_name(
            {
                "surname": row["about_surname"],
                "given_name": row["about_given"],
                "patronymic": row["about_patronymic"],
            }
        )
        person = row["person"] if wanted.persons else None
        line = Line(
            row["at"], _who(row, veil), row["act"] or "", row["what"] or "",
            about if wanted.persons else "", person, number_of(person or 0),
        )  # fmt: skip
        if all(word in folded(f"{line.who} {line.about} {told(line.what)}") for word in words):
            found.append(line)
        if len(found) >= MOST:
            break
    return found


def _who(row: Mapping[str, Any], veil: Veil | None) -> str:
    """Who read; empty where a command line speaks for nobody."""
    if row["account"] is None:
        return ""
    name = called(full_name(row), row["reader"], row["account"])
    return name if veil is None else veil.called(row["reader"], name)


def is_noted(db: Database, account: int, act: str, what: str, person: int | None, since: int) -> bool:
    """Is the same act noted since an instant?"""
    sql = """SELECT 1 FROM reading_log WHERE person IS ? AND account = ? AND act = ? AND what = ? AND at >= ?
             AND retired_at IS NULL LIMIT 1"""
    return db.execute(sql, (person, account, act, what, since)).fetchone() is not None
