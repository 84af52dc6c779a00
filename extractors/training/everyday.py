"""Texts as news and the web have them, with no annotation: what a model is let loose on.

They come from the corpora that lie beside the checkout, and stay there. Whole articles and short items are both here,
about everything; hardly any tells of a restriction.
"""

import csv
import html
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

from extractors.training.corpora import KEEPITON, NEWS_ITEMS, texts

ARCHIVES = ("casie.tar.gz", "ecbplus.tar.gz", "event_args.tar.gz", "causal_news_corpus.tar.gz")

# Tokenised corpora part punctuation from words.
_PARTED = re.compile(r" (?=[.,;:!?%)\]}’”]|'s\b|n't\b)|(?<=[(\[{“$£€]) ")
_TOKEN = re.compile(r'<token [^>]*sentence="(\d+)"[^>]*>([^<]*)</token>')


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and where it is from. `group` names texts that belong together (a topic, a source) for holding out."""

    corpus: str
    group: str
    text: str


def everyday(folder: Path) -> Iterator[Reading]:
    """Yield the texts of the corpora in `folder`, each once; corpora that are not there are passed over."""
    seen: set[str] = set()
    for reading in _readings(folder):
        if reading.text and reading.text not in seen:
            seen.add(reading.text)
            yield reading


def _readings(folder: Path) -> Iterator[Reading]:
    if (folder / NEWS_ITEMS).is_file() or (folder / KEEPITON).is_file():
        for number, text in enumerate(texts(folder)):
            yield Reading("items", str(number), text)
    for name in ARCHIVES:
        if (folder / name).is_file():
            with tarfile.open(folder / name) as archive:
                yield from _archived(archive)


def _archived(archive: tarfile.TarFile) -> Iterator[Reading]:
    for member in archive:
        path = Path(member.name)
        file = archive.extractfile(member)
        if file is None:
            continue
        if path.parent.name == "source" and path.suffix == ".txt":
            yield Reading("casie", path.stem, _casie(file.read().decode("utf-8", "replace")))
        elif path.parent.parent.name == "ECB+" and path.suffix == ".xml":
            yield Reading("ecb+", path.parent.name, _ecb(file.read()))
        elif path.suffix in (".jsonl", ".jsonlines"):
            yield from map(_event_arguments, file)
        elif "subtask1" in path.name:
            rows = csv.DictReader(io.TextIOWrapper(file, "utf-8-sig"))
            yield from (Reading("causal", row["index"].rsplit("_", 2)[0], _joined(row["text"])) for row in rows)


def _casie(source: str) -> str:
    title = re.search(r"<title>(.*?)</title>", source, re.DOTALL)
    body = source.partition("<text>")[2].partition("</text>")[0]
    return "\n".join(part.strip() for part in (title[1] if title else "", body)).strip()


def _ecb(source: bytes) -> str:
    tokens = [(match[1], html.unescape(match[2])) for match in _TOKEN.finditer(source.decode("utf-8", "replace"))]
    sentences = (" ".join(word for _, word in words) for _, words in groupby(tokens, key=lambda token: token[0]))
    return "\n".join(map(_joined, sentences))


def _event_arguments(line: bytes) -> Reading:
    record = json.loads(line)
    if "tokens" in record:
        text = record.get("text") or _joined(" ".join(record["tokens"]))
        return Reading("wikievents", record.get("doc_id") or record["docid"], text.strip())
    words = chain.from_iterable(record["sentences"])
    return Reading("rams", record["doc_key"], _joined(" ".join(words)))


def _joined(tokens: str) -> str:
    return _PARTED.sub("", tokens)
