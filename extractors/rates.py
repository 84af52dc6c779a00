"""Rates with their intervals, from counts per passage: a bootstrap over passages, paired where states are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REPLICATES = 1000
SEED = 20250101
COUNTS = [
    "strict_tp",
    "strict_fp",
    "strict_fn",
    "lenient_tp",
    "lenient_fp",
    "lenient_fn",
    "status",
    "country",
    "date",
    "scope",
    "full",
    "reason_tp",
    "reason_fp",
    "reason_fn",
]
Counts = NDArray[np.int64]
Shares = NDArray[np.float64]
COLUMN = {name: index for index, name in enumerate(COUNTS)}


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its 95 % interval; None where nothing was there to be counted."""

    value: float | None
    low: float | None
    high: float | None


def difference(before: Mapping[str, Sequence[int]], after: Mapping[str, Sequence[int]]) -> dict[str, Rate]:
    """Return by how much each rate has changed on the passages that both know, with its 95 % interval.

    The bootstrap is paired: both sides are drawn alike, so what is hard for both does not widen the interval.
    """
    shared = sorted(before.keys() & after.keys())
    if not shared:
        return {}
    samples = [_samples(np.array([side[name] for name in shared], np.int64)) for side in (before, after)]
    old, new = (_replicates(sample) for sample in samples)
    changes: dict[str, Rate] = {}
    for name in old:
        change = new[name] - old[name]
        known = change[1:][~np.isnan(change[1:])]
        if np.isnan(change[0]) or not len(known):
            changes[name] = Rate(None, None, None)
        else:
            low, high = np.percentile(known, [2.5, 97.5])
            changes[name] = Rate(float(change[0]), float(low), float(high))
    return changes


def rates_of(counts: Counts) -> dict[str, Rate]:
    """Return every rate by name for counts of shape (passages, COUNTS)."""
    return {name: _rate(values) for name, values in _replicates(_samples(counts)).items()}


def _samples(counts: Counts) -> Counts:
    """Return the totals, then those of the bootstrap's samples: (1 + REPLICATES, counts)."""
    rows = len(counts)
    if not rows:
        return np.zeros((1, len(COUNTS)), np.int64)
    drawn = np.random.default_rng(SEED).multinomial(rows, np.full(rows, 1 / rows), size=REPLICATES)
    return np.vstack([counts.sum(axis=0), drawn @ counts])


def _replicates(samples: Counts) -> dict[str, Shares]:
    """Return each rate's value and then its bootstrap replicates; nan where nothing was there to be counted."""

    def column(name: str) -> Counts:
        return samples[:, COLUMN[name]]

    def share(right: Counts, of: Counts) -> Shares:
        return np.where(of > 0, right / np.maximum(of, 1), np.nan)

    rates: dict[str, Shares] = {}
    for label in ("strict", "lenient"):
        tp, fp, fn = (column(f"{label}_{part}") for part in ("tp", "fp", "fn"))
        rates[f"{label}_precision"] = share(tp, tp + fp)
        rates[f"{label}_recall"] = share(tp, tp + fn)
        rates[f"{label}_f1"] = share(2 * tp, 2 * tp + fp + fn)
    matches = column("strict_tp")
    for name, field_name in (("status", "status"), ("country", "country"), ("date_value", "date"), ("scope", "scope")):
        rates[name] = share(column(field_name), matches)
    tp, fp, fn = (column(f"reason_{part}") for part in ("tp", "fp", "fn"))
    rates["reason_classes_f1"] = share(2 * tp, 2 * tp + fp + fn)
    rates["full_record"] = share(column("full"), matches)
    return rates


def _rate(values: Shares) -> Rate:
    if np.isnan(values[0]):
        return Rate(None, None, None)
    known = values[1:][~np.isnan(values[1:])]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (values[0], values[0])
    return Rate(float(values[0]), float(low), float(high))
