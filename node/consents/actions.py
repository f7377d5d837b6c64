"""Recording a written consent and its withdrawal; what a guardian or a pupil of age gives on a page.

The regulation asks for a written consent (clause 6.2), so what is given on a page waits for its paper: it has no force
until someone who holds the signed form in the hand records it. Nothing here knows of HTTP.
"""

from __future__ import annotations

from node import consenting
from node.consenting import LARGEST_SCAN, Signed
from node.consents import queries
from node.consents.erasing import erase_all, erase_kept, erase_purpose
from shared.problems import InvalidValue, NotFound
from sync.writer import Writer

__all__ = ["LARGEST_SCAN", "Signed", "decline", "erase_due", "offer", "record", "withdraw"]


def record(
    w: Writer,
    person: int,
    signed: Signed,
    received_by: int | None,
    account: int | None = None,
    today: int | None = None,
) -> list[int]:
    """Record a signed form, one consent for each purpose ticked on it; returns the rows.

    What its signer gave on a page for these purposes has its paper now. Raises what `node.consenting.record` raises.
    """
    rows = consenting.record(w, person, signed, received_by)
    for one in queries.offers(w.db, person):
        if one.purpose in signed.purposes and one.signer == signed.signer:
            w.update("consent_offer", one.id, state="confirmed", answered_on=today, answered_by=account)
    return rows


def offer(w: Writer, person: int, signed: Signed, account: int) -> list[int]:
    """A guardian for a child, or someone of age for oneself, gives a consent; returns the rows, one for each purpose.

    It waits for its paper. What waited from the same signer for the same purpose is replaced. InvalidValue, NotFound.
    """
    if signed.signer is None:
        raise InvalidValue(table="consent", column="signer", value=None)
    consenting.check(w, person, signed)
    for one in queries.offers(w.db, person):
        if one.purpose in signed.purposes and one.signer == signed.signer:
            w.retire("consent_offer", one.id)
    return [
        w.insert(
            "consent_offer",
            person=person,
            purpose=purpose,
            signer=signed.signer,
            ground=signed.ground or None,
            document=signed.document or None,
            valid_from=signed.start,
            valid_to=signed.until,
            account=account,
            state="open",
        )
        for purpose in signed.purposes
    ]


def decline(w: Writer, person: int, signer: int, account: int, today: int) -> None:
    """What a signer gave on a page is not taken, or taken back by the signer: no paper came. NotFound."""
    waiting = [one for one in queries.offers(w.db, person) if one.signer == signer]
    if not waiting:
        raise NotFound()
    for one in waiting:
        w.update("consent_offer", one.id, state="declined", answered_on=today, answered_by=account)


def withdraw(w: Writer, person: int, consent_id: int, day: int, today: int | None = None) -> str:
    """Withdraw a consent from a day on, with all others for its purpose signed until then; returns the purpose.

    ``day``: when the withdrawal reached the school, today or before. From now on what stood under it is neither shown
    nor used, on every node; what no law obliges to keep is erased at once. NotFound, InvalidValue.
    """
    today = day if today is None else today
    row = queries.consent(w.db, consent_id, person)
    if row is None or row["withdrawn_on"] is not None:
        raise NotFound()
    if day > today or (row["valid_from"] is not None and day < row["valid_from"]):
        raise InvalidValue(table="consent", column="withdrawn_on", value=day)
    purpose = str(row["purpose"])
    for other in queries.standing(w.db, person, purpose, day):
        w.update("consent", other, withdrawn_on=day)
    if queries.standing(w.db, person, purpose):
        return purpose
    if purpose == "core":
        erase_kept(w, person, today)
    else:
        erase_purpose(w, person, purpose)
    return purpose


def erase_due(w: Writer, today: int) -> int:
    """Erase what no law obliges to keep any more, under withdrawn core consents and of people without a role here.

    Returns of how many.
    """
    due, roleless = queries.due(w.db, today), {one.person for one in queries.without_role(w.db, today)}
    for person in due:
        (erase_all if person in roleless else erase_kept)(w, person, today)
    return len(due)
