"""How well copies of one text are told from other texts: story pairs of the labelled articles, and thresholds swept.

    python -m benchmarks.stories            # precision, recall and F1 of pairs; sweeps; baselines
    python -m benchmarks.stories --foreign  # near copies among real feed items and real notices of shutdowns
    python -m benchmarks.stories --foreign --show 40   # what differs in some of them, to judge by eye

A pair counts as found when both articles end in one story, directly or by way of others. The articles are those of
`benchmarks/told/` and of the bundled sample (`benchmarks.gold`). The foreign texts belong to their publishers and are
no part of this project.
"""

import argparse
import gzip
import html
import json
import math
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
from rapidfuzz.distance import LCSseq

from benchmarks import gold
from pipeline import stories
from pipeline.stories import (
    Body,
    Parent,
    bands,
    contradictions,
    digest,
    is_likely,
    order,
    overlap,
    proves,
    sign,
    similarity,
)

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"

LIGHTLY_EDITED = {"ledger-italy-wire": "orrery-italy-block", "banksia-korea-wire": "orrery-korea-ministries"}
"""Wire copy of the sample that its editors changed; see samples/README.md."""

CHOSEN = (stories.MIN_SIMILARITY, stories.MIN_SHARED, stories.WORDS_PER_CONTRADICTION, stories.MIN_NEAR_WORDS)

Pairs = set[tuple[int, int]]
Alike = Callable[[int, int], float | None]


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its story, if that is known."""

    id: str
    day: date | None
    body: str
    story: str = ""


def labelled() -> list[Text]:
    """The labelled articles: those written for it and those of the sample."""
    found = []
    for one in gold.articles():
        story = LIGHTLY_EDITED.get(one.id, one.story)
        found.append(Text(one.id, one.published, one.body, f"{one.file}/{story}"))
    return found


def arrange(texts: Sequence[Text], alike: Alike | None = None) -> dict[str, str]:
    """Text → the text that founds its story, by the rule of `pipeline.stories`, all at once and from nothing.

    `alike` may say otherwise how similar two texts are, by their places. What the warehouse does step by step must come
    to the same.
    """
    near = _checked(texts) if alike is None else alike
    ranked = sorted(range(len(texts)), key=lambda i: order(texts[i].day, texts[i].id))
    roots: dict[str, str] = {}
    for place, i in enumerate(ranked):
        parents = []
        for j in ranked[:place]:
            if (degree := near(j, i)) is not None:
                parents.append(Parent(texts[j].id, texts[j].day, degree))
        best = min(parents, key=lambda parent: parent.rank, default=None)
        roots[texts[i].id] = texts[i].id if best is None else roots[best.article_id]
    return roots


def _checked(texts: Sequence[Text]) -> Alike:
    """As the pipeline does it: candidates by bands, then compared by their words."""
    signed = [sign(text.body) for text in texts]
    keys = [frozenset(bands(*one)) for one in signed]
    digests = [digest(signature) for _, signature in signed]
    bodies = [Body(text.body) for text in texts]

    def alike(i: int, j: int) -> float | None:
        if keys[i].isdisjoint(keys[j]):
            return None
        if signed[i][0] == signed[j][0]:
            return 1.0
        return similarity(bodies[i], bodies[j]) if is_likely(digests[i], digests[j]) else None

    return alike


def found_pairs(texts: Sequence[Text], alike: Alike | None = None) -> Pairs:
    """The pairs of texts that end in one story, by their places."""
    roots = arrange(texts, alike)
    return pairs_within([roots[text.id] for text in texts])


def pairs_within(labels: Sequence[str]) -> Pairs:
    """The pairs of places that have one label."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        members[label].append(place)
    return {pair for some in members.values() for pair in combinations(some, 2)}


def score(found: Pairs, true: Pairs) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    right = len(found & true)
    precision = right / len(found) if found else 1.0
    recall = right / len(true) if true else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def _print(name: str, found: Pairs, true: Pairs) -> None:
    precision, recall, f1 = score(found, true)
    wrong, missed = len(found - true), len(true - found)
    print(f"{name:58} P {precision:.4f}  R {recall:.4f}  F1 {f1:.4f}   {wrong} wrong, {missed} missed")


class Features:
    """What is known of each pair that shares a shingle: so many can be looked at for all thresholds."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.texts = texts
        self.bodies = [Body(text.body) for text in texts]
        self.hashes = [sign(text.body)[0] for text in texts]
        holders: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for place, body in enumerate(self.bodies):
            for shingle in body.shingles:
                holders[shingle].append(place)
        shared = {pair for some in holders.values() for pair in combinations(some, 2)}
        self.overlap = {(i, j): overlap(self.bodies[i], self.bodies[j]) for i, j in shared}
        self._contradictions: dict[tuple[int, int], int] = {}

    def shorter(self, i: int, j: int) -> int:
        return min(len(self.bodies[i].words), len(self.bodies[j].words))

    def contradictions(self, i: int, j: int) -> int:
        pair = min(i, j), max(i, j)
        if pair not in self._contradictions:
            self._contradictions[pair] = len(contradictions(self.bodies[i], self.bodies[j]))
        return self._contradictions[pair]

    def rule(self, jaccard: float, shared: float, words_per_contradiction: float, least_words: int) -> Alike:
        """The rule of `pipeline.stories` by other thresholds, for all pairs."""

        def alike(i: int, j: int) -> float | None:
            if self.hashes[i] == self.hashes[j]:
                return 1.0
            degree, share = self.overlap.get((min(i, j), max(i, j)), (0.0, 0.0))
            words = self.shorter(i, j)
            if degree < jaccard or share < shared or words < least_words:
                return None
            return None if self.contradictions(i, j) > words // words_per_contradiction else degree

        return alike


def by_estimate(texts: Sequence[Text], threshold: float) -> Alike:
    """MinHash alone: whatever the estimate holds to be similar enough."""
    sketches = [stories.sketch_of(sign(text.body)[1]) for text in texts]
    hashes = [sign(text.body)[0] for text in texts]

    def alike(i: int, j: int) -> float | None:
        if hashes[i] == hashes[j]:
            return 1.0
        one, other = sketches[i], sketches[j]
        if one is None or other is None:
            return None
        degree = float(one.jaccard(other))
        return degree if degree >= threshold else None

    return alike


def cosines(texts: Sequence[Text]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """Cosine similarity of TF-IDF vectors of the words, pair by pair."""
    counts = [Counter(Body(text.body).words) for text in texts]
    holding = Counter(word for some in counts for word in some)
    places = {word: place for place, word in enumerate(holding)}
    matrix = np.zeros((len(texts), len(places)), np.float32)
    for row, some in enumerate(counts):
        for word, count in some.items():
            matrix[row, places[word]] = (1 + math.log(count)) * math.log(len(texts) / holding[word])
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    found: np.ndarray[tuple[int, int], np.dtype[np.float32]] = matrix @ matrix.T
    return found


def report() -> None:
    """Print the figures of the labelled set."""
    texts = labelled()
    true = pairs_within([text.story for text in texts])
    print(f"{len(texts)} articles, {len({text.story for text in texts})} stories, {len(true)} pairs within stories")
    features = Features(texts)
    similar = sorted(features.overlap.items(), key=lambda item: item[1])
    within = [item for item in similar if item[0] in true]
    between = [item for item in similar if item[0] not in true]
    print("least similar copies:   " + ", ".join(f"{j:.2f}/{s:.2f}" for _, (j, s) in within[:6]))
    print("most similar strangers: " + ", ".join(f"{j:.2f}/{s:.2f}" for _, (j, s) in between[-6:]))
    missing = sum(pair not in features.overlap for pair in true)
    print(f"(Jaccard/share of the shorter; {missing} copies share no shingle)\n")
    found = found_pairs(texts)
    _print("the pipeline: bands, then checked by words", found, true)
    for i, j in sorted(found ^ true):
        degree, share = features.overlap.get((i, j), (0.0, 0.0))
        kind = "missed" if (i, j) in true else "wrong"
        odd = f"{features.contradictions(i, j)} contradictions in {features.shorter(i, j)} words"
        print(f"    {kind}: {texts[i].id} and {texts[j].id}: {degree:.2f}/{share:.2f}, {odd}")
    _print("the same rule for all pairs, without bands", found_pairs(texts, features.rule(*CHOSEN)), true)
    _print("without contradictions", found_pairs(texts, features.rule(0.45, 0.65, 0.01, 30)), true)
    _print("only from 80 words on, as before", found_pairs(texts, features.rule(0.45, 0.65, 60, 80)), true)
    print("\nleast Jaccard (share 0.65, one contradiction in 60 words)")
    for jaccard in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8):
        _print(f"  {jaccard}", found_pairs(texts, features.rule(jaccard, 0.65, 60, 30)), true)
    print("least share of the shorter (Jaccard 0.45)")
    for shared in (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9):
        _print(f"  {shared}", found_pairs(texts, features.rule(0.45, shared, 60, 30)), true)
    print("least words of a near copy")
    for words in (25, 30, 40, 50, 60, 80, 100):
        _print(f"  {words}", found_pairs(texts, features.rule(0.45, 0.65, 60, words)), true)
    print("words per contradiction")
    for words in (20, 30, 40, 60, 80, 100, 150, 1000):
        _print(f"  {words}", found_pairs(texts, features.rule(0.45, 0.65, words, 30)), true)
    print("MinHash alone, least estimate")
    for threshold in (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        _print(f"  {threshold}", found_pairs(texts, by_estimate(texts, threshold)), true)
    print("TF-IDF cosine, least")
    matrix = cosines(texts)
    for threshold in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        _print(f"  {threshold}", found_pairs(texts, _by_matrix(matrix, threshold)), true)
    print(f"\nbands and digests find {band_recall():.4f} of pairs of similarity {stories.MIN_SIMILARITY}")


def _by_matrix(matrix: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", threshold: float) -> Alike:
    return lambda i, j: float(matrix[i, j]) if matrix[i, j] >= threshold else None


def band_recall(pairs: int = 2000) -> float:
    """The share of made-up pairs at the least similarity of copies that share a band."""
    rng = random.Random(0)
    kept = round(300 * 2 * stories.MIN_SIMILARITY / (1 + stories.MIN_SIMILARITY))
    found = 0
    for _ in range(pairs):
        one = [f"{rng.getrandbits(40):x}" for _ in range(300)]
        other = one[:kept] + [f"{rng.getrandbits(40):x}" for _ in range(300 - kept)]
        first, second = sign(" ".join(one)), sign(" ".join(other))
        shared = not set(bands(*first)).isdisjoint(bands(*second))
        found += shared and is_likely(digest(first[1]), digest(second[1]))
    return found / pairs


def foreign(show: int) -> None:
    """Print what becomes of real feed items, and of real notices of shutdowns that are all different."""
    items = [
        Text(row["link"], date.fromisoformat(row["date_published"][:10]), _plain(row.get("description") or ""))
        for row in _rows(CORPUS / "news_items_2021_2022.jsonl.gz")
    ]
    items = list({item.id: item for item in items if proves(sign(item.body)[1])}.values())
    _foreign("feed items", items, show)
    notices = []
    for number, row in enumerate(_rows(CORPUS / "keepiton_2016_2022.jsonl.gz")):
        told = [row.get(name) or "" for name in ("event", "legal_method", "actual_cause_details", "gov_ack_quote")]
        notices.append(Text(str(number), None, max((one for one in told if "http" not in one), key=len, default="")))
    _foreign("notices, all of different shutdowns", [one for one in notices if proves(sign(one.body)[1])], show)


def _foreign(name: str, texts: Sequence[Text], show: int) -> None:
    holders: dict[int, list[int]] = defaultdict(list)
    hashes = []
    for place, text in enumerate(texts):
        signed = sign(text.body)
        hashes.append(signed[0])
        for key in bands(*signed):
            holders[key].append(place)
    pairs = {pair for some in holders.values() for pair in combinations(some, 2)}
    bodies = {place: Body(texts[place].body) for pair in pairs for place in pair}
    equal = {pair for pair in pairs if hashes[pair[0]] == hashes[pair[1]]}
    alike = {(i, j) for i, j in pairs - equal if overlap(bodies[i], bodies[j])[0] >= stories.MIN_SIMILARITY}
    joined = sorted((i, j) for i, j in alike if similarity(bodies[i], bodies[j]) is not None)
    print(f"{name}: {len(texts)} texts, {len(pairs)} candidate pairs, {len(equal)} of them equal;")
    print(f"    {len(alike)} similar enough, {len(joined)} of these joined")
    sample = random.Random(1).sample(joined, min(show, len(joined)))
    for i, j in sample:
        print(f"  joined: {len(bodies[i].words)} and {len(bodies[j].words)} words, "
              f"{overlap(bodies[i], bodies[j])[0]:.2f}")  # fmt: skip
        _show(texts[i].body.split(), texts[j].body.split())
    for i, j in sorted(alike - set(joined))[:show]:
        print(f"  apart: {contradictions(bodies[i], bodies[j])}")


def _show(one: list[str], other: list[str]) -> None:
    for block in LCSseq.opcodes(one, other):
        if block.tag != "equal":
            ours, theirs = one[block.src_start : block.src_end], other[block.dest_start : block.dest_end]
            print(f"      - {' '.join(ours)[:140]}\n      + {' '.join(theirs)[:140]}")


def _plain(description: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", description))


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description="Measure how stories are told apart.")
    parser.add_argument("--foreign", action="store_true", help="look at real feed items and notices")
    parser.add_argument("--show", type=int, default=0, help="print what differs in so many pairs")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.foreign:
        foreign(options.show)
    else:
        report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
