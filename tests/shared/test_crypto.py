"""Known answers, an independent reading of the standards, and every flipped byte refused."""

import hashlib
import hmac
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared import crypto
from shared.problems import BadKey, BadSignature, CannotOpen, MistypedWords, Problem, UnreadableWord

CHEAP = crypto.Cost(2**4)


def flips(data: bytes) -> list[bytes]:
    """Return `data` with each byte changed in turn, then cut by one byte and longer by one."""
    changed = [data[:at] + bytes([byte ^ 1]) + data[at + 1 :] for at, byte in enumerate(data)]
    return [*changed, data[:-1], data + b"\0", b""]


# -- signatures: RFC 8032 ------------------------------------------------------------------------------------

# RFC 8032, section 7.1: the secret and public keys of TEST 1, 2, 3, 1024 and SHA(abc).
RFC8032_KEYS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ),
    (
        "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
        "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    ),
]

# TEST 1024. Its message holds a zero byte, so it is also a context, that byte, and a message of ours.
RFC8032_MESSAGE = bytes.fromhex(
    "08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98fa6e264bf09efe12ee50f8f54e9f77b1e355"
    "f6c50544e23fb1433ddf73be84d879de7c0046dc4996d9e773f4bc9efe5738829adb26c81b37c93a1b270b20329d658675fc"
    "6ea534e0810a4432826bf58c941efb65d57a338bbd2e26640f89ffbc1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b"
    "199ee5d02e82d522c4feba15452f80288a821a579116ec6dad2b3b310da903401aa62100ab5d1a36553e06203b33890cc9b8"
    "32f79ef80560ccb9a39ce767967ed628c6ad573cb116dbefefd75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d"
    "206be6cd9ec7aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53f1d8ac70bdcb7ed185ce81bd84359d44254d9562"
    "9e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2d17ba70eb6248e594e1a2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40"
    "cc24554119a831a9aad6079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f27088d78b7e883c8759d2c4f5c65adb7553"
    "878ad575f9fad878e80a0c9ba63bcbcc2732e69485bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b0707e0"
    "917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128bab27af87a71314f318c782b23ebfe808b82b0ce26"
    "401d2e22f04d83d1255dc51addd3b75a2b1ae0784504df543af8969be3ea7082ff7fc9888c144da2af58429ec96031dbcad3"
    "dad9af0dcbaaaf268cb8fcffead94f3c7ca495e056a9b47acdb751fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301"
    "651339e22904cc8c42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8ca61783aacec57fb3d1f"
    "92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34dff7310fdc82aebfd904b01e1dc54b2927094b2db68d6f903b68401ade"
    "bf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7984a74d37145986780fc0b16ac451649de6188a7dbdf191f64b5fc5e2ab4"
    "7b57f7f7276cd419c17a3ca8e1b939ae49e488acba6b965610b5480109c8b17b80e1b7b750dfc7598d5d5011fd2dcc5600a3"
    "2ef5b52a1ecc820e308aa342721aac0943bf6686b64b2579376504ccc493d97e6aed3fb0f9cd71a43dd497f01f17c0e2cb37"
    "97aa2a2f256656168e6c496afc5fb93246f6b1116398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b50d334ba7"
    "7c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef1369546868a7f3a45a96768d40fd9d03412c091c6315c"
    "f4fde7cb68606937380db2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86aba41c0618983f8741c5ef"
    "68d3a101e8a3b8cac60c905c15fc910840b94c00a0b9d0"
)
RFC8032_SIGNATURE = bytes.fromhex(
    "0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350"
    "aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03"
)
CONTEXT, _, MESSAGE = RFC8032_MESSAGE.partition(b"\0")
SIGNER = crypto.SigningKey.from_bytes(bytes.fromhex(RFC8032_KEYS[3][0]))


@pytest.mark.parametrize(("secret", "public"), RFC8032_KEYS)
def test_public_keys_are_those_of_rfc_8032(secret: str, public: str) -> None:
    key = crypto.SigningKey.from_bytes(bytes.fromhex(secret))
    assert key.public.hex() == public
    assert key.to_bytes().hex() == secret


def test_a_signature_is_that_of_rfc_8032() -> None:
    assert len(RFC8032_MESSAGE) == 1023
    assert SIGNER.sign(CONTEXT, MESSAGE) == RFC8032_SIGNATURE
    crypto.verify(SIGNER.public, CONTEXT, MESSAGE, RFC8032_SIGNATURE)


def test_a_signature_with_any_byte_flipped_is_refused() -> None:
    for flipped in flips(RFC8032_SIGNATURE):
        with pytest.raises(BadSignature):
            crypto.verify(SIGNER.public, CONTEXT, MESSAGE, flipped)


def test_a_signature_holds_for_one_message_context_and_key_alone() -> None:
    signature = SIGNER.sign(b"context", b"message")
    for flipped in flips(b"message"):
        with pytest.raises(BadSignature):
            crypto.verify(SIGNER.public, b"context", flipped, signature)
    for context, message in [(b"contexts", b"message"), (b"", b"message"), (b"contex", b"tmessage")]:
        with pytest.raises(BadSignature):
            crypto.verify(SIGNER.public, context, message, signature)
    for flipped in flips(SIGNER.public):
        with pytest.raises(BadSignature):
            crypto.verify(flipped, b"context", b"message", signature)


def test_the_other_form_of_a_signature_is_refused() -> None:
    """RFC 8032, section 5.1.7: S plus the order of the group must not verify."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(RFC8032_SIGNATURE[32:], "little")
    with pytest.raises(BadSignature):
        other = RFC8032_SIGNATURE[:32] + (s + order).to_bytes(32, "little")
        crypto.verify(SIGNER.public, CONTEXT, MESSAGE, other)


def test_a_context_cannot_reach_into_the_message() -> None:
    with pytest.raises(TypeError):
        SIGNER.sign(b"a\0b", b"c")


# -- sealing: RFC 9180 ---------------------------------------------------------------------------------------


def hpke_open(
    key_bytes: int, aead_id: int, secret: str, enc: bytes, info: bytes, aad: bytes, ct: bytes
) -> bytes:
    """Open the first message of HPKE base mode with X25519 and HKDF-SHA256, read anew from RFC 9180."""
    kem = b"KEM\x00\x20"
    suite = b"HPKE\x00\x20\x00\x01" + aead_id.to_bytes(2, "big")

    def extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    def expand(prk: bytes, suite: bytes, label: bytes, context: bytes, length: int) -> bytes:
        labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return hmac.digest(prk, labeled + b"\x01", "sha256")[:length]

    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    kem_context = enc + private.public_key().public_bytes_raw()
    shared = expand(extract(b"", kem, b"eae_prk", shared), kem, b"shared_secret", kem_context, 32)
    context = b"\0" + extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    prk = extract(shared, suite, b"secret", b"")
    key, nonce = (
        expand(prk, suite, b"key", context, key_bytes),
        expand(prk, suite, b"base_nonce", context, 12),
    )
    return AESGCM(key).decrypt(nonce, ct, aad)


RFC9180_SECRET = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
OPENER = crypto.OpeningKey.from_bytes(bytes.fromhex(RFC9180_SECRET))


def test_the_independent_reading_agrees_with_rfc_9180() -> None:
    """Appendix A.1.1.1, sequence number 0 (its cipher is AES-128-GCM)."""
    opened = hpke_open(
        16,
        1,
        RFC9180_SECRET,
        bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"),
        b"Ode on a Grecian Urn",
        b"Count-0",
        bytes.fromhex(
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
        ),
    )
    assert opened == b"Beauty is truth, truth beauty"


def test_the_public_key_is_that_of_rfc_9180() -> None:
    assert OPENER.public.hex() == "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"


def test_what_is_sealed_is_hpke_with_aes_256_gcm() -> None:
    sealed = crypto.seal_to(OPENER.public, b"plaintext", b"purpose", b"owner")
    assert (sealed[:1], len(sealed)) == (b"\x01", len(b"plaintext") + 49)
    parts = (b"mektep sealed v1", b"purpose", b"owner")
    info = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
    assert hpke_open(32, 2, RFC9180_SECRET, sealed[1:33], info, b"", sealed[33:]) == b"plaintext"


def test_what_was_sealed_once_opens_for_ever() -> None:
    sealed = bytes.fromhex(
        "01f2998c8538e5376aac95473df86c874964636adfc5e70b3a2c8073bb4f105108"
        "bb63c7f21427bd2737052eb2d063ac1f352e239f29a3"
    )
    assert OPENER.open(sealed, b"purpose", b"owner") == b"mektep"


def test_sealed_data_with_any_byte_flipped_is_refused() -> None:
    sealed = crypto.seal_to(OPENER.public, b"plaintext", b"purpose", b"owner")
    assert OPENER.open(sealed, b"purpose", b"owner") == b"plaintext"
    for flipped in flips(sealed):
        with pytest.raises(CannotOpen):
            OPENER.open(flipped, b"purpose", b"owner")


@pytest.mark.parametrize(
    ("info", "aad"),
    [(b"purpose", b""), (b"purposeo", b"wner"), (b"owner", b"purpose"), (b"", b"purposeowner")],
)
def test_sealed_data_is_bound_to_purpose_and_owner(info: bytes, aad: bytes) -> None:
    sealed = crypto.seal_to(OPENER.public, b"plaintext", b"purpose", b"owner")
    with pytest.raises(CannotOpen):
        OPENER.open(sealed, info, aad)


def test_sealed_data_opens_for_its_addressee_alone() -> None:
    with pytest.raises(CannotOpen):
        crypto.OpeningKey.generate().open(crypto.seal_to(OPENER.public, b"plaintext", b"p"), b"p")


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31)])
def test_nothing_is_sealed_to_a_key_that_hides_nothing(public: bytes) -> None:
    with pytest.raises(BadKey):
        crypto.seal_to(public, b"plaintext", b"purpose")


def test_sealed_data_with_a_worthless_sender_key_is_refused() -> None:
    with pytest.raises(CannotOpen):
        OPENER.open(b"\x01" + bytes(32) + bytes(16), b"purpose")


def test_a_pair_follows_from_its_seed_and_purpose() -> None:
    seeded = crypto.OpeningKey.from_seed(b"secret", b"purpose")
    assert seeded.to_bytes() == crypto.derive(b"secret", b"purpose")
    assert seeded.public != crypto.OpeningKey.from_seed(b"secret", b"another").public


@pytest.mark.parametrize("kind", [crypto.SigningKey, crypto.OpeningKey])
def test_keys_are_loaded_whole_and_never_printed(kind: type[crypto.SigningKey | crypto.OpeningKey]) -> None:
    key = kind.generate()
    assert kind.from_bytes(key.to_bytes()).public == key.public
    assert key.to_bytes().hex() not in repr(key)
    for wrong in (b"", key.to_bytes()[:-1], key.to_bytes() + b"\0"):
        with pytest.raises(BadKey):
            kind.from_bytes(wrong)


# -- sealing under a shared key ------------------------------------------------------------------------------

KEY = bytes(range(32))
SALT = bytes(range(32, 64))


def test_derived_keys_are_those_of_rfc_5869() -> None:
    """HKDF-SHA256 without salt, appendix A.3 with an `info` of our own, by HMAC alone."""
    prk = hmac.digest(bytes(32), b"secret", "sha256")
    assert crypto.derive(b"secret", b"info") == hmac.digest(prk, b"info\x01", "sha256")


def test_a_part_is_aes_256_gcm_under_keys_derived_from_its_salt() -> None:
    prk = hmac.digest(SALT, KEY, "sha256")
    first = hmac.digest(prk, b"mektep school part v1\x01", "sha256")
    second = hmac.digest(prk, first + b"mektep school part v1\x02", "sha256")
    sealed = crypto.seal_part(KEY, SALT, b"header", b"plaintext")
    assert sealed == AESGCM(first).encrypt(second[:12], b"plaintext", b"header")
    assert crypto.open_part(KEY, SALT, b"header", sealed) == b"plaintext"


def test_a_part_with_any_byte_flipped_is_refused() -> None:
    sealed = crypto.seal_part(KEY, SALT, b"header", b"plaintext")
    for flipped in flips(sealed):
        with pytest.raises(CannotOpen):
            crypto.open_part(KEY, SALT, b"header", flipped)
    for flipped in flips(b"header"):
        with pytest.raises(CannotOpen):
            crypto.open_part(KEY, SALT, flipped, sealed)
    for flipped in flips(SALT):
        with pytest.raises(CannotOpen):
            crypto.open_part(KEY, flipped, b"header", sealed)
    for flipped in flips(KEY):
        with pytest.raises(CannotOpen if len(flipped) == 32 else BadKey):
            crypto.open_part(flipped, SALT, b"header", sealed)


def test_a_wrapped_secret_with_any_byte_flipped_is_refused() -> None:
    wrapped = crypto.wrap(KEY, b"secret", b"slot")
    assert crypto.unwrap(KEY, wrapped, b"slot") == b"secret"
    assert len(wrapped) == len(b"secret") + 29
    for flipped in flips(wrapped):
        with pytest.raises(CannotOpen):
            crypto.unwrap(KEY, flipped, b"slot")
    for flipped in flips(b"slot"):
        with pytest.raises(CannotOpen):
            crypto.unwrap(KEY, wrapped, flipped)
    for flipped in flips(KEY):
        with pytest.raises(CannotOpen if len(flipped) == 32 else BadKey):
            crypto.unwrap(flipped, wrapped, b"slot")


def test_nothing_is_wrapped_twice_alike() -> None:
    assert crypto.wrap(KEY, b"secret", b"slot") != crypto.wrap(KEY, b"secret", b"slot")


def test_a_digest_tells_apart_lists_that_run_together_alike() -> None:
    assert crypto.digest() == hashlib.sha256(b"").digest()
    lists = [(b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"", b"abc")]
    assert len({crypto.digest(*parts) for parts in lists}) == len(lists)


# -- passphrases and passwords -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passphrase", "salt", "cost", "expected"),
    [
        ("", b"", (16, 1, 1), "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"),
        (
            "password",
            b"NaCl",
            (1024, 8, 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162",
        ),
    ],
)
def test_stretched_keys_are_those_of_rfc_7914(
    passphrase: str, salt: bytes, cost: tuple[int, int, int], expected: str
) -> None:
    """Section 12, the first half of each."""
    assert crypto.stretch(passphrase, salt, *cost).hex() == expected


def test_keyboards_agree_on_a_passphrase() -> None:
    composed, decomposed = "\u0439\u0451", "\u0438\u0306\u0435\u0308"
    assert composed != decomposed
    assert crypto.stretch(composed, b"salt", 16) == crypto.stretch(decomposed, b"salt", 16)


@pytest.mark.parametrize("cost", [(0,), (1,), (3,), (2**22,), (16, 0), (16, 8, 0), (16, 8, 17), (2, 2**24)])
def test_a_cost_out_of_bounds_is_refused(cost: tuple[int, ...]) -> None:
    assert not crypto.Cost(*cost).bearable()
    with pytest.raises(ValueError, match="out of bounds"):
        crypto.stretch("passphrase", b"salt", *cost)


@pytest.mark.usefixtures("real_costs")
def test_the_costs_in_use_are_bearable() -> None:
    assert crypto.PASSPHRASE_COST.bearable()
    assert crypto.PASSWORD_COST.bearable()
    assert (crypto.PASSPHRASE_COST.n, crypto.PASSWORD_COST.n) == (2**17, 2**14)
    assert crypto.hash_password("купуя сөз").startswith("scrypt$1$16384$8$5$")


def test_a_password_is_known_again_and_no_other() -> None:
    stored = crypto.hash_password("купуя сөз", CHEAP)
    assert re.fullmatch(r"scrypt\$1\$16\$8\$1\$[\w-]{22}\$[\w-]{43}", stored)
    assert crypto.check_password("купуя сөз", stored)
    assert not crypto.check_password("купуя соз", stored)
    assert stored != crypto.hash_password("купуя сөз", CHEAP)


@pytest.mark.parametrize(
    "stored", ["", "купуя сөз", "scrypt$1$16$8$1$AA$AA", "scrypt$2$16$8$1$" + "A" * 22 + "$" + "A" * 43]
)
def test_text_that_stores_no_password_matches_none(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key, salt = crypto.stretch("dummy", bytes(16), *CHEAP), bytes(16)
    monkeypatch.setattr(crypto, "DUMMY_HASH", crypto._stored(CHEAP, salt, key))
    assert not crypto.check_password("", stored)
    assert not crypto.check_password("dummy", stored)


def test_a_hostile_cost_is_not_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "DUMMY_HASH", crypto.hash_password("dummy", CHEAP))
    hostile = crypto.hash_password("x", CHEAP).replace("$16$8$1$", "$67108864$9999$16$")
    assert not crypto.check_password("x", hostile)


# -- names and words -----------------------------------------------------------------------------------------


def test_an_origin_is_named_by_key_and_incarnation() -> None:
    name = crypto.origin_name(SIGNER.public, b"one")
    hashed = hashlib.sha256(b"mektep origin v1\0" + SIGNER.public + b"one").digest()
    assert name == int.from_bytes(hashed[:4], "big") & 0x7FFFFFFF
    assert name != crypto.origin_name(SIGNER.public, b"two")
    assert 0 < name < 2**31


def test_an_origin_is_never_named_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([b"\x80\0\0\0" + bytes(28), b"\0\0\0\x07" + bytes(28)])
    monkeypatch.setattr(crypto, "sha256", lambda data: next(answers))
    assert crypto.origin_name(bytes(32), b"") == 7


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("7f000001", "lusab babad"),
        ("3f54dcc1", "gutih tugad"),
        ("3f760723", "gutuk bisog"),
        ("8c62c18d", "mudof sakat"),
        ("40ff06c8", "haguz biram"),
        ("00000000", "babab babab"),
        ("ffffffff", "zuzuz zuzuz"),
    ],
)
def test_words_are_the_proquints_of_wilkerson(address: str, words: str) -> None:
    assert crypto.proquints(bytes.fromhex(address)) == words


@pytest.mark.parametrize("length", [2, 10, 16, 32])
def test_words_are_read_back_however_they_are_typed(length: int) -> None:
    data = bytes(range(100, 100 + length))
    words = crypto.to_words(data)
    assert len(words.split()) == length // 2 + 1
    for typed in (words, words.upper(), words.replace(" ", "-"), words.replace(" ", ""), f"  {words}\n"):
        assert crypto.from_words(typed) == data


def test_every_mistyped_letter_is_found() -> None:
    words = crypto.to_words(bytes(16))
    for at, letter in enumerate(words):
        kind = next((kind for kind in ("aiou", "bdfghjklmnprstvz") if letter in kind), "")
        for other in kind.replace(letter, ""):
            with pytest.raises(MistypedWords):
                crypto.from_words(words[:at] + other + words[at + 1 :])


def test_words_left_out_or_in_another_order_are_found() -> None:
    words = crypto.to_words(bytes(range(16))).split()
    for at in range(len(words) - 1):
        for wrong in (
            words[:at] + words[at + 1 :],
            [*words[:at], words[at + 1], words[at], *words[at + 2 :]],
        ):
            with pytest.raises(MistypedWords):
                crypto.from_words(" ".join(wrong))


@pytest.mark.parametrize("text", ["", "   ", "babab", "babab " * 65])
def test_too_few_or_too_many_words_are_refused(text: str) -> None:
    with pytest.raises(MistypedWords):
        crypto.from_words(text)


@pytest.mark.parametrize(
    ("text", "number", "word"), [("babab hello", 2, "hello"), ("сөз", 1, "сөз"), ("12345", 1, "12345")]
)
def test_the_first_unreadable_word_is_named(text: str, number: int, word: str) -> None:
    with pytest.raises(UnreadableWord) as caught:
        crypto.from_words(text)
    assert caught.value.details == {"number": number, "word": word}


def test_a_failure_says_nothing_of_the_secret() -> None:
    with pytest.raises(Problem) as caught:
        crypto.unwrap(KEY, crypto.wrap(KEY, b"secret", b"a"), b"b")
    assert caught.value.details == {}
