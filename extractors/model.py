"""The weights as they lie on disk: what belongs to them, that they are unaltered, and how they are opened.

A model is a folder with `manifest.json`, two ONNX graphs, a tokenizer and, where it was distilled, a network that tells
what is worth reading. The manifest holds the sha256 of each file; nothing that is not listed is read, and a file that
differs is refused before it is parsed. The bundled manifest is pinned here.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from extractors.decode import DECODING, Thresholds
from extractors.relevance import Relevance
from pipeline.errors import ModelError

BUNDLED = Path(__file__).parent / "weights"
BUNDLED_SHA256 = "9d940978868051a4478cbfca102aa8fc60c12c721c6967aa34f9570b4c2dd9e7"
"""Of the bundled `manifest.json`: it is changed with it."""

FORMAT = 2
MANIFEST = "manifest.json"
ENCODER, ARGUMENTS, TOKENIZER = "encoder.onnx", "arguments.onnx", "tokenizer.json"
RELEVANCE = "relevance.safetensors"
_FILES = {ENCODER, ARGUMENTS, TOKENIZER, RELEVANCE}
_HINT = "Reinstall clampdown, or name a folder made by the training command in the setting extract.model"


@dataclass(frozen=True, slots=True)
class Model:
    """An opened model: two inference sessions, a fast tokenizer, and what the manifest says of them.

    `relevance` tells which windows are worth reading; without one all are read.
    """

    encoder: Any
    arguments: Any
    tokenizer: Any
    unknown: int
    first: int
    last: int
    max_pieces: int
    thresholds: Thresholds
    revision: str
    relevance: Relevance | None = None


def load(folder: Path | None = None) -> Model:
    """Check and open the model in `folder` (the bundled one by default).

    Raises ModelError where a file is missing, altered or of another format.
    """
    folder = BUNDLED if folder is None else folder
    manifest, content = _unaltered(folder)
    try:
        encoder = session(content[ENCODER])
        arguments = session(content[ARGUMENTS])
        # From the bytes that were compared: the file may be another by now.
        tokenizer = load_tokenizer(content[TOKENIZER])
        special = manifest["special"]
        return Model(
            encoder=encoder,
            arguments=arguments,
            tokenizer=tokenizer,
            unknown=int(special["unknown"]),
            first=int(special["first"]),
            last=int(special["last"]),
            max_pieces=int(manifest["max_pieces"]),
            thresholds=thresholds(manifest),
            revision=revision(manifest),
            relevance=Relevance.parse(content[RELEVANCE]) if RELEVANCE in content else None,
        )
    except ModelError:
        raise
    except Exception as error:  # onnxruntime and tokenizers raise bare Exceptions of many kinds
        raise ModelError(f"The model in {folder} can't be opened: {error}", hint=_HINT) from error


def described(folder: Path | None = None) -> dict[str, Any]:
    """The manifest of the model in `folder` (the bundled one by default), whose files were compared with it.

    Nothing is opened, none of its libraries is needed. Raises ModelError where a file is missing or altered.
    """
    manifest, _ = _unaltered(BUNDLED if folder is None else folder)
    return manifest


def _unaltered(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest of a model, and the bytes of its files."""
    manifest = read_manifest(folder)
    return manifest, {name: _checked(folder / name, digest) for name, digest in manifest["files"].items()}


@cache
def bundled_relevance() -> Relevance:
    """Return the process's relevance network, opened on first use; raises ModelError if it is missing or altered."""
    try:
        return Relevance.parse(_checked(BUNDLED / RELEVANCE, str(read_manifest(BUNDLED)["files"].get(RELEVANCE))))
    except ModelError:
        raise
    except Exception as error:  # a file of the right hash and another form: json, struct and zlib each have their own
        raise ModelError(f"The relevance network in {BUNDLED} can't be opened: {error}", hint=_HINT) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a model folder; raises ModelError if it is absent, broken or of another format."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise ModelError(f"No model in {folder}: {error}", hint=_HINT) from error
    if folder == BUNDLED and hashlib.sha256(content).hexdigest() != BUNDLED_SHA256:
        raise _altered(folder / MANIFEST)
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"No model in {folder}: {MANIFEST} can't be read: {error}", hint=_HINT) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"The model in {folder} is of another format than {FORMAT}", hint=_HINT)
    named = manifest.get("files")
    files = set(named) if isinstance(named, dict) else set()
    if missing := {ENCODER, ARGUMENTS, TOKENIZER} - files:
        raise ModelError(f"The manifest in {folder} names no {', '.join(sorted(missing))}", hint=_HINT)
    if strange := files - _FILES:
        raise ModelError(f"The manifest in {folder} names {min(strange)!r}, which is no file of a model", hint=_HINT)
    return manifest


def revision(manifest: dict[str, Any]) -> str:
    """Return a short name of these weights with their thresholds and this version of the decoding."""
    identity = json.dumps([manifest["files"], manifest["thresholds"], DECODING], sort_keys=True)
    return f"m{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def thresholds(manifest: dict[str, Any]) -> Thresholds:
    """Return the thresholds of a model; raises ModelError where the manifest has others than this version knows."""
    try:
        return Thresholds(**manifest["thresholds"])
    except (TypeError, KeyError) as error:
        raise ModelError(f"The manifest's thresholds can't be used: {error}", hint=_HINT) from error


def _checked(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {path} can't be read: {error}", hint=_HINT) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise _altered(path)
    return content


def _altered(path: Path) -> ModelError:
    return ModelError(f"The model file {path} was altered: its sha256 is not the one pinned", hint=_HINT)


def session(content: bytes) -> Any:
    """Open an ONNX graph. A pass runs on one thread; the caller runs passes side by side."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when the library is imported
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def load_tokenizer(content: bytes) -> Any:
    """Open a fast tokenizer from a `tokenizer.json`; nothing is looked up elsewhere, nothing cut or filled up."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def word_pieces(tokenizer: Any, words: Sequence[str], unknown: int) -> list[list[int]]:
    """Return the piece ids of each word; a word that the tokenizer drops (a control character) becomes `unknown`."""
    if not words:
        return []
    encoded = tokenizer.encode(list(words), is_pretokenized=True, add_special_tokens=False)
    pieces: list[list[int]] = [[] for _ in words]
    for number, piece in zip(encoded.word_ids, encoded.ids, strict=True):
        pieces[number].append(piece)
    return [ids or [unknown] for ids in pieces]
