"""Explore: every event that filters and words find, as a table, as numbers, and as files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.errors import InputError
from reports import event_words as words
from reports.dashboard import links
from reports.dashboard.events import EventLine, country_names, event_lines
from reports.dashboard.explore_figure import over_time
from reports.dashboard.facets import Counts, facets, label_of
from reports.dashboard.memory import Memory
from reports.dashboard.paging import pager
from reports.dashboard.sentences import Place, Sentence, sentences
from reports.dashboard.snapshots import Held
from reports.dashboard.view_url import COLUMNS, LABELS, SHOWN, Known, Problem, View, read
from reports.dashboard.visit import Rendered, Visit
from reports.inert import line
from reports.locales import count, day, number
from warehouse import names
from warehouse.dashboard import explore, search
from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.explore import Wanted
from warehouse.event_list import EventRow, event_row

SIZE: Final = 50
"""Events on one page of the table."""

_CELLS: Final = 400_000
"""Ids of events that were found by words, and cells of answers about them, which are kept for a version."""

_NAMED: Final = 3
"""Filters that the title of the page names."""

_PLAIN: Final = frozenset(LABELS[one] for one in ("q", "service", "country", "actor", "action", "status", "reason"))
"""Filters whose values say by themselves what they are."""

_QUOTES: Final = len(search.QUOTES)
_MOST_QUOTED: Final = 3
"""Sentences that are shown of one event, beside its title, where words were searched for."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force: its name, its value, and the address of the view without it."""

    label: str
    value: str
    address: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some words of a publisher, `is_hit` where they are what was searched for."""

    words: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What an article says of an event: its title, sentences with quotes that have the words, address, and source."""

    title: tuple[Part, ...]
    quotes: tuple[tuple[Part, ...], ...]
    url: str
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: the event, its cells by column, and what is said of it."""

    event: EventLine
    cells: Mapping[str, str]
    said: Said | None


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column, the address that sorts by it, and how it is sorted."""

    key: str
    words: str
    address: str | None
    sorted: str | None
    is_number: bool


def page(visit: Visit) -> Rendered:
    """The events that the address asks for."""
    view, problems = view_of(visit)
    counts_sql = explore.counts(view.wanted)
    counts = Counts.of(_answers(visit.data, view.wanted, explore.counts))
    part = pager(visit, counts.all, SIZE)
    sql = explore.page(view.wanted, view.order, part.size, part.offset)
    rows = _answers(visit.data, view.wanted, lambda wanted: explore.page(wanted, view.order, part.size, part.offset))
    found = [event_row(row) for row in rows]
    known = country_names(visit.data)
    chips = _chips(view, known)
    values = {
        "view": view,
        "wanted": view.wanted,
        "problems": problems,
        "chips": chips,
        "facets": facets(view, counts, known),
        "services": counts.names("service"),
        "countries": [(code, known.get(code, code)) for code in counts.names("country")],
        "says": f"{count(counts.all, 'event', 'events')}{' found' if view.wanted else ''}",
        "headings": [_heading(view, key) for key in view.columns],
        "columns": [(key, one.heading, key in view.columns) for key, one in COLUMNS.items() if key != "event"],
        "usual": " ".join(key for key in SHOWN if key != "event"),
        "rows": _rows(visit, view, found, known),
        "pager": part,
        "total": counts.all,
        "figure": over_time(visit.data, view, counts, counts_sql) if counts.all else None,
        "sql": sql,
        "labels": LABELS,
        "permalink": view.address(page=part.number if part.number > 1 else None),
        "csv": _download(view, "csv"),
        "parquet": _download(view, "parquet"),
        "hidden": {name: value for name, value in view.asked().items() if name in ("sort", "order")},
        "names_like": _names_like(visit, view) if not counts.all or view.wanted.terms else [],
    }
    return Rendered("explore.html.j2", values, _title(chips))


def _title(chips: Sequence[Chip]) -> str:
    told = (one.value if one.label in _PLAIN else f"{one.label} {one.value}".strip() for one in chips[:_NAMED])
    named = ", ".join([*told, *(["…"] if len(chips) > _NAMED else [])])
    return f"{named} – Explore" if named else "Explore"


def _answers(data: Held, wanted: Wanted, question: Callable[[Wanted], Sql]) -> Sequence[Sequence[Any]]:
    """The rows that answer a question. Where there are words, they are looked for once for all questions.

    What is asked then differs from what the page shows by that alone: the page's question looks for them itself.
    """
    if not wanted.terms:
        return data.ask(question(wanted)).rows
    memory = data.remember("words looked for", lambda: Memory(_CELLS))

    def found() -> Sequence[str]:
        with data.reader() as reader:
            return [event_id for (event_id,) in reader.rows(explore.found(wanted.terms))]

    def asked() -> Sequence[Sequence[Any]]:
        ids = memory.get(wanted.terms, found, len)
        with data.reader() as reader:
            return reader.rows(question(replace(wanted, is_found=True)), [ids])

    return memory.get(question(wanted), asked, lambda rows: sum(map(len, rows)))


def view_of(visit: Visit) -> tuple[View, tuple[Problem, ...]]:
    """The view that the address asks for, and what of it can't be understood."""
    return read(visit.query, known_of(visit.data))


def known_of(data: Held) -> Known:
    """What names stand for in the data."""

    def values(sql: str) -> frozenset[str]:
        return data.remember(sql, lambda: frozenset(value for (value,) in data.ask(sql).rows))

    def services(typed: str) -> Sequence[str]:
        if typed in values("SELECT DISTINCT service_canonical FROM events"):
            return [typed]
        with data.reader() as reader:
            return names.services(reader, typed)

    def country(typed: str) -> str:
        if typed in values("SELECT DISTINCT country FROM events"):
            return typed
        with data.reader() as reader:
            return names.country(reader, typed)

    def actors(typed: str) -> tuple[Sequence[str], bool]:
        known = values("SELECT DISTINCT actor_canonical FROM events WHERE actor_canonical IS NOT NULL")
        if typed in known:
            return [typed], False
        with data.reader() as reader:
            exact = [one for one in names.actors(reader, typed) if one in known]
        return exact, any(typed.lower() in one.lower() for one in known)

    def category(typed: str) -> str:
        known = values("SELECT DISTINCT category FROM services WHERE category IS NOT NULL")
        if typed.lower() in known:
            return typed.lower()
        raise InputError(
            f"there is no kind of service “{line(typed, 40)}”", hint=f"There are {', '.join(sorted(known))}."
        )

    return Known(services, country, actors, category)


def _chips(view: View, known: Mapping[str, str]) -> list[Chip]:
    made: list[Chip] = []
    for name, value in view.asked().items():
        if name not in LABELS:
            continue
        for one in value if isinstance(value, list) else [value]:
            label, said = LABELS[name], _value(name, str(one), known)
            made.append(Chip(label, said, view.without(name, str(one) if isinstance(value, list) else None)))
    return made


def _value(name: str, value: str, known: Mapping[str, str]) -> str:
    if name == "country":
        return line(known.get(value, value))
    if name in ("since", "until", "reported_since", "reported_until", "on"):
        return day(value)
    if name == "everything":
        return ""
    if name == "q":
        return line(value, 60) if '"' in value else f"“{line(value, 60)}”"
    return label_of(name, value)


def _heading(view: View, key: str) -> Heading:
    column = COLUMNS[key]
    if column.sort is None:
        return Heading(key, column.heading, None, None, column.is_number)
    is_sorted = view.order.by == column.sort
    falls = not view.order.falls if is_sorted else column.falls
    asked = {"sort": column.sort, "order": "desc" if falls else "asc"}
    told = ("descending" if view.order.falls else "ascending") if is_sorted else None
    return Heading(key, column.heading, view.address(**asked), told, column.is_number)


def _download(view: View, form: str) -> str:
    return view.address().replace(links.explore(), f"{links.explore()}.{form}", 1)


def _rows(visit: Visit, view: View, found: Sequence[EventRow], known: Mapping[str, str]) -> list[Row]:
    if not found:
        return []
    terms = view.wanted.terms
    sql = explore.stated([one.id for one in found], terms)
    telling = [(row, _hit(row, terms)) for row in visit.data.ask(sql).rows]
    quoted = iter(sentences(visit.data, sql, [one for _, some in telling for one in some]))
    said = {row[0]: _said(row, [next(quoted) for _ in some], terms) for row, some in telling}
    made = event_lines(found, known)
    return [Row(shown, _cells(row), said.get(row.id)) for shown, row in zip(made, found, strict=True)]


def _hit(row: Sequence[Any], terms: Sequence[search.Term]) -> list[tuple[str, Place]]:
    """The quotes that have a term, and where they stand; without those that another one or the title holds."""
    quotes, starts, (article_id, version, title) = row[1 : _QUOTES + 1], row[_QUOTES + 1 : -5], row[-5:-2]
    shown = {quote: start for quote, start in zip(quotes, starts, strict=True) if quote is not None}
    hit = {quote: start for quote, start in shown.items() if search.spans(line(quote), terms)}
    longer = [title, *hit]
    return [
        (quote, Place(article_id, version, start, start + len(quote)))
        for quote, start in hit.items()
        if not any(quote != other and quote in other for other in longer)
    ]


def _said(row: Sequence[Any], quoted: Sequence[Sentence], terms: Sequence[search.Term]) -> Said:
    title, url, source = row[-3:]
    shown: list[str] = []
    for one in quoted:
        # Several quotes may be of one sentence.
        if not any(line(one.quote) in other for other in shown):
            shown.append(line(f"{one.before}{one.quote}{one.after}"))
    return Said(
        _parts(line(title), terms),
        tuple(_parts(one, terms) for one in shown[:_MOST_QUOTED]),
        url,
        "" if source is None else line(source),
    )


def _parts(text: str, terms: Sequence[search.Term]) -> tuple[Part, ...]:
    made: list[Part] = []
    place = 0
    for start, end in search.spans(text, terms):
        made += [Part(text[place:start], is_hit=False), Part(text[start:end], is_hit=True)]
        place = end
    made.append(Part(text[place:], is_hit=False))
    return tuple(one for one in made if one.words)


def _cells(row: EventRow) -> Mapping[str, str]:
    """The cells that are plain words; those with links are made of the event."""
    return {
        "kind": "" if row.actor_kind is None else label_of("kind", row.actor_kind),
        "scope": line(row.scope)
        if row.scope
        else ""
        if row.scope_class is None
        else label_of("scope", row.scope_class),
        "reasons": ", ".join(words.reason(one) for one in row.reason_classes),
        "side": row.side.value,
        "reported": "" if row.first_reported is None else day(row.first_reported),
        "last": "" if row.last_reported is None else day(row.last_reported),
        "learned": "" if row.learned_on is None else day(row.learned_on),
        "voices": number(row.voices),
        "stories": number(row.stories),
        "articles": number(row.articles),
        "score": f"{row.score:.2f}",
    }


def _names_like(visit: Visit, view: View) -> list[Chip]:
    """Services, countries and actors that the words name: what a person who types a name often wants."""
    typed = " ".join(one.words for one in view.wanted.terms).strip()
    if not typed:
        return []
    sql = filled(
        """
        SELECT 'service' AS filter, name AS value, name AS words FROM services
        WHERE lower(name) = $typed OR list_contains(list_transform(aliases, lambda one: lower(one)), $typed)
        UNION
        SELECT 'country', code, name FROM countries
        WHERE lower(name) = $typed OR list_contains(list_transform(aliases, lambda one: lower(one)), $typed)
        UNION
        SELECT 'actor', name, name FROM bodies
        WHERE lower(name) = $typed OR list_contains(list_transform(aliases, lambda one: lower(one)), $typed)
        ORDER BY ALL
        LIMIT 5
        """,
        typed=typed,
    )
    return [
        Chip(LABELS[name], line(said, 60), view.address(q=None, **{name: [value]}))
        for name, value, said in visit.data.ask(sql).rows
    ]
