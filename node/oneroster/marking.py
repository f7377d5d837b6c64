"""The results of a roster as marks of lessons and of terms, by the rules of the journal: who teaches enters them.

They are taken on the scale of the group alone. A line item of Mektep names its lesson; that of another system is the
first of its day that no earlier line item of the file has taken, then the second places of the cells. A line item whose
category is that of term marks, by Mektep's key or by its title, is the result of the term in which its session lies; a
comment is then the reason why it differs from what the rule proposes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from node.importing.checks import MarkRules
from node.importing.values import Unreadable, number, whole
from node.journal import proposals
from node.journal import queries as journal
from node.journal.queries import SLOTS, Place, Scale
from node.journal.sheet import Result, Sheet, open_results
from node.oneroster.binding import plain
from node.oneroster.gradebook import GRADED, OF_LESSON, OF_TERM
from node.oneroster.package import Line
from node.oneroster.taking import OWN_SYSTEM, UNKNOWN, Taking
from node.unnamed import Names, last_change
from shared.access import Visitor
from shared.i18n import folded
from shared.problems import (
    N_,
    AccessProblem,
    InputProblem,
    NameWithoutConsent,
    NoLesson,
    ReasonNeeded,
    WithoutMarks,
)
from shared.schema import BY_NAME, Value

MARK, TERM_RESULT = BY_NAME["mark"], BY_NAME["term_result"]
TERM_TITLES = frozenset(
    folded(title)
    for title in (
        "Term mark", "Term grade", "Quarter mark", "Quarter grade", "Final grade", "Оценка за период",
        "Четвертная оценка", "Оценка за четверть", "Четвертные оценки", "Итоговая оценка", "Мезгилдик баа",
        "Чейректик баа",
    )
)  # fmt: skip
"""What a category of term marks is called by Mektep and by others."""
LESSON_TERMS = ("quarter", "period", "half")
STATUSES = ("exempt", GRADED, "not submitted", "partially graded", "submitted")
NOT_TAUGHT = N_("Marks of lessons that you do not teach, passed over")
NOT_GRADED = N_("Results without a mark, passed over")
TAKEN_BACK = N_("Marks that the file takes back, passed over: that is done in the journal")
OTHER_KIND = N_("Kinds of work that are not known here; the first kind of the list stands for them")
NO_GROUP = N_("Marks are given in a subject group, not in a class as a whole.")
OTHER_SCALE = N_("The marks are on another scale: {low} to {high}. Here they go from {lowest} to {highest}.")
NO_ROOM = N_("The file has more marks for this day than its lessons have places.")
SECOND_COMMENTS = N_("Comments on second marks of a cell, passed over")
_OWN_TERM = re.compile(rf"{OF_TERM}-\d+-(\d+)")
_OWN_ITEM = re.compile(rf"{OF_LESSON}-\d+-\d{{4}}-\d\d-\d\d-(\d{{1,2}})-(\d)-\d+")


@dataclass(frozen=True)
class Work:
    """What was marked: a place in the cells of a lesson, its kind and scale."""

    place: Place
    slot: int
    kind: int
    scale: Scale


@dataclass(frozen=True)
class TermWork:
    """The results of a group's term, to be given."""

    sheet: Sheet


@dataclass
class Marking:
    """Line items and results, taken in for the visitor who gives the file.

    ``reason``: why a term's mark is as it is, where the school has no marks of its lessons to propose one from.
    """

    t: Taking
    who: Visitor
    reason: str
    works: dict[str, Work | TermWork] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    """Line item -> why the marks of it are passed over."""
    _used: dict[tuple[int, int], set[tuple[int, int]]] = field(default_factory=dict)
    _of_terms: set[str] = field(default_factory=set)
    """Categories of term marks."""
    _sessions: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Session -> its type, first and last day."""
    _sheets: dict[tuple[int, int], Sheet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Names(self.t.db, self.t.today, last_change(self.t.db))

    def results(self) -> None:
        t = self.t
        kinds = self._kinds()
        for line in t.package.lines.get("academicSessions", ()):
            start, end = t.date(line, "startDate"), t.date(line, "endDate")
            if start is not None and end is not None:
                self._sessions[line.id] = (line["type"], start, end - 1)
        # What names its lesson has its place before the others are given theirs.
        for line in sorted(t.lines("lineItems"), key=lambda one: (self._own(one) is None, one.id)):
            self._line_item(line, kinds)
        rules = MarkRules(self.who, t.today, t.choice.reason)
        for line in t.results(self._is_wanted):
            work = self._work_of(line)
            pupil = t.row("users", line["studentSourcedId"])
            if work is None or pupil is None:
                if work is not None:
                    t.missing(line, "studentSourcedId", "users")
                continue
            try:
                value = whole(number(line["score"]))
                if isinstance(work, TermWork):
                    self._give(line, work.sheet, pupil, value)
                else:
                    self._mark(line, work, pupil, value, rules)
            except Unreadable as problem:
                t.flaw(line, "score", problem.template, **problem.details)

    def _is_wanted(self, line: Line) -> bool:
        """Is a result to be looked at? Those of others, which are most of a file, are counted and passed over."""
        why = self.passed.get(line["lineItemSourcedId"]) or (TAKEN_BACK if line.deleted else "")
        if not why and line["scoreStatus"] in STATUSES and line["scoreStatus"] != GRADED:
            why = NOT_GRADED
        if why:
            self.t.notices[why] += 1
            self.t.passed += 1
        return not why

    def _work_of(self, line: Line) -> Work | TermWork | None:
        """What a result is a mark of; errors where that or the word of its status is not known."""
        if not self.t.word(line, "scoreStatus", STATUSES):
            return None
        work = self.works.get(line["lineItemSourcedId"])
        if work is None:
            self.t.missing(line, "lineItemSourcedId", "lineItems")
        return work

    def _mark(self, line: Line, work: Work, pupil: int, value: int, rules: MarkRules) -> None:
        """A mark of a lesson, with its comment if it is the first of its cell."""
        t, comment = self.t, plain(line["comment"])
        if comment and work.slot:
            t.notices[SECOND_COMMENTS] += 1
            comment = ""
        row = {**work.place.key, "pupil": pupil, "slot": work.slot}
        told: dict[str, Value] = {"value": value, "kind": work.kind, "scale": work.scale.id}
        if comment:
            told["comment"] = comment
        key = tuple(row[name] for name in MARK.key)
        if not t.books.writes("mark", *key):
            t.books.put("mark", key, **told)
            return
        try:
            rules.check(t.books.w, MARK, {**row, **told})
        except (InputProblem, AccessProblem) as problem:
            t.flaw(line, "score", problem.template, **problem.details)
            return
        if self._names_nobody(line, "mark", told):
            with t.listing(line):
                t.books.put("mark", key, **told)
                if t.books.outcomes["mark", key] != "unchanged":
                    found = rules.beside(t.books.w, MARK, {**row, **told})
                    t.books.beside(one for one in found if self._names_nobody(line, *one))

    def _names_nobody(self, line: Line, table: str, values: Mapping[str, Value]) -> bool:
        """May the texts stand? An error where one names someone who may not be named."""
        try:
            self.names.check(table, values)
        except NameWithoutConsent as problem:
            column = "comment" if table in ("mark", "term_result") else str(problem.details["column"])
            self.t.flaw(line, column, problem.template, **problem.details)
            return False
        return True

    def _give(self, line: Line, sheet: Sheet, pupil: int, value: int) -> None:
        """The result of a term, as its teacher gives it; a comment is the reason."""
        t = self.t
        nothing = sheet.by_rule.get(pupil, proposals.NOTHING).proposed is None
        reason = plain(line["comment"]) or (self.reason if nothing else "")
        one = Result(pupil, value, "assessed", reason, sheet.stands(pupil))
        key = (sheet.group, pupil, sheet.term)
        t.books.w.foresee(TERM_RESULT, key)
        if one.seen == (value, "assessed"):
            t.books.put("term_result", key)
            return
        if not t.books.writes("term_result", *key):
            t.books.put("term_result", key, value=value)
            return
        try:
            sheet.require_open()
            one = self._reasoned(sheet, one)
            sheet.require_ended()
        except ReasonNeeded as problem:
            t.flaw(line, "comment", problem.template)
        except InputProblem as problem:
            t.flaw(line, "score", problem.template, **problem.details)
        else:
            row = {name: value for name, value in sheet.row(one).items() if name not in TERM_RESULT.key}
            if self._names_nobody(line, "term_result", row):
                with t.listing(line):
                    t.books.put("term_result", key, **row)

    def _reasoned(self, sheet: Sheet, one: Result) -> Result:
        """A result with the reason it needs, that of the whole file where it has none. ReasonNeeded."""
        try:
            sheet.check(one)
        except ReasonNeeded:
            if not self.t.choice.reason:
                raise
            one = replace(one, reason=self.t.choice.reason)
            sheet.check(one)
        return one

    def _kinds(self) -> dict[str, int]:
        """Category -> kind of work: by its key if it is ours, by its name or code."""
        known = journal.work_kinds(self.t.db)
        by_name = {
            folded(str(one[column])): one["id"]
            for one in reversed(known)
            for column in ("code", "name_en", "name_ru", "name_ky")
            if one[column]
        }
        own = {f"kind-{one['id']}": one["id"] for one in known if self._is_ours(one["id"])}
        found = {}
        for line in self.t.lines("categories"):
            if folded(line["title"]) in TERM_TITLES or (line.id == OF_TERM and self._is_mekteps()):
                self._of_terms.add(line.id)
            kind = own.get(line.id) or by_name.get(folded(line["title"]))
            if kind is not None:
                found[line.id] = kind
        return {**own, **found, "": known[0]["id"]}

    def _is_mekteps(self) -> bool:
        return self.t.package.system == OWN_SYSTEM

    def _is_ours(self, row: int) -> bool:
        """Does a key of Mektep mean this row here: our own, or one that ships with the product?"""
        return self._is_mekteps() and (self.t.own or row >> 32 == 0)

    def _own(self, line: Line) -> tuple[int, int] | None:
        """Period and place in the cell that a line item of Mektep names."""
        found = _OWN_ITEM.fullmatch(line.id) if self._is_mekteps() else None
        return (int(found[1]), int(found[2])) if found else None

    # ---- line items

    def _line_item(self, line: Line, kinds: Mapping[str, int]) -> None:
        t = self.t
        if line.deleted:
            self.passed[line.id] = TAKEN_BACK
            return
        target = t.stands_for("classes", line["classSourcedId"])
        day = t.date(line, "dueDate") if line["dueDate"] else t.date(line, "assignDate")
        if target is None:
            t.missing(line, "classSourcedId", "classes")
        elif target[0] != "subject_group":
            t.flaw(line, "classSourcedId", NO_GROUP)
        elif line["categorySourcedId"] in self._of_terms:
            self._term_item(line, target[1], day)
        elif day is None:
            t.flaw(line, "dueDate", UNKNOWN, text=line["dueDate"])
        else:
            self._work(line, target[1], day, kinds)

    def _work(self, line: Line, group: int, day: int, kinds: Mapping[str, int]) -> None:
        t = self.t
        at = self._own(line) or self._free(group, day)
        lesson = journal.lesson(t.db, Place(group, day, at[0])) if at else None
        scale = journal.scale_of(t.db, group)
        if at is None and self._used.get((group, day)):
            t.flaw(line, "dueDate", NO_ROOM)
        elif at is None or lesson is None:
            t.flaw(line, "dueDate", NoLesson.template)
        elif self.who.person is None or self.who.person not in (lesson["own_teacher"], lesson["substitute"]):
            self.passed[line.id] = NOT_TAUGHT
        elif scale is None:
            t.flaw(line, "classSourcedId", WithoutMarks.template)
        elif not self._on_scale(line, scale):
            self._flaw_scale(line, scale)
        else:
            category = line["categorySourcedId"]
            if category not in kinds:
                t.notices[OTHER_KIND] += 1
            self._used.setdefault((group, day), set()).add(at)
            self.works[line.id] = Work(Place(group, day, at[0]), at[1], kinds.get(category, kinds[""]), scale)

    # ---- line items of terms

    def _term_item(self, line: Line, group: int, day: int | None) -> None:
        t = self.t
        row = journal.group(t.db, group)
        term = self._term(line, row, day) if row else None
        scale = journal.scale_of(t.db, group)
        if row is None or self.who.person is None or row["teacher"] != self.who.person:
            self.passed[line.id] = NOT_TAUGHT
        elif term is None:
            column = "academicSessionSourcedId"
            t.flaw(line, column, UNKNOWN, text=line[column] or line["dueDate"])
        elif scale is None:
            t.flaw(line, "classSourcedId", WithoutMarks.template)
        elif not self._on_scale(line, scale):
            self._flaw_scale(line, scale)
        else:
            place = (group, term["id"])
            if place not in self._sheets:
                self._sheets[place] = open_results(t.db, *place, self.who.person, t.today)
            self.works[line.id] = TermWork(self._sheets[place])

    def _term(self, line: Line, group: Mapping[str, Any], day: int | None) -> Mapping[str, Any] | None:
        """The term that a line item is of: by Mektep's key, by the days of its session, by its own day."""
        terms = journal.result_terms(self.t.db, group["year"], group["grade"])
        own = _OWN_TERM.fullmatch(line.id) if self._is_mekteps() else None
        if own and self._is_ours(int(own[1])):
            return next((term for term in terms if term["id"] == int(own[1])), None)
        kind, start, end = self._sessions.get(line["academicSessionSourcedId"], ("", 0, -1))
        if kind == "schoolYear":
            return next((term for term in terms if term["kind"] == "year"), None)
        lessons = [term for term in terms if term["kind"] in LESSON_TERMS]
        if kind:
            shared = {term["id"]: min(term["end"], end) - max(term["start"], start) + 1 for term in lessons}
            return next(
                (
                    term
                    for term in lessons
                    if 2 * shared[term["id"]] > max(term["end"] - term["start"], end - start) + 1
                ),
                None,
            )
        begun = [
            term for term in lessons if term["kind"] != "half" and day is not None and term["start"] <= day
        ]
        return max(begun, key=lambda term: term["start"], default=None)

    def _flaw_scale(self, line: Line, scale: Scale) -> None:
        low, high = line["resultValueMin"], line["resultValueMax"]
        self.t.flaw(
            line, "resultValueMax", OTHER_SCALE, low=low, high=high, lowest=scale.low, highest=scale.high
        )

    def _free(self, group: int, day: int) -> tuple[int, int] | None:
        """The first place of the day's lessons that no line item has taken."""
        used = self._used.get((group, day), set())
        periods = [one.place.period for one in journal.columns(self.t.db, group, day, day)]
        places = [(period, slot) for slot in SLOTS for period in periods]
        return next((place for place in places if place not in used), None)

    @staticmethod
    def _on_scale(line: Line, scale: Scale) -> bool:
        """Does a line item name the bounds of the scale, or none?"""
        told = (line["resultValueMin"], scale.low), (line["resultValueMax"], scale.high)
        return all(text in ("", str(bound), f"{bound}.0") for text, bound in told)
