"""How `show` looks in a terminal: what the event is, its life, who tells of it, where they differ, and the words."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from clampdown.output import printable
from reports.step_words import step_name

if TYPE_CHECKING:
    from pipeline.dissent import Dissent
    from pipeline.types import Mention
    from warehouse.query import ArticleLine, EventDetail, EventRow, MentionDetail, StepDetail, Voice

MENTIONS = 12
"""Mentions shown unless all are asked for."""

ID_SHOWN = 8
"""Characters of an event's id where it is pointed to."""

_COLOURS = {"restricting": "red", "pressing": "yellow", "easing": "green"}
_DONE = {
    "ban": "banned",
    "block": "blocked",
    "suspend": "suspended",
    "limit": "limited",
    "remove": "removed",
    "warn": "warned of",
    "investigate": "investigated",
    "penalize": "penalised",
    "lift": "freed again",
}
_NOUNS = {
    "ban": "ban",
    "block": "block",
    "suspend": "suspension",
    "limit": "limit",
    "remove": "removal",
    "warn": "warning",
    "investigate": "inquiry",
    "penalize": "penalty",
    "lift": "lift",
}
_STEP_COLOURS = {
    "in_force": "red",
    "extended": "red",
    "widened": "red",
    "eased": "green",
    "lifted": "green",
    "struck_down": "green",
    "rejected": "green",
    "corrected": "yellow",
    "retracted": "yellow",
    "reviewed": "cyan",
}
_PRESS = ("corrected", "retracted", "reviewed")
_INDENT = 2
_INNER = 6
_LABEL = 9
"""Columns of the labels of fields."""

_NARROWEST = 20
"""Columns that text has at least, however narrow the terminal."""


def event_lines(detail: "EventDetail", out: Console, *, everything: bool = False) -> Iterator[Text]:
    """The lines in which an event is shown on a console, wrapped but for addresses, which can be copied as they are."""
    numbers = {one.id: number for number, one in enumerate(detail.mentions, 1)}
    page = _Page(out)
    yield from _head(detail)
    yield from _fields(detail, page)
    yield from page.heading("Its life")
    yield from _life(detail.steps, numbers, page)
    if detail.dissent:
        yield from page.heading("Where sources differ")
        yield from _differences(detail.dissent, numbers, page)
    yield from page.heading("Who tells of it")
    yield from _voices(detail.voices, numbers, page)
    yield from page.heading("Why this is one event")
    yield from page.hung([], Text(printable(detail.event.why)))
    yield from page.heading("In their words")
    shown = detail.mentions if everything else detail.mentions[:MENTIONS]
    for one in shown:
        yield from _mention(one, numbers, page)
        yield Text()
    if len(shown) < len(detail.mentions):
        yield Text(f"  … and {len(detail.mentions) - len(shown)} more mentions with --all", style="dim")
    if detail.copies:
        yield from page.heading("The same text also stands in")
        for article in detail.copies:
            yield from _article(article, _INDENT, page)


class _Page:
    """Lines with labels in columns, and text beside them that wraps in its own column."""

    def __init__(self, out: Console) -> None:
        self.out = out

    def heading(self, text: str) -> Iterator[Text]:
        yield Text()
        yield Text(text, style="bold")

    def hung(self, labels: Sequence[tuple[Text | str, int]], words: Text, indent: int = _INDENT) -> Iterator[Text]:
        """One entry: labels with the widths of their columns, then words, wrapped."""
        lead = Text(" " * indent)
        for label, width in labels:
            lead.append(label if isinstance(label, Text) else Text(label))
            lead.append(" " * max(1, width + 1 - cell_len(str(label))))
        room = max(_NARROWEST, self.out.width - lead.cell_len)
        for number, line in enumerate(words.wrap(self.out, room)):
            line.rstrip()
            yield Text.assemble(lead if number == 0 else " " * lead.cell_len, line)


def _head(detail: "EventDetail") -> Iterator[Text]:
    row = detail.event
    if detail.asked:
        yield Text(f"{detail.asked} was merged into this event.", style="yellow")
    yield Text.assemble((row.service, "bold"), " ", _deed(row), f" in {detail.country}", _state(detail))


def _deed(row: "EventRow") -> Text:
    colour = f"bold {_COLOURS[row.side]}"
    if row.status == "in_force":
        return Text(_DONE[row.action], style=colour)
    return Text(f"{_NOUNS[row.action]} {row.status}", style=colour)


def _state(detail: "EventDetail") -> Text:
    """What has become of it, where that is not what the deed says."""
    row = detail.event
    if row.dismissed:
        return Text(" – dismissed: a person says it is none", style="cyan")
    if row.retracted:
        return Text(" – retracted: no article states it any longer", style="yellow")
    kinds = {step.step.kind: step.step for step in detail.steps}
    for kind, words in (("struck_down", "struck down"), ("lifted", "lifted"), ("eased", "eased in part")):
        step = next((found for name, found in kinds.items() if name == kind), None)
        if step is not None and row.action != "lift":
            when = f" {day(step.date_value)}" if step.date_value else ""
            return Text(f" – {words}{when}", style="green")
    return Text(" – in force", style="dim") if row.side == "restricting" and row.status == "in_force" else Text("")


def _fields(detail: "EventDetail", page: _Page) -> Iterator[Text]:
    row = detail.event
    kind = _plain(row.scope_class) if row.scope_class else None
    said = [
        ("by", row.actor or "an actor that no text names", row.actor_kind and _plain(row.actor_kind)),
        ("for", row.scope or kind or "everyone, as far as is said", kind if row.scope and kind != "other" else None),
        ("when", day(row.date_value) if row.date_value else "not stated", None),
        ("because", _plain(", ".join(row.reason_classes)) or "not stated", None),
        ("told", _told(row), None),
        ("known", f"since {day(row.learned_on)}" if row.learned_on else "", f"score {row.score:.3f}"),
        ("event", row.id, _ancestry(detail) or None),
    ]
    for label, value, note in said:
        words = Text(printable(value))
        if note:
            words.append(f"{'  ' if value else ''}{note}", style="dim")
        yield from page.hung([(Text(label, style="dim"), _LABEL)], words)


def _told(row: "EventRow") -> str:
    told = f"by {_count(row.voices, 'independent voice', 'independent voices')}: "
    told += f"{_count(row.stories, 'story', 'stories')}, {_count(row.articles, 'article', 'articles')}"
    if row.first_reported is None:
        return told
    first, last = day(row.first_reported), day(row.last_reported)
    return f"{told}, {first}" if first == last else f"{told}, {first} to {last}"


def _ancestry(detail: "EventDetail") -> str:
    said = []
    for words, ids in (
        ("took in", detail.merged),
        ("parted from", detail.parted_from),
        ("from it parted", detail.parted),
    ):
        if ids:
            said.append(f"{words} {', '.join(one[:ID_SHOWN] for one in ids)}")
    return "; ".join(said)


def _life(steps: "Sequence[StepDetail]", numbers: dict[str, int], page: _Page) -> Iterator[Text]:
    for one in steps:
        step = one.step
        name = Text(step_name(step), style=_STEP_COLOURS.get(step.kind, ""))
        words = Text(printable(step.detail or ""))
        if one.quote and step.kind != "reviewed":
            words.append("; " if words else "")
            words.append(f"“{printable(one.quote)}”")
            number = numbers.get(step.mention_id)
            words.append(f" [{number}]" if number else f" (event {(one.event_id or '?')[:ID_SHOWN]})", style="cyan")
            about = [printable(one.source or "?"), *([day(one.published)] if one.published else [])]
            words.append(f" {', '.join(about)}", style="dim")
        if step.learned_on and step.kind not in _PRESS:
            words.append(f"; learned {day(step.learned_on)}", style="dim")
        yield from page.hung([(_when(one), 14), (name, 12)], words)


def _when(detail: "StepDetail") -> str:
    """When a step was taken, or by when it was, as its report shows."""
    step = detail.step
    if step.kind in _PRESS:
        return day(step.learned_on)
    if step.date_value:
        return day(step.date_value)
    return f"by {day(step.reported_on)}" if step.reported_on else "undated"


def _differences(dissents: "Iterable[Dissent]", numbers: dict[str, int], page: _Page) -> Iterator[Text]:
    for dissent in dissents:
        words = Text(printable(dissent.words))
        for side in dissent.sides[1:]:
            words.append(f"  {_numbers(side.mention_ids, numbers)}", style="cyan")
        yield from page.hung([(Text(dissent.field, style="yellow"), _LABEL)], words)


def _voices(voices: "Sequence[Voice]", numbers: dict[str, int], page: _Page) -> Iterator[Text]:
    for number, voice in enumerate(voices, 1):
        words = Text(printable(", ".join(voice.sources)))
        owners = [owner for owner in voice.owners if owner not in voice.sources]
        if owners:
            words.append(f" (owned by {printable(', '.join(owners))})", style="dim")
        told = f"  {_count(voice.stories, 'story', 'stories')}, {_count(voice.articles, 'article', 'articles')}"
        words.append(told, style="dim").append(f"  {_numbers(voice.mention_ids, numbers)}", style="cyan")
        yield from page.hung([(Text(str(number), style="dim"), 2)], words)


def _numbers(mention_ids: Iterable[str], numbers: dict[str, int]) -> str:
    listed = sorted(numbers[one] for one in mention_ids if one in numbers)
    more = len(listed) - MENTIONS
    return " ".join(f"[{number}]" for number in listed[:MENTIONS]) + (f" and {more} more" if more > 0 else "")


def _mention(one: "MentionDetail", numbers: dict[str, int], page: _Page) -> Iterator[Text]:
    style = "dim" if one.withdrawn_on else "bold"
    yield from page.hung([(Text(f"[{numbers[one.id]}]", style="cyan"), 3)], Text(printable(one.title), style=style))
    yield from _article(one.article, _INNER, page, one)
    entries: list[tuple[str, str, Text]] = []
    if one.withdrawn_on:
        gone = f"{day(one.withdrawn_on)}: the article states it no longer"
        entries.append(("withdrawn", "yellow", Text(gone, style="yellow")))
    for name, quote in one.mention.quotes.items():
        value = _value(one.mention, name)
        words = Text(f"“{printable(quote.text)}”")
        if value and value.casefold() != quote.text.casefold():
            words.append(f" → {printable(value)}", style="dim")
        words.append(f"  {quote.start}:{quote.end}", style="dim")
        entries.append(("action" if name == "trigger" else name, "dim", words))
    if one.grounds:
        relation = "about" if one.grounds.startswith("tells of its end") else "like"
        like = f"{relation} [{numbers[one.nearest]}]" if one.nearest in numbers else "here for"
        entries.append((like, "green", Text(printable(one.grounds))))
    for label, colour, words in entries:
        yield from page.hung([(Text(label, style=colour), _LABEL)], words, _INNER)


def _value(mention: "Mention", name: str) -> str:
    values = {
        "trigger": f"{mention.action}, {_plain(mention.status)}",
        "actor": f"{mention.actor_canonical} ({mention.country})",
        "service": mention.service_canonical,
        "scope": mention.scope_class and _plain(mention.scope_class),
        "date": mention.date_value and day(mention.date_value),
        "reason": _plain(", ".join(mention.reason_classes)),
    }
    return str(values[name] or "")


def _article(article: "ArticleLine", indent: int, page: _Page, one: "MentionDetail | None" = None) -> Iterator[Text]:
    """Source, day and what is odd about an article, then its address: on a line of its own where one is too short."""
    published = article.published if one is None else one.published
    version = article.version if one is None else one.version
    about = [article.source or article.site or "?", day(published) if published else "undated"]
    if one is not None and one.learned_on is not None:
        about.append(f"learned {day(one.learned_on)}")
    if article.version > 1:
        about.append(f"version {version} of {article.version}")
    odd = {
        "feed text": article.text_origin == "feed",
        "paywall": article.paywalled,
        "not the article": article.soft_404,
    }
    about += [words for words, holds in odd.items() if holds]
    said, url = Text(printable(", ".join(about)), style="dim"), Text(printable(article.url), style="blue")
    if indent + said.cell_len + 2 + url.cell_len <= page.out.width:
        yield Text.assemble(" " * indent, said, "  ", url)
        return
    yield from page.hung([], said, indent)
    yield Text.assemble(" " * indent, url)


def day(value: date | str | None) -> str:
    """A day, month or year in short: "4 Feb 2025", "Feb 2025", "2025"."""
    if value is None:
        return "?"
    text = value if isinstance(value, str) else value.isoformat()
    try:
        if len(text) == len("YYYY-MM"):
            return date.fromisoformat(f"{text}-01").strftime("%b %Y")
        known = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{known.day} {known:%b %Y}"


def _plain(value: str) -> str:
    return value.replace("_", " ")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
