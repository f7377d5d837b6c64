"""The documents are whole and true of the code as far as a program can tell."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from babel.messages.pofile import read_po

from hub import __main__ as hub
from node import __main__ as node
from shared import cli, indicators, reference, schema
from tests.test_house import tracked

ROOT = Path(__file__).parent.parent
PACKAGES = ("shared", "sync", "node", "hub", "demo")
GUIDES = {node: "docs/administrator.md", hub: "docs/operations-hub.md"}
LARGEST_IMAGE = 200_000

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def documents() -> list[str]:
    """README, changelog and every page under docs."""
    return ["README.md", "CHANGELOG.md", *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]


# ---- commands


class _Stop(Exception):
    """Thrown when the parser is complete, so that nothing runs."""


@pytest.fixture
def parser_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], argparse.ArgumentParser]:
    """Makes the parser of a command line without running it."""
    built: list[argparse.ArgumentParser] = []

    def stop(top: argparse.ArgumentParser, arguments: list[str] | None = None) -> int:
        built.append(top)
        raise _Stop

    monkeypatch.setattr(cli, "run", stop)

    def build(module: Any) -> argparse.ArgumentParser:
        with pytest.raises(_Stop):
            module.main([])
        return built[-1]

    return build


def commands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The long options that a help text shows."""
    return {
        text
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for text in action.option_strings
        if text.startswith("--") and text != "--help"
    }


def rows_of(guide: str) -> dict[str, str]:
    """The lines of the guide's table of commands, by command."""
    table = text_of(guide).partition("## All commands")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    return {command: line for line in lines for command in re.findall(r"`([a-z-]+)[ `]", line.split("|")[1])}


@pytest.mark.parametrize("module", GUIDES)
def test_every_command_and_option_is_documented_and_no_other(
    parser_of: Callable[[Any], argparse.ArgumentParser], module: Any
) -> None:
    guide, top = GUIDES[module], parser_of(module)
    told = {name: set(re.findall(r"--[a-z-]+", line.split("|")[3])) for name, line in rows_of(guide).items()}
    assert told == {name: options(parser) for name, parser in commands(top).items()}
    head = text_of(guide).partition("## All commands")[2].partition("\n| ")[0]
    assert {option for option in options(top) if option not in head} == set()


@pytest.mark.parametrize("module", GUIDES)
def test_examples_are_commands_that_parse(
    parser_of: Callable[[Any], argparse.ArgumentParser], module: Any
) -> None:
    top = parser_of(module)
    name = f"mektep-{module.__name__.partition('.')[0]}"
    lines = [line.strip() for line in text_of(GUIDES[module]).splitlines() if line.startswith(f"    {name} ")]
    assert lines
    for line in lines:
        words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)]
        top.parse_args(words[1:])


# ---- environment


def variables() -> set[str]:
    """The environment variables of Mektep that packages, make and continuous integration name."""
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    sources += [ROOT / "Makefile", ROOT / ".ci" / "run"]
    return {
        name
        for path in sources
        for name in re.findall(r"\bMEKTEP_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }


def test_every_environment_variable_is_documented() -> None:
    told = "\n".join(text_of(path) for path in documents())
    known = variables()
    assert "MEKTEP_PASSPHRASE" in known
    assert {name for name in known if f"`{name}`" not in told} == set()
    assert {name for name in re.findall(r"\bMEKTEP_[A-Z_]+\b", told) if name not in known} == set()


# ---- links and images


def targets(path: str) -> Iterator[str]:
    for markdown, html in LINK.findall(text_of(path)):
        yield unquote(markdown or html)


def anchors(path: str) -> set[str]:
    """The names of a page's headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def flaws_of_link(page: str, target: str) -> str:
    """What is wrong with a link of a page; empty when it leads somewhere."""
    place, _, anchor = target.partition("#")
    file = (ROOT / page).parent / place if place else ROOT / page
    if not file.exists():
        return f"{page}: {target} is not there"
    name = str(file.resolve().relative_to(ROOT))
    if name not in tracked() and not file.is_dir():
        return f"{page}: {target} is not kept"
    if anchor and anchor not in anchors(name):
        return f"{page}: {target} has no such heading"
    return ""


def test_links_lead_somewhere() -> None:
    links = [
        (page, target)
        for page in documents()
        for target in targets(page)
        if not target.startswith(("http://", "https://", "mailto:"))
    ]
    assert len(links) > 50
    assert [flaw for page, target in links if (flaw := flaws_of_link(page, target))] == []


def test_a_broken_link_is_seen() -> None:
    assert flaws_of_link("README.md", "docs/nowhere.md")
    assert flaws_of_link("docs/architecture.md", "#no-such-heading")
    assert not flaws_of_link("docs/architecture.md", "threat-model.md#small-numbers")


def test_every_page_and_image_is_linked() -> None:
    linked = {
        str(((ROOT / page).parent / target.partition("#")[0]).resolve().relative_to(ROOT))
        for page in documents()
        for target in targets(page)
        if "://" not in target
    }
    kept = {path for path in tracked() if path.startswith("docs/")}
    assert sorted(kept - linked) == []


def test_images_are_small() -> None:
    images = [path for path in tracked() if path.startswith("docs/images/")]
    assert images
    assert [path for path in images if (ROOT / path).stat().st_size > LARGEST_IMAGE] == []


# ---- names


@cache
def code() -> str:
    """Everything that is no document, as one text."""
    endings = (".py", ".toml", ".html", ".css", ".js", ".json", "Makefile", "run", "setup.py")
    return "\n".join(
        text_of(path) for path in tracked() if path.endswith(endings) and path != "tests/test_docs.py"
    )


QUOTED_FROM_CODE = ("docs/architecture.md", "docs/threat-model.md")
FOREIGN = {"HttpOnly", "SameSite", "cryptography"}


def names(page: str) -> Iterator[str]:
    """The names of code that a page quotes: identifiers, files, options."""
    for quoted in CODE.findall(text_of(page)):
        if re.fullmatch(r"[\w./-]+", quoted) and not re.fullmatch(r"[\d.]+", quoted):
            yield quoted


def exists(name: str) -> bool:
    """Is there such a file or, for a name that is no path, does every part of it stand in the code?"""
    if name.rstrip("/") in FOREIGN or any((ROOT / base / name).exists() for base in ("", *PACKAGES, "tests")):
        return True
    if any(path.endswith("/" + name) or (name.endswith("/") and f"/{name}" in path) for path in tracked()):
        return True
    parts = [part for part in name.lstrip("-").split(".") if part]
    return "/" not in name and all(re.search(rf"\b{re.escape(part)}\b", code()) for part in parts)


@pytest.mark.parametrize("page", QUOTED_FROM_CODE)
def test_names_of_code_exist(page: str) -> None:
    assert [name for name in names(page) if not exists(name)] == []


def test_a_name_that_is_gone_is_seen() -> None:
    assert not exists("test_of_" + "nothing_at_all")
    assert not exists("sync/" + "nowhere.py")
    assert exists("sync/merge.py") and exists("NodeLog.cut")


# ---- terms


def kyrgyz() -> str:
    """Every Kyrgyz text that people meet."""
    with (ROOT / "shared" / "locale" / "ky" / "LC_MESSAGES" / "messages.po").open("rb") as source:
        catalog = read_po(source, locale="ky")
    sentences = [
        text
        for message in catalog
        for text in (message.string if isinstance(message.string, tuple) else (message.string,))
    ]
    modules = [
        path.read_text(encoding="utf-8")
        for path in (
            Path(str(schema.__file__)),
            Path(str(reference.__file__)),
            *Path(str(indicators.__file__)).parent.glob("*.py"),
        )
    ]
    return "\n".join([*map(str, sentences), *modules])


def test_terms_stand_in_the_interface() -> None:
    said, apart, _ = text_of("docs/terms.md").partition("## Terms that are said otherwise here, or not yet")
    rows = [line.split("|")[1:-1] for line in said.splitlines() if line.startswith("| ")]
    assert apart
    terms = [cells[2].strip() for cells in rows if cells[2].strip() != "Кыргызча"]
    met = kyrgyz()
    assert len(terms) > 30
    assert [term for term in terms if term not in met] == []
