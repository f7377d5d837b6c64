"""Routes of the people area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.certificates import study
from node.families import veil
from node.ofage import born
from node.people import queries, recording
from node.people.blueprint import area
from node.people.queries import PAGE, Person
from node.reading import noting
from node.request import database
from shared.access import Visitor, allow
from shared.problems import NotAllowed, NotFound
from shared.reference import CATEGORIES
from shared.schema import BY_NAME, Column
from shared.web import may_open, today, visitor

__all__ = ["area", "recording"]
KINDS = ("pupil", "staff", "guardian")


@area.get("/")
@allow(*access.STAFF)
def index() -> ResponseReturnValue:
    """Search by name; whom one finds depends on the duty."""
    kinds = _kinds(visitor())
    kind = request.args.get("kind", "")
    if kind not in kinds:
        kind = kinds[0]
    if kind != "pupil" or visitor().has(*access.ALL_NAMES):
        noting.noted_list("staff" if kind == "staff" else f"{kind}s")
    text = request.args.get("q", "")[:80].strip()
    people, similar = queries.searched(_people(kind), text)
    last_page = max(1, -(-len(people) // PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), last_page)
    return render_template(
        "people/index.html",
        kinds=kinds,
        kind=kind,
        text=text,
        people=queries.page_of(people, page),
        all=len(people),
        similar=similar,
        page=page,
        last_page=last_page,
        first=(page - 1) * PAGE + 1,
        with_card=_with_card(kind),
        address=lambda **more: url_for("people.index", **{"kind": kind, "q": text or None} | more),
    )


def _kinds(visitor: Visitor) -> tuple[str, ...]:
    """The kinds of people a visitor may look through."""
    pupils = visitor.has(*access.LISTS)
    guardians = visitor.has(*access.ALL_CARDS)
    return tuple(k for k, may in zip(KINDS, (pupils, True, guardians), strict=True) if may)


def _people(kind: str) -> list[Person]:
    db, day = database(), today()
    if kind == "pupil":
        return queries.pupils(db, day, access.readable_names(db, visitor()))
    return queries.staff(db, day) if kind == "staff" else queries.guardians(db, day)


def _with_card(kind: str) -> frozenset[int] | None:
    """Of the pupils, those whose card opens to the visitor; None for all."""
    return access.readable_cards(database(), visitor()) if kind == "pupil" else None


@area.get("/passport")
@allow(*access.SOCIAL)
def passport() -> ResponseReturnValue:
    """The social passport: how many pupils are in each category, and who is in the one asked for."""
    found = queries.passport(database(), today())
    category = request.args.get("category", "")
    if category in found:
        noting.noted("read", "social passport")
    codes = [*(code for code in CATEGORIES if code in found), *sorted(found.keys() - set(CATEGORIES))]
    return render_template(
        "people/passport.html",
        groups=[(code, found[code]) for code in codes],
        distinct=len({one.id for people in found.values() for one in people}),
        category=category if category in found else "",
        chosen=found.get(category, []),
    )


@area.get("/<int:person_id>")
@allow.signed_in
def card(person_id: int) -> ResponseReturnValue:
    """What is held about one person, and the consents it rests on. Reading of others' cards is logged."""
    db, day = database(), today()
    person = queries.person(db, person_id, day)
    if person is None:
        raise NotFound()
    pupil, member = queries.pupil(db, person_id), queries.staff_member(db, person_id)
    enrolments = queries.enrolments(db, person_id) if pupil else []
    whole = _reads_whole(person_id, pupil, member)
    behind = veil(db, visitor(), person_id)
    if whole:
        noting.noted("read", "card", person_id)
    return render_template(
        "people/card.html",
        person=person,
        name=queries.full_name(person),
        number=queries.number_of(person_id),
        pupil=pupil,
        member=member,
        whole=whole,
        person_columns=_columns("person", "photo", "surname", "given_name", "patronymic"),
        pupil_columns=_columns("pupil", "person", "moved_from", "categories"),
        categories=_categories(person_id) if pupil else (),
        keeps_social=pupil is not None and access.may_all(visitor(), "social", "E"),
        staff_columns=_columns("staff", "person"),
        conduct=queries.conduct_of(db, person_id) if whole and pupil else [],
        conduct_names=queries.CONDUCT,
        consents=[(c, queries.consent_state(c, day)) for c in queries.consents(db, person_id)]
        if whole
        else [],
        guardians=queries.guardians_of(db, person_id, day) if whole and pupil else [],
        veil=behind,
        enrolments=enrolments,
        movements=queries.movements(db, person_id) if whole and pupil else [],
        duties=queries.duties(db, person_id, day),
        taught=queries.taught(db, person_id) if member else [],
        asks=_asks(person, pupil is not None) if whole else "",
        has_photo=whole and queries.photo(db, person_id, day) is not None,
        photo_allowed=queries.has_valid(db, person_id, "photo", day),
        keeps_card=access.reaches_person(db, visitor(), "card", "E", person_id)
        and not queries.is_only_staff(db, person_id),
        keeps_staff=member is not None and access.may_all(visitor(), "staff_file", "E"),
        still_open=next(iter(queries.still_open(db, day, person_id)), None)
        if member is not None
        and (access.may_all(visitor(), "staff_file", "E") or may_open("accounts.disable"))
        else None,
        studies=pupil is not None and study.may_have(person, enrolments, day),
        sees_consents=access.may(visitor(), "consent", "V")
        and access.reaches_person(db, visitor(), "consent", "V", person_id),
        class_name=queries.class_name,
        full_name=queries.full_name,
    )


def _categories(person_id: int) -> tuple[str, ...]:
    """The social categories that the visitor reads: all, of the own child all, of the own class a part."""
    db, who = database(), visitor()
    if not access.reaches_pupil(db, who, "social", "V", person_id):
        return ()
    found = queries.categories(db, person_id, today())
    if access.may_all(who, "social", "V") or person_id in access.own_children(db, who):
        return found
    return tuple(code for code in found if code in queries.CLASS_PART)


def _columns(table: str, *left_out: str) -> list[Column]:
    return [c for c in BY_NAME[table].columns if c.name not in ("retired_at", *left_out)]


def _reads_whole(person_id: int, pupil: Mapping[str, Any] | None, member: Mapping[str, Any] | None) -> bool:
    """Does the visitor read the whole card (True) or the name alone (False)? NotAllowed for neither."""
    db, who = database(), visitor()
    if person_id == who.person:
        return True
    if member is not None and who.has(*access.STAFF):
        return who.has(*access.STAFF_FILES)
    if pupil is not None:
        return _among(person_id, access.readable_cards(db, who), access.readable_names(db, who))
    if who.has(*access.ALL_CARDS):
        return True
    if access.reaches_guardian(db, who, "card", "V", person_id):
        return True
    raise NotAllowed()


def _among(person_id: int, cards: frozenset[int] | None, names: frozenset[int] | None) -> bool:
    if cards is None or person_id in cards:
        return True
    if names is None or person_id in names:
        return False
    raise NotAllowed()


def _asks(person: Mapping[str, Any], is_pupil: bool) -> str:
    """What is to be asked for on the card: the core consent anew at 18, or at all; empty when it holds."""
    if person["may_be_named"] is not None:
        return ""
    return "adult" if is_pupil and born(database(), person["id"]).is_adult(today()) else "core"
