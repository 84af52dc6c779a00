"""The gate: a cheap, recall-first test of whether a text may hold a restriction event.

A text passes where the relevance network finds a place in it that may tell an event. `docs/decisions.md` has what is
kept and what is let through.
"""

from extractors.model import bundled_relevance


class GazetteerGate:
    """The gate over the registries' gazetteer and the bundled relevance network, which is opened when first asked.

    It keeps what any reader may find. Before the bundled encoder (`for_encoder`) it keeps no more than that one reads:
    in the rest it would find nothing.
    """

    def __init__(self, *, for_encoder: bool = False) -> None:
        self._for_encoder = for_encoder

    def passes(self, text: str) -> bool:
        """Return False only where the text can hold no event. Raises ModelError if the network can't be opened."""
        relevance = bundled_relevance()
        return relevance.readable(text) if self._for_encoder else relevance.possible(text)
