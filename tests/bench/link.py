"""A link on loopback that counts what goes over it, and can be as slow as a bad one."""

from __future__ import annotations

import queue
import re
import socket
import threading
import time
from contextlib import suppress

_REQUEST = re.compile(rb"(?:GET|POST|PATCH|PUT|DELETE) \S+ HTTP/1\.1\r\n")
_PIECE = 1_400
"""Bytes of a packet on a slow link."""


class Link:
    """Forwards to a port of this machine. ``rate`` in bytes a second each way (0: as fast as it goes), ``delay`` in
    seconds one way; ``up``, ``down`` and ``requests`` count payload bytes and HTTP requests, headers included.
    """

    def __init__(self, port: int) -> None:
        self.rate = 0
        self.delay = 0.0
        self.up = self.down = self.requests = 0
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def reset(self) -> None:
        """Count from nothing again."""
        self.up = self.down = self.requests = 0

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            time.sleep(2 * self.delay)  # the handshake's round trip
            far = socket.create_connection(self._target)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._carry(near, far, True)
            self._carry(far, near, False)

    def _carry(self, source: socket.socket, target: socket.socket, upwards: bool) -> None:
        """One direction: what is read now may be written when its delay is over, and no faster than the rate."""
        under_way: queue.Queue[tuple[float, bytes]] = queue.Queue(maxsize=64)

        def read() -> None:
            data = b"-"
            while data:
                try:
                    data = source.recv(_PIECE if self.rate else 65_536)
                except OSError:
                    data = b""
                under_way.put((time.monotonic() + self.delay, data))

        def write() -> None:
            free_at = 0.0
            while True:
                due, data = under_way.get()
                start = max(due, free_at)
                free_at = start + (len(data) / self.rate if self.rate else 0)
                time.sleep(max(0.0, free_at - time.monotonic()))
                if not data:
                    break
                self._count(data, upwards)
                try:
                    target.sendall(data)
                except OSError:
                    break
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        threading.Thread(target=read, daemon=True).start()
        threading.Thread(target=write, daemon=True).start()

    def _count(self, data: bytes, upwards: bool) -> None:
        if upwards:
            self.up += len(data)
            self.requests += len(_REQUEST.findall(data))
        else:
            self.down += len(data)
