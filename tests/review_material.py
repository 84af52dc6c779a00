"""A few reports that leave questions to people, and a data folder that holds what runs made of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import warehouse_material as material
from warehouse_material import START, article, entry, mention, poll, result

from pipeline.decision_archive import DecisionArchive
from pipeline.types import Action, Entry, EntryResult, Mention
from warehouse.query import connect_snapshot
from warehouse.store import open_warehouse


def tell(
    number: int, source: str, country: str, service: str, verb: str, day: date, action: Action,
    value: str | None, **rest: Any,
) -> tuple[Entry, EntryResult]:  # fmt: skip
    """An article of `source`, published on `day`, that tells of one measure."""
    listed = entry(number, source, day)
    read = article(listed, country, service, verb)
    found: Mention = mention(read, country, service, verb, action=action, date_value=value)
    return listed, result(listed, read, [replace(found, **rest)])


def told() -> list[tuple[Entry, EntryResult]]:
    """A ban and a probe, which the machine never takes for one; a block that stories date differently; a weak one."""
    return [
        tell(1, "alpha", "AU", "TikTok", "banned", date(2025, 2, 7), Action.BAN, "2025-02-05"),
        tell(2, "beta", "AU", "TikTok", "probed", date(2025, 2, 17), Action.INVESTIGATE, "2025-02-13"),
        tell(3, "alpha", "KR", "DeepSeek", "blocked", date(2025, 2, 6), Action.BLOCK, "2025-02-06"),
        tell(4, "beta", "KR", "DeepSeek", "blocked", date(2025, 2, 7), Action.BLOCK, "2025-02-05"),
        tell(5, "alpha", "IT", "DeepSeek", "restricted", date(2025, 2, 10), Action.LIMIT, "2025-02-09", score=0.4),
    ]


def fill(folder: Path, run_id: str, some: Sequence[tuple[Entry, EntryResult]], *, publish: bool = True) -> None:
    """A run that takes over what was decided, brings some articles, and publishes."""
    archive = DecisionArchive(folder / "archive")
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        material.begin(warehouse, run_id)
        warehouse.decide(run_id, archive.unread(warehouse.decision_ids())[0])
        for source in ("alpha", "beta"):
            warehouse.store_polls(run_id, [poll(source, [one for one, _ in some if one.source_id == source])])
        for _, one in some:
            warehouse.store_batch(run_id, [one])
        warehouse.finish_run(run_id, START, "finished")
        if publish:
            warehouse.publish(folder / "published", manifest={"model": "made-up-1", "version": "0"})


def ask(data: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect_snapshot(data / "published") as reader:
        return reader.rows(sql)


def event_of(data: Path, action: str) -> str:
    ((event_id,),) = ask(data, f"SELECT event_id FROM events WHERE action = '{action}'")
    return str(event_id)


def url_of(data: Path, date_value: str) -> str:
    """The address of the one article that states a date."""
    ((url,),) = ask(
        data, f"SELECT url FROM articles JOIN mentions USING (article_id) WHERE date_value = '{date_value}'"
    )
    return str(url)
