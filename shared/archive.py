"""A backup as one file: an encrypted copy of a database, and the key file whose slots open it."""

from __future__ import annotations

import glob
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.keys import RecoveryKit
from shared.keyslots import Keyslots, sync_directory
from shared.problems import DamagedFile, WrongPassphrase

SET_ASIDE = "restored"
"""The folder of a home in which a backup is opened; it stays only where the power went off meanwhile."""


def write(target: Path, database: str, keys: Path, copy: Callable[[Path], None]) -> None:
    """Make a backup of what ``copy`` writes to a file; an older backup of that name stays until this one is whole.

    ``database``, and the name of ``keys``: what the two are called inside.
    """
    copied = target.with_name(target.name + ".database")
    unfinished = target.with_name(target.name + ".new")
    os.scandir(target.parent).close()  # SQLite would not say that the folder is missing
    copied.unlink(missing_ok=True)
    try:
        copy(copied)
        with open(unfinished, "wb", opener=_private) as written:
            with tarfile.open(fileobj=written, mode="w") as archive:
                archive.add(copied, database)
                archive.add(keys, keys.name)
            written.flush()
            os.fsync(written.fileno())
        unfinished.replace(target)
        sync_directory(target.parent)
    finally:
        for left in (unfinished, *target.parent.glob(glob.escape(copied.name) + "*")):
            left.unlink(missing_ok=True)


@contextmanager
def set_aside(home: Path) -> Iterator[Path]:
    """A folder of a home, made if need be, in which a backup is opened and checked before its files move in.

    It is gone afterwards. When that fails, nothing is left behind: a home that was made for it goes too.
    """
    is_new, aside = not home.exists(), home / SET_ASIDE
    home.mkdir(parents=True, exist_ok=True)
    os.chmod(home, 0o700)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
    except BaseException:
        if is_new:
            shutil.rmtree(home)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def unpack(source: Path, folder: Path, *names: str) -> None:
    """Put what a backup holds under these names into files of a folder. DamagedFile."""
    try:
        with tarfile.open(source, "r:") as archive:
            for name in names:
                member = archive.extractfile(name)
                if member is None:
                    raise DamagedFile(file=source.name)
                with open(folder / name, "xb", opener=_private) as file:
                    shutil.copyfileobj(member, file)
                    if not file.tell():
                        raise DamagedFile(file=source.name)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise DamagedFile(file=source.name) from error


def unlock(
    keyslots: Keyslots, source: Path, passphrase: str | None, kit: str | None, machine_slot: bool
) -> bytes:
    """The data key of a backup; the lost machine's slot goes, and one for this machine is made if it is wanted.

    WrongPassphrase, WrongRecoveryKey, DamagedFile.
    """
    try:
        if kit is not None:
            key = keyslots.open_with_recovery(RecoveryKit.secret_from(kit))
        elif passphrase is not None:
            key = keyslots.open_with_passphrase(passphrase)
        else:
            raise WrongPassphrase()
        keyslots.set_machine(key, machine_slot)
    except DamagedFile as error:
        raise DamagedFile(file=source.name) from error
    return key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
