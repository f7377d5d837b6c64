"""What both command lines have in common: arguments, passphrases, one clear sentence on failure, JSON for programs.

Sentences are in the language of ``MEKTEP_LANGUAGE``, else of the locale (``LC_ALL``, ``LC_MESSAGES``, ``LANG``), else
English.
"""

from __future__ import annotations

import argparse
import errno
import getpass
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from shared.auth import acceptable
from shared.db import DriverError
from shared.i18n import LANGUAGES, gettext_in
from shared.problems import N_, DiskFull, LineError, Problem, WeakSecret

PASSPHRASE, NEW_PASSPHRASE, PASSWORD = "MEKTEP_PASSPHRASE", "MEKTEP_NEW_PASSPHRASE", "MEKTEP_PASSWORD"
KIT = "MEKTEP_KIT"
"""Environment variables read instead of asking."""
_LANGUAGE = ("MEKTEP_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
_QUIET_SECONDS = 5.0
_MOST_ERRORS = 20

Command = Callable[[argparse.Namespace], Mapping[str, Any] | None]


def language() -> str:
    """The language of whoever types."""
    chosen = next((os.environ[name] for name in _LANGUAGE if os.environ.get(name)), "")
    return code if (code := chosen[:2].lower()) in LANGUAGES else "en"


def gettext(message: str, /, **places: object) -> str:
    """The sentence in the language of whoever types, its {places} filled."""
    text = gettext_in(language())(message)
    return text.format(**places) if places else text


def parser(name: str, description: str) -> tuple[argparse.ArgumentParser, Any]:
    """A parser with ``--home`` and ``--json``, and the place for its commands."""
    top = argparse.ArgumentParser(prog=name, description=description)
    top.add_argument(
        "--home", type=Path, required=True, help=gettext("directory of the database and its keys")
    )
    top.add_argument("--json", action="store_true", help=gettext("print one JSON object"))
    return top, top.add_subparsers(dest="command", required=True, metavar="COMMAND")


def add(commands: Any, name: str, run: Command, summary: str) -> argparse.ArgumentParser:
    """Add a command; ``--json`` is understood after its name too."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command.set_defaults(run=run)
    return command


def run(top: argparse.ArgumentParser, arguments: list[str] | None = None) -> int:
    """Run the chosen command; returns the exit code: 0, or 1 with one sentence on standard error."""
    chosen = top.parse_args(arguments)
    try:
        result = chosen.run(chosen)
        if result is not None:
            print(json.dumps(result, ensure_ascii=False, default=str) if chosen.json else _plain(result))
        sys.stdout.flush()
    except Problem as problem:
        return _fail(chosen.json, problem.code, problem.sentence(gettext), problem)
    except KeyboardInterrupt:
        return _fail(chosen.json, "interrupted", gettext("Interrupted; nothing is lost."))
    except EOFError:
        return _fail(chosen.json, "input", gettext("Nothing was typed; nothing was done."))
    except BrokenPipeError:
        # Whoever read has enough; what is left in the buffer must not fail a second time at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(chosen.json, "storage", _of_the_system(error))
    except DriverError:
        return _fail(chosen.json, "storage", gettext("The database refused; nothing was changed."))
    except Exception as error:
        return _fail(chosen.json, Problem.code, f"{Problem().sentence(gettext)} ({_place(error)})")
    return 0


_SYSTEM: dict[int, str] = {
    errno.ENOENT: N_("There is no such file or folder: {file}"),
    errno.ENOTDIR: N_("This is not a folder: {file}"),
    errno.EISDIR: N_("This is a folder, not a file: {file}"),
    errno.EEXIST: N_("There is a file of this name already: {file}"),
    errno.EACCES: N_("This account of the computer may not use {file}"),
    errno.EPERM: N_("This account of the computer may not use {file}"),
    errno.EROFS: N_("This place cannot be written to: {file}"),
    errno.EADDRINUSE: N_("The port is taken by another program; choose another with --port."),
    errno.ENOSPC: DiskFull.template,
}


def _of_the_system(error: OSError) -> str:
    """One sentence for what the operating system refused."""
    file = str(error.filename or "")
    template = _SYSTEM.get(error.errno or 0)
    if template is None:
        return ": ".join(filter(None, (error.strerror or type(error).__name__, file)))
    return gettext(template).format(file=file)


def _place(error: Exception) -> str:
    """Kind and place of a flaw in Mektep itself, without values."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}, {Path(frame.filename).name}:{frame.lineno}"


class Ticker:
    """Tells how far long work is: at a terminal in one line that changes, elsewhere in a line now and then."""

    def __init__(self, quiet: float = _QUIET_SECONDS) -> None:
        self._quiet = quiet
        self._told_at: float | None = None
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Ticker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live and self._told_at is not None:
            note("")

    def tell(self, text: str) -> None:
        """Say how far it is."""
        now = time.monotonic()
        if self._live:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif self._told_at is None or now - self._told_at >= self._quiet:
            note(text)
        else:
            return
        self._told_at = now


def passphrase(confirm: bool = False, purpose: str = "") -> str:
    """The passphrase from the environment, or asked for without echo, after a line that says what it is for."""
    return _secret(PASSPHRASE, gettext("Passphrase:"), confirm, purpose)


def new_passphrase() -> str:
    """The passphrase to change to."""
    return _secret(NEW_PASSPHRASE, gettext("New passphrase:"), True)


def kit(source: str = "") -> str:
    """The words or the QR text of the recovery kit: from a file, from standard input (``-``), else asked for.

    Never from an argument: every account of a machine can list what its programs were called with.
    """
    if source == "-":
        return sys.stdin.readline()
    if source:
        return Path(source).read_text(encoding="utf-8")
    return _secret(KIT, gettext("The words of the recovery kit:"), False)


def password(confirm: bool = False, purpose: str = "", login: str = "") -> str:
    """An account's password from the environment, or asked for without echo, after a line that says what it is for."""
    return _secret(PASSWORD, gettext("Password:"), confirm, purpose, login)


def yes(question: str) -> bool:
    """Ask at a terminal; where nobody can be asked the answer is no."""
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes", "д", "да", "о", "ооба")


def kit_help() -> str:
    """What ``--kit`` says of itself."""
    return gettext(
        "open it with the recovery kit instead of the passphrase: asks for the words, or reads them from a file, - "
        "for standard input"
    )


def slot_help() -> str:
    """What ``--machine-slot`` says of itself."""
    return gettext("whether this machine shall open it by itself; asked for if not said")


def asks_for_slot() -> bool:
    """Ask whether this machine may open what is restored on it."""
    return yes(
        gettext(
            "Shall this machine open it by itself after a power cut, also for whoever steals the machine?"
        )
    )


def asked(prompt: str) -> str:
    """What is typed after a prompt, in the open. EOFError: nobody is there."""
    print(prompt, end=" ", file=sys.stderr, flush=True)
    return input().strip()


def given_passphrase() -> str | None:
    """The passphrase from the environment; None: let the machine slot open."""
    return os.environ.get(PASSPHRASE) or None


def note(text: str) -> None:
    """Say something to the person at the terminal that is not the command's result."""
    print(text, file=sys.stderr, flush=True)


def note_lines(errors: Sequence[LineError]) -> None:
    """Say what is wrong with the lines of a list, or asked about them: the first ones, and how many more there are."""
    for error in errors[:_MOST_ERRORS]:
        note("  " + gettext("line {line}, {field}: {message}", **vars(error)))
    if len(errors) > _MOST_ERRORS:
        note("  " + gettext("And more: {count}", count=len(errors) - _MOST_ERRORS))


def _secret(variable: str, prompt: str, confirm: bool, purpose: str = "", login: str = "") -> str:
    """From the environment, or typed; a new one (``confirm``) twice, and as good as the pages ask for. WeakSecret."""
    if given := os.environ.get(variable):
        if confirm and not acceptable(given, login):
            raise WeakSecret(variable=variable)
        return given
    if purpose:
        note(purpose)
    while True:
        first = getpass.getpass(f"{prompt} ")
        if first and confirm and not acceptable(first, login):
            note(
                gettext(
                    "Choose another: at least 8 characters, not the login and not one letter over and over."
                )
            )
            continue
        if first and (not confirm or getpass.getpass(gettext("Again:") + " ") == first):
            return first
        note(gettext("They differ, or it is empty. Once more."))


def _plain(result: Mapping[str, Any]) -> str:
    lines = []
    for name, value in result.items():
        if isinstance(value, list):
            lines += [f"{_label(name)}:", *(f"  {_line(item)}" for item in value)]
        else:
            lines.append(f"{_label(name)}: {_line(value)}")
    return "\n".join(lines)


LABELS: dict[str, str] = {
    "home": N_("Home"),
    "kit": N_("Recovery kit"),
    "registered": N_("Registered"),
    "outcome": N_("Outcome"),
    "changes_sent": N_("Changes sent"),
    "changes_received": N_("Changes received"),
    "bytes_sent": N_("Bytes sent"),
    "bytes_received": N_("Bytes received"),
    "rounds": N_("Round trips"),
    "seconds": N_("Seconds"),
    "dry_run": N_("Dry run"),
    "files": N_("Files"),
    "file": N_("File"),
    "bytes": N_("Bytes"),
    "rows": N_("Rows"),
    "taken": N_("Answers taken"),
    "waiting": N_("Changes waiting"),
    "data": N_("Is my school's data safe?"),
    "hub": N_("Address of the hub"),
    "last_done": N_("Last complete sync"),
    "last_run": N_("Last sync"),
    "last_backup": N_("Last backup"),
    "receipts": N_("Packets with the district's receipt"),
    "clock": N_("Clock"),
    "space": N_("Free space on this machine"),
    "stranded": N_("Packets that the district alone holds"),
    "silent": N_("Machines silent for a week"),
    "conflicts": N_("Entries with two versions"),
    "quarantined": N_("Set aside as flawed"),
    "packets": N_("Packets"),
    "missing": N_("Not in this machine's books"),
    "approved": N_("Let in"),
    "told": N_("The hub was told"),
    "verified": N_("Verified"),
    "changed": N_("Changed"),
    "school": N_("School"),
    "code": N_("Registration code"),
    "schools": N_("Schools"),
    "answered": N_("Requests answered"),
    "flawed": N_("Damaged files"),
    "nodes": N_("Answers written"),
    "revoked": N_("Revoked"),
    "to_be_heard": N_("Machines not heard since the restore"),
}
"""What the names of a result are called when it is not printed as JSON."""


def _label(name: str) -> str:
    return gettext(LABELS[name]) if name in LABELS else name.replace("_", " ")


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "  ".join(f"{k}={_line(v)}" for k, v in value.items())
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return str(value)


def _fail(as_json: bool, code: str, sentence: str, problem: Problem | None = None) -> int:
    errors: Sequence[LineError] = getattr(problem, "errors", ())
    if as_json:
        told = {"error": code, "sentence": sentence, "errors": [vars(error) for error in errors]}
        print(json.dumps(told, ensure_ascii=False, default=str))
    note(sentence)
    note_lines(errors)
    return 1
