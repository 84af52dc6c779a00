"""What a proof found: one claim a line, with the figure that was measured beside the one that was promised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import InputError

Tell = Callable[[str], None]
"""Hears in one line what a long proof is doing now."""


class NotPossible(InputError):
    """A proof needs what is not installed here, or what this machine does not allow. It says nothing on the promise."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise held against a measurement: `measured` and `promised` are shown as they are."""

    text: str
    measured: str
    promised: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """All claims of one proof. It holds if each does. `figures` are what was measured on the way, for JSON.

    `left_out` says in words what of it could not be done here, and why.
    """

    name: str
    claims: tuple[Claim, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return bool(self.claims) and all(claim.holds for claim in self.claims)
