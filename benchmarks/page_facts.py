"""How many pages' titles, dates, authors and other facts are read right, beside trafilatura and htmldate.

    python -m benchmarks.page_facts ARTICLE_EXTRACTION_BENCHMARK.tar.gz [--errors N]

Reads the 181 pages of scrapinghub's article-extraction-benchmark. The truth (`truth/article_pages.json`) was made by
reading each page, with no look at any reader's answer: what a reader of the page sees counts, then what the page's own
metadata state. It holds no publisher's words: titles, names and links are SHA-256 digests of `normal` forms.

* A title is right if it is the headline as shown. Kickers ("Opinion | …") may stay or go; the site's name may not stay.
* A date is right if its day is the one stated, in the zone in which it is stated or in UTC. A time is right if it is
  the stated instant to the minute; that row counts the pages that state time and zone, and readers that give times.
* Authors are right if all that the byline names are found, and nobody else but the agency that it names beside them.
* A modification is one that lies after the publication. "None stated" counts the answers that had to be empty.

`clampdown` is what `read_article` returns for a page whose feed entry says nothing. The halves are those on which rules
may be chosen, and those that only measure; a digest of the page's key tells which is which.
"""

import argparse
import hashlib
import json
import logging
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import htmldate
import trafilatura

from benchmarks import article_pages
from pipeline.errors import ParseError
from pipeline.language import primary_tag
from pipeline.text import read_article
from pipeline.types import Entry, Response, Stamp
from pipeline.urls import absolute_url, canonical_url

TRUTH: Final = Path(__file__).parent / "truth" / "article_pages.json"
MINUTE: Final = timedelta(minutes=1)
QUOTES: Final = str.maketrans("‘’‚‛′ʼ`´“”„‟″«»‐‑‒–—―−", "''''''''\"\"\"\"\"\"\"-------")
SITE_SEPARATOR: Final = re.compile(r"\s+[|:·•»-]+\s+")
SHOWN: Final = re.compile(
    r"<title\b.*?</title>|<h1\b.*?</h1>|<time\b[^>]*>[^<]{0,60}|<meta\b[^>]*(?:title|headline|date|time|modif|author|byl)"
    r"[^>]*>|\"(?:headline|datePublished|dateModified|author)\"\s*:\s*[^,]{0,120}|<link\b[^>]*canonical[^>]*>",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the benchmark."""

    key: str
    url: str
    html: bytes

    @property
    def chosen(self) -> bool:
        """Whether rules may be chosen on it; the others only measure."""
        return hashlib.sha256(f"page facts {self.key}".encode()).digest()[0] % 2 == 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader says of a page; None or empty where it says nothing, or can't."""

    title: str | None = None
    published: datetime | date | None = None
    modified: datetime | date | None = None
    authors: tuple[str, ...] = ()
    site: str | None = None
    language: str | None = None
    canonical: str | None = None
    paywalled: bool | None = None


@dataclass(slots=True)
class Score:
    """Counts of one fact: pages that state it, and how many answers were right, wrong or missing."""

    stated: int = 0
    right: int = 0
    wrong: int = 0
    missing: int = 0
    unstated: int = 0
    invented: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / self.stated if self.stated else 1.0


def load(path: Path) -> list[Page]:
    """Return the pages of the archive, in the order of their keys."""
    return [Page(sample.key, sample.url, sample.page) for sample in article_pages.load(path)]


def normal(text: str) -> str:
    """Return `text` in NFKC, case-folded, on one line, with plain quotes and dashes: the form that is digested."""
    folded = unicodedata.normalize("NFKC", text.translate(QUOTES)).translate(QUOTES).casefold()
    return " ".join(folded.split())


def plain_link(url: str) -> str:
    """Return `url` without scheme, `www.`, fragment, index file and last slash."""
    return re.sub(r"^https?://(?:www\.)?|/index\.html?$", "", url.partition("#")[0]).rstrip("/")


def digest(text: str) -> str:
    """Return the SHA-256 of the normal form of `text`, in hexadecimal."""
    return hashlib.sha256(normal(text).encode()).hexdigest()


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson interval (95 %) of the share `right / total`."""
    if total == 0:
        return 0.0, 1.0
    share, square = right / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def clampdown(page: Page) -> Found:
    entry = Entry("benchmark", page.url, page.url, canonical_url(page.url) or page.url, "")
    response = Response(page.url, page.url, 200, (("content-type", "text/html"),), page.html, datetime.now(UTC))
    try:
        article = read_article(entry, response)
    except ParseError:
        return Found()
    return Found(
        title=article.title or None,
        published=_value(article.published),
        modified=_value(article.modified),
        authors=article.authors,
        site=article.site,
        language=article.language,
        canonical=article.canonical_url,
        paywalled=article.paywalled,
    )


def trafilatura_alone(page: Page) -> Found:
    document = trafilatura.bare_extraction(
        page.html, url=page.url, favor_precision=True, include_comments=False, with_metadata=True
    )
    if document is None:
        return Found()
    return Found(
        title=document.title,
        published=_day(document.date),
        authors=tuple(filter(None, (name.strip() for name in (document.author or "").split(";")))),
        site=document.sitename,
        language=primary_tag(document.language),
        canonical=document.url,
    )


def htmldate_alone(page: Page) -> Found:
    return Found(
        published=_day(htmldate.find_date(page.html, original_date=True, url=page.url)),
        modified=_day(htmldate.find_date(page.html, original_date=False, url=page.url)),
    )


READERS: Final[dict[str, Callable[[Page], Found]]] = {
    "clampdown": clampdown,
    "trafilatura": trafilatura_alone,
    "htmldate": htmldate_alone,
}


def measure(pages: Iterable[Page], answers: Mapping[str, Found], truth: dict[str, Any]) -> dict[str, Score]:
    """Return the score of each fact in a reader's `answers`, which are by page key, as `truth` is."""
    scores: dict[str, Score] = {}
    for page in pages:
        for name, (stated, verdict, shown) in _verdicts(truth[page.key], answers[page.key], page.url).items():
            score = scores.setdefault(name, Score())
            score.stated += stated
            score.unstated += not stated
            if not stated:
                score.invented += verdict is False
            elif verdict is None:
                score.missing += 1
            else:
                score.right += verdict
                score.wrong += not verdict
            if verdict is False or (stated and verdict is None):
                score.faults.append(f"{name}: {shown!r}\n  {page.key[:12]} {page.url}")
    return scores


def truth_of_pages() -> dict[str, Any]:
    """Return the truth by page key."""
    pages: dict[str, Any] = json.loads(TRUTH.read_text(encoding="utf-8"))["pages"]
    return pages


def _verdicts(true: dict[str, Any], found: Found, url: str) -> dict[str, tuple[bool, bool | None, object]]:
    """By fact: whether it is stated, whether the answer is right (None: there is none), and the answer."""
    title = found.title or None
    forms = _without_ends(title) if title else ()
    canonical, own = true["canonical"], digest(plain_link(url))
    link = absolute_url(found.canonical, base=url) if found.canonical else None
    verdicts: dict[str, tuple[bool, bool | None, object]] = {
        "title": (True, digest(title) in true["title"]["sha256"] if title else None, title),
        "title, less site": (
            True,
            any(digest(form) in true["title"]["sha256"] for form in forms) if title else None,
            title,
        ),
        "published": (bool(true["published"]), _day_is_right(found.published, true["published"]), found.published),
        "authors": (bool(true["authors"]["names"]), _authors_are_right(found.authors, true["authors"]), found.authors),
        "site": (bool(true["site"]), _site_is_right(found.site, true["site"]), found.site),
        "language": (True, found.language == true["language"] if found.language else None, found.language),
        "canonical link": (bool(canonical), digest(plain_link(link)) == (canonical or own) if link else None, link),
        "paywalled": (true["paywalled"], true["paywalled"] if found.paywalled else None, found.paywalled),
    }
    instants = [datetime.fromisoformat(text) for text in true["published"] if "T" in text]
    if instants:
        given = found.published if isinstance(found.published, datetime) else None
        right = None if given is None else any(abs(given - instant) < MINUTE for instant in instants)
        verdicts["published, time"] = (True, right, found.published)
    if true["modified"] is not None:
        right = _day_is_right(found.modified, true["modified"])
        verdicts["modified"] = (bool(true["modified"]), right, found.modified)
    return verdicts


def _day_is_right(found: datetime | date | None, stated: list[str]) -> bool | None:
    if found is None:
        return None
    days = {date.fromisoformat(text[:10]) for text in stated}
    days |= {datetime.fromisoformat(text).astimezone(UTC).date() for text in stated if "T" in text}
    return (found.date() if isinstance(found, datetime) else found) in days


def _authors_are_right(found: tuple[str, ...], true: dict[str, Any]) -> bool | None:
    if not found:
        return None
    digests = {digest(name) for name in found}
    needed = all(digests & set(forms) for forms in true["names"])
    return needed and digests <= set().union(*true["names"], true["also"])


def _site_is_right(found: str | None, names: list[str]) -> bool | None:
    return None if not found else normal(found) in {normal(name) for name in names}


def _without_ends(title: str) -> Iterable[str]:
    """The title itself, then with the pieces at its end cut off one by one."""
    yield title
    plain = normal(title)
    for match in reversed(list(SITE_SEPARATOR.finditer(plain))):
        yield plain[: match.start()]


def _value(stamp: Stamp | None) -> datetime | date | None:
    return None if stamp is None else stamp.value


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _print_table(scores: dict[str, dict[str, Score]]) -> None:
    print(
        f"{'fact':<18}{'reader':<13}{'stated':>7}{'right':>7}{'wrong':>7}{'missing':>8}  right, 95 % interval"
        f"   none stated: invented"
    )
    names = dict.fromkeys(name for by_fact in scores.values() for name in by_fact)
    for name in names:
        for reader, by_fact in scores.items():
            score = by_fact.get(name)
            if score is None or not (score.right or score.wrong):
                continue
            low, high = wilson(score.right, score.stated)
            print(
                f"{name:<18}{reader:<13}{score.stated:>7}{score.right:>7}{score.wrong:>7}{score.missing:>8}  "
                f"{score.share:6.1%} [{low:.1%}, {high:.1%}]{score.unstated:>11}: {score.invented}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show N faults of ours, with the candidates")
    options = parser.parse_args()
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    pages, truth = load(options.archive), truth_of_pages()
    print(f"{len(pages)} pages")
    answers = {reader: {page.key: read(page) for page in pages} for reader, read in READERS.items()}
    _print_table({reader: measure(pages, found, truth) for reader, found in answers.items()})
    own = answers["clampdown"]
    for half, chosen in (("rules chosen here", True), ("held out", False)):
        part = [page for page in pages if page.chosen is chosen]
        print(f"\n{len(part)} pages, {half}")
        _print_table({"clampdown": measure(part, own, truth)})
    if options.errors:
        faults = [fault for score in measure(pages, own, truth).values() for fault in score.faults]
        by_key = {page.key[:12]: page for page in pages}
        for fault in faults[: options.errors]:
            print(f"\n{fault}")
            html = by_key[fault.split("\n  ")[1][:12]].html.decode("utf-8", "replace")
            for candidate in SHOWN.findall(html)[:25]:
                print(f"    {' '.join(candidate.split())[:200]}")


if __name__ == "__main__":
    main()
