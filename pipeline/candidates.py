"""What a page's markup offers as its title, dates and authors, gathered in one pass over the tree."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lxml.html import HtmlElement

MAX_JSON_LD: Final = 1_000_000
"""Characters of JSON-LD read; longer ones are left alone, since a page must not buy time with its data."""
MAX_ITEMS: Final = 200
"""Headings, times and JSON-LD objects kept; what a page says of itself comes early."""

ARTICLE_TYPE = re.compile(r"(?:Article|BlogPosting|Report|LiveBlogPosting|SocialMediaPosting|ClaimReview)$")
PAGE_TYPE = re.compile(r"(?:WebPage|ItemPage)$")
USEFUL_JSON = re.compile(
    r"""["'](?:headline|datePublished|dateModified|author|isAccessibleForFree|wordCount|publisher)["']"""
)


@dataclass(slots=True)
class Candidates:
    """What the markup under a root states.

    `metas` is `<meta>` by lower-case name, property or itemprop, the first of each. `articles` are the JSON-LD objects
    that are articles, `pages` those that are the web page as such, both in their order; `broken` are the scripts that
    are no JSON. `head_title` is the text of `<title>`. `times` are `<time>` elements.
    """

    metas: dict[str, str] = field(default_factory=dict)
    articles: list[dict[str, Any]] = field(default_factory=list)
    pages: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    head_title: str = ""
    headings: list[HtmlElement] = field(default_factory=list)
    times: list[HtmlElement] = field(default_factory=list)


def collect(root: HtmlElement) -> Candidates:
    """Return what the tree under `root` offers; hidden parts must be out of it, `<script>` and `<meta>` still in."""
    found = Candidates()
    scripts: list[str] = []
    for element in root.iter("meta", "script", "title", "h1", "time"):
        tag = element.tag
        if tag == "meta":
            content = element.get("content")
            name = element.get("property") or element.get("name") or element.get("itemprop")
            if content and name and not content.isspace():
                found.metas.setdefault(name.strip().lower(), content.strip())
        elif tag == "script":
            if "ld+json" in (element.get("type") or "").lower() and element.text:
                scripts.append(element.text)
        elif tag == "time":
            if len(found.times) < MAX_ITEMS:
                found.times.append(element)
        elif tag == "h1":
            if len(found.headings) < MAX_ITEMS:
                found.headings.append(element)
        elif not found.head_title and element.text and next(element.iterancestors("svg"), None) is None:
            found.head_title = element.text
    _read_json_ld(scripts, found)
    return found


def names(value: object) -> list[str]:
    """Return the names in a JSON-LD value: strings, objects with a `name`, or lists of both."""
    items = value if isinstance(value, list) else [value]
    found: list[str] = []
    for item in items[:MAX_ITEMS]:
        name = item.get("name") if isinstance(item, dict) else item
        found.extend(strings(name))
    return [name for name in found if name.strip()]


def strings(value: object) -> list[str]:
    """Return the strings in a JSON-LD value: itself, or the members of a list."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def string(value: object) -> str:
    """Return the first string in a JSON-LD value, or the empty string."""
    return next(iter(strings(value)), "")


def count(value: object) -> int | None:
    """Return the whole number that a JSON-LD value is or spells, or None."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def truth(value: object) -> bool | None:
    """Return the boolean that a JSON-LD value is or spells, or None."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _read_json_ld(scripts: list[str], found: Candidates) -> None:
    budget = MAX_JSON_LD
    for text in scripts:
        budget -= len(text)
        if budget < 0:
            break
        if not USEFUL_JSON.search(text):
            continue
        try:
            # strict=False: line breaks inside strings are common and harmless.
            data = json.loads(text.strip().removesuffix(";"), strict=False)
        except (ValueError, RecursionError):
            found.broken.append(text)
            continue
        for item in _objects(data):
            kinds = strings(item.get("@type"))
            if any(ARTICLE_TYPE.search(kind) for kind in kinds):
                found.articles.append(item)
            elif any(PAGE_TYPE.search(kind) for kind in kinds):
                found.pages.append(item)


def _objects(data: object) -> Iterator[dict[str, Any]]:
    """The objects at the top of a JSON-LD document: alone, in a list, or in an `@graph`."""
    pending = [data]
    for _ in range(MAX_ITEMS):
        if not pending:
            return
        item = pending.pop(0)
        if isinstance(item, list):
            pending.extend(item[:MAX_ITEMS])
        elif isinstance(item, dict):
            yield item
            pending.extend(item[key] for key in ("@graph", "mainEntity") if isinstance(item.get(key), list | dict))
