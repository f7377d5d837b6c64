"""Many people at once: a small HTTP/1.1 client that keeps its connection, and what their requests took."""

from __future__ import annotations

import asyncio
import gzip
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass
class Answer:
    """Status, headers in lower case, body as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """What the body says."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


@dataclass
class Person:
    """Someone at a browser: one kept connection, one cookie, the token of the forms."""

    port: int
    cookie: str = ""
    token: str = ""
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Answer:
        return await self._ask(f"GET {path}", b"")

    async def post(self, path: str, fields: dict[str, str], as_script: bool = False) -> Answer:
        """Send a form as a page does, or as its script does."""
        body = urlencode({"form_token": self.token, **fields}).encode()
        more = "Accept: application/json\r\n" if as_script else ""
        return await self._ask(
            f"POST {path}",
            body,
            f"{more}X-Form-Token: {self.token}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        )

    async def _ask(self, what: str, body: bytes, more: str = "", again: bool = False) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{what} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept-Encoding: gzip\r\n{cookie}{more}{length}\r\n"
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            # The server had dropped the idle connection; a browser opens another.
            if again:
                raise
            self.leave()
            return await self._ask(what, body, more, again=True)
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        answer = Answer(int(lines[0].split()[1]), headers, await self._body(reader, headers))
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].partition(";")[0]
        if headers.get("connection", "").lower() == "close":
            self.leave()
        return answer

    @staticmethod
    async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await reader.readexactly(int(headers.get("content-length", 0)))
        pieces = []
        while size := int(await reader.readline(), 16):
            pieces.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readline()
        return b"".join(pieces)

    def leave(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class Took:
    """Seconds of each request, how many were answered badly, and how long all of it lasted."""

    seconds: list[float] = field(default_factory=list)
    bad: int = 0
    lasted: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the requests stayed under."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    def __str__(self) -> str:
        rate = len(self.seconds) / self.lasted
        bad = f", {self.bad} bad" if self.bad else ""
        return f"{self.percentile(0.5):.1f} ms, p95 {self.percentile(0.95):.1f} ms, {rate:.0f}/s{bad}"


Act = Callable[[int], Awaitable[Answer]]
"""One request of the person with this number."""


async def crowd(people: int, act: Act, seconds: float, think: tuple[float, float] = (0.0, 0.0)) -> Took:
    """So many people act again and again, with pauses between ``think`` seconds, for so long."""
    took = Took()
    started = time.perf_counter()

    async def one(number: int) -> None:
        rnd = random.Random(number)
        if think[1]:
            await asyncio.sleep(rnd.uniform(0, think[1]))
        while time.perf_counter() - started < seconds:
            asked = time.perf_counter()
            answer = await act(number)
            took.seconds.append(time.perf_counter() - asked)
            took.bad += answer.status >= 400
            if think[1]:
                await asyncio.sleep(rnd.uniform(*think))

    await asyncio.gather(*(one(number) for number in range(people)))
    took.lasted = time.perf_counter() - started
    return took
