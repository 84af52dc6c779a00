"""An interrupt reaches the command and all its processes at once: they end quietly, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.store import open_warehouse

# A test that itself runs in a background job would hand down that interrupts are ignored.
RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from clampdown.main import main
main()
"""


def alive(session: int) -> list[int]:
    """The processes of a session that are not yet gone."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")
@pytest.mark.parametrize("moment", ["feeds:", "articles:"])
def test_an_interrupt_ends_the_command_and_its_workers(tmp_path: Path, moment: str) -> None:
    command = [sys.executable, "-c", RUN, "run", "--sample"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith(moment):
            break
    os.killpg(process.pid, signal.SIGINT)
    said += process.communicate(timeout=240)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "Nothing committed is lost" in said
    deadline = time.monotonic() + 120
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive(process.pid) == []
    # Nobody holds it any more, and it is as a kill would leave it: from there the next run goes on (test_kill.py).
    with open_warehouse(tmp_path / "sample-data" / "warehouse.duckdb") as warehouse:
        assert warehouse.ledger_balance().balanced
