"""Are mentions of one happening put together, and only they? `python -m benchmarks.happenings`.

The labelled mentions (`benchmarks/gold.py`) go through `pipeline.events.resolve`; what it puts together is compared
with the labels by B³: the share of a mention's found event that belongs there (precision), and of its happening that
was found together (recall), averaged over mentions. A wrong merge between different actors is an event that holds two
happenings with no actor's name in common, both of which name one.

    --end-to-end   the bundled extractor reads the texts; its mentions are matched with the labelled ones by the
                   guidelines' lenient match (those first that match strictly), all go through the resolver, and B³ is
                   taken over the matched
    --faults       list every fault of the half on which rules are made, with the texts
    --only NAME    only the articles of files whose name begins so ("sample" for the bundled sample)
    --freeze       write the figures to `benchmarks/frozen/happenings.json`
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gold import GoldMention, articles, family_of, in_context, lineage, mentions
from benchmarks.told_once import ToldArticle
from extractors.extractor import event_record, load_extractor
from extractors.scoring import lenient, match, read_scored, strict
from pipeline.errors import ExtractionError
from pipeline.events import resolve
from pipeline.matching import judge
from pipeline.settings import ExtractSettings
from pipeline.types import Document, Mention, MentionContext

FROZEN = Path(__file__).parent / "frozen" / "happenings.json"

AROUND = 60
"""Characters shown on either side of a fault's trigger."""


@dataclass(frozen=True, slots=True)
class BCubed:
    """Precision, recall and their harmonic mean, over `count` mentions."""

    count: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.count else 0.0


def b_cubed(found: Mapping[str, str], truth: Mapping[str, str]) -> BCubed:
    """Compare two groupings of the same items, each item → the name of its group."""
    of_found, of_truth = _groups(found), _groups(truth)
    shared = {key: len(of_found[found[key]] & of_truth[truth[key]]) for key in truth}
    count = len(truth)
    precision = sum(shared[key] / len(of_found[found[key]]) for key in truth) / max(1, count)
    recall = sum(shared[key] / len(of_truth[truth[key]]) for key in truth) / max(1, count)
    return BCubed(count, precision, recall)


def _groups(grouping: Mapping[str, str]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for key, name in grouping.items():
        groups[name].add(key)
    return groups


@dataclass(frozen=True, slots=True)
class Outcome:
    """Labelled mentions by id, the event in which each was found, and what of the labels no event holds."""

    gold: Mapping[str, GoldMention]
    found: Mapping[str, str]
    contexts: Mapping[str, MentionContext]
    events: int

    def score(self, *, held_out: bool | None = None) -> BCubed:
        """B³ over all mentions, or over those of one half."""
        keys = [key for key, one in self.gold.items() if held_out is None or one.held_out is held_out]
        return b_cubed({key: self.found[key] for key in keys}, {key: self.gold[key].happening for key in keys})

    def merged(self) -> list[dict[str, list[str]]]:
        """The events that hold several happenings: the ids of their mentions by happening."""
        return list(_mixed(self.found, {key: one.happening for key, one in self.gold.items()}))

    def split(self) -> list[dict[str, list[str]]]:
        """The happenings that several events hold: the ids of their mentions by event."""
        return list(_mixed({key: one.happening for key, one in self.gold.items()}, self.found))

    def strangers(self, *, as_read: bool = False) -> list[dict[str, list[str]]]:
        """The merges of different actors, by the labels, or `as_read`: whom the extractor took for others is one."""
        return [parts for parts in self.merged() if self.are_strangers(parts, as_read=as_read)]

    def are_strangers(self, parts: Mapping[str, Sequence[str]], *, as_read: bool = False) -> bool:
        """Whether two of some happenings name actors, and none in common."""
        said = self.contexts if as_read else {key: one.context for key, one in self.gold.items()}
        named = [
            {name for key in keys if (name := said[key].mention.actor_canonical) is not None} for keys in parts.values()
        ]
        return any(a and b and not a & b for i, a in enumerate(named) for b in named[:i])


def _mixed(outer: Mapping[str, str], inner: Mapping[str, str]) -> Iterator[dict[str, list[str]]]:
    for keys in _groups(outer).values():
        parts: dict[str, list[str]] = defaultdict(list)
        for key in sorted(keys):
            parts[inner[key]].append(key)
        if len(parts) > 1:
            yield dict(parts)


def resolve_gold(gold: Sequence[GoldMention]) -> Outcome:
    """Resolve the labelled mentions themselves, each family by itself."""
    contexts = {one.context.mention.id: one.context for one in gold}
    labelled = {one.context.mention.id: one for one in gold}
    found = _resolved({key: (one.family, one.context) for key, one in labelled.items()})
    return Outcome(labelled, found, contexts, len(set(found.values())))


def resolve_read(texts: Sequence[ToldArticle], gold: Sequence[GoldMention]) -> tuple[Outcome, dict[str, float]]:
    """Resolve what the extractor reads in the texts; returned with the rates at which it found the labelled mentions.

    The outcome is over the pairs of a labelled and a read mention, under the id of the read one.
    """
    extractor = load_extractor(ExtractSettings())
    by_article: dict[str, list[GoldMention]] = defaultdict(list)
    for one in gold:
        by_article[one.article.id].append(one)
    contexts: dict[str, tuple[str, MentionContext]] = {}
    pairs: dict[str, GoldMention] = {}
    read = 0
    documents = [Document(text.id, text.text, text.published) for text in texts]
    for text, told in zip(texts, extractor.extract(documents), strict=True):
        if isinstance(told, ExtractionError):
            raise told
        read += len(told)
        contexts |= {mention.id: (family_of(text), in_context(mention, text)) for mention in told}
        labelled = by_article[text.id]
        pairs |= {told[j].id: labelled[i] for i, j in _matched([one.context.mention for one in labelled], told)}
    found = _resolved(contexts)
    rates = {"precision": len(pairs) / max(1, read), "recall": len(pairs) / max(1, len(gold))}
    matched = {key: found[key] for key in pairs}
    return Outcome(pairs, matched, {key: contexts[key][1] for key in pairs}, len(set(found.values()))), rates


def _matched(labelled: Sequence[Mention], told: Sequence[Mention]) -> list[tuple[int, int]]:
    """Match the mentions of one article: strictly, since a list of bodies has many lenient matches, then leniently."""
    events = {name: [event_record(mention) for mention in some] for name, some in (("gold", labelled), ("read", told))}
    scored = read_scored([{"id": name, "events": some} for name, some in events.items()], "any")
    named = sorted({event.actor for event in scored["gold"] if event.actor is not None})
    found: list[tuple[int, int]] = []
    for fits in (lambda gold, read: strict(gold, read, named), lenient):
        gold = [i for i in range(len(labelled)) if i not in {one for one, _ in found}]
        read = [j for j in range(len(told)) if j not in {other for _, other in found}]
        pairs, _ = match([scored["gold"][i] for i in gold], [scored["read"][j] for j in read], fits)
        found += [(gold[i], read[j]) for i, j in pairs]
    return found


def _resolved(contexts: Mapping[str, tuple[str, MentionContext]]) -> dict[str, str]:
    """Resolve mentions family by family; returns for each its family and event."""
    families: dict[str, list[MentionContext]] = defaultdict(list)
    for family, context in contexts.values():
        families[family].append(context)
    return {
        key: f"{family} {event.id}"
        for family, some in families.items()
        for event in resolve(some, lineage())
        for key in event.mention_ids
    }


def faults(outcome: Outcome, *, held_out: bool = False) -> Iterator[str]:
    """Tell each fault of one half in words: what was merged or split, with the texts and the judgement between them."""
    for kind, some in (("MERGED", outcome.merged()), ("SPLIT", outcome.split())):
        for parts in some:
            ids = [key for keys in parts.values() for key in keys]
            if outcome.gold[ids[0]].held_out is not held_out:
                continue
            strange = " DIFFERENT ACTORS" if kind == "MERGED" and outcome.are_strangers(parts) else ""
            yield f"{kind}{strange} {outcome.gold[ids[0]].happening if kind == 'SPLIT' else ''}"
            for number, (name, keys) in enumerate(parts.items()):
                yield f"  {name if kind == 'MERGED' else f'part {number + 1}'} ({len(keys)})"
                yield from (f"    {_shown(outcome, key)}" for key in keys[:4])
            first, second = list(parts.values())[:2]
            judged = [judge(outcome.contexts[a], outcome.contexts[b], lineage()) for a in first for b in second]
            best = max(judged, key=lambda judgement: (judgement.verdict != "different", judgement.points))
            yield f"  {best.points:g}: {best.words}"


def _shown(outcome: Outcome, key: str) -> str:
    one, mention = outcome.gold[key], outcome.contexts[key].mention
    text = one.article.text
    start, end = max(0, mention.trigger.start - AROUND), mention.trigger.end + AROUND
    fields = (mention.action, mention.status, mention.actor_canonical, mention.scope and mention.scope.text,
              mention.date_value)  # fmt: skip
    told = " | ".join(str(field) for field in fields)
    return f"{one.article.id} {one.article.published}: {told} | …{' '.join(text[start:end].split())}…"


def frozen_figures(outcome: Outcome) -> dict[str, Any]:
    """Return what is frozen of an outcome: B³ as a whole, by half and by set of labels, and the wrong merges."""
    scores = {"all": outcome.score(), "fitted": outcome.score(held_out=False), "held_out": outcome.score(held_out=True)}
    for family in sorted({one.family for one in outcome.gold.values()}):
        keys = [key for key, one in outcome.gold.items() if one.family == family]
        truth = {key: outcome.gold[key].happening for key in keys}
        scores[family] = b_cubed({key: outcome.found[key] for key in keys}, truth)
    return {
        **{
            name: {
                "mentions": score.count,
                "f1": round(score.f1, 4),
                "precision": round(score.precision, 4),
                "recall": round(score.recall, 4),
            }
            for name, score in scores.items()
        },
        "wrong_merges": len(outcome.merged()),
        "wrong_merges_of_different_actors": len(outcome.strangers()),
        "wrong_merges_of_actors_read_apart": len(outcome.strangers(as_read=True)),
        "splits": len(outcome.split()),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--freeze", action="store_true")
    given = parser.parse_args(arguments)
    texts = [article for article in articles() if article.file.startswith(given.only)]
    gold = mentions(texts)
    happenings = {one.happening for one in gold}
    print(f"{len(texts)} articles, {len(gold)} labelled mentions of {len(happenings)} happenings")
    if given.end_to_end:
        outcome, rates = resolve_read(texts, gold)
        print(f"read: {len(outcome.gold)} matched, precision {rates['precision']:.4f}, recall {rates['recall']:.4f}")
    else:
        outcome = resolve_gold(gold)
    print(f"{outcome.events} events")
    figures = frozen_figures(outcome)
    for name, score in figures.items():
        print(f"{name.replace('_', ' ')}: {score}")
    if given.freeze:
        FROZEN.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if given.faults:
        print("\n".join(faults(outcome)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
