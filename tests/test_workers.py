"""Workers that crash, hang, swell, leak or are killed: each ends its own task and nothing else."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from pathlib import Path

import pytest
import worker_tasks as tasks

from pipeline import workers
from pipeline.errors import FetchError, HTTPStatusError, ParseError, WorkerError, WorkersUnavailable
from pipeline.settings import WorkerSettings
from pipeline.workers import WorkerPool

SETTINGS = WorkerSettings(processes=2, memory_mb=256)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(SETTINGS, preload=("worker_tasks",)) as pool:
        yield pool


def test_results_come_in_order_and_workers_are_reused(pool: WorkerPool) -> None:
    assert pool.map(tasks.double, range(200), seconds=5) == list(range(0, 400, 2))
    assert len(set(pool.map(tasks.pid, range(50), seconds=5))) <= 2


@pytest.mark.parametrize(
    ("task", "item", "reason"),
    [
        (tasks.crash, None, r"crashed \(SIGSEGV\)"),
        (tasks.leave, 3, r"ended \(status 3\)"),
        (tasks.leave, 0, r"ended \(status 0\)"),
        (tasks.backtrack, 40, r"more than 0.5 s of CPU time"),
        (tasks.swell, 2000, r"more than 256 MiB of memory"),
        (tasks.die_from_outside, None, r"ended from outside by SIGKILL"),
    ],
)
def test_what_ends_a_worker_ends_its_task_alone(
    pool: WorkerPool, task: Callable[[object], object], item: object, reason: str
) -> None:
    before = [pool.submit(tasks.double, number, seconds=5) for number in range(20)]
    fatal = pool.submit(task, item, seconds=0.5)
    after = [pool.submit(tasks.double, number, seconds=5) for number in range(20)]
    with pytest.raises(WorkerError, match=reason):
        fatal.result(240)
    assert [future.result(240) for future in before + after] == [2 * number for number in range(20)] * 2


def test_a_task_that_sleeps_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.workers.SPARE", 1.0)
    with WorkerPool(SETTINGS.model_copy(update={"processes": 1})) as pool:
        pool.submit(tasks.double, 1, seconds=5).result(240)
        with pytest.raises(WorkerError, match="stood still"):
            pool.submit(tasks.stand_still, 60, seconds=0.1).result(240)
        assert pool.submit(tasks.double, 1, seconds=5).result(240) == 2


def test_a_task_that_sleeps_ends_also_when_its_pool_was_killed(pool: WorkerPool) -> None:
    (left,) = pool.map(tasks.alarm, [None], seconds=2.0)
    assert isinstance(left, float)
    assert 2.0 < left <= 2.0 * workers.PATIENCE + 2 * workers.SPARE
    assert left > workers.SPARE, "a pool that lives ends it first, and says why"


def test_time_is_that_of_the_processor(pool: WorkerPool) -> None:
    assert pool.submit(tasks.stand_still, 0.8, seconds=0.3).result(240) is None


def test_time_is_counted_for_each_task_anew(pool: WorkerPool) -> None:
    busy = pool.map(tasks.backtrack, [19] * 60, seconds=1.5)
    assert busy == [False] * 60


def test_memory_outside_python_is_capped_too(pool: WorkerPool) -> None:
    outcome = pool.map(tasks.swell_in_c, [2000], seconds=5)[0]
    assert isinstance(outcome, OSError)


def test_a_worker_that_was_killed_from_outside_is_given_its_task_once_more(pool: WorkerPool, tmp_path: Path) -> None:
    assert pool.submit(tasks.killed_once, str(tmp_path / "once"), seconds=5).result(240) > 0


def test_an_idle_worker_may_die(pool: WorkerPool) -> None:
    pids = set(pool.map(tasks.pid, range(50), seconds=5))
    for pid in pids:
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
    assert pool.map(tasks.double, range(20), seconds=5) == list(range(0, 40, 2))
    assert pids.isdisjoint(pool.map(tasks.pid, range(20), seconds=5))


def test_the_end_of_one_worker_is_not_lost_in_the_start_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start reads the status of every worker that has ended; read by two at once, it would be lost to one."""
    read = forkserver.read_signed
    reading: set[int] = set()

    def late(pipe: int) -> int:
        if pipe not in reading:
            reading.add(pipe)
            time.sleep(0.02)
        reading.discard(pipe)
        return read(pipe)

    monkeypatch.setattr(forkserver, "read_signed", late)
    with WorkerPool(SETTINGS.model_copy(update={"processes": 4}), preload=("worker_tasks",)) as pool:
        ends = pool.map(tasks.leave, [7] * 24, seconds=5)
    assert {str(end) for end in ends} == {"the worker ended (status 7)"}


def test_a_worker_that_leaks_is_replaced(pool: WorkerPool) -> None:
    pids = pool.map(tasks.keep, [40] * 24, seconds=5)
    assert [pid for pid in pids if not isinstance(pid, int)] == []
    assert len(set(pids)) >= 4


def test_errors_come_back_as_they_were(pool: WorkerPool) -> None:
    with pytest.raises(ValueError, match="no such thing"):
        pool.submit(tasks.refuse, "no such thing", seconds=5).result(240)
    assert isinstance(pool.map(tasks.recurse, [None], seconds=5)[0], RecursionError)


def test_what_can_not_be_passed_on_is_an_error_and_no_end(pool: WorkerPool) -> None:
    with pytest.raises(WorkerError, match="passed on"):
        pool.submit(tasks.nothing_to_pickle, None, seconds=5).result(240)
    with pytest.raises(Exception, match="pickle"):
        pool.submit(tasks.double, lambda: None, seconds=5).result(240)
    assert pool.submit(tasks.double, 4, seconds=5).result(240) == 8


def test_workers_write_no_files_and_say_nothing(
    pool: WorkerPool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = pool.map(tasks.write, [str(tmp_path / "file")], seconds=5)[0]
    assert isinstance(outcome, Exception)
    assert not (tmp_path / "file").exists() or not (tmp_path / "file").read_bytes()
    pool.submit(tasks.speak, "free(): invalid pointer", seconds=5).result(240)
    captured = capfd.readouterr()
    assert "invalid pointer" not in captured.out + captured.err


def test_workers_that_can_not_start_are_no_items_fault() -> None:
    with WorkerPool(SETTINGS, preload=("no_such_module",)) as pool, pytest.raises(WorkersUnavailable, match="no_such"):
        pool.map(tasks.double, range(20), seconds=5)


def test_what_was_to_be_loaded_is_there_whichever_pool_came_first() -> None:
    with WorkerPool(SETTINGS, preload=("colorsys",)) as pool:
        assert pool.map(tasks.is_loaded, ["colorsys"], seconds=5) == [True]


def test_many_threads_may_share_a_pool(pool: WorkerPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: pool.map(tasks.double, [n] * 20, seconds=5), range(16)))
    assert results == [[2 * n] * 20 for n in range(16)]


def test_a_pool_that_closes_leaves_nobody_waiting() -> None:
    with WorkerPool(SETTINGS) as pool:
        pids = set(pool.map(tasks.pid, range(20), seconds=5))
        waiting = [pool.submit(tasks.stand_still, 60, seconds=60) for _ in range(8)]
        time.sleep(0.2)
    assert all(future.done() for future in waiting)
    for pid in pids:
        assert isinstance(pid, int)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_our_errors_pass_between_processes(pool: WorkerPool) -> None:
    sent: list[FetchError | ParseError] = [
        ParseError("no feed", url="https://a.example/", hint="look there"),
        HTTPStatusError("status 503", url="https://a.example/", status=503, retry_after=7.0),
    ]
    for error in sent:
        came = pool.submit(tasks.echo, error, seconds=5).result(240)
        assert type(came) is type(error)
        assert came.__dict__ == error.__dict__
        assert str(came) == str(error)
