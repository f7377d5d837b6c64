"""The consents of a list: each is recorded as a form signed on paper, and none that is on record is changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from node.consenting import Signed, is_news, record, signs_alone
from node.importing.finding import Row
from node.importing.values import Unreadable
from node.ofage import Born
from shared.dates import date_of
from shared.problems import N_
from shared.schema import BY_NAME
from sync.writer import Writer

LISTED = N_("List {file}, line {line}")
"""The ground of a consent of which the list itself tells none."""
OLDER = N_("A later consent, or a withdrawal, is on record than of {day}; nothing is added.")
STAYS = N_(
    "The consent of {day} is on record and stays as it is; its page tells who signed and on what ground."
)
TO_COME = N_("Write the day it was signed; not one to come.")
OWN = "own"
"""Instead of a relation: the pupil, of age, signed for oneself."""
_GROUND = BY_NAME["consent"].by_name["ground"].max_length or 0
_PAPER = ("signer", "ground", "document")


@dataclass(frozen=True)
class Paper:
    """What stands on a form beside what its row says; ``who`` is the word for a signer who is not on record."""

    ground: str
    who: str = ""
    received_by: int | None = None


def receiver(db: Database, account: int) -> int | None:
    """The person of an account, who takes the signed forms that it enters."""
    row = db.execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone()
    return None if row is None else row[0]


def signer_of(db: Database, pupil: int, relation: str) -> int | None:
    """The guardian of that relation, or the pupil (`OWN`); None where nobody or more than one is on record."""
    if relation == OWN:
        return pupil
    rows = db.execute(
        "SELECT person FROM guardian WHERE pupil = ? AND relation = ? AND retired_at IS NULL",
        (pupil, relation),
    ).fetchall()
    return int(rows[0][0]) if len(rows) == 1 else None


def adds(db: Database, values: Row, today: int) -> bool:
    """Does a line tell of a later consent than those on record? Unreadable: it tells of a day to come."""
    person, purpose, day = (values.get(name) for name in ("person", "purpose", "valid_from"))
    if not (isinstance(person, int) and isinstance(purpose, str) and isinstance(day, int)):
        return False
    if not is_news(db, person, purpose, day):
        return False
    if day > today:
        raise Unreadable(TO_COME)
    return True


def doubt(db: Database, values: Row) -> str:
    """What to ask about a line that adds nothing: it says otherwise than what is on record; empty when it does not."""
    if values.get("valid_from") is None:
        return ""
    same = list(
        db.query(
            """SELECT * FROM consent WHERE person = :person AND purpose = :purpose AND valid_from = :valid_from
               AND retired_at IS NULL""",
            {name: values.get(name) for name in ("person", "purpose", "valid_from")},
        )
    )
    if not same:
        return OLDER
    told = {name: values[name] for name in _PAPER if values.get(name) is not None}
    # Before a ground stands who signed, where that one is not on record.
    agrees = any(
        all(str(one[name] or "").endswith(str(value)) for name, value in told.items()) for one in same
    )
    return "" if agrees or (set(told) <= {"signer"} and told.get("signer") == values["person"]) else STAYS


def sign(w: Writer, values: Row, paper: Paper, birth: int | None = None) -> int:
    """Record what a line tells of a signed form; returns the row. InvalidValue: who signed may not.

    ``birth``: the date that the line tells. Where a line tells nobody, an adult has signed.
    """
    person, start, until, signer = (
        values.get(name) for name in ("person", "valid_from", "valid_to", "signer")
    )
    assert isinstance(person, int) and isinstance(start, int)
    born = None if birth is None else Born(birth, date_of(birth).year)
    if signer is None and not (paper.who or values.get("ground")) and signs_alone(w.db, person, start, born):
        signer = person
    ground = str(values.get("ground") or paper.ground)
    signed = Signed(
        (str(values["purpose"]),),
        start,
        until if isinstance(until, int) else None,
        signer if isinstance(signer, int) else None,
        f"{paper.who}: {ground}"[:_GROUND] if paper.who else ground[:_GROUND],
        str(values.get("document") or ""),
        str(values.get("language") or ""),
    )
    (row,) = record(w, person, signed, paper.received_by, born)
    return row
