"""Writes the vectors anew; what changes in them changes the protocol."""

from __future__ import annotations

from tests.vectors import FOLDER, text_of
from tests.vectors.build import build

for name, file in build().items():
    (FOLDER / f"{name}.json").write_text(text_of(file), encoding="utf-8")
    print(f"{name}.json: {len(file['valid'])} valid, {len(file['tampered'])} tampered")
