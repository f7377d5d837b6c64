"""One page is made at a time, however many threads a server has.

Python runs one thread at a time. Threads that all make pages take the interpreter from one another at every row they
read: four threads spent half as much again on a page as one, and gave fewer of them. So requests take turns. Whoever
has waited for a moment goes in all the same: an import of some seconds, or a page that waits for the disk, holds
nobody up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE = 1
PATIENCE_SECONDS = 0.05


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
