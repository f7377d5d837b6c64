"""The one form of CBOR that travels: RFC 8949 §4.2.3 deterministic encoding, no tags, no floats, bounded depth."""

from __future__ import annotations

from typing import Any

import cbor2

from shared.problems import FlawedChangeset

MAX_DEPTH = 8


def pack(value: Any) -> bytes:
    """Encode deterministically: shortest integers, definite lengths, sorted keys."""
    return bytes(cbor2.dumps(value, canonical=True))


def unpack(data: bytes, what: str) -> Any:
    """Decode and require that encoding again gives the same bytes; FlawedChangeset names ``what`` is flawed."""
    try:
        value = cbor2.loads(data, max_depth=MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)
        _check(value, what)
        again = pack(value)
    except FlawedChangeset:
        raise
    except Exception as error:
        raise FlawedChangeset(f"{what} is not readable") from error
    if again != data:
        raise FlawedChangeset(f"{what} is not in its one form")
    return value


def _check(value: Any, what: str) -> None:
    if isinstance(value, list):
        for item in value:
            _check(item, what)
    elif isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not int and type(key) is not str:
                raise FlawedChangeset(f"{what} holds a key of a wrong type")
            _check(item, what)
    elif value is not None and type(value) not in (int, str, bytes, bool):
        raise FlawedChangeset(f"{what} holds a value of a wrong type")
    elif type(value) is int and not -(2**63) <= value < 2**64:
        raise FlawedChangeset(f"{what} holds a number out of range")
