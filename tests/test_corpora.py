"""The main job on real texts that are not part of this project; skipped where they are absent."""

import html
import json
from pathlib import Path

import pytest
from in_process import clampdown

from benchmarks.replay import load_items, replay
from clampdown.proofs.webserver import HTTPServer, Reply
from flows.house import open_house
from flows.ingest import ingest
from pipeline.settings import FetchSettings, Settings
from pipeline.types import Outcome, Source
from warehouse.reader import open_reader

FIELDS = {
    "scores",
    *("action", "status", "trigger", "actor", "actor_canonical", "country", "service", "service_canonical"),
    *("scope", "scope_class", "date", "date_value", "reason", "reason_classes", "score", "offsets"),
}


@pytest.fixture(scope="module")
def seeds(shared: Path) -> list[tuple[Path, str]]:
    rows = [json.loads(line) for line in (shared / "seeds" / "gold.jsonl").read_text("utf-8").splitlines()]
    return [(shared / "seeds" / row["file"], row["published"]) for row in rows]


def test_the_seeds_go_through_extract_with_exact_offsets(seeds: list[tuple[Path, str]], tmp_path: Path) -> None:
    for path, published in seeds:
        done = clampdown("extract", str(path), "--published", published, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        record = json.loads(done.stdout)
        text = path.read_text("utf-8")
        assert record["id"] == path.name
        assert record["events"]
        for event in record["events"]:
            assert set(event) == FIELDS
            for name, (start, end) in event["offsets"].items():
                assert text[start:end] == event[name]
            assert {name for name in ("trigger", "actor", "service", "scope", "date", "reason") if event[name]} == set(
                event["offsets"]
            )


def test_the_seeds_served_by_a_feed_end_as_events_with_evidence(seeds: list[tuple[Path, str]], tmp_path: Path) -> None:
    routes = {}
    items = ""
    for number, (path, published) in enumerate(seeds):
        title, _, body = path.read_text("utf-8").partition("\n")
        paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in body.splitlines())
        page = f"<html><head><title>{html.escape(title)}</title></head><body><article><h1>{html.escape(title)}</h1>"
        routes[f"/{number}.html"] = Reply(
            200, f"{page}{paragraphs}</article></body></html>".encode(), {"Content-Type": "text/html; charset=utf-8"}
        )
        items += (
            f"<item><title>{html.escape(title)}</title><link>/{number}.html</link>"
            f"<pubDate>{published}T09:00:00Z</pubDate></item>"
        )
    feed = f"<rss version='2.0'><channel><title>Seeds</title>{items}</channel></rss>"
    routes["/feed.xml"] = Reply(200, feed.encode(), {"Content-Type": "application/rss+xml"})
    with HTTPServer(routes) as server:
        fetch = FetchSettings(allow_hosts=(f"{server.host}:{server.port}",), host_gap=0)
        with open_house(Settings(data_dir=tmp_path, fetch=fetch)) as house:
            report = ingest(house, [Source("seeds", "Seeds", f"{server.root}/feed.xml")])
    assert report.summary.outcomes == {Outcome.EVENTS: len(seeds)}
    with open_reader(report.snapshot.database) as reader:
        rows = reader.rows(
            "SELECT quote, text[quote_start + 1 : quote_end] FROM evidence JOIN articles USING (article_id)"
        )
    assert len(rows) > 20
    assert all(quote == stood for quote, stood in rows)


def test_real_feed_items_run_through_and_the_ledger_balances(shared: Path, tmp_path: Path) -> None:
    """A short form of `python -m benchmarks.replay`, which runs 2,000."""
    items = load_items(shared / "corpus" / "news_items_2021_2022.jsonl.gz", 200)
    report, _ = replay(items, tmp_path)
    assert report.summary.discovered == len(items)
    assert sum(report.summary.outcomes.values()) == len(items)
    assert Outcome.QUARANTINED not in report.summary.outcomes
