"""What rough text costs: `python -m benchmarks.robustness [--folder DIR]`.

The held-out passages are read as they are, then in capitals, in lower case, without punctuation, with zero-width
characters strewn in, and with look-alike letters. Printed is the strict F1 of each reading, in per cent.
"""

import argparse
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from extractors.encoder import Tagger
from extractors.training.augment import PUNCTUATION
from extractors.training.evaluate import end_to_end, held_out, predict

ZERO_WIDTH = "\u200b\u200c\u2060\ufeff\u00ad"
LOOK_ALIKES = str.maketrans("aeopcxAEOPC", "аеорсхАЕОРС")


def strewn(text: str) -> str:
    """Put an invisible character after one letter in four."""
    draw = random.Random(7)
    return "".join(c + draw.choice(ZERO_WIDTH) if c.isalpha() and draw.random() < 0.25 else c for c in text)


def disguised(text: str) -> str:
    """Put a look-alike in the place of one letter in four that has one."""
    draw = random.Random(8)
    return "".join(c.translate(LOOK_ALIKES) if draw.random() < 0.25 else c for c in text)


READINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "capitals": str.upper,
    "lower case": str.lower,
    "no punctuation": lambda text: PUNCTUATION.sub("", text),
    "zero-width": strewn,
    "look-alikes": disguised,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="a model's folder; the bundled one by default")
    tagger = Tagger.load(parser.parse_args().folder)
    parts = {name: passages for name, passages in held_out().items() if name in ("real dev", "own test")}
    for name, passages in parts.items():
        found = {}
        for reading, change in READINGS.items():
            changed = [replace(passage, text=change(passage.text)) for passage in passages]
            report = end_to_end(changed, predict(tagger, changed), tagger.least)
            found[reading] = round(100 * report["strict_f1"], 1)
        print(json.dumps({"part": name, "strict_f1": found}), flush=True)


if __name__ == "__main__":
    main()
