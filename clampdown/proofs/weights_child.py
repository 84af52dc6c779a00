"""The process of the proof of weights: it alters a copy of the bundled model, tries to open it, and counts."""

import hashlib
import json
import os
import pickle
import random
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from extractors import model
from extractors.model import ARGUMENTS, ENCODER, MANIFEST, RELEVANCE, TOKENIZER
from pipeline.errors import ModelError

PARTS = (ENCODER, ARGUMENTS, TOKENIZER, RELEVANCE)
SENTENCE = "ROME, 30 January 2025. Italy's data protection authority blocked DeepSeek over privacy concerns."

_LOOKED_UP: list[str] = []
_OPENED: list[str] = []


@dataclass(slots=True)
class _Count:
    """How often one way was tried, refused with a ModelError, and refused with the file's name."""

    tried: int = 0
    refused: int = 0
    named: int = 0
    wrong: list[str] = field(default_factory=list)


class _Harm:
    """What a pickle does where it is loaded: it writes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self._path, "harm"))


@dataclass(slots=True)
class _Trial:
    """A copy of the model in `folder`, in the place of the bundled one, that is altered and made whole again."""

    folder: Path
    whole: dict[str, bytes]
    ways: dict[str, _Count] = field(default_factory=dict)

    def attempt(self, way: str, name: str, what: str, opening: Callable[[], object] = model.load) -> None:
        """Try to open the model, and count how that ends. `name` must be in what is said."""
        count = self.ways.setdefault(way, _Count())
        count.tried += 1
        try:
            opening()
        except ModelError as error:
            count.refused += 1
            count.named += name in str(error)
            if name not in str(error):
                count.wrong.append(f"{what}: {str(error)[:120]}")
        except Exception as error:  # whatever else comes out is no refusal
            count.wrong.append(f"{what}: {type(error).__name__}")
        else:
            count.wrong.append(f"{what}: loaded")

    @contextmanager
    def replaced(self, name: str, content: bytes) -> Iterator[None]:
        """The file with other bytes."""
        (self.folder / name).write_bytes(content)
        try:
            yield
        finally:
            (self.folder / name).write_bytes(self.whole[name])

    def pin(self, name: str, content: bytes, *, listed: str | None = None) -> bytes:
        """A manifest that pins `content` as the file `listed`, in the place of what stands there."""
        manifest = json.loads(self.whole[MANIFEST])
        manifest["files"][name if listed is None else listed] = hashlib.sha256(content).hexdigest()
        return json.dumps(manifest).encode()


def _flip(trial: _Trial, flips: int, dice: random.Random) -> None:
    for name, content in trial.whole.items():
        with (trial.folder / name).open("r+b") as file:
            for number in range(flips):
                # The first bytes and the last ones are what a parser looks at first.
                place = (0, len(content) - 1)[number] if number < 2 else dice.randrange(len(content))
                bit = dice.randrange(8)
                _put(file, place, content[place] ^ 1 << bit)
                trial.attempt("one bit flipped", name, f"{name}, bit {bit} of byte {place}", _opening(name, number))
                _put(file, place, content[place])


def _put(file: Any, place: int, byte: int) -> None:
    file.seek(place)
    file.write(bytes([byte]))
    file.flush()


def _opening(name: str, number: int) -> Callable[[], object]:
    """The ways by which the program reads the model, in turn."""
    if name in (RELEVANCE, MANIFEST) and number % 3 == 2:
        return _relevance
    return model.described if number % 3 == 1 else model.load


def _relevance() -> object:
    model.bundled_relevance.cache_clear()
    return model.bundled_relevance()


def _cut_and_swap(trial: _Trial, dice: random.Random) -> None:
    for name, content in trial.whole.items():
        for length in (0, 1, len(content) // 2, len(content) - 1, dice.randrange(len(content))):
            with trial.replaced(name, content[:length]):
                trial.attempt("cut short", name, f"{name} at {length}")
        for more in (b"\0", b"\n", b"  ", content[:64]):
            with trial.replaced(name, content + more):
                trial.attempt("bytes appended", name, f"{name} and {more[:4]!r}")
        path = trial.folder / name
        path.unlink()
        trial.attempt("missing", name, name)
        path.mkdir()
        trial.attempt("a folder in its place", name, name)
        path.rmdir()
        path.write_bytes(content)
    for name in PARTS:
        for other in PARTS:
            if other != name:
                with trial.replaced(name, trial.whole[other]):
                    trial.attempt("another file of the model in its place", name, f"{other} as {name}")


def _pickle(trial: _Trial, canary: Path) -> None:
    """Pickles, plain and as torch packs them, unpinned and in a folder of one's own whose manifest pins them."""
    plain = pickle.dumps(_Harm(canary))
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", plain)
        archive.writestr("archive/version", "3\n")
    for kind, content in (("a pickle", plain), ("a torch file", packed.getvalue())):
        for name in PARTS:
            with trial.replaced(name, content):
                trial.attempt("a pickle or a torch file in its place", name, f"{kind} as {name}")
                with trial.replaced(MANIFEST, trial.pin(name, content)):
                    trial.attempt("the bundled manifest altered to pin it", MANIFEST, f"{kind} as {name}")
        with _elsewhere(trial) as own:
            for name in PARTS:
                (own / name).write_bytes(content)
                (own / MANIFEST).write_bytes(trial.pin(name, content))
                trial.attempt("pinned in a folder of one's own", own.name, f"{kind} as {name}", lambda: model.load(own))
                (own / name).write_bytes(trial.whole[name])
            for name in ("pytorch_model.bin", "model.pkl"):
                (own / name).write_bytes(content)
                (own / MANIFEST).write_bytes(trial.pin(name, content))
                trial.attempt(
                    "named by a manifest of one's own, beside the model's files", name, f"{kind} {name}",
                    lambda: model.load(own),
                )  # fmt: skip


def _wander(trial: _Trial) -> None:
    """Names that lead out of the folder, and links."""
    outside = trial.folder.parent / "outside.onnx"
    outside.write_bytes(trial.whole[ENCODER])
    with _elsewhere(trial) as own:
        for listed in (f"../{outside.name}", str(outside), "/etc/hostname", "..", "", "a\0b", "encoder.onnx/../x"):
            (own / MANIFEST).write_bytes(trial.pin(ENCODER, trial.whole[ENCODER], listed=listed))
            trial.attempt(
                "a manifest that names a path outside of the folder", repr(listed), listed, lambda: model.load(own)
            )
    outside.write_bytes(trial.whole[ARGUMENTS])
    with _linked(trial.folder / ENCODER, outside):
        trial.attempt("a link to another file", ENCODER, "a link")
    with _linked(trial.folder / ENCODER, trial.folder / "nowhere"):
        trial.attempt("a link to another file", ENCODER, "a link that leads nowhere")


@contextmanager
def _linked(path: Path, target: Path) -> Iterator[None]:
    moved = path.with_suffix(".moved")
    path.rename(moved)
    path.symlink_to(target)
    try:
        yield
    finally:
        path.unlink()
        moved.rename(path)


@contextmanager
def _elsewhere(trial: _Trial) -> Iterator[Path]:
    """A copy in a folder that `extract.model` could name."""
    own = trial.folder.with_name("own")
    shutil.copytree(trial.folder, own)
    try:
        yield own
    finally:
        shutil.rmtree(own)


def _loads(trial: _Trial) -> list[str]:
    same = trial.folder.parent / "same.onnx"
    same.write_bytes(trial.whole[ENCODER])
    said = []
    with _linked(trial.folder / ENCODER, same):
        said.append("loads" if model.load() else "")
    said.append("loads" if model.load() else "")
    return said


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "pickle.find_class":
        _LOOKED_UP.append(".".join(map(str, arguments[1:])))
    elif event == "open" and isinstance(arguments[0], str):
        _OPENED.append(arguments[0])


def _tried(given: dict[str, Any]) -> dict[str, Any]:
    expected = model.load().revision
    folder = Path(given["folder"])
    copy, canary = folder / "weights", folder / "harm"
    copy.mkdir()
    whole = {name: (model.BUNDLED / name).read_bytes() for name in (*PARTS, MANIFEST)}
    for name, content in whole.items():
        (copy / name).write_bytes(content)
    # From here on the copy is the bundled model: its manifest is the one that is pinned in the program.
    model.BUNDLED = copy
    trial, dice = _Trial(copy, whole), random.Random(given["seed"])
    _LOOKED_UP.clear()
    _flip(trial, given["flips"], dice)
    _cut_and_swap(trial, dice)
    _pickle(trial, canary)
    _wander(trial)
    whole_again = _loads(trial)
    unpickled, done = list(_LOOKED_UP), [path.name for path in folder.glob(canary.name)]
    _OPENED.clear()
    revision = model.load().revision
    opened = [_OPENED.count(str(copy / name)) for name in whole]
    from extractors.encoder import Tagger
    from pipeline.types import Document

    (found,) = Tagger.load(copy, threads=1).tag([Document("d", SENTENCE)])
    _LOOKED_UP.clear()
    pickle.loads(pickle.dumps(_Harm(canary)))  # noqa: S301 - our own: whether the hook sees it
    return {
        "ways": {way: asdict(count) for way, count in trial.ways.items()},
        "unpickled": unpickled,
        "done": done,
        "seen": len(_LOOKED_UP),
        "opened": opened,
        "whole": whole_again,
        "revision": revision,
        "expected": expected,
        "events": len(found),
    }


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.addaudithook(_hook)
    print(json.dumps(_tried(json.loads(sys.argv[1]))), file=out, flush=True)
