"""Changes to annotated passages that leave their annotation true: other names, other spelling, other surroundings."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from extractors import registries
from extractors.training.data import GoldEvent, Passage, moved
from extractors.training.quotes import occurrences

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“‘'(])|\n+")
_ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "gl",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "qu",
    "r",
    "s",
    "st",
    "t",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ee", "io", "oo")
_CODAS = ("", "", "n", "r", "x", "l", "s", "m", "th", "ck")
_SERVICE_ENDS = (
    "",
    "",
    "",
    " AI",
    " Chat",
    " Pay",
    "Talk",
    "gram",
    "Tube",
    "VPN",
    " Cloud",
    "GPT",
    "Go",
    " Messenger",
    "Coin",
)
_BODY_ENDS = (
    " Bank",
    " Group",
    " Airlines",
    " University",
    " Telecom",
    " Corp",
    " Hospital Trust",
    " Insurance",
    " Authority",
)
INVENTED = 400  # names of each kind, made anew for each run
PUNCTUATION = re.compile(r"[.,;:!?\"“”()\[\]—–]+(?=\s|$)|(?<=\s)[\"“(\[—–]+")
PROPER_NAME = re.compile(r"[A-Z0-9][\w.&’'-]*(?: [A-Z0-9&][\w.&’'-]*){0,3}$")


@dataclass(frozen=True)
class Rates:
    """How often each change is made, as probabilities per passage."""

    swap: float = 0.4
    lower: float = 0.05
    upper: float = 0.04
    plain: float = 0.1
    headless: float = 0.08
    joined: float = 0.12
    cropped: float = 0.2


@dataclass(frozen=True)
class Names:
    """Names to swap in, by role."""

    services: tuple[str, ...]
    actors: tuple[str, ...]


def names(passages: Sequence[Passage], random: np.random.Generator) -> Names:
    """Collect proper names of services and actors: those of the passages, of the registries, and invented ones.

    A third of them is in no registry and can't be learnt by heart: what they are must be read from the words around.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for passage in passages:
        for event in passage.events:
            for role in ("service", "actor"):
                quote = passage.text[slice(*event.spans[role])] if role in event.spans else ""
                if PROPER_NAME.match(quote):
                    found[role].add(quote)
    found["service"] |= {service.name for service in registries.services() if PROPER_NAME.match(service.name)}
    found["actor"] |= {body.name for body in registries.bodies()}
    found["actor"] |= {country.name for country in registries.countries()}
    for role, ends in (("service", _SERVICE_ENDS), ("actor", _BODY_ENDS)):
        found[role] |= {invented(random) + ends[int(random.integers(len(ends)))] for _ in range(INVENTED)}
    return Names(tuple(sorted(found["service"])), tuple(sorted(found["actor"])))


def invented(random: np.random.Generator) -> str:
    """Return a pronounceable name of two or three syllables that most likely nobody has."""

    def one(parts: Sequence[str]) -> str:
        return parts[int(random.integers(len(parts)))]

    return "".join(one(_ONSETS) + one(_VOWELS) + one(_CODAS) for _ in range(int(random.integers(2, 4)))).capitalize()


def augment(
    passage: Passage, pool: Sequence[Passage], names: Names, rates: Rates, random: np.random.Generator
) -> Passage:
    """Return the passage changed at random, as `rates` say."""
    if random.random() < rates.swap:
        passage = swap(passage, names, random)
    if random.random() < rates.headless:
        passage = without_headline(passage)
    if random.random() < rates.cropped:
        passage = cropped(passage, random)
    if random.random() < rates.joined:
        other = pool[int(random.integers(len(pool)))]
        if len(passage.text) + len(other.text) < 2400:
            passage = join(passage, swap(other, names, random), random)
    if random.random() < rates.plain:
        passage = without_punctuation(passage)
    chance = random.random()
    if chance < rates.lower:
        passage = recased(passage, passage.text.lower())
    elif chance < rates.lower + rates.upper:
        passage = recased(passage, passage.text.upper())
    return passage


def swap(passage: Passage, names: Names, random: np.random.Generator) -> Passage:
    """Put other names in the place of this passage's named services and actors, wherever they stand."""
    quotes: dict[str, Sequence[str]] = {}
    for event in passage.events:
        for role, pool in (("service", names.services), ("actor", names.actors)):
            quote = passage.text[slice(*event.spans[role])] if role in event.spans else ""
            if quote and PROPER_NAME.match(quote) and random.random() < 0.6:
                quotes.setdefault(quote, pool)
    edits: list[tuple[int, int, str]] = []
    for quote in sorted(quotes, key=len, reverse=True):
        others = quotes[quote]
        other = others[int(random.integers(len(others)))]
        for start, end in occurrences(passage.text, quote):
            if all(end <= a or start >= b for a, b, _ in edits):
                edits.append((start, end, other))
    edits.sort()
    return _edited(passage, edits)


def cropped(passage: Passage, random: np.random.Generator) -> Passage:
    """Drop about half of the sentences that no event touches."""
    bounds = [0, *(match.end() for match in _SENTENCE.finditer(passage.text)), len(passage.text)]
    edits = [
        (start, end, "")
        for start, end in pairwise(bounds)
        if end > start
        and random.random() < 0.5
        and not any(a < end and b > start for event in passage.events for a, b in event.spans.values())
    ]
    kept = len(passage.text) - sum(end - start for start, end, _ in edits)
    return _edited(passage, edits) if kept > 60 else passage


def without_punctuation(passage: Passage) -> Passage:
    """Strip the punctuation that stands beside white space, as scraping does."""
    return _edited(passage, [(*match.span(), "") for match in PUNCTUATION.finditer(passage.text)])


def without_headline(passage: Passage) -> Passage:
    """Drop the first line, unless an event is told there."""
    end = passage.text.find("\n") + 1
    if not end or any(a < end for event in passage.events for a, _ in event.spans.values()):
        return passage
    return _edited(passage, [(0, end, "")])


def recased(passage: Passage, text: str) -> Passage:
    """Return the passage in another case, unless some letter changes its length with its case."""
    return replace(passage, text=text) if len(text) == len(passage.text) else passage


def join(one: Passage, other: Passage, random: np.random.Generator) -> Passage:
    """Let one passage follow another, as in a round-up or a long article."""
    glue = ("\n", " ", "\n\n")[int(random.integers(3))]
    shift = len(one.text) + len(glue)
    events = tuple(
        replace(event, spans={name: (a + shift, b + shift) for name, (a, b) in event.spans.items()})
        for event in other.events
    )
    return replace(one, text=one.text + glue + other.text, events=one.events + events)


def _edited(passage: Passage, edits: list[tuple[int, int, str]]) -> Passage:
    if not edits:
        return passage
    text, at = [], 0
    for start, end, new in edits:
        text += [passage.text[at:start], new]
        at = end
    text.append(passage.text[at:])
    changed = moved(passage, "".join(text), [(start, end, len(new)) for start, end, new in edits])
    return replace(changed, events=tuple(_kept(event) for event in changed.events))


def _kept(event: GoldEvent) -> GoldEvent:
    return replace(event, spans={name: (a, b) for name, (a, b) in event.spans.items() if b > a})
