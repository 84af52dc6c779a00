"""Stories in the warehouse: whatever comes when, the same articles are in the same stories."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import compress
from pathlib import Path
from typing import Any

import pytest
import warehouse_material as material
from hypothesis import given, settings
from hypothesis import strategies as st
from test_stories import PATTERN, copies, rewritten, text

from benchmarks.stories import Text, arrange
from pipeline.errors import WarehouseError
from pipeline.stories import Body, sign, similarity, story_id
from pipeline.types import Article, DateBasis, EntryResult, Outcome, Stamp
from warehouse import schema
from warehouse.database import Database
from warehouse.tables import articles, stories

BASES = [text(1, 60), text(2, 160), PATTERN.format("Ambala", "noon", "Monday", "Barara")]
BODIES = [
    *(body for base in BASES[:2] for body in (base, base.upper(), *copies(base).values())),
    *(rewritten(BASES[1], share / 100) for share in (4, 8, 12, 16, 20)),
    *(PATTERN.format("Ambala", "noon", day, "Barara") for day in ("Monday", "Tuesday")),
    BASES[2] + " Shops are open.",
    "Too short to prove anything.",
]
DAYS = [date(2025, 2, 1), date(2025, 2, 2), date(2025, 2, 3), None]


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One warehouse for many examples; `put` is given it empty."""
    database = Database.open(tmp_path_factory.mktemp("stories") / "warehouse.duckdb")
    schema.migrate(database)
    yield database
    database.close()


@pytest.fixture
def database(emptied: Database) -> Database:
    clear(emptied)
    return emptied


def clear(database: Database) -> None:
    for table in ("articles", "story_members", "story_bands"):
        database.execute(f"DELETE FROM {table}")


def made(number: int, body: str, day: date | None) -> EntryResult:
    """Article `number` with its signature; its id doesn't depend on body and day."""
    of = material.entry(number)
    article = replace(
        material.article(of),
        title=f"Title {number}",
        text=f"Title {number}\n\n{body}",
        published=None if day is None else Stamp(day, DateBasis.FEED),
    )
    return material.result(of, article)


def put(database: Database, batch: Sequence[EntryResult]) -> set[str]:
    """Store a batch as the pipeline does, and check which articles are said to have moved."""
    before = members(database)
    ids = [read(result).id for result in batch]
    with database.transaction():
        articles.remove(database, ids)
        articles.add(database, "run", batch, {})
        moved = stories.place(database, batch)
    after = members(database)
    assert moved == {one for one, (story, *_) in before.items() if after[one][0] != story}
    return moved


def read(result: EntryResult) -> Article:
    assert result.article is not None
    return result.article


def members(database: Database) -> dict[str, tuple[Any, ...]]:
    rows = database.execute(
        "SELECT article_id, story_id, parent_id, similarity, body, body_hash, signature, published_on "
        "FROM story_members ORDER BY article_id"
    )
    return {article_id: tuple(rest) for article_id, *rest in rows}


def state(database: Database) -> tuple[object, ...]:
    return members(database), database.execute("FROM story_bands ORDER BY ALL")


def told(results: Sequence[EntryResult]) -> list[Text]:
    return [
        Text(article.id, article.published.day if article.published else None, article.body)
        for article in map(read, results)
    ]


ARTICLES = st.lists(st.tuples(st.sampled_from(BODIES), st.sampled_from(DAYS)), min_size=1, max_size=14)


@settings(max_examples=15, deadline=None)
@given(ARTICLES, ARTICLES, st.randoms(use_true_random=False), st.integers(1, 5))
def test_neither_order_nor_batches_nor_earlier_versions_matter(
    emptied: Database, final: list[tuple[str, date | None]], earlier: list[tuple[str, date | None]], rng: Any, size: int
) -> None:
    results = [made(number, *one) for number, one in enumerate(final)]
    clear(emptied)
    assert put(emptied, results) == set()
    expected = state(emptied)
    assert {one: row[0] for one, row in expected[0].items()} == {
        one: story_id(root) for one, root in arrange(told(results)).items()
    }
    clear(emptied)
    first = [made(number, *one) for number, one in enumerate(earlier[: len(final)])]
    rng.shuffle(first)
    rng.shuffle(results)
    for some in (first, results):
        for start in range(0, len(some), size):
            put(emptied, some[start : start + size])
    assert state(emptied) == expected
    assert put(emptied, results) == set(), "the same once more"
    assert state(emptied) == expected


def test_late_article_that_came_out_first_founds_the_story(database: Database) -> None:
    edited = rewritten(BASES[1], 0.04)
    copy, further = made(1, edited, DAYS[1]), made(2, rewritten(edited, 0.04, 2), DAYS[2])
    apart = made(3, text(9), DAYS[0])
    put(database, [further, apart])
    assert put(database, [copy]) == {read(further).id}
    original = made(0, BASES[1], DAYS[0])
    assert put(database, [original]) == {read(copy).id, read(further).id}
    stored = members(database)
    assert {stored[read(one).id][0] for one in (copy, further, original)} == {story_id(read(original).id)}
    assert stored[read(further).id][1] == read(copy).id, "the more similar one, though both were published before"
    assert stored[read(apart).id][:3] == (story_id(read(apart).id), None, 0.0)


def test_articles_whose_parent_changes_look_for_another(database: Database) -> None:
    first, second, third = (made(n, BASES[1] + f"\nSeen by reader{'abc'[n]}.", DAYS[n]) for n in range(3))
    put(database, [first, second, third])
    assert members(database)[read(second).id][1] == read(first).id
    assert put(database, [made(0, text(20), DAYS[0])]) == {read(second).id, read(third).id}
    stored = members(database)
    assert stored[read(third).id][:2] == (story_id(read(second).id), read(second).id)
    # A correction of the day alone counts as well.
    assert put(database, [made(1, read(second).body, None)]) == {read(second).id, read(third).id}
    assert members(database)[read(second).id][:2] == (story_id(read(third).id), read(third).id)


def test_bands_of_a_body_are_kept_once_and_while_an_article_has_it(database: Database) -> None:
    batch = [made(number, BASES[0], DAYS[number % 4]) for number in range(9)]
    put(database, batch)
    assert database.execute("SELECT count(*), count(DISTINCT band), count(DISTINCT body) FROM story_bands") == [
        (43, 43, 1)
    ]
    assert len({row[0] for row in members(database).values()}) == 1
    for number in range(9):
        put(database, [made(number, "A stub.", None)])
        assert database.execute("SELECT count(*) FROM story_bands") == [(43 if number < 8 else 0,)]


def test_estimates_are_checked(database: Database) -> None:
    """Bands alone would join these: they share most words, and name another day."""
    one, other = made(1, BODIES[-4], DAYS[0]), made(2, BODIES[-3], DAYS[1])
    put(database, [one, other])
    shared = "SELECT count(*) FROM story_bands AS a JOIN story_bands AS b USING (band) WHERE a.body < b.body"
    assert database.execute(shared)[0][0] > 0
    assert similarity(Body(read(one).body), Body(read(other).body)) is None
    assert len({row[0] for row in members(database).values()}) == 2


def test_equal_bodies_are_listed_in_order_of_publication(database: Database) -> None:
    batch = [made(number, BASES[0], day) for number, day in enumerate((None, DAYS[2], DAYS[0]))]
    put(database, batch)
    body_hash, _ = sign(BASES[0])
    assert stories.equal(database, {body_hash, "unheard-of"}) == {
        body_hash: [read(batch[number]).id for number in (2, 1, 0)]
    }


def test_article_without_signature_is_refused(database: Database) -> None:
    with pytest.raises(WarehouseError, match="without its signature"):
        put(database, [replace(made(1, BASES[0], None), signature=None)])
    assert members(database) == {}
    assert stories.place(database, [EntryResult("entry", Outcome.ROBOTS)]) == set()


class Older(Database):
    """A warehouse of an earlier schema: what it has no columns for, it does not take."""

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, unless: Sequence[str] = ()
    ) -> int:
        known = [name in self.column_types(table) for name in columns]
        return super().insert(
            table, list(compress(columns, known)), [list(compress(row, known)) for row in rows], unless=unless
        )


def test_warehouse_of_an_older_schema_is_completed_when_it_is_opened(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [made(number, body, DAYS[number % 4]) for number, body in enumerate(BODIES)]
    put(database, batch)
    old = Older.open(tmp_path / "old.duckdb")
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:5])
        before.setattr(schema, "SCHEMA_VERSION", 5)
        schema.migrate(old)
    articles.add(old, "run", batch, {})
    for position, result in enumerate(batch):
        # As it was signed then: no MinHash for bodies of fewer than 80 words, all articles in one story.
        row = ("story", read(result).id, position, b"CDs1" + bytes(4), result.body_hash)
        old.execute("INSERT INTO story_members VALUES (?, ?, ?, ?, ?)", row)
    schema.migrate(old)
    monkeypatch.setattr(stories, "_AT_ONCE", 4)
    assert stories.complete(old) == {read(result).id for result in batch}
    assert state(old) == state(database)
    assert stories.complete(old) == set()
    old.execute("UPDATE story_members SET body = NULL, article_id = 'lost' WHERE article_id = ?", [read(batch[0]).id])
    with pytest.raises(WarehouseError, match="not stored"):
        stories.complete(old)
    old.close()
