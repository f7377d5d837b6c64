"""By wire: one endpoint of the hub, plain HTTP or TLS."""

from __future__ import annotations

import requests

from shared.problems import HubAnswer, HubUnreachable, TooLarge
from sync.messages import MAX_MESSAGE

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""How long the hub may say nothing before the link counts as lost."""
MEDIA_TYPE = "application/vnd.mektep"
_PIECE = 65_536


class HttpTransport:
    """The hub at an address such as ``https://hub.example:8443``."""

    def __init__(self, url: str, silence: float = SILENCE_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._timeout = (CONNECT_SECONDS, silence)
        self._session = requests.Session()
        self._session.trust_env = False

    def describe(self) -> bytes:
        return self._ask("GET", "/hub", None)

    def exchange(self, message: bytes) -> bytes:
        return self._ask("POST", "/sync", message)

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        try:
            with self._session.request(
                method,
                self.url + path,
                data=body,
                headers={"Content-Type": MEDIA_TYPE, "Accept-Encoding": "identity"},
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                if response.status_code == 413:
                    raise TooLarge()
                if response.status_code >= 500:
                    raise HubUnreachable()
                if (
                    response.headers.get("Content-Type") != MEDIA_TYPE
                    or "Content-Encoding" in response.headers
                ):
                    raise HubAnswer()
                return _read(response)
        except (requests.RequestException, UnicodeError, ValueError) as error:
            raise HubUnreachable() from error


def _read(response: requests.Response) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_content(_PIECE):
        size += len(piece)
        if size > 2 * MAX_MESSAGE:
            raise HubAnswer()
        pieces.append(piece)
    data = b"".join(pieces)
    if response.headers.get("Content-Length", str(size)) != str(size):
        raise HubUnreachable()
    return data
