"""The page of an event: each field with its words in the article's text, its life, who tells of it, and why it is one.

`?mention=` chooses the article whose text is shown, `?page=` the part of a long list of mentions. Of an event with very
many mentions, `?compare=1` has them compared with each other, which takes a second or two.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.dissent import Dissent
from pipeline.passages import sentence_at
from pipeline.types import Side
from reports import event_words as words
from reports.dashboard import links
from reports.dashboard.event_fields import (
    LABELS,
    MentionLine,
    Read,
    Stating,
    best_of,
    published,
    read_of,
    source_of,
    spans_of,
    state_of,
)
from reports.dashboard.event_life import known_then, step_lines, turns
from reports.dashboard.event_telling import Difference, Places, copy_line, decided, differences, voice_line
from reports.dashboard.events import When, country_names, event_lines, event_rows
from reports.dashboard.highlight import Piece, pieces
from reports.dashboard.memory import Memory
from reports.dashboard.paging import pager, with_query
from reports.dashboard.snapshots import Held
from reports.dashboard.visit import Answer, NotFound, Redirect, Rendered, Visit
from reports.inert import line
from reports.locales import day
from warehouse import review
from warehouse.dashboard import events as asked
from warehouse.dashboard.events import Outline, Value
from warehouse.event_detail import SHORTEST_PREFIX, Kin, ids_beginning, read_kin
from warehouse.event_evidence import MentionDetail, StepDetail, article_lines, copies, read_steps, voices
from warehouse.event_list import EventRow, event_row
from warehouse.reader import Reader
from warehouse.review import LoggedDecision
from warehouse.texts import texts_of

MENTIONS: Final = 10
"""Mentions on one page of their list."""

VOICES: Final = 12
COPIES: Final = 12
NEIGHBOURS: Final = 5
TURNS: Final = 20
KNOWN: Final = 30
CANDIDATES: Final = 12
BESIDE: Final = 12
"""Other mentions of one article whose words are marked in its text, too."""

_SENTENCE: Final = 420
_PAGES: Final = 64
_MENTIONS_KEPT: Final = 6000
_FAR_LIGHTER: Final = 10
"""A mention of which only the outline is kept weighs so much less."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The mention whose text is shown."""

    number: int
    id: str
    title: str
    url: str
    source: str
    when: When
    learned: str
    state: str
    earlier: tuple[str, ...]
    read: tuple[Read, ...]
    score: float
    pieces: tuple[Piece, ...]
    beside: int
    previous: str | None
    next: str | None


def event(visit: Visit) -> Answer:
    """The event of that id, or whose id alone begins so."""
    given = visit.path["event_id"]
    with visit.data.reader() as reader:
        found = _found(visit, reader, given.strip().lower())
        if isinstance(found, Rendered):
            return found
        current, former = found
        if former is not None:
            return Redirect(links.event(current, former=former))
        if current != given:
            return Redirect(links.event(current, mention=visit.one("mention")))
        pages: Memory = visit.data.remember("event pages", lambda: Memory(_PAGES))
        return pages.get(visit.address, lambda: _Page(visit, reader, current).rendered())


def _found(visit: Visit, reader: Reader, given: str) -> tuple[str, str | None] | Rendered:
    """The id of the event and, where it was merged away, the id asked for; a page where it is none, or not sure."""
    if len(given) < SHORTEST_PREFIX:
        raise NotFound(
            f"“{line(given, 40)}” is too short for an event’s id",
            f"Give {SHORTEST_PREFIX} characters or more, or search all events.",
        )
    ids = ids_beginning(reader, given, CANDIDATES + 1)
    if not ids:
        raise NotFound(f"There is no event “{line(given, 40)}”", "Ids are in the addresses of events; a part will do.")
    if len(ids) > 1 and given not in ids:
        return _choice(visit, given, ids)
    event_id = given if given in ids else ids[0]
    forwarded = reader.rows("SELECT new_id FROM event_forwards WHERE old_id = ?", [event_id])
    if not forwarded:
        return event_id, None
    current = forwarded[0][0]
    return _gone(visit, event_id) if current is None else (str(current), event_id)


def _choice(visit: Visit, given: str, ids: Sequence[str]) -> Rendered:
    """A page of the events whose ids begin so."""
    rows = event_rows(visit.data, asked.by_ids(ids[:CANDIDATES]))
    known = {row.id for row in rows}
    values = {
        "given": given,
        "events": event_lines(rows, country_names(visit.data)),
        "former": [(one, links.event(one)) for one in ids[:CANDIDATES] if one not in known],
        "more": len(ids) > CANDIDATES,
    }
    return Rendered("event_choice.html.j2", values, f"Events {given}…", 300)


def _gone(visit: Visit, event_id: str) -> Rendered:
    """A page for an event that no article states any longer."""
    rows = visit.data.ask(asked.changes(event_id, TURNS)).rows
    values = {"id": event_id, "turns": turns(rows, event_id, visit.zone)}
    return Rendered("event_gone.html.j2", values, f"Event {event_id}", 410)


class _Page:
    """What is gathered for the page of one event."""

    def __init__(self, visit: Visit, reader: Reader, event_id: str) -> None:
        self._visit, self._data, self._reader, self._id = visit, visit.data, reader, event_id
        (self._row,) = event_rows(self._data, asked.by_ids([event_id]))
        self._country = country_names(self._data).get(self._row.country, self._row.country)
        self._outline = _outline(self._data, reader, event_id)
        self._numbers = {one.mention_id: number for number, one in enumerate(self._outline.heard, 1)}
        self._is_compared = visit.one("compare") == "1"
        self._values = [Value(*value) for value in self._data.ask(asked.values(self._row)).rows]
        self._part = pager(visit, len(self._outline.heard), MENTIONS)
        self._places = Places(event_id, self._numbers, self._part.number)
        self._voices = voices(self._outline.heard)
        self._chosen = self._choose()
        self._details = self._read()
        self._texts = texts_of(reader, {self._details[one].article.id for one in {*self._listed(), self._chosen}})

    def rendered(self) -> Rendered:
        """The page."""
        row, kin = self._row, read_kin(self._reader, self._id)
        (told,) = event_lines([row], {row.country: self._country})
        history = self._data.ask(asked.history(self._id))
        neighbours = self._data.ask(asked.neighbours(row, NEIGHBOURS)).rows
        copied = copies(self._reader, self._outline.heard)
        steps = read_steps(self._reader, self._id, self._details.values())
        values: Mapping[str, Any] = {
            "event": told,
            "row": row,
            "told_by": tuple(words.told_by(row)),
            "became": _became(steps, row),
            "known": "" if row.learned_on is None else day(row.learned_on),
            "permalink": links.event(self._id),
            "notices": tuple(self._notices(kin)),
            "kin": self._kin(kin),
            "facts": Stating(row, self._country, self._values, self._details, self._edited()).facts(),
            "facts_sql": asked.values(row),
            "labels": LABELS,
            "chosen": self._shown(),
            "steps": step_lines(steps, self._id, self._numbers.keys()),
            "differences": self._differences(),
            "is_compared": self._outline.dissent is not None or self._is_compared,
            "compare": with_query(self._visit, compare="1"),
            "voices": tuple(voice_line(one, self._details, self._places) for one in self._voices[:VOICES]),
            "more_voices": max(len(self._voices) - VOICES, 0),
            "copies": tuple(map(copy_line, article_lines(self._reader, copied[:COPIES]))),
            "more_copies": max(len(copied) - COPIES, 0),
            "mentions": tuple(map(self._line, self._listed())),
            "all_mentions": len(self._outline.heard),
            "pager": self._part,
            "evidence_sql": asked.evidence(self._id),
            "history": known_then(
                (dict(zip(history.columns, one, strict=True)) for one in history.rows), country_names(self._data)
            )[:KNOWN],
            "more_history": max(len(history.rows) - KNOWN, 0),
            "history_sql": asked.history(self._id),
            "turns": turns(self._data.ask(asked.changes(self._id, TURNS)).rows, self._id, self._visit.zone),
            "decisions": tuple(map(decided, self._decisions(kin))),
            "may_review": self._visit.desk is not None,
            "neighbours": event_lines(map(_row_of, neighbours), {row.country: self._country}),
            "all_neighbours": neighbours[0][-1] if neighbours else 0,
            "to_neighbours": links.explore(service=row.service, country=row.country),
        }
        return Rendered("event.html.j2", values, told.sentence)

    def _choose(self) -> str:
        """The mention that is asked for; else the one that best states the most fields."""
        given = self._visit.one("mention")
        if given in self._numbers:
            return str(given)
        best = best_of(self._values, self._row)
        if self._outline.details is not None:
            agreed = {key: value.value for key, value in best.items()}
            chosen = max(self._outline.details, key=lambda one: (_agreeing(one, agreed, self._row), one.mention.score))
            return chosen.id
        counted = Counter(value.mention_id for value in best.values())
        return min(counted, key=lambda one: (-counted[one], self._numbers[one]), default=next(iter(self._numbers)))

    def _listed(self) -> list[str]:
        """The mentions on this page of their list."""
        start = self._part.offset
        return [one.mention_id for one in self._outline.heard[start : start + self._part.size]]

    def _read(self) -> dict[str, MentionDetail]:
        """All mentions of which words are shown."""
        article_of = {one.mention_id: one.article_id for one in self._outline.heard}
        beside = [one for one, article_id in article_of.items() if article_id == article_of[self._chosen]]
        wanted = {
            *self._listed(),
            self._chosen,
            *beside[:BESIDE],
            *(value.mention_id for value in best_of(self._values, self._row).values()),
            *(one.mention_ids[0] for one in self._voices[:VOICES]),
            *(one for one in self._steps_shown() if one in article_of),
        }
        return asked.read_details(self._reader, self._outline, wanted, tied=self._is_compared)

    def _steps_shown(self) -> list[str]:
        rows = self._reader.rows("SELECT mention_id FROM event_transitions WHERE event_id = ?", [self._id])
        return [str(mention_id) for (mention_id,) in rows]

    def _notices(self, kin: Kin) -> Sequence[str]:
        told = []
        former, given = self._visit.one("former"), self._visit.one("mention")
        if former in kin.merged:
            told.append(f"The event {former} was merged into this one.")
        if given is not None and given not in self._numbers:
            told.append(f"The mention {line(given, 40)} is not, or no longer, one of this event.")
        if self._row.retracted:
            told.append("Retracted: every article that stated this has withdrawn it. It counts nowhere.")
        if self._row.dismissed:
            told.append("Dismissed: a person has said that this is no restriction event. It counts nowhere.")
        return told

    def _kin(self, kin: Kin) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        told = (("Took in", kin.merged), ("Parted from", kin.parted_from), ("From it parted", kin.parted))
        return [(words_, [(one, links.event(one)) for one in ids]) for words_, ids in told if ids]

    def _edited(self) -> dict[str, str | None]:
        rows = self._data.ask(asked.edits(self._id)).rows
        return {"reason" if field == "reasons" else field: machine for field, machine, _ in rows}

    def _shown(self) -> Chosen:
        detail = self._details[self._chosen]
        article = detail.article
        beside = [
            one
            for one in self._details.values()
            if one.article.id == article.id and one.version == detail.version and one.id != detail.id
        ]
        spans = [*spans_of(detail.mention, is_chosen=True)]
        for one in beside:
            spans += spans_of(one.mention, is_chosen=False)
        text = self._texts.get((article.id, detail.version), "")
        return Chosen(
            self._numbers[detail.id],
            detail.id,
            line(detail.title) or source_of(article),
            article.url,
            source_of(article),
            published(detail.published),
            "" if detail.learned_on is None else f"first read {day(detail.learned_on)}",
            state_of(detail),
            tuple(f"version {one.version}, read {day(one.fetched_at.date())}" for one in article.earlier),
            read_of(detail.mention),
            detail.mention.score,
            pieces(text, spans, detail.title),
            len(beside),
            *self._next_to(self._numbers[detail.id]),
        )

    def _next_to(self, number: int) -> tuple[str | None, str | None]:
        """The addresses of the mentions before and after one, by its number."""
        heard = self._outline.heard
        before = heard[number - 2].mention_id if number > 1 else None
        after = heard[number].mention_id if number < len(heard) else None
        return before and self._places.address(before), after and self._places.address(after)

    def _line(self, mention_id: str) -> MentionLine:
        detail = self._details[mention_id]
        text = self._texts.get((detail.article.id, detail.version), "")
        trigger = detail.mention.trigger
        begin, end = sentence_at(text, trigger.start, trigger.end) if text else (0, 0)
        tie = line(detail.grounds or "")
        like = self._numbers.get(detail.nearest or "")
        return MentionLine(
            self._numbers[mention_id],
            self._places.address(mention_id),
            line(detail.title) or source_of(detail.article),
            detail.article.url,
            source_of(detail.article),
            published(detail.published),
            state_of(detail),
            line(text[begin:end] or trigger.text, _SENTENCE),
            detail.mention.score,
            mention_id == self._chosen,
            tie,
            like,
            None if like is None else self._places.address(str(detail.nearest)),
        )

    def _differences(self) -> Sequence[Difference]:
        dissent = self._outline.dissent
        if dissent is None:
            dissent = _dissent(self._data, self._reader, self._id, self._outline) if self._is_compared else ()
        return differences(dissent, self._places)

    def _decisions(self, kin: Kin) -> Sequence[LoggedDecision]:
        log = self._data.remember("decisions", lambda: review.log(self._reader))
        ids = {self._id, *kin.merged}
        return [one for one in log if self._id in one.events or ids & set(one.about)]


def _outline(data: Held, reader: Reader, event_id: str) -> Outline:
    return _kept(data).get(
        event_id,
        lambda: asked.read_outline(reader, event_id),
        lambda made: len(made.heard) // (_FAR_LIGHTER if made.details is None else 1) + 1,
    )


def _dissent(data: Held, reader: Reader, event_id: str, outline: Outline) -> tuple[Dissent, ...]:
    return _kept(data).get(
        (event_id, "dissent"),
        lambda: asked.read_dissent(reader, outline),
        lambda made: sum(len(side.mention_ids) for one in made for side in one.sides) // _FAR_LIGHTER + 1,
    )


def _kept(data: Held) -> Memory:
    """What was read of events, by their ids, as far as there is room."""
    return data.remember("event outlines", lambda: Memory(_MENTIONS_KEPT))


def _row_of(values: Sequence[Any]) -> EventRow:
    return event_row(values[:-1])


def _agreeing(one: MentionDetail, agreed: Mapping[str, str | None], row: EventRow) -> tuple[bool, int]:
    """Whether a mention still stands, and how many of the event's fields it states as the event has them."""
    mention = one.mention
    stated = {
        "actor": mention.actor_canonical,
        "action": mention.action.value,
        "status": mention.status.value,
        "scope": None if mention.scope is None or mention.scope.text != row.scope else row.scope_class,
        "date": mention.date_value,
        **{f"reason {one.value}": one.value for one in mention.reason_classes},
    }
    return one.withdrawn_on is None, sum(
        value is not None and value == agreed.get(key) for key, value in stated.items()
    )


_ENDS: Final[Mapping[str, str]] = {"struck_down": "struck down", "lifted": "lifted", "eased": "eased in part"}


def _became(steps: Sequence[StepDetail], row: EventRow) -> str:
    """What has become of a restriction since, where something has: "lifted 3 March 2025"."""
    for kind, told in _ENDS.items():
        step = next((one.step for one in steps if one.step.kind.value == kind), None)
        if step is not None and row.side is not Side.EASING:
            return f"{told} {day(step.date_value)}" if step.date_value else told
    return ""
