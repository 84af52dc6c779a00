"""What was committed survives a kill, a full disk and a torn log, once: processes are killed by the thousand.

The work is done by `crash_child`, a process that forks its victims; this one serves the sample that real runs read.
"""

import os
import sys
import tempfile
from dataclasses import asdict, replace

from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.crash_child import Job
from clampdown.proofs.crash_disk import OUTER_NAMESPACE, enclosed, namespace
from clampdown.proofs.hearing import claims_of
from clampdown.sample_site import SampleSite

FULL = Job(
    kills=940, run_kills=70, cuts=10_000, flips=300, lives=12, every_stage=True, entries=12,
    hands=len(os.sched_getaffinity(0)),
)  # fmt: skip
SHORT = Job(kills=9, run_kills=2, cuts=5, flips=2, lives=1, every_stage=False, entries=4, hands=1)

READ = ("sample-orrery", "sample-ledger", "sample-saltmarsh", "sample-brindle")
"""Feeds of the sample that are read: two are of outlets that copy each other."""


def prove(tell: Tell, *, short: bool, job: Job | None = None) -> Proof:
    """Kill, fill, cut; go on; compare. Needs a temporary folder with 500 MB, and mounts nothing outside of it."""
    job = job or (SHORT if short else FULL)
    claims: list[Claim] = []
    with SampleSite(port=0) as site, tempfile.TemporaryDirectory(prefix="clampdown-crash-") as folder:
        sources = [source for source in site.sources() if source.id in (READ[:2] if short else READ)]
        given = {
            "folder": folder,
            "job": asdict(job),
            "sources": [asdict(replace(source, full_text=None)) for source in sources],
            "allow_hosts": site.allow_hosts,
            "patience": site.patience,
        }
        command = enclosed([sys.executable, "-m", "clampdown.proofs.crash_child"])
        claims += claims_of(command, given, tell, {OUTER_NAMESPACE: namespace()})
    return Proof("crash", tuple(claims))
