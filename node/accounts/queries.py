"""Who has an account, and who could have one. Names alone are read: the administrator sees nothing else of a pupil."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from node import leaving, logins
from node.leaving import Left
from node.people.queries import NAME_COLUMNS, NAMED, class_name, full_name, number_of
from shared.i18n import in_order

KINDS = ("staff", "pupil", "guardian")
LEFT = "left"
"""What the list of those is called who have left, whatever they were."""


@dataclass(frozen=True)
class Holder:
    """A person and the account, if there is one. ``place`` is a position's code or a class.

    ``login``: empty, too, where it may tell the name of who may not be named.
    """

    person: int
    name: str
    place: str
    account: int | None
    login: str
    disabled: bool
    waits: bool
    codes: bool

    @property
    def number(self) -> int:
        return number_of(self.person)

    @property
    def state(self) -> str:
        """none, unnamed (no account, and without a consent none may be opened), disabled, waits, open."""
        if self.account is None:
            return "none" if self.name else "unnamed"
        return "disabled" if self.disabled else "waits" if self.waits else "open"


_ACCOUNT = "a.id AS account, a.login, a.disabled, a.must_change, a.totp"
_JOIN = "LEFT JOIN account a ON a.person = p.id AND a.retired_at IS NULL"
_ROLL = 'e.retired_at IS NULL AND e.start <= :day AND (e."end" IS NULL OR e."end" > :day)'
_STAFF = f"""WITH {NAMED} SELECT p.id, s.position AS place, {NAME_COLUMNS}, {_ACCOUNT}
  FROM staff s JOIN person p ON p.id = s.person LEFT JOIN named n ON n.id = p.id {_JOIN}
  WHERE s.retired_at IS NULL AND p.retired_at IS NULL AND (s."end" IS NULL OR s."end" > :today)"""
_PUPILS = f"""WITH {NAMED} SELECT p.id, cg.grade, cg.letter, {NAME_COLUMNS}, {_ACCOUNT}
  FROM enrolment e JOIN person p ON p.id = e.pupil JOIN class_group cg ON cg.id = e.class_group
  LEFT JOIN named n ON n.id = p.id {_JOIN}
  WHERE e.class_group = :class_id AND p.retired_at IS NULL AND {_ROLL}"""
_GUARDIANS = f"""WITH {NAMED} SELECT p.id, cg.grade, cg.letter, {NAME_COLUMNS}, {_ACCOUNT}
  FROM enrolment e JOIN guardian g ON g.pupil = e.pupil JOIN person p ON p.id = g.person
  JOIN class_group cg ON cg.id = e.class_group LEFT JOIN named n ON n.id = p.id {_JOIN}
  WHERE e.class_group = :class_id AND g.retired_at IS NULL AND g.may_read = 1 AND p.retired_at IS NULL AND {_ROLL}"""
_ONE = f"""WITH {NAMED} SELECT p.id, s.position AS place, {NAME_COLUMNS}, {_ACCOUNT}
  FROM account a LEFT JOIN person p ON p.id = a.person LEFT JOIN named n ON n.id = p.id
  LEFT JOIN staff s ON s.person = p.id AND s.retired_at IS NULL WHERE a.id = :account AND a.retired_at IS NULL"""


def holders(db: Database, kind: str, class_id: int, day: int, today: int) -> list[Holder]:
    """Staff, or the pupils of a class on a day, or their guardians, in alphabetical order."""
    sql = {"staff": _STAFF, "pupil": _PUPILS, "guardian": _GUARDIANS}[kind]
    rows = db.query(sql, {"class_id": class_id, "day": day, "today": today})
    found = {(row["id"], row["account"]): _holder(row) for row in rows}
    return in_order(found.values(), lambda one: one.name)


def holder(db: Database, account: int, today: int) -> Holder | None:
    """The one whose account it is."""
    return next(map(_holder, db.query(_ONE, {"account": account, "today": today})), None)


def _holder(row: Mapping[str, Any]) -> Holder:
    place = row["place"] if "place" in row else class_name(row["grade"], row["letter"])
    account, name = row["account"], full_name(row)
    return Holder(
        row["id"] or 0, name, place or "", account,
        "" if account is None else logins.shown(account, row["login"], name), bool(row["disabled"]),
        bool(row["must_change"]), bool(row["totp"]),
    )  # fmt: skip


def renamed(db: Database, today: int) -> list[Holder]:
    """Accounts that let someone in whose login was replaced, while nobody has told the person."""
    rows = db.execute(
        "SELECT id FROM account WHERE renamed_on IS NOT NULL AND retired_at IS NULL AND disabled = 0 ORDER BY id"
    ).fetchall()
    return [one for (account,) in rows if (one := holder(db, account, today)) is not None]


_KIND = """CASE WHEN s.person IS NOT NULL OR EXISTS (SELECT 1 FROM appointment o
    WHERE o.person = a.person AND o.retired_at IS NULL) THEN 'staff' WHEN u.person IS NOT NULL THEN 'pupil'
    ELSE 'guardian' END"""
_OF_KIND = f"""SELECT {_ACCOUNT}, a.person AS id, {NAME_COLUMNS}, {_KIND} AS place
  FROM account a LEFT JOIN named n ON n.id = a.person
  LEFT JOIN staff s ON s.person = a.person AND s.retired_at IS NULL
  LEFT JOIN pupil u ON u.person = a.person AND u.retired_at IS NULL
  WHERE a.retired_at IS NULL AND a.disabled = 0"""


def left(db: Database, today: int) -> list[tuple[Holder, Left]]:
    """The open accounts of those who have left, the last to leave first; the holder's place is the kind."""
    sql = f"WITH {NAMED} {_OF_KIND} AND a.id IN (SELECT value FROM json_each(:accounts))"
    found = {one.account: one for one in leaving.left(db, today)}
    rows = db.query(sql, {"today": today, "accounts": json.dumps([*found])})
    holders = {row["account"]: _holder(row) for row in rows}
    return [(holders[account], one) for account, one in found.items()]


def unapproved(db: Database, today: int) -> list[Holder]:
    """Accounts that let someone in and that the head has not approved yet, the oldest first.

    The head's own is not among them, nor is the one with which the school was set up while it had no head.
    """
    sql = f"""WITH {NAMED} {_OF_KIND} AND a.approved_on IS NULL AND a.person IS NOT NULL
        AND a.password IS NOT NULL AND NOT EXISTS (SELECT 1 FROM appointment d WHERE d.person = a.person
          AND d.duty = 'head' AND d.retired_at IS NULL AND d.start <= :today AND (d."end" IS NULL OR d."end" > :today))
      ORDER BY a.id"""
    return [_holder(row) for row in db.query(sql, {"today": today})]


def account_of(db: Database, person: int) -> int | None:
    """The living account of a person."""
    sql = "SELECT id FROM account WHERE person = ? AND retired_at IS NULL ORDER BY id LIMIT 1"
    found = db.execute(sql, (person,)).fetchone()
    return None if found is None else int(found[0])


def belongs(db: Database, person: int) -> bool:
    """Is the person staff, a pupil, or a guardian who may read?"""
    sql = """SELECT 1 FROM staff WHERE person = :p AND retired_at IS NULL
             UNION SELECT 1 FROM pupil WHERE person = :p AND retired_at IS NULL
             UNION SELECT 1 FROM guardian WHERE person = :p AND retired_at IS NULL AND may_read = 1"""
    return db.execute(sql, {"p": person}).fetchone() is not None


def nobody_of(db: Database, account: int) -> int | None:
    """The row of a person that the setting up of a school made for its first account, as long as it stands for nobody
    on record: no name, no staff, no pupil, no guardian.
    """
    sql = """SELECT p.id FROM account a JOIN person p ON p.id = a.person AND p.retired_at IS NULL
             WHERE a.id = ? AND a.retired_at IS NULL AND p.surname IS NULL AND p.sex IS NULL
               AND NOT EXISTS (SELECT 1 FROM guardian g WHERE g.person = p.id)"""
    row = db.execute(sql, (account,)).fetchone()
    return None if row is None or belongs(db, row[0]) else int(row[0])


def without_account(db: Database, today: int) -> list[Holder]:
    """Named staff of today who have no account."""
    return [one for one in holders(db, "staff", 0, today, today) if one.state == "none"]


def name_of(db: Database, person: int, today: int) -> tuple[str, str]:
    """Surname and given name, as far as they may be shown."""
    sql = f"WITH {NAMED} SELECT {NAME_COLUMNS} FROM named n WHERE n.id = :person"
    row = next(iter(db.query(sql, {"person": person, "today": today})), None)
    return ("", "") if row is None else (row["surname"] or "", row["given_name"] or "")
