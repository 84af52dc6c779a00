"""What pages state of themselves, rule by rule on pages of our own, and measured on real ones."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cost import cost
from lxml.html import HtmlElement, document_fromstring

from pipeline import datelines
from pipeline.metadata import PageMetadata, date_in_words, read_metadata
from pipeline.nearby import Line

HEADLINE = "Ministry bars the assistant from office computers"
TEXT = "The ministry said that it had cut access to the assistant from all of its office computers. " * 4
NOON = datetime(2025, 2, 6, 12, tzinfo=UTC)


def page(head: str = "", body: str = "", *, html: str = '<html lang="en">') -> HtmlElement:
    """A page; `body` stands where the headline does."""
    return document_fromstring(f"<!DOCTYPE html>{html}<head>{head}</head><body>{body}</body></html>")


def read(head: str = "", after: str = "", *, before: str = "", html: str = '<html lang="en">') -> PageMetadata:
    """What is read of a page with a headline, `before` and `after` it, and an article."""
    body = f"<article>{before}<h1>{HEADLINE}</h1>{after}<p>{TEXT}</p></article>"
    return read_metadata(page(f"<title>{HEADLINE}</title>{head}", body, html=html))


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


def article(**stated: str) -> str:
    pairs = "".join(f', "{key}": {value}' for key, value in stated.items())
    return ld(f'{{"@type": "NewsArticle"{pairs}}}')


# --- headlines


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        # The shown heading wins over its trimmed and extended forms in the head.
        (f"<title>{HEADLINE} | Example Wire</title>", f"<h1>{HEADLINE}</h1>", HEADLINE),
        (f"<title>{HEADLINE[:40]}…</title>", f"<h1><span>Ministry bars</span>{HEADLINE[13:]}</h1>", HEADLINE),
        # Headings of the site, of sections and of dialogs aren't the article's.
        (
            f'<title>{HEADLINE} - The Wire</title><meta property="og:site_name" content="The Wire">',
            f"<h1>The Wire</h1><h1>{HEADLINE}</h1><h1>Create a new password</h1>",
            HEADLINE,
        ),
        (f"<title>{HEADLINE} - News</title>", f"<h1>Ministry</h1><h1>{HEADLINE}</h1>", HEADLINE),
        # Titles for search engines are worded otherwise: what readers see counts, if it's on the same subject …
        (
            "<title>Assistant ban: why the ministry did it</title>",
            '<h1 class="article__hed">How a ministry took the assistant away</h1><h1>Sign in</h1>',
            "How a ministry took the assistant away",
        ),
        ("<title>Assistant banned by ministry</title>", f"<h1>{HEADLINE}</h1>", HEADLINE),
        # … and not if it is another article's.
        (
            f"<title>{HEADLINE}</title>",
            '<h1 class="headline">Why reindeer run</h1><h2>Something</h2>',
            HEADLINE,
        ),
        # Without a heading, the part of a stated title that the page shows, which leaves the site's name out.
        (f"<title>{HEADLINE} - Wire</title>", f"<h1>News</h1><div><b>{HEADLINE}</b></div>", HEADLINE),
        (
            '<title>Wire</title><meta property="og:title" content="A ban | and its cost | Wire">',
            "<h2>A ban | and its cost</h2>",
            "A ban | and its cost",
        ),
        # Nothing shows it: the stated title, without the site's own name only.
        (
            '<meta property="og:title" content="A ban – and its cost – Wire"><meta name="publisher" content="Wire">',
            "",
            "A ban – and its cost",
        ),
        ("", "<h1>One heading</h1>", "One heading"),
        ("", "<h1>One</h1><h1>Two</h1>", None),
        ("", "", None),
        # An icon's title is not the page's.
        ("", "<svg><title>Menu</title></svg><h1>A ban</h1>", "A ban"),
        # Bars that stick to the window repeat the headline.
        (f"<title>{HEADLINE}</title>", f"<h1>{HEADLINE}</h1><p>Menu</p><h1>{HEADLINE}</h1>", HEADLINE),
    ],
)
def test_headlines(head: str, body: str, title: str | None) -> None:
    assert read_metadata(page(head, body)).title == title


def test_the_feed_tells_which_heading_is_the_articles() -> None:
    body = f"<h1>Another story of the day</h1><h1>{HEADLINE}</h1>"
    assert read_metadata(page("<title>Wire</title>", body), feed_title=HEADLINE.upper()).title == HEADLINE


def test_a_heading_that_never_ends_is_cut() -> None:
    body = "<h1>" + "<b>word</b> " * 50_000
    with cost() as spent:
        title = read_metadata(page("", body)).title
        assert title is not None
        assert len(title) <= 400
    assert spent.seconds < 2


# --- the site


@pytest.mark.parametrize(
    ("head", "site"),
    [
        ('<meta property="og:site_name" content="Example Wire">', "Example Wire"),
        ('<meta name="publisher" content="@wire">', "wire"),
        ('<meta property="og:site_name" content="https://wire.example"><meta name="publisher" content="Wire">', "Wire"),
        (article(publisher='{"name": "Example Wire"}'), "Example Wire"),
        # What <title> has beside the headline.
        (f"<title>{HEADLINE} | World | Example Wire</title>", "Example Wire"),
        (f"<title>Opinion | {HEADLINE} - Example Wire</title>", "Example Wire"),
        (f"<title>Example Wire: {HEADLINE}</title>", "Example Wire"),
        # Or what spells the page's own host, where the headline is worded otherwise.
        (
            "<title>Assistant barred by ministry - Example Wire</title>"
            '<meta property="og:url" content="https://www.examplewire.com/5">',
            "Example Wire",
        ),
        ("<title>Assistant barred by ministry - and why</title>", None),
        (f"<title>{HEADLINE}</title>", None),
    ],
)
def test_sites(head: str, site: str | None) -> None:
    body = f"<h1>{HEADLINE}</h1><p>{TEXT}</p>"
    assert read_metadata(page(head, body)).site == site


# --- publication


@pytest.mark.parametrize(
    ("head", "after", "published"),
    [
        (article(datePublished='"2025-02-06T13:00:00+01:00"'), "", NOON),
        (ld('{"@graph": [{"@type": "WebPage"}, {"@type": ["X", "Article"], "datePublished": "2025-02-06"}]}'), "",
         date(2025, 2, 6)),
        # The page's own object gives the time where the article's gives the day, or where there is no article.
        (
            article(datePublished='"2025-02-06"') + ld('{"@type": "WebPage", "datePublished": "2025-02-06T12:00:00Z"}'),
            "",
            NOON,
        ),
        (ld('{"@type": "MedicalWebPage", "datePublished": "2025-02-06T12:00:00Z"}'), "", NOON),
        (ld('{"@type": "Recipe", "datePublished": "2025-02-06T12:00:00Z"}'), "", None),
        # Of several articles, the one with the page's headline.
        (
            article(headline='"Another ban"', datePublished='"2025-02-01"')
            + article(headline=f'"{HEADLINE}"', datePublished='"2025-02-06T12:00:00Z"'),
            "",
            NOON,
        ),
        # Broken JSON is searched.
        (ld('{"@type": "NewsArticle", "headline": "A "ban"", "datePublished": "2025-02-06T12:00:00Z"}'), "", NOON),
        ('<meta property="article:published_time" content="2025-02-06T12:00:00Z">', "", NOON),
        ('<meta name="DC.date.issued" content="20250206">', "", date(2025, 2, 6)),
        ('<meta name="pubdate" content="Thu Feb 06 12:00:00 UTC 2025">', "", NOON),
        # What programs write when they know nothing is no date.
        (article(datePublished='"0001-01-01T00:00:00Z"'), '<time datetime="2025-02-06T12:00:00Z">then</time>', NOON),
        # Times near the headline, the publication's before the change's; comments and other articles don't count.
        ("", '<p><time datetime="2025-02-06T12:00:00Z">6 Feb</time></p>', NOON),
        ("", '<time class="updated" datetime="2025-02-07T12:00:00Z">7</time>'
             '<time datetime="2025-02-06T12:00Z">6</time>', NOON),
        ("", '<time class="updated" datetime="2025-02-06T12:00:00Z">6 Feb</time>', NOON),
        ("", '<div class="comments"><time datetime="2024-02-06T12:00:00Z">x</time></div>'
             '<time datetime="2025-02-06T12:00:00Z">y</time>', NOON),
        ("", '<span itemprop="datePublished" content="2025-02-06T12:00:00Z">today</span>', NOON),
        ("", '<span itemprop="datePublished">Thursday, 6 February 2025</span>', date(2025, 2, 6)),
        # Times far from the headline: the one that is marked, or the only one.
        ("", f'<p>{TEXT}</p><time datetime="2024-01-01">x</time>'
             '<time class="publish" datetime="2025-02-06">y</time>', date(2025, 2, 6)),
        ("", f'<p>{TEXT}</p><time datetime="2025-02-06T12:00Z">x</time>', NOON),
        ("", f'<p>{TEXT}</p><time datetime="2025-02-06">x</time><time datetime="2025-02-05">y</time>', None),
        # Relative words are no date: they count from a reading that nobody knows.
        ("", "<time>2 hours ago</time>", None),
        ("", '<meta name="date" content="yesterday">', None),
    ],
)  # fmt: skip
def test_publication(head: str, after: str, published: datetime | date | None) -> None:
    assert read(head, after).published == published


@pytest.mark.parametrize(
    ("shown", "published"),
    [
        # 7:00 in New York is noon in UTC: the script wrote the local clock with the mark of UTC.
        ("6 Feb 2025, 7:00 am EST", NOON.replace(second=9)),
        ("6 Feb 2025, 7:00 am", NOON.replace(hour=7, second=9)),
        # Other gaps are other statements, such as a later version.
        ("6 Feb 2025, 7:04 am EST", NOON.replace(hour=7, second=9)),
        ("8 Feb 2025, 7:00 am EST", NOON.replace(hour=7, second=9)),
        ("Updated 6 Feb 2025, 8:00 am EST", NOON.replace(hour=7, second=9)),
    ],
)
def test_the_shown_clock_mends_a_wrong_zone(shown: str, published: datetime) -> None:
    stated = article(datePublished='"2025-02-06T07:00:09Z"', dateModified='"2025-02-06T08:30:00Z"')
    found = read(stated, f"<p>{shown}</p>")
    assert found.published == published
    assert isinstance(found.modified, datetime)
    assert found.modified - published == timedelta(hours=1, minutes=29, seconds=51)


@pytest.mark.parametrize(
    ("html", "published"),
    [
        ('<html lang="pt-BR">', date(2025, 2, 3)),
        ('<html lang="de">', date(2025, 2, 3)),
        ('<html lang="en-GB">', date(2025, 2, 3)),
        # Software writes "en-US" everywhere, and half the world writes English.
        ('<html lang="en-US">', None),
        ('<html lang="en">', None),
        ('<html lang="ja">', None),
        ("<html>", None),
    ],
)
def test_the_order_of_figures_is_the_languages(html: str, published: date | None) -> None:
    assert read('<meta name="date" content="03/02/2025">', html=html).published == published


# --- change


@pytest.mark.parametrize(
    ("head", "after", "modified"),
    [
        (article(datePublished='"2025-02-06T12:00Z"', dateModified='"2025-02-07T12:00Z"'), "",
         datetime(2025, 2, 7, 12, tzinfo=UTC)),
        ('<meta name="date" content="2025-02-06"><meta property="og:updated_time" content="2025-02-08T01:00:00Z">', "",
         datetime(2025, 2, 8, 1, tzinfo=UTC)),
        ('<meta name="date" content="2025-02-06">', "<p>Updated: 7 February 2025</p>", date(2025, 2, 7)),
        ('<meta name="date" content="2025-02-06">', '<time class="updated" datetime="2025-02-07">x</time>',
         date(2025, 2, 7)),
        # The first one that is later counts: some scripts repeat the publication.
        (article(datePublished='"2025-02-06T12:00Z"', dateModified='"2025-02-06T12:00Z"')
         + '<meta property="article:modified_time" content="2025-02-06T12:30Z">', "",
         datetime(2025, 2, 6, 12, 30, tzinfo=UTC)),
        # Never before the publication, never the same.
        (article(datePublished='"2025-02-06T12:00Z"', dateModified='"2025-02-06T12:00Z"'), "", None),
        (article(datePublished='"2025-02-06T12:00Z"', dateModified='"2025-02-05T12:00Z"'), "", None),
        (article(datePublished='"2025-02-06"', dateModified='"2025-02-06T18:00Z"'), "", None),
        # "Never", as some scripts write it, moves nothing.
        (article(datePublished='"2025-02-06T12:00Z"', dateModified='"9999-12-31T23:59Z"'),
         "<p>Published 6 Feb 2025, 4:00 EST</p>", datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
        # Of a page without a date of publication, no change can be told.
        (article(dateModified='"2025-02-06"'), "", None),
    ],
)  # fmt: skip
def test_change(head: str, after: str, modified: datetime | date | None) -> None:
    assert read(head, after).modified == modified


# --- dates in words


@pytest.mark.parametrize(
    ("after", "value"),
    [
        ("<p>Published 6 Feb 2025, 12:00 GMT | Updated 7 Feb 2025</p>", NOON),
        ("<p>Updated 7 Feb 2025 | Posted 6 Feb 2025</p>", date(2025, 2, 6)),
        ("<div>Published 7:00 AM EST Feb 6, 2025</div>", NOON),
        ("<div>By <a>Ann Lee</a> on <b>Thursday</b>, February 6th, 2025 at 11:04 a.m.</div>", date(2025, 2, 6)),
        ("<p>Von Ann Lee publiziert am 6. Februar 2025</p>", date(2025, 2, 6)),
        ("<p>6 de fevereiro de 2025 às 20:13</p>", date(2025, 2, 6)),
        ("<p>06/02/2025 - Publicado por: Ann Lee</p>", None),
        ("<p>26/02/2025 - Publicado por: Ann Lee</p>", date(2025, 2, 26)),
        ("<p>6 февраля 2025</p>", date(2025, 2, 6)),
        ("<p>입력 2025-02-06 15:24</p>", date(2025, 2, 6)),
        ("<p>2025年2月6日</p>", date(2025, 2, 6)),
        # Bare text beside an element, as old pages have it.
        ("<hr>Printed: [ 2025.02.06 ]<hr>", date(2025, 2, 6)),
        ("<p>Mon 6 Feb 2025 12.00 GMT</p>", NOON),
        # Neither impossible days are dates, nor words that count from the reading.
        ("<p>Published 31 February 2025</p>", None),
        ("<p>2 days ago</p>", None),
    ],
)
def test_dates_in_words(after: str, value: datetime | date | None) -> None:
    body = f"<article><h1>{HEADLINE}</h1>{after}<p>{TEXT}</p></article>"
    assert date_in_words(page(f"<title>{HEADLINE}</title>", body)) == value


def test_a_sentence_that_names_a_day_is_no_dateline() -> None:
    sentence = "The club, sacked by its owners in 2018, has since 6 February 2025 been led by a new manager."
    assert datelines.worded([Line(sentence)]) == datelines.Dates()
    assert datelines.worded([Line(sentence, date=True)]).published == date(2025, 2, 6)


def test_a_date_may_stand_above_the_headline() -> None:
    body = f"<main><ul><li>News</li></ul><p>6 February 2025</p><h1>{HEADLINE}</h1><p>{TEXT}</p></main>"
    assert date_in_words(page(f"<title>{HEADLINE}</title>", body)) == date(2025, 2, 6)


# --- authors


@pytest.mark.parametrize(
    ("head", "after", "authors"),
    [
        (article(author='{"name": "Ann Lee"}'), "", ("Ann Lee",)),
        (article(author='[{"name": "Ann Lee"}, {"name": "Bo Ek"}]'), "", ("Ann Lee", "Bo Ek")),
        (article(author='"By ANN LEE and BO EK, Example Press"'), "", ("ANN LEE", "BO EK")),
        (article(author='{"name": "Ann Lee, MD, PhD"}'), "", ("Ann Lee",)),
        (article(author='{"name": "Analysis by Ann Lee, Wire editor-at-large"}'), "", ("Ann Lee",)),
        (article(author='{"name": "Di Stefano"}'), "", ("Di Stefano",)),
        (article(author='{"name": "Bruce Y. Lee"}'), "", ("Bruce Y. Lee",)),
        ('<meta name="author" content="Ann Lee; Bo Ek">', "", ("Ann Lee", "Bo Ek")),
        ('<meta property="article:author" content="https://social.example/ann">', "", ()),
        # The byline under the headline, in many shapes.
        ("", "<p>By <a>Ann Lee</a> and <a>Bo Ek</a></p>", ("Ann Lee", "Bo Ek")),
        ("", '<div class="byline"><span>Ann Lee</span><span>Staff Writer</span></div>', ("Ann Lee",)),
        ("", "<p>By</p><p>Ann Lee</p>", ("Ann Lee",)),
        ("", "<p>Ann Lee</p>", ()),
        ("", '<span class="author">Reuters</span>', ("Reuters",)),
        ("", "<p>6 February 2025 / 0 comments / by Ann Lee</p>", ("Ann Lee",)),
        ("", "<p>by Ann Lee 6 February 2025</p>", ("Ann Lee",)),
        ("", "<p>Von Ann Lee publiziert am 6. Februar 2025</p>", ("Ann Lee",)),
        ("", "<p>26/02/2025 - Publicado por: Ana Lima - Categoria: Saúde</p>", ("Ana Lima",)),
        ("", '<p class="byline">By Ann Lee@annlee</p>', ("Ann Lee",)),
        # "By" in a sentence is no byline.
        ("", "<p>The team was beaten by Wichita Heights in the final.</p>", ()),
        # The byline corrects metadata that name the site, a login or fewer people than it.
        (article(author='{"name": "Wire"}', publisher='{"name": "Wire"}'), "<p>By Ann Lee</p>", ("Ann Lee",)),
        (article(author='{"name": "ann-l"}'), "<p>By Ann Lee</p>", ("Ann Lee",)),
        (article(author='{"name": "Wire Staff"}'), "<p>By Ann Lee</p>", ("Ann Lee",)),
        (article(author='{"name": "Ann Lee"}'), "<p>By Ann Lee, Bo Ek</p>", ("Ann Lee", "Bo Ek")),
        # But not those that name somebody else: the line may be a photographer's.
        (article(author='{"name": "Ann Lee"}'), "<p>By Bo Ek</p>", ("Ann Lee",)),
        (article(author='"Wire"', publisher='{"name": "Wire"}'), "", ()),
    ],
)  # fmt: skip
def test_authors(head: str, after: str, authors: tuple[str, ...]) -> None:
    assert read(head, after).authors == authors


def test_a_byline_may_stand_above_the_headline() -> None:
    assert read(before="<p>By Ann Lee</p>").authors == ("Ann Lee",)


# --- the rest


def test_language_access_and_length() -> None:
    found = read(article(isAccessibleForFree='"False"', wordCount='"640"'), html='<html lang="pt-BR">')
    assert (found.language, found.free, found.words) == ("pt", False, 640)


def test_a_page_that_says_nothing() -> None:
    found = read_metadata(page())
    assert found == PageMetadata(None, None, (), "en", None, None, None)
