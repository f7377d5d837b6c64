"""Accounts: opened class by class with slips, reset, disabled, signed out; the first head of a new school."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node import access, lan, logins
from node.accounts import actions, queries
from node.accounts.actions import FirstHead
from node.consents import actions as consents
from node.consents.queries import due, withdrawn
from node.people.queries import number_of
from node.reading.noting import note
from node.signin import queries as signin
from shared.dates import parse_day
from shared.problems import AccountExists, ConsentMissing, HeadExists, InvalidValue, LastAdministrator
from shared.web import today
from sync.state import State
from sync.writer import Writer, writing
from tests.node.conftest import CHEAP, PASSWORD, SchoolPages, actor, autumn
from tests.node.test_access import address, every_route

SLIP = re.compile(r"<code class=\"code\">([a-z-]+)</code>")
LOGIN = re.compile(r"Логин[^<]*<b>([^<]+)</b>")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> SchoolPages:
    """A school of these tests alone, which sign its people out."""
    return autumn().again(tmp_path_factory.mktemp("accounts"))


def member(w: Writer, surname: str = "Асанова", given: str = "Айгүл", consent: bool = True) -> int:
    person = w.insert("person", sex="f")
    w.put("staff", person=person, position="teacher")
    if consent:
        w.insert("consent", person=person, purpose="core", valid_from=0)
        w.update("person", person, surname=surname, given_name=given)
    return person


def opened(w: Writer, *people: int) -> list[actions.Slip]:
    made = actions.passwords(len(people), CHEAP)
    return actions.open_accounts(w, [(person, "") for person in people], made, "ky", today())


def test_first_passwords_are_three_words_and_never_the_same() -> None:
    found = {actions.first_password() for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch(r"[a-z]{5}-[a-z]{5}-[a-z]{5}", password) for password in found)


def test_namesakes_get_logins_of_their_own(db: Database) -> None:
    with writing(db, actor(db)) as w:
        slips = opened(w, member(w), member(w), member(w, "Ибраимова кызы", "Өмүр"))
    assert [slip.login for slip in slips] == ["asanova.aygul", "asanova.aygul2", "ibraimova.omur"]
    rows = db.execute("SELECT password, must_change FROM account WHERE login LIKE 'asanova%'").fetchall()
    assert all(row[1] == 1 and row[0].startswith("scrypt$") for row in rows)


def test_one_account_a_person_under_a_consent_and_only_who_belongs_here(db: Database) -> None:
    with writing(db, actor(db)) as w:
        person, nameless, stranger = member(w), member(w, consent=False), w.insert("person", sex="m")
        opened(w, person)
        with pytest.raises(AccountExists):
            opened(w, person)
        with pytest.raises(ConsentMissing):
            opened(w, nameless)
        with pytest.raises(InvalidValue):
            opened(w, stranger)


def test_the_only_administrator_is_not_disabled(db: Database) -> None:
    with pytest.raises(LastAdministrator), writing(db, actor(db)) as w:
        actions.disable(w, actor(db))
    with writing(db, actor(db)) as w:
        second = member(w)
        account = opened(w, second)[0].account
        w.insert("appointment", person=second, duty="administrator", start=0)
        actions.disable(w, actor(db))
    with pytest.raises(LastAdministrator), writing(db, actor(db)) as w:
        actions.disable(w, account)
    with writing(db, actor(db)) as w:
        actions.enable(w, actor(db))
        actions.disable(w, account)


def test_the_first_head_comes_with_consent_order_duty_and_account(empty_school: SchoolPages) -> None:
    head = FirstHead("Осмонов", "Бакыт", "", "m", "№ 1", "7-к", today(), "Дайындоо", "РББ")
    with closing(empty_school.node.connect()) as db:
        made = actions.passwords(1, CHEAP)[0]
        with pytest.raises(HeadExists), writing(db, actor(db)) as w:
            actions.appoint_first_head(w, head, made, "ky", today())
        present = db.execute("SELECT id FROM appointment WHERE duty = 'head'").fetchone()[0]
        with writing(db, actor(db)) as w:
            w.update("appointment", present, end=today())
            slip = actions.appoint_first_head(w, head, made, "ky", today())
        found = access.identify(db, slip.account)
        assert found is not None and found.roles == {"head"} and found.must_change
        assert slip.login == "osmonov.bakyt"
        order = db.execute(
            'SELECT "order" FROM appointment WHERE duty = ? AND "end" IS NULL', ("head",)
        ).fetchone()
        assert db.execute("SELECT number FROM order_book WHERE id = ?", order).fetchone()[0] == "7-к"


def test_whoever_withdraws_the_consent_is_called_by_a_number(db: Database) -> None:
    with writing(db, actor(db)) as w:
        person = member(w)
        account = opened(w, person)[0].account
        found = access.identify(db, account)
        assert found is not None and found.name == "Айгүл Асанова"
        w.update("consent", db.execute("SELECT max(id) FROM consent").fetchone()[0], withdrawn_on=today())
    found = access.identify(db, account)
    assert found is not None and found.name == f"№ {number_of(person)}"


def logged(db: Database, word: str) -> list[str]:
    return [vals for (vals,) in db.execute("SELECT vals FROM change").fetchall() if word in vals]


def test_with_the_withdrawal_the_login_is_erased_and_the_number_opens_the_account(db: Database) -> None:
    day = today()
    with writing(db, actor(db)) as w:
        person, other = member(w), member(w, "Бакиров", "Эмил")
        account, stays = (slip.account for slip in opened(w, person, other))
        w.put("staff", person=person, position="teacher", start=day - 9)
        consent = db.execute("SELECT id FROM consent WHERE person = ?", (person,)).fetchone()[0]
    assert logged(db, "asanova.aygul") and signin.accounts(db, "asanova.aygul")
    stored = db.execute("SELECT password FROM account WHERE id = ?", (account,)).fetchone()
    with writing(db, actor(db)) as w:
        consents.withdraw(w, person, consent, day)
    assert not logged(db, "asanova.aygul") and signin.accounts(db, "asanova.aygul") == []
    login = logins.of_account(db, account)
    assert login == str(number_of(account)) and [one.id for one in signin.accounts(db, login)] == [account]
    assert db.execute("SELECT password FROM account WHERE id = ?", (account,)).fetchone() == stored
    assert logins.of_account(db, stays) == "bakirov.emil" and logged(db, "bakirov.emil")
    assert person in {one.person for one in withdrawn(db)}, "the name is kept for the staff file"
    assert [one.account for one in queries.renamed(db, day)] == [account]
    with writing(db, actor(db)) as w:
        (slip,) = actions.hand_out(w, day)
    assert (slip.login, slip.password, slip.name) == (login, "", f"№ {number_of(person)}")
    assert queries.renamed(db, day) == []


def test_a_login_that_came_after_the_withdrawal_is_due_to_be_erased(db: Database) -> None:
    """Another machine opened the account before it heard of it."""
    day = today()
    with writing(db, actor(db)) as w:
        person = member(w)
        consent = db.execute("SELECT id FROM consent WHERE person = ?", (person,)).fetchone()[0]
        consents.withdraw(w, person, consent, day)
    assert due(db, day) == []
    with writing(db, actor(db)) as w:
        w.insert("account", person=person, login="asanova.aygul", password="x")
    assert due(db, day) == [person]
    with writing(db, actor(db)) as w:
        consents.erase_due(w, day)
    assert not logged(db, "asanova.aygul") and due(db, day) == []


def test_a_slip_for_who_may_not_be_named_bears_no_name(db: Database) -> None:
    day = today()
    with writing(db, actor(db)) as w:
        person = member(w)
        account = opened(w, person)[0].account
        w.update("consent", db.execute("SELECT max(id) FROM consent").fetchone()[0], valid_to=day)
        holder = queries.holder(db, account, day)
        assert holder is not None and (holder.name, holder.login) == ("", "")
        assert actions.reset(w, account, "y", day) == str(number_of(account))
        assert actions.reset(w, actor(db), "y", day) == "admin", "it was made of no name"
    assert [one.id for one in signin.accounts(db, str(number_of(account)))] == [account]


# ---- pages


LAPSED = ("teacher", "pupil", "guardian")


def test_no_page_tells_the_login_of_who_may_not_be_named(tmp_path: Path) -> None:
    """Consents of a teacher, a pupil and a guardian lapsed; every page of everybody else is searched."""
    own = autumn().again(tmp_path)
    planted = {role: f"planted.{role}" for role in LAPSED}
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        for role in LAPSED:
            person = own.person(role)
            own_account = own.one("SELECT id FROM account WHERE login = ?", own.logins[role])
            w.update("account", own_account, login=planted[role])
            for (row,) in db.execute(
                "SELECT id FROM consent WHERE person = ? AND purpose = 'core'", (person,)
            ).fetchall():
                w.update("consent", row, valid_to=today())
            note(w, own_account, "read", "card", own.person("head"))
            w.put("staff", person=own.person("teacher"), end=today())
    own.logins |= planted
    child = own.one("SELECT pupil FROM guardian WHERE person = ?", own.person("guardian"))
    own.as_("guardian").get(f"/own-data/{child}")
    own.as_("guardian").post(f"/own-data/{child}/ask", text="Дареги")
    told = []
    for role in ("head", "deputy", "secretary", "administrator", "class_teacher", "social"):
        paths = {address(own, rule, role) for _, rule, method in every_route(own.app) if method == "GET"}
        paths |= {f"/accounts/?kind={kind}" for kind in queries.KINDS} | {f"/own-data/{own.person('head')}"}
        paths |= {
            f"/accounts/{own.one('SELECT id FROM account WHERE login = ?', one)}" for one in planted.values()
        }
        for path in sorted(paths):
            text = own.as_(role).get(path)[1]
            told += [(role, path, one) for one in planted.values() if one in text]
    assert told == []


def test_the_new_login_is_told_to_its_owner_and_to_the_administrator(tmp_path: Path) -> None:
    own = autumn().again(tmp_path)
    person, login = own.person("librarian"), own.logins["librarian"]
    account = own.one("SELECT id FROM account WHERE login = ?", login)
    own.as_("librarian").get("/consents/own")
    consent = own.one("SELECT id FROM consent WHERE person = ? AND purpose = 'core'", person)
    assert own.as_("librarian").post("/consents/own/withdraw", consent=str(consent))[0] == 302
    number = str(number_of(account))
    page = own.as_("librarian").get("/")[1]
    assert f"Логиниңиз мындан ары: {number}" in page and login not in page
    admin = own.as_("administrator")
    assert 'href="/accounts/#renamed"' in admin.get("/")[1]
    page = admin.get("/accounts/")[1]
    assert 'id="renamed"' in page and f"<b>{number}</b>" in page and login not in page
    status, slips = admin.post("/accounts/renamed")
    assert status == 200 and LOGIN.findall(slips) == [number] and SLIP.findall(slips) == []
    assert 'id="renamed"' not in admin.get("/accounts/")[1]
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        w.update("account", account, renamed_on=today())
    own.sign_in(number)
    assert own.one("SELECT renamed_on IS NULL FROM account WHERE id = ?", account) == 1


def test_the_first_head_is_entered_by_the_administrator_and_signs_in(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db, writing(db, actor(db)) as w:
        w.retire("appointment", db.execute("SELECT id FROM appointment WHERE duty = 'head'").fetchone()[0])
    client = empty_school.sign_in("admin")
    assert 'href="/accounts/head"' in client.get("/accounts/")[1]
    form = {
        "surname": "Осмонов",
        "given_name": "Бакыт",
        "sex": "m",
        "document": "№ 1",
        "number": "",
        "date": "x",
    }
    status, text = client.post("/accounts/head", **form)
    assert status == 422 and 'id="error-number"' in text and 'id="error-date"' in text
    status, text = client.post("/accounts/head", **form | {"number": "7", "date": "2026-01-10"})
    assert status == 200
    head = empty_school.sign_in("osmonov.bakyt", SLIP.findall(text)[0])
    assert head.http.get("/orders/").headers["Location"] == "/password"
    assert client.post("/accounts/head", **form | {"number": "8", "date": "2026-01-10"})[0] == 422


def test_a_slip_says_school_and_an_address_that_others_reach(
    pages: SchoolPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        account = w.insert("account", person=member(w), login="slip", language="ky")
    admin = pages.as_("administrator")
    monkeypatch.setattr(lan, "own_address", lambda: "10.0.0.7")
    admin.get("/accounts/")

    def slip(host: str, listens_on: str) -> str:
        form, name = {"form_token": admin.token}, f"http://{host}"
        cookie = next(
            iter(admin.http._cookies.values())
        )  # the session's, for whatever name the machine is called by
        sent = {"Cookie": f"{cookie.key}={cookie.value}"}
        answer = admin.http.post(
            f"/accounts/{account}/reset", data=form, base_url=name, headers=sent,
            environ_overrides={"SERVER_NAME": listens_on},
        )  # fmt: skip
        return answer.get_data(as_text=True)

    text = slip("localhost", "0.0.0.0")
    assert "http://10.0.0.7/" in text and "№8 мектеп" in text and "localhost" not in text
    assert all(word in text for word in ("Дареги", "Адрес", "Address", "Логин / Login"))
    alone = slip("localhost", "127.0.0.1")
    assert "localhost" not in alone and 'class="notice bad"' in alone


def test_an_address_for_others_names_the_machine_as_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "own_address", lambda: "10.0.0.7")
    assert lan.reachable("http://127.0.0.1:8080/", "0.0.0.0") == "http://10.0.0.7:8080/"
    assert lan.reachable("http://0.0.0.0:8080/", "0.0.0.0") == "http://10.0.0.7:8080/"
    assert lan.reachable("http://school.local:8080/", "127.0.0.1") == "http://school.local:8080/"
    assert lan.reachable("http://127.0.0.1:8080/", "127.0.0.1") is None
    monkeypatch.setattr(lan, "own_address", lambda: None)
    assert lan.reachable("http://[::1]:8080/", "::") is None


def test_a_new_school_is_begun_by_head_and_administrator_until_there_is_a_secretary(
    empty_school: SchoolPages,
) -> None:
    with closing(empty_school.node.connect()) as db, writing(db, actor(db)) as w:
        w.retire("appointment", db.execute("SELECT id FROM appointment WHERE duty = 'head'").fetchone()[0])
    client = empty_school.sign_in("admin")
    text = client.get("/")[1]
    assert 'href="/accounts/head"' in text and 'href="/people/staff/new"' in text
    assert client.get("/people/staff/new")[0] == client.get("/import/staff")[0] == 200
    assert client.get("/import/pupils")[0] == 403
    with closing(empty_school.node.connect()) as db, writing(db, actor(db)) as w:
        w.insert("appointment", person=member(w), duty="secretary", start=0)
    assert client.get("/people/staff/new")[0] == client.get("/import/staff")[0] == 403


def test_a_class_gets_accounts_and_slips_once(pages: SchoolPages) -> None:
    admin, class_id = pages.as_("administrator"), str(pages.led)
    text = admin.get(f"/accounts/?kind=pupil&class={class_id}")[1]
    people = re.findall(r'name="person" value="(\d+)"', text)[:3]
    assert len(people) == 3
    data = {"form_token": admin.token, "kind": "pupil", "class": class_id, "person": people}
    answer = admin.http.post("/accounts/open", data=data)
    text = answer.get_data(as_text=True)
    slips, logins = SLIP.findall(text), LOGIN.findall(text)
    assert answer.status_code == 200 and len(slips) == len(logins) == 3
    assert admin.http.post("/accounts/open", data=data).status_code == 422
    client = pages.sign_in(logins[0], slips[0])
    assert client.http.get("/").headers["Location"] == "/password"
    client.get("/password")
    assert client.post("/password", old=slips[0], new=PASSWORD, again=PASSWORD)[0] == 302
    assert client.get(f"/people/{people[0]}")[0] in (200, 403)
    assert all(password not in admin.get("/accounts/")[1] for password in slips)


def test_nobody_gets_an_account_out_of_another_list(pages: SchoolPages) -> None:
    admin = pages.as_("administrator")
    other = pages.one(
        """SELECT pupil FROM enrolment WHERE class_group <> ? AND pupil NOT IN (SELECT person FROM account
           WHERE person IS NOT NULL) LIMIT 1""",
        pages.led,
    )
    form = {"kind": "pupil", "class": str(pages.led), "person": str(other)}
    assert admin.post("/accounts/open", **form)[0] == 422
    assert pages.one("SELECT count(*) FROM account WHERE person = ?", other) == 0


def test_a_reset_signs_out_and_asks_for_a_new_password(pages: SchoolPages) -> None:
    account = pages.one("SELECT id FROM account WHERE login = ?", pages.logins["librarian"])
    librarian = pages.sign_in(pages.logins["librarian"])
    status, text = pages.as_("administrator").post(f"/accounts/{account}/reset")
    assert status == 200
    assert librarian.http.get("/").status_code == 401
    first = SLIP.findall(text)[0]
    again = pages.sign_in(pages.logins["librarian"], first)
    again.get("/password")
    assert again.post("/password", old=first, new=PASSWORD, again=PASSWORD)[0] == 302
    pages.clients.pop("librarian", None)


def test_a_disabled_account_is_out_at_once_and_may_come_back(pages: SchoolPages) -> None:
    account = pages.one("SELECT id FROM account WHERE login = ?", pages.logins["social"])
    social, admin = pages.sign_in(pages.logins["social"]), pages.as_("administrator")
    assert admin.post(f"/accounts/{account}/disable")[0] == 302
    assert social.http.get("/").status_code == 401
    client = pages.stranger()
    client.get("/sign-in")
    assert client.post("/sign-in", login=pages.logins["social"], password=PASSWORD)[0] == 401
    assert admin.post(f"/accounts/{account}/enable")[0] == 302
    assert pages.sign_in(pages.logins["social"]).get("/")[0] == 200
    pages.clients.pop("social", None)


def test_the_administrator_keeps_the_own_account_in_use(pages: SchoolPages) -> None:
    own = pages.one("SELECT id FROM account WHERE login = 'admin'")
    admin = pages.as_("administrator")
    assert admin.post(f"/accounts/{own}/reset")[0] == 404
    assert admin.post(f"/accounts/{own}/disable")[0] == 422
    assert pages.one("SELECT disabled FROM account WHERE id = ?", own) == 0


def test_the_first_account_is_told_which_member_of_staff_it_is(db: Database) -> None:
    account = actor(db)
    nobody = db.execute("SELECT person FROM account WHERE id = ?", (account,)).fetchone()[0]
    with writing(db, account) as w:
        w.retire("appointment", db.execute("SELECT id FROM appointment WHERE duty = 'head'").fetchone()[0])
        me, nameless, other = member(w), member(w, consent=False), member(w, "Бакиров", "Эмил")
        taken = opened(w, other)[0].account
        for person, problem in ((other, AccountExists), (nameless, InvalidValue), (nobody, InvalidValue)):
            with pytest.raises(problem):
                actions.tie(w, account, person, today())
        with pytest.raises(InvalidValue):
            actions.tie(w, taken, me, today())
        actions.tie(w, account, me, today())
        with pytest.raises(InvalidValue):
            actions.tie(w, account, me, today())
    found = access.identify(db, account)
    assert found and found.person == me and found.name == "Айгүл Асанова" and "administrator" in found.roles
    assert account in {one.account for one in queries.unapproved(db, today())}
    assert db.execute("SELECT retired_at IS NULL FROM person WHERE id = ?", (nobody,)).fetchone() == (0,)


def test_the_administrator_says_who_that_is_on_the_page(empty_school: SchoolPages) -> None:
    with closing(empty_school.node.connect()) as db, writing(db, actor(db)) as w:
        me = member(w)
    admin = empty_school.sign_in("admin")
    own = empty_school.one("SELECT id FROM account WHERE login = 'admin'")
    assert f"/accounts/{own}" in admin.get("/accounts/")[1]
    assert 'action="/accounts/tie"' in admin.get(f"/accounts/{own}")[1]
    assert admin.post("/accounts/tie", person="7")[0] == 422
    assert admin.post("/accounts/tie", person=str(me)) == (302, f"/accounts/{own}")
    text = admin.get(f"/accounts/{own}")[1]
    assert "Асанова Айгүл" in text and "/accounts/tie" not in text


def test_the_head_sees_accounts_and_changes_none(pages: SchoolPages) -> None:
    head, account = pages.as_("head"), pages.one("SELECT id FROM account WHERE login = 'pupil'")
    assert head.get(f"/accounts/{account}")[0] == 200
    assert head.post(f"/accounts/{account}/reset")[0] == 403
    assert "checkbox" not in head.get(f"/accounts/?kind=pupil&class={pages.led}")[1]


def test_the_head_approves_what_the_administrator_opened(pages: SchoolPages) -> None:
    head = pages.as_("head")
    guardian = pages.one("SELECT id FROM account WHERE login = 'guardian'")
    pupil = pages.one("SELECT id FROM account WHERE login = 'pupil'")
    assert "/accounts/approval" in head.get("/")[1]
    page = head.get("/accounts/approval")[1]
    assert f'value="{guardian}"' in page and f'value="{pupil}"' in page
    assert head.post("/accounts/approval", account=str(guardian))[0] == 302
    assert pages.one("SELECT approved_by FROM account WHERE id = ?", guardian) == pages.one(
        "SELECT id FROM account WHERE login = ?", pages.logins["head"]
    )
    assert f'value="{guardian}"' not in head.get("/accounts/approval")[1]
    with closing(pages.node.connect()) as db:
        stranger = queries.unapproved(db, parse_day("2025-11-20"))
        assert pupil in {one.account for one in stranger}
        with writing(db, int(State(db).administrator)) as w:
            actions.refuse(w, [pupil])
        assert pupil not in {one.account for one in queries.unapproved(db, parse_day("2025-11-20"))}
        with writing(db, int(State(db).administrator)) as w:
            actions.enable(w, pupil)
