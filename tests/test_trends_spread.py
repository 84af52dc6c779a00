"""How restrictions spread and how long they last, on small worlds worked out by hand or by all possible dates."""

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trend_world import Database, end, event, fill, opened, put, read


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
