"""Servers on loopback for tests of pages and command lines: any app under waitress, and a gate before the hub."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from contextlib import closing
from threading import Semaphore, Thread
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from waitress.server import create_server
from werkzeug.test import TestResponse

from hub import create_app
from hub.storage import Hub
from node.storage import Node
from sync.state import State
from sync.writer import writing


@contextlib.contextmanager
def serving(application: Any) -> Iterator[str]:
    """The application's address while it is served."""
    server = create_server(application, host="127.0.0.1", port=0, threads=4)

    def run() -> None:
        with contextlib.suppress(OSError):
            server.run()

    Thread(target=run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown(timeout=1)
    server.close()


class Gate:
    """A hub that answers everything at first, and once it is shut an exchange only when it is told to."""

    def __init__(self, hub: Hub) -> None:
        self.app = create_app(hub)
        self._permits = Semaphore(0)
        self._shut = False
        self.asked = Semaphore(0)

    def shut(self) -> None:
        """From now on every exchange waits for `let`."""
        self._shut = True

    def let(self, exchanges: int = 1) -> None:
        """Answer so many more exchanges."""
        self._permits.release(exchanges)

    def open(self) -> None:
        """Answer everything again."""
        self._shut = False
        self._permits.release(1000)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/sync" and self._shut:
            self.asked.release()
            self._permits.acquire()
        return self.app.wsgi_app(environ, start_response)


def with_duty(node: Node, duty: str, login: str) -> str:
    """A person with a duty who signs in with the administrator's password; returns the login."""
    with closing(node.connect()) as db:
        actor = int(State(db).administrator)
        password = db.execute("SELECT password FROM account WHERE id = ?", (actor,)).fetchone()[0]
        with writing(db, actor) as w:
            person = w.insert("person")
            w.insert("account", person=person, login=login, password=password, language="en")
            w.insert("appointment", person=person, duty=duty, start=0)
    return login


class Visit:
    """Someone who has signed in at an app and sends its forms."""

    def __init__(self, app: Flask, login: str, password: str = "secret", language: str = "en") -> None:
        self.client: FlaskClient = app.test_client()
        answer = self.post("/sign-in", "/sign-in", login=login, password=password)
        assert answer.status_code == 302, answer.text
        self.speak(language)

    def speak(self, language: str) -> None:
        """Choose the language of the pages."""
        assert self.post("/password", "/language", language=language).status_code == 302

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)

    def read(self, path: str) -> str:
        """What a page says, its entities resolved."""
        answer = self.get(path)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    def post(self, page: str, path: str, **fields: Any) -> TestResponse:
        """Send a form that stands on a page."""
        token = re.search(r'name="form_token" value="([^"]+)"', self.client.get(page).text)
        assert token
        return self.client.post(path, data={"form_token": token[1], **fields})
