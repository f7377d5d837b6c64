"""What a teacher enters while something is in the way: it waits in the browser, is sent once, and asks where it must.

The power cut of the school's server is played in test_journal; here the Wi-Fi goes, an answer is lost, a session ends,
another account uses the browser, a colleague writes, the deputy locks the term.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Dialog, Page, Request, Route, expect

from node.journal import actions, queries
from node.journal.actions import Change
from node.naming import number_of
from node.results import actions as locking
from shared.dates import parse_day
from shared.schema import BY_NAME
from sync.writer import writing
from tests.browser.looking import Axe
from tests.browser.test_journal import (
    STILL,
    a_lesson_of_many,
    emptied,
    focus,
    key,
    shifted,
    sign_in,
    that_day,
)
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


def colleague_of(desk: Desk) -> tuple[int, str]:
    """The account of another teacher, and the name that is told."""
    account, person = desk.db.execute(
        "SELECT a.id, a.person FROM account a JOIN subject_group sg ON sg.teacher = a.person WHERE a.id <> ?",
        (desk.account,),
    ).fetchone()
    name = queries.person_name(desk.db, person, TODAY)
    assert name
    return int(account), name


def meanwhile(desk: Desk, pupils: list[int], value: int = 3) -> str:
    """A colleague gives these pupils a mark; returns the colleague's name."""
    account, name = colleague_of(desk)
    with writing(desk.db, account) as w:
        changes = [Change("mark", value, None, pupil, 0, ORAL) for pupil in pupils]
        actions.save(w, desk.place, desk.teacher, TODAY, changes)
    return name


def label_of(desk: Desk, pupil: int) -> str:
    return dict(queries.named(desk.db, [pupil], TODAY))[pupil]


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
    author = meanwhile(desk, [first, second])
    back(page)
    question, leads = page.locator(".asks .clash"), page.locator("[data-state] .lead")
    expect(leads).to_contain_text(": 2")
    # What is not decided yet does not count.
    row = f"tr[data-pupil='{first}']"
    undecided = page.inner_text(f"{row} [data-average]")
    # Who it was is told and not kept: a page that comes later asks the school anew.
    expect(question).to_contain_text(author)
    assert len(waiting(page)) == 2 and names_kept(page, desk) == []
    page.reload()
    expect(leads).to_contain_text(": 2")
    assert names_kept(page, desk) == []
    assert axe(page) == []
    assert [desk.cell(pupil).value(0) for pupil in (first, second)] == [3, 3]
    # One after the other: the line that counts them leads to the next, and the focus is on its answers.
    for pupil in (first, second, first):
        leads.click()
        expect(question).to_contain_text(label_of(desk, pupil))
        for told in (author, "3", "4"):
            expect(question).to_contain_text(told)
        expect(question.locator(".bar:last-child button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"{row} td:focus")).to_have_text("3")
    expect(question).to_contain_text(label_of(desk, second))
    question.locator(".bar:last-child button").nth(1).click()
    page.locator("[data-state].saved").wait_for()
    expect(question).to_have_count(0)
    assert [desk.cell(pupil).value(0) for pupil in (first, second)] == [3, 4]
    assert page.inner_text(f"{row} [data-average]") != undecided
    assert waiting(page) == []


SLOW = 700
"""Milliseconds after which browsers no longer take what moves for the answer to what someone touched."""


def slowly(page: Page) -> None:
    """The node's answers come so late that nothing they move is excused."""
    page.route("**/journal/cell/**", lambda route: (page.wait_for_timeout(SLOW), route.continue_()))


@pytest.mark.parametrize("page", ["phone", "desktop"], indirect=True)
def test_a_question_is_asked_in_sight_and_moves_nothing(page: Page, axe: Axe, desk: Desk, here: str) -> None:
    order = in_order(desk)
    small = page.viewport_size is not None and page.viewport_size["width"] < 600
    pupil = order[10 if small else 33]
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    focus(page, pupil)
    page.wait_for_timeout(SLOW)
    meanwhile(desk, [pupil])
    at, before = page.evaluate("[scrollX, scrollY]"), shifted(page)
    slowly(page)
    if small:
        page.locator("[data-press='2']").click()
    else:
        page.keyboard.press("2")
    question = page.locator(".asks .clash")
    expect(question).to_have_attribute("role", "alert")
    expect(question).to_be_in_viewport(ratio=1)
    assert shifted(page) - before < STILL
    assert page.evaluate("[scrollX, scrollY]") == at
    assert label_of(desk, pupil) in question.inner_text()
    # Nothing says that it is done, and every button of the desk is still there to be touched.
    assert "→" not in page.locator("[data-cell-state]").inner_text()
    for key_ in page.locator(".desk button:visible").all():
        expect(key_).to_be_in_viewport(ratio=1)
    assert axe(page) == []
    page.unroute("**/journal/cell/**")
    # It stays while one writes on, and when its cell is chosen again.
    focus(page, order[11 if small else 34])
    expect(question).to_contain_text(label_of(desk, pupil))
    focus(page, pupil)
    expect(question).to_be_in_viewport(ratio=1)
    page.keyboard.press("Tab")
    for _ in range(9):
        if page.evaluate("Boolean(document.activeElement.closest('.asks'))"):
            break
        page.keyboard.press("Tab")
    expect(question.locator(".bar:last-child button").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("[data-state].saved").wait_for()
    assert desk.cell(pupil).value(0) == 2 and question.count() == 0


@phone
def test_in_a_lesson_too_a_question_moves_no_row(page: Page, axe: Axe, desk: Desk, here: str) -> None:
    order = in_order(desk)
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    key(page, order[0], "5")
    page.locator(".foot .state.saved").wait_for()
    author = meanwhile(desk, order[1:3])
    place = page.locator(f"[data-pupil='{order[3]}']")
    before, top = shifted(page), place.evaluate("row => row.getBoundingClientRect().top + scrollY")
    slowly(page)
    key(page, order[1], "4")
    key(page, order[2], "4")
    question = page.locator(".asks .clash")
    expect(page.locator(".foot .lead")).to_contain_text(": 2")
    expect(question).to_contain_text(author)
    expect(question).to_be_in_viewport(ratio=1)
    assert place.evaluate("row => row.getBoundingClientRect().top + scrollY") == top
    assert shifted(page) - before < STILL
    assert axe(page) == []
    for pupil in order[1:3]:
        page.locator(".foot .lead").click()
        expect(question).to_contain_text(label_of(desk, pupil))
        expect(page.locator(f"[data-pupil='{pupil}']")).to_be_in_viewport(ratio=1)
    page.unroute("**/journal/cell/**")
    question.locator(".bar:last-child button").nth(1).click()
    expect(question).to_contain_text(label_of(desk, order[1]))
    question.locator(".bar:last-child button").nth(0).click()
    page.locator(".foot .state.saved").wait_for()
    assert [desk.cell(pupil).value(0) for pupil in order[1:3]] == [3, 4]
    expect(page.locator(f"input[name='mark-{order[1]}-0'][value='3']")).to_be_checked()


@phone
def test_what_was_refused_in_a_text_is_told_and_not_kept(page: Page, desk: Desk, here: str) -> None:
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    told = {"error": "name_without_consent", "sentence": "Толубаева Айжан: макулдугу жок."}
    page.route("**/journal/cell/**", lambda route: route.fulfill(status=422, json=told))
    page.click(".written summary")
    page.fill("#homework", "§ 7")
    page.locator("#topic").focus()
    question = page.locator(".asks .clash").filter(has_text="Толубаева Айжан")
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


def shut(desk: Desk) -> Callable[[], None]:
    """The deputy locks the term; returns what opens it again."""
    group, term = queries.group(desk.db, desk.place.group), queries.term_of(desk.db, desk.place.group, TODAY)
    assert group is not None and term is not None
    class_id, term_id = group["class_group"], term["id"]
    with writing(desk.db, desk.account) as w:
        locking.lock(w, class_id, term_id)

    def reopen() -> None:
        with writing(desk.db, desk.account) as w:
            locking.reopen(w, class_id, term_id, "Оңдоо")

    return reopen


def drop(desk: Desk) -> Callable[[], None]:
    """The lesson is dropped; returns what takes that back."""
    with writing(desk.db, desk.account) as w:
        w.put("substitution", **desk.place.key, dropped=1)

    def take_back() -> None:
        with writing(desk.db, desk.account) as w:
            w.put("substitution", **desk.place.key, dropped=0)
            w.retire("substitution", *desk.place.key.values())

    return take_back


@phone
@pytest.mark.parametrize("happens", [shut, drop], ids=["locked", "dropped"])
def test_what_was_refused_elsewhere_is_named_and_kept_until_it_is_taken_or_given_up(
    page: Page, axe: Axe, desk: Desk, here: str, happens: Callable[[Desk], Callable[[], None]]
) -> None:
    first, second, third = in_order(desk)[:3]
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    page.route("**/journal/cell/**", lambda route: route.abort())
    for pupil, value in ((first, "5"), (second, "4"), (third, "3")):
        focus(page, pupil)
        page.locator(f"[data-press='{value}']").click()
    expect(page.locator(".journal-grid td.waiting")).to_have_count(3)
    page.goto("about:blank")
    page.unroute("**/journal/cell/**")
    undone = happens(desk)
    try:
        slowly(page)
        page.goto(f"{here}/journal/")
        lines = page.locator(".unsent li")
        expect(page.locator("[data-state] .lead")).to_contain_text(": 3")
        expect(lines.locator(".clash")).to_have_count(3)
        assert shifted(page) < STILL
        page.unroute("**/journal/cell/**")
        for line, pupil, value in zip(lines.all(), (first, second, third), "543", strict=True):
            text = line.inner_text()
            assert "23.10.2025" in text and f"№ {number_of(pupil)} · {value}" in text
            assert address(desk.place) in (line.locator("a").get_attribute("href") or "")
        assert len(waiting(page)) == 3 and names_kept(page, desk) == []
        assert axe(page) == []
        # Neither a new page nor another day sends it by itself, and whoever signs out is told.
        sent: list[Request] = []
        page.on("request", lambda one: sent.append(one) if "/journal/cell/" in one.url else None)
        page.reload()
        expect(lines.locator(".clash")).to_have_count(3)
        assert sent == [] and len(waiting(page)) == 3
        asked: list[str] = []
        page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.click("details.account summary")
        page.click("details.account form[action='/sign-out'] .plain")
        assert len(asked) == 1
        page.keyboard.press("Escape")
        # What is sent again is refused again, or given up; nothing goes without a word.
        lines.nth(0).locator("button").first.click()
        expect(lines.nth(0).locator(".clash")).to_be_visible()
        assert len(sent) == 1 and len(waiting(page)) == 3
        lines.nth(2).locator("button").last.click()
        expect(lines).to_have_count(2)
        assert len(waiting(page)) == 2
    finally:
        undone()
    lines.nth(0).locator("button").first.click()
    expect(lines.nth(0).locator(".state.saved")).to_be_visible()
    # The other one stands in its lesson, where it is sent just so.
    page.goto(here + address(desk.place))
    expect(page.locator(".asks .clash")).to_contain_text(label_of(desk, second))
    page.locator(".asks .bar:last-child button").first.click()
    page.locator(".foot .state.saved").wait_for()
    assert waiting(page) == []
    assert [desk.cell(pupil).value(0) for pupil in (first, second, third)] == [5, 4, None]


@pytest.mark.parametrize("page", ["phone", "desktop"], indirect=True)
def test_a_cell_that_was_locked_meanwhile_says_so(page: Page, desk: Desk, here: str) -> None:
    pupil = in_order(desk)[0]
    small = page.viewport_size is not None and page.viewport_size["width"] < 600
    sign_in(page, here, desk)
    page.goto(here + (address(desk.place) if small else grid_of(desk)))
    reopen = shut(desk)
    try:
        if small:
            key(page, pupil, "5")
        else:
            focus(page, pupil)
            page.keyboard.press("5")
            page.locator(".journal-grid td.locked").wait_for()
        question = page.locator(".asks .clash")
        expect(question).to_contain_text(label_of(desk, pupil))
        assert desk.cell(pupil).value(0) is None and len(waiting(page)) == 1
        # Given up, what stands in the school is shown.
        question.locator("button").last.click()
        expect(question).to_have_count(0)
        assert waiting(page) == []
        if small:
            expect(page.locator(f"input[name='mark-{pupil}-0'][value='']")).to_be_checked()
        else:
            expect(page.locator(f"tr[data-pupil='{pupil}'] td:focus")).to_have_text("")
        page.goto(here + grid_of(desk))
        assert page.locator("th[data-locked] .lock").count() > 5
        assert page.locator("td[tabindex]").count() == 0
        # Who only reads is led from a cell to its history.
        page.locator(f"tr[data-pupil='{pupil}'] td:not(.out, .sum)").last.click()
        page.wait_for_url("**/journal/history/**")
    finally:
        reopen()


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
    # What is asked takes the focus from nobody who types on; one reason answers for both.
    assert page.evaluate("document.activeElement.tagName") == "TD"
    page.keyboard.press("4")
    expect(page.locator("[data-state] .lead")).to_contain_text(": 2")
    assert len(waiting(page)) == 2
    reason = page.locator(".asks input")
    expect(reason).to_be_in_viewport(ratio=1)
    page.locator("[data-state] .lead").click()
    expect(reason).to_be_focused()
    page.keyboard.type("Дептерден")
    page.keyboard.press("Enter")
    page.locator("[data-state].saved").wait_for()
    expect(td).to_have_class(re.compile(r"\bsaved\b"))
    assert waiting(page) == []
    row = desk.db.execute("SELECT reason, author FROM mark_correction ORDER BY id DESC LIMIT 1").fetchone()
    assert tuple(row) == ("Дептерден", desk.teacher)
    assert EDIT_DAYS > 0


@pytest.mark.parametrize("page", ["phone", "desktop"], indirect=True)
def test_a_topic_written_over_late_asks_for_its_reason_and_is_struck_at_once(
    page: Page, axe: Axe, desk: Desk, here: str
) -> None:
    sign_in(page, here, desk)
    page.goto(here + grid_of(desk))
    small = page.viewport_size is not None and page.viewport_size["width"] < 600
    heads = page.locator("th[data-at]")
    late = [at for at in range(heads.count()) if heads.nth(at).get_attribute("data-old") is not None][
        -3 if small else -4
    ]
    line = page.locator(".lines tbody tr").nth(late)
    topic, at = line.locator("td").first, heads.nth(late).get_attribute("data-at") or ""
    old = topic.inner_text()
    assert old and "Жаан" not in old

    def rewrite(text: str) -> None:
        topic.scroll_into_view_if_needed()
        topic.click()
        topic.locator("textarea").fill(text)
        page.keyboard.press("Tab")

    place = replace(desk.place, day=parse_day(at.partition("/")[0]), period=int(at.partition("/")[2]))

    def standing() -> str:
        lesson = queries.lesson(desk.db, place)
        assert lesson is not None
        return str(lesson["topic"])

    rewrite("Жаан жана кар")
    reason = page.locator(".asks input")
    expect(reason).to_be_in_viewport(ratio=1)
    expect(page.locator(".asks")).to_contain_text(heads.nth(late).locator("a").inner_text())
    expect(topic).to_have_text("Жаан жана кар")
    assert axe(page) == [] and len(waiting(page)) == 1 and standing() == old
    # It waits over a reload, and asks anew.
    page.reload()
    expect(topic).to_have_class(re.compile("refused"))
    reason.fill("Жаңылып жазылган")
    page.locator(".asks .bar:last-child button").first.click()
    page.locator("[data-state].saved").wait_for()
    assert standing() == "Жаан жана кар" and waiting(page) == []
    expect(topic).to_have_attribute("data-struck", old)
    expect(topic).to_have_attribute("title", "Жаңылып жазылган")
    assert topic.evaluate("td => getComputedStyle(td, '::before').textDecorationLine") == "line-through"
    # The reason holds for what is written next, and what was struck is still to be read.
    rewrite("Жаан")
    page.locator("[data-state].saved").wait_for()
    expect(topic).to_have_attribute("data-struck", f"{old} · Жаан жана кар")
    page.reload()
    expect(topic).to_have_attribute("data-struck", f"{old} · Жаан жана кар")
    # Given up, what stands in the school stands here.
    rewrite("Бороон")
    page.locator(".asks button").last.click()
    expect(topic).to_have_text("Жаан")
    assert waiting(page) == [] and standing() == "Жаан"


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
