"""A teacher's day in a browser: few taps on a phone, the keyboard alone, the power cut while the grid is typed into."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from node.journal import queries
from node.journal.actions import Change
from shared.dates import date_of
from shared.schema import BY_NAME
from sync.writer import writing
from tests.browser.conftest import VIEWPORTS, listen
from tests.browser.power import Server
from tests.browser.test_journal import desk as desk
from tests.browser.test_journal import focus, here, school, sign_in
from tests.node.conftest import PASSWORD, SchoolPages
from tests.node.test_journal import TODAY, Desk, address

__all__ = ["desk", "here", "school"]

MOST_TAPS = 5
COUNTER = """() => {
  window.counted = {digits: 0, others: 0};
  const count = (event, isDigit) => { if (event.isTrusted) counted[isDigit ? "digits" : "others"] += 1; };
  const markOf = target => target.closest(".marks .key")?.querySelector("input").value ?? "";
  addEventListener("pointerdown", event => count(event, /^\\d+$/.test(markOf(event.target))), true);
  addEventListener("keydown", event => count(event, /^\\d$/.test(event.key)), true);
}"""
"""Counts what the person does, by the events that reach the page; a label's click on its field is not the person's."""


def test_32_marks_and_3_absences_take_five_taps_beyond_the_digits(
    browser: Browser, school: SchoolPages, desk: Desk, here: str
) -> None:
    with browser.new_context(
        viewport=VIEWPORTS["phone"], has_touch=True, is_mobile=True, locale="ky-KG"
    ) as phone:
        page = phone.new_page()
        complaints = listen(page)
        sign_in(page, here, desk)
        page.goto(here + address(desk.place))
        page.evaluate(COUNTER)
        order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
        absent, marked = order[:3], order[3:35]
        assert len(marked) == 32
        for pupil in absent:
            page.locator(f"[data-pupil='{pupil}'] .key.away").tap()
        for number, pupil in enumerate(marked):
            page.locator(
                f"[data-pupil='{pupil}'] .keys:not(.second) .key:has(input[value='{2 + number % 4}'])"
            ).tap()
        page.locator("label:has(input[name=taken])").tap()
        page.locator(".foot .state.saved").wait_for()
        counted = page.evaluate("counted")
        assert counted["digits"] == 32
        assert counted["others"] <= MOST_TAPS
        assert [desk.cell(pupil).status for pupil in absent] == ["absent"] * 3
        assert [desk.cell(pupil).value(0) for pupil in marked] == [2 + n % 4 for n in range(32)]
        lesson = queries.lesson(desk.db, desk.place)
        assert lesson is not None and lesson["taken"] == 1 and lesson["topic"]
        # What the marks come to, and what was given, stand beside the lessons of the term; nothing is slid.
        page.goto(f"{here}/journal/group/{desk.place.group}")
        row = page.locator(f"tr[data-pupil='{marked[0]}']")
        row.scroll_into_view_if_needed()
        for shown in (
            row.locator("td.saved, td[data-m]").last,
            row.locator("[data-proposed]"),
            row.locator("[data-proposed] + td"),
        ):
            expect(shown).to_be_in_viewport(ratio=0.9)
        assert complaints == []


# ---- the keyboard alone

FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return "";
  const drawn = one.matches(".key input") ? one.nextElementSibling : one, box = drawn.getBoundingClientRect();
  const style = getComputedStyle(drawn), name = one.outerHTML.slice(0, 120);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return `no outline: ${name}`;
  if (!box.width || !box.height) return `not drawn: ${name}`;
  const [x, y] = [box.x + Math.min(box.width, innerWidth - box.x) / 2, box.y + Math.min(box.height, 20) / 2];
  const top = document.elementFromPoint(x, y);
  if (!top || !(top === one || drawn.contains(top) || top.contains(drawn))) return `covered or outside: ${name}`;
  return "";
}"""
"""What is wrong with the focus: it must have an outline, and be seen."""


class Keyboard:
    """Someone who has no mouse; after every key the focus must be seen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for one in keys:
            self.page.keyboard.press(one)
            assert self.page.evaluate(FOCUSED) == ""

    def to(self, selector: str, key: str = "Tab") -> None:
        """Press Tab until the element has the focus."""
        for _ in range(200):
            self.press(key)
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the keyboard does not reach {selector}")


def test_a_whole_lesson_by_the_keyboard_alone(page: Page, desk: Desk, here: str) -> None:
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    login = desk.db.execute("SELECT login FROM account WHERE id = ?", (desk.account,)).fetchone()[0]
    keys = Keyboard(page)
    page.goto(f"{here}/sign-in")
    assert page.evaluate("document.activeElement.id") == "login"
    page.keyboard.type(login)
    keys.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{here}/")
    # On a phone the menu is folded away.
    if page.viewport_size == VIEWPORTS["phone"]:
        keys.to("details.fold summary")
        keys.press("Enter")
    keys.to("nav a[href='/journal/']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{here}/journal/")
    keys.to(f"a[href='{address(desk.place)}']")
    page.keyboard.press("Enter")
    page.wait_for_url(here + address(desk.place))
    # The lesson's homework, folded on a phone; then two who are away, and marks of those who are not.
    if page.viewport_size == VIEWPORTS["phone"]:
        keys.to(".written summary")
        keys.press("Enter")
    keys.to("#homework")
    page.keyboard.press("Control+a")
    page.keyboard.type("§ 12, № 5")
    keys.to(f"input[name='status-{order[0]}']")
    keys.press("n", "n")
    keys.to(f"input[name='mark-{order[2]}-0']")
    keys.press("5", "4", "3")
    keys.to("input[name=taken]")
    keys.press("Space")
    page.locator(".foot .state.saved").wait_for()
    cells = [desk.cell(pupil) for pupil in order[:5]]
    assert [(cell.status, cell.value(0)) for cell in cells] == [
        ("absent", None), ("absent", None), ("present", 5), ("present", 4), ("present", 3)
    ]  # fmt: skip
    lesson = queries.lesson(desk.db, desk.place)
    assert lesson is not None and (lesson["homework"], lesson["taken"]) == ("§ 12, № 5", 1)
    keys.to("details.account summary", "Shift+Tab")
    keys.press("Enter")
    keys.to("details.account form .plain")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in**")


# ---- the power goes off


def doubled(desk: Desk, pupils: list[int]) -> list[tuple[int, ...]]:
    """Marks of the lesson that stand twice, or were written more often than once."""
    rows: list[tuple[int, ...]] = desk.db.execute(
        """SELECT pupil, count(*) FROM mark WHERE day = ? AND subject_group = ? AND period = ?
           AND value IS NOT NULL GROUP BY pupil HAVING count(*) > 1""",
        (TODAY, desk.place.group, desk.place.period),
    ).fetchall()
    return [row for row in rows if row[0] in pupils]


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_grid_survives_power_cuts_while_it_is_typed_into(
    page: Page, school: SchoolPages, desk: Desk
) -> None:
    server = Server(school.node.home, TODAY)
    order = [pupil for pupil, _ in queries.named(desk.db, desk.pupils, TODAY)]
    wanted = [2 + number % 4 for number in range(len(order))]
    before = desk.db.execute("SELECT max(n) FROM change").fetchone()[0]
    try:
        sign_in(page, server.address, desk)
        page.goto(f"{server.address}/journal/group/{desk.place.group}")
        focus(page, order[0])
        for number, value in enumerate(wanted):
            # It goes off twice: while cells are on their way, and just after it has come back.
            if number in (8, 22):
                server.cut()
            if number in (15, 30):
                server.on()
                page.evaluate("dispatchEvent(new Event('online'))")
            page.keyboard.press(str(value))
        page.locator("[data-state].saved").wait_for()
        assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('mektep-unsent'))") == []
        assert [desk.cell(pupil).value(0) for pupil in order] == wanted
        assert doubled(desk, order) == []
        # One change for the lesson and one for each mark: what was sent again was written once.
        written = desk.db.execute(
            "SELECT count(*) FROM change WHERE n > ? AND tbl = ?", (before, BY_NAME["mark"].number)
        ).fetchone()[0]
        assert written == len(order)
    finally:
        server.cut()


# ---- without a script


@pytest.mark.parametrize("width", [360, 1366])
def test_every_page_of_the_books_can_be_read_without_a_script(
    browser: Browser, school: SchoolPages, desk: Desk, here: str, width: int
) -> None:
    """What the school knows stands in the page itself: names, marks, absences, topics."""
    pupil, name = next((pupil, name) for pupil, name in queries.named(desk.db, desk.pupils, TODAY) if name)
    away, _ = queries.named(desk.db, desk.pupils, TODAY)[-1]
    desk.save(
        desk.mark(pupil, 3),
        Change("comment", "Сызгычы жок", "", pupil),
        Change("status", "absent", "present", away),
        Change("topic", "Ордо оюну", ""),
        Change("homework", "§ 99", ""),
    )
    group, day = desk.place.group, date_of(TODAY).isoformat()
    with writing(desk.db, desk.account) as w:
        w.put("term_result", subject_group=group, pupil=pupil, term=4, value=4, status="assessed")
    class_id, grade, letter = desk.db.execute(
        """SELECT c.id, c.grade, c.letter FROM subject_group g JOIN class_group c ON c.id = g.class_group
           WHERE g.id = ?""",
        (group,),
    ).fetchone()
    teacher = queries.person_name(desk.db, desk.teacher, TODAY)
    said = {
        f"/journal/?day={day}": [f"{grade}-{letter}"],
        address(desk.place): [name, "Ордо оюну", "§ 99", "Сызгычы жок"],
        f"/journal/group/{group}": [name, "Ордо оюну", "§ 99"],
        f"/journal/results/{group}": [name, "4"],
        address(desk.place, "history") + f"/{pupil}": ["Сызгычы жок"],
        f"/timetable/?day={day}&class={class_id}": [teacher],
        f"/timetable/sheet?day={day}": ["Математика"],
        f"/attendance/class/{class_id}?day={day}": [name],
        f"/results/{class_id}": [name, "4"],
        f"/results/{class_id}/sheet": [name, "4"],
        f"/results/{class_id}/cards": [name, "4"],
        f"/results/pupil/{pupil}/card": [name, "4"],
    }
    with browser.new_context(
        java_script_enabled=False, viewport={"width": width, "height": 700}, locale="ky-KG"
    ) as context:
        page = context.new_page()
        page.goto(f"{here}/sign-in")
        page.fill("#login", school.logins["deputy"])
        page.fill("#password", PASSWORD)
        page.click("main button")
        missing = []
        for path, texts in said.items():
            answer = page.goto(here + path)
            assert answer is not None and answer.status == 200, path
            shown = page.inner_text("main")
            missing += [(path, text) for text in texts if text not in shown]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                missing.append((path, "wider than the screen"))
        assert missing == []
        page.goto(f"{here}/journal/group/{group}")
        cells = page.locator(f"tr[data-pupil='{pupil}'] td:not(.sum)").all_inner_texts()
        assert "3" in [text.strip() for text in cells]
