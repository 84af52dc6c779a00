"""Killed with SIGKILL at every failpoint and started again, a run ends in the same tables and snapshot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import warehouse_material as material
from conftest import ROOT

from pipeline.failpoints import arm, hit
from warehouse.compare import content
from warehouse.query import connect_snapshot
from warehouse.store import open_warehouse

FAILPOINTS = [
    "polls.entries",
    "polls.states:2",
    "store.removed",
    "store.articles",
    "store.stories:2",
    "store.mentions",
    "store.events:2",
    "store.outcomes:3",
    "store.committed",
    "publish.tables",
    "publish.built",
    "publish.renamed",
    "publish.switched",
]


KILLER = """
import os, signal, sys
from pathlib import Path
import warehouse_material as material
from pipeline import failpoints

for failpoint in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        failpoints.arm(failpoint)
        material.run(Path(sys.argv[1]) / failpoint, "run-1", publish=failpoint.startswith("publish"))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (failpoint, status)
"""
"""Runs each failpoint's run in a process of its own. They are forked, so that the imports are paid for once."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    material.run(folder, "run-1", publish=True)
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per failpoint, as the kill left it."""
    folder = tmp_path_factory.mktemp("killed")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    ran = subprocess.run(
        [sys.executable, "-c", KILLER, str(folder), *FAILPOINTS],
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.mark.parametrize("failpoint", [name for name in FAILPOINTS if not name.startswith("publish")])
def test_killed_run_is_continued(killed: Path, undisturbed: Path, failpoint: str) -> None:
    folder = killed / failpoint
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        assert warehouse.ledger_balance().balanced, "also straight after the kill"
    material.run(folder, "run-2", publish=False)
    assert content(folder / "warehouse.duckdb") == content(undisturbed / "warehouse.duckdb")


@pytest.mark.parametrize("failpoint", [name for name in FAILPOINTS if name.startswith("publish")])
def test_killed_publishing_is_made_good(killed: Path, undisturbed: Path, failpoint: str) -> None:
    published = killed / failpoint / "published"
    if (published / "clampdown.duckdb").exists():
        connect_snapshot(published).close()
    material.run(killed / failpoint, "run-2", publish=True)
    assert content(published / "clampdown.duckdb") == content(undisturbed / "published" / "clampdown.duckdb")
    counts, expected = (
        json.loads((folder / "manifest.json").read_text())["counts"]
        for folder in (published, undisturbed / "published")
    )
    clocks = {"runs", "polls"}
    assert {name: counts[name] for name in counts.keys() - clocks} == {
        name: expected[name] for name in expected.keys() - clocks
    }
    assert not list((published / "versions").glob(".*"))


def test_failpoints_do_nothing_unless_armed() -> None:
    hit("store.committed")
    arm("store.committed:2")
    try:
        hit("store.events")
        hit("store.committed")
    finally:
        arm("")
    hit("store.committed")
