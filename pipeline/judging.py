"""What counts as wrong: pure rules over what the flow log, the state of the site and the disk say."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.digest_times import latest_due
from pipeline.flow_log import INTERRUPTED, FlowRun, FlowStatus
from pipeline.occasions import latest
from pipeline.outbox_state import problems_of as outbox_problems
from pipeline.problems import Problem, ProblemKind, Severity
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.site_state import SiteState, Trouble
    from pipeline.status import Facts, Standing

DAILY: Final = ("digest", "maintain")
ON_DEMAND: Final = ("publish", "reextract", "backfill")

CATCHING_UP: Final = timedelta(minutes=10)
"""For so long after its start a `clampdown serve` is not called late."""

FORGOTTEN: Final = timedelta(days=7)
"""After which the failure of what a person called is no news any more."""

FAILURES_THAT_COUNT: Final = 3
"""Failed polls in a row from which on a source's failing is worth a word."""

FEWEST_SOURCES: Final = 3
"""Of fewer it can't be told that it is not each one's own trouble."""

MB: Final = 1_000_000

_LOST_HINT: Final = "Nothing is lost: the next run goes on from there. Did memory run out? The kernel's log knows."


def problems_of(settings: Settings, facts: "Facts", standings: Mapping[str, "Standing"]) -> list[Problem]:
    """All that is wrong, in the order of the rules."""
    found = [Problem(ProblemKind.FILES_UNREADABLE, None, words, severity=Severity.WARNING) for words in facts.unread]
    found += _ingest(settings, facts, standings["ingest"])
    for flow in DAILY:
        found += _daily(settings, facts, standings[flow])
    for standing in standings.values():
        found += _failed(facts, standing)
    found += _audit(facts)
    found += _disk(settings, facts)
    found += outbox_problems(facts.outbox, facts.now)
    found += facts.others
    if facts.state is not None:
        found += _sources(facts.state)
    return found


def _ingest(settings: Settings, facts: "Facts", standing: "Standing") -> Iterator[Problem]:
    """Ingest is late when none has finished for so long, and none that runs has begun since.

    A `clampdown serve` that has just been started is given time to catch up.
    """
    record = facts.records.get("ingest")
    served = facts.served_by
    moments = [
        standing.done.ended_at if standing.done else None,
        standing.running.started_at if standing.running else None,
    ]
    if standing.done is None:
        # Before the first one the time counts from the first try.
        moments += [served.since if served else None]
        moments += [record.runs[-1].started_at] if record and record.runs else []
    known = [moment for moment in moments if moment is not None]
    if not known:
        if not facts.unread:
            words = "no ingest has run yet"
            hint = "`clampdown serve` runs one every so often, `clampdown run` runs one now."
            yield Problem(ProblemKind.NOTHING_RAN, None, words, hint, "ingest", Severity.WARNING)
        return
    # What runs seldom is not late before its next time has come.
    patience = max(settings.alerts.late_after, 2 * settings.serve.ingest_every)
    since = max(known) + timedelta(seconds=patience)
    if served is not None and served.since is not None:
        since = max(since, served.since + CATCHING_UP)
    if facts.now > since:
        words = f"no ingest has finished for more than {_span(patience)}"
        yield Problem(ProblemKind.FLOW_LATE, since, words, _why_late(facts, standing), "ingest")


def _why_late(facts: "Facts", standing: "Standing") -> str:
    if facts.served_by is None:
        return "`clampdown serve` is not running: start it, or run `clampdown run`."
    if standing.running is not None:
        return f"One runs since {_clock(standing.running.started_at)}: see what its log lines say last."
    if facts.holder is not None:
        return f"The warehouse is in use by {facts.holder}: wait until that ends, or stop it."
    if standing.last is not None and standing.last.detail:
        return f"The last one said: {standing.last.detail}"
    return "See what the log of `clampdown serve` says."


def _daily(settings: Settings, facts: "Facts", standing: "Standing") -> Iterator[Problem]:
    """A daily flow is late when nobody has tried it since its time came, while somebody kept the schedule."""
    serve, served = settings.serve, facts.served_by
    if standing.flow == "digest":
        occasion = latest_due(facts.subscriptions, serve, facts.now)
    else:
        occasion = latest(serve.maintain_at, facts.zone, facts.now).at
    if occasion is None or served is None:
        return
    record = facts.records.get(standing.flow)
    runs = record.runs if record else ()
    tried = [run for run in runs if run.started_at >= occasion and not _came_to_nothing(run)]
    # What it missed before it was started, it does soon after.
    due = max(occasion, served.since or occasion) + timedelta(seconds=settings.alerts.late_after)
    if not tried and facts.now > due:
        words = f"{standing.flow} has not run since its time came"
        yield Problem(ProblemKind.FLOW_LATE, due, words, _why_late(facts, standing), standing.flow)


def _failed(facts: "Facts", standing: "Standing") -> Iterator[Problem]:
    """A flow fails when its latest runs did. One failure is no more than a warning where the next one comes soon."""
    last, flow = _latest_failure(facts, standing), standing.flow
    if last is None:
        return
    moment = last.ended_at or last.started_at
    if flow in ON_DEMAND and facts.now - moment > FORGOTTEN:
        return
    is_lost = last.status is FlowStatus.LOST
    grave = flow not in ON_DEMAND and (standing.failures > 1 or (flow in DAILY and not is_lost))
    reason = "its process was killed or crashed" if is_lost else last.detail or "it did not say why"
    words = f"{flow} failed" if standing.failures == 1 else f"{flow} failed {standing.failures} times in a row"
    hint = _LOST_HINT if is_lost else f"The log lines of run {last.run} say more."
    severity = Severity.ERROR if grave else Severity.WARNING
    yield Problem(ProblemKind.FLOW_FAILED, standing.failing_since, f"{words}: {reason}", hint, flow, severity)


def _latest_failure(facts: "Facts", standing: "Standing") -> FlowRun | None:
    if not standing.failures:
        return None
    runs = facts.records[standing.flow].runs
    return next(run for run in runs if is_failure(run))


def is_failure(run: FlowRun) -> bool:
    """Whether something went wrong: not where somebody has stopped the run."""
    return run.status is FlowStatus.LOST or (run.status is FlowStatus.FAILED and run.detail != INTERRUPTED)


def _came_to_nothing(run: FlowRun) -> bool:
    return run.status is FlowStatus.SKIPPED or run.detail == INTERRUPTED


def _audit(facts: "Facts") -> Iterator[Problem]:
    """What the latest audit found that a maintenance has done."""
    record = facts.records.get("maintain")
    audited = (run for run in (record.runs if record else ()) if isinstance(run.facts.get("audit"), Mapping))
    run = next(audited, record.done if record else None)
    told = run.facts.get("audit") if run else None
    if run is None or not isinstance(told, Mapping) or told.get("passed", True):
        return
    wrong = told.get("wrong")
    names = ", ".join(str(one) for one in wrong) if isinstance(wrong, list | tuple) else ""
    words = "the audit found something wrong" + (f": {names}" if names else "")
    hint = "`clampdown audit` says more, and the way out. The next maintenance looks again."
    yield Problem(ProblemKind.AUDIT_FAILED, run.ended_at, words, hint)


def _disk(settings: Settings, facts: "Facts") -> Iterator[Problem]:
    least = settings.alerts.disk_free_mb
    if facts.disk is not None and facts.disk.free < least * MB:
        words = f"less than {least} MB are free on the disk of {settings.data_dir}"
        hint = "Make room, or let bytes go (`clampdown prune`, retention.pages_days)."
        yield Problem(ProblemKind.DISK_LOW, None, words, hint)


def _sources(state: "SiteState") -> Iterator[Problem]:
    """Sources that need a look. Where most of them fail at once, it is our own network, and said once."""
    alive = sum(number for name, number in state.sources.items() if name != "gone")
    failing = state.sources.get("failing", 0)
    cut_off = failing >= FEWEST_SOURCES and failing * 2 >= alive
    if cut_off:
        words = f"{failing} of {alive} sources can't be reached"
        hint = "Is this machine's network in order? `clampdown sources check --probe` asks them all."
        yield Problem(ProblemKind.SOURCES_UNREACHABLE, None, words, hint)
    for one in state.trouble:
        match one.state:
            case "gone":
                yield _source(
                    one, ProblemKind.SOURCE_GONE, "is gone for good", "Take it off the list, or find its new feed."
                )
            case "silent":
                yield _source(
                    one, ProblemKind.SOURCE_SILENT, "has fallen silent", "Look at the feed in a browser: has it moved?"
                )
            case "failing" if not cut_off and one.failures >= FAILURES_THAT_COUNT:
                words = f"has failed {one.failures} times in a row" + (f": {one.error}" if one.error else "")
                yield _source(one, ProblemKind.SOURCE_FAILING, words, "`clampdown sources check --probe` asks it now.")


def _source(one: "Trouble", kind: ProblemKind, words: str, hint: str) -> Problem:
    return Problem(kind, one.since, f"{one.name} {words}", hint, one.source_id, Severity.WARNING)


def _span(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"
