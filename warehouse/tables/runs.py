"""Table `runs`: the log of runs."""

from datetime import datetime

from pipeline.errors import WarehouseError
from warehouse.database import Database, to_utc

RUNNING = "running"
INTERRUPTED = "interrupted"

_WRITER = "regexp_extract({}, '-w[0-9]+$')"
_INTERRUPT = f"""
UPDATE runs SET status = $1
WHERE status = $2 AND run_id <> $3 AND {_WRITER.format("run_id")} IN ('', {_WRITER.format("$3")})
"""

COLUMNS = ("run_id", "started_at", "finished_at", "status", "mode", "model", "version")


def begin(database: Database, run_id: str, started_at: datetime, *, mode: str, model: str, version: str) -> None:
    """Log a run as running, and earlier ones that never ended as interrupted. A run that still runs may begin again.

    Where there are several writers, only the runs of the same one have ended: see `pipeline.writers`.
    """
    stored = database.execute("SELECT status FROM runs WHERE run_id = ?", [run_id])
    if stored and stored[0][0] != RUNNING:
        raise WarehouseError(f"run {run_id} has already ended: {stored[0][0]}")
    with database.transaction():
        database.execute(_INTERRUPT, [INTERRUPTED, RUNNING, run_id])
        row = (run_id, to_utc(started_at), None, RUNNING, mode, model, version)
        database.insert("runs", COLUMNS, [row], unless=("run_id",))


def finish(database: Database, run_id: str, finished_at: datetime, status: str) -> None:
    """Log how a run ended."""
    with database.transaction():
        updated = database.execute(
            "UPDATE runs SET finished_at = ?, status = ?, "
            "last_change = (SELECT coalesce(max(position), 0) FROM changes) WHERE run_id = ?",
            [to_utc(finished_at), status, run_id],
        )
        if updated[0][0] == 0:
            raise WarehouseError(f"run {run_id} was never begun")


def order(database: Database) -> dict[str, int]:
    """Run id → its rank by start."""
    rows = database.execute("SELECT run_id FROM runs ORDER BY started_at, run_id")
    return {run_id: rank for rank, (run_id,) in enumerate(rows)}


def model(database: Database, run_id: str) -> str | None:
    """The revision of the model that a run read with; None where the run is not known."""
    rows = database.execute("SELECT model FROM runs WHERE run_id = ?", [run_id])
    return None if not rows or rows[0][0] is None else str(rows[0][0])
