"""Votes of independent voices on the value of a field, counted so that each can be taken back at any time.

A value is as strong as the voices behind it (`pipeline.independence`): ten copies of one text have one vote, and so
have ten articles of one house. Among equals the value that was reported last wins, then the best scored.

Whatever counts here is told `by` how much: 1 adds a vote, -1 takes back one that was added.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

from pipeline.statements import stated_days

T = TypeVar("T")


def tick(counter: Counter[T], key: T, by: int) -> None:
    """Count in a counter that holds no zeros."""
    number = counter.get(key, 0) + by
    if number:
        counter[key] = number
    else:
        del counter[key]


class Bag:
    """A multiset of numbers that knows its least and greatest; both None where it is empty."""

    __slots__ = ("_counts", "greatest", "least")

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()
        self.least: float | None = None
        self.greatest: float | None = None

    def count(self, number: float, by: int) -> None:
        tick(self._counts, number, by)
        if by > 0:
            if self.least is None or number < self.least:
                self.least = number
            if self.greatest is None or number > self.greatest:
                self.greatest = number
        elif number not in self._counts and number in (self.least, self.greatest):
            self.least, self.greatest = min(self._counts, default=None), max(self._counts, default=None)


class _Support:
    """What speaks for one value."""

    __slots__ = ("days", "scores", "voices")

    def __init__(self) -> None:
        self.voices: Counter[str] = Counter()
        self.days, self.scores = Bag(), Bag()


class Poll(Generic[T]):
    """Votes on one field. The value with most voices leads, then the last reported, then the best scored."""

    __slots__ = ("_leader", "_stale", "_support")

    def __init__(self) -> None:
        self._support: dict[T, _Support] = {}
        self._leader: T | None = None
        self._stale = False

    def count(self, value: T, voice: str, day: int, score: float, by: int) -> None:
        """Count a vote: whose it is, the day of its report (0 if unknown), and how sure the reading is."""
        support = self._support.get(value)
        if support is None:
            support = self._support[value] = _Support()
        tick(support.voices, voice, by)
        support.days.count(day, by)
        support.scores.count(score, by)
        if by < 0:
            if not support.voices:
                del self._support[value]
            self._stale = self._stale or value == self._leader
        # A vote only makes its value stronger, so that none but this one can take the lead.
        elif self._leader is None or (
            not self._stale and value != self._leader and self._rank(value) > self._rank(self._leader)
        ):
            self._leader = value

    @property
    def leader(self) -> T | None:
        """The strongest value; None where nobody has voted."""
        if self._stale:
            self._leader, self._stale = max(self._support, key=self._rank, default=None), False
        return self._leader

    @property
    def ranked(self) -> list[T]:
        """The values, the strongest first."""
        return sorted(self._support, key=self._rank, reverse=True)

    def _rank(self, value: T) -> tuple[float, float, float, str]:
        support = self._support[value]
        return len(support.voices), support.days.greatest or 0, support.scores.greatest or 0, str(value)


class Peaks:
    """The greatest number that each voice has given: the day of its last report, or its best score."""

    __slots__ = ("_of", "_peaks")

    def __init__(self) -> None:
        self._of: dict[str, Bag] = {}
        self._peaks: list[float] = []

    def count(self, voice: str, number: float, by: int) -> None:
        bag = self._of.setdefault(voice, Bag())
        before = bag.greatest
        bag.count(number, by)
        if bag.greatest is None:
            del self._of[voice]
        if before != bag.greatest:
            if before is not None:
                del self._peaks[bisect_left(self._peaks, before)]
            if bag.greatest is not None:
                insort(self._peaks, bag.greatest)

    def __reversed__(self) -> Iterator[float]:
        """The peaks, the greatest first."""
        return reversed(self._peaks)

    def since(self, number: float) -> int:
        """How many voices reach that number."""
        return len(self._peaks) - bisect_left(self._peaks, number)


def agreed_date(votes: Mapping[str, Collection[str]]) -> str | None:
    """Return the date that most voices support, as finely as any gives it; `votes` says who states which date.

    First the year is agreed on, then the month in it, then the day. A voice that is less exact supports all that its
    date includes, one that is more exact what its own lies in. Of dates with equal support the one that more voices
    state themselves wins, then the earlier: reports slip to the day of printing, and none is dated ahead by chance.
    """
    stated = [value for value in votes if stated_days(value) is not None]
    if len(stated) < 2:
        return stated[0] if stated else None
    agreed = ""
    for length in (len("YYYY"), len("YYYY-MM"), len("YYYY-MM-DD")):
        inside = [value for value in stated if len(value) >= length and value.startswith(agreed)]
        if not inside:
            break
        own: dict[str, set[str]] = {}
        for value in inside:
            own.setdefault(value[:length], set())
        if len(own) > 1:
            for value in inside:
                own[value[:length]].update(votes[value])
        agreed = min(own, key=lambda one: _weakness(one, own[one], stated, votes)) if len(own) > 1 else next(iter(own))
    return agreed


def _weakness(
    date: str, own: set[str], stated: Iterable[str], votes: Mapping[str, Collection[str]]
) -> tuple[int, int, str]:
    held = own | _together(votes, (value for value in stated if date.startswith(value)))
    return -len(held), -len(own), date


def _together(votes: Mapping[str, Collection[str]], values: Iterable[str]) -> set[str]:
    return {voice for value in values for voice in votes[value]}


@lru_cache(maxsize=4096)
def includes(wide: str, narrow: str) -> bool:
    """Whether every day that the date `narrow` allows is one that `wide` allows."""
    outer, inner = stated_days(wide), stated_days(narrow)
    return outer is not None and inner is not None and outer[0] <= inner[0] and inner[1] <= outer[1]
