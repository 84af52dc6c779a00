"""How fast the model loads and reads: `python -m benchmarks.model_speed [--folder DIR] [--threads N] [--megabytes N]`.

Reads passages of the training data, joined to articles of about 500 words, and compares the whole way from text to
mentions with the bare sessions fed the same inputs, laid out beforehand. `--megabytes` adds one document of that size
(everyday news) in a process of its own, and reports how its memory grew.
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

from extractors.training.corpora import texts
from extractors.training.data import own_passages, shared_folder
from pipeline.types import Document

DATA = Path(__file__).resolve().parent.parent / "extractors" / "training" / "data" / "written.jsonl"


def articles(count: int) -> list[Document]:
    """Join passages by sixes into documents."""
    with DATA.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return [Document(str(i), "\n".join(texts[6 * i : 6 * i + 6])) for i in range(count)]


def long_document(megabytes: float) -> Document:
    """Return a document of everyday news, of the corpora where they are there, else of our own passages."""
    folder = shared_folder() / "corpus"
    plain = texts(folder) if folder.is_dir() else cycle(passage.text for passage in own_passages("train"))
    parts, size = [], 0
    for part in plain:
        parts.append(part)
        size += len(part) + 2
        if size >= megabytes * 1e6:
            break
    return Document("long", "\n\n".join(parts))


def timed(work: Callable[[Any], Any], feeds: Sequence[Any], threads: int) -> float:
    """Return how many seconds `work` takes over `feeds`, spread over threads."""
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, feeds):
            pass
    return time.perf_counter() - started


class _Recorder:
    """A session that notes what it is fed."""

    def __init__(self, session: Any, feeds: list[dict[str, Any]]) -> None:
        self._session, self._feeds = session, feeds

    def run(self, names: Any, feeds: dict[str, Any]) -> Any:
        self._feeds.append(feeds)
        return self._session.run(names, feeds)


def _long(megabytes: float, folder: Path | None, answers: Any) -> None:
    from extractors.encoder import Tagger
    from extractors.extractor import ClampdownExtractor

    document = long_document(megabytes)
    tagger = Tagger.load(folder)
    extractor = ClampdownExtractor(tagger, tagger.least)
    extractor.extract([Document("warm", document.text[:60_000])])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    (found,) = extractor.extract([document])
    took = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    answers.put({"long_mb": megabytes, "long_s": round(took, 1), "long_events": len(found), "long_grew_mb": grown})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--articles", type=int, default=60)
    parser.add_argument("--megabytes", type=float, default=0)
    given = parser.parse_args()
    started = time.perf_counter()
    from extractors.encoder import Tagger

    tagger = Tagger.load(given.folder, given.threads)
    tagger.tag([Document("first", "Italy banned DeepSeek on Thursday.")])
    loaded = time.perf_counter() - started

    from dataclasses import replace

    from extractors.model import load

    documents = articles(given.articles)
    model = load(given.folder)
    encoder_feeds: list[dict[str, Any]] = []
    argument_feeds: list[dict[str, Any]] = []
    recorded = replace(
        model, encoder=_Recorder(model.encoder, encoder_feeds), arguments=_Recorder(model.arguments, argument_feeds)
    )
    Tagger(recorded, given.threads).tag(documents)
    threads = tagger.threads
    whole, bare = [], []
    for _ in range(3):  # in turn, so that a busy moment of the machine strikes both
        started = time.perf_counter()
        found = tagger.tag(documents)
        whole.append(time.perf_counter() - started)
        bare.append(
            timed(lambda feed: model.encoder.run(None, feed), encoder_feeds, threads)
            + timed(lambda feed: model.arguments.run(None, feed), argument_feeds, threads)
        )
    windows = len(encoder_feeds)
    told: dict[str, Any] = {
        "load_s": round(loaded, 2),
        "articles": len(documents),
        "windows": windows,
        "triggers": len(argument_feeds),
        "mentions": sum(map(len, found)),
        "articles_per_s": round(len(documents) / min(whole), 1),
        "windows_per_s": round(windows / min(whole), 1),
        "bare_windows_per_s": round(windows / min(bare), 1),
        "share_of_bare": round(min(bare) / min(whole), 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if given.megabytes:
        context = multiprocessing.get_context("spawn")
        answers = context.SimpleQueue()
        process = context.Process(target=_long, args=(given.megabytes, given.folder, answers))
        process.start()
        told |= answers.get()
        process.join()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
