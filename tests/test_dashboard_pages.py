"""What holds for all pages of the dashboard: their links lead somewhere, and their SQL can be asked by anybody."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urldefrag, urlsplit
from zoneinfo import ZoneInfo

import lxml.html
import pytest
from lxml.html import HtmlElement
from starlette.testclient import TestClient

from reports.dashboard import links
from reports.dashboard.app import Setting, make_app
from reports.dashboard.snapshots import Snapshots
from warehouse.query import connect_snapshot, run_sql

GARANTE = "Garante per la protezione dei dati personali"
PAGES = [
    links.overview(),
    links.services(),
    links.service("DeepSeek"),
    links.service("TikTok"),
    links.countries(),
    links.country("US"),
    links.country("XX"),
    links.actors(),
    links.actor(GARANTE, "IT"),
    links.explore(),
    links.explore(q="devices", country="US"),
    links.health(),
]


@pytest.fixture(scope="module")
def pages(
    sample_snapshot: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[tuple[TestClient, dict[str, HtmlElement]]]":
    """A client, and the pages by their addresses, with that of an event of which much is told."""
    snapshots = Snapshots(sample_snapshot.parent, workspace=tmp_path_factory.mktemp("workspace"))
    client = TestClient(make_app(snapshots, Setting(ZoneInfo("UTC"))), base_url="http://localhost")
    with snapshots.held() as data:
        event_id = data.ask("SELECT event_id FROM events ORDER BY articles DESC, event_id LIMIT 1").rows[0][0]
    found = {}
    for address in [*PAGES, links.event(event_id)]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        found[address] = lxml.html.document_fromstring(answer.text)
    yield client, found
    snapshots.close()


def test_what_a_page_asks_anybody_can_ask(
    pages: "tuple[TestClient, dict[str, HtmlElement]]", sample_snapshot: Path
) -> None:
    asked = {}
    for address, page in pages[1].items():
        asked |= {
            one.text_content(): address for one in page.xpath("//*[contains(concat(' ', @class, ' '), ' sql ')]//code")
        }
    assert len(asked) > 25
    with connect_snapshot(sample_snapshot) as reader:
        for sql in asked:
            assert run_sql(reader, sql).columns
            assert "$" not in sql


def test_links_lead_where_they_say(pages: "tuple[TestClient, dict[str, HtmlElement]]") -> None:
    """One of each sort: by page and by what it asks."""
    client, found = pages
    sorts: dict[tuple[str, ...], tuple[str, str]] = {}
    for address, page in found.items():
        ids = {one.get("id") for one in page.xpath("//*[@id]")}
        for link in page.xpath("//a[starts-with(@href, '/') or starts-with(@href, '#') or starts-with(@href, '?')]"):
            target, fragment = urldefrag(link.get("href"))
            if not target:
                assert fragment in ids, f"{address}: #{fragment}"
                continue
            parts = urlsplit(target)
            key = (parts.path.split("/")[1], *sorted(parse_qs(parts.query)), fragment)
            sorts.setdefault(key, (target if parts.path else f"{address}{target}", fragment))
    assert {key[0] for key in sorts} >= {"", "services", "service", "country", "actor", "event", "explore", "health"}
    for target, fragment in sorts.values():
        answer = client.get(target)
        assert answer.status_code == 200, target
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        page = lxml.html.document_fromstring(answer.text)
        assert not page.xpath("//*[@class='problems']"), target
        if fragment:
            assert page.xpath("//*[@id=$id]", id=fragment), f"{target}#{fragment}"
        if urlsplit(target).path == "/explore":
            assert page.xpath("//tbody/tr"), f"{target} finds nothing"


def test_every_part_has_one_name_and_every_field_a_label(pages: "tuple[TestClient, dict[str, HtmlElement]]") -> None:
    for address, page in pages[1].items():
        ids = [one.get("id") for one in page.xpath("//*[@id]")]
        assert len(ids) == len(set(ids)), address
        assert len(page.xpath("//h1")) == 1
        assert len(page.xpath("//main")) == 1
        assert page.xpath("/html/head/title")[0].text_content().endswith(" – Clampdown")
        for chart in page.xpath("//chart-box"):
            assert chart.xpath("ancestor-or-self::*[@role='img' and string-length(@aria-label) > 10]"), address
        for one in page.xpath("//input[not(@type='hidden')] | //select | //textarea"):
            is_labelled = one.get("aria-label") or one.get("aria-labelledby") or one.xpath("ancestor::label")
            assert is_labelled or page.xpath("//label[@for=$id]", id=one.get("id") or ""), (
                f"{address}: {one.get('name')}"
            )
