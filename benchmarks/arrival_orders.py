"""Whether the order in which articles arrive changes what the warehouse holds in the end.

The labelled articles of `benchmarks/told/` are stored in a real warehouse with their labelled mentions, in many random
orders and batches of random sizes, and everything that is made of them – stories, happenings, events, their mentions,
transitions and open questions – is compared.

    python -m benchmarks.arrival_orders --orders 50
    python -m benchmarks.arrival_orders --orders 3 --articles 200 --seed 7
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.gold import GoldMention, mentions
from benchmarks.told_once import ToldArticle, load
from pipeline.stories import sign
from pipeline.types import (
    Article,
    DateBasis,
    Entry,
    EntryResult,
    FeedOutcome,
    FeedState,
    Outcome,
    Poll,
    Source,
    Stamp,
    TextOrigin,
)
from warehouse.reader import open_reader
from warehouse.store import Warehouse, open_warehouse

TABLES = (
    "articles", "story_members", "mentions", "happenings", "events", "event_mentions", "event_transitions",
    "event_history", "transition_history", "unsure_pairs",
)  # fmt: skip
START = datetime(2026, 6, 1, tzinfo=UTC)
MOST_AT_ONCE = 120
LEFT_OUT = {"run_id", "first_run_id", "changed_run_id", "position", "archive_part", "archive_offset"}
"""Columns that name a run, or the place in a list."""


def results_of(told: Sequence[ToldArticle]) -> tuple[list[Source], list[Entry], dict[str, EntryResult]]:
    """Return sources, entries and, by entry id, the results that a faultless reading of the articles gives."""
    found: dict[str, list[GoldMention]] = {}
    for one in mentions(list(told)):
        found.setdefault(one.article.id, []).append(one)
    sources = {
        one.outlet: Source(_slug(one.outlet), one.outlet, f"https://{_slug(one.outlet)}.example/feed", owner=one.owner)
        for one in told
    }
    entries, results = [], {}
    for number, one in enumerate(told):
        source_id = sources[one.outlet].id
        url = f"https://{source_id}.example/{one.id}"
        stamp = None if one.published is None else Stamp(one.published, DateBasis.FEED)
        entry = Entry(source_id, one.id, url, url, one.title, published=stamp)
        article = Article(
            canonical_url=url,
            url=url,
            source_id=source_id,
            title=one.title,
            text=one.text,
            text_origin=TextOrigin.PAGE,
            published=stamp,
            language="en",
            fetched_at=START + timedelta(hours=number),
        )
        body_hash, signature = sign(article.body)
        stated = tuple(replace(gold.context.mention, document_id=article.id) for gold in found.get(one.id, ()))
        entries.append(entry)
        results[entry.id] = EntryResult(
            entry.id,
            Outcome.EVENTS if stated else Outcome.NO_EVENT,
            article=article,
            signature=signature,
            body_hash=body_hash,
            mentions=stated,
        )
    return list(sources.values()), entries, results


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())


def fill(
    warehouse: Warehouse, told: tuple[list[Source], list[Entry], dict[str, EntryResult]], rng: random.Random | None
) -> None:
    """Store the articles in the order in which they come or, with dice, in another and in batches of any size."""
    sources, entries, results = told
    warehouse.sync_sources(sources)
    warehouse.begin_run("run-1", START, mode="benchmark", model="labels", version="0")
    for source in sources:
        some = tuple(entry for entry in entries if entry.source_id == source.id)
        state = FeedState(source.id)
        warehouse.store_polls("run-1", [Poll(source.id, FeedOutcome.OK, state=state, entries=some, fetched_at=START)])
    order = [results[entry.id] for entry in entries]
    if rng is not None:
        rng.shuffle(order)
    while order:
        size = MOST_AT_ONCE if rng is None else rng.randint(1, MOST_AT_ONCE)
        warehouse.store_batch("run-1", order[:size])
        order = order[size:]


def digest(path: Path) -> dict[str, str]:
    """Table → a digest of its rows, sorted, without the columns that tell of runs."""
    found = {}
    with open_reader(path) as reader:
        for table in TABLES:
            names = ", ".join(f'"{name}"' for name in reader.columns(table) if name not in LEFT_OUT)
            rows = sorted(map(repr, reader.rows(f'SELECT {names} FROM "{table}"')))
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def orders(told: Sequence[ToldArticle], count: int, seed: int, folder: Path) -> list[str]:
    """Store the articles once as they come and `count` times shuffled. Returns the differences, in words."""
    material = results_of(told)
    differences = []
    expected: dict[str, str] = {}
    for number in range(count + 1):
        path = folder / f"{number}.duckdb"
        began = time.monotonic()
        with open_warehouse(path) as warehouse:
            fill(warehouse, material, random.Random(seed + number) if number else None)
        found = digest(path)
        expected = expected or found
        differences += [f"order {number}: {table} differs" for table in TABLES if found[table] != expected[table]]
        if number > 1:
            path.unlink()
        print(f"order {number}: {time.monotonic() - began:.1f} s, {len(differences)} differences", flush=True)
    return differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs, and the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=50)
    parser.add_argument("--articles", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    told = load()
    if given.articles is not None:
        told = random.Random(given.seed).sample(told, given.articles)
    with tempfile.TemporaryDirectory() as folder:
        differences = orders(told, given.orders, given.seed, Path(folder))
    for one in differences:
        print(one)
    print(f"{len(told)} articles in {given.orders} orders: {len(differences)} tables differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
