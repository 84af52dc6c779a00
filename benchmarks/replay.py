"""Replay real feed items over HTTP on loopback through the whole pipeline, and report speed, outcomes and memory.

    python -m benchmarks.replay [--items 2000] [--corpus ../shared/corpus/news_items_2021_2022.jsonl.gz]

The items (title, description, link, date, source) belong to their publishers and are not part of this project. Each
source becomes an RSS feed and each item a page in the manner of a small news site, served by a threaded HTTP server.
"""

import argparse
import gzip
import html
import json
import resource
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

from flows.house import open_house
from flows.ingest import RunReport, ingest
from pipeline.settings import FetchSettings, Settings
from pipeline.types import Source

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "news_items_2021_2022.jsonl.gz"

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:title" content="{title}"><meta property="article:published_time" content="{date}"></head>
<body><header><nav><a href="/">Home</a> <a href="/world">World</a> <a href="/tech">Technology</a></nav></header>
<main><article><h1>{title}</h1><div class="body">{body}</div></article></main>
<footer><p>Terms of use · Privacy · Contact</p></footer></body></html>"""


@dataclass(frozen=True, slots=True)
class Item:
    """One feed item of the corpus; `date` is ISO 8601 with an offset."""

    title: str
    description: str
    date: str
    source: str


def load_items(corpus: Path, count: int) -> list[Item]:
    """Read the first `count` items."""
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, count)]
    keys = ("title", "description", "date_published", "source")
    return [Item(*(row.get(key) or "" for key in keys)) for row in rows]


class ReplaySite:
    """Serves items as feeds (`/feed/N.xml`) and pages (`/item/N.html`) from memory."""

    def __init__(self, items: list[Item]) -> None:
        self._pages = {f"/item/{n}.html": _page(item).encode() for n, item in enumerate(items)}
        by_source: dict[str, list[tuple[int, Item]]] = defaultdict(list)
        for n, item in enumerate(items):
            by_source[item.source].append((n, item))
        self._groups = list(by_source.items())
        pages = self._pages

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = pages.get(self.path)
                kind = "application/rss+xml" if self.path.endswith(".xml") else "text/html; charset=utf-8"
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        for n, (name, group) in enumerate(self._groups):
            self._pages[f"/feed/{n}.xml"] = _feed(name, group, f"http://{self.host}").encode()

    def sources(self) -> list[Source]:
        """One source per feed of the corpus."""
        return [
            Source(f"replay-{n}", name, f"http://{self.host}/feed/{n}.xml") for n, (name, _) in enumerate(self._groups)
        ]

    @contextmanager
    def serving(self) -> Iterator["ReplaySite"]:
        """Serve until the context ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _page(item: Item) -> str:
    body = item.description if "<p" in item.description else f"<p>{item.description}</p>"
    return PAGE.format(title=html.escape(item.title), date=html.escape(item.date), body=body)


def _feed(name: str, group: list[tuple[int, Item]], base: str) -> str:
    items = "".join(
        f"<item><title>{html.escape(item.title)}</title><link>{base}/item/{n}.html</link>"
        f"<guid isPermaLink='false'>{n}</guid>{_pub_date(item.date)}"
        f"<description>{html.escape(item.description[:500])}</description></item>"
        for n, item in group
    )
    head = f"<title>{html.escape(name)}</title><link>{base}/</link><description/>"
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'


def _pub_date(date: str) -> str:
    try:
        return f"<pubDate>{format_datetime(datetime.fromisoformat(date))}</pubDate>"
    except ValueError:
        return ""


def replay(items: list[Item], data_dir: Path) -> tuple[RunReport, float]:
    """Run the pipeline once over `items`; returns its report and the seconds that the run itself took."""
    with ReplaySite(items).serving() as site:
        settings = Settings(data_dir=data_dir, fetch=FetchSettings(host_gap=0, allow_hosts=(site.host,)))
        with open_house(settings) as house:
            start = time.perf_counter()
            report = ingest(house, site.sources())
            return report, time.perf_counter() - start


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    options = parser.parse_args()
    if not options.corpus.is_file():
        sys.exit(f"{options.corpus}: not there; the corpora are not part of this project")
    items = load_items(options.corpus, options.items)
    with tempfile.TemporaryDirectory() as folder:
        report, seconds = replay(items, Path(folder))
    summary = report.summary
    print(f"items {len(items)}, discovered {summary.discovered}, seconds {seconds:.1f}")
    print(f"articles per second {summary.discovered / seconds:.1f}")
    for outcome, count in sorted(summary.outcomes.items()):
        print(f"  {outcome}: {count}")
    print(f"sum of outcomes {sum(summary.outcomes.values())}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
