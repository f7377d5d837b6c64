"""The rules of the house that no linter knows: dependencies, licences, places, changelog, translations."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
PACKAGES = ("shared", "sync", "node", "hub")
LANGUAGES = ("ky", "ru")  # the sentences themselves are English

MACHINE_PATH = re.compile(rb"(?<![\w.~>}-])/(?:work|root|tmp|opt)/\w")
REGISTRY = re.compile(rb"\b(?:pypi|npmjs|yarnpkg|pythonhosted|(?:deb|security)\.debian)[.](?:org|com)\b")
VENDORED = re.compile(r"\.min\.(?:js|css)$|\.(?:woff2?|ttf|otf)$|/vendor/[^/]+$|^demo/data/.*\.csv$")
LICENCE = re.compile(r"licen[cs]e|attribution", re.IGNORECASE)


@cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return tuple(path for path in listed.stdout.split("\0") if path and (ROOT / path).exists())


def places(text: bytes) -> list[str]:
    """The machine paths and registry hosts that a text names."""
    return [
        found.group().decode() for pattern in (MACHINE_PATH, REGISTRY) for found in pattern.finditer(text)
    ]


def test_no_file_names_a_machine_path_or_a_registry() -> None:
    assert [(path, place) for path in tracked() for place in places((ROOT / path).read_bytes())] == []


def test_machine_paths_and_registries_are_seen() -> None:
    text = (
        "see {0}work{0}main, https:{0}{0}pypi{1}org{0}simple and https:{0}{0}example.org{0}work{0}x".format(
            "/", "."
        )
    )
    assert places(text.encode()) == ["/" + "work/m", "pypi" + ".org"]


def requirements(*names: str) -> set[str]:
    """The packages that the lists of these names in setup.py ask for, in lower case."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    lists = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {package_name(line) for name in names or tuple(lists) for line in lists[name]}


def package_name(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return name[0].lower().replace("_", "-")


def test_every_dependency_is_justified_and_every_justified_one_is_used() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text().partition("## Vendored")[0]
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| ")]
    justified = [cells[0].strip().lower() for cells in rows if cells[0].strip() != "package"]
    assert sorted(justified) == sorted(requirements())
    assert [cells for cells in rows if not all(cell.strip() for cell in cells)] == []


LIST_BUILD = """
import os, setuptools
from distutils.core import run_setup
build = run_setup("setup.py", stop_after="init").get_command_obj("build_py")
build.ensure_finalized()
for _, _, path in build.find_all_modules():
    print(path)
for _, folder, _, names in build.data_files:
    for name in names:
        print(os.path.join(folder, name))
"""


def installed() -> set[str]:
    """The files, relative to the root, that a wheel of this tree would hold."""
    listed = subprocess.run(
        [sys.executable, "-c", LIST_BUILD], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {os.path.normpath(line) for line in listed.stdout.splitlines()}


def test_a_wheel_holds_every_file_of_the_packages() -> None:
    ours = {path for path in tracked() if path.startswith(tuple(f"{package}/" for package in PACKAGES))}
    assert sorted(ours - installed()) == []


def imported() -> set[str]:
    """The top-level names of the modules that the packages import."""
    names: set[str] = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(PACKAGES) - sys.stdlib_module_names


def test_what_is_imported_is_asked_for() -> None:
    asked = requirements("RUNTIME", "POSTGRESQL")
    brought = {package_name(line) for name in asked for line in metadata.requires(name) or []}
    providers = metadata.packages_distributions()
    unasked = {
        name
        for name in imported()
        if not any(package_name(provider) in asked | brought for provider in providers.get(name, []))
    }
    assert unasked == set()


def test_every_vendored_file_has_its_licence_beside_it() -> None:
    vendored = [path for path in tracked() if VENDORED.search(path)]
    licences = {str(Path(path).parent) for path in tracked() if LICENCE.search(Path(path).name)}
    assert "tests/browser/axe/axe.min.js" in vendored
    assert [path for path in vendored if str(Path(path).parent) not in licences] == []


def test_every_vendored_folder_is_listed() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text().partition("## Vendored")[2]
    folders = {str(Path(path).parent) for path in tracked() if VENDORED.search(path)}
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in page] == []


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == "Unreleased"


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every sentence that the code and the templates show."""
    template = tmp_path_factory.mktemp("sentences") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "-F", "pyproject.toml"]
    subprocess.run([*command, "-o", str(template), *PACKAGES], cwd=ROOT, check=True)
    with template.open("rb") as source:
        return read_po(source)


def read_translations(language: str) -> Catalog:
    with (ROOT / "shared" / "locale" / language / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source, locale=language)


def parameters(sentence: str) -> set[str]:
    """The places a sentence leaves to be filled, as {name} or %(name)s."""
    return set(re.findall(r"\{\w+\}|%\(\w+\)[sd]", sentence))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(sentences: Catalog, language: str) -> None:
    translations = read_translations(language)
    texts = {message.id: translations.get(message.id, message.context) for message in sentences if message.id}
    missing = [key for key, found in texts.items() if not (found and found.string and all(found.string))]
    assert missing == []
    assert [key for key, found in texts.items() if found and found.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_the_same_places(language: str) -> None:
    wrong = [
        message.id
        for message in read_translations(language)
        if isinstance(message.id, str) and parameters(message.id) != parameters(str(message.string))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_compiled(language: str) -> None:
    def sentences_of(compiled: BinaryIO) -> list[tuple[object, object, object]]:
        # The header is left out: it names the compiler's version, which no reader sees.
        return [(message.context, message.id, message.string) for message in read_mo(compiled) if message.id]

    expected = io.BytesIO()
    write_mo(expected, read_translations(language))
    expected.seek(0)
    with (ROOT / "shared" / "locale" / language / "LC_MESSAGES" / "messages.mo").open("rb") as beside:
        assert sentences_of(beside) == sentences_of(expected), "run make locale"
