"""From annotated passages to what the network sees: windows, word labels, targets per trigger."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.decode import REASONS, ROLES
from extractors.encoder import window_input
from extractors.features import FIRST_KIND, word_features
from extractors.model import word_pieces
from extractors.training.data import Example, GoldEvent, Passage, Target
from extractors.training.quotes import Offsets, occurrences
from extractors.words import Window, Words, split, windows

RETELLING_WEIGHT = 0.25
OPTIONAL_WEIGHT = 0.5


@dataclass(frozen=True)
class Layout:
    """A tokenizer with the ids of its special pieces, and the longest window."""

    tokenizer: Any
    first: int
    last: int
    unknown: int
    max_pieces: int


@dataclass(frozen=True)
class _Gold:
    """The events of one trigger, as word spans of the whole text."""

    trigger: tuple[int, int]
    events: tuple[GoldEvent, ...]


@lru_cache(maxsize=200_000)
def _pieces(layout: Layout, word: str) -> tuple[int, ...]:
    return tuple(word_pieces(layout.tokenizer, [word], layout.unknown)[0])


def examples(
    passage: Passage, layout: Layout, lexicon: frozenset[str], random: np.random.Generator, hide: float = 0.0
) -> list[Example]:
    """Cut a passage into examples. `hide` is the chance that a word loses what the gazetteer says of it."""
    words = split(passage.text)
    pieces = [_pieces(layout, words[i]) for i in range(len(words))]
    features = word_features(words)
    if hide:
        lost = random.random(len(words)) < (1.0 if random.random() < hide else hide)
        features[lost, FIRST_KIND:] = 0
    gold = _by_trigger(passage, words)
    found = []
    for window in windows([len(p) for p in pieces], words.headline, layout.max_pieces):
        laid = window_input(pieces, features, window, layout.first, layout.last)
        place = {word: i for i, word in enumerate(window.words)}
        labels, weights = _trigger_labels(words, window, place, gold)
        targets = [_target(passage, words, window, place, group) for group in gold if _visible(group, window, place)]
        targets += _negatives(words, window, labels, weights, lexicon, random)
        texts = tuple(words[i] for i in window.words)
        found.append(Example(laid.ids, laid.first, laid.features, labels, weights, tuple(targets), texts))
    return found


def trigger_lexicon(passages: list[Passage], least: int = 3, share: float = 0.1) -> frozenset[str]:
    """Return the words of at least `least` triggers, one in ten of whose occurrences is in one: hard negatives."""
    counts: Counter[str] = Counter()
    everywhere: Counter[str] = Counter()
    for passage in passages:
        words = split(passage.text)
        texts = [words[i].lower() for i in range(len(words))]
        everywhere.update(texts)
        spans = {event.spans["trigger"] for event in passage.events if "trigger" in event.spans}
        for span in filter(None, (_span(words, offsets) for offsets in spans)):
            counts.update(set(texts[slice(*span)]))
    return frozenset(
        word for word, n in counts.items() if n >= least and len(word) > 2 and n >= share * everywhere[word]
    )


def _span(words: Words, offsets: Offsets) -> tuple[int, int] | None:
    inside = [i for i in range(len(words)) if words.starts[i] < offsets[1] and words.ends[i] > offsets[0]]
    return (inside[0], inside[-1] + 1) if inside else None


def _by_trigger(passage: Passage, words: Words) -> list[_Gold]:
    groups: dict[tuple[int, int], list[GoldEvent]] = defaultdict(list)
    for event in passage.events:
        span = _span(words, event.spans["trigger"]) if "trigger" in event.spans else None
        if span is not None:
            groups[span].append(event)
    return [_Gold(span, tuple(events)) for span, events in groups.items()]


def _visible(group: _Gold, window: Window, place: dict[int, int]) -> bool:
    start, end = group.trigger
    return window.own_start <= (start + end - 1) // 2 < window.own_end and all(i in place for i in range(start, end))


def _trigger_labels(
    words: Words, window: Window, place: dict[int, int], gold: list[_Gold]
) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros(len(window.words), np.int8)
    weights = np.ones(len(window.words), np.float32)
    stems = {words[i].lower()[:5] for group in gold for i in range(*group.trigger) if len(words[i]) > 3}
    for number, word in enumerate(window.words):
        if words[word].lower()[:5] in stems:
            weights[number] = RETELLING_WEIGHT
    for number, word in enumerate(window.words):
        if not window.own_start <= word < window.own_end and word < words.headline:
            weights[number] = 0
    for required in (False, True):
        for group in sorted(gold, key=lambda g: g.trigger[0] - g.trigger[1]):
            if required == all(event.optional for event in group.events):
                continue
            for word in range(*group.trigger):
                if word in place:
                    labels[place[word]] = 1 if word == group.trigger[0] else 2
                    weights[place[word]] = float(required)
    return labels, weights


def _target(passage: Passage, words: Words, window: Window, place: dict[int, int], group: _Gold) -> Target:
    roles = np.zeros((len(window.words), len(ROLES)), np.int8)
    spans: dict[str, list[tuple[int, int]]] = {role: [] for role in ROLES}
    chosen: dict[tuple[str, Offsets], int] = {}
    for role in ROLES:
        for offsets in dict.fromkeys(e.spans[role] for e in group.events if role in e.spans):
            for other in occurrences(passage.text, passage.text[slice(*offsets)]):
                other_span = _span(words, other)
                if other != offsets and other_span is not None:
                    _paint(roles, ROLES.index(role), place, other_span, untaught=True)
    for role in ROLES:
        for offsets in dict.fromkeys(e.spans[role] for e in group.events if role in e.spans):
            span = _span(words, offsets)
            if span is None or not all(i in place for i in range(*span)):
                continue
            _paint(roles, ROLES.index(role), place, span, untaught=False)
            chosen[role, offsets] = len(spans[role])
            spans[role].append((place[span[0]], place[span[1] - 1] + 1))
    pairs = {
        (
            chosen.get(("actor", e.spans["actor"]), -2) if "actor" in e.spans else -1,
            chosen[("service", e.spans["service"])],
        )
        for e in group.events
        if ("service", e.spans.get("service")) in chosen
    }
    reasons = np.zeros(len(REASONS), np.float32)
    for event in group.events:
        reasons[list(event.reasons)] = 1
    optional = all(event.optional for event in group.events)
    return Target(
        start=place[group.trigger[0]],
        end=place[group.trigger[1] - 1] + 1,
        valid=-1 if optional else 1,
        action=group.events[0].action,
        status=group.events[0].status,
        reasons=reasons,
        roles=roles,
        actors=tuple(spans["actor"]),
        services=tuple(spans["service"]),
        reason=tuple(spans["reason"]),
        pairs=tuple(sorted(pair for pair in pairs if pair[0] > -2)),
        weight=OPTIONAL_WEIGHT if optional else 1.0,
    )


def _paint(roles: np.ndarray, role: int, place: dict[int, int], span: tuple[int, int], *, untaught: bool) -> None:
    for word in range(*span):
        if word in place:
            roles[place[word], role] = -1 if untaught else 1 if word == span[0] else 2


def _negatives(
    words: Words,
    window: Window,
    labels: np.ndarray,
    weights: np.ndarray,
    lexicon: frozenset[str],
    random: np.random.Generator,
) -> list[Target]:
    """Pick a word that often triggers but does not here."""
    usable = [
        number
        for number, word in enumerate(window.words)
        if labels[number] == 0 and weights[number] == 1 and words[word].lower() in lexicon
    ]
    picked: NDArray[np.int64] | list[int] = random.permutation(usable)[:1] if usable else []
    return [negative(int(number), int(number) + 1, len(window.words)) for number in picked]


def negative(start: int, end: int, length: int) -> Target:
    """Return the target of words that look like a trigger and are none: only their validity is taught."""
    return Target(
        start=start,
        end=end,
        valid=0,
        action=-1,
        status=-1,
        reasons=np.zeros(len(REASONS), np.float32),
        roles=np.full((length, len(ROLES)), -1, np.int8),
        actors=(),
        services=(),
        reason=(),
        pairs=(),
        weight=1.0,
    )
