"""The guide of every duty, and the page of the design system."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from node import access
from node.guide.content import EVERYONE, GUIDES
from node.guide.pages import differing, file_of, write
from node.guide.pages import pages as pages_of_docs
from shared.access import rights_of
from shared.i18n import LANGUAGES, gettext_in
from shared.ui import STATIC_FOLDER
from tests.node.conftest import SchoolPages


def test_every_duty_has_a_guide() -> None:
    assert set(GUIDES) == access.ROLES
    assert all(len(steps) for steps in GUIDES.values())


@pytest.mark.parametrize("duty", sorted(access.ROLES))
def test_a_guide_leads_to_pages_that_its_reader_may_open(pages: SchoolPages, duty: str) -> None:
    status, text = pages.as_(duty).get(f"/guide/?duty={duty}", language="en")
    assert status == 200
    steps = (*EVERYONE, *GUIDES[duty])
    assert text.count('<li class="card">') == len(steps)
    closed = [step.endpoint for step in steps if step.endpoint and not opens(pages, duty, step.endpoint)]
    assert closed == []
    assert text.count('<a class="btn" href=') == sum(bool(step.endpoint) for step in steps)


def opens(pages: SchoolPages, duty: str, endpoint: str) -> bool:
    """Do the page's declared rights admit this duty?"""
    rights = rights_of(pages.app, endpoint)
    return rights is not None and (bool(rights.open_to) or duty in rights.roles)


def test_pictures_of_the_guides_are_there() -> None:
    wanted = {name for steps in (EVERYONE, *GUIDES.values()) for step in steps for name in step.pictures}
    there = {path.stem for path in (STATIC_FOLDER / "guide").glob("*.png")}
    assert wanted == there


def test_the_pages_of_the_documents_are_the_guides_of_the_app() -> None:
    assert differing() == [], "run make guides"
    texts = pages_of_docs()
    for duty, steps in GUIDES.items():
        for language in LANGUAGES:
            said, text = gettext_in(language), texts[file_of(duty, language)]
            assert all(said(part) in text for step in (*EVERYONE, *steps) for part in (step.title, step.text))
            assert text.count("<img ") == sum(len(step.pictures) for step in (*EVERYONE, *steps)) >= 3


def test_a_page_that_differs_is_missing_or_nobodys_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    assert differing(tmp_path) == []
    (tmp_path / "teacher.ky.md").write_text("other")
    (tmp_path / "head.en.md").unlink()
    (tmp_path / "caretaker.en.md").write_text("new")
    assert differing(tmp_path) == ["caretaker.en.md", "head.en.md", "teacher.ky.md"]
    write(tmp_path)
    assert differing(tmp_path) == []


def test_the_design_page_shows_every_token_and_component(pages: SchoolPages) -> None:
    text = pages.as_("administrator").get("/design/", language="en")[1]
    assert all(f"--{name}" in text for name in ("ink", "paper", "lake", "sun", "red", "leaf", "tap"))
    macros = re.findall(
        r"macro (\w+)\(", (STATIC_FOLDER.parent / "templates" / "ui" / "parts.html").read_text()
    )
    shown = (STATIC_FOLDER.parent.parent.parent / "node/design/templates/design/index.html").read_text()
    assert [m for m in macros if f"{m}(" not in shown and m != "language_switch"] == []


LAYOUT = frozenset({
    "as-written", "beside-forms", "big", "blank", "date", "day", "even", "fold-list", "foot", "gap-below", "grid",
    "hour", "low", "mark", "narrow", "narrow-select", "nowrap", "num", "pad", "paper", "place", "section", "sign-in",
    "signatures", "spread", "still", "wide", "without-script", "wrap",
})  # fmt: skip
"""Classes that place or type what stands on a page and are no component of their own."""


def test_the_design_page_shows_what_three_areas_share() -> None:
    """A class of the stylesheet that templates of three areas use stands on the page, or is one of layout."""
    root = STATIC_FOLDER.parent.parent.parent
    used: dict[str, set[str]] = {}
    for path in [*root.glob("node/*/templates/*/*.html"), *root.glob("hub/*/templates/*/*.html")]:
        area = path.parts[-4]
        for names in re.findall(r'class="([^"]*)"', path.read_text(encoding="utf-8")):
            for name in re.sub(r"\{[^}]*\}+", " ", names).split():
                used.setdefault(name, set()).add(area)
    styles = set(re.findall(r"\.([a-z-]+)", (STATIC_FOLDER / "mektep.css").read_text(encoding="utf-8")))
    shown = "".join(
        path.read_text(encoding="utf-8")
        for path in (
            root / "node/design/templates/design/index.html",
            root / "shared/ui/templates/ui/parts.html",
        )
    )
    there = set(re.findall(r"[a-z-]+", shown))
    shared = {name for name, areas in used.items() if len(areas - {"design"}) > 2 and name in styles}
    assert sorted(shared - there - LAYOUT) == []
