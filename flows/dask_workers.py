"""Worker processes on a Dask cluster: the same work as in those of `pipeline.workers`, on other machines.

Chosen by `workers.runner = "dask"`. A run stays where it is, with its warehouse, archive and fetcher; what it hands to
workers goes to the cluster in chunks, and comes back in order. So nothing but a run writes, wherever pages are read.
Machines may come and go: what one of them had not answered is done by another.
"""

import logging
import pickle
import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from flows.dask_task import Answer, Chunk, answer, close_pools, installation
from pipeline.errors import WorkerError, WorkersUnavailable
from pipeline.settings import WorkerSettings

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

MOST_ITEMS = 8
"""Items of one chunk. More would win nothing: see benchmarks/dask_scaling.py."""
MOST_BYTES = 4_000_000
"""Bytes of one chunk, unless a single item has more."""
CHUNKS_A_THREAD = 3
"""Chunks under way for each thread of the cluster: one at work, and others at hand. The scheduler holds their bytes."""
PATIENCE = 120.0
"""Seconds without a scheduler, or without a worker that can be used, after which a run gives up."""
STEP = 2.0
"""Seconds between two looks at the cluster while nothing comes back."""
SUCCESSIVE_LOSSES = 10
"""Times that one chunk is begun anew because the connection to the scheduler was lost."""

SETTING_UP = "Each machine of the cluster needs the same installation of Clampdown: docs/cluster.md."


class DaskWorkers:
    """Workers (pipeline.protocols) on a Dask cluster. A context manager; `map` may be called from any thread.

    Without an address a scheduler and a worker are started inside this process.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._client: Client
        self._refused: dict[str, str] = {}
        """Workers that can't do our work, by their address, and why."""
        self.answered: Counter[str] = Counter()
        """How many items each worker has answered."""

    def __enter__(self) -> Self:
        try:
            self._client = _connect(self._settings, self._stack)
            self._await_worker()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.answered:
            shares = ", ".join(f"{number} by {worker}" for worker, number in sorted(self.answered.items()))
            log.info("items answered by Dask workers: %s", shares)
        self._stack.close()

    def map(self, function: Callable[[T], R], items: Sequence[T], *, seconds: float) -> list[R | Exception]:
        """Run `function` on each item. Returns in order the result, or the exception that ended it.

        As WorkerPool.map: a WorkerError stands for an item that ended its worker. Raises WorkersUnavailable where the
        cluster has no worker for PATIENCE seconds, or none that has our installation.
        """
        return _Call(self, Chunk(function, (), seconds, self._settings, installation())).all(items)

    def threads(self) -> dict[str, int]:
        """Address of each worker that can be used → its threads. Raises WorkersUnavailable without a scheduler."""
        return {
            where: number for where, number in self._ask(self._client.nthreads).items() if where not in self._refused
        }

    def refuse(self, worker: str, reason: str) -> None:
        """Use this worker no more. Raises WorkersUnavailable where no other is there."""
        if worker not in self._refused:
            self._refused[worker] = reason
            log.warning("the Dask worker %s is not used: %s", worker, reason)
        if not self.threads():
            raise WorkersUnavailable(f"no Dask worker can be used; {worker}: {reason}", hint=SETTING_UP)

    def submit(self, chunk: Chunk) -> "tuple[Future, frozenset[str] | None]":
        """Begin with a chunk. It goes to any worker; once some were refused, to those that are returned with it."""
        only = frozenset(self.threads()) if self._refused else None
        payload = pickle.dumps(chunk)
        future = self._ask(lambda: self._client.submit(answer, payload, pure=False, workers=only and list(only)))
        return future, only

    def is_connected(self) -> bool:
        """Whether the scheduler is there. It is looked for anew by the client itself; False while it does so.

        Raises WorkersUnavailable once it gave up, or was closed.
        """
        if self._client.status in ("closed", "closing"):
            raise WorkersUnavailable(f"the Dask scheduler{self._place()} is not there any more")
        return bool(self._client.status == "running")

    def _await_worker(self) -> None:
        begun = time.monotonic()
        while not self.threads():
            if time.monotonic() - begun > PATIENCE:
                raise WorkersUnavailable(
                    f"the Dask scheduler{self._place()} has had no worker for {PATIENCE:g} s",
                    hint="Start some: `dask worker ADDRESS`.",
                )
            time.sleep(0.1)

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Ask the scheduler; what Dask raises where it does not answer becomes ours."""
        try:
            return question()
        except Exception as error:
            # Dask raises OSError, TimeoutError, its own CommClosedError, and RuntimeError for a client that is closed.
            raise WorkersUnavailable(
                f"the Dask scheduler{self._place()} does not answer: {str(error) or type(error).__name__}"
            ) from error

    def _place(self) -> str:
        return f" at {self._settings.dask_address}" if self._settings.dask_address else ""


@dataclass(slots=True)
class _Sent:
    """Items of a call that go together: their places in it, how often a lost connection took them, and to whom alone
    they went, if not to any worker.
    """

    places: tuple[int, ...]
    chunk: Chunk
    losses: int = 0
    only: frozenset[str] | None = None


class _Call:
    """One call of `map`: what waits, what is under way, and what was found."""

    def __init__(self, workers: DaskWorkers, empty: Chunk) -> None:
        self._workers = workers
        self._empty = empty
        self._waiting: deque[_Sent] = deque()
        self._under_way: dict[Future, _Sent] = {}
        self._over: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._found: dict[int, Any] = {}

    def all(self, items: Sequence[Any]) -> list[Any]:
        """Return what becomes of each item, in order."""
        threads = sum(self._workers.threads().values()) if items else 0
        fresh = _cut(self._empty, items, max(1, threads))
        unattended_since: float | None = None
        try:
            while len(self._found) < len(items):
                while len(self._under_way) < max(1, threads) * CHUNKS_A_THREAD and (sent := self._next(fresh)):
                    self._send(sent)
                try:
                    future = self._over.get(timeout=STEP)
                except queue.Empty:
                    unattended_since = self._look_after(unattended_since)
                    continue
                unattended_since = None
                if (sent := self._under_way.pop(future, None)) is not None:
                    self._take(future, sent)
        finally:
            # What nobody holds any more, the scheduler forgets.
            self._under_way.clear()
        return [self._found[place] for place in range(len(items))]

    def _next(self, fresh: Iterator[_Sent]) -> _Sent | None:
        return self._waiting.popleft() if self._waiting else next(fresh, None)

    def _send(self, sent: _Sent) -> None:
        future, sent.only = self._workers.submit(sent.chunk)
        self._under_way[future] = sent
        future.add_done_callback(self._over.put)

    def _take(self, future: "Future", sent: _Sent) -> None:
        """Keep what a chunk brought, or have it done again where that was not its own fault."""
        if future.status == "finished":
            self._keep(future, sent)
        elif future.status == "error":
            self._bury(future.exception(), sent)
        else:
            # Cancelled or lost: the connection to the scheduler was, and all that it knew of us.
            self._await_scheduler()
            if sent.losses == SUCCESSIVE_LOSSES:
                raise WorkersUnavailable("the connection to the Dask scheduler is lost again and again")
            self._waiting.appendleft(replace(sent, losses=sent.losses + 1))

    def _keep(self, future: "Future", sent: _Sent) -> None:
        try:
            done: Answer = pickle.loads(future.result(PATIENCE))  # noqa: S301 - from our own workers
        except Exception as error:
            log.warning("an answer was lost on its way, and is asked for again: %s", str(error) or type(error).__name__)
            self._await_scheduler()
            if sent.losses == SUCCESSIVE_LOSSES:
                raise WorkersUnavailable("answers of Dask workers are lost again and again") from error
            self._waiting.appendleft(replace(sent, losses=sent.losses + 1))
            return
        if done.refusal is not None:
            self._workers.refuse(done.worker, done.refusal)
            self._waiting.appendleft(sent)
            return
        self._workers.answered[done.worker] += len(done.found)
        self._found.update(zip(sent.places, done.found, strict=True))

    def _bury(self, error: BaseException | None, sent: _Sent) -> None:
        """A chunk that failed as a whole: workers died at it, or one can't even begin."""
        from distributed import KilledWorker

        if not isinstance(error, KilledWorker):
            raise WorkersUnavailable(
                f"a Dask worker can't do our work: {type(error).__name__}: {error}", hint=SETTING_UP
            )
        if len(sent.places) == 1:
            self._found[sent.places[0]] = WorkerError(f"{error.allowed_failures + 1} Dask workers died at it")
            return
        # One of them may be to blame, and only that one is to be lost.
        for place, item in zip(sent.places, sent.chunk.items, strict=True):
            self._waiting.append(_Sent((place,), replace(sent.chunk, items=(item,))))

    def _look_after(self, unattended_since: float | None) -> float | None:
        """Nothing has come back for a while: is somebody at work? Returns since when nobody is, or None."""
        self._await_scheduler()
        there = self._workers.threads()
        for future, sent in list(self._under_way.items()):
            if sent.only is not None and sent.only.isdisjoint(there):
                del self._under_way[future]
                self._waiting.append(sent)
        if there:
            return None
        now = time.monotonic()
        if unattended_since is None:
            log.warning("the Dask cluster has no worker left; waiting for one")
            return now
        if now - unattended_since > PATIENCE:
            raise WorkersUnavailable(f"the Dask cluster has had no worker for {PATIENCE:g} s")
        return unattended_since

    def _await_scheduler(self) -> None:
        while not self._workers.is_connected():
            time.sleep(0.1)


def _cut(empty: Chunk, items: Sequence[Any], threads: int) -> Iterator[_Sent]:
    """Cut a call into chunks: smaller and smaller towards its end, so that all threads have work until then."""
    places: list[int] = []
    pickled: list[bytes] = []
    for place, item in enumerate(items):
        one = pickle.dumps(item)
        left = len(items) - place + len(places)
        most = min(MOST_ITEMS, max(1, left // (threads * 2)))
        if places and (len(places) >= most or sum(map(len, pickled)) + len(one) > MOST_BYTES):
            yield _Sent(tuple(places), replace(empty, items=tuple(pickled)))
            places, pickled = [], []
        places.append(place)
        pickled.append(one)
    if places:
        yield _Sent(tuple(places), replace(empty, items=tuple(pickled)))


def _connect(settings: WorkerSettings, stack: ExitStack) -> "Client":
    """A client of the cluster at the settings' address, or of one in this process; the stack closes it."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise WorkersUnavailable(
            'workers.runner is "dask", and the extra `dask` is not installed', hint='pip install "clampdown[dask]"'
        ) from error
    _pass_on_logs()
    try:
        where: Any = settings.dask_address
        if not where:
            stack.callback(close_pools)
            where = stack.enter_context(
                LocalCluster(
                    n_workers=1,
                    threads_per_worker=settings.processes or None,
                    processes=False,
                    # Both always have pages; by default anybody may read them.
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address="127.0.0.1:0",
                    silence_logs=False,
                )
            )
        return stack.enter_context(Client(where, timeout=PATIENCE, set_as_default=False, name="clampdown"))
    except Exception as error:
        # OSError, TimeoutError, ValueError for what is no address, ImportError for versions that don't go together.
        named = settings.dask_address or "inside this process"
        raise WorkersUnavailable(
            f"no Dask scheduler answers at {named}: {str(error) or type(error).__name__}",
            hint="workers.dask_address is the scheduler's, as in tcp://10.0.0.1:8786.",
        ) from error


def _pass_on_logs() -> None:
    """Dask writes its own log to the terminal, in a form of its own: have it go where all of ours goes."""
    ours = logging.getLogger("distributed")
    for handler in list(ours.handlers):
        ours.removeHandler(handler)
    ours.propagate = True
