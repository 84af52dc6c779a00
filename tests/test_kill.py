"""A run that is killed with SIGKILL anywhere, and started again, ends in the tables of an undisturbed run."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_runs import run_apart

from clampdown.sample_site import SampleSite
from warehouse.compare import content
from warehouse.store import open_warehouse

FAILPOINTS = (
    "polls.entries",
    "polls.committed",
    "ingest.fetched",
    "ingest.archived:2",
    "ingest.read",
    "store.articles",
    "store.events:2",
    "store.committed",
    "publish.tables",
    "publish.renamed",
)


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(port=0) as served:
        yield served


def start(site: SampleSite, data_dir: Path, failpoint: str | None = None) -> int:
    """Run once over four feeds, two of them of outlets that copy each other; returns the exit status."""
    environment = {"CLAMPDOWN_FAILPOINT": failpoint} if failpoint else {}
    wanted = {"sample-orrery", "sample-ledger", "sample-saltmarsh", "sample-brindle"}
    sources = [source for source in site.sources() if source.id in wanted]
    assert len(sources) == len(wanted)
    return run_apart(site, data_dir, sources, batch=8, environment=environment)


def test_killed_at_every_failpoint_and_continued_it_ends_alike(site: SampleSite, tmp_path: Path) -> None:
    """One warehouse is killed at each failpoint in turn, each run going on from where the last one died."""
    assert start(site, tmp_path / "calm") == 0
    for failpoint in FAILPOINTS:
        status = start(site, tmp_path / "killed", failpoint)
        # Late failpoints in an early place may have been passed for good; those runs end well instead.
        assert status in (-signal.SIGKILL, 0), failpoint
    assert start(site, tmp_path / "killed") == 0
    assert content(tmp_path / "killed" / "warehouse.duckdb") == content(tmp_path / "calm" / "warehouse.duckdb")


@pytest.mark.parametrize("failpoint", ["ingest.archived", "store.events", "publish.built"])
def test_killed_once_in_a_fresh_run(site: SampleSite, tmp_path: Path, failpoint: str) -> None:
    assert start(site, tmp_path / "killed", failpoint) == -signal.SIGKILL
    with open_warehouse(tmp_path / "killed" / "warehouse.duckdb") as warehouse:
        assert warehouse.ledger_balance().balanced
    assert start(site, tmp_path / "killed") == 0
    with open_warehouse(tmp_path / "killed" / "warehouse.duckdb") as warehouse:
        balance = warehouse.ledger_balance()
        assert balance.balanced
        assert balance.discovered > 25
