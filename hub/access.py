"""Who may do what at the district: an officer reads, an administrator also keeps schools, nodes and accounts.

Neither meets a pupil's name: the hub has none.
"""

from __future__ import annotations

import sqlalchemy as sa

from hub import tables
from hub.storage import Hub
from shared.access import Visitor
from shared.i18n import N_

ADMINISTRATOR, OFFICER = "administrator", "officer"
ROLE_NAMES = {ADMINISTRATOR: N_("Administrator"), OFFICER: N_("Officer")}
ROLES = frozenset(ROLE_NAMES)


def identify(hub: Hub, account: int) -> Visitor | None:
    """The visitor an account is today; None when there is no such account or it is shut."""
    a = tables.hub_account.c
    with hub.read() as connection:
        row = connection.execute(
            sa.select(a.name, a.duty, a.language, a.must_change).where(a.id == account, a.disabled == 0)
        ).first()
    if row is None:
        return None
    return Visitor(
        account,
        row.name,
        frozenset({row.duty}) & ROLES,
        language=row.language,
        must_change=bool(row.must_change),
    )


def remember_language(hub: Hub, visitor: Visitor, language: str) -> None:
    """Keep the language that a person chose with the account."""
    a = tables.hub_account
    with hub.write() as connection:
        connection.execute(a.update().where(a.c.id == visitor.account).values(language=language))
