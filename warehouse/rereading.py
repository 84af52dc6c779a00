"""Stored texts that are read again: which are due, what is stored of them, and what takes its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pipeline.events import block_key
from pipeline.failpoints import hit
from pipeline.types import Article, DateBasis, EntryResult, Mention, Outcome, Stamp, TextOrigin
from warehouse import resolving
from warehouse.database import Database, from_utc
from warehouse.revising import retold
from warehouse.tables import contexts, mentions, stamps
from warehouse.tables.mentions import Known, StoredMention

_ARTICLE = (
    "article_id", "entry_id", "source_id", "canonical_url", "url", "title", "text", "text_origin", "published_on",
    "published_at", "published_basis", "language", "fetched_at", "version",
)  # fmt: skip
_VERSION = ("article_id", "version", "title", "text", "published_on", "fetched_at")


_GONE = {"merged": "merged", "renamed": "renamed"}
_BOOKS = frozenset({"first_run_id", "block"})
_SCORED = frozenset({"score", "why"})


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article with all its texts, the oldest first, each with its number; how the entry that brought it ended.

    `is_whole` is false where an earlier text is not kept any more: then nobody can say what became of its claims.
    """

    id: str
    entry_id: str
    outcome: Outcome
    versions: tuple[tuple[int, Article], ...]

    @property
    def is_whole(self) -> bool:
        """Whether all texts are there."""
        return [number for number, _ in self.versions] == list(range(1, len(self.versions) + 1))


@dataclass(frozen=True, slots=True)
class Reread:
    """An article as it was read again: one result per version, each with its article and mentions.

    The last one says how the entry ends now.
    """

    stored: StoredArticle
    results: tuple[EntryResult, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What an article stated before and states now, all versions together, with the texts by number."""

    article: Article
    texts: Mapping[int, str]
    before: tuple[tuple[Mention, Known], ...]
    after: tuple[tuple[Mention, Known], ...]
    outcome_before: Outcome
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class EventDifference:
    """What became of an event. `kind` is appeared, split, gone, merged, renamed, changed or rescored.

    `fields` are the columns of `events` that changed, each with its value before and after; none where it is new or no
    more. `other_id` is the event from which it parted, into which it merged, or that it is now.
    """

    event_id: str
    kind: str
    action: str
    service: str
    country: str
    other_id: str | None = None
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def due(database: Database, model: str, since: date | None = None) -> list[str]:
    """The ids of the articles of which some text was not read by `model`: by day of publication, undated ones last.

    With `since`, only those published from that day on, or fetched from then on where no day is stated.
    """
    rows = database.execute(
        """
        SELECT article_id FROM articles AS a
        WHERE (a.model IS DISTINCT FROM $1 OR a.article_id IN (
            SELECT article_id FROM article_versions WHERE model IS DISTINCT FROM $1
        )) AND coalesce(a.published_on, CAST(a.fetched_at AS DATE)) >= coalesce($2, DATE '0001-01-01')
        ORDER BY a.published_on NULLS LAST, article_id
        """,
        [model, since],
    )
    return [article_id for (article_id,) in rows]


def stored(database: Database, article_ids: Sequence[str]) -> list[StoredArticle]:
    """What is stored of some articles, in this order; ids that are not stored are left out."""
    wanted = [list(article_ids)]
    latest = database.execute(
        f"SELECT {', '.join(f'a.{name}' for name in _ARTICLE)}, o.outcome "
        "FROM articles AS a JOIN outcomes AS o USING (entry_id) "
        "WHERE a.article_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        wanted,
    )
    earlier: dict[str, list[dict[str, Any]]] = {}
    for values in database.execute(
        f"SELECT {', '.join(_VERSION)} FROM article_versions "
        "WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY version",
        wanted,
    ):
        row = dict(zip(_VERSION, values, strict=True))
        earlier.setdefault(row["article_id"], []).append(row)
    found = {}
    for *columns, outcome in latest:
        row = dict(zip(_ARTICLE, columns, strict=True))
        now = _article(row)
        before = [(one["version"], _earlier(now, one)) for one in earlier.get(row["article_id"], ())]
        found[row["article_id"]] = StoredArticle(
            row["article_id"], row["entry_id"], Outcome(outcome), (*before, (row["version"], now))
        )
    return [found[article_id] for article_id in article_ids if article_id in found]


def store(database: Database, run_id: str, model: str, read: Sequence[Reread]) -> list[Replaced]:
    """Commit what `model` finds in some articles in place of what was found before, and what follows for the events.

    Mentions are those that would stand there if `model` had read each version when it came; so nothing is learned on
    the day of reading again. A mention that both find keeps its row, but for the model. Returns what was replaced.
    """
    with database.transaction():
        told = mentions.of_articles(database, [one.stored.id for one in read])
        replaced = [_replaced(one, told.get(one.stored.id, ())) for one in read]
        removed: list[str] = []
        added: dict[int, list[tuple[Mention, Known]]] = {}
        renamed: list[tuple[str, str]] = []
        for one in replaced:
            before = {mention.id: (mention, known) for mention, known in one.before}
            after = {mention.id: (mention, known) for mention, known in one.after}
            same = {key for key in before.keys() & after.keys() if _but_model(before[key]) == _but_model(after[key])}
            renamed += [(key, model) for key in sorted(same) if before[key][0].model != model]
            removed += sorted(before.keys() - same)
            for key in sorted(after.keys() - same):
                added.setdefault(after[key][1].version, []).append(after[key])
        touched = resolving.Touched()
        touched.add(contexts.places(database, removed))
        hit("reread.begun")
        mentions.remove(database, removed)
        database.update("mentions", ("mention_id", "model"), renamed)
        for version, some in sorted(added.items()):
            texts = {one.article.id: one.texts[version] for one in replaced if version in one.texts}
            mentions.add(database, run_id, some, texts, block_key)
        hit("reread.mentions")
        touched.add(contexts.places(database, [mention.id for some in added.values() for mention, _ in some]))
        resolving.resolve(database, run_id, touched)
        hit("reread.events")
        ended = [(one.stored, one.results[-1]) for one in read]
        rows = [(was.entry_id, now.outcome.value, now.detail) for was, now in ended if now.outcome != was.outcome]
        database.update("outcomes", ("entry_id", "outcome", "detail"), rows)
        for table in ("articles", "article_versions"):
            database.execute(
                f"UPDATE {table} SET model = ? WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
                [model, [one.stored.id for one in read]],
            )
        hit("reread.outcomes")
    hit("reread.committed")
    return replaced


def event_changes(database: Database, run_id: str) -> list[EventDifference]:
    """What a run made of the events, all its transactions together, by the log of changes."""
    rows = database.execute(
        "SELECT event_id, kind, other_id, fields, before, after FROM changes WHERE run_id = ? ORDER BY position",
        [run_id],
    )
    by_event: dict[str, list[tuple[Any, ...]]] = {}
    for event_id, *row in rows:
        by_event.setdefault(event_id, []).append(tuple(row))
    told = {
        event_id: (action, service, country)
        for event_id, action, service, country in database.execute(
            "SELECT event_id, action, service_canonical, country FROM events "
            "WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [sorted(by_event)],
        )
    }
    found = (_difference(event_id, some, told.get(event_id)) for event_id, some in sorted(by_event.items()))
    return [one for one in found if one is not None]


def _difference(
    event_id: str, rows: Sequence[tuple[Any, ...]], now: tuple[str, str, str] | None
) -> EventDifference | None:
    """The sum of what the log says of one event; None where that is nothing."""
    (first_kind, first_other, _, first_before, _), (kind, other, _, before, after) = rows[0], rows[-1]
    if first_before is None and after is None:
        return None
    if after is None:
        said = before["action"], before["service_canonical"], before["country"]
        return EventDifference(event_id, _GONE.get(kind, "gone"), *said, other)
    assert now is not None, "what is not gone is there"
    if first_before is None:
        # What goes on for another is told of with that one.
        return (
            None
            if first_kind == "continued"
            else EventDifference(event_id, "split" if first_kind == "split" else "appeared", *now, first_other)
        )
    fields: dict[str, tuple[Any, Any]] = {}
    for _, _, names, was, became in rows:
        for name in names if was is not None and became is not None else ():
            fields[name] = (fields[name][0] if name in fields else was[name], became[name])
    fields = {name: pair for name, pair in sorted(fields.items()) if pair[0] != pair[1] and name not in _BOOKS}
    if not fields:
        return None
    return EventDifference(event_id, "changed" if fields.keys() - _SCORED else "rescored", *now, None, fields)


def _replaced(read: Reread, told: Sequence[StoredMention]) -> Replaced:
    numbers = [number for number, _ in read.stored.versions]
    results = []
    for result in read.results:
        assert result.article is not None, "each is a version of the article"
        found = tuple(mentions.readable(mention) for mention in result.mentions)
        mentions.check_offsets(result.article, found)
        results.append(replace(result, mentions=found))
    return Replaced(
        article=read.stored.versions[-1][1],
        texts={number: article.text for number, article in read.stored.versions},
        before=tuple((one.mention, one.known) for one in told),
        after=tuple(retold(list(zip(numbers, results, strict=True)))),
        outcome_before=read.stored.outcome,
        outcome=results[-1].outcome,
    )


def _but_model(one: tuple[Mention, Known]) -> tuple[Mention, Known]:
    return replace(one[0], model=""), one[1]


def _article(row: Mapping[str, Any]) -> Article:
    fetched_at = from_utc(row["fetched_at"])
    assert fetched_at is not None, "the column is NOT NULL"
    return Article(
        canonical_url=row["canonical_url"],
        url=row["url"],
        source_id=row["source_id"],
        title=row["title"],
        text=row["text"],
        text_origin=TextOrigin(row["text_origin"]),
        published=stamps.from_columns(row["published_on"], row["published_at"], row["published_basis"]),
        language=row["language"],
        fetched_at=fetched_at,
    )


def _earlier(now: Article, row: Mapping[str, Any]) -> Article:
    """An earlier version: of its date the day is kept, and its language is not."""
    fetched_at = from_utc(row["fetched_at"])
    assert fetched_at is not None, "the column is NOT NULL"
    day, basis = row["published_on"], now.published
    published = None if day is None else Stamp(day, DateBasis.META if basis is None else basis.basis)
    return replace(now, title=row["title"], text=row["text"], published=published, language=None, fetched_at=fetched_at)
