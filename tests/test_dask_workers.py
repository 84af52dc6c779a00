"""Workers on a real Dask cluster on loopback: in order, equal, and whole when machines of it fail or differ."""

import pickle
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import worker_tasks as tasks
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from flows import dask_workers
from flows.dask_task import Chunk, differences, installation
from flows.dask_workers import DaskWorkers
from flows.jobs import PROBE, ExtractJob, PageJob, find_events, read_page
from pipeline.errors import ModelError, WorkerError, WorkersUnavailable
from pipeline.settings import ExtractSettings, WorkerSettings
from pipeline.types import Entry, Response

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

from clampdown.proofs.dask_cluster import Cluster, cluster


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patched:
        # What the tests have workers do must be found there.
        patched.setenv("PYTHONPATH", f"{ROOT}:{Path(__file__).parent}")
        with cluster(tmp_path_factory.mktemp("dask") / "cluster", 2) as started:
            yield started


@pytest.fixture(scope="module")
def workers(running: Cluster) -> Iterator[DaskWorkers]:
    with DaskWorkers(_settings(running.address)) as opened:
        _await_workers(opened, 2)
        yield opened


def _settings(address: str) -> WorkerSettings:
    return WorkerSettings(runner="dask", dask_address=address, memory_mb=256)


def _await_workers(workers: DaskWorkers, number: int) -> None:
    while len(workers.threads()) < number:
        time.sleep(0.05)


def test_results_come_in_order_from_both_workers_also_to_several_threads(workers: DaskWorkers) -> None:
    starts = (0, 7, 90)
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(workers.map, tasks.double, range(at, at + 150), seconds=5) for at in starts]
        assert [call.result(280) for call in calls] == [list(range(2 * at, 2 * at + 300, 2)) for at in starts]
    assert set(workers.answered) == set(workers.threads())
    assert sum(workers.answered.values()) == 450
    assert workers.map(tasks.double, [], seconds=5) == []


def test_what_ends_a_worker_process_ends_its_item_alone(workers: DaskWorkers) -> None:
    there = workers.threads()
    found = workers.map(tasks.do, ["crash", 1, "swell", 2, "refuse", 3], seconds=2)
    assert found[1::2] == [1, 2, 3]
    assert [type(one) for one in found[::2]] == [WorkerError, WorkerError, ValueError]
    assert "crashed (SIGSEGV)" in str(found[0])
    assert "256 MiB" in str(found[2])
    assert workers.threads() == there


def test_pages_are_read_as_in_this_process(workers: DaskWorkers) -> None:
    text = "<html lang=en><head><title>TikTok blocked</title></head><body><article><h1>TikTok blocked</h1>{}</article>"
    words = "<p>The ministry of communications of Nepal has blocked TikTok across the country from Monday.</p>"
    jobs = [_page(number, text.format(words * (3 + number))) for number in range(6)]
    assert workers.map(read_page, jobs, seconds=20) == [read_page(job) for job in jobs]


def test_another_model_than_that_which_was_asked_for_reads_nothing() -> None:
    with pytest.raises(ModelError, match="where another is asked for"):
        find_events(ExtractJob(PROBE, ExtractSettings(), "another"))


def test_a_machine_with_another_installation_is_not_used(
    running: Cluster, workers: DaskWorkers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dask_workers, "installation", lambda: {**installation(), "lxml": "0.9"})
    with (
        DaskWorkers(_settings(running.address)) as others,
        pytest.raises(WorkersUnavailable, match=r"no Dask worker can be used; tcp:.*: lxml \S+ instead of 0\.9"),
    ):
        others.map(tasks.double, range(9), seconds=5)
    monkeypatch.undo()
    # One of two: the other does all.
    spurned, kept = workers.threads()
    with DaskWorkers(_settings(running.address)) as choosy:
        choosy.refuse(spurned, "out of the ordinary")
        assert choosy.map(tasks.double, range(40), seconds=5) == list(range(0, 80, 2))
        assert set(choosy.answered) == {kept}
    assert "out of the ordinary" in caplog.text


def test_a_machine_that_is_lost_costs_nothing(workers: DaskWorkers, running: Cluster) -> None:
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(workers.map, tasks.dawdle, list(range(40)), seconds=5)
        time.sleep(1)
        running.workers[0].send_signal(signal.SIGKILL)
        assert call.result(280) == list(range(40))
    while len(workers.threads()) > 1:
        time.sleep(0.05)


@given(st.integers(1, 200), st.integers(1, 16))
def test_a_call_is_cut_into_chunks_that_shrink_towards_its_end(number: int, threads: int) -> None:
    empty = Chunk(tasks.double, (), 1.0, WorkerSettings(), {})
    cut = list(dask_workers._cut(empty, range(number), threads))
    assert [place for sent in cut for place in sent.places] == list(range(number))
    assert [pickle.loads(item) for sent in cut for item in sent.chunk.items] == list(range(number))
    sizes = [len(sent.places) for sent in cut]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] <= dask_workers.MOST_ITEMS
    assert sizes[-1] == 1


def test_what_is_large_goes_alone() -> None:
    empty = Chunk(len, (), 1.0, WorkerSettings(), {})
    cut = dask_workers._cut(empty, [b"x" * size for size in (10, 3_900_000, 200_000, 9_000_000, 10, 10)], 1)
    assert [sent.places for sent in cut][:3] == [(0, 1), (2,), (3,)]


def test_differences_are_named() -> None:
    assert differences(installation(), installation()) == ""
    assert (
        differences({"lxml": "6", "code": "a"}, {"lxml": "5", "rensa": "1"})
        == "lxml 5 instead of 6, code none instead of a"
    )


def test_a_cluster_that_fails_ends_a_run_with_a_reason(
    workers: DaskWorkers, running: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last, because nothing of the cluster is left then."""
    monkeypatch.setattr(dask_workers, "STEP", 0.2)
    with DaskWorkers(_settings(running.address)) as impatient:
        monkeypatch.setattr(dask_workers, "PATIENCE", 1.0)
        impatient._client._timeout = 1.0
        with pytest.raises(WorkersUnavailable, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
            DaskWorkers(_settings("tcp://127.0.0.1:1")).__enter__()
        with ThreadPoolExecutor(1) as threads:
            call = threads.submit(impatient.map, tasks.stand_still, [600] * 4, seconds=900)
            time.sleep(0.5)
            for worker in running.workers:
                worker.kill()
            with pytest.raises(WorkersUnavailable, match="has had no worker for 1 s"):
                call.result(280)
        running.scheduler.kill()
        with pytest.raises(WorkersUnavailable, match="scheduler at tcp:"):
            impatient.map(tasks.double, [1], seconds=5)


def _page(number: int, text: str) -> PageJob:
    url = f"https://news.example/{number}"
    entry = Entry("news", url, url, url, "Ministry blocks TikTok")
    return PageJob(entry, Response(url, url, 200, (), text.encode(), datetime.now(UTC)))
