"""Routes that record people: a pupil's and a guardian's card, staff files, guardians of a pupil, photos."""

from __future__ import annotations

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import cardform, consentform, numbers
from node.access import may_all, reaches_guardian, reaches_person, right
from node.consenting import LARGEST_SCAN, Newcomer
from node.fields import whole
from node.people import actions, queries
from node.people.blueprint import area
from node.purposes import UNDER_HEALTH, UNDER_MESSAGES
from node.reading import noting
from node.request import acting, database
from shared.access import allow
from shared.i18n import LANGUAGES, current_language, gettext, size
from shared.problems import ConsentMissing, InputProblem, NotAllowed, NotFound, NumberHeld, PhotoTooLarge
from shared.reference import CATEGORIES
from shared.schema import CONSENT_PURPOSES, MAX_BYTES, Value
from shared.web import today, visitor


@area.get("/<int:person_id>/edit")
@right("card", "E")
def edit(person_id: int) -> ResponseReturnValue:
    """The card of a pupil or a guardian as a form."""
    row = _editable(person_id)
    pupil = queries.pupil(database(), person_id)
    values = cardform.shown("person", row, actions.PERSON)
    if pupil is not None:
        values |= cardform.shown("pupil", pupil, actions.PUPIL)
    return _card_form(person_id, values, {})


@area.post("/<int:person_id>/edit")
@right("card", "E")
def keep(person_id: int) -> ResponseReturnValue:
    row = _editable(person_id)
    pupil = queries.pupil(database(), person_id)
    open_fields = _open(row, "person", actions.PERSON)
    values, errors = cardform.read("person", request.form, open_fields)
    more: dict[str, Value] = {}
    if pupil is not None:
        fields = _open(row, "pupil", actions.PUPIL)
        more, wrong = cardform.read("pupil", request.form, fields)
        errors |= wrong
    problem = ""
    if not errors:
        agreed = cardform.agreed(request.form)
        try:
            with acting() as w:
                numbers.ask(w.db, person_id, {**values, **more}, agreed)
                actions.change_person(w, person_id, values, agreed)
                if pupil is not None:
                    actions.change_pupil(w, person_id, more, agreed)
            return redirect(url_for("people.card", person_id=person_id))
        except NumberHeld as held:
            errors = cardform.questions(database(), visitor(), today(), held)
        except ConsentMissing as missing:
            problem = missing.sentence(gettext)
    return _card_form(person_id, request.form.to_dict(), errors, problem), 422


def _card_form(person_id: int, values: dict[str, str], errors: dict[str, str], problem: str = "") -> str:
    db = database()
    row = queries.person(db, person_id, today())
    assert row is not None
    noting.noted("read", "card", person_id)
    named = row["may_be_named"] is not None
    pupil = queries.pupil(db, person_id) is not None
    return render_template(
        "people/edit.html",
        column_of=queries.column,
        person=row,
        name=queries.full_name(row),
        number=queries.number_of(person_id),
        named=named,
        sections=[
            ("person", _open(row, "person", actions.PERSON)),
            *([("pupil", _open(row, "pupil", actions.PUPIL))] if pupil else []),
        ],
        values=values,
        errors=errors,
        problem=problem,
        action=url_for("people.keep", person_id=person_id),
    )


def _open(row: queries.Row | None, table: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Of these columns those that may be filled, of a new person all: without the core consent none that needs it."""
    if row is None:
        return names
    named = row["may_be_named"] is not None
    messages = queries.has_valid(database(), row["id"], "messages", today())
    return tuple(
        n
        for n in names
        if (named or queries.column(table, n).consent is None) and (messages or n not in UNDER_MESSAGES)
    )


def _editable(person_id: int) -> queries.Row:
    """The person, when the visitor keeps the card. NotAllowed, NotFound."""
    db, who = database(), visitor()
    row = queries.person(db, person_id, today())
    if not reaches_person(db, who, "card", "E", person_id):
        raise NotAllowed()
    if row is None or queries.is_only_staff(db, person_id):
        raise NotFound()
    return row


# ---- staff


@area.get("/staff/new")
@right("staff_file", "E")
def new_staff() -> ResponseReturnValue:
    """A new member of staff: person, consent and file in one act; without the consent a file without a name."""
    return _staff_form(None, {"consent_language": current_language()}, {})


@area.post("/staff/new")
@right("staff_file", "E")
def add_staff() -> ResponseReturnValue:
    values, errors = cardform.read("staff", request.form, actions.STAFF)
    more, wrong = cardform.read("person", request.form, actions.PERSON)
    who, unsigned = consentform.newcomer(request.form, request.files, today())
    errors |= wrong | unsigned
    problem = ""
    if who.consent is None and not unsigned and any(more[n] for n in queries.gated("person", actions.PERSON)):
        errors["consent_valid_from"] = gettext("A name comes with a signed consent alone: write its day.")
    if not errors:
        try:
            with acting() as w:
                given = {name: value for name, value in more.items() if value is not None}
                person = actions.add_staff(
                    w, who, values, given, visitor().person, cardform.agreed(request.form)
                )
            return redirect(url_for("people.card", person_id=person))
        except NumberHeld as held:
            errors = cardform.questions(database(), visitor(), today(), held)
        except InputProblem as refused:
            problem = refused.sentence(gettext)
    return _staff_form(None, request.form.to_dict(), errors, problem), 422


@area.get("/<int:person_id>/staff")
@right("staff_file", "E")
def edit_staff(person_id: int) -> ResponseReturnValue:
    """A staff file and what stands about its person, as a form."""
    db = database()
    row, member = queries.person(db, person_id, today()), queries.staff_member(db, person_id)
    if row is None or member is None:
        raise NotFound()
    values = cardform.shown("person", row, actions.PERSON) | cardform.shown("staff", member, actions.STAFF)
    return _staff_form(person_id, values, {})


@area.post("/<int:person_id>/staff")
@right("staff_file", "E")
def keep_staff(person_id: int) -> ResponseReturnValue:
    row = queries.person(database(), person_id, today())
    if row is None or queries.staff_member(database(), person_id) is None:
        raise NotFound()
    values, errors = cardform.read("staff", request.form, actions.STAFF)
    fields = _open(row, "person", actions.PERSON)
    more, wrong = cardform.read("person", request.form, fields)
    problem = ""
    if not errors and not wrong:
        try:
            with acting() as w:
                actions.change_staff(w, person_id, values)
                actions.change_person(w, person_id, more, cardform.agreed(request.form))
            return redirect(url_for("people.card", person_id=person_id))
        except NumberHeld as held:
            wrong = cardform.questions(database(), visitor(), today(), held)
        except InputProblem as refused:
            problem = refused.sentence(gettext)
    return _staff_form(person_id, request.form.to_dict(), errors | wrong, problem), 422


def _staff_form(
    person_id: int | None, values: dict[str, str], errors: dict[str, str], problem: str = ""
) -> str:
    row = queries.person(database(), person_id, today()) if person_id is not None else None
    if person_id is not None:
        noting.noted("read", "card", person_id)
    named = row is None or row["may_be_named"] is not None
    fields = _open(row, "person", actions.PERSON)
    return render_template(
        "people/edit.html",
        column_of=queries.column,
        person=row,
        name=queries.full_name(row) if row else "",
        number=queries.number_of(person_id or 0),
        named=named,
        sections=[("person", fields), ("staff", actions.STAFF)],
        consents=person_id is None,
        purposes=CONSENT_PURPOSES,
        chosen=request.form.getlist("consent_purpose") or ["core"],
        largest=LARGEST_SCAN,
        languages=LANGUAGES,
        values=values,
        errors=errors,
        problem=problem,
        action=url_for("people.keep_staff", person_id=person_id)
        if person_id
        else url_for("people.add_staff"),
    )


# ---- guardians of a pupil


@area.get("/<int:person_id>/guardians")
@right("card", "E")
def guardians(person_id: int) -> ResponseReturnValue:
    """The guardians of a pupil: who, how related, who may read."""
    return _guardians(_editable_pupil(person_id))


@area.post("/<int:person_id>/guardians")
@right("card", "E")
def add_guardian(person_id: int) -> ResponseReturnValue:
    """Add a guardian: one who is on record already, or a new person with the own consent in one act."""
    _editable_pupil(person_id)
    who: int | Newcomer | None = whole(request.form.get("who"))
    errors: dict[str, str] = {}
    if isinstance(who, int) and not _may_be_chosen(who):
        raise NotAllowed()
    if who is None:
        who, errors = consentform.newcomer(request.form, request.files, today())
    if errors:
        return _guardians(person_id, errors=errors), 422
    relation, may_read = request.form.get("relation", ""), "may_read" in request.form
    try:
        with acting() as w:
            actions.add_guardian(w, person_id, relation, may_read, who, visitor().person)
    except InputProblem as problem:
        return _guardians(person_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("people.guardians", person_id=person_id))


@area.post("/<int:person_id>/guardian")
@right("card", "E")
def keep_guardian(person_id: int) -> ResponseReturnValue:
    """Change or remove one guardian."""
    _editable_pupil(person_id)
    who = whole(request.form.get("who")) or 0
    try:
        with acting() as w:
            if "remove" in request.form:
                actions.remove_guardian(w, person_id, who)
            else:
                relation, may_read = request.form.get("relation", ""), "may_read" in request.form
                actions.change_guardian(w, person_id, who, relation, may_read)
    except InputProblem as problem:
        return _guardians(person_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("people.guardians", person_id=person_id))


def _editable_pupil(person_id: int) -> int:
    _editable(person_id)
    if queries.pupil(database(), person_id) is None:
        raise NotFound()
    return person_id


def _may_be_chosen(person: int) -> bool:
    """May the visitor make someone on record a guardian? A class teacher: who is one in the own class already."""
    db, who = database(), visitor()
    return may_all(who, "card", "E") or reaches_guardian(db, who, "card", "E", person)


def _guardians(person_id: int, problem: str = "", errors: dict[str, str] | None = None) -> str:
    db, day = database(), today()
    row = queries.person(db, person_id, day)
    assert row is not None
    noting.noted("read", "card", person_id)
    text = request.args.get("q", "")[:80].strip()
    known = {one["person"] for one in queries.guardians_of(db, person_id, day)} | {person_id}
    adults = [*queries.guardians(db, day), *queries.staff(db, day)] if text else []
    found = {
        one.id: one
        for one in queries.found(adults, text)
        if one.id not in known and one.name and _may_be_chosen(one.id)
    }
    for kind, code in (("guardian", "guardians"), ("staff", "staff")):
        if may_all(visitor(), "card", "E") and any(one.kind == kind for one in found.values()):
            noting.noted_list(code)
    return render_template(
        "people/guardians.html",
        person=row,
        name=queries.full_name(row),
        number=queries.number_of(person_id),
        guardians=queries.guardians_of(db, person_id, day),
        full_name=queries.full_name,
        relations=queries.column("guardian", "relation").choices,
        problem=problem,
        values=request.form.to_dict() or {"consent_language": current_language()},
        errors=errors or {},
        purposes=CONSENT_PURPOSES,
        chosen=request.form.getlist("consent_purpose") or ["core"],
        largest=LARGEST_SCAN,
        languages=LANGUAGES,
        text=text,
        everywhere=may_all(visitor(), "card", "E"),
        found=list(found.values())[:20],
    )


# ---- social categories


@area.get("/<int:person_id>/social")
@right("social", "E")
def social(person_id: int) -> ResponseReturnValue:
    """The social categories of a pupil as a form; kept under a consent for them alone."""
    return _social_form(person_id)


@area.post("/<int:person_id>/social")
@right("social", "E")
def keep_social(person_id: int) -> ResponseReturnValue:
    try:
        with acting() as w:
            actions.keep_categories(w, person_id, request.form.getlist("category"))
    except InputProblem as problem:
        return _social_form(person_id, problem.sentence(gettext)), problem.status
    return redirect(url_for("people.card", person_id=person_id))


def _social_form(person_id: int, problem: str = "") -> str:
    db, day = database(), today()
    row = queries.person(db, person_id, day)
    if row is None or queries.pupil(db, person_id) is None:
        raise NotFound()
    noting.noted("read", "card", person_id)
    held = queries.categories(db, person_id, day)
    return render_template(
        "people/social.html",
        person=row,
        name=queries.full_name(row),
        number=queries.number_of(person_id),
        allowed=queries.has_valid(db, person_id, "social", day),
        health=queries.has_valid(db, person_id, "health", day),
        under_health=UNDER_HEALTH,
        codes=[*CATEGORIES, *(code for code in held if code not in CATEGORIES)],
        held=held,
        problem=problem,
    )


# ---- photos


@area.get("/<int:person_id>/photo")
@right("card", "V")
def photo(person_id: int) -> ResponseReturnValue:
    """The photo, to those who read the card, while a consent for photos holds."""
    if not reaches_person(database(), visitor(), "card", "V", person_id):
        raise NotAllowed()
    return _photo(person_id)


@area.get("/own/photo")
@allow.signed_in
def own_photo() -> ResponseReturnValue:
    """The visitor's own photo, whatever the duty."""
    return _photo(visitor().person or 0)


def _photo(person_id: int) -> Response:
    data = queries.photo(database(), person_id, today())
    if data is None:
        raise NotFound()
    kind = "image/jpeg" if data.startswith(actions.JPEG) else "image/png"
    return Response(data, mimetype=kind, headers={"Cache-Control": "no-store"})


@area.post("/<int:person_id>/photo")
@right("card", "E")
def keep_photo(person_id: int) -> ResponseReturnValue:
    """Keep a photo, or take it away when no file is sent."""
    _editable(person_id)
    return _keep_photo(person_id)


@area.post("/<int:person_id>/staff/photo")
@right("staff_file", "E")
def keep_staff_photo(person_id: int) -> ResponseReturnValue:
    """The same for a member of staff, by whoever keeps the staff files."""
    if (
        queries.person(database(), person_id, today()) is None
        or queries.staff_member(database(), person_id) is None
    ):
        raise NotFound()
    return _keep_photo(person_id)


def _keep_photo(person_id: int) -> ResponseReturnValue:
    file = request.files.get("photo")
    data = file.read(MAX_BYTES + 1) if file is not None else b""
    if len(data) > MAX_BYTES:
        raise PhotoTooLarge(most=size(MAX_BYTES))
    with acting() as w:
        actions.keep_photo(w, person_id, data)
    return redirect(url_for("people.card", person_id=person_id))
