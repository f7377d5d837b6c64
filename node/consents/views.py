"""Routes of consents: coverage and whom to ask, a person's consents, the printed forms, the scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access, consentform, purposes
from node.access import may_all, reaches_person, right
from node.consenting import signers
from node.consents import actions, queries
from node.consents.actions import LARGEST_SCAN
from node.families import veil
from node.fields import whole
from node.ofage import born
from node.papers import language_asked, letterhead, sheet
from node.people import queries as people
from node.reading.noting import noted, noted_list
from node.request import acting, database
from node.settings.queries import number
from shared.access import allow
from shared.dates import date_of
from shared.i18n import LANGUAGES, current_language, gettext
from shared.problems import InputProblem, InvalidValue, NotAllowed, NotFound
from shared.schema import CONSENT_PURPOSES
from shared.web import today, visitor
from sync.gate import RESTS_ON
from sync.writer import missing_consent

area = Blueprint("consents", __name__, url_prefix="/consents", template_folder="templates")
RECORDERS = ("class_teacher", "secretary")
"""Take a signed form in; what guardian and pupil enter waits for its paper, or is a withdrawal."""
FOLDED = 10
"""Of more to ask than these the list is folded by class."""
SIGNERS = ("guardian", "pupil")
"""Give on a page and take back: guardians for a child, a pupil of age for oneself."""


@area.get("/")
@allow(*access.everywhere("consent", "V"), "class_teacher")
def index() -> ResponseReturnValue:
    """How many pupils of each class have consented to what, who is to be asked, and what lapses soon."""
    db, day, who = database(), today(), visitor()
    classes = None if may_all(who, "consent", "V") else access.present(db, access.led_classes(db, who))
    if classes is None:
        noted_list("consents")
    days = number(db, "consent_notice_days")
    found = queries.asks(db, day, days, classes)
    coverage = queries.coverage(db, day, classes)
    asks = [ask for ask in found if ask.why != "soon"]
    return render_template(
        "consents/index.html",
        coverage=coverage,
        asks=asks,
        asks_by_place=_by_place(asks, [one.name for one in coverage]),
        folded=FOLDED,
        soon=sorted((ask for ask in found if ask.why == "soon"), key=lambda ask: ask.until or 0),
        purposes=CONSENT_PURPOSES,
        days=days,
        withdrawn=[
            one for one in queries.withdrawn(db) if reaches_person(db, who, "consent", "V", one.person)
        ],
        roleless=[
            one
            for one in queries.without_role(db, day)
            if reaches_person(db, who, "consent", "V", one.person)
        ],
        day=day,
        offers=_waiting() if who.has(*RECORDERS) else [],
    )


def _by_place(asks: Sequence[queries.Ask], classes: Sequence[str]) -> list[tuple[str, list[queries.Ask]]]:
    """Whom to ask by class, in the order of the classes; who belongs to none comes last."""
    found: dict[str, list[queries.Ask]] = {name: [] for name in classes}
    for ask in asks:
        found.setdefault(ask.place, []).append(ask)
    return [(place, some) for place, some in found.items() if some]


def _waiting() -> list[queries.Offer]:
    """What was given on a page and whose paper the visitor may take in."""
    db, who = database(), visitor()
    found = queries.offers(db, today=today())
    return [one for one in found if reaches_person(db, who, "consent", "E", one.person)]


@area.post("/erase")
@allow(*access.roles("consent", "A"))
def erase() -> ResponseReturnValue:
    """Erase for good what no law obliges to keep any more."""
    with acting() as w:
        actions.erase_due(w, today())
    return redirect(url_for("consents.index"))


@area.get("/<int:person_id>")
@right("consent", "V")
def show(person_id: int) -> ResponseReturnValue:
    """The consents of a person, by purpose."""
    return _page(person_id)


@area.get("/<int:person_id>/new")
@allow(*RECORDERS)
def new(person_id: int) -> ResponseReturnValue:
    """A form for a signed paper."""
    _require(person_id, "E")
    values = {"valid_from": date_of(today()).isoformat(), "language": current_language()}
    purposes = request.args.getlist("purpose") or ["core"]
    signer = request.args.get("signer", 0, type=int)
    given = [one for one in queries.offers(database(), person_id) if one.signer == signer]
    if given:
        purposes = [one.purpose for one in given]
        values |= {
            "signer": str(signer),
            "ground": given[0].ground,
            "document": given[0].document,
            "valid_from": date_of(given[0].start).isoformat(),
            "valid_to": "" if given[0].until is None else date_of(given[0].until - 1).isoformat(),
        }
    return _form(person_id, values, purposes, {})


@area.post("/<int:person_id>/new")
@allow(*RECORDERS)
def record(person_id: int) -> ResponseReturnValue:
    _require(person_id, "E")
    signed, errors = consentform.read(request.form, request.files, today())
    problem = ""
    if signed is not None:
        try:
            with acting() as w:
                actions.record(w, person_id, signed, visitor().person, visitor().account, today())
            return redirect(url_for("people.card", person_id=person_id))
        except InputProblem as refused:
            problem = refused.sentence(gettext)
    purposes = request.form.getlist("purpose")
    return _form(person_id, request.form.to_dict(), purposes, errors, problem), 422


@area.get("/<int:person_id>/give")
@allow(*SIGNERS)
def give(person_id: int) -> ResponseReturnValue:
    """A guardian for the child, or a pupil of age, gives a consent; it has force when its paper is here."""
    _require_own(person_id)
    return _give_form(person_id)


def _give_form(person_id: int) -> ResponseReturnValue:
    if not _signs(person_id):
        return _page(
            person_id, gettext("Until 18 a parent signs for the pupil, from then on the pupil alone.")
        ), 422
    values = {"valid_from": date_of(today()).isoformat()}
    return _form(person_id, values, request.args.getlist("purpose"), {}, gives=True)


@area.post("/<int:person_id>/give")
@allow(*SIGNERS)
def keep_given(person_id: int) -> ResponseReturnValue:
    _require_own(person_id)
    return _keep_given(person_id)


def _keep_given(person_id: int) -> ResponseReturnValue:
    if not _signs(person_id):
        raise NotAllowed()
    signed, errors = consentform.read(request.form, {}, today(), own=True)
    problem = ""
    if signed is not None:
        try:
            with acting() as w:
                actions.offer(w, person_id, replace(signed, signer=visitor().person), visitor().account)
            return redirect(_address_of(person_id)("show"))
        except InputProblem as refused:
            problem = refused.sentence(gettext)
    purposes = request.form.getlist("purpose")
    return _form(person_id, request.form.to_dict(), purposes, errors, problem, gives=True), 422


def _require_own(person_id: int) -> None:
    """NotAllowed unless it is about the visitor or a child of the visitor; NotFound."""
    who = visitor()
    if person_id not in {who.person} | access.own_children(database(), who):
        raise NotAllowed()
    _require(person_id, "E")


def _signs(person_id: int) -> bool:
    """Does the visitor sign for the person today: of age for oneself, a guardian for a child?"""
    db, who = database(), visitor()
    mine = {who.person} | access.own_children(db, who)
    return person_id in mine and who.person in signers(db, person_id, today())


# ---- one's own, whatever the duty: staff are subjects of their data as pupils and parents are


@area.get("/own")
@allow.signed_in
def own_show() -> ResponseReturnValue:
    """The visitor's own consents."""
    return _page(_me())


@area.get("/own/give")
@allow.signed_in
def own_give() -> ResponseReturnValue:
    """The visitor gives a consent for oneself; it has force when its paper is here."""
    return _give_form(_me())


@area.post("/own/give")
@allow.signed_in
def own_keep_given() -> ResponseReturnValue:
    return _keep_given(_me())


@area.post("/own/decline")
@allow.signed_in
def own_decline() -> ResponseReturnValue:
    """The visitor takes back what was given on a page."""
    return _decline(_me())


@area.post("/own/withdraw")
@allow.signed_in
def own_withdraw() -> ResponseReturnValue:
    return _withdraw(_me())


@area.get("/own/form")
@allow.signed_in
def own_paper() -> ResponseReturnValue:
    return _paper(_me())


@area.get("/own/scan")
@allow.signed_in
def own_scan() -> ResponseReturnValue:
    return _scan(_me())


def _me() -> int:
    """The visitor's person. NotFound: an account of nobody."""
    person = visitor().person
    if person is None:
        raise NotFound()
    return person


def _address_of(person_id: int) -> Callable[..., str]:
    """Addresses of the pages about a person; one's own have addresses that are open whatever the duty."""
    who = visitor()
    own = person_id == who.person and not who.has("pupil")

    def address(name: str, **more: Any) -> str:
        if own:
            return url_for(f"consents.own_{name}", **more)
        return url_for(f"consents.{name}", person_id=person_id, **more)

    return address


def _keeps(person_id: int) -> bool:
    """Does the visitor take in what is signed for the person?"""
    return visitor().has(*RECORDERS) and reaches_person(database(), visitor(), "consent", "E", person_id)


@area.post("/<int:person_id>/decline")
@right("consent", "E")
def decline(person_id: int) -> ResponseReturnValue:
    """No paper came: the school lets go of what was given on a page, or its signer takes it back."""
    _require(person_id, "E")
    return _decline(person_id)


def _decline(person_id: int) -> ResponseReturnValue:
    signer = whole(request.form.get("signer")) or 0
    if not visitor().has(*RECORDERS) and signer != visitor().person:
        raise NotAllowed()
    with acting() as w:
        actions.decline(w, person_id, signer, visitor().account, today())
    return redirect(_address_of(person_id)("show"))


@area.post("/<int:person_id>/withdraw")
@right("consent", "E")
def withdraw(person_id: int) -> ResponseReturnValue:
    """Withdrawn, today or some days ago: what stood under it is neither shown nor used any more."""
    _require(person_id, "E")
    return _withdraw(person_id)


def _withdraw(person_id: int) -> ResponseReturnValue:
    if not (_keeps(person_id) or _signs(person_id)):
        raise NotAllowed()
    consent = whole(request.form.get("consent")) or 0
    day = consentform.day(request.form.get("day", "")) if request.form.get("day") else today()
    try:
        with acting() as w:
            actions.withdraw(w, person_id, consent, today() + 1 if day is None else day, today())
    except InvalidValue:
        sentence = gettext("Write the day of the withdrawal: not before the signature, and not one to come.")
        return _page(person_id, sentence), 422
    return redirect(_address_of(person_id)("show"))


@area.get("/<int:person_id>/form")
@right("consent", "V")
def paper(person_id: int) -> ResponseReturnValue:
    """The printed form of consent or withdrawal, filled in as far as the record goes, unsigned."""
    _require(person_id, "V")
    return _paper(person_id)


@area.get("/<int:person_id>/scan")
@right("consent", "V")
def scan(person_id: int) -> ResponseReturnValue:
    """The scan of a signed form."""
    _require(person_id, "V")
    return _scan(person_id)


def _scan(person_id: int) -> ResponseReturnValue:
    consent = request.args.get("consent", 0, type=int)
    row = queries.consent(database(), consent, person_id)
    if row is None:
        raise NotFound()
    if veil(database(), visitor(), person_id).hides_paper(row["signer"]):
        raise NotAllowed()
    found = queries.scan(database(), consent)
    if found is None:
        raise NotFound()
    noted("read", "consent", person_id)
    data, kind = found
    return Response(data, mimetype=kind, headers={"Cache-Control": "no-store"})


def _require(person_id: int, verb: str) -> None:
    """NotAllowed, NotFound."""
    if not reaches_person(database(), visitor(), "consent", verb, person_id):
        raise NotAllowed()
    if people.person(database(), person_id, today()) is None:
        raise NotFound()


def _page(person_id: int, problem: str = "") -> str:
    if person_id != visitor().person:
        _require(person_id, "V")
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    noted("read", "consent", person_id)
    keeps, signs = _keeps(person_id), _signs(person_id)
    behind = veil(db, visitor(), person_id)
    given: dict[int, list[queries.Offer]] = {}
    for one in queries.offers(db, person_id, day):
        given.setdefault(one.signer, []).append(queries.offer_behind(behind, one))
    signed = queries.of_person(db, person_id, day)
    return render_template(
        "consents/show.html",
        person=person,
        name=people.full_name(person),
        number=people.number_of(person_id),
        file=queries.file_of(db, person_id),
        consents={
            purpose: [queries.consent_behind(behind, one) for one in some] for purpose, some in signed.items()
        },
        powerless=[one for one in RESTS_ON if missing_consent(db, person_id, one, day) not in ("", one)],
        keeps=keeps,
        withdraws=keeps or signs,
        gives=signs,
        grown=queries.grown_up(db, day, person_id).get(person_id, []) if keeps or signs else [],
        given=given,
        at=_address_of(person_id),
        iso=date_of(day).isoformat(),
        problem=problem,
        languages=LANGUAGES,
    )


def _form(
    person_id: int,
    values: dict[str, str],
    purposes: list[str],
    errors: dict[str, str],
    problem: str = "",
    gives: bool = False,
) -> str:
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    noted("read", "consent", person_id)
    is_pupil = people.pupil(db, person_id) is not None
    allowed = signers(db, person_id, day)
    return render_template(
        "consents/form.html",
        person=person,
        name=people.full_name(person),
        number=people.number_of(person_id),
        file=queries.file_of(db, person_id),
        values=values,
        chosen=purposes,
        errors=errors,
        problem=problem,
        purposes=CONSENT_PURPOSES,
        signers=[one for one in queries.signers(db, person_id, day) if one[0] in allowed],
        child=is_pupil and not born(db, person_id).is_adult(day),
        gives=gives,
        at=_address_of(person_id),
        languages=LANGUAGES,
        largest=LARGEST_SCAN,
    )


def _paper(person_id: int) -> str:
    language = language_asked()
    kind = "withdrawal" if request.args.get("kind") == "withdrawal" else "consent"
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    noted("read", "consent", person_id)
    is_pupil = people.pupil(db, person_id) is not None
    child = is_pupil and not born(db, person_id).is_adult(day)
    core = "pupil" if is_pupil else "staff" if people.staff_member(db, person_id) else "guardian"
    guardians = [one for one in queries.signers(db, person_id, day) if one[2]] if child else []
    own = [one for one in guardians if one[0] == visitor().person]
    others = [] if veil(db, visitor(), person_id).family else guardians
    guardian = next(iter(own or others), None)
    form = sheet(
        "consents/sheet.html",
        language,
        person=person,
        name=people.full_name(person),
        child=child,
        signer=people.person(db, guardian[0], day) if guardian else None,
        relation=guardian[2] if guardian else "",
        head=letterhead(db),
        kind=kind,
        purposes=[("core", purposes.CORE_DATA[core]), *purposes.PAPER],
        full_name=people.full_name,
    )
    return render_template(
        "consents/paper.html",
        person=person,
        kind=kind,
        language=language,
        sheet=form,
        at=_address_of(person_id),
    )
