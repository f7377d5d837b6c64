"""From what a browser sends to changes of the journal, and back to what a cell shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import escape
from werkzeug.datastructures import MultiDict

from node.fields import needed
from node.fields import whole as whole
from node.journal.desk import Change
from node.journal.former import Mark
from node.journal.queries import SLOTS, Cell, Correction
from node.journal.sheet import Result
from shared.i18n import day as day_text
from shared.problems import BadRequest


def one_change(form: MultiDict[str, str]) -> Change:
    """A single change as the script sends it; the first ``seen`` was shown, others were sent before. BadRequest."""
    field, value = form.get("field", ""), form.get("value", "")
    seen, *own = form.getlist("seen") or [""]
    pupil, slot = whole(form.get("pupil")) or 0, whole(form.get("slot")) or 0
    if field == "mark":
        kind, usual, known = whole(form.get("kind")), whole(form.get("usual")), tuple(map(whole, own))
        return Change("mark", whole(value), whole(seen), pupil, slot, kind, usual, known)
    if field == "status":
        why = form.get("why", "")
        return Change("status", value or "present", seen or "present", pupil, own=tuple(own), why=why)
    if field == "taken":
        return Change(
            "taken", whole(value) or 0, whole(seen) or 0, own=tuple(whole(text) or 0 for text in own)
        )
    if field == "comment":
        return Change("comment", value.strip(), seen, pupil, own=tuple(own))
    if field in ("topic", "homework"):
        sent = tuple(_lines(line) for line in own)
        return Change(
            "topic" if field == "topic" else "homework", _lines(value).strip(), _lines(seen), own=sent
        )
    raise BadRequest()


def lesson_changes(form: Mapping[str, str], pupils: Iterable[int]) -> list[Change]:
    """Every difference between the page as it was shown and the form as it was sent. BadRequest."""
    usual, chosen = _kinds(form)
    found: list[Change] = [
        Change("topic", _lines(form.get("topic", "")).strip(), _lines(form.get("seen-topic", ""))),
        Change("homework", _lines(form.get("homework", "")).strip(), _lines(form.get("seen-homework", ""))),
        Change("taken", int("taken" in form), whole(form.get("seen-taken")) or 0),
    ]
    for pupil in pupils:
        status = form.get(f"status-{pupil}")
        if status is not None:
            found.append(Change("status", status, form.get(f"seen-status-{pupil}", "present"), pupil))
        for slot in SLOTS:
            name = f"mark-{pupil}-{slot}"
            if name in form:
                seen = whole(form.get(f"seen-{name}"))
                found.append(Change("mark", whole(form[name]), seen, pupil, slot, chosen[slot], usual[slot]))
    return [change for change in found if change.value != change.seen]


def cell_changes(form: Mapping[str, str], pupil: int) -> list[Change]:
    """What the page of one cell changes: its comment, and the kinds of work of the marks that stand. BadRequest."""
    found = [Change("comment", form.get("comment", "").strip(), form.get("seen", ""), pupil)]
    for slot in SLOTS:
        value, kind = whole(form.get(f"mark-{slot}")), whole(form.get(f"kind-{slot}"))
        if value is not None and kind is not None and kind != whole(form.get(f"seen-kind-{slot}")):
            found.append(Change("mark", value, value, pupil, slot, kind))
    return found


def _kinds(form: Mapping[str, str]) -> tuple[tuple[int | None, int | None], tuple[int | None, int | None]]:
    """The kinds of work of a form for the first and the second mark: of new marks, and those chosen by hand.

    The second mark may be of the same kind as the first. BadRequest.
    """
    first = whole(form.get("kind"))
    second = whole(form.get("kind-1"))
    by_hand = [form.get(name) != form.get(f"seen-{name}") for name in ("kind", "kind-1")]
    of_second = by_hand[1] or (second is None and by_hand[0])
    usual = (first, second or first)
    return usual, (usual[0] if by_hand[0] else None, usual[1] if of_second else None)


def _lines(text: str) -> str:
    """A text of several lines, however the browser ends them: a form and the script do not do it alike."""
    return text.replace("\r\n", "\n")


def results(form: Mapping[str, str], pupils: Iterable[int]) -> list[Result]:
    """The results of the pupils whose line was filled. BadRequest."""
    found = []
    for pupil in pupils:
        outcome = _outcome(form.get(f"result-{pupil}", ""))
        if outcome is not None:
            reason = form.get(f"reason-{pupil}", "")
            found.append(Result(pupil, *outcome, reason, _outcome(form.get(f"seen-{pupil}", ""))))
    return found


def former(form: Mapping[str, str]) -> list[Mark]:
    """The results of a report card that were sent, filled or empty. BadRequest."""
    found = []
    for name, outcome in form.items():
        kind, _, place = name.partition("-")
        group, _, term = place.partition("-")
        if kind == "result":
            at = (needed(group), needed(term))
            found.append(Mark(*at, _outcome(outcome), _outcome(form.get(f"seen-{place}", ""))))
    return found


def _outcome(text: str) -> tuple[int | None, str] | None:
    """A chosen result: a mark, or why there is none; None for none."""
    if not text:
        return None
    return (whole(text), "assessed") if text.lstrip("-").isdigit() else (None, text)


def shown(value: int | str | None) -> str:
    """A value as a form holds it."""
    return "" if value is None else str(value)


EMPTY_CELL = "<td></td>"
"""Where nothing stands."""
OUT = '<td class="out"></td>'
"""Where the pupil does not belong to the group."""


@dataclass(frozen=True)
class Drawing:
    """What a grid's cells are drawn with: letters for absent and late, weights of kinds, names of authors; ``outside``
    says what a mark is that is not on its scale.
    """

    letters: Mapping[str, str]
    weights: Mapping[int, int]
    authors: Mapping[int, str]
    outside: str

    def struck(self, one: Correction) -> str:
        """The value that was struck through; empty where nothing stood."""
        return self.letters.get(one.old, "") if one.field == "status" else one.old

    def told(self, one: Correction) -> str:
        """Why, who and when."""
        return " · ".join(
            part
            for part in (one.reason, self.authors.get(one.author or 0, ""), day_text(one.made_on))
            if part
        )


@lru_cache
def _one_mark(value: int, weight: int, kind: str | None) -> str:
    """A cell in which one mark stands alone: its text tells the value; its kind of work is told where it is not the
    lesson's usual one.
    """
    more = f' data-w="{weight}"' if weight != 1 else ""
    more += f' data-k="{kind}"' if kind is not None else ""
    return f"<td{more}>{value}</td>"


@lru_cache
def _away(status: str, letter: str) -> str:
    """A cell in which an absence or a lateness stands alone."""
    return f'<td class="{escape(status)}" data-s="{escape(status)}">{escape(letter)}</td>'


def cell(cell: Cell, by: Drawing, usual: int | None = None) -> str:
    """A cell's markup, escaped; ``usual`` is the kind of work that the head of its column tells.

    A term holds hundreds: most have a mark or an absence and nothing else, and are made without further looking.
    """
    marks, status = cell.marks, cell.status
    if not cell.corrections:
        if not marks:
            return EMPTY_CELL if status == "present" else _away(status, by.letters.get(status, ""))
        if status == "present" and 0 in marks and len(marks) == 1:
            value, kind, comment, outside = marks[0]
            if value is not None and not comment and not outside:
                other = shown(kind) if usual is not None and kind != usual else None
                return _one_mark(value, by.weights.get(kind or 0, 1), other)
    told: dict[str, object] = {}
    for slot, name, weight_name, kind_name in ((0, "m", "w", "k"), (1, "n", "v", "l")):
        mark = marks.get(slot)
        if mark is not None and mark.value is not None:
            told[f"data-{name}"] = mark.value
            weight = 0 if mark.outside else by.weights.get(mark.kind or 0, 1)
            if weight != 1:
                told[f"data-{weight_name}"] = weight
            if usual is not None and mark.kind != usual:
                told[f"data-{kind_name}"] = shown(mark.kind)
    if cell.status != "present":
        told |= {"class": cell.status, "data-s": cell.status}
    if cell.outside:
        told["class"] = " ".join(filter(None, (cell.status.replace("present", ""), "outside")))
        told["data-x"] = "".join(str(slot) for slot, mark in cell.marks.items() if mark.outside)
    if cell.comment:
        told["data-c"] = cell.comment
    notes = [by.outside if cell.outside else "", cell.comment, *(by.told(one) for one in cell.corrections)]
    if any(notes):
        told["title"] = "; ".join(note for note in notes if note)
    struck = [text for text in map(by.struck, cell.corrections) if text]
    if struck:
        told["data-was"] = " ".join(struck)
    both = "/".join(str(told[name]) for name in ("data-m", "data-n") if name in told)
    text = " ".join(part for part in (by.letters.get(cell.status, ""), both) if part)
    attributes = "".join([f' {name}="{escape(value)}"' for name, value in told.items()])
    old = f"<s>{escape(told['data-was'])}</s> " if struck else ""
    return f"<td{attributes}>{old}{escape(text)}</td>"
