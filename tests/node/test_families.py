"""Separated parents: of one guardian another one, and the pupil, reads the relation and nothing else.

Particulars of one are planted wherever the school keeps any; every page and file that opens to the other one and to the
child is searched for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from node.consenting import Signed
from node.consents import actions as consents
from node.owndata import actions as owndata
from node.people import actions as people
from shared import crypto
from shared.web import today
from sync.writer import writing
from tests.node.conftest import CHEAP, PASSWORD, SchoolPages, actor, autumn
from tests.node.test_access import address, every_route

NAME, GIVEN, PHONE, PLACE = "Жашыровканова", "Бөтөнгүлсүн", "0555-913-913", "Көмүскө 31"
PAPER, GROUND, MAIL, PASSPORT = "кагаз-913", "негиз-жашыровканова-913", "bashka913@example.kg", "ID9139139"
PLANTED = (NAME, GIVEN, PHONE, PLACE, PAPER, GROUND, MAIL, PASSPORT, "jashyrovkanova")
FAMILY = ("guardian", "pupil")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchoolPages]:
    """The child of the guardian has another parent, who signed for it, read, asked and wrote about it."""
    pages = autumn().again(tmp_path_factory.mktemp("apart"))
    day, stored = today(), crypto.hash_password(PASSWORD, CHEAP)
    child = child_of(pages)
    with closing(pages.node.connect()) as db:
        with writing(db, actor(db)) as w:
            for (row,) in db.execute(
                "SELECT person FROM guardian WHERE pupil = ? AND person <> ?",
                (child, pages.person("guardian")),
            ).fetchall():
                w.retire("guardian", child, row)
            other = w.insert("person", sex="m")
            for purpose in ("core", "messages"):
                w.insert("consent", person=other, purpose=purpose, valid_from=day - 9, signer=other)
            w.put("guardian", pupil=child, person=other, relation="father", may_read=1)
            people.change_person(
                w,
                other,
                {
                    "surname": NAME, "given_name": GIVEN, "phone": PHONE, "address": PLACE, "email": MAIL,
                    "document": PASSPORT,
                },
            )  # fmt: skip
            account = w.insert(
                "account", person=other, login="jashyrovkanova", password=stored, language="ky"
            )
            signed = Signed(
                ("photo", "letters"), day - 5, signer=other, ground=GROUND, document=PAPER, scan=b"%PDF-1"
            )
            consents.record(w, child, signed, None)
            consents.record(
                w, child, Signed(("health",), day - 5, ground=GROUND, document=PAPER, scan=b"%PDF-1"), None
            )
            consents.offer(
                w, child, Signed(("social",), day, signer=other, ground=GROUND, document=PAPER), account
            )
            # The account of the child in these tests is another pupil's.
            w.insert("account", person=child, login="child", password=stored, language="ky")
        with writing(db, account) as w:
            owndata.ask(w, child, account, "Жашын оңдоңуз", day)
    client = pages.sign_in("jashyrovkanova")
    for path in (f"/people/{child}", f"/results/pupil/{child}", f"/own-data/{child}"):
        assert client.get(path)[0] == 200
    pages.logins["pupil"] = "child"
    yield pages


def child_of(pages: SchoolPages) -> int:
    return pages.one("SELECT pupil FROM guardian WHERE person = ?", pages.person("guardian"))


@pytest.mark.parametrize("role", FAMILY)
def test_no_page_or_file_tells_of_the_other_parent(apart: SchoolPages, role: str) -> None:
    client, told, opened = apart.as_(role), [], set()
    child = child_of(apart)
    scans = [
        f"/consents/{child}/scan?consent={row}"
        for (row,) in apart._looking.execute("SELECT id FROM consent WHERE person = ?", (child,)).fetchall()
    ]
    papers = [
        f"/consents/{child}/form?kind={kind}&language={one}"
        for kind in ("consent", "withdrawal")
        for one in ("ky", "en")
    ]
    paths = [address(apart, rule, role) for _, rule, method in every_route(apart.app) if method == "GET"]
    for path in [*paths, *papers, *scans]:
        answer = client.http.get(path)
        text = answer.get_data().decode(errors="replace")
        if answer.status_code == 200:
            opened.add(path)
            told += [(path, word) for word in PLANTED if word in text]
        if path in scans and answer.status_code == 200:
            told.append((path, "scan"))
    assert told == []
    assert {
        f"/people/{child}",
        f"/own-data/{child}",
        f"/own-data/{child}/file",
        f"/consents/{child}",
    } <= opened


@pytest.mark.parametrize("role", FAMILY)
def test_the_relation_is_told_and_who_signed_by_it(apart: SchoolPages, role: str) -> None:
    client, child = apart.as_(role), child_of(apart)
    card = client.get(f"/people/{child}")[1]
    assert "Атасы" in card
    shown = client.get(f"/consents/{child}")[1]
    assert "кол койгон: Атасы" in shown
    own = client.get(f"/own-data/{child}")[1]
    assert own.count("Атасы") > 2


def test_the_office_reads_both_and_each_parent_the_own(apart: SchoolPages) -> None:
    child = child_of(apart)
    card = apart.as_("secretary").get(f"/people/{child}")[1]
    assert NAME in card and PHONE in card
    shown = apart.as_("secretary").get(f"/consents/{child}")[1]
    assert NAME in shown and GROUND in shown
    other = apart.one("SELECT person FROM account WHERE login = 'jashyrovkanova'")
    for path in (f"/people/{other}", f"/consents/{other}", f"/own-data/{other}", f"/people/{other}/photo"):
        assert [apart.as_(role).get(path)[0] for role in FAMILY] == [403, 403]
    client = apart.sign_in("jashyrovkanova")
    assert GROUND in client.get(f"/consents/{child}")[1]
    assert NAME in client.get(f"/people/{child}")[1]
