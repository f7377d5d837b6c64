"""What every page must be for whoever comes: it opens, is accessible, fits the screen, stands still, suits a thumb."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.conftest import COVERED, VIEWPORTS
from tests.node.conftest import PASSWORD

Axe = Callable[..., list[str]]
"""The fixture `axe`."""
ABSENT = "/nowhere"
"""The address of no page; it is answered by one that says so."""
CONTRAST = ("color-contrast",)
LAID_OUT = (*CONTRAST, "link-in-text-block", "scrollable-region-focusable", "target-size")
"""The rules that another width can break."""
TARGETS = r"""within => {
  const LEAST = 44, PRESSED = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const found = new Map(), before = scrollY;
  const kind = one => [one.tagName.toLowerCase(), ...one.classList].join(".");
  const inSentence = one => getComputedStyle(one).display === "inline"
    && [...one.parentNode.childNodes].some(child => child.nodeType === 3 && /\p{L}/u.test(child.data));
  for (const one of document.querySelector(within || "body").querySelectorAll(PRESSED)) {
    if (one.disabled || one.matches("main, dialog, .scroll, .skip") || one.closest(".seen-by-ear")) continue;
    if (!one.checkVisibility({visibilityProperty: true}) || inSentence(one)) continue;
    const all = one.getBoundingClientRect();
    if (all.width >= LEAST && all.height >= LEAST) continue;
    one.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
    const [line] = [...one.getClientRects()].sort((a, b) => b.width * b.height - a.width * a.height);
    const x = line.left + line.width / 2, y = line.top + line.height / 2;
    const does = [one, ...(one.labels || [])];
    const hit = (x, y) => does.some(it => it.contains(document.elementFromPoint(x, y)));
    const reach = (dx, dy) => {
      let [in_, out] = hit(x + dx * LEAST, y + dy * LEAST) ? [LEAST, LEAST] : [0, LEAST];
      while (out - in_ > .25) {
        const n = (in_ + out) / 2;
        if (hit(x + dx * n, y + dy * n)) in_ = n; else out = n;
      }
      return hit(x, y) ? out : 0;
    };
    const wide = Math.max(all.width, reach(-1, 0) + reach(1, 0)), high = Math.max(reach(0, -1) + reach(0, 1));
    if (wide < LEAST || high < LEAST)
      found.set(`${kind(one.parentNode)} > ${kind(one)}`, `${wide.toFixed()} x ${high.toFixed()} ${one.innerText}`);
  }
  scrollTo({top: before, behavior: "instant"});
  return [...found].map(([where, what]) => `small: ${where}: ${what}`);
}"""
"""What is too small for a finger, or lies under something else; in all of the page, or within an element of it.

The rule: on a phone, and wherever a finger points, all that is pressed can be hit in 44 px of width and of height.
What lies around it counts where a press there does the same: the label of a box, the row of a link. A link among the
words of a sentence alone is as high as its line. A mouse may have smaller lines: the menu beside the page, the cells of
the journal.
"""
STILL = 0.01
"""What a page may move while it comes, by the measure of browsers (cumulative layout shift)."""
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
UNFOLD = "for (const one of document.querySelectorAll('main details')) one.open = true"


def sign_in(page: Page, at: str, login: str, password: str = PASSWORD) -> None:
    page.goto(f"{at}/sign-in")
    page.fill("#login", login)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url(f"{at}/")


def flaws_of(page: Page, axe: Axe, dark: bool = False) -> list[str]:
    """What is wrong with the page that is shown, all that is folded being open.

    With ``dark`` in the dark colours, too: there only contrasts can differ.
    """
    page.evaluate(UNFOLD)
    found = axe(page) + page.evaluate(COVERED)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the screen")
    if dark:
        page.emulate_media(color_scheme="dark")
        found += [f"dark: {flaw}" for flaw in axe(page, CONTRAST)]
        page.emulate_media(color_scheme="light")
    return found


def moves_of(page: Page) -> list[tuple[float, list[str]]]:
    """What has moved since the page was opened: how much by the measure of browsers, and which elements."""
    page.evaluate(DRAWN)
    found = page.evaluate(
        "shifts.map(({value, sources}) => [value, sources.map(one => one.node?.outerHTML)])"
    )
    return [(value, elements) for value, elements in found]


def shift_of(page: Page) -> list[str]:
    """Did the page move while it was made?"""
    moved = moves_of(page)
    return [f"moved: {moved}"] if sum(value for value, _ in moved) >= STILL else []


def every_flaw_of(page: Page, axe: Axe, dark: bool = True, wide: bool = False) -> list[str]:
    """What is wrong with a page that has just been opened on a phone, also once it is on a desktop.

    With ``dark`` in the dark colours, too; with ``wide`` axe looks at it on the desktop as well.
    """
    found = shift_of(page) + flaws_of(page, axe, dark) + page.evaluate(TARGETS)
    page.set_viewport_size(VIEWPORTS["desktop"])
    found += [f"wide: {flaw}" for flaw in page.evaluate(TARGETS)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wide: wider than the screen")
    if wide:
        found += [f"wide: {flaw}" for flaw in axe(page, LAID_OUT)]
    page.set_viewport_size(VIEWPORTS["phone"])
    return found
