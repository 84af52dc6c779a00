"""What a subscription is: who is told of what, when, and how. `pipeline.subscriptions` reads them from their file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

from pipeline.classes import Action, ActorKind
from pipeline.occasions import Occasion, latest, upcoming
from pipeline.settings_sections import ServeSettings
from pipeline.zones import zone_named

SURE_SCORE: Final = 0.5
"""From this score on an event that one voice tells is told as sure: of such, some three in four are right."""

SURE_VOICES: Final = 2
"""From this number of independent voices on the score no longer matters."""


class Cadence(StrEnum):
    """How often a subscription has a digest. One that is due at once has one whenever there is news for it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    AT_ONCE = "at once"


class Weekday(StrEnum):
    """The days of a week, in the order of `date.weekday()`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """As `date.weekday()` counts: Monday is 0."""
        return list(Weekday).index(self)


class Support(Protocol):
    """How well an event is told."""

    @property
    def score(self) -> float: ...
    @property
    def voices(self) -> int: ...


class EventFacts(Support, Protocol):
    """What of an event decides who is told of it. `service` is the canonical name, `country` a code."""

    @property
    def service(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def actor_kind(self) -> ActorKind | None: ...
    @property
    def action(self) -> Action: ...


def is_sure(event: Support) -> bool:
    """Whether the event is told without a warning."""
    return event.voices >= SURE_VOICES or event.score >= SURE_SCORE


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events a subscription is about. Empty and None stand for all.

    `services` and `categories` are alternatives: an event fits where its service is named or of a category that is.
    `countries` are codes.
    """

    services: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    actor_kinds: tuple[ActorKind, ...] = ()
    actions: tuple[Action, ...] = ()
    min_score: float | None = None
    min_voices: int | None = None
    unsure: Literal["mark", "hold"] = "mark"

    def wants(self, event: EventFacts, category: str | None) -> bool:
        """Whether the event is told. `category` is that of its service in the registry; None where that has none."""
        return (
            self.is_about(event.service, category)
            and (not self.countries or event.country in self.countries)
            and (not self.actor_kinds or event.actor_kind in self.actor_kinds)
            and (not self.actions or event.action in self.actions)
            and (self.min_score is None or event.score >= self.min_score)
            and (self.min_voices is None or event.voices >= self.min_voices)
            and (self.unsure == "mark" or is_sure(event))
        )

    def is_about(self, service: str, category: str | None) -> bool:
        """Whether the service is one of those that are named, or of a category that is."""
        if not self.services and not self.categories:
            return True
        return service in self.services or category in self.categories


@dataclass(frozen=True, slots=True)
class Hook:
    """A URL that digests are posted to. `secret_env` names the environment variable with the secret that signs them."""

    url: str
    template: Literal["plain", "slack", "teams"] = "plain"
    secret_env: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told of what, when, and how: see the module.

    `at` is a local time of day, None for that of `serve.digest_at`; `timezone` is empty for that of `serve.timezone`;
    `weekday` counts for weekly ones alone. `language` is the locale of dates and numbers.
    """

    id: str
    title: str
    filters: Filters = field(default_factory=Filters)
    cadence: Cadence = Cadence.DAILY
    at: time | None = None
    weekday: Weekday = Weekday.MONDAY
    timezone: str = ""
    language: str = "en"
    recipients: tuple[str, ...] = ()
    format: Literal["html", "text"] = "html"
    hooks: tuple[Hook, ...] = ()
    feed: bool = True
    enabled: bool = True

    def zone(self, serve: ServeSettings) -> ZoneInfo:
        """The zone of its times. Raises SettingsError where it is the machine's and that can't be told."""
        return zone_named(self.timezone) if self.timezone else serve.zone

    def latest(self, serve: ServeSettings, now: datetime) -> Occasion | None:
        """The newest time for its digest that is not after `now`; None where it has none: at once, or no time set."""
        return self._occasion(latest, serve, now)

    def upcoming(self, serve: ServeSettings, now: datetime) -> Occasion | None:
        """The first time for its digest after `now`; None likewise."""
        return self._occasion(upcoming, serve, now)

    def _occasion(self, which: "_Which", serve: ServeSettings, now: datetime) -> Occasion | None:
        at = self.at or serve.digest_at
        if at is None or self.cadence is Cadence.AT_ONCE or not self.enabled:
            return None
        return which(at, self.zone(serve), now, self.weekday.number if self.cadence is Cadence.WEEKLY else None)


_Which = Callable[[time, ZoneInfo, datetime, int | None], Occasion]


BUILT_IN: Final = Subscription("daily", "Daily digest")
"""The one subscription where no file declares any."""


@dataclass(frozen=True, slots=True)
class Names:
    """What names of a filter may be: every known way to write one, in small letters → what events call it."""

    services: Mapping[str, tuple[str, ...]]
    categories: Mapping[str, tuple[str, ...]]
    countries: Mapping[str, tuple[str, ...]]
