"""Cards and consents in a real browser: a telephone's photo is made small, and the form of consent is one page."""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import closing

import pytest
from playwright.sync_api import Page

from node.consenting import LARGEST_SCAN
from shared.schema import MAX_BYTES
from sync.state import State
from sync.writer import writing
from tests.browser.conftest import COVERED
from tests.browser.looking import sign_in
from tests.node.conftest import SchoolPages
from tests.node.conftest import pages as pages

NOISE = """size => new Promise(done => {
  const canvas = document.createElement('canvas');
  canvas.width = 3 * size; canvas.height = 4 * size;
  const pen = canvas.getContext('2d');
  for (let x = 0; x < 60; x++) for (let y = 0; y < 80; y++) {
    pen.fillStyle = `hsl(${(x * 37 + y * 91) % 360} 80% ${20 + (x * y) % 60}%)`;
    pen.fillRect(x * size / 20, y * size / 20, size / 20, size / 20);
  }
  done(canvas.toDataURL('image/jpeg', 1).split(',')[1]);
})"""
"""Draws a colourful picture and gives back its bytes in base 64: a JPEG of the best quality."""


def allow_photos(pages: SchoolPages, person: int) -> None:
    with closing(pages.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        w.insert("consent", person=person, purpose="photo", valid_from=20_000)


def until(page: Page, told: str, field: str = "#photo") -> None:
    """Wait until the field of a file is as told; the page's policy forbids `wait_for_function`."""
    for _ in range(100):
        if page.locator(field).evaluate(told):
            return
        page.wait_for_timeout(100)
    raise AssertionError(told)


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_picture_from_a_telephone_is_made_small_before_it_is_sent(
    page: Page, pages: SchoolPages, address: str
) -> None:
    pupil = pages.named_pupil
    allow_photos(pages, pupil)
    sign_in(page, address, pages.logins["secretary"])
    page.goto(f"{address}/people/{pupil}")
    large = b64decode(page.evaluate(NOISE, 700))
    assert len(large) > 20 * MAX_BYTES
    page.set_input_files("#photo", {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": large})
    until(page, f"one => one.files.length && one.files[0].size <= {MAX_BYTES}")
    page.locator("form:has(#photo) button").click()
    page.locator("img.portrait").wait_for()
    size = page.locator("img.portrait").evaluate("async one => (await one.decode(), one.naturalWidth)")
    assert (
        200 <= size < 2100
        and 0 < pages.one("SELECT length(photo) FROM person WHERE id = ?", pupil) <= MAX_BYTES
    )
    page.set_input_files(
        "#photo", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"x" * (MAX_BYTES + 1)}
    )
    until(page, "one => one.validationMessage !== ''")
    page.goto(f"{address}/consents/{pupil}/new")
    page.set_input_files("#scan", {"name": "form.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-"})
    assert page.locator("#scan").evaluate("one => one.files[0].name") == "form.pdf"
    page.set_input_files("#scan", {"name": "IMG_2.jpg", "mimeType": "image/jpeg", "buffer": large})
    until(page, f"one => one.files.length && one.files[0].size <= {LARGEST_SCAN}", "#scan")
    sides = page.locator("#scan").evaluate("async one => (await createImageBitmap(one.files[0])).height")
    assert 900 <= sides <= 1600


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_form_of_consent_is_one_upright_page(page: Page, pages: SchoolPages, address: str) -> None:
    sign_in(page, address, pages.logins["secretary"])
    for language in ("ky", "ru", "en"):
        for kind in ("consent", "withdrawal"):
            page.goto(f"{address}/consents/{pages.named_pupil}/form?language={language}&kind={kind}")
            printed = page.pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1, (language, kind)
            (box,) = set(re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", printed))
            assert (round(float(box[0])), round(float(box[1]))) == (595, 842), (language, kind)


def test_two_rows_of_one_person_are_merged_and_parted_by_the_mouse(
    page: Page, pages: SchoolPages, address: str
) -> None:
    first, second = (
        pages.one(
            """SELECT pupil FROM enrolment WHERE class_group = ? AND "end" IS NULL AND retired_at IS NULL
               AND pupil NOT IN (SELECT person FROM account WHERE person IS NOT NULL)
               ORDER BY pupil LIMIT 1 OFFSET ?""",
            pages.led,
            at,
        )
        for at in (0, 1)
    )
    sign_in(page, address, pages.logins["secretary"])
    page.goto(f"{address}/duplicates/?one={first & 0xFFFFFFFF}&other={second & 0xFFFFFFFF}")
    assert page.evaluate(COVERED) == []
    rows = page.locator("section.card").first
    assert "7-" in rows.inner_text() or "-А" in rows.inner_text()
    rows.locator("button").last.click()
    page.wait_for_url(f"{address}/people/{second}")
    page.goto(f"{address}/duplicates/")
    page.locator("form[action$='/undo'] button").first.click()
    page.wait_for_url("**/duplicates/undo")
    assert (
        pages.one("SELECT count(*) FROM person WHERE id IN (?, ?) AND retired_at IS NULL", first, second) == 2
    )
