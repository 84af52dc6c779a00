"""What we do, in the form in which peers are called: each function runs in a process of its own."""

from collections import defaultdict
from datetime import UTC, datetime

from pipeline import stories
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


def copies(texts: list[str], checked: bool) -> set[tuple[int, int]]:
    """Return the pairs that share a band or are equal and, if `checked`, are copies by their words."""
    holders: dict[int, list[int]] = defaultdict(list)
    signed, digests = [], []
    found: set[tuple[int, int]] = set()
    for place, text in enumerate(texts):
        body_hash, signature = stories.sign(text)
        signed.append(body_hash)
        digests.append(stories.digest(signature))
        met = set()
        for key in stories.bands(body_hash, signature):
            met.update(holders[key])
            holders[key].append(place)
        for other in met:
            if not checked or body_hash == signed[other]:
                found.add((other, place))
            elif stories.is_likely(digests[other], digests[place]):
                # What a body has made for the comparison is dropped with it, as in the warehouse.
                one, another = stories.Body(texts[other]), stories.Body(text)
                if stories.similarity(one, another) is not None:
                    found.add((other, place))
    return found
