"""Reports: one page that needs nothing else, tells what the snapshot says, and in which nothing is alive."""

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lxml.html
import pytest
from digest_material import EVENT, publish, telling, told
from in_process import clampdown
from lxml.html import HtmlElement
from test_digest_html import MORE_PAYLOADS, URLS

from pipeline.errors import InputError
from pipeline.site_state import Trouble
from pipeline.types import Action, Status, Transition, TransitionKind
from reports.chart_data import Curve, Lifeline, Mark
from reports.digest import Coverage, Item, News
from reports.inert import web_address
from reports.palette import dark_of
from reports.report import Entry, Report, read_report
from reports.report_html import page
from warehouse.query import EventFilter, connect_snapshot, events

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TODAY = NOW.date()
HEAD = '<link rel="alternate" type="application/atom+xml" title="Clampdown" href="https://readers.example/feeds/daily.atom">'


def _reported(words: list[str], urls: list[str]) -> Report:
    """A report with `words` wherever others write, and links to `urls`."""
    entries, lives = [], []
    for number, said in enumerate(words):
        step = Transition(Status.IN_FORCE, Action.BLOCK, "2026-11-20", TODAY, "m", TransitionKind.WIDENED, TODAY, said)
        event = replace(EVENT, id=f"{number:020x}", actor=said, service=said, scope=said)
        tellings = tuple(telling(said, said, url, source=said, publisher=str(place)) for place, url in enumerate(urls))
        entries.append(Entry(Item(News.NEW, event, None, said, tellings=tellings), (step, step)))
        mark = Mark(TransitionKind.WIDENED, TODAY)
        lives.append(Lifeline(event.id, said, said, Action.BLOCK, TODAY, TODAY, TODAY, None, (mark,)))
    return Report(
        made_at=NOW,
        known_at=NOW,
        day=TODAY,
        asked=(f"service {words[0]}",),
        counted=len(words) + 1,
        restrictions=3,
        services=1,
        in_force={"IT": 2, "XX": 1},
        new=frozenset({"IT"}),
        names={"IT": "Italy"},
        curves=(Curve(words[0], ((TODAY, 1),), ((date(2026, 1, 1), 1),), ("IT",), 2),),
        lives=tuple(lives),
        months=((date(2026, 11, 1), Action.BLOCK, 3),),
        entries=tuple(entries),
        coverage=Coverage({"ok": 1, "failing": 1}, (Trouble("a", words[0], "failing", None, words[0]),), NOW),
    )


def _parsed(html: str) -> HtmlElement:
    return lxml.html.document_fromstring(html)


def _structure(root: HtmlElement) -> Counter[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes, and how often there is one."""
    return Counter((str(one.tag), tuple(sorted(one.attrib))) for one in root.iter() if isinstance(one.tag, str))


@pytest.fixture(scope="module")
def hostile() -> str:
    return page(_reported(MORE_PAYLOADS, URLS), "Europe/Berlin", [HEAD])


# Safety


def test_what_others_wrote_adds_no_node_and_no_attribute(hostile: str) -> None:
    calm = ["x" * 9 for _ in MORE_PAYLOADS]
    benign = page(_reported(calm, [url if web_address(url) else "" for url in URLS]), "Europe/Berlin", [HEAD])
    drawn = {"g", "path", "text", "title", "line", "rect"}  # long words are written in fewer or more of them
    found, expected = _structure(_parsed(hostile)), _structure(_parsed(benign))
    assert set(found) == set(expected)
    assert {key: n for key, n in found.items() if key[0] not in drawn} == {
        key: n for key, n in expected.items() if key[0] not in drawn
    }


def test_links_lead_to_the_web_and_nothing_else_is_asked_for(hostile: str) -> None:
    root = _parsed(hostile)
    addresses = {str(one.get("href")) for one in root.iter("a")}
    assert addresses
    assert all(re.match(r"https://(alpha|evil)\.example/", address) for address in addresses)
    assert {one.get("rel") for one in root.iter("a")} == {"noopener noreferrer nofollow"}
    (link,) = root.iter("link")
    assert (link.get("rel"), link.get("href")) == ("alternate", "https://readers.example/feeds/daily.atom")
    assert not {
        name for one in root.iter() for name in one.attrib if name in ("src", "srcset", "style", "data", "action")
    }
    assert not list(root.iter("img", "iframe", "object", "embed", "form", "base", "video", "audio", "image"))
    assert "url(" not in hostile
    assert "@import" not in hostile
    assert "\x00" not in hostile


def test_the_policy_lets_in_the_page_s_own_style_and_script_alone(hostile: str) -> None:
    root = _parsed(hostile)
    (policy,) = (one.get("content") for one in root.iter("meta") if one.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(maxsplit=1) for rule in str(policy).split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for tag in ("style", "script"):
        (element,) = root.iter(tag)
        made = base64.b64encode(hashlib.sha256(str(element.text).encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{made}'"
    # Before it stands nothing that it could be too late for.
    assert [str(one.tag) for one in root.head][:2] == ["meta", "meta"]


def test_every_colour_of_a_chart_is_turned_in_the_dark(hostile: str) -> None:
    root, turned = _parsed(hostile), dark_of()
    (style,) = root.iter("style")
    for light, dark in turned.items():
        assert f'[fill="{light}"] {{ fill: {dark}; }}' in str(style.text)
    used = {one.get(name) for svg in root.iter("svg") for one in svg.iter() for name in ("fill", "stroke")}
    assert used - {None, "none", "transparent"} <= set(turned)


def test_charts_say_what_they_show(hostile: str) -> None:
    charts = list(_parsed(hostile).iter("svg"))
    assert len(charts) == 5  # the map twice
    assert all(one.get("role") == "img" and one.get("aria-label") for one in charts)
    assert "<title>Italy: 2</title>" in hostile
    assert "Most: Italy 2." in hostile


def test_the_page_says_how_the_sources_fare_and_what_was_asked(hostile: str) -> None:
    root = _parsed(hostile)
    assert "Coverage was partial: 1 of 2 sources did well." in str(root.find_class("partial")[0].text_content())
    assert str(root.find_class("asked")[0].text_content()) == f"Only service {MORE_PAYLOADS[0]}"
    well = page(replace(_reported(["x"], []), coverage=Coverage({"ok": 4}, (), NOW)), "UTC")
    assert "All 4 sources answered." in str(_parsed(well).find(".//footer").text_content())
    assert not _parsed(well).find_class("partial")
    assert "1 more are not listed" in well


# What it tells


def test_every_quote_is_where_the_page_says_it_is(sample_snapshot: Path) -> None:
    with connect_snapshot(sample_snapshot) as reader:
        report = read_report(reader, EventFilter(), NOW)
        texts = dict(reader.rows("SELECT url, text FROM articles"))
        known = events(reader)
    assert report.counted == len(known) == len(report.entries)
    assert report.standing == sum(report.in_force.values()) > 0
    root = _parsed(page(report, "UTC"))
    assert {row.get("id") for row in root.iter("tr")} - {None} == {event.id for event in known}
    quotes = list(root.iter("blockquote"))
    assert len(quotes) >= len(known)
    for quote in quotes:
        about = quote.getnext()
        found = re.search(r"characters ([\d,]+) to ([\d,]+) of its text$", str(about.text_content()).strip())
        assert found is not None
        start, end = (int(number.replace(",", "")) for number in found.groups())
        words = " ".join(texts[about.find("a").get("href")][start:end].split())
        assert str(quote.text_content()) == f"“{words}”"


def test_a_report_is_of_what_was_asked_for(sample_snapshot: Path) -> None:
    with connect_snapshot(sample_snapshot) as reader:
        whole = read_report(reader, EventFilter(), NOW)
        service = whole.entries[0].item.event.service
        some = read_report(reader, EventFilter(service=service), NOW, most=1)
        assert {entry.item.event.service for entry in some.entries} == {service}
        assert len(some.entries) == 1 <= some.counted < whole.counted
        assert some.asked == (f"service {service}",)
        assert some.day == (whole.known_at or NOW).date()
        with pytest.raises(InputError, match="nobody"):
            read_report(reader, EventFilter(service="nobody knows it"), NOW)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder of two runs, nine days apart."""
    folder = tmp_path_factory.mktemp("watched")
    publish(folder / "data", 0, told(1))
    publish(folder / "data", 24 * 9, told(2, "KR"))
    return folder


def test_what_is_new_is_what_was_learned_of_in_the_week(watched: Path) -> None:
    with connect_snapshot(watched / "data" / "published") as reader:
        report = read_report(reader, EventFilter(), NOW)
        learned = {event.country: event.learned_on for event in events(reader)}
    assert set(report.in_force) == set(learned) == {"IT", "KR"}
    week = report.day - timedelta(days=7)
    assert report.new == {code for code, day in learned.items() if day is not None and day > week}


def test_the_command_writes_the_page_whole(watched: Path, tmp_path: Path) -> None:
    page_of, kr = tmp_path / "clampdown-report.html", tmp_path / "kr.html"
    done = clampdown("-d", str(watched / "data"), "report", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("clampdown-report.html: 2 events, 2 of them listed;")
    assert "2 restrictions are in force in 2 countries." in page_of.read_text("utf-8")
    some = ("--country", "KR", "--to", "kr.html", "--limit", "0", "--json")
    done = clampdown("-d", str(watched / "data"), "report", *some, cwd=tmp_path)
    assert json.loads(done.stdout) == {"file": "kr.html", "events": 1, "listed": 0, "in_force": 1}
    assert "1 restriction is in force in 1 country." in kr.read_text("utf-8")
    assert sorted(tmp_path.iterdir()) == [page_of, kr]


def test_the_command_says_what_stands_in_its_way(watched: Path, tmp_path: Path) -> None:
    done = clampdown("-d", "nowhere", "report", cwd=tmp_path)
    assert done.returncode != 0
    assert "there is no snapshot" in done.stderr
    done = clampdown("-d", str(watched / "data"), "report", "--country", "Atlantis", cwd=tmp_path)
    assert done.returncode != 0
    assert "Atlantis" in done.stderr
    assert not list(tmp_path.iterdir())


def test_where_nothing_fits_the_page_says_so(watched: Path) -> None:
    with connect_snapshot(watched / "data" / "published") as reader:
        root = _parsed(page(read_report(reader, EventFilter(since=date(2030, 1, 1)), NOW), "UTC"))
    assert str(root.find(".//h1").text_content()) == "No restriction is in force."
    assert not list(root.iter("svg", "table"))
