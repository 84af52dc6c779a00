"""What a person sees of the events that a question is about: what they say, and the mentions that speak for them."""

from collections.abc import Sequence

from warehouse.dashboard.asking import Sql, filled
from warehouse.event_list import EVENT_COLUMNS


def rows(event_ids: Sequence[str]) -> Sql:
    """These events: EVENT_COLUMNS."""
    return filled(
        "SELECT $columns FROM events WHERE event_id IN (SELECT unnest($ids)) ORDER BY event_id",
        columns=Sql(EVENT_COLUMNS),
        ids=list(event_ids),
    )


def shown(event_ids: Sequence[str], most: int) -> Sql:
    """The mentions that speak best for each of these events: event, mention, and how many mentions the event has.

    Of two events the mentions come first for which they were taken to be one; else, of each story one, those that score
    highest. What was withdrawn comes last.
    """
    return filled(
        """
        WITH held AS MATERIALIZED (
            SELECT event_id, mention_id FROM event_mentions WHERE event_id IN (SELECT unnest($ids))
        ),
        near AS (
            SELECT unnest(arg_max([u.mention_a, u.mention_b], u.points)) AS mention_id
            FROM unsure_pairs AS u JOIN held AS a ON a.mention_id = u.mention_a
                JOIN held AS b ON b.mention_id = u.mention_b
            WHERE a.event_id <> b.event_id
        ),
        said AS MATERIALIZED (
            SELECT mention_id, article_id, score, withdrawn_on IS NULL AS stands FROM mentions
            WHERE mention_id IN (SELECT mention_id FROM held)
        ),
        placed AS (
            SELECT article_id, story_id FROM story_members WHERE article_id IN (SELECT article_id FROM said)
        ),
        ranked AS (
            SELECT event_id, mention_id, mention_id IN (FROM near) AS is_near, stands, score,
                count(*) OVER (PARTITION BY event_id) AS mentions,
                row_number() OVER (
                    PARTITION BY event_id, story_id ORDER BY stands DESC, score DESC, mention_id
                ) AS place
            FROM held JOIN said USING (mention_id) JOIN placed USING (article_id)
        )
        SELECT event_id, mention_id, mentions FROM ranked
        WHERE place = 1 OR is_near
        QUALIFY row_number() OVER (
            PARTITION BY event_id ORDER BY is_near DESC, stands DESC, score DESC, mention_id
        ) <= $most
        ORDER BY event_id, is_near DESC, stands DESC, score DESC, mention_id
        """,
        ids=list(event_ids),
        most=most,
    )
