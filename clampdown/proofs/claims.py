"""What a proof found: one claim a line, with the figure that was measured beside the one that was promised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Tell = Callable[[str], None]
"""Hears in one line what a long proof is doing now."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise held against a measurement: `measured` and `promised` are shown as they are."""

    text: str
    measured: str
    promised: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """All claims of one proof. It holds if each does. `figures` are what was measured on the way, for JSON."""

    name: str
    claims: tuple[Claim, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return bool(self.claims) and all(claim.holds for claim in self.claims)
