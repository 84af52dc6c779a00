"""How a long run tells how far it is, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Hears of stages with a known amount of work. Calls come from one thread."""

    def begin(self, stage: str, total: int) -> None:
        """A stage starts, or its total grew; `total` counts sources or articles."""
        ...

    def advance(self, stage: str, done: int) -> None:
        """`done` more of the stage are finished."""
        ...


class NoProgress:
    """Listens to nothing."""

    def begin(self, stage: str, total: int) -> None:
        pass

    def advance(self, stage: str, done: int) -> None:
        pass
