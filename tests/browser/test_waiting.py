"""What a teacher enters while something is in the way: it waits in the browser, is sent once, and asks where it must.

The power cut of the school's server is played in test_journal; here the Wi-Fi goes, an answer is lost, a session ends,
another account uses the browser, a colleague writes, the deputy locks the term.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, Request, Route, expect

from node.journal import actions, queries
from node.journal.actions import Change
from node.results import actions as locking
from shared.schema import BY_NAME
from sync.writer import writing
from tests.browser.looking import Axe
from tests.browser.test_journal import a_lesson_of_many, emptied, focus, key, sign_in, that_day
from tests.node.conftest import PASSWORD, SchoolPages
from tests.node.test_journal import EDIT_DAYS, ORAL, TODAY, Desk, address

phone = pytest.mark.parametrize("page", ["phone"], indirect=True)
desktop = pytest.mark.parametrize("page", ["desktop"], indirect=True)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_lesson_of_many(tmp_path_factory.mktemp("waiting"))


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    yield from emptied(school)


@pytest.fixture
def here(school: SchoolPages, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from that_day(school, monkeypatch)


def in_order(desk: Desk) -> list[int]:
    return [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]


def grid_of(desk: Desk) -> str:
    return f"/journal/group/{desk.place.group}"


def waiting(page: Page) -> list[str]:
    """The addresses of what waits in this browser."""
    found: list[str] = page.evaluate(
        "Object.keys(localStorage).filter(key => key.startsWith('mektep-unsent:'))"
    )
    return found


def names_kept(page: Page, desk: Desk) -> list[str]:
    """Parts of names of the lesson's pupils and of teachers that this browser keeps."""
    teachers = [row[0] for row in desk.db.execute("SELECT DISTINCT teacher FROM subject_group").fetchall()]
    names = [name for _, name in queries.named(desk.db, {*desk.pupils, *teachers} - {None}, TODAY) if name]
    assert len(names) > 5
    stored: str = page.evaluate("JSON.stringify(localStorage)")
    return [part for name in names for part in name.split() if part in stored]


def written(desk: Desk, table: str, since: int) -> int:
    """Changes of a table in the log."""
    number = BY_NAME[table].number
    sql = "SELECT count(*) FROM change WHERE n > ? AND tbl = ?"
    return int(desk.db.execute(sql, (since, number)).fetchone()[0])


def last_change(desk: Desk) -> int:
    return int(desk.db.execute("SELECT ifnull(max(n), 0) FROM change").fetchone()[0])


def back(page: Page) -> None:
    """The network is there again; the browser says so."""
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")


@desktop
def test_without_wifi_the_grid_goes_on_and_every_cell_is_sent_once(page: Page, desk: Desk, here: str) -> None:
    order = in_order(desk)
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    focus(page, order[0])
    since = last_change(desk)
    page.context.set_offline(True)
    for typed in ("5", "4", "/", "3", "n", "2"):
        page.keyboard.press(typed)
    page.locator("[data-state].waiting").wait_for()
    expect(page.locator(".journal-grid td.waiting")).to_have_count(4)
    stored = page.evaluate("JSON.stringify(localStorage)")
    assert len(waiting(page)) == 5 and all(str(pupil) in stored for pupil in order[:4])
    assert names_kept(page, desk) == []
    assert last_change(desk) == since
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one) if "/journal/cell/" in one.url else None)
    back(page)
    page.locator("[data-state].saved").wait_for()
    assert waiting(page) == []
    cells = [desk.cell(pupil) for pupil in order[:4]]
    assert [(cell.status, cell.value(0), cell.value(1)) for cell in cells] == [
        ("present", 5, None), ("present", 4, 3), ("absent", None, None), ("present", 2, None)
    ]  # fmt: skip
    assert (written(desk, "mark", since), written(desk, "attendance", since)) == (4, 1)
    assert len(sent) == 5


@phone
def test_without_wifi_the_list_goes_on_too(page: Page, desk: Desk, here: str) -> None:
    first, second = in_order(desk)[:2]
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    since = last_change(desk)
    page.context.set_offline(True)
    key(page, first, "5")
    page.locator(f"[data-pupil='{first}'] .two").click()
    page.select_option("#kind-1", index=4)
    page.locator(f"[data-pupil='{first}'] .second .key:has(input[value='4'])").click()
    key(page, second, "absent")
    page.click(".written summary")
    page.fill("#homework", "§ 7")
    page.locator("#topic").focus()
    page.locator(".foot .state.waiting").wait_for()
    expect(page.locator(".pupil .state.waiting, .field .state.waiting")).to_have_count(3)
    back(page)
    page.locator(".foot .state.saved").wait_for()
    cell = desk.cell(first)
    assert [(mark.value, mark.kind) for _, mark in sorted(cell.marks.items())] == [(5, ORAL), (4, 4)]
    assert desk.cell(second).status == "absent"
    lesson = queries.lesson(desk.db, desk.place)
    assert lesson is not None and lesson["homework"] == "§ 7"
    assert (written(desk, "mark", since), written(desk, "attendance", since)) == (2, 1)
    page.reload()
    expect(page.locator(f"input[name='mark-{first}-1'][value='4']")).to_be_checked()
    assert "5" in page.locator(f"[data-pupil='{first}'] [data-kinds]").inner_text()


@desktop
def test_an_answer_that_was_lost_doubles_nothing(page: Page, desk: Desk, here: str) -> None:
    pupil = in_order(desk)[0]
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    since = last_change(desk)

    losing = True

    def arrive(route: Route) -> None:
        if losing:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/journal/cell/**", arrive)
    focus(page, pupil)
    page.keyboard.press("5")
    page.locator(".journal-grid td.waiting").wait_for()
    page.locator("[data-state]").filter(has_text="·").first.wait_for(state="attached")
    assert desk.cell(pupil).value(0) == 5
    # The teacher changes the mind before knowing; what was sent before is no colleague's.
    focus(page, pupil)
    page.keyboard.press("4")
    losing = False
    back(page)
    page.locator("[data-state].saved").wait_for()
    assert desk.cell(pupil).value(0) == 4 and page.locator(".clash").count() == 0
    assert written(desk, "mark", since) == 2


def leave_one_waiting(page: Page, desk: Desk, here: str, pupil: int) -> list[str]:
    """Sign in and give a five that the node does not get; returns what the browser keeps."""
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    page.route("**/journal/cell/**", lambda route: route.abort())
    focus(page, pupil)
    page.keyboard.press("5")
    page.locator("[data-state].waiting").wait_for()
    return waiting(page)


@desktop
def test_what_one_account_left_waits_for_it_and_signing_out_asks(
    page: Page, school: SchoolPages, desk: Desk, here: str
) -> None:
    pupil = in_order(desk)[0]
    kept = leave_one_waiting(page, desk, here, pupil)
    assert len(kept) == 1 and kept[0].startswith(f"mektep-unsent:{desk.account}:")
    # Another page says that something waits and leads to the journal; leaving asks, and is done.
    page.goto(f"{here}/")
    notice = page.locator("main > .notice.waiting a")
    notice.wait_for()
    assert notice.get_attribute("href") == "/journal/"
    asked: list[str] = []

    def yes(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.once("dialog", yes)
    page.click("details.account summary")
    page.click("details.account form[action='/sign-out'] .plain")
    page.wait_for_url("**/sign-in")
    assert len(asked) == 1
    # Someone else comes: nothing of it is shown, counted or sent.
    other = desk.db.execute(
        """SELECT a.login, a.id, sg.id FROM account a JOIN subject_group sg ON sg.teacher = a.person
           WHERE a.id <> ? AND sg.scale IS NOT NULL ORDER BY a.id LIMIT 1""",
        (desk.account,),
    ).fetchone()
    page.unroute("**/journal/cell/**")
    page.fill("#login", other[0])
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{here}/")
    assert page.locator("main > .notice.waiting").count() == 0
    page.goto(f"{here}/journal/group/{other[2]}")
    page.wait_for_load_state("networkidle")
    assert page.locator("[data-state]").inner_text() == "" and waiting(page) == kept
    assert desk.cell(pupil).value(0) is None
    page.click("details.account summary")
    page.click("details.account form[action='/sign-out'] .plain")
    page.wait_for_url("**/sign-in")
    # Back with its own account, the journal's first page sends it.
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/")
    page.locator("[data-state].saved").wait_for()
    assert waiting(page) == [] and desk.cell(pupil).value(0) == 5
    actor = desk.db.execute("SELECT actor FROM change ORDER BY n DESC LIMIT 1").fetchone()[0]
    assert actor == desk.account


@desktop
def test_a_colleagues_mark_in_the_grid_is_shown_beside_ones_own(
    page: Page, axe: Axe, desk: Desk, here: str
) -> None:
    first, second = in_order(desk)[:2]
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    page.context.set_offline(True)
    focus(page, first)
    page.keyboard.press("4")
    page.keyboard.press("4")
    colleague, person = desk.db.execute(
        "SELECT a.id, a.person FROM account a JOIN subject_group sg ON sg.teacher = a.person WHERE a.id <> ?",
        (desk.account,),
    ).fetchone()
    with writing(desk.db, colleague) as w:
        changes = [Change("mark", 3, None, pupil, 0, ORAL) for pupil in (first, second)]
        actions.save(w, desk.place, desk.teacher, TODAY, changes)
    back(page)
    questions = page.locator(".clash")
    questions.nth(1).wait_for()
    # What is not decided yet does not count.
    row = f"tr[data-pupil='{first}']"
    undecided = page.inner_text(f"{row} [data-average]")
    # Who it was is told and not kept: a page that comes later asks the school anew.
    author = queries.person_name(desk.db, person, TODAY)
    assert author
    expect(questions.filter(has_text=author)).to_have_count(2)
    assert len(waiting(page)) == 2 and names_kept(page, desk) == []
    page.reload()
    expect(questions.filter(has_text=author)).to_have_count(2)
    assert names_kept(page, desk) == []
    assert all("3" in text and "4" in text for text in questions.all_inner_texts())
    assert axe(page) == []
    assert [desk.cell(pupil).value(0) for pupil in (first, second)] == [3, 3]
    questions.filter(has_text=dict(queries.named(desk.db, [first], TODAY))[first] or str(first)).locator(
        "button"
    ).first.click()
    page.locator(".clash button").nth(1).click()
    page.locator("[data-state].saved").wait_for()
    assert [desk.cell(pupil).value(0) for pupil in (first, second)] == [3, 4]
    assert page.inner_text(f"{row} [data-average]") != undecided
    shown = page.locator(f"tr[data-pupil='{first}'] td[data-m='3']")
    expect(shown).not_to_have_count(0)
    assert waiting(page) == []


@phone
def test_what_was_refused_in_a_text_is_told_and_not_kept(page: Page, desk: Desk, here: str) -> None:
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    told = {"error": "name_without_consent", "sentence": "Толубаева Айжан: макулдугу жок."}
    page.route("**/journal/cell/**", lambda route: route.fulfill(status=422, json=told))
    page.click(".written summary")
    page.fill("#homework", "§ 7")
    page.locator("#topic").focus()
    question = page.locator("[data-cell=homework] .clash").filter(has_text="Толубаева Айжан")
    question.wait_for()
    for _ in range(2):
        stored = page.evaluate("JSON.stringify(localStorage)")
        assert "§ 7" in stored and "Толубаева" not in stored
        page.reload()
        question.wait_for()
    page.unroute("**/journal/cell/**")
    page.reload()
    page.locator(".foot .state.saved").wait_for()
    assert waiting(page) == [] and question.count() == 0


@phone
def test_a_session_that_ended_loses_nothing(page: Page, desk: Desk, here: str) -> None:
    pupil = in_order(desk)[0]
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    page.context.clear_cookies()
    key(page, pupil, "5")
    leads = page.locator("main > .notice.waiting a[href]")
    leads.wait_for()
    assert len(waiting(page)) == 1 and desk.cell(pupil).value(0) is None
    # Whoever comes by sees no name and no mark of that page any more.
    expect(page.locator(".pupil, h1").locator("visible=true")).to_have_count(0)
    leads.click()
    page.locator("#login").wait_for()
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(here + address(desk.place))
    page.locator(".foot .state.saved").wait_for()
    assert desk.cell(pupil).value(0) == 5 and waiting(page) == []


@desktop
def test_who_signs_out_in_one_tab_is_out_of_all_and_what_was_typed_is_kept(
    page: Page, desk: Desk, here: str
) -> None:
    pupil = in_order(desk)[0]
    kept = leave_one_waiting(page, desk, here, pupil)
    other = page.context.new_page()
    other.goto(f"{here}/account")
    other.on("dialog", lambda dialog: dialog.accept())
    other.click("details.account summary")
    other.click("details.account form[action='/sign-out'] .plain")
    other.wait_for_url("**/sign-in")
    page.wait_for_url(f"{here}/sign-in?next={grid_of(desk)}")
    assert waiting(page) == kept


@pytest.mark.parametrize("page", ["phone", "desktop"], indirect=True)
def test_a_cell_that_was_locked_meanwhile_says_so(page: Page, desk: Desk, here: str) -> None:
    pupil = in_order(desk)[0]
    group, term = queries.group(desk.db, desk.place.group), queries.term_of(desk.db, desk.place.group, TODAY)
    assert group is not None and term is not None
    small = page.viewport_size is not None and page.viewport_size["width"] < 600
    sign_in(page, here, desk)
    page.goto(here + (address(desk.place) if small else grid_of(desk)))
    with writing(desk.db, desk.account) as w:
        locking.lock(w, group["class_group"], term["id"])
    try:
        if small:
            key(page, pupil, "5")
            page.locator(f"[data-pupil='{pupil}'] .told").wait_for()
        else:
            focus(page, pupil)
            page.keyboard.press("5")
            locked = page.locator(".journal-grid td.locked")
            expect(locked).to_have_attribute("title", re.compile("."))
        assert desk.cell(pupil).value(0) is None and waiting(page) == []
        page.goto(here + grid_of(desk))
        assert page.locator("th[data-locked] .lock").count() > 5
        assert page.locator("td[tabindex]").count() == 0
        # Who only reads is led from a cell to its history.
        page.locator(f"tr[data-pupil='{pupil}'] td:not(.out, .sum)").last.click()
        page.wait_for_url("**/journal/history/**")
    finally:
        with writing(desk.db, desk.account) as w:
            locking.reopen(w, group["class_group"], term["id"], "Оңдоо")


@desktop
def test_a_late_mark_waits_for_its_reason(page: Page, desk: Desk, here: str) -> None:
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    old = page.locator("th[data-old]").last
    column = old.evaluate("head => head.cellIndex")
    cell = page.locator(f"tr[data-pupil] > :nth-child({column + 1}):not(.out):empty").first
    pupil = int(cell.evaluate("td => td.parentNode.dataset.pupil"))
    cell.click()
    page.keyboard.press("5")
    td = page.locator(f"tr[data-pupil='{pupil}'] > :nth-child({column + 1})")
    page.locator("td.refused").wait_for()
    expect(page.locator("#reason")).to_be_focused()
    assert len(waiting(page)) == 1
    page.keyboard.type("Дептерден")
    page.keyboard.press("Tab")
    page.locator("[data-state].saved").wait_for()
    expect(td).to_have_class(re.compile(r"\bsaved\b"))
    assert waiting(page) == []
    row = desk.db.execute("SELECT reason, author FROM mark_correction ORDER BY id DESC LIMIT 1").fetchone()
    assert tuple(row) == ("Дептерден", desk.teacher)
    assert EDIT_DAYS > 0


@desktop
def test_two_tabs_of_one_account_send_once(page: Page, desk: Desk, here: str) -> None:
    pupil = in_order(desk)[0]
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    since = last_change(desk)
    page.route("**/journal/cell/**", lambda route: route.abort())
    focus(page, pupil)
    page.keyboard.press("5")
    page.locator("[data-state].waiting").wait_for()
    second = page.context.new_page()
    second.goto(here + grid_of(desk))
    second.locator("[data-state].saved").wait_for()
    page.locator("[data-state]:not(.waiting)").wait_for()
    assert waiting(page) == [] and desk.cell(pupil).value(0) == 5
    assert written(desk, "mark", since) == 1
