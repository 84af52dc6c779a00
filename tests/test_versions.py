"""Runs over a loopback site whose articles change, vanish, hide behind paywalls, or never needed a page."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from changing_site import BLOCKED, LIFTED, NOW, PLAIN, Page, Runs, Site, paragraphs, serving
from in_process import clampdown

from clampdown.proofs.webserver import Reply
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, House
from pipeline.archive import Archive
from pipeline.types import Outcome, RevisitOutcome
from warehouse.query import connect_snapshot, event


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as made:
        yield made


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
    second = runs.run(2, publishes=True)
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

    told = clampdown("-d", str(runs.folder), "show", before[0][0], cwd=runs.folder).stdout
    assert "version 2 of 2" in told

    archive = Archive(runs.folder / ARCHIVE_NAME)
    bodies = [response.body for _, response in archive.scan() if response.url.endswith("/italy")]
    assert len(bodies) == 2, "each version's page is kept"

    tables = runs.tables()
    third = runs.run(60)
    assert without_feeds(runs.tables()) == without_feeds(tables)
    assert not third.snapshot.changed
    assert site.asked("italy") == 2


def test_article_that_changes_back_keeps_what_it_said_in_between(runs: Runs, site: Site) -> None:
    page = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    runs.run(0)
    standing = "SELECT mention_id, learned_on FROM mentions WHERE withdrawn_on IS NULL ORDER BY ALL"
    first = runs.ask(standing)
    page.paragraphs, page.summary = (*BLOCKED, *LIFTED), "A court has spoken."
    runs.run(2)
    added = set(runs.ask(standing)) - set(first)
    assert added
    page.paragraphs, page.summary = BLOCKED, "What happened in short."
    runs.run(5)
    texts = [text for _, text in runs.versions("italy")]
    assert len(texts) == 3
    assert texts[0] == texts[2] != texts[1]
    assert runs.ask(standing) == first
    withdrawn = runs.ask("SELECT mention_id, learned_on FROM mentions WHERE withdrawn_on IS NOT NULL AND version = 2")
    assert set(withdrawn) == added
    assert ("AU",) in runs.ask("SELECT country FROM events WHERE retracted")
    assert ("IT",) in runs.ask("SELECT country FROM events WHERE NOT retracted")
    assert runs.revisits("italy") == ["changed", "changed"]


def test_a_publishers_retraction_withdraws_and_an_error_page_does_not(runs: Runs, site: Site) -> None:
    bodies = (BLOCKED, (*BLOCKED[1:], BLOCKED[0]), (BLOCKED[0], BLOCKED[2], BLOCKED[1]))
    back, broken, dated = (
        site.add(name, Page(f"Italy blocks DeepSeek, {name}", body))
        for name, body in zip(("back", "broken", "dated"), bodies, strict=True)
    )
    runs.run(0)
    before = runs.ask("SELECT count(*) FROM mentions")
    back.paragraphs = ("This article has been retracted: its source could not be verified.",)
    broken.paragraphs = ("This article is no longer available.",)
    dated.paragraphs = tuple(one.replace("on Thursday", "on Wednesday") for one in dated.paragraphs)
    for page in (back, broken, dated):
        page.summary = "Something has changed."
    runs.run(2)
    assert (runs.revisits("back"), runs.revisits("broken"), runs.revisits("dated")) == (
        ["changed"],
        ["kept"],
        ["changed"],
    )
    withdrawn = dict(
        runs.ask(
            "SELECT url, count(*) FROM mentions JOIN articles USING (article_id) WHERE withdrawn_on IS NULL GROUP BY 1"
        )
    )
    assert site.server.url("/back") not in withdrawn
    assert withdrawn[site.server.url("/broken")] > 0
    corrected = runs.ask(
        """
        SELECT old.date_quote, new.date_quote, a.event_id = b.event_id
        FROM mentions AS new JOIN mentions AS old ON new.corrects = old.mention_id
            JOIN event_mentions AS a ON a.mention_id = new.mention_id
            JOIN event_mentions AS b ON b.mention_id = old.mention_id
        """
    )
    assert ("on Thursday", "on Wednesday", True) in corrected
    assert runs.ask("SELECT count(*) FROM mentions") > before
    wrong = runs.ask(
        """
        WITH texts AS (
            SELECT article_id, version, text FROM articles
            UNION ALL SELECT article_id, version, text FROM article_versions
        )
        SELECT mention_id FROM mentions LEFT JOIN texts USING (article_id, version)
        WHERE trigger_quote IS DISTINCT FROM text[trigger_start + 1 : trigger_end]
        """
    )
    assert wrong == []


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
    calm.run(0)
    shutil.copytree(calm.folder, killed.folder, symlinks=True)
    italy.paragraphs, italy.summary, harbour.summary = (*BLOCKED, *LIFTED), "A court has spoken.", "Read by 7 people."
    calm.run(2)
    killed.run_killed(2, "store.versions")
    assert killed.ask("SELECT count(*) FROM article_versions") == [(0,)]
    killed.run(2.1)
    assert without_feeds(killed.tables()) == without_feeds(calm.tables())
    assert killed.revisits("italy") == ["changed"]
