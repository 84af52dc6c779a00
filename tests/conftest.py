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
