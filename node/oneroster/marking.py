"""The results of a roster as marks of lessons, by the rules of the journal: who teaches a lesson enters its marks.

They are taken on the scale of the group alone. A line item of Mektep names its lesson; that of another system is the
first of its day that no earlier line item of the file has taken, then the second places of the cells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from node.importing.checks import check_marks
from node.importing.values import Unreadable, number, whole
from node.journal import queries as journal
from node.journal.queries import SLOTS, Place, Scale
from node.oneroster.gradebook import GRADED, OF_LESSON, OF_TERM
from node.oneroster.package import Line
from node.oneroster.taking import OWN_SYSTEM, UNKNOWN, Taking
from shared.access import Visitor
from shared.i18n import folded
from shared.problems import N_, AccessProblem, InputProblem, NoLesson, WithoutMarks
from shared.schema import BY_NAME

MARK = BY_NAME["mark"]
STATUSES = ("exempt", GRADED, "not submitted", "partially graded", "submitted")
NOT_TAUGHT = N_("Marks of lessons that you do not teach, passed over")
OF_TERMS = N_("Marks of terms, passed over: the teacher gives them in the journal")
NOT_GRADED = N_("Results without a mark, passed over")
TAKEN_BACK = N_("Marks that the file takes back, passed over: that is done in the journal")
OTHER_KIND = N_("Kinds of work that are not known here; the first kind of the list stands for them")
NO_GROUP = N_("Marks are given in a subject group, not in a class as a whole.")
OTHER_SCALE = N_("The marks are on another scale: {low} to {high}. Here they go from {lowest} to {highest}.")
NO_ROOM = N_("The file has more marks for this day than its lessons have places.")
_OWN_ITEM = re.compile(rf"{OF_LESSON}-\d+-\d{{4}}-\d\d-\d\d-(\d{{1,2}})-(\d)-\d+")


@dataclass(frozen=True)
class Work:
    """What was marked: a place in the cells of a lesson, its kind and scale."""

    place: Place
    slot: int
    kind: int
    scale: Scale


@dataclass
class Marking:
    """Line items and results, taken in for the visitor who gives the file."""

    t: Taking
    who: Visitor
    works: dict[str, Work] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    """Line item -> why the marks of it are passed over."""
    _used: dict[tuple[int, int], set[tuple[int, int]]] = field(default_factory=dict)

    def results(self) -> None:
        t = self.t
        kinds = self._kinds()
        # What names its lesson has its place before the others are given theirs.
        for line in sorted(t.lines("lineItems"), key=lambda one: (self._own(one) is None, one.id)):
            self._line_item(line, kinds)
        check = check_marks(t.db, self.who, t.today)
        for line in t.lines("results"):
            row = self._row(line)
            if row is None:
                continue
            key = tuple(row[name] for name in MARK.key)
            t.books.w.foresee(MARK, key)
            try:
                check(t.db, MARK, row)
            except (InputProblem, AccessProblem) as problem:
                t.flaw(line, "score", problem.template, **problem.details)
                continue
            with t.listing(line):
                t.books.put("mark", key, value=row["value"], kind=row["kind"], scale=row["scale"])

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
            kind = own.get(line.id) or by_name.get(folded(line["title"]))
            if kind is not None:
                found[line.id] = kind
        return {**own, **found, "": known[0]["id"]}

    def _is_ours(self, row: int) -> bool:
        """Does a key of Mektep mean this row here: our own, or one that ships with the product?"""
        return self.t.package.system == OWN_SYSTEM and (self.t.own or row >> 32 == 0)

    def _own(self, line: Line) -> tuple[int, int] | None:
        """Period and place in the cell that a line item of Mektep names."""
        found = _OWN_ITEM.fullmatch(line.id) if self.t.package.system == OWN_SYSTEM else None
        return (int(found[1]), int(found[2])) if found else None

    # ---- line items

    def _line_item(self, line: Line, kinds: Mapping[str, int]) -> None:
        t = self.t
        if line.deleted:
            self.passed[line.id] = TAKEN_BACK
            return
        if line.id.startswith(f"{OF_TERM}-") and t.package.system == OWN_SYSTEM:
            self.passed[line.id] = OF_TERMS
            return
        target = t.stands_for("classes", line["classSourcedId"])
        day = t.date(line, "dueDate") if line["dueDate"] else t.date(line, "assignDate")
        if target is None:
            t.missing(line, "classSourcedId", "classes")
        elif target[0] != "subject_group":
            t.flaw(line, "classSourcedId", NO_GROUP)
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
            low, high = line["resultValueMin"], line["resultValueMax"]
            t.flaw(
                line, "resultValueMax", OTHER_SCALE, low=low, high=high, lowest=scale.low, highest=scale.high
            )
        else:
            category = line["categorySourcedId"]
            if category not in kinds:
                t.notices[OTHER_KIND] += 1
            self._used.setdefault((group, day), set()).add(at)
            self.works[line.id] = Work(Place(group, day, at[0]), at[1], kinds.get(category, kinds[""]), scale)

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

    # ---- results

    def _row(self, line: Line) -> dict[str, int] | None:
        """The mark of a result; None where it is passed over or flawed."""
        t = self.t
        item = line["lineItemSourcedId"]
        status = t.word(line, "scoreStatus", STATUSES)
        why = self.passed.get(item) or (
            TAKEN_BACK if line.deleted else NOT_GRADED if status not in ("", GRADED) else ""
        )
        if why:
            t.notices[why] += 1
            t.dropped.add((line.file, line.id))
            return None
        work = self.works.get(item)
        pupil = t.row("users", line["studentSourcedId"])
        if work is None:
            t.missing(line, "lineItemSourcedId", "lineItems")
        elif pupil is None:
            t.missing(line, "studentSourcedId", "users")
        elif status:
            try:
                value = whole(number(line["score"]))
            except Unreadable as problem:
                t.flaw(line, "score", problem.template, **problem.details)
                return None
            return {
                **work.place.key,
                "pupil": pupil,
                "slot": work.slot,
                "value": value,
                "kind": work.kind,
                "scale": work.scale.id,
            }
        return None
