"""A loopback site whose articles change between runs, and runs over it at given hours after now."""

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

from conftest import ROOT

from clampdown.proofs.webserver import Hit, HTTPServer, Reply
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, House, open_house
from flows.ingest import RunReport, Stages, ingest
from pipeline.archive import Archive
from pipeline.settings import FetchSettings, PollSettings, Settings, WorkerSettings
from pipeline.types import Source
from warehouse.compare import content
from warehouse.reader import open_reader
from warehouse.snapshot import Snapshot
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


@contextmanager
def serving() -> Iterator[Site]:
    """A site without articles, served while the context lasts."""
    with HTTPServer() as server:
        made = Site(server)
        server.routes["/feed"] = made.feed
        yield made


@contextmanager
def opened_tools(folder: Path) -> Iterator[House]:
    """Network session, workers and model, opened once for many runs."""
    fetch = FetchSettings(allow_hosts=("127.0.0.1",), host_gap=0, retries=0, timeout=5)
    settings = Settings(
        data_dir=folder, fetch=fetch, poll=PollSettings(min_interval=0), workers=WorkerSettings(processes=1)
    )
    with open_house(settings, poll_all=True) as house:
        yield house


def _unpublished(house: House) -> Snapshot:
    target = house.settings.data_dir
    return Snapshot(target, target, target, published_at=house.started_at, counts={}, changed=False)


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
                started_at=datetime.now(UTC) + timedelta(hours=hours),
            )

    def run(self, hours: float, *, full_text: bool | None = None, publishes: bool = False) -> RunReport:
        """A run that leaves out publishing, half a second each time, where nobody looks at the snapshot."""
        source = Source("site", "Site", self.site.server.url("/feed"), full_text=full_text)
        with self.house(hours) as house:
            report = ingest(house, [source], None if publishes else Stages(publish=_unpublished))
            assert house.warehouse.ledger_balance().balanced
        return report

    def run_killed(self, hours: float, failpoint: str) -> None:
        """A run in a process of its own that is killed at a failpoint."""
        command = [sys.executable, "-c", APART, str(self.folder), self.site.server.url("/feed"), str(hours)]
        environment = os.environ | {"CLAMPDOWN_FAILPOINT": failpoint}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=120)
        assert done.returncode == -signal.SIGKILL

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
