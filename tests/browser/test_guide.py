"""The guides in a browser, and the pictures in them: ``make pictures`` takes them anew from the generated school."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlite_utils import Database

from shared import crypto
from shared.dates import date_of, day_number, parse_day
from shared.ui import STATIC_FOLDER
from sync.state import State
from sync.writer import writing
from tests.browser.looking import sign_in
from tests.node.conftest import CHEAP, PASSWORD, SchoolPages
from tests.node.test_journal import a_school
from tests.serving import serving

PICTURES: dict[str, tuple[str, str]] = {
    "sign-in": ("", "/sign-in"),
    "today": ("class_teacher", "/"),
    "lesson": ("teacher", "/journal/lesson/{place}"),
    "grid": ("teacher", "/journal/group/{group}"),
    "attendance": ("class_teacher", "/attendance/class/{led}?day={missed}"),
    "class": ("class_teacher", "/classes/{led}"),
    "report-card": ("deputy", "/results/pupil/{child}/card"),
    "timetable": ("deputy", "/timetable/?class={led}"),
    "orders": ("head", "/orders/"),
    "movement": ("secretary", "/movement/"),
    "import": ("secretary", "/import/staff"),
    "results": ("teacher", "/journal/results/{group}?term={term}"),
    "plan": ("teacher", "/plans/group/{group}"),
    "calendar": ("deputy", "/calendar/"),
    "control": ("deputy", "/control/"),
    "reports": ("head", "/reports/"),
    "people": ("secretary", "/people/"),
    "classes": ("librarian", "/classes/"),
    "accounts": ("administrator", "/accounts/"),
    "sync": ("head", "/sync/"),
    "class-names": ("librarian", "/classes/{led}"),
    "absences": ("social", "/attendance/pupil/{child}"),
    "card": ("social", "/people/{helped}"),
    "categories": ("social", "/people/{helped}/social"),
    "own-day": ("pupil", "/"),
    "own-marks": ("pupil", "/results/pupil/{child}"),
    "child-day": ("guardian", "/"),
    "consents": ("guardian", "/consents/{child}"),
    "own-consents": ("teacher", "/consents/own"),
    "asked": ("class_teacher", "/consents/"),
    "head-day": ("head", "/"),
    "social-day": ("social", "/"),
    "library-day": ("librarian", "/"),
}
"""Name -> whose page (nobody's before one signs in), and its address."""
NOON = datetime.datetime(2025, 10, 23, 12, 30)
"""A Thursday of the first quarter with its lessons half over: the clock of the school whose pictures are taken."""


@dataclass
class Place:
    """The school as it is served."""

    school: SchoolPages
    address: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    school = a_school(tmp_path_factory.mktemp("guide"))
    with closing(school.node.connect()) as db:
        _family(db, int(State(db).administrator), crypto.hash_password(PASSWORD, CHEAP))
    school.logins |= {"administrator": "admin"}
    with pytest.MonkeyPatch.context() as patch, serving(school.app) as address:
        patch.setattr("shared.web._now", lambda: NOON)
        yield Place(school, address)


def _family(db: Database, actor: int, stored: str) -> None:
    """Accounts of a pupil who has been away, with results of the term, and of a guardian; the administrator's too."""
    guardian, child = db.execute(
        """SELECT g.person, g.pupil FROM guardian g JOIN person p ON p.id = g.pupil JOIN person q ON q.id = g.person
             JOIN attendance a ON a.pupil = g.pupil
           WHERE p.surname IS NOT NULL AND q.surname IS NOT NULL GROUP BY g.rid ORDER BY COUNT(*) DESC, g.rid LIMIT 1"""
    ).fetchone()
    marked = db.execute(
        "SELECT subject_group, CAST(ROUND(AVG(value)) AS INTEGER) FROM mark WHERE pupil = ? AND value > 0 GROUP BY 1",
        [child],
    ).fetchall()
    person, term = db.execute(
        """SELECT a.person, t.id FROM account a JOIN term t ON t.kind = 'quarter' AND ?2 BETWEEN t.start AND t."end"
           WHERE a.id = ?1""",
        [actor, day_number(NOON)],
    ).fetchone()
    with writing(db, actor) as w:
        w.update("account", actor, password=stored)
        w.insert("appointment", person=person, duty="administrator", start=0)
        for login, of in (("guardian", guardian), ("pupil", child)):
            w.insert("account", person=of, login=login, password=stored, language="ky")
        for group, value in marked:
            w.insert(
                "term_result", subject_group=group, pupil=child, term=term, value=value, band=value, missed=0
            )


def path_of(school: SchoolPages, path: str) -> str:
    group, day, period = school.lesson_of(school.taught, taught_by=school.person("teacher"))
    term = school.one(
        "SELECT id FROM term WHERE kind = 'quarter' AND start <= ?1 AND \"end\" >= ?1", parse_day(day)
    )
    missed = school.one(
        "SELECT MAX(day) FROM attendance JOIN enrolment e USING (pupil) WHERE e.class_group = ?", school.led
    )
    return path.format(
        place=f"{group}/{day}/{period}",
        group=group,
        term=term,
        missed=date_of(missed).isoformat(),
        led=school.led,
        child=school.one("SELECT person FROM account WHERE login = 'pupil'"),
        helped=school.one("SELECT person FROM pupil WHERE categories IS NOT NULL LIMIT 1"),
    )


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_the_page_of_a_picture_is_there(browser: Browser, place: Place, tmp_path: Path, name: str) -> None:
    """What a guide shows is a page that opens; with MEKTEP_PICTURES set its picture is taken anew."""
    duty, path = PICTURES[name]
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, locale="ky-KG", color_scheme="light"
    )
    page = context.new_page()
    if duty:
        sign_in(page, place.address, place.school.logins.get(duty, duty))
    answer = page.goto(place.address + path_of(place.school, path))
    assert answer is not None and answer.status == 200
    folder = STATIC_FOLDER / "guide" if os.environ.get("MEKTEP_PICTURES") else tmp_path
    page.screenshot(path=folder / f"{name}.png")
    context.close()
    assert (folder / f"{name}.png").stat().st_size > 5_000
