"""The gate keeps nearly every text that holds an event, and turns everyday news away; windows likewise."""

import gzip
import json
import pickle
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import model as models
from extractors.encoder import Tagger
from extractors.folding import key
from extractors.gate import GazetteerGate
from extractors.model import bundled_relevance
from extractors.relevance import MARKS, sketch, word_offsets
from extractors.words import excerpts
from pipeline.errors import ModelError
from pipeline.types import Document

WRITTEN = Path(__file__).resolve().parent.parent / "extractors" / "training" / "data" / "written.jsonl"
RECALL = 0.99
EVERYDAY = 0.15
"""Share of everyday news that may pass."""


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


def test_everyday_news_is_turned_away(shared: Path) -> None:
    with gzip.open(shared / "corpus" / "news_items_2021_2022.jsonl.gz", "rt", encoding="utf-8") as lines:
        items = [json.loads(line) for _, line in zip(range(1000), lines, strict=False)]
    gate = GazetteerGate()
    passed = sum(gate.passes(f"{item.get('title') or ''}\n\n{item.get('description') or ''}") for item in items)
    assert passed / len(items) <= EVERYDAY


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


def test_a_gate_travels_between_processes() -> None:
    assert pickle.loads(pickle.dumps(GazetteerGate())).passes("Italy blocks DeepSeek over privacy")


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_sketch_of_words_that_lie_in_it(text: str) -> None:
    seen, spans = sketch(text), word_offsets(text)
    assert seen.marks.shape == (len(seen.words), MARKS) == (len(spans), MARKS)
    assert set(seen.marks.ravel().tolist()) <= {0.0, 1.0}
    for word, (start, end) in zip(seen.words, spans.tolist(), strict=True):
        assert 0 <= start < end <= len(text)
        assert word[0] in key(text[start:end])


@given(st.text(alphabet="ab .\n", max_size=200), st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_places_lie_in_the_text_in_order_and_apart(before: str, after: str) -> None:
    relevance = bundled_relevance()
    text = f"{before}\nItaly blocks DeepSeek over privacy.\n{after}"
    places = list(relevance.places(text))
    edges = [edge for place in places for edge in place]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert relevance.possible(text) or not places


def test_before_the_encoder_the_gate_keeps_just_what_it_would_read() -> None:
    written = [json.loads(line)["text"] for line in WRITTEN.read_text("utf-8").splitlines()]
    encoder, any_reader = GazetteerGate(for_encoder=True), GazetteerGate()
    told = [text for text in written if encoder.passes(text)]
    assert told
    assert all(map(any_reader.passes, told))
    tagger = Tagger.load()
    rest = [text for text in written if not encoder.passes(text)][:40]
    assert rest
    assert tagger.tag([Document(str(number), text) for number, text in enumerate(rest)]) == [[]] * len(rest)


def test_a_restriction_is_found_where_it_stands() -> None:
    filler = "The choir sang in the old church, and everybody went home happy. " * 60
    told = "Italy’s data protection authority blocked the chatbot DeepSeek on Thursday."
    text = f"{filler}\n{told}\n{filler}"
    ((start, end),) = bundled_relevance().places(text)
    trigger = text.index("blocked")
    assert start <= trigger < end
    assert end - start < len(text) / 8


def test_only_what_stands_around_a_likely_place_is_read() -> None:
    filler = "The choir sang in the old church, and everybody went home happy. " * 60
    told = "Italy’s data protection authority blocked the chatbot DeepSeek on Thursday."
    text = f"Evening news\n{filler}\n{told}\n{filler}"
    model = models.load()
    some, every = Tagger(model), Tagger(replace(model, relevance=None))
    document = Document("one", text)
    (place,) = some.places([document])
    assert len(list(every.places([document]))) > 4
    assert place.section.end - place.section.start < len(text) / 5
    (found,), (wanted,) = some.tag([document]), every.tag([document])
    best = max(wanted, key=lambda mention: mention.score)
    assert any(
        (mention.action, mention.actor, mention.service, mention.date)
        == (best.action, best.actor, best.service, best.date)
        for mention in found
    )


def test_a_short_text_is_read_as_a_whole_or_not_at_all() -> None:
    model = models.load()
    some, every = Tagger(model), Tagger(replace(model, relevance=None))
    told = [Document("told", "Italy’s data protection authority blocked the chatbot DeepSeek on Thursday.")]
    assert some.tag(told) == every.tag(told)
    assert some.tag([Document("quiet", "The choir sang in the old church.")]) == [[]]


@given(
    st.lists(st.tuples(st.integers(0, 6000), st.integers(1, 200)), min_size=1, max_size=12),
    st.integers(2000, 7000),
)
@settings(max_examples=200, deadline=None)
def test_excerpts_own_every_place_once_and_show_what_stands_around(drawn: list[tuple[int, int]], size: int) -> None:
    text = ("The choir sang in the old church. " * 300)[:size]
    places: list[tuple[int, int]] = []
    for start, length in sorted(drawn):
        if start + length <= size and (not places or start > places[-1][1]):
            places.append((start, start + length))
    found = list(excerpts(text, places))
    for start, end in places:
        assert sum(section.own_start <= start and end <= section.own_end for section in found) == 1
    for one, other in pairwise(found):
        assert one.own_end <= other.own_start
    for section in found:
        assert 0 <= section.start <= section.own_start < section.own_end <= section.end <= len(text)
        assert section.start == 0 or section.start <= section.own_start - 20
        assert section.end == len(text) or section.end >= section.own_end + 150


def test_an_altered_network_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(models.BUNDLED, folder)
    content = bytearray((folder / models.RELEVANCE).read_bytes())
    content[-1] ^= 1
    (folder / models.RELEVANCE).write_bytes(content)
    with pytest.raises(ModelError, match="altered"):
        models.load(folder)


def test_the_revision_depends_on_the_network() -> None:
    manifest = models.read_manifest(models.BUNDLED)
    other = manifest | {"files": manifest["files"] | {models.RELEVANCE: "0" * 64}}
    assert models.revision(other) != models.revision(manifest)


def test_a_long_text_is_gated_piece_by_piece() -> None:
    filler = "The choir sang in the old church, and everybody went home happy. " * 2000
    assert not GazetteerGate().passes(filler)
    assert GazetteerGate().passes(f"{filler}\nItaly blocked the chatbot DeepSeek on Thursday.\n{filler}")


def test_gating_is_fast() -> None:
    text = ("Rain fell on the hills on Tuesday, and the ministry said that farmers were glad of it. " * 60)[:4500]
    gate = GazetteerGate()
    gate.passes(text)
    times = []
    for _ in range(20):
        with cost() as spent:
            gate.passes(text)
        times.append(spent.seconds)
    # About 0.7 ms on a quiet core; the bound leaves room for a busy one.
    assert min(times) < 0.01
