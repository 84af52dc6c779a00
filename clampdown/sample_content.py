"""The bundled sample's content: outlets, feeds and articles as they are kept in `samples/`."""

import re
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Fault = Literal["not_found", "gone", "error", "timeout", "pdf"]
FeedFormat = Literal["rss", "rss-full", "rss-broken", "atom", "atom-full", "rdf", "json", "html", "missing"]


class _Content(BaseModel):
    """Hand-edited data: a key that is not known here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Outlet(_Content):
    """An invented publication with a host of its own. `validators` names the headers its server sends."""

    id: str
    name: str
    tagline: str
    language: str
    country: str
    topics: tuple[str, ...]
    template: str
    utc_offset: str
    encoding: str = "utf-8"
    paragraph: Literal["p", "br", "div"] = "p"
    date_format: str = "%d %B %Y, %H:%M"
    validators: Literal["both", "etag", "modified", "none"] = "both"
    robots: str | None = None

    @property
    def zone(self) -> timezone:
        sign = -1 if self.utc_offset.startswith("-") else 1
        hours, minutes = self.utc_offset[1:].split(":")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))


class Feed(_Content):
    """A feed of an outlet. With `moved_to`, `path` answers 301 and the feed lies there."""

    id: str
    outlet: str
    title: str
    path: str
    format: FeedFormat
    moved_to: str | None = None


class Twin(_Content):
    """A second address of an article, in another template (AMP, mobile)."""

    path: str
    template: str
    kind: Literal["amp", "mobile"]


class Article(_Content):
    """One article. `body` is a small Markdown: paragraphs, `##`, `-`, `>`, `**bold**`, `*italics*`, `[text](#id)`.

    `links` maps a feed's id to the path which that feed gives instead of `path`. `copy_of` takes the body of another
    article. `published` is None where neither page nor feed states a date.
    """

    id: str
    outlet: str
    title: str
    path: str
    summary: str
    body: str = ""
    copy_of: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    dated_on_page: bool = True
    dated_in_feed: bool = True
    date_words: str | None = None
    author: str = ""
    section: str = "News"
    language: str | None = None
    feeds: tuple[str, ...] = ()
    links: Mapping[str, str] = {}
    twins: tuple[Twin, ...] = ()
    moved_from: str | None = None
    template: str | None = None
    comments: tuple[str, ...] = ()
    correction: str = ""
    paywall: bool = False
    fault: Fault | None = None
    file: str | None = None

    @cached_property
    def text(self) -> str:
        """What a reader of the page reads: the title, a blank line, then one line per block."""
        return "\n".join([f"{self.title}\n", *(_plain(text) for _, text in blocks(self.body))])

    @property
    def number(self) -> int:
        return 10_000 + zlib.crc32(self.id.encode()) % 90_000


@dataclass(frozen=True, slots=True)
class Sample:
    """All content of the sample, in the order of `site.toml` and of the articles' file names."""

    folder: Path
    outlets: tuple[Outlet, ...]
    feeds: tuple[Feed, ...]
    articles: tuple[Article, ...]

    def articles_of(self, feed: Feed) -> list[Article]:
        """Return the articles that a feed lists, newest first, undated ones last."""
        first = next(other for other in self.feeds if other.outlet == feed.outlet)
        listed = [
            article
            for article in self.articles
            if article.outlet == feed.outlet and feed.id in (article.feeds or (first.id,))
        ]
        return sorted(listed, key=lambda article: article.published or datetime.min.replace(tzinfo=UTC), reverse=True)


def load(folder: Path) -> Sample:
    """Read `site.toml` and `articles/*.md` of `folder`; raise pydantic's ValidationError on unknown or missing keys."""
    site = tomllib.loads((folder / "site.toml").read_text("utf-8"))
    read = {path.stem: _read_article(path) for path in sorted((folder / "articles").glob("*.md"))}
    copies = {
        article.id: article.model_copy(update={"body": read[article.copy_of].body})
        for article in read.values()
        if article.copy_of is not None
    }
    return Sample(
        folder=folder,
        outlets=tuple(Outlet.model_validate(outlet) for outlet in site["outlet"]),
        feeds=tuple(Feed.model_validate(feed) for feed in site["feed"]),
        articles=tuple(copies.get(article.id, article) for article in read.values()),
    )


def _read_article(path: Path) -> Article:
    _, front, body = path.read_text("utf-8").split("+++\n", 2)
    return Article.model_validate({"id": path.stem, **tomllib.loads(front), "body": body.strip()})


def blocks(body: str) -> Iterator[tuple[str, str]]:
    """Yield (tag, text) per block: "h2", "li", "blockquote" or "p"; lines of a paragraph are joined by a space."""
    marks = {"## ": "h2", "- ": "li", "> ": "blockquote"}
    for block in re.split(r"\n\s*\n", body):
        for part in re.split(r"\n(?=- )", block.strip()):
            tag = next((tag for mark, tag in marks.items() if part.startswith(mark)), "p")
            text = part if tag == "p" else part[part.index(" ") + 1 :].replace("\n> ", "\n")
            if text:
                yield tag, re.sub(r"\s+", " ", text)


INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\*\*(.+?)\*\*"), "strong"),
    (re.compile(r"\*(.+?)\*"), "em"),
)
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def _plain(text: str) -> str:
    text = LINK.sub(r"\1", text)
    for pattern, _ in INLINE:
        text = pattern.sub(r"\1", text)
    return text
