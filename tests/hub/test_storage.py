"""The hub's home: what is not whole is named and left as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.storage import CONFIG, DATABASE, KEYS, open_hub
from shared.problems import DamagedFile, MissingFile, NotInitialised
from tests.world import a_hub


@pytest.fixture
def home(tmp_path: Path) -> Path:
    a_hub(tmp_path / "hub").close()
    return tmp_path / "hub"


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param(DATABASE, lambda data: b"?" + data[1:], id="salt"),
        pytest.param(DATABASE, lambda data: data[:500] + b"?" + data[501:], id="first page"),
        pytest.param(DATABASE, lambda data: data[: len(data) // 2], id="cut in half"),
        pytest.param(DATABASE, lambda data: b"", id="empty"),
        pytest.param(DATABASE, lambda data: b"no database at all" * 999, id="no database"),
        pytest.param(CONFIG, lambda data: data[:-3], id="settings cut short"),
        pytest.param(CONFIG, lambda data: b"[]", id="other settings"),
        pytest.param(KEYS, lambda data: data[:-3], id="keys cut short"),
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(
    home: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    (home / name).write_bytes(change((home / name).read_bytes()))
    before = files(home)
    with pytest.raises(DamagedFile) as caught:
        open_hub(home)
    assert caught.value.sentence() == f"The file {name} is damaged; nothing was changed."
    assert files(home) == before


@pytest.mark.parametrize("name", [DATABASE, CONFIG])
def test_a_missing_file_is_named_and_not_made_anew(home: Path, name: str) -> None:
    (home / name).unlink()
    before = files(home)
    with pytest.raises(MissingFile) as caught:
        open_hub(home)
    assert caught.value.details == {"file": name}
    assert files(home) == before


def test_where_nothing_was_set_up_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        open_hub(tmp_path)
    assert list(tmp_path.iterdir()) == []
