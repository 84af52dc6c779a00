"""The trend questions that a snapshot answers in one line, on small worlds worked out by hand or by all dates."""

import itertools
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import views
from warehouse.dates import span
from warehouse.store import open_warehouse

Database = duckdb.DuckDBPyConnection
Event = dict[str, Any]

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


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a snapshot in which there is nothing."""
    folder = tmp_path_factory.mktemp("trends")
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        return warehouse.publish(folder / "published", manifest={}).database.resolve()


@pytest.fixture
def world(empty: Path, tmp_path: Path) -> Iterator[Database]:
    """That snapshot, to be written to."""
    with duckdb.connect(shutil.copy(empty, tmp_path / "world.duckdb"), config={"threads": 1}) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same for worlds that are emptied one after the other."""
    with duckdb.connect(
        shutil.copy(empty, tmp_path_factory.mktemp("shared") / "world.duckdb"), config={"threads": 1}
    ) as opened:
        yield opened


def event(country: str, when: str | None, service: str = "DeepSeek", **changed: object) -> Event:
    """A restriction in force by a regulator, of the country, dated so, and first reported on 1 June 2025."""
    first, last = span(when)
    made: Event = {
        "service_canonical": service,
        "country": country,
        "actor_canonical": f"Regulator of {country}",
        "actor_kind": "regulator",
        "action": "ban",
        "side": "restricting",
        "status": "in_force",
        "scope": None,
        "scope_class": None,
        "reason_classes": ["privacy"],
        "date_value": when,
        "date_from": first,
        "date_to": last,
        "lifted": False,
        "first_reported": date(2025, 6, 1),
        "last_reported": date(2025, 6, 1),
        "learned_on": date(2025, 6, 1),
        "voices": 1,
        "stories": 1,
        "articles": 1,
        "score": 0.9,
        "why": "",
        "block": "",
        "first_run_id": "run-1",
        "changed_run_id": "run-1",
        "retracted": False,
        "dismissed": False,
    }
    return made | changed


def fill(database: Database, events: Sequence[Event]) -> None:
    """Put the events in place of those that are there; their ids are e0, e1 …"""
    database.execute("DELETE FROM events; DELETE FROM event_transitions")
    put(database, "events", *({"event_id": f"e{number}"} | one for number, one in enumerate(events)))


def put(database: Database, table: str, *rows: Event) -> None:
    """Insert rows that have the same columns."""
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        values = ", ".join(f"({marks})" for _ in rows)
        given = [value for row in rows for value in row.values()]
        database.execute(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values}", given)


def end(
    database: Database, event_id: str, when: str | None, kind: str = "lifted", reported: date | None = None
) -> None:
    """Tell when the event ended."""
    first, last = span(when)
    step = {"kind": kind, "status": "in_force", "action": "lift", "date_value": when, "date_from": first}
    step |= {"date_to": last, "reported_on": reported, "mention_id": "m", "learned_on": date(2025, 6, 1)}
    put(database, "event_transitions", {"event_id": event_id, "position": 1, **step})


def read(database: Database, source: str, days: Sequence[date], articles: int, **changed: object) -> None:
    """Say that so many articles of the source were read of each of the days, on that day."""
    row = {"source_id": source, "source": source, "entries": articles, "articles": articles, "fetched": articles}
    row |= {"fetched_undated": 0, "mentions": 0, "polls": 1, "answered": 1}
    put(database, "coverage", *({"day": day, **row, **changed} for day in days))


def days(since: date, until: date) -> list[date]:
    return [since + timedelta(number) for number in range((until - since).days + 1)]


# An empty snapshot, and what every question must bear


def test_everything_answers_on_an_empty_snapshot(empty: Path) -> None:
    made = {name.removesuffix(".sql") for name in views.SCRIPTS}
    with duckdb.connect(str(empty), read_only=True) as plain:
        seen = {name for (name,) in plain.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
        assert seen | set(QUESTIONS) == made
        asked = [*seen, *itertools.chain(*QUESTIONS.values())]
        for question in asked:
            rows = plain.execute(f"FROM {question}").fetchall()
            assert len(rows) == question.startswith("lead_lag("), question
    with duckdb.connect() as plain:
        plain.execute(f"ATTACH '{empty}' AS other (READ_ONLY)")
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


def test_the_page_on_trends_names_every_question_with_its_columns(empty: Path) -> None:
    page = (ROOT / "docs" / "trends.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)[(`].*?\| (`.*) \|$", page, re.MULTILINE))
    with duckdb.connect(str(empty), read_only=True) as plain:
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


# From country to country


def test_spread_by_hand(world: Database) -> None:
    world.execute("INSERT INTO services VALUES ('deepseek', 'DeepSeek', ['Deep Seek'], 'ai', NULL, 'CN')")
    fill(
        world,
        [
            event("IT", "2025-01-30"),
            event("IT", "2025-03-01"),  # the same country again counts once
            event("KR", "2025-02"),
            event("AU", "2025-02-04"),
            event("US", "2025"),
            event("US", "2025-02-10"),  # some time from January, surely by the 10th
            event("TW", None),
            event("EU", "2025-01-01"),
            event("XX", "2025-01-01"),
            event("FR", "2025-06-01", actor_kind="company"),
            event("DE", "2025-01-01", "TikTok"),
        ],
    )
    columns = "country, first_date, date_precision, rank, rank_to, certain, countries, days_min, days_max, undated"
    rows = world.execute(f"SELECT {columns} FROM spread('deep seek')").fetchall()
    assert rows == [
        ("EU", "2025-01-01", "day", None, None, None, None, None, None, 0),
        ("XX", "2025-01-01", "day", None, None, None, None, None, None, 0),
        ("IT", "2025-01-30", "day", 1, 2, False, 1, 0, 29, 0),
        ("AU", "2025-02-04", "day", 2, 4, False, 2, 5, 34, 0),
        ("US", "2025-01-01/2025-02-10", "range", 1, 4, False, 3, 0, 11, 0),
        ("KR", "2025-02", "month", 2, 4, False, 4, 2, 58, 0),
        ("FR", "2025-06-01", "day", 5, 5, True, 5, 122, 151, 0),
        ("TW", None, None, None, None, None, None, None, None, 1),
    ]
    reported = world.execute(
        "SELECT country, first_date, date_basis, rank FROM spread('DEEPSEEK', basis := 'reported') WHERE country = 'TW'"
    ).fetchall()
    assert reported == [("TW", "2025-06-01", "reported", 5)]
    public = world.execute("SELECT country FROM spread('DeepSeek', public_only := true)").fetchall()
    assert ("FR",) not in public
    assert len(public) == len(rows) - 1
    world.execute("UPDATE events SET voices = 2 WHERE country IN ('IT', 'KR')")
    heard = world.execute("SELECT country, rank, certain FROM spread('DeepSeek', min_voices := 2)").fetchall()
    assert heard == [("IT", 1, True), ("KR", 2, True)]
    for question in ("trend('all', min_voices := 2)", "rates('reason', min_voices := 2)"):
        assert world.execute(f"SELECT sum(restrictions) FROM {question}").fetchone() == (3,)
    roles = dict(world.execute("SELECT country, role FROM first_movers('DeepSeek')").fetchall())
    assert roles == {
        "IT": "perhaps",
        "US": "perhaps",
        "KR": "follower",
        "AU": "follower",
        "FR": "follower",
        "TW": "undated",
    }


def test_a_name_comes_before_anothers_alias(world: Database) -> None:
    world.execute(
        "INSERT INTO services VALUES ('a', 'app stores', ['app store'], 'technology', NULL, NULL), "
        "('b', 'App Store', [], 'app stores', 'Apple', 'US')"
    )
    fill(world, [event("IT", "2025-01-30", "App Store"), event("KR", "2025-01-30", "app stores")])
    for name, country in (("APP STORE", "IT"), ("App Stores", "KR")):
        assert world.execute("SELECT country FROM spread(?)", [name]).fetchall() == [(country,)]
        assert world.execute("SELECT sum(restrictions) FROM reasons_over_time(?)", [name]).fetchone() == (1,)
    assert world.execute("SELECT count(*) FROM spread(NULL)").fetchone() == (0,)


START = date(2025, 3, 1)
# A restriction: its country, and the days after START on which it may have begun; none for an undated one.
RANGES = st.lists(
    st.tuples(st.sampled_from("ABC"), st.none() | st.tuples(st.integers(0, 4), st.integers(0, 2))),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None)
@given(RANGES)
def test_the_order_of_countries_is_what_all_possible_dates_have_in_common(
    shared: Database, ranges: list[tuple[str, tuple[int, int] | None]]
) -> None:
    made = []
    for country, when in ranges:
        known = {}
        if when is not None:
            known = {"date_from": START + timedelta(when[0]), "date_to": START + timedelta(sum(when))}
        made.append(event(country * 2, None, "TikTok", **known))
    fill(shared, made)
    dated = [(country * 2, range(when[0], sum(when) + 1)) for country, when in ranges if when is not None]
    possible = []
    for chosen in itertools.product(*(choice for _, choice in dated)):
        first: dict[str, int] = {}
        for (country, _), day in zip(dated, chosen, strict=True):
            first[country] = min(day, first.get(country, day))
        possible.append(first)

    def over(measure: Callable[[dict[str, int]], int]) -> tuple[int, int]:
        values = [measure(first) for first in possible]
        return min(values), max(values)

    spread = {
        row[0]: row[1:]
        for row in shared.execute(
            "SELECT country, rank, rank_to, days_min, days_max, countries, first_from, first_to FROM spread('TikTok')"
        ).fetchall()
    }
    movers = dict(shared.execute("SELECT country, role FROM first_movers(NULL)").fetchall())
    assert spread.keys() == movers.keys() == {country * 2 for country, _ in ranges}
    for country, (rank, rank_to, days_min, days_max, countries, first_from, first_to) in spread.items():
        if country not in possible[0]:
            assert (rank, rank_to, days_min, days_max, countries) == (None,) * 5
            assert movers[country] == "undated"
            continue
        assert rank == over(lambda first, one=country: 1 + sum(day < first[one] for day in first.values()))[0]
        assert rank_to == over(lambda first, one=country: sum(day <= first[one] for day in first.values()))[1]
        assert (days_min, days_max) == over(lambda first, one=country: first[one] - min(first.values()))
        lowest, highest = over(lambda first, one=country: first[one])
        assert (first_from, first_to) == (START + timedelta(lowest), START + timedelta(highest))
        assert countries == over(lambda first, by=highest: sum(day <= by for day in first.values()))[0]
        leads = [first[country] == min(first.values()) for first in possible]
        alone = [list(first.values()).count(min(first.values())) == 1 for first in possible]
        if all(leads) and all(alone):
            assert movers[country] == "first"
        elif all(leads) and not any(alone):
            assert movers[country] == "tied"
        else:
            assert movers[country] == ("perhaps" if any(leads) else "follower")
    for nth in (1, 2, 3):
        row = shared.execute(
            f"SELECT countries, reached, nth_from, nth_to, days_min, days_max FROM days_to_nth({nth})"
        ).fetchone()
        assert row is not None
        assert row[0] == len(possible[0])
        assert row[1] == (len(possible[0]) >= nth)
        if row[1]:
            lowest, highest = over(lambda first, n=nth: sorted(first.values())[n - 1])
            assert row[2:4] == (START + timedelta(lowest), START + timedelta(highest))
            lowest, highest = over(lambda first, n=nth: sorted(first.values())[n - 1] - min(first.values()))
            assert row[4] <= lowest <= highest <= row[5]
        else:
            assert row[2:] == (None,) * 4


def test_lead_and_lag_by_hand(world: Database) -> None:
    fill(
        world,
        [
            *(event("US", "2025-01-01", "one"), event("AU", "2025-01-11", "one")),
            *(event("US", "2025-03-01", "two"), event("AU", "2025-02", "two")),
            *(event("US", "2025-03", "three"), event("AU", "2025-03-15", "three")),
            *(event("US", "2025-04-01", "four"), event("AU", "2025-04-01", "four")),
            *(event("US", None, "five"), event("AU", "2025-04-01", "five")),
            *(event("US", "2025-04-01", "six"), event("IT", "2025-04-01", "six")),
        ],
    )
    assert world.execute("FROM lead_lag_services('us', 'AU')").fetchall() == [
        ("two", "AU", "2025-03-01", "2025-02", -28, -1),
        ("three", "unclear", "2025-03", "2025-03-15", -16, 14),
        ("four", "same day", "2025-04-01", "2025-04-01", 0, 0),
        ("one", "US", "2025-01-01", "2025-01-11", 10, 10),
        ("five", "undated", None, "2025-04-01", None, None),
    ]
    assert world.execute("FROM lead_lag('us', 'AU')").fetchall() == [
        ("US", "AU", 5, 4, 1, 1, 1, 1, 1, -8.0, 5.0, -8.5, 5.75)
    ]
    assert world.execute("SELECT services, median_days_min FROM lead_lag('US', 'FR')").fetchall() == [(0, None)]


def test_most_restricted_counts_countries_once(world: Database) -> None:
    fill(
        world,
        [
            *(event("IT", "2025-01-30"), event("IT", None, lifted=True), event("EU", "2024"), event("XX", None)),
            *(event("KR", "2023", "TikTok"), event("AU", "2024", "TikTok")),
        ],
    )
    columns = "service_canonical, restrictions, open, ended, countries, undated, first_from, first_to"
    assert world.execute(f"SELECT {columns} FROM most_restricted").fetchall() == [
        ("TikTok", 2, 2, 0, 2, 0, date(2023, 1, 1), date(2023, 12, 31)),
        ("DeepSeek", 4, 3, 1, 1, 2, date(2024, 1, 1), date(2024, 12, 31)),
    ]


# How long it lasts


def test_ends_are_counted_by_their_own_dates(world: Database) -> None:
    fill(
        world, [*(event("IT", "2024-05-01", lifted=True) for _ in range(4)), event("KR", "2024-05-01", action="block")]
    )
    end(world, "e0", "2025-02-03")
    end(world, "e1", "2025", reported=date(2025, 3, 1))
    end(world, "e2", None, reported=date(2025, 3, 1))
    february, march = date(2025, 2, 1), date(2025, 3, 1)
    assert world.execute("FROM trend('action', ended := true)").fetchall() == [
        (february, 2025, "ban", "stated", 1),
        (None, 2025, "ban", "stated", 1),
        (None, None, "ban", None, 2),
    ]
    placed = world.execute("FROM trend('all', ended := true, basis := 'reported') WHERE date_basis = 'reported'")
    assert placed.fetchall() == [(march, 2025, "all", "reported", 1)]


def test_lifetimes_by_hand(world: Database) -> None:
    fill(
        world,
        [
            event("IT", "2025-01-01"),  # open for 30 days
            event("IT", "2025-01"),  # open since some day in January, at least 0
            event("IT", "2025-01-01", lifted=True),  # ended on the 11th
            event("IT", "2025-01-05", lifted=True),  # … some time in January
            event("IT", "2025-01-05", lifted=True),  # … by the 20th, says a report
            event("IT", "2025-01-05", lifted=True),  # … on no stated day
            event("IT", None, lifted=True),
            event("IT", "2025-01-10", lifted=True),  # … before it began
            event("IT", "2025-01-12"),  # the third, imposed again
        ],
    )
    for event_id, when, kind, reported in (
        ("e2", "2025-01-11", "struck_down", date(2025, 1, 12)),
        ("e3", "2025-01", "lifted", None),
        ("e4", None, "lifted", date(2025, 1, 20)),
        ("e5", None, "lifted", None),
        ("e6", "2025-01-20", "lifted", None),
        ("e7", "2025-01-02", "lifted", None),
    ):
        end(world, event_id, when, kind, reported)
    put(
        world,
        "event_transitions",
        {
            "event_id": "e2",
            "position": 2,
            "kind": "lifted",
            "date_value": "2025-01-30",
            "date_from": date(2025, 1, 30),
            "date_to": date(2025, 1, 30),
            "status": "in_force",
            "action": "lift",
            "mention_id": "m",
            "learned_on": date(2025, 6, 1),
        },
    )  # the later of two ends
    read(world, "alpha", [date(2025, 1, 31)], 1)
    rows = world.execute(
        "SELECT event_id, state, censored, end_kind, end_basis, days_min, days_max FROM lifetimes ORDER BY ALL"
    ).fetchall()
    assert rows == [
        ("e0", "open", True, None, None, 30, None),
        ("e1", "open", True, None, None, 0, None),
        ("e2", "ended", False, "struck_down", "stated", 10, 10),
        ("e3", "ended", False, "lifted", "stated", 0, 26),
        ("e4", "ended", False, "lifted", "reported", 0, 15),
        ("e5", "ended", False, "lifted", None, 0, 26),
        ("e6", "undated", False, "lifted", "stated", None, None),
        ("e7", "contradictory", False, "lifted", "stated", None, None),
        ("e8", "open", True, None, None, 19, None),
    ]


def test_survival_is_that_of_the_textbook(world: Database) -> None:
    """Remission under 6-mercaptopurine in weeks (Freireich and others, 1963), as Kaplan-Meier is usually taught."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    lasting = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    last = date(2025, 3, 1)
    made = [event("IT", "2024-06-01", lifted=True) for _ in ended]
    fill(world, [*made, *(event("IT", str(last - timedelta(length))) for length in lasting), event("IT", None)])
    for number, length in enumerate(ended):
        end(world, f"e{number}", str(date(2024, 6, 1) + timedelta(length)))
    read(world, "alpha", [last], 1)
    rows = world.execute("SELECT bound, days, at_risk, ended, round(surviving, 3) FROM survival('all')").fetchall()
    expected = [(6, 21, 3, 0.857), (7, 17, 1, 0.807), (10, 15, 1, 0.753), (13, 12, 1, 0.690), (16, 11, 1, 0.627)]
    expected += [(22, 7, 1, 0.538), (23, 6, 1, 0.448)]
    assert rows == [(bound, *row) for bound in ("longest", "shortest") for row in expected]


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
