"""Opening, resetting and disabling accounts; the first head of a school.

A first password is made here, shown once on a printed slip, kept as a hash only, and changed at the first sign-in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from node import keyholders, logins, merging
from node.accounts import queries
from node.naming import called
from node.orders import queries as orders
from shared import crypto
from shared.problems import (
    AccountExists,
    ConsentMissing,
    HeadExists,
    InvalidValue,
    NotFound,
)
from sync.writer import Writer

FIRST_COST = crypto.Cost(2**14)
"""A random password needs less slowness than a chosen one, and a whole class is opened at once."""
_FIRST_BYTES = 6


@dataclass(frozen=True)
class Slip:
    """What is printed for one person, once. ``place`` is a class, if there is one; without ``password`` it stays."""

    account: int
    name: str
    place: str
    login: str
    password: str


@dataclass(frozen=True)
class FirstHead:
    """The first head and the order (of the education office) that appointed; days are day numbers."""

    surname: str
    given_name: str
    patronymic: str
    sex: str
    consent_document: str
    number: str
    date: int
    title: str
    basis: str = ""


def first_password() -> str:
    """Three words of five letters, 48 bits, with no letters that look alike."""
    return crypto.proquints(crypto.random_bytes(_FIRST_BYTES)).replace(" ", "-")


def passwords(count: int, cost: crypto.Cost = FIRST_COST) -> list[tuple[str, str]]:
    """So many first passwords with their hashes; slow, so made before a write begins."""
    made = [first_password() for _ in range(count)]
    return [(password, crypto.hash_password(password, cost)) for password in made]


def open_accounts(
    w: Writer, people: Sequence[tuple[int, str]], made: Sequence[tuple[str, str]], language: str, today: int
) -> list[Slip]:
    """Open an account for each of these (person, place); all or none. AccountExists, ConsentMissing, InvalidValue."""
    taken = logins.taken(w.db)
    slips = []
    for (person, place), (password, stored) in zip(people, made, strict=True):
        if not queries.belongs(w.db, person):
            raise InvalidValue(table="account", column="person", value=person)
        if queries.account_of(w.db, person) is not None:
            raise AccountExists()
        surname, given = queries.name_of(w.db, person, today)
        if not surname and not given:
            raise ConsentMissing(purpose="core", column="surname")
        login = logins.of_name(surname, given, taken)
        taken.add(login)
        account = w.insert(
            "account", person=person, login=login, password=stored, language=language, must_change=1
        )
        slips.append(Slip(account, f"{surname} {given}".strip(), place, login, password))
    return slips


def approve(w: Writer, accounts: Collection[int], account: int, today: int) -> int:
    """The head approves accounts that the administrator opened; returns how many. NotFound.

    They are open before: an account alone gives nothing, for rights come from duties by signed order, or from being a
    pupil or a guardian on record.
    """
    for one in accounts:
        _require(w.db, one)
        w.update("account", one, approved_on=today, approved_by=account)
    return len(accounts)


def refuse(w: Writer, accounts: Collection[int]) -> int:
    """The head does not approve: these let nobody in any more. LastAdministrator, LastHead, NotFound."""
    for one in accounts:
        disable(w, one)
    return len(accounts)


def tie(w: Writer, account: int, person: int, today: int) -> None:
    """The account with which the school was set up is told which member of staff it is; the duty goes with it.

    The head approves it then, as every account of staff. NotFound; InvalidValue: somebody's already, or the person
    is no staff or has no name; AccountExists.
    """
    _require(w.db, account)
    nobody = queries.nobody_of(w.db, account)
    if nobody is None or person not in {one.person for one in queries.without_account(w.db, today)}:
        if queries.account_of(w.db, person) not in (None, account):
            raise AccountExists()
        raise InvalidValue(table="account", column="person", value=person)
    merging.merge(w, person, nobody)
    w.update("account", account, approved_on=None, approved_by=None)


def reset(w: Writer, account: int, stored: str, today: int) -> str:
    """Give an account a new first password; whoever is signed in with it is signed out everywhere.

    Returns its login. That of who may not be named, made of the name, gives way to the account's number; the one with
    which a school was set up is made of none. NotFound.
    """
    holder = queries.holder(w.db, account, today)
    if holder is None:
        raise NotFound()
    if not holder.login and queries.nobody_of(w.db, account) is None:
        logins.drop(w, account)
    w.update("account", account, password=stored, must_change=1, signed_out_at=w.now, renamed_on=None)
    return logins.of_account(w.db, account)


def hand_out(w: Writer, today: int) -> list[Slip]:
    """Slips for all whose login was replaced and who have not been told; the password stays."""
    slips = []
    for one in queries.renamed(w.db, today):
        assert one.account is not None
        w.update("account", one.account, renamed_on=None)
        slips.append(Slip(one.account, called(one.name, one.person, one.account), "", one.login, ""))
    return slips


def forget_codes(w: Writer, account: int) -> None:
    """Ask for no one-time code any more, as after a lost phone. NotFound."""
    _require(w.db, account)
    w.update("account", account, totp=None, recovery=None)


def disable(w: Writer, account: int) -> None:
    """Let nobody in with the account any more. LastAdministrator, LastHead, NotFound."""
    _require(w.db, account)
    with keyholders.kept(w):
        w.update("account", account, disabled=1, signed_out_at=w.now)


def enable(w: Writer, account: int) -> None:
    """Let the account in again. NotFound."""
    _require(w.db, account)
    w.update("account", account, disabled=0)


def sign_out_everywhere(w: Writer, account: int) -> None:
    """End every session of an account, on this node now and on the others when they hear of it. NotFound."""
    _require(w.db, account)
    w.update("account", account, signed_out_at=w.now)


def appoint_first_head(w: Writer, head: FirstHead, made: tuple[str, str], language: str, today: int) -> Slip:
    """Enter the head of a school that has none: person with consent, order, duty, account. HeadExists, InvalidValue."""
    if orders.has_head(w.db, today):
        raise HeadExists()
    person = w.insert("person", sex=head.sex)
    w.insert(
        "consent",
        person=person,
        purpose="core",
        valid_from=today,
        signer=person,
        document=head.consent_document,
    )
    w.update(
        "person", person, surname=head.surname, given_name=head.given_name, patronymic=head.patronymic or None
    )
    w.put("staff", person=person, position="head", start=head.date)
    order = w.insert(
        "order_book",
        series="staff",
        number=head.number,
        date=head.date,
        title=head.title,
        basis=head.basis,
        executor=person,
        signed_on=today,
        regulation=1,
    )
    w.insert("appointment", person=person, duty="head", start=min(head.date, today), order=order)
    return open_accounts(w, [(person, "")], [made], language, today)[0]


def _require(db: Database, account: int) -> None:
    sql = "SELECT 1 FROM account WHERE id = ? AND retired_at IS NULL"
    if db.execute(sql, (account,)).fetchone() is None:
        raise NotFound()
