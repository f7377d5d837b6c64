"""Who may do what in a school: the table of rights, duties from the appointments of today, rows a duty reaches.

The table is the regulation's practice as data. Verbs: V views, E enters, A approves, N reads names alone;
who enters or approves views too, and who views reads names. Qualifiers narrow a right: o own (one's own rows, a
guardian's children), c own class, l own lessons, p a part that the area itself defines. A right without o, c or l
reaches every row.

    @area.get("/")
    @right("plans", "V")            whoever views plans, of whatever reach
    ...
    reaches_group(db, visitor(), "plans", "E", group)   is this row within reach?
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlite_utils import Database

from node import leaving
from node.keyholders import OPENS
from node.naming import called
from node.schooldays import YEARS
from shared.access import Rights, Visitor, declare
from shared.schema import DUTIES
from shared.web import today
from sync.gate import VALID

ORDER = (*DUTIES, "pupil", "guardian")
"""The columns of the table: head, deputy, class teacher, teacher, secretary, social pedagogue, librarian,
administrator, pupil, guardian."""
ROLES = frozenset(ORDER)
STAFF = tuple(DUTIES)

# fmt: off
_TABLE = {
    #                    head deputy class_t teacher secr social libr admin pupil guardian
    "card":             "VA   V      VEc     Nl      VE   V      N    -     Vo    Vo",
    # A pupil of age signs for oneself, as the law has it; of a child the guardian signs (`node.consenting.signers`).
    "consent":          "VA   V      VEc     -       VE   V      -    -     EVo   EVo",
    "movement":         "VA   VE     Vc      -       VE   V      -    -     -     Vo",
    # A new school has nobody but its head to write the first orders, so the head enters them too.
    "orders":           "VEA  VE     Vo      Vo      VE   V      Vo   -     -     -",
    "lesson_marks":     "V    V      Vc      VEl     -    -      -    -     Vo    Vo",
    "term_marks":       "VA   VA     Vc      VEl     -    -      -    -     Vo    Vo",
    "attendance":       "V    V      VEc     VEl     -    V      -    -     Vo    Vo",
    # What the regulation's table calls "note": the family hands it in, the class teacher accepts it or not. For a child
    # a guardian does, a pupil of age for oneself, by the rule of who signs (`node.consenting.signers`).
    "absence_notes":    "V    V      VAc     Vl      -    V      -    -     EVo   EVo",
    "timetable":        "VA   VE     V       V       V    V      V    -     V     V",
    "plans":            "VA   VA     Vo      VEo     -    -      -    -     -     -",
    # The head comes first, and nobody but the head and the administrator is there to enter the secretary.
    "staff_file":       "VEA  VE     Vo      Vo      VE   Vo     Vo   -     -     -",
    "social":           "VA   -      Vcp     -       -    VE     -    -     -     Vo",
    "pupil_portfolio":  "V    V      VEc     El      -    V      -    -     VEo   Vo",
    "teacher_portfolio":"VA   VA     VEo     VEo     V    VEo    VEo  -     -     -",
    "textbooks":        "V    V      Vc      -       -    -      VE   -     Vo    Vo",
    "courses":          "V    VA     V       VEl     -    -      -    -     Eo    Vo",
    "reports":          "VA   VE     VEc     VEl     VE   VEp    VE   -     -     Vo",
    # One's own account (o in the regulation's table) is everyone's who has signed in.
    "accounts":         "A    -      -       -       -    -      -    VE    -     -",
    "messages":         "VEA  VEA    VE      VE      VE   VE     VE   -     VEo   VEo",
    "audit":            "V    Vp     -       -       -    -      -    Vp    -     -",
    # Not in the regulation's table, and needed by it: clauses 1.1, 3.1g, 5.1b and c, settings, one-time codes.
    "regulation":       "VA   V      V       V       V    V      V    V     V     V",
    "duties":           "VA   V      V       V       V    V      V    V     -     -",
    "codes":            "E    -      -       -       -    -      -    E     -     -",
    "tasks":            "VEA  VEA    VEo     VEo     VEo  VEo    VEo  VEo   -     -",
    "sign_off":         "VA   VA     VEc     -       -    -      -    -     -     -",
    "usage":            "V    -      -       -       -    -      -    V     -     -",
    "settings":         "VE   VE     -       -       -    -      -    VEp   -     -",
}
# fmt: on
_ENTRY = re.compile(r"([NVEA]+)([oclp]*)")


@dataclass(frozen=True)
class Right:
    """One cell of the table."""

    verbs: frozenset[str]
    qualifiers: frozenset[str]

    @property
    def scope(self) -> str:
        """`o`, `c` or `l`; empty when every row is reached."""
        return "".join(self.qualifiers & {"o", "c", "l"})

    def allows(self, verb: str) -> bool:
        """Entering and approving imply viewing, and viewing implies names."""
        return verb in self.verbs or verb == "N" or (verb == "V" and self.verbs != {"N"})


def _cell(text: str) -> Right:
    found = _ENTRY.fullmatch(text)
    assert found, text
    return Right(frozenset(found[1]), frozenset(found[2]))


MATRIX: dict[str, dict[str, Right]] = {
    area: {duty: _cell(text) for duty, text in zip(ORDER, line.split(), strict=True) if text != "-"}
    for area, line in _TABLE.items()
}
"""Area -> duty -> right; a duty that is not there has none."""

ANSWERED = frozenset({"lesson_marks", "term_marks", "attendance", "movement"})
"""The areas in which a teacher answers for a pupil who has left the class, too, until the year is over: the books of
the class. Everywhere else the reach ends with the enrolment."""

FOUNDER = "founder"
"""The administrator of a school in which nobody holds the duty of secretary today. Staff is entered before anybody can
have an account or a duty, so somebody who is there from the first day enters it; with a secretary this ends."""
MATRIX["staff_file"][FOUNDER] = _cell("VE")


def roles(area: str, verb: str) -> tuple[str, ...]:
    """The duties that have a right in an area, of whatever reach; what a route of it declares."""
    return tuple(duty for duty, held in MATRIX[area].items() if held.allows(verb))


def everywhere(area: str, verb: str) -> tuple[str, ...]:
    """The duties whose right in an area reaches every row."""
    return tuple(duty for duty, held in MATRIX[area].items() if held.allows(verb) and not held.scope)


View = TypeVar("View", bound=Callable[..., object])


def right(area: str, verb: str) -> Callable[[View], View]:
    """Declare what a route asks for, as `shared.access.allow` does, by area and verb of the table."""
    return lambda view: declare(view, Rights(roles=frozenset(roles(area, verb)), area=area, verb=verb))


def scopes(visitor: Visitor, area: str, verb: str) -> frozenset[str]:
    """How far the visitor's duties reach in an area: of `o`, `c`, `l`, and the empty text for every row."""
    held = (MATRIX[area][duty] for duty in visitor.roles if duty in MATRIX[area])
    return frozenset(one.scope for one in held if one.allows(verb))


def may(visitor: Visitor, area: str, verb: str) -> bool:
    """Has the visitor this right in the area, to whatever rows?"""
    return bool(scopes(visitor, area, verb))


def may_all(visitor: Visitor, area: str, verb: str) -> bool:
    """Has the visitor this right to every row of the area?"""
    return "" in scopes(visitor, area, verb)


def reaches_pupil(db: Database, visitor: Visitor, area: str, verb: str, pupil: int) -> bool:
    """Does a right reach a pupil: any, oneself or one's child, one's class, one's lessons?"""
    reach = scopes(visitor, area, verb)
    own = {visitor.person} | own_children(db, visitor)
    return (
        "" in reach
        or ("o" in reach and visitor.has(*OWN) and pupil in own)
        or ("c" in reach and pupil in _reached(db, led_classes(db, visitor), area))
        or ("l" in reach and pupil in _reached(db, taught_classes(db, visitor), area))
    )


def _reached(db: Database, classes: frozenset[int], area: str) -> frozenset[int]:
    """The pupils of classes whom a right in an area reaches."""
    return pupils_of(db, present(db, classes)) if area in ANSWERED else pupils_today(db, classes)


def reaches_person(db: Database, visitor: Visitor, area: str, verb: str, person: int) -> bool:
    """Does a right reach someone: a pupil as `reaches_pupil` says, a guardian of such a pupil, oneself to view?

    Who is a pupil or works here is reached as such alone: nobody's card opens by being made a guardian.
    """
    if reaches_pupil(db, visitor, area, verb, person) or (verb == "V" and person == visitor.person):
        return True
    return reaches_guardian(db, visitor, area, verb, person) and not _has_own_card(db, person)


def reaches_guardian(db: Database, visitor: Visitor, area: str, verb: str, person: int) -> bool:
    """Is the person, whatever else, a guardian of a pupil of one's class, and does a right reach those?"""
    if "c" not in scopes(visitor, area, verb):
        return False
    children = _ids(db, "SELECT pupil FROM guardian WHERE person = ? AND retired_at IS NULL", person)
    return not children.isdisjoint(_reached(db, led_classes(db, visitor), area))


def _has_own_card(db: Database, person: int) -> bool:
    sql = """SELECT person FROM pupil WHERE person = :p AND retired_at IS NULL
             UNION SELECT person FROM staff WHERE person = :p AND retired_at IS NULL"""
    return db.execute(sql, {"p": person}).fetchone() is not None


def keeps(db: Database, visitor: Visitor, person: int) -> bool:
    """Does the visitor keep the card of someone, or the staff file?"""
    works = bool(_ids(db, "SELECT person FROM staff WHERE person = ? AND retired_at IS NULL", person))
    return (works and may_all(visitor, "staff_file", "E")) or reaches_person(db, visitor, "card", "E", person)


def reaches_class(db: Database, visitor: Visitor, area: str, verb: str, class_group: int) -> bool:
    """Does a right reach a class: any, the one the visitor leads, one the visitor teaches in?"""
    reach = scopes(visitor, area, verb)
    return (
        "" in reach
        or ("c" in reach and class_group in led_classes(db, visitor))
        or ("l" in reach and class_group in taught_classes(db, visitor))
    )


def reaches_group(db: Database, visitor: Visitor, area: str, verb: str, subject_group: int) -> bool:
    """Does a right reach a subject group: any, one the visitor teaches, one in the class the visitor leads?"""
    reach = scopes(visitor, area, verb)
    if "" in reach or (reach & {"l", "o"} and subject_group in taught_groups(db, visitor)):
        return True
    led = led_classes(db, visitor)
    found = _ids(db, "SELECT class_group FROM subject_group WHERE id = ?", subject_group)
    return "c" in reach and not found.isdisjoint(led)


ALL_CARDS = everywhere("card", "V")
"""Read every pupil's card."""
SOCIAL = everywhere("social", "V")
"""Read social categories."""
ALL_NAMES = everywhere("card", "N")
"""Read every name and class list."""
TEACHING = ("class_teacher", "teacher")
"""Read the classes they lead or teach."""
ALL_RESULTS = everywhere("term_marks", "V")
STAFF_FILES = everywhere("staff_file", "V")
OWN = ("pupil", "guardian")
CLASS_KEEPERS = ("head", "deputy")
"""Make, change and close classes and their subjects."""
CLOSERS = ("head", "deputy")
"""Freeze reports, decide on pupils at the end of a year, close it."""

LISTS = (*ALL_NAMES, *TEACHING)
RESULTS = (*ALL_RESULTS, *TEACHING)


def identify(db: Database, account: int) -> Visitor | None:
    """The visitor an account is today, by number where no consent lets the name show.

    None when it is disabled or retired, or its owner has left and the days after it are over.
    """
    row = db.execute(
        f"""SELECT a.language, a.must_change, a.person, p.surname, p.given_name, {leaving.HERE}
           FROM account a LEFT JOIN person p ON p.id = a.person AND EXISTS (
             SELECT 1 FROM consent c WHERE c.person = a.person AND c.purpose = 'core' AND {VALID})
           WHERE a.id = :account AND a.retired_at IS NULL AND a.disabled = 0""",
        {"account": account, "today": today()},
    ).fetchone()
    if row is None:
        return None
    language, must_change, person, surname, given_name, here = row
    if not here and not leaving.lets_in(db, person, today()):
        return None
    name = called(" ".join(part for part in (given_name, surname) if part), person, account)
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
    roles = frozenset(row[0] for row in found) & ROLES
    return roles | {FOUNDER} if "administrator" in roles and not has_secretary(db, today()) else roles


def has_secretary(db: Database, day: int) -> bool:
    """Does anyone hold the duty of secretary on a day?"""
    sql = """SELECT 1 FROM appointment WHERE duty = 'secretary' AND retired_at IS NULL
             AND start <= :day AND ("end" IS NULL OR "end" > :day) LIMIT 1"""
    return db.execute(sql, {"day": day}).fetchone() is not None


def holders(db: Database, duties: tuple[str, ...], day: int) -> frozenset[int]:
    """The people who hold one of these duties on a day and have an account that lets them in."""
    sql = f"""SELECT d.person FROM appointment d WHERE d.duty IN ({", ".join("?" * len(duties))})
              AND d.retired_at IS NULL AND d.start <= ? AND (d."end" IS NULL OR d."end" > ?)
              AND {OPENS}"""
    return frozenset(row[0] for row in db.execute(sql, (*duties, day, day)).fetchall())


def led_classes(db: Database, visitor: Visitor) -> frozenset[int]:
    """The classes that the visitor leads as class teacher, those of past years included."""
    if not visitor.has("class_teacher"):
        return frozenset()
    return _ids(db, "SELECT id FROM class_group WHERE teacher = ? AND retired_at IS NULL", visitor.person)


def taught_groups(db: Database, visitor: Visitor) -> frozenset[int]:
    """The subject groups that the visitor teaches."""
    if not visitor.has(*TEACHING):
        return frozenset()
    return _ids(db, "SELECT id FROM subject_group WHERE teacher = ? AND retired_at IS NULL", visitor.person)


def taught_classes(db: Database, visitor: Visitor) -> frozenset[int]:
    """The classes in which the visitor teaches a subject, those of past years included."""
    if not visitor.has(*TEACHING):
        return frozenset()
    return _ids(
        db, "SELECT class_group FROM subject_group WHERE teacher = ? AND retired_at IS NULL", visitor.person
    )


def groups_in(db: Database, classes: frozenset[int]) -> frozenset[int]:
    """The subject groups of classes."""
    sql = f"SELECT id FROM subject_group WHERE class_group IN ({_marks(classes)})"
    return _ids(db, sql, *sorted(classes)) if classes else frozenset()


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
    sql = f"SELECT pupil FROM enrolment WHERE class_group IN ({_marks(classes)}) AND retired_at IS NULL"
    return _ids(db, sql, *sorted(classes)) if classes else frozenset()


def present(db: Database, classes: frozenset[int]) -> frozenset[int]:
    """Of the classes those of the present school year and of coming ones.

    The present year is the last one begun for which the school has classes: a summer belongs to it, and so do the
    weeks until a school that is late has made its new ones.
    """
    sql = f"""SELECT id FROM class_group WHERE id IN ({_marks(classes)}) AND year IN (
              SELECT id FROM {YEARS} WHERE start >= ifnull(
                (SELECT max(y.start) FROM {YEARS} y JOIN class_group cg ON cg.year = y.id
                 WHERE y.start <= ? AND cg.retired_at IS NULL), 0))"""
    return _ids(db, sql, *sorted(classes), today()) if classes else frozenset()


def pupils_today(db: Database, classes: frozenset[int]) -> frozenset[int]:
    """The pupils on the roll of the present ones of the classes today, or admitted to them for a coming day."""
    held = present(db, classes)
    sql = f"""SELECT pupil FROM enrolment WHERE class_group IN ({_marks(held)}) AND retired_at IS NULL
              AND ("end" IS NULL OR "end" > ?)"""
    return _ids(db, sql, *sorted(held), today()) if held else frozenset()


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
    return own | own_children(db, visitor) | pupils_today(db, led_classes(db, visitor))


def readable_names(db: Database, visitor: Visitor) -> frozenset[int] | None:
    """The pupils whose names the visitor reads; None for all."""
    if visitor.has(*ALL_NAMES):
        return None
    classes = led_classes(db, visitor) | taught_classes(db, visitor)
    cards = readable_cards(db, visitor)
    return None if cards is None else cards | pupils_today(db, classes)


def _marks(values: frozenset[int]) -> str:
    return ", ".join("?" * len(values))


def _ids(db: Database, sql: str, *values: int | None) -> frozenset[int]:
    return frozenset(row[0] for row in db.execute(sql, values).fetchall() if row[0] is not None)
