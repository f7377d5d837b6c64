"""Compressed answers: readable by any gzip reader, of random length, and only where it is worth it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from flask import Response

from shared import ui
from shared.compress import SHORTEST, compress, of_page

PAGE = ("<p>Класстык журнал " + "5 4 3 " * 200 + "</p>").encode()


def made(body: bytes, kind: str = "text/html", **more: str) -> Response:
    return Response(body, mimetype=kind, headers=more)


def test_a_page_comes_back_and_its_length_tells_nothing() -> None:
    packed = {len(of_page(PAGE)) for _ in range(200)}
    assert len(packed) > 8 and max(packed) < len(PAGE) / 4
    assert gzip.decompress(of_page(PAGE)) == PAGE


@pytest.mark.parametrize("unchanging", [False, True])
def test_a_browser_that_takes_it_gets_it_compressed(unchanging: bool) -> None:
    response = made(PAGE)
    compress(response, "gzip, deflate", unchanging)
    assert response.headers["Content-Encoding"] == "gzip"
    assert int(response.headers["Content-Length"]) == len(response.get_data()) < len(PAGE)
    assert gzip.decompress(response.get_data()) == PAGE
    assert "Accept-Encoding" in response.headers["Vary"]


@pytest.mark.parametrize("status", [401, 422, 503])
def test_a_page_that_refuses_is_compressed_too(status: int) -> None:
    response = Response(PAGE, mimetype="text/html", status=status)
    compress(response, "gzip")
    assert gzip.decompress(response.get_data()) == PAGE and len(response.get_data()) < len(PAGE)


def test_other_answers_stay_as_they_are() -> None:
    def stream() -> Iterator[bytes]:
        yield PAGE

    for response, accepted in (
        (made(PAGE), "identity"),
        (made(PAGE[: SHORTEST - 1]), "gzip"),
        (made(PAGE, "application/zip"), "gzip"),
        (made(PAGE, **{"Content-Encoding": "br"}), "gzip"),
        (Response(PAGE, mimetype="text/html", status=206), "gzip"),
        (Response(stream(), mimetype="text/html"), "gzip"),
    ):
        compress(response, accepted)
        assert response.headers.get("Content-Encoding") != "gzip"


def test_a_bundle_is_its_parts() -> None:
    for name, parts in ui.BUNDLES.items():
        whole = ui.content(name)
        assert all(ui.content(part) in whole for part in parts)
