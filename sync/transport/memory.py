"""In memory, for tests: loses requests and answers, repeats and damages them, as told."""

from __future__ import annotations

from collections.abc import Callable

from shared.problems import HubUnreachable

Fault = Callable[[], str]
"""Called for each exchange.

``""`` none, ``lose request``, ``lose answer``, ``repeat``, ``damage answer``, ``garbage``.
"""


class MemoryTransport:
    """Hands messages straight to the hub's functions."""

    def __init__(
        self, describe: Callable[[], bytes], receive: Callable[[bytes], bytes], fault: Fault = lambda: ""
    ) -> None:
        self._describe = describe
        self._receive = receive
        self._fault = fault
        self.sent: list[bytes] = []
        self.received: list[bytes] = []

    def describe(self) -> bytes:
        return self._describe()

    def exchange(self, message: bytes) -> bytes:
        fault = self._fault()
        if fault == "lose request":
            raise HubUnreachable()
        self.sent.append(message)
        answer = self._receive(message)
        if fault == "repeat":
            self._receive(message)
        if fault == "lose answer":
            raise HubUnreachable()
        if fault == "garbage":
            answer = b"<html>captive portal</html>"
        if fault == "damage answer":
            answer = answer[:-1] + bytes([answer[-1] ^ 1])
        self.received.append(answer)
        return answer
