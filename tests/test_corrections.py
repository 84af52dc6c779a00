"""Corrections by the press, through the warehouse: what is stated no longer stays, with its words and its days."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warehouse_material as material
from conftest import ROOT
from warehouse_material import START, entry, poll, result

from pipeline.passages import read_passage
from pipeline.types import (
    Action,
    ActorKind,
    Article,
    Mention,
    Outcome,
    Quote,
    Revisit,
    RevisitOutcome,
    ScopeClass,
    Status,
    TextOrigin,
)
from warehouse.query import connect_snapshot
from warehouse.schema import MIGRATIONS
from warehouse.store import Warehouse, open_warehouse

BLOCK = "The Garante blocked DeepSeek on 29 January, citing privacy."
LATER_BLOCK = "The Garante blocked DeepSeek on 30 January, citing privacy."
PLAN = "The Garante may have blocked DeepSeek on 29 January, citing privacy."
BAN = "Australia banned TikTok on government devices."
PLAIN = "The weather in Rome was fine for the season, and people sat outside."
NOTICE = "This article has been retracted. The Garante blocked nothing."
ENTRY = entry(1)

_CLAIM = re.compile(r"(The Garante|Australia) (may have )?(blocked|banned) (DeepSeek|TikTok)(?: on (29|30) January)?")


def article(day: int, *sentences: str) -> Article:
    """A version of the article, fetched `day` days after the start."""
    title = "What regulators did"
    return Article(
        canonical_url=ENTRY.canonical_url,
        url=ENTRY.canonical_url,
        source_id="alpha",
        title=title,
        text=f"{title}\n\n" + "\n".join(sentences),
        text_origin=TextOrigin.PAGE,
        published=ENTRY.published,
        language="en",
        fetched_at=START + timedelta(days=day),
    )


def read(of: Article) -> list[Mention]:
    """What a plain reader finds."""
    found = []
    for match in _CLAIM.finditer(of.text):

        def quote(group: int, match: re.Match[str] = match) -> Quote:
            return Quote(match[group], match.start(group), match.end(group))

        is_italian = match[1] == "The Garante"
        found.append(
            Mention(
                document_id=of.id,
                action=Action.BLOCK if match[3] == "blocked" else Action.BAN,
                status=Status.PROPOSED if match[2] else Status.IN_FORCE,
                trigger=quote(3),
                service=quote(4),
                service_canonical=match[4],
                country="IT" if is_italian else "AU",
                actor=quote(1),
                actor_canonical="Garante per la protezione dei dati personali" if is_italian else "Australia",
                actor_kind=ActorKind.DATA_PROTECTION if is_italian else ActorKind.GOVERNMENT,
                scope_class=ScopeClass.NATIONWIDE if is_italian else ScopeClass.GOVERNMENT_DEVICES,
                date=quote(5) if match[5] else None,
                date_value=f"2025-01-{match[5]}" if match[5] else None,
                score=0.9,
                model="plain",
            )
        )
    return found


class Paper:
    """One article in a warehouse, told in version after version."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        material.begin(warehouse, "run-0")
        warehouse.store_polls("run-0", [poll("alpha", [ENTRY])])
        self._runs = 0

    def tell(self, day: int, *sentences: str, outcome: Outcome | None = None) -> None:
        """Store a version; twice, as the same batch stored again must change nothing."""
        self._runs += 1
        run_id = f"run-{self._runs}"
        material.begin(self.warehouse, run_id, hours=24 * day + 1)
        version = article(day, *sentences)
        found = [] if outcome is not None else read(version)
        told = result(ENTRY, version, found)
        if outcome is not None:
            told = replace(told, outcome=outcome)
        if self._runs > 1:
            told = replace(told, revisit=Revisit(RevisitOutcome.CHANGED, version.fetched_at))
        self.warehouse.store_batch(run_id, [told])
        once = self.ask("SELECT * FROM mentions ORDER BY ALL")
        self.warehouse.store_batch(run_id, [told])
        assert self.ask("SELECT * FROM mentions ORDER BY ALL") == once

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.warehouse._database.execute(sql)

    def mentions(self) -> list[tuple[Any, ...]]:
        """Service, status, date, version, and the days (counted from the start) of learning and withdrawal."""
        rows = self.ask(
            "SELECT service_canonical, status, date_value, version, learned_on, withdrawn_on FROM mentions ORDER BY ALL"
        )
        return [(*row[:4], days(row[4]), days(row[5])) for row in rows]

    def check(self) -> None:
        """Each quote stands in the version that its mention names; each mention is in one event; ids are unique."""
        wrong = self.ask(
            """
            WITH texts AS (
                SELECT article_id, version, text FROM articles
                UNION ALL SELECT article_id, version, text FROM article_versions
            )
            SELECT mention_id FROM mentions LEFT JOIN texts USING (article_id, version)
            WHERE trigger_quote IS DISTINCT FROM text[trigger_start + 1 : trigger_end]
                OR service_quote IS DISTINCT FROM text[service_start + 1 : service_end]
            """
        )
        assert wrong == []
        assert self.ask("SELECT count(*), count(DISTINCT mention_id) FROM mentions") == self.ask(
            "SELECT count(DISTINCT mention_id), count(*) FROM event_mentions"
        )


def days(day: date | None) -> int | None:
    return None if day is None else (day - START.date()).days


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[Paper]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        made = Paper(warehouse)
        yield made
        made.check()


def test_corrected_date(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    ((event, value),) = paper.ask("SELECT event_id, date_value FROM events")
    assert value == "2025-01-29"
    paper.tell(3, LATER_BLOCK)
    assert paper.mentions() == [
        ("DeepSeek", "in_force", "2025-01-29", 1, 0, 3),
        ("DeepSeek", "in_force", "2025-01-30", 2, 3, None),
    ]
    assert paper.ask("SELECT event_id, date_value, retracted FROM events") == [(event, "2025-01-30", False)]
    assert ("corrected",) in paper.ask("SELECT kind FROM event_transitions")


def test_corrected_status(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    paper.tell(1, PLAN)
    assert paper.mentions() == [
        ("DeepSeek", "in_force", "2025-01-29", 1, 0, 1),
        ("DeepSeek", "proposed", "2025-01-29", 2, 1, None),
    ]
    assert paper.ask("SELECT status FROM events WHERE NOT retracted") == [("proposed",)]


def test_one_of_two_claims_withdrawn(paper: Paper) -> None:
    paper.tell(0, BLOCK, BAN)
    paper.tell(2, BLOCK, PLAIN)
    assert paper.mentions() == [
        ("DeepSeek", "in_force", "2025-01-29", 2, 0, None),
        ("TikTok", "in_force", None, 1, 0, 2),
    ]
    assert paper.ask("SELECT service_canonical, retracted FROM events ORDER BY 1") == [
        ("DeepSeek", False),
        ("TikTok", True),
    ]
    assert ("retracted",) in paper.ask("SELECT kind FROM event_transitions")


@pytest.mark.parametrize("outcome", [Outcome.GATED, Outcome.SAME_STORY, Outcome.OTHER_LANGUAGE])
def test_article_withdrawn_by_a_notice(paper: Paper, outcome: Outcome) -> None:
    paper.tell(0, BLOCK, BAN)
    paper.tell(2, NOTICE, outcome=outcome)
    assert paper.mentions() == [
        ("DeepSeek", "in_force", "2025-01-29", 1, 0, 2),
        ("TikTok", "in_force", None, 1, 0, 2),
    ]
    assert paper.ask("SELECT DISTINCT retracted FROM events") == [(True,)]


def test_version_that_was_not_read_withdraws_nothing(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    paper.tell(2, "Il tempo a Roma era bello.", outcome=Outcome.OTHER_LANGUAGE)
    assert paper.mentions() == [("DeepSeek", "in_force", "2025-01-29", 1, 0, None)]


def test_claim_that_moved_keeps_the_day_on_which_it_was_learned(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    before = paper.ask("SELECT event_id FROM events")
    paper.tell(2, PLAIN, BLOCK)
    assert paper.mentions() == [("DeepSeek", "in_force", "2025-01-29", 2, 0, None)]
    assert paper.ask("SELECT event_id FROM events") == before


def test_new_version_adds_a_claim(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    paper.tell(2, BLOCK, BAN)
    assert paper.mentions() == [
        ("DeepSeek", "in_force", "2025-01-29", 2, 0, None),
        ("TikTok", "in_force", None, 2, 2, None),
    ]


def test_claim_that_comes_back_is_learned_anew(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    paper.tell(1, LATER_BLOCK)
    paper.tell(2, BLOCK)
    paper.tell(3, PLAIN)
    assert paper.mentions() == [
        ("DeepSeek", "in_force", "2025-01-29", 1, 0, 1),
        ("DeepSeek", "in_force", "2025-01-29", 3, 2, 3),
        ("DeepSeek", "in_force", "2025-01-30", 2, 1, 2),
    ]
    assert paper.ask("SELECT DISTINCT retracted FROM events") == [(True,)]


def test_claim_whose_words_stand_outlives_a_reading_that_misses_it(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    paper.tell(1, BLOCK, PLAIN, outcome=Outcome.NO_EVENT)
    assert paper.mentions() == [("DeepSeek", "in_force", "2025-01-29", 1, 0, None)]
    paper.tell(2, PLAIN, outcome=Outcome.GATED)
    assert paper.mentions() == [("DeepSeek", "in_force", "2025-01-29", 1, 0, 2)]


def test_the_same_text_read_otherwise_withdraws_nothing(paper: Paper) -> None:
    paper.tell(0, BLOCK, BAN)
    version = article(5, BLOCK, BAN)
    found = [replace(one, model="better", status=Status.ANNOUNCED) for one in read(version)][:1]
    paper.warehouse.store_batch("run-1", [result(ENTRY, version, found)])
    assert paper.mentions() == [("DeepSeek", "announced", "2025-01-29", 1, 0, None)]


def test_evidence_is_shown_in_the_version_that_says_so(paper: Paper, tmp_path: Path) -> None:
    paper.tell(0, BLOCK, BAN)
    paper.tell(2, PLAIN, LATER_BLOCK)
    paper.warehouse.publish(tmp_path / "published", manifest={})
    with connect_snapshot(tmp_path / "published") as reader:
        rows = reader.rows(
            """
            WITH texts AS (
                SELECT article_id, version, text FROM articles
                UNION ALL SELECT article_id, version, text FROM article_versions
            )
            SELECT version, withdrawn_on IS NULL, count(*), count(*) FILTER (quote = text[quote_start + 1 : quote_end])
            FROM evidence JOIN texts USING (article_id, version) GROUP BY ALL ORDER BY ALL
            """
        )
    assert rows == [(1, False, 7, 7), (2, True, 4, 4)]


def test_resolver_is_told_days_versions_and_surroundings(paper: Paper) -> None:
    paper.tell(0, BLOCK)
    paper.tell(2, LATER_BLOCK, PLAIN)
    rows = paper.ask(
        "SELECT version, trigger_start, trigger_end, context_words, context_names FROM mentions ORDER BY 1"
    )
    for (number, start, end, words, names), text in zip(
        rows, (article(0, BLOCK).text, article(2, LATER_BLOCK, PLAIN).text), strict=True
    ):
        passage = read_passage(text, start, end)
        assert (set(words.split()), set(names.split())) == (passage.words, passage.names), number
        assert words.split() == sorted(words.split())
    assert paper.ask("SELECT DISTINCT reported_on FROM mentions") == [(date(2025, 2, 2),)]


def test_warehouses_from_before_learn_their_days_when_they_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    text = article(0, BLOCK, PLAIN).text
    (found,) = read(article(0, BLOCK, PLAIN))
    with duckdb.connect(str(path)) as old:
        for script in MIGRATIONS[:4]:
            old.execute((ROOT / "warehouse" / "schema" / script).read_text("utf-8"))
        old.execute("CREATE TABLE schema_versions (version INTEGER, script VARCHAR, applied_at TIMESTAMP)")
        old.executemany(
            "INSERT INTO schema_versions VALUES (?, ?, ?)",
            [
                (number, script, datetime.now(UTC).replace(tzinfo=None))
                for number, script in enumerate(MIGRATIONS[:4], 1)
            ],
        )
        old.execute(
            "INSERT INTO articles BY NAME SELECT ? AS article_id, 'e' AS entry_id, 'alpha' AS source_id, 'u' AS "
            "canonical_url, 'u' AS url, 'What' AS title, ? AS text, 'page' AS text_origin, DATE '2025-02-01' AS "
            "published_on, [] AS authors, false AS paywalled, [] AS issues, TIMESTAMP '2025-02-03 23:30:00' AS "
            "fetched_at, 'run-1' AS run_id, 2 AS version",
            [found.document_id, text],
        )
        old.execute(
            "INSERT INTO mentions BY NAME SELECT ? AS mention_id, ? AS article_id, 'deepseek|IT' AS block, 'block' AS "
            "action, 'in_force' AS status, 'IT' AS country, 'DeepSeek' AS service_canonical, [] AS reason_classes, "
            "'blocked' AS trigger_quote, ? AS trigger_start, ? AS trigger_end, 'DeepSeek' AS service_quote, "
            "? AS service_start, ? AS service_end, 0.9 AS score, MAP {} AS scores, 'old' AS model, 'run-1' AS run_id",
            [
                *(found.id, found.document_id, found.trigger.start, found.trigger.end),
                *(found.service.start, found.service.end),
            ],
        )
    with open_warehouse(path) as warehouse:
        rows = warehouse._database.execute(
            "SELECT reported_on, learned_on, withdrawn_on, version, edition, context_words FROM mentions"
        )
    passage = read_passage(text, found.trigger.start, found.trigger.end)
    assert rows == [(date(2025, 2, 1), date(2025, 2, 3), None, 2, 0, " ".join(sorted(passage.words)))]
