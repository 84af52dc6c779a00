"""Third-party texts that lie beside the checkout, and our annotations of them.

The texts belong to their publishers and are not part of the project. Our labels are: each names its text by a hash and
its quotes by their offsets, so that who has the corpora can train on them and nobody else reads a word of them here.
"""

import gzip
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from extractors.training.quotes import locate

NEWS_ITEMS = "news_items_2021_2022.jsonl.gz"
KEEPITON = "keepiton_2016_2022.jsonl.gz"
LONGEST = 900  # characters of a feed item's description; it is cut at the end of a sentence
SHORTEST = 300
QUOTES = ("trigger", "actor", "service", "scope", "date", "reason")

_DROPPED = re.compile(r"<(script|style).*?</\1>", re.DOTALL)
_BREAKS = re.compile(r"</?(p|br|li|div|h\d|blockquote)[^>]*>")
_TAG = re.compile(r"<[^>]+>")


def texts(folder: Path) -> Iterator[str]:
    """Yield the texts of the corpora in `folder` that labels may name: feed items and narratives of shutdowns."""
    if (folder / NEWS_ITEMS).is_file():
        for item in _lines(folder / NEWS_ITEMS):
            yield feed_item(item.get("title") or "", item.get("description") or "")
    if (folder / KEEPITON).is_file():
        for record in _lines(folder / KEEPITON):
            yield (record.get("event") or "").strip()


def feed_item(title: str, description: str) -> str:
    """Return a feed item as plain text: the title on its first line, then the beginning of the description."""
    body = _plain(description)
    if len(body) > LONGEST:
        body = body[:LONGEST]
        end = max(body.rfind(". "), body.rfind("\n"))
        body = body[: end + 1] if end > SHORTEST else body
    return (_plain(title).replace("\n", " ") + "\n" + body).strip()


def text_hash(text: str) -> str:
    """Return the name of a text in the labels: the first 20 digits of its sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def labels_of(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn annotated records into labels without text. Each event's quotes become [start, end]."""
    for record in records:
        events = []
        for event in record["events"]:
            spans = locate(record["text"], {name: event[name] for name in QUOTES if event.get(name)})
            label = {name: value for name, value in event.items() if name not in QUOTES and value not in (None, [])}
            events.append(label | {name: list(span) for name, span in spans.items()})
        yield {"text": text_hash(record["text"]), "published": record["published"], "events": events}


def labelled(labels: Path, folder: Path) -> list[dict[str, Any]]:
    """Return annotated records (id, text, published, events) of the labels whose texts are in `folder`."""
    known = {label["text"]: label for label in map(json.loads, labels.read_text(encoding="utf-8").splitlines())}
    records = []
    for text in texts(folder):
        label = known.pop(text_hash(text), None)
        if label is not None:
            events = [_event(text, event) for event in label["events"]]
            records.append({"id": label["text"], "text": text, "published": label["published"], "events": events})
    return sorted(records, key=lambda record: str(record["id"]))


def _event(text: str, label: Mapping[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = {"actor_canonical": None, "date_value": None, "reason_classes": [], **label}
    return event | {name: text[slice(*label[name])] if name in label else None for name in QUOTES}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _plain(markup: str) -> str:
    text = _TAG.sub(" ", _BREAKS.sub("\n", _DROPPED.sub(" ", markup)))
    text = re.sub(r"[ \t\xa0]+", " ", html.unescape(html.unescape(text)))
    return re.sub(r" *\n\s*", "\n", text).strip()
