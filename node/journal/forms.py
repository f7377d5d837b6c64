"""From what a browser sends to changes of the journal, and back to what a cell shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from node.journal.actions import Change, Result
from node.journal.queries import SLOTS, Cell
from shared.problems import BadRequest


def whole(text: str | None) -> int | None:
    """A number as a browser sends it; None for an empty field. BadRequest."""
    if text is None or not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest() from error


def one_change(form: MultiDict[str, str]) -> Change:
    """A single change as the script sends it; the first ``seen`` was shown, others were sent before. BadRequest."""
    field, value = form.get("field", ""), form.get("value", "")
    seen, *own = form.getlist("seen") or [""]
    pupil, slot = whole(form.get("pupil")) or 0, whole(form.get("slot")) or 0
    if field == "mark":
        kind, known = whole(form.get("kind")), tuple(whole(text) for text in own)
        return Change("mark", whole(value), whole(seen), pupil, slot, kind, known)
    if field == "status":
        return Change("status", value or "present", seen or "present", pupil, own=tuple(own))
    if field == "taken":
        return Change(
            "taken", whole(value) or 0, whole(seen) or 0, own=tuple(whole(text) or 0 for text in own)
        )
    if field in ("topic", "homework"):
        return Change("topic" if field == "topic" else "homework", value.strip(), seen, own=tuple(own))
    raise BadRequest()


def lesson_changes(form: Mapping[str, str], pupils: Iterable[int]) -> list[Change]:
    """Every difference between the page as it was shown and the form as it was sent. BadRequest."""
    kind = whole(form.get("kind"))
    found: list[Change] = [
        Change("topic", form.get("topic", "").strip(), form.get("seen-topic", "")),
        Change("homework", form.get("homework", "").strip(), form.get("seen-homework", "")),
        Change("taken", int("taken" in form), whole(form.get("seen-taken")) or 0),
    ]
    for pupil in pupils:
        status = form.get(f"status-{pupil}")
        if status is not None:
            found.append(Change("status", status, form.get(f"seen-status-{pupil}", "present"), pupil))
        for slot in SLOTS:
            name = f"mark-{pupil}-{slot}"
            if name in form:
                mark = Change("mark", whole(form[name]), whole(form.get(f"seen-{name}")), pupil, slot, kind)
                found.append(mark)
    return [change for change in found if change.value != change.seen]


def results(form: Mapping[str, str], pupils: Iterable[int]) -> list[Result]:
    """The results of the pupils whose line was filled. BadRequest."""
    found = []
    for pupil in pupils:
        outcome = form.get(f"result-{pupil}", "")
        if not outcome:
            continue
        assessed = outcome.lstrip("-").isdigit()
        found.append(
            Result(
                pupil=pupil,
                value=whole(outcome) if assessed else None,
                status="assessed" if assessed else outcome,
                reason=form.get(f"reason-{pupil}", ""),
                seen=_seen(form.get(f"seen-{pupil}", "")),
            )
        )
    return found


def _seen(text: str) -> tuple[int | None, str] | None:
    if not text:
        return None
    return (whole(text), "assessed") if text.isdigit() else (None, text)


def shown(value: int | str | None) -> str:
    """A value as a form holds it."""
    return "" if value is None else str(value)


EMPTY_CELL = Markup("<td></td>")
OUT = Markup('<td class="out"></td>')


def row_of_cells(cells: Iterable[Cell | None], words: Mapping[str, str]) -> Markup:
    """The cells of a grid's row; None where the pupil does not belong to the group. A term holds a thousand of them.

    ``words`` are the letters for absent and late.
    """
    return Markup("").join(_cell(cell, words) for cell in cells)


def _cell(cell: Cell | None, words: Mapping[str, str]) -> Markup:
    if cell is None:
        return OUT
    if not cell.marks and cell.status == "present":
        return EMPTY_CELL
    marks = {name: cell.value(slot) for name, slot in zip(("m", "n"), SLOTS, strict=True)}
    told: dict[str, object] = {f"data-{name}": value for name, value in marks.items() if value is not None}
    if cell.status != "present":
        told |= {"class": cell.status, "data-s": cell.status}
    if cell.comment:
        told["title"] = cell.comment
    shown_marks = "/".join(str(value) for value in marks.values() if value is not None)
    text = " ".join(part for part in (words.get(cell.status, ""), shown_marks) if part)
    attributes = Markup("").join(Markup(' {}="{}"').format(name, value) for name, value in told.items())
    return Markup("<td{}>{}</td>").format(attributes, text)
