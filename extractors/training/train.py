"""Train the encoder: `python -m extractors.training.train --out DIR` (needs the extra `train`).

Reads our own passages and, where they are there, the real ones; keeps a checkpoint per epoch and goes on from it when
started again; leaves `best.pt` for `extractors.training.export`. `clampdown train` does both in one go.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from extractors.decode import Thresholds
from extractors.training.augment import Names, Rates, augment, names
from extractors.training.bases import UPPER_LAYERS, bundled_base, layer_count, layout_of, read_base
from extractors.training.data import Example, Passage, load_split, read_passages
from extractors.training.evaluate import predict, score
from extractors.training.examples import Layout, examples, trigger_lexicon
from extractors.training.floating import tagger
from extractors.training.losses import collate, losses
from extractors.training.network import Network, NetworkConfig
from extractors.training.optimizing import Average, Recipe, parameter_groups, schedule
from pipeline.errors import InputError

PARTS = ("trigger", "valid", "action", "status", "roles", "reasons", "pairs")
CUTS = np.arange(0.1, 0.95, 0.05)


@dataclass(frozen=True)
class Material:
    """What is learnt from, and what is held out: real passages and our own."""

    train: list[Passage]
    dev: list[Passage]
    own_dev: list[Passage]


def load_material(extra: Sequence[Path] = (), *, real: bool = True, own: bool = True) -> Material:
    """Load the project's passages and those of `extra` files (JSON Lines; a line's "split" says where it belongs)."""
    parts = {split: load_split(split) for split in ("train", "dev")}
    train = [*(parts["train"][0] if real else []), *(parts["train"][1] if own else [])]
    own_dev = list(parts["dev"][1])
    for path in extra:
        for passage in read_passages(path):
            (own_dev if passage.split == "dev" else train).append(passage)
    if not train:
        raise InputError("there is no passage to train on", hint="Give annotated passages with --data FILE.jsonl")
    return Material(train, parts["dev"][0], own_dev)


def new_network(base: Path) -> Network:
    """Build the network on a base encoder's weights."""
    return Network(read_base(base), NetworkConfig(shared_layers=max(1, layer_count(base) - UPPER_LAYERS)))


def train(
    base: Path,
    out: Path,
    recipe: Recipe,
    material: Material,
    begin_from: Path | None = None,
    tell: Callable[[dict[str, Any]], None] = lambda line: print(json.dumps(line), flush=True),
) -> None:
    """Train and leave checkpoints, `best.pt` and `log.jsonl` in `out`; `tell` gets each epoch's line of the log.

    A checkpoint in `out` is gone on from; else training begins with the weights of another training folder,
    `begin_from`, or with the base encoder's. A GPU is used where there is one.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1), encoding="utf-8")
    torch.manual_seed(recipe.seed)
    with _denormals_flushed():
        course = _Course(base, out, recipe, material)
        course.begin(begin_from)
        while course.epoch < recipe.epochs and not course.late():
            line = course.read_once() | course.judge()
            course.keep()
            tell(line)
            with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            course.epoch += 1


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Take the least of numbers for nothing, which is quicker. It is a state of the thread, whoever computes in it."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@dataclass
class _Clock:
    """How much of the time that a recipe allows is spent."""

    minutes: float | None
    started: float = field(default_factory=time.monotonic)

    def spent(self) -> float | None:
        """Return the share that is spent, or None where time does not count."""
        return None if self.minutes is None else (time.monotonic() - self.started) / 60 / self.minutes


class _Course:
    """One course of training: the network, what moves it, and how far it has come."""

    def __init__(self, base: Path, out: Path, recipe: Recipe, material: Material) -> None:
        self.epoch = 0
        self._out, self._recipe, self._material = out, recipe, material
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._layout = layout_of(base)
        self._pool = names(material.train, np.random.default_rng(recipe.seed))
        self._lexicon = trigger_lexicon(material.train)
        self._network = new_network(base).to(self._device)
        self._average = Average(self._network, recipe.average)
        self._optimizer = torch.optim.AdamW(
            parameter_groups(self._network, recipe), betas=(0.9, 0.98), eps=1e-6, fused=True
        )
        self._full_rates = [group["lr"] for group in self._optimizer.param_groups]
        self._per_epoch = math.ceil(len(material.train) * 1.05 / recipe.batch)
        self._step, self._first_step, self._best = 0, 0, -1.0
        self._clock = _Clock(recipe.minutes)

    def begin(self, begin_from: Path | None) -> None:
        """Take up a checkpoint, or other weights."""
        last = self._out / "last.pt"
        if last.is_file():
            state = torch.load(last, weights_only=True, map_location=self._device)
            self._network.load_state_dict(state["network"])
            self._average.network.load_state_dict(state["average"])
            self._average.steps = self._step = self._first_step = state["step"]
            self._optimizer.load_state_dict(state["optimizer"])
            self._best, self.epoch = state["best"], state["epoch"] + 1
        elif begin_from is not None:
            weights = torch.load(begin_from / "best.pt", weights_only=True, map_location=self._device)["network"]
            self._network.load_state_dict(weights)
            self._average.network.load_state_dict(weights)

    def late(self) -> bool:
        """Whether the time that the recipe allows is spent."""
        spent = self._clock.spent()
        return spent is not None and spent >= 1

    def read_once(self) -> dict[str, Any]:
        """Go once through the training passages; return the epoch's line of the log."""
        started, sums, batches = time.monotonic(), dict.fromkeys(PARTS, 0.0), 0
        random = np.random.default_rng((self._recipe.seed, self.epoch))
        self._network.train()
        for batch in epoch_batches(self._material.train, self._layout, self._pool, self._lexicon, self._recipe, random):
            if self.late():
                break
            for name, part in self._learn(batch, random).items():
                sums[name] += part
            batches += 1
        means = {name: round(total / max(batches, 1), 3) for name, total in sums.items()}
        return {"epoch": self.epoch, "steps": self._step, "train_s": round(time.monotonic() - started)} | means

    def _learn(self, batch: Sequence[Example], random: np.random.Generator) -> dict[str, float]:
        for group, full in zip(self._optimizer.param_groups, self._full_rates, strict=True):
            group["lr"] = full * schedule(self._step, self._total_steps(), self._recipe.warmup)
        with torch.autocast(self._device.type, torch.bfloat16):
            parts = losses(self._network, collate(batch, self._device), random)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._average.update(self._network)
        self._step += 1
        return {name: part.item() for name, part in parts.items()}

    def _total_steps(self) -> int:
        total = self._per_epoch * self._recipe.epochs
        done, spent = self._step - self._first_step, self._clock.spent()
        return total if spent is None or not done else min(total, self._first_step + int(done / spent))

    def judge(self) -> dict[str, Any]:
        """Read the held-out passages with the mean weights; write `best.pt` if they are the best so far."""
        started = time.monotonic()
        run = tagger(self._average.network, self._layout, Thresholds())
        parts = {"dev": self._material.dev, "own_dev": self._material.own_dev}
        found = {name: (passages, predict(run, passages)) for name, passages in parts.items() if passages}
        results = {
            name: max((score(passages, mentions, least) for least in CUTS), key=lambda result: result.f1)
            for name, (passages, mentions) in found.items()
        }
        weights = {"dev": 2, "own_dev": 1}
        total = sum(weights[name] * result.f1 for name, result in results.items())
        mean = total / max(1, sum(weights[name] for name in results))
        if mean >= self._best:
            self._best = mean
            config = self._network.config.as_dict()
            torch.save({"network": self._average.network.state_dict(), "config": config}, self._out / "best.pt")
        told = {name: str(result) for name, result in results.items()}
        return told | {"judge_s": round(time.monotonic() - started)}

    def keep(self) -> None:
        """Write the checkpoint, at once or not at all."""
        state = {
            "network": self._network.state_dict(),
            "average": self._average.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "epoch": self.epoch,
            "best": self._best,
        }
        torch.save(state, self._out / "last.pt.new")
        (self._out / "last.pt.new").replace(self._out / "last.pt")


def epoch_batches(
    passages: Sequence[Passage],
    layout: Layout,
    pool: Names,
    lexicon: frozenset[str],
    recipe: Recipe,
    random: np.random.Generator,
) -> Iterator[list[Example]]:
    """Yield one epoch's batches: every passage once, changed at random, batched with others of its length."""
    order = random.permutation(len(passages))
    for start in range(0, len(order), recipe.batch * 24):
        block = []
        for index in order[start : start + recipe.batch * 24]:
            changed = augment(passages[index], passages, pool, Rates(), random)
            block += examples(changed, layout, lexicon, random, recipe.hide)
        block.sort(key=lambda example: len(example.ids) + random.random() * 16)
        batches = []
        while block:
            count, longest = 0, 0
            while count < len(block) and count < recipe.batch:
                longest = max(longest, len(block[count].ids))
                if count and longest * (count + 1) > recipe.batch * 176:
                    break
                count += 1
            batches.append(block[:count])
            block = block[count:]
        for number in random.permutation(len(batches)):
            yield batches[number]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/training"), help="folder of checkpoints")
    parser.add_argument("--base", type=Path, default=None, help="a Hugging Face encoder's folder")
    parser.add_argument(
        "--begin-from", type=Path, default=None, help="a training folder whose best weights to begin with"
    )
    parser.add_argument("--data", type=Path, nargs="*", default=(), help="more annotated passages, JSON Lines")
    parser.add_argument("--without", choices=("real", "own"), default=None, help="leave out a part (for comparisons)")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--minutes", type=float, default=None, help="stop after so much time")
    parser.add_argument("--encoder-rate", type=float, default=Recipe.encoder_rate, help="rate of its top layer")
    parser.add_argument("--threads", type=int, default=None, help="processor threads of this run")
    parser.add_argument("--limit", type=int, default=None, help="use only so many passages (to try things out)")
    given = parser.parse_args()
    if given.threads is not None:
        torch.set_num_threads(given.threads)
    material = load_material(given.data, real=given.without != "real", own=given.without != "own")
    recipe = Recipe(epochs=given.epochs, seed=given.seed, minutes=given.minutes, encoder_rate=given.encoder_rate)
    limited = replace(material, train=material.train[: given.limit])
    train(given.base or bundled_base(), given.out, recipe, limited, given.begin_from)


if __name__ == "__main__":
    main()
