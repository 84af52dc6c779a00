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


def check(results: Sequence[EntryResult]) -> None:
    """Raise WarehouseError where an entry has two results."""
    if len({result.entry_id for result in results}) < len(results):
        raise WarehouseError("a batch holds two results of one entry")


def stand(database: Database, results: Sequence[EntryResult]) -> None:
    """Leave the outcomes of entries as they are, after revisits that brought nothing new; set the next revisit."""
    rows = [(result.entry_id, to_utc(result.revisit.again_at)) for result in results if result.revisit is not None]
    if database.update("outcomes", ("entry_id", "revisit_at"), rows) < len(rows):
        raise WarehouseError("an entry was revisited that was never discovered")
