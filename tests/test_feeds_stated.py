"""What feeds state beside their items: how often to ask, where older items are, their language and their kind."""

import gzip
import json

import pytest
from feed_texts import ATOM, LINK, SY, URL, atom, parse, rss

from pipeline.errors import ParseError


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ("", None),
        ("<ttl>60</ttl>", 3_600),
        ("<ttl> 15 </ttl>", 900),
        ("<ttl>0</ttl>", None),
        ("<ttl>-5</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>1e9</ttl>", None),
        ("<ttl>99999999999999999999</ttl>", None),
        ("<ttl>1000000</ttl>", None),
        ("<ttl>20000</ttl>", 7 * 86_400),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", 3_600),
        ("<sy:updatePeriod> Daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 21_600),
        ("<sy:updatePeriod>yearly</sy:updatePeriod>", 7 * 86_400),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1000</sy:updateFrequency>", None),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 3_600),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod><ttl>30</ttl>", 1_800),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><ttl>120</ttl>", 7_200),
        ("<skipHours><hour>1</hour></skipHours><skipDays><day>Monday</day></skipDays>", None),
    ],
)
def test_how_often_the_feed_asks_to_be_polled(head: str, seconds: float | None) -> None:
    assert parse(rss("", head=head, attributes=SY)).refresh == seconds


@pytest.mark.parametrize(
    ("feed", "older"),
    [
        (rss(""), None),
        (rss("", head='<atom:link rel="next" href="/rss?page=2"/>', attributes=ATOM), "https://example.com/rss?page=2"),
        (
            atom(
                "", head='<link rel="next" href="?page=2"/><link rel="prev-archive" href="https://example.com/2024"/>'
            ),
            "https://example.com/2024",
        ),
        (
            atom("", head='<link rel="prev-archive" href="old"/>', attributes='xml:base="https://a.example/x/"'),
            "https://a.example/x/old",
        ),
        (atom("", head='<link rel="self next" href="/2"/><link rel="NEXT" href="/3"/>'), "https://example.com/3"),
        (atom("", head=f'<link rel="next" href="{URL}"/>'), None),
        (atom("", head='<link rel="next" href="javascript:x"/>'), None),
        (atom('<entry><title>x</title><link rel="next" href="/e"/></entry>'), None),
        (json.dumps({"items": [], "next_url": "/feed.json?page=2"}), "https://example.com/feed.json?page=2"),
        (json.dumps({"items": [], "next_url": 2}), None),
    ],
)
def test_where_older_items_are(feed: str, older: str | None) -> None:
    assert parse(feed).older == older


@pytest.mark.parametrize(
    ("feed", "language"),
    [
        (rss("", head="<language>en-gb</language>"), "en"),
        (rss("", head="<dc:language>fr</dc:language>"), "fr"),
        (rss("", head="<language>English please</language>"), None),
        (atom("", attributes='xml:lang="pt_BR"'), "pt"),
        (rss("", attributes='xml:lang="de"'), "de"),
        (json.dumps({"items": [], "language": "nl-BE"}), "nl"),
        (rss(""), None),
    ],
)
def test_the_language_that_the_feed_states(feed: str, language: str | None) -> None:
    assert parse(feed).language == language


def test_an_item_of_no_known_language_has_none() -> None:
    entry = "<entry {}><title>T</title><link href='https://example.com/a'/></entry>"
    assert parse(atom(entry.format('xml:lang=""'), attributes='xml:lang="en"')).entries[0].language is None
    assert parse(atom(entry.format(""), attributes='xml:lang="en"')).entries[0].language == "en"


def test_sitemaps_are_feeds_and_their_indexes_are_not() -> None:
    namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    news = (
        f'<urlset {namespace} xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">'
        "<url><loc>https://example.com/a</loc>"
        "<news:news><news:publication><news:name>Example</news:name><news:language>en</news:language>"
        "</news:publication>"
        "<news:publication_date>2025-02-03</news:publication_date><news:title>App blocked</news:title></news:news>"
        "</url></urlset>"
    )
    feed = parse(news)
    assert (feed.format, feed.language, feed.entries[0].title) == ("sitemap", "en", "App blocked")
    assert parse(gzip.compress(news.encode())) == feed
    with pytest.raises(ParseError, match="is no sitemap"):
        parse(gzip.compress(rss("").encode()))
    with pytest.raises(ParseError, match="sitemap index is no feed") as caught:
        parse(f"<sitemapindex {namespace}><sitemap><loc>https://example.com/s.xml</loc></sitemap></sitemapindex>")
    assert caught.value.hint


def test_captions_of_pictures_are_no_contents() -> None:
    media = 'xmlns:media="http://search.yahoo.com/mrss/"'
    caption = "<media:description>A caption, much longer</media:description>"
    item = f"<item><title>T</title>{LINK}<description>D</description>{caption}</item>"
    entry = parse(rss(item, attributes=media)).entries[0]
    assert (entry.summary, entry.content) == ("D", "")
    group = "<media:group><media:description>What the film shows</media:description></media:group>"
    alone = f"<item><title>T</title>{LINK}{group}</item>"
    assert parse(rss(alone, attributes=media)).entries[0].summary == "What the film shows"


def test_an_article_in_the_description_keeps_its_paragraphs() -> None:
    paragraphs = [f"Paragraph {n} of the article. " + "It goes on. " * 30 for n in range(4)]
    markup = "".join(f"<p>{text}</p>" for text in paragraphs)
    entry = parse(rss(f"<item><title>T</title>{LINK}<description><![CDATA[{markup}]]></description></item>")).entries[0]
    assert entry.summary == ""
    assert entry.content.split("\n") == [text.strip() for text in paragraphs]
