"""What is news, in what words, in what order, and that nothing on a page is alive that others wrote."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from digest_material import EVENT, LEARNED, change, telling
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from clampdown.proofs.payloads import MARKUP
from pipeline.passages import sentence_at
from pipeline.site_state import Trouble
from pipeline.types import Action, ActorKind, ScopeClass, Side, Status, Transition, TransitionKind
from reports.digest import (
    Age,
    Coverage,
    Digest,
    Findings,
    Item,
    News,
    Part,
    gaps_between,
    ranked,
    sections,
    to_list,
)
from reports.digest_news import age_of, news_of
from reports.digest_pages import WIDTH, as_document, as_markdown, as_text
from reports.digest_words import subject
from reports.event_words import sentence
from reports.inert import host, line, link, markdown, web_address
from reports.locales import the_country
from warehouse.event_list import EventRow
from warehouse.news import Change
from warehouse.tables.changes import Kind

GOLDEN = Path(__file__).parent / "golden" / "digests"
SINCE = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
UNSURE = replace(EVENT, voices=1, score=0.3)


def status(event: EventRow, to: Status) -> EventRow:
    return replace(event, status=to)


def test_what_is_news_of_an_event() -> None:
    """Each line of this table is one sort of change."""
    proposed, announced = status(EVENT, Status.PROPOSED), status(EVENT, Status.ANNOUNCED)
    rejected, lifted = status(EVENT, Status.REJECTED), replace(EVENT, lifted=True)
    freed = replace(EVENT, action=Action.LIFT, side=Side.EASING)
    retracted, dismissed = replace(EVENT, retracted=True), replace(EVENT, dismissed=True)
    table: list[tuple[Change, News | None]] = [
        (change(None, EVENT), News.NEW),
        (change(None, freed), News.LIFTED),
        (change(None, announced), News.ANNOUNCED),
        (change(None, proposed), News.PROPOSED),
        (change(None, rejected), News.REJECTED),
        (change(None, retracted), None),
        (change(None, dismissed), None),
        (change(None, EVENT, Kind.SPLIT), News.NEW),
        (change(None, EVENT, Kind.SPLIT, newest=date(2026, 11, 19)), None),
        (change(proposed, EVENT, steps=("in_force",)), News.IN_FORCE),
        (change(proposed, announced, steps=("announced",)), News.ANNOUNCED),
        (change(proposed, rejected, steps=("rejected",)), News.REJECTED),
        (change(rejected, EVENT, steps=("in_force",)), News.IN_FORCE),
        (change(EVENT, announced), News.CORRECTED),
        (change(EVENT, lifted, Kind.ENDED, ("lifted",)), News.LIFTED),
        (change(EVENT, lifted, Kind.ENDED, ("struck_down",)), News.STRUCK_DOWN),
        (change(lifted, EVENT, Kind.REOPENED), News.REOPENED),
        (change(EVENT, EVENT, steps=("widened",)), News.WIDENED),
        (change(EVENT, EVENT, steps=("extended",)), News.EXTENDED),
        (change(EVENT, EVENT, steps=("eased",)), News.EASED),
        (change(EVENT, EVENT, steps=("corrected",)), News.CORRECTED),
        (change(EVENT, freed), News.CORRECTED),
        (change(EVENT, retracted, Kind.RETRACTED, ("retracted",)), News.RETRACTED),
        (change(retracted, EVENT, Kind.REINSTATED), News.REINSTATED),
        (change(EVENT, dismissed, Kind.DISMISSED), News.DISMISSED),
        (change(dismissed, EVENT, Kind.RESTORED), News.RESTORED),
        (change(dismissed, replace(dismissed, voices=7), steps=("widened",)), None),
        (change(retracted, replace(retracted, lifted=True), Kind.ENDED), None),
        (change(EVENT, None, Kind.REMOVED), News.GONE),
        (change(dismissed, None, Kind.REMOVED), None),
        (change(EVENT, None, Kind.MERGED), None),
        (change(EVENT, EVENT, Kind.RENAMED), None),
        (change(EVENT, replace(EVENT, voices=5, score=0.95)), None),
        (change(UNSURE, EVENT), News.CONFIRMED),
        (change(UNSURE, replace(UNSURE, score=0.4)), None),
    ]
    for one, expected in table:
        assert news_of(one, SINCE) is expected, one


def test_old_news_is_told_as_such() -> None:
    spring = replace(EVENT, date_value="2026-03-01", date_from=date(2026, 3, 1), date_to=date(2026, 3, 1))
    undated = replace(EVENT, date_value=None, date_from=None, date_to=None, first_reported=None)
    held = date(2026, 11, 19)
    lift = Transition(
        Status.IN_FORCE, Action.LIFT, "2026-11", date(2026, 11, 20), "m", TransitionKind.LIFTED, LEARNED, None
    )
    assert age_of(change(None, EVENT), EVENT, None, SINCE) is None
    assert age_of(change(None, spring), spring, None, SINCE) is Age.LATE
    assert age_of(change(None, undated), undated, None, SINCE) is None, "what is not known is not said"
    for before in (None, replace(EVENT, lifted=True)):
        assert age_of(change(before, EVENT, newest=held), EVENT, None, SINCE) is Age.REREAD
    assert age_of(change(None, EVENT, newest=held), EVENT, None, None) is None, "no digest before"
    assert age_of(change(EVENT, EVENT, Kind.DISMISSED, newest=None), EVENT, None, SINCE) is None, "a person's word"
    # An old restriction that is lifted today is today's news; the step counts, by the last day that its date allows.
    assert age_of(change(spring, spring), spring, lift, SINCE) is None
    assert age_of(change(spring, spring), spring, replace(lift, date_value="2026-10"), SINCE) is Age.LATE


def items(*events: EventRow, news: News = News.NEW, age: Age | None = None) -> list[Item]:
    return [Item(news, event, None, "Italy", age) for event in events]


def test_what_is_told_first() -> None:
    numbered = [replace(EVENT, id=f"{number:020x}") for number in range(8)]
    ban = replace(numbered[0], action=Action.BAN, scope_class=ScopeClass.NATIONWIDE)
    block, twice = numbered[1], replace(numbered[2], voices=4)
    warning = replace(numbered[3], action=Action.WARN)
    company = replace(numbered[4], action=Action.BAN, actor_kind=ActorKind.COMPANY)
    unsure, late, gone = replace(UNSURE, id="5" * 20), numbered[6], numbered[7]
    given = [
        *items(unsure, warning, company, block, twice, ban),
        *items(late, age=Age.LATE),
        *items(gone, news=News.GONE),
    ]
    for order in (given, given[::-1]):
        found = ranked(order)
        assert [item.event.id for item in found] == [
            one.id for one in (ban, twice, block, company, warning, late, unsure, gone)
        ]
    assert [item.part for item in found[-3:]] == [Part.LATE, Part.UNSURE, Part.TAKEN_BACK]


def test_a_thousand_items_are_not_told_in_full() -> None:
    given = ranked(items(*(replace(EVENT, id=f"{number:020x}", service=f"S{number % 3}") for number in range(1000))))
    chosen = to_list(given)
    assert len(chosen) == 40
    digest = made([replace(item, listed=item.event.id in chosen) for item in given])
    assert sum(len(section.items) for section in sections(digest.findings.items)) == 40
    text = as_text(digest)
    assert "960 more: S0" in text
    assert len(text) < 20_000
    assert len(as_document(digest)["items"]) == 1000


def test_gaps_are_told_where_they_are_long() -> None:
    hour = timedelta(hours=1)
    readings = [SINCE + number * hour for number in (1, 2, 10, 11)]
    assert gaps_between(readings, SINCE, SINCE + 12 * hour, 3 * hour) == ((SINCE + 2 * hour, SINCE + 10 * hour),)
    assert gaps_between([], SINCE, SINCE + 4 * hour, 3 * hour) == ((SINCE, SINCE + 4 * hour),)
    assert gaps_between(readings, SINCE, SINCE + 15 * hour, 3 * hour)[-1] == (SINCE + 11 * hour, SINCE + 15 * hour)


@pytest.mark.parametrize("news", list(News))
@pytest.mark.parametrize("action", list(Action))
def test_every_item_has_a_sentence(news: News, action: Action) -> None:
    for state in Status:
        said = sentence(Item(news, replace(EVENT, action=action, status=state), None, "Italy"))
        assert "DeepSeek" in said
        assert "Garante" in said or news is News.REOPENED
        assert "None" not in said
        assert not said.endswith(".")


def test_who_acts_is_said_as_far_as_it_is_known() -> None:
    said = [
        sentence(Item(News.NEW, replace(EVENT, actor=actor, country=code), None, country))
        for actor, code, country in (
            ("Garante", "IT", "Italy"),
            ("Italy", "IT", "Italy"),
            (None, "IT", "Italy"),
            (None, "NL", "Netherlands"),
            (None, "XX", "XX"),
            ("police", "XX", "XX"),
        )
    ]
    assert said == [
        "Garante (Italy) blocked DeepSeek",
        "Italy blocked DeepSeek",
        "An unnamed body in Italy blocked DeepSeek",
        "An unnamed body in the Netherlands blocked DeepSeek",
        "An unnamed body blocked DeepSeek",
        "Police blocked DeepSeek",
    ]


@pytest.mark.parametrize(
    ("article", "names"),
    [
        (
            "the ",
            ["United States", "European Union", "Netherlands", "Philippines", "United Kingdom", "Isle of Man"],
        ),
        ("the ", ["Czech Republic", "Democratic Republic of the Congo", "Virgin Islands, U.S.", "Marshall Islands"]),
        ("", ["Italy", "South Korea", "South Georgia and the South Sandwich Islands", "Ireland", "XX", ""]),
    ],
)
def test_names_of_countries_have_their_article_within_a_sentence(article: str, names: list[str]) -> None:
    assert [the_country(name) for name in names] == [f"{article}{name}" for name in names]


# Pages


def made(some: list[Item], coverage: Coverage | None = None, **other: object) -> Digest:
    digest = Digest(
        number=17,
        day=date(2026, 11, 22),
        zone="Europe/Rome",
        made_at=NOW,
        since=SINCE,
        findings=Findings(tuple(some), known=250),
        coverage=Coverage({"ok": 45}) if coverage is None else coverage,
    )
    return replace(digest, **other)


def listed(news: News, event: EventRow, quote: str, country: str = "Italy", **other: object) -> Item:
    item = Item(news, event, None, country, tellings=(telling(quote),), listed=True)
    return replace(item, **other)


def busy() -> Digest:
    korea = replace(
        EVENT, id="aa" * 10, country="KR", actor="South Korea Ministry of National Defense", action=Action.BAN,
        scope="military PCs", scope_class=ScopeClass.MILITARY, date_value="2026-11", voices=1, score=0.71,
    )  # fmt: skip
    tiktok = replace(
        EVENT, id="bb" * 10, service="TikTok", country="AL", actor=None, status=Status.IN_FORCE, scope=None,
        scope_class=None, reason_classes=(), voices=3, date_value=None,
    )  # fmt: skip
    lifted_step = Transition(
        Status.IN_FORCE, Action.LIFT, "2026-11-21", LEARNED, "mention", TransitionKind.LIFTED, LEARNED, None
    )
    old = replace(EVENT, id="cc" * 10, service="Telegram", country="RU", actor="Roskomnadzor", date_value="2018-04-16")
    doubtful = replace(EVENT, id="dd" * 10, service="Signal", actor="bureaus", country="XX", voices=1, score=0.31)
    wrong = replace(EVENT, id="ee" * 10, service="Kaspersky", retracted=True)
    others = [
        telling("It can be reached again.", "Back at last", "https://beta.example/2", publisher="beta", source="Beta")
    ]
    some = [
        listed(News.NEW, EVENT, "The Garante blocked DeepSeek in Italy on Friday."),
        listed(News.IN_FORCE, korea, "The ministry has barred DeepSeek from military PCs.", "South Korea",
               before=status(korea, Status.PROPOSED)),
        listed(News.LIFTED, tiktok, "Albania’s block of TikTok ended on Saturday.", "Albania", step=lifted_step,
               tellings=(telling("Albania’s block of TikTok ended on Saturday."), *others)),
        listed(News.NEW, old, "Roskomnadzor blocked Telegram in 2018.", "Russia", age=Age.LATE),
        listed(News.NEW, doubtful, "Bureaus are said to block Signal.", "XX"),
        listed(News.RETRACTED, wrong, "The Garante blocked Kaspersky.",
               tellings=(telling("The Garante blocked Kaspersky.", withdrawn_on=LEARNED),)),
    ]  # fmt: skip
    return made(some, findings=Findings(ranked(some), told_again=12, regrouped=1, known=250))


def partial() -> Digest:
    trouble = (
        Trouble("a", "The Alpha Gazette", "failing", SINCE, "404"),
        Trouble("b", "Beta *Times*", "silent", SINCE),
    )
    gap = (NOW - timedelta(hours=9), NOW - timedelta(hours=2))
    return made([], Coverage({"ok": 43, "failing": 1, "silent": 1}, trouble, NOW, (gap,)))


SITUATIONS = {"busy": busy, "quiet": lambda: made([]), "partial": partial}


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_digests_look_as_they_should(folder: Path) -> None:
    digest = SITUATIONS[folder.name]()
    assert as_markdown(digest) == (folder / "page.md").read_text("utf-8")
    assert as_text(digest) == (folder / "page.txt").read_text("utf-8")


def test_each_situation_has_a_golden_digest() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == SITUATIONS.keys()


def test_text_fits_into_a_mail() -> None:
    for situation in SITUATIONS.values():
        lines = as_text(situation()).splitlines()
        assert all(len(one) <= WIDTH or one.lstrip().startswith("https://") for one in lines)
        assert "\r" not in "".join(lines)


def test_the_document_says_what_the_page_says() -> None:
    document = json.loads(json.dumps(as_document(busy())))
    assert document["subject"] == (
        "Clampdown, 22 November: 1 new measure, 1 now in force, 1 lifted, 1 retracted, 1 learned of late, 1 unsure"
    )
    assert [item["part"] for item in document["items"]] == ["main"] * 3 + ["late", "unsure", "taken back"]
    new = document["items"][1]
    assert (new["news"], new["event"]["service"], new["sentence"][-16:]) == ("new", "DeepSeek", "blocked DeepSeek")
    assert new["tellings"][0]["quote"] == {
        "text": "The Garante blocked DeepSeek in Italy on Friday.", "start": 0, "end": 48,
    }  # fmt: skip
    forced = next(item for item in document["items"] if item["news"] == "in force")
    assert forced["before"] == {"status": "proposed"}


# What others wrote

PAYLOADS = list(MARKUP)
NODES = {"html_block", "html_inline", "image", "code_block", "fence", "table_open"}


def live(page: str) -> tuple[list[str], list[str]]:
    """The addresses that a page links to, and what else in it is more than text."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(page)
    every = [inner for token in tokens for inner in [token, *(token.children or ())]]
    links = [str(token.attrs["href"]) for token in every if token.type == "link_open"]
    return links, [token.type for token in every if token.type in NODES or token.type == "s_open"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_others_wrote_is_alive(payload: str) -> None:
    event = replace(EVENT, actor=payload, service=payload, scope=payload)
    step = Transition(Status.IN_FORCE, Action.LIFT, None, None, "m", TransitionKind.EASED, None, payload)
    words = telling(payload, payload, "https://alpha.example/news", source=payload)
    item = Item(News.EASED, event, None, payload, step=step, tellings=(words, words), listed=True)
    trouble = (Trouble("a", payload, "failing", None, payload),)
    digest = made([item], Coverage({"failing": 1}, trouble))
    page, text = as_markdown(digest), as_text(digest)

    links, others = live(page)
    assert set(links) == {"https://alpha.example/news"}
    assert others == []
    headings = [token for token in MarkdownIt("commonmark").parse(page) if token.type == "heading_open"]
    assert [token.tag for token in headings] == ["h1", "h2"]
    for shown in (page, text):
        assert all(one.isprintable() for one in shown.replace("\n", ""))
    assert "\nBcc" not in text
    assert subject(digest) == "Clampdown, 22 November: 1 measure eased (coverage was partial)"


@given(st.text(max_size=60))
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    for before, after in (("", ""), ("- ", ""), ("x ", " y")):
        tokens = MarkdownIt("commonmark", {"html": True}).parse(f"{before}{markdown(text)}{after}")
        inner = [one for token in tokens for one in token.children or ()]
        assert {one.type for one in inner} <= {"text", "text_special"}
        shown = "".join(one.content for one in inner)
        assert shown == f"{before.removeprefix('- ')}{line(text)}{after}".strip()


@given(st.text(max_size=80), st.text(max_size=20))
def test_links_lead_to_http_or_nowhere(url: str, words: str) -> None:
    for address in (url, f"https://{url}", f"https://alpha.example/{url}", f"javascript:{url}"):
        links, others = live(f"see {link(words or 'x', address)} there")
        assert others == []
        assert len(links) <= 1
        assert all(one.startswith(("http://", "https://")) for one in links)
        assert bool(links) == (web_address(address) is not None)


def test_hosts_are_shown_as_they_are_asked_for() -> None:
    assert host("https://www.alpha.example:8443/x") == "alpha.example"
    assert host("https://gооgle.example/") == "xn--ggle-55da.example", "two letters are Cyrillic"
    assert host("javascript:alert(1)") is None


@given(st.text(alphabet="ab .\n!?\t\u3000", max_size=120), st.data())
def test_a_sentence_holds_its_words_and_no_blanks_around(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    begin, stop = sentence_at(text, start, end)
    assert 0 <= begin <= start <= end <= stop <= len(text)
    if begin < start:
        assert not text[begin].isspace()
    if stop > end:
        assert not text[stop - 1].isspace()


def test_a_sentence_is_cut_where_words_end() -> None:
    text = "One here. " + "word " * 200 + "blocked it " + "again " * 200
    at = text.index("blocked")
    begin, stop = sentence_at(text, at, at + 7)
    assert text[begin - 1].isspace()
    assert text[stop].isspace()
    assert stop - begin <= 660
    short = "The U.S. acted. It was banned.\nBy Mr. Smith"
    assert short[slice(*sentence_at(short, 23, 29))] == "It was banned."
