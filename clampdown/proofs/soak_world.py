"""A small web of news outlets that lives through many states, for the soak: each state follows from its number alone.

From one state to the next, outlets appear, write, edit, take back, move, change the format of their feeds, fail, fall
silent and close. Whoever looks at the same state sees the same, byte by byte, as often as it looks.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from json import dumps
from typing import Final, Literal

from clampdown.proofs import soak_articles
from clampdown.proofs.soak_articles import Report
from clampdown.proofs.webserver import Hit, Reply, Route
from pipeline.types import Source

START: Final = datetime(2026, 10, 19, 9, 0, tzinfo=UTC)
"""When state 0 begins. In central Europe the clock goes back six days later."""

STEP: Final = timedelta(hours=3)
"""From one state to the next. All waits of the program (an hour, doubled) stay an hour away from its multiples, so that
minutes of delay never decide whether something is due."""

LISTED: Final = 12
"""Items in a feed."""

LEAST_STATES: Final = 3

Format = Literal["rss", "atom", "json"]
Trouble = Literal["error", "busy", "broken", "empty", "missing"]


@dataclass(frozen=True, slots=True)
class Outlet:
    """A publisher: the states from which on it is listed, moved, changed its format, is silent, or closed; if ever.

    `listed` says in which states it is on the source list, `troubles` what its feed answers instead of itself.
    """

    number: int
    formats: tuple[Format, Format]
    born: int = 0
    unlisted: int | None = None
    changes: int | None = None
    moves: int | None = None
    silent: int | None = None
    closes: int | None = None
    troubles: Mapping[int, Trouble] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its source's id."""
        return f"soak-{self.number:02}"

    def path(self, state: int) -> str:
        """Where its feed is."""
        return "/feed" if self.moves is None or state < self.moves else "/news/feed"

    def format(self, state: int) -> Format:
        """The format of its feed."""
        return self.formats[self.changes is not None and state >= self.changes]

    def writes(self, state: int) -> bool:
        """Whether something new may come from it."""
        ends = [end for end in (self.silent, self.closes) if end is not None]
        return self.born <= state and all(state < end for end in ends)

    def is_listed(self, state: int) -> bool:
        """Whether it is on the source list."""
        return self.born <= state and (self.unlisted is None or state < self.unlisted)


@dataclass(frozen=True, slots=True)
class Piece:
    """An article of an outlet: when it appears, is edited and taken back, and in which states its page fails.

    `fate` says how it is taken back: the page is gone (410), or a notice stands in its place. `whole` has the feed give
    the whole text.
    """

    number: int
    outlet: int
    appears: int
    report: Report
    edits: tuple[int, ...] = ()
    taken_back: int | None = None
    fate: Literal["gone", "notice"] = "gone"
    fails: range = range(0)
    status: int = 503
    whole: bool = False

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/{self.appears}/{self.number}"

    def edition(self, state: int) -> int:
        """How often it was edited so far."""
        return sum(edit <= state for edit in self.edits)

    def is_taken_back(self, state: int) -> bool:
        """Whether the outlet took it back."""
        return self.taken_back is not None and state >= self.taken_back

    def says(self, state: int) -> Report:
        """Its words."""
        if self.is_taken_back(state):
            return soak_articles.withdrawn(self.report)
        edition = self.edition(state)
        return soak_articles.edited(self.report, edition) if edition else self.report


def moment(state: int) -> datetime:
    """When a state begins."""
    return START + state * STEP


@dataclass(frozen=True, slots=True)
class World:
    """All outlets and all that they ever write, up to a last state."""

    states: int
    outlets: tuple[Outlet, ...]
    pieces: tuple[Piece, ...]

    def sources(self, state: int, origins: Sequence[str]) -> list[Source]:
        """The source list of a state; `origins` are those of the outlets, in order."""
        return [
            Source(
                id=outlet.id,
                name=f"Soak News {outlet.number}",
                # Who keeps the list learns nothing of a move.
                url=f"{origin}/feed",
                owner=f"Soak Press {outlet.number // 2}",
                country=("GB", "AU", "US")[outlet.number % 3],
            )
            for outlet, origin in zip(self.outlets, origins, strict=True)
            if outlet.is_listed(state)
        ]

    def routes(self, outlet: Outlet, state: int, origin: str) -> dict[str, Route]:
        """What the server of an outlet answers in a state: request target to reply."""
        mine = [piece for piece in self.pieces if piece.outlet == outlet.number and piece.appears <= state]
        pages: dict[str, Route] = {piece.path: _page(piece, state) for piece in mine}
        listed = [one for one in mine if not (one.is_taken_back(state) and one.fate == "gone")][-LISTED:][::-1]
        feed = _feed(outlet, listed, state, origin)
        if outlet.path(state) != "/feed":
            pages["/feed"] = Reply(301, headers={"Location": outlet.path(state)})
        return pages | {outlet.path(state): feed}


def build(states: int, outlets: int = 12, seed: int = 7) -> World:
    """A world of so many states, at least LEAST_STATES."""
    if states < LEAST_STATES:
        raise ValueError(f"a world has {LEAST_STATES} states at least")
    dice = random.Random(seed)
    founded = tuple(_outlet(number, states, dice) for number in range(outlets))
    pieces: list[Piece] = []
    for state in range(states):
        awake = [outlet for outlet in founded if outlet.writes(state)]
        for _ in range(dice.choice((1, 2, 2, 3, 4)) if state else 2 * len(awake)):
            pieces += _written(len(pieces), state, dice, awake)
    return World(states, founded, tuple(pieces))


def _outlet(number: int, states: int, dice: random.Random) -> Outlet:
    """Each kind of change happens to some outlet in every world, however short it is."""
    some = dice.randrange(states // 3, 2 * states // 3 + 1)
    formats: tuple[Format, Format] = dice.choice((("rss", "atom"), ("atom", "rss"), ("rss", "json"), ("json", "atom")))
    outlet = Outlet(number, formats, troubles=_troubles(number, states, dice))
    match number:
        case 1:
            return replace(outlet, moves=some)
        case 2:
            return replace(outlet, changes=some)
        case 3 | 9:
            return replace(outlet, silent=some)
        case 4:
            return replace(outlet, closes=some)
        case 5:
            return replace(outlet, born=some)
        case 6:
            return replace(outlet, unlisted=some)
        case 7:
            return replace(outlet, born=max(1, some // 2), changes=min(states - 1, some + 2))
        case 8:
            return replace(outlet, moves=min(states - 1, some + 1))
    return outlet


def _troubles(number: int, states: int, dice: random.Random) -> dict[int, Trouble]:
    """Two outlets of three have feeds that fail now and then, for a state or two."""
    troubles: dict[int, Trouble] = {}
    kinds: tuple[Trouble, ...] = ("error", "busy", "broken", "empty", "missing")
    if number % 3:
        for _ in range(max(1, states // 25)):
            begins, kind = dice.randrange(1, states), dice.choice(kinds)
            troubles |= dict.fromkeys(range(begins, begins + dice.choice((1, 2))), kind)
    return troubles


def _written(number: int, state: int, dice: random.Random, awake: Sequence[Outlet]) -> list[Piece]:
    """An article, or two where another outlet takes it over word by word."""
    outlet = dice.choice(awake)
    kind = dice.choice(("restriction", "restriction", "lifting", "plain", "plain"))
    write = {"restriction": soak_articles.restriction, "lifting": soak_articles.lifting, "plain": soak_articles.plain}
    piece = Piece(number, outlet.number, state, write[kind](number), whole=outlet.number % 4 == 0)
    fate = dice.random()
    if fate < 0.25:
        piece = replace(piece, edits=tuple(sorted({state + dice.randrange(1, 5) for _ in range(dice.choice((1, 2)))})))
    elif fate < 0.4:
        piece = replace(piece, taken_back=state + dice.randrange(1, 5), fate=dice.choice(("gone", "notice")))
    elif fate < 0.5:
        piece = replace(piece, fails=range(state, state + dice.choice((1, 2, 9))), status=dice.choice((500, 503, 404)))
    pieces = [piece]
    others = [other for other in awake if other.number != outlet.number]
    if others and dice.random() < 0.2:
        pieces.append(Piece(number + 1, dice.choice(others).number, state, piece.report))
    return pieces


def _page(piece: Piece, state: int) -> Route:
    if piece.is_taken_back(state) and piece.fate == "gone":
        return Reply(410)
    if state in piece.fails:
        return Reply(piece.status)
    says = piece.says(state)
    body = "".join(f"<p>{escape(one)}</p>" for one in says.paragraphs)
    title, written = escape(says.title), moment(piece.appears).isoformat()
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta property="article:published_time" content="{written}"></head>'
        f"<body><article><h1>{title}</h1>{body}</article></body></html>"
    )
    return _conditional(html.encode(), "text/html; charset=utf-8")


def _conditional(body: bytes, media_type: str) -> Route:
    """What is not sent again to those who have it."""
    headers = {"Content-Type": media_type, "ETag": f'"{sha256(body).hexdigest()[:16]}"'}

    def answer(hit: Hit) -> Reply:
        asked = {name.lower(): value for name, value in hit.headers.items()}.get("if-none-match")
        return Reply(304, headers=headers) if asked == headers["ETag"] else Reply(body=body, headers=headers)

    return answer


def _feed(outlet: Outlet, listed: Sequence[Piece], state: int, origin: str) -> Route:
    if outlet.closes is not None and state >= outlet.closes:
        return Reply(410)
    trouble = outlet.troubles.get(state)
    if trouble == "error":
        return Reply(500)
    if trouble == "busy":
        # Without Retry-After: a process that is killed forgets whom it was to leave alone.
        return Reply(503)
    if trouble == "missing":
        return Reply(404)
    if trouble == "empty":
        listed = ()
    write = {"rss": _rss, "atom": _atom, "json": _json}[outlet.format(state)]
    body, media_type = write(outlet, listed, state, origin)
    if trouble == "broken":
        body = body[: len(body) // 3]
    return _conditional(body, media_type)


def _whole(piece: Piece, state: int) -> str:
    return "".join(f"<p>{escape(one)}</p>" for one in piece.says(state).paragraphs) if piece.whole else ""


def _changed(piece: Piece, state: int) -> datetime:
    """When the outlet last touched it."""
    touched = [edit for edit in piece.edits if edit <= state]
    if piece.is_taken_back(state) and piece.taken_back is not None:
        touched.append(piece.taken_back)
    return moment(max(touched, default=piece.appears))


def _rss(outlet: Outlet, listed: Sequence[Piece], state: int, origin: str) -> tuple[bytes, str]:
    items = "".join(
        f"<item><title>{escape(piece.says(state).title)}</title><link>{origin}{piece.path}</link>"
        f'<guid isPermaLink="false">{piece.number}</guid>'
        f"<pubDate>{format_datetime(moment(piece.appears), usegmt=True)}</pubDate>"
        f"<description>{escape(piece.says(state).summary)}</description>"
        + (f"<content:encoded>{escape(whole)}</content:encoded>" if (whole := _whole(piece, state)) else "")
        + "</item>"
        for piece in listed
    )
    xml = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Soak News {outlet.number}</title><link>{origin}/</link><language>en</language>{items}</channel></rss>"
    )
    return xml.encode(), "application/rss+xml"


def _atom(outlet: Outlet, listed: Sequence[Piece], state: int, origin: str) -> tuple[bytes, str]:
    items = "".join(
        f"<entry><id>{piece.number}</id><title>{escape(piece.says(state).title)}</title>"
        f'<link href="{origin}{piece.path}"/><published>{moment(piece.appears).isoformat()}</published>'
        f"<updated>{_changed(piece, state).isoformat()}</updated>"
        f"<summary>{escape(piece.says(state).summary)}</summary>"
        + (f'<content type="html">{escape(whole)}</content>' if (whole := _whole(piece, state)) else "")
        + "</entry>"
        for piece in listed
    )
    latest = max((_changed(piece, state) for piece in listed), default=START)
    xml = (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">'
        f"<title>Soak News {outlet.number}</title><id>urn:soak:{outlet.number}</id>"
        f"<updated>{latest.isoformat()}</updated>{items}</feed>"
    )
    return xml.encode(), "application/atom+xml"


def _json(outlet: Outlet, listed: Sequence[Piece], state: int, origin: str) -> tuple[bytes, str]:
    items = []
    for piece in listed:
        says = piece.says(state)
        item = {
            "id": str(piece.number),
            "url": f"{origin}{piece.path}",
            "title": says.title,
            "summary": says.summary,
            "date_published": moment(piece.appears).isoformat(),
            "date_modified": _changed(piece, state).isoformat(),
        }
        items.append(item | ({"content_html": whole} if (whole := _whole(piece, state)) else {}))
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"Soak News {outlet.number}",
        "home_page_url": f"{origin}/",
        "language": "en",
        "items": items,
    }
    return dumps(feed).encode(), "application/feed+json"
