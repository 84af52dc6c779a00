"""The figures of a `clampdown serve` for Prometheus. Times are seconds since 1970, as is usual there."""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flows.serving.watching import Watch
from pipeline.flow_log import FlowStatus
from pipeline.outbox import State
from pipeline.problems import ProblemKind, Severity
from pipeline.site_state import SiteState
from pipeline.status import Standing, Status

PREFIX: Final = "clampdown_"


def exposed(watch: Watch, accept: str) -> tuple[str, bytes]:
    """Return the content type that fits the header Accept, and the figures in it."""
    registry = CollectorRegistry()
    registry.register(_Figures(watch))
    # The supervisor itself: its memory, time and open files.
    ProcessCollector(registry=registry)
    encode, kind = choose_encoder(accept)
    return kind, encode(registry)


class _Figures(Collector):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before it is asked for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All figures, as they are now."""
        status = self._watch.status()
        yield _gauge("ready", "Whether flows can run.", int(not self._watch.waiting_for()))
        yield _gauge("healthy", "Whether there is no error among the problems.", int(status.healthy))
        yield _problems(status)
        yield from _parts(self._watch)
        yield from _flows(status.flows.values())
        if status.state is not None:
            yield from _site(status.state)
        if status.outbox is not None:
            counts = [(state.value, float(status.outbox.counts.get(state.value, 0))) for state in State]
            yield _gauges("outbox_messages", "Messages of the latest weeks by state.", "state", counts)
            oldest = status.outbox.waiting_since
            yield _gauge(
                "outbox_waiting_since_timestamp_seconds",
                "Since when the oldest waits; 0 if none does.",
                _seconds(oldest) if oldest else 0.0,
            )
        if status.disk is not None:
            yield _gauge("disk_free_bytes", "Free bytes on the disk of the data folder.", status.disk.free)
            yield _gauge("disk_total_bytes", "Bytes of the disk of the data folder.", status.disk.total)


def _gauge(name: str, about: str, value: float | None) -> Metric:
    return GaugeMetricFamily(PREFIX + name, about, value=value)


def _gauges(name: str, about: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, about, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def _problems(status: Status) -> Metric:
    family = GaugeMetricFamily(PREFIX + "problems", "Problems that there are now.", labels=["kind", "severity"])
    for kind in ProblemKind:
        for severity in Severity:
            number = sum(one.kind is kind and one.severity is severity for one in status.problems)
            family.add_metric([kind.value, severity.value], number)
    return family


def _parts(watch: Watch) -> Iterator[Metric]:
    yield _gauges(
        "process_ready",
        "Whether a process that the supervisor keeps going does its work.",
        "process",
        [(part.name, float(part.is_ready)) for part in watch.parts],
    )
    starts = CounterMetricFamily(PREFIX + "process_starts", "How often it was started.", labels=["process"])
    for part in watch.parts:
        starts.add_metric([part.name], part.starts)
    yield starts
    resident = [(part.name, float(number)) for part in watch.parts if (number := _resident(part.pid)) is not None]
    yield _gauges("process_resident_bytes", "Memory that it takes, shared pages included.", "process", resident)


def _resident(pid: int | None) -> int | None:
    """Bytes of memory of a process, where the system tells."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _flows(standings: Iterable[Standing]) -> Iterator[Metric]:
    flows = list(standings)
    began = [(one.flow, one.last.started_at.timestamp()) for one in flows if one.last]
    yield _gauges("flow_last_start_timestamp_seconds", "When the latest run that has ended began.", "flow", began)
    took = [
        (one.flow, (one.last.ended_at - one.last.started_at).total_seconds())
        for one in flows
        if one.last and one.last.ended_at
    ]
    yield _gauges("flow_last_duration_seconds", "How long it took.", "flow", took)
    done = [(one.flow, one.done.ended_at.timestamp()) for one in flows if one.done and one.done.ended_at]
    yield _gauges("flow_last_success_timestamp_seconds", "When the latest run that finished did so.", "flow", done)
    upcoming = [(one.flow, one.next_at.timestamp()) for one in flows if one.next_at]
    yield _gauges("flow_next_start_timestamp_seconds", "When it runs next.", "flow", upcoming)
    failures = [(one.flow, float(one.failures)) for one in flows]
    yield _gauges("flow_failures", "Runs that failed or were lost since the latest that finished.", "flow", failures)
    running = [(one.flow, float(one.running is not None)) for one in flows]
    yield _gauges("flow_running", "Whether it runs now.", "flow", running)
    ended = GaugeMetricFamily(PREFIX + "flow_last_status", "How its latest run ended.", labels=["flow", "status"])
    for one in flows:
        for status in FlowStatus:
            if one.last and status is not FlowStatus.RUNNING:
                ended.add_metric([one.flow, status.value], int(one.last.status is status))
    yield ended


def _site(state: SiteState) -> Iterator[Metric]:
    about = "Version of the program, revision of the model."
    info = GaugeMetricFamily(PREFIX + "info", about, labels=["version", "model"])
    info.add_metric([state.version, state.model], 1)
    yield info
    yield _gauge("state_timestamp_seconds", "When the figures of the warehouse were taken.", _seconds(state.written_at))
    yield _gauge("events", "Events in the warehouse.", state.events)
    yield _gauge("articles", "Articles in the warehouse.", state.articles)
    yield _gauge("entries", "Entries that feeds have brought.", state.entries)
    yield _gauge("entries_pending", "Entries that wait for their first outcome.", state.pending)
    yield _gauge("entries_retrying", "Entries that failed and will be tried again.", state.retrying)
    yield _gauges("sources", "Enabled sources by state.", "state", _numbers(state.sources))
    if state.lag_seconds is not None:
        about = "Median over the sources of the time from publication to being first seen."
        yield _gauge("source_lag_seconds", about, state.lag_seconds)
    if state.run_at is not None:
        yield _gauge("ingest_new_events", "Events that the latest ingest found first.", state.new_events)
        yield _gauge("ingest_entries", "Entries that the latest ingest discovered.", state.discovered)
        yield _gauges("ingest_outcomes", "How its entries ended.", "outcome", _numbers(state.outcomes))
        yield _gauges("ingest_feeds", "How its polls ended.", "outcome", _numbers(state.feeds))
    if state.snapshot is not None:
        published = _seconds(state.snapshot.published_at)
        yield _gauge("snapshot_timestamp_seconds", "When the current snapshot was published.", published)
    yield _gauges("data_bytes", "Bytes of the parts of the data folder.", "part", _numbers(state.bytes))


def _numbers(counts: Mapping[str, int]) -> list[tuple[str, float]]:
    return [(key, float(number)) for key, number in sorted(counts.items())]


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
