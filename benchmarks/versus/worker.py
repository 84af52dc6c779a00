"""A process that does what it is told and measures it: `Worker` on our side, `main` on the other one.

Peers live in an environment of their own (`.venv-bench`, made by `make bench`), so that neither side's pins bind the
other. Ours are measured in such a process, too: each subject alone, none with another one's memory. Time is taken
inside, around the function alone, so what goes over the pipes doesn't count.

Frames are pickled with their length before them. A module that is called over there must import nothing of ours but
`benchmarks.versus.peers`: our packages' dependencies are not installed in that environment.
"""

import gc
import importlib
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

ROOT: Final = Path(__file__).parents[2]
BENCH: Final = Path(os.environ.get("CLAMPDOWN_BENCH_PYTHON", ROOT / ".venv-bench" / "bin" / "python"))
"""The interpreter of the peers' environment."""
OWN: Final = Path(sys.executable)
AT_HOME: Final = {"TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS": ""}
"""So that news-please's tldextract takes the list that it brings along and asks nobody for a newer one."""
_LENGTH: Final = struct.Struct("<Q")


class NotInstalled(Exception):
    """A peer's environment or module isn't there."""


class Hung(Exception):
    """A call took longer than it may; the process is gone."""


class Failed(Exception):
    """A call raised, or its process died: the message names the exception."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned and took: seconds of CPU and by the clock, and the process's peak memory since it began."""

    value: Any
    cpu: float
    wall: float
    peak_mb: float


class Worker:
    """A process of `python` that calls functions of importable modules, one at a time.

    A call that runs longer than its `seconds` ends the process; the next call begins a new one.
    """

    def __init__(self, python: Path = BENCH, *, memory_mb: int = 0, cpu_seconds: int = 0) -> None:
        """Limit the process to so much address space, and each call to so much CPU time; 0 means without limit."""
        if not python.exists():
            raise NotInstalled("the peers' environment is not set up: make bench")
        self._python = python
        self._memory_mb = memory_mb
        self._cpu_seconds = cpu_seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, function: str, *args: object, seconds: float = 600.0) -> Answer:
        """Call `function`, named "module:name", with picklable `args`.

        Raises NotInstalled if a module it needs isn't there, Hung and Failed.
        """
        process = self._started()
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:  # pragma: no cover
            raise Failed("no pipes")
        try:
            _send(stdin, (function, args))
            if not select.select([stdout], [], [], seconds)[0]:
                self.close()
                raise Hung(f"more than {seconds:g} s")
            kind, value = _receive(stdout)
        except (BrokenPipeError, EOFError) as error:
            code = process.wait()
            self.close()
            if code == -signal.SIGXCPU:
                raise Hung(f"more than {self._cpu_seconds} s of CPU time") from error
            raise Failed(f"the process ended with {code}") from error
        if kind == "answer":
            return Answer(*value)
        raise (NotInstalled if kind == "missing" else Failed)(value)

    def versions(self, *distributions: str) -> dict[str, str]:
        """Return the versions of those distributions that are installed over there."""
        found: dict[str, str] = self.call("benchmarks.versus.worker:versions_here", distributions).value
        return found

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [str(self._python), "-W", "ignore", "-m", "benchmarks.versus.worker"]
            command += [str(self._memory_mb), str(self._cpu_seconds)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | AT_HOME
            )
        return self._process


def versions_here(distributions: tuple[str, ...]) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _send(pipe: BinaryIO | Any, frame: object) -> None:
    data = pickle.dumps(frame)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _receive(pipe: BinaryIO | Any) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return pickle.loads(pipe.read(_LENGTH.unpack(head)[0]))


def _answer(function: str, args: tuple[object, ...]) -> tuple[str, object]:
    module, _, name = function.partition(":")
    try:
        called = getattr(importlib.import_module(module), name)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        value = called(*args)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    except ImportError as error:
        return "missing", f"{error}"
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:500]
    return "answer", (value, cpu, wall, _peak_mb())


def _peak_mb() -> float:
    # ru_maxrss would begin with what the parent had when it forked; VmHWM begins anew with exec.
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)


def main() -> None:
    """Answer frames from standard input until it ends. What peers print goes to standard error."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    memory, cpu = (int(argument) for argument in sys.argv[1:3])
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory * 2**20, memory * 2**20))
    while True:
        try:
            function, args = _receive(requests)
        except EOFError:
            return
        if cpu:
            # Whole seconds of the process's time: at most one more than asked for.
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + cpu + 1, resource.RLIM_INFINITY))
        _send(answers, _answer(function, args))


if __name__ == "__main__":
    main()
