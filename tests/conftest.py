"""Fixtures that several test modules share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party corpora beside the checkout; tests that need it skip where it is absent."""
    if not (SHARED / "annotation" / "GUIDELINES.md").is_file():
        pytest.skip("the corpora folder ../shared is not beside this checkout")
    return SHARED
