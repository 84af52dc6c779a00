"""Texts of which some are copies: real passages, in memory alone, changed in the ways in which outlets change them.

Originals that have over a fifth of their three-word shingles in common with an earlier one are left out, by an exact
count, so all pairs of originals are strangers whatever a method holds of them. A trap tells of another happening in the
words of an original: figures, names, weekdays and months are others. It is no copy.
"""

import gzip
import html
import json
import random
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks.article_pages import load as load_pages
from benchmarks.versus.record import corpus

SEED: Final = 20261122
LEAST_WORDS: Final = 36
ALIKE: Final = 0.2
COMMON: Final = 50
"""A shingle of more originals than that says nothing."""
SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
NAME: Final = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")
FIGURE: Final = re.compile(r"\d+")
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
BEFORE: Final = (
    "By our own correspondent in the capital.", "From the wires, edited at our desk.", "This report was updated twice.",
    "Listen to this article in our app, or read on.",
)  # fmt: skip
AFTER: Final = (
    "Reporting by two of our correspondents, editing by the night desk.",
    "Sign up for our newsletter and get the news of the day each morning.",
    "More on this as we get it; our live page has pictures and maps of the region.",
    "Read also what readers asked us last week, and how we report from there.",
)


@dataclass(frozen=True, slots=True)
class World:
    """Texts, with the true pairs by the way in which the copy was made, and the traps with what they imitate."""

    texts: tuple[str, ...]
    copies: dict[str, frozenset[tuple[int, int]]]
    traps: frozenset[tuple[int, int]]
    families: tuple[int, ...]
    """Of each text the number of its original; a trap is its own."""


def world(count: int) -> World:
    """Return `count` texts: 30 % are copies, two of an original, and 5 % traps."""
    luck = random.Random(SEED)
    copied, trapped = count * 15 // 100, count * 5 // 100
    originals = strangers()[: count - 2 * copied - trapped]
    made: list[tuple[str, str, int]] = [("", text, number) for number, text in enumerate(originals)]
    names = sorted(names_of(originals))
    trappable = [number for number, text in enumerate(originals) if trap(text, random.Random(1), names) is not None]
    of_traps = luck.sample(trappable, min(trapped, len(trappable)))
    rest = sorted(set(range(len(originals))) - set(of_traps))
    words = sorted({word for text in originals[:500] for word in text.split()})
    for at, number in enumerate(luck.sample(rest, copied)):
        kinds = list(WAYS)
        for kind in (kinds[at % len(kinds)], kinds[(at // len(kinds) + at + 1) % len(kinds)]):
            made.append((kind, WAYS[kind](originals[number], luck, words), number))
    made += [("trap", trap(originals[number], luck, names) or "", number) for number in of_traps]
    luck.shuffle(made)
    place_of = {number: place for place, (kind, _, number) in enumerate(made) if not kind}
    copies: dict[str, set[tuple[int, int]]] = {kind: set() for kind in WAYS}
    traps = set()
    families = []
    for place, (kind, _, number) in enumerate(made):
        pair = (min(place, place_of[number]), max(place, place_of[number]))
        families.append(len(made) + place if kind == "trap" else place_of[number])
        if kind == "trap":
            traps.add(pair)
        elif kind:
            copies[kind].add(pair)
    frozen = {kind: frozenset(pairs) for kind, pairs in copies.items()}
    return World(tuple(text for _, text, _ in made), frozen, frozenset(traps), tuple(families))


@cache
def strangers() -> tuple[str, ...]:
    """All originals, none of which has much in common with another one, in an order of chance."""
    texts = [text for text in _passages() if len(text.split()) >= LEAST_WORDS]
    random.Random(SEED).shuffle(texts)
    holders: dict[int, list[int]] = defaultdict(list)
    sizes: list[int] = []
    kept = []
    for text in texts:
        words = re.findall(r"\w+", text.casefold())
        shingles = {hash(one) for one in zip(words, words[1:], words[2:], strict=False)}
        met = Counter(place for one in shingles if len(holders[one]) <= COMMON for place in holders[one])
        if any(both > ALIKE * min(len(shingles), sizes[place]) for place, both in met.items()):
            continue
        for one in shingles:
            holders[one].append(len(kept))
        sizes.append(len(shingles))
        kept.append(text)
    return tuple(kept)


def _passages() -> Iterator[str]:
    yield from (page.text for page in load_pages(corpus("article_extraction_benchmark.tar.gz")))
    with tarfile.open(corpus("casie.tar.gz")) as archive:
        for member in sorted(archive, key=lambda member: member.name):
            handle = archive.extractfile(member) if member.name.endswith(".json") else None
            if handle is not None:
                yield json.load(handle)["content"]
    yield from _items(corpus("news_items_2021_2022.jsonl.gz"))


def _items(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield " ".join(html.unescape(re.sub(r"<[^>]+>", " ", json.loads(line).get("description") or "")).split())


def framed(text: str, luck: random.Random, words: Sequence[str]) -> str:
    """The site's own sentences stand before and after it."""
    return " ".join((luck.choice(BEFORE), text, *luck.sample(AFTER, 2)))


def cut(text: str, luck: random.Random, words: Sequence[str]) -> str:
    """A quarter to two fifths are missing at the end."""
    parts = text.split()
    return " ".join(parts[: round(len(parts) * luck.uniform(0.6, 0.75))])


def edited(text: str, luck: random.Random, words: Sequence[str]) -> str:
    """One word in twenty is dropped, doubled or another one."""
    parts = []
    for word in text.split():
        chance = luck.random()
        if chance < 0.02:
            continue
        parts.append(luck.choice(words) if chance < 0.04 else word)
        if chance > 0.99:
            parts.append(word)
    return " ".join(parts)


def reordered(text: str, luck: random.Random, words: Sequence[str]) -> str:
    """The later sentences stand first."""
    parts = SENTENCE.split(text)
    at = max(1, len(parts) // 2)
    return " ".join((*parts[at:], *parts[:at]))


def retyped(text: str, luck: random.Random, words: Sequence[str]) -> str:
    """Other quotes, dashes and spaces; the first words in capitals, as agencies have them."""
    parts = text.split()
    typed = f"{' '.join(parts[:6]).upper()} {' '.join(parts[6:])}"
    return typed.translate(str.maketrans({"'": "’", '"': "”", "-": "–", ",": " ,"}))


WAYS: Final[dict[str, Callable[[str, random.Random, Sequence[str]], str]]] = {
    "framed": framed, "cut": cut, "edited": edited, "reordered": reordered, "retyped": retyped,
}  # fmt: skip


def trap(text: str, luck: random.Random, names: Sequence[str]) -> str | None:
    """The same words on another happening; None where fewer than four facts could be others, or the text is long."""
    instead: dict[str, str] = {}

    def other(match: re.Match[str], choices: Sequence[str]) -> str:
        return instead.setdefault(match[0], luck.choice(choices))

    if len(text.split()) > 120:
        return None
    text = FIGURE.sub(lambda match: other(match, [str(luck.randint(2, 99))]), text)
    for some in (WEEKDAYS, MONTHS):
        text = re.sub(rf"\b(?:{'|'.join(some)})\b", lambda match, some=some: other(match, some), text)
    text = NAME.sub(lambda match: instead.get(match[0]) or other(match, names), text)
    return text if sum(one != another for one, another in instead.items()) >= 4 else None


def names_of(texts: Sequence[str]) -> set[str]:
    """Words within sentences that begin with a capital."""
    return {name for text in texts[:2_000] for name in NAME.findall(text)} - {*WEEKDAYS, *MONTHS}
