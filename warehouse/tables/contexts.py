"""Mentions with their articles' circumstances, as the resolver reads them: those of some months, or of some happenings.

Only what resolving needs is read: of quotes the trigger and the scope, and no scores by field.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.types import (
    Action,
    ActorKind,
    Mention,
    MentionContext,
    Passage,
    Quote,
    ReasonClass,
    ScopeClass,
    Status,
)
from warehouse.database import Database

_MONTH = "coalesce(strftime(coalesce(m.reported_on, m.learned_on), '%Y-%m'), '')"

_QUERY = """
SELECT
    m.mention_id, e.happening_id, m.block, m.article_id, m.action, m.status, m.country, m.service_canonical,
    m.actor_canonical, m.actor_kind, m.scope_class, m.date_value, m.reason_classes, m.trigger_quote, m.trigger_start,
    m.trigger_end, m.scope_quote, m.scope_start, m.scope_end, m.score, m.model, m.edition, s.story_id, a.source_id,
    m.reported_on, coalesce(o.owner, a.source_id), m.learned_on, m.withdrawn_on, m.version, m.context_words,
    m.context_names, m.corrects
FROM wanted JOIN mentions AS m USING (mention_id)
    JOIN articles AS a USING (article_id)
    JOIN story_members AS s USING (article_id)
    LEFT JOIN sources AS o ON o.source_id = a.source_id
    LEFT JOIN event_mentions AS e USING (mention_id)
ORDER BY m.mention_id
"""

Placed = tuple[str | None, str, MentionContext]
"""The happening that a mention is stored in, if any; its block; and the mention."""


def since(database: Database, months: Mapping[str, str]) -> dict[str, Placed]:
    """Mention id → all mentions of some blocks, each block from its month (`YYYY-MM`) of publication on."""
    wanted = f"""
    WITH touched AS (SELECT unnest(?::JSON::VARCHAR[]) AS block, unnest(?::JSON::VARCHAR[]) AS month),
    wanted AS (SELECT m.mention_id FROM mentions AS m JOIN touched USING (block) WHERE {_MONTH} >= touched.month)
    """
    return _read(database.execute(wanted + _QUERY, [list(months), list(months.values())]))


def of_happenings(database: Database, happening_ids: Iterable[str]) -> dict[str, Placed]:
    """Mention id → all mentions of some happenings."""
    wanted = """
    WITH wanted AS (
        SELECT mention_id FROM event_mentions WHERE happening_id IN (SELECT unnest(?::JSON::VARCHAR[]))
    )
    """
    return _read(database.execute(wanted + _QUERY, [sorted(happening_ids)]))


def places(database: Database, mention_ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """Mention id, block and month of publication of those of the mentions that are stored."""
    return [
        (str(mention_id), str(block), str(month))
        for mention_id, block, month in database.execute(
            f"SELECT m.mention_id, m.block, {_MONTH} FROM mentions AS m "
            "WHERE m.mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [sorted(mention_ids)],
        )
    ]


def of_articles(database: Database, article_ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """Mention id, block and month of publication of the mentions of some articles."""
    return [
        (str(mention_id), str(block), str(month))
        for mention_id, block, month in database.execute(
            f"SELECT m.mention_id, m.block, {_MONTH} FROM mentions AS m "
            "WHERE m.article_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [sorted(article_ids)],
        )
    ]


def of_sources(database: Database, source_ids: Iterable[str]) -> list[str]:
    """The mentions of the articles of some sources."""
    rows = database.execute(
        "SELECT m.mention_id FROM mentions AS m JOIN articles AS a USING (article_id) "
        "WHERE a.source_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY 1",
        [sorted(source_ids)],
    )
    return [mention_id for (mention_id,) in rows]


def _read(rows: Iterable[tuple[Any, ...]]) -> dict[str, Placed]:
    return {row[0]: (row[1], row[2], _context(row)) for row in rows}


def _context(row: tuple[Any, ...]) -> MentionContext:
    (_, _, _, article_id, action, status, country, service, actor, kind, scope_class, date_value, reasons, *rest) = row
    (trigger, trigger_start, trigger_end, scope, scope_start, scope_end, score, model, edition, *where) = rest
    story_id, source_id, reported, owner, learned, withdrawn, version, words, names, corrects = where
    quote = Quote(trigger, trigger_start, trigger_end)
    mention = Mention(
        document_id=article_id,
        action=Action(action),
        status=Status(status),
        trigger=quote,
        service=quote,
        service_canonical=service,
        country=country,
        actor_canonical=actor,
        actor_kind=None if kind is None else ActorKind(kind),
        scope=None if scope is None else Quote(scope, scope_start, scope_end),
        scope_class=None if scope_class is None else ScopeClass(scope_class),
        date_value=date_value,
        reason_classes=tuple(map(ReasonClass, reasons)),
        score=score,
        model=model,
        edition=edition,
    )
    passage = Passage(frozenset(words or ()), frozenset(names or ()))
    return MentionContext(
        mention, article_id, story_id, source_id, reported, owner, learned, withdrawn, version, passage, corrects
    )
