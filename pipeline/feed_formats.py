"""Feeds as their formats give them: the raw items that all readers return, and the reader of JSON Feed."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pipeline.publication import parse_date

JSON_FEED: Final = "https://jsonfeed.org/version/"
MAIL_ADDRESS = re.compile(r"\S+@\S+")
MAX_NAME: Final = 300
"""Characters read of an author's name, or of what stands in its place."""
MAX_AUTHORS: Final = 50
MAX_DATE: Final = 100


@dataclass(frozen=True, slots=True)
class RawDate:
    """A date as written, and as read: None if it can't be."""

    text: str
    value: datetime | date | None


@dataclass(frozen=True, slots=True)
class RawItem:
    """An item as its format gives it. Texts may hold HTML; `link` is resolved where the format says against what."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    published: RawDate | None = None
    updated: RawDate | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class RawFeed:
    """A feed as its format gives it. `format` is empty where no format was recognised.

    `refresh` is the seconds between polls that it asks for; `older` its link to older items, not yet absolute.
    """

    format: str
    title: str = ""
    language: str | None = None
    items: tuple[RawItem, ...] = ()
    issues: tuple[str, ...] = ()
    refresh: float | None = None
    older: str = ""


class NotJSONFeed(ValueError):
    """The text is no JSON, or JSON of another kind; the message says which."""


def read_json(text: str, *, max_items: int) -> RawFeed:
    """Read JSON Feed 1.0 or 1.1, up to `max_items`; raises NotJSONFeed."""
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise NotJSONFeed("broken JSON") from error
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise NotJSONFeed("JSON, but no JSON Feed")
    version = _text(data.get("version"))
    issues = []
    if version.startswith(JSON_FEED):
        name = "json" + version.removeprefix(JSON_FEED).strip("/").replace(".", "")
    else:
        name = "json"
        issues.append("no JSON Feed version is named")
    items = [item for item in data["items"] if isinstance(item, dict)]
    if len(items) != len(data["items"]):
        issues.append(f"{len(data['items']) - len(items)} × item that is no object: dropped")
    issues.extend(left_out(len(items), max_items))
    return RawFeed(
        # JSON Feed 1.0 is "version/1".
        format="json10" if name == "json1" else name[:10],
        title=_text(data.get("title")),
        language=_text(data.get("language")) or None,
        items=tuple(_json_item(item) for item in items[:max_items]),
        issues=tuple(issues),
        older=_text(data.get("next_url")),
    )


def raw_date(text: str) -> RawDate:
    """Return the date that `text` states, with as much of the text as a date can have."""
    return RawDate(text[:MAX_DATE], parse_date(text))


def named(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once; addresses are nobody's business."""
    bare = (MAIL_ADDRESS.sub("", name[:MAX_NAME]).strip(" ()") for name in names)
    return tuple(dict.fromkeys(filter(None, bare)))


def left_out(found: int, kept: int) -> list[str]:
    """Return the issue that items beyond the first `kept` were not read, if there are any."""
    return [f"{found} items: only the first {kept} read"] if found > kept else []


def _json_item(item: dict[str, Any]) -> RawItem:
    guid = item.get("id")
    authors = item.get("authors")
    people = authors if isinstance(authors, list) else [item.get("author")]
    return RawItem(
        guid=str(guid) if isinstance(guid, str | int | float) else "",
        link=_text(item.get("url")) or _text(item.get("external_url")),
        title=_text(item.get("title")),
        summary=_text(item.get("summary")),
        content=_text(item.get("content_html")) or _text(item.get("content_text")),
        published=_json_date(item.get("date_published")),
        updated=_json_date(item.get("date_modified")),
        authors=named(_text(person.get("name")) for person in people[:MAX_AUTHORS] if isinstance(person, dict)),
        language=_text(item.get("language")) or None,
    )


def _json_date(value: object) -> RawDate | None:
    text = _text(value)
    return raw_date(text) if text else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
