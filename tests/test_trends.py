"""The trend questions that a snapshot answers in one line, on small worlds worked out by hand: counts and rates."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from trend_world import Database, Event, days, event, fill, opened, put, read

from warehouse import views

DIMENSIONS = ("all", "action", "reason", "actor_kind", "category", "country", "service", "scope_class", "sector")
QUESTIONS = {
    "trend": [f"trend('{one}')" for one in DIMENSIONS],
    "reasons_over_time": ["reasons_over_time('DeepSeek')", "reasons_over_time(NULL, every := 'year')"],
    "first_restrictions": ["first_restrictions()", "first_restrictions(service := 'DeepSeek')"],
    "spread": ["spread('DeepSeek')"],
    "first_movers": ["first_movers('DeepSeek')", "first_movers(NULL)"],
    "days_to_nth": ["days_to_nth(3)"],
    "lead_lag": ["lead_lag('IT', 'KR')"],
    "lead_lag_services": ["lead_lag_services('IT', 'KR')"],
    "survival": [f"survival('{one}')" for one in DIMENSIONS if one != "reason"],
    "coverage_by": [f"coverage_by(every := '{one}')" for one in ("day", "week", "month", "quarter", "year")],
    "rates": [f"rates('{one}', every := 'quarter')" for one in DIMENSIONS],
    "matched_rates": ["matched_rates()", "matched_rates(every := 'week')"],
    "in_force_on": ["in_force_on('2025-02-01')"],
    "known_on": ["known_on('2025-02-01')"],
    "changes_since": ["changes_since('2025-02-01')"],
}
"""Macro → calls of it."""

VIEWS = ("restrictions_by_month", "most_restricted", "sectors", "lifetimes", "coverage_by_month", "restriction_rates")
ELSEWHERE = ("in_force_on", "known_on", "changes_since")
"""Questions of which docs/trends.md leaves the columns to docs/schema.md."""


@pytest.fixture
def world(empty_snapshot: Path, tmp_path: Path) -> Iterator[Database]:
    """A snapshot in which there is nothing, to be written to."""
    with opened(empty_snapshot, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(empty_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same for worlds that are emptied one after the other."""
    with opened(empty_snapshot, tmp_path_factory.mktemp("shared")) as made:
        yield made


# An empty snapshot, and what every question must bear


def test_everything_answers_on_an_empty_snapshot(empty_snapshot: Path) -> None:
    made = {name.removesuffix(".sql") for name in views.SCRIPTS}
    with duckdb.connect(str(empty_snapshot), read_only=True) as plain:
        seen = {name for (name,) in plain.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
        assert seen | set(QUESTIONS) == made
        asked = [*seen, *itertools.chain(*QUESTIONS.values())]
        for question in asked:
            rows = plain.execute(f"FROM {question}").fetchall()
            assert len(rows) == question.startswith("lead_lag("), question
    with duckdb.connect() as plain:
        plain.execute(f"ATTACH '{empty_snapshot}' AS other (READ_ONLY)")
        for view in seen:
            plain.execute(f"FROM other.{view}")
        plain.execute("USE other")
        for question, *_ in QUESTIONS.values():
            plain.execute(f"FROM {question}")


@pytest.mark.parametrize(
    "question",
    [
        "trend('colour')",
        "trend('action', basis := 'guessed')",
        "trend('action', every := 'fortnight')",
        "rates('colour')",
        "survival('reason')",
        "spread('DeepSeek', basis := 'guessed')",
        "days_to_nth(0)",
        "reasons_over_time('DeepSeek', basis := 'guessed')",
    ],
)
def test_what_makes_no_sense_is_refused(world: Database, question: str) -> None:
    fill(world, [event("IT", None), event("KR", "2025-01-01")])
    with pytest.raises(duckdb.Error):
        world.execute(f"FROM {question}")


def test_the_page_on_trends_names_every_question_with_its_columns(empty_snapshot: Path) -> None:
    page = (ROOT / "docs" / "trends.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)[(`].*?\| (`.*) \|$", page, re.MULTILINE))
    with duckdb.connect(str(empty_snapshot), read_only=True) as plain:
        for name, calls in [*((view, [view]) for view in VIEWS), *QUESTIONS.items()]:
            if name not in ELSEWHERE:
                columns = [column for column, *_ in plain.execute(f"DESCRIBE FROM {calls[0]}").fetchall()]
                assert re.findall(r"`(\w+)`", told.pop(name)) == columns, name
    assert not told
    assert all(f"`{name}`" in page or f"`{name}(" in page for name in ELSEWHERE)


# Counting by period


def test_trend_places_nothing_that_is_not_dated_so_exactly(world: Database) -> None:
    fill(
        world,
        [
            event("IT", "2025-01-30"),
            event("IT", "2025-01"),
            event("IT", "2025", action="block"),
            event("IT", None),
            event("IT", "2025-02-03", status="proposed"),
            event("IT", "2025-02-03", retracted=True),
            event("IT", "2025-02-03", dismissed=True),
            event("IT", "2025-02-03", action="warn", side="pressing"),
        ],
    )
    january = date(2025, 1, 1)
    assert world.execute("FROM trend('action')").fetchall() == [
        (january, 2025, "ban", "stated", 2),
        (None, 2025, "block", "stated", 1),
        (None, None, "ban", None, 1),
    ]
    assert world.execute("FROM trend('all', every := 'day')").fetchall() == [
        (date(2025, 1, 30), 2025, "all", "stated", 1),
        (None, 2025, "all", "stated", 2),
        (None, None, "all", None, 1),
    ]
    assert world.execute("FROM trend('all', every := 'year', basis := 'reported')").fetchall() == [
        (january, 2025, "all", "reported", 1),
        (january, 2025, "all", "stated", 3),
    ]


def test_a_week_that_spans_new_year_is_one_row(world: Database) -> None:
    fill(world, [event("IT", "2024-12-31"), event("IT", "2025-01-02")])
    monday = date(2024, 12, 30)
    assert world.execute("FROM trend('all', every := 'week')").fetchall() == [(monday, 2024, "all", "stated", 2)]


def test_a_restriction_counts_under_each_of_its_reasons(world: Database) -> None:
    fill(
        world,
        [
            event("IT", "2025-01-30", reason_classes=["privacy", "security"]),
            event("KR", "2025-01-31", reason_classes=["security"]),
            event("AU", "2025-01-31", reason_classes=[]),
            event("AU", None, reason_classes=["content"], service="Deep Sea"),
        ],
    )
    january = date(2025, 1, 1)
    assert world.execute("SELECT period, value, restrictions FROM trend('reason')").fetchall() == [
        (january, "privacy", 1),
        (january, "security", 2),
        (january, None, 1),
        (None, "content", 1),
    ]
    assert world.execute(
        "SELECT period, reason, restrictions, stating, share FROM reasons_over_time('deepseek')"
    ).fetchall() == [
        (january, "security", 2, 2, 1.0),
        (january, "privacy", 1, 2, 0.5),
        (january, None, 1, 2, None),
    ]
    assert world.execute("SELECT reason, share FROM reasons_over_time(NULL) WHERE period IS NULL").fetchall() == [
        ("content", 1.0)
    ]


def test_sectors_are_told_by_scope_then_by_who_acts(world: Database) -> None:
    told = [
        ("general public", None, None, "regulator"),
        ("general public", "under-16s", "minors", "government"),
        ("general public", None, None, "app_store"),
        ("public administration", "all staff", "government_devices", "ministry"),
        ("business", "all staff", "workplace", "other"),
        ("business", None, None, "company"),
        ("education", None, None, "school"),
        ("education", "classrooms", "schools", "government"),
        ("defence", "these", "other", "military"),
        ("critical infrastructure", "5G networks", "critical_infrastructure", "government"),
        ("trade", "exports", "exports", "government"),
        ("other", "these", "other", "government"),
        (None, None, None, None),
        (None, None, None, "other"),
    ]
    fill(world, [event("IT", "2025", scope=scope, scope_class=of, actor_kind=kind) for _, scope, of, kind in told])
    rows = world.execute("SELECT sector FROM restrictions ORDER BY CAST(event_id[2:] AS INTEGER)").fetchall()
    assert rows == [(sector,) for sector, *_ in told]
    counted = dict(world.execute("SELECT sector, restrictions FROM sectors").fetchall())
    assert counted == Counter(sector for sector, *_ in told)


STATED = st.sampled_from([None, "2023", "2024", "2024-02", "2024-03", "2024-02-28", "2024-12-30", "2025-01-01"])
EVENTS = st.lists(
    st.builds(
        lambda country, when, service, more: event(country, when, service, **more),
        st.sampled_from(["IT", "KR", "EU", "XX"]),
        STATED,
        st.sampled_from(["DeepSeek", "TikTok", "Nameless"]),
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(["ban", "block"]),
                "actor_kind": st.sampled_from([None, "regulator", "company"]),
                "scope_class": st.sampled_from([None, "schools", "other"]),
                "reason_classes": st.lists(st.sampled_from(["privacy", "security"]), unique=True),
                "first_reported": st.sampled_from([None, date(2024, 3, 5)]),
                "lifted": st.booleans(),
                "retracted": st.just(False) | st.booleans(),
            }
        ),
    ),
    max_size=12,
)


@settings(max_examples=6, deadline=None)
@given(EVENTS, st.sampled_from(["day", "week", "month", "quarter", "year"]), st.sampled_from(["stated", "reported"]))
def test_sums_over_any_split_are_the_number_of_restrictions(
    shared: Database, made: list[Event], every: str, basis: str
) -> None:
    fill(shared, made)
    shared.execute("DELETE FROM coverage")
    read(shared, "alpha", [date(2024, 3, 1)], 10)
    held = [one for one in made if not one["retracted"]]
    reasons = sum(max(1, len(one["reason_classes"])) for one in held)
    for dimension in DIMENSIONS:
        expected = reasons if dimension == "reason" else len(held)
        questions = [f"trend('{dimension}', every := '{every}', basis := '{basis}')"]
        questions += [f"rates('{dimension}')"] if dimension in ("country", "reason") else []
        for question in questions:
            rows = shared.execute(f"SELECT period, value, restrictions FROM {question}").fetchall()
            assert sum(count for *_, count in rows) == expected, question
    for view in ("sectors", "most_restricted"):
        assert sum(n for (n,) in shared.execute(f"SELECT restrictions FROM {view}").fetchall()) == len(held)
        assert not shared.execute(f"FROM {view} WHERE restrictions <> open + ended").fetchall()
    assert shared.execute("SELECT count(*) FROM lifetimes").fetchone() == (len(held),)
    undated = sum(one["date_from"] is None for one in held)
    assert shared.execute("SELECT coalesce(sum(undated), 0) FROM first_restrictions()").fetchone() == (undated,)
    keys = [row[:4] for row in shared.execute(f"FROM trend('action', every := '{every}')").fetchall()]
    assert len(keys) == len(set(keys))


# What was read, and what was not


def test_an_outage_is_no_calm(world: Database) -> None:
    """Two sources, of which one falls silent in February; nothing is read in March; April has too few articles."""
    for source in ("alpha", "beta"):
        put(
            world,
            "sources",
            {"source_id": source, "name": source, "url": "", "enabled": True, "listed": True, "topics": []},
        )
    read(world, "alpha", days(date(2025, 1, 1), date(2025, 2, 28)), 10, mentions=1)
    read(world, "beta", days(date(2025, 1, 1), date(2025, 1, 31)), 10)
    read(world, "alpha", days(date(2025, 4, 29), date(2025, 4, 30)), 10)
    read(world, "beta", days(date(2025, 4, 30), date(2025, 5, 10)), 100, polls=2)
    read(world, "beta", [date(2099, 1, 1)], 1, fetched=0, polls=0, answered=0)
    fill(
        world,
        [
            *(event("IT", None, first_reported=date(2025, 1, 5)) for _ in range(3)),
            event("KR", "2025-03-01", action="block", first_reported=date(2025, 2, 5)),
            event("KR", "2025-03-01", first_reported=None),
        ],
    )
    columns = "month, complete, sources, silent_sources, articles, coverage"
    covered = world.execute(f"SELECT {columns} FROM coverage_by_month").fetchall()
    assert covered == [
        (date(2025, 1, 1), True, 2, 0, 620, "ok"),
        (date(2025, 2, 1), True, 1, 1, 280, "gaps"),
        (date(2025, 3, 1), True, 0, 2, 0, "none"),
        (date(2025, 4, 1), True, 2, 0, 120, "gaps"),
        (date(2025, 5, 1), False, 1, 1, 1000, "ok"),
        (date(2099, 1, 1), False, 1, 0, 1, "thin"),
    ]
    rates = world.execute("SELECT month, restrictions, articles, round(rate, 3), coverage FROM restriction_rates")
    assert rates.fetchall() == [
        (date(2025, 1, 1), 3, 620, 4.839, "ok"),
        (date(2025, 2, 1), 1, 280, 3.571, "gaps"),
        (date(2025, 3, 1), 0, 0, None, "none"),
        (date(2025, 4, 1), 0, 120, 0.0, "gaps"),
        (date(2025, 5, 1), 0, 1000, 0.0, "ok"),
        (date(2099, 1, 1), 0, 1, 0.0, "thin"),
        (None, 1, 0, None, "none"),
    ]
    # Every value has a row for every period.
    split = world.execute(
        "SELECT value, count(*), sum(restrictions) FROM rates('action') WHERE period IS NOT NULL GROUP BY 1"
    )
    assert sorted(split.fetchall()) == [("ban", 6, 3), ("block", 6, 1)]


def test_rates_come_with_their_interval(world: Database) -> None:
    """Exact limits of a Poisson count of 3 are 0.619 and 8.767, of 0 they are 0 and 3.689, of 10 4.795 and 18.390."""
    read(world, "alpha", days(date(2025, 1, 1), date(2025, 3, 31)), 100)
    first = [date(2025, 1, 9)] * 3 + [date(2025, 3, 9)] * 10
    fill(world, [event("IT", None, first_reported=day) for day in first])
    rows = world.execute("SELECT articles / 1000 * rate_low, articles / 1000 * rate_high FROM restriction_rates")
    limits = [(0.619, 8.767), (0, 3.689), (4.795, 18.390)]
    for row, expected in zip(rows.fetchall(), limits, strict=True):
        assert row == pytest.approx(expected, abs=0.05)


def test_matched_rates_are_of_the_sources_that_were_read_in_both_periods(world: Database) -> None:
    read(world, "alpha", days(date(2025, 1, 1), date(2025, 2, 28)), 10, mentions=1)
    read(world, "beta", days(date(2025, 2, 1), date(2025, 3, 31)), 90, mentions=0)
    rows = world.execute("FROM matched_rates()").fetchall()
    assert rows == [
        (date(2025, 2, 1), 1, 310, 280, 31, 28, 100.0, 100.0, 1.0),
        (date(2025, 3, 1), 1, 2520, 2790, 0, 0, 0.0, 0.0, None),
    ]
