"""The real run over the bundled sample, killed: network, archive, journal, reading, storing, publishing.

What reads for events is a toy that finds a few words, and pages are read in the process itself: model and workers have
proofs of their own, and a victim must be born in milliseconds.
"""

import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from clampdown.proofs.crash_yard import Kill, Say, Tally, forked, told_by, torn_snapshot
from flows import extracting, polling
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, House
from flows.ingest import Stages, ingest
from pipeline import failpoints
from pipeline.archive import Archive
from pipeline.errors import ClampdownError
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings, PollSettings, RunSettings, Settings
from pipeline.types import (
    Action,
    Document,
    EntryResult,
    Mention,
    Poll,
    Quote,
    Source,
    Status,
)
from warehouse.compare import content
from warehouse.reader import open_reader
from warehouse.snapshot import Snapshot
from warehouse.store import open_warehouse

T = TypeVar("T")
R = TypeVar("R")

BATCH = 8
KILLS_PER_LIFE = 6

_TOLD = re.compile(r"\b(DeepSeek|TikTok|Telegram|WhatsApp|X)\b")
_DONE = re.compile(r"\b(blocked|banned|suspended|restricted|removed|fined|ban|block)\b")


class Inline:
    """`Workers` (pipeline.protocols) that are this very process."""

    def map(self, function: Callable[[T], R], items: Sequence[T], *, seconds: float) -> list[R | Exception]:
        """What `function` makes of each item, or the known error that ended it."""
        found: list[R | Exception] = []
        for item in items:
            try:
                found.append(function(item))
            except ClampdownError as error:
                found.append(error)
        return found


class Toy:
    """An `Extractor` (pipeline.protocols) that takes the first service and the first deed of a text for an event."""

    revision = "toy-1"

    def extract(self, documents: Sequence[Document]) -> list[list[Mention]]:
        """At most one mention per document."""
        return [self._mentions(document) for document in documents]

    def _mentions(self, document: Document) -> list[Mention]:
        body = document.text.find("\n\n") + 2
        service, deed = (found.search(document.text, body) for found in (_TOLD, _DONE))
        if service is None or deed is None:
            return []
        trigger, named = (Quote(one[0], one.start(), one.end()) for one in (deed, service))
        return [
            Mention(
                document_id=document.id,
                action=Action.BLOCK,
                status=Status.IN_FORCE,
                trigger=trigger,
                service=named,
                service_canonical=service[0],
                country="XX",
                score=0.5,
                model=self.revision,
            )
        ]


@dataclass(frozen=True, slots=True)
class SampleRun:
    """Runs over feeds of a served sample site."""

    sources: tuple[Source, ...]
    allow_hosts: tuple[str, ...]
    patience: float

    def run(self, folder: Path, say: Say) -> None:
        """Run once. Says which entries have come to their outcome, each time that this is committed."""
        settings = Settings(
            data_dir=folder,
            fetch=FetchSettings(allow_hosts=self.allow_hosts, host_gap=0, timeout=self.patience, retries=0),
            poll=PollSettings(min_interval=0),
            run=RunSettings(batch_size=BATCH),
        )
        with ExitStack() as stack:
            house = House(
                settings=settings,
                warehouse=stack.enter_context(open_warehouse(folder / WAREHOUSE_NAME)),
                archive=Archive(folder / ARCHIVE_NAME),
                session=stack.enter_context(FetchSession(settings.fetch)),
                pool=Inline(),
                extractor=Toy(),
            )

            def polled(house: House, polls: Sequence[Poll]) -> int:
                added = polling.store_polls(house, polls)
                say(f"polled {json.dumps([entry.id for poll in polls for entry in poll.entries])}")
                return added

            def stored(house: House, results: Sequence[EntryResult]) -> None:
                extracting.store_results(house, results)
                say(f"stored {json.dumps([result.entry_id for result in results])}")

            def published(house: House) -> Snapshot:
                snapshot = extracting.publish(house)
                say(f"published {json.dumps([snapshot.published_at.isoformat()])}")
                return snapshot

            ingest(house, self.sources, Stages(store_polls=polled, store=stored, publish=published))


@dataclass(frozen=True, slots=True)
class Sampled:
    """An undisturbed run: its tables, and the failpoints that it passed."""

    tables: str
    passed: tuple[str, ...]
    seconds: float


def preload() -> None:
    """Load what reading pages needs, so that those who are forked have it. Nothing of it keeps a thread."""
    import pipeline.feeds
    import pipeline.text  # noqa: F401 - for its tables and patterns - for its effect
    from extractors.gate import GazetteerGate
    from pipeline.language import detect

    detect("The words of a sentence in English load the tables of the languages.")
    GazetteerGate().passes("The regulator blocks the service in the country.")


def _tables(folder: Path) -> str:
    return repr(content(folder / WAREHOUSE_NAME))


def calm_run(run: SampleRun, folder: Path) -> Sampled:
    """Run once, undisturbed."""
    folder.mkdir(parents=True)

    def life(say: Say) -> None:
        seen = failpoints.record()
        start = time.monotonic()
        run.run(folder, lambda line: None)
        say(f"passed {json.dumps([time.monotonic() - start, seen])}")

    (line,) = told_by(forked(life))
    kind, _, said = line.partition(" ")
    if kind != "passed":
        raise RuntimeError(f"an undisturbed run failed: {said}")
    seconds, passed = json.loads(said)
    tables = _apart(folder)
    return Sampled(tables, tuple(passed), seconds)


def _apart(folder: Path) -> str:
    """The tables, read by a process of its own: this one must hold no engine when it forks."""
    path = folder.with_name(f"{folder.name}.tables")
    errors = list(told_by(forked(lambda say: path.write_text(_tables(folder), "utf-8"))))
    if errors:
        raise RuntimeError(errors[0])
    return path.read_text("utf-8")


def kill_runs(run: SampleRun, calm: Sampled, kills: Sequence[Kill], place: Path) -> Tally:
    """Kill runs as planned, some after each other in each folder, and let the last one in each come to its end."""
    tally = Tally()
    waiting = list(kills)
    while waiting:
        some, waiting = waiting[:KILLS_PER_LIFE], waiting[KILLS_PER_LIFE:]
        folder = place / f"run-{tally.lives}"
        folder.mkdir(parents=True)
        waiting = _life(run, calm, some, folder, tally) + waiting
        tally.lives += 1
        shutil.rmtree(folder)
    return tally


def _life(run: SampleRun, calm: Sampled, kills: Sequence[Kill], folder: Path, tally: Tally) -> list[Kill]:
    """Returns the kills that came too late here, and for which a life of their own is due."""
    known: dict[str, set[str]] = {"polled": set(), "stored": set()}
    history = ""
    late: list[Kill] = []
    for kill in [*kills, Kill()]:
        expected = {kind: sorted(ids) for kind, ids in known.items()}

        def life(say: Say, kill: Kill = kill, expected: dict[str, list[str]] = expected) -> None:
            torn = torn_snapshot(folder)
            say(f"found {json.dumps([_missing(folder, expected), torn])}")
            failpoints.arm(kill.failpoint or "")
            run.run(folder, say)

        child = forked(life)
        after = kill.after if kill.failpoint is None and kill.after else None
        for line in told_by(child, after=after):
            kind, _, said = line.partition(" ")
            if kind in known:
                known[kind] |= set(json.loads(said))
            elif kind == "found":
                lost, torn = json.loads(said)
                tally.lost += [f"{history}: {one}" for one in lost]
                tally.torn_snapshots += [f"{history}: {torn}"] if torn else []
            elif kind == "error":
                tally.lost.append(f"{history}: {said[:400]}")
        if child.status == -signal.SIGKILL:
            tally.reached[kill.name] += 1
            history = f"{history} {kill.failpoint or f'{kill.after:.3f} s'}".strip()
        elif kill.failpoint is not None and history:
            late.append(kill)
    if _apart(folder) != calm.tables:
        tally.differing.append(f"killed at {history}: the tables differ")
    return late


def _missing(folder: Path, expected: dict[str, list[str]]) -> list[str]:
    """What is not there once of what must be, and whether the ledger balances."""
    path = folder / WAREHOUSE_NAME
    if not path.exists():
        return []
    with open_reader(path) as reader:
        if "outcomes" not in reader.tables():
            return []
        listed = [entry_id for (entry_id,) in reader.rows("SELECT entry_id FROM entries")]
        outcomes = reader.rows("SELECT entry_id, outcome FROM outcomes")
        articles = [article_id for (article_id,) in reader.rows("SELECT article_id FROM articles")]
    ended = {entry_id for entry_id, outcome in outcomes if outcome != "pending"}
    faults = []
    if lost := set(expected["polled"]) - set(listed):
        faults.append(f"{len(lost)} entries are gone")
    if lost := set(expected["stored"]) - ended:
        faults.append(f"{len(lost)} outcomes are gone")
    if len(listed) != len(set(listed)) or len(articles) != len(set(articles)):
        faults.append("entries or articles stand there twice")
    if sorted(listed) != sorted(entry_id for entry_id, _ in outcomes):
        faults.append("the ledger does not balance")
    return faults
