"""How messages travel between node and hub. The session knows this interface; each medium is a file."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A way to one hub. A message is sealed already; a transport only carries it."""

    def describe(self) -> bytes:
        """What the hub shows of itself (`sync.messages.read_hub`). HubUnreachable, HubAnswer."""

    def exchange(self, message: bytes) -> bytes:
        """Carry a request and bring back the answer. HubUnreachable: no answer; it may or may not have arrived."""
