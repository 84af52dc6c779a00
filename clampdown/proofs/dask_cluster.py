"""A Dask cluster for a proof, a test or a measurement: a scheduler and some workers, on loopback, gone afterwards."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from clampdown.proofs.claims import NotPossible
from flows.serving.processes import as_parent, die_with_parent
from pipeline.errors import InputError

READY = 120.0
"""Seconds until a scheduler or a worker must be there."""
_FILE = "scheduler.json"
_LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--preload", __name__)


def dask_setup(_: object) -> None:
    """What Dask calls in a scheduler or worker that it has started: it is not to outlive whoever started it."""
    die_with_parent()


@dataclass(slots=True)
class Cluster:
    """A scheduler and its workers, each a process of its own that writes into `folder`."""

    folder: Path
    scheduler: "subprocess.Popen[bytes]"
    address: str
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def add_worker(self, threads: int = 1) -> "subprocess.Popen[bytes]":
        """Start one more worker, without waiting for it. It ends with the scheduler."""
        number = len(self.workers) + 1
        folder = self.folder / f"worker-{number}"
        folder.mkdir()
        # Without a nanny, so that the process is the worker: its death is final.
        options = ("--nthreads", str(threads), "--no-nanny", "--name", str(number), "--death-timeout", "60")
        worker = _dask("worker", self.address, *_LOOPBACK, *options, "--local-directory", str(folder), log=folder)
        self.workers.append(worker)
        return worker


@contextmanager
def cluster(folder: Path, workers: int = 2, *, threads: int = 1) -> Iterator[Cluster]:
    """Run a cluster whose files lie in `folder`. Raises InputError where Dask is not installed or does not start."""
    if find_spec("distributed") is None:
        raise NotPossible("Dask is not installed here", hint='pip install "clampdown[dask]"')
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        file = folder / _FILE
        scheduler = _dask("scheduler", *_LOOPBACK, "--port", "0", "--scheduler-file", str(file), log=folder)
        stack.callback(_end, [scheduler])
        started = Cluster(folder, scheduler, _address(file, scheduler))
        stack.callback(_end, started.workers)
        for _ in range(workers):
            started.add_worker(threads)
        yield started


def _dask(what: str, *arguments: str, log: Path) -> "subprocess.Popen[bytes]":
    with (log / "log").open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments],
            env=os.environ | as_parent(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _address(file: Path, scheduler: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + READY
    while scheduler.poll() is None and time.monotonic() < deadline:
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["address"])
        except (FileNotFoundError, ValueError):
            # Not there yet, or half written.
            time.sleep(0.05)
    log = (file.parent / "log").read_text(encoding="utf-8", errors="replace")
    raise InputError(f"the Dask scheduler does not start: {log.strip()[-500:]}")


def _end(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
