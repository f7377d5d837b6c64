"""The frozen vectors: this code makes and reads every valid one, and refuses every tampered one by the named problem.

A change here is a change of the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from shared import crypto
from shared.keys import (
    RegistrationCode,
    recovery_keypair,
    recovery_signer,
    secret_of_six_words,
    six_words,
)
from shared.problems import DigestsDiffer, Problem
from shared.schema import BY_NUMBER
from sync import digest, fork
from sync.cbor import pack, unpack
from sync.change import Change
from sync.codec import all_changes, district_changes, encode, open_envelope
from sync.columns import pack_integers, unpack_integers
from sync.merge import NOWHERE, Entry, resolve
from sync.messages import (
    Answer,
    Request,
    check_receipt,
    next_head,
    open_answer,
    open_request,
    read_hub,
)
from sync.registration import commitment, first_tag
from sync.transport.folder import bundle_of, message_of
from tests.vectors import FOLDER, Vector, load, text_of
from tests.vectors.build import FIRST_VERSION, build

NAMES = (
    "columns",
    "cbor",
    "names",
    "changesets",
    "amendments",
    "receipts",
    "messages",
    "bundles",
    "merge",
    "digest",
)


def value_of(shown: Any) -> Any:
    """A value as JSON holds it, back."""
    if isinstance(shown, dict):
        ((kind, inner),) = shown.items()
        return (
            bytes.fromhex(inner)
            if kind == "bytes"
            else {value_of(k): value_of(v) for k, v in map(tuple, inner)}
        )
    return [value_of(item) for item in shown] if isinstance(shown, list) else shown


def change_of(shown: Vector) -> Change:
    return Change(
        shown["number"],
        shown["clock"],
        shown["actor"],
        shown["table"],
        tuple(shown["key"]),
        {n: value_of(v) for n, v in shown["values"]},
        shown["erase"],
    )


# -- one reader for each kind ------------------------------------------------------------------------------------


def read_column(v: Vector) -> None:
    values = unpack_integers(bytes.fromhex(v["bytes"]), v["count"])
    assert values == v["values"]
    if "reader_only" not in v:
        assert pack_integers(values).hex() == v["bytes"]


def read_cbor(v: Vector) -> None:
    value = unpack(bytes.fromhex(v["bytes"]), "it")
    assert value == value_of(v["value"])
    assert pack(value).hex() == v["bytes"]


def read_name(v: Vector) -> None:
    if v["kind"] == "origin":
        origin = crypto.origin_name(bytes.fromhex(v["public"]), bytes.fromhex(v["incarnation"]))
        assert (origin, origin << 32 | 1) == (v["origin"], v["first_row"])
    elif v["kind"] == "code":
        code = RegistrationCode.parse(v["text"])
        assert code.names(bytes.fromhex(v["hub"])) and code.secret.hex() == v["secret"]
        assert "reader_only" in v or code.text == v["text"]
    elif v["kind"] == "words":
        secret, *keys = (bytes.fromhex(v[name]) for name in ("secret", "signing", "opening", "hub"))
        assert six_words(secret) == v["words"] and secret_of_six_words(v["words"]) == secret
        assert commitment(secret, *keys).hex() == v["commitment"]
    elif v["kind"] == "recovery":
        kit = bytes.fromhex(v["secret"])
        assert recovery_keypair(kit).public.hex() == v["opening"]
        assert recovery_signer(kit).public.hex() == v["signing"]
    else:
        assert fork._follows_from(v["origin"], change_of(v["change"])).hex() == v["incarnation"]


def read_changeset(v: Vector) -> None:
    envelope = open_envelope(bytes.fromhex(v["envelope"]))
    envelope.verify(bytes.fromhex(v["signer"]))
    key = bytes.fromhex(v["school_key"]) if v["school_key"] else None
    district, changes = district_changes(envelope), all_changes(envelope, key)
    assert envelope.hash.hex() == v["hash"]
    assert district == [change_of(c) for c in v["district"]]
    assert changes == [change_of(c) for c in v["changes"]]
    header, shown = envelope.header, v["header"]
    for name in ("school", "origin", "first", "last", "seen", "epoch", "version"):
        assert getattr(header, name) == shown[name]
    for name in ("previous", "salt"):
        assert getattr(header, name).hex() == shown[name]
    assert [part.hex() for part in header.parts] == shown["parts"]
    assert (header.node.hex() if header.node else None) == shown["node"]
    assert (header.incarnation.hex() if header.incarnation else None) == shown["incarnation"]
    assert (list(header.continues) if header.continues else None) == shown["continues"]
    assert header.unknown == value_of(shown["unknown"])


def read_amendment(v: Vector) -> None:
    envelope = open_envelope(bytes.fromhex(v["envelope"]))
    envelope.verify(bytes.fromhex(v["signer"]))
    envelope.verify_amendment([bytes.fromhex(node) for node in v["nodes"]])
    changes = all_changes(envelope, bytes.fromhex(v["school_key"]))
    assert envelope.hash.hex() == v["hash"]
    assert changes == [change_of(c) for c in v["changes"]]
    record = vars(envelope.amendment).items()
    assert {n: x.hex() if isinstance(x, bytes) else x for n, x in record if n != "data"} == v["record"]


def read_receipt(v: Vector) -> None:
    hashed, head = bytes.fromhex(v["hash"]), next_head(bytes.fromhex(v["before"]), bytes.fromhex(v["hash"]))
    receipt = bytes.fromhex(v["receipt"])
    check_receipt(bytes.fromhex(v["hub"]), v["school"], v["position"], hashed, head, receipt)
    assert head.hex() == v["head"]


def read_message(v: Vector) -> None:
    message = bytes.fromhex(v["message"])
    if v["kind"] == "hub":
        hub = read_hub(message)
        assert (hub.signing.hex(), hub.opening.hex()) == (v["signing"], v["opening"])
    elif v["kind"] == "epoch":
        opener = recovery_keypair(bytes.fromhex(v["kit"]))
        key = opener.open(message, b"mektep epoch v1", v["epoch"].to_bytes(4, "big"))
        assert key[:32].hex() == v["school_key"]
        assert key[32:] == first_tag(bytes.fromhex(v["kit"]), key[:32])
    elif v["kind"] == "request":
        opener = crypto.OpeningKey.from_bytes(bytes.fromhex(v["hub_opening_secret"]))
        request, hashed = open_request(message, opener)
        assert hashed.hex() == v["hash"]
        assert_fields(request, v)
    else:
        opener = crypto.OpeningKey.from_bytes(bytes.fromhex(v["node_opening_secret"]))
        keys = (bytes.fromhex(v[name]) for name in ("hub", "node", "request"))
        try:
            answer = open_answer(message, opener, *keys)
        except Problem as problem:
            if "problem" in v:
                raise
            fields = value_of(v["fields"])
            assert (problem.code, problem.details) == (fields[2], fields[3])
        else:
            assert_fields(answer, v)


def assert_fields(message: object, v: Vector) -> None:
    named = dict(enumerate(vars(message).values(), 1))
    for number, value in value_of(v["fields"]).items():
        found = named[number]
        if number in (7, 8) and v["kind"] == "answer":
            found = [entry.fields() for entry in found]
        assert listed(found) == listed(value), number


def listed(value: Any) -> Any:
    return [listed(item) for item in value] if isinstance(value, (list, tuple)) else value


def read_bundle(v: Vector) -> None:
    message = message_of(bytes.fromhex(v["bytes"]))
    assert message.hex() == v["message"]
    assert bundle_of(message).hex() == v["bytes"]


def read_merge(v: Vector) -> None:
    table = BY_NUMBER[v["table"]]
    units = {
        unit: [[c.number, c.default] for c in columns]
        for unit, columns in table.units.items()
        if all(c.since <= FIRST_VERSION for c in columns)
    }
    assert units == v["units"]
    entries = [
        Entry(
            e["clock"],
            e["origin"],
            e["number"],
            NOWHERE if e["position"] is None else e["position"],
            e["seen"],
            {n: value_of(x) for n, x in e["values"]},
            e["erase"],
        )
        for e in v["entries"]
    ]
    lineage = {origin: (parent, number) for origin, parent, number in v["lineage"]}
    for ordered in (entries, entries[::-1]):
        shown = resolve(table, ordered, lineage)
        assert shown.values == {n: value_of(x) for n, x in v["shown"]}
        assert sorted(shown.conflicts) == v["conflicts"]


def read_digest(v: Vector) -> None:
    if v["kind"] == "cell":
        number = digest.cell(v["table"], tuple(v["key"]), v["column"], value_of(v["value"]))
        assert number.to_bytes(32, "little").hex() == v["cell"]
        return
    sums: digest.Sums = {}
    for row in v["rows"]:
        digest.move(sums, BY_NUMBER[row["table"]], tuple(row["key"]), None, dict(map(tuple, row["values"])))
    if digest.total(sums, 1).hex() != v["digest"]:
        raise DigestsDiffer()


READERS: dict[str, Callable[[Vector], None]] = {
    "columns": read_column,
    "cbor": read_cbor,
    "names": read_name,
    "changesets": read_changeset,
    "amendments": read_amendment,
    "receipts": read_receipt,
    "messages": read_message,
    "bundles": read_bundle,
    "merge": read_merge,
    "digest": read_digest,
}


def vectors(part: str) -> list[Any]:
    return [
        pytest.param(name, vector, id=f"{name}-{vector.get('name', vector.get('kind', at))}")
        for name in NAMES
        for at, vector in enumerate(load(name)[part])
    ]


@pytest.mark.parametrize(("file", "vector"), vectors("valid"))
def test_every_valid_vector_is_read(file: str, vector: Vector) -> None:
    READERS[file](vector)


@pytest.mark.parametrize(("file", "vector"), vectors("tampered"))
def test_every_tampered_vector_is_refused_by_name(file: str, vector: Vector) -> None:
    with pytest.raises(Problem) as caught:
        READERS[file](vector)
    assert caught.value.code == vector["problem"]
    if "reason" in vector:
        assert caught.value.details["reason"] == vector["reason"]


# -- and made ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    return build()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("changesets", "amendments")])
def test_the_vectors_are_what_the_generator_writes(built: dict[str, Any], name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text_of(built[name])


def test_changesets_are_made_alike_but_for_how_they_are_compressed(built: dict[str, Any]) -> None:
    """Another release of zstd may find another, equally good frame; all else is the same to the byte."""
    frozen, made = load("changesets"), built["changesets"]
    for part in ("valid", "tampered"):
        assert [v["name"] for v in made[part]] == [v["name"] for v in frozen[part]]
    for old, new in zip(frozen["valid"], made["valid"], strict=True):
        for name in ("district", "changes", "signer", "school_key"):
            assert new[name] == old[name]
        assert without_parts(new["header"]) == without_parts(old["header"])


def test_amendments_are_made_alike_but_for_how_they_are_compressed(built: dict[str, Any]) -> None:
    frozen, made = load("amendments"), built["amendments"]
    for part in ("valid", "tampered"):
        assert [v["name"] for v in made[part]] == [v["name"] for v in frozen[part]]
    for old, new in zip(frozen["valid"], made["valid"], strict=True):
        assert new["changes"] == old["changes"]
        assert new["record"].keys() == old["record"].keys()


def without_parts(header: Vector) -> Vector:
    """A first changeset's hash follows from its parts, and the next one names it."""
    return {name: value for name, value in header.items() if name not in ("parts", "previous")}


@pytest.mark.parametrize("vector", load("changesets")["valid"], ids=lambda v: str(v["name"]))
def test_a_changeset_read_and_made_again_is_read_alike(vector: Vector) -> None:
    envelope = open_envelope(bytes.fromhex(vector["envelope"]))
    key = bytes.fromhex(vector["school_key"]) if vector["school_key"] else None
    changes = all_changes(envelope, key)
    again = encode(envelope.header, changes, key, crypto.SigningKey.generate())
    assert all_changes(again, key) == changes


def test_every_file_of_vectors_is_read() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(NAMES)


def test_the_document_names_every_file_of_vectors() -> None:
    assert sorted(set(re.findall(r"`(\w+)\.json`", page()))) == sorted(NAMES)


def page() -> str:
    return (FOLDER.parent.parent / "docs" / "protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("message", [Request, Answer])
def test_the_document_lists_every_field_of_a_message(message: type) -> None:
    table = page().partition(f"**{message.__name__}.**")[2].partition("\n\n**")[0]
    listed = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert listed == list(range(1, len(message.__dataclass_fields__) + 1))


def test_the_document_lists_the_refusals_that_there_are() -> None:
    codes = set(re.findall(r"`(\w+)`", page().partition("## 17.")[2].partition("## 18.")[0]))
    kinds = [Problem]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert codes <= {kind.code for kind in kinds}


def test_the_walk_through_shows_its_vector() -> None:
    walk = page().partition("## 20. A walk through")[2]
    (vector,) = [v for v in load("changesets")["valid"] if f'"{v["name"]}"' in walk]
    envelope = open_envelope(bytes.fromhex(vector["envelope"]))
    key = bytes.fromhex(vector["school_key"])
    bound = pack({n: v for n, v in unpack(envelope.header_bytes, "it").items() if n != 10})
    sealed = crypto.open_part(key, envelope.header.salt, bound, envelope.school)
    texts = [vector["envelope"], vector["hash"], vector["school_key"]]
    texts += [
        zstandard.ZstdDecompressor().stream_reader(part).read().hex() for part in (envelope.district, sealed)
    ]
    shown = re.findall(r"(?<![0-9a-fx])[0-9a-f]{12,}", walk)
    assert len(shown) > 12
    assert [
        text for text in shown if not any(text in whole for whole in texts) and not text.isdecimal()
    ] == []
