"""Runs over a loopback site whose articles change, vanish, hide behind paywalls, or never needed a page."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from clampdown.proofs.webserver import Hit, HTTPServer, Reply
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME, House, open_house
from flows.ingest import RunReport, ingest
from pipeline.archive import Archive
from pipeline.settings import FetchSettings, PollSettings, Settings, WorkerSettings
from pipeline.stories import StoryIndex
from pipeline.types import Outcome, RevisitOutcome, Source
from warehouse.compare import content
from warehouse.query import connect_snapshot, event
from warehouse.reader import open_reader
from warehouse.store import open_warehouse

APART = """
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from flows.house import open_house
from flows.ingest import ingest
from pipeline.settings import FetchSettings, PollSettings, Settings, WorkerSettings
from pipeline.types import Source
folder, feed, hours = sys.argv[1:]
settings = Settings(
    data_dir=Path(folder),
    fetch=FetchSettings(allow_hosts=("127.0.0.1",), host_gap=0, retries=0, timeout=5),
    poll=PollSettings(min_interval=0),
    workers=WorkerSettings(processes=1),
)
with open_house(settings, poll_all=True) as house:
    later = replace(house, started_at=datetime.now(UTC) + timedelta(hours=float(hours)))
    ingest(later, [Source("site", "Site", feed)])
"""
"""One run in a process of its own, which can be killed."""

NOW = datetime.now(UTC)
PUBLISHED = NOW - timedelta(days=1)

BLOCKED = (
    "Italy's data protection authority has blocked the Chinese chatbot DeepSeek across the country, citing a lack of "
    "information on how it uses the personal data of its users.",
    "The regulator, known as the Garante, said on Thursday that it ordered the block with immediate effect to protect "
    "the privacy of Italian users, and that it had opened an investigation.",
    "The companies behind the chatbot had told the authority that they do not operate in Italy and that European law "
    "does not apply to them, an answer which the authority called completely insufficient.",
    "The application had disappeared from the stores of Apple and Google a day earlier, but those who had installed it "
    "could still use it, according to several people who tried to do so in Rome and Milan.",
)
LIFTED = (
    "Update: a court in Rome suspended the decision on Friday, and the service can be reached again by everyone.",
    "Australia has banned DeepSeek from all government devices on the advice of its security agencies, the home "
    "affairs minister said, calling the chatbot an unacceptable risk to the security of the government.",
)
PLAIN = tuple(
    f"The harbour of the town was rebuilt in part {number}, and the fishermen who keep their boats there say that the "
    f"new quay number {number} has made their mornings a good deal shorter than they were in the past."
    for number in range(1, 7)
)


def paragraphs(texts: tuple[str, ...]) -> str:
    return "".join(f"<p>{escape(one)}</p>" for one in texts)


@dataclass
class Page:
    """An article of the site: what its feed and its page say now."""

    title: str
    paragraphs: tuple[str, ...]
    summary: str = "What happened in short."
    content: str = ""
    published: datetime = PUBLISHED
    updated: datetime | None = None
    guid: str = ""
    etag: str | None = None
    reply: Reply | None = None
    listed: bool = True

    def html(self) -> bytes:
        title, body = escape(self.title), paragraphs(self.paragraphs)
        head = f"<html lang=en><head><title>{title}</title></head>"
        return f"{head}<body><article><h1>{title}</h1>{body}</article></body></html>".encode()


@dataclass
class Site:
    """A feed and its pages on one server. Pages may be changed between runs."""

    server: HTTPServer
    pages: dict[str, Page] = field(default_factory=dict)

    def add(self, name: str, page: Page) -> Page:
        self.pages[name] = page
        self.server.routes[f"/{name}"] = lambda hit: self._page(page, hit)
        return page

    def _page(self, page: Page, hit: Hit) -> Reply:
        if page.reply is not None:
            return page.reply
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if page.etag is not None:
            headers["ETag"] = page.etag
            if hit.headers.get("If-None-Match") == page.etag:
                return Reply(304, headers=headers)
        return Reply(body=page.html(), headers=headers)

    def feed(self, _: Hit) -> Reply:
        items = "".join(self._item(name, page) for name, page in self.pages.items() if page.listed)
        xml = (
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Site</title>'
            f"<id>urn:site</id><updated>{NOW.isoformat()}</updated>{items}</feed>"
        )
        return Reply(body=xml.encode(), headers={"Content-Type": "application/atom+xml"})

    def _item(self, name: str, page: Page) -> str:
        content = f'<content type="html">{escape(page.content)}</content>' if page.content else ""
        return (
            f"<entry><id>{page.guid or name}</id><title>{escape(page.title)}</title>"
            f'<link href="{self.server.url("/" + name)}"/><summary>{escape(page.summary)}</summary>{content}'
            f"<published>{page.published.isoformat()}</published>"
            f"<updated>{(page.updated or page.published).isoformat()}</updated></entry>"
        )

    def asked(self, name: str) -> int:
        return self.server.count(f"/{name}")


@pytest.fixture
def site() -> Iterator[Site]:
    with HTTPServer() as server:
        made = Site(server)
        server.routes["/feed"] = made.feed
        yield made


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Network session, workers and model, opened once for all runs of this module."""
    fetch = FetchSettings(allow_hosts=("127.0.0.1",), host_gap=0, retries=0, timeout=5)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("tools"),
        fetch=fetch,
        poll=PollSettings(min_interval=0),
        workers=WorkerSettings(processes=1),
    )
    with open_house(settings, poll_all=True) as house:
        yield house


class Runs:
    """Runs over one site into one folder, at given hours after now."""

    def __init__(self, tools: House, site: Site, folder: Path) -> None:
        self.tools, self.site, self.folder = tools, site, folder

    @contextmanager
    def house(self, hours: float) -> Iterator[House]:
        settings = self.tools.settings.model_copy(update={"data_dir": self.folder})
        with open_warehouse(self.folder / WAREHOUSE_NAME) as warehouse:
            yield replace(
                self.tools,
                settings=settings,
                warehouse=warehouse,
                archive=Archive(self.folder / ARCHIVE_NAME),
                stories=StoryIndex(warehouse.signatures()),
                started_at=datetime.now(UTC) + timedelta(hours=hours),
            )

    def run(self, hours: float, *, full_text: bool | None = None) -> RunReport:
        source = Source("site", "Site", self.site.server.url("/feed"), full_text=full_text)
        with self.house(hours) as house:
            report = ingest(house, [source])
            assert house.warehouse.ledger_balance().balanced
        return report

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with open_reader(self.folder / WAREHOUSE_NAME) as reader:
            return reader.rows(sql)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return content(self.folder / WAREHOUSE_NAME)

    def versions(self, name: str) -> list[tuple[int, str]]:
        """All versions of an article with their texts, the oldest first."""
        url = self.site.server.url("/" + name)
        return self.ask(
            f"SELECT v.version, v.text FROM article_versions AS v JOIN articles AS a USING (article_id) "
            f"WHERE a.url = '{url}' UNION ALL SELECT version, text FROM articles WHERE url = '{url}' ORDER BY 1"
        )

    def revisits(self, name: str) -> list[str]:
        url = self.site.server.url("/" + name)
        rows = self.ask(
            f"SELECT r.outcome FROM revisits AS r JOIN entries USING (entry_id) WHERE url = '{url}' ORDER BY r.run_id"
        )
        return [outcome for (outcome,) in rows]


@pytest.fixture
def runs(tools: House, site: Site, tmp_path: Path) -> Runs:
    return Runs(tools, site, tmp_path)


def without_feeds(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in tables.items() if name != "feed_states"}


def test_article_that_changes_has_both_versions_and_the_events_of_the_latest(runs: Runs, site: Site) -> None:
    page = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED, etag='"v1"'))
    still = site.add("harbour", Page("The harbour is rebuilt", PLAIN))
    first = runs.run(0)
    assert first.summary.outcomes == {Outcome.EVENTS: 1, Outcome.GATED: 1}
    before = runs.ask("SELECT event_id, country FROM events ORDER BY country")
    assert {country for _, country in before} == {"IT"}

    page.paragraphs, page.etag, page.summary = (*BLOCKED, *LIFTED), '"v2"', "A court has spoken."
    runs.run(0.5)
    assert site.asked("italy") == 1, "not within an hour"
    second = runs.run(2)
    assert site.asked("italy") == 2
    assert second.summary.revisits == {RevisitOutcome.CHANGED: 1}
    assert runs.revisits("italy") == ["changed"]
    assert [(number, len(text)) for number, text in runs.versions("italy")] == [
        (1, len(f"{page.title}\n\n" + "\n".join(BLOCKED))),
        (2, len(f"{page.title}\n\n" + "\n".join(page.paragraphs))),
    ]
    assert ("AU",) in runs.ask("SELECT country FROM events")
    assert set(before) <= set(runs.ask("SELECT event_id, country FROM events")), "the event told before keeps its id"
    assert site.asked("harbour") == 1
    assert still.listed

    with connect_snapshot(runs.folder / PUBLISHED_NAME) as reader:
        wrong = reader.rows(
            "SELECT quote FROM evidence JOIN articles USING (article_id) "
            "WHERE quote <> text[quote_start + 1 : quote_end]"
        )
        shown = event(reader, before[0][0])
        assert {version for (version,) in reader.rows("SELECT version FROM evidence")} == {2}
    assert wrong == []
    line = shown.mentions[0].article
    assert (line.version, [old.version for old in line.earlier]) == (2, [1])

    show = [
        sys.executable,
        "-c",
        "from clampdown.main import main; main()",
        "-d",
        str(runs.folder),
        "show",
        before[0][0],
    ]
    told = subprocess.run(show, cwd=runs.folder, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "version 2" in told
    assert "version 1 was read on" in told

    archive = Archive(runs.folder / ARCHIVE_NAME)
    bodies = [response.body for _, response in archive.scan() if response.url.endswith("/italy")]
    assert len(bodies) == 2, "each version's page is kept"

    tables = runs.tables()
    third = runs.run(60)
    assert without_feeds(runs.tables()) == without_feeds(tables)
    assert not third.snapshot.changed
    assert site.asked("italy") == 2


def test_article_that_changes_back_has_three_versions_and_its_first_events(runs: Runs, site: Site) -> None:
    page = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    runs.run(0)
    first = runs.tables()
    page.paragraphs, page.summary = (*BLOCKED, *LIFTED), "A court has spoken."
    runs.run(2)
    page.paragraphs, page.summary = BLOCKED, "What happened in short."
    runs.run(5)
    texts = [text for _, text in runs.versions("italy")]
    assert len(texts) == 3
    assert texts[0] == texts[2] != texts[1]
    last = runs.tables()
    for table in ("mentions", "events", "event_mentions", "event_transitions", "outcomes"):
        kept = [row for row in last[table] if table != "outcomes"]
        assert kept == [row for row in first[table] if table != "outcomes"], table
    assert runs.revisits("italy") == ["changed", "changed"]


def test_words_that_change_on_every_poll_cost_a_few_conditional_requests(runs: Runs, site: Site) -> None:
    pages = [
        site.add("tagged", Page("The harbour is rebuilt", PLAIN, etag='"v1"')),
        site.add("untagged", Page("The quay is rebuilt", PLAIN[::-1])),
    ]
    runs.run(0)
    before = runs.tables()
    hours = 0.0
    for number in range(1, 7):
        for page in pages:
            page.summary = f"Read by {number * 7} people."
        hours += 20
        runs.run(hours)
    assert site.asked("tagged") == site.asked("untagged") == 1 + 5
    assert runs.revisits("tagged") == ["not_modified"] * 5
    assert runs.revisits("untagged") == ["unchanged"] * 5
    after = runs.tables()
    for table in ("articles", "article_versions", "story_members", "outcomes", "mentions", "events"):
        assert after[table] == before[table], table
    conditional = [hit.headers.get("If-None-Match") for hit in site.server.hits if hit.target == "/tagged"]
    assert conditional == [None, *['"v1"'] * 5]


def test_what_was_read_stays_when_the_page_does_not(runs: Runs, site: Site) -> None:
    gone = site.add("gone", Page("Italy blocks DeepSeek", BLOCKED))
    hidden = site.add("hidden", Page("Harbour of the year", PLAIN))
    dropped = site.add("dropped", Page("The old quay", PLAIN[:4]))
    redated = site.add("redated", Page("The old harbour", PLAIN[2:]))
    late = site.add("late", Page("The old fishermen", PLAIN[1:5]))
    first = runs.run(0)
    before = runs.tables()
    gone.reply, gone.summary = Reply(404), "Other words."
    hidden.paragraphs, hidden.summary = (PLAIN[0], "Subscribe to continue reading this article."), "Other words."
    dropped.listed = False
    redated.published = redated.updated = NOW - timedelta(hours=1)
    late.reply, late.summary = Reply(503), "Other words."
    second = runs.run(2)
    assert second.summary.revisits == {RevisitOutcome.KEPT: 1, RevisitOutcome.FAILED: 2}
    after = runs.tables()
    for table in ("articles", "article_versions", "story_members", "outcomes", "mentions", "events"):
        assert after[table] == before[table], table
    notes = dict(runs.ask("SELECT e.guid, r.detail FROM revisits AS r JOIN entries AS e USING (entry_id)"))
    assert "404" in notes["gone"]
    assert "paywall" in notes["hidden"] or "characters" in notes["hidden"]
    assert site.asked("dropped") == site.asked("redated") == 1
    assert second.summary.discovered == 0
    assert not first.summary.revisits
    # What can heal is tried again without the feed's asking, what can't is not.
    late.reply, late.paragraphs = None, PLAIN
    runs.run(9)
    assert site.asked("gone") == 2
    assert site.asked("late") == 3
    assert runs.revisits("late") == ["failed", "changed"]


def test_feeds_with_the_whole_text_need_no_page(runs: Runs, site: Site) -> None:
    body = paragraphs((*BLOCKED, *PLAIN))
    italy = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED, content=body))
    site.add("harbour", Page("The harbour is rebuilt", PLAIN, content=paragraphs(PLAIN * 2)))
    runs.run(0, full_text=True)
    assert {hit.target for hit in site.server.pages} == {"/feed"}
    rows = runs.ask(
        "SELECT a.text_origin, a.archive_sha256 = e.archive_sha256, a.fetched_at = e.fetched_at "
        "FROM articles AS a JOIN entries AS e USING (entry_id)"
    )
    assert rows == [("feed", True, True)] * 2
    # The feed's new words are the new version.
    italy.content = body + paragraphs(LIFTED)
    runs.run(2, full_text=True)
    assert {hit.target for hit in site.server.pages} == {"/feed"}
    assert [number for number, _ in runs.versions("italy")] == [1, 2]
    assert ("AU",) in runs.ask("SELECT country FROM events")
    parts = runs.ask(
        "SELECT count(DISTINCT archive_sha256) FROM "
        "(SELECT archive_sha256 FROM articles UNION ALL SELECT archive_sha256 FROM article_versions)"
    )
    assert parts == [(2,)]


def test_churned_guids_make_no_entries_and_no_requests(runs: Runs, site: Site) -> None:
    pages = [site.add(f"a{number}", Page(f"Quay {number}", PLAIN[number:])) for number in range(4)]
    runs.run(0)
    before = runs.tables()
    for number, page in enumerate(pages):
        page.guid = f"urn:again:{number}"
    second = runs.run(30)
    assert second.summary.discovered == 0
    assert all(site.asked(f"a{number}") == 1 for number in range(4))
    assert without_feeds(runs.tables()) == without_feeds(before)


def test_killed_while_versions_come_in_it_ends_alike(tools: House, site: Site, tmp_path: Path) -> None:
    calm, killed = Runs(tools, site, tmp_path / "calm"), Runs(tools, site, tmp_path / "killed")
    italy = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    harbour = site.add("harbour", Page("The harbour is rebuilt", PLAIN))
    for runs in (calm, killed):
        runs.run(0)
    italy.paragraphs, italy.summary, harbour.summary = (*BLOCKED, *LIFTED), "A court has spoken.", "Read by 7 people."
    calm.run(2)
    command = [sys.executable, "-c", APART, str(killed.folder), site.server.url("/feed"), "2"]
    environment = os.environ | {"CLAMPDOWN_FAILPOINT": "store.versions"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert killed.ask("SELECT count(*) FROM article_versions") == [(0,)]
    killed.run(2.1)
    assert without_feeds(killed.tables()) == without_feeds(calm.tables())
    assert killed.revisits("italy") == ["changed"]
