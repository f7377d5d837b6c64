"""Who is signed in at the hub: a session store (`shared.web.SessionStore`) over the hub's database."""

from __future__ import annotations

import sqlalchemy as sa

from hub import tables
from hub.storage import Hub
from sync.clock import now_ms

IDLE_MS = 4 * 3_600_000
"""A session that nobody used for so long is over."""
LONGEST_MS = 14 * 3_600_000
NOTED_EVERY_MS = 300_000
"""The last use of a session is written down at most this often."""


class Sessions:
    """The hub's sessions."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def start(self, token: bytes, account: int) -> None:
        now, s = now_ms(), tables.session.c
        over = sa.or_(s.used < now - IDLE_MS, s.started < now - LONGEST_MS)
        with self._hub.write() as connection:
            connection.execute(tables.session.delete().where(over))
            connection.execute(
                tables.session.insert().values(token=token, account=account, started=now, used=now)
            )

    def find(self, token: bytes) -> int | None:
        now, s = now_ms(), tables.session.c
        with self._hub.read() as connection:
            row = connection.execute(
                sa.select(s.account, s.used).where(
                    s.token == token, s.used >= now - IDLE_MS, s.started >= now - LONGEST_MS
                )
            ).first()
        if row is None:
            return None
        if now - row.used > NOTED_EVERY_MS:
            with self._hub.write() as connection:
                connection.execute(tables.session.update().where(s.token == token).values(used=now))
        return int(row.account)

    def end(self, token: bytes) -> None:
        with self._hub.write() as connection:
            connection.execute(tables.session.delete().where(tables.session.c.token == token))

    def end_others(self, token: bytes, account: int) -> None:
        s = tables.session.c
        with self._hub.write() as connection:
            connection.execute(tables.session.delete().where(s.account == account, s.token != token))
