"""The lines around a page's headline, where readers look for the byline and the date."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree
from lxml.html import HtmlElement

from pipeline.markup import BLOCKS, UNSEEN

JOINT: Final = "\x1f"
"""Stands in a line where one element ends and another begins: "By␟Ann Lee␟Staff Writer"."""
MAX_ELEMENTS: Final = 90
MAX_LINES: Final = 16
LEVELS: Final = 6
"""How many ancestors' next elements are looked at after the headline's own."""
LEVELS_ABOVE: Final = 3
MAX_LINES_ABOVE: Final = 6
PARAGRAPH: Final = 280
"""Characters of a line from which it is running text: the article has begun."""

AUTHOR_SIGN = re.compile(r"author|byline|writer|contributor", re.IGNORECASE)
NOT_AUTHOR = re.compile(r"\bbio\b|[-_]bio|avatar|author-?(?:box|info|desc|social|image|archive)|comment", re.IGNORECASE)
DATE_SIGN = re.compile(r"date|time|publish|posted", re.IGNORECASE)
DATE_PROPERTY = re.compile(r"\bdate(?:Published|Modified|Created)\b")
UPDATED_SIGN = re.compile(r"updat|modif", re.IGNORECASE)
APART = re.compile(r"comment|related|recommend|newsletter|most-?(?:read|popular)|trending|read-?next", re.IGNORECASE)


@dataclass(slots=True)
class Line:
    """One visible line. `author` and `date` say that its classes call it byline or date, `updated` a date of change.

    `declared` says that it stands in a `<time>` or a schema.org date property; `stamp` is the machine-readable time of
    an element in it.
    """

    text: str = ""
    author: bool = False
    date: bool = False
    updated: bool = False
    declared: bool = False
    stamp: str = ""

    @property
    def plain(self) -> str:
        return " ".join(self.text.replace(JOINT, " ").split())


def lines_after(heading: HtmlElement) -> list[Line]:
    """Return the lines that follow `heading` up to the first paragraph of running text."""
    lines: list[Line] = []
    node, budget = heading, MAX_ELEMENTS
    for _ in range(LEVELS):
        lines += _tail(node)
        for sibling in node.itersiblings():
            for line in (*_lines(sibling), *_tail(sibling)):
                if len(line.text) >= PARAGRAPH or len(lines) >= MAX_LINES:
                    return lines
                lines.append(line)
            budget -= 1
            if budget < 0:
                return lines
        parent = node.getparent()
        if parent is None or parent.tag in ("body", "html"):
            break
        node = parent
    return lines


def lines_before(heading: HtmlElement) -> list[Line]:
    """Return the few lines just above `heading`, the nearest first."""
    lines: list[Line] = []
    node = heading
    for _ in range(LEVELS_ABOVE):
        for sibling in node.itersiblings(preceding=True):
            block = [*_lines(sibling), *_tail(sibling)]
            if len(block) > MAX_LINES_ABOVE:
                # A menu: what lies above it is no part of the article.
                return lines
            lines.extend(reversed(block))
            if len(lines) >= MAX_LINES_ABOVE:
                return lines[:MAX_LINES_ABOVE]
        parent = node.getparent()
        if parent is None or parent.tag in ("body", "html"):
            break
        node = parent
    return lines


def _tail(element: HtmlElement) -> list[Line]:
    """The bare text between an element and the next one."""
    return [Line(element.tail)] if element.tail and not element.tail.isspace() else []


def _lines(root: HtmlElement) -> Iterator[Line]:
    """The lines of the text under `root`, without comments and lists of other articles."""
    if not isinstance(root.tag, str) or root.tag in UNSEEN:
        return
    line = Line()
    marked: list[tuple[HtmlElement, _Kind]] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    seen = 0
    for event, element in walk:
        tag = element.tag
        if event == "start":
            seen += 1
            if seen > MAX_ELEMENTS:
                break
            kind = _kind(element.get("class"), element.get("id"), element.get("itemprop"), element.get("rel"))
            if kind is _APART or not isinstance(tag, str) or tag in UNSEEN:
                walk.skip_subtree()
                continue
            if tag in BLOCKS and line.text:
                yield line
                line = _fresh(marked)
            if tag == "time":
                kind = _Kind(kind.author, date=True, updated=kind.updated, declared=True)
            if kind.author or kind.date:
                marked.append((element, kind))
                _mark(line, kind)
            if kind.date and not line.stamp:
                line.stamp = element.get("datetime") or element.get("content") or ""
            if element.text and not element.text.isspace():
                line.text += JOINT + element.text
        else:
            if marked and marked[-1][0] is element:
                marked.pop()
            if tag in BLOCKS and line.text:
                yield line
                line = _fresh(marked)
            if element.tail and element is not root and not element.tail.isspace():
                line.text += JOINT + element.tail
    if line.text:
        yield line


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the attributes of an element call it."""

    author: bool = False
    date: bool = False
    updated: bool = False
    declared: bool = False


_PLAIN: Final = _Kind()
_APART: Final = _Kind()
"""Comments and lists of other articles; told from `_PLAIN` by identity."""


# Pages use few different classes, many times over.
@lru_cache(maxsize=4096)
def _kind(classes: str | None, name: str | None, itemprop: str | None, rel: str | None) -> _Kind:
    text = " ".join(filter(None, (classes, name, itemprop, rel)))
    if not text:
        return _PLAIN
    if APART.search(text):
        return _APART
    date = bool(DATE_SIGN.search(text))
    return _Kind(
        author=bool(AUTHOR_SIGN.search(text)) and not NOT_AUTHOR.search(text),
        date=date,
        updated=date and bool(UPDATED_SIGN.search(text)) and "publi" not in text.lower(),
        declared=bool(itemprop and DATE_PROPERTY.search(itemprop)),
    )


def _mark(line: Line, kind: _Kind) -> None:
    line.author |= kind.author
    line.date |= kind.date
    line.updated |= kind.updated
    line.declared |= kind.declared


def _fresh(marked: list[tuple[HtmlElement, _Kind]]) -> Line:
    line = Line()
    for _, kind in marked:
        _mark(line, kind)
    return line
