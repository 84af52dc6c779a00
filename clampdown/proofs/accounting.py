"""Nothing vanishes: each entry that a feed handed out is in the ledger once, with how it ended and why it failed.

Runs go over a web in which entries end in every way there is. Some runs are cut short, some are killed. What the
servers handed out is held against the ledger after each; and a ledger that was tampered with must be found out.
"""

import logging
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clampdown.proofs.accounting_run import Runs, opened, settings_for
from clampdown.proofs.accounting_web import Plan, Web, numbers_in
from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.faults import FAULTS
from flows.audit import audit
from flows.house import WAREHOUSE_NAME
from pipeline import failpoints
from pipeline.settings import Settings
from pipeline.types import FeedOutcome, Outcome
from warehouse.database import Database
from warehouse.reader import Reader, open_reader

FULL: Final = Plan(
    rounds=3,
    each=3,
    faults=tuple(FAULTS),
    troubles=("page", "void", "closed", "lost", "failing", "torn", "private", "inside", "huge", "breaking", "late"),
    long=10_000,
    batch=100,
)
SHORT: Final = Plan(
    rounds=2,
    each=1,
    faults=("crash", "blunder"),
    troubles=("page", "void", "closed", "lost", "failing", "torn", "private", "inside", "huge", "breaking"),
)
KILLS: Final = 3
"""Runs that are killed in each round of the full form."""
TIMEOUT: Final = 3.0

_SPEAKING: Final = frozenset({Outcome.PENDING, Outcome.EVENTS, Outcome.NO_EVENT, Outcome.GATED})
"""Outcomes that need no reason beside them."""
_SHORT_KILL: Final = "store.committed"

_COMPARING: Final = frozenset({"published tables"})

COUNTERFEITS: Final = {
    "an outcome deleted": "DELETE FROM outcomes WHERE entry_id = (SELECT min(entry_id) FROM outcomes)",
    "an outcome doubled": "INSERT INTO outcomes FROM outcomes WHERE entry_id = (SELECT min(entry_id) FROM outcomes)",
    "a reason removed": """
        UPDATE outcomes SET detail = NULL WHERE entry_id =
            (SELECT min(entry_id) FROM outcomes WHERE outcome = 'quarantined')""",
    "an entry deleted with its outcome": """
        DELETE FROM outcomes WHERE entry_id = (SELECT min(entry_id) FROM entries);
        DELETE FROM entries WHERE entry_id = (SELECT min(entry_id) FROM entries)""",
    "one entry's outcome put in place of another's": """
        UPDATE outcomes SET entry_id = (SELECT max(entry_id) FROM entries)
        WHERE entry_id = (SELECT min(entry_id) FROM entries)""",
    "an entry doubled": "INSERT INTO entries FROM entries WHERE entry_id = (SELECT min(entry_id) FROM entries)",
    "an outcome of no entry": """
        INSERT INTO outcomes BY NAME SELECT 'nobody' AS entry_id, 'gated' AS outcome, 1 AS attempts""",
    "an outcome that nobody knows": """
        UPDATE outcomes SET outcome = 'fine' WHERE entry_id = (SELECT min(entry_id) FROM outcomes)""",
    "an article deleted": """
        DELETE FROM articles WHERE article_id =
            (SELECT min(article_id) FROM outcomes WHERE outcome = 'events')""",
    "events claimed where none are": "UPDATE outcomes SET outcome = 'events' WHERE outcome = 'gated'",
}
"""What is done to a copy of the warehouse, in words and in SQL. The short form does the first three."""


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. The short form has two rounds and one kill, and no feed of ten thousand items."""
    plan = SHORT if short else FULL
    with Web(plan) as web, tempfile.TemporaryDirectory() as folder, _quiet():
        settings = settings_for(Path(folder), web.allow_hosts, TIMEOUT, plan.batch)
        with opened(settings) as runs:
            ledger = Ledger(web, runs, tell, short=short)
            ledger.live()
        claims = list(ledger.claims())
        claims += _tampered(settings, runs.folder, tell, short=short)
    return Proof("accounting", tuple(claims), {"outcomes": ledger.outcomes, "polls": ledger.polls})


@dataclass(slots=True)
class Ledger:
    """Runs over the web, and what is wrong with the ledger after each, in words."""

    web: Web
    runs: Runs
    tell: Tell
    short: bool
    looks: int = 0
    killed: int = 0
    entries: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    ways: set[str] = field(default_factory=set)
    sums: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    unpolled: list[str] = field(default_factory=list)

    def live(self) -> None:
        """Go through all rounds: a run that is cut short, runs that are killed, and one that comes to its end."""
        dice, passed = random.Random(self.web.plan.seed), [_SHORT_KILL]
        for round_ in range(self.web.plan.rounds):
            self.web.round = round_
            if not self.short:
                self._run(round_, cut=True)
            for _ in range((round_ == 0) if self.short else KILLS):
                self._kill(round_, _SHORT_KILL if self.short else _drawn(dice, passed))
            seen = failpoints.record()
            self._run(round_)
            failpoints.arm("")
            passed = seen or passed
            self.tell(f"round {round_ + 1} of {self.web.plan.rounds}: {self.entries:,} entries, {self.killed} kills")

    def claims(self) -> Iterator[Claim]:
        """What was found, held against what is promised."""
        kills = 1 if self.short else KILLS * self.web.plan.rounds // 2
        words = "runs killed amid their work, each followed by a look and a run"
        yield Claim(words, str(self.killed), f"≥ {kills}", self.killed >= kills)
        total = sum(self.outcomes.values())
        measured = f"{self.entries:,} = {total:,} at the end, {len(self.sums)} of {self.looks} looks differ"
        yield _held("discovered = the sum of all outcomes, over all and in each run", measured, "0 differ", self.sums)
        for text, faults in (
            ("entries that feeds handed out and that are not there", self.lost),
            ("entries or outcomes that stand there twice, or that nobody handed out", self.doubled),
            ("entries that ended otherwise than their pages deserve", self.strange),
            ("failures, copies and foreign texts without their reason", self.silent),
            ("feeds that were due and have no poll, or ended otherwise than they deserve", self.unpolled),
        ):
            yield _held(text, f"{len(faults)} of {len(self.web.handed):,} entries", "0", faults)
        yield _all("ways to end that occurred", {one.value for one in Outcome}, self.ways)
        polls = {one.value for one in FeedOutcome} - ({"timeout"} if self.short else set())
        yield _all("ways for a poll to end that occurred", polls, self.polls.keys())

    def _run(self, round_: int, *, cut: bool = False) -> None:
        publishes = round_ == self.web.plan.rounds - 1 and not cut
        report = self.runs.run(self.web.sources(), round_, cut=cut, publishes=publishes)
        self._look(f"round {round_}{', cut short' if cut else ''}", round_, is_done=not cut)
        tried = sum(report.summary.outcomes.values())
        if not cut and tried < report.summary.discovered:
            self.sums.append(f"round {round_}: {report.summary.discovered} discovered, {tried} tried")
        with open_reader(self.runs.folder / WAREHOUSE_NAME) as reader:
            self._look_at_polls(reader, report.summary.run_id)

    def _kill(self, round_: int, failpoint: str) -> None:
        if self.runs.run_killed(self.web.sources(), round_, failpoint) == -signal.SIGKILL:
            self.killed += 1
        self._look(f"round {round_}, killed at {failpoint}", round_, is_done=False)

    def _look(self, when: str, round_: int, *, is_done: bool) -> None:
        with open_reader(self.runs.folder / WAREHOUSE_NAME) as reader:
            if "outcomes" not in reader.tables():
                return
            entries = dict(reader.rows("SELECT entry_id, title FROM entries"))
            count = reader.rows("SELECT count(*) FROM entries")[0][0]
            rows = reader.rows("SELECT entry_id, outcome, detail FROM outcomes")
        self.looks += 1
        self.entries = count
        by_outcome = Counter(outcome for _, outcome, _ in rows)
        self.outcomes, self.ways = dict(sorted(by_outcome.items())), self.ways | by_outcome.keys()
        if count != by_outcome.total() or entries.keys() != {entry_id for entry_id, _, _ in rows}:
            self.sums.append(f"{when}: {count} entries, {by_outcome.total()} outcomes")
        numbers = Counter(numbers_in(entries.values()))
        unknown = numbers.keys() - self.web.handed
        if count != len(entries) or numbers.total() != count or unknown or numbers.most_common(1)[0][1:] > (1,):
            self.doubled.append(
                f"{when}: {count} rows, {len(entries)} entries, {len(numbers)} items, {len(unknown)} odd"
            )
        if is_done:
            missing = self.web.handed - numbers.keys()
            self.lost += [f"{when}: {self.web.items[one].title}" for one in sorted(missing)]
        for entry_id, outcome, detail in rows:
            item = self.web.items[numbers_in([entries[entry_id]])[0]]
            if is_done and Outcome(outcome) not in item.ends(round_):
                self.strange.append(f"{when}: {item.fate} #{item.number} ended as {outcome} ({detail})")
            if Outcome(outcome) not in _SPEAKING and not detail:
                self.silent.append(f"{when}: {item.fate} #{item.number} ended as {outcome}")

    def _look_at_polls(self, reader: Reader, run_id: str) -> None:
        found = dict(reader.rows("SELECT source_id, outcome FROM polls WHERE run_id = ?", [run_id]))
        gone = {one for (one,) in reader.rows("SELECT source_id FROM feed_states WHERE gone_at IS NOT NULL")}
        expected = self.web.expected_polls()
        for source in self.web.sources():
            outcome = found.get(source.id)
            may = {expected[source.id]} if source.id in expected else {FeedOutcome.OK, FeedOutcome.NOT_MODIFIED}
            if source.id not in gone and outcome not in may | {FeedOutcome.NOT_MODIFIED}:
                self.unpolled.append(f"{run_id}: {source.id} ended as {outcome}")
        self.polls = dict(reader.rows("SELECT outcome, count(*) FROM polls GROUP BY ALL ORDER BY ALL"))


@contextmanager
def _quiet() -> Iterator[None]:
    """What breaks in these runs is meant to: nobody wants the log of it."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def _drawn(dice: random.Random, passed: Sequence[str]) -> str:
    """One of the failpoints that the last run passed, at one of its passes."""
    name = dice.choice(sorted(set(passed)))
    return f"{name}:{dice.randint(1, passed.count(name))}"


def _all(text: str, wanted: Set[str], seen: Set[str]) -> Claim:
    left = f"; not {', '.join(sorted(wanted - seen))}" if wanted - seen else ""
    return Claim(text, f"{len(wanted & seen)} of {len(wanted)}{left}", "all", wanted <= seen)


def _held(text: str, measured: str, promised: str, faults: Sequence[str]) -> Claim:
    first = f"; first: {faults[0]}" if faults else ""
    return Claim(text, measured + first, promised, not faults)


def _tampered(settings: Settings, folder: Path, tell: Tell, *, short: bool) -> Iterator[Claim]:
    """What `clampdown audit` says of the warehouse, and of copies that were tampered with."""
    mine = settings.model_copy(update={"data_dir": folder})
    report = audit(mine)
    wrong = [f"{check.name}: {check.examples[0]}" for check in report.checks if not check.passed]
    words = f"{len(wrong)} of {len(report.checks)} checks, {sum(one.checked for one in report.checks):,} things"
    yield _held("`clampdown audit` finds wrong", words, "0 checks", wrong)
    counterfeits = list(COUNTERFEITS.items())[: 3 if short else None]
    tell(f"tampering with the ledger in {len(counterfeits)} ways")
    missed = []
    for name, script in counterfeits:
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            copy = Path(place) / "data"
            shutil.copytree(folder, copy, symlinks=True)
            database = Database.open(copy / WAREHOUSE_NAME)
            database.script(script)
            database.close()
            report = audit(mine.model_copy(update={"data_dir": copy}))
            # That it differs from what was published before does not count: a run would have published it so.
            if all(check.passed or check.name in _COMPARING for check in report.checks):
                missed.append(name)
    found = f"{len(counterfeits) - len(missed)} of {len(counterfeits)}"
    yield _held("counterfeit ledgers that `clampdown audit` notices", found, "all", missed)
