"""Table `outcomes`: the ledger, one row per entry."""

from collections.abc import Mapping, Sequence

from pipeline.errors import WarehouseError
from pipeline.types import EntryResult
from warehouse.database import Database, to_utc
from warehouse.tables import refs

COLUMNS = ("entry_id", "outcome", "detail", "attempts", "retry_at", "article_id", *refs.COLUMNS, "run_id")


def replace(database: Database, run_id: str, results: Sequence[EntryResult], articles: Mapping[str, str]) -> None:
    """Set each entry's outcome. `articles` gives article ids by entry id.

    An attempt is counted once per run, so that storing a batch twice counts it once.
    """
    ids = [result.entry_id for result in results]
    if len(set(ids)) < len(ids):
        raise WarehouseError("a batch holds two results of one entry")
    stored = {
        entry_id: (attempts, last_run)
        for entry_id, attempts, last_run in database.execute(
            "SELECT entry_id, attempts, run_id FROM outcomes WHERE entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [ids],
        )
    }
    rows = []
    for result in results:
        if result.entry_id not in stored:
            raise WarehouseError(f"entry {result.entry_id} has a result but was never discovered")
        attempts, last_run = stored[result.entry_id]
        attempts += last_run != run_id
        rows.append(
            (
                result.entry_id,
                result.outcome.value,
                result.detail,
                attempts,
                to_utc(result.retry_at),
                articles.get(result.entry_id),
                *refs.to_columns(result.archived),
                run_id,
            )
        )
    database.execute("DELETE FROM outcomes WHERE entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [ids])
    database.insert("outcomes", COLUMNS, rows)
