"""The only module that touches cryptographic primitives; callers never see a nonce.

Failure raises (`BadSignature`, `BadKey`, `CannotOpen`) and never returns a flag, passwords apart. Whatever is
stored or sent begins with a version byte, except signatures and sealed parts, whose context names it.

    sign, verify            Ed25519 over context, a zero byte, message
    seal_to, open           HPKE base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM
    seal_part, open_part    AES-256-GCM, key and nonce from HKDF-SHA256(school key, salt)
    wrap, unwrap            AES-256-GCM under a random nonce
    stretch                 scrypt
    code_step               one-time codes of RFC 6238 (SHA-1, six digits, 30 seconds: what every app can do)
    to_words, from_words    proquints with a checksum
"""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from shared.problems import BadKey, BadSignature, CannotOpen, MistypedWords, UnreadableWord

KEY_BYTES = 32
SALT_BYTES = 32
"""Length of the salt of a sealed part."""

_VERSION = b"\x01"
_NONCE_BYTES = 12
_HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_HPKE_LABEL = b"mektep sealed v1"
_PART_LABEL = b"mektep school part v1"


# -- random bytes, hashes, derived keys ----------------------------------------------------------------------


def random_bytes(n: int) -> bytes:
    """Return `n` bytes nobody can guess."""
    return secrets.token_bytes(n)


def same(a: bytes, b: bytes) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    return hmac.compare_digest(a, b)


def sha256(data: bytes) -> bytes:
    """Return the 32 bytes of SHA-256."""
    return hashlib.sha256(data).digest()


def digest(*parts: bytes) -> bytes:
    """Return SHA-256 over `parts`, each after its length in 8 big-endian bytes: no two lists collide."""
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts))


def derive(secret: bytes, info: bytes, length: int = KEY_BYTES) -> bytes:
    """Derive `length` bytes from a secret of full entropy, for the one purpose `info` names (HKDF-SHA256)."""
    return _hkdf(secret, None, info, length)


def _hkdf(secret: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


# -- signatures ----------------------------------------------------------------------------------------------


class SigningKey:
    """An Ed25519 key pair."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Self:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Load the 32 secret bytes; BadKey if there are more or fewer."""
        _require_key(secret)
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    def to_bytes(self) -> bytes:
        """Return the 32 secret bytes."""
        return self._key.private_bytes_raw()

    def sign(self, context: bytes, message: bytes) -> bytes:
        """Return 64 bytes that `verify` accepts for this context and message alone."""
        return self._key.sign(_signed(context, message))

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"


def verify(public: bytes, context: bytes, message: bytes, signature: bytes) -> None:
    """Raise BadSignature unless the owner of `public` signed `message` in this context."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed(context, message))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature() from error


def _signed(context: bytes, message: bytes) -> bytes:
    if b"\0" in context:
        raise TypeError("a context holds no zero byte, for one ends it")
    return context + b"\0" + message


# -- sealing to a public key ---------------------------------------------------------------------------------


class OpeningKey:
    """An X25519 key pair that opens what was sealed to its public half."""

    def __init__(self, key: X25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Self:
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Load the 32 secret bytes; BadKey if there are more or fewer."""
        _require_key(secret)
        return cls(X25519PrivateKey.from_private_bytes(secret))

    @classmethod
    def from_seed(cls, secret: bytes, info: bytes) -> Self:
        """Derive the pair from another secret, for the one purpose named by `info`."""
        return cls.from_bytes(derive(secret, info))

    def to_bytes(self) -> bytes:
        """Return the 32 secret bytes."""
        return self._key.private_bytes_raw()

    def open(self, sealed: bytes, info: bytes, aad: bytes = b"") -> bytes:
        """Return what `seal_to` sealed; CannotOpen if anything at all differs."""
        if sealed[:1] != _VERSION:
            raise CannotOpen()
        try:
            return _HPKE.decrypt(sealed[1:], self._key, _binding(info, aad))
        except (InvalidTag, ValueError) as error:
            raise CannotOpen() from error

    def __repr__(self) -> str:
        return f"OpeningKey(public={self.public.hex()})"


def seal_to(public: bytes, plaintext: bytes, info: bytes, aad: bytes = b"") -> bytes:
    """Seal for the owner of `public`: version, encapsulated key (32), ciphertext with tag; 49 bytes longer.

    `info` names the purpose, `aad` what the plaintext belongs to. It does not tell who sealed. BadKey if
    `public` is no usable key.
    """
    _require_key(public)
    try:
        return _VERSION + _HPKE.encrypt(
            plaintext, X25519PublicKey.from_public_bytes(public), _binding(info, aad)
        )
    except ValueError as error:
        raise BadKey() from error


def _binding(info: bytes, aad: bytes) -> bytes:
    # In HPKE used once per key, `info` authenticates as associated data would; the library has `info` alone.
    return digest(_HPKE_LABEL, info, aad)


def _require_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise BadKey()


# -- sealing under a shared key ------------------------------------------------------------------------------


def seal_part(school_key: bytes, salt: bytes, header: bytes, plaintext: bytes) -> bytes:
    """Seal the school part of a changeset, bound to `header`; 16 bytes longer.

    `salt` is 32 random bytes never used for another plaintext, not even for an amended version of the same
    part: key and nonce follow from it, and two texts under one nonce betray one another.
    """
    aead, nonce = _part_cipher(school_key, salt)
    return aead.encrypt(nonce, plaintext, header)


def open_part(school_key: bytes, salt: bytes, header: bytes, sealed: bytes) -> bytes:
    """Return what `seal_part` sealed; CannotOpen if key, salt, header or a byte differs."""
    aead, nonce = _part_cipher(school_key, salt)
    return _decrypt(aead, nonce, sealed, header)


def _part_cipher(school_key: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
    _require_key(school_key)
    if len(salt) != SALT_BYTES:
        raise CannotOpen()
    material = _hkdf(school_key, salt, _PART_LABEL, KEY_BYTES + _NONCE_BYTES)
    return AESGCM(material[:KEY_BYTES]), material[KEY_BYTES:]


def wrap(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Seal under a 32-byte key: version, nonce (12), ciphertext with tag; 29 bytes longer."""
    _require_key(key)
    nonce = random_bytes(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, _VERSION + context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Return what `wrap` sealed; CannotOpen if key, context or a byte differs."""
    _require_key(key)
    if wrapped[:1] != _VERSION:
        raise CannotOpen()
    nonce, sealed = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
    return _decrypt(AESGCM(key), nonce, sealed, _VERSION + context)


def _decrypt(aead: AESGCM, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    try:
        return aead.decrypt(nonce, sealed, aad)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen() from error


# -- passphrases and passwords -------------------------------------------------------------------------------


class Cost(NamedTuple):
    """What one guess costs an attacker and one sign-in costs us: 128 * n * r bytes of memory, p times."""

    n: int
    r: int = 8
    p: int = 1

    def bearable(self) -> bool:
        """Tell whether these numbers, perhaps read from a hostile file, are scrypt's and within 256 MiB."""
        power_of_two = self.n >= 2 and self.n & (self.n - 1) == 0
        return power_of_two and self.r >= 1 and 1 <= self.p <= 16 and 128 * self.n * self.r <= 2**28


PASSPHRASE_COST = Cost(2**17)
"""128 MiB: for a keyslot, which is opened once per start."""

PASSWORD_COST = Cost(2**14, p=5)
"""16 MiB five times over: for sign-in on a small server, as strong as Argon2id at 19 MiB."""

_PASSWORD_SALT_BYTES = 16
_STORED_PASSWORD = re.compile(
    r"scrypt\$1\$(\d{1,8})\$(\d{1,4})\$(\d{1,2})\$([\w-]{22})\$([\w-]{43})", re.ASCII
)


def stretch(passphrase: str, salt: bytes, n: int = 2**14, r: int = 8, p: int = 1) -> bytes:
    """Turn a passphrase into a 32-byte key, slowly (scrypt); NFKC makes keyboards agree.

    ValueError if the cost is beyond `Cost.bearable`.
    """
    if not Cost(n, r, p).bearable():
        raise ValueError("scrypt parameters out of bounds")
    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return Scrypt(salt=salt, length=KEY_BYTES, n=n, r=r, p=p).derive(text)


def hash_password(password: str, cost: Cost | None = None) -> str:
    """Return text to store: `scrypt$1$n$r$p$salt$hash`, in base64url. At `PASSWORD_COST` unless told."""
    cost, salt = cost or PASSWORD_COST, random_bytes(_PASSWORD_SALT_BYTES)
    return _stored(cost, salt, stretch(password, salt, *cost))


def check_password(password: str, stored: str) -> bool:
    """Tell whether `password` is the one stored; False, at the same cost, for text that stores none."""
    match = _STORED_PASSWORD.fullmatch(stored)
    if match is None or not Cost(*map(int, match.groups()[:3])).bearable():
        check_password(password, DUMMY_HASH)
        return False
    cost = Cost(*map(int, match.groups()[:3]))
    salt = base64.urlsafe_b64decode(match[4] + "==")
    return same(stretch(password, salt, *cost), base64.urlsafe_b64decode(match[5] + "="))


def _stored(cost: Cost, salt: bytes, key: bytes) -> str:
    salt_text, key_text = (base64.urlsafe_b64encode(data).decode().rstrip("=") for data in (salt, key))
    return f"scrypt$1${cost.n}${cost.r}${cost.p}${salt_text}${key_text}"


DUMMY_HASH = _stored(PASSWORD_COST, random_bytes(_PASSWORD_SALT_BYTES), random_bytes(KEY_BYTES))
"""No password matches it: check it for an unknown user, lest time tell which users exist."""


# -- one-time codes ------------------------------------------------------------------------------------------

CODE_SECONDS = 30
_CODE_KEY_BYTES = 20


def new_code_key() -> str:
    """A new key for one-time codes, in base32, as apps take it."""
    return base64.b32encode(random_bytes(_CODE_KEY_BYTES)).decode()


def code_step(key: str, code: str, now: float, after: int = 0) -> int | None:
    """The step (of 30 seconds since 1970) to which a code belongs; None when it is wrong or was used.

    The step before and the one after the present are heard too, for clocks differ; none up to ``after`` is.
    """
    try:
        codes = TOTP(base64.b32decode(key), 6, SHA1(), CODE_SECONDS)
    except ValueError:
        return None
    present, found = int(now) // CODE_SECONDS, None
    for step in (present - 1, present, present + 1):
        right = same(codes.generate(step * CODE_SECONDS), code.encode("utf-8", "surrogatepass"))
        found = step if right and step > after else found
    return found


# -- names and words -----------------------------------------------------------------------------------------


def origin_name(public: bytes, incarnation: bytes) -> int:
    """Return the 31-bit, nonzero name under which one incarnation of this signing key's node writes."""
    _require_key(public)
    hashed = sha256(b"mektep origin v1\0" + public + incarnation)
    while not (name := int.from_bytes(hashed[:4], "big") & 0x7FFFFFFF):
        hashed = sha256(hashed)
    return name


_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORD = re.compile(f"[{_CONSONANTS}][{_VOWELS}][{_CONSONANTS}][{_VOWELS}][{_CONSONANTS}]")
_WORD_LETTERS = 5
_MAX_WORDS = 64


def proquints(data: bytes) -> str:
    """Return one five-letter word for every 16 bits, without a checksum; TypeError for an odd length."""
    if len(data) % 2:
        raise TypeError("words hold an even number of bytes")
    return " ".join(_word(int.from_bytes(data[at : at + 2], "big")) for at in range(0, len(data), 2))


def to_words(data: bytes) -> str:
    """Return `data` (an even number of bytes) as words one can read aloud, the last one a checksum."""
    return proquints(data + _checksum(data))


def from_words(text: str) -> bytes:
    """Read `to_words` back, whatever the case, spaces or hyphens.

    UnreadableWord names the first word that is none; MistypedWords: the checksum fails.
    """
    words = _split(text)
    data = b"".join(_number(word, at).to_bytes(2, "big") for at, word in enumerate(words, start=1))
    if len(words) < 2 or not same(data[-2:], _checksum(data[:-2])):
        raise MistypedWords()
    return data[:-2]


def _split(text: str) -> list[str]:
    tokens = re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())
    words = [word for token in tokens for word in _run_together(token)]
    if len(words) > _MAX_WORDS:
        raise MistypedWords()
    return words


def _run_together(token: str) -> list[str]:
    if len(token) % _WORD_LETTERS:
        return [token]
    return [token[at : at + _WORD_LETTERS] for at in range(0, len(token), _WORD_LETTERS)]


def _word(number: int) -> str:
    return (
        _CONSONANTS[number >> 12]
        + _VOWELS[number >> 10 & 3]
        + _CONSONANTS[number >> 6 & 15]
        + _VOWELS[number >> 4 & 3]
        + _CONSONANTS[number & 15]
    )


def _number(word: str, position: int) -> int:
    if not _WORD.fullmatch(word):
        raise UnreadableWord(number=position, word=word[:20])
    number = 0
    for letter in word:
        vowel = _VOWELS.find(letter)
        number = number << 2 | vowel if vowel >= 0 else number << 4 | _CONSONANTS.index(letter)
    return number


def _checksum(data: bytes) -> bytes:
    return sha256(b"mektep words v1\0" + data)[:2]
