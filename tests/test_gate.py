"""The gate keeps nearly every text that holds an event, and turns most everyday news away."""

import gzip
import json
from pathlib import Path

import pytest

from extractors.gate import REACH, GazetteerGate

WRITTEN = Path(__file__).resolve().parent.parent / "extractors" / "training" / "data" / "written.jsonl"
RECALL = 0.99


def positives(path: Path, split: str | None = None) -> list[str]:
    passages = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        passage["text"]
        for passage in passages
        if split in (None, passage["split"]) and any(not event.get("optional") for event in passage["events"])
    ]


def recall(texts: list[str]) -> float:
    gate = GazetteerGate()
    return sum(map(gate.passes, texts)) / len(texts)


def test_written_passages_with_events_pass() -> None:
    assert recall(positives(WRITTEN)) >= RECALL


@pytest.mark.parametrize("split", ["train", "dev"])
def test_annotated_passages_with_events_pass(shared: Path, split: str) -> None:
    assert recall(positives(shared / "annotation" / "passages.jsonl", split)) >= RECALL


def test_most_everyday_news_is_turned_away(shared: Path) -> None:
    with gzip.open(shared / "corpus" / "news_items_2021_2022.jsonl.gz", "rt", encoding="utf-8") as lines:
        items = [json.loads(line) for _, line in zip(range(1000), lines, strict=False)]
    gate = GazetteerGate()
    passed = sum(gate.passes(f"{item.get('title') or ''}\n\n{item.get('description') or ''}") for item in items)
    assert passed / len(items) <= 0.25


@pytest.mark.parametrize(
    "text",
    [
        "Italy blocks DeepSeek over privacy",
        "ITALY BLOCKS DEEPSEEK OVER PRIVACY",
        "italy blocked deepseek",
        "The ministry told staff not to use ChatGPT.",
        "A shutdown was reported during the exams.",
        "Regulators in Norvinia banned Quorzle.",
        "Tik\u200bTok was b\u00adlocked",
    ],
)
def test_restrictions_pass(text: str) -> None:
    assert GazetteerGate().passes(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\n",
        "The choir sang in the old church, and everybody went home happy.",
        "Rain is expected over the hills; farmers are glad.",
        "미국 정부",
        "TikTok is popular with teenagers.",
    ],
)
def test_other_texts_do_not_pass(text: str) -> None:
    assert not GazetteerGate().passes(text)


def test_words_far_apart_do_not_count_together() -> None:
    filler = "the quick brown fox jumps over a lazy dog " * (REACH // 20)
    assert not GazetteerGate().passes(f"WhatsApp {filler} curbed")
    assert GazetteerGate().passes("WhatsApp curbed")
