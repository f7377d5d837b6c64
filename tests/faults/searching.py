"""Searches bytes for secrets in every form in which a program might have let them out."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

import zstandard

_ZSTD = b"\x28\xb5\x2f\xfd"
_MOST = 16 * 1024 * 1024


def forms(secret: str | bytes) -> dict[str, bytes]:
    """The bytes that a text, or raw key material, may appear as, by the name of the form."""
    if isinstance(secret, str):
        found = {
            "UTF-8": secret.encode(),
            "UTF-16 LE": secret.encode("utf-16-le"),
            "UTF-16 BE": secret.encode("utf-16-be"),
        }
        escaped = json.dumps(secret)[1:-1]
        found |= {"JSON": escaped.encode(), "Python": ascii(secret)[1:-1].encode()}
        found |= {"URL": quote(secret).encode(), "form": quote_plus(secret).encode()}
        found |= {
            "HTML": secret.encode("ascii", "xmlcharrefreplace"),
            "CP1251": secret.encode("cp1251", "ignore"),
        }
    else:
        found = {"bytes": secret, "Python": repr(secret)[2:-1].encode()}
    plain = secret.encode() if isinstance(secret, str) else secret
    found |= {"hex": plain.hex().encode(), "HEX": plain.hex().upper().encode()}
    return found | dict(_base64(plain))


def _base64(plain: bytes) -> Iterator[tuple[str, bytes]]:
    """What stays the same of the encoded text whatever stands before and after, at each of three offsets."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + plain)
        sure = encoded[(offset * 8 + 5) // 6 : (offset + len(plain)) * 8 // 6]
        yield f"base64 + {offset}", sure
        yield f"base64 url + {offset}", sure.translate(bytes.maketrans(b"+/", b"-_"))


class Search:
    """Looks for many secrets at once; each finding is a sentence naming secret, form and place."""

    def __init__(self, secrets: Mapping[str, str | int | bytes]) -> None:
        self._needles = [
            (needle, f"{name} as {form}")
            for name, secret in secrets.items()
            for form, needle in forms(str(secret) if isinstance(secret, int) else secret).items()
            if len(needle) >= 5
        ]

    def within(self, data: bytes, place: str) -> Iterator[str]:
        """Findings in the bytes, and in whatever they hold compressed."""
        for needle, name in self._needles:
            if needle in data:
                yield f"{name} in {place}"
        for unpacked in _unpacked(data):
            yield from self.within(unpacked, f"{place}, compressed")

    def among(self, cells: Iterable[tuple[str, object]]) -> Iterator[str]:
        """Findings in the values of a database, by place; searched place by place."""
        found: dict[str, list[bytes]] = {}
        for place, value in cells:
            data = value if isinstance(value, (bytes, memoryview)) else str(value).encode()
            found.setdefault(place, []).append(bytes(data))
        for place, values in found.items():
            yield from self.within(b"\n".join(values), place)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Every zstd frame, and the whole if it is a zlib or gzip stream."""
    at = data.find(_ZSTD)
    while at >= 0:
        with contextlib.suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])[:_MOST]
        at = data.find(_ZSTD, at + 1)
    if data[:1] == b"\x78" or data[:2] == b"\x1f\x8b":
        try:
            yield zlib.decompressobj(wbits=47).decompress(data, _MOST)
        except zlib.error:
            return
