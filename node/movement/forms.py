"""From what a browser sends to the acts of the movement book."""

from __future__ import annotations

from collections.abc import Mapping

from node.movement.actions import Newcomer, Order, Paper
from shared.dates import parse_day
from shared.problems import BadRequest


def whole(form: Mapping[str, str], name: str) -> int | None:
    """A number; None for an empty field. BadRequest."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest() from error


def text(form: Mapping[str, str], name: str) -> str:
    """A line of text without spaces around it."""
    return form.get(name, "").strip()


def day(form: Mapping[str, str], name: str) -> int | None:
    """A date as browsers send it; None for an empty field. InvalidValue."""
    return parse_day(form[name]) if text(form, name) else None


def required_day(form: Mapping[str, str], name: str = "day") -> int:
    """A date that must be there. InvalidValue."""
    return parse_day(form.get(name, ""))


def paper(form: Mapping[str, str]) -> Paper:
    """What stands in the book beside the act. BadRequest, InvalidValue."""
    order = Order(whole(form, "order"), text(form, "order_number"), day(form, "order_date"))
    return Paper(order, text(form, "place"), text(form, "document"), text(form, "note"))


def newcomer(form: Mapping[str, str]) -> Newcomer:
    """A child who was never a pupil here. BadRequest, InvalidValue."""
    return Newcomer(
        sex=form.get("sex", ""),
        birth_year=whole(form, "birth_year"),
        birth_date=day(form, "birth_date"),
        residence=text(form, "residence") or None,
        moved_from=whole(form, "moved_from"),
        consent_from=day(form, "consent_from"),
        consent_document=text(form, "consent_document"),
        consent_ground=text(form, "consent_ground"),
        surname=text(form, "surname"),
        given_name=text(form, "given_name"),
        patronymic=text(form, "patronymic"),
    )


def chosen(form: Mapping[str, str]) -> dict[int, int]:
    """Subject -> the subgroup chosen in it. BadRequest."""
    found: dict[int, int] = {}
    for name in form:
        subject = name.removeprefix("part-")
        if subject != name and text(form, name):
            if not subject.isdigit():
                raise BadRequest()
            found[int(subject)] = whole(form, name) or 0
    return found
