"""The check of the log of changes against the events: whoever has followed it has them."""

from warehouse.audit import Asked, Finding
from warehouse.tables.changes import GONE

_UNFOLLOWED = ("event_id", "changed_run_id")
"""Columns of `events` that no change has as a field: the log's own columns tell them."""


def look(asked: Asked, finding: Finding) -> None:
    """Follow the log to its end and compare. A snapshot of an earlier program has none."""
    if not asked.has("changes"):
        finding.note("there is no log of changes")
        return
    finding.look(asked.count("changes"))
    asked.wrong(
        finding,
        "SELECT min(position), max(position), count(*) FROM changes "
        "HAVING min(position) <> 1 OR max(position) <> count(*)",
        "changes go from {} to {}, but are {}",
    )
    fields = [name for name in asked.columns["events"] if name not in _UNFOLLOWED]
    last = ", ".join(
        f"arg_max({{'value': after.\"{name}\"}}, position) FILTER (list_contains(fields, '{name}')) AS \"{name}\""
        for name in fields
    )
    differs = " OR ".join(f'l."{name}".value IS DISTINCT FROM e."{name}"' for name in fields)
    gone = ", ".join(f"'{kind.value}'" for kind in GONE)
    asked.wrong(
        finding,
        f"""
        SELECT coalesce(l.event_id, e.event_id)
        FROM (
            SELECT event_id, arg_max(run_id, position) AS changed_run_id, {last}
            FROM changes GROUP BY event_id HAVING arg_max(kind, position) NOT IN ({gone})
        ) AS l FULL JOIN events AS e ON e.event_id = l.event_id
        WHERE l.event_id IS NULL OR e.event_id IS NULL OR l.changed_run_id <> e.changed_run_id OR {differs}
        """,
        "event {}: it is not what its changes made of it",
    )
    asked.wrong(
        finding,
        """
        WITH told AS (
            SELECT event_id, mention_id FROM (
                SELECT event_id, unnest(arrived) AS mention_id, 1 AS step FROM changes
                UNION ALL
                SELECT event_id, unnest(departed), -1 FROM changes
            )
            GROUP BY ALL HAVING sum(step) <> 0
        )
        SELECT DISTINCT coalesce(t.event_id, m.event_id)
        FROM told AS t FULL JOIN event_mentions AS m ON m.event_id = t.event_id AND m.mention_id = t.mention_id
        WHERE t.event_id IS NULL OR m.event_id IS NULL
        """,
        "event {}: its mentions are not those that came and stayed",
    )
