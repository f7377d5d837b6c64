"""From what a browser sends to classes, subject groups and places in them."""

from __future__ import annotations

from collections.abc import Mapping

from node.classes.actions import ClassDraft, GroupDraft
from node.fields import of_rows
from node.fields import whole as whole
from shared.dates import parse_day


def day(form: Mapping[str, str], name: str = "day") -> int:
    """A date as browsers send it. InvalidValue."""
    return parse_day(form.get(name, ""))


def class_draft(form: Mapping[str, str]) -> ClassDraft:
    """A class; its letter is a capital. BadRequest."""
    return ClassDraft(
        grade=whole(form.get("grade")) or 0,
        letter=form.get("letter", "").strip().upper(),
        language=form.get("language", ""),
        shift=whole(form.get("shift")) or 1,
        week_days=whole(form.get("week_days")) or 5,
        teacher=whole(form.get("teacher")),
        room=whole(form.get("room")),
        combined=whole(form.get("combined")),
    )


def group_draft(form: Mapping[str, str]) -> GroupDraft:
    """What is taught. BadRequest."""
    return GroupDraft(
        subject=whole(form.get("subject")) or 0,
        teacher=whole(form.get("teacher")),
        hours_week=whole(form.get("hours_week")),
        scale=whole(form.get("scale")),
        name=form.get("name", "").strip(),
    )


def places(form: Mapping[str, str]) -> dict[int, int | None]:
    """Pupil -> the subgroup chosen for the pupil; None for none. BadRequest."""
    return {pupil: whole(text) for pupil, text in of_rows(form, "pupil-")}
