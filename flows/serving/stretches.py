"""Long work in stretches: how long each may last, and how far all of them together are."""

import threading
import time

from flows.progress import Progress


class Stretch:
    """Time to work for. Called, it says whether that is over; `is_cut` remembers that it has said so.

    Work that was cut has something left to do; work that was not is done.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._cut = threading.Event()

    def __call__(self) -> bool:
        if time.monotonic() >= self._until:
            self._cut.set()
        return self._cut.is_set()

    @property
    def is_cut(self) -> bool:
        """Whether the work was told to end before its end."""
        return self._cut.is_set()


class InAll:
    """Progress over several stretches, each of which counts from nothing to what is left."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._done: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def next_stretch(self) -> None:
        """What comes now is done on top of what was done so far."""
        self._before = dict(self._done)

    def begin(self, stage: str, total: int) -> None:
        """A stage of the present stretch starts, or its total grew."""
        self._done.setdefault(stage, 0)
        self._inner.begin(stage, self._before.get(stage, 0) + total)

    def advance(self, stage: str, done: int) -> None:
        """`done` more of the stage are finished."""
        self._done[stage] += done
        self._inner.advance(stage, done)
