"""The marks of a term as the gradebook files of OneRoster 1.2: a line item for each work of a lesson, a result a mark.

A lesson in which marks were given for two kinds of work, or two in a cell, is a line item for each. The marks of the
term itself are line items of a category of their own. Comments, and why a term's mark differs from the proposal, go to
another Mektep alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlite_utils import Database

from node.fields import iso
from node.journal.queries import scale_of
from node.oneroster import queries
from node.oneroster.binding import Line, text
from shared.i18n import gettext, row_name

Row = Mapping[str, Any]
OF_TERM = "term-mark"
"""The category of the marks of terms, and what their line items' keys begin with."""
OF_LESSON = "lesson"
GRADED = "fully graded"


class Gradebook:
    """The marks of subject groups in a term: a group with the term as it is for its grade, and its session's key.

    ``commented``: the pupils beside whose marks the comments go.
    """

    def __init__(
        self,
        db: Database,
        org: str,
        groups: Iterable[tuple[Row, Row, str]],
        pupils: Collection[int],
        commented: Collection[int],
    ) -> None:
        self.db = db
        self.org = org
        self.groups = list(groups)
        self.pupils = pupils
        self.commented = commented

    def categories(self) -> list[Line]:
        """Kinds of work with their weights, and the marks of terms."""
        lines = [
            {
                "sourcedId": f"kind-{one['id']}",
                "title": text(row_name(one)),
                "weight": str(one["weight"] or ""),
            }
            for one in queries.work_kinds(self.db)
        ]
        return [*lines, {"sourcedId": OF_TERM, "title": text(gettext("Term mark"))}]

    def line_items(self) -> Iterator[Line]:
        for group, term, session in self.groups:
            scale = scale_of(self.db, group["id"])
            bounds = {"resultValueMin": str(scale.low), "resultValueMax": str(scale.high)} if scale else {}
            common = {
                "classSourcedId": f"group-{group['id']}",
                "academicSessionSourcedId": session,
                "schoolSourcedId": self.org,
                **bounds,
            }
            for work in queries.works(self.db, group["id"], term["start"], term["end"]):
                day = iso(work["day"])
                yield common | {
                    "sourcedId": _work_key(group["id"], day, work),
                    "title": text(row_name(work)) or day,
                    "description": text(work["topic"]),
                    "assignDate": day,
                    "dueDate": day,
                    "categorySourcedId": f"kind-{work['kind']}" if work["kind"] else "",
                }
            if queries.term_marks(self.db, group["id"], term["id"]):
                day = iso(term["end"])
                yield common | {
                    "sourcedId": f"{OF_TERM}-{group['id']}-{term['id']}",
                    "title": text(gettext("Term mark")),
                    "assignDate": day,
                    "dueDate": day,
                    "categorySourcedId": OF_TERM,
                }

    def results(self) -> Iterator[Line]:
        for group, term, _ in self.groups:
            for one in queries.marks(self.db, group["id"], term["start"], term["end"]):
                day = iso(one["day"])
                yield from self._result(_work_key(group["id"], day, one), group["id"], one, day)
            for one in queries.term_marks(self.db, group["id"], term["id"]):
                key = f"{OF_TERM}-{group['id']}-{term['id']}"
                yield from self._result(key, group["id"], one, iso(term["end"]))

    def _result(self, item: str, group: int, one: Row, day: str) -> Iterator[Line]:
        if one["pupil"] in self.pupils:
            yield {
                "sourcedId": f"{item}-{one['pupil']}",
                "lineItemSourcedId": item,
                "studentSourcedId": str(one["pupil"]),
                "scoreStatus": GRADED,
                "score": str(one["value"]),
                "scoreDate": day,
                "comment": text(one["comment"]) if one["pupil"] in self.commented else "",
                "classSourcedId": f"group-{group}",
            }


def _work_key(group: int, day: str, one: Row) -> str:
    return f"{OF_LESSON}-{group}-{day}-{one['period']}-{one['slot']}-{one['kind'] or 0}"
