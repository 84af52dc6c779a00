"""The sample as the pages of Explore are asked about it."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from reports.dashboard.app import Setting, make_app
from reports.dashboard.snapshots import Held, Snapshots

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def snapshots(sample_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshots]:
    opened = Snapshots(sample_snapshot.parent, workspace=tmp_path_factory.mktemp("workspace"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def data(snapshots: Snapshots) -> Iterator[Held]:
    with snapshots.held() as held:
        yield held


@pytest.fixture(scope="module")
def client(snapshots: Snapshots) -> TestClient:
    return TestClient(make_app(snapshots, Setting(UTC)), base_url="http://localhost")
