"""What monitors are answered over HTTP, by real requests: also where clients misbehave and names are odd."""

import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from prometheus_client.parser import text_string_to_metric_families

from flows.serving import endpoint as module
from flows.serving import small_http
from flows.serving.endpoint import Endpoint
from flows.serving.watching import PATIENCE, Watch
from pipeline.errors import ServeError
from pipeline.flow_log import FlowLog
from pipeline.problems import ProblemKind
from pipeline.settings import Settings
from pipeline.site_state import SiteState, SnapshotState, Trouble, save

NOW = datetime.now(UTC)
NAME = 'The "Paper"\\ of \n<b>record</b> \u202e'


@dataclass
class Part:
    """A process, as the supervisor knows it."""

    name: str
    pid: int | None = None
    is_ready: bool = True
    starts: int = 1


@dataclass
class Serve:
    """What a test asks, and what it may change meanwhile."""

    port: int
    data_dir: Path
    waiting: list[str]
    parts: list[Part]
    time: list[float]

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers)
        # None of the machine's proxies.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            answer = opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read().decode()

    def figures(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        _, _, text = self.get("/metrics")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    waiting: list[str] = []
    parts, time = [Part("server", 1), Part("runner")], [0.0]
    watch = Watch(Settings(data_dir=tmp_path), parts, lambda: waiting, lambda: time[0])
    with FlowLog(tmp_path).running("ingest") as told:
        told.facts["new_events"] = 3
    save(tmp_path, SiteState(NOW, model=NAME, sources={"ok": 3, "silent": 1}, pending=4, feeds={"ok": 2}, run_at=NOW))
    with Endpoint(("127.0.0.1", 0), watch) as endpoint:
        yield Serve(endpoint.port, tmp_path, waiting, parts, time)


def test_health_says_what_is_wrong(serve: Serve) -> None:
    status, headers, body = serve.get("/health")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/json", "no-store")
    assert json.loads(body)["problems"] == []
    trouble = (Trouble("quiet", NAME, "silent", NOW),)
    save(serve.data_dir, SiteState(NOW, sources={"silent": 1}, trouble=trouble))
    serve.time[0] += 6
    status, _, body = serve.get("/health?verbose")
    told = json.loads(body)
    assert (status, told["healthy"], [one["key"] for one in told["problems"]]) == (200, True, ["source_silent:quiet"])
    with pytest.raises(RuntimeError), FlowLog(serve.data_dir).running("maintain"):
        raise RuntimeError("postgresql://me:hunter2@db is away")
    # An answer stands for some seconds, however often it is asked for.
    assert serve.get("/health")[0] == 200
    serve.time[0] += 6
    status, _, body = serve.get("/health")
    assert (status, json.loads(body)["problems"][0]["kind"]) == (503, "flow_failed")
    assert "hunter2" not in body


def test_ready_is_what_the_supervisor_says(serve: Serve) -> None:
    assert serve.get("/ready")[0] == 200
    serve.waiting.append("Prefect's server is starting")
    status, _, body = serve.get("/ready")
    assert (status, json.loads(body)) == (503, {"ready": False, "waiting_for": ["Prefect's server is starting"]})


def test_a_process_that_does_not_get_ready_is_a_problem(serve: Serve) -> None:
    serve.parts[1].is_ready = False
    serve.parts[1].starts = 7
    assert serve.get("/health")[0] == 200
    serve.time[0] += PATIENCE + 1
    status, _, body = serve.get("/health")
    problem = json.loads(body)["problems"][0]
    assert (status, problem["key"]) == (503, "part_down:runner")
    assert "7 times" in problem["words"]
    serve.parts[1].is_ready = True
    serve.time[0] += 10
    assert serve.get("/health")[0] == 200


def test_metrics_are_what_prometheus_reads(serve: Serve) -> None:
    figures = serve.figures()
    assert figures["clampdown_healthy", ()] == 1
    assert figures["clampdown_entries_pending", ()] == 4
    assert figures["clampdown_sources", (("state", "silent"),)] == 1
    assert figures["clampdown_flow_last_status", (("flow", "ingest"), ("status", "finished"))] == 1
    assert figures["clampdown_process_starts_total", (("process", "server"),)] == 1
    assert figures["clampdown_flow_last_success_timestamp_seconds", (("flow", "ingest"),)] >= NOW.timestamp() - 1
    assert figures["clampdown_info", (("model", NAME), ("version", ""))] == 1
    assert figures["clampdown_ingest_feeds", (("outcome", "ok"),)] == 2
    assert ("clampdown_snapshot_timestamp_seconds", ()) not in figures
    state = SiteState(NOW, snapshot=SnapshotState("p", "v", NOW), lag_seconds=60.0, bytes={"archive": 9})
    save(serve.data_dir, state)
    serve.time[0] += 6
    figures = serve.figures()
    assert figures["clampdown_snapshot_timestamp_seconds", ()] == pytest.approx(NOW.timestamp())
    assert figures["clampdown_data_bytes", (("part", "archive"),)] == 9
    _, headers, body = serve.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_the_page_for_operators_names_each_figure_and_each_kind_of_problem(serve: Serve) -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)(?:\{[^`]*)?`", page))
    state = SiteState(NOW, run_at=NOW, lag_seconds=1.0, snapshot=SnapshotState("p", "v", NOW))
    save(serve.data_dir, state)
    _, _, text = serve.get("/metrics")
    figures = {family.name for family in text_string_to_metric_families(text)}
    ours = {name.removeprefix("clampdown_") for name in figures if name.startswith("clampdown_")}
    assert {f"{name}_total" if name == "process_starts" else name for name in ours} <= named
    assert {kind.value for kind in ProblemKind} <= named


def test_nothing_else_is_there(serve: Serve) -> None:
    assert "/health" in serve.get("/")[2]
    assert serve.get("/../etc/passwd")[0] == 404
    assert serve.get("/health", method="POST")[0] == 501
    status, headers, body = serve.get("/health", method="HEAD")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 0
    assert headers["Server"].strip() == "clampdown"


def test_clients_that_say_nothing_keep_nobody_waiting_for_ever(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 1.0)
    silent = [socket.create_connection(("127.0.0.1", serve.port)) for _ in range(2 * small_http.MOST_AT_ONCE)]
    try:
        assert serve.get("/ready")[0] == 200
    finally:
        for one in silent:
            one.close()


def test_many_may_ask_at_once(serve: Serve) -> None:
    paths = ["/health", "/ready", "/metrics", "/"] * 12
    with ThreadPoolExecutor(12) as pool:
        assert [status for status, _, _ in pool.map(serve.get, paths)] == [200] * len(paths)


def test_a_fault_of_ours_is_a_500_and_not_the_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Watch, "status", lambda self: 1 / 0)
        assert serve.get("/health")[0] == 500
    assert serve.get("/health")[0] == 200


def test_a_port_that_is_taken_is_named(serve: Serve) -> None:
    """The second address is one for examples, which no machine has."""
    watch = Watch(Settings(data_dir=serve.data_dir))
    with pytest.raises(ServeError, match=f"port {serve.port} of 127.0.0.1"), Endpoint(("127.0.0.1", serve.port), watch):
        pass
    with (
        pytest.raises(ServeError, match=r"port 0 of 192\.0\.2\.1"),
        Endpoint(("192.0.2.1", 0), watch),
    ):
        pass


def test_it_listens_on_ipv6_as_well(tmp_path: Path) -> None:
    try:
        with (
            Endpoint(("::1", 0), Watch(Settings(data_dir=tmp_path))) as endpoint,
            socket.create_connection(("::1", endpoint.port)) as asked,
        ):
            asked.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
            assert b"200" in asked.recv(100)
    except ServeError:
        pytest.skip("this machine has no IPv6")


def test_the_state_of_a_part_that_is_gone_is_left_out(serve: Serve) -> None:
    serve.parts[:] = [replace(serve.parts[0], pid=None)]
    assert not [name for name, _ in serve.figures() if name == "clampdown_process_resident_bytes"]
