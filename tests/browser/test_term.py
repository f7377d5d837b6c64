"""A term in the life of a class, from the order that admits its pupils to the order by which one departs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from node.consenting import Signed
from node.journal import queries as journal
from node.journal.actions import Change
from node.journal.actions import save as save_lesson
from node.movement import actions as movement
from shared.dates import parse_day
from sync.writer import writing
from tests.browser.conftest import DOUBLE_TAP, VIEWPORTS
from tests.browser.power import Server
from tests.browser.term_school import AUGUST, QUARTER, TermSchool, a_school, children
from tests.browser.walking import Walker
from tests.node.conftest import PASSWORD

PUPILS = 35
ADMISSION, DEPARTURE = "12", "13"
UNDONE = "2025-10-28"
ORAL = 1
OWN_PASSWORD = "беш ат чапты"
MOTHER = ("Абдыраева", "Назгүл")


class Story:
    """The school, its server, and everyone who has come to a browser."""

    def __init__(self, school: TermSchool, server: Server, come: Callable[..., Walker]) -> None:
        self.school, self.server, self.stranger = school, server, come
        self.db = school.node.connect()
        self.walkers: dict[str, Walker] = {}
        self.mother = ""

    def __getitem__(self, login: str) -> Walker:
        """Someone of the staff at their browser, signed in."""
        if login not in self.walkers:
            self.walkers[login] = walker = self.stranger(login)
            walker.sign_in(login, PASSWORD)
        return self.walkers[login]

    def one(self, sql: str, *values: object) -> int:
        """The number that a query finds."""
        return int(self.db.execute(sql, values).fetchone()[0])

    def turn(self, day: str) -> None:
        """Another day comes."""
        self.server.day = parse_day(day)

    @property
    def class_id(self) -> int:
        return self.one("SELECT id FROM class_group")

    def group(self, subject: str) -> int:
        """The class in a subject."""
        return self.one(
            "SELECT g.id FROM subject_group g JOIN subject s ON s.id = g.subject WHERE s.code = ?", subject
        )

    def reason(self, pupil: int, day: str = "2025-09-02") -> str:
        """Why a pupil was away on a day."""
        row = self.db.execute(
            "SELECT reason FROM attendance WHERE pupil = ? AND day = ? AND status = 'absent'",
            (pupil, parse_day(day)),
        ).fetchone()
        return str(row[0])

    def pupil(self, place: int) -> int:
        """A pupil of the class, in the order in which they were admitted."""
        return self.one(
            "SELECT pupil FROM movement WHERE kind = 'arrived' ORDER BY id LIMIT 1 OFFSET ?", place
        )


@pytest.fixture(params=list(VIEWPORTS))
def story(
    browser: Browser, axe: Callable[[Page], list[str]], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Story]:
    school = a_school(tmp_path / "node")
    server = Server(school.node.home, AUGUST)
    made = Story(school, server, partial(Walker, browser, VIEWPORTS[request.param], server.address, axe, {}))
    try:
        yield made
    finally:
        server.cut()
        made.db.close()


def test_a_term_in_the_life_of_a_class(story: Story) -> None:

    a_class_is_made(story)
    orders_are_written_and_signed(story)
    pupils_are_admitted(story)
    consents_are_recorded(story)
    a_guardian_gets_an_account(story)
    the_timetable_is_entered(story)
    a_plan_is_made(story)
    lessons_are_held(story)
    reasons_are_given(story)
    a_mark_comes_late(story)
    the_term_goes_on(story)
    what_lacks_is_found_and_mended(story)
    results_are_given_and_locked(story)
    report_cards_are_printed_and_read(story)
    a_pupil_departs(story)
    for walker in story.walkers.values():
        walker.leave()


def a_class_is_made(story: Story) -> None:
    deputy = story["deputy"]
    deputy.menu("/classes/")
    deputy.follow("a[href^='/classes/new']")
    deputy.fill(grade="5", letter="А", teacher="Сыдыкова Айнура")
    deputy.press("main form button.first")
    for subject, teacher, hours in (
        ("Математика", "Токтосунов Эркин", "5"),
        ("Кыргыз тили", "Сыдыкова Айнура", "3"),
    ):
        deputy.follow("a[href$='/subject']")
        deputy.fill(subject=subject, teacher=teacher, hours_week=hours)
        deputy.press("main form button.first")
    deputy.reads("Математика", "Кыргыз тили")


def orders_are_written_and_signed(story: Story) -> None:
    secretary, head, leader = story["secretary"], story["head"], story["leader"]
    for series, number, title in (
        ("pupils", ADMISSION, "5-А классына кабыл алуу жөнүндө"),
        ("staff", "7", "5-А классынын жетекчисин дайындоо жөнүндө"),
    ):
        write_an_order(secretary, series, number, "2025-08-25", title)
    # Only the head signs; signed, the order gives the duty.
    sign(head, "5-А классына")
    sign(head, "жетекчисин")
    duties = head.page.locator("form[action$='/give']")
    duties.get_by_label("Сыдыкова Айнура").check()
    duties.locator("select[name='duty']").select_option(label="Класс жетекчи")
    head.press("form[action$='/give'] button")
    head.page.click("summary:has-text('тааныш')")
    head.page.locator("form[action$='/readers']").get_by_label("Сыдыкова Айнура").check()
    head.press("form[action$='/readers'] button")
    leader.menu("/orders/")
    leader.follow("a:has-text('жетекчисин')")
    leader.press("form[action$='/read'] button")


def write_an_order(secretary: Walker, series: str, number: str, day: str, title: str) -> None:
    secretary.menu("/orders/")
    secretary.follow("a[href^='/orders/new']")
    with secretary.page.expect_navigation():
        secretary.page.select_option("#for", series)
    secretary.fill(number=number, date=day, title=title, basis="Арыз")
    secretary.press("main form.card button.first")
    secretary.reads(title)


def sign(head: Walker, title: str) -> None:
    head.menu("/orders/")
    head.follow(f"a:has-text('{title}')")
    head.press("form[action$='/sign'] button")


def pupils_are_admitted(story: Story) -> None:
    """Three in the browser, one of them without a consent; the others as the secretary's next ones."""
    secretary = story["secretary"]
    story.turn("2025-08-28")
    secretary.menu("/movement/")
    secretary.follow("a[href^='/movement/arrival']")
    page = secretary.page
    order = page.locator("#order option", has_text=f"№ {ADMISSION}").inner_text()
    secretary.fill(day="2025-09-01", reason="Башка себеп", order=order, birth_year="2014")
    page.select_option("#class", str(story.class_id))
    for surname, given, sex in children(2):
        page.select_option("#sex", sex)
        secretary.fill(
            birth_year="2014", consent_valid_from="2025-08-28", consent_document="№ 1", relation="Апасы",
            surname=surname, given_name=given, guardian_surname=MOTHER[0], guardian_given_name=MOTHER[1],
        )  # fmt: skip
        page.check("[name=guardian_agrees]")
        secretary.press("button[name=next]")
        secretary.reads(f"{surname} {given}")
        assert page.input_value("#surname") == page.input_value("#consent_valid_from") == ""
    secretary.fill(birth_year="2014", sex="Эркек")
    secretary.press("main form[method=post] button.first")
    secretary.reads("№ 12")
    row = story.one("SELECT id FROM order_book WHERE number = ?", ADMISSION)
    with writing(story.db, story.school.accounts["secretary"]) as w:
        for surname, given, sex in children(PUPILS)[3:]:
            signed = Signed(("core",), AUGUST + 3, ground="Апасы")
            child = movement.Newcomer(sex, 2014, consent=signed, surname=surname, given_name=given)
            paper = movement.Paper(movement.Order(row))
            movement.arrive(w, child, story.class_id, parse_day("2025-09-01"), "other", paper)
    secretary.menu("/movement/")
    assert secretary.page.locator("main .rows li").count() == PUPILS


def consents_are_recorded(story: Story) -> None:
    leader, nameless = story["leader"], story.pupil(2)
    leader.menu("/consents/")
    leader.follow(f"a[href='/people/{nameless}']")
    leader.follow(f"a[href='/consents/{nameless}/form']")
    leader.go(f"/people/{nameless}")
    leader.follow(f"a[href='/consents/{nameless}/new']")
    leader.page.get_by_label("Сүрөт").check()
    leader.fill(ground="Атасы")
    leader.press("main form button.first")
    leader.follow(f"a[href='/people/{nameless}/edit']")
    leader.fill(surname="Эсенов", given_name="Мирлан")
    leader.press("main form button.first")
    leader.reads("Эсенов Мирлан")


def a_guardian_gets_an_account(story: Story) -> None:
    admin = story["admin"]
    admin.menu("/accounts/")
    admin.follow("a[href*='kind=guardian']")
    admin.press("main .foot button")
    login, password = (
        admin.page.locator(".slips li .line b").nth(1).inner_text(),
        admin.page.inner_text(".slips code"),
    )
    head = story["head"]
    head.go("/")
    head.follow("a[href='/accounts/approval']")
    head.press(f"main form:has-text('{login}') .first")
    story.mother = login
    story.walkers["guardian"] = mother = story.stranger("guardian")
    mother.sign_in(login, password)
    mother.page.fill("#old", password)
    mother.page.fill("#new", OWN_PASSWORD)
    mother.page.fill("#again", OWN_PASSWORD)
    mother.press("main form button.first")


def the_timetable_is_entered(story: Story) -> None:
    deputy = story["deputy"]
    deputy.menu("/timetable/")
    with deputy.page.expect_navigation():
        deputy.page.select_option("#class", label="5-А")
    deputy.look()
    deputy.follow("a[href*='/timetable/edit/class/']")
    maths, kyrgyz = str(story.group("mat")), str(story.group("kyr"))
    for weekday in range(1, 6):
        deputy.page.select_option(f"[name=cell-{weekday}-1]", maths)
    for weekday in (1, 3, 5):
        deputy.page.select_option(f"[name=cell-{weekday}-2]", kyrgyz)
    deputy.press("main form .foot button")
    assert deputy.page.locator(".hours-list .low").count() == 0
    assert deputy.page.locator("main .pill").count() == 0


def a_plan_is_made(story: Story) -> None:
    teacher, deputy, maths = story["teacher"], story["deputy"], story.group("mat")
    lines = ["Бөлүм\tТема\tСаат\tҮй тапшырма"]
    lines += [f"Натуралдык сандар\tТема {n}\t1\t§ {n}" for n in range(1, 46)]
    teacher.menu("/plans/")
    teacher.follow(f"a[href='/plans/group/{maths}']")
    teacher.follow("a[href$='/import']")
    teacher.fill(text="\n".join(lines))
    teacher.press("main form.card button.first")
    teacher.press("form:has([name=confirm]) button")
    teacher.reads("01.09")
    teacher.press("form[action$='/hand-in'] button")
    deputy.go("/")
    deputy.follow(f"a[href='/plans/group/{maths}']")
    deputy.press("form[action$='/approve']:not(:has([name=act])) button")
    deputy.reads("Бекитилген")


def lessons_are_held(story: Story) -> None:
    """A lesson from a pupil's row to the next, and a mark in the grid: typed, or by the cell's buttons on a phone."""
    teacher, maths = story["teacher"], story.group("mat")
    story.turn("2025-09-02")
    teacher.go("/")
    teacher.follow(f"a[href='/journal/lesson/{maths}/2025-09-02/1']")
    page = teacher.page
    assert (page.input_value("#topic"), page.input_value("#homework")) == ("Тема 1", "§ 1")
    for place in (0, 1, 2):
        page.click(f"[data-pupil='{story.pupil(place)}'] .key.away")
    for place in range(3, 10):
        page.click(f"[data-pupil='{story.pupil(place)}'] .key:has(input[value='{3 + place % 3}'])")
    page.click(f"[data-pupil='{story.pupil(10)}'] .key.late")
    # A mark for who is absent is asked about, and taken back by a second tap.
    five = page.locator(f"[data-pupil='{story.pupil(0)}'] .key:has(input[value='5'])").first
    five.click()
    page.locator(".doubt").wait_for()
    teacher.look()
    page.wait_for_timeout(DOUBLE_TAP)
    five.click()
    page.locator(".doubt").wait_for(state="detached")
    page.check("[name=taken]")
    page.locator(".foot .state.saved").wait_for()
    teacher.look()
    # The same lesson in the grid.
    teacher.go(f"/journal/group/{maths}")
    at = page.evaluate(
        "[...document.querySelectorAll('thead th')].findIndex(h => h.dataset.at === '2025-09-02/1')"
    )
    page.locator(f"tr[data-pupil='{story.pupil(11)}'] > :nth-child({at + 1})").click()
    if teacher.phone:
        teacher.look()
        page.click("[data-press='4']")
        there = f"/journal/lesson/{maths}/2025-09-02/1#pupil-{story.pupil(11)}"
        assert (page.get_attribute("[data-lesson]", "href") or "").endswith(there)
    else:
        page.keyboard.press("4")
    page.locator(f"tr[data-pupil='{story.pupil(11)}'] td.saved").wait_for()
    assert story.one("SELECT value FROM mark WHERE pupil = ?", story.pupil(11)) == 4


def reasons_are_given(story: Story) -> None:
    """The class teacher knows why: one absence at once, another by a note over days to come."""
    leader, teacher = story["leader"], story["teacher"]
    excused, ill = story.pupil(0), story.pupil(1)
    leader.menu("/attendance/")
    leader.follow(f"a[href^='/attendance/class/{story.class_id}']")
    leader.page.select_option(f"#reason-{excused}", "excused")
    leader.press("main form .foot button")
    leader.page.select_option("#pupil", str(ill))
    leader.page.select_option("#note-reason", "ill")
    leader.fill(start="2025-09-02", end="2025-09-05")
    leader.press("form[action*='/note'] button.first")
    assert story.reason(ill) == "ill" and story.reason(excused) == "excused"
    story.turn("2025-09-03")
    teacher.go(f"/journal/lesson/{story.group('mat')}/2025-09-03/1")
    assert teacher.page.is_checked(f"[name='status-{ill}'][value=absent]")
    teacher.page.check("[name=taken]")
    teacher.page.locator(".foot .state.saved").wait_for()
    assert story.reason(ill, "2025-09-03") == "ill"


def a_mark_comes_late(story: Story) -> None:
    """After the edit window a mark needs a reason, and the old one stays to be seen."""
    teacher, pupil = story["teacher"], story.pupil(3)
    story.turn("2025-09-16")
    teacher.go(f"/journal/lesson/{story.group('mat')}/2025-09-02/1")
    teacher.page.click(f"[data-pupil='{pupil}'] .key:has(input[value='5'])")
    # It waits for the reason, and is sent with it.
    teacher.page.fill(".asks input", "Дептерден көчүрүлдү")
    teacher.page.keyboard.press("Enter")
    teacher.page.locator(f"[data-pupil='{pupil}'] .state.saved").wait_for()
    teacher.go(f"/journal/lesson/{story.group('mat')}/2025-09-02/1")
    teacher.reads("Дептерден көчүрүлдү")
    teacher.go(f"/journal/group/{story.group('mat')}")
    assert teacher.page.locator(f"tr[data-pupil='{pupil}'] s").inner_text() == "3"


def the_term_goes_on(story: Story) -> None:
    """The other lessons of the quarter, written by their teachers; three things are left undone."""
    story.turn("2025-11-01")
    today = parse_day("2025-11-01")
    pupils = [story.pupil(place) for place in range(PUPILS)]
    for subject, login in (("mat", "teacher"), ("kyr", "leader")):
        group, person = story.group(subject), story.school.people[login]
        with writing(story.db, story.school.accounts[login]) as w:
            for number, column in enumerate(journal.columns(story.db, group, parse_day("2025-09-01"), today)):
                place = column.place
                if column.taken or (subject == "mat" and place.day == parse_day(UNDONE)):
                    continue
                planned = journal.planned_topic(story.db, place)
                marked = [
                    pupil
                    for at, pupil in enumerate(pupils)
                    if (at + number) % 5 == 0 and (subject, pupil) != ("mat", pupils[-1])
                ]
                changes = [
                    Change("topic", planned["topic"] if planned else f"Сабак {number + 1}", ""),
                    Change("taken", 1, 0),
                ]
                changes += [
                    Change("mark", 3 + (pupils.index(one) + number) % 3, None, one, 0, ORAL) for one in marked
                ]
                save_lesson(w, place, person, today, changes, "Журналга кийин киргизилди")


def what_lacks_is_found_and_mended(story: Story) -> None:
    """The deputy sees a lesson without topic and attendance, and who has too few marks; the teacher sees it, too."""
    deputy, teacher, maths = story["deputy"], story["teacher"], story.group("mat")
    deputy.menu("/control/")
    figures = deputy.page.locator("main .figures dd").all_inner_texts()
    assert [int(text) for text in figures[:2]] == [1, 1]
    deputy.reads("Токтосунов")
    teacher.menu("/journal/")
    teacher.follow(f"a[href='/journal/lesson/{maths}/{UNDONE}/1']")
    teacher.page.check("[name=taken]")
    teacher.page.locator(".foot .state.saved").wait_for()
    for place in (0, 1, 2):
        teacher.go(f"/journal/lesson/{maths}/2025-10-{29 + place}/1")
        teacher.page.click(f"[data-pupil='{story.pupil(PUPILS - 1)}'] .key:has(input[value='4'])")
        teacher.page.locator(".foot .state.saved").wait_for()
    deputy.menu("/control/")
    deputy.reads("Жетишпеген эч нерсе жок")


def results_are_given_and_locked(story: Story) -> None:
    teacher, leader, deputy = story["teacher"], story["leader"], story["deputy"]
    maths, other = story.group("mat"), story.pupil(5)
    teacher.go(f"/journal/group/{maths}")
    teacher.follow(f"a[href^='/journal/results/{maths}']")
    proposed = int(teacher.page.input_value(f"#result-{other}"))
    teacher.page.select_option(f"#result-{other}", str(proposed - 1))
    teacher.refused("main .foot button", "себе")
    assert teacher.page.evaluate("document.activeElement.id") == f"reason-{other}"
    teacher.page.fill(f"#reason-{other}", "Текшерүү иши начар жазылды")
    teacher.press("main .foot button")
    leader.go(f"/journal/results/{story.group('kyr')}")
    leader.press("main .foot button")
    assert story.one("SELECT count(*) FROM term_result WHERE term = ?", QUARTER) == 2 * PUPILS
    assert (
        story.one("SELECT value FROM term_result WHERE pupil = ? AND subject_group = ?", other, maths)
        == proposed - 1
    )
    leader.go(f"/results/{story.class_id}/conduct")
    leader.page.locator("main select").first.select_option("exemplary")
    leader.press("main form button.first")
    deputy.menu("/results/")
    deputy.follow(f"a[href^='/results/{story.class_id}']")
    deputy.follow(f"a[href='/results/{story.class_id}/sheet']")
    deputy.press(f"form:has([name=term][value='{QUARTER}']) button[value=lock]")
    teacher.go(f"/journal/results/{maths}")
    assert teacher.page.locator("main .foot button").count() == 0
    teacher.go(f"/journal/lesson/{maths}/2025-10-31/1")
    assert teacher.page.locator("main .key").count() == 0


def report_cards_are_printed_and_read(story: Story) -> None:
    leader, mother = story["leader"], story.walkers["guardian"]
    leader.go(f"/results/{story.class_id}/sheet")
    leader.follow(f"a[href='/results/{story.class_id}/cards']")
    assert leader.page.locator(".report-card").count() == PUPILS
    assert leader.sheets() == PUPILS
    mother.menu("/results/")
    mother.follow("a[href$='/card']")
    mother.reads("Математика", "Кыргыз тили", "Сыдыкова Айнура")
    assert mother.sheets() == 1
    # The same on an old telephone, whose browser runs no script.
    story.walkers["plain"] = plain = story.stranger("plain", script=False)
    plain.sign_in(story.mother, OWN_PASSWORD)
    plain.menu("/results/")
    plain.follow("a[href$='/card']")
    plain.reads("Математика", "Сыдыкова Айнура")


def a_pupil_departs(story: Story) -> None:
    secretary, head, pupil = story["secretary"], story["head"], story.pupil(PUPILS - 1)
    story.turn("2025-11-11")
    write_an_order(secretary, "pupils", DEPARTURE, "2025-11-11", "Окуучуну чыгаруу жөнүндө")
    sign(head, "чыгаруу")
    secretary.go(f"/movement/pupil/{pupil}")
    secretary.page.click("summary:has-text('мектептен кетет')")
    order = secretary.page.locator("#order option", has_text=f"№ {DEPARTURE}").inner_text()
    secretary.fill(day="2025-11-12", reason="Өлкөнүн башка жери", order=order, place="Нарын ш., № 2 мектеп")
    secretary.press("button[name=depart]")
    secretary.reads("Кеткен", f"№ {DEPARTURE}")
    secretary.follow("a:has-text('Кеткен')")
    secretary.follow("a[href*='/certificate/']")
    assert secretary.sheets() == 1
    story.turn("2025-11-12")
    # End = start + arrived - departed: in the quarter before all were there.
    for period, figures in (("quarter-1", [35, 0, 0, 35]), ("quarter-2", [35, 0, 1, 34])):
        secretary.go(f"/movement/?period={period}")
        assert [int(text) for text in secretary.page.locator("main .figures dd").all_inner_texts()] == figures
    leader = story["leader"]
    leader.go(f"/classes/{story.class_id}")
    assert leader.page.locator("main table.records tbody tr").count() == PUPILS - 1
