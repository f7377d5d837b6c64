"""Looking up the reading log. A name shows only under a consent that is valid today, as everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.families import Veil
from node.naming import called
from node.people.queries import NAME_COLUMNS, NAMED, full_name, number_of
from shared.dates import day_at, first_instant
from shared.i18n import N_, folded, gettext
from shared.schema import BY_NAME
from sync.clock import ms_of

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
    "staff": N_("Staff"),
    "account": N_("Account"),
    "accounts of pupils": N_("Accounts of pupils"),
    "accounts of guardians": N_("Accounts of parents"),
    "accounts of staff": N_("Accounts of staff"),
    "certificates": N_("Certificates of education"),
    "year-end": N_("Year's end"),
    "duplicate": N_("Duplicates"),
    "classes": N_("Classes"),
    "plans": N_("Plans"),
    "marks": N_("Marks"),
}
"""Code of what was read -> its name; other words show as they are. `told` says both."""
OF = ": "
"""Between a code and of which class, or group, the list is; of a template, of what."""
PUPIL, GUARDIAN, STAFF, SOCIAL = "pupil", "guardian", "staff", "social"
EVERYONE = frozenset({PUPIL, GUARDIAN, STAFF})
LISTED = {
    **dict.fromkeys(
        ("class list", "results", "attendance", "journal", "movement", "movement book", "alphabetic book", "pupils",
         "accounts of pupils", "certificates", "year-end"),
        frozenset({PUPIL}),
    ),
    "social passport": frozenset({SOCIAL}),
    **dict.fromkeys(("guardians", "accounts of guardians"), frozenset({GUARDIAN})),
    **dict.fromkeys(("staff", "accounts of staff"), frozenset({STAFF})),
    **dict.fromkeys(("consents", "all tables", "packets of the hub", "backup", "oneroster"), EVERYONE),
    **{f"import template{OF}{kind}s": frozenset({kind}) for kind in (PUPIL, GUARDIAN)},
    f"import template{OF}staff": frozenset({STAFF}),
    f"import template{OF}marks": frozenset({PUPIL}),
}  # fmt: skip
"""What was read of many at once -> of what people, pupils with social categories apart; of all of them, unless the line
names a class.
"""
MOST = 500


def told(what: str) -> str:
    """What was read, in the reader's language: `Journal: 5-А, Algebra`."""
    code, of, which = what.partition(OF)
    return (
        gettext(WHAT[code]) + of + (gettext(WHAT[which]) if which in WHAT else which)
        if code in WHAT
        else what
    )


def listed(what: str) -> frozenset[str]:
    """Whom a list is of, by what it is: pupils, guardians, staff; nobody, if that cannot be said."""
    return LISTED.get(what) or LISTED.get(what.partition(OF)[0], frozenset())


@dataclass(frozen=True)
class Line:
    """One line: ``who`` read, ``about`` whom (empty for many); ``at`` milliseconds since 1970.

    ``listed``: it was a list, of a class or of all, in which the person asked about stood.
    """

    at: int
    who: str
    act: str
    what: str
    about: str
    person: int | None
    number: int
    listed: bool = False


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


_ABOUT = f"""WITH {NAMED} SELECT r.at, r.act, r.what, r.account, r.class_group, a.person AS reader, {NAME_COLUMNS}
  FROM reading_log r LEFT JOIN account a ON a.id = r.account LEFT JOIN named n ON n.id = a.person
  WHERE r.retired_at IS NULL AND """


def about(db: Database, person: int, today: int, veil: Veil | None = None) -> list[Line]:
    """All that was read, exported or printed about someone, the newest first; lists in which the person stood, too.

    Of a list of a class it counts who was in it on that day. What the person read is left out.
    """
    asked = {"today": today, "person": person}
    alone = list(db.query(_ABOUT + "r.person = :person", asked))
    roles, known_since = _roles(db, person), _known_since(db, person)
    lists = [
        row
        for row in db.query(_ABOUT + "r.person IS NULL AND r.at >= :since", asked | {"since": known_since})
        if row["reader"] != person and _stood_in(row, roles)
    ]
    found = [
        Line(
            row["at"],
            _who(row, veil),
            row["act"] or "",
            row["what"] or "",
            "",
            person,
            number_of(person),
            in_list,
        )
        for rows, in_list in ((alone, False), (lists, True))
        for row in rows
    ]
    return sorted(found, key=lambda line: line.at, reverse=True)


Span = tuple[int, int, int | None]
"""A class, the first day in it and the first day after."""


def _roles(db: Database, person: int) -> dict[str, list[Span]]:
    """What someone is or was here -> the classes by which lists may have held the person: the own, the children's."""
    spans = """SELECT e.class_group, e.start, e."end" FROM enrolment e WHERE e.retired_at IS NULL AND e.pupil IN """
    found: dict[str, list[Span]] = {}
    for role, sql, of in (
        (PUPIL, "SELECT 1 FROM pupil WHERE person = ?", "(?)"),
        (
            GUARDIAN,
            "SELECT 1 FROM guardian WHERE person = ?",
            "(SELECT pupil FROM guardian WHERE person = ?)",
        ),
        (STAFF, "SELECT 1 FROM staff WHERE person = ?", "(SELECT 0 WHERE ? = 0)"),
        (SOCIAL, "SELECT 1 FROM pupil WHERE person = ? AND categories <> ''", "(?)"),
    ):
        if db.execute(sql, (person,)).fetchone():
            found[role] = [tuple(row) for row in db.execute(spans + of, (person,)).fetchall()]
    return found


def _known_since(db: Database, person: int) -> int:
    """When the school began to keep anything of the person: milliseconds since 1970."""
    sql = "SELECT min(clock) FROM change WHERE key = ? AND tbl = ?"
    return ms_of(db.execute(sql, (person, BY_NAME["person"].number)).fetchone()[0] or 0)


def _stood_in(row: Mapping[str, Any], roles: Mapping[str, Sequence[Span]]) -> bool:
    """Did the list of a line hold someone who is this, or was?"""
    day = day_at(row["at"])
    return any(
        row["class_group"] is None
        or any(
            row["class_group"] == place and start <= day and (end is None or day < end)
            for place, start, end in roles[role]
        )
        for role in listed(row["what"] or "") & roles.keys()
    )


def _who(row: Mapping[str, Any], veil: Veil | None) -> str:
    """Who read; empty where a command line speaks for nobody."""
    if row["account"] is None:
        return ""
    name = called(full_name(row), row["reader"], row["account"])
    return name if veil is None else veil.called(row["reader"], name)


def is_noted(
    db: Database, account: int, act: str, what: str, person: int | None, class_group: int | None, since: int
) -> bool:
    """Is the same act noted since an instant?"""
    sql = """SELECT 1 FROM reading_log WHERE person IS ? AND account = ? AND act = ? AND what = ? AND class_group IS ?
             AND at >= ? AND retired_at IS NULL LIMIT 1"""
    return db.execute(sql, (person, account, act, what, class_group, since)).fetchone() is not None
