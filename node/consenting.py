"""A written consent is recorded by one rule, by whichever form it comes: of consents, an admission, a new person.

Nothing here knows of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlite_utils import Database

from node.ofage import Born, born
from shared.problems import InvalidValue, NotFound, SignerRefused, TooLarge
from shared.schema import CONSENT_PURPOSES, MAX_BYTES, SEX
from sync.writer import Writer

PDF, JPEG, PNG = b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
KINDS = {PDF: "application/pdf", JPEG: "image/jpeg", PNG: "image/png"}
"""First bytes of a file -> the type as which it is served."""
PARTS = 10
LARGEST_SCAN = PARTS * MAX_BYTES
"""Bytes of a scan: two pages in grey at 150 dots an inch."""


@dataclass(frozen=True)
class Signed:
    """A signed form. Days since 1970; ``until`` is the first day without the consent, None for no end.

    ``signer`` is the person or one of the guardians; None when someone signed for a child who is not on record, which
    ``ground`` tells, or when nobody is told and nobody but the person may sign.
    """

    purposes: tuple[str, ...]
    start: int
    until: int | None = None
    signer: int | None = None
    ground: str = ""
    document: str = ""
    language: str = ""
    scan: bytes = b""


@dataclass(frozen=True)
class Newcomer:
    """A person who is not on record yet; names and contacts come with a consent that the person signed alone."""

    sex: str
    surname: str = ""
    given_name: str = ""
    patronymic: str = ""
    phone: str = ""
    birth_year: int | None = None
    consent: Signed | None = None


def kind_of(data: bytes) -> str:
    """The type of a file by its first bytes; empty for any but PDF, JPEG and PNG."""
    return next((kind for start, kind in KINDS.items() if data.startswith(start)), "")


def record(
    w: Writer, person: int, signed: Signed, received_by: int | None, birth: Born | None = None
) -> list[int]:
    """Record a signed form, one consent for each purpose ticked on it; returns the rows.

    ``birth``: of a person whose date of birth is written down under this very form. InvalidValue: no purpose, an end
    before the start, a scan of another type; SignerRefused: who may not sign. TooLarge, NotFound.
    """
    signed = check(w, person, signed, birth)
    return [_write(w, person, purpose, signed, received_by) for purpose in signed.purposes]


def check(w: Writer, person: int, signed: Signed, birth: Born | None = None) -> Signed:
    """The form as `record` takes it, with its signer; raises what it raises."""
    found = w.db.execute("SELECT 1 FROM person WHERE id = ? AND retired_at IS NULL", (person,)).fetchone()
    if found is None:
        raise NotFound()
    if not signed.purposes or not set(signed.purposes) <= set(CONSENT_PURPOSES):
        raise InvalidValue(table="consent", column="purpose", value=None)
    if signed.until is not None and signed.until <= signed.start:
        raise InvalidValue(table="consent", column="valid_to", value=signed.until)
    signed = _with_signer(w.db, person, signed, birth)
    if signed.scan and not kind_of(signed.scan):
        raise InvalidValue(table="consent", column="scan", value=None)
    if len(signed.scan) > LARGEST_SCAN:
        raise TooLarge()
    return signed


def is_news(db: Database, person: int, purpose: str, day: int) -> bool:
    """Does a form signed on that day tell more than what is on record?

    It does when it was signed after every other for the purpose, and after the last withdrawal.
    """
    last = db.execute(
        """SELECT max(max(ifnull(valid_from, 0), ifnull(withdrawn_on, 0))) FROM consent
           WHERE person = ? AND purpose = ? AND retired_at IS NULL""",
        (person, purpose),
    ).fetchone()[0]
    return last is None or day > last


def add_person(w: Writer, who: Newcomer, received_by: int | None) -> int:
    """A new person with the own consent in one act; returns its row. InvalidValue, TooLarge, ConsentMissing."""
    if who.sex not in SEX:
        raise InvalidValue(table="person", column="sex", value=who.sex)
    person = w.insert("person", sex=who.sex, birth_year=who.birth_year)
    if who.consent is not None:
        record(w, person, replace(who.consent, signer=person), received_by)
    names = {name: getattr(who, name) for name in ("surname", "given_name", "patronymic", "phone")}
    given = {name: value for name, value in names.items() if value}
    if given:
        w.update("person", person, **given)
    return person


def add_guardian(w: Writer, pupil: int, person: int, relation: str, may_read: bool) -> None:
    """The person is a parent or legal representative of the pupil. InvalidValue."""
    if not relation or person == pupil:
        raise InvalidValue(table="guardian", column="relation", value=relation)
    w.put("guardian", pupil=pupil, person=person, relation=relation, may_read=int(may_read))


def signers(db: Database, person: int, day: int, birth: Born | None = None) -> set[int]:
    """Who may sign for a person on a day, or take the signature back: guardians for a child, an adult for oneself.

    ``birth``: where more is known of it than is on record.
    """
    birth = birth or born(db, person)
    alone = signs_alone(db, person, day, birth)
    found = {person} if alone or birth.may_be_adult(day) else set()
    if not alone:
        rows = db.execute("SELECT person FROM guardian WHERE pupil = ? AND retired_at IS NULL", (person,))
        found |= {guardian for (guardian,) in rows.fetchall()}
    return found


def signs_alone(db: Database, person: int, day: int, birth: Born | None = None) -> bool:
    """Does nobody but the person sign on a day, on record or not?"""
    is_pupil = db.execute("SELECT 1 FROM pupil WHERE person = ? AND retired_at IS NULL", (person,)).fetchone()
    return is_pupil is None or (birth or born(db, person)).is_adult(day)


def _with_signer(db: Database, person: int, signed: Signed, birth: Born | None) -> Signed:
    """SignerRefused: someone who may not sign on that day, or a ground by which someone else signed for an adult."""
    if signed.signer is None and signs_alone(db, person, signed.start, birth):
        if signed.ground:
            raise SignerRefused()
        return replace(signed, signer=person)
    if signed.signer is not None and signed.signer not in signers(db, person, signed.start, birth):
        raise SignerRefused()
    return signed


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
