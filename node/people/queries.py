"""Reading people. A name shows only under a consent to the core record that is valid today; else a placeholder does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import leaving
from node.families import Veil
from node.logins import shown
from node.naming import called
from node.naming import number_of as number_of
from node.purposes import UNDER_HEALTH, UNDER_MESSAGES, agreed
from shared.dates import school_year_name
from shared.i18n import N_, current_language, folded, in_order, near
from shared.indicators import value_label
from shared.latin import sounding
from shared.schema import BY_NAME, Column
from sync.gate import VALID
from sync.writer import has_consent

PAGE = 50
SURE, LONG = 4, 9
"""Letters a word needs so that one typo, or two, are forgiven in it."""
_LATIN_LETTER = re.compile("[A-Za-z]")

NAMED = f"""named (id, surname, given_name, patronymic) AS (
  SELECT p.id, p.surname, p.given_name, p.patronymic FROM person p
  WHERE p.retired_at IS NULL AND EXISTS (
    SELECT 1 FROM consent c WHERE c.person = p.id AND c.purpose = 'core' AND {VALID}))"""
"""A common table expression: the people who may be named on the day ``:today``."""

NAME_COLUMNS = "n.surname, n.given_name, n.patronymic"


@dataclass(frozen=True)
class Person:
    """Someone in a list. ``name`` is empty when none may be shown; ``number`` is the row's own, to tell them apart."""

    id: int
    name: str
    kind: str
    sex: str
    place: str

    @property
    def number(self) -> int:
        return number_of(self.id)


def full_name(row: Mapping[str, Any]) -> str:
    """Surname, given name, patronymic, as far as they are there."""
    return " ".join(row[part] for part in ("surname", "given_name", "patronymic") if row[part])


def names(db: Database, people: Iterable[int | None], today: int) -> dict[int, str]:
    """The names of people that may be shown."""
    wanted = ", ".join(str(int(person)) for person in set(people) if person is not None)
    sql = f"WITH {NAMED} SELECT n.id, {NAME_COLUMNS} FROM named n WHERE n.id IN ({wanted})"
    return {row["id"]: full_name(row) for row in db.query(sql, {"today": today})}


def author(db: Database, account: int, today: int, veil: Veil | None = None) -> str:
    """Who stands behind an account, as `node.naming.called`; behind a veil a guardian by the relation."""
    sql = f"""WITH {NAMED} SELECT a.person, {NAME_COLUMNS} FROM account a LEFT JOIN named n ON n.id = a.person
      WHERE a.id = :account"""
    row = next(iter(db.query(sql, {"today": today, "account": account})), None)
    if row is None:
        return ""
    name = called(full_name(row), row["person"], account)
    return name if veil is None else veil.called(row["person"], name)


def class_name(grade: int | None, letter: str | None) -> str:
    """`7-А`; only one of the two when the other is unknown."""
    return "-".join(part for part in (str(grade) if grade else "", letter or "") if part) or "—"


_PUPILS = f"""WITH {NAMED}
  SELECT p.id, p.sex, {NAME_COLUMNS}, cg.grade, cg.letter, max(e.start) AS since
  FROM pupil pu JOIN person p ON p.id = pu.person LEFT JOIN named n ON n.id = p.id
  LEFT JOIN enrolment e ON e.pupil = pu.person AND e.retired_at IS NULL
  LEFT JOIN class_group cg ON cg.id = e.class_group
  WHERE pu.retired_at IS NULL AND p.retired_at IS NULL
    AND (:readable IS NULL OR pu.person IN (SELECT value FROM json_each(:readable))) GROUP BY p.id"""
_STAFF = f"""WITH {NAMED}
  SELECT p.id, p.sex, {NAME_COLUMNS}, s.position FROM staff s JOIN person p ON p.id = s.person
  LEFT JOIN named n ON n.id = p.id WHERE s.retired_at IS NULL AND p.retired_at IS NULL"""
_GUARDIANS = f"""WITH {NAMED}
  SELECT p.id, p.sex, {NAME_COLUMNS}, min(g.relation) AS relation
  FROM guardian g JOIN person p ON p.id = g.person
  JOIN named n ON n.id = p.id WHERE g.retired_at IS NULL AND p.retired_at IS NULL GROUP BY p.id"""


def pupils(db: Database, today: int, readable: frozenset[int] | None) -> list[Person]:
    """All pupils, or the readable ones, each with the class last entered."""
    return [
        Person(row["id"], full_name(row), "pupil", row["sex"] or "", class_name(row["grade"], row["letter"]))
        for row in db.query(
            _PUPILS,
            {"today": today, "readable": None if readable is None else json.dumps(sorted(readable))},
        )
    ]


def staff(db: Database, today: int) -> list[Person]:
    """All who work here; their place is the code of their position."""
    return [
        Person(row["id"], full_name(row), "staff", row["sex"] or "", row["position"] or "")
        for row in db.query(_STAFF, {"today": today})
    ]


def guardians(db: Database, today: int) -> list[Person]:
    """Parents and legal representatives who may be named."""
    return [
        Person(row["id"], full_name(row), "guardian", row["sex"] or "", row["relation"] or "")
        for row in db.query(_GUARDIANS, {"today": today})
    ]


def found(people: Iterable[Person], text: str) -> list[Person]:
    """Those whose name holds every word of the text (н finds ң), or who bear the number; in alphabetical order.

    Latin letters find a Cyrillic name by its sound. When there are none: those whose name has each word with one
    letter wrong, missing, too many or swapped, two in a long word.
    """
    return searched(people, text)[0]


def searched(people: Iterable[Person], text: str) -> tuple[list[Person], bool]:
    """What `found` finds, and whether their names only resemble the text."""
    form = sounding if _LATIN_LETTER.search(text) else folded
    words, people = form(text.replace("№", " ")).split(), list(people)
    matching = [person for person in people if _holds(person, form(person.name), words)]
    exact = bool(matching)
    if not matching and any(len(word) >= SURE for word in words):
        matching = [
            person for person in people if person.name and _resembles(form(person.name).split(), words)
        ]
    return in_order(matching, lambda person: person.name), bool(matching) and not exact


def _resembles(parts: Sequence[str], words: Sequence[str]) -> bool:
    return all(
        any(near(word, part, 2 if len(word) >= LONG else 1 if len(word) >= SURE else 0) for part in parts)
        for word in words
    )


def _holds(person: Person, name: str, words: Sequence[str]) -> bool:
    return all(word in name if name else word == str(person.number) for word in words)


# ---- one person


def person(db: Database, person_id: int, today: int) -> Mapping[str, Any] | None:
    """All columns of a person; those that need the core consent are empty without one that is valid today.

    So is the e-mail address without one to messages.
    """
    rows = db.query(
        f"WITH {NAMED} SELECT p.*, n.id AS may_be_named FROM person p LEFT JOIN named n ON n.id = p.id "
        "WHERE p.id = :id AND p.retired_at IS NULL",
        {"id": person_id, "today": today},
    )
    row = next(iter(rows), None)
    if row is None:
        return None
    if not has_valid(db, person_id, "messages", today):
        row = {name: None if name in UNDER_MESSAGES else value for name, value in row.items()}
    if row["may_be_named"] is not None:
        return row
    personal = {
        "surname",
        "given_name",
        "patronymic",
        "birth_date",
        "personal_number",
        "phone",
        "email",
        "address",
        "document",
    }
    return {name: None if name in personal else value for name, value in row.items()}


Row = Mapping[str, Any]


def column(table: str, name: str) -> Column:
    """A column of the schema."""
    return BY_NAME[table].by_name[name]


def gated(table: str, names: Iterable[str]) -> tuple[str, ...]:
    """Of these columns those that fill under a consent alone."""
    return tuple(name for name in names if column(table, name).consent is not None)


def has_valid(db: Database, person_id: int, purpose: str, today: int) -> bool:
    """Has the person consented to the purpose, as of today?"""
    return has_consent(db, person_id, purpose, today)


def is_only_staff(db: Database, person_id: int) -> bool:
    """Is the person on record as a member of staff and nothing else?"""
    return (
        staff_member(db, person_id) is not None
        and pupil(db, person_id) is None
        and not children_of(db, person_id)
    )


def photo(db: Database, person_id: int, today: int) -> bytes | None:
    """The photo of a person, while a consent for photos holds."""
    row = db.execute(
        "SELECT photo FROM person WHERE id = ? AND photo IS NOT NULL AND retired_at IS NULL", (person_id,)
    ).fetchone()
    return bytes(row[0]) if row and row[0] and has_valid(db, person_id, "photo", today) else None


def pupil(db: Database, person_id: int) -> Mapping[str, Any] | None:
    """The row that makes a person a pupil."""
    return _one(db, "SELECT * FROM pupil WHERE person = ? AND retired_at IS NULL", person_id)


CLASS_PART = ("full_orphan", "half_orphan", "guardianship", "disability", "home_schooling")
"""What of the social categories a class teacher reads: who signs for the child, and how the child is taught."""


def categories(db: Database, person_id: int, today: int) -> tuple[str, ...]:
    """The social categories of a pupil, while a consent for them holds; what tells of health under that, too."""
    row = pupil(db, person_id)
    if row is None or not row["categories"] or not has_valid(db, person_id, "social", today):
        return ()
    health = has_valid(db, person_id, "health", today)
    codes = (code.strip() for code in row["categories"].split(","))
    return tuple(code for code in codes if code and (health or code not in UNDER_HEALTH))


def passport(db: Database, today: int) -> dict[str, list[Person]]:
    """Social category -> the pupils on a roll today who have it, while a consent for them holds (социалдык паспорт)."""
    sql = f"""WITH {NAMED}, {agreed("open_health", "health")}
      SELECT p.id, p.sex, pu.categories, cg.grade, cg.letter, {NAME_COLUMNS}, p.id IN open_health AS health
      FROM pupil pu JOIN person p ON p.id = pu.person LEFT JOIN named n ON n.id = p.id
      JOIN enrolment e ON e.pupil = p.id AND e.retired_at IS NULL AND e.start <= :today
        AND (e."end" IS NULL OR e."end" > :today)
      JOIN class_group cg ON cg.id = e.class_group
      WHERE pu.retired_at IS NULL AND p.retired_at IS NULL AND ifnull(pu.categories, '') <> ''
        AND EXISTS (SELECT 1 FROM consent c WHERE c.person = p.id AND c.purpose = 'social' AND {VALID})"""
    found: dict[str, list[Person]] = {}
    for row in db.query(sql, {"today": today}):
        place = class_name(row["grade"], row["letter"])
        one = Person(row["id"], full_name(row), "pupil", row["sex"], place)
        for code in row["categories"].split(","):
            if code.strip() and (row["health"] or code.strip() not in UNDER_HEALTH):
                found.setdefault(code.strip(), []).append(one)
    return {code: in_order(people, lambda one: one.name) for code, people in found.items()}


def staff_member(db: Database, person_id: int) -> Mapping[str, Any] | None:
    """The row that makes a person a member of staff."""
    return _one(db, "SELECT * FROM staff WHERE person = ? AND retired_at IS NULL", person_id)


def works_here(db: Database, person_id: int, today: int) -> bool:
    """Does the person work here, or will?"""
    sql = """SELECT 1 FROM staff WHERE person = ? AND retired_at IS NULL AND ("end" IS NULL OR "end" > ?)"""
    return db.execute(sql, (person_id, today)).fetchone() is not None


def studies_here(db: Database, person_id: int, today: int) -> bool:
    """Is the person a pupil who has not left: on a roll today or later, or not yet on any?"""
    sql = """SELECT 1 FROM pupil u WHERE person = ?1 AND retired_at IS NULL AND ifnull((
               SELECT max("end" IS NULL OR "end" > ?2) FROM enrolment
               WHERE pupil = u.person AND retired_at IS NULL), 1)"""
    return db.execute(sql, (person_id, today)).fetchone() is not None


def children_of(db: Database, person_id: int) -> frozenset[int]:
    """The pupils of whom the person is a parent or legal representative."""
    rows = db.execute("SELECT pupil FROM guardian WHERE person = ? AND retired_at IS NULL", (person_id,))
    return frozenset(row[0] for row in rows.fetchall())


def consents(db: Database, person_id: int) -> list[Mapping[str, Any]]:
    """Every written consent of a person, the present ones first."""
    sql = """SELECT * FROM consent WHERE person = ? AND retired_at IS NULL
             ORDER BY withdrawn_on IS NOT NULL, purpose <> 'core', purpose, valid_from DESC"""
    return list(db.query(sql, (person_id,)))


def consent_state(consent: Mapping[str, Any], today: int) -> str:
    """withdrawn, expired, coming or valid."""
    if consent["withdrawn_on"] is not None:
        return "withdrawn"
    if consent["valid_to"] is not None and consent["valid_to"] <= today:
        return "expired"
    return "coming" if consent["valid_from"] is not None and consent["valid_from"] > today else "valid"


def guardians_of(db: Database, pupil_id: int, today: int) -> list[Mapping[str, Any]]:
    """Parents and legal representatives of a pupil; without a consent of their own, their relation alone."""
    sql = f"""WITH {NAMED}, {agreed("told", "messages")}
      SELECT g.person, g.relation, g.may_read, {NAME_COLUMNS}, CASE WHEN n.id IS NOT NULL THEN p.phone END AS phone,
        p.id IN told AS told
      FROM guardian g JOIN person p ON p.id = g.person LEFT JOIN named n ON n.id = p.id
      WHERE g.pupil = :id AND g.retired_at IS NULL ORDER BY g.relation = 'mother' DESC, g.relation"""
    return list(db.query(sql, {"id": pupil_id, "today": today}))


def enrolments(db: Database, pupil_id: int) -> list[Mapping[str, Any]]:
    """The classes of a pupil, the newest first."""
    sql = """SELECT e.class_group, e.start, e."end", e.age, e.repeating, cg.grade, cg.letter, y.start AS year
      FROM enrolment e JOIN class_group cg ON cg.id = e.class_group LEFT JOIN academic_year y ON y.id = cg.year
      WHERE e.pupil = ? AND e.retired_at IS NULL ORDER BY e.start DESC"""
    return list(db.query(sql, (pupil_id,)))


def movements(db: Database, pupil_id: int) -> list[Mapping[str, Any]]:
    """The lines of the movement book about a pupil, the newest first."""
    sql = "SELECT * FROM movement WHERE pupil = ? AND retired_at IS NULL ORDER BY date DESC"
    return list(db.query(sql, (pupil_id,)))


@dataclass(frozen=True)
class Remainder:
    """What still works of someone whose work here has ended: duties held today or later, and an account."""

    person: int
    ended: int
    duties: tuple[str, ...]
    account: int | None
    login: str


def still_open(db: Database, today: int, person: int | None = None) -> list[Remainder]:
    """Of all whose staff file has ended, or of one, what has not: the latest end first.

    The account of who has a child on the roll, or is on it, is theirs to keep.
    """
    sql = f"""WITH {NAMED} SELECT s.person, s."end", group_concat(DISTINCT a.duty) AS duties, c.id AS account,
        c.login, {NAME_COLUMNS}
      FROM staff s LEFT JOIN named n ON n.id = s.person
      LEFT JOIN appointment a ON a.person = s.person AND a.retired_at IS NULL
        AND (a."end" IS NULL OR a."end" > :today)
      LEFT JOIN account c ON c.id = (SELECT a.id FROM account a WHERE a.person = s.person
        AND a.retired_at IS NULL AND a.disabled = 0 AND NOT {leaving.HERE} LIMIT 1)
      WHERE s.retired_at IS NULL AND s."end" <= :today AND (:person IS NULL OR s.person = :person)
        AND (a.id IS NOT NULL OR c.id IS NOT NULL)
      GROUP BY s.person ORDER BY s."end" DESC, s.person"""
    return [
        Remainder(
            row["person"], row["end"], tuple(sorted((row["duties"] or "").split(","))) if row["duties"] else (),
            row["account"],
            shown(row["account"], row["login"], full_name(row)) if row["account"] is not None else "",
        )
        for row in db.query(sql, {"today": today, "person": person})
    ]  # fmt: skip


def duties(db: Database, person_id: int, today: int) -> list[Mapping[str, Any]]:
    """The duties a person holds today."""
    sql = """SELECT a.duty, a.start, a."end", o.number, o.date
      FROM appointment a LEFT JOIN order_book o ON o.id = a."order"
      WHERE a.person = :id AND a.retired_at IS NULL AND a.start <= :today AND (a."end" IS NULL OR a."end" > :today)
      ORDER BY a.start, a.duty"""
    return list(db.query(sql, {"id": person_id, "today": today}))


def taught(db: Database, person_id: int) -> list[Mapping[str, Any]]:
    """What a member of staff teaches and where, by class."""
    sql = """SELECT sg.class_group, sg.hours_week, sg.name AS part, cg.grade, cg.letter,
        s.code, s.name_ky, s.name_ru, s.name_en
      FROM subject_group sg JOIN class_group cg ON cg.id = sg.class_group LEFT JOIN subject s ON s.id = sg.subject
      WHERE sg.teacher = ? AND sg.retired_at IS NULL AND cg.retired_at IS NULL ORDER BY cg.grade, cg.letter, s.sort"""
    return list(db.query(sql, (person_id,)))


def page_of(people: Sequence[Person], number: int) -> Sequence[Person]:
    """One page of a list; pages count from 1."""
    return people[(number - 1) * PAGE : number * PAGE]


def _one(db: Database, sql: str, person_id: int) -> Mapping[str, Any] | None:
    return next(iter(db.query(sql, (person_id,))), None)


# ---- conduct


CONDUCT = {
    "exemplary": N_("Exemplary"),
    "good": N_("Good"),
    "fair": N_("Satisfactory"),
    "poor": N_("Unsatisfactory"),
}
"""Code of conduct -> its name."""


def conduct_of(db: Database, pupil: int) -> list[tuple[str, str]]:
    """The conduct of a pupil, the latest period first: name of the period with its year, code of conduct."""
    rows = db.execute(
        """SELECT t.kind, t.number, y.start, c.value FROM conduct c JOIN term t ON t.id = c.term
           LEFT JOIN academic_year y ON y.id = t.year
           WHERE c.pupil = ? AND c.retired_at IS NULL AND c.value IS NOT NULL ORDER BY t.start DESC, t.id DESC""",
        (pupil,),
    )
    language = current_language()
    return [
        (
            value_label("term", f"{kind}-{number}" if number else kind, language)
            + (f", {school_year_name(start)}" if start is not None else ""),
            value,
        )
        for kind, number, start, value in rows.fetchall()
    ]
