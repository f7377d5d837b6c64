"""Routes of the plans: the list with plan against fact, one plan, import and copies, approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from node import access
from node.access import right
from node.calendar import queries as calendar
from node.classes import queries as class_queries
from node.importing import uploads
from node.importing.limits import take_files
from node.people.queries import class_name
from node.plans import actions, forms, lines, queries
from node.request import acting, database
from node.timetable import queries as timetable
from shared.dates import school_year_name
from shared.i18n import column_label, day, gettext, row_name, size, translate
from shared.problems import InputProblem, NotAllowed, NotFound
from shared.web import LARGEST_UPLOAD, today, visitor

area = Blueprint("plans", __name__, url_prefix="/plans", template_folder="templates")
take_files(area, "plans.read_in")

MODES = ("append", "after", "replace")
"""What becomes of the plan that is there when lines are read in."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


# ---- the list


@area.get("/")
@right("plans", "V")
def index() -> ResponseReturnValue:
    """The visitor's own plans; for who views all, those of a class: state, hours given against plan, topics late."""
    db, who = database(), visitor()
    present = class_queries.coming_year(class_queries.years(db), today())
    days = calendar.bounds(db, present.id) if present else None
    year = (present.id, *days) if present and days else None
    everyone = access.may_all(who, "plans", "V")
    classes = calendar.classes(db, year[0]) if year and everyone else []
    chosen = forms.whole(request.args.get("class"))
    own = who.person if who.has(*access.TEACHING) else None
    if classes and chosen is None and own is None:
        chosen = classes[0]["id"]
    found = []
    if year and chosen is not None and everyone:
        found = queries.standings(db, year, today(), class_group=chosen)
    elif year and own is not None:
        found = queries.standings(db, year, today(), teacher=own)
    return render_template(
        "plans/index.html",
        year_name=school_year_name(year[1]) if year else "",
        standings=found,
        classes=classes,
        chosen=chosen,
        own=own,
        names=timetable.names(db, {one.group["teacher"] for one in found}, today()),
        class_name=class_name,
    )


# ---- one plan


@area.get("/group/<int:group_id>")
@right("plans", "V")
def show(group_id: int) -> ResponseReturnValue:
    """A plan with its planned and actual dates; the item named by `edit` as a form."""
    return _plan_page(group_id)


def _readable(group_id: int) -> Mapping[str, Any]:
    """The group. NotFound; NotAllowed: a plan of someone else's."""
    row = queries.group(database(), group_id)
    if row is None:
        raise NotFound()
    if not access.reaches_group(database(), visitor(), "plans", "V", group_id):
        raise NotAllowed()
    return row


def _writes(row: Mapping[str, Any]) -> bool:
    who = visitor()
    return access.may(who, "plans", "E") and who.person is not None and row["teacher"] == who.person


def _own(group_id: int) -> Mapping[str, Any]:
    """The group whose plan the visitor writes. NotFound, NotAllowed."""
    row = _readable(group_id)
    if not _writes(row):
        raise NotAllowed()
    return row


def _plan_page(group_id: int, problem: str = "", typed: Mapping[str, str] | None = None) -> str:
    db, row = database(), _readable(group_id)
    plan = queries.plan_of(db, group_id)
    laid = queries.laid_plan(db, row, plan["id"], today()) if plan else None
    approver = plan["approved_by"] if plan else None
    return render_template(
        "plans/show.html",
        group=row,
        name=_title(row),
        teacher=timetable.names(db, [row["teacher"]], today()).get(row["teacher"] or 0, ""),
        plan=plan,
        state=queries.Standing(row, plan, laid).state,
        laid=laid,
        writes=_writes(row),
        approves=access.may(visitor(), "plans", "A"),
        approver=timetable.names(db, [approver], today()).get(approver or 0, ""),
        edit=forms.whole(request.args.get("edit")),
        after=forms.whole((typed or request.args).get("after")),
        typed=typed or {},
        problem=problem,
        saved="saved" in request.args and not problem,
        imported=queries.last_import(db, plan["id"], visitor().account) if plan and _writes(row) else None,
        fields=queries.FIELDS,
        sources=_sources(row) if _writes(row) else [],
    )


def _title(row: Mapping[str, Any]) -> str:
    parts = (class_name(row["grade"], row["letter"]), row_name(row), row["part"] or "")
    return " · ".join(part for part in parts if part)


def _sources(row: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Plans to copy from, as a choice tells them."""
    db = database()
    found = queries.to_copy(db, row)
    names = timetable.names(db, {one["teacher"] for one in found}, today())
    return [
        (
            one["id"],
            ", ".join(
                part
                for part in (
                    class_name(one["grade"], one["letter"]),
                    school_year_name(one["year_start"]) if one["year_start"] is not None else "",
                    names.get(one["teacher"] or 0, ""),
                    gettext("%(hours)s h", hours=one["hours"]),
                )
                if part
            ),
        )
        for one in found
    ]


def _back(group_id: int, item: int | None = None) -> ResponseReturnValue:
    """The plan, saved; at the item that was changed."""
    at = f"item-{item}" if item else None
    return cast(ResponseReturnValue, redirect(url_for("plans.show", group_id=group_id, saved=1, _anchor=at)))


@area.post("/group/<int:group_id>/item")
@right("plans", "E")
def keep_item(group_id: int) -> ResponseReturnValue:
    """Keep an item, or add one."""
    _own(group_id)
    try:
        with acting() as w:
            actions.begin(w, group_id, visitor().person)
            item = forms.whole(request.form.get("item"))
            after = forms.whole(request.form.get("after"))
            row = actions.save_item(w, group_id, visitor().person, item, forms.line(request.form), after)
    except InputProblem as problem:
        return _plan_page(group_id, problem.sentence(gettext), request.form), problem.status
    return _back(group_id, row)


@area.post("/group/<int:group_id>/move")
@right("plans", "E")
def move_item(group_id: int) -> ResponseReturnValue:
    """Move an item up or down, or take it out."""
    _own(group_id)
    item, act = forms.needed(request.form.get("item")), request.form.get("act", "")
    with acting() as w:
        if act == "remove":
            actions.remove_item(w, group_id, visitor().person, item)
            return _back(group_id)
        actions.move_item(w, group_id, visitor().person, item, -1 if act == "up" else 1)
    return _back(group_id, item)


@area.get("/group/<int:group_id>/plan.xlsx")
@right("plans", "V")
def workbook(group_id: int) -> ResponseReturnValue:
    """The plan as a workbook, which can be changed and read in again."""
    row = _readable(group_id)
    plan = queries.plan_of(database(), group_id)
    laid = queries.laid_plan(database(), row, plan["id"], today()) if plan else None
    headings = ["№", *(column_label("plan_item", name) for name in queries.FIELDS)]
    headings += [gettext("Planned date"), gettext("Actual date")]
    rows = [
        [
            number,
            *(one.item[name] for name in queries.FIELDS),
            ", ".join(day(at[0], "short") for at in one.planned),
            ", ".join(day(at[0], "short") for at in one.actual),
        ]
        for number, one in enumerate(laid.rows if laid else (), 1)
    ]
    answer = Response(lines.workbook(headings, rows), mimetype=XLSX)
    answer.headers["Content-Disposition"] = 'attachment; filename="plan.xlsx"'
    return answer


# ---- import and copies


@area.get("/group/<int:group_id>/import")
@right("plans", "E")
def import_(group_id: int) -> ResponseReturnValue:
    """Where cells of a spreadsheet are pasted or a file is chosen; with a token, what was given comes to."""
    row, token = _own(group_id), request.args.get("token", "")
    if not token:
        return _import_page(row, "")
    try:
        text = _kept(group_id, token)
    except NotFound:
        return _import_page(
            row, "", problem=gettext("These cells were read in already, or lay here too long.")
        )
    return _import_page(row, text, lines.read(text), request.args.get("mode", ""), token=token)


def _kept(group_id: int, token: str) -> str:
    """The cells that wait for their import. NotFound."""
    return uploads.find(database(), visitor().account, f"plan {group_id}", token)[1].decode()


@area.post("/group/<int:group_id>/import")
@right("plans", "E")
def read_in(group_id: int) -> ResponseReturnValue:
    """Take the cells and lead to what they come to; once that was seen, write them, all or none."""
    row, form = _own(group_id), request.form
    token, mode = form.get("token", ""), form.get("mode", "append")
    text = form.get("text", "") if not token else _kept(group_id, token)
    try:
        file = request.files.get("file")
        if file is not None and file.filename:
            text = lines.text_of_file(file.read())
        reading = lines.read(text)
        if form.get("do") == "faults":
            return _faults(text, reading)
        if "confirm" in form and reading.lines and not reading.flaws:
            if mode == "replace" and "sure" not in form and _loses(group_id, reading):
                said = gettext("Tick that the plan may lose this, or add the topics instead.")
                return _import_page(row, text, reading, mode, said, token), 422
            label = gettext("Plan") + f": {_title(row)}"
            after = forms.needed(form.get("after")) if mode == "after" else None
            with acting() as w:
                actions.import_lines(
                    w, group_id, visitor().person, reading.lines, label, mode != "replace", after
                )
            if token:
                uploads.drop(database(), token)
            return redirect(url_for("plans.show", group_id=group_id, saved=1))
    except InputProblem as problem:
        return _import_page(row, text, mode=mode, problem=problem.sentence(gettext)), problem.status
    token = token or uploads.keep(database(), visitor().account, f"plan {group_id}", "", text.encode())
    after_item = form.get("after") if mode == "after" else None
    return redirect(url_for("plans.import_", group_id=group_id, token=token, mode=mode, after=after_item))


def _loses(group_id: int, reading: lines.Reading) -> bool:
    """Would the plan lose topics by becoming these lines?"""
    plan = queries.plan_of(database(), group_id)
    return plan is not None and bool(queries.going(database(), plan["id"], reading.lines).topics)


def _faults(text: str, reading: lines.Reading) -> Response:
    """The lines with flaws, to be mended and given again."""
    said = {
        flaw: f"{column_label('plan_item', flaw.field)}: {translate(flaw.sentence)}" for flaw in reading.flaws
    }
    answer = Response(lines.faults(text, reading.flaws, gettext("Reason"), said), mimetype=XLSX)
    answer.headers["Content-Disposition"] = 'attachment; filename="plan-errors.xlsx"'
    return answer


def _import_page(
    row: Mapping[str, Any],
    text: str,
    reading: lines.Reading | None = None,
    mode: str = "append",
    problem: str = "",
    token: str = "",
) -> str:
    db, year = database(), (row["year"], row["first"], row["last"])
    plan = queries.plan_of(db, row["id"])
    return render_template(
        "plans/import.html",
        group=row,
        name=_title(row),
        text=text,
        token=token,
        reading=reading,
        total=sum(int(str(line["hours"])) for line in reading.lines) if reading else 0,
        dates=len(timetable.dates(db, row["id"], year[1], year[2])),
        plan=plan,
        items=queries.items(db, plan["id"]) if plan else [],
        going=queries.going(db, plan["id"], reading.lines) if plan and reading else None,
        mode=mode if mode in MODES and plan else "append",
        after=forms.whole(request.values.get("after")),
        problem=problem,
        largest=size(LARGEST_UPLOAD),
        fields=queries.FIELDS,
        headings=", ".join(column_label("plan_item", name) for name in queries.FIELDS),
    )


@area.post("/group/<int:group_id>/copy")
@right("plans", "E")
def copy(group_id: int) -> ResponseReturnValue:
    """Take over another plan of the subject and grade."""
    _own(group_id)
    with acting() as w:
        actions.copy(w, group_id, visitor().person, forms.needed(request.form.get("plan")))
    return _back(group_id)


# ---- approval


@area.post("/group/<int:group_id>/hand-in")
@right("plans", "E")
def hand_in(group_id: int) -> ResponseReturnValue:
    """Hand a plan in for approval."""
    _own(group_id)
    try:
        with acting() as w:
            actions.hand_in(w, group_id, visitor().person)
    except InputProblem as problem:
        return _plan_page(group_id, problem.sentence(gettext)), problem.status
    return _back(group_id)


@area.post("/group/<int:group_id>/approve")
@right("plans", "A")
def approve(group_id: int) -> ResponseReturnValue:
    """Approve a plan, or send it back with a remark."""
    try:
        with acting() as w:
            if request.form.get("act") == "back":
                actions.send_back(w, group_id, request.form.get("remark", ""))
            else:
                actions.approve(w, group_id, visitor().person)
    except InputProblem as problem:
        return _plan_page(group_id, problem.sentence(gettext)), problem.status
    return _back(group_id)
