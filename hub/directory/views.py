"""Routes of the books, for administrators."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub import schools
from hub.access import ADMINISTRATOR
from hub.directory import actions, forms, queries
from hub.request import hub
from hub.schools import CODE_DAYS
from shared.access import allow
from shared.i18n import current_language, gettext, row_name
from shared.problems import NotFound, SchoolExists
from sync.clock import now_ms

area = Blueprint("directory", __name__, template_folder="templates")
DAY_MS = 86_400_000


@area.get("/districts/new")
@allow(ADMINISTRATOR)
def new_district() -> ResponseReturnValue:
    return _district_page(None, {}, {})


@area.post("/districts/new")
@allow(ADMINISTRATOR)
def add_district() -> ResponseReturnValue:
    return _keep_district(None)


@area.get("/districts/<int:unit>")
@allow(ADMINISTRATOR)
def district(unit: int) -> ResponseReturnValue:
    return _district_page(unit, _district(unit), {})


@area.post("/districts/<int:unit>")
@allow(ADMINISTRATOR)
def edit_district(unit: int) -> ResponseReturnValue:
    _district(unit)
    return _keep_district(unit)


def _keep_district(unit: int | None) -> ResponseReturnValue:
    entry, errors = forms.read_district(request.form)
    if errors:
        return _district_page(unit, request.form.to_dict(), errors)
    actions.save_district(hub(), entry, unit)
    return redirect(url_for("overview.index"))


def _district(unit: int) -> dict[str, object]:
    with hub().read() as connection:
        found = queries.district(connection, unit)
    if found is None:
        raise NotFound()
    return found


def _district_page(
    unit: int | None, values: Mapping[str, object], errors: dict[str, str]
) -> ResponseReturnValue:
    page = render_template("directory/district.html", unit=unit, values=values, errors=errors)
    return page, 422 if errors else 200


@area.get("/schools/new")
@allow(ADMINISTRATOR)
def new_school() -> ResponseReturnValue:
    return _school_page(None, {}, {})


@area.post("/schools/new")
@allow(ADMINISTRATOR)
def add_school() -> ResponseReturnValue:
    return _keep_school(None)


@area.get("/schools/<int:school>/edit")
@allow(ADMINISTRATOR)
def school(school: int) -> ResponseReturnValue:
    values = _school(school)
    return _school_page(school, values | {"district": values["parent"]}, {})


@area.post("/schools/<int:school>/edit")
@allow(ADMINISTRATOR)
def edit_school(school: int) -> ResponseReturnValue:
    _school(school)
    return _keep_school(school)


def _keep_school(school: int | None) -> ResponseReturnValue:
    with hub().read() as connection:
        known = [unit for unit, _ in queries.districts(connection, current_language())]
    entry, errors = forms.read_school(request.form, known)
    if not errors:
        try:
            return redirect(url_for("overview.school", school=actions.save_school(hub(), entry, school)))
        except SchoolExists as problem:
            errors = {"name_ky": problem.sentence(gettext)}
    return _school_page(school, request.form.to_dict(), errors)


def _school(school: int) -> dict[str, object]:
    with hub().read() as connection:
        found = queries.school(connection, school)
    if found is None:
        raise NotFound()
    return found


def _school_page(
    school: int | None, values: Mapping[str, object], errors: dict[str, str]
) -> ResponseReturnValue:
    with hub().read() as connection:
        districts = queries.districts(connection, current_language())
    page = render_template(
        "directory/school.html",
        school=school,
        values=values,
        errors=errors,
        districts=districts,
        kinds=forms.SCHOOL_KINDS,
    )
    return page, 422 if errors else 200


@area.post("/schools/<int:school>/code")
@allow(ADMINISTRATOR)
def make_code(school: int) -> ResponseReturnValue:
    """Make a registration code and show it, this once: the hub keeps a digest only."""
    values = _school(school)
    code = schools.registration_code(hub(), school)
    return render_template(
        "directory/code.html",
        school=school,
        name=row_name(values),
        code=code.text,
        until=now_ms() + CODE_DAYS * DAY_MS,
        address=request.host_url,
    )


@area.get("/schools/<int:school>/nodes/<key>/revoke")
@allow(ADMINISTRATOR)
def revoke(school: int, key: str) -> ResponseReturnValue:
    """Ask before a node is revoked."""
    _node(school, key)
    short = " ".join(key[at : at + 4] for at in range(0, 16, 4))
    return render_template(
        "directory/revoke.html", school=school, name=row_name(_school(school)), key=key, short=short
    )


@area.post("/schools/<int:school>/nodes/<key>/revoke")
@allow(ADMINISTRATOR)
def really_revoke(school: int, key: str) -> ResponseReturnValue:
    schools.revoke(hub(), _node(school, key))
    return redirect(url_for("overview.school", school=school))


def _node(school: int, key: str) -> bytes:
    """The key of a live node of this school; NotFound."""
    try:
        signing = bytes.fromhex(key)
    except ValueError:
        raise NotFound() from None
    with hub().read() as connection:
        if queries.node_school(connection, signing) != (school, 0):
            raise NotFound()
    return signing
