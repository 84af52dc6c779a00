"""Page bytes to article: the text that a reader of the page sees, its title, its date and what was odd.

All offsets of the project count characters of the text that is made here.
"""

import logging
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from lxml import etree
from lxml.html import HtmlElement

from pipeline import language, publication
from pipeline.charset import decode
from pipeline.errors import InputError, ParseError
from pipeline.fulltext import without_footer
from pipeline.hidden import remove_hidden
from pipeline.maintext import main_text
from pipeline.markup import is_html_page, one_line, parse_page, tidy, visible_text
from pipeline.metadata import PageMetadata, date_in_words, read_metadata
from pipeline.notices import is_notice
from pipeline.types import Article, DateBasis, Document, Entry, Response, Stamp, TextOrigin
from pipeline.urls import canonical_url, page_canonical
from pipeline.walls import STUB, Shown, is_paywalled, not_the_article

MIN_BODY: Final = 200
"""Characters of body below which the feed's own text is preferred where it is longer."""
EXPECTED_SHARE: Final = 0.6
"""Share of the words that a page claims to have below which something was missed."""

READABLE_TYPES = re.compile(r"text/|application/(?:xhtml|xml|octet-stream)|unknown", re.IGNORECASE)
HTML_BLOCKS = re.compile(r"</(?:p|div|article|body|html)>", re.IGNORECASE)
BREAKS = re.compile("\n+")
TABLE_RULE = re.compile(r"\|(?:-{3,}\|)+")
TABLE_ROW = re.compile(r"\|.*\|")
CELL_END = re.compile(r"(?<!\\)\|")

# htmldate logs each page that it can't use as an error or warning; here that is a value.
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class _Page:
    """What was read off one page.

    `worded` is the date that only its words give. `shown` is what its reader meets, for telling walls from articles.
    """

    metadata: PageMetadata
    canonical: str | None
    worded: datetime | date | None
    shown: Shown
    issues: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        return self.shown.body


def read_article(entry: Entry, response: Response | None, *, fetched_at: datetime | None = None) -> Article:
    """Return the article that `entry` names, read from `response`, or from the feed's own text.

    The feed's text stands in (`TextOrigin.FEED`, with an issue that says why) where there is no response, or where the
    page has less text than the feed because it is empty, a paywall's stub, a "not found" or a check for robots.
    `fetched_at` is the time of collection where there is no response (default: now); it never becomes a date.

    Raises ParseError where neither page nor feed has text.
    """
    collected = response.fetched_at if response is not None else fetched_at or datetime.now(UTC)
    issues: list[str] = []
    page = None
    if response is not None:
        try:
            page = _read_page(response, entry)
        except ParseError as error:
            issues.append(str(error))
        else:
            issues.extend(page.issues)
    moved_home = response is not None and _leads_home(response.final_url, entry.url)
    if moved_home:
        # The home page's teasers are other articles: nothing of it may be read as this one.
        page = None
        issues = ["the link leads to the site's home page: the article was probably removed"]
    if page is not None and not page.body:
        issues.append("the page shows no article text")
    strange = None if page is None else not_the_article(page.shown, entry.title)
    if strange is not None:
        issues.append(strange)
    paywalled = page is not None and strange is None and is_paywalled(page.shown)
    body, origin = _better_text(entry, page, strange=strange is not None, paywalled=paywalled)
    if origin is TextOrigin.FEED and page is not None:
        issues.append("the feed's own text is used: the page has less")
    issues.extend(_missing_words(page, origin))
    page_title = page.metadata.title if page is not None else None
    title = (page_title if origin is TextOrigin.PAGE else None) or one_line(entry.title) or page_title or ""
    body = _without_title(body, title)
    if not body:
        reason = "; ".join(issues) or "the feed gives none, and no page was fetched"
        raise ParseError(f"no readable text: {reason}", url=entry.url)
    gone = moved_home or strange is not None
    # What an error page says of itself isn't said of the article.
    facts = None if gone else page
    published, date_issues = _published(entry, facts, response, now=collected)
    issues.extend(date_issues)
    return Article(
        canonical_url=_key(entry, facts, response, moved_home=moved_home),
        url=entry.url if response is None or moved_home else response.final_url,
        source_id=entry.source_id,
        title=title,
        text=_joined(title, body),
        text_origin=origin,
        published=published,
        language=language.detect(body) or (page.metadata.language if page else None) or entry.language,
        fetched_at=collected,
        site=page.metadata.site if page else None,
        authors=(facts.metadata.authors if facts else ()) or entry.authors,
        paywalled=paywalled,
        issues=tuple(dict.fromkeys(issues)),
        modified=_modified(entry, facts, published, now=collected),
        soft_404=gone,
        etag=None if response is None or gone else response.header("etag"),
        last_modified=None if response is None or gone else response.header("last-modified"),
    )


def document_from_bytes(data: bytes, *, name: str, published: date | None = None) -> Document:
    """Return the document that a file called `name` holds: HTML is read as a page, plain text kept as it is.

    Of plain text only a byte order mark is dropped and line ends become newlines, so offsets are those of the file as
    an editor shows it. `published` wins over what an HTML page says of itself.

    Raises InputError for a file that is empty, no text, or a page without text.
    """
    if b"\x00" in data[:1024] and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")):
        raise InputError(f"{name} is not a text file", hint="Give plain text or HTML.")
    text = decode(data).text
    if not _looks_like_html(text):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise InputError(f"{name} is empty", hint="Give plain text or HTML.")
        return Document(id=name, text=text, published=published)
    try:
        page = _page_from_html(text, url=name, feed_title="")
    except ParseError as error:
        raise InputError(f"{name}: {error}", hint="Give plain text, or the HTML of an article page.") from error
    title = page.metadata.title or ""
    body = _without_title(page.body, title)
    if not body:
        raise InputError(f"{name} holds no readable text", hint="Give plain text, or the HTML of an article page.")
    stated = page.metadata.published
    day = stated.date() if isinstance(stated, datetime) else stated
    return Document(id=name, text=_joined(title, body), published=published or day)


def _read_page(response: Response, entry: Entry) -> _Page:
    content_type = response.header("content-type")
    if content_type and not READABLE_TYPES.match(content_type):
        kind = content_type.partition(";")[0].strip()
        raise ParseError(f"{kind} is no page", url=response.final_url)
    decoded = decode(response.body, content_type)
    if content_type and content_type.lower().startswith("text/plain") and not _looks_like_html(decoded.text):
        page = _plain_page(decoded.text)
    else:
        undated = entry.published is None and publication.url_date(response.final_url) is None
        page = _page_from_html(decoded.text, url=response.final_url, feed_title=entry.title, undated=undated)
    if decoded.issue is None:
        return page
    return replace(page, issues=(f"encoding: {decoded.issue}",))


def _page_from_html(text: str, *, url: str, feed_title: str = "", undated: bool = False) -> _Page:
    """Parse once: metadata and text are read off the same tree, from which hidden parts were taken first."""
    try:
        root = parse_page(text)
        if root is None:
            raise ParseError("the page is empty or no HTML", url=url)
        remove_hidden(root)
        metadata = read_metadata(root, feed_title=feed_title)
        canonical = page_canonical(root, url)
        locked = "article:content_tier" in text and any(_is_lock(meta) for meta in root.iter("meta"))
        worded = date_in_words(root) if undated and metadata.published is None else None
        body = _plain_tables(_lines(main_text(root)))
    except (ParseError, MemoryError):
        raise
    except Exception as error:
        # trafilatura promises nothing about what it raises, and hostile pages reach lxml's and its own depths.
        raise ParseError(f"the page can't be read ({type(error).__name__})", url=url) from error
    around = ""
    if len(body) < STUB:
        etree.strip_elements(root, "header", "nav", "footer", with_tail=False)
        around = _lines(visible_text(root))
    shown = Shown(metadata.title or "", body, around, metadata.free, locked, metadata.words)
    return _Page(metadata, canonical, worded, shown)


def _plain_tables(text: str) -> str:
    """Write trafilatura's Markdown tables as browsers copy them: a row a line, a tab between cells."""
    lines = (line for line in text.split("\n") if not TABLE_RULE.fullmatch(line))
    return "\n".join(_plain_row(line) if TABLE_ROW.fullmatch(line) else line for line in lines)


def _plain_row(row: str) -> str:
    return "\t".join(cell.strip().replace("\\|", "|") for cell in CELL_END.split(row[1:-1])).strip()


def _plain_page(text: str) -> _Page:
    nothing = PageMetadata(title=None, site=None, authors=(), language=None, published=None, free=None, words=None)
    return _Page(nothing, canonical=None, worded=None, shown=Shown("", tidy(text)))


def _better_text(entry: Entry, page: _Page | None, *, strange: bool, paywalled: bool) -> tuple[str, TextOrigin]:
    own = without_footer(max(entry.content, entry.summary, key=len))
    body = page.body if page is not None else ""
    # A notice speaks of the article that the feed may tell still.
    notice = page is not None and is_notice(page.shown.title, body)
    doubtful = not notice and (paywalled or len(body) < MIN_BODY)
    if own and (page is None or strange or (doubtful and len(own) > len(body))):
        return own, TextOrigin.FEED
    return body, TextOrigin.PAGE


def _missing_words(page: _Page | None, origin: TextOrigin) -> tuple[str, ...]:
    """Some page layouts hide half an article from the extractor; the page's own word count shows it."""
    if page is None or origin is TextOrigin.FEED or not page.metadata.words:
        return ()
    read = len(page.body.split())
    if read >= EXPECTED_SHARE * page.metadata.words:
        return ()
    return (f"the page states {page.metadata.words} words, {read} were read",)


def _is_lock(meta: HtmlElement) -> bool:
    name = meta.get("property") or meta.get("name") or ""
    return name.lower() == "article:content_tier" and (meta.get("content") or "").strip().lower() == "locked"


def _published(
    entry: Entry, page: _Page | None, response: Response | None, *, now: datetime
) -> tuple[Stamp | None, tuple[str, ...]]:
    url = entry.url if response is None else response.final_url
    meta = None if page is None else page.metadata.published
    stamp, issues = publication.choose(entry.published, meta, url, updated=entry.updated, now=now)
    if stamp is not None or page is None:
        return stamp, issues
    if page.worded is None or publication.implausible(page.worded, now):
        return None, issues
    return Stamp(page.worded, DateBasis.META), (*issues, "the date was read from words on the page")


def _modified(entry: Entry, page: _Page | None, published: Stamp | None, *, now: datetime) -> Stamp | None:
    """When the article was last changed, as the page or else the feed states: nothing before its publication counts."""
    stated = (
        (None if page is None else page.metadata.modified, DateBasis.META),
        (entry.updated, DateBasis.FEED),
    )
    for value, basis in stated:
        if value is None or publication.implausible(value, now):
            continue
        if published is None or publication.is_later(value, published.value):
            return Stamp(value, basis)
    return None


def _key(entry: Entry, page: _Page | None, response: Response | None, *, moved_home: bool) -> str:
    if response is None or moved_home:
        return entry.canonical_url
    stated = None if page is None else page.canonical
    return stated or canonical_url(response.final_url) or entry.canonical_url


def _leads_home(final_url: str, url: str) -> bool:
    if final_url == url:
        return False
    final, asked = canonical_url(final_url), canonical_url(url)
    return final is not None and final != asked and final.count("/") == 3 and final.endswith("/")


def _looks_like_html(text: str) -> bool:
    return is_html_page(text) or (text.lstrip().startswith("<") and HTML_BLOCKS.search(text) is not None)


def _without_title(body: str, title: str) -> str:
    first, _, rest = body.partition("\n")
    return rest.lstrip("\n") if title and one_line(first).casefold() == title.casefold() else body


def _joined(title: str, body: str) -> str:
    return f"{title}\n\n{body}" if title else body


def _lines(text: str) -> str:
    return BREAKS.sub("\n", tidy(text))
