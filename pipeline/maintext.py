"""The main text of a page: which part of it holds the article, and what trafilatura reads there.

trafilatura looks for the frame of the article (by its marks: `itemprop="articleBody"`, `class="entry-content"`,
`<article>` …) and reads that; then it compares with two other extractors, for which it walks over the whole page time
and again. Both its walks and those comparisons are seldom needed. Here the frame is looked for first, and trafilatura
reads it alone. Where that result is doubtful, the whole page is read with all comparisons, as trafilatura does.
"""

import logging
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Final, cast

import trafilatura
from lxml import etree
from lxml.html import HtmlElement
from trafilatura.htmlprocessing import convert_tags, tree_cleaning
from trafilatura.main_extractor import extract_content
from trafilatura.settings import Document, Extractor
from trafilatura.xml import xmltotxt

from pipeline.hidden import remove

# trafilatura logs each page that it can't use as an error or warning; here that is a value.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

UNSEEN: Final = (
    "applet", "area", "audio", "base", "blink", "canvas", "datalist", "embed", "fencedframe", "frame", "frameset",
    "head", "iframe", "input", "link", "map", "marquee", "math", "meta", "noscript", "object", "optgroup", "option",
    "output", "param", "progress", "script", "select", "source", "style", "svg", "template", "textarea", "track", "use",
    "video",
)  # fmt: skip
"""Elements whose content isn't read as text, whatever the page."""
ASIDE: Final = (
    "aside", "button", "dialog", "fieldset", "footer", "label", "legend", "menu", "menuitem", "nav", "noindex",
    "picture", "rp", "rt", "rtc", "time",
)  # fmt: skip
"""Elements that may stand in an article but aren't its text."""
FRAMES: Final = ("article", "div", "main", "section")
COMMENT_TAGS: Final = ("details", "div", "ol", "section", "ul")
APPENDED_TAGS: Final = ("aside", "div", "section")
APPENDIXES: Final = ("aside", "details", "ol", "ul")
NOTHING = re.compile(r"(?!)")

# Marks of frames by class and by id, the surest first, as trafilatura knows them (Apache-2.0, Adrien Barbaresi).
# `<article>` comes second, `<main>` last.
MARKS: Final = (
    (
        re.compile(
            r"^(?:post|entry)$|post[-_]text|post-body|post-?entry|post[-_]?content|postContent|post_inner_wrapper|"
            r"article-?text|articleText|(?:entry|page|text|article|art)-content|article__content|article(?:-|__)?body|"
            r"articleBody|ArticleContent|body-text|article__container"
        ),
        re.compile(
            r"^articleContent$|(?:entry|article|art)-content|article__content|article(?:-|__)?body|articleBody|body-text"
        ),
    ),
    (NOTHING, NOTHING),
    (
        re.compile(
            r"^(?:postarea|art-postcontent|text|cell|story)$|(?i:fulltext)|^article |post-bodycopy|story-?content|"
            r"(?:theme|blog|section|single)-content|single-post|main-column|wpb_text_column|story-body|field-body"
        ),
        re.compile(r"^(?:article|story)$|^primary|story-body"),
    ),
    (
        re.compile(r"^content$|content[-_]main|content(?:-|__)body|[Mm]ain-[Cc]ontent|[Pp]age-[Cc]ontent"),
        re.compile(r"^content$|content-main|content-body|contentBody|[Mm]ain-[Cc]ontent"),
    ),
    (re.compile(r"^main"), re.compile(r"^main")),
)
UNMARKED: Final = len(MARKS)
ANY_CLASS = re.compile("|".join(by_class.pattern for by_class, _ in MARKS))
ANY_ID = re.compile("|".join(by_id.pattern for _, by_id in MARKS))
COMMENT_ID = re.compile(r"(?:[Cc]omment(?!ary)|comol|disqus_thread|dsq-comments)")
COMMENT_CLASS = re.compile(r"^[Cc]omment(?!ary)|(?:article|post)-comments")
# Further articles that some themes append below the one that was asked for.
APPENDED = re.compile(r"mvp-post-add-(?:box|wrap)|infinite-?scroll")

SHORT: Final = 300
"""Characters below which what was read in a frame is taken for a part of the page that only bears its marks."""
FRAMES_TRIED: Final = 3
INLINE: Final = (
    "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark",
    "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
)  # fmt: skip
MAX_INLINE: Final = 10_000
MAX_PIECES: Final = 1_000
PIECES = etree.XPath("count(//text()) - 2 * count(//*)")
"""How many texts there are more than elements have room for; whole texts give less than nothing."""
MAX_ELEMENTS: Final = 20_000
"""Elements of a page from which it is read without comparisons; news pages have a thousand."""
MAX_CELLS: Final = 50_000
"""Cells of a table, its short rows filled up to the widest, above which it is no table for readers."""
DOUBTFUL: Final = 3
"""How many times more prose than was read makes a page doubtful."""
PROSE = etree.XPath(
    "//text()[string-length(.) > 80][not(ancestor::a or ancestor::li or ancestor::form or ancestor::header)]",
    smart_strings=False,
)


# What `favor_precision=True, include_comments=False, include_tables=True` mean to `bare_extraction`.
IN_PAGE: Final = Extractor(output_format="python", precision=True, comments=False, tables=True)
IN_FRAME: Final = Extractor(output_format="python", precision=True, comments=False, tables=True, fast=True)


def main_text(root: HtmlElement) -> str:
    """Return the text of the article on the page under `root`, tables in Markdown, or "" where it shows none.

    Takes out of `root` what no reader sees as text (scripts, styles, the head …) and readers' comments.
    """
    etree.strip_elements(root, *UNSEEN, with_tail=False)
    _tame_tables(root)
    root = _with_whole_texts(root)
    for frame in islice(_frames(root), FRAMES_TRIED):
        body, text = _read_frame(frame)
        if len(text) >= SHORT:
            if _is_doubtful(body, text, root):
                break
            return text
    return _read_page(root)


def _tame_tables(root: HtmlElement) -> None:
    """Take from `root` the tables that trafilatura would fill up to millions of empty cells, and keep their words."""
    etree.strip_attributes(root, "colspan", "rowspan")
    for table in list(root.iter("table")):
        rows = [len(row) for row in table.iter("tr")]
        if len(rows) * max(rows, default=0) > MAX_CELLS:
            etree.strip_tags(table, "tbody", "thead", "tfoot", "table")
            for cell in table.iter("tr", "td", "th"):
                cell.tag = "div"
            table.tag = "div"


def _with_whole_texts(root: HtmlElement) -> HtmlElement:
    """Return `root` with its pieces of text put together where they are a flood, and without inline markup then.

    Elements that are taken out or unwrapped leave text in pieces, and lxml reads all pieces side by side for each.
    """
    if sum(1 for _ in islice(root.iter(*INLINE), MAX_INLINE)) < MAX_INLINE and cast("float", PIECES(root)) < MAX_PIECES:
        return root
    etree.strip_tags(root, *INLINE)
    source = etree.tostring(root, encoding="utf-8", method="html")
    return cast("HtmlElement", etree.fromstring(source, root.getroottree().parser))


def _frames(root: HtmlElement) -> Iterator[HtmlElement]:
    """Yield the elements that hold the article by their marks, the surest first, one of each sort of marks.

    Readers' comments and appended articles are taken out of `root` first.
    """
    marks: dict[tuple[str, str], tuple[bool, int]] = {}
    ranked: list[list[HtmlElement]] = [[] for _ in range(UNMARKED)]
    apart: list[HtmlElement] = []
    for element in root.iter(*FRAMES, *APPENDIXES):
        names = (element.get("class", ""), element.get("id", ""))
        if names not in marks:
            marks[names] = (_names_comments(*names) or _names_appended(*names), _rank(*names))
        suspect, rank = marks[names]
        if suspect and _is_apart(element, *names):
            apart.append(element)
        elif element.tag in FRAMES and (rank := _rank_by_tag(element, rank)) < UNMARKED:
            ranked[rank].append(element)
    remove(root, apart)
    for candidates in ranked:
        frame = next((element for element in candidates if _holds_text(element, root)), None)
        if frame is not None:
            yield frame


def _rank(classes: str, id_: str) -> int:
    if not (ANY_CLASS.search(classes) or ANY_ID.search(id_)):
        return UNMARKED
    return next(rank for rank, (by_class, by_id) in enumerate(MARKS) if by_class.search(classes) or by_id.search(id_))


def _rank_by_tag(element: HtmlElement, rank: int) -> int:
    if rank > 0 and element.get("itemprop") == "articleBody":
        return 0
    if element.tag == "article":
        return min(rank, 1)
    if element.tag == "main":
        return min(rank, 4)
    role = element.get("role")
    if role and (role == "article" or role.startswith("main")):
        return min(rank, 2 if role == "article" else 4)
    return rank


def _holds_text(element: HtmlElement, root: HtmlElement) -> bool:
    if len(element.text_content()) < SHORT:
        return False
    ancestors = list(element.iterancestors())
    return ancestors[-1] is root and not any(ancestor.tag in ASIDE for ancestor in ancestors)


def _is_apart(element: HtmlElement, classes: str, id_: str) -> bool:
    """Whether this holds readers' comments, or other articles that a theme puts below the one that was asked for."""
    if element.tag in COMMENT_TAGS and _names_comments(classes, id_):
        return True
    # A plain container of that name that holds the headline is the article itself.
    return (
        element.tag in APPENDED_TAGS
        and _names_appended(classes, id_)
        and ("mvp-post-add" in classes + id_ or next(element.iter("h1"), None) is None)
    )


def _names_comments(classes: str, id_: str) -> bool:
    return bool(COMMENT_CLASS.search(classes) or COMMENT_ID.match(id_))


def _names_appended(classes: str, id_: str) -> bool:
    return bool(APPENDED.search(classes) or APPENDED.search(id_))


def _page_of(frame: HtmlElement) -> HtmlElement:
    """A page of its own with a copy of `frame`, and without what is no text of an article."""
    # Parsed, not made: absolute paths find nothing in a document that was made around an element.
    page = etree.fromstring(b"<html><body></body></html>", frame.getroottree().parser)
    body = page[0]
    body.append(deepcopy(frame))
    body[0].tail = None
    etree.strip_elements(body, *ASIDE, with_tail=False)
    return cast("HtmlElement", page)


def _is_doubtful(body: etree._Element, text: str, root: HtmlElement) -> bool:
    """Whether the page holds much more prose than was read, or its tables were read instead."""
    if len(body.findall(".//table")) > len(body.findall(".//p")):
        return True
    enough = DOUBTFUL * len(text)
    # Most pages haven't as much text of any sort, which is counted in no time.
    return len(root.text_content()) > enough and sum(map(len, cast("list[str]", PROSE(root)))) > enough


def _read_frame(frame: HtmlElement) -> tuple[etree._Element, str]:
    """The body that trafilatura makes of `frame`, and its text.

    The steps that its `bare_extraction` takes in fast mode, without those on the whole page that are done by now:
    copies for later comparisons, and the searches for comments and for appended articles.
    """
    page = convert_tags(tree_cleaning(_page_of(frame), IN_FRAME), IN_FRAME)
    body, _ = extract_content(page, IN_FRAME)
    return body, xmltotxt(body, include_formatting=False)


def _read_page(root: HtmlElement) -> str:
    # jusText, one of the other extractors, compares each paragraph with each.
    flooded = sum(1 for _ in islice(root.iter(), MAX_ELEMENTS)) == MAX_ELEMENTS
    found = trafilatura.bare_extraction(root, options=IN_FRAME if flooded else IN_PAGE)
    return found.text or "" if isinstance(found, Document) else ""
