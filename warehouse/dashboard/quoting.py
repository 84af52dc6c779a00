"""Words for events in lists: of each the quote that states it best, out of its first mentions."""

from collections.abc import Sequence
from typing import Final

from warehouse.dashboard.asking import Sql, filled

_MENTIONS: Final = 8
"""Mentions of an event that are looked at, the first: some have thousands."""


def quotes(event_ids: Sequence[str]) -> Sql:
    """Rows of event id, quote, and where it stands: article id, version, first and last offset in that version."""
    return filled(
        """
        WITH asked AS MATERIALIZED (
            SELECT event_id, mention_id FROM event_mentions
            WHERE event_id IN (SELECT unnest($ids)) AND position < $mentions
        ),
        saying AS MATERIALIZED (
            SELECT mention_id, article_id, version, trigger_quote, trigger_start, trigger_end, score FROM mentions
            WHERE rowid IN (SELECT rowid FROM mentions WHERE mention_id IN (SELECT mention_id FROM asked))
                AND withdrawn_on IS NULL
        ),
        best AS (
            SELECT event_id, arg_min(saying, row(-score, mention_id)) AS said
            FROM asked JOIN saying USING (mention_id)
            GROUP BY event_id
        )
        SELECT event_id, said.trigger_quote AS quote, said.article_id, said.version, said.trigger_start,
            said.trigger_end
        FROM best
        ORDER BY event_id
        """,
        ids=list(event_ids),
        mentions=_MENTIONS,
    )
