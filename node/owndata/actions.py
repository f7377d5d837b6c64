"""Asking for a correction, and answering it. Nothing here knows of HTTP."""

from __future__ import annotations

from shared.problems import InvalidValue, NotFound
from sync.writer import Writer, has_consent


def ask(w: Writer, person: int, account: int, text: str, today: int) -> int:
    """Write a request to correct what is held about a person; returns its row.

    Without a valid core consent no text is kept: the request stands, and the person comes to say what is wrong.
    InvalidValue, NotFound.
    """
    found = w.db.execute("SELECT 1 FROM person WHERE id = ? AND retired_at IS NULL", (person,)).fetchone()
    if found is None:
        raise NotFound()
    kept = has_consent(w.db, person, "core", today)
    if kept and not text.strip():
        raise InvalidValue(table="correction", column="text", value="")
    return w.insert(
        "correction",
        person=person,
        account=account,
        asked_on=today,
        text=text.strip() if kept else None,
        state="open",
    )


def answer(w: Writer, request: int, person: int, account: int, state: str, text: str, today: int) -> None:
    """Answer an open request: corrected, or refused with a reason. NotFound, InvalidValue.

    Without a valid core consent of the person no text is kept: the answer is given in words.
    """
    found = w.db.execute(
        "SELECT 1 FROM correction WHERE id = ? AND person = ? AND state = 'open' AND retired_at IS NULL",
        (request, person),
    ).fetchone()
    if found is None:
        raise NotFound()
    if state not in ("done", "refused"):
        raise InvalidValue(table="correction", column="state", value=state)
    kept = has_consent(w.db, person, "core", today)
    if kept and state == "refused" and not text.strip():
        raise InvalidValue(table="correction", column="answer", value="")
    w.update(
        "correction",
        request,
        state=state,
        answered_on=today,
        answered_by=account,
        answer=(text.strip() or None) if kept else None,
    )
