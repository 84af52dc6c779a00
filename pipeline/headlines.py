"""Which of a page's titles is the headline that its readers see, and what the site is called."""

import re
from dataclasses import dataclass
from typing import Final, cast

from lxml import etree
from lxml.html import HtmlElement
from rapidfuzz import fuzz

from pipeline.candidates import Candidates, names, string
from pipeline.markup import BLOCKS, UNSEEN, one_line

META_TITLES: Final = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "headline", "title")
META_SITES: Final = ("og:site_name", "application-name", "dc.publisher", "publisher")
SAME: Final = 80
"""rapidfuzz's token-set ratio, 0–100, from which two titles are one title with and without trimmings."""
TRIMMED: Final = 0.4
"""Share of a stated title's length below which a heading is rather a section or the site than a shortened title."""
LONG_WORD: Final = 4
"""Letters of a word that tells what a headline is about."""
SHARED_WORDS: Final = 2
"""Long words that a heading worded afresh must share with a stated title to be one of the same article."""
PREFIX: Final = 12
"""Leading characters of a title by which the elements are found that may show it."""
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4"})
MAX_TITLE: Final = 400
MAX_PARTS: Final = 200
"""Beginnings and ends of elements in a heading that are looked at."""
MAX_SITE: Final = 60

SEPARATOR = re.compile(r"\s+[|–—·•»«-]+\s+|\s+::\s+|\s*\|\s*")
HEADLINE_SIGN = re.compile(r"head(?:line|ing)?|title|\bhed\b|__hed", re.IGNORECASE)
LETTERS = re.compile(r"[^\W\d_]+")
NO_LETTERS = re.compile(r"[\W_]+")
URL = re.compile(r"(?:https?:)?//|www\.", re.IGNORECASE)
_BY_START = etree.XPath("descendant::*[not(self::script or self::style) and contains(text(), $start)]")
HOST = re.compile(r"(?:https?:)?//(?:www\.)?([^/?#:]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headline:
    """A page's headline, the name of its site, and the element that shows the headline; None where not to be told."""

    text: str | None
    site: str | None
    element: HtmlElement | None


def find_headline(root: HtmlElement, candidates: Candidates, *, feed_title: str = "") -> Headline:
    """Return the headline as the page shows it: an `<h1>` that the page's statements of its title agree with.

    Without such an `<h1>`, it is the part of a stated title that some other element shows word by word, else the first
    stated title without the site's name. `feed_title` is what the feed calls the article.
    """
    site = _stated_site(candidates)
    stated = _stated_titles(candidates)
    hints = [text for text in (_plain(feed_title), *stated) if text]
    headings = [(text, element) for element in candidates.headings if (text := _shown(element)) and not _is(text, site)]
    shown = _agreeing(headings, hints) or _reworded(headings, hints)
    if shown is None and stated:
        shown = _shown_elsewhere(root, stated)
    elif shown is None and len(headings) == 1:
        shown = headings[0]
    title = one_line(shown[0] if shown else _without_site(stated[0], site) if stated else "") or None
    if site is None:
        site = _site_in_title(_plain(candidates.head_title), title, candidates.metas)
    return Headline(title, site, shown[1] if shown else None)


def is_same(title: str, other: str) -> bool:
    """Return whether two titles are one, with and without trimmings."""
    return bool(title) and fuzz.token_set_ratio(title.lower(), other.lower()) >= SAME


def _stated_titles(candidates: Candidates) -> list[str]:
    metas = candidates.metas
    stated = [string(item.get("headline")) for item in (*candidates.articles, *candidates.pages)]
    stated += [metas[name] for name in META_TITLES if name in metas]
    stated.append(candidates.head_title)
    return list(dict.fromkeys(text for text in map(_plain, stated) if text))


def _agreeing(headings: list[tuple[str, HtmlElement]], hints: list[str]) -> tuple[str, HtmlElement] | None:
    """The first heading that is a stated title, or a piece of one, maybe with trimmings."""
    folded = [hint.lower() for hint in hints]
    pieces = {piece for hint in folded for piece in SEPARATOR.split(hint)}
    for text, _ in headings:
        low = text.lower()
        if low in pieces or any(
            len(low) >= TRIMMED * len(hint) and fuzz.token_set_ratio(low, hint, score_cutoff=SAME) for hint in folded
        ):
            # Bars that stick to the top of the window repeat the headline, above the real one.
            return next((shown, element) for shown, element in reversed(headings) if shown == text)
    return None


def _reworded(headings: list[tuple[str, HtmlElement]], hints: list[str]) -> tuple[str, HtmlElement] | None:
    """The first heading that is worded otherwise than titles made for search engines, but on the same subject."""
    subjects = [_long_words(hint) for hint in hints]
    for text, element in headings:
        if len(headings) > 1 and not _is_signed(element):
            continue
        words = _long_words(text)
        if any(len(words & subject) >= SHARED_WORDS for subject in subjects):
            return text, element
    return None


def _shown_elsewhere(root: HtmlElement, stated: list[str]) -> tuple[str, HtmlElement] | None:
    """The longest leading part of a stated title that an element of the body has as its own text."""
    wanted: list[str] = []
    for title in stated:
        ends = [match.start() for match in SEPARATOR.finditer(title)]
        wanted += [title, *(title[:end] for end in reversed(ends))]
    wanted = [text for text in dict.fromkeys(wanted) if len(text) > LONG_WORD]
    if not wanted:
        return None
    starts = {text[:PREFIX] for text in wanted}
    shown: dict[str, HtmlElement] = {}
    for body in root.iter("body"):
        for element in (element for start in starts for element in _elements_with(body, start)):
            text = _plain(element.text or "")
            # Menus and lists link to the article by its headline, too.
            if text not in shown or (shown[text].tag == "a" and element.tag != "a") or element.tag in HEADINGS:
                shown[text] = element
    return next(((text, shown[text]) for text in wanted if text in shown), None)


def _elements_with(root: HtmlElement, start: str) -> list[HtmlElement]:
    return cast(list[HtmlElement], _BY_START(root, start=start))


def _without_site(title: str, site: str | None) -> str:
    """Cut "… | The Daily Example" off a title: only the site's own name, since headlines have dashes too."""
    pieces = SEPARATOR.split(title)
    if site and len(pieces) > 1 and fuzz.ratio(pieces[-1].lower(), site.lower()) >= SAME:
        return title[: title.rindex(pieces[-1])].rstrip(" |–—·•»«-:")
    return title


def _stated_site(candidates: Candidates) -> str | None:
    metas = candidates.metas
    stated = [metas[name].lstrip("@") for name in META_SITES if name in metas and not URL.match(metas[name])]
    publishers = (name for item in candidates.articles for name in names(item.get("publisher")))
    return next((site for text in (*stated, *publishers) if (site := one_line(text))), None)


def _site_in_title(head_title: str, headline: str | None, metas: dict[str, str]) -> str | None:
    """The site's name as `<title>` gives it: what stands beside the headline, or a piece that spells the host."""
    pieces = [piece for piece in SEPARATOR.split(head_title) if piece]
    if headline:
        front, found, rest = head_title.partition(headline)
        if found and len(pieces) > 1 and SEPARATOR.match(rest) and (not front or SEPARATOR.search(front)):
            return _as_site(pieces[-1])
        if found and not rest and front.rstrip().endswith((":", "|", "–", "—", "-")):
            return _as_site(front.rstrip(" :|–—-"))
    host = HOST.match(metas.get("og:url", ""))
    labels = set(host[1].lower().split(".")) if host else set()
    return next((_as_site(piece) for piece in reversed(pieces) if NO_LETTERS.sub("", piece).lower() in labels), None)


def _as_site(text: str) -> str | None:
    text = one_line(text)
    return text if 0 < len(text) <= MAX_SITE else None


def _is(text: str, site: str | None) -> bool:
    return site is not None and fuzz.ratio(text.lower(), site.lower()) >= SAME


def _is_signed(element: HtmlElement) -> bool:
    signs = f"{element.get('itemprop') or ''} {element.get('class') or ''} {element.get('id') or ''}"
    return bool(HEADLINE_SIGN.search(signs))


def _long_words(text: str) -> set[str]:
    return {word for word in LETTERS.findall(text.lower()) if len(word) >= LONG_WORD}


def _shown(element: HtmlElement) -> str:
    """The visible text of a heading, or of its beginning where it was never closed and holds the page."""
    if not len(element):
        return _plain(element.text or "")
    pieces: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for _, (event, node) in zip(range(MAX_PARTS), walk, strict=False):
        if event == "start":
            if not isinstance(node.tag, str) or node.tag in UNSEEN:
                walk.skip_subtree()
                continue
            pieces += (" " if node.tag in BLOCKS else "", node.text or "")
        else:
            pieces += (" " if node.tag in BLOCKS else "", "" if node is element else node.tail or "")
    return _plain("".join(pieces))


def _plain(text: str) -> str:
    return " ".join(text[:MAX_TITLE].split())
