"""Reruns and doubled runs change nothing: run again, run at once, killed, repeated and replayed, the tables are equal.

Most of it is done by `reruns_child`, a process that forks its runs; this one serves the sample that they read. The full
form starts the command itself as well, by twos, over the whole sample.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.crash import READ
from clampdown.proofs.hearing import claims_of
from clampdown.proofs.reruns_child import Job
from clampdown.proofs.soak_plain import different
from clampdown.sample_run import run_sample
from clampdown.sample_site import SampleSite
from flows.house import PUBLISHED_NAME
from pipeline.sources import render_sources
from warehouse.compare import content
from warehouse.snapshot import DATABASE_NAME

FULL: Final = Job(again=5, races=10, lives=30, kills=3, replays=10)
SHORT: Final = Job(again=1, races=0, lives=1, kills=1, replays=1)
PATIENCE: Final = 60.0
"""Seconds for a page: a busy machine must not make of one run another than of the next."""
PAIRS: Final = 4
"""Times that the full form starts the command twice at once."""

_COMMAND: Final = "from clampdown.main import main; main()"
_REFUSED: Final = "is in use by"


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. The short form has few rounds and one feed, and starts no command."""
    job = SHORT if short else FULL
    claims: list[Claim] = []
    with SampleSite(port=0) as site, tempfile.TemporaryDirectory(prefix="clampdown-reruns-") as folder:
        sources = [source for source in site.sources() if source.id in (READ[:1] if short else READ)]
        given = {
            "folder": folder,
            "job": asdict(job),
            "sources": [asdict(replace(source, full_text=None)) for source in sources],
            "allow_hosts": site.allow_hosts,
            "patience": PATIENCE,
        }
        command = [sys.executable, "-m", "clampdown.proofs.reruns_child"]
        claims += claims_of(command, given, tell)
        if not short:
            claims += _commands(site, Path(folder) / "commands", tell)
    return Proof("reruns", tuple(claims))


def _commands(site: SampleSite, place: Path, tell: Tell) -> Iterator[Claim]:
    """`clampdown run`, twice at once, again and again, over the whole sample with workers and model."""
    tell("running undisturbed over the whole sample")
    expected = content(run_sample(site, place / "calm").snapshot.database)
    done = refused = 0
    differing: list[str] = []
    odd: list[str] = []
    config = _config(site, place)
    for number in range(PAIRS):
        tell(f"starting the command twice at once, {number + 1} of {PAIRS}")
        ended = [(one.communicate()[1], one.returncode) for one in [_started(config), _started(config)]]
        done += sum(code == 0 for _, code in ended)
        refused += sum(code != 0 and _REFUSED in " ".join(said.split()) for said, code in ended)
        odd += [said[-300:] for said, code in ended if code != 0 and _REFUSED not in " ".join(said.split())]
        if not any(code == 0 for _, code in ended):
            odd.append("none of the two came to its end")
        found = content(place / "data" / PUBLISHED_NAME / DATABASE_NAME)
        differing += [f"pair {number + 1}: {one}" for one in different(expected, found)]
    yield Claim(
        f"`clampdown run`, started twice at once, {PAIRS} times: runs that ended, and that were told who is at work",
        f"{done} and {refused}, {len(odd)} otherwise{_first(odd)}",
        f"{2 * PAIRS} in all, 0 otherwise",
        done + refused == 2 * PAIRS and not odd,
    )
    measured = f"{len(differing)} tables{_first(differing)}"
    yield Claim("published tables that differ from those of one run", measured, "0", not differing)


def _started(config: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-c", _COMMAND, "--config", str(config), "run", "--now"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=config.parent,
    )


def _config(site: SampleSite, place: Path) -> Path:
    path = place / "clampdown.toml"
    (place / "sources.toml").write_text(render_sources(site.sources()), "utf-8")
    path.write_text(
        f"""data_dir = "data"
sources = "sources.toml"
[fetch]
allow_hosts = {json.dumps(list(site.allow_hosts))}
host_gap = 0
retries = 0
timeout = {site.patience}
[poll]
min_interval = 0
""",
        "utf-8",
    )
    return path


def _first(faults: list[str]) -> str:
    return f"; first: {faults[0]}" if faults else ""
