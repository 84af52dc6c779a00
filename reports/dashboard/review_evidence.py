"""What a person reads to answer a question: events side by side, values that differ, and the sentences behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.passages import sentence_at
from reports import event_words as words
from reports.dashboard.event_fields import mention_address, plain, published, source_of, spans_of, state_of
from reports.dashboard.events import EventLine, When, country_names, event_lines, event_rows
from reports.dashboard.highlight import Paragraph, Span, pieces
from reports.dashboard.snapshots import Held
from reports.inert import line
from reports.locales import count, day
from warehouse.dashboard import events as event_questions
from warehouse.dashboard import review as questions
from warehouse.event_evidence import MentionDetail, read_evidence
from warehouse.event_list import EventRow
from warehouse.reader import Reader
from warehouse.review_queue import Waiting, agree
from warehouse.texts import texts_of

MOST: Final = 3
"""Mentions shown of an event, and values of a field."""

NOT_STATED: Final = "not stated"
WHEN: Final = "When"
REPORTED: Final = "First reported"


@dataclass(frozen=True, slots=True)
class Shown:
    """A mention in its sentences; `address` is where all of the text is shown."""

    title: str
    url: str
    source: str
    when: When
    state: str
    score: float
    excerpts: tuple[tuple[Paragraph, ...], ...]
    address: str


@dataclass(frozen=True, slots=True)
class Side:
    """An event of a question with mentions that speak for it, of `total`."""

    event: EventLine
    why: str
    shown: tuple[Shown, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A field of two events. `differs` where both state it and both can't hold."""

    label: str
    values: tuple[str, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a field on which stories do not agree, how many tell it, and one that does.

    `field` and `raw` are those of an edit that sets it; `is_set` where the event has it.
    """

    label: str
    value: str
    told: str
    field: str
    raw: str
    is_set: bool
    shown: Shown | None


def sides(data: Held, one: Waiting) -> tuple[Side, ...]:
    """The events of a question that are still there, in its order."""
    rows = {row.id: row for row in event_rows(data, questions.rows(one.event_ids))}
    found = data.ask(questions.shown(one.event_ids, MOST)).rows
    told = _shown(data, {mention_id: event_id for event_id, mention_id, _ in found})
    lines = {each.id: each for each in event_lines(rows.values(), country_names(data))}
    return tuple(
        Side(
            lines[event_id],
            line(rows[event_id].why),
            tuple(told[mention_id] for held, mention_id, _ in found if held == event_id and mention_id in told),
            next((total for held, _, total in found if held == event_id), 0),
        )
        for event_id in one.event_ids
        if event_id in rows
    )


def compared(data: Held, one: Waiting) -> tuple[Compared, ...]:
    """The fields of the two events of a pair."""
    rows = {row.id: row for row in event_rows(data, questions.rows(one.event_ids))}
    if len(rows) != len(one.event_ids):
        return ()
    names = country_names(data)
    pair = [rows[event_id] for event_id in one.event_ids]
    told = [_fields(row, names) for row in pair]
    dates = [row.date_value for row in pair if row.date_value is not None]
    return tuple(
        Compared(
            label,
            tuple(fields[label] for fields in told),
            len({fields[label] for fields in told} - {NOT_STATED}) > 1
            and label != REPORTED
            and not (label == WHEN and agree(dates)),
        )
        for label in told[0]
    )


def _fields(row: EventRow, names: Mapping[str, str]) -> dict[str, str]:
    name = names.get(row.country, row.country)
    scope = ": ".join(part for part in (plain(row.scope_class.value) if row.scope_class else "", row.scope) if part)
    reasons = ", ".join(words.reason(one) for one in row.reason_classes)
    return {
        "Who": line(row.actor or NOT_STATED),
        "Of which country": line(name),
        "Does what": f"{words.noun(row.action)}, {plain(row.status.value)}",
        "To which service": line(row.service),
        "For whom": line(scope or NOT_STATED),
        WHEN: day(row.date_value) if row.date_value else NOT_STATED,
        "Why": reasons or NOT_STATED,
        REPORTED: day(row.first_reported) if row.first_reported else NOT_STATED,
    }


_FIELD_OF: Final = {"date_value": "date", "scope_class": "scope"}
_LABELS: Final = {"country": "Country", "date_value": WHEN, "action": "Does what", "scope_class": "For whom"}


def choices(data: Held, one: Waiting) -> tuple[Choice, ...]:
    """The values on which the stories of an event do not agree, field by field, most told first."""
    rows = event_rows(data, questions.rows(one.event_ids))
    if not rows or not one.differing:
        return ()
    row = rows[0]
    names = country_names(data)
    stated = (event_questions.Value(*found) for found in data.ask(event_questions.values(row)).rows)
    best = {(each.field, each.value): each.mention_id for each in stated}
    wanted = [(each, value, stories) for each in one.differing for value, stories in each.values[:MOST]]
    found = {
        (each.field, value): best[_FIELD_OF.get(each.field, each.field), value]
        for each, value, _ in wanted
        if (_FIELD_OF.get(each.field, each.field), value) in best
    }
    told = _shown(data, dict.fromkeys(found.values(), row.id))
    agreed = {
        "country": row.country,
        "date_value": row.date_value,
        "action": row.action.value,
        "scope_class": None if row.scope_class is None else row.scope_class.value,
    }
    return tuple(
        Choice(
            _LABELS[each.field],
            _in_words(each.field, value, names),
            f"{count(stories, 'story tells', 'stories tell')} it",
            _FIELD_OF.get(each.field, each.field),
            value,
            agreed[each.field] == value,
            told.get(found.get((each.field, value), "")),
        )
        for each, value, stories in wanted
    )


def _in_words(field: str, value: str, names: Mapping[str, str]) -> str:
    if field == "date_value":
        return day(value)
    return line(names.get(value, value)) if field == "country" else plain(value)


def _shown(data: Held, events: Mapping[str, str]) -> dict[str, Shown]:
    """Mention id → the mention in its sentences; `events` are the ids of their events."""
    if not events:
        return {}
    with data.reader() as reader:
        details = [evidence.detail for evidence in read_evidence(reader, events, passages=False)]
        texts = _texts(reader, details)
    return {
        one.id: Shown(
            line(one.title) or "without a title",
            one.article.url,
            source_of(one.article),
            published(one.published),
            state_of(one),
            one.mention.score,
            excerpts(texts[one.article.id, one.version], tuple(spans_of(one.mention, is_chosen=True))),
            mention_address(events[one.id], one.id),
        )
        for one in details
        if (one.article.id, one.version) in texts
    }


def _texts(reader: Reader, details: Sequence[MentionDetail]) -> dict[tuple[str, int], str]:
    return texts_of(reader, {one.article.id for one in details})


def excerpts(text: str, spans: Sequence[Span]) -> tuple[tuple[Paragraph, ...], ...]:
    """The sentences of a text that hold the spans, in its order, with the spans marked; neighbours come together."""
    ranges: list[tuple[int, int]] = []
    for start, end in sorted(_sentences(text, spans)):
        if ranges and not text[ranges[-1][1] : start].strip():
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return tuple(
        tuple(
            paragraph
            for piece in pieces(text[start:end], [_moved(span, start) for span in spans])
            for paragraph in piece.paragraphs
        )
        for start, end in ranges
    )


def _sentences(text: str, spans: Iterable[Span]) -> set[tuple[int, int]]:
    return {sentence_at(text, span.start, span.end) for span in spans if 0 <= span.start < span.end <= len(text)}


def _moved(span: Span, by: int) -> Span:
    return Span(span.start - by, span.end - by, span.field, span.is_chosen)
