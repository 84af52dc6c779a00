"""What has changed in a table or view of events since a run, a time or a place in the log of changes."""

from collections.abc import Sequence

from pipeline.errors import InputError
from warehouse.reader import Reader
from warehouse.sql import as_input_error

LOG = "changes"
_NEW = "('appeared', 'split', 'continued')"
_KEY_COLUMNS = 5

ADDED = {
    "change": "appeared, changed, gone (there is no such row now; it may have gone on as other_id) or present (it was "
    "there when the log of changes began, after the day or run that was asked for).",
    "kinds": "All that happened to the event since, in order, as in changes.kind.",
    "changed_at": "When the last of this was stored, UTC.",
    "other_id": "The other event that the last of this speaks of, as in changes.other_id; NULL if it speaks of none.",
}
"""Name → comment of the columns that stand before those of the table or view."""


def changed_sql(reader: Reader, name: str, columns: Sequence[str], since: str | int) -> tuple[str, dict[str, str]]:
    """The question for the rows of `name` whose events changed after `since`, and the comments on the columns it adds.

    `since` is the id of a run, a day or time, or a position in `changes`. An event that came and went in between is
    left out. The log itself is asked as it is. Raises InputError where rows can't be told by event.
    """
    if LOG not in reader.tables():
        raise InputError("this snapshot has no log of changes", hint="Publish it anew: `clampdown run`.")
    if "event_id" not in columns:
        raise InputError(
            f"changes are followed by event, and {name} has no column event_id",
            hint="Choose events, restrictions, mentions of events (event_mentions) or the log itself (changes).",
        )
    literal = str(since) if isinstance(since, int) else "'" + since.replace("'", "''") + "'"
    log = f"FROM changes_since({literal})"
    with as_input_error(reader, log):
        # Where `since` is nothing that the log knows, say so before anything is written.
        reader.connection.execute(f"SELECT count(*) {log}").fetchall()
    if name == LOG:
        return f"{log} ORDER BY position", {}
    return _net(log, name, len(columns)), ADDED


def _net(log: str, name: str, width: int) -> str:
    keys = range(len(ADDED) + 1, len(ADDED) + 1 + min(_KEY_COLUMNS, width))
    return f"""
WITH net AS (
    SELECT
        event_id,
        arg_min(kind, position) AS first_kind,
        list(kind ORDER BY position) AS kinds,
        max(changed_at) AS changed_at,
        arg_max({{'id': other_id}}, position).id AS other_id
    FROM (SELECT event_id, kind, position, changed_at, other_id {log})
    GROUP BY event_id
)
SELECT
    CASE
        WHEN r.event_id IS NULL THEN 'gone'
        WHEN n.first_kind IN {_NEW} THEN 'appeared'
        WHEN n.first_kind = 'present' THEN 'present'
        ELSE 'changed'
    END AS change,
    n.kinds,
    n.changed_at,
    n.other_id,
    r.* REPLACE (n.event_id AS event_id)
FROM net AS n LEFT JOIN "{name}" AS r ON r.event_id = n.event_id
WHERE r.event_id IS NOT NULL OR n.first_kind NOT IN {_NEW}
ORDER BY n.event_id, {", ".join(f"{key} NULLS LAST" for key in keys)}
"""
