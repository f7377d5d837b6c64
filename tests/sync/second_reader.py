"""A second reader of the protocol, written from ``docs/protocol.md`` and the data dictionary alone.

It shares no code with Mektep, so what both read alike is what the documents say. Section numbers are the document's.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import Any

import cbor2
import zstandard
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DICTIONARY = Path(__file__).parent.parent.parent / "docs" / "data-dictionary.md"
INTEGERS = {"int", "bool", "ref", "date", "instant", "time"}
WIDTHS = {0, 1, 2, 4, 8}


class Refused(Exception):
    """Refused with a code of section 17."""

    def __init__(self, code: str = "flawed_changeset") -> None:
        super().__init__(code)
        self.code = code


def need(fits: object, code: str = "flawed_changeset") -> None:
    if not fits:
        raise Refused(code)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def is_number(value: object, low: int = 0, high: int = 2**62 - 1) -> bool:
    return type(value) is int and low <= value <= high


def is_bytes(value: object, length: int | None = None) -> bool:
    return type(value) is bytes and length in (None, len(value))


# -- 3. CBOR -----------------------------------------------------------------------------------------------------


def write_cbor(value: Any) -> bytes:
    return bytes(cbor2.dumps(value, canonical=True))


def read_cbor(data: bytes) -> Any:
    try:
        value = cbor2.loads(data, max_depth=8, allow_indefinite=False, allow_duplicate_keys=False)
        _check(value)
        same = write_cbor(value) == data
    except (cbor2.CBORError, ValueError, TypeError, RecursionError) as error:
        raise Refused() from error
    need(same)
    return value


def _check(value: Any) -> None:
    if type(value) is list:
        for item in value:
            _check(item)
    elif type(value) is dict:
        for key, item in value.items():
            need(type(key) in (int, str))
            _check(item)
    else:
        need(value is None or type(value) in (int, str, bytes, bool))
        need(type(value) is not int or -(2**63) <= value < 2**64)


# -- 4. integer columns ------------------------------------------------------------------------------------------


def read_column(data: bytes, count: int) -> list[int | None]:
    need(len(data) >= 9)
    mode, base = data[0], int.from_bytes(data[1:9], "little", signed=True)
    width = mode & 15
    need(width in WIDTHS and mode & ~(15 | 16 | 32) == 0)
    bitmap = -(-count // 8) if mode & 32 else 0
    need(len(data) == 9 + width * count + bitmap)
    stored = [sum(data[9 + k * count + i] << 8 * k for k in range(width)) for i in range(count)]
    values: list[int | None] = []
    before = base
    for i, number in enumerate(stored):
        if mode & 16:
            before += number // 2 if number % 2 == 0 else -(number + 1) // 2
        value = before if mode & 16 else base + number
        need(-(2**63) <= value < 2**63)
        is_null = bitmap and data[9 + width * count + i // 8] >> i % 8 & 1
        values.append(None if is_null else value)
    return values


def read_integers(data: Any, count: int) -> list[int]:
    need(is_bytes(data))
    values = read_column(data, count)
    need(None not in values)
    return [v for v in values if v is not None]


# -- 5. cryptography ---------------------------------------------------------------------------------------------


def verify(public: bytes, context: bytes, message: bytes, signature: bytes, code: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, context + b"\0" + message)
    except (InvalidSignature, ValueError) as error:
        raise Refused(code) from error


def open_sealed(secret: bytes, sealed: bytes, purpose: bytes, aad: bytes = b"") -> bytes:
    need(sealed[:1] == b"\x01", "cannot_open")
    parts = (b"mektep sealed v1", purpose, aad)
    info = sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        return bytes(suite.decrypt(sealed[1:], X25519PrivateKey.from_private_bytes(secret), info))
    except (InvalidTag, ValueError) as error:
        raise Refused("cannot_open") from error


def derive(secret: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


# -- the data dictionary -----------------------------------------------------------------------------------------


@functools.cache
def dictionary() -> dict[int, dict[str, Any]]:
    """Table number -> ``key`` (how many parts) and ``columns`` (number -> type and scope) beside the key."""
    tables: dict[int, dict[str, Any]] = {}
    for chapter in re.split(r"^## ", DICTIONARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        number = re.match(r"(\d+)\. ", chapter)
        key = re.search(r"^Key: ([^.]+)\.", chapter, re.MULTILINE)
        if number is None or key is None:
            continue
        names = re.findall(r"`(\w+)`", key[1])
        cells = [line.split("|") for line in chapter.splitlines() if re.match(r"\| \d", line)]
        columns = {
            int(c[1]): (c[3].strip(), c[4].strip()) for c in cells if c[2].strip().strip("`") not in names
        }
        tables[int(number[1])] = {"key": len(names), "columns": columns}
    return tables


def is_open(table: int, column: int, school: int) -> bool:
    scope = dictionary().get(table, {"columns": {}})["columns"].get(column, ("", ""))[1]
    return scope == "district" or (scope == "reference" and school == 0)


def is_districts(table: int) -> bool:
    return any(scope == "district" for n, (_, scope) in dictionary()[table]["columns"].items() if n != 1)


def check_value(table: int, column: int, value: Any) -> None:
    need(value is None or type(value) in (int, str, bytes))
    kind = dictionary().get(table, {"columns": {}})["columns"].get(column, ("", ""))[0]
    if value is None or not kind:
        return
    if kind in INTEGERS:
        need(type(value) is int and abs(value) < 2**63)
    else:
        need(type(value) is (bytes if kind == "bytes" else str))
        need(kind == "bytes" or "\0" not in value)


# -- 6. changesets -----------------------------------------------------------------------------------------------


def read_changeset(
    data: bytes, signer: bytes, school_key: bytes | None, nodes: tuple[bytes, ...] = ()
) -> dict[str, Any]:
    """Header, hash, amendment if any, the changes of the district part, and all changes."""
    need(len(data) <= 67_584)
    items = read_cbor(data)
    need(type(items) is list and len(items) >= 4 and all(is_bytes(item) for item in items[:4]))
    header_bytes, signature, district, sealed = items[:4]
    need(len(header_bytes) <= 1_024)
    header = read_cbor(header_bytes)
    check_header(header)
    need(sha256(district) == header[10][0])
    salt, amendment = header[9], None
    if sha256(sealed) != header[10][1]:
        amendment = read_amendment(
            items[4] if len(items) > 4 else None, sha256(header_bytes), sha256(sealed), nodes
        )
        salt = amendment[7]
    else:
        need(len(data) <= 65_536)
    verify(signer, b"mektep changeset v1", header_bytes, signature, "wrong_signer")
    opened = read_groups(unpack(district), header)
    for change in opened.values():
        check_open(change, header[2])
    changes = {number: {**change, "values": dict(change["values"])} for number, change in opened.items()}
    if header[2] != 0:
        need(school_key is not None)
        add_school_part(changes, header, sealed, school_key or b"", salt)
    need(sorted(changes) == list(range(header[4], header[5] + 1)))
    return {
        "header": header,
        "hash": sha256(header_bytes),
        "amendment": amendment,
        "district": [opened[n] for n in sorted(opened)],
        "changes": [changes[n] for n in sorted(changes)],
    }


def read_amendment(item: Any, changeset: bytes, part: bytes, nodes: tuple[bytes, ...]) -> dict[Any, Any]:
    """The record that stands behind a school part the header does not name."""
    need(is_bytes(item) and len(item) <= 1_024)
    pair = read_cbor(item)
    need(type(pair) is list and len(pair) == 2 and all(map(is_bytes, pair)))
    record = read_cbor(pair[0])
    need(type(record) is dict and record.get(1) == 1)
    need(all(is_bytes(record.get(n), 32) for n in (2, 4, 5, 7, 9)))
    need(all(is_number(record.get(n), 0, 2**63 - 1) for n in (3, 6, 8)))
    need(type(record.get(10)) is str and len(record[10]) <= 64)
    need(record[2] == changeset and record[5] == part)
    need(record[9] in nodes, "wrong_signer")
    verify(record[9], b"mektep amendment v1", pair[0], pair[1], "wrong_signer")
    return dict(record)


def check_header(header: Any) -> None:
    need(type(header) is dict and header.get(1) == 1)
    need(all(is_number(header.get(n)) for n in (2, 3, 4, 5, 7, 8, 11)))
    need(header[3] < 2**31 and 1 <= header[4] <= header[5] < header[4] + 65_536)
    need(is_bytes(header.get(6), 32) and is_bytes(header.get(9), 32))
    parts = header.get(10)
    need(type(parts) is list and len(parts) == 2 and all(is_bytes(part, 32) for part in parts))
    need(header.get(12) is None or is_bytes(header[12], 32))
    need(header.get(13) is None or is_bytes(header[13], 16))
    line = header.get(14)
    need(line is None or (type(line) is list and len(line) == 2 and all(map(is_number, line))))


def unpack(part: bytes) -> dict[Any, Any]:
    reader = zstandard.ZstdDecompressor(max_window_size=8 * 2**20).decompressobj()
    plain, at = b"", 0
    try:
        while at < len(part) and not reader.eof:
            plain += reader.decompress(part[at : at + 256])
            at += 256
            need(len(plain) <= 4 * 2**20)
    except zstandard.ZstdError as error:
        raise Refused() from error
    need(reader.eof and at >= len(part) and not reader.unused_data)
    found = read_cbor(plain)
    need(type(found) is dict and type(found.get(1)) is list)
    return dict(found)


def read_groups(part: dict[Any, Any], header: dict[Any, Any]) -> dict[int, dict[str, Any]]:
    changes: dict[int, dict[str, Any]] = {}
    left = header[5] - header[4] + 1
    for group in part[1]:
        need(type(group) is dict)
        table, count = group.get(0), group.get(1)
        need(is_number(table, 0, 2**31 - 1) and is_number(count, 1, left))
        left -= count
        columns, packed, erase = group.get(5), group.get(6), group.get(7, 0)
        need(type(columns) is list and type(packed) is list and len(columns) == len(packed) <= 256)
        need(all(is_number(c, 1, 2**31 - 1) for c in columns) and len(set(columns)) == len(columns))
        need(type(erase) is int and erase in (0, 1))
        numbers = read_integers(group.get(2), count)
        clocks, keys = [0] * count, [()] * count
        if table:
            clocks = read_integers(group.get(3), count)
            need(min(clocks) >= 0)
            keys = read_keys(group.get(4), table, count)
        values = [read_values(p, table, c, count) for c, p in zip(columns, packed, strict=True)]
        for i, number in enumerate(numbers):
            need(header[4] <= number <= header[5] and number not in changes)
            changes[number] = {
                "number": number,
                "clock": clocks[i],
                "actor": None,
                "table": table,
                "key": list(keys[i]),
                "values": {c: column[i] for c, column in zip(columns, values, strict=True)},
                "erase": bool(erase),
            }
    return changes


def read_keys(packed: Any, table: int, count: int) -> list[Any]:
    need(type(packed) is list and 1 <= len(packed) <= 8)
    need(table not in dictionary() or len(packed) == dictionary()[table]["key"])
    return list(zip(*(read_integers(part, count) for part in packed), strict=True))


def read_values(packed: Any, table: int, column: int, count: int) -> list[Any]:
    if type(packed) is list:
        need(len(packed) == count)
        values: list[Any] = packed
    else:
        need(is_bytes(packed))
        values = list(read_column(packed, count))
    for value in values:
        check_value(table, column, value)
    return values


def check_open(change: dict[str, Any], school: int) -> None:
    table = change["table"]
    need(table != 0)
    if table in dictionary():
        need(is_districts(table) or school == 0)
        known = dictionary()[table]["columns"]
        need(all(is_open(table, column, school) for column in change["values"] if column in known))


def add_school_part(
    changes: dict[int, Any], header: dict[Any, Any], sealed: bytes, key: bytes, salt: bytes
) -> None:
    bound = write_cbor({n: value for n, value in header.items() if n != 10})
    material = derive(key, salt, b"mektep school part v1", 44)
    try:
        plain = AESGCM(material[:32]).decrypt(material[32:], sealed, bound)
    except (InvalidTag, ValueError) as error:
        raise Refused() from error
    part = unpack(plain)
    for number, change in read_groups(part, header).items():
        if change["table"] == 0:
            need(number in changes)
            half, whole = change["values"], changes[number]
            for column, value in half.items():
                need(column not in whole["values"] and not is_open(whole["table"], column, header[2]))
                check_value(whole["table"], column, value)
            whole["values"].update(half)
        else:
            need(number not in changes)
            need(change["table"] not in dictionary() or not is_districts(change["table"]))
            changes[number] = change
    actors = read_integers(part.get(2), header[5] - header[4] + 1)
    for number, actor in enumerate(actors, header[4]):
        if number in changes:
            changes[number]["actor"] = actor


# -- 7. receipts -------------------------------------------------------------------------------------------------


def read_receipt(
    hub: bytes, school: int, position: int, hashed: bytes, before: bytes, receipt: bytes
) -> bytes:
    """The head of the stream with this changeset."""
    head = sha256(before + hashed)
    body = write_cbor([school, position, hashed, head])
    verify(hub, b"mektep receipt v1", body, receipt, "hub_answer")
    return head


# -- 8. messages -------------------------------------------------------------------------------------------------


def is_list(value: Any, *kinds: Any) -> bool:
    """An array, and if kinds are given of exactly such items."""
    return type(value) is list and (
        not kinds
        or (len(value) == len(kinds) and all(kind(item) for kind, item in zip(kinds, value, strict=True)))
    )


def is_key(value: Any) -> bool:
    return is_bytes(value, 32)


def is_epoch(value: Any) -> bool:
    return is_list(value, lambda n: is_number(n, 1, 2**31 - 1), is_key, lambda key: is_bytes(key, 113))


def is_entry(value: Any) -> bool:
    return is_list(value, is_number, is_key, is_bytes, lambda e: e is None or is_bytes(e))


def list_of(kind: Any, most: int | None = None) -> Any:
    return lambda value: (
        type(value) is list and (most is None or len(value) <= most) and all(map(kind, value))
    )


def is_text(value: Any) -> bool:
    return type(value) is str


REQUEST = {
    **dict.fromkeys((2, 3, 4, 5, 8, 10, 12, 13, 15), is_number),
    1: is_key,
    6: lambda value: is_list(value, is_number, is_number),
    7: list_of(is_bytes, 4_096),
    9: lambda value: is_number(value, 0, 2**31 - 1),
    11: lambda value: type(value) is dict,
    14: list_of(is_key, 4_096),
    16: list_of(is_epoch, 4_096),
    17: list_of(is_key, 4_096),
    18: lambda value: is_bytes(value) and len(value) in (0, 32),
    23: list_of(lambda value: is_list(value, is_bytes, is_bytes, is_bytes), 4_096),
    24: is_number,
}
ANSWER = {
    **dict.fromkeys((3, 4, 9, 10, 12, 18), is_number),
    1: is_bytes,
    2: is_bytes,
    5: list_of(is_bytes),
    6: list_of(lambda value: is_list(value, is_bytes, is_text, is_text)),
    7: list_of(is_entry),
    8: list_of(is_entry),
    11: is_bytes,
    13: lambda value: is_list(value, is_number, is_bytes),
    14: list_of(lambda value: is_list(value, is_key, is_key, is_number, is_bytes, is_number)),
    15: list_of(is_epoch),
    16: is_text,
    17: list_of(lambda value: is_list(value, is_key, is_key)),
    25: list_of(lambda value: is_list(value, is_number, is_bytes, is_bytes, is_bytes)),
    26: is_number,
}


def read_request(message: bytes, hub_secret: bytes) -> tuple[dict[Any, Any], bytes]:
    """Fields, and the hash that names the request."""
    need(len(message) <= 16 * 2**20, "too_large")
    items = read_cbor(open_sealed(hub_secret, message, b"mektep request v1"))
    need(is_list(items, is_bytes, is_bytes))
    fields = read_cbor(items[0])
    need(type(fields) is dict and fields.keys() >= {1, 2, 3, 4, 5})
    need(all(kind(fields[n]) for n, kind in REQUEST.items() if n in fields))
    verify(fields[1], b"mektep request v1", items[0], items[1], "wrong_signer")
    return fields, sha256(items[0])


def read_answer(
    message: bytes, node_secret: bytes, hub: bytes, node: bytes, request: bytes
) -> dict[Any, Any]:
    """Fields of an answer, or of a refusal: field 2 of that is text."""
    is_sealed = message[:1] == b"\x01"
    try:
        items = read_cbor(open_sealed(node_secret, message, b"mektep answer v1") if is_sealed else message)
        need(is_list(items, is_bytes, is_bytes))
        fields = read_cbor(items[0])
    except Refused as error:
        raise Refused("hub_answer") from error
    verify(hub, b"mektep answer v1", items[0], items[1], "impostor_hub")
    need(type(fields) is dict and fields.get(1) == request, "hub_answer")
    if not is_sealed:
        need(is_text(fields.get(2)), "hub_answer")
        return dict(fields)
    need(fields.keys() >= {1, 2, 3, 4} and fields[2] == node, "hub_answer")
    need(all(kind(fields[n]) for n, kind in ANSWER.items() if n in fields), "hub_answer")
    return dict(fields)


def read_hub(message: bytes) -> tuple[bytes, bytes]:
    try:
        items = read_cbor(message)
        need(is_list(items, is_key, is_key, is_bytes))
    except Refused as error:
        raise Refused("hub_answer") from error
    verify(items[0], b"mektep hub v1", items[1], items[2], "hub_answer")
    return items[0], items[1]


# -- 2, 9, 14. names ---------------------------------------------------------------------------------------------

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def origin_name(public: bytes, incarnation: bytes) -> int:
    hashed = sha256(b"mektep origin v1\0" + public + incarnation)
    while not (origin := int.from_bytes(hashed[:4], "big") % 2**31):
        hashed = sha256(hashed)
    return origin


def read_code(text: str) -> tuple[bytes, bytes]:
    """Fingerprint of the hub, and secret."""
    symbols = re.sub(r"[\s-]", "", text).upper().translate(str.maketrans("OIL", "011"))
    need(len(symbols) == 25 and all(symbol in BASE32 for symbol in symbols[:24]), "wrong_code")
    number = functools.reduce(lambda n, symbol: n * 32 + BASE32.index(symbol), symbols[:24], 0)
    need(symbols[24] == (BASE32 + "*~$=U")[number % 37], "wrong_code")
    data = number.to_bytes(15, "big")
    return data[:10], data[10:]


def fingerprint(hub: bytes) -> bytes:
    return sha256(b"mektep hub key v1\0" + hub)[:10]


def commitment(secret: bytes, signing: bytes, opening: bytes, hub: bytes) -> bytes:
    return sha256(b"mektep join commitment v1\0" + secret + signing + opening + hub)


def six_words(secret: bytes) -> str:
    data = secret
    data += sha256(b"mektep words v1\0" + data)[:2]
    consonants, vowels = "bdfghjklmnprstvz", "aiou"
    words = []
    for at in range(0, 12, 2):
        n = int.from_bytes(data[at : at + 2], "big")
        letters = (consonants[n >> 12], vowels[n >> 10 & 3], consonants[n >> 6 & 15], vowels[n >> 4 & 3])
        words.append("".join(letters) + consonants[n & 15])
    return " ".join(words)


def recovery_secrets(kit: bytes) -> tuple[bytes, bytes]:
    """Secret keys to open and to sign."""
    opening = derive(kit, None, b"mektep recovery key v1", 32)
    return opening, derive(kit, None, b"mektep recovery signing v1", 32)


def recovery_keys(kit: bytes) -> tuple[bytes, bytes]:
    opening, signing = recovery_secrets(kit)
    return (
        X25519PrivateKey.from_private_bytes(opening).public_key().public_bytes_raw(),
        Ed25519PrivateKey.from_private_bytes(signing).public_key().public_bytes_raw(),
    )


def incarnation_anew(origin: int, change: dict[str, Any]) -> bytes:
    c = change
    fact = [origin, c["number"], c["clock"], c["actor"], c["table"], c["key"], c["values"], c["erase"]]
    return sha256(b"mektep reauthor v1\0" + write_cbor(fact))[:16]


# -- 11. bundles -------------------------------------------------------------------------------------------------


def read_bundle(data: bytes) -> bytes:
    message = data[48:]
    head = b"MEKTEP1\n" + len(message).to_bytes(8, "big") + sha256(message)
    need(data[:48] == head, "flawed_bundle")
    return message


# -- 14. merge ---------------------------------------------------------------------------------------------------

Entry = dict[str, Any]


def saw(x: Entry, h: Entry, lineage: dict[int, tuple[int, int]]) -> bool:
    if h["position"] is not None and h["position"] <= x["seen"]:
        return True
    origin, number = x["origin"], x["number"]
    while origin != h["origin"]:
        if origin not in lineage:
            return False
        origin, number = lineage[origin][0], lineage[origin][1] + 1
    return bool(h["number"] < number)


def merge(
    units: dict[str, list[tuple[int, Any]]], entries: list[Entry], lineage: dict[int, tuple[int, int]]
) -> tuple[dict[int, Any], list[str]]:
    """What a row shows beside its defaults, and its units in conflict."""
    shown: dict[int, Any] = {}
    conflicts: set[str] = set()

    def rank(entry: Entry) -> tuple[int, int, int]:
        return entry["clock"], entry["origin"], entry["number"]

    def heads_of(columns: list[tuple[int, Any]]) -> list[Entry]:
        named = [e for e in entries if any(n in e["values"] for n, _ in columns)]
        heads = [h for h in named if not any(x is not h and saw(x, h, lineage) for x in named)]
        erasing = [e for e in named if e["erase"]]
        if erasing:
            heads = [h for h in heads if h["erase"] or all(saw(h, e, lineage) for e in erasing)]
            heads = heads or [max(erasing, key=rank)]
        return heads

    for unit, columns in units.items():
        heads = heads_of(columns)
        if not heads:
            continue
        sets = [tuple(h["values"].get(n, default) for n, default in columns) for h in heads]
        winner = sets[heads.index(max(heads, key=rank))]
        shown |= {n: v for (n, default), v in zip(columns, winner, strict=True) if v != default}
        if len(set(sets)) > 1:
            conflicts.add(unit)
    retiring = [h for h in heads_of([(1, None)]) if h["values"].get(1) is not None]
    editing = [e for e in entries if e["values"].get(1) is None]
    if shown.get(1) is not None and any(
        not saw(e, h, lineage) and not saw(h, e, lineage) for h in retiring for e in editing
    ):
        conflicts.add("retired_at")
    return shown, sorted(conflicts)


# -- 15. the digest ----------------------------------------------------------------------------------------------


def cell(table: int, key: list[int], column: int, value: Any) -> int:
    body = b"b" if value is None else b"b" + value if is_bytes(value) else b""
    if type(value) is int:
        body = b"i" + str(value).encode("ascii")
    elif type(value) is str:
        body = b"t" + value.encode("utf-8")
    text = f"{table}|{','.join(map(str, key))}|{column}|".encode("ascii")
    return int.from_bytes(hashlib.blake2b(text + body, digest_size=32).digest(), "little")


def digest(rows: list[tuple[int, list[int], dict[int, Any]]]) -> bytes:
    """Of rows with the open values that are not at their defaults."""
    total = 0
    for table, key, values in rows:
        total += cell(table, key, 0, 1) + sum(cell(table, key, n, v) for n, v in values.items())
    return (total % 2**256).to_bytes(32, "little")
