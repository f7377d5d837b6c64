"""From what a browser sends to classes, subject groups and places in them."""

from __future__ import annotations

from collections.abc import Mapping

from node.classes.actions import ClassDraft, GroupDraft
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


def day(form: Mapping[str, str], name: str = "day") -> int:
    """A date as browsers send it. InvalidValue."""
    return parse_day(form.get(name, ""))


def class_draft(form: Mapping[str, str]) -> ClassDraft:
    """A class; its letter is a capital. BadRequest."""
    return ClassDraft(
        grade=whole(form, "grade") or 0,
        letter=form.get("letter", "").strip().upper(),
        language=form.get("language", ""),
        shift=whole(form, "shift") or 1,
        week_days=whole(form, "week_days") or 5,
        teacher=whole(form, "teacher"),
        room=whole(form, "room"),
        combined=whole(form, "combined"),
    )


def group_draft(form: Mapping[str, str]) -> GroupDraft:
    """What is taught. BadRequest."""
    return GroupDraft(
        subject=whole(form, "subject") or 0,
        teacher=whole(form, "teacher"),
        hours_week=whole(form, "hours_week"),
        scale=whole(form, "scale"),
        name=form.get("name", "").strip(),
    )


def places(form: Mapping[str, str]) -> dict[int, int | None]:
    """Pupil -> the subgroup chosen for the pupil; None for none. BadRequest."""
    found: dict[int, int | None] = {}
    for name in form:
        if name.startswith("pupil-"):
            if not name[6:].isdigit():
                raise BadRequest()
            found[int(name[6:])] = whole(form, name)
    return found
