"""What people do on the pages of the dashboard, each timed from the click or key until the answer is on the screen."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Locator, Page

from benchmarks.dashboard_walk import Browsing, go, painted, stands, until
from reports.dashboard import links

Act = Callable[[Page, int], float | None]
"""Does something for the n-th time and sees it done; gives the seconds only where they are others than it took."""

_WORDS: Final = ("suspended", "byd blocked", '"counter-strike warned"', "google privacy", "security concerns", "zebra")

_LONGEST_PICTURE: Final = """() => new Promise((done) => {
  let before = null, longest = 0;
  const end = performance.now() + 3000;
  const step = (now) => {
    if (before !== null) longest = Math.max(longest, now - before);
    before = now;
    if (now < end) requestAnimationFrame(step);
    else done(longest / 1000);
  };
  requestAnimationFrame(step);
})"""


@dataclass(frozen=True, slots=True)
class Doing:
    """Something done on a page that stands, each time with other values, in that part of it which `at` selects."""

    name: str
    address: str
    act: Act
    at: str = "main"

    def times(self, browsing: Browsing, repeat: int) -> list[float]:
        """Seconds that it took, each time in a fresh page."""
        taken = []
        for number in range(repeat):
            with browsing.page() as page:
                go(page, self.address)
                page.locator(self.at).first.evaluate("(part) => part.scrollIntoView()")
                stands(page)
                begun = time.perf_counter()
                own = self.act(page, number)
                painted(page)
                taken.append(time.perf_counter() - begun if own is None else own)
        return taken


def doings(pages: Mapping[str, str]) -> list[Doing]:
    """All of them, on those pages (`dashboard_serving.pages_of`)."""
    return [
        Doing("map: a month back", pages["overview"], _another_day),
        Doing("map: the longest picture while it plays", pages["overview"], _play),
        Doing("map: open a country", pages["overview"], _leads("figure.world-map svg.world a")),
        Doing("overview: curves by days since the first", pages["overview"], _choose("#align"), "#spread"),
        Doing("overview: add a service", pages["overview"], _add_service, "#spread"),
        Doing("overview: only what two sources tell", pages["overview"], _choose("#view-voices")),
        Doing("service: only what two sources tell", pages["service"], _choose("#view-voices")),
        Doing("service: other years", pages["service"], _choose("#view-span")),
        Doing("service: open an event", pages["service"], _leads("li.event h3 a")),
        Doing("services: find", pages["services"], _find("#words", ("tik", "chat", "we", "bank", "x"))),
        Doing("services: sort", pages["services"], _leads("table.index thead a")),
        Doing("actors: find", pages["actors"], _find("#words", ("ministry", "court", "bank", "of", "agency"))),
        Doing("country: open a service", pages["country"], _leads("main a[href^='/service/']")),
        Doing("country: only public bodies or two sources", pages["country"], _choose("#view-public")),
        Doing("actor: open an event", pages["actor"], _leads("li.event h3 a")),
        Doing("event: another article", pages["event"], _leads("ol.mentions a.no")),
        Doing("event, most told: another article", pages["event, most told"], _leads("ol.mentions a.no")),
        Doing("event, most told: other mentions", pages["event, most told"], _leads("#mentions nav.pager a")),
        Doing("explore: words", pages["explore"], _find("#q", _WORDS)),
        Doing("explore: an action", pages["explore"], _tick("#facet-action input:not(:checked)")),
        Doing("explore: a reason", pages["explore"], _tick("#facet-reason input:not(:checked)")),
        Doing("explore: sort", pages["explore"], _leads("table.events-table thead a")),
        Doing("explore: another page", pages["explore"], _leads("nav.pager a")),
        Doing("explore: another page of many filters", pages["explore, filtered"], _leads("nav.pager a")),
        Doing("explore: in force on a day", pages["explore"], _day),
        Doing("explore: open an event", pages["explore"], _leads("table.events-table a.sentence")),
        Doing("review: skip", links.review(), _key("n")),
        Doing("review: decide", links.review(), _key("r", "k", "s", "d")),
        Doing("review: undo", links.review(), _key("u")),
    ]


def _anew(page: Page, act: Callable[[], object]) -> None:
    """Do what makes another page, or another view of this one, and wait until it stands."""
    page.evaluate("() => { document.querySelector('main').dataset.old = ''; }")
    act()
    until(page, "() => document.readyState === 'complete' && document.querySelector('main:not([data-old])') !== null")
    stands(page)


def _some(found: Locator, what: str) -> int:
    if count := found.count():
        return count
    raise RuntimeError(f"{found.page.url}: there is no {what}")


def _leads(links: str) -> Act:
    """Follow the n-th of these links."""

    def act(page: Page, number: int) -> None:
        found = page.locator(links)
        count = _some(found, links)
        # The event is dispatched where a shape of a map has a hole in its middle.
        _anew(page, lambda: found.nth(number % count).dispatch_event("click"))

    return act


def _choose(select: str) -> Act:
    """Choose another option of a list, and for the n-th time the n-th but one that is not chosen."""

    def act(page: Page, number: int) -> None:
        found = page.locator(f"{select} option:not(:checked)")
        value = found.nth(number % _some(found, select)).get_attribute("value") or ""
        _anew(page, lambda: page.locator(select).select_option(value))

    return act


def _find(box: str, words: Sequence[str]) -> Act:
    """Write the n-th of the words into a box, and press enter."""

    def act(page: Page, number: int) -> None:
        field = page.locator(box)
        field.fill(words[number % len(words)])
        _anew(page, lambda: field.press("Enter"))

    return act


def _tick(boxes: str) -> Act:
    """Tick the n-th of these boxes, which may be folded away."""

    def act(page: Page, number: int) -> None:
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        box = page.locator(boxes).nth(number)
        _anew(page, lambda: box.check(force=True))

    return act


def _day(page: Page, number: int) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    _anew(page, lambda: page.locator("#day-on").fill(f"20{18 + number % 8}-0{1 + number % 9}-15"))


def _key(*keys: str) -> Act:
    """Press whichever of these keys there is an answer for."""

    def act(page: Page, number: int) -> None:
        answers = [key for key in keys if page.locator(f"main [data-key='{key}']").count()]
        if not answers:
            raise RuntimeError(f"{page.url}: no answer has a key of {', '.join(keys)}")
        _anew(page, lambda: page.keyboard.press(answers[number % len(answers)]))

    return act


def _add_service(page: Page, number: int) -> None:
    offered = page.locator("#known-services option").nth(number)
    _find("#add-service", [offered.get_attribute("value") or ""])(page, 0)


def _another_day(page: Page, number: int) -> None:
    slider = page.locator("figure.world-map input[type=range]").first
    told = page.locator("figure.world-map output").first
    before = told.text_content()
    for _ in range(number + 1):
        slider.press("PageDown")
    until(page, "(before) => document.querySelector('figure.world-map output').textContent !== before", before)


def _play(page: Page, number: int) -> float:
    page.locator("figure.world-map .play").first.click()
    longest: float = page.evaluate(_LONGEST_PICTURE)
    return longest
