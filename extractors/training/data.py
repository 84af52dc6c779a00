"""Annotated passages, and what the network is taught about each word of them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.decode import ACTIONS, REASONS, ROLES, STATUSES
from extractors.training.corpora import labelled
from extractors.training.notation import read_notation
from extractors.training.quotes import Offsets, locate

DATA = Path(__file__).parent / "data"
WRITTEN = DATA / "written.jsonl"
FIELDS = ("trigger", *ROLES)


@dataclass(frozen=True)
class GoldEvent:
    """One annotated event; `spans` holds the offsets of each stated field."""

    action: int
    status: int
    reasons: tuple[int, ...]
    spans: dict[str, Offsets]
    optional: bool


@dataclass(frozen=True)
class Passage:
    """An annotated text. `raw` is the annotation as it was read, for scoring."""

    id: str
    text: str
    published: str | None
    events: tuple[GoldEvent, ...]
    raw: tuple[dict[str, Any], ...]
    real: bool
    split: str | None = None


def read_passages(path: Path, split: str | None = None) -> list[Passage]:
    """Read annotated passages (JSON lines), all of them or those of one split."""
    with path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [
        passage_of(record["id"], record["text"], record)
        for record in records
        if split is None or record.get("split") == split
    ]


def read_seeds(folder: Path) -> list[Passage]:
    """Read whole articles with their events: `gold.jsonl` names the files beside it."""
    with (folder / "gold.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [
        passage_of(record["id"], (folder / record["file"]).read_text(encoding="utf-8").rstrip(), record)
        for record in records
    ]


def shared_folder() -> Path:
    """Return the folder of third-party corpora beside the checkout; it may be absent."""
    return Path(__file__).resolve().parents[3] / "shared"


def load_split(split: str) -> tuple[list[Passage], list[Passage]]:
    """Return the real and our own passages of a split ("train", "dev", "test").

    Real are the annotated passages of the corpora and, in "train", the texts there that our labels name; both are empty
    where the corpora are absent. "dev" serves to pick weights and thresholds; "test", of our own passages, chooses
    nothing.
    """
    shared = shared_folder()
    real = shared / "annotation" / "passages.jsonl"
    passages = read_passages(real, split) if real.is_file() else []
    if split == "train":
        for labels in sorted(DATA.glob("*.labels.jsonl")):
            passages += [passage_of(r["id"], r["text"], r) for r in labelled(labels, shared / "corpus")]
    return passages, own_passages(split)


def own_passages(split: str) -> list[Passage]:
    """Return our own passages of a split: `written.jsonl` and every file in the short notation beside it."""
    passages = read_passages(WRITTEN, split)
    for path in sorted(DATA.glob("*.txt")):
        with path.open(encoding="utf-8") as lines:
            records = read_notation(lines, "written")
        passages += [passage_of(r["id"], r["text"], r) for r in records if split_of(r["id"]) == split]
    return passages


def split_of(name: str) -> str:
    """Return the split of one of our own passages, by a hash of its id: one in twelve is in dev, another in test.

    Passages that differ by a last letter ("x-7a", "x-7b") are versions of one text and stay together.
    """
    stem = name.rstrip("abcdefgh")
    return {0: "dev", 1: "test"}.get(hashlib.sha256(stem.encode()).digest()[0] % 12, "train")


def passage_of(name: str, text: str, record: dict[str, Any]) -> Passage:
    """Make a passage of a text and an annotated record's "published", "events", "corpus" and "split"."""
    events = tuple(_event(text, event) for event in record["events"])
    return Passage(
        id=name,
        text=text,
        published=record.get("published"),
        events=events,
        raw=tuple(record["events"]),
        real=record.get("corpus") != "written",
        split=record.get("split"),
    )


def _event(text: str, event: dict[str, Any]) -> GoldEvent:
    return GoldEvent(
        action=[str(a) for a in ACTIONS].index(event["action"]),
        status=[str(s) for s in STATUSES].index(event["status"]),
        reasons=tuple([str(r) for r in REASONS].index(r) for r in event.get("reason_classes") or ()),
        spans=locate(text, {name: event[name] for name in FIELDS if event.get(name)}),
        optional=bool(event.get("optional")),
    )


def moved(passage: Passage, text: str, shift: Iterable[tuple[int, int, int]]) -> Passage:
    """Return the passage with a new text, made by edits `(start, end, new length)`, in order, not
    overlapping, each replacing at least one character."""
    edits = list(shift)

    def place(offset: int, *, closing: bool) -> int:
        delta = 0
        for start, end, length in edits:
            if offset >= end:
                delta += length - (end - start)
            elif offset > start:
                return start + delta + (length if closing else 0)
        return offset + delta

    events = tuple(
        replace(
            event,
            spans={name: (place(a, closing=False), place(b, closing=True)) for name, (a, b) in event.spans.items()},
        )
        for event in passage.events
    )
    return replace(passage, text=text, events=events)


@dataclass(frozen=True)
class Target:
    """What one trigger of a window teaches. Word spans count the window's words.

    `roles` (W, 5): 0 outside, 1 begin, 2 inside, -1 not taught. `valid` is 1 for an event, 0 for none, -1 untaught.
    """

    start: int
    end: int
    valid: int
    action: int
    status: int
    reasons: NDArray[np.float32]
    roles: NDArray[np.int8]
    actors: tuple[tuple[int, int], ...]
    services: tuple[tuple[int, int], ...]
    reason: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]
    """Pairs (actor number or -1, service number) that are events."""
    weight: float


@dataclass(frozen=True)
class Example:
    """One window ready for the network."""

    ids: NDArray[np.int64]
    first: NDArray[np.int64]
    features: NDArray[np.float32]
    trigger: NDArray[np.int8]
    trigger_weight: NDArray[np.float32]
    targets: tuple[Target, ...]
    words: tuple[str, ...]
