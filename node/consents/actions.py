"""Recording a written consent and its withdrawal. Nothing here knows of HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from node.consents import queries
from node.people.queries import birth_date_held, is_adult
from shared.problems import InvalidValue, NotFound, TooLarge
from shared.schema import CONSENT_PURPOSES, MAX_BYTES
from sync.erasure import erase
from sync.writer import Writer

PARTS = 10
LARGEST_SCAN = PARTS * MAX_BYTES
"""Bytes of a scan: two pages in grey at 150 dots an inch."""


@dataclass(frozen=True)
class Signed:
    """A signed form. Days since 1970; ``until`` is the first day without the consent, None for no end.

    ``signer`` is the person or one of the guardians; None when someone signed who is not on record (see ``ground``).
    """

    purposes: tuple[str, ...]
    start: int
    until: int | None = None
    signer: int | None = None
    ground: str = ""
    document: str = ""
    language: str = ""
    scan: bytes = b""


def record(w: Writer, person: int, signed: Signed, received_by: int | None) -> list[int]:
    """Record a signed form, one consent for each purpose ticked on it; returns the rows.

    InvalidValue: no purpose, an end before the start, a signer who may not sign, a scan of another type. TooLarge,
    NotFound.
    """
    found = w.db.execute("SELECT 1 FROM person WHERE id = ? AND retired_at IS NULL", (person,)).fetchone()
    if found is None:
        raise NotFound()
    if not signed.purposes or not set(signed.purposes) <= set(CONSENT_PURPOSES):
        raise InvalidValue(table="consent", column="purpose", value=None)
    if signed.until is not None and signed.until <= signed.start:
        raise InvalidValue(table="consent", column="valid_to", value=signed.until)
    _check_signer(w, person, signed)
    if signed.scan and not queries.kind_of(signed.scan):
        raise InvalidValue(table="consent", column="scan", value=None)
    if len(signed.scan) > LARGEST_SCAN:
        raise TooLarge()
    return [_write(w, person, purpose, signed, received_by) for purpose in signed.purposes]


def _check_signer(w: Writer, person: int, signed: Signed) -> None:
    """A guardian signs for a child, an adult for oneself."""
    adult = is_adult(birth_date_held(w.db, person), signed.start)
    guardians = {row[0] for row in queries.signers(w.db, person, signed.start)} - {person}
    is_pupil = w.db.execute(
        "SELECT 1 FROM pupil WHERE person = ? AND retired_at IS NULL", (person,)
    ).fetchone()
    allowed = {person} if adult or not is_pupil else guardians | {None}
    if adult or not is_pupil:
        allowed |= {None}
    if signed.signer not in allowed:
        raise InvalidValue(table="consent", column="signer", value=signed.signer)


def _write(w: Writer, person: int, purpose: str, signed: Signed, received_by: int | None) -> int:
    small = len(signed.scan) <= MAX_BYTES
    row = w.insert(
        "consent",
        person=person,
        purpose=purpose,
        valid_from=signed.start,
        valid_to=signed.until,
        signer=signed.signer,
        ground=signed.ground or None,
        document=signed.document or None,
        language=signed.language or None,
        received_by=received_by,
        scan=signed.scan if signed.scan and small else None,
    )
    if not small:
        for part, at in enumerate(range(0, len(signed.scan), MAX_BYTES)):
            w.put("consent_scan", consent=row, part=part, data=signed.scan[at : at + MAX_BYTES])
    return row


def withdraw(w: Writer, person: int, consent_id: int, day: int) -> str:
    """Withdraw a consent from a day on, together with all others for its purpose; returns the purpose.

    From then on what stood under it is neither shown nor used, on every node; what no law obliges to keep is erased at
    once. NotFound, InvalidValue.
    """
    row = queries.consent(w.db, consent_id, person)
    if row is None or row["withdrawn_on"] is not None:
        raise NotFound()
    if row["valid_from"] is not None and day < row["valid_from"]:
        raise InvalidValue(table="consent", column="withdrawn_on", value=day)
    sql = "SELECT id FROM consent WHERE person = ? AND purpose = ? AND withdrawn_on IS NULL AND retired_at IS NULL"
    for (other,) in w.db.execute(sql, (person, row["purpose"])).fetchall():
        w.update("consent", other, withdrawn_on=day)
    kept = queries.kept_until(w.db, person) if row["purpose"] == "core" else day
    if kept is not None and kept <= day:
        erase(w, person, {row["purpose"]})
    return str(row["purpose"])


def erase_due(w: Writer, today: int) -> int:
    """Erase what stands under withdrawn core consents and no law obliges to keep any more; returns of how many."""
    due = queries.due(w.db, today)
    for person in due:
        erase(w, person, {"core"})
    return len(due)
