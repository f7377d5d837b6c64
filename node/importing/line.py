"""One line of an import: its rows found or written, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.importing.checks import LateLine, keep
from node.importing.enrolling import ON_ROLL, on_roll
from node.importing.finding import Key, Row, key_of, look_up
from node.importing.headings import title
from node.importing.mapping import Expression, Step
from node.importing.nameless import MAYBE, NOBODY, MayBeSomeone, candidates, numbered
from node.importing.sheets import Line
from node.importing.signing import LISTED, Paper, adds, doubt, sign, signer_of
from node.importing.values import Missing, Unreadable, days, fit, meant, refusal, transformed
from node.numbers import COLUMNS, SENTENCE, called
from node.people.queries import class_name
from node.roster import count_age, join_groups
from shared.dates import date_of
from shared.i18n import column_label, current_language, folded
from shared.problems import (
    N_,
    AccessProblem,
    ConsentMissing,
    InputProblem,
    InvalidValue,
    LineError,
    NameWithoutConsent,
    OutsideScale,
    ReasonNeeded,
)
from shared.schema import BY_NAME, Column, Table, Value

if TYPE_CHECKING:
    from node.importing.running import Run

NAMESAKE = N_("Someone whose name reads the same is here already; this line adds a new person.")
SEVERAL = N_(
    "Several people or rows here are known by this; take another key, or change them on their pages."
)
NOBODY_CALLED = N_("Nobody of the class is called “{text}” on this day.")
SEVERAL_CALLED = N_("Several pupils of the class are called “{text}”: take the number of the personal file.")
NO_YEAR = N_("{day} is in no school year of this school.")
NO_CLASS = N_(
    "The school has no class “{called}” in that school year, and nobody said that it shall be made."
)
ONE_GUARDIAN = N_(
    "The surname, name and phone are those of someone who is here already, and the two are taken for one person. "
    "If they are two, give one of them another phone."
)


@dataclass(frozen=True)
class NameInText(LineError):
    """A word of a text looks like the name of someone without a consent, and may be that of someone else."""


@dataclass(frozen=True)
class NewClass(LineError):
    """The line is of a class that the school does not have, and nobody said that it shall be made."""

    called: str = ""


class Skipped(Exception):
    """The line is passed over: what it names is there already."""


class Refused(Exception):
    """Nothing more of the line is written; its error is listed already."""


class NoRow(Exception):
    """A row of this line that another refers to could not be made; its own error is listed already."""


class LineWork:
    """The rows of one line."""

    def __init__(self, run: Run, line: Line) -> None:
        self.run = run
        self.line = line
        self.rows: dict[str, Row] = {}
        self.keys: dict[str, str] = {}
        self.personal: list[tuple[Step, int, Row]] = []
        self.fresh = True
        self.enrolled: list[Row] = []

    def write(self, step: Step) -> None:
        """Find the row of a step, or write it; errors are listed and the line goes on without the row."""
        first = step is self.run.mapping.steps[0]
        if not first and any(map(self.run.lacks, step.known_by.values())):
            return
        try:
            missing: dict[str, Missing] = {}
            values = self.values(step.table, step.columns, missing)
            known = self.key(step, missing)
            existing = self.run.finder.row(step.table, known) if known else None
            if existing is None and not first and any(map(self.run.lacks, step.columns.values())):
                return
            self.need(step, missing, existing)
        except NoRow:
            return
        if existing is None and step.table.name == "enrolment":
            try:
                existing = self.on_roll(step, values)
            except NoRow:
                return
        if step.table.name == "consent":
            try:
                existing, values = self.on_record(step, existing, values)
            except NoRow:
                return
        if first:
            self.heed_mode(step, existing)
        if existing is None and step.asked and self.is_unwanted(step, values):
            return
        row: Row | None = existing
        self.ask(step, {**(existing or {}), **values})
        if existing is None:
            row = self.attempt(step, lambda: self.insert(step, values))
        elif existing["retired_at"] is None:
            row = self.attempt(step, lambda: self.update(step, existing, values))
        else:
            self.run.outcome(step.table, key_of(step.table, existing), "unchanged")
        if row is not None:
            self.wonder(step, existing is None, values)
            self.compare(step, existing, values, row)
            self.rows[step.name] = row
            self.keys[step.name] = step.table.key[0]
            self.agree(step, row, values)

    def is_unwanted(self, step: Step, values: Row) -> bool:
        """List an error where a class would be made and nobody said that it shall be."""
        called, wanted = class_name(values.get("grade"), values.get("letter")), self.run.wish.new_classes  # type: ignore[arg-type]
        if wanted is None or called in wanted:
            return False
        message = self.run.text(NO_CLASS).format(called=called)
        place = self.run.field(step.columns["grade"], "grade")
        self.run.errors.append(NewClass(self.line.number, place, message, called=called))
        return True

    def on_roll(self, step: Step, values: Row) -> Row | None:
        """The pupil's enrolment in the class from another day, which stays. NoRow: it is in another class."""
        try:
            found = on_roll(self.run.writer.db, values)
        except Unreadable as error:
            self.unreadable(self.of_class(step), "class_group", error)
            raise NoRow from error
        if found is not None:
            self.run.ask(self.line.number, ON_ROLL, day=f"{date_of(found['start']):%d.%m.%Y}")
            values["start"] = found["start"]
        return found

    def on_record(self, step: Step, existing: Row | None, values: Row) -> tuple[Row | None, Row]:
        """A consent stays as it is on record; a later one is a row of its own. NoRow: it is of a day to come."""
        db = self.run.writer.db
        try:
            if adds(db, values, self.run.today):
                return None, values
        except Unreadable as error:
            self.unreadable(step.columns["valid_from"], "valid_from", error)
            raise NoRow from error
        if existing is None:
            return None, values
        if existing["retired_at"] is None and (asked := doubt(db, values)):
            self.run.ask(self.line.number, asked, day=f"{date_of(values['valid_from']):%d.%m.%Y}")  # type: ignore[arg-type]
        return existing, {}

    def birth(self, person: Value) -> int | None:
        """The date of birth that the line tells of a person, and which waits for the consent."""
        told = [
            v.get("birth_date")
            for step, row, v in self.personal
            if step.table.name == "person" and row == person
        ]
        return next((day for day in told if isinstance(day, int)), None)

    def paper(self, step: Step, values: Row) -> Paper:
        """What a line tells of a form beside the row: by default the list itself is the ground."""
        ground = self.run.text(LISTED).format(file=self.run.file, line=self.line.number)
        signer = step.columns.get("signer")
        told = self.evaluate(signer.parts["word"]) if signer and signer.source == "signed_by" else None
        words = signer.parts["word"].transforms["map"] if signer and told else None
        who = words.word(told, current_language()) if words and values.get("signer") is None else ""
        return Paper(ground, who, self.run.received_by)

    def of_class(self, step: Step) -> Expression:
        """What tells the class of an enrolment: a cell of the row that it refers to, or its own."""
        own = step.columns["class_group"]
        steps = {one.name: one for one in self.run.mapping.steps}
        pointed = steps[own.of].known_by if own.source == "row" else {}
        return pointed.get("grade", own)

    def wonder(self, step: Step, fresh: bool, values: Row) -> None:
        """Ask about what is allowed and may be a mistake: a second person of a name, one guardian of two children."""
        if step.table.name == "person":
            self.fresh = fresh
            if fresh and "surname" in values:
                name = folded(" ".join(str(values.get(part) or "") for part in ("surname", "given_name")))
                born = values.get("birth_date")
                known = self.run.named.setdefault(name, [])
                if any(other is None or born is None or other == born for other in known):
                    self.run.ask(self.line.number, NAMESAKE)
                known.append(born)  # type: ignore[arg-type]
        elif step.table.name == "guardian" and fresh and not self.fresh:
            self.run.ask(self.line.number, ONE_GUARDIAN)

    def compare(self, step: Step, existing: Row | None, values: Row, row: Row) -> None:
        """Ask about a new number that someone else has, here or on a line above."""
        for name in COLUMNS.get(step.table.name, ()):
            number = values.get(name)
            if not isinstance(number, str) or (existing is not None and existing[name] == number):
                continue
            (person,) = key_of(step.table, row)
            if others := self.run.holders.others(person, name, number):
                people = called(self.run.writer.db, others, self.run.today)
                self.run.ask(
                    self.line.number, SENTENCE, self.run.field(step.columns[name], name), people=people
                )
            self.run.holders.note(person, name, number)

    def need(self, step: Step, missing: dict[str, Missing], existing: Row | None) -> None:
        """List what must not be empty, unless it is empty in a row that is here already. NoRow: something was."""
        needed = [name for name in missing if existing is None or existing[name] is not None]
        for name in needed:
            self.unreadable(step.columns[name], name, missing[name])
        if needed:
            raise NoRow

    def ask(self, step: Step, row: Row) -> None:
        """Hear what the caller has against a row. Refused."""
        try:
            self.run.rules.check(self.run.writer, step.table, row)
        except (InputProblem, AccessProblem) as problem:
            told = LateLine if isinstance(problem, ReasonNeeded) else LineError
            self.run.errors.append(told(self.line.number, "", problem.sentence(self.run.text)))
            raise Refused from problem

    def heed_mode(self, step: Step, existing: Row | None) -> None:
        """Is the line wanted, by what is there of its first row? Skipped, Refused."""
        there = existing is not None and existing["retired_at"] is None
        if self.run.wish.mode == "insert" and there and existing is not None:
            ours = self.run.outcomes.get((step.table.name, key_of(step.table, existing))) == "inserted"
            if not ours:
                raise Skipped
        if self.run.wish.mode == "update" and not there:
            self.run.error(
                self.line.number,
                self.names(step),
                N_("Nothing is there to change; it would have to be added."),
            )
            raise Refused

    def agree(self, step: Step, row: Row, values: Row) -> None:
        """List an error where an earlier line gave the same column of the same row another value."""
        key = key_of(step.table, row)
        for name, value in values.items():
            line, given = self.run.given.setdefault((step.table.name, key, name), (self.line.number, value))
            if given != value:
                field_name = self.run.field(step.columns[name], name)
                self.run.error(self.line.number, field_name, N_("Line {other} says otherwise."), other=line)

    def finish(self) -> None:
        """Write what needs a consent, after the line's consents; not if an error may have lost one."""
        if self.run.errors and self.run.errors[-1].line == self.line.number:
            return
        if self.may_be_someone():
            return
        for step, row_id, values in self.personal:
            self.attempt(step, lambda i=row_id, v=values, s=step: self.update_row(s.table, i, v))  # type: ignore[misc]
        for enrolment in self.enrolled:
            count_age(self.run.writer, enrolment["id"])  # type: ignore[arg-type]  # only now is the date of birth there
            self.join(enrolment)

    def may_be_someone(self) -> bool:
        """List an error where the line's new person may be someone without a name, and nobody said that it is not."""
        step = next((one for one in self.run.mapping.steps if one.number and one.name in self.rows), None)
        if step is None or not self.fresh or self.run.wish.others_checked:
            return False
        db, person = self.run.writer.db, self.rows[step.name]
        file = self.rows["pupil"].get("personal_file") if "pupil" in self.rows else None
        found = [
            one
            for name, row in self.rows.items()
            for one in candidates(db, name, person, row, file, self.run.today)  # type: ignore[arg-type]
            if self.run.outcomes.get(("person", (one,))) != "inserted"
        ]
        if not found:
            return False
        assert step.number is not None
        column = title(self.run.mapping.headings[step.number.of], current_language())
        message = self.run.text(MAYBE).format(people=called(db, found, self.run.today), column=column)
        self.run.errors.append(MayBeSomeone(self.line.number, self.names(step), message))
        return True

    def join(self, enrolment: Row) -> None:
        """Put a new pupil of a class on the lists of its subject groups, as an arrival does."""
        pupil, group, start = (enrolment[name] for name in ("pupil", "class_group", "start"))
        if enrolment.get("end") is not None or start is None:
            return
        for joined in join_groups(self.run.writer, pupil, group, start, {}):  # type: ignore[arg-type]
            self.run.outcome(BY_NAME["subject_group_pupil"], (joined, pupil), "inserted")  # type: ignore[arg-type]
            self.run.joined.append((self.line.number, pupil, joined))  # type: ignore[arg-type]

    def values(self, table: Table, columns: Any, missing: dict[str, Missing] | None = None) -> Row:
        """Evaluate expressions for columns of a table, leaving out empty ones. NoRow: errors were listed.

        With ``missing``, what must not be empty and is stands there for the caller to judge.
        """
        found: Row = {}
        empty: dict[str, Missing] = {}
        failed = False
        for name, expression in columns.items():
            if self.run.lacks(expression):
                continue
            try:
                value = self.value(expression, table, table.by_name[name])
                if value is not None:
                    found[name] = value
            except Missing as error:
                empty[name] = error
            except Unreadable as error:
                failed = True
                self.unreadable(expression, name, error)
            except InvalidValue as error:
                failed = True
                self.problem(expression, name, error)
        if failed or (empty and missing is None):
            for name, why in empty.items():
                self.unreadable(columns[name], name, why)
            raise NoRow
        if missing is not None:
            missing |= empty
        return found

    def unreadable(self, expression: Expression, name: str, error: Unreadable) -> None:
        self.run.error(self.line.number, self.run.field(expression, name), error.template, **error.details)

    def problem(
        self,
        expression: Expression,
        name: str,
        error: InvalidValue | ConsentMissing | OutsideScale | NameWithoutConsent,
    ) -> None:
        field_name = self.run.field(expression, name)
        told = NameInText if isinstance(error, NameWithoutConsent) else LineError
        message = error.sentence(self.run.text)
        if type(error) is InvalidValue:  # those that derive from it have a sentence of their own
            template, details = refusal(error)
            message = self.run.text(template).format(**details)
        self.run.errors.append(told(self.line.number, field_name, message))

    def key(self, step: Step, missing: dict[str, Missing]) -> Key | None:
        """The key of the row if it is there: through another, by what it is known by, or by its key.

        A row may be known by what is empty, though not by that alone. A number that people are told by counts alone.
        """
        if step.number is not None and (told := self.numbered(step, step.number)) is not None:
            return (told,)
        if step.through:
            where = self.whole(step.through.table, step.through.where)
            self.need_one(step, step.through.table, where)
            pointing = self.run.finder.key(step.through.table, where)
            row = self.run.finder.row(step.through.table, pointing) if pointing else None
            target = row[step.through.column] if row else None
            return (target,) if isinstance(target, int) else None
        if step.find:
            if step.find.keys() <= missing.keys():
                return None
            where = self.whole(step.table, step.find, {} if missing else None)
            self.need_one(step, step.table, where)
            return self.run.finder.key(step.table, where, step.latest)
        if missing.keys() & set(step.table.key):
            return None
        return key_of(step.table, self.whole(step.table, step.known_by))

    def numbered(self, step: Step, expression: Expression) -> int | None:
        """The person whom the line means by number; None where it tells none. NoRow: there is no such one."""
        try:
            number = fit(self.evaluate(expression), _INTEGER)
            if number is None:
                return None
            assert isinstance(number, int)
            found = numbered(self.run.writer.db, number)
            if not found:
                raise Unreadable(NOBODY)
        except Unreadable as error:
            self.unreadable(expression, "number", error)
            raise NoRow from error
        if len(found) > 1:
            self.run.error(self.line.number, self.run.field(expression, "number"), SEVERAL)
            raise NoRow
        return found[0]

    def need_one(self, step: Step, table: Table, where: Row) -> None:
        """List an error where a key that must mean one row means several. NoRow."""
        if step.sole and self.run.finder.has_several(table, where):
            self.run.error(self.line.number, self.names(step), SEVERAL)
            raise NoRow

    def names(self, step: Step) -> str:
        """What the file's reader calls the columns by which a row is known."""
        return ", ".join(self.run.field(expression, name) for name, expression in step.known_by.items())

    def whole(self, table: Table, columns: Any, missing: dict[str, Missing] | None = None) -> Row:
        """Values by which a row is known; an empty one is the column's default, but not all may be empty."""
        found = self.values(table, columns, missing)
        for name, expression in columns.items():
            if name not in found and (name in table.key or not found):
                field_name = self.run.field(expression, name)
                self.run.error(self.line.number, field_name, N_("This must not be empty."))
                raise NoRow
        return {name: found.get(name, table.by_name[name].default) for name in columns}

    def attempt(self, step: Step, write: Callable[[], Row]) -> Row | None:
        try:
            return write()
        except (InvalidValue, ConsentMissing, OutsideScale, NameWithoutConsent) as error:
            name = str(error.details.get("column", "value"))
            self.problem(step.columns.get(name, Expression("constant", "")), name, error)
            return None

    def insert(self, step: Step, values: Row) -> Row:
        table, writer = step.table, self.run.writer
        now = {name: value for name, value in values.items() if table.by_name[name].consent is None}
        self.run.heed(table, now)
        if table.name == "consent" and "valid_from" in now:
            now["id"] = sign(writer, now, self.paper(step, now), self.birth(now["person"]))
        elif table.key == ("id",):
            now["id"] = writer.insert(table.name, **now)
        else:
            writer.put(table.name, **now)
        if table.name == "enrolment":
            self.enrolled.append(now)
        later = {name: value for name, value in values.items() if name not in now}
        self.postpone(step, now, later)
        row: Row = {c.name: now.get(c.name, c.default) for c in table.all_columns} | later
        self.run.finder.written(table, row)
        self.beside(table, row)
        self.run.outcome(table, key_of(table, row), "inserted")
        return row

    def update(self, step: Step, existing: Row, values: Row) -> Row:
        table = step.table
        differing = {name: value for name, value in values.items() if existing[name] != value}
        now = {name: value for name, value in differing.items() if table.by_name[name].consent is None}
        self.run.heed(table, now)
        if now:
            self.update_key(table, existing, now)
        self.postpone(step, existing, {name: value for name, value in differing.items() if name not in now})
        self.run.outcome(table, key_of(table, existing), "changed" if differing else "unchanged")
        row = {**existing, **differing}
        if differing:
            self.run.finder.written(table, row)
            self.beside(table, row)
        return row

    def beside(self, table: Table, row: Row) -> None:
        """Write what the rules of the list ask to stand beside a row; errors are listed."""
        for name, values in self.run.rules.beside(self.run.writer, table, row):
            try:
                self.run.heed(BY_NAME[name], dict(values))
            except NameWithoutConsent as problem:
                place = column_label(name, str(problem.details["column"]))
                self.run.errors.append(NameInText(self.line.number, place, problem.sentence(self.run.text)))
                continue
            other, key = keep(self.run.writer, (name, values))
            self.run.outcome(BY_NAME[other], key, "inserted")

    def postpone(self, step: Step, row: Row, values: Row) -> None:
        """Keep values that need a consent for the end of the line, after its consents."""
        if values:
            (row_id,) = key_of(step.table, row)
            self.personal.append((step, row_id, values))

    def update_key(self, table: Table, existing: Row, values: Row) -> None:
        if len(table.key) == 1:
            row_id = existing[table.key[0]]
            assert isinstance(row_id, int)
            self.run.writer.update(table.name, row_id, **values)
        else:
            self.run.writer.put(table.name, **{k: existing[k] for k in table.key}, **values)

    def update_row(self, table: Table, row_id: int, values: Row) -> Row:
        self.run.writer.update(table.name, row_id, **values)
        return values

    def value(self, expression: Expression, table: Table, column: Column) -> Value:
        """The value of an expression for a column of a table; None is empty."""
        if expression.source == "column":
            if not self.run.accepts(expression.only_if, self.line):
                return None
            return self.run.readings.value(expression, table, column, self.run.cell(expression.of, self.line))
        value = fit(self.evaluate(expression), column)
        column.check(value, table.name)
        return value

    def evaluate(self, expression: Expression) -> Value:
        """The value of an expression on this line; None is empty."""
        if not self.run.accepts(expression.only_if, self.line):
            return None
        value: Value = getattr(self, f"from_{expression.source}")(expression)
        assert not isinstance(value, bytes)
        return transformed(value, expression.transforms)

    def from_constant(self, expression: Expression) -> Value:
        value: Value = expression.of
        return value

    from_value = from_constant

    def from_column(self, expression: Expression) -> Value:
        return meant(self.run.cell(expression.of, self.line))

    def from_today(self, _: Expression) -> Value:
        return self.run.school_day

    def from_line_key(self, _: Expression) -> Value:
        return f"{self.run.file}:{self.line.number}"

    def from_row(self, expression: Expression) -> Value:
        if expression.of not in self.rows:
            raise NoRow
        return self.rows[expression.of][expression.take or self.keys[expression.of]]

    def from_lookup(self, expression: Expression) -> Value:
        table: Table = expression.of
        where = self.values(table, expression.parts)
        day = self.day(expression.on)
        asked = (table.name, tuple(where.items()), day, expression.take)
        if len(where) < len(expression.parts) or (expression.on and day is None):
            return None
        if asked not in self.run.lookups:
            self.run.lookups[asked] = look_up(self.run.writer.db, table, where, day, expression.take)
        if self.run.lookups[asked] is None:
            if day is not None and table.name == "academic_year":
                raise Unreadable(NO_YEAR, day=f"{date_of(day):%d.%m.%Y}")
            named = [str(value) for column, value in where.items() if table.by_name[column].type != "ref"]
            raise Unreadable(N_("Nothing is known as “{text}” here."), text=", ".join(named) or table.name)
        return self.run.lookups[asked]

    def from_signed_by(self, expression: Expression) -> Value:
        word, pupil = (self.evaluate(expression.parts[part]) for part in ("word", "of"))
        if word is None or not isinstance(pupil, int):
            return None
        return signer_of(self.run.writer.db, pupil, str(word))

    def from_called(self, expression: Expression) -> Value:
        name, group = (self.evaluate(expression.parts[part]) for part in ("name", "class"))
        day = self.day(expression.on)
        if name is None or day is None or not isinstance(group, int):
            return None
        found = self.run.called(group, day).get(folded(str(name)), set())
        if len(found) != 1:
            raise Unreadable(SEVERAL_CALLED if found else NOBODY_CALLED, text=name)
        (pupil,) = found
        return pupil

    def day(self, expression: Expression | None) -> int | None:
        value = self.evaluate(expression) if expression else None
        return days(value) if isinstance(value, str) else value  # type: ignore[return-value]

    def from_band_of(self, expression: Expression) -> Value:
        value, scale = (self.evaluate(expression.parts[part]) for part in ("value", "scale"))
        if value is None or scale is None:
            return None
        number = fit(value, _INTEGER)
        assert isinstance(number, int) and isinstance(scale, int)
        band = self.run.band(number, scale)
        if band is None:
            raise Unreadable(N_("{number} is not on the grading scale."), number=number)
        return band


_INTEGER = Column("value", 2, "int", "district", ("", "", ""))
