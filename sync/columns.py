"""A column of integers as few bytes: constant, offset from the least, or differences; bytes of equal weight together.

Form: one byte ``mode``, then ``base`` (8 bytes, two's complement), then the planes, then (bit 5) a bitmap of nulls.
Low bits of ``mode``: width in bytes of each stored number, 0 (all equal ``base``), 1, 2, 4 or 8. Bit 4: stored
numbers are
differences from the number before, zigzag coded, the first from ``base``; otherwise numbers minus ``base``.
All is little-endian.
A null repeats the number before it. Byte k of all stored numbers stands together (plane k), so that zstd sees runs.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

from shared.problems import FlawedChangeset

_DELTA = 0x10
_NULLS = 0x20
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_HEAD = 9


def pack_integers(values: Sequence[int | None]) -> bytes:
    """Encode a column of integers within 64 bits, nulls allowed."""
    filled, nulls = _filled(values)
    low = min(filled, default=0)
    plain = [v - low for v in filled]
    steps = [0, *(_zigzag(b - a) for a, b in pairwise(filled))]
    if max(steps) < 2**64 and _cost(steps) < _cost(plain):
        return _packed(_DELTA, filled[0], steps, nulls)
    return _packed(0, low, plain, nulls)


def unpack_integers(data: bytes, count: int) -> list[int | None]:
    """Decode a column of ``count`` integers; FlawedChangeset when bytes and count do not belong together."""
    if len(data) < _HEAD:
        raise FlawedChangeset("a column is cut short")
    mode, width = data[0], data[0] & 0x0F
    if mode & ~(_DELTA | _NULLS | 0x0F) or width not in (0, *_CODES):
        raise FlawedChangeset("a column has an unknown form")
    bitmap = (count + 7) // 8 if mode & _NULLS else 0
    if len(data) != _HEAD + width * count + bitmap:
        raise FlawedChangeset("a column has a wrong length")
    base = int.from_bytes(data[1:_HEAD], "little", signed=True)
    stored = _joined(data[_HEAD : _HEAD + width * count], width, count)
    if mode & _DELTA:
        numbers = list(accumulate(map(_unzigzag, stored), initial=base))[1:]
    else:
        numbers = [base + v for v in stored]
    if any(not -(2**63) <= number < 2**63 for number in numbers):
        raise FlawedChangeset("a column holds a number out of range")
    values: list[int | None] = [*numbers]
    for at in range(count) if bitmap else ():
        if data[len(data) - bitmap + at // 8] >> at % 8 & 1:
            values[at] = None
    return values


def _filled(values: Sequence[int | None]) -> tuple[list[int], bytes]:
    nulls = bytearray((len(values) + 7) // 8)
    filled: list[int] = []
    last = next((v for v in values if v is not None), 0)
    for at, value in enumerate(values):
        if value is None:
            nulls[at // 8] |= 1 << at % 8
        else:
            last = value
        filled.append(last)
    return filled, bytes(nulls) if any(nulls) else b""


def _packed(mode: int, base: int, stored: list[int], nulls: bytes) -> bytes:
    width = _width(stored)
    head = bytes([mode | width | (_NULLS if nulls else 0)]) + base.to_bytes(8, "little", signed=True)
    return head + _shuffled(stored, width) + nulls


def _cost(stored: list[int]) -> tuple[int, int]:
    return _width(stored), len(set(stored))


def _width(stored: list[int]) -> int:
    most = max(stored, default=0)
    return 0 if most == 0 else 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4 if most < 1 << 32 else 8


def _shuffled(stored: list[int], width: int) -> bytes:
    if not width:
        return b""
    packed = array(_CODES[width], stored)
    if sys.byteorder == "big":
        packed.byteswap()
    data = packed.tobytes()
    return b"".join(data[k::width] for k in range(width))


def _joined(data: bytes, width: int, count: int) -> Sequence[int]:
    if not width:
        return [0] * count
    joined = bytearray(len(data))
    for k in range(width):
        joined[k::width] = data[k * count : (k + 1) * count]
    unpacked = array(_CODES[width])
    unpacked.frombytes(bytes(joined))
    if sys.byteorder == "big":
        unpacked.byteswap()
    return unpacked


def _zigzag(step: int) -> int:
    return step << 1 if step >= 0 else ~(step << 1)


def _unzigzag(stored: int) -> int:
    return stored >> 1 ^ -(stored & 1)
