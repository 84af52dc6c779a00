"""Rebuilding: from the archive alone comes what runs had made, and the old warehouse gives way in one step."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from archive_site import ArchiveSite, days
from changing_site import BLOCKED, LIFTED, PLAIN, Page, Runs, Site, paragraphs, serving
from conftest import ROOT
from in_process import clampdown

from clampdown.proofs.webserver import HTTPServer, Reply
from clampdown.sample_site import SampleSite
from flows.backfill import Wanted, backfill
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME, House
from flows.ingest import ingest
from flows.rebuild import RebuildReport, rebuild
from pipeline.archive import Archive
from pipeline.archive_pages import Span
from pipeline.errors import ArchiveError, InputError, WarehouseLocked
from pipeline.journal import FOLDER
from pipeline.settings import RunSettings, Settings
from pipeline.types import Source
from warehouse.compare import content
from warehouse.reader import open_reader
from warehouse.store import open_warehouse

RETRACTED = ("This article has been retracted, as its source could not be verified. We apologise to our readers.",)
CORRECTED = tuple(one.replace("on Thursday", "on Wednesday") for one in BLOCKED)
NEVER_EQUAL = {"schema_versions"}
"""Dated by the day on which the file was made. The program and model that `runs` names are the same here."""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as made:
        yield made


@pytest.fixture
def runs(tools: House, site: Site, tmp_path: Path) -> Runs:
    return Runs(tools, site, tmp_path)


@pytest.fixture(scope="module")
def busy(tools: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """A busy week. Only to be read: copy its folder to go on from it."""
    with serving() as site:
        made = Runs(tools, site, tmp_path_factory.mktemp("busy"))
        a_busy_week(made, site)
        yield made


@pytest.fixture
def week(busy: Runs, tmp_path: Path) -> Runs:
    """The busy week, to go on from."""
    shutil.copytree(busy.folder, tmp_path / "data", symlinks=True)
    return Runs(busy.tools, busy.site, tmp_path / "data")


def settings_of(runs: Runs) -> Settings:
    return runs.tools.settings.model_copy(update={"data_dir": runs.folder})


def rebuilt(runs: Runs) -> RebuildReport:
    return rebuild(settings_of(runs), [Source("site", "Site", runs.site.server.url("/feed"))])


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, clocks included."""
    with open_reader(path) as reader:
        return {
            table: sorted(reader.rows(f'FROM "{table}"'), key=repr)
            for table in reader.tables()
            if table not in NEVER_EQUAL
        }


def assert_equal(before: dict[str, list[tuple[object, ...]]], after: dict[str, list[tuple[object, ...]]]) -> None:
    assert before.keys() == after.keys()
    for table in before:
        assert after[table] == before[table], table


def a_busy_week(runs: Runs, site: Site) -> None:
    """Articles that come, change, vanish, are withdrawn and corrected; requests that fail and heal; quiet feeds."""
    italy = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED, etag='"v1"'))
    back = site.add("back", Page("Regulator in Rome acts", (*BLOCKED[1:], BLOCKED[0]), guid="back"))
    late = site.add("late", Page("Chatbot gone in Italy", (BLOCKED[0], BLOCKED[3], BLOCKED[1])))
    site.add("whole", Page("The quay", PLAIN[:2], content=paragraphs(PLAIN)))
    gone = site.add("gone", Page("The harbour is rebuilt", PLAIN, reply=Reply(404)))
    shaky = site.add("shaky", Page("The quay is rebuilt", PLAIN[::-1], reply=Reply(503)))
    runs.run(0)
    assert gone.reply is not None
    italy.paragraphs, italy.summary, italy.etag = (*BLOCKED, *LIFTED), "A court has spoken.", '"v2"'
    back.paragraphs, back.summary = RETRACTED, "Withdrawn."
    late.summary = "The same page, other words in the feed."
    shaky.reply = None
    runs.run(2)
    feed = site.server.routes["/feed"]
    site.server.routes["/feed"] = lambda _: Reply(503)
    runs.run(3)
    site.server.routes["/feed"] = feed
    runs.run(4)
    italy.paragraphs, italy.summary, italy.etag = CORRECTED, "Corrected.", '"v3"'
    late.reply, late.summary = Reply(500), "Out of order."
    runs.run(30)
    site.add("new", Page("Australia bans DeepSeek", (LIFTED[1], *PLAIN)))
    late.reply = None
    runs.run(40)


def test_rebuild_gives_what_the_runs_had_made(week: Runs) -> None:
    runs, site = week, week.site
    assert runs.ask("SELECT count(*) FROM mentions WHERE withdrawn_on IS NOT NULL")[0][0] > 0
    assert {"changed", "unchanged", "failed"} <= {one for (one,) in runs.ask("SELECT DISTINCT outcome FROM revisits")}
    before, asked = everything(runs.folder / WAREHOUSE_NAME), len(site.server.hits)
    events = runs.ask("SELECT event_id FROM events ORDER BY 1")
    report = rebuilt(runs)
    assert len(site.server.hits) == asked, "nothing is fetched"
    assert_equal(before, everything(runs.folder / WAREHOUSE_NAME))
    assert (report.runs, report.skipped, report.balance.balanced) == (6, {}, True)
    with open_reader(runs.folder / PUBLISHED_NAME / "clampdown.duckdb") as reader:
        assert reader.rows("SELECT event_id FROM events ORDER BY 1") == events
    assert report.backup is not None
    assert_equal(before, everything(report.backup))
    assert not list(runs.folder.glob(".rebuilding*"))

    # A second one finds the same, and the next run goes on from it.
    again = rebuild(settings_of(runs), None, discard=True)
    assert (again.backup, again.snapshot.changed) == (None, False)
    assert_equal(before, everything(runs.folder / WAREHOUSE_NAME))
    runs.run(41)
    assert runs.ask("SELECT event_id FROM events ORDER BY 1") == events


def test_runs_from_before_the_journal_come_first(runs: Runs, site: Site) -> None:
    page = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    site.add("harbour", Page("The harbour is rebuilt", PLAIN))
    runs.run(0)
    notes = set((runs.folder / ARCHIVE_NAME / FOLDER).glob("2*/*/*/*.json"))
    page.paragraphs, page.summary = (*BLOCKED, *LIFTED), "A court has spoken."
    runs.run(2)
    before = runs.tables()
    for note in notes:
        note.unlink()
    assert rebuilt(runs).runs == 2
    assert_equal(before, runs.tables())


def test_without_a_journal_articles_and_events_come_back(week: Runs) -> None:
    runs, site = week, week.site
    before = runs.tables()
    shutil.rmtree(runs.folder / ARCHIVE_NAME / FOLDER)
    report = rebuilt(runs)
    after = runs.tables()
    for table in ("articles", "article_versions", "mentions", "events", "event_mentions", "event_transitions"):
        assert after[table] == before[table], table
    assert len(after["entries"]) == len(before["entries"])
    # What failed for good waits again: nobody knows any more that it did.
    assert runs.ask("SELECT url FROM outcomes JOIN entries USING (entry_id) WHERE outcome = 'pending'") == [
        (site.server.url("/gone"),)
    ]
    assert report.skipped == {}


def test_killed_runs_are_rebuilt_as_they_were_continued(runs: Runs, site: Site) -> None:
    italy = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    site.add("harbour", Page("The harbour is rebuilt", PLAIN))
    runs.run_killed(0, "polls.entries")
    runs.run_killed(0.1, "store.events")
    # What the killed run read has changed before it was stored.
    italy.paragraphs = (*BLOCKED, *LIFTED)
    site.add("late", Page("The quay is rebuilt", PLAIN[::-1]))
    runs.run(0.2)
    italy.paragraphs, italy.summary = CORRECTED, "Corrected."
    runs.run_killed(3, "ingest.archived")
    runs.run(3.1)
    before = runs.tables()
    report = rebuilt(runs)
    assert_equal(before, runs.tables())
    assert report.skipped == {}


def test_entries_of_the_past_come_back(tools: House, tmp_path: Path) -> None:
    with HTTPServer() as server:
        past = ArchiveSite(server)
        past.feed("/feed", past.articles([date(2025, 5, 30)]))
        past.sitemap("/news.xml", past.articles(days(date(2025, 1, 30), 6, step=7)), news=True)
        past.index("/index.xml", {"/news.xml": None, "/gone.xml": None})
        past.robots("/index.xml")
        settings = tools.settings.model_copy(update={"data_dir": tmp_path})
        source, wanted = past.source(), Wanted(Span(date(2025, 2, 1), date(2025, 2, 28)), max_pages=3)
        for hours in (0, 1):
            with open_warehouse(tmp_path / WAREHOUSE_NAME) as warehouse:
                house = replace(
                    tools,
                    settings=settings,
                    warehouse=warehouse,
                    archive=Archive(tmp_path / ARCHIVE_NAME),
                    started_at=datetime.now(UTC) + timedelta(hours=hours),
                )
                backfill(house, [source], [source], wanted)
        asked = len(server.hits)
        before = everything(tmp_path / WAREHOUSE_NAME)
        assert len(before["entries"]) == 4
        assert len(before["backfill_pages"]) == 4
        rebuild(settings, [source])
        assert len(server.hits) == asked
        assert_equal(before, everything(tmp_path / WAREHOUSE_NAME))


def test_what_people_decided_holds(runs: Runs, site: Site) -> None:
    page = site.add("italy", Page("Italy blocks DeepSeek", (*BLOCKED, *LIFTED)))
    runs.run(0, publishes=True)
    (event, *_) = (one for (one,) in runs.ask("SELECT event_id FROM events ORDER BY first_reported, event_id"))
    folder = str(runs.folder)
    reject = ("review", "reject", event, "--reason", "a test", "--author", "tester")
    assert clampdown("-d", folder, *reject, cwd=runs.folder).returncode == 0
    page.paragraphs, page.summary = CORRECTED, "Corrected."
    runs.run(3)
    assert runs.ask("SELECT dismissed FROM events WHERE dismissed") == [(True,)]
    before = runs.tables()
    done = clampdown("-d", folder, "rebuild", cwd=runs.folder)
    assert done.returncode == 0
    assert "2 runs, 2 polls, 2 readings of entries" in done.stdout
    assert_equal(before, runs.tables())


def test_runs_and_rebuilds_keep_out_of_each_others_way(runs: Runs, site: Site) -> None:
    site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    with pytest.raises(InputError, match="no archive"):
        rebuilt(runs)
    runs.run(0)
    before = everything(runs.folder / WAREHOUSE_NAME)
    program = (
        "import sys; from pathlib import Path; from warehouse.store import open_warehouse\n"
        f"w = open_warehouse(Path({str(runs.folder / WAREHOUSE_NAME)!r})); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseLocked, match=f"process {holder.pid}"):
            rebuilt(runs)
    finally:
        holder.communicate(b"")
    assert_equal(before, everything(runs.folder / WAREHOUSE_NAME))


def test_damaged_warehouse_is_made_anew_and_a_damaged_archive_is_refused(runs: Runs, site: Site) -> None:
    site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    runs.run(0)
    warehouse = runs.folder / WAREHOUSE_NAME
    before = everything(warehouse)
    warehouse.write_bytes(b"no warehouse at all" * 1000)
    report = rebuilt(runs)
    assert_equal(before, everything(warehouse))
    assert report.backup is not None
    assert report.backup.read_bytes().startswith(b"no warehouse")

    note = next(iter(sorted((runs.folder / ARCHIVE_NAME / FOLDER).glob("2*/*/*/*.json"))))
    note.write_bytes(note.read_bytes().replace(b"direct", b"indirect"))
    with pytest.raises(ArchiveError, match="not the hash of its bytes"):
        rebuilt(runs)
    assert_equal(before, everything(warehouse))


SAMPLED = ("orrery", "saltmarsh")
"""Outlets of the sample that are read here: an agency, and a station that tells what it sends."""
CHANGED = ("orrery-italy-block", "orrery-taiwan", "orrery-texas")


def sample_run(site: SampleSite, tools: House, folder: Path, hours: float, halves: int = 1) -> None:
    """One run over some outlets of the sample, or one after the other over parts of their feeds, in smaller batches."""
    listed = [source for source in site.sources() if any(name in source.id for name in SAMPLED)]
    run = RunSettings(batch_size=100 // halves**2)
    settings = tools.settings.model_copy(update={"data_dir": folder, "run": run})
    for half in range(halves):
        with open_warehouse(folder / WAREHOUSE_NAME) as warehouse:
            house = replace(
                tools,
                settings=settings,
                warehouse=warehouse,
                archive=Archive(folder / ARCHIVE_NAME),
                started_at=datetime.now(UTC) + timedelta(hours=hours + half / 100),
            )
            ingest(house, listed[half::halves])
            # The second half knows of the whole list, as the next run would.
            warehouse.sync_sources(listed)


def told(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """The tables that tell what happened, whichever runs brought it."""
    return {name: rows for name, rows in content(folder / WAREHOUSE_NAME).items() if name != "feed_states"}


def test_sample_run_once_in_halves_twice_and_rebuilt_is_equal(tools: House, tmp_path: Path) -> None:
    once, halves = tmp_path / "once", tmp_path / "halves"
    with SampleSite(port=0) as site:
        for name in CHANGED:
            site.revise(name, published=datetime.now(UTC) - timedelta(days=1), updated=None)
        sample_run(site, tools, once, 0)
        sample_run(site, tools, halves, 0, halves=2)
        bodies = {article.id: article.body for article in site.sample.articles}
        italy, texas = bodies["orrery-italy-block"], bodies["orrery-texas"]
        now = datetime.now(UTC)
        site.revise(
            "orrery-italy-block",
            body=italy.replace("on Thursday,", "on Wednesday,"),
            summary="Corrects the day.",
            updated=now,
        )
        site.revise("orrery-taiwan", body="This article has been withdrawn.", summary="Withdrawn.", updated=now)
        site.revise("orrery-texas", body=f"Updates.\n\n{texas}", summary="Updates the story.", updated=now)
        sample_run(site, tools, once, 3)
        sample_run(site, tools, halves, 3, halves=2)
        assert_equal(told(once), told(halves))
        sample_run(site, tools, once, 5)
        assert_equal(told(once), told(halves))
    with open_reader(once / WAREHOUSE_NAME) as reader:
        assert reader.rows("SELECT count(*) FROM articles WHERE version = 2") == [(len(CHANGED),)]
        assert reader.rows("SELECT count(*) FROM mentions WHERE withdrawn_on IS NOT NULL")[0][0] >= 2
    before = everything(once / WAREHOUSE_NAME)
    settings = tools.settings.model_copy(update={"data_dir": once})
    assert rebuild(settings, None).skipped == {}
    assert_equal(before, everything(once / WAREHOUSE_NAME))
