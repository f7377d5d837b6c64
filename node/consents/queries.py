"""Reading consents: of one person by purpose, and of the whole school by class; whom to ask, and what lapses soon.

Whether a consent is good for use on a day is `sync.gate.VALID`, the rule that the writer and the names hold to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database

from node import logins
from node.consenting import kind_of
from node.families import Veil
from node.ofage import FEWEST_DAYS, Born, born
from node.people.queries import NAME_COLUMNS, NAMED, class_name, full_name, number_of
from node.settings.queries import number
from shared.dates import date_of, day_number
from shared.i18n import in_order
from shared.schema import BY_NAME, CONSENT_PURPOSES
from sync import gate
from sync.gate import OWN, VALID
from sync.log import NodeLog
from sync.writer import has_consent


@dataclass(frozen=True)
class Consent:
    """One written consent. ``state``: valid, coming, expired, withdrawn, or adult (signed for a child grown up since).

    Days since 1970; ``until`` is the first day without it. ``scan``: is there one?
    """

    id: int
    person: int
    purpose: str
    start: int | None
    until: int | None
    withdrawn_on: int | None
    ground: str
    document: str
    language: str
    signer: int | None
    signed_by: str
    received_by: str
    scan: bool
    state: str


_OF_PERSON = f"""WITH {NAMED}
  SELECT c.*, {VALID} AS valid, c.scan IS NOT NULL OR EXISTS (SELECT 1 FROM consent_scan x WHERE x.consent = c.id
      AND x.retired_at IS NULL) AS has_scan,
    n.surname AS s1, n.given_name AS s2, n.patronymic AS s3, m.surname AS r1, m.given_name AS r2, m.patronymic AS r3
  FROM consent c JOIN person p ON p.id = c.person LEFT JOIN named n ON n.id = c.signer
  LEFT JOIN named m ON m.id = c.received_by
  WHERE c.person = :person AND c.retired_at IS NULL
  ORDER BY c.withdrawn_on IS NOT NULL, c.valid_from DESC, c.id DESC"""


def of_person(db: Database, person: int, today: int) -> dict[str, list[Consent]]:
    """Purpose -> what was ever signed for it, the present first."""
    found: dict[str, list[Consent]] = {purpose: [] for purpose in CONSENT_PURPOSES}
    for row in db.query(_OF_PERSON, {"person": person, "today": today}):
        signed_by, received_by = (
            " ".join(row[f"{who}{n}"] for n in (1, 2, 3) if row[f"{who}{n}"]) for who in ("s", "r")
        )
        one = Consent(
            row["id"], person, row["purpose"], row["valid_from"], row["valid_to"], row["withdrawn_on"],
            row["ground"] or "", row["document"] or "", row["language"] or "", row["signer"], signed_by, received_by,
            bool(row["has_scan"]), _state(row, today),
        )  # fmt: skip
        found.setdefault(one.purpose, []).append(one)
    return found


def consent_behind(veil: Veil, one: Consent) -> Consent:
    """A consent as it shows behind a veil: who signed by the relation, without the paper, which names them."""
    if not veil.hides_paper(one.signer):
        return one
    return replace(one, signed_by=veil.called(one.signer, ""), ground="", document="", scan=False)


def _state(row: Mapping[str, Any], today: int) -> str:
    if row["withdrawn_on"] is not None:
        return "withdrawn"
    if row["valid"]:
        return "valid"
    if row["valid_from"] is not None and row["valid_from"] > today:
        return "coming"
    return "expired" if row["valid_to"] is not None and row["valid_to"] <= today else "adult"


def consent(db: Database, consent_id: int, person: int) -> Mapping[str, Any] | None:
    """A row of a person's consents."""
    sql = "SELECT * FROM consent WHERE id = ? AND person = ? AND retired_at IS NULL"
    return next(iter(db.query(sql, (consent_id, person))), None)


def scan(db: Database, consent_id: int) -> tuple[bytes, str] | None:
    """The scan of a consent and its type; None when there is none."""
    parts = db.execute(
        "SELECT data FROM consent_scan WHERE consent = ? AND retired_at IS NULL ORDER BY part", (consent_id,)
    ).fetchall()
    whole = b"".join(part for (part,) in parts if part)
    if not whole:
        row = db.execute("SELECT scan FROM consent WHERE id = ?", (consent_id,)).fetchone()
        whole = row[0] if row and row[0] else b""
    kind = kind_of(whole)
    return (whole, kind) if kind else None


def signers(db: Database, person: int, today: int) -> list[tuple[int, str, str]]:
    """Who may sign for a person: the guardians of a pupil with their relation, and the person (relation empty)."""
    sql = f"""WITH {NAMED} SELECT g.person AS id, g.relation, {NAME_COLUMNS} FROM guardian g
      LEFT JOIN named n ON n.id = g.person WHERE g.pupil = :person AND g.retired_at IS NULL
      ORDER BY g.relation = 'mother' DESC, g.relation"""
    rows = db.query(sql, {"person": person, "today": today})
    return [*((row["id"], full_name(row), row["relation"] or "") for row in rows), (person, "", "")]


def standing(db: Database, person: int, purpose: str, day: int | None = None) -> list[int]:
    """The consents for a purpose that are not withdrawn; with a day, those that were signed by then."""
    sql = """SELECT id FROM consent WHERE person = :person AND purpose = :purpose AND withdrawn_on IS NULL
      AND retired_at IS NULL AND (:day IS NULL OR ifnull(valid_from, :day) <= :day)"""
    rows = db.execute(sql, {"person": person, "purpose": purpose, "day": day}).fetchall()
    return [row for (row,) in rows]


_FILE = """ifnull((SELECT u.personal_file FROM pupil u WHERE u.person = p.id AND u.retired_at IS NULL), '') AS file"""


def file_of(db: Database, person: int) -> str:
    """The number of a pupil's personal file, by which the office finds who has no name; empty for anyone else."""
    row = db.execute(f"SELECT {_FILE} FROM person p WHERE p.id = ?", (person,)).fetchone()
    return row[0] if row else ""


@dataclass(frozen=True)
class Offer:
    """What a guardian, or a pupil of age, gave on a page and waits for its paper.

    Days since 1970; ``until``: the first day without it. ``file``: number of the pupil's personal file.
    """

    id: int
    person: int
    name: str
    number: int
    file: str
    purpose: str
    signer: int
    signed_by: str
    ground: str
    document: str
    start: int
    until: int | None


def offers(db: Database, person: int | None = None, today: int = 0) -> list[Offer]:
    """What waits for its paper, of one person or of all; names as of today."""
    sql = f"""WITH {NAMED} SELECT o.*, {NAME_COLUMNS}, m.surname AS s1, m.given_name AS s2, m.patronymic AS s3,
        {_FILE}
      FROM consent_offer o JOIN person p ON p.id = o.person AND p.retired_at IS NULL
      LEFT JOIN named n ON n.id = o.person LEFT JOIN named m ON m.id = o.signer
      WHERE o.state = 'open' AND o.retired_at IS NULL AND (:person IS NULL OR o.person = :person) ORDER BY o.id"""
    return [
        Offer(
            row["id"], row["person"], full_name(row), number_of(row["person"]), row["file"], row["purpose"],
            row["signer"], " ".join(row[f"s{n}"] for n in (1, 2, 3) if row[f"s{n}"]), row["ground"] or "",
            row["document"] or "", row["valid_from"], row["valid_to"],
        )
        for row in db.query(sql, {"person": person, "today": today})
    ]  # fmt: skip


def offer_behind(veil: Veil, one: Offer) -> Offer:
    """The same for what was given on a page."""
    if not veil.hides_paper(one.signer):
        return one
    return replace(one, signed_by=veil.called(one.signer, ""), ground="", document="")


# ---- how long the law asks to keep


IN_BOOKS = ("surname", "given_name", "patronymic", "birth_date")
"""What the alphabetic book and the books of marks need of a pupil's core record, besides the sex."""


def kept_until(db: Database, person: int, book: bool = False) -> int | None:
    """The day from which no law obliges to keep the core record; None while the person is a pupil or works here.

    A pupil's personal file and a staff file are kept for the years of the settings, counted from leaving; with ``book``
    the day for what stands `IN_BOOKS`, which are kept longer. Of a guardian nothing need be kept.
    """
    days = [0]
    pupils = max(number(db, "core_kept_years"), number(db, "book_kept_years") if book else 0)
    for sql, years in (
        ('SELECT "end" FROM enrolment WHERE pupil = ? AND retired_at IS NULL', pupils),
        ('SELECT "end" FROM staff WHERE person = ? AND retired_at IS NULL', number(db, "staff_kept_years")),
    ):
        ends = [end for (end,) in db.execute(sql, (person,)).fetchall()]
        if None in ends:
            return None
        days += [_years_later(end, years) for end in ends]
    return max(days)


def _years_later(day: int, years: int) -> int:
    date = date_of(day)
    leap_day = (date.month, date.day) == (2, 29)
    return day_number(date.replace(year=date.year + years, day=28 if leap_day else date.day))


@dataclass(frozen=True)
class Withdrawn:
    """Someone whose core consent is withdrawn, and of whom something is still kept. Days since 1970.

    ``until``: the day from which no law asks for it, or for a part of it; None while the person is at the school.
    ``file``: number of the pupil's personal file.
    """

    person: int
    number: int
    file: str
    since: int
    until: int | None


def due(db: Database, today: int) -> list[int]:
    """Of whom the school keeps what no law asks for any more: under a withdrawn consent, or without any role here."""
    over = [one.person for one in withdrawn(db) if one.until is not None and one.until <= today]
    return over + [one.person for one in without_role(db, today)]


def withdrawn(db: Database) -> list[Withdrawn]:
    """Of whom the school still keeps something under a withdrawn core consent."""
    sql = """SELECT c.person, max(c.withdrawn_on) FROM consent c WHERE c.purpose = 'core' AND c.withdrawn_on IS NOT NULL
      AND c.retired_at IS NULL AND NOT EXISTS (SELECT 1 FROM consent d WHERE d.person = c.person
        AND d.purpose = 'core' AND d.withdrawn_on IS NULL AND d.retired_at IS NULL)
      GROUP BY c.person ORDER BY c.person"""
    found = []
    in_books = {_PERSON.by_name[name].number for name in IN_BOOKS}
    for person, since in db.execute(sql).fetchall():
        held, login = _held(db, person, ("core",)), logins.held(db, person)
        if held or login:
            # No law asks for a login.
            until = since if login else kept_until(db, person, book=held <= in_books)
            found.append(Withdrawn(person, number_of(person), file_of(db, person), since, until))
    return found


_PERSON = BY_NAME["person"]


def _held(db: Database, person: int, purposes: Collection[str]) -> set[int]:
    """The columns about a person that hold anything under these purposes, or ever did, shown or not."""
    log = NodeLog(db)
    numbers = {c.number for c in _PERSON.consented if c.consent in purposes}
    entries = [e for row in rows_of(db, person) for e in log.history(_PERSON, (row,))]
    return {n for e in entries for n in numbers if e.values.get(n) is not None}


def rows_of(db: Database, person: int) -> list[int]:
    """The row of a person, and those that were merged into it: the log keeps what they said.

    Who had a name had a consent, and consents follow in a merge.
    """
    signed = db.execute("SELECT id FROM consent WHERE person = ?", (person,)).fetchall()
    named = gate.people_of(NodeLog(db).histories(gate.CONSENT.number, signed).values())
    former = [
        row
        for row in sorted(named - {person})
        if db.execute("SELECT 1 FROM person WHERE id = ? AND retired_at IS NOT NULL", (row,)).fetchone()
    ]
    return [person, *former]


@dataclass(frozen=True)
class Roleless:
    """Someone of whom the school keeps data and who has no role in it."""

    person: int
    name: str
    number: int


_ROLELESS = f"""WITH {NAMED} SELECT p.id, {NAME_COLUMNS} FROM person p LEFT JOIN named n ON n.id = p.id
  WHERE p.retired_at IS NULL
    AND p.id NOT IN (SELECT person FROM pupil WHERE retired_at IS NULL)
    AND p.id NOT IN (SELECT person FROM staff WHERE retired_at IS NULL)
    AND p.id NOT IN (SELECT person FROM guardian WHERE retired_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM appointment d WHERE d.person = p.id AND d.retired_at IS NULL
      AND (d."end" IS NULL OR d."end" > :today))
  ORDER BY p.id"""


def without_role(db: Database, today: int) -> list[Roleless]:
    """Who is no pupil, no guardian of one, no staff and holds no duty, and of whom something is kept all the same.

    As a guardian who was taken from the last child. An account alone is no role: it opens nothing but the own data.
    """
    rows = list(db.query(_ROLELESS, {"today": today}))
    known = {one.person for one in withdrawn(db)} if rows else set[int]()
    found = [
        Roleless(row["id"], full_name(row), number_of(row["id"]))
        for row in rows
        if row["id"] not in known and (_held(db, row["id"], CONSENT_PURPOSES) or logins.held(db, row["id"]))
    ]
    return in_order(found, lambda one: one.name)


# ---- the whole school


@dataclass
class ClassCoverage:
    """Of the pupils on a class's roll, how many have a valid consent for each purpose."""

    id: int
    grade: int
    name: str
    pupils: int = 0
    given: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.pupils - self.given.get("core", 0)


@dataclass(frozen=True)
class Child:
    """By whom a parent who has no name is found: name, number and personal file of a child, code of the relation."""

    name: str
    number: int
    file: str
    relation: str


@dataclass(frozen=True)
class Ask:
    """Someone to be asked. ``why``: never, withdrawn, expired, adult, or soon (valid until ``until``).

    ``file``: number of the pupil's personal file. ``parent_of``: whose parent is asked, of the class ``place``.
    """

    person: int
    name: str
    number: int
    file: str
    place: str
    purpose: str
    why: str
    until: int | None = None
    parent_of: Child | None = None


_HERE = 'retired_at IS NULL AND start <= :today AND ("end" IS NULL OR "end" > :today)'
# Who is admitted from a day to come is asked before it.
_ROLL = f"""WITH here AS (SELECT id, pupil FROM enrolment WHERE {_HERE})
  SELECT e.pupil, cg.id, cg.grade, cg.letter FROM enrolment e JOIN class_group cg ON cg.id = e.class_group
  WHERE e.retired_at IS NULL AND cg.retired_at IS NULL AND (e.id IN (SELECT id FROM here)
    OR (e.start > :today AND e.pupil NOT IN (SELECT pupil FROM here WHERE pupil IS NOT NULL)))
  ORDER BY cg.grade, cg.letter"""


_CLASSES = f"""WITH roll (pupil, class_group, grade, letter) AS ({_ROLL})
  SELECT class_group, grade, letter, count(*) FROM roll GROUP BY class_group ORDER BY grade, letter"""
_GIVEN = f"""WITH roll (pupil, class_group, grade, letter) AS ({_ROLL})
  SELECT roll.class_group, c.purpose, count(DISTINCT p.id) FROM roll JOIN person p ON p.id = roll.pupil
  JOIN consent c ON c.person = p.id WHERE {VALID} GROUP BY roll.class_group, c.purpose"""


def coverage(db: Database, today: int, classes: frozenset[int] | None) -> list[ClassCoverage]:
    """Each class with pupils on its roll today, or those of ``classes``."""
    given: dict[int, dict[str, int]] = {}
    for class_id, purpose, count in db.execute(_GIVEN, {"today": today}).fetchall():
        given.setdefault(class_id, dict.fromkeys(CONSENT_PURPOSES, 0))[purpose] = count
    return [
        ClassCoverage(
            class_id,
            grade or 0,
            class_name(grade, letter),
            pupils,
            given.get(class_id, dict.fromkeys(CONSENT_PURPOSES, 0)),
        )
        for class_id, grade, letter, pupils in db.execute(_CLASSES, {"today": today}).fetchall()
        if classes is None or class_id in classes
    ]


_SIGNED = f"""SELECT p.id, c.purpose, c.withdrawn_on, c.valid_from, c.valid_to, {VALID} AS valid,
    CASE WHEN NOT {OWN} THEN p.birth_date END AS birth_date, CASE WHEN NOT {OWN} THEN p.birth_year END AS birth_year
  FROM json_each(:people) j JOIN person p ON p.id = j.value
  JOIN consent c ON c.person = p.id AND c.retired_at IS NULL"""
_NAMES = f"""WITH {NAMED} SELECT p.id, {NAME_COLUMNS}, {_FILE} FROM json_each(:people) j JOIN person p ON p.id = j.value
  LEFT JOIN named n ON n.id = p.id WHERE p.retired_at IS NULL"""


def asks(db: Database, today: int, days: int, classes: frozenset[int] | None) -> list[Ask]:
    """Who is to be asked now or within so many days: pupils on a roll, their guardians and, with all classes, staff.

    Without a core consent everyone is, guardians unless they withdrew it; for other purposes those whose consent
    lapsed or soon will (a refusal is left in peace).
    """
    places = _places(db, today, classes)
    parents = {one: child for one, child in _parents(db, today, classes).items() if one not in places}
    places |= {one: place for one, (place, *_) in parents.items()}
    asked = {"today": today, "people": json.dumps(sorted(places))}
    signed: dict[int, dict[str, list[Mapping[str, Any]]]] = {person: {"core": []} for person in places}
    for row in db.query(_SIGNED, asked):
        signed[row["id"]].setdefault(row["purpose"], []).append(row)
    whys = [
        (person, purpose, *_why(by_purpose[purpose], purpose, today, days))
        for person, by_purpose in signed.items()
        for purpose in CONSENT_PURPOSES
        if purpose in by_purpose
    ]
    to_ask = {person for person, _, why, _ in whys if why}
    to_ask |= {parents[one][1] for one in to_ask & parents.keys()}
    named = {
        row["id"]: (full_name(row), number_of(row["id"]), row["file"])
        for row in db.query(_NAMES, asked | {"people": json.dumps(sorted(to_ask))})
    }
    children = {
        one: Child(*named[child], relation) for one, (_, child, relation) in parents.items() if child in named
    }
    found = [
        Ask(person, *named[person], places[person], purpose, why, until, children.get(person))
        for person, purpose, why, until in whys
        if why and person in named and (person not in parents or why != "withdrawn")
    ]
    return in_order(found, lambda ask: ask.name or (ask.parent_of.name if ask.parent_of else ""))


def lapsed(db: Database, today: int, children: Collection[int]) -> dict[int, str]:
    """Of these children on a roll, for whom a guardian signs: who has no valid core consent, and none given on a page.

    Child -> class.
    """
    given = (
        {one.person for one in offers(db, None, today) if one.purpose == "core"} if children else set[int]()
    )
    return {
        child: place
        for child, place in (_by_class(db, _ROLL, today, None) if children else {}).items()
        if child in set(children) - given
        and not has_consent(db, child, "core", today)
        and not born(db, child).is_adult(today)
    }


_GROWN = f"""SELECT c.person, c.purpose, c.withdrawn_on, c.valid_from, c.valid_to, {VALID} AS valid,
    NULL AS birth_date, NULL AS birth_year
  FROM person p JOIN consent c ON c.person = p.id AND c.retired_at IS NULL
  WHERE p.retired_at IS NULL AND (:person IS NULL OR p.id = :person)
    AND (p.birth_date <= :today - {FEWEST_DAYS} OR (p.birth_date IS NULL AND p.birth_year <= :year - 18))
    AND p.id IN (SELECT pupil FROM enrolment WHERE {_HERE})"""


def grown_up(db: Database, today: int, person: int | None = None) -> dict[int, list[str]]:
    """Pupils on a roll who turned 18 since a parent signed -> purposes for which they are asked anew.

    Not those for which they gave a consent on a page already, which waits for its paper.
    """
    given = {(one.person, one.purpose) for one in offers(db, person, today) if one.signer == one.person}
    signed: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    asked = {"today": today, "year": date_of(today).year, "person": person}
    for row in db.query(_GROWN, asked):
        signed.setdefault((row["person"], row["purpose"]), []).append(row)
    found: dict[int, list[str]] = {}
    for who, purpose in sorted(
        signed.keys() - given, key=lambda one: (one[0], CONSENT_PURPOSES.index(one[1]))
    ):
        if _why(signed[who, purpose], purpose, today, 0)[0] == "adult":
            found.setdefault(who, []).append(purpose)
    return found


def _places(db: Database, today: int, classes: frozenset[int] | None) -> dict[int, str]:
    """Whom the school counts today -> class; staff have none."""
    places: dict[int, str] = {}
    if classes is None:
        sql = 'SELECT person FROM staff WHERE retired_at IS NULL AND ("end" IS NULL OR "end" > ?)'
        places = {person: "" for (person,) in db.execute(sql, (today,)).fetchall()}
    return places | _by_class(db, _ROLL, today, classes)


_PARENTS = f"""WITH roll (pupil, class_group, grade, letter) AS ({_ROLL})
  SELECT g.person, roll.pupil, g.relation, roll.class_group, roll.grade, roll.letter
  FROM roll JOIN guardian g ON g.pupil = roll.pupil
  WHERE g.retired_at IS NULL AND g.person IS NOT NULL ORDER BY roll.grade DESC, roll.letter DESC"""


def _parents(db: Database, today: int, classes: frozenset[int] | None) -> dict[int, tuple[str, int, str]]:
    """The guardians of those on the rolls -> class of a child, the child, and the relation."""
    return {
        person: (class_name(grade, letter), child, relation or "")
        for person, child, relation, class_id, grade, letter in db.execute(
            _PARENTS, {"today": today}
        ).fetchall()
        if classes is None or class_id in classes
    }


def _by_class(db: Database, sql: str, today: int, classes: frozenset[int] | None) -> dict[int, str]:
    names: dict[int, str] = {}
    places: dict[int, str] = {}
    for person, class_id, grade, letter in db.execute(sql, {"today": today}).fetchall():
        if classes is None or class_id in classes:
            if class_id not in names:
                names[class_id] = class_name(grade, letter)
            places[person] = names[class_id]
    return places


def _why(signed: list[Mapping[str, Any]], purpose: str, today: int, days: int) -> tuple[str, int | None]:
    """Why a person is asked for a purpose; empty when there is no need."""
    valid = [row for row in signed if row["valid"]]
    if valid:
        if any(_outlasts(row, today + days) for row in valid):
            return "", None
        ends = [_last(row) for row in valid]
        last = None if None in ends else max(end for end in ends if end is not None)
        return ("soon", last) if last is not None and last <= today + days else ("", None)
    states = {_state(row, today) for row in signed}
    for why in ("adult", "expired"):
        if why in states:
            return why, None
    if purpose != "core" or "coming" in states:
        return "", None
    return ("withdrawn" if "withdrawn" in states else "never"), None


def _outlasts(row: Mapping[str, Any], day: int) -> bool:
    """Is a consent surely good after a day: without an end, and its person a child until then?"""
    until, born = row["valid_to"], row["birth_date"]
    return (until is None or until > day) and (
        born + FEWEST_DAYS > day if born is not None else row["birth_year"] is None
    )


def _last(row: Mapping[str, Any]) -> int | None:
    """The first day without a consent: at its end, or when a child for whom another signed comes of age."""
    ends = [row["valid_to"], Born(row["birth_date"], row["birth_year"]).adult_from]
    return min((end for end in ends if end is not None), default=None)
