"""The second reader reads every vector as the document says, and refuses what was tampered with by the same name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sync import second_reader as reader
from tests.vectors import Vector, load

raw = bytes.fromhex


def value_of(shown: Any) -> Any:
    if isinstance(shown, dict):
        ((kind, inner),) = shown.items()
        return raw(inner) if kind == "bytes" else {value_of(k): value_of(v) for k, v in inner}
    return [value_of(item) for item in shown] if isinstance(shown, list) else shown


def change_of(shown: Vector) -> dict[str, Any]:
    return {**shown, "values": {n: value_of(v) for n, v in shown["values"]}}


def read_column(v: Vector) -> None:
    assert reader.read_column(raw(v["bytes"]), v["count"]) == v["values"]


def read_cbor(v: Vector) -> None:
    value = reader.read_cbor(raw(v["bytes"]))
    assert value == value_of(v["value"])
    assert reader.write_cbor(value).hex() == v["bytes"]


def read_name(v: Vector) -> None:
    if v["kind"] == "origin":
        assert reader.origin_name(raw(v["public"]), raw(v["incarnation"])) == v["origin"]
        assert v["first_row"] == v["origin"] * 2**32 + 1
    elif v["kind"] == "code":
        hub, secret = reader.read_code(v["text"])
        assert (hub, secret) == (reader.fingerprint(raw(v["hub"])), raw(v["secret"]))
    elif v["kind"] == "words":
        assert reader.six_words(raw(v["secret"])) == v["words"]
        bound = reader.commitment(raw(v["secret"]), raw(v["signing"]), raw(v["opening"]), raw(v["hub"]))
        assert bound.hex() == v["commitment"]
    elif v["kind"] == "recovery":
        assert reader.recovery_keys(raw(v["secret"])) == (raw(v["opening"]), raw(v["signing"]))
    else:
        change = {**v["change"], "values": [[n, value_of(x)] for n, x in v["change"]["values"]]}
        assert reader.incarnation_anew(v["origin"], change).hex() == v["incarnation"]


def read_changeset(v: Vector) -> None:
    found = reader.read_changeset(
        raw(v["envelope"]), raw(v["signer"]), raw(v["school_key"]) if v["school_key"] else None
    )
    assert found["hash"].hex() == v["hash"]
    assert found["district"] == [change_of(c) for c in v["district"]]
    assert found["changes"] == [change_of(c) for c in v["changes"]]
    header, shown = found["header"], v["header"]
    names = ("school", "origin", "first", "last", "previous", "seen", "epoch", "salt", "parts", "version")
    for number, name in enumerate((*names, "node", "incarnation", "continues"), 2):
        value = header.pop(number, None)
        if isinstance(value, bytes):
            value = value.hex()
        assert [x.hex() for x in value] == shown[name] if name == "parts" else value == shown[name]
    assert header == {1: 1} | value_of(shown["unknown"])


def read_amendment(v: Vector) -> None:
    nodes = tuple(map(raw, v["nodes"]))
    found = reader.read_changeset(raw(v["envelope"]), raw(v["signer"]), raw(v["school_key"]), nodes)
    assert found["hash"].hex() == v["hash"]
    assert found["changes"] == [change_of(c) for c in v["changes"]]
    values = [x.hex() if isinstance(x, bytes) else x for _, x in sorted(found["amendment"].items())]
    assert values == [1, *v["record"].values()]


def read_receipt(v: Vector) -> None:
    head = reader.read_receipt(
        raw(v["hub"]), v["school"], v["position"], raw(v["hash"]), raw(v["before"]), raw(v["receipt"])
    )
    assert head.hex() == v["head"]


def read_message(v: Vector) -> None:
    message = raw(v["message"])
    if v["kind"] == "hub":
        assert reader.read_hub(message) == (raw(v["signing"]), raw(v["opening"]))
    elif v["kind"] == "epoch":
        opening, _ = reader.recovery_secrets(raw(v["kit"]))
        key = reader.open_sealed(opening, message, b"mektep epoch v1", v["epoch"].to_bytes(4, "big"))
        assert key[:32].hex() == v["school_key"]
        assert key[32:] == reader.derive(raw(v["kit"]), None, b"mektep first epoch v1\0" + key[:32], 32)
    elif v["kind"] == "request":
        fields, hashed = reader.read_request(message, raw(v["hub_opening_secret"]))
        assert (fields, hashed.hex()) == (value_of(v["fields"]), v["hash"])
    else:
        names = ("node_opening_secret", "hub", "node", "request")
        assert reader.read_answer(message, *(raw(v[name]) for name in names)) == value_of(v["fields"])


def read_bundle(v: Vector) -> None:
    assert reader.read_bundle(raw(v["bytes"])).hex() == v["message"]


def read_merge(v: Vector) -> None:
    units = {unit: [(n, value_of(default)) for n, default in columns] for unit, columns in v["units"].items()}
    entries = [{**e, "values": {n: value_of(x) for n, x in e["values"]}} for e in v["entries"]]
    lineage = {origin: (parent, number) for origin, parent, number in v["lineage"]}
    for ordered in (entries, entries[::-1]):
        shown, conflicts = reader.merge(units, ordered, lineage)
        assert (shown, conflicts) == ({n: value_of(x) for n, x in v["shown"]}, v["conflicts"])


def read_digest(v: Vector) -> None:
    if v["kind"] == "cell":
        number = reader.cell(v["table"], v["key"], v["column"], value_of(v["value"]))
        assert number.to_bytes(32, "little").hex() == v["cell"]
        return
    rows = [(r["table"], r["key"], {n: value_of(x) for n, x in r["values"]}) for r in v["rows"]]
    if reader.digest(rows).hex() != v["digest"]:
        raise reader.Refused("digests_differ")


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
        for name in READERS
        for at, vector in enumerate(load(name)[part])
    ]


@pytest.mark.parametrize(("file", "vector"), vectors("valid"))
def test_every_valid_vector_is_read(file: str, vector: Vector) -> None:
    READERS[file](vector)


@pytest.mark.parametrize(("file", "vector"), vectors("tampered"))
def test_every_tampered_vector_is_refused_by_name(file: str, vector: Vector) -> None:
    with pytest.raises(reader.Refused) as caught:
        READERS[file](vector)
    assert caught.value.code == vector["problem"]


def test_the_second_reader_shares_no_code_with_the_first() -> None:
    tree = ast.parse(Path(reader.__file__).read_text(encoding="utf-8"))
    found = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]  # type: ignore[union-attr]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    foreign = {"cbor2", "zstandard", "cryptography"}
    assert found == foreign | {"__future__", "functools", "hashlib", "pathlib", "re", "typing"}
