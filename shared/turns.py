"""Few pages are made at once, however many threads a server has.

Python runs one thread at a time. Threads that all make pages take the interpreter from one another at every row they
read, and 20 people got 81 journal pages a second from four threads where one thread made 124 alone. So requests take
turns: two at once, one of which may be waiting for the disk. Whoever has waited too long goes in all the same: an
import of some seconds holds its turn and nobody up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE = 2
PATIENCE_SECONDS = 0.25


class Turns:
    """A WSGI app in front of another; see the module."""

    def __init__(
        self, app: WSGIApplication, at_once: int = AT_ONCE, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._app = app
        self._free = threading.Semaphore(at_once)
        self._patience = patience

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        taken = self._free.acquire(timeout=self._patience)
        try:
            return self._app(environ, start_response)
        finally:
            if taken:
                self._free.release()
