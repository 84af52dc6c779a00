"""What a backfill does with a page: which entries it takes, and where it goes on."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive_pages import PageKind, PageState, Plan, Span
from pipeline.backfilling import (
    ArchiveJob,
    When,
    choose_sitemaps,
    first_sitemaps,
    next_of_wordpress,
    read_archive_page,
    sites_of,
    when,
)
from pipeline.errors import ParseError
from pipeline.sitemaps import SitemapLink
from pipeline.types import DateBasis, Source, Stamp

FEBRUARY = Span(date(2025, 2, 1), date(2025, 2, 28))
HOME = "https://example.com/"


def job(body: str, *, kind: PageKind = PageKind.FEED, undated: bool = False, url: str = f"{HOME}feed") -> ArchiveJob:
    return ArchiveJob(
        body=body.encode(),
        url=url,
        content_type=None,
        now=datetime(2025, 6, 1, tzinfo=UTC),
        kind=kind,
        plan=Plan("example", FEBRUARY, undated),
        sites=frozenset({"example.com"}),
    )


def atom(*days: str, links: str = "") -> str:
    entries = "".join(
        f"<entry><id>{day}</id><title>{day}</title><link href='{HOME}{number}'/><published>{day}</published></entry>"
        for number, day in enumerate(days)
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Example</title>{links}{entries}</feed>"


@pytest.mark.parametrize(
    ("stamp", "place"),
    [
        (date(2025, 1, 31), When.BEFORE),
        (date(2025, 2, 1), When.WITHIN),
        (datetime(2025, 2, 28, 23, 59, 59, tzinfo=UTC), When.WITHIN),
        (datetime(2025, 3, 1, tzinfo=UTC), When.AFTER),
        (None, When.UNKNOWN),
    ],
)
def test_both_ends_of_the_range_belong_to_it(stamp: datetime | date | None, place: When) -> None:
    assert when(f"{HOME}a", stamp and Stamp(stamp, DateBasis.FEED), FEBRUARY) is place


def test_the_day_in_an_address_counts_where_none_is_stated_and_lastmod_only_after_it() -> None:
    assert when(f"{HOME}2025/02/03/a", None, FEBRUARY) is When.WITHIN
    assert when(f"{HOME}2025/02/03/a", Stamp(date(2025, 3, 3), DateBasis.FEED), FEBRUARY) is When.AFTER
    # Corrected in May, published in February.
    assert when(f"{HOME}2025/02/03/a", None, FEBRUARY, date(2025, 5, 1)) is When.WITHIN
    assert when(f"{HOME}a", None, FEBRUARY, date(2025, 2, 3)) is When.WITHIN
    assert when(f"{HOME}a", None, FEBRUARY, date(2025, 1, 3)) is When.BEFORE
    # Last changed in May: it may be of February, and it may not.
    assert when(f"{HOME}a", None, FEBRUARY, datetime(2025, 5, 1, tzinfo=UTC)) is When.UNKNOWN


def links(*names: str) -> tuple[SitemapLink, ...]:
    return tuple(SitemapLink(HOME + name) for name in names)


def chosen(*names: str) -> list[str]:
    return [link.url.removeprefix(HOME) for link in choose_sitemaps(links(*names), FEBRUARY)]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("s-2024-12.xml", "s-2025-01.xml", "s-2025-02.xml", "s-2025-03.xml", "s-2025-04.xml"), [1, 2, 3]),
        (("202412.xml", "202501.xml", "202502.xml.gz", "202504.xml"), [1, 2]),
        (("2024/11/s.xml", "2025/02/s.xml", "2025/05/s.xml"), [1]),
        (("2025/jan/a", "2025/feb/a", "2025-february", "2025-may", "2025/mayor"), [0, 1, 2, 4]),
        (("s-2025-02-27.xml", "s-2025-03-01.xml", "s-2025-03-02.xml", "s-20250131.xml", "s-20250130.xml"), [0, 1, 3]),
        (("s.xml?yyyy=2025&mm=02&dd=07", "s.xml?yyyy=2025&mm=04&dd=07"), [0]),
        (("s_2025-01-01_2025-01-31", "s_2025-01-15_2025-02-15", "s_2025-03-15_2025-04-15"), [0, 1]),
        (("2023.xml", "2024.xml", "2025.xml", "sitemap-news.xml"), [2, 3]),
        # Not months but parts of a year: a year has no thirteenth month.
        (("s-2025-01.xml", "s-2025-07.xml", "s-2025-13.xml", "s-2024-01.xml"), [0, 1, 2]),
        # Not years but numbers.
        (("s-1.xml", "s-1999.xml", "s-2024.xml", "s-2100.xml"), [0, 1, 2, 3]),
        (("s-2025-02-30.xml", "s-2025-05-30.xml"), [0]),
        (("post-sitemap.xml", "category-sitemap.xml", "author-sitemap2.xml", "post_tag-sitemap.xml"), [0]),
        (("wp-sitemap-posts-post-1.xml", "wp-sitemap-posts-page-1.xml", "wp-sitemap-users-1.xml"), [0]),
        (("archive/12345678.xml", "a202502b.xml", "video/sitemap.xml"), [0, 1, 2]),
    ],
)
def test_sitemaps_are_chosen_by_the_days_in_their_names(names: tuple[str, ...], wanted: list[int]) -> None:
    assert chosen(*names) == [names[index] for index in wanted]


def test_sitemaps_that_were_last_changed_before_the_range_are_left_out() -> None:
    named = (
        SitemapLink(f"{HOME}a", date(2025, 1, 30)),
        SitemapLink(f"{HOME}b", datetime(2025, 1, 31, 20, tzinfo=UTC)),  # already February east of Greenwich
        SitemapLink(f"{HOME}c", date(2025, 5, 1)),
        SitemapLink(f"{HOME}d"),
    )
    assert [link.url[-1] for link in choose_sitemaps(named, FEBRUARY)] == ["b", "c", "d"]


@given(st.lists(st.text("s20-1/.&=?yfebmar3", max_size=14), max_size=6))
def test_no_names_break_the_choice(names: list[str]) -> None:
    found = links(*names)
    assert set(choose_sitemaps(found, FEBRUARY)) <= set(found)


def test_the_next_page_of_wordpress() -> None:
    assert next_of_wordpress("https://a.example/feed/") == "https://a.example/feed/?paged=2"
    assert next_of_wordpress("https://a.example/?feed=rss2&paged=9") == "https://a.example/?feed=rss2&paged=10"


def test_a_source_is_of_the_sites_of_its_feed_and_its_home_page() -> None:
    source = Source("bbc", "BBC", "https://feeds.bbci.co.uk/news/rss.xml", homepage="https://www.bbc.com/news")
    assert sites_of(source) == {"bbci.co.uk", "bbc.com"}
    guessed = first_sitemaps(source, [])
    assert [page.url for page in guessed] == [
        "https://www.bbc.com/sitemap.xml",
        "https://www.bbc.com/sitemap_index.xml",
        "https://www.bbc.com/news-sitemap.xml",
    ]
    assert all(page.guessed for page in guessed)
    named = first_sitemaps(source, ["https://www.bbc.com/a.xml", "https://www.bbc.com/a.xml"])
    assert [(page.url, page.guessed) for page in named] == [("https://www.bbc.com/a.xml", False)]


def test_an_archive_page_names_the_next_older_one_until_all_is_too_old() -> None:
    older = "<link rel='prev-archive' href='/archive/2'/>"
    found = read_archive_page(job(atom("2025-03-02", "2025-02-03", "2025-01-04", links=older)))
    assert [item.guid for item in found.entries] == ["2025-02-03"]
    assert [(page.url, page.kind, page.guessed) for page in found.found] == [(f"{HOME}archive/2", PageKind.FEED, False)]
    assert (found.page.state, found.page.listed, found.page.entries) == (PageState.READ, 3, 1)
    paged = "<link rel='next' href='?page=2'/>"
    assert read_archive_page(job(atom("2025-02-03", links=paged))).found[0].url == f"{HOME}feed?page=2"
    old = read_archive_page(job(atom("2025-01-02", "2024-02-03", links=older)))
    assert old.page.before
    assert old.found == ()
    # A page without any dates may lie anywhere: the way goes on.
    assert read_archive_page(job(atom("some day", links=older))).found


def test_a_feed_of_wordpress_has_pages_that_it_does_not_name() -> None:
    item = f"<item><title>T</title><link>{HOME}a</link><pubDate>Mon, 03 Feb 2025 10:00:00 GMT</pubDate></item>"
    made = "<generator>https://wordpress.org/?v=6.7</generator>"
    feed = f"<rss version='2.0'><channel><title>E</title>{made}{item}</channel></rss>"
    (page,) = read_archive_page(job(feed)).found
    assert (page.url, page.guessed) == (f"{HOME}feed?paged=2", True)
    assert read_archive_page(job(feed.replace(made, ""))).found == ()
    assert read_archive_page(job(feed.replace(item, ""))).found == ()


def test_entries_without_dates_are_counted_or_taken() -> None:
    feed = atom("2025-02-03", "some day", "2025-05-01")
    left = read_archive_page(job(feed)).page
    assert (left.listed, left.entries, left.undated) == (3, 1, 1)
    taken = read_archive_page(job(feed, undated=True))
    assert (taken.page.entries, taken.page.undated) == (2, 0)
    assert {item.guid for item in taken.entries} == {"2025-02-03", "some day"}


def test_pages_of_a_sitemap_are_of_the_sources_own_site_and_of_the_range() -> None:
    urls = (
        (f"{HOME}2025/02/03/a", ""),
        (f"{HOME}b", "<lastmod>2025-02-05</lastmod>"),
        (f"{HOME}c", "<lastmod>2025-01-05</lastmod>"),
        ("https://cdn.example.net/2025/02/03/d", ""),
        (HOME, "<lastmod>2025-02-05</lastmod>"),
    )
    body = "".join(f"<url><loc>{url}</loc>{more}</url>" for url, more in urls)
    for place in (f"{HOME}sitemap.xml", "https://cdn.example.net/example.xml"):
        found = read_archive_page(job(f"<urlset>{body}</urlset>", kind=PageKind.SITEMAP, url=place))
        assert [item.url for item in found.entries] == [f"{HOME}2025/02/03/a", f"{HOME}b"]


def test_what_robots_names_may_be_a_feed_and_what_is_polled_a_sitemap() -> None:
    body = f"<urlset><url><loc>{HOME}2025/02/03/a</loc></url></urlset>"
    assert read_archive_page(job(body, kind=PageKind.FEED)).page.entries == 1
    assert read_archive_page(job(atom("2025-02-03"), kind=PageKind.SITEMAP)).page.entries == 1
    with pytest.raises(ParseError, match="no sitemap"):
        read_archive_page(job("<html><body>Not found</body></html>", kind=PageKind.SITEMAP))
    with pytest.raises(ParseError, match="no feed"):
        read_archive_page(job("<html><body>Not found</body></html>", kind=PageKind.FEED))
    empty = read_archive_page(job("<sitemapindex></sitemapindex>", kind=PageKind.SITEMAP))
    assert (empty.page.listed, empty.page.digest) == (0, None)
