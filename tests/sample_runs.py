"""Runs over the sample site in a process of their own, for tests that kill them or keep Prefect's state apart."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from clampdown.sample_site import SampleSite
from pipeline.types import Source

RUN = """
import json, sys
from pathlib import Path
from flows.house import open_house
from flows.ingest import ingest
from pipeline.settings import FetchSettings, PollSettings, RunSettings, Settings
from pipeline.types import Source
given = json.load(sys.stdin)
settings = Settings(
    data_dir=Path(given["data_dir"]),
    fetch=FetchSettings(**given["fetch"]),
    poll=PollSettings(min_interval=0),
    run=RunSettings(batch_size=given["batch"]),
)
sources = [Source(**source | {"topics": tuple(source["topics"])}) for source in given["sources"]]
with open_house(settings, mode="prefect" if given["prefect"] else "direct") as house:
    if given["prefect"]:
        from flows.tasks import run_as_flow
        run_as_flow(house, sources)
    else:
        ingest(house, sources)
"""


def run_apart(
    site: SampleSite,
    data_dir: Path,
    sources: Sequence[Source] | None = None,
    *,
    batch: int = 20,
    prefect: bool = False,
    environment: dict[str, str] | None = None,
) -> int:
    """Run once over `sources` (all of the site's by default); returns the exit status, negative for a signal."""
    given = {
        "data_dir": str(data_dir),
        "fetch": {"allow_hosts": site.allow_hosts, "host_gap": 0, "timeout": site.patience, "retries": 0},
        "batch": batch,
        "prefect": prefect,
        "sources": [asdict(source) for source in sources or site.sources()],
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(given),
        text=True,
        env=os.environ | (environment or {}),
        check=False,
        timeout=240,
    )
    return done.returncode
