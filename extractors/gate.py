"""The gate: a cheap, recall-first test of whether a text may hold a restriction event.

A text passes where a word of restriction stands near a service or technology, or a forceful one near a body or a
country, or where it names a shutdown, which needs no service. The vocabulary was chosen on the train split alone;
`docs/decisions.md` has the measured recall and the share of everyday news that is let through.
"""

from bisect import bisect_left
from collections.abc import Sequence

from extractors.folding import key
from extractors.gazetteer import Hit, tag

REACH = 300
"""Characters within which two hits stand near each other."""
CLOSE = 100
"""The same for stretches of long texts: 98.1 % of annotated events pass, of everyday news half as much as with 300."""

_SERVICES = frozenset(("service", "technology"))
_PARTIES = frozenset(("body", "body_noun", "country", "demonym", "subdivision"))
_FORCEFUL = frozenset(("ban", "block", "suspend", "remove"))
_SHUTDOWNS = frozenset(("shutdown", "shutdowns", "shut down", "blackout", "blackouts", "throttling"))


class GazetteerGate:
    """The gate over the registries' gazetteer."""

    def passes(self, text: str) -> bool:
        """Return False only where the text can hold no event."""
        return passes(tag(text), text)


def passes(hits: Sequence[Hit], text: str) -> bool:
    """Decide by the gazetteer's hits in `text`."""
    restrictions = [hit for hit in hits if hit.kind == "restriction"]
    if not restrictions:
        return False
    if any(key(text[hit.start : hit.end]) in _SHUTDOWNS for hit in restrictions):
        return True
    if _near(restrictions, [hit for hit in hits if hit.kind in _SERVICES]):
        return True
    forceful = [hit for hit in restrictions if hit.canonical in _FORCEFUL]
    return _near(forceful, [hit for hit in hits if hit.kind in _PARTIES])


def passes_closely(hits: Sequence[Hit], text: str, start: int, end: int) -> bool:
    """Decide more strictly for a stretch of a long text: the word of restriction stands in [start, end), and a service
    stands close to it."""
    restrictions = [hit for hit in hits if hit.kind == "restriction" and start <= hit.start < end]
    if any(key(text[hit.start : hit.end]) in _SHUTDOWNS for hit in restrictions):
        return True
    return _near(restrictions, [hit for hit in hits if hit.kind in _SERVICES], CLOSE)


def _near(one: Sequence[Hit], other: Sequence[Hit], reach: int = REACH) -> bool:
    """Whether some hit of `one` starts within `reach` of one of `other`; both are ordered by start."""
    starts = [hit.start for hit in other]
    for hit in one:
        place = bisect_left(starts, hit.start - reach)
        if place < len(starts) and starts[place] <= hit.start + reach:
            return True
    return False
