"""Who tells of an event, where they differ, and what people have said of it, as the page of the event lists them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.dissent import Dissent
from reports.dashboard import links
from reports.dashboard.event_fields import published, source_of
from reports.dashboard.events import When
from reports.inert import line
from reports.locales import count, day, listing
from warehouse.event_evidence import ArticleLine, MentionDetail, Voice
from warehouse.review import LoggedDecision

_NUMBERED: Final = 6
"""Mentions to which a side of a disagreement, or a voice, leads at most."""

_VALUE: Final = 420


@dataclass(frozen=True, slots=True)
class Numbered:
    """A mention by its number, as a link to its text."""

    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Camp:
    """Those who state one value of a field: the value, how many sources, and some of their mentions."""

    value: str
    said: str
    mentions: tuple[Numbered, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A field on which sources do not agree."""

    field: str
    sides: tuple[Camp, ...]


@dataclass(frozen=True, slots=True)
class VoiceLine:
    """An independent voice: its sources and their hosts, and where it speaks."""

    sources: str
    hosts: str
    owners: str
    told: str
    mentions: tuple[Numbered, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Copy:
    """An article with the same text as one that tells of the event."""

    title: str
    url: str
    source: str
    when: When


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person has decided about the event."""

    what: str
    author: str
    when: When
    reason: str
    state: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where the mentions of an event are shown: their numbers by id, and the page of their list that is open."""

    event_id: str
    numbers: Mapping[str, int]
    page: int = 1

    def address(self, mention_id: str) -> str:
        """The text of a mention, with the list as it stands."""
        page = self.page if self.page > 1 else None
        return links.event(self.event_id, mention=mention_id, page=page) + "#text"

    def some(self, mention_ids: Iterable[str]) -> tuple[tuple[Numbered, ...], int]:
        """Links to the first of some mentions, and how many more there are."""
        known = sorted((self.numbers[one], one) for one in mention_ids if one in self.numbers)
        shown = tuple(Numbered(number, self.address(one)) for number, one in known[:_NUMBERED])
        return shown, len(known) - len(shown)


def differences(dissent: Iterable[Dissent], places: Places) -> tuple[Difference, ...]:
    """Where independent sources do not agree; the agreed value comes first."""
    return tuple(
        Difference(
            one.field,
            tuple(
                Camp(
                    line(camp.value, _VALUE),
                    count(camp.voices, "source says", "sources say"),
                    *places.some(camp.mention_ids),
                )
                for camp in one.sides
            ),
        )
        for one in dissent
    )


def voice_line(one: Voice, details: Mapping[str, MentionDetail], places: Places) -> VoiceLine:
    """An independent voice, with the hosts of those of its articles that are in `details`."""
    urls = (details[mention_id].article.url for mention_id in one.mention_ids if mention_id in details)
    hosts = dict.fromkeys(to.host for url in urls if (to := links.outside(url)) is not None)
    owners = [owner for owner in one.owners if owner not in one.sources]
    told = f"{count(one.stories, 'story', 'stories')}, {count(one.articles, 'article', 'articles')}"
    return VoiceLine(_some(one.sources), _some(list(hosts)), _some(owners), told, *places.some(one.mention_ids))


def copy_line(article: ArticleLine) -> Copy:
    """A copy as it is listed."""
    return Copy(
        line(article.title) or source_of(article), article.url, source_of(article), published(article.published)
    )


def _some(names: Sequence[str]) -> str:
    return listing([line(one) for one in names[:_NUMBERED]], max(len(names) - _NUMBERED, 0))


_DECIDED: Final[Mapping[str, str]] = {
    "same": "said that two events are one",
    "different": "said that two events are different",
    "reject": "said that it is no restriction event",
    "restore": "confirmed it",
    "undo": "took a decision back",
}


def decided(one: LoggedDecision) -> Decided:
    """A decision in words."""
    what = _DECIDED.get(one.kind, one.kind)
    if one.kind == "edit":
        what = f"set {one.field} to “{line(one.value)}”" if one.value else f"said that no {one.field} is stated"
    return Decided(
        what, line(one.author), When(day(one.decided_at.date()), one.decided_at.isoformat()), line(one.reason),
        one.state.replace("_", " "),
    )  # fmt: skip
