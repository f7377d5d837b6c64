"""Frozen examples of every byte form of the protocol, valid and tampered; `python -m tests.vectors` writes them.

Each file is JSON: ``about``, ``valid`` and ``tampered``. Bytes are hex. A value of a column is null, a number, text, or
``{"bytes": hex}``; a CBOR map is ``{"map": [[key, value], ..]}``. Numbers may need 64 bits. Keys and salts are fixed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared import crypto

FOLDER = Path(__file__).parent
Vector = dict[str, Any]


def load(name: str) -> Any:
    """The frozen vectors of a file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def text_of(file: object) -> str:
    """A file of vectors as it is written: one line for each vector."""
    assert isinstance(file, dict)
    lines = [f' "about": {json.dumps(file["about"])}']
    for part in ("valid", "tampered"):
        vectors = ",\n".join("  " + json.dumps(v, ensure_ascii=False) for v in file[part])
        lines.append(f' "{part}": [\n{vectors}\n ]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"map": [[plain(k), plain(v)] for k, v in value.items()]}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def seed(name: str) -> bytes:
    """32 bytes that follow from a name: the secrets of the vectors are no secrets."""
    return hashlib.sha256(b"mektep vectors " + name.encode()).digest()


HUB = crypto.SigningKey.from_bytes(seed("hub signing"))
HUB_OPENING = crypto.OpeningKey.from_bytes(seed("hub opening"))
NODE = crypto.SigningKey.from_bytes(seed("node signing"))
NODE_OPENING = crypto.OpeningKey.from_bytes(seed("node opening"))
STRANGER = crypto.SigningKey.from_bytes(seed("stranger signing"))
SCHOOL_KEY = seed("school key 1")
INCARNATION = seed("incarnation")[:16]
ORIGIN = crypto.origin_name(NODE.public, INCARNATION)
SCHOOL = 2**31 + 8


# -- HPKE with a fixed ephemeral key, by hand (RFC 9180) ---------------------------------------------------------

_KEM, _SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"


def _extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    info = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    made, block = b"", b""
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes([len(made) // 32 + 1]), "sha256")
        made += block
    return made[:length]


def seal(public: bytes, plaintext: bytes, info: bytes, aad: bytes, name: str) -> bytes:
    """What `crypto.seal_to` would make if its ephemeral key were the one that follows from ``name``."""
    ephemeral = X25519PrivateKey.from_private_bytes(seed(name))
    encapsulated = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    secret = _extract(_KEM, b"", b"eae_prk", shared)
    secret = _expand(_KEM, secret, b"shared_secret", encapsulated + public, 32)
    bound = crypto.digest(b"mektep sealed v1", info, aad)
    context = b"\0" + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", bound)
    secret = _extract(_SUITE, secret, b"secret", b"")
    key = _expand(_SUITE, secret, b"key", context, 32)
    nonce = _expand(_SUITE, secret, b"base_nonce", context, 12)
    return b"\x01" + encapsulated + AESGCM(key).encrypt(nonce, plaintext, b"")
