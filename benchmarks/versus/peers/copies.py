"""Others that find near-duplicates: each takes texts and gives the pairs of places that it takes for copies.

All but text-dedup, gaoya and simhash, which cut texts into pieces themselves, are given the same pieces: three words,
folded.
"""

import re
from collections import defaultdict
from typing import Any

Pairs = set[tuple[int, int]]
WORD = re.compile(r"\w+")
SEED = 20261122


def datasketch(texts: list[str], threshold: float) -> Pairs:
    import datasketch as library

    sketches = library.MinHash.bulk([[one.encode() for one in _shingles(text)] for text in texts], num_perm=128, seed=1)
    index = library.MinHashLSH(threshold=threshold, num_perm=128)
    found: Pairs = set()
    for place, sketch in enumerate(sketches):
        found.update((other, place) for other in index.query(sketch))
        index.insert(place, sketch)
    return found


def rensa(texts: list[str], threshold: float) -> Pairs:
    import rensa as library

    bands = 32
    index = library.RMinHashLSH(threshold=threshold, num_perm=128, num_bands=bands)
    sketches, found = [], set()
    for place, text in enumerate(texts):
        sketch = library.RMinHash(num_perm=128, seed=SEED)
        sketch.update(list(_shingles(text)))
        found.update((other, place) for other in index.query(sketch) if sketches[other].jaccard(sketch) >= threshold)
        index.insert(place, sketch)
        sketches.append(sketch)
    return found


def gaoya(texts: list[str], threshold: float) -> Pairs:
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        hash_size=32, jaccard_threshold=threshold, num_bands=None, band_size=None, num_hashes=128, analyzer="word",
        lowercase=True, ngram_range=(3, 3),
    )  # fmt: skip
    found: Pairs = set()
    for place, text in enumerate(texts):
        found.update((other, place) for other in index.query(text))
        index.insert_document(place, text)
    return found


def text_dedup(texts: list[str], threshold: float) -> Pairs:
    """`python -m text_dedup.minhash` with its defaults, its steps one by one and in memory instead of on disk."""
    import numpy as np
    from text_dedup.minhash import SIGNATURE_COLUMN, embed_func
    from text_dedup.utils import optimal_param, sha1_hash

    permutations, prime = 250, (1 << 61) - 1
    bands, rows = optimal_param(threshold, permutations, false_positive_weight=0.5, false_negative_weight=0.5)
    dice = np.random.RandomState(42)
    options: dict[str, Any] = {
        "num_perm": permutations, "ngram_size": 5, "min_length": 5, "dtype": np.uint64,
        "hashranges": [(band * rows, (band + 1) * rows) for band in range(bands)],
        "permutations": (
            dice.randint(1, prime, size=(permutations,), dtype=np.uint64),
            dice.randint(0, prime, size=(permutations,), dtype=np.uint64),
        ),
        "hash_func": lambda data: sha1_hash(data, d=32), "max_hash": np.uint32((1 << 32) - 1),
        "modulo_prime": np.uint64(prime),
    }  # fmt: skip
    tables: list[dict[bytes, set[int]]] = [defaultdict(set) for _ in range(bands)]
    for place, text in enumerate(texts):
        for table, band in zip(tables, embed_func(text, place, **options)[SIGNATURE_COLUMN], strict=True):
            table[band].add(place)
    clusters = (cluster for table in tables for cluster in table.values() if len(cluster) > 1)
    return {(min(cluster), place) for cluster in clusters for place in cluster if place != min(cluster)}


def simhash(texts: list[str], distance: float) -> Pairs:
    from simhash import Simhash, SimhashIndex

    index = SimhashIndex([], k=int(distance))
    found: Pairs = set()
    for place, text in enumerate(texts):
        value = Simhash(text)
        found.update((int(other), place) for other in index.get_near_dups(value))
        index.add(str(place), value)
    return found


def _shingles(text: str) -> set[str]:
    words = WORD.findall(text.casefold())
    return {" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))}
