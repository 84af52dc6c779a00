"""Whatever publishers, operators and addresses hold, it is text on every page of the dashboard: nothing of it lives."""

import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

import duckdb
import pytest
from browser import dashboard_over
from starlette.testclient import TestClient
from test_digest_html import MORE_PAYLOADS, URLS

from clampdown.proofs.untrusted import ASKED
from clampdown.proofs.untrusted_look import wrong_in_page as live
from reports.dashboard import links
from reports.dashboard.app import Setting, make_app
from reports.dashboard.snapshots import Snapshots
from warehouse.database import storable

if TYPE_CHECKING:
    from browser import Watched
    from playwright.sync_api import Page

PAYLOADS = [storable(one) for one in MORE_PAYLOADS]

WORDS = {
    "actors": ["actor_canonical"],
    "articles": ["title", "site", "authors", "issues", "model", "language"],
    "bodies": ["name", "aliases"],
    "countries": ["name"],
    "coverage": ["source"],
    "entries": ["title", "authors", "guid"],
    "event_history": ["actor_canonical", "service_canonical", "scope"],
    "event_transitions": ["detail"],
    "events": ["actor_canonical", "service_canonical", "scope", "why"],
    "feed_states": ["error"],
    "mentions": [
        "actor_canonical", "service_canonical", "actor_quote", "service_quote", "trigger_quote", "reason_quote",
        "scope_quote", "date_quote", "model",
    ],
    "outcomes": ["detail"],
    "polls": ["detail"],
    "runs": ["model", "version"],
    "services": ["name", "aliases", "category", "provider"],
    "sources": ["name", "owner", "topics", "language"],
    "stories": ["title"],
    "transition_history": ["detail"],
    "unsure_pairs": ["why"],
}  # fmt: skip
"""What others write, by table. One name is the same payload in every table."""

ADDRESSES = {"articles": ["url", "canonical_url"], "sources": ["url", "homepage"], "feed_states": ["moved_to"]}

_DECIDED = """
    INSERT INTO decisions
    WITH told AS (
        SELECT event_id, row_number() OVER (ORDER BY event_id) AS number
        FROM (SELECT min(event_id) AS event_id FROM events WHERE actor_canonical IS NOT NULL GROUP BY service_canonical)
    ),
    payloads AS (SELECT unnest($1::VARCHAR[]) AS words, generate_subscripts($1::VARCHAR[], 1) AS number)
    SELECT format('{:016x}', p.number), ['edit', 'reject', 'same', 'restore'][p.number % 4 + 1], p.words,
        TIMESTAMP '2026-11-01' + to_hours(p.number), p.words, if(p.number % 4 = 0, 'scope', NULL),
        if(p.number % 4 = 0, p.words, NULL), NULL, [t.event_id],
        ['in_force', 'overruled', 'undone', 'lost'][p.number // 4 % 4 + 1]
    FROM payloads AS p JOIN told AS t ON t.number = (p.number - 1) % (SELECT count(*) FROM told) + 1
"""
"""Decisions of all kinds on events with a page in `addresses`: each payload is an author and a reason, some a value."""


@pytest.fixture(scope="module")
def hostile(sample_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a snapshot in which every word of others is a payload."""
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "clampdown.duckdb"
    shutil.copy(sample_snapshot, file)
    with duckdb.connect(str(file)) as connection:
        for some, columns_of in ((PAYLOADS, WORDS), (URLS, ADDRESSES)):
            connection.execute("CREATE OR REPLACE TEMP TABLE payloads AS SELECT $1 AS words", [some])
            for table, columns in columns_of.items():
                types = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall())
                for column in columns:
                    is_list = types[column].endswith("[]")
                    value = f"(SELECT words FROM payloads)[(hash({column}) % {len(some)})::INT + 1]"
                    value = "(SELECT words FROM payloads)" if is_list else value
                    connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {column} IS NOT NULL")
        # Offsets stay within the text, whatever it is.
        connection.execute("UPDATE articles SET text = concat($1::VARCHAR, text, $1::VARCHAR)", ["\n".join(PAYLOADS)])
        connection.execute("UPDATE manifest SET value = to_json($1::VARCHAR) WHERE key = 'model'", [PAYLOADS[0]])
        connection.execute(_DECIDED, [PAYLOADS])
    return folder


@pytest.fixture(scope="module")
def client(hostile: Path) -> Iterator[TestClient]:
    snapshots = Snapshots(hostile)
    yield TestClient(make_app(snapshots, Setting(ZoneInfo("UTC"))), base_url="http://localhost")
    snapshots.close()


def addresses(folder: Path) -> Iterator[str]:
    """Every sort of page, and each payload as a service, as an actor, in an event, and in what is asked."""
    yield from ("/", "/services", "/countries", "/actors", "/explore", "/health")
    yield from map(links.country, ("US", "KR", "EU", "XX"))
    with duckdb.connect(str(folder / "clampdown.duckdb"), read_only=True) as connection:
        told = connection.execute(
            "SELECT service_canonical, min(event_id), min_by(actor_canonical, event_id), min_by(country, event_id) "
            "FROM events WHERE actor_canonical IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
    for place, (service, event_id, actor, country) in enumerate(told):
        yield links.event(event_id)
        yield links.service(service) if place % 2 else links.actor(actor, country)
    for one, page in zip(PAYLOADS, cycle(ASKED), strict=False):
        yield page.format(quote(one, safe=""))


def test_nothing_that_others_wrote_lives_on_any_page(client: TestClient, hostile: Path) -> None:
    found: dict[str, list[str]] = {}
    statuses: dict[int, int] = {}
    for address in addresses(hostile):
        answer = client.get(address, headers={"Accept-Encoding": "identity"})
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code != 500, address
        assert answer.headers["content-type"] == "text/html; charset=utf-8", address
        if wrong := live(answer.text):
            found[address] = wrong[:3]
    assert found == {}
    assert statuses[200] > 50
    assert set(statuses) <= {200, 400, 404}


def test_a_browser_finds_nothing_alive_either(page: "Page", watched: "Watched", hostile: Path) -> None:
    watched.expected.append("status of 4")  # pages for what is not there
    page.on("dialog", lambda dialog: watched.wrong.append(f"dialog: {dialog.message}"))
    with dashboard_over(hostile) as site:
        script = "<script>alert(1)</script>"
        with duckdb.connect(str(hostile / "clampdown.duckdb"), read_only=True) as connection:
            (event_id,) = connection.execute("SELECT event_id FROM events ORDER BY articles DESC LIMIT 1").fetchall()[0]
        for address in ("/", "/actors", links.service(script), links.event(event_id), f"/explore?q={quote(script)}"):
            page.goto(site + address)
            if page.locator("chart-box").count():
                page.locator("chart-box").first.scroll_into_view_if_needed()
                page.wait_for_selector("chart-box[data-drawn]", state="attached")
            alive = page.evaluate(
                "document.querySelectorAll('img, iframe, object, embed, base, [onload], [onerror]').length"
            )
            assert alive == 0, address
