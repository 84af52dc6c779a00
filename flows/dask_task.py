"""What a Dask worker does for a run: it hands some items to worker processes of its own, which are caged as ever.

A Dask worker meets no publisher's bytes itself. A page that crashes or swells ends one of its processes, and the Dask
worker lives on. Imported on all machines of a cluster, its scheduler's included: light, and without Dask.
"""

import hashlib
import multiprocessing
import pickle
import platform
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flows.jobs import NURSERY
from pipeline.errors import WorkersUnavailable
from pipeline.settings import WorkerSettings
from pipeline.workers import WorkerPool

CODE = ("extractors", "flows/dask_task.py", "flows/jobs.py", "flows/nursery.py", "pipeline")
"""What of this program runs on a worker."""
READERS = (
    "charset-normalizer", "htmldate", "lxml", "numpy", "onnxruntime", "py3langid", "rensa", "tokenizers", "trafilatura",
)  # fmt: skip
"""Libraries on whose version may depend what is read."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items of one call of `map`, each as its pickle, and the installation for which the answers must hold."""

    function: Callable[[Any], Any]
    items: tuple[bytes, ...]
    seconds: float
    settings: WorkerSettings
    installation: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of each item, in order: a result or an exception; or why this worker can do nothing (`refusal`)."""

    worker: str
    found: tuple[Any, ...] = ()
    refusal: str | None = None


def answer(payload: bytes) -> bytes:
    """Do a pickled Chunk in the worker processes of this Dask worker. Returns a pickled Answer.

    Pickled by us, not by Dask: so its size is known, and the scheduler passes on what it can't and need not read.
    """
    from distributed import get_worker

    worker = get_worker()
    # Both come from machines that already run whatever the other sends them: docs/cluster.md, "Security".
    chunk: Chunk = pickle.loads(payload)  # noqa: S301 - from our own dispatcher
    if differing := differences(chunk.installation, installation()):
        done = Answer(worker.address, refusal=differing)
    else:
        try:
            if not worker.address.startswith("inproc:"):
                _may_have_children()
            pool = _pool(chunk.settings.memory_mb, worker.state.nthreads)
            items = [pickle.loads(item) for item in chunk.items]  # noqa: S301 - likewise
            done = Answer(worker.address, tuple(pool.map(chunk.function, items, seconds=chunk.seconds)))
        except WorkersUnavailable as error:
            done = Answer(worker.address, refusal=str(error))
    return pickle.dumps(done)


_pools: dict[tuple[int, int], WorkerPool] = {}
_making = threading.Lock()


def _pool(memory_mb: int, processes: int) -> WorkerPool:
    """The pool of this Dask worker, kept from run to run: a model that is open need not be opened again.

    There is one process for each thread of the Dask worker, which waits for it.
    """
    with _making:
        if (memory_mb, processes) not in _pools:
            pool = WorkerPool(WorkerSettings(memory_mb=memory_mb, processes=processes), preload=NURSERY)
            _pools[memory_mb, processes] = pool.__enter__()
        return _pools[memory_mb, processes]


def _may_have_children() -> None:
    """Make this process, a Dask worker's, one that can have worker processes, and light ones."""
    # Dask's nanny forbids its workers children, since they would outlive it. Ours end when their pipe does.
    multiprocessing.current_process().daemon = False
    # Each child imports the main module of its parent, unless that has no name: here it is Dask's whole command.
    main = sys.modules["__main__"]
    main.__spec__ = None
    vars(main).pop("__file__", None)


def close_pools() -> None:
    """End the pools of this process, where it goes on without being a Dask worker."""
    with _making:
        while _pools:
            _pools.popitem()[1].__exit__(None, None, None)


@cache
def installation() -> Mapping[str, str]:
    """What decides on this machine what is read from a page: name → version; "code" and weights by their content."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2]), "code": _hash_of_code()}
    for name in ("clampdown", *READERS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def differences(wanted: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Say in words what of an installation is not as it is wanted; "" where nothing is."""
    return ", ".join(
        f"{name} {here.get(name, 'none')} instead of {value}"
        for name, value in wanted.items()
        if here.get(name) != value
    )


def _hash_of_code() -> str:
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for part in CODE:
        for path in sorted((root / part).rglob("*")) or [root / part]:
            name = path.relative_to(root)
            # Training is no part of a run, and its data no part of a wheel.
            if path.is_file() and not {"__pycache__", "training"} & set(name.parts):
                digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
