"""Feeds of what changed, as Atom (RFC 4287) and JSON Feed 1.1: an entry for each event, renewed by its news.

Pure: from the items of `reports.feed_reading` to bytes. What publishers wrote is only ever text, and the addresses of
their articles are http(s) addresses or left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from typing import Any, Final

from pipeline.subscription_types import BUILT_IN, Subscription
from reports import event_words as words
from reports.digest import Item, Part
from reports.digest_pages import QUOTE, TITLE, imprint
from reports.digest_words import PROGRAM
from reports.exports.cells import plain
from reports.inert import line, web_address
from warehouse.event_list import EventRow
from warehouse.news import Telling

ATOM: Final = ".atom"
JSON: Final = ".json"
TYPES: Final[Mapping[str, str]] = {ATOM: "application/atom+xml", JSON: "application/feed+json"}
"""Ending of a feed's file → media type."""

MOST: Final = 100
"""Entries of a feed."""

PATH: Final = "feeds"
"""Where feeds are found below `mail.public_url`, and in the data folder."""

JSON_VERSION: Final = "https://jsonfeed.org/version/1.1"
_URN: Final = "urn:clampdown"
_ABOUT: Final = (
    "Restrictions on digital services as the press tells of them. Each event is one entry, renewed by its news."
)
_COLUMNS: Final = tuple(one.name for one in fields(EventRow))
_APART: Final[Mapping[Part, str]] = {Part.UNSURE: " (less sure)", Part.LATE: " (learned of late)"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in a feed, in both forms, and when there was news of it (UTC): the same in every feed of a language."""

    updated: datetime
    atom: str
    json: str


def entry(item: Item, name: str, began_at: datetime, updated: datetime, language: str) -> Entry:
    """The entry of an item. `name` is the id under which its event was first told, at `began_at`; times are UTC."""
    title = line(words.sentence(item)) + _APART.get(item.part, "")
    summary = line(" · ".join(words.qualities(item, language)))
    found = [(one, web_address(one.url)) for one in item.tellings]
    addresses = [address for _, address in found if address is not None]
    html = "".join(_html(found, summary, language))
    tags = _tags(item)
    atom = [
        _element("id", f"{_URN}:event:{name}"),
        # Readers that take all words for markup, whatever their type says, find none of others.
        _element("title", escape(title, quote=False), type="html"),
        _element("published", _time(began_at)),
        _element("updated", _time(updated)),
        *(_empty("link", rel="alternate" if one is addresses[0] else "related", href=one) for one in addresses),
        *(_empty("category", scheme=f"{_URN}:{kind}", term=tag) for kind, tag in tags.items()),
        _element("summary", escape(summary, quote=False), type="html"),
        _element("content", html, type="html"),
    ]
    document = {
        "id": f"{_URN}:event:{name}",
        **({"url": addresses[0]} if addresses else {}),
        "title": title,
        "summary": summary,
        "content_html": html,
        "date_published": _time(began_at),
        "date_modified": _time(updated),
        "tags": list(dict.fromkeys(tag.replace("_", " ") for tag in tags.values())),
        "_clampdown": {"about": f"{_URN}:event", "news": item.news.value, "part": item.part.value, **_facts(item)},
    }
    return Entry(updated, f"<entry>\n{_joined(atom)}</entry>\n", _json(document))


def atom(subscription: Subscription, entries: Sequence[Entry], *, public_url: str, since: datetime) -> bytes:
    """A subscription's feed as Atom. `since` is when watching began, UTC: the time of a feed without entries."""
    updated = max((one.updated for one in entries), default=since)
    own = address(subscription, ATOM, public_url)
    head = [
        _element("id", f"{_URN}:feed:{subscription.id}"),
        _element("title", escape(_title(subscription), quote=False), type="html"),
        _element("subtitle", _ABOUT),
        _element("updated", _time(updated)),
        f"<author>{_element('name', PROGRAM)}</author>",
        _element("generator", PROGRAM, version=version("clampdown")),
        *([] if own is None else [_empty("link", rel="self", type=TYPES[ATOM], href=own)]),
    ]
    body = "".join(one.atom for one in entries)
    text = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">\n{_joined(head)}{body}</feed>\n'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}'.encode("utf-8", "replace")


def json_feed(subscription: Subscription, entries: Sequence[Entry], *, public_url: str) -> bytes:
    """A subscription's feed as JSON Feed."""
    own = address(subscription, JSON, public_url)
    head = {
        "version": JSON_VERSION,
        "title": _title(subscription),
        "description": _ABOUT,
        **({} if own is None else {"feed_url": own}),
        "language": "en",
        "authors": [{"name": PROGRAM}],
    }
    items = ",\n".join(one.json for one in entries)
    return f'{_json(head)[:-1]},"items":[\n{items}\n]}}\n'.encode("utf-8", "replace")


def address(subscription: Subscription, kind: str, public_url: str) -> str | None:
    """Where readers find a subscription's feed of that kind, ATOM or JSON; None where they can't reach us."""
    return f"{public_url.rstrip('/')}/{PATH}/{subscription.id}{kind}" if public_url and subscription.feed else None


def links(subscription: Subscription, public_url: str) -> Iterator[str]:
    """The elements of an HTML page's head by which readers' programs find the feeds."""
    for kind, media_type in TYPES.items():
        if (found := address(subscription, kind, public_url)) is not None:
            title = escape(_title(subscription))
            yield f'<link rel="alternate" type="{media_type}" title="{title}" href="{escape(found)}">'


def _title(subscription: Subscription) -> str:
    if subscription.id == BUILT_IN.id:
        return PROGRAM
    return f"{PROGRAM} · {line(subscription.title or subscription.id)}"


def _html(found: Sequence[tuple[Telling, str | None]], summary: str, language: str) -> Iterator[str]:
    yield f"<p>{escape(summary)}</p>"
    if found:
        yield f"<blockquote><p>“{escape(line(found[0][0].quote.text, QUOTE))}”</p></blockquote><ul>"
        for one, address in found:
            named = escape(line(one.title or address or "", TITLE))
            linked = named if address is None else f'<a href="{escape(address)}">{named}</a>'
            yield f"<li>{linked} ({escape(line(', '.join(imprint(one, language))))})</li>"
        yield "</ul>"


def _tags(item: Item) -> Mapping[str, str]:
    event = item.event
    tags = {
        "service": line(event.service),
        "country": line(item.country),
        "action": event.action.value,
        "status": event.status.value,
        "news": item.news.value,
    }
    return {kind: tag for kind, tag in tags.items() if tag}


def _facts(item: Item) -> Mapping[str, object]:
    """What programs want to know of an event, by the names of the table's columns."""
    return {"event_id" if name == "id" else name: getattr(item.event, name) for name in _COLUMNS}


def _element(tag: str, text: str, **attributes: str) -> str:
    return f"<{tag}{_attributes(attributes)}>{escape(text, quote=False)}</{tag}>"


def _empty(tag: str, **attributes: str) -> str:
    return f"<{tag}{_attributes(attributes)}/>"


def _attributes(given: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in given.items())


def _joined(elements: Sequence[str]) -> str:
    return "".join(f"{one}\n" for one in elements)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _json(document: Mapping[str, Any]) -> str:
    # A page that holds a feed in a script, however unwisely, is not to end there.
    return json.dumps(plain(dict(document)), ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
