"""Makes the vectors from fixed seeds; the texts say what each one shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from shared import crypto
from shared.keys import RegistrationCode, recovery_keypair, recovery_signer, six_words
from shared.schema import BY_NAME, Table
from sync import amendment, digest, fork
from sync.amendment import Amendment
from sync.cbor import pack
from sync.change import NO_HASH, Change, Header
from sync.codec import (
    Envelope,
    _header_map,
    encode,
    is_open,
    open_envelope,
    open_sealed,
    seal_again,
)
from sync.columns import pack_integers
from sync.merge import NOWHERE, Entry, resolve
from sync.messages import (
    Answer,
    Request,
    StreamEntry,
    describe_hub,
    named_fields,
    next_head,
    sign_receipt,
)
from sync.registration import commitment, first_tag, join_body
from sync.transport.folder import bundle_of
from tests.forging import Forged, compress, group
from tests.vectors import (
    HUB,
    HUB_OPENING,
    INCARNATION,
    NODE,
    NODE_OPENING,
    ORIGIN,
    SCHOOL,
    SCHOOL_KEY,
    STRANGER,
    Vector,
    plain,
    seal,
    seed,
)

PERSON, PUPIL, MARK, SUBJECT = (BY_NAME[name].number for name in ("person", "pupil", "mark", "subject"))
ROW = ORIGIN << 32
CLOCK = 1_790_000_000_000 << 16


def build() -> dict[str, dict[str, Any]]:
    """File name -> its content."""
    return {
        "columns": columns(),
        "cbor": cbor(),
        "names": names(),
        "changesets": changesets(),
        "amendments": amendments(),
        "receipts": receipts(),
        "messages": messages(),
        "bundles": bundles(),
        "merge": merge(),
        "digest": digests(),
    }


def flawed(name: str, reason: str, **more: Any) -> Vector:
    return {"name": name, **more, "problem": "flawed_changeset", "reason": reason}


# -- columns -----------------------------------------------------------------------------------------------------


def columns() -> dict[str, Any]:
    made: list[tuple[str, Sequence[int | None]]] = [
        ("none", []),
        ("one", [7]),
        ("equal: width 0", [5, 5, 5, 5]),
        ("a run: differences of width 0 but for the first", [1, 2, 3, 4, 5]),
        ("one byte over the least", [1_000, 1_003, 1_001, 1_255]),
        ("two bytes, in planes", [0, 258, 65_535, 1]),
        ("four bytes", [0, 2**32 - 1, 77]),
        ("eight bytes", [-(2**63), 2**63 - 1, 0]),
        ("row ids that grow: differences", [ROW + n * 3 for n in range(1, 9)]),
        ("falling: negative differences", [10**12, 10**12 - 1, 10**12 - 7, 10**12 - 300]),
        ("nulls repeat the value before them", [3, None, 9, None, None, 4, 4, 4, 4]),
        ("a null first", [None, None, 6, 2]),
        ("nulls alone", [None, None, None]),
    ]
    valid = [
        {"name": n, "values": list(v), "count": len(v), "bytes": pack_integers(v).hex()} for n, v in made
    ]
    others = [
        ("wider than needed", [5, 6], "04" + _base(0) + "0506" + "0000" * 3),
        ("differences where plain is shorter", [8, 7], "11" + _base(7) + "0201"),
        ("base elsewhere, differences from it", [12, 10], "11" + _base(10) + "0403"),
        ("a null with any number under it", [None, 2], "21" + _base(0) + "ff02" + "01"),
    ]
    valid += [{"name": n, "values": v, "count": 2, "bytes": b, "reader_only": True} for n, v, b in others]
    bad = [
        ("empty", 1, "", "a column is cut short"),
        ("a head cut short", 1, "00" + "00" * 7, "a column is cut short"),
        ("an unknown bit", 1, "40" + _base(1), "a column has an unknown form"),
        ("a width of three", 1, "03" + _base(1) + "000000", "a column has an unknown form"),
        ("a byte too few", 3, "01" + _base(1) + "0001", "a column has a wrong length"),
        ("a byte too many", 3, "01" + _base(1) + "00010203", "a column has a wrong length"),
        ("no bitmap", 1, "20" + _base(1), "a column has a wrong length"),
        ("more than 64 bits", 1, "01" + _base(2**63 - 1) + "01", "a column holds a number out of range"),
        ("less than 64 bits", 1, "11" + _base(-(2**63)) + "01", "a column holds a number out of range"),
    ]
    tampered = [flawed(n, r, count=c, bytes=b) for n, c, b, r in bad]
    return {"about": "Integer columns, section 4.", "valid": valid, "tampered": tampered}


def _base(number: int) -> str:
    return number.to_bytes(8, "little", signed=True).hex()


# -- CBOR --------------------------------------------------------------------------------------------------------


def cbor() -> dict[str, Any]:
    values: list[tuple[str, Any]] = [
        ("zero", 0),
        ("the shortest forms", [23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32]),
        ("the bounds", [-(2**63), 2**64 - 1]),
        ("bytes, text, null, yes, no", [b"\x00\xff", "Осмонова Айгүл", None, True, False]),
        ("keys by length, then by byte", {300: 1, 24: 2, "a": 3, 1: 4, -1: 5, "": 6}),
        ("eight levels", [[[[[[[[1]]]]]]]]),
    ]
    valid = [{"name": n, "value": plain(v), "bytes": pack(v).hex()} for n, v in values]
    bad = [
        ("nothing", "", "it is not readable"),
        ("cut short", "8201", "it is not readable"),
        ("something after it", "0000", "it is not in its one form"),
        ("a number longer than needed", "1800", "it is not in its one form"),
        ("a length longer than needed", "5801ff", "it is not in its one form"),
        ("keys out of order", "a202000100", "it is not in its one form"),
        ("a key twice", "a201000101", "it is not readable"),
        ("an indefinite array", "9f00ff", "it is not readable"),
        ("a float", "fb3ff0000000000000", "it holds a value of a wrong type"),
        ("a half float", "f93c00", "it holds a value of a wrong type"),
        ("undefined", "f7", "it holds a value of a wrong type"),
        ("a tag", "c11a00000000", "it holds a value of a wrong type"),
        ("a great number", "c249010000000000000000", "it holds a number out of range"),
        ("a small number written as a great one", "c24101", "it is not in its one form"),
        ("a number below 64 bits", "3b8000000000000000", "it holds a number out of range"),
        ("a key of a wrong type", "a1f600", "it holds a key of a wrong type"),
        ("text that is no UTF-8", "62eda0", "it is not readable"),
        ("nine levels", "81" * 9 + "00", "it is not readable"),
        ("a length without its bytes", "5b0000ffffffffffff", "it is not readable"),
    ]
    tampered = [flawed(n, r, bytes=b) for n, b, r in bad]
    return {"about": "The one form of CBOR, section 3.", "valid": valid, "tampered": tampered}


# -- names -------------------------------------------------------------------------------------------------------


def names() -> dict[str, Any]:
    """Origins, codes, words, recovery keys, the incarnation of a line written anew."""
    valid: list[Vector] = []
    for n in range(3):
        incarnation = seed(f"incarnation {n}")[:16]
        origin = crypto.origin_name(NODE.public, incarnation)
        valid.append(
            {
                "kind": "origin",
                "public": NODE.public.hex(),
                "incarnation": incarnation.hex(),
                "origin": origin,
                "first_row": origin << 32 | 1,
            }
        )
    code = RegistrationCode(RegistrationCode.create(HUB.public).fingerprint, seed("code")[:5])
    shown = {"kind": "code", "hub": HUB.public.hex(), "secret": code.secret.hex(), "text": code.text}
    typed = {**shown, "text": code.text.lower().replace("-", " "), "reader_only": True}
    valid += [shown, typed]
    secret = seed("six words")[:10]
    valid.append(
        {
            "kind": "words",
            "signing": NODE.public.hex(),
            "opening": NODE_OPENING.public.hex(),
            "hub": HUB.public.hex(),
            "secret": secret.hex(),
            "words": six_words(secret),
            "commitment": commitment(secret, NODE.public, NODE_OPENING.public, HUB.public).hex(),
        }
    )
    kit = seed("kit")[:16]
    valid.append(
        {
            "kind": "recovery",
            "secret": kit.hex(),
            "opening": recovery_keypair(kit).public.hex(),
            "signing": recovery_signer(kit).public.hex(),
        }
    )
    change = Change(9, CLOCK, ROW | 3, PERSON, (ROW | 7,), {2: "f", 4: "Осмонова", 12: b"\x00\xff"})
    valid.append(
        {
            "kind": "line written anew",
            "origin": ORIGIN,
            "change": _shown(change),
            "incarnation": fork._follows_from(ORIGIN, change).hex(),
        }
    )
    wrong = [
        ("one symbol changed", code.text[:-6] + ("A" if code.text[-6] != "A" else "B") + code.text[-5:]),
        ("two symbols exchanged", _exchanged(code.text)),
        ("one symbol missing", code.text[:-1]),
        ("one symbol too many", code.text + "0"),
        ("a symbol that is none", "!" + code.text[1:]),
        ("nothing", ""),
    ]
    tampered = [{"kind": "code", "name": n, "text": t, "problem": "wrong_code"} for n, t in wrong]
    return {
        "about": "Origins, sections 2 and 14; codes, words, keys, section 9.",
        "valid": valid,
        "tampered": tampered,
    }


def _exchanged(text: str) -> str:
    at = next(i for i in range(len(text) - 1) if text[i] != text[i + 1] and "-" not in text[i : i + 2])
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


# -- changesets --------------------------------------------------------------------------------------------------


def changesets() -> dict[str, Any]:
    valid = list(_valid_changesets())
    tampered = list(_tampered_changesets())
    return {"about": "Changesets, section 6; the keys of section 5.", "valid": valid, "tampered": tampered}


def _header(first: int, last: int, name: str, **more: Any) -> Header:
    fields: dict[str, Any] = {
        "school": SCHOOL,
        "origin": ORIGIN,
        "first": first,
        "last": last,
        "previous": NO_HASH,
        "seen": 0,
        "epoch": 1,
        "salt": seed(f"salt {name}"),
        "parts": (NO_HASH, NO_HASH),
        "version": 1,
    }
    return Header(**(fields | more))


def a_day() -> list[Change]:
    """A class's marks of one lesson and a few people: what columns are good at."""
    people = [
        Change(n, CLOCK, ROW | 1, PERSON, (ROW | n,), {2: "fm"[n % 2], 3: 2_010 + n % 3})
        for n in range(1, 13)
    ]
    marks = [
        Change(
            12 + n,
            CLOCK + 65_536 * n,
            ROW | 2,
            MARK,
            (ROW | 1, 20_700, 3, ROW | n, 0),
            {7: n % 5, 8: None, 9: 1},
        )
        for n in range(1, 13)
    ]
    return people + marks


def some_changes() -> list[Change]:
    """Every kind of value, both halves of a change, an erasure, a retirement."""
    return [
        Change(4, CLOCK, ROW | 9, PERSON, (ROW | 1,), {2: "f", 3: 2_010, 4: "Осмонова", 12: b"\x00\xff"}),
        Change(5, CLOCK + 1, ROW | 9, PERSON, (ROW | 1,), {4: None}, erase=True),
        Change(6, CLOCK + 2, 0, MARK, (ROW | 1, -3, 2, ROW | 9, 0), {7: 5, 8: None, 9: 1}),
        Change(7, CLOCK + 3, ROW | 9, PUPIL, (ROW | 1,), {1: 1_790_000_000_000, 6: "Ж-17"}),
        Change(8, CLOCK + 3, ROW | 9, PUPIL, (ROW | 2,), {}),
    ]


def _valid_changesets() -> Iterator[Vector]:
    first = encode(
        _header(1, 24, "first", node=NODE.public, incarnation=INCARNATION), a_day(), SCHOOL_KEY, NODE
    )
    yield _changeset("the first of an origin", first, NODE, a_day())
    second = _header(4, 8, "some", previous=first.hash, seen=17)
    yield _changeset(
        "every kind of value; an erasure; a retirement",
        encode(second, some_changes(), SCHOOL_KEY, NODE),
        NODE,
        some_changes(),
    )
    incarnation = seed("incarnation 2")[:16]
    origin = crypto.origin_name(NODE.public, incarnation)
    later = [Change(1, CLOCK, ROW | 1, PERSON, (ROW | 2,), {3: 2_011})]
    line = _header(
        1, 1, "line", origin=origin, seen=3, node=NODE.public, incarnation=incarnation, continues=(ORIGIN, 8)
    )
    yield _changeset("a later incarnation", encode(line, later, SCHOOL_KEY, NODE), NODE, later)
    subject = [
        Change(1, CLOCK, None, SUBJECT, (2**31,), {2: "bio", 5: "Биология", 6: "Биология", 7: "Biology"}),
        Change(2, CLOCK, None, SUBJECT, (2**31 + 1,), {2: "geo"}),
    ]
    own = _header(1, 2, "hub", school=0, origin=0, epoch=0)
    yield _changeset("of the hub's own: one part", encode(own, subject, None, HUB), HUB, subject)
    future = [
        Change(1, CLOCK, ROW | 1, 999, (ROW | 1, 2), {5: "later", 6: 7}),
        Change(2, CLOCK, ROW | 1, PERSON, (ROW | 1,), {2: "m", 900: b"later"}),
    ]
    newer = _header(1, 2, "newer", version=7, unknown={15: "later", "x": [1]})
    yield _changeset("of a newer release", encode(newer, future, SCHOOL_KEY, NODE), NODE, future)
    open_future = forged("open future").but(
        district=[
            group(PERSON, [1], [[ROW | 1]], {2: ["f"], 900: pack_integers([5])}),
            group(998, [2], [[1]], {3: ["x"]}),
        ],
        h5=2,
        extra=[b"amended", 7],
    )
    yield _forged_changeset(
        "unknown tables and columns in the open, unknown items",
        open_future,
        [
            Change(1, 1_000, 0, PERSON, (ROW | 1,), {2: "f", 900: 5}),
            Change(2, 1_000, 0, 998, (1,), {3: "x"}),
        ],
    )


def _changeset(name: str, envelope: Envelope, signer: crypto.SigningKey, changes: Sequence[Change]) -> Vector:
    h = envelope.header
    fields = {
        "school": h.school,
        "origin": h.origin,
        "first": h.first,
        "last": h.last,
        "previous": h.previous.hex(),
        "seen": h.seen,
        "epoch": h.epoch,
        "salt": h.salt.hex(),
        "parts": [part.hex() for part in h.parts],
        "version": h.version,
        "node": h.node.hex() if h.node else None,
        "incarnation": h.incarnation.hex() if h.incarnation else None,
        "continues": list(h.continues) if h.continues else None,
        "unknown": plain(h.unknown),
    }
    return {
        "name": name,
        "signer": signer.public.hex(),
        "school_key": SCHOOL_KEY.hex() if h.school else None,
        "hash": envelope.hash.hex(),
        "header": fields,
        "district": [_shown(half) for c in changes if (half := _open_half(c, h.school)) is not None],
        "changes": [_shown(c) for c in changes],
        "envelope": envelope.data.hex(),
    }


def _open_half(change: Change, school: int) -> Change | None:
    table = next((t for t in BY_NAME.values() if t.number == change.table), None)
    if table is None or not (table.on_hub or school == 0):
        return None
    values = {n: v for n, v in change.values.items() if is_open(change.table, n, school)}
    return replace(change, actor=None, values=values)


def _forged_changeset(name: str, made: Forged, changes: Sequence[Change]) -> Vector:
    vector = _changeset(name, open_envelope(made.data), made.signer, changes)
    vector["district"] = [_shown(replace(c, actor=None)) for c in changes]
    return vector


def _shown(change: Change) -> Vector:
    return {
        "number": change.number,
        "clock": change.clock,
        "actor": change.actor,
        "table": change.table,
        "key": list(change.key),
        "values": [[n, plain(v)] for n, v in sorted(change.values.items())],
        "erase": change.erase,
    }


def forged(name: str) -> Forged:
    """A small honest changeset to tamper with."""
    fields: dict[int, object] = {
        1: 1,
        2: SCHOOL,
        3: ORIGIN,
        4: 1,
        5: 1,
        6: NO_HASH,
        7: 0,
        8: 1,
        9: seed(f"salt {name}"),
        11: 1,
    }
    return Forged(NODE, fields, SCHOOL_KEY, [group(PERSON, [1], [[ROW | 1]], {2: ["f"]})])


def _person(**values: Any) -> list[dict[int, object]]:
    return [group(PERSON, [1], [[ROW | 1]], {int(n[1:]): v for n, v in values.items()})]


def _half(values: dict[int, object], number: int = 1) -> list[dict[int, object]]:
    return [group(0, [number], [], values)]


def _tampered_changesets() -> Iterator[Vector]:
    good = encode(_header(4, 8, "some", previous=seed("previous"), seen=17), some_changes(), SCHOOL_KEY, NODE)
    cases: list[tuple[str, str, bytes]] = [
        ("cut short", "the envelope is not readable", good.data[:-1]),
        ("a byte too many", "the envelope is not in its one form", good.data + b"\0"),
        (
            "three items",
            "the envelope has a wrong form",
            pack([good.header_bytes, good.signature, good.district]),
        ),
        ("no array", "the envelope has a wrong form", pack({0: good.header_bytes})),
        (
            "too large",
            "it is larger than allowed",
            pack([good.header_bytes, good.signature, bytes(65_536), b""]),
        ),
        (
            "the district part changed",
            "a part does not belong to the header",
            pack([good.header_bytes, good.signature, good.district + b"\0", good.school]),
        ),
        (
            "the school part left out",
            "a part does not belong to the header",
            pack([good.header_bytes, good.signature, good.district, b""]),
        ),
    ]
    for name, reason, data in cases:
        yield _tampered(name, reason, data)
    keys = {"signer": NODE.public.hex(), "school_key": SCHOOL_KEY.hex(), "problem": "wrong_signer"}
    yield {"name": "a field of the header changed", **keys, "envelope": _changed_header(good).hex()}
    yield {"name": "signed by another", **keys, "envelope": forged("x").but(signer=STRANGER).data.hex()}
    for name, reason, made in _forgeries():
        yield _tampered(name, reason, made.data)
    yield {
        **_tampered("another school key", "the school part cannot be opened", good.data),
        "school_key": seed("school key 2").hex(),
    }


def _changed_header(good: Envelope) -> bytes:
    """Still in its one form: the position its author had seen is another."""
    named = replace(good.header, seen=good.header.seen + 1)
    return pack([pack(_header_map(named)), good.signature, good.district, good.school])


def _tampered(name: str, reason: str, data: bytes) -> Vector:
    keys = {"signer": NODE.public.hex(), "school_key": SCHOOL_KEY.hex()}
    return flawed(name, reason, **keys, envelope=data.hex())


def _forgeries() -> Iterator[tuple[str, str, Forged]]:
    f = forged("forged")
    header = "the header has a wrong form"
    yield "another format", "its format is not known", f.but(h1=2)
    yield "a school of a wrong type", header, f.but(h2="8")
    yield "a number below zero", header, f.but(h7=-1)
    yield "an origin too large", "the header counts wrongly", f.but(h3=2**31)
    yield "last before first", "the header counts wrongly", f.but(h4=2, actors=[])
    yield "too many changes", "the header counts wrongly", f.but(h5=65_537, actors=[0])
    yield "a previous hash too short", header, f.but(h6=bytes(31))
    yield "an incarnation too long", header, f.but(h13=bytes(17))
    yield "continuing one number", header, f.but(h14=[5])
    yield "a header too large", "the header is larger than allowed", f.but(h99=bytes(1_024))
    wrong = "the district part has a wrong form"
    unpacked = "the district part cannot be unpacked"
    yield "no zstd", unpacked, f.but(district=b"no zstd")
    yield "two frames", unpacked, f.but(district=f.parts[0] * 2)
    yield "a frame cut short", unpacked, f.but(district=f.parts[0][:-1])
    yield "a bomb", "the district part is larger than allowed", f.but(district=compress(bytes(40_000_000)))
    yield "a list for a part", wrong, f.but(district=compress(pack([])))
    yield "no groups", wrong, f.but(district=compress(pack({2: 1})))
    counts = "the district part counts wrongly"
    yield "a count too high", counts, f.but(district=[{**_person(c2=["f"])[0], 1: 2}])
    yield "a number outside", counts, f.but(district=[group(PERSON, [2], [[ROW | 1]], {2: ["f"]})])
    yield "a number twice", counts, f.but(district=_person(c2=["f"]) * 2, h5=2)
    yield (
        "a clock below zero",
        "the district part holds a wrong clock",
        f.but(district=[group(PERSON, [1], [[ROW | 1]], {2: ["f"]}, clocks=[-1])]),
    )
    yield (
        "a key too long",
        "the district part holds a wrong key",
        f.but(district=[group(PERSON, [1], [[ROW | 1], [1]], {2: ["f"]})]),
    )
    yield (
        "a column twice",
        "the district part names a wrong column",
        f.but(district=[{**_person(c2=["f"])[0], 5: [2, 2], 6: [["f"], ["f"]]}]),
    )
    kind = "the district part holds a value of a wrong type"
    yield "text for a number", kind, f.but(district=_person(c3=["2010"]))
    yield "a number for text", kind, f.but(district=_person(c2=pack_integers([1])))
    yield "a float's place taken by a list", kind, f.but(district=_person(c2=[["f"]]))
    yield "text with a zero", kind, f.but(district=_person(c2=["f\0"]))
    yield (
        "values for more changes",
        "the district part holds a column of a wrong length",
        f.but(district=_person(c2=["f", "m"])),
    )
    yield (
        "a name in the open",
        "the district part holds a column that is not the district's",
        f.but(district=_person(c4=["Осмонова"])),
    )
    sealed = "the district part holds a table that is not the district's"
    yield (
        "a mark in the open",
        sealed,
        f.but(district=[group(MARK, [1], [[ROW], [1], [1], [ROW], [0]], {7: pack_integers([5])})]),
    )
    yield "a sealed half in the open", sealed, f.but(district=_half({4: ["Осмонова"]}))
    yield "a number missing", "its numbers are not complete", f.but(h5=2)
    yield (
        "a half without its other half",
        "a sealed value belongs to no change",
        f.but(h5=2, school=_half({4: ["Осмонова"]}, 2)),
    )
    yield (
        "a half that replaces what is open",
        "the school part hides a value from the district",
        f.but(school=_half({2: ["m"]})),
    )
    yield (
        "a half with a value of a wrong type",
        "the school part holds a value of a wrong type",
        f.but(school=_half({4: pack_integers([5])})),
    )
    yield (
        "a district's row in the school part",
        "the school part hides a change from the district",
        f.but(district=[], school=_person(c2=["f"])),
    )
    mark = group(MARK, [1], [[ROW], [1], [1], [ROW], [0]], {7: pack_integers([5])})
    yield "a change in both parts", "a change stands in both parts", f.but(school=[mark])
    yield (
        "an actor too many",
        "a column has a wrong length",
        f.but(
            district=[group(PERSON, [1, 2], [[ROW | 1, ROW | 2]], {2: ["f", "f"]})], h5=2, actors=[1, 2, 3]
        ),
    )
    yield "no sealed part", "the school part cannot be opened", f.but(key=None)


# -- receipts ----------------------------------------------------------------------------------------------------


def receipts() -> dict[str, Any]:
    head, valid = NO_HASH, []
    for position in range(1, 4):
        hashed = seed(f"changeset {position}")
        before, head = head, next_head(head, hashed)
        valid.append(_receipt(SCHOOL, position, hashed, before, head))
    last = valid[-1]
    changes: list[tuple[str, Vector]] = [
        ("another position", {"position": 4}),
        ("another school", {"school": SCHOOL + 1}),
        ("another changeset", {"hash": seed("changeset 9").hex()}),
        ("another history", {"before": NO_HASH.hex()}),
        ("signed by a node", {"hub": NODE.public.hex()}),
        ("a byte changed", {"receipt": "00" + last["receipt"][2:]}),
        ("cut short", {"receipt": last["receipt"][:-2]}),
    ]
    tampered = [{"name": n, **last, **c, "problem": "hub_answer"} for n, c in changes]
    return {"about": "Receipts and heads of a stream, section 7.", "valid": valid, "tampered": tampered}


def _receipt(school: int, position: int, hashed: bytes, before: bytes, head: bytes) -> Vector:
    return {
        "hub": HUB.public.hex(),
        "school": school,
        "position": position,
        "hash": hashed.hex(),
        "before": before.hex(),
        "head": head.hex(),
        "receipt": sign_receipt(HUB, school, position, hashed, head).hex(),
    }


# -- amendments --------------------------------------------------------------------------------------------------


def amendments() -> dict[str, Any]:
    return {
        "about": "Amended changesets (section 6): the key and the signing nodes are the school's.",
        "valid": list(_valid_amendments()),
        "tampered": list(_tampered_amendments()),
    }


def _some() -> Envelope:
    return encode(_header(4, 8, "some", seen=17), some_changes(), SCHOOL_KEY, NODE)


AMENDED_KEY = seed("school key 2")


def _amended(
    envelope: Envelope, blanks: dict[int, set[int]], key: bytes, signer: crypto.SigningKey = NODE, **more: Any
) -> Envelope:
    """As `sync.erasure.amend` makes it, without chance; ``more`` replaces fields of the record."""
    part, changes = open_sealed(envelope, key)
    for change in changes:
        change.values |= dict.fromkeys(blanks.get(change.number, set()) & change.values.keys())
    count = envelope.amendment.count + 1 if envelope.amendment else 1
    salt = seed(f"amended salt {count}")
    school = seal_again(envelope.header, part, changes, AMENDED_KEY, salt)
    record = Amendment(
        changeset=envelope.hash,
        count=count,
        old=envelope.part,
        new=crypto.sha256(school),
        epoch=2,
        salt=salt,
        clock=CLOCK + 1,
        node=NODE.public,
        reason="erasure",
    )
    record = replace(record, **more)
    return envelope.amended(school, replace(record, data=amendment.sign(record, signer)))


def _valid_amendments() -> Iterator[Vector]:
    first = _amended(_some(), {4: {4}}, SCHOOL_KEY)
    second = _amended(first, {4: {4, 12}}, AMENDED_KEY)
    yield _amendment("a surname is gone", first, {4: {4}})
    yield _amendment("and the photo after it", second, {4: {4, 12}})


def _amendment(name: str, envelope: Envelope, blanks: dict[int, set[int]]) -> Vector:
    record = envelope.amendment
    assert record
    changes = [
        replace(c, values={n: None if n in blanks.get(c.number, ()) else v for n, v in c.values.items()})
        for c in some_changes()
    ]
    return {
        "name": name,
        "signer": NODE.public.hex(),
        "nodes": [NODE.public.hex()],
        "school_key": AMENDED_KEY.hex(),
        "hash": envelope.hash.hex(),
        "record": {
            "changeset": record.changeset.hex(),
            "count": record.count,
            "old": record.old.hex(),
            "new": record.new.hex(),
            "epoch": record.epoch,
            "salt": record.salt.hex(),
            "clock": record.clock,
            "node": record.node.hex(),
            "reason": record.reason,
        },
        "changes": [_shown(c) for c in changes],
        "envelope": envelope.data.hex(),
    }


def _tampered_amendments() -> Iterator[Vector]:
    good, blanks = _some(), {4: {4}}
    made = _amended(good, blanks, SCHOOL_KEY)
    items = [made.header_bytes, made.signature, made.district, made.school]
    assert made.amendment
    form = "its amendment has a wrong form"
    other = "its amendment does not belong to it"
    cases = [
        ("no amendment behind another part", "a part does not belong to the header", pack(items)),
        ("an amendment that is no bytes", "a part does not belong to the header", pack([*items, 7])),
        ("of another changeset", other, _amended(good, blanks, SCHOOL_KEY, changeset=bytes(32)).data),
        ("of another part", other, _amended(good, blanks, SCHOOL_KEY, new=bytes(32)).data),
        ("a salt too short", form, _amended(good, blanks, SCHOOL_KEY, salt=bytes(31)).data),
        ("a count below zero", form, _amended(good, blanks, SCHOOL_KEY, count=-1).data),
        ("a reason too long", form, _amended(good, blanks, SCHOOL_KEY, reason="x" * 65).data),
        ("no record", form, pack([*items, pack([b"", b"", b""])])),
        ("too large", "its amendment is larger than allowed", pack([*items, pack([bytes(1_020), b""])])),
        (
            "sealed with another key",
            "the school part cannot be opened",
            _amended(good, blanks, SCHOOL_KEY, salt=seed("another salt")).data,
        ),
    ]
    common = {"signer": NODE.public.hex(), "nodes": [NODE.public.hex()], "school_key": AMENDED_KEY.hex()}
    for name, reason, data in cases:
        yield flawed(name, reason, **common, envelope=data.hex())
    stranger = _amended(good, blanks, SCHOOL_KEY, STRANGER, node=STRANGER.public)
    forged_name = _amended(good, blanks, SCHOOL_KEY, STRANGER)
    for name, envelope in (
        ("signed by a stranger", stranger),
        ("signed by another than it says", forged_name),
    ):
        yield {"name": name, **common, "envelope": envelope.data.hex(), "problem": "wrong_signer"}


# -- messages ----------------------------------------------------------------------------------------------------


def a_request(**more: Any) -> Request:
    asked = Request(
        node=NODE.public,
        counter=7,
        time=1_790_000_000_000,
        position=41,
        reference_position=3,
        head=(ORIGIN, 900),
        changesets=[b"an envelope", b"another"],
        budget=32_768,
        waiting=12,
        backup_at=1_789_000_000_000,
        conflicts=2,
        own=[seed("changeset 1")],
        epoch=1,
    )
    for name, value in more.items():
        setattr(asked, name, value)
    return asked


def a_registration() -> dict[int, object]:
    kit = seed("kit")[:16]
    opening = recovery_keypair(kit).public
    proved = SCHOOL_KEY + first_tag(kit, SCHOOL_KEY)
    key = seal(opening, proved, b"mektep epoch v1", (1).to_bytes(4, "big"), "ephemeral epoch")
    return {
        1: seed("code")[:5],
        2: NODE_OPENING.public,
        3: ORIGIN,
        4: INCARNATION,
        5: opening,
        6: [[1, key]],
        7: recovery_signer(kit).public,
    }


def by_kit() -> dict[int, object]:
    signer = recovery_signer(seed("kit")[:16])
    mine: dict[int, Any] = {2: NODE_OPENING.public, 3: ORIGIN, 4: INCARNATION}
    return {**mine, 7: signer.public, 8: signer.sign(b"mektep join v1", join_body(NODE.public, mine))}


def an_answer(request: bytes) -> Answer:
    hashed = seed("changeset 1")
    head = next_head(NO_HASH, hashed)
    receipt = sign_receipt(HUB, SCHOOL, 1, hashed, head)
    return Answer(
        request=request,
        node=NODE.public,
        time=1_790_000_000_900,
        school=SCHOOL,
        accepted=[seed("changeset 5")],
        refused=[(seed("changeset 6"), "flawed_changeset", "the header counts wrongly")],
        entries=[StreamEntry(1, hashed, receipt, None)],
        reference_entries=[StreamEntry(1, seed("changeset 7"), bytes(64), b"an envelope")],
        head=1,
        reference_head=1,
        digest=seed("digest"),
        known=(900, seed("changeset 8")),
        nodes=[
            (NODE.public, NODE_OPENING.public, 0, bytes(32), 1),
            (STRANGER.public, bytes(range(32)), 1_780_000_000_000, b"", 0),
        ],
        school_name="№ 8 мектеп",
        joining=[(STRANGER.public, bytes(range(32)))],
        epoch_at=1_770_000_000_000,
    )


def _fields(message: Request | Answer) -> dict[int, Any]:
    return named_fields(message)


def _signed(fields: dict[int, Any], context: bytes, signer: crypto.SigningKey) -> tuple[bytes, bytes]:
    body = pack(fields)
    return body, pack([body, signer.sign(context, body)])


def messages() -> dict[str, Any]:
    valid: list[Vector] = [
        {
            "kind": "hub",
            "name": "the hub's keys",
            "message": describe_hub(HUB, HUB_OPENING).hex(),
            "signing": HUB.public.hex(),
            "opening": HUB_OPENING.public.hex(),
        },
        {
            "kind": "epoch",
            "name": "a school key, sealed to the recovery kit",
            "kit": seed("kit")[:16].hex(),
            "epoch": 1,
            "message": plain(a_registration()[6])[0][1]["bytes"],
            "school_key": SCHOOL_KEY.hex(),
        },
    ]
    asked: list[tuple[str, Request]] = [
        ("a request", a_request()),
        ("a registration by code", a_request(registration=a_registration(), changesets=[])),
        ("a registration by kit", a_request(registration=by_kit(), changesets=[], epoch=0)),
        (
            "keys handed on",
            a_request(epochs=[(2, bytes(range(32)), bytes(113))], approvals=[STRANGER.public]),
        ),
    ]
    valid += [_request(name, _fields(request)) for name, request in asked]
    least = {n: v for n, v in _fields(a_request()).items() if n <= 5}
    valid.append({**_request("the least that is a request", least), "reader_only": True})
    request_hash = bytes.fromhex(valid[2]["hash"])
    valid.append(_answer("an answer", _fields(an_answer(request_hash)), request_hash))
    least = {n: v for n, v in _fields(an_answer(request_hash)).items() if n <= 4}
    valid.append({**_answer("the least that is an answer", least, request_hash), "reader_only": True})
    valid.append(_refusal("a refusal", {1: request_hash, 2: "replay", 3: {"counter": 9}}, request_hash))
    return {
        "about": "Messages, section 8; the hub's keys and school keys, section 9. Secrets follow from their names.",
        "valid": valid,
        "tampered": list(_tampered_messages(request_hash)),
    }


def _request(name: str, fields: dict[int, Any], signer: crypto.SigningKey = NODE) -> Vector:
    body, both = _signed(fields, b"mektep request v1", signer)
    message = seal(HUB_OPENING.public, both, b"mektep request v1", b"", f"ephemeral {name}")
    return {
        "kind": "request",
        "name": name,
        "hub_opening_secret": HUB_OPENING.to_bytes().hex(),
        "message": message.hex(),
        "hash": crypto.sha256(body).hex(),
        "fields": plain(fields),
    }


def _answer(
    name: str,
    fields: dict[int, Any],
    request: bytes,
    signer: crypto.SigningKey = HUB,
    purpose: str = "answer",
) -> Vector:
    _, both = _signed(fields, f"mektep {purpose} v1".encode(), signer)
    message = seal(NODE_OPENING.public, both, b"mektep answer v1", b"", f"ephemeral {name}")
    return {
        "kind": "answer",
        "name": name,
        "node_opening_secret": NODE_OPENING.to_bytes().hex(),
        "node": NODE.public.hex(),
        "hub": HUB.public.hex(),
        "request": request.hex(),
        "message": message.hex(),
        "fields": plain(fields),
    }


def _refusal(name: str, fields: dict[int, Any], request: bytes, signer: crypto.SigningKey = HUB) -> Vector:
    vector = _answer(name, fields, request)
    _, both = _signed(fields, b"mektep answer v1", signer)
    return {**vector, "kind": "refusal", "message": both.hex()}


def _tampered_messages(request: bytes) -> Iterator[Vector]:
    good = _request("tampered", _fields(a_request()))
    data = bytes.fromhex(good["message"])
    for at in (0, 5, 60, len(data) - 1):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        yield {**good, "name": f"byte {at} changed", "message": changed.hex(), "problem": "cannot_open"}
    yield {**good, "name": "cut short", "message": data[:-1].hex(), "problem": "cannot_open"}
    yield {**_request("another's name", _fields(a_request()), STRANGER), "problem": "wrong_signer"}
    for name, field, value in (
        ("a node of 31 bytes", 1, bytes(31)),
        ("a counter below zero", 2, -1),
        ("a time of text", 3, "now"),
        ("a head of one", 6, [ORIGIN]),
        ("an envelope of text", 7, ["envelope"]),
        ("a version too large", 9, 2**31),
        ("a sealed key too short", 16, [[1, bytes(32), bytes(80)]]),
    ):
        made = _request(name, {**_fields(a_request()), field: value})
        yield {**made, "problem": "flawed_changeset"}
    missing = {n: v for n, v in _fields(a_request()).items() if n != 4}
    yield {**_request("no position", missing), "problem": "flawed_changeset"}

    fields = _fields(an_answer(request))
    yield {
        **_answer("an answer to another request", {**fields, 1: bytes(32)}, request),
        "problem": "hub_answer",
    }
    yield {**_answer("an answer to another node", {**fields, 2: bytes(32)}, request), "problem": "hub_answer"}
    yield {**_answer("an answer of a stranger", fields, request, STRANGER), "problem": "impostor_hub"}
    yield {**_answer("signed as a receipt", fields, request, purpose="receipt"), "problem": "impostor_hub"}
    yield {**_answer("a head of text", {**fields, 9: "1"}, request), "problem": "hub_answer"}
    yield {
        **_answer("an entry of three", {**fields, 7: [[1, bytes(32), b""]]}, request),
        "problem": "hub_answer",
    }
    no = {1: request, 2: "replay", 3: {}}
    yield {**_refusal("a refusal of a stranger", no, request, STRANGER), "problem": "impostor_hub"}
    yield {**_refusal("a refusal of another request", {**no, 1: bytes(32)}, request), "problem": "hub_answer"}
    shown = bytearray(describe_hub(HUB, HUB_OPENING))
    shown[50] ^= 1
    yield {
        "kind": "hub",
        "name": "an opening key the hub did not sign",
        "message": bytes(shown).hex(),
        "problem": "hub_answer",
    }


# -- bundles -----------------------------------------------------------------------------------------------------


def bundles() -> dict[str, Any]:
    texts = [b"", b"what is carried, sealed already", bytes(range(256)) * 3]
    valid = [{"message": m.hex(), "bytes": bundle_of(m).hex()} for m in texts]
    good = bundle_of(texts[1])
    wrong = [
        ("empty", b""),
        ("cut short", good[:-1]),
        ("cut inside its head", good[:30]),
        ("a byte too many", good + b"\0"),
        ("a later kind", b"MEKTEP2\n" + good[8:]),
        ("another length", good[:15] + b"\x20" + good[16:]),
        ("a byte of the hash changed", good[:20] + bytes([good[20] ^ 1]) + good[21:]),
        ("a byte of the message changed", good[:-1] + bytes([good[-1] ^ 1])),
    ]
    tampered = [{"name": n, "bytes": b.hex(), "problem": "flawed_bundle"} for n, b in wrong]
    return {"about": "Files on a stick, section 11.", "valid": valid, "tampered": tampered}


# -- merge -------------------------------------------------------------------------------------------------------


def merge() -> dict[str, Any]:
    a, b, c = 11, 12, 13
    person, mark = BY_NAME["person"], BY_NAME["mark"]
    gone = 1_790_000_000_000
    cases: list[tuple[str, Table, dict[int, tuple[int, int]], list[Entry]]] = [
        ("one entry", person, {}, [Entry(5, a, 1, 1, 0, {2: "f", 3: 2010})]),
        (
            "what was seen is replaced, whatever the clocks say",
            person,
            {},
            [Entry(900, a, 1, 1, 0, {3: 2010}), Entry(5, b, 1, 2, 1, {3: 2011})],
        ),
        (
            "written apart: the later clock shows, the other is a conflict",
            person,
            {},
            [Entry(900, a, 1, 1, 0, {3: 2010}), Entry(5, b, 1, 2, 0, {3: 2011})],
        ),
        (
            "written apart, equal clocks: the greater origin shows",
            person,
            {},
            [Entry(7, a, 1, 1, 0, {3: 2010}), Entry(7, b, 1, 2, 0, {3: 2011})],
        ),
        (
            "written apart, equal values: no conflict",
            person,
            {},
            [Entry(7, a, 1, 1, 0, {3: 2010}), Entry(8, b, 1, 2, 0, {3: 2010})],
        ),
        (
            "other units are untouched",
            person,
            {},
            [Entry(7, a, 1, 1, 0, {2: "f", 3: 2010}), Entry(8, b, 1, 2, 0, {2: "m"})],
        ),
        (
            "the own line is seen, placed or not",
            person,
            {},
            [Entry(9, a, 1, NOWHERE, 0, {3: 2010}), Entry(2, a, 2, NOWHERE, 0, {3: 2011})],
        ),
        (
            "a unit is replaced as a whole: what is not named is at its default",
            mark,
            {},
            [Entry(5, a, 1, 1, 0, {7: 4, 8: 1, 9: 1}), Entry(6, b, 1, 2, 1, {7: 5})],
        ),
        (
            "a third has seen both: the conflict ends",
            person,
            {},
            [
                Entry(900, a, 1, 1, 0, {3: 2010}),
                Entry(5, b, 1, 2, 0, {3: 2011}),
                Entry(6, c, 1, 3, 2, {3: 2012}),
            ],
        ),
        (
            "a later incarnation has seen its line",
            person,
            {b: (a, 4)},
            [Entry(900, a, 4, 3, 0, {3: 2010}), Entry(5, b, 1, 4, 0, {3: 2011})],
        ),
        (
            "but not what its line wrote after the parting",
            person,
            {b: (a, 4)},
            [Entry(900, a, 5, 3, 0, {3: 2010}), Entry(5, b, 1, 4, 0, {3: 2011})],
        ),
        (
            "the line of a line",
            person,
            {b: (a, 4), c: (b, 2)},
            [Entry(900, a, 3, 3, 0, {3: 2010}), Entry(5, c, 1, 4, 0, {3: 2011})],
        ),
        (
            "retired by who had seen it",
            person,
            {},
            [Entry(5, a, 1, 1, 0, {3: 2010}), Entry(6, b, 1, 2, 1, {1: gone})],
        ),
        (
            "retired against an edit",
            person,
            {},
            [
                Entry(5, a, 1, 1, 0, {3: 2010}),
                Entry(6, b, 1, 2, 1, {1: gone}),
                Entry(7, a, 2, 3, 1, {3: 2011}),
            ],
        ),
        (
            "taken back by who had seen it",
            person,
            {},
            [Entry(5, a, 1, 1, 0, {1: gone}), Entry(4, b, 1, 2, 1, {1: None})],
        ),
        (
            "erased: what was written without knowing is blank",
            person,
            {},
            [
                Entry(5, a, 1, 1, 0, {4: "Осмонова"}),
                Entry(6, b, 1, 2, 1, {4: None}, True),
                Entry(900, a, 2, 3, 1, {4: "О."}),
            ],
        ),
        (
            "erased, then given again by who knew",
            person,
            {},
            [
                Entry(5, a, 1, 1, 0, {4: "Осмонова"}),
                Entry(6, b, 1, 2, 1, {4: None}, True),
                Entry(4, c, 1, 3, 2, {4: "Асанова"}),
            ],
        ),
        (
            "two erasures apart: the head that saw one of them alone is blank too",
            person,
            {},
            [
                Entry(5, a, 1, 1, 0, {4: None}, True),
                Entry(6, b, 1, 2, 0, {4: None}, True),
                Entry(7, c, 1, 3, 1, {4: "Асанова"}),
            ],
        ),
        (
            "a row that came with the product, corrected by the hub",
            BY_NAME["subject"],
            {},
            [Entry(0, 0, 0, 0, 0, {2: "bio", 7: "Biologie"}), Entry(5, 0, 1, 1, 0, {7: "Biology"})],
        ),
    ]
    valid = [_merged(*case) for case in cases]
    return {"about": "Entries of a row and what it shows, section 14.", "valid": valid, "tampered": []}


FIRST_VERSION = 1
"""Of the schema: what was added since is not in these vectors, which stay as they are."""


def _merged(name: str, table: Table, lineage: dict[int, tuple[int, int]], entries: Sequence[Entry]) -> Vector:
    shown = resolve(table, entries, lineage)
    return {
        "name": name,
        "table": table.number,
        "units": {
            unit: [[c.number, plain(c.default)] for c in cs]
            for unit, cs in table.units.items()
            if all(c.since <= FIRST_VERSION for c in cs)
        },
        "lineage": [[origin, *line] for origin, line in lineage.items()],
        "entries": [
            {
                "clock": e.clock,
                "origin": e.origin,
                "number": e.number,
                "position": None if e.position == NOWHERE else e.position,
                "seen": e.seen,
                "values": [[n, plain(v)] for n, v in sorted(e.values.items())],
                "erase": e.erase,
            }
            for e in entries
        ],
        "shown": [[n, plain(v)] for n, v in sorted(shown.values.items())],
        "conflicts": sorted(shown.conflicts),
    }


# -- digest ------------------------------------------------------------------------------------------------------


def digests() -> dict[str, Any]:
    cells: list[tuple[int, tuple[int, ...], int, Any]] = [
        (PERSON, (ROW | 1,), 0, 1),
        (PERSON, (ROW | 1,), 2, "f"),
        (PERSON, (ROW | 1,), 3, 2010),
        (33, (ROW | 4, ROW | 1), 4, -3),
        (30, (ROW | 4,), 4, "Ё"),
        (30, (ROW | 4,), 6, None),
        (999, (1,), 5, b"\x00|"),
    ]
    valid: list[Vector] = [
        {
            "kind": "cell",
            "table": table,
            "key": list(key),
            "column": column,
            "value": plain(value),
            "cell": digest.cell(table, key, column, value).to_bytes(32, "little").hex(),
        }
        for table, key, column, value in cells
    ]
    rows: list[tuple[int, tuple[int, ...], dict[int, Any]]] = [
        (PERSON, (ROW | 1,), {2: "f", 3: 2010}),
        (PERSON, (ROW | 2,), {2: "m", 1: 1_790_000_000_000}),
        (30, (ROW | 1,), {3: 7, 4: "А"}),
        (31, (ROW | 1,), {2: ROW | 1, 3: ROW | 1, 4: 20_000}),
        (33, (ROW | 1, ROW | 2), {}),
    ]
    views = [
        ("nothing", rows[:0]),
        ("one row", rows[:1]),
        ("some rows", rows),
        ("the order is nothing", rows[::-1]),
    ]
    valid += [_view(name, some) for name, some in views]
    whole = _view("some rows", rows)
    fewer = {**whole, "rows": whole["rows"][1:]}
    other = {**whole, "rows": [{**whole["rows"][0], "values": [[2, "m"], [3, 2010]]}, *whole["rows"][1:]]}
    tampered = [
        {**fewer, "name": "a row missing", "problem": "digests_differ"},
        {**other, "name": "a value changed", "problem": "digests_differ"},
    ]
    about = "Cells and digests, section 15; rows with the open values that are not at their defaults."
    return {"about": about, "valid": valid, "tampered": tampered}


def _view(name: str, rows: Sequence[tuple[int, tuple[int, ...], dict[int, Any]]]) -> Vector:
    sums: digest.Sums = {}
    for number, key, values in rows:
        table = next(t for t in BY_NAME.values() if t.number == number)
        digest.move(sums, table, key, None, values)
    return {
        "kind": "view",
        "name": name,
        "rows": [
            {"table": t, "key": list(k), "values": [[n, v] for n, v in sorted(values.items())]}
            for t, k, values in rows
        ],
        "digest": digest.total(sums, 1).hex(),
    }
