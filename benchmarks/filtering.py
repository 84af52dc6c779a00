"""What asking for a higher score costs on texts that taught nothing: `python -m benchmarks.filtering`.

For each cut: how many events are left, how many of them are right (precision), and how many of those that the texts
state are among them (recall). Strict: action, actor and service agree. Lenient: country, service and the side of the
action do. Passages are those of `python -m extractors.training.evaluate`; on the real ones the scores were fitted.

    --events   the same of whole events, over the labelled articles of `benchmarks/told/` and the bundled sample, by cut
               and by the number of independent voices that carry them; takes some minutes
    --freeze   write the figures to `benchmarks/frozen/`, where the documents' figures come from
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gold import GoldMention, articles, family_of, in_context, lineage, mentions
from benchmarks.told_once import ToldArticle
from extractors.encoder import Tagger
from extractors.extractor import event_record, load_extractor
from extractors.scoring import match, read_scored, strict
from extractors.training.evaluate import end_to_end, held_out, predict
from pipeline.errors import ExtractionError
from pipeline.events import resolve
from pipeline.settings import ExtractSettings
from pipeline.types import Document, Event, Mention, MentionContext

FOLDER = Path(__file__).parent / "frozen"
PARTS = ("real dev", "own test")
CUTS = (0.24, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The first is the bundled model's own."""
RATES = ("strict_precision", "strict_recall", "lenient_precision", "lenient_recall")
HALF = 0.5


def by_cut(tagger: Tagger) -> dict[str, list[dict[str, float]]]:
    """Part → for each cut the events that are left and their rates in per cent."""
    told = {}
    for name, passages in held_out().items():
        if name in PARTS:
            predictions = predict(tagger, passages)
            reports = {cut: end_to_end(passages, predictions, cut) for cut in CUTS}
            told[name] = [
                {"cut": cut, "events": report.predicted} | {rate: round(100 * report[rate], 1) for rate in RATES}
                for cut, report in reports.items()
            ]
    return told


def by_voices(texts: Sequence[ToldArticle], gold: Sequence[GoldMention]) -> list[dict[str, object]]:
    """For each cut and number of voices: how many events are found, and which share of them is right, in per cent.

    An event is right where at least half of its mentions match a labelled one strictly.
    """
    read = list(_events(texts, gold))
    told: list[dict[str, object]] = []
    for voices, fits in (("any", range(1, 1000)), ("1", range(1, 2)), ("2 or more", range(2, 1000))):
        for cut in CUTS:
            kept = [right for event, right in read if event.voices in fits and event.score >= cut]
            share = round(100 * sum(kept) / len(kept), 1) if kept else None
            told.append({"voices": voices, "cut": cut, "events": len(kept), "right": share})
    return told


def _events(texts: Sequence[ToldArticle], gold: Sequence[GoldMention]) -> Iterable[tuple[Event, bool]]:
    """Each event that the bundled model and the resolver make of the texts, and whether it is right."""
    by_article: dict[str, list[GoldMention]] = defaultdict(list)
    for one in gold:
        by_article[one.article.id].append(one)
    families: dict[str, list[MentionContext]] = defaultdict(list)
    right: set[str] = set()
    documents = [Document(text.id, text.text, text.published) for text in texts]
    for text, told in zip(texts, load_extractor(ExtractSettings()).extract(documents), strict=True):
        if isinstance(told, ExtractionError):
            raise told
        families[family_of(text)] += [in_context(mention, text) for mention in told]
        labelled = [one.context.mention for one in by_article[text.id]]
        right |= {told[j].id for j in _right(labelled, told)}
    for some in families.values():
        for event in resolve(some, lineage()):
            yield event, sum(key in right for key in event.mention_ids) >= HALF * len(event.mention_ids)


def _right(labelled: Sequence[Mention], told: Sequence[Mention]) -> list[int]:
    """The places of those mentions of one article that match a labelled one strictly."""
    events = {name: [event_record(one) for one in some] for name, some in (("gold", labelled), ("read", told))}
    scored = read_scored([{"id": name, "events": some} for name, some in events.items()], "any")
    named = sorted({event.actor for event in scored["gold"] if event.actor is not None})
    pairs, _ = match(scored["gold"], scored["read"], lambda one, other: strict(one, other, named))
    return [j for _, j in pairs]


def _print(name: str, rows: Sequence[Mapping[str, object]]) -> None:
    print(f"\n# {name}")
    for row in rows:
        print("  " + "  ".join(f"{key} {value}" for key, value in row.items()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", action="store_true")
    parser.add_argument("--freeze", action="store_true")
    given = parser.parse_args(arguments)
    tagger = Tagger.load()
    figures: dict[str, Any] = {"revision": tagger.revision}
    if given.events:
        texts = articles()
        figures["events"] = by_voices(texts, mentions(texts))
    else:
        figures |= by_cut(tagger)
    for name, rows in figures.items():
        if name != "revision":
            _print(name, rows)
    if given.freeze:
        path = FOLDER / ("filtering_events.json" if given.events else "filtering.json")
        parts = [
            f' "{name}": [\n' + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n ]"
            for name, rows in figures.items()
            if name != "revision"
        ]
        head = f' "revision": {json.dumps(tagger.revision)},\n'
        path.write_text("{\n" + head + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
