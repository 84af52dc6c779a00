"""What a backend that is paid by the token has used: counts that can be added up, and a meter that does."""

from dataclasses import dataclass, fields
from threading import Lock


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of calls, tokens and what was wrong with the answers. `cost` is None where no price or no count is known.

    `calls` are answers that came over the network, `repaired` those among them that answer a request to mend the one
    before, `uncounted` those that told no tokens; `cached` are answers taken from the disk; `seconds` are the calls'
    own, added up although calls run side by side. `failed` counts documents without a usable answer,
    `invented_events` and `invented_fields` what was dropped because its words are not in the text.
    """

    calls: int = 0
    cached: int = 0
    repaired: int = 0
    uncounted: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    failed: int = 0
    invented_events: int = 0
    invented_fields: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        counts = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self) if one.name != "cost"
        }
        return Usage(**counts, cost=sum(costs) if costs else None)

    def __str__(self) -> str:
        parts = [
            f"{self.calls} calls, {self.cached} answers from the cache",
            f"{self.input_tokens:,} tokens in and {self.output_tokens:,} out",
            "cost unknown" if self.cost is None else f"cost {self.cost:.4f}",
            f"{self.seconds:.1f} s of waiting",
        ]
        for count, what in (
            (self.uncounted, "calls without a count of tokens"),
            (self.repaired, "answers asked for again"),
            (self.failed, "texts without a usable answer"),
            (self.invented_events, "events with invented quotes dropped"),
            (self.invented_fields, "invented quotes of single fields dropped"),
        ):
            if count:
                parts.append(f"{count} {what}")
        return "; ".join(parts)


class Meter:
    """Adds up usage over calls and threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._total = Usage()

    @property
    def total(self) -> Usage:
        return self._total

    def add(self, usage: Usage) -> None:
        with self._lock:
            self._total += usage
