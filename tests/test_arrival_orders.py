"""The order in which articles arrive, and the batches in which they are stored, change nothing. See the benchmark."""

import random
from pathlib import Path

from benchmarks.arrival_orders import TABLES, digest, fill, orders, results_of
from benchmarks.told_once import load
from warehouse.store import open_warehouse


def test_the_labelled_articles_in_shuffled_orders_give_equal_tables(tmp_path: Path) -> None:
    told = random.Random(11).sample(load(), 80)
    assert orders(told, 2, 5, tmp_path) == []


def test_the_comparison_sees_what_differs(tmp_path: Path) -> None:
    told = load()[:30]
    digests = []
    for number, some in enumerate((told, told[:-1])):
        path = tmp_path / f"{number}.duckdb"
        with open_warehouse(path) as warehouse:
            fill(warehouse, results_of(some), None)
        digests.append(digest(path))
    assert set(digests[0]) == set(TABLES)
    assert digests[0]["events"] != digests[1]["events"]
