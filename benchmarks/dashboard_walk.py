"""What a visitor of the dashboard waits for: a page until it is painted and its charts stand, and each interaction."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, Error, Page

WIDE: Final = {"width": 1280, "height": 900}
_WAIT_SECONDS: Final = 60.0

_WATCH: Final = """
window.seen = {fcp: 0, lcp: 0, cls: 0, long: []};
const watch = (type, each) => {
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
};
watch("largest-contentful-paint", (one) => { seen.lcp = one.startTime; });
watch("paint", (one) => { if (one.name === "first-contentful-paint") seen.fcp = one.startTime; });
watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.cls += one.value; });
watch("longtask", (one) => { seen.long.push(one.duration); });
"""
"""Told before the page begins. A shift right after something was done is what was asked for, and no jump."""

_STANDS: Final = """() => [...document.querySelectorAll("chart-box")].every((box) => {
  const where = box.getBoundingClientRect();
  return "drawn" in box.dataset || where.width === 0 || where.top > innerHeight || where.bottom < 0;
})"""
"""Are all charts drawn that are in view?"""

_SCROLL: Final = """(step) => {
  scrollTo(0, step * innerHeight * 0.9);
  return scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
}"""

_PAINTED: Final = (
    """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""
)


@dataclass(frozen=True, slots=True)
class Look:
    """One visit to a page by a browser that has nothing of it yet. Times are in seconds since it was asked for.

    `charts` is when those in view stood, `all_charts` how long the others took to come while the page was scrolled
    through; `shift` is the score of what moved by itself, `busiest` the longest time in which nothing could be done.
    """

    first_paint: float
    largest_paint: float
    charts: float
    all_charts: float
    shift: float
    busiest: float
    kilobytes: float
    requests: int


class Browsing:
    """A browser that writes down what it must not see: errors, and requests that leave this machine."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self.faults: list[str] = []

    @contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """A page of a new visitor, without anything kept."""
        context = self._browser.new_context(viewport=options.pop("viewport", WIDE), base_url=self._address, **options)
        context.set_default_timeout(1000 * _WAIT_SECONDS)
        page = context.new_page()
        page.add_init_script(_WATCH)
        page.on("console", lambda said: self._fault(page, said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._fault(page, str(error)))
        page.on("request", lambda asked: self._leaves(page, asked.url))
        page.on("response", lambda got: self._fault(page, f"{got.status} for {got.url}") if got.status >= 400 else None)
        try:
            yield page
        finally:
            context.close()

    def look(self, path: str) -> Look:
        """Go there as somebody new, and wait until everything stands."""
        with self.page() as page:
            network = page.context.new_cdp_session(page)
            network.send("Network.enable")
            sizes: list[float] = []
            network.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
            begun = time.perf_counter()
            go(page, path)
            charts = time.perf_counter() - begun
            begun = time.perf_counter()
            scroll_through(page)
            all_charts = time.perf_counter() - begun
            until(page, "() => seen.fcp > 0")
            seen = page.evaluate("() => seen")
            return Look(
                seen["fcp"] / 1000, seen["lcp"] / 1000, charts, all_charts, seen["cls"],
                max(seen["long"], default=0) / 1000, sum(sizes) / 1000, len(sizes),
            )  # fmt: skip

    def _fault(self, page: Page, said: str) -> None:
        self.faults.append(f"{page.url}: {said}")

    def _leaves(self, page: Page, url: str) -> None:
        if not url.startswith((self._address + "/", "data:", "blob:")):
            self._fault(page, f"asks {url}")


def go(page: Page, path: str) -> None:
    """Go to a page and wait until what is in view stands. Raises RuntimeError where there is none."""
    answer = page.goto(path, wait_until="load")
    if answer is None or answer.status >= 400:
        raise RuntimeError(f"{path}: {'no answer' if answer is None else answer.status}")
    stands(page)


def until(page: Page, true: str, argument: object = None) -> None:
    """Wait until a function of the page says true. (Playwright's own way is eval, which pages forbid.)"""
    late = time.monotonic() + _WAIT_SECONDS
    while not _says(page, true, argument):
        if time.monotonic() > late:
            raise TimeoutError(f"{page.url}: not within {_WAIT_SECONDS:.0f} s: {true}")
        page.wait_for_timeout(10)


def _says(page: Page, true: str, argument: object) -> bool:
    try:
        return bool(page.evaluate(true, argument))
    except Error as error:
        if "context was destroyed" in error.message:  # it is about to be another page
            return False
        raise


def stands(page: Page) -> None:
    """Wait until the charts in view are drawn."""
    until(page, _STANDS)


def painted(page: Page) -> None:
    """Wait until what has been changed is on the screen."""
    page.evaluate(_PAINTED)


def scroll_through(page: Page) -> None:
    """Go down to the end of the page, a screen at a time, as charts are drawn when they come near."""
    for step in range(40):
        at_end = page.evaluate(_SCROLL, step)
        stands(page)
        if at_end:
            return
