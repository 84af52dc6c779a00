"""Explore as a page: what it says of an address, the files that hold what is seen, and the page in a browser."""

import csv
import io
import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import duckdb
import pytest
from explored import UTC, client, data, snapshots
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from test_dashboard_explore import knows_all

from reports.dashboard import explore_page
from reports.dashboard.app import Setting, make_app
from reports.dashboard.explore_files import rows_of
from reports.dashboard.explore_page import known_of
from reports.dashboard.facets import Counts
from reports.dashboard.snapshots import Held, Snapshots
from reports.dashboard.view_url import CHOICES, COLUMNS, read
from warehouse.dashboard import explore

if TYPE_CHECKING:
    from browser import Watched
    from playwright.sync_api import Browser, Page

__all__ = ["client", "data", "snapshots"]
"""Fixtures that stand in a module of their own."""


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("action=bna", "There is no action “bna”. There are ban, block"),
        ("country=Atlantis", "There is no country &#39;Atlantis&#39;"),
        ("service=DeapSeek", "Nearest: DeepSeek"),
        ("actor=zzzz", "There is no actor with “zzzz” in its name"),
        ("since=yesterday", "From: “yesterday” is no day. Write it as 2025-01-31"),
        ("on=2025-02-30", "In force on: “2025-02-30” is no day"),
        ("since=2025-03-01&until=2025-02-01", "From 2025-03-01 is later than to 2025-02-01"),
        ("score=7", "Score at least: “7” is no number from 0 to 1"),
        ("score=nan", "“nan” is no number"),
        ("voices=-1", "Voices at least: “-1” is no number"),
        ("sort=colour", "Events can’t be sorted by “colour”"),
        ("order=up", "“up” is no order"),
        ("show=colour", "“colour” is no column"),
        ("acton=ban", "“acton” is no filter. Did you mean action?"),
        ("everything=maybe", "everything takes yes or no"),
        ("q=a", "Nothing is looked for by “a”"),
        ("dated=week", "There is no date stated “week”"),
        ("category=nonsense", "There is no kind of service “nonsense”"),
    ],
)
def test_what_is_not_understood_is_named_with_the_way_out(client: TestClient, query: str, says: str) -> None:
    answer = client.get(f"/explore?{query}")
    assert answer.status_code == 200
    told = re.sub(r"\s+", " ", answer.text)
    assert "Part of this address could not be understood" in told
    assert says in told


_NAMES = [*CHOICES, "q", "service", "country", "actor", "category", "since", "on", "score", "voices", "sort", "page"]


@settings(max_examples=10)
@given(st.dictionaries(st.sampled_from([*_NAMES, "show", "x"]), st.text(max_size=12), max_size=4))
def test_no_address_is_an_error(client: TestClient, query: Mapping[str, str]) -> None:
    asked = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in query.items())
    assert client.get(f"/explore?{asked}").status_code == 200


def test_names_in_any_spelling_and_parts_of_names_are_understood(client: TestClient) -> None:
    for query, chip in (
        ("service=deepseek", "DeepSeek"),
        ("country=south korea", "South Korea"),
        ("action=BAN", "ban"),
        ("kind=data protection", "data protection"),
        ("actor=department of", "“department of” in the name"),
        ("category=ai", "ai"),
    ):
        page = client.get(f"/explore?{query}").text
        assert "could not be understood" not in page, query
        assert chip in page
    assert "Do you mean all events of" in client.get("/explore?q=deepseek").text


@pytest.mark.parametrize("page", ["/", "/services", "/countries", "/service/DeepSeek", "/country/US?voices=2"])
def test_numbers_of_other_pages_lead_to_as_many_events(client: TestClient, data: Held, page: str) -> None:
    shown = client.get(page).text
    links = {
        (address.replace("&amp;", "&"), int(number.replace(",", "")))
        for address, number in re.findall(r'<a[^>]* href="(/explore[^"]*)"[^>]*>(?:<[^>]*>)*([\d,]+)\b', shown)
    }
    assert len(links) > 8
    for address, number in sorted(links)[:: len(links) // 8]:
        assert (address, found_by(data, address)) == (address, number)


def found_by(data: Held, address: str) -> int:
    """How many events an address of Explore asks for."""
    query = {name: tuple(values) for name, values in parse_qs(urlsplit(address).query).items()}
    view, problems = read(query, known_of(data))
    assert problems == ()
    return Counts.of(data.ask(explore.counts(view.wanted)).rows).all


# Files


@pytest.mark.parametrize("query", ["", "q=government+ban&show=date&show=score", "country=US&sort=service&order=asc"])
def test_files_hold_exactly_what_is_seen(client: TestClient, data: Held, tmp_path: Path, query: str) -> None:
    answer = client.get(f"/explore.csv?{query}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="clampdown-events-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    view, _ = read({name: tuple(some) for name, some in parse_qs(query).items()}, knows_all())
    ids = [row[0] for row in data.ask(explore.page(view.wanted, view.order, 999, 0)).rows]
    assert [row["event_id"] for row in rows] == ids
    pages = [
        one
        for number in range(1, 2 + (len(ids) - 1) // explore_page.SIZE)
        for one in re.findall(
            r'class="sentence" href="/event/(\w+)"', client.get(f"/explore?{query}&page={number}").text
        )
    ]
    assert pages == ids
    wide = [field for key in view.columns for field in COLUMNS[key].fields]
    assert list(rows[0])[: 1 + len(wide)] == ["event_id", *wide]
    texts = dict(data.ask("SELECT mention_id, text FROM mentions JOIN articles USING (article_id, version)").rows)
    for row in rows:
        text = texts[row["mention_id"]]
        assert text[int(row["quote_start"]) : int(row["quote_end"])] == row["quote"]
        assert row["article_url"].startswith("http")
    packed = tmp_path / "events.parquet"
    packed.write_bytes(client.get(f"/explore.parquet?{query}").content)
    with closing(duckdb.connect()) as connection:
        again = connection.execute(f"SELECT event_id, quote FROM '{packed}'").fetchall()
    assert again == [(row["event_id"], row["quote"]) for row in rows]
    assert [row[0] for row in data.ask(rows_of(view)).rows] == ids


def test_no_file_holds_more_than_was_asked_for(client: TestClient) -> None:
    answer = client.get("/explore.csv?action=bna&country=US", follow_redirects=False)
    assert answer.status_code in (302, 303, 307)
    assert answer.headers["location"] == "/explore?action=bna&country=US"


def test_no_cell_of_a_file_is_a_formula(sample_snapshot: Path, tmp_path: Path) -> None:
    shutil.copy(sample_snapshot, tmp_path / sample_snapshot.name)
    with closing(duckdb.connect(str(tmp_path / sample_snapshot.name))) as connection:
        connection.execute("UPDATE articles SET title = '=cmd|''/c calc''!A1'")
        connection.execute("UPDATE mentions SET trigger_quote = '@SUM(A1)' || trigger_quote")
    opened = Snapshots(tmp_path)
    client = TestClient(make_app(opened, Setting(UTC)), base_url="http://localhost")
    rows = list(csv.DictReader(io.StringIO(client.get("/explore.csv?country=US").text)))
    opened.close()
    assert len(rows) > 50
    assert {row["article_title"] for row in rows} == {"'=cmd|'/c calc'!A1"}
    assert all(row["quote"].startswith("'@SUM(A1)") for row in rows)
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]


# The page


def test_each_bar_leads_to_the_events_that_it_counts(data: Held, client: TestClient) -> None:
    page = client.get("/explore?service=DeepSeek").text
    table = page[page.index('id="over-time-table"') : page.index('id="over-time-sql"')]
    cells = re.findall(r'<td class="num"><a href="([^"]+)">(\d+)</a>', table)
    assert len(cells) > 3
    for address, number in cells[:: len(cells) // 4]:
        assert found_by(data, address.replace("&amp;", "&")) == int(number)


def test_the_page_in_a_browser(page: "Page", dashboard_site: str, tmp_path: Path) -> None:
    page.goto(f"{dashboard_site}/explore")
    page.evaluate("window.stayed = true")
    page.keyboard.press("/")
    page.keyboard.type("government")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore?q=government")
    page.locator("mark", has_text=re.compile("government", re.IGNORECASE)).first.wait_for()
    page.get_by_label("DeepSeek").check()
    page.wait_for_url("**service=DeepSeek*")
    page.locator("#says", has_text="found").wait_for()
    assert page.evaluate("document.activeElement.id") == "service-DeepSeek"
    page.locator("thead").get_by_role("link", name="Country").click()
    page.wait_for_url("**sort=country*")
    page.locator("th[aria-sort=ascending]", has_text="Country").wait_for()
    countries = page.locator("td.c-country").all_inner_texts()
    assert countries == sorted(countries, key=str.casefold)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download as CSV").click()
    target = tmp_path / "found.csv"
    started.value.save_as(target)
    with target.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(countries)
    page.locator("#columns > summary").click()
    page.get_by_label("Score", exact=True).check()
    page.locator("thead", has_text="Score").wait_for()
    address = page.url
    page.get_by_role("link", name=re.compile("Words.*remove this filter")).click()
    page.wait_for_url(lambda url: "q=" not in url)
    page.go_back()
    page.wait_for_url(address)
    page.locator("th", has_text="Score").wait_for()
    assert page.evaluate("window.stayed")
    page.locator("a.sentence").first.click()
    page.wait_for_url("**/event/*")


def test_the_page_on_a_narrow_dark_screen(browser: "Browser", watched: "Watched", dashboard_site: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce")
    page = watched.over(context.new_page())
    page.goto(f"{dashboard_site}/explore?q=ban&acton=x")
    assert page.locator("#all-filters").get_attribute("open") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("checkbox", name="South Korea", exact=False).first.check()
    page.wait_for_url("**country=KR*")
    context.close()
