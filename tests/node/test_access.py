"""Every route against every duty, and which rows a duty reads behind an open door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlite_utils import Database

from node import access
from node.app import AREAS
from node.movement import actions as movement
from node.results.views import readable_of_pupil
from shared.access import Visitor, declared, rights_of
from shared.dates import date_of, parse_day
from shared.web import today
from sync.writer import writing
from tests.node.conftest import SchoolPages, actor, autumn

ROLES = sorted(access.ROLES)


def every_route(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, rule and a method of every route."""
    return sorted(
        (rule.endpoint, rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method in ("GET", "POST") and rule.endpoint != "ui.static"
    )


def address(pages: SchoolPages, rule: str, role: str, own: bool = True) -> str:
    """The route's address with rows that the role, if any, may read; with ``own`` False, rows of others."""
    class_id = pages.led if role == "class_teacher" else pages.taught
    person = pages.pupil_of(class_id if own else strange_class(pages))
    if own and role in ("pupil", "guardian"):
        person = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    elif own and role == "administrator":
        person = pages.person("head")
    if not own:
        class_id = strange_class(pages)
    group, day, period = pages.lesson_of(
        class_id, taught_by=pages.person("teacher") if own and role == "teacher" else 0
    )
    places = {
        "<int:class_id>": str(class_id), "<int:person_id>": str(person), "<name>": "person",
        "<int:group_id>": str(group), "<day>": day, "<int:period>": str(period),
        "<int:pupil_id>": str(pages.member_of(group)), "<int:shift>": "1",
        "<int:task_id>": str(pages.one("SELECT id FROM task WHERE assignee = ?", pages.person("deputy"))),
        "<int:account_id>": str(pages.one("SELECT id FROM account WHERE login = ?", pages.logins["pupil"])),
        "<int:order_id>": str(order_of(pages, role, own)),
        "<int:line_id>": str(pages.one("SELECT max(id) FROM movement WHERE kind = 'departed'")),
        "<kind_name>": {"deputy": "classes", "head": "staff", "secretary": "staff"}.get(role, "marks"),
        "<token>": "0", "<int:mark>": "0",
        "<int:weekday>": "1", "<secret>": "0", "<int:room_id>": str(pages.one("SELECT min(id) FROM room")),
    }  # fmt: skip
    for place, value in places.items():
        rule = rule.replace(place, value)
    assert "<" not in rule, f"tell in address() which row stands for the place in {rule}"
    return rule


def strange_class(pages: SchoolPages) -> int:
    """A class that neither teacher of these tests leads or teaches in, and no child of the guardian visits."""
    return pages.one(
        """SELECT id FROM class_group WHERE ifnull(teacher, 0) NOT IN (?1, ?2)
             AND id NOT IN (SELECT class_group FROM subject_group WHERE teacher IN (?1, ?2))
             AND id NOT IN (SELECT e.class_group FROM enrolment e JOIN guardian g ON g.pupil = e.pupil
                            WHERE g.person = ?3) LIMIT 1""",
        pages.person("class_teacher"),
        pages.person("teacher"),
        pages.person("guardian"),
    )


def order_of(pages: SchoolPages, role: str, own: bool) -> int:
    """An order that gave the role its duty, or one that concerns nobody."""
    if own and role not in ("administrator", "pupil", "guardian"):
        return pages.one(
            'SELECT "order" FROM appointment WHERE person = ? AND "order" IS NOT NULL', pages.person(role)
        )
    return pages.one("SELECT id FROM order_book WHERE series = 'main' ORDER BY id LIMIT 1")


ROW = re.compile(r"<int:(class|person|group|pupil|order|task)_id>")
"""A place in a route's address that names a row which belongs to someone."""


FORMS = {"journal.keep_cell": {"field": "taken", "value": "1", "seen": "0"}}
"""Forms that would be written if the row were one's own; routes that are not named are sent an empty one."""


def is_scoped(app: Flask, endpoint: str, role: str) -> bool:
    """Does the role reach own rows alone behind this door? By the table, or by habit where the route names no area."""
    rights = rights_of(app, endpoint)
    assert rights is not None
    if rights.area:
        held = access.MATRIX[rights.area].get(role)
        return held is not None and bool(held.scope)
    return role in ("class_teacher", "teacher", "pupil", "guardian")


def duties(pages: SchoolPages, role: str) -> frozenset[str]:
    """All duties of the person who stands for one: a class teacher teaches, too."""
    account = pages.one("SELECT id FROM account WHERE login = ?", pages.logins[role])
    with closing(pages.node.connect()) as db:
        visitor = access.identify(db, account)
    assert visitor is not None and role in visitor.roles
    return visitor.roles


@pytest.mark.parametrize("role", ROLES)
def test_every_route_admits_whom_it_declares_and_nobody_else(pages: SchoolPages, role: str) -> None:
    client, wrong, held = pages.as_(role), [], duties(pages, role)
    for endpoint, rule, method in every_route(pages.app):
        rights = rights_of(pages.app, endpoint)
        assert rights is not None
        opens = bool(rights.open_to) or not held.isdisjoint(rights.roles)
        path = address(pages, rule, role)
        if method == "GET":
            status, _ = client.get(path)
            if (status != 403) is not opens or status >= 500:
                wrong.append((method, path, status))
        elif not opens:
            status, text = client.post(path)
            if status != 403 or "укук берилген эмес" not in text:
                wrong.append((method, path, status))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_rows_of_others_are_refused_to_read_and_to_write(pages: SchoolPages, role: str) -> None:
    client, wrong = pages.as_(role), []
    for endpoint, rule, method in every_route(pages.app):
        rights = rights_of(pages.app, endpoint)
        assert rights is not None
        if not ROW.search(rule) or not is_scoped(pages.app, endpoint, role):
            continue
        path = address(pages, rule, role, own=False)
        status, text = client.get(path) if method == "GET" else client.post(path, **FORMS.get(endpoint, {}))
        if status != 403 or "укук берилген эмес" not in text:
            wrong.append((method, path, status))
    assert wrong == []


@contextmanager
def taken_back(db: Database) -> Iterator[Database]:
    """A transaction of which nothing stays."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield db
    finally:
        db.conn.execute("ROLLBACK")


STAFF = frozenset(ROLES) - {"pupil", "guardian", "founder"}
WRITTEN_BY_OTHERS = {
    "consents.decline": {"pupil", "guardian"},
    "consents.keep_given": {"pupil"},
    "consents.withdraw": {"pupil"},
    "owndata.answer": {"head", "deputy"},
    "owndata.ask": STAFF,
    "tasks.accept": {"deputy"},
    "tasks.done": STAFF,
    "tasks.give_back": {"deputy"},
    "tasks.take_back": {"deputy"},
}
"""Who may read a row and not send these of it: the signer alone takes a signature back, and no pupil under 18 signs;
a request is asked by the person or a parent, and answered by who keeps the card; a task is done by who has it, once,
and judged by who gave it, or the head.
"""


@pytest.mark.parametrize("role", ROLES)
def test_forms_on_own_rows_are_taken_or_told_what_they_lack(
    pages: SchoolPages, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forms are empty; what one of them does all the same is taken back."""
    monkeypatch.setattr("sync.writer.transaction", taken_back)
    client, wrong, held = pages.as_(role), [], duties(pages, role)
    for endpoint, rule, method in every_route(pages.app):
        rights = rights_of(pages.app, endpoint)
        assert rights is not None
        if method != "POST" or not ROW.search(rule) or held.isdisjoint(rights.roles):
            continue
        status, _ = client.post(address(pages, rule, role), **FORMS.get(endpoint, {}))
        if (status == 403) is not (role in WRITTEN_BY_OTHERS.get(endpoint, ())) or status >= 500:
            wrong.append((endpoint, status))
    assert wrong == []


# ---- whom a form names


PUPIL_IN_FORM = {"attendance.hand_in": {"reason": "ill"}}
"""Routes whose form, not whose address, names the pupil; what else a form needs that is taken for a child."""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("endpoint", sorted(PUPIL_IN_FORM))
def test_a_form_that_names_a_pupil_is_taken_for_own_ones_alone(
    pages: SchoolPages, endpoint: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.writer.transaction", taken_back)
    rights, held = rights_of(pages.app, endpoint), duties(pages, role)
    assert rights is not None
    [path] = [rule for name, rule, method in every_route(pages.app) if name == endpoint and method == "POST"]
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    answers = [
        pages.as_(role).post(
            path, pupil=str(pupil), start=date_of(today()).isoformat(), **PUPIL_IN_FORM[endpoint]
        )[0]
        for pupil in (child, pages.pupil_of(strange_class(pages)))
    ]
    # Of the two who come to it, a child of the tests is under 18 and does not sign.
    assert answers == [302 if role == "guardian" else 403, 403]
    assert (not held.isdisjoint(rights.roles)) is (role in ("pupil", "guardian"))


def reach(db: Database, who: Visitor, person: int) -> set[tuple[str, str]]:
    """Areas and verbs in which someone reaches a person."""
    return {
        (area, verb)
        for area in access.MATRIX
        for verb in "NVEA"
        if access.reaches_person(db, who, area, verb, person)
    }


@pytest.mark.parametrize("role", ["class_teacher", "teacher", "social", "librarian", "pupil", "guardian"])
def test_no_form_on_own_rows_brings_a_stranger_within_reach(role: str, tmp_path: Path) -> None:
    """Every form on rows of one's own is sent with the head, then a pupil of another class, as whom it names."""
    pages = autumn().again(tmp_path)
    client, held = pages.as_(role), duties(pages, role)
    strangers = (pages.person("head"), pages.pupil_of(strange_class(pages)))
    with closing(pages.node.connect()) as db:
        before = [reach(db, visitor_of(pages, db, role), one) for one in strangers]
        for endpoint, rule, method in every_route(pages.app):
            rights = rights_of(pages.app, endpoint)
            assert rights is not None
            if method != "POST" or not ROW.search(rule) or held.isdisjoint(rights.roles):
                continue
            for one in strangers:
                named = {
                    field: str(one)
                    for field in ("who", "person", "pupil", "signer", "teacher", "kept", "other")
                }
                client.post(address(pages, rule, role), relation="mother", may_read="1", **named)
        assert [reach(db, visitor_of(pages, db, role), one) for one in strangers] == before


def test_a_colleague_called_a_guardian_is_no_card_for_the_class_teacher(tmp_path: Path) -> None:
    pages = autumn().again(tmp_path)
    led, head = pages.led, pages.person("head")
    one, sibling = pages._looking.execute(
        """SELECT min(pupil), max(pupil) FROM enrolment
           WHERE class_group = ? AND "end" IS NULL AND retired_at IS NULL""",
        (led,),
    ).fetchone()
    client = pages.as_("class_teacher")
    client.get(f"/people/{one}/guardians")
    assert client.post(f"/people/{one}/guardians", who=str(head), relation="guardian", may_read="1")[0] == 403
    parent = pages.one("SELECT person FROM guardian WHERE pupil = ? AND retired_at IS NULL", one)
    kept = {"relation": "mother", "may_read": "1"}
    assert client.post(f"/people/{sibling}/guardians", who=str(parent), **kept)[0] == 302
    office = pages.as_("secretary")
    office.get(f"/people/{one}/guardians")
    assert office.post(f"/people/{one}/guardians", who=str(head), **kept)[0] == 302
    for path in (f"/people/{head}/edit", f"/consents/{head}", f"/people/{head}/photo", f"/own-data/{head}"):
        assert client.get(path)[0] in (403, 404)
    assert client.get(f"/people/{head}/edit")[0] == 403
    assert client.post(f"/people/{head}/edit", surname="Башка", phone="0")[0] == 403
    assert client.get(f"/people/{parent}/edit")[0] == 200


def test_a_class_teacher_finds_parents_of_the_own_class_to_be_guardians(tmp_path: Path) -> None:
    pages = autumn().again(tmp_path)
    client, pupil = pages.as_("class_teacher"), pages.pupil_of(pages.led)
    sql = """SELECT g.person FROM guardian g JOIN enrolment e ON e.pupil = g.pupil JOIN person p ON p.id = g.person
             WHERE e.class_group = ? AND p.surname IS NOT NULL AND g.pupil <> ? AND e."end" IS NULL LIMIT 1"""
    near, far = (pages.one(sql, group, pupil) for group in (pages.led, strange_class(pages)))
    for person, found in ((near, True), (far, False)):
        row = pages._looking.execute(
            "SELECT surname, given_name FROM person WHERE id = ?", (person,)
        ).fetchone()
        text = client.get(f"/people/{pupil}/guardians?q={' '.join(row)}")[1]
        assert (f'value="{person}"' in text) is found


# ---- own, but former


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> tuple[SchoolPages, int]:
    """A school, and a pupil who was transferred out of the class of both teachers into one of neither."""
    pages = autumn().again(tmp_path_factory.mktemp("former"))
    teacher, led, away = pages.person("teacher"), pages.led, strange_class(pages)
    pupil = pages.pupil_of(led)
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        w.insert("subject_group", class_group=led, subject=1, teacher=teacher)
        movement.transfer(w, pupil, away, parse_day("2025-11-10"), movement.Paper(movement.Order(number="7")))
    return pages, pupil


STILL_READ = {
    "class_teacher": {"attendance.pupil", "movement.pupil", "results.pupil"},
    "teacher": {"attendance.pupil", "results.pupil"},
}
"""What of a former pupil opens to the teacher who answers for the books of the class: marks, attendance, where to."""


@pytest.mark.parametrize("role", sorted(STILL_READ))
def test_of_a_former_pupil_the_books_of_the_class_alone_open(
    former: tuple[SchoolPages, int], role: str
) -> None:
    pages, pupil = former
    client, opened = pages.as_(role), set()
    for endpoint, rule, method in every_route(pages.app):
        if "<int:person_id>" not in rule or not is_scoped(pages.app, endpoint, role):
            continue
        path = rule.replace("<int:person_id>", str(pupil))
        status, _ = client.get(path) if method == "GET" else client.post(path, **FORMS.get(endpoint, {}))
        opened |= {endpoint} if status != 403 else set()
    assert opened == STILL_READ[role]
    card = f'href="/people/{pupil}"'
    assert card not in client.get(f"/results/pupil/{pupil}")[1] + client.get(f"/classes/{pages.led}")[1]
    assert card not in client.get("/people/?kind=pupil")[1]
    guardian = pages.one("SELECT person FROM guardian WHERE pupil = ? AND retired_at IS NULL LIMIT 1", pupil)
    assert client.get(f"/people/{guardian}")[0] == 403


def test_of_a_former_pupil_only_results_of_the_own_class_are_read(former: tuple[SchoolPages, int]) -> None:
    pages, pupil = former
    sql = """SELECT sg.id FROM subject_group sg JOIN enrolment e ON e.class_group = sg.class_group
             WHERE e.pupil = ? AND e."end" IS NULL AND e.retired_at IS NULL"""
    with closing(pages.node.connect()) as db:
        who = visitor_of(pages, db, "class_teacher")
        groups = readable_of_pupil(db, who, pupil)
        assert groups is not None and groups >= access.groups_in(db, frozenset({pages.led}))
        there = {group for (group,) in db.execute(sql, (pupil,)).fetchall()}
        assert there and groups.isdisjoint(there)
        assert readable_of_pupil(db, who, pages.pupil_of(pages.led)) is None


def visitor_of(pages: SchoolPages, db: Database, role: str) -> Visitor:
    found = access.identify(db, pages.one("SELECT id FROM account WHERE login = ?", pages.logins[role]))
    assert found is not None
    return found


@pytest.mark.parametrize("role", sorted(STILL_READ))
def test_a_new_year_ends_the_reach_and_a_coming_class_begins_it(
    former: tuple[SchoolPages, int], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last year's class teacher keeps its lists; the cards are for who leads the class now."""
    monkeypatch.setattr("sync.writer.transaction", taken_back)
    pages, _ = former
    led, someone = pages.led, pages.pupil_of(pages.led)
    now, coming = pages.one("SELECT year FROM class_group WHERE id = ?", led), today() + 5
    year = pages.one("SELECT min(id) FROM academic_year WHERE id > ? AND start <= ?", now, today())
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        who = visitor_of(pages, db, role)
        assert access.reaches_pupil(db, who, "card", "E" if role == "class_teacher" else "N", someone)
        made = w.insert("class_group", year=year, grade=5, letter="Я")
        assert not access.reaches_pupil(db, who, "card", "N", someone)
        assert not access.reaches_pupil(db, who, "term_marks", "V", someone)
        assert access.may_list(db, who, led)
        w.update("class_group", made, teacher=who.person)
        w.insert("enrolment", pupil=someone, class_group=made, start=coming)
        assert access.reaches_pupil(db, who, "card", "N", someone) is (role == "class_teacher")


def test_every_row_in_an_address_is_tried_or_reached_by_all_who_come(pages: SchoolPages) -> None:
    plain = {"day", "period", "shift", "weekday", "name", "secret", "filename", "mark", "kind_name", "token"}
    untried = []
    for rule in pages.app.url_map.iter_rules():
        rights = rights_of(pages.app, rule.endpoint)
        rows = [place for place in rule.arguments - plain if not ROW.search(f"<int:{place}>")]
        if rights is not None and rows:
            scoped = sorted(role for role in rights.roles if is_scoped(pages.app, rule.endpoint, role))
            untried += [(rule.endpoint, role) for role in [*scoped, *filter(None, [rights.open_to])]]
    assert untried == []


def test_the_table_of_rights_is_the_regulations(pages: SchoolPages) -> None:
    assert access.roles("lesson_marks", "E") == ("teacher",)
    assert access.roles("term_marks", "A") == ("head", "deputy")
    assert access.roles("accounts", "E") == ("administrator",)
    assert access.everywhere("staff_file", "E") == ("head", "deputy", "secretary", access.FOUNDER)
    assert [area for area in access.MATRIX if access.FOUNDER in access.MATRIX[area]] == ["staff_file"]
    assert access.everywhere("card", "V") == ("head", "deputy", "secretary", "social")
    assert access.everywhere("card", "N") == (*access.everywhere("card", "V"), "librarian")
    assert "teacher" in access.roles("card", "N") and "teacher" not in access.roles("card", "V")
    personal = ("card", "consent", "social", "lesson_marks", "term_marks", "attendance", "movement")
    assert [area for area in personal if "administrator" in access.MATRIX[area]] == []
    named = {rights.area for _, rights in declared(pages.app) if rights.area}
    assert named <= set(access.MATRIX)


def test_a_stranger_sees_the_sign_in_page_alone(pages: SchoolPages) -> None:
    client, entered = pages.stranger(), []

    def seen(path: str) -> tuple[int, str]:
        """Status and text of a page, without its own address."""
        status, text = client.get(path)
        return status, text.replace(f'name="next" value="{path}"', 'name="next" value=""')

    _, door = seen("/sign-in")
    for endpoint, rule, method in every_route(pages.app):
        path = address(pages, rule, "head")
        if method == "GET":
            if seen(path) != (401, door):
                entered.append(endpoint)
        elif client.http.post(path).status_code != 403:
            entered.append(endpoint)
    # The calendar's address asks for no session: its secret is the key, and an unknown one opens nothing.
    assert entered == ["signin.sign_in", "timetable.feed"]
    assert client.http.get("/timetable/feed/0.ics").status_code == 404


def test_what_is_open_to_all_and_to_all_who_signed_in(pages: SchoolPages) -> None:
    kinds: dict[str, set[str]] = {}
    for endpoint, rights in declared(pages.app):
        kinds.setdefault(rights.open_to, set()).add(endpoint)
    assert kinds["public"] == {
        "base.choose_language", "signin.enter", "signin.enter_code", "signin.enter_pin", "signin.lock",
        "signin.sign_in", "signin.sign_out", "ui.static",
    }  # fmt: skip
    assert kinds["machine"] == {"timetable.feed"}
    assert kinds["signed_in"] == {
        "consents.own_decline", "consents.own_give", "consents.own_keep_given", "consents.own_paper",
        "consents.own_scan", "consents.own_show", "consents.own_withdraw",
        "design.index", "dictionary.index", "dictionary.table", "guide.index", "home.index",
        "owndata.ask_mine", "owndata.mine",
        "owndata.my_file", "people.card", "people.own_photo", "signin.change_password",
        "own.index", "own.sign_out", "reading.printed", "signin.keep_password",
    }  # fmt: skip


def test_every_area_is_part_of_the_app(pages: SchoolPages) -> None:
    assert {area.name for area in AREAS} <= set(pages.app.blueprints)


# ---- rows behind the door


def other_class(pages: SchoolPages, role: str) -> int:
    """A class that the teacher neither leads nor teaches in."""
    person = pages.person(role)
    return pages.one(
        """SELECT id FROM class_group WHERE ifnull(teacher, 0) <> ?1 AND id NOT IN
           (SELECT class_group FROM subject_group WHERE teacher = ?1) LIMIT 1""",
        person,
    )


@pytest.mark.parametrize("role", ["class_teacher", "teacher"])
def test_a_teacher_reads_own_classes_only(pages: SchoolPages, role: str) -> None:
    strange = other_class(pages, role)
    client = pages.as_(role)
    assert client.get(f"/classes/{strange}")[0] == 403
    assert client.get(f"/results/{strange}")[0] == 403
    assert client.get(f"/people/{pages.pupil_of(strange)}")[0] == 403
    assert client.get(f"/results/pupil/{pages.pupil_of(strange)}")[0] == 403
    assert f"/classes/{strange}" not in client.get("/classes/")[1]


def test_a_class_teacher_reads_whole_cards_and_a_subject_teacher_names(pages: SchoolPages) -> None:
    own = pages.as_("class_teacher").get(f"/people/{pages.pupil_of(pages.led)}")[1]
    assert "Туулган жылы" in own and "Макулдук" in own
    taught = pages.as_("teacher").get(f"/people/{pages.pupil_of(pages.taught)}")[1]
    assert "аты-жөнүн жана классын гана көрөт" in taught
    assert "Туулган жылы" not in taught and "Макулдук" not in taught


def test_a_subject_teacher_reads_results_of_own_subjects(pages: SchoolPages) -> None:
    columns = '<th scope="col"><span>'
    alone = pages.as_("teacher").get(f"/results/{pages.taught}?term=4")[1].count(columns)
    whole = pages.as_("head").get(f"/results/{pages.taught}?term=4")[1].count(columns)
    own = pages.one(
        "SELECT count(DISTINCT subject) FROM subject_group WHERE class_group = ? AND teacher = ?",
        pages.taught,
        pages.person("teacher"),
    )
    assert 0 < alone <= own < whole


def test_a_librarian_reads_names_without_cards_or_results(pages: SchoolPages) -> None:
    client = pages.as_("librarian")
    status, text = client.get(f"/people/{pages.named_pupil}")
    assert status == 200 and "Туулган жылы" not in text and "/results/pupil/" not in text
    assert client.get(f"/results/{pages.taught}")[0] == 403


def test_the_administrator_reads_no_pupil(pages: SchoolPages) -> None:
    client = pages.as_("administrator")
    assert client.get(f"/people/{pages.named_pupil}")[0] == 403
    assert client.get(f"/classes/{pages.taught}")[0] == 403
    assert f"/people/{pages.named_pupil}" not in client.get("/people/?kind=pupil")[1]
    assert f"/people/{pages.named_pupil}" in pages.as_("head").get(f"/classes/{pages.taught}")[1]


def test_social_categories_are_for_head_and_social_pedagogue(pages: SchoolPages) -> None:
    pupil = pages.one("SELECT person FROM pupil WHERE categories IS NOT NULL AND categories <> '' LIMIT 1")
    seen = {
        role: "Социалдык категориялары" in pages.as_(role).get(f"/people/{pupil}")[1]
        for role in ("head", "social", "deputy", "secretary")
    }
    assert seen == {"head": True, "social": True, "deputy": False, "secretary": False}


def test_a_guardian_reads_the_own_child_and_no_other(pages: SchoolPages) -> None:
    client = pages.as_("guardian")
    child = pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))
    strange = pages.one(
        """SELECT person FROM pupil WHERE person NOT IN (SELECT pupil FROM guardian WHERE person = ?) LIMIT 1""",
        pages.person("guardian"),
    )
    assert [client.get(f"{page}{child}")[0] for page in ("/people/", "/results/pupil/")] == [200, 200]
    assert [client.get(f"{page}{strange}")[0] for page in ("/people/", "/results/pupil/")] == [403, 403]


def test_a_colleague_reads_a_staff_card_without_its_file(pages: SchoolPages) -> None:
    head = pages.person("head")
    assert "Билими" in pages.as_("deputy").get(f"/people/{head}")[1]
    text = pages.as_("teacher").get(f"/people/{head}")[1]
    assert "Мектеп жетекчиси" in text and "Билими" not in text
    own = pages.as_("teacher").get(f"/people/{pages.person('teacher')}")[1]
    assert "Билими" in own
