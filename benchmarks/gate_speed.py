"""What the gate and the choice of windows cost, spare and lose: `python -m benchmarks.gate_speed [--all] [--items N]`.

Everyday feed items and the whole pages of the corpora beside the checkout are gated and read; told are the shares of
texts and windows that are read, and the processor time of gate and model per text. Then the annotated passages held
out (with `--all` also those trained on) are read with every window and as in a run, and what is lost is counted.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.article_pages import load as load_pages
from extractors import model as models
from extractors.encoder import Tagger
from extractors.extractor import ClampdownExtractor
from extractors.gate import GazetteerGate
from extractors.training.corpora import texts
from extractors.training.data import Passage, load_split, shared_folder
from extractors.training.evaluate import document, held_out
from pipeline.text import read_article
from pipeline.types import Document, Entry, Mention, Response
from pipeline.urls import canonical_url


def pages(folder: Path) -> list[str]:
    """Return the texts of the benchmark's pages, as a run would store them."""
    found = []
    for page in load_pages(folder / "article_extraction_benchmark.tar.gz"):
        entry = Entry("bench", page.url, page.url, canonical_url(page.url) or page.url, "")
        headers = (("content-type", "text/html"),)
        found.append(read_article(entry, Response(page.url, page.url, 200, headers, page.page, datetime.now(UTC))).text)
    return found


def cost(wanted: Sequence[str], tagger: Tagger, every: Tagger) -> dict[str, float]:
    """Return what is read of these texts, in per cent, and the processor time per text, in milliseconds."""
    gate = GazetteerGate()
    passed, gating = _timed(lambda: [text for text in wanted if gate.passes(text)])
    documents = [Document(str(number), text) for number, text in enumerate(passed)]
    found, reading = _timed(lambda: tagger.tag(documents))
    read = sum(1 for _ in tagger.places(documents))
    there = sum(1 for _ in every.places([Document(str(number), text) for number, text in enumerate(wanted)]))
    return {
        "texts": len(wanted),
        "characters": round(sum(map(len, wanted)) / len(wanted)),
        "passing_texts": round(100 * len(passed) / len(wanted), 2),
        "windows": there,
        "read_windows": round(100 * read / there, 2),
        "gate_ms": round(1000 * gating / len(wanted), 3),
        "model_ms": round(1000 * reading / len(wanted), 3),
        "events": sum(mention.score >= tagger.least for mentions in found for mention in mentions),
    }


def losses(passages: Sequence[Passage], tagger: Tagger, every: Tagger) -> dict[str, float]:
    """Return how many events the model finds with every window, and which share of them a run still finds."""
    gate = GazetteerGate()
    documents = [document(passage) for passage in passages]
    before = ClampdownExtractor(every, tagger.least).extract(documents)
    passing = [document for document in documents if gate.passes(document.text)]
    after = dict(
        zip(
            (document.id for document in passing),
            ClampdownExtractor(tagger, tagger.least).extract(passing),
            strict=True,
        )
    )
    wanted = [_names(mentions) for mentions in before]
    kept = [_names(after.get(document.id, [])) for document in documents]
    events = sum(map(len, wanted))
    return {
        "passages": len(passages),
        "events": events,
        "kept": round(100 * sum(len(one & other) for one, other in zip(wanted, kept, strict=True)) / max(events, 1), 2),
    }


def _names(mentions: Any) -> set[tuple[Any, ...]]:
    found: Sequence[Mention] = mentions
    return {
        (mention.action, mention.actor_canonical, mention.service_canonical, mention.trigger.start) for mention in found
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="a model's folder; the bundled one by default")
    parser.add_argument("--items", type=int, default=4000, help="how many feed items are read")
    parser.add_argument("--all", action="store_true", help="count losses on the passages trained on, too")
    given = parser.parse_args()
    model = models.load(given.folder)
    tagger, every = Tagger(model), Tagger(replace(model, relevance=None))
    corpus = shared_folder() / "corpus"
    GazetteerGate().passes("Opened before the clock starts.")
    if corpus.is_dir():
        for name, wanted in (("feed items", list(islice(texts(corpus), given.items))), ("pages", pages(corpus))):
            print(json.dumps({"read": name} | cost(wanted, tagger, every)), flush=True)
    parts = held_out()
    if given.all:
        parts |= dict(zip(("real train", "own train"), load_split("train"), strict=True))
    for name, passages in parts.items():
        print(json.dumps({"annotated": name} | losses(passages, tagger, every)), flush=True)


if __name__ == "__main__":
    main()
