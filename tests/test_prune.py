"""Retention: what goes, what stays, and that an archive that was pruned is rebuilt into the same tables."""

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from changing_site import BLOCKED, LIFTED, PLAIN, Page, Runs, paragraphs, serving
from hypothesis import given
from hypothesis import strategies as st

from flows import audit_archive, retention
from flows.audit import audit
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, House
from flows.rebuild import rebuild
from flows.retention import FEEDS, PAGES, VERSIONS, Pruned, Tools, prune, prune_after_run, prune_with
from pipeline.archive import Archive
from pipeline.errors import InputError
from pipeline.reduced import ReducedResponse, article_of, body_sha256, feed_of, reduced
from pipeline.settings import RetentionSettings, Settings
from pipeline.types import ArchiveRef, Article, DateBasis, Entry, ParsedFeed, Response, Stamp, TextOrigin
from warehouse.audit import Asked
from warehouse.reader import open_reader
from warehouse.store import open_warehouse
from warehouse.tables import refs

LATER = datetime.now(UTC) + timedelta(days=400)
ALL = RetentionSettings(feeds_days=30, pages_days=30, versions_days=30)
DEVICES = tuple(
    f"Staff of department number {number} were told to hand in what they carry, so that technicians can look at each "
    f"device and take away what the ministers no longer allow on it, floor {number} of the building first."
    for number in range(1, 5)
)
MARKET = tuple(one.replace("harbour", "market") for one in PLAIN)


class HeavyPage(Page):
    """A page as publishers make them: far more around the article than in it."""

    def html(self) -> bytes:
        around = hashlib.shake_256(self.title.encode()).hexdigest(4000)
        return super().html().replace(b"</head>", f"<script>{around}</script></head>".encode())


@pytest.fixture(scope="module")
def house(tools: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after some runs: articles that state something and that do not, changed, unchanged, and failed."""
    folder = tmp_path_factory.mktemp("house") / "data"
    with serving() as site:
        runs = Runs(tools, site, folder)
        italy = site.add("italy", HeavyPage("Italy blocks DeepSeek", BLOCKED))
        harbour = site.add("harbour", HeavyPage("The harbour is rebuilt", PLAIN))
        market = site.add("market", HeavyPage("The market opens", MARKET))
        site.add("whole", Page("The quay", PLAIN[:2], content=paragraphs(PLAIN[:5])))
        runs.run(0)
        italy.paragraphs, italy.summary = (*BLOCKED, *LIFTED), "A court has spoken."
        harbour.paragraphs, harbour.summary = (*PLAIN[:4], "The mayor was pleased."), "Updated."
        market.summary = "The same page, other words in the feed."
        runs.run(3)
        site.add("australia", Page("Australia bans DeepSeek", (LIFTED[1], *DEVICES)))
        runs.run(6)
        # What stood there at first stands there again.
        italy.summary = "What happened in short."
        runs.run(9)
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made up here is small: it is worth its while all the same."""
    monkeypatch.setattr(retention, "NOTE_BYTES", 0)


@pytest.fixture
def copy(house: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(house, tmp_path / "data", symlinks=True))


def pruned(tools: House, folder: Path, retention: RetentionSettings = ALL, *, dry_run: bool = False) -> Pruned:
    settings = tools.settings.model_copy(update={"data_dir": folder, "retention": retention})
    with open_warehouse(folder / WAREHOUSE_NAME) as warehouse:
        archive = Archive(folder / ARCHIVE_NAME)
        return prune_with(Tools(settings, warehouse, archive, tools.pool), LATER, dry_run=dry_run)


def everything(folder: Path, *, places: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, with or without their places in the archive."""
    left_out: frozenset[str] = frozenset() if places else frozenset(refs.COLUMNS)
    with open_reader(folder / WAREHOUSE_NAME) as reader:
        return {
            table: sorted(
                reader.rows(
                    "SELECT {} FROM {}".format(
                        ", ".join(f'"{name}"' for name in reader.columns(table) if name not in left_out),
                        table,
                    )
                ),
                key=repr,
            )
            for table in reader.tables()
            if table != "schema_versions"
        }


def files(folder: Path) -> dict[str, bytes]:
    archive = folder / ARCHIVE_NAME
    return {str(path.relative_to(archive)): path.read_bytes() for path in archive.rglob("*") if path.is_file()}


def test_a_pruned_archive_is_rebuilt_into_the_same_tables(tools: House, copy: Path) -> None:
    before, kept = everything(copy, places=False), files(copy)
    would = pruned(tools, copy, dry_run=True)
    assert files(copy) == kept
    done = pruned(tools, copy)
    assert (done.records, done.before, done.after) == (would.records, would.before, would.after)
    # Each run brought a feed; "harbour" and "market" state nothing, the one changed, the other was found unchanged.
    assert done.records == {FEEDS: 3, PAGES: 2, VERSIONS: 2}
    assert done.kept["a feed whose own words an event rests on"] == 0
    assert sum(map(len, files(copy).values())) < sum(map(len, kept.values()))
    assert everything(copy, places=False) == before
    settings = tools.settings.model_copy(update={"data_dir": copy})
    wrong = [check.name for check in audit(settings, deep=True).checks if not check.passed]
    assert wrong == ["snapshot", "published files"], "nothing was published of it"

    after = everything(copy)
    report = rebuild(settings, None)
    assert report.skipped == {}
    rebuilt = everything(copy)
    for table in after:
        assert rebuilt[table] == after[table], table
    # There is nothing left to do, and the next run goes on.
    assert pruned(tools, copy).records == {}


def test_what_an_event_rests_on_stays_as_it_came(tools: House, copy: Path) -> None:
    def pages(stating: str) -> dict[str, Response]:
        with open_reader(copy / WAREHOUSE_NAME) as reader:
            rows = reader.rows(
                f"SELECT article_id, {', '.join(refs.COLUMNS)} FROM articles {stating} JOIN mentions USING (article_id)"
            )
        archive = Archive(copy / ARCHIVE_NAME)
        found = ((article_id, refs.from_columns(*place)) for article_id, *place in rows)
        return {article_id: archive.read(place) for article_id, place in found if place is not None}

    before = pages("SEMI")
    assert len(before) == 2
    pruned(tools, copy)
    assert pages("SEMI") == before
    assert not any(isinstance(page, ReducedResponse) for page in before.values())
    assert sum(isinstance(page, ReducedResponse) for page in pages("ANTI").values()) == 2


def test_a_part_that_would_hardly_shrink_stays(tools: House, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "NOTE_BYTES", 1_000_000)
    kept = files(copy)
    done = pruned(tools, copy)
    assert (done.records, done.parts, done.freed) == ({}, 0, 0)
    assert done.kept["a record that is hardly larger than what was read of it"] > 0
    assert files(copy) == kept


def test_runs_prune_what_has_lately_come_of_age(tools: House, copy: Path) -> None:
    def after(days: int, retention: RetentionSettings) -> dict[str, int]:
        settings = tools.settings.model_copy(update={"data_dir": copy, "retention": retention})
        before = files(copy)
        with open_warehouse(copy / WAREHOUSE_NAME) as warehouse:
            archive = Archive(copy / ARCHIVE_NAME)
            started_at = datetime.now(UTC) + timedelta(days=days)
            prune_after_run(
                replace(tools, settings=settings, warehouse=warehouse, archive=archive, started_at=started_at)
            )
        return {name: len(data) for name, data in files(copy).items() if name not in before}

    assert after(32, RetentionSettings()) == {}
    assert after(32, RetentionSettings(pages_days=30, after_runs=False)) == {}
    assert after(40, RetentionSettings(pages_days=30)) == {}, "that was missed: `clampdown prune` looks at all"
    assert after(32, RetentionSettings(pages_days=30))


def test_only_what_is_old_goes_and_only_where_it_is_set(tools: House, copy: Path) -> None:
    assert pruned(tools, copy, RetentionSettings(pages_days=500)).records == {}
    assert pruned(tools, copy, RetentionSettings(versions_days=30)).records == {VERSIONS: 2}
    assert pruned(tools, copy, RetentionSettings(pages_days=30)).records == {PAGES: 2}
    with pytest.raises(InputError, match="everything is kept"):
        prune(Settings(data_dir=copy))


class Killed(BaseException):
    """What takes the place of a kill: nothing handles it, and nothing that was written so far is undone."""


@pytest.mark.parametrize("failpoint", ["prune.part", "prune.noted", "prune.moved", "prune.removed"])
def test_killed_pruning_leaves_everything_readable(
    tools: House, copy: Path, failpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(copy, places=False)

    def hit(name: str) -> None:
        if name == failpoint:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.archive.hit", hit)
        patched.setattr(retention, "hit", hit)
        # So that some parts are done with while others are not.
        patched.setattr(retention, "MOVES_AT_ONCE", 1)
        with pytest.raises(Killed):
            pruned(tools, copy)
    with open_reader(copy / WAREHOUSE_NAME) as reader:
        places = list(Asked(reader).places())
    archive = Archive(copy / ARCHIVE_NAME)
    assert all(archive.read(ArchiveRef(*place)).url for place in places)
    assert [check for check in audit_archive.checks(copy / ARCHIVE_NAME, None, None, None) if not check.passed] == []
    pruned(tools, copy)
    assert not archive.unfinished()
    assert everything(copy, places=False) == before


words = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
lists = st.lists(words, max_size=2).map(tuple)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
stamps = st.none() | st.builds(
    Stamp, moments | st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(DateBasis)
)
articles = st.builds(
    Article,
    canonical_url=words, url=words, source_id=words, title=words, text=words, text_origin=st.sampled_from(TextOrigin),
    published=stamps, language=st.none() | words, fetched_at=st.just(LATER), site=st.none() | words,
    authors=lists, paywalled=st.booleans(), issues=lists,
    modified=stamps, soft_404=st.booleans(), etag=st.none() | words, last_modified=st.none() | words,
)  # fmt: skip
entries = st.builds(
    Entry, words, words, words, words, words, words, words, stamps, st.none() | moments,
    lists, st.none() | words,
)  # fmt: skip
feeds = st.builds(
    ParsedFeed, words, words, st.lists(entries, max_size=3).map(tuple), lists,
    st.none() | st.floats(0, 1e6), st.none() | words, st.none() | words, st.lists(stamps, max_size=3).map(tuple),
)  # fmt: skip
CAME = Response("https://e.example/a", "https://e.example/b", 200, (("ETag", '"1"'),), b"<p>as it came</p>", LATER)


@given(articles | feeds)
def test_what_is_reduced_is_read_as_it_was(read: Article | ParsedFeed) -> None:
    less = reduced(CAME, read)
    assert (article_of(less) if isinstance(read, Article) else feed_of(less)) == read
    assert body_sha256(less) == body_sha256(CAME)
    assert (less.url, less.final_url, less.headers, less.fetched_at) == (CAME.url, CAME.final_url, CAME.headers, LATER)
