"""A made-up warehouse for analysts, written by SQL straight into the real schema: skewed as news is.

Ten years of news. Events have from one to thousands of mentions, as many as chance makes of `1 / u`; services, actors,
scopes and sources follow Zipf's law, so the first of a thousand sources brings a tenth of all articles. Most reports
come within days of an event, some years later. Mentions are numbered by the day of their report: `load` brings those of
a range of numbers and makes the events that they touch anew, so the first call fills a warehouse and a further one is
what a run of the next days does to it. Every quote is the slice of the text that its offsets name.

What only the pipeline reads is left nearly empty: signatures of texts, the bands that find copies, words of context.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.analysis_sql import ARTICLES, BESIDE, CHANGES, EVENTS, MACROS, MENTIONS, OF_EVENTS, ONCE, PLAN, TOUCHED
from extractors.registries import bodies, countries, services
from pipeline.types import Source
from warehouse.database import Database
from warehouse.store import open_warehouse

SOURCES = 1000
DAYS = 3650
FIRST_DAY = "2015-11-22"
_PER_EVENT = 10
_MOST = 12_000
"""Mentions of the event that has most: with it, they have ten on average."""
_AHEAD_DAYS = 120
"""Events of so many more days are planned, for the runs that come later."""
_SILENT = 2_000
"""A day on which the greatest source brings nothing: an outage."""


class World:
    """A warehouse of `mentions` mentions at `path`, and the plan of what comes after them, kept beside it."""

    def __init__(self, path: Path, mentions: int) -> None:
        self.path = path
        self.mentions = mentions
        self._plan = path.with_suffix(".plan")

    def build(self, memory_limit: str = "6GB", tell: Callable[[str], None] = lambda _: None) -> None:
        """Make the warehouse, unless it is there."""
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._plan.unlink(missing_ok=True)
        building = self.path.with_suffix(".building")
        building.unlink(missing_ok=True)
        begun = time.monotonic()
        with open_warehouse(building, memory_limit=memory_limit) as warehouse:
            warehouse.sync_sources(_sources())
            warehouse.sync_registries(services(), bodies(), countries())
            database = warehouse._database
            self._attach(database)
            ahead = 1 + _AHEAD_DAYS / DAYS
            database.script(
                PLAN.format(
                    most=_MOST,
                    events=round(self.mentions / _PER_EVENT * ahead),
                    days=DAYS + _AHEAD_DAYS,
                    first_day=FIRST_DAY,
                )
            )
            tell(f"planned, {time.monotonic() - begun:.0f} s")
            step = 1_000_000
            for first in range(0, self.mentions, step):
                self._load_articles(database, first, min(first + step, self.mentions) - 1)
                tell(f"{first + step:,} mentions, {time.monotonic() - begun:.0f} s")
            database.script("CREATE OR REPLACE TEMP TABLE told AS SELECT i, event_id FROM plan.events")
            self._load_events(database, 0, self.mentions - 1)
            database.script(BESIDE)
            database.script("DETACH plan; CHECKPOINT")
        building.rename(self.path)
        tell(f"built in {time.monotonic() - begun:.0f} s")

    def load(self, database: Database, first: int, count: int) -> None:
        """Bring the mentions from number `first` on, in one transaction, as a run would."""
        self._attach(database)
        try:
            with database.transaction():
                self._load_articles(database, first, first + count - 1)
                self._load_events(database, first, first + count - 1)
        finally:
            database.script("DETACH plan")

    def _attach(self, database: Database) -> None:
        mode = " (READ_ONLY)" if self._plan.exists() else ""
        database.script(f"ATTACH '{self._plan}' AS plan{mode}")
        database.script(MACROS)

    def _load_articles(self, database: Database, first: int, last: int) -> None:
        database.script(ARTICLES.format(first=first, last=last, sources=SOURCES))
        database.script(MENTIONS.format())
        polled = max(3, self.mentions // 10 // DAYS)
        database.script(ONCE.format(last=last, polled=polled, first_day=FIRST_DAY, silent=_SILENT))

    def _load_events(self, database: Database, first: int, last: int) -> None:
        database.script(TOUCHED.format(last=last))
        for table in OF_EVENTS:
            database.script(f"DELETE FROM {table} WHERE event_id IN (SELECT event_id FROM touched)")
        database.script(EVENTS.format(last=last))
        fields = database.connection.execute("SELECT after FROM changes LIMIT 0").description[0][1].children
        told = {"last_reported", "stories", "articles"}
        kept, few = (
            "{"
            + ", ".join(f"'{name}': {f'e.{name}' if name in some else 'NULL'}::{kind}" for name, kind in fields)
            + "}"
            for some in ({name for name, _ in fields}, told)
        )
        names = str([name for name, _ in fields])
        database.script(CHANGES.format(first=first, last=last, names=names, all=kept, some=few))
        database.script("DROP TABLE touched; DROP TABLE held; DROP TABLE told")


def _sources() -> list[Source]:
    return [
        Source(f"s{number}", f"Outlet {number}", f"https://s{number}.example/feed",
               country=("US", "GB", "IN")[number % 3], owner=f"Owner {number // 5}" if number % 5 < 3 else None)
        for number in range(SOURCES)
    ]  # fmt: skip


def as_run(database: Database, moment: datetime | None = None) -> str:
    """Name a further run and log it; returns its id."""
    moment = moment or datetime.now(UTC)
    run_id = moment.strftime("%Y%m%dT%H%M%S.%fZ")
    database.execute(
        "INSERT INTO runs (run_id, started_at, finished_at, status, mode, model, version, last_change) "
        "SELECT ?, ?, ?, 'finished', 'direct', 'made-up', '0', max(position) FROM changes",
        [run_id, moment.replace(tzinfo=None), moment.replace(tzinfo=None)],
    )
    return run_id
