"""Accounts of those who have left: listed, told of, and shut some days later, at the door and in open sessions."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from node import access, leaving
from node.people import actions as people
from node.settings import actions as settings
from node.signin import local
from shared.problems import AccountShut
from shared.web import today
from sync.writer import writing
from tests.node.conftest import PASSWORD, SchoolPages, actor, autumn


@pytest.fixture
def own(tmp_path: Path) -> SchoolPages:
    return autumn().again(tmp_path)


def account(pages: SchoolPages, role: str) -> int:
    return pages.one("SELECT id FROM account WHERE login = ?", pages.logins[role])


def children_of(pages: SchoolPages) -> list[int]:
    rows = pages._looking.execute("SELECT pupil FROM guardian WHERE person = ?", (pages.person("guardian"),))
    return [pupil for (pupil,) in rows.fetchall()]


def leave(pages: SchoolPages, pupil: int, day: int) -> None:
    """The pupil is off every roll from a day on."""
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        for (row,) in db.execute("SELECT id FROM enrolment WHERE pupil = ?", (pupil,)).fetchall():
            w.update("enrolment", row, end=day)


def end_work(pages: SchoolPages, role: str, day: int) -> None:
    with closing(pages.node.connect()) as db, writing(db, actor(db)) as w:
        people.change_staff(w, pages.person(role), {"position": "teacher", "end": day})


def shut(pages: SchoolPages, role: str) -> bool:
    """Neither the open session nor login and password let in any more."""
    status, _ = pages.as_(role).get("/account/")
    stranger = pages.stranger()
    stranger.get("/sign-in")
    answer, text = stranger.post("/sign-in", login=pages.logins[role], password=PASSWORD)
    assert (status, answer) in ((200, 302), (401, 403))
    return answer == 403 and "мектептен кеткен" in text


@pytest.mark.parametrize("role", ["pupil", "guardian", "teacher"])
def test_an_account_signs_in_some_days_after_leaving_and_then_no_more(own: SchoolPages, role: str) -> None:
    day, children = today(), children_of(own)
    own.as_(role).get("/")

    def gone(since: int) -> None:
        if role == "teacher":
            end_work(own, role, since)
        for pupil in {"pupil": [own.person("pupil")], "guardian": children}.get(role, []):
            leave(own, pupil, since)

    assert not shut(own, role)
    gone(day - 29)
    assert not shut(own, role)
    gone(day - 30)
    assert shut(own, role)
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        settings.change(w, "left_account_days", "60", {"administrator"})
    assert not shut(own, role)
    gone(day - 60)
    assert shut(own, role)
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        if role == "teacher":
            people.change_staff(w, own.person(role), {"position": "teacher", "end": None})
        else:
            w.insert("enrolment", pupil=children[-1], class_group=own.led, start=day)
            w.insert("enrolment", pupil=own.person("pupil"), class_group=own.led, start=day)
    assert not shut(own, role)


def test_a_date_in_a_file_does_not_shut_out_head_and_administrator(own: SchoolPages) -> None:
    end_work(own, "head", today() - 400)
    assert not shut(own, "head")
    with closing(own.node.connect()) as db:
        (left,) = leaving.left(db, today(), own.person("head"))
        assert left.keeps and left.until is None
        assert leaving.left(db, today(), own.person("administrator")) == []
        with writing(db, actor(db)) as w:
            rows = db.execute("SELECT id FROM appointment WHERE person = ?", (own.person("head"),)).fetchall()
            for (row,) in rows:
                w.update("appointment", row, end=today())
    assert shut(own, "head")


def test_who_is_a_parent_too_keeps_the_account_and_who_may_not_read_is_listed(own: SchoolPages) -> None:
    child, *others = children_of(own)
    with closing(own.node.connect()) as db:
        with writing(db, actor(db)) as w:
            w.put("guardian", pupil=child, person=own.person("teacher"), relation="mother", may_read=1)
        end_work(own, "teacher", today() - 400)
        assert leaving.left(db, today(), own.person("teacher")) == []
        with writing(db, actor(db)) as w:
            for one in others:
                w.retire("guardian", one, own.person("guardian"))
            w.put("guardian", pupil=child, person=own.person("guardian"), may_read=0)
        (left,) = leaving.left(db, today(), own.person("guardian"))
        assert left.since is None and left.lets_in(today() + 999)
        with writing(db, actor(db)) as w:
            w.retire("guardian", child, own.person("guardian"))
        assert leaving.left(db, today(), own.person("guardian")) == [left]


def test_the_list_names_whom_it_may_and_disables_those_chosen(own: SchoolPages) -> None:
    day, admin, head = today(), own.as_("administrator"), own.as_("head")
    pupil, teacher = account(own, "pupil"), account(own, "teacher")
    told = 'href="/accounts/?kind=left"'
    assert told not in admin.get("/")[1]
    leave(own, own.person("pupil"), day - 10)
    end_work(own, "teacher", day - 40)
    nameless = own.one(
        "SELECT p.id FROM person p JOIN pupil u ON u.person = p.id WHERE p.surname IS NULL LIMIT 1"
    )
    leave(own, nameless, day - 100)
    with closing(own.node.connect()) as db, writing(db, actor(db)) as w:
        third = w.insert("account", person=nameless, login="nameless", password="x")
    page = admin.get("/accounts/?kind=left")[1]
    assert told in admin.get("/")[1] and told not in head.get("/")[1]
    for one in (pupil, teacher, third):
        assert f'value="{one}"' in page
    surname = own._looking.execute(
        "SELECT surname FROM person WHERE id = ?", (own.person("pupil"),)
    ).fetchone()[0]
    assert surname in page and f"№ {nameless & 0xFFFFFFFF}" in page
    assert page.index(f'value="{pupil}"') < page.index(f'value="{teacher}"') < page.index(f'value="{third}"')
    reading = head.get("/accounts/?kind=left")[1]
    assert f"/accounts/{pupil}" in reading and "/accounts/left" not in reading
    assert "кеткен" in admin.get(f"/accounts/{teacher}")[1]
    assert head.post("/accounts/left", account=str(pupil))[0] == 403
    here = account(own, "guardian")
    answer = admin.http.post(
        "/accounts/left", data={"form_token": admin.token, "account": [pupil, third, here]}
    )
    assert answer.status_code == 302
    rows = own._looking.execute("SELECT login FROM account WHERE disabled = 1").fetchall()
    assert sorted(login for (login,) in rows) == ["nameless", "pupil"]
    assert told not in admin.get("/")[1], "the teacher's is shut by itself"
    assert f'value="{teacher}"' in admin.get("/accounts/?kind=left")[1]


def test_a_pin_opens_no_account_that_is_shut(own: SchoolPages) -> None:
    device, teacher, day = b"d" * 32, account(own, "teacher"), today()
    with closing(own.node.connect()) as db:
        local.set_pin(db, device, teacher, "2580")
        assert [one.account for one in local.keepers(db, device, day)] == [teacher]
        end_work(own, "teacher", day - 30)
        assert local.keepers(db, device, day) == []
        assert access.identify(db, teacher) is None
        with pytest.raises(AccountShut):
            leaving.require(db, teacher, day)


def test_the_account_with_which_a_school_was_set_up_is_of_nobody_who_left(db: Database) -> None:
    assert leaving.left(db, today()) == [] and access.identify(db, actor(db)) is not None
