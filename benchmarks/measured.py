"""Puts the frozen figures of the bundled model beside its weights, where the dashboard reads them.

    python -m benchmarks.measured

They come from `benchmarks/frozen/`, which `benchmarks/freeze.py` and `benchmarks/filtering.py` write; a test holds
the file to them.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from extractors.measured import FORMAT, NAME
from extractors.model import BUNDLED
from extractors.rates import rates_of

FROZEN = Path(__file__).parent / "frozen"
TEXTS = {
    "real dev": ("real_dev.json", "News passages annotated by hand; scores and cut were chosen on them"),
    "own test": ("own_test.json", "Passages of our own that seek out unusual wordings; they chose nothing"),
}


def figures() -> dict[str, Any]:
    """All of them, as the file has them."""
    filtering = _read("filtering.json")
    events = _read("filtering_events.json")
    if filtering["revision"] != events["revision"]:
        raise SystemExit("the frozen figures of passages and events are of two models")
    return {
        "format": FORMAT,
        "revision": filtering["revision"],
        "texts": [_texts(name, filtering[name]) for name in TEXTS],
        "voices": events["events"],
    }


def _texts(name: str, by_cut: list[dict[str, float]]) -> dict[str, Any]:
    file, about = TEXTS[name]
    counts = np.array(list(_read(file)["passages"].values()), np.int64)
    rates = {
        rate: [round(100 * one, 1) for one in (found.value, found.low, found.high)]
        for rate, found in rates_of(counts).items()
        if found.value is not None and found.low is not None and found.high is not None
    }
    return {
        "name": name,
        "about": about,
        "passages": len(counts),
        "rates": rates,
        "by_cut": [
            {
                "cut": one["cut"],
                "events": one["events"],
                "rates": {rate: share for rate, share in one.items() if rate not in ("cut", "events")},
            }
            for one in by_cut
        ],
    }


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FROZEN / name).read_text("utf-8"))
    return read


if __name__ == "__main__":
    (BUNDLED / NAME).write_text(json.dumps(figures(), indent=1, ensure_ascii=False) + "\n", "utf-8")
