"""How fast the model loads and reads: `python -m benchmarks.model_speed [--folder DIR] [--threads N]`.

Reads the written passages of the training data, joined to articles of about 500 words, and compares the whole tagger
with the bare sessions on the same windows.
"""

import argparse
import json
import resource
import time
from pathlib import Path

from pipeline.types import Document

DATA = Path(__file__).resolve().parent.parent / "extractors" / "training" / "data" / "written.jsonl"


def articles(count: int) -> list[Document]:
    """Join passages by sixes into documents."""
    with DATA.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return [Document(str(i), "\n".join(texts[6 * i : 6 * i + 6])) for i in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--articles", type=int, default=60)
    given = parser.parse_args()
    started = time.perf_counter()
    from extractors.encoder import Tagger
    from extractors.model import load, word_pieces
    from extractors.words import split, windows

    tagger = Tagger.load(given.folder, given.threads)
    loaded = time.perf_counter() - started
    documents = articles(given.articles)
    tagger.tag(documents[:3])
    started = time.perf_counter()
    found = tagger.tag(documents)
    took = time.perf_counter() - started
    model = load(given.folder)
    count = words = 0
    for document in documents:
        cut = split(document.text)
        pieces = word_pieces(model.tokenizer, [cut[i] for i in range(len(cut))], model.unknown)
        count += len(windows([len(ids) for ids in pieces], cut.headline, model.max_pieces))
        words += len(cut)
    print(
        json.dumps(
            {
                "load_s": round(loaded, 2),
                "articles": len(documents),
                "words": words,
                "windows": count,
                "mentions": sum(map(len, found)),
                "articles_per_s": round(len(documents) / took, 1),
                "windows_per_s": round(count / took, 1),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
