"""Teaching the relevance network: lessons say what was found, and what is packed answers as what was trained."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from extractors import model as models
from extractors.relevance import Cuts, Relevance, sketch
from extractors.training.lessons import LENGTH, Text, Told, lessons

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from extractors.training import relevance as training  # noqa: E402  # needs torch

TEXT = "Italy blocked the chatbot DeepSeek on Thursday. " + "The choir sang, and everybody went home happy. " * 60
VOCABULARY = {word: number for number, word in enumerate(["italy", "blocked", "the", "chatbot", "choir"], 1)}


def network() -> training.Network:
    torch.manual_seed(3)
    made = training.Network(torch.randn(len(VOCABULARY), 8))
    made.eval()
    return made


def test_packed_weights_answer_as_the_trained_network() -> None:
    taught = network()
    packed = Relevance.parse(training.packed(taught, list(VOCABULARY), Cuts(-4.0, -1.0)))
    assert packed.cuts == Cuts(-4.0, -1.0)
    seen = sketch(TEXT)
    words = torch.tensor([[VOCABULARY.get(word, 0) for word in seen.words]])
    with torch.no_grad():
        wanted = taught(words, torch.from_numpy(seen.marks)[None])[0].numpy()
    assert np.abs(packed.scores(seen) - wanted).max() < 0.05  # embeddings are rounded to int8


def test_lessons_hold_every_word_once_and_the_events() -> None:
    place = TEXT.index("blocked"), TEXT.index("blocked") + len("blocked")
    text = Text("own", TEXT, (), annotated=True, held_out=False)
    found = list(lessons(text, [Told(*place, 0.9)], 0.24, VOCABULARY))
    assert sum(len(lesson.words) for lesson in found) == len(sketch(TEXT).words)
    assert all(len(lesson.words) <= LENGTH for lesson in found)
    (bag,) = (bag for lesson in found for bag in lesson.bags)
    assert bag.start <= 1 < bag.end
    assert not found[0].empty[1]
    assert found[-1].empty.all()


@pytest.mark.parametrize(("score", "bags"), [(0.9, 1), (0.15, 1), (0.06, 0)])
def test_what_the_teacher_doubts_is_neither_an_event_nor_none(score: float, bags: int) -> None:
    text = Text("own", TEXT, (), annotated=True, held_out=False)
    first = next(lessons(text, [Told(0, 5, score)], 0.24, VOCABULARY))
    assert len(first.bags) == bags
    assert not first.empty[0]


def test_a_network_learns_its_lessons() -> None:
    told, quiet = TEXT[:47], "The choir sang, and everybody went home happy. " * 6
    place = told.index("blocked"), told.index("blocked") + len("blocked")
    pupils = [
        *lessons(Text("own", told, (), annotated=True, held_out=False), [Told(*place, 0.9)], 0.24, VOCABULARY),
        *lessons(Text("own", quiet, (), annotated=True, held_out=False), [], 0.24, VOCABULARY),
    ] * 10
    taught = training.train(pupils, torch.randn(len(VOCABULARY), 8), epochs=150)
    packed = Relevance.parse(training.packed(taught, list(VOCABULARY), Cuts(0.0, 0.0)))
    assert packed.scores(sketch(told)).max() > packed.scores(sketch(quiet)).max() + 2


def test_an_installed_network_is_pinned(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(models.BUNDLED, folder)
    before = models.load(folder).revision
    training.install(training.packed(network(), list(VOCABULARY), Cuts(-4.0, -1.0)), folder, {"texts": 0})
    opened = models.load(folder)
    assert opened.relevance is not None
    assert opened.relevance.cuts == Cuts(-4.0, -1.0)
    assert opened.revision != before
    assert json.loads((folder / "manifest.json").read_text())["about"]["relevance"] == {"texts": 0}
