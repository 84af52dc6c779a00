"""Pages to articles: golden pairs by folder, visible text only, and no page that breaks the reader."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cost import cost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, ParseError
from pipeline.text import document_from_bytes, read_article
from pipeline.types import Article, DateBasis, Entry, Response, Stamp, TextOrigin
from pipeline.urls import canonical_url

GOLDEN = Path(__file__).parent / "golden" / "pages"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
PAGES = [path.read_bytes() for path in sorted(GOLDEN.glob("*/page.*"))]
FETCHED = datetime(2025, 2, 10, 12, tzinfo=UTC)
URL = "https://news.example.com/story"


def make_entry(**fields: Any) -> Entry:
    """Return an entry; `published` and `updated` are ISO times."""
    url = fields.pop("url", URL)
    for name in ("published", "updated"):
        if name in fields:
            fields[name] = datetime.fromisoformat(fields[name])
    if "published" in fields:
        fields["published"] = Stamp(fields["published"], DateBasis.FEED)
    fields["authors"] = tuple(fields.get("authors", ()))
    plain = {"guid": "1", "title": "", **fields}
    return Entry(source_id="golden", url=url, canonical_url=canonical_url(url) or url, **plain)


def make_response(body: bytes | str, *, final_url: str = URL, content_type: str = "text/html") -> Response:
    data = body.encode() if isinstance(body, str) else body
    return Response(URL, final_url, 200, (("Content-Type", content_type),), data, FETCHED)


def read(body: bytes | str, **fields: Any) -> Article:
    return read_article(make_entry(**fields), make_response(body))


def article_page(*paragraphs: str, head: str = "", title: str = "A headline of some length for the page") -> str:
    inner = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    head = f"<meta charset=utf-8><title>{title}</title>{head}"
    return f"<!DOCTYPE html><html><head>{head}</head><body><article><h1>{title}</h1>{inner}</article></body></html>"


LONG = "The ministry said on Thursday that it had cut access to the assistant from all of its office computers. " * 4


def article_as_data(article: Article) -> dict[str, Any]:
    """The article as JSON, without what is empty."""
    published = article.published
    data = {
        "canonical_url": article.canonical_url,
        "url": article.url,
        "title": article.title,
        "text": article.text,
        "text_origin": article.text_origin.value,
        "published": published and [published.value.isoformat(), published.basis.value],
        "language": article.language,
        "site": article.site,
        "authors": list(article.authors),
        "paywalled": article.paywalled,
        "issues": list(article.issues),
    }
    return {key: value for key, value in data.items() if value or key == "published"}


def outcome(case: Path) -> dict[str, Any]:
    """What reading a golden case gives, as JSON: the article, or the error."""
    options = json.loads((case / "case.json").read_text(encoding="utf-8"))
    entry = make_entry(**options["entry"])
    fetched_at = datetime.fromisoformat(options["fetched_at"])
    page = next(case.glob("page.*"), None)
    response = None
    if page is not None:
        headers = tuple(options["headers"].items())
        response = Response(entry.url, options["final_url"], 200, headers, page.read_bytes(), fetched_at)
    try:
        article = read_article(entry, response, fetched_at=fetched_at)
    except ParseError as error:
        return {"error": str(error), "url": error.url}
    assert article.fetched_at == fetched_at
    assert article.text.startswith(article.title)
    return article_as_data(article)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path) -> None:
    assert outcome(case) == json.loads((case / "expected.json").read_text(encoding="utf-8"))


def test_the_golden_folder_is_not_empty() -> None:
    assert len(CASES) >= 15


def test_the_title_stands_once_and_offsets_hold() -> None:
    article = read(article_page(LONG, "Second paragraph of the story, long enough to be kept by the extractor."))
    assert article.text.count(article.title) == 1
    assert article.text == f"{article.title}\n\n{article.body}"
    start = article.text.index("Second paragraph")
    assert article.text[start : start + 16] == "Second paragraph"


def test_collection_is_never_a_date() -> None:
    article = read(article_page(LONG))
    assert article.published is None
    assert article.fetched_at == FETCHED


def test_the_page_says_the_time_where_the_feed_says_the_day() -> None:
    head = '<meta property="article:published_time" content="2025-02-06T21:15:00-05:00">'
    entry = Entry("s", "1", URL, URL, "", published=Stamp(date(2025, 2, 6), DateBasis.FEED))
    article = read_article(entry, make_response(article_page(LONG, head=head)))
    assert article.published == Stamp(datetime(2025, 2, 7, 2, 15, tzinfo=UTC), DateBasis.META)


def test_without_page_and_feed_text_there_is_no_article() -> None:
    with pytest.raises(ParseError, match="no readable text") as caught:
        read_article(make_entry(title="Only a title"), None)
    assert caught.value.url == URL


def test_the_feeds_text_serves_where_the_page_was_not_fetched() -> None:
    article = read_article(make_entry(title="T", summary="Short.", content="The longer text of the feed."), None)
    assert article.text == "T\n\nThe longer text of the feed."
    assert article.text_origin is TextOrigin.FEED


def test_a_short_page_stands_where_the_feed_says_less() -> None:
    page = article_page("The ministry cut access on Thursday, and gave no reason for it.")
    article = read(page, summary="Access cut.")
    assert article.text_origin is TextOrigin.PAGE
    assert "gave no reason" in article.text


def test_a_paywalled_stub_yields_to_a_longer_feed() -> None:
    stub = article_page(LONG[:208], "Subscribe to continue reading.")
    article = read(stub, content=LONG * 2)
    assert article.paywalled
    assert article.text_origin is TextOrigin.FEED


@pytest.mark.parametrize(
    "headline",
    [
        "TikTok videos not found harmful, says regulator",
        "Story of a banned app that was not found guilty",
        "404 apps removed from the store in one day",
        "Just a moment of calm before the ban",
        "Access denied to millions as the network goes dark in two provinces after a week of protest",
    ],
)
def test_headlines_are_not_taken_for_error_pages(headline: str) -> None:
    article = read(article_page(LONG * 5, title=headline))
    assert article.title == headline
    assert article.issues == ()


def test_the_words_of_a_paywall_in_a_long_article_are_no_paywall() -> None:
    assert not read(article_page(LONG * 5, "The site asks readers to subscribe to continue reading.")).paywalled


def test_deep_nesting_ends_in_text_or_parse_error() -> None:
    for depth in (200, 3_000, 60_000):
        page = f"<html><body>{'<div>' * depth}<p>{LONG}</p>{'</div>' * depth}</body></html>"
        article = read(page, summary="The feed's text stands in where the page can't be read.")
        assert article.text


@pytest.mark.parametrize("size", [50_000, 200_000])
@pytest.mark.parametrize(
    "filler", ["<", "&", "<!--", "<style>a{", "<p>", "<table><td colspan=9999>", "\x00", "<a href='"]
)
def test_hostile_fillers_end_soon(filler: str, size: int) -> None:
    body = (filler * (size // len(filler))).encode()
    with cost() as spent:
        try:
            read(body, summary="x")
        except ParseError:
            pass
    assert spent.seconds < 10


FAST = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
UNSEEN = set("\u00ad\u200b\u200e\u200f\u202a\u202e\u2060\u2066\ufeff\x00\x07\r\u2028\u00a0")


@FAST
@given(st.data())
def test_no_mutation_of_a_page_breaks_the_reader(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(PAGES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        end = min(len(body), at + data.draw(st.integers(0, 80)))
        body[at:end] = data.draw(
            st.one_of(st.binary(max_size=12), st.sampled_from([b"<p>", b"</article>", b"<!--", b"\xff", b'"']))
        )
    try:
        article = read(bytes(body))
    except ParseError:
        return
    assert article.text.strip() == article.text
    assert not UNSEEN & set(article.text)


@FAST
@given(
    st.binary(max_size=300),
    st.sampled_from(["text/html", "text/plain", "text/html; charset=utf-7", "application/json"]),
)
def test_no_bytes_break_the_reader(body: bytes, content_type: str) -> None:
    try:
        read_article(make_entry(), make_response(body, content_type=content_type))
    except ParseError:
        pass


def test_a_plain_file_is_kept_as_it_is() -> None:
    text = "Title  with  spaces\n\n\n\tIndented\u200b text – “quoted”\u00a0here. \n"
    document = document_from_bytes(text.encode(), name="a.txt", published=date(2025, 2, 6))
    assert (document.id, document.text, document.published) == ("a.txt", text, date(2025, 2, 6))


def test_of_a_plain_file_only_mark_and_line_ends_change() -> None:
    assert document_from_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree", name="a").text == "one\ntwo\nthree"
    assert document_from_bytes("a < b and <c>".encode("utf-16"), name="a").text == "a < b and <c>"


def test_an_html_file_is_read_as_a_page() -> None:
    head = '<meta property="article:published_time" content="2025-02-06T10:00:00Z">'
    page = article_page(LONG, head=head).encode()
    document = document_from_bytes(page, name="a.html")
    assert document.text.startswith("A headline of some length for the page\n\nThe ministry said")
    assert document.published == date(2025, 2, 6)
    assert document_from_bytes(page, name="a.html", published=date(2025, 3, 1)).published == date(2025, 3, 1)


@pytest.mark.parametrize("data", [b"", b" \n\n ", b"%PDF\x00\x01", b"<!DOCTYPE html><html><body></body></html>"])
def test_a_file_without_text_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"a\.bin") as caught:
        document_from_bytes(data, name="a.bin")
    assert caught.value.hint


def test_the_two_seed_articles_are_plain_text(shared: Path) -> None:
    for path in sorted((shared / "seeds").glob("*.txt")):
        assert document_from_bytes(path.read_bytes(), name=path.name).text == path.read_text(encoding="utf-8")


def test_real_pages_are_read_about_as_well_as_ever(shared: Path) -> None:
    """A sixth of the article-extraction-benchmark; `python -m benchmarks.versus text` gives the F1 of the whole."""
    from benchmarks.article_pages import load, score
    from benchmarks.versus.own import article_text

    samples = load(shared / "corpus" / "article_extraction_benchmark.tar.gz")
    assert len(samples) == 181
    scores = [score(sample.text, article_text(sample.page, sample.url)[0]) for sample in samples[::6]]
    precision = sum(value for value, _ in scores) / len(scores)
    recall = sum(value for _, value in scores) / len(scores)
    assert 2 * precision * recall / (precision + recall) > 0.95
