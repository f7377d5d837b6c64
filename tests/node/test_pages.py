"""The pages of the school show what is in its database, in three languages, and nothing they may not show."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from shared.dates import parse_day
from shared.reference import CATEGORIES
from shared.schema import TABLES
from shared.web import today
from sync.state import State
from sync.writer import writing
from tests.node.conftest import PASSWORD, Client, SchoolPages

LANGUAGES = ("ky", "ru", "en")


def text_of(html: str) -> str:
    """What a person reads on a page: text alone, spaces as one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def seen(client: Client, path: str, language: str = "") -> str:
    status, html = client.get(path, language)
    assert status == 200
    return text_of(html)


# ---- the door


def test_signing_in_and_out(pages: SchoolPages) -> None:
    client = pages.sign_in(pages.logins["head"])
    assert client.get("/")[0] == 200
    assert client.post("/sign-out") == (302, "/sign-in")
    assert client.http.get("/").status_code == 401


def test_a_session_ended_on_the_server_is_over_whatever_the_cookie_says(pages: SchoolPages) -> None:
    client = pages.sign_in(pages.logins["head"])
    cookie = client.http.get_cookie("mektep_0")
    assert cookie is not None
    client.post("/sign-out")
    client.http.set_cookie("mektep_0", cookie.value)
    assert client.http.get("/").status_code == 401


def test_the_database_holds_no_token_only_its_hash(pages: SchoolPages) -> None:
    client = pages.sign_in(pages.logins["head"])
    cookie = client.http.get_cookie("mektep_0")
    assert cookie is not None
    with closing(pages.node.connect()) as db:
        stored = [row[0] for row in db.execute("SELECT token FROM session").fetchall()]
    assert stored and all(isinstance(token, bytes) and token.hex() not in cookie.value for token in stored)


def test_one_goes_on_where_one_wanted_to_go(pages: SchoolPages) -> None:
    client, there = pages.stranger(), "/classes/?year=3"
    status, text = client.get(there)
    assert status == 401 and text.count(f'name="next" value="{there}"') == 2
    assert client.post("/sign-in", login="head", password=PASSWORD, next=there) == (302, there)


def test_a_language_chosen_at_the_door_leaves_one_at_the_same_door(pages: SchoolPages) -> None:
    client, there = pages.stranger(), "/classes/?year=3"
    client.get(there)
    assert client.post("/language", language="ru", next=there) == (302, there)
    status, text = client.get(there)
    assert status == 401 and '<html lang="ru">' in text and text.count(f'name="next" value="{there}"') == 2


def test_a_wrong_password_says_one_sentence_and_keeps_the_login(pages: SchoolPages) -> None:
    client = pages.stranger()
    client.get("/sign-in")
    status, html = client.post("/sign-in", login="head", password="wrong")
    assert status == 401
    assert "Логин же сырсөз туура эмес." in html and 'value="head"' in html and "wrong" not in html


def test_guessing_is_slowed_and_the_page_says_so(pages: SchoolPages) -> None:
    client = pages.stranger()
    client.get("/sign-in")
    statuses = [client.post("/sign-in", login="nobody", password="wrong")[0] for _ in range(6)]
    assert statuses == [401, 401, 401, 401, 401, 429]


def test_a_disabled_account_is_out_at_once(pages: SchoolPages) -> None:
    client = pages.sign_in(pages.logins["social"])
    account = pages.one("SELECT id FROM account WHERE login = ?", pages.logins["social"])
    with closing(pages.node.connect()) as db:
        with writing(db, account) as w:
            w.update("account", account, disabled=1)
        assert client.http.get("/").status_code == 401
        with writing(db, account) as w:
            w.update("account", account, disabled=0)
    assert client.http.get("/").status_code == 200


def test_a_duty_that_ended_opens_nothing_any_more(pages: SchoolPages) -> None:
    person = pages.person("librarian")
    client = pages.sign_in(pages.logins["librarian"])
    appointment = pages.one("SELECT id FROM appointment WHERE person = ?", person)
    assert client.get("/people/")[0] == 200
    with closing(pages.node.connect()) as db, writing(db, 1) as w:
        w.update("appointment", appointment, end=w.now // 86_400_000)
    try:
        assert client.get("/people/")[0] == 403
    finally:
        with closing(pages.node.connect()) as db, writing(db, 1) as w:
            w.update("appointment", appointment, end=None)


# ---- the own password


def test_changing_the_password(empty_school: SchoolPages) -> None:
    here, elsewhere = empty_school.sign_in("admin"), empty_school.sign_in("admin")
    new = "төрт ат чуркады"
    here.get("/password")
    assert here.post("/password", old=PASSWORD, new=new, again=new) == (302, "/?password=1")
    assert "Сырсөз өзгөртүлдү" in seen(here, "/?password=1")
    assert elsewhere.http.get("/").status_code == 401
    empty_school.sign_in("admin", new)


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", "a new password", "a new password", "Бул учурдагы сырсөз эмес."),
        (PASSWORD, "short", "short", "Башкасын тандаңыз"),
        (PASSWORD, PASSWORD, PASSWORD, "Башкасын тандаңыз"),
        (PASSWORD, "a new password", "another one", "Эки жаңы сырсөз бири-бирине туура келбейт."),
    ],
)
def test_a_password_that_is_not_accepted(
    empty_school: SchoolPages, old: str, new: str, again: str, sentence: str
) -> None:
    client = empty_school.sign_in("admin")
    client.get("/password")
    status, html = client.post("/password", old=old, new=new, again=again)
    assert status == 422 and sentence in html and 'aria-invalid="true"' in html
    empty_school.sign_in("admin")


def test_a_given_password_must_be_changed_first(empty_school: SchoolPages) -> None:
    client = empty_school.sign_in("admin")
    with closing(empty_school.node.connect()) as db, writing(db, 1) as w:
        w.update("account", db.execute("SELECT id FROM account").fetchone()[0], must_change=1)
    answer = client.http.get("/classes/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/password")
    assert "башка бирөө берген" in seen(client, "/password")
    client.post("/password", old=PASSWORD, new="төрт ат чуркады", again="төрт ат чуркады")
    assert client.get("/classes/")[0] == 200


# ---- every page in every language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_the_language_of_the_account(pages: SchoolPages, language: str) -> None:
    client = pages.sign_in(pages.logins["deputy"])
    client.get("/")
    client.post("/language", language=language, next="/")
    headings = {
        "ky": ("Класстар", "Адамдар", "Жыйынтыктар", "Маалымат сөздүгү", "Сырсөздү өзгөртүү"),
        "ru": ("Классы", "Люди", "Итоги", "Словарь данных", "Изменить пароль"),
        "en": ("Classes", "People", "Results", "Data dictionary", "Change the password"),
    }[language]
    for path, heading in zip(
        ("/classes/", "/people/", "/results/", "/dictionary/", "/password"), headings, strict=True
    ):
        html = client.get(path)[1]
        assert f'<html lang="{language}">' in html and f"<h1>{heading}</h1>" in html
    client.post("/language", language="ky", next="/")


def test_an_empty_school_has_pages_too(empty_school: SchoolPages) -> None:
    client = empty_school.as_("head")
    assert "Биринчи жума, ирети менен" in seen(client, "/")
    assert "Азырынча класс жок" in seen(client, "/classes/")
    assert "Азырынча жыйынтык жок" in seen(client, "/results/")
    assert "Эч ким табылган жок" in seen(client, "/people/?q=Айгерим")


# ---- what the pages tell


def test_the_first_page_counts_the_school(pages: SchoolPages) -> None:
    figures = re.findall(r"<dd>([^<]+)</dd>", pages.as_("head").get("/")[1])
    pupils, girls, classes = (
        pages.one(
            """SELECT count(DISTINCT e.pupil) FROM enrolment e JOIN person p ON p.id = e.pupil
               WHERE (p.sex = 'f' OR ?1) AND e.retired_at IS NULL AND (e."end" IS NULL OR e."end" > ?2)""",
            everyone,
            parse_day("2026-05-29"),
        )
        if everyone is not None
        else pages.one("SELECT count(*) FROM class_group WHERE year = 3 AND retired_at IS NULL")
        for everyone in (1, 0, None)
    )
    assert figures == [str(pupils), str(girls), str(classes), str(pages.one("SELECT count(*) FROM staff"))]


def test_the_first_page_of_a_librarian_tells_who_needs_books_and_who_owes_them(pages: SchoolPages) -> None:
    """Who came and who left, not who changed class."""
    now = today()
    other = pages.one("SELECT id FROM class_group WHERE id <> ? AND year = 3 LIMIT 1", pages.led)
    with closing(pages.node.connect()) as db:
        actor = int(State(db).administrator)
        with writing(db, actor) as w:
            left, moved = (w.insert("person", sex="f", birth_year=2012) for _ in range(2))
            for pupil in (left, moved):
                w.put("pupil", person=pupil)
            rows = [w.insert("enrolment", pupil=left, class_group=other, start=now - 90, end=now - 3)]
            rows += [w.insert("enrolment", pupil=moved, class_group=other, start=now - 90, end=now - 3)]
            rows += [w.insert("enrolment", pupil=moved, class_group=pages.led, start=now - 3, end=now - 2)]
        status, html = pages.as_("librarian").get("/")
        with writing(db, actor) as w:
            for row in rows:
                w.retire("enrolment", row)
            for pupil in (left, moved):
                w.retire("pupil", pupil)
    assert status == 200
    told = re.findall(r'href="/people/(\d+)".*?</span></span>(\w+)</li>', html)
    assert told == [(str(moved), "Кеткен"), (str(left), "Кеткен")]
    assert "/people/passport" not in html and "/movement/" not in html


def test_the_social_pedagogue_has_the_passport_and_whom_no_school_has_confirmed(pages: SchoolPages) -> None:
    social = pages.as_("social")
    status, html = social.get("/")
    assert status == 200 and "/attendance/" in html
    shown = [code for code in CATEGORIES if f"/people/passport?category={code}" in html]
    assert shown
    status, passport = social.get(f"/people/passport?category={shown[0]}")
    assert status == 200 and re.search(r'href="/people/\d+"', passport)
    assert pages.as_("deputy").get("/people/passport")[0] == 403


def test_a_class_lists_its_pupils_in_kyrgyz_order_the_nameless_last(pages: SchoolPages) -> None:
    html = pages.as_("head").get(f"/classes/{pages.taught}")[1]
    names = [name for name in re.findall(r'<th scope="row"><a href="/people/\d+">([^<]+)</a>', html)]
    with closing(pages.node.connect()) as db:
        on_roll = db.execute(
            'SELECT count(DISTINCT pupil) FROM enrolment WHERE class_group = ? AND "end" IS NULL',
            (pages.taught,),
        ).fetchone()[0]
    assert len(names) == on_roll
    alphabet = "абвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя"
    nameless = [name.startswith("№") for name in names]
    assert nameless == sorted(nameless)
    named = [[alphabet.find(letter) for letter in name.lower()] for name in names if not name.startswith("№")]
    assert named == sorted(named)


def test_search_forgives_a_keyboard_without_kyrgyz_letters(pages: SchoolPages) -> None:
    sql = "SELECT given_name FROM person JOIN pupil ON pupil.person = person.id WHERE given_name LIKE '%ү%' LIMIT 1"
    with closing(pages.node.connect()) as db:
        name = db.execute(sql).fetchone()[0]
    plain = name.lower().translate(str.maketrans("ңөү", "ноу"))
    assert name in seen(pages.as_("head"), f"/people/?q={plain}")


def test_a_pupil_without_consent_is_found_by_number_and_shown_without_name(pages: SchoolPages) -> None:
    pupil = pages.one(
        "SELECT person FROM pupil JOIN person p ON p.id = person WHERE p.surname IS NULL LIMIT 1"
    )
    number = pupil & 0xFFFFFFFF
    assert f"№ {number}" in seen(pages.as_("head"), f"/people/?q={number}")
    card = seen(pages.as_("head"), f"/people/{pupil}")
    assert f"№ {number}, аты-жөнү жазылган эмес" in card and "күчүндөгү макулдук жок" in card


def test_a_lapsed_consent_hides_the_name_everywhere(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(pages.led)
    with closing(pages.node.connect()) as db:
        surname, given = db.execute(
            "SELECT surname, given_name FROM person WHERE id = ?", (pupil,)
        ).fetchone()
        consent = db.execute(
            "SELECT id FROM consent WHERE person = ? AND purpose = 'core'", (pupil,)
        ).fetchone()[0]
        with writing(db, 1) as w:
            w.update("consent", consent, valid_to=w.now // 86_400_000)
    head = pages.as_("head")
    paths = [f"/people/{pupil}", f"/classes/{pages.led}", f"/results/{pages.led}", f"/results/pupil/{pupil}"]
    try:
        shown = [path for path in paths if f"{surname} {given}" in seen(head, path)]
        assert shown == []
        assert "Мөөнөтү бүткөн" in seen(head, f"/people/{pupil}")
    finally:
        with closing(pages.node.connect()) as db, writing(db, 1) as w:
            w.update("consent", consent, valid_to=None)
    assert [path for path in paths if f"{surname} {given}" in seen(head, path)] == paths


def test_reading_a_card_is_logged_once_a_day(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(
        other := pages.one(
            """SELECT max(e.class_group) FROM enrolment e JOIN person p ON p.id = e.pupil
               WHERE e.retired_at IS NULL AND e."end" IS NULL AND p.surname IS NOT NULL"""
        )
    )
    assert other
    sql = "SELECT count(*) FROM reading_log WHERE person = ?"
    before = pages.one(sql, pupil)
    for _ in range(2):
        pages.as_("secretary").get(f"/people/{pupil}")
    assert pages.one(sql, pupil) == before + 1


def test_reading_ones_own_card_is_not_logged(pages: SchoolPages) -> None:
    person = pages.person("teacher")
    pages.as_("teacher").get(f"/people/{person}")
    assert pages.one("SELECT count(*) FROM reading_log WHERE person = ?", person) == 0


def test_results_of_a_class_in_a_period(pages: SchoolPages) -> None:
    with closing(pages.node.connect()) as db:
        rows = db.execute(
            """SELECT tr.value, tr.status FROM term_result tr JOIN subject_group sg ON sg.id = tr.subject_group
               WHERE sg.class_group = ? AND tr.term = 4 AND tr.retired_at IS NULL""",
            (pages.taught,),
        ).fetchall()
    html = pages.as_("head").get(f"/results/{pages.taught}?term=4")[1]
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    shown = re.findall(r'<span class="mark[^"]*">([^<]+)</span>', body)
    words = {"na": "б/э", "exempt": "бош."}
    expected = [words.get(status, str(value)) for value, status in rows if status != "unmarked"]
    assert sorted(shown) == sorted(expected) and len(shown) > 50


def test_zero_is_a_mark(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db, writing(db, 1) as w:
        group = w.insert("class_group", year=1, grade=0, letter="mat")
        person = w.insert("person", sex="f", birth_year=1988)
        w.put("pupil", person=person)
        w.insert("enrolment", pupil=person, class_group=group, start=parse_day("2005-09-01"))
        subject = w.insert("subject_group", class_group=group, subject=14, scale=2)
        w.put("term_result", subject_group=subject, pupil=person, term=3, value=0, band=2, missed=4)
    html = empty_school.as_("head").get(f"/results/{group}")[1]
    assert '<span class="mark low">0</span>' in html and "−4" in html
    assert "№ 2, аты-жөнү жазылган эмес" in text_of(html)
    assert "Математика" in text_of(html)


def test_a_teacher_sees_the_lessons_of_the_day(pages: SchoolPages) -> None:
    from node.journal.queries import lessons

    monday = parse_day("2025-11-10")
    with closing(pages.node.connect()) as db:
        found = lessons(db, monday, teacher=pages.person("teacher"))
        slots = db.execute(
            """SELECT count(*) FROM timetable_slot t JOIN subject_group sg ON sg.id = t.subject_group
               WHERE sg.teacher = ? AND t.weekday = 1 AND t.subject_group NOT IN
               (SELECT subject_group FROM substitution WHERE day = ?)""",
            (pages.person("teacher"), monday),
        ).fetchone()[0]
    own = [lesson for lesson in found if lesson["own_teacher"] == pages.person("teacher")]
    assert len(own) == slots
    assert [lesson["start"] for lesson in found] == sorted(lesson["start"] for lesson in found)


# ---- the data dictionary


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_its_page(pages: SchoolPages, table: object) -> None:
    text = seen(pages.as_("head"), f"/dictionary/{table.name}")  # type: ignore[attr-defined]
    assert [c.name for c in table.all_columns if c.name not in text] == []  # type: ignore[attr-defined]


def test_the_dictionary_is_searched_in_the_readers_language(pages: SchoolPages) -> None:
    client = pages.as_("head")
    assert "birth_year" in seen(client, "/dictionary/?q=туулган")
    assert "Эч нерсе табылган жок" in seen(client, "/dictionary/?q=zzz")
    assert client.get("/dictionary/nothing")[0] == 404


# ---- what no page may do


def test_no_page_has_inline_styles_or_scripts(pages: SchoolPages) -> None:
    client = pages.as_("head")
    paths = ["/", "/classes/", f"/classes/{pages.taught}", "/people/", f"/people/{pages.named_pupil}", "/results/",
             f"/results/{pages.taught}", "/dictionary/", "/dictionary/person", "/password", "/nowhere"]  # fmt: skip
    for path in paths:
        html = client.get(path)[1]
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]+src=)|javascript:", html), path


def test_names_are_escaped(pages: SchoolPages) -> None:
    pupil = pages.pupil_of(pages.taught)
    with closing(pages.node.connect()) as db:
        surname = db.execute("SELECT surname FROM person WHERE id = ?", (pupil,)).fetchone()[0]
        with writing(db, 1) as w:
            w.update("person", pupil, surname="<b>&amp;\"'")
        html = pages.as_("head").get(f"/people/{pupil}")[1]
        with writing(db, 1) as w:
            w.update("person", pupil, surname=surname)
    assert "<b>&amp;" not in html and "&lt;b&gt;&amp;amp;" in html


def test_no_such_person_or_class(pages: SchoolPages) -> None:
    client = pages.as_("head")
    assert [
        client.get(path)[0] for path in ("/people/1", "/classes/1", "/results/1", "/results/pupil/1")
    ] == [404] * 4
