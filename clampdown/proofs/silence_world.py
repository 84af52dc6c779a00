"""Feeds of known pace for months, a day at a time; some fall silent. Everything follows from a seed.

All of it lies in the past, so that no date is in the future of the machine that runs the proof.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Final, Literal

from clampdown.proofs.webserver import HTTPServer, Reply, Route
from pipeline.types import Source

START: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday. The first run is then; the feeds hold items of the days before."""

LISTED: Final = 200
"""Items in a feed: more than any outlet brings between two runs, so that none is missed for want of room."""

DAY: Final = timedelta(days=1)
_BEFORE: Final = 10
"""Days before the first run of which feeds hold items."""

Habit = Literal["random", "weekdays", "bursts", "weekly"]
Trouble = Literal["muted", "failing", "emptied"]

_BURST: Final = (0.2, 0.5, 1.0, 1.3, 2.0)
"""What a week's pace is multiplied by where it comes in bursts; 1 on average."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """A publisher that brings `per_week` items a week, in its habit, up to the day `ends`, when its trouble begins.

    The operator has said what to expect where `stated`; else it is learnt.
    """

    number: int
    per_week: float
    habit: Habit = "random"
    stated: bool = False
    trouble: Trouble | None = None
    ends: int = 0

    @property
    def id(self) -> str:
        """Its source's id."""
        return f"{self.trouble or 'well'}-{self.number:02}"

    @property
    def name(self) -> str:
        """As people read it, and no part of another's."""
        return f"The Outlet of {self.number:02}"

    @property
    def path(self) -> str:
        """Of its feed."""
        return f"/{self.id}.xml"

    def source(self, root: str) -> Source:
        """Its entry in the source list."""
        expected = self.per_week if self.stated else None
        return Source(self.id, self.name, root + self.path, full_text=True, items_per_week=expected, language="en")

    def items(self, days: int, seed: int) -> list[datetime]:
        """When its items come, from before the first run until so many days after it."""
        dice = random.Random(f"{seed} {self.number}")
        pace, moments = self.per_week, []
        for day in range(-_BEFORE, days):
            begins = START + day * DAY
            if begins.weekday() == 0 and self.habit == "bursts":
                pace = self.per_week * dice.choice(_BURST)
            number = _count(dice, pace * _share(self.habit, begins.weekday()))
            moments += [begins + timedelta(seconds=dice.uniform(0, 86_400)) for _ in range(number)]
        return sorted(one for one in moments if self.trouble is None or one < START + self.ends * DAY)


def _share(habit: Habit, weekday: int) -> float:
    """The part of a week's items that comes on a day of it."""
    if habit == "weekly":
        return 1.0 if weekday == 3 else 0.0
    if habit == "weekdays":
        return 0.2 if weekday < 5 else 0.0
    return 1 / 7


def _count(dice: random.Random, mean: float) -> int:
    """A number of Poisson's, by counting arrivals."""
    number, passed = 0, dice.expovariate(1.0)
    while passed < mean:
        number += 1
        passed += dice.expovariate(1.0)
    return number


class Feeds:
    """A context manager: the feeds of `outlets` on two hosts of loopback, as they are at a moment."""

    def __init__(self, outlets: Sequence[Outlet], days: int, seed: int) -> None:
        self.outlets = outlets
        self.moments = {outlet.id: outlet.items(days, seed) for outlet in outlets}
        self._server = HTTPServer(host="127.0.0.2")
        self._ill = HTTPServer(host="127.0.0.3")

    def __enter__(self) -> "Feeds":
        self._server.__enter__()
        self._ill.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        self._ill.__exit__(None, None, None)
        self._server.__exit__(None, None, None)

    @property
    def allow_hosts(self) -> tuple[str, ...]:
        """The entries that `fetch.allow_hosts` needs."""
        return tuple(server.root.removeprefix("http://") for server in (self._server, self._ill))

    def sources(self) -> tuple[Source, ...]:
        """The source list."""
        return tuple(outlet.source(self._of(outlet).root) for outlet in self.outlets)

    def published(self, outlet: Outlet, moment: datetime) -> list[datetime]:
        """When the items came that have come until then."""
        return [one for one in self.moments[outlet.id] if one <= moment]

    def switch(self, moment: datetime) -> None:
        """Be as at that moment from now on."""
        for server in (self._server, self._ill):
            mine = [outlet for outlet in self.outlets if self._of(outlet) is server]
            server.routes = {"/empty.xml": Reply(200, _feed("Nothing", []), _XML), **dict(self._routes(mine, moment))}

    def _routes(self, outlets: Sequence[Outlet], moment: datetime) -> Iterator[tuple[str, Route]]:
        for outlet in outlets:
            is_over = outlet.trouble is not None and moment >= START + outlet.ends * DAY
            if is_over and outlet.trouble == "failing":
                yield outlet.path, Reply(500, b"out of order")
            elif is_over and outlet.trouble == "emptied":
                yield outlet.path, Reply(301, headers={"Location": self._server.url("/empty.xml")})
            else:
                came = self.published(outlet, moment)
                first = max(0, len(came) - LISTED)
                items = [_item(outlet, first + number, at) for number, at in enumerate(came[first:])]
                yield outlet.path, Reply(200, _feed(outlet.name, items), _XML)

    def _of(self, outlet: Outlet) -> HTTPServer:
        # A host that fails is asked less often, which is not to slow the others down.
        return self._ill if outlet.trouble == "failing" else self._server


_SYLLABLES: Final = tuple(f"{one}{two}" for one in "bdfgklmnprstvz" for two in "aeiou")
_WORDS: Final = 60
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_XML: Final = {"Content-Type": "application/rss+xml; charset=utf-8"}


def _feed(title: str, items: Sequence[str]) -> bytes:
    listed = "".join(reversed(items))
    channel = f"<channel><title>{title}</title><link>/</link>{listed}</channel>"
    return f'<rss version="2.0" xmlns:content="{_CONTENT}">{channel}</rss>'.encode()


@cache
def _item(outlet: Outlet, number: int, at: datetime) -> str:
    # Words of its own, so that no two items tell the same story.
    dice = random.Random(f"{outlet.number} {number}")
    words = " ".join("".join(dice.choices(_SYLLABLES, k=3)) for _ in range(_WORDS)).capitalize() + "."
    return (
        f"<item><title>Garden {number} of town {outlet.number:02}</title><guid>{outlet.id}-{number}</guid>"
        f"<link>/{outlet.id}/{number}.html</link><pubDate>{format_datetime(at)}</pubDate>"
        f"<content:encoded>&lt;p&gt;{words * 3}&lt;/p&gt;</content:encoded></item>"
    )


def short_world() -> list[Outlet]:
    """Some of each kind; those in trouble have a pace at which a silence shows within days."""
    return [
        Outlet(0, 14, stated=True, trouble="muted", ends=14),
        Outlet(1, 21, trouble="muted", ends=16),
        Outlet(2, 14, stated=True, trouble="emptied", ends=14),
        Outlet(3, 20, trouble="failing", ends=14),
        Outlet(4, 21),
        Outlet(5, 15, "weekdays"),
        Outlet(6, 14, "bursts"),
        Outlet(7, 2, "weekly"),
        Outlet(8, 3, stated=True),
    ]


def full_world(days: int, seed: int) -> list[Outlet]:
    """Forty that are well, of eight paces in all habits, half of them stated; twelve in trouble, of six paces."""
    paces = (0.7, 2.0, 3.0, 5.0, 7.0, 14.0, 40.0, 100.0)
    habits: tuple[Habit, ...] = ("random", "weekdays", "bursts", "weekly", "random")
    dice, outlets = random.Random(seed), []
    for number in range(40):
        pace = paces[number % len(paces)]
        outlets.append(Outlet(number, pace, habits[number // len(paces)], stated=number % 2 == 1))
    troubles: tuple[Trouble, ...] = ("muted", "emptied", "failing")
    for number in range(18):
        # What comes less often than that takes months to be missed.
        pace = (3.0, 5.0, 7.0, 14.0, 40.0, 100.0)[number // 3]
        # In a week before the last eight, and not at its beginning alone.
        ends = dice.randrange(60, days - 56)
        outlets.append(
            Outlet(40 + number, pace, "random", stated=number % 2 == 0, trouble=troubles[number % 3], ends=ends)
        )
    return outlets
