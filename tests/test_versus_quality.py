"""What the comparison of event finders stands on: fair rules, one way to score, the same weights in float."""

import numpy as np
import pytest

from benchmarks.versus import keyword_rules, queries, readers
from benchmarks.versus.peers import cues, keywords
from benchmarks.versus.quality import judged
from benchmarks.versus.worker import BENCH, NotInstalled, Worker
from extractors import model as models
from extractors.encoder import Tagger
from extractors.evaluation import evaluate
from extractors.training.data import Passage, passage_of
from pipeline.types import Document

TEXT = "Italy blocked DeepSeek on Thursday, citing privacy concerns. Nobody was harmed."
GOLD = {
    "action": "block", "status": "in_force", "trigger": "blocked", "actor": "Italy", "actor_canonical": "Italy",
    "country": "IT", "service": "DeepSeek", "service_canonical": "DeepSeek", "scope": None, "date": "on Thursday",
    "date_value": "2025-01-30", "reason": "privacy concerns", "reason_classes": ["privacy"],
}  # fmt: skip
PASSIVE = "TikTok was banned in several districts on Monday."
DENIED = "Italy has not blocked DeepSeek."


@pytest.fixture
def passage() -> Passage:
    return passage_of("one", TEXT, {"published": "2025-01-31", "corpus": "written", "events": [GOLD]})


def test_rules_over_registries_find_a_plain_event_whole(passage: Passage) -> None:
    records = readers.keywords([("one", TEXT, "2025-01-31")])
    report = judged([passage], records)
    assert report["strict_f1"] == 1
    assert report["full_record"] == 1


def test_rules_of_plain_lists_find_it_too(passage: Passage) -> None:
    report = judged([passage], keywords.read([("one", TEXT, "2025-01-31")]))
    assert report["strict_f1"] == 1
    assert report["country"] == 1


def test_no_rules_take_a_denial_for_an_event() -> None:
    assert keyword_rules.find(Document("one", DENIED)) == []
    assert keywords.read([("one", DENIED, None)])[0]["events"] == []


def test_a_place_is_nobody_who_acts() -> None:
    (found,) = keyword_rules.find(Document("one", PASSIVE))
    assert found["actor"] is None
    assert found["action"] == "ban"


def test_a_network_that_is_suspended_is_blocked() -> None:
    assert cues.measure("suspend", "mobile internet") == "block"
    assert cues.measure("suspend", "TikTok") == "suspend"


def test_the_measure_is_that_of_eval(passage: Passage) -> None:
    other = passage_of("two", DENIED, {"corpus": "written", "events": []})
    passages = [passage, other]
    records = readers.keywords([("one", TEXT, "2025-01-31"), ("two", PASSIVE, None)])
    gold = [{"id": one.id, "text": one.text, "events": one.raw} for one in passages]
    assert judged(passages, records).rates == evaluate(gold, records).overall.rates
    assert judged(passages, records)["strict_precision"] == 0.5


def test_float_graphs_say_what_the_int8_graphs_say(tmp_path) -> None:
    try:
        with Worker(BENCH) as worker:
            worker.call("benchmarks.versus.peers.float_graphs:rewrite", str(models.BUNDLED), str(tmp_path))
    except NotInstalled as error:
        pytest.skip(f"onnx rewrites the graphs: {error}")
    rounded, floating = (
        models.session((folder / models.ENCODER).read_bytes()) for folder in (models.BUNDLED, tmp_path)
    )
    (place,) = Tagger(models.load(), threads=1).places([Document("one", TEXT)])
    given = {"ids": place.input.ids[None], "features": place.input.features[None], "first": place.input.first[None]}
    (one, _), (other, _) = rounded.run(None, given), floating.run(None, given)
    assert not np.array_equal(one, other)
    assert np.abs(np.exp(one) - np.exp(other)).max() < 0.1
    assert (readers.model([("one", TEXT, "2025-01-31")], str(tmp_path)))[0]["events"][0]["action"] == "block"


def test_rules_of_dependencies_find_active_and_passive(passage: Passage) -> None:
    texts = [TEXT, "DeepSeek was blocked by Italy.", DENIED]
    try:
        with Worker(BENCH) as worker:
            found = worker.call("benchmarks.versus.peers.dependencies:read", texts, ["DeepSeek", "TikTok"]).value
    except NotInstalled as error:
        pytest.skip(f"spaCy parses: {error}")
    records = readers.normalised([("one", TEXT, "2025-01-31")], found[:1])
    assert judged([passage], records)["strict_f1"] == 1
    assert [texts[1][slice(*one["actor"])] for one in found[1]] == ["Italy"]
    assert found[2] == []


@pytest.mark.parametrize(("power", "expected"), [(0, 1.0), (0.5, 10**0.5), (1, 10.0), (2, 100.0)])
def test_growth_is_what_a_tenfold_costs(power: float, expected: float) -> None:
    times = {size: 3 * size**power for size in (10_000, 100_000, 1_000_000)}
    assert queries.growth(times) == pytest.approx(expected)
