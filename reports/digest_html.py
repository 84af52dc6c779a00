"""A digest as HTML: as a mail that holds in the big mail programs, and as a page for a browser.

A mail is made of tables and of styles on each element, because programs drop more or less of a style sheet; it loads
nothing from anywhere, its picture travels with it. What others wrote is only ever text, and links lead to http(s).
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from css_inline import CSSInliner
from markupsafe import Markup

from pipeline.subscriptions import Cadence
from pipeline.types import Action, Status
from reports import digest_pages as pages
from reports import digest_words, event_words
from reports.digest import TAKEN_BACK, Age, Digest, Item, News, Part, Told, sections
from reports.inert import line, web_address
from reports.locales import full_day, listing
from reports.palette import INKS, THEMES, Theme, mark_of
from reports.templating import template, unescaped
from warehouse.news import Telling

MOST_BYTES: Final = 100_000
"""Gmail cuts a mail off after 102 kB of HTML."""

_SHORTER: Final = ((100, 100), (32, 100), (16, 100), (8, 100), (8, 50), (8, 40), (8, 20), (4, 10), (0, 5))
"""How many items, at most, are told with their quotes, and how many at all, until a mail is short enough."""

_NEED: Final = (Part.TAKEN_BACK, Part.MAIN, Part.LATE, Part.UNSURE)
"""In which order parts lose items to a mail that would be too long, the last one first."""

_MANY: Final = 3
"""Services, from beyond which on they are listed in front."""

_NAMED: Final = 12
"""How many of them are named there."""

PREHEADER: Final = 160
"""Characters of what lists of mails show beside the subject."""

# Outlook looks no further than the first of unknown fonts: on Windows both first ones are there.
_SERIF: Final = "Georgia,'Times New Roman',Times,serif"
_SANS: Final = "'Segoe UI',-apple-system,Roboto,Helvetica,Arial,sans-serif"
_NEUTRAL: Final = "none"
"""The mark of what is taken back."""

_OPEN: Final = "open"
"""The form of a mark for what is not in force, or may not be."""

_NBSP: Final = "\N{NO-BREAK SPACE}"
_DOT: Final = f"{_NBSP}· "
"""Parts what stands in a row; no line begins with it."""

_EASED: Final = frozenset({News.LIFTED, News.STRUCK_DOWN, News.EASED})


@dataclass(frozen=True, slots=True)
class _Link:
    """Words, the address that they lead to (None for none), and what stands beside them."""

    name: str
    address: str | None
    imprint: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item as a page has it. `mark` has the classes of its colour and form, `deed` stands in it, `beside` by it."""

    mark: str
    deed: str
    beside: str
    sentence: str
    facts: str
    quote: str
    sources: tuple[_Link, ...]
    told: _Link | None


@dataclass(frozen=True, slots=True)
class _Section:
    """`is_aside` marks those behind the news of the day."""

    heading: str
    about: str
    items: tuple[_Entry, ...]
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class _Picture:
    """The addresses of a picture for light and, where there is one, for dark paper, and what it says."""

    light: str
    dark: str | None
    alt: str


def as_html(digest: Digest, *, picture_cid: str | None, unsubscribe: str | None, browser: str | None) -> str:
    """The digest as the HTML part of a mail, short enough to be shown whole.

    `picture_cid` is the Content-ID, without brackets, of the picture of the week; it is named only where
    `digest_pages.has_spread` says so. `unsubscribe` and `browser` are the addresses at which a reader is taken off the
    list, and sees the digest.
    """
    picture = None if picture_cid is None else f"cid:{picture_cid}"
    html = ""
    for full, most in _SHORTER:
        values = _values(_with_at_most(digest, most), full, unsubscribe, browser)
        values["picture"] = _picture(digest, picture, None)
        html = _inlined(_rendered(values, page=False))
        if len(html.encode("utf-8", "replace")) <= MOST_BYTES:
            break
    return html


def page_html(
    digest: Digest,
    *,
    pictures: Mapping[Theme, bytes] | None = None,
    unsubscribe: str | None = None,
    browser: str | None = None,
) -> str:
    """The digest as a page of its own for a browser, which asks for nothing outside it. `pictures` are PNGs."""
    addresses = {theme: _data(png) for theme, png in (pictures or {}).items()}
    picture = _picture(digest, addresses.get("light"), addresses.get("dark"))
    values = _values(digest, len(digest.findings.items), unsubscribe, browser)
    return _rendered(values | {"picture": picture}, page=True)


def _with_at_most(digest: Digest, most: int) -> Digest:
    """The digest with so many items listed, those that a reader can miss least; the others are counted."""
    by_need = sorted((item for item in digest.findings.items if item.listed), key=lambda one: _NEED.index(one.part))
    listed = {item.event.id for item in by_need[:most]}
    items = tuple(replace(item, listed=item.event.id in listed) for item in digest.findings.items)
    return replace(digest, findings=replace(digest.findings, items=items))


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _picture(digest: Digest, light: str | None, dark: str | None) -> _Picture | None:
    if digest.week is None or light is None:
        return None
    return _Picture(light, dark, digest_words.pictured(digest.week, digest.subscription.language))


def _values(digest: Digest, full: int, unsubscribe: str | None, browser: str | None) -> dict[str, Any]:
    """What the template is given; `full` items are told with their quotes."""
    language = digest.subscription.language
    told, apart = digest_words.counted(digest), digest_words.counted_apart(digest)
    health = list(map(line, digest_words.health(digest.coverage, digest.zone, language)))
    since = f"{pages.upper(digest_words.since(digest))}."
    week = digest.week if pages.has_spread(digest) else None
    told_of = list(_sections(digest, full))
    return {
        "title": pages.title(digest),
        "name": digest_words.PROGRAM,
        "dateline": _dateline(digest),
        # A number does not part from what it counts.
        "lead": pages.upper(listing(one.replace(" ", _NBSP) for one in told or apart)) or "Nothing new",
        "gist": f"Also {', '.join(apart)}. {since}" if told and apart else since,
        "partial": digest.coverage.is_partial,
        # What is the matter comes first and is what a glance is to catch.
        "health": health[0],
        "details": " ".join(health[1:]),
        "spread": "" if week is None else " ".join(digest_words.spread(week, language)),
        "sections": told_of,
        "contents": _contents(digest),
        "also": [line(one) for one in pages.also(digest)],
        "also_heading": pages.ALSO,
        "made": pages.made(digest),
        "previous": None if digest.previous is None else _previous(digest.previous, language),
        "preheader": _preheader(digest, " ".join(health)),
        "unsubscribe": _own(unsubscribe),
        "browser": _own(browser),
        "quiet": digest.is_quiet,
    }


def _dateline(digest: Digest) -> str:
    subscription = digest.subscription
    when = full_day(digest.day, subscription.language)
    parts = [f"Week to {when}" if subscription.cadence is Cadence.WEEKLY else when]
    title = digest_words.name(digest).removeprefix(digest_words.PROGRAM).lstrip(" ·")
    return " · ".join([*parts, *([title] if title else []), f"No. {digest.number}"])


def _contents(digest: Digest) -> str:
    """The services that there is news of, each with the number of its items; nothing where a glance shows them."""
    found = sections(pages.of_part(digest.findings.items, Part.MAIN))
    if len(found) <= _MANY:
        return ""
    named = [f"{line(one.service)}{f' {len(one.items)}' if len(one.items) > 1 else ''}" for one in found[:_NAMED]]
    others = [f"{len(found) - _NAMED} others"] if len(found) > _NAMED else []
    return _DOT.join(one.replace(" ", _NBSP) for one in [*named, *others])


def _preheader(digest: Digest, health: str) -> str:
    said = [event_words.sentence(item) for item in digest.findings.items if item.listed and item.part is Part.MAIN]
    return line("; ".join(said) or health, PREHEADER)


def _sections(digest: Digest, full: int) -> Iterator[_Section]:
    listed = [item for item in digest.findings.items if item.listed]
    whole = {item.event.id for item in listed[:full]}

    def entries(items: Sequence[Item]) -> tuple[_Entry, ...]:
        return tuple(_entry(item, digest, whole=item.event.id in whole) for item in items)

    for section in sections(pages.of_part(listed, Part.MAIN)):
        yield _Section(line(section.service), line(", ".join(section.countries)), entries(section.items))
    for part, (heading, about) in pages.PARTS.items():
        if some := pages.of_part(listed, part):
            yield _Section(heading, about, entries(some), is_aside=True)


def _entry(item: Item, digest: Digest, *, whole: bool) -> _Entry:
    language = digest.subscription.language
    mark, deed, news = _marked(item)
    sources, score = event_words.support(item, language)
    beside = [news, sources, *([score] if item.part is Part.UNSURE else [])]
    tellings = item.tellings if whole else item.tellings[:1]
    return _Entry(
        mark,
        pages.upper(deed),
        _DOT.join(beside),
        line(event_words.sentence(item)),
        pages.upper(_DOT.join(map(line, event_words.facts(item, language)))),
        line(tellings[0].quote.text, pages.QUOTE) if whole and tellings else "",
        tuple(_source(one, digest, titled=one is tellings[0]) for one in tellings),
        _before(item, language),
    )


def _before(item: Item, language: str) -> _Link | None:
    """How it stood before, and the digest that told so."""
    said, told = event_words.before(item, language), item.told
    if told is None:
        return None if said is None else _Link(pages.upper(said), None)
    name = pages.told_in(told, language) if said is None else f"{said}, told in {pages.told_as(told, language)}"
    return _Link(pages.upper(name), _own(told.url))


def _marked(item: Item) -> tuple[str, str, str]:
    """The classes of an item's mark, what stands in it, and what beside it."""
    action, news = event_words.noun(item.event.action), pages.upper(item.news.value)
    if item.news in TAKEN_BACK:
        return _NEUTRAL, news, pages.upper(action)
    if item.news in _EASED:
        return Action.LIFT.value, news, pages.upper(action)
    # Of what is only late the heading above says so.
    beside = f"{news}: {item.age.value}" if item.age is Age.REREAD else news
    is_held = item.event.status is Status.IN_FORCE and item.part is not Part.UNSURE
    return item.event.action.value if is_held else f"{item.event.action.value} {_OPEN}", action, beside


def _source(telling: Telling, digest: Digest, *, titled: bool) -> _Link:
    """The article of the quote by its title, the others by their source alone."""
    name = line(telling.title if titled else pages.source(telling), pages.TITLE)
    language, year = digest.subscription.language, digest.day.year
    imprint = ", ".join(pages.imprint(telling, language, with_source=titled, year=year))
    return _Link(name or pages.source(telling), web_address(telling.url), line(imprint))


def _previous(told: Told, language: str) -> _Link:
    return _Link(f"The one before: {pages.told_as(told, language)}.", _own(told.url))


def _own(url: str | None) -> str | None:
    """An address of ours as a link may have it: what is neither a web nor a mail address is none."""
    return line(url) if url is not None and url.startswith(("https://", "http://", "mailto:")) else None


@cache
def _styles() -> dict[str, Markup]:
    """What stands on the elements of a mail, and what no element can have."""
    values = {
        "inks": INKS,
        "marks": {theme: _marks(theme) for theme in THEMES},
        "serif": _SERIF,
        "sans": _SANS,
    }
    return {name: unescaped(f"{name}.css.j2", values) for name in ("look", "kept")}


def _marks(theme: Theme) -> dict[str, tuple[str, str, str]]:
    """Class of a mark → its paper, ink and edge."""
    inks = INKS[theme]
    neutral = {_NEUTRAL: (inks.paper, inks.ink, inks.muted)}
    return {action.value: mark_of(action, theme) for action in Action} | neutral


def _rendered(values: Mapping[str, Any], *, page: bool) -> str:
    return template("digest.html.j2").render(values, page=page, **_styles())


def _inlined(html: str) -> str:
    """`html` with its styles on its elements, and those in its head that no element can have."""
    return _INLINER.inline(html).replace("</head>", f"<style>{_styles()['kept']}</style>\n</head>", 1)


_INLINER: Final = CSSInliner(load_remote_stylesheets=False, minify_css=True)
