"""Responses of which only what was read is kept: a page as its article, a feed as the items that were new in it.

So a page of 100 kB takes 3 kB, and going through runs once more gives what it gave. The archive keeps such a response
as a record like others, marked by a header of its own; its headers and times are those that came, its body is JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from pipeline.types import Article, DateBasis, Entry, ParsedFeed, Response, Stamp, TextOrigin

ARTICLE: Final = "article"
FEED: Final = "feed"


@dataclass(frozen=True, slots=True)
class ReducedResponse(Response):
    """A response whose body is what was read of the one that came, whose SHA-256 is `sha256`."""

    sha256: str = ""


def body_sha256(response: Response) -> str:
    """The SHA-256 of the body that came."""
    return response.sha256 if isinstance(response, ReducedResponse) else hashlib.sha256(response.body).hexdigest()


def with_body_of(response: Response, other: Response) -> Response:
    """`response`, which came without its body, with that of `other`, whole or reduced."""
    if not isinstance(other, ReducedResponse):
        return replace(response, body=other.body)
    return reduced_response(replace(response, body=other.body), other.sha256)


def reduced_response(response: Response, sha256: str) -> ReducedResponse:
    """`response`, whose body is what was read of the one that came, with that one's SHA-256."""
    return ReducedResponse(**{field.name: getattr(response, field.name) for field in fields(Response)}, sha256=sha256)


def reduced(response: Response, read: Article | ParsedFeed) -> ReducedResponse:
    """`response` with what was read of it in the place of its body."""
    kind, told = (ARTICLE, _article(read)) if isinstance(read, Article) else (FEED, _feed(read))
    body = json.dumps({kind: told}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return reduced_response(replace(response, body=body), body_sha256(response))


def article_of(response: ReducedResponse) -> Article:
    """The article that was read of a page."""
    told = _told(response, ARTICLE)
    return Article(
        **told
        | {
            "text_origin": TextOrigin(told["text_origin"]),
            "published": _stamp(told["published"]),
            "modified": _stamp(told["modified"]),
            "authors": tuple(told["authors"]),
            "issues": tuple(told["issues"]),
            "fetched_at": response.fetched_at,
        }
    )


def feed_of(response: ReducedResponse) -> ParsedFeed:
    """The feed, with those of its items that were new or said something else than before."""
    return feed_from(response.body)


def feed_from(body: bytes) -> ParsedFeed:
    """As `feed_of`, from the body."""
    told = json.loads(body.decode("utf-8", "surrogatepass"))[FEED]
    return ParsedFeed(
        **told
        | {
            "entries": tuple(_entry(one) for one in told["entries"]),
            "issues": tuple(told["issues"]),
            "unchanged": tuple(_stamp(one) for one in told["unchanged"]),
        }
    )


def _told(response: ReducedResponse, kind: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(response.body.decode("utf-8", "surrogatepass"))[kind]
    return told


def _article(article: Article) -> dict[str, Any]:
    told = asdict(article)
    del told["fetched_at"]
    return told | {
        "text_origin": article.text_origin.value,
        "published": _plain(article.published),
        "modified": _plain(article.modified),
    }


def _feed(feed: ParsedFeed) -> dict[str, Any]:
    return asdict(feed) | {
        "entries": [
            asdict(entry)
            | {
                "published": _plain(entry.published),
                "updated": None if entry.updated is None else entry.updated.astimezone(UTC).isoformat(),
            }
            for entry in feed.entries
        ],
        "unchanged": [_plain(stamp) for stamp in feed.unchanged],
    }


def _entry(told: Mapping[str, Any]) -> Entry:
    updated = told["updated"]
    read = {
        "published": _stamp(told["published"]),
        "updated": None if updated is None else datetime.fromisoformat(updated),
        "authors": tuple(told["authors"]),
    }
    return Entry(**{**told, **read})


def _plain(stamp: Stamp | None) -> list[str] | None:
    return None if stamp is None else [stamp.value.isoformat(), stamp.basis.value]


def _stamp(told: list[str] | None) -> Stamp | None:
    if told is None:
        return None
    value, basis = told
    return Stamp(datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value), DateBasis(basis))
