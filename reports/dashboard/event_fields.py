"""How the fields of an event are stated, by all its mentions and by a single one: values, words, where they stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipeline.types import Mention, ReasonClass
from reports import event_words as words
from reports.dashboard import links
from reports.dashboard.events import When, when
from reports.dashboard.highlight import Span
from reports.digest import UNKNOWN
from reports.inert import line
from reports.locales import count, day
from warehouse.dashboard.events import Value
from warehouse.event_evidence import ArticleLine, MentionDetail
from warehouse.event_list import EventRow

LABELS: Final[Mapping[str, str]] = {
    "actor": "who",
    "trigger": "what",
    "service": "service",
    "scope": "for whom",
    "date": "when",
    "reason": "why",
}
"""Fields with a quote, in the order in which they are told, and the questions that they answer."""

_QUOTE_OF: Final[Mapping[str, str]] = {"action": "trigger", "status": "trigger", "country": "actor"}
"""The field whose words show another."""

_QUOTE: Final = 240
_OTHERS: Final = 4
_SENTENCE: Final = 420


@dataclass(frozen=True, slots=True)
class Words:
    """Words of an article and where they stand in its text; `address` shows them there."""

    quote: str
    start: int
    end: int
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class Other:
    """A value that articles state against the agreed one, and where one does."""

    value: str
    articles: int
    address: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A field of the event: its value, the words for it, and how many articles say so; `note` is what else is known."""

    label: str
    value: str
    address: str | None = None
    when: When | None = None
    note: str = ""
    is_stated: bool = True
    words: Words | None = None
    said: str = ""
    others: tuple[Other, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A field as one mention states it: its words, what they were taken to mean, and the probability."""

    field: str
    label: str
    quote: str
    start: int
    end: int
    value: str
    score: float | None


@dataclass(frozen=True, slots=True)
class MentionLine:
    """A mention in the list. `number` is its place among all, `like` that of the mention that it is tied to."""

    number: int
    address: str
    title: str
    url: str
    source: str
    when: When
    state: str
    sentence: str
    score: float
    is_shown: bool
    tie: str = ""
    like: int | None = None
    like_address: str | None = None


def plain(value: str) -> str:
    """A class as a word: "in force"."""
    return value.replace("_", " ")


def source_of(article: ArticleLine) -> str:
    """What an article's source is called."""
    return line(article.source or article.site or "source not named")


def mention_address(event_id: str, mention_id: str) -> str:
    """The page of an event with the text of one mention."""
    return links.event(event_id, mention=mention_id) + "#text"


def best_of(values: Iterable[Value], row: EventRow) -> dict[str, Value]:
    """Field (for reasons, field and class) → what states the value that the event has."""
    agreed = {
        "actor": row.actor,
        "action": row.action.value,
        "status": row.status.value,
        "country": None if row.country == UNKNOWN else row.country,
        "scope": None if row.scope_class is None else row.scope_class.value,
        "date": row.date_value,
    }
    found = {}
    for one in values:
        if one.field == "reason":
            if one.value is not None and one.value in row.reason_classes:
                found[f"reason {one.value}"] = one
        elif one.value is not None and one.value == agreed[one.field]:
            found[one.field] = one
    return found


@dataclass(frozen=True, slots=True)
class Stating:
    """How the fields of an event are stated: `shown` are the mentions that state them best, by id."""

    row: EventRow
    country: str
    values: Sequence[Value]
    shown: Mapping[str, MentionDetail]
    edited: Mapping[str, str | None]

    def facts(self) -> tuple[Fact, ...]:
        """The fields in the order in which they are told."""
        row, name = self.row, line(self.country)
        return (
            self._fact(
                "actor",
                "Who",
                "no article names who acts" if row.actor is None else line(row.actor),
                address=None if row.actor is None else links.actor(row.actor, row.country),
                note="" if row.actor_kind is None else plain(row.actor_kind.value),
            ),
            self._fact("country", "Of which country", name, address=links.country(row.country)),
            self._fact("action", "Does what", words.noun(row.action)),
            self._fact("status", "How far it has come", plain(row.status.value)),
            self._service(),
            self._fact(
                "scope",
                "For whom",
                "not stated" if row.scope is None and row.scope_class is None else line(row.scope or _class(row)),
                note=_class(row) if row.scope is not None else "",
            ),
            self._fact("date", "When", "not stated" if row.date_value is None else "", when=when(row.date_value)),
            *self._reasons(),
        )

    def _service(self) -> Fact:
        """The service, which all mentions of an event have in common."""
        told = best_of(self.values, self.row).get("action")
        quoted = None if told is None else self._words("service", told.mention_id)
        return Fact("To which service", line(self.row.service), links.service(self.row.service), words=quoted)

    def _reasons(self) -> Iterable[Fact]:
        if not self.row.reason_classes:
            yield self._fact("reason", "Why", "not stated")
        for one in self.row.reason_classes:
            yield self._fact(f"reason {one.value}", "Why", words.reason(one))

    def _fact(
        self, key: str, label: str, value: str, *, address: str | None = None, when: When | None = None, note: str = ""
    ) -> Fact:
        field = key.partition(" ")[0]
        best = best_of(self.values, self.row).get(key)
        is_stated = best is not None
        given = [one for one in self.values if one.field == field]
        if field in self.edited:
            machine = self.edited[field]
            note = "; ".join(part for part in (note, _corrected(field, machine)) if part)
        return Fact(
            label,
            value,
            address,
            when if is_stated or value == "" else None,
            note,
            is_stated or field in self.edited,
            None if best is None else self._words(_QUOTE_OF.get(field, field), best.mention_id),
            "" if best is None else f"{best.articles:,} of {count(best.of_all, 'article', 'articles')}",
            () if field == "reason" else tuple(self._others(field, given)),
        )

    def _words(self, field: str, mention_id: str) -> Words | None:
        detail = self.shown.get(mention_id)
        quote = None if detail is None else detail.mention.quotes.get(field)
        if detail is None or quote is None:
            return None
        return Words(
            line(quote.text, _QUOTE),
            quote.start,
            quote.end,
            mention_address(self.row.id, mention_id),
            source_of(detail.article),
        )

    def _others(self, field: str, given: Iterable[Value]) -> Iterable[Other]:
        """The other values, the most frequent first; what says nothing disagrees with nothing."""
        agreed = best_of(self.values, self.row).get(field)
        found = [one for one in given if one.value is not None and one is not agreed]
        for one in found[:_OTHERS]:
            yield Other(_in_words(field, one.value or ""), one.articles, mention_address(self.row.id, one.mention_id))


def _class(row: EventRow) -> str:
    return "" if row.scope_class is None else plain(row.scope_class.value)


def _corrected(field: str, machine: str | None) -> str:
    read = "that nothing is stated" if machine is None else f"“{_in_words(field, machine)}”"
    return f"set by a person; the machine had read {read}"


def _in_words(field: str, value: str) -> str:
    return day(value) if field == "date" else line(plain(value) if field != "actor" else value, _QUOTE)


def read_of(mention: Mention) -> tuple[Read, ...]:
    """The fields that one mention states."""
    meant = {
        "trigger": f"{words.noun(mention.action)}, {plain(mention.status.value)}",
        "actor": f"{mention.actor_canonical or 'a body that is not known'} ({mention.country})",
        "service": mention.service_canonical,
        "scope": "" if mention.scope_class is None else plain(mention.scope_class.value),
        "date": "" if mention.date_value is None else day(mention.date_value),
        "reason": ", ".join(_reason(one) for one in mention.reason_classes),
    }
    quotes = mention.quotes
    return tuple(
        Read(
            field,
            label,
            line(quotes[field].text, _QUOTE),
            quotes[field].start,
            quotes[field].end,
            line(meant[field]) or "nothing that is known",
            mention.scores.get(field),
        )
        for field, label in LABELS.items()
        if field in quotes
    )


def _reason(one: ReasonClass) -> str:
    return words.reason(one)


def spans_of(mention: Mention, *, is_chosen: bool) -> Iterable[Span]:
    """Where the words of a mention stand."""
    return (Span(quote.start, quote.end, field, is_chosen) for field, quote in mention.quotes.items())


def state_of(detail: MentionDetail) -> str:
    """What is odd about a mention or its article, in words."""
    article = detail.article
    told = {
        f"withdrawn by {day(detail.withdrawn_on)}" if detail.withdrawn_on else "": detail.withdrawn_on is not None,
        f"version {detail.version} of {article.version}": article.version > 1,
        "text of the feed": article.text_origin.value == "feed",
        "paywall": article.paywalled,
        "not the article": article.soft_404,
    }
    return ", ".join(said for said, holds in told.items() if holds)


def published(on: date | None) -> When:
    """The day of publication of an article."""
    return When("not dated") if on is None else When(day(on), on.isoformat())
