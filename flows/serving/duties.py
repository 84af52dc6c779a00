"""What each flow does, as plain functions without Prefect: served flows and tests call the same.

Each notes its figures in `told.facts`, for the flow log, and returns what an operator may want to see. Long work goes
on in stretches: between two of them the warehouse is let go, so that an ingest gets its turn.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from flows.backfill import SourceReport, conclude, find_wanted
from flows.digest import digests_at_once, make_digests
from flows.digest_report import DigestReport, DigestState, require_made
from flows.house import House, open_house
from flows.ingest import RunReport, Stages, ingest
from flows.orders import BackfillOrder, chosen_sources, listed_sources
from flows.progress import NoProgress, Progress
from flows.reextract import reextract
from flows.serving.deadline import deadline
from flows.serving.stretches import InAll, Stretch
from flows.site_state import note_state
from pipeline.flow_log import Told
from pipeline.lease import lease
from pipeline.settings import Settings
from pipeline.site_state import SiteState
from warehouse.snapshot import Snapshot
from warehouse.summary import RunSummary

log = logging.getLogger(__name__)

HOUR: Final = 3600.0
MINUTE: Final = 60.0


def _plainly(label: str, work: Callable[[], Any]) -> Any:
    return work()


@dataclass(frozen=True, slots=True)
class Way:
    """How a duty is gone about.

    `do` are the stages of a run, `progress` hears how far it is, `mode` is noted with it. `step` does a stretch of long
    work, given what to call it.
    """

    do: Stages = field(default_factory=Stages)
    progress: Progress = field(default_factory=NoProgress)
    mode: str = "direct"
    step: Callable[[str, Callable[[], Any]], Any] = _plainly


DIRECT = Way()


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did, what it published, and how the site stands after it."""

    summary: RunSummary
    snapshot: Snapshot
    state: SiteState


@dataclass(slots=True)
class ReadAgain:
    """What a reextract did over all its stretches. `mentions` and `events` count differences by sort."""

    model: str = ""
    stretches: int = 0
    articles: int = 0
    failed: int = 0
    parted: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """The figures, for the flow log."""
        return {
            "model": self.model,
            "stretches": self.stretches,
            "articles": self.articles,
            "failed": self.failed,
            "parted": self.parted,
            "mentions": dict(self.mentions),
            "events": dict(self.events),
            "lost_decisions": len(self.lost),
        }


@dataclass(slots=True)
class BroughtBack:
    """What a backfill did over all its stretches; `sources` as its last one found them."""

    stretches: int = 0
    pages: int = 0
    sources: tuple[SourceReport, ...] = ()
    outcomes: Counter[str] = field(default_factory=Counter)
    discovered: int = 0
    new_events: int = 0

    @property
    def problems(self) -> list[str]:
        """Pages that were named but could not be had."""
        return [f"{report.source_id}: {problem}" for report in self.sources for problem in report.problems]

    @property
    def waiting(self) -> int:
        """Pages that the cap has left to another backfill."""
        return sum(report.waiting for report in self.sources)

    def facts(self) -> dict[str, Any]:
        """The figures, for the flow log."""
        return {
            "stretches": self.stretches,
            "pages": self.pages,
            "discovered": self.discovered,
            "outcomes": dict(self.outcomes),
            "new_events": self.new_events,
            "problems": len(self.problems),
            "waiting": self.waiting,
        }


def ingest_duty(settings: Settings, told: Told, way: Way = DIRECT, *, poll_all: bool = False) -> Ingested:
    """Poll, read, extract, publish; note how the site stands.

    Where a backlog takes longer than the next ingest is away, it is left to that one: so feeds are asked on time, and
    what is new is published meanwhile.
    """
    sources = listed_sources(settings)
    enough = Stretch(max(settings.serve.ingest_every, settings.serve.slice_minutes * MINUTE))
    with open_house(settings, holder="ingest", mode=way.mode, poll_all=poll_all) as opened:
        house = replace(opened, enough=enough)
        told.facts["run_id"] = house.run_id
        report = ingest(house, sources, way.do, way.progress)
        state = note_state(house, report)
    told.facts.update(ingest_facts(report, state))
    digests_at_once(settings)
    return Ingested(report.summary, report.snapshot, state)


def ingest_facts(report: RunReport, state: SiteState) -> dict[str, Any]:
    """What an ingest did in figures, for the flow log."""
    summary = report.summary
    return {
        "feeds": {outcome.value: number for outcome, number in summary.feeds.items()},
        "discovered": summary.discovered,
        "outcomes": {outcome.value: number for outcome, number in summary.outcomes.items()},
        "new_events": summary.new_events,
        "pending": summary.pending,
        "retrying": summary.retrying,
        "silent": len(summary.silent),
        "model": state.model,
        "published": report.snapshot.changed,
    }


def publish_duty(settings: Settings, told: Told, way: Way = DIRECT) -> Snapshot:
    """Publish what the warehouse holds, if what is published says anything else."""
    with open_house(settings, holder="publish", mode=way.mode) as house:
        house.take_over_decisions()
        snapshot = way.do.publish(house)
        note_state(house, None)
    told.facts.update({"published": snapshot.changed, "rows": sum(snapshot.counts.values())})
    digests_at_once(settings)
    return snapshot


def digest_duty(
    settings: Settings, told: Told, patience: float = 0.0, *, only: str | None = None
) -> list[DigestReport]:
    """Make the digests that are due, each once. It needs no lease: it reads what is published.

    With `only`, that of the subscription of that id. Raises ArchiveError, once all others are made, where one could
    not be.
    """
    reports = make_digests(settings, datetime.now(UTC), patience=patience, only=only)
    told.facts.update(digest_facts(reports))
    require_made(reports)
    return reports


def digest_facts(reports: Sequence[DigestReport]) -> dict[str, Any]:
    """What came of digests in figures, for the flow log: of one what it is, of several how many they are."""
    counts = {state.value.replace(" ", "_"): sum(one.state is state for one in reports) for state in DigestState}
    figures = {"mails": sum(one.mails for one in reports), "unsent": sum(len(one.unsent) for one in reports)}
    if len(reports) == 1:
        return reports[0].facts | figures
    state = DigestState.MADE if counts["made"] else DigestState.DONE if counts["done"] else DigestState.NOT_DUE
    return {"state": state.value, **counts, "news": sum(one.news for one in reports), **figures}


def reextract_duty(settings: Settings, told: Told, since: date | None = None, way: Way = DIRECT) -> ReadAgain:
    """Read the stored texts again with the model of today, in stretches. Takes the lease itself."""
    done, progress = ReadAgain(), InAll(way.progress)

    def work(house: House) -> bool:
        progress.next_stretch()
        report = reextract(house, since=since, progress=progress)
        done.model = report.model
        done.stretches += 1
        done.articles += report.articles
        # What can't be read is tried once more by each stretch, so that the last one counts all of it.
        done.failed, done.parted = report.failed, report.parted
        done.mentions += report.differences.mentions
        done.events += report.event_counts
        done.lost = sorted({*done.lost, *report.lost} - set(report.found))
        told.facts.update(done.facts())
        note_state(house, None)
        return report.articles > 0

    _in_stretches(settings, told, way, work)
    return done


def backfill_duty(settings: Settings, told: Told, order: BackfillOrder, way: Way = DIRECT) -> BroughtBack:
    """Bring back the entries of past days, in stretches. Takes the lease itself."""
    listed, chosen = chosen_sources(settings, order.sources)
    wanted = order.wanted()
    done, progress = BroughtBack(), InAll(way.progress)

    def work(house: House) -> bool:
        nonlocal wanted
        progress.next_stretch()
        found = find_wanted(house, listed, chosen, wanted, progress)
        report = conclude(house, found, way.do, progress)
        most = max((source.read_now for source in found), default=0)
        # The cap is on all stretches together, and what the first one has read anew is not read anew once more.
        wanted = replace(wanted, again=False, max_pages=max(wanted.max_pages - most, 0))
        done.stretches += 1
        done.pages += sum(source.read_now for source in found)
        done.sources = found
        done.outcomes += Counter({outcome.value: number for outcome, number in report.summary.outcomes.items()})
        done.discovered += report.summary.discovered
        done.new_events += report.summary.new_events
        told.facts.update(done.facts())
        note_state(house, None)
        return True

    _in_stretches(settings, told, way, work)
    return done


def _in_stretches(settings: Settings, told: Told, way: Way, work: Callable[[House], bool]) -> None:
    """Do `work` again and again, each time in a house opened anew, until it ends before its time or says False.

    In between the warehouse is let go. Those who wait for it come first.
    """
    hours = settings.serve.ingest_hours * HOUR
    wait, number, has_more = settings.serve.wait, 0, True

    def stretch() -> bool:
        with (
            lease(settings.data_dir, holder=told.flow, run=told.run, wait=wait),
            open_house(settings, holder=told.flow, mode=way.mode) as house,
            deadline(hours, f"a stretch of {told.flow}"),
        ):
            # Its time begins here: waiting is none of it.
            enough = Stretch(settings.serve.slice_minutes * MINUTE)
            return work(replace(house, enough=enough)) and enough.is_cut

    while has_more:
        if number:
            log.info("the warehouse is let go for a moment: those who wait for it come first")
        number += 1
        has_more = way.step(f"stretch {number}", stretch)
        # Who has begun is patient: an ingest may take as long as it is allowed to.
        wait = max(settings.serve.wait, hours)
