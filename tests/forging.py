"""What a hostile or careless author would send: changesets put together by hand, signed and sealed for real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import zstandard

from shared import crypto
from sync.cbor import pack
from sync.change import NO_HASH
from sync.columns import pack_integers

SIGNED = b"mektep changeset v1"
Groups = Sequence[Mapping[int, object]]


def compress(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=15, write_content_size=False).compress(plain)


def group(
    table: int,
    numbers: Sequence[int],
    keys: Sequence[Sequence[int]],
    values: Mapping[int, object],
    **more: Any,
) -> dict[int, object]:
    """A group of changes: ``keys`` has one sequence for each part of the key, ``values`` one packed column each."""
    made: dict[int, object] = {0: table, 1: len(numbers), 2: pack_integers(numbers)}
    if table:
        made[3] = pack_integers(more.get("clocks", [1_000] * len(numbers)))
        made[4] = [pack_integers(part) for part in keys]
    return made | {5: sorted(values), 6: [values[n] for n in sorted(values)]}


@dataclass(frozen=True)
class Forged:
    """A changeset to be; every field may be anything. ``district`` and ``school``: groups, or raw compressed bytes."""

    signer: crypto.SigningKey
    header: Mapping[int, object]
    key: bytes | None
    district: Groups | bytes = ()
    school: Groups | bytes = ()
    actors: Sequence[int] | None = None
    hashes: Sequence[bytes] | None = None
    extra: Sequence[object] = ()

    def but(self, **other: Any) -> Forged:
        """The same with other fields; header fields as ``h7=..``, and ``h7=None`` to leave one out."""
        fields = {
            int(name[1:]): value for name, value in other.items() if name[0] == "h" and name[1:].isdigit()
        }
        rest = {name: value for name, value in other.items() if not (name[0] == "h" and name[1:].isdigit())}
        header = {n: v for n, v in {**self.header, **fields}.items() if v is not None}
        return replace(self, header=header, **rest)

    @property
    def parts(self) -> tuple[bytes, bytes]:
        district = (
            self.district if isinstance(self.district, bytes) else compress(pack({1: list(self.district)}))
        )
        if self.key is None:
            return district, b""
        if isinstance(self.school, bytes):
            plain = self.school
        else:
            first, last = self.header[4], self.header[5]
            assert isinstance(first, int) and isinstance(last, int)
            actors = [0] * (last - first + 1) if self.actors is None else self.actors
            plain = compress(pack({1: list(self.school), 2: pack_integers(actors)}))
        salt = self.header[9]
        assert isinstance(salt, bytes)
        return district, crypto.seal_part(self.key, salt, pack(dict(self.header)), plain)

    @property
    def header_bytes(self) -> bytes:
        hashes = [crypto.sha256(part) for part in self.parts] if self.hashes is None else list(self.hashes)
        return pack({**self.header, 10: hashes})

    @property
    def hash(self) -> bytes:
        return crypto.sha256(self.header_bytes)

    @property
    def data(self) -> bytes:
        signature = self.signer.sign(SIGNED, self.header_bytes)
        return pack([self.header_bytes, signature, *self.parts, *self.extra])


def header(school: int, origin: int, first: int, last: int, salt: bytes, **more: Any) -> dict[int, object]:
    """The fields of a header but for the parts' hashes."""
    fields: dict[int, object] = {
        1: 1,
        2: school,
        3: origin,
        4: first,
        5: last,
        6: more.get("previous", NO_HASH),
        7: more.get("seen", 0),
        8: more.get("epoch", 1),
        9: salt,
        11: more.get("version", 1),
        12: more.get("node"),
        13: more.get("incarnation"),
        14: more.get("continues"),
    }
    return {n: v for n, v in fields.items() if v is not None}
