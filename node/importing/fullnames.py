"""Names that stand in one column: «Асанова Айпери Нурлановна», «Асан уулу Бек»."""

from __future__ import annotations

from collections.abc import Sequence

from node.importing.headings import FULL_NAME, PARTS, title
from node.importing.mapping import Mapping
from node.importing.sheets import Line, Sheet
from shared.i18n import current_language, folded

CHILD_OF = ("уулу", "кызы")
"""What stands behind the father's name: the two are a surname at the beginning, a patronymic at the end."""


Fields = tuple[str | None, ...]
"""Which column of the list each column of a file is (`node.importing.headings`)."""


def parted(sheet: Sheet, fields: Sequence[str | None], mapping: Mapping) -> tuple[Sheet, Fields]:
    """The sheet with a column for each part of a name in place of one for all, where it has such a one."""
    wanted = [part for part in PARTS if part in mapping.headers]
    if FULL_NAME not in fields or len(wanted) < 2:
        return sheet, tuple(fields)
    at = list(fields).index(FULL_NAME)
    names = tuple(title(mapping.headers[part], current_language()) for part in wanted)
    lines = tuple(
        Line(line.number, (*line.cells[:at], *parts(line.cells[at])[: len(wanted)], *line.cells[at + 1 :]))
        if len(line.cells) > at
        else line
        for line in sheet.lines
    )
    header = (*sheet.header[:at], *names, *sheet.header[at + 1 :])
    return Sheet(header, sheet.header_line, lines), (*fields[:at], *wanted, *fields[at + 1 :])


def parts(name: str) -> tuple[str, str, str]:
    """Surname, given name, patronymic; three times nothing where the words do not tell."""
    words = name.replace(",", " ").split()
    first = 2 if len(words) > 1 and folded(words[1]) in CHILD_OF else 1
    rest = words[first + 1 :]
    if len(words) <= first or any(folded(word) in CHILD_OF for word in words[first : first + 2]):
        return "", "", ""
    return " ".join(words[:first]), words[first], " ".join(rest)
