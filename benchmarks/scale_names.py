"""Who acts, where and on what in the made-up world of `scale_world`: names, weights, and words without a meaning."""

import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TypeVar

from extractors.registries import bodies, countries, services
from pipeline.types import (
    ActorKind,
)

T = TypeVar("T")
COUNTRIES = 190
_LARGE = ("US", "IN", "RU", "CN", "GB", "TR", "PK", "IR", "KR", "AU", "BR", "IT", "FR", "DE", "ID", "NG", "KE", "IQ")


@dataclass(frozen=True, slots=True)
class Actor:
    """A body as the press names it: its full name first."""

    names: tuple[str, ...]
    kind: ActorKind
    country: str


@cache
def service_names() -> tuple[str, ...]:
    """The services of the registry, the one in the news most first."""
    return tuple(service.name for service in services())


@cache
def country_codes() -> tuple[str, ...]:
    others = sorted({country.code for country in countries()} - set(_LARGE) - {"XX"})
    return (*_LARGE, *others)[:COUNTRIES]


@cache
def country_name(code: str) -> str:
    return next(country.name for country in countries() if country.code == code)


@cache
def towns(code: str) -> tuple[str, ...]:
    rng = random.Random(f"towns {code}")
    return tuple(_word(rng).title() for _ in range(max(10, 300 // (1 + country_codes().index(code)))))


@cache
def actors(code: str) -> tuple[Actor, ...]:
    """The bodies of a country, those that act most first."""
    name = country_name(code)
    found = [Actor((name, f"Government of {name}"), ActorKind.GOVERNMENT, code)]
    for body in bodies():
        if body.country == code:
            short = [alias for alias in body.aliases if alias.isupper() and len(alias) > 2][:1]
            found.append(Actor((body.name, *short), body.kind, code))
    for field in ("Communications", "Education", "Defence", "Interior", "Justice", "Health"):
        found.append(Actor((f"Ministry of {field} of {name}", "the ministry"), ActorKind.MINISTRY, code))
    found.append(Actor((f"Data Protection Authority of {name}", "data protection authority"),
                       ActorKind.DATA_PROTECTION, code))  # fmt: skip
    for town in towns(code):
        found.append(Actor((f"City of {town}", f"{town} city council"), ActorKind.SUBNATIONAL, code))
        found.append(Actor((f"University of {town}",), ActorKind.SCHOOL, code))
        found.append(Actor((f"{town} Industries Inc", f"{town} Industries"), ActorKind.COMPANY, code))
    return tuple(found)


@cache
def weights(count: int) -> tuple[float, ...]:
    return tuple(accumulate(1 / (rank + 2) for rank in range(count)))


def pick(rng: random.Random, some: Sequence[T], weights: Sequence[float]) -> T:
    return some[min(len(some) - 1, bisect(weights, rng.random() * weights[-1]))]


@cache
def vocabulary() -> tuple[str, ...]:
    rng = random.Random("words")
    return tuple(_word(rng) for _ in range(20_000))


def _word(rng: random.Random) -> str:
    bits = rng.getrandbits(32)
    syllables = "".join("bdfglmnprstvz"[(bits >> s) % 13] + "aeiou"[(bits >> (s + 4)) % 5] for s in (0, 8, 16))
    return syllables + "nrst"[bits >> 30]
