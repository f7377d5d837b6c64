"""The hub's pages: what they show of schools, how the books are kept, the explorer of figures."""

from __future__ import annotations

import csv
import io
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from openpyxl import load_workbook

from hub import completing, schools
from hub.access import identify
from hub.background import Checker, due
from hub.directory.actions import School as Entry
from hub.directory.actions import save_school
from hub.overview.advice import DAY_MS, SILENT_DAYS, advise, tone_of
from hub.overview.queries import SchoolStatus
from hub.storage import Hub, set_state
from shared import i18n
from shared.keys import RegistrationCode
from shared.problems import SchoolExists
from sync.clock import now_ms
from sync.session import register
from sync.writer import writing
from tests.hub.conftest import BOYS, GIRLS
from tests.serving import Visit
from tests.world import School, a_node, a_school, transport_to

RESULTS = "/figures/table?cube=results&show=assessed&show=success&show=quality"


def table(visit: Visit, address: str) -> list[list[str]]:
    """The rows of an address's CSV, headings first; its title and notes are single cells."""
    answer = visit.get(address.replace("/figures/table?", "/figures/table.csv?"))
    assert answer.status_code == 200, answer.text
    return [row for row in csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))) if len(row) > 1]


def links(text: str) -> dict[str, str]:
    """Texts of the links in tables and where they lead."""
    found = re.findall(r'<th scope="row"><a href="([^"]+)">([^<]+)</a>', text)
    return {name: address.replace("&amp;", "&") for address, name in found}


# ---- signing in


def test_a_given_password_must_be_changed_first(app: Flask, administrator: Visit) -> None:
    fields = {"name": "Айгүл", "login": " Officer ", "duty": "officer"}
    page = administrator.post("/accounts/new", "/accounts/new", **fields)
    password = re.search(r'class="code">([a-z0-9-]+)<', page.text)
    assert password and page.headers["Cache-Control"] == "no-store"
    visit = Visit(app, "officer", password[1])
    assert visit.get("/").headers["Location"] == "/password"
    chosen = {"old": password[1], "new": "a longer secret", "again": "a longer secret"}
    assert visit.post("/password", "/password", **chosen).status_code == 302
    assert visit.get("/").status_code == 200
    again = administrator.post("/accounts/", "/accounts/2/password")
    assert again.status_code == 200 and password[1] not in again.text
    assert visit.get("/").status_code == 401


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "", "login": "x", "duty": "officer"}, "Give it a name."),
        ({"name": "X", "login": "", "duty": "officer"}, "Give it a login."),
        ({"name": "X", "login": "DISTRICT", "duty": "officer"}, "This login is taken; choose another."),
    ],
)
def test_a_flawed_account_is_not_opened(
    hub: Hub, administrator: Visit, fields: dict[str, str], sentence: str
) -> None:
    answer = administrator.post("/accounts/new", "/accounts/new", **fields)
    assert answer.status_code == 422 and sentence in answer.text
    assert identify(hub, 2) is None


def test_a_wrong_password_is_one_sentence(app: Flask) -> None:
    client = app.test_client()
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/sign-in?next=/figures/").text)
    assert token
    fields = {"form_token": token[1], "login": "district", "next": "/figures/"}
    refused = client.post("/sign-in", data={**fields, "password": "wrong"}, headers={"Accept-Language": "en"})
    assert refused.status_code == 401 and "The name or the password is wrong." in refused.text
    entered = client.post("/sign-in", data={**fields, "password": "secret"})
    assert (entered.status_code, entered.headers["Location"]) == (302, "/figures/")


def test_the_language_is_kept_with_the_account(app: Flask, administrator: Visit) -> None:
    administrator.speak("ru")
    assert '<html lang="ru">' in Visit.get(administrator, "/").text
    administrator.speak("en")
    assert '<html lang="en">' in administrator.get("/").text


# ---- schools


def test_an_empty_hub_says_how_to_begin(administrator: Visit) -> None:
    assert "Add the first school" in administrator.get("/").text
    assert "They appear as soon as the first school has synced." in administrator.get("/figures/").text


def test_a_school_that_synced_is_safe_here(officer: Visit, school: School) -> None:
    page = officer.get("/").text
    assert "What every school has sent is safe here." in page
    assert "School 8" in page and "Сузак" in page
    assert "not checked yet" in page and "Add a school" not in page
    own = officer.get(f"/schools/{school.id}").text
    assert "What this school has sent is safe here." not in own and "No backup at the school yet." in own
    assert "Revoke" not in own and "registration code" not in own
    assert officer.get("/schools/1").status_code == 404


def test_what_a_check_found_is_on_the_page(
    app: Flask, hub: Hub, administrator: Visit, school: School
) -> None:
    checker = cast(Checker, app.extensions["mektep-checker"])
    assert set(due(hub, now_ms())) == {0, school.id}
    assert administrator.post("/", "/check").status_code == 302
    checker.wait()
    assert "verified" in administrator.get("/").text and due(hub, now_ms()) == []
    with hub.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM change WHERE school = {school.id} AND number = 1")
    assert administrator.post(f"/schools/{school.id}", f"/schools/{school.id}/check").status_code == 302
    checker.wait()
    page = administrator.get(f"/schools/{school.id}").text
    assert "What is kept here fails its check." in page and "position 1: its log is not complete" in page
    assert "1 school needs attention." in administrator.get("/").text
    assert "School 8" in administrator.get("/?show=attention").text


def test_a_school_that_stands_twice_already_can_still_be_corrected(hub: Hub) -> None:
    district = schools.find_or_add_district(hub, "Сузак")
    names = {name: "№ 31 мектеп" for name in ("name_ky", "name_ru", "name_en")}
    one = save_school(hub, Entry(names, 31, None, district), None)
    other = save_school(hub, Entry(names, 32, None, district), None)
    schools.write_reference(hub, [("school", {"id": other, "number": 31, **names})])
    assert save_school(hub, Entry(names, 31, "primary", district), other) == other
    assert save_school(hub, Entry(names | {"name_ru": "Школа № 31"}, 31, None, district), one) == one
    with pytest.raises(SchoolExists):
        save_school(hub, Entry(names | {"name_ky": "школа № 31"}, 31, None, district), other)


def test_a_school_is_added_and_corrected(hub: Hub, administrator: Visit, school: School) -> None:
    page = administrator.post("/districts/new", "/districts/new", name_ky="Ноокен", code="41")
    assert page.status_code == 302 and "No school here yet." in administrator.get("/").text
    unit = re.search(r"/districts/(\d+)", administrator.get("/").text)
    assert unit
    fields = {"name_ky": "№ 23 мектеп", "name_ru": "Школа № 23", "number": "23", "district": unit[1]}
    added = administrator.post("/schools/new", "/schools/new", **fields)
    address = added.headers["Location"]
    again = administrator.post("/schools/new", "/schools/new", **fields)
    assert again.status_code == 422 and "of this name and number already" in again.text
    assert "Школа № 23" not in administrator.get(address).text  # English takes the Kyrgyz name
    assert "№ 23 мектеп" in administrator.get(address).text
    assert "Not registered yet." in administrator.get("/?show=attention").text
    other = administrator.post(
        "/schools/new", "/schools/new", **{**fields, "name_ky": "Манас", "name_ru": "Манас"}
    )
    there = other.headers["Location"] + "/edit"
    for taken in (
        {},
        {"name_ky": "Манас", "name_ru": "Школа № 23"},
        {"name_ky": "Манас", "name_en": "№ 23  Мектеп"},
    ):
        refused = administrator.post(there, there, **{**fields, **taken})
        assert refused.status_code == 422 and "of this name and number already" in refused.text
    for free in ({"number": "24"}, {"name_ky": "Манас", "name_ru": "Манас"}, {"district": ""}):
        assert administrator.post(there, there, **{**fields, **free}).status_code == 302
    edited = administrator.post(address + "/edit", address + "/edit", **{**fields, "name_en": "School 23"})
    assert edited.status_code == 302 and "School 23" in administrator.get(address).text
    school.sync()
    with closing(school.node.connect()) as db:
        row = db.execute("SELECT name_ky, name_en, number FROM school WHERE name_en = 'School 23'").fetchone()
    assert tuple(row) == ("№ 23 мектеп", "School 23", 23)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name_ky": ""}, "Give it a name."),
        ({"name_ky": "x" * 121}, "A name has at most 120 letters."),
        ({"name_ky": "x", "number": "8a"}, "The number is made of digits, or left empty."),
        ({"name_ky": "x", "district": "77"}, "There is no such district."),
    ],
)
def test_a_flawed_school_is_not_added(
    hub: Hub, administrator: Visit, fields: dict[str, str], sentence: str
) -> None:
    answer = administrator.post("/schools/new", "/schools/new", **fields)
    assert answer.status_code == 422
    assert "No school yet" in administrator.get("/").text
    if "district" not in fields:
        assert sentence in answer.text


def test_a_code_made_on_the_page_registers_a_node(tmp_path: Path, hub: Hub, administrator: Visit) -> None:
    school = schools.add_school(hub, "School 9", 9)
    page = administrator.post(f"/schools/{school}", f"/schools/{school}/code")
    code = re.search(r'class="code">([^<]+)<', page.text)
    assert code and RegistrationCode.parse(code[1]).names(hub.signer.public)
    assert page.headers["Cache-Control"] == "no-store"
    assert "A code not used yet is good until" in administrator.get(f"/schools/{school}").text
    with closing(a_node(tmp_path / "node").connect()) as db:
        register(db, transport_to(hub), code[1])
    own = administrator.get(f"/schools/{school}").text
    assert "A code not used yet" not in own and code[1] not in own and "Revoke" in own


def test_a_node_is_revoked_after_a_question(administrator: Visit, school: School) -> None:
    address = re.search(
        rf"/schools/{school.id}/nodes/[0-9a-f]+/revoke", administrator.get(f"/schools/{school.id}").text
    )
    assert address
    assert "It cannot be undone" in administrator.get(address[0]).text
    assert administrator.post(address[0], address[0]).status_code == 302
    assert "Its node was revoked." in administrator.get("/").text
    assert administrator.get(address[0]).status_code == 404
    other = address[0].replace(f"/schools/{school.id}/", "/schools/1/")
    assert administrator.get(other).status_code == 404


# ---- advice

NOW = 1_800_000_000_000
SOUND = SchoolStatus(
    school=1, name="School 8", district="", district_id=None, nodes=1, revoked=0, heard_at=NOW - 1000, waiting=0,
    clock_ahead=0, backup_at=NOW - 1000, conflicts=0, version=0, position=3, received_at=NOW, chain="verified",
    checked_at=NOW, quarantined=0,
)  # fmt: skip


SILENT = NOW - SILENT_DAYS * DAY_MS


@pytest.fixture(scope="module")
def english() -> Flask:
    """An app that does nothing but speak English."""
    app = Flask(__name__)
    i18n.init_app(app, lambda: "en")
    return app


@pytest.mark.parametrize(
    ("changed", "tone", "begins"),
    [
        ({"chain": "flawed"}, "bad", "What is kept here fails its check."),
        ({"quarantined": 1}, "bad", "1 packet from the school was set aside"),
        ({"quarantined": 2}, "bad", "2 packets from the school were set aside"),
        ({"lost": 2, "stranded": 2}, "bad", "2 packets are kept here alone"),
        ({"lost": 1}, "good", "1 packet lost its place"),
        ({"nodes": 0}, "waiting", "Not registered yet."),
        ({"nodes": 0, "revoked": 1}, "waiting", "Its node was revoked."),
        ({"heard_at": 0}, "waiting", "Registered, but nothing has arrived yet."),
        ({"heard_at": SILENT}, "waiting", "Silent for 7 days."),
        ({"nodes": 2, "longest_silent": SILENT}, "waiting", "One of its machines is silent for 7 days."),
        ({"waiting": 2}, "waiting", "2 changes are still only at the school."),
        ({"clock_ahead": 660_000}, "waiting", "Its clock is 11 min fast."),
        ({"clock_ahead": -660_000}, "waiting", "Its clock is 11 min slow."),
        ({"space": 104_857_600}, "waiting", "The disk of a machine there is nearly full: 100.0 MB left."),
        ({"backup_at": 0}, "good", "No backup at the school yet."),
        ({"backup_at": NOW - 15 * DAY_MS}, "good", "The school's backup is 15 days old."),
        ({"conflicts": 1}, "good", "1 entry was made twice and differs;"),
    ],
)
def test_every_state_has_one_sentence(
    english: Flask, changed: dict[str, int], tone: str, begins: str
) -> None:
    with english.test_request_context():
        found = advise(replace(SOUND, **changed), NOW)  # type: ignore[arg-type]
    assert len(found) == 1 and found[0].sentence.startswith(begins)
    assert tone_of(found) == tone


@pytest.mark.parametrize(
    "changed", [{}, {"chain": "older"}, {"heard_at": SILENT + 1}, {"clock_ahead": 600_000}]
)
def test_nothing_is_said_of_a_sound_school(changed: dict[str, int]) -> None:
    assert advise(replace(SOUND, **changed), NOW) == []  # type: ignore[arg-type]


def test_the_gravest_comes_first(english: Flask) -> None:
    with english.test_request_context():
        found = advise(replace(SOUND, conflicts=1, waiting=1, quarantined=1), NOW)
    assert [a.tone for a in found] == ["bad", "waiting", "calm"]


# ---- figures


def test_the_latest_year_and_one_period_are_chosen(officer: Visit, school: School) -> None:
    page = officer.get(RESULTS + "&rows=school").text
    assert "<caption>Results · 2026/27 · Year</caption>" in page
    everyone = str(GIRLS + BOYS + 9)
    assert table(officer, RESULTS + "&rows=school") == [
        ["School", "Assessed", "Success, %", "Quality of knowledge, %"],
        ["School 8", everyone, "100.0", "46.7"],
        ["Total", everyone, "100.0", "46.7"],
    ]


def test_one_goes_down_from_district_to_class_to_subject(officer: Visit, school: School) -> None:
    page = officer.get(RESULTS + "&rows=district").text
    page = officer.get(links(page)["Сузак"]).text
    page = officer.get(links(page)["School 8"]).text
    assert set(links(page)) == {"7-А", "7-Б"}
    address = links(page)["7-А"]
    assert table(officer, address) == [
        ["Subject", "Assessed", "Success, %", "Quality of knowledge, %"],
        ["Mathematics", "21", "100.0", "47.6"],
        ["Total", "21", "100.0", "47.6"],
    ]
    assert links(officer.get(address).text) == {}


def test_the_few_are_hidden_with_what_would_betray_them(officer: Visit, school: School) -> None:
    """Two girls in 7-Б: their number, that of the boys beside them, and that of a class or sex to subtract from."""
    address = "/figures/table?cube=pupils&show=pupils&rows=class&columns=sex"
    assert table(officer, address) == [
        ["Class", "Female: Pupils", "Male: Pupils", "Total: Pupils"],
        ["7-А", "*", "*", "21"],
        ["7-Б", "*", "*", "9"],
        ["Total", "14", "16", "30"],
    ]
    assert "fewer than 5 people" in officer.get(address).text
    book = load_workbook(io.BytesIO(officer.get(address.replace("/table?", "/table.xlsx?")).data))
    values = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert ["7-Б", "*", "*", 9] in values


def test_a_filter_down_to_the_few_hides_them(officer: Visit, school: School) -> None:
    address = "/figures/table?cube=pupils&show=pupils&rows=school&class=7-Б&sex=f"
    assert table(officer, address)[1:] == [["School 8", "*"], ["Total", "*"]]


def test_what_cannot_be_asked_is_refused(officer: Visit, school: School) -> None:
    for query in (
        "cube=nothing",
        "cube=pupils&show=success",
        "cube=staff&rows=class",
        "cube=results&rows=teacher",
    ):
        answer = officer.get(f"/figures/table?{query}")
        assert (answer.status_code, "is not allowed." in answer.text) == (422, True), query


def test_nothing_found_is_said(officer: Visit, school: School) -> None:
    page = officer.get("/figures/table?cube=results&rows=school&year=1999/00").text
    assert "No school has sent anything that fits this choice." in page and "<table" not in page


def test_ready_tables_tell_their_main_figure(officer: Visit, school: School) -> None:
    page = officer.get("/figures/").text
    assert "Pupils by grade and sex" in page and '<span class="big">30</span> Pupils' in page
    assert '<span class="big">100.0</span> Success, %' in page
    assert "Staff by category" not in page  # nobody has sent any staff
    for address in re.findall(r'href="(/figures/table\?[^"]+)"', page):
        assert officer.get(address.replace("&amp;", "&")).status_code == 200
    own = officer.get(f"/schools/{school.id}").text
    assert "Results by class" in own and re.search(r"<dt>Pupils</dt><dd>30</dd>", own)


def test_a_form_without_a_script_makes_the_same_address(officer: Visit, school: School) -> None:
    """Empty choices change nothing; "all" lifts the choice of a year."""
    plain = table(officer, RESULTS + "&rows=school&rows=&columns=&year=all&term=all&district=all")
    assert plain == table(officer, RESULTS + "&rows=school")
    page = officer.get(RESULTS + "&rows=school&rows=&columns=&year=all").text
    assert "<caption>Results · Year</caption>" in page
    assert re.search(r'<input type="checkbox" name="show" value="success" checked>', page)


def test_classes_of_several_schools_are_not_mixed_silently(
    tmp_path: Path, hub: Hub, officer: Visit, school: School
) -> None:
    warning = "Classes of the same name in different schools are counted together here."
    assert warning in officer.get(RESULTS + "&rows=class").text
    assert warning not in officer.get(RESULTS + f"&rows=class&school={school.id}").text


def test_two_schools_add_up(tmp_path: Path, hub: Hub, officer: Visit, school: School) -> None:
    other = a_school(tmp_path / "other", hub, "School 9")
    with closing(other.node.connect()) as db, writing(db, other.actor) as w:
        year, start = db.execute("SELECT id, start FROM academic_year ORDER BY start DESC LIMIT 1").fetchone()
        group = w.insert("class_group", year=year, grade=7, letter="А", language="ru")
        for _ in range(6):
            pupil = w.insert("person", sex="m", birth_year=2012)
            w.put("pupil", person=pupil, language="ru")
            w.insert("enrolment", pupil=pupil, class_group=group, start=start)
    assert other.sync().outcome == "done"
    address = "/figures/table?cube=pupils&show=pupils&rows=school&columns=language"
    assert table(officer, address)[-1] == ["Total", "30", "6", "36"]
    page = officer.get(address).text
    assert "Counted: 2 of 2 schools." in page and "last heard" in page
    page = officer.get(RESULTS + "&rows=school").text
    assert "Counted: 1 of 2 schools." in page
    assert "Schools that have sent nothing for this choice: School 9." in page
    file = officer.get(RESULTS.replace("/table?", "/table.csv?") + "&rows=school").text
    assert "Counted: 1 of 2 schools." in file and "School 9." in file.splitlines()[-2]
    assert "Counted:" not in officer.get(RESULTS + f"&rows=class&school={school.id}").text
    assert "Counted: 2 of 2 schools." in officer.get("/figures/").text


def test_a_hub_put_back_from_a_backup_says_who_was_not_heard_since(
    administrator: Visit, hub: Hub, school: School
) -> None:
    assert "was put back" not in administrator.read("/")
    with hub.write() as connection:
        set_state(connection, completing.RESTORED_AT, str(now_ms() + 1).encode())
    assert "Computers of schools not heard since: 1." in administrator.read("/")
