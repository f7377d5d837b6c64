"""The file keys.json beside a database: its data key, wrapped once for every way to unlock it.

Beside it lies machine.key, 32 random bytes, if the machine may unlock the data key by itself. Without a TPM
that opens the database for a thief of the machine too.
"""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from shared import crypto
from shared.problems import (
    AlreadyInitialised,
    BadKey,
    CannotOpen,
    DamagedFile,
    DiskFull,
    KeyProblem,
    NewerFile,
    NoSuchSlot,
    NotInitialised,
    WrongKey,
    WrongPassphrase,
    WrongRecoveryKey,
)

RECOVERY_BYTES = 16
"""Length of the recovery secret: eight words and a checksum on paper."""

# -- files ---------------------------------------------------------------------------------------------------


def write_private(path: Path, data: bytes) -> None:
    """Replace a file whole, readable by its owner alone: after a crash there is the old one or the new one.

    When this returns the new one is on disk. DiskFull; the old file then stays. (Windows takes the folder's
    permissions instead, and keeps its own order of directory entries.)
    """
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.unlink(missing_ok=True)
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_directory(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull() from error
        raise


def sync_directory(path: Path) -> None:
    """See that the names in a folder, as files were made, renamed and removed, are on disk."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- keyslots ------------------------------------------------------------------------------------------------

_FORMAT = "mektep keyslots"
_VERSION = 1
_SALT_BYTES = 16

_Slot = dict[str, Any]


class Keyslots:
    """The data key of a database, wrapped in slots: `passphrase`, `recovery` and, if wanted, `machine`.

    Every slot is bound to its name and to the format. A checksum tells a damaged file from a wrong
    passphrase, and a check value of the data key keeps a foreign key out of the slots. Each call reads the
    file anew; all but `create` raise NotInitialised without one, DamagedFile, NewerFile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.machine_path = path.with_name("machine.key")

    @classmethod
    def create(
        cls,
        path: Path,
        data_key: bytes,
        passphrase: str,
        recovery_secret: bytes,
        machine: bool,
        cost: crypto.Cost | None = None,
    ) -> Self:
        """Write a new file; AlreadyInitialised if there is one. `cost` is for tests, which cannot wait."""
        if path.exists():
            raise AlreadyInitialised(home=path.parent)
        if len(data_key) != crypto.KEY_BYTES:
            raise BadKey()
        keyslots = cls(path)
        slots = {
            "passphrase": _passphrase_slot(data_key, passphrase, cost or crypto.PASSPHRASE_COST),
            "recovery": {"wrapped": _wrap(_recovery_key(recovery_secret), data_key, "recovery")},
        }
        if machine:
            slots["machine"] = keyslots._new_machine_slot(data_key)
        keyslots._write(data_key, slots)
        return keyslots

    def slots(self) -> list[str]:
        """Return the names of the slots there are."""
        return sorted(self._read()["slots"])

    def open_with_passphrase(self, passphrase: str) -> bytes:
        """Return the data key; WrongPassphrase, NoSuchSlot."""
        return self._open("passphrase", lambda slot: _stretched(passphrase, slot), WrongPassphrase())

    def open_with_recovery(self, secret: bytes) -> bytes:
        """Return the data key; WrongRecoveryKey, NoSuchSlot."""
        key = _recovery_key(secret)
        return self._open("recovery", lambda _: key, WrongRecoveryKey())

    def open_with_machine(self) -> bytes:
        """Return the data key; NoSuchSlot if it is not kept for this machine.

        DamagedFile if machine.key is not the one the slot was made with.
        """
        damaged = DamagedFile(file=self.machine_path.name)
        self._slot("machine")
        try:
            secret = self.machine_path.read_bytes()
        except FileNotFoundError as error:
            raise NoSuchSlot(slot="machine") from error
        if len(secret) != crypto.KEY_BYTES:
            raise damaged
        return self._open("machine", lambda _: _machine_key(secret), damaged)

    def change_passphrase(self, data_key: bytes, new: str, cost: crypto.Cost | None = None) -> None:
        """Wrap the data key under a new passphrase; the database stays as it is.

        WrongKey for another data key. An old copy of the file still opens with the old passphrase, so copies
        must age out.
        """
        slots = self._slots_of(data_key)
        slot = _passphrase_slot(data_key, new, cost or crypto.PASSPHRASE_COST)
        self._write(data_key, slots | {"passphrase": slot})

    def set_machine(self, data_key: bytes, wanted: bool) -> None:
        """Let this machine unlock the data key by itself, or no longer. WrongKey for another data key."""
        slots = self._slots_of(data_key)
        if not wanted:
            self._write(data_key, {name: slot for name, slot in slots.items() if name != "machine"})
            self.machine_path.unlink(missing_ok=True)
        elif not self._machine_opens():
            self._write(data_key, slots | {"machine": self._new_machine_slot(data_key)})

    def _machine_opens(self) -> bool:
        try:
            return bool(self.open_with_machine())
        except (NoSuchSlot, DamagedFile):
            return False

    def _new_machine_slot(self, data_key: bytes) -> _Slot:
        secret = crypto.random_bytes(crypto.KEY_BYTES)
        write_private(self.machine_path, secret)
        return {"wrapped": _wrap(_machine_key(secret), data_key, "machine")}

    def _open(self, name: str, key: Callable[[_Slot], bytes], refusal: KeyProblem | DamagedFile) -> bytes:
        slot = self._slot(name)
        try:
            wrapped, wrapping_key = bytes.fromhex(slot["wrapped"]), key(slot)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedFile(file=self.path.name) from error
        try:
            return crypto.unwrap(wrapping_key, wrapped, _context(name))
        except CannotOpen as error:
            raise refusal from error

    def _slot(self, name: str) -> _Slot:
        slots: dict[str, _Slot] = self._read()["slots"]
        if name not in slots:
            raise NoSuchSlot(slot=name)
        return slots[name]

    def _slots_of(self, data_key: bytes) -> dict[str, _Slot]:
        content = self._read()
        if content["data_key"] != _check_value(data_key):
            raise WrongKey()
        slots: dict[str, _Slot] = content["slots"]
        return slots

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_bytes())
            if content["format"] == _FORMAT and content["version"] > _VERSION:
                raise NewerFile(file=self.path.name)
            body = {"data_key": content["data_key"], "slots": dict(content["slots"])}
            if content != _sealed(body):
                raise ValueError("checksum")
            return body
        except FileNotFoundError as error:
            raise NotInitialised(home=self.path.parent) from error
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise DamagedFile(file=self.path.name) from error

    def _write(self, data_key: bytes, slots: dict[str, _Slot]) -> None:
        content = _sealed({"data_key": _check_value(data_key), "slots": slots})
        write_private(self.path, _canonical(content))


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _sealed(body: dict[str, Any]) -> dict[str, Any]:
    return {"format": _FORMAT, "version": _VERSION, "checksum": crypto.sha256(_canonical(body)).hex()} | body


def _check_value(data_key: bytes) -> str:
    return crypto.derive(data_key, b"mektep data key check v1", 16).hex()


def _context(slot: str) -> bytes:
    return f"{_FORMAT} v{_VERSION} {slot}".encode()


def _wrap(key: bytes, data_key: bytes, slot: str) -> str:
    return crypto.wrap(key, data_key, _context(slot)).hex()


def _passphrase_slot(data_key: bytes, passphrase: str, cost: crypto.Cost) -> _Slot:
    slot: _Slot = {"salt": crypto.random_bytes(_SALT_BYTES).hex(), "cost": list(cost)}
    return slot | {"wrapped": _wrap(_stretched(passphrase, slot), data_key, "passphrase")}


def _stretched(passphrase: str, slot: _Slot) -> bytes:
    return crypto.stretch(passphrase, bytes.fromhex(slot["salt"]), *crypto.Cost(*slot["cost"]))


def _machine_key(secret: bytes) -> bytes:
    return crypto.derive(secret, b"mektep machine slot v1")


def _recovery_key(secret: bytes) -> bytes:
    if len(secret) != RECOVERY_BYTES:
        raise WrongRecoveryKey()
    return crypto.derive(secret, b"mektep recovery slot v1")
