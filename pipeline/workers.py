"""Worker processes for what meets a publisher's bytes: killable, capped in memory and time, reused, replaced.

Parsers crash, hang and swell on hostile input, and no exception can be caught then: the process is gone. So such work
is done elsewhere. Each worker has a pipe and a dispatching thread of its own, so that the end of one touches no other.
"""

import importlib
import multiprocessing
import os
import queue
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from pipeline.errors import WorkerError, WorkersUnavailable
from pipeline.settings import WorkerSettings

T = TypeVar("T")
R = TypeVar("R")

MEBIBYTE = 1024 * 1024
PATIENCE = 5.0
"""Seconds by the clock for each second of CPU time: a busy machine is no fault of a page, a sleeping page is."""
SPARE = 10.0
"""Seconds by the clock on top of that, for a worker that must first be started."""
START = 120.0
"""Seconds by the clock until a worker must be ready; the first one waits for all imports."""
NO_MEMORY = 77
"""Exit status of a worker whose memory was used up: what is left of it can't be trusted."""
TEMPORARY = 4 * MEBIBYTE
"""Bytes of temporary files that a worker writes as it starts: the model of languages unpacks itself."""
WORN = 0.5
"""Share of its memory cap from which an idle worker is replaced, so that leaks and fragments stay bounded."""

_FROM_OUTSIDE = frozenset({-signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP})
_POLLING = Lock()
"""Held while a process's status is read: it can be read once, and each start of a process reads that of all others."""


class WorkerPool:
    """Runs functions in worker processes. A context manager; its methods may be called from any thread.

    `preload` names modules that are imported once, in the process from which all workers are forked, so that a new
    worker starts in milliseconds. (That process is one for all pools: where another pool came first, each worker
    imports them itself.) Functions, arguments and results must be picklable, and functions be found by their name.
    """

    def __init__(self, settings: WorkerSettings, *, preload: Sequence[str] = ()) -> None:
        self.processes = settings.processes or len(os.sched_getaffinity(0))
        self._memory = settings.memory_mb * MEBIBYTE
        self._preload = tuple(preload)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        self._threads: list[Thread] = []
        self._closed = False

    def __enter__(self) -> Self:
        _require_room()
        # It imports while this process still opens other things.
        forkserver.ensure_running()
        for number in range(self.processes):
            worker = _Worker(self._context, self._memory, self._preload)
            thread = Thread(target=self._dispatch, args=(worker,), name=f"worker-{number}", daemon=True)
            self._workers.append(worker)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for _ in self._threads:
            self._tasks.put(None)
        for worker in self._workers:
            worker.close()
        for thread in self._threads:
            thread.join()
        while not self._tasks.empty():
            if (task := self._tasks.get()) is not None:
                task.future.cancel()

    def submit(self, function: Callable[[T], R], item: T, *, seconds: float) -> "Future[R]":
        """Run `function(item)` in a worker. The future brings the result, or the exception that the function raised.

        A WorkerError stands for a function that used more than `seconds` of CPU time or the memory cap, that stood
        still for PATIENCE times as long, or that took its process down.
        """
        task = _Task(function, item, seconds)
        self._tasks.put(task)
        return task.future

    def map(self, function: Callable[[T], R], items: Sequence[T], *, seconds: float) -> list[R | Exception]:
        """Run `function` on each item. Returns in order the result, or the exception that ended it; see `submit`.

        Raises WorkersUnavailable where no worker can be started: that is no item's fault.
        """
        futures = [self.submit(function, item, seconds=seconds) for item in items]
        return [_outcome(future) for future in futures]

    def _dispatch(self, worker: "_Worker") -> None:
        """Feed one worker until the pool closes."""
        while (task := self._tasks.get()) is not None and not self._closed:
            try:
                value = worker.run(task)
            except _Lost as lost:
                if lost.from_outside and not task.tried and not self._closed:
                    # Killed by the system or an operator: most likely not for this item's sake.
                    task.tried = True
                    self._tasks.put(task)
                else:
                    task.future.set_exception(WorkerError(str(lost)))
            except Exception as error:
                task.future.set_exception(error)
            else:
                task.future.set_result(value)
        if task is not None:
            task.future.cancel()


def _outcome(future: "Future[Any]") -> Any:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, WorkersUnavailable) or not isinstance(error, Exception):
        raise error
    return error


@dataclass(slots=True)
class _Task:
    """One call. `seconds` caps its CPU time."""

    function: Callable[[Any], Any]
    item: Any
    seconds: float
    future: "Future[Any]" = field(default_factory=Future)
    tried: bool = False


class _Lost(Exception):
    """The worker died at its task; `from_outside` if by a signal that the task can't have sent."""

    def __init__(self, message: str, *, from_outside: bool = False) -> None:
        super().__init__(message)
        self.from_outside = from_outside


class _Worker:
    """The parent's side of one worker: it is started when needed, and anew after its end. Used by one thread."""

    def __init__(self, context: Any, memory: int, preload: tuple[str, ...]) -> None:
        self._context = context
        self._memory = memory
        self._preload = preload
        self._process: BaseProcess | None = None
        self._pipe: Connection
        self._closed = False

    def run(self, task: _Task) -> Any:
        """Return what the task's function returned, or raise what it raised; _Lost if the worker died at it."""
        process = self._started()
        limit = task.seconds * PATIENCE + SPARE
        try:
            self._pipe.send((task.function, task.item, task.seconds))
            if not self._pipe.poll(limit):
                self._replace()
                raise _Lost(f"stood still for {limit:g} s")
            is_worn, failed, value = self._pipe.recv()
        except (EOFError, OSError):
            # The pipe's end is seen before the process's; its status says why.
            status = _status(process, SPARE)
            self._process = None
            raise _obituary(status, task.seconds, self._memory) from None
        if is_worn:
            self._replace()
        if failed:
            raise value
        return value

    def close(self) -> None:
        """End the process for good, whatever it does. For another thread than that which runs tasks."""
        self._closed = True
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _replace(self) -> None:
        """End the process and wait until it is gone, so that the next task finds a new one."""
        self._kill()
        if self._process is not None:
            _status(self._process, None)
        self._process = None

    def _started(self) -> BaseProcess:
        if self._process is not None and _status(self._process, 0) is not None:
            self._process = None
        if self._process is None:
            self._start()
        assert self._process is not None, "it was started"
        return self._process

    def _start(self) -> None:
        """Start a process and wait until it says that it is ready. Raises WorkersUnavailable where it never is."""
        self._pipe, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._memory, self._preload), name="clampdown-worker", daemon=True
        )
        try:
            try:
                with _POLLING:
                    process.start()
            finally:
                theirs.close()
            self._process = process
            if self._closed:
                self._kill()
            if not self._pipe.poll(START):
                self._replace()
                raise WorkersUnavailable(f"no worker process was ready within {START:g} s")
            refusal = self._pipe.recv()
        except (OSError, EOFError) as error:
            raise WorkersUnavailable(
                f"no worker process can be started: {str(error) or type(error).__name__}",
                hint='`clampdown doctor` tries one; a script of your own needs `if __name__ == "__main__":`',
            ) from error
        if refusal is not None:
            raise WorkersUnavailable(f"no worker process can be started: {refusal}")


def _require_room() -> None:
    """Raise WorkersUnavailable where temporary files don't fit: a worker that starts would end without a word of it."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(TEMPORARY))
            file.flush()
    except OSError as error:
        raise WorkersUnavailable(
            f"no worker process can be started: temporary files can't be written: {error.strerror or error}",
            hint=f"Make room in {tempfile.gettempdir()}, set TMPDIR to another folder, or look at `ulimit -f`.",
        ) from error


def _status(process: BaseProcess, seconds: float | None) -> int | None:
    """Return the exit status of a process once it has ended, or None if it has not within `seconds`."""
    wait([process.sentinel], seconds)
    with _POLLING:
        return process.exitcode


def _obituary(exitcode: int | None, seconds: float, memory: int) -> _Lost:
    if exitcode == -signal.SIGPROF:
        return _Lost(f"used more than {seconds:g} s of CPU time")
    if exitcode == NO_MEMORY:
        return _Lost(f"needed more than {memory // MEBIBYTE} MiB of memory")
    if exitcode in _FROM_OUTSIDE:
        return _Lost(f"the worker was ended from outside by {signal.Signals(-exitcode).name}", from_outside=True)
    if exitcode is not None and exitcode < 0:
        return _Lost(f"the worker crashed ({signal.Signals(-exitcode).name})")
    return _Lost(f"the worker ended (status {exitcode})")


def _serve(pipe: Connection, memory: int, preload: tuple[str, ...]) -> None:
    """A worker's life: one task after the other, until the parent hangs up."""
    try:
        for module in preload:
            importlib.import_module(module)
        _confine(memory)
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send(None)
    worn = _resident() + memory * WORN
    while True:
        try:
            function, item, seconds = pipe.recv()
        except (EOFError, OSError):
            return
        failed, value = _called(function, item, seconds)
        try:
            pipe.send((_resident() > worn, failed, value))
        except OSError:
            return
        except Exception as error:
            # What can't be pickled says at least what it was.
            pipe.send((False, True, WorkerError(f"an answer that can't be passed on: {type(error).__name__}: {error}")))


def _called(function: Callable[[Any], Any], item: Any, seconds: float) -> tuple[bool, Any]:
    """Call under timers whose signals nothing catches: they end C code, too.

    That of CPU time is the cap. The one by the clock is for a task that stands still after its pool was killed: nobody
    else is there to end it.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * PATIENCE + 2 * SPARE)
    try:
        return False, function(item)
    except MemoryError:
        os._exit(NO_MEMORY)
    except Exception as error:
        return True, error.with_traceback(None)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _confine(memory: int) -> None:
    """Cap this process: memory beyond what it has, no files written, no core dumps, nothing said on the terminal."""
    # An interrupt of the terminal reaches all processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        cap = _pages("size") + memory
        resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)


def _resident() -> int:
    return _pages("resident") if sys.platform == "linux" else 0


def _pages(which: str) -> int:
    """Bytes of this process's memory: "size" of its address space, or what is "resident"."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # read at each task: a Path costs more
        size, resident, *_ = file.read().split()
    return int(size if which == "size" else resident) * resource.getpagesize()
