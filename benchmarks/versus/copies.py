"""How well, how fast and at what size are copies of one text told from other texts?

Copies are made, in memory alone, of real passages, in five ways in which outlets change what they take over; traps tell
of another happening in the words of an original. The labelled articles are our own (`benchmarks/told/`, the sample).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import stories as labelled_stories
from benchmarks.versus.made_copies import WAYS, World, world
from benchmarks.versus.record import Column, Figure, Missing, Row, Section, Table, exact, figure
from benchmarks.versus.worker import BENCH, OWN, Answer, NotInstalled, Worker

PEERS: Final = "benchmarks.versus.peers.copies"
SIZES: Final = (2_500, 5_000, 10_000)
BUDGET: Final = 10.0
"""Seconds of CPU time after which a slow method is not measured another time."""
QUALITY: Final = (
    Column("F1", better="higher"),
    Column("precision", better="higher"),
    Column("recall", better="higher"),
    Column("traps taken for copies", "%", "lower", 1),
    *(Column(kind, "% found", "higher", 1) for kind in WAYS),
)
COST: Final = (
    *(Column(f"{size:,} texts", "s", "lower", 2) for size in SIZES),
    Column("growth", "× for twice as many", "lower", 2),
    Column("memory", "MB", "lower", 0),
)
LABELLED: Final = (
    Column("F1", better="higher"),
    Column("precision", better="higher"),
    Column("recall", better="higher"),
)

Pairs = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Method:
    """Someone who finds copies: the function that does it, and what it is given beside the texts."""

    subject: str
    function: str
    setting: object
    python: Path = BENCH
    note: str = ""


METHODS: Final = (
    Method("clampdown", "benchmarks.versus.own:copies", True, OWN, "bands of MinHash, then compared by their words"),
    Method("clampdown, bands alone", "benchmarks.versus.own:copies", False, OWN, "what the comparison is spared"),
    Method("rensa, RMinHashLSH 0.5", f"{PEERS}:rensa", 0.5),
    Method("datasketch, MinHashLSH 0.5", f"{PEERS}:datasketch", 0.5),
    Method("datasketch, MinHashLSH 0.7", f"{PEERS}:datasketch", 0.7),
    Method("gaoya, MinHash 0.5", f"{PEERS}:gaoya", 0.5),
    Method("text-dedup, minhash 0.7", f"{PEERS}:text_dedup", 0.7, BENCH, "its defaults: 250 permutations, five words"),
    Method("text-dedup, minhash 0.5", f"{PEERS}:text_dedup", 0.5),
    Method("simhash, distance 3", f"{PEERS}:simhash", 3),
)


def measure(rounds: int) -> Section:
    """Measure all methods that are installed."""
    sizes = SIZES if rounds else (1_000,)
    made = world(sizes[-1])
    own = labelled_stories.labelled()
    true_of_own = labelled_stories.pairs_within([text.story for text in own])
    quality, cost, labelled, missing = [], [], [], []
    for method in METHODS:
        try:
            with Worker(method.python) as worker:
                answer = _find(worker, method, [text.body for text in own])
        except NotInstalled as error:
            missing.append(Missing(method.subject, str(error)))
            continue
        found = joined(answer.value, len(own))
        precision, recall, f1 = labelled_stories.score(found, true_of_own)
        figures = {"F1": exact(f1), "precision": exact(precision), "recall": exact(recall)}
        labelled.append(Row(method.subject, figures, method.note))
        costs, pairs = _cost(method, made.texts, sizes, rounds)
        cost.append(Row(method.subject, costs))
        quality.append(Row(method.subject, _quality(made, pairs), method.note))
    return Section(
        title="Copies of one text",
        data=f"{len(made.texts):,} texts of {_mean_words(made):.0f} words on average, made of real passages (news "
        "pages, feed items, security news) that have at most a fifth of their shingles in common: 30 % are copies, two "
        f"of an original, and 5 % traps. {len(own):,} labelled articles of our own pen, {len(true_of_own)} true pairs. "
        "A pair counts as found when both texts end in one cluster. Precision leaves traps out. Times are of the CPU "
        "and hold everything from the text to the pairs.",
        tables=(
            Table("Copies of real passages", QUALITY, tuple(quality)),
            Table("Time and memory", COST, tuple(cost)),
            Table("Labelled articles of our own", LABELLED, tuple(labelled)),
        ),
        versions=_versions(),
        missing=tuple(missing),
        remarks=(
            "Our thresholds were chosen on the labelled articles (`python -m benchmarks.stories`), and the traps are "
            "made like the case for which our check was built; the copies of real passages chose nothing.",
            "A text of fewer than 30 words is no near copy for us, whatever it shares: most of the cut copies that we "
            "miss are that short.",
            "Our figures are of the method in memory. The warehouse does the same by SQL, batch by batch: "
            "`python -m benchmarks.story_scale`.",
        ),
    )


def joined(pairs: Iterable[tuple[int, int]], count: int) -> Pairs:
    """Return all pairs within the clusters that `pairs` of `count` texts make."""
    root = list(range(count))

    def find(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for one, other in pairs:
        root[find(other)] = find(one)
    return labelled_stories.pairs_within([str(find(place)) for place in range(count)])


def _find(worker: Worker, method: Method, texts: Sequence[str]) -> Answer:
    worker.call(method.function, ["some words that are read before all others"] * 2, method.setting)
    return worker.call(method.function, list(texts), method.setting)


def _cost(method: Method, texts: Sequence[str], sizes: Sequence[int], rounds: int) -> tuple[dict[str, Figure], Pairs]:
    """CPU seconds at each size and peak memory, each time in a fresh process; the pairs found of all texts."""
    costs: dict[str, Figure] = {}
    pairs: Pairs = set()
    peak = 0.0
    for size in sizes:
        taken: list[float] = []
        while not taken or (len(taken) < rounds and sum(taken) < BUDGET * size / sizes[-1]):
            with Worker(method.python) as worker:
                answer = _find(worker, method, texts[:size])
            taken.append(answer.cpu)
            pairs, peak = answer.value, answer.peak_mb
        costs[f"{size:,} texts"] = figure(taken)
    if len(sizes) > 1:
        last, before = (costs[f"{size:,} texts"].median for size in (sizes[-1], sizes[-2]))
        costs["growth"] = exact(last / before)
    return costs | {"memory": exact(peak)}, pairs


def _quality(made: World, pairs: Pairs) -> dict[str, Figure]:
    found = joined(pairs, len(made.texts))
    imitating = {place for place, family in enumerate(made.families) if family >= len(made.texts)}
    true = labelled_stories.pairs_within([str(family) for family in made.families])
    plain = {(one, other) for one, other in found if one not in imitating and other not in imitating}
    precision, recall, f1 = labelled_stories.score(plain, true)
    figures = {
        "F1": exact(f1),
        "precision": exact(precision),
        "recall": exact(recall),
        "traps taken for copies": exact(100 * len(found & made.traps) / max(1, len(made.traps))),
    }
    return figures | {kind: exact(100 * len(found & some) / len(some)) for kind, some in made.copies.items()}


def _mean_words(made: World) -> float:
    return sum(len(text.split()) for text in made.texts) / len(made.texts)


def _versions() -> dict[str, str]:
    try:
        with Worker() as worker:
            return worker.versions("rensa", "datasketch", "gaoya", "text-dedup", "simhash")
    except NotInstalled:
        return {}
