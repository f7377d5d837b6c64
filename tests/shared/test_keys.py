"""Keyslots, the recovery kit, registration codes: what opens, what is refused, what a crash leaves behind."""

import errno
import json
import os
import re
import stat
import unicodedata
from collections.abc import Callable
from datetime import date
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from shared import crypto, keys, keyslots
from shared.keys import (
    Keyslots,
    RecoveryKit,
    RegistrationCode,
    recovery_keypair,
    secret_digest,
    secret_of_six_words,
    six_words,
    write_private,
)
from shared.problems import (
    AlreadyInitialised,
    BadKey,
    CannotOpen,
    DamagedFile,
    DiskFull,
    MistypedWords,
    NewerFile,
    NoSuchSlot,
    NotInitialised,
    Problem,
    UnreadableCode,
    UnreadableWord,
    WrongCode,
    WrongKey,
    WrongPassphrase,
    WrongRecoveryKey,
)

CHEAP = crypto.Cost(2**4)
DATA_KEY = bytes(range(32))
SECRET = bytes(range(16))
PASSPHRASE = "ак боз ат"


def made(path: Path, machine: bool = True, data_key: bytes = DATA_KEY, secret: bytes = SECRET) -> Keyslots:
    path.mkdir(exist_ok=True)
    return Keyslots.create(path / "keys.json", data_key, PASSPHRASE, secret, machine, CHEAP)


@pytest.fixture
def slots(tmp_path: Path) -> Keyslots:
    return made(tmp_path)


def edit(slots: Keyslots, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the file's slots as one would who knows the format, checksum and all."""
    content = json.loads(slots.path.read_bytes())
    change(content["slots"])
    body = {"data_key": content["data_key"], "slots": content["slots"]}
    slots.path.write_bytes(keyslots._canonical(keyslots._sealed(body)))


# -- keyslots: opening ---------------------------------------------------------------------------------------


def test_every_slot_opens_to_the_data_key(slots: Keyslots) -> None:
    assert slots.slots() == ["machine", "passphrase", "recovery"]
    assert slots.open_with_passphrase(PASSPHRASE) == DATA_KEY
    assert slots.open_with_recovery(SECRET) == DATA_KEY
    assert slots.open_with_machine() == DATA_KEY


@pytest.mark.usefixtures("real_costs")
def test_a_real_passphrase_costs_what_it_should(tmp_path: Path) -> None:
    slots = Keyslots.create(tmp_path / "keys.json", DATA_KEY, PASSPHRASE, SECRET, machine=False)
    content = json.loads(slots.path.read_bytes())
    assert content["slots"]["passphrase"]["cost"] == [2**17, 8, 1]
    assert Keyslots(slots.path).open_with_passphrase(PASSPHRASE) == DATA_KEY


def test_a_wrong_secret_opens_nothing(slots: Keyslots) -> None:
    for wrong in ("", "ак боз", PASSPHRASE + " "):
        with pytest.raises(WrongPassphrase):
            slots.open_with_passphrase(wrong)
    for wrong_secret in (bytes(16), SECRET[:-1], SECRET + b"\0", b""):
        with pytest.raises(WrongRecoveryKey):
            slots.open_with_recovery(wrong_secret)


def test_the_files_show_no_secret_and_are_the_owners_alone(slots: Keyslots) -> None:
    text = slots.path.read_bytes()
    for secret in (DATA_KEY, SECRET, PASSPHRASE.encode(), slots.machine_path.read_bytes()):
        assert secret not in text
        assert secret.hex().encode() not in text
    for path in (slots.path, slots.machine_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in slots.path.parent.iterdir()) == ["keys.json", "machine.key"]


def test_without_a_machine_slot_the_machine_opens_nothing(tmp_path: Path) -> None:
    slots = made(tmp_path, machine=False)
    assert slots.slots() == ["passphrase", "recovery"]
    assert not slots.machine_path.exists()
    with pytest.raises(NoSuchSlot):
        slots.open_with_machine()


def test_a_copy_of_the_file_on_another_machine_needs_the_passphrase(slots: Keyslots) -> None:
    slots.machine_path.unlink()
    with pytest.raises(NoSuchSlot):
        slots.open_with_machine()
    assert slots.open_with_passphrase(PASSPHRASE) == DATA_KEY


def test_before_init_there_is_nothing_to_open(tmp_path: Path) -> None:
    slots = Keyslots(tmp_path / "keys.json")
    attempts: list[Callable[[], object]] = [
        slots.slots,
        slots.open_with_machine,
        lambda: slots.open_with_passphrase(PASSPHRASE),
        lambda: slots.open_with_recovery(SECRET),
        lambda: slots.change_passphrase(DATA_KEY, "new", CHEAP),
        lambda: slots.set_machine(DATA_KEY, True),
    ]
    for attempt in attempts:
        with pytest.raises(NotInitialised, match=re.escape(str(tmp_path))):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_made_anew(slots: Keyslots) -> None:
    before = slots.path.read_bytes(), slots.machine_path.read_bytes()
    with pytest.raises(AlreadyInitialised):
        made(slots.path.parent)
    assert (slots.path.read_bytes(), slots.machine_path.read_bytes()) == before


def test_only_whole_secrets_are_wrapped(tmp_path: Path) -> None:
    with pytest.raises(BadKey):
        made(tmp_path, data_key=DATA_KEY[:-1])
    with pytest.raises(WrongRecoveryKey):
        made(tmp_path, secret=SECRET[:-1])
    assert list(tmp_path.iterdir()) == []


# -- keyslots: damage ----------------------------------------------------------------------------------------


def test_every_flipped_byte_of_the_file_is_refused(slots: Keyslots) -> None:
    whole = slots.path.read_bytes()
    for at in range(len(whole)):
        for mask in (0x01, 0x20, 0x80):
            slots.path.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
            with pytest.raises((DamagedFile, NewerFile)):
                slots.open_with_recovery(SECRET)
    slots.path.write_bytes(whole)
    assert slots.open_with_recovery(SECRET) == DATA_KEY


def test_a_file_cut_short_anywhere_is_refused(slots: Keyslots) -> None:
    whole = slots.path.read_bytes()
    for length in range(len(whole)):
        slots.path.write_bytes(whole[:length])
        with pytest.raises(DamagedFile, match=r"keys\.json is damaged"):
            slots.slots()


def test_every_flipped_byte_of_the_machine_key_is_refused(slots: Keyslots) -> None:
    whole = slots.machine_path.read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for damaged in [*flipped, whole[:-1], whole + b"\0", b""]:
        slots.machine_path.write_bytes(damaged)
        with pytest.raises(DamagedFile, match=r"machine\.key is damaged"):
            slots.open_with_machine()


@pytest.mark.parametrize("name", ["passphrase", "recovery", "machine"])
def test_a_slot_changed_by_one_who_mends_the_checksum_is_refused(slots: Keyslots, name: str) -> None:
    whole = slots.path.read_bytes()
    wrapped = bytes.fromhex(json.loads(whole)["slots"][name]["wrapped"])
    for at in range(len(wrapped)):
        changed = (wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]).hex()
        edit(slots, lambda content: content[name].update(wrapped=changed))  # noqa: B023 - called at once
        with pytest.raises({"machine": DamagedFile, "recovery": WrongRecoveryKey}.get(name, WrongPassphrase)):
            opened_by(slots, name)
        slots.path.write_bytes(whole)


def opened_by(slots: Keyslots, name: str) -> bytes:
    if name == "passphrase":
        return slots.open_with_passphrase(PASSPHRASE)
    return slots.open_with_machine() if name == "machine" else slots.open_with_recovery(SECRET)


def test_a_slot_holds_under_its_own_name_alone() -> None:
    wrapped = bytes.fromhex(keyslots._wrap(bytes(32), DATA_KEY, "machine"))
    assert crypto.unwrap(bytes(32), wrapped, b"mektep keyslots v1 machine") == DATA_KEY
    for context in (b"mektep keyslots v1 recovery", b"mektep keyslots v2 machine", b""):
        with pytest.raises(CannotOpen):
            crypto.unwrap(bytes(32), wrapped, context)


@pytest.mark.parametrize(
    "slot",
    [
        {},
        {"wrapped": "00"},
        {"wrapped": 5, "salt": "00", "cost": [16, 8, 1]},
        {"wrapped": "zz", "salt": "00", "cost": [16, 8, 1]},
        {"wrapped": "00", "salt": "zz", "cost": [16, 8, 1]},
        {"wrapped": "00", "salt": "00", "cost": [16, 8, 1, 1]},
        {"wrapped": "00", "salt": "00", "cost": ["16", 8, 1]},
        {"wrapped": "00", "salt": "00", "cost": [2**40, 8, 1]},
        {"wrapped": "00", "salt": "00", "cost": [2**17, 2**20, 1]},
        [],
        None,
        "slot",
    ],
)
def test_a_hostile_slot_is_refused_before_it_costs_anything(slots: Keyslots, slot: object) -> None:
    edit(slots, lambda content: content.update(passphrase=slot))
    with pytest.raises(DamagedFile):
        slots.open_with_passphrase(PASSPHRASE)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "5", '"keys"', "\0", "[" * 100_000, '{"format":"age"}', '{"version":9}']
)
def test_a_foreign_file_is_refused(slots: Keyslots, text: str) -> None:
    slots.path.write_text(text)
    with pytest.raises(DamagedFile):
        slots.slots()


def test_a_file_of_a_newer_version_is_left_alone(slots: Keyslots) -> None:
    newer = slots.path.read_bytes().replace(b'"version":1', b'"version":2,"more":[]')
    slots.path.write_bytes(newer)
    with pytest.raises(NewerFile, match=r"keys\.json was written by a newer version"):
        slots.open_with_passphrase(PASSPHRASE)
    with pytest.raises(NewerFile):
        slots.change_passphrase(DATA_KEY, "new", CHEAP)
    assert slots.path.read_bytes() == newer


def test_the_file_of_another_school_does_not_open(slots: Keyslots, tmp_path: Path) -> None:
    other = made(tmp_path / "other", data_key=bytes(32), secret=bytes(16))
    slots.path.write_bytes(other.path.read_bytes())
    with pytest.raises(WrongRecoveryKey):
        slots.open_with_recovery(SECRET)
    with pytest.raises(DamagedFile):
        slots.open_with_machine()


# -- keyslots: changing --------------------------------------------------------------------------------------


def test_a_new_passphrase_opens_the_same_data_key_and_the_old_one_nothing(slots: Keyslots) -> None:
    slots.change_passphrase(DATA_KEY, "кара күрөң ат", CHEAP)
    assert slots.open_with_passphrase("кара күрөң ат") == DATA_KEY
    with pytest.raises(WrongPassphrase):
        slots.open_with_passphrase(PASSPHRASE)
    assert slots.open_with_recovery(SECRET) == slots.open_with_machine() == DATA_KEY


def test_the_same_passphrase_is_salted_anew(slots: Keyslots) -> None:
    before = slots.path.read_bytes()
    slots.change_passphrase(DATA_KEY, PASSPHRASE, CHEAP)
    salts = [json.loads(text)["slots"]["passphrase"]["salt"] for text in (before, slots.path.read_bytes())]
    assert salts[0] != salts[1]


def test_a_foreign_data_key_is_never_put_into_a_slot(slots: Keyslots) -> None:
    before = slots.path.read_bytes()
    for wrong in (bytes(32), DATA_KEY[:-1]):
        with pytest.raises(WrongKey):
            slots.change_passphrase(wrong, "new", CHEAP)
        for wanted in (True, False):
            with pytest.raises(WrongKey):
                slots.set_machine(wrong, wanted)
    assert slots.path.read_bytes() == before
    assert slots.open_with_machine() == DATA_KEY


def test_the_machine_slot_comes_and_goes(slots: Keyslots) -> None:
    first = slots.machine_path.read_bytes()
    slots.set_machine(DATA_KEY, False)
    assert slots.slots() == ["passphrase", "recovery"]
    assert not slots.machine_path.exists()
    slots.set_machine(DATA_KEY, False)
    slots.set_machine(DATA_KEY, True)
    assert slots.open_with_machine() == DATA_KEY
    assert slots.machine_path.read_bytes() != first


def test_a_machine_slot_that_works_is_left_alone(slots: Keyslots) -> None:
    before = slots.path.read_bytes(), slots.machine_path.read_bytes()
    slots.set_machine(DATA_KEY, True)
    assert (slots.path.read_bytes(), slots.machine_path.read_bytes()) == before


def test_a_machine_slot_that_lost_its_key_is_mended(slots: Keyslots) -> None:
    slots.machine_path.unlink()
    slots.set_machine(DATA_KEY, True)
    assert slots.open_with_machine() == DATA_KEY


# -- crashes -------------------------------------------------------------------------------------------------


class PowerCut(BaseException):
    """Not an Exception: nobody cleans up after it."""


def cut_at(monkeypatch: pytest.MonkeyPatch, call: str, nth: int = 1) -> None:
    """Cut the power instead of the `nth` call of a function of `os`."""
    real, calls = getattr(os, call), iter(range(1, 100))

    def cut(*args: object, **kwargs: object) -> object:
        if next(calls) == nth:
            raise PowerCut
        return real(*args, **kwargs)

    monkeypatch.setattr(os, call, cut)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_crash_before_the_rename_leaves_the_old_file(
    slots: Keyslots, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = slots.path.read_bytes()
    with monkeypatch.context() as power:
        cut_at(power, call)
        with pytest.raises(PowerCut):
            slots.change_passphrase(DATA_KEY, "new", CHEAP)
    assert slots.path.read_bytes() == before
    assert slots.open_with_passphrase(PASSPHRASE) == DATA_KEY
    assert slots.path.with_name("keys.json.new").exists()
    slots.change_passphrase(DATA_KEY, "new", CHEAP)
    assert slots.open_with_passphrase("new") == DATA_KEY
    assert not slots.path.with_name("keys.json.new").exists()


def test_a_crash_after_the_rename_leaves_the_new_file(
    slots: Keyslots, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as power:
        cut_at(power, "fsync", 2)
        with pytest.raises(PowerCut):
            slots.change_passphrase(DATA_KEY, "new", CHEAP)
    assert slots.open_with_passphrase("new") == DATA_KEY


def test_a_crash_during_init_can_be_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as power:
        cut_at(power, "replace", 2)
        with pytest.raises(PowerCut):
            made(tmp_path)
    with pytest.raises(NotInitialised):
        Keyslots(tmp_path / "keys.json").slots()
    assert made(tmp_path).open_with_machine() == DATA_KEY


@pytest.mark.parametrize("nth", [1, 2])
def test_a_crash_while_the_machine_slot_comes_leaves_the_others(
    tmp_path: Path, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = made(tmp_path, machine=False)
    with monkeypatch.context() as power:
        cut_at(power, "replace", nth)
        with pytest.raises(PowerCut):
            slots.set_machine(DATA_KEY, True)
    assert slots.slots() == ["passphrase", "recovery"]
    assert slots.open_with_passphrase(PASSPHRASE) == DATA_KEY
    slots.set_machine(DATA_KEY, True)
    assert slots.open_with_machine() == DATA_KEY


def test_bytes_reach_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> None:
        order.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_private(tmp_path / "file", b"data")
    assert order == ["file", "rename", "folder"]


@pytest.mark.parametrize(("code", "expected"), [(errno.ENOSPC, DiskFull), (errno.EIO, OSError)])
def test_a_disk_that_fails_leaves_the_old_file_and_no_other(
    slots: Keyslots, code: int, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(expected):
        slots.change_passphrase(DATA_KEY, "new", CHEAP)
    assert slots.open_with_passphrase(PASSPHRASE) == DATA_KEY
    assert sorted(path.name for path in slots.path.parent.iterdir()) == ["keys.json", "machine.key"]


def test_a_file_left_open_to_all_is_not_written_into(tmp_path: Path) -> None:
    left = tmp_path / "file.new"
    left.write_bytes(b"left behind")
    left.chmod(0o666)
    write_private(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


# -- recovery kit --------------------------------------------------------------------------------------------

KIT = RecoveryKit(SECRET, "№ 5 <Ак-Суу> & Ко", date(2025, 9, 1))


def test_the_words_are_the_secret_and_a_checksum() -> None:
    assert len(KIT.words.split()) == 9
    assert crypto.from_words(KIT.words) == SECRET


def test_the_secret_is_read_from_words_or_code_however_typed() -> None:
    assert re.fullmatch(r"MEKTEP1:[0-9A-HJKMNP-TV-Z]{32}", KIT.code)
    for text in (
        KIT.words,
        KIT.words.upper(),
        KIT.words.replace(" ", "-"),
        KIT.code,
        f" {KIT.code.lower()}\n",
    ):
        assert RecoveryKit.secret_from(text) == SECRET


def test_every_changed_symbol_of_the_code_is_refused() -> None:
    for at, symbol in enumerate(KIT.code):
        for other in {"0", "Z", "É", ""} - {symbol}:
            with pytest.raises((UnreadableCode, UnreadableWord)):
                RecoveryKit.secret_from(KIT.code[:at] + other + KIT.code[at + 1 :])


@pytest.mark.parametrize(
    "text", ["MEKTEP1:", "MEKTEP2:" + KIT.code[8:], "MEKTEP1", "MEKTEP1:" + "0" * 32, KIT.code * 2]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(UnreadableCode):
        RecoveryKit.secret_from(text)


def test_words_of_another_kind_are_refused() -> None:
    with pytest.raises(MistypedWords):
        RecoveryKit.secret_from(six_words(b"a node's key"))
    with pytest.raises(UnreadableWord):
        RecoveryKit.secret_from(KIT.words + " сөз")


def test_a_kit_is_made_with_a_whole_new_secret() -> None:
    first, second = (RecoveryKit.create("№ 5", date(2025, 9, 1)) for _ in range(2))
    assert len(first.secret) == 16
    assert first.secret != second.secret
    with pytest.raises(WrongRecoveryKey):
        RecoveryKit(SECRET[:-1], "№ 5", date(2025, 9, 1))


def test_a_kit_in_a_log_shows_no_secret() -> None:
    assert repr(KIT) == "RecoveryKit(school_name='№ 5 <Ак-Суу> & Ко', made=datetime.date(2025, 9, 1))"


def test_the_recovery_pair_follows_from_the_secret_alone() -> None:
    pair = recovery_keypair(SECRET)
    sealed = crypto.seal_to(pair.public, b"epoch key", b"purpose")
    assert recovery_keypair(RecoveryKit.secret_from(KIT.code)).open(sealed, b"purpose") == b"epoch key"
    assert recovery_keypair(bytes(16)).public != pair.public
    with pytest.raises(WrongRecoveryKey):
        recovery_keypair(SECRET[:-1])


def test_the_recovery_secret_has_a_key_for_each_purpose() -> None:
    assert recovery_keypair(SECRET).to_bytes() != keyslots._recovery_key(SECRET)


def test_the_qr_code_is_one_drawing_with_a_quiet_zone() -> None:
    svg = ElementTree.fromstring(KIT.qr_svg())
    assert svg.tag == "svg"
    assert svg.attrib == {"viewBox": "0 0 37 37"}
    assert KIT.qr_svg() != RecoveryKit(bytes(16), "№ 5", KIT.made).qr_svg()


LANGUAGES = {"ky": "Калыбына келтирүү барагы", "ru": "Лист восстановления", "en": "Recovery kit"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_carries_words_code_and_advice_in_every_language(language: str) -> None:
    asked: list[str] = []

    def gettext(msgid: str) -> str:
        asked.append(msgid)
        return LANGUAGES[language] if msgid == "Recovery kit" else f"{language} <{len(asked)}>"

    page = KIT.html(gettext, language)
    assert f'<html lang="{language}">' in page
    assert f"<h1>{LANGUAGES[language]}</h1>" in page
    assert re.findall(r"<li>([a-z]{5})</li>", page) == KIT.words.split()
    assert KIT.qr_svg() in page
    assert "01.09.2025" in page
    assert page.count(escape(KIT.school_name)) == 2
    assert KIT.school_name not in page
    for number in range(2, len(asked) + 1):
        assert f"{language} &lt;{number}&gt;" in page
    assert not re.search(r"[{}<]\d", page.split("</style>")[1])


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = KIT.html(str, "en")
    assert not re.search(r"https?:|url\(|src=|href=|<script|@import", page)
    assert "size: A4" in page
    for line in (keys._WARNING, *keys._ADVICE):
        assert escape(line) in page


# -- registration codes --------------------------------------------------------------------------------------

HUB = crypto.SigningKey.from_bytes(bytes(32)).public
CODE = RegistrationCode.create(HUB)


def test_a_code_names_its_hub_and_no_other() -> None:
    assert (len(CODE.fingerprint), len(CODE.secret)) == (10, 5)
    assert CODE.fingerprint == crypto.sha256(b"mektep hub key v1\0" + HUB)[:10]
    assert CODE.names(HUB)
    for at in range(32):
        assert not CODE.names(HUB[:at] + bytes([HUB[at] ^ 1]) + HUB[at + 1 :])


def test_a_code_is_groups_of_four_and_a_check_symbol() -> None:
    assert re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z*~$=U]", CODE.text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (bytes(15), "0000-0000-0000-0000-0000-0000-0"),
        (bytes(14) + b"\x20", "0000-0000-0000-0000-0000-0010-*"),
        (bytes(14) + b"\x24", "0000-0000-0000-0000-0000-0014-U"),
        (bytes(13) + b"\x04\xd2", "0000-0000-0000-0000-0000-016J-D"),
    ],
)
def test_the_check_symbol_is_crockfords(data: bytes, text: str) -> None:
    code = RegistrationCode(data[:10], data[10:])
    assert code.text == text
    assert RegistrationCode.parse(text) == code


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda text: text.replace("-", ""),
        lambda text: text.replace("-", " – "),
        " {}\n".format,
        lambda text: text.translate({ord("-"): "\uff0d", ord("0"): "\uff10", ord("A"): "\uff21"}),
    ],
)
def test_a_code_is_read_however_it_is_typed(typed: Callable[[str], str]) -> None:
    for _ in range(50):
        code = RegistrationCode.create(HUB)
        assert RegistrationCode.parse(typed(code.text)) == code


def test_letters_that_look_alike_are_forgiven() -> None:
    data = bytes.fromhex("00443214c74254b635cf84653a56d7")
    code = RegistrationCode(data[:10], data[10:])
    assert code.text.startswith("0123-4567-89AB-CDEF-GHJK-MNPQ-")
    text = code.text.replace("0", "O").replace("1", "l")
    assert RegistrationCode.parse(text) == code
    assert RegistrationCode.parse(text.replace("l", "i").replace("O", "\u043e")) == code


@pytest.mark.parametrize("latin", "ABEKMHPCTYX")
def test_cyrillic_letters_that_look_latin_are_forgiven(latin: str) -> None:
    names = {"B": "VE", "E": "IE", "K": "KA", "M": "EM", "H": "EN", "P": "ER", "C": "ES", "T": "TE", "Y": "U"}
    cyrillic = unicodedata.lookup(
        f"CYRILLIC SMALL LETTER {names.get(latin, 'HA' if latin == 'X' else latin)}"
    )
    data = keys._from_base32(latin * 24, 15)
    code = RegistrationCode(data[:10], data[10:])
    assert RegistrationCode.parse(code.text.replace(latin, cyrillic)) == code


def test_every_mistyped_symbol_is_found() -> None:
    symbols = CODE.text.replace("-", "")
    for at, symbol in enumerate(symbols):
        allowed = keys._SYMBOLS if at < 24 else keys._CHECK_SYMBOLS
        for other in allowed.replace(symbol, ""):
            with pytest.raises(WrongCode):
                RegistrationCode.parse(symbols[:at] + other + symbols[at + 1 :])


def test_neighbours_that_changed_places_are_found() -> None:
    symbols = CODE.text.replace("-", "")
    for at in range(23):
        if symbols[at] != symbols[at + 1]:
            with pytest.raises(WrongCode):
                RegistrationCode.parse(symbols[:at] + symbols[at + 1] + symbols[at] + symbols[at + 2 :])


@pytest.mark.parametrize(
    "text", ["", "-", "0", "0" * 24, "0" * 26, "U" + "0" * 24, "0" * 24 + "!", "٠" * 25, "сөз"]
)
def test_what_is_no_registration_code_is_refused(text: str) -> None:
    with pytest.raises(WrongCode):
        RegistrationCode.parse(text)


def test_a_code_in_a_log_shows_no_secret() -> None:
    assert CODE.secret.hex() not in repr(CODE)
    assert "secret" not in repr(CODE)


def test_the_hub_keeps_a_digest_of_the_secret() -> None:
    assert secret_digest(CODE.secret) == crypto.sha256(b"mektep registration secret v1\0" + CODE.secret)
    assert secret_digest(CODE.secret) != secret_digest(bytes(5))
    assert RegistrationCode.create(HUB).secret != CODE.secret


# -- six words -----------------------------------------------------------------------------------------------


def test_six_words_are_eighty_bits_and_a_checksum() -> None:
    secret = bytes(range(10))
    assert len(six_words(secret).split()) == 6
    assert secret_of_six_words(six_words(secret).upper()) == secret
    with pytest.raises(MistypedWords):
        secret_of_six_words(RecoveryKit.create("8", date(2026, 1, 1)).words)


def test_every_refusal_is_a_problem_with_a_sentence() -> None:
    for attempt in (RegistrationCode.parse, RecoveryKit.secret_from):
        with pytest.raises(Problem) as caught:
            attempt("!")
        assert caught.value.sentence().endswith(".")
