"""How a `clampdown serve` fares, itself included: asked by its endpoint and its alerts, kept for a moment."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from pipeline.problems import Problem, ProblemKind
from pipeline.settings import Settings
from pipeline.status import Status, look

FRESH_FOR: Final = 5.0
"""Seconds for which an answer stands: nobody who asks more often gets more work done."""

PATIENCE: Final = 300.0
"""Seconds that a process may take until it is ready before that is a problem."""


class Part(Protocol):
    """A process that the supervisor keeps going."""

    @property
    def name(self) -> str:
        """What it is."""
        ...

    @property
    def pid(self) -> int | None:
        """Its process id, None while it does not run."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether it does its work."""
        ...

    @property
    def starts(self) -> int:
        """How often it was started."""
        ...


class Watch:
    """What is known of the site and of the processes that serve it. Its methods may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        parts: Sequence[Part] = (),
        not_ready: Callable[[], Sequence[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.parts = parts
        self._settings = settings
        self._not_ready = not_ready
        self._clock = clock
        self._lock = threading.Lock()
        self._down_since: dict[str, float] = {part.name: clock() for part in parts}
        self._status: tuple[float, Status] | None = None

    def waiting_for(self) -> Sequence[str]:
        """Why flows can't run just now; nothing where they can."""
        return self._not_ready()

    def status(self) -> Status:
        """How the site fares, processes that don't get ready among its problems; a few seconds old at most."""
        with self._lock:
            now = self._clock()
            if self._status is None or not 0 <= now - self._status[0] < FRESH_FOR:
                self._status = now, look(self._settings, others=self._down(now))
            return self._status[1]

    def _down(self, now: float) -> list[Problem]:
        """Processes that have not been ready for long, whatever was done about it."""
        found = []
        for part in self.parts:
            if part.is_ready:
                self._down_since.pop(part.name, None)
                continue
            seconds = now - self._down_since.setdefault(part.name, now)
            if seconds > PATIENCE:
                since = datetime.now(UTC) - timedelta(seconds=seconds)
                words = f"{part.name} has not been ready since, and was started {part.starts} times in all"
                hint = "See what the log says of it."
                found.append(Problem(ProblemKind.PART_DOWN, since, words, hint, part.name))
        return found
