"""The web of the proof of accounting: feeds and pages that end in every way there is, and a record of what was listed.

Each item has a number, which stands in its title; so what a server handed out can be held against what is stored
without asking the program what it takes for the same.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from hashlib import sha256
from html import escape
from itertools import count
from typing import Final

from clampdown.proofs import soak_articles
from clampdown.proofs.faults import FAULTS, mark
from clampdown.proofs.soak_articles import Report
from clampdown.proofs.webserver import Hit, HTTPServer, Reply
from pipeline.classes import FeedOutcome, Outcome
from pipeline.types import Source

MAX_BYTES: Final = 4_000_000
"""What a body may have here."""
LATE: Final = 3600.0
"""Seconds after which what is late would come."""
UNREADABLE: Final = "Here the reader of events stumbles"
"""Words on which the extractor of this proof fails."""
TITLE: Final = re.compile(r"#(\d+)\b")

_STARTED: Final = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
_READ: Final = frozenset({Outcome.EVENTS, Outcome.NO_EVENT, Outcome.GATED})
"""What becomes of an article that was read: which of them, is for the model to say."""
_ENDS: Final[Mapping[str, frozenset[Outcome]]] = {
    "told": _READ,
    "plain": _READ,
    "asking": _READ,
    "whole": _READ,
    "copied": _READ | {Outcome.SAME_STORY},
    "linked twice": _READ | {Outcome.SAME_ARTICLE},
    "foreign": frozenset({Outcome.OTHER_LANGUAGE}),
    "empty": frozenset({Outcome.NO_TEXT}),
    "paper": frozenset({Outcome.UNSUPPORTED_TYPE}),
    "missing": frozenset({Outcome.NOT_FOUND}),
    "gone": frozenset({Outcome.NOT_FOUND}),
    "failing": frozenset({Outcome.HTTP_ERROR}),
    "circling": frozenset({Outcome.HTTP_ERROR}),
    "late": frozenset({Outcome.TIMEOUT}),
    "torn": frozenset({Outcome.NETWORK_ERROR}),
    "private": frozenset({Outcome.ROBOTS}),
    "inside": frozenset({Outcome.REFUSED}),
    "huge": frozenset({Outcome.TOO_LARGE}),
    "moved away": _READ,
    "walled": _READ,
    "stumbling": frozenset({Outcome.QUARANTINED}),
}
"""What becomes of an item by its fate. `healing` and the faults of readers are told apart below."""

_TROUBLES: Final[Mapping[str, FeedOutcome]] = {
    "page": FeedOutcome.BROKEN,
    "void": FeedOutcome.EMPTY,
    "closed": FeedOutcome.GONE,
    "lost": FeedOutcome.NOT_FOUND,
    "failing": FeedOutcome.HTTP_ERROR,
    "torn": FeedOutcome.NETWORK_ERROR,
    "private": FeedOutcome.ROBOTS,
    "inside": FeedOutcome.REFUSED,
    "huge": FeedOutcome.TOO_LARGE,
    "breaking": FeedOutcome.QUARANTINED,
    "late": FeedOutcome.TIMEOUT,
}
"""Feeds that can't be had or read, and how their polls end."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a feed. `page` is the number of the item whose page and words it shares, mostly its own.

    It is listed from the round `appears` on, under a GUID that changes with each round where it is `restless`.
    """

    number: int
    feed: str
    fate: str
    appears: int
    page: int
    guid: str
    restless: bool = False

    def ends(self, round_: int) -> frozenset[Outcome]:
        """The outcomes that it may have once a run over this round has brought everything to its end."""
        if self.fate == "healing":
            return _READ if round_ > self.appears else frozenset({Outcome.HTTP_ERROR})
        return frozenset({Outcome.QUARANTINED}) if self.fate in FAULTS else _ENDS[self.fate]

    @property
    def target(self) -> str:
        """Where its page is. A copy has a page of its own."""
        path = f"{'/private' if self.fate == 'private' else ''}/{self.fate.replace(' ', '-')}/{self.page}"
        return f"{path}?outlet={self.feed}" if self.fate == "copied" else path

    @property
    def report(self) -> Report:
        """Its words."""
        if self.fate in ("plain", "empty", "late", "moved away"):
            return soak_articles.plain(self.page)
        return _asking(self.page) if self.fate == "asking" else soak_articles.restriction(3 * self.page)

    @property
    def title(self) -> str:
        """What its feed calls it: with its number, whatever it shares with others."""
        return f"{self.report.title} #{self.number:06}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the web is: rounds, items of each fate in each round, faults of readers, items of one long feed.

    `batch` is how many entries a run takes at a time.
    """

    rounds: int
    each: int
    faults: tuple[str, ...]
    troubles: tuple[str, ...]
    long: int = 0
    batch: int = 8
    seed: int = 11


class Web:
    """A context manager: serves the web in one round after another, and notes the items that feeds handed out."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.round = 0
        self.items = {item.number: item for item in _planned(plan)}
        self.handed: set[int] = set()
        self._server = HTTPServer()

    def __enter__(self) -> "Web":
        self._server.__enter__()
        self._server.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /private/\n")
        for feed in self._feeds():
            self._server.routes[f"/feed/{feed}"] = partial(self._feed, feed)
        for trouble in self.plan.troubles:
            self._server.routes[_address(trouble)] = _trouble(trouble)
        for item in self.items.values():
            self._server.routes.setdefault(item.target, partial(self._page, item))
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(None, None, None)

    @property
    def allow_hosts(self) -> tuple[str, ...]:
        """The entries that `fetch.allow_hosts` needs."""
        return (self._server.root.removeprefix("http://"),)

    def sources(self) -> list[Source]:
        """All feeds as a source list has them."""
        fine = [Source(feed, feed.capitalize(), self._server.url(f"/feed/{feed}")) for feed in self._feeds()]
        bad = [
            Source(
                f"feed-{trouble.replace(' ', '-')}",
                f"Feed that is {trouble}",
                "http://10.1.2.3/feed" if trouble == "inside" else self._server.url(_address(trouble)),
            )
            for trouble in self.plan.troubles
        ]
        return fine + bad

    def expected_polls(self) -> dict[str, FeedOutcome]:
        """How the polls of the feeds that can't be had or read must end, by source."""
        return {f"feed-{trouble}": _TROUBLES[trouble] for trouble in self.plan.troubles}

    def _feeds(self) -> list[str]:
        return list(dict.fromkeys(item.feed for item in self.items.values()))

    def _feed(self, feed: str, hit: Hit) -> Reply:
        listed = [item for item in self.items.values() if item.feed == feed and item.appears <= self.round]
        body = _rss(feed, [replace(one, guid=f"{one.guid}-{self.round}") if one.restless else one for one in listed],
                    self._server.root)  # fmt: skip
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        headers = {"Content-Type": "application/rss+xml", "ETag": etag}
        if hit.headers.get("If-None-Match") == etag:
            return Reply(304, headers=headers)
        self.handed |= {item.number for item in listed}
        return Reply(body=body, headers=headers)

    def _page(self, item: Item, _: Hit) -> Reply:
        html = {"Content-Type": "text/html; charset=utf-8"}
        match item.fate:
            case "missing" | "inside":
                return Reply(404)
            case "gone":
                return Reply(410)
            case "failing":
                return Reply(503)
            case "circling":
                return Reply(302, headers={"Location": item.target})
            case "healing" if self.round == item.appears:
                return Reply(503)
            case "late":
                return Reply(delay=LATE)
            case "torn":
                return Reply(raw=b"\x00\x01 no HTTP\r\n\r\n")
            case "huge":
                return Reply(body=b"x" * (MAX_BYTES + 1), headers=html)
            case "paper":
                return Reply(body=b"%PDF-1.7", headers={"Content-Type": "application/pdf"})
            case "empty":
                return Reply(body=b"<!doctype html><html><body></body></html>", headers=html)
        return Reply(body=_html(item), headers=html)


def numbers_in(titles: Iterable[str]) -> list[int]:
    """The numbers of the items whose titles these are."""
    return [int(found[1]) for title in titles if (found := TITLE.search(title))]


def _planned(plan: Plan) -> list[Item]:
    """All items of all rounds. Fates are spread over three feeds; copies and links are told again in another."""
    dice, numbers, items = random.Random(plan.seed), count(1), []
    for round_ in range(plan.rounds):
        fates = [fate for fate in (*_ENDS, "healing", *plan.faults) for _ in range(plan.each)]
        dice.shuffle(fates)
        for fate in fates:
            if fate == "late" and round_ < plan.rounds - 1:
                # It would be waited for anew in each round.
                continue
            number, feed = next(numbers), dice.choice(("alpha", "beta", "gamma"))
            item = Item(number, feed, fate, round_, number, f"guid-{number}", restless=feed == "gamma")
            items.append(item)
            if fate == "copied":
                # Word for word, at an address of its own, in a feed whose GUIDs change at every look.
                items.append(replace(item, number=next(numbers), feed="gamma" if feed != "gamma" else "beta"))
                items[-1] = replace(items[-1], guid=f"guid-{items[-1].number}", restless=items[-1].feed == "gamma")
            elif fate == "linked twice":
                other = next(numbers)
                items.append(replace(item, number=other, guid=f"guid-{other}"))
        # One GUID for two articles, in one feed at one time.
        for _ in range(plan.each):
            first, second = next(numbers), next(numbers)
            items += [Item(number, "delta", "told", round_, number, f"again-{first}") for number in (first, second)]
    items += [Item(number, "long", "missing", 0, number, f"long-{number}")
              for number in (next(numbers) for _ in range(plan.long))]  # fmt: skip
    return items


def _address(trouble: str) -> str:
    return "/private/feed" if trouble == "private" else f"/feed-{trouble}"


def _trouble(trouble: str) -> Reply:
    match trouble:
        case "page":
            return Reply(body=b"<!doctype html><html><body><h1>Welcome</h1><p>No feed is here.</p></body></html>",
                         headers={"Content-Type": "text/html"})  # fmt: skip
        case "closed":
            return Reply(410)
        case "lost":
            return Reply(404)
        case "failing":
            return Reply(500)
        case "torn":
            return Reply(raw=b"\x00\x01 no HTTP\r\n\r\n")
        case "huge":
            return Reply(body=b" " * (MAX_BYTES + 1))
        case "late":
            return Reply(delay=LATE)
        case "breaking":
            return Reply(body=mark("blunder").encode() + _rss("breaking", [], ""))
    return Reply(body=_rss(trouble, [], ""))


def _rss(feed: str, listed: Sequence[Item], root: str) -> bytes:
    items = "".join(
        f"<item><title>{escape(item.title)}</title><link>{_link(item, root)}</link>"
        f'<guid isPermaLink="false">{item.guid}</guid>'
        f"<pubDate>{format_datetime(_STARTED + timedelta(minutes=item.number), usegmt=True)}</pubDate>"
        f"{_words(item)}</item>"
        for item in listed
    )
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
    return f"{head}<channel><title>{feed}</title><link>{root}/</link>{items}</channel></rss>".encode()


def _link(item: Item, root: str) -> str:
    if item.fate == "inside":
        return f"http://10.1.2.3/{item.page}"
    return root + item.target


def _words(item: Item) -> str:
    if item.fate == "whole":
        paragraphs = (*item.report.paragraphs, *(soak_articles.plain(item.page + k).paragraphs[1] for k in range(6)))
        return f"<content:encoded>{escape(''.join(f'<p>{one}</p>' for one in paragraphs))}</content:encoded>"
    return f"<description>{escape(item.report.summary)}</description>" if item.fate in ("told", "moved away") else ""


def _html(item: Item) -> bytes:
    report, before = item.report, ""
    paragraphs = list(report.paragraphs)
    title = report.title
    match item.fate:
        case "foreign":
            title, paragraphs = _FOREIGN
        case "moved away":
            title, paragraphs = "Page not found", ["Sorry, the page that you asked for could not be found."]
        case "walled":
            paragraphs = [paragraphs[0], "Subscribe now to continue reading. Already a subscriber? Sign in."]
        case "stumbling":
            paragraphs.append(f"{UNREADABLE}, item {item.page} of the list.")
        case fault if fault in FAULTS:
            before = mark(fault)
    body = "".join(f"<p>{escape(one)}</p>" for one in paragraphs)
    language = "de" if item.fate == "foreign" else "en"
    head = f'<!doctype html><html lang={language}><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return f"{head}<body><article><h1>{escape(title)}</h1>{before}{body}</article></body></html>".encode()


def _asking(number: int) -> Report:
    service = soak_articles.SERVICES[number % len(soak_articles.SERVICES)]
    first = f"What would a ban of {service} mean for those who use it at work? We asked {number} people who do."
    rest = "All of them said that it would not matter much to them, and went back to what they had been doing before."
    return Report(f"{service} at work, as {number} people see it", first, (first, rest))


_FOREIGN: Final = (
    "Die Bücherei am Hafen öffnet wieder",
    ["Nach einem langen Winter öffnet die Bücherei am Hafen in der kommenden Woche wieder ihre Türen.",
     "Die Stadt hat das Dach erneuert, und im Lesesaal stehen jetzt doppelt so viele Tische wie vor dem Umbau."],
)  # fmt: skip
