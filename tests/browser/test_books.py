"""Attendance, mark sheet, report cards, conduct, lesson control in a browser: accessible, as wide as the screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from node.attendance import actions as attendance_actions
from node.attendance import handing
from node.attendance import queries as attendance
from node.attendance import views as attendance_views
from node.control import views as control_views
from node.results import actions as result_actions
from node.results import books
from sync.writer import writing
from tests.browser.looking import Axe, flaws_at, sign_in
from tests.node.conftest import SchoolPages
from tests.node.test_journal import TODAY, Desk, a_school
from tests.serving import serving

DAY = "2025-10-22"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    """A generated school whose first class has a note, a locked quarter, results and conduct."""
    school = a_school(tmp_path_factory.mktemp("books"))
    desk = Desk(school)
    pupils = sorted(attendance.enrolled(desk.db, school.led, TODAY, TODAY))
    groups = desk.db.execute("SELECT id FROM subject_group WHERE class_group = ?", (school.led,)).fetchall()
    with writing(desk.db, desk.account) as w:
        attendance_actions.add_note(w, school.led, pupils[0], TODAY - 1, TODAY + 3, "ill")
        for (group,) in groups[:3]:
            for number, pupil in enumerate(pupils):
                mark = 2 + number % 4
                w.put("term_result", subject_group=group, pupil=pupil, term=4, value=mark, status="assessed")
        result_actions.give_conduct(w, school.led, 4, {pupils[0]: "exemplary"})
        result_actions.lock(w, school.led, 5)
        result_actions.lock(w, school.led, 4)
        result_actions.reopen(w, school.led, 4, "Ката табылды")
    a_family(desk)
    desk.db.close()
    return school


def a_family(desk: Desk) -> None:
    """A parent signs in who handed in notes: one is declined, one waits. The child missed today's lessons."""
    led, db = desk.school.led, desk.db
    parent, pupil = db.execute(
        """SELECT g.person, g.pupil FROM guardian g JOIN enrolment e ON e.pupil = g.pupil
           WHERE e.class_group = ? AND g.may_read = 1 AND e."end" IS NULL LIMIT 1""",
        (led,),
    ).fetchone()
    [stored] = db.execute("SELECT password FROM account WHERE id = ?", (desk.account,)).fetchone()
    with writing(db, desk.account) as w:
        w.insert("account", person=parent, login="parent", password=stored, language="ky")
        for day, period, group in attendance.lessons(db, led, TODAY, TODAY):
            key = {"subject_group": group, "day": day, "period": period}
            w.put("lesson", **key, attendance_taken=1, teacher=desk.teacher)
            w.put("attendance", **key, pupil=pupil, status="absent")
        first, _ = (
            attendance_actions.hand_in(w, pupil, parent, TODAY, TODAY + day, TODAY + day, "ill")
            for day in (-2, 0)
        )
        attendance_actions.decline(w, led, first, desk.account, TODAY, "days", "Шейшембиде сабакта болгон.")


@pytest.fixture
def here(school: SchoolPages, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for module in (attendance_views, handing, control_views, books):
        monkeypatch.setattr(module, "today", lambda: TODAY)
    with serving(school.app) as found:
        yield found


@pytest.mark.parametrize("duty", ["class_teacher", "deputy"])
def test_every_page_is_accessible_and_fits(
    page: Page, axe: Axe, school: SchoolPages, here: str, duty: str
) -> None:
    sign_in(page, here, school.logins[duty])
    led, pupil = school.led, school.pupil_of(school.led)
    paths = [
        "/attendance/", f"/attendance/class/{led}?day={DAY}", f"/attendance/class/{led}?day={DAY}&view=week",
        f"/attendance/class/{led}?day={DAY}&view=month", f"/attendance/pupil/{pupil}", f"/results/{led}/sheet",
        f"/results/{led}/cards", f"/results/{led}/conduct", f"/results/pupil/{pupil}/card",
    ]  # fmt: skip
    paths += ["/control/"] if duty == "deputy" else []
    assert flaws_at(page, axe, here, paths, unfold=False) == []


@pytest.mark.parametrize(
    ("login", "path"), [("parent", "/attendance/notes"), ("", "/attendance/class/{led}")]
)
def test_a_note_is_handed_in_and_answered_on_pages_that_fit(
    page: Page, axe: Axe, school: SchoolPages, here: str, login: str, path: str
) -> None:
    sign_in(page, here, login or school.logins["class_teacher"])
    assert flaws_at(page, axe, here, [path.format(led=school.led)], dark=True) == []
    folds = page.locator("[name=refusal], [name^=lesson-reason], [name=reason][value=excused]")
    assert folds.count() > (1 if not login else 0)
