"""Explore: what filters and words find, the address that says so, and the files that hold it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import lxml.html
import pytest
from explored import client, data, snapshots
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from reports.dashboard.snapshots import Held
from reports.dashboard.view_url import CHOICES, COLUMNS, Known, View, read
from warehouse.dashboard import explore, search
from warehouse.dashboard.explore import NONE, SORTS, Order, Wanted

__all__ = ["client", "data", "snapshots"]
"""Fixtures that stand in a module of their own."""

Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def events(data: Held) -> list[Row]:
    """All events as they are stored, with the days on which each was surely in force."""
    found = data.ask("SELECT * FROM events ORDER BY event_id")
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.fixture(scope="module")
def mentions(data: Held) -> list[tuple[str, str]]:
    """Event id, and the quotes of a mention with the titles of its article."""
    titles: dict[str, list[str]] = {}
    for article_id, title in data.ask(
        "SELECT article_id, title FROM articles UNION ALL SELECT article_id, title FROM article_versions"
    ).rows:
        titles.setdefault(article_id, []).append(title)
    quotes = ", ".join(search.QUOTES)
    return [
        (event_id, "\n".join([*titles[article_id], *(one for one in said if one)]))
        for event_id, article_id, *said in data.ask(
            f"SELECT event_id, article_id, {quotes} FROM event_mentions JOIN mentions USING (mention_id)"
        ).rows
    ]


# Words


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        yield connection


_LETTERS = st.sampled_from("aàÀåÅeéÊiıİoøÖuýÿžŽłŁnñcçstkſßæαάΣσςеёйиЁабв한国禁のがก12_'’-‑–.*(|[\\^$ \n")


@settings(max_examples=40)
@given(st.text(_LETTERS, min_size=1, max_size=12), st.text(_LETTERS, max_size=24), st.booleans())
def test_the_engine_finds_what_is_marked(
    engine: duckdb.DuckDBPyConnection, typed: str, text: str, as_phrase: bool
) -> None:
    terms = search.parse(f'"{typed}"' if as_phrase else typed).terms
    for term in terms:
        for said in (text, f"{text} {term.words}", f"x{term.words}", term.words.upper()):
            sql = "SELECT regexp_matches($1, '(?i)' || $2) AND regexp_matches($1, '(?i)' || $3)"
            ((found,),) = engine.execute(sql, [said, term.core, term.pattern]).fetchall()
            assert found == bool(search.spans(said, [term])), (said, term)


@pytest.mark.parametrize(
    ("typed", "text", "marked"),
    [
        ("ban", "Banned: the urban BAN on bans", ["Ban", "BAN", "ban"]),
        ('"ban"', "banned, a ban.", ["ban"]),
        ("ecole", "L’École et l’ecole", ["École", "ecole"]),
        ("ÉCOLE", "ecole", ["ecole"]),
        ("lodz", "Łódź", ["Łódź"]),
        ('"national  security"', "National\nSecurity, national securities", ["National\nSecurity"]),
        ("national sec", "security of the nation", ["sec"]),
        ("don't", "they don’t", ["don’t"]),
        ("anti-trust", "anti‑trust", ["anti‑trust"]),
        ("禁止", "全面禁止使用", ["禁止"]),
        ("ёлка", "Елка", ["Елка"]),
        ("C++ .NET", "C# and .net", ["net"]),
        ("“as typed”", "as typed", ["as typed"]),
    ],
)
def test_words_are_found_as_people_type_them(typed: str, text: str, marked: list[str]) -> None:
    terms = search.parse(typed).terms
    assert [text[start:end] for start, end in search.spans(text, terms)] == marked


def test_what_nothing_is_looked_for_by_is_told() -> None:
    assert search.parse("  ") == search.Search()
    assert search.parse('a "a" … ban ban').left_out == ("a", "…")
    assert [one.words for one in search.parse('a "a" … ban ban').terms] == ["a", "ban"]
    many = search.parse(" ".join(f"word{number}" for number in range(search.MOST + 2)))
    assert len(many.terms) == search.MOST
    assert many.left_out == ("word8", "word9")


@pytest.mark.parametrize("typed", ["ban", '"national security"', "deepseek government", "zzz"])
def test_all_words_stand_in_one_mention_or_its_title(
    data: Held, events: list[Row], mentions: list[tuple[str, str]], typed: str
) -> None:
    terms = search.parse(typed).terms
    said = {event_id for event_id, text in mentions if all(term.regex.search(text) for term in terms)}
    ids = [row[0] for row in data.ask(explore.page(Wanted(terms=terms, everything=True), Order(), 999, 0)).rows]
    assert sorted(ids) == sorted(said)
    for question in (explore.counts, lambda one: explore.page(one, Order("score"), 9, 2)):
        wanted = Wanted(terms=terms, action=("ban", "limit"), everything=True)
        with data.reader() as reader:
            quick = reader.rows(question(replace(wanted, is_found=True)), [sorted(said)])
        assert sorted(map(str, quick)) == sorted(map(str, data.ask(question(wanted)).rows))
    shown = data.ask(explore.stated(ids[:20], terms)).rows
    assert len(shown) == len(ids[:20])


def test_quotes_that_have_the_words_stand_in_their_sentence(client: TestClient, data: Held) -> None:
    root = lxml.html.document_fromstring(client.get("/explore?q=blocked").text)
    shown = [" ".join(one.text_content().split()) for one in root.xpath('//q[@class="quoted"]')]
    stored = " ".join(" ".join(text.split()) for (text,) in data.ask("SELECT text FROM articles").rows)
    assert len(shown) > 10
    assert sum(len(one.split()) > 6 for one in shown) > 0.8 * len(shown)
    for one in shown:
        assert "block" in one.lower()
        assert one.removeprefix("… ").removesuffix(" …") in stored


# Filters


def _precision(row: Row) -> str:
    first, last = row["date_from"], row["date_to"]
    if first is None:
        return NONE
    if first == last:
        return "day"
    return "month" if (first.year, first.month) == (last.year, last.month) else "year"


def _fits(row: Row, wanted: Wanted, *, but: str = "") -> bool:
    """What the filters mean, said once more in Python."""
    plain = {
        "service": row["service_canonical"],
        "country": row["country"],
        "kind": row["actor_kind"],
        "action": row["action"],
        "status": row["status"],
        "side": row["side"],
        "scope": row["scope_class"],
        "ended": "yes" if row["lifted"] else "no",
        "dated": _precision(row),
    }
    tests = [
        wanted.everything or not (row["retracted"] or row["dismissed"]),
        *(
            not (some := getattr(wanted, name)) or name == but or (value or NONE) in some
            for name, value in plain.items()
        ),
        not wanted.reason or but == "reason" or bool(set(row["reason_classes"] or [NONE]) & set(wanted.reason)),
        not (wanted.actor or wanted.actor_parts)
        or but == "actor"
        or (row["actor_canonical"] or NONE) in wanted.actor
        or any(part.lower() in (row["actor_canonical"] or "").lower() for part in wanted.actor_parts),
        wanted.since is None or _at_least(row["date_to"] or row["first_reported"], wanted.since),
        wanted.until is None or _at_most(row["date_from"] or row["first_reported"], wanted.until),
        wanted.reported_since is None or _at_least(row["last_reported"], wanted.reported_since),
        wanted.reported_until is None or _at_most(row["first_reported"], wanted.reported_until),
        wanted.score is None or row["score"] >= wanted.score,
        wanted.voices is None or row["voices"] >= wanted.voices,
    ]
    return all(tests)


def _at_least(day: date | None, bound: date) -> bool:
    return day is not None and day >= bound


def _at_most(day: date | None, bound: date) -> bool:
    return day is not None and day <= bound


_DAYS = st.none() | st.dates(date(2024, 6, 1), date(2025, 6, 1))


def _some(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


_WANTED = st.builds(
    Wanted,
    service=_some(["DeepSeek", "TikTok", "ChatGPT"]),
    country=_some(["US", "KR", "AU", "IT", "EU", "XX"]),
    actor=_some([NONE, "Garante per la protezione dei dati personali"]),
    actor_parts=_some(["minist", "department", "É", "%"]),
    **{name: _some(values) for name, values in CHOICES.items()},
    since=_DAYS,
    until=_DAYS,
    reported_since=_DAYS,
    reported_until=_DAYS,
    score=st.none() | st.floats(0, 1),
    voices=st.none() | st.integers(0, 4),
    everything=st.booleans(),
)


@settings(max_examples=20)
@given(wanted=_WANTED, order=st.builds(Order, st.sampled_from(list(SORTS)), st.booleans()))
def test_filters_find_what_they_say_and_count_it(data: Held, events: list[Row], wanted: Wanted, order: Order) -> None:
    fitting = [row for row in events if _fits(row, wanted)]
    with data.reader() as reader:  # not through the memory: each question is asked once
        found = reader.rows(explore.page(wanted, order, 999, 0))
        rows = reader.rows(explore.counts(wanted))
    assert {row[0] for row in found} == {row["event_id"] for row in fitting}
    assert len(found) == len(fitting)
    counts: dict[str, Counter[str]] = {}
    for facet, value, _, number in rows:
        if number:
            counts.setdefault(facet, Counter())[value] += number
    assert sum(counts.get("all", Counter()).values()) == len(fitting)
    for facet, value_of in (
        ("service", lambda row: [row["service_canonical"]]),
        ("kind", lambda row: [row["actor_kind"] or NONE]),
        ("reason", lambda row: row["reason_classes"] or [NONE]),
        ("dated", lambda row: [_precision(row)]),
        ("ended", lambda row: ["yes" if row["lifted"] else "no"]),
    ):
        expected = Counter(one for row in events if _fits(row, wanted, but=facet) for one in value_of(row))
        assert counts.get(facet, Counter()) == expected, facet
    over_time = sum((counts.get(one, Counter()) for one in ("month", "year", "undated")), Counter())
    assert over_time == Counter(row["action"] for row in fitting)


def test_in_force_on_a_day_is_what_the_macro_says(data: Held) -> None:
    day = date(2025, 2, 10)
    found = data.ask(explore.page(Wanted(on=day), Order(), 999, 0)).rows
    told = data.ask(f"SELECT event_id FROM in_force_on('{day}')").rows
    assert {row[0] for row in found} == {row[0] for row in told} != set()


@pytest.mark.parametrize("order", [Order(by, falls) for by in SORTS for falls in (True, False)], ids=str)
def test_pages_follow_each_other_without_a_gap(data: Held, order: Order) -> None:
    whole = [row[0] for row in data.ask(explore.page(Wanted(), order, 999, 0)).rows]
    parts = [row[0] for start in (0, 150) for row in data.ask(explore.page(Wanted(), order, 150, start)).rows]
    assert whole == parts
    assert len(set(whole)) == len(whole) > 200


# Addresses


def knows_all(services: Callable[[str], Sequence[str]] = lambda one: [one]) -> Known:
    return Known(services, lambda one: one, lambda one: ([], True), lambda one: one)


_VIEWS = st.builds(
    View,
    typed=st.just(""),
    wanted=_WANTED.map(lambda one: explore.Wanted(**{**_fields(one), "actor": (), "actor_parts": one.actor_parts})),
    order=st.builds(Order, st.sampled_from(list(SORTS)), st.booleans()),
    columns=st.sets(st.sampled_from(list(COLUMNS))).map(
        lambda some: tuple(one for one in COLUMNS if one in some or one == "event")
    ),
)


def _fields(wanted: Wanted) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in Wanted.__slots__}


@settings(max_examples=20)
@given(_VIEWS)
def test_an_address_leads_to_the_view_that_it_was_made_of(view: View) -> None:
    query = {name: tuple(values) for name, values in parse_qs(urlsplit(view.address()).query).items()}
    again, problems = read(query, knows_all())
    assert all("is later than" in one.says for one in problems)
    # Scores have the six digits of an address.
    assert again.address() == view.address()
    assert again.order == view.order
    assert again.columns == view.columns
    assert again.wanted.since == view.wanted.since
    assert again.wanted.reason == view.wanted.reason
