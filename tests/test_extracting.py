"""Exact copies are read like any other article: which of them came first makes no difference to what is known."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import warehouse_material as material
from warehouse_material import article, entry, poll

from flows.extracting import extract_events, store_results
from flows.house import House
from flows.jobs import Reading
from flows.reading import ReadEntry
from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.stories import sign
from pipeline.types import Document, Entry, Mention, Outcome
from warehouse.reader import open_reader
from warehouse.store import open_warehouse

ENTRIES = [entry(number, source_id) for number, source_id in ((3, "alpha"), (1, "beta"), (2, "alpha"))]
FIRST = article(ENTRIES[0])


class Finder:
    """An extractor that knows one sentence."""

    revision = "made-up-1"

    def extract(self, documents: Sequence[Document]) -> list[list[Mention]]:
        return [
            [replace(material.mention(FIRST), document_id=document.id)] if document.text == FIRST.text else []
            for document in documents
        ]


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        yield House(
            Settings(data_dir=folder),
            warehouse,
            Archive(folder / "archive"),
            session=None,
            pool=None,
            extractor=Finder(),
        )


def read(of: Entry, language: str = "en") -> ReadEntry:
    """The text of the first entry's article, at another address."""
    copy = replace(
        FIRST, canonical_url=of.canonical_url, url=of.canonical_url, source_id=of.source_id, published=of.published,
        language=language,
    )  # fmt: skip
    return ReadEntry(of.id, Reading(copy, *sign(copy.body), passes=language == "en"))


def run(folder: Path, batches: Sequence[Sequence[Entry]], language: str = "en") -> list[tuple[Any, ...]]:
    """Store batches, and return the outcome of each entry in the order in which they were stored."""
    with opened(folder) as house:
        material.begin(house.warehouse, house.run_id)
        for source_id in ("alpha", "beta"):
            house.warehouse.store_polls(
                house.run_id, [poll(source_id, [one for one in ENTRIES if one.source_id == source_id])]
            )
        for batch in batches:
            store_results(house, extract_events(house, [read(one, language) for one in batch]))
        assert house.warehouse.ledger_balance().balanced
    with open_reader(folder / "warehouse.duckdb") as reader:
        outcomes = {
            row[0]: row[1:] for row in reader.rows("SELECT entry_id, outcome, detail, article_id FROM outcomes")
        }
    return [outcomes[one.id] for batch in batches for one in batch]


def known(folder: Path) -> list[list[tuple[Any, ...]]]:
    with open_reader(folder / "warehouse.duckdb") as reader:
        return [
            sorted(reader.rows(question), key=repr)
            for question in (
                "SELECT story_id, article_id, parent_id, similarity FROM story_members",
                "SELECT mention_id, article_id, trigger_quote FROM mentions",
                "SELECT event_id, stories, voices, articles, first_reported, why FROM events",
                "SELECT event_id, mention_id FROM event_mentions",
            )
        ]


@pytest.mark.parametrize("at_once", [True, False])
def test_copies_are_read_whatever_came_first(tmp_path: Path, at_once: bool) -> None:
    seen = []
    for number, order in enumerate(permutations(ENTRIES)):
        folder = tmp_path / str(number)
        outcomes = run(folder, [order] if at_once else [[one] for one in order])
        assert [outcome for outcome, _, _ in outcomes] == [Outcome.EVENTS, Outcome.SAME_STORY, Outcome.SAME_STORY]
        assert outcomes[0][1] is None
        articles = [article_id for _, _, article_id in outcomes]
        for place, (_, detail, _) in enumerate(outcomes[1:], start=1):
            assert detail.startswith("the text of article ")
            assert detail.rpartition(" ")[2] in articles[:place]
        seen.append(known(folder))
    assert all(one == seen[0] for one in seen[1:])
    members, mentions, events, _ = seen[0]
    assert len(members) == len(mentions) == 3
    assert {article_id for _, article_id, _ in mentions} == {article_id for _, article_id, _, _ in members}
    ((_, stories, voices, count, *_),) = events
    assert (stories, voices, count) == (1, 1, 3)


def test_copies_in_another_language_are_not_read(tmp_path: Path) -> None:
    outcomes = run(tmp_path, [ENTRIES], "de")
    assert [outcome[:2] for outcome in outcomes] == [(Outcome.OTHER_LANGUAGE, "de")] * 3
    assert known(tmp_path)[1] == []


def test_the_same_batch_again_changes_nothing(tmp_path: Path) -> None:
    once = run(tmp_path / "once", [ENTRIES])
    again = run(tmp_path / "again", [ENTRIES[:2], ENTRIES])
    assert [outcome for outcome, _, _ in again[2:]] == [Outcome.SAME_ARTICLE, Outcome.SAME_ARTICLE, Outcome.SAME_STORY]
    assert known(tmp_path / "once") == known(tmp_path / "again")
    assert once[0][0] == Outcome.EVENTS
