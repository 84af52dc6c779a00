"""No model file loads but the pinned ones: bits flip, files are cut, swapped, linked, replaced by pickles.

A process of its own does it (`weights_child`), as an audit hook, which counts what is unpickled, can't be taken away.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from clampdown.proofs.claims import Claim, Proof, Tell
from pipeline.errors import WorkerError

SEED: Final = 11
FLIPS: Final = 1000
"""Bits that are flipped in each file, one at a time; in the short form SHORT_FLIPS."""
SHORT_FLIPS: Final = 6

_SHOWN = 3


def prove(tell: Tell, *, short: bool, flips: int | None = None) -> Proof:
    """Alter a copy of the bundled model in every way, and try to open it."""
    given = {"flips": flips or (SHORT_FLIPS if short else FLIPS), "seed": SEED}
    with tempfile.TemporaryDirectory(prefix="clampdown-weights-") as folder:
        tell(f"flipping {given['flips']} bits in each file of a copy of the model")
        told = _tried(given | {"folder": folder})
    return Proof("weights", tuple(_claims(told)))


def _tried(given: Mapping[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "clampdown.proofs.weights_child", json.dumps(given)]
    done = subprocess.run(  # noqa: S603 - this very program
        command, stdout=subprocess.PIPE, text=True, env=os.environ, check=False
    )
    if done.returncode:
        raise WorkerError(f"the proof itself ended with status {done.returncode}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _claims(told: Mapping[str, Any]) -> Iterator[Claim]:
    """What the child counted: ways to alter a model, with how often each was tried, refused, and the file named."""
    for way, counted in told["ways"].items():
        tried, refused, named = counted["tried"], counted["refused"], counted["named"]
        first = f"; first not: {', '.join(counted['wrong'][:_SHOWN])}" if counted["wrong"] else ""
        yield Claim(
            f"{way}: refused, and named",
            f"{refused:,} of {tried:,}, named {named:,}{first}",
            "all, all",
            0 < tried == refused == named,
        )
    yield _as_promised("pickled objects that were looked up meanwhile", told["unpickled"], [])
    yield _as_promised("what the pickles would have done", told["done"], [])
    yield Claim("objects that the hook sees where a pickle is loaded", str(told["seen"]), "≥ 1", told["seen"] > 0)
    yield _as_promised("times that each file was opened to load the model", told["opened"], [1] * len(told["opened"]))
    yield _as_promised("a link to the same bytes, and the copy once it is whole again", told["whole"], ["loads"] * 2)
    yield _as_promised("revision of the copy", told["revision"], told["expected"])
    yield Claim("events that it finds in a sentence", str(told["events"]), "1", told["events"] == 1)


def _as_promised(text: str, measured: Sequence[object] | str, promised: Sequence[object] | str) -> Claim:
    return Claim(text, _in_words(measured), _in_words(promised), measured == promised)


def _in_words(value: Sequence[object] | str) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value)) or "none"
