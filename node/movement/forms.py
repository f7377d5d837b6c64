"""From what a browser sends to the acts of the movement book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from werkzeug.datastructures import MultiDict

from node import cardform, consentform
from node.consenting import Newcomer as Adult
from node.consenting import Signed
from node.fields import day as day
from node.fields import of_rows
from node.fields import whole as whole
from node.movement.actions import OWN, Newcomer, Order, Paper
from shared.dates import parse_day
from shared.i18n import gettext
from shared.problems import OrderMissing

SEX_OF = {
    "mother": "f", "grandmother": "f", "stepmother": "f", "father": "m", "grandfather": "m", "stepfather": "m",
}  # fmt: skip
NAMES = ("surname", "given_name", "patronymic")
CARD = ("personal_number", "address")
"""Of the card what an admission asks for; the rest is written on the card itself."""


def text(form: Mapping[str, str], name: str) -> str:
    """A line of text without spaces around it."""
    return form.get(name, "").strip()


def required_day(form: Mapping[str, str], name: str = "day") -> int:
    """A date that must be there. InvalidValue."""
    return parse_day(form.get(name, ""))


def paper(form: Mapping[str, str]) -> Paper:
    """What stands in the book beside the act. BadRequest, InvalidValue."""
    order = Order(whole(form.get("order")), text(form, "order_number"), day(form.get("order_date")))
    return Paper(order, text(form, "place"), text(form, "document"), text(form, "note"))


def act_paper(form: Mapping[str, str]) -> Paper:
    """The paper of a new act, which rests on an order. OrderMissing, BadRequest, InvalidValue."""
    found = paper(form)
    if found.order.row is None and not (found.order.number and found.order.date is not None):
        raise OrderMissing()
    return found


def newcomer(
    form: MultiDict[str, str], files: consentform.Files, today: int
) -> tuple[Newcomer, dict[str, str]]:
    """A child who was never a pupil here, and a sentence for each wrong field. BadRequest, InvalidValue."""
    consent, guardian, relation = None, None, text(form, "relation")
    more, errors = cardform.read("person", form, CARD)
    _, wrong = cardform.read("pupil", form, ("personal_file",))
    errors |= wrong
    if text(form, "consent_valid_from"):
        consent, wrong = consentform.read(form, files, today, "consent_", own=bool(relation))
        errors |= wrong
    elif any(text(form, name) for name in (*NAMES, "birth_date", *CARD)):
        errors["consent_valid_from"] = gettext(
            "Name, date of birth, personal number and address come with a signed consent alone: write its day."
        )
    if relation and relation != OWN:
        guardian, wrong = _guardian(form, files, today, consent)
        errors |= wrong
    child = Newcomer(
        sex=form.get("sex", ""),
        birth_year=whole(form.get("birth_year")),
        birth_date=day(form.get("birth_date")),
        residence=text(form, "residence") or None,
        moved_from=whole(form.get("moved_from")),
        consent=consent,
        guardian=guardian,
        relation=relation,
        surname=text(form, "surname"),
        given_name=text(form, "given_name"),
        patronymic=text(form, "patronymic"),
        more=more,
        personal_file=text(form, "personal_file") or None,
        agreed=cardform.agreed(form),
    )
    return child, errors


def _guardian(
    form: MultiDict[str, str], files: consentform.Files, today: int, consent: Signed | None
) -> tuple[Adult, dict[str, str]]:
    """Who signed for the child; with a name if the person consented to the own record on the same paper."""
    who, errors = consentform.newcomer(form, files, today, "guardian_")
    sex = SEX_OF.get(text(form, "relation"))
    if sex:
        errors.pop("guardian_sex", "")
        who = replace(who, sex=sex)
    errors.pop("guardian_consent_valid_from", "")
    if "guardian_agrees" in form and consent is not None:
        own = Signed(("core",), consent.start, document=consent.document, language=consent.language)
        return replace(who, consent=own), errors
    if any(text(form, "guardian_" + name) for name in (*NAMES, "phone")):
        errors["guardian_surname"] = gettext("Without the person's own consent no name is kept.")
    return who, errors


def chosen(form: Mapping[str, str]) -> dict[int, int]:
    """Subject -> the subgroup chosen in it. BadRequest."""
    return {subject: group for subject, text in of_rows(form, "part-") if (group := whole(text)) is not None}
