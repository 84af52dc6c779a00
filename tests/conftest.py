"""Fixtures that several test modules share."""

import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from clampdown.sample_run import publish_sample

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# The first example pays for imports and built automata, and a busy machine for the rest: time is no criterion here.
# In CI the examples are always the same, so that a red run means a change; elsewhere they go on exploring.
settings.register_profile(
    "clampdown", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("clampdown")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party corpora beside the checkout; tests that need it skip where it is absent."""
    if not (SHARED / "annotation" / "GUIDELINES.md").is_file():
        pytest.skip("the corpora folder ../shared is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def sample_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DuckDB file that a run of the sample published: one run for all tests that only read it, in all workers."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    published = folder / "sample" / "published" / "clampdown.duckdb"
    with (folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not published.exists():
            publish_sample(folder / "sample")
    return published
