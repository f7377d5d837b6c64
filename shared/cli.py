"""What both command lines have in common: arguments, passphrases, one clear sentence on failure, JSON for programs."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shared.db import DriverError
from shared.problems import Problem

PASSPHRASE, NEW_PASSPHRASE, PASSWORD = "MEKTEP_PASSPHRASE", "MEKTEP_NEW_PASSPHRASE", "MEKTEP_PASSWORD"
"""Environment variables read instead of asking."""

Command = Callable[[argparse.Namespace], Mapping[str, Any] | None]


def parser(name: str, description: str) -> tuple[argparse.ArgumentParser, Any]:
    """A parser with ``--home`` and ``--json``, and the place for its commands."""
    top = argparse.ArgumentParser(prog=name, description=description)
    top.add_argument("--home", type=Path, required=True, help="directory of the database and its keys")
    top.add_argument("--json", action="store_true", help="print one JSON object")
    return top, top.add_subparsers(dest="command", required=True, metavar="COMMAND")


def add(commands: Any, name: str, run: Command, summary: str) -> argparse.ArgumentParser:
    """Add a command; ``--json`` and ``--passphrase-stdin`` are understood after its name too."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command.set_defaults(run=run)
    return command


def run(top: argparse.ArgumentParser, arguments: list[str] | None = None) -> int:
    """Run the chosen command; returns the exit code: 0, or 1 with one sentence on standard error."""
    chosen = top.parse_args(arguments)
    try:
        result = chosen.run(chosen)
    except Problem as problem:
        return _fail(chosen.json, problem.code, problem.sentence(), problem)
    except KeyboardInterrupt:
        return _fail(chosen.json, "interrupted", "Interrupted; nothing is lost.", None)
    except (OSError, DriverError) as error:
        reason = getattr(error, "strerror", None) or "the database refused"
        return _fail(
            chosen.json, "storage", f"{reason}: {getattr(error, 'filename', None) or chosen.home}", None
        )
    if result is not None:
        print(json.dumps(result, ensure_ascii=False, default=str) if chosen.json else _plain(result))
    return 0


def passphrase(confirm: bool = False) -> str:
    """The passphrase from the environment, or asked for without echo."""
    return _secret(PASSPHRASE, "Passphrase: ", confirm)


def new_passphrase() -> str:
    """The passphrase to change to."""
    return _secret(NEW_PASSPHRASE, "New passphrase: ", True)


def password(confirm: bool = False) -> str:
    """An account's password from the environment, or asked for without echo."""
    return _secret(PASSWORD, "Password: ", confirm)


def given_passphrase() -> str | None:
    """The passphrase from the environment; None: let the machine slot open."""
    return os.environ.get(PASSPHRASE)


def note(text: str) -> None:
    """Say something to the person at the terminal that is not the command's result."""
    print(text, file=sys.stderr, flush=True)


def _secret(variable: str, prompt: str, confirm: bool) -> str:
    given = os.environ.get(variable)
    if given is not None:
        return given
    while True:
        first = getpass.getpass(prompt)
        if first and (not confirm or getpass.getpass("Again: ") == first):
            return first
        note("They differ, or it is empty. Once more.")


def _plain(result: Mapping[str, Any]) -> str:
    lines = []
    for name, value in result.items():
        if isinstance(value, list):
            lines += [f"{name}:", *(f"  {_line(item)}" for item in value)]
        else:
            lines.append(f"{name}: {_line(value)}")
    return "\n".join(lines)


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "  ".join(f"{k}={v}" for k, v in value.items())
    return str(value)


def _fail(as_json: bool, code: str, sentence: str, problem: Problem | None) -> int:
    errors = [vars(e) for e in getattr(problem, "errors", ())]
    if as_json:
        print(
            json.dumps(
                {"error": code, "sentence": sentence, "errors": errors}, ensure_ascii=False, default=str
            )
        )
    print(sentence, file=sys.stderr)
    for error in errors[:20]:
        print(f"  line {error['line']}, {error['field']}: {error['message']}", file=sys.stderr)
    return 1
