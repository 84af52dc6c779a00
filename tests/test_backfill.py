"""Going back in time on a real site on loopback: which pages are read, which entries come, and how it is resumed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from archive_site import ArchiveSite, days

from clampdown.proofs.webserver import HTTPServer, Reply
from flows.backfill import Desk, SourceReport, Wanted, backfill, find_entries, list_entries
from flows.house import open_house
from flows.jobs import NURSERY
from flows.progress import NoProgress
from pipeline.archive import Archive
from pipeline.archive_pages import PageState, Plan, Span
from pipeline.fetch import FetchSession
from pipeline.settings import WorkerSettings
from pipeline.types import Outcome, Source
from pipeline.workers import WorkerPool
from warehouse.compare import content
from warehouse.store import Warehouse, open_warehouse

FEBRUARY = Span(date(2025, 2, 1), date(2025, 2, 28))
RUN = "run-1"


@pytest.fixture
def site() -> Iterator[ArchiveSite]:
    with HTTPServer() as server:
        yield ArchiveSite(server)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(WorkerSettings(processes=1), preload=NURSERY) as opened:
        yield opened


class Office:
    """A warehouse and what finding pages needs, without a model: it finds entries and keeps them."""

    def __init__(self, site: ArchiveSite, pool: WorkerPool, warehouse: Warehouse, session: FetchSession, root: Path):
        self.site = site
        self.warehouse = warehouse
        archive = Archive(root / "archive")
        self.desk = Desk(
            settings=site.settings(),
            session=session,
            pool=pool,
            store=warehouse,
            run_id=RUN,
            archive=lambda results: [None if isinstance(r, Exception) else archive.append([r])[0] for r in results],
        )

    def find(self, wanted: Wanted | None = None, source: Source | None = None) -> SourceReport:
        source = source or self.site.source()
        (report,) = find_entries(self.desk, [source], wanted or Wanted(FEBRUARY), NoProgress())
        return report

    def pages(self, span: Span = FEBRUARY, *, undated: bool = False) -> dict[str, PageState]:
        """Path → state, in the order in which the pages were found."""
        root = self.site.server.root
        stored = self.warehouse.backfill_pages(Plan("example", span, undated))
        return {page.url.removeprefix(root): page.state for page in stored}

    def entries(self) -> list[str]:
        """The paths of the entries that are kept, in the order of their days."""
        due = self.warehouse.pending(datetime(2030, 1, 1, tzinfo=UTC), 1000)
        return [item.entry.url.removeprefix(self.site.server.root) for item in due]


@pytest.fixture
def office(site: ArchiveSite, pool: WorkerPool, tmp_path: Path) -> Iterator[Office]:
    with (
        open_warehouse(tmp_path / "warehouse.duckdb") as warehouse,
        FetchSession(site.settings().fetch) as session,
    ):
        warehouse.sync_sources([site.source()])
        warehouse.begin_run(RUN, datetime(2025, 6, 1, tzinfo=UTC), mode="direct", model="none", version="0")
        yield Office(site, pool, warehouse, session, tmp_path)


def archive_of(site: ArchiveSite, pages: int, per_page: int = 4, *, rel: str = "prev-archive") -> dict[date, str]:
    """A feed whose archive goes back from March by `pages` pages; returns all articles, the latest first."""
    all_days = sorted(days(date(2025, 3, 5), pages * per_page, step=-3), reverse=True)
    articles = site.articles(all_days)
    for number in range(pages):
        some = {day: articles[day] for day in all_days[number * per_page : (number + 1) * per_page]}
        older = f"/archive/{number + 1}" if number + 1 < pages else None
        site.feed("/feed" if number == 0 else f"/archive/{number}", some, older, rel)
    return articles


def paths(site: ArchiveSite, articles: dict[date, str], span: Span = FEBRUARY) -> list[str]:
    wanted = sorted(day for day in articles if span.since <= day <= span.until)
    return [articles[day].removeprefix(site.server.root) for day in wanted]


@pytest.mark.parametrize("rel", ["prev-archive", "next"])
def test_a_feeds_archive_is_followed_until_a_page_lies_before_the_range(office: Office, rel: str) -> None:
    articles = archive_of(office.site, 9, rel=rel)
    report = office.find()
    assert office.entries() == paths(office.site, articles)
    # Pages of twelve days each, back from 5 March: the fourth is the first that lies in January alone.
    assert list(office.pages()) == ["/feed", "/archive/1", "/archive/2", "/archive/3"]
    assert set(office.pages().values()) == {PageState.READ}
    assert (report.entries, report.new_entries, report.problems, report.waiting) == (9, 9, (), 0)
    assert office.site.server.count("/sitemap.xml") == 0
    assert office.warehouse.ledger_balance().balanced


def test_range_borders_are_days_and_belong_to_the_range(office: Office) -> None:
    articles = archive_of(office.site, 4)
    span = Span(date(2025, 2, 9), date(2025, 2, 24))
    assert {span.since, span.until} <= articles.keys()
    office.find(Wanted(span))
    assert office.entries() == paths(office.site, articles, span)
    assert len(office.entries()) == 6


def test_finding_again_brings_nothing_and_asks_for_nothing(office: Office) -> None:
    archive_of(office.site, 5)
    first = office.find()
    asked = len(office.site.server.hits)
    again = office.find()
    assert (again.read_now, again.entries, again.new_entries) == (0, first.entries, first.new_entries)
    assert len(office.site.server.hits) == asked
    anew = office.find(Wanted(FEBRUARY, again=True))
    assert (anew.read_now, anew.entries, anew.new_entries) == (first.read_now, first.entries, 0)


def test_an_archive_that_leads_in_a_circle_ends(office: Office) -> None:
    articles = archive_of(office.site, 3)
    some = dict(list(articles.items())[8:])
    office.site.feed("/archive/2", some, "/archive/1")
    report = office.find()
    assert list(office.pages())[:3] == ["/feed", "/archive/1", "/archive/2"]
    assert report.entries == len(paths(office.site, articles))
    assert all(office.site.server.count(path) == 1 for path in ("/feed", "/archive/1", "/archive/2"))


def test_an_archive_that_repeats_itself_for_ever_ends(office: Office) -> None:
    articles = office.site.articles(days(date(2025, 2, 3), 3))
    office.site.feed("/feed", articles, "/feed?page=2", rel="next")
    for number in range(2, 30):
        office.site.feed(f"/feed?page={number}", articles, f"/feed?page={number + 1}", rel="next")
    report = office.find()
    assert [path for path in office.pages() if path.startswith("/feed")] == ["/feed", "/feed?page=2", "/feed?page=3"]
    assert report.pages[PageState.REPEATED] == 2
    assert (report.entries, report.new_entries) == (3, 3)


def test_a_gap_in_the_archive_is_told_and_sitemaps_step_in(office: Office) -> None:
    articles = archive_of(office.site, 9)
    office.site.server.routes["/archive/2"] = Reply(404)
    office.site.robots("/sitemap.xml")
    office.site.sitemap("/sitemap.xml", articles)
    report = office.find()
    assert report.pages == {PageState.READ: 3, PageState.ABSENT: 1}
    assert len(report.problems) == 1
    assert "/archive/2: " in report.problems[0]
    assert "404" in report.problems[0]
    assert sorted(office.entries()) == sorted(paths(office.site, articles))
    assert report.new_entries == len(paths(office.site, articles)) < report.entries


def test_what_failed_for_a_time_is_tried_again_by_the_next_call(office: Office) -> None:
    articles = archive_of(office.site, 9)
    route = office.site.server.routes["/archive/1"]
    office.site.server.routes["/archive/1"] = Reply(500)
    assert office.find().pages[PageState.FAILED] == 1
    assert office.site.server.count("/archive/1") == 1
    office.site.server.routes["/archive/1"] = route
    report = office.find()
    assert PageState.FAILED not in report.pages
    assert report.problems == ()
    assert sorted(office.entries()) == sorted(paths(office.site, articles))


def test_pages_of_wordpress_are_found_by_counting_until_there_is_none(office: Office) -> None:
    all_days = days(date(2025, 2, 20), 6, step=-2)
    articles = office.site.articles(all_days)
    item = "<item><title>Notice</title><link>{}</link><pubDate>{:%d %b %Y} 10:00:00 GMT</pubDate></item>"
    items = [item.format(articles[day], day) for day in all_days]
    for path, some in (("/feed", items[:3]), ("/feed?paged=2", items[3:])):
        channel = f"<generator>https://wordpress.org/?v=6.7.1</generator>{''.join(some)}"
        office.site.put(path, f"<rss version='2.0'><channel>{channel}</channel></rss>".encode(), "application/rss+xml")
    report = office.find()
    found = office.pages()
    assert [found[path] for path in ("/feed", "/feed?paged=2", "/feed?paged=3")] == [
        *(PageState.READ, PageState.READ, PageState.ABSENT)
    ]
    assert (report.entries, report.problems) == (6, ())


def sitemaps_of(site: ArchiveSite) -> dict[date, str]:
    """A feed of today and an index of sitemaps: by month, gzipped, of news, of tags, and one that is gone."""
    site.feed("/feed", site.articles([date(2025, 5, 30)]))
    articles = site.articles(days(date(2024, 12, 3), 30, step=5))
    for month in (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)):
        some = {day: url for day, url in articles.items() if (day.year, day.month) == (month.year, month.month)}
        site.sitemap(f"/sitemap-{month:%Y-%m}.xml.gz", some)
    site.sitemap("/news.xml", {day: url for day, url in articles.items() if day.month == 2 and day.day > 5}, news=True)
    site.index(
        "/index.xml",
        {
            "/sitemap-2024-12.xml.gz": None,
            "/sitemap-2025-01.xml.gz": None,
            "/sitemap-2025-02.xml.gz": "2025-05-30",
            "/sitemap-2025-03.xml.gz": None,
            "/sitemap-2025-04.xml.gz": None,
            "/gone.xml": None,
            "/old.xml": "2024-06-01",
            "/post_tag-sitemap.xml": "2025-05-30",
            "/news.xml": None,
        },
    )
    site.robots("/index.xml")
    return articles


def test_sitemaps_are_chosen_and_read_where_the_feed_does_not_reach(office: Office) -> None:
    articles = sitemaps_of(office.site)
    report = office.find()
    assert office.pages() == {
        "/feed": PageState.READ,
        "/index.xml": PageState.READ,
        "/sitemap-2025-01.xml.gz": PageState.READ,
        "/sitemap-2025-02.xml.gz": PageState.READ,
        "/sitemap-2025-03.xml.gz": PageState.READ,
        "/gone.xml": PageState.ABSENT,
        "/news.xml": PageState.READ,
    }
    assert sorted(office.entries()) == sorted(paths(office.site, articles))
    # The news sitemap names the same articles again.
    assert (report.entries, report.new_entries) == (11, 6)
    assert [problem.rpartition("/")[2].partition(":")[0] for problem in report.problems] == ["gone.xml"]


def test_usual_addresses_are_tried_where_robots_names_no_sitemap(office: Office) -> None:
    office.site.feed("/feed", {})
    articles = office.site.articles([date(2025, 2, 3)])
    office.site.sitemap("/sitemap_index.xml", articles, news=True)
    office.site.put("/sitemap.xml", b"<!doctype html><title>Not found</title>", "text/html")
    report = office.find()
    assert office.pages() == {
        "/feed": PageState.READ,
        "/sitemap.xml": PageState.ABSENT,
        "/sitemap_index.xml": PageState.READ,
        "/news-sitemap.xml": PageState.ABSENT,
    }
    assert report.problems == ()
    (due,) = office.warehouse.pending(datetime(2030, 1, 1, tzinfo=UTC), 10)
    assert (due.entry.title, due.entry.language) == ("Notice 2025-02-03", "en")
    assert due.entry.published is not None
    assert due.entry.published.day == date(2025, 2, 3)


def test_a_sitemap_that_is_named_is_read_in_place_of_the_others(office: Office) -> None:
    sitemaps_of(office.site)
    office.find(Wanted(FEBRUARY, sitemaps=(office.site.server.url("/news.xml"),)))
    assert list(office.pages()) == ["/feed", "/news.xml"]
    assert len(office.entries()) == 5


def test_a_site_that_forbids_its_sitemaps_to_robots_is_left_alone(office: Office) -> None:
    sitemaps_of(office.site)
    office.site.server.routes["/robots.txt"] = Reply(
        body=f"User-agent: *\nDisallow: /index.xml\nSitemap: {office.site.server.url('/index.xml')}\n".encode()
    )
    report = office.find()
    assert office.site.server.count("/index.xml") == 0
    assert report.pages[PageState.FAILED] == 1
    assert "robots.txt forbids" in report.problems[0]


def test_the_cap_on_pages_stops_and_the_next_call_goes_on(office: Office) -> None:
    articles = sitemaps_of(office.site)
    wanted = Wanted(FEBRUARY, max_pages=3)
    first = office.find(wanted)
    assert (first.read_now, first.waiting) == (3, 4)
    assert 0 < len(office.site.server.pages) <= 3
    second = office.find(wanted)
    third = office.find(wanted)
    assert (second.read_now, second.waiting, third.read_now, third.waiting) == (3, 1, 1, 0)
    assert sorted(office.entries()) == sorted(paths(office.site, articles))


def test_entries_without_dates_come_when_they_are_asked_for(office: Office) -> None:
    urls = list(office.site.articles([date(2025, 2, 3), date(2025, 2, 4)]).values())
    office.site.feed("/feed", {})
    office.site.robots("/plain.txt")
    office.site.put("/plain.txt", "\n".join(urls).encode())
    assert office.find().undated == 2
    assert office.entries() == []
    assert office.find(Wanted(FEBRUARY, undated=True)).new_entries == 2


def test_entries_that_a_feed_has_brought_stay_as_they_are(office: Office) -> None:
    """A sitemap knows an article by its address alone; the feed's entry for it has a GUID, a title and a time."""
    articles = archive_of(office.site, 9)
    office.find()
    before = office.warehouse.pending(datetime(2030, 1, 1, tzinfo=UTC), 1000)
    office.site.sitemap("/sitemap.xml", articles)
    wider = Span(date(2025, 1, 30), date(2025, 2, 28))
    report = office.find(Wanted(wider, sitemaps=(office.site.server.url("/sitemap.xml"),)))
    assert report.new_entries == 1
    after = office.warehouse.pending(datetime(2030, 1, 1, tzinfo=UTC), 1000)
    assert [item for item in after if item.entry.published and item.entry.published.day >= FEBRUARY.since] == before


def test_listing_stores_nothing(site: ArchiveSite) -> None:
    articles = sitemaps_of(site)
    (report,), entries = list_entries(site.settings(), [site.source()], Wanted(FEBRUARY))
    assert sorted(entry.url for entry in entries) == sorted(site.server.url(path) for path in paths(site, articles))
    assert (report.entries, report.new_entries) == (11, 6)
    assert not any(hit.target.startswith("/news/") for hit in site.server.hits)


def test_a_backfill_ends_in_articles_and_events_and_a_second_one_changes_nothing(
    site: ArchiveSite, tmp_path: Path
) -> None:
    articles = archive_of(site, 9)
    missing = paths(site, articles)[0]
    site.server.routes[missing] = Reply(404)
    settings = site.settings(data_dir=tmp_path)
    source = site.source()
    with open_house(settings) as house:
        report = backfill(house, [source], [source], Wanted(FEBRUARY))
        balance = house.warehouse.ledger_balance()
    assert report.sources[0].new_entries == 9
    assert balance.balanced
    assert balance.outcomes[Outcome.EVENTS] >= 1
    assert balance.outcomes[Outcome.NOT_FOUND] == 1
    assert sum(balance.outcomes.values()) == balance.discovered == 9
    assert report.snapshot.changed
    before = content(tmp_path / "warehouse.duckdb")
    with open_house(settings) as house:
        again = backfill(house, [source], [source], Wanted(FEBRUARY))
    assert again.summary.discovered == 0
    assert not again.snapshot.changed
    assert content(tmp_path / "warehouse.duckdb") == before
