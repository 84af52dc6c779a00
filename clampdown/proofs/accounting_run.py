"""Runs over the web of the proof of accounting, in this process or in one that is killed.

As a program it reads from its input what to run over, and dies at the failpoint that its environment names.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clampdown.proofs.accounting_web import MAX_BYTES, UNREADABLE
from clampdown.proofs.faults import BreakablePool
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, House, open_house
from flows.ingest import RunReport, Stages, ingest
from pipeline.archive import Archive
from pipeline.errors import ExtractionError
from pipeline.failpoints import VARIABLE
from pipeline.protocols import Extractor
from pipeline.settings import FetchSettings, PollSettings, RunSettings, Settings, WorkerSettings
from pipeline.types import Document, Mention, Source
from warehouse.snapshot import Snapshot
from warehouse.store import open_warehouse

ROUND = timedelta(days=2)
"""From one round of the web to the next: whatever is to be tried again is due by then."""


def settings_for(folder: Path, allow_hosts: Sequence[str], timeout: float, batch: int) -> Settings:
    """The settings of the runs: every feed is asked each time, and readers have little CPU time and memory."""
    return Settings(
        data_dir=folder,
        fetch=FetchSettings(
            allow_hosts=tuple(allow_hosts), host_gap=0, retries=0, timeout=timeout, max_bytes=MAX_BYTES
        ),
        poll=PollSettings(min_interval=0),
        run=RunSettings(batch_size=batch),
        workers=WorkerSettings(processes=1, page_seconds=1.0, memory_mb=512),
    )


class Stumbling:
    """An `Extractor` (pipeline.protocols) that fails on documents with certain words; else the one behind it."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor

    @property
    def revision(self) -> str:
        """That of the one behind it."""
        return self._extractor.revision

    def extract(self, documents: Sequence[Document]) -> Sequence[list[Mention] | ExtractionError]:
        """Mentions of each document. Raises ValueError where one has those words."""
        if any(UNREADABLE in document.text for document in documents):
            raise ValueError("these words can't be read")
        return self._extractor.extract(documents)


@dataclass(frozen=True, slots=True)
class Runs:
    """Tools that were opened once, and runs with them into the data folder of their settings."""

    tools: House
    folder: Path

    def run(self, sources: Sequence[Source], round_: int, *, cut: bool = False, publishes: bool = True) -> RunReport:
        """Run at the time of a round; where it is `cut`, it ends after one batch of articles."""
        self.folder.mkdir(exist_ok=True)
        with open_warehouse(self.folder / WAREHOUSE_NAME) as warehouse:
            house = replace(
                self.tools,
                settings=self.tools.settings.model_copy(update={"data_dir": self.folder}),
                warehouse=warehouse,
                archive=Archive(self.folder / ARCHIVE_NAME),
                started_at=datetime.now(UTC) + round_ * ROUND,
                enough=lambda: cut,
            )
            return ingest(house, sources, None if publishes else Stages(publish=_unpublished))

    def run_killed(self, sources: Sequence[Source], round_: int, failpoint: str) -> int:
        """The same in a process of its own that dies at a failpoint. Returns its exit status."""
        fetch = self.tools.settings.fetch
        told = {
            "folder": str(self.folder),
            "allow_hosts": fetch.allow_hosts,
            "timeout": fetch.timeout,
            "batch": self.tools.settings.run.batch_size,
            "round": round_,
            "sources": [asdict(source) for source in sources],
        }
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-m", __name__],
            input=json.dumps(told),
            text=True,
            check=False,
            env=os.environ | {VARIABLE: failpoint},
        )
        return done.returncode


@contextmanager
def opened(settings: Settings) -> Iterator[Runs]:
    """Network session, workers and model for many runs, with whatever breaks there."""
    with open_house(settings.model_copy(update={"data_dir": settings.data_dir / "tools"}), poll_all=True) as house:
        broken = replace(house, pool=BreakablePool(house.pool), extractor=Stumbling(house.extractor))
        yield Runs(broken, settings.data_dir / "data")


def _unpublished(house: House) -> Snapshot:
    """Publishing takes longer than all else here, and the last run does it for all."""
    folder = house.settings.data_dir
    return Snapshot(folder, folder, folder, published_at=house.started_at, counts={}, changed=False)


def main() -> None:
    """Run once over what standard input describes."""
    # What breaks is meant to.
    logging.disable()
    told = json.load(sys.stdin)
    settings = settings_for(Path(told["folder"]), told["allow_hosts"], told["timeout"], told["batch"])
    sources = [Source(**one | {"topics": tuple(one["topics"])}) for one in told["sources"]]
    with open_house(settings, poll_all=True) as house:
        ingest(
            replace(
                house,
                pool=BreakablePool(house.pool),
                extractor=Stumbling(house.extractor),
                started_at=datetime.now(UTC) + told["round"] * ROUND,
            ),
            sources,
        )


if __name__ == "__main__":
    main()
