"""A `clampdown serve` that is watched, killed, and started again as a service manager would."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.request import urlopen

from clampdown.proofs import shifted
from clampdown.proofs.ports import free_ports
from clampdown.proofs.soak_tree import Tree, end_all, is_alive, kill, tree
from flows.serving.processes import as_parent
from pipeline.errors import WorkerError
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.occasions import latest
from pipeline.settings import Settings

RESTART_AFTER: Final = 1.0
"""Seconds after which a service manager starts it again."""

STOP_WITHIN: Final = 90.0
"""Seconds that it has to stop in order."""

PROGRAM: Final = """
from flows.serving.processes import die_with_parent
die_with_parent()
from clampdown.main import main
main()
"""
"""The command itself, which does not outlive the proof."""

QUICK: Final = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
"""Else it takes ten seconds to notice what is due."""

TAIL: Final = 3000
"""Characters of the log that tell what was last."""


@dataclass(slots=True)
class Served:
    """A context manager: `clampdown serve` with the settings of `config`, while the context lasts.

    `starts` counts how often it was started. What it says goes into `log`.
    """

    config: Path
    settings: Settings
    environment: dict[str, str]
    log: Path
    starts: int = 0
    stopped_in: float | None = None
    left: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _ended_at: float = 0.0
    _seen: set[int] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def tree(self) -> Tree:
        """Its processes now."""
        found = tree(self.pid)
        self._seen.update(found.everyone)
        return found

    def keep_up(self) -> None:
        """Start it again where it was killed, after a moment. Raises WorkerError where it ended in another way."""
        assert self._process is not None, "it was started"
        status = self._process.poll()
        if status is None:
            return
        if status != -signal.SIGKILL:
            raise WorkerError(f"`clampdown serve` ended with status {status}: {self.tail()}")
        shifted.sweep(self.pid)
        if not self._ended_at:
            self._ended_at = time.monotonic()
        elif time.monotonic() - self._ended_at > RESTART_AFTER:
            self._start()

    def kill(self, pid: int) -> bool:
        """Kill one of its processes, if it is still there."""
        return kill(pid)

    def stop(self) -> None:
        """Stop it politely; note how long that took, and what it left running. What is left is killed."""
        if self._process is None:
            return
        self.tree()
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN)
            self.stopped_in = time.monotonic() - began
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Who dies with its parent needs a moment to do so.
        until = time.monotonic() + 5
        while (left := [pid for pid in self._seen if is_alive(pid)]) and time.monotonic() < until:
            time.sleep(0.1)
        self.left = left
        end_all(left)
        for pid in self._seen:
            shifted.sweep(pid)
        self._process = None

    def tail(self) -> str:
        """The end of what it said."""
        return self.log.read_text("utf-8", "replace")[-TAIL:] if self.log.exists() else ""

    def missing(self, since: datetime, now: datetime) -> list[str]:
        """The flows that should have happened between `since` and `now` at their latest occasion, and did not."""
        serve = self.settings.serve
        # Each state begins when an ingest is due.
        due = {"ingest": now, "maintain": latest(serve.maintain_at, serve.zone, now).at}
        if serve.digest_at is not None:
            due["digest"] = latest(serve.digest_at, serve.zone, now).at
        flow_log = FlowLog(self.settings.data_dir)
        done = {flow: flow_log.last(flow, FlowStatus.FINISHED) for flow in due}
        return [flow for flow, at in due.items() if at >= since and not _is_since(done[flow], at)]

    def is_ready(self) -> bool:
        """Whether it says that flows can run."""
        serve = self.settings.serve
        try:
            with urlopen(f"http://{serve.host}:{serve.status_port}/ready", timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            # Not there yet, or not ready.
            return False

    def is_busy(self) -> bool:
        """Whether any flow runs just now."""
        runs = FlowLog(self.settings.data_dir).runs(limit=8)
        return any(run.status is FlowStatus.RUNNING for run in runs)

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-c", PROGRAM, "--config", str(self.config), "serve"],
                env=self.environment | as_parent(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # An interrupt at the terminal is for the proof, which then stops it in order.
                start_new_session=True,
            )
        self.starts += 1
        self._ended_at = 0.0
        self._seen.add(self._process.pid)


def _is_since(run: FlowRun | None, at: datetime) -> bool:
    return run is not None and run.started_at >= at


def environment() -> dict[str, str]:
    """That of this process, without what it was told about settings and Prefect, and with what makes Prefect quick."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLAMPDOWN_", "PREFECT_"))}
    return kept | {"TZ": "UTC", "PYTHONUNBUFFERED": "1"} | QUICK


def write_config(
    folder: Path,
    allow_hosts: Sequence[str],
    *,
    ingest_every: float = 900,
    digest_at: str = "07:00",
    timezone: str = "Europe/Berlin",
) -> Path:
    """Write the settings of a proof into `folder`: every feed is due each hour, retention counts in days."""
    path, (port, status_port) = folder / "clampdown.toml", free_ports(2)
    path.write_text(
        f"""data_dir = "data"
sources = "sources.toml"
[fetch]
allow_hosts = {json.dumps(list(allow_hosts))}
host_gap = 0
retries = 0
[poll]
min_interval = 3600
max_interval = 3600
[workers]
processes = 1
[retention]
feeds_days = 2
pages_days = 4
versions_days = 4
[serve]
name = "soak"
port = {port}
status_port = {status_port}
ui = false
timezone = "{timezone}"
ingest_every = {ingest_every:.0f}
digest_at = "{digest_at}"
keep_days = 2
[alerts]
late_after = 86400
""",
        "utf-8",
    )
    return path
