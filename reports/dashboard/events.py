"""Events as the lists of all pages show them: when, where, what, for whom, why, and how well it is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.types import Action, ReasonClass, Side, Status
from reports import event_words as words
from reports.dashboard import links
from reports.dashboard.sentences import Place, Sentence, sentences
from reports.dashboard.snapshots import Held
from reports.digest import UNKNOWN
from reports.inert import line
from reports.locales import count, day
from warehouse.dashboard.quoting import quotes
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row

_ACRONYMS = frozenset({"ai", "vpn"})


@dataclass(frozen=True, slots=True)
class When:
    """A date as exact as it is stated: in `words` for people, for a machine where it is one day, month or year.

    `note` says what else is to be known of it, as that an undated event was first reported then.
    """

    words: str
    machine: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event in a list. `marks` are the classes of its mark, `deed` the word in it, `state` the one beside it."""

    id: str
    address: str
    when: When
    country: str
    country_name: str
    country_address: str
    service: str
    service_address: str
    actor: str | None
    actor_address: str | None
    marks: str
    deed: str
    state: str
    sentence: str
    scope: str | None
    reasons: tuple[str, ...]
    support: str
    told: Sentence | None = None


def when(value: str | None, reported: date | None = None) -> When:
    """A date as stated (YYYY-MM-DD, YYYY-MM, YYYY, or two of them with a slash between); where it is None, the report.

    None for both is a date that nobody states.
    """
    if value is not None:
        first, _, last = value.partition("/")
        if last:
            return When(between(first, last))
        return When(day(value), value)
    if reported is not None:
        return When("date not stated", note=f"reported {day(reported)}")
    return When("date not stated")


def between(first: str, last: str) -> str:
    """A range of days, its first end without what both have in common: "between 1 and 24 January 2025"."""
    begin, end = day(first), day(last)
    same = 1 if first[:4] == last[:4] else 0
    if same and first[:7] == last[:7]:
        same = 2
    words = begin.split(" ")
    return f"between {' '.join(words[: len(words) - same])} and {end}"


def state(row: EventRow) -> str:
    """How an event stands, in a word or two; empty for what only eases."""
    if row.retracted:
        return "retracted"
    if row.dismissed:
        return "dismissed"
    if row.lifted:
        return "ended"
    return "" if row.side is Side.EASING else row.status.value.replace("_", " ")


def marks(action: Action, status: Status, *, is_void: bool = False) -> str:
    """The classes of a mark: its action, and `open` where it is not in force (yet), or void."""
    return action.value + (" open" if status is not Status.IN_FORCE or is_void else "")


def category(name: str) -> str:
    """What sort of service it is, as a heading has it: "Telecom equipment", "VPN"."""
    plain = name.replace("_", " ")
    return plain.upper() if plain in _ACRONYMS else plain[:1].upper() + plain[1:]


def event_lines(
    rows: Iterable[EventRow], countries: Mapping[str, str], told: Mapping[str, Sentence] | None = None
) -> list[EventLine]:
    """View-models of rows. `countries` are names by code, as of `country_names`; `told` are words by event id."""
    return [_line(row, countries, (told or {}).get(row.id)) for row in rows]


def _line(row: EventRow, countries: Mapping[str, str], told: Sentence | None) -> EventLine:
    name = countries.get(row.country, row.country)
    return EventLine(
        id=row.id,
        address=links.event(row.id),
        when=when(row.date_value, row.first_reported),
        country=row.country,
        country_name=name,
        country_address=links.country(row.country),
        service=line(row.service),
        service_address=links.service(row.service),
        actor=None if row.actor is None else line(row.actor),
        actor_address=None if row.actor is None else links.actor(row.actor, row.country),
        marks=marks(row.action, row.status, is_void=row.retracted or row.dismissed),
        deed=words.noun(row.action),
        state=state(row),
        sentence=line(words.standing(row, name)),
        scope=None if (scope := words.scope(row, name)) is None else line(scope),
        reasons=tuple(words.reason(one) for one in row.reason_classes if one is not ReasonClass.OTHER),
        support=", ".join(words.told_by(row)),
        told=told,
    )


def event_rows(data: Held, sql: str) -> list[EventRow]:
    """The answer to a question whose first columns are EVENT_COLUMNS (`warehouse.event_list`), in its order."""
    wide = len(EVENT_COLUMNS.split(", "))
    return [event_row(row[:wide]) for row in data.ask(sql).rows]


def country_names(data: Held) -> Mapping[str, str]:
    """Code → name of all countries, with the Union and with what can't be told."""

    def made() -> Mapping[str, str]:
        named = dict(data.ask("SELECT code, name FROM countries ORDER BY code").rows)
        return {**named, "EU": "European Union", UNKNOWN: "Country not told"}

    return data.remember("country names", made)


def told_of(data: Held, event_ids: Sequence[str]) -> dict[str, Sentence]:
    """For each of a few events the words that state it best, in their sentence."""
    sql = quotes(event_ids)
    rows = data.ask(sql).rows
    said = sentences(data, sql, [(quote, Place(*place)) for _, quote, *place in rows])
    return {row[0]: one for row, one in zip(rows, said, strict=True)}


def counted(total: int) -> str:
    """How many events: "1 event", "1,204 events"."""
    return count(total, "event", "events")
