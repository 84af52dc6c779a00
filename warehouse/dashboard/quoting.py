"""Words for events in lists: of each the quote that states it best, out of its first mentions."""

from collections.abc import Sequence
from typing import Final

from warehouse.dashboard.asking import Sql, filled

_MENTIONS: Final = 8
"""Mentions of an event that are looked at, the first: some have thousands."""

_ADDRESSES: Final = 4


def quotes(event_ids: Sequence[str], *, addresses: bool = False) -> Sql:
    """Rows of event id, quote, and addresses of a few of its articles: an empty list unless `addresses` are wanted."""
    wanted = Sql(f"list(DISTINCT url ORDER BY url)[:{_ADDRESSES}]") if addresses else Sql("[]::VARCHAR[]")
    source = Sql(
        "LEFT JOIN (FROM articles WHERE article_id IN (SELECT article_id FROM saying)) USING (article_id)"
        if addresses
        else ""
    )
    return filled(
        """
        WITH asked AS MATERIALIZED (
            SELECT event_id, mention_id FROM event_mentions
            WHERE event_id IN (SELECT unnest($ids)) AND position < $mentions
        ),
        saying AS MATERIALIZED (
            SELECT mention_id, article_id, trigger_quote, score FROM mentions
            WHERE mention_id IN (SELECT mention_id FROM asked) AND withdrawn_on IS NULL
        )
        SELECT event_id, max_by(trigger_quote, score) AS quote, $wanted AS addresses
        FROM asked JOIN saying USING (mention_id) $source
        GROUP BY event_id
        ORDER BY event_id
        """,
        ids=list(event_ids),
        mentions=_MENTIONS,
        wanted=wanted,
        source=source,
    )
