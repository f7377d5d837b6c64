"""What the pages of the journal share: who reads and writes, the lesson and the term an address names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import request

from node import access
from node.journal import forms, queries
from node.journal.desk import teaches
from node.journal.queries import Cell, Place
from node.people.queries import class_name, number_of
from node.reading.noting import noted, noted_list
from node.request import database
from shared.dates import parse_day
from shared.i18n import current_language, gettext, row_name
from shared.indicators import value_label
from shared.problems import InvalidValue, NotAllowed, NotFound
from shared.web import minute_of_day as minute_of_day
from shared.web import today as today
from shared.web import visitor

READ = access.RESULTS
WRITE = access.TEACHING


def place_of(group_id: int, day: str, period: int) -> Place:
    try:
        return Place(group_id, parse_day(day), period)
    except InvalidValue as error:
        raise NotFound() from error


def untaken(lesson: Mapping[str, Any]) -> bool:
    """Has the lesson begun, and has nobody said that attendance was taken?"""
    begun = lesson["day"] < today() or (
        lesson["day"] == today() and (lesson["start"] or 0) <= minute_of_day()
    )
    return begun and not lesson["taken"]


def require_readable(group_id: int, class_id: int, lesson: Mapping[str, Any] | None = None) -> None:
    """NotAllowed unless the visitor reads the whole school, leads the class, or teaches the group (or this lesson)."""
    db, who = database(), visitor()
    if who.has(*access.ALL_RESULTS) or class_id in access.led_classes(db, who):
        return
    if group_id in access.taught_groups(db, who):
        return
    if lesson is None or not teaches(lesson, who.person):
        raise NotAllowed()


def gives_reasons(class_group: int) -> bool:
    """Does the visitor say why someone was away: as who leads the class?"""
    return class_group in access.led_classes(database(), visitor())


def note_reading(row: Mapping[str, Any], pupil: int | None = None) -> None:
    """Note that the visitor reads the journal of a group or lesson, or of one pupil, that others teach and lead."""
    who = visitor()
    if not who.has(*access.ALL_RESULTS):
        return
    mine = teaches(row, who.person) if "substitute" in row else row["teacher"] == who.person
    if mine or row["class_group"] in access.led_classes(database(), who):
        return
    if pupil is not None:
        noted("read", "journal", pupil)
    else:
        noted_list("journal", title_of(row), row["class_group"])


def title_of(row: Mapping[str, Any]) -> str:
    """Class and subject of a group or lesson."""
    return f"{class_name(row['grade'], row['letter'])}, {row_name(row)}"


def drawing_of(
    cells: Mapping[tuple[int, int, int], Cell],
    letters: Mapping[str, str],
    by: queries.Rule | None = None,
    struck: Iterable[queries.Correction] = (),
) -> forms.Drawing:
    """With what cells are drawn; ``struck`` are other late changes whose authors are told."""
    db = database()
    authors = {one.author for cell in cells.values() for one in cell.corrections if one.author}
    authors |= {one.author for one in struck if one.author}
    names = dict(queries.named(db, authors, today())) if authors else {}
    outside = gettext("Outside the scale; correct it")
    return forms.Drawing(letters, by.weights if by else {}, names, outside)


def group_of(group_id: int) -> Mapping[str, Any]:
    found = queries.group(database(), group_id)
    if found is None:
        raise NotFound()
    require_readable(group_id, found["class_group"])
    return found


def other_group(group: Mapping[str, Any], other: int) -> str:
    """What another group of the subject is called on a page of a group: its class, or in one class its part."""
    found = queries.group(database(), other) or {}
    own = found.get("class_group") == group["class_group"] and found.get("part")
    return str(own or class_name(found.get("grade"), found.get("letter")))


def chosen_term(terms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The term asked for, else that of today, else the last that has begun, else the first."""
    chosen = request.args.get("term", type=int)
    quarters = [t for t in terms if t["kind"] in ("quarter", "period")]
    begun = [t for t in quarters if t["start"] <= today()]
    fallback = begun[-1] if begun else next(iter(terms), None)
    return next((t for t in terms if t["id"] == chosen), fallback)


def values(scale: queries.Scale | None) -> list[int]:
    """The marks of a scale as a choice offers them, the best first; none where nobody is marked."""
    return list(range(scale.high, scale.low - 1, -1)) if scale else []


def label(term: Mapping[str, Any]) -> str:
    kind, number = term["kind"], term["number"]
    return value_label("term", f"{kind}-{number}" if number else kind, current_language())


def about_pupil(group: Mapping[str, Any], term: Mapping[str, Any], pupil_id: int) -> dict[str, Any]:
    """What a page about a pupil's term in a group says of all three; the reading is noted.

    NotFound: the pupil was not in the group then.
    """
    if pupil_id not in queries.members(database(), group["id"], term["start"], term["end"]):
        raise NotFound()
    note_reading(group, pupil_id)
    return {
        "group": group,
        "name": class_name(group["grade"], group["letter"]),
        "subject": row_name(group),
        "term": term,
        "label": label,
        "pupil": queries.person_name(database(), pupil_id, today()),
        "number": number_of(pupil_id),
    }
