"""Prefect's server takes a little more memory from week to week: whether it took too much, and a moment is quiet.

Nothing is lost by starting it anew. While nothing runs, and nothing is about to, nobody even waits for it.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from flows.serving.overdue import next_occasion, occasions
from pipeline.errors import ArchiveError
from pipeline.flow_log import FlowLog, FlowStatus
from pipeline.settings import Settings

WARM_AFTER: Final = 3600.0
"""Seconds after its start by which a server has filled its caches, some of which it keeps for half an hour."""

QUIET_FOR: Final = 60.0
"""Seconds before and after the time of a flow that are no quiet moment; for those that come more often, a quarter of
their interval. One that is due needs a while until it is noted that it runs."""

PATIENCE: Final = 2
"""How many times the growth is borne where no moment is quiet. Flows bear it that the server is gone for a while."""


@dataclass(slots=True)
class Growth:
    """What a process has grown by since it was warm, for one process after another."""

    settings: Settings
    warm_after: float = WARM_AFTER
    _begun_at: float = 0.0
    _warm: float | None = None

    def too_much(self, pid: int, begun_at: float) -> str:
        """Between which sizes a process has grown, where that is too much and it may end now; else "".

        `begun_at` is when it was started, by the monotonic clock, and tells one process from the next.
        """
        most = self.settings.serve.server_growth_mb
        if begun_at != self._begun_at:
            self._begun_at, self._warm = begun_at, None
        if not most or time.monotonic() - begun_at < self.warm_after or (held := memory(pid)) is None:
            return ""
        # The least that it took since: the first look may have come upon it at work.
        self._warm = held if self._warm is None else min(self._warm, held)
        grown = held - self._warm
        if grown <= most or (grown <= PATIENCE * most and not is_quiet(self.settings, datetime.now(UTC))):
            return ""
        return f"from {self._warm:.0f} to {held:.0f} MB"


def memory(pid: int) -> float | None:
    """MB that a process has for itself, what is swapped out included; None where the system does not tell."""
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    if "RssAnon" not in fields:
        return None
    return sum(int(fields.get(name, "0 kB").split()[0]) for name in ("RssAnon", "VmSwap")) / 1024


def is_quiet(settings: Settings, now: datetime) -> bool:
    """Whether no flow runs, none is about to, and none may have just begun."""
    near = timedelta(seconds=min(QUIET_FOR, settings.serve.ingest_every / 4))
    if next_occasion(settings, now) - now <= near or any(now - at <= near for at in occasions(settings, now).values()):
        return False
    try:
        return all(run.status is not FlowStatus.RUNNING for run in FlowLog(settings.data_dir).runs())
    except ArchiveError:
        # It can't be told.
        return False
