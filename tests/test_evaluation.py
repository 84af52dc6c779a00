"""`clampdown eval`: what it measures, what it shows, and how it refuses."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import clampdown

from extractors.evaluation import calibration, evaluate, read_gold
from pipeline.errors import InputError
from tests.test_scoring import event, passage

TEXT = "Kestrel Bank bars chatbots\nKestrel Bank has banned ChatGPT on staff computers, a memo of 4 March says."


def gold_file(folder: Path) -> Path:
    ban = event(
        trigger="banned", actor="Kestrel Bank", actor_canonical="Kestrel Bank", country="XX", service="ChatGPT"
    ) | {"service_canonical": "ChatGPT"}
    lines = [
        {"id": "a", "text": TEXT, "published": "2024-03-05", "corpus": "memos", "split": "dev", "events": [ban]},
        {"id": "b", "text": "It rained in Turin.", "published": None, "corpus": "other", "split": "dev", "events": []},
        {"id": "c", "text": "Unread.", "published": None, "corpus": "other", "split": "train", "events": []},
    ]
    path = folder / "gold.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def predictions_file(folder: Path, *events: dict[str, Any]) -> Path:
    path = folder / "predicted.jsonl"
    path.write_text(json.dumps({"id": "a", "events": list(events)}) + '\n{"id": "b", "events": []}\n', "utf-8")
    return path


def test_groups_and_faults_add_up() -> None:
    gold = [
        passage(event(), event(service_canonical="Temu", action="block"), id="a") | {"corpus": "x"},
        passage(id="b") | {"corpus": "y"},
    ]
    predicted = [
        passage(event(score=0.9, scores={"status": 0.8}), event(service_canonical="Zoom", score=0.6), id="a"),
        passage(event(action="warn", status="proposed", score=0.7), id="b"),
    ]
    found = evaluate(gold, predicted)
    assert (found.empty, found.empty_hit) == (1, 1)
    assert found.actions["ban"].matched == 1
    assert found.actions["ban"].spurious == 1
    assert found.actions["block"].missed == 1
    assert found.actions["warn"].spurious == 1
    assert found.statuses["in_force"].f1 == pytest.approx(2 / 4)
    assert sum(share.spurious for share in found.actions.values()) == found.overall.counts["strict_fp"]
    assert {name: report.gold for name, report in found.corpora.items()} == {"x": 2, "y": 0}
    assert found.calibration["event"].count == 3
    assert found.calibration["event"].right == pytest.approx(1 / 3)
    assert found.calibration["status"].error == pytest.approx(0.2)


@given(st.integers(1, 400), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_scores_that_come_true_as_often_as_they_say_are_calibrated(count: int, seed: int) -> None:
    draw = random.Random(seed)
    said = [draw.random() for _ in range(count * 10)]
    found = calibration(said, [draw.random() < value for value in said])
    assert found.error is not None
    assert found.error < 0.9 / count**0.5
    boastful = calibration([0.99] * count, [False] * count)
    assert boastful.error == pytest.approx(0.99)


def test_nothing_predicted_has_no_calibration() -> None:
    assert calibration([], []).error is None
    assert evaluate([passage(event())], [passage()]).calibration == {}


def test_the_command_extracts_measures_and_shows(tmp_path: Path) -> None:
    done = clampdown("eval", str(gold_file(tmp_path)), "--split", "dev", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["passages"] == 2
    assert found["gold"] == 1
    assert set(found["corpora"]) == {"memos", "other"}
    assert found["empty_passages"] == 1


def test_the_command_scores_given_predictions(tmp_path: Path) -> None:
    gold = gold_file(tmp_path)
    right = json.loads(gold.read_text("utf-8").splitlines()[0])["events"][0] | {"score": 0.8, "scores": {}}
    wrong = right | {"service_canonical": "Gemini", "trigger": "banned", "score": 0.4}
    predicted = predictions_file(tmp_path, right, wrong)
    shown = clampdown(
        "eval", str(gold), "--split", "dev", "--predictions", str(predicted), "--errors", "5", cwd=tmp_path
    )
    assert shown.returncode == 0, shown.stderr
    assert "strict F1" in shown.stdout
    assert "Kestrel Bank (XX) · ban · Gemini" in shown.stdout
    assert "has banned ChatGPT on staff" in " ".join(shown.stdout.split())
    cut = clampdown(
        "eval",
        str(gold),
        "--split",
        "dev",
        "--predictions",
        str(predicted),
        "--min-score",
        "0.5",
        "--json",
        cwd=tmp_path,
    )
    assert json.loads(cut.stdout)["rates"]["strict_f1"]["value"] == 1
    assert json.loads(cut.stdout)["faults"] == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "line 1 is no JSON"),
        ("[]", "line 1 is no JSON object"),
        ('{"id": "a"}', "line 1: an annotated passage has"),
        ('{"id": "a", "events": [], "file": "gone.txt"}', "gone.txt can't be read"),
        ("", "holds no annotated passage"),
    ],
)
def test_bad_gold_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError, match=r"gold\.jsonl") as caught:
        read_gold(path)
    assert told in str(caught.value)


def test_the_command_refuses_with_one_line(tmp_path: Path) -> None:
    gold = gold_file(tmp_path)
    assert clampdown("eval", str(gold), "--kind", "odd", cwd=tmp_path).returncode == 2
    assert (
        "holds no annotated passage of the split" in clampdown("eval", str(gold), "--split", "x", cwd=tmp_path).stderr
    )
    stranger = tmp_path / "stranger.jsonl"
    stranger.write_text('{"id": "zz", "events": []}\n', "utf-8")
    done = clampdown("eval", str(gold), "--predictions", str(stranger), cwd=tmp_path)
    assert done.returncode == 2
    assert "zz" in done.stderr
