"""The page of an event: words where they stand, what is read of an event with many mentions, and ids that moved."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import lxml.html
import pytest
from browser import NARROW, axe, dashboard_over
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement
from starlette.testclient import TestClient

from reports.dashboard import links
from reports.dashboard.app import Setting, make_app
from reports.dashboard.event_life import turns
from reports.dashboard.event_page import MENTIONS
from reports.dashboard.highlight import AROUND, LEAD, LEAST, SHORT, Piece, Span, pieces
from reports.dashboard.snapshots import Snapshots
from reports.palette import FIELDS, INKS, THEMES, contrast
from warehouse.dashboard import events as asked
from warehouse.event_evidence import copies, voices
from warehouse.query import Reader, connect_snapshot, event, run_sql

if TYPE_CHECKING:
    from browser import Watched
    from playwright.sync_api import Page

UTC = ZoneInfo("UTC")
FIELD_NAMES = ("trigger", "service", "actor", "scope", "date", "reason")

# Words in a text


@st.composite
def _marked(draw: st.DrawFn) -> tuple[str, list[Span]]:
    words = st.text(st.sampled_from("abcdé \u200b.'"), max_size=60) | st.just("word " * 300)
    text = "\n".join(draw(st.lists(words, max_size=8)))
    places = st.integers(0, len(text) + 2)
    spans = draw(st.lists(st.tuples(places, places, st.sampled_from(FIELD_NAMES), st.booleans()), max_size=6))
    return text, [Span(*span) for span in spans]


def _text(some: tuple[Piece, ...]) -> str:
    return "".join(segment.text for piece in some for one in piece.paragraphs for segment in one.segments)


@given(_marked())
def test_no_word_of_a_text_is_lost_and_every_span_is_marked_where_it_stands(case: tuple[str, list[Span]]) -> None:
    text, spans = case
    made = pieces(text, spans)
    assert "".join(_text(made).split()) == "".join(text.replace("\u200b", "").split())
    for span in spans:
        if not 0 <= span.start < span.end <= len(text):
            continue
        alike = {replace(span, is_chosen=chosen) for chosen in (True, False)}
        segments = [one for piece in made for paragraph in piece.paragraphs for one in paragraph.segments]
        marked = "".join(one.text for one in segments if alike & set(one.spans))
        said = text[span.start : span.end]
        assert "".join(marked.split()) == "".join(said.replace("\u200b", "").split())


@given(_marked())
def test_words_that_are_marked_are_never_folded(case: tuple[str, list[Span]]) -> None:
    text, spans = case
    folded = [piece for piece in pieces(text, spans) if piece.is_folded]
    assert not any(segment.spans for piece in folded for one in piece.paragraphs for segment in one.segments)
    assert all(piece.words >= 1 for piece in folded)
    assert len(text) > SHORT or not folded


def test_spans_may_overlap_and_share_a_beginning() -> None:
    text = "Italy's data protection authority blocked it."
    wide, part, last = Span(0, 33, "actor"), Span(0, 7, "scope"), Span(24, 41, "trigger")
    (piece,) = pieces(text, [last, part, wide])
    ((paragraph,),) = [piece.paragraphs]
    assert [(one.text, [span.field for span in one.spans]) for one in paragraph.segments] == [
        ("Italy's", ["actor", "scope"]),
        (" data protection ", ["actor"]),
        ("authority", ["actor", "trigger"]),
        (" blocked", ["trigger"]),
        (" it.", []),
    ]
    assert [[span.field for span in one.ends] for one in paragraph.segments] == [
        ["scope"], [], ["actor"], ["trigger"], []
    ]  # fmt: skip


def test_a_long_text_is_folded_around_its_title_and_the_words_that_are_marked() -> None:
    filler = "\n\n".join(f"Paragraph {n} has nothing to do with it. " + "So it goes on. " * 10 for n in range(20))
    text = f"The title\n\n{filler}\n\nThe Garante blocked it.\n\n{filler}"
    start = text.index("blocked")
    made = pieces(text, [Span(start, start + 7, "trigger")], "The title")
    assert [piece.is_folded for piece in made] == [False, True, False, True]
    assert made[0].paragraphs[0].is_title
    assert _text(made[2:3]) == "The Garante blocked it."
    assert all(len(_text((piece,))) >= LEAST for piece in made if piece.is_folded)


def test_a_long_paragraph_is_cut_between_words_around_what_is_marked() -> None:
    text = "word " * 1000 + "blocked " + "other " * 1000
    start = text.index("blocked")
    lead, before, shown, after = pieces(text, [Span(start, start + 7, "trigger")])
    assert LEAD <= len(_text((lead,))) < LEAD + 100
    (paragraph,) = shown.paragraphs
    assert paragraph.goes_on
    said = _text((shown,))
    assert 2 * AROUND < len(said) < 2 * AROUND + 100
    assert set(said.split()) == {"word", "blocked", "other"}
    assert (before.is_folded, after.is_folded) == (True, True)


def test_the_words_of_fields_can_be_read_in_both_themes() -> None:
    for theme in THEMES:
        assert set(FIELDS[theme]) == set(FIELD_NAMES)
        for paper, edge in FIELDS[theme].values():
            assert contrast(paper, INKS[theme].ink) >= 7
            assert contrast(paper, edge) >= 4.5
            assert contrast(INKS[theme].paper, edge) >= 4.5


# An event with many mentions, and one with few


@pytest.fixture(scope="module")
def reader(sample_snapshot: Path) -> Iterator[Reader]:
    with connect_snapshot(sample_snapshot) as opened:
        yield opened


def test_what_is_read_of_a_large_event_is_what_is_read_of_a_small_one(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = reader.rows(
        "(SELECT event_id FROM events ORDER BY articles DESC, event_id LIMIT 6) UNION ALL "
        "(SELECT event_id FROM event_mentions JOIN mentions USING (mention_id) GROUP BY event_id "
        "HAVING count(DISTINCT action = 'lift') > 1 ORDER BY event_id LIMIT 2)"
    )
    ids = dict.fromkeys(event_id for (event_id,) in rows)
    whole = {event_id: event(reader, event_id) for event_id in ids}
    monkeypatch.setattr(asked, "MANY", 0)
    for event_id, detail in whole.items():
        outline = asked.read_outline(reader, event_id)
        assert outline.details is None
        assert [one.mention_id for one in outline.heard] == [one.id for one in detail.mentions]
        found = asked.read_details(reader, outline, outline.placed, tied=True)
        assert tuple(found[one.id] for one in detail.mentions) == detail.mentions
        assert asked.read_dissent(reader, outline) == detail.dissent
        assert voices(outline.heard) == detail.voices
        assert copies(reader, outline.heard) == [one.id for one in detail.copies]
    assert any(detail.dissent for detail in whole.values())


def test_values_count_every_article_of_each_field_once(reader: Reader) -> None:
    ((event_id,),) = reader.rows("SELECT event_id FROM events ORDER BY articles DESC, event_id LIMIT 1")
    detail = event(reader, event_id)
    found = [asked.Value(*row) for row in run_sql(reader, asked.values(detail.event)).rows]
    articles = {one.article.id for one in detail.mentions}
    for field in ("actor", "action", "status", "country", "scope"):
        given = [one for one in found if one.field == field]
        assert {one.of_all for one in given} == {len(articles)}
        assert max(one.articles for one in given) <= len(articles)
    by_id = {one.id: one.mention for one in detail.mentions}
    for one in found:
        if one.field == "actor":
            assert by_id[one.mention_id].actor_canonical == one.value
    assert next(one.value for one in found if one.field == "action") == detail.event.action


def test_the_log_is_told_from_the_side_of_the_event() -> None:
    rows: list[tuple[Any, ...]] = [
        (3, None, "merged", "other000", "mine0000", [], [], 0, 2),
        (2, None, "changed", "mine0000", None, ["status", "voices"], ["in_force"], 1, 0),
        (1, None, "split", "mine0000", "other000", ["action"], [], 2, 0),
    ]
    told = turns(rows, "mine0000", UTC)
    assert [(one.told, one.other) for one in told] == [
        ("took in", "other000"), ("changed", None), ("parted from", "other000")
    ]  # fmt: skip
    assert told[1].more == ("status, voices", "steps: in force", "1 mention came")


# The page


class World(NamedTuple):
    """The folder of a snapshot, and the ids of events in it that something has become of."""

    folder: Path
    largest: str
    withdrawn: str
    retracted: str
    decided: str


@pytest.fixture(scope="module")
def world(sample_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The sample's snapshot with ids that moved, an article that was changed and is long, and people's decisions."""
    folder = tmp_path_factory.mktemp("events")
    shutil.copy(sample_snapshot, folder / "clampdown.duckdb")
    with duckdb.connect(str(folder / "clampdown.duckdb")) as connection:
        ask = connection.execute
        (largest,), (decided,) = ask("SELECT event_id FROM events ORDER BY articles DESC, event_id LIMIT 2").fetchall()
        ((retracted, article_id, mention_id),) = ask(
            "SELECT event_id, article_id, min(mention_id) FROM event_mentions JOIN mentions USING (mention_id) "
            "GROUP BY ALL HAVING count(*) = 1 AND event_id IN (SELECT event_id FROM events WHERE articles = 1) "
            "AND article_id IN (SELECT article_id FROM mentions GROUP BY 1 HAVING count(*) = 1) ORDER BY ALL LIMIT 1"
        ).fetchall()
        ask("INSERT INTO event_forwards VALUES ('feed000000000000dead', NULL, NULL)")
        ask("INSERT INTO event_forwards VALUES ('feed111111111111aaaa', $1, NULL)", [largest])
        ask(
            "INSERT INTO article_versions BY NAME SELECT article_id, 1 AS version, title, "
            "text || repeat(chr(10) || 'So it goes on and on, and says nothing. ' || repeat('Really. ', 40), 12) "
            "AS text, fetched_at, archive_part, archive_offset, archive_length, archive_sha256, run_id "
            "FROM articles WHERE article_id = $1",
            [article_id],
        )
        ask("UPDATE articles SET version = 2, title = 'New', text = 'New' WHERE article_id = $1", [article_id])
        ask("UPDATE mentions SET withdrawn_on = DATE '2026-11-22' WHERE mention_id = $1", [mention_id])
        ask("UPDATE events SET retracted = true WHERE event_id = $1", [retracted])
        ask(
            "INSERT INTO event_history BY NAME SELECT * REPLACE (DATE '2026-11-23' AS known_from, true AS retracted, "
            "voices + 1 AS voices) FROM event_history WHERE event_id = $1",
            [retracted],
        )
        ask(
            "INSERT INTO decisions VALUES ('d1', 'edit', 'Ada', TIMESTAMP '2026-11-22 10:00', 'the order says so', "
            "'date', '2025-01-28', NULL, [$1], 'in_force')",
            [decided],
        )
        ask(
            "INSERT INTO decision_mentions SELECT 'd1', 'one', mention_id FROM event_mentions WHERE event_id = $1",
            [decided],
        )
        ask("INSERT INTO event_edits VALUES ($1, 'date', '2025-01', '2025-01-28', 'd1')", [decided])
        ask("UPDATE events SET date_value = '2025-01-28' WHERE event_id = $1", [decided])
    return World(folder, largest, "feed000000000000dead", retracted, decided)


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[TestClient]:
    snapshots = Snapshots(world.folder)
    yield TestClient(make_app(snapshots, Setting(UTC)), base_url="http://localhost")
    snapshots.close()


def page_of(client: TestClient, address: str, status: int = 200) -> HtmlElement:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return lxml.html.document_fromstring(answer.text)


_STEP = re.compile(r"(?P<tag>\w+)?(?:#(?P<id>[\w-]+))?(?:\.(?P<class>[\w-]+))?")


def select(element: HtmlElement, path: str) -> list[HtmlElement]:
    """What a path of the simplest CSS selectors leads to: a tag, an id, a class, one within another."""
    xpath = ""
    for step in path.split():
        found = _STEP.fullmatch(step)
        assert found is not None, step
        xpath += f"//{found['tag'] or '*'}"
        xpath += f"[@id='{found['id']}']" if found["id"] else ""
        xpath += f"[contains(concat(' ', @class, ' '), ' {found['class']} ')]" if found["class"] else ""
    return list(element.xpath(f".{xpath}"))


def words(element: HtmlElement, path: str) -> str:
    """The text of all that a path leads to, on one line."""
    return " ".join(" ".join(part for found in select(element, path) for part in found.itertext()).split())


def test_each_field_has_its_words_marked_in_the_text_of_the_article(client: TestClient, world: World) -> None:
    with connect_snapshot(world.folder) as reader:
        detail = event(reader, world.largest)
    for one in detail.mentions[:3]:
        page = page_of(client, links.event(world.largest, mention=one.id))
        assert words(page, ".words-of .title").startswith(one.title[:20])
        for name, quote in one.mention.quotes.items():
            marked = [one for one in select(page, f"mark.f-{name}") if "beside" not in one.get("class")]
            for tag in (tag for mark in marked for tag in select(mark, ".tag")):
                tag.text = ""
            assert "".join("".join(mark.itertext()) for mark in marked[:1]).split() == quote.text.split()
            assert f"{quote.start}–{quote.end}" in words(page, ".read-of")
            assert select(page, f"#w-{name}")


def test_a_page_says_where_sources_differ_who_tells_and_what_ties_them(client: TestClient, world: World) -> None:
    with connect_snapshot(world.folder) as reader:
        detail = event(reader, world.largest)
    page = page_of(client, links.event(world.largest))
    for dissent in detail.dissent:
        assert all(side.value in words(page, "#differences") for side in dissent.sides)
    assert len(select(page, ".voices li")) == len(detail.voices)
    assert len(select(page, ".mentions li")) == min(len(detail.mentions), MENTIONS)
    assert all(one.grounds in words(page, "#mentions") for one in detail.mentions[:MENTIONS] if one.grounds)
    assert "127.0.0.1" in words(page, ".voices .host")
    assert words(page, "#mentions .about") == detail.event.why


def test_what_stands_beside_a_section_is_the_question_that_was_asked(client: TestClient, world: World) -> None:
    page = page_of(client, links.event(world.largest))
    with connect_snapshot(world.folder) as reader:
        asked_ = [found.text_content() for found in select(page, ".sql code")]
        assert len(asked_) == 3
        assert all(run_sql(reader, sql).rows for sql in asked_)


def test_every_event_of_the_sample_has_a_page(client: TestClient, world: World) -> None:
    with connect_snapshot(world.folder) as reader:
        ids = [one for (one,) in reader.rows("SELECT event_id FROM events ORDER BY hash(event_id) LIMIT 12")]
    for event_id in ids:
        page = page_of(client, links.event(event_id))
        headings = [int(found.tag[1]) for found in page.xpath("//h1 | //h2 | //h3 | //h4")]
        assert headings[0] == 1
        assert headings.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(headings))
        found = [one.get("id") for one in page.xpath("//*[@id]")]
        assert len(found) == len(set(found))
        assert all(select(page, link) for link in page.xpath("//main//a/@href[starts-with(., '#')]"))


def test_a_part_of_an_id_leads_to_the_event(client: TestClient, world: World) -> None:
    answer = client.get(f"/event/{world.largest[:12].upper()}", follow_redirects=False)
    assert answer.headers["location"] == links.event(world.largest)


def test_an_id_that_was_merged_away_leads_on_and_says_so(client: TestClient, world: World) -> None:
    page = page_of(client, "/event/feed111111111111aaaa")
    assert "feed111111111111aaaa was merged into this one" in words(page, ".coverage")
    # Nobody can make the page say it of an id that was not.
    assert "merged" not in words(page_of(client, links.event(world.largest, former="else")), ".coverage")


def test_an_id_that_was_withdrawn_says_so(client: TestClient, world: World) -> None:
    assert world.withdrawn in words(page_of(client, links.event(world.withdrawn), 410), "main")


def test_an_id_that_may_be_several_lists_them(client: TestClient) -> None:
    page = page_of(client, "/event/feed", 300)
    assert [one.text_content() for one in select(page, "main .about a")] == [
        "feed000000000000dead", "feed111111111111aaaa"
    ]  # fmt: skip


@pytest.mark.parametrize("asked_for", ["zzzz", "abc", "%27%20OR%201=1", "%00%00%00%00"])
def test_an_id_that_is_none_says_what_to_do(client: TestClient, asked_for: str) -> None:
    page = page_of(client, f"/event/{asked_for}", 404)
    assert page.xpath("//main//a[@href='/explore']")


def test_a_mention_of_another_event_is_told_of_and_another_shown(client: TestClient, world: World) -> None:
    page = page_of(client, links.event(world.largest, mention="nosuchmention", page="x", compare="no"))
    assert "nosuchmention is not, or no longer, one of this event" in words(page, ".coverage")
    assert select(page, "mark#w-trigger")


def test_what_was_withdrawn_is_shown_in_the_version_that_stated_it(client: TestClient, world: World) -> None:
    page = page_of(client, links.event(world.retracted))
    assert "every article that stated this has withdrawn it" in words(page, ".coverage")
    assert re.search(r"withdrawn by 22 November 2026, version 1 of 2", words(page, ".article .note"))
    assert select(page, "mark#w-trigger")
    assert len(select(page, "details.fold")) == 1
    assert "So it goes on" in words(page, "details.fold")
    assert words(page, "#history .known").startswith("23 November 2026 retracted · independent sources: 1 → 2")


def test_people_s_decisions_are_told_and_what_the_machine_had_read(client: TestClient, world: World) -> None:
    page = page_of(client, links.event(world.decided))
    assert "Ada set date to “2025-01-28” in force the order says so" in words(page, "#decisions")
    assert "28 January 2025 set by a person; the machine had read “January 2025”" in words(page, "#said")


def test_a_page_of_an_event_can_be_read_and_worked_with_keys(page: "Page", watched: "Watched", world: World) -> None:
    with dashboard_over(world.folder) as site:
        page.goto(site + links.event(world.retracted))
        fold = page.locator("details.fold summary")
        fold.focus()
        page.keyboard.press("Enter")
        page.get_by_text("So it goes on and on").first.wait_for()
        page.goto(site + links.event(world.largest))
        assert axe(page) == []
        page.locator(".mentions .no").nth(1).click()
        page.wait_for_url("**mention=**")
        page.locator(".read-of dt a").first.click()
        assert page.locator("mark:target").count() == 1
        page.locator("button[data-copy=permalink]").click()
        page.get_by_text(re.compile("^(Copied|Selected)$")).wait_for()
        page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
