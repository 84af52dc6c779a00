"""A digest as a page of Markdown, as plain text that can be mailed, and as a document for programs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from textwrap import TextWrapper
from typing import Any, Final

from reports import digest_words, event_words
from reports.digest import Digest, Item, Part, Told, sections, unlisted
from reports.exports.cells import plain
from reports.inert import host, line, link, markdown, web_address
from reports.locales import ENGLISH, count, day, full_day, moment, short_day
from warehouse.event_list import EventRow
from warehouse.news import Telling

FORMAT: Final = "clampdown digest 1"
ID_SHOWN: Final = 12
"""Characters of an event's id, enough for `clampdown show`."""

QUOTE: Final = 320
TITLE: Final = 120
"""Characters of a quote and a title on a page; the document has them whole."""

WIDTH: Final = 76
"""Columns of plain text: a mail that is answered has room for marks in front."""

PARTS: Final[Mapping[Part, tuple[str, str]]] = {
    Part.LATE: ("Learned of late", ""),
    Part.UNSURE: ("Less sure", "One source and a low score: most of these are not right."),
    Part.TAKEN_BACK: ("Taken back", ""),
}
"""Heading and introduction of the parts behind the main one."""

ALSO: Final = "Also"
FOOT: Final = "`clampdown show EVENT` tells an event's life, its sources and their words."


def title(digest: Digest) -> str:
    """The heading of a page: of a long name so much as leaves room for the day."""
    when = full_day(digest.day, digest.subscription.language)
    return f"{line(digest_words.name(digest), WIDTH - len(when) - 2)}, {when}"


def gist(digest: Digest) -> Iterator[str]:
    """Sentences that say what there is, what is told apart, and since when. None of it is anybody else's."""
    since = digest_words.since(digest)
    if digest.is_quiet:
        yield f"Nothing new {since}."
        return
    told, apart = digest_words.counted(digest), digest_words.counted_apart(digest)
    if told:
        yield f"{upper(', '.join(told))}."
    if apart:
        yield f"{'Also ' if told else ''}{', '.join(apart)}."
    yield f"{upper(since)}."


def as_markdown(digest: Digest) -> str:
    """The page in Markdown. What others wrote is escaped."""
    return "\n\n".join(_markdown(digest)) + "\n"


def _markdown(digest: Digest) -> Iterator[str]:
    language = digest.subscription.language
    yield f"# {markdown(title(digest))}"
    first, *rest = map(markdown, gist(digest))
    yield " ".join([f"**{first}**", *rest])
    health = " ".join(map(markdown, digest_words.health(digest.coverage, digest.zone, language)))
    yield f"> **{health}**" if digest.coverage.is_partial else health
    if has_spread(digest):
        assert digest.week is not None, "there is a week to tell of"
        yield " ".join(map(markdown, digest_words.spread(digest.week, language)))
    listed = [item for item in digest.findings.items if item.listed]
    for section in sections(of_part(listed, Part.MAIN)):
        yield f"## {markdown(section.service)}"
        if section.countries:
            yield markdown(", ".join(section.countries))
        yield from (_markdown_item(item, language) for item in section.items)
    for part, (heading, about) in PARTS.items():
        if some := of_part(listed, part):
            yield f"## {heading}"
            if about:
                yield about
            yield from (_markdown_item(item, language) for item in some)
    if others := list(also(digest)):
        yield f"## {ALSO}"
        yield "\n".join(f"- {markdown(one)}" for one in others)
    yield "---"
    yield f"{FOOT} {made(digest)}"


def _markdown_item(item: Item, language: str) -> str:
    about = " · ".join([*map(markdown, event_words.qualities(item, language)), f"event `{item.event.id[:ID_SHOWN]}`"])
    lines = [f"- **{markdown(event_words.sentence(item))}.** {about}"]
    if item.tellings:
        lines += ["", f"  > “{markdown(line(item.tellings[0].quote.text, QUOTE))}”", ""]
        named = (_markdown_source(one, language, whole=one is item.tellings[0]) for one in item.tellings)
        lines.append("  " + "; ".join(named))
    if item.told is not None:
        said = told_in(item.told, language)
        lines += ["", "  " + (markdown(said) if item.told.url is None else link(said, item.told.url))]
    return "\n".join(lines)


def _markdown_source(telling: Telling, language: str, *, whole: bool) -> str:
    """The article of the quote by its title, the others by their source alone."""
    name = line(telling.title if whole else source(telling), TITLE)
    return f"{link(name, telling.url)} ({', '.join(map(markdown, imprint(telling, language, with_source=whole)))})"


def as_text(digest: Digest, *, unsubscribe: str | None = None, browser: str | None = None) -> str:
    """The page as plain text: the same, in lines of at most `WIDTH` columns but for addresses.

    `unsubscribe` and `browser` are the addresses at which a reader is taken off the list, and sees the digest.
    """
    return "\n".join(_text(digest, unsubscribe, browser)) + "\n"


def _text(digest: Digest, unsubscribe: str | None, browser: str | None) -> Iterator[str]:
    language = digest.subscription.language
    yield from (*_headed(title(digest), "="), "")
    for sentence in gist(digest):
        yield from _wrapped(sentence)
    if not digest.is_quiet:
        yield ""
    yield from _wrapped(" ".join(digest_words.health(digest.coverage, digest.zone, language)))
    if has_spread(digest):
        assert digest.week is not None, "there is a week to tell of"
        yield from ("", *_wrapped(" ".join(digest_words.spread(digest.week, language))))
    listed = [item for item in digest.findings.items if item.listed]
    for section in sections(of_part(listed, Part.MAIN)):
        yield from ("", *_headed(section.service, "-"))
        yield from _wrapped(", ".join(section.countries))
        yield from _text_items(section.items, language)
    for part, (heading, about) in PARTS.items():
        if some := of_part(listed, part):
            yield from ("", *_headed(heading, "-"), *_wrapped(about))
            yield from _text_items(some, language)
    if others := list(also(digest)):
        yield from ("", *_headed(ALSO, "-"))
        for one in others:
            yield from _wrapped(one)
    yield from ("", "-- ")
    yield from _wrapped(FOOT.replace("`", "'"))
    yield from _wrapped(made(digest))
    if digest.previous is not None:
        yield from _addressed(f"The one before: {told_as(digest.previous, language)}", digest.previous.url)
    if browser is not None:
        yield from _addressed("In a browser:", browser)
    if unsubscribe is not None:
        yield from _addressed("To be taken off this list:", unsubscribe)


def _text_items(items: Iterable[Item], language: str) -> Iterator[str]:
    for item in items:
        yield ""
        yield from _wrapped(f"{event_words.sentence(item)}.", "* ", "  ")
        yield from _wrapped("; ".join(event_words.qualities(item, language)), "  ")
        if item.tellings:
            yield from _wrapped(f"“{line(item.tellings[0].quote.text, QUOTE)}”", "      ")
        for telling in item.tellings:
            yield from _wrapped(f"{line(telling.title, TITLE)} ({', '.join(imprint(telling, language))})", "    ")
            if (address := web_address(telling.url)) is not None:
                yield f"    {address}"
        if item.told is not None:
            yield from _addressed(told_in(item.told, language), item.told.url, "  ")
        yield f"  event {item.event.id[:ID_SHOWN]}"


def _addressed(text: str, url: str | None, indent: str = "") -> Iterator[str]:
    """Words, and an address of ours on a line of its own, where mail programs find its end."""
    yield from _wrapped(text, indent)
    if url is not None:
        yield f"{indent}{line(url)}"


def _headed(text: str, under: str) -> tuple[str, str]:
    shown = line(text, WIDTH)
    return shown, under * len(shown)


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    wrapper = TextWrapper(
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(line(text))


def has_spread(digest: Digest) -> bool:
    """Whether the week's spread is told, in words and with its picture: a quiet day has two lines and no more."""
    return digest.week is not None and not digest.is_quiet


def of_part(items: Iterable[Item], part: Part) -> list[Item]:
    """Those of the items that stand in that part."""
    return [item for item in items if item.part is part]


def also(digest: Digest) -> Iterator[str]:
    """What is only counted."""
    for part in Part:
        others = digest_words.more(unlisted(of_part(digest.findings.items, part)), digest.subscription.language)
        if others is not None:
            yield f"{PARTS[part][0]}: {others}" if part in PARTS else others
    yield from digest_words.remainder(digest)


def made(digest: Digest) -> str:
    """Which digest it is, when it was made, and of how much."""
    language = digest.subscription.language
    known = count(digest.findings.known, "event is known", "events are known", language)
    return f"No. {digest.number}, made on {moment(digest.made_at, digest.zone, language)}; {known}."


def told_in(told: Told, language: str = ENGLISH) -> str:
    """Where the state before was told."""
    return f"Told before in {told_as(told, language)}"


def told_as(told: Told, language: str = ENGLISH) -> str:
    """Which digest it was."""
    return f"No. {told.number} of {day(told.day, language)}"


def imprint(
    telling: Telling, language: str = ENGLISH, *, with_source: bool = True, year: int | None = None
) -> list[str]:
    """Source, host and day of an article, and whether it says so no longer. Days of `year` are told without it."""
    found = [source(telling)] if with_source else []
    if (name := host(telling.url)) is not None and name not in found:
        found.append(name)
    found.append("undated" if telling.published is None else _day_in(telling.published, year, language))
    if telling.withdrawn_on is not None:
        found.append(f"withdrawn {_day_in(telling.withdrawn_on, year, language)}")
    return found


def _day_in(value: date, year: int | None, language: str) -> str:
    return short_day(value, language) if value.year == year else day(value, language)


def source(telling: Telling) -> str:
    """Who published the article, as far as it is known."""
    return telling.source or host(telling.url) or "?"


def upper(text: str) -> str:
    """`text` with a capital in front."""
    return text[:1].upper() + text[1:]


def as_document(digest: Digest) -> dict[str, Any]:
    """The digest for programs, in values that JSON has. Of items that are not listed it has the gist alone."""
    document = {
        "format": FORMAT,
        "number": digest.number,
        "day": digest.day,
        "zone": digest.zone,
        "made_at": digest.made_at,
        "since": digest.since,
        "subject": digest_words.subject(digest),
        "quiet": digest.is_quiet,
        "coverage": {
            "partial": digest.coverage.is_partial,
            "sources": digest.coverage.states,
            "read_at": digest.coverage.read_at,
            "trouble": [asdict(one) for one in digest.coverage.trouble],
            "gaps": [{"from": begin, "to": end} for begin, end in digest.coverage.gaps],
        },
        "known": digest.findings.known,
        "news": {news.value: number for news, number in digest.findings.counts.items()},
        "late": digest.findings.of_part(Part.LATE),
        "unsure": digest.findings.of_part(Part.UNSURE),
        "told_again": digest.findings.told_again,
        "regrouped": digest.findings.regrouped,
        "anew": digest.anew,
        "items": [_item(item) for item in digest.findings.items],
    }
    told = plain(document)
    assert isinstance(told, dict), "a mapping stays one"
    return told


def _item(item: Item) -> Mapping[str, object]:
    event = item.event
    gist = {
        "news": item.news.value,
        "part": item.part.value,
        "age": None if item.age is None else item.age.value,
        "sentence": event_words.sentence(item),
        "country": item.country,
        "listed": item.listed,
    }
    if not item.listed:
        return gist | {"event": {"id": event.id, "service": event.service, "score": event.score}}
    return gist | {
        "event": asdict(event),
        "before": None if item.before is None else _differences(item.before, event),
        "step": None if item.step is None else asdict(item.step),
        "tellings": [asdict(one) | {"address": web_address(one.url), "host": host(one.url)} for one in item.tellings],
    }


def _differences(before: EventRow, now: EventRow) -> Mapping[str, object]:
    """What was otherwise, by the names of the event's fields."""
    was, is_now = asdict(before), asdict(now)
    return {name: value for name, value in was.items() if value != is_now[name]}
