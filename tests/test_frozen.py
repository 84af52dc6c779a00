"""The bundled model keeps what it reached: no change of weights, rules or registries may cost more than the noise."""

import json
from pathlib import Path

import pytest

from benchmarks.freeze import FROZEN, measure, stem
from extractors.encoder import Tagger
from extractors.rates import difference
from extractors.training.evaluate import held_out

WATCHED = ("strict_f1", "strict_precision", "lenient_f1", "status", "country", "date_value", "full_record")


MODEL = [path for path in sorted(FROZEN.glob("*.json")) if "passages" in json.loads(path.read_text("utf-8"))]
"""Beside them lie the frozen figures of other tasks, which have tests of their own."""


def test_there_are_frozen_figures() -> None:
    assert len(MODEL) >= 5


HELD = [path for path in MODEL if path.stem in ("own_dev", "real_dev")]
MOST = 250
"""Passages that are read of each here, which takes seconds; `python -m benchmarks.freeze` reads all of all files."""


@pytest.mark.parametrize("path", HELD, ids=lambda path: path.stem)
def test_no_rate_falls_by_more_than_the_noise(path: Path) -> None:
    parts = {stem(name): passages for name, passages in held_out().items()}
    if path.stem not in parts:
        pytest.skip(f"the passages of {path.stem} lie in ../shared, which is not there")
    passages = parts[path.stem]
    now = measure(Tagger.load(), passages[:: -(-len(passages) // MOST)])
    before = json.loads(path.read_text("utf-8"))["passages"]
    for name, change in difference(before, now["passages"]).items():
        if name in WATCHED and change.value is not None and change.high is not None:
            told = f"{name}: {now['rates'][name]} now, a change by {100 * change.value:.2f}"
            assert change.high >= 0, told
            assert change.value > -0.05, told


def test_a_loss_beyond_the_noise_is_seen_and_a_small_one_is_not() -> None:
    def counts(right: int) -> dict[str, list[int]]:
        hit, miss = [1, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0], [0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
        return {str(number): hit if number < right else miss for number in range(200)}

    fallen = difference(counts(150), counts(120))["strict_f1"]
    assert fallen.high is not None
    assert fallen.high < 0
    steady = difference(counts(150), counts(149))["strict_f1"]
    assert steady.high is not None
    assert steady.high >= 0
    assert difference(counts(150), counts(150))["strict_f1"].value == 0
