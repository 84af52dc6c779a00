"""Freeze what the bundled model reaches in `benchmarks/frozen/*.json`: `python -m benchmarks.freeze`.

`tests/test_frozen.py` compares every later state of the code with them. Run this when a change was meant to alter the
figures, and say in the commit why; numbers and ids of passages are kept, no text.
"""

import json
from pathlib import Path
from typing import Any

from extractors.encoder import Tagger
from extractors.scoring import counts_by_passage, score
from extractors.training.data import Passage
from extractors.training.evaluate import extracted, held_out, predict

FROZEN = Path(__file__).parent / "frozen"


def measure(tagger: Tagger, passages: list[Passage]) -> dict[str, Any]:
    """Return the rates (per cent) and the counts per passage of one held-out part."""
    gold = [{"id": passage.id, "events": passage.raw} for passage in passages]
    told = extracted(passages, predict(tagger, passages), tagger.least)
    report = score(gold, told)
    return {
        "revision": tagger.revision,
        "rates": {name: round(100 * report[name], 2) for name in report.rates},
        "passages": counts_by_passage(gold, told),
    }


def stem(part: str) -> str:
    """Return the name of a held-out part's file, without its suffix."""
    return part.replace(", ", "_").replace(" ", "_")


def main() -> None:
    FROZEN.mkdir(exist_ok=True)
    tagger = Tagger.load()
    for name, passages in held_out().items():
        found = measure(tagger, passages)
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in found["passages"].items())
        head = json.dumps({key: value for key, value in found.items() if key != "passages"}, indent=1)[:-2]
        path = FROZEN / f"{stem(name)}.json"
        path.write_text(f'{head},\n "passages": {{\n{lines}\n }}\n}}\n', encoding="utf-8")
        print(f"{path.name}: strict F1 {found['rates']['strict_f1']}, lenient F1 {found['rates']['lenient_f1']}")


if __name__ == "__main__":
    main()
