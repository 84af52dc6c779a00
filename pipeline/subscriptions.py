"""Subscriptions: who is told of what, when, and how. Declared in TOML and checked when read.

[[subscription]]
id = "policy-desk"                   # stable: its digests are filed under it, its feed has this name
title = "Policy desk"                # all that follows is optional
services = ["TikTok", "WhatsApp"]    # these or, left out, all; so with the next four
categories = ["messaging", "social"]
countries = ["IN", "Russia"]
actor_kinds = ["government", "court"]
actions = ["ban", "block"]
min_score = 0.5                      # only what is at least so sure,
min_voices = 2                       # and what at least so many independent sources tell
unsure = "hold"                      # "mark" tells what is unsure with a warning, "hold" waits until it is sure
cadence = "weekly"                   # "daily", "weekly" or "at once"
at = "07:00"                         # else the time of serve.digest_at
weekday = "monday"                   # of a weekly one
timezone = "Europe/Berlin"           # else that of serve.timezone
language = "en"                      # of dates and numbers
recipients = ["desk@example.org"]
format = "html"                      # or "text"
feed = true                          # whether an Atom and a JSON feed are written
enabled = true

[[subscription.hook]]                # what is posted to a URL, as often as there are digests
url = "https://chat.example.org/hooks/1"
template = "slack"                   # "plain", "slack" or "teams"
secret_env = "DESK_HOOK_SECRET"      # name of the environment variable with the secret that signs it
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, Protocol

from pipeline.classes import Action, ActorKind

ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")
"""Ids are names of folders and files, parts of addresses and of headers of mail."""

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


class EventFacts(Protocol):
    """What of an event decides who is told of it. `service` is the canonical name, `country` a code."""

    @property
    def service(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def actor_kind(self) -> ActorKind | None: ...
    @property
    def action(self) -> Action: ...
    @property
    def score(self) -> float: ...
    @property
    def voices(self) -> int: ...


def is_sure(event: EventFacts) -> bool:
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
            self._is_about(event.service, category)
            and (not self.countries or event.country in self.countries)
            and (not self.actor_kinds or event.actor_kind in self.actor_kinds)
            and (not self.actions or event.action in self.actions)
            and (self.min_score is None or event.score >= self.min_score)
            and (self.min_voices is None or event.voices >= self.min_voices)
            and (self.unsure == "mark" or is_sure(event))
        )

    def _is_about(self, service: str, category: str | None) -> bool:
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


BUILT_IN: Final = Subscription("daily", "Daily digest")
"""The one subscription where no file declares any."""


@dataclass(frozen=True, slots=True)
class Names:
    """What names of a filter may be: every known way to write one, in small letters → what events call it."""

    services: Mapping[str, tuple[str, ...]]
    categories: Mapping[str, tuple[str, ...]]
    countries: Mapping[str, tuple[str, ...]]


def load_subscriptions(path: Path, names: Names | None = None) -> tuple[Subscription, ...]:
    """The subscriptions that the file at `path` declares, in its order; the built-in one where there is no such file.

    With `names`, those of services, categories and countries are checked and put as events have them; whoever filters
    by them needs that (`flows.subscribed.subscriptions` gives them). Raises InputError, with file, entry and the way
    out, for a file that can't be read or is no TOML, unknown keys, values that make no sense, and one id twice.
    """
    if not path.exists():
        return (BUILT_IN,)
    raise NotImplementedError


def add_subscription(path: Path, subscription: Subscription) -> None:
    """Add an entry to the file, which else stays as it is, comments too; the file is made where it is missing.

    A file that is made declares the built-in subscription, too: who adds one does not mean to end the other. Raises
    InputError where the id is taken or the file can't be used or written.
    """
    raise NotImplementedError


def remove_subscription(path: Path, subscription_id: str) -> None:
    """Take an entry out of the file, which else stays as it is. Raises InputError where there is none."""
    raise NotImplementedError
