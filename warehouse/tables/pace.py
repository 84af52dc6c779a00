"""Table `source_pace`: how many items each source brings, and whether it has fallen silent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.silence import LONGEST_HISTORY, USUAL_PAUSE, History, learnt_per_week, silent_since
from warehouse.database import Database, from_utc, to_utc

COLUMNS = (
    "source_id", "polled_at", "last_item_at", "items_per_day", "learnt_per_week", "lag_seconds", "fell_silent_at",
)  # fmt: skip

# An item's time is that of its publication (a day alone counts as its midnight); where none is stated, or one that lies
# after the run that saw it first, it is the time of that run. The lag counts items that were published while their
# source was watched: the first poll of a feed, and a backfill, bring old ones.
_MEASURE = f"""
WITH asked AS (SELECT unnest(?::JSON::VARCHAR[]) AS source_id),
watched AS (
    SELECT source_id, min(started_at) AS since, max(started_at) AS until, any_value(s.items_per_week) AS stated
    FROM polls JOIN runs USING (run_id) JOIN asked USING (source_id) LEFT JOIN sources AS s USING (source_id)
    GROUP BY source_id
),
items AS (
    SELECT e.source_id, r.started_at AS seen_at, e.published_at,
           least(coalesce(e.published_at, CAST(e.published_on AS TIMESTAMP), r.started_at), r.started_at) AS came_at,
           came_at - lag(came_at) OVER (PARTITION BY e.source_id ORDER BY came_at) AS pause
    FROM entries AS e JOIN asked USING (source_id) JOIN runs AS r USING (run_id)
),
newest AS (SELECT source_id, max(came_at) AS last_at, min(came_at) AS first_at FROM items GROUP BY source_id)
SELECT
    w.source_id,
    any_value(w.since),
    any_value(w.until),
    any_value(w.stated),
    any_value(n.last_at),
    count(i.came_at) FILTER (
        WHERE i.came_at >= w.since AND i.came_at >= n.last_at - INTERVAL {int(LONGEST_HISTORY.total_seconds())} SECOND
    ),
    count(i.came_at) FILTER (WHERE i.came_at > w.until - INTERVAL 14 DAY)
        / greatest(1, any_value(epoch(w.until - greatest(w.until - INTERVAL 14 DAY, n.first_at))) / 86400),
    median(epoch(i.seen_at - i.published_at)) FILTER (
        WHERE i.published_at > w.since AND i.published_at <= i.seen_at AND i.published_at > w.until - INTERVAL 14 DAY
    ),
    (max(i.pause, {USUAL_PAUSE}) FILTER (
        WHERE i.came_at >= w.since AND i.came_at >= n.last_at - INTERVAL {int(LONGEST_HISTORY.total_seconds())} SECOND
    ))[{USUAL_PAUSE}]
FROM watched AS w LEFT JOIN newest AS n USING (source_id) LEFT JOIN items AS i USING (source_id)
GROUP BY w.source_id
ORDER BY w.source_id
"""


def refresh(database: Database, source_ids: Sequence[str]) -> None:
    """Measure these sources anew, from the polls and entries that are stored."""
    rows = [_row(row) for row in database.execute(_MEASURE, [list(source_ids)])]
    measured = [row[0] for row in rows]
    database.execute("DELETE FROM source_pace WHERE source_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [measured])
    database.insert("source_pace", COLUMNS, rows)


def _row(measured: Sequence[Any]) -> tuple[object, ...]:
    source_id, since, until, stated, last_item_at, items, per_day, lag, pause = measured
    history = History(_utc(since), _utc(until), from_utc(last_item_at), items, pause)
    learnt = learnt_per_week(history)
    silent = silent_since(history, learnt if stated is None else stated)
    return (source_id, until, last_item_at, per_day, learnt, lag, to_utc(silent))


def _utc(value: datetime) -> datetime:
    known = from_utc(value)
    assert known is not None, "a poll belongs to a run, and runs have a start"
    return known
