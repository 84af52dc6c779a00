"""Records as text and as HTML, for shells and notebooks. Publishers' words in them stay words, whatever they hold."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from reports.inert import host, line, web_address

if TYPE_CHECKING:
    from clampdown.api.changes import Change
    from clampdown.api.extraction import Extraction
    from clampdown.api.records import Event, EventDetail, Mention

ID_SHOWN: Final = 8
ROWS_SHOWN: Final = 20
CELL: Final = 40
_QUOTE: Final = 240
_WHOLE: Final = 12
"""Characters of a cell that no browser may break: days, codes, numbers."""


def deed(action: str, status: str, marks: Sequence[str] = ()) -> str:
    """The action, how far it has come where it is not in force, and what else is to be known of it."""
    return ", ".join([action, *([] if status == "in_force" else [status]), *marks])


def _event_deed(one: "Event") -> str:
    marks = {"ended": one.lifted, "retracted": one.retracted, "dismissed": one.dismissed}
    return deed(one.action, one.status, [mark for mark, holds in marks.items() if holds])


def event_line(one: "Event") -> str:
    """An event in a line: id, date, country, actor, deed, service."""
    who = line(one.actor or "?", CELL)
    day = one.date_value or "undated"
    return line(f"{one.id[:ID_SHOWN]} {day} {one.country} {who}: {_event_deed(one)} {line(one.service, CELL)}")


def mention_line(one: "Mention") -> str:
    """A mention in a line."""
    who = line(one.actor or "?", CELL)
    what = f"{deed(one.action, one.status)} {line(one.service, CELL)}"
    return line(f"{one.date_value or 'undated'} {one.country} {who}: {what}, score {one.score:.2f}")


def change_line(one: "Change") -> str:
    """A change in a line."""
    told = "; ".join(f"{each.field} {_value(each.before)} → {_value(each.after)}" for each in one.differences)
    return f"{one.kind} {event_line(one.event)}" + (f" ({line(told, 160)})" if told else "")


def _value(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case tuple():
            return "+".join(map(str, value)) or "nothing"
        case float():
            return f"{value:.2f}"
        case _:
            return str(value)


_EVENT_COLUMNS: Final = ("event", "date", "in", "actor", "action", "service", "scope", "told", "score")


def _event_cells(one: "Event") -> tuple[str, ...]:
    return (
        one.id[:ID_SHOWN], one.date_value or "undated", one.country, one.actor or "–", _event_deed(one), one.service,
        one.scope or "", f"{one.voices}/{one.articles}", f"{one.score:.2f}",
    )  # fmt: skip


def events_text(some: Sequence["Event"]) -> str:
    """The first events as a table of text, and how many there are."""
    return text_table(_EVENT_COLUMNS, map(_event_cells, some[:ROWS_SHOWN]), _count(len(some), "event"))


def events_html(some: Sequence["Event"]) -> str:
    """The first events as a table of HTML."""
    return html_table(_EVENT_COLUMNS, map(_event_cells, some[:ROWS_SHOWN]), _count(len(some), "event"))


def _count(number: int, noun: str) -> str:
    shown = f"{number} {noun}" if number == 1 else f"{number} {noun}s"
    return shown if number <= ROWS_SHOWN else f"{shown}, {ROWS_SHOWN} shown"


def text_table(columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str) -> str:
    """A table of plain text. Cells are one line each, cut to so many characters."""
    cells = [tuple(line(_cell(value), CELL) for value in row) for row in rows]
    widths = [max(len(name), *(len(row[at]) for row in cells), 0) for at, name in enumerate(columns)]
    ruled = [tuple(columns), tuple("-" * width for width in widths), *cells]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in ruled]
    return "\n".join([*lines, caption])


def html_table(columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str) -> str:
    """A table of HTML in which all values are text."""
    head = "".join(f"<th>{_html(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(_cell_html, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{_html(caption)}</p>"


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cell_html(value: object) -> str:
    text = _cell(value)
    whole = ' style="white-space: nowrap"' if len(text) <= _WHOLE else ""
    return f"<td{whole}>{_html(text)}</td>"


def _html(text: str) -> str:
    return escape(line(text))


def link_html(words: str, url: str | None) -> str:
    """The words as a link that names its host; as words alone where the address is no http(s) one."""
    address = None if url is None else web_address(url)
    if url is None or address is None:
        return _html(words)
    where = f'<a href="{escape(address)}" rel="noopener noreferrer">{_html(words)}</a>'
    return f"{where} ({_html(host(url) or '?')})"


def event_html(one: "Event") -> str:
    """An event; one with its evidence with its life and what each article states."""
    from clampdown.api.records import EventDetail

    parts = [f"<p><b>{_html(event_line(one))}</b></p><p>{_html(one.why)}</p>"]
    if isinstance(one, EventDetail):
        parts += _detail(one)
    return "".join(parts)


def _detail(one: "EventDetail") -> Iterable[str]:
    if one.steps:
        rows = ((step.date_value or "undated", step.kind, step.quote or "", step.source or "") for step in one.steps)
        yield html_table(("date", "step", "words", "source"), rows, _count(len(one.steps), "step"))
    yield "<ul>"
    for mention in one.mentions:
        about = mention.article
        words = " · ".join(f"{name}: “{quote.text}”" for name, quote in mention.quotes)
        told = ", ".join(str(each) for each in (about.source or about.site, mention.published) if each is not None)
        yield f"<li>{link_html(mention.title, about.url)} {_html(told)}: {escape(line(words, _QUOTE))}</li>"
    yield "</ul>"
    yield from (f"<p>{_html(f'{each.field}: {each.words}')}</p>" for each in one.dissent)
    yield from (f"<p>{_html(f'{each.kind} ({each.author}): {each.reason}')}</p>" for each in one.decisions)


def changes_html(some: Sequence["Change"]) -> str:
    """The first changes, each with the words that tell of it."""
    parts = ["<ul>"]
    for one in some[:ROWS_SHOWN]:
        said = (f"<li>“{_html(each.quote.text)}” {link_html(each.title, each.url)}</li>" for each in one.evidence)
        parts.append(f"<li>{_html(change_line(one))}<ul>{''.join(said)}</ul></li>")
    return "".join([*parts, f"</ul><p>{_count(len(some), 'change')}</p>"])


def extraction_html(one: "Extraction") -> str:
    """The text with the words marked that state its events, and the events."""
    spans = sorted({(quote.start, quote.end, name) for each in one for name, quote in each.quotes})
    parts, at = [], 0
    for start, end, name in spans:
        if start >= at:
            parts += [escape(one.text[at:start]), f'<mark title="{name}">{escape(one.text[start:end])}</mark>']
            at = end
    parts.append(escape(one.text[at:]))
    found = "".join(f"<li>{_html(mention_line(each))}</li>" for each in one)
    # A blank line would end the paragraph where Markdown is around it.
    words = "".join(parts).replace("\n", "&#10;")
    return f'<p style="white-space: pre-wrap">{words}</p><ul>{found}</ul>'
