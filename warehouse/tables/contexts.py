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

_COLUMNS = (
    "mention_id, block, article_id, action, status, country, service_canonical, actor_canonical, actor_kind, "
    "scope_class, date_value, array_to_string(reason_classes, ' '), trigger_quote, trigger_start, trigger_end, "
    "scope_quote, scope_start, scope_end, score, model, edition, reported_on, learned_on, withdrawn_on, version, "
    "context_words, context_names, corrects"
)
"""A list comes as text: that takes a fraction of the time."""

# A look into a dict takes a tenth of the time that the call of an enumeration does.
_ACTIONS = {one.value: one for one in Action}
_STATUSES = {one.value: one for one in Status}
_KINDS: dict[str | None, ActorKind | None] = {None: None} | {one.value: one for one in ActorKind}
_SCOPES: dict[str | None, ScopeClass | None] = {None: None} | {one.value: one for one in ScopeClass}

_IN = "IN (SELECT unnest(?::JSON::{}[]))"

Placed = tuple[str | None, str, MentionContext]
"""The happening that a mention is stored in, if any; its block; and the mention."""


def since(database: Database, months: Mapping[str, str]) -> dict[str, Placed]:
    """Mention id → all mentions of some blocks, each block from its month (`YYYY-MM`) of publication on."""
    key, _ = database.row_key("mention_id")
    rows = database.execute(
        f"""
        WITH touched AS (SELECT unnest(?::JSON::VARCHAR[]) AS block, unnest(?::JSON::VARCHAR[]) AS month)
        SELECT m.{key} FROM mentions AS m JOIN touched USING (block) WHERE {_MONTH} >= touched.month
        """,
        [list(months), list(months.values())],
    )
    found = _rows(database, [row for (row,) in rows])
    placed = database.execute(
        f"SELECT mention_id, happening_id FROM event_mentions WHERE mention_id {_IN.format('VARCHAR')}", [list(found)]
    )
    return _read(database, found, dict(placed))


def of_happenings(database: Database, happening_ids: Iterable[str]) -> dict[str, Placed]:
    """Mention id → all mentions of some happenings."""
    wanted = sorted(happening_ids)
    if not wanted:
        return {}
    placed = dict(
        database.execute(
            f"SELECT mention_id, happening_id FROM event_mentions WHERE happening_id {_IN.format('VARCHAR')}", [wanted]
        )
    )
    key, _ = database.row_key("mention_id")
    rows = database.execute(f"SELECT {key} FROM mentions WHERE mention_id {_IN.format('VARCHAR')}", [list(placed)])
    return _read(database, _rows(database, [row for (row,) in rows]), placed)


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


def _rows(database: Database, rows: list[Any]) -> dict[str, tuple[Any, ...]]:
    """Mention id → what is needed of the mention, by the numbers of rows: a join by ids would read all rows of all
    these columns."""
    key, kind = database.row_key("mention_id")
    wanted = database.execute(f"SELECT {_COLUMNS} FROM mentions WHERE {key} {_IN.format(kind)}", [sorted(rows)])
    return {row[0]: row for row in wanted}


def _read(
    database: Database, rows: Mapping[str, tuple[Any, ...]], placed: Mapping[str, str | None]
) -> dict[str, Placed]:
    article_ids = [sorted({row[2] for row in rows.values()})]
    story_of = dict(
        database.execute(
            f"SELECT article_id, story_id FROM story_members WHERE article_id {_IN.format('VARCHAR')}", article_ids
        )
    )
    source_of = dict(
        database.execute(
            f"SELECT article_id, source_id FROM articles WHERE article_id {_IN.format('VARCHAR')}", article_ids
        )
    )
    owners: dict[str, str] = dict(database.execute("SELECT source_id, owner FROM sources WHERE owner IS NOT NULL"))
    found: dict[str, Placed] = {}
    for mention_id, row in sorted(rows.items()):
        source_id = source_of[row[2]]
        context = _context(row, story_of[row[2]], source_id, owners.get(source_id) or source_id)
        found[mention_id] = placed.get(mention_id), row[1], context
    return found


def _context(row: tuple[Any, ...], story_id: str, source_id: str, owner: str) -> MentionContext:
    (_, _, article_id, action, status, country, service, actor, kind, scope_class, date_value, reasons, *rest) = row
    (trigger, trigger_start, trigger_end, scope, scope_start, scope_end, score, model, edition, *when) = rest
    reported, learned, withdrawn, version, words, names, corrects = when
    quote = Quote(trigger, trigger_start, trigger_end)
    mention = Mention(
        document_id=article_id,
        action=_ACTIONS[action],
        status=_STATUSES[status],
        trigger=quote,
        service=quote,
        service_canonical=service,
        country=country,
        actor_canonical=actor,
        actor_kind=_KINDS[kind],
        scope=None if scope is None else Quote(scope, scope_start, scope_end),
        scope_class=_SCOPES[scope_class],
        date_value=date_value,
        reason_classes=tuple(map(ReasonClass, reasons.split())),
        score=score,
        model=model,
        edition=edition,
    )
    passage = Passage(frozenset((words or "").split()), frozenset((names or "").split()))
    return MentionContext(
        mention, article_id, story_id, source_id, reported, owner, learned, withdrawn, version, passage, corrects
    )
