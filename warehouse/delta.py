"""What has changed in a table or view of events since a run, a time or a place in the log of changes."""

from collections.abc import Sequence

import duckdb

from pipeline.errors import InputError
from warehouse.reader import Reader

LOG = "changes"
_MACRO = "changes_since"
_KEY_COLUMNS = 5

ADDED = {
    "change": "appeared, changed or gone: then there is no such row now, and its other columns are NULL.",
    "kind": "What has become of the event, as in changes_since.",
    "former_id": "The id that the event had then, where that was another.",
    "other_id": "The event that it was merged into or split from; NULL if it was neither.",
    "changed_at": "When the run that made the last of its changes began, UTC.",
}
"""Name → comment of the columns that stand before those of the table or view."""


def changed_sql(reader: Reader, name: str, columns: Sequence[str], since: str | int) -> tuple[str, dict[str, str]]:
    """The question for the rows of `name` whose events changed after `since`, and the comments on the columns it adds.

    `since` is what the macro changes_since takes: the id of a run, a day or time, or a position in `changes`. For the
    log itself that macro's own rows are what has changed. Raises InputError where rows can't be told by event.
    """
    if LOG not in reader.tables() or _MACRO not in reader.macros():
        raise InputError("this snapshot has no log of changes", hint="It is published anew by `clampdown run`.")
    if "event_id" not in columns:
        raise InputError(
            f"changes are followed by event, and {name} has no column event_id",
            hint="Choose events, restrictions, event_transitions, evidence … or the log itself, changes.",
        )
    literal = str(since) if isinstance(since, int) else "'" + since.replace("'", "''") + "'"
    log = f"FROM {_MACRO}({literal})"
    try:
        # Where `since` is nothing that the log knows, say so before anything is written.
        reader.connection.execute(f"SELECT count(*) {log}").fetchall()
    except (duckdb.InvalidInputException, duckdb.ParserException) as error:
        raise InputError(
            f"{since!r} is no run, day, time, position in {LOG} or manifest",
            hint='`clampdown sql "FROM runs"` lists runs.',
        ) from error
    if name == LOG:
        return log, {}
    keys = range(len(ADDED) + 1, len(ADDED) + 1 + min(_KEY_COLUMNS, len(columns)))
    return (
        f"""SELECT
    CASE WHEN r.event_id IS NULL THEN 'gone' WHEN n.before IS NULL THEN 'appeared' ELSE 'changed' END AS change,
    n.kind,
    n.former_id,
    n.other_id,
    n.changed_at,
    r.* REPLACE (n.event_id AS event_id)
{log} AS n LEFT JOIN "{name}" AS r ON r.event_id = n.event_id
WHERE r.event_id IS NOT NULL OR n.before IS NOT NULL
ORDER BY n.event_id, {", ".join(f"{key} NULLS LAST" for key in keys)}""",
        ADDED,
    )
