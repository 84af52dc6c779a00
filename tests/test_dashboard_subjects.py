"""The pages of services, countries and actors: numbers that agree, who led and who followed, reasons in their words."""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect
from starlette.testclient import TestClient

from reports.dashboard import actor_page, country_page, service_page
from reports.dashboard.app import Setting, make_app
from reports.dashboard.snapshots import Held, Snapshots
from reports.dashboard.visit import NotFound, Redirect, Rendered, Visit
from warehouse.dashboard import countries, peers, services, subjects
from warehouse.dashboard.peers import Peer
from warehouse.dashboard.services import Arrival
from warehouse.dashboard.subjects import Counted, Reason, Standing, Subject
from warehouse.event_list import EVENT_COLUMNS

if TYPE_CHECKING:
    from playwright.sync_api import Page

TODAY = date(2026, 11, 22)
UTC = ZoneInfo("UTC")
GARANTE = "Garante per la protezione dei dati personali"

SUBJECTS = [
    Subject(),
    Subject(service="DeepSeek"),
    Subject(service="TikTok", min_voices=2),
    Subject(country="US"),
    Subject(country="EU"),
    Subject(country="KR", public_only=True),
    Subject(actor=GARANTE, country="IT"),
    Subject(service="nothing of that name"),
]


@pytest.fixture(scope="module")
def held(sample_snapshot: Path) -> Iterator[Held]:
    snapshots = Snapshots(sample_snapshot.parent)
    with snapshots.held() as data:
        yield data
    snapshots.close()


@pytest.fixture(scope="module")
def client(sample_snapshot: Path) -> Iterator[TestClient]:
    snapshots = Snapshots(sample_snapshot.parent)
    yield TestClient(make_app(snapshots, Setting(UTC)), base_url="http://localhost", follow_redirects=False)
    snapshots.close()


def _visit(held: Held, path: Mapping[str, str] | None = None, **query: str) -> Visit:
    return Visit(held, path or {}, {name: (value,) for name, value in query.items()}, "/", UTC, TODAY)


def _service(held: Held, name: str, **query: str) -> Any:
    return service_page.page(_visit(held, {"name": name}, **query))


def _country(held: Held, code: str, **query: str) -> Any:
    return country_page.page(_visit(held, {"code": code}, **query))


# What is counted


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: str(one.where))
def test_numbers_are_those_of_the_restrictions(held: Held, subject: Subject) -> None:
    (standing,) = (Standing(*row) for row in held.ask(subjects.standing(subject)).rows)
    ((in_force, ended, undated, services_, actors),) = held.ask(
        "SELECT count(*) FILTER (WHERE NOT lifted), count(*) FILTER (WHERE lifted), count(*) - count(date_from), "
        f"count(DISTINCT service_canonical), count(DISTINCT actor_canonical) FROM restrictions WHERE {subject.where}"
    ).rows
    assert (standing.in_force, standing.ended, standing.undated) == (in_force, ended, undated)
    assert (standing.services, standing.actors) == (services_, actors)
    others = (standing.announced, standing.proposed, standing.rejected, standing.pressing, standing.easing)
    assert standing.events == standing.restrictions + sum(others)
    rows = held.ask(subjects.listed(subject, in_force=True, limit=1000)).rows
    assert len({row[0] for row in rows}) == len(rows) == in_force


def test_lists_begin_with_what_happened_last(held: Held) -> None:
    days = []
    for row in held.ask(subjects.listed(Subject(), in_force=False, limit=1000)).rows:
        told = dict(zip(EVENT_COLUMNS.split(", "), row, strict=True))
        if told["date_to"] is None:
            days.append(told["first_reported"])
        else:
            days.append(min(told["date_to"], told["last_reported"] or told["date_to"]))
    assert len(days) > 100
    assert days == sorted(days, key=lambda day: day or date.min, reverse=True)


@pytest.mark.parametrize("every", ["month", "quarter", "year"])
def test_counts_over_time_are_those_of_the_trend(held: Held, every: subjects.Every) -> None:
    everything = Subject()
    for dimension, sql in (
        ("action", subjects.by_action(everything, every)),
        ("scope_class", subjects.by_scope(everything, every)),
        ("reason", subjects.by_reason(everything, every)),
    ):
        found = Counter[tuple[date | None, str | None]]()
        for row in (Counted(*row) for row in held.ask(sql).rows):
            found[row.period, row.value] += row.restrictions
        told = Counter[tuple[date | None, str | None]]()
        for period, _, value, _, number in held.ask(f"FROM trend('{dimension}', every := '{every}')").rows:
            told[period, value] += number
        assert found == told


def test_public_bodies_are_those_of_the_macros(held: Held) -> None:
    ours = held.ask(
        f"SELECT country, count(*) FROM imposed WHERE {Subject(service='DeepSeek', public_only=True).where} "
        "GROUP BY country ORDER BY country"
    )
    theirs = held.ask(
        "SELECT country, restrictions FROM first_restrictions('DeepSeek', public_only := true) ORDER BY country"
    )
    assert ours.rows == theirs.rows
    assert len(ours.rows) > 5


# Who led and who followed


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("voices", [1, 2])
def test_countries_come_in_the_order_of_the_spread(held: Held, public: bool, voices: int) -> None:
    for name in ("DeepSeek", "TikTok", "ChatGPT"):
        subject = Subject(service=name, public_only=public, min_voices=voices)
        arrivals = [Arrival(*row) for row in held.ask(services.arrivals(subject)).rows]
        spread = held.ask(
            f"SELECT country, rank, rank_to, first_date, restrictions FROM spread('{name}', public_only := {public}, "
            f"min_voices := {voices})"
        )
        assert [(one.country, one.rank, one.rank_to, one.first_date, one.restrictions) for one in arrivals] == [
            *spread.rows
        ]
        for one in arrivals:
            ((country, date_to, told),) = held.ask(
                f"SELECT country, date_to, voices FROM imposed WHERE event_id = '{one.opened}'"
            ).rows
            assert (country, date_to, told) == (one.country, one.first_to, one.voices)
            assert (one.role is None) == (one.country in ("EU", "XX"))
            assert 0 <= one.in_force <= one.restrictions


def test_the_page_says_who_led_as_far_as_dates_tell(held: Held) -> None:
    values = _service(held, "DeepSeek", voices="2").values
    first, *others = values["arrived"]
    assert (first.country, first.place, first.lag) == ("United States", "1", "the first")
    assert values["lead"].endswith("The first came from the United States, on 24 January 2025.")
    assert [one.lag for one in others][:2] == ["5 days", "6 days"]
    uncertain = _service(held, "ChatGPT").values
    assert "not certain" in uncertain["lead"]
    assert any(not one.is_certain and "–" in one.place for one in uncertain["arrived"])


def test_a_country_led_as_often_as_first_movers_say(held: Held) -> None:
    sql = countries.restricted(Subject(country="US"), limit=3, is_country=True)
    rows = [countries.Restricted(*row) for row in held.ask(sql).rows]
    roles = dict(
        held.ask(
            "SELECT role, count(*) FROM (SELECT *, count(*) OVER (PARTITION BY service_canonical) AS of "
            "FROM first_movers(NULL)) WHERE country = 'US' AND of > 1 GROUP BY role"
        ).rows
    )
    one = rows[0]
    assert len(rows) == 3
    assert {
        "first": one.first,
        "tied": one.tied,
        "perhaps": one.perhaps,
        "follower": one.follower,
        "undated": one.undated,
    } == {role: roles.get(role, 0) for role in ("first", "tied", "perhaps", "follower", "undated")}


def test_peers_are_what_lead_lag_says_of_each_two(held: Held) -> None:
    found = [Peer(*row) for row in held.ask(peers.of_country(Subject(country="US"), 100)).rows]
    assert len(found) > 10
    for one in found:
        ((services_, dated, earlier, later, same_day, unclear, low, high),) = held.ask(
            "SELECT services, dated, b_first, a_first, same_day, unclear, median_days_min, median_days_max "
            f"FROM lead_lag('US', '{one.country}')"
        ).rows
        assert (one.services, one.dated, one.earlier, one.later) == (services_, dated, earlier, later)
        assert (one.same_day, one.unclear, one.days_min, one.days_max) == (same_day, unclear, low, high)


def test_peers_of_an_actor_act_on_its_services(held: Held) -> None:
    subject = Subject(actor="Australia", country="AU")
    found = [Peer(*row) for row in held.ask(peers.of_actor(subject, 100)).rows]
    own = {row[0] for row in held.ask(f"SELECT service_canonical FROM imposed WHERE {subject.where}").rows}
    assert found
    for one in found:
        assert (one.actor, one.country) != ("Australia", "AU")
        assert 0 < len(one.shared) <= one.services
        assert own >= set(one.shared)
        assert one.earlier + one.later + one.same_day + one.unclear == one.dated


# Reasons


def test_reasons_are_quoted_from_the_articles(held: Held) -> None:
    for subject in (Subject(service="DeepSeek"), Subject(country="KR"), Subject(actor=GARANTE, country="IT")):
        rows = [Reason(*row) for row in held.ask(subjects.reasons_quoted(subject)).rows]
        assert rows
        assert max(Counter(row.reason for row in rows).values()) <= subjects.MOST_QUOTED
        for row in rows:
            ((text, classes),) = held.ask(
                f"SELECT a.text[{row.start} + 1:{row.end}], i.reason_classes FROM articles AS a, imposed AS i "
                f"WHERE a.article_id = '{row.article_id}' AND i.event_id = '{row.event_id}'"
            ).rows
            assert text == row.quote
            assert row.reason in classes
            ((number,),) = held.ask(
                f"SELECT count(*) FROM imposed WHERE list_contains(reason_classes, '{row.reason}') AND {subject.where}"
            ).rows
            assert number == row.restrictions


def test_a_quote_stands_in_its_sentence(held: Held) -> None:
    stated = _service(held, "DeepSeek").values["reasons"]
    quoted = [one.said for reason in stated for one in reason.quotes]
    assert len(quoted) > 10
    assert sum(len(one.before) + len(one.after) > len(one.quote) for one in quoted) > len(quoted) / 2
    assert not any("\n" in one.before + one.quote + one.after for one in quoted)


def test_charts_show_the_years_in_which_most_was_dated(held: Held) -> None:
    frame = _service(held, "DeepSeek").values["frame"]
    assert [(one.value, one.words) for one in frame.choices if one.chosen] == [("", "most of it: the last year")]
    assert (frame.since, frame.every) == (date(2024, 4, 1), "month")
    whole = _service(held, "DeepSeek", span="all").values["frame"]
    assert (whole.since, whole.every) == (None, "month")
    assert [one.value for one in whole.choices if one.chosen] == ["all"]
    assert "1 from before 1 April 2024" not in _service(held, "DeepSeek", span="all").values["history"].note
    assert _service(held, "DeepSeek", span="nonsense").values["frame"] == frame


# Pages


def test_every_number_leads_to_as_many_events(client: TestClient) -> None:
    followed = 0
    for address in (
        "/service/TikTok?span=all",
        "/service/DeepSeek?public=1&voices=2",
        "/country/KR?span=5&public=1",
        f"/actor?name={GARANTE.replace(' ', '+')}&country=IT",
    ):
        text = client.get(address).text
        numbers = set(re.findall(r'<a[^>]*href="(/explore[^"]*)"[^>]*>([\d,]+)(?: restrictions?)?</a>', text))
        for link, number in sorted(numbers)[::6]:
            listed = client.get(html.unescape(link)).text
            (found,) = re.findall(r'data-says="(\S+) ', listed)
            assert found == number, f"{address}: {link}"
            followed += 1
    assert followed > 15


@pytest.mark.parametrize(
    ("page", "path", "query", "to"),
    [
        (service_page.page, {"name": "deepseek app"}, {}, "/service/DeepSeek"),
        (service_page.page, {"name": "TIKTOK"}, {"voices": "2"}, "/service/TikTok?voices=2"),
        (country_page.page, {"code": "italy"}, {}, "/country/IT"),
        (country_page.page, {"code": "eu"}, {"span": "all"}, "/country/EU?span=all"),
        (actor_page.page, {}, {"name": "garante"}, f"/actor?name={GARANTE.replace(' ', '+')}&country=IT"),
    ],
)
def test_other_names_lead_to_the_usual_one(
    held: Held, page: Callable[[Visit], Any], path: Mapping[str, str], query: Mapping[str, str], to: str
) -> None:
    assert page(_visit(held, path, **query)) == Redirect(to)


@pytest.mark.parametrize(
    ("page", "path", "query", "hint"),
    [
        (service_page.page, {"name": "DeepSeeek"}, {}, "DeepSeek"),
        (service_page.page, {"name": "<b>"}, {}, "list of services"),
        (country_page.page, {"code": "Utopia"}, {}, ""),
        (actor_page.page, {}, {}, "list of actors"),
        (actor_page.page, {}, {"name": "Nobody at all"}, "list of actors"),
        (actor_page.page, {}, {"name": "Google", "country": "FR"}, "Google (United States)"),
    ],
)
def test_what_is_not_known_says_where_to_look(
    held: Held, page: Callable[[Visit], Any], path: Mapping[str, str], query: Mapping[str, str], hint: str
) -> None:
    with pytest.raises(NotFound) as found:
        page(_visit(held, path, **query))
    assert hint in found.value.hint


def test_the_union_and_nobody_in_particular_are_no_countries(held: Held) -> None:
    for code, name in (("EU", "European Union"), ("XX", "Country not told")):
        made = _country(held, code)
        assert isinstance(made, Rendered)
        assert made.title == name
        assert made.values["peers"] is None
        assert made.values["roles"] == ""
        assert "counts as none" in made.values["about"]
    for one in _service(held, "DeepSeek").values["arrived"]:
        assert (one.place == "–" and one.lag == "not a country") if one.code in ("EU", "XX") else one.place != "–"


def test_where_nothing_is_told_the_page_says_so(held: Held, client: TestClient) -> None:
    ((service,),) = held.ask(
        "SELECT min(name) FROM services WHERE name NOT IN (SELECT service_canonical FROM events)"
    ).rows
    for address in (f"/service/{service}", "/country/FJ", "/service/TikTok?voices=2&public=1&show=in_force"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert 'class="empty"' in answer.text or "in force" in answer.text
    assert "no proof that there is none" in client.get("/country/FJ").text


def test_an_actor_is_told_with_what_it_belongs_to(held: Held) -> None:
    ((name, country),) = held.ask(
        "SELECT actor_canonical, country FROM actors WHERE part_of IS NOT NULL ORDER BY events DESC, 1 LIMIT 1"
    ).rows
    values = actor_page.page(_visit(held, name=name, country=country)).values
    assert values["one"].parent
    ((parent, place),) = held.ask(
        "SELECT p.actor_canonical, p.country FROM actors AS p JOIN actors AS a ON a.part_of = p.body_id "
        "AND a.country = p.country ORDER BY 1 LIMIT 1"
    ).rows
    values = actor_page.page(_visit(held, name=parent, country=place)).values
    assert values["one"].parts


# In a browser


def test_a_reader_narrows_a_page_and_goes_on(page: "Page", dashboard_site: str) -> None:
    page.goto(f"{dashboard_site}/service/DeepSeek")
    number = page.locator(".numbers dd").first
    expect(number).not_to_have_text("6")
    page.get_by_label("Count what is told by").focus()
    page.get_by_label("Count what is told by").select_option("2")
    page.wait_for_url("**voices=2")
    expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")
    rows = page.locator("#order tbody tr")
    expect(rows).to_have_count(6)
    expect(page.get_by_label("Count what is told by")).to_be_focused()
    page.locator("#lives chart-box").scroll_into_view_if_needed()
    page.wait_for_selector("#lives chart-box[data-drawn] svg")
    rows.first.get_by_role("link").first.click()
    page.wait_for_url("**/country/US")
    expect(page.get_by_role("heading", level=1)).to_have_text("United States")
    page.get_by_role("link", name="All events", exact=False).first.click()
    page.wait_for_url("**show=all**")
    expect(page.get_by_role("heading", name="Events", exact=True)).to_be_visible()
    page.locator("#peers").get_by_role("link", name="Italy").click()
    page.wait_for_url("**/country/IT")
    page.locator("#acting").get_by_role("link", name="Garante").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(GARANTE)
    page.locator(".event .said a").first.click()
    page.wait_for_url("**/event/*")
