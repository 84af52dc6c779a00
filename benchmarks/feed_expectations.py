"""What feedparser expects of its own test feeds, put to ours.

Each of its 2,106 feeds says in a comment what must hold of the result (`Expect: entries[0]['title'] == '…'`). What is
said of a field that we use becomes a check on our `ParsedFeed`, by way of our documented transformations: text instead
of HTML, absolute links, names without addresses, UTC, a day where no zone is stated. Their feeds are about one field
each: an item without a link or a title is given one, since items without are dropped by us.
"""

import ast
import calendar
import html
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pipeline.charset import decode
from pipeline.errors import ParseError
from pipeline.feed_formats import named
from pipeline.feeds import parse_feed
from pipeline.language import primary_tag
from pipeline.markup import clean_html, one_line
from pipeline.publication import parse_date
from pipeline.types import Entry, ParsedFeed, Stamp
from pipeline.urls import absolute_url

URL = "http://127.0.0.1:8097/feed.xml"
"""Where feedparser's own test server has its feeds."""
NOW = datetime(2026, 11, 22, tzinfo=UTC)

EXPECT = re.compile(r"Expect:\s*(.*?)\s*(?:[\r\n]|-->)")
CONTENT_TYPE = re.compile(r"Header:\s*Content-type:\s*(.*?)\s*(?:[\r\n]|-->)", re.IGNORECASE)
ITEM = re.compile(r"<(?:item|entry)(?:\s[^<>]*)?>", re.IGNORECASE)
EMPTY_ITEM = re.compile(r"<(item|entry)(\s[^<>]*)?/>", re.IGNORECASE)
RDF = {"rss10": "rdf", "rss090": "rdf"}

# Why we differ on purpose, with the feeds in question.
REASONS = {
    "entries that share a GUID are told apart by their links": ("node_precedence/atom10_id",),
    "a GUID does not change with the address of its feed, so it is resolved against xml:base only": (
        "base/http_entry_id_base_content_location", "base/http_entry_id_base_docuri",
    ),
    "headers of the response other than Content-Type are not read": (
        "base/http_item_link_base_content_location", "lang/http_content_language",
        "lang/http_content_language_entry_title_inherit", "lang/http_content_language_entry_title_inherit_2",
    ),
    "entities are HTML 5's: &lang; and &rang; are mathematical brackets there": ("entities/lang", "entities/rang"),
    "bytes that fit no encoding: our guess is Windows-1252, theirs ISO 8859-2": ("encoding/bozo_linenoise",),
    "browsers show nothing that follows an <iframe> or <object> that is never closed": (
        "sanitize/entry_content_iframe", "sanitize/entry_content_object", "sanitize/entry_summary_iframe",
        "sanitize/entry_summary_object", "sanitize/entry_title_object", "sanitize/feed_title_object",
        "sanitize/item_content_encoded_object", "sanitize/item_description_object", "sanitize/item_fullitem_object",
    ),
    "browsers take it for a comment and show nothing of it": (
        "sanitize/xml_malicious_comment", "rss/item_description_not_a_doctype",
    ),
    "two items with one link and no GUID are one": (
        "entry_link_no_href_link_priority", "entry_link_rel_enclosure_no_href",
    ),
    "marks of CDATA within a text are no text": ("sanitize/item_content_encoded_script_nested_cdata",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TestFeed:
    """One of feedparser's test feeds: bytes, the content type of its response, and what is expected, as written."""

    name: str
    body: bytes
    content_type: str | None
    expected: str


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation on a field that we use: ours, theirs by our transformations, and why they differ, if known."""

    feed: str
    field: str
    ours: object
    theirs: object
    reason: str | None = None

    @property
    def holds(self) -> bool:
        return self.ours == self.theirs


def load(path: Path) -> list[TestFeed]:
    """Return the test feeds of the archive `path`, in the order of their names."""
    feeds = []
    with tarfile.open(path) as archive:
        for member in sorted(archive, key=lambda member: member.name):
            handle = archive.extractfile(member)
            if handle is None or not member.name.endswith((".xml", ".json")):
                continue
            body = handle.read()
            text = _text(body)
            header, expect = CONTENT_TYPE.search(text), EXPECT.search(text)
            name = member.name.split("/", 1)[-1]
            feeds.append(TestFeed(name, body, header[1] if header else None, expect[1] if expect else ""))
    return feeds


def checks(feed: TestFeed) -> list[Check]:
    """Return what is expected of the fields of `feed` that we use; empty where it is about others."""
    found = []
    for path, theirs in stated(feed.expected):
        if (check := check_of(feed.name, path, _read_or_refuse(feed, path), theirs)) is not None:
            found.append(check)
    return found


def _text(body: bytes) -> str:
    text = decode(body).text
    if EXPECT.search(text):
        return text
    # EBCDIC: none of ours, but the comment can be read.
    return body.decode("cp037", "replace")


def stated(expected: str) -> Iterator[tuple[str, object]]:
    """Yield (field, value) of each equation: ("entries[0].title", "…")."""
    try:
        tree = ast.parse(expected, mode="eval").body
    except SyntaxError:
        return
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    for part in parts:
        if not isinstance(part, ast.Compare) or not all(isinstance(op, ast.Eq) for op in part.ops):
            continue
        *fields, last = [part.left, *part.comparators]
        try:
            value = ast.literal_eval(last)
        except ValueError:
            continue
        for field in fields:
            if isinstance(field, ast.Call) and ast.unparse(field.func) == "ord":
                yield _path(field.args[0]), chr(value)
            else:
                yield _path(field), value


def _path(node: ast.expr) -> str:
    """`entries[0]['title_detail']['value']` and `entries[0].title_detail.value` as one spelling, the latter."""
    return re.sub(r"\['([^']*)'\]", r".\1", ast.unparse(node))


def _read_or_refuse(feed: TestFeed, path: str) -> ParsedFeed | ParseError:
    try:
        return _read(feed, path)
    except ParseError as error:
        return error


def _read(feed: TestFeed, path: str) -> ParsedFeed:
    """Our reading of `feed`, its items completed where we would drop them, by nothing that `path` is about."""
    parsed = parse_feed(feed.body, url=URL, source_id="test", content_type=feed.content_type, now=NOW)
    if not any("dropped" in issue for issue in parsed.issues):
        return parsed
    text = EMPTY_ITEM.sub(r"<\1\2></\1>", decode(feed.body, feed.content_type).text)
    for place in reversed(list(ITEM.finditer(text))):
        added = "" if "title" in path else "<title>Title</title>"
        if "link" not in path:
            added += f'<link href="http://example.com/{place.start()}"/>'
        if "title" in path:
            added += "<summary>Summary</summary>"
        # At its end: of two titles the first counts, of two links the last.
        end = re.compile(r"</(?:item|entry)\s*>", re.IGNORECASE).search(text, place.end())
        at = place.end() if "link" not in path or end is None else end.start()
        text = text[:at] + added + text[at:]
    return parse_feed(text.encode(), url=URL, source_id="test", content_type="application/xml; charset=utf-8", now=NOW)


def check_of(name: str, path: str, ours: ParsedFeed | ParseError, theirs: object) -> Check | None:
    match = re.fullmatch(r"entries\[(\d+)\]\.(.*)", path)
    reason = next((reason for reason, names in REASONS.items() if name.removesuffix(".xml").endswith(names)), None)
    if path == "version":
        return Check(
            name, path, "" if isinstance(ours, ParseError) else ours.format, RDF.get(str(theirs), theirs), reason
        )
    if isinstance(ours, ParseError):
        used = match is not None and _of_entry(Entry("", "", "", "", ""), match[2], theirs) is not None
        return Check(name, path, ours, theirs, reason) if used else None
    if match is None:
        pair = _of_feed(ours, path, theirs)
    else:
        number = int(match[1])
        if number >= len(ours.entries):
            pair = None if _of_entry(Entry("", "", "", "", ""), match[2], theirs) is None else (None, theirs)
        else:
            pair = _of_entry(ours.entries[number], match[2], theirs)
    return None if pair is None else Check(name, path, *pair, reason)


def _shown(ours: str, markup: str, *, paragraphs: bool = False) -> str:
    """Their `markup` as our text: as it is judged alone, or, where that is not ours, as HTML for certain."""
    text = clean_html(markup, paragraphs=paragraphs)
    return text if text == ours else clean_html(f"<div>{markup}</div>", paragraphs=paragraphs)


def _of_feed(feed: ParsedFeed, path: str, theirs: object) -> tuple[object, object] | None:
    value = str(theirs)
    if path in ("feed.title", "feed.title_detail.value"):
        return feed.title, _shown(feed.title, value)
    if path == "feed.language":
        return feed.language, primary_tag(value)
    if path == "feed.ttl":
        return feed.refresh, float(value) * 60
    return None


def _of_entry(entry: Entry, field: str, theirs: object) -> tuple[object, object] | None:
    """Ours and theirs, made comparable; None for a field that we don't use."""
    value = str(theirs)
    content = re.fullmatch(r"content\[\d+\]\.value", field)
    if field in ("title", "title_detail.value"):
        return entry.title, _shown(entry.title, value)
    if field in ("description", "summary", "summary_detail.value"):
        summary = entry.summary or one_line(entry.content)
        return summary, _shown(summary, value)
    if content:
        if entry.content:
            return entry.content, _shown(entry.content, value, paragraphs=True)
        return entry.summary, _shown(entry.summary, value)
    if field == "link":
        return entry.url, absolute_url(value, base=URL)
    if field in ("id", "guid"):
        return entry.guid, value
    if field in ("author", "author_detail.name") or re.fullmatch(r"authors\[\d+\]\.name", field):
        names = named([html.unescape(value)])
        return not names or names[0] in entry.authors, True
    if field in ("title_detail.language", "language"):
        return entry.language, primary_tag(value)
    stamps = {"published": entry.published, "created": entry.published, "updated": entry.updated}
    base = field.removesuffix("_parsed")
    if base in stamps:
        stamp = stamps[base]
        ours = stamp.value if isinstance(stamp, Stamp) else stamp
        return ours, _moment(theirs) if field.endswith("_parsed") else parse_date(value)
    return None


def _moment(theirs: object) -> datetime | date | None:
    return datetime.fromtimestamp(calendar.timegm(theirs), UTC) if isinstance(theirs, tuple) else None
