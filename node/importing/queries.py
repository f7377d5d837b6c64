"""Reading who imported, and the day as of which a template is filled."""

from __future__ import annotations

from sqlite_utils import Database

from node.people.queries import NAME_COLUMNS, NAMED, full_name


def author(db: Database, account: int, today: int) -> str:
    """The name behind an account, or its login."""
    sql = f"""WITH {NAMED} SELECT a.login, {NAME_COLUMNS} FROM account a LEFT JOIN named n ON n.id = a.person
      WHERE a.id = :account"""
    row = next(iter(db.query(sql, {"today": today, "account": account})), None)
    return "" if row is None else full_name(row) or row["login"] or ""


def as_of(db: Database, today: int) -> int:
    """Today, or the last day of the latest school year that has classes, where the new one has none yet."""
    row = db.execute(
        """SELECT max(y."end") FROM academic_year y WHERE y.start <= ? AND EXISTS
           (SELECT 1 FROM class_group g WHERE g.year = y.id AND g.retired_at IS NULL)""",
        (today,),
    ).fetchone()
    return min(today, row[0]) if row[0] is not None else today
