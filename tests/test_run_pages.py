"""What Prefect shows of a run: words, a page and tables, and that nothing in them is alive that others wrote."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from digest_material import EVENT, publish, telling
from digest_material import told as told_of
from test_digest import PAYLOADS, live

from flows.backfill import SourceReport
from flows.digest_report import DigestReport, DigestState
from flows.maintain import DONE, FAILED, Step
from flows.serving.artifacts import (
    WORD_JOINER,
    ingest_page,
    news_of,
    of_backfill,
    of_digests,
    of_ingest,
    of_maintain,
    of_publish,
    of_reextract,
)
from flows.serving.duties import BroughtBack, Ingested, ReadAgain
from pipeline.archive_pages import PageState
from pipeline.settings import Settings
from pipeline.site_state import SiteState, SlowSource, Trouble
from pipeline.types import FeedOutcome, Outcome
from warehouse.query import connect_snapshot
from warehouse.run_events import NewEvent, new_events
from warehouse.snapshot import Snapshot
from warehouse.summary import RunSummary

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SUMMARY = RunSummary(
    run_id="a-run",
    status="finished",
    started_at=NOW,
    finished_at=NOW,
    feeds={FeedOutcome.OK: 3, FeedOutcome.NOT_MODIFIED: 40},
    discovered=12,
    outcomes={Outcome.EVENTS: 2, Outcome.GATED: 10},
    new_events=1,
    pending=0,
    retrying=1,
    not_due=7,
    next_due_at=None,
    retired=0,
    silent=("Alpha Gazette",),
    revisits={},
)
SNAPSHOT = Snapshot(Path("clampdown.duckdb"), Path("parquet"), Path("manifest.json"), NOW, {"events": 5}, True)
STATE = SiteState(
    NOW,
    model="m2-abc",
    events=5,
    articles=20,
    trouble=(Trouble("a", "Alpha Gazette", "silent", NOW), Trouble("b", "Beta Times", "failing", NOW, "status 503")),
    slowest=(SlowSource("c", "Gamma Post", 7200.0), SlowSource("d", "Delta", 60.0)),
)


COUNTRIES = {"IT": "Italy"}


def test_an_ingest_says_what_is_new_and_who_is_silent() -> None:
    found = NewEvent(EVENT, telling("The Garante blocked DeepSeek.", "Italy blocks DeepSeek"))
    shown = ingest_page(Ingested(SUMMARY, SNAPSHOT, STATE), [found], COUNTRIES)
    assert shown.words == "1 new event, 12 articles, 2 sources in trouble"
    for words in (
        "**Garante per la protezione dei dati personali (Italy) blocked DeepSeek** – 20 November 2026, in force, score",
        "> “The Garante blocked DeepSeek.”",
        "[Italy blocks DeepSeek](<https://alpha.example/news/1>) – Alpha Gazette",
        "| Feeds | 40 not modified, 3 ok |",
        "| Articles | 10 gated, 2 events |",
        "| Waiting | 1 for another try |",
        "| Model | m2-abc |",
        "- Alpha Gazette: silent",
        "- Beta Times: failing – status 503",
        "- Gamma Post: 2.0 h",
    ):
        assert words in shown.page
    assert "Delta" not in shown.page, "a minute is not slow"
    assert [row["source"] for row in shown.tables["sources"]] == ["Alpha Gazette", "Beta Times", "Gamma Post"]
    (event,) = shown.tables["events"]
    assert (event["action"], event["country"], event["date"]) == ("block", "IT", "2026-11-20")
    assert sum(int(row["number"]) for row in shown.tables["outcomes"]) == 55


def test_a_quiet_ingest_says_so_in_a_few_lines() -> None:
    summary = replace(SUMMARY, new_events=0, outcomes={}, feeds={}, discovered=0, retrying=0, silent=())
    shown = of_ingest(Settings(), Ingested(summary, replace(SNAPSHOT, changed=False), SiteState(NOW)))
    assert shown.words == "nothing new"
    assert "### New events" not in shown.page
    assert "| Feeds | none was due |" in shown.page
    assert not any(shown.tables.values())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_others_wrote_is_alive(payload: str) -> None:
    event = replace(EVENT, actor=payload, service=payload, scope=payload)
    found = [
        NewEvent(event, telling(payload, payload, source=payload)),
        NewEvent(event, telling(payload, payload, f"javascript:{payload}", source=payload)),
    ]
    trouble = (Trouble("a", payload, "failing", None, payload),)
    state = replace(STATE, model=payload, trouble=trouble, slowest=(SlowSource("c", payload, 9999.0),))
    problem = SourceReport(payload, {PageState.FAILED: 1}, 1, 0, 0, 0, (payload,))
    for shown, links in (
        (ingest_page(Ingested(SUMMARY, SNAPSHOT, state), found, {"IT": payload}), {"https://alpha.example/news/1"}),
        (of_backfill(BroughtBack(sources=(problem,), outcomes=Counter({"events": 1}))), set()),
        (of_reextract(ReadAgain(model=payload, lost=[payload])), set()),
        (of_maintain([Step("audit", FAILED, payload)], state), set()),
    ):
        for page in (
            shown.page,
            *(str(cell) for rows in shown.tables.values() for row in rows for cell in row.values()),
        ):
            led, others = live(page)
            assert set(led) <= links
            # Tables of our own are the only thing on a page that is more than text.
            assert set(others) <= {"table_open"}
            assert all(one.isprintable() for one in page.replace("\n", "").replace(WORD_JOINER, ""))
            # What one of Prefect's two kinds of pages makes links of, whatever is escaped.
            assert not re.search(r"https?://|www\.|\w@\w", page.replace("https://alpha.example", "").replace("\\", ""))
        assert "<" not in shown.page.replace(">\n", "").replace("(<https://alpha.example/news/1>)", "").replace(
            "\\<", ""
        )


def test_a_maintenance_shows_what_failed() -> None:
    steps = [Step("sweep", DONE, "3 files went", seconds=0.2), Step("audit", FAILED, "it is | broken", seconds=1.0)]
    shown = of_maintain(steps, None)
    assert shown.words == "2 steps, failed: audit"
    assert "| audit | failed | it is \\| broken | 1.0 |" in shown.page
    assert of_maintain(steps[:1], STATE).words == "1 step, none failed"
    assert "Alpha Gazette" in of_maintain(steps[:1], STATE).page


def test_a_digest_shows_its_page(tmp_path: Path) -> None:
    page = tmp_path / "2026-11-22.md"
    page.write_text("# Clampdown, 22 November", "utf-8")
    files = (page, tmp_path / "x.txt")
    made = DigestReport(DigestState.MADE, date(2026, 11, 22), NOW, "daily", 3, "2 new", 2, files=files, mails=4)
    assert of_digests([made]).words == "no. 3 of 2026-11-22 made: 2 new"
    assert of_digests([made]).page == "# Clampdown, 22 November"
    page.unlink()
    assert "2 new" in of_digests([made]).page, "a page that somebody took away fails nothing"
    none = DigestReport(DigestState.NOT_DUE, date(2026, 11, 22), NOW, "desk")
    shown = of_digests([none])
    assert (shown.words, "06:00 UTC" in shown.page) == ("none is due yet", True)
    both = of_digests([none, made])
    assert both.words == "1 of 2 digests made, 4 mails"
    assert [row["subscription"] for row in both.tables["digests"]] == ["daily", "desk"]


def test_publishing_says_whether_anything_changed() -> None:
    assert of_publish(SNAPSHOT).words == "published"
    assert "nothing has changed" in of_publish(replace(SNAPSHOT, changed=False)).page


def test_the_events_of_a_run_are_those_that_it_brought(tmp_path: Path) -> None:
    publish(tmp_path, 0, told_of(1), told_of(2, "KR"))
    publish(tmp_path, 3, told_of(3, "AU"))
    with connect_snapshot(tmp_path / "published") as reader:
        runs = [run for (run,) in reader.rows("SELECT run_id FROM runs ORDER BY started_at")]
        first, second = (new_events(reader, run, 10) for run in runs)
        assert sorted(one.event.country for one in first) == ["IT", "KR"]
        assert [one.event.country for one in second] == ["AU"]
        told = second[0].telling
        assert told is not None
        assert "blocked DeepSeek" in told.quote.text
        assert told.url.startswith("https://alpha.example/")
        assert len(new_events(reader, runs[0], 1)) == 1
        assert new_events(reader, "no-run", 10) == []
    settings = Settings(data_dir=tmp_path)
    found, countries = news_of(settings, runs[1])
    assert (len(found), countries["AU"]) == (1, "Australia")
    assert news_of(Settings(data_dir=tmp_path / "nowhere"), runs[1]) == ([], {})
