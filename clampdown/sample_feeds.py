"""Writes the bundled sample's feeds: RSS 2.0, a broken RSS 2.0, Atom 1.0, RSS 1.0 (RDF) and JSON Feed 1.1."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from clampdown.sample_content import Feed, Outlet


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a feed. `html` is the full text; `number` makes an id that no port is part of."""

    link: str
    title: str
    summary: str
    html: str
    number: int
    published: datetime | None
    updated: datetime | None
    author: str
    section: str
    language: str


def write_feed(feed: Feed, outlet: Outlet, home: str, items: Sequence[Item]) -> tuple[str, str]:
    """Return content type and text of a feed; `home` is the outlet's URL with its slash."""
    match feed.format:
        case "rss":
            return "application/rss+xml; charset=utf-8", _rss(feed, outlet, home, items)
        case "rss-full":
            return "text/xml; charset=utf-8", _rss(feed, outlet, home, items)
        case "rss-broken":
            return "text/xml; charset=utf-8", _spoil(_rss(feed, outlet, home, items))
        case "atom" | "atom-full":
            return "application/atom+xml; charset=utf-8", _atom(feed, home, items)
        case "rdf":
            return "application/rdf+xml", _rdf(feed, outlet, home, items)
        case "json":
            return "application/feed+json", _json_feed(feed, outlet, home, items)
        case _:
            raise ValueError(f"{feed.format} is served, not written")


def _rss(feed: Feed, outlet: Outlet, home: str, items: Sequence[Item]) -> str:
    written = []
    for item in items:
        dated = "" if item.published is None else f"<pubDate>{format_datetime(item.published)}</pubDate>"
        full = f"<content:encoded><![CDATA[{item.html}]]></content:encoded>" if feed.format == "rss-full" else ""
        written.append(
            f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link>"
            f'<guid isPermaLink="false">{outlet.id}:{item.number}</guid>{dated}'
            f"<dc:creator>{escape(item.author)}</dc:creator><category>{escape(item.section)}</category>"
            f"<description>{escape(item.summary)}</description>{full}</item>\n"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f"<channel><title>{escape(feed.title)}</title><link>{home}</link>"
        f"<description>{escape(outlet.tagline)}</description><language>{outlet.language}</language>\n"
        f"{''.join(written)}</channel></rss>\n"
    )


def _spoil(feed: str) -> str:
    """Break well-formed XML as careless publishers do; every item can still be read."""
    # Bare ampersands, an entity that XML does not know, a control character, and the end is missing.
    spoilt = feed.replace("&amp;", "&").replace("</description>", "&nbsp;</description>")
    return spoilt.replace("</channel></rss>", "").replace("<category>", "<category>\x0b")


def _atom(feed: Feed, home: str, items: Sequence[Item]) -> str:
    written = []
    for item in items:
        dated = "" if item.published is None else f"<published>{item.published.isoformat()}</published>"
        updated = item.updated or item.published
        dated += "" if updated is None else f"<updated>{updated.isoformat()}</updated>"
        full = f'<content type="html">{escape(item.html)}</content>' if feed.format == "atom-full" else ""
        written.append(
            f"<entry xml:lang={quoteattr(item.language)}><title>{escape(item.title)}</title>"
            f'<link rel="alternate" type="text/html" href={quoteattr(item.link)}/>'
            f"<id>tag:{feed.outlet}.example,2025:{item.number}</id>{dated}"
            f"<author><name>{escape(item.author or feed.title)}</name></author>"
            f"<summary>{escape(item.summary)}</summary>{full}</entry>\n"
        )
    newest = max((item.published for item in items if item.published is not None), default=None)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(feed.title)}</title><id>tag:{feed.outlet}.example,2025:feed</id>"
        f'<link rel="self" href={quoteattr(home.rstrip("/") + feed.path)}/>'
        f"{'' if newest is None else f'<updated>{newest.isoformat()}</updated>'}\n{''.join(written)}</feed>\n"
    )


def _rdf(feed: Feed, outlet: Outlet, home: str, items: Sequence[Item]) -> str:
    seats, written = [], []
    for item in items:
        name = f"urn:{outlet.id}:{item.number}"
        dated = "" if item.published is None else f"<dc:date>{item.published.isoformat()}</dc:date>"
        seats.append(f'<rdf:li rdf:resource="{name}"/>')
        written.append(
            f'<item rdf:about="{name}"><title>{escape(item.title)}</title><link>{escape(item.link)}</link>'
            f"<description>{escape(item.summary)}</description>{dated}</item>\n"
        )
    return (
        f'<?xml version="1.0" encoding="{outlet.encoding}"?>\n'
        '<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'<channel rdf:about="{home}"><title>{escape(feed.title)}</title><link>{home}</link>'
        f"<description>{escape(outlet.tagline)}</description><items><rdf:Seq>{''.join(seats)}</rdf:Seq></items>"
        f"</channel>\n{''.join(written)}</rdf:RDF>\n"
    )


def _json_feed(feed: Feed, outlet: Outlet, home: str, items: Sequence[Item]) -> str:
    written = []
    for item in items:
        fields = {
            "id": f"{outlet.id}-{item.number}",
            "url": item.link,
            "title": item.title,
            "summary": item.summary,
            "content_html": item.html,
            "date_published": None if item.published is None else item.published.isoformat(),
            "authors": [{"name": item.author}] if item.author else None,
        }
        written.append({key: value for key, value in fields.items() if value is not None})
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": home,
        "feed_url": home.rstrip("/") + feed.path,
        "language": outlet.language,
        "items": written,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)
