"""Renders the bundled sample: content to pages and feed files, as bytes, for given origins."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from string import Template

from clampdown.sample_content import INLINE, LINK, Article, Feed, Outlet, Sample, blocks
from clampdown.sample_feeds import Item, write_feed

# Feeds and undated pages need a Last-Modified that is the same at every start.
BUILT = datetime(2025, 3, 31, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """What one path answers. `held` pages are kept back longer than the sample's time-out."""

    body: bytes
    content_type: str
    modified: datetime
    status: int = 200
    location: str | None = None
    held: bool = False


def render(sample: Sample, origins: Mapping[str, str]) -> dict[str, dict[str, Page]]:
    """Return outlet id → path (with query) → page. `origins` maps outlet ids to "http://host:port"."""
    return {outlet.id: dict(_Renderer(sample, outlet, origins).pages()) for outlet in sample.outlets}


class _Renderer:
    """Renders one outlet."""

    def __init__(self, sample: Sample, outlet: Outlet, origins: Mapping[str, str]) -> None:
        self._sample = sample
        self._outlet = outlet
        self._home = origins[outlet.id] + "/"
        self._urls = {article.id: origins[article.outlet] + article.path for article in sample.articles}
        self._own = [article for article in sample.articles if article.outlet == outlet.id]
        self._templates: dict[str, str] = {}

    def pages(self) -> Iterator[tuple[str, Page]]:
        outlet = self._outlet
        yield "/", self._page(self._front(), BUILT)
        if outlet.robots is not None:
            yield "/robots.txt", Page(outlet.robots.lstrip().encode(), "text/plain; charset=utf-8", BUILT)
        for feed in self._sample.feeds:
            if feed.outlet == outlet.id:
                yield from self._feed_pages(feed)
        for article in self._own:
            yield from self._article_pages(article)

    def _page(self, text: str, modified: datetime, status: int = 200) -> Page:
        encoding = self._outlet.encoding
        # Pages in the old encoding leave it to their meta element to say so, as such sites do.
        content_type = "text/html; charset=utf-8" if encoding == "utf-8" else "text/html"
        return Page(text.encode(encoding, errors="xmlcharrefreplace"), content_type, modified, status)

    def _front(self) -> str:
        name, links = html.escape(self._outlet.name), self._links(self._own)
        return (
            f'<!DOCTYPE html><html lang="{self._outlet.language}"><head><meta charset="{self._outlet.encoding}">'
            f"<title>{name}</title></head><body><h1>{name}</h1><ul>{links}</ul></body></html>"
        )

    def _links(self, articles: Sequence[Article]) -> str:
        return "".join(f'<li><a href="{self._url(a)}">{html.escape(a.title)}</a></li>' for a in articles)

    def _url(self, article: Article) -> str:
        return html.escape(self._urls[article.id])

    # ---- articles

    def _article_pages(self, article: Article) -> Iterator[tuple[str, Page]]:
        modified = article.updated or article.published or BUILT
        if article.moved_from is not None:
            yield article.moved_from, Page(b"", "text/html", modified, 301, article.path)
        yield article.path, self._answer(article, modified)
        for twin in article.twins:
            yield twin.path, self._page(self._fill(article, twin.template), modified)

    def _answer(self, article: Article, modified: datetime) -> Page:
        if article.fault == "pdf":
            body = (self._sample.folder / "files" / str(article.file)).read_bytes()
            return Page(body, "application/pdf", modified)
        statuses = {"not_found": 404, "gone": 410, "error": 500}
        if article.fault in statuses:
            status = statuses[article.fault]
            words = {404: "Page not found", 410: "This page has been withdrawn", 500: "Something went wrong"}[status]
            return self._page(
                f"<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>", modified, status
            )
        page = self._page(self._fill(article, article.template or self._outlet.template), modified)
        if article.fault == "timeout":
            return Page(page.body, page.content_type, modified, held=True)
        return page

    def _fill(self, article: Article, name: str) -> str:
        outlet = self._outlet
        plain = {
            "title": article.title,
            "summary": article.summary,
            "author": article.author,
            "section": article.section,
            "correction": article.correction,
            "site": outlet.name,
            "tagline": outlet.tagline,
            "home": self._home,
            "url": self._urls[article.id],
            "amp_url": next((self._home.rstrip("/") + t.path for t in article.twins if t.kind == "amp"), ""),
            "lang": article.language or outlet.language,
            "charset": outlet.encoding,
            "number": str(article.number),
            "slug": article.id.upper(),
            "comment_count": str(len(article.comments)),
            **self._dates("date", article.published if article.dated_on_page else None),
            **self._dates("updated", article.updated),
        }
        if article.date_words is not None:
            plain["date_human"] = article.date_words
        flags = {
            "dated": bool(plain["date_iso"]),
            "updated": bool(plain["updated_iso"]),
            "author": bool(article.author),
            "amp": bool(plain["amp_url"]),
            "paywall": article.paywall,
            "comments": bool(article.comments),
            "correction": bool(article.correction),
        }
        template = re.sub(
            r"^%if (\w+): (.*\n)", lambda m: m[2] if flags[m[1]] else "", self._template(name), flags=re.MULTILINE
        )
        markup = {
            "body": self._body(article),
            "related": self._links(self._neighbours(article)),
            "comments": "".join(self._comment(comment) for comment in article.comments),
            "jsonld": self._jsonld(article, plain["date_iso"], plain["updated_iso"]),
        }
        return Template(template).substitute({key: html.escape(value) for key, value in plain.items()} | markup)

    def _template(self, name: str) -> str:
        if name not in self._templates:
            self._templates[name] = (self._sample.folder / "templates" / name).read_text("utf-8")
        return self._templates[name]

    def _dates(self, prefix: str, moment: datetime | None) -> dict[str, str]:
        forms = {"iso": "", "human": "", "short": ""}
        if moment is not None:
            local = moment.astimezone(self._outlet.zone)
            human = local.strftime(self._outlet.date_format)
            forms = {"iso": local.isoformat(), "human": human, "short": local.strftime("%Y.%m.%d %H:%M")}
        return {f"{prefix}_{form}": value for form, value in forms.items()}

    def _neighbours(self, article: Article) -> list[Article]:
        others = [other for other in self._own if other.id != article.id and other.fault is None]
        start = article.number % max(len(others), 1)
        return (others[start:] + others[:start])[:4]

    @staticmethod
    def _comment(comment: str) -> str:
        who, _, words = comment.partition(": ")
        return f'<li class="comment"><cite>{html.escape(who)}</cite> says: <p>{html.escape(words)}</p></li>'

    def _jsonld(self, article: Article, published: str, updated: str) -> str:
        data = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": article.title,
            "description": article.summary,
            "mainEntityOfPage": self._urls[article.id],
            "isAccessibleForFree": not article.paywall,
            "author": [{"@type": "Person", "name": article.author}] if article.author else None,
            "publisher": {"@type": "Organization", "name": self._outlet.name},
            "datePublished": published or None,
            "dateModified": updated or None,
        }
        kept = {key: value for key, value in data.items() if value is not None}
        return json.dumps(kept, ensure_ascii=False).replace("</", "<\\/")

    def _body(self, article: Article) -> str:
        style = self._outlet.paragraph
        parts: list[str] = []
        for tag, text in blocks(article.body):
            inline = self._inline(text)
            if style == "br":
                parts.append({"h2": f"<B>{inline}</B>", "li": f"&#8226; {inline}"}.get(tag, inline) + "<BR><BR>")
            elif style == "div" and tag == "p":
                parts.append(f"<div>{inline}</div>")
            else:
                parts.append(f"<{tag}>{inline}</{tag}>")
        return re.sub(r"(?:<li>.*</li>\n?)+", lambda m: f"<ul>\n{m[0].rstrip()}\n</ul>\n", "\n".join(parts))

    def _inline(self, text: str) -> str:
        text = html.escape(text, quote=False)
        for pattern, tag in INLINE:
            text = pattern.sub(rf"<{tag}>\1</{tag}>", text)
        return LINK.sub(lambda m: f'<a href="{html.escape(self._urls[m[2].lstrip("#")])}">{m[1]}</a>', text)

    # ---- feeds

    def _feed_pages(self, feed: Feed) -> Iterator[tuple[str, Page]]:
        if feed.format == "missing":
            return
        path = feed.path
        if feed.moved_to is not None:
            yield path, Page(b"", "text/html", BUILT, 301, feed.moved_to)
            path = feed.moved_to
        if feed.format == "html":
            yield path, self._page(self._front(), BUILT)
            return
        items = [self._item(feed, article) for article in self._sample.articles_of(feed)]
        content_type, text = write_feed(feed, self._outlet, self._home, items)
        yield path, Page(text.encode(self._outlet.encoding, errors="xmlcharrefreplace"), content_type, BUILT)

    def _item(self, feed: Feed, article: Article) -> Item:
        path = article.links.get(feed.id) or article.moved_from or article.path
        return Item(
            link=self._home.rstrip("/") + path,
            title=article.title,
            summary=article.summary,
            html=self._body(article),
            number=article.number,
            published=article.published if article.dated_in_feed else None,
            updated=article.updated if article.dated_in_feed else None,
            author=article.author,
            section=article.section,
            language=article.language or self._outlet.language,
        )
