"""The frame of an article: found by its marks, read as trafilatura would read it, and the page read where it fails."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
import trafilatura
from cost import cost
from lxml import etree

from clampdown.proofs.hostile_pages import slow_pages
from pipeline import maintext
from pipeline.hidden import remove_hidden
from pipeline.markup import one_line, parse_page
from pipeline.text import read_article
from pipeline.types import Entry, Response

GOLDEN = sorted((Path(__file__).parent / "golden" / "pages").glob("*/page.html"))
URL = "https://news.example.com/story"
FETCHED = datetime(2025, 2, 10, 12, tzinfo=UTC)
SENTENCE = "The ministry said on Thursday that it had cut access to the assistant from all of its office computers. "
SECOND = "No one could say on Friday who had asked for it, and the ministry gave no reason. " * 3
PARAGRAPH = f"<p>{SENTENCE * 3}</p><p>{SECOND}</p>"
TEXT = f"{SENTENCE * 3}{SECOND}".strip()
OTHER = f"<p>{'Readers of the site may like these stories of another day, too. ' * 8}</p>"


def text_of(body: str) -> str:
    root = parse_page(f"<!DOCTYPE html><html><body>{body}</body></html>")
    assert root is not None
    return one_line(maintext.main_text(root))


def same_as_trafilatura(html: str) -> int:
    """Assert that each frame is read as `bare_extraction` reads it; return how many frames there were."""
    root = parse_page(html)
    assert root is not None
    remove_hidden(root)
    etree.strip_elements(root, *maintext.UNSEEN, with_tail=False)
    count = 0
    for frame in islice(maintext._frames(root), maintext.FRAMES_TRIED):
        found = trafilatura.bare_extraction(
            maintext._page_of(frame), fast=True, favor_precision=True, include_comments=False, include_tables=True
        )
        expected = found.text if found else ""
        assert maintext._read_frame(frame)[1] == expected
        count += 1
    return count


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_a_frame_is_read_as_trafilatura_reads_it(path: Path) -> None:
    same_as_trafilatura(path.read_text(encoding="utf-8", errors="replace"))


def test_frames_of_real_pages_are_read_as_trafilatura_reads_them(shared: Path) -> None:
    from benchmarks.article_pages import load

    samples = load(shared / "corpus" / "article_extraction_benchmark.tar.gz")[::9]
    assert sum(same_as_trafilatura(sample.page.decode("utf-8", "replace")) for sample in samples) >= len(samples) - 3


@pytest.mark.parametrize(
    "frame",
    [
        '<div class="entry-content">{}</div>',
        '<section itemprop="articleBody">{}</section>',
        "<article>{}</article>",
        '<div role="article">{}</div>',
        '<div id="content">{}</div>',
        "<main>{}</main>",
    ],
)
def test_only_the_frame_is_read(frame: str) -> None:
    text = text_of(f"<div class=teasers>{OTHER}</div>{frame.format(PARAGRAPH)}<div class=more>{OTHER}</div>")
    assert text == TEXT


def test_a_part_that_only_bears_the_marks_is_passed_over() -> None:
    views = '<div class="entry-content-views"><p>1,204 views</p></div>'
    text = text_of(f'{views}<div class="entry-content">{PARAGRAPH}</div>')
    assert text == TEXT


def test_readers_comments_are_no_frame() -> None:
    text = text_of(f'<article>{PARAGRAPH}</article><div id="comments"><article>{OTHER * 3}</article></div>')
    assert text == TEXT


def test_appended_articles_are_no_part_of_the_first() -> None:
    more = f'<div class="infinite-scroll"><article>{OTHER * 3}</article></div>'
    assert "Readers of the site" not in text_of(f"<article><h1>One</h1>{PARAGRAPH}</article>{more}")


def test_without_marks_the_page_is_read() -> None:
    assert TEXT in text_of(f"<div><div>{PARAGRAPH}</div></div>")


def test_a_frame_with_little_of_the_page_is_doubted() -> None:
    long = "".join(f"<p>Paragraph {number} of the story. {SENTENCE * 3}</p>" for number in range(20))
    text = text_of(f"<div class=entry-content>{PARAGRAPH}</div><div class=story>{long}</div>")
    assert "Paragraph 19 of the story" in text


def test_what_no_reader_sees_is_no_text() -> None:
    unseen = "<script>var a = 'words of a script'</script><svg><text>words of a picture</text></svg>"
    assert "words" not in text_of(f"<article>{unseen}{PARAGRAPH}{unseen}</article>")


def test_pages_that_end_too_early_are_read_to_their_end() -> None:
    html = f"<html><body><h1>Title</h1></body></html><article>{PARAGRAPH}</article>{'<br>' * 100}</html>"
    root = parse_page(html)
    assert root is not None
    assert one_line(maintext.main_text(root)) == TEXT
    root = parse_page(f"<html lang=en /><head><title>x</title></head><body><article>{PARAGRAPH}</article></body>")
    assert root is not None
    assert one_line(maintext.main_text(root)) == TEXT


@pytest.mark.parametrize("bad", ["&#xFFFE;", "&#65535;", "\ufffe", "\x01", "&#1;", "\ud800"])
def test_characters_that_xml_forbids_spoil_nothing(bad: str) -> None:
    assert "ministry said" in text_of(f"<article>{PARAGRAPH}{bad}<p>{bad}{SENTENCE}{bad}</p></article>{bad}")


@pytest.mark.parametrize("text", ["", "  ", "plain words", '{"a": "<b>x</b>"}', "<!-- nothing -->"])
def test_what_is_no_page(text: str) -> None:
    assert parse_page(text) is None


@pytest.mark.parametrize("name", sorted(slow_pages()))
def test_pages_that_hung_readers_end_soon(name: str) -> None:
    response = Response(URL, URL, 200, (("content-type", "text/html"),), slow_pages()[name], FETCHED)
    with cost() as spent:
        read_article(Entry("s", "1", URL, URL, "A title", summary="The feed's own text."), response)
    assert spent.seconds < 20
