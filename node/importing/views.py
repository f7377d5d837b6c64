"""Routes of the import: template, file, columns and dry run, one transaction; failed lines back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from openpyxl.utils import get_column_letter

from node.importing import actions, queries, remembering, uploads, workbook
from node.importing.actions import ImportResult, Mode, Wish
from node.importing.blueprint import REASON, WHO, area
from node.importing.checks import LateLine
from node.importing.grouping import grouped
from node.importing.headings import (
    FULL_NAME,
    LEFT_OUT,
    PARTS,
    known,
    matched,
    takes_full_names,
    title,
)
from node.importing.kinds import KINDS, Kind
from node.importing.limits import MOST_CELLS, MOST_LINES
from node.importing.line import NameInText, NewClass
from node.importing.mapping import Mapping
from node.importing.nameless import MayBeSomeone
from node.importing.sheets import Sheet, table_in
from node.movement import queries as movement
from node.people.queries import author
from node.reading.noting import noted
from node.reading.queries import OF
from node.request import NAMES_CHECKED, database
from node.stages import switched_off
from shared.access import allow
from shared.i18n import alphabetical, current_language, gettext, size
from shared.problems import (
    BadRequest,
    DamagedFile,
    EmptyFile,
    ImportRefused,
    InputProblem,
    LineError,
    NotAllowed,
    NotFound,
    SwitchedOff,
    TooLarge,
    TooManyLines,
)
from shared.report import EMPTY
from shared.web import LARGEST_UPLOAD, today, visitor
from sync import undo

MODES: tuple[Mode, ...] = ("both", "insert", "update")
OTHERS_CHECKED = "others_checked"
"""The tick by which someone says that the new people of a list are none of those without a name."""
COLUMN = "column-"
"""How the choices of the page begin that say what a column of the file is."""
OUT = "-"
SHOWN_ERRORS = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Given:
    """A file that waits, by which key and mapping it is read, and which column of the list each of its columns is."""

    path: Path
    sheet: Sheet
    key: str
    mapping: Mapping
    fields: tuple[str | None, ...]


@area.get("/")
@allow(*WHO)
def index() -> ResponseReturnValue:
    """What the visitor may import, and what was imported before."""
    who = visitor()
    db = database()
    off = switched_off(db)
    return render_template(
        "importing/index.html",
        kinds=[kind for kind in KINDS.values() if who.has(*kind.who) and kind.pages not in off],
        acts=[act for act in undo.marked_acts(db, "import") if act.actor == who.account or who.has("head")],
        author=lambda account: author(db, account, today()),
    )


def _kind(name: str) -> Kind:
    found = KINDS.get(name)
    if found is None:
        raise NotFound()
    if not visitor().has(*found.who):
        raise NotAllowed()
    if found.pages in switched_off(database()):
        raise SwitchedOff()
    return found


@area.get("/<kind_name>")
@allow(*WHO)
def start(kind_name: str) -> ResponseReturnValue:
    """Step one and two: take the template, give the file."""
    return _start_page(_kind(kind_name))


def _start_page(kind: Kind, problem: str = "") -> str:
    return render_template("importing/start.html", kind=kind, problem=problem, largest=size(LARGEST_UPLOAD))


@area.get("/<kind_name>/template.xlsx")
@allow(*WHO)
def template(kind_name: str) -> ResponseReturnValue:
    kind, who = _kind(kind_name), visitor()
    titles = gettext(kind.label), gettext("Codes")
    noted("export", f"import template{OF}{kind.name}")
    db = database()
    bound = {"day": queries.as_of(db, today()), "today": today(), "person": who.person}
    content = workbook.template(db, kind, current_language(), titles, **bound)
    return _file(content, f"mektep-{kind.name}.xlsx")


def _file(content: bytes, name: str) -> Response:
    return Response(content, mimetype=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@area.post("/<kind_name>")
@allow(*WHO)
def upload(kind_name: str) -> ResponseReturnValue:
    """Keep the file for the next step, if it is a table at all."""
    kind = _kind(kind_name)
    given = request.files.get("file")
    name, content = (given.filename or "", given.read()) if given else ("", b"")
    if not name:
        return _start_page(kind, gettext("Choose a file first.")), 422
    try:
        sheet = _table(kind, Path(name), content)
        if not sheet.lines:
            raise EmptyFile(file=name)
        if len(sheet.lines) > MOST_LINES:
            raise TooManyLines(most=MOST_LINES)
    except (InputProblem, DamagedFile, TooLarge) as problem:
        return _start_page(kind, problem.sentence(gettext)), 422
    token = uploads.keep(database(), visitor().account, kind.name, name, content)
    return redirect(url_for("importing.check", kind_name=kind.name, token=token))


@area.get("/<kind_name>/<token>")
@allow(*WHO)
def check(kind_name: str, token: str) -> ResponseReturnValue:
    """Step three: which column is which, and a dry run; nothing is written."""
    return _check_page(_kind(kind_name), token)


@area.post("/<kind_name>/<token>")
@allow(*WHO)
def run(kind_name: str, token: str) -> ResponseReturnValue:
    """Check again with other choices, fetch the lines with errors, or import, all of it or nothing."""
    kind, todo = _kind(kind_name), request.form.get("do", "check")
    if todo == "check":
        return _check_page(kind, token)
    given = _given(kind, token)
    errors = _tried(kind, given)[1] if todo in ("faults", "rest") else ()
    if todo == "faults":
        noted("export", "failed lines of an import")
        content = workbook.faults(given.sheet, errors, gettext("Reason"))
        return _file(content, f"{given.path.stem}-errors.xlsx")
    if todo not in ("all", "rest"):
        raise BadRequest()
    wish = _wish(kind, frozenset(error.line for error in errors))
    try:
        result = actions.run_import(
            database(), given.path, given.mapping, visitor().account, text=gettext, wish=wish, sheet=given.sheet,
            fields=given.fields, today=today(),
        )  # fmt: skip
    except ImportRefused as refused:
        return _check_page(kind, token, refused.errors)
    uploads.drop(database(), token)
    return render_template(
        "importing/done.html",
        kind=kind,
        result=result,
        file=given.path.name,
        undone=None,
        unwritten=movement.without_line(database(), today()) if "enrolment" in result.inserted else 0,
    )


def _table(kind: Kind, path: Path, content: bytes) -> Sheet:
    headings = kind.mapping().headings
    meanings = remembering.meanings(database(), kind.name, headings)
    return table_in(content, path, headings=frozenset({**known(headings), **meanings}), most=MOST_CELLS)


def _given(kind: Kind, token: str) -> Given:
    """What the visitor gave and said of it. NotFound."""
    db, form = database(), request.form
    name, content = uploads.find(db, visitor().account, kind.name, token)
    path, sheet = Path(name), _table(kind, Path(name), content)
    columns = kind.mapping().headings
    meanings = remembering.meanings(db, kind.name, columns)
    allowed = {*columns, *([FULL_NAME] if takes_full_names(columns) else [])}
    fields = list(matched(sheet.header, columns, meanings))
    for at in range(len(fields)):
        said = form.get(f"{COLUMN}{at}")
        if said is not None:
            fields[at] = said if said in allowed else LEFT_OUT if said == OUT else None
    if form:
        remembering.remember(db, kind.name, sheet.header, columns, fields)
    key = form.get("key", "") if "key" in form else _fitting(kind, fields)
    return Given(path, sheet, key, kind.mapping(key), tuple(fields))


def _fitting(kind: Kind, fields: Sequence[str | None]) -> str:
    """The first of a kind's keys for which a file has all columns that are needed, or the usual one."""
    return next((key for key in ("", *kind.keys) if not _missing(kind.mapping(key), fields)), "")


def _missing(mapping: Mapping, fields: Sequence[str | None]) -> list[str]:
    """The columns that a file must have and has not."""
    there = {*fields, *(PARTS if FULL_NAME in fields else ())}
    return [name for name, needed in mapping.file_columns().items() if needed and name not in there]


def _wish(kind: Kind, leave_out: frozenset[int] = frozenset()) -> Wish:
    wanted = request.form.get("mode", "both")
    mode: Mode = next((one for one in MODES if one == wanted), "both")
    classes = request.form.getlist("seen-class" if "all-classes" in request.form else "new-class")
    wish = Wish(
        mode,
        leave_out,
        names_checked=NAMES_CHECKED in request.form,
        new_classes=frozenset(classes),
        others_checked=OTHERS_CHECKED in request.form,
    )
    if kind.checked is None:
        return wish
    return replace(wish, rules=kind.checked(database(), visitor(), today(), request.form.get(REASON, "")))


def _tried(kind: Kind, given: Given) -> tuple[ImportResult | None, tuple[LineError, ...]]:
    """What would happen, or what is in the way."""
    attempt = partial(actions.run_import, database(), given.path, given.mapping, visitor().account, True)
    try:
        result = attempt(
            text=gettext, wish=_wish(kind), sheet=given.sheet, fields=given.fields, today=today()
        )
    except ImportRefused as refused:
        return None, refused.errors
    return result, ()


def _check_page(kind: Kind, token: str, refused: tuple[LineError, ...] | None = None) -> ResponseReturnValue:
    given = _given(kind, token)
    result, errors = (None, refused) if refused is not None else _tried(kind, given)
    wrong = {error.line for error in errors}
    sheet = given.sheet
    good = len(sheet.lines) - len(wrong & {line.number for line in sheet.lines})
    groups = grouped(errors)
    page = render_template(
        "importing/check.html",
        kind=kind,
        token=token,
        file=given.path.name,
        result=result,
        errors=groups[:SHOWN_ERRORS],
        all_errors=len(groups),
        classes=_new_classes(errors),
        wrong=len(wrong),
        rest=good if sheet.header_line not in wrong else 0,
        columns=_columns(given),
        options=_options(kind, given.mapping),
        lacking=[] if request.form.get("mode") == "update" else _lacking(given),
        names=any(isinstance(error, NameInText) for error in errors),
        names_checked=NAMES_CHECKED,
        others=any(isinstance(error, MayBeSomeone) for error in errors),
        others_checked=OTHERS_CHECKED,
        late=_late(result, errors),
        mode=request.form.get("mode", "both"),
        key=given.key,
    )
    return (page, 422) if errors and request.method == "POST" else page


def _late(result: ImportResult | None, errors: Iterable[LineError]) -> int:
    """How many lines change what may be changed with a reason only."""
    told = {error.line for error in errors if isinstance(error, LateLine)}
    return len(told) or (result.inserted.get("mark_correction", 0) if result else 0)


def _new_classes(errors: Iterable[LineError]) -> list[tuple[str, bool]]:
    """The classes that the school has not and the file names, and whether the visitor lets them be made."""
    form = request.form
    wanted = set(form.getlist("seen-class" if "all-classes" in form else "new-class"))
    found = wanted | {error.called for error in errors if isinstance(error, NewClass)}

    def place(called: str) -> tuple[int, str]:
        grade, _, letter = called.partition("-")
        return int(grade) if grade.isdigit() else 0, alphabetical(letter)

    return [(called, called in wanted) for called in sorted(found, key=place)]


def _columns(given: Given) -> list[tuple[str, str, str, str, bool]]:
    """Of every column of the file: the name of its choice, its heading, a cell of it, what is chosen, and whether the
    visitor has to look at it: nobody knows what it is, or another one is the same.
    """
    found = []
    for at, (heading, field) in enumerate(zip(given.sheet.header, given.fields, strict=True)):
        cell = next(
            filter(None, (cell for line in given.sheet.lines for cell in line.cells[at : at + 1])), ""
        )
        if not heading and not cell:
            continue
        unsure = field is None or (field != LEFT_OUT and given.fields.count(field) > 1)
        called = heading or gettext("Column %(letter)s", letter=get_column_letter(at + 1))
        chosen = OUT if field == LEFT_OUT else field or ""
        found.append((f"{COLUMN}{at}", called, cell, chosen, unsure))
    return found


def _options(kind: Kind, mapping: Mapping) -> list[tuple[str, str]]:
    """What a column of the file may be."""
    named = mapping.headings
    full = [(FULL_NAME, gettext("Surname, given name and patronymic in one"))]
    return [
        ("", EMPTY),
        (OUT, gettext("Leave out")),
        *(full if takes_full_names(named) else []),
        *((name, title(named[name], current_language())) for name in kind.columns()),
    ]


def _lacking(given: Given) -> list[str]:
    """The columns that the file must have and has not, as they are called."""
    named = given.mapping.headings
    return [title(named[name], current_language()) for name in _missing(given.mapping, given.fields)]
