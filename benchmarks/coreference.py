"""How well a clustering of mentions agrees with chains of coreference: MUC, B³, CEAF-e and their mean."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.happenings import b_cubed

Floats = npt.NDArray[np.float64]
Labels = Sequence[int]


# ---- clusterings


def components(linked: npt.NDArray[np.bool_]) -> list[int]:
    """Label the connected components of a symmetric matrix."""
    labels = [-1] * len(linked)
    for seed in range(len(linked)):
        if labels[seed] < 0:
            labels[seed] = seed
            todo = [seed]
            while todo:
                for other in np.flatnonzero(linked[todo.pop()]):
                    if labels[other] < 0:
                        labels[other] = seed
                        todo.append(int(other))
    return labels


# ---- measures


@dataclass(frozen=True, slots=True)
class Scores:
    """F1 of MUC, B³ and CEAF-e; `conll` is their mean."""

    muc: float
    b3: float
    b3_precision: float
    b3_recall: float
    ceaf: float

    @property
    def conll(self) -> float:
        return (self.muc + self.b3 + self.ceaf) / 3

    def __str__(self) -> str:
        b3 = f"{self.b3:.3f} (P {self.b3_precision:.3f}, R {self.b3_recall:.3f})"
        return f"MUC {self.muc:.3f}  B³ {b3}  CEAF-e {self.ceaf:.3f}  CoNLL {self.conll:.3f}"


def measure(found: Labels, truth: Sequence[str]) -> Scores:
    """Compare a clustering of mentions with the chain of each."""
    names = [str(label) for label in found]
    keys = [str(i) for i in range(len(truth))]
    cubed = b_cubed(dict(zip(keys, names, strict=True)), dict(zip(keys, truth, strict=True)))
    return Scores(_muc(names, truth), cubed.f1, cubed.precision, cubed.recall, _ceaf(names, truth))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _muc(found: Sequence[str], truth: Sequence[str]) -> float:
    def recall(of: Sequence[str], by: Sequence[str]) -> float:
        parts: dict[str, list[str]] = defaultdict(list)
        for one, other in zip(of, by, strict=True):
            parts[one].append(other)
        kept = sum(len(some) - len(set(some)) for some in parts.values())
        return kept / max(1, sum(len(some) - 1 for some in parts.values()))

    return _f1(recall(found, truth), recall(truth, found))


def _ceaf(found: Sequence[str], truth: Sequence[str]) -> float:
    """CEAF-e: the best one-to-one pairing of clusters by 2·|both| / (|one| + |other|)."""
    shared, sizes, true_sizes = Counter(zip(found, truth, strict=True)), Counter(found), Counter(truth)
    total = 0.0
    for part in _parts(list(shared)):
        rows, columns = sorted({one for one, _ in part}), sorted({other for _, other in part})
        worth = np.zeros((max(len(rows), len(columns)),) * 2)
        for one, other in part:
            score = 2 * shared[one, other] / (sizes[one] + true_sizes[other])
            worth[rows.index(one), columns.index(other)] = score
        total += _best_assignment(worth)
    return _f1(total / len(sizes), total / len(true_sizes))


def _parts(links: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Group links between clusters and chains so that no two groups share either."""
    parts: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for link in links:
        ends = ((0, link[0]), (1, link[1]))
        joined = [link]
        for part in {id(parts[end]): parts[end] for end in ends if end in parts}.values():
            joined += part
        for one, other in joined:
            parts[0, one] = parts[1, other] = joined
    return list({id(part): part for part in parts.values()}.values())


def _best_assignment(worth: Floats) -> float:
    """Return the greatest sum of a one-to-one assignment (the Hungarian method, by shortest augmenting paths)."""
    n = len(worth)
    cost = np.zeros((n + 1, n + 1))
    cost[1:, 1:] = -worth
    u, v = np.zeros(n + 1), np.zeros(n + 1)
    match = np.zeros(n + 1, dtype=np.intp)
    for row in range(1, n + 1):
        match[0], column = row, 0
        least, way = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.intp)
        used = np.zeros(n + 1, dtype=np.bool_)
        while True:
            used[column] = True
            at = match[column]
            reduced = cost[at] - u[at] - v
            nearer = ~used & (reduced < least)
            least[nearer], way[nearer] = reduced[nearer], column
            following = int(np.argmin(np.where(used, np.inf, least)))
            step = least[following]
            u[match[used]] += step
            v[used] -= step
            least[~used] -= step
            column = following
            if match[column] == 0:
                break
        while column:
            match[column] = match[way[column]]
            column = int(way[column])
    return float(sum(worth[match[j] - 1, j - 1] for j in range(1, n + 1)))
