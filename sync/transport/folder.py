"""By stick: the same messages as files in a folder, carried both ways.

A bundle is the letters ``MEKTEP1``, a newline, the length of the message (8 bytes, big-endian), its SHA-256,
the message.
``NODE-TIME.request`` goes to the hub, ``NODE-TIME.answer`` comes back; ``hub.mektep`` shows whose stick it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from shared import crypto
from shared.problems import FlawedBundle, HubUnreachable
from sync.messages import MAX_MESSAGE

_MAGIC = b"MEKTEP1\n"
_HEAD = len(_MAGIC) + 8 + 32
HUB_FILE = "hub.mektep"
REQUEST, ANSWER = ".request", ".answer"


def bundle_of(message: bytes) -> bytes:
    """A message as the content of a file."""
    return _MAGIC + len(message).to_bytes(8, "big") + crypto.sha256(message) + message


def message_of(bundle: bytes) -> bytes:
    """Read `bundle_of`; FlawedBundle if a byte is missing, changed or too many."""
    message = bundle[_HEAD:]
    length = int.from_bytes(bundle[len(_MAGIC) : len(_MAGIC) + 8], "big")
    hashed = bundle[len(_MAGIC) + 8 : _HEAD]
    whole = bundle.startswith(_MAGIC) and length == len(message)
    if not (whole and crypto.same(hashed, crypto.sha256(message))):
        raise FlawedBundle()
    return message


def write_bundle(path: Path, message: bytes) -> None:
    """Write a message as a file that is whole or not there."""
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("wb") as file:
        file.write(bundle_of(message))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_bundle(path: Path) -> bytes:
    """Read `write_bundle`; FlawedBundle also when there is no such file, or a larger one than any message."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= 2 * MAX_MESSAGE + _HEAD else b""
    except OSError as error:
        raise FlawedBundle() from error
    return message_of(data)


def bundles(folder: Path, suffix: str) -> Iterator[Path]:
    """Bundles of a kind in a folder, in order of their names."""
    return iter(sorted(p for p in folder.iterdir() if p.suffix == suffix and p.is_file()))


class FolderTransport:
    """A stick, or any folder that node and hub both reach.

    ``wait``: seconds to wait for someone at the hub's side; 0 for a stick that must be carried first.
    """

    def __init__(self, folder: Path, name: str, wait: float = 0.0) -> None:
        self.folder = folder
        self.name = name
        self.wait = wait

    def describe(self) -> bytes:
        try:
            return read_bundle(self.folder / HUB_FILE)
        except FlawedBundle as error:
            if (self.folder / HUB_FILE).exists():
                raise
            raise HubUnreachable() from error

    def exchange(self, message: bytes) -> bytes:
        request = self.post(message)
        answer = request.with_suffix(ANSWER)
        deadline = time.monotonic() + self.wait
        while not answer.exists():
            if time.monotonic() >= deadline:
                raise HubUnreachable()
            time.sleep(0.02)
        data = read_bundle(answer)
        answer.unlink()
        return data

    def post(self, message: bytes) -> Path:
        """Leave a request on the stick; returns its file."""
        name = f"{self.name}-{time.time_ns():020d}{REQUEST}"
        write_bundle(self.folder / name, message)
        return self.folder / name
