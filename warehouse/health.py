"""How each source fares, from the live warehouse while nobody writes to it, else from the published snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, WarehouseError
from pipeline.settings import WarehouseSettings
from pipeline.types import FeedOutcome
from warehouse import views
from warehouse.database import Database, from_utc
from warehouse.query import connect_snapshot
from warehouse.reader import open_reader

VIEW = "source_health"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One row of the view `source_health`, whose comments say what each field means."""

    source_id: str
    name: str
    state: str
    last_outcome: FeedOutcome | None
    failures: int
    error: str | None
    last_poll_at: datetime | None
    last_answer_at: datetime | None
    next_poll_at: datetime | None
    gone_at: datetime | None
    moved_to: str | None
    items_per_day: float | None
    items_per_week: float | None
    learnt_per_week: float | None
    last_item_at: datetime | None
    silent_since: datetime | None
    lag_seconds: float | None
    language: str | None

    @property
    def expected_per_week(self) -> float | None:
        """Items a week to expect: what the operator stated, else what was learnt."""
        return self.learnt_per_week if self.items_per_week is None else self.items_per_week


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The health of sources by id. `busy` says that a run holds the warehouse: this is what it published last."""

    sources: Mapping[str, SourceHealth]
    busy: bool = False


def source_health(warehouse: Path, published: Path) -> HealthReport:
    """Return how each listed and enabled source fares. Before the first run there is nothing to tell.

    `warehouse` is the file, which is opened for reading only; where a run holds it, the snapshot in the folder
    `published` tells instead. Raises WarehouseError where neither can be read.
    """
    if not warehouse.exists():
        return HealthReport({})
    try:
        with open_reader(warehouse) as reader:
            return HealthReport(_rows(reader.rows, f"({views.question(VIEW)})"))
    except WarehouseError as locked:
        try:
            with connect_snapshot(published) as reader:
                return HealthReport(_rows(reader.rows, VIEW), busy=True)
        except (InputError, WarehouseError):
            raise locked from None


def lake_health(settings: WarehouseSettings) -> HealthReport:
    """As `source_health`, asked of a lake. Raises WarehouseError where it can't be read."""
    # What it imports is not installed with the base.
    from warehouse.lake import open_lake_reader

    with open_lake_reader(settings) as reader:
        return HealthReport(_rows(reader.rows, f"({views.question(VIEW)})"))


def of_open(database: Database) -> dict[str, SourceHealth]:
    """As `source_health`, asked of the warehouse by the one that has it open."""
    return _rows(database.execute, f"({views.question(VIEW)})")


def _rows(ask: Callable[[str], list[tuple[Any, ...]]], relation: str) -> dict[str, SourceHealth]:
    names = ", ".join(field.name for field in fields(SourceHealth))
    found = [_health(row) for row in ask(f"SELECT {names} FROM {relation} ORDER BY source_id")]
    return {health.source_id: health for health in found}


def _health(row: tuple[Any, ...]) -> SourceHealth:
    values: dict[str, Any] = {
        field.name: from_utc(value) if isinstance(value, datetime) else value
        for field, value in zip(fields(SourceHealth), row, strict=True)
    }
    if values["last_outcome"] is not None:
        values["last_outcome"] = FeedOutcome(values["last_outcome"])
    return SourceHealth(**values)
