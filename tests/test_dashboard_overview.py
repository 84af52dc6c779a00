"""The first page of the dashboard: numbers that agree, questions that can be asked again, and a map that plays."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from browser import NARROW, axe

from reports.dashboard import overview_page
from reports.dashboard.rendering import Shell, render
from reports.dashboard.snapshots import Held, Snapshots
from reports.dashboard.visit import Visit
from reports.locales import day
from warehouse.query import connect_snapshot, run_sql
from warehouse.sql import Table
from warehouse.store import open_warehouse

if TYPE_CHECKING:
    from playwright.sync_api import Page

TODAY = date(2026, 11, 22)
UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def held(sample_snapshot: Path) -> Iterator[Held]:
    snapshots = Snapshots(sample_snapshot.parent)
    with snapshots.held() as data:
        yield data
    snapshots.close()


def _values(held: Held, **query: Any) -> Mapping[str, Any]:
    asked = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in query.items()}
    return overview_page.page(Visit(held, {}, asked, "/", UTC, TODAY)).values


def _html(held: Held, **query: Any) -> str:
    return render("overview.html.j2", _values(held, **query), Shell("Overview", "/", UTC, held, may_review=False))


def _asked(held: Held, sql: str) -> Table:
    with held.reader() as reader:
        return run_sql(reader, sql)


# What the server says


def test_numbers_of_the_page_are_those_of_the_restrictions(held: Held) -> None:
    values = _values(held)
    ((standing, ended, countries),) = _asked(
        held,
        "SELECT count(*) FILTER (WHERE NOT lifted), count(*) FILTER (WHERE lifted), "
        "count(DISTINCT country) FILTER (WHERE NOT lifted AND country NOT IN ('EU', 'XX')) FROM restrictions",
    ).rows
    told = {one.label: one.value for one in values["numbers"]}
    assert (told["in force"], told["ended"], told["countries that restrict"]) == (standing, ended, countries)
    assert values["heading"] == f"{standing} restrictions are in force in {countries} countries"
    for bars, _ in (values["actions"], values["kinds"]):
        assert sum(bar.number for bar in bars) == standing
    ((on_map,),) = _asked(held, f"SELECT count(*) FROM in_force_on('{TODAY}')").rows
    assert values["map"].told.startswith(f"{on_map} restrictions")
    assert f"{standing - on_map} more are in force" in values["map"].note


def test_what_the_heat_map_counts_is_what_its_links_ask_for(held: Held) -> None:
    heat = _values(held)["heat"]
    counted = _asked(
        held, "SELECT country, service_canonical, count(*) FROM restrictions WHERE NOT lifted GROUP BY ALL"
    ).rows
    found = {(country, service): some for country, service, some in counted}
    squares = [
        (code, service, one)
        for code, _, row in heat.rows
        for service, one in zip(heat.services, row, strict=True)
        if one is not None
    ]
    assert {(code, service): one.number for code, service, one in squares}.items() <= found.items()
    code, _, square = squares[0]
    assert square.address.startswith("/explore?")
    assert {f"country={code}", "ended=no", "status=in_force"} <= set(square.address.partition("?")[2].split("&"))


def test_every_question_that_is_shown_can_be_asked_again(held: Held, sample_snapshot: Path) -> None:
    html = _html(held, align="first", voices="2")
    shown = re.findall(r'<code id="([\w-]+)-text">(.*?)</code>', html, re.DOTALL)
    assert {"map-sql", "curves-sql", "heat-sql", "week-sql", "by-action-sql", "history-sql"} <= {
        key for key, _ in shown
    }
    with connect_snapshot(sample_snapshot) as reader:
        for _, text in shown:
            plain = text.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            assert run_sql(reader, plain).columns


def test_services_are_compared_by_any_of_their_names(held: Held) -> None:
    curves = _values(held, service=["tiktok", "DeepSeek", "", "TikTok"])["curves"]
    assert [one.name for one in curves.chosen] == ["TikTok", "DeepSeek"]
    assert [panel.heading for panel in curves.figure.panels] == ["DeepSeek", "TikTok"]
    assert curves.chosen[0].without == "/?service=DeepSeek#spread"
    assert not curves.wrong
    assert _values(held, service="DeepSeek")["curves"].chosen[0].without is None


def test_a_service_that_is_not_there_is_named_with_the_nearest(held: Held) -> None:
    curves = _values(held, service=["DeepSek", "DeepSeek", '"><script>'])["curves"]
    assert [one.name for one in curves.chosen] == ["DeepSeek"]
    assert "There is no service “DeepSek”. Nearest: DeepSeek" in curves.wrong
    assert '"><script>' not in _html(held, service='"><script>')


def test_a_service_without_a_date_has_no_curve(held: Held) -> None:
    curves = _values(held, service="mobile phones")["curves"]
    assert curves.figure is None
    assert "No restriction of mobile phones has a date." in curves.wrong


@pytest.mark.parametrize("align", ["", "first"])
def test_curves_end_with_all_countries_that_are_dated(held: Held, align: str) -> None:
    figure = _values(held, align=align, voices="2", span="all", service="DeepSeek")["curves"].figure
    ((countries,),) = _asked(
        held,
        "SELECT count(*) FROM first_restrictions(service := 'DeepSeek', min_voices := 2) "
        "WHERE is_country AND first_to IS NOT NULL",
    ).rows
    assert figure.rows[0][1] == str(countries)
    if not align:
        spec = figure.panels[0].spec
        assert spec["data"]["values"][-1]["number"] == countries


@pytest.mark.parametrize("wanted", ["2025-02-10", "1999-01-01", "2999-01-01", "yesterday", "2025-02-30"])
def test_the_map_is_drawn_on_the_day_that_is_asked_for_or_the_nearest(held: Held, wanted: str) -> None:
    shown = _values(held, day=wanted)["map"]
    assert shown.start <= shown.day <= shown.end
    ((number,),) = _asked(held, f"SELECT count(*) FROM in_force_on('{shown.day}')").rows
    assert f"{number} restriction" in shown.told
    if wanted == "2025-02-10":
        assert shown.day == date(2025, 2, 10)


def test_a_house_without_an_event_says_what_to_do(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        warehouse.publish(tmp_path / "published", manifest={"model": "made-up-1"})
    snapshots = Snapshots(tmp_path / "published")
    with snapshots.held() as data:
        html = _html(data)
    snapshots.close()
    assert "<h1>Nothing is known yet</h1>" in html
    assert "clampdown run --sample" in html
    assert "<figure" not in html


# What the browser does with it


def test_charts_are_drawn_and_the_slider_moves_the_map(page: "Page", dashboard_site: str) -> None:
    from playwright.sync_api import expect

    warned: list[str] = []
    page.on("console", lambda told: warned.append(told.text) if told.type == "warning" else None)
    page.goto(dashboard_site + "/?day=2025-02-10")
    boxes = page.locator("chart-box")
    for place in range(boxes.count()):
        boxes.nth(place).scroll_into_view_if_needed()
    expect(page.locator("chart-box:not([data-drawn])")).to_have_count(0)
    assert page.locator("chart-box svg").count() == boxes.count()
    assert warned == []
    assert axe(page) == []

    told, slider = page.locator(".world-map output"), page.get_by_label("Day", exact=True).first
    first = told.inner_text()
    assert first.endswith("on 10 February 2025.")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("on 11 February 2025.")
    page.keyboard.press("PageUp")
    expect(told).to_contain_text("on 11 March 2025.")
    page.wait_for_url("**/?day=2025-03-11")
    page.get_by_text("Table", exact=True).first.click()
    listed = page.locator(".world-map tbody tr").first.locator(".num a")
    assert "on=2025-03-11" in (listed.get_attribute("href") or "")
    moved, coloured = told.inner_text(), _colours(page)
    page.reload()
    expect(page.locator(".world-map[data-ready]")).to_be_visible()
    assert (told.inner_text(), _colours(page)) == (moved, coloured), "the server draws what the script has drawn"

    slider.focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Play").click()
    expect(told).not_to_contain_text(day(page.locator(".world-map").get_attribute("data-start") or ""))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()

    page.locator(".world a:has([data-code=AU])").click()
    page.wait_for_url("**/country/AU")
    page.locator(".event .said a").first.click()
    page.wait_for_url("**/event/*")


def _colours(page: "Page") -> list[str]:
    drawn: list[str] = page.locator(".world [data-code]").evaluate_all(
        "shapes => shapes.map(one => `${one.dataset.code} ${one.getAttribute('class')}`)"
    )
    return drawn


def test_a_service_is_added_and_taken_out_without_a_reload(page: "Page", dashboard_site: str) -> None:
    from playwright.sync_api import expect

    page.set_viewport_size(NARROW)
    page.goto(dashboard_site + "/?service=DeepSeek")
    page.get_by_label("Add a service").fill("chatgpt")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".chips li")).to_have_count(2)
    page.wait_for_url("**/?service=DeepSeek&service=chatgpt*")
    page.get_by_label("Curves").select_option("first")
    page.wait_for_url("**align=first*")
    expect(page.locator("#curves .panel")).to_have_count(2)
    page.get_by_label("Take DeepSeek out").click()
    expect(page.locator("#curves .panel")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing is cut at the side"
