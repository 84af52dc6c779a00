"""The main job end to end on the bundled sample: real HTTP, the real model, real DuckDB."""

import shutil
from pathlib import Path

from clampdown.sample_run import run_sample
from clampdown.sample_site import SampleSite
from flows.ingest import RunReport
from pipeline.types import FeedOutcome, Outcome
from warehouse.compare import content
from warehouse.reader import open_reader


def test_every_entry_and_feed_ends_in_its_own_outcome(sample_run: tuple[Path, RunReport]) -> None:
    _, report = sample_run
    summary = report.summary
    assert sum(summary.outcomes.values()) == summary.discovered
    for outcome in (
        *(Outcome.EVENTS, Outcome.GATED, Outcome.SAME_STORY, Outcome.SAME_ARTICLE, Outcome.OTHER_LANGUAGE),
        *(Outcome.NOT_FOUND, Outcome.HTTP_ERROR, Outcome.TIMEOUT, Outcome.ROBOTS, Outcome.UNSUPPORTED_TYPE),
    ):
        assert summary.outcomes.get(outcome, 0) > 0, outcome
    assert Outcome.QUARANTINED not in summary.outcomes
    for feed in (FeedOutcome.OK, FeedOutcome.EMPTY, FeedOutcome.BROKEN, FeedOutcome.NOT_FOUND):
        assert summary.feeds.get(feed, 0) > 0, feed


def test_every_quote_stands_in_the_stored_text(sample_run: tuple[Path, RunReport]) -> None:
    _, report = sample_run
    with open_reader(report.snapshot.database) as reader:
        rows = reader.rows(
            "SELECT quote, text[quote_start + 1 : quote_end], e.url FROM evidence AS e JOIN articles USING (article_id)"
        )
    assert len(rows) > 100
    assert all(quote == stood and url.startswith("http") for quote, stood, url in rows)


def test_running_again_changes_nothing_and_asks_only_for_changes(
    sample_site: SampleSite, sample_run: tuple[Path, RunReport], tmp_path: Path
) -> None:
    data_dir, report = sample_run
    data_dir = shutil.copytree(data_dir, tmp_path / "again", symlinks=True)
    before = content(data_dir / "warehouse.duckdb")
    asked = len(sample_site.requests)
    again = run_sample(sample_site, data_dir)
    assert content(data_dir / "warehouse.duckdb") == before
    assert not again.snapshot.changed
    assert again.snapshot.published_at == report.snapshot.published_at
    assert again.summary.discovered == 0
    assert again.summary.feeds[FeedOutcome.NOT_MODIFIED] > 0
    pages = [request for request in sample_site.requests[asked:] if request.status == 200 and "article" in request.path]
    assert pages == []
