"""Every route of the hub against every role."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hub import access
from hub.storage import Hub
from shared.access import declared, rights_of
from tests.serving import Visit
from tests.world import School

LOGIN = '<form method="post" action="/sign-in">'


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, rule and method of every route."""
    return sorted(
        (rule.endpoint, rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method in ("GET", "POST") and rule.endpoint != "ui.static"
    )


@pytest.fixture
def places(hub: Hub, school: School) -> dict[str, str]:
    """What stands for the variables of the routes: rows that exist."""
    with hub.read() as connection:
        key = connection.exec_driver_sql("SELECT signing FROM node").scalar_one()
        district = connection.exec_driver_sql("SELECT id FROM org_unit WHERE kind = 'district'").scalar_one()
    return {
        "<int:school>": str(school.id),
        "<int:unit>": str(district),
        "<int:account>": "1",
        "<key>": bytes(key).hex(),
    }


def path_of(rule: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        rule = rule.replace(place, value)
    assert "<" not in rule
    return rule


def wrong_answers(app: Flask, visit: Visit, role: str, places: dict[str, str]) -> list[tuple[str, str, int]]:
    """Routes that open to a role they do not name, or stay shut to one they do."""
    wrong = []
    for endpoint, rule, method in routes(app):
        rights = rights_of(app, endpoint)
        assert rights is not None
        opens = rights.open_to != "" or role in rights.roles
        path = path_of(rule, places)
        if method == "GET":
            status = visit.get(path).status_code
            if (status in (200, 302)) is not opens:
                wrong.append((method, path, status))
        elif not opens:
            answer = visit.post("/password", path)
            if answer.status_code != 403 or "not allowed" not in answer.text:
                wrong.append((method, path, answer.status_code))
    return wrong


def test_an_officer_opens_what_is_declared_and_nothing_else(
    app: Flask, officer: Visit, places: dict[str, str]
) -> None:
    assert wrong_answers(app, officer, access.OFFICER, places) == []


def test_an_administrator_opens_every_page(app: Flask, administrator: Visit, places: dict[str, str]) -> None:
    assert wrong_answers(app, administrator, access.ADMINISTRATOR, places) == []
    assert all(access.ADMINISTRATOR in rights.roles or rights.open_to for _, rights in declared(app))


def test_a_stranger_is_asked_to_sign_in(app: Flask, places: dict[str, str]) -> None:
    client: FlaskClient = app.test_client()
    for endpoint, rule, method in routes(app):
        rights = rights_of(app, endpoint)
        assert rights is not None
        path = path_of(rule, places)
        if rights.open_to in ("public", "machine"):
            continue
        if method == "GET":
            answer = client.get(path)
            assert (answer.status_code, LOGIN in answer.text) == (401, True), path
            assert f'name="next" value="{path}"' in answer.text
        else:
            assert client.post(path).status_code == 403, path


def test_no_form_is_taken_without_its_token(app: Flask, administrator: Visit, places: dict[str, str]) -> None:
    for endpoint, rule, method in routes(app):
        rights = rights_of(app, endpoint)
        if method == "POST" and rights is not None and rights.open_to != "machine":
            answer = administrator.client.post(path_of(rule, places), data={"form_token": "made up"})
            assert answer.status_code == 403 and "nothing was saved" in answer.text, rule


def test_a_shut_account_is_out_at_once(
    app: Flask, administrator: Visit, officer: Visit, school: School
) -> None:
    assert officer.get("/").status_code == 200
    assert administrator.post("/accounts/", "/accounts/2/shut").status_code == 302
    assert officer.get("/").status_code == 401
    assert administrator.post("/accounts/", "/accounts/2/reopen").status_code == 302
    Visit(app, "officer")


def test_nobody_shuts_the_own_account(administrator: Visit) -> None:
    assert administrator.post("/accounts/", "/accounts/1/shut").status_code == 404
    assert administrator.get("/").status_code == 200
