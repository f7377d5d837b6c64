"""Whose accounts are of people who have left: off the roll, without a child on it, no longer working here.

Such an account lets in for some days more (a setting), then no longer; who comes back is let in again. The head and the
administrator are let in until an order ends the duty, so that no date in a file shuts a school.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node.keyholders import KEYS
from shared.problems import AccountShut

_ON_ROLL = 'e.retired_at IS NULL AND (e."end" IS NULL OR e."end" > :today)'
_OPEN = 'd.retired_at IS NULL AND (d."end" IS NULL OR d."end" > :today)'
HERE = f"""(EXISTS (SELECT 1 FROM staff s WHERE s.person = a.person AND s.retired_at IS NULL
    AND (s."end" IS NULL OR s."end" > :today))
  OR EXISTS (SELECT 1 FROM enrolment e WHERE e.pupil = a.person AND {_ON_ROLL})
  OR EXISTS (SELECT 1 FROM guardian g JOIN enrolment e ON e.pupil = g.pupil
    WHERE g.person = a.person AND g.retired_at IS NULL AND g.may_read = 1 AND {_ON_ROLL})
  OR EXISTS (SELECT 1 FROM appointment d WHERE d.person = a.person AND {_OPEN}
    AND NOT EXISTS (SELECT 1 FROM staff s WHERE s.person = d.person AND s.retired_at IS NULL)))"""
"""SQL: does the person of account ``a`` work here, learn here or have a child here, on ``:today`` or later? The account
with which a school was set up is nobody's at first: it has a duty and no staff file."""
_KEEPS = f"EXISTS (SELECT 1 FROM appointment d WHERE d.person = a.person AND {_OPEN} AND d.duty IN {KEYS})"
_SINCE = """(SELECT max(day) FROM (
    SELECT "end" AS day FROM staff WHERE person = a.person AND retired_at IS NULL
    UNION ALL SELECT "end" FROM enrolment WHERE pupil = a.person AND retired_at IS NULL
    UNION ALL SELECT e."end" FROM guardian g JOIN enrolment e ON e.pupil = g.pupil AND e.retired_at IS NULL
      WHERE g.person = a.person AND g.retired_at IS NULL AND g.may_read = 1))"""


@dataclass(frozen=True)
class Left:
    """An account of someone who has left and that nobody disabled.

    ``since`` is the first day away, None where none is known (as after a guardian was crossed out); ``until`` the first
    day on which the account lets in no more; ``keeps``: as head or administrator it does until an order ends the duty.
    """

    account: int
    person: int
    since: int | None
    until: int | None
    keeps: bool

    def lets_in(self, day: int) -> bool:
        """Does the account still let in on a day?"""
        return self.until is None or day < self.until


def left(db: Database, today: int, person: int | None = None) -> list[Left]:
    """The accounts of all who have left, or of one: the last to leave first."""
    sql = f"""SELECT a.id, a.person, {_SINCE} AS since, {_KEEPS} AS keeps FROM account a
      WHERE a.retired_at IS NULL AND a.disabled = 0 AND a.person IS NOT NULL
        AND (:person IS NULL OR a.person = :person) AND NOT {HERE} ORDER BY since DESC, a.id"""
    days = _days(db)
    return [_left(row, days) for row in db.query(sql, {"today": today, "person": person})]


def _left(row: Mapping[str, Any], days: int) -> Left:
    since, keeps = row["since"], bool(row["keeps"])
    until = None if since is None or keeps else since + days
    return Left(row["id"], row["person"], since, until, keeps)


def lets_in(db: Database, person: int | None, today: int) -> bool:
    """May the person's account still be used, as far as leaving goes?"""
    return person is None or all(one.lets_in(today) for one in left(db, today, person))


def require(db: Database, account: int, today: int) -> None:
    """AccountShut: its owner has left, and the days after it are over."""
    person = db.execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone()[0]
    if not lets_in(db, person, today):
        raise AccountShut()


def _days(db: Database) -> int:
    # Settings stand on the table of rights, which asks this module who comes.
    from node.settings.queries import number

    return number(db, "left_account_days")
