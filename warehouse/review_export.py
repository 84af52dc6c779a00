"""Decisions as training data, read from a published snapshot: labelled pairs of mentions, and annotated passages.

A pair is a JSON object: `label` (same or different), `decision`, `author`, `reason`, and the two mentions `a` and `b`.
A mention has the fields of the resolver's golden cases (`key`, `doc`, `story`, `published`, `action`, `status`,
`service`, `country`, `actor`, `kind`, `scope`, `scope_class`, `date`, `score`), the `passage` in which it stands, its
`quotes` as offsets into the passage, and `title` and `url` of the article.

A passage is an annotated text as `clampdown train --data` and `clampdown eval` take it. What a person has edited or
confirmed is an event, with the person's values; what a person has rejected is none; what nobody has looked at is an
optional one.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice, product
from pathlib import Path
from typing import Any

from pipeline.decision_edits import FIELDS, split, value_of
from pipeline.decision_types import DecisionKind
from pipeline.errors import InputError
from pipeline.ids import content_id
from pipeline.types import ActorKind, Mention, Quote, ScopeClass
from warehouse.reader import Reader
from warehouse.review_queue import confirmed_events
from warehouse.tables import decisions, mentions

PAIRS_OF_ONE = 20
"""Pairs written for one decision at most: a decision about a hundred articles is one decision still."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Told:
    """A mention with its article and the text to which its offsets refer."""

    mention: Mention
    event_id: str
    version: int
    text: str
    title: str
    url: str
    published: date | None
    story_id: str


def write(path: Path, records: Iterable[Json]) -> int:
    """Write records as JSON Lines. Returns how many they were; raises InputError where the file can't be written."""
    count = 0
    try:
        with path.open("w", encoding="utf-8") as file:
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                count += 1
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}") from None
    return count


def pairs(reader: Reader) -> Iterator[Json]:
    """The pairs of mentions that people hold to be one happening, or two; the first decision first."""
    rulings = decisions.read_rulings(reader.rows)
    heard = [
        ruling
        for ruling in rulings.reviews
        if ruling.in_force and not ruling.lost and ruling.other and ruling.decision.id not in rulings.overruled
        and ruling.decision.kind in (DecisionKind.SAME, DecisionKind.DIFFERENT)
    ]  # fmt: skip
    told = {one.mention.id: one for one in _told(reader, {m for ruling in heard for m in ruling.mentions})}
    apart = [pair for one, other in rulings.apart for pair in ((one, other), (other, one))]
    for ruling in heard:
        decision = ruling.decision
        label = decision.kind.value
        # Of an older decision, only that part holds which later ones have left.
        fitting = (
            (a, b)
            for a, b in product(sorted(ruling.one & told.keys()), sorted(ruling.other & told.keys()))
            if (
                any(a in some and b in some for some in rulings.together)
                if label == "same"
                else _are_apart(a, b, apart)
            )
        )
        # By the hash of the pair, so that a few of many are of all sorts.
        chosen = islice(sorted(fitting, key=lambda pair: content_id("pair", *pair)), PAIRS_OF_ONE)
        for a, b in chosen:
            yield {
                "label": label,
                "decision": decision.id,
                "author": decision.author,
                "reason": decision.reason,
                "a": _side(told[a]),
                "b": _side(told[b]),
            }


def _are_apart(a: str, b: str, apart: Sequence[tuple[frozenset[str], frozenset[str]]]) -> bool:
    return any(a in one and b in other for one, other in apart)


def _side(told: _Told) -> Json:
    mention = told.mention
    start, end = _window(told.text, [mention])
    return {
        "key": mention.id,
        "doc": mention.document_id,
        "story": told.story_id,
        **({} if told.published is None else {"published": told.published.isoformat()}),
        "action": mention.action.value,
        "status": mention.status.value,
        "service": mention.service_canonical,
        "country": mention.country,
        "actor": mention.actor_canonical,
        **({} if mention.actor_kind is None else {"kind": mention.actor_kind.value}),
        "scope": None if mention.scope is None else mention.scope.text,
        **({} if mention.scope_class is None else {"scope_class": mention.scope_class.value}),
        "date": mention.date_value,
        "score": mention.score,
        "quotes": {name: [quote.start - start, quote.end - start] for name, quote in mention.quotes.items()},
        "passage": told.text[start:end],
        "title": told.title,
        "url": told.url,
    }


def passages(reader: Reader) -> Iterator[Json]:
    """The passages with mentions that people have edited, confirmed or rejected, by article."""
    edits: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for event_id, field, machine, human in reader.rows(
        "SELECT event_id, field, machine_value, human_value FROM event_edits ORDER BY ALL"
    ):
        edits.setdefault(event_id, {})[field] = (machine, human)
    dismissed = {str(event_id) for (event_id,) in reader.rows("SELECT event_id FROM events WHERE dismissed")}
    reviewed = edits.keys() | dismissed | confirmed_events(reader)
    rows = reader.rows(
        """
        SELECT mention_id FROM mentions WHERE article_id IN (
            SELECT article_id FROM mentions JOIN event_mentions USING (mention_id)
            WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        )
        """,
        [sorted(reviewed)],
    )
    texts: dict[tuple[str, int], list[_Told]] = {}
    for one in _told(reader, {str(mention_id) for (mention_id,) in rows}):
        texts.setdefault((one.mention.document_id, one.version), []).append(one)
    for (article_id, version), some in sorted(texts.items()):
        for start, end in _windows(some, reviewed):
            events = [
                event
                for one in some
                if start <= one.mention.trigger.start and one.mention.trigger.end <= end
                and (event := _annotated(one, (start, end), reviewed, dismissed, edits.get(one.event_id, {})))
            ]  # fmt: skip
            yield {
                "id": content_id("reviewed", article_id, str(version), f"{start}:{end}"),
                "corpus": "reviewed",
                "published": None if some[0].published is None else some[0].published.isoformat(),
                "text": some[0].text[start:end],
                "events": events,
            }


def _windows(some: Sequence[_Told], reviewed: Iterable[str]) -> list[tuple[int, int]]:
    """The passages of one text around what was reviewed; those that meet are one."""
    wanted = set(reviewed)
    joined: list[tuple[int, int]] = []
    for start, end in sorted(_window(one.text, [one.mention]) for one in some if one.event_id in wanted):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _window(text: str, some: Iterable[Mention]) -> tuple[int, int]:
    """The paragraphs that hold the mentions' quotes."""
    quotes = [quote for mention in some for quote in mention.quotes.values()]
    first, last = min(quote.start for quote in quotes), max(quote.end for quote in quotes)
    end = text.find("\n", last)
    return text.rfind("\n", 0, first) + 1, len(text) if end < 0 else end


def _annotated(
    told: _Told,
    window: tuple[int, int],
    reviewed: Collection[str],
    dismissed: Collection[str],
    edits: Mapping[str, tuple[str | None, str | None]],
) -> Json | None:
    """The annotation of a mention, with what a person has said of its event; None for what is none."""
    if told.event_id in dismissed:
        return None
    mention = told.mention
    passage = told.text[window[0] : window[1]]
    quotes = {name: quote.text for name, quote in mention.quotes.items() if _inside(quote, window)}
    if "service" not in quotes:
        return None
    values = {field: value_of(mention, field) for field in FIELDS}
    odd = False
    for field, (machine, human) in edits.items():
        # What an article says otherwise than the machine made of them all, the person did not speak of.
        if values[field] == machine:
            values[field] = human
        elif values[field] not in (None, human):
            odd = True
    event: Json = {
        "action": values["action"],
        "status": values["status"],
        "trigger": quotes["trigger"],
        "country": values["country"],
        "service": quotes["service"],
        "service_canonical": values["service"],
    }
    _, name = split(ActorKind, values["actor"])
    if name is not None and (words := quotes.get("actor") or _found(passage, name)):
        event |= {"actor": words, "actor_canonical": name}
    _, scope = split(ScopeClass, values["scope"])
    if values["scope"] is not None and (words := _found(passage, scope) or quotes.get("scope")):
        event["scope"] = words
    if values["date"] is not None and "date" in quotes:
        event |= {"date": quotes["date"], "date_value": values["date"]}
    if values["reasons"] is not None and "reason" in quotes:
        event |= {"reason": quotes["reason"], "reason_classes": values["reasons"].split(",")}
    if odd or told.event_id not in reviewed:
        event["optional"] = True
    return event


def _inside(quote: Quote, window: tuple[int, int]) -> bool:
    return window[0] <= quote.start and quote.end <= window[1]


def _found(passage: str, words: str | None) -> str | None:
    return words if words is not None and words in passage else None


def _told(reader: Reader, mention_ids: Iterable[str]) -> Iterator[_Told]:
    columns = list(reader.columns("mentions"))
    listed = ", ".join(f"m.{name}" for name in columns)
    rows = reader.rows(
        f"""
        SELECT {listed}, em.event_id, coalesce(v.text, a.text), a.title, a.url, m.reported_on, s.story_id
        FROM mentions AS m JOIN articles AS a USING (article_id) JOIN story_members AS s USING (article_id)
            JOIN event_mentions AS em USING (mention_id)
            LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
        WHERE m.mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        ORDER BY m.article_id, m.version, m.trigger_start, m.mention_id
        """,
        [sorted(mention_ids)],
    )
    for row in rows:
        values = dict(zip(columns, row, strict=False))
        event_id, text, title, url, published, story_id = row[len(columns) :]
        yield _Told(mentions.read_mention(values), event_id, values["version"], text, title, url, published, story_id)
