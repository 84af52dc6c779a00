"""`clampdown dashboard`: it says where it is, serves until it is interrupted, and refuses what can't be."""

import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from in_process import clampdown

from clampdown.commands import dashboard as command
from reports.dashboard.guard import is_loopback

if TYPE_CHECKING:
    from flows.ingest import RunReport


def test_it_serves_until_it_is_interrupted(sample: "tuple[Path, RunReport]", tmp_path: Path) -> None:
    started = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from clampdown.main import main; main()",
            "-d",
            str(sample[0]),
            "dashboard",
            "--port",
            "0",
            "--no-open",
        ],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}services", timeout=60) as answer:
            assert b"<h1>Services</h1>" in answer.read()
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    finally:
        started.kill()
        started.wait()
    assert (started.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be served, instead of serving it."""
    served: list[Any] = []

    def note(app: Any, listening: socket.socket, ready: Any) -> None:
        served.append(app)
        ready()

    monkeypatch.setattr("reports.dashboard.serving.serve", note)
    monkeypatch.setattr("reports.dashboard.warming.warm", lambda address: None)
    monkeypatch.setattr(command, "_open", served.append)
    return served


def test_what_keeps_it_from_serving_is_said(
    sample: "tuple[Path, RunReport]", tmp_path: Path, no_server: list[Any]
) -> None:
    none = clampdown("-d", "empty", "dashboard", "--port", "0", cwd=tmp_path)
    assert none.returncode == 2
    assert "no snapshot" in none.stderr
    assert "clampdown run" in none.stderr

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = clampdown("-d", str(sample[0]), "dashboard", "--port", port, cwd=tmp_path)
    assert busy.returncode == 7
    assert f"port {port} is taken" in busy.stderr

    nowhere = clampdown("-d", str(sample[0]), "dashboard", "--host", "192.0.2.1", "--port", "0", cwd=tmp_path)
    assert nowhere.returncode == 7
    assert "can't listen on 192.0.2.1" in nowhere.stderr

    (tmp_path / "newer" / "published").mkdir(parents=True)
    file = tmp_path / "newer" / "published" / "clampdown.duckdb"
    shutil.copy(sample[0] / "published" / "clampdown.duckdb", file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE manifest SET value = '9999' WHERE key = 'schema_version'")
    newer = clampdown("-d", "newer", "dashboard", "--port", "0", cwd=tmp_path)
    assert newer.returncode == 4
    assert "schema 9999" in newer.stderr
    assert no_server == []


def test_decisions_are_taken_from_this_machine_alone(
    sample: "tuple[Path, RunReport]", tmp_path: Path, no_server: list[Any]
) -> None:
    refused = clampdown("-d", str(sample[0]), "dashboard", "--host", "0.0.0.0", "--review", cwd=tmp_path)
    assert refused.returncode == 2
    assert "for this machine alone" in refused.stderr
    assert no_server == []


def test_who_lets_others_in_is_told_so(sample: "tuple[Path, RunReport]", tmp_path: Path, no_server: list[Any]) -> None:
    public = clampdown("-d", str(sample[0]), "dashboard", "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)
    assert public.returncode == 0
    assert "no password" in public.stdout
    assert public.stdout.startswith("http://localhost:")
    quiet = clampdown("-d", str(sample[0]), "dashboard", "--port", "0", "--no-open", cwd=tmp_path)
    assert quiet.stdout.startswith("http://127.0.0.1:")
    assert "password" not in quiet.stdout
    opened = [one for one in no_server if isinstance(one, str)]
    assert opened == [public.stdout.splitlines()[0]]


def test_addresses_that_are_reached_from_here_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.1", "desk.example", "")))
