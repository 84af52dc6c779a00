"""The same passages with names that nobody has met: does the reading hang on names learnt by heart?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from extractors import registries
from extractors.training.augment import PROPER_NAME, invented
from extractors.training.corpora import QUOTES
from extractors.training.data import Passage, passage_of
from extractors.training.quotes import occurrences

SEED = 20261122  # another than any training run's, whose invented names are drawn with theirs


def with_unseen_names(passages: Sequence[Passage], seed: int = SEED) -> list[Passage]:
    """Return the passages with every proper name of a service or actor replaced by an invented one.

    Countries stay: they are a closed list. A passage whose names overlap so that a quote is lost is left out.
    """
    random = np.random.default_rng(seed)
    countries = {country.name for country in registries.countries()}
    renamed = (_renamed(passage, countries, random) for passage in passages)
    return [passage for passage in renamed if passage is not None]


def _renamed(passage: Passage, countries: set[str], random: np.random.Generator) -> Passage | None:
    text, events = passage.text, [dict(event) for event in passage.raw]
    for role in ("service", "actor"):
        names = {e[role]: e[f"{role}_canonical"] for e in events if e[role] and PROPER_NAME.match(e[role])}
        for quote, canonical in sorted(names.items(), key=lambda pair: -len(pair[0])):
            if canonical in countries:
                continue
            new = invented(random)
            for event in events:
                if event[f"{role}_canonical"] == canonical:
                    event[f"{role}_canonical"] = new
                for name in QUOTES:
                    if event[name]:
                        event[name] = _put(event[name], quote, new)
            text = _put(text, quote, new)
    if any(event[name] and event[name] not in text for event in events for name in QUOTES):
        return None
    record: dict[str, Any] = {"published": passage.published, "events": events, "corpus": "written"}
    return passage_of(passage.id, text, record)


def _put(text: str, old: str, new: str) -> str:
    for start, end in reversed(occurrences(text, old)):
        text = text[:start] + new + text[end:]
    return text
