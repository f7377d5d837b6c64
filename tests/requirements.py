"""What a test needs of the machine: required in continuous integration, else a reason to leave it out."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

IN_CI = bool(os.environ.get("CI"))


def require_or_skip(reason: str) -> NoReturn:
    """End a test that cannot run for `reason`: failed in continuous integration, skipped elsewhere."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
