"""Only pinned weights load: the short form of the proof, that it sees what is wrong, and what manifests may name."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_prove import failed

from clampdown.proofs import weights
from clampdown.proofs.claims import Proof
from extractors import model
from pipeline.errors import ModelError


def test_no_altered_file_of_a_model_is_opened() -> None:
    proof = weights.prove(lambda _: None, short=True, flips=2)
    assert failed(proof) == []
    ways = {claim.text.partition(":")[0]: claim.measured for claim in proof.claims}
    assert ways["one bit flipped"] == "10 of 10, named 10"
    assert "a pickle or a torch file in its place" in ways


def test_the_proof_fails_where_something_loads_or_is_not_named() -> None:
    told: dict[str, Any] = {
        "ways": {
            "one bit flipped": {"tried": 3, "refused": 2, "named": 2, "wrong": ["encoder.onnx, bit 1: loaded"]},
            "cut short": {"tried": 1, "refused": 1, "named": 0, "wrong": ["tokenizer.json at 0: bad"]},
            "missing": {"tried": 0, "refused": 0, "named": 0, "wrong": []},
        },
        "unpickled": ["pathlib.Path"],
        "done": ["harm"],
        "seen": 0,
        "opened": [1, 2],
        "whole": ["loads", ""],
        "revision": "m1",
        "expected": "m2",
        "events": 0,
    }
    wrong = failed(Proof("weights", tuple(weights._claims(told))))
    assert len(wrong) == 10
    assert "loaded" in wrong[0]


def test_the_bundled_manifest_is_the_one_that_is_pinned() -> None:
    """Whoever changes it changes `extractors.model.BUNDLED_SHA256` with it."""
    content = (model.BUNDLED / model.MANIFEST).read_bytes()
    assert hashlib.sha256(content).hexdigest() == model.BUNDLED_SHA256


@pytest.mark.parametrize("files", [[], ["encoder.onnx"], "encoder.onnx", None, {"encoder.onnx": 1}])
def test_a_manifest_that_names_no_files_is_refused(tmp_path: Path, files: object) -> None:
    manifest = json.loads((model.BUNDLED / model.MANIFEST).read_bytes()) | {"files": files}
    (tmp_path / model.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="names no"):
        model.read_manifest(tmp_path)


def test_the_tokenizer_is_read_once(tmp_path: Path) -> None:
    """What was compared with the manifest is what is opened, though the file is another one by then."""
    folder = tmp_path / "weights"
    shutil.copytree(model.BUNDLED, folder)
    manifest = model.read_manifest(folder)
    content = model._checked(folder / model.TOKENIZER, manifest["files"][model.TOKENIZER])
    (folder / model.TOKENIZER).write_text("{}")
    assert model.load_tokenizer(content).get_vocab_size() > 30_000
