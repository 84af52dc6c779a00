"""Made-up changes, tellings and published runs for the tests of the digest."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse_material import START, article, begin, entry, mention, poll, result

from pipeline.types import Action, ActorKind, Entry, EntryResult, Quote, ReasonClass, ScopeClass, Side, Status
from warehouse.event_list import EventRow
from warehouse.news import Change, Telling
from warehouse.store import open_warehouse
from warehouse.tables.changes import Kind

LEARNED = date(2026, 11, 21)

EVENT = EventRow(
    id="0123456789abcdef0123",
    action=Action.BLOCK,
    side=Side.RESTRICTING,
    status=Status.IN_FORCE,
    country="IT",
    service="DeepSeek",
    actor="Garante per la protezione dei dati personali",
    actor_kind=ActorKind.DATA_PROTECTION,
    scope="all staff",
    scope_class=ScopeClass.WORKPLACE,
    date_value="2026-11-20",
    date_from=date(2026, 11, 20),
    date_to=date(2026, 11, 20),
    lifted=False,
    reason_classes=(ReasonClass.PRIVACY,),
    first_reported=date(2026, 11, 20),
    last_reported=date(2026, 11, 21),
    voices=2,
    stories=2,
    articles=3,
    score=0.9,
    why="2 mentions in 2 stories",
    learned_on=LEARNED,
    retracted=False,
    dismissed=False,
)


def change(
    before: EventRow | None,
    after: EventRow | None,
    kind: Kind = Kind.CHANGED,
    steps: tuple[str, ...] = (),
    newest: date | None = LEARNED,
) -> Change:
    event = after or before
    assert event is not None
    if before is None and kind is Kind.CHANGED:
        kind = Kind.APPEARED
    return Change(event.id, kind, before, after, frozenset(), steps, (), newest)


def telling(quote: str, title: str = "A title", url: str = "https://alpha.example/news/1", **other: Any) -> Telling:
    made = Telling(
        "mention", "article", 1, Quote(quote, 0, len(quote)), title, url, "Alpha Gazette", "alpha",
        date(2026, 11, 20), LEARNED, None, 0.9,
    )  # fmt: skip
    return replace(made, **other)


Told = tuple[Entry, EntryResult]


def told(number: int, country: str = "IT", service: str = "DeepSeek", source: str = "alpha", **said: Any) -> Told:
    """The entry of that number, and how it ends: with one mention, of which `said` is true."""
    of = entry(number, source, day=date(2025, 2, 9))
    read = article(of, country, service)
    return of, result(of, read, [mention(read, country, service, **said)])


def publish(folder: Path, hours: int, *some: Told) -> datetime:
    """A run that began so many hours after START, read these and published. Returns when it ended."""
    begun = START + timedelta(hours=hours)
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        run_id = warehouse.run_id(begun)
        begin(warehouse, run_id, hours)
        for source in sorted({of.source_id for of, _ in some}):
            warehouse.store_polls(run_id, [poll(source, [of for of, _ in some if of.source_id == source])])
        warehouse.store_batch(run_id, [ended for _, ended in some])
        ended = begun + timedelta(minutes=30)
        warehouse.finish_run(run_id, ended, "finished")
        warehouse.publish(folder / "published", manifest={"model": "made-up-1"})
    return ended
