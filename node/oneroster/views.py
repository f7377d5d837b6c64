"""Routes of OneRoster: the export, and the import in the steps of the other imports (their undo is `importing`'s)."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.classes import queries as classes
from node.classes.queries import Year
from node.importing import uploads
from node.importing.checks import LateLine
from node.importing.grouping import grouped
from node.importing.limits import take_files
from node.movement import queries as movement
from node.oneroster import actions, intake, queries, workbook
from node.oneroster.books import Mode
from node.oneroster.intake import Intake
from node.oneroster.package import Package, pack, read_package
from node.oneroster.taking import KEYS, Choice
from node.reading.noting import noted, noted_people
from node.request import database
from shared.access import allow
from shared.i18n import column_label, gettext, schema_label, size
from shared.problems import (
    BadRequest,
    DamagedFile,
    ImportRefused,
    InputProblem,
    LineError,
    NotFound,
    TooLarge,
)
from shared.web import LARGEST_UPLOAD, today, visitor

area = Blueprint("oneroster", __name__, url_prefix="/oneroster", template_folder="templates")
take_files(area, "oneroster.upload")

EXPORT = ("head", "deputy")
IMPORT = tuple(
    duty for duty in access.everywhere("card", "E") if duty in access.everywhere("staff_file", "E")
)
"""Who enters every card and every staff file."""
MARK = access.roles("lesson_marks", "E")
"""Who enters marks: of a file they take in those of their own lessons."""
KIND = "oneroster"
MODES: tuple[Mode, ...] = ("both", "insert", "update")
SHOWN_ERRORS = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _year() -> Year | None:
    return classes.present_year(classes.years(database()), today())


@area.get("/")
@allow(*EXPORT, *IMPORT)
def index() -> ResponseReturnValue:
    """What the file holds, and the button that makes it; the way to the import."""
    who, year = visitor(), _year()
    return render_template(
        "oneroster/index.html",
        year=year,
        terms=[(one["id"], actions.term_title(one)) for one in queries.terms(database(), year, None)]
        if year
        else [],
        numbered=queries.numbered(database(), year, today()) if year and who.has(*EXPORT) else (0, 0),
        exports=who.has(*EXPORT),
        imports=who.has(*IMPORT),
    )


@area.post("/file")
@allow(*EXPORT)
def file() -> ResponseReturnValue:
    """The present school year as a ZIP; the export is noted first. NotFound: no year has classes yet."""
    year = _year()
    if year is None:
        raise NotFound()
    noted("export", "oneroster")
    term = request.form.get("marks", "")
    content = actions.archive(
        database(), year, today(), whole="whole" in request.form, term=int(term) if term.isdigit() else 0
    )
    name = f"oneroster-{year.name.replace('/', '-')}.zip"
    return _file(content, "application/zip", name)


def _file(content: bytes, mimetype: str, name: str) -> Response:
    return Response(
        content,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


# ---- the import


@area.get("/in")
@allow(*IMPORT, *MARK)
def start() -> ResponseReturnValue:
    """Steps one and two: what the archive holds; give it."""
    return _start_page()


@area.post("/in")
@allow(*IMPORT, *MARK)
def upload() -> ResponseReturnValue:
    """Keep the archive for the next step, if it is a roster at all; files given one by one are packed."""
    given = [(one.filename or "", one.read()) for one in request.files.getlist("file") if one.filename]
    try:
        if not given:
            raise BadRequest()
        name, content = pack(given)
        _read(content, name)
    except BadRequest:
        return _start_page(gettext("Choose a file first.")), 422
    except (InputProblem, DamagedFile, TooLarge) as problem:
        return _start_page(problem.sentence(gettext)), problem.status
    token = uploads.keep(database(), visitor().account, KIND, name, content)
    return redirect(url_for("oneroster.check", token=token))


def _start_page(problem: str = "") -> str:
    who = visitor()
    return render_template(
        "oneroster/start.html",
        problem=problem,
        largest=size(LARGEST_UPLOAD),
        people=who.has(*IMPORT),
        marks=who.has(*MARK),
    )


@area.get("/in/<token>")
@allow(*IMPORT, *MARK)
def check(token: str) -> ResponseReturnValue:
    """Step three: a dry run; nothing is written."""
    return _check_page(token)


@area.post("/in/<token>")
@allow(*IMPORT, *MARK)
def run(token: str) -> ResponseReturnValue:
    """Check again with other choices, fetch the lines with errors, or take in, all of it or nothing."""
    todo = request.form.get("do", "check")
    if todo == "check":
        return _check_page(token)
    if todo not in ("faults", "rest", "all", "absent"):
        raise BadRequest()
    name, package = _package(token)
    if todo == "absent":
        found = _tried(package, name)[0]
        absent = found.absent if found else ()
        noted_people("export", "people missing in an import", absent)
        heads = [
            "№",
            gettext("Name"),
            schema_label("class_group"),
            column_label("pupil", "personal_file"),
            column_label("staff", "position"),
        ]
        rows = queries.people(database(), absent, today())
        return _file(workbook.people(rows, heads), XLSX, f"{Path(name).stem}-absent.xlsx")
    errors = _tried(package, name)[1] if todo in ("faults", "rest") else ()
    if todo == "faults":
        noted("export", "failed lines of an import")
        return _file(
            workbook.faults(package, errors, gettext("Reason")), XLSX, f"{Path(name).stem}-errors.xlsx"
        )
    left = frozenset((error.file.removesuffix(".csv"), error.line) for error in errors)
    try:
        taken = _take(package, name, _choice(left))
    except ImportRefused as refused:
        return _check_page(token, refused.errors)
    uploads.drop(database(), token)
    rolls = {**taken.result.inserted, **taken.result.changed}
    return render_template(
        "importing/done.html",
        kind=None,
        result=taken.result,
        file=name,
        undone=None,
        unwritten=movement.without_line(database(), today()) if "enrolment" in rolls else 0,
    )


def _package(token: str) -> tuple[str, Package]:
    name, content = uploads.find(database(), visitor().account, KIND, token)
    return name, _read(content, name)


def _read(content: bytes, name: str) -> Package:
    """What the visitor may take in of an archive. DamagedFile, TooLarge, UnsafeArchive, NotARoster."""
    return read_package(content, name, people=visitor().has(*IMPORT), marks=visitor().has(*MARK))


def _choice(left: frozenset[tuple[str, int]] = frozenset()) -> Choice:
    form = request.form
    mode: Mode = next((one for one in MODES if one == form.get("mode")), "both")
    key = form.get("key", "")
    return Choice(mode, key if key in KEYS else "", left, form.get("reason", "").strip())


def _take(package: Package, name: str, choice: Choice, dry_run: bool = False) -> Intake:
    """Take in what the visitor may: classes and people, marks of the lessons taught, or both. ImportRefused."""
    who = visitor()
    return intake.take_in(
        database(),
        package,
        name,
        who.account,
        today(),
        choice,
        dry_run=dry_run,
        text=gettext,
        teacher=who if who.has(*MARK) else None,
        people=who.has(*IMPORT),
    )


def _tried(package: Package, name: str) -> tuple[Intake | None, tuple[LineError, ...]]:
    """What would happen, or what is in the way."""
    try:
        return _take(package, name, _choice(), dry_run=True), ()
    except ImportRefused as refused:
        return None, refused.errors


def _check_page(token: str, refused: tuple[LineError, ...] | None = None) -> ResponseReturnValue:
    name, package = _package(token)
    found, errors = (None, refused) if refused is not None else _tried(package, name)
    wrong = {(error.file, error.line) for error in errors}
    whole_files = any(line == 1 for _, line in wrong)
    groups = grouped(errors)
    page = render_template(
        "oneroster/check.html",
        token=token,
        file=name,
        package=package,
        intake=found,
        errors=groups[:SHOWN_ERRORS],
        all_errors=len(groups),
        wrong=len(wrong),
        late=sum(isinstance(error, LateLine) for error in errors)
        or (found.result.inserted.get("mark_correction", 0) if found else 0),
        people=visitor().has(*IMPORT),
        rest=0 if whole_files else package.count - len(wrong),
        mode=request.form.get("mode", "both"),
        key=request.form.get("key", ""),
    )
    return (page, 422) if errors and request.method == "POST" else page
