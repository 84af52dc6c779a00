"""What placing a batch in its stories costs beside 100,000 and 1,000,000 stored articles.

    python -m benchmarks.story_scale [--articles 100000 1000000] [--folder DIR]

The stored articles are generated: incompressible texts of 2 kB over 20 years, signatures and bands of the real size. A
batch is of 300 words an article; one in ten is a copy of another one of the batch, and for each of them 2.4 stored
articles from anywhere share a band by chance: of 17,514 real feed items 375 pairs do and are no copies, 2.4 for each
article beside a million. Each batch is placed by a fresh process, as by a run that starts anew; the second one is what
later batches of the run cost.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipeline.stories import bands, sign
from pipeline.types import Article, EntryResult, Outcome, TextOrigin
from warehouse import schema
from warehouse.database import Database
from warehouse.tables import articles, stories

PER_MILLION = 2.4
_NOW = datetime(2025, 3, 1, tzinfo=UTC)

_ARTICLES = """
INSERT INTO articles (article_id, entry_id, source_id, canonical_url, url, title, text, text_origin, published_on,
    published_basis, published_precision, authors, paywalled, issues, fetched_at, run_id)
SELECT left(md5('a' || i), 20), 'e' || i, 's', 'https://example.org/' || i, 'https://example.org/' || i, 'Title',
    'Title' || chr(10) || chr(10) || array_to_string(list_transform(range(60), k -> md5((i * 100 + k)::VARCHAR)), ' '),
    'page', DATE '2005-01-01' + (i * 7300 // {count})::INTEGER, 'feed', 'day', [], false, [],
    TIMESTAMP '2025-01-01', 'run'
FROM range({start}, {stop}) AS t(i)
"""
_MEMBERS = """
INSERT INTO story_members (story_id, article_id, signature, digest, body_hash, body, published_on, similarity)
SELECT left(md5('s' || i), 20), left(md5('a' || i), 20),
    unhex(array_to_string(list_transform(range(33), k -> md5((i * 100 + k)::VARCHAR)), '')),
    unhex(md5((i * 100)::VARCHAR) || md5((i * 100 + 1)::VARCHAR)), sha256(i::VARCHAR), hash(i),
    DATE '2005-01-01' + (i * 7300 // {count})::INTEGER, 0
FROM range({start}, {stop}) AS t(i)
"""
_BANDS = """
INSERT INTO story_bands
SELECT unnest(list_transform(range(43), k -> (hash(i * 64 + k) % 4294967296)::UINTEGER)), hash(i)
FROM range({start}, {stop}) AS t(i)
"""
_CHANCE = """
INSERT INTO story_bands SELECT unnest(?::JSON::UINTEGER[]), hash(unnest(?::JSON::BIGINT[]))
"""


def build(path: Path, count: int, batches: list[list[EntryResult]]) -> None:
    """Make a warehouse of `count` articles in which some share a band with those of the batches."""
    database = Database.open(path)
    schema.migrate(database)
    for start in range(0, count, 50_000):
        for sql in (_ARTICLES, _MEMBERS, _BANDS):
            database.script(sql.format(start=start, stop=min(start + 50_000, count), count=count))
    rng = random.Random(2)
    keys = []
    for batch in batches:
        for _ in range(round(len(batch) * PER_MILLION * count / 1_000_000)):
            one = rng.choice(batch)
            assert one.body_hash is not None, "made with its signature"
            assert one.signature is not None, "made with its signature"
            keys.append(rng.choice(bands(one.body_hash, one.signature)))
    database.execute(_CHANCE, [keys, [rng.randrange(count) for _ in keys]])
    database.script("CHECKPOINT")
    database.close()


def batch_of(size: int, seed: int) -> list[EntryResult]:
    """Made-up articles, a tenth of them near copies of others."""
    rng = random.Random(seed)
    made: list[EntryResult] = []
    bodies: list[str] = []
    for number in range(size):
        if number % 10 == 9:
            words = rng.choice(bodies).split()
            words[rng.randrange(300)] = "changed"
            bodies.append(" ".join(words))
        else:
            bodies.append(" ".join(f"w{rng.getrandbits(32):x}" for _ in range(300)))
        url = f"https://example.net/{seed}/{number}"
        article = Article(
            canonical_url=url, url=url, source_id="s", title="Title", text=f"Title\n\n{bodies[-1]}",
            text_origin=TextOrigin.PAGE, published=None, language="en", fetched_at=_NOW, site="example.net", authors=(),
        )  # fmt: skip
        body_hash, signature = sign(bodies[-1])
        made.append(EntryResult(f"n{url}", Outcome.NO_EVENT, article=article, signature=signature, body_hash=body_hash))
    return made


def measure(path: Path, size: int) -> None:
    """Place two batches in the warehouse and print what each cost; for a process of its own."""
    database = Database.open(path)
    for seed in (size, size + 1):
        batch = batch_of(size, seed)
        before = _peak()
        begin, worked = time.perf_counter(), time.process_time()
        stories.equal(database, [one.body_hash for one in batch if one.body_hash is not None])
        asked = time.perf_counter()
        with database.transaction():
            articles.add(database, "run", batch, {})
            added = time.perf_counter()
            stories.place(database, batch)
            placed = time.perf_counter()
        print(
            f"    {size:5} articles: placed in {placed - added:.2f} s, copies looked up in {asked - begin:.2f} s, "
            f"{time.process_time() - worked:.2f} s of work; "
            f"peak {_peak() / 1024:.0f} MB, {before / 1024:.0f} MB before"
        )
    database.close()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _sizes(path: Path, count: int) -> None:
    database = Database.open(path)
    block = int(database.execute("SELECT block_size FROM pragma_database_size()")[0][0])
    for table in ("story_bands", "story_members", "articles"):
        blocks = database.execute(
            f"SELECT count(DISTINCT block_id) FROM pragma_storage_info('{table}') WHERE block_id >= 0"
        )
        print(f"    {table}: {int(blocks[0][0]) * block / count:.0f} bytes an article")
    database.close()


def main() -> int:
    """Build the warehouses and measure."""
    parser = argparse.ArgumentParser(description="Measure the cost of placing articles in stories.")
    parser.add_argument("--articles", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        measure(options.folder, options.measure)
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for count in options.articles:
            path = Path(folder) / f"{count}.duckdb"
            build(path, count, [batch_of(size, seed) for size in (200, 1000) for seed in (size, size + 1)])
            print(f"{count} articles, {path.stat().st_size / 1e9:.2f} GB")
            _sizes(path, count)
            for size in (200, 1000):
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.story_scale",
                    "--measure",
                    str(size),
                    "--folder",
                    str(path),
                ]
                subprocess.run(command, check=True, env=os.environ)
    return 0


if __name__ == "__main__":
    sys.exit(main())
