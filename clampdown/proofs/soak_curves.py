"""What a soak weighs each cycle, and how steep its curves are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Final

from clampdown.proofs.soak_tree import Part, Weight

FOLDERS: Final = ("archive", "warehouse", "published", "prefect", "flows", "state", "digests")
KEPT: Final = frozenset({"archive", "warehouse"})
"""What is kept for good, by direct runs, too."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One cycle: how long it took, who was killed in it; at its end, what is idle weighs, and MB on disk by folder.

    `flow` is the most that flow processes weighed at a time, `server` the process id of Prefect's server.
    """

    cycle: int
    seconds: float
    killed: tuple[str, ...] = ()
    starts: int = 1
    parts: Mapping[Part, Weight] = field(default_factory=dict)
    flow: Weight = field(default_factory=Weight)
    disk: Mapping[str, float] = field(default_factory=dict)
    server: int = 0


def disk(data_dir: Path) -> dict[str, float]:
    """MB by folder of a data folder; files with several names count once, and "other" is what has no name here."""
    sizes = dict.fromkeys((*FOLDERS, "other"), 0.0)
    seen: set[int] = set()
    for path in data_dir.rglob("*"):
        try:
            found = path.lstat()
        except OSError:
            # It went meanwhile.
            continue
        if path.is_dir() or found.st_ino in seen:
            continue
        seen.add(found.st_ino)
        first = path.relative_to(data_dir).parts[0].partition(".")[0]
        sizes[first if first in sizes else "other"] += found.st_size / 1e6
    return sizes


def slope(values: Sequence[float]) -> float:
    """The median of the slopes between all pairs of values (Theil and Sen), per step; 0 for fewer than two.

    A few readings taken at a bad moment don't tilt it.
    """
    pairs = combinations(enumerate(values), 2)
    return median([(late - early) / (j - i) for (i, early), (j, late) in pairs]) if len(values) > 1 else 0.0
