"""Routes of consents: coverage and whom to ask, a person's consents, the printed forms, the scan."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import may_all, reaches_person, right
from node.consents import actions, forms, queries
from node.consents.actions import LARGEST_SCAN
from node.people import queries as people
from node.reading.noting import noted
from node.request import acting, database
from node.settings.queries import number, value
from shared.access import allow
from shared.dates import date_of
from shared.i18n import LANGUAGES, N_, current_language, gettext, in_language
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.schema import CONSENT_PURPOSES
from shared.web import today, visitor
from sync.state import State

area = Blueprint("consents", __name__, url_prefix="/consents", template_folder="templates")
RECORDERS = ("class_teacher", "secretary")
"""Take a signed form in; what a guardian enters in the table of rights is the withdrawal of the own."""

ERASERS = access.roles("consent", "A")
PAPER_PURPOSES = (
    ("core", N_("name, date of birth, sex, personal number, identity document, address, telephone, class, marks, "
                "absences, conduct: to teach and to keep the records that the law asks for")),
    ("photo", N_("photographs and video: to recognise the person on the card; shown to staff of the school")),
    ("messages", N_("telephone and e-mail: to tell of lessons and events")),
    ("health", N_("what must be known of health: to keep safe at lessons and in sport")),
    ("social", N_("social status of the family: for support that the law provides")),
    ("transfer", N_("passing on of data by name to the education department or another school")),
    ("letters", N_("letters on results and attendance, on paper or by e-mail")),
)  # fmt: skip
"""Purpose -> which data are used and what for, as the printed form says it; each can be refused by itself."""


@area.get("/")
@allow(*access.everywhere("consent", "V"), "class_teacher")
def index() -> ResponseReturnValue:
    """How many pupils of each class have consented to what, who is to be asked, and what lapses soon."""
    db, day, who = database(), today(), visitor()
    classes = None if may_all(who, "consent", "V") else access.led_classes(db, who)
    days = number(db, "consent_notice_days")
    found = queries.asks(db, day, days, classes)
    return render_template(
        "consents/index.html",
        coverage=queries.coverage(db, day, classes),
        asks=[ask for ask in found if ask.why != "soon"],
        soon=sorted((ask for ask in found if ask.why == "soon"), key=lambda ask: ask.until or 0),
        purposes=CONSENT_PURPOSES,
        days=days,
        due=[people.number_of(person) for person in queries.due(db, day)] if who.has(*ERASERS) else [],
    )


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
    return _form(person_id, values, request.args.getlist("purpose") or ["core"], {})


@area.post("/<int:person_id>/new")
@allow(*RECORDERS)
def record(person_id: int) -> ResponseReturnValue:
    _require(person_id, "E")
    signed, errors = forms.read(request.form, request.files, today())
    problem = ""
    if signed is not None:
        try:
            with acting() as w:
                actions.record(w, person_id, signed, visitor().person)
            return redirect(url_for("people.card", person_id=person_id))
        except InputProblem as refused:
            problem = refused.sentence(gettext)
    purposes = request.form.getlist("purpose")
    return _form(person_id, request.form.to_dict(), purposes, errors, problem), 422


@area.post("/<int:person_id>/withdraw")
@right("consent", "E")
def withdraw(person_id: int) -> ResponseReturnValue:
    """Withdrawn: from today on, what stood under it is neither shown nor used."""
    _require(person_id, "E")
    consent = forms.row_id(request.form.get("consent", "")) or 0
    with acting() as w:
        actions.withdraw(w, person_id, consent, today())
    return redirect(url_for("consents.show", person_id=person_id))


@area.get("/<int:person_id>/form")
@right("consent", "V")
def paper(person_id: int) -> ResponseReturnValue:
    """The printed form of consent or withdrawal, filled in as far as the record goes, unsigned."""
    _require(person_id, "V")
    language = request.args.get("language", current_language())
    return _paper(
        person_id, language, "withdrawal" if request.args.get("kind") == "withdrawal" else "consent"
    )


@area.get("/<int:person_id>/scan")
@right("consent", "V")
def scan(person_id: int) -> ResponseReturnValue:
    """The scan of a signed form."""
    _require(person_id, "V")
    consent = request.args.get("consent", 0, type=int)
    if queries.consent(database(), consent, person_id) is None:
        raise NotFound()
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


def _page(person_id: int) -> str:
    _require(person_id, "V")
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    reaches = reaches_person(db, visitor(), "consent", "E", person_id)
    keeps = visitor().has(*RECORDERS) and reaches
    return render_template(
        "consents/show.html",
        person=person,
        name=people.full_name(person),
        number=people.number_of(person_id),
        consents=queries.of_person(db, person_id, day),
        keeps=keeps,
        withdraws=reaches,
        languages=LANGUAGES,
    )


def _form(
    person_id: int, values: dict[str, str], purposes: list[str], errors: dict[str, str], problem: str = ""
) -> str:
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    is_pupil = people.pupil(db, person_id) is not None
    adult = people.is_adult(person["birth_date"], day)
    return render_template(
        "consents/form.html",
        person=person,
        name=people.full_name(person),
        number=people.number_of(person_id),
        values=values,
        chosen=purposes,
        errors=errors,
        problem=problem,
        purposes=CONSENT_PURPOSES,
        signers=[
            one for one in queries.signers(db, person_id, day) if (one[2] == "") == (adult or not is_pupil)
        ],
        child=is_pupil and not adult,
        languages=LANGUAGES,
        largest=LARGEST_SCAN,
    )


def _paper(person_id: int, language: str, kind: str) -> str:
    db, day = database(), today()
    person = people.person(db, person_id, day)
    assert person is not None
    child = people.pupil(db, person_id) is not None and not people.is_adult(person["birth_date"], day)
    guardian = next((one for one in queries.signers(db, person_id, day) if one[2]), None) if child else None
    language = language if language in LANGUAGES else current_language()
    with in_language(language):
        return render_template(
            "consents/paper.html",
            person=person,
            name=people.full_name(person),
            number=people.number_of(person_id),
            child=child,
            signer=people.person(db, guardian[0], day) if guardian else None,
            relation=guardian[2] if guardian else "",
            school=str(State(db).school_name),
            school_address=str(value(db, "school_address")),
            kind=kind,
            language=language,
            languages=LANGUAGES,
            purposes=PAPER_PURPOSES,
            full_name=people.full_name,
        )
