"""What we do, in the form in which peers are called: each function runs in a process of its own."""

from datetime import UTC, datetime

from pipeline.errors import ParseError
from pipeline.feeds import parse_feed
from pipeline.text import read_article
from pipeline.types import Entry, Response
from pipeline.urls import canonical_url


def article_text(page: bytes, url: str) -> tuple[str, str | None, str | None]:
    """Return body, title and ISO day of publication of a page, as the pipeline reads it; a refused page has none."""
    entry = Entry("benchmark", url, url, canonical_url(url) or url, "")
    response = Response(url, url, 200, (("content-type", "text/html"),), page, datetime.now(UTC))
    try:
        article = read_article(entry, response)
    except ParseError:
        return "", None, None
    day = None if article.published is None else article.published.value.isoformat()[:10]
    return article.body, article.title or None, day


def feed_items(body: bytes) -> int:
    """Parse a feed and return how many entries it has; one that is refused has none."""
    try:
        return len(parse_feed(body, url="http://127.0.0.1:8097/feed.xml", source_id="benchmark").entries)
    except ParseError:
        return 0


def feed_titles(bodies: list[bytes]) -> list[list[str] | None]:
    """Parse feeds and return their entries' titles; None for one that is refused."""
    found: list[list[str] | None] = []
    for body in bodies:
        try:
            feed = parse_feed(body, url="http://127.0.0.1:8097/feed.xml", source_id="benchmark")
        except ParseError:
            found.append(None)
        else:
            found.append([entry.title for entry in feed.entries])
    return found
