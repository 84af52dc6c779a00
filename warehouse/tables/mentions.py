"""Table `mentions`: events as articles state or once stated them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipeline.batching import batches
from pipeline.errors import WarehouseError
from pipeline.passages import read_passage
from pipeline.types import (
    Action,
    ActorKind,
    Article,
    Mention,
    Quote,
    ReasonClass,
    ScopeClass,
    Status,
)
from warehouse.database import Database, storable

FIELDS = ("trigger", "service", "actor", "scope", "date", "reason")
"""The fields that have a quote. Each is three columns: `_quote`, `_start` and `_end`."""

_COLUMNS_OF = {field: (f"{field}_quote", f"{field}_start", f"{field}_end") for field in FIELDS}
_QUOTE_COLUMNS = tuple(column for columns in _COLUMNS_OF.values() for column in columns)
_VALUE_COLUMNS = (
    "mention_id", "article_id", "action", "status", "country", "service_canonical", "actor_canonical", "actor_kind",
    "scope_class", "date_value", "reason_classes", "score", "scores", "model", "edition",
)  # fmt: skip
_KNOWN_COLUMNS = ("reported_on", "learned_on", "withdrawn_on", "version", "corrects")
_PASSAGE_COLUMNS = ("context_words", "context_names")
COLUMNS = (*_VALUE_COLUMNS, *_QUOTE_COLUMNS, *_KNOWN_COLUMNS, *_PASSAGE_COLUMNS, "block", "run_id")
_TEXTS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """When a mention was reported, learned and withdrawn, and the version of its article's text that it quotes.

    `corrects` is the id of the withdrawn mention that it states otherwise, if it does.
    """

    reported_on: date | None
    learned_on: date
    withdrawn_on: date | None = None
    version: int = 1
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class StoredMention:
    """A mention as it is stored, and the block that holds it."""

    mention: Mention
    known: Known
    block: str


def check_offsets(article: Article, mentions: Iterable[Mention]) -> None:
    """Raise WarehouseError unless every quote is the slice of the article's text that its offsets name."""
    for mention in mentions:
        if mention.document_id != article.id:
            raise WarehouseError(f"{article.url}: a mention of {mention.document_id} came with article {article.id}")
        for field, quote in mention.quotes.items():
            if not 0 <= quote.start < quote.end or article.text[quote.start : quote.end] != quote.text:
                raise WarehouseError(
                    f"{article.url}: the {field} quote {quote.text!r} does not stand at {quote.start}:{quote.end}"
                )


def readable(mention: Mention) -> Mention:
    """The mention as it will be read back, so that its id is the same then: see `database.storable`."""
    return replace(
        mention,
        service_canonical=storable(mention.service_canonical),
        actor_canonical=None if mention.actor_canonical is None else storable(mention.actor_canonical),
        trigger=_readable(mention.trigger),
        service=_readable(mention.service),
        actor=None if mention.actor is None else _readable(mention.actor),
        scope=None if mention.scope is None else _readable(mention.scope),
        date=None if mention.date is None else _readable(mention.date),
        reason=None if mention.reason is None else _readable(mention.reason),
    )


def _readable(quote: Quote) -> Quote:
    return replace(quote, text=storable(quote.text))


def of_articles(database: Database, article_ids: Iterable[str]) -> dict[str, list[StoredMention]]:
    """Article id → its mentions, those of all versions, in the order of their ids."""
    rows = _select(
        database,
        ", ".join(f"m.{column}" for column in (*_KNOWN_COLUMNS, "block")),
        "FROM mentions AS m WHERE m.article_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY m.mention_id",
        list(article_ids),
    )
    found: dict[str, list[StoredMention]] = {}
    for mention, (*known, block) in rows:
        found.setdefault(mention.document_id, []).append(StoredMention(mention, Known(*known), block))
    return found


def remove(database: Database, mention_ids: Sequence[str]) -> None:
    """Delete mentions; for others that say the same in a later version or reading, in the same transaction."""
    database.execute(
        "DELETE FROM mentions WHERE mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [list(mention_ids)]
    )


def withdraw(database: Database, withdrawn: Mapping[str, date | None]) -> None:
    """Mark mentions as withdrawn: id → the day on which the version came that states them no longer."""
    database.update("mentions", ("mention_id", "withdrawn_on"), list(withdrawn.items()))


def add(
    database: Database,
    run_id: str,
    stated: Sequence[tuple[Mention, Known]],
    texts: Mapping[str, str],
    block_of: Callable[[Mention], str],
) -> None:
    """Insert the mentions that are not stored. `texts` are the texts that they quote, by article id."""
    rows = [
        (
            *_values(mention),
            *_quotes(mention),
            *(getattr(known, column) for column in _KNOWN_COLUMNS),
            *_passage(texts[mention.document_id], mention.trigger),
            block_of(mention),
            run_id,
        )
        for mention, known in stated
    ]
    database.insert("mentions", COLUMNS, rows, unless=("mention_id",))


def fill_contexts(database: Database) -> None:
    """Read what stands around mentions that were stored before that was kept."""
    lacking = [row[0] for row in database.execute("SELECT mention_id FROM mentions WHERE context_words IS NULL")]
    for some in batches(lacking, _TEXTS_AT_ONCE):
        with database.transaction():
            rows = database.execute(
                """
                SELECT m.mention_id, a.text, m.trigger_quote, m.trigger_start, m.trigger_end
                FROM mentions AS m JOIN articles AS a USING (article_id)
                WHERE m.mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))
                """,
                [some],
            )
            read = [(mention_id, *_passage(text, Quote(*place))) for mention_id, text, *place in rows]
            database.update("mentions", ("mention_id", *_PASSAGE_COLUMNS), read)


def _passage(text: str, trigger: Quote) -> tuple[str, str]:
    """The words and names around a trigger, in one text each: lists take ten times as long to read."""
    passage = read_passage(text, trigger.start, trigger.end)
    return " ".join(sorted(passage.words)), " ".join(sorted(passage.names))


def _values(mention: Mention) -> Iterator[object]:
    yield mention.id
    yield mention.document_id
    yield mention.action.value
    yield mention.status.value
    yield mention.country
    yield mention.service_canonical
    yield mention.actor_canonical
    yield None if mention.actor_kind is None else mention.actor_kind.value
    yield None if mention.scope_class is None else mention.scope_class.value
    yield mention.date_value
    yield [reason.value for reason in mention.reason_classes]
    yield mention.score
    yield dict(sorted(mention.scores.items()))
    yield mention.model
    yield mention.edition


def _quotes(mention: Mention) -> Iterator[object]:
    quotes = mention.quotes
    for field in FIELDS:
        quote = quotes.get(field)
        yield from (None, None, None) if quote is None else (quote.text, quote.start, quote.end)


def _select(database: Database, extra: str, rest: str, wanted: list[str]) -> Iterator[tuple[Mention, tuple[Any, ...]]]:
    names = (*_VALUE_COLUMNS, *_QUOTE_COLUMNS)
    columns = ", ".join(f"m.{name}" for name in names)
    for row in database.execute(f"SELECT {columns}, {extra} {rest}", [wanted]):
        yield read_mention(dict(zip(names, row, strict=False))), row[len(names) :]


def read_mention(row: Mapping[str, Any]) -> Mention:
    """A row of the table, by column name, as the mention that was stored."""
    quotes = {field: read_quote(row, field) for field in FIELDS}
    trigger, service = quotes["trigger"], quotes["service"]
    assert trigger is not None, "the column is NOT NULL"
    assert service is not None, "the column is NOT NULL"
    return Mention(
        document_id=row["article_id"],
        action=Action(row["action"]),
        status=Status(row["status"]),
        trigger=trigger,
        service=service,
        service_canonical=row["service_canonical"],
        country=row["country"],
        actor=quotes["actor"],
        actor_canonical=row["actor_canonical"],
        actor_kind=None if row["actor_kind"] is None else ActorKind(row["actor_kind"]),
        scope=quotes["scope"],
        scope_class=None if row["scope_class"] is None else ScopeClass(row["scope_class"]),
        date=quotes["date"],
        date_value=row["date_value"],
        reason=quotes["reason"],
        reason_classes=tuple(ReasonClass(value) for value in row["reason_classes"]),
        score=row["score"],
        scores=dict(row["scores"]),
        model=row["model"],
        edition=row["edition"],
    )


def read_quote(row: Mapping[str, Any], field: str) -> Quote | None:
    """The quote of `field` in a row of the table, None where the article does not state it."""
    quote, start, end = _COLUMNS_OF[field]
    return None if row[quote] is None else Quote(row[quote], row[start], row[end])
