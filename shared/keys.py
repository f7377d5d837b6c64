"""The keys a school lives by, as files, on paper and read aloud.

In this module

    Keyslots           the data key of a database, wrapped for every way to unlock it (in `shared.keyslots`)
    RecoveryKit        a printed page whose words, or QR code, are the recovery secret
    RegistrationCode   what a district hands a school so that its node and the hub know one another
    six_words          a secret of ten bytes, read aloud from one screen and typed at another
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Self

import segno

from shared import crypto
from shared.keyslots import RECOVERY_BYTES, Keyslots, write_private
from shared.problems import N_, MistypedWords, UnreadableCode, WrongCode, WrongRecoveryKey

__all__ = [
    "RECOVERY_BYTES",
    "Keyslots",
    "RecoveryKit",
    "RegistrationCode",
    "recovery_keypair",
    "secret_digest",
    "secret_of_six_words",
    "six_words",
    "write_private",
]

# -- base32 for people ---------------------------------------------------------------------------------------

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK_SYMBOLS = _SYMBOLS + "*~$=U"
# The Cyrillic capitals that look like Latin ones, in the order of the letters they stand for.
_CYRILLIC = "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
_FORGIVEN = str.maketrans("OIL" + _CYRILLIC, "011" + "ABEKMH0PCTYX")
_IGNORED = re.compile("[\\s\u2010-\u2015\u2212-]")


def _to_base32(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    return "".join(_SYMBOLS[number >> 5 * place & 31] for place in reversed(range(len(data) * 8 // 5)))


def _from_base32(symbols: str, length: int) -> bytes:
    """Return `length` bytes, 5 or a multiple; ValueError if these symbols are not that."""
    if len(symbols) * 5 != length * 8:
        raise ValueError("length")
    number = 0
    for symbol in symbols:
        number = number << 5 | _SYMBOLS.index(symbol)
    return number.to_bytes(length, "big")


# -- recovery kit --------------------------------------------------------------------------------------------

_CODE_PREFIX = "MEKTEP1"
_CODE_CHECK_BYTES = 4

_TITLE = N_("Recovery kit")
_WARNING = N_("Whoever holds this page can read all that the school keeps. Guard it like the school's seal.")
_HUB_TITLE = N_("Recovery kit of the hub")
_HUB_WARNING = N_(
    "Whoever holds this page and a copy of the hub can read what the hub keeps. Guard it like the seal."
)
_HUB_ADVICE = (
    N_("Print it twice. Lock one copy in the district's safe and the other in a safe in another building."),
    N_("Do not photograph it, do not send it, and do not keep it as a file."),
    N_(
        "If the passphrase is forgotten, restore a backup with these words in their order, or the text of the code."
    ),
    N_("If the hub's machine is lost, this page and a backup bring the hub back; its schools complete it."),
    N_("Capital letters, spaces and hyphens do not matter. If a word is mistyped, Mektep says so."),
)
_WORDS_TITLE = N_("The words")
_ADVICE_TITLE = N_("What to do with this page")
_ADVICE = (
    N_("Print it twice. Lock one copy in the school's safe and the other in a safe in another building."),
    N_("Do not photograph it, do not send it, and do not keep it as a file."),
    N_("If the passphrase is forgotten, give Mektep these words in their order, or the text of the code."),
    N_("If the computer is lost, this page and the district's hub bring the whole school back on another."),
    N_("Capital letters, spaces and hyphens do not matter. If a word is mistyped, Mektep says so."),
)

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · {school}</title>
<style>
@page {{ size: A4; margin: 18mm }}
body {{ font: 12pt/1.45 sans-serif; color: #000; background: #fff }}
body {{ max-width: 174mm; margin: 0 auto; padding: 1rem }}
h1 {{ margin: 0 }}
.warning {{ border: 2px solid; padding: .6rem .8rem; font-weight: bold }}
.words {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem }}
.words {{ padding: 0; list-style-position: inside }}
.words li {{ border: 1px solid; padding: .5rem; font: 14pt monospace }}
.code {{ width: 50mm; margin: auto }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{school}<br>{day}</p>
<p class="warning">{warning}</p>
<h2>{words_title}</h2>
<ol class="words" translate="no">{words}</ol>
<div class="code">{code}</div>
<h2>{advice_title}</h2>
<ul>{advice}</ul>
</body>
</html>
"""


@dataclass(frozen=True)
class RecoveryKit:
    """The recovery secret as a person keeps it; `made` is the day printed on the page."""

    secret: bytes = field(repr=False)
    school_name: str
    made: date
    of_hub: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        _checked(self.secret)

    @classmethod
    def create(cls, school_name: str, made: date, of_hub: bool = False) -> Self:
        """Make a kit with a new secret, of a school or of the district's hub."""
        return cls(crypto.random_bytes(RECOVERY_BYTES), school_name, made, of_hub)

    @property
    def words(self) -> str:
        """Nine words, the last one a checksum."""
        return crypto.to_words(self.secret)

    @property
    def code(self) -> str:
        """The text of the QR code: `MEKTEP1:` and secret and checksum in base32."""
        return f"{_CODE_PREFIX}:{_to_base32(self.secret + _code_check(self.secret))}"

    def qr_svg(self) -> str:
        """Return the QR code as an SVG element that fills its container."""
        code = segno.make(self.code, error="q", micro=False)
        svg: str = code.svg_inline(omitsize=True, svgclass=None, lineclass=None, light="white")
        return svg

    def html(self, gettext: Callable[[str], str], language: str) -> str:
        """Return one A4 page to print, in the language of `gettext`, whose code is `language`."""
        title, warning, advice = (
            (_HUB_TITLE, _HUB_WARNING, _HUB_ADVICE) if self.of_hub else (_TITLE, _WARNING, _ADVICE)
        )
        return _PAGE.format(
            language=escape(language),
            title=escape(gettext(title)),
            school=escape(self.school_name),
            day=self.made.strftime("%d.%m.%Y"),
            warning=escape(gettext(warning)),
            words_title=escape(gettext(_WORDS_TITLE)),
            words="".join(f"<li>{word}</li>" for word in self.words.split()),
            code=self.qr_svg(),
            advice_title=escape(gettext(_ADVICE_TITLE)),
            advice="".join(f"<li>{escape(gettext(line))}</li>" for line in advice),
        )

    @staticmethod
    def secret_from(text: str) -> bytes:
        """Read the secret from the words or the QR code's text.

        UnreadableWord, MistypedWords, UnreadableCode.
        """
        prefix, _, symbols = text.strip().upper().partition(":")
        if not prefix.startswith("MEKTEP"):
            return _secret_from_words(text)
        try:
            data = _from_base32(symbols, RECOVERY_BYTES + _CODE_CHECK_BYTES)
        except ValueError as error:
            raise UnreadableCode() from error
        secret, check = data[:RECOVERY_BYTES], data[RECOVERY_BYTES:]
        if prefix != _CODE_PREFIX or check != _code_check(secret):
            raise UnreadableCode()
        return secret


def _secret_from_words(text: str) -> bytes:
    secret = crypto.from_words(text)
    if len(secret) != RECOVERY_BYTES:
        raise MistypedWords()
    return secret


def _code_check(secret: bytes) -> bytes:
    return crypto.sha256(b"mektep kit code v1\0" + secret)[:_CODE_CHECK_BYTES]


def recovery_signer(secret: bytes) -> crypto.SigningKey:
    """Return the key pair with which whoever holds the kit proves it."""
    return crypto.SigningKey.from_bytes(crypto.derive(_checked(secret), b"mektep recovery signing v1"))


def recovery_keypair(secret: bytes) -> crypto.OpeningKey:
    """Return the key pair every epoch's school key is sealed to; WrongRecoveryKey if `secret` is none."""
    return crypto.OpeningKey.from_seed(_checked(secret), b"mektep recovery key v1")


def _checked(secret: bytes) -> bytes:
    if len(secret) != RECOVERY_BYTES:
        raise WrongRecoveryKey()
    return secret


# -- registration --------------------------------------------------------------------------------------------

_FINGERPRINT_BYTES = 10
_ONE_TIME_BYTES = 5
_CODE_BYTES = _FINGERPRINT_BYTES + _ONE_TIME_BYTES


@dataclass(frozen=True)
class RegistrationCode:
    """80 bits that name the hub and a one-time secret of 40 bits, which the hub throttles.

    The fingerprint is public; `secret` goes to no one but the hub it names.
    """

    fingerprint: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def create(cls, hub_public: bytes) -> Self:
        """Make a code with a new secret for the hub whose Ed25519 public key this is."""
        return cls(_fingerprint(hub_public), crypto.random_bytes(_ONE_TIME_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text` as typed, whatever the case, spaces and hyphens; WrongCode if it cannot be a code."""
        symbols = _IGNORED.sub("", unicodedata.normalize("NFKC", text).upper()).translate(_FORGIVEN)
        try:
            data = _from_base32(symbols[:-1], _CODE_BYTES)
        except ValueError as error:
            raise WrongCode() from error
        if symbols[-1] != _check_symbol(data):
            raise WrongCode()
        return cls(data[:_FINGERPRINT_BYTES], data[_FINGERPRINT_BYTES:])

    @property
    def text(self) -> str:
        """Crockford's base32 in groups of four, then his check symbol (modulo 37)."""
        data = self.fingerprint + self.secret
        return "-".join(re.findall("..?.?.?", _to_base32(data) + _check_symbol(data)))

    def names(self, hub_public: bytes) -> bool:
        """Tell whether this is the hub the code was made for."""
        return crypto.same(self.fingerprint, _fingerprint(hub_public))


def secret_digest(secret: bytes) -> bytes:
    """Return what the hub keeps of a code's secret: enough to recognise it, not to print it again.

    Plain and fast, for the secret works once, for a short time, behind a throttle.
    """
    return crypto.sha256(b"mektep registration secret v1\0" + secret)


def _fingerprint(hub_public: bytes) -> bytes:
    return crypto.sha256(b"mektep hub key v1\0" + hub_public)[:_FINGERPRINT_BYTES]


def _check_symbol(data: bytes) -> str:
    return _CHECK_SYMBOLS[int.from_bytes(data, "big") % len(_CHECK_SYMBOLS)]


SIX_WORDS_BYTES = 10
"""Length of the secret that six words say: five words of it, one of checksum."""


def six_words(secret: bytes) -> str:
    """Return the words of a secret of ten bytes, the last one a checksum."""
    return crypto.to_words(secret)


def secret_of_six_words(text: str) -> bytes:
    """Read it back; UnreadableWord, MistypedWords."""
    secret = crypto.from_words(text)
    if len(secret) != SIX_WORDS_BYTES:
        raise MistypedWords()
    return secret
