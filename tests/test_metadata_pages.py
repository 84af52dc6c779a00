"""What pages say of themselves, read from real pages and from hostile ones."""

from datetime import date
from pathlib import Path

import pytest
from cost import cost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml.html import document_fromstring

from pipeline.metadata import date_in_words, read_metadata

PIECES = st.sampled_from(
    ["<h1>", "</h1>", "<time datetime='2025-02-06'>", "<meta name=author content='By by by'>", "By ", " by", "Ann Lee",
     "<p class=byline>", "</p>", "6 Feb 2025", "Updated 11:11 12:12 2019", "<script type=application/ld+json>{",
     '"@graph": [[[[', "</script>", "<title>", "</title>", "| ", "<div class=date>", "1/1/2025", "é", "年"]
)  # fmt: skip


# lxml takes no control characters; `pipeline.text` drops them before it parses.
LETTERS = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES | st.text(LETTERS, max_size=8), min_size=1, max_size=60))
def test_no_page_breaks_the_reader(pieces: list[str]) -> None:
    root = document_fromstring("<html><body>" + "".join(pieces) + "<p>x</p></body></html>")
    found = read_metadata(root)
    assert found.title is None or found.title.strip()
    if found.modified is not None:
        assert found.published is not None
    value = date_in_words(root)
    assert value is None or isinstance(value, date)


@pytest.mark.parametrize("piece", ["<h1>a</h1>", "<h1>", "<time datetime=x>", "<p class=author>By A", "<div>", "by "])
def test_hostile_pages_end_soon(piece: str) -> None:
    root = document_fromstring(f"<html><title>aaaaa - b</title><body>{piece * 20_000}</body></html>")
    with cost() as spent:
        read_metadata(root)
    assert spent.seconds < 2


def test_titles_and_dates_of_real_pages(shared: Path) -> None:
    """The floor on 181 news pages whose facts were read by eye; the full table is the benchmark's."""
    from benchmarks import page_facts

    pages = page_facts.load(shared / "corpus" / "article_extraction_benchmark.tar.gz")
    answers = {page.key: page_facts.clampdown(page) for page in pages}
    scores = page_facts.measure(pages, answers, page_facts.truth_of_pages())
    assert scores["title"].stated == 181
    assert scores["published"].stated == 180
    assert scores["title"].share >= 0.98
    assert scores["published"].share >= 0.98
    assert scores["authors"].share >= 0.90
    assert scores["site"].share >= 0.95
