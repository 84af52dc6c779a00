"""Teach the relevance network: `python -m extractors.training.relevance [--to FOLDER]` distils the model in FOLDER.

The teacher reads all texts once (half an hour on two cores; `build/relevance` keeps its answers), then training takes
some minutes. The network and its threshold, found on held-out texts, go into the model's folder and manifest. Runs on
one thread with fixed seeds: the same texts give the same weights.
"""

import argparse
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from extractors import model as models
from extractors.encoder import Tagger
from extractors.model import BUNDLED, ENCODER, RELEVANCE, TOKENIZER
from extractors.relevance import FAR, MARKS, NEAR, SLACK, Cuts, Relevance, sketch, word_offsets
from extractors.training.lessons import Lesson, Text, Told, lessons, taught, texts, words_of
from extractors.words import SHORT

CACHE = Path("build") / "relevance" / "teacher.jsonl"
VOCABULARY = 18_000
WIDTHS = {"embedding": 20, "hidden": 48, "third": 16}
PROJECTED = 128
"""Principal components of the encoder's own embeddings, of which a word's embedding is made: rare words gain by it."""
PASSING, READING = 0.98, 0.98
"""Share of the held-out annotated events whose texts pass the gate, and of those found by the teacher that are read.

The teacher has learnt the latter by heart; of what it finds in texts that are new to it, more is kept.
"""

_EPOCHS = 8
_MINED = (2, 5)  # epochs before which the hardest lessons without an event are chosen anew
_FIRST, _HARD, _EASY = 0.2, 0.2, 0.05  # shares of the lessons without an event: at first, then the hardest, and others
_WORDS = 8_000  # of a batch
_RATE = 4e-3
_DECAY = 0.01
_DROPPED = 0.15  # of the hidden signals in training
_CHUNK = 32  # words of a neighbourhood that is to stay silent as a whole
_FOUND = 4.0  # how much more an event counts than such a neighbourhood
_KEEP_WORD, _KEEP_SERVICE, _KEEP_MARK = 0.92, 0.6, 0.95  # the rest is hidden in training, as unknown names will be
_SERVICE = 5  # the column of marks
_LONGEST_BAG = 64


class Network(nn.Module):  # type: ignore[misc]  # torch is not type-checked here: it need not be installed
    """The network of `extractors.relevance`, with the embeddings as projections of the encoder's."""

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        width, hidden, third = WIDTHS["embedding"], WIDTHS["hidden"], WIDTHS["third"]
        self.known: Tensor
        self.register_buffer("known", embeddings)
        self.project = nn.Linear(embeddings.shape[1], width, bias=False)
        self.unknown = nn.Parameter(torch.zeros(width))
        self.first = nn.Conv1d(width + MARKS, hidden, 5, padding=2)
        self.second = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.third = nn.Linear(3 * hidden, third)
        self.last = nn.Linear(third, 1)
        self.drop = nn.Dropout(_DROPPED)
        nn.init.constant_(self.last.bias, -3)

    def table(self) -> Tensor:
        """Return the embedding of each word of the vocabulary."""
        table: Tensor = self.project(self.known)
        return torch.cat([self.unknown[None], table])

    def forward(self, words: Tensor, marks: Tensor) -> Tensor:
        """Return (batch, length) log-odds of (batch, length) word numbers and their (batch, length, MARKS) marks."""
        given = torch.cat([nn.functional.embedding(words, self.table()), marks], -1).transpose(1, 2)
        hidden = self.drop(torch.relu(self.first(given)))
        hidden = hidden + self.drop(torch.relu(self.second(hidden)))
        near = _spread(hidden, NEAR)
        joined = torch.cat([hidden, near, _spread(near, FAR)], 1).transpose(1, 2)
        scores: Tensor = self.last(torch.relu(self.third(joined)))[..., 0]
        return scores


def _spread(hidden: Tensor, steps: tuple[int, ...]) -> Tensor:
    length = hidden.shape[-1]
    for step in steps:
        before = nn.functional.pad(hidden, (step, 0))[..., :length]
        after = nn.functional.pad(hidden, (0, step))[..., step:]
        hidden = torch.maximum(torch.maximum(hidden, before), after)
    return hidden


@dataclass(frozen=True)
class _Batch:
    words: Tensor
    marks: Tensor
    empty: Tensor
    bags: Tensor
    """(events, _LONGEST_BAG) places in the flattened batch, filled up with -1."""
    weights: Tensor


def train(pupils: Sequence[Lesson], embeddings: Tensor, epochs: int = _EPOCHS, seed: int = 7) -> Network:
    """Teach a network. Mostly the lessons without an event that it finds hardest are repeated."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    chance = np.random.default_rng(seed)
    network = Network(embeddings)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    chosen = [number for number, lesson in enumerate(pupils) if lesson.bags or chance.random() < _FIRST]
    steps = 0
    for epoch in range(epochs):
        if epoch in _MINED:
            chosen = _hardest(network, pupils, chance)
        batches = _batches(pupils, chosen, chance)
        loss_sum = 0.0
        for number, numbers in enumerate(batches):
            steps += 1
            done = (epoch + number / len(batches)) / epochs
            for group in optimizer.param_groups:
                group["lr"] = _RATE * min(1.0, steps / 100) * (1 - done)
            loss = _loss(network, _padded([pupils[n] for n in numbers]))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            loss_sum += loss.item()
        print(f"epoch {epoch}: {len(chosen)} lessons, loss {loss_sum / len(batches):.4f}", flush=True)
    network.eval()
    return network


def _loss(network: Network, batch: _Batch) -> Tensor:
    keep = torch.where(batch.marks[..., _SERVICE] > 0, _KEEP_SERVICE, _KEEP_WORD)
    words = batch.words.masked_fill(torch.rand(batch.words.shape) > keep, 0)
    marks = batch.marks * (torch.rand(batch.marks.shape) < _KEEP_MARK)
    if torch.rand(()) < 0.1:  # texts all in capitals, or with none
        marks = torch.cat([torch.rand(()).round().expand(*words.shape, 2), marks[..., 2:]], -1)
    scores = network(words, marks)
    silent = scores.masked_fill(~batch.empty, -12.0).reshape(len(words), -1, _CHUNK)
    loss = nn.functional.softplus(silent.amax(-1)).sum() + 0.02 * nn.functional.softplus(silent).sum()
    if len(batch.bags):
        within = scores.reshape(-1)[batch.bags.clamp_min(0)].masked_fill(batch.bags < 0, -1e4)
        loss = loss + _FOUND * (batch.weights * nn.functional.softplus(-torch.logsumexp(2 * within, -1) / 2)).sum()
    return loss / 100


def _padded(chosen: Sequence[Lesson]) -> _Batch:
    length = max(len(lesson.words) for lesson in chosen)
    length += -length % _CHUNK
    words = np.zeros((len(chosen), length), np.int64)
    marks = np.zeros((len(chosen), length, MARKS), np.float32)
    empty = np.zeros((len(chosen), length), np.bool_)
    bags, weights = [], []
    for row, lesson in enumerate(chosen):
        count = len(lesson.words)
        words[row, :count], marks[row, :count], empty[row, :count] = lesson.words, lesson.marks, lesson.empty
        for bag in lesson.bags:
            places = np.full(_LONGEST_BAG, -1, np.int64)
            there = np.arange(bag.start, min(bag.end, bag.start + _LONGEST_BAG)) + row * length
            places[: len(there)] = there
            bags.append(places)
            weights.append(bag.weight)
    return _Batch(
        torch.from_numpy(words),
        torch.from_numpy(marks),
        torch.from_numpy(empty),
        torch.from_numpy(np.array(bags, np.int64).reshape(-1, _LONGEST_BAG)),
        torch.tensor(weights),
    )


def _batches(pupils: Sequence[Lesson], chosen: Iterable[int], chance: np.random.Generator) -> list[list[int]]:
    batches: list[list[int]] = [[]]
    for number in sorted(chosen, key=lambda n: len(pupils[n].words) + 16 * chance.random()):
        batches[-1].append(number)
        if len(batches[-1]) * len(pupils[number].words) >= _WORDS:
            batches.append([])
    batches = [batch for batch in batches if batch]
    chance.shuffle(batches)
    return batches


def _hardest(network: Network, pupils: Sequence[Lesson], chance: np.random.Generator) -> list[int]:
    """Return the lessons with events, the hardest of the others, and some of the rest."""
    highest = np.full(len(pupils), -20.0)
    network.eval()
    with torch.no_grad():
        for numbers in _batches(pupils, (n for n, lesson in enumerate(pupils) if not lesson.bags), chance):
            batch = _padded([pupils[number] for number in numbers])
            scores = network(batch.words, batch.marks).masked_fill(~batch.empty, -20.0)
            highest[numbers] = scores.amax(-1).numpy()
    network.train()
    without = sorted((n for n, lesson in enumerate(pupils) if not lesson.bags), key=lambda n: -highest[n])
    hard = int(_HARD * len(without))
    return [
        *(n for n, lesson in enumerate(pupils) if lesson.bags),
        *without[:hard],
        *chance.choice(without[hard:], int(_EASY * len(without)), replace=False).tolist(),
    ]


def vocabulary_of(wanted: Iterable[Sequence[str]]) -> dict[str, int]:
    """Number the words that most texts have, from 1; one that stands in a single text is unknown."""
    counts = Counter(word for words in wanted for word in sorted(set(words)))
    return {word: n for n, (word, count) in enumerate(counts.most_common(VOCABULARY), 1) if count > 1}


def embeddings_of(vocabulary: Iterable[str], folder: Path) -> Tensor:
    """Return a row per word: components of the mean of its pieces' embeddings."""
    import onnx
    from onnx import numpy_helper

    name = "embeddings.word_embeddings.weight"
    tensors = {t.name: t for t in onnx.load(str(folder / ENCODER)).graph.initializer if t.name.startswith(name)}
    quantized, zero, scale = (
        numpy_helper.to_array(tensors[f"{name}_{part}"]).astype(np.float32)
        for part in ("quantized", "zero_point", "scale")
    )
    tokenizer = models.load_tokenizer((folder / TOKENIZER).read_bytes())
    pieces = [tokenizer.encode(word, add_special_tokens=False).ids for word in vocabulary]
    means = np.stack([((quantized[ids] - zero) * scale).mean(0) for ids in pieces])
    means -= means.mean(0)
    _, _, axes = np.linalg.svd(means[: VOCABULARY // 2], full_matrices=False)
    components = means @ axes[:PROJECTED].T
    return torch.from_numpy((components / components.std()).astype(np.float32))


def packed(network: Network, vocabulary: Sequence[str], cuts: Cuts) -> bytes:
    """Return the network as a safetensors file: embeddings in int8, the rest in float32."""
    from safetensors.numpy import save

    def rows(convolution: nn.Conv1d) -> NDArray[np.float32]:
        weight = convolution.weight.detach().permute(2, 1, 0)  # (out, in, place) to (place, in, out)
        return np.ascontiguousarray(weight.reshape(-1, weight.shape[-1]).numpy())

    with torch.no_grad():
        table = network.table().numpy()
    scale = np.abs(table).max(0) / 127
    tensors: dict[str, NDArray[Any]] = {
        "embedding": np.round(table / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "first": rows(network.first),
        "second": rows(network.second),
        "third": np.ascontiguousarray(network.third.weight.detach().T.numpy()),
        "last": np.ascontiguousarray(network.last.weight.detach()[0].numpy()),
        "words": np.frombuffer(zlib.compress("\n".join(vocabulary).encode(), 9), np.uint8),
    }
    for name in ("first", "second", "third", "last"):
        tensors[f"{name}_bias"] = getattr(network, name).bias.detach().numpy()
    content: bytes = save(tensors, {name: f"{cut:.4f}" for name, cut in asdict(cuts).items()})
    return content


def chances(relevance: Relevance, text: str, triggers: Sequence[tuple[int, int]]) -> list[float]:
    """Return for each trigger of a text the highest log-odds where a short text or an excerpt around it is read."""
    if not triggers:
        return []
    scores, spans = relevance.scores(sketch(text)), word_offsets(text)
    if len(text) <= SHORT:
        return [float(scores.max())] * len(triggers)
    places = [words_of(spans, *trigger) for trigger in triggers]
    return [float(scores[max(0, first - SLACK) : last + SLACK].max()) for first, last in places]


def cuts_of(relevance: Relevance, told: Iterable[tuple[Text, Sequence[Told]]], cut: float) -> Cuts:
    """Choose the cuts on the annotated texts that are held out. Elsewhere most of what the teacher finds is none."""
    passing: list[float] = []
    reading: list[float] = []
    for text, found in told:
        if text.held_out and text.annotated:
            passing += chances(relevance, text.text, text.gold)
            reading += chances(relevance, text.text, [(t.start, t.end) for t in found if t.score >= cut])
    return Cuts(float(np.quantile(passing, 1 - PASSING)), float(np.quantile(reading, 1 - READING)))


def install(content: bytes, folder: Path, about: dict[str, Any]) -> None:
    """Write the network into a model's folder, and pin it in the manifest."""
    manifest = models.read_manifest(folder)
    (folder / RELEVANCE).write_bytes(content)
    manifest["files"][RELEVANCE] = hashlib.sha256(content).hexdigest()
    manifest["about"]["relevance"] = about
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def distil(folder: Path, cache: Path = CACHE, epochs: int = _EPOCHS) -> dict[str, Any]:
    """Teach a network what the model in `folder` finds, install it there, and return what was measured."""
    cut = Tagger.load(folder).least
    answers = list(taught(folder, texts(), cache))
    vocabulary = vocabulary_of(sketch(text.text).words for text, _ in answers if not text.held_out)

    def pupils() -> Iterator[Lesson]:
        for text, told in answers:
            if not text.held_out:
                yield from lessons(text, told, cut, vocabulary)

    network = train(list(pupils()), embeddings_of(vocabulary, folder), epochs)
    words = list(vocabulary)
    cuts = cuts_of(Relevance.parse(packed(network, words, Cuts(0.0, 0.0))), answers, cut)
    content = packed(network, words, cuts)
    about = {
        "texts": sum(not text.held_out for text, _ in answers),
        "bytes": len(content),
        **{name: round(value, 4) for name, value in asdict(cuts).items()},
    }
    install(content, folder, about)
    return about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=BUNDLED, help="a model's folder; the bundled one by default")
    parser.add_argument("--epochs", type=int, default=_EPOCHS)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the teacher's answers are kept")
    given = parser.parse_args()
    print(json.dumps(distil(given.to, given.cache, given.epochs)))


if __name__ == "__main__":
    main()
