"""The wire as schools use it: a real server on loopback, real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from flask import Flask

from hub import schools
from hub.log import HubLog
from hub.storage import Hub
from shared import crypto
from shared.problems import (
    HubAnswer,
    HubUnreachable,
    NotRegistered,
    TooLarge,
    WrongCode,
)
from sync.log import dump
from sync.messages import MAX_MESSAGE, open_answer
from sync.session import register, sync
from sync.transport.http import MEDIA_TYPE, HttpTransport
from sync.writer import writing
from tests.serving import serving
from tests.world import a_node, no_derived_rows


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    with serving(app) as address:
        yield address


def test_a_school_registers_and_syncs(tmp_path: Path, hub: Hub, url: str) -> None:
    node, school = a_node(tmp_path / "node"), schools.add_school(hub, "School 8")
    with closing(node.connect()) as db:
        transport = HttpTransport(url)
        register(db, transport, schools.registration_code(hub, school).text)
        with writing(db, 1) as w:
            for _ in range(5):
                w.put("pupil", person=w.insert("person", sex="f", birth_year=2012), language="ky")
        first, second = (sync(db, transport, no_derived_rows) for _ in range(2))
        held = list(dump(db, district_only=True))
    assert (first.outcome, second.outcome, second.rounds) == ("done", "done", 1)
    with hub.read() as connection:
        assert list(HubLog(connection, school, hub.signer).dump()) == held


def test_a_wrong_code_registers_nobody(tmp_path: Path, hub: Hub, url: str) -> None:
    school = schools.add_school(hub, "School 8")
    code = schools.registration_code(hub, school)
    with closing(a_node(tmp_path / "one").connect()) as db:
        register(db, HttpTransport(url), code.text)
    with closing(a_node(tmp_path / "other").connect()) as db, pytest.raises(WrongCode):
        register(db, HttpTransport(url), code.text)


def test_a_node_that_is_not_registered_sends_nothing(tmp_path: Path, url: str) -> None:
    with closing(a_node(tmp_path / "node").connect()) as db, pytest.raises(NotRegistered):
        sync(db, HttpTransport(url), no_derived_rows)


def test_an_oversized_request_is_refused(hub: Hub, url: str) -> None:
    with pytest.raises(TooLarge):
        HttpTransport(url).exchange(bytes(MAX_MESSAGE + 1))


def test_garbage_gets_a_signed_refusal(hub: Hub, url: str) -> None:
    opener = crypto.OpeningKey.generate()
    for garbage in (b"garbage", b"", bytes(1000)):
        answer = HttpTransport(url).exchange(garbage)
        with pytest.raises(HubAnswer):
            open_answer(answer, opener, hub.signer.public, bytes(32), None)


def test_whose_hub_it_is_can_be_asked(hub: Hub, url: str) -> None:
    answer = requests.get(f"{url}/hub", timeout=30)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert hub.signer.public in answer.content and b"Set-Cookie" not in answer.content


def test_nobody_there_is_said_so() -> None:
    with pytest.raises(HubUnreachable):
        HttpTransport("http://127.0.0.1:9").describe()
