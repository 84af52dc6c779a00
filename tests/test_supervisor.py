"""The parts of `clampdown serve` that need no Prefect: its children, its lock, its ports, and what was missed."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT

from flows.serving import children, growth, supervisor
from flows.serving.children import Child
from flows.serving.overdue import next_occasion
from flows.serving.prefect_home import base_url, database, environment, fault, is_loopback, put_aside
from flows.serving.prefect_settings import variables
from flows.serving.supervisor import Supervisor, alone, claim_ports, each_minute
from pipeline.errors import ServeError
from pipeline.flow_log import FlowLog
from pipeline.settings import Settings
from pipeline.settings_sections import ServeSettings

EVER = 240.0
NOW = datetime(2026, 11, 22, 12, 7, tzinfo=UTC)

SAYS = "from flows.serving.processes import *; import os, signal, sys, time; die_with_parent(); "


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + EVER
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def child(script: str, name: str = "runner") -> Child:
    return Child(name, [sys.executable, "-c", SAYS + script], {**os.environ, "PYTHONPATH": str(ROOT)})


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def settings(folder: Path, **serve: object) -> Settings:
    return Settings(data_dir=folder, serve=ServeSettings(**serve))


def test_a_child_says_how_it_is_and_is_started_again_later_each_time() -> None:
    one = child("tell(READY); time.sleep(0.05)")
    gaps: list[tuple[float, float]] = []

    def ended() -> bool:
        before = time.monotonic()
        if one.ended() is None:
            return False
        gaps.append((one.restart_at - time.monotonic(), one.restart_at - before))
        return True

    for number in (1, 2, 3):
        one.start()
        until(ended)
        assert one.starts == number
    assert all(least <= gap <= most for (least, most), gap in zip(gaps, (1, 2, 4), strict=True))
    assert one.failures == 0, "it was ready each time"

    dies = child("sys.exit(3)")
    dies.start()
    until(lambda: dies.ended() is not None)
    assert dies.failures == 1


def test_what_a_child_leaves_behind_ends_with_it() -> None:
    one = child("import subprocess; print(subprocess.Popen(['sleep', '600']).pid, file=sys.stderr); tell(READY)")
    one.start()
    pid = one.pid
    assert pid is not None
    group = subprocess.Popen(["sleep", "600"], process_group=pid)
    until(lambda: one.ended() is not None)
    assert group.wait(EVER) == -signal.SIGKILL


def test_a_child_that_says_nothing_is_taken_for_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    one = child("tell(READY); time.sleep(600)")
    one.start()
    until(lambda: list(one.hear()))
    assert (one.is_ready, one.overdue()) == (True, "")
    monkeypatch.setattr("flows.serving.children.SILENT_AFTER", 0.0)
    assert "no sign of life" in one.overdue()
    one.kill()
    until(lambda: one.ended() == -signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = f"""
        import os, sys, time
        from flows.serving.children import Child
        one = Child("runner", [sys.executable, "-c", {SAYS + "tell(READY); time.sleep(600)"!r}], os.environ)
        one.start()
        while not one.is_ready:
            list(one.hear()); time.sleep(0.01)
        print(one.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: gone(pid))


def test_the_supervisor_keeps_its_children_going_and_ends_them(tmp_path: Path) -> None:
    served = Supervisor(settings(tmp_path), {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api"})
    count = tmp_path / "starts"
    dies_twice = f"p = {str(count)!r}; open(p, 'a').write('x'); n = len(open(p).read()); tell(READY); "
    dies_twice += "n > 2 or os.kill(os.getpid(), 9); signal.signal(15, lambda *_: sys.exit(0)); time.sleep(600)"
    served.children = [child(dies_twice)]
    told: list[str] = []
    served.on_ready = lambda: told.append("ready")

    def stop_when_settled() -> None:
        until(lambda: count.exists() and len(count.read_text()) == 3 and not served.not_ready())
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_when_settled, daemon=True).start()
    served.run()
    assert told == ["ready"], "said once, however often a child was started"
    assert served.children[0].pid is None
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_server_that_has_grown_is_started_anew_when_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Else the test would wait near the times of flows.
    monkeypatch.setattr(growth, "QUIET_FOR", -1.0)
    served = Supervisor(settings(tmp_path, server_growth_mb=40), os.environ)
    served.growth.warm_after = 0.0
    starts, grow = tmp_path / "starts", tmp_path / "grow"
    server = child(
        f"open({str(starts)!r}, 'a').write('x'); grow = {str(grow)!r}; held = b''; tell(READY); "
        "signal.signal(15, lambda *_: sys.exit(0))\n"
        "while True:\n"
        "    tell(ALIVE); time.sleep(0.02)\n"
        "    if not held and os.path.exists(grow): held = b'x' * 60_000_000; os.unlink(grow)\n",
        name="server",
    )
    served.children = [server]
    before: list[int] = []

    def size() -> float:
        return growth.memory(server.pid) or 0.0 if server.pid else 0.0

    def let_it_grow() -> None:
        until(lambda: server.is_ready)
        small = size()
        with FlowLog(tmp_path).running("ingest"):
            # It has been looked at when it was small.
            until(lambda: served.growth._warm is not None)
            grow.touch()
            until(lambda: size() > small + 50)
            time.sleep(0.5)
            before.append(server.starts)
        until(lambda: server.starts == 2 and server.is_ready)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=let_it_grow, daemon=True).start()
    with caplog.at_level("INFO"):
        served.run()
    assert before == [1], "not while a flow runs"
    assert len(starts.read_text()) == 2
    assert "Prefect's server has grown from" in caplog.text
    assert "ended (" not in caplog.text, "what was asked for is no incident"


def test_a_server_that_grows_without_end_does_not_wait_for_a_quiet_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = iter([100.0, 160.0, 201.0, 90.0, 90.0])
    monkeypatch.setattr(growth, "memory", lambda _pid: next(sizes))
    with FlowLog(tmp_path).running("ingest"):
        grown = growth.Growth(settings(tmp_path, server_growth_mb=50), warm_after=0.0)
        begun = time.monotonic()
        assert [grown.too_much(1, begun) for _ in range(3)] == ["", "", "from 100 to 201 MB"]
        assert [grown.too_much(2, begun + 1e-3) for _ in range(2)] == ["", ""], "the next one begins anew"
        never = growth.Growth(settings(tmp_path, server_growth_mb=0), warm_after=0.0)
        cold = growth.Growth(settings(tmp_path, server_growth_mb=1))
        assert never.too_much(1, begun) == cold.too_much(1, begun) == ""


def test_a_moment_is_quiet_if_nothing_runs_or_is_due(tmp_path: Path) -> None:
    mine = settings(tmp_path, timezone="UTC")
    assert next_occasion(mine, NOW) == datetime(2026, 11, 22, 12, 15, tzinfo=UTC)
    assert growth.is_quiet(mine, NOW)
    assert not growth.is_quiet(mine, NOW.replace(minute=14, second=30))
    assert not growth.is_quiet(mine, NOW.replace(minute=15, second=30)), "it may not have been noted yet"
    assert growth.is_quiet(mine, NOW.replace(minute=16, second=30))
    night, daily = NOW.replace(hour=3, minute=29, second=30), settings(tmp_path, timezone="UTC", ingest_every=86_400)
    assert next_occasion(daily, night) == night + timedelta(seconds=30)
    # Where flows come each minute, there are such moments, too.
    often = settings(tmp_path, timezone="UTC", ingest_every=60)
    assert growth.is_quiet(often, NOW.replace(second=30))
    assert not growth.is_quiet(often, NOW.replace(second=50))
    with FlowLog(tmp_path).running("digest"):
        assert not growth.is_quiet(mine, NOW)


def test_a_child_that_ended_before_it_was_told_to_is_heard_of() -> None:
    one = child("sys.exit(3)")
    one.start()
    until(lambda: one.pid is not None and gone(one.pid))
    one.signal(signal.SIGTERM)
    assert one.ended() == 3


def test_a_child_that_does_not_end_when_told_is_taken_for_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    one = child("signal.signal(15, signal.SIG_IGN); tell(READY); time.sleep(600)")
    one.start()
    until(lambda: list(one.hear()))
    one.renew()
    assert (one.is_renewed, one.overdue()) == (True, "")
    monkeypatch.setattr(children, "END_WITHIN", 0.0)
    assert "told to end" in one.overdue()
    one.kill()
    until(lambda: one.ended() is not None)
    assert one.restart_at <= time.monotonic()
    assert not one.is_renewed


def test_a_refusal_ends_all(tmp_path: Path) -> None:
    served = Supervisor(settings(tmp_path), {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api"})
    other = child("time.sleep(600)", name="server")
    served.children = [other, child("tell(REFUSED, 'the name\\nis taken'); sys.exit(3)")]
    with pytest.raises(ServeError, match="the name is taken"):
        served.run()
    assert other.pid is None


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PREFECT_SERVER_EVENTS_RETENTION_PERIOD", "for ever", "input should be a valid timedelta"),
        ("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql://user:secret@h/d", "it has to begin with"),
    ],
)
def test_what_prefect_cannot_read_is_named_and_ends_all(tmp_path: Path, name: str, value: str, why: str) -> None:
    theirs = {"PYTHONPATH": str(ROOT), "CLAMPDOWN_DATA_DIR": str(tmp_path), name: value}
    served = Supervisor(settings(tmp_path), {**os.environ, **theirs})
    served.children = [one for one in served.children if one.name == "server"]
    with pytest.raises(ServeError, match=f"Prefect can't read {name}: {why}") as told:
        served.run()
    assert value not in str(told.value)


def test_a_setting_of_prefects_is_found_by_its_name_or_its_value() -> None:
    given = {"PREFECT_A_PORT": "x", "PREFECT_B_PORT": "1", "PREFECT_C": "y", "PORT": "x"}
    assert variables("port", "x", given) == ["PREFECT_A_PORT"]
    assert variables("harbour", "y", given) == ["PREFECT_C"]
    assert variables("port", None, given) == ["PREFECT_A_PORT", "PREFECT_B_PORT"]
    assert variables("", None, given) == []


def test_one_serve_for_a_data_folder(tmp_path: Path) -> None:
    told = pytest.raises(ServeError, match=f"process {os.getpid()} on .*http://127.0.0.1:4200")
    with alone(settings(tmp_path)), told, alone(settings(tmp_path)):
        pass
    with alone(settings(tmp_path)):
        pass


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "PORT_WITHIN", 0.0)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"port {port} .* address already in use") as told:
            claim_ports([("serve.port", "127.0.0.1", port)])
        assert "serve.port" in (told.value.hint or "")
        assert "PREFECT_API_URL" in (told.value.hint or "")
    claim_ports([("serve.port", "127.0.0.1", port)])
    with pytest.raises(ServeError, match="can't be used"):
        claim_ports([("serve.port", "no-such-host.invalid", port)])


def test_what_is_done_each_minute_may_fail(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(supervisor, "EVERY_MINUTE", 0.01)
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        raise RuntimeError("no")

    with each_minute(work):
        until(lambda: len(calls) > 2)
    assert "no" in caplog.text


def test_broken_databases_are_put_aside_and_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    assert fault(path) == ""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 9999)"
            " SELECT i, hex(i) AS x FROM n"
        )
        connection.commit()
    assert fault(path) == ""
    data = bytearray(path.read_bytes())
    data[8192:20000] = bytes(len(data[8192:20000]))
    path.write_bytes(data)
    assert fault(path)
    for content in (bytes(data), b"no database at all" * 100):
        path.write_bytes(content)
        (tmp_path / "memo_store.toml").write_text("block_auto_registration = 'x'")
        why = fault(path)
        (tmp_path / "prefect.db-wal").write_bytes(b"x")
        put_aside(path, why)
        assert not (tmp_path / "memo_store.toml").exists(), "else the new one would miss what it says is there"
    assert not path.exists()
    assert len(list(tmp_path.glob("prefect.db.broken-*"))) == 2, "the newest, with its log"


def test_prefect_is_told_nothing_that_the_operator_has_told_it(tmp_path: Path) -> None:
    mine = settings(tmp_path, port=4321, keep_days=3)
    told = environment(mine, {})
    assert told["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert told["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert told["PREFECT_SERVER_EVENTS_RETENTION_PERIOD"] == "P3D"
    assert database(mine, {}) == tmp_path / "prefect" / "prefect.db"
    theirs = {"PREFECT_HOME": "/p", "PREFECT_API_URL": "http://h/api", "PREFECT_SERVER_UI_ENABLED": "false"}
    assert environment(mine, theirs).items() >= theirs.items()
    assert environment(mine, {"PREFECT_SERVER_API_AUTH_STRING": "a:b"})["PREFECT_API_AUTH_STRING"] == "a:b"
    assert database(mine, {"PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://h/d"}) is None


@pytest.mark.parametrize(
    ("host", "url", "loopback"),
    [
        ("127.0.0.1", "http://127.0.0.1:1", True),
        ("0.0.0.0", "http://127.0.0.1:1", False),
        ("::", "http://[::1]:1", False),
        ("::1", "http://[::1]:1", True),
        ("localhost", "http://localhost:1", True),
        ("prefect.internal", "http://prefect.internal:1", False),
    ],
)
def test_addresses(host: str, url: str, loopback: bool) -> None:
    assert base_url(host, 1) == url
    assert is_loopback(host) is loopback


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.serving.notify import notify

    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as keeper:
        keeper.bind(str(tmp_path / "s"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "s"))
        notify("READY=1")
        assert keeper.recv(100) == b"READY=1"
    notify("WATCHDOG=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("WATCHDOG=1")


def test_the_supervisor_stays_small() -> None:
    """It runs for months beside what does the work: none of what makes that heavy is imported."""
    script = "import sys, flows.serving.serve; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"prefect", "duckdb", "aiohttp", "numpy", "onnxruntime", "trafilatura"} & set(done.stdout.split())
