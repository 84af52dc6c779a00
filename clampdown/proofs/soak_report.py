"""What a soak saw, written down line by line while it goes on, and the claims that follow from it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from clampdown.proofs.claims import Claim
from clampdown.proofs.soak_curves import KEPT, Reading, slope
from clampdown.proofs.soak_tree import Part

MOST_MEMORY: Final = 0.1
"""MB a cycle by which what is idle may grow: noise of the measurement at the usual number of cycles."""

MOST_HANDLES: Final = 0.02
MOST_DISK: Final = 1.5
"""How many times the size of the undisturbed runs' folders those of the same names may have."""

IDLE: Final[tuple[Part, ...]] = ("supervisor", "server", "runner")

WARM_AFTER: Final = 10
"""Cycles after its start in which a process still fills its caches."""

FEWEST: Final = 10
"""Readings that a slope needs to be one."""


@dataclass(slots=True)
class Record:
    """All that was seen so far. Each addition is written to `file` at once."""

    file: Path
    cycles: int
    planned: int
    readings: list[Reading] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    compared: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    digests: tuple[list[str], list[str]] = ([], [])
    plain_disk: Mapping[str, float] = field(default_factory=dict)
    stopped_in: float | None = None
    left: int = 0
    lost: int = 0

    def read(self, reading: Reading) -> None:
        """Add a cycle."""
        self.readings.append(reading)
        self._write("cycle", asdict(reading))

    def compare(self, cycle: int, differences: Sequence[str], what: str) -> None:
        """Add what a comparison found."""
        self.compared.append(cycle)
        self.differing += [f"after cycle {cycle}, {what}: {one}" for one in differences]
        self._write("compared", {"cycle": cycle, "what": what, "differences": list(differences)})

    def fault(self, words: str) -> None:
        """Add what must not happen."""
        self.faults.append(words)
        self._write("fault", {"words": words})

    def kills(self) -> Counter[str]:
        """Kills so far, by part."""
        return Counter(part for reading in self.readings for part in reading.killed)

    def calm(self) -> list[Reading]:
        """The readings of the longest stretch in which no process was killed, or the server started anew for its size.

        Those in which caches were filled are left out.
        """
        stretches: list[list[Reading]] = [[]]
        renewed = self.renewed()
        for reading in self.readings:
            if reading.killed or reading.cycle in renewed:
                stretches.append([])
            if not reading.killed:
                stretches[-1].append(reading)
        return max(stretches, key=len)[WARM_AFTER:]

    def renewed(self) -> set[int]:
        """The cycles in which the server was started anew though nobody killed it."""
        pairs = pairwise(self.readings)
        return {late.cycle for early, late in pairs if late.server != early.server and not late.killed}

    def figures(self) -> dict[str, Any]:
        """All figures, for whoever wants to draw them."""
        return {
            "cycles": [asdict(reading) for reading in self.readings],
            "slopes": self.slopes(),
            "undisturbed_disk": dict(self.plain_disk),
            "differences": self.differing,
            "faults": self.faults,
        }

    def slopes(self) -> dict[str, float]:
        """Growth a cycle in the calm stretch: own memory and handles by part; disk over all cycles by folder. In MB."""
        calm = self.calm()
        found = {}
        if len(calm) >= FEWEST:
            for part in IDLE:
                found[f"{part} memory"] = slope([reading.parts[part].own for reading in calm])
                found[f"{part} handles"] = slope([float(reading.parts[part].handles) for reading in calm])
                found[f"{part} threads"] = slope([float(reading.parts[part].threads) for reading in calm])
            found["flow memory"] = slope([reading.flow.own for reading in calm])
        if len(self.readings) >= FEWEST:
            half = self.readings[len(self.readings) // 2 :]
            for name in half[-1].disk:
                found[f"{name} disk"] = slope([reading.disk[name] for reading in half])
        return {name: round(value, 4) for name, value in found.items()}

    def claims(self) -> list[Claim]:
        """What holds, as far as it was seen."""
        return [*self._course(), *self._truth(), *self._curves()]

    def _write(self, kind: str, told: Mapping[str, Any]) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind} | dict(told), ensure_ascii=False) + "\n")

    def _course(self) -> list[Claim]:
        done, kills = len(self.readings), self.kills()
        seconds = [reading.seconds for reading in self.readings]
        calm = [reading.seconds for reading in self.readings if not reading.killed]
        hit = [reading.seconds for reading in self.readings if reading.killed]
        by_part = ", ".join(f"{count} {part}" for part, count in sorted(kills.items()))
        took = f", {median(calm):.1f} s the median of those without kills" if calm else ""
        back = f", {max(hit):.0f} s at most until all was done again" if hit else ""
        claims = [
            Claim("cycles", f"{done} in {sum(seconds):.0f} s{took}", str(self.cycles), done == self.cycles),
            Claim(
                "processes killed at random moments",
                f"{kills.total()}{f' ({by_part})' if by_part else ''}{back}",
                str(self.planned),
                kills.total() == self.planned,
            ),
            _none("cycles that did not come to their end, or ended otherwise", self.faults),
        ]
        if self.stopped_in is not None or self.left:
            stopped = "not in time" if self.stopped_in is None else f"in {self.stopped_in:.1f} s"
            claims.append(
                Claim(
                    "stopped at the end",
                    f"{stopped}, {self.left} processes left",
                    "in time, none left",
                    self.stopped_in is not None and not self.left,
                )
            )
        return claims

    def _truth(self) -> list[Claim]:
        expected, made = self.digests
        digests = "each once" if made == expected else f"{', '.join(made)} where {', '.join(expected)} were due"
        compared = f"{len(self.compared)} comparisons, " if self.compared else "never compared, "
        return [
            Claim(
                "tables that differ from those of undisturbed runs, or hold something twice",
                compared + (f"{len(self.differing)}: {self.differing[0]}" if self.differing else "none"),
                "none",
                bool(self.compared) and not self.differing,
            ),
            Claim("digests", f"{len(made)}, {digests}", f"{len(expected)}, each once", made == expected),
        ]

    def _curves(self) -> list[Claim]:
        slopes = self.slopes()
        claims = []
        calm = self.calm()
        if len(calm) >= FEWEST:
            for part in IDLE:
                memory, handles = ([getattr(one.parts[part], what) for one in calm] for what in ("own", "handles"))
                claims.append(_flat(part, "memory", memory, slopes, MOST_MEMORY))
                claims.append(_flat(part, "handles", handles, slopes, MOST_HANDLES))
            claims.append(self._whole())
        if self.readings and self.plain_disk:
            claims.append(self._size(self.readings[-1].disk))
        return claims

    def _whole(self) -> Claim:
        """The most that all of it took in any cycle, those with kills included."""
        whole = max(sum(weight.memory for weight in reading.parts.values()) for reading in self.readings)
        renewed = len(self.renewed())
        anew = f", restarts of the server for its size: {renewed}" if renewed else ""
        return Claim("memory when idle, of all processes", f"{whole:.0f} MB at most{anew}", "< 400 MB", whole < 400)

    def _size(self, found: Mapping[str, float]) -> Claim:
        kept = sum(size for name, size in found.items() if name in KEPT)
        plain = sum(size for name, size in self.plain_disk.items() if name in KEPT)
        return Claim(
            "disk: archive and warehouse, beside those of undisturbed runs",
            f"{kept:.1f} MB, theirs {plain:.1f} MB",
            f"≤ {MOST_DISK:g} times as much",
            kept <= MOST_DISK * plain,
        )


def _flat(part: str, what: str, values: Sequence[float], slopes: Mapping[str, float], most: float) -> Claim:
    steep = slopes[f"{part} {what}"]
    unit = " MB" if what == "memory" else ""
    measured = f"{values[0]:.0f} to {values[-1]:.0f}{unit}, {max(values):.0f} at most, {steep:+.3f} a cycle"
    return Claim(f"{what} of the {part}", measured, f"≤ {most:g}{unit} a cycle", steep <= most)


def _none(text: str, faults: Sequence[str]) -> Claim:
    return Claim(text, f"{len(faults)}: {faults[0]}" if faults else "none", "none", not faults)
