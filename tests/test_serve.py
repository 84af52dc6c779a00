"""`clampdown serve` as an operator meets it: real processes, a real Prefect server, a real site on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from changing_site import BLOCKED, LIFTED, PLAIN, Page, Runs, serving

from clampdown.proofs.ports import free_ports
from flows.house import WAREHOUSE_NAME, House
from flows.serving.stopgap import Stopgap
from pipeline.flow_log import FlowLog, FlowStatus
from pipeline.lease import holder
from pipeline.occasions import every
from pipeline.settings import load
from warehouse.compare import content

EVER = 240.0
"""Seconds after which it is given up. An idle machine needs a twentieth of it."""

SETTINGS = """\
data_dir = "{folder}"
sources = "{sources}"
[fetch]
allow_hosts = ["127.0.0.1"]
host_gap = 0
[workers]
processes = 1
[serve]
port = {port}
status_port = {status}
timezone = "Europe/Berlin"
# No second one while a test looks on.
ingest_every = 604800.0
"""


def until(is_so: Callable[[], object], what: str) -> None:
    end = time.monotonic() + EVER
    while not is_so():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.2)


def answers(url: str) -> tuple[int, dict[str, object]]:
    """Status and JSON of an address; 0 and nothing where nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except (urllib.error.URLError, OSError):
        return 0, {}


def descendants(pid: int) -> set[int]:
    """The processes that stem from one, itself included."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found, new = {pid}, [pid]
    while new:
        new = [child for parent in new for child in parents.get(parent, [])]
        found.update(new)
    return found


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def live(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and _state(pid) not in ("Z", "X", "")}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def environment(**more: str) -> dict[str, str]:
    """Nothing of the person who runs the tests: neither Prefect's settings nor ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CLAMPDOWN_"))}
    # Of no use here, and a second of a core.
    return kept | {"PREFECT_API_BLOCKS_REGISTER_ON_START": "false"} | more


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", "from clampdown.main import main; main()", "-c", str(config), *arguments]


def finished(config: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A `clampdown serve` that should end by itself."""
    return subprocess.run(
        command(config, "serve"), capture_output=True, text=True, env=dict(environ), timeout=EVER, check=False
    )


@contextmanager
def started(config: Path, log: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A `clampdown serve`; whatever happens, nothing of it is left afterwards."""
    with log.open("ab") as out:
        process = subprocess.Popen(command(config, "serve"), stdout=out, stderr=out, env=dict(environ))
    family: set[int] = set()
    try:
        yield process
    except BaseException:
        sys.stderr.write(log.read_text(errors="replace"))
        raise
    finally:
        family = descendants(process.pid)
        process.kill()
        process.wait()
        for pid in family - {process.pid}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes by /proc")
@pytest.mark.timeout(1200)
def test_serving(tools: House, tmp_path: Path) -> None:
    """One server for all that needs one: it takes a dozen seconds of a core to start."""
    folder, log = tmp_path / "data", tmp_path / "log"
    port, status, status_of_other = free_ports(3)
    sources = tmp_path / "sources.toml"
    config = tmp_path / "clampdown.toml"
    config.write_text(SETTINGS.format(folder=folder, sources=sources, port=port, status=status))
    prefect = folder / "prefect"
    prefect.mkdir(parents=True)
    (prefect / "prefect.db").write_bytes(b"what a bad disk left of it" * 1000)
    flow_log = FlowLog(folder)

    with serving() as site, started(config, log, environment()) as served:
        site.add("blocked", Page("Italy blocks DeepSeek", BLOCKED))
        site.add("lifted", Page("Chatbot is back", (*BLOCKED, *LIFTED)))
        for number in range(3):
            site.add(f"harbour-{number}", Page(f"The harbour, part {number}", PLAIN[number:]))
        sources.write_text(f'[[source]]\nid = "site"\nname = "Site"\nurl = "{site.server.url("/feed")}"\n')
        ready = f"http://127.0.0.1:{status}/ready"

        # While it starts: a second one of the same folder says who is there, and starts nothing.
        until(lambda: answers(ready)[0], "answered")
        second = subprocess.run(
            command(config, "serve"), capture_output=True, text=True, env=environment(), timeout=EVER
        )
        assert second.returncode == 7
        assert f"process {served.pid} on {socket.gethostname()}" in second.stderr
        assert "Nothing was started" in second.stderr

        until(lambda: answers(ready)[0] == 200, "ready")
        assert list(prefect.glob("prefect.db.broken-*")), "a broken database of Prefect's is put aside"

        # The first ingest comes at once.
        until(lambda: flow_log.last("ingest", FlowStatus.FINISHED), "ingested")
        [run] = flow_log.runs()
        assert (run.flow, run.mode) == ("ingest", "prefect")
        assert site.asked("blocked") == 1
        assert holder(folder) is None

        # One of another folder that joins the server under the same name would take the flow runs of the first.
        other = tmp_path / "other.toml"
        other.write_text(SETTINGS.format(folder=tmp_path / "other", sources=sources, port=port, status=status_of_other))
        api = f"http://127.0.0.1:{port}/api"
        joined = finished(other, environment(PREFECT_API_URL=api))
        assert joined.returncode == 7
        assert f"the data folder {folder}" in joined.stderr
        assert "serve.name" in joined.stderr
        assert not FlowLog(tmp_path / "other").runs()

        # `clampdown run --prefect` joins it, too. In small batches, each stage a task, the tables are the same.
        flow = tmp_path / "flow.toml"
        text = SETTINGS.format(folder=tmp_path / "flow", sources=sources, port=port, status=status_of_other)
        flow.write_text(text + "[run]\nbatch_size = 2\n")
        ours = environment(PREFECT_API_URL=api, PREFECT_HOME=str(tmp_path / "home"))
        subprocess.run(command(flow, "run", "--prefect"), check=True, capture_output=True, env=ours, timeout=EVER)
        Runs(tools, site, tmp_path / "direct").run(0)
        tables = content(tmp_path / "direct" / WAREHOUSE_NAME)
        assert len(tables["articles"]) == 5
        assert tables["events"]
        for one in (folder, tmp_path / "flow"):
            assert content(one / WAREHOUSE_NAME) == tables

        # A runner that is killed comes again, and does nothing twice.
        (runner,) = (pid for pid in descendants(served.pid) if b"flows.serving.runner" in command_line(pid))
        os.kill(runner, signal.SIGKILL)
        until(lambda: answers(ready)[0] != 200, "noticed")
        until(lambda: answers(ready)[0] == 200, "ready again")

        # A polite stop ends all of it, with status 0.
        family = descendants(served.pid)
        assert len(family) >= 3
        served.send_signal(signal.SIGTERM)
        assert served.wait(EVER) == 0
        until(lambda: not live(family), "all ended")
    assert len(flow_log.runs()) == 1, "nothing was done twice"
    assert not (folder / ".serve.lock").read_bytes()


def test_flows_go_on_without_prefect(tmp_path: Path) -> None:
    """Where its server can't be had for long, what is missing is done all the same, and noted as always."""
    sources, config = tmp_path / "sources.toml", tmp_path / "clampdown.toml"
    config.write_text(SETTINGS.format(folder=tmp_path / "data", sources=sources, port=1, status=0))
    settings = load(config).settings
    flow_log = FlowLog(settings.data_dir)
    stopgap = Stopgap(settings, environment(CLAMPDOWN_CONFIG=str(config)), after=0.0)
    with serving() as site:
        site.add("blocked", Page("Italy blocks DeepSeek", BLOCKED))
        sources.write_text(f'[[source]]\nid = "site"\nname = "Site"\nurl = "{site.server.url("/feed")}"\n')
        stopgap.look(is_ready=True)
        assert not flow_log.runs()
        # What is due since less than some minutes, Prefect may be about to do.
        with patch("flows.serving.stopgap.LATE", timedelta(0)):
            stopgap.look(is_ready=False)
            until(lambda: flow_log.last("ingest", FlowStatus.FINISHED), "ingested")
        stopgap.look(is_ready=True)
        stopgap.stop()
        assert site.asked("blocked") == 1
    [run] = flow_log.runs()
    assert run.mode == "direct"
    assert run.scheduled_at is not None
    assert run.scheduled_at == every(settings.serve.ingest_every, run.scheduled_at)
