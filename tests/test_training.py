"""Training from end to end with a tiny encoder: its folder in, a model out that the runtime opens."""

import json
import sys
from pathlib import Path

import pytest
from in_process import clampdown

torch = pytest.importorskip("torch", reason="training needs the extra “train”")
pytest.importorskip("onnxscript", reason="training needs the extra “train”")
# A second thread waits for the first in a loop: on a busy machine that took five times as long.
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *"abcdefghijklmnopqrstuvwxyz0123456789.,",
        *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz0123456789"),
    ]
    raw = Tokenizer(models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(words), hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64
        ),
        add_pooling_layer=False,
    ).save_pretrained(folder)
    return folder


def test_a_foreign_encoder_becomes_a_model(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from extractors.encoder import Tagger
    from extractors.training import evaluate, export, train
    from extractors.training.data import own_passages
    from extractors.training.optimizing import Recipe
    from pipeline.types import Document

    few = own_passages("dev")[:6]
    monkeypatch.setattr(export, "load_split", lambda split: ([], few))
    monkeypatch.setattr(evaluate, "held_out", lambda: {"few": few})
    lines = []
    material = train.Material(own_passages("train")[:24], [], few)
    train.train(tiny_encoder, tmp_path / "t", Recipe(epochs=1), material, tell=lines.append)
    train.train(tiny_encoder, tmp_path / "t", Recipe(epochs=2), material, tell=lines.append)
    assert [line["epoch"] for line in lines] == [0, 1]
    assert sys.float_info.min / 2 > 0, "who computes on in this thread has all numbers"
    assert lines[1]["steps"] > lines[0]["steps"]
    figures = export.make_model([tmp_path / "t"], tmp_path / "model", tiny_encoder, "tiny")
    assert set(figures) == {"float", "int8"}
    tagger = Tagger.load(tmp_path / "model")
    tagger.tag([Document("a", "Italy banned DeepSeek.\nThe garante said so on Thursday.")])
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text("utf-8"))
    assert manifest["about"]["base"] == "tiny"
    assert 0 < tagger.least < 1


def test_what_is_no_encoder_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    done = clampdown("train", "--out", str(tmp_path / "o"), "--base", str(tmp_path / "none"), cwd=tmp_path)
    assert done.returncode == 2
    assert "is no folder" in done.stderr
    (tmp_path / "empty").mkdir()
    done = clampdown("train", "--out", str(tmp_path / "o"), "--base", str(tmp_path / "empty"), cwd=tmp_path)
    assert done.returncode == 2
    assert "tokenizer.json" in done.stderr
