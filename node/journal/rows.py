"""Markup that a page holds hundreds of, joined here and not in a template: a grid's cells, the buttons of marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from node.journal import forms, queries
from node.journal.queries import Cell
from node.people.queries import number_of
from shared.i18n import current_language, gettext, in_list
from shared.report import EMPTY, decimal, decimal_point

LOWEST_KEY = 2
"""On a scale up to five the mark 1 is rare: it can be typed and is kept, and has no button."""
MOST_KEYS = 6
_NOTHING = queries.Standing(None, None)
Given = Mapping[int, queries.Result]
"""Results by pupil."""


@dataclass(frozen=True)
class Days:
    """Today, the first day that may be changed without a reason, the days of locked periods."""

    today: int
    edit_from: int
    shut: Collection[int]


@dataclass(frozen=True)
class Columns:
    """The lessons of a term as the grid's head and the facing page draw them; ``address`` is that of a lesson but for
    its day and period, ``away`` tells who is noted absent where attendance is not taken yet, ``kinds`` what
    kind of work the next mark will be of, ``struck`` the topics and homework that were changed late.
    """

    lessons: Sequence[queries.Column]
    address: str
    days: Days
    away: Mapping[queries.Place, Collection[int]]
    kinds: Mapping[tuple[int, int], int | None]
    struck: Mapping[tuple[int, int], Sequence[queries.Correction]]
    drawing: forms.Drawing

    def heads(self) -> Markup:
        """A head cell for each lesson: its date, and whether it is old, locked, today's or without attendance."""
        no_topic, locked = escape(gettext("No topic yet")), escape(gettext("Locked period"))
        lock = f'<span class="lock" title="{locked}"><span class="seen-by-ear">{locked}</span></span>'
        untaken = escape(gettext("Attendance not taken"))
        dot = f'<span class="dot" title="{untaken}"><span class="seen-by-ear">{untaken}</span></span>'
        found = []
        for one in self.lessons:
            day, topic = one.place.day, escape(one.topic) if one.topic else no_topic
            is_shut, now = day in self.days.shut, ' class="today"' if day == self.days.today else ""
            away = self.away.get(one.place)
            noted = f' data-away="{" ".join(map(str, away))}"' if away else ""
            kind = self.kinds.get((day, one.place.period))
            of_kind = f' data-kind="{kind}"' if kind else ""
            found.append(
                f'<th scope="col" data-at="{one.at}"{of_kind}{" data-old" if day < self.days.edit_from else ""}'
                f"{' data-locked' if is_shut else ''}{noted}{now}>"
                f'<a href="{self.address}{one.at}" title="{topic}">{one.date}</a>'
                f"{lock if is_shut else ''}{'' if one.taken else dot}</th>\n"
            )
        return Markup("".join(found))

    def lines(self, planned: Mapping[queries.Place, Mapping[str, Any]]) -> Markup:
        """A line of topic and homework for each lesson; where there is no topic yet, that of the plan."""
        from_plan, found = escape(gettext("From the plan:")), []
        for one in self.lessons:
            told, due = "", planned.get(one.place)
            topic: str = escape(one.topic)
            if due:
                topic = f'<span class="due">{from_plan} {escape(due["topic"])}</span>'
                told = f' data-topic="{escape(due["topic"])}"'
                told += f' data-homework="{escape(due["homework"])}"' if due["homework"] else ""
            found.append(
                f'<tr{told}><th scope="row"><a href="{self.address}{one.at}">{one.date}</a></th>'
                f"<td{self._struck(one, 'topic')}>{topic}</td>"
                f"<td{self._struck(one, 'homework')}>{escape(one.homework)}</td></tr>\n"
            )
        return Markup("".join(found))

    def _struck(self, lesson: queries.Column, name: str) -> str:
        """What a late change replaced stands before the line, and why, who and when is told with it."""
        late = self.struck.get((lesson.place.day, lesson.place.period), ())
        some = [one for one in late if one.field == name]
        if not some:
            return ""
        old = " · ".join(one.old for one in some)
        return f' data-struck="{escape(old)}" title="{escape("; ".join(map(self.drawing.told, some)))}"'


@dataclass(frozen=True)
class Term:
    """What a group has in a term: its lessons, cells by (day, period, pupil), standings, results of this term and of
    others; ``there`` tells on which days of its lessons a pupil belongs to the group, ``explained`` is the address of
    how an average came about but for the pupil's number, ``kinds`` what the heads tell of the kinds of work,
    ``brought`` what the marks that pupils brought along weigh: sum of mark times weight, weights, how many.
    """

    group: Mapping[str, Any]
    columns: Sequence[queries.Column]
    cells: Mapping[tuple[int, int, int], Cell]
    there: Callable[[int], frozenset[int]]
    standings: Mapping[int, queries.Standing]
    given: Given
    others: Sequence[Given]
    explained: str
    kinds: Mapping[tuple[int, int], int | None]
    brought: Mapping[int, tuple[int, int, int]]


def body(pupils: Iterable[tuple[int, str]], term: Term, drawing: forms.Drawing) -> Markup:
    """A row for each pupil: name, a cell for each lesson, average and proposed mark, the results."""
    places = [(column.place.day, column.place.period) for column in term.columns]
    point = decimal_point(current_language())
    at = {place: number for number, place in enumerate(places)}
    filled: dict[int, list[tuple[int, Cell]]] = {}
    usual = [term.kinds.get(place) for place in places]
    for (day, period, pupil), one in term.cells.items():
        if (number := at.get((day, period))) is not None:
            filled.setdefault(pupil, []).append((number, one))
    at_average = escape(term.explained)
    words = {"na": str(escape(gettext("n/a"))), "exempt": str(escape(gettext("ex.")))}
    former = escape(gettext("from the former school"))
    words["former"] = f'<sup title="{former}">*<span class="seen-by-ear"> {former}</span></sup>'
    # Most cells are empty: a row begins so, and what a pupil has is put in.
    blank, always = [forms.EMPTY_CELL] * len(places), len({day for day, _ in places})
    found = []
    for line, (pupil, name) in enumerate(pupils, 1):
        label = name or gettext("No. %(number)s, no name recorded", number=number_of(pupil))
        on = term.there(pupil)
        cells = blank.copy()
        for number, one in filled.get(pupil, ()):
            cells[number] = forms.cell(one, drawing, usual[number])
        if len(on) < always:
            cells = [cell if day in on else forms.OUT for cell, (day, _) in zip(cells, places, strict=True)]
        now = term.standings.get(pupil, _NOTHING)
        average = EMPTY if now.average is None else decimal(now.average, 2, point)
        proposed = words["na"] if now.proposed is None else now.proposed
        results = "".join(
            [
                f'<td class="sum">{_result(given.get(pupil), words, term.group)}</td>'
                for given in (term.given, *term.others)
            ]
        )
        found.append(
            f'<tr data-pupil="{pupil}"{_brought(term.brought.get(pupil))}>'
            f'<th scope="row"><span class="place">{line}</span> {escape(label)}</th>\n'
            f'{"".join(cells)}\n<td class="sum" data-average><a href="{at_average}{pupil}">{average}</a></td>'
            f'<td class="sum" data-proposed>{proposed}</td>{results}</tr>\n'
        )
    # Every piece is escaped already; joined as plain text they are not looked at a second time.
    return Markup("".join(found))


def _brought(sums: tuple[int, int, int] | None) -> str:
    """What the script adds to the marks of a row."""
    return "" if sums is None else f' data-brought="{" ".join(map(str, sums))}"'


def _result(given: queries.Result | None, words: Mapping[str, str], group: Mapping[str, Any]) -> object:
    """A result as the sheet shows it: the mark, not assessed, exempt, or nothing yet; below it from where it came."""
    if given is None:
        return ""
    shown = given.value if given.value is not None else words.get(given.status, "")
    if given.former:
        shown = f"{shown}{words['former']}"
    came = queries.whence(given, (group["class_group"],), group["id"])
    return f'{shown}<small class="under">{escape(came)}</small>' if came else shown


@dataclass(frozen=True)
class Key:
    """A button of a choice: what it sends, what stands on it, what is heard where that says too little, its look."""

    value: object
    text: str
    told: str = ""
    look: str = ""

    def markup(self, name: str, chosen: bool) -> str:
        """The button in the choice of a name."""
        look = f"key {self.look}" if self.look else "key"
        told = f' aria-label="{escape(self.told)}"' if self.told else ""
        return (
            f'<label class="{look}"><input type="radio" name="{name}" value="{escape(self.value)}"{told}'
            f"{' checked' if chosen else ''}><span>{escape(self.text)}</span></label>"
        )


def choice(keys: Sequence[Key]) -> Callable[[str, object], Markup]:
    """What makes the buttons of a choice by its name and what is chosen; a chosen mark without a button gets one."""

    def buttons(name: str, chosen: object) -> Markup:
        shown = list(keys)
        if all(one.value != chosen for one in keys):
            shown.insert(1, Key(chosen, str(chosen)))
        return Markup("".join([one.markup(name, one.value == chosen) for one in shown]))

    return buttons


def status_keys(letters: Sequence[str]) -> list[Key]:
    """Present, absent, late: the letters of the school with what they mean."""
    there, absent, late = (in_list(one, "attendance_status") for one in ("present", "absent", "late"))
    return [
        Key("present", there, look="none"),
        Key("absent", letters[0], absent, "away"),
        Key("late", letters[1], late, "late"),
    ]


def marks_with_keys(scale: queries.Scale | None) -> list[int]:
    """The marks that have a button each; none when the scale has too many for that."""
    marks = range(max(scale.low, LOWEST_KEY), scale.high + 1) if scale else ()
    return list(marks) if len(marks) <= MOST_KEYS else []


def mark_keys(marks: Sequence[int]) -> list[Key]:
    """No mark, and each of the marks that have a button."""
    no_mark = gettext("No mark")
    return [Key("", EMPTY, no_mark, "none"), *(Key(mark, str(mark)) for mark in marks)]
