"""Fixtures that several test modules share."""

import fcntl
import os
import pickle
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from browser import browser, dashboard_site, page, watched
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from clampdown.sample_run import run_sample
from clampdown.sample_site import SampleSite
from warehouse.database import OFFLINE
from warehouse.store import open_warehouse

if TYPE_CHECKING:
    from flows.house import House
    from flows.ingest import RunReport

__all__ = ["browser", "dashboard_site", "page", "watched"]
"""Fixtures that stand in a module of their own."""

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# The first example pays for imports and built automata, and a busy machine for the rest: time is no criterion here.
# In CI the examples are always the same, so that a red run means a change; elsewhere they go on exploring.
settings.register_profile(
    "clampdown", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("clampdown")
if "CI" in os.environ:
    # Else the constants of our own modules are tried, too: of those that this process has imported by then, which
    # differs from run to run.
    providers.is_local_module_file = lambda path: False
if find_spec("pandas") is None:
    # DuckDB asks for it once or twice with each statement that has values: every time a search of all folders, which is
    # two thirds of what a small statement costs.
    sys.modules["pandas"] = None
# The cores are the workers': a second thread of the engine would wait for the first one's. What the tests start as
# programs of their own has as many as ever.
OFFLINE["threads"] = 1

LONGEST = """
run cluster rebuild review serve kill dashboard_browser prove prove_ledger dashboard_review versions dashboard_subjects
dashboard_event dashboard_explore dashboard_explore_page dashboard_overview dashboard_payloads wheel polling reextract
frozen analysis_tables sources_check lake workers snapshot_parts warehouse_versions events_properties
warehouse_snapshot exports extracting fetch backfill backfill_killed feeds feeds_hostile training resolution_scale
corpora llm_cli corrections fetch_codecs interrupt warehouse_query review_order dask_workers maintain archive prune
digest_made metadata relevance_training warehouse_schema warehouse_store text_frames audit arrival_orders review_run
duties supervisor
""".split()  # noqa: SIM905 - a list of sixty reads better so
"""The files that take longest, the longest first: begun last, one would keep a worker when the other has nothing left.

Before them the one whose run of the sample serves many others."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the most of the cores, in the workers and in what they start.

    Where no bytecode is wanted beside the sources, it is kept elsewhere for as long as the tests run: else each program
    would compile all that it imports, which takes Prefect's server 4 s. Threads for numbers wait for one another in
    loops that eat up what the other worker needs.
    """
    if hasattr(config, "workerinput"):
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        return
    folder = TemporaryDirectory(prefix="bytecode-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["PYTHONPYCACHEPREFIX"] = folder.name
    del os.environ["PYTHONDONTWRITEBYTECODE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files go to a worker (`--dist=loadfile`), in this order; fixtures of a file are made once."""
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party corpora beside the checkout; tests that need it skip where it is absent."""
    if not (SHARED / "annotation" / "GUIDELINES.md").is_file():
        pytest.skip("the corpora folder ../shared is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def sample_site() -> Iterator[SampleSite]:
    """The sample's sites, on the ports of `clampdown run --sample` where these are free."""
    with SampleSite() as served:
        yield served


@pytest.fixture(scope="session")
def sample_run(sample_site: SampleSite, tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, RunReport]":
    """The data folder and the report of a first run over `sample_site`. Only to be read: copy it to go on from it."""
    folder = _of_all_workers(tmp_path_factory)
    with (folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "sample").exists():  # another worker's, with sites of its own
            folder = tmp_path_factory.mktemp("own")
        report = run_sample(sample_site, folder / "sample")
        (folder / "sample.report").write_bytes(pickle.dumps(report))
        return folder / "sample", report


@pytest.fixture(scope="session")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, RunReport]":
    """The same for tests that don't ask its sites again: one run for all workers."""
    folder = _of_all_workers(tmp_path_factory)
    with (folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = (folder / "sample.report").exists()
    if not made:
        request.getfixturevalue("sample_run")
    return folder / "sample", pickle.loads((folder / "sample.report").read_bytes())


@pytest.fixture(scope="session")
def sample_snapshot(sample: "tuple[Path, RunReport]") -> Path:
    """The DuckDB file that this run published."""
    return sample[0] / "published" / "clampdown.duckdb"


@pytest.fixture(scope="session")
def empty_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DuckDB file of a snapshot in which there is nothing. Only to be read, or copied."""
    folder = tmp_path_factory.mktemp("empty")
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        return warehouse.publish(folder / "published", manifest={}).database.resolve()


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[House]":
    """Network session, workers and model for runs over sites whose articles change: opened once."""
    from changing_site import opened_tools

    with opened_tools(tmp_path_factory.mktemp("tools")) as house:
        yield house


def _of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
