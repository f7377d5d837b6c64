"""A changeset as bytes and back. ``docs/protocol.md`` describes the form; this module is its one implementation.

The decoder trusts nothing: every size is bounded before memory is taken for it, and any flaw is one FlawedChangeset.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import zstandard

from shared import crypto
from shared.problems import BadSignature, CannotOpen, FlawedChangeset, TooLarge, WrongSigner
from shared.schema import BY_NUMBER, Table, Value
from sync import amendment
from sync.amendment import MAX_AMENDMENT, Amendment
from sync.cbor import pack, unpack
from sync.change import FORMAT, Change, Header
from sync.columns import pack_integers, unpack_integers

MAX_CHANGESET = 65_536
MAX_AMENDED = MAX_CHANGESET + 2 * MAX_AMENDMENT
"""Bytes of a changeset with its amendment: values that became null may take a little more."""
MAX_HEADER = 1_024
MAX_PART = 4 * 1024 * 1024
"""Bytes of a part once decompressed."""
MAX_WINDOW = 8 * 1024 * 1024
"""Memory that a frame of zstd may ask its reader for."""
MAX_CHANGES = 65_536
SIGNATURE_CONTEXT = b"mektep changeset v1"
_LEVEL = 15
_PIECE = 256
_TABLE, _COUNT, _NUMBERS, _CLOCKS, _KEYS, _COLUMNS, _VALUES, _ERASE = range(8)
_GROUPS, _ACTORS = 1, 2
MAX_KEY = 8
MAX_COLUMNS = 256


@dataclass(frozen=True)
class Envelope:
    """A changeset taken apart; ``hash`` (SHA-256 of the header) names it in the chain."""

    data: bytes
    header_bytes: bytes
    header: Header
    signature: bytes
    district: bytes
    school: bytes
    amendment: Amendment | None = None

    @property
    def hash(self) -> bytes:
        return crypto.sha256(self.header_bytes)

    @property
    def epoch(self) -> int:
        """The epoch whose key opens the school part."""
        return self.amendment.epoch if self.amendment else self.header.epoch

    @property
    def part(self) -> bytes:
        """The hash of the school part as it is now."""
        return self.amendment.new if self.amendment else self.header.parts[1]

    def amended(self, school: bytes, record: Amendment) -> Envelope:
        """The same changeset with another school part."""
        data = pack([self.header_bytes, self.signature, self.district, school, record.data])
        return replace(self, data=data, school=school, amendment=record)

    def verify_amendment(self, nodes: Collection[bytes]) -> None:
        """Raise WrongSigner unless the school part is as it was first, or one of these nodes amended it."""
        if self.amendment:
            self.amendment.verify(nodes)

    def verify(self, public: bytes) -> None:
        """Raise WrongSigner unless the owner of this public key signed the header."""
        try:
            crypto.verify(public, SIGNATURE_CONTEXT, self.header_bytes, self.signature)
        except BadSignature as error:
            raise WrongSigner() from error


def is_open(table: int, column: int, school: int) -> bool:
    """May the value stand in the district part? Reference texts are open in the hub's own rows (school 0) alone."""
    known = BY_NUMBER.get(table)
    declared = known.by_number.get(column) if known else None
    return declared is not None and (
        declared.scope == "district" or (declared.scope == "reference" and school == 0)
    )


def encode(
    header: Header, changes: Sequence[Change], key: bytes | None, signer: crypto.SigningKey
) -> Envelope:
    """Make a changeset; ``header.parts`` is filled in here. Without a school key (the hub's own stream) all is open.

    TooLarge: more than fits into one changeset; cut fewer changes.
    """
    district = _compress(pack({_GROUPS: _district_groups(changes, header.school)}))
    school = b""
    if key is not None:
        plain = _compress(pack(_school_part(changes, header.school)))
        school = crypto.seal_part(key, header.salt, _associated(header), plain)
    header = replace(header, parts=(crypto.sha256(district), crypto.sha256(school)))
    header_bytes = pack(_header_map(header))
    signature = signer.sign(SIGNATURE_CONTEXT, header_bytes)
    data = pack([header_bytes, signature, district, school])
    if len(data) > MAX_CHANGESET:
        raise TooLarge()
    return Envelope(data, header_bytes, header, signature, district, school)


def open_envelope(data: bytes) -> Envelope:
    """Take a changeset apart and check its form and the hashes of its parts, not yet its signature."""
    if len(data) > MAX_AMENDED:
        raise FlawedChangeset("it is larger than allowed")
    items = unpack(data, "the envelope")
    if len(data) > MAX_CHANGESET and not (isinstance(items, list) and len(items) > 4):
        raise FlawedChangeset("it is larger than allowed")
    if not (isinstance(items, list) and len(items) >= 4 and all(isinstance(i, bytes) for i in items[:4])):
        raise FlawedChangeset("the envelope has a wrong form")
    header_bytes, signature, district, school = items[:4]
    if len(header_bytes) > MAX_HEADER:
        raise FlawedChangeset("the header is larger than allowed")
    header = _read_header(unpack(header_bytes, "the header"))
    if not crypto.same(crypto.sha256(district), header.parts[0]):
        raise FlawedChangeset("a part does not belong to the header")
    record = None
    if not crypto.same(crypto.sha256(school), header.parts[1]):
        record = _amendment_of(items, crypto.sha256(header_bytes))
    if record is None and len(data) > MAX_CHANGESET:
        raise FlawedChangeset("it is larger than allowed")
    return Envelope(data, header_bytes, header, signature, district, school, record)


def _amendment_of(items: list[Any], hashed: bytes) -> Amendment:
    """What stands behind a school part that is not the header's."""
    if len(items) < 5 or not isinstance(items[4], bytes):
        raise FlawedChangeset("a part does not belong to the header")
    record = amendment.read(items[4])
    if not (crypto.same(record.changeset, hashed) and crypto.same(record.new, crypto.sha256(items[3]))):
        raise FlawedChangeset("its amendment does not belong to it")
    return record


def open_sealed(envelope: Envelope, key: bytes) -> tuple[dict[int, Any], list[Change]]:
    """The school part and the changes and sealed halves in it, as they stand there."""
    salt = envelope.amendment.salt if envelope.amendment else envelope.header.salt
    try:
        plain = crypto.open_part(key, salt, _associated(envelope.header), envelope.school)
    except CannotOpen as error:
        raise FlawedChangeset("the school part cannot be opened") from error
    part = _part(plain, "the school part")
    return part, _read_groups(part, envelope.header, "the school part")


def seal_again(
    header: Header, part: dict[int, Any], changes: Sequence[Change], key: bytes, salt: bytes
) -> bytes:
    """A school part with these changes in place of its own, sealed under another salt."""
    return crypto.seal_part(
        key, salt, _associated(header), _compress(pack({**part, _GROUPS: _groups(changes)}))
    )


def district_changes(envelope: Envelope) -> list[Change]:
    """What everyone may read: the changes of the hub's tables with their open values."""
    part = _part(envelope.district, "the district part")
    changes = _read_groups(part, envelope.header, "the district part")
    for change in changes:
        _require_open(change, envelope.header.school)
    return sorted(changes, key=lambda c: c.number)


def all_changes(envelope: Envelope, key: bytes | None) -> list[Change]:
    """The changes in order, sealed values and actors included; FlawedChangeset also when the key does not open them."""
    changes = {c.number: c for c in district_changes(envelope)}
    header = envelope.header
    if key is not None:
        _add_school_part(changes, envelope, key)
    elif header.school != 0:
        raise FlawedChangeset("its key is not known")
    if sorted(changes) != list(range(header.first, header.last + 1)):
        raise FlawedChangeset("its numbers are not complete")
    return [changes[n] for n in range(header.first, header.last + 1)]


def _add_school_part(changes: dict[int, Change], envelope: Envelope, key: bytes) -> None:
    header = envelope.header
    part, sealed = open_sealed(envelope, key)
    for change in sealed:
        _require_sealed(change)
        open_half = changes.get(change.number)
        if change.table == 0:
            if open_half is None:
                raise FlawedChangeset("a sealed value belongs to no change")
            _require_sealed_half(open_half, change, header.school)
            open_half.values |= change.values
        elif open_half is not None:
            raise FlawedChangeset("a change stands in both parts")
        else:
            changes[change.number] = change
    actors = _integers(part.get(_ACTORS), header.last - header.first + 1)
    for number, actor in enumerate(actors, header.first):
        if number in changes:
            changes[number].actor = actor


def _require_open(change: Change, school: int) -> None:
    """What only the school may read never stands in a district part, whoever made it."""
    table = BY_NUMBER.get(change.table)
    if change.table == 0 or (table is not None and not table.on_hub and school != 0):
        raise FlawedChangeset("the district part holds a table that is not the district's")
    if table is not None and any(
        n in table.by_number and not is_open(table.number, n, school) for n in change.values
    ):
        raise FlawedChangeset("the district part holds a column that is not the district's")


def _require_sealed_half(open_half: Change, sealed: Change, school: int) -> None:
    """A sealed half never replaces what the district reads, and its values are of their columns' types."""
    table = BY_NUMBER.get(open_half.table)
    for number, value in sealed.values.items():
        if number in open_half.values or is_open(open_half.table, number, school):
            raise FlawedChangeset("the school part hides a value from the district")
        if not _fits(table, number, value):
            raise FlawedChangeset("the school part holds a value of a wrong type")


def _require_sealed(change: Change) -> None:
    table = BY_NUMBER.get(change.table)
    if table is not None and table.on_hub:
        raise FlawedChangeset("the school part hides a change from the district")


# -- header ------------------------------------------------------------------------------------------------------


def _header_map(header: Header) -> dict[int, object]:
    named: dict[int, object] = {
        **header.unknown,
        1: FORMAT,
        2: header.school,
        3: header.origin,
        4: header.first,
        5: header.last,
        6: header.previous,
        7: header.seen,
        8: header.epoch,
        9: header.salt,
        10: list(header.parts),
        11: header.version,
        12: header.node,
        13: header.incarnation,
        14: list(header.continues) if header.continues else None,
    }
    return {k: v for k, v in named.items() if v is not None}


def _associated(header: Header) -> bytes:
    """What the school part is bound to: the header but for the parts' hashes, which follow from it."""
    named = _header_map(header)
    del named[10]
    return pack(named)


def _read_header(named: Any) -> Header:
    if not isinstance(named, dict) or named.get(1) != FORMAT:
        raise FlawedChangeset("its format is not known")
    numbers: list[Any] = [named.get(k) for k in (2, 3, 4, 5, 7, 8, 11)]
    if not all(type(n) is int and 0 <= n < 2**62 for n in numbers):
        raise FlawedChangeset("the header has a wrong form")
    school, origin, first, last, seen, epoch, version = numbers
    parts, continues = named.get(10), named.get(14)
    if not (isinstance(parts, list) and len(parts) == 2 and all(_is_bytes(p, 32) for p in parts)):
        raise FlawedChangeset("the header has a wrong form")
    if not (_is_bytes(named.get(6), 32) and _is_bytes(named.get(9), crypto.SALT_BYTES)):
        raise FlawedChangeset("the header has a wrong form")
    if not (origin < 2**31 and 1 <= first <= last < first + MAX_CHANGES):
        raise FlawedChangeset("the header counts wrongly")
    if continues is not None and not (
        isinstance(continues, list)
        and len(continues) == 2
        and all(type(n) is int and 0 <= n < 2**62 for n in continues)
    ):
        raise FlawedChangeset("the header has a wrong form")
    if any(named.get(k) is not None and not _is_bytes(named[k], size) for k, size in ((12, 32), (13, 16))):
        raise FlawedChangeset("the header has a wrong form")
    return Header(
        school=school,
        origin=origin,
        first=first,
        last=last,
        previous=named[6],
        seen=seen,
        epoch=epoch,
        salt=named[9],
        parts=(parts[0], parts[1]),
        version=version,
        node=named.get(12),
        incarnation=named.get(13),
        continues=(continues[0], continues[1]) if continues else None,
        unknown={k: v for k, v in named.items() if not (type(k) is int and 1 <= k <= 14)},
    )


def _is_bytes(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size


# -- parts -------------------------------------------------------------------------------------------------------


def _district_groups(changes: Iterable[Change], school: int) -> list[dict[int, object]]:
    halves = []
    for change in changes:
        table = BY_NUMBER.get(change.table)
        if table is not None and (table.on_hub or school == 0):
            values = {n: v for n, v in change.values.items() if is_open(change.table, n, school)}
            halves.append(
                Change(change.number, change.clock, None, change.table, change.key, values, change.erase)
            )
    return _groups(halves)


def _school_part(changes: Sequence[Change], school: int) -> dict[int, object]:
    halves = []
    for change in changes:
        table = BY_NUMBER.get(change.table)
        if table is None or not table.on_hub:
            halves.append(change)
        else:
            values = {n: v for n, v in change.values.items() if not is_open(change.table, n, school)}
            if values:
                halves.append(Change(change.number, 0, None, 0, (), values))
    return {_GROUPS: _groups(halves), _ACTORS: pack_integers([c.actor for c in changes])}


def _groups(changes: Iterable[Change]) -> list[dict[int, object]]:
    grouped: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        shape = (change.table, len(change.key), tuple(sorted(change.values)), change.erase)
        grouped.setdefault(shape, []).append(change)
    return [_group(members) for members in grouped.values()]


def _group(members: list[Change]) -> dict[int, object]:
    head = members[0]
    columns = sorted(head.values)
    group: dict[int, object] = {
        _TABLE: head.table,
        _COUNT: len(members),
        _NUMBERS: pack_integers([c.number for c in members]),
        _COLUMNS: columns,
        _VALUES: [_pack_column([c.values[n] for c in members]) for n in columns],
    }
    if head.table:
        group[_CLOCKS] = pack_integers([c.clock for c in members])
        group[_KEYS] = [pack_integers([c.key[k] for c in members]) for k in range(len(head.key))]
    if head.erase:
        group[_ERASE] = 1
    return group


def _pack_column(values: list[Value]) -> object:
    integers = [v for v in values if v is None or type(v) is int]
    return pack_integers(integers) if len(integers) == len(values) else list(values)


def _part(data: bytes, what: str) -> dict[int, Any]:
    part = unpack(_decompress(data, what), what)
    if not isinstance(part, dict) or not isinstance(part.get(_GROUPS), list):
        raise FlawedChangeset(f"{what} has a wrong form")
    return part


def _decompress(data: bytes, what: str) -> bytes:
    """Unpack exactly one frame, piece by piece: a piece yields 8 MiB at the most, so a bomb ends early."""
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
    plain, at = bytearray(), 0
    try:
        while at < len(data) and not reader.eof:
            plain += reader.decompress(data[at : at + _PIECE])
            at += _PIECE
            if len(plain) > MAX_PART:
                raise FlawedChangeset(f"{what} is larger than allowed")
    except zstandard.ZstdError as error:
        raise FlawedChangeset(f"{what} cannot be unpacked") from error
    if not reader.eof or at < len(data) or reader.unused_data:
        raise FlawedChangeset(f"{what} cannot be unpacked")
    return bytes(plain)


def _read_groups(part: dict[int, Any], header: Header, what: str) -> list[Change]:
    changes: list[Change] = []
    left = header.last - header.first + 1
    taken: set[int] = set()
    for group in part[_GROUPS]:
        if not isinstance(group, dict):
            raise FlawedChangeset(f"{what} has a wrong form")
        count = group.get(_COUNT)
        if type(count) is not int or not 1 <= count <= left:
            raise FlawedChangeset(f"{what} counts wrongly")
        left -= count
        for change in _read_group(group, count, what):
            if not header.first <= change.number <= header.last or change.number in taken:
                raise FlawedChangeset(f"{what} counts wrongly")
            taken.add(change.number)
            changes.append(change)
    return changes


def _read_group(group: dict[int, Any], count: int, what: str) -> Iterable[Change]:
    table, columns, erase = group.get(_TABLE), group.get(_COLUMNS), group.get(_ERASE, 0)
    packed = group.get(_VALUES)
    if type(table) is not int or not 0 <= table < 2**31 or erase not in (0, 1) or isinstance(erase, bool):
        raise FlawedChangeset(f"{what} has a wrong form")
    if not (
        isinstance(columns, list) and isinstance(packed, list) and len(columns) == len(packed) <= MAX_COLUMNS
    ):
        raise FlawedChangeset(f"{what} has a wrong form")
    if not all(type(c) is int and 1 <= c < 2**31 for c in columns) or len(set(columns)) != len(columns):
        raise FlawedChangeset(f"{what} names a wrong column")
    numbers = _integers(group.get(_NUMBERS), count)
    clocks: Sequence[int] = [0] * count
    keys: Sequence[tuple[int, ...]] = [()] * count
    if table:
        clocks = _integers(group.get(_CLOCKS), count)
        if min(clocks) < 0:
            raise FlawedChangeset(f"{what} holds a wrong clock")
        keys = _read_keys(group.get(_KEYS), table, count, what)
    values = [_read_column(p, table, n, count, what) for p, n in zip(packed, columns, strict=True)]
    for at in range(count):
        named = {n: column[at] for n, column in zip(columns, values, strict=True)}
        yield Change(numbers[at], clocks[at], None, table, keys[at], named, bool(erase))


def _read_keys(packed: Any, table: int, count: int, what: str) -> list[tuple[int, ...]]:
    known = BY_NUMBER.get(table)
    if not isinstance(packed, list) or not 1 <= len(packed) <= MAX_KEY:
        raise FlawedChangeset(f"{what} holds a wrong key")
    if known is not None and len(packed) != len(known.key):
        raise FlawedChangeset(f"{what} holds a wrong key")
    return list(zip(*(_integers(p, count) for p in packed), strict=True))


def _read_column(packed: Any, table: int, number: int, count: int, what: str) -> Sequence[Value]:
    values: Sequence[Value]
    if isinstance(packed, bytes):
        values = unpack_integers(packed, count)
    elif isinstance(packed, list) and len(packed) == count:
        values = packed
    else:
        raise FlawedChangeset(f"{what} holds a column of a wrong length")
    known = BY_NUMBER.get(table)
    for value in values:
        if not _fits(known, number, value):
            raise FlawedChangeset(f"{what} holds a value of a wrong type")
    return values


def _fits(table: Table | None, number: int, value: object) -> bool:
    """Can a column hold the value? Of a column of a newer release only the kind of value is known."""
    if value is not None and type(value) not in (int, str, bytes):
        return False
    column = table.value_by_number.get(number) if table else None
    return column is None or column.has_type_of(cast(Value, value))


def _integers(packed: Any, count: int) -> list[int]:
    if not isinstance(packed, bytes):
        raise FlawedChangeset("a column has a wrong form")
    numbers = [n for n in unpack_integers(packed, count) if n is not None]
    if len(numbers) != count:
        raise FlawedChangeset("a number is missing")
    return numbers


def _compress(plain: bytes) -> bytes:
    if len(plain) > MAX_PART:
        raise TooLarge()
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=False, write_checksum=False).compress(
        plain
    )
