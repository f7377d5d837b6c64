"""What the cells of a sheet say, each text read once: a list says much the same in every line.

Reading needs no database, so an import reads ahead before it begins to write and keeps others waiting.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from node.importing.mapping import Expression
from node.importing.mapping import Mapping as MappingFile
from node.importing.sheets import Sheet
from node.importing.values import Unreadable, fit, meant, transformed
from shared.problems import InvalidValue
from shared.schema import Column, Table, Value


class Readings:
    """Values of cells for one mapping, by the expression that reads them and their text."""

    def __init__(self, mapping: MappingFile, sheet: Sheet, fields: Sequence[str | None]) -> None:
        self.mapping = mapping
        self.sheet = sheet
        self.places = {
            column: [at for at, field in enumerate(fields) if field == column]
            for column in mapping.file_columns()
        }
        """Where each column that the mapping reads stands in the file."""
        self._known: dict[tuple[int, str], Value] = {}

    def value(self, expression: Expression, table: Table, column: Column, text: str) -> Value:
        """What a cell with this text gives a column, by an expression that reads a cell. Unreadable, InvalidValue."""
        key = (id(expression), text)
        if key not in self._known:
            value = fit(transformed(meant(text), expression.transforms), column)
            # What a code may be is asked where one is written; a list may say its name instead.
            if column.type != "code":
                column.check(value, table.name)
            self._known[key] = value
        return self._known[key]

    def ahead(self) -> None:
        """Read every cell; what cannot be read is told when its line is written."""
        for expression, table, name in _readers(self.mapping):
            found = self.places[expression.of]
            if len(found) == 1:
                texts = {line.cells[found[0]] for line in self.sheet.lines if found[0] < len(line.cells)}
                for text in texts:
                    with contextlib.suppress(Unreadable, InvalidValue):
                        self.value(expression, table, table.by_name[name], text)


def _readers(mapping: MappingFile) -> Iterator[tuple[Expression, Table, str]]:
    """The expressions that read a cell, each with the table and column that the value is for."""
    for step in mapping.steps:
        yield from _of(step.columns, step.table)
        yield from _of(step.find, step.table)
        if step.through:
            yield from _of(step.through.where, step.through.table)


def _of(expressions: Mapping[str, Expression], table: Table) -> Iterator[tuple[Expression, Table, str]]:
    for name, expression in expressions.items():
        if expression.source == "column":
            yield expression, table, name
        elif expression.source == "lookup":
            yield from _of(expression.parts, expression.of)
