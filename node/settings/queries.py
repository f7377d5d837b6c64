"""What a setting is today.

Two nodes may each have made a row of the same setting while apart: the living row with the smallest id counts, for
reading and for writing, so that all nodes agree as soon as they have met.
"""

from __future__ import annotations

from sqlite_utils import Database

from node.settings.registry import BY_NAME, SETTINGS
from sync.state import State

_ROWS = "SELECT name, value FROM setting WHERE retired_at IS NULL AND value IS NOT NULL ORDER BY id DESC"


def value(db: Database, name: str) -> int | str:
    """The value of a setting; its default when it is unset or holds what this release does not allow."""
    found = db.conn.execute(
        "SELECT value FROM setting WHERE name = ? AND retired_at IS NULL AND value IS NOT NULL ORDER BY id LIMIT 1",
        (name,),
    ).fetchone()
    return _read(name, None if found is None else found[0])


def number(db: Database, name: str) -> int:
    """The value of a setting that is a whole number, a yes or no, or a choice among numbers."""
    return int(value(db, name))


def school_name(db: Database) -> str:
    """The school's full name for papers; the short one where the school has not written it."""
    return str(value(db, "school_full_name") or State(db).school_name or "Mektep")


def values(db: Database) -> dict[str, int | str]:
    """Every setting's value by its name."""
    stored = dict(db.conn.execute(_ROWS).fetchall())
    return {setting.name: _read(setting.name, stored.get(setting.name)) for setting in SETTINGS}


def row(db: Database, name: str) -> int | None:
    """The row that counts for a setting; None when it was never changed."""
    found = db.conn.execute(
        "SELECT id FROM setting WHERE name = ? AND retired_at IS NULL ORDER BY id LIMIT 1", (name,)
    ).fetchone()
    return None if found is None else int(found[0])


def _read(name: str, stored: str | None) -> int | str:
    setting = BY_NAME[name]
    try:
        return setting.default if stored is None else setting.parse(stored)
    except ValueError:
        return setting.default
