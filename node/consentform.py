"""From what a browser sends to a signed form, with a sentence at every field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import FileStorage, MultiDict

from node.consenting import LARGEST_SCAN, Newcomer, Signed, kind_of
from node.fields import day_for, whole
from shared.i18n import LANGUAGES, gettext, size
from shared.problems import BadRequest
from shared.schema import BY_NAME, CONSENT_PURPOSES, SEX

_TABLE = BY_NAME["consent"]
Files = Mapping[str, FileStorage]
Errors = dict[str, str]
NAMES = ("surname", "given_name", "patronymic", "phone")


def read(
    form: MultiDict[str, str], files: Files, today: int, before: str = "", own: bool = False
) -> tuple[Signed | None, Errors]:
    """What was signed, or None and a sentence for each wrong field. BadRequest for what no form of ours sends.

    ``before`` stands before the names of the fields; with ``own`` the person alone can have signed.
    """
    errors: Errors = {}
    purposes = tuple(p for p in CONSENT_PURPOSES if p in form.getlist(before + "purpose"))
    if not purposes:
        errors["purpose"] = gettext("Tick what was agreed to.")
    start = day(form.get(before + "valid_from", ""))
    if start is None or start > today:
        errors["valid_from"] = gettext("Write the day it was signed; not one to come.")
    last = form.get(before + "valid_to", "").strip()
    until = day(last)
    if last and (until is None or (start is not None and until < start)):
        errors["valid_to"] = gettext("Write a day after the signature, or leave this empty.")
    texts = {name: form.get(before + name, "").strip() for name in ("ground", "document")}
    for name, text in texts.items():
        if len(text) > (_TABLE.by_name[name].max_length or 0):
            errors[name] = gettext("This is too long.")
    signer = whole(form.get(before + "signer"))
    if not own and signer is None and not texts["ground"]:
        errors["ground"] = gettext("Write who signed and on what ground.")
    language = form.get(before + "language", "")
    if language and language not in LANGUAGES:
        raise BadRequest()
    scan = files[before + "scan"].read(LARGEST_SCAN + 1) if before + "scan" in files else b""
    if len(scan) > LARGEST_SCAN:
        errors["scan"] = gettext("The file is too large; the largest is %(size)s.", size=size(LARGEST_SCAN))
    elif scan and not kind_of(scan):
        errors["scan"] = gettext("Only PDF, JPEG and PNG files are kept.")
    if errors or start is None:
        return None, {before + name: sentence for name, sentence in errors.items()}
    signed = Signed(
        purposes, start, None if until is None else until + 1, signer, texts["ground"], texts["document"], language,
        scan,
    )  # fmt: skip
    return signed, {}


def newcomer(
    form: MultiDict[str, str], files: Files, today: int, before: str = ""
) -> tuple[Newcomer, Errors]:
    """A new person and the consent the person signed; ``before`` stands before the names of the fields.

    The fields of the consent have ``consent_`` before their names, too.

    Without a day of signature there is no consent, and then no name either.
    """
    errors: Errors = {}
    surname, given_name, patronymic, phone = names = [form.get(before + name, "").strip() for name in NAMES]
    for name, text in zip(NAMES, names, strict=True):
        if len(text) > (BY_NAME["person"].by_name[name].max_length or 0):
            errors[before + name] = gettext("This is too long.")
    consent = None
    signed = before + "consent_"
    if form.get(signed + "valid_from", "").strip():
        consent, wrong = read(form, files, today, signed, own=True)
        errors |= wrong
    elif any(names):
        errors[signed + "valid_from"] = gettext("A name comes with a signed consent alone: write its day.")
    sex = form.get(before + "sex", "")
    if sex not in SEX:
        errors[before + "sex"] = gettext("Fill this in.")
    return Newcomer(sex, surname, given_name, patronymic, phone, consent=consent), errors


def day(text: str) -> int | None:
    """A day on which a consent may begin or end; None when it is none."""
    return day_for(_TABLE.by_name["valid_from"], text)
