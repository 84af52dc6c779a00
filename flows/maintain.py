"""The nightly maintenance: step by step, each with its own outcome, so that one that fails keeps none of the others.

Whoever calls holds the lease on the data folder for the whole of it. Killed at any time it leaves nothing half done,
and the next one does what is left.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from flows import audit as auditing
from flows.audit import AuditReport, audit
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, open_house, open_store
from flows.jobs import NURSERY
from flows.retention import OF_AGE, Tools, is_set, prune_with
from flows.site_state import note_state
from pipeline.archive import Archive
from pipeline.archive_files import sweep
from pipeline.errors import ClampdownError, MaintenanceFailed, WarehouseError
from pipeline.flow_log import FlowLog, Told
from pipeline.robots_file import ROBOTS_NAME
from pipeline.settings import Settings
from pipeline.site_state import SiteState
from pipeline.workers import WorkerPool
from warehouse.audit import REBUILD

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME: Final = "maintain"
SWEEP: Final = "sweep"
RETENTION: Final = "retention"
COMPACTION: Final = "compaction"
SOURCES: Final = "sources"
FLOW_LOG: Final = "flow log"
AUDIT: Final = "audit"
STEPS: Final = (SWEEP, RETENTION, COMPACTION, SOURCES, FLOW_LOG, AUDIT)
"""In their order: what goes is gone before room is measured, and all is looked over last."""

DONE: Final = "done"
NOTHING: Final = "nothing to do"
FAILED: Final = "failed"

WHOLE_EVERY: Final = timedelta(days=7)
"""How often retention looks at all that is old, and not only at what came of age since it last did."""

MARGIN: Final = timedelta(days=1)
"""What it looks at twice, lest a clock that was set leave something out."""

LOOKED_BACK: Final = 60
"""Maintenances in the flow log among which the last ones with retention are looked for."""

LEFT: Final = timedelta(days=1)
"""Temporary files that are older belong to nobody who still lives."""

EXAMPLE: Final = 300
"""Characters of what the audit names first of what is wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """How a step ended (DONE, NOTHING or FAILED), what it did in words and in figures, and in how many seconds."""

    name: str
    status: str
    words: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MaintainReport:
    """What a maintenance did: its steps in order, how the site stands, and what the audit says."""

    steps: tuple[Step, ...]
    state: SiteState
    audited: AuditReport


def maintain(settings: Settings, told: Told, tell: Callable[[Step], None] | None = None) -> MaintainReport:
    """Do all steps, and note in `told.facts` how each ended. `tell` hears of each as it ends.

    Under "steps" stands for each its status, words, seconds and figures; under "audit" whether it passed, and the names
    of what is wrong: damage that it finds is a finding, no failure. Raises MaintenanceFailed at the end where a step
    failed, with what that said.
    """
    _skip_what_is_empty(settings, told)
    steps: list[Step] = []

    def do(name: str, work: Callable[[], tuple[Step, T]]) -> T | None:
        step, result = _done(name, work)
        steps.append(step)
        told.facts.setdefault("steps", {})[name] = {
            "status": step.status,
            "words": step.words,
            "seconds": round(step.seconds, 1),
            **step.figures,
        }
        if tell is not None:
            tell(step)
        return result

    do(SWEEP, lambda: _sweep(settings.data_dir))
    do(RETENTION, lambda: _retention(settings, told.started_at))
    do(COMPACTION, lambda: _compaction(settings))
    state = do(SOURCES, lambda: _sources(settings))
    do(FLOW_LOG, lambda: _flow_log(settings))
    audited = do(AUDIT, lambda: _audit(settings))
    if audited is not None:
        told.facts["audit"] = _findings(audited)
    failed = [step for step in steps if step.status == FAILED]
    if failed or state is None or audited is None:
        words = "; ".join(f"{step.name}: {step.words}" for step in failed)
        raise MaintenanceFailed(
            f"{len(failed)} of {len(steps)} steps failed: {words}",
            hint="The others are done; the next night tries all.",
        )
    return MaintainReport(tuple(steps), state, audited)


def _skip_what_is_empty(settings: Settings, told: Told) -> None:
    """End the run where no ingest has run yet: an audit would find all sorts of things missing."""
    if not any((settings.data_dir / name).exists() for name in (ARCHIVE_NAME, WAREHOUSE_NAME)):
        told.skip("there is nothing to look after yet: no ingest has run")


def _require_warehouse(settings: Settings) -> None:
    """Raise WarehouseError where the warehouse's file is gone: who opens it would make an empty one."""
    if not settings.warehouse.url and not (settings.data_dir / WAREHOUSE_NAME).exists():
        raise WarehouseError(f"{settings.data_dir / WAREHOUSE_NAME} is not there", hint=REBUILD)


def _done(name: str, work: Callable[[], tuple[Step, T]]) -> tuple[Step, T | None]:
    """Do a step; what it raises is how it ended."""
    began = time.monotonic()
    result: T | None = None
    try:
        step, result = work()
    except ClampdownError as error:
        log.error("%s failed: %s", name, error)
        step = Step(name, FAILED, str(error))
    except Exception as error:
        # A fault of ours in one step is no reason to leave the house unlooked after.
        log.exception("%s failed", name)
        step = Step(name, FAILED, f"{type(error).__name__}: {error}")
    else:
        log.info("%s: %s", name, step.words)
    return Step(name, step.status, step.words, step.figures, time.monotonic() - began), result


def _sweep(data_dir: Path) -> tuple[Step, None]:
    """Remove what killed programs have left behind."""
    swept = sum(sweep(folder) for folder in sorted(data_dir.iterdir()) if folder.is_dir() and not folder.is_symlink())
    for path in _abandoned(data_dir):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        swept += 1
    if not swept:
        return Step(SWEEP, NOTHING, "no killed program has left anything behind"), None
    words = f"removed {_count(swept, 'file')} that killed programs had left behind"
    return Step(SWEEP, DONE, words, {"files": swept}), None


def _abandoned(data_dir: Path) -> Iterator[Path]:
    """Temporary files that nothing but their age shows to be nobody's."""
    oldest = time.time() - LEFT.total_seconds()
    named = (
        (data_dir, f".{ROBOTS_NAME}.*"),
        (Path(tempfile.gettempdir()), f"{auditing.WORKSPACE}*"),
    )
    for folder, pattern in named:
        for path in folder.glob(pattern):
            status = path.lstat()
            if status.st_uid == os.getuid() and status.st_mtime < oldest:
                yield path


def _retention(settings: Settings, now: datetime) -> tuple[Step, None]:
    """Let bytes go as the settings say: of what came of age since the last time, and once a week of all."""
    if not is_set(settings.retention):
        return Step(RETENTION, NOTHING, "everything is kept: no retention.* is set"), None
    if not (settings.data_dir / ARCHIVE_NAME).is_dir():
        return Step(RETENTION, NOTHING, "there is no archive yet"), None
    _require_warehouse(settings)
    window = _window(settings, now)
    with (
        open_store(settings, holder=NAME) as warehouse,
        WorkerPool(settings.workers, preload=NURSERY) as pool,
    ):
        tools = Tools(settings, warehouse, Archive(settings.data_dir / ARCHIVE_NAME), pool)
        pruned = prune_with(tools, now, window=window)
    figures = {
        "whole": window is None,
        "until": now.isoformat(),
        "records": pruned.records.total(),
        "freed": pruned.freed,
        "kept": pruned.kept.total(),
    }
    if not pruned.records and not pruned.finished:
        return Step(RETENTION, NOTHING, "nothing that may go has come of age", figures), None
    words = f"reduced {_count(pruned.records.total(), 'record')} of the archive, {_size(pruned.freed)} freed"
    return Step(RETENTION, DONE, words, figures), None


def _window(settings: Settings, now: datetime) -> timedelta | None:
    """For how long back to look at what came of age, by what the flow log has; None for all of it."""
    last: datetime | None = None
    for run in FlowLog(settings.data_dir).runs(NAME, LOOKED_BACK):
        told = (run.facts.get("steps") or {}).get(RETENTION) or {}
        if "until" not in told:
            continue
        until = datetime.fromisoformat(told["until"])
        last = last or until
        if told["whole"]:
            is_recent = timedelta(0) <= now - until < WHOLE_EVERY
            return max(now - last + MARGIN, OF_AGE) if is_recent else None
    return None


def _compaction(settings: Settings) -> tuple[Step, None]:
    """Give back the room that the warehouse does not use: of its file, or of a lake's many small ones."""
    if settings.warehouse.url:
        return _tidied(settings), None
    _require_warehouse(settings)
    with open_store(settings, holder=NAME) as warehouse:
        found = warehouse.compact()
    figures = {"before": found.before, "after": found.after, "free": found.free}
    if not found.done:
        words = f"{_size(found.free)} of the warehouse's {_size(found.before)} are free, too little to write it anew"
        return Step(COMPACTION, NOTHING, words, figures), None
    words = f"the warehouse was written anew: {_size(found.before)} before, {_size(found.after)} now"
    return Step(COMPACTION, DONE, words, figures), None


def _tidied(settings: Settings) -> Step:
    if settings.warehouse.writer != 1:
        return Step(COMPACTION, NOTHING, "the first writer tidies the lake")
    # What it imports is not installed with the base.
    from warehouse.lake_care import tidy

    before, after = tidy(settings.warehouse)
    figures = {"before": before.size, "after": after.size, "files_before": before.files, "files_after": after.files}
    words = f"the lake was tidied: {before.files:,} files of {_size(before.size)} before, {after.files:,} of "
    return Step(COMPACTION, DONE, f"{words}{_size(after.size)} now", figures)


def _sources(settings: Settings) -> tuple[Step, SiteState]:
    """Look at how the sources fare, and note it with the rest that `clampdown status` shows."""
    _require_warehouse(settings)
    with open_house(settings, holder=NAME) as house:
        state = note_state(house, None)
    listed = sum(state.sources.values())
    words = f"{state.sources.get('ok', 0)} of {listed} sources are well"
    for name in ("gone", "failing", "silent"):
        if names := [one.name for one in state.trouble if one.state == name]:
            words += f"; {name}: {', '.join(names[:5])}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return Step(SOURCES, DONE, words, {"states": dict(state.sources), "bytes": sum(state.bytes.values())}), state


def _flow_log(settings: Settings) -> tuple[Step, None]:
    """Forget what ran long ago."""
    months = FlowLog(settings.data_dir).tidy(settings.serve.keep_days)
    if not months:
        return Step(FLOW_LOG, NOTHING, f"no month of it ended more than {settings.serve.keep_days} days ago"), None
    return Step(FLOW_LOG, DONE, f"forgot {_count(months, 'month')}", {"months": months}), None


def _audit(settings: Settings) -> tuple[Step, AuditReport]:
    """Look the whole house over, and a part of the archive, another each day."""
    report = audit(settings)
    looked = sum(one.checked for one in report.checks)
    wrong = [one for one in report.checks if not one.passed]
    figures = {"checks": len(report.checks), "looked_at": looked, "wrong": sum(one.wrong for one in wrong)}
    if not wrong:
        return Step(AUDIT, DONE, f"nothing wrong: {len(report.checks)} checks, {looked:,} things", figures), report
    for one in wrong:
        first = f": {one.examples[0][:EXAMPLE]}" if one.examples else ""
        log.error("audit: %s: %d wrong%s", one.name, one.wrong, first)
    return Step(AUDIT, DONE, f"found something wrong: {', '.join(one.name for one in wrong)}", figures), report


def _findings(report: AuditReport) -> dict[str, Any]:
    wrong = [one for one in report.checks if not one.passed]
    return {
        "passed": report.passed,
        "wrong": [one.name for one in wrong],
        "examples": {one.name: one.examples[0][:EXAMPLE] for one in wrong if one.examples},
    }


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _size(size: int) -> str:
    if size < 1e6:
        return f"{size / 1e3:,.1f} kB"
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
