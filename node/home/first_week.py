"""What a new school does first, in order: each step with who takes it, where, and whether it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlite_utils import Database

from node.orders.queries import has_head
from node.schooldays import YEARS
from shared.i18n import N_

WHO = ("head", "deputy", "secretary", "administrator")
"""To whom the steps are shown."""


@dataclass(frozen=True)
class Step:
    """``sentence`` and ``hint`` are marked with `N_`; ``endpoint`` is the page of the step, ``who`` the duties."""

    sentence: str
    hint: str
    endpoint: str
    who: tuple[str, ...]
    done: bool = False


_STAFF = "SELECT 1 FROM staff s WHERE s.retired_at IS NULL AND ifnull(s.position, '') <> 'head'"
_DUTIES = """SELECT 1 FROM appointment WHERE retired_at IS NULL AND duty NOT IN ('head', 'administrator')
  AND start <= :day AND ("end" IS NULL OR "end" > :day)"""
_ACCOUNTS = """SELECT 1 FROM account a JOIN staff s ON s.person = a.person
  WHERE a.retired_at IS NULL AND s.retired_at IS NULL AND ifnull(s.position, '') <> 'head'"""
_BELLS = "SELECT 1 FROM bell WHERE retired_at IS NULL"
_YEAR = f'SELECT 1 FROM {YEARS} y JOIN term t ON t.year = y.id WHERE y."end" >= :day AND t.retired_at IS NULL'
_CLASSES = f"""SELECT 1 FROM class_group g JOIN {YEARS} y ON y.id = g.year
  WHERE g.retired_at IS NULL AND y."end" >= :day"""
_PUPILS = "SELECT 1 FROM enrolment WHERE retired_at IS NULL"

_STEPS: tuple[tuple[str, Step], ...] = (
    (
        _STAFF,
        Step(
            N_("Enter the staff"),
            N_("One by one, or a list from a spreadsheet (Import, Staff)."),
            "people.new_staff",
            ("head", "secretary", "administrator"),
        ),
    ),
    (
        _DUTIES,
        Step(
            N_("Give the duties"),
            N_("By a signed order: secretary, deputy, teachers, class teachers."),
            "orders.new",
            ("head",),
        ),
    ),
    (
        _ACCOUNTS,
        Step(
            N_("Open accounts for the staff"),
            N_("Print the slips with the first passwords and cut them apart."),
            "accounts.index",
            ("administrator",),
        ),
    ),
    (
        _BELLS,
        Step(
            N_("Write the bells"),
            N_("When lessons begin and end, for each shift."),
            "calendar.bells",
            ("deputy",),
        ),
    ),
    (
        _YEAR,
        Step(
            N_("Look at the school year and its terms"),
            N_("The country's are there; the school writes where its own differ."),
            "calendar.index",
            ("deputy",),
        ),
    ),
    (
        _CLASSES,
        Step(
            N_("Make the classes"),
            N_("One by one, or a list from a spreadsheet (Import, Classes)."),
            "classes.new",
            ("head", "deputy"),
        ),
    ),
    (
        _PUPILS,
        Step(
            N_("Enter the pupils"),
            N_("One by one, or a list from a spreadsheet (Import, Pupils)."),
            "movement.arrival",
            ("secretary",),
        ),
    ),
)


def steps(db: Database, day: int) -> list[Step]:
    """The steps in their order while one of them is left to do; none afterwards."""
    head = Step(
        N_("Enter the head"),
        N_("By the order of the education office."),
        "accounts.head",
        ("administrator",),
        has_head(db, day),
    )
    rest = [
        replace(step, done=db.execute(f"{sql} LIMIT 1", {"day": day}).fetchone() is not None)
        for sql, step in _STEPS
    ]
    found = [head, *rest]
    return [] if all(one.done for one in found) else found
