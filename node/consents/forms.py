"""From what a browser sends to a signed form, with a sentence at every field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import FileStorage, MultiDict

from node.consents.actions import LARGEST_SCAN, Signed
from node.consents.queries import kind_of
from shared.dates import parse_day
from shared.i18n import LANGUAGES, gettext, size
from shared.problems import BadRequest, InvalidValue
from shared.schema import BY_NAME, CONSENT_PURPOSES

_TABLE = BY_NAME["consent"]


def read(
    form: MultiDict[str, str], files: Mapping[str, FileStorage], today: int
) -> tuple[Signed | None, dict[str, str]]:
    """What was signed, or None and a sentence for each wrong field. BadRequest for what no form of ours sends."""
    errors: dict[str, str] = {}
    purposes = tuple(p for p in CONSENT_PURPOSES if p in form.getlist("purpose"))
    if not purposes:
        errors["purpose"] = gettext("Tick what was agreed to.")
    start = day(form.get("valid_from", ""))
    if start is None or start > today:
        errors["valid_from"] = gettext("Write the day it was signed; not one to come.")
    last = form.get("valid_to", "").strip()
    until = day(last)
    if last and (until is None or (start is not None and until < start)):
        errors["valid_to"] = gettext("Write a day after the signature, or leave this empty.")
    texts = {name: form.get(name, "").strip() for name in ("ground", "document")}
    for name, text in texts.items():
        if len(text) > (_TABLE.by_name[name].max_length or 0):
            errors[name] = gettext("This is too long.")
    language = form.get("language", "")
    if language and language not in LANGUAGES:
        raise BadRequest()
    scan = files["scan"].read(LARGEST_SCAN + 1) if "scan" in files else b""
    if len(scan) > LARGEST_SCAN:
        errors["scan"] = gettext("The file is too large; the largest is %(size)s.", size=size(LARGEST_SCAN))
    elif scan and not kind_of(scan):
        errors["scan"] = gettext("Only PDF, JPEG and PNG files are kept.")
    if errors or start is None:
        return None, errors
    signed = Signed(
        purposes, start, None if until is None else until + 1, row_id(form.get("signer", "")), texts["ground"],
        texts["document"], language, scan,
    )  # fmt: skip
    return signed, {}


def day(text: str) -> int | None:
    """A day as a browser sends it; None when it is none."""
    column = _TABLE.by_name["valid_from"]
    try:
        found = parse_day(text)
    except InvalidValue:
        return None
    return found if (column.minimum or 0) <= found <= (column.maximum or 0) else None


def row_id(text: str) -> int | None:
    """A row id as a browser sends it; None for an empty field. BadRequest."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadRequest()
    return int(text)
