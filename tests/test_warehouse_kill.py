"""Killed with SIGKILL at every failpoint and started again, a run ends in the same tables and snapshot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import warehouse_material as material
from conftest import ROOT

from pipeline.failpoints import VARIABLE, hit
from warehouse.compare import content
from warehouse.query import connect_snapshot
from warehouse.store import open_warehouse

FAILPOINTS = [
    "polls.entries",
    "polls.states:2",
    "polls.committed",
    "store.removed",
    "store.articles",
    "store.stories:2",
    "store.mentions",
    "store.events:2",
    "store.outcomes:3",
    "store.committed",
    "store.committed:3",
    "publish.tables",
    "publish.built",
    "publish.renamed",
    "publish.switched",
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    material.run(folder, "run-1", publish=True)
    return folder


def run_and_be_killed(folder: Path, failpoint: str) -> None:
    publish = failpoint.startswith("publish")
    program = (
        "from pathlib import Path; import warehouse_material as material; "
        f"material.run(Path({str(folder)!r}), 'run-1', publish={publish})"
    )
    environment = os.environ | {VARIABLE: failpoint, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    killed = subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()


@pytest.mark.parametrize("failpoint", [name for name in FAILPOINTS if not name.startswith("publish")])
def test_killed_run_is_continued(tmp_path: Path, undisturbed: Path, failpoint: str) -> None:
    run_and_be_killed(tmp_path, failpoint)
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        assert warehouse.ledger_balance().balanced, "also straight after the kill"
    material.run(tmp_path, "run-2", publish=False)
    assert content(tmp_path / "warehouse.duckdb") == content(undisturbed / "warehouse.duckdb")


@pytest.mark.parametrize("failpoint", [name for name in FAILPOINTS if name.startswith("publish")])
def test_killed_publishing_is_made_good(tmp_path: Path, undisturbed: Path, failpoint: str) -> None:
    run_and_be_killed(tmp_path, failpoint)
    published = tmp_path / "published"
    if (published / "clampdown.duckdb").exists():
        connect_snapshot(published).close()
    material.run(tmp_path, "run-2", publish=True)
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


def test_unarmed_failpoint_does_nothing() -> None:
    hit("store.committed")
