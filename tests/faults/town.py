"""A hub and a school as people run them: both command lines, both servers, a recorded wire, a stick; every log kept."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from hub.storage import open_hub
from node.storage import open_node
from tests.faults import workers
from tests.faults.processes import Worker, start

PATIENCE_SECONDS = 60


class Wire:
    """A way from node to hub on loopback that keeps every byte that goes over it, either way."""

    def __init__(self, url: str) -> None:
        host, port = url.rstrip("/").removeprefix("http://").split(":")
        self.bytes = bytearray()
        self._hub = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._hub)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self.bytes += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            target.close()


@dataclass
class Town:
    """Homes, what the programs printed, what they were told in secret."""

    home: Path
    database: str | None
    printed: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, str | bytes] = field(default_factory=dict)
    servers: dict[str, Worker] = field(default_factory=dict)
    wire: Wire | None = None

    @property
    def hub_home(self) -> Path:
        return self.home / "hub"

    @property
    def node_home(self) -> Path:
        return self.home / "node"

    def hub(self, *arguments: str, fails: bool = False, **environment: str) -> dict[str, Any]:
        """Run ``mektep-hub``; returns what it prints as JSON. ``fails``: it must refuse."""
        return self._run("hub", self.hub_home, arguments, environment, fails)

    def node(self, *arguments: str, fails: bool = False, **environment: str) -> dict[str, Any]:
        """Run ``mektep-node``."""
        return self._run("node", self.node_home, arguments, environment, fails)

    def _run(
        self,
        program: str,
        home: Path,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        fails: bool,
    ) -> dict[str, Any]:
        name = f"{len(self.printed):02d} {program} {' '.join(arguments[:2])}"
        log, out = (
            self.home / f"{name.replace('/', '_')[:60]}.log",
            self.home / f"{len(self.printed):02d}.out",
        )
        told = ("--home", str(home), "--json", *arguments)
        start(workers.command, program, told, environment, out, fails, log=log).wait()
        self.printed[name], self.printed[f"{name}, log"] = out.read_bytes(), log.read_bytes()
        text = out.read_text()
        return dict(json.loads(text)) if text.startswith("{") and text.count("\n") == 1 else {}

    def serve(self, program: str) -> str:
        """Start ``serve``; returns its address."""
        log = self.home / f"{program} serve.log"
        home = self.hub_home if program == "hub" else self.node_home
        told = ("--home", str(home), "serve", "--port", "0")
        server = start(workers.command, program, told, {}, self.home / f"{program} serve.out", False, log=log)
        self.servers[program] = server
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(r"^http://\S+/$", log.read_text() if log.exists() else "", re.M)):
            assert server.alive and time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        return found[0].rstrip("/")

    def stop(self) -> None:
        for program, server in self.servers.items():
            server.kill()
            self.printed[f"{program} serve, log"] = server.log.read_bytes()
        if self.wire is not None:
            self.wire.close()

    # -- what is there to be searched

    def hub_cells(self) -> Iterator[tuple[str, object]]:
        """Every value of every table of the hub's opened database."""
        hub = open_hub(self.hub_home)
        with hub.read() as connection:
            for table in sa.inspect(connection).get_table_names():
                result = connection.execute(sa.text(f'SELECT * FROM "{table}"'))
                names = list(result.keys())
                for row in result:
                    yield from ((f"{table}.{name}", value) for name, value in zip(names, row, strict=True))
        hub.close()

    def node_cells(self) -> Iterator[tuple[str, object]]:
        """Every value of every table of the node's opened database."""
        with closing(open_node(self.node_home).connect()) as db:
            for table in db.table_names():
                for row in db.query(f'SELECT * FROM "{table}"'):
                    yield from ((f"{table}.{name}", value) for name, value in row.items())

    def files(self, *folders: Path) -> Iterator[tuple[str, bytes]]:
        """Every file under these folders."""
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield str(path.relative_to(self.home)), path.read_bytes()


def browse(url: str, login: str, password: str, pages: list[str]) -> tuple[str, list[bytes]]:
    """Sign in at an app, wrongly first, and read pages as a browser would; returns the session's cookie too."""
    with requests.Session() as browser:
        browser.trust_env = False
        for attempt in (f"{password}x", password):
            form = browser.get(f"{url}/sign-in", timeout=PATIENCE_SECONDS).text
            token = re.search(r'name="form_token" value="([^"]*)"', form)
            assert token, form
            told = {"form_token": token[1], "login": login, "password": attempt}
            browser.post(f"{url}/sign-in", data=told, timeout=PATIENCE_SECONDS)
        answers = [browser.get(url + page, timeout=PATIENCE_SECONDS) for page in pages]
        assert {a.url: a.status_code for a in answers if a.status_code != 200} == {}
        (cookie,) = {c.value for c in browser.cookies if c.value and len(c.value) > 20}
        return cookie, [answer.content for answer in answers]
