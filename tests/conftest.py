"""Fixtures that several test modules share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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


SLOWEST = ("test_kill", "test_rebuild", "test_run", "test_prove", "test_interrupt", "test_wheel", "test_review")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest modules, so that no worker is left with one of them when the others are done."""
    items.sort(key=lambda item: item.path.stem not in SLOWEST)
