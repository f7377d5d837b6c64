"""Asking for a correction, and answering it. Nothing here knows of HTTP."""

from __future__ import annotations

from shared.problems import InvalidValue, NotFound
from sync.writer import Writer


def ask(w: Writer, person: int, account: int, text: str, today: int) -> int:
    """Write a request to correct what is held about a person; returns its row.

    InvalidValue, ConsentMissing, NotFound.
    """
    found = w.db.execute("SELECT 1 FROM person WHERE id = ? AND retired_at IS NULL", (person,)).fetchone()
    if found is None:
        raise NotFound()
    if not text.strip():
        raise InvalidValue(table="correction", column="text", value="")
    return w.insert(
        "correction", person=person, account=account, asked_on=today, text=text.strip(), state="open"
    )


def answer(w: Writer, request: int, person: int, account: int, state: str, text: str, today: int) -> None:
    """Answer an open request: corrected, or refused with a reason. NotFound, InvalidValue, ConsentMissing."""
    found = w.db.execute(
        "SELECT 1 FROM correction WHERE id = ? AND person = ? AND state = 'open' AND retired_at IS NULL",
        (request, person),
    ).fetchone()
    if found is None:
        raise NotFound()
    if state not in ("done", "refused"):
        raise InvalidValue(table="correction", column="state", value=state)
    if state == "refused" and not text.strip():
        raise InvalidValue(table="correction", column="answer", value="")
    w.update(
        "correction",
        request,
        state=state,
        answered_on=today,
        answered_by=account,
        answer=text.strip() or None,
    )
