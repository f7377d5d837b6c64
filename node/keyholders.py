"""The school is never left without an administrator, nor without anybody who may give duties.

Orders give duties and the head signs them; where there is no head, the administrator enters one; accounts are opened by
the administrator. So whatever ends a duty, shuts an account or gives either to someone else is done inside `kept`.
Two machines that have not met may each end what the other leaves: a sync takes in both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlite_utils import Database

from shared.dates import FOREVER, day_at
from shared.problems import LastAdministrator, LastHead
from sync.writer import Writer

KEYS = ("administrator", "head")
"""The duties without which nobody opens an account or gives a duty."""
OPENS = """EXISTS (SELECT 1 FROM account a WHERE a.person = d.person AND a.retired_at IS NULL AND a.disabled = 0
  AND a.password IS NOT NULL)"""
"""SQL: has the person of appointment ``d`` an account that lets in?"""


@contextlib.contextmanager
def kept(w: Writer) -> Iterator[None]:
    """What is written inside leaves the school its administrator, and someone who may give duties, from today on.

    A school that had none before may stay as it is. LastAdministrator, LastHead, told when all is written: the
    transaction has to go then.
    """
    before = [held_until(w.db, duty, day_at(w.now)) for duty in KEYS]
    yield
    administrator, head = [held_until(w.db, duty, day_at(w.now)) for duty in KEYS]
    if administrator < before[0]:
        raise LastAdministrator()
    if head < before[1] and administrator <= head:
        raise LastHead()


def held_until(db: Database, duty: str, today: int) -> int:
    """The first day from today on when nobody holds a duty who can sign in; `FOREVER` when there is none."""
    spans = db.execute(
        f"""SELECT start, ifnull("end", {FOREVER}) AS until FROM appointment d
            WHERE duty = ? AND retired_at IS NULL AND until > ? AND {OPENS} ORDER BY start""",
        (duty, today),
    ).fetchall()
    day = today
    for start, until in spans:
        if start > day:
            break
        day = max(day, until)
    return day
