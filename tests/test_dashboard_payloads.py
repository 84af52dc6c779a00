"""Whatever publishers, operators and addresses hold, it is text on every page of the dashboard: nothing of it lives."""

import json
import re
import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import duckdb
import lxml.html
import pytest
from browser import dashboard_over
from lxml.html import HtmlElement
from starlette.testclient import TestClient
from test_digest_html import MORE_PAYLOADS, URLS

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

_ASKED = (
    "/?services={0}&day={0}&by={0}",
    "/services?q={0}&sort={0}&order={0}&page={0}",
    "/actors?q={0}",
    "/explore?q={0}&service={0}&sort={0}&page={0}",
    "/explore?country={0}&action={0}&since={0}&reason={0}&columns={0}",
    "/service/{0}",
    "/country/{0}",
    "/actor?name={0}&country={0}",
    "/event/{0}",
    "/event/{0}?mention={0}",
    "/health?source={0}",
    "/{0}",
)
"""Addresses with a payload in them."""

_TAGS = re.findall(
    r"\S+",
    "html head meta title link script body a header nav ul ol li p main h1 h2 h3 h4 h5 section article aside footer "
    "div span details summary time table caption thead tbody tfoot tr th td colgroup col figure figcaption blockquote "
    "q cite mark code pre button form input label select option optgroup fieldset legend output textarea datalist dl "
    "dt dd strong em small abbr b i s br hr wbr noscript template search progress meter svg g path rect circle line "
    "text tspan desc defs use polyline polygon clippath pattern chart-box world-map address kbd sup sub menu dialog "
    "bdi data ins del",
)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_STYLE = re.compile(r"(?:[\w-]+:\s*[\w .,%()#-]+;?\s*)*")


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
    for one, page in zip(PAYLOADS, cycle(_ASKED), strict=False):
        yield page.format(quote(one, safe=""))


def live(page: str) -> list[str]:
    """What in a page is more than it should be."""
    root = lxml.html.document_fromstring(page)
    return [wrong for element in root.iter() for wrong in _wrong(element)]


def _wrong(element: HtmlElement) -> Iterator[str]:
    if not isinstance(element.tag, str):
        yield f"a comment or instruction: {element}"
        return
    if element.tag not in _TAGS:
        yield f"<{element.tag}>"
    if element.tag == "script" and element.get("src") is None:
        if element.get("type") != "application/json":
            yield "a script in the page"
        else:
            json.loads(element.text or "")
    if element.tag == "meta" and element.get("http-equiv"):
        yield "a meta element that acts"
    for name, value in element.attrib.items():
        if name.startswith("on") or name in ("srcdoc", "formaction", "xlink:href", "ping", "background"):
            yield f"{name} on <{element.tag}>"
        if name in ("src", "action") and not value.startswith(("/static/", "/")):
            yield f"{name}={value}"
        if name == "href" and not re.match(r"(?:/(?!/)|#|\?|data:,$)", value) and not _is_outside(element, value):
            yield f"href={value}"
        if name == "style" and not _STYLE.fullmatch(value):
            yield f"style={value}"
    for text in (element.text, element.tail):
        parent = element if text is element.text else element.getparent()
        if text and parent is not None and parent.tag not in ("code", "script", "textarea") and _UNSEEN.search(text):
            yield f"what is not seen in <{parent.tag}>: {text!r}"


def _is_outside(element: HtmlElement, address: str) -> bool:
    rel = set((element.get("rel") or "").split())
    return urlsplit(address).scheme in ("http", "https") and {"noopener", "noreferrer", "nofollow"} <= rel


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
