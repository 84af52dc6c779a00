"""What all pages of the dashboard share, in a real browser: keys, looks, newer data, and nothing asked of others."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import NARROW, WIDE, Watched, axe, dashboard_over
from digest_material import publish, told

from reports.palette import INKS
from warehouse.query import connect_snapshot, run_sql

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = [
    "/",
    "/services",
    "/service/DeepSeek",
    "/countries",
    "/country/US",
    "/actors",
    "/actor?name=Garante+per+la+protezione+dei+dati+personali&country=IT",
    "/event/",
    "/explore",
    "/explore?q=devices&country=US&acton=ban",
    "/health",
    "/nowhere",
]


_ALIKE = {"/services", "/countries", "/actor?name=Garante+per+la+protezione+dei+dati+personali&country=IT", "/explore"}
"""Others are made by the same templates: looking at those on both screens is enough."""

_OF_LOOKS = ("color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block")


@pytest.fixture(scope="module")
def event(sample_snapshot: Path) -> str:
    """The id of the event of which most is told."""
    with connect_snapshot(sample_snapshot) as reader:
        return str(reader.rows("SELECT event_id FROM events ORDER BY articles DESC, 1 LIMIT 1")[0][0])


@pytest.mark.parametrize("look", ["wide and light", "narrow and dark"])
def test_every_page_is_for_everybody(
    browser: "Browser", watched: Watched, dashboard_site: str, event: str, look: str
) -> None:
    watched.expected.append("status of 404")
    kind = {"viewport": NARROW, "color_scheme": "dark", "has_touch": True} if look == "narrow and dark" else {}
    context = browser.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **kind})
    page = watched.over(context.new_page())
    rules, alike = (_OF_LOOKS, _ALIKE) if look == "narrow and dark" else ((), set())
    found: dict[str, list[str]] = {}
    for address in PAGES:
        page.goto(dashboard_site + (address + event if address == "/event/" else address))
        if page.locator("chart-box").count():
            page.locator("chart-box").first.scroll_into_view_if_needed()
            page.wait_for_selector("chart-box[data-drawn]", state="attached")
        # What a page is made of is the same in both: only its looks are asked for again.
        wrong = [] if address in alike else axe(page, *rules)
        if page.locator("h1").count() != 1:
            wrong.append("not one h1")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            wrong.append(f"wider than the screen by {wide}")
        levels = page.evaluate(
            "[...document.querySelectorAll('main :is(h1,h2,h3,h4,h5)')].map((one) => +one.tagName[1])"
        )
        if any(after > before + 1 for before, after in pairwise(levels)):
            wrong.append(f"headings out of order: {levels}")
        if wrong:
            found[address] = wrong
    context.close()
    assert found == {}


def _focused(page: "Page") -> str:
    return str(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))


def test_keys_alone_lead_everywhere(page: "Page", dashboard_site: str) -> None:
    page.goto(dashboard_site + "/services")
    skip = page.locator(".skip")
    page.keyboard.press("Tab")
    assert _focused(page) == "To the content"
    assert (skip.bounding_box() or {"x": -1})["x"] >= 0
    ways = []
    for _ in range(7):
        page.keyboard.press("Tab")
        ways.append(_focused(page))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
    assert ways == ["Clampdown", "Overview", "Services", "Countries", "Actors", "Explore", "Health"]
    skip.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert _focused(page) == "words"
    assert page.locator("nav [aria-current=page]").inner_text() == "Services"


def test_it_is_as_light_or_dark_as_the_reader_likes(page: "Page", dashboard_site: str) -> None:
    page.goto(dashboard_site + "/services")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        paper = INKS[theme].paper
        assert colour == f"rgb({', '.join(str(int(paper[place : place + 2], 16)) for place in (1, 3, 5))})"


def test_a_list_follows_what_is_typed_and_the_address_follows_the_list(page: "Page", dashboard_site: str) -> None:
    page.goto(dashboard_site + "/services")
    page.evaluate("window.sameDocument = true")
    every = page.locator("tbody tr").count()
    page.locator("#words").press_sequentially("tik")
    page.wait_for_url("**/services?q=tik")
    page.wait_for_function("document.querySelectorAll('tbody tr').length < 5")
    assert page.locator("tbody th").all_inner_texts()[0] == "TikTok"
    assert _focused(page) == "words"
    assert page.locator("#words").input_value() == "tik"
    assert "with “tik”" in page.locator("#aloud").inner_text()
    page.locator("#words").fill("")
    page.wait_for_url("**/services")
    page.wait_for_function("(every) => document.querySelectorAll('tbody tr').length === every", arg=every)

    page.get_by_role("link", name="Service", exact=True).click()
    page.wait_for_selector("th[aria-sort=ascending]")
    names = page.locator("tbody th").all_inner_texts()
    assert names == sorted(names, key=str.casefold)
    page.go_back()
    page.wait_for_selector("th[aria-sort=descending]")
    assert page.evaluate("window.sameDocument") is True
    page.goto(dashboard_site + "/services?q=nothing+of+this+name")
    assert "Nothing fits." in page.locator(".empty").inner_text()


def test_the_question_behind_a_list_can_be_copied_and_asked(
    page: "Page", dashboard_site: str, sample_snapshot: Path
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(dashboard_site + "/countries")
    page.get_by_text("SQL", exact=True).click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    with connect_snapshot(sample_snapshot) as reader:
        assert len(run_sql(reader, copied).rows) == page.locator("tbody tr").count()


def test_an_open_page_moves_to_newer_data(page: "Page", tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    with dashboard_over(tmp_path / "published") as site:
        page.goto(site + "/countries")
        assert page.locator("tbody th").all_inner_texts() == ["Italy"]
        page.get_by_text("SQL", exact=True).click()
        page.evaluate("window.sameDocument = true")
        publish(tmp_path, 24, told(1, "KR"))
        # As when a reader comes back to the tab; else it looks by itself every so many seconds.
        look = "document.dispatchEvent(new Event('visibilitychange'))"
        page.evaluate(look)
        page.get_by_role("link", name="South Korea").wait_for()
        assert page.evaluate("window.sameDocument") is True
        assert page.locator("#index-sql[open]").count() == 1
        assert "Newer data" in page.locator("#aloud").inner_text() or "2 places" in page.locator("#aloud").inner_text()

        # What is being typed is not swept away: the newer data wait for it.
        page.locator("#words").evaluate("(one) => { one.value = 'ko' }")
        publish(tmp_path, 48, told(2, "AU"))
        page.evaluate(look)
        page.locator("#words").evaluate("(one) => { one.value = '' }")
        assert page.get_by_role("link", name="Australia").count() == 0
        page.evaluate(look)
        page.get_by_role("link", name="Australia").wait_for()


def test_without_scripts_everything_is_said(browser: "Browser", watched: Watched, dashboard_site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = watched.over(context.new_page())
    page.goto(dashboard_site + "/")
    assert page.locator("table").count() > 3
    page.goto(dashboard_site + "/services")
    page.locator("#words").fill("tiktok")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/services?q=tiktok")
    page.get_by_role("link", name="TikTok", exact=True).click()
    assert page.locator("h1").inner_text() == "TikTok"
    assert page.locator("ol.events li").count() > 3
    context.close()
