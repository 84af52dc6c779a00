"""The lease on a data folder: one process at a time, and it is known which."""

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT

from pipeline.errors import WarehouseError, WarehouseLocked
from pipeline.lease import LOCK_NAME, QUEUE_NAME, Holder, holder, lease

LONG = 240.0
"""Seconds that are never waited for."""

HOLD = """
import sys
from pathlib import Path
from pipeline.lease import lease
with lease(Path(sys.argv[1]), holder=sys.argv[2], run="20261122-1", wait=float(sys.argv[3])):
    print("held", flush=True)
    sys.stdin.readline()
print("free", flush=True)
sys.stdin.readline()
"""


class Other:
    """A process that takes the lease, lets go of it when told, and then ends."""

    def __init__(self, folder: Path, name: str = "reextract", wait: float = 0.0) -> None:
        command = [sys.executable, "-c", HOLD, str(folder), name, str(wait)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def held(folder: Path, name: str = "reextract") -> Iterator[Other]:
    other = Other(folder, name)
    try:
        assert other.says() == "held"
        yield other
    finally:
        other.kill()


def test_it_is_known_who_holds_it_and_since_when(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with held(tmp_path) as other:
        found = holder(tmp_path)
        assert found is not None
        assert (found.flow, found.run, found.pid) == ("reextract", "20261122-1", other.process.pid)
        assert found.since is not None
        assert timedelta(0) <= datetime.now(UTC) - found.since < timedelta(minutes=5)
        # With the day, where midnight lies in between.
        told = rf"in use by reextract \(process {other.process.pid}\), since (\S+ )?{found.since.astimezone():%H:%M}"
        with pytest.raises(WarehouseLocked, match=told) as refused, lease(tmp_path, holder="ingest"):
            pass
        assert refused.value.hint
        other.go_on()
        assert other.says() == "free"
        assert holder(tmp_path) is None
        with lease(tmp_path, holder="ingest"):
            assert str(holder(tmp_path)).startswith(f"ingest (process {os.getpid()}), since ")
    assert holder(tmp_path) is None


def test_the_system_takes_it_back_from_the_dead(tmp_path: Path) -> None:
    with held(tmp_path):
        pass
    assert b"reextract" in (tmp_path / LOCK_NAME).read_bytes(), "its name is still there"
    assert holder(tmp_path) is None
    with lease(tmp_path, holder="ingest"):
        pass


def test_other_machines_and_days_are_named() -> None:
    long_ago = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert str(Holder("ingest", "", 7, "elsewhere")) == "ingest (process 7 on elsewhere)"
    assert str(Holder()) == "another program (process unknown)"
    assert f"since {long_ago.astimezone():%Y-%m-%d %H:%M}" in str(Holder("ingest", since=long_ago))


def test_one_that_waits_gets_it(tmp_path: Path) -> None:
    with held(tmp_path) as other:
        threading.Timer(0.3, other.go_on).start()
        with lease(tmp_path, holder="ingest", wait=LONG):
            assert other.says() == "free"
    with held(tmp_path), pytest.raises(WarehouseLocked, match="reextract"), lease(tmp_path, holder="ingest", wait=0.3):
        pass


def test_one_that_lets_go_comes_after_those_who_wait(tmp_path: Path) -> None:
    """Long work lets go for a moment and wants it back at once; an ingest that waits must get its turn."""
    order: list[str] = []
    with lease(tmp_path, holder="backfill"):
        other = Other(tmp_path, "ingest", LONG)
        _until(lambda: _is_locked(tmp_path / QUEUE_NAME))

    def takes_its_turn() -> None:
        order.append(other.says())
        other.go_on()

    thread = threading.Thread(target=takes_its_turn)
    thread.start()
    with lease(tmp_path, holder="backfill", wait=LONG):
        order.append("back again")
        thread.join()
    other.kill()
    assert order == ["held", "back again"]


def test_work_within_the_lease_may_take_it_once(tmp_path: Path) -> None:
    with lease(tmp_path, holder="maintain"):
        for _ in range(2):
            with lease(tmp_path, holder="prune", wait=LONG):
                assert str(holder(tmp_path)).startswith("maintain")
                with pytest.raises(WarehouseLocked, match="maintain"), lease(tmp_path, holder="audit"):
                    pass
        with lease(tmp_path / "elsewhere", holder="rebuild"):
            pass
        assert holder(tmp_path) is not None
    with (
        lease(tmp_path, holder="ingest", lends=False),
        pytest.raises(WarehouseLocked, match="ingest"),
        lease(tmp_path, holder="prune"),
    ):
        pass
    assert holder(tmp_path) is None


def test_another_thread_works_under_no_lease_of_ours(tmp_path: Path) -> None:
    """Work that is handed on to a thread with its context does."""
    tried: list[object] = []

    def tries() -> None:
        try:
            with lease(tmp_path, holder="ingest"):
                tried.append("taken")
        except WarehouseLocked as refused:
            tried.append(str(refused))

    with lease(tmp_path, holder="backfill"):
        for target in (tries, partial(copy_context().run, tries)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert tried[1:] == ["taken"]
    assert "in use by backfill" in str(tried[0])
    tries()
    assert tried[2:] == ["taken"]


def test_an_error_within_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lease(tmp_path, holder="ingest"), lease(tmp_path, holder="prune"):
        _ = 1 / 0
    with held(tmp_path):
        pass


def test_looking_keeps_nobody_out(tmp_path: Path) -> None:
    """Also right after a kill, when the file says a name and only its lock tells that nobody is there."""
    with held(tmp_path):
        pass
    left = (tmp_path / LOCK_NAME).read_bytes()
    over = threading.Event()

    def looks() -> None:
        while not over.is_set():
            holder(tmp_path)

    threads = [threading.Thread(target=looks) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            with lease(tmp_path, holder="ingest"):
                pass
            (tmp_path / LOCK_NAME).write_bytes(left)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_folder_put_in_anothers_place_has_a_lease_of_its_own(tmp_path: Path) -> None:
    folder, before = tmp_path / "data", tmp_path / "before"
    with lease(folder, holder="restore"):
        waiting = Other(folder, "ingest", LONG)
        _until(lambda: _is_locked(folder / QUEUE_NAME))
        folder.rename(before)
        folder.mkdir()
        assert waiting.says() == "held"
        assert str(holder(folder)).startswith("ingest")
        assert str(holder(before)).startswith("restore")
    waiting.kill()
    shutil.rmtree(folder)
    assert holder(folder) is None


def test_what_is_no_lease_is_no_name(tmp_path: Path) -> None:
    with held(tmp_path) as other:
        for odd in (b"{", b"[]", b'{"flow": 1}', b"\xff\xfe"):
            (tmp_path / LOCK_NAME).write_bytes(odd)
            assert holder(tmp_path) == Holder()
            with pytest.raises(WarehouseLocked, match="another program"), lease(tmp_path, holder="ingest"):
                pass
        other.go_on()


def test_a_folder_that_cant_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(WarehouseError, match="can't be written to"), lease(tmp_path / "data", holder="ingest"):
        pass
    with pytest.raises(WarehouseError, match="can't be read"):
        holder(tmp_path / "data")


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _until(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + LONG
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.02)
