"""Somebody who types commands for one home, of a node or of a hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Terminal:
    """``main`` is the command line; every command is about the home."""

    def __init__(
        self, main: Callable[[list[str]], int], home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.main, self.home, self.capsys = main, home, capsys

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, output and messages."""
        code = self.main(["--home", str(self.home), *map(str, words)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: str | Path) -> Any:
        """The result of a command that succeeds."""
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def fails(self, *words: str | Path) -> dict[str, Any]:
        """What a command that fails prints as JSON; on standard error it says the same sentence and nothing more."""
        code, out, err = self.run(*words, "--json")
        assert code == 1, out
        told = json.loads(out)
        assert set(told) == {"error", "sentence", "errors"}
        said = [line for line in err.splitlines() if not line.startswith("  ")]
        assert said[-1] == told["sentence"]
        assert "Traceback" not in err
        return dict(told)
