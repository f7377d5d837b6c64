"""What the forms of the books accept: an entry, and errors by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hub.directory.actions import District, School
from shared.i18n import gettext
from shared.schema import BY_NAME

LONGEST_NAME, HIGHEST_NUMBER = 120, 9_999
SCHOOL_KINDS = BY_NAME["school"].by_name["kind"].choices
Errors = dict[str, str]


def read_district(given: Mapping[str, str]) -> tuple[District, Errors]:
    """A district as it was sent."""
    names, errors = _names(given)
    return District(names, " ".join(given.get("code", "").split())[:20]), errors


def read_school(given: Mapping[str, str], districts: Collection[int]) -> tuple[School, Errors]:
    """A school as it was sent; its district must be one of `districts`, or none."""
    number, kind, district = (given.get(name, "").strip() for name in ("number", "kind", "district"))
    names, errors = _names(given)
    if number and not _is_number(number):
        errors["number"] = gettext("The number is made of digits, or left empty.")
    if district and district not in map(str, districts):
        errors["district"] = gettext("There is no such district.")
    entry = School(
        names,
        int(number) if _is_number(number) else None,
        kind if kind in SCHOOL_KINDS else None,
        int(district) if district and "district" not in errors else None,
    )
    return entry, errors


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= HIGHEST_NUMBER


def _names(given: Mapping[str, str]) -> tuple[dict[str, str], Errors]:
    """The names in three languages; one left empty takes the Kyrgyz one."""
    typed = {name: " ".join(given.get(name, "").split()) for name in ("name_ky", "name_ru", "name_en")}
    errors = {
        name: gettext("A name has at most %(count)s letters.", count=LONGEST_NAME)
        for name, text in typed.items()
        if len(text) > LONGEST_NAME
    }
    if not typed["name_ky"]:
        errors["name_ky"] = gettext("Give it a name.")
    return {name: text or typed["name_ky"] for name, text in typed.items()}, errors
