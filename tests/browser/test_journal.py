"""The journal in a browser: a lesson on a phone through a power cut, the grid by keyboard, a form without a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser, Page, expect

from node.attendance import actions as absences
from node.attendance import queries as absence_queries
from node.generator import names
from node.home import views as home
from node.journal import actions, pages, queries
from node.journal.actions import Change
from node.settings import actions as settings
from shared.i18n import coded
from shared.schema import BY_NAME
from sync.writer import writing
from tests.bench.link import Link
from tests.browser import looking
from tests.browser.conftest import DOUBLE_TAP
from tests.browser.looking import STILL, Axe
from tests.browser.power import Server
from tests.node.conftest import PASSWORD, SchoolPages
from tests.node.test_journal import CONTROL, EVENING, ORAL, TODAY, Desk, a_school, address
from tests.serving import serving

PUPILS = 36
FAR = 100_000, 0.02
"""Bytes a second, and seconds one way: pages come in pieces, as they do to a phone."""
TAPS = """key => [-900, -700].forEach(at => {
    key.dispatchEvent(new Event("pointerdown", {bubbles: true}));
    key.dispatchEvent(Object.defineProperty(new MouseEvent("click", {bubbles: true}), "timeStamp", {value: at}));
})"""
"""Two taps on a key, a fifth of a second apart however slow the machine is."""


def a_lesson_of_many(folder: Path) -> SchoolPages:
    """A generated school in which the teacher's first group of the day has 36 pupils, all of whom may be named."""
    school = a_school(folder)
    desk = Desk(school)
    class_id = desk.db.execute(
        "SELECT class_group FROM subject_group WHERE id = ?", (desk.place.group,)
    ).fetchone()[0]
    rng = Random(PUPILS)
    with writing(desk.db, desk.account) as w:
        nameless = [pupil for pupil, name in queries.named(desk.db, desk.pupils, TODAY) if not name]
        for _ in range(PUPILS - len(desk.pupils)):
            person = w.insert("person", sex="f", birth_year=2015)
            w.put("pupil", person=person)
            w.insert("enrolment", pupil=person, class_group=class_id, start=TODAY - 40)
            w.put("subject_group_pupil", subject_group=desk.place.group, pupil=person, start=TODAY - 40)
            nameless.append(person)
        for person in nameless:
            called = names.child(rng, names.family(rng), "f")
            w.insert("consent", person=person, purpose="core", valid_from=TODAY - 40)
            whole = {"surname": called.surname, "given_name": called.given, "patronymic": called.patronymic}
            w.update("person", person, **whole)
    desk.db.close()
    return school


def emptied(school: SchoolPages) -> Iterator[Desk]:
    """The lesson, empty again."""
    made = Desk(school)
    with writing(made.db, made.account) as w:
        for group, day, period, pupil, slot in made.db.execute(
            "SELECT subject_group, day, period, pupil, slot FROM mark WHERE day = ?", (TODAY,)
        ).fetchall():
            w.put("mark", subject_group=group, day=day, period=period, pupil=pupil, slot=slot, value=None)
        for group, day, period, pupil in made.db.execute(
            "SELECT subject_group, day, period, pupil FROM attendance WHERE day = ?", (TODAY,)
        ).fetchall():
            key = {"subject_group": group, "day": day, "period": period, "pupil": pupil}
            w.put("attendance", **key, status="present", **absence_queries.Reason().columns)
        for key in made.db.execute(
            "SELECT subject_group, day, period FROM lesson WHERE day = ? AND retired_at IS NULL", (TODAY,)
        ).fetchall():
            w.retire("lesson", *key)
    yield made
    made.db.close()


def that_day(school: SchoolPages, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The school's address, served on the day of the lesson."""
    for views in (pages, home):
        monkeypatch.setattr(views, "today", lambda: TODAY)
        monkeypatch.setattr(views, "minute_of_day", lambda: EVENING)
    with serving(school.app) as found:
        yield found


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    return a_lesson_of_many(tmp_path_factory.mktemp("journal"))


@pytest.fixture
def desk(school: SchoolPages) -> Iterator[Desk]:
    yield from emptied(school)


@pytest.fixture
def here(school: SchoolPages, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from that_day(school, monkeypatch)


def sign_in(page: Page, at: str, desk: Desk) -> None:
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    looking.sign_in(page, at, login)


def key(page: Page, pupil: int, value: str) -> None:
    """Tap a key of a pupil's row."""
    page.locator(f"[data-pupil='{pupil}'] .keys:not(.second) .key:has(input[value='{value}'])").click()


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_three_absences_and_32_marks_survive_a_power_cut(page: Page, school: SchoolPages, desk: Desk) -> None:
    server = Server(school.node.home, TODAY)
    try:
        sign_in(page, server.address, desk)
        page.goto(server.address + address(desk.place))
        absent, marked = desk.pupils[:3], desk.pupils[3:35]
        for pupil in absent:
            key(page, pupil, "absent")
        for number, pupil in enumerate(marked):
            if number == 12:
                server.cut()
            key(page, pupil, str(2 + number % 4))
        page.locator(".foot .state.waiting").wait_for()
        stored = page.evaluate("JSON.stringify(localStorage)")
        assert str(marked[-1]) in stored
        names = [name for _, name in queries.named(desk.db, desk.pupils, TODAY) if name]
        assert names and not any(name in stored for name in names)
        page.locator("input[name=taken]").check()
        server.on()
        page.locator(".foot .state.saved").wait_for()
        assert page.evaluate("Object.keys(localStorage)") == ["mektep-who"]
        assert [desk.cell(pupil).status for pupil in absent] == ["absent"] * 3
        assert [desk.cell(p).value(0) for p in marked] == [2 + n % 4 for n in range(len(marked))]
        lesson = queries.lesson(desk.db, desk.place)
        planned = queries.planned_topic(desk.db, desk.place)
        assert lesson is not None and planned is not None
        assert (lesson["taken"], lesson["topic"]) == (1, planned["topic"])
    finally:
        server.cut()


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_what_waits_is_there_after_the_page_was_closed(page: Page, school: SchoolPages, desk: Desk) -> None:
    server = Server(school.node.home, TODAY)
    try:
        sign_in(page, server.address, desk)
        page.goto(server.address + address(desk.place))
        server.cut()
        key(page, desk.pupils[0], "5")
        page.locator(".foot .state.waiting").wait_for()
        stranger = "mektep-unsent:1:/journal/cell/1/2025-10-23/1|mark|2|0"
        page.evaluate("key => localStorage.setItem(key, '{}')", stranger)
        # Whoever signs out is asked first; here the answer is no.
        asked: list[str] = []
        page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.click("details.account summary")
        page.click("details.account form .plain")
        assert len(asked) == 1
        page.goto("about:blank")
        server.on()
        page.goto(server.address + address(desk.place))
        page.locator(".foot .state.saved").wait_for()
        expect(page.locator(f"input[name='mark-{desk.pupils[0]}-0'][value='5']")).to_be_checked()
        assert desk.cell(desk.pupils[0]).value(0) == 5
        # What another account left here waits for that account.
        kept = page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('mektep-unsent'))")
        assert kept == [stranger]
    finally:
        server.cut()


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_second_tap_takes_back_and_a_colleagues_value_is_asked_about(
    page: Page, desk: Desk, here: str
) -> None:
    first, second = desk.pupils[:2]
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    # A finger that taps twice at once means it once; later it takes the mark back, and one tap brings it again.
    page.locator(f"input[name='mark-{first}-0'][value='5']").evaluate(TAPS)
    page.locator(f"[data-pupil='{first}'] .state.saved").wait_for()
    expect(page.locator(f"input[name='mark-{first}-0'][value='5']")).to_be_checked()
    assert desk.cell(first).value(0) == 5
    expect(page.locator(".all-present")).to_be_visible()
    with page.expect_response("**/journal/cell/**"):
        key(page, first, "5")
    assert desk.cell(first).value(0) is None
    with page.expect_response("**/journal/cell/**"):
        page.click(f"[data-pupil='{first}'] .erased button")
    assert desk.cell(first).value(0) == 5
    page.click(".all-present button")
    expect(page.locator("input[name=taken]")).to_be_checked()
    expect(page.locator(".all-present")).to_be_hidden()
    with writing(desk.db, desk.account) as w:
        actions.save(w, desk.place, desk.teacher, TODAY, [Change("mark", 3, None, second, 0, ORAL)])
    key(page, second, "4")
    question = page.locator(".asks .clash")
    question.wait_for()
    assert "3" in question.inner_text() and "4" in question.inner_text()
    assert desk.cell(second).value(0) == 3
    question.locator(".bar:last-child button").nth(1).click()
    page.locator(f"[data-pupil='{second}'] .state.saved").wait_for()
    assert desk.cell(second).value(0) == 4


@pytest.fixture
def wire(here: str) -> Iterator[Link]:
    """The way from a phone to the school, on which everything is counted; the school is far."""
    link = Link(int(here.rpartition(":")[2]))
    link.rate, link.delay = FAR
    yield link
    link.close()


def shifted(page: Page) -> float:
    """How much the page has moved since it was opened, once all of it is there."""
    page.wait_for_load_state("networkidle")
    return sum(value for value, _ in looking.moves_of(page))


@pytest.mark.parametrize("page", ["phone"], indirect=True)
@pytest.mark.parametrize("straight", [False, True], ids=["by the first page", "straight to the lesson"])
def test_a_phone_pays_little_to_come_to_its_lesson(
    page: Page, desk: Desk, wire: Link, straight: bool
) -> None:
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    lesson = address(desk.place)
    page.goto(wire.url + (f"/sign-in?next={lesson}" if straight else "/"))
    assert shifted(page) < STILL
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(wire.url + (lesson if straight else "/"))
    assert shifted(page) < STILL
    if not straight:
        page.click(f"main .rows a[href='{lesson}']")
        page.wait_for_url(wire.url + lesson)
        assert shifted(page) < STILL
    assert page.locator("[data-pupil]").count() == PUPILS
    # Nor has it much to unpack and to keep.
    assert len(page.content()) <= 2_100 * PUPILS
    # Both ways, with every header; the form and what follows it are requests, too, and the picture in the tab would be.
    assert 0 < wire.up + wire.down <= 60_000
    assert 0 < wire.requests <= 6


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_phone_pays_little_to_come_again(page: Page, desk: Desk, wire: Link) -> None:
    sign_in(page, wire.url, desk)
    # A class of 36 with names, marks and absences: what comes again stays small, the lesson and the term.
    assert all(name for _, name in queries.named(desk.db, desk.pupils, TODAY)) and len(desk.pupils) == PUPILS
    desk.save(
        *(desk.mark(pupil, 2 + at % 4) for at, pupil in enumerate(desk.pupils) if at % 12),
        *(Change("mark", 4, None, pupil, 1, CONTROL) for pupil in desk.pupils[1::9]),
        *(Change("status", "absent", "present", pupil) for pupil in desk.pupils[::12]),
    )
    for again in (address(desk.place), f"/journal/group/{desk.place.group}"):
        page.goto(wire.url + again)
        page.wait_for_load_state("networkidle")
        wire.reset()
        page.goto(wire.url + again)
        page.wait_for_load_state("networkidle")
        assert 0 < wire.down <= 8_192 and wire.requests == 1
        assert shifted(page) < STILL
    page.evaluate("document.querySelector('h1').append(document.createElement('hr'))")
    assert shifted(page) > STILL


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_grid_is_typed_into(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")
    at = page.evaluate(
        "[...document.querySelectorAll('thead th')].findIndex(h => (h.dataset.at || '').startsWith('2025-10-23'))"
    )
    page.locator(f"tr[data-pupil='{order[0]}'] > :nth-child({at + 1})").click()
    # Five; four and, back again, three beside it; absent; a two that Escape takes back.
    for typed in ("5", "4", "/", "3", "n", "2", "ArrowUp"):
        page.keyboard.press(typed)
    page.locator("[data-state].saved").wait_for()
    cells = [desk.cell(pupil) for pupil in order[:4]]
    assert [(cell.status, cell.value(0), cell.value(1)) for cell in cells] == [
        ("present", 5, None), ("present", 4, 3), ("absent", None, None), ("present", 2, None)
    ]  # fmt: skip
    # What cannot be stays out, and the cell stays chosen; what took another's place is said.
    state = page.locator("[data-cell-state]")
    for typed in ("9", "x"):
        page.keyboard.press(typed)
        expect(state).to_contain_text(f"{typed}:")
    assert page.evaluate("document.activeElement.parentNode.dataset.pupil") == str(order[3])
    page.keyboard.press("4")
    expect(state).to_contain_text("2 → 4")
    page.keyboard.press("Escape")
    page.locator("td:focus.saved:has-text('2')").wait_for()
    page.keyboard.press("Delete")
    page.locator("td:focus.saved:empty").wait_for()
    page.keyboard.press("Escape")
    page.locator("td:focus.saved:has-text('2')").wait_for()
    assert desk.cell(order[3]).value(0) == 2


def kinds_of(desk: Desk, pupil: int) -> list[tuple[int | None, int | None]]:
    """The marks of a cell, each with its kind of work."""
    return [(mark.value, mark.kind) for _, mark in sorted(desk.cell(pupil).marks.items()) if mark.value]


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_in_the_grid_a_mark_keeps_its_kind_until_another_is_chosen(page: Page, desk: Desk, here: str) -> None:
    before = queries.cells(desk.db, desk.place.group, TODAY - 40, TODAY - 1)
    marked = {pupil for (_, _, pupil), cell in before.items() if cell.value(0)}
    # The marks of the second are several, so that a kind's weight changes their average.
    first, *others = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    second = others.pop(next(at for at, pupil in enumerate(others) if pupil in marked))
    desk.save(desk.mark(first, 3, kind=CONTROL), Change("mark", 5, None, first, 1, 2))
    desk.save(desk.mark(second, 2), *(desk.mark(pupil, 5) for pupil in others[:3]))
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")

    def press(pupil: int, *keys: str) -> list[tuple[int | None, int | None]]:
        focus(page, pupil)
        for key_ in keys:
            page.keyboard.press(key_)
        page.locator("[data-state].saved").wait_for()
        return kinds_of(desk, pupil)

    assert press(first, "4", "/", "4") == [(4, CONTROL), (4, 2)]
    assert press(first, "Escape", "Escape") == [(3, CONTROL), (5, 2)]
    assert press(first, "Delete") == []
    assert press(first, "Escape") == [(3, CONTROL), (5, 2)]
    expect(page.locator("#kind")).to_have_value(str(CONTROL))
    # The same mark of a kind chosen by hand is another mark, and Esc brings back the one before.
    average = page.locator(f"tr[data-pupil='{second}'] [data-average]")
    focus(page, second)
    expect(page.locator("#kind")).to_have_value(str(ORAL))
    oral = average.inner_text()
    page.select_option("#kind", str(CONTROL))
    assert press(second, "2") == [(2, CONTROL)]
    control = average.inner_text()
    assert press(second, "Escape") == [(2, ORAL)] and average.inner_text() == oral != control
    assert press(second, "2") == [(2, CONTROL)]
    page.reload()
    expect(average).to_have_text(control)
    # What waits is written once, with the last kind chosen.
    page.context.set_offline(True)
    focus(page, second)
    page.select_option("#kind", "2")
    page.keyboard.press("2")
    focus(page, second)
    page.keyboard.press("3")
    page.locator("[data-state].waiting").wait_for()
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    page.locator("[data-state].saved").wait_for()
    assert kinds_of(desk, second) == [(3, 2)]


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_a_mark_keeps_its_kind_and_nothing_moves_under_the_finger(
    page: Page, desk: Desk, here: str
) -> None:
    first, second, *others = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    desk.save(desk.mark(first, 3, kind=CONTROL), *(desk.mark(pupil, 5) for pupil in others[:3]))
    sign_in(page, here, desk)
    page.goto(here + address(desk.place))
    below = page.locator(f"[data-pupil='{others[-1]}']")

    def place() -> float:
        return float(below.evaluate("row => row.getBoundingClientRect().top + scrollY"))

    def tap(pupil: int, value: str) -> list[tuple[int | None, int | None]]:
        with page.expect_response("**/journal/cell/**"):
            key(page, pupil, value)
        page.locator(f"[data-pupil='{pupil}'] .state.saved").wait_for()
        return kinds_of(desk, pupil)

    at = place()
    assert tap(first, "4") == [(4, CONTROL)] and place() == at
    page.wait_for_timeout(DOUBLE_TAP)
    assert tap(first, "4") == [] and place() == at
    undo = page.locator(f"[data-pupil='{first}'] .erased button")
    expect(undo).to_be_visible()
    with page.expect_response("**/journal/cell/**"):
        undo.click()
    assert kinds_of(desk, first) == [(4, CONTROL)] and place() == at
    # A kind chosen by hand makes the same mark another one.
    page.select_option("#kind", "2")
    page.wait_for_timeout(DOUBLE_TAP)
    assert tap(first, "4") == [(4, 2)] and place() == at
    assert tap(second, "5") == [(5, 2)] and place() == at
    page.reload()
    expect(page.locator(f"[data-pupil='{first}'] [data-told]")).to_be_visible()


def focus(page: Page, pupil: int) -> None:
    """Click the day's cell of a pupil in the grid."""
    at = page.evaluate(
        "[...document.querySelectorAll('thead th')].findIndex(h => (h.dataset.at || '').startsWith('2025-10-23'))"
    )
    page.locator(f"tr[data-pupil='{pupil}'] > :nth-child({at + 1})").click()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_browser_reckons_as_the_school_does(page: Page, desk: Desk, here: str) -> None:
    sign_in(page, here, desk)
    address = f"{here}/journal/group/{desk.place.group}"
    sums = "[...document.querySelectorAll('[data-average], [data-proposed]')].map(one => one.textContent)"
    page.route("**/with-grid.js*", lambda route: route.abort())
    page.goto(address)
    told = page.evaluate(sums)
    page.unroute("**/with-grid.js*")
    page.goto(address)
    assert page.evaluate(sums) == told and len(set(told)) > 5
    # What is typed counts at once, before anything has arrived, and the school agrees afterwards.
    page.route("**/journal/cell/**", lambda route: route.abort())
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    page.select_option("#kind", index=3)
    focus(page, order[0])
    for number in range(len(order)):
        page.keyboard.press(str(2 + number % 4))
    typed = page.evaluate(sums)
    assert typed != told
    page.unroute("**/journal/cell/**")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.locator("[data-state].saved").wait_for()
    page.route("**/with-grid.js*", lambda route: route.abort())
    page.goto(address)
    assert page.evaluate(sums) == typed


PASTE = """text => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
  document.activeElement.dispatchEvent(paste);
}"""


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_pasted_block_is_shown_before_it_is_written(page: Page, axe: Axe, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")
    focus(page, order[0])
    wishes = dict(zip(order, ("5", "4/3", "н", "9", "абв", "", "ж 2"), strict=False))
    rows = [int(row.get_attribute("data-pupil") or 0) for row in page.locator("tr[data-pupil]").all()]
    span = rows[rows.index(order[0]) : rows.index(order[6]) + 1]
    page.evaluate(PASTE, "\r\n".join(wishes.get(pupil, "") for pupil in span) + "\r\n")
    box = page.locator("dialog")
    expect(box.locator("li")).to_have_count(6)
    lines = box.locator("li").all_inner_texts()
    assert [("!" in line) for line in lines] == [False, False, False, True, True, False]
    assert axe(page) == []
    assert desk.cell(order[0]).value(0) is None
    box.locator("button").first.click()
    page.locator("[data-state].saved").wait_for()
    cells = [desk.cell(pupil) for pupil in order[:7]]
    assert [(cell.status, cell.value(0), cell.value(1)) for cell in cells] == [
        ("present", 5, None), ("present", 4, 3), ("absent", None, None), ("present", None, None),
        ("present", None, None), ("present", None, None), ("absent", 2, None),
    ]  # fmt: skip
    page.evaluate(PASTE, "5\t5\t5\t5")
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)


def strike(page: Page, *keys: str) -> None:
    """Press keys, those of a Kyrgyz keyboard too, which have no names."""
    raw = page.context.new_cdp_session(page)
    for one in keys:
        if one.isascii():
            page.keyboard.press(one)
        else:
            for kind in ("keyDown", "keyUp"):
                raw.send(
                    "Input.dispatchKeyEvent", {"type": kind, "key": one, "text": one * (kind == "keyDown")}
                )
    raw.detach()


@contextmanager
def led_by(desk: Desk, person: int | None) -> Iterator[None]:
    """Another leads the class for a while."""
    of = "SELECT cg.id, cg.teacher FROM subject_group g JOIN class_group cg ON cg.id = g.class_group WHERE g.id = ?"
    class_id, before = desk.db.execute(of, (desk.place.group,)).fetchone()
    with writing(desk.db, desk.account) as w:
        w.update("class_group", class_id, teacher=person)
    yield
    with writing(desk.db, desk.account) as w:
        w.update("class_group", class_id, teacher=before)


def away(desk: Desk, *pupils: int) -> list[tuple[str, str | None, int | None]]:
    """Status, reason and mark of pupils in the lesson."""
    rows = dict(
        desk.db.execute(
            "SELECT pupil, reason FROM attendance WHERE subject_group = ? AND day = ? AND period = ?",
            tuple(desk.place.key.values()),
        ).fetchall()
    )
    return [(desk.cell(one).status, rows.get(one), desk.cell(one).value(0)) for one in pupils]


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_every_letter_of_the_school_is_read_as_what_it_means(
    page: Page, axe: Axe, desk: Desk, here: str
) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    desk.save(desk.mark(order[0], 2))
    with led_by(desk, desk.teacher):
        sign_in(page, here, desk)
        page.goto(f"{here}/journal/group/{desk.place.group}")
        focus(page, order[0])
        # Ill, in Kyrgyz; a letter that was late in another language is not.
        strike(page, "о")
        expect(page.locator("[data-cell-state]")).to_contain_text(coded("ill", "attendance", "reason"))
        # The second letter of two means the cell that the first has left.
        strike(page, "с", "з", "к", "О", "ж")
        assert page.evaluate("document.activeElement.parentNode.dataset.pupil") == str(order[5])
        page.locator("[data-state].saved").wait_for()
        assert away(desk, *order[:5]) == [
            ("absent", "ill", 2), ("absent", "unexcused", None), ("late", None, None), ("absent", "ill", None),
            ("absent", None, None),
        ]  # fmt: skip
        # Esc takes both letters back at once; a reason said of who is away already takes nothing back.
        strike(page, "с", "з", "Escape")
        focus(page, order[4])
        strike(page, "у")
        page.locator("[data-state].saved").wait_for()
        assert [one[:2] for one in away(desk, order[4], order[5])] == [
            ("absent", "excused"),
            ("present", None),
        ]
        # A pasted letter is told in words before it is written.
        focus(page, order[6])
        page.evaluate(PASTE, "о 2\nнп\nз\nк")
        box = page.locator("dialog")
        ill, without = (coded(one, "attendance", "reason") for one in ("ill", "unexcused"))
        said = box.locator("li").all_inner_texts()
        assert ill in said[0] and without in said[1] and "!" in said[2] and "Кечиккен" in said[3]
        assert axe(page) == []
        box.locator("button").first.click()
        page.locator("[data-state].saved").wait_for()
        assert away(desk, *order[6:10]) == [
            ("absent", "ill", 2), ("absent", "unexcused", None), ("present", None, None), ("late", None, None)
        ]  # fmt: skip
        # In a lesson's list, too.
        page.goto(here + address(desk.place))
        page.locator(f"input[name='status-{order[10]}'][value='late']").focus()
        strike(page, "с", "з", "о")
        page.locator(".foot .state.saved").wait_for()
        assert [one[:2] for one in away(desk, *order[10:12])] == [("absent", "unexcused"), ("absent", "ill")]
    # Who does not lead the class says that someone was away; why is for the class teacher to say.
    with led_by(desk, None):
        page.goto(f"{here}/journal/group/{desk.place.group}")
        focus(page, order[12])
        strike(page, "о", "ArrowUp", "о")
        page.locator("[data-state].saved").wait_for()
        assert away(desk, order[12]) == [("absent", None, None)]
        focus(page, order[13])
        page.evaluate(PASTE, "сз")
        assert without not in box.inner_text() and "(Жок)" in box.inner_text()
        page.keyboard.press("Escape")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_letters_of_the_schools_choosing_go_before_the_usual_ones(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    own = {"letter_absent": "нб", "letter_late": "о", "letter_ill": "б"}
    with writing(desk.db, desk.account) as w:
        settings.change_all(w, own, {"head"})
    try:
        with led_by(desk, desk.teacher):
            sign_in(page, here, desk)
            page.goto(f"{here}/journal/group/{desk.place.group}")
            focus(page, order[0])
            # A usual letter with which one of the school's begins is waited with.
            strike(page, "о", "н", "б", "б", "ж")
            page.locator("[data-state].saved").wait_for()
            assert [one[:2] for one in away(desk, *order[:4])] == [
                ("late", None), ("absent", None), ("absent", "ill"), ("absent", None)
            ]  # fmt: skip
            expect(page.locator(f"tr[data-pupil='{order[1]}'] td.absent").last).to_have_text("нб")
    finally:
        with writing(desk.db, desk.account) as w:
            settings.change_all(w, dict.fromkeys(own, ""), {"head"})


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_cell_is_commented_and_history_and_average_are_one_click_away(
    page: Page, axe: Axe, desk: Desk, here: str
) -> None:
    pupil = queries.named(desk.db, desk.pupils, TODAY)[4][0]
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")
    focus(page, pupil)
    page.keyboard.press("4")
    focus(page, pupil)
    page.fill("#comment", "Дептери жок")
    page.keyboard.press("Tab")
    page.locator("[data-state].saved").wait_for()
    assert desk.cell(pupil).comment == "Дептери жок"
    focus(page, pupil)
    # Right of the last lesson is the average, and Enter tells how it came about; so does a click on what is proposed.
    while not page.evaluate("document.activeElement.matches('[data-average] a')"):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    box = page.get_by_role("dialog", name=queries.person_name(desk.db, pupil, TODAY))
    expect(box.locator("tbody tr").last).to_contain_text("4 × 1")
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    assert page.evaluate("document.activeElement.closest('tr').dataset.pupil") == str(pupil)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.tagName") == "TD"
    page.click(f"tr[data-pupil='{pupil}'] [data-proposed]")
    box.get_by_role("button").click()
    # Without the school the page stays where it is, for what waits in it, and says so.
    page.context.set_offline(True)
    with page.expect_event("dialog") as told:
        page.once("dialog", lambda dialog: dialog.accept())
        page.click(f"tr[data-pupil='{pupil}'] [data-proposed]")
    assert told.value.message == "Мектептин компьютери жооп бербей жатат; бир аздан кийин кайталаңыз."
    page.context.set_offline(False)
    page.click("[data-history]")
    page.locator("text=Дептери жок").first.wait_for()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_attendance_is_taken_in_the_grid(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    group, planned = queries.group(desk.db, desk.place.group), queries.planned_topic(desk.db, desk.place)
    assert group is not None and planned is not None
    with writing(desk.db, desk.account) as w:
        absences.add_note(w, group["class_group"], order[1], TODAY, TODAY, "ill")
    control = next(kind["id"] for kind in queries.work_kinds(desk.db) if kind["code"] == "control")
    desk.save(desk.mark(order[2], 4, kind=control))
    note = absence_queries.notes(desk.db, [order[1]], TODAY, TODAY)[0]["id"]
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")
    head = page.locator(f"th[data-at='2025-10-23/{desk.place.period}']")
    expect(head.locator(".dot")).to_be_visible()
    focus(page, order[0])
    page.keyboard.press("n")
    expect(page.locator("#kind")).to_have_value(str(control))
    # Whom a note expects away is shown before, and is away with the tick; so is the topic whose turn it is.
    assert page.evaluate("document.activeElement.dataset.noted")
    page.check("[data-taken]")
    page.locator("[data-taken-state].saved").wait_for()
    page.locator("[data-state].saved").wait_for()
    expect(head.locator(".dot")).to_be_hidden()
    lesson = queries.lesson(desk.db, desk.place)
    assert lesson is not None and (lesson["taken"], lesson["topic"]) == (1, planned["topic"])
    assert [desk.cell(pupil).status for pupil in order[:3]] == ["absent", "absent", "present"]
    page.reload()
    expect(head.locator(".dot")).to_have_count(0)
    focus(page, order[0])
    expect(page.locator("[data-taken]")).to_be_checked()
    with writing(desk.db, desk.account) as w:
        absences.withdraw_note(w, group["class_group"], note)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_topic_and_homework_are_written_on_the_facing_page(
    page: Page, axe: Axe, desk: Desk, here: str
) -> None:
    pupil = queries.named(desk.db, desk.pupils, TODAY)[2][0]
    planned = queries.planned_topic(desk.db, desk.place)
    assert planned is not None
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")
    table, lines = page.locator(".journal-grid").bounding_box(), page.locator("[data-lines]").bounding_box()
    assert table is not None and lines is not None
    assert lines["x"] > table["x"] and abs(lines["y"] - table["y"]) < 4
    # The lessons stand in the order of the columns; the one chosen or pointed at is marked on both pages.
    at = f"2025-10-23/{desk.place.period}"
    dates = page.locator(".lines tbody th").all_inner_texts()
    heads = page.locator(".journal-grid thead [data-at] a").all_inner_texts()
    assert len(dates) > 5 and dates == heads
    focus(page, pupil)
    chosen = page.locator(".lines .chosen")
    assert at in (chosen.locator("a").get_attribute("href") or "")
    page.locator(".lines tbody tr").nth(-3).hover()
    expect(page.locator(".journal-grid thead .pointed")).to_have_text(dates[-3])
    chosen.locator("button.due").click()
    chosen.locator("td.saved").first.wait_for()
    # The focus has gone on to the homework; Tab leads there and back, from lesson to lesson go Enter and the arrows.
    page.keyboard.type("§ 21, 3-көнүгүү")
    page.keyboard.press("Shift+Tab")
    chosen.locator("td:has-text('§ 21').saved").wait_for()
    assert page.evaluate("document.activeElement.maxLength") == 500
    for pressed in ("Shift+Tab", "ArrowUp"):
        page.keyboard.press(pressed)
    expect(page.locator(".journal-grid thead .chosen a")).to_have_text(dates[-2])
    page.keyboard.press("ArrowDown")
    assert axe(page) == []
    lesson = queries.lesson(desk.db, desk.place)
    assert lesson is not None
    assert (lesson["topic"], lesson["homework"]) == (planned["topic"], "§ 21, 3-көнүгүү")
    # What a colleague wrote meanwhile is asked about, both texts shown; Esc takes back what is not yet sent.
    with writing(desk.db, desk.account) as w:
        change = Change("homework", "§ 22", "§ 21, 3-көнүгүү")
        actions.save(w, desk.place, desk.teacher, TODAY, [change])
    homework = chosen.locator("td").nth(1)
    homework.click()
    homework.locator("textarea").fill("§ 24")
    page.keyboard.press("Escape")
    homework.locator("textarea").fill("§ 23")
    page.keyboard.press("Enter")
    question = page.locator(".clash")
    question.wait_for()
    assert "§ 22" in question.inner_text() and "§ 23" in question.inner_text()
    question.locator(".bar:last-child button").first.click()
    page.locator(".lines .chosen td:has-text('§ 22')").wait_for()


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_mark_of_two_digits_is_waited_for(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    before = desk.db.execute("SELECT scale FROM subject_group WHERE id = ?", (desk.place.group,)).fetchone()[
        0
    ]
    with writing(desk.db, desk.account) as w:
        ten = w.insert("grading_scale", code="ten", minimum=1, maximum=10)
        w.update("subject_group", desk.place.group, scale=ten)
    try:
        sign_in(page, here, desk)
        page.goto(f"{here}/journal/group/{desk.place.group}")
        focus(page, order[0])
        since = desk.db.execute("SELECT max(n) FROM change").fetchone()[0]
        # Seven goes on; one waits for what may follow, and Enter says that nothing does.
        for typed in ("7", "1", "0", "1", "Enter", "8", "/", "1", "0"):
            page.keyboard.press(typed)
        page.locator("[data-state].saved").wait_for()
        cells = [desk.cell(pupil) for pupil in order[:4]]
        assert [(c.value(0), c.value(1)) for c in cells] == [(7, None), (10, None), (1, None), (8, 10)]
        # The one before the nought was never written; nor would it be struck through later.
        table = BY_NAME["mark"].number
        sql = "SELECT count(*) FROM change WHERE n > ? AND tbl = ?"
        assert desk.db.execute(sql, (since, table)).fetchone()[0] == 5
        # A lone digit is written after a moment.
        focus(page, order[5])
        page.keyboard.press("1")
        page.locator("td:focus.saved").wait_for()
        assert desk.cell(order[5]).value(0) == 1
    finally:
        with writing(desk.db, desk.account) as w:
            w.update("subject_group", desk.place.group, scale=before)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_escape_takes_back_step_by_step(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    sign_in(page, here, desk)
    page.goto(f"{here}/journal/group/{desk.place.group}")
    focus(page, order[0])
    # The cell below has a mark already: the stroke means the one just written.
    page.keyboard.press("ArrowDown")
    for typed in ("3", "ArrowUp", "ArrowUp", "5", "/", "4", "n"):
        page.keyboard.press(typed)
    page.locator("[data-state].saved").wait_for()
    cells = [desk.cell(pupil) for pupil in order[:2]]
    assert [(c.value(0), c.value(1), c.status) for c in cells] == [(5, 4, "present"), (3, None, "absent")]
    for _ in range(3):
        page.keyboard.press("Escape")
    page.locator("[data-state].saved").wait_for()
    assert int(page.evaluate("document.activeElement.parentNode.dataset.pupil")) == order[0]
    cells = [desk.cell(pupil) for pupil in order[:2]]
    assert [(c.value(0), c.value(1), c.status) for c in cells] == [
        (None, None, "present"),
        (3, None, "present"),
    ]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_keyboard_alone_is_enough(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    page.goto(f"{here}/sign-in")
    page.keyboard.type(login)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{here}/")
    tab_to(page, "a[href='/journal/']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{here}/journal/")
    tab_to(page, f"a[href='/journal/group/{desk.place.group}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{here}/journal/group/{desk.place.group}")
    tab_to(page, "td[tabindex='0']")
    for typed in ("5", "4", "ArrowUp", "ArrowUp", "Enter", "Enter", "n"):
        page.keyboard.press(typed)
    page.locator("[data-state].saved").wait_for()
    cells = [desk.cell(pupil) for pupil in order[:3]]
    assert [(cell.status, cell.value(0)) for cell in cells] == [
        ("present", 5),
        ("present", 4),
        ("absent", None),
    ]


def test_without_a_script_one_form_does_it(browser: Browser, desk: Desk, here: str) -> None:
    with browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        sign_in(page, here, desk)
        page.click("details.fold summary")
        page.click("details.fold nav a[href='/journal/']")
        page.click(f"main a[href='{address(desk.place)}']")
        key(page, desk.pupils[0], "absent")
        key(page, desk.pupils[1], "4")
        page.check("input[name=taken]")
        page.click(".foot button")
        page.locator(".notice.good").wait_for()
        assert desk.cell(desk.pupils[0]).status == "absent"
        assert desk.cell(desk.pupils[1]).value(0) == 4
