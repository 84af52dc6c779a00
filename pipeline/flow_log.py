"""What ran, when, and how it ended: lines in files of the data folder, so that no other record is needed.

`flows/2026-11.jsonl` has a line for each beginning in that month and one for each end, the end in the file of its
beginning. A run keeps a file in `flows/running` locked for as long as its process lives; where that lock is gone and no
end was written, the run is lost. The standard library is all that is needed, because whoever watches must stay small.
"""

import fcntl
import json
import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from pipeline.archive_files import make_folder
from pipeline.errors import ArchiveError, ClampdownError, WarehouseLocked
from pipeline.failpoints import hit
from pipeline.line_files import SUFFIX, append, locked, month_of, parsed, time_of
from pipeline.logs import about
from pipeline.secrets import masked

log = logging.getLogger(__name__)

FOLDER = "flows"
RUNNING = "running"
LONGEST_DETAIL = 500
INTERRUPTED = "interrupted"
"""The detail of a failed run that somebody has stopped."""
_BEGUN, _ENDED = "begun", "ended"
_BLOCK = 1 << 16


class FlowStatus(StrEnum):
    """How a run ended. A LOST one was begun and never ended, and its process is gone."""

    RUNNING = "running"
    FINISHED = "finished"
    SKIPPED = "skipped"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One run of a flow. Times are UTC; `scheduled_at` is None for one that a person called.

    `detail` says why it was skipped or failed; `facts` are what the flow tells of it, as JSON has it. `mode` is
    "direct" or "prefect".
    """

    flow: str
    run: str
    started_at: datetime
    ended_at: datetime | None
    status: FlowStatus
    scheduled_at: datetime | None = None
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    pid: int = 0
    host: str = ""
    mode: str = ""


class Skipped(Exception):
    """A run that finds nothing to do. Raised by `Told.skip`, caught by `FlowLog.running`."""


@dataclass(slots=True)
class Told:
    """What a run tells of itself while it runs: `facts` are written with its end, and must be plain values."""

    flow: str
    run: str
    started_at: datetime
    scheduled_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def skip(self, reason: str) -> NoReturn:
        """End the run here: there is nothing to do, or it can't be done now."""
        raise Skipped(reason)


def _now() -> datetime:
    return datetime.now(UTC)


class FlowLog:
    """The flow log of a data folder. Any number of processes may write to it and read it at a time."""

    def __init__(self, data_dir: Path, clock: Callable[[], datetime] = _now) -> None:
        self._folder = data_dir / FOLDER
        self._clock = clock

    @contextmanager
    def running(self, flow: str, *, scheduled_at: datetime | None = None, mode: str = "direct") -> Iterator[Told]:
        """Note that a run begins, and how it ends. What can't be written is logged, and stops nothing.

        `Told.skip` ends the block quietly. A WarehouseLocked counts as skipped, too, and is raised on like any other
        exception.
        """
        started_at = self._clock()
        run = f"{started_at:%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}"
        told = Told(flow, run, started_at, scheduled_at)
        with self._alive(told.run) as alive, about(flow, run):
            begun = _begun(told, mode)
            is_noted = alive and self._note(started_at, begun)
            log.info("begins")
            hit("flow.begun")
            status, detail = FlowStatus.FAILED, ""
            try:
                yield told
                status = FlowStatus.FINISHED
            except Skipped as skipped:
                status, detail = FlowStatus.SKIPPED, str(skipped)
            except WarehouseLocked as locked:
                status, detail = FlowStatus.SKIPPED, str(locked)
                raise
            except BaseException as error:
                detail = _told_of(error)
                raise
            finally:
                hit("flow.ending")
                ended = self._ended(told, status, detail)
                self._note(started_at, ended) if is_noted else self._note(started_at, begun, ended)
                _log_end(told, ended)

    def runs(self, flow: str | None = None, limit: int = 50) -> list[FlowRun]:
        """The latest runs, of one flow or of all, the newest first."""
        return list(islice(self._newest(flow), limit))

    def last(self, flow: str, *statuses: FlowStatus) -> FlowRun | None:
        """The latest run of a flow, with one of the `statuses` if any are given."""
        return next((run for run in self._newest(flow) if not statuses or run.status in statuses), None)

    def tidy(self, kept_days: int) -> int:
        """Remove the months that ended more than so many days ago. Returns how many files went.

        Raises ArchiveError where one can't be removed.
        """
        oldest = (self._clock() - timedelta(days=kept_days)).date()
        gone = [path for path in self._months() if month_of(path) < oldest.replace(day=1)]
        for path in gone:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise ArchiveError(f"{path}: can't be removed: {error.strerror or error}") from error
        return len(gone)

    @contextmanager
    def _alive(self, run: str) -> Iterator[bool]:
        """Keep a file locked: by that it is known that this process lives. Yields False where there can be none."""
        path, is_there = self._sign(run), False
        with ExitStack() as stack:
            try:
                make_folder(path.parent)
                with locked(self._folder):
                    self._sweep()
                    sign = stack.enter_context(path.open("xb"))
                    fcntl.flock(sign, fcntl.LOCK_EX)
                # Removed after the end is written, so that no reader takes the run for a lost one.
                stack.callback(path.unlink, missing_ok=True)
                is_there = True
            except OSError as error:
                log.error("%s: can't be written: %s", path, error.strerror or error)
            yield is_there

    def _ended(self, told: Told, status: FlowStatus, detail: str) -> dict[str, Any]:
        return {
            "event": _ENDED,
            "flow": told.flow,
            "run": told.run,
            "at": self._clock().isoformat(),
            "status": status.value,
            "detail": shortened(masked(detail)),
            "facts": _as_json(told),
        }

    def _note(self, began_at: datetime, *lines: Mapping[str, Any]) -> bool:
        """Write lines into the month of a beginning. Returns False where that can't be done."""
        path = self._folder / f"{began_at:%Y-%m}{SUFFIX}"
        try:
            with locked(self._folder):
                append(path, lines)
        except OSError as error:
            # What is done is done, and what is to be done may make room: neither is to fail for want of a note.
            log.error("%s: can't be written: %s", path, error.strerror or error)
            return False
        return True

    def _sweep(self) -> None:
        """Remove the signs of life of processes that are gone."""
        for path in (self._folder / RUNNING).iterdir():
            if not _is_held(path):
                path.unlink(missing_ok=True)

    def _newest(self, flow: str | None) -> Iterator[FlowRun]:
        """Runs, those whose beginning was written last first.

        Months that are still to come were written when the clock was wrong: what stands there is older than all else.
        """
        months, next_month = self._months(), self._clock() + timedelta(days=31)
        to_come = [path for path in months if month_of(path) > next_month.date()]
        for path in [*reversed(months[: len(months) - len(to_come)]), *reversed(to_come)]:
            ends: dict[str, Mapping[str, Any]] = {}
            for line in _lines_from_behind(path, flow):
                try:
                    if line["event"] == _ENDED:
                        ends[line["run"]] = line
                    elif line["event"] == _BEGUN:
                        yield self._run(path, line, ends.pop(line["run"], None))
                except (KeyError, TypeError, ValueError, AttributeError):
                    # A line that is not ours, or of a version to come.
                    continue

    def _run(self, path: Path, begun: Mapping[str, Any], ended: Mapping[str, Any] | None) -> FlowRun:
        run = _run_of(begun)
        if ended is not None:
            return _with_end(run, ended)
        if _is_held(self._sign(run.run)):
            return run
        # It may have ended since the file was read.
        for line in _lines_from_behind(path, run.flow):
            if line.get("event") == _ENDED and line.get("run") == run.run:
                return _with_end(run, line)
        return replace(run, status=FlowStatus.LOST, detail="its process ended without a word")

    def _months(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.glob(f"????-??{SUFFIX}") if month_of(path) > date.min)
        except OSError as error:
            raise ArchiveError(f"{self._folder}: can't be read: {error.strerror or error}") from error

    def _sign(self, run: str) -> Path:
        return self._folder / RUNNING / run


def _log_end(told: Told, ended: Mapping[str, Any]) -> None:
    # At this level also what failed: whoever hears of it says so with the way out, or with a traceback.
    seconds = max(0.0, (time_of(ended["at"]) - told.started_at).total_seconds())
    words = ended["detail"] or in_short(told.facts)
    log.info("%s after %.0f s%s", ended["status"], seconds, f": {words}" if words else "")


def in_short(facts: Mapping[str, Any]) -> str:
    """The figures among the facts that are not nought, in words."""
    numbers = {key: value for key, value in facts.items() if isinstance(value, int) and not isinstance(value, bool)}
    return ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in numbers.items() if value)


def _told_of(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, SystemExit):
        return f"ended with status {error.code}"
    if not isinstance(error, Exception):
        # By a person at the terminal, or by a signal that asks a flow to end.
        return INTERRUPTED
    words = str(error)
    return words if isinstance(error, ClampdownError) and words else f"{type(error).__name__}: {words}".rstrip(": ")


def shortened(text: str) -> str:
    """One line of LONGEST_DETAIL characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"


def _begun(told: Told, mode: str) -> dict[str, Any]:
    return {
        "event": _BEGUN,
        "flow": told.flow,
        "run": told.run,
        "at": told.started_at.isoformat(),
        "scheduled_at": None if told.scheduled_at is None else told.scheduled_at.isoformat(),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "mode": mode,
    }


def _as_json(told: Told) -> Any:
    """The facts as JSON has them. Those that it can't have at all are a fault of ours, and must not cost the run."""
    try:
        return json.loads(json.dumps(told.facts, default=_plain))
    except (TypeError, ValueError) as error:
        log.error("the facts of %s can't be noted: %s", told.flow, error)
        return {}


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return value.value if isinstance(value, Enum) else str(value)


def _is_held(path: Path) -> bool:
    """Whether the process that made a sign of life lives. Nobody else ever waits for it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        # Locked, or not to be told: then it is not called lost.
        return True
    return False


def _lines_from_behind(path: Path, flow: str | None) -> Iterator[Mapping[str, Any]]:
    """The lines of a file, the last one first; without those that are torn, and of one flow alone if it is given."""
    wanted = b"" if flow is None else f'"flow":{json.dumps(flow, ensure_ascii=False)}'.encode()
    for line in _raw_lines_from_behind(path):
        if not line or wanted not in line:
            continue
        found = parsed(line)
        if found is not None and (flow is None or found.get("flow") == flow):
            yield found


def _raw_lines_from_behind(path: Path) -> Iterator[bytes]:
    """Block by block: those who watch do so for months, and mostly want the last lines."""
    try:
        with path.open("rb") as file:
            at, rest = file.seek(0, os.SEEK_END), b""
            while at > 0:
                size = min(_BLOCK, at)
                at = file.seek(at - size)
                rest, *lines = (file.read(size) + rest).split(b"\n")
                yield from reversed(lines)
            yield rest
    except FileNotFoundError:
        return
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror or error}") from error


def _run_of(begun: Mapping[str, Any]) -> FlowRun:
    return FlowRun(
        flow=str(begun["flow"]),
        run=str(begun["run"]),
        started_at=time_of(begun["at"]),
        ended_at=None,
        status=FlowStatus.RUNNING,
        scheduled_at=None if begun["scheduled_at"] is None else time_of(begun["scheduled_at"]),
        pid=int(begun["pid"]),
        host=str(begun["host"]),
        mode=str(begun["mode"]),
    )


def _with_end(run: FlowRun, ended: Mapping[str, Any]) -> FlowRun:
    return replace(
        run,
        ended_at=time_of(ended["at"]),
        status=FlowStatus(ended["status"]),
        detail=str(ended["detail"]),
        facts=dict(ended["facts"]),
    )
