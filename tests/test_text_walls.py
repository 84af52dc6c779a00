"""What stands before or instead of an article is labelled, and headlines with the same words aren't."""

from datetime import UTC, datetime

import pytest
from cost import cost

from pipeline.text import read_article
from pipeline.types import Article, DateBasis, Entry, Response, Stamp, TextOrigin
from pipeline.walls import Shown, is_paywalled, not_the_article

URL = "https://news.example.com/story"
FETCHED = datetime(2025, 2, 10, 12, tzinfo=UTC)
PUBLISHED = datetime(2025, 2, 6, 9, tzinfo=UTC)
SENTENCE = "The ministry said on Thursday that it had cut access to the assistant from all of its office computers. "
TITLE = "Ministry bars the assistant from office computers"


def page(*inner: str, title: str = TITLE, head: str = "") -> str:
    body = "".join(inner)
    return f"<!DOCTYPE html><html><head><title>{title}</title>{head}</head><body><h1>{title}</h1>{body}</body></html>"


def read(html: str, *, headers: tuple[tuple[str, str], ...] = (), **fields: object) -> Article:
    entry = Entry("s", "1", URL, URL, **{"title": TITLE, **fields})
    response = Response(URL, URL, 200, (("Content-Type", "text/html"), *headers), html.encode(), FETCHED)
    return read_article(entry, response)


@pytest.mark.parametrize(
    "title",
    [
        "Page not found",
        "404 - File or directory not found.",
        "Oops!",
        "Sorry, this page isn't available",
        "We can't find the page you are looking for",
        "This article has been removed",
        "Error 404",
        "503 Service Temporarily Unavailable",
        "Just a moment...",
        "Access Denied",
        "Verify you are human",
        "Are you a robot?",
        "Before you continue to Example",
        "We value your privacy",
        "451: Unavailable due to legal reasons",
        "This content is not available in your region",
    ],
)
def test_pages_that_are_not_the_article_are_told_by_their_title(title: str) -> None:
    html = page(
        f"<article><p>{'Some words of the site that stand on each of its pages. ' * 6}</p></article>", title=title
    )
    article = read(html, summary="What the feed says of it.")
    assert article.soft_404
    assert article.text_origin is TextOrigin.FEED
    assert article.body == "What the feed says of it."
    assert not article.paywalled


@pytest.mark.parametrize(
    "words",
    [
        "The page you requested could not be found. Try the search.",
        "We're sorry, but we can't seem to find the page you asked for.",
        "Please enable JavaScript and cookies to continue. Ray ID: 8f1.",
        "Our systems have detected unusual traffic from your computer network.",
        "We and our 842 partners store and access information on a device, such as cookies.",
        "We recognise you are attempting to reach this site from a country belonging to the European Economic Area.",
        "This content is currently not available in your country.",
    ],
)
def test_pages_that_are_not_the_article_are_told_by_their_first_words(words: str) -> None:
    article = read(page(f"<main><p>{words}</p></main>", title="The Daily Example"), summary="What the feed says.")
    assert article.soft_404
    assert article.body == "What the feed says."


def test_without_feed_text_the_label_is_all_that_tells() -> None:
    article = read(
        page("<p>The page you requested could not be found. Try the search, or the home page.</p>", title="Gone")
    )
    assert article.soft_404
    assert article.text_origin is TextOrigin.PAGE


@pytest.mark.parametrize(
    "headline",
    [
        "Page not found: how a ministry lost its website",
        "Service unavailable",
        "Access denied",
        "Not available in your country: the map of blocked services",
    ],
)
def test_what_the_feed_calls_an_article_is_one(headline: str) -> None:
    article = read(page(f"<article><p>{SENTENCE * 4}</p></article>", title=headline), title=headline)
    assert not article.soft_404
    assert article.issues == ()


def test_a_removed_article_is_no_article() -> None:
    entry = Entry("s", "1", URL, URL, TITLE, summary="What the feed says.")
    home = "https://news.example.com/"
    headers = (("Content-Type", "text/html"), ("ETag", '"home"'))
    html = page(f"<article><p>{SENTENCE * 4}</p></article>")
    article = read_article(entry, Response(URL, home, 200, headers, html.encode(), FETCHED))
    assert article.soft_404
    assert article.etag is None


STUB = f"<p>{SENTENCE * 3}</p>"


@pytest.mark.parametrize(
    "wall",
    [
        "<p><b>You have read your last free story this month.</b> Subscribe for $1 a week to keep reading.</p>",
        "<h2>To read the rest, register for free</h2><p>It takes less than a minute.</p>",
        "<p>This analysis is for members. <a href=/join>Become a member</a> or <a href=/login>log in</a>.</p>",
        "<h3>Read the rest with Example Plus</h3><p>Full stories. Cancel any time.</p><a>Start a free trial</a>",
        "<p>Already a subscriber? <a>Sign in</a></p><p>Subscribe now</p>",
        "<p>2 of 3 free articles</p><p>Join today.</p>",
        "<p>Sign in to continue reading</p>",
    ],
)
def test_walls_after_a_short_text(wall: str) -> None:
    article = read(page(f"<article>{STUB}<div class=wall>{wall}</div></article>"))
    assert article.paywalled
    assert "cut access to the assistant" in article.text


@pytest.mark.parametrize(
    "around",
    [
        "<header><a>Already a subscriber? Log in</a> <a>Subscribe now</a></header>",
        "<footer>Become a member. Free trial.</footer>",
        "<div>Subscribe for our daily newsletter.</div>",
        "<div>Already a subscriber?</div>",
    ],
)
def test_offers_around_an_article_are_no_walls(around: str) -> None:
    assert not read(page(around, f"<article>{STUB}</article>")).paywalled


def test_a_text_that_breaks_off_needs_one_sign_less() -> None:
    assert read(page(f"<article><p>{SENTENCE * 3}No one could say …</p></article><p>Subscribe today.</p>")).paywalled


def test_markup_that_calls_an_article_locked() -> None:
    lock = '<meta property="article:content_tier" content="locked">'
    assert read(page(f"<article>{STUB}</article>", head=lock)).paywalled
    assert not read(page(f"<article>{STUB}</article>", head=lock.replace("locked", "metered"))).paywalled


@pytest.mark.parametrize(("words", "paywalled"), [(None, False), (330, False), (2_000, True)])
def test_a_whole_article_that_is_declared_not_free(words: int | None, paywalled: bool) -> None:
    assert is_paywalled(Shown(TITLE, SENTENCE * 18, free=False, words=words)) is paywalled


def test_when_an_article_was_changed() -> None:
    head = (
        '<meta property="article:published_time" content="2025-02-06T09:00:00Z">'
        '<meta property="article:modified_time" content="2025-02-07T10:00:00Z">'
    )
    html = page(f"<article><p>{SENTENCE * 4}</p></article>", head=head)
    published = Stamp(PUBLISHED, DateBasis.FEED)
    later = datetime(2025, 2, 8, 9, tzinfo=UTC)
    assert read(html, published=published).modified == Stamp(datetime(2025, 2, 7, 10, tzinfo=UTC), DateBasis.META)
    plain = page(f"<article><p>{SENTENCE * 4}</p></article>")
    assert read(plain, published=published, updated=later).modified == Stamp(later, DateBasis.FEED)
    assert read(plain, published=published, updated=PUBLISHED).modified is None
    assert read(plain, published=Stamp(later, DateBasis.FEED), updated=PUBLISHED).modified is None
    assert read(plain, published=published, updated=datetime(2031, 1, 1, tzinfo=UTC)).modified is None


def test_what_a_later_question_needs_is_kept() -> None:
    headers = (("ETag", 'W/"1"'), ("Last-Modified", "Thu, 06 Feb 2025 09:00:00 GMT"))
    article = read(page(f"<article><p>{SENTENCE * 4}</p></article>"), headers=headers)
    assert (article.etag, article.last_modified) == ('W/"1"', "Thu, 06 Feb 2025 09:00:00 GMT")


@pytest.mark.parametrize("filler", ["oops ", "page you ", "subscribe ", "sorry! ", "we and our partners ", "a ", "… "])
def test_fillers_take_no_time(filler: str) -> None:
    with cost() as spent:
        text = filler * (300_000 // len(filler))
        not_the_article(Shown(text, "", text))
        not_the_article(Shown("", text[:700], text))
        is_paywalled(Shown("", text[:700], text))
    assert spent.seconds < 3
