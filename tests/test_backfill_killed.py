"""A backfill that is killed goes on where it was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from archive_site import ArchiveSite
from conftest import ROOT
from test_backfill import sitemaps_of

from clampdown.proofs.webserver import HTTPServer
from warehouse.compare import content
from warehouse.store import open_warehouse

FIND = """
import json, sys
from datetime import UTC, date, datetime
from pathlib import Path
from flows.backfill import Desk, Wanted, find_entries
from flows.progress import NoProgress
from pipeline.archive_pages import Span
from pipeline.fetch import FetchSession
from pipeline.settings import Settings
from pipeline.types import Source
from warehouse.store import open_warehouse
class Here:
    def map(self, function, items, *, seconds):
        return [function(item) for item in items]
given = json.load(sys.stdin)
settings = Settings.model_validate(given["settings"])
source = Source(**given["source"] | {"topics": ()})
with (
    open_warehouse(settings.data_dir / "warehouse.duckdb") as warehouse,
    FetchSession(settings.fetch) as session,
):
    warehouse.begin_run("run", datetime(2025, 6, 1, tzinfo=UTC), mode="direct", model="none", version="0")
    desk = Desk(settings, session, Here(), warehouse, "run", lambda results: [None] * len(results))
    find_entries(desk, [source], Wanted(Span(date(2025, 2, 1), date(2025, 2, 28))), NoProgress())
"""


@pytest.fixture
def site() -> Iterator[ArchiveSite]:
    with HTTPServer() as server:
        yield ArchiveSite(server)


def find_apart(site: ArchiveSite, data_dir: Path, failpoint: str = "") -> int:
    """Find the entries of February in a process of its own; returns its exit status, negative for a signal."""
    settings = site.settings(data_dir=data_dir).model_dump(mode="json")
    done = subprocess.run(
        [sys.executable, "-c", FIND],
        input=json.dumps({"source": asdict(site.source()), "settings": settings}),
        text=True,
        cwd=ROOT,
        env=os.environ | {"CLAMPDOWN_FAILPOINT": failpoint},
        check=False,
        timeout=120,
    )
    return done.returncode


def test_a_backfill_that_is_killed_anywhere_goes_on_where_it_was(site: ArchiveSite, tmp_path: Path) -> None:
    sitemaps_of(site)
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    assert find_apart(site, calm) == 0
    asked = site.server.count("/index.xml")
    for failpoint in ("backfill.entries", "backfill.pages:2", "backfill.committed:3"):
        assert find_apart(site, killed, failpoint) == -signal.SIGKILL, failpoint
        with open_warehouse(killed / "warehouse.duckdb") as warehouse:
            assert warehouse.ledger_balance().balanced
    assert find_apart(site, killed) == 0
    found = content(killed / "warehouse.duckdb")
    assert found == content(calm / "warehouse.duckdb")
    assert len(found["backfill_pages"]) == 7
    assert len(found["entries"]) == 6
    # Killed before its commit, read, and never asked for again once that was committed.
    assert site.server.count("/index.xml") == asked + 2
