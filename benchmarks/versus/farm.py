"""The whole pipeline over pages served on loopback, called in a process of its own by `benchmarks.versus.pipeline`."""

import json
import os
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmarks.article_pages import Sample
from benchmarks.pipeline_speed import Watch, pipeline_seconds
from extractors.training.data import WRITTEN
from pipeline.places import PUBLISHED_NAME
from warehouse.reader import open_reader

PASSAGES = 6


def run(hosts: Sequence[str]) -> dict[str, float]:
    """Run the pipeline once, from nothing; return what it stored, seconds by the clock and of CPU, and megabytes."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        seconds, outcomes = pipeline_seconds(hosts, Path(folder), watch)
        with open_reader(Path(folder) / PUBLISHED_NAME / "clampdown.duckdb") as reader:
            ((articles, mentions, events),) = reader.rows(
                "SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM mentions), (SELECT count(*) FROM events)"
            )
    return {
        "read": articles,
        "mentions": mentions,
        "events": events,
        "failed": outcomes.get("failed", 0),
        "seconds": seconds,
        "cpu": sum(watch.seconds.values()),
        "megabytes": max(weight for _, weight in watch.weights),
    }


def full_pages(count: int) -> list[Sample]:
    """Return pages of about 500 words full of events, of our own train passages, as plain HTML."""
    with WRITTEN.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, count * PASSAGES)]
    parts = [records[at : at + PASSAGES] for at in range(0, len(records), PASSAGES)]
    return [_page(number, [str(one["text"]) for one in part]) for number, part in enumerate(parts)]


def _page(number: int, texts: Sequence[str]) -> Sample:
    title, *_ = texts[0].split("\n")
    body = "".join(f"<p>{_escaped(line)}</p>" for text in texts for line in text.split("\n") if line.strip())
    html = (
        f"<!doctype html><html lang='en'><head><title>{_escaped(title)}</title>"
        "<meta property='article:published_time' content='2025-02-10T08:00:00Z'></head>"
        f"<body><article><h1>{_escaped(title)}</h1>{body}</article></body></html>"
    )
    return Sample(str(number), f"https://full.example/{number}", html.encode(), " ".join(texts))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cores() -> int:
    return len(os.sched_getaffinity(0))
