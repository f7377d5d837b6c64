"""Who may do what in a school: duties from the appointments of today, and which rows a duty reads.

The matrix is that of the regulation's practice: head, deputy, secretary and social pedagogue read every pupil's card; a
class teacher those of the own class; a subject teacher and the librarian names only; the administrator keeps the
software running and reads no pupil's data; pupils and guardians read their own.
"""

from __future__ import annotations

from sqlite_utils import Database

from shared.access import Visitor
from shared.schema import DUTIES
from shared.web import today

ROLES = frozenset(DUTIES) | {"pupil", "guardian"}
STAFF = tuple(DUTIES)

ALL_CARDS = ("head", "deputy", "secretary", "social")
"""Read every pupil's card."""
SOCIAL = ("head", "social")
"""Read social categories."""
ALL_NAMES = (*ALL_CARDS, "librarian")
"""Read every name and class list."""
TEACHING = ("class_teacher", "teacher")
"""Read the classes they lead or teach."""
ALL_RESULTS = ("head", "deputy")
STAFF_FILES = ("head", "deputy", "secretary")
OWN = ("pupil", "guardian")

LISTS = (*ALL_NAMES, *TEACHING)
RESULTS = (*ALL_RESULTS, *TEACHING)


def identify(db: Database, account: int) -> Visitor | None:
    """The visitor an account is today; None when it is disabled or retired."""
    row = db.execute(
        """SELECT a.login, a.language, a.must_change, a.person, p.surname, p.given_name
           FROM account a LEFT JOIN person p ON p.id = a.person
           WHERE a.id = ? AND a.retired_at IS NULL AND a.disabled = 0""",
        (account,),
    ).fetchone()
    if row is None:
        return None
    login, language, must_change, person, surname, given_name = row
    name = " ".join(part for part in (given_name, surname) if part) or login or ""
    roles = _roles(db, person) if person is not None else frozenset()
    return Visitor(account, name, roles, person, language, bool(must_change))


def _roles(db: Database, person: int) -> frozenset[str]:
    found = db.execute(
        """SELECT duty FROM appointment WHERE person = :person AND retired_at IS NULL
             AND start <= :today AND ("end" IS NULL OR "end" > :today)
           UNION SELECT 'pupil' FROM pupil WHERE person = :person AND retired_at IS NULL
           UNION SELECT 'guardian' FROM guardian WHERE person = :person AND retired_at IS NULL AND may_read = 1""",
        {"person": person, "today": today()},
    ).fetchall()
    return frozenset(row[0] for row in found) & ROLES


def led_classes(db: Database, visitor: Visitor) -> frozenset[int]:
    """The classes that the visitor leads as class teacher."""
    if not visitor.has("class_teacher"):
        return frozenset()
    return _ids(db, "SELECT id FROM class_group WHERE teacher = ? AND retired_at IS NULL", visitor.person)


def taught_groups(db: Database, visitor: Visitor) -> frozenset[int]:
    """The subject groups that the visitor teaches."""
    if not visitor.has(*TEACHING):
        return frozenset()
    return _ids(db, "SELECT id FROM subject_group WHERE teacher = ? AND retired_at IS NULL", visitor.person)


def taught_classes(db: Database, visitor: Visitor) -> frozenset[int]:
    """The classes in which the visitor teaches a subject."""
    if not visitor.has(*TEACHING):
        return frozenset()
    return _ids(
        db, "SELECT class_group FROM subject_group WHERE teacher = ? AND retired_at IS NULL", visitor.person
    )


def own_children(db: Database, visitor: Visitor) -> frozenset[int]:
    """The pupils for whom the visitor reads as a parent or legal representative."""
    if not visitor.has("guardian"):
        return frozenset()
    return _ids(
        db,
        "SELECT pupil FROM guardian WHERE person = ? AND may_read = 1 AND retired_at IS NULL",
        visitor.person,
    )


def pupils_of(db: Database, classes: frozenset[int]) -> frozenset[int]:
    """The pupils who are or were enrolled in the classes."""
    marks = ", ".join("?" * len(classes))
    sql = f"SELECT pupil FROM enrolment WHERE class_group IN ({marks}) AND retired_at IS NULL"
    return _ids(db, sql, *sorted(classes)) if classes else frozenset()


def may_list(db: Database, visitor: Visitor, class_group: int) -> bool:
    """May the visitor see the names in a class?"""
    if visitor.has(*ALL_NAMES):
        return True
    return class_group in led_classes(db, visitor) | taught_classes(db, visitor)


def readable_cards(db: Database, visitor: Visitor) -> frozenset[int] | None:
    """The pupils whose whole card the visitor reads; None for all."""
    if visitor.has(*ALL_CARDS):
        return None
    own = frozenset({visitor.person} if visitor.has("pupil") and visitor.person is not None else ())
    return own | own_children(db, visitor) | pupils_of(db, led_classes(db, visitor))


def readable_names(db: Database, visitor: Visitor) -> frozenset[int] | None:
    """The pupils whose names the visitor reads; None for all."""
    if visitor.has(*ALL_NAMES):
        return None
    classes = led_classes(db, visitor) | taught_classes(db, visitor)
    cards = readable_cards(db, visitor)
    return None if cards is None else cards | pupils_of(db, classes)


def _ids(db: Database, sql: str, *values: int | None) -> frozenset[int]:
    return frozenset(row[0] for row in db.execute(sql, values).fetchall() if row[0] is not None)
