"""Takes a roster in: one transaction, all or nothing, every error found in one pass. Nothing here knows of HTTP.

As with other imports a dry run does everything in a rehearsal, so what it announces is what would happen. A roster in
bulk adds and changes; what it does not name stays. A delta also takes out, which in Mektep means ends or retires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlite_utils import Database

from node.importing.checks import LateLine
from node.importing.placing import told
from node.importing.running import ImportResult
from node.importing.signing import receiver
from node.oneroster import finding
from node.oneroster.binding import HEADERS, MORE_HEADERS
from node.oneroster.books import Books
from node.oneroster.learning import Learning
from node.oneroster.marking import Marking
from node.oneroster.package import MANIFEST, MARKS, RESULTS, Flaw, Package
from node.oneroster.persons import Persons
from node.oneroster.rolls import Rolls
from node.oneroster.taking import Choice, Taking
from shared.access import Visitor
from shared.problems import N_, ImportRefused, LineError, ReasonNeeded
from sync.rehearsal import rehearsing
from sync.undo import note_act
from sync.writer import writing

Text = Callable[[str], str]
Notice = tuple[str, str]
"""A sentence marked with `N_`, and what it counts or names."""
NO_MARKS = N_("Marks, passed over: who teaches the lessons takes them in")
ONLY_MARKS = N_("Lines about classes and people, passed over: you take in marks alone")
TAKEN_FROM = N_("Taken in from another program: {system}")
"""The reason of a term's mark where the school has no marks to propose one from."""
NOT_READ = N_("Files that are not taken in")
NO_COLUMN_OF_OURS = N_("Columns that are not taken in")


@dataclass(frozen=True)
class Intake:
    """What a roster did, or would do."""

    result: ImportResult
    notices: tuple[Notice, ...]
    absent: tuple[int, ...] = ()
    """Pupils on a roll and staff whom a bulk file does not name; what becomes of them is no matter of a file."""


EVERYTHING = Choice()


def take_in(
    db: Database,
    package: Package,
    name: str,
    actor: int,
    today: int,
    choice: Choice = EVERYTHING,
    *,
    dry_run: bool = False,
    text: Text = str,
    teacher: Visitor | None = None,
    people: bool = True,
) -> Intake:
    """Take a roster in as an account. ImportRefused: the errors, by file, line and column; nothing was written.

    ``teacher``: of whose lessons marks are taken in, if anyone's; ``people``: whether classes and people are too, and
    not only read to know what marks are about.
    """
    with rehearsing(db) if dry_run else writing(db, actor) as w:
        source = text(TAKEN_FROM).format(system=package.system[:80])
        books = Books(w, package.system, choice.mode)
        taking = Taking(books, package, choice, today, source, receiver(db, actor))
        learning = Learning(taking)
        learning.orgs()
        if people:
            _roster(taking, learning)
        if teacher is not None:
            Marking(taking, teacher, source).results()
        flaws = [
            one
            for one in package.flaws
            if (one.file, one.line) not in choice.leave_out
            and (one.file == MANIFEST or (teacher is not None if one.file in MARKS else people))
        ] + taking.errors
        if flaws:
            raise ImportRefused([_said(one, text) for one in _in_order(flaws)])
        intake = Intake(
            _result(taking),
            tuple(_notices(taking, people, teacher is not None)),
            tuple(_absent(taking)) if people else (),
        )
        if not dry_run and not intake.result.changes_nothing:
            mark = note_act(w, "import", name, intake.result.lines)
            intake = replace(intake, result=replace(intake.result, act=mark))
    return intake


def _roster(t: Taking, learning: Learning) -> None:
    persons, rolls = Persons(t), Rolls(t)
    learning.sessions()
    persons.users()
    members: dict[str, set[str]] = {}
    for line in t.package.lines.get("enrollments", ()):
        if line["role"] == "student" and not line.deleted:
            members.setdefault(line["classSourcedId"], set()).add(line["userSourcedId"])
    learning.classes(members)
    rolls.enrollments()


def _result(t: Taking) -> ImportResult:
    counts = t.books.counts()
    return ImportResult(
        counts["inserted"],
        counts["changed"],
        counts["unchanged"],
        lines=t.taken,
        passed_over=len(t.dropped) + t.passed,
        skipped=t.books.skipped + len(t.choice.leave_out),
        placed=told(t.db, t.joined, t.today),
    )


def _notices(t: Taking, people: bool, marks: bool) -> Iterator[Notice]:
    for sentence, count in t.notices.items():
        yield sentence, str(count)
    if t.package.counts.get(RESULTS) and not marks:
        yield NO_MARKS, str(t.package.counts[RESULTS])
    if not people:
        yield ONLY_MARKS, str(sum(count for file, count in t.package.counts.items() if file not in MARKS))
    if t.package.passed_over:
        yield NOT_READ, ", ".join(f"{name}.csv" for name in t.package.passed_over)
    unknown = {
        column
        for file, header in t.package.headers.items()
        for column in header
        if column not in HEADERS[file] and column not in MORE_HEADERS.get(file, ())
    }
    if unknown:
        yield NO_COLUMN_OF_OURS, ", ".join(sorted(unknown)[:12])


def _absent(t: Taking) -> list[int]:
    """Whom the school has today and the file, which names all, does not."""
    if "users" not in t.package.lines or "users" in t.package.delta:
        return []
    named = {t.row("users", line.id) for line in t.package.lines["users"]}
    return [person for person in finding.present(t.db, t.today) if person not in named]


def _in_order(flaws: list[Flaw]) -> list[Flaw]:
    places = {name: place for place, name in enumerate((MANIFEST, *HEADERS))}
    return sorted(flaws, key=lambda one: (places.get(one.file, 99), one.line))


def _said(flaw: Flaw, text: Text) -> LineError:
    kind = LateLine if flaw.sentence == ReasonNeeded.template else LineError
    return kind(flaw.line, flaw.column, text(flaw.sentence).format(**flaw.places), f"{flaw.file}.csv")
