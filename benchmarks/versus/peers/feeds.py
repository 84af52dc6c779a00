"""Others that parse feeds: each takes bytes and the content type, and gives plain values.

A feed is a dict with "title", "language" and "entries"; an entry has what the library gives of "title", "summary",
"content", "link", "id", "author", "authors", "language", and of "published", "updated" and "created" in ISO form.
Nothing is fetched.
"""

import calendar
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Parsed = dict[str, Any]


def items(parser: str, body: bytes) -> int:
    """Parse `body` and look at each entry's link, title and time; return how many entries there are."""
    entries = PARSERS[parser](body, None)["entries"]
    return len(entries)


def read(parser: str, feeds: list[tuple[str, bytes, str | None]]) -> dict[str, Parsed | str]:
    """Parse many feeds, given as (name, bytes, content type); by name the result, or what was raised."""
    found: dict[str, Parsed | str] = {}
    for name, body, content_type in feeds:
        try:
            found[name] = PARSERS[parser](body, content_type)
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"[:200]
    return found


def feedparser(body: bytes, content_type: str | None, **options: bool) -> Parsed:
    import feedparser as library

    headers = {"content-type": content_type} if content_type else {}
    return _like_feedparser(library.parse(body, response_headers=headers, **options))


def feedparser_bare(body: bytes, content_type: str | None) -> Parsed:
    return feedparser(body, content_type, sanitize_html=False, resolve_relative_uris=False)


def feedparser_rs(body: bytes, content_type: str | None) -> Parsed:
    import feedparser_rs as library

    return _like_feedparser(library.parse(body))


def fastfeedparser(body: bytes, content_type: str | None) -> Parsed:
    import fastfeedparser as library

    feed = library.parse(body)
    entries = []
    for entry in feed.entries:
        content = entry.get("content") or [{}]
        entries.append(
            {name: entry.get(name) for name in ("title", "link", "id", "author", "published", "updated")}
            | {"summary": entry.get("description"), "content": content[0].get("value")}
        )
    return {"title": feed.feed.get("title"), "language": feed.feed.get("language"), "entries": entries}


def atoma(body: bytes, content_type: str | None) -> Parsed:
    import atoma as library

    if body.lstrip()[:1] == b"{":
        feed = library.parse_json_feed_bytes(body)
        return {"title": feed.title, "language": None, "entries": [_of_json(item) for item in feed.items]}
    try:
        rss = library.parse_rss_bytes(body)
    except library.FeedParseError:
        atom = library.parse_atom_bytes(body)
        return {"title": _text(atom.title), "language": None, "entries": [_of_atom(entry) for entry in atom.entries]}
    return {"title": rss.title, "language": rss.language, "entries": [_of_rss(item) for item in rss.items]}


def _of_rss(item: Any) -> Parsed:
    return {
        "title": item.title, "summary": item.description, "content": item.content_encoded, "link": item.link,
        "id": item.guid, "author": item.author, "published": _iso(item.pub_date),
    }  # fmt: skip


def _of_atom(entry: Any) -> Parsed:
    return {
        "title": _text(entry.title), "summary": _text(entry.summary), "content": _text(entry.content),
        "link": next((link.href for link in entry.links if link.rel in (None, "alternate")), None), "id": entry.id_,
        "author": entry.authors[0].name if entry.authors else None, "published": _iso(entry.published),
        "updated": _iso(entry.updated),
    }  # fmt: skip


def _of_json(item: Any) -> Parsed:
    return {
        "title": item.title, "summary": item.summary, "content": item.content_html or item.content_text,
        "link": item.url, "id": item.id_, "published": _iso(item.date_published), "updated": _iso(item.date_modified),
        "author": item.author.name if item.author else None,
    }  # fmt: skip


def _like_feedparser(feed: Any) -> Parsed:
    entries = []
    for entry in feed.entries:
        content, detail = entry.get("content"), entry.get("title_detail")
        found = {name: entry.get(name) for name in ("title", "summary", "link", "id", "author")}
        found["authors"] = [name for one in entry.get("authors") or () if (name := getattr(one, "name", None))]
        found["content"] = getattr(content[0], "value", None) if content else None
        found["language"] = entry.get("language") or getattr(detail, "language", None)
        for name in ("published", "updated", "created"):
            # The one is given for the other where it is missing; only what is there counts.
            found[name] = _iso(entry.get(f"{name}_parsed")) if f"{name}_parsed" in entry.keys() else None  # noqa: SIM118 - no dict
        entries.append(found)
    return {"title": feed.feed.get("title"), "language": feed.feed.get("language"), "entries": entries}


def _iso(moment: Any) -> str | None:
    if moment is None or isinstance(moment, str):
        return moment
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(calendar.timegm(tuple(moment)), UTC)
    text: str = moment.isoformat()
    return text


def _text(construct: Any) -> str | None:
    return None if construct is None else construct.value


PARSERS: dict[str, Callable[..., Parsed]] = {
    "feedparser": feedparser,
    "feedparser, bare": feedparser_bare,
    "feedparser-rs": feedparser_rs,
    "fastfeedparser": fastfeedparser,
    "atoma": atoma,
}
