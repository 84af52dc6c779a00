"""Feeds that are made: valid, one entry for each event for ever, and nothing that others wrote is alive in them."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import feedparser
import jsonschema
import lxml.html
import pytest
from digest_material import EVENT, publish, telling, told
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from test_changes import GONE, NEW, database, made, store, worlds
from test_digest_html import MORE_PAYLOADS, URLS
from warehouse_material import START

from clampdown.proofs.payloads import ALL
from flows.outputs import MADE, Feeds, keep_feeds, write_feeds
from pipeline.errors import InputError
from pipeline.settings import MailSettings, Settings
from pipeline.subscription_types import BUILT_IN, Filters, Subscription
from pipeline.types import Action, Event, Status, Transition, TransitionKind
from reports.digest import Age, Item, News
from reports.feed_reading import chosen
from reports.feeds import MOST, Entry, atom, entry, json_feed, links
from reports.inert import line
from warehouse import schema
from warehouse.database import Database
from warehouse.latest_news import LastNews, latest_news
from warehouse.reader import Reader

__all__ = ["database"]

HERE = "https://news.example.org"
NAMES = {"a": "http://www.w3.org/2005/Atom"}
GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).with_name("atom.rng")))
URL = {"type": "string", "format": "uri", "pattern": "^https?://"}
TIME = {"type": "string", "format": "date-time", "pattern": "Z$"}
WORDS = {"type": "string", "minLength": 1}
JSON_FEED = jsonschema.Draft202012Validator(
    {
        "type": "object",
        "required": ["version", "title", "items"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": "https://jsonfeed.org/version/1.1"},
            "title": WORDS,
            "description": WORDS,
            "feed_url": URL,
            "language": WORDS,
            "authors": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": WORDS}, "additionalProperties": False},
            },
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "content_html"],
                    "additionalProperties": False,
                    "properties": {
                        "id": {"type": "string", "pattern": "^urn:clampdown:event:."},
                        "url": URL,
                        "title": WORDS,
                        "summary": WORDS,
                        "content_html": WORDS,
                        "date_published": TIME,
                        "date_modified": TIME,
                        "tags": {"type": "array", "items": WORDS, "uniqueItems": True},
                    },
                    "patternProperties": {"^_[a-z]+$": {"type": "object"}},
                },
            },
        },
    },
    format_checker=jsonschema.FormatChecker(),
)


def settings_at(folder: Path, subscriptions: str = "") -> Settings:
    path = folder / "subscriptions.toml"
    if subscriptions:
        path.write_text(subscriptions)
    return Settings(data_dir=folder, subscriptions=path, mail=MailSettings(public_url=HERE))


def read(folder: Path, name: str = "daily") -> list[tuple[str, str, str, str]]:
    """Id, title, and times of the entries of a feed, the same in both forms, which are valid."""
    tree = etree.fromstring((folder / "feeds" / f"{name}.atom").read_bytes())
    GRAMMAR.assertValid(tree)
    document = json.loads((folder / "feeds" / f"{name}.json").read_bytes())
    JSON_FEED.validate(document)
    found = [
        tuple(unescape(one.findtext(f"a:{tag}", namespaces=NAMES)) for tag in ("id", "title", "published", "updated"))
        for one in tree.findall("a:entry", NAMES)
    ]
    items = document["items"]
    assert found == [(one["id"], one["title"], one["date_published"], one["date_modified"]) for one in items]
    contents = [one.findtext("a:content", namespaces=NAMES) for one in tree.findall("a:entry", NAMES)]
    assert contents == [one["content_html"] for one in items]
    return [(one["id"], one["title"], one["date_published"], one["date_modified"]) for one in items]


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after a first run, which read that Italy blocked DeepSeek and that Korea wants to ban TikTok."""
    folder = tmp_path_factory.mktemp("first")
    wanted = told(1, "KR", "TikTok", action=Action.BAN, status=Status.PROPOSED, date_value="2025-02")
    publish(folder, 0, told(0), wanted)
    return folder


@pytest.fixture
def data_dir(tmp_path: Path, first_day: Path) -> Path:
    return shutil.copytree(first_day, tmp_path / "data", symlinks=True)


def test_an_event_is_one_entry_that_is_renewed(data_dir: Path) -> None:
    site = settings_at(data_dir)
    assert write_feeds(site) == Feeds(written=2)
    first = read(data_dir)
    assert {title for _, title, *_ in first} == {
        "Garante per la protezione dei dati personali (Italy) blocked DeepSeek",
        "South Korea Ministry of National Defense proposed to ban TikTok",
    }
    assert {(published, updated) for *_, published, updated in first} == {("2025-02-10T06:30:00Z",) * 2}
    publish(data_dir, 24, told(10, action=Action.LIFT, date_value="2025-02-10"), told(11, "AU", source="beta"))
    assert write_feeds(site) == Feeds(written=2)
    now = read(data_dir)
    assert len(now) == 3
    was = {id_: title for id_, title, *_ in first}
    renewed = [(title, published, updated) for id_, title, published, updated in now if was.get(id_, title) != title]
    assert renewed == [
        (
            "Garante per la protezione dei dati personali (Italy) lifted its block on DeepSeek",
            "2025-02-10T06:30:00Z",
            "2025-02-11T06:30:00Z",
        )
    ]
    assert now == sorted(now, key=lambda one: one[3], reverse=True), "the latest first"
    parsed = feedparser.parse((data_dir / "feeds" / "daily.atom").read_bytes())
    assert not parsed.bozo
    assert parsed.feed.links[0]["href"] == f"{HERE}/feeds/daily.atom"
    lifted = next(one for one in parsed.entries if "lifted" in one.title)
    assert lifted.link == "https://alpha.example/news/10"
    tags = {(one["scheme"], one["term"]) for one in lifted.tags}
    assert {("urn:clampdown:service", "DeepSeek"), ("urn:clampdown:news", "lifted")} <= tags


def test_what_is_as_it_was_is_not_written_again(data_dir: Path) -> None:
    site = settings_at(data_dir)
    write_feeds(site)
    files = {path: path.stat() for path in (data_dir / "feeds").glob("daily.*")}
    assert write_feeds(site) == Feeds(unchanged=2)
    # Another version of the snapshot, in which there is no news.
    publish(data_dir, 3)
    assert write_feeds(site) == Feeds(unchanged=2)
    assert {path: path.stat().st_ino for path in files} == {path: one.st_ino for path, one in files.items()}
    for damage in ("", "[]", "{"):
        (data_dir / "feeds" / MADE).write_text(damage)
        (data_dir / "feeds" / "daily.json").unlink(missing_ok=True)
        assert write_feeds(site) == Feeds(written=2)
    read(data_dir)


def test_each_subscription_has_its_own(data_dir: Path) -> None:
    text = """
        [[subscription]]
        id = "italy"
        title = "From Rome & <Milan>"
        countries = ["Italy"]
        language = "de"
        [[subscription]]
        id = "chats"
        categories = ["messaging"]
        [[subscription]]
        id = "unread"
        feed = false
    """
    site = settings_at(data_dir)
    write_feeds(site)
    assert write_feeds(settings_at(data_dir, text)) == Feeds(written=4, removed=2)
    assert sorted(path.name for path in (data_dir / "feeds").iterdir() if path.name[0] != ".") == [
        "chats.atom", "chats.json", "italy.atom", "italy.json",
    ]  # fmt: skip
    ((_, title, *_),) = read(data_dir, "italy")
    assert "DeepSeek" in title
    feed = feedparser.parse((data_dir / "feeds" / "italy.atom").read_bytes())
    assert unescape(feed.feed.title) == "Clampdown · From Rome & <Milan>"
    assert "29. Januar 2025" in feed.entries[0].summary
    assert read(data_dir, "chats") == []
    empty = etree.fromstring((data_dir / "feeds" / "chats.atom").read_bytes())
    assert empty.findtext("a:updated", namespaces=NAMES) == f"{START:%Y-%m-%dT%H:%M:%SZ}"


def test_without_a_snapshot_there_is_nothing_to_feed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no snapshot"):
        write_feeds(settings_at(tmp_path))
    assert list(tmp_path.glob("feeds/*.*m*")) == []


def test_no_run_fails_for_want_of_a_feed(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert keep_feeds(settings_at(data_dir)) == Feeds(written=2)
    assert keep_feeds(settings_at(data_dir, "[[subscription]]\nid = 'desk'\ncountries = ['Nowhere']")) is None
    assert "the feeds can't be made" in caplog.text
    assert "Nowhere" in caplog.text
    assert len(read(data_dir)) == 2, "those that were there stay"


def test_pages_name_the_feeds_where_readers_can_reach_them() -> None:
    desk = Subscription("desk", 'The "desk" <b>')
    assert list(links(desk, "")) == []
    assert list(links(replace(desk, feed=False), HERE)) == []
    first, second = links(desk, f"{HERE}/")
    found = lxml.html.fragment_fromstring(first)
    assert dict(found.attrib) == {
        "rel": "alternate", "type": "application/atom+xml", "title": 'Clampdown · The "desk" <b>',
        "href": f"{HERE}/feeds/desk.atom",
    }  # fmt: skip
    assert 'type="application/feed+json"' in second


# One name for ever


def names(database: Database) -> dict[str, str]:
    """Event id → the name of its entry."""
    return {one.event_id: one.name for one in latest_news(Reader(database.connection, Path()))}


def test_an_entry_keeps_its_name(database: Database) -> None:
    def after(number: int, *some: Event) -> dict[str, str]:
        store(database, number, *some)
        return names(database)

    assert after(0, made("a", 1), made("b", 2)) == {"a": "a", "b": "b"}
    # It goes on under another id, and the old one is used again.
    assert after(1, made("c", 1), made("b", 2)) == {"c": "a", "b": "b"}
    again = after(2, made("c", 1), made("b", 2), made("a", 5))
    assert again == {"c": "a", "b": "b", "a": again["a"]}
    assert again["a"] not in "abc"
    # What merged and parted again, or was gone for a while, comes back as it was called.
    assert after(3, made("c", 1, 2), made("a", 5)) == {"c": "a", "a": again["a"]}
    assert after(4, made("c", 1), made("b", 2)) == {"c": "a", "b": "b", "a": again["a"]}
    assert after(5, made("c", 1), made("b", 2), made("a", 5)) == {"c": "a", "b": "b", "a": again["a"]}


@settings(max_examples=3, deadline=None)
@given(worlds())
def test_names_are_for_ever_and_no_two_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, world: list[tuple[Event, ...]]
) -> None:
    opened = Database.open(tmp_path_factory.mktemp("names") / "warehouse.duckdb")
    schema.migrate(opened)
    lives: dict[str, str | None] = {}
    done = 0
    for number, some in enumerate(world):
        store(opened, number, *some)
        found = names(opened)
        assert len(set(found.values())) == len(found)
        assert {one.id for one in some} <= found.keys()
        leaving: dict[tuple[str, str], str | None] = {}
        rows = opened.execute(
            "SELECT event_id, kind, other_id FROM changes WHERE position > ? ORDER BY position", [done]
        )
        for event_id, kind, other_id in rows:
            if kind == "renamed":
                leaving[event_id, other_id] = lives.pop(event_id)
            elif kind == "continued":
                lives[event_id] = leaving.pop((other_id, event_id))
            elif kind in NEW and event_id not in lives:
                lives[event_id] = None
            assert kind not in GONE or kind == "renamed" or event_id in lives
        done += len(rows)
        for event_id, name in found.items():
            assert lives[event_id] in (None, name), "an entry never changes its name"
            lives[event_id] = name
    opened.close()


# What others wrote


def hostile(words: str, url: str = "https://alpha.example/news") -> Item:
    event = replace(EVENT, actor=words, service=words, scope=words, why=words)
    step = Transition(Status.IN_FORCE, Action.LIFT, None, None, "m", TransitionKind.EASED, None, words)
    said = telling(words, words, url, source=words)
    return Item(News.EASED, event, event, words, Age.LATE, step, (said, said), listed=True)


def entries(items: Sequence[Item]) -> list[Entry]:
    return [entry(one, f"{number}", START, START, "en") for number, one in enumerate(items)]


def both(items: Sequence[Item], subscription: Subscription = BUILT_IN) -> tuple[Any, dict[str, Any]]:
    """A feed as a tree and as a document, which are valid."""
    made_entries = entries(items)
    tree = etree.fromstring(atom(subscription, made_entries, public_url=HERE, since=START))
    document = json.loads(json_feed(subscription, made_entries, public_url=HERE))
    GRAMMAR.assertValid(tree)
    JSON_FEED.validate(document)
    return tree, document


def shape(html: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    found = lxml.html.fragment_fromstring(html, create_parent="div").iter()
    return [(str(one.tag), tuple(one.attrib.items())) for one in found]


def skeleton(tree: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(one.tag), tuple(one.attrib)) for one in tree.iter()]


def test_nothing_that_others_wrote_is_alive() -> None:
    payloads = [one for one in (*MORE_PAYLOADS, *ALL, "]]>", "</content>", "\ufffe\uffff\x00") if line(one)]
    harmless, _ = both([hostile("word")] * len(payloads))
    tree, document = both([hostile(one) for one in payloads], Subscription("desk", "<b>&"))
    assert skeleton(tree) == skeleton(harmless)
    (expected,) = {tuple(shape(one.text)) for one in harmless.findall("*/a:content", NAMES)}
    for content in tree.findall("*/a:content", NAMES):
        assert tuple(shape(content.text)) == expected
    for one in (*tree.findall("*/a:title", NAMES), *tree.findall("*/a:summary", NAMES), tree.find("a:title", NAMES)):
        assert len(shape(one.text)) == 1, "no element, also where a reader takes it for markup"
    # Persian, Indic scripts and emoji need their joiners.
    shown = "".join(str(one.text) for one in tree.iter())
    assert all(character.isprintable() or character in "\n\u200c\u200d" for character in shown)
    assert tree.findall("*/a:content", NAMES)[0].text == document["items"][0]["content_html"]
    raw = json_feed(BUILT_IN, entries([hostile("</script><script>alert(1)</script>")]), public_url=HERE)
    assert b"</" not in raw


@pytest.mark.parametrize("url", URLS)
def test_links_lead_to_the_web_or_nowhere(url: str) -> None:
    tree, document = both([hostile("word", url)])
    (item,) = document["items"]
    linked = [one.get("href") for one in tree.findall("a:entry/a:link", NAMES)]
    linked += [one.get("href") for one in lxml.html.fragment_fromstring(item["content_html"], True).iter("a")]
    linked += [item["url"]] if "url" in item else []
    assert all(str(one).startswith(("https://alpha.example/", "https://evil.example/")) for one in linked)


@given(st.text(max_size=60))
def test_a_feed_holds_any_text(text: str) -> None:
    both([hostile(text)])


def test_a_feed_has_the_latest_that_fit_and_so_many() -> None:
    one = LastNews("e", "e", START, START, 1, 1, "TikTok", "IT", None, Action.BAN, 0.9, 1)
    latest = [
        replace(one, event_id=str(number), country=("IT", "KR")[number % 2], score=0.9 if number % 3 else 0.1)
        for number in range(4 * MOST)
    ]
    every, korea, sure, chat = chosen(
        latest,
        [Filters(), Filters(countries=("KR",)), Filters(unsure="hold"), Filters(categories=("messaging",))],
        {"TikTok": "social"},
    )
    assert every == tuple(latest[:MOST])
    assert korea == tuple(latest[1 : 2 * MOST : 2])
    assert len(sure) == MOST
    assert all(found.score > 0.5 for found in sure)
    assert chat == ()
