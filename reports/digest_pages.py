"""A digest as a page of Markdown, as plain text that can be mailed, and as a document for programs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from textwrap import TextWrapper
from typing import Any, Final

from reports import digest_words as words
from reports.digest import Digest, Item, Part, sections, unlisted
from reports.exports.cells import plain
from reports.inert import host, line, link, markdown, web_address
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

_PARTS: Final[Mapping[Part, tuple[str, str]]] = {
    Part.LATE: ("Learned of late", ""),
    Part.UNSURE: ("Less sure", "One voice and a low score: most of these are not right."),
    Part.TAKEN_BACK: ("Taken back", ""),
}
"""Heading and introduction of the parts behind the main one."""

ALSO: Final = "Also"
FOOT: Final = "`clampdown show EVENT` tells an event's life, its sources and their words."


def title(digest: Digest) -> str:
    """The heading of a page."""
    return f"Clampdown, {digest.day:%A} {words.day(digest.day)}"


def as_markdown(digest: Digest) -> str:
    """The page in Markdown. What others wrote is escaped."""
    return "\n\n".join(_markdown(digest)) + "\n"


def _markdown(digest: Digest) -> Iterator[str]:
    yield f"# {title(digest)}"
    yield f"**{_upper(words.headline(digest))}** {words.since(digest)} ({markdown(digest.zone)})."
    health = " ".join(map(markdown, words.health(digest.coverage, digest.zone)))
    yield f"> **{health}**" if digest.coverage.is_partial else health
    listed = [item for item in digest.findings.items if item.listed]
    for section in sections(_of_part(listed, Part.MAIN)):
        yield f"## {markdown(section.service)}"
        if section.countries:
            yield markdown(", ".join(section.countries))
        yield from map(_markdown_item, section.items)
    for part, (heading, about) in _PARTS.items():
        if some := _of_part(listed, part):
            yield f"## {heading}"
            if about:
                yield about
            yield from map(_markdown_item, some)
    if also := list(_also(digest)):
        yield f"## {ALSO}"
        yield "\n".join(f"- {markdown(one)}" for one in also)
    yield "---"
    yield f"{FOOT} {_made(digest)}"


def _markdown_item(item: Item) -> str:
    about = " · ".join([*map(markdown, words.qualities(item)), f"event `{item.event.id[:ID_SHOWN]}`"])
    lines = [f"- **{markdown(words.sentence(item))}.** {about}"]
    if item.tellings:
        lines += ["", f"  > “{markdown(line(item.tellings[0].quote.text, QUOTE))}”", ""]
        lines.append("  " + "; ".join(_markdown_source(one, whole=one is item.tellings[0]) for one in item.tellings))
    return "\n".join(lines)


def _markdown_source(telling: Telling, *, whole: bool) -> str:
    """The article of the quote by its title, the others by their source alone."""
    name = line(telling.title if whole else _source(telling), TITLE)
    return f"{link(name, telling.url)} ({', '.join(map(markdown, _imprint(telling, with_source=whole)))})"


def as_text(digest: Digest) -> str:
    """The page as plain text: the same, in lines of at most `WIDTH` columns but for addresses."""
    return "\n".join(_text(digest)) + "\n"


def _text(digest: Digest) -> Iterator[str]:
    yield from (*_headed(title(digest), "="), "")
    yield from _wrapped(f"{_upper(words.headline(digest))} {words.since(digest)} ({digest.zone}).")
    yield ""
    yield from _wrapped(" ".join(words.health(digest.coverage, digest.zone)))
    listed = [item for item in digest.findings.items if item.listed]
    for section in sections(_of_part(listed, Part.MAIN)):
        yield from ("", *_headed(section.service, "-"))
        yield from _wrapped(", ".join(section.countries))
        yield from _text_items(section.items)
    for part, (heading, about) in _PARTS.items():
        if some := _of_part(listed, part):
            yield from ("", *_headed(heading, "-"), *_wrapped(about))
            yield from _text_items(some)
    if also := list(_also(digest)):
        yield from ("", *_headed(ALSO, "-"))
        for one in also:
            yield from _wrapped(one)
    yield from ("", "-- ")
    yield from _wrapped(FOOT.replace("`", "'"))
    yield from _wrapped(_made(digest))


def _text_items(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        yield ""
        yield from _wrapped(f"{words.sentence(item)}.", "* ", "  ")
        yield from _wrapped("; ".join(words.qualities(item)), "  ")
        if item.tellings:
            yield from _wrapped(f"“{line(item.tellings[0].quote.text, QUOTE)}”", "      ")
        for telling in item.tellings:
            yield from _wrapped(f"{line(telling.title, TITLE)} ({', '.join(_imprint(telling))})", "    ")
            if (address := web_address(telling.url)) is not None:
                yield f"    {address}"
        yield f"  event {item.event.id[:ID_SHOWN]}"


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


def _of_part(items: Iterable[Item], part: Part) -> list[Item]:
    return [item for item in items if item.part is part]


def _also(digest: Digest) -> Iterator[str]:
    """What is only counted."""
    for part in Part:
        others = words.more(unlisted(_of_part(digest.findings.items, part)))
        if others is not None:
            yield f"{_PARTS[part][0]}: {others}" if part in _PARTS else others
    yield from words.remainder(digest)


def _made(digest: Digest) -> str:
    known = words.count(digest.findings.known, "event is known", "events are known")
    return f"No. {digest.number}, made on {words.moment(digest.made_at, digest.zone)}; {known}."


def _imprint(telling: Telling, *, with_source: bool = True) -> list[str]:
    """Source, host and day of an article, and whether it says so no longer."""
    found = [_source(telling)] if with_source else []
    if (name := host(telling.url)) is not None and name not in found:
        found.append(name)
    found.append("undated" if telling.published is None else words.day(telling.published))
    if telling.withdrawn_on is not None:
        found.append(f"withdrawn {words.day(telling.withdrawn_on)}")
    return found


def _source(telling: Telling) -> str:
    return telling.source or host(telling.url) or "?"


def _upper(text: str) -> str:
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
        "subject": words.subject(digest),
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
        "sentence": words.sentence(item),
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
