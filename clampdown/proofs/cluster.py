"""A small cluster on this machine, and `clampdown serve` on it: in the end the tables of a run of one process.

Postgres holds the catalog of the lake and what Prefect remembers; a Dask scheduler and two workers read pages and
extract events; `clampdown serve` starts Prefect's server and runs the flow `ingest`, which fetches and writes. All is
real, and listens on loopback alone. On several machines the settings are the same, but for the addresses.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.dask_cluster import Cluster, cluster
from clampdown.proofs.ports import free_ports
from clampdown.proofs.postgres import ask, make_database, server
from clampdown.sample_site import SampleSite
from flows.dask_workers import DaskWorkers
from flows.house import PUBLISHED_NAME, open_house
from flows.ingest import ingest
from pipeline.errors import ClampdownError, InputError
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.settings import Settings, WarehouseSettings, load
from pipeline.sources import render_sources
from pipeline.types import Source
from warehouse.compare import content
from warehouse.lake import open_lake_reader
from warehouse.snapshot import DATABASE_NAME

WORKERS = 2
SHORT_SOURCES = 1
PATIENCE = 900.0
"""Seconds until `serve` must have ended an ingest, or itself."""
EVERY = 60
"""Seconds between two ingests while somebody looks."""

_SHARES = re.compile(r"items answered by Dask workers: (.*)")
_COMPLETED = """
    SELECT count(*) FROM flow_run JOIN flow ON flow.id = flow_run.flow_id
    WHERE flow.name = 'ingest' AND flow_run.state_type = 'COMPLETED'"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is: our folder, the settings file, and the addresses of what was started."""

    folder: Path
    settings: Settings
    config: Path
    prefect: str
    """What connects to Prefect's database."""
    dask: Cluster

    @property
    def log(self) -> Path:
        """What `serve` writes."""
        return self.folder / "serve.log"


def prove(tell: Tell, *, short: bool = False, keep: bool = False) -> Proof:
    """Read the sample with the cluster and with one process. The short form reads a few of its feeds.

    With `keep` everything is left running until this process is interrupted. Raises InputError where Postgres or Dask
    is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="clampdown-cluster-") as folder, SampleSite() as site, ExitStack() as stack:
        sources = site.sources()[: SHORT_SOURCES if short else None]
        place = _build(Path(folder), site, sources, stack)
        tell(f"Postgres, a Dask scheduler and {WORKERS} workers are there; serving")
        # The first ingest begins at once, and no other before this is over.
        with _serving(place, ("CLAMPDOWN_SERVE__UI", "false")):
            run = _await_ingest(place)
        tell(f"the flow ingest took {_seconds(run):.0f} s; one process does the same")
        start = time.monotonic()
        alone = _alone(place, sources)
        tell(f"it took {time.monotonic() - start:.0f} s, its start included")
        proof = Proof("cluster", tuple(_compared(place, run, alone)))
        if keep:
            for claim in proof.claims:
                tell(f"{'holds' if claim.holds else 'FAILS'}: {claim.text}: {claim.measured}")
            _keep(place, tell)
        return proof


def _build(folder: Path, site: SampleSite, sources: tuple[Source, ...], stack: ExitStack) -> Place:
    """Start the servers and write the settings of who is to use them."""
    dask = stack.enter_context(cluster(folder / "dask", WORKERS))
    postgres = stack.enter_context(server())
    (folder / "sources.toml").write_text(render_sources(sources), encoding="utf-8")
    config = folder / "clampdown.toml"
    lake = WarehouseSettings(url=f"ducklake:postgres:{make_database(postgres, 'lake')}", data_path=str(folder / "lake"))
    config.write_text(_toml(site, lake, dask.address), encoding="utf-8")
    settings = load(config, environ={}).settings
    with DaskWorkers(settings.workers) as there:
        while len(there.threads()) < WORKERS:
            time.sleep(0.1)
    return Place(folder, settings, config, make_database(postgres, "prefect"), dask)


def _toml(site: SampleSite, lake: WarehouseSettings, dask: str) -> str:
    """The settings file of the cluster's one writer; what is below `[fetch]` is for the sample alone."""
    port, status_port = free_ports(2)
    return f"""\
data_dir = "data"
sources = "sources.toml"

[warehouse]
url = "{lake.url}"
data_path = "{lake.data_path}"

[workers]
runner = "dask"
dask_address = "{dask}"

[serve]
name = "cluster"
port = {port}
status_port = {status_port}

[fetch]
allow_hosts = {list(site.allow_hosts)}
host_gap = 0
timeout = {site.patience}
retries = 0

[poll]
min_interval = 0
"""


@contextmanager
def _serving(place: Place, *changes: tuple[str, str]) -> Iterator[None]:
    """Run `clampdown serve`, with Prefect's server on Postgres, and stop it politely."""
    # Whatever this process was told of other servers and data does not concern these.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("CLAMPDOWN_", "PREFECT_"))}
    environ |= {
        "CLAMPDOWN_CONFIG": str(place.config),
        # Of no use here, and a second of a core.
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        **dict(changes),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": _url(place.prefect),
    }
    with place.log.open("ab") as log:
        serve = subprocess.Popen(
            [sys.executable, "-c", "from clampdown.main import main; main()", "serve"],
            env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield
    finally:
        serve.send_signal(signal.SIGTERM)
        try:
            serve.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            serve.kill()
            serve.wait()


def _await_ingest(place: Place) -> FlowRun:
    log, deadline = FlowLog(place.settings.data_dir), time.monotonic() + PATIENCE
    while (run := log.last("ingest", FlowStatus.FINISHED, FlowStatus.FAILED)) is None or _completed(place) == 0:
        if time.monotonic() > deadline or (run is not None and run.status is FlowStatus.FAILED):
            said = place.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise ClampdownError(f"the flow ingest was not done: {run.detail if run else 'it never ended'}\n{said}")
        time.sleep(0.5)
    return run


def _completed(place: Place) -> int:
    """How many ingests have come to their end, as Prefect remembers."""
    try:
        return int(ask(place.prefect, _COMPLETED)[0][0])
    except InputError:
        # Its server has not made the tables yet.
        return 0


def _alone(place: Place, sources: tuple[Source, ...]) -> Path:
    """Have one process read the same into a file. Returns its data folder."""
    plain = place.settings.model_copy(
        update={
            "data_dir": place.folder / "alone",
            "warehouse": WarehouseSettings(),
            "workers": place.settings.workers.model_copy(update={"runner": "pool"}),
        }
    )
    with open_house(plain) as house:
        ingest(house, sources)
    return plain.data_dir


def _compared(place: Place, run: FlowRun, alone: Path) -> Iterator[Claim]:
    expected = content(alone / "warehouse.duckdb")
    with open_lake_reader(place.settings.warehouse) as reader:
        found = content(reader)
    differing = _differing(expected, found)
    rows = sum(len(some) for some in expected.values())
    yield Claim(
        "tables of the lake that differ from those of one process",
        f"{', '.join(differing) or '0'} of {len(expected)} ({rows:,} rows)",
        "0",
        not differing and len(expected["events"]) > 0,
    )
    published = [content(folder / PUBLISHED_NAME / DATABASE_NAME) for folder in (alone, place.settings.data_dir)]
    differing = _differing(*published)
    yield Claim(
        "tables of the published snapshot that differ",
        f"{', '.join(differing) or '0'} of {len(published[0])}",
        "0",
        not differing,
    )
    shares = _shares(place.log.read_text(encoding="utf-8", errors="replace"))
    told = ", ".join(f"{number:,}" for number in shares.values())
    yield Claim("pages and texts that each Dask worker read", told or "0", "> 0", len(shares) == WORKERS)
    completed = _completed(place)
    yield Claim("ingests that Prefect's Postgres has as completed", f"{completed:,}", "≥ 1", completed > 0)
    yield Claim("how the flow log has it", f"{run.mode}, {run.status}", "prefect, finished", run.mode == "prefect")


def _differing(expected: Mapping[str, list[tuple[Any, ...]]], found: Mapping[str, list[tuple[Any, ...]]]) -> list[str]:
    return sorted(table for table in expected.keys() | found.keys() if expected.get(table) != found.get(table))


def _shares(said: str) -> dict[str, int]:
    """Dask worker → the items that it has answered, over all flow runs."""
    shares: dict[str, int] = {}
    for line in _SHARES.findall(said):
        for number, worker in re.findall(r"(\d+) by (\w+://[\w.:\[\]]+)", line):
            shares[worker] = shares.get(worker, 0) + int(number)
    return shares


def _keep(place: Place, tell: Tell) -> None:
    """Serve on until interrupted, and say where to look."""
    serve = place.settings.serve
    with _serving(place, ("CLAMPDOWN_SERVE__INGEST_EVERY", str(EVERY))):
        tell("")
        tell("It goes on until you press Ctrl-C; then all of it is gone. In another terminal:")
        tell(f"  clampdown --config {place.config} status      (or events, show, sql …)")
        tell(f"  Prefect's pages   http://{serve.host}:{serve.port}")
        tell(f"  health, metrics   http://{serve.host}:{serve.status_port}/health")
        tell(f"  Dask's scheduler  {place.dask.address}; logs in {place.dask.folder}")
        tell(f"  Postgres          psql '{place.prefect}'   (Prefect; dbname=lake has the catalog of the lake)")
        tell(f"  what serve says   {place.log}")
        # What is told to end otherwise takes its servers with it, too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            tell("stopping")


def _seconds(run: FlowRun) -> float:
    assert run.ended_at is not None, "it has finished"
    return (run.ended_at - run.started_at).total_seconds()


def _url(database: str) -> str:
    """What connects to a database, as SQLAlchemy writes it."""
    given = dict(part.split("=", 1) for part in database.split())
    return f"postgresql+asyncpg://{given['user']}@{given['host']}:{given['port']}/{given['dbname']}"
