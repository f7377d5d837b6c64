"""Names that stand in one column: «Асанова Айпери Нурлановна», «Асан уулу Бек»."""

from __future__ import annotations

from node.importing.mapping import Mapping
from node.importing.readings import plain
from node.importing.sheets import Line, Sheet
from shared.i18n import folded

HEADINGS = frozenset(
    folded(name)
    for name in (
        "Аты-жөнү", "Аты жөнү", "Окуучунун аты-жөнү", "Фамилиясы, аты", "Фамилиясы, аты, атасынын аты", "ФАА", "ФИО",
        "Ф.И.О", "Ф.И.О. ученика", "ФИО ученика", "ФИО учащегося", "Фамилия, имя", "Фамилия имя",
        "Фамилия, имя, отчество", "Фамилия имя отчество", "Full name", "Name",
    )
)  # fmt: skip
PARTS = ("surname", "given", "patronymic")
CHILD_OF = ("уулу", "кызы")
"""What stands behind the father's name: the two are a surname at the beginning, a patronymic at the end."""


def parted(sheet: Sheet, mapping: Mapping) -> Sheet:
    """The sheet with a column for each part of a name, where it has one for all and the mapping wants the parts."""
    header = [plain(name) for name in sheet.header]
    wanted = [part for part in PARTS if part in mapping.headers]
    known = {plain(name) for name in mapping.headers.get("surname", ())}
    at = next((place for place, name in enumerate(header) if name in HEADINGS), None)
    if at is None or len(wanted) < 2 or known & set(header):
        return sheet
    names = tuple(mapping.headers[part][0] for part in wanted)
    lines = tuple(
        Line(line.number, (*line.cells[:at], *parts(line.cells[at])[: len(wanted)], *line.cells[at + 1 :]))
        if len(line.cells) > at
        else line
        for line in sheet.lines
    )
    return Sheet((*sheet.header[:at], *names, *sheet.header[at + 1 :]), sheet.header_line, lines)


def parts(name: str) -> tuple[str, str, str]:
    """Surname, given name, patronymic; three times nothing where the words do not tell."""
    words = name.replace(",", " ").split()
    first = 2 if len(words) > 1 and folded(words[1]) in CHILD_OF else 1
    rest = words[first + 1 :]
    if len(words) <= first or any(folded(word) in CHILD_OF for word in words[first : first + 2]):
        return "", "", ""
    return " ".join(words[:first]), words[first], " ".join(rest)
