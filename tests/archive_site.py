"""A news site on loopback with a past: a feed with an archive, sitemaps of several kinds, and articles."""

import gzip
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from clampdown.proofs.webserver import HTTPServer, Reply, Route
from pipeline.settings import FetchSettings, RunSettings, Settings, WorkerSettings
from pipeline.types import Source

ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><title>The Example</title>{links}{entries}</feed>"
ENTRY = (
    "<entry><id>tag:{day}</id><title>{title}</title><link href='{url}'/><published>{day}T10:00:00Z</published></entry>"
)
PAGE = """<!DOCTYPE html><html lang="en"><head><title>{title}</title></head><body><article><h1>{title}</h1>
<p>Italy's data protection authority, the Garante, blocked the chatbot DeepSeek on {day}, the regulator said.</p>
<p>The company had not answered its questions on the use of personal data, the notice numbered {day} went on, and
the app was gone from the app stores of Apple and Google in the country by the evening of the same day.</p>
</article></body></html>"""


def days(first: date, number: int, step: int = 1) -> list[date]:
    return [first + timedelta(days=step * index) for index in range(number)]


class ArchiveSite:
    """Builds the routes of a server that is up already, so that pages can name each other."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.server.routes["/robots.txt"] = Reply(body=b"User-agent: *\nAllow: /\n")

    def source(self, feed: str = "/feed", source_id: str = "example") -> Source:
        return Source(source_id, "The Example", self.server.url(feed))

    def settings(self, **more: object) -> Settings:
        fetch = FetchSettings(allow_hosts=(f"{self.server.host}:{self.server.port}",), host_gap=0, retries=0, timeout=5)
        workers = WorkerSettings(processes=1)
        return Settings.model_validate({"fetch": fetch, "workers": workers, "run": RunSettings(batch_size=8), **more})

    def articles(self, published: Iterable[date]) -> dict[date, str]:
        """Serve an article for each day; return their addresses, which do not tell the day."""
        found = {}
        for day in published:
            path = f"/news/{day.toordinal()}"
            page = PAGE.format(title=f"DeepSeek blocked, notice {day.toordinal()}", day=f"{day:%B %d, %Y}")
            self.put(path, page.encode(), "text/html; charset=utf-8")
            found[day] = self.server.url(path)
        return found

    def feed(
        self, path: str, articles: Mapping[date, str], older: str | None = None, rel: str = "prev-archive"
    ) -> None:
        """Serve an Atom feed of `articles` at `path`, with a link to the page with those before."""
        entries = "".join(
            ENTRY.format(day=day, url=url, title=f"DeepSeek blocked, notice {day.toordinal()}")
            for day, url in articles.items()
        )
        links = f"<link rel='{rel}' href='{older}'/>" if older else ""
        self.put(path, ATOM.format(links=links, entries=entries).encode(), "application/atom+xml")

    def sitemap(self, path: str, articles: Mapping[date, str], *, news: bool = False) -> None:
        """Serve a sitemap with the day of each article as `lastmod`, or as a news sitemap; gzipped if its name is."""
        pages = []
        for day, url in articles.items():
            said = (
                f"<n:news><n:publication><n:name>The Example</n:name><n:language>en</n:language></n:publication>"
                f"<n:publication_date>{day}</n:publication_date><n:title>Notice {day}</n:title></n:news>"
                if news
                else f"<lastmod>{day}</lastmod>"
            )
            pages.append(f"<url><loc>{url}</loc>{said}</url>")
        space = "xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'"
        body = f"<?xml version='1.0'?><urlset {space}>{''.join(pages)}</urlset>".encode()
        self.put(path, gzip.compress(body, mtime=0) if path.endswith(".gz") else body, "application/xml")

    def index(self, path: str, children: Mapping[str, str | None]) -> None:
        """Serve an index of sitemaps, each with the day of its last change or without."""
        named = "".join(
            f"<sitemap><loc>{self.server.url(child)}</loc>{f'<lastmod>{day}</lastmod>' if day else ''}</sitemap>"
            for child, day in children.items()
        )
        self.put(path, f"<sitemapindex>{named}</sitemapindex>".encode(), "application/xml")

    def robots(self, *sitemaps: str) -> None:
        lines = "".join(f"Sitemap: {self.server.url(path)}\n" for path in sitemaps)
        self.server.routes["/robots.txt"] = Reply(body=f"User-agent: *\nAllow: /\n{lines}".encode())

    def put(self, path: str, body: bytes, content_type: str = "text/plain") -> None:
        route: Route = Reply(body=body, headers={"Content-Type": content_type})
        self.server.routes[path] = route
