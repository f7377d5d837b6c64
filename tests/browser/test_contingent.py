"""Classes, movement, reports and the end of the year in a real browser, on a phone and on a desktop."""

from __future__ import annotations

from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from node import roster
from shared.dates import parse_day
from sync.state import State
from sync.writer import writing
from tests.browser.looking import sign_in
from tests.node.conftest import SchoolPages
from tests.node.conftest import pages as pages


def test_a_child_is_admitted_changes_class_and_leaves(page: Page, pages: SchoolPages, address: str) -> None:
    sign_in(page, address, pages.logins["secretary"])
    page.goto(f"{address}/movement/arrival?year=3")
    page.select_option("#class", str(pages.led))
    page.fill("#day", "2025-11-12")
    page.select_option("#reason", "country")
    page.fill("#place", "Нарын ш., № 2 мектеп")
    page.fill("#order_number", "81-о")
    page.fill("#order_date", "2025-11-10")
    page.fill("#birth_year", "2012")
    page.select_option("#sex", "f")
    page.fill("#consent_valid_from", "2025-11-11")
    page.select_option("#relation", "mother")
    page.fill("#surname", "Шеримбекова")
    page.fill("#given_name", "Нурай")
    page.locator("main form[method=post] button.first").click()
    page.wait_for_url("**/movement/pupil/*")
    assert page.inner_text("h1") == "Шеримбекова Нурай"
    page.locator("summary", has_text="класс алмаштырат").click()
    page.select_option("#transfer-class", index=1)
    page.fill("#transfer-day", "2025-11-13")
    page.fill("#transfer-order_number", "82-о")
    page.fill("#transfer-order_date", "2025-11-12")
    page.locator("button[name=transfer]").click()
    page.get_by_text("→").wait_for()
    page.locator("summary", has_text="мектептен кетет").click()
    page.fill("#day", "2025-11-14")
    page.select_option("#reason", "other")
    page.fill("#order_number", "83-о")
    page.fill("#order_date", "2025-11-13")
    page.locator("button[name=depart]").click()
    page.get_by_text("Кеткен:").wait_for()
    expect(page.locator("main .rows li")).to_have_count(3)
    page.goto(f"{address}/movement/?year=3&period=quarter-2")
    assert page.locator("tfoot td").nth(3).inner_text() == page.locator("tfoot td").nth(4).inner_text() != "0"


def results_of_a_year(pages: SchoolPages, class_id: int) -> None:
    """Sixteen subjects with the results of every quarter and of the year."""
    with closing(pages.node.connect()) as db, writing(db, int(State(db).administrator)) as w:
        pupils = roster.on_roll(db, class_id, parse_day("2025-11-10"))
        terms = db.execute("SELECT id FROM term WHERE year = 3 AND kind IN ('quarter', 'year')").fetchall()
        for (subject,) in db.execute("SELECT id FROM subject ORDER BY sort LIMIT 16").fetchall():
            group = w.insert("subject_group", class_group=class_id, subject=subject, scale=1)
            for pupil in pupils:
                for (term,) in terms:
                    key = {"subject_group": group, "pupil": pupil, "term": term}
                    w.put("term_result", **key, value=4, band=4, status="assessed", missed=12)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_books_and_reports_fit_on_a_sheet(page: Page, pages: SchoolPages, address: str) -> None:
    results_of_a_year(pages, pages.led)
    sign_in(page, address, pages.logins["deputy"])
    page.set_viewport_size({"width": 1047, "height": 740})  # A4 across, within its margins
    page.emulate_media(media="print")
    printed = ["/movement/book?year=3", "/movement/alphabet?letter=all"]
    printed += ["/reports/quarter?year=3", "/reports/return?year=3", f"/results/{pages.led}/sheet"]
    printed += [f"/attendance/class/{pages.led}?day=2025-10-23&view=month"]
    wide = []
    for path in printed:
        page.goto(address + path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []
    page.goto(f"{address}/results/{pages.led}/sheet")
    assert page.locator(".mark-sheet").count() == 4
    heads = page.locator(".mark-sheet thead tr:first-child th[scope=colgroup]").all_inner_texts()
    assert len(set(heads)) == len(heads) >= 16, "every subject stands once"
