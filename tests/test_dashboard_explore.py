"""Explore: what filters and words find, the address that says so, and the files that hold it."""

import csv
import io
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

import duckdb
import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from reports.dashboard import explore_page
from reports.dashboard.app import Setting, make_app
from reports.dashboard.explore_files import rows_of
from reports.dashboard.explore_page import known_of
from reports.dashboard.facets import Counts
from reports.dashboard.snapshots import Held, Snapshots
from reports.dashboard.view_url import CHOICES, COLUMNS, Known, View, read
from warehouse.dashboard import explore, search
from warehouse.dashboard.explore import NONE, SORTS, Order, Wanted

if TYPE_CHECKING:
    from browser import Watched
    from playwright.sync_api import Browser, Page

UTC = ZoneInfo("UTC")
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def snapshots(sample_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshots]:
    opened = Snapshots(sample_snapshot.parent, workspace=tmp_path_factory.mktemp("workspace"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def data(snapshots: Snapshots) -> Iterator[Held]:
    with snapshots.held() as held:
        yield held


@pytest.fixture(scope="module")
def client(snapshots: Snapshots) -> TestClient:
    return TestClient(make_app(snapshots, Setting(UTC)), base_url="http://localhost")


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


def _known(services: Callable[[str], Sequence[str]] = lambda one: [one]) -> Known:
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
    again, problems = read(query, _known())
    assert all("is later than" in one.says for one in problems)
    # Scores have the six digits of an address.
    assert again.address() == view.address()
    assert again.order == view.order
    assert again.columns == view.columns
    assert again.wanted.since == view.wanted.since
    assert again.wanted.reason == view.wanted.reason


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("action=bna", "There is no action “bna”. There are ban, block"),
        ("country=Atlantis", "There is no country &#39;Atlantis&#39;"),
        ("service=DeapSeek", "Nearest: DeepSeek"),
        ("actor=zzzz", "There is no actor with “zzzz” in its name"),
        ("since=yesterday", "From: “yesterday” is no day. Write it as 2025-01-31"),
        ("on=2025-02-30", "In force on: “2025-02-30” is no day"),
        ("since=2025-03-01&until=2025-02-01", "From 2025-03-01 is later than to 2025-02-01"),
        ("score=7", "Score at least: “7” is no number from 0 to 1"),
        ("score=nan", "“nan” is no number"),
        ("voices=-1", "Voices at least: “-1” is no number"),
        ("sort=colour", "Events can’t be sorted by “colour”"),
        ("order=up", "“up” is no order"),
        ("show=colour", "“colour” is no column"),
        ("acton=ban", "“acton” is no filter. Did you mean action?"),
        ("everything=maybe", "everything takes yes or no"),
        ("q=a", "Nothing is looked for by “a”"),
        ("dated=week", "There is no date stated “week”"),
        ("category=nonsense", "There is no kind of service “nonsense”"),
    ],
)
def test_what_is_not_understood_is_named_with_the_way_out(client: TestClient, query: str, says: str) -> None:
    answer = client.get(f"/explore?{query}")
    assert answer.status_code == 200
    told = re.sub(r"\s+", " ", answer.text)
    assert "Part of this address could not be understood" in told
    assert says in told


_NAMES = [*CHOICES, "q", "service", "country", "actor", "category", "since", "on", "score", "voices", "sort", "page"]


@settings(max_examples=10)
@given(st.dictionaries(st.sampled_from([*_NAMES, "show", "x"]), st.text(max_size=12), max_size=4))
def test_no_address_is_an_error(client: TestClient, query: Mapping[str, str]) -> None:
    asked = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in query.items())
    assert client.get(f"/explore?{asked}").status_code == 200


def test_names_in_any_spelling_and_parts_of_names_are_understood(client: TestClient) -> None:
    for query, chip in (
        ("service=deepseek", "DeepSeek"),
        ("country=south korea", "South Korea"),
        ("action=BAN", "ban"),
        ("kind=data protection", "data protection"),
        ("actor=department of", "“department of” in the name"),
        ("category=ai", "ai"),
    ):
        page = client.get(f"/explore?{query}").text
        assert "could not be understood" not in page, query
        assert chip in page
    assert "Do you mean all events of" in client.get("/explore?q=deepseek").text


@pytest.mark.parametrize("page", ["/", "/services", "/countries", "/service/DeepSeek", "/country/US?voices=2"])
def test_numbers_of_other_pages_lead_to_as_many_events(client: TestClient, data: Held, page: str) -> None:
    shown = client.get(page).text
    links = {
        (address.replace("&amp;", "&"), int(number.replace(",", "")))
        for address, number in re.findall(r'<a[^>]* href="(/explore[^"]*)"[^>]*>(?:<[^>]*>)*([\d,]+)\b', shown)
    }
    assert len(links) > 8
    for address, number in sorted(links)[:: len(links) // 8]:
        assert (address, found_by(data, address)) == (address, number)


def found_by(data: Held, address: str) -> int:
    """How many events an address of Explore asks for."""
    query = {name: tuple(values) for name, values in parse_qs(urlsplit(address).query).items()}
    view, problems = read(query, known_of(data))
    assert problems == ()
    return Counts.of(data.ask(explore.counts(view.wanted)).rows).all


# Files


@pytest.mark.parametrize("query", ["", "q=government+ban&show=date&show=score", "country=US&sort=service&order=asc"])
def test_files_hold_exactly_what_is_seen(client: TestClient, data: Held, tmp_path: Path, query: str) -> None:
    answer = client.get(f"/explore.csv?{query}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="clampdown-events-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    view, _ = read({name: tuple(some) for name, some in parse_qs(query).items()}, _known())
    ids = [row[0] for row in data.ask(explore.page(view.wanted, view.order, 999, 0)).rows]
    assert [row["event_id"] for row in rows] == ids
    pages = [
        one
        for number in range(1, 2 + (len(ids) - 1) // explore_page.SIZE)
        for one in re.findall(
            r'class="sentence" href="/event/(\w+)"', client.get(f"/explore?{query}&page={number}").text
        )
    ]
    assert pages == ids
    wide = [field for key in view.columns for field in COLUMNS[key].fields]
    assert list(rows[0])[: 1 + len(wide)] == ["event_id", *wide]
    texts = dict(data.ask("SELECT mention_id, text FROM mentions JOIN articles USING (article_id, version)").rows)
    for row in rows:
        text = texts[row["mention_id"]]
        assert text[int(row["quote_start"]) : int(row["quote_end"])] == row["quote"]
        assert row["article_url"].startswith("http")
    packed = tmp_path / "events.parquet"
    packed.write_bytes(client.get(f"/explore.parquet?{query}").content)
    with closing(duckdb.connect()) as connection:
        again = connection.execute(f"SELECT event_id, quote FROM '{packed}'").fetchall()
    assert again == [(row["event_id"], row["quote"]) for row in rows]
    assert [row[0] for row in data.ask(rows_of(view)).rows] == ids


def test_no_file_holds_more_than_was_asked_for(client: TestClient) -> None:
    answer = client.get("/explore.csv?action=bna&country=US", follow_redirects=False)
    assert answer.status_code in (302, 303, 307)
    assert answer.headers["location"] == "/explore?action=bna&country=US"


def test_no_cell_of_a_file_is_a_formula(sample_snapshot: Path, tmp_path: Path) -> None:
    shutil.copy(sample_snapshot, tmp_path / sample_snapshot.name)
    with closing(duckdb.connect(str(tmp_path / sample_snapshot.name))) as connection:
        connection.execute("UPDATE articles SET title = '=cmd|''/c calc''!A1'")
        connection.execute("UPDATE mentions SET trigger_quote = '@SUM(A1)' || trigger_quote")
    opened = Snapshots(tmp_path)
    client = TestClient(make_app(opened, Setting(UTC)), base_url="http://localhost")
    rows = list(csv.DictReader(io.StringIO(client.get("/explore.csv?country=US").text)))
    opened.close()
    assert len(rows) > 50
    assert {row["article_title"] for row in rows} == {"'=cmd|'/c calc'!A1"}
    assert all(row["quote"].startswith("'@SUM(A1)") for row in rows)
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]


# The page


def test_each_bar_leads_to_the_events_that_it_counts(data: Held, client: TestClient) -> None:
    page = client.get("/explore?service=DeepSeek").text
    table = page[page.index('id="over-time-table"') : page.index('id="over-time-sql"')]
    cells = re.findall(r'<td class="num"><a href="([^"]+)">(\d+)</a>', table)
    assert len(cells) > 3
    for address, number in cells[:: len(cells) // 4]:
        assert found_by(data, address.replace("&amp;", "&")) == int(number)


def test_the_page_in_a_browser(page: "Page", dashboard_site: str, tmp_path: Path) -> None:
    page.goto(f"{dashboard_site}/explore")
    page.evaluate("window.stayed = true")
    page.keyboard.press("/")
    page.keyboard.type("government")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore?q=government")
    page.locator("mark", has_text=re.compile("government", re.IGNORECASE)).first.wait_for()
    page.get_by_label("DeepSeek").check()
    page.wait_for_url("**service=DeepSeek*")
    page.locator("#says", has_text="found").wait_for()
    assert page.evaluate("document.activeElement.id") == "service-DeepSeek"
    page.locator("thead").get_by_role("link", name="Country").click()
    page.wait_for_url("**sort=country*")
    page.locator("th[aria-sort=ascending]", has_text="Country").wait_for()
    countries = page.locator("td.c-country").all_inner_texts()
    assert countries == sorted(countries, key=str.casefold)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download as CSV").click()
    target = tmp_path / "found.csv"
    started.value.save_as(target)
    with target.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(countries)
    page.locator("#columns > summary").click()
    page.get_by_label("Score", exact=True).check()
    page.locator("thead", has_text="Score").wait_for()
    address = page.url
    page.get_by_role("link", name=re.compile("Words.*remove this filter")).click()
    page.wait_for_url(lambda url: "q=" not in url)
    page.go_back()
    page.wait_for_url(address)
    page.locator("th", has_text="Score").wait_for()
    assert page.evaluate("window.stayed")
    page.locator("a.sentence").first.click()
    page.wait_for_url("**/event/*")


def test_the_page_on_a_narrow_dark_screen(browser: "Browser", watched: "Watched", dashboard_site: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce")
    page = watched.over(context.new_page())
    page.goto(f"{dashboard_site}/explore?q=ban&acton=x")
    assert page.locator("#all-filters").get_attribute("open") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("checkbox", name="South Korea", exact=False).first.check()
    page.wait_for_url("**country=KR*")
    context.close()
