"""What a run did, and whether the ledger balances."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import WarehouseError
from pipeline.types import FeedOutcome, Outcome, RevisitOutcome
from warehouse.database import Database, from_utc


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in numbers.

    `feeds` counts polls by outcome, `outcomes` the entries that this run tried by how they stand now, `new_events` the
    events that no earlier run knew, `revisits` how asking again for stored articles ended. `pending` counts entries
    that wait for their first outcome, `retrying` those that failed and will be tried again; both over all runs.
    `not_due` counts the sources that were left alone until `next_due_at` or later, `retired` those that an earlier poll
    found gone for good, `silent` names those that have brought nothing for longer than chance explains.
    """

    run_id: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    feeds: Mapping[FeedOutcome, int]
    discovered: int
    outcomes: Mapping[Outcome, int]
    new_events: int
    pending: int
    retrying: int
    not_due: int
    next_due_at: datetime | None
    retired: int
    silent: tuple[str, ...]
    revisits: Mapping[RevisitOutcome, int]


@dataclass(frozen=True, slots=True)
class Totals:
    """What is stored, over all runs; `pending` and `retrying` as in `RunSummary`."""

    events: int
    articles: int
    entries: int
    pending: int
    retrying: int


@dataclass(frozen=True, slots=True)
class LedgerBalance:
    """All entries against all outcomes: `missing` entries have none, `surplus` outcomes have no entry of their own."""

    discovered: int
    outcomes: Mapping[Outcome, int]
    missing: int
    surplus: int

    @property
    def balanced(self) -> bool:
        """Whether each entry has exactly one outcome."""
        return self.missing == 0 == self.surplus and self.discovered == sum(self.outcomes.values())


def of_run(database: Database, run_id: str) -> RunSummary:
    """The summary of a run, finished or not."""
    run = database.execute("SELECT status, started_at, finished_at FROM runs WHERE run_id = ?", [run_id])
    if not run:
        raise WarehouseError(f"run {run_id} was never begun")
    status, started_at, finished_at = run[0]
    started = from_utc(started_at)
    assert started is not None, "the column is NOT NULL"
    counts = database.execute(
        """
        SELECT (SELECT count(*) FROM entries WHERE run_id = $1),
               (SELECT count(*) FROM events WHERE first_run_id = $1),
               (SELECT count(*) FROM outcomes WHERE outcome = 'pending'),
               (SELECT count(*) FROM outcomes WHERE outcome <> 'pending' AND retry_at IS NOT NULL)
        """,
        [run_id],
    )
    discovered, new_events, pending, retrying = counts[0]
    feeds = database.execute("SELECT outcome, count(*) FROM polls WHERE run_id = ? GROUP BY ALL ORDER BY ALL", [run_id])
    revisits = database.execute(
        "SELECT outcome, count(*) FROM revisits WHERE run_id = ? GROUP BY ALL ORDER BY ALL", [run_id]
    )
    not_due, next_due_at, retired = database.execute(
        """
        SELECT count(*) FILTER (WHERE next_poll_at > $2), min(next_poll_at) FILTER (WHERE next_poll_at > $2),
               count(gone_at)
        FROM feed_states ANTI JOIN (FROM polls WHERE run_id = $1) AS polled USING (source_id)
        WHERE source_id IN (SELECT source_id FROM sources WHERE listed AND enabled)
        """,
        [run_id, started_at],
    )[0]
    silent = database.execute(
        """
        SELECT name FROM source_pace JOIN sources USING (source_id)
        WHERE fell_silent_at IS NOT NULL AND listed AND enabled ORDER BY fell_silent_at, name
        """
    )
    return RunSummary(
        run_id=run_id,
        status=status,
        started_at=started,
        finished_at=from_utc(finished_at),
        feeds={FeedOutcome(outcome): number for outcome, number in feeds},
        discovered=discovered,
        outcomes=_by_outcome(database, "WHERE run_id = ?", run_id),
        new_events=new_events,
        pending=pending,
        retrying=retrying,
        not_due=not_due,
        next_due_at=from_utc(next_due_at),
        retired=retired,
        silent=tuple(name for (name,) in silent),
        revisits={RevisitOutcome(outcome): number for outcome, number in revisits},
    )


def totals(database: Database) -> Totals:
    """Count what is stored."""
    counts = database.execute(
        """
        SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM articles), (SELECT count(*) FROM entries),
               (SELECT count(*) FROM outcomes WHERE outcome = 'pending'),
               (SELECT count(*) FROM outcomes WHERE outcome <> 'pending' AND retry_at IS NOT NULL)
        """
    )
    return Totals(*counts[0])


def balance(database: Database) -> LedgerBalance:
    """Count entries and outcomes independently of each other."""
    discovered, missing, surplus = database.execute(
        """
        SELECT (SELECT count(*) FROM entries),
               (SELECT count(*) FROM entries ANTI JOIN outcomes USING (entry_id)),
               (SELECT count(*) FROM outcomes)
                   - (SELECT count(*) FROM entries SEMI JOIN outcomes USING (entry_id))
        """
    )[0]
    return LedgerBalance(discovered, _by_outcome(database, ""), missing, surplus)


def _by_outcome(database: Database, where: str, *parameters: str) -> dict[Outcome, int]:
    rows = database.execute(f"SELECT outcome, count(*) FROM outcomes {where} GROUP BY ALL ORDER BY ALL", parameters)
    return {Outcome(outcome): number for outcome, number in rows}
