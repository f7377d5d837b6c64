"""The guides as pages of `docs/guides`: one for each duty and language, from the same steps and pictures as the app's.

python -m node.guide.pages          writes them anew (`make guides`)
python -m node.guide.pages --check  says which differ, and fails if any does
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from node.guide.content import EVERYONE, GUIDES, Step
from shared.i18n import LANGUAGES, gettext_in
from shared.problems import N_
from shared.reference import code_name
from shared.ui import STATIC_FOLDER

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "guides"
INDEX = "README.md"
WIDTH = 240
"""Pixels at which a picture of a phone is shown."""
_TITLE = N_("Guide")
_MADE = "<!-- Made from node/guide/content.py and the translations: `make guides` writes it anew. -->"


def pages() -> Mapping[str, str]:
    """File name -> text of every page, the index among them."""
    found = {
        file_of(duty, language): _page(duty, language, (*EVERYONE, *steps))
        for duty, steps in GUIDES.items()
        for language in LANGUAGES
    }
    return {INDEX: _index()} | found


def file_of(duty: str, language: str) -> str:
    return f"{duty.replace('_', '-')}.{language}.md"


def _page(duty: str, language: str, steps: tuple[Step, ...]) -> str:
    said = gettext_in(language)
    others = " · ".join(
        f"[{name}]({file_of(duty, other)})" for other, (name, _) in LANGUAGES.items() if other != language
    )
    parts = [f"# {code_name('duty', duty, language)}: {said(_TITLE)}", _MADE, f"{others} · […]({INDEX})"]
    for number, step in enumerate(steps, 1):
        parts += [f"## {number}. {said(step.title)}", said(step.text)]
        paths = [os.path.relpath(STATIC_FOLDER / "guide" / f"{name}.png", FOLDER) for name in step.pictures]
        if paths:
            alt = said(step.title)
            parts.append("\n".join(f'<img src="{path}" width="{WIDTH}" alt="{alt}">' for path in paths))
    return "\n\n".join(parts) + "\n"


def _index() -> str:
    """A table of duties by language."""
    head = [
        "| " + " | ".join(name for name, _ in LANGUAGES.values()) + " |",
        "|" + "---|" * len(LANGUAGES),
    ]
    rows = [
        "| "
        + " | ".join(
            f"[{code_name('duty', duty, language)}]({file_of(duty, language)})" for language in LANGUAGES
        )
        + " |"
        for duty in GUIDES
    ]
    titles = " · ".join(gettext_in(language)(_TITLE) for language in LANGUAGES)
    return "\n\n".join((f"# {titles}", _MADE, "\n".join((*head, *rows)))) + "\n"


def differing(folder: Path = FOLDER) -> list[str]:
    """The files of a folder that are not as they would be written, are missing, or are nobody's."""
    wanted = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path = FOLDER) -> None:
    """Write every page, and take out what is none."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        write()
        return 0
    wrong = differing()
    if wrong:
        sys.stderr.write(f"Run make guides: {', '.join(wrong)}\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
